/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "divert/floods.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#include "divert/log_prefix.h"
#include "divert/table.h"
#include "net/addr.h"

#define EVENTS_PER_SECOND 10
#define EVENT_BYTES 256
/* A bucket is full again after a second, so an address may be forgotten then. */
#define FORGET_MS 2000

/* Detectors of a rate: what they count, by IP version; -1: any protocol. */
static const struct rate {
    enum detector_id id;
    const char *sets[2]; /* of version 4 and 6 */
    int protos[2];
    bool fresh; /* only what belongs to no connection yet */
} rates[] = {
    {DETECT_UDP_FLOOD, {"flood_udp4", "flood_udp6"}, {IPPROTO_UDP, IPPROTO_UDP}, false},
    {DETECT_ICMP_FLOOD, {"flood_icmp4", "flood_icmp6"}, {IPPROTO_ICMP, IPPROTO_ICMPV6}, false},
    {DETECT_MIXED_FLOOD, {"flood_mixed4", "flood_mixed6"}, {-1, -1}, true},
};

static const char *const inside_sets[] = {"flood_inside4", "flood_inside6"};
static const char *const broadcast_set = "flood_broadcast";

static bool is_on(const struct config *c, enum detector_id id)
{
    return c->detect[id].action != DETECT_OFF;
}

bool floods_wanted(const struct config *c)
{
    for (size_t i = 0; i < FLOODS_DETECTORS; i++)
        if (is_on(c, (enum detector_id)i))
            return true;
    return false;
}

static const char *chain_of(enum detector_id id, char buf[64])
{
    snprintf(buf, 64, "detect_%s", detector_name(id));
    return buf;
}

static void add_rate_sets(struct nft_tx *tx, const struct divert *d, const struct rate *rate)
{
    char name[SET_NAME_MAX];
    nft_add_measured_set(tx, table_set(d, rate->sets[0], name), NFT_KEY_IPV4, 4, FLOODS_ADDRESSES_MAX, FORGET_MS);
    nft_add_measured_set(tx, table_set(d, rate->sets[1], name), NFT_KEY_IPV6, 16, FLOODS_ADDRESSES_MAX, FORGET_MS);
}

/* The last address of an IPv4 network that has room for hosts; false of another. */
static bool broadcast_of(const char *text, struct nft_range *ret)
{
    struct ip_net net;
    int err = ip_net_parse(text, &net);
    if ((err && err != -EDOM) || net.addr.family != 4 || net.prefix > 30)
        return false;
    uint32_t addr;
    memcpy(&addr, net.addr.bytes, sizeof addr);
    addr |= htonl(UINT32_MAX >> net.prefix);
    *ret = (struct nft_range){0};
    memcpy(ret->first, &addr, sizeof addr);
    memcpy(ret->last, &addr, sizeof addr);
    return true;
}

static int add_broadcast_set(struct nft_tx *tx, const struct divert *d, const struct config *c)
{
    AUTO_FREE struct nft_range *ranges = calloc(c->networks.inside.n + 2, sizeof *ranges);
    if (!ranges)
        return -ENOMEM;
    size_t n = 0;
    ranges[n++] = (struct nft_range){.first = {224}, .last = {239, 255, 255, 255}};
    ranges[n++] = (struct nft_range){.first = {255, 255, 255, 255}, .last = {255, 255, 255, 255}};
    for (size_t i = 0; i < c->networks.inside.n; i++)
        if (broadcast_of(c->networks.inside.at[i], &ranges[n]))
            n++;
    char name[SET_NAME_MAX];
    nft_add_ranges(tx, table_set(d, broadcast_set, name), NFT_KEY_IPV4, 4, ranges, n);
    return 0;
}

int floods_add_sets(struct nft_tx *tx, const struct divert *d, const struct config *c)
{
    int err = 0;
    if (!floods_wanted(c))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(rates); i++)
        if (is_on(c, rates[i].id))
            add_rate_sets(tx, d, &rates[i]);
    for (int version = 4; !err && c->networks.inside.n && version <= 6; version += 2)
        err = table_add_networks(tx, d, inside_sets[version == 6], version, &c->networks.inside);
    if (!err && is_on(c, DETECT_SMURF))
        err = add_broadcast_set(tx, d, c);
    return err;
}

static void match_byte(struct nftnl_rule *r, uint32_t offset, uint8_t value)
{
    nft_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, offset, 1);
    nft_cmp(r, false, &value, sizeof value);
}

static void load_address(struct nftnl_rule *r, int version, bool source)
{
    uint32_t offset = version == 4 ? (source ? 12 : 16) : source ? 8 : 24;
    nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, offset, version == 4 ? 4 : 16);
}

/* The rule's end: the detector's chain decides, and returns where the packet may go on. */
static void to_detector(struct nft_tx *tx, struct nftnl_rule *r, enum detector_id id)
{
    char chain[64];
    nft_verdict(r, NFT_JUMP, chain_of(id, chain));
    nft_rule_end(tx, r);
}

static struct nftnl_rule *version_rule(struct nft_tx *tx, const struct divert *d, const char *chain, int version)
{
    struct nftnl_rule *r = nft_rule(tx, chain);
    table_match_ip(d, r, version);
    return r;
}

static void write_rate(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct rate *rate,
                       int version)
{
    const size_t i = version == 6;
    char set[SET_NAME_MAX];
    struct nftnl_rule *r = version_rule(tx, d, CHAIN_FLOODS, version);
    if (rate->protos[i] >= 0)
        table_match_l4proto(r, (uint8_t)rate->protos[i]);
    if (rate->fresh)
        table_match_ct_state(r, NF_CT_STATE_BIT(IP_CT_NEW) | NF_CT_STATE_INVALID_BIT | NF_CT_STATE_UNTRACKED_BIT);
    load_address(r, version, false);
    if (c->networks.inside.n)
        nft_in_set(r, table_set(d, inside_sets[i], set));
    nft_over_rate(r, table_set(d, rate->sets[i], set), c->detect[rate->id].threshold);
    to_detector(tx, r, rate->id);
}

static struct nftnl_rule *echo_rule(struct nft_tx *tx, const struct divert *d, int version)
{
    struct nftnl_rule *r = version_rule(tx, d, CHAIN_FLOODS, version);
    table_match_l4proto(r, version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    match_byte(r, 0, version == 4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST);
    return r;
}

/* IPv4: to a broadcast or multicast address, or to all at once by the frame. IPv6: to multicast, from far off. */
static void write_smurf(struct nft_tx *tx, const struct divert *d, const struct config *c)
{
    char set[SET_NAME_MAX];
    static const uint8_t multicast_first[16] = {0xff}, link_first[16] = {0xfe, 0x80};
    static const uint8_t link_last[16] = {0xfe, 0xbf, 255, 255, 255, 255, 255, 255,
                                          255,  255,  255, 255, 255, 255, 255, 255};
    struct nftnl_rule *r = echo_rule(tx, d, 4);
    load_address(r, 4, false);
    nft_in_set(r, table_set(d, broadcast_set, set));
    to_detector(tx, r, DETECT_SMURF);
    uint8_t broadcast = 1; /* PACKET_BROADCAST */
    r = echo_rule(tx, d, 4);
    nft_load_meta(r, NFT_META_PKTTYPE);
    nft_cmp(r, false, &broadcast, sizeof broadcast);
    load_address(r, 4, false);
    nft_not_in_set(r, table_set(d, broadcast_set, set)); /* counted above */
    to_detector(tx, r, DETECT_SMURF);
    r = echo_rule(tx, d, 6);
    load_address(r, 6, false);
    nft_cmp_op(r, NFT_CMP_GTE, multicast_first, sizeof multicast_first);
    load_address(r, 6, true);
    nft_between(r, true, link_first, link_last, sizeof link_first);
    if (c->networks.inside.n)
        nft_not_in_set(r, table_set(d, inside_sets[1], set));
    to_detector(tx, r, DETECT_SMURF);
}

/*
 * By the length that the IP header tells. Where conntrack puts fragments
 * together it is the whole packet's, else each fragment's.
 */
static void write_big_icmp(struct nft_tx *tx, const struct divert *d, const struct config *c)
{
    enum { IPV6_HEADER = 40 };
    uint32_t bytes = c->detect[DETECT_BIG_ICMP].threshold;
    uint16_t total = htons((uint16_t)bytes);
    uint16_t payload = htons((uint16_t)(bytes > IPV6_HEADER ? bytes - IPV6_HEADER : 0));
    struct nftnl_rule *r = version_rule(tx, d, CHAIN_FLOODS, 4);
    table_match_l4proto(r, IPPROTO_ICMP);
    nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 2, sizeof total);
    nft_cmp_op(r, NFT_CMP_GT, &total, sizeof total);
    to_detector(tx, r, DETECT_BIG_ICMP);
    r = version_rule(tx, d, CHAIN_FLOODS, 6);
    table_match_l4proto(r, IPPROTO_ICMPV6);
    nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, 4, sizeof payload);
    nft_cmp_op(r, NFT_CMP_GT, &payload, sizeof payload);
    to_detector(tx, r, DETECT_BIG_ICMP);
}

/* Sources that no packet on a wire can have: this network, loopback, multicast and beyond; IPv4 in IPv6's clothes. */
static const struct martian {
    int version;
    uint8_t first[16], last[16];
} martians[] = {
    {4, {0}, {0, 255, 255, 255}},
    {4, {127}, {127, 255, 255, 255}},
    {4, {224}, {255, 255, 255, 255}},
    {6, {0}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255}}, /* :: and ::1 among them */
    {6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 255, 255, 255, 255}},
    {6, {0xff}, {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
};

static void write_martian(struct nft_tx *tx, const struct divert *d)
{
    for (size_t i = 0; i < ARRAY_LEN(martians); i++) {
        struct nftnl_rule *r = version_rule(tx, d, CHAIN_FLOODS, martians[i].version);
        load_address(r, martians[i].version, true);
        nft_between(r, false, martians[i].first, martians[i].last, martians[i].version == 4 ? 4 : 16);
        to_detector(tx, r, DETECT_MARTIAN);
    }
}

static struct nftnl_rule *unspecified_rule(struct nft_tx *tx, const struct divert *d, const char *chain, int version,
                                           uint8_t proto)
{
    static const uint8_t zero[16];
    struct nftnl_rule *r = version_rule(tx, d, chain, version);
    load_address(r, version, true);
    nft_cmp(r, false, zero, version == 4 ? 4 : 16);
    table_match_l4proto(r, proto);
    return r;
}

static void end_return(struct nft_tx *tx, struct nftnl_rule *r)
{
    nft_verdict(r, NFT_RETURN, NULL);
    nft_rule_end(tx, r);
}

/*
 * Who has no address yet: DHCP, and of IPv6 the search for routers, groups and
 * duplicates. A switch that asks for IPv4 groups may do so without an address.
 */
static void write_nameless(struct nft_tx *tx, const struct divert *d, const char *chain)
{
    const uint16_t dhcp[2] = {htons(68), htons(67)};
    const uint8_t first = MLD_LISTENER_QUERY, last = ND_NEIGHBOR_ADVERT, report2 = 143;
    struct nftnl_rule *r = unspecified_rule(tx, d, chain, 4, IPPROTO_UDP);
    nft_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, sizeof dhcp);
    nft_cmp(r, false, dhcp, sizeof dhcp);
    end_return(tx, r);
    end_return(tx, unspecified_rule(tx, d, chain, 4, IPPROTO_IGMP));
    r = unspecified_rule(tx, d, chain, 6, IPPROTO_ICMPV6);
    nft_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
    nft_between(r, false, &first, &last, 1);
    end_return(tx, r);
    r = unspecified_rule(tx, d, chain, 6, IPPROTO_ICMPV6);
    match_byte(r, 0, report2);
    end_return(tx, r);
}

/* What a host says to itself comes by lo with such addresses. */
static void write_loopback(struct nft_tx *tx, const char *chain)
{
    static const uint32_t keys[] = {NFT_META_IIFNAME, NFT_META_OIFNAME};
    static const char lo[IFNAMSIZ] = "lo";
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct nftnl_rule *r = nft_rule(tx, chain);
        nft_load_meta(r, keys[i]);
        nft_cmp(r, false, lo, sizeof lo);
        end_return(tx, r);
    }
}

/* What becomes of the packets that a detector has caught. */
static void write_chain(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p,
                        enum detector_id id)
{
    char chain[64], prefix[LOG_PREFIX_MAX];
    const struct log_origin o = {.source = LOG_DETECTOR,
                                 .id = (uint32_t)id,
                                 .action = c->detect[id].action == DETECT_DROP ? PLAN_DROP : PLAN_ACCEPT,
                                 .monitor = p->monitor};
    chain_of(id, chain);
    nft_add_counter(tx, chain);
    nft_add_chain(tx, chain);
    if (id == DETECT_MARTIAN)
        write_nameless(tx, d, chain);
    if (id == DETECT_MARTIAN && d->hook != HOOK_FORWARD)
        write_loopback(tx, chain);
    struct nftnl_rule *r = nft_rule(tx, chain);
    nft_limit(r, EVENTS_PER_SECOND);
    nft_log(r, c->divert.log_group, EVENT_BYTES, log_prefix(&o, prefix));
    nft_rule_end(tx, r);
    r = nft_rule(tx, chain);
    nft_count(r, chain);
    if (c->detect[id].action == DETECT_DROP && !p->monitor)
        nft_verdict(r, NF_DROP, NULL);
    nft_rule_end(tx, r);
}

int floods_write(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p)
{
    for (size_t i = 0; i < FLOODS_DETECTORS; i++)
        if (is_on(c, (enum detector_id)i))
            write_chain(tx, d, c, p, (enum detector_id)i);
    if (is_on(c, DETECT_MARTIAN))
        write_martian(tx, d);
    if (is_on(c, DETECT_SMURF))
        write_smurf(tx, d, c);
    if (is_on(c, DETECT_BIG_ICMP))
        write_big_icmp(tx, d, c);
    for (size_t i = 0; i < ARRAY_LEN(rates); i++)
        for (int version = 4; is_on(c, rates[i].id) && version <= 6; version += 2)
            write_rate(tx, d, c, &rates[i], version);
    return 0;
}

static int count_one(const struct nft_counter *counter, void *ctx)
{
    uint64_t *ret = ctx;
    char name[64];
    for (size_t i = 0; i < FLOODS_DETECTORS; i++)
        if (strcmp(counter->name, chain_of((enum detector_id)i, name)) == 0)
            ret[i] = counter->packets;
    return 0;
}

int floods_counts(const struct divert *d, uint64_t ret[DETECTORS])
{
    memset(ret, 0, DETECTORS * sizeof *ret);
    return nft_each_counter(table_family(d), DIVERT_TABLE, count_one, ret);
}
