/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/internal.h"

/*
 * A source's targets are counted in a bitmap: each target sets the bit that its
 * hash says, so the same target counts once, and how many bits are set tells
 * how many targets there were (linear counting): exact but for a few up to a
 * hundred, within 6 % at a thousand. The window begins with the source's first
 * probe and lasts `per`; then the bitmap is empty again.
 *
 * Sources live in sets of eight, found by a line of tags. A newcomer takes the
 * place of one that is long silent. Where there is none, only each fourth
 * newcomer is let in, in place of one with the fewest targets, by lot. So the
 * sources that a flood makes up, with a packet each, push out each other, and
 * each stays long enough that who is real, however slow, soon has a second
 * target, and with it a place that they do not get.
 *
 * Workers meet here without locks. What can go wrong in a race is that a target
 * is not counted, or a source forgotten.
 */

#define SETS 8192u
#define WORDS 6u
#define BITS (WORDS * 64u)

/* One cache line. */
struct source {
    _Atomic uint64_t state; /* 16 bits of the tag; seconds from `start` on that it is over; start, 32 bits of ms */
    _Atomic uint64_t told;
    _Atomic uint64_t bits[WORDS];
};

_Static_assert(sizeof(struct source) == LINE, "one cache line");

struct scan {
    uint32_t per_s, per_ms;
    unsigned need;          /* bits that are more than the threshold */
    _Atomic uint64_t *tags; /* 32 bits of the hash, 8 of how many bits are set, 24 of when it was last seen */
    struct source *sources;
    _Atomic uint64_t newcomers; /* for the lot */
};

/* A tag of somebody who is just moving in. */
#define TAG_BUSY UINT64_C(1)

/* ---- numbers ---- */

/* How many targets it takes on average to set so many bits. */
static double targets_of(unsigned bits)
{
    double n = 0;
    for (unsigned i = 0; i < bits; i++)
        n += (double)BITS / (BITS - i);
    return n;
}

/* Quarters of a second, in 24 bits. */
static uint64_t stamp_of(uint64_t now_ms)
{
    return now_ms >> 8 & 0xffffff;
}

static uint64_t tag_of(uint64_t source, unsigned bits, uint64_t now_ms)
{
    uint64_t seen = bits < 255 ? bits : 255;
    return (source >> 32 | 1) << 32 | seen << 24 | stamp_of(now_ms);
}

static bool is_tag_of(uint64_t tag, uint64_t source)
{
    return tag >> 32 == (source >> 32 | 1);
}

static uint64_t age_of(uint64_t tag, uint64_t now_ms)
{
    return ago(stamp_of(now_ms), tag, 24, AHEAD_MS >> 8);
}

static uint64_t state_of(uint64_t source, uint32_t until_s, uint64_t now_ms)
{
    return (source >> 32 & 0xffff) << 48 | (uint64_t)until_s << 32 | (uint32_t)now_ms;
}

static uint32_t until_of(uint64_t state)
{
    return state >> 32 & 0xffff;
}

static uint32_t elapsed(uint64_t state, uint64_t now_ms)
{
    return (uint32_t)ago(now_ms, state, 32, AHEAD_MS);
}

/* ---- the table ---- */

struct scan *scan_new(uint32_t threshold, uint32_t per_s)
{
    struct scan *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->per_s = per_s;
    s->per_ms = per_s * 1000;
    while (s->need < BITS && targets_of(s->need) < threshold + 1.0)
        s->need++;
    s->tags = aligned_alloc(LINE, SETS * WAYS * sizeof *s->tags);
    s->sources = aligned_alloc(LINE, SETS * WAYS * sizeof *s->sources);
    if (!s->tags || !s->sources) {
        scan_free(s);
        return NULL;
    }
    memset((void *)s->tags, 0, SETS * WAYS * sizeof *s->tags);
    memset((void *)s->sources, 0, SETS * WAYS * sizeof *s->sources);
    return s;
}

void scan_free(struct scan *s)
{
    if (!s)
        return;
    free((void *)s->tags);
    free(s->sources);
    free(s);
}

size_t scan_memory(void)
{
    return sizeof(struct scan) + SETS * WAYS * (sizeof(uint64_t) + sizeof(struct source));
}

/* Empty, and long silent: who is over the threshold is so for a window more. */
#define RANK_EMPTY 0u
#define RANK_SILENT 1u
#define RANK_USED 2u

/* Who goes first has the lowest rank; lot: eight bits that decide among those with as many targets. */
static uint64_t rank_of(const struct scan *s, uint64_t tag, uint64_t lot, uint64_t now_ms)
{
    if (tag == TAG_BUSY)
        return UINT64_MAX;
    if (!tag)
        return RANK_EMPTY;
    if (age_of(tag, now_ms) > 2 * (s->per_ms >> 8) + 4)
        return RANK_SILENT;
    return RANK_USED + ((tag >> 24 & 0xff) << 8 | lot);
}

static void clear(struct source *at)
{
    for (unsigned i = 0; i < WORDS; i++)
        atomic_store_explicit(&at->bits[i], 0, memory_order_relaxed);
}

static bool is_let_in(uint64_t rank, uint64_t lots)
{
    return rank < RANK_USED || lots >> 62 == 0;
}

/* The place of a source that has none; -1 where it gets none. */
static ptrdiff_t take_place(struct scan *s, size_t set, uint64_t source, uint64_t now_ms)
{
    /* Whoever sends cannot know the source's hash. */
    uint64_t lots = hash_fold(source | 1, atomic_fetch_add_explicit(&s->newcomers, 1, memory_order_relaxed) ^ source);
    size_t place = 0;
    uint64_t least = UINT64_MAX, was = TAG_BUSY;
    for (size_t way = 0; way < WAYS; way++) {
        uint64_t tag = atomic_load_explicit(&s->tags[set * WAYS + way], memory_order_relaxed);
        uint64_t rank = rank_of(s, tag, lots >> 6 * way & 0xff, now_ms);
        if (rank >= least)
            continue;
        least = rank;
        place = set * WAYS + way;
        was = tag;
    }
    if (was == TAG_BUSY || !is_let_in(least, lots))
        return -1;
    if (!atomic_compare_exchange_strong_explicit(&s->tags[place], &was, TAG_BUSY, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return -1;
    struct source *at = &s->sources[place];
    clear(at);
    atomic_store_explicit(&at->told, 0, memory_order_relaxed);
    /* After the bits: who still counts for the source before finds another state, and its count void. */
    atomic_store_explicit(&at->state, state_of(source, 0, now_ms), memory_order_release);
    atomic_store_explicit(&s->tags[place], tag_of(source, 0, now_ms), memory_order_release);
    return (ptrdiff_t)place;
}

static ptrdiff_t find(struct scan *s, uint64_t source, uint64_t now_ms)
{
    size_t set = source & (SETS - 1);
    for (size_t i = set * WAYS; i < (set + 1) * WAYS; i++)
        if (is_tag_of(atomic_load_explicit(&s->tags[i], memory_order_acquire), source))
            return (ptrdiff_t)i;
    return take_place(s, set, source, now_ms);
}

/* Says in the tag how many bits are set, and that the source was seen. */
static void touch(struct scan *s, ptrdiff_t place, uint64_t source, unsigned bits, uint64_t now_ms)
{
    uint64_t was = atomic_load_explicit(&s->tags[place], memory_order_relaxed);
    if (is_tag_of(was, source))
        atomic_compare_exchange_strong_explicit(&s->tags[place], &was, tag_of(source, bits, now_ms),
                                                memory_order_relaxed, memory_order_relaxed);
}

/* ---- counting ---- */

static unsigned count(const struct source *at)
{
    int n = 0;
    for (unsigned i = 0; i < WORDS; i++)
        n += __builtin_popcountll(atomic_load_explicit(&at->bits[i], memory_order_relaxed));
    return (unsigned)n;
}

/* True where the target's bit was not set. */
static bool set_bit(struct source *at, uint64_t target)
{
    uint64_t bit = (target >> 32) * BITS >> 32;
    _Atomic uint64_t *word = &at->bits[bit / 64];
    uint64_t mask = UINT64_C(1) << bit % 64;
    if (atomic_load_explicit(word, memory_order_relaxed) & mask)
        return false;
    atomic_fetch_or_explicit(word, mask, memory_order_relaxed);
    return true;
}

/* The next window; that the source was over the threshold holds for as long as it was said to. */
static uint64_t next_window(const struct scan *s, struct source *at, uint64_t source, uint64_t state, uint64_t now_ms)
{
    uint32_t passed = elapsed(state, now_ms) / 1000, left = 0;
    if (until_of(state) > passed)
        left = until_of(state) - passed;
    if (left > s->per_s)
        left = s->per_s;
    /* First the bits: a target of the new window may be lost so, but none of the old one counts in it. */
    clear(at);
    uint64_t next = state_of(source, left, now_ms);
    if (atomic_compare_exchange_strong_explicit(&at->state, &state, next, memory_order_acq_rel, memory_order_acquire))
        return next;
    return state;
}

/* Whether it was this window that has gone over the threshold. */
static bool is_over_in_window(const struct scan *s, uint64_t state)
{
    return until_of(state) > s->per_s;
}

/* Over the threshold now, and for `per` from now on. The state in force. */
static uint64_t over(const struct scan *s, struct source *at, uint64_t source, uint64_t state, uint64_t now_ms)
{
    uint32_t until = elapsed(state, now_ms) / 1000 + s->per_s + 1;
    uint64_t next = (state & ~(UINT64_C(0xffff) << 32)) | (uint64_t)until << 32;
    if (next == state)
        return state;
    /* The count is void where another source has moved in meanwhile. */
    if (state >> 48 == (source >> 32 & 0xffff) &&
        atomic_compare_exchange_strong_explicit(&at->state, &state, next, memory_order_acq_rel, memory_order_acquire))
        return next;
    return state;
}

bool scan_try(struct scan *s, uint64_t source, uint64_t target, uint64_t now_ms, struct scan_result *ret)
{
    ptrdiff_t place = find(s, source, now_ms);
    if (place < 0)
        return false;
    struct source *at = &s->sources[place];
    uint64_t state = atomic_load_explicit(&at->state, memory_order_acquire);
    if (elapsed(state, now_ms) >= s->per_ms)
        state = next_window(s, at, source, state, now_ms);
    if (set_bit(at, target)) {
        unsigned n = count(at);
        touch(s, place, source, n, now_ms);
        if (n >= s->need)
            state = over(s, at, source, state, now_ms);
    } else if (is_over_in_window(s, state)) {
        state = over(s, at, source, state, now_ms);
    }
    if (elapsed(state, now_ms) / 1000 >= until_of(state) || state >> 48 != (source >> 32 & 0xffff))
        return false;
    ret->event = tell(&at->told, now_ms, &ret->held_back);
    ret->targets = (unsigned)(targets_of(count(at)) + 0.5);
    return true;
}

/* ---- what a probe is ---- */

/* Clients' own ports lie above in the systems of today: a late FIN of a connection that conntrack has forgotten. */
#define CLIENT_PORTS 32768u

static bool is_tcp_probe(const struct packet *p)
{
    uint8_t flags = p->tcp_flags;
    if (flags & TCP_FLAG_RST)
        return false;
    if (flags & TCP_FLAG_SYN)
        return !(flags & TCP_FLAG_ACK);
    if (p->meta.ct_state == CT_ESTABLISHED || p->meta.ct_state == CT_RELATED)
        return false;
    /* FIN, null, Xmas: no stack sends a segment without ACK but SYN and RST. */
    if (!(flags & TCP_FLAG_ACK))
        return true;
    /* FIN with ACK (Maimon) to where there is no connection. */
    return (flags & TCP_FLAG_FIN) && (p->meta.ct_state == CT_INVALID || p->meta.ct_state == CT_NEW) &&
           p->dstport < CLIENT_PORTS;
}

bool scan_is_probe(const struct packet *p)
{
    switch (p->l4) {
    case L4_TCP:
        return is_tcp_probe(p);
    case L4_UDP:
    case L4_UDPLITE:
        /* Without conntrack an answer looks like a question. */
        return p->meta.ct_state == CT_NEW;
    case L4_ICMP: /* echo, timestamp, information, address mask: requests */
        return p->icmp_type == 8 || p->icmp_type == 13 || p->icmp_type == 15 || p->icmp_type == 17;
    case L4_ICMPV6:
        return p->icmp_type == 128;
    default:
        return false;
    }
}
