/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/* One rule executed: its targets' values, the operator, the chain, and what a match does. */

static void severity(struct seclang_tx *t, const struct link *l)
{
    if (l->r->severity >= 0 && l->r->severity < t->highest_severity)
        t->highest_severity = l->r->severity;
}

/* The chain's first link comes last and has the last word. */
static void texts(struct seclang_tx *t, const struct link *l)
{
    if (!t->head->r->log)
        return;
    if (l->r->message.as_written.len)
        t->message = expand(t, &l->message, EVENT_TEXT_MAX);
    if (l->r->log_data.as_written.len)
        t->data = expand(t, &l->log_data, EVENT_TEXT_MAX);
}

static void event(struct seclang_tx *t)
{
    const struct sec_rule *r = t->head->r;
    if (!vec_room(&t->events, t->n_events, 1, &t->cap_events, sizeof *t->events))
        return;
    struct seclang_event *e = &t->events[t->n_events++];
    *e = (struct seclang_event){.rule = r, .message = t->message, .data = t->data, .value = t->found_part};
    /* ModSecurity logs no SecAction that has nothing to say. */
    bool silent = r->unconditional && !r->message.as_written.len && r->disruptive == SEC_PASS;
    e->log = r->log && !silent;
    if (e->log && t->found.var != SEC_VARS)
        e->variable = member_text(t, &t->found);
}

/* Of a rule with multiMatch each value is an event. */
static bool event_each(const struct link *l)
{
    return l->r->multi_match && l->first && !l->next && !l->r->unconditional;
}

/* Whether a later value that does not match can change what the texts say. */
static bool texts_at_once(const struct link *l)
{
    return event_each(l) || (l->r->negated && l->r->capture);
}

/* What is done for each value that matches. */
static void each(struct seclang_tx *t, const struct link *l)
{
    for (uint32_t i = 0; i < l->r->n_setvars; i++)
        tx_set(t, &l->sets[i]);
    if (l->next)
        return;
    severity(t, l);
    if (texts_at_once(l))
        texts(t, l);
    if (event_each(l))
        event(t);
}

/* Part of a value that was copied to `kept`; what is elsewhere and not the rules' own is copied. */
static struct span rebase(struct seclang_tx *t, struct span part, struct span value, struct span kept,
                          const struct sec_match *x)
{
    const uint8_t *print = (const uint8_t *)x->fingerprint;
    if (value.data && part.data >= value.data && part.data <= value.data + value.len)
        return span_of(kept.data + (part.data - value.data), part.len);
    if (part.data >= print && part.data < print + sizeof x->fingerprint && !pool_copy(&t->pool, part, &part))
        return span_of("", 0);
    return part;
}

static void captures(struct seclang_tx *t, const struct sec_match *x, struct span value, struct span kept)
{
    static const struct span known = {NULL, 0};
    for (unsigned i = 0; i < x->n_captured && i < DIGITS; i++)
        if (x->captured[i].data) /* a group that takes no part leaves what was there */
            tx_put(t, i, known, rebase(t, x->captured[i], value, kept, x));
}

static void found(struct seclang_tx *t, const struct member *m, struct span part)
{
    bool better = t->found.var == SEC_VARS || own_var(t->found.var) || !own_var(m->var);
    if (!better)
        return;
    t->found = *m;
    t->found_part = part;
}

static bool hit(struct seclang_tx *t, const struct link *l, const struct member *m, struct span part)
{
    matched_add(t, m);
    found(t, m, part);
    each(t, l);
    return true;
}

/* The operator has an answer that matters: a match, or what a negated rule captures before it misses. */
static bool answered(struct seclang_tx *t, const struct link *l, const struct member *m, struct span value, bool is,
                     const struct sec_match *x)
{
    bool captured = is && l->r->capture && x->n_captured;
    if (is == l->r->negated && !captured)
        return false;
    struct member kept = *m;
    kept.value = value;
    if (in_buffer(t->m, value) && !pool_copy(&t->pool, value, &kept.value))
        kept.value = span_of("", 0);
    if (captured)
        captures(t, x, value, kept.value);
    if (is == l->r->negated)
        return false;
    struct span part = kept.value;
    if (is && x->end <= part.len && x->start < x->end)
        part = span_of(part.data + x->start, x->end - x->start);
    return hit(t, l, &kept, part);
}

/* The value as transformed, against the operator. */
static bool compare(struct seclang_tx *t, const struct link *l, const struct member *m, struct span value,
                    struct span argument)
{
    struct sec_match x;
    x.start = x.end = x.n_captured = 0;
    bool is = !t->no_match && sec_operator_match(l->op, t->m->operators, value, argument, &x) == 1;
    if (is && l->r->op == SEC_OP_GEO_LOOKUP)
        tx_geo(t);
    return (is != l->r->negated || l->r->capture) && answered(t, l, m, value, is, &x);
}

/* Whether ctl took this member away from the rule; names as they were sent. */
static bool taken(struct seclang_tx *t, const struct link *l, const struct member *m)
{
    for (uint32_t i = 0; i < t->n_removals; i++) {
        const struct sec_target *x = &t->removals[i]->c->target;
        if (x->var != m->var || !bit_get(t->removals[i]->rules, l->position))
            continue;
        if (x->select == SEC_BY_NAME    ? m->has_name && same_bytes(x->selector, m->name)
            : x->select == SEC_BY_REGEX ? m->has_name && regex_match(x->regex, t->m->regex, m->name) == 1
                                        : !m->has_name)
            return true;
    }
    return false;
}

static bool skipped(struct seclang_tx *t, const struct target *g, struct span name)
{
    for (uint32_t i = 0; i < g->n_skips; i++) {
        const struct sec_target *x = g->skips[i];
        if (x->select == SEC_BY_REGEX ? regex_match(x->regex, t->m->regex, name) == 1 : same_text(x->selector, name))
            return true;
    }
    return false;
}

/* The value, and each other one that a transformation makes of the one before. */
static bool compare_all(struct seclang_tx *t, const struct link *l, const struct member *m, struct span argument)
{
    struct span value = m->value;
    bool any = compare(t, l, m, value, argument);
    for (unsigned i = 0; i < l->r->n_transforms; i++) {
        struct span now = transformed_step(t, l, i, value);
        if (same_bytes(now, value))
            continue;
        if (in_buffer(t->m, now) && !pool_copy(&t->pool, now, &now))
            break;
        value = now;
        any |= compare(t, l, m, value, argument);
    }
    return any;
}

static bool member(struct seclang_tx *t, const struct link *l, const struct target *g, const struct member *m,
                   struct span argument)
{
    if ((g->n_skips && m->has_name && skipped(t, g, m->name)) || (t->taken_from && taken(t, l, m)))
        return false;
    if (l->r->multi_match)
        return compare_all(t, l, m, argument);
    return compare(t, l, m, transformed(t, l, m->value), argument);
}

static bool selects(struct seclang_tx *t, const struct target *g, struct span name)
{
    return g->select == SEC_ALL || g->var == SEC_XML ||
           (g->select == SEC_BY_NAME ? same_text(g->selector, name) : regex_selects(t, g, name));
}

static struct sec_values request_values(struct seclang_tx *t, const struct target *g)
{
    return sec_vars_get(t->vars, g->var, g->var == SEC_XML ? g->selector : span_of(NULL, 0));
}

static bool request_member(struct seclang_tx *t, const struct link *l, const struct target *g,
                           const struct sec_value *v, struct span argument)
{
    struct member m = {.var = g->var, .has_name = sec_var_is_collection(g->var), .name = v->name, .value = v->value};
    if (g->var == SEC_XML && !m.name.len)
        m.name = g->selector;
    return member(t, l, g, &m, argument);
}

/* The next value of the target's that the gate has told, from index + 1 of the list on; 0: none. */
static uint32_t next_told(const struct seclang_tx *t, const struct target *g, uint32_t at)
{
    while (at && t->m->told_list[at - 1].key != g->key)
        at = t->m->told_list[at - 1].next;
    return at;
}

/* Only the values that the gate has told can match. */
static bool told_members(struct seclang_tx *t, const struct link *l, const struct target *g, struct span argument)
{
    struct sec_values v = request_values(t, g);
    bool any = false;
    uint32_t at = bit_get(t->m->told, l->position) ? t->m->values[l->position].first : 0;
    for (; (at = next_told(t, g, at)); at = t->m->told_list[at - 1].next)
        if (t->m->told_list[at - 1].value < v.n && selects(t, g, v.at[t->m->told_list[at - 1].value].name))
            any |= request_member(t, l, g, &v.at[t->m->told_list[at - 1].value], argument);
    return any;
}

/* The others do not satisfy the operator, which a negated rule wants. */
static bool untold_members(struct seclang_tx *t, const struct link *l, const struct target *g, struct span argument)
{
    struct sec_values v = request_values(t, g);
    bool any = false, told = bit_get(t->m->told, l->position);
    uint32_t at = told ? next_told(t, g, t->m->values[l->position].first) : 0;
    for (uint32_t i = 0; i < v.n; i++) {
        t->no_match = !at || t->m->told_list[at - 1].value != i;
        if (selects(t, g, v.at[i].name))
            any |= request_member(t, l, g, &v.at[i], argument);
        if (!t->no_match)
            at = next_told(t, g, t->m->told_list[at - 1].next);
    }
    t->no_match = false;
    return any;
}

static bool request_members(struct seclang_tx *t, const struct link *l, const struct target *g, struct span argument)
{
    bool listed = g->key && !(bit_get(t->m->told, l->position) && t->m->values[l->position].all);
    if (listed)
        return l->r->negated ? untold_members(t, l, g, argument) : told_members(t, l, g, argument);
    struct sec_values v = request_values(t, g);
    bool any = false;
    for (uint32_t i = 0; i < v.n; i++)
        if (selects(t, g, v.at[i].name))
            any |= request_member(t, l, g, &v.at[i], argument);
    return any;
}

static bool own(struct seclang_tx *t, const struct link *l, const struct target *g, struct span argument)
{
    bool any = false;
    uint32_t n = own_members(t, g);
    for (uint32_t i = 0; i < n; i++) {
        struct member m = t->m->own[i];
        any |= member(t, l, g, &m, argument);
    }
    return any;
}

static uint32_t count_of(struct seclang_tx *t, const struct target *g)
{
    if (g->var == SEC_TX && g->slot != NO_SLOT)
        return t->tx[g->slot].order != 0;
    if (g->own)
        return own_members(t, g);
    struct sec_values v = request_values(t, g);
    uint32_t n = 0;
    for (uint32_t i = 0; i < v.n; i++)
        n += selects(t, g, v.at[i].name);
    return n;
}

static bool counted(struct seclang_tx *t, const struct link *l, const struct target *g, struct span argument)
{
    char text[NUMBER_TEXT];
    uint32_t n = count_of(t, g);
    bool told = l->constant_number && l->plain_number && !t->taken_from;
    if (told && !fits_number(l, (int32_t)n, l->argument_number))
        return false;
    struct member m = {.var = g->var, .has_name = g->select != SEC_ALL, .name = g->selector};
    if (!pool_copy(&t->pool, number_text((int32_t)n, text), &m.value))
        return false;
    return told ? hit(t, l, &m, m.value) : member(t, l, g, &m, argument);
}

enum verdict { MISS, HIT, UNKNOWN };

/* What can be told of a TX variable from its number alone. */
static enum verdict number_verdict(const struct seclang_tx *t, const struct link *l, const struct target *g)
{
    const struct txvar *v = &t->tx[g->slot];
    int32_t argument = l->argument_number;
    if (!v->order)
        return MISS;
    if (!l->plain_number || !v->is_number || t->taken_from)
        return UNKNOWN;
    if (!l->constant_number) {
        const struct txvar *a = l->argument_slot == NO_SLOT ? NULL : &t->tx[l->argument_slot];
        if (!a || !a->order || !a->is_number)
            return UNKNOWN;
        argument = a->number;
    }
    return fits_number(l, v->number, argument) ? HIT : MISS;
}

/* The usual guard: one number of TX against another. */
static bool tx_number(struct seclang_tx *t, const struct link *l, const struct target *g, enum verdict is)
{
    struct member m = {.var = SEC_TX, .has_name = true, .name = g->selector, .value = t->tx[g->slot].value};
    return is == HIT && hit(t, l, &m, m.value);
}

static bool target(struct seclang_tx *t, const struct link *l, const struct target *g, struct span argument)
{
    struct member whole = {.var = g->var, .has_name = g->select == SEC_BY_NAME, .name = g->selector};
    if (t->taken_from && g->select != SEC_BY_REGEX && taken(t, l, &whole))
        return false;
    if (g->count)
        return counted(t, l, g, argument);
    return g->own ? own(t, l, g, argument) : request_members(t, l, g, argument);
}

static bool targets(struct seclang_tx *t, const struct link *l)
{
    bool any = false, expanded = l->r->argument.constant;
    struct span argument = l->r->argument.as_written;
    t->taken_from = t->n_removals && l->first && bit_get(t->touched, l->position);
    for (uint32_t i = 0; i < l->n_targets; i++) {
        const struct target *g = &l->targets[i];
        enum verdict is = g->var == SEC_TX && g->slot != NO_SLOT && !g->count ? number_verdict(t, l, g) : UNKNOWN;
        if (is != UNKNOWN) {
            any |= tx_number(t, l, g, is);
            continue;
        }
        if (!expanded)
            argument = expand(t, &l->argument, TEXT_MAX);
        expanded = true;
        any |= target(t, l, g, argument);
    }
    return any;
}

/* A link and those behind it. What MATCHED_… says is forgotten by one that does not match. */
static bool run_link(struct seclang_tx *t, const struct link *l)
{
    t->rule = l;
    if (l->r->unconditional) {
        each(t, l);
    } else if (!targets(t, l)) {
        matched_clear(t);
        return false;
    }
    if (l->next && !l->r->unconditional) {
        if (!run_link(t, l->next))
            return false;
        t->rule = l;
        severity(t, l);
        texts(t, l);
    } else if (!texts_at_once(l)) {
        texts(t, l);
    }
    run_after(t, l);
    return true;
}

bool run_rule(struct seclang_tx *t, const struct link *l)
{
    t->head = l;
    t->message = t->data = t->found_part = (struct span){NULL, 0};
    t->found = (struct member){.var = SEC_VARS};
    if (!run_link(t, l))
        return false;
    if (!event_each(l))
        event(t);
    return true;
}
