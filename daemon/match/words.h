/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_WORDS_H
#define SLUICE_MATCH_WORDS_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/span.h"

/* Many words looked for at once (Aho and Corasick), ASCII letters in any case. Any thread. */
struct words;

struct words_match {
    size_t start, end; /* in the value */
    struct span text;  /* the same as the list has it; lives as long as the words */
};

/* Words are copied; empty ones match nothing. NULL when out of memory. */
MUST_CHECK struct words *words_new(const struct span *at, size_t n);
void words_free(struct words *w);

/*
 * Where the first word ends. What is told is the longest beginning of a word
 * that ends there: the word itself, or what of another one it ends.
 */
bool words_find(const struct words *w, struct span value, struct words_match *ret);
/* The i-th word as given, duplicates and empty ones left out; false past the last. */
bool words_get(const struct words *w, size_t i, struct span *ret);

#endif
