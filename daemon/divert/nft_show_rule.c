/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A rule's expressions in nft's words. What has none is written as libnftnl does, in brackets. */
#include <stdio.h>

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <netinet/in.h>
#include <string.h>

#include "base/cleanup.h"
#include "divert/nft_show.h"

/* What a rule has come to: the register's content, and what is known of the packet. */
struct reading {
    FILE *out;
    char left[160];
    enum show_kind kind;
    uint32_t mask; /* of ct state, where it was masked */
    int version, proto;
    const struct nlattr *at; /* the expression in the message */
};

struct word {
    uint32_t value;
    const char *text;
};

static const char *word_of(const struct word *words, size_t n, uint32_t value)
{
    for (size_t i = 0; i < n; i++)
        if (words[i].value == value)
            return words[i].text;
    return NULL;
}

static const struct word protos[] = {{IPPROTO_TCP, "tcp"},          {IPPROTO_UDP, "udp"},        {IPPROTO_ICMP, "icmp"},
                                     {IPPROTO_ICMPV6, "ipv6-icmp"}, {IPPROTO_SCTP, "sctp"},      {IPPROTO_GRE, "gre"},
                                     {IPPROTO_ESP, "esp"},          {IPPROTO_UDPLITE, "udplite"}};
static const struct word ethertypes[] = {
    {0x0800, "ip"}, {0x86dd, "ip6"}, {0x0806, "arp"}, {0x8100, "8021q"}, {0x88a8, "8021ad"}};
static const struct word families[] = {{NFPROTO_IPV4, "ipv4"}, {NFPROTO_IPV6, "ipv6"}};
static const struct word directions[] = {{0, "original"}, {1, "reply"}};
static const struct word ct_states[] = {{NF_CT_STATE_INVALID_BIT, "invalid"},
                                        {NF_CT_STATE_BIT(IP_CT_ESTABLISHED), "established"},
                                        {NF_CT_STATE_BIT(IP_CT_RELATED), "related"},
                                        {NF_CT_STATE_BIT(IP_CT_NEW), "new"},
                                        {NF_CT_STATE_UNTRACKED_BIT, "untracked"}};

static void show_hex(FILE *out, const uint8_t *data, uint32_t len)
{
    fputs("0x", out);
    for (uint32_t i = 0; i < len; i++)
        fprintf(out, "%02x", data[i]);
}

static void show_states(FILE *out, uint32_t bits)
{
    const char *comma = "";
    for (size_t i = 0; i < ARRAY_LEN(ct_states); i++) {
        if (!(bits & ct_states[i].value))
            continue;
        fprintf(out, "%s%s", comma, ct_states[i].text);
        comma = ",";
    }
}

static uint64_t big_endian(const uint8_t *data, uint32_t len)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < len && i < 8; i++)
        n = n << 8 | data[i];
    return n;
}

static void show_word(FILE *out, const struct word *words, size_t n, const uint8_t *data, uint32_t len)
{
    uint32_t value = (uint32_t)big_endian(data, len);
    const char *text = word_of(words, n, value);
    if (text)
        fputs(text, out);
    else
        fprintf(out, len > 1 ? "0x%04x" : "%u", value);
}

void nft_show_value(FILE *out, enum show_kind kind, const void *data, uint32_t len)
{
    char text[INET6_ADDRSTRLEN] = "";
    uint32_t host = 0;
    memcpy(&host, data, len < sizeof host ? len : sizeof host);
    if (kind == SHOW_NUMBER)
        fprintf(out, "%llu", (unsigned long long)big_endian(data, len));
    else if (kind == SHOW_PAIR && len == 8)
        fprintf(out, "%u . %u", (unsigned)big_endian(data, 2), (unsigned)big_endian((const uint8_t *)data + 4, 2));
    else if (kind == SHOW_MARK)
        fprintf(out, "0x%08x", host);
    else if (kind == SHOW_NAME)
        fprintf(out, "\"%.*s\"", (int)strnlen(data, len), (const char *)data);
    else if (kind == SHOW_PROTO)
        show_word(out, protos, ARRAY_LEN(protos), data, len);
    else if (kind == SHOW_ETHERTYPE)
        show_word(out, ethertypes, ARRAY_LEN(ethertypes), data, len);
    else if (kind == SHOW_FAMILY)
        show_word(out, families, ARRAY_LEN(families), data, len);
    else if (kind == SHOW_CT_DIRECTION)
        show_word(out, directions, ARRAY_LEN(directions), data, len);
    else if (kind == SHOW_CT_STATE)
        show_states(out, host);
    else if (kind == SHOW_ADDRESS && (len == 4 || len == 16))
        fputs(inet_ntop(len == 4 ? AF_INET : AF_INET6, data, text, sizeof text) ? text : "?", out);
    else
        show_hex(out, data, len);
}

static void put_left(struct reading *rd, enum show_kind kind, const char *text)
{
    snprintf(rd->left, sizeof rd->left, "%s", text);
    rd->kind = kind;
    rd->mask = 0;
}

static void read_meta(struct reading *rd, const struct nftnl_expr *e)
{
    static const struct {
        uint32_t key;
        const char *text;
        enum show_kind kind;
    } keys[] = {
        {NFT_META_MARK, "meta mark", SHOW_MARK},         {NFT_META_IIFNAME, "iifname", SHOW_NAME},
        {NFT_META_OIFNAME, "oifname", SHOW_NAME},        {NFT_META_L4PROTO, "meta l4proto", SHOW_PROTO},
        {NFT_META_NFPROTO, "meta nfproto", SHOW_FAMILY}, {NFT_META_PROTOCOL, "meta protocol", SHOW_ETHERTYPE},
        {NFT_META_PKTTYPE, "meta pkttype", SHOW_HEX},    {NFT_META_LEN, "meta length", SHOW_HEX},
    };
    uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
    size_t i = 0;
    while (i < ARRAY_LEN(keys) && keys[i].key != key)
        i++;
    char other[32];
    snprintf(other, sizeof other, "meta %u", key);
    const char *text = i < ARRAY_LEN(keys) ? keys[i].text : other;
    if (nftnl_expr_is_set(e, NFTNL_EXPR_META_SREG))
        fprintf(rd->out, " %s set %s", text, rd->left);
    else
        put_left(rd, i < ARRAY_LEN(keys) ? keys[i].kind : SHOW_HEX, text);
}

static void read_ct(struct reading *rd, const struct nftnl_expr *e)
{
    static const struct word keys[] = {
        {NFT_CT_STATE, "ct state"}, {NFT_CT_MARK, "ct mark"}, {NFT_CT_DIRECTION, "ct direction"}};
    uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY);
    const char *text = word_of(keys, ARRAY_LEN(keys), key);
    if (nftnl_expr_is_set(e, NFTNL_EXPR_CT_SREG))
        fprintf(rd->out, " %s set %s", text ? text : "ct ?", rd->left);
    else
        put_left(rd,
                 key == NFT_CT_STATE       ? SHOW_CT_STATE
                 : key == NFT_CT_DIRECTION ? SHOW_CT_DIRECTION
                                           : SHOW_MARK,
                 text ? text : "ct ?");
}

/* A header's field where nft has a name for it. */
static bool name_field(const struct reading *rd, uint32_t base, uint32_t offset, uint32_t len, char *ret, size_t size,
                       enum show_kind *kind)
{
    const char *proto = rd->proto == IPPROTO_TCP ? "tcp" : rd->proto == IPPROTO_UDP ? "udp" : "th";
    *kind = SHOW_NUMBER;
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER && len == 2 && offset <= 2)
        return snprintf(ret, size, "%s %s", proto, offset ? "dport" : "sport") > 0;
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER && rd->proto == IPPROTO_TCP && offset == 14 && len == 2)
        return snprintf(ret, size, "tcp window") > 0;
    if (base == NFT_PAYLOAD_NETWORK_HEADER && rd->version == 4 && offset == 2 && len == 2)
        return snprintf(ret, size, "ip length") > 0;
    if (base == NFT_PAYLOAD_NETWORK_HEADER && rd->version == 6 && offset == 4 && len == 2)
        return snprintf(ret, size, "ip6 length") > 0;
    *kind = SHOW_ADDRESS;
    if (base == NFT_PAYLOAD_NETWORK_HEADER && len == 4 && (offset == 12 || offset == 16))
        return snprintf(ret, size, "ip %s", offset == 12 ? "saddr" : "daddr") > 0;
    if (base == NFT_PAYLOAD_NETWORK_HEADER && len == 16 && (offset == 8 || offset == 24))
        return snprintf(ret, size, "ip6 %s", offset == 8 ? "saddr" : "daddr") > 0;
    *kind = SHOW_HEX;
    if (base == NFT_PAYLOAD_TRANSPORT_HEADER && rd->proto == IPPROTO_TCP && offset == 13 && len == 1)
        return snprintf(ret, size, "tcp flags") > 0;
    if (base == NFT_PAYLOAD_NETWORK_HEADER && rd->version == 6 && offset == 6 && len == 1)
        return snprintf(ret, size, "ip6 nexthdr") > 0;
    return false;
}

static void read_payload(struct reading *rd, const struct nftnl_expr *e)
{
    static const char *const bases[] = {"ll", "nh", "th", "ih"};
    uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
    uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
    uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
    uint32_t reg = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_DREG);
    char text[64], both[160];
    enum show_kind kind;
    if (!name_field(rd, base, offset, len, text, sizeof text, &kind))
        snprintf(text, sizeof text, "@%s,%u,%u", base < ARRAY_LEN(bases) ? bases[base] : "?", offset * 8, len * 8);
    if (reg <= NFT_REG_4 || reg == NFT_REG32_00) {
        put_left(rd, kind, text);
        return;
    }
    snprintf(both, sizeof both, "%.80s . %s", rd->left, text);
    put_left(rd, SHOW_PAIR, both);
}

static void read_bitwise(struct reading *rd, const struct nftnl_expr *e)
{
    uint32_t len, mask = 0, xor = 0, xor_len;
    const void *m = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_MASK, &len);
    const void *x = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_XOR, &xor_len);
    if (!m || !x)
        return;
    memcpy(&mask, m, len < sizeof mask ? len : sizeof mask);
    memcpy(&xor, x, xor_len < sizeof xor ? xor_len : sizeof xor);
    if (rd->kind == SHOW_CT_STATE) {
        rd->mask = mask;
        return;
    }
    size_t n = strlen(rd->left);
    if (len > sizeof mask) {
        snprintf(rd->left + n, sizeof rd->left - n, " & 0x");
        for (uint32_t i = 0; i < len && (n = strlen(rd->left)) + 2 < sizeof rd->left; i++)
            snprintf(rd->left + n, sizeof rd->left - n, "%02x", ((const uint8_t *)m)[i]);
        return;
    }
    if (rd->kind == SHOW_ADDRESS || rd->kind == SHOW_NUMBER)
        mask = (uint32_t)big_endian(m, len);
    snprintf(rd->left + n, sizeof rd->left - n, len == 1 ? " & 0x%02x" : " & 0x%08x", mask);
    n = strlen(rd->left);
    if (xor)
        snprintf(rd->left + n, sizeof rd->left - n, " ^ 0x%08x", xor);
}

static const char *operator_text(uint32_t op)
{
    static const struct word ops[] = {
        {NFT_CMP_NEQ, "!= "}, {NFT_CMP_LT, "< "}, {NFT_CMP_LTE, "<= "}, {NFT_CMP_GT, "> "}, {NFT_CMP_GTE, ">= "}};
    const char *text = word_of(ops, ARRAY_LEN(ops), op);
    return text ? text : "";
}

static void read_cmp(struct reading *rd, const struct nftnl_expr *e)
{
    uint32_t len, op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP);
    const uint8_t *data = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &len);
    if (!data)
        return;
    if (rd->kind == SHOW_CT_STATE && op == NFT_CMP_NEQ && rd->mask) {
        fputs(" ct state ", rd->out);
        show_states(rd->out, rd->mask);
        return;
    }
    fprintf(rd->out, " %s %s%s", rd->left, op == NFT_CMP_EQ && strchr(rd->left, '&') ? "== " : "", operator_text(op));
    nft_show_value(rd->out, rd->kind, data, len);
    if (op != NFT_CMP_EQ)
        return;
    uint32_t value = (uint32_t)big_endian(data, len);
    if (rd->kind == SHOW_PROTO)
        rd->proto = (int)value;
    if (rd->kind == SHOW_ETHERTYPE)
        rd->version = value == 0x0800 ? 4 : value == 0x86dd ? 6 : 0;
    if (rd->kind == SHOW_FAMILY)
        rd->version = value == NFPROTO_IPV4 ? 4 : 6;
}

static void read_range(struct reading *rd, const struct nftnl_expr *e)
{
    uint32_t from_len, to_len;
    const void *from = nftnl_expr_get(e, NFTNL_EXPR_RANGE_FROM_DATA, &from_len);
    const void *to = nftnl_expr_get(e, NFTNL_EXPR_RANGE_TO_DATA, &to_len);
    if (!from || !to)
        return;
    fprintf(rd->out, " %s %s", rd->left, nftnl_expr_get_u32(e, NFTNL_EXPR_RANGE_OP) == NFT_RANGE_NEQ ? "!= " : "");
    nft_show_value(rd->out, rd->kind, from, from_len);
    fputc('-', rd->out);
    nft_show_value(rd->out, rd->kind, to, to_len);
}

static void read_lookup(struct reading *rd, const struct nftnl_expr *e)
{
    bool not_in = nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_FLAGS) &&
                  nftnl_expr_get_u32(e, NFTNL_EXPR_LOOKUP_FLAGS) & NFT_LOOKUP_F_INV;
    fprintf(rd->out, " %s %s%s@%s", rd->left, not_in ? "!= " : "",
            nftnl_expr_is_set(e, NFTNL_EXPR_LOOKUP_DREG) ? "vmap " : "", nftnl_expr_get_str(e, NFTNL_EXPR_LOOKUP_SET));
}

static void read_verdict(struct reading *rd, const struct nftnl_expr *e)
{
    static const struct word verdicts[] = {{NF_ACCEPT, "accept"},
                                           {NF_DROP, "drop"},
                                           {(uint32_t)NFT_JUMP, "jump"},
                                           {(uint32_t)NFT_GOTO, "goto"},
                                           {(uint32_t)NFT_RETURN, "return"}};
    const char *text = word_of(verdicts, ARRAY_LEN(verdicts), nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT));
    fprintf(rd->out, " %s", text ? text : "?");
    if (nftnl_expr_is_set(e, NFTNL_EXPR_IMM_CHAIN))
        fprintf(rd->out, " %s", nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN));
}

static void read_count(struct reading *rd, const struct nftnl_expr *e)
{
    (void)e; /* libnftnl keeps the name without its end */
    const struct nlattr *data = nft_show_inside(rd->at, NFTA_EXPR_DATA);
    const struct nlattr *name = nft_show_inside(data, NFTA_OBJREF_IMM_NAME);
    if (name)
        fprintf(rd->out, " counter name \"%.*s\"", (int)mnl_attr_get_payload_len(name), mnl_attr_get_str(name));
}

static void read_hash(struct reading *rd, const struct nftnl_expr *e)
{
    char text[64];
    snprintf(text, sizeof text, "symhash mod %u offset %u", nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_MODULUS),
             nftnl_expr_get_u32(e, NFTNL_EXPR_HASH_OFFSET));
    put_left(rd, SHOW_MARK, text);
}

static void read_queue(struct reading *rd, const struct nftnl_expr *e)
{
    bool bypass = nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_FLAGS) & NFT_QUEUE_FLAG_BYPASS;
    fprintf(rd->out, " queue%s to ", bypass ? " flags bypass" : "");
    if (nftnl_expr_is_set(e, NFTNL_EXPR_QUEUE_SREG_QNUM)) {
        fputs(rd->left, rd->out);
        return;
    }
    unsigned first = nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_NUM), n = nftnl_expr_get_u16(e, NFTNL_EXPR_QUEUE_TOTAL);
    fprintf(rd->out, n > 1 ? "%u-%u" : "%u", first, first + n - 1);
}

/* nft shows nothing better of what nft_compat does. */
static void read_target(struct reading *rd, const struct nftnl_expr *e)
{
    uint32_t len;
    struct xt_NFQ_info_v3 v3 = {0};
    const void *info = nftnl_expr_get(e, NFTNL_EXPR_TG_INFO, &len);
    if (info)
        memcpy(&v3, info, len < sizeof v3 ? len : sizeof v3);
    fprintf(rd->out, " xt target \"%s\" # %u-%u%s", nftnl_expr_get_str(e, NFTNL_EXPR_TG_NAME), v3.queuenum,
            v3.queuenum + v3.queues_total - 1, v3.flags & NFQ_FLAG_BYPASS ? " bypass" : "");
}

static void read_reject(struct reading *rd, const struct nftnl_expr *e)
{
    bool reset = nftnl_expr_get_u32(e, NFTNL_EXPR_REJECT_TYPE) == NFT_REJECT_TCP_RST;
    fputs(reset ? " reject with tcp reset" : " reject with icmpx port-unreachable", rd->out);
}

static void read_limit(struct reading *rd, const struct nftnl_expr *e)
{
    bool over = nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_FLAGS) & NFT_LIMIT_F_INV;
    unsigned long long rate = nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_RATE);
    uint64_t unit = nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_UNIT);
    fprintf(rd->out, " limit rate %s%llu/%s burst %u packets", over ? "over " : "", rate,
            unit == 60 ? "minute" : "second", nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_BURST));
}

static void read_log(struct reading *rd, const struct nftnl_expr *e)
{
    fputs(" log", rd->out);
    if (nftnl_expr_is_set(e, NFTNL_EXPR_LOG_PREFIX))
        fprintf(rd->out, " prefix \"%s\"", nftnl_expr_get_str(e, NFTNL_EXPR_LOG_PREFIX));
    if (nftnl_expr_is_set(e, NFTNL_EXPR_LOG_GROUP))
        fprintf(rd->out, " group %u", nftnl_expr_get_u16(e, NFTNL_EXPR_LOG_GROUP));
    if (nftnl_expr_is_set(e, NFTNL_EXPR_LOG_SNAPLEN))
        fprintf(rd->out, " snaplen %u", nftnl_expr_get_u32(e, NFTNL_EXPR_LOG_SNAPLEN));
}

static int read_inner(struct nftnl_expr *e, void *ctx);

static void read_dynset(struct reading *rd, const struct nftnl_expr *e)
{
    fprintf(rd->out, " %s @%s { %s",
            nftnl_expr_get_u32(e, NFTNL_EXPR_DYNSET_OP) == NFT_DYNSET_OP_ADD ? "add" : "update",
            nftnl_expr_get_str(e, NFTNL_EXPR_DYNSET_SET_NAME), rd->left);
    if (nftnl_expr_is_set(e, NFTNL_EXPR_DYNSET_TIMEOUT))
        fprintf(rd->out, " timeout %llus", (unsigned long long)nftnl_expr_get_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT) / 1000);
    (void)nftnl_expr_expr_foreach(e, read_inner, rd);
    fputs(" }", rd->out);
}

static const struct {
    const char *name;
    void (*read)(struct reading *rd, const struct nftnl_expr *e);
} readers[] = {
    {"meta", read_meta},     {"ct", read_ct},       {"payload", read_payload}, {"bitwise", read_bitwise},
    {"cmp", read_cmp},       {"range", read_range}, {"lookup", read_lookup},   {"immediate", read_verdict},
    {"objref", read_count},  {"hash", read_hash},   {"queue", read_queue},     {"target", read_target},
    {"reject", read_reject}, {"limit", read_limit}, {"log", read_log},         {"dynset", read_dynset},
};

static void read_expression(struct reading *rd, const struct nftnl_expr *e)
{
    const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
    for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
        if (strcmp(readers[i].name, name) == 0) {
            readers[i].read(rd, e);
            return;
        }
    }
    char text[256] = "";
    nftnl_expr_snprintf(text, sizeof text, e, NFTNL_OUTPUT_DEFAULT, 0);
    fprintf(rd->out, " [%s %s]", name, text);
}

static int read_inner(struct nftnl_expr *e, void *ctx)
{
    read_expression(ctx, e);
    return 0;
}

static int find_comment(const struct nftnl_udata *attr, void *ctx)
{
    if (nftnl_udata_type(attr) == NFTNL_UDATA_RULE_COMMENT)
        *(const char **)ctx = nftnl_udata_get(attr);
    return 0;
}

static void show_comment(FILE *out, const struct nftnl_rule *r)
{
    uint32_t len;
    const char *comment = NULL;
    const void *note = nftnl_rule_get_data(r, NFTNL_RULE_USERDATA, &len);
    if (note && nftnl_udata_parse(note, len, find_comment, &comment) >= 0 && comment)
        fprintf(out, " comment \"%s\"", comment);
}

static int find_expressions(const struct nlattr *a, void *ctx)
{
    if (mnl_attr_get_type(a) == NFTA_RULE_EXPRESSIONS)
        *(const struct nlattr **)ctx = a;
    return MNL_CB_OK;
}

static void read_rule(struct reading *rd, const struct nftnl_rule *r, const struct nlmsghdr *nlh)
{
    const struct nlattr *all = NULL;
    (void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), find_expressions, &all);
    struct nftnl_expr_iter *it = nftnl_expr_iter_create(r);
    for (struct nftnl_expr *e = it ? nftnl_expr_iter_next(it) : NULL; e && all; e = nftnl_expr_iter_next(it)) {
        rd->at = nft_show_next(all, rd->at);
        if (!rd->at)
            break;
        read_expression(rd, e);
    }
    if (it)
        nftnl_expr_iter_destroy(it);
    show_comment(rd->out, r);
}

void nft_show_rule(FILE *out, const struct nftnl_rule *r, const struct nlmsghdr *nlh)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    struct reading rd = {.out = open_memstream(&text, &size)};
    if (!rd.out)
        return;
    read_rule(&rd, r, nlh);
    if (fclose(rd.out) == 0 && text)
        fprintf(out, "\t\t%s\n", text + (*text == ' ')); /* each expression begins with a space */
}
