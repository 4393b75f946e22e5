/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/content_params.h"

#include <string.h>

static size_t until(struct span v, uint8_t c)
{
    const uint8_t *at = v.len ? memchr(v.data, c, v.len) : NULL;
    return at ? (size_t)(at - v.data) : v.len;
}

struct span content_first_word(struct span value, struct span *rest)
{
    size_t end = until(value, ';');
    *rest = span_from(value, end);
    return content_trim(span_first(value, end));
}

/* v begins with a quote; returns the length up to and with the closing one, or 0. */
static size_t quoted_length(struct span v)
{
    for (size_t i = 1; i < v.len; i++) {
        if (v.data[i] == '"')
            return i + 1;
        if (v.data[i] == '\\' && i + 1 < v.len && (v.data[i + 1] == '"' || v.data[i + 1] == '\\'))
            i++;
    }
    return 0;
}

static void take_value(struct span *rest, struct content_param *p)
{
    while (rest->len && content_is_space(rest->data[0]))
        *rest = span_from(*rest, 1);
    p->quoted = rest->len && rest->data[0] == '"';
    size_t len = p->quoted ? quoted_length(*rest) : 0;
    if (p->quoted && !len) {
        p->bad = true;
        p->value = span_from(*rest, 1);
        *rest = span_of(NULL, 0);
        return;
    }
    if (p->quoted)
        p->value = span_of(rest->data + 1, len - 2);
    struct span tail = span_from(*rest, len);
    size_t end = until(tail, ';');
    struct span behind = content_trim(span_first(tail, end));
    if (!p->quoted)
        p->value = behind;
    else if (behind.len)
        p->bad = true;
    *rest = span_from(tail, end);
}

bool content_next_param(struct span *rest, struct content_param *p)
{
    *p = (struct content_param){.bad = false};
    while (rest->len && (rest->data[0] == ';' || content_is_space(rest->data[0])))
        *rest = span_from(*rest, 1);
    if (!rest->len)
        return false;
    size_t end = until(*rest, ';'), eq = until(span_first(*rest, end), '=');
    p->bad = eq >= end;
    if (p->bad)
        eq = end;
    p->name = content_trim(span_first(*rest, eq));
    *rest = span_from(*rest, eq + !p->bad);
    if (!p->bad)
        take_value(rest, p);
    return true;
}

bool content_unquote(struct content_sink *s, struct span v, struct span *ret)
{
    *ret = v;
    if (!v.len || !memchr(v.data, '\\', v.len))
        return true;
    uint8_t *out = arena_alloc(s->arena, v.len);
    if (!out) {
        s->failed = true;
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; i < v.len; i++) {
        if (v.data[i] == '\\' && i + 1 < v.len && (v.data[i + 1] == '"' || v.data[i + 1] == '\\'))
            i++;
        out[n++] = v.data[i];
    }
    *ret = span_of(out, n);
    return true;
}

bool content_ext_value(struct content_sink *s, struct span v, struct span *ret, bool *bad)
{
    size_t charset = until(v, '\'');
    struct span rest = span_from(v, charset + 1);
    size_t language = until(rest, '\'');
    *bad = charset == v.len || language == rest.len;
    struct span text = *bad ? v : span_from(rest, language + 1);
    if (!content_is(span_first(v, charset), "utf-8"))
        *bad = true;
    bool malformed;
    if (!content_percent(s->arena, text, false, ret, &malformed)) {
        s->failed = true;
        return false;
    }
    *bad |= malformed;
    return true;
}
