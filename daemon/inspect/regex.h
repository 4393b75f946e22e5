/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_REGEX_H
#define SLUICE_INSPECT_REGEX_H

#include "base/cleanup.h"
#include "base/span.h"

/* A compiled pattern (PCRE2, bytes); threads share it. */
struct regex;
/* A thread's own memory to match with. */
struct matcher;

/* NULL with what is wrong and at which byte of the pattern, when the pattern is bad. */
MUST_CHECK struct regex *regex_new(struct span pattern, char *why, size_t size, size_t *at);
void regex_free(struct regex *r);

/* steps: PCRE2's match limit. NULL when out of memory. */
MUST_CHECK struct matcher *matcher_new(uint32_t steps);
void matcher_free(struct matcher *m);

/* 1 a match, 0 none, -1 when it cannot be told within the limits. No allocation. */
int regex_match(const struct regex *r, struct matcher *m, struct span subject);

#endif
