/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/packet.h"

#include "net/decode.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
/* A router may leave a small rest when it splits a fragment again; less than this only an attacker needs. */
#define FRAGMENT_SMALL 64u

/* 4, 6, or 0 where the version nibble is neither or the EtherType says otherwise. */
static uint8_t version_of(const struct packet_meta *meta, uint8_t first)
{
    uint8_t version = first >> 4;
    if (version == 4 && (meta->ethertype == ETHERTYPE_IPV4 || meta->ethertype == 0))
        return 4;
    if (version == 6 && (meta->ethertype == ETHERTYPE_IPV6 || meta->ethertype == 0))
        return 6;
    return 0;
}

static void decode_packet(struct decode *d, size_t full)
{
    struct packet *p = d->p;
    if (p->data.len == 0) {
        if (full == 0)
            decode_flag(d, ANOMALY_TRUNCATED);
        return;
    }
    switch (version_of(&p->meta, p->data.data[0])) {
    case 4:
        decode_ipv4(d, full);
        return;
    case 6:
        decode_ipv6(d, full);
        return;
    default:
        decode_flag(d, ANOMALY_BAD_VERSION);
    }
}

void packet_decode(struct packet *ret, const struct packet_meta *meta, struct span data, unsigned need)
{
    const size_t head = offsetof(struct packet, data);
    if (meta != &ret->meta)
        ret->meta = *meta;
    memset((char *)ret + head, 0, sizeof *ret - head);
    ret->data = data;
    size_t full = ret->meta.full_len > data.len ? ret->meta.full_len : data.len;
    struct decode d = {
        .p = ret,
        .end = full,
        /* A segment train's checksum is the card's to write, whatever the state says. */
        .verify = (need & PACKET_NEED_CHECKSUM) && ret->meta.csum == CSUM_VERIFY && full == data.len && !ret->meta.gso,
    };
    decode_packet(&d, full);
}

static size_t transport_header_min(uint8_t proto)
{
    switch (proto) {
    case PROTO_TCP:
        return TCP_HEADER_MIN;
    case PROTO_SCTP:
        return 16;
    default: /* the others end before the first offset that a later fragment can have */
        return 0;
    }
}

void decode_check_fragment(struct decode *d, size_t before)
{
    const struct packet *p = d->p;
    if (!p->is_fragment)
        return;
    size_t len = d->end - d->at;
    if (len == 0 || (p->more_fragments && len % 8 != 0))
        decode_flag(d, ANOMALY_BAD_LENGTH);
    if (p->more_fragments && p->frag_offset > 0 && len < FRAGMENT_SMALL)
        decode_flag(d, ANOMALY_TINY_FRAGMENT);
    if (p->frag_offset > 0 && p->frag_offset < transport_header_min(p->ip_proto))
        decode_flag(d, ANOMALY_OVERLAP_FRAGMENT);
    if (before + p->frag_offset + len > IP_LEN_MAX)
        decode_flag(d, ANOMALY_OVERLAP_FRAGMENT);
}

static bool is_loopback(const struct iface *dev)
{
    return dev && strcmp(dev->name, "lo") == 0;
}

bool decode_on_loopback(const struct packet *p)
{
    return is_loopback(p->meta.in_dev) || is_loopback(p->meta.out_dev);
}
