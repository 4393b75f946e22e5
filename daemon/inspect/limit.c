/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/limit.h"

#include <stdatomic.h>
#include <sys/random.h>

#include "base/sip.h"
#include "inspect/scratch.h"

/*
 * A slot is one word, written by compare-and-swap: which key (part of its
 * hash), and until when its tokens are used up (GCRA: each match that is let by
 * moves that time on by per/count; the key is beyond its limit where it would
 * come to lie more than burst such steps ahead). The time counts in 1/1024 to
 * 1/2048 of the limit's step, so that "how far ahead" is how many tokens are
 * used, whatever the limit. A key whose time has passed is as good as none.
 *
 * A key has eight slots, one cache line, to stand in. Where all are in use the
 * one with the fewest tokens used goes. So a flood of forged sources, each seen
 * once, displaces its own kind: a flood that fills the table replaces a slot
 * faster than one step passes, so that a source seen twice in the meantime is
 * ahead of all that are seen once, and stays so as long as it goes on. `again`
 * is worth a token: with a burst of one no key gets ahead otherwise. What is
 * lost is at most the count of who was seen about once: it begins anew, and
 * passes. Two keys that hash alike share a count: one pair in 2^(17 + the
 * table's own bits), 2^30 with 65,536 keys.
 *
 * Two workers that enter one new key at once may both do so; the first slot
 * counts from then on.
 */
#define WAYS 8u
#define KEYS_DEFAULT 65536u
#define KEYS_LEAST 64u

#define TIME_MASK ((UINT64_C(1) << 40) - 1) /* the low bits */
#define SHIFT_AT 40                         /* 6 bits: how fine the time is */
#define AGAIN (UINT64_C(1) << 46)           /* seen more than once */
#define TAG_AT 47                           /* 17 bits of the hash, not 0 */
#define TAG_BITS 17
#define WHOSE (~(TIME_MASK | AGAIN))

#define STEP_MAX (UINT64_C(1) << 11)
/* More than any limit allows: a time that far ahead lies behind, for it wraps. */
#define LEVEL_MAX (UINT64_C(1) << 32)
/* How far apart workers' clocks may be: they are read once a batch. A token may be had so much earlier. */
#define SLACK_NS UINT64_C(10000000)
/* A time still further ahead than a full bucket lies behind too. */
#define SKEW_NS UINT64_C(1000000000)

struct limit_table {
    atomic_uint refs;
    uint64_t key[2];
    size_t set_mask;
    _Atomic uint64_t *slots;
};

/* A limit in a slot's terms. */
struct scale {
    unsigned shift; /* of nanoseconds */
    uint64_t step, full;
};

static struct scale scale_of(const struct limit *l)
{
    uint64_t ns = (l->per * UINT64_C(1000000000) + l->count / 2) / l->count;
    unsigned bits = 63u - (unsigned)__builtin_clzll(ns);
    unsigned shift = bits > 10 ? bits - 10 : 0;
    uint64_t step = (ns + ((UINT64_C(1) << shift) >> 1)) >> shift, slack = SLACK_NS >> shift;
    return (struct scale){
        .shift = shift, .step = step, .full = step * l->burst + (slack < step / 4 ? slack : step / 4)};
}

/* How far ahead a word's time is; 0: it has passed. */
static uint64_t level_of(uint64_t word, uint64_t now_ns)
{
    uint64_t ahead = (word - (now_ns >> (word >> SHIFT_AT & 63))) & TIME_MASK;
    return ahead < LEVEL_MAX ? ahead : 0;
}

/* What a slot is worth keeping; 0: it is free. */
static uint64_t worth(uint64_t word, uint64_t now_ns)
{
    uint64_t level = word ? level_of(word, now_ns) : 0;
    return level && (word & AGAIN) ? level + STEP_MAX : level;
}

struct limit_table *limit_table_new(uint32_t keys)
{
    size_t sets = KEYS_LEAST / WAYS;
    struct limit_table *t = calloc(1, sizeof *t);
    keys = keys ? keys : KEYS_DEFAULT;
    while (sets * WAYS < keys && sets * WAYS < LIMIT_KEYS_MAX)
        sets *= 2;
    if (!t)
        return NULL;
    t->slots = aligned_alloc(WAYS * sizeof *t->slots, sets * WAYS * sizeof *t->slots);
    t->set_mask = sets - 1;
    atomic_init(&t->refs, 1);
    if (!t->slots || getrandom(t->key, sizeof t->key, 0) != sizeof t->key) {
        limit_table_free(t);
        return NULL;
    }
    for (size_t i = 0; i < sets * WAYS; i++)
        atomic_init(&t->slots[i], 0);
    return t;
}

struct limit_table *limit_table_share(struct limit_table *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void limit_table_free(struct limit_table *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    free((void *)t->slots);
    free(t);
}

size_t limit_table_keys(const struct limit_table *t)
{
    return (t->set_mask + 1) * WAYS;
}

struct sip limit_table_hash(const struct limit_table *t)
{
    return sip_begin(t->key);
}

/* The key's slot, or the one to be had for it; *word is what stands in it. */
static _Atomic uint64_t *find(_Atomic uint64_t *set, uint64_t whose, uint64_t now_ns, uint64_t *word)
{
    uint64_t least = UINT64_MAX;
    unsigned best = 0;
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t w = atomic_load_explicit(&set[i], memory_order_relaxed);
        if ((w & WHOSE) == whose) {
            *word = w;
            return &set[i];
        }
        uint64_t value = worth(w, now_ns);
        if (value < least) {
            least = value;
            best = i;
            *word = w;
        }
    }
    return &set[best];
}

bool limit_table_count(struct limit_table *t, const struct limit *l, uint64_t hash, uint64_t now_ms)
{
    struct scale s = scale_of(l);
    uint64_t now_ns = now_ms * 1000000, now = now_ns >> s.shift;
    uint64_t tag = hash >> (64 - TAG_BITS), old = 0;
    uint64_t whose = (tag ? tag : 1) << TAG_AT | (uint64_t)s.shift << SHIFT_AT;
    _Atomic uint64_t *set = &t->slots[(hash & t->set_mask) * WAYS];
    for (;;) {
        _Atomic uint64_t *slot = find(set, whose, now_ns, &old);
        bool known = (old & WHOSE) == whose;
        uint64_t level = known ? level_of(old, now_ns) : 0;
        level = level > s.full + (SKEW_NS >> s.shift) ? 0 : level;
        bool beyond = level + s.step > s.full;
        uint64_t new = whose | ((now + level + (beyond ? 0 : s.step)) & TIME_MASK) | (known ? AGAIN : 0);
        if (new == old ||
            atomic_compare_exchange_strong_explicit(slot, &old, new, memory_order_relaxed, memory_order_relaxed))
            return beyond;
    }
}

/* ---- keys ---- */

static bool hash_pair(struct sip *s, const struct packet *p)
{
    if (!p->ip_version)
        return false;
    bool in_order = memcmp(p->src.bytes, p->dst.bytes, sizeof p->src.bytes) < 0;
    sip_add_bytes(s, (in_order ? &p->src : &p->dst)->bytes, sizeof p->src.bytes);
    sip_add_bytes(s, (in_order ? &p->dst : &p->src)->bytes, sizeof p->src.bytes);
    return true;
}

static bool hash_span(struct sip *s, struct span v)
{
    sip_add_bytes(s, v.data, v.len);
    return true;
}

static bool hash_number(struct sip *s, const struct limit_field *f, struct view *v)
{
    struct numbers x = view_numbers(v, f->field, f->operand);
    if (x.n)
        sip_add(s, numbers_at(&x, 0));
    return x.n;
}

static bool hash_operand(struct sip *s, const struct limit_field *f, struct view *v)
{
    if (v->pg->operands[f->operand].what != OPERAND_VALUES || fields[f->field].type != TYPE_BYTES)
        return hash_number(s, f, v);
    const struct values *x = view_values(v, f->operand);
    return x->n && hash_span(s, x->at[0]);
}

/* Adds a field's value; false where the subject has none. */
static bool hash_field(struct sip *s, const struct limit_field *f, struct view *v)
{
    const struct packet *p = v->subject->packet;
    const struct ip_addr *a[2];
    struct span bytes;
    if (f->pair)
        return hash_pair(s, p);
    if (f->operand != PROGRAM_NONE)
        return hash_operand(s, f, v);
    if (fields[f->field].type == TYPE_ADDR)
        return field_addrs(&fields[f->field], p, a) && hash_span(s, span_of(a[0]->bytes, sizeof a[0]->bytes));
    if (fields[f->field].type == TYPE_BYTES)
        return field_bytes(&fields[f->field], p, &bytes) && hash_span(s, bytes);
    return hash_number(s, f, v);
}

enum limit_answer limit_ask(struct limit_table *t, const struct limit *l, struct view *v)
{
    struct sip s = limit_table_hash(t);
    sip_add(&s, l->identity);
    for (unsigned i = 0; i < l->n; i++)
        if (!hash_field(&s, &l->fields[i], v))
            return LIMIT_NO_KEY;
    return limit_table_count(t, l, sip_end(&s), v->subject->now_ms) ? LIMIT_BEYOND : LIMIT_WITHIN;
}
