/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a source's values are asked: chains as a tree, what entries need as masks, and where their strings lead. */
#include "seclang/gate_internal.h"

/* Sets of bytes that are asked for: entries' needs, then what steps may change. */
struct sets {
    struct factor_bytes *at;
    size_t n, cap;
};

static bool find_set(struct sets *all, const struct factor_bytes *s, uint32_t *ret)
{
    for (size_t i = 0; i < all->n; i++)
        if (memcmp(&all->at[i], s, sizeof *s) == 0) {
            *ret = (uint32_t)i;
            return true;
        }
    if (!vec_room(&all->at, all->n, 1, &all->cap, sizeof *s))
        return false;
    all->at[all->n] = *s;
    *ret = (uint32_t)all->n++;
    return true;
}

static void set_bit(uint64_t *mask, uint32_t i)
{
    mask[i / 64] |= UINT64_C(1) << (i % 64);
}

/* A source's rows, and by entry the first of them. */
struct view {
    const struct sec_gate_build *b;
    const struct gate_row *rows;
    const uint32_t *entries;
    uint32_t n_first; /* entries behind these are of patterns' others */
};

static const struct gate_pattern *pattern_of(const struct view *v, uint32_t entry)
{
    const struct gate_pattern *p = &v->b->patterns[v->rows[v->entries[entry]].pattern];
    return entry < v->n_first ? p : &v->b->others[p->also];
}

static struct span chain_of(const struct view *v, uint32_t entry)
{
    return v->b->chains.at[v->rows[v->entries[entry]].chain];
}

/* ---- chains ---- */

static int compare_chains(const void *x, const void *y)
{
    const struct span *a = x, *b = y;
    size_t len = a->len < b->len ? a->len : b->len;
    int c = len ? memcmp(a->data, b->data, len) : 0;
    return c ? c : (a->len > b->len) - (a->len < b->len);
}

/* How many steps of the chain `last` begins with too, and their nodes. */
static size_t in_common(struct span last, struct span steps)
{
    size_t n = 0;
    while (n < last.len && n < steps.len && last.data[n] == steps.data[n])
        n++;
    return n;
}

/* Nodes of the chains, which are sorted, so that what is below a node follows it. */
static void make_nodes(struct gate_source *s, const struct span *chains, uint32_t n)
{
    uint32_t path[SEC_TRANSFORMS_MAX + 1] = {0};
    s->nodes[s->n_nodes++] = (struct gate_node){.chain = GATE_NONE};
    for (uint32_t i = 0; i < n; i++) {
        size_t at = i ? in_common(chains[i - 1], chains[i]) : 0;
        for (; at < chains[i].len; at++) {
            path[at + 1] = s->n_nodes;
            s->nodes[s->n_nodes++] =
                (struct gate_node){.step = chains[i].data[at], .parent = path[at], .chain = GATE_NONE};
        }
        if (s->nodes[path[at]].chain == GATE_NONE)
            s->nodes[path[at]].chain = s->n_chains++;
    }
    for (uint32_t i = s->n_nodes; i--;) {
        struct gate_node *node = &s->nodes[i];
        node->end = node->end > i ? node->end : i + 1;
        if (i && s->nodes[node->parent].end < node->end)
            s->nodes[node->parent].end = node->end;
    }
}

/* The source's number of a chain. */
static uint32_t find_chain(const struct gate_source *s, struct span steps)
{
    uint32_t at = 0;
    for (size_t i = 0; i < steps.len; i++) {
        uint32_t child = at + 1;
        while (s->nodes[child].step != steps.data[i])
            child = s->nodes[child].end;
        at = child;
    }
    return s->nodes[at].chain;
}

static bool make_chains(struct sec_gate *g, const struct view *v, struct gate_source *s)
{
    size_t steps = 1;
    AUTO_FREE struct span *chains = malloc((s->n_entries + 1) * sizeof *chains);
    for (uint32_t i = 0; chains && i < s->n_entries; i++) {
        chains[i] = chain_of(v, i);
        steps += chains[i].len;
    }
    s->nodes = arena_alloc(&g->arena, steps * sizeof *s->nodes);
    if (!chains || !s->nodes)
        return false;
    qsort(chains, s->n_entries, sizeof *chains, compare_chains);
    make_nodes(s, chains, s->n_entries);
    s->chains = arena_alloc(&g->arena, (s->n_chains + 1) * (size_t)s->words * sizeof *s->chains);
    for (uint32_t i = 0; s->chains && i < s->n_entries; i++)
        set_bit(s->chains + (size_t)find_chain(s, chain_of(v, i)) * s->words, i);
    return s->chains != NULL;
}

/* ---- classes of bytes ---- */

/* Letters come last, for where there are too many classes. */
static uint8_t byte_in_order(unsigned i)
{
    static const char letters[] = "zqxjkvwybpgmfucldhrsniaoteZQXJKVWYBPGMFUCLDHRSNIAOTE";
    unsigned n = 0;
    for (unsigned c = 0; c < 256; c++)
        if (!(c && c < 0x80 && strchr(letters, (int)c)) && n++ == i)
            return (uint8_t)c;
    return (uint8_t)letters[i - n];
}

static bool are_alike(const struct sets *all, uint8_t a, uint8_t b)
{
    for (size_t i = 0; i < all->n; i++)
        if (factor_bytes_has(&all->at[i], a) != factor_bytes_has(&all->at[i], b))
            return false;
    return true;
}

/* Bytes that all sets have, or have not, alike are one class; what is too much goes into the last. */
static void make_classes(struct gate_source *s, const struct sets *all)
{
    uint8_t first[GATE_CLASSES];
    unsigned n = 0;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = byte_in_order(i);
        unsigned k = 0;
        while (k < n && !are_alike(all, byte, first[k]))
            k++;
        if (k == n && n < GATE_CLASSES)
            first[n++] = byte;
        s->bytes[byte] = UINT64_C(1) << (k < GATE_CLASSES ? k : GATE_CLASSES - 1);
    }
}

static uint64_t classes_of(const struct gate_source *s, const struct factor_bytes *set)
{
    uint64_t classes = 0;
    for (unsigned c = 0; c < 256; c++)
        classes |= factor_bytes_has(set, (uint8_t)c) ? s->bytes[c] : 0;
    return classes;
}

/* ---- what entries need ---- */

static bool note(struct sec_gate *g, struct gate_clause **list, uint32_t *n, uint32_t set, uint32_t *at,
                 const struct gate_source *s, uint32_t entry)
{
    if (at[set] == GATE_NONE) {
        uint64_t *mask = arena_alloc(&g->arena, s->words * sizeof *mask);
        if (!mask)
            return false;
        at[set] = *n;
        /* The set's number until there are classes. */
        (*list)[(*n)++] = (struct gate_clause){.classes = set, .entries = mask};
    }
    set_bit((*list)[at[set]].entries, entry);
    return true;
}

static bool collect_sets(struct sets *all, const struct gate_pattern *p, uint32_t *sets)
{
    for (unsigned i = 0; i < p->n_sets; i++)
        if (!find_set(all, &p->sets[i], &sets[i]))
            return false;
    return !p->has_shorts || find_set(all, &p->shorts, &sets[NEEDS_SETS]);
}

static bool collect_steps(struct sets *all, const struct gate_source *s, uint32_t *sets)
{
    for (uint32_t i = 1; i < s->n_nodes; i++) {
        struct factor_bytes touched = {{0}};
        enum transform t = s->nodes[i].step;
        for (unsigned c = 0; c < 256; c++)
            if (transform_touches(t, (uint8_t)c))
                factor_bytes_add(&touched, (uint8_t)c);
        if (!find_set(all, &touched, &sets[t]))
            return false;
    }
    return true;
}

static void note_lowers(struct gate_source *s)
{
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c, buf[1];
        struct span lower = transform_apply(TRANSFORM_LOWER, span_of(&byte, 1), buf);
        s->lowers[__builtin_ctzll(s->bytes[c])] |= s->bytes[lower.data[0]];
    }
}

static void finish_sets(struct gate_source *s, const struct sets *all, const uint32_t *steps)
{
    make_classes(s, all);
    note_lowers(s);
    for (uint32_t i = 0; i < s->n_needs; i++)
        s->needs[i].classes = classes_of(s, &all->at[s->needs[i].classes]);
    for (uint32_t i = 0; i < s->n_shorts; i++)
        s->shorts[i].classes = classes_of(s, &all->at[s->shorts[i].classes]);
    for (uint32_t i = 1; i < s->n_nodes; i++) {
        enum transform t = s->nodes[i].step;
        s->steps[t] = transform_always(t) ? UINT64_MAX : classes_of(s, &all->at[steps[t]]);
    }
}

static bool make_needs(struct sec_gate *g, const struct view *v, struct gate_source *s)
{
    struct sets all = {0};
    uint32_t steps[TRANSFORMS] = {0};
    const size_t most = (size_t)s->n_entries * (NEEDS_SETS + 1);
    uint32_t *sets = calloc(most, sizeof *sets), *at = malloc((most + 1) * 2 * sizeof *at);
    s->needs = arena_alloc(&g->arena, most * sizeof *s->needs);
    s->shorts = arena_alloc(&g->arena, s->n_entries * sizeof *s->shorts);
    s->stringed = arena_alloc(&g->arena, s->words * sizeof *s->stringed);
    bool good = sets && at && s->needs && s->shorts && s->stringed && collect_steps(&all, s, steps);
    for (uint32_t i = 0; i < s->n_entries && good; i++)
        good = collect_sets(&all, pattern_of(v, i), sets + (size_t)i * (NEEDS_SETS + 1));
    if (good)
        memset(at, 0xff, (most + 1) * 2 * sizeof *at);
    for (uint32_t i = 0; i < s->n_entries && good; i++) {
        const struct gate_pattern *p = pattern_of(v, i);
        const uint32_t *mine = sets + (size_t)i * (NEEDS_SETS + 1);
        for (unsigned k = 0; k < p->n_sets && good; k++)
            good = note(g, &s->needs, &s->n_needs, mine[k], at, s, i);
        if (good && p->has_shorts)
            good = note(g, &s->shorts, &s->n_shorts, mine[NEEDS_SETS], at + most + 1, s, i);
        if (p->has_shorts || p->n_strings)
            set_bit(s->stringed, i);
    }
    if (good)
        finish_sets(s, &all, steps);
    free(sets);
    free(at);
    free(all.at);
    return good;
}

/* ---- lists ---- */

/* Makes room for the entries of n lists, of which from[i + 1] holds the length of the i-th. */
static bool make_list(struct sec_gate *g, struct gate_list *l, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        l->from[i + 1] += l->from[i];
    l->at = arena_alloc(&g->arena, (l->from[n] + 1) * sizeof *l->at);
    return l->at != NULL;
}

static bool make_rules(struct sec_gate *g, const struct view *v, struct gate_source *s, size_t n)
{
    s->rules.from = arena_alloc(&g->arena, (s->n_entries + 1) * sizeof *s->rules.from);
    s->rules.at = arena_alloc(&g->arena, n * sizeof *s->rules.at);
    if (!s->rules.from || !s->rules.at)
        return false;
    for (uint32_t i = 0; i <= s->n_entries; i++)
        s->rules.from[i] = i < v->n_first ? v->entries[i] : (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        s->rules.at[i] = v->rows[i].rule;
    return true;
}

static int compare_ids(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

static void unite_strings(uint32_t *ids, uint32_t *n)
{
    uint32_t distinct = 0;
    qsort(ids, *n, sizeof *ids, compare_ids);
    for (uint32_t i = 0; i < *n; i++)
        if (!i || ids[i] != ids[i - 1])
            ids[distinct++] = ids[i];
    *n = distinct;
}

/* The database that looks for these strings, made when there is none. */
static bool find_database(struct sec_gate *g, const uint32_t *ids, uint32_t n, uint32_t *ret)
{
    for (*ret = 0; *ret < g->n_databases; ++*ret)
        if (g->databases[*ret].n == n && memcmp(g->databases[*ret].strings, ids, n * sizeof *ids) == 0)
            return true;
    struct gate_database *d = &g->databases[g->n_databases];
    d->strings = arena_alloc(&g->arena, n * sizeof *ids);
    if (!d->strings)
        return false;
    memcpy(d->strings, ids, n * sizeof *ids);
    d->n = n;
    g->n_databases++;
    return true;
}

static bool sift(struct sieve_build *sb, const struct sec_gate_build *b, const uint32_t *ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!sieve_add_string(sb, b->strings.at[ids[i]]))
            return false;
    return true;
}

static struct sieve *make_sieve(const struct sec_gate_build *b, const uint32_t *ids, uint32_t n)
{
    struct sieve_build sb = {0};
    struct sieve *sieve = sift(&sb, b, ids, n) ? sieve_new(&sb) : NULL;
    sieve_build_free(&sb);
    return sieve;
}

/* All groups' strings in one: it lets most short values by with one look. */
static bool make_common_sieve(const struct sec_gate *g, const struct sec_gate_build *b, struct gate_source *s)
{
    struct sieve_build sb = {0};
    bool good = true;
    for (uint32_t i = 0; i < s->n_groups && good; i++) {
        const struct gate_database *d = &g->databases[s->groups[i].database];
        good = sift(&sb, b, d->strings, d->n);
    }
    if (good && s->n_groups)
        s->sieve = sieve_new(&sb);
    sieve_build_free(&sb);
    return good && (s->sieve || !s->n_groups);
}

static bool is_in(const uint64_t *mask, uint32_t i)
{
    return mask[i / 64] >> (i % 64) & 1;
}

/* Counts the entries of each string into hits.from, or with `fill` writes them. */
static void pass_hits(const struct view *v, uint32_t n_entries, struct gate_group *group, const uint32_t *ids,
                      uint32_t n, uint32_t *fill)
{
    for (uint32_t i = 0; i < n_entries; i++) {
        const struct gate_pattern *p = pattern_of(v, i);
        for (uint32_t k = 0; is_in(group->entries, i) && k < p->n_strings; k++) {
            const uint32_t *found = bsearch(&v->b->ids[p->strings + k], ids, n, sizeof *ids, compare_ids);
            size_t at = (size_t)(found - ids);
            if (fill)
                group->hits.at[fill[at]++] = i;
            else
                group->hits.from[at + 1]++;
        }
    }
}

/* Whether all chains of the group's entries end in lower case. */
static bool ends_lower(const struct view *v, uint32_t n_entries, const struct gate_group *group)
{
    for (uint32_t i = 0; i < n_entries; i++) {
        struct span steps = is_in(group->entries, i) ? chain_of(v, i) : span_of(NULL, 0);
        if (is_in(group->entries, i) && (!steps.len || steps.data[steps.len - 1] != TRANSFORM_LOWER))
            return false;
    }
    return true;
}

static bool keep_alone(struct sec_gate *g, const struct view *v, struct gate_group *group, uint32_t id)
{
    struct span s = v->b->strings.at[id];
    const char *copy = arena_copy(&g->arena, s.data, s.len);
    group->alone = span_of(copy, copy ? s.len : 0);
    return copy;
}

static bool make_hits(struct sec_gate *g, const struct view *v, uint32_t n_entries, struct gate_group *group)
{
    size_t total = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_entries; i++)
        total += is_in(group->entries, i) ? pattern_of(v, i)->n_strings : 0;
    group->database = GATE_NONE;
    if (!total)
        return true;
    AUTO_FREE uint32_t *ids = malloc(total * sizeof *ids);
    AUTO_FREE uint32_t *fill = malloc((total + 1) * sizeof *fill);
    if (!ids || !fill)
        return false;
    for (uint32_t i = 0; i < n_entries; i++) {
        const struct gate_pattern *p = pattern_of(v, i);
        for (uint32_t k = 0; is_in(group->entries, i) && k < p->n_strings; k++)
            ids[n++] = v->b->ids[p->strings + k];
    }
    unite_strings(ids, &n);
    group->sieve = make_sieve(v->b, ids, n);
    group->hits.from = arena_alloc(&g->arena, (n + 1) * sizeof *group->hits.from);
    if (!group->sieve || !group->hits.from || !find_database(g, ids, n, &group->database))
        return false;
    pass_hits(v, n_entries, group, ids, n, NULL);
    if (!make_list(g, &group->hits, n))
        return false;
    memcpy(fill, group->hits.from, (n + 1) * sizeof *fill);
    pass_hits(v, n_entries, group, ids, n, fill);
    return n != 1 || !ends_lower(v, n_entries, group) || keep_alone(g, v, group, ids[0]);
}

/* What a chain does to ordinary text. */
static uint64_t kind_of(struct span steps)
{
    _Static_assert(TRANSFORMS <= 64, "a bit for each transformation");
    const uint64_t one = 1, changing = one << TRANSFORM_LOWER | one << TRANSFORM_CMD_LINE |
                                       one << TRANSFORM_REMOVE_WHITESPACE | one << TRANSFORM_COMPRESS_WHITESPACE;
    uint64_t kind = 0;
    for (size_t i = 0; i < steps.len; i++)
        if (transform_always(steps.data[i]) || (changing >> steps.data[i] & 1))
            kind |= one << steps.data[i];
    return kind;
}

/* The last group takes what finds no room. */
static struct gate_group *group_of(struct gate_source *s, uint64_t kind)
{
    uint32_t i = 0;
    while (i < s->n_groups && s->groups[i].kind != kind)
        i++;
    if (i == GATE_GROUPS)
        return &s->groups[i - 1];
    s->groups[i].kind = kind;
    s->n_groups = i == s->n_groups ? i + 1 : s->n_groups;
    return &s->groups[i];
}

static bool make_groups(struct sec_gate *g, const struct view *v, struct gate_source *s)
{
    for (uint32_t i = 0; i < s->n_entries; i++) {
        if (!pattern_of(v, i)->n_strings)
            continue;
        struct gate_group *group = group_of(s, kind_of(chain_of(v, i)));
        if (!group->entries)
            group->entries = arena_alloc(&g->arena, s->words * sizeof *group->entries);
        if (!group->entries)
            return false;
        set_bit(group->entries, i);
    }
    for (uint32_t i = 0; i < s->n_groups; i++)
        if (!make_hits(g, v, s->n_entries, &s->groups[i]))
            return false;
    return make_common_sieve(g, v->b, s);
}

/* Behind the entries, one for each pattern's other. */
static bool make_pairs(struct sec_gate *g, const struct view *v, struct gate_source *s, uint32_t *entries)
{
    s->pairs = arena_alloc(&g->arena, v->n_first * sizeof *s->pairs);
    if (!s->pairs)
        return false;
    for (uint32_t i = 0; i < v->n_first; i++) {
        if (pattern_of(v, i)->also == GATE_NONE)
            continue;
        s->pairs[s->n_pairs++] = (struct gate_pair){.entry = i, .also = s->n_entries};
        entries[s->n_entries++] = entries[i];
    }
    return true;
}

bool gate_make_source(struct sec_gate *g, const struct sec_gate_build *b, struct gate_source *s,
                      const struct gate_row *rows, size_t n)
{
    AUTO_FREE uint32_t *entries = malloc((n + 1) * 2 * sizeof *entries);
    struct view v = {.b = b, .rows = rows, .entries = entries};
    if (!entries)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!i || rows[i].pattern != rows[i - 1].pattern || rows[i].chain != rows[i - 1].chain)
            entries[s->n_entries++] = (uint32_t)i;
    v.n_first = s->n_entries;
    if (!make_pairs(g, &v, s, entries))
        return false;
    s->words = (s->n_entries + 63) / 64;
    s->paired = arena_alloc(&g->arena, s->words * sizeof *s->paired);
    for (uint32_t i = 0; s->paired && i < s->n_pairs; i++)
        set_bit(s->paired, s->pairs[i].entry);
    return s->paired && make_chains(g, &v, s) && make_needs(g, &v, s) && make_rules(g, &v, s, n) &&
           make_groups(g, &v, s);
}
