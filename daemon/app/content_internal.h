/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_CONTENT_INTERNAL_H
#define SLUICE_APP_CONTENT_INTERNAL_H

#include "app/content.h"

/* What the readers of content share. */

static inline void content_note(struct content_sink *s, enum http_anomaly a)
{
    *s->anomalies |= UINT64_C(1) << a;
}

/* Puts a pair into one of the sink's lists. False, and noted, when that is full or memory is out. */
MUST_CHECK bool content_put(struct content_sink *s, struct http_list *l, struct span name, struct span value);

/* -1 where c is no hexadecimal digit. */
int content_hex(uint8_t c);

static inline bool content_is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without the whitespace at both ends. */
struct span content_trim(struct span v);

/* Whether v is `text`, in any case. */
bool content_is(struct span v, const char *text);

/* Bytes that grow in the sink's arena. */
struct content_bytes {
    uint8_t *at;
    size_t len, cap;
};

/* False, with s->failed, when out of memory. */
MUST_CHECK bool content_append(struct content_sink *s, struct content_bytes *b, const void *data, size_t len);

/*
 * The path of the value being read. Every value is stored with its whole path,
 * so what the names may take in all is bounded beside their number.
 */
struct content_path {
    struct content_bytes text;
    size_t budget;
};

MUST_CHECK bool content_path_start(struct content_sink *s, struct content_path *p, const char *root, size_t input);
/* Cuts the path to its first `at` bytes and puts `sep` and a step behind. */
MUST_CHECK bool content_path_step(struct content_sink *s, struct content_path *p, size_t at, char sep,
                                  struct span step);
/* Puts `value`, to which `cost` bytes of memory beyond the input went, into args by the path. */
MUST_CHECK bool content_path_put(struct content_sink *s, struct content_path *p, struct span value, size_t cost);

#endif
