/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/internal.h"

/*
 * While too many connections are half open, the first SYN of each new one is
 * dropped and remembered. A client sends it again after a second, with the same
 * sequence number, and that one passes: those who make up sources never see
 * that it did not arrive. Sources that completed a handshake lately need not
 * prove it again, for so many connections a second.
 *
 * As SYNs that are held up do not become half-open connections, the ones that
 * did not come again count as such: else the flood would seem to be over as
 * soon as it is stopped.
 */

#define FIRST_SYNS (UINT64_C(1) << 19)
#define KNOWN (UINT64_C(1) << 16)

#define AGAIN_MS 500u     /* no client's SYN comes again earlier */
#define FORGET_MS 60000u  /* nor, the next one, later */
#define KNOWN_FOR_S 3600u /* since its last data */
#define CREDIT 32u        /* connections that a known source may begin, within a second while its data come */
#define CALM_MS 5000u     /* so long under half of the threshold */
#define BUCKET_MS 5000u

/* What one worker writes and all read. */
struct syn_worker {
    _Alignas(LINE) _Atomic uint64_t half_open;
    _Atomic uint64_t bucket;     /* number of the one that `now` counts */
    _Atomic int64_t now, before; /* SYNs held up less those that came again, in this bucket and the one before */
    _Atomic uint64_t held_up;    /* since start */
};

struct syn {
    uint32_t threshold;
    size_t workers;
    _Atomic uint64_t *first;         /* 39 bits of the hash, whether it has come again, 24 bits of when (16 ms) */
    _Atomic uint64_t *known;         /* 32 bits of the hash, 8 of credit, 24 of when (s) */
    _Atomic uint64_t since;          /* when the flood began; 0: there is none */
    _Atomic uint64_t calm;           /* since when there is little; 0: there is not */
    _Atomic uint64_t held_up_before; /* the flood: its sum then */
    struct syn_worker *worker;
};

static _Atomic uint64_t *words_new(size_t n)
{
    _Atomic uint64_t *w = aligned_alloc(LINE, n * sizeof *w);
    if (w)
        memset((void *)w, 0, n * sizeof *w);
    return w;
}

struct syn *syn_new(uint32_t threshold, bool challenges, size_t workers)
{
    struct syn *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->threshold = threshold;
    s->workers = workers ? workers : 1;
    s->worker = aligned_alloc(LINE, s->workers * sizeof *s->worker);
    if (s->worker)
        memset((void *)s->worker, 0, s->workers * sizeof *s->worker);
    if (challenges) {
        s->first = words_new(FIRST_SYNS);
        s->known = words_new(KNOWN);
    }
    if (!s->worker || (challenges && (!s->first || !s->known))) {
        syn_free(s);
        return NULL;
    }
    return s;
}

void syn_free(struct syn *s)
{
    if (!s)
        return;
    free((void *)s->first);
    free((void *)s->known);
    free(s->worker);
    free(s);
}

size_t syn_memory(const struct syn *s, size_t workers)
{
    return sizeof *s + workers * sizeof *s->worker + (s->first ? (FIRST_SYNS + KNOWN) * sizeof *s->first : 0);
}

bool syn_challenges(const struct syn *s)
{
    return s->first != NULL;
}

/* ---- known sources ---- */

static uint64_t known_of(uint64_t source, unsigned credit, uint64_t now_s)
{
    return (source >> 32 | 1) << 32 | (uint64_t)credit << 24 | (now_s & 0xffffff);
}

static uint64_t known_age(uint64_t word, uint64_t now_s)
{
    return ago(now_s, word, 24, AHEAD_MS / 1000);
}

/* The source's word, or the one that makes room for it: an empty one or the oldest. */
static _Atomic uint64_t *known_at(const struct syn *s, uint64_t source, uint64_t now_s, uint64_t *was)
{
    size_t set = source & (KNOWN / WAYS - 1);
    _Atomic uint64_t *best = NULL;
    uint64_t oldest = 0;
    for (size_t i = set * WAYS; i < (set + 1) * WAYS; i++) {
        uint64_t word = atomic_load_explicit(&s->known[i], memory_order_relaxed);
        uint64_t age = word ? known_age(word, now_s) : UINT64_MAX;
        if (word >> 32 == (source >> 32 | 1)) {
            *was = word;
            return &s->known[i];
        }
        if (best && age <= oldest)
            continue;
        best = &s->known[i];
        oldest = age;
        *was = word;
    }
    return best;
}

void syn_completed(struct syn *s, uint64_t source, uint64_t now_ms)
{
    uint64_t now_s = now_ms / 1000, was;
    _Atomic uint64_t *at = known_at(s, source, now_s, &was);
    uint64_t next = known_of(source, CREDIT, now_s);
    /* Once a second: who sends both data and a flood gets no more than that. */
    if (was >> 32 == next >> 32 && known_age(was, now_s) == 0)
        return;
    atomic_compare_exchange_strong_explicit(at, &was, next, memory_order_relaxed, memory_order_relaxed);
}

static bool is_known(struct syn *s, uint64_t source, uint64_t now_s)
{
    uint64_t was;
    _Atomic uint64_t *at = known_at(s, source, now_s, &was);
    while (was >> 32 == (source >> 32 | 1) && (was >> 24 & 0xff) && known_age(was, now_s) <= KNOWN_FOR_S)
        if (atomic_compare_exchange_weak_explicit(at, &was, was - (UINT64_C(1) << 24), memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    return false;
}

/* ---- first SYNs ---- */

#define CAME_AGAIN (UINT64_C(1) << 24)

static uint64_t first_of(uint64_t syn, uint64_t now_ms)
{
    return (syn >> 25 | 1) << 25 | (now_ms >> 4 & 0xffffff);
}

static uint64_t first_age_ms(uint64_t word, uint64_t now_ms)
{
    return ago(now_ms >> 4, word, 24, AHEAD_MS >> 4) << 4;
}

enum again { FIRST_TIME, TOO_EARLY, AGAIN, AGAIN_ONCE_MORE };

static enum again again(_Atomic uint64_t *at, uint64_t was, uint64_t syn, uint64_t now_ms)
{
    uint64_t age = first_age_ms(was, now_ms);
    if (age < AGAIN_MS)
        return TOO_EARLY;
    if (age > FORGET_MS) {
        atomic_store_explicit(at, first_of(syn, now_ms), memory_order_relaxed);
        return FIRST_TIME;
    }
    uint64_t before = atomic_fetch_or_explicit(at, CAME_AGAIN, memory_order_relaxed);
    return before & CAME_AGAIN ? AGAIN_ONCE_MORE : AGAIN;
}

/* Looks a SYN up, and remembers it where it is not there, in place of the oldest. */
static enum again look_up(struct syn *s, uint64_t syn, uint64_t now_ms)
{
    size_t set = syn & (FIRST_SYNS / WAYS - 1);
    _Atomic uint64_t *best = NULL;
    uint64_t oldest = 0;
    for (size_t i = set * WAYS; i < (set + 1) * WAYS; i++) {
        uint64_t word = atomic_load_explicit(&s->first[i], memory_order_relaxed);
        uint64_t age = word ? first_age_ms(word, now_ms) : UINT64_MAX;
        if (word >> 25 == (syn >> 25 | 1))
            return again(&s->first[i], word, syn, now_ms);
        if (best && age <= oldest)
            continue;
        best = &s->first[i];
        oldest = age;
    }
    atomic_store_explicit(best, first_of(syn, now_ms), memory_order_relaxed);
    return FIRST_TIME;
}

/* ---- counts ---- */

/* The thread is the only one that writes w. */
static void count(struct syn_worker *w, int64_t n, uint64_t now_ms)
{
    uint64_t bucket = now_ms / BUCKET_MS, was = atomic_load_explicit(&w->bucket, memory_order_relaxed);
    int64_t now = atomic_load_explicit(&w->now, memory_order_relaxed);
    if (bucket != was) {
        atomic_store_explicit(&w->before, bucket == was + 1 ? now : 0, memory_order_relaxed);
        atomic_store_explicit(&w->bucket, bucket, memory_order_relaxed);
        now = 0;
    }
    atomic_store_explicit(&w->now, now + n, memory_order_relaxed);
}

static int64_t unanswered(const struct syn_worker *w, uint64_t now_ms)
{
    uint64_t bucket = now_ms / BUCKET_MS, was = atomic_load_explicit(&w->bucket, memory_order_relaxed);
    int64_t n = 0;
    if (bucket <= was + 1)
        n += atomic_load_explicit(&w->now, memory_order_relaxed);
    if (bucket <= was)
        n += atomic_load_explicit(&w->before, memory_order_relaxed);
    return n > 0 ? n : 0;
}

bool syn_first(struct syn *s, size_t worker, uint64_t source, uint64_t syn, uint64_t now_ms)
{
    struct syn_worker *w = &s->worker[worker];
    if (!s->first || !atomic_load_explicit(&s->since, memory_order_relaxed))
        return false;
    if (is_known(s, source, now_ms / 1000))
        return false;
    enum again a = look_up(s, syn, now_ms);
    if (a == AGAIN)
        count(w, -1, now_ms);
    if (a == FIRST_TIME)
        count(w, 1, now_ms);
    if (a != FIRST_TIME && a != TOO_EARLY)
        return false;
    atomic_fetch_add_explicit(&w->held_up, 1, memory_order_relaxed);
    return true;
}

/* ---- beginning and end ---- */

uint64_t syn_half_open(const struct syn *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->workers; i++)
        n += atomic_load_explicit(&s->worker[i].half_open, memory_order_relaxed);
    return n;
}

static uint64_t held_up(const struct syn *s)
{
    uint64_t n = 0;
    for (size_t i = 0; i < s->workers; i++)
        n += atomic_load_explicit(&s->worker[i].held_up, memory_order_relaxed);
    return n;
}

static enum syn_change begins(struct syn *s, uint64_t half_open, uint64_t now_ms, uint64_t *figure)
{
    uint64_t none = 0;
    if (half_open <= s->threshold || !atomic_compare_exchange_strong(&s->since, &none, now_ms | 1))
        return SYN_SAME;
    atomic_store_explicit(&s->calm, 0, memory_order_relaxed);
    atomic_store_explicit(&s->held_up_before, held_up(s), memory_order_relaxed);
    *figure = half_open;
    return SYN_BEGINS;
}

static enum syn_change ends(struct syn *s, uint64_t pressure, uint64_t now_ms, uint64_t since, uint64_t *figure)
{
    uint64_t calm = atomic_load_explicit(&s->calm, memory_order_relaxed);
    if (2 * pressure >= s->threshold && pressure) {
        atomic_store_explicit(&s->calm, 0, memory_order_relaxed);
        return SYN_SAME;
    }
    if (!calm) {
        atomic_store_explicit(&s->calm, now_ms | 1, memory_order_relaxed);
        return SYN_SAME;
    }
    if (now_ms < calm + CALM_MS || !atomic_compare_exchange_strong(&s->since, &since, 0))
        return SYN_SAME;
    *figure = held_up(s) - atomic_load_explicit(&s->held_up_before, memory_order_relaxed);
    return SYN_ENDS;
}

enum syn_change syn_told(struct syn *s, size_t worker, uint64_t half_open, uint64_t now_ms, uint64_t *figure)
{
    atomic_store_explicit(&s->worker[worker].half_open, half_open, memory_order_relaxed);
    uint64_t sum = syn_half_open(s), since = atomic_load_explicit(&s->since, memory_order_relaxed);
    if (!since)
        return begins(s, sum, now_ms, figure);
    for (size_t i = 0; i < s->workers; i++)
        sum += (uint64_t)unanswered(&s->worker[i], now_ms);
    return ends(s, sum, now_ms, since, figure);
}
