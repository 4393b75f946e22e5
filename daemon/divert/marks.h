/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_MARKS_H
#define SLUICE_DIVERT_MARKS_H

#include <stdint.h>

#include "net/packet.h"

/*
 * How our bits of the packet mark are used, from the mask's lowest bit up:
 * three for a code, three for the conntrack state, one for the direction. The
 * chain writes state and direction for the daemon; the daemon writes the code
 * for the chain, with the verdict REPEAT.
 */
enum mark_code {
    MARK_CODE_NONE,
    MARK_CODE_PASS,   /* accept: a REPEAT ends here */
    MARK_CODE_REFUSE, /* reject */
    MARK_CODE_RETRY,  /* queue again, once: the packet came up cut short */
    /* The kind below goes into the ct mark, and the packet is accepted, or dropped where it is condemned. */
    MARK_CODE_OFFLOAD,
    MARK_CODE_CONDEMN,
    MARK_CODE_QUIET,
    MARK_CODE_WATCH, /* FLOW_KIND_NONE again: all of it comes up */
};

/*
 * The same bits of the ct mark: two for what was decided of the connection,
 * the rest for the plan's generation, without which it does not hold any more.
 * A SYN or SYN-ACK makes the connection FLOW_KIND_NONE again: a new one has
 * begun.
 */
enum flow_kind {
    FLOW_KIND_NONE,
    FLOW_KIND_OFFLOAD, /* its packets pass by; SYN, FIN and RST come up */
    FLOW_KIND_CONDEMN, /* its packets are dropped */
    FLOW_KIND_QUIET,   /* its responses pass by, and the client's bare ACKs */
};

#define MARK_KIND_BITS 2

/* Of a client with a smaller window scale the kernel cannot tell when it leaves no room: it must not be quiet then. */
#define MARK_QUIET_WSCALE 6

static inline unsigned mark_shift(uint32_t mask)
{
    return (unsigned)__builtin_ctz(mask);
}

static inline uint32_t mark_code_mask(uint32_t mask)
{
    return 7u << mark_shift(mask);
}

static inline uint32_t mark_of_code(uint32_t mask, enum mark_code code)
{
    return (uint32_t)code << mark_shift(mask);
}

static inline enum mark_code mark_code(uint32_t mask, uint32_t mark)
{
    return (enum mark_code)((mark >> mark_shift(mask)) & 7);
}

static inline uint32_t mark_ct_mask(uint32_t mask)
{
    return 15u << (mark_shift(mask) + 3);
}

static inline uint32_t mark_of_ct(uint32_t mask, enum ct_state state, enum ct_direction dir)
{
    uint32_t reply = dir == CT_DIR_REPLY ? 8 : 0;
    return ((uint32_t)state | reply) << (mark_shift(mask) + 3);
}

static inline enum ct_state mark_ct_state(uint32_t mask, uint32_t mark)
{
    uint32_t state = (mark >> (mark_shift(mask) + 3)) & 7;
    return state <= CT_UNTRACKED ? (enum ct_state)state : CT_NONE;
}

static inline enum ct_direction mark_ct_direction(uint32_t mask, uint32_t mark)
{
    enum ct_state state = mark_ct_state(mask, mark);
    if (state == CT_NONE || state == CT_INVALID || state == CT_UNTRACKED)
        return CT_DIR_NONE;
    return (mark >> (mark_shift(mask) + 3)) & 8 ? CT_DIR_REPLY : CT_DIR_ORIGINAL;
}

static inline uint32_t mark_kind_mask(uint32_t mask)
{
    return 3u << mark_shift(mask);
}

/* How many generations the ct mark tells apart, numbered from 0. */
static inline uint32_t mark_generations(uint32_t mask)
{
    return 1u << (__builtin_popcount(mask) - MARK_KIND_BITS);
}

static inline uint32_t mark_of_kind(uint32_t mask, enum flow_kind kind, uint32_t generation)
{
    uint32_t bits = (uint32_t)kind | generation % mark_generations(mask) << MARK_KIND_BITS;
    return bits << mark_shift(mask);
}

#endif
