/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/decode.h"

enum {
    OPT_END = 0,
    OPT_NOP = 1,
    OPT_RECORD_ROUTE = 7,
    OPT_TIMESTAMP = 68,
    OPT_SECURITY = 130,
    OPT_LSRR = 131,
    OPT_STREAM_ID = 136,
    OPT_SSRR = 137,
    OPT_ROUTER_ALERT = 148,
};

struct option_kind {
    uint16_t bit; /* enum ip_option */
    uint8_t min, max;
    uint8_t pointer_min; /* the least value of the third byte, 0 where that is no pointer */
};

static struct option_kind option_kind(uint8_t type)
{
    switch (type) {
    case OPT_RECORD_ROUTE:
        return (struct option_kind){IP_OPTION_RECORD_ROUTE, 3, 40, 4};
    case OPT_TIMESTAMP:
        return (struct option_kind){IP_OPTION_TIMESTAMP, 4, 40, 5};
    case OPT_SECURITY:
        return (struct option_kind){IP_OPTION_SECURITY, 3, 40, 0};
    case OPT_LSRR:
        return (struct option_kind){IP_OPTION_LSRR, 3, 40, 4};
    case OPT_SSRR:
        return (struct option_kind){IP_OPTION_SSRR, 3, 40, 4};
    case OPT_STREAM_ID:
        return (struct option_kind){IP_OPTION_STREAM_ID, 4, 4, 0};
    case OPT_ROUTER_ALERT:
        return (struct option_kind){IP_OPTION_ROUTER_ALERT, 4, 4, 0};
    default:
        return (struct option_kind){IP_OPTION_OTHER, 2, 40, 0};
    }
}

static void one_option(struct decode *d, const uint8_t *opt, size_t len)
{
    struct option_kind kind = option_kind(opt[0]);
    d->p->ip_options |= kind.bit;
    if (kind.bit == IP_OPTION_RECORD_ROUTE)
        decode_flag(d, ANOMALY_RECORD_ROUTE);
    if (kind.bit == IP_OPTION_LSRR || kind.bit == IP_OPTION_SSRR)
        decode_flag(d, ANOMALY_SOURCE_ROUTE);
    if (len < kind.min || len > kind.max || (kind.pointer_min && opt[2] < kind.pointer_min)) {
        decode_flag(d, ANOMALY_BAD_OPTION);
        return;
    }
    /* Hops are left: the checksum was made for the last of them, not for dst. */
    if ((kind.bit == IP_OPTION_LSRR || kind.bit == IP_OPTION_SSRR) && opt[2] <= len)
        d->verify = false;
}

static void options(struct decode *d, const uint8_t *opt, size_t left)
{
    while (left > 0 && opt[0] != OPT_END) {
        if (opt[0] == OPT_NOP) {
            opt++;
            left--;
            continue;
        }
        size_t len = left > 1 ? opt[1] : 0;
        if (len < 2 || len > left) {
            d->p->ip_options |= option_kind(opt[0]).bit;
            decode_flag(d, ANOMALY_BAD_OPTION);
            return;
        }
        one_option(d, opt, len);
        opt += len;
        left -= len;
    }
}

static void check_addresses(struct decode *d)
{
    const uint8_t *src = d->p->src.bytes, *dst = d->p->dst.bytes;
    static const uint8_t all_ones[4] = {255, 255, 255, 255}, zeros[4];
    bool bad = src[0] >= 224 || (src[0] == 0 && memcmp(src, zeros, 4) != 0) || dst[0] == 0 ||
               (dst[0] >= 240 && memcmp(dst, all_ones, 4) != 0);
    if (src[0] == 127 || dst[0] == 127)
        bad = bad || !decode_on_loopback(d->p);
    if (bad)
        decode_flag(d, ANOMALY_MARTIAN);
}

static void read_fixed(struct packet *p, const uint8_t *h)
{
    p->ip_version = 4;
    p->ip_tos = h[1];
    p->ip_id = be16(h + 4);
    uint16_t frag = be16(h + 6);
    p->frag_offset = (uint16_t)((frag & 0x1fff) << 3);
    p->more_fragments = frag & 0x2000;
    p->is_fragment = p->more_fragments || p->frag_offset;
    p->ip_ttl = h[8];
    p->ip_proto = h[9];
    p->src.family = p->dst.family = 4;
    memcpy(p->src.bytes, h + 12, 4);
    memcpy(p->dst.bytes, h + 16, 4);
}

/* Compares the claimed length with the real one and cuts padding off; false when nothing can follow the header. */
static bool check_length(struct decode *d, size_t claimed, size_t full)
{
    struct packet *p = d->p;
    if (p->meta.gso)
        claimed = full; /* the field may be 0 (BIG TCP) */
    p->ip_len = (uint32_t)claimed;
    if (claimed < p->ip_header_len) {
        decode_flag(d, ANOMALY_BAD_LENGTH);
        return false;
    }
    if (claimed > full) {
        decode_flag(d, ANOMALY_BAD_LENGTH);
        d->verify = false;
        claimed = full;
    }
    d->end = claimed;
    p->data = span_first(p->data, claimed);
    return true;
}

void decode_ipv4(struct decode *d, size_t full)
{
    struct packet *p = d->p;
    const uint8_t *h = decode_header(d, IPV4_HEADER_MIN);
    if (!h)
        return;
    size_t header_len = (h[0] & 15u) * 4;
    if (header_len < IPV4_HEADER_MIN) {
        decode_flag(d, ANOMALY_BAD_LENGTH);
        return;
    }
    read_fixed(p, h);
    p->ip_header_len = (uint16_t)header_len;
    check_addresses(d);
    bool whole = decode_header(d, header_len) != NULL;
    if (whole && csum_fold(csum_add(0, h, header_len)) != 0)
        decode_flag(d, ANOMALY_BAD_IP_CHECKSUM);
    if (whole && header_len > IPV4_HEADER_MIN)
        options(d, h + IPV4_HEADER_MIN, header_len - IPV4_HEADER_MIN);
    if (!check_length(d, be16(h + 2), full) || !whole)
        return;
    d->at = header_len;
    decode_check_fragment(d, header_len);
    decode_transport(d);
}
