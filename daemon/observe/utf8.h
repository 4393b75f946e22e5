/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_OBSERVE_UTF8_H
#define SLUICE_OBSERVE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_BAD 0
#define UTF8_SHORT (-1)

/*
 * How many bytes the character at p has (RFC 3629), of n that are there, at
 * least 1: 1 to 4, UTF8_BAD for a byte that begins none, or UTF8_SHORT where
 * the n bytes begin one that goes on behind them.
 */
int utf8_step(const uint8_t *p, size_t n);

#endif
