/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_HTTP_FIXTURE_H
#define SLUICE_TESTS_HTTP_FIXTURE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "app/http.h"
#include "http_show.h"

/* One connection under test, its options, and what it told. */
#define BIT(a) ((uint64_t)1 << (a))

static struct http_options opt;
static struct http *h;
static struct shown out;

static inline void set_up(void)
{
    opt = (struct http_options){.limits = {.head = 16384,
                                           .headers = 50,
                                           .body = 65536,
                                           .response_body = 65536,
                                           .args = 100,
                                           .depth = 20,
                                           .ratio = 100,
                                           .pipelined = 8},
                                .want = HTTP_WANT_BODY | HTTP_WANT_ARGS | HTTP_WANT_RESPONSE | HTTP_WANT_RESPONSE_BODY};
    out = (struct shown){0};
    h = NULL;
}

static inline void renew(bool midstream)
{
    http_free(h);
    h = http_new(&opt, midstream);
    ck_assert_ptr_nonnull(h);
    free(out.text);
    out = (struct shown){0};
}

static inline void tear_down(void)
{
    http_free(h);
    free(out.text);
}

static inline void feed(enum http_dir dir, const void *data, size_t n)
{
    ck_assert_int_eq(show_piece(&out, h, dir, data, n), 0);
}

static inline void request(const char *text)
{
    feed(HTTP_TO_SERVER, text, strlen(text));
}

static inline void response(const char *text)
{
    feed(HTTP_TO_CLIENT, text, strlen(text));
}

/* What was told since the last time. */
static inline void told(const char *want)
{
    ck_assert_str_eq(out.text ? out.text : "", want);
    out.len = 0;
    if (out.text)
        out.text[0] = 0;
}

static inline bool has(const char *part)
{
    return out.text && strstr(out.text, part);
}

/* One request from a fresh connection: all that is noted at its last point. */
static inline uint64_t notes_of_bytes(const void *data, size_t n)
{
    uint64_t notes = 0;
    renew(false);
    struct span s = span_of(data, n);
    int point;
    while ((point = http_feed(h, HTTP_TO_SERVER, &s)) > 0) {
        struct http_tx *tx = http_tx(h);
        if (tx && tx->number == 1)
            notes = tx->anomalies;
        show_point(&out, point, tx);
    }
    ck_assert_int_eq(point, 0);
    return notes;
}

static inline uint64_t notes_of(const char *text)
{
    return notes_of_bytes(text, strlen(text));
}

#define HOST "Host: x\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define FORM "Content-Type: application/x-www-form-urlencoded\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static inline size_t pack(uint8_t *to, size_t room, const void *data, size_t n, int bits)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)data;
    z.avail_in = (uInt)n;
    z.next_out = to;
    z.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static uint8_t message[400000];
static size_t message_len;

static inline void coded_post(const char *coding, const void *body, size_t n)
{
    message_len =
        (size_t)sprintf((char *)message, POST FORM "Content-Encoding: %s\r\nContent-Length: %zu\r\n\r\n", coding, n);
    memcpy(message + message_len, body, n);
    message_len += n;
}

#endif
