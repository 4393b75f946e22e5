/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/content.h"

#include <string.h>
#include <strings.h>

#include "app/content_internal.h"

#define FIRST_FIELDS 16
#define FIRST_BYTES 64
/* Paths may take this much more than the input before it counts as too many arguments. */
#define PATH_FACTOR 8
#define PATH_SLACK ((size_t)64 * 1024)

bool http_list_add(struct arena *a, struct http_list *l, struct span name, struct span value)
{
    if (l->n == l->cap) {
        if (l->cap > UINT32_MAX / 2)
            return false;
        uint32_t cap = l->cap ? l->cap * 2 : FIRST_FIELDS;
        struct http_field *at = arena_alloc(a, cap * sizeof *at);
        if (!at)
            return false;
        if (l->n)
            memcpy(at, l->at, l->n * sizeof *at);
        l->at = at;
        l->cap = cap;
    }
    l->at[l->n++] = (struct http_field){name, value};
    return true;
}

bool content_put(struct content_sink *s, struct http_list *l, struct span name, struct span value)
{
    if (l->n >= s->max_args) {
        content_note(s, HTTP_TOO_MANY_ARGS);
        return false;
    }
    s->failed |= !http_list_add(s->arena, l, name, value);
    return !s->failed;
}

int content_hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct span content_trim(struct span v)
{
    while (v.len && content_is_space(v.data[v.len - 1]))
        v.len--;
    while (v.len && content_is_space(v.data[0]))
        v = span_from(v, 1);
    return v;
}

bool content_is(struct span v, const char *text)
{
    return v.len == strlen(text) && (!v.len || !strncasecmp((const char *)v.data, text, v.len));
}

bool content_append(struct content_sink *s, struct content_bytes *b, const void *data, size_t len)
{
    if (b->cap - b->len < len) {
        size_t cap = (b->len + len) * 2 + FIRST_BYTES;
        uint8_t *at = arena_alloc(s->arena, cap);
        if (!at) {
            s->failed = true;
            return false;
        }
        if (b->len)
            memcpy(at, b->at, b->len);
        b->at = at;
        b->cap = cap;
    }
    if (len)
        memcpy(b->at + b->len, data, len);
    b->len += len;
    return true;
}

bool content_path_start(struct content_sink *s, struct content_path *p, const char *root, size_t input)
{
    *p = (struct content_path){.budget = input * PATH_FACTOR + PATH_SLACK};
    return content_append(s, &p->text, root, strlen(root));
}

bool content_path_step(struct content_sink *s, struct content_path *p, size_t at, char sep, struct span step)
{
    p->text.len = at;
    return content_append(s, &p->text, &sep, 1) && content_append(s, &p->text, step.data, step.len);
}

bool content_path_put(struct content_sink *s, struct content_path *p, struct span value, size_t cost)
{
    size_t need = p->text.len + cost;
    if (p->budget < need || s->args->n >= s->max_args) {
        content_note(s, HTTP_TOO_MANY_ARGS);
        return false;
    }
    p->budget -= need;
    uint8_t *name = arena_alloc(s->arena, p->text.len);
    if (!name) {
        s->failed = true;
        return false;
    }
    memcpy(name, p->text.at, p->text.len);
    return content_put(s, s->args, span_of(name, p->text.len), value);
}

/* a=b with the outer quotes of b taken off; a piece without "=" is a value without a name. */
static bool add_cookie(struct arena *a, struct http_list *list, struct span piece)
{
    const uint8_t *eq = memchr(piece.data, '=', piece.len);
    size_t name_len = eq ? (size_t)(eq - piece.data) : 0;
    struct span name = content_trim(span_first(piece, name_len));
    struct span value = eq ? content_trim(span_from(piece, name_len + 1)) : piece;
    if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
        value = span_of(value.data + 1, value.len - 2);
    return http_list_add(a, list, name, value);
}

bool content_cookies(struct arena *a, struct http_list *list, struct span header, uint32_t max)
{
    while (header.len && list->n < max) {
        const uint8_t *end = memchr(header.data, ';', header.len);
        size_t len = end ? (size_t)(end - header.data) : header.len;
        struct span piece = content_trim(span_first(header, len));
        if (piece.len && !add_cookie(a, list, piece))
            return false;
        header = span_from(header, len + 1);
    }
    return true;
}

static bool ends_in(struct span v, const char *tail)
{
    size_t len = strlen(tail);
    return v.len > len && content_is(span_from(v, v.len - len), tail);
}

enum content_type content_type_of(struct span value)
{
    const uint8_t *end = value.len ? memchr(value.data, ';', value.len) : NULL;
    struct span v = content_trim(end ? span_first(value, (size_t)(end - value.data)) : value);
    if (content_is(v, "application/x-www-form-urlencoded"))
        return CONTENT_URLENCODED;
    if (content_is(v, "multipart/form-data"))
        return CONTENT_MULTIPART;
    if (content_is(v, "application/json") || content_is(v, "text/json") || ends_in(v, "+json"))
        return CONTENT_JSON;
    if (content_is(v, "application/xml") || content_is(v, "text/xml") || ends_in(v, "+xml"))
        return CONTENT_XML;
    return CONTENT_OTHER;
}
