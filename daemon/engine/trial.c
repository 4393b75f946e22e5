/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/trial.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/conn.h"
#include "engine/report.h"

#define RESPONSE_PHASE 3
#define LAST_PHASE 5
#define FREE_MAX 64

struct trial {
    struct trial *before, *next; /* of the worker's */
    struct worker *w;
    struct conn *conn;
    struct seclang_tx *x; /* NULL: forgotten */
    uint8_t done;         /* the last phase that was run */
    bool stopped;
    bool early;                        /* the response came before the request's end */
    size_t memory;                     /* as counted with the connection */
    int32_t known[RULESET_SCORES_MAX]; /* scores as both sides had them last */
    struct report_transaction said;
    char id[REQUEST_ID_MAX];
};

static uint64_t wall_ms(const struct worker *w)
{
    struct timespec now;
    if (w->capture_ns)
        return w->capture_ns / 1000000;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- a worker's trials ---- */

static void link_in(struct trial *t)
{
    t->next = t->w->trials;
    if (t->next)
        t->next->before = t;
    t->w->trials = t;
}

static void link_out(struct trial *t)
{
    if (t->next)
        t->next->before = t->before;
    if (t->before)
        t->before->next = t->next;
    else
        t->w->trials = t->next;
}

static bool begin(struct trial *t, const char *id)
{
    const struct flow *f = t->conn->flow;
    uint64_t now = wall_ms(t->w);
    struct sec_connection c = {.client = f->addr[0],
                               .server = f->addr[1],
                               .client_port = f->port[0],
                               .server_port = f->port[1],
                               .begun_ms = now,
                               .now_ms = now,
                               .unique_id = t->id};
    snprintf(t->id, sizeof t->id, "%s", id);
    t->done = 0;
    t->stopped = t->early = false;
    report_begin(&t->said);
    memset(t->known, 0, sizeof t->known);
    t->x = seclang_begin(t->w->gen->seclang, t->w->gen->seclang_memory[t->w->index], &c);
    return t->x != NULL;
}

static struct trial *take_free(struct worker *w)
{
    struct trial *t = w->free_trials;
    if (!t)
        return calloc(1, sizeof *t);
    w->free_trials = t->next;
    w->n_free_trials--;
    return t;
}

static void give_back(struct trial *t)
{
    struct worker *w = t->w;
    if (w->n_free_trials >= FREE_MAX) {
        free(t);
        return;
    }
    t->next = w->free_trials;
    w->free_trials = t;
    w->n_free_trials++;
}

static struct trial *trial_of(struct worker *w, struct conn *c, struct http_tx *tx, const char *id)
{
    struct trial *t = tx->judged;
    if (!t) {
        t = take_free(w);
        if (!t)
            return NULL;
        t->w = w;
        t->conn = c;
        t->x = NULL;
        t->before = NULL;
        t->memory = 0;
        tx->judged = t;
        link_in(t);
    }
    return t->x || begin(t, id) ? t : NULL;
}

/*
 * A response that comes before its request's end is judged without phase 2, and
 * the request anew once it is whole: the server may still read it.
 */
static bool judge_anew(struct trial *t, const struct http_tx *tx, unsigned last, const char *id)
{
    if (last > 2 && t->done < 2 && !tx->body_done)
        t->early = true;
    if (last != 2 || !t->early || t->stopped)
        return true;
    seclang_end(t->x);
    t->x = NULL;
    return begin(t, id);
}

static unsigned next_phase(const struct trial *t)
{
    return t->early && t->done == 1 ? RESPONSE_PHASE : t->done + 1u;
}

static void count_memory(struct trial *t)
{
    size_t now = sizeof *t + (t->x ? seclang_memory_of(t->x) : 0);
    t->conn->trials_memory += now - t->memory;
    t->memory = now;
}

/* ---- scores ---- */

/* What the ruleset's rules have added since is added to the TX variables. */
static void give_scores(struct trial *t, const struct http_tx *tx)
{
    const struct ruleset *rs = t->w->gen->rules;
    for (size_t i = 0; i < ruleset_scores(rs); i++) {
        int32_t n = ruleset_score(rs, tx, i);
        if (n != t->known[i])
            seclang_add_score(t->x, ruleset_score_name(rs, i), (int64_t)n - t->known[i]);
    }
}

static bool take_scores(struct trial *t, struct http_tx *tx)
{
    const struct generation *g = t->w->gen;
    bool changed = false;
    for (size_t i = 0; i < ruleset_scores(g->rules); i++) {
        struct span name = ruleset_score_name(g->rules, i);
        int32_t before = ruleset_score(g->rules, tx, i);
        t->known[i] = before;
        if (!seclang_has_score(g->seclang, name))
            continue;
        int64_t n = seclang_score(t->x, name);
        t->known[i] = (int32_t)(n > INT32_MAX ? INT32_MAX : n < INT32_MIN ? INT32_MIN : n);
        if (t->known[i] == before)
            continue;
        ruleset_set_score(g->rules, tx, i, t->known[i]);
        changed = true;
    }
    return changed;
}

/* ---- phases ---- */

/* Bytes of the request may be in it (macros): what could end the header is no address. */
static bool copy_location(struct span s, char *to)
{
    if (!s.len || s.len >= LOCATION_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] >= 0x7f)
            return false;
    memcpy(to, s.data, s.len);
    to[s.len] = '\0';
    return true;
}

/* Whether a response of this status has a body (RFC 9110 15): the page is one. */
static bool has_body(uint16_t status)
{
    return status >= 200 && status <= 599 && status != 204 && status != 205 && status != 304;
}

static void decide(struct trial *t, const struct seclang_decision *d, struct trial_verdict *ret)
{
    ret->undecided |= d->undecided;
    if (!d->rule && !d->too_long)
        return;
    bool stops = !d->monitored && t->w->gen->config->mode == MODE_ENFORCE;
    t->said.rule = d->rule ? d->rule->id : 0;
    t->said.blocked |= stops;
    t->said.would_block |= !stops;
    t->stopped = stops;
    ret->stops = stops;
    ret->drops = d->action == SEC_DROP;
    ret->how.status = has_body(d->status) ? d->status : 403;
    if (d->action == SEC_REDIRECT && !copy_location(d->redirect, ret->how.location))
        ret->how.status = 403;
}

static void run_phase(struct trial *t, const struct packet *p, struct http_tx *tx, unsigned phase,
                      struct trial_verdict *ret)
{
    struct worker *w = t->w;
    struct seclang_decision d;
    if (phase > 1)
        give_scores(t, tx);
    seclang_phase(t->x, phase, tx, &d);
    t->done = (uint8_t)phase;
    if (phase == 1) /* its rules set scores to their beginning */
        give_scores(t, tx);
    ret->scored |= take_scores(t, tx);
    if (phase < LAST_PHASE)
        decide(t, &d, ret);
    else
        d.rule = NULL; /* nothing is left to be stopped, whatever a rule says */
    if (d.too_long)
        report_stop(w, p, t->conn->flow, tx, phase == 2 ? "body_too_long" : "response_too_long", t->id);
    for (size_t i = 0; i < d.n_events; i++) {
        generation_count_sec(w->gen, w->index, d.events[i].rule);
        if (d.events[i].log)
            report_seclang(w, p, t->conn->flow, tx, &d, &d.events[i], phase, &t->said, ret->stops ? t->id : NULL);
    }
}

void trial_run(struct worker *w, struct conn *c, const struct packet *p, struct http_tx *tx, unsigned last,
               const char *id, struct trial_verdict *ret)
{
    *ret = (struct trial_verdict){0};
    if (!w->gen->seclang || ruleset_accepted(w->gen->rules, tx))
        return;
    struct trial *t = trial_of(w, c, tx, id);
    if (!t || !judge_anew(t, tx, last, id)) {
        ret->undecided = true;
        return;
    }
    while (t->done < last && !t->stopped)
        run_phase(t, p, tx, next_phase(t), ret);
    count_memory(t);
}

bool trial_wants_response_body(const struct http_tx *tx)
{
    const struct trial *t = tx->judged;
    return t && t->x && !t->stopped && seclang_wants_response_body(t->x);
}

static void add_score(void *ctx, struct span name, int64_t n)
{
    report_score(ctx, name, n);
}

/* No packet brings it about. */
static void close_trial(struct trial *t, struct http_tx *tx)
{
    const struct flow *f = t->conn->flow;
    struct trial_verdict ignored = {0};
    struct packet p;
    report_packet_of(f, &p);
    run_phase(t, &p, tx, LAST_PHASE, &ignored);
    if (!t->said.n)
        return;
    seclang_each_score(t->x, add_score, &t->said);
    report_transaction(t->w, &p, f, tx, &t->said, t->said.blocked ? t->id : NULL);
}

void trial_end(struct http_tx *tx)
{
    struct trial *t = tx->judged;
    tx->judged = NULL;
    if (t->x) {
        close_trial(t, tx);
        seclang_end(t->x);
    }
    t->conn->trials_memory -= t->memory;
    link_out(t);
    give_back(t);
}

void trial_forget_all(struct worker *w)
{
    for (struct trial *t = w->trials; t; t = t->next) {
        if (t->x)
            seclang_end(t->x);
        t->x = NULL;
        count_memory(t);
    }
}

void trial_free_all(struct worker *w)
{
    for (struct trial *t = w->free_trials, *next; t; t = next) {
        next = t->next;
        free(t);
    }
    w->free_trials = NULL;
    w->n_free_trials = 0;
}
