/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_FACTORS_H
#define SLUICE_MATCH_FACTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

#define FACTORS_MAX 768
#define FACTOR_LEN 16

/* Bit 5 set in every byte: letters lose their case, and no two bytes that were alike come to differ. */
#define FACTOR_FOLD 0x20u

/* Short strings in lower case; where grams are made of them, folded. */
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

struct factor_bytes {
    uint64_t w[4];
};

bool factor_bytes_has(const struct factor_bytes *s, uint8_t c);
void factor_bytes_add(struct factor_bytes *s, uint8_t c);
void factor_bytes_add_caseless(struct factor_bytes *s, uint8_t c);

#define NEEDS_SETS 6

/*
 * What every match of a regex contains: one of the strings, in any case, and
 * one of `also`; a byte of each set. One byte of `gaps`, what may stand between
 * a string's letters, does for both strings.
 */
struct needs {
    struct factors strings; /* none of them empty; n 0: nothing is known */
    struct factors also;    /* the same, of another part of the regex */
    struct factor_bytes gaps;
    bool has_gaps;
    unsigned n_sets;
    struct factor_bytes sets[NEEDS_SETS];
};

/* False where nothing is known. */
MUST_CHECK bool needs_of_regex(struct span pattern, struct needs *ret);

#endif
