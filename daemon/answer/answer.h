/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ANSWER_ANSWER_H
#define SLUICE_ANSWER_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "net/packet.h"

/*
 * Answers that the kernel's reject cannot give: on a bridge to the sender of a
 * refused packet, and anywhere to both ends of a condemned TCP connection. On
 * a bridge they leave as whole Ethernet frames by a port, routed and on a host
 * by a raw socket with a mark that our table lets pass.
 */

#define ANSWER_MAX 1298 /* Ethernet with a VLAN tag, and 1280 bytes of IPv6 */

/*
 * Builds the answer to p into buf (ANSWER_MAX bytes): a TCP reset or an ICMP
 * unreachable. `own_mac` is the source where the packet does not tell which
 * address it was sent to. Returns the frame's length, or 0 where none is due:
 * to a reset, an ICMP error, a broadcast, a later fragment, or a packet that
 * is broken itself (RFC 1122 3.2.2, RFC 4443 2.4, RFC 9293 3.10.7). Any thread.
 */
size_t answer_build(const struct packet *p, const uint8_t own_mac[6], uint8_t *buf);

/* A socket to send frames by; -errno without CAP_NET_RAW. */
MUST_CHECK int answer_open(void);

/* Builds and sends the answer to p. Returns 1 when sent, 0 when none is due, or a negative errno. One fd a thread. */
int answer_send(int fd, const struct packet *p);

/* Where a frame leaves, and between which addresses. */
struct answer_link {
    uint32_t ifindex;
    bool has_vlan, has_src; /* without src_mac the port's own address is used */
    uint16_t vlan_tci;
    uint8_t dst_mac[6], src_mac[6];
};

/* A TCP segment of our own, in the name of src. */
struct answer_tcp {
    struct ip_addr src, dst;
    uint16_t srcport, dstport;
    uint32_t seq, ack;
    uint8_t flags;       /* enum tcp_flag */
    struct span payload; /* at most ANSWER_PAYLOAD_MAX bytes */
};

#define ANSWER_PAYLOAD_MAX 1200

/*
 * Writes the IP packet into buf (ANSWER_MAX bytes), checksums filled in (RFC 9293 3.1). Returns its length, or 0 for
 * a payload that is too long or addresses of two families. Any thread.
 */
size_t answer_tcp_build(const struct answer_tcp *a, uint8_t *buf);

/* Sockets for answers to TCP ends; one set a thread. */
struct answer_sockets {
    int frame;      /* AF_PACKET, or -1 */
    int raw4, raw6; /* IPPROTO_RAW with their own headers, or -1 */
};

/*
 * Opens frame (bridged) or raw4 and raw6 with `mark` as SO_MARK (else). 0, or a
 * negative errno with all of them -1: -EPERM without CAP_NET_RAW. raw6 is -1
 * where the kernel has no IPv6.
 */
MUST_CHECK int answer_sockets_open(struct answer_sockets *s, bool bridged, uint32_t mark);
void answer_sockets_close(struct answer_sockets *s);

/*
 * Builds and sends a segment; by `link` where it is a frame. Elsewhere `link` may be NULL, and tells the interface of
 * a link-local address. Never blocks. 0 or a negative errno: -EINVAL for what cannot be built, -EAFNOSUPPORT without
 * a socket for it.
 */
int answer_tcp_send(const struct answer_sockets *s, const struct answer_tcp *a, const struct answer_link *link);

#endif
