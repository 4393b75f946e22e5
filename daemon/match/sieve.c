/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match/sieve.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define GRAMS_MAX ((size_t)1 << 14)
#define BITS_EACH 32 /* of the filter, for each gram */
#define BITS_LOG_MIN 13
#define LOOK_MAX 16 /* places that are looked at closely */
#define LOT_SINGLE 0x80u
#define FOLD (0x01010101u * FACTOR_FOLD)

/* Nearly all places in a value are no gram's: that is seen from one byte and one bit. */
struct sieve {
    struct sieve_gram *grams; /* sorted */
    size_t n;
    uint8_t lengths; /* a bit for each length that a gram has */
    uint8_t prefix;  /* bytes of longer grams that the filter knows */
    /* Grams of one and two bytes are in eight lots: a bit for each lot that has one with this byte there. */
    uint8_t begins[256], follows[256];
    unsigned shift;    /* of a hash's 32 bits */
    uint64_t filter[]; /* by hash of a prefix */
};

static const uint32_t masks[FACTOR_GRAM + 1] = {0, 0xff, 0xffff, 0xffffff, 0xffffffff};

/* The first `n` bytes, at most four, folded; the first byte lowest on any machine. */
static uint32_t load(const uint8_t *at, size_t n)
{
    uint32_t w = 0;
    for (size_t i = 0; i < n && i < FACTOR_GRAM; i++)
        w |= (uint32_t)(at[i] | FACTOR_FOLD) << (8 * i);
    return w;
}

/* ---- making ---- */

bool sieve_add_string(struct sieve_build *b, struct span s)
{
    struct factor_gram g = factor_gram(s);
    if (!g.len || b->n == GRAMS_MAX || !vec_room(&b->grams, b->n, 1, &b->cap, sizeof *b->grams))
        return false;
    b->grams[b->n++] = (struct sieve_gram){.bytes = load(s.data + g.at, g.len), .len = (uint8_t)g.len};
    return true;
}

bool sieve_add_regex(struct sieve_build *b, struct span pattern)
{
    struct factors f;
    if (!factors_of_regex(pattern, &f))
        return false;
    for (unsigned i = 0; i < f.n; i++)
        if (!sieve_add_string(b, span_of(f.at[i], f.len[i])))
            return false;
    return true;
}

static int compare(const void *x, const void *y)
{
    const struct sieve_gram *a = x, *b = y;
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return a->bytes < b->bytes ? -1 : a->bytes > b->bytes;
}

static inline size_t bit_of(uint32_t prefix, unsigned shift)
{
    return (prefix * 0x9e3779b1u) >> shift;
}

static void note_gram(struct sieve *s, const struct sieve_gram *g)
{
    size_t bit = bit_of(g->bytes & masks[s->prefix], s->shift);
    s->lengths |= (uint8_t)(1u << g->len);
    if (g->len > 2) {
        s->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
        return;
    }
    uint8_t lot = g->len == 1 ? LOT_SINGLE : (uint8_t)(1u << (g->bytes >> 8) % 7);
    s->begins[g->bytes & 0xff] |= lot;
    s->follows[g->bytes >> 8 & 0xff] |= lot;
}

struct sieve *sieve_new(struct sieve_build *b)
{
    unsigned log = BITS_LOG_MIN;
    while ((size_t)1 << log < b->n * BITS_EACH)
        log++;
    struct sieve *s = calloc(1, sizeof *s + ((size_t)1 << log) / 8);
    if (!s || !b->n) {
        free(s);
        return NULL;
    }
    s->shift = 32 - log;
    s->grams = b->grams;
    s->n = b->n;
    s->prefix = 4;
    *b = (struct sieve_build){0};
    qsort(s->grams, s->n, sizeof *s->grams, compare);
    for (size_t i = 0; i < s->n; i++)
        s->prefix = s->grams[i].len == 3 ? 3 : s->prefix;
    memset(s->follows, LOT_SINGLE, sizeof s->follows);
    for (size_t i = 0; i < s->n; i++)
        note_gram(s, &s->grams[i]);
    return s;
}

void sieve_build_free(struct sieve_build *b)
{
    free(b->grams);
    *b = (struct sieve_build){0};
}

void sieve_free(struct sieve *s)
{
    if (s)
        free(s->grams);
    free(s);
}

/* ---- asking ---- */

static bool has_gram(const struct sieve *s, uint32_t word, unsigned len)
{
    const struct sieve_gram key = {.bytes = word & masks[len], .len = (uint8_t)len};
    return (s->lengths >> len & 1) && bsearch(&key, s->grams, s->n, sizeof key, compare);
}

/* Of one byte or two, where the first looked like it. */
static inline bool has_short(const struct sieve *s, uint32_t word)
{
    return (s->begins[word & 0xff] & s->follows[word >> 8 & 0xff]) && (has_gram(s, word, 1) || has_gram(s, word, 2));
}

/* The last three places, where words are not whole. */
static bool ends_with_gram(const struct sieve *s, struct span value)
{
    for (size_t i = value.len < FACTOR_GRAM ? 0 : value.len - FACTOR_GRAM + 1; i < value.len; i++) {
        size_t left = value.len - i;
        uint32_t w = load(value.data + i, left);
        if ((s->begins[w & 0xff] && has_gram(s, w, 1)) || (left > 1 && has_short(s, w)) ||
            (left > 2 && has_gram(s, w, 3)))
            return true;
    }
    return false;
}

bool sieve_may_hold(const struct sieve *s, struct span value)
{
    const uint32_t mask = masks[s->prefix];
    const unsigned shift = s->shift;
    unsigned looked = 0;
    for (size_t i = 0; i + FACTOR_GRAM <= value.len; i++) {
        uint32_t w;
        memcpy(&w, value.data + i, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        w = __builtin_bswap32(w);
#endif
        w |= FOLD;
        size_t bit = bit_of(w & mask, shift);
        bool small = s->begins[w & 0xff] & s->follows[w >> 8 & 0xff];
        bool large = s->filter[bit / 64] >> (bit % 64) & 1;
        if (__builtin_expect(!(small | large), 1))
            continue;
        /* A value made to be looked at everywhere goes to the scan, which is quicker then. */
        if (++looked > LOOK_MAX || (small && has_short(s, w)) || (large && (has_gram(s, w, 4) || has_gram(s, w, 3))))
            return true;
    }
    return ends_with_gram(s, value);
}
