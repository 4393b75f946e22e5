/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditions at work: the steps of a program over one subject. */
#include "inspect/matcher.h"
#include "match/injection.h"

static bool in_ranges(const struct range *r, uint64_t n, uint64_t v)
{
    while (n > 1) {
        uint64_t half = n / 2;
        r = r[half].first <= v ? r + half : r;
        n -= half;
    }
    return n && r->first <= v && v <= r->last;
}

static bool int_satisfies(const struct program *pg, const struct test *t, uint64_t v)
{
    switch (t->op) {
    case TEST_RANGE:
        return v - t->a <= t->b - t->a;
    case TEST_RANGES:
        return in_ranges(pg->ranges + t->a, t->b, v);
    case TEST_BITS:
        return (v & t->a) != 0;
    case TEST_PORTS:
        return set_has_port(pg->sets[t->a], v);
    default:
        return false;
    }
}

static int test_operand_ints(const struct program *pg, const struct test *t, struct view *v)
{
    struct numbers x = view_numbers(v, t->field, t->operand);
    bool any = false;
    for (uint32_t i = 0; i < x.n && !any; i++)
        any = int_satisfies(pg, t, numbers_at(&x, i));
    return x.n && any != t->negate;
}

static int test_ints(const struct program *pg, const struct test *t, struct view *view)
{
    uint64_t v[2];
    if (t->operand != PROGRAM_NONE)
        return test_operand_ints(pg, t, view);
    unsigned n = field_ints(&fields[t->field], view->subject->packet, v);
    if (!n)
        return 0;
    bool any = int_satisfies(pg, t, v[0]) || (n > 1 && int_satisfies(pg, t, v[1]));
    return any != t->negate;
}

static bool addr_satisfies(const struct program *pg, const struct test *t, const struct ip_addr *v)
{
    if (t->op == TEST_NET)
        return ip_net_has(&pg->nets[t->a], v);
    return set_has_addr(pg->sets[t->a], v);
}

static int test_addrs(const struct program *pg, const struct test *t, const struct packet *p)
{
    const struct ip_addr *v[2];
    unsigned n = field_addrs(&fields[t->field], p, v);
    if (!n)
        return 0;
    bool any = addr_satisfies(pg, t, v[0]) || (n > 1 && addr_satisfies(pg, t, v[1]));
    return any != t->negate;
}

static bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

/* ---- one string ---- */

static bool part_at(uint8_t op, struct span v, struct span what, size_t *start)
{
    const uint8_t *found;
    *start = 0;
    if (v.len < what.len)
        return false;
    switch (op) {
    case TEST_EQUAL:
    case TEST_ONE_OF:
        return span_equal(v, what);
    case TEST_CONTAINS:
    case TEST_CONTAINS_ANY:
        if (!what.len)
            return true;
        found = memmem(v.data, v.len, what.data, what.len);
        *start = found ? (size_t)(found - v.data) : 0;
        return found != NULL;
    case TEST_STARTS:
    case TEST_STARTS_ANY:
        return span_equal(span_first(v, what.len), what);
    default:
        *start = v.len - what.len;
        return span_equal(span_from(v, v.len - what.len), what);
    }
}

static int any_part(uint8_t op, const struct set *s, struct span v, size_t *start, size_t *end)
{
    for (size_t i = 0; i < s->strings.n; i++)
        if (part_at(op, v, s->strings.at[i], start)) {
            *end = *start + s->strings.at[i].len;
            return 1;
        }
    return 0;
}

static int has_bytes(const struct byte_set *s, struct span v, size_t *start, size_t *end)
{
    for (size_t i = 0; i < v.len; i++)
        if (s->bits[v.data[i] / 64] >> (v.data[i] % 64) & 1) {
            *start = i;
            *end = i + 1;
            return 1;
        }
    return 0;
}

static int regex_satisfies(const struct regex *r, struct regex_memory *m, struct span v, size_t *start, size_t *end)
{
    int rc = regex_match(r, m, v);
    if (rc == 1)
        regex_where(m, start, end);
    return rc;
}

int program_satisfies(const struct program *pg, uint8_t op, uint64_t ref, struct span v, struct regex_memory *m,
                      size_t *start, size_t *end)
{
    *start = 0;
    *end = v.len;
    switch (op) {
    case TEST_MATCH:
        return regex_satisfies(pg->regexes[ref], m, v, start, end);
    case TEST_ONE_OF:
        return set_has_string(pg->sets[ref], v);
    case TEST_CONTAINS_ANY:
    case TEST_STARTS_ANY:
    case TEST_ENDS_ANY:
        return any_part(op, pg->sets[ref], v, start, end);
    case TEST_HAS_BYTES:
        return has_bytes(&pg->byte_sets[ref], v, start, end);
    case TEST_SQLI:
        return detect_sqli(v, NULL);
    case TEST_XSS:
        return detect_xss(v);
    case TEST_INVALID_UTF8:
        return !detect_utf8_valid(v);
    default:
        if (!part_at(op, v, pg->strings.at[ref], start))
            return 0;
        *end = *start + pg->strings.at[ref].len;
        return 1;
    }
}

/* ---- strings ---- */

static int any_satisfies(const struct program *pg, const struct test *t, const struct values *x, struct view *v)
{
    size_t start, end;
    for (uint32_t i = 0; i < x->n; i++) {
        int r = program_satisfies(pg, t->op, t->a, x->at[i], v->s->regex, &start, &end);
        if (r)
            return r;
    }
    return 0;
}

/* Whether any value satisfies; what a scan of them has told already is not asked again. */
static int values_satisfy(const struct program *pg, const struct test *t, const struct values *x, struct view *v)
{
    if (!v->matcher || !test_is_pattern(t->op) || !matcher_scanned(v, t))
        return any_satisfies(pg, t, x, v);
    bool hit = v->s->hits[t->b] == v->s->stamp;
    if (!hit || pg->patterns[t->b].mode == PATTERN_EXACT)
        return hit;
    return any_satisfies(pg, t, x, v);
}

static int test_operand_bytes(const struct program *pg, const struct test *t, struct view *v)
{
    const struct values *x = view_values(v, t->operand);
    if (v->failed)
        return -1;
    if (!x->n)
        return 0;
    int r = values_satisfy(pg, t, x, v);
    return r < 0 || v->failed ? -1 : (r != 0) != t->negate;
}

static int test_bytes(const struct program *pg, const struct test *t, struct view *view)
{
    struct span v;
    size_t start, end;
    if (t->operand != PROGRAM_NONE)
        return test_operand_bytes(pg, t, view);
    if (!field_bytes(&fields[t->field], view->subject->packet, &v))
        return 0;
    int r = program_satisfies(pg, t->op, t->a, v, view->s->regex, &start, &end);
    return r < 0 ? r : (r != 0) != t->negate;
}

/* ---- two operands ---- */

static bool ints_related(const struct test *t, uint64_t x, uint64_t y)
{
    switch (t->op) {
    case TEST_FIELD_EQ:
        return fields[t->field].type == TYPE_NAMES ? (x & y) != 0 : x == y;
    case TEST_FIELD_LT:
        return x < y;
    case TEST_FIELD_LE:
        return x <= y;
    case TEST_FIELD_GT:
        return x > y;
    default:
        return x >= y;
    }
}

/* Whether both operands have values, and whether any pair is related. */
static bool compare_ints(const struct test *t, struct view *v, bool *any)
{
    struct numbers x = view_numbers(v, t->field, t->operand), y = view_numbers(v, t->other, (uint32_t)t->a);
    for (uint32_t i = 0; i < x.n && !*any; i++)
        for (uint32_t j = 0; j < y.n && !*any; j++)
            *any = ints_related(t, numbers_at(&x, i), numbers_at(&y, j));
    return x.n && y.n;
}

static bool compare_addrs(const struct test *t, const struct packet *p, bool *any)
{
    const struct ip_addr *x[2], *y[2];
    unsigned nx = field_addrs(&fields[t->field], p, x), ny = field_addrs(&fields[t->other], p, y);
    for (unsigned i = 0; i < nx; i++)
        for (unsigned j = 0; j < ny; j++)
            *any = *any || ip_addr_equal(x[i], y[j]);
    return nx && ny;
}

/* The strings of an operand, or the one of a packet's field in `one`. */
static const struct span *strings_of(struct view *v, uint8_t field, uint64_t operand, struct span *one, uint32_t *n)
{
    if (operand == PROGRAM_NONE) {
        *n = field_bytes(&fields[field], v->subject->packet, one);
        return one;
    }
    const struct values *x = view_values(v, (uint32_t)operand);
    *n = x->n;
    return x->at;
}

static bool compare_bytes(const struct test *t, struct view *v, bool *any)
{
    struct span one, other;
    uint32_t nx, ny;
    const struct span *x = strings_of(v, t->field, t->operand, &one, &nx);
    const struct span *y = strings_of(v, t->other, t->a, &other, &ny);
    for (uint32_t i = 0; i < nx && !*any; i++)
        for (uint32_t j = 0; j < ny && !*any; j++)
            *any = span_equal(x[i], y[j]);
    return nx && ny;
}

static int test_fields(const struct test *t, struct view *v)
{
    bool any = false, both;
    if (t->b == TYPE_ADDR)
        both = compare_addrs(t, v->subject->packet, &any);
    else if (t->b == TYPE_BYTES)
        both = compare_bytes(t, v, &any);
    else
        both = compare_ints(t, v, &any);
    return both && any != t->negate;
}

static int run_test(const struct program *pg, const struct test *t, struct view *v)
{
    if (t->op <= TEST_PORTS)
        return test_ints(pg, t, v);
    if (t->op <= TEST_ADDRS)
        return test_addrs(pg, t, v->subject->packet);
    if (t->op <= TEST_INVALID_UTF8)
        return test_bytes(pg, t, v);
    return t->op == TEST_NEVER ? 0 : test_fields(t, v);
}

int program_run(const struct program *pg, uint32_t start, struct view *v)
{
    uint32_t at = start;
    while (at < PROGRAM_FALSE) {
        const struct test *t = &pg->tests[at];
        int r = run_test(pg, t, v);
        if (r < 0 || v->failed)
            return -1;
        if (r && t->operand != PROGRAM_NONE && !t->negate)
            v->met = t;
        at = r ? t->on_true : t->on_false;
    }
    return at == PROGRAM_TRUE;
}
