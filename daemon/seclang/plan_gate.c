/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/*
 * Which rules the gate can tell of, and what is scanned for them. Rules of a
 * phase under the same guards of paranoia (skipAfter on a TX variable) are a
 * group. In a group, variables that mostly the same rules look at are one
 * source, so that their patterns are compiled once.
 */
struct key {
    uint8_t var;
    bool named;
    struct span selector;
    uint64_t *rules; /* bits by position */
    bool used;
    uint32_t number;
};

struct gating {
    struct seclang *s;
    struct sec_gate_build *b;
    struct key *keys; /* of the group under way */
    size_t n_keys, cap_keys;
    struct span *guards; /* by position: what its group is told by */
    uint32_t sources, groups, n_numbers;
    bool failed;
};

static void *take(struct gating *g, size_t n, size_t size)
{
    void *at = arena_alloc(&g->s->arena, n * size + 1);
    g->failed |= !at;
    return at;
}

/*
 * A match of something found in the request's own values. A negated one of
 * words is visited always, but does not look for its words where the gate has
 * found none. REQBODY_PROCESSOR may change behind the gate's back, by ctl.
 */
static bool gateable(const struct link *l)
{
    enum sec_gateable kind = l->r->unconditional ? SEC_GATE_NO : sec_operator_gateable(l->op);
    if (kind == SEC_GATE_NO || (l->r->negated && kind != SEC_GATE_WORDS) || !l->r->argument.constant || !l->n_targets)
        return false;
    for (uint32_t i = 0; i < l->n_targets; i++)
        if (l->targets[i].own || l->targets[i].count || l->targets[i].var == SEC_REQBODY_PROCESSOR)
            return false;
    return true;
}

static bool is_guard(const struct link *l)
{
    return l->r->skip_to && !l->next && l->n_targets == 1 && l->targets[0].var == SEC_TX;
}

static struct span guard_name(struct gating *g, const struct span *outer, const struct link *l)
{
    size_t n = outer->len + l->targets[0].selector.len + l->r->argument.as_written.len + 8;
    char *to = take(g, n, 1);
    if (!to)
        return *outer;
    int len = snprintf(to, n, "%.*s%.*s %u%d %.*s\n", (int)outer->len, (const char *)outer->data,
                       (int)l->targets[0].selector.len, (const char *)l->targets[0].selector.data, l->r->op,
                       l->r->negated, (int)l->r->argument.as_written.len, (const char *)l->r->argument.as_written.data);
    for (int i = 0; i < len; i++)
        to[i] = (char)(to[i] >= 'A' && to[i] <= 'Z' ? to[i] + 32 : to[i]);
    return span_of(to, (size_t)len < n ? (size_t)len : n - 1);
}

#define GUARDS_MAX 16

/* What guards a rule stands under, as text: equal texts are equal conditions. */
static void name_guards(struct gating *g, const struct phase_plan *plan)
{
    struct {
        uint32_t end;
        struct span name;
    } open[GUARDS_MAX];
    unsigned n = 0;
    for (uint32_t i = 0; i < plan->n; i++) {
        while (n && open[n - 1].end <= i)
            n--;
        struct span here = n ? open[n - 1].name : span_of("", 0);
        g->guards[plan->first + i] = here;
        const struct link *l = &plan->links[i];
        if (is_guard(l) && n < GUARDS_MAX && l->r->skip_to > i) {
            open[n].end = l->r->skip_to;
            open[n++].name = guard_name(g, &here, l);
        }
    }
}

/* The target's key, made where there is none of that kind. */
static struct key *key_of(struct gating *g, struct target *x)
{
    bool named = x->select == SEC_BY_NAME;
    struct span selector = named ? x->selector : span_of("", 0);
    for (size_t i = 0; i < g->n_keys; i++) {
        struct key *k = &g->keys[i];
        if (k->var == x->var && k->named == named && same_text(k->selector, selector)) {
            x->key = k->number;
            return k;
        }
    }
    if (!vec_room(&g->keys, g->n_keys, 1, &g->cap_keys, sizeof *g->keys)) {
        g->failed = true;
        return NULL;
    }
    x->key = ++g->n_numbers;
    g->keys[g->n_keys] = (struct key){.var = x->var, .named = named, .selector = selector, .number = x->key};
    g->keys[g->n_keys].rules = take(g, g->s->words, sizeof(uint64_t));
    return &g->keys[g->n_keys++];
}

/* The rules of a group, and by whom each value is looked at. */
static uint32_t collect(struct gating *g, const struct phase_plan *plan, uint32_t from, struct group *group)
{
    uint32_t n = 0;
    g->n_keys = 0;
    for (uint32_t i = from; i < plan->n; i++) {
        const struct link *l = &plan->links[i];
        if (plan->groups[i] || !gateable(l) || !same_bytes(g->guards[plan->first + i], g->guards[plan->first + from]))
            continue;
        plan->groups[i] = (uint16_t)(g->groups + 1);
        if (!l->r->negated)
            bit_set(group->rules, plan->first + i);
        n++;
        for (uint32_t j = 0; j < l->n_targets; j++) {
            struct key *k = key_of(g, &l->targets[j]);
            if (!k || g->failed)
                return 0;
            bit_set(k->rules, plan->first + i);
        }
    }
    return n;
}

static uint32_t count(const struct gating *g, const uint64_t *a, const uint64_t *b, bool both)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < g->s->words; i++)
        n += (uint32_t)__builtin_popcountll(both ? a[i] & b[i] : a[i] | b[i]);
    return n;
}

/* Whether two sets of rules have more in common than not. */
static bool alike(const struct gating *g, const uint64_t *a, const uint64_t *b)
{
    return count(g, a, b, true) * 2 >= count(g, a, b, false);
}

/* All transformations that a rule can compare a value after. */
static bool add_rule(struct gating *g, uint32_t source, const struct link *l)
{
    unsigned n = l->r->multi_match ? 0 : l->r->n_transforms;
    bool failed = false, told = true;
    for (; n <= l->r->n_transforms; n++)
        told = sec_gate_add(g->b, source, l->position, l->r->transforms, n, l->op, &failed) && told;
    g->failed |= failed;
    return told;
}

static void source(struct gating *g, const struct phase_plan *plan, struct source *to, const uint64_t *rules)
{
    to->number = g->sources++;
    for (uint32_t i = 0; i < plan->n && !g->failed; i++)
        if (bit_get(rules, plan->first + i) && !add_rule(g, to->number, &plan->links[i]))
            plan->groups[i] = 0;
}

/* Puts keys together into sources. */
static void cluster(struct gating *g, const struct phase_plan *plan, struct group *group)
{
    group->sources = take(g, g->n_keys, sizeof *group->sources);
    for (size_t i = 0; i < g->n_keys && !g->failed; i++) {
        struct source *to = &group->sources[group->n_sources];
        if (g->keys[i].used)
            continue;
        group->n_sources++;
        to->keys = take(g, g->n_keys, sizeof *to->keys);
        uint64_t *rules = g->keys[i].rules;
        for (size_t j = i; j < g->n_keys && !g->failed; j++) {
            struct key *k = &g->keys[j];
            if (k->used || !alike(g, rules, k->rules))
                continue;
            k->used = true;
            to->keys[to->n_keys].var = k->var;
            to->keys[to->n_keys].named = k->named;
            to->keys[to->n_keys].key = k->number;
            to->keys[to->n_keys++].selector = k->selector;
            for (uint32_t w = 0; w < g->s->words; w++)
                rules[w] |= k->rules[w];
        }
        source(g, plan, to, rules);
    }
}

static void phase(struct gating *g, const struct phase_plan *plan)
{
    name_guards(g, plan);
    for (uint32_t i = 0; i < plan->n && !g->failed && g->groups < UINT16_MAX - 1; i++) {
        if (plan->groups[i] || !gateable(&plan->links[i]))
            continue;
        struct group *group = &g->s->groups[g->groups];
        group->rules = take(g, g->s->words, sizeof *group->rules);
        if (g->failed || !collect(g, plan, i, group))
            return;
        cluster(g, plan, group);
        g->groups++;
    }
}

static void forget_keys(const struct link *l)
{
    for (uint32_t i = 0; i < l->n_targets; i++)
        l->targets[i].key = 0;
}

/* Rules that the gate could not take are visited always. */
static void settle(struct seclang *s)
{
    for (unsigned phase = 1; phase < SEC_PHASES; phase++) {
        const struct phase_plan *plan = &s->phases[phase];
        for (uint32_t i = 0; i < plan->n; i++) {
            const struct link *l = &plan->links[i];
            bit_set(plan->groups[i] && !l->r->negated ? s->gated : s->always, plan->first + i);
            if (!plan->groups[i])
                forget_keys(l);
        }
    }
    for (uint32_t i = 0; i < s->n_groups; i++)
        for (uint32_t w = 0; w < s->words; w++)
            s->groups[i].rules[w] &= s->gated[w];
}

bool plan_gate(struct seclang *s, const char *cache, struct diag *d)
{
    struct gating g = {.s = s, .b = sec_gate_build_new()};
    g.guards = take(&g, (size_t)s->words * 64, sizeof *g.guards);
    s->groups = take(&g, s->p->total, sizeof *s->groups);
    g.failed |= !g.b;
    for (unsigned i = 1; i < SEC_PHASES && !g.failed; i++)
        phase(&g, &s->phases[i]);
    s->n_groups = g.groups;
    if (!g.failed) {
        settle(s);
        s->gate = sec_gate_new(g.b, cache, d);
    }
    sec_gate_build_free(g.b);
    free(g.keys);
    if (!s->gate && !diag_count(d))
        diag_add(d, NULL, 0, 0, "out of memory");
    return s->gate != NULL;
}
