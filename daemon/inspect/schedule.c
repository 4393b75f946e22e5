/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In which phases a condition is looked at. */
#include "inspect/expr.h"
#include "inspect/field.h"
#include "inspect/ruleset.h"

/* Of a part of a condition, as enum field_when. */
struct span_of_time {
    uint8_t first, last; /* when it could first be true; when all it reads is known */
    bool soft;           /* reads what goes on changing as long as the request lives */
    bool scored;         /* reads a score */
    bool wait;           /* could be true now and false later */
    bool falls;          /* could be true of a part and false of the whole */
};

struct walk {
    const struct node *nodes;
    const struct program *pg;
    struct expr_error *error;
    const struct field *kind; /* the first field that is not for every phase */
};

static uint8_t later(uint8_t a, uint8_t b)
{
    return a > b ? a : b;
}

static bool is_http(uint8_t when)
{
    return when >= WHEN_REQUEST_HEAD;
}

/* Fields of one kind only: a packet's payload, one direction of a stream, or HTTP. */
static void check_kind(struct walk *w, const struct field *f, size_t at)
{
    if (f->first == WHEN_ANY)
        return;
    if (!w->kind)
        w->kind = f;
    if (w->kind->first != f->first && !(is_http(f->first) && is_http(w->kind->first)))
        expr_fail(w->error, at, "%s beside %s, expected in one rule fields of http, of one stream or payload only",
                  f->name, w->kind->name);
}

static void read_field(struct walk *w, const struct field *f, size_t at, struct span_of_time *ret)
{
    check_kind(w, f, at);
    ret->first = later(ret->first, f->first);
    ret->soft = ret->soft || field_grows(f);
    ret->scored = ret->scored || f->load == LOAD_SCORE;
    ret->last = later(ret->last, field_grows(f) ? WHEN_REQUEST_BODY : f->last);
}

/* Whether the test, once true, stays true while its operand grows. */
static bool only_rises(const struct walk *w, const struct test *t)
{
    bool counted = fields[t->field].load == LOAD_SCORE ||
                   (t->operand != PROGRAM_NONE && w->pg->operands[t->operand].what == OPERAND_COUNT);
    uint64_t max = fields[t->field].load == LOAD_SCORE ? fields[t->field].max : UINT32_MAX;
    if (t->negate)
        return false;
    return !counted || (t->op == TEST_RANGE && t->b == max);
}

static struct span_of_time of_test(struct walk *w, const struct node *n, bool negated)
{
    const struct test *t = &n->test;
    struct span_of_time ret = {0};
    read_field(w, &fields[t->field], n->at, &ret);
    if (t->op >= TEST_FIELD_EQ && t->op <= TEST_FIELD_GE)
        read_field(w, &fields[t->other], n->at, &ret);
    ret.falls = negated || !only_rises(w, t);
    ret.wait = ret.falls && ret.last > WHEN_REQUEST_HEAD;
    return ret;
}

static struct span_of_time walk(struct walk *w, uint32_t at, bool negated)
{
    const struct node *n = &w->nodes[at];
    struct span_of_time ret = {0};
    if (n->kind == NODE_TEST)
        return of_test(w, n, negated);
    if (n->kind == NODE_NOT)
        return walk(w, n->last, !negated);
    if (n->kind != NODE_AND && n->kind != NODE_OR)
        return ret;
    bool all = (n->kind == NODE_AND) != negated;
    for (uint32_t child = n->last; child; child = w->nodes[child].prev) {
        struct span_of_time one = walk(w, child, negated);
        bool earlier = child == n->last || one.first < ret.first;
        ret.first = all ? later(ret.first, one.first) : earlier ? one.first : ret.first;
        ret.last = later(ret.last, one.last);
        ret.soft = ret.soft || one.soft;
        ret.scored = ret.scored || one.scored;
        ret.wait = ret.wait || one.wait;
        ret.falls = ret.falls || one.falls;
    }
    return ret;
}

static unsigned phases_of(uint8_t when)
{
    static const unsigned bits[] = {
        [WHEN_ANY] = 1 << PHASE_PACKET,
        [WHEN_PACKET] = 1 << PHASE_PACKET,
        [WHEN_TO_SERVER] = 1 << PHASE_TO_SERVER,
        [WHEN_TO_CLIENT] = 1 << PHASE_TO_CLIENT,
        [WHEN_REQUEST_HEAD] = 1 << PHASE_REQUEST_HEAD | 1 << PHASE_REQUEST,
        [WHEN_REQUEST_BODY] = 1 << PHASE_REQUEST_BODY | 1 << PHASE_REQUEST,
        [WHEN_RESPONSE_HEAD] = 1 << PHASE_RESPONSE_HEAD | 1 << PHASE_RESPONSE,
        [WHEN_RESPONSE_BODY] = 1 << PHASE_RESPONSE_BODY | 1 << PHASE_RESPONSE,
    };
    return bits[when];
}

/* What a limit counts by is known once and stays; it is read as if the condition did. */
static void read_limit(struct walk *w, const struct limit *limit, struct span_of_time *ret)
{
    for (unsigned i = 0; limit && i < limit->n; i++)
        if (!limit->fields[i].pair)
            read_field(w, &fields[limit->fields[i].field], 0, ret);
}

bool expr_schedule(const struct expr *ex, const struct limit *limit, const struct program *pg, struct schedule *ret,
                   struct expr_error *error)
{
    struct walk w = {.nodes = ex->nodes, .pg = pg, .error = error};
    error->text[0] = '\0';
    struct span_of_time all = walk(&w, ex->root, false);
    read_limit(&w, limit, &all);
    *ret = (struct schedule){0};
    if (error->text[0])
        return false;
    uint8_t first = all.first, last = all.last;
    if (w.kind && !is_http(w.kind->first))
        first = last = w.kind->first;
    else if (w.kind && all.wait)
        first = last;
    else if (w.kind) {
        first = later(first, WHEN_REQUEST_HEAD);
        last = all.soft ? WHEN_RESPONSE_BODY : last;
    }
    for (uint8_t when = first; when <= last; when++)
        ret->phases |= (uint16_t)phases_of(when);
    ret->repeats = last > first;
    if (all.scored && !all.wait)
        ret->phases |= 1u << PHASE_SCORES;
    if (w.kind && is_http(w.kind->first) && first == WHEN_REQUEST_HEAD && !all.falls) {
        ret->phases |= 1u << PHASE_REQUEST_PART;
        ret->repeats = true;
    }
    return true;
}
