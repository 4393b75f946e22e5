/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_CAPTURE_H
#define SLUICE_ENGINE_CAPTURE_H

#include <stdbool.h>

#include "queue/queue.h"

/* Whether captures of this link type (a DLT_ number of libpcap) can be read. */
bool capture_knows(int link_type);

/*
 * What the queue would have handed for a captured frame of `wire_len` bytes:
 * from Ethernet (with VLAN tags), Linux cooked v1 and v2, loopback and raw IP.
 * False where the frame holds no IP packet. Views into frame. Any thread.
 */
bool capture_packet(int link_type, struct span frame, uint32_t wire_len, struct queue_packet *ret);

#endif
