/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_FACTORS_INTERNAL_H
#define SLUICE_MATCH_FACTORS_INTERNAL_H

#include "match/factors.h"

/* What is known of a part of a regex. */
struct known {
    bool exact;         /* it matches nothing but `set` */
    bool some;          /* not exact: every match contains one of `set` */
    bool head;          /* some: it stands at the beginning of the match; true where exact */
    struct factors set; /* in an exact one strings may be empty */
    unsigned n_sets;    /* every match contains a byte of each of `sets` */
    struct factor_bytes sets[NEEDS_SETS];
};

void known_empty(struct known *k);
void known_anything(struct known *k);
void known_byte(struct known *k, uint8_t c);
/* One byte of a set, in any case. */
void known_bytes(struct known *k, const struct factor_bytes *s);

/* Makes of k what stands there `least` to `most` times; most 2: or more often. */
void known_repeat(struct known *k, unsigned least, unsigned most);
/* Either of the two. */
void known_unite(struct known *a, const struct known *b);
/* What is needed by b too: sets only. */
void known_also(struct known *a, const struct known *b);
/* Each of a's strings before each of b's, which begin what follows a; false where that is too much. */
bool known_cross(struct known *a, const struct known *b);
/* Makes *best, of which only strings count, the better of the two; whether that is k. */
bool known_prefer(struct known *best, const struct known *k);
/* Takes what may be left out for empty, where it is not without a rare byte; *gaps gets such bytes. */
bool known_skip(struct known *k, struct factor_bytes *gaps);
/* How often any of the strings, or a byte of gaps, is met. */
uint64_t known_cost(const struct known *k, const struct factor_bytes *gaps);

/* What a sieve looks for; false where that is nothing. */
bool known_folded_grams(const struct known *k, struct factors *ret);
/* also: of another part, with n 0 in its set where there is none. */
void known_needs(const struct known *k, const struct known *also, struct needs *ret);

#endif
