/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries and cookies: what is split and decoded must be what a byte-by-byte reading of the rules gives. */
#include <string.h>

#include "content_sink.h"

/* The value of the escape at p, or -1. */
static int escape(const uint8_t *p, const uint8_t *end)
{
    char text[3] = {0}, *rest;
    if (end - p < 3)
        return -1;
    memcpy(text, p + 1, 2);
    long v = strtol(text, &rest, 16);
    return rest == text + 2 && text[0] >= '0' && text[1] != 'x' && text[1] != 'X' ? (int)v : -1;
}

/* Checks that v is what the bytes from p up to one of `stops` decode to; returns where it stopped. */
static const uint8_t *expect(const uint8_t *p, const uint8_t *end, const char *stops, struct span v, bool *bad)
{
    size_t n = 0;
    for (; p < end && !(*p && strchr(stops, *p)); p++) {
        int c = *p == '+' ? ' ' : *p;
        if (*p == '%') {
            int value = escape(p, end);
            *bad |= value < 0;
            c = value < 0 ? '%' : value;
            p += value < 0 ? 0 : 2;
        }
        fuzz_require(n < v.len && v.data[n] == c);
        n++;
    }
    fuzz_require(n == v.len);
    return p;
}

static void check_split(const struct fuzz_sink *f, const uint8_t *p, const uint8_t *end)
{
    bool bad = false;
    uint32_t n = 0;
    while (p < end && n < MAX_ARGS) {
        if (*p == '&') {
            p++;
            continue;
        }
        fuzz_require(n < f->args.n);
        const struct http_field *field = &f->args.at[n++];
        p = expect(p, end, "=&", field->name, &bad);
        bool has_value = p < end && *p == '=';
        p = expect(p + has_value, has_value ? end : p, "&", field->value, &bad);
    }
    fuzz_require(n == f->args.n && bad == fuzz_noted(f, HTTP_BAD_URLENCODED));
    while (p < end && *p == '&')
        p++;
    fuzz_require((p < end) == fuzz_noted(f, HTTP_TOO_MANY_ARGS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_sink f;
    struct http_list list = {.at = NULL};
    size_t names;
    fuzz_start(&f);
    content_urlencoded(&f.s, span_of(data, size));
    fuzz_require(!f.s.failed);
    check_split(&f, data, data + size);
    fuzz_require(content_cookies(&f.arena, &list, span_of(data, size), MAX_ARGS));
    fuzz_require(fuzz_read(&list, &names) + names <= size);
    arena_free(&f.arena);
    return 0;
}
