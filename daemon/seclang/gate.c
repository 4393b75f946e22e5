/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A rule is told when its value has, behind the rule's transformations, what
 * all matches of its operator contain: bytes of certain sets, and one of
 * certain strings. Bytes are looked at first; most values need no more.
 */
#include "seclang/gate_internal.h"

#define STRING_MAX 32 /* bytes of a word that are looked for */
#define SIEVE_MAX 64  /* bytes of a value that the sieve is asked about; scanning a longer one is as quick */
#define VALUE_USUAL ((size_t)64 << 10)

/* ---- patterns ---- */

struct sec_gate_build *sec_gate_build_new(void)
{
    return calloc(1, sizeof(struct sec_gate_build));
}

void sec_gate_build_free(struct sec_gate_build *b)
{
    if (!b)
        return;
    strtab_free(&b->keys);
    strtab_free(&b->chains);
    strtab_free(&b->strings);
    free(b->patterns);
    free(b->others);
    free(b->ids);
    free(b->rows);
    free(b);
}

static bool add_string(struct sec_gate_build *b, struct gate_pattern *p, struct span s)
{
    uint8_t lower[STRING_MAX];
    s = span_first(s, STRING_MAX);
    if (s.len == 1) {
        p->has_shorts = true;
        factor_bytes_add_caseless(&p->shorts, s.data[0]);
        return true;
    }
    for (size_t i = 0; i < s.len; i++)
        lower[i] = (uint8_t)(s.data[i] + (s.data[i] >= 'A' && s.data[i] <= 'Z' ? 'a' - 'A' : 0));
    long id = strtab_add(&b->strings, lower, s.len);
    if (id < 0 || !vec_room(&b->ids, b->n_ids, 1, &b->cap_ids, sizeof *b->ids))
        return false;
    b->ids[b->n_ids++] = (uint32_t)id;
    p->n_strings++;
    return true;
}

/* Also the bytes that do for strings, where there are any. */
static bool add_strings(struct sec_gate_build *b, struct gate_pattern *p, const struct needs *needs,
                        const struct factors *strings)
{
    p->strings = (uint32_t)b->n_ids;
    p->n_sets = needs->n_sets;
    memcpy(p->sets, needs->sets, sizeof p->sets);
    if (strings->n && needs->has_gaps) {
        p->has_shorts = true;
        p->shorts = needs->gaps;
    }
    for (unsigned i = 0; i < strings->n; i++)
        if (!add_string(b, p, span_of(strings->at[i], strings->len[i])))
            return false;
    return true;
}

static bool add_regex(struct sec_gate_build *b, struct gate_pattern *p, struct span regex)
{
    struct needs needs;
    if (!needs_of_regex(regex, &needs))
        return true;
    if (!add_strings(b, p, &needs, &needs.strings))
        return false;
    if (!needs.also.n)
        return true;
    if (!vec_room(&b->others, b->n_others, 1, &b->cap_others, sizeof *b->others))
        return false;
    struct gate_pattern *other = &b->others[b->n_others];
    *other = (struct gate_pattern){.also = GATE_NONE};
    p->also = (uint32_t)b->n_others++;
    return add_strings(b, other, &needs, &needs.also);
}

static bool add_words(struct sec_gate_build *b, struct gate_pattern *p, const struct sec_operator *o)
{
    struct span word;
    bool caseless;
    for (uint32_t i = 0; sec_operator_word(o, i, &word, &caseless); i++) {
        if (!word.len) {
            /* It is in every value. */
            b->n_ids -= p->n_strings;
            *p = (struct gate_pattern){.strings = p->strings, .also = GATE_NONE};
            return true;
        }
        if (!add_string(b, p, word))
            return false;
    }
    return true;
}

/* What makes two operators the same: 'r' and the regex; 'w' and the words. */
static long key_of(struct sec_gate_build *b, const struct sec_operator *o, enum sec_gateable kind)
{
    size_t len = 1, used = 1;
    struct span word = {0};
    bool caseless;
    if (kind == SEC_GATE_REGEX)
        len += sec_operator_regex(o).len;
    for (uint32_t i = 0; kind == SEC_GATE_WORDS && sec_operator_word(o, i, &word, &caseless); i++)
        len += word.len + sizeof word.len;
    AUTO_FREE uint8_t *key = malloc(len);
    if (!key)
        return -1;
    key[0] = kind == SEC_GATE_REGEX ? 'r' : 'w';
    if (kind == SEC_GATE_REGEX)
        memcpy(key + 1, sec_operator_regex(o).data, len - 1);
    for (uint32_t i = 0; kind == SEC_GATE_WORDS && sec_operator_word(o, i, &word, &caseless); i++) {
        memcpy(key + used, &word.len, sizeof word.len);
        used += sizeof word.len;
        memcpy(key + used, word.data, word.len);
        used += word.len;
    }
    return strtab_add(&b->keys, key, len);
}

static long add_pattern(struct sec_gate_build *b, const struct sec_operator *o, enum sec_gateable kind)
{
    size_t before = b->keys.n;
    long id = vec_room(&b->patterns, before, 1, &b->cap_patterns, sizeof *b->patterns) ? key_of(b, o, kind) : -1;
    if (id < 0 || b->keys.n == before)
        return id;
    struct gate_pattern *p = &b->patterns[id];
    *p = (struct gate_pattern){.strings = (uint32_t)b->n_ids, .also = GATE_NONE};
    bool good = kind == SEC_GATE_REGEX ? add_regex(b, p, sec_operator_regex(o)) : add_words(b, p, o);
    return good ? id : -1;
}

bool sec_gate_add(struct sec_gate_build *b, uint32_t source, uint32_t rule, const uint8_t *transforms,
                  unsigned n_transforms, const struct sec_operator *o, bool *failed)
{
    enum sec_gateable kind = sec_operator_gateable(o);
    if (kind == SEC_GATE_NO || n_transforms > SEC_TRANSFORMS_MAX)
        return false;
    long pattern = add_pattern(b, o, kind), chain = strtab_add(&b->chains, transforms, n_transforms);
    if (pattern < 0 || chain < 0 || !vec_room(&b->rows, b->n_rows, 1, &b->cap_rows, sizeof *b->rows)) {
        *failed = true;
        return false;
    }
    b->rows[b->n_rows++] =
        (struct gate_row){.source = source, .pattern = (uint32_t)pattern, .chain = (uint32_t)chain, .rule = rule};
    return true;
}

/* ---- making ---- */

static int compare(const void *x, const void *y)
{
    const struct gate_row *a = x, *b = y;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    if (a->pattern != b->pattern)
        return a->pattern < b->pattern ? -1 : 1;
    if (a->chain != b->chain)
        return a->chain < b->chain ? -1 : 1;
    return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static bool make_sources(struct sec_gate *g, struct sec_gate_build *b)
{
    if (b->n_rows)
        qsort(b->rows, b->n_rows, sizeof *b->rows, compare);
    g->n_sources = b->n_rows ? b->rows[b->n_rows - 1].source + 1 : 0;
    g->sources = arena_alloc(&g->arena, (g->n_sources + (size_t)1) * sizeof *g->sources);
    g->databases = arena_alloc(&g->arena, ((size_t)g->n_sources * GATE_GROUPS + 1) * sizeof *g->databases);
    if (!g->sources || !g->databases)
        return false;
    for (size_t from = 0, to; from < b->n_rows; from = to) {
        struct gate_source *s = &g->sources[b->rows[from].source];
        for (to = from; to < b->n_rows && b->rows[to].source == b->rows[from].source;)
            to++;
        if (!gate_make_source(g, b, s, b->rows + from, to - from))
            return false;
        g->most_words = s->words > g->most_words ? s->words : g->most_words;
        g->most_nodes = s->n_nodes > g->most_nodes ? s->n_nodes : g->most_nodes;
    }
    return true;
}

static void count(struct sec_gate *g, const struct sec_gate_build *b)
{
    g->figures.patterns = (uint32_t)b->keys.n;
    g->figures.chains = (uint32_t)b->chains.n;
    for (size_t i = 0; i < b->keys.n; i++)
        g->figures.ungated += !b->patterns[i].n_sets && !b->patterns[i].n_strings && !b->patterns[i].has_shorts;
}

struct sec_gate *sec_gate_new(struct sec_gate_build *b, const char *cache, struct diag *d)
{
    struct sec_gate *g = calloc(1, sizeof *g);
    if (g && make_sources(g, b)) {
        count(g, b);
        if (gate_compile(g, b, cache, d))
            return g;
    } else {
        diag_add(d, NULL, 0, 0, "out of memory");
    }
    sec_gate_free(g);
    return NULL;
}

void sec_gate_free(struct sec_gate *g)
{
    if (!g)
        return;
    for (uint32_t i = 0; g->databases && i < g->n_databases; i++)
        if (g->databases[i].db)
            (void)hs_free_database(g->databases[i].db);
    for (uint32_t i = 0; g->sources && i < g->n_sources; i++) {
        sieve_free(g->sources[i].sieve);
        for (uint32_t k = 0; k < g->sources[i].n_groups; k++)
            sieve_free(g->sources[i].groups[k].sieve);
    }
    if (g->scratch)
        (void)hs_free_scratch(g->scratch);
    arena_free(&g->arena);
    free(g);
}

void sec_gate_figures(const struct sec_gate *g, struct sec_gate_figures *ret)
{
    *ret = g->figures;
}

/* ---- memory ---- */

static bool make_room(const struct gate_source *s, struct sec_gate_memory *m, size_t len)
{
    size_t need = gate_room(s, m->rooms, len);
    if (need <= m->size)
        return true;
    if (need == SIZE_MAX)
        return false;
    free(m->buffer);
    m->buffer = malloc(need);
    m->size = m->buffer ? need : 0;
    return m->buffer != NULL;
}

struct sec_gate_memory *sec_gate_memory_new(const struct sec_gate *g)
{
    struct sec_gate_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->words = g->most_words;
    m->nodes = g->most_nodes;
    const size_t words = m->words, nodes = m->nodes;
    m->texts = malloc((nodes + 1) * sizeof *m->texts);
    m->arrivals = malloc((nodes + 1) * sizeof *m->arrivals);
    m->rooms = malloc((nodes + 1) * sizeof *m->rooms);
    m->masks = malloc((nodes + 1) * 2 * (words + 1) * sizeof *m->masks);
    m->seen_masks = malloc((GATE_SEEN + 1) * 4 * (words + 1) * sizeof *m->seen_masks);
    m->seen_nodes = malloc((GATE_SEEN + 1) * (nodes + 1) * sizeof *m->seen_nodes);
    bool good = m->seen_masks && m->seen_nodes && m->texts && m->arrivals && m->rooms && m->masks &&
                (!g->scratch || hs_clone_scratch(g->scratch, &m->scratch) == HS_SUCCESS);
    for (size_t i = 0; good && i <= GATE_SEEN; i++) {
        uint64_t *masks = m->seen_masks + 4 * i * words;
        struct gate_outcome o = {.told = masks, .open = masks + words, .next = m->seen_nodes + i * nodes};
        if (i == GATE_SEEN)
            m->outcome = o;
        else
            m->seen[i] = (struct gate_seen){
                .source = GATE_NONE, .alive = masks + 2 * words, .found = masks + 3 * words, .first = o};
    }
    /* Pages that no value needs are never touched. */
    for (uint32_t i = 0; i < g->n_sources && good; i++)
        good = make_room(&g->sources[i], m, VALUE_USUAL);
    if (good)
        return m;
    sec_gate_memory_free(m);
    return NULL;
}

void sec_gate_memory_free(struct sec_gate_memory *m)
{
    if (!m)
        return;
    if (m->scratch)
        (void)hs_free_scratch(m->scratch);
    free(m->texts);
    free(m->arrivals);
    free(m->rooms);
    free(m->masks);
    free(m->seen_masks);
    free(m->seen_nodes);
    free(m->buffer);
    free(m);
}

/* ---- scanning ---- */

struct hit_context {
    const struct gate_list *hits;
    uint64_t *found;
};

static int on_hit(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
    const struct hit_context *c = context;
    (void)from;
    (void)to;
    (void)flags;
    for (uint32_t i = c->hits->from[id]; i < c->hits->from[id + 1]; i++)
        c->found[c->hits->at[i] / 64] |= UINT64_C(1) << (c->hits->at[i] % 64);
    return 0;
}

/* The group's strings in the text; false where that cannot be told. */
static bool find_strings(const struct sec_gate *g, const struct gate_group *group, struct sec_gate_memory *m,
                         const struct gate_text *t)
{
    if (t->at.len <= SIEVE_MAX && !sieve_may_hold(group->sieve, t->at))
        return true;
    struct hit_context c = {.hits = &group->hits, .found = t->found};
    if (group->alone.len) {
        if (memmem(t->at.data, t->at.len, group->alone.data, group->alone.len))
            (void)on_hit(0, 0, 0, 0, &c);
        return true;
    }
    const char *data = t->at.len ? (const char *)t->at.data : "";
    const unsigned length = (unsigned)t->at.len;
    return hs_scan_vector(g->databases[group->database].db, &data, &length, 1, 0, m->scratch, on_hit, &c) == HS_SUCCESS;
}

static void tell_all(const struct gate_source *s, uint64_t *rules)
{
    for (uint32_t i = 0; i < s->n_entries; i++)
        gate_tell(s, i, rules);
}

static bool bit_get(const uint64_t *mask, uint32_t i)
{
    return mask[i / 64] >> (i % 64) & 1;
}

/* Tells of the text's entries that wait for strings. */
static void scan_text(const struct sec_gate *g, const struct gate_source *s, struct sec_gate_memory *m,
                      struct gate_text *t, uint64_t *rules)
{
    bool all = false, pass = t->at.len <= SIEVE_MAX && t->groups && !sieve_may_hold(s->sieve, t->at);
    for (uint32_t i = 0; i < s->n_groups && !pass; i++)
        if ((t->groups >> i & 1) && !find_strings(g, &s->groups[i], m, t))
            all = true;
    for (uint32_t i = 0; i < s->n_pairs && !all; i++)
        if (!bit_get(t->found, s->pairs[i].also))
            t->found[s->pairs[i].entry / 64] &= ~(UINT64_C(1) << (s->pairs[i].entry % 64));
    for (uint32_t w = 0; w < s->words; w++)
        for (uint64_t bits = t->open[w] & (all ? UINT64_MAX : t->found[w]); bits; bits &= bits - 1)
            gate_tell(s, w * 64 + (uint32_t)__builtin_ctzll(bits), rules);
}

void sec_gate_scan(const struct sec_gate *g, struct sec_gate_memory *m, uint32_t source, struct span value,
                   uint64_t *rules)
{
    const struct gate_source *s = source < g->n_sources ? &g->sources[source] : NULL;
    if (!s || !s->n_entries)
        return;
    if (value.len > VALUE_USUAL && (value.len > UINT32_MAX / 4 || !make_room(s, m, value.len))) {
        tell_all(s, rules);
        return;
    }
    gate_walk(s, m, source, value, rules);
    for (uint32_t i = 0; i < m->n_texts; i++)
        if (m->texts[i].is_open)
            scan_text(g, s, m, &m->texts[i], rules);
}
