/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ANSWER_ANSWER_H
#define SLUICE_ANSWER_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "net/packet.h"

/*
 * Answers to a refused sender on a bridge, where the kernel's reject does not
 * serve: a TCP reset or an ICMP unreachable, as a whole Ethernet frame to the
 * port that the packet came in by.
 */

#define ANSWER_MAX 1298 /* Ethernet with a VLAN tag, and 1280 bytes of IPv6 */

/*
 * Builds the answer to p into buf (ANSWER_MAX bytes). `own_mac` is the source
 * where the packet does not tell which address it was sent to. Returns the
 * frame's length, or 0 where none is due: to a reset, an ICMP error, a
 * broadcast, a later fragment, or a packet that is broken itself (RFC 1122
 * 3.2.2, RFC 4443 2.4, RFC 9293 3.10.7). Any thread.
 */
size_t answer_build(const struct packet *p, const uint8_t own_mac[6], uint8_t *buf);

/* A socket to send answers by; -errno without CAP_NET_RAW. */
MUST_CHECK int answer_open(void);

/* Builds and sends the answer to p. Returns 1 when sent, 0 when none is due, or a negative errno. One fd a thread. */
int answer_send(int fd, const struct packet *p);

#endif
