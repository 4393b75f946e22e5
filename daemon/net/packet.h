/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_NET_PACKET_H
#define SLUICE_NET_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"
#include "net/addr.h"

enum side { SIDE_NONE, SIDE_INSIDE, SIDE_OUTSIDE };

/* A network interface as rules see it; owned by whoever fills the packet's meta. */
struct iface {
    uint32_t index;
    char name[16];
    enum side side;
};

enum ct_state { CT_NONE, CT_NEW, CT_ESTABLISHED, CT_RELATED, CT_INVALID, CT_UNTRACKED };
enum ct_direction { CT_DIR_NONE, CT_DIR_ORIGINAL, CT_DIR_REPLY };

/* How far the transport checksum can be trusted. */
enum csum_state {
    CSUM_VERIFY,    /* nobody has looked: verify it */
    CSUM_VERIFIED,  /* the kernel or the card found it good */
    CSUM_NOT_READY, /* to be filled on the way out: cannot be verified */
};

/* What the queue (or a capture) tells of a packet beside its bytes. */
struct packet_meta {
    uint32_t id;        /* packet id in its queue */
    uint32_t mark;      /* packet mark without our own bits */
    uint32_t ct_mark;   /* valid where has_ct_mark */
    uint32_t ct_id;     /* conntrack's; 0: unknown */
    uint32_t full_len;  /* length of the whole packet; more than the bytes where only a part was copied */
    uint16_t ethertype; /* of the payload: 0x0800, 0x86dd */
    uint16_t vlan_tci;  /* valid where has_vlan: priority, DEI and the 12-bit id */
    uint8_t hook;       /* netfilter hook number */
    bool has_ct_mark, has_vlan, has_eth_src, has_eth_dst;
    bool bridged; /* in_dev and out_dev are bridge ports */
    bool gso;     /* several segments in one */
    enum csum_state csum;
    enum ct_state ct_state;
    enum ct_direction ct_dir;
    uint8_t eth_src[6], eth_dst[6];
    const struct iface *in_dev, *out_dev; /* the ports on a bridge; NULL where there is none */
};

enum packet_anomaly {
    ANOMALY_BAD_LENGTH = 1 << 0,      /* a header's length contradicts the packet's */
    ANOMALY_BAD_IP_CHECKSUM = 1 << 1, /* IPv4 header checksum */
    ANOMALY_BAD_CHECKSUM = 1 << 2, /* TCP, UDP, UDP-Lite, ICMP, ICMPv6, SCTP or GRE checksum; needs the whole packet */
    ANOMALY_BAD_FLAGS =
        1 << 3, /* TCP flags that no stack sends: none, SYN+FIN, SYN+RST, FIN without ACK (also FIN+PSH+URG) */
    ANOMALY_MARTIAN = 1 << 4,      /* an address that cannot be on the wire as source or destination */
    ANOMALY_SOURCE_ROUTE = 1 << 5, /* IPv4 LSRR or SSRR; IPv6 routing header type 0 */
    ANOMALY_RECORD_ROUTE = 1 << 6,
    ANOMALY_TINY_FRAGMENT =
        1 << 7, /* a first fragment too small for its transport header, or a needlessly small middle one */
    ANOMALY_OVERLAP_FRAGMENT =
        1 << 8, /* a fragment at an offset inside the transport header (RFC 1858), or past 65,535 bytes */
    ANOMALY_BAD_OPTION = 1 << 9,   /* an IP or TCP option that runs over its end or has an impossible length */
    ANOMALY_BAD_VERSION = 1 << 10, /* neither IPv4 nor IPv6, or not what the EtherType says */
    ANOMALY_LAND = 1 << 11,        /* source and destination are the same address and port */
    ANOMALY_EXT_CHAIN = 1 << 12,   /* IPv6 extension headers out of order, repeated or more than 8 */
    ANOMALY_TRUNCATED = 1 << 13,   /* a header ends before it is complete */
    ANOMALY_COUNT = 14
};

enum ip_option {
    IP_OPTION_RECORD_ROUTE = 1 << 0,
    IP_OPTION_TIMESTAMP = 1 << 1,
    IP_OPTION_SECURITY = 1 << 2,
    IP_OPTION_LSRR = 1 << 3,
    IP_OPTION_SSRR = 1 << 4,
    IP_OPTION_STREAM_ID = 1 << 5,
    IP_OPTION_ROUTER_ALERT = 1 << 6,
    IP_OPTION_OTHER = 1 << 7,
    IP_OPTION_HOPOPTS = 1 << 8, /* IPv6 extension headers from here */
    IP_OPTION_ROUTING = 1 << 9,
    IP_OPTION_DSTOPTS = 1 << 10,
    IP_OPTION_COUNT = 11
};

enum tcp_flag {
    TCP_FLAG_FIN = 1,
    TCP_FLAG_SYN = 2,
    TCP_FLAG_RST = 4,
    TCP_FLAG_PSH = 8,
    TCP_FLAG_ACK = 16,
    TCP_FLAG_URG = 32,
    TCP_FLAG_ECE = 64,
    TCP_FLAG_CWR = 128,
};

/* What transport header was understood; L4_NONE for other protocols, later fragments and broken headers. */
enum l4_kind { L4_NONE, L4_TCP, L4_UDP, L4_UDPLITE, L4_ICMP, L4_ICMPV6, L4_SCTP, L4_GRE };

/* Which parts of the work a caller needs. */
enum packet_need {
    PACKET_NEED_CHECKSUM = 1 << 0, /* verify the transport checksum where meta.csum says CSUM_VERIFY */
};

/*
 * A decoded packet: a view into `data`, which its owner keeps. Numbers are in
 * host order. Fields of a layer are valid only where that layer was understood.
 */
struct packet {
    struct packet_meta meta;
    struct span data;    /* from the IP header on, trailing padding cut off */
    uint32_t anomalies;  /* enum packet_anomaly */
    uint8_t ip_version;  /* 4, 6, or 0 where there is no usable IP header */
    uint8_t ip_proto;    /* the transport protocol, after IPv6 extension headers */
    uint8_t ip_ttl;      /* TTL or hop limit */
    uint8_t ip_tos;      /* DSCP and ECN, or traffic class */
    uint16_t ip_options; /* enum ip_option */
    uint16_t ip_header_len;
    uint32_t ip_len; /* the length that the packet claims (for GSO: that it has) */
    uint32_t ip_id;
    uint16_t frag_offset; /* in bytes */
    bool is_fragment, more_fragments;
    struct ip_addr src, dst;

    enum l4_kind l4;
    uint16_t l4_header_len;
    uint16_t srcport, dstport; /* TCP, UDP, UDP-Lite, SCTP */
    uint32_t tcp_seq, tcp_ack;
    uint16_t tcp_window, tcp_urgent;
    uint8_t tcp_flags; /* enum tcp_flag */
    bool tcp_has_mss, tcp_has_wscale, tcp_has_timestamp, tcp_sack_ok;
    uint16_t tcp_mss;
    uint8_t tcp_wscale;
    uint32_t tcp_ts_val, tcp_ts_ecr;
    uint8_t icmp_type, icmp_code; /* ICMP and ICMPv6 */
    uint16_t icmp_id, icmp_seq;   /* echo only */
    uint32_t sctp_vtag;
    uint8_t sctp_chunk_type; /* of the first chunk */
    uint16_t gre_proto;
    uint32_t gre_key;
    bool gre_has_key;

    struct span transport; /* from the transport header on; empty for later fragments */
    struct span payload;   /* what the transport header carries; for other protocols and later fragments what the IP
                              header carries */
};

/*
 * Decodes data (an IP packet, as NFQUEUE hands it) into ret. Never fails: what
 * cannot be understood is left out and shows as an anomaly. `need` is a set of
 * enum packet_need. `meta` is copied; it may be &ret->meta. Any thread; no allocation.
 */
void packet_decode(struct packet *ret, const struct packet_meta *meta, struct span data, unsigned need);

/* The name of one anomaly bit ("bad_length", "bad_ip_checksum", …) or NULL; for rules and events. */
const char *packet_anomaly_name(unsigned bit);
/* The name of one IP option bit ("record_route", "lsrr", "router_alert", "hopopts", …) or NULL. */
const char *ip_option_name(unsigned bit);
/* "tcp", "udp", … or NULL where the protocol has no name here. */
const char *ip_proto_name(uint8_t proto);
/* The number of a protocol name ("tcp", "icmpv6", …), or -1. */
int ip_proto_number(const char *name);

/* RFC 1071 sum over len bytes, not folded, to be chained through `sum`; each but the last part must be of even length.
 */
uint64_t csum_add(uint64_t sum, const void *data, size_t len);
/* Folds to the 16-bit complement in host order: 0 over a block that holds a good checksum. */
uint16_t csum_fold(uint64_t sum);
/* The sum of an IPv4 or IPv6 pseudo-header (RFC 9293, RFC 8200). */
uint64_t csum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, uint32_t l4_len);

#endif
