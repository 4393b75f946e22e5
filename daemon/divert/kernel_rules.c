/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "divert/kernel_rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "divert/floods.h"
#include "divert/lists.h"
#include "divert/log_prefix.h"
#include "divert/table.h"
#include "net/packet.h"

#define RULE_PREFIX "rule_"
#define CHAIN_FRAGMENTS RULE_PREFIX "fragments"
#define DETECTOR_PREFIX "detect_"
#define EVENTS_PER_SECOND 100
#define EVENT_BYTES 256

/* A condition on a value of fixed length and where the packet has it. */
struct value {
    uint32_t len;
    enum nft_key key;
};

static struct value value_of(const struct match_cond *m)
{
    switch (m->what) {
    case MATCH_PROTO:
        return (struct value){1, NFT_KEY_PROTO};
    case MATCH_SRC:
    case MATCH_DST:
        return m->family == 4 ? (struct value){4, NFT_KEY_IPV4} : (struct value){16, NFT_KEY_IPV6};
    case MATCH_SRCPORT:
    case MATCH_DSTPORT:
        return (struct value){2, NFT_KEY_PORT};
    default:
        return (struct value){0};
    }
}

static bool is_device(const struct match_cond *m)
{
    return m->what == MATCH_IN_DEV || m->what == MATCH_OUT_DEV;
}

/* In inet a bridged packet's device is the bridge; and of a host's own packets one of the two is missing. */
static bool can_device(const struct divert *d, const struct match_cond *m)
{
    if ((d->bridged && !d->bridge_family) || (m->negate && d->hook != HOOK_FORWARD))
        return false;
    for (size_t i = 0; i < m->n_names; i++)
        if (strlen(m->names[i]) >= IFNAMSIZ)
            return false;
    return true;
}

bool kernel_rules_can(const struct divert *d, const struct match *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (is_device(&m->at[i]) && !can_device(d, &m->at[i]))
            return false;
    return true;
}

static const char *cond_set(const struct divert *d, size_t rule, size_t cond, char *buf)
{
    char base[SET_NAME_MAX - 12];
    snprintf(base, sizeof base, "match%zuc%zu", rule, cond);
    return table_set(d, base, buf);
}

/* A named list has a set that outlives changes; NULL where the table keeps none for it. */
static const char *list_set(const struct divert *d, const struct match_cond *m)
{
    return d->lists && m->list && m->n > 1 ? lists_set(d->lists, m->list, m->family) : NULL;
}

static int add_range_set(struct nft_tx *tx, const char *name, const struct match_cond *m)
{
    struct nft_range *ranges = calloc(m->n, sizeof *ranges);
    if (!ranges)
        return -ENOMEM;
    for (size_t i = 0; i < m->n; i++) {
        memcpy(ranges[i].first, m->ranges[i].first, sizeof ranges->first);
        memcpy(ranges[i].last, m->ranges[i].last, sizeof ranges->last);
    }
    struct value v = value_of(m);
    nft_add_ranges(tx, name, v.key, v.len, ranges, m->n);
    free(ranges);
    return 0;
}

int kernel_rules_add_sets(struct nft_tx *tx, const struct divert *d, const struct plan *p)
{
    int err = 0;
    char name[SET_NAME_MAX];
    for (size_t i = 0; i < p->n_rules; i++) {
        const struct match *match = &p->rules[i].match;
        for (size_t j = 0; !err && j < match->n; j++) {
            const struct match_cond *m = &match->at[j];
            if (is_device(m))
                nft_add_names(tx, cond_set(d, i, j, name), m->names, m->n_names);
            else if (value_of(m).len && m->n > 1 && !list_set(d, m))
                err = add_range_set(tx, cond_set(d, i, j, name), m);
        }
    }
    return err;
}

/* What a rule asks of the IP version, conntrack's state and direction, over all of its conditions. */
struct scope {
    bool v4, v6;
    uint32_t states; /* NF_CT_STATE_BIT; 0: any */
    uint32_t dirs;   /* 1 << enum ct_direction */
};

#define DIRS_ALL (1u << CT_DIR_NONE | 1u << CT_DIR_ORIGINAL | 1u << CT_DIR_REPLY)
#define TRACKED (NF_CT_STATE_BIT(IP_CT_NEW) | NF_CT_STATE_BIT(IP_CT_ESTABLISHED) | NF_CT_STATE_BIT(IP_CT_RELATED))
#define NOT_TRACKED (NF_CT_STATE_INVALID_BIT | NF_CT_STATE_UNTRACKED_BIT)

static uint32_t kernel_states(uint32_t bits)
{
    static const struct {
        enum ct_state ours;
        uint32_t kernel;
    } states[] = {
        {CT_NEW, NF_CT_STATE_BIT(IP_CT_NEW)},         {CT_ESTABLISHED, NF_CT_STATE_BIT(IP_CT_ESTABLISHED)},
        {CT_RELATED, NF_CT_STATE_BIT(IP_CT_RELATED)}, {CT_INVALID, NF_CT_STATE_INVALID_BIT},
        {CT_UNTRACKED, NF_CT_STATE_UNTRACKED_BIT},
    };
    uint32_t ret = 0;
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (bits & 1u << states[i].ours)
            ret |= states[i].kernel;
    return ret;
}

static bool has_version(const struct match_cond *m, uint8_t version)
{
    bool in = false;
    for (size_t i = 0; i < m->n; i++)
        in |= m->ranges[i].first[0] <= version && version <= m->ranges[i].last[0];
    return in != m->negate;
}

static struct scope scope_of(const struct match *match)
{
    struct scope s = {.v4 = true, .v6 = true, .states = TRACKED | NOT_TRACKED, .dirs = DIRS_ALL};
    for (size_t i = 0; i < match->n; i++) {
        const struct match_cond *m = &match->at[i];
        uint32_t bits = m->negate ? ~m->bits : m->bits;
        if (m->what == MATCH_IP_VERSION) {
            s.v4 &= has_version(m, 4);
            s.v6 &= has_version(m, 6);
        } else if (m->what == MATCH_SRC || m->what == MATCH_DST) {
            s.v4 &= m->family == 4;
            s.v6 &= m->family == 6;
        } else if (m->what == MATCH_CT_STATE) {
            s.states &= kernel_states(bits);
        } else if (m->what == MATCH_CT_DIR) {
            s.dirs &= bits;
        }
    }
    return s;
}

static void put_direction(struct nftnl_rule *r, uint32_t dirs)
{
    if (dirs == 1u << CT_DIR_NONE)
        table_match_ct_state(r, NOT_TRACKED);
    else if (dirs == 1u << CT_DIR_ORIGINAL)
        table_match_ct_direction(r, IP_CT_DIR_ORIGINAL);
    else if (dirs == 1u << CT_DIR_REPLY)
        table_match_ct_direction(r, IP_CT_DIR_REPLY);
    else if (dirs != DIRS_ALL)
        table_match_ct_state(r, TRACKED);
}

static void put_scope(const struct divert *d, struct nftnl_rule *r, const struct scope *s, uint32_t dirs)
{
    if (s->v4 != s->v6)
        table_match_ip(d, r, s->v4 ? 4 : 6);
    if (s->states != (TRACKED | NOT_TRACKED))
        table_match_ct_state(r, s->states);
    put_direction(r, dirs);
}

static void load_value(struct nftnl_rule *r, const struct match_cond *m)
{
    bool source = m->what == MATCH_SRC || m->what == MATCH_SRCPORT;
    if (m->what == MATCH_PROTO)
        nft_load_meta(r, NFT_META_L4PROTO);
    else if (m->what == MATCH_IN_DEV || m->what == MATCH_OUT_DEV)
        nft_load_meta(r, m->what == MATCH_IN_DEV ? NFT_META_IIFNAME : NFT_META_OIFNAME);
    else if (m->what == MATCH_SRCPORT || m->what == MATCH_DSTPORT)
        nft_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, source ? 0 : 2, 2);
    else if (m->family == 4)
        nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, source ? 12 : 16, 4);
    else
        nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, source ? 8 : 24, 16);
}

static void put_cond(const struct divert *d, struct nftnl_rule *r, const struct match_cond *m, size_t rule, size_t cond)
{
    char name[SET_NAME_MAX];
    uint32_t len = value_of(m).len;
    const char *set = list_set(d, m);
    if (!len && !is_device(m))
        return; /* in the scope */
    set = set ? set : cond_set(d, rule, cond, name);
    load_value(r, m);
    if (len && m->n == 1)
        nft_between(r, m->negate, m->ranges[0].first, m->ranges[0].last, len);
    else if (m->negate)
        nft_not_in_set(r, set);
    else
        nft_in_set(r, set);
}

/* Whether no value at all is asked for; no packet then matches, and (negated) each. */
static bool is_empty(const struct match_cond *m)
{
    return value_of(m).len && m->n == 0;
}

static void write_match(struct nft_tx *tx, const struct divert *d, const char *in, const struct plan_rule *rule,
                        size_t n, const struct scope *s, uint32_t dirs)
{
    char chain[32];
    struct nftnl_rule *r = nft_rule(tx, in);
    put_scope(d, r, s, dirs);
    for (size_t i = 0; i < rule->match.n; i++)
        if (!is_empty(&rule->match.at[i]))
            put_cond(d, r, &rule->match.at[i], n, i);
    snprintf(chain, sizeof chain, RULE_PREFIX "%" PRIu32, rule->id);
    nft_verdict(r, NFT_GOTO, chain);
    nft_rule_end(tx, r);
}

static void write_matches(struct nft_tx *tx, const struct divert *d, const char *in, const struct plan_rule *rule,
                          size_t n)
{
    struct scope s = scope_of(&rule->match);
    uint32_t none = s.dirs & 1u << CT_DIR_NONE, others = s.dirs & ~none;
    for (size_t i = 0; i < rule->match.n; i++)
        if (is_empty(&rule->match.at[i]) && !rule->match.at[i].negate)
            return;
    if ((!s.v4 && !s.v6) || !s.states || !s.dirs)
        return;
    /* A packet without a connection has no direction to compare: that is an alternative of its own. */
    bool split = none && others && s.dirs != DIRS_ALL;
    write_match(tx, d, in, rule, n, &s, split ? others : s.dirs);
    if (split)
        write_match(tx, d, in, rule, n, &s, none);
}

static void write_reject(struct nft_tx *tx, const char *chain)
{
    struct nftnl_rule *r = nft_rule(tx, chain);
    table_match_l4proto(r, IPPROTO_TCP);
    nft_reject(r, NFT_REJECT_TCP_RST, 0);
    nft_rule_end(tx, r);
    r = nft_rule(tx, chain);
    nft_reject(r, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
    nft_rule_end(tx, r);
}

/* What becomes of the packets that a rule matches. In mode monitor they leave its chain as they came. */
static void write_action(struct nft_tx *tx, const struct config *c, const struct plan *p, const struct plan_rule *rule)
{
    char name[32], prefix[LOG_PREFIX_MAX];
    snprintf(name, sizeof name, RULE_PREFIX "%" PRIu32, rule->id);
    nft_add_counter(tx, name);
    nft_add_chain(tx, name);
    if (rule->event) {
        struct nftnl_rule *r = nft_rule(tx, name);
        const struct log_origin o = {.source = LOG_RULE, .id = rule->id, .action = rule->action, .monitor = p->monitor};
        nft_limit(r, EVENTS_PER_SECOND);
        nft_log(r, c->divert.log_group, EVENT_BYTES, log_prefix(&o, prefix));
        nft_rule_end(tx, r);
    }
    bool stops = rule->action != PLAN_ACCEPT && !p->monitor;
    struct nftnl_rule *r = nft_rule(tx, name);
    nft_count(r, name);
    if (rule->action == PLAN_ACCEPT)
        nft_verdict(r, NF_ACCEPT, NULL);
    else if (rule->action == PLAN_DROP && stops)
        nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);
    if (rule->action == PLAN_REJECT && stops)
        write_reject(tx, name);
}

static bool is_first_of_its_id(const struct plan *p, size_t rule)
{
    /* Alternatives stand side by side as a rule, so the nearest ones are looked at first. */
    for (size_t i = rule; i-- > 0;)
        if (p->rules[i].id == p->rules[rule].id)
            return false;
    return true;
}

/* Family bridge: ARP and all else that is not IP is none of the rules' business. */
static void leave_with_others(struct nft_tx *tx)
{
    uint16_t v4 = htons(0x0800), v6 = htons(0x86dd);
    struct nftnl_rule *r = nft_rule(tx, CHAIN_RULES);
    nft_load_meta(r, NFT_META_PROTOCOL);
    nft_cmp(r, true, &v4, sizeof v4);
    nft_cmp(r, true, &v6, sizeof v6);
    nft_verdict(r, NFT_RETURN, NULL);
    nft_rule_end(tx, r);
}

static bool has_ports(const struct plan_rule *rule)
{
    for (size_t i = 0; i < rule->match.n; i++)
        if (rule->match.at[i].what == MATCH_SRCPORT || rule->match.at[i].what == MATCH_DSTPORT)
            return true;
    return false;
}

/*
 * Kernels read ports from a later fragment too, where its data stands (seen on
 * 6.18). Conntrack puts fragments together; those that it does not track meet
 * only the rules that ask for no ports.
 */
static void lead_fragments_away(struct nft_tx *tx, const struct divert *d, const struct plan *p)
{
    enum { FRAGMENT_OFFSET4 = 0x1fff, FRAGMENT_OFFSET6 = 0xfff8 };
    const uint16_t mask4 = htons(FRAGMENT_OFFSET4), mask6 = htons(FRAGMENT_OFFSET6), none = 0;
    nft_add_chain(tx, CHAIN_FRAGMENTS);
    struct nftnl_rule *r = nft_rule(tx, CHAIN_RULES);
    table_match_ip(d, r, 4);
    nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 6, sizeof mask4);
    nft_and(r, &mask4, sizeof mask4);
    nft_cmp(r, true, &none, sizeof none);
    nft_verdict(r, NFT_GOTO, CHAIN_FRAGMENTS);
    nft_rule_end(tx, r);
    r = nft_rule(tx, CHAIN_RULES);
    table_match_ip(d, r, 6);
    nft_load_ipv6_header(r, IPPROTO_FRAGMENT, 2, sizeof mask6);
    nft_and(r, &mask6, sizeof mask6);
    nft_cmp(r, true, &none, sizeof none);
    nft_verdict(r, NFT_GOTO, CHAIN_FRAGMENTS);
    nft_rule_end(tx, r);
    for (size_t i = 0; i < p->n_rules; i++)
        if (!has_ports(&p->rules[i]))
            write_matches(tx, d, CHAIN_FRAGMENTS, &p->rules[i], i);
}

static bool some_have_ports(const struct plan *p)
{
    for (size_t i = 0; i < p->n_rules; i++)
        if (has_ports(&p->rules[i]))
            return true;
    return false;
}

int kernel_rules_write(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p)
{
    if (d->bridge_family && p->n_rules)
        leave_with_others(tx);
    for (size_t i = 0; i < p->n_rules; i++) {
        if (!kernel_rules_can(d, &p->rules[i].match))
            return -EINVAL;
        if (is_first_of_its_id(p, i))
            write_action(tx, c, p, &p->rules[i]);
    }
    if (some_have_ports(p))
        lead_fragments_away(tx, d, p);
    for (size_t i = 0; i < p->n_rules; i++)
        write_matches(tx, d, CHAIN_RULES, &p->rules[i], i);
    return 0;
}

static bool rule_id(const char *name, uint32_t *ret)
{
    if (strncmp(name, RULE_PREFIX, strlen(RULE_PREFIX)) != 0)
        return false;
    const char *digits = name + strlen(RULE_PREFIX);
    char *end;
    errno = 0;
    unsigned long id = strtoul(digits, &end, 10);
    if (end == digits || *end || errno || id > UINT32_MAX)
        return false;
    *ret = (uint32_t)id;
    return true;
}

struct counting {
    kernel_rule_count_fn each;
    void *ctx;
};

static int count_one(const struct nft_counter *counter, void *ctx)
{
    const struct counting *c = ctx;
    uint32_t id;
    if (rule_id(counter->name, &id))
        c->each(id, counter->packets, c->ctx);
    return 0;
}

int kernel_rules_counts(const struct divert *d, kernel_rule_count_fn each, void *ctx)
{
    struct counting c = {.each = each, .ctx = ctx};
    return nft_each_counter(table_family(d), DIVERT_TABLE, count_one, &c);
}

bool kernel_rules_own(const char *name)
{
    return strncmp(name, RULE_PREFIX, strlen(RULE_PREFIX)) == 0 ||
           strncmp(name, DETECTOR_PREFIX, strlen(DETECTOR_PREFIX)) == 0;
}

struct cleaning {
    struct nft_tx *tx;
    const struct config *c;
    const struct plan *p;
    size_t n;
};

static bool is_needed(const struct cleaning *k, const char *name)
{
    uint32_t id;
    if (rule_id(name, &id)) {
        for (size_t i = 0; i < k->p->n_rules; i++)
            if (k->p->rules[i].id == id)
                return true;
        return false;
    }
    if (strcmp(name, CHAIN_FRAGMENTS) == 0)
        return true;
    for (size_t i = 0; i < FLOODS_DETECTORS; i++)
        if (k->c->detect[i].action != DETECT_OFF &&
            strcmp(name + strlen(DETECTOR_PREFIX), detector_name((enum detector_id)i)) == 0)
            return true;
    return false;
}

static int clean_chain(const struct nft_chain *chain, void *ctx)
{
    struct cleaning *k = ctx;
    if (kernel_rules_own(chain->name) && !is_needed(k, chain->name)) {
        nft_del_chain(k->tx, chain->name);
        k->n++;
    }
    return 0;
}

static int clean_counter(const struct nft_counter *counter, void *ctx)
{
    struct cleaning *k = ctx;
    if (kernel_rules_own(counter->name) && !is_needed(k, counter->name)) {
        nft_del_counter(k->tx, counter->name);
        k->n++;
    }
    return 0;
}

void kernel_rules_clean_up(const struct divert *d, const struct config *c, const struct plan *p)
{
    char ignored[256];
    struct cleaning k = {.tx = nft_begin(table_family(d), DIVERT_TABLE), .c = c, .p = p};
    if (!k.tx)
        return;
    int err = nft_each_chain(table_family(d), DIVERT_TABLE, clean_chain, &k);
    if (!err)
        err = nft_each_counter(table_family(d), DIVERT_TABLE, clean_counter, &k);
    if (!err && k.n)
        err = nft_commit(k.tx, ignored, sizeof ignored);
    (void)err; /* what is left is tried again at the next change */
    nft_free(k.tx);
}
