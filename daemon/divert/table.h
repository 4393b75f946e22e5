/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_TABLE_H
#define SLUICE_DIVERT_TABLE_H

#include "divert/divert.h"
#include "divert/nft.h"

/*
 * What the parts of the table share; of no concern outside divert/.
 *
 * Chains, in the order in which a packet meets them:
 *
 *   divert    at the hook (of a host's both directions also divert_out): what
 *             came back with a code goes to
 *   codes     which carries it out; the rest goes by interface to
 *   guard     exempt addresses leave, banned ones are dropped; connections with
 *             something in their ct mark go through
 *   kinds     to offloaded or quieted, or are dropped; then
 *   served    of the services: to
 *   rules     what the kernel judges alone, and
 *   floods    rates and odd packets that detectors look for; then
 *             responses that need not come up leave, with their pure ACKs (responses, acks)
 *   lines     what comes up goes to
 *   context   conntrack state and direction into the packet mark, then
 *   up        counted, and into a queue (by way of queue0.. for the xt target)
 *   done      at the hook, right behind (and done_out): our bits leave the mark
 */
#define CHAIN_CODES "codes"
#define CHAIN_GUARD "guard"
#define CHAIN_KINDS "kinds"
#define CHAIN_OFFLOADED "offloaded"
#define CHAIN_QUIETED "quieted"
#define CHAIN_SERVED "served"
#define CHAIN_RULES "rules"
#define CHAIN_FLOODS "floods"
#define CHAIN_RESPONSES "responses"
#define CHAIN_ACKS "acks"
#define CHAIN_LINES "lines"
#define CHAIN_CONTEXT "context"
#define CHAIN_UP "up"
#define CHAIN_QUEUE "queue" /* and a number */

#define SET_NAME_MAX 48

uint8_t table_family(const struct divert *d);

/*
 * The name of a set that lives as long as one change of the table: the old
 * one's and the new one's exist side by side. `buf` has SET_NAME_MAX bytes.
 */
const char *table_set(const struct divert *d, const char *base, char *buf);

/* The packet is of this IP version, of this protocol. */
void table_match_ip(const struct divert *d, struct nftnl_rule *r, int version);
void table_match_l4proto(struct nftnl_rule *r, uint8_t proto);
/* bits of ct state (NF_CT_STATE_BIT), any of them */
void table_match_ct_state(struct nftnl_rule *r, uint32_t bits);
void table_match_ct_direction(struct nftnl_rule *r, uint8_t dir);
/* (TCP flags & mask) == value */
void table_match_tcp_flags(struct nftnl_rule *r, uint8_t mask, uint8_t value);
/* The rule's source (or destination) address is in the set of that version. */
void table_match_address(struct nftnl_rule *r, int version, bool source, const char *set);

/* A rule of one verdict. */
void table_rule(struct nft_tx *tx, const char *chain, int verdict, const char *target);

/* Adds a set of this change with the addresses and networks of one version; config/ has checked the texts. */
MUST_CHECK int table_add_networks(struct nft_tx *tx, const struct divert *d, const char *base, int version,
                                  const struct config_strings *networks);
/* Likewise of ports. */
MUST_CHECK int table_add_ports(struct nft_tx *tx, const struct divert *d, const char *base,
                               const struct port_range *ports, size_t n);

/* Lines of a plan as they stand in one chain: what fits one of them goes to the target. */
struct lines {
    const struct plan *plan;
    const char *chain, *target;
    const char *prefix; /* of its sets' names */
};

/* lines.c: the sets, then the rules of the lines. */
MUST_CHECK int lines_add_sets(struct nft_tx *tx, const struct divert *d, const struct lines *at);
void lines_add_rules(struct nft_tx *tx, const struct divert *d, const struct lines *at);

/* kinds.c: what the ct mark says, and what passes by quietly. */
void kinds_add_sets(struct nft_tx *tx, const struct divert *d);
void kinds_add_codes(struct nft_tx *tx, const struct divert *d, const struct plan *p, enum divert_state state);
void kinds_add_rules(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p);

/* adopt.c: what an earlier run left. */
struct leftover {
    bool fits;  /* the table is one of ours, and its hooks are those that d would have */
    bool known; /* it tells of a change and a generation: */
    uint32_t change, generation;
};

MUST_CHECK int adopt_look(const struct divert *d, struct leftover *ret);
/* Notes in the table what the next run must know. */
void adopt_note(struct nft_tx *tx, const struct divert *d, uint32_t generation, bool replace);
/* Removes the sets of other changes than the one in force, and chains that nobody needs. No failure harms. */
void adopt_clean_up(const struct divert *d);

/* table.c */
struct place { /* where our base chains stand: one place, or both of a host's */
    const char *divert, *done;
    uint32_t hook;
};

#define PLACES_MAX 2

size_t table_places(enum divert_hook hook, const struct place *ret[PLACES_MAX]);
int32_t table_priority(const struct divert *d);
bool table_has_chain(const struct divert *d, const char *name);
/* All of a fresh table, into a transaction: for installing and for showing. */
MUST_CHECK int table_write(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p,
                           enum divert_state state);

#endif
