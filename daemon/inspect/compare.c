/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Right sides of tests: operators and the values behind them. */
#include "inspect/parse.h"

/* Says that the next token is no value of the field, and what would be. */
static bool fail_value(struct parser *ps, const struct field *f)
{
    char got[64], list[300];
    const char *what = parse_describe(ps, got);
    switch (f->type) {
    case TYPE_INT:
        return expr_fail(ps->lx.error, ps->t.at, "%s is no value for %s, expected an integer from 0 to %llu%s", what,
                         f->name, (unsigned long long)f->max, f->names == NAMES_PROTO ? " or a protocol's name" : "");
    case TYPE_NAMES:
        return expr_fail(ps->lx.error, ps->t.at, "%s is no value for %s, expected in quotes one of %s", what, f->name,
                         names_list(f->names, list, sizeof list));
    case TYPE_ADDR:
        return expr_fail(ps->lx.error, ps->t.at, "%s is no value for %s, expected an address or network", what,
                         f->name);
    default:
        return expr_fail(ps->lx.error, ps->t.at, "%s is no value for %s, expected %s", what, f->name,
                         field_type_name(f->type));
    }
}

/* The name in quotes that the next token is, as text; NULL with the error set. */
static const char *read_name(struct parser *ps)
{
    long number = parse_string(ps);
    return number < 0 ? NULL : (const char *)ps->pg->strings.at[number].data;
}

static bool read_protocol(struct parser *ps, const struct field *f, uint64_t *v)
{
    char list[300];
    const char *name = read_name(ps);
    if (!name)
        return false;
    int number = ip_proto_number(name);
    if (number < 0)
        return expr_fail(ps->lx.error, ps->t.at, "unknown protocol \"%.40s\" for %s, expected a number or one of %s",
                         name, f->name, names_list(NAMES_PROTO, list, sizeof list));
    *v = (uint64_t)number;
    return true;
}

static bool read_names_value(struct parser *ps, const struct field *f, uint64_t *v)
{
    char list[300];
    const char *name = read_name(ps);
    if (!name)
        return false;
    *v = names_bit(f->names, name);
    const char *guess = *v ? NULL : names_guess(f->names, name);
    if (guess)
        return expr_fail(ps->lx.error, ps->t.at, "\"%.40s\" is no %s, did you mean \"%s\"?", name, f->name, guess);
    return *v || expr_fail(ps->lx.error, ps->t.at, "\"%.40s\" is no %s, expected one of %s", name, f->name,
                           names_list(f->names, list, sizeof list));
}

/* A value of a field that is held as a number, and past it. */
static bool read_number(struct parser *ps, const struct field *f, uint64_t *v)
{
    enum token_kind kind = ps->t.kind;
    *v = ps->t.number;
    if (f->type == TYPE_INT && kind == TOKEN_INT) {
        if (*v > f->max)
            return expr_fail(ps->lx.error, ps->t.at, "%llu is out of range for %s, expected 0 to %llu",
                             (unsigned long long)*v, f->name, (unsigned long long)f->max);
    } else if (f->names == NAMES_PROTO && kind == TOKEN_STRING) {
        if (!read_protocol(ps, f, v))
            return false;
    } else if (f->type == TYPE_NAMES && kind == TOKEN_STRING) {
        if (!read_names_value(ps, f, v))
            return false;
    } else if (f->type == TYPE_BOOL && (kind == TOKEN_TRUE || kind == TOKEN_FALSE)) {
        *v = kind == TOKEN_TRUE;
    } else if (f->type != TYPE_MAC || kind != TOKEN_MAC) {
        return fail_value(ps, f);
    }
    return parse_next(ps);
}

static long add_net(struct parser *ps)
{
    struct program *pg = ps->pg;
    if (!vec_room(&pg->nets, pg->n_nets, 1, &pg->cap_nets, sizeof *pg->nets)) {
        parse_no_memory(ps);
        return -1;
    }
    pg->nets[pg->n_nets] = ps->t.net;
    return (long)pg->n_nets++;
}

/* The range of numbers that satisfy an operator. */
static void set_range(struct test *t, const struct field *f, enum token_kind op, uint64_t v)
{
    uint64_t max = f->type == TYPE_INT ? f->max : UINT64_MAX;
    t->op = TEST_RANGE;
    t->a = op == TOKEN_LT || op == TOKEN_LE ? 0 : v;
    t->b = op == TOKEN_GT || op == TOKEN_GE ? max : v;
    if ((op == TOKEN_LT && v == 0) || (op == TOKEN_GT && v == max))
        t->op = TEST_NEVER;
    else if (op == TOKEN_LT)
        t->b = v - 1;
    else if (op == TOKEN_GT)
        t->a = v + 1;
}

static bool compare_field(struct parser *ps, const struct field *f, enum token_kind op, struct test *t)
{
    static const uint8_t ops[] = {TEST_FIELD_EQ, TEST_FIELD_EQ, TEST_FIELD_LT,
                                  TEST_FIELD_LE, TEST_FIELD_GT, TEST_FIELD_GE};
    struct left other;
    if (!parse_left(ps, &other))
        return false;
    const struct field *g = &other.as;
    if (other.predicate != TEST_NEVER)
        return expr_fail(ps->lx.error, other.at, "a test is no value for %s, expected a field", f->name);
    if (g->type != f->type || (f->type == TYPE_NAMES && f->names != g->names))
        return expr_fail(ps->lx.error, other.at, "%s is %s and %s is %s, expected two fields of one type", f->name,
                         field_type_name(f->type), g->name, field_type_name(g->type));
    t->op = ops[op - TOKEN_EQ];
    t->other = other.field;
    t->a = other.operand;
    t->b = f->type;
    return true;
}

static bool compare_literal(struct parser *ps, const struct field *f, enum token_kind op, struct test *t)
{
    uint64_t v;
    if (f->type == TYPE_ADDR || f->type == TYPE_BYTES) {
        bool addr = f->type == TYPE_ADDR;
        if (ps->t.kind != (addr ? TOKEN_NET : TOKEN_STRING))
            return fail_value(ps, f);
        long number = addr ? add_net(ps) : parse_string(ps);
        t->op = addr ? TEST_NET : TEST_EQUAL;
        t->a = (uint64_t)number;
        return number >= 0 && parse_next(ps);
    }
    if (!read_number(ps, f, &v))
        return false;
    if (f->type == TYPE_NAMES) {
        t->op = TEST_BITS;
        t->a = v;
        return true;
    }
    set_range(t, f, op, v);
    return true;
}

bool compare_value(struct parser *ps, const struct field *f, struct test *t)
{
    enum token_kind op = ps->t.kind;
    t->negate = op == TOKEN_NE;
    if (op >= TOKEN_LT && f->type != TYPE_INT)
        return expr_fail(ps->lx.error, ps->t.at,
                         "%.*s compares integers and %s is %s, expected == or !=", (int)ps->t.len,
                         ps->lx.text + ps->t.at, f->name, field_type_name(f->type));
    if (!parse_next(ps))
        return false;
    if (ps->t.kind == TOKEN_NAME)
        return compare_field(ps, f, op == TOKEN_NE ? TOKEN_EQ : op, t);
    return compare_literal(ps, f, op == TOKEN_NE ? TOKEN_EQ : op, t);
}

/* ---- in ---- */

static bool read_range(struct parser *ps, const struct field *f, struct range *r)
{
    if (!read_number(ps, f, &r->first))
        return false;
    r->last = r->first;
    if (ps->t.kind != TOKEN_DASH)
        return true;
    size_t at = ps->t.at;
    if (f->type != TYPE_INT)
        return expr_fail(ps->lx.error, at, "a range of %s, expected single values", f->name);
    if (!parse_next(ps) || !read_number(ps, f, &r->last))
        return false;
    return r->last >= r->first || expr_fail(ps->lx.error, at, "the range ends before it begins");
}

static bool add_number(struct parser *ps, const struct field *f, struct test *t)
{
    struct program *pg = ps->pg;
    struct range r;
    if (!read_range(ps, f, &r))
        return false;
    if (f->type == TYPE_NAMES) {
        t->a |= r.first;
        return true;
    }
    if (!vec_room(&pg->ranges, pg->n_ranges, 1, &pg->cap_ranges, sizeof *pg->ranges))
        return parse_no_memory(ps);
    pg->ranges[pg->n_ranges++] = r;
    t->b++;
    return true;
}

static bool add_address(struct parser *ps, const struct field *f, struct test *t)
{
    struct set *s = ps->pg->sets[t->a];
    struct ip_net first = ps->t.net;
    if (ps->t.kind != TOKEN_NET)
        return fail_value(ps, f);
    if (!parse_next(ps))
        return false;
    if (ps->t.kind != TOKEN_DASH)
        return set_add_net(s, &first) == 0 || parse_no_memory(ps);
    if (!parse_next(ps))
        return false;
    if (ps->t.kind != TOKEN_NET)
        return fail_value(ps, f);
    struct ip_net last = ps->t.net;
    unsigned whole = first.addr.family == 4 ? 32 : 128;
    addr_bits a = addr_to_bits(&first.addr), b = addr_to_bits(&last.addr);
    if (first.addr.family != last.addr.family || first.prefix != whole || last.prefix != whole || b < a)
        return expr_fail(ps->lx.error, ps->t.at, "bad range, expected two addresses of one family, the lower first");
    return parse_next(ps) && (set_add_range(s, first.addr.family, a, b) == 0 || parse_no_memory(ps));
}

static bool add_string(struct parser *ps, const struct field *f, struct test *t)
{
    if (ps->t.kind != TOKEN_STRING)
        return fail_value(ps, f);
    long number = parse_string(ps);
    if (number < 0)
        return false;
    struct span s = ps->pg->strings.at[number];
    if (strtab_add(&ps->pg->sets[t->a]->strings, s.data, s.len) < 0)
        return parse_no_memory(ps);
    return parse_next(ps);
}

static bool add_value(struct parser *ps, const struct field *f, struct test *t)
{
    if (f->type == TYPE_ADDR)
        return add_address(ps, f, t);
    if (f->type == TYPE_BYTES)
        return add_string(ps, f, t);
    return add_number(ps, f, t);
}

static bool begin_list(struct parser *ps, const struct field *f, struct test *t)
{
    if (f->type == TYPE_ADDR || f->type == TYPE_BYTES) {
        long number = program_add_set(ps->pg, f->type == TYPE_ADDR ? SET_ADDRESS : SET_STRING);
        t->op = f->type == TYPE_ADDR ? TEST_ADDRS : TEST_ONE_OF;
        t->a = (uint64_t)number;
        return number >= 0 || parse_no_memory(ps);
    }
    t->op = f->type == TYPE_NAMES ? TEST_BITS : TEST_RANGES;
    t->a = f->type == TYPE_NAMES ? 0 : ps->pg->n_ranges;
    return true;
}

static int by_first(const void *x, const void *y)
{
    const struct range *a = x, *b = y;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* Sorts and merges the ranges of a list; one alone needs no list. */
static void end_ranges(struct program *pg, struct test *t)
{
    struct range *r = pg->ranges + t->a;
    size_t kept = 0;
    qsort(r, t->b, sizeof *r, by_first);
    for (size_t i = 1; i < t->b; i++) {
        if (r[i].first > r[kept].last + 1)
            r[++kept] = r[i];
        else if (r[i].last > r[kept].last)
            r[kept].last = r[i].last;
    }
    t->b = kept + 1;
    pg->n_ranges = t->a + t->b;
    if (t->b > 1)
        return;
    pg->n_ranges--;
    struct range only = r[0];
    t->op = TEST_RANGE;
    t->a = only.first;
    t->b = only.last;
}

static bool end_list(struct parser *ps, struct test *t)
{
    if (t->op == TEST_RANGES)
        end_ranges(ps->pg, t);
    if (t->op == TEST_ADDRS && set_seal(ps->pg->sets[t->a]))
        return parse_no_memory(ps);
    return parse_next(ps);
}

static bool parse_braces(struct parser *ps, const struct field *f, struct test *t)
{
    char buf[64];
    if (!begin_list(ps, f, t))
        return false;
    do {
        if (!parse_next(ps) || !add_value(ps, f, t))
            return false;
    } while (ps->t.kind == TOKEN_COMMA);
    if (ps->t.kind != TOKEN_UNBRACE)
        return expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected \",\" or \"}\"", parse_describe(ps, buf));
    return end_list(ps, t);
}

static bool set_fits(const struct field *f, const struct set *s)
{
    switch (s->type) {
    case SET_ADDRESS:
        return f->type == TYPE_ADDR;
    case SET_PORT:
        return f->port;
    case SET_STRING:
        return f->type == TYPE_BYTES;
    }
    return false;
}

static bool parse_named_set(struct parser *ps, const struct field *f, struct test *t)
{
    static const uint8_t ops[] = {TEST_ADDRS, TEST_PORTS, TEST_ONE_OF};
    static const char *const kinds[] = {"addresses", "ports", "strings"};
    const char *name = ps->lx.text + ps->t.at + 1;
    size_t len = ps->t.len - 1;
    long found = strtab_find(&ps->sets->names, name, len);
    if (found < 0)
        return expr_fail(ps->lx.error, ps->t.at, "unknown set \"%.*s\", expected the name of one that `sets` defines",
                         (int)(len < 60 ? len : 60), name);
    uint32_t number = ps->sets->numbers[found];
    const struct set *s = ps->pg->sets[number];
    if (!set_fits(f, s))
        return expr_fail(ps->lx.error, ps->t.at, "a set of %s is not for %s, expected one of %s", kinds[s->type],
                         f->name,
                         f->port                 ? "ports"
                         : f->type == TYPE_ADDR  ? "addresses"
                         : f->type == TYPE_BYTES ? "strings"
                                                 : "values in { }");
    t->op = ops[s->type];
    t->a = number;
    return parse_next(ps);
}

bool compare_in(struct parser *ps, const struct field *f, struct test *t)
{
    char buf[64];
    if (f->type == TYPE_BOOL)
        return expr_fail(ps->lx.error, ps->t.at, "%s is true or false, expected it alone or with == or !=", f->name);
    if (!parse_next(ps))
        return false;
    if (ps->t.kind == TOKEN_BRACE)
        return parse_braces(ps, f, t);
    if (ps->t.kind == TOKEN_SET)
        return parse_named_set(ps, f, t);
    return expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected \"{\" or the name of a set such as $blocked",
                     parse_describe(ps, buf));
}

/* ---- strings ---- */

/* The string operator is for this field; past it. */
static bool begin_string(struct parser *ps, const struct field *f)
{
    if (f->type != TYPE_BYTES)
        return expr_fail(ps->lx.error, ps->t.at, "%.*s is for strings and %s is %s", (int)ps->t.len,
                         ps->lx.text + ps->t.at, f->name, field_type_name(f->type));
    return parse_next(ps);
}

/* Any of a set's strings, or of a list's. */
static bool compare_any(struct parser *ps, const struct field *f, enum token_kind op, struct test *t)
{
    if (!(ps->t.kind == TOKEN_SET ? parse_named_set(ps, f, t) : parse_braces(ps, f, t)))
        return false;
    t->op = op == TOKEN_CONTAINS ? TEST_CONTAINS_ANY : op == TOKEN_STARTSWITH ? TEST_STARTS_ANY : TEST_ENDS_ANY;
    return true;
}

bool compare_part(struct parser *ps, const struct field *f, struct test *t)
{
    enum token_kind op = ps->t.kind;
    if (!begin_string(ps, f))
        return false;
    if (ps->t.kind == TOKEN_SET || ps->t.kind == TOKEN_BRACE)
        return compare_any(ps, f, op, t);
    if (ps->t.kind != TOKEN_STRING)
        return fail_value(ps, f);
    long number = parse_string(ps);
    if (number < 0)
        return false;
    t->op = op == TOKEN_CONTAINS ? TEST_CONTAINS : op == TOKEN_STARTSWITH ? TEST_STARTS : TEST_ENDS;
    t->a = (uint64_t)number;
    return parse_next(ps);
}

/* A pattern is taken as written between the quotes: the escapes are PCRE2's, of which \" is one. */
bool compare_regex(struct parser *ps, const struct field *f, struct test *t)
{
    char why[200];
    size_t at = 0;
    if (!begin_string(ps, f))
        return false;
    if (ps->t.kind != TOKEN_STRING)
        return fail_value(ps, f);
    struct span pattern = span_of(ps->lx.text + ps->t.at + 1, ps->t.len - 2);
    long number = program_add_regex(ps->pg, pattern, why, sizeof why, &at);
    if (number < 0)
        return expr_fail(ps->lx.error, ps->t.at + 1 + at, "bad regex: %s", why);
    t->op = TEST_MATCH;
    t->a = (uint64_t)number;
    return parse_next(ps);
}

static bool add_byte_range(struct parser *ps, struct byte_set *s)
{
    static const struct field byte = {.name = "has_bytes", .type = TYPE_INT, .max = 255};
    struct range r;
    if (!parse_next(ps) || !read_range(ps, &byte, &r))
        return false;
    for (uint64_t i = r.first; i <= r.last; i++)
        s->bits[i / 64] |= UINT64_C(1) << (i % 64);
    return true;
}

bool compare_bytes(struct parser *ps, const struct field *f, struct test *t)
{
    char buf[64];
    struct byte_set set = {{0}};
    if (!begin_string(ps, f))
        return false;
    if (ps->t.kind != TOKEN_BRACE)
        return expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected bytes such as { 0-31, 127 }",
                         parse_describe(ps, buf));
    do {
        if (!add_byte_range(ps, &set))
            return false;
    } while (ps->t.kind == TOKEN_COMMA);
    if (ps->t.kind != TOKEN_UNBRACE)
        return expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected \",\" or \"}\"", parse_describe(ps, buf));
    long number = program_add_byte_set(ps->pg, &set);
    t->op = TEST_HAS_BYTES;
    t->a = (uint64_t)number;
    return number >= 0 ? parse_next(ps) : parse_no_memory(ps);
}
