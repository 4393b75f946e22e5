/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/generation.h"

static int allocate(struct generation *g)
{
    size_t rules = ruleset_count(g->rules);
    g->before = calloc(rules + 1, sizeof *g->before);
    g->scratch = calloc(g->workers + 1, sizeof *g->scratch);
    g->matches = calloc(g->workers + 1, sizeof *g->matches);
    if (!g->before || !g->scratch || !g->matches)
        return -1;
    for (size_t i = 0; i < g->workers; i++) {
        g->scratch[i] = scratch_new(g->rules);
        g->matches[i] = calloc(rules + 1, sizeof *g->matches[i]);
        if (!g->scratch[i] || !g->matches[i])
            return -1;
    }
    return 0;
}

struct generation *generation_load(const char *file, size_t workers, struct diag *d)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g) {
        diag_add(d, file, 0, 0, "out of memory");
        return NULL;
    }
    g->workers = workers;
    g->config = config_load(file, d);
    if (g->config) {
        struct ruleset_options opt = {.our_marks = g->config->marks_mask, .regex_steps = g->config->limits.regex_steps};
        const struct config_strings *files = &g->config->rule_files;
        g->rules = ruleset_load((const char *const *)files->at, files->n, &opt, d);
        if (g->rules && allocate(g) == 0)
            return g;
        if (g->rules)
            diag_add(d, file, 0, 0, "out of memory");
    }
    generation_free(g);
    return NULL;
}

void generation_free(struct generation *g)
{
    if (!g)
        return;
    for (size_t i = 0; g->scratch && i < g->workers; i++)
        scratch_free(g->scratch[i]);
    for (size_t i = 0; g->matches && i < g->workers; i++)
        free(g->matches[i]);
    free(g->scratch);
    free(g->matches);
    free(g->before);
    ruleset_free(g->rules);
    config_free(g->config);
    free(g);
}

static uint64_t matches_of(const struct generation *g, size_t rule)
{
    uint64_t sum = g->before[rule];
    for (size_t i = 0; i < g->workers; i++)
        sum += atomic_load_explicit(&g->matches[i][rule], memory_order_relaxed);
    return sum;
}

static int by_id(const void *a, const void *b)
{
    const struct rule_stats *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

void generation_inherit(struct generation *g, const struct generation *old)
{
    size_t n = ruleset_count(old->rules);
    AUTO_FREE struct rule_stats *counts = calloc(n + 1, sizeof *counts);
    if (!counts) /* then the counters start anew: not worth refusing a reload for */
        return;
    generation_rule_stats(old, counts);
    qsort(counts, n, sizeof *counts, by_id);
    for (size_t i = 0; i < ruleset_count(g->rules); i++) {
        struct rule_stats key = {.id = ruleset_rule(g->rules, i)->id};
        const struct rule_stats *found = bsearch(&key, counts, n, sizeof *counts, by_id);
        if (found)
            g->before[i] = found->matches;
    }
}

void generation_rule_stats(const struct generation *g, struct rule_stats *ret)
{
    for (size_t i = 0; i < ruleset_count(g->rules); i++) {
        const struct rule *r = ruleset_rule(g->rules, i);
        ret[i] = (struct rule_stats){
            .id = r->id, .name = r->name, .action = action_name(r->action), .matches = matches_of(g, i)};
    }
}
