/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_PLAN_H
#define SLUICE_DIVERT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "net/match.h"

/*
 * What the table is to say of packets, beyond what the settings say as they
 * stand: made by engine/ from the rules and the settings, written by divert/.
 * plan_free frees its lines and rules; what rules point to outlives it.
 */

/* A line of the diversion: packets of this kind come up. The first that fits decides; what fits none passes. */
struct plan_line {
    int proto;                /* -1: any */
    struct port_range *ports; /* the servers'; none: all, or a protocol without ports */
    size_t n_ports;
    bool to_server, to_client; /* by destination port, by source port; without ports by ct direction */
    uint8_t states;            /* 1 << enum ct_state; PLAN_ALL_STATES: not looked at */
    bool from_inside;          /* only what comes from an address of networks.inside */
    char why[96];              /* who needs it: "rule 100010", "http", "detect.scan" */
};

#define PLAN_ALL_STATES 0xff

enum plan_action { PLAN_ACCEPT, PLAN_DROP, PLAN_REJECT };

/* A rule that the kernel carries out on packets of the services, before all that comes up; several with one id are one
 * rule's alternatives. */
struct plan_rule {
    uint32_t id;
    enum plan_action action;
    bool event; /* told by NFLOG, rate-limited */
    struct match match;
};

struct plan {
    uint32_t generation; /* another one for each plan; see marks.h */
    struct plan_line *lines;
    size_t n_lines;
    struct plan_rule *rules;
    size_t n_rules;
    bool monitor; /* nothing is stopped */
};

/*
 * The plan that brings up all of the services, both ways: for divert.queue =
 * "all", and for a stop that lets nothing through. Returns 0 or -ENOMEM; to be
 * freed with plan_free in either case.
 */
MUST_CHECK int plan_all(const struct config *c, struct plan *ret);
void plan_free(struct plan *p);

#endif
