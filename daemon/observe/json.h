/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_OBSERVE_JSON_H
#define SLUICE_OBSERVE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yajl/yajl_gen.h>

/* Short names over yajl for writing objects member by member. */
void json_key(yajl_gen g, const char *key);
void json_text(yajl_gen g, const char *key, const char *value);
void json_number(yajl_gen g, const char *key, uint64_t value);
void json_integer(yajl_gen g, const char *key, int64_t value);
/*
 * Any bytes: what is UTF-8 as it is, other bytes as U+0080 to U+00FF. With
 * `cut` a character at the end that is not whole is left out. At most
 * JSON_BYTES_MAX bytes are written.
 */
#define JSON_BYTES_MAX 256
void json_bytes(yajl_gen g, const char *key, const void *data, size_t len, bool cut);
void json_open(yajl_gen g, const char *key);  /* "key": { */
void json_array(yajl_gen g, const char *key); /* "key": [ */

/* A generator that checks UTF-8, with its outermost object open; NULL when out of memory. */
yajl_gen json_begin(void);
/* Closes the object, frees the generator and returns its text as a line with its newline, to be freed, or NULL. */
char *json_end(yajl_gen g);

#define JSON_TIME_MAX 40
/* ISO 8601 with microseconds and zone, as EVE has it, from nanoseconds since 1970. */
const char *json_time(uint64_t ns, char *buf);

#endif
