/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Our table. Its chains, in the order in which a packet meets them:
 *
 *   divert   at the hook (of a host's both directions also divert_out): what
 *            came back with a code; then by interface to
 *   guard    exempt addresses leave; guarded services go to
 *   context  conntrack state and direction into the packet mark, then
 *   up       counted, and into a queue (by way of queue0.. for the xt target)
 *   done     at the hook, right behind (and done_out): our bits leave the mark
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "divert/divert.h"
#include "divert/link.h"
#include "divert/marks.h"
#include "divert/nft.h"

#define ETH_IPV4 0x0800
#define ETH_IPV6 0x86dd
#define CHAIN_QUEUE "queue"

static const char *const set_names[] = {"interfaces", "exempt4", "exempt6"};

#define SET_NAME_MAX 48

/* A set's name: of a changed table with the number of the change, for the old and the new set exist side by side. */
static const char *set_name(const struct divert *d, const char *base, char *buf)
{
    if (d->change)
        snprintf(buf, SET_NAME_MAX, "%s_%u", base, d->change);
    else
        snprintf(buf, SET_NAME_MAX, "%s", base);
    return buf;
}

static const char *ports_set_name(const struct divert *d, size_t service, char *buf)
{
    char base[32];
    snprintf(base, sizeof base, "ports%zu", service);
    return set_name(d, base, buf);
}

static uint8_t nf_family(const struct divert *d)
{
    return d->bridge_family ? NFPROTO_BRIDGE : NFPROTO_INET;
}

/* Where our base chains stand: one place, or both of a host's. */
struct place {
    const char *divert, *done;
    uint32_t hook;
};

static const struct place place_forward = {"divert", "done", NF_INET_FORWARD};
static const struct place place_input = {"divert", "done", NF_INET_LOCAL_IN};
static const struct place place_output = {"divert", "done", NF_INET_LOCAL_OUT};
static const struct place place_output_too = {"divert_out", "done_out", NF_INET_LOCAL_OUT};

#define PLACES_MAX 2

static size_t places_of(enum divert_hook hook, const struct place *ret[PLACES_MAX])
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

static void simple_rule(struct nft_tx *tx, const char *chain, int verdict, const char *target)
{
    struct nftnl_rule *r = nft_rule(tx, chain);
    nft_verdict(r, verdict, target);
    nft_rule_end(tx, r);
}

static struct nftnl_rule *code_rule(struct nft_tx *tx, const struct divert *d, const char *chain, enum mark_code code)
{
    struct nftnl_rule *r = nft_rule(tx, chain);
    nft_load_meta(r, NFT_META_MARK);
    nft_bitwise(r, mark_code_mask(d->mark_mask), 0);
    nft_cmp_u32(r, false, mark_of_code(d->mark_mask, code));
    return r;
}

static void match_l4proto(struct nftnl_rule *r, uint8_t proto)
{
    nft_load_meta(r, NFT_META_L4PROTO);
    nft_cmp(r, false, &proto, sizeof proto);
}

static void add_refuse(struct nft_tx *tx, const struct divert *d, const char *chain)
{
    struct nftnl_rule *r = code_rule(tx, d, chain, MARK_CODE_REFUSE);
    match_l4proto(r, IPPROTO_TCP);
    nft_reject(r, NFT_REJECT_TCP_RST, 0);
    nft_rule_end(tx, r);
    r = code_rule(tx, d, chain, MARK_CODE_REFUSE);
    nft_reject(r, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
    nft_rule_end(tx, r);
}

static void add_interface_rule(struct nft_tx *tx, const struct divert *d, const char *chain, uint32_t meta_key)
{
    char set[SET_NAME_MAX];
    struct nftnl_rule *r = nft_rule(tx, chain);
    nft_load_meta(r, meta_key);
    nft_in_set(r, set_name(d, "interfaces", set));
    nft_verdict(r, NFT_GOTO, "guard");
    nft_rule_end(tx, r);
}

static void add_divert_chain(struct nft_tx *tx, const struct divert *d, const struct place *at, const struct config *c,
                             enum divert_state state)
{
    if (!d->own_answers)
        add_refuse(tx, d, at->divert);
    struct nftnl_rule *r = code_rule(tx, d, at->divert, MARK_CODE_PASS);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    if (state == DIVERT_PASS)
        return;
    if (!c->divert.n_ifaces) {
        simple_rule(tx, at->divert, NFT_GOTO, "guard");
        return;
    }
    if (at->hook != NF_INET_LOCAL_OUT)
        add_interface_rule(tx, d, at->divert, NFT_META_IIFNAME);
    if (at->hook != NF_INET_LOCAL_IN)
        add_interface_rule(tx, d, at->divert, NFT_META_OIFNAME);
}

/* The EtherType is what the bridge family knows of a packet; behind it both families agree. */
static void match_ip(const struct divert *d, struct nftnl_rule *r, int version)
{
    if (d->bridge_family) {
        uint16_t type = htons(version == 4 ? ETH_IPV4 : ETH_IPV6);
        nft_load_meta(r, NFT_META_PROTOCOL);
        nft_cmp(r, false, &type, sizeof type);
    } else {
        uint8_t family = version == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
        nft_load_meta(r, NFT_META_NFPROTO);
        nft_cmp(r, false, &family, sizeof family);
    }
}

static void add_exempt_rule(struct nft_tx *tx, const struct divert *d, int version, uint32_t offset)
{
    char set[SET_NAME_MAX];
    struct nftnl_rule *r = nft_rule(tx, "guard");
    match_ip(d, r, version);
    nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, offset, version == 4 ? 4 : 16);
    nft_in_set(r, set_name(d, version == 4 ? "exempt4" : "exempt6", set));
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
}

/* "address" or "address/prefix" as a range; config/ has checked it. Returns 4, 6 or 0. */
static int exempt_range(const char *text, struct nft_range *ret)
{
    struct ip_net net;
    int err = ip_net_parse(text, &net);
    if (err && err != -EDOM)
        return 0;
    *ret = (struct nft_range){0};
    unsigned len = net.addr.family == 4 ? 4 : 16;
    for (unsigned i = 0; i < len; i++) {
        unsigned left = net.prefix > i * 8 ? net.prefix - i * 8 : 0;
        uint8_t host = left >= 8 ? 0 : (uint8_t)(0xff >> left);
        ret->first[i] = (uint8_t)(net.addr.bytes[i] & ~host);
        ret->last[i] = (uint8_t)(ret->first[i] | host);
    }
    return net.addr.family;
}

static int add_exempt_set(struct nft_tx *tx, const struct divert *d, const struct config *c, int version)
{
    AUTO_FREE struct nft_range *ranges = calloc(c->divert.exempt.n + 1, sizeof *ranges);
    if (!ranges)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < c->divert.exempt.n; i++)
        if (exempt_range(c->divert.exempt.at[i], &ranges[n]) == version)
            n++;
    char name[SET_NAME_MAX];
    set_name(d, version == 4 ? "exempt4" : "exempt6", name);
    nft_add_ranges(tx, name, version == 4 ? NFT_KEY_IPV4 : NFT_KEY_IPV6, version == 4 ? 4 : 16, ranges, n);
    return 0;
}

static void add_exempt_rules(struct nft_tx *tx, const struct divert *d, const struct config *c)
{
    if (!c->divert.exempt.n)
        return;
    add_exempt_rule(tx, d, 4, 12);
    add_exempt_rule(tx, d, 4, 16);
    add_exempt_rule(tx, d, 6, 8);
    add_exempt_rule(tx, d, 6, 24);
}

static int add_ports_set(struct nft_tx *tx, const char *name, const struct config_service *s)
{
    AUTO_FREE struct nft_range *ranges = calloc(s->n_ports, sizeof *ranges);
    if (!ranges)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_ports; i++) {
        uint16_t first = htons(s->ports[i].first), last = htons(s->ports[i].last);
        memcpy(ranges[i].first, &first, sizeof first);
        memcpy(ranges[i].last, &last, sizeof last);
    }
    nft_add_ranges(tx, name, NFT_KEY_PORT, sizeof(uint16_t), ranges, s->n_ports);
    return 0;
}

static void add_port_rule(struct nft_tx *tx, uint8_t proto, const char *set, uint32_t offset)
{
    struct nftnl_rule *r = nft_rule(tx, "guard");
    match_l4proto(r, proto);
    nft_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, offset, sizeof(uint16_t));
    nft_in_set(r, set);
    nft_verdict(r, NFT_GOTO, "context");
    nft_rule_end(tx, r);
}

static void add_any_service(struct nft_tx *tx, const struct divert *d)
{
    for (int version = 4; version <= 6; version += 2) {
        struct nftnl_rule *r = nft_rule(tx, "guard");
        match_ip(d, r, version);
        nft_verdict(r, NFT_GOTO, "context");
        nft_rule_end(tx, r);
    }
}

static void add_service(struct nft_tx *tx, const struct divert *d, const struct config_service *s, size_t i)
{
    if (s->proto < 0) {
        add_any_service(tx, d);
        return;
    }
    if (!s->n_ports) {
        struct nftnl_rule *r = nft_rule(tx, "guard");
        match_l4proto(r, (uint8_t)s->proto);
        nft_verdict(r, NFT_GOTO, "context");
        nft_rule_end(tx, r);
        return;
    }
    char name[SET_NAME_MAX];
    ports_set_name(d, i, name);
    add_port_rule(tx, (uint8_t)s->proto, name, 2);
    add_port_rule(tx, (uint8_t)s->proto, name, 0);
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
    const uint8_t reply = IP_CT_DIR_REPLY;
    for (size_t i = 0; i < ARRAY_LEN(contexts); i++) {
        struct nftnl_rule *r = nft_rule(tx, "context");
        if (contexts[i].state) {
            nft_load_ct(r, NFT_CT_STATE);
            nft_bitwise(r, contexts[i].state, 0);
            nft_cmp_u32(r, true, 0);
        }
        if (contexts[i].reply_only) {
            nft_load_ct(r, NFT_CT_DIRECTION);
            nft_cmp(r, false, &reply, sizeof reply);
        }
        nft_load_meta(r, NFT_META_MARK);
        nft_bitwise(r, ~mark_ct_mask(d->mark_mask), mark_of_ct(d->mark_mask, contexts[i].mark_state, contexts[i].dir));
        nft_set_mark(r);
        nft_verdict(r, NFT_GOTO, "up");
        nft_rule_end(tx, r);
    }
}

static bool uses_queue_chains(const struct divert *d)
{
    return d->way == QUEUE_XT_SYMHASH && d->queues > 1;
}

static void put_queue(struct nftnl_rule *r, const struct divert *d)
{
    bool spread = d->queues > 1;
    if (spread && d->way == QUEUE_NATIVE_SYMHASH) {
        nft_load_symhash(r, d->queues, d->first_queue);
        nft_queue_register(r, d->bypass);
    } else if (d->way == QUEUE_NATIVE_SYMHASH || d->way == QUEUE_NATIVE_RANGE) {
        nft_queue(r, d->first_queue, d->queues, d->bypass);
    } else if (uses_queue_chains(d)) {
        nft_load_symhash(r, d->queues, 0);
        nft_vmap(r, "queues");
    } else {
        nft_xt_queue(r, d->first_queue, d->queues, d->bypass);
    }
}

static void add_up_chain(struct nft_tx *tx, const struct divert *d, enum divert_state state)
{
    struct nftnl_rule *r = nft_rule(tx, "up");
    if (state == DIVERT_BLOCK) {
        nft_verdict(r, NF_DROP, NULL);
        nft_rule_end(tx, r);
        return;
    }
    nft_count(r, "queued");
    put_queue(r, d);
    nft_rule_end(tx, r);
    for (uint16_t i = 0; uses_queue_chains(d) && i < d->queues; i++) {
        char name[32];
        snprintf(name, sizeof name, CHAIN_QUEUE "%u", i);
        r = nft_rule(tx, name);
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
    nft_rule_end(tx, r);
}

/* In inet a bridged packet's interface is the bridge; the ports are told apart in user space. */
static int interface_names(const struct divert *d, const struct config *c, char (*names)[16], const char **at)
{
    for (size_t i = 0; i < c->divert.n_ifaces; i++) {
        struct link l;
        int err = link_read(c->divert.ifaces[i].name, &l);
        if (err)
            return err;
        snprintf(names[i], sizeof names[i], "%s",
                 d->bridged && !d->bridge_family ? l.bridge : c->divert.ifaces[i].name);
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
        nft_add_names(tx, set_name(d, "interfaces", name), at, unique(at, n));
    return err;
}

/*
 * What nft calls "filter". In the bridge family 0 would not do: br_netfilter
 * takes packets out of the bridge's hooks at -1 and brings them back behind 0.
 */
static int32_t filter_priority(const struct divert *d)
{
    return (d->bridge_family ? -200 : 0) + d->priority;
}

static void add_chains(struct nft_tx *tx, const struct divert *d)
{
    const struct place *at[PLACES_MAX];
    size_t n = places_of(d->hook, at);
    for (size_t i = 0; i < n; i++) {
        nft_add_base_chain(tx, at[i]->divert, at[i]->hook, filter_priority(d));
        nft_add_base_chain(tx, at[i]->done, at[i]->hook, filter_priority(d) + 1);
    }
    nft_add_chain(tx, "guard");
    nft_add_chain(tx, "context");
    nft_add_chain(tx, "up");
    nft_add_counter(tx, "queued");
    if (!uses_queue_chains(d))
        return;
    for (uint16_t i = 0; i < d->queues; i++) {
        char name[32];
        snprintf(name, sizeof name, CHAIN_QUEUE "%u", i);
        nft_add_chain(tx, name);
    }
    nft_add_chain_map(tx, "queues", CHAIN_QUEUE, d->queues);
}

static int add_sets(struct nft_tx *tx, const struct divert *d, const struct config *c)
{
    int err = add_interface_set(tx, d, c);
    for (int version = 4; !err && version <= 6; version += 2)
        err = add_exempt_set(tx, d, c, version);
    for (size_t i = 0; !err && i < c->divert.n_services; i++) {
        const struct config_service *s = &c->divert.services[i];
        char name[SET_NAME_MAX];
        if (s->proto >= 0 && s->n_ports)
            err = add_ports_set(tx, ports_set_name(d, i, name), s);
    }
    return err;
}

static void add_rules(struct nft_tx *tx, const struct divert *d, const struct config *c, enum divert_state state)
{
    const struct place *at[PLACES_MAX];
    size_t n = places_of(d->hook, at);
    for (size_t i = 0; i < n; i++)
        add_divert_chain(tx, d, at[i], c, state);
    add_exempt_rules(tx, d, c);
    for (size_t i = 0; i < c->divert.n_services; i++)
        add_service(tx, d, &c->divert.services[i], i);
    add_context_chain(tx, d);
    add_up_chain(tx, d, state);
    for (size_t i = 0; i < n; i++)
        add_done_chain(tx, d, at[i]);
}

static size_t count_port_sets(const struct config *c, size_t *ret, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < c->divert.n_services && n < room; i++)
        if (c->divert.services[i].proto >= 0 && c->divert.services[i].n_ports)
            ret[n++] = i;
    return n;
}

/* Remembers which sets the table holds, so that a change can take them away. */
static void remember_sets(struct divert *d, const struct config *c)
{
    size_t at[DIVERT_PORT_SETS_MAX];
    d->n_port_sets = count_port_sets(c, at, ARRAY_LEN(at));
    memcpy(d->port_sets, at, d->n_port_sets * sizeof at[0]);
}

/* A digest of all that the table would say, 0 when that cannot be told. */
static uint64_t content_digest(const struct divert *d, const struct config *c, enum divert_state state)
{
    struct divert plain = *d;
    plain.change = 0;
    struct nft_tx *tx = nft_begin(nf_family(d), DIVERT_TABLE);
    uint64_t digest = 0;
    if (tx && add_sets(tx, &plain, c) == 0) {
        add_rules(tx, &plain, c, state);
        digest = nft_digest(tx);
    }
    nft_free(tx);
    return digest;
}

static int explain(int err, char *why, size_t size)
{
    snprintf(why, size, "%s", err == -ENOMEM ? "out of memory" : strerror(-err));
    return err;
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

/* Remembers what the table says now. */
static void remember(struct divert *d, const struct config *c, enum divert_state state)
{
    remember_sets(d, c);
    d->content = content_digest(d, c, state);
}

int divert_install(struct divert *d, const struct config *c, enum divert_state state, char *why, size_t why_size)
{
    struct nft_tx *tx = nft_begin(nf_family(d), DIVERT_TABLE);
    if (!tx)
        return explain(-ENOMEM, why, why_size);
    nft_add_table(tx);
    nft_del_table(tx);
    nft_add_table(tx);
    add_chains(tx, d);
    int err = add_sets(tx, d, c);
    if (err) {
        explain(err, why, why_size);
    } else {
        add_rules(tx, d, c, state);
        err = nft_commit(tx, why, why_size);
    }
    nft_free(tx);
    if (err)
        return err;
    remember(d, c, state);
    remove_other_family(d);
    return 0;
}

static int commit_sets(const struct divert *d, const struct config *c, char *why, size_t why_size)
{
    struct nft_tx *tx = nft_begin(nf_family(d), DIVERT_TABLE);
    int err = tx ? add_sets(tx, d, c) : -ENOMEM;
    err = err ? explain(err, why, why_size) : nft_commit(tx, why, why_size);
    nft_free(tx);
    return err;
}

static int commit_rules(const struct divert *d, const struct config *c, enum divert_state state, char *why,
                        size_t why_size)
{
    struct nft_tx *tx = nft_begin(nf_family(d), DIVERT_TABLE);
    if (!tx)
        return explain(-ENOMEM, why, why_size);
    nft_flush_rules(tx);
    add_rules(tx, d, c, state);
    int err = nft_commit(tx, why, why_size);
    nft_free(tx);
    return err;
}

/* Removes the sets that d remembers; no rule uses them. Should it fail they stay, and harm nobody. */
static void delete_sets(const struct divert *d)
{
    struct nft_tx *tx = nft_begin(nf_family(d), DIVERT_TABLE);
    if (!tx)
        return;
    char name[SET_NAME_MAX], ignored[256];
    for (size_t i = 0; i < ARRAY_LEN(set_names); i++)
        nft_del_set(tx, set_name(d, set_names[i], name));
    for (size_t i = 0; i < d->n_port_sets; i++)
        nft_del_set(tx, ports_set_name(d, d->port_sets[i], name));
    if (nft_commit(tx, ignored, sizeof ignored))
        ignored[0] = '\0';
    nft_free(tx);
}

/*
 * The new sets come first, in a transaction of their own, and the old ones go
 * last: a lookup in an interval set that is born or dies in the very
 * transaction that switches the rules was seen to miss (kernel 6.18), and a
 * packet that misses passes unseen.
 */
int divert_change(struct divert *d, const struct config *c, enum divert_state state, char *why, size_t why_size)
{
    if (d->content && content_digest(d, c, state) == d->content)
        return 0;
    struct divert next = *d;
    next.change = next.changes = ++d->changes;
    int err = commit_sets(&next, c, why, why_size);
    if (err)
        return err;
    remember(&next, c, state);
    err = commit_rules(&next, c, state, why, why_size);
    delete_sets(err ? &next : d);
    if (err)
        return err;
    /* Not all of it: workers read the parts that never change. */
    d->change = next.change;
    d->content = next.content;
    d->n_port_sets = next.n_port_sets;
    memcpy(d->port_sets, next.port_sets, sizeof d->port_sets);
    return 0;
}

int divert_remove(struct divert *d, char *why, size_t why_size)
{
    struct nft_tx *tx = nft_begin(nf_family(d), DIVERT_TABLE);
    if (!tx)
        return explain(-ENOMEM, why, why_size);
    nft_add_table(tx);
    nft_del_table(tx);
    int err = nft_commit(tx, why, why_size);
    nft_free(tx);
    return err;
}

int divert_queued(struct divert *d, uint64_t *ret)
{
    return nft_read_counter(nf_family(d), DIVERT_TABLE, "queued", ret);
}
