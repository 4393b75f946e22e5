/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_BAN_REQUEST_H
#define SLUICE_ENGINE_BAN_REQUEST_H

#include "engine/worker.h"

enum banned_by { BANNED_BY_RULE, BANNED_BY_DETECTOR };

/* What a worker asks of the main thread, which alone talks to nftables. */
struct ban_request {
    struct ip_addr addr;
    uint32_t seconds;
    enum banned_by by;
    uint32_t id; /* of the rule, or enum detector_id */
};

/*
 * Asks for an address to be banned for so many seconds; 0: the settings'
 * default. Never waits: asked again within a second it is not passed on, and
 * what finds no room is counted. The worker's thread.
 */
void ban_request(struct worker *w, const struct ip_addr *addr, uint32_t seconds, enum banned_by by, uint32_t id);

#endif
