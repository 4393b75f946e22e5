/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>

#include "inspect/matcher.h"

#define LOOP_MAX 3       /* strings that are tried one by one rather than scanned for */
#define LITERAL_MAX 4000 /* bytes of a string that Vectorscan is given */
#define LIST_HEAVY 8     /* strings of a list that may be tried one by one */
#define EXPRESSION_MAX 15000
/* Bytes of a value that a sieve is asked about; scanning for strings alone is soon as quick. */
#define SIEVE_REGEXES_MAX 512
#define SIEVE_STRINGS_MAX 48

/* ---- groups ---- */

static bool add_to_group(struct group *g, uint32_t pattern, size_t *cap)
{
    if (!vec_room(&g->patterns, g->n, 1, cap, sizeof *g->patterns))
        return false;
    g->patterns[g->n++] = pattern;
    return true;
}

static bool is_list(uint8_t op)
{
    return op == TEST_CONTAINS_ANY || op == TEST_STARTS_ANY || op == TEST_ENDS_ANY;
}

/* Where the strings of an operator stand; ANCHORS: anywhere, or it has none. */
static enum anchor anchor_of(uint8_t op)
{
    switch (op) {
    case TEST_EQUAL:
    case TEST_ONE_OF:
        return ANCHOR_WHOLE;
    case TEST_STARTS:
    case TEST_STARTS_ANY:
        return ANCHOR_START;
    case TEST_ENDS:
    case TEST_ENDS_ANY:
        return ANCHOR_END;
    default:
        return ANCHORS;
    }
}

/* The strings of a pattern that is no regex. */
static const struct span *strings_of(const struct program *pg, const struct pattern *p, size_t *n)
{
    bool list = is_list(p->op) || p->op == TEST_ONE_OF;
    *n = list ? pg->sets[p->ref]->strings.n : 1;
    return list ? pg->sets[p->ref]->strings.at : &pg->strings.at[p->ref];
}

bool matcher_init(struct matcher *m, const struct program *pg)
{
    m->n = pg->operand_keys.n;
    m->groups = calloc(m->n + 1, sizeof *m->groups);
    AUTO_FREE size_t *caps = calloc(m->n + 1, sizeof *caps);
    if (!m->groups || !caps)
        return false;
    for (uint32_t i = 0; i < pg->pattern_keys.n; i++) {
        const struct pattern *p = &pg->patterns[i];
        struct group *g = &m->groups[p->operand];
        if (!add_to_group(g, i, &caps[p->operand]))
            return false;
        if (is_list(p->op) && pg->sets[p->ref]->strings.n > LIST_HEAVY)
            g->heavy = true;
    }
    return true;
}

void matcher_free(struct matcher *m)
{
    for (size_t i = 0; m->groups && i < m->n; i++) {
        free(m->groups[i].patterns);
        free(m->groups[i].anchored);
        sieve_free(m->groups[i].sieve);
        if (m->groups[i].db)
            (void)hs_free_database(m->groups[i].db);
    }
    if (m->hs)
        (void)hs_free_scratch(m->hs);
    free(m->groups);
    *m = (struct matcher){0};
}

/* ---- recipes ---- */

static void recipe_free(struct recipe *r)
{
    free(r->texts);
    free(r->flags);
    free(r->ids);
    arena_free(&r->arena);
    *r = (struct recipe){0};
}

static bool recipe_add(struct recipe *r, const char *text, unsigned flags, uint32_t id)
{
    if (!text || !vec_room(&r->texts, r->n, 1, &r->cap_texts, sizeof *r->texts) ||
        !vec_room(&r->flags, r->n, 1, &r->cap_flags, sizeof *r->flags) ||
        !vec_room(&r->ids, r->n, 1, &r->cap_ids, sizeof *r->ids))
        return false;
    r->texts[r->n] = text;
    r->flags[r->n] = flags;
    r->ids[r->n++] = id;
    return true;
}

/* A string as a regex: every byte in hexadecimal. */
static bool add_literal(struct recipe *r, struct span s, unsigned flags, uint32_t id)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(&r->arena, s.len * 4 + 1), *to = text;
    if (!text)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        to = stpcpy(to, "\\x");
        *to++ = digits[s.data[i] >> 4];
        *to++ = digits[s.data[i] & 15];
    }
    return recipe_add(r, text, flags, id);
}

/* Whether a scan can look for the string: an empty one matches anything, and is not worth it. */
static bool fits(struct span s, enum anchor anchor)
{
    return anchor == ANCHOR_WHOLE || (s.len && s.len < (anchor == ANCHORS ? LITERAL_MAX : ANCHORED_MAX));
}

static bool add_strings(struct recipe *r, const struct program *pg, struct pattern *p, uint32_t id)
{
    size_t n;
    const struct span *at = strings_of(pg, p, &n);
    enum anchor anchor = anchor_of(p->op);
    unsigned flags = 0;
    for (size_t i = 0; i < n; i++) {
        if (!fits(at[i], anchor)) {
            p->mode = PATTERN_ALONE;
            return true;
        }
        /* Short strings may be everywhere: one report is enough. Strings of one id must agree. */
        flags |= at[i].len < 4 ? HS_FLAG_SINGLEMATCH : 0;
    }
    for (size_t i = 0; i < n && anchor == ANCHORS; i++)
        if (!add_literal(r, at[i], flags, id))
            return false;
    return true;
}

/* What stands before a pattern changes PCRE2's mind about all of it, and a zero byte ends Vectorscan's text. */
static bool regex_fits(struct span s)
{
    bool options = s.len > 1 && s.data[0] == '(' && s.data[1] == '*';
    return s.len <= EXPRESSION_MAX && !options && !(s.len && memchr(s.data, 0, s.len));
}

static bool add_regex(struct recipe *r, struct pattern *p, struct span s, uint32_t id)
{
    if (!regex_fits(s)) {
        p->mode = PATTERN_ALONE;
        return true;
    }
    r->has_regex = true;
    return recipe_add(r, arena_copy(&r->arena, s.len ? s.data : (const uint8_t *)"", s.len),
                      HS_FLAG_SINGLEMATCH | HS_FLAG_ALLOWEMPTY, id);
}

static bool add_pattern(struct recipe *r, const struct program *pg, struct pattern *p, uint32_t id)
{
    p->mode = PATTERN_EXACT;
    if (p->op == TEST_MATCH)
        return add_regex(r, p, pg->regex_texts.at[p->ref], id);
    return add_strings(r, pg, p, id);
}

/* ---- the hash table ---- */

static bool is_anchored(const struct pattern *p)
{
    return p->mode == PATTERN_EXACT && anchor_of(p->op) != ANCHORS;
}

static bool make_table(struct group *g, const struct program *pg)
{
    size_t n = 0, more = 0;
    for (uint32_t i = 0; i < g->n; i++)
        if (is_anchored(&pg->patterns[g->patterns[i]])) {
            (void)strings_of(pg, &pg->patterns[g->patterns[i]], &more);
            n += more;
        }
    if (!n)
        return true;
    if (!anchored_reserve(g, n))
        return false;
    for (uint32_t i = 0; i < g->n; i++) {
        const struct pattern *p = &pg->patterns[g->patterns[i]];
        const struct span *at = is_anchored(p) ? strings_of(pg, p, &more) : NULL;
        for (size_t k = 0; at && k < more; k++)
            anchored_put(g, g->patterns[i], anchor_of(p->op), at[k]);
    }
    return true;
}

/* ---- the sieve ---- */

static bool sift_pattern(struct sieve_build *b, const struct program *pg, const struct pattern *p)
{
    size_t n;
    if (p->op == TEST_MATCH)
        return sieve_add_regex(b, pg->regex_texts.at[p->ref]);
    const struct span *at = strings_of(pg, p, &n);
    for (size_t i = 0; i < n; i++)
        if (!sieve_add_string(b, at[i]))
            return false;
    return true;
}

/* For what is in the database; without memory, or where a pattern needs no bytes, there is none. */
static void make_sieve(struct group *g, const struct program *pg, bool has_regex)
{
    struct sieve_build b = {0};
    bool good = true;
    for (uint32_t i = 0; i < g->n && good; i++) {
        const struct pattern *p = &pg->patterns[g->patterns[i]];
        if (p->mode != PATTERN_ALONE && anchor_of(p->op) == ANCHORS)
            good = sift_pattern(&b, pg, p);
    }
    if (good)
        g->sieve = sieve_new(&b);
    g->sieve_max = has_regex ? SIEVE_REGEXES_MAX : SIEVE_STRINGS_MAX;
    sieve_build_free(&b);
}

/* ---- databases ---- */

static void drop(struct recipe *r, size_t i)
{
    r->n--;
    memmove(r->texts + i, r->texts + i + 1, (r->n - i) * sizeof *r->texts);
    memmove(r->flags + i, r->flags + i + 1, (r->n - i) * sizeof *r->flags);
    memmove(r->ids + i, r->ids + i + 1, (r->n - i) * sizeof *r->ids);
}

/* Vectorscan cannot do an expression as it is: the next best. False when it has to go. */
static bool degrade(struct recipe *r, uint8_t *modes, size_t i)
{
    uint8_t *mode = &modes[r->ids[i]];
    bool regex = r->flags[i] & HS_FLAG_ALLOWEMPTY;
    if (regex && !(r->flags[i] & HS_FLAG_PREFILTER)) {
        r->flags[i] |= HS_FLAG_PREFILTER;
        *mode = PATTERN_MAYBE;
        return true;
    }
    *mode = PATTERN_ALONE;
    drop(r, i);
    return false;
}

static bool width_of(const struct recipe *r, size_t i, uint32_t *width)
{
    hs_expr_info_t *info = NULL;
    hs_compile_error_t *error = NULL;
    hs_error_t rc = hs_expression_info(r->texts[i], r->flags[i], &info, &error);
    *width = info ? info->min_width : 0;
    free(info);
    if (error)
        (void)hs_free_compile_error(error);
    return rc == HS_SUCCESS;
}

/* Finds out what Vectorscan takes of each expression, and the shortest value that any can match. */
static uint32_t try_each(struct recipe *r, uint8_t *modes)
{
    uint32_t shortest = UINT32_MAX, width;
    for (size_t i = 0; i < r->n;) {
        if (!width_of(r, i, &width)) {
            (void)degrade(r, modes, i);
            continue;
        }
        shortest = width < shortest ? width : shortest;
        i++;
    }
    return shortest;
}

/*
 * Vectored mode, though a value is one piece: in block mode the library's
 * engine for short buffers misses two bytes at a buffer's very end in some
 * databases (5.4.9), and a miss is a way round the rules. The unit test
 * compares with PCRE2.
 */
#define MODE HS_MODE_VECTORED

/* One attempt; where it fails, *bad is the expression to blame, or -1. */
static hs_database_t *attempt(const struct recipe *r, int *bad)
{
    hs_database_t *db = NULL;
    hs_compile_error_t *error = NULL;
    *bad = -1;
    if (hs_compile_multi(r->texts, r->flags, r->ids, (unsigned)r->n, MODE, NULL, &db, &error) == HS_SUCCESS)
        return db;
    if (error) {
        *bad = error->expression;
        (void)hs_free_compile_error(error);
    }
    return NULL;
}

/* Whether an expression alone is too much. */
static bool compiles_alone(const struct recipe *r, size_t i)
{
    int bad;
    const struct recipe one = {.texts = &r->texts[i], .flags = &r->flags[i], .ids = &r->ids[i], .n = 1};
    hs_database_t *db = attempt(&one, &bad);
    if (db)
        (void)hs_free_database(db);
    return db != NULL;
}

/* Too much together: without the regexes that are too much alone, or else without any regex, it is less. */
static bool degrade_all(struct recipe *r, uint8_t *modes)
{
    size_t before = r->n;
    for (unsigned all = 0; all < 2 && r->n == before; all++)
        for (size_t i = r->n; i--;)
            if ((r->flags[i] & HS_FLAG_ALLOWEMPTY) && (all || !compiles_alone(r, i))) {
                modes[r->ids[i]] = PATTERN_ALONE;
                drop(r, i);
            }
    return r->n < before;
}

static void compile_recipe(struct recipe *r, struct cache_entry *e)
{
    e->shortest = try_each(r, e->modes);
    while (r->n && r->n <= UINT_MAX) {
        int bad;
        e->db = attempt(r, &bad);
        if (e->db)
            return;
        if (bad >= 0 && (size_t)bad < r->n)
            (void)degrade(r, e->modes, (size_t)bad);
        else if (!degrade_all(r, e->modes))
            break;
        /* A prefilter may match shorter values. */
        e->shortest = try_each(r, e->modes);
    }
    for (size_t i = 0; i < r->n; i++)
        e->modes[r->ids[i]] = PATTERN_ALONE;
}

static bool fresh(const char *cache, const struct recipe *r, struct cache_entry *e)
{
    struct recipe work = {.patterns = r->patterns};
    bool good = true;
    *e = (struct cache_entry){.modes = calloc(r->patterns + 1, 1)};
    for (size_t i = 0; i < r->n && good; i++)
        good = recipe_add(&work, r->texts[i], r->flags[i], r->ids[i]);
    if (good && e->modes) {
        compile_recipe(&work, e);
        if (e->db)
            cache_store(cache, r, e);
    }
    recipe_free(&work);
    return good && e->modes;
}

static bool take_database(struct matcher *m, struct program *pg, struct group *g, const struct recipe *r,
                          const char *cache)
{
    struct cache_entry e = {0};
    if (!cache_load(cache, r, &e) && !fresh(cache, r, &e)) {
        free(e.modes);
        return false;
    }
    g->db = e.db;
    g->shortest = e.shortest;
    for (uint32_t i = 0; i < g->n; i++)
        if (e.modes[i] > pg->patterns[g->patterns[i]].mode)
            pg->patterns[g->patterns[i]].mode = e.modes[i];
    free(e.modes);
    return !g->db || hs_alloc_scratch(g->db, &m->hs) == HS_SUCCESS;
}

bool matcher_compile(struct matcher *m, struct program *pg, uint32_t operand, const char *cache)
{
    struct group *g = &m->groups[operand];
    struct recipe r = {.patterns = g->n};
    bool good = true;
    for (uint32_t i = 0; i < g->n && good; i++)
        good = add_pattern(&r, pg, &pg->patterns[g->patterns[i]], i);
    good = good && make_table(g, pg);
    g->compiled = good;
    g->loop = !r.has_regex && r.n && r.n <= LOOP_MAX;
    if (good && r.n && !g->loop)
        good = take_database(m, pg, g, &r, cache);
    if (good && g->db)
        make_sieve(g, pg, r.has_regex);
    recipe_free(&r);
    return good;
}
