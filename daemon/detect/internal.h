/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DETECT_INTERNAL_H
#define SLUICE_DETECT_INTERNAL_H

#include <stdatomic.h>
#include <string.h>

#include "detect/detect.h"

/* Private to detect/. */

/* Ways of a set in the tables: words that lie in one cache line. */
#define WAYS 8u
#define LINE 64u

/*
 * How long ago `then` was, both stamps of so many bits. The workers' clocks,
 * read once a batch, are apart: what lies a little ahead is now.
 */
static inline uint64_t ago(uint64_t now, uint64_t then, unsigned bits, uint64_t ahead)
{
    uint64_t mask = (UINT64_C(1) << bits) - 1, passed = (now - then) & mask;
    return passed > mask - ahead ? 0 : passed;
}

/* As far as clocks may be apart. */
#define AHEAD_MS 2000u

/* ---- nets.c ---- */

/* Addresses from first to last; IPv4 in the first four bytes. */
struct net_range {
    uint8_t first[16], last[16];
};

/* Sorted, apart from each other. */
struct net_ranges {
    struct net_range *v4, *v6;
    size_t n4, n6;
};

/* 0, or -ENOMEM, -EINVAL for a text that is no network. */
MUST_CHECK int nets_read(const struct config_strings *texts, struct net_ranges *ret);
void nets_free(struct net_ranges *n);
bool nets_equal(const struct net_ranges *a, const struct net_ranges *b);
bool nets_have(const struct net_ranges *n, const struct ip_addr *addr);

/* ---- hash.c ---- */

/*
 * A hash under a key that nobody outside knows, nor sees the results of: by
 * multiplication, since each packet pays for it.
 */
struct hash_key {
    uint64_t k[3];
};

MUST_CHECK bool hash_key_new(struct hash_key *ret);

static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Of an address and a word beside it. */
static inline uint64_t hash_addr(const struct hash_key *key, const struct ip_addr *a, uint64_t beside)
{
    uint64_t w[2];
    memcpy(w, a->bytes, sizeof w);
    uint64_t h = hash_fold(w[0] ^ key->k[0], w[1] ^ key->k[1]);
    h = hash_fold(h ^ key->k[2], beside ^ key->k[0] ^ (uint64_t)a->family << 56);
    /* Ports in a row would be spread too evenly by a product alone. */
    h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

/* ---- scan.c: sources that try many targets ---- */

struct scan;

MUST_CHECK struct scan *scan_new(uint32_t threshold, uint32_t per_s);
void scan_free(struct scan *s);
size_t scan_memory(void);

struct scan_result {
    unsigned targets; /* about how many in this window */
    bool event;
    uint64_t held_back;
};

/* Whether the packet tries what may be open, as scanners do. */
bool scan_is_probe(const struct packet *p);
/* The source tried the target (hashes of them). True where it is over the threshold, or was a little while ago. */
bool scan_try(struct scan *s, uint64_t source, uint64_t target, uint64_t now_ms, struct scan_result *ret);

/* ---- syn.c: half-open connections ---- */

struct syn;

MUST_CHECK struct syn *syn_new(uint32_t threshold, bool challenges, size_t workers);
void syn_free(struct syn *s);
size_t syn_memory(const struct syn *s, size_t workers);
bool syn_challenges(const struct syn *s);

/* A packet of an open connection came from this source. */
void syn_completed(struct syn *s, uint64_t source, uint64_t now_ms);
/* True where this SYN is to be dropped: it is one's first, in a flood, and of nobody that we know. */
bool syn_first(struct syn *s, size_t worker, uint64_t source, uint64_t syn, uint64_t now_ms);
/* Connections that are half open now, as far as told. */
uint64_t syn_half_open(const struct syn *s);

enum syn_change { SYN_SAME, SYN_BEGINS, SYN_ENDS };
/* figure: the half-open connections at the beginning, the SYNs held up at the end. */
enum syn_change syn_told(struct syn *s, size_t worker, uint64_t half_open, uint64_t now_ms, uint64_t *figure);

/* ---- events ---- */

#define TELL_EACH_MS 10000u

/* Of a word that holds when it was last told (32 bits of ms) and how often it was not since: whether to tell now. */
bool tell(_Atomic uint64_t *word, uint64_t now_ms, uint64_t *held_back);

#endif
