/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/program.h"

#include "inspect/field.h"

long program_add_set(struct program *pg, enum set_type type)
{
    if (!vec_room(&pg->sets, pg->n_sets, 1, &pg->cap_sets, sizeof *pg->sets))
        return -1;
    struct set *s = calloc(1, sizeof *s);
    if (!s)
        return -1;
    s->type = type;
    pg->sets[pg->n_sets] = s;
    return (long)pg->n_sets++;
}

void program_trim(struct program *pg)
{
    vec_trim(&pg->tests, pg->n_tests, &pg->cap_tests, sizeof *pg->tests);
    vec_trim(&pg->ranges, pg->n_ranges, &pg->cap_ranges, sizeof *pg->ranges);
    vec_trim(&pg->nets, pg->n_nets, &pg->cap_nets, sizeof *pg->nets);
    vec_trim(&pg->sets, pg->n_sets, &pg->cap_sets, sizeof *pg->sets);
}

void program_free(struct program *pg)
{
    for (size_t i = 0; i < pg->n_sets; i++) {
        set_free(pg->sets[i]);
        free(pg->sets[i]);
    }
    for (size_t i = 0; pg->regexes && i < pg->patterns.n; i++)
        regex_free(pg->regexes[i]);
    free(pg->tests);
    free(pg->ranges);
    free(pg->nets);
    free(pg->sets);
    free(pg->regexes);
    strtab_free(&pg->strings);
    strtab_free(&pg->patterns);
    *pg = (struct program){0};
}

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

static int test_ints(const struct program *pg, const struct test *t, const struct packet *p)
{
    uint64_t v[2];
    unsigned n = field_ints(&fields[t->field], p, v);
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

static bool span_contains(struct span v, struct span what)
{
    return !what.len || (v.len >= what.len && memmem(v.data, v.len, what.data, what.len));
}

static int bytes_satisfy(const struct program *pg, const struct test *t, struct span v, struct matcher *m)
{
    if (t->op == TEST_MATCH)
        return regex_match(pg->regexes[t->a], m, v);
    if (t->op == TEST_ONE_OF)
        return set_has_string(pg->sets[t->a], v);
    struct span what = pg->strings.at[t->a];
    switch (t->op) {
    case TEST_EQUAL:
        return span_equal(v, what);
    case TEST_CONTAINS:
        return span_contains(v, what);
    case TEST_STARTS:
        return v.len >= what.len && span_equal(span_first(v, what.len), what);
    case TEST_ENDS:
        return v.len >= what.len && span_equal(span_from(v, v.len - what.len), what);
    default:
        return 0;
    }
}

static int test_bytes(const struct program *pg, const struct test *t, const struct packet *p, struct matcher *m)
{
    struct span v;
    if (!field_bytes(&fields[t->field], p, &v))
        return 0;
    int r = bytes_satisfy(pg, t, v, m);
    return r < 0 ? r : (r != 0) != t->negate;
}

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

/* How many values two fields have, multiplied (0: one is absent), and whether any pair is related. */
static unsigned compare_ints(const struct test *t, const struct packet *p, bool *any)
{
    uint64_t x[2], y[2];
    unsigned nx = field_ints(&fields[t->field], p, x), ny = field_ints(&fields[t->other], p, y);
    for (unsigned i = 0; i < nx; i++)
        for (unsigned j = 0; j < ny; j++)
            *any = *any || ints_related(t, x[i], y[j]);
    return nx * ny;
}

static unsigned compare_addrs(const struct test *t, const struct packet *p, bool *any)
{
    const struct ip_addr *x[2], *y[2];
    unsigned nx = field_addrs(&fields[t->field], p, x), ny = field_addrs(&fields[t->other], p, y);
    for (unsigned i = 0; i < nx; i++)
        for (unsigned j = 0; j < ny; j++)
            *any = *any || ip_addr_equal(x[i], y[j]);
    return nx * ny;
}

static int test_fields(const struct test *t, const struct packet *p)
{
    bool any = false;
    unsigned n;
    struct span x, y;
    switch (fields[t->field].type) {
    case TYPE_ADDR:
        n = compare_addrs(t, p, &any);
        break;
    case TYPE_BYTES:
        n = field_bytes(&fields[t->field], p, &x) * field_bytes(&fields[t->other], p, &y);
        any = n && span_equal(x, y);
        break;
    default:
        n = compare_ints(t, p, &any);
        break;
    }
    return n && any != t->negate;
}

static int run_test(const struct program *pg, const struct test *t, const struct packet *p, struct matcher *m)
{
    if (t->op <= TEST_PORTS)
        return test_ints(pg, t, p);
    if (t->op <= TEST_ADDRS)
        return test_addrs(pg, t, p);
    if (t->op <= TEST_MATCH)
        return test_bytes(pg, t, p, m);
    return t->op == TEST_NEVER ? 0 : test_fields(t, p);
}

int program_run(const struct program *pg, uint32_t start, const struct packet *p, struct matcher *m)
{
    uint32_t at = start;
    while (at < PROGRAM_FALSE) {
        const struct test *t = &pg->tests[at];
        int r = run_test(pg, t, p, m);
        if (r < 0)
            return r;
        at = r ? t->on_true : t->on_false;
    }
    return at == PROGRAM_TRUE;
}
