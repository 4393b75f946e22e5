/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/capture.h"

#include <linux/netfilter/nfnetlink_queue.h>
#include <pcap/dlt.h>
#include <string.h>

#include "net/packet.h"

#define ETHER_VLAN 0x8100
#define ETHER_QINQ 0x88a8
#define ETHER_IPV4 0x0800
#define ETHER_IPV6 0x86dd
#define TAGS_MAX 4

bool capture_knows(int link_type)
{
    switch (link_type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_NULL:
    case DLT_LOOP:
        return true;
    default:
        return false;
    }
}

/* The EtherType behind any VLAN tags; the outermost tag is the packet's. */
static uint16_t read_tags(struct cursor *c, uint16_t type, struct queue_packet *ret)
{
    for (int i = 0; i < TAGS_MAX && (type == ETHER_VLAN || type == ETHER_QINQ); i++) {
        uint16_t tci = cursor_u16(c);
        type = cursor_u16(c);
        if (!ret->has_vlan)
            ret->vlan_tci = tci;
        ret->has_vlan = true;
    }
    return type;
}

static uint16_t read_ethernet(struct cursor *c, struct queue_packet *ret)
{
    const uint8_t *macs = cursor_take(c, 12);
    if (!macs)
        return 0;
    ret->l2_header = span_of(macs, 12);
    return read_tags(c, cursor_u16(c), ret);
}

/* pcap-linktype: LINUX_SLL and LINUX_SLL2. */
static void cooked_address(const uint8_t *address, uint16_t len, struct queue_packet *ret)
{
    if (!address || len != 6)
        return;
    memcpy(ret->hwaddr, address, 6);
    ret->hwaddr_len = 6;
}

static uint16_t read_cooked(struct cursor *c, struct queue_packet *ret)
{
    (void)cursor_u16(c); /* packet type */
    (void)cursor_u16(c); /* hardware type */
    uint16_t len = cursor_u16(c);
    cooked_address(cursor_take(c, 8), len, ret);
    return read_tags(c, cursor_u16(c), ret);
}

static uint16_t read_cooked2(struct cursor *c, struct queue_packet *ret)
{
    uint16_t type = cursor_u16(c);
    (void)cursor_u16(c); /* reserved */
    (void)cursor_u32(c); /* interface index of another machine, or of another day */
    (void)cursor_u16(c); /* hardware type */
    (void)cursor_u8(c);  /* packet type */
    uint16_t len = cursor_u8(c);
    cooked_address(cursor_take(c, 8), len, ret);
    return read_tags(c, type, ret);
}

static uint16_t by_version(const struct cursor *c)
{
    uint8_t first = c->at < c->s.len && !c->bad ? c->s.data[c->at] : 0;
    return first >> 4 == 4 ? ETHER_IPV4 : first >> 4 == 6 ? ETHER_IPV6 : 0;
}

static uint16_t read_link(int link_type, struct cursor *c, struct queue_packet *ret)
{
    switch (link_type) {
    case DLT_EN10MB:
        return read_ethernet(c, ret);
    case DLT_LINUX_SLL:
        return read_cooked(c, ret);
    case DLT_LINUX_SLL2:
        return read_cooked2(c, ret);
    case DLT_NULL:
    case DLT_LOOP:
        (void)cursor_u32(c); /* an address family whose number and order are the capturing machine's */
        return by_version(c);
    default:
        return by_version(c);
    }
}

/*
 * A frame captured on its way out of the machine may hold the sum of the
 * pseudo-header where the card would have put the checksum: it is not ready,
 * not bad.
 */
static bool is_not_ready(const struct queue_packet *qp)
{
    struct packet p;
    struct packet_meta meta = {.ethertype = qp->ethertype, .full_len = qp->full_len, .csum = CSUM_VERIFIED};
    packet_decode(&p, &meta, qp->payload, 0);
    size_t at = p.l4 == L4_TCP ? 16 : 6;
    if ((p.l4 != L4_TCP && p.l4 != L4_UDP) || p.transport.len < at + 2)
        return false;
    uint16_t have = (uint16_t)(p.transport.data[at] << 8 | p.transport.data[at + 1]);
    uint32_t len = (uint32_t)p.transport.len;
    uint16_t pseudo = csum_fold(csum_pseudo(&p.src, &p.dst, p.ip_proto, len));
    return (have ^ pseudo) == 0xffff;
}

bool capture_packet(int link_type, struct span frame, uint32_t wire_len, struct queue_packet *ret)
{
    struct cursor c = cursor_of(frame);
    *ret = (struct queue_packet){0};
    uint16_t type = read_link(link_type, &c, ret);
    if (c.bad || (type != ETHER_IPV4 && type != ETHER_IPV6))
        return false;
    ret->ethertype = type;
    ret->payload = span_from(frame, c.at);
    if (!ret->payload.len)
        return false;
    ret->full_len = wire_len > c.at ? wire_len - (uint32_t)c.at : 0;
    if (ret->full_len < ret->payload.len)
        ret->full_len = (uint32_t)ret->payload.len;
    ret->skb_info = is_not_ready(ret) ? NFQA_SKB_CSUMNOTREADY : NFQA_SKB_CSUM_NOTVERIFIED;
    return true;
}
