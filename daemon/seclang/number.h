/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_NUMBER_H
#define SLUICE_SECLANG_NUMBER_H

#include "base/span.h"

/* Variables' values as numbers and back, as ModSecurity's setvar counts: 32 bits that wrap. */

#define NUMBER_TEXT 12

/* Blanks, a sign, digits, whatever is behind; 0 where there is no digit, or it does not fit. */
static inline int32_t number_of(struct span s)
{
    size_t i = 0;
    int64_t n = 0;
    while (i < s.len && (s.data[i] == ' ' || (s.data[i] >= '\t' && s.data[i] <= '\r')))
        i++;
    bool negative = i < s.len && s.data[i] == '-';
    if (i < s.len && (s.data[i] == '-' || s.data[i] == '+'))
        i++;
    for (; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++) {
        n = n * 10 + (s.data[i] - '0');
        if (n > (int64_t)INT32_MAX + 1)
            return 0;
    }
    n = negative ? -n : n;
    return n > INT32_MAX ? 0 : (int32_t)n;
}

/* Decimal; buf is NUMBER_TEXT bytes, which the span is a part of. */
static inline struct span number_text(int32_t n, char *buf)
{
    char *at = buf + NUMBER_TEXT;
    uint32_t left = n < 0 ? 0 - (uint32_t)n : (uint32_t)n;
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (n < 0)
        *--at = '-';
    return span_of(at, (size_t)(buf + NUMBER_TEXT - at));
}

#endif
