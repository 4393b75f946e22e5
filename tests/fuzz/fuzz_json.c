/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as JSON: whether it is well-formed must be what a plain recursive reading of RFC 8259 says. */
#include <string.h>

#include "base/utf8.h"
#include "content_sink.h"

struct reader {
    const uint8_t *p, *end;
    unsigned depth, values;
    bool too_deep;
};

static bool value(struct reader *r);

static void blanks(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != (uint8_t)c)
        return false;
    r->p++;
    return true;
}

static bool word(struct reader *r, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, text, len))
        return false;
    r->p += len;
    return true;
}

static bool digits(struct reader *r)
{
    const uint8_t *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > from;
}

static bool number(struct reader *r)
{
    take(r, '-');
    if (!take(r, '0') && !digits(r))
        return false;
    if (take(r, '.') && !digits(r))
        return false;
    if (!take(r, 'e') && !take(r, 'E'))
        return true;
    if (!take(r, '+'))
        take(r, '-');
    return digits(r);
}

static bool string(struct reader *r)
{
    if (!take(r, '"'))
        return false;
    while (r->p < r->end) {
        uint8_t c = *r->p++;
        if (c == '"')
            return true;
        if (c < 0x20)
            return false;
        if (c != '\\')
            continue;
        if (r->p == r->end)
            return false;
        c = *r->p++;
        if (c == 'u') {
            for (int i = 0; i < 4; i++, r->p++)
                if (r->p == r->end || !*r->p || !strchr("0123456789abcdefABCDEF", *r->p))
                    return false;
        } else if (!c || !strchr("\"\\/bfnrt", c)) {
            return false;
        }
    }
    return false;
}

static bool members(struct reader *r, char last)
{
    if (r->depth++ == MAX_DEPTH) {
        r->too_deep = true;
        return false;
    }
    blanks(r);
    bool empty = take(r, last);
    r->values += empty;
    for (bool more = !empty; more;) {
        blanks(r);
        if (last == '}') {
            if (!string(r))
                return false;
            blanks(r);
            if (!take(r, ':'))
                return false;
        }
        if (!value(r))
            return false;
        blanks(r);
        more = take(r, ',');
        if (!more && !take(r, last))
            return false;
    }
    r->depth--;
    return true;
}

static bool value(struct reader *r)
{
    blanks(r);
    if (take(r, '{'))
        return members(r, '}');
    if (take(r, '['))
        return members(r, ']');
    r->values++;
    if (r->p < r->end && *r->p == '"')
        return string(r);
    return word(r, "true") || word(r, "false") || word(r, "null") || number(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_sink f, cut;
    size_t names;
    struct reader r = {.p = data, .end = data + size};
    fuzz_start(&f);
    content_json(&f.s, span_of(data, size), false);
    fuzz_require(!f.s.failed && !f.files.n);
    fuzz_require(fuzz_read(&f.args, &names) <= 5 * size + 5);
    bool good = size && value(&r);
    if (good) {
        blanks(&r);
        good = r.p == r.end;
    }
    if (!fuzz_noted(&f, HTTP_TOO_MANY_ARGS)) {
        good = good && utf8_valid(span_of(data, size), false);
        if (!r.too_deep && !fuzz_noted(&f, HTTP_TOO_DEEP))
            fuzz_require(fuzz_noted(&f, HTTP_BAD_JSON) == !good);
        if (good)
            fuzz_require(f.args.n == r.values);
    }
    fuzz_start(&cut);
    content_json(&cut.s, span_of(data, size / 2), true);
    fuzz_require(fuzz_read(&cut.args, &names) <= 5 * size + 5);
    fuzz_require(!good || !fuzz_noted(&cut, HTTP_BAD_JSON) || fuzz_noted(&f, HTTP_BAD_JSON));
    arena_free(&f.arena);
    arena_free(&cut.arena);
    return 0;
}
