/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_CONTENT_H
#define SLUICE_APP_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/http.h"
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/span.h"

/*
 * Queries and bodies taken apart into names and values. Each works on a whole
 * buffer, puts what it finds behind what the lists have, decoded into the
 * arena (or in the buffer itself, where that changes nothing), and notes what
 * is wrong in *anomalies (bits of enum http_anomaly). What is malformed is read
 * on as far as it makes sense. One thread a sink.
 */
struct content_sink {
    struct arena *arena;
    struct http_list *args, *files, *part_headers;
    uint64_t *anomalies;
    uint32_t max_args;  /* names and values together are also bounded by the input's length, about */
    uint32_t max_depth; /* JSON, XML */
    bool failed;        /* out of memory */
};

/* name=value&name=value (WHATWG URL 5.1: + is a space, a second = belongs to the value). */
void content_urlencoded(struct content_sink *s, struct span in);

/*
 * multipart/form-data (RFC 7578); content_type is the header's value, with the
 * boundary. A part with a file name goes to files, its content nowhere; any
 * other one to args. `cut` as with JSON.
 */
void content_multipart(struct content_sink *s, struct span content_type, struct span in, bool cut);

/*
 * Values by their path: {"a":{"b":[1,"x"]}} gives json.a.b.0 = 1 and
 * json.a.b.1 = x; strings unescaped, numbers and literals as written. `cut`:
 * the body went on past its limit, so an early end is no error.
 */
void content_json(struct content_sink *s, struct span in, bool cut);

/*
 * Text by its element path (xml.a.b) and attributes (xml.a.b@c). No entity is
 * expanded but the five that XML itself has, no DTD is read, nothing is
 * fetched; a DOCTYPE with an internal subset or an external id is HTTP_BAD_XML.
 */
void content_xml(struct content_sink *s, struct span in, bool cut);

/* Cookie: a=b; c=d (RFC 6265 5.4), values as sent, outer quotes taken off; into `list`. */
bool content_cookies(struct arena *a, struct http_list *list, struct span header, uint32_t max);

enum content_type { CONTENT_OTHER, CONTENT_URLENCODED, CONTENT_MULTIPART, CONTENT_JSON, CONTENT_XML };
/* By the media type of a Content-Type value; also application/x+json, x+xml. */
enum content_type content_type_of(struct span value);

/* Percent-decodes into the arena (in itself where nothing changes). *bad: whether a % without two hex digits stayed. */
bool content_percent(struct arena *a, struct span in, bool plus_is_space, struct span *ret, bool *bad);

/* Puts a pair behind a list that grows in the arena. False when out of memory. */
MUST_CHECK bool http_list_add(struct arena *a, struct http_list *l, struct span name, struct span value);

/* gzip and deflate (zlib or raw), incrementally. */
struct inflater;
/* coding: "gzip", "x-gzip" or "deflate" in any case; NULL with *known false for another, or when out of memory. */
MUST_CHECK struct inflater *inflater_new(struct span coding, bool *known);
void inflater_free(struct inflater *z);
/*
 * Decodes from *in (which becomes what is left) into out, at most `room`
 * bytes; returns how many, or -1 when the data is bad (what came out before is
 * returned first, by itself). Fewer than `room` where *in is used up. `done`
 * once the stream has ended: bytes behind it are bad data, but for further
 * gzip members.
 */
long inflater_run(struct inflater *z, struct span *in, uint8_t *out, size_t room, bool *done);
size_t inflater_memory(const struct inflater *z);

#endif
