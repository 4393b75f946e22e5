/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines of the plan. Those that differ in their ports only are one kind:
 * one set, and a rule for each end of it.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "divert/table.h"
#include "net/packet.h"

static bool has_ports(const struct plan_line *l)
{
    return l->n_ports && l->proto >= 0;
}

static bool same_kind(const struct plan_line *a, const struct plan_line *b)
{
    return a->proto == b->proto && has_ports(a) == has_ports(b) && a->to_server == b->to_server &&
           a->to_client == b->to_client && a->states == b->states && a->from_inside == b->from_inside;
}

/* Whether no line before it is of its kind. */
static bool is_first(const struct plan *p, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (same_kind(&p->lines[j], &p->lines[i]))
            return false;
    return true;
}

static size_t kind_ports(const struct plan *p, size_t first, struct port_range *ret)
{
    size_t n = 0;
    for (size_t i = first; i < p->n_lines; i++) {
        const struct plan_line *l = &p->lines[i];
        for (size_t j = 0; same_kind(l, &p->lines[first]) && j < l->n_ports; j++, n++)
            if (ret)
                ret[n] = l->ports[j];
    }
    return n;
}

/*
 * Whether the lines of a kind ask for every port. Then nothing asks for a
 * port: packets too short to have one come up as well.
 */
static bool has_all_ports(const struct plan *p, size_t first)
{
    unsigned next = 0, before;
    do {
        before = next;
        for (size_t i = first; i < p->n_lines; i++) {
            const struct plan_line *l = &p->lines[i];
            for (size_t j = 0; same_kind(l, &p->lines[first]) && j < l->n_ports; j++)
                if (l->ports[j].first <= next && next <= l->ports[j].last)
                    next = l->ports[j].last + 1u;
        }
    } while (next > before);
    return next > UINT16_MAX;
}

/* Whether a line before it brings up all of its protocol, whichever way. */
static bool is_said(const struct plan *p, size_t i)
{
    const struct plan_line *l = &p->lines[i];
    for (size_t j = 0; j < i; j++) {
        const struct plan_line *b = &p->lines[j];
        if (b->proto == l->proto && b->states == l->states && b->from_inside == l->from_inside && has_ports(b) &&
            is_first(p, j) && has_all_ports(p, j))
            return true;
    }
    return false;
}

/* Who needs the lines of a kind, as many as find room. */
static void kind_why(const struct plan *p, size_t first, char *ret, size_t size)
{
    size_t len = (size_t)snprintf(ret, size, "%s", p->lines[first].why);
    for (size_t i = first + 1; i < p->n_lines; i++) {
        const char *why = p->lines[i].why;
        if (!same_kind(&p->lines[i], &p->lines[first]) || strstr(ret, why))
            continue;
        size_t need = strlen(why) + strlen(", ");
        bool more = len + need + strlen(", ...") >= size;
        len += (size_t)snprintf(ret + len, size - len, ", %s", more ? "..." : why);
        if (more)
            return;
    }
}

static const char *ports_set(const struct divert *d, const struct lines *l, size_t first, char *buf)
{
    char base[32];
    snprintf(base, sizeof base, "%s%zu", l->prefix, first);
    return table_set(d, base, buf);
}

static int add_ports_of(struct nft_tx *tx, const struct divert *d, const struct lines *at, size_t first)
{
    const struct plan *p = at->plan;
    size_t n = kind_ports(p, first, NULL);
    AUTO_FREE struct port_range *ports = calloc(n + 1, sizeof *ports);
    if (!ports)
        return -ENOMEM;
    kind_ports(p, first, ports);
    char base[32];
    snprintf(base, sizeof base, "%s%zu", at->prefix, first);
    return table_add_ports(tx, d, base, ports, n);
}

int lines_add_sets(struct nft_tx *tx, const struct divert *d, const struct lines *at)
{
    const struct plan *p = at->plan;
    int err = 0;
    for (size_t i = 0; !err && i < p->n_lines; i++)
        if (has_ports(&p->lines[i]) && is_first(p, i) && !has_all_ports(p, i))
            err = add_ports_of(tx, d, at, i);
    return err;
}

/* Bits of ct state, 0 where the line looks at none. What conntrack does not know is "invalid" to nftables. */
static uint32_t state_bits(uint8_t states)
{
    static const uint32_t bits[] = {[CT_NONE] = NF_CT_STATE_INVALID_BIT,
                                    [CT_NEW] = NF_CT_STATE_BIT(IP_CT_NEW),
                                    [CT_ESTABLISHED] = NF_CT_STATE_BIT(IP_CT_ESTABLISHED),
                                    [CT_RELATED] = NF_CT_STATE_BIT(IP_CT_RELATED),
                                    [CT_INVALID] = NF_CT_STATE_INVALID_BIT,
                                    [CT_UNTRACKED] = NF_CT_STATE_UNTRACKED_BIT};
    uint32_t ret = 0, all = (1u << ARRAY_LEN(bits)) - 1;
    if ((states & all) == all)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(bits); i++)
        if (states >> i & 1)
            ret |= bits[i];
    return ret;
}

/* One rule of a line: which way, and of which IP version where addresses are asked for. */
struct way {
    int version; /* 0: any */
    enum { EITHER_WAY, BY_SOURCE, BY_DESTINATION, BY_DIRECTION, BY_NO_DIRECTION } by;
    uint8_t dir;
    uint32_t states; /* 0: not looked at */
};

static void add_rule(struct nft_tx *tx, const struct divert *d, const struct lines *at, size_t i, struct way w)
{
    const struct plan_line *l = &at->plan->lines[i];
    char set[SET_NAME_MAX], why[NFT_COMMENT_MAX];
    struct nftnl_rule *r = nft_rule(tx, at->chain);
    if (l->proto >= 0)
        table_match_l4proto(r, (uint8_t)l->proto);
    if (w.version)
        table_match_ip(d, r, w.version);
    if (w.states)
        table_match_ct_state(r, w.states);
    if (w.by == BY_DIRECTION)
        table_match_ct_direction(r, w.dir);
    if (w.by == BY_SOURCE || w.by == BY_DESTINATION) {
        nft_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, w.by == BY_SOURCE ? 0 : 2, sizeof(uint16_t));
        nft_in_set(r, ports_set(d, at, i, set));
    }
    if (l->from_inside)
        table_match_address(r, w.version, true, table_set(d, w.version == 4 ? "inside4" : "inside6", set));
    kind_why(at->plan, i, why, sizeof why);
    nft_comment(r, why);
    nft_verdict(r, NFT_GOTO, at->target);
    nft_rule_end(tx, r);
}

/* Without ports the direction is conntrack's; what has none may be either. */
static void add_directions(struct nft_tx *tx, const struct divert *d, const struct lines *at, size_t i, struct way w)
{
    const struct plan_line *l = &at->plan->lines[i];
    const uint32_t undirected = NF_CT_STATE_INVALID_BIT | NF_CT_STATE_UNTRACKED_BIT;
    if (has_ports(l) && !has_all_ports(at->plan, i)) {
        w.by = BY_DESTINATION;
        if (l->to_server)
            add_rule(tx, d, at, i, w);
        w.by = BY_SOURCE;
        if (l->to_client)
            add_rule(tx, d, at, i, w);
        return;
    }
    if (has_ports(l) || l->to_server == l->to_client) {
        w.by = EITHER_WAY;
        if (l->to_server || l->to_client)
            add_rule(tx, d, at, i, w);
        return;
    }
    w.by = BY_DIRECTION;
    w.dir = l->to_server ? IP_CT_DIR_ORIGINAL : IP_CT_DIR_REPLY;
    add_rule(tx, d, at, i, w);
    w.by = BY_NO_DIRECTION;
    w.states = w.states ? w.states & undirected : undirected;
    if (w.states)
        add_rule(tx, d, at, i, w);
}

static void add_line(struct nft_tx *tx, const struct divert *d, const struct lines *at, size_t i)
{
    const struct plan_line *l = &at->plan->lines[i];
    struct way w = {.states = state_bits(l->states)};
    if (!w.states && !(l->states & (1 << CT_INVALID)))
        return; /* of no state at all */
    /* In the bridge family not all is IP; elsewhere a rule without a condition will do. */
    bool by_version = l->from_inside || (l->proto < 0 && d->bridge_family);
    if (!by_version) {
        add_directions(tx, d, at, i, w);
        return;
    }
    for (w.version = 4; w.version <= 6; w.version += 2)
        add_directions(tx, d, at, i, w);
}

void lines_add_rules(struct nft_tx *tx, const struct divert *d, const struct lines *at)
{
    for (size_t i = 0; i < at->plan->n_lines; i++)
        if (is_first(at->plan, i) && !is_said(at->plan, i))
            add_line(tx, d, at, i);
}
