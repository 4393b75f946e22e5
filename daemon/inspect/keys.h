/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_KEYS_H
#define SLUICE_INSPECT_KEYS_H

#include "inspect/expr.h"
#include "inspect/field.h"

/*
 * A key is something a packet has: a port, a protocol, a network that one of
 * its addresses lies in, a rare bit, a pattern in a value. Two that hash alike
 * only make a rule be looked at in vain.
 */
typedef uint64_t index_key;

enum key_kind {
    KEY_DSTPORT = 1,
    KEY_SRCPORT,
    KEY_PROTO,
    KEY_SRC,
    KEY_DST,
    KEY_RARE,
    KEY_PATTERN, /* a pattern that an operand's values match; not looked up but told by a scan */
};

static inline index_key key_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)(a ^ UINT64_C(0x9e3779b97f4a7c15)) * (b ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)(m >> 64) ^ (uint64_t)m;
}

/* Ports (with enum l4_kind as `sub`), protocols and rare bits. */
static inline index_key key_small(enum key_kind kind, unsigned sub, uint64_t v)
{
    return key_mix((uint64_t)kind << 56 | (uint64_t)sub << 48 | v, 0) | 1;
}

/* A network; bits are the address shifted right by its host bits. */
static inline index_key key_net(enum key_kind kind, uint8_t family, unsigned prefix, addr_bits bits)
{
    uint64_t high = (uint64_t)(bits >> 64) ^ ((uint64_t)kind << 56 | (uint64_t)family << 48 | prefix);
    return key_mix(high, (uint64_t)bits) | 1;
}

struct atom {
    index_key key;
    uint8_t kind, family, prefix; /* of KEY_SRC and KEY_DST */
    uint32_t pattern;             /* KEY_PATTERN */
    float weight;                 /* about how many of 1 packets have it */
};

/* A list of keys of which a packet must have at least one to satisfy the condition. */
struct alternative {
    size_t at, n; /* in atoms */
    float weight;
};

#define ALTERNATIVES_MAX 4

/* What one condition demands: any one alternative will do to find it by. None: every packet must look. */
struct demand {
    struct alternative alt[ALTERNATIVES_MAX];
    unsigned n;
};

struct atoms {
    struct atom *at;
    size_t n, cap;
    size_t limit; /* keys that one rule may have */
    bool failed;  /* out of memory */
};

/* Works out a condition's demand; its atoms are appended. */
struct demand keys_of(struct atoms *atoms, const struct expr *ex, const struct program *pg);

#endif
