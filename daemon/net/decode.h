/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_NET_DECODE_H
#define SLUICE_NET_DECODE_H

#include "net/packet.h"

/* Private to net/: the state of one packet_decode() call. */

enum {
    PROTO_HOPOPTS = 0,
    PROTO_ICMP = 1,
    PROTO_TCP = 6,
    PROTO_UDP = 17,
    PROTO_ROUTING = 43,
    PROTO_FRAGMENT = 44,
    PROTO_GRE = 47,
    PROTO_AH = 51,
    PROTO_ICMPV6 = 58,
    PROTO_DSTOPTS = 60,
    PROTO_SCTP = 132,
    PROTO_UDPLITE = 136,
};

#define IPV4_HEADER_MIN 20u
#define IPV6_HEADER_LEN 40u
#define TCP_HEADER_MIN 20u
#define IP_LEN_MAX 65535u

struct decode {
    struct packet *p;
    size_t at;   /* offset of the next header in p->data */
    size_t end;  /* where the packet really ends; past p->data where only a part was copied */
    bool verify; /* the transport checksum is wanted and can be computed */
    bool jumbo;  /* IPv6: payload length 0, a jumbo option has to follow */
};

static inline uint16_t be16(const uint8_t *b)
{
    return (uint16_t)((b[0] << 8) | b[1]);
}

static inline uint32_t be32(const uint8_t *b)
{
    return ((uint32_t)b[0] << 24) | ((uint32_t)b[1] << 16) | ((uint32_t)b[2] << 8) | b[3];
}

static inline void decode_flag(struct decode *d, unsigned anomaly)
{
    d->p->anomalies |= anomaly;
}

static inline bool decode_is_first_fragment(const struct decode *d)
{
    return d->p->is_fragment && d->p->frag_offset == 0;
}

/*
 * The n header bytes at d->at, or NULL. Missing because the packet ends there
 * is an anomaly; missing because they were not copied is not.
 */
static inline const uint8_t *decode_header(struct decode *d, size_t n)
{
    if (d->at + n <= d->p->data.len)
        return d->p->data.data + d->at;
    if (d->at + n > d->end)
        decode_flag(d, decode_is_first_fragment(d) ? ANOMALY_TINY_FRAGMENT : ANOMALY_TRUNCATED);
    return NULL;
}

/* Each reads its layer at d->at and goes on to the next. */
void decode_ipv4(struct decode *d, size_t full);
void decode_ipv6(struct decode *d, size_t full);
void decode_transport(struct decode *d);

/* Fragment anomalies; `before` is what stands ahead of the fragment's data in the reassembled length. */
void decode_check_fragment(struct decode *d, size_t before);

/* Linux's lo: what loops there never was on a wire. */
bool decode_on_loopback(const struct packet *p);

#endif
