/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/crc32c.h"

#include <stdbool.h>
#include <string.h>

uint32_t crc32c_add_portable(uint32_t crc, const void *data, size_t len)
{
    /* The remainders of four bits, polynomial 0x1edc6f41 reflected. */
    static const uint32_t rest[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *b = data;
    for (size_t i = 0; i < len; i++) {
        crc ^= b[i];
        crc = (crc >> 4) ^ rest[crc & 15];
        crc = (crc >> 4) ^ rest[crc & 15];
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t add_sse42(uint32_t crc, const uint8_t *b, size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; b += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, b, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; len > 0; b++, len--)
        crc = __builtin_ia32_crc32qi(crc, *b);
    return crc;
}

uint32_t crc32c_add(uint32_t crc, const void *data, size_t len)
{
    if (__builtin_cpu_supports("sse4.2"))
        return add_sse42(crc, data, len);
    return crc32c_add_portable(crc, data, len);
}
#else
uint32_t crc32c_add(uint32_t crc, const void *data, size_t len)
{
    return crc32c_add_portable(crc, data, len);
}
#endif
