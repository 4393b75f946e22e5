/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/seclang.h"

#include <sys/random.h>

#include "seclang/run_internal.h"

#define POOL_MOST ((size_t)32 << 20) /* of a transaction's own memory */
#define FREE_MAX 64                  /* transactions that are kept to be used again */
#define KEEP ((size_t)4096)          /* elements of a list that is kept with them */
#define KEEP_BUFFER ((size_t)1 << 20)

/* Which TX variables some rule adds to. */
static bool note_sums(struct seclang *s)
{
    s->sums = arena_alloc(&s->arena, (s->n_names / 64 + 1) * sizeof *s->sums);
    for (size_t i = 0; s->sums && i < s->n_links; i++)
        for (uint32_t k = 0; k < s->links[i]->r->n_setvars; k++) {
            const struct set *set = &s->links[i]->sets[k];
            if (set->v->how == SEC_ADD && set->slot != NO_SLOT)
                bit_set(s->sums, set->slot);
        }
    return s->sums != NULL;
}

struct seclang *seclang_load(const char *const *files, size_t n, const struct seclang_options *o, struct diag *d)
{
    struct sec_read_options read = {.skip_unknown = o->skip_unknown};
    struct seclang *s = calloc(1, sizeof *s);
    if (!s) {
        diag_add(d, NULL, 0, 0, "out of memory");
        return NULL;
    }
    s->p = sec_read(files, n, &read, d);
    if (s->p && getrandom(s->name_key, sizeof s->name_key, 0) == sizeof s->name_key && plan_links(s, d) &&
        plan_gate(s, o->cache, d) && note_sums(s)) {
        s->store = store_new(o->store_entries, s->p->settings.collection_timeout);
        s->response_body |= s->p->settings.response_body;
        if (o->detection_only && s->p->settings.engine == SEC_ON)
            s->p->settings.engine = SEC_DETECTION_ONLY;
        if (s->store)
            return s;
    }
    if (!diag_count(d))
        diag_add(d, NULL, 0, 0, "out of memory");
    seclang_free(s);
    return NULL;
}

void seclang_free(struct seclang *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_links; i++)
        sec_operator_free(s->links[i]->op);
    sec_gate_free(s->gate);
    store_unref(s->store);
    sec_program_free(s->p);
    free(s->links);
    free(s->names);
    free(s->name_table);
    arena_free(&s->arena);
    free(s);
}

void seclang_inherit(struct seclang *s, const struct seclang *old)
{
    store_unref(s->store);
    s->store = store_ref(old->store);
    store_set_timeout(s->store, s->p->settings.collection_timeout);
}

size_t seclang_count(const struct seclang *s)
{
    return s->p->total;
}

const struct sec_rule *seclang_rule(const struct seclang *s, size_t index)
{
    return index < s->p->total ? s->rules[index] : NULL;
}

const struct sec_settings *seclang_settings(const struct seclang *s)
{
    return &s->p->settings;
}

bool seclang_has_phase(const struct seclang *s, unsigned phase)
{
    return phase >= 1 && phase < SEC_PHASES && s->phases[phase].n > 0 && (phase != 4 || s->response_body);
}

size_t seclang_warnings(const struct seclang *s)
{
    return s->p->n_warnings;
}

const char *seclang_warning(const struct seclang *s, size_t i)
{
    return i < s->p->n_warnings ? (const char *)s->p->warnings[i].data : NULL;
}

struct seclang_memory *seclang_memory_new(const struct seclang *s)
{
    struct seclang_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->s = s;
    m->gate = sec_gate_memory_new(s->gate);
    m->operators = sec_operator_memory_new(s->p->settings.regex_steps);
    m->regex = regex_memory_new(s->p->settings.regex_steps);
    m->bits = calloc((size_t)s->words * 3 + s->n_groups / 64 + 1, sizeof *m->bits);
    m->values = calloc((size_t)s->words * 64 + 1, sizeof *m->values);
    m->memo = calloc(MEMO, sizeof *m->memo);
    m->visit = m->bits;
    m->told = m->visit + s->words;
    m->told_now = m->told + s->words;
    m->scanned = m->told_now + s->words;
    if (m->gate && m->operators && m->regex && m->bits && m->values && m->memo)
        return m;
    seclang_memory_free(m);
    return NULL;
}

static void tx_free(struct seclang_tx *t)
{
    sec_vars_free(t->vars);
    pool_free(&t->pool);
    free(t->tx);
    free(t->set);
    free(t->dynamic);
    free(t->env);
    free(t->matched);
    free(t->removed);
    free(t->removals);
    free(t->events);
    free(t);
}

void seclang_memory_free(struct seclang_memory *m)
{
    if (!m)
        return;
    for (struct seclang_tx *t = m->free, *next; t; t = next) {
        next = t->next;
        tx_free(t);
    }
    sec_gate_memory_free(m->gate);
    sec_operator_memory_free(m->operators);
    regex_memory_free(m->regex);
    free(m->buf[0]);
    free(m->buf[1]);
    free(m->bits);
    free(m->values);
    free(m->told_list);
    free(m->memo);
    free(m->own);
    free(m);
}

static struct seclang_tx *tx_new(const struct seclang *s, struct seclang_memory *m)
{
    struct seclang_tx *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->s = s;
    t->m = m;
    t->pool.most = POOL_MOST;
    t->n_tx = s->n_names;
    t->cap_tx = s->n_names;
    t->tx = calloc(s->n_names, sizeof *t->tx);
    t->vars = sec_vars_new(&s->p->settings);
    t->removed = calloc((size_t)s->words * 2 + 1, sizeof *t->removed);
    t->removals = calloc(REMOVALS_MAX, sizeof *t->removals);
    if (!t->tx || !t->vars || !t->removed || !t->removals) {
        tx_free(t);
        return NULL;
    }
    t->touched = t->removed + s->words;
    return t;
}

struct seclang_tx *seclang_begin(const struct seclang *s, struct seclang_memory *m, const struct sec_connection *c)
{
    struct seclang_tx *t = m->free;
    if (t) {
        m->free = t->next;
        m->n_free--;
    } else if (!(t = tx_new(s, m))) {
        return NULL;
    }
    t->now_ms = c->now_ms;
    t->engine = (uint8_t)s->p->settings.engine;
    t->allow = SEC_PASS;
    t->body_access = s->p->settings.request_body;
    t->response_access = s->p->settings.response_body;
    t->highest_severity = 255;
    sec_vars_begin(t->vars, c);
    return t;
}

static void trim(void *list, size_t *cap, size_t size)
{
    void *old;
    if (*cap * size <= KEEP * sizeof(struct member))
        return;
    memcpy(&old, list, sizeof old);
    free(old);
    old = NULL;
    memcpy(list, &old, sizeof old);
    *cap = 0;
}

void seclang_end(struct seclang_tx *t)
{
    struct seclang_memory *m = t->m;
    tx_forget(t);
    matched_clear(t);
    if (t->n_removals)
        memset(t->touched, 0, t->s->words * sizeof *t->touched);
    t->n_env = t->n_geo = t->n_removals = 0;
    t->skip_on = NULL;
    t->n_events = 0;
    memset(t->keys, 0, sizeof t->keys);
    if (t->removed_any)
        memset(t->removed, 0, t->s->words * sizeof *t->removed);
    t->removed_any = false;
    trim(&t->set, &t->cap_set, sizeof *t->set);
    trim(&t->matched, &t->cap_matched, sizeof *t->matched);
    trim(&m->own, &m->cap_own, sizeof *m->own);
    trim(&t->events, &t->cap_events, sizeof *t->events);
    trim(&m->told_list, &m->cap_told_list, sizeof *m->told_list);
    pool_reset(&t->pool);
    for (unsigned i = 0; i < 2; i++) {
        if (m->size[i] <= KEEP_BUFFER)
            continue;
        free(m->buf[i]);
        m->buf[i] = NULL;
        m->size[i] = 0;
    }
    if (m->n_free >= FREE_MAX) {
        tx_free(t);
        return;
    }
    t->next = m->free;
    m->free = t;
    m->n_free++;
}

int64_t seclang_score(const struct seclang_tx *t, struct span name)
{
    uint32_t slot = plan_slot(t->s, name);
    if (slot == NO_SLOT || !t->tx[slot].order)
        return 0;
    return number_of(t->tx[slot].value);
}

void seclang_add_score(struct seclang_tx *t, struct span name, int64_t n)
{
    uint32_t slot = plan_slot(t->s, name);
    if (slot != NO_SLOT)
        tx_put_number(t, slot, span_of(NULL, 0), (int32_t)(seclang_score(t, name) + n));
}

bool seclang_has_score(const struct seclang *s, struct span name)
{
    return plan_slot(s, name) != NO_SLOT;
}

void seclang_each_score(const struct seclang_tx *t, void (*each)(void *ctx, struct span name, int64_t n), void *ctx)
{
    for (uint32_t i = DIGITS; i < t->s->n_names; i++) {
        int64_t n = bit_get(t->s->sums, i) && t->tx[i].order ? number_of(t->tx[i].value) : 0;
        if (n)
            each(ctx, t->s->names[i], n);
    }
}

size_t seclang_memory_of(const struct seclang_tx *t)
{
    return sizeof *t + t->pool.total + sec_vars_memory(t->vars) + t->cap_tx * sizeof *t->tx +
           t->cap_matched * sizeof *t->matched + t->cap_events * sizeof *t->events + REMOVALS_MAX * sizeof *t->removals;
}

bool seclang_wants_response_body(struct seclang_tx *t)
{
    return seclang_has_phase(t->s, 4) && sec_vars_runs(t->vars, 4);
}
