/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_INDEX_H
#define SLUICE_INSPECT_INDEX_H

#include "inspect/keys.h"

struct slot {
    index_key key; /* 0: free */
    uint32_t list; /* in entries */
};

/*
 * Finds the rules of one phase that a subject could satisfy: each rule stands
 * under keys of which a packet must have one, or under patterns that a scan
 * finds, or in the list for all packets.
 */
struct index {
    struct slot *slots; /* open addressing, at most half full */
    size_t n_slots;
    uint64_t *filter; /* a bit for each key: most lookups end here, in the first-level cache */
    size_t filter_mask;
    uint32_t *entries;  /* lists, each its length and then rule numbers, ascending */
    uint32_t *patterns; /* by pattern: its list in entries, 0 for none; NULL where there are none at all */
    uint32_t *eager;    /* operands whose values are scanned: those that the patterns belong to */
    uint32_t n_eager;
    uint32_t n_rules;
    uint32_t rest;               /* the list for all packets */
    bool has[8];                 /* by enum key_kind */
    uint8_t prefixes[2][2][128]; /* [source, destination][IPv4, IPv6]: lengths in use */
    uint8_t n_prefixes[2][2];
};

/* Collects the demands of rules, in the order of their numbers. Zeroed is empty. */
struct index_build {
    struct atoms atoms;
    struct rule_demand *rules;
    size_t n, cap;
    size_t expected; /* how many rules are to come, about */
    /* Of the index being built. */
    const struct program *pg;
    uint16_t phase; /* its bit */
};

/* False when out of memory. */
MUST_CHECK bool index_add(struct index_build *b, uint32_t rule, uint16_t phases, const struct expr *ex,
                          const struct program *pg);
/*
 * Makes the index of a phase: chooses for each of its rules the keys that are
 * had by the fewest packets and shared with the fewest rules. Patterns that no
 * scan finds (PATTERN_ALONE) are no keys.
 */
MUST_CHECK bool index_build(struct index *ix, struct index_build *b, unsigned phase, const struct program *pg);
void index_build_free(struct index_build *b);
void index_free(struct index *ix);

/* At most: all packets, two ports, protocol, rare bits, anomalies of HTTP, and every prefix length of both addresses.
 */
#define INDEX_LISTS_MAX (4 + 32 + 64 + 2 * 128)

struct index_list {
    const uint32_t *at, *end;
};

/* The lists of rules that p (and tx, where not NULL) could satisfy by its keys; none is empty. Returns how many. */
unsigned index_find(const struct index *ix, const struct packet *p, const struct http_tx *tx,
                    struct index_list lists[INDEX_LISTS_MAX]);

#endif
