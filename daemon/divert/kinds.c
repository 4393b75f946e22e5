/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was decided of a connection and stands in its ct mark; what passes by
 * quietly of one whose responses no rule reads.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include "divert/floods.h"
#include "divert/marks.h"
#include "divert/table.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
/*
 * A client that offers less, as it stands in the header, reads slowly: that
 * must be seen. Scaled by MARK_QUIET_WSCALE or more it is SLOW_READ_SHUT.
 */
#define WINDOW_LOW 8

static struct nftnl_rule *code_rule(struct nft_tx *tx, const struct divert *d, enum mark_code code)
{
    struct nftnl_rule *r = nft_rule(tx, CHAIN_CODES);
    nft_load_meta(r, NFT_META_MARK);
    nft_bitwise(r, mark_code_mask(d->mark_mask), 0);
    nft_cmp_u32(r, false, mark_of_code(d->mark_mask, code));
    return r;
}

static void code_verdict(struct nft_tx *tx, const struct divert *d, enum mark_code code, int verdict,
                         const char *target)
{
    struct nftnl_rule *r = code_rule(tx, d, code);
    nft_verdict(r, verdict, target);
    nft_rule_end(tx, r);
}

/* Our bits of the ct mark, and no others, become `bits`. */
static void put_ct_mark(struct nftnl_rule *r, const struct divert *d, uint32_t bits)
{
    nft_load_ct(r, NFT_CT_MARK);
    nft_bitwise(r, ~d->mark_mask, bits);
    nft_set_ct_mark(r);
}

/*
 * A packet without conntrack has nowhere to note it, and an ICMP error would
 * note it of the connection that it is about: the first rule does nothing
 * then, the second still holds.
 */
static void add_kind_code(struct nft_tx *tx, const struct divert *d, const struct plan *p, enum mark_code code,
                          enum flow_kind kind)
{
    struct nftnl_rule *r = code_rule(tx, d, code);
    table_match_ct_state(r, NF_CT_STATE_BIT(IP_CT_NEW) | NF_CT_STATE_BIT(IP_CT_ESTABLISHED));
    put_ct_mark(r, d, mark_of_kind(d->mark_mask, kind, p->generation));
    nft_rule_end(tx, r);
    code_verdict(tx, d, code, kind == FLOW_KIND_CONDEMN && !p->monitor ? NF_DROP : NF_ACCEPT, NULL);
}

static void add_refuse(struct nft_tx *tx, const struct divert *d)
{
    struct nftnl_rule *r = code_rule(tx, d, MARK_CODE_REFUSE);
    table_match_l4proto(r, IPPROTO_TCP);
    nft_reject(r, NFT_REJECT_TCP_RST, 0);
    nft_rule_end(tx, r);
    r = code_rule(tx, d, MARK_CODE_REFUSE);
    nft_reject(r, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
    nft_rule_end(tx, r);
}

void kinds_add_codes(struct nft_tx *tx, const struct divert *d, const struct plan *p, enum divert_state state)
{
    code_verdict(tx, d, MARK_CODE_PASS, NF_ACCEPT, NULL);
    if (state != DIVERT_PASS)
        code_verdict(tx, d, MARK_CODE_RETRY, NFT_GOTO, CHAIN_CONTEXT);
    if (!d->own_answers)
        add_refuse(tx, d);
    add_kind_code(tx, d, p, MARK_CODE_OFFLOAD, FLOW_KIND_OFFLOAD);
    add_kind_code(tx, d, p, MARK_CODE_CONDEMN, FLOW_KIND_CONDEMN);
    add_kind_code(tx, d, p, MARK_CODE_WATCH, FLOW_KIND_NONE);
    add_kind_code(tx, d, p, MARK_CODE_QUIET, FLOW_KIND_QUIET);
}

/*
 * Packets without data, where headers are as plain as they come: 20 bytes of
 * IPv4 or 40 of IPv6, then TCP with its options. Keys are the length in the IP
 * header and TCP's data offset, with the flags for the client's pure ACKs.
 */
static void add_empty_set(struct nft_tx *tx, const struct divert *d, const char *base, uint16_t ip_header,
                          uint8_t flags)
{
    enum { WORDS_MIN = 5, WORDS_MAX = 15 };
    uint16_t pairs[WORDS_MAX - WORDS_MIN + 1][2];
    for (uint16_t words = WORDS_MIN; words <= WORDS_MAX; words++) {
        pairs[words - WORDS_MIN][0] = (uint16_t)(ip_header + words * 4);
        pairs[words - WORDS_MIN][1] = (uint16_t)(words << 12 | flags);
    }
    char name[SET_NAME_MAX];
    nft_add_pairs(tx, table_set(d, base, name), pairs, ARRAY_LEN(pairs));
}

void kinds_add_sets(struct nft_tx *tx, const struct divert *d)
{
    add_empty_set(tx, d, "acks4", 20, TCP_ACK);
    add_empty_set(tx, d, "acks6", 0, TCP_ACK);
    add_empty_set(tx, d, "empty4", 20, 0);
    add_empty_set(tx, d, "empty6", 0, 0);
}

/* What stands before a packet that may pass by: the kernel's own rules and detectors. */
static void add_judges(struct nft_tx *tx, const struct config *c, const struct plan *p, const char *chain)
{
    if (p->n_rules)
        table_rule(tx, chain, NFT_JUMP, CHAIN_SERVED);
    if (floods_wanted(c))
        table_rule(tx, chain, NFT_JUMP, CHAIN_FLOODS);
}

static void quiet_accept(struct nft_tx *tx, struct nftnl_rule *r)
{
    nft_count(r, "quiet");
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
}

static void match_established(struct nftnl_rule *r, uint8_t dir)
{
    table_match_ct_state(r, NF_CT_STATE_BIT(IP_CT_ESTABLISHED));
    table_match_ct_direction(r, dir);
}

/* No IP options, no extension header between. */
static void match_plain_header(struct nftnl_rule *r, const struct divert *d, int version)
{
    const uint8_t version_and_words = 0x45, tcp = IPPROTO_TCP;
    table_match_ip(d, r, version);
    nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, version == 4 ? 0 : 6, 1);
    nft_cmp(r, false, version == 4 ? &version_and_words : &tcp, 1);
}

/* The key of the sets above: IP length, and TCP's data offset with the flags. */
static void load_lengths(struct nftnl_rule *r, int version)
{
    nft_load_payload_at(r, 0, NFT_PAYLOAD_NETWORK_HEADER, version == 4 ? 2 : 4, 2);
    nft_load_payload_at(r, 1, NFT_PAYLOAD_TRANSPORT_HEADER, 12, 2);
}

static void add_pure_acks(struct nft_tx *tx, const struct divert *d, int version)
{
    const uint16_t low = htons(WINDOW_LOW);
    char set[SET_NAME_MAX];
    struct nftnl_rule *r = nft_rule(tx, CHAIN_ACKS);
    table_match_l4proto(r, IPPROTO_TCP);
    match_plain_header(r, d, version);
    nft_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 14, 2);
    nft_cmp_op(r, NFT_CMP_GTE, &low, sizeof low);
    load_lengths(r, version);
    nft_in_set(r, table_set(d, version == 4 ? "acks4" : "acks6", set));
    quiet_accept(tx, r);
}

/* Segments with data: what the server acknowledges without any must be seen. */
static void add_responses(struct nft_tx *tx, const struct divert *d, int version)
{
    const uint8_t without_flags[8] = {0xff, 0xff, 0, 0, 0xf0};
    char set[SET_NAME_MAX];
    struct nftnl_rule *r = nft_rule(tx, CHAIN_RESPONSES);
    table_match_tcp_flags(r, TCP_SYN | TCP_FIN | TCP_RST, 0);
    match_plain_header(r, d, version);
    load_lengths(r, version);
    nft_and(r, without_flags, sizeof without_flags);
    nft_not_in_set(r, table_set(d, version == 4 ? "empty4" : "empty6", set));
    quiet_accept(tx, r);
}

static void add_quiet_rule(struct nft_tx *tx, uint8_t dir)
{
    struct nftnl_rule *r = nft_rule(tx, CHAIN_QUIETED);
    table_match_l4proto(r, IPPROTO_TCP);
    match_established(r, dir);
    nft_comment(r, dir == IP_CT_DIR_REPLY ? "responses that no rule reads" : "the client's ACKs of them");
    nft_verdict(r, NFT_JUMP, dir == IP_CT_DIR_REPLY ? CHAIN_RESPONSES : CHAIN_ACKS);
    nft_rule_end(tx, r);
}

static void add_clear(struct nft_tx *tx, const struct divert *d, const char *chain, bool at_syn, const char *why)
{
    struct nftnl_rule *r = nft_rule(tx, chain);
    if (at_syn)
        table_match_tcp_flags(r, TCP_SYN, TCP_SYN);
    put_ct_mark(r, d, 0);
    if (at_syn)
        nft_verdict(r, NFT_RETURN, NULL);
    nft_comment(r, why);
    nft_rule_end(tx, r);
}

static struct nftnl_rule *kind_rule(struct nft_tx *tx, const struct divert *d, const struct plan *p,
                                    enum flow_kind kind)
{
    struct nftnl_rule *r = nft_rule(tx, CHAIN_KINDS);
    nft_load_ct(r, NFT_CT_MARK);
    nft_bitwise(r, d->mark_mask, 0);
    nft_cmp_u32(r, false, mark_of_kind(d->mark_mask, kind, p->generation));
    return r;
}

static void kind_goto(struct nft_tx *tx, const struct divert *d, const struct plan *p, enum flow_kind kind,
                      const char *chain)
{
    struct nftnl_rule *r = kind_rule(tx, d, p, kind);
    nft_verdict(r, NFT_GOTO, chain);
    nft_rule_end(tx, r);
}

/* ICMP errors have the connection's mark, but are no packets of it: anybody can make one. */
static void leave_with_errors(struct nft_tx *tx)
{
    struct nftnl_rule *r = nft_rule(tx, CHAIN_KINDS);
    table_match_ct_state(r, NF_CT_STATE_BIT(IP_CT_RELATED));
    nft_verdict(r, NFT_RETURN, NULL);
    nft_rule_end(tx, r);
}

/*
 * A connection that begins again is nothing yet, whatever the last one on its
 * addresses and ports was; what was noted between its SYN and the server's was
 * noted of the last one. What is left at the end is another generation's.
 */
static void add_kinds_chain(struct nft_tx *tx, const struct divert *d, const struct plan *p)
{
    add_clear(tx, d, CHAIN_KINDS, true, "a connection begins");
    leave_with_errors(tx);
    kind_goto(tx, d, p, FLOW_KIND_OFFLOAD, CHAIN_OFFLOADED);
    struct nftnl_rule *r = kind_rule(tx, d, p, FLOW_KIND_CONDEMN);
    nft_count(r, "condemned");
    nft_verdict(r, p->monitor ? NFT_RETURN : NF_DROP, NULL);
    nft_rule_end(tx, r);
    kind_goto(tx, d, p, FLOW_KIND_QUIET, CHAIN_QUIETED);
    add_clear(tx, d, CHAIN_KINDS, false, "decided by rules that are no more");
}

static void add_offloaded_chain(struct nft_tx *tx, const struct config *c, const struct plan *p)
{
    const uint8_t tcp = IPPROTO_TCP;
    add_judges(tx, c, p, CHAIN_OFFLOADED);
    struct nftnl_rule *r = nft_rule(tx, CHAIN_OFFLOADED);
    table_match_tcp_flags(r, TCP_SYN | TCP_FIN | TCP_RST, 0);
    nft_count(r, "offloaded");
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    r = nft_rule(tx, CHAIN_OFFLOADED);
    nft_load_meta(r, NFT_META_L4PROTO);
    nft_cmp(r, true, &tcp, sizeof tcp);
    nft_count(r, "offloaded");
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    table_rule(tx, CHAIN_OFFLOADED, NFT_GOTO, CHAIN_LINES);
}

void kinds_add_rules(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p)
{
    struct nftnl_rule *r = nft_rule(tx, CHAIN_GUARD);
    nft_load_ct(r, NFT_CT_MARK);
    nft_bitwise(r, d->mark_mask, 0);
    nft_cmp_u32(r, true, 0);
    nft_verdict(r, NFT_JUMP, CHAIN_KINDS);
    nft_rule_end(tx, r);
    add_kinds_chain(tx, d, p);
    add_offloaded_chain(tx, c, p);
    add_judges(tx, c, p, CHAIN_QUIETED);
    add_quiet_rule(tx, IP_CT_DIR_REPLY);
    add_quiet_rule(tx, IP_CT_DIR_ORIGINAL);
    table_rule(tx, CHAIN_QUIETED, NFT_GOTO, CHAIN_LINES);
    add_judges(tx, c, p, CHAIN_GUARD);
    for (int version = 4; version <= 6; version += 2) {
        add_responses(tx, d, version);
        add_pure_acks(tx, d, version);
    }
}
