/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Paths and command lines. */
#include "match/transform_internal.h"

static bool is_slash(uint8_t c, bool win)
{
    return c == '/' || (win && c == '\\');
}

/* Whether anything may change: a backslash, an empty segment, one that begins with a dot. */
static bool is_normal(struct span in, bool win)
{
    if (win && find_byte(in, 0, '\\') < in.len)
        return false;
    for (size_t i = find_byte(in, 0, '/'); i < in.len; i = find_byte(in, i + 1, '/'))
        if (i + 1 < in.len && (in.data[i + 1] == '/' || in.data[i + 1] == '.'))
            return false;
    return !in.len || in.data[0] != '.';
}

struct path {
    uint8_t *at;
    size_t len;
    size_t floor; /* what no ".." takes away: the root, or the ".." of a relative path that lead above it */
};

static void pop(struct path *p)
{
    while (p->len > p->floor && p->at[p->len - 1] != '/')
        p->len--;
    if (p->len > p->floor)
        p->len--;
}

static void push(struct path *p, const uint8_t *segment, size_t len)
{
    if (p->len && p->at[p->len - 1] != '/')
        p->at[p->len++] = '/';
    memcpy(p->at + p->len, segment, len);
    p->len += len;
}

/* Segments are put with a slash between them, never one behind. */
static void add_segment(struct path *p, const uint8_t *segment, size_t len, bool relative)
{
    bool dot = len && segment[0] == '.';
    if (!len || (dot && len == 1))
        return;
    if (!(dot && len == 2 && segment[1] == '.')) {
        push(p, segment, len);
    } else if (p->len > p->floor) {
        pop(p);
    } else if (relative) {
        push(p, segment, len);
        p->floor = p->len;
    }
}

static struct span normalize(struct span in, bool win, uint8_t *buf)
{
    if (is_normal(in, win))
        return in;
    bool relative = !is_slash(in.data[0], win), trailing = is_slash(in.data[in.len - 1], win);
    struct path p = {.at = buf};
    if (!relative)
        buf[p.len++] = '/';
    p.floor = p.len;
    for (size_t from = 0, to; from < in.len; from = to + 1) {
        for (to = from; to < in.len && !is_slash(in.data[to], win);)
            to++;
        add_segment(&p, in.data + from, to - from, relative);
    }
    /* The slash at the end is there when the input has one; also that which is the root. */
    if (!trailing && p.len == 1 && buf[0] == '/')
        p.len = 0;
    else if (trailing && p.len && buf[p.len - 1] != '/')
        buf[p.len++] = '/';
    return span_of(buf, p.len);
}

struct span transform_normalize_path(struct span in, uint8_t *buf)
{
    return normalize(in, false, buf);
}

struct span transform_normalize_path_win(struct span in, uint8_t *buf)
{
    return normalize(in, true, buf);
}

/* Spaces are put when the byte behind them comes, unless that is a slash or a parenthesis. */
struct span transform_cmd_line(struct span in, uint8_t *buf)
{
    size_t n = find_class(in, CLASS_COMMAND);
    if (n == in.len)
        return in;
    memcpy(buf, in.data, n);
    bool space = false;
    for (size_t i = n; i < in.len; i++) {
        uint8_t c = in.data[i];
        if (!space && !is_class(c, CLASS_COMMAND)) {
            buf[n++] = c;
            continue;
        }
        if (c == '\\' || c == '"' || c == '\'' || c == '^')
            continue;
        if (c == ' ' || c == ',' || c == ';' || c == '\t' || c == '\r' || c == '\n') {
            space = true;
            continue;
        }
        if (space && c != '/' && c != '(')
            buf[n++] = ' ';
        space = false;
        buf[n++] = (uint8_t)(c + (((uint8_t)(c - 'A') < 26) << 5));
    }
    if (space)
        buf[n++] = ' ';
    return span_of(buf, n);
}
