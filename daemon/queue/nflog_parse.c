/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>

#include "queue/attr.h"
#include "queue/nflog.h"

#define US_PER_SECOND 1000000u

static void read_header(const struct nlattr *a, struct nflog_packet *ret)
{
    struct nfulnl_msg_packet_hdr h;
    if (mnl_attr_get_payload_len(a) < sizeof h)
        return;
    memcpy(&h, mnl_attr_get_payload(a), sizeof h);
    ret->ethertype = ntohs(h.hw_protocol);
    ret->hook = h.hook;
}

static void read_time(const struct nlattr *a, struct nflog_packet *ret)
{
    struct nfulnl_msg_packet_timestamp t;
    if (mnl_attr_get_payload_len(a) < sizeof t)
        return;
    memcpy(&t, mnl_attr_get_payload(a), sizeof t);
    ret->time_us = be64toh(t.sec) * US_PER_SECOND + be64toh(t.usec);
}

static void read_hwaddr(const struct nlattr *a, struct nflog_packet *ret)
{
    struct nfulnl_msg_packet_hw hw;
    if (mnl_attr_get_payload_len(a) < sizeof hw)
        return;
    memcpy(&hw, mnl_attr_get_payload(a), sizeof hw);
    uint16_t len = ntohs(hw.hw_addrlen);
    ret->hwaddr_len = len > sizeof ret->hwaddr ? sizeof ret->hwaddr : (uint8_t)len;
    memcpy(ret->hwaddr, hw.hw_addr, sizeof ret->hwaddr);
}

static void read_vlan(const struct nlattr *nest, struct nflog_packet *ret)
{
    const struct nlattr *a;
    FOR_EACH_NESTED(a, nest)
    {
        if (mnl_attr_get_type(a) == NFULA_VLAN_TCI && mnl_attr_get_payload_len(a) >= 2) {
            ret->vlan_tci = ntohs(mnl_attr_get_u16(a));
            ret->has_vlan = true;
        }
    }
}

static struct span attr_span(const struct nlattr *a)
{
    return span_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
}

static struct span read_prefix(const struct nlattr *a)
{
    struct span s = attr_span(a);
    s.len = strnlen((const char *)s.data, s.len);
    return s;
}

static void read_attr(const struct nlattr *a, struct nflog_packet *ret)
{
    switch (mnl_attr_get_type(a)) {
    case NFULA_PACKET_HDR:
        read_header(a, ret);
        break;
    case NFULA_MARK:
        ret->mark = attr_be32(a);
        break;
    case NFULA_TIMESTAMP:
        read_time(a, ret);
        break;
    case NFULA_IFINDEX_INDEV:
        ret->indev = attr_be32(a);
        break;
    case NFULA_IFINDEX_OUTDEV:
        ret->outdev = attr_be32(a);
        break;
    case NFULA_IFINDEX_PHYSINDEV:
        ret->physindev = attr_be32(a);
        break;
    case NFULA_IFINDEX_PHYSOUTDEV:
        ret->physoutdev = attr_be32(a);
        break;
    case NFULA_HWADDR:
        read_hwaddr(a, ret);
        break;
    case NFULA_HWHEADER:
        ret->l2_header = attr_span(a);
        break;
    case NFULA_VLAN:
        read_vlan(a, ret);
        break;
    case NFULA_PREFIX:
        ret->prefix = read_prefix(a);
        break;
    case NFULA_PAYLOAD:
        ret->payload = attr_span(a);
        break;
    default:
        break;
    }
}

int nflog_parse(struct span message, struct nflog_packet *ret)
{
    struct span attrs;
    int is_packet = message_open(message, (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET, &attrs);
    if (is_packet != 1)
        return is_packet;
    *ret = (struct nflog_packet){0};
    const struct nlattr *a;
    FOR_EACH_ATTR(a, attrs.data, attrs.len)
    {
        read_attr(a, ret);
    }
    return 1;
}
