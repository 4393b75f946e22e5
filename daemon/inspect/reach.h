/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_REACH_H
#define SLUICE_INSPECT_REACH_H

#include "config/config.h"
#include "inspect/ruleset.h"

#define REACH_ALL_STATES ((uint8_t)((2u << CT_UNTRACKED) - 1))
#define REACH_ALL_DIRS ((uint8_t)((2u << CT_DIR_REPLY) - 1))

/*
 * A class of packets, by what the kernel can tell them apart by. Packets whose
 * protocol has ports but whose transport header is broken, or in another
 * fragment, belong to the classes of all ports.
 */
struct reach_class {
    int proto;                  /* -1: any */
    uint8_t version;            /* 4, 6; 0: either, and no IP */
    struct port_range src, dst; /* looked at where the packet has ports */
    uint8_t states;             /* 1 << enum ct_state */
    uint8_t dirs;               /* 1 << enum ct_direction */
    /* Only whole TCP segments without SYN, FIN and RST, without IP options, and without anomalies: conntrack has let
       them into an established connection. */
    bool plain;
};

/*
 * The first rule of PHASE_PACKET, from the rule with index `first` on, that
 * has an effect and may match a packet of the class; NULL where there is none.
 * Never NULL where a packet could match; a rule that in truth cannot match, for
 * its tests exclude each other, may be returned. An accept rule that writes no
 * event has no effect where no rule with one could follow. Any thread.
 */
const struct rule *ruleset_reach(const struct ruleset *rs, const struct reach_class *c, size_t first);

/*
 * The ports at which answers of ruleset_reach may change: p where p-1 and p
 * could be told apart, ascending, at most `max`. False where there are more
 * (every port stands for itself then). Any thread.
 */
bool ruleset_ports(const struct ruleset *rs, size_t first, uint16_t *ret, size_t max, size_t *n);

#endif
