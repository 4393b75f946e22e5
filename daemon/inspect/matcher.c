/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scanning; how groups are made is in matcher_compile.c. */
#include "inspect/matcher.h"

#define LENGTH_BIT(len) (UINT64_C(1) << ((len) < 63 ? (len) : 63))

static void hit(const struct view *v, uint32_t pattern)
{
    struct scratch *s = v->s;
    const struct index *ix = v->index;
    if (s->hits[pattern] == s->stamp)
        return;
    s->hits[pattern] = s->stamp;
    if (!ix || !ix->patterns || !ix->patterns[pattern])
        return;
    const uint32_t *list = ix->entries + ix->patterns[pattern];
    for (uint32_t i = 1; i <= list[0]; i++)
        agenda_add(&s->agenda, list[i]);
}

struct match_context {
    const struct view *view;
    const uint32_t *patterns;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    const struct match_context *c = context;
    (void)from;
    (void)to;
    (void)flags;
    hit(c->view, c->patterns[id]);
    return 0;
}

static uint32_t hash_of(struct span s, enum anchor anchor)
{
    uint64_t h = s.len << 2 | anchor;
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, s.data + at, 8);
        h = key_mix(h, word);
    }
    uint64_t rest = 0;
    if (s.len > at)
        memcpy(&rest, s.data + at, s.len - at);
    return (uint32_t)key_mix(h, rest);
}

static void find_anchored(const struct view *v, const struct group *g, enum anchor anchor, struct span s)
{
    uint32_t mask = g->anchored_slots - 1, hash = hash_of(s, anchor);
    for (uint32_t i = hash & mask; g->anchored[i].pattern != PROGRAM_NONE; i = (i + 1) & mask) {
        const struct anchored *e = &g->anchored[i];
        if (e->hash == hash && e->anchor == anchor && e->string.len == s.len &&
            (!s.len || memcmp(e->string.data, s.data, s.len) == 0))
            hit(v, e->pattern);
    }
}

/* The byte that most values have another of. */
static uint8_t edge_of(struct span s, enum anchor anchor)
{
    return anchor == ANCHOR_END ? s.data[s.len - 1] : s.data[0];
}

static bool has_edge(const struct group *g, struct span s, enum anchor anchor)
{
    uint8_t edge = edge_of(s, anchor);
    return g->bytes[anchor][edge / 64] >> (edge % 64) & 1;
}

static void find_in_table(const struct view *v, const struct group *g, struct span s)
{
    uint64_t room = s.len < 63 ? LENGTH_BIT(s.len) * 2 - 1 : UINT64_MAX;
    if ((g->lengths[ANCHOR_WHOLE] & LENGTH_BIT(s.len)) && (!s.len || has_edge(g, s, ANCHOR_WHOLE)))
        find_anchored(v, g, ANCHOR_WHOLE, s);
    if (!s.len)
        return;
    uint64_t starts = has_edge(g, s, ANCHOR_START) ? g->lengths[ANCHOR_START] & room : 0;
    uint64_t ends = has_edge(g, s, ANCHOR_END) ? g->lengths[ANCHOR_END] & room : 0;
    for (; starts; starts &= starts - 1)
        find_anchored(v, g, ANCHOR_START, span_first(s, (size_t)__builtin_ctzll(starts)));
    for (; ends; ends &= ends - 1)
        find_anchored(v, g, ANCHOR_END, span_from(s, s.len - (size_t)__builtin_ctzll(ends)));
}

bool anchored_reserve(struct group *g, size_t strings)
{
    uint32_t slots = 8;
    while (slots < strings * 2 && slots < UINT32_MAX / 4)
        slots *= 2;
    g->anchored = malloc(slots * sizeof *g->anchored);
    g->anchored_slots = slots;
    for (uint32_t i = 0; g->anchored && i < slots; i++)
        g->anchored[i].pattern = PROGRAM_NONE;
    return g->anchored != NULL;
}

void anchored_put(struct group *g, uint32_t pattern, enum anchor anchor, struct span s)
{
    uint32_t mask = g->anchored_slots - 1, hash = hash_of(s, anchor), i = hash & mask;
    while (g->anchored[i].pattern != PROGRAM_NONE)
        i = (i + 1) & mask;
    g->anchored[i] = (struct anchored){.hash = hash, .pattern = pattern, .string = s, .anchor = (uint8_t)anchor};
    g->lengths[anchor] |= LENGTH_BIT(s.len);
    if (s.len)
        g->bytes[anchor][edge_of(s, anchor) / 64] |= UINT64_C(1) << (edge_of(s, anchor) % 64);
}

/* The few strings of a small group. */
static void find_each(const struct view *v, const struct group *g, struct span s)
{
    size_t start, end;
    for (uint32_t i = 0; i < g->n; i++) {
        const struct pattern *p = &v->pg->patterns[g->patterns[i]];
        if (p->mode == PATTERN_EXACT && (p->op == TEST_CONTAINS || p->op == TEST_CONTAINS_ANY) &&
            program_satisfies(v->pg, p->op, p->ref, s, v->s->regex, &start, &end) > 0)
            hit(v, g->patterns[i]);
    }
}

static void scan_value(struct view *v, const struct group *g, struct span s)
{
    if (g->anchored)
        find_in_table(v, g, s);
    if (g->loop)
        find_each(v, g, s);
    if (!g->db || s.len < g->shortest)
        return;
    if (g->sieve && s.len <= g->sieve_max && !sieve_may_hold(g->sieve, s))
        return;
    struct match_context c = {.view = v, .patterns = g->patterns};
    const char *data = s.len ? (const char *)s.data : "";
    const unsigned length = (unsigned)s.len;
    if (hs_scan_vector(g->db, &data, &length, 1, 0, v->s->hs, on_match, &c) != HS_SUCCESS)
        v->failed = true;
}

void matcher_scan(struct view *v, uint32_t operand)
{
    const struct group *g = &v->matcher->groups[operand];
    if (v->s->scanned[operand] == v->s->stamp)
        return;
    v->s->scanned[operand] = v->s->stamp;
    const struct values *x = view_values(v, operand);
    for (uint32_t i = 0; i < x->n && !v->failed; i++)
        scan_value(v, g, x->at[i]);
}

bool matcher_scanned(struct view *v, const struct test *t)
{
    const struct group *g = &v->matcher->groups[t->operand];
    if (!g->compiled || v->pg->patterns[t->b].mode == PATTERN_ALONE)
        return false;
    if (v->s->scanned[t->operand] == v->s->stamp)
        return true;
    if (!g->db || !(t->op == TEST_MATCH || t->op >= TEST_CONTAINS_ANY))
        return false;
    matcher_scan(v, t->operand);
    return true;
}
