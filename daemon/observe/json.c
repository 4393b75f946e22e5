/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "observe/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "observe/utf8.h"

yajl_gen json_begin(void)
{
    yajl_gen g = yajl_gen_alloc(NULL);
    if (!g)
        return NULL;
    yajl_gen_config(g, yajl_gen_validate_utf8, 1);
    yajl_gen_map_open(g);
    return g;
}

char *json_end(yajl_gen g)
{
    const unsigned char *text;
    size_t len;
    char *line = NULL;
    yajl_gen_map_close(g);
    if (yajl_gen_get_buf(g, &text, &len) == yajl_gen_status_ok && (line = malloc(len + 2))) {
        memcpy(line, text, len);
        memcpy(line + len, "\n", 2);
    }
    yajl_gen_free(g);
    return line;
}

static void string(yajl_gen g, const char *s)
{
    size_t len = strlen(s);
    /* A long name may be cut inside its last character, which then goes. */
    for (size_t cut = 0; cut <= 3 && (cut < len || !cut); cut++)
        if (yajl_gen_string(g, (const unsigned char *)s, len - cut) != yajl_gen_invalid_string)
            return;
    /* A name from a rule file may hold bytes that are no UTF-8; an event must stay readable. */
    yajl_gen_string(g, (const unsigned char *)"(not UTF-8)", 11);
}

void json_key(yajl_gen g, const char *key)
{
    yajl_gen_string(g, (const unsigned char *)key, strlen(key));
}

void json_text(yajl_gen g, const char *key, const char *value)
{
    json_key(g, key);
    string(g, value);
}

void json_number(yajl_gen g, const char *key, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    json_key(g, key);
    yajl_gen_number(g, text, (size_t)n);
}

void json_integer(yajl_gen g, const char *key, int64_t value)
{
    json_key(g, key);
    yajl_gen_integer(g, value);
}

void json_bytes(yajl_gen g, const char *key, const void *data, size_t len, bool cut)
{
    const uint8_t *p = data;
    uint8_t text[2 * JSON_BYTES_MAX];
    size_t n = 0, step;
    if (len > JSON_BYTES_MAX)
        len = JSON_BYTES_MAX;
    for (size_t i = 0; i < len; i += step) {
        int one = utf8_step(p + i, len - i);
        step = one > 0 ? (size_t)one : 1;
        if (one > 0) {
            memcpy(text + n, p + i, step);
            n += step;
        } else if (one == UTF8_SHORT && cut) {
            break;
        } else {
            text[n++] = (uint8_t)(0xc0 | p[i] >> 6);
            text[n++] = (uint8_t)(0x80 | (p[i] & 0x3f));
        }
    }
    json_key(g, key);
    yajl_gen_string(g, text, n);
}

void json_open(yajl_gen g, const char *key)
{
    json_key(g, key);
    yajl_gen_map_open(g);
}

void json_array(yajl_gen g, const char *key)
{
    json_key(g, key);
    yajl_gen_array_open(g);
}

const char *json_time(uint64_t ns, char *buf)
{
    time_t s = (time_t)(ns / 1000000000);
    struct tm tm;
    localtime_r(&s, &tm);
    size_t n = strftime(buf, JSON_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    n += (size_t)snprintf(buf + n, JSON_TIME_MAX - n, ".%06u", (unsigned)(ns / 1000 % 1000000));
    strftime(buf + n, JSON_TIME_MAX - n, "%z", &tm);
    return buf;
}
