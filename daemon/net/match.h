/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_NET_MATCH_H
#define SLUICE_NET_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Conditions on a packet's headers that the kernel can judge as well as we:
 * inspect/ finds them in rules, divert/ writes them into the table.
 */
enum match_what {
    MATCH_IP_VERSION, /* ranges: one byte, 4 or 6 */
    MATCH_PROTO,      /* one byte */
    MATCH_SRC,        /* addresses: 4 or 16 bytes, by `family` */
    MATCH_DST,
    MATCH_SRCPORT, /* two bytes; always beside a MATCH_PROTO that has ports */
    MATCH_DSTPORT,
    MATCH_CT_STATE, /* bits: 1 << enum ct_state */
    MATCH_CT_DIR,   /* bits: 1 << enum ct_direction */
    MATCH_IN_DEV,   /* names */
    MATCH_OUT_DEV,
};

/* From first to last, both included, network order, in the first bytes. */
struct match_range {
    uint8_t first[16], last[16];
};

/* True where the packet's value is in one of the ranges (bits, names); `negate`: in none. */
struct match_cond {
    uint8_t what;   /* enum match_what */
    uint8_t family; /* of MATCH_SRC and MATCH_DST: 4 or 6; the packet is of that version */
    bool negate;
    uint32_t bits;
    const struct match_range *ranges; /* sorted, apart from each other */
    size_t n;
    const char *list; /* the name of the set of addresses that the ranges are of, where they are; else NULL */
    const char *const *names;
    size_t n_names;
};

#define MATCH_CONDS_MAX 8

/* All of the conditions hold. What they point to is its owner's. */
struct match {
    struct match_cond at[MATCH_CONDS_MAX];
    size_t n;
};

#endif
