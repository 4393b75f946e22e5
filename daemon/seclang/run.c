/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/* A phase: a walk over the rules that have to be visited. */

/* The first bit that is set in [from, end); end where none is. */
static uint32_t next_bit(const uint64_t *bits, uint32_t from, uint32_t end)
{
    while (from < end) {
        uint64_t word = bits[from / 64] >> (from % 64);
        if (word) {
            from += (uint32_t)__builtin_ctzll(word);
            return from < end ? from : end;
        }
        from = (from / 64 + 1) * 64;
    }
    return end;
}

/* The words of a phase's bits. */
struct words {
    uint32_t first, end;
};

static void tell(struct seclang_tx *t, uint32_t rule, uint32_t key, uint32_t value)
{
    struct told_values *v = &t->m->values[rule];
    if (!bit_get(t->m->told, rule))
        *v = (struct told_values){0, 0, false};
    bit_set(t->m->told, rule);
    v->all |= t->m->n_told_list == TOLD_VALUES_MAX ||
              !vec_room(&t->m->told_list, t->m->n_told_list, 1, &t->m->cap_told_list, sizeof *t->m->told_list);
    if (v->all)
        return;
    t->m->told_list[t->m->n_told_list++] = (struct told_value){0, key, value};
    uint32_t at = (uint32_t)t->m->n_told_list;
    *(v->last ? &t->m->told_list[v->last - 1].next : &v->first) = at;
    v->last = at;
}

/* The rules that a value was told of, which are forgotten by that. */
static void take_told(struct seclang_tx *t, const struct words *w, uint32_t key, uint32_t value)
{
    for (uint32_t i = w->first; i < w->end; i++)
        for (uint64_t *bits = &t->m->told_now[i]; *bits; *bits &= *bits - 1)
            tell(t, i * 64 + (uint32_t)__builtin_ctzll(*bits), key, value);
}

static void scan_source(struct seclang_tx *t, const struct source *s, const struct words *w)
{
    for (uint32_t i = 0; i < s->n_keys; i++) {
        bool xml = s->keys[i].var == SEC_XML;
        struct sec_values v = sec_vars_get(t->vars, s->keys[i].var, xml ? s->keys[i].selector : span_of(NULL, 0));
        for (uint32_t j = 0; j < v.n; j++) {
            if (s->keys[i].named && !xml && !same_text(v.at[j].name, s->keys[i].selector))
                continue;
            sec_gate_scan(t->s->gate, t->m->gate, s->number, v.at[j].value, t->m->told_now);
            take_told(t, w, s->keys[i].key, j);
        }
    }
}

/* From now on only those of the group's rules are visited that are told. */
static void scan_group(struct seclang_tx *t, uint32_t number, const struct words *words)
{
    const struct group *g = &t->s->groups[number];
    for (uint32_t i = 0; i < g->n_sources; i++)
        scan_source(t, &g->sources[i], words);
    for (uint32_t w = words->first; w < words->end; w++)
        t->m->visit[w] = (t->m->visit[w] & ~g->rules[w]) | (t->m->told[w] & g->rules[w]);
}

/* Rules that were passed by, but for removed ones, did not match: what MATCHED_… says is forgotten by them. */
static void passed(struct seclang_tx *t, uint32_t from, uint32_t to)
{
    if (!t->n_matched || from >= to)
        return;
    bool any = !t->removed_any;
    for (uint32_t i = from; i < to && !any; i++)
        any = !bit_get(t->removed, i);
    if (any)
        matched_clear(t);
}

/* Whether the phase goes on behind this rule. */
static bool goes_on(const struct seclang_tx *t)
{
    return (!t->decision->rule || t->decision->monitored) && t->allow == SEC_PASS;
}

/* Where a skip of an earlier phase leads to in this one. */
static uint32_t begins(struct seclang_tx *t)
{
    const uint32_t *on = t->skip_on;
    if (!on)
        return 0;
    if (t->phase == SEC_PHASES - 1)
        t->skip_on = NULL;
    return on[t->phase];
}

/* Runs a rule; false where the phase ends with it. */
static bool visit(struct seclang_tx *t, const struct phase_plan *plan, uint32_t at)
{
    const struct quick *q = &plan->quick[at - plan->first];
    bool whole = !t->n_removals || !bit_get(t->touched, at); /* nothing was taken from it */
    enum quick_verdict is = whole ? quick_judge(t, q) : QUICK_UNKNOWN;
    if (is == QUICK_MISS) {
        matched_clear(t);
        return true;
    }
    if (is == QUICK_HIT && q->simple) {
        quick_match(t, &plan->links[at - plan->first], q);
        return true;
    }
    (void)run_rule(t, &plan->links[at - plan->first]);
    return goes_on(t);
}

static void walk(struct seclang_tx *t, const struct phase_plan *plan)
{
    uint32_t end = plan->first + plan->n, at = plan->first + begins(t), seen = at;
    const struct words words = {plan->first / 64, (end + 63) / 64};
    t->m->n_told_list = 0;
    for (uint32_t w = words.first; w < words.end; w++) {
        t->m->visit[w] = t->s->always[w] | t->s->gated[w];
        t->m->told[w] = 0;
    }
    memset(t->m->scanned, 0, (t->s->n_groups / 64 + 1) * sizeof *t->m->scanned);
    while ((at = next_bit(t->m->visit, at, end)) < end) {
        uint32_t group = plan->groups[at - plan->first];
        if (group && !bit_get(t->m->scanned, group - 1)) {
            bit_set(t->m->scanned, group - 1);
            scan_group(t, group - 1, &words);
            continue;
        }
        if (t->removed_any && bit_get(t->removed, at)) {
            at++;
            continue;
        }
        passed(t, seen, at);
        t->skip_to = 0;
        if (!visit(t, plan, at))
            return;
        seen = ++at;
        if (t->skip_to && plan->first + t->skip_to > at)
            seen = at = plan->first + t->skip_to;
    }
    passed(t, seen, end);
}

static bool phase_runs(struct seclang_tx *t, unsigned phase)
{
    if (t->engine == SEC_OFF || phase < 1 || phase >= SEC_PHASES)
        return false;
    if (!sec_vars_runs(t->vars, phase))
        return false;
    if ((t->allow == SEC_ALLOW && phase != 5) || (t->allow == SEC_ALLOW_REQUEST && phase <= 2))
        return false;
    t->allow = SEC_PASS;
    return true;
}

/* ModSecurity refuses it before any rule of the phase, whatever allow has said; where it only detects it does not. */
static bool rejects(const struct seclang_tx *t, unsigned phase, struct seclang_decision *ret)
{
    if (t->engine != SEC_ON || !sec_vars_rejects(t->vars, phase))
        return false;
    ret->too_long = true;
    ret->action = SEC_DENY;
    ret->status = 403;
    return true;
}

void seclang_phase(struct seclang_tx *t, unsigned phase, const struct http_tx *tx, struct seclang_decision *ret)
{
    *ret = (struct seclang_decision){.action = SEC_PASS};
    t->decision = ret;
    t->phase = (uint8_t)phase;
    t->n_events = 0;
    t->m->phase_number++;
    if (phase <= 4)
        sec_vars_phase(t->vars, tx, phase);
    if (!rejects(t, phase, ret) && phase_runs(t, phase))
        walk(t, &t->s->phases[phase]);
    ret->events = t->events;
    ret->n_events = t->n_events;
    ret->undecided = sec_vars_failed(t->vars);
}
