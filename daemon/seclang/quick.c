/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/*
 * Rules that need little: a TX variable's number, or whether there is one,
 * against a constant. Most of a rule set's guards and defaults are such.
 */

/* Which numbers satisfy the operator, before negation: none where low is over high. */
static void range(struct quick *q, const struct link *l)
{
    int32_t n = l->argument_number;
    q->low = l->r->op == SEC_OP_EQ || l->r->op == SEC_OP_GE ? n : l->r->op == SEC_OP_GT ? n + 1 : INT32_MIN;
    q->high = l->r->op == SEC_OP_EQ || l->r->op == SEC_OP_LE ? n : l->r->op == SEC_OP_LT ? n - 1 : INT32_MAX;
    q->outside = l->r->negated;
}

/* A match sets variables and skips, and nothing else: nothing that is logged, collected or stopped. */
static bool is_simple(const struct link *l)
{
    const struct sec_rule *r = l->r;
    return !l->next && !r->log && !r->multi_match && r->severity < 0 && !r->n_expires && !r->n_initcols && !r->n_ctls &&
           (r->disruptive == SEC_PASS || r->disruptive == SEC_BLOCK);
}

void plan_quick(const struct link *l, struct quick *ret)
{
    const struct target *g = &l->targets[0];
    *ret = (struct quick){.kind = QUICK_NONE};
    ret->simple = is_simple(l);
    if (l->r->unconditional && ret->simple)
        ret->kind = QUICK_ACTION;
    /* plain_number has at most nine digits: one more or less is an int still. */
    if (l->r->unconditional || !l->plain_number || !l->constant_number || l->n_targets != 1 || g->var != SEC_TX ||
        g->slot == NO_SLOT)
        return;
    ret->kind = g->count ? QUICK_COUNT : QUICK_NUMBER;
    ret->slot = g->slot;
    range(ret, l);
}

/* As matched_add, of a TX variable. */
static void matched_value(struct seclang_tx *t, const struct target *g, struct span value)
{
    if (t->n_matched == t->cap_matched || t->n_matched >= MATCHED_MAX - 1) {
        matched_add(t, &(struct member){.var = SEC_TX, .has_name = true, .name = g->selector, .value = value});
        return;
    }
    t->matched_name = (struct span){NULL, 0};
    t->matched[t->n_matched++] = (struct member){.var = SEC_TX, .has_name = true, .name = g->selector, .value = value};
}

static void simple_event(struct seclang_tx *t, const struct link *l, struct span value)
{
    if (t->n_events == t->cap_events && !vec_room(&t->events, t->n_events, 1, &t->cap_events, sizeof *t->events))
        return;
    t->events[t->n_events++] = (struct seclang_event){.rule = l->r, .value = value};
}

static void simple_match(struct seclang_tx *t, const struct link *l, struct span value)
{
    t->rule = t->head = l;
    for (uint32_t i = 0; i < l->r->n_setvars; i++)
        tx_set(t, &l->sets[i]);
    if (l->r->skip_to) {
        t->skip_to = l->r->skip_to;
        t->skip_on = l->r->skip_on;
    }
    simple_event(t, l, value);
}

enum judgement { NO, YES, NOT_TOLD };

/* What the rule asks of its variable: a number, or whether it is there. */
static enum judgement judge(const struct seclang_tx *t, const struct quick *q)
{
    const struct txvar *v = &t->tx[q->slot];
    bool there = v->order != 0;
    int32_t n = there;
    if (q->kind == QUICK_NUMBER) {
        if (!there)
            return NO;
        if (!v->is_number)
            return NOT_TOLD;
        n = v->number;
    }
    return (n >= q->low && n <= q->high) != q->outside ? YES : NO;
}

bool quick_rule(struct seclang_tx *t, const struct link *l, const struct quick *q)
{
    struct span value = {NULL, 0};
    if (q->kind == QUICK_NONE || (t->n_removals && bit_get(t->touched, l->position)))
        return false;
    if (q->kind != QUICK_ACTION) {
        enum judgement is = judge(t, q);
        if (is == NO)
            matched_clear(t);
        if (is == NO || is == NOT_TOLD || !q->simple)
            return is == NO;
        value = q->kind == QUICK_NUMBER ? t->tx[q->slot].value
                : t->tx[q->slot].order  ? span_of("1", 1)
                                        : span_of("0", 1);
        matched_value(t, &l->targets[0], value);
    }
    simple_match(t, l, value);
    return true;
}
