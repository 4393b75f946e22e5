/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/evidence.h"

#define BEFORE 24 /* bytes shown before a match */

static void put_text(char *to, size_t size, const void *text, size_t len)
{
    len = len < size - 1 ? len : size - 1;
    if (len)
        memcpy(to, text, len);
    to[len] = '\0';
}

static void put_value(struct evidence *ret, struct span s, size_t from)
{
    s = span_first(span_from(s, from), sizeof ret->value);
    if (s.len)
        memcpy(ret->value, s.data, s.len);
    ret->value_len = (uint8_t)s.len;
}

/* The value with what matched in it, from a little before. */
static void put_match(struct evidence *ret, struct span s, size_t start)
{
    put_value(ret, s, start > BEFORE ? start - BEFORE : 0);
}

static void put_number(struct evidence *ret, uint64_t x)
{
    int n = snprintf(ret->value, sizeof ret->value, "%llu", (unsigned long long)x);
    ret->value_len = (uint8_t)(n > 0 ? n : 0);
}

static void put_name(struct evidence *ret, const struct values *x, uint32_t i)
{
    if (x->names)
        put_text(ret->name, sizeof ret->name, x->names[i].data, x->names[i].len);
}

/* The first value that satisfies a test of strings. */
static void of_strings(struct view *v, const struct test *t, struct evidence *ret)
{
    const struct values *x = view_values(v, t->operand);
    for (uint32_t i = 0; i < x->n; i++) {
        size_t start = 0, end = 0;
        int r = program_satisfies(v->pg, t->op, t->a, x->at[i], v->s->regex, &start, &end);
        if (r == 0)
            continue;
        put_name(ret, x, i);
        put_match(ret, x->at[i], r > 0 && start <= x->at[i].len ? start : 0);
        return;
    }
}

/* The names of anomalies that the test asked for, of those that are there. */
static void of_anomalies(const struct view *v, const struct test *t, struct evidence *ret)
{
    uint64_t bits = v->subject->tx ? v->subject->tx->anomalies & t->a : 0;
    char text[sizeof ret->value + 1] = "";
    size_t n = 0;
    for (unsigned i = 0; i < HTTP_ANOMALIES; i++) {
        const char *name = bits >> i & 1 ? http_anomaly_name(i) : NULL;
        if (name && n + strlen(name) + 1 < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? " " : "", name);
    }
    put_value(ret, span_of(text, n), 0);
}

static bool in_test(const struct program *pg, const struct test *t, uint64_t v)
{
    if (t->op == TEST_RANGE)
        return v - t->a <= t->b - t->a;
    for (uint64_t i = 0; t->op == TEST_RANGES && i < t->b; i++)
        if (pg->ranges[t->a + i].first <= v && v <= pg->ranges[t->a + i].last)
            return true;
    return false;
}

static void of_lengths(struct view *v, const struct test *t, struct evidence *ret)
{
    const struct values *x = view_values(v, v->pg->operands[t->operand].parent);
    for (uint32_t i = 0; i < x->n; i++)
        if (in_test(v->pg, t, x->at[i].len)) {
            put_name(ret, x, i);
            put_value(ret, x->at[i], 0);
            return;
        }
}

static void of_numbers(struct view *v, const struct test *t, struct evidence *ret)
{
    if (fields[t->field].load == LOAD_HTTP_ANOMALIES) {
        of_anomalies(v, t, ret);
        return;
    }
    if (v->pg->operands[t->operand].what == OPERAND_LENGTH) {
        of_lengths(v, t, ret);
        return;
    }
    struct numbers x = view_numbers(v, t->field, t->operand);
    if (x.n && fields[t->field].load != LOAD_HTTP)
        put_number(ret, numbers_at(&x, 0));
}

void evidence_take(struct view *v, struct evidence *ret)
{
    const struct test *t = v->met;
    ret->what[0] = ret->name[0] = '\0';
    ret->value_len = 0;
    if (!t)
        return;
    const char *text = v->pg->operands[t->operand].text;
    put_text(ret->what, sizeof ret->what, text, strlen(text));
    if (t->op <= TEST_PORTS) {
        of_numbers(v, t, ret);
    } else if (t->op <= TEST_INVALID_UTF8) {
        of_strings(v, t, ret);
    } else if (t->b == TYPE_BYTES) {
        const struct values *x = view_values(v, t->operand);
        if (x->n)
            put_value(ret, x->at[0], 0);
    }
}
