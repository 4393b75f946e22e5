/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table: "frames" at the hook sends what goes over our ports to "look",
 * which finds the EtherType behind VLAN tags. The kernel takes the first tag off
 * itself; up to TAGS_MAX more are stepped over. "look<n>" judges what stands
 * behind n of them, "arp" and "other" tell, count and drop.
 */
#include "divert/frames.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_bridge.h>
#include <stdio.h>
#include <string.h>

#include "divert/log_prefix.h"
#include "divert/nft.h"

#define EVENTS_PER_SECOND 10
#define EVENT_BYTES 256
#define TAGS_MAX 2
#define TAG_BYTES 4
#define ARP_SENDER_MAC 8
#define ARP_SENDER_IP 14
#define SET_PORTS "ports"
#define SET_TAGS "tags"
#define SET_PASS "pass"
#define SET_ADDRESSES "addresses"
#define SET_OWNERS "owners"

static bool is_wanted(const struct config *c)
{
    return c->frames.n_arp || c->frames.others == POLICY_CLOSED;
}

static int add_port_names(struct nft_tx *tx, const struct config *c)
{
    AUTO_FREE const char **names = calloc(c->divert.n_ifaces + 1, sizeof *names);
    if (!names)
        return -ENOMEM;
    for (size_t i = 0; i < c->divert.n_ifaces; i++)
        names[i] = c->divert.ifaces[i].name;
    nft_add_names(tx, SET_PORTS, names, c->divert.n_ifaces);
    return 0;
}

static int add_ethertypes(struct nft_tx *tx, const struct config *c)
{
    static const uint16_t known[] = {ETH_P_IP, ETH_P_IPV6, ETH_P_ARP};
    AUTO_FREE uint16_t *types = calloc(ARRAY_LEN(known) + c->frames.n_ethertypes, sizeof *types);
    if (!types)
        return -ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        types[n++] = htons(known[i]);
    for (size_t i = 0; i < c->frames.n_ethertypes; i++)
        types[n++] = htons(c->frames.ethertypes[i]);
    nft_add_values(tx, SET_PASS, NFT_KEY_ETHERTYPE, sizeof *types, types, n);
    return 0;
}

/* Two sets: the addresses that have an owner, and each with its owner's MAC address. */
static int add_owners(struct nft_tx *tx, const struct config *c)
{
    enum { PAIR = 12 }; /* the MAC address is padded to eight bytes */
    size_t n = c->frames.n_arp;
    AUTO_FREE uint8_t *addresses = calloc(n + 1, 4), *owners = calloc(n + 1, PAIR);
    if (!addresses || !owners)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        memcpy(addresses + i * 4, c->frames.arp[i].addr, 4);
        memcpy(owners + i * PAIR, c->frames.arp[i].addr, 4);
        memcpy(owners + i * PAIR + 4, c->frames.arp[i].mac, 6);
    }
    nft_add_values(tx, SET_ADDRESSES, NFT_KEY_IPV4, 4, addresses, n);
    nft_add_values(tx, SET_OWNERS, NFT_KEY_IPV4_MAC, PAIR, owners, n);
    return 0;
}

static int add_sets(struct nft_tx *tx, const struct config *c)
{
    const uint16_t tags[] = {htons(ETH_P_8021Q), htons(ETH_P_8021AD), htons(ETH_P_QINQ1)};
    nft_add_values(tx, SET_TAGS, NFT_KEY_ETHERTYPE, sizeof tags[0], tags, ARRAY_LEN(tags));
    int err = add_port_names(tx, c);
    if (!err)
        err = add_ethertypes(tx, c);
    return err ? err : add_owners(tx, c);
}

/* Tells, counts and drops. */
static void write_fate(struct nft_tx *tx, const struct config *c, bool monitor, enum log_source source,
                       const char *chain)
{
    char prefix[LOG_PREFIX_MAX];
    const struct log_origin o = {.source = source, .action = PLAN_DROP, .monitor = monitor};
    struct nftnl_rule *r = nft_rule(tx, chain);
    nft_limit(r, EVENTS_PER_SECOND);
    nft_log(r, c->divert.log_group, EVENT_BYTES, log_prefix(&o, prefix));
    nft_rule_end(tx, r);
    r = nft_rule(tx, chain);
    nft_count(r, chain);
    nft_verdict(r, monitor ? NF_ACCEPT : NF_DROP, NULL);
    nft_rule_end(tx, r);
}

/* The EtherType behind so many tags that the kernel has left in the frame. */
static void load_ethertype(struct nftnl_rule *r, unsigned tags)
{
    if (tags)
        nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, tags * TAG_BYTES - 2, 2);
    else
        nft_load_meta(r, NFT_META_PROTOCOL);
}

/* The sender's address is somebody's, and the MAC address beside it is another's. */
static void write_arp(struct nft_tx *tx, const char *chain, unsigned tags, uint32_t mac_base, uint32_t mac_offset)
{
    const uint16_t arp = htons(ETH_P_ARP);
    struct nftnl_rule *r = nft_rule(tx, chain);
    load_ethertype(r, tags);
    nft_cmp(r, false, &arp, sizeof arp);
    nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, tags * TAG_BYTES + ARP_SENDER_IP, 4);
    nft_in_set(r, SET_ADDRESSES);
    nft_load_payload_at(r, 1, mac_base, mac_offset, 6);
    nft_not_in_set(r, SET_OWNERS);
    nft_verdict(r, NFT_GOTO, "arp");
    nft_rule_end(tx, r);
}

static void write_look(struct nft_tx *tx, const struct config *c, unsigned tags)
{
    char chain[16], next[16];
    snprintf(chain, sizeof chain, "look%u", tags);
    snprintf(next, sizeof next, "look%u", tags + 1);
    if (tags < TAGS_MAX) {
        struct nftnl_rule *r = nft_rule(tx, chain);
        load_ethertype(r, tags);
        nft_in_set(r, SET_TAGS);
        nft_verdict(r, NFT_GOTO, next);
        nft_rule_end(tx, r);
    }
    if (c->frames.n_arp) {
        write_arp(tx, chain, tags, NFT_PAYLOAD_NETWORK_HEADER, tags * TAG_BYTES + ARP_SENDER_MAC);
        write_arp(tx, chain, tags, NFT_PAYLOAD_LL_HEADER, ETH_ALEN);
    }
    if (c->frames.others == POLICY_OPEN)
        return;
    struct nftnl_rule *r = nft_rule(tx, chain);
    load_ethertype(r, tags);
    nft_in_set(r, SET_PASS);
    nft_verdict(r, NF_ACCEPT, NULL);
    nft_rule_end(tx, r);
    r = nft_rule(tx, chain);
    nft_verdict(r, NFT_GOTO, "other");
    nft_rule_end(tx, r);
}

static void write_entry(struct nft_tx *tx, const struct config *c)
{
    static const uint32_t keys[] = {NFT_META_IIFNAME, NFT_META_OIFNAME};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct nftnl_rule *r = nft_rule(tx, "frames");
        if (c->divert.n_ifaces) {
            nft_load_meta(r, keys[i]);
            nft_in_set(r, SET_PORTS);
        }
        nft_verdict(r, NFT_GOTO, "look0");
        nft_rule_end(tx, r);
    }
}

static int write_table(struct nft_tx *tx, const struct divert *d, const struct config *c, bool monitor,
                       const struct frames_counts *so_far)
{
    nft_add_table(tx);
    nft_del_table(tx);
    nft_add_table(tx);
    nft_add_base_chain(tx, "frames", NF_BR_FORWARD, NF_BR_PRI_FILTER_BRIDGED + d->priority);
    nft_add_counter_at(tx, "arp", so_far->arp, 0);
    nft_add_counter_at(tx, "other", so_far->other, 0);
    nft_add_chain(tx, "arp");
    nft_add_chain(tx, "other");
    nft_add_chain(tx, "look0");
    nft_add_chain(tx, "look1");
    nft_add_chain(tx, "look2");
    int err = add_sets(tx, c);
    if (err)
        return err;
    write_entry(tx, c);
    for (unsigned tags = 0; tags <= TAGS_MAX; tags++)
        write_look(tx, c, tags);
    write_fate(tx, c, monitor, LOG_ARP, "arp");
    write_fate(tx, c, monitor, LOG_ETHERTYPE, "other");
    return 0;
}

int frames_install(const struct divert *d, const struct config *c, bool monitor, char *why, size_t why_size)
{
    if (!d->bridged || !is_wanted(c))
        return frames_remove(why, why_size);
    struct frames_counts so_far;
    int err = frames_counts(&so_far);
    struct nft_tx *tx = nft_begin(NFPROTO_BRIDGE, FRAMES_TABLE);
    if (!err)
        err = tx ? write_table(tx, d, c, monitor, &so_far) : -ENOMEM;
    if (err)
        snprintf(why, why_size, "frames: %s", strerror(-err));
    else
        err = nft_commit(tx, why, why_size);
    nft_free(tx);
    return err;
}

int frames_remove(char *why, size_t why_size)
{
    struct nft_tx *tx = nft_begin(NFPROTO_BRIDGE, FRAMES_TABLE);
    if (!tx) {
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    nft_add_table(tx);
    nft_del_table(tx);
    int err = nft_commit(tx, why, why_size);
    nft_free(tx);
    return err == -EAFNOSUPPORT || err == -EOPNOTSUPP ? 0 : err;
}

static int count_one(const struct nft_counter *counter, void *ctx)
{
    struct frames_counts *ret = ctx;
    if (strcmp(counter->name, "arp") == 0)
        ret->arp = counter->packets;
    else if (strcmp(counter->name, "other") == 0)
        ret->other = counter->packets;
    return 0;
}

int frames_counts(struct frames_counts *ret)
{
    *ret = (struct frames_counts){0};
    return nft_each_counter(NFPROTO_BRIDGE, FRAMES_TABLE, count_one, ret);
}
