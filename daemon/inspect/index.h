/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_INDEX_H
#define SLUICE_INSPECT_INDEX_H

#include "inspect/keys.h"

struct slot {
    index_key key; /* 0: free */
    uint32_t list; /* in entries */
};

/*
 * Finds the rules that a packet could satisfy: each rule stands under keys of
 * which a packet must have one, or in the list for all packets.
 */
struct index {
    struct slot *slots; /* open addressing, at most half full */
    size_t n_slots;
    uint64_t *filter; /* a bit for each key: most lookups end here, in the first-level cache */
    size_t filter_mask;
    uint32_t *entries;           /* lists, each its length and then rule numbers, ascending */
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
};

/* False when out of memory. */
MUST_CHECK bool index_add(struct index_build *b, uint32_t rule, const struct expr *ex, const struct program *pg);
/* Chooses for each rule the keys that are had by the fewest packets and shared with the fewest rules. */
MUST_CHECK bool index_build(struct index *ix, struct index_build *b);
void index_build_free(struct index_build *b);
void index_free(struct index *ix);

/* At most: all packets, two ports, protocol, rare bits, and every prefix length of both addresses. */
#define INDEX_LISTS_MAX (4 + 32 + 2 * 128)

struct index_list {
    const uint32_t *at, *end;
};

/* The lists of rules that p could satisfy; none is empty. Returns how many. */
unsigned index_find(const struct index *ix, const struct packet *p, struct index_list lists[INDEX_LISTS_MAX]);

#endif
