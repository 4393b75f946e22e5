/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/queue.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "queue/attr.h"

static bool read_header(const struct nlattr *a, struct queue_packet *ret)
{
    struct nfqnl_msg_packet_hdr h;
    if (mnl_attr_get_payload_len(a) < sizeof h)
        return false;
    memcpy(&h, mnl_attr_get_payload(a), sizeof h);
    ret->id = ntohl(h.packet_id);
    ret->ethertype = ntohs(h.hw_protocol);
    ret->hook = h.hook;
    return true;
}

static void read_hwaddr(const struct nlattr *a, struct queue_packet *ret)
{
    struct nfqnl_msg_packet_hw hw;
    if (mnl_attr_get_payload_len(a) < sizeof hw)
        return;
    memcpy(&hw, mnl_attr_get_payload(a), sizeof hw);
    uint16_t len = ntohs(hw.hw_addrlen);
    ret->hwaddr_len = len > sizeof ret->hwaddr ? sizeof ret->hwaddr : (uint8_t)len;
    memcpy(ret->hwaddr, hw.hw_addr, sizeof ret->hwaddr);
}

static void read_vlan(const struct nlattr *nest, struct queue_packet *ret)
{
    const struct nlattr *a;
    FOR_EACH_NESTED(a, nest)
    {
        if (mnl_attr_get_type(a) == NFQA_VLAN_TCI && mnl_attr_get_payload_len(a) >= 2) {
            ret->vlan_tci = ntohs(mnl_attr_get_u16(a));
            ret->has_vlan = true;
        }
    }
}

static void read_conntrack(const struct nlattr *nest, struct queue_packet *ret)
{
    /* The kernel leaves CTA_MARK out where the mark is 0. */
    ret->has_ct_mark = true;
    const struct nlattr *a;
    FOR_EACH_NESTED(a, nest)
    {
        if (mnl_attr_get_type(a) == CTA_MARK)
            ret->ct_mark = attr_be32(a);
        else if (mnl_attr_get_type(a) == CTA_ID)
            ret->ct_id = attr_be32(a);
    }
}

static void read_attr(const struct nlattr *a, struct queue_packet *ret)
{
    switch (mnl_attr_get_type(a)) {
    case NFQA_MARK:
        ret->mark = attr_be32(a);
        break;
    case NFQA_IFINDEX_INDEV:
        ret->indev = attr_be32(a);
        break;
    case NFQA_IFINDEX_OUTDEV:
        ret->outdev = attr_be32(a);
        break;
    case NFQA_IFINDEX_PHYSINDEV:
        ret->physindev = attr_be32(a);
        break;
    case NFQA_IFINDEX_PHYSOUTDEV:
        ret->physoutdev = attr_be32(a);
        break;
    case NFQA_HWADDR:
        read_hwaddr(a, ret);
        break;
    case NFQA_PAYLOAD:
        ret->payload = span_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
        break;
    case NFQA_CAP_LEN:
        ret->full_len = attr_be32(a);
        break;
    case NFQA_SKB_INFO:
        ret->skb_info = attr_be32(a);
        break;
    case NFQA_CT:
        read_conntrack(a, ret);
        break;
    case NFQA_VLAN:
        read_vlan(a, ret);
        break;
    case NFQA_L2HDR:
        ret->l2_header = span_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
        break;
    default:
        break;
    }
}

int queue_parse(struct span message, struct queue_packet *ret)
{
    struct span attrs;
    int is_packet = message_open(message, (NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET, &attrs);
    if (is_packet != 1)
        return is_packet;
    *ret = (struct queue_packet){0};
    bool has_header = false;
    const struct nlattr *a;
    FOR_EACH_ATTR(a, attrs.data, attrs.len)
    {
        if (mnl_attr_get_type(a) == NFQA_PACKET_HDR)
            has_header = read_header(a, ret);
        else
            read_attr(a, ret);
    }
    if (ret->full_len < ret->payload.len)
        ret->full_len = (uint32_t)ret->payload.len;
    return has_header ? 1 : -EPROTO;
}
