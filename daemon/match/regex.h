/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_REGEX_H
#define SLUICE_MATCH_REGEX_H

#include "base/cleanup.h"
#include "base/span.h"

/* A compiled pattern (PCRE2, bytes); threads share it. */
struct regex;
/* A thread's own memory to match with. */
struct regex_memory;

/* NULL with what is wrong and at which byte of the pattern, when the pattern is bad. */
MUST_CHECK struct regex *regex_new(struct span pattern, char *why, size_t size, size_t *at);
/* Machine code for r, where the system allows it; without it matching is slower. Before threads share r. */
void regex_speed(struct regex *r);
void regex_free(struct regex *r);

/* steps: PCRE2's match limit. NULL when out of memory. */
MUST_CHECK struct regex_memory *regex_memory_new(uint32_t steps);
void regex_memory_free(struct regex_memory *m);

/* 1 a match, 0 none, -1 when it cannot be told within the limits. No allocation. */
int regex_match(const struct regex *r, struct regex_memory *m, struct span subject);
/* Where the last match lies in its subject. */
void regex_where(const struct regex_memory *m, size_t *start, size_t *end);

#endif
