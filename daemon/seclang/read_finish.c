/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "seclang/read_internal.h"

/* When all files are read: updates, defaults, removals, then the order of execution and where skips lead. */

static bool span_equal(struct span a, struct span b)
{
    return a.len == b.len &&
           !memcmp(a.data ? a.data : (const uint8_t *)"", b.data ? b.data : (const uint8_t *)"", a.len);
}

bool sec_tag_matches(const struct sec_rule *r, struct span text)
{
    for (uint32_t i = 0; i < r->n_tags; i++)
        if (span_equal(r->tags[i].as_written, text))
            return true;
    return false;
}

bool sec_msg_matches(const struct sec_rule *r, struct span text)
{
    return r->message.as_written.len && span_equal(r->message.as_written, text);
}

static bool chosen(const struct sec_change *c, const struct sec_rule *rule, bool first)
{
    if (c->by == SEC_CHANGE_BY_TAG)
        return sec_tag_matches(rule, c->text);
    if (c->by == SEC_CHANGE_BY_MSG)
        return sec_msg_matches(rule, c->text);
    for (uint32_t i = 0; first && i < c->n_ids; i++)
        if (rule->id >= c->ids[i].first && rule->id <= c->ids[i].last)
            return true;
    return false;
}

/* Copies n elements behind those of *to. */
static void append(struct sec_reader *r, void *to, uint32_t *n_to, const void *from, uint32_t n, size_t size)
{
    for (uint32_t i = 0; i < n; i++) {
        void *slot = sec_push(r, to, *n_to, size);
        if (!slot)
            return;
        memcpy(slot, (const char *)from + i * size, size);
        ++*n_to;
    }
}

static void own_transform(struct sec_reader *r, struct sec_draft *d, uint8_t t)
{
    if (t == SEC_T_NONE)
        d->n_own = 0;
    if (d->n_own < SEC_OWN_TRANSFORMS)
        d->own[d->n_own++] = t;
    else
        sec_error_at(r, &d->place, "rule %llu has more than %d transformations", (unsigned long long)d->rule.id,
                     SEC_OWN_TRANSFORMS);
}

static void append_all(struct sec_reader *r, struct sec_rule *a, const struct sec_rule *b)
{
    append(r, &a->tags, &a->n_tags, b->tags, b->n_tags, sizeof *a->tags);
    append(r, &a->setvars, &a->n_setvars, b->setvars, b->n_setvars, sizeof *a->setvars);
    append(r, &a->expires, &a->n_expires, b->expires, b->n_expires, sizeof *a->expires);
    append(r, &a->initcols, &a->n_initcols, b->initcols, b->n_initcols, sizeof *a->initcols);
    append(r, &a->ctls, &a->n_ctls, b->ctls, b->n_ctls, sizeof *a->ctls);
    a->capture |= b->capture;
    a->multi_match |= b->multi_match;
}

static void update_disruptive(struct sec_draft *d, const struct sec_draft *u)
{
    if (u->has_disruptive || u->block) {
        d->has_disruptive = u->has_disruptive;
        d->block = u->block;
        d->rule.disruptive = u->rule.disruptive;
        d->rule.redirect = u->rule.redirect;
    }
    if (u->has_status) {
        d->has_status = true;
        d->rule.status = u->rule.status;
    }
}

/* What is written in the update stands as if it were written behind the rule's own actions. */
static void update_actions(struct sec_reader *r, struct sec_draft *d, const struct sec_draft *u)
{
    struct sec_rule *a = &d->rule;
    const struct sec_rule *b = &u->rule;
    update_disruptive(d, u);
    if (u->has_log)
        a->log = b->log, d->has_log = true;
    if (u->has_audit_log)
        a->audit_log = b->audit_log, d->has_audit_log = true;
    if (u->has_message)
        a->message = b->message, d->has_message = true;
    if (u->has_log_data)
        a->log_data = b->log_data, d->has_log_data = true;
    if (u->has_severity)
        a->severity = b->severity, d->has_severity = true;
    if (b->ver.len)
        a->ver = b->ver;
    if (b->rev.len)
        a->rev = b->rev;
    if (b->maturity)
        a->maturity = b->maturity;
    if (b->accuracy)
        a->accuracy = b->accuracy;
    append_all(r, a, b);
    for (unsigned i = 0; i < u->n_own; i++)
        own_transform(r, d, u->own[i]);
}

/* The defaults' transformations come first, unless t:none takes them away. */
static void set_transforms(struct sec_reader *r, struct sec_draft *d, const struct sec_draft *def)
{
    struct sec_rule *a = &d->rule;
    bool none = d->n_own && d->own[0] == SEC_T_NONE;
    unsigned n_def = def && !none ? def->n_own : 0;
    if (n_def + d->n_own - none > SEC_TRANSFORMS_MAX) {
        sec_error_at(r, &d->place, "more than %d transformations", SEC_TRANSFORMS_MAX);
        return;
    }
    for (unsigned i = 0; i < n_def; i++)
        a->transforms[a->n_transforms++] = def->own[i];
    for (unsigned i = none; i < d->n_own; i++)
        a->transforms[a->n_transforms++] = d->own[i];
}

static void set_disruptive(struct sec_draft *d, const struct sec_draft *def)
{
    struct sec_rule *a = &d->rule;
    bool block = d->block || (def && def->block);
    if (!d->has_disruptive) {
        bool take = block && def && def->has_disruptive;
        a->disruptive = take ? def->rule.disruptive : SEC_PASS;
        if (take)
            a->redirect = def->rule.redirect;
    }
    if (!d->has_status && def && def->has_status)
        a->status = def->rule.status;
    if (a->disruptive == SEC_REDIRECT && (a->status < 300 || a->status > 399))
        a->status = 302;
    if ((a->disruptive == SEC_DENY || a->disruptive == SEC_DROP) && !a->status)
        a->status = 403;
}

static void set_defaults(struct sec_reader *r, struct sec_draft *d, const struct sec_draft *def)
{
    struct sec_rule *a = &d->rule;
    set_disruptive(d, def);
    if (!d->has_log)
        a->log = def && def->has_log ? def->rule.log : true;
    if (!d->has_audit_log)
        a->audit_log = def && def->has_audit_log && !d->has_log ? def->rule.audit_log : a->log;
    if (!def)
        return;
    if (!d->has_message && def->has_message)
        a->message = def->rule.message;
    if (!d->has_log_data && def->has_log_data)
        a->log_data = def->rule.log_data;
    if (!d->has_severity && def->has_severity)
        a->severity = def->rule.severity;
    append_all(r, a, &def->rule);
}

static void change_chain(struct sec_reader *r, struct sec_draft *first, const struct sec_change *c)
{
    if (c->how == SEC_REMOVE) {
        first->removed |= chosen(c, &first->rule, true);
        return;
    }
    for (struct sec_draft *d = first; d; d = d->next) {
        if (!chosen(c, &d->rule, d == first))
            continue;
        if (c->how == SEC_UPDATE_ACTIONS)
            update_actions(r, d, c->actions);
        else if (!d->rule.unconditional)
            append(r, &d->rule.targets, &d->rule.n_targets, c->targets, c->n_targets, sizeof *c->targets);
    }
}

static void finish_chain(struct sec_reader *r, struct sec_draft *first)
{
    const struct sec_draft *def = r->defaults[first->rule.phase];
    for (size_t i = 0; i < r->n_changes; i++)
        if (r->changes[i].how == SEC_UPDATE_ACTIONS)
            change_chain(r, first, &r->changes[i]);
    set_defaults(r, first, def);
    for (struct sec_draft *d = first; d; d = d->next) {
        set_transforms(r, d, def);
        d->rule.id = first->rule.id;
        d->rule.phase = first->rule.phase;
        d->rule.next = d->next ? &d->next->rule : NULL;
        if (!first->rule.skip_after.len && !first->skip) {
            first->rule.skip_after = d->rule.skip_after;
            first->skip = d->skip;
        }
    }
    for (size_t i = 0; i < r->n_changes; i++)
        if (r->changes[i].how != SEC_UPDATE_ACTIONS)
            change_chain(r, first, &r->changes[i]);
}

static int by_id(const void *a, const void *b)
{
    const struct sec_draft *x = ((const struct sec_item *)a)->draft, *y = ((const struct sec_item *)b)->draft;
    if (x->rule.id != y->rule.id)
        return x->rule.id < y->rule.id ? -1 : 1;
    return x->rule.order < y->rule.order ? -1 : 1;
}

static void check_duplicates(struct sec_reader *r)
{
    struct sec_item *all = calloc(r->n_items + 1, sizeof *all);
    size_t n = 0;
    if (!all) {
        r->failed = true;
        return;
    }
    for (size_t i = 0; i < r->n_items; i++) {
        if (!r->items[i].draft || !r->items[i].draft->rule.id)
            continue;
        r->items[i].draft->rule.order = (uint32_t)n;
        all[n++] = r->items[i];
    }
    qsort(all, n, sizeof *all, by_id);
    for (size_t i = 1; i < n; i++) {
        const struct sec_place *p = &all[i - 1].draft->place;
        if (all[i].draft->rule.id == all[i - 1].draft->rule.id)
            sec_error_at(r, &all[i].draft->place, "rule id %llu is taken already, in %s:%d",
                         (unsigned long long)all[i].draft->rule.id, p->file, p->line);
    }
    free(all);
}

/* The rules and markers of a phase, and how many rules that stay stand before each. */
struct phase_list {
    const struct sec_item **at;
    uint32_t *order;
    uint32_t n;
};

static bool in_phase(const struct sec_item *i, unsigned phase)
{
    return !i->draft || i->draft->rule.phase == phase;
}

static bool list_phase(struct sec_reader *r, unsigned phase, struct phase_list *l)
{
    struct sec_program *p = r->p;
    l->at = calloc(r->n_items + 1, sizeof(struct sec_item *));
    l->order = calloc(r->n_items + 1, sizeof *l->order);
    p->rules[phase] = sec_alloc(r, (r->n_items + 1) * sizeof(struct sec_rule *));
    if (!l->at || !l->order || !p->rules[phase])
        return false;
    for (size_t i = 0; i < r->n_items; i++) {
        struct sec_draft *d = r->items[i].draft;
        if (!in_phase(&r->items[i], phase))
            continue;
        l->at[l->n] = &r->items[i];
        l->order[l->n++] = p->n[phase];
        if (!d || d->removed)
            continue;
        d->rule.order = p->n[phase];
        d->rule.index = p->total++;
        p->rules[phase][p->n[phase]++] = &d->rule;
        for (struct sec_rule *x = d->rule.next; x; x = x->next) {
            x->order = d->rule.order;
            x->index = d->rule.index;
        }
    }
    l->order[l->n] = p->n[phase];
    return true;
}

/* The marker's place from `from` on; l->n: none. */
static uint32_t find_marker(const struct phase_list *l, uint32_t from, struct span name)
{
    while (from < l->n && (l->at[from]->draft || !span_equal(l->at[from]->marker, name)))
        from++;
    return from;
}

/* The place behind n rules from `from` on; *n becomes what is left. */
static uint32_t behind(const struct phase_list *l, uint32_t from, uint64_t *n)
{
    for (; from < l->n && *n; from++)
        *n -= l->at[from]->draft != NULL;
    return from;
}

static void skip_after(struct sec_reader *r, struct sec_rule *rule, const struct phase_list *lists, uint32_t at)
{
    unsigned phase = rule->phase;
    const struct phase_list *l = &lists[phase];
    uint32_t to = find_marker(l, at + 1, rule->skip_after);
    rule->skip_to = l->order[to];
    if (to < l->n)
        return;
    bool anywhere = find_marker(l, 0, rule->skip_after) < l->n;
    uint32_t *on = sec_alloc(r, SEC_PHASES * sizeof *on);
    for (unsigned p = phase + 1; on && p < SEC_PHASES; p++) {
        if (!anywhere)
            on[p] = r->p->n[p];
        else if (p == phase + 1)
            on[p] = lists[p].order[find_marker(&lists[p], 0, rule->skip_after)];
    }
    rule->skip_on = on;
}

static void skip_some(struct sec_reader *r, struct sec_rule *rule, const struct phase_list *lists, uint32_t at,
                      uint64_t n)
{
    unsigned phase = rule->phase;
    rule->skip_to = lists[phase].order[behind(&lists[phase], at + 1, &n)];
    if (!n)
        return;
    uint32_t *on = sec_alloc(r, SEC_PHASES * sizeof *on);
    for (unsigned p = phase + 1; on && p < SEC_PHASES; p++)
        on[p] = lists[p].order[behind(&lists[p], 0, &n)];
    rule->skip_on = on;
}

static void resolve_skips(struct sec_reader *r, const struct phase_list *lists, unsigned phase)
{
    const struct phase_list *l = &lists[phase];
    for (uint32_t i = 0; i < l->n; i++) {
        struct sec_draft *d = l->at[i]->draft;
        if (!d || d->removed)
            continue;
        if (d->rule.skip_after.len)
            skip_after(r, &d->rule, lists, i);
        else if (d->skip)
            skip_some(r, &d->rule, lists, i, d->skip);
    }
}

void sec_finish(struct sec_reader *r)
{
    struct phase_list lists[SEC_PHASES] = {{.n = 0}};
    check_duplicates(r);
    for (size_t i = 0; i < r->n_items; i++)
        if (r->items[i].draft)
            finish_chain(r, r->items[i].draft);
    for (unsigned p = 1; p < SEC_PHASES && !r->failed; p++)
        r->failed = !list_phase(r, p, &lists[p]);
    for (unsigned p = 1; p < SEC_PHASES && !r->failed; p++)
        resolve_skips(r, lists, p);
    for (unsigned p = 1; p < SEC_PHASES; p++) {
        free(lists[p].at);
        free(lists[p].order);
    }
}
