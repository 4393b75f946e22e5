/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A transaction as the table it makes: read back from the very messages that the kernel would get. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "divert/nft_internal.h"
#include "divert/nft_show.h"

/* So many elements of a set are written out. */
#define ELEMENTS_SHOWN 24

typedef void (*message_fn)(const struct nlmsghdr *nlh, void *ctx);

static void each_message(const struct nft_tx *tx, uint16_t type, message_fn each, void *ctx)
{
    size_t at = 0;
    while (at + sizeof(struct nlmsghdr) <= tx->len) {
        const struct nlmsghdr *nlh = (const void *)(tx->buf + at);
        if (nlh->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type))
            each(nlh, ctx);
        at += (nlh->nlmsg_len + 3u) & ~3u;
    }
}

struct show {
    FILE *out;
    const struct nft_tx *tx;
    const char *name; /* of the chain or set whose rules or elements are looked for */
    enum show_kind kind;
    bool intervals, verdicts;
    size_t n;
    uint8_t from[16];
    bool open; /* an interval has begun */
    bool out_of_memory;
};

static void show_counter(const struct nlmsghdr *nlh, void *ctx)
{
    struct show *s = ctx;
    struct nftnl_obj *o = nftnl_obj_alloc();
    s->out_of_memory |= !o;
    if (o && nftnl_obj_nlmsg_parse(nlh, o) == 0 && nftnl_obj_get_u32(o, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER)
        fprintf(s->out, "\tcounter %s { }\n", nftnl_obj_get_str(o, NFTNL_OBJ_NAME));
    if (o)
        nftnl_obj_free(o);
}

static enum show_kind kind_of(uint32_t key_type)
{
    switch (key_type) {
    case NFT_KEY_IPV4:
    case NFT_KEY_IPV6:
        return SHOW_ADDRESS;
    case NFT_KEY_PORT:
        return SHOW_NUMBER;
    case NFT_KEY_PORT << 6 | NFT_KEY_PORT:
        return SHOW_PAIR;
    case NFT_KEY_MARK:
        return SHOW_MARK;
    case NFT_KEY_IFNAME:
        return SHOW_NAME;
    default:
        return SHOW_HEX;
    }
}

static const char *type_name(uint32_t key_type)
{
    switch (key_type) {
    case NFT_KEY_IPV4:
        return "ipv4_addr";
    case NFT_KEY_IPV6:
        return "ipv6_addr";
    case NFT_KEY_PORT:
        return "inet_service";
    case NFT_KEY_PORT << 6 | NFT_KEY_PORT:
        return "inet_service . inet_service";
    case NFT_KEY_MARK:
        return "mark";
    case NFT_KEY_IFNAME:
        return "ifname";
    default:
        return "integer";
    }
}

static void begin_element(struct show *s)
{
    if (s->n < ELEMENTS_SHOWN)
        fputs(s->n ? ", " : "\t\telements = { ", s->out);
    s->n++;
}

/* The interval's last number, from the one behind it. */
static void decrement(uint8_t *number, uint32_t len)
{
    for (uint32_t i = len; i-- > 0;)
        if (number[i]--)
            return;
}

static void end_interval(struct show *s, const void *end, uint32_t len)
{
    uint8_t last[16];
    memset(last, 0xff, sizeof last);
    if (end) {
        memcpy(last, end, len);
        decrement(last, len);
    }
    begin_element(s);
    if (s->n > ELEMENTS_SHOWN)
        return;
    nft_show_value(s->out, s->kind, s->from, len);
    if (memcmp(last, s->from, len) == 0)
        return;
    fputc('-', s->out);
    nft_show_value(s->out, s->kind, last, len);
}

const struct nlattr *nft_show_next(const struct nlattr *nest, const struct nlattr *a)
{
    const char *end = (const char *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest);
    a = a ? mnl_attr_next(a) : mnl_attr_get_payload(nest);
    return mnl_attr_ok(a, (int)(end - (const char *)a)) ? a : NULL;
}

const struct nlattr *nft_show_inside(const struct nlattr *nest, uint16_t type)
{
    const struct nlattr *a = nest ? nft_show_next(nest, NULL) : NULL;
    while (a && mnl_attr_get_type(a) != type)
        a = nft_show_next(nest, a);
    return a;
}

static void show_element(struct show *s, const struct nlattr *element)
{
    const struct nlattr *value = nft_show_inside(nft_show_inside(element, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
    const struct nlattr *flags = nft_show_inside(element, NFTA_SET_ELEM_FLAGS);
    uint32_t len = value ? mnl_attr_get_payload_len(value) : 0;
    if (!value || len > sizeof s->from)
        return;
    const void *key = mnl_attr_get_payload(value);
    bool end = flags && ntohl(mnl_attr_get_u32(flags)) & NFT_SET_ELEM_INTERVAL_END;
    if (s->intervals) {
        if (end && s->open)
            end_interval(s, key, len);
        if (!end)
            memcpy(s->from, key, len);
        s->open = !end;
        return;
    }
    begin_element(s);
    if (s->n > ELEMENTS_SHOWN)
        return;
    nft_show_value(s->out, s->kind, key, len);
    const struct nlattr *verdict = nft_show_inside(nft_show_inside(element, NFTA_SET_ELEM_DATA), NFTA_DATA_VERDICT);
    const struct nlattr *chain = nft_show_inside(verdict, NFTA_VERDICT_CHAIN);
    if (chain)
        fprintf(s->out, " : goto %s", mnl_attr_get_str(chain));
}

struct element_list {
    const char *set;
    const struct nlattr *elements;
};

static int find_list(const struct nlattr *a, void *ctx)
{
    struct element_list *l = ctx;
    if (mnl_attr_get_type(a) == NFTA_SET_ELEM_LIST_SET)
        l->set = mnl_attr_get_str(a);
    if (mnl_attr_get_type(a) == NFTA_SET_ELEM_LIST_ELEMENTS)
        l->elements = a;
    return MNL_CB_OK;
}

/* By hand: libnftnl numbers the elements that it writes, and does not read what is so numbered. */
static void show_elements(const struct nlmsghdr *nlh, void *ctx)
{
    struct show *s = ctx;
    struct element_list l = {0};
    (void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), find_list, &l);
    if (!l.elements || !l.set || strcmp(l.set, s->name) != 0)
        return;
    for (const struct nlattr *e = nft_show_next(l.elements, NULL); e; e = nft_show_next(l.elements, e))
        show_element(s, e);
}

static void show_set_body(struct show *s, const struct nftnl_set *set)
{
    uint32_t type = nftnl_set_get_u32(set, NFTNL_SET_KEY_TYPE), flags = nftnl_set_get_u32(set, NFTNL_SET_FLAGS);
    s->name = nftnl_set_get_str(set, NFTNL_SET_NAME);
    s->kind = kind_of(type);
    s->intervals = flags & NFT_SET_INTERVAL;
    s->verdicts = flags & NFT_SET_MAP;
    s->n = 0;
    s->open = false;
    fprintf(s->out, "\t%s %s {\n\t\ttype %s%s\n", s->verdicts ? "map" : "set", s->name, type_name(type),
            s->verdicts ? " : verdict" : "");
    if (flags & (NFT_SET_INTERVAL | NFT_SET_TIMEOUT | NFT_SET_EVAL))
        fprintf(s->out, "\t\tflags %s\n",
                flags & NFT_SET_INTERVAL ? "interval"
                : flags & NFT_SET_EVAL   ? "dynamic,timeout"
                                         : "timeout");
    each_message(s->tx, NFT_MSG_NEWSETELEM, show_elements, s);
    if (s->open)
        end_interval(s, NULL, nftnl_set_get_u32(set, NFTNL_SET_KEY_LEN));
    if (s->n)
        fputs(" }\n", s->out);
    if (s->n > ELEMENTS_SHOWN)
        fprintf(s->out, "\t\t# and %zu more\n", s->n - ELEMENTS_SHOWN);
    fputs("\t}\n", s->out);
}

static void show_set(const struct nlmsghdr *nlh, void *ctx)
{
    struct show *s = ctx;
    struct nftnl_set *set = nftnl_set_alloc();
    s->out_of_memory |= !set;
    if (set && nftnl_set_nlmsg_parse(nlh, set) == 0)
        show_set_body(s, set);
    if (set)
        nftnl_set_free(set);
}

static void show_rule_message(struct show *s, const struct nlmsghdr *nlh)
{
    struct nftnl_rule *r = nftnl_rule_alloc();
    s->out_of_memory |= !r;
    if (r && nftnl_rule_nlmsg_parse(nlh, r) == 0 && strcmp(nftnl_rule_get_str(r, NFTNL_RULE_CHAIN), s->name) == 0)
        nft_show_rule(s->out, r, nlh);
    if (r)
        nftnl_rule_free(r);
}

/* A copy with zeros behind it: libnftnl writes some names without their end and reads them up to one. */
static void show_rule(const struct nlmsghdr *nlh, void *ctx)
{
    struct show *s = ctx;
    AUTO_FREE struct nlmsghdr *copy = calloc(1, nlh->nlmsg_len + 64u);
    s->out_of_memory |= !copy;
    if (!copy)
        return;
    memcpy(copy, nlh, nlh->nlmsg_len);
    show_rule_message(s, copy);
}

static const char *hook_name(uint32_t hook)
{
    static const char *const names[] = {"prerouting", "input", "forward", "output", "postrouting"};
    return hook < ARRAY_LEN(names) ? names[hook] : "?";
}

static void show_chain(const struct nlmsghdr *nlh, void *ctx)
{
    struct show *s = ctx;
    struct nftnl_chain *c = nftnl_chain_alloc();
    s->out_of_memory |= !c;
    if (c && nftnl_chain_nlmsg_parse(nlh, c) == 0) {
        s->name = nftnl_chain_get_str(c, NFTNL_CHAIN_NAME);
        fprintf(s->out, "\tchain %s {\n", s->name);
        if (nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM))
            fprintf(s->out, "\t\ttype filter hook %s priority %d; policy accept;\n",
                    hook_name(nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM)), nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO));
        each_message(s->tx, NFT_MSG_NEWRULE, show_rule, s);
        fputs("\t}\n", s->out);
    }
    if (c)
        nftnl_chain_free(c);
}

int nft_show(const struct nft_tx *tx, FILE *out)
{
    if (tx->failed)
        return tx->failed;
    struct show s = {.out = out, .tx = tx};
    fprintf(out, "table %s %s {\n", tx->family == NFPROTO_BRIDGE ? "bridge" : "inet", tx->table);
    each_message(tx, NFT_MSG_NEWOBJ, show_counter, &s);
    each_message(tx, NFT_MSG_NEWSET, show_set, &s);
    each_message(tx, NFT_MSG_NEWCHAIN, show_chain, &s);
    fputs("}\n", out);
    return s.out_of_memory ? -ENOMEM : ferror(out) ? -EIO : 0;
}
