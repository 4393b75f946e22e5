/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/loader.h"

struct scratch {
    struct matcher *matcher; /* NULL where no rule has a regex */
};

struct scratch *scratch_new(const struct ruleset *rs)
{
    struct scratch *s = calloc(1, sizeof *s);
    if (!s || !rs->program.patterns.n)
        return s;
    s->matcher = matcher_new(rs->regex_steps);
    if (s->matcher)
        return s;
    free(s);
    return NULL;
}

void scratch_free(struct scratch *s)
{
    if (!s)
        return;
    matcher_free(s->matcher);
    free(s);
}

/* The lowest rule that any list begins with. The lists are few. */
static uint32_t lowest(const struct index_list *lists, unsigned n)
{
    uint32_t least = UINT32_MAX;
    for (unsigned i = 0; i < n; i++)
        if (*lists[i].at < least)
            least = *lists[i].at;
    return least;
}

/* Takes a rule off every list that begins with it; returns how many lists are left. */
static unsigned advance(struct index_list *lists, unsigned n, uint32_t rule)
{
    for (unsigned i = 0; i < n;) {
        if (*lists[i].at == rule && ++lists[i].at == lists[i].end)
            lists[i] = lists[--n];
        else
            i++;
    }
    return n;
}

/* Writes what a matching rule does; true when it decides. */
static bool apply(const struct rule *r, struct decision *ret)
{
    if (r->action != ACTION_MARK && r->action != ACTION_LOG) {
        ret->rule = r;
        return true;
    }
    if (r->action == ACTION_MARK) {
        ret->mark = r->mark;
        ret->set_mark = true;
    }
    if (ret->passed < DECISION_PASSED_MAX)
        ret->passed_rules[ret->passed] = r;
    ret->passed++;
    return false;
}

void ruleset_decide(const struct ruleset *rs, struct scratch *s, const struct packet *p, struct decision *ret)
{
    struct index_list lists[INDEX_LISTS_MAX];
    unsigned n = index_find(&rs->index, p, lists);
    *ret = (struct decision){0};
    while (n) {
        uint32_t rule = lowest(lists, n);
        ret->visited++;
        int r = program_run(&rs->program, rs->starts[rule], p, s->matcher);
        if (r < 0) {
            ret->undecided = true;
            ret->undecided_rule = &rs->rules[rule];
            return;
        }
        if (r && apply(&rs->rules[rule], ret))
            return;
        n = advance(lists, n, rule);
    }
}
