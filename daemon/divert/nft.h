/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_NFT_H
#define SLUICE_DIVERT_NFT_H

#include <libnftnl/rule.h>
#include <stdbool.h>
#include <stdint.h>

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
/* Removes every rule of the table. */
void nft_flush_rules(struct nft_tx *tx);
void nft_add_counter(struct nft_tx *tx, const char *name);

/* nftables' numbers of key types, for those who list the table. */
enum nft_key { NFT_KEY_IPV4 = 7, NFT_KEY_IPV6 = 8, NFT_KEY_PORT = 13, NFT_KEY_MARK = 19, NFT_KEY_IFNAME = 41 };

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
/* Adds a map from 0..n-1 to the chains "<prefix>0".."<prefix>n-1". */
void nft_add_chain_map(struct nft_tx *tx, const char *name, const char *chain_prefix, uint32_t n);

/* A rule at a chain's end: nft_rule, its expressions, nft_rule_end. */
struct nftnl_rule *nft_rule(struct nft_tx *tx, const char *chain);
void nft_rule_end(struct nft_tx *tx, struct nftnl_rule *r);

/* Expressions. Values pass through register 1. */
void nft_load_meta(struct nftnl_rule *r, uint32_t key);
void nft_load_ct(struct nftnl_rule *r, uint32_t key);
void nft_load_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len);
void nft_load_symhash(struct nftnl_rule *r, uint32_t modulus, uint32_t offset);
/* register = (register & mask) ^ xor, four bytes in host order */
void nft_bitwise(struct nftnl_rule *r, uint32_t mask, uint32_t xor);
/* The rule goes on only where register == data (or != where `differs`). */
void nft_cmp(struct nftnl_rule *r, bool differs, const void *data, uint32_t len);
void nft_cmp_u32(struct nftnl_rule *r, bool differs, uint32_t value);
void nft_in_set(struct nftnl_rule *r, const char *set);
/* Jumps to the chain that the map gives for the register. */
void nft_vmap(struct nftnl_rule *r, const char *map);
void nft_set_mark(struct nftnl_rule *r);
void nft_count(struct nftnl_rule *r, const char *counter);
void nft_verdict(struct nftnl_rule *r, int verdict, const char *chain);
void nft_reject(struct nftnl_rule *r, uint32_t type, uint8_t code);
void nft_queue(struct nftnl_rule *r, uint16_t first, uint16_t total, bool bypass);
/* The queue's number comes from the register. */
void nft_queue_register(struct nftnl_rule *r, bool bypass);
/* The xt NFQUEUE target, revision 3, through nft_compat. */
void nft_xt_queue(struct nftnl_rule *r, uint16_t first, uint16_t total, bool bypass);

/* Reads a named counter's packets. Returns 0 or a negative errno. */
MUST_CHECK int nft_read_counter(uint8_t family, const char *table, const char *name, uint64_t *ret);

#endif
