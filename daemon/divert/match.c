/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Beginnings of rules, and sets of what the settings name. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "divert/table.h"
#include "net/addr.h"

#define ETH_IPV4 0x0800
#define ETH_IPV6 0x86dd

const char *table_set(const struct divert *d, const char *base, char *buf)
{
    if (d->change)
        snprintf(buf, SET_NAME_MAX, "%s_%u", base, d->change);
    else
        snprintf(buf, SET_NAME_MAX, "%s", base);
    return buf;
}

/* The EtherType is what the bridge family knows of a packet; behind it both families agree. */
void table_match_ip(const struct divert *d, struct nftnl_rule *r, int version)
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

void table_match_l4proto(struct nftnl_rule *r, uint8_t proto)
{
    nft_load_meta(r, NFT_META_L4PROTO);
    nft_cmp(r, false, &proto, sizeof proto);
}

void table_match_ct_state(struct nftnl_rule *r, uint32_t bits)
{
    nft_load_ct(r, NFT_CT_STATE);
    nft_bitwise(r, bits, 0);
    nft_cmp_u32(r, true, 0);
}

void table_match_ct_direction(struct nftnl_rule *r, uint8_t dir)
{
    nft_load_ct(r, NFT_CT_DIRECTION);
    nft_cmp(r, false, &dir, sizeof dir);
}

void table_match_tcp_flags(struct nftnl_rule *r, uint8_t mask, uint8_t value)
{
    table_match_l4proto(r, IPPROTO_TCP);
    nft_load_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1);
    nft_and(r, &mask, sizeof mask);
    nft_cmp(r, false, &value, sizeof value);
}

void table_match_address(struct nftnl_rule *r, int version, bool source, const char *set)
{
    static const uint32_t offset4[] = {16, 12}, offset6[] = {24, 8};
    nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, version == 4 ? offset4[source] : offset6[source],
                     version == 4 ? 4 : 16);
    nft_in_set(r, set);
}

void table_rule(struct nft_tx *tx, const char *chain, int verdict, const char *target)
{
    struct nftnl_rule *r = nft_rule(tx, chain);
    nft_verdict(r, verdict, target);
    nft_rule_end(tx, r);
}

/* "address" or "address/prefix" as a range; config/ has checked it. Returns 4, 6 or 0. */
static int network_range(const char *text, struct nft_range *ret)
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

int table_add_networks(struct nft_tx *tx, const struct divert *d, const char *base, int version,
                       const struct config_strings *networks)
{
    AUTO_FREE struct nft_range *ranges = calloc(networks->n + 1, sizeof *ranges);
    if (!ranges)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < networks->n; i++)
        if (network_range(networks->at[i], &ranges[n]) == version)
            n++;
    char name[SET_NAME_MAX];
    nft_add_ranges(tx, table_set(d, base, name), version == 4 ? NFT_KEY_IPV4 : NFT_KEY_IPV6, version == 4 ? 4 : 16,
                   ranges, n);
    return 0;
}

int table_add_ports(struct nft_tx *tx, const struct divert *d, const char *base, const struct port_range *ports,
                    size_t n)
{
    AUTO_FREE struct nft_range *ranges = calloc(n + 1, sizeof *ranges);
    if (!ranges)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        uint16_t first = htons(ports[i].first), last = htons(ports[i].last);
        memcpy(ranges[i].first, &first, sizeof first);
        memcpy(ranges[i].last, &last, sizeof last);
    }
    char name[SET_NAME_MAX];
    nft_add_ranges(tx, table_set(d, base, name), NFT_KEY_PORT, sizeof(uint16_t), ranges, n);
    return 0;
}
