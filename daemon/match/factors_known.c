/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of the parts of a regex, put together: never stronger than the regex. */
#include <string.h>

#include "match/factors_internal.h"

#define LOOK_MAX 64    /* bytes of a string among which the rarest are chosen */
#define CLASS_MAX 8    /* bytes of a class that is taken for its members */
#define SET_COMMON 200 /* a set of this weight is in nearly every value */
#define GAP_BITS 12    /* a byte of gaps is rare */
#define COST_LOW (UINT64_C(1) << 26)
#define COST_ALWAYS (UINT64_C(1) << 40)

static uint8_t fold(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* ---- strings ---- */

static bool add(struct factors *f, const uint8_t *s, unsigned len)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->len[i] == len && memcmp(f->at[i], s, len) == 0)
            return true;
    if (f->n == FACTORS_MAX)
        return false;
    memcpy(f->at[f->n], s, len);
    f->len[f->n++] = (uint8_t)len;
    return true;
}

static bool add_all(struct factors *to, const struct factors *from)
{
    for (unsigned i = 0; i < from->n; i++)
        if (!add(to, from->at[i], from->len[i]))
            return false;
    return true;
}

/* Guesses; only their order matters. */
static unsigned rarity(uint8_t c)
{
    c |= FACTOR_FOLD;
    if (!c || c >= 0x7f)
        return 7;
    if (strchr("etaoinshr", c))
        return 3;
    if ((c >= '0' && c <= '9') || strchr(" ./-", c))
        return 4;
    if ((c >= 'a' && c <= 'z') || strchr("=&", c))
        return 5;
    return strchr("{}`$<|\"", c) ? 8 : 6;
}

struct factor_gram factor_gram(struct span s)
{
    struct factor_gram best = {.len = s.len < FACTOR_GRAM ? s.len : FACTOR_GRAM};
    for (size_t i = 0; i + best.len <= s.len && i < LOOK_MAX; i++) {
        unsigned bits = 0;
        for (size_t k = 0; k < best.len; k++)
            bits += rarity(s.data[i + k]);
        if (bits > best.bits) {
            best.bits = bits;
            best.at = i;
        }
    }
    return best;
}

/* Leaves of each string its rarest bytes; false where one has none. How often any is met: *cost. */
static bool grams(const struct known *k, struct factors *ret, uint64_t *cost)
{
    ret->n = 0;
    *cost = 0;
    for (unsigned i = 0; i < k->set.n; i++) {
        struct factor_gram g = factor_gram(span_of(k->set.at[i], k->set.len[i]));
        unsigned before = ret->n;
        if (!g.len || !add(ret, k->set.at[i] + g.at, (unsigned)g.len))
            return false;
        *cost += ret->n > before ? UINT64_C(1) << (40 - g.bits) : 0;
    }
    return ret->n && (k->exact || k->some);
}

bool known_folded_grams(const struct known *k, struct factors *ret)
{
    struct factors cased;
    uint64_t cost;
    ret->n = 0;
    if (!grams(k, &cased, &cost))
        return false;
    for (unsigned i = 0; i < cased.n; i++) {
        for (unsigned b = 0; b < cased.len[i]; b++)
            cased.at[i][b] |= FACTOR_FOLD;
        if (!add(ret, cased.at[i], cased.len[i]))
            return false;
    }
    return true;
}

uint64_t known_cost(const struct known *k, const struct factor_bytes *gaps)
{
    struct factors cut;
    uint64_t cost;
    if (!grams(k, &cut, &cost))
        return COST_ALWAYS;
    for (unsigned c = 0; c < 256; c++)
        cost += factor_bytes_has(gaps, (uint8_t)c) ? UINT64_C(1) << (40 - GAP_BITS) : 0;
    return cost;
}

/* Whether each of a's strings has one of b's in it. */
static bool implies(const struct factors *a, const struct factors *b)
{
    for (unsigned i = 0; i < a->n; i++) {
        bool any = false;
        for (unsigned k = 0; k < b->n && !any; k++)
            any = memmem(a->at[i], a->len[i], b->at[k], b->len[k]);
        if (!any)
            return false;
    }
    return true;
}

void known_needs(const struct known *k, const struct known *also, struct needs *ret)
{
    struct factors cut;
    uint64_t cost;
    ret->strings.n = ret->also.n = 0;
    if (grams(k, &cut, &cost))
        ret->strings = k->set;
    if (ret->strings.n && cost > COST_LOW && grams(also, &cut, &cost) && !implies(&k->set, &also->set))
        ret->also = also->set;
    ret->n_sets = k->n_sets;
    memcpy(ret->sets, k->sets, sizeof ret->sets);
}

/* ---- sets of bytes ---- */

bool factor_bytes_has(const struct factor_bytes *s, uint8_t c)
{
    return s->w[c / 64] >> (c % 64) & 1;
}

void factor_bytes_add(struct factor_bytes *s, uint8_t c)
{
    s->w[c / 64] |= UINT64_C(1) << (c % 64);
}

void factor_bytes_add_caseless(struct factor_bytes *s, uint8_t c)
{
    uint8_t letter = c | 0x20;
    factor_bytes_add(s, c);
    if (letter >= 'a' && letter <= 'z') {
        factor_bytes_add(s, letter);
        factor_bytes_add(s, (uint8_t)(letter - 0x20));
    }
}

/* How likely a value has one of them; guesses. Letters nearly always: strings are better there. */
static unsigned weight(const struct factor_bytes *s)
{
    unsigned sum = 1;
    for (unsigned c = 0x20; c < 0x7f; c++) {
        uint8_t letter = (uint8_t)(c | 0x20);
        if (!factor_bytes_has(s, (uint8_t)c))
            continue;
        sum += letter >= 'a' && letter <= 'z' ? SET_COMMON : rarity((uint8_t)c) < 6 ? 10 : 2;
    }
    return sum;
}

static bool is_within(const struct factor_bytes *a, const struct factor_bytes *b)
{
    uint64_t outside = 0;
    for (unsigned i = 0; i < 4; i++)
        outside |= a->w[i] & ~b->w[i];
    return !outside;
}

/* Keeps the rarest; one that another implies is none. */
static void need(struct known *k, const struct factor_bytes *s)
{
    unsigned heaviest = 0;
    if (weight(s) >= SET_COMMON)
        return;
    for (unsigned i = 0; i < k->n_sets; i++)
        if (is_within(&k->sets[i], s))
            return;
    for (unsigned i = 0; i < k->n_sets;)
        if (is_within(s, &k->sets[i]))
            k->sets[i] = k->sets[--k->n_sets];
        else
            i++;
    if (k->n_sets < NEEDS_SETS) {
        k->sets[k->n_sets++] = *s;
        return;
    }
    for (unsigned i = 1; i < NEEDS_SETS; i++)
        heaviest = weight(&k->sets[i]) > weight(&k->sets[heaviest]) ? i : heaviest;
    if (weight(s) < weight(&k->sets[heaviest]))
        k->sets[heaviest] = *s;
}

void known_also(struct known *a, const struct known *b)
{
    for (unsigned i = 0; i < b->n_sets; i++)
        need(a, &b->sets[i]);
}

/* A match of either has a byte of one of a's and one of b's together. */
static void unite_sets(struct known *a, const struct known *b)
{
    struct known all = {.n_sets = 0};
    for (unsigned i = 0; i < a->n_sets; i++)
        for (unsigned k = 0; k < b->n_sets; k++) {
            struct factor_bytes both = a->sets[i];
            for (unsigned w = 0; w < 4; w++)
                both.w[w] |= b->sets[k].w[w];
            need(&all, &both);
        }
    a->n_sets = all.n_sets;
    memcpy(a->sets, all.sets, sizeof a->sets);
}

/* Quotes, brackets and such: not in most values. */
static bool is_gap(const struct factor_bytes *s)
{
    for (unsigned c = 0; c < 256; c++)
        if (factor_bytes_has(s, (uint8_t)c) && !(c && strchr("\"'`()[]{}<>\\$^|*#!?", (int)c)))
            return false;
    return true;
}

bool known_skip(struct known *k, struct factor_bytes *gaps)
{
    unsigned i = 0;
    while (i < k->n_sets && !is_gap(&k->sets[i]))
        i++;
    if (i == k->n_sets)
        return false;
    for (unsigned w = 0; w < 4; w++)
        gaps->w[w] |= k->sets[i].w[w];
    known_empty(k);
    return true;
}

/* ---- parts ---- */

void known_empty(struct known *k)
{
    k->exact = k->head = true;
    k->some = false;
    k->set.n = 1;
    k->set.len[0] = 0;
    k->n_sets = 0;
}

void known_anything(struct known *k)
{
    k->exact = k->some = k->head = false;
    k->set.n = 0;
    k->n_sets = 0;
}

void known_byte(struct known *k, uint8_t c)
{
    struct factor_bytes one = {{0}};
    factor_bytes_add(&one, c);
    known_bytes(k, &one);
}

static void add_cases(struct factor_bytes *s)
{
    for (unsigned c = 'A'; c <= 'Z'; c++)
        if (factor_bytes_has(s, (uint8_t)c) || factor_bytes_has(s, (uint8_t)(c + 'a' - 'A'))) {
            factor_bytes_add(s, (uint8_t)c);
            factor_bytes_add(s, (uint8_t)(c + 'a' - 'A'));
        }
}

void known_bytes(struct known *k, const struct factor_bytes *s)
{
    struct factor_bytes all = *s;
    bool few = true;
    add_cases(&all);
    k->set.n = 0;
    for (unsigned c = 0; c < 256 && few; c++) {
        uint8_t byte = fold((uint8_t)c);
        few = !factor_bytes_has(&all, (uint8_t)c) || (add(&k->set, &byte, 1) && k->set.n <= CLASS_MAX);
    }
    k->some = false;
    k->exact = k->head = few && k->set.n;
    k->set.n = k->exact ? k->set.n : 0;
    k->n_sets = 0;
    need(k, &all);
}

void known_repeat(struct known *k, unsigned least, unsigned most)
{
    if (least == 1 && most == 1)
        return;
    if (least) {
        k->some = k->some || k->exact;
        k->exact = false;
    } else if (!k->exact || most != 1 || !add(&k->set, k->set.at[0], 0)) {
        known_anything(k);
    }
    k->n_sets = least ? k->n_sets : 0;
}

bool known_cross(struct known *a, const struct known *b)
{
    struct factors all = {.n = 0};
    uint8_t s[FACTOR_LEN];
    for (unsigned i = 0; i < a->set.n; i++)
        for (unsigned k = 0; k < b->set.n; k++) {
            unsigned n = a->set.len[i], more = b->set.len[k];
            if (n + more > FACTOR_LEN)
                return false;
            memcpy(s, a->set.at[i], n);
            memcpy(s + n, b->set.at[k], more);
            if (!add(&all, s, n + more))
                return false;
        }
    a->set = all;
    return true;
}

bool known_prefer(struct known *best, const struct known *k)
{
    struct factors cut;
    uint64_t cost, least;
    if (!grams(k, &cut, &cost) || (grams(best, &cut, &least) && least <= cost))
        return false;
    best->some = true;
    best->head = k->head;
    best->set = k->set;
    return true;
}

/* Strings of either; where they are too many, only what of them is rare. */
static bool unite_strings(struct known *a, const struct known *b)
{
    struct factors all = a->set, cut;
    uint64_t cost;
    if (!(a->exact || a->some) || !(b->exact || b->some))
        return false;
    a->head = a->head && b->head;
    if (!add_all(&all, &b->set)) {
        a->exact = a->head = false;
        if (!grams(a, &all, &cost) || !grams(b, &cut, &cost) || !add_all(&all, &cut))
            return false;
    }
    a->set = all;
    a->exact = a->exact && b->exact;
    for (unsigned i = 0; !a->exact && i < all.n; i++)
        if (!all.len[i])
            return false;
    a->some = !a->exact;
    return true;
}

void known_unite(struct known *a, const struct known *b)
{
    struct known sets = *a;
    unite_sets(&sets, b);
    if (!unite_strings(a, b))
        known_anything(a);
    a->n_sets = sets.n_sets;
    memcpy(a->sets, sets.sets, sizeof a->sets);
}
