/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_FACTORS_H
#define SLUICE_MATCH_FACTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

#define FACTORS_MAX 160
#define FACTOR_LEN 12

/* Bit 5 set in every byte: letters lose their case, and no two bytes that were alike come to differ. */
#define FACTOR_FOLD 0x20u

/* Short strings, folded. */
struct factors {
    unsigned n;
    uint8_t len[FACTORS_MAX];
    uint8_t at[FACTORS_MAX][FACTOR_LEN];
};

#define FACTOR_GRAM 4 /* bytes of a string that are looked for */

/*
 * The rarest bytes of a string, at most FACTOR_GRAM, and how rare: they stand
 * at about one place in 2^bits of ordinary text.
 */
struct factor_gram {
    size_t at, len;
    unsigned bits;
};

struct factor_gram factor_gram(struct span s);

/*
 * Strings of which every match of a regex (PCRE2's syntax) contains one, none
 * of them empty. False where none are found, as in what is not understood.
 */
MUST_CHECK bool factors_of_regex(struct span pattern, struct factors *ret);

#endif
