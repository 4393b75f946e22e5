/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_OBSERVE_EVENT_PARTS_H
#define SLUICE_OBSERVE_EVENT_PARTS_H

#include "observe/events.h"

/* What both forms of an event share; private to observe/. */

#define EVENT_PROTO_MAX 8
/* "TCP", … as EVE names it, or the number, written into buf. */
const char *event_proto(uint8_t proto, char *buf);

/* An address of the event in buf (INET6_ADDRSTRLEN), "" where it has none. */
const char *event_address(const struct event *e, const uint8_t *addr, char *buf);

#endif
