/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_NFT_H
#define SLUICE_DIVERT_NFT_H

#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

/*
 * A thin layer over libnftnl: one nf_tables transaction, built message by
 * message and committed at once. A failed step is remembered and nft_commit
 * tells it, so that builders need not check each call.
 */
struct nft_tx;

/* Starts a transaction on one table of a family (NFPROTO_*); NULL when out of memory. */
MUST_CHECK struct nft_tx *nft_begin(uint8_t family, const char *table);
void nft_free(struct nft_tx *tx);

/*
 * Sends it. Returns 0 when all of it is in force; otherwise none of it is, and
 * a negative errno, with the step that failed in why.
 */
MUST_CHECK int nft_commit(struct nft_tx *tx, char *why, size_t why_size);

/* A digest of the steps so far, never 0: equal steps from the start give equal digests. 0 when a step has failed. */
uint64_t nft_digest(const struct nft_tx *tx);

void nft_add_table(struct nft_tx *tx);
/* Removes the table with all in it; nft_add_table before it makes that safe where there is none. */
void nft_del_table(struct nft_tx *tx);
void nft_add_chain(struct nft_tx *tx, const char *name);
void nft_add_base_chain(struct nft_tx *tx, const char *name, uint32_t hook, int32_t priority);
void nft_del_chain(struct nft_tx *tx, const char *name);
/* Removes every rule of the table. */
void nft_flush_rules(struct nft_tx *tx);
/* A counter that is there already keeps what it has counted. */
void nft_add_counter(struct nft_tx *tx, const char *name);
void nft_add_counter_at(struct nft_tx *tx, const char *name, uint64_t packets, uint64_t bytes);
void nft_del_counter(struct nft_tx *tx, const char *name);

/* nftables' numbers of key types, for those who list the table. */
enum nft_key {
    NFT_KEY_IPV4 = 7,
    NFT_KEY_IPV6 = 8,
    NFT_KEY_MAC = 9,
    NFT_KEY_ETHERTYPE = 10,
    NFT_KEY_PROTO = 12,
    NFT_KEY_PORT = 13,
    NFT_KEY_MARK = 19,
    NFT_KEY_IFNAME = 41,
    NFT_KEY_IPV4_MAC = NFT_KEY_IPV4 << 6 | NFT_KEY_MAC, /* a concatenation */
};

/* An element: first to last, both included, len bytes each, network order. */
struct nft_range {
    uint8_t first[16], last[16];
};

void nft_del_set(struct nft_tx *tx, const char *name);
/* Adds a set of intervals; ranges are sorted and merged in place. */
void nft_add_ranges(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len, struct nft_range *ranges,
                    size_t n);
/* Adds a set of names (interfaces). */
void nft_add_names(struct nft_tx *tx, const char *name, const char *const *names, size_t n);
/* Adds a set of pairs of two-byte numbers, each pair as nft_load_payload_at leaves it in slots 0 and 1. */
void nft_add_pairs(struct nft_tx *tx, const char *name, const uint16_t (*pairs)[2], size_t n);
/* Adds a map from 0..n-1 to the chains "<prefix>0".."<prefix>n-1". */
void nft_add_chain_map(struct nft_tx *tx, const char *name, const char *chain_prefix, uint32_t n);

/* A rule at a chain's end: nft_rule, its expressions, nft_rule_end. */
struct nftnl_rule *nft_rule(struct nft_tx *tx, const char *chain);
void nft_rule_end(struct nft_tx *tx, struct nftnl_rule *r);
/* Why the rule is there, for those who list the table; cut at NFT_COMMENT_MAX - 1 bytes. */
void nft_comment(struct nftnl_rule *r, const char *text);
#define NFT_COMMENT_MAX 128

/* Expressions. Values pass through register 1. */
void nft_load_meta(struct nftnl_rule *r, uint32_t key);
void nft_load_ct(struct nftnl_rule *r, uint32_t key);
void nft_load_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len);
/* The same into one of the four 4-byte parts of register 1, for the look-up of a pair. */
void nft_load_payload_at(struct nftnl_rule *r, unsigned slot, uint32_t base, uint32_t offset, uint32_t len);
void nft_load_symhash(struct nftnl_rule *r, uint32_t modulus, uint32_t offset);
/* register = (register & mask) ^ xor, four bytes in host order */
void nft_bitwise(struct nftnl_rule *r, uint32_t mask, uint32_t xor);
/* register = register & mask, len bytes as they stand in the packet */
void nft_and(struct nftnl_rule *r, const void *mask, uint32_t len);
/* The rule goes on only where register == data (or != where `differs`). */
void nft_cmp(struct nftnl_rule *r, bool differs, const void *data, uint32_t len);
void nft_cmp_u32(struct nftnl_rule *r, bool differs, uint32_t value);
/* Compares by another operator (NFT_CMP_GTE ...), as big-endian numbers. */
void nft_cmp_op(struct nftnl_rule *r, enum nft_cmp_ops op, const void *data, uint32_t len);
void nft_in_set(struct nftnl_rule *r, const char *set);
void nft_not_in_set(struct nftnl_rule *r, const char *set);
/* Jumps to the chain that the map gives for the register. */
void nft_vmap(struct nftnl_rule *r, const char *map);
void nft_set_mark(struct nftnl_rule *r);
void nft_set_ct_mark(struct nftnl_rule *r);
void nft_count(struct nftnl_rule *r, const char *counter);
void nft_verdict(struct nftnl_rule *r, int verdict, const char *chain);
void nft_reject(struct nftnl_rule *r, uint32_t type, uint8_t code);
void nft_queue(struct nftnl_rule *r, uint16_t first, uint16_t total, bool bypass);
/* The queue's number comes from the register. */
void nft_queue_register(struct nftnl_rule *r, bool bypass);
/* The xt NFQUEUE target, revision 3, through nft_compat. */
void nft_xt_queue(struct nftnl_rule *r, uint16_t first, uint16_t total, bool bypass);

/* A part of an IPv6 extension header; the rule does not go on where the packet has none of this type. */
void nft_load_ipv6_header(struct nftnl_rule *r, uint8_t type, uint32_t offset, uint32_t len);
/* The rule goes on only where register lies between (or, `outside`, not between) two big-endian numbers. */
void nft_between(struct nftnl_rule *r, bool outside, const void *first, const void *last, uint32_t len);
/* The rule goes on so many times a second. */
void nft_limit(struct nftnl_rule *r, uint32_t per_second);
/* Tells by NFLOG of the packet, with its first bytes. */
void nft_log(struct nftnl_rule *r, uint16_t group, uint32_t bytes, const char *prefix);
/* The rule goes on where the register's value, an element of a measured set, comes more often than per_second. */
void nft_over_rate(struct nftnl_rule *r, const char *set, uint32_t per_second);

/* A set that nft_over_rate fills: at most `size` elements, each forgotten after that much time without a packet. */
void nft_add_measured_set(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len, uint32_t size,
                          uint64_t forget_ms);
/* A set of single values of `len` bytes, one behind the other. */
void nft_add_values(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len, const void *values, size_t n);

/*
 * What a table holds, in one dump each: `each` is called for every one (for a
 * counter perhaps again, when the table changes meanwhile), and may stop with a
 * negative errno. A table that is not there holds nothing. Returns 0 or a
 * negative errno.
 */
struct nft_counter {
    const char *name;
    uint64_t packets, bytes;
};

struct nft_chain {
    const char *name;
    bool base;
    uint32_t hook;
    int32_t priority;
    const char *type; /* of a base chain */
};

typedef int (*nft_counter_fn)(const struct nft_counter *counter, void *ctx);
typedef int (*nft_chain_fn)(const struct nft_chain *chain, void *ctx);
typedef int (*nft_name_fn)(const char *name, void *ctx);

MUST_CHECK int nft_each_counter(uint8_t family, const char *table, nft_counter_fn each, void *ctx);
MUST_CHECK int nft_each_chain(uint8_t family, const char *table, nft_chain_fn each, void *ctx);
/* Sets and maps. */
MUST_CHECK int nft_each_set(uint8_t family, const char *table, nft_name_fn each, void *ctx);

/* An empty set of single values that end by themselves, and one of intervals; both filled by nft_elements_*. */
void nft_add_timed_set(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len);
void nft_add_interval_set(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len);

/*
 * Elements put into a set, or taken out of it: begin, put any number, end; no
 * other step of the transaction in between. `set` outlives that. Putting in
 * what is there is no error and changes nothing; taking out what is not there
 * is -ENOENT.
 */
struct nft_elements {
    struct nft_tx *tx;
    const char *set;
    bool take_out;
    unsigned n;
    struct nlmsghdr *nlh;
    struct nlattr *list;
};

void nft_elements_begin(struct nft_elements *es, struct nft_tx *tx, const char *set, bool take_out);
/* timeout_ms 0: none */
void nft_elements_put(struct nft_elements *es, const void *key, uint32_t len, uint64_t timeout_ms, bool interval_end);
void nft_elements_put_range(struct nft_elements *es, const uint8_t *first, const uint8_t *last, uint32_t len);
void nft_elements_end(struct nft_elements *es);

struct nft_element {
    uint8_t key[16];
    uint32_t len;
    uint64_t left_ms; /* 0: it does not end */
    bool interval_end;
};

struct nft_set_shape {
    uint32_t flags, key_len; /* NFT_SET_* */
};

typedef int (*nft_element_fn)(const struct nft_element *element, void *ctx);

/* Like the dumps above, of one set; elements perhaps twice. -ENOENT where there is no such set. */
MUST_CHECK int nft_each_element(uint8_t family, const char *table, const char *set, nft_element_fn each, void *ctx);
MUST_CHECK int nft_read_set(uint8_t family, const char *table, const char *set, struct nft_set_shape *ret);

/* Writes what the transaction would make of an empty table in nft's language, as far as that goes. 0 or a negative
 * errno. */
MUST_CHECK int nft_show(const struct nft_tx *tx, FILE *out);

#endif
