/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_LIMIT_H
#define SLUICE_INSPECT_LIMIT_H

#include "base/sip.h"
#include "inspect/ruleset.h"

#define LIMIT_FIELDS_MAX 3
#define LIMIT_COUNT_MAX 1000000u
#define LIMIT_PER_MAX (30u * 86400)

/* A part of what a rule's matches are counted by: a field's first value, or both addresses of the packet. */
struct limit_field {
    bool pair;
    uint8_t field;
    uint32_t operand; /* PROGRAM_NONE: the packet's field as it is */
};

/* `count` matches of a key in `per` seconds, at most `burst` of them at once. */
struct limit {
    struct limit_field fields[LIMIT_FIELDS_MAX];
    unsigned n;
    uint32_t count, per, burst;
    uint64_t identity; /* the same for rules of the same id and limit, in another ruleset too */
};

struct view;

/* Where a rule's limit stands on a subject. */
enum limit_answer {
    LIMIT_NO_KEY, /* it lacks a field of the key: not counted */
    LIMIT_WITHIN,
    LIMIT_BEYOND,
};

/*
 * How often keys were seen, for all limits of a ruleset, shared by all workers
 * without locks, and by rulesets that follow each other: counted references.
 */
struct limit_table;

/* Room for about `keys` keys. NULL when out of memory, or without random numbers. */
MUST_CHECK struct limit_table *limit_table_new(uint32_t keys);
struct limit_table *limit_table_share(struct limit_table *t);
void limit_table_free(struct limit_table *t);
size_t limit_table_keys(const struct limit_table *t);

/* Counts the key with this hash. True when it is beyond the limit. Any thread. */
bool limit_table_count(struct limit_table *t, const struct limit *l, uint64_t hash, uint64_t now_ms);
/* A hash with the table's key to begin with. */
struct sip limit_table_hash(const struct limit_table *t);

/* Counts the subject by its key. May set v->failed: out of memory. */
enum limit_answer limit_ask(struct limit_table *t, const struct limit *l, struct view *v);

#endif
