/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/decode.h"

#define EXT_MAX 8u

enum {
    TLV_PAD1 = 0x00,
    TLV_ROUTER_ALERT = 0x05,
    TLV_JUMBO = 0xc2,
    TLV_HOME_ADDRESS = 0xc9,
};

/* Where the chain of extension headers stands. */
struct chain {
    struct decode *d;
    size_t full;
    unsigned count, dstopts;
    uint8_t rank;     /* of the last header with a fixed place */
    uint8_t previous; /* protocol number of the header before, 255 for the IPv6 header */
};

static bool is_extension(uint8_t proto)
{
    switch (proto) {
    case PROTO_HOPOPTS:
    case PROTO_ROUTING:
    case PROTO_FRAGMENT:
    case PROTO_AH:
    case PROTO_DSTOPTS:
        return true;
    default:
        return false;
    }
}

/* The order of RFC 8200, 4.1. Destination options have two places there and a third in RFC 6275. */
static void check_order(struct chain *c, uint8_t proto)
{
    static const uint8_t ranks[] = {[PROTO_ROUTING] = 2, [PROTO_FRAGMENT] = 3, [PROTO_AH] = 4};
    bool bad;
    if (proto == PROTO_HOPOPTS) {
        bad = c->count > 1;
    } else if (proto == PROTO_DSTOPTS) {
        bad = ++c->dstopts > 2 || c->previous == PROTO_DSTOPTS;
    } else {
        bad = ranks[proto] <= c->rank;
        c->rank = ranks[proto];
    }
    if (bad)
        decode_flag(c->d, ANOMALY_EXT_CHAIN);
    c->previous = proto;
}

/* RFC 2675: the real length of a packet whose payload length is 0. */
static void jumbo(struct chain *c, const uint8_t *value)
{
    struct decode *d = c->d;
    if (d->p->meta.gso) /* the kernel's own, for BIG TCP */
        return;
    uint64_t total = (uint64_t)be32(value) + IPV6_HEADER_LEN;
    bool wrong = be32(value) <= IP_LEN_MAX || total > c->full;
    if (!d->jumbo || wrong) {
        decode_flag(d, ANOMALY_BAD_LENGTH);
        d->verify = false;
        return;
    }
    d->jumbo = false;
    d->p->ip_len = (uint32_t)total;
    d->end = (size_t)total;
    d->p->data = span_first(d->p->data, (size_t)total);
}

static void one_tlv(struct chain *c, uint8_t proto, const uint8_t *tlv, size_t len)
{
    if (tlv[0] == TLV_ROUTER_ALERT && proto == PROTO_HOPOPTS)
        c->d->p->ip_options |= IP_OPTION_ROUTER_ALERT;
    if (tlv[0] == TLV_HOME_ADDRESS) /* the checksum was made for the home address */
        c->d->verify = false;
    if (tlv[0] != TLV_JUMBO || proto != PROTO_HOPOPTS)
        return;
    if (len == 6)
        jumbo(c, tlv + 2);
    else
        decode_flag(c->d, ANOMALY_BAD_OPTION);
}

static void tlvs(struct chain *c, uint8_t proto, const uint8_t *tlv, size_t left)
{
    while (left > 0) {
        if (tlv[0] == TLV_PAD1) {
            tlv++;
            left--;
            continue;
        }
        size_t len = left > 1 ? tlv[1] + 2u : left + 1;
        if (len > left) {
            decode_flag(c->d, ANOMALY_BAD_OPTION);
            return;
        }
        one_tlv(c, proto, tlv, len);
        tlv += len;
        left -= len;
    }
}

static void routing(struct decode *d, const uint8_t *h)
{
    d->p->ip_options |= IP_OPTION_ROUTING;
    if (h[2] == 0)
        decode_flag(d, ANOMALY_SOURCE_ROUTE);
    if (h[3] > 0) /* segments left: the checksum was made for the last of them */
        d->verify = false;
}

static void fragment(struct decode *d, const uint8_t *h)
{
    struct packet *p = d->p;
    uint16_t frag = be16(h + 2);
    /* A second fragment header is an anomaly; it must not make the packet look whole again. */
    if (p->is_fragment)
        return;
    p->frag_offset = frag & 0xfff8;
    p->more_fragments = frag & 1;
    p->is_fragment = p->more_fragments || p->frag_offset; /* else an atomic fragment, RFC 6946 */
    p->ip_id = be32(h + 4);
    p->ip_proto = h[0];
    size_t before = d->at - IPV6_HEADER_LEN;
    d->at += 8;
    decode_check_fragment(d, before);
    d->at -= 8;
}

static size_t extension_len(uint8_t proto, const uint8_t *h)
{
    if (proto == PROTO_FRAGMENT)
        return 8;
    if (proto == PROTO_AH)
        return (h[1] + 2u) * 4;
    return (h[1] + 1u) * 8;
}

static void read_extension(struct chain *c, uint8_t proto, const uint8_t *h, size_t len)
{
    switch (proto) {
    case PROTO_HOPOPTS:
        c->d->p->ip_options |= IP_OPTION_HOPOPTS;
        tlvs(c, proto, h + 2, len - 2);
        break;
    case PROTO_DSTOPTS:
        c->d->p->ip_options |= IP_OPTION_DSTOPTS;
        tlvs(c, proto, h + 2, len - 2);
        break;
    case PROTO_ROUTING:
        routing(c->d, h);
        break;
    case PROTO_FRAGMENT:
        fragment(c->d, h);
        break;
    default: /* AH: its length is all that counts here */
        break;
    }
}

/* Walks to the transport header; false when it cannot be reached. */
static bool extensions(struct chain *c)
{
    struct decode *d = c->d;
    struct packet *p = d->p;
    while (is_extension(p->ip_proto)) {
        uint8_t proto = p->ip_proto;
        if (++c->count > EXT_MAX) /* receivers take them all the same */
            decode_flag(d, ANOMALY_EXT_CHAIN);
        check_order(c, proto);
        const uint8_t *h = decode_header(d, 8);
        if (!h)
            return false;
        size_t len = extension_len(proto, h);
        if (!decode_header(d, len))
            return false;
        read_extension(c, proto, h, len);
        d->at += len;
        p->ip_header_len = (uint16_t)d->at;
        p->ip_proto = h[0];
        if (p->frag_offset > 0)
            break;
    }
    return true;
}

static void check_addresses(struct decode *d)
{
    static const uint8_t zeros[15];
    const uint8_t *src = d->p->src.bytes, *dst = d->p->dst.bytes;
    bool bad = src[0] == 0xff;
    if (dst[0] == 0 && memcmp(dst, zeros, 15) == 0)
        bad = bad || dst[15] == 0 || (dst[15] == 1 && !decode_on_loopback(d->p));
    if (src[0] == 0 && memcmp(src, zeros, 15) == 0)
        bad = bad || (src[15] == 1 && !decode_on_loopback(d->p));
    if (bad)
        decode_flag(d, ANOMALY_MARTIAN);
}

static void read_fixed(struct packet *p, const uint8_t *h)
{
    p->ip_version = 6;
    p->ip_tos = (uint8_t)((h[0] << 4) | (h[1] >> 4));
    p->ip_proto = h[6];
    p->ip_ttl = h[7];
    p->ip_header_len = IPV6_HEADER_LEN;
    p->src.family = p->dst.family = 6;
    memcpy(p->src.bytes, h + 8, 16);
    memcpy(p->dst.bytes, h + 24, 16);
}

/* Compares the claimed length with the real one and cuts padding off. */
static void check_length(struct decode *d, size_t payload_len, size_t full)
{
    struct packet *p = d->p;
    size_t claimed = payload_len + IPV6_HEADER_LEN;
    d->jumbo = payload_len == 0 && p->ip_proto == PROTO_HOPOPTS && full > IPV6_HEADER_LEN && !p->meta.gso;
    if (p->meta.gso || d->jumbo)
        claimed = full;
    p->ip_len = (uint32_t)claimed;
    if (claimed > full) {
        decode_flag(d, ANOMALY_BAD_LENGTH);
        d->verify = false;
        claimed = full;
    }
    d->end = claimed;
    p->data = span_first(p->data, claimed);
}

void decode_ipv6(struct decode *d, size_t full)
{
    const uint8_t *h = decode_header(d, IPV6_HEADER_LEN);
    if (!h)
        return;
    read_fixed(d->p, h);
    check_addresses(d);
    check_length(d, be16(h + 4), full);
    d->at = IPV6_HEADER_LEN;
    struct chain c = {.d = d, .full = full, .previous = 255};
    bool reached = extensions(&c);
    if (reached && d->jumbo) /* it claims no payload, yet has one */
        decode_flag(d, ANOMALY_BAD_LENGTH);
    if (reached)
        decode_transport(d);
    else
        d->p->payload = span_from(d->p->data, d->at);
}
