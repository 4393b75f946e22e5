/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What operands are worth in a subject: fetched once a decision, each step of a chain computed once. */
#include <strings.h>

#include "inspect/scratch.h"
#include "match/transform.h"

static bool fail(struct view *v)
{
    v->failed = true;
    return false;
}

static const uint8_t *where(const struct field *f, const struct http_tx *tx)
{
    return (const uint8_t *)tx + f->at;
}

static bool put_one(struct view *v, struct values *to, struct span s)
{
    if (!s.data)
        return true;
    to->at = pool_take(&v->s->pool, sizeof *to->at);
    if (!to->at)
        return fail(v);
    to->at[0] = s;
    to->n = 1;
    return true;
}

static bool same_name(const struct field *f, struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    if (f->arg & LIST_CASELESS)
        return strncasecmp((const char *)a.data, (const char *)b.data, a.len) == 0;
    return !a.len || memcmp(a.data, b.data, a.len) == 0;
}

static bool put_list(struct view *v, struct values *to, const struct field *f, uint32_t selector)
{
    struct http_list list;
    const struct http_tx *tx = v->subject->tx;
    memcpy(&list, where(f, tx), sizeof list);
    uint32_t first = f->arg & LIST_BODY ? tx->query_args : 0, n = 0;
    if (first >= list.n)
        return true;
    to->at = pool_take(&v->s->pool, 2 * (list.n - first) * sizeof *to->at);
    if (!to->at)
        return fail(v);
    to->names = to->at + (list.n - first);
    for (uint32_t i = first; i < list.n; i++) {
        const struct http_field *one = &list.at[i];
        if (selector != PROGRAM_NONE && !same_name(f, one->name, v->pg->strings.at[selector]))
            continue;
        to->at[n] = f->arg & LIST_NAMES ? one->name : one->value;
        if (!to->at[n].data)
            to->at[n] = span_of("", 0);
        to->names[n++] = one->name;
    }
    to->n = n;
    return true;
}

static bool put_field(struct view *v, struct values *to, const struct operand *o)
{
    const struct field *f = &fields[o->field];
    struct span s = {.data = NULL};
    switch (f->load) {
    case LOAD_STREAM:
        return put_one(v, to, v->subject->stream);
    case LOAD_HTTP_SPAN:
        if (v->subject->tx)
            memcpy(&s, where(f, v->subject->tx), sizeof s);
        return put_one(v, to, s);
    case LOAD_HTTP_LIST:
        return !v->subject->tx || put_list(v, to, f, o->selector);
    default:
        if (!field_bytes(f, v->subject->packet, &s))
            return true;
        return put_one(v, to, s.data ? s : span_of("", 0));
    }
}

static bool transform_one(struct view *v, enum transform t, struct span in, struct span *out)
{
    struct pool *p = &v->s->pool;
    if (!in.len)
        in.data = (const uint8_t *)"";
    size_t room = transform_room(t, in.len);
    uint8_t *buf = pool_take(p, room);
    if (!buf)
        return fail(v);
    *out = transform_apply(t, in, buf);
    bool written = out->data >= buf && out->data <= buf + room;
    pool_shorten(p, written ? out->data + out->len : buf);
    return true;
}

static bool put_transformed(struct view *v, struct values *to, const struct operand *o)
{
    const struct values *from = view_values(v, o->parent);
    if (v->failed || !from->n)
        return !v->failed;
    to->at = pool_take(&v->s->pool, from->n * sizeof *to->at);
    if (!to->at)
        return fail(v);
    to->names = from->names;
    for (uint32_t i = 0; i < from->n; i++)
        if (!transform_one(v, (enum transform)o->transform, from->at[i], &to->at[i]))
            return false;
    to->n = from->n;
    return true;
}

const struct values *view_values(struct view *v, uint32_t operand)
{
    const struct operand *o = &v->pg->operands[operand];
    struct values *to = &v->s->values[operand];
    if (to->stamp == v->s->stamp)
        return to;
    *to = (struct values){.stamp = v->s->stamp};
    if (!(o->parent == PROGRAM_NONE ? put_field(v, to, o) : put_transformed(v, to, o)))
        to->n = 0;
    return to;
}

static struct numbers one_number(uint64_t x)
{
    return (struct numbers){.n = 1, .v = {x, 0}};
}

static struct numbers http_numbers(const struct view *v, const struct field *f, const struct operand *o)
{
    struct http_tx *tx = v->subject->tx;
    struct numbers ret = {.n = 0};
    if (!tx)
        return f->load == LOAD_HTTP ? one_number(0) : ret;
    switch (f->load) {
    case LOAD_HTTP:
        return one_number(1);
    case LOAD_HTTP_STATUS:
        return tx->status ? one_number(tx->status) : ret;
    case LOAD_HTTP_ANOMALIES:
        return tx->anomalies ? one_number(tx->anomalies) : ret;
    default: {
        int32_t score = notes_of(tx)->scores[o->selector];
        return one_number(score > 0 ? (uint64_t)score : 0);
    }
    }
}

struct numbers view_numbers(struct view *v, uint8_t field, uint32_t operand)
{
    struct numbers ret = {.n = 0};
    if (operand == PROGRAM_NONE) {
        ret.n = field_ints(&fields[field], v->subject->packet, ret.v);
        return ret;
    }
    const struct operand *o = &v->pg->operands[operand];
    if (o->what == OPERAND_VALUES)
        return http_numbers(v, &fields[field], o);
    const struct values *from = view_values(v, o->parent);
    if (o->what == OPERAND_COUNT)
        return one_number(from->n);
    return (struct numbers){.n = from->n, .lengths = from->at};
}
