/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/assembly.h"

/* Makes room for one more rule. */
static bool room(struct ruleset *rs)
{
    return vec_room(&rs->rules, rs->n, 1, &rs->cap_rules, sizeof *rs->rules) &&
           vec_room(&rs->parts, rs->n, 1, &rs->cap_parts, sizeof *rs->parts);
}

/* Actions that the rule's phases do not have. */
static bool check_action(const struct rule *r, const struct schedule *when, struct expr_error *error)
{
    unsigned streams = 1u << PHASE_PACKET | 1u << PHASE_TO_SERVER | 1u << PHASE_TO_CLIENT;
    if (r->action == ACTION_SCORE && (when->phases & streams))
        return expr_fail(error, 0, "action \"score\" without a field of a request, expected one such as http");
    if (r->action == ACTION_REPEAT && when->phases != 1u << PHASE_PACKET)
        return expr_fail(error, 0, "action \"repeat\" with fields of a stream or of http, expected fields of packets");
    return true;
}

static bool add_limit(struct ruleset *rs, const struct limit *l, uint32_t *number)
{
    if (!vec_room(&rs->limits, rs->n_limits, 1, &rs->cap_limits, sizeof *rs->limits))
        return false;
    rs->limits[rs->n_limits++] = *l;
    *number = (uint32_t)rs->n_limits;
    for (unsigned i = 0; i < l->n; i++)
        if (!l->fields[i].pair)
            rs->needs |= fields[l->fields[i].field].needs;
    return true;
}

bool assembly_add(struct assembly *as, const struct rule *r, const struct rule_extra *extra, struct expr *ex,
                  struct expr_error *error)
{
    struct ruleset *rs = as->rs;
    struct schedule when;
    struct rule_part part = {.score = extra->score, .add = extra->add, .first = (uint32_t)rs->program.n_tests};
    if (!expr_schedule(ex, extra->limited ? &extra->limit : NULL, &rs->program, &when, error) ||
        !check_action(r, &when, error))
        return false;
    bool of_packet = when.phases == 1u << PHASE_PACKET;
    bool lets_by = r->action == ACTION_ACCEPT || r->action == ACTION_OFFLOAD;
    as->whole_heads |= (lets_by && !of_packet) || (r->action == ACTION_SCORE && extra->add < 0);
    expr_fold(ex);
    part.repeats = when.repeats;
    part.phases = when.phases;
    if (!room(rs) || (extra->limited && !add_limit(rs, &extra->limit, &part.limit)) ||
        !expr_emit(ex, &rs->program, &part.start, &rs->needs) ||
        (part.start != PROGRAM_FALSE && !index_add(&as->build, (uint32_t)rs->n, when.phases, ex, &rs->program))) {
        as->out_of_memory = true;
        return false;
    }
    rs->rules[rs->n] = *r;
    rs->rules[rs->n].index = (uint32_t)rs->n;
    rs->parts[rs->n++] = part;
    return true;
}

static bool build_indexes(struct assembly *as)
{
    for (unsigned i = 0; i < PHASES; i++) {
        index_free(&as->rs->index[i]);
        if (i == PHASE_REQUEST_PART && as->whole_heads)
            continue;
        if (!index_build(&as->rs->index[i], &as->build, i, &as->rs->program))
            return false;
    }
    return true;
}

static bool compile_group(struct assembly *as, uint32_t operand, const char *cache, bool *alone)
{
    struct ruleset *rs = as->rs;
    const struct group *g = &rs->matcher.groups[operand];
    if (g->compiled)
        return true;
    if (!matcher_compile(&rs->matcher, &rs->program, operand, cache))
        return false;
    for (uint32_t i = 0; i < g->n; i++)
        *alone = *alone || rs->program.patterns[g->patterns[i]].mode == PATTERN_ALONE;
    return true;
}

static bool compile_heavy(struct assembly *as, const char *cache)
{
    bool alone = false;
    for (uint32_t i = 0; i < as->rs->matcher.n; i++)
        if (as->rs->matcher.groups[i].heavy && !compile_group(as, i, cache, &alone))
            return false;
    return true;
}

static bool compile_eager(struct assembly *as, const char *cache, bool *alone)
{
    *alone = false;
    for (unsigned i = 0; i < PHASES; i++)
        for (uint32_t k = 0; k < as->rs->index[i].n_eager; k++)
            if (!compile_group(as, as->rs->index[i].eager[k], cache, alone))
                return false;
    return true;
}

/* PCRE2 gets its machine code where it has to answer. */
static void speed_regexes(struct ruleset *rs)
{
    const struct program *pg = &rs->program;
    for (size_t i = 0; i < pg->n_tests; i++) {
        const struct test *t = &pg->tests[i];
        if (t->op == TEST_MATCH && (t->operand == PROGRAM_NONE || !rs->matcher.groups[t->operand].compiled ||
                                    pg->patterns[t->b].mode != PATTERN_EXACT))
            regex_speed(pg->regexes[t->a]);
    }
}

/* Which groups are needed depends on the keys that rules stand under, and those on what could be compiled. */
static bool settle(struct assembly *as, const char *cache)
{
    bool alone = true;
    if (!matcher_init(&as->rs->matcher, &as->rs->program) || !compile_heavy(as, cache))
        return false;
    while (alone)
        if (!build_indexes(as) || !compile_eager(as, cache, &alone))
            return false;
    return true;
}

bool assembly_finish(struct assembly *as, const char *cache, uint32_t keys)
{
    static uint64_t stamps;
    struct ruleset *rs = as->rs;
    rs->stamp = __atomic_add_fetch(&stamps, 1, __ATOMIC_RELAXED);
    if (rs->n_limits)
        rs->counts = limit_table_new(keys);
    if ((rs->n_limits && !rs->counts) || !settle(as, cache)) {
        as->out_of_memory = true;
        return false;
    }
    cache_tidy(cache);
    speed_regexes(rs);
    vec_trim(&rs->rules, rs->n, &rs->cap_rules, sizeof *rs->rules);
    vec_trim(&rs->parts, rs->n, &rs->cap_parts, sizeof *rs->parts);
    program_trim(&rs->program);
    return true;
}

void assembly_free(struct assembly *as)
{
    index_build_free(&as->build);
}
