/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/index.h"

struct rule_demand {
    uint32_t rule;
    uint16_t phases;
    struct demand demand;
};

/* Keys that all rules together may have: 4 bytes each in the lists. */
#define KEYS_TOTAL ((size_t)1 << 20)
#define KEYS_MIN 16
#define KEYS_MAX 4096

struct entry {
    index_key key;
    uint32_t rule;
    uint32_t pattern;
    uint8_t kind, family, prefix;
};

/* How many rules ask for a key. */
struct census {
    struct {
        index_key key;
        uint32_t count;
    } * at;
    size_t mask;
};

/* A rule may take several times its share of what is left. */
static size_t limit_of(const struct index_build *b)
{
    size_t rules_left = b->expected > b->n ? b->expected - b->n : 1;
    size_t left = b->atoms.n < KEYS_TOTAL ? KEYS_TOTAL - b->atoms.n : 0;
    size_t limit = left / rules_left * 8;
    return limit < KEYS_MIN ? KEYS_MIN : limit > KEYS_MAX ? KEYS_MAX : limit;
}

bool index_add(struct index_build *b, uint32_t rule, uint16_t phases, const struct expr *ex, const struct program *pg)
{
    if (!vec_room(&b->rules, b->n, 1, &b->cap, sizeof *b->rules))
        return false;
    b->atoms.limit = limit_of(b);
    b->rules[b->n++] = (struct rule_demand){.rule = rule, .phases = phases, .demand = keys_of(&b->atoms, ex, pg)};
    return !b->atoms.failed;
}

static size_t power_above(size_t n)
{
    size_t p = 64;
    while (p < n)
        p *= 2;
    return p;
}

static uint32_t *census_of(struct census *c, index_key key)
{
    size_t i = (key >> 1) & c->mask;
    while (c->at[i].key && c->at[i].key != key)
        i = (i + 1) & c->mask;
    c->at[i].key = key;
    return &c->at[i].count;
}

static bool take_census(struct census *c, const struct index_build *b)
{
    size_t n = power_above(b->atoms.n * 2);
    c->at = calloc(n, sizeof *c->at);
    c->mask = n - 1;
    if (!c->at)
        return false;
    for (size_t i = 0; i < b->n; i++)
        for (unsigned k = 0; (b->rules[i].phases & b->phase) && k < b->rules[i].demand.n; k++) {
            const struct alternative *alt = &b->rules[i].demand.alt[k];
            for (size_t j = 0; j < alt->n; j++)
                ++*census_of(c, b->atoms.at[alt->at + j].key);
        }
    return true;
}

/* About how many other rules a packet looks at in vain because of this choice. */
static float cost(struct census *c, const struct index_build *b, const struct alternative *alt)
{
    float sum = 0;
    for (size_t j = 0; j < alt->n; j++)
        sum += b->atoms.at[alt->at + j].weight * (float)*census_of(c, b->atoms.at[alt->at + j].key);
    return sum;
}

/* Whether scans find all patterns of an alternative. */
static bool usable(const struct index_build *b, const struct alternative *alt)
{
    for (size_t j = 0; j < alt->n; j++) {
        const struct atom *a = &b->atoms.at[alt->at + j];
        if (a->kind == KEY_PATTERN && b->pg->patterns[a->pattern].mode == PATTERN_ALONE)
            return false;
    }
    return true;
}

/* The cheapest; NULL when there is none. */
static const struct alternative *choose(struct census *c, const struct index_build *b, const struct demand *d)
{
    const struct alternative *best = NULL;
    float least = 0;
    for (unsigned k = 0; k < d->n; k++) {
        if (!usable(b, &d->alt[k]))
            continue;
        float this = cost(c, b, &d->alt[k]);
        if (!best || this < least) {
            best = &d->alt[k];
            least = this;
        }
    }
    return best;
}

static int by_key(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    if (a->pattern != b->pattern)
        return a->pattern < b->pattern ? -1 : 1;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static void note_prefix(struct index *ix, const struct entry *e)
{
    uint8_t *list = ix->prefixes[e->kind == KEY_DST][e->family == 6];
    uint8_t *n = &ix->n_prefixes[e->kind == KEY_DST][e->family == 6];
    if (memchr(list, e->prefix, *n))
        return;
    list[(*n)++] = e->prefix;
}

static void set_filter(struct index *ix, index_key key)
{
    size_t bit = (key >> 40) & ix->filter_mask;
    ix->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
}

static void put(struct index *ix, index_key key, uint32_t list)
{
    size_t mask = ix->n_slots - 1, i = (key >> 1) & mask;
    while (ix->slots[i].key)
        i = (i + 1) & mask;
    ix->slots[i] = (struct slot){key, list};
    set_filter(ix, key);
}

static bool same_list(const struct entry *a, const struct entry *b)
{
    return a->key == b->key && a->pattern == b->pattern;
}

/* Writes the lists of entries that are sorted by key, from `at` on. */
static void write_lists(struct index *ix, const struct entry *e, size_t n, uint32_t at)
{
    for (size_t i = 0; i < n;) {
        uint32_t list = at++;
        size_t j = i;
        for (; j < n && same_list(&e[j], &e[i]); j++)
            if (j == i || e[j].rule != e[j - 1].rule)
                ix->entries[at++] = e[j].rule;
        ix->entries[list] = at - list - 1;
        if (e[i].kind == KEY_PATTERN)
            ix->patterns[e[i].pattern] = list;
        else
            put(ix, e[i].key, list);
        i = j;
    }
}

/* Entries with kinds of their own: a hash that two kinds share must still be found by both. */
static void note_kinds(struct index *ix, const struct entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ix->has[e[i].kind] = true;
        if (e[i].kind == KEY_SRC || e[i].kind == KEY_DST)
            note_prefix(ix, &e[i]);
    }
}

/* Puts every rule either into *ret (one entry for each key) or into the rest. Returns how many entries. */
static size_t place(struct index *ix, const struct index_build *b, struct census *c, struct entry *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (!(b->rules[i].phases & b->phase))
            continue;
        const struct alternative *alt = choose(c, b, &b->rules[i].demand);
        ix->n_rules++;
        if (!alt)
            ix->entries[++ix->entries[0]] = b->rules[i].rule;
        for (size_t j = 0; alt && j < alt->n; j++) {
            const struct atom *a = &b->atoms.at[alt->at + j];
            ret[n++] = (struct entry){a->key, b->rules[i].rule, a->pattern, a->kind, a->family, a->prefix};
        }
    }
    return n;
}

static size_t count_keys(const struct entry *e, size_t n)
{
    size_t keys = 0;
    for (size_t i = 0; i < n; i++)
        keys += i == 0 || !same_list(&e[i], &e[i - 1]);
    return keys;
}

static bool make_tables(struct index *ix, size_t keys)
{
    ix->n_slots = power_above(keys * 2);
    size_t bits = power_above(keys * 8);
    ix->filter_mask = bits - 1;
    ix->slots = calloc(ix->n_slots, sizeof *ix->slots);
    ix->filter = calloc(bits / 64, sizeof *ix->filter);
    return ix->slots && ix->filter;
}

static int by_number(const void *x, const void *y)
{
    const uint32_t *a = x, *b = y;
    return *a < *b ? -1 : *a > *b;
}

/* Which operands have to be scanned for the patterns that rules stand under. */
static bool note_patterns(struct index *ix, const struct program *pg, const struct entry *e, size_t n)
{
    if (!ix->has[KEY_PATTERN])
        return true;
    ix->patterns = calloc(pg->pattern_keys.n, sizeof *ix->patterns);
    ix->eager = calloc(n, sizeof *ix->eager);
    if (!ix->patterns || !ix->eager)
        return false;
    for (size_t i = 0; i < n; i++)
        if (e[i].kind == KEY_PATTERN)
            ix->eager[ix->n_eager++] = pg->patterns[e[i].pattern].operand;
    qsort(ix->eager, ix->n_eager, sizeof *ix->eager, by_number);
    uint32_t kept = 0;
    for (uint32_t i = 1; i < ix->n_eager; i++)
        if (ix->eager[i] != ix->eager[kept])
            ix->eager[++kept] = ix->eager[i];
    ix->n_eager = kept + 1;
    return true;
}

static bool build(struct index *ix, const struct index_build *b, struct census *c, struct entry *entries)
{
    /* Rules of the rest, entries, and a length for each list. */
    size_t cap = 0, room = b->n + 2 * b->atoms.n + 1;
    if (!vec_room(&ix->entries, 0, room, &cap, sizeof *ix->entries))
        return false;
    ix->entries[0] = 0;
    size_t n = place(ix, b, c, entries);
    qsort(entries, n, sizeof *entries, by_key);
    size_t keys = count_keys(entries, n);
    if (!make_tables(ix, keys))
        return false;
    note_kinds(ix, entries, n);
    if (!note_patterns(ix, b->pg, entries, n))
        return false;
    write_lists(ix, entries, n, ix->entries[0] + 1);
    vec_trim(&ix->entries, ix->entries[0] + 1 + n + keys, &cap, sizeof *ix->entries);
    return true;
}

bool index_build(struct index *ix, struct index_build *b, unsigned phase, const struct program *pg)
{
    struct census c;
    b->phase = (uint16_t)(1u << phase);
    b->pg = pg;
    *ix = (struct index){0};
    if (!take_census(&c, b))
        return false;
    AUTO_FREE struct entry *entries = calloc(b->atoms.n + 1, sizeof *entries);
    bool good = entries && build(ix, b, &c, entries);
    free(c.at);
    if (!good)
        index_free(ix);
    return good;
}

void index_build_free(struct index_build *b)
{
    free(b->atoms.at);
    free(b->rules);
    *b = (struct index_build){0};
}
