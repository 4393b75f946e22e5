/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_SIMPLE_H
#define SLUICE_INSPECT_SIMPLE_H

#include "inspect/ruleset.h"
#include "net/match.h"

#define SIMPLE_MAX 16

/* A rule as the kernel can carry it out: it matches the packets that any of the n matches does. */
struct simple_rule {
    const struct rule *rule;
    struct match at[SIMPLE_MAX];
    size_t n; /* 0: it matches no packet, or is not looked at with packets */
};

/*
 * Whether the kernel can carry out the rule with this index: accept, drop or
 * (may_reject) reject, without a limit, on nothing but what struct match says,
 * exactly: never more packets nor fewer. `can` may refuse a match. A rule of a
 * later phase is none of the kernel's business and stands in nobody's way. False
 * also past the last rule and when out of memory.
 *
 * Of packets with an IP header. A packet whose transport header is broken, or
 * in another fragment, has no ports: MATCH_SRCPORT and MATCH_DSTPORT are false
 * for it, negated or not; likewise the device of a packet that has none.
 *
 * What ret points to is the ruleset's and grows with each call: ask once a
 * ruleset, on the main thread.
 */
MUST_CHECK bool simple_rule(struct ruleset *rs, size_t index, bool may_reject,
                            bool (*can)(const void *ctx, const struct match *m), const void *ctx,
                            struct simple_rule *ret);

#endif
