/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "observe/utf8.h"

/* The length that a first byte announces, 0 for none, and the range of the second byte. */
static int announced(uint8_t first, uint8_t *low, uint8_t *high)
{
    *low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;  /* no overlong forms */
    *high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf; /* no surrogates, up to U+10FFFF */
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

int utf8_step(const uint8_t *p, size_t n)
{
    uint8_t low, high;
    int len = announced(p[0], &low, &high);
    for (int i = 1; i < len; i++) {
        if ((size_t)i == n)
            return UTF8_SHORT;
        if (p[i] < low || p[i] > high)
            return UTF8_BAD;
        low = 0x80;
        high = 0xbf;
    }
    return len;
}
