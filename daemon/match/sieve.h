/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_SIEVE_H
#define SLUICE_MATCH_SIEVE_H

#include "match/factors.h"

/*
 * Tells of most short values in a few nanoseconds that no pattern of a group
 * matches in them, so that they need no scan, which costs more than that before
 * it looks at a byte. Each pattern has to leave a few bytes here that all its
 * matches contain.
 */
struct sieve;

/* Bytes to look for. Zeroed is empty. */
struct sieve_build {
    struct sieve_gram {
        uint32_t bytes;
        uint8_t len;
    } * grams;
    size_t n, cap;
};

/* A string that is looked for; cased or not. False when it is empty or memory is out. */
MUST_CHECK bool sieve_add_string(struct sieve_build *b, struct span s);
/* False when nothing is known that all matches contain, or memory is out. */
MUST_CHECK bool sieve_add_regex(struct sieve_build *b, struct span pattern);
/* Takes what was added; NULL where that is nothing, or memory is out. */
MUST_CHECK struct sieve *sieve_new(struct sieve_build *b);
void sieve_build_free(struct sieve_build *b);
void sieve_free(struct sieve *s);

/* Whether anything that was added could be in the value. */
bool sieve_may_hold(const struct sieve *s, struct span value);

#endif
