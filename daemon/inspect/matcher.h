/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_MATCHER_H
#define SLUICE_INSPECT_MATCHER_H

#include "inspect/index.h"
#include "inspect/scratch.h"
#include "match/database.h"
#include "match/sieve.h"

/*
 * Scans an operand's values for all patterns of that operand at once: strings
 * and regexes in one Vectorscan database; whole strings, beginnings and ends in
 * a hash table. What Vectorscan cannot do exactly as PCRE2 does is only found
 * by it, or not at all: see enum pattern_mode.
 */
/* Where in a value a string of the hash table must stand. */
enum anchor { ANCHOR_WHOLE, ANCHOR_START, ANCHOR_END, ANCHORS };

struct anchored {
    uint32_t hash, pattern; /* pattern PROGRAM_NONE: free */
    struct span string;
    uint8_t anchor;
};

#define ANCHORED_MAX 63 /* bytes of a beginning or an end in the table; lengths are looked up one by one */

struct group {
    hs_database_t *db;   /* NULL where a few strings are tried one by one, and where the hash table does */
    struct sieve *sieve; /* NULL: every value is scanned */
    uint32_t sieve_max;  /* bytes of a value that it is asked about */
    uint32_t *patterns;
    uint32_t n;
    uint32_t shortest; /* no value below this can match what is in the database */
    bool compiled;
    bool loop;  /* patterns are tried one by one */
    bool heavy; /* a pattern is a long list: dear to try alone */
    struct anchored *anchored;
    uint32_t anchored_slots;
    uint64_t lengths[ANCHORS];  /* a bit for each length that a string has; the last for all that are longer */
    uint64_t bytes[ANCHORS][4]; /* a bit for each byte that a string begins with, or, at the end, ends with */
};

struct matcher {
    struct group *groups; /* by operand */
    size_t n;
    hs_scratch_t *hs; /* fits every database; cloned for each thread */
};

/* Sorts the program's patterns into groups. False when out of memory. */
MUST_CHECK bool matcher_init(struct matcher *m, const struct program *pg);
/*
 * Compiles the group of an operand, or takes it from the folder `cache` (NULL:
 * none), and tells each pattern's mode. Nothing that Vectorscan refuses is an
 * error. False when out of memory.
 */
MUST_CHECK bool matcher_compile(struct matcher *m, struct program *pg, uint32_t operand, const char *cache);
void matcher_free(struct matcher *m);

/* Scans the operand's values: hits are noted, and the rules that the view's index has under them put on the agenda. */
void matcher_scan(struct view *v, uint32_t operand);
/* Whether a scan has told of the test's pattern, or does now where that is cheaper than trying it. */
bool matcher_scanned(struct view *v, const struct test *t);

/* ---- the hash table, while a group is made ---- */

MUST_CHECK bool anchored_reserve(struct group *g, size_t strings);
/* At most as many as were reserved. */
void anchored_put(struct group *g, uint32_t pattern, enum anchor anchor, struct span s);

#endif
