/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/expr.h"
#include "inspect/field.h"
#include "inspect/ruleset.h"

static bool is_const(const struct node *n)
{
    return n->kind == NODE_TRUE || n->kind == NODE_FALSE;
}

static void fold_not(struct node *nodes, struct node *n)
{
    const struct node *child = &nodes[n->last];
    if (is_const(child))
        n->kind = child->kind == NODE_TRUE ? NODE_FALSE : NODE_TRUE;
}

/* `and` (with TRUE as what changes nothing) or `or` (with FALSE). */
static void fold_list(struct node *nodes, struct node *n)
{
    uint8_t neutral = n->kind == NODE_AND ? NODE_TRUE : NODE_FALSE;
    uint32_t *link = &n->last;
    while (*link) {
        const struct node *child = &nodes[*link];
        if (child->kind == neutral) {
            *link = child->prev;
        } else if (is_const(child)) {
            n->kind = child->kind;
            return;
        } else {
            link = &nodes[*link].prev;
        }
    }
    if (!n->last)
        n->kind = neutral;
}

static void fold(struct node *nodes, uint32_t at)
{
    struct node *n = &nodes[at];
    if (n->kind == NODE_TEST) {
        if (n->test.op == TEST_NEVER)
            n->kind = NODE_FALSE;
        return;
    }
    if (is_const(n))
        return;
    for (uint32_t child = n->last; child; child = nodes[child].prev)
        fold(nodes, child);
    if (n->kind == NODE_NOT)
        fold_not(nodes, n);
    else
        fold_list(nodes, n);
}

void expr_fold(struct expr *ex)
{
    fold(ex->nodes, ex->root);
}

/* Where anomalies come from that need more than heads. */
#define BIT(anomaly) (UINT64_C(1) << (anomaly))
#define OF_ARGS                                                                                                        \
    (BIT(HTTP_BAD_MULTIPART) | BIT(HTTP_BAD_JSON) | BIT(HTTP_BAD_XML) | BIT(HTTP_TOO_MANY_ARGS) | BIT(HTTP_TOO_DEEP) | \
     BIT(HTTP_BAD_URLENCODED))
#define OF_BODY                                                                                                        \
    (BIT(HTTP_BODY_TOO_LONG) | BIT(HTTP_BAD_CONTENT_CODING) | BIT(HTTP_UNKNOWN_CONTENT_CODING) | BIT(HTTP_CODING_BOMB))

static unsigned anomaly_needs(const struct test *t)
{
    uint64_t bits = t->op == TEST_BITS && !t->negate ? t->a : UINT64_MAX;
    unsigned needs = 0;
    if (bits & OF_ARGS)
        needs |= RULES_NEED_ARGS;
    if (bits & OF_BODY)
        needs |= RULES_NEED_BODY;
    /* Responses are read for who asks for this one by name. */
    if (bits != UINT64_MAX && (bits & BIT(HTTP_BAD_RESPONSE)))
        needs |= RULES_NEED_RESPONSE;
    return needs;
}

static unsigned needs_of(const struct test *t)
{
    const struct field *f = &fields[t->field];
    unsigned needs = f->needs;
    if (t->op >= TEST_FIELD_EQ)
        needs |= fields[t->other].needs;
    /* What is not one of the others' names depends on every anomaly. */
    if (f->load == LOAD_ANOMALIES && (t->negate || t->op != TEST_BITS || (t->a & ANOMALY_BAD_CHECKSUM)))
        needs |= RULES_NEED_CHECKSUM;
    if (f->load == LOAD_HTTP_ANOMALIES)
        needs |= anomaly_needs(t);
    return needs;
}

struct emitter {
    const struct node *nodes;
    struct program *pg;
    unsigned needs;
    bool failed;
};

static uint32_t emit_test(struct emitter *em, const struct test *t, uint32_t on_true, uint32_t on_false, bool inverted)
{
    struct program *pg = em->pg;
    if (pg->n_tests >= PROGRAM_FALSE || !vec_room(&pg->tests, pg->n_tests, 1, &pg->cap_tests, sizeof *pg->tests)) {
        em->failed = true;
        return PROGRAM_FALSE;
    }
    struct test *step = &pg->tests[pg->n_tests];
    *step = *t;
    step->on_true = on_true;
    step->on_false = on_false;
    step->inverted = inverted;
    em->needs |= needs_of(t);
    return (uint32_t)pg->n_tests++;
}

/* Steps are written from the last to the first, so that every target is known when it is needed. */
static uint32_t emit(struct emitter *em, uint32_t at, uint32_t on_true, uint32_t on_false, bool inverted)
{
    const struct node *n = &em->nodes[at];
    bool all = n->kind == NODE_AND;
    uint32_t entry = all ? on_true : on_false;
    switch (n->kind) {
    case NODE_TRUE:
        return on_true;
    case NODE_FALSE:
        return on_false;
    case NODE_TEST:
        return emit_test(em, &n->test, on_true, on_false, inverted);
    case NODE_NOT:
        return emit(em, n->last, on_false, on_true, !inverted);
    default:
        break;
    }
    for (uint32_t child = n->last; child; child = em->nodes[child].prev)
        entry = emit(em, child, all ? entry : on_true, all ? on_false : entry, inverted);
    return entry;
}

bool expr_emit(const struct expr *ex, struct program *pg, uint32_t *start, unsigned *needs)
{
    struct emitter em = {.nodes = ex->nodes, .pg = pg};
    *start = emit(&em, ex->root, PROGRAM_TRUE, PROGRAM_FALSE, false);
    *needs |= em.needs;
    return !em.failed;
}

void expr_free(struct expr *ex)
{
    free(ex->nodes);
    *ex = (struct expr){0};
}
