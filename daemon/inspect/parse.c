/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditions: or-list of and-lists of tests; left sides are in left.c, right sides in compare.c. */
#include <errno.h>

#include "inspect/parse.h"

bool parse_no_memory(struct parser *ps)
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

long parse_string(struct parser *ps)
{
    size_t len;
    AUTO_FREE char *buf = malloc(ps->t.len);
    if (!buf) {
        parse_no_memory(ps);
        return -1;
    }
    if (!lex_string(&ps->lx, &ps->t, buf, &len))
        return -1;
    long number = program_add_string(ps->pg, buf, len);
    if (number < 0)
        parse_no_memory(ps);
    return number;
}

static uint32_t new_node(struct parser *ps, enum node_kind kind)
{
    struct expr *ex = ps->ex;
    if (!vec_room(&ex->nodes, ex->n, 1, &ex->cap, sizeof *ex->nodes)) {
        parse_no_memory(ps);
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

/* A field with nothing behind it. */
static bool parse_alone(struct parser *ps, const struct field *f, size_t at, struct test *t)
{
    if (f->type == TYPE_BOOL) {
        t->op = TEST_RANGE;
        t->a = t->b = 1;
        return true;
    }
    if (f->names == NAMES_ANOMALY || f->names == NAMES_OPTION || f->names == NAMES_HTTP_ANOMALY) {
        t->op = TEST_BITS;
        t->a = UINT64_MAX;
        return true;
    }
    return expr_fail(ps->lx.error, at, "%s is %s and no condition alone, expected a comparison such as ==", f->name,
                     f->type == TYPE_NAMES ? "a name" : field_type_name(f->type));
}

static bool parse_operator(struct parser *ps, const struct left *l, struct test *t)
{
    switch (ps->t.kind) {
    case TOKEN_EQ:
    case TOKEN_NE:
    case TOKEN_LT:
    case TOKEN_LE:
    case TOKEN_GT:
    case TOKEN_GE:
        return compare_value(ps, &l->as, t);
    case TOKEN_IN:
        return compare_in(ps, &l->as, t);
    case TOKEN_CONTAINS:
    case TOKEN_STARTSWITH:
    case TOKEN_ENDSWITH:
        return compare_part(ps, &l->as, t);
    case TOKEN_MATCHES:
        return compare_regex(ps, &l->as, t);
    case TOKEN_HAS_BYTES:
        return compare_bytes(ps, &l->as, t);
    default:
        return parse_alone(ps, &l->as, l->at, t);
    }
}

static bool parse_test(struct parser *ps, struct test *t)
{
    struct left l;
    if (!parse_left(ps, &l))
        return false;
    *t = (struct test){.field = l.field, .operand = l.operand, .op = l.predicate};
    if (l.predicate != TEST_NEVER)
        return true;
    if (!parse_operator(ps, &l, t))
        return false;
    if (t->operand == PROGRAM_NONE || !test_is_pattern(t->op))
        return true;
    long pattern = program_add_pattern(ps->pg, t->operand, (enum test_op)t->op, (uint32_t)t->a);
    t->b = (uint64_t)pattern;
    return pattern >= 0 || parse_no_memory(ps);
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
    size_t at = ps->t.at;
    if (kind == TOKEN_TRUE || kind == TOKEN_FALSE)
        return parse_next(ps) ? new_node(ps, kind == TOKEN_TRUE ? NODE_TRUE : NODE_FALSE) : 0;
    if (kind != TOKEN_NAME) {
        expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected a field, not or \"(\"", parse_describe(ps, buf));
        return 0;
    }
    uint32_t node = parse_test(ps, &t) ? new_node(ps, NODE_TEST) : 0;
    if (node) {
        ps->ex->nodes[node].test = t;
        ps->ex->nodes[node].at = (uint32_t)at;
    }
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

/* "ip.pair" is no field of conditions: it has no value to compare with. */
static bool is_pair(const char *text, size_t len)
{
    return len == strlen("ip.pair") && memcmp(text, "ip.pair", len) == 0;
}

/* What has no one value for as long as its subject lives is nothing to count by. */
static bool is_key(const struct parser *ps, const struct left *l)
{
    const struct field *f = &fields[l->field];
    bool counted = l->operand != PROGRAM_NONE && ps->pg->operands[l->operand].what == OPERAND_COUNT;
    return l->predicate == TEST_NEVER && !counted && !field_grows(f) && f->load != LOAD_STREAM;
}

bool expr_parse_field(const char *text, size_t len, struct program *pg, struct limit_field *ret,
                      struct expr_error *error)
{
    char buf[64];
    struct left l;
    struct parser ps = {.lx = {.text = text, .len = len, .error = error}, .pg = pg};
    *error = (struct expr_error){.at = 0};
    *ret = (struct limit_field){.pair = is_pair(text, len)};
    if (ret->pair)
        return true;
    if (!parse_next(&ps))
        return false;
    if (ps.t.kind != TOKEN_NAME)
        return expr_fail(error, ps.t.at, "unexpected %s, expected a field", parse_describe(&ps, buf));
    if (!parse_left(&ps, &l))
        return false;
    if (ps.t.kind != TOKEN_END)
        return expr_fail(error, ps.t.at, "unexpected %s, expected the end", parse_describe(&ps, buf));
    if (!is_key(&ps, &l))
        return expr_fail(error, l.at, "%.40s is nothing to count by, expected a field that keeps its value", l.as.name);
    ret->field = l.field;
    ret->operand = l.operand;
    return true;
}
