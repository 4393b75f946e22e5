/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/http_internal.h"

#define PIECE 4096
#define FREE_BYTES ((uint64_t)64 * 1024) /* decoded bytes that may be of any ratio */
#define PREFIX 64

struct stage {
    struct inflater *z;
    uint64_t in, out;
    bool done;
};

struct http_decoder {
    struct stage stage[CODINGS_MAX]; /* the outermost coding first */
    unsigned n;
    uint32_t ratio;
    bool bad, raw, bomb;
    uint8_t prefix[PREFIX]; /* the body's first bytes, as sent */
    size_t prefix_len;
};

static bool add_stage(struct http_decoder *d, struct span coding, bool *known)
{
    struct inflater *z = inflater_new(coding, known);
    if (!z)
        return !*known;
    d->stage[d->n++].z = z;
    return true;
}

bool http_decoder_new(const struct http_lines *l, uint32_t ratio, uint64_t *anomalies, struct http_decoder **ret)
{
    bool known = l->n_codings <= CODINGS_MAX, fine = true;
    *ret = NULL;
    if (!l->n_codings)
        return true;
    struct http_decoder *d = known ? calloc(1, sizeof *d) : NULL;
    if (known && !d)
        return false;
    for (unsigned i = l->n_codings; known && fine && i-- > 0;)
        fine = add_stage(d, l->codings[i], &known);
    if (known && fine) {
        d->ratio = ratio;
        *ret = d;
        return true;
    }
    http_decoder_free(d);
    if (!known)
        *anomalies |= NOTE(HTTP_UNKNOWN_CONTENT_CODING);
    return fine;
}

void http_decoder_free(struct http_decoder *d)
{
    if (!d)
        return;
    for (unsigned i = 0; i < d->n; i++)
        inflater_free(d->stage[i].z);
    free(d);
}

size_t http_decoder_memory(const struct http_decoder *d)
{
    size_t n = d ? sizeof *d : 0;
    for (unsigned i = 0; d && i < d->n; i++)
        n += inflater_memory(d->stage[i].z);
    return n;
}

static bool grow(struct http_body *b, size_t n)
{
    if (b->cap - b->len >= n)
        return true;
    size_t cap = b->cap ? b->cap * 2 : 1024;
    while (cap - b->len < n)
        cap *= 2;
    if (cap > b->limit)
        cap = b->limit;
    uint8_t *data = realloc(b->data, cap);
    if (!data)
        return false;
    b->data = data;
    b->cap = cap;
    return true;
}

static enum body put(struct http_body *b, struct span in, uint64_t *anomalies)
{
    size_t n = in.len < b->limit - b->len ? in.len : b->limit - b->len;
    if (n && !grow(b, n))
        return BODY_NO_MEMORY;
    if (n)
        memcpy(b->data + b->len, in.data, n);
    b->len += n;
    if (n == in.len)
        return BODY_MORE;
    *anomalies |= NOTE(HTTP_BODY_TOO_LONG);
    return BODY_FULL;
}

/* Looked at each PIECE of output, so that it does not depend on how the input comes. */
static bool is_bomb(const struct http_decoder *d, const struct stage *s)
{
    return s->out % PIECE == 0 && s->out > FREE_BYTES && s->out - FREE_BYTES > s->in * d->ratio;
}

static enum body decode(struct http_body *b, struct http_decoder *d, unsigned i, struct span in, uint64_t *anomalies)
{
    struct stage *s = &d->stage[i];
    uint8_t out[PIECE];
    if (i == d->n)
        return put(b, in, anomalies);
    for (;;) {
        size_t room = PIECE - s->out % PIECE, before = in.len;
        long n = inflater_run(s->z, &in, out, room, &s->done);
        if (n < 0) {
            d->bad = true;
            return BODY_MORE;
        }
        s->in += before - in.len;
        s->out += (uint64_t)n;
        enum body r = n ? decode(b, d, i + 1, span_of(out, (size_t)n), anomalies) : BODY_MORE;
        if (r != BODY_MORE || d->bad)
            return r;
        if (n && is_bomb(d, s)) {
            *anomalies |= NOTE(HTTP_CODING_BOMB);
            return BODY_FULL;
        }
        if ((size_t)n < room && (!in.len || (!n && in.len == before)))
            return BODY_MORE;
    }
}

/* The first bytes go in by themselves: where they are no such coding, servers that know of none take them as they are.
 */
static enum body decode_prefix(struct http_body *b, struct http_decoder *d, struct span *in, uint64_t *anomalies)
{
    struct span part = span_first(*in, PREFIX - d->prefix_len);
    if (!part.len)
        return BODY_MORE;
    memcpy(d->prefix + d->prefix_len, part.data, part.len);
    d->prefix_len += part.len;
    *in = span_from(*in, part.len);
    enum body r = decode(b, d, 0, part, anomalies);
    if (r != BODY_MORE || !d->bad || b->len)
        return r;
    d->raw = true;
    return put(b, span_of(d->prefix, d->prefix_len), anomalies);
}

enum body http_body_take(struct http_body *b, struct http_decoder *d, struct span in, uint64_t *anomalies)
{
    if (!d)
        return put(b, in, anomalies);
    enum body r = BODY_MORE;
    if (!d->bad)
        r = decode_prefix(b, d, &in, anomalies);
    if (r == BODY_MORE && !d->bad && in.len)
        r = decode(b, d, 0, in, anomalies);
    else if (r == BODY_MORE && d->raw && in.len)
        r = put(b, in, anomalies);
    if (d->bad)
        *anomalies |= NOTE(HTTP_BAD_CONTENT_CODING);
    return r;
}

enum body http_body_end(struct http_body *b, struct http_decoder *d, uint64_t *anomalies)
{
    bool whole = true;
    if (!d || d->bad)
        return BODY_MORE;
    for (unsigned i = 0; i < d->n; i++)
        whole &= d->stage[i].done;
    if (whole)
        return BODY_MORE;
    *anomalies |= NOTE(HTTP_BAD_CONTENT_CODING);
    if (b->len || d->prefix_len == PREFIX)
        return BODY_MORE;
    return put(b, span_of(d->prefix, d->prefix_len), anomalies);
}

/* Without the beginning of a %XX that the limit cut through. */
static struct span whole_escapes(struct span s)
{
    for (size_t back = 1; back <= 2 && back <= s.len; back++)
        if (s.data[s.len - back] == '%')
            return span_first(s, s.len - back);
    return s;
}

bool http_body_split(struct http *h, struct http_msg *m)
{
    struct http_tx *tx = &m->tx;
    uint64_t found = 0;
    struct content_sink s = {.arena = &m->arena,
                             .args = &tx->args,
                             .files = &tx->files,
                             .part_headers = &tx->part_headers,
                             .anomalies = &found,
                             .max_args = h->opt.limits.args,
                             .max_depth = h->opt.limits.depth};
    switch (content_type_of(m->content_type)) {
    case CONTENT_URLENCODED:
        content_urlencoded(&s, m->cut ? whole_escapes(tx->body) : tx->body);
        break;
    case CONTENT_MULTIPART:
        content_multipart(&s, m->content_type, tx->body, m->cut);
        break;
    case CONTENT_JSON:
        content_json(&s, tx->body, m->cut);
        break;
    case CONTENT_XML:
        content_xml(&s, tx->body, m->cut);
        break;
    case CONTENT_OTHER:
        break;
    }
    tx->anomalies |= found;
    return !s.failed;
}
