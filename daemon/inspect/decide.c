/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/assembly.h"
#include "inspect/evidence.h"

struct scratch *scratch_new(const struct ruleset *rs)
{
    return scratch_make(&rs->program, rs->regex_steps, rs->n, rs->matcher.hs);
}

/* ---- what is noted with a request ---- */

static void begin_notes(const struct ruleset *rs, struct http_tx *tx)
{
    struct notes *n = notes_of(tx);
    if (n->stamp == rs->stamp)
        return;
    /* Scores and rule numbers of another ruleset mean nothing in this one. */
    memset(n, 0, sizeof *n);
    n->stamp = rs->stamp;
}

static bool has_fired(const struct notes *n, uint32_t rule)
{
    for (uint32_t i = 0; i < n->n_fired; i++)
        if (n->fired[i] == rule)
            return true;
    return false;
}

/* Past FIRED_MAX a rule may fire again: better twice than never. */
static void note_fired(struct notes *n, uint32_t rule)
{
    if (n->n_fired < FIRED_MAX)
        n->fired[n->n_fired++] = rule;
}

static void add_score(struct notes *n, const struct rule_part *part)
{
    int64_t sum = (int64_t)n->scores[part->score] + part->add;
    n->scores[part->score] = (int32_t)(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum);
}

static int32_t greatest_score(const struct notes *n, size_t count)
{
    int32_t best = 0;
    for (size_t i = 0; i < count; i++)
        best = n->scores[i] > best ? n->scores[i] : best;
    return best;
}

_Static_assert(SCORES_MAX == RULESET_SCORES_MAX, "one number of scores");

size_t ruleset_scores(const struct ruleset *rs)
{
    return rs->program.scores.n;
}

struct span ruleset_score_name(const struct ruleset *rs, size_t i)
{
    return rs->program.scores.at[i];
}

static const struct notes *own_notes(const struct ruleset *rs, const struct http_tx *tx)
{
    const struct notes *n = (const void *)tx->notes;
    return n->stamp == rs->stamp ? n : NULL;
}

int32_t ruleset_score(const struct ruleset *rs, const struct http_tx *tx, size_t i)
{
    const struct notes *n = own_notes(rs, tx);
    return n ? n->scores[i] : 0;
}

void ruleset_set_score(const struct ruleset *rs, struct http_tx *tx, size_t i, int32_t score)
{
    begin_notes(rs, tx);
    notes_of(tx)->scores[i] = score;
}

bool ruleset_accepted(const struct ruleset *rs, const struct http_tx *tx)
{
    const struct notes *n = own_notes(rs, tx);
    return n && n->accepted;
}

/* ---- matches ---- */

static bool goes_on(enum action a)
{
    return a == ACTION_MARK || a == ACTION_LOG || a == ACTION_SCORE;
}

static void pass(struct view *v, const struct rule *r, struct decision *ret)
{
    if (r->action == ACTION_MARK) {
        ret->mark = r->mark;
        ret->set_mark = true;
    }
    if (ret->passed < DECISION_PASSED_MAX) {
        ret->passed_rules[ret->passed] = r;
        evidence_take(v, &ret->evidence[ret->passed]);
    }
    ret->passed++;
}

/* Writes what a matching rule does; true when it decides. */
static bool apply(const struct ruleset *rs, struct view *v, uint32_t rule, struct decision *ret)
{
    const struct rule *r = &rs->rules[rule];
    struct http_tx *tx = v->subject->tx;
    if (tx && rs->parts[rule].repeats)
        note_fired(notes_of(tx), rule);
    if (goes_on(r->action)) {
        pass(v, r, ret);
        if (r->action == ACTION_SCORE && tx)
            add_score(notes_of(tx), &rs->parts[rule]);
        return false;
    }
    ret->rule = r;
    evidence_take(v, &ret->evidence[DECISION_PASSED_MAX]);
    if (tx && (r->action == ACTION_ACCEPT || r->action == ACTION_OFFLOAD))
        notes_of(tx)->accepted = true;
    return true;
}

/* ---- limits ---- */

static bool has_counted(const struct counted *c, uint32_t rule)
{
    for (unsigned i = 0; i < COUNTED_MAX; i++)
        if (c->rules[i] == rule + 1)
            return true;
    return false;
}

/* Past COUNTED_MAX a rule may count a connection again. */
static void note_counted(struct counted *c, uint32_t rule)
{
    for (unsigned i = 0; i < COUNTED_MAX; i++)
        if (!c->rules[i]) {
            c->rules[i] = rule + 1;
            return;
        }
}

/*
 * Whether the rule takes effect: it has no limit, or is beyond it. What it is
 * asked about repeatedly, a request or a connection, counts once: it is noted
 * as if the rule had fired.
 */
static bool beyond_limit(const struct ruleset *rs, struct view *v, uint32_t rule)
{
    const struct rule_part *part = &rs->parts[rule];
    const struct subject *s = v->subject;
    if (!part->limit)
        return true;
    enum limit_answer answer = limit_ask(rs->counts, &rs->limits[part->limit - 1], v);
    if (v->failed || answer == LIMIT_NO_KEY)
        return false;
    if (s->counted)
        note_counted(s->counted, rule);
    if (answer == LIMIT_WITHIN && s->tx && part->repeats)
        note_fired(notes_of(s->tx), rule);
    return answer == LIMIT_BEYOND;
}

/* Whether nothing is left that the rule could say of its request or connection. */
static bool is_done(const struct ruleset *rs, const struct view *v, uint32_t rule)
{
    const struct rule_part *part = &rs->parts[rule];
    const struct subject *s = v->subject;
    if (s->tx && part->repeats && has_fired(notes_of(s->tx), rule))
        return true;
    return part->limit && s->counted && has_counted(s->counted, rule);
}

/* Looks at one rule; true when the search ends. */
static bool look(const struct ruleset *rs, struct view *v, uint32_t rule, struct decision *ret)
{
    if (is_done(rs, v, rule))
        return false;
    ret->visited++;
    v->met = NULL;
    int r = program_run(&rs->program, rs->parts[rule].start, v);
    bool fires = r > 0 && beyond_limit(rs, v, rule);
    if (r < 0 || v->failed) {
        ret->undecided = true;
        ret->undecided_rule = &rs->rules[rule];
        return true;
    }
    return fires && apply(rs, v, rule, ret);
}

/* ---- by lists alone ---- */

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

static void decide_by_lists(const struct ruleset *rs, struct view *v, struct index_list *lists, unsigned n,
                            struct decision *ret)
{
    while (n) {
        uint32_t rule = lowest(lists, n);
        if (look(rs, v, rule, ret))
            return;
        n = advance(lists, n, rule);
    }
}

/* ---- with scans ---- */

/* A scan that fails may have missed any rule: the first of the phase's stands for them. */
static void scan_failed(const struct ruleset *rs, const struct view *v, struct decision *ret)
{
    const struct index *ix = v->index;
    uint32_t rule = 0;
    for (size_t i = 0; i < rs->program.pattern_keys.n && !rule; i++)
        rule = ix->patterns[i] ? ix->entries[ix->patterns[i] + 1] : 0;
    ret->undecided = true;
    ret->undecided_rule = &rs->rules[rule];
}

static void decide_by_agenda(const struct ruleset *rs, struct view *v, struct index_list *lists, unsigned n,
                             struct decision *ret)
{
    struct agenda *a = &v->s->agenda;
    uint32_t rule;
    for (uint32_t i = 0; i < v->index->n_eager && !v->failed; i++)
        matcher_scan(v, v->index->eager[i]);
    if (v->failed) {
        scan_failed(rs, v, ret);
        agenda_clear(a);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        for (const uint32_t *at = lists[i].at; at < lists[i].end; at++)
            agenda_add(a, *at);
    while (agenda_next(a, &rule))
        if (look(rs, v, rule, ret)) {
            agenda_clear(a);
            return;
        }
}

/* The evidence stays as it is: it is written with the rules it belongs to. */
static void begin(struct decision *ret)
{
    ret->rule = ret->undecided_rule = NULL;
    ret->mark = 0;
    ret->set_mark = ret->undecided = false;
    ret->passed = ret->visited = 0;
    ret->score = 0;
}

void ruleset_decide(const struct ruleset *rs, struct scratch *s, enum phase phase, const struct subject *subject,
                    struct decision *ret)
{
    struct index_list lists[INDEX_LISTS_MAX];
    const struct index *ix = &rs->index[phase];
    struct view v = {
        .pg = &rs->program, .matcher = &rs->matcher, .s = s, .subject = subject, .phase = phase, .index = ix};
    struct http_tx *tx = subject->tx;
    begin(ret);
    if (tx)
        begin_notes(rs, tx);
    if (!ix->n_rules || (tx && notes_of(tx)->accepted))
        return;
    scratch_begin(s);
    unsigned n = index_find(ix, subject->packet, tx, lists);
    if (ix->n_eager)
        decide_by_agenda(rs, &v, lists, n, ret);
    else
        decide_by_lists(rs, &v, lists, n, ret);
    if (tx)
        ret->score = greatest_score(notes_of(tx), rs->program.scores.n);
}
