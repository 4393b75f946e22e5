/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/crc32c.h"
#include "net/decode.h"

#define UDP_HEADER_LEN 8u
#define ICMP_HEADER_LEN 8u
#define SCTP_HEADER_LEN 12u
#define SCTP_CHUNK_MIN 4u

/* Length of the transport header and all it carries, copied or not. */
static size_t transport_len(const struct decode *d)
{
    return d->end - d->at;
}

static void set_payload(struct decode *d, enum l4_kind kind, size_t header_len)
{
    struct packet *p = d->p;
    p->l4 = kind;
    p->l4_header_len = (uint16_t)header_len;
    p->payload = span_from(p->data, d->at + header_len);
}

static void set_ports(struct decode *d, const uint8_t *h)
{
    struct packet *p = d->p;
    p->srcport = be16(h);
    p->dstport = be16(h + 2);
    if (p->srcport == p->dstport && ip_addr_equal(&p->src, &p->dst) && !decode_on_loopback(p))
        decode_flag(d, ANOMALY_LAND);
}

/* Sums `covered` bytes of the transport; the pseudo-header names all of its length. */
static void verify_pseudo(struct decode *d, uint8_t proto, size_t len, size_t covered)
{
    uint64_t sum = csum_pseudo(&d->p->src, &d->p->dst, proto, (uint32_t)len);
    if (csum_fold(csum_add(sum, d->p->data.data + d->at, covered)) != 0)
        decode_flag(d, ANOMALY_BAD_CHECKSUM);
}

static void tcp_option(struct decode *d, const uint8_t *opt, size_t len)
{
    struct packet *p = d->p;
    bool good = true;
    switch (opt[0]) {
    case 2:
        if ((good = len == 4)) {
            p->tcp_has_mss = true;
            p->tcp_mss = be16(opt + 2);
        }
        break;
    case 3:
        if ((good = len == 3)) {
            p->tcp_has_wscale = true;
            p->tcp_wscale = opt[2];
        }
        break;
    case 4:
        p->tcp_sack_ok = good = len == 2;
        break;
    case 5:
        good = len >= 10 && len % 8 == 2;
        break;
    case 8:
        if ((good = len == 10)) {
            p->tcp_has_timestamp = true;
            p->tcp_ts_val = be32(opt + 2);
            p->tcp_ts_ecr = be32(opt + 6);
        }
        break;
    default: /* unknown kinds are skipped, as every stack does */
        break;
    }
    if (!good)
        decode_flag(d, ANOMALY_BAD_OPTION);
}

/* `left` bytes of options stand in the header, `here` of them were copied. */
static void tcp_options(struct decode *d, const uint8_t *opt, size_t left, size_t here)
{
    while (here > 0 && opt[0] != 0) {
        if (opt[0] == 1) {
            opt++, left--, here--;
            continue;
        }
        if (here == 1 && left > 1)
            return;
        size_t len = left > 1 ? opt[1] : 0;
        if (len < 2 || len > left) {
            decode_flag(d, ANOMALY_BAD_OPTION);
            return;
        }
        if (len > here)
            return;
        tcp_option(d, opt, len);
        opt += len, left -= len, here -= len;
    }
}

static bool tcp_flags_impossible(uint8_t flags)
{
    uint8_t core = flags & (TCP_FLAG_FIN | TCP_FLAG_SYN | TCP_FLAG_RST | TCP_FLAG_PSH | TCP_FLAG_ACK | TCP_FLAG_URG);
    if (core == 0)
        return true;
    if ((core & TCP_FLAG_SYN) && (core & (TCP_FLAG_FIN | TCP_FLAG_RST)))
        return true;
    /* With ACK, FIN+PSH+URG is how a stack closes after urgent data; without, it falls under this. */
    return (core & TCP_FLAG_FIN) && !(core & TCP_FLAG_ACK);
}

static void tcp_fixed(struct decode *d, const uint8_t *h)
{
    struct packet *p = d->p;
    set_ports(d, h);
    p->tcp_seq = be32(h + 4);
    p->tcp_ack = be32(h + 8);
    p->tcp_flags = h[13];
    p->tcp_window = be16(h + 14);
    p->tcp_urgent = be16(h + 18);
    if (tcp_flags_impossible(h[13]))
        decode_flag(d, ANOMALY_BAD_FLAGS);
}

static void tcp(struct decode *d)
{
    const uint8_t *h = decode_header(d, TCP_HEADER_MIN);
    if (!h)
        return;
    size_t header_len = (h[12] >> 4) * 4u;
    if (header_len < TCP_HEADER_MIN) {
        decode_flag(d, ANOMALY_BAD_LENGTH);
        return;
    }
    if (header_len > transport_len(d)) {
        decode_header(d, header_len); /* flags it */
        return;
    }
    tcp_fixed(d, h);
    set_payload(d, L4_TCP, header_len);
    if (header_len > TCP_HEADER_MIN) {
        size_t here = span_first(d->p->transport, header_len).len;
        tcp_options(d, h + TCP_HEADER_MIN, header_len - TCP_HEADER_MIN, here - TCP_HEADER_MIN);
    }
    if (d->verify)
        verify_pseudo(d, PROTO_TCP, transport_len(d), transport_len(d));
}

/* A zero checksum is "not computed" over IPv4; over IPv6 there has to be one (RFC 8200, 8.1). */
static void verify_udp(struct decode *d, const uint8_t *h, size_t len)
{
    if (be16(h + 6) != 0)
        verify_pseudo(d, PROTO_UDP, len, len);
    else if (d->p->ip_version == 6)
        decode_flag(d, ANOMALY_BAD_CHECKSUM);
}

/* Whether the UDP length says nothing: one for many segments, of the whole datagram, or a jumbogram's 0. */
static bool udp_len_unknown(const struct decode *d, size_t len)
{
    return d->p->meta.gso || d->p->is_fragment || (len == 0 && transport_len(d) > IP_LEN_MAX);
}

static void udp(struct decode *d)
{
    const uint8_t *h = decode_header(d, UDP_HEADER_LEN);
    if (!h)
        return;
    size_t len = be16(h + 4);
    if (udp_len_unknown(d, len))
        len = transport_len(d);
    if (len != transport_len(d))
        decode_flag(d, ANOMALY_BAD_LENGTH);
    if (len < UDP_HEADER_LEN || len > transport_len(d))
        return;
    set_ports(d, h);
    set_payload(d, L4_UDP, UDP_HEADER_LEN);
    d->p->payload = span_first(d->p->payload, len - UDP_HEADER_LEN);
    if (d->verify)
        verify_udp(d, h, len);
}

static void udplite(struct decode *d)
{
    const uint8_t *h = decode_header(d, UDP_HEADER_LEN);
    if (!h)
        return;
    size_t len = transport_len(d), covered = be16(h + 4);
    if (covered == 0)
        covered = len;
    if (covered < UDP_HEADER_LEN || (covered > len && !d->p->is_fragment)) {
        decode_flag(d, ANOMALY_BAD_LENGTH);
        return;
    }
    set_ports(d, h);
    set_payload(d, L4_UDPLITE, UDP_HEADER_LEN);
    if (!d->verify)
        return;
    if (be16(h + 6) == 0) /* never allowed, RFC 3828 */
        decode_flag(d, ANOMALY_BAD_CHECKSUM);
    else
        verify_pseudo(d, PROTO_UDPLITE, len, covered);
}

static const uint8_t *icmp_common(struct decode *d, enum l4_kind kind, uint8_t echo_request, uint8_t echo_reply)
{
    struct packet *p = d->p;
    const uint8_t *h = decode_header(d, ICMP_HEADER_LEN);
    if (!h)
        return NULL;
    p->icmp_type = h[0];
    p->icmp_code = h[1];
    if (h[0] == echo_request || h[0] == echo_reply) {
        p->icmp_id = be16(h + 4);
        p->icmp_seq = be16(h + 6);
    }
    set_payload(d, kind, ICMP_HEADER_LEN);
    return h;
}

static void icmp(struct decode *d)
{
    const uint8_t *h = icmp_common(d, L4_ICMP, 8, 0);
    if (h && d->verify && csum_fold(csum_add(0, h, transport_len(d))) != 0)
        decode_flag(d, ANOMALY_BAD_CHECKSUM);
}

static void icmpv6(struct decode *d)
{
    const uint8_t *h = icmp_common(d, L4_ICMPV6, 128, 129);
    if (h && d->verify)
        verify_pseudo(d, PROTO_ICMPV6, transport_len(d), transport_len(d));
}

/* CRC32c over the packet with the checksum field as zeros; on the wire it is little-endian. */
static void verify_sctp(struct decode *d, const uint8_t *h)
{
    static const uint8_t zeros[4];
    uint32_t sent = h[8] | ((uint32_t)h[9] << 8) | ((uint32_t)h[10] << 16) | ((uint32_t)h[11] << 24);
    uint32_t crc = crc32c_add(CRC32C_START, h, 8);
    crc = crc32c_add(crc, zeros, 4);
    crc = crc32c_add(crc, h + SCTP_HEADER_LEN, transport_len(d) - SCTP_HEADER_LEN);
    if (~crc != sent)
        decode_flag(d, ANOMALY_BAD_CHECKSUM);
}

static void sctp(struct decode *d)
{
    struct packet *p = d->p;
    const uint8_t *h = decode_header(d, SCTP_HEADER_LEN + SCTP_CHUNK_MIN);
    if (!h)
        return;
    set_ports(d, h);
    p->sctp_vtag = be32(h + 4);
    p->sctp_chunk_type = h[12];
    size_t chunk_len = be16(h + 14);
    bool over = chunk_len > transport_len(d) - SCTP_HEADER_LEN;
    if (chunk_len < SCTP_CHUNK_MIN || (over && !p->is_fragment && !p->meta.gso))
        decode_flag(d, ANOMALY_BAD_LENGTH);
    set_payload(d, L4_SCTP, SCTP_HEADER_LEN);
    if (d->verify)
        verify_sctp(d, h);
}

enum { GRE_CSUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQ = 0x1000, GRE_ACK = 0x0080, GRE_VERSION = 7 };

static size_t gre_header_len(uint16_t flags)
{
    size_t len = 4;
    len += flags & GRE_CSUM ? 4 : 0;
    len += flags & GRE_KEY ? 4 : 0;
    len += flags & GRE_SEQ ? 4 : 0;
    len += (flags & GRE_VERSION) == 1 && (flags & GRE_ACK) ? 4 : 0;
    return len;
}

/* Versions 0 (RFC 2890) and 1 (PPTP); RFC 1701's source routes have no known length and stay unread. */
static void gre(struct decode *d)
{
    struct packet *p = d->p;
    const uint8_t *h = decode_header(d, 4);
    if (!h)
        return;
    uint16_t flags = be16(h);
    if ((flags & GRE_ROUTING) || (flags & GRE_VERSION) > 1)
        return;
    size_t header_len = gre_header_len(flags);
    if (!decode_header(d, header_len))
        return;
    p->gre_proto = be16(h + 2);
    if (flags & GRE_KEY) {
        p->gre_has_key = true;
        p->gre_key = be32(h + (flags & GRE_CSUM ? 8 : 4));
    }
    set_payload(d, L4_GRE, header_len);
    if (d->verify && (flags & GRE_CSUM) && csum_fold(csum_add(0, h, transport_len(d))) != 0)
        decode_flag(d, ANOMALY_BAD_CHECKSUM);
}

void decode_transport(struct decode *d)
{
    struct packet *p = d->p;
    p->payload = span_from(p->data, d->at);
    if (p->frag_offset > 0)
        return;
    p->transport = p->payload;
    d->verify = d->verify && !p->is_fragment;
    switch (p->ip_proto) {
    case PROTO_TCP:
        tcp(d);
        break;
    case PROTO_UDP:
        udp(d);
        break;
    case PROTO_UDPLITE:
        udplite(d);
        break;
    case PROTO_ICMP:
        if (p->ip_version == 4)
            icmp(d);
        break;
    case PROTO_ICMPV6:
        if (p->ip_version == 6)
            icmpv6(d);
        break;
    case PROTO_SCTP:
        sctp(d);
        break;
    case PROTO_GRE:
        gre(d);
        break;
    default:
        break;
    }
}
