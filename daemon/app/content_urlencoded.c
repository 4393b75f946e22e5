/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "app/content_internal.h"

static bool needs_decoding(struct span in, bool plus_is_space)
{
    return in.len && (memchr(in.data, '%', in.len) || (plus_is_space && memchr(in.data, '+', in.len)));
}

static size_t decode(struct span in, bool plus_is_space, uint8_t *out, bool *bad)
{
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.data[i];
        if (c == '%') {
            int high = in.len - i > 2 ? content_hex(in.data[i + 1]) : -1;
            int low = high >= 0 ? content_hex(in.data[i + 2]) : -1;
            if (low >= 0) {
                c = (uint8_t)(high << 4 | low);
                i += 2;
            } else {
                *bad = true;
            }
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[n++] = c;
    }
    return n;
}

bool content_percent(struct arena *a, struct span in, bool plus_is_space, struct span *ret, bool *bad)
{
    *bad = false;
    *ret = in;
    if (!needs_decoding(in, plus_is_space))
        return true;
    uint8_t *out = arena_alloc(a, in.len);
    if (!out)
        return false;
    *ret = span_of(out, decode(in, plus_is_space, out, bad));
    return true;
}

static bool decoded(struct content_sink *s, struct span in, struct span *ret)
{
    bool bad;
    if (!content_percent(s->arena, in, true, ret, &bad)) {
        s->failed = true;
        return false;
    }
    if (bad)
        content_note(s, HTTP_BAD_URLENCODED);
    return true;
}

/* False when there is no use in going on. */
static bool add_piece(struct content_sink *s, struct span piece)
{
    if (s->args->n >= s->max_args) {
        content_note(s, HTTP_TOO_MANY_ARGS);
        return false;
    }
    const uint8_t *eq = memchr(piece.data, '=', piece.len);
    size_t len = eq ? (size_t)(eq - piece.data) : piece.len;
    struct span name, value;
    return decoded(s, span_first(piece, len), &name) && decoded(s, span_from(piece, len + 1), &value) &&
           content_put(s, s->args, name, value);
}

void content_urlencoded(struct content_sink *s, struct span in)
{
    while (in.len) {
        const uint8_t *end = memchr(in.data, '&', in.len);
        size_t len = end ? (size_t)(end - in.data) : in.len;
        if (len && !add_piece(s, span_first(in, len)))
            return;
        in = span_from(in, len + 1);
    }
}
