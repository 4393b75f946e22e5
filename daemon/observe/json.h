/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_OBSERVE_JSON_H
#define SLUICE_OBSERVE_JSON_H

#include <stdint.h>
#include <yajl/yajl_gen.h>

/* Short names over yajl for writing objects member by member. */
void json_key(yajl_gen g, const char *key);
void json_text(yajl_gen g, const char *key, const char *value);
void json_number(yajl_gen g, const char *key, uint64_t value);
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
