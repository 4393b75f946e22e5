/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <yajl/yajl_parse.h>

#include "seclang/variables_internal.h"

/* ModSecurity's, where the owner sets none. */
#define DEPTH_DEFAULT 10000
/* Every value is stored with its whole path, so what the names may take in all is bounded beside their number. */
#define NAMES_MIN ((size_t)256 * 1024)
#define NAMES_TIMES 16

/* An object or array that is open. */
struct level {
    size_t path; /* length of its own path */
    uint32_t count;
    bool array;
};

struct json {
    struct sec_vars *v;
    struct sec_bytes path; /* of the value that comes now */
    struct level *levels;
    uint32_t depth, room, max_depth;
    bool too_deep;
    size_t names; /* bytes that they may take yet */
};

static bool step(struct json *j, size_t from, const void *text, size_t n)
{
    j->path.len = from;
    return sec_bytes_add(j->v, &j->path, text, n);
}

static struct level *top(struct json *j)
{
    return j->depth ? &j->levels[j->depth - 1] : NULL;
}

/* An element's path is its array's and its number; a member's was set by its key. */
static bool enter_value(struct json *j)
{
    char index[32];
    const struct level *l = top(j);
    if (!l || !l->array)
        return true;
    int n = snprintf(index, sizeof index, ".array_%u", l->count);
    return step(j, l->path, index, (size_t)n);
}

static void value_ended(struct json *j)
{
    struct level *l = top(j);
    if (l)
        l->count++;
}

static int add(struct json *j, const void *data, size_t n)
{
    struct sec_vars *v = j->v;
    if (!enter_value(j) || j->path.len > j->names)
        return 0;
    j->names -= j->path.len;
    char *name = arena_copy(&v->arena, j->path.at, j->path.len);
    const uint8_t *value = data, *body = v->body.bytes.data;
    /* yajl gives a string without escapes where it stands in the body. */
    if (n && !(value >= body && value < body + v->body.bytes.len))
        value = (const uint8_t *)arena_copy(&v->arena, data, n);
    if (!name || (n && !value)) {
        v->failed = true;
        return 0;
    }
    value_ended(j);
    return sec_args_add(v, span_of(name, j->path.len), span_of(value, n));
}

static int on_null(void *ctx)
{
    return add(ctx, NULL, 0);
}

static int on_boolean(void *ctx, int value)
{
    return value ? add(ctx, "true", 4) : add(ctx, "false", 5);
}

static int on_number(void *ctx, const char *at, size_t n)
{
    return add(ctx, at, n);
}

static int on_string(void *ctx, const unsigned char *at, size_t n)
{
    return add(ctx, at, n);
}

static int on_key(void *ctx, const unsigned char *at, size_t n)
{
    struct json *j = ctx;
    if (!step(j, top(j)->path, ".", 1))
        return 0;
    return n ? sec_bytes_add(j->v, &j->path, at, n) : sec_bytes_add(j->v, &j->path, "empty-key", 9);
}

static bool grow(struct json *j)
{
    if (j->depth < j->room)
        return true;
    uint32_t more = j->room ? j->room * 2 : 16;
    struct level *l = arena_alloc(&j->v->arena, more * sizeof *l);
    if (!l) {
        j->v->failed = true;
        return false;
    }
    if (j->depth)
        memcpy(l, j->levels, j->depth * sizeof *l);
    j->levels = l;
    j->room = more;
    return true;
}

static int open_level(struct json *j, bool array)
{
    j->too_deep = j->depth >= j->max_depth;
    if (j->too_deep || !enter_value(j) || !grow(j))
        return 0;
    j->levels[j->depth++] = (struct level){.path = j->path.len, .array = array};
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

static int on_end(void *ctx)
{
    struct json *j = ctx;
    j->depth--;
    value_ended(j);
    return 1;
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

static void note_error(struct json *j, yajl_handle parser)
{
    unsigned char *text = yajl_get_error(parser, 0, NULL, 0);
    j->v->body.failed = true;
    j->v->body.error =
        sec_print(j->v, "%s%s", text ? (const char *)text : "", j->too_deep ? ". Parsing depth limit exceeded" : "");
    if (text)
        yajl_free_error(parser, text);
}

/* An empty body is no error. */
void sec_json_read(struct sec_vars *v)
{
    struct span in = v->body.bytes;
    struct json j = {.v = v, .max_depth = v->settings->json_depth ? v->settings->json_depth : DEPTH_DEFAULT};
    j.names = in.len < SIZE_MAX / NAMES_TIMES ? in.len * NAMES_TIMES + NAMES_MIN : SIZE_MAX;
    if (!in.len || !step(&j, 0, "json", 4))
        return;
    yajl_handle parser = yajl_alloc(&callbacks, NULL, &j);
    if (!parser) {
        v->failed = true;
        return;
    }
    yajl_status status = yajl_parse(parser, in.data, in.len);
    if (status == yajl_status_ok && !v->body.cut)
        status = yajl_complete_parse(parser);
    if (status != yajl_status_ok)
        note_error(&j, parser);
    yajl_free(parser);
}
