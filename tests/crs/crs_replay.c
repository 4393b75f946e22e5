/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transactions through sluice's own reading of HTTP and of the rules, as a worker does it with a connection's bytes. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/http.h"
#include "message.h"
#include "seclang/seclang.h"
#include "transactions.h"

const char engine_name[] = "crs_replay";

#define MIB (1U << 20)

static const struct http_options reading = {
    .limits = {.head = 128 << 10,
               .headers = 1000,
               .body = 16 * MIB,
               .response_body = 4 * MIB,
               .args = 4000,
               .depth = 512,
               .ratio = 100,
               .pipelined = 16},
    .want = HTTP_WANT_BODY | HTTP_WANT_ARGS | HTTP_WANT_RESPONSE | HTTP_WANT_RESPONSE_BODY,
};

struct engine {
    struct seclang *rules;
    struct seclang_memory *memory;
};

/* A transaction on its way through the phases. */
struct passage {
    struct seclang_tx *x;
    unsigned done; /* the last phase */
    bool stopped;  /* by an intervention: only phase 5 follows */
    struct outcome *outcome;
};

struct engine *engine_open(const struct engine_options *opt)
{
    struct seclang_options o = {.cache = opt->cache, .store_entries = 100000};
    struct engine *e = calloc(1, sizeof *e);
    struct diag *d = diag_new();
    if (e && d)
        e->rules = seclang_load(opt->files, opt->n_files, &o, d);
    if (e && e->rules)
        e->memory = seclang_memory_new(e->rules);
    if (d)
        diag_print(d, stderr);
    diag_free(d);
    if (e && e->memory)
        return e;
    fprintf(stderr, "%s: the rules do not load\n", engine_name);
    engine_close(e);
    return NULL;
}

void engine_close(struct engine *e)
{
    if (!e)
        return;
    seclang_memory_free(e->memory);
    seclang_free(e->rules);
    free(e);
}

static void phase(struct passage *p, unsigned number, const struct http_tx *tx)
{
    struct seclang_decision d;
    seclang_phase(p->x, number, tx, &d);
    p->done = number;
    for (size_t i = 0; i < d.n_events; i++) {
        if (d.events[i].log)
            outcome_add(p->outcome, d.events[i].rule->id, d.events[i].message);
    }
    if ((!d.rule && !d.too_long) || d.monitored || p->stopped || number == 5)
        return;
    p->stopped = true;
    p->outcome->phase = number;
    p->outcome->status = d.status;
    size_t n = d.redirect.len < sizeof p->outcome->url - 1 ? d.redirect.len : sizeof p->outcome->url - 1;
    if (n)
        memcpy(p->outcome->url, d.redirect.data, n);
    p->outcome->url[n] = '\0';
}

/* Runs the phases up to `last` that were not yet. */
static void phases(struct passage *p, unsigned last, const struct http_tx *tx)
{
    while (p->done < last && !p->stopped)
        phase(p, p->done + 1, tx);
}

static const unsigned phase_at[] = {[HTTP_REQUEST_HEAD] = 1,
                                    [HTTP_REQUEST_END] = 2,
                                    [HTTP_RESPONSE_HEAD] = 3,
                                    [HTTP_RESPONSE_END] = 4,
                                    [HTTP_REQUEST_PART] = 0};

/* Feeds bytes of a direction until the phase `last` is done or they are used up. False where they are no HTTP. */
static bool feed(struct passage *p, struct http *h, enum http_dir dir, struct span data, unsigned last)
{
    while (p->done < last && !p->stopped) {
        int point = http_feed(h, dir, &data);
        if (point == HTTP_NOTHING)
            return true;
        if (point == HTTP_OPAQUE || point < 0)
            return false;
        phases(p, phase_at[point], http_tx(h));
    }
    return true;
}

/* The direction's end: a response without a length ends with it. */
static void feed_end(struct passage *p, struct http *h, enum http_dir dir, unsigned last)
{
    for (int point; p->done < last && !p->stopped && (point = http_end(h, dir)) > 0 && point != HTTP_OPAQUE;)
        phases(p, phase_at[point], http_tx(h));
}

static void run_request(struct passage *p, struct http *h, struct span request)
{
    if (!feed(p, h, HTTP_TO_SERVER, request, 2))
        p->outcome->note = "request: no HTTP";
    feed_end(p, h, HTTP_TO_SERVER, 2);
    if (!p->done && !p->outcome->note)
        p->outcome->note = "request: head is not whole";
    else if (p->done == 1 && !p->stopped && !p->outcome->note)
        p->outcome->note = "request: body is not whole";
}

static void run_response(struct passage *p, struct http *h, const struct transaction *t)
{
    char line[64];
    int n = snprintf(line, sizeof line, "HTTP/1.1 %u Recorded\r\n", t->status);
    bool good = feed(p, h, HTTP_TO_CLIENT, span_of(line, (size_t)n), 4) &&
                feed(p, h, HTTP_TO_CLIENT, t->response_headers, 4) &&
                feed(p, h, HTTP_TO_CLIENT, span_of("\r\n", 2), 4) && feed(p, h, HTTP_TO_CLIENT, t->response_body, 4);
    feed_end(p, h, HTTP_TO_CLIENT, 4);
    if (!good || (p->done < 4 && !p->stopped))
        p->outcome->note = "response: no HTTP";
}

static bool connection_of(const struct transaction *t, struct sec_connection *ret)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    *ret = (struct sec_connection){.client_port = CLIENT_PORT,
                                   .server_port = SERVER_PORT,
                                   .begun_ms = ms,
                                   .now_ms = ms,
                                   .unique_id = "crs-replay"};
    char client[32];
    client_address(t->number, client, sizeof client);
    return ip_addr_parse(client, &ret->client) && ip_addr_parse(SERVER_ADDRESS, &ret->server);
}

void engine_run(struct engine *e, const struct transaction *t, struct outcome *ret)
{
    struct sec_connection c;
    struct http *h = http_new(&reading, false);
    struct passage p = {.outcome = ret};
    if (h && connection_of(t, &c))
        p.x = seclang_begin(e->rules, e->memory, &c);
    if (!p.x) {
        ret->note = "out of memory";
    } else {
        run_request(&p, h, t->request);
        if (p.done == 2 && !p.stopped)
            run_response(&p, h, t);
        if (p.done && http_tx(h)) /* gone where the message did not come to its end */
            phase(&p, 5, http_tx(h));
    }
    if (p.x)
        seclang_end(p.x);
    http_free(h);
}
