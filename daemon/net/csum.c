/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>

#include "net/packet.h"

/*
 * The one's complement sum does not care about byte order or word size
 * (RFC 1071, 2): words are loaded as they lie, eight bytes at a time, and only
 * the folded result is brought into host order.
 */

static uint64_t add_carry(uint64_t a, uint64_t b)
{
    uint64_t sum = a + b;
    return sum + (sum < a);
}

static uint64_t load(const uint8_t *b, size_t len)
{
    uint64_t word = 0;
    memcpy(&word, b, len);
    return word;
}

static uint64_t load8(const uint8_t *b)
{
    uint64_t word;
    memcpy(&word, b, sizeof word);
    return word;
}

uint64_t csum_add(uint64_t sum, const void *data, size_t len)
{
    const uint8_t *b = data;
    if (len >= 32) {
        /* Carries gather in the upper half; two sums, so that one need not wait for the other. */
        unsigned __int128 even = sum, odd = 0;
        for (; len >= 32; b += 32, len -= 32) {
            even += load8(b);
            odd += load8(b + 8);
            even += load8(b + 16);
            odd += load8(b + 24);
        }
        even += odd;
        sum = add_carry((uint64_t)even, (uint64_t)(even >> 64));
    }
    for (; len >= 8; b += 8, len -= 8)
        sum = add_carry(sum, load8(b));
    return len > 0 ? add_carry(sum, load(b, len)) : sum;
}

uint16_t csum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~ntohs((uint16_t)sum);
}

uint64_t csum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, uint32_t l4_len)
{
    size_t len = src->family == 6 ? 16 : 4;
    uint64_t sum = (uint64_t)htonl(l4_len) + htons(proto);
    sum = csum_add(sum, src->bytes, len);
    return csum_add(sum, dst->bytes, len);
}
