/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kernel can do, tried out in transactions that leave nothing behind. */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "divert/divert.h"
#include "divert/link.h"
#include "divert/nft.h"
#include "divert/table.h"

typedef void (*try_rule)(struct nftnl_rule *r);

static void try_ct(struct nftnl_rule *r)
{
    nft_load_ct(r, NFT_CT_STATE);
}

static void try_symhash(struct nftnl_rule *r)
{
    nft_load_symhash(r, 2, 0);
}

static void try_queue(struct nftnl_rule *r)
{
    nft_queue(r, 0, 1, false);
}

static void try_queue_register(struct nftnl_rule *r)
{
    nft_load_symhash(r, 2, 0);
    nft_queue_register(r, false);
}

static void try_xt_queue(struct nftnl_rule *r)
{
    nft_xt_queue(r, 0, 1, false);
}

static void try_limit(struct nftnl_rule *r)
{
    nft_limit(r, 1);
}

static void try_log(struct nftnl_rule *r)
{
    nft_log(r, 0, 64, "sluice");
}

#define PROBE_SET "rates"

static void try_rate(struct nftnl_rule *r)
{
    nft_load_meta(r, NFT_META_MARK);
    nft_over_rate(r, PROBE_SET, 1);
}

/* A table of our own name and pid is made and removed in one transaction. */
static int try_in(uint8_t family, try_rule add, char *why, size_t why_size)
{
    char table[32];
    snprintf(table, sizeof table, "sluice_probe_%d", (int)getpid());
    struct nft_tx *tx = nft_begin(family, table);
    if (!tx)
        return -ENOMEM;
    nft_add_table(tx);
    nft_add_chain(tx, "try");
    if (add == try_rate)
        nft_add_measured_set(tx, PROBE_SET, NFT_KEY_MARK, 4, 16, 1000);
    if (add) {
        struct nftnl_rule *r = nft_rule(tx, "try");
        add(r);
        nft_rule_end(tx, r);
    }
    nft_del_table(tx);
    int err = nft_commit(tx, why, why_size);
    nft_free(tx);
    return err;
}

static bool can(uint8_t family, try_rule add)
{
    char ignored[256];
    return try_in(family, add, ignored, sizeof ignored) == 0;
}

static enum queue_way find_way(uint8_t family)
{
    if (can(family, try_queue_register))
        return QUEUE_NATIVE_SYMHASH;
    if (can(family, try_queue))
        return QUEUE_NATIVE_RANGE;
    if (!can(family, try_xt_queue))
        return QUEUE_WAY_NONE;
    return can(family, try_symhash) ? QUEUE_XT_SYMHASH : QUEUE_XT_RANGE;
}

const char *queue_way_name(enum queue_way way)
{
    switch (way) {
    case QUEUE_NATIVE_SYMHASH:
        return "native queue, balanced by symhash over addresses and ports";
    case QUEUE_NATIVE_RANGE:
        return "native queue, balanced over the two addresses only";
    case QUEUE_XT_SYMHASH:
        return "xt NFQUEUE target, balanced by symhash over addresses and ports";
    case QUEUE_XT_RANGE:
        return "xt NFQUEUE target, balanced over the two addresses only";
    default:
        return "none";
    }
}

/* Whether all configured interfaces are ports of a bridge; -EINVAL where only some are. */
static int look_at_interfaces(const struct config *c, bool *ret_bridged, char *why, size_t why_size)
{
    size_t ports = 0;
    for (size_t i = 0; i < c->divert.n_ifaces; i++) {
        struct link l;
        int err = link_read(c->divert.ifaces[i].name, &l);
        if (err) {
            snprintf(why, why_size, "interface \"%s\": %s", c->divert.ifaces[i].name,
                     err == -ENODEV ? "no such interface" : strerror(-err));
            return err;
        }
        ports += l.bridge_port;
    }
    *ret_bridged = ports > 0;
    if (ports == 0 || ports == c->divert.n_ifaces)
        return 0;
    snprintf(why, why_size, "some of the interfaces are ports of a bridge and some are not; all or none must be");
    return -EINVAL;
}

static int choose_family(const struct config *c, struct divert *d, char *why, size_t why_size)
{
    bool may_bridge = c->divert.family == FAMILY_BRIDGE || (c->divert.family == FAMILY_AUTO && d->bridged);
    if (may_bridge) {
        d->way = find_way(NFPROTO_BRIDGE);
        d->bridge_family = d->way != QUEUE_WAY_NONE && can(NFPROTO_BRIDGE, try_ct);
    }
    if (d->bridge_family)
        return 0;
    if (c->divert.family == FAMILY_BRIDGE) {
        snprintf(why, why_size,
                 "this kernel cannot queue%s in the bridge family; use divert.family = \"inet\" (with br_netfilter) "
                 "or \"auto\"",
                 d->way == QUEUE_WAY_NONE ? "" : " tracked connections");
        return -EOPNOTSUPP;
    }
    d->way = find_way(NFPROTO_INET);
    if (d->way == QUEUE_WAY_NONE) {
        snprintf(why, why_size,
                 "this kernel has neither the nftables queue expression nor the xt NFQUEUE target in family inet");
        return -EOPNOTSUPP;
    }
    if (!can(NFPROTO_INET, try_ct)) {
        snprintf(why, why_size, "this kernel has no conntrack for nftables (nft_ct)");
        return -EOPNOTSUPP;
    }
    return 0;
}

/* The parts that follow from the settings alone. */
static struct divert from_settings(const struct config *c, uint16_t queues)
{
    return (struct divert){
        .way = QUEUE_WAY_NONE,
        .hook = c->divert.hook,
        .priority = c->divert.priority,
        .first_queue = c->queues.first,
        .queues = queues,
        .mark_mask = c->marks_mask,
        .bypass = c->policies.on_crash == POLICY_OPEN,
    };
}

static void conclude(struct divert *d)
{
    d->bridged |= d->bridge_family;
    d->own_answers = d->bridged && d->hook == HOOK_FORWARD;
}

/* What the kernel's own rules and detectors need; said where the kernel has not all of it. */
static void look_for_extras(uint8_t family, char *said, size_t said_size)
{
    static const struct {
        try_rule add;
        const char *without;
    } extras[] = {
        {try_limit, ", no limit expression"},
        {try_log, ", no log expression"},
        {try_rate, ", no rates by address"},
    };
    for (size_t i = 0; i < ARRAY_LEN(extras); i++) {
        size_t len = strlen(said);
        if (!can(family, extras[i].add))
            snprintf(said + len, said_size - len, "%s", extras[i].without);
    }
}

int divert_probe(const struct config *c, uint16_t queues, struct divert *ret, char *said, size_t said_size, char *why,
                 size_t why_size)
{
    *ret = from_settings(c, queues);
    int err = try_in(NFPROTO_INET, NULL, why, why_size);
    if (!err)
        err = look_at_interfaces(c, &ret->bridged, why, why_size);
    if (!err)
        err = choose_family(c, ret, why, why_size);
    if (err)
        return err;
    conclude(ret);
    snprintf(said, said_size, "family %s%s, %s", ret->bridge_family ? "bridge" : "inet",
             ret->bridged && !ret->bridge_family ? " with br_netfilter" : "", queue_way_name(ret->way));
    look_for_extras(table_family(ret), said, said_size);
    struct leftover left;
    if (adopt_look(ret, &left) == 0 && left.known) {
        ret->left = true;
        ret->last_generation = left.generation;
    }
    return 0;
}

void divert_assume(const struct config *c, uint16_t queues, struct divert *ret, char *said, size_t said_size)
{
    char ignored[256];
    *ret = from_settings(c, queues);
    ret->assumed = true;
    ret->way = QUEUE_NATIVE_SYMHASH;
    bool here = look_at_interfaces(c, &ret->bridged, ignored, sizeof ignored) == 0;
    bool guessed = !here && c->divert.family == FAMILY_AUTO;
    if (guessed)
        ret->bridged = c->divert.hook == HOOK_FORWARD && c->divert.n_ifaces > 0;
    ret->bridge_family = c->divert.family == FAMILY_BRIDGE || (c->divert.family == FAMILY_AUTO && ret->bridged);
    conclude(ret);
    snprintf(said, said_size, "family %s (%s), native queue expression (assumed)",
             ret->bridge_family ? "bridge" : "inet",
             c->divert.family != FAMILY_AUTO ? "as set"
             : guessed                       ? "assumed: the interfaces are not here"
             : ret->bridge_family            ? "assumed: the interfaces are ports of a bridge"
                                             : "no interface is a port of a bridge");
}

int divert_same_shape(const struct divert *d, const struct config *c, char *why, size_t why_size)
{
    const char *differs = NULL;
    if (c->divert.hook != d->hook)
        differs = "divert.hook";
    else if (c->divert.priority != d->priority)
        differs = "divert.priority";
    else if (c->queues.first != d->first_queue)
        differs = "queues.first";
    else if (c->queues.count && c->queues.count != d->queues)
        differs = "queues.count";
    else if (c->marks_mask != d->mark_mask)
        differs = "marks.mask";
    else if (c->divert.family != FAMILY_AUTO && (c->divert.family == FAMILY_BRIDGE) != d->bridge_family)
        differs = "divert.family";
    if (!differs) {
        bool bridged;
        int err = look_at_interfaces(c, &bridged, why, why_size);
        if (err)
            return err;
        if (c->divert.n_ifaces && bridged != d->bridged)
            differs = "divert.interfaces (from bridge ports to others, or back)";
    }
    if (!differs)
        return 0;
    snprintf(why, why_size, "%s cannot change while running; restart sluiced", differs);
    return -EINVAL;
}
