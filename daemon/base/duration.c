/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/duration.h"

/* 0 for what is no unit. */
static uint32_t seconds_of(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

bool duration_parse(const char *text, size_t len, uint32_t *ret)
{
    uint32_t unit = len ? seconds_of(text[len - 1]) : 0;
    size_t digits = unit ? len - 1 : len;
    uint64_t v = 0;
    if (unit == 0)
        unit = 1;
    for (size_t i = 0; i < digits; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(text[i] - '0');
        if (v * unit > UINT32_MAX)
            return false;
    }
    *ret = (uint32_t)v * unit;
    return digits > 0;
}
