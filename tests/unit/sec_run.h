/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_SEC_RUN_H
#define SLUICE_TESTS_SEC_RUN_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "app/http.h"
#include "seclang/seclang.h"

/* Small rule sets run on a request and its response, and what came of it as text. */

#define RUN_SETTINGS                                                                                                   \
    "SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\nSecResponseBodyMimeType text/html\n"
#define RUN_REQUEST "GET /?a=1 HTTP/1.1\r\nHost: h\r\n\r\n"
#define RUN_RESPONSE "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nhello"

/* Wall clock of the transactions that follow, ms. */
static uint64_t run_now_ms = 1700000000000;

/* Loads rules from text, behind settings; NULL with the errors on stderr, where `loud`. */
static inline struct seclang *run_load_with(const char *settings, const char *rules, bool loud)
{
    char path[64];
    const char *files[] = {path};
    int fd = memfd_create("rules", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, settings, strlen(settings)), (long)strlen(settings));
    ck_assert_int_eq(write(fd, rules, strlen(rules)), (long)strlen(rules));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct seclang_options o = {.store_entries = 100};
    struct diag *d = diag_new();
    struct seclang *s = seclang_load(files, 1, &o, d);
    ck_assert_msg((s != NULL) == (diag_count(d) == 0), "errors and a result, or neither");
    if (loud)
        diag_print(d, stderr);
    diag_free(d);
    close(fd);
    return s;
}

static inline struct seclang *run_load(const char *rules, bool loud)
{
    return run_load_with(RUN_SETTINGS, rules, loud);
}

struct run {
    struct seclang_tx *t;
    FILE *out;
    unsigned done;
    bool stopped;
    struct seclang_decision decision; /* of the last phase */
};

/* Events that are logged as "PHASE ID MESSAGE|DATA", an intervention as "PHASE status STATUS URL". */
static inline void run_phase(struct run *r, unsigned phase, const struct http_tx *tx)
{
    struct seclang_decision *d = &r->decision;
    seclang_phase(r->t, phase, tx, d);
    r->done = phase;
    for (size_t i = 0; i < d->n_events; i++) {
        const struct seclang_event *e = &d->events[i];
        if (e->log)
            fprintf(r->out, "%u %lu %.*s|%.*s\n", phase, (unsigned long)e->rule->id, (int)e->message.len,
                    (const char *)e->message.data, (int)e->data.len, (const char *)e->data.data);
    }
    if ((!d->rule && !d->too_long) || d->monitored)
        return;
    fprintf(r->out, "%u status %u", phase, d->status);
    if (d->redirect.len)
        fprintf(r->out, " %.*s", (int)d->redirect.len, (const char *)d->redirect.data);
    fputc('\n', r->out);
    r->stopped = true;
}

static inline void run_feed(struct run *r, struct http *h, enum http_dir dir, struct span data, unsigned last)
{
    static const unsigned phase_at[] = {
        [HTTP_REQUEST_HEAD] = 1, [HTTP_REQUEST_END] = 2, [HTTP_RESPONSE_HEAD] = 3, [HTTP_RESPONSE_END] = 4};
    bool fed = false;
    while (r->done < last && !r->stopped) {
        int point = fed ? http_end(h, dir) : http_feed(h, dir, &data);
        if (point == HTTP_OPAQUE || point < 0 || (fed && point == HTTP_NOTHING))
            break;
        fed = point == HTTP_NOTHING;
        unsigned to = point == HTTP_REQUEST_PART ? 0 : fed ? 0 : phase_at[point];
        while (r->done < to && !r->stopped)
            run_phase(r, r->done + 1, http_tx(h));
    }
}

/* The text is the caller's to free. */
static inline char *run_all(const struct seclang *s, struct seclang_memory *m, const char *request, size_t n,
                            const char *response)
{
    static const struct http_options reading = {.limits = {65536, 200, 1 << 20, 1 << 20, 1000, 64, 100, 4},
                                                .want = HTTP_WANT_BODY | HTTP_WANT_ARGS | HTTP_WANT_RESPONSE |
                                                        HTTP_WANT_RESPONSE_BODY};
    struct sec_connection c = {.client = {4, {10, 0, 0, 1}},
                               .server = {4, {10, 0, 0, 2}},
                               .client_port = 1234,
                               .server_port = 80,
                               .begun_ms = run_now_ms,
                               .now_ms = run_now_ms,
                               .unique_id = "id"};
    struct http *h = http_new(&reading, false);
    char *text = NULL;
    size_t size = 0;
    struct run r = {.t = seclang_begin(s, m, &c), .out = open_memstream(&text, &size)};
    ck_assert(h && r.t && r.out);
    run_feed(&r, h, HTTP_TO_SERVER, span_of(request, n), 2);
    if (!r.stopped && r.done == 2)
        run_feed(&r, h, HTTP_TO_CLIENT, span_of(response, strlen(response)), 4);
    if (r.done && http_tx(h))
        run_phase(&r, 5, http_tx(h));
    seclang_end(r.t);
    http_free(h);
    fclose(r.out);
    return text;
}

#endif
