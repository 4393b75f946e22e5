/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditions: or-list of and-lists of tests; what a test's right side may be is in operand.c. */
#include <errno.h>

#include "inspect/parse.h"

static bool fail_memory(struct parser *ps)
{
    return expr_fail(ps->lx.error, ps->t.at, "out of memory");
}

bool parse_next(struct parser *ps)
{
    return lex_next(&ps->lx, &ps->t);
}

const char *parse_describe(const struct parser *ps, char buf[static 64])
{
    switch (ps->t.kind) {
    case TOKEN_END:
        return "the end of the condition";
    case TOKEN_INT:
        return "an integer";
    case TOKEN_NET:
        return "an address";
    case TOKEN_MAC:
        return "a MAC address";
    case TOKEN_STRING:
        return "a string";
    default:
        snprintf(buf, 64, "\"%.*s\"", (int)(ps->t.len < 50 ? ps->t.len : 50), ps->lx.text + ps->t.at);
        return buf;
    }
}

static uint32_t new_node(struct parser *ps, enum node_kind kind)
{
    struct expr *ex = ps->ex;
    if (!vec_room(&ex->nodes, ex->n, 1, &ex->cap, sizeof *ex->nodes)) {
        fail_memory(ps);
        return 0;
    }
    ex->nodes[ex->n] = (struct node){.kind = (uint8_t)kind};
    return (uint32_t)ex->n++;
}

static void add_child(struct parser *ps, uint32_t parent, uint32_t child)
{
    struct node *nodes = ps->ex->nodes;
    nodes[child].prev = nodes[parent].last;
    nodes[parent].last = child;
}

int parse_field(struct parser *ps)
{
    const char *name = ps->lx.text + ps->t.at;
    int field = field_find(name, ps->t.len);
    if (field >= 0)
        return field;
    const char *guess = field_guess(name, ps->t.len);
    int shown = (int)(ps->t.len < 60 ? ps->t.len : 60);
    if (guess)
        expr_fail(ps->lx.error, ps->t.at, "unknown field \"%.*s\", did you mean \"%s\"?", shown, name, guess);
    else
        expr_fail(ps->lx.error, ps->t.at, "unknown field \"%.*s\", expected one that sluice-rules(5) names", shown,
                  name);
    return -1;
}

/* A field with nothing behind it. */
static bool parse_alone(struct parser *ps, const struct field *f, size_t at, struct test *t)
{
    if (f->type == TYPE_BOOL) {
        t->op = TEST_RANGE;
        t->a = t->b = 1;
        return true;
    }
    if (f->names == NAMES_ANOMALY || f->names == NAMES_OPTION) {
        t->op = TEST_BITS;
        t->a = UINT64_MAX;
        return true;
    }
    return expr_fail(ps->lx.error, at, "%s is %s and no condition alone, expected a comparison such as ==", f->name,
                     f->type == TYPE_NAMES ? "a name" : field_type_name(f->type));
}

static bool parse_test(struct parser *ps, struct test *t)
{
    size_t at = ps->t.at;
    int field = parse_field(ps);
    if (field < 0 || !parse_next(ps))
        return false;
    *t = (struct test){.field = (uint8_t)field};
    const struct field *f = &fields[field];
    switch (ps->t.kind) {
    case TOKEN_EQ:
    case TOKEN_NE:
    case TOKEN_LT:
    case TOKEN_LE:
    case TOKEN_GT:
    case TOKEN_GE:
        return operand_compare(ps, f, t);
    case TOKEN_IN:
        return operand_in(ps, f, t);
    case TOKEN_CONTAINS:
    case TOKEN_STARTSWITH:
    case TOKEN_ENDSWITH:
        return operand_part(ps, f, t);
    case TOKEN_MATCHES:
        return operand_regex(ps, f, t);
    default:
        return parse_alone(ps, f, at, t);
    }
}

static uint32_t parse_or(struct parser *ps);

static uint32_t parse_parens(struct parser *ps)
{
    char buf[64];
    if (!parse_next(ps))
        return 0;
    uint32_t node = parse_or(ps);
    if (!node)
        return 0;
    if (ps->t.kind != TOKEN_CLOSE) {
        expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected \")\", and, or", parse_describe(ps, buf));
        return 0;
    }
    return parse_next(ps) ? node : 0;
}

static uint32_t parse_unary(struct parser *ps);

static uint32_t parse_not(struct parser *ps)
{
    uint32_t child = parse_next(ps) ? parse_unary(ps) : 0;
    uint32_t node = child ? new_node(ps, NODE_NOT) : 0;
    if (node)
        add_child(ps, node, child);
    return node;
}

static uint32_t parse_primary(struct parser *ps)
{
    struct test t;
    char buf[64];
    enum token_kind kind = ps->t.kind;
    if (kind == TOKEN_TRUE || kind == TOKEN_FALSE)
        return parse_next(ps) ? new_node(ps, kind == TOKEN_TRUE ? NODE_TRUE : NODE_FALSE) : 0;
    if (kind != TOKEN_NAME) {
        expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected a field, not or \"(\"", parse_describe(ps, buf));
        return 0;
    }
    uint32_t node = parse_test(ps, &t) ? new_node(ps, NODE_TEST) : 0;
    if (node)
        ps->ex->nodes[node].test = t;
    return node;
}

static uint32_t parse_unary(struct parser *ps)
{
    if (ps->t.kind != TOKEN_NOT && ps->t.kind != TOKEN_OPEN)
        return parse_primary(ps);
    if (ps->depth >= EXPR_DEPTH_MAX) {
        expr_fail(ps->lx.error, ps->t.at, "nested too deeply, expected at most %d levels", EXPR_DEPTH_MAX);
        return 0;
    }
    ps->depth++;
    uint32_t node = ps->t.kind == TOKEN_NOT ? parse_not(ps) : parse_parens(ps);
    ps->depth--;
    return node;
}

/* What `part` reads, once or joined by `joint`. */
static uint32_t parse_list(struct parser *ps, enum token_kind joint, enum node_kind kind,
                           uint32_t (*part)(struct parser *))
{
    uint32_t first = part(ps);
    if (!first || ps->t.kind != joint)
        return first;
    uint32_t list = new_node(ps, kind);
    if (!list)
        return 0;
    add_child(ps, list, first);
    while (ps->t.kind == joint) {
        uint32_t next = parse_next(ps) ? part(ps) : 0;
        if (!next)
            return 0;
        add_child(ps, list, next);
    }
    return list;
}

static uint32_t parse_and(struct parser *ps)
{
    return parse_list(ps, TOKEN_AND, NODE_AND, parse_unary);
}

static uint32_t parse_or(struct parser *ps)
{
    return parse_list(ps, TOKEN_OR, NODE_OR, parse_and);
}

bool expr_parse(struct expr *ex, const char *text, size_t len, const struct set_names *sets, struct program *pg,
                struct expr_error *error)
{
    char buf[64];
    struct parser ps = {.lx = {.text = text, .len = len, .error = error}, .ex = ex, .sets = sets, .pg = pg};
    error->text[0] = '\0';
    error->at = 0;
    ex->n = 0;
    if (len > EXPR_LENGTH_MAX)
        return expr_fail(error, 0, "the condition has %zu bytes, expected at most %zu", len, EXPR_LENGTH_MAX);
    new_node(&ps, NODE_FALSE); /* number 0 stands for none */
    if (!parse_next(&ps))
        return false;
    ex->root = parse_or(&ps);
    if (!ex->root)
        return false;
    if (ps.t.kind != TOKEN_END)
        return expr_fail(error, ps.t.at, "unexpected %s, expected and, or, or the end", parse_describe(&ps, buf));
    return !error->text[0];
}
