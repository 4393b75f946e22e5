/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#include "app/content_internal.h"
#include "base/utf8.h"

/* An object or array that is open; kept for the next one of the same depth. */
struct level {
    struct level *up, *down;
    size_t path; /* length of its own path */
    size_t count;
    bool array;
};

struct json {
    struct content_sink *s;
    struct span in;
    struct content_path path;
    struct level root; /* stands for the text as a whole */
    struct level *top;
    uint32_t depth;
    yajl_handle parser;
    struct span rest; /* behind the outermost value, once that is complete */
};

static void value_ended(struct json *j)
{
    if (j->top == &j->root)
        j->rest = span_from(j->in, yajl_get_bytes_consumed(j->parser));
}

/* The path of the value that comes now; a member's was set by its key. */
static bool enter_value(struct json *j)
{
    struct level *l = j->top;
    if (!l->array) {
        l->count++;
        return true;
    }
    char index[24];
    int len = snprintf(index, sizeof index, "%zu", l->count++);
    return content_path_step(j->s, &j->path, l->path, '.', span_of(index, (size_t)len));
}

static int add_value(struct json *j, const void *data, size_t len)
{
    if (!enter_value(j))
        return 0;
    const uint8_t *at = data;
    bool own = at >= j->in.data && at < j->in.data + j->in.len;
    struct span v = span_of(at, len);
    if (!own && len) {
        v.data = (const uint8_t *)arena_copy(j->s->arena, data, len);
        j->s->failed |= !v.data;
    }
    value_ended(j);
    return !j->s->failed && content_path_put(j->s, &j->path, v, 0);
}

static int on_null(void *ctx)
{
    return add_value(ctx, "null", 4);
}

static int on_boolean(void *ctx, int value)
{
    return value ? add_value(ctx, "true", 4) : add_value(ctx, "false", 5);
}

static int on_number(void *ctx, const char *at, size_t len)
{
    return add_value(ctx, at, len);
}

static int on_string(void *ctx, const unsigned char *at, size_t len)
{
    return add_value(ctx, at, len);
}

static int on_key(void *ctx, const unsigned char *at, size_t len)
{
    struct json *j = ctx;
    return content_path_step(j->s, &j->path, j->top->path, '.', span_of(at, len));
}

static int open_level(struct json *j, bool array)
{
    if (!enter_value(j))
        return 0;
    if (j->depth >= j->s->max_depth) {
        content_note(j->s, HTTP_TOO_DEEP);
        return 0;
    }
    struct level *l = j->top->down;
    if (!l) {
        l = arena_alloc(j->s->arena, sizeof *l);
        if (!l) {
            j->s->failed = true;
            return 0;
        }
        l->up = j->top;
        j->top->down = l;
    }
    l->path = j->path.text.len;
    l->count = 0;
    l->array = array;
    j->top = l;
    j->depth++;
    return 1;
}

static int on_map(void *ctx)
{
    return open_level(ctx, false);
}

static int on_array(void *ctx)
{
    return open_level(ctx, true);
}

/* An empty object or array is put as an empty value: its name would be seen nowhere else. */
static int on_end(void *ctx)
{
    struct json *j = ctx;
    struct level *l = j->top;
    j->path.text.len = l->path;
    j->top = l->up;
    j->depth--;
    value_ended(j);
    return l->count || content_path_put(j->s, &j->path, span_of(NULL, 0), 0);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_end,
};

/* Feeds the parser; false where the text is no JSON. */
static bool parse(struct json *j, bool cut)
{
    yajl_status status = yajl_parse(j->parser, j->in.data, j->in.len);
    /* A string that begins behind the value and has no end passes there. */
    for (size_t i = 0; i < j->rest.len; i++)
        if (!j->rest.data[i] || !strchr(" \t\r\n", j->rest.data[i]))
            return false;
    if (status == yajl_status_ok && !cut)
        status = yajl_complete_parse(j->parser);
    return status != yajl_status_error;
}

static bool has_byte(struct span v, uint8_t c)
{
    return v.len && memchr(v.data, c, v.len);
}

void content_json(struct content_sink *s, struct span in, bool cut)
{
    struct json j = {.s = s, .in = in};
    j.top = &j.root;
    /* RFC 8259 8.1: no byte order mark; readers differ, so it is noted and left out. */
    if (in.len >= 3 && !memcmp(in.data, "\xef\xbb\xbf", 3)) {
        content_note(s, HTTP_BAD_JSON);
        j.in = span_from(in, 3);
    }
    /* yajl accepts overlong forms and surrogates, and more bytes as whitespace. */
    if (!utf8_valid(j.in, cut) || has_byte(j.in, '\v') || has_byte(j.in, '\f'))
        content_note(s, HTTP_BAD_JSON);
    j.parser = yajl_alloc(&callbacks, NULL, &j);
    if (!j.parser || !content_path_start(s, &j.path, "json", in.len))
        s->failed = true;
    else if (!parse(&j, cut))
        content_note(s, HTTP_BAD_JSON);
    if (j.parser)
        yajl_free(j.parser);
}
