/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf8.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Skips ASCII, eight bytes at a time. */
static size_t skip_ascii(struct span v, size_t i)
{
    for (; v.len - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, v.data + i, 8);
        if (word & HIGH_BITS)
            break;
    }
    while (i < v.len && v.data[i] < 0x80)
        i++;
    return i;
}

/* The length of the character at p, or of what is there of it; 0 where it is none. Unicode, table 3-7. */
static size_t character(const uint8_t *p, size_t left, bool cut)
{
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (len > left && !cut)
        return 0;
    len = len < left ? len : left;
    uint8_t low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
    uint8_t high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
    for (size_t i = 1; i < len; i++, low = 0x80, high = 0xbf)
        if (p[i] < low || p[i] > high)
            return 0;
    return len;
}

bool utf8_valid(struct span v, bool cut)
{
    for (size_t i = skip_ascii(v, 0), len; i < v.len; i = skip_ascii(v, i + len)) {
        len = character(v.data + i, v.len - i, cut);
        if (!len)
            return false;
    }
    return true;
}
