/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_HTTP_SHOW_H
#define SLUICE_TESTS_HTTP_SHOW_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/http.h"

/* What a connection's reader tells, as text: one line a point, with all fields. */
struct shown {
    char *text;
    size_t len, cap;
};

static inline void show_bytes(struct shown *o, const void *data, size_t n)
{
    if (o->cap - o->len < n + 1) {
        o->cap = (o->cap + n + 256) * 2;
        o->text = realloc(o->text, o->cap);
        if (!o->text)
            abort();
    }
    if (n)
        memcpy(o->text + o->len, data, n);
    o->len += n;
    o->text[o->len] = 0;
}

static inline void show_text(struct shown *o, const char *text)
{
    show_bytes(o, text, strlen(text));
}

static inline void show_span(struct shown *o, const char *label, struct span s)
{
    if (!s.len)
        return;
    show_text(o, label);
    show_bytes(o, s.data, s.len);
}

static inline void show_list(struct shown *o, const char *label, const struct http_list *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        show_span(o, label, l->at[i].name);
        show_text(o, "=");
        show_bytes(o, l->at[i].value.data, l->at[i].value.len);
    }
}

static inline void show_anomalies(struct shown *o, uint64_t bits)
{
    for (unsigned i = 0; i < HTTP_ANOMALIES; i++)
        if (bits >> i & 1) {
            show_text(o, " !");
            show_text(o, http_anomaly_name(i));
        }
}

static inline void show_request(struct shown *o, const struct http_tx *tx)
{
    show_span(o, " ", tx->method);
    show_span(o, " ", tx->uri);
    show_span(o, " ", tx->version);
    show_span(o, " host:", tx->host);
    show_span(o, " path:", tx->path);
    show_span(o, " query:", tx->query);
    show_list(o, " h:", &tx->headers);
    show_list(o, " arg:", &tx->args);
    show_list(o, " cookie:", &tx->cookies);
    show_list(o, " file:", &tx->files);
    show_list(o, " part:", &tx->part_headers);
    show_span(o, " body:", tx->body);
    if (tx->query_args > tx->args.n)
        abort();
}

static inline void show_point(struct shown *o, int point, const struct http_tx *tx)
{
    static const char *const names[] = {"", "head", "end", "response", "response_end", "opaque"};
    char head[64];
    /* Parts depend on where the pieces end; all of one must be readable. */
    if (point == HTTP_REQUEST_PART) {
        struct shown part = {0};
        show_request(&part, tx);
        free(part.text);
        return;
    }
    snprintf(head, sizeof head, "%s", names[point]);
    show_text(o, head);
    if (tx) {
        snprintf(head, sizeof head, " #%llu %u%s%s%s", (unsigned long long)tx->number, tx->status,
                 tx->has_body ? " has_body" : "", tx->body_done ? " done" : "",
                 tx->response_has_body ? " response_has_body" : "");
        show_text(o, head);
        show_request(o, tx);
        show_list(o, " rh:", &tx->response_headers);
        show_span(o, " rbody:", tx->response_body);
        show_anomalies(o, tx->anomalies);
    }
    show_text(o, "\n");
}

/* Feeds one piece, whole, from a copy that ends where it ends; a negative errno or 0. */
static inline int show_piece(struct shown *o, struct http *h, enum http_dir dir, const uint8_t *data, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    if (n)
        memcpy(copy, data, n);
    struct span s = span_of(copy, n);
    int point;
    while ((point = http_feed(h, dir, &s)) > 0)
        show_point(o, point, http_tx(h));
    if (point == 0 && s.len)
        abort();
    free(copy);
    return point;
}

static inline int show_end(struct shown *o, struct http *h, enum http_dir dir)
{
    int point;
    while ((point = http_end(h, dir)) > 0)
        show_point(o, point, http_tx(h));
    return point;
}

#endif
