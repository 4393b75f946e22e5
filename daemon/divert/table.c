/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our table as a whole: table.h lists its chains. */
#include "divert/table.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "divert/bans.h"
#include "divert/floods.h"
#include "divert/frames.h"
#include "divert/kernel_rules.h"
#include "divert/link.h"
#include "divert/lists.h"
#include "divert/marks.h"

uint8_t table_family(const struct divert *d)
{
    return d->bridge_family ? NFPROTO_BRIDGE : NFPROTO_INET;
}

static const struct place place_forward = {"divert", "done", NF_INET_FORWARD};
static const struct place place_input = {"divert", "done", NF_INET_LOCAL_IN};
static const struct place place_output = {"divert", "done", NF_INET_LOCAL_OUT};
static const struct place place_output_too = {"divert_out", "done_out", NF_INET_LOCAL_OUT};

size_t table_places(enum divert_hook hook, const struct place *ret[PLACES_MAX])
{
    switch (hook) {
    case HOOK_INPUT:
        ret[0] = &place_input;
        return 1;
    case HOOK_OUTPUT:
        ret[0] = &place_output;
        return 1;
    case HOOK_HOST:
        ret[0] = &place_input;
        ret[1] = &place_output_too;
        return 2;
    default:
        ret[0] = &place_forward;
        return 1;
    }
}

static void add_interface_rule(struct nft_tx *tx, const struct divert *d, const char *chain, uint32_t meta_key)
{
    char set[SET_NAME_MAX];
    struct nftnl_rule *r = nft_rule(tx, chain);
    nft_load_meta(r, meta_key);
    nft_in_set(r, table_set(d, "interfaces", set));
    nft_verdict(r, NFT_GOTO, CHAIN_GUARD);
    nft_rule_end(tx, r);
}

static void add_divert_chain(struct nft_tx *tx, const struct divert *d, const struct place *at, const struct config *c,
                             enum divert_state state)
{
    struct nftnl_rule *r = nft_rule(tx, at->divert);
    nft_load_meta(r, NFT_META_MARK);
    nft_bitwise(r, mark_code_mask(d->mark_mask), 0);
    nft_cmp_u32(r, true, 0);
    nft_comment(r, "came back with a code");
    nft_verdict(r, NFT_JUMP, CHAIN_CODES);
    nft_rule_end(tx, r);
    if (state == DIVERT_PASS)
        return;
    if (!c->divert.n_ifaces) {
        table_rule(tx, at->divert, NFT_GOTO, CHAIN_GUARD);
        return;
    }
    if (at->hook != NF_INET_LOCAL_OUT)
        add_interface_rule(tx, d, at->divert, NFT_META_IIFNAME);
    if (at->hook != NF_INET_LOCAL_IN)
        add_interface_rule(tx, d, at->divert, NFT_META_OIFNAME);
}

static void add_exempt_rules(struct nft_tx *tx, const struct divert *d, const struct config *c)
{
    char set[SET_NAME_MAX];
    for (int version = 4; c->divert.exempt.n && version <= 6; version += 2) {
        table_set(d, version == 4 ? "exempt4" : "exempt6", set);
        for (int source = 1; source >= 0; source--) {
            struct nftnl_rule *r = nft_rule(tx, CHAIN_GUARD);
            table_match_ip(d, r, version);
            table_match_address(r, version, source, set);
            nft_count(r, "exempt");
            nft_comment(r, "divert.exempt");
            nft_verdict(r, NF_ACCEPT, NULL);
            nft_rule_end(tx, r);
        }
    }
}

/* What conntrack says of a packet, and how our mark bits say it. */
static const struct {
    uint32_t state; /* a bit of ct state; 0: whatever is left */
    bool reply_only;
    enum ct_state mark_state;
    enum ct_direction dir;
} contexts[] = {
    {NF_CT_STATE_BIT(IP_CT_ESTABLISHED), true, CT_ESTABLISHED, CT_DIR_REPLY},
    {NF_CT_STATE_BIT(IP_CT_ESTABLISHED), false, CT_ESTABLISHED, CT_DIR_ORIGINAL},
    {NF_CT_STATE_BIT(IP_CT_NEW), false, CT_NEW, CT_DIR_ORIGINAL},
    {NF_CT_STATE_BIT(IP_CT_RELATED), true, CT_RELATED, CT_DIR_REPLY},
    {NF_CT_STATE_BIT(IP_CT_RELATED), false, CT_RELATED, CT_DIR_ORIGINAL},
    {NF_CT_STATE_INVALID_BIT, false, CT_INVALID, CT_DIR_NONE},
    {NF_CT_STATE_UNTRACKED_BIT, false, CT_UNTRACKED, CT_DIR_NONE},
    {0, false, CT_NONE, CT_DIR_NONE},
};

static void add_context_chain(struct nft_tx *tx, const struct divert *d)
{
    for (size_t i = 0; i < ARRAY_LEN(contexts); i++) {
        struct nftnl_rule *r = nft_rule(tx, CHAIN_CONTEXT);
        if (contexts[i].state)
            table_match_ct_state(r, contexts[i].state);
        if (contexts[i].reply_only)
            table_match_ct_direction(r, IP_CT_DIR_REPLY);
        nft_load_meta(r, NFT_META_MARK);
        nft_bitwise(r, ~mark_ct_mask(d->mark_mask), mark_of_ct(d->mark_mask, contexts[i].mark_state, contexts[i].dir));
        nft_set_mark(r);
        nft_verdict(r, NFT_GOTO, CHAIN_UP);
        nft_rule_end(tx, r);
    }
}

static bool uses_queue_chains(const struct divert *d)
{
    return d->way == QUEUE_XT_SYMHASH && d->queues > 1;
}

static void put_queue(struct nftnl_rule *r, const struct divert *d)
{
    char map[SET_NAME_MAX];
    bool spread = d->queues > 1;
    if (spread && d->way == QUEUE_NATIVE_SYMHASH) {
        nft_load_symhash(r, d->queues, d->first_queue);
        nft_queue_register(r, d->bypass);
    } else if (d->way == QUEUE_NATIVE_SYMHASH || d->way == QUEUE_NATIVE_RANGE) {
        nft_queue(r, d->first_queue, d->queues, d->bypass);
    } else if (uses_queue_chains(d)) {
        nft_load_symhash(r, d->queues, 0);
        nft_vmap(r, table_set(d, "queues", map));
    } else {
        nft_xt_queue(r, d->first_queue, d->queues, d->bypass);
    }
}

static const char *queue_chain(unsigned i, char *buf, size_t size)
{
    snprintf(buf, size, CHAIN_QUEUE "%u", i);
    return buf;
}

static void add_up_chain(struct nft_tx *tx, const struct divert *d, enum divert_state state)
{
    char name[32];
    struct nftnl_rule *r = nft_rule(tx, CHAIN_UP);
    if (state == DIVERT_BLOCK) {
        nft_verdict(r, NF_DROP, NULL);
        nft_rule_end(tx, r);
        return;
    }
    nft_count(r, "queued");
    put_queue(r, d);
    nft_rule_end(tx, r);
    for (unsigned i = 0; uses_queue_chains(d) && i < d->queues; i++) {
        r = nft_rule(tx, queue_chain(i, name, sizeof name));
        nft_xt_queue(r, (uint16_t)(d->first_queue + i), 1, d->bypass);
        nft_rule_end(tx, r);
    }
}

static void add_done_chain(struct nft_tx *tx, const struct divert *d, const struct place *at)
{
    struct nftnl_rule *r = nft_rule(tx, at->done);
    nft_load_meta(r, NFT_META_MARK);
    nft_bitwise(r, d->mark_mask, 0);
    nft_cmp_u32(r, true, 0);
    nft_load_meta(r, NFT_META_MARK);
    nft_bitwise(r, ~d->mark_mask, 0);
    nft_set_mark(r);
    nft_comment(r, "our bits leave the mark");
    nft_rule_end(tx, r);
}

/* In inet a bridged packet's interface is the bridge; the ports are told apart in user space. */
static int interface_names(const struct divert *d, const struct config *c, char (*names)[16], const char **at)
{
    for (size_t i = 0; i < c->divert.n_ifaces; i++) {
        struct link l = {0};
        int err = link_read(c->divert.ifaces[i].name, &l);
        if (err && !d->assumed)
            return err;
        snprintf(names[i], sizeof names[i], "%s",
                 l.bridge_port && d->bridged && !d->bridge_family ? l.bridge : c->divert.ifaces[i].name);
        at[i] = names[i];
    }
    return 0;
}

static size_t unique(const char **at, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < kept && strcmp(at[j], at[i]) != 0)
            j++;
        if (j == kept)
            at[kept++] = at[i];
    }
    return kept;
}

static int add_interface_set(struct nft_tx *tx, const struct divert *d, const struct config *c)
{
    char name[SET_NAME_MAX];
    size_t n = c->divert.n_ifaces;
    AUTO_FREE char(*names)[16] = calloc(n + 1, sizeof *names);
    AUTO_FREE const char **at = calloc(n + 1, sizeof *at);
    if (!names || !at)
        return -ENOMEM;
    int err = interface_names(d, c, names, at);
    if (!err)
        nft_add_names(tx, table_set(d, "interfaces", name), at, unique(at, n));
    return err;
}

/*
 * What nft calls "filter". In the bridge family 0 would not do: br_netfilter
 * takes packets out of the bridge's hooks at -1 and brings them back behind 0.
 */
int32_t table_priority(const struct divert *d)
{
    return (d->bridge_family ? -200 : 0) + d->priority;
}

static const char *const chains[] = {CHAIN_CODES,  CHAIN_GUARD,   CHAIN_KINDS,  CHAIN_OFFLOADED, CHAIN_QUIETED,
                                     CHAIN_SERVED, CHAIN_RULES,   CHAIN_FLOODS, CHAIN_RESPONSES, CHAIN_ACKS,
                                     CHAIN_LINES,  CHAIN_CONTEXT, CHAIN_UP};

static const char *const counters[] = {"queued", "offloaded", "condemned", "quiet", "exempt", "banned"};

bool table_has_chain(const struct divert *d, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(chains); i++)
        if (strcmp(chains[i], name) == 0)
            return true;
    char own[32];
    for (unsigned i = 0; uses_queue_chains(d) && i < d->queues; i++)
        if (strcmp(queue_chain(i, own, sizeof own), name) == 0)
            return true;
    return false;
}

/* Chains and counters: what is there stays as it is. */
static void add_chains(struct nft_tx *tx, const struct divert *d)
{
    const struct place *at[PLACES_MAX];
    char name[32];
    size_t n = table_places(d->hook, at);
    for (size_t i = 0; i < n; i++) {
        nft_add_base_chain(tx, at[i]->divert, at[i]->hook, table_priority(d));
        nft_add_base_chain(tx, at[i]->done, at[i]->hook, table_priority(d) + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(chains); i++)
        nft_add_chain(tx, chains[i]);
    for (unsigned i = 0; uses_queue_chains(d) && i < d->queues; i++)
        nft_add_chain(tx, queue_chain(i, name, sizeof name));
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        nft_add_counter(tx, counters[i]);
}

static int add_rule_sets(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p)
{
    struct plan all;
    if (!p->n_rules)
        return 0;
    int err = plan_all(c, &all);
    if (!err)
        err = lines_add_sets(tx, d, &(struct lines){&all, CHAIN_SERVED, CHAIN_RULES, "served"});
    plan_free(&all);
    return err ? err : kernel_rules_add_sets(tx, d, p);
}

/* The rules are about the services, as those in user space are. */
static int add_served_rules(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p)
{
    struct plan all;
    int err = plan_all(c, &all);
    if (!err && p->n_rules)
        lines_add_rules(tx, d, &(struct lines){&all, CHAIN_SERVED, CHAIN_RULES, "served"});
    plan_free(&all);
    return err ? err : kernel_rules_write(tx, d, c, p);
}

/* `p`: the plan whose lines are written, which of a table that blocks is not the rules'. */
static int add_sets(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p,
                    enum divert_state state)
{
    char name[SET_NAME_MAX];
    int err = add_interface_set(tx, d, c);
    if (!err)
        err = table_add_networks(tx, d, "exempt4", 4, &c->divert.exempt);
    if (!err)
        err = table_add_networks(tx, d, "exempt6", 6, &c->divert.exempt);
    if (!err)
        kinds_add_sets(tx, d);
    if (!err)
        err = table_add_networks(tx, d, "inside4", 4, &c->networks.inside);
    if (!err)
        err = table_add_networks(tx, d, "inside6", 6, &c->networks.inside);
    if (!err)
        err = lines_add_sets(tx, d, &(struct lines){p, CHAIN_LINES, CHAIN_CONTEXT, "ports"});
    if (!err && state != DIVERT_BLOCK)
        err = add_rule_sets(tx, d, c, p);
    if (!err && state != DIVERT_BLOCK)
        err = floods_add_sets(tx, d, c);
    if (!err && uses_queue_chains(d))
        nft_add_chain_map(tx, table_set(d, "queues", name), CHAIN_QUEUE, d->queues);
    return err;
}

/* What no packet of a table that blocks comes to: what was decided before, and what the kernel judges alone. */
static int add_judgement(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p)
{
    kinds_add_rules(tx, d, c, p);
    int err = add_served_rules(tx, d, c, p);
    return err ? err : floods_write(tx, d, c, p);
}

static int add_rules(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p,
                     enum divert_state state)
{
    const struct place *at[PLACES_MAX];
    size_t n = table_places(d->hook, at);
    for (size_t i = 0; i < n; i++)
        add_divert_chain(tx, d, at[i], c, state);
    kinds_add_codes(tx, d, p, state);
    add_exempt_rules(tx, d, c);
    bans_rules(tx, d, c, CHAIN_GUARD, !p->monitor);
    int err = state == DIVERT_BLOCK ? 0 : add_judgement(tx, d, c, p);
    table_rule(tx, CHAIN_GUARD, NFT_GOTO, CHAIN_LINES);
    lines_add_rules(tx, d, &(struct lines){p, CHAIN_LINES, CHAIN_CONTEXT, "ports"});
    add_context_chain(tx, d);
    add_up_chain(tx, d, state);
    for (size_t i = 0; i < n; i++)
        add_done_chain(tx, d, at[i]);
    return err;
}

/* A stop that lets nothing through means all of the services, whatever the rules need of them. */
static int plan_of_state(const struct config *c, const struct plan *p, enum divert_state state, struct plan *ret)
{
    *ret = *p;
    if (state != DIVERT_BLOCK)
        return 0;
    int err = plan_all(c, ret);
    ret->generation = p->generation;
    return err;
}

static void plan_of_state_free(struct plan *p, enum divert_state state)
{
    if (state == DIVERT_BLOCK)
        plan_free(p);
}

static int explain(int err, char *why, size_t size)
{
    snprintf(why, size, "%s", err == -ENOMEM ? "out of memory" : strerror(-err));
    return err;
}

enum part { PART_SETS = 1, PART_RULES = 2 };

/* Adds the sets, or the rules, or both, of one state of the table. */
static int write_parts(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p,
                       enum divert_state state, unsigned parts)
{
    struct plan shown;
    int err = plan_of_state(c, p, state, &shown);
    if (!err && parts & PART_SETS)
        err = add_sets(tx, d, c, &shown, state);
    if (!err && parts & PART_RULES)
        err = add_rules(tx, d, c, &shown, state);
    plan_of_state_free(&shown, state);
    return err;
}

int table_write(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p,
                enum divert_state state)
{
    nft_add_table(tx);
    add_chains(tx, d);
    bans_write(d->bans, tx, c);
    int err = d->lists ? lists_write(d->lists, tx, p) : 0;
    return err ? err : write_parts(tx, d, c, p, state, PART_SETS | PART_RULES);
}

/* A digest of all that the table would say, 0 when that cannot be told. */
static uint64_t content_digest(const struct divert *d, const struct config *c, const struct plan *p,
                               enum divert_state state)
{
    struct divert plain = *d;
    plain.change = 0;
    struct nft_tx *tx = nft_begin(table_family(d), DIVERT_TABLE);
    uint64_t digest = 0;
    if (tx && write_parts(tx, &plain, c, p, state, PART_SETS | PART_RULES) == 0)
        digest = nft_digest(tx);
    nft_free(tx);
    return digest;
}

/* A run before this one may have chosen the other family; where that has no tables there is none to remove. */
static void remove_other_family(const struct divert *d)
{
    char ignored[256];
    struct nft_tx *tx = nft_begin(d->bridge_family ? NFPROTO_INET : NFPROTO_BRIDGE, DIVERT_TABLE);
    if (!tx)
        return;
    nft_add_table(tx);
    nft_del_table(tx);
    if (nft_commit(tx, ignored, sizeof ignored))
        ignored[0] = '\0';
    nft_free(tx);
}

static int commit_sets(const struct divert *d, const struct config *c, const struct plan *p, enum divert_state state,
                       bool with_chains, char *why, size_t why_size)
{
    struct nft_tx *tx = nft_begin(table_family(d), DIVERT_TABLE);
    if (!tx)
        return explain(-ENOMEM, why, why_size);
    if (with_chains)
        add_chains(tx, d);
    int err = write_parts(tx, d, c, p, state, PART_SETS);
    err = err ? explain(err, why, why_size) : nft_commit(tx, why, why_size);
    nft_free(tx);
    return err;
}

static int commit_rules(const struct divert *d, const struct config *c, const struct plan *p, enum divert_state state,
                        char *why, size_t why_size)
{
    struct nft_tx *tx = nft_begin(table_family(d), DIVERT_TABLE);
    if (!tx)
        return explain(-ENOMEM, why, why_size);
    nft_flush_rules(tx);
    adopt_note(tx, d, p->generation, true);
    int err = write_parts(tx, d, c, p, state, PART_RULES);
    err = err ? explain(err, why, why_size) : nft_commit(tx, why, why_size);
    nft_free(tx);
    return err;
}

/*
 * The new sets come first, in a transaction of their own, and the old ones go
 * last: a lookup in an interval set that is born or dies in the very
 * transaction that switches the rules was seen to miss (kernel 6.18), and a
 * packet that misses passes unseen.
 */
static int switch_rules(struct divert *d, const struct config *c, const struct plan *p, enum divert_state state,
                        bool with_chains, char *why, size_t why_size)
{
    struct divert next = *d;
    next.change = next.changes = ++d->changes;
    char ignored[256];
    int err = commit_sets(&next, c, p, state, with_chains, why, why_size);
    if (!err && d->bans)
        err = bans_prepare(d->bans, table_family(d), c, why, why_size);
    if (!err) {
        err = commit_rules(&next, c, p, state, why, why_size);
        if (d->bans && bans_finish(d->bans, c, !err, ignored, sizeof ignored))
            ignored[0] = '\0';
    }
    if (!err) {
        /* Not all of it: workers read the parts that never change. */
        d->change = next.change;
        d->content = content_digest(d, c, p, state);
    }
    adopt_clean_up(d);
    if (!err)
        kernel_rules_clean_up(d, c, p);
    return err;
}

/* What the lists' sets hold too much goes; what cannot go now does with the next change. */
static void finish_lists(struct divert *d, bool done)
{
    char ignored[256];
    if (lists_finish(d->lists, done, ignored, sizeof ignored))
        ignored[0] = '\0';
}

static int have_lists(struct divert *d, char *why, size_t why_size)
{
    d->lists = d->lists ? d->lists : lists_new(table_family(d));
    return d->lists ? 0 : explain(-ENOMEM, why, why_size);
}

int divert_change(struct divert *d, const struct config *c, const struct plan *p, enum divert_state state, char *why,
                  size_t why_size)
{
    int err = state == DIVERT_QUEUE ? frames_install(d, c, p->monitor, why, why_size) : 0;
    if (!err)
        err = have_lists(d, why, why_size);
    if (!err)
        err = lists_prepare(d->lists, p, why, why_size);
    if (err)
        return err;
    if (!d->content || content_digest(d, c, p, state) != d->content)
        err = switch_rules(d, c, p, state, false, why, why_size);
    finish_lists(d, !err);
    return err;
}

/* Takes over the table that an earlier run left. */
static int adopt(struct divert *d, const struct config *c, const struct plan *p, enum divert_state state,
                 const struct leftover *left)
{
    char ignored[256];
    uint32_t change = d->change, changes = d->changes;
    d->change = d->changes = left->change;
    d->base = (struct divert_counts){0};
    int err = divert_counters(d, &d->base);
    if (!err && d->bans)
        err = bans_adopt(d->bans, table_family(d));
    if (!err)
        err = lists_adopt(d->lists);
    if (!err)
        err = lists_prepare(d->lists, p, ignored, sizeof ignored);
    if (!err)
        err = switch_rules(d, c, p, state, true, ignored, sizeof ignored);
    if (!err) {
        finish_lists(d, true);
        return 0;
    }
    d->change = change;
    d->changes = changes;
    d->base = (struct divert_counts){0};
    return err;
}

static int install_new(struct divert *d, const struct config *c, const struct plan *p, enum divert_state state,
                       char *why, size_t why_size)
{
    struct nft_tx *tx = nft_begin(table_family(d), DIVERT_TABLE);
    if (!tx)
        return explain(-ENOMEM, why, why_size);
    d->change = d->changes = d->changes + 1;
    nft_add_table(tx);
    nft_del_table(tx);
    int err = table_write(tx, d, c, p, state);
    if (err) {
        explain(err, why, why_size);
    } else {
        adopt_note(tx, d, p->generation, false);
        err = nft_commit(tx, why, why_size);
    }
    nft_free(tx);
    finish_lists(d, !err);
    if (err)
        return err;
    d->content = content_digest(d, c, p, state);
    if (d->bans)
        bans_written(d->bans, table_family(d), c);
    return 0;
}

int divert_install(struct divert *d, const struct config *c, const struct plan *p, enum divert_state state, char *why,
                   size_t why_size)
{
    char ignored[256];
    struct leftover left;
    int err = have_lists(d, why, why_size);
    if (err)
        return err;
    err = adopt_look(d, &left);
    d->adopted = !err && left.fits && adopt(d, c, p, state, &left) == 0;
    err = d->adopted ? 0 : install_new(d, c, p, state, why, why_size);
    if (err)
        return err;
    remove_other_family(d);
    err = frames_install(d, c, p->monitor, why, why_size);
    if (err && divert_remove(d, ignored, sizeof ignored))
        ignored[0] = '\0';
    return err;
}

int divert_remove(struct divert *d, char *why, size_t why_size)
{
    struct nft_tx *tx = nft_begin(table_family(d), DIVERT_TABLE);
    if (!tx)
        return explain(-ENOMEM, why, why_size);
    nft_add_table(tx);
    nft_del_table(tx);
    int err = nft_commit(tx, why, why_size);
    nft_free(tx);
    divert_close(d);
    return err ? err : frames_remove(why, why_size);
}

void divert_close(struct divert *d)
{
    lists_free(d->lists);
    d->lists = NULL;
}

struct counting {
    struct divert_counts at;
    unsigned seen;
};

static int read_counter(const struct nft_counter *c, void *ctx)
{
    struct counting *n = ctx;
    uint64_t *const at[ARRAY_LEN(counters)] = {&n->at.queued, &n->at.offloaded, &n->at.condemned,
                                               &n->at.quiet,  &n->at.exempt,    &n->at.banned};
    for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
        if (strcmp(c->name, counters[i]) != 0)
            continue;
        *at[i] = c->packets;
        n->seen |= 1u << i;
    }
    return 0;
}

int divert_counters(const struct divert *d, struct divert_counts *ret)
{
    struct counting n = {0};
    int err = nft_each_counter(table_family(d), DIVERT_TABLE, read_counter, &n);
    if (!err && !(n.seen & 1)) /* no table of ours has none */
        err = -ENOENT;
    if (err)
        return err;
    *ret = (struct divert_counts){
        .queued = n.at.queued - d->base.queued,
        .offloaded = n.at.offloaded - d->base.offloaded,
        .condemned = n.at.condemned - d->base.condemned,
        .quiet = n.at.quiet - d->base.quiet,
        .exempt = n.at.exempt - d->base.exempt,
        .banned = n.at.banned - d->base.banned,
    };
    return 0;
}

int divert_queued(const struct divert *d, uint64_t *ret)
{
    struct divert_counts n;
    int err = divert_counters(d, &n);
    if (!err)
        *ret = n.queued;
    return err;
}
