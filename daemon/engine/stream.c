/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "detect/detect.h"
#include "engine/ban_request.h"
#include "engine/conn.h"
#include "engine/pace.h"
#include "engine/report.h"
#include "engine/respond.h"
#include "engine/trial.h"

/* A stream is shown to rules in pieces of at most this, with the window before each. */
#define PIECE_MAX ((size_t)65536)

/* Of the framing between skipped chunks as much is read at a time. */
#define FRAMING_PIECE ((size_t)64)

/* One packet's way through here. */
struct visit {
    struct worker *w;
    const struct packet *p;
    struct flow_result r;
    struct conn *conn;
    bool judge;
    enum stream_fate fate;
    enum mark_code code; /* what the kernel is to do with the connection's other packets */
};

static const struct config *config_of(const struct visit *v)
{
    return v->w->gen->config;
}

static bool monitors(const struct worker *w)
{
    return w->gen->config->mode == MODE_MONITOR;
}

/* ---- ends ---- */

static void gone(void *ctx, struct flow *f)
{
    if (f->app)
        pace_leave(ctx, f->app);
    conn_free(f->app);
    f->app = NULL;
}

/* Nothing more of the flow comes up; what a rule of its stream says is not asked any more. In mode monitor all does. */
static void leave_queue(struct visit *v)
{
    if (worker_may_offload(v->w) && v->fate == STREAM_PASS)
        v->code = MARK_CODE_OFFLOAD;
}

/* Nothing more of the flow is looked at; in mode monitor it always is. */
static bool is_over(const struct visit *v)
{
    return v->fate == STREAM_BLOCK && !monitors(v->w);
}

/* What was read of the flow is given back, and not charged to it any more. */
static void forget(struct visit *v)
{
    gone(v->w, v->r.flow);
    (void)flow_charge(v->w->flows, v->r.flow, 0);
    v->conn = NULL;
}

static void condemn(struct visit *v, const struct response *how)
{
    struct worker *w = v->w;
    if (v->fate == STREAM_BLOCK)
        return;
    v->fate = STREAM_BLOCK;
    if (monitors(w))
        return;
    count_add(&w->counters, COUNT_CONDEMNED, 1);
    if (how)
        respond_both(w, v->p, &v->r, how);
}

/* The connection stays, for it tells under which rules the flow left the queue. */
static void carry_out_offload(struct visit *v)
{
    struct conn *c = v->r.flow->app;
    if (!c || v->r.flow->blind)
        return;
    pace_leave(v->w, c);
    http_free(c->http);
    c->http = NULL;
    c->offloaded = true;
    flow_blind(v->w->flows, v->r.flow);
    (void)flow_charge(v->w->flows, v->r.flow, conn_memory(c));
}

/* Not before the bytes at hand are done with: they may be the flow's own. Nothing of it is read any more. */
static void carry_out(struct visit *v)
{
    if (!is_over(v)) {
        if (v->code == MARK_CODE_OFFLOAD)
            carry_out_offload(v);
        return;
    }
    flow_condemn(v->w->flows, v->r.flow);
    forget(v);
}

static void fill_response(const struct visit *v, const struct http_tx *tx, struct response *how)
{
    *how = (struct response){0};
    snprintf(how->id, sizeof how->id, "%llx-%llx", (unsigned long long)v->r.flow->id,
             (unsigned long long)(tx ? tx->number : 0));
    if (!tx || config_of(v)->http.answer != HTTP_ANSWER_PAGE || v->r.dir != TO_SERVER)
        return;
    how->page = !http_response_due(v->conn->http);
    how->head_only = tx->method.len == 4 && memcmp(tx->method.data, "HEAD", 4) == 0;
}

/* Stopped by a policy or a limit, not by a rule. */
static void stop_for(struct visit *v, const struct http_tx *tx, const char *reason)
{
    struct response how;
    fill_response(v, tx, &how);
    report_stop(v->w, v->p, v->r.flow, tx, reason, how.id);
    condemn(v, &how);
}

/* ---- rules ---- */

/* The decision's rules but those that were reported of this connection before; stream rules see the same bytes often.
 */
static void only_new(struct conn *c, struct decision *d)
{
    unsigned n = 0;
    for (unsigned i = 0; i < decision_kept(d); i++) {
        if (!conn_fires(c, d->passed_rules[i]))
            continue;
        d->passed_rules[n] = d->passed_rules[i];
        d->evidence[n++] = d->evidence[i];
    }
    d->passed = n;
    if (d->rule && !conn_fires(c, d->rule))
        d->rule = NULL;
}

static void undecided(struct visit *v, const struct http_tx *tx)
{
    count_add(&v->w->counters, COUNT_UNDECIDED, 1);
    if (config_of(v)->policies.on_memory == POLICY_CLOSED)
        stop_for(v, tx, "undecided");
}

static void act(struct visit *v, struct http_tx *tx, const struct decision *d)
{
    struct response how;
    fill_response(v, tx, &how);
    generation_count_matches(v->w->gen, v->w->index, d);
    report_stream(v->w, v->p, v->r.flow, tx, d, how.id);
    switch (d->rule ? d->rule->action : ACTION_LOG) {
    case ACTION_BAN:
        if (!monitors(v->w))
            ban_request(v->w, &v->r.flow->addr[0], d->rule->ban_for, BANNED_BY_RULE, d->rule->id);
        condemn(v, &how);
        break;
    case ACTION_BLOCK:
        condemn(v, &how);
        break;
    case ACTION_REJECT:
        how.page = false;
        condemn(v, &how);
        break;
    case ACTION_DROP:
    case ACTION_CONDEMN:
        condemn(v, NULL);
        break;
    case ACTION_OFFLOAD:
        leave_queue(v);
        break;
    default:
        break;
    }
}

static void ask(struct visit *v, enum phase phase, const struct subject *s)
{
    struct worker *w = v->w;
    struct decision d;
    ruleset_decide(w->gen->rules, w->gen->scratch[w->index], phase, s, &d);
    if (!s->tx)
        only_new(v->conn, &d);
    if (d.rule || d.passed)
        act(v, s->tx, &d);
    if (d.rule && d.rule->action == ACTION_ACCEPT && !s->tx)
        v->conn->accepted = true;
    if (d.undecided)
        undecided(v, s->tx);
}

/* SecLang's phases up to `last` on a transaction; where they change scores the ruleset is asked once more. */
static void try_phases(struct visit *v, struct http_tx *tx, unsigned last)
{
    struct worker *w = v->w;
    struct trial_verdict said;
    struct response how;
    if (!w->gen->seclang || is_over(v))
        return;
    fill_response(v, tx, &how);
    trial_run(w, v->conn, v->p, tx, last, how.id, &said);
    if (said.undecided)
        undecided(v, tx);
    /* Also where it is to be stopped: a rule of ours may ban for the score. */
    if (said.scored && !is_over(v) && ruleset_has(w->gen->rules, PHASE_SCORES))
        ask(v, PHASE_SCORES, &(struct subject){.packet = v->p, .tx = tx, .now_ms = w->now_ms});
    if (!said.stops || is_over(v))
        return;
    how.status = said.how.status;
    memcpy(how.location, said.how.location, sizeof how.location);
    how.page = how.page && !said.drops;
    condemn(v, &how);
}

/* ---- streams ---- */

static bool room_for(struct worker *w, size_t n)
{
    if (w->joined_size >= n)
        return true;
    uint8_t *p = realloc(w->joined, n);
    if (!p)
        return false;
    w->joined = p;
    w->joined_size = n;
    return true;
}

/* One piece, with what came before it. */
static bool show_piece(struct visit *v, struct span piece)
{
    struct worker *w = v->w;
    struct conn *c = v->conn;
    enum flow_dir dir = v->r.dir;
    size_t before = c->tail_len[dir];
    struct subject s = {.packet = v->p, .stream = piece, .now_ms = w->now_ms, .counted = &c->counted};
    if (before) {
        if (!room_for(w, c->window + PIECE_MAX))
            return false;
        memcpy(w->joined, c->tail[dir], before);
        memcpy(w->joined + before, piece.data, piece.len);
        s.stream = span_of(w->joined, before + piece.len);
    }
    ask(v, dir == TO_SERVER ? PHASE_TO_SERVER : PHASE_TO_CLIENT, &s);
    return conn_keep_tail(c, dir, piece);
}

static bool shows_stream(const struct visit *v)
{
    unsigned need = v->r.dir == TO_SERVER ? RULES_NEED_TO_SERVER : RULES_NEED_TO_CLIENT;
    return (v->w->gen->needs & need) && !v->conn->accepted;
}

static bool show_stream(struct visit *v, struct span s)
{
    while (s.len && !is_over(v)) {
        struct span piece = span_first(s, PIECE_MAX);
        if (!show_piece(v, piece))
            return false;
        s = span_from(s, piece.len);
    }
    return true;
}

/* ---- HTTP ---- */

static void opaque(struct visit *v, const struct http_tx *tx)
{
    v->conn->opaque[v->r.dir] = true;
    if (config_of(v)->http.opaque == POLICY_CLOSED)
        stop_for(v, tx, "opaque");
}

static bool too_long(const struct visit *v, const struct http_tx *tx)
{
    return config_of(v)->http.over_limit == POLICY_CLOSED && (tx->anomalies & (UINT64_C(1) << HTTP_BODY_TOO_LONG));
}

static void request_ended(struct visit *v, struct http_tx *tx)
{
    struct worker *w = v->w;
    pace_request_done(v->conn);
    count_add(&w->counters, COUNT_REQUESTS, 1);
    count_add(&w->counters, COUNT_HTTP_ANOMALOUS, tx->anomalies != 0);
    if (!is_over(v) && too_long(v, tx))
        stop_for(v, tx, "body_too_long");
    if (config_of(v)->events.requests && (is_over(v) || !(w->gen->needs & RULES_NEED_RESPONSE)))
        report_request(w, v->p, v->r.flow, tx);
}

static void response_ended(struct visit *v, struct http_tx *tx)
{
    count_add(&v->w->counters, COUNT_RESPONSES, 1);
    if (config_of(v)->events.requests)
        report_request(v->w, v->p, v->r.flow, tx);
}

static enum phase phase_of(int point, const struct http_tx *tx)
{
    switch (point) {
    case HTTP_REQUEST_PART:
        return PHASE_REQUEST_PART;
    case HTTP_REQUEST_HEAD:
        return PHASE_REQUEST_HEAD;
    case HTTP_REQUEST_END:
        return tx->has_body ? PHASE_REQUEST_BODY : PHASE_REQUEST;
    case HTTP_RESPONSE_HEAD:
        return PHASE_RESPONSE_HEAD;
    default:
        return tx->response_has_body ? PHASE_RESPONSE_BODY : PHASE_RESPONSE;
    }
}

/* The last of SecLang's phases for which all is known. */
static unsigned last_phase(int point)
{
    return point == HTTP_REQUEST_HEAD ? 1 : point == HTTP_REQUEST_END ? 2 : point == HTTP_RESPONSE_HEAD ? 3 : 4;
}

static bool wants_response_body(const struct visit *v, const struct http_tx *tx)
{
    const struct generation *g = v->w->gen;
    return (ruleset_needs(g->rules) & RULES_NEED_RESPONSE_BODY) || !g->seclang || trial_wants_response_body(tx);
}

static void at_point(struct visit *v, int point)
{
    struct http_tx *tx = http_tx(v->conn->http);
    v->conn->skipping[v->r.dir] = false;
    if (point == HTTP_OPAQUE) {
        opaque(v, tx);
        return;
    }
    if (!tx)
        return;
    struct subject s = {.packet = v->p, .tx = tx, .now_ms = v->w->now_ms};
    enum phase phase = phase_of(point, tx);
    if (v->judge && ruleset_has(v->w->gen->rules, phase))
        ask(v, phase, &s);
    if (v->judge && point != HTTP_REQUEST_PART)
        try_phases(v, tx, last_phase(point));
    if (point == HTTP_RESPONSE_HEAD && !wants_response_body(v, tx))
        http_skip_response_body(v->conn->http);
    if (point == HTTP_REQUEST_END)
        request_ended(v, tx);
    else if (point == HTTP_RESPONSE_END)
        response_ended(v, tx);
}

/* What comes behind such a request depends on its response: that must come up. */
static void watch(struct visit *v)
{
    bool missed = flow_set_quiet(v->w->flows, v->r.flow, false);
    http_set_quiet(v->conn->http, false);
    if (missed)
        http_lost(v->conn->http, HTTP_TO_CLIENT);
    if (v->code != MARK_CODE_OFFLOAD)
        v->code = MARK_CODE_WATCH;
    v->conn->marked = 0;
}

/* Neither a rule on packets or streams nor a reader of HTTP wants to see more of the connection. */
static bool nobody_looks(const struct visit *v)
{
    const struct conn *c = v->conn;
    bool streams = v->w->gen->needs & (RULES_NEED_TO_SERVER | RULES_NEED_TO_CLIENT);
    return !c->http && (!streams || c->accepted) &&
           !generation_keeps(v->w->gen, v->r.flow->port[0], v->r.flow->port[1]);
}

/* Neither direction is HTTP any more, and no rule is asked about it: the kernel carries the rest by itself. */
static void leave_http(struct visit *v)
{
    struct conn *c = v->conn;
    http_free(c->http);
    c->http = NULL;
    if (nobody_looks(v))
        leave_queue(v);
}

static int read_http(struct visit *v, struct span s)
{
    struct conn *c = v->conn;
    int point = HTTP_NOTHING;
    do {
        point = http_feed(c->http, (enum http_dir)v->r.dir, &s);
        if (point > 0)
            at_point(v, point);
    } while (point > 0 && !is_over(v));
    if (point < 0 || is_over(v))
        return point < 0 ? point : 0;
    if (c->opaque[0] && c->opaque[1])
        leave_http(v);
    else if (v->r.flow->quiet && http_awaits(c->http))
        watch(v);
    return 0;
}

/* ---- a packet ---- */

/* Whether the responses of the connection need not come up, as far as its port tells. */
static bool may_be_quiet(const struct visit *v)
{
    return generation_is_quiet(v->w->gen, v->r.flow->port[0], v->r.flow->port[1]) && worker_may_offload(v->w);
}

/*
 * From the client's first bytes on its bare ACKs and the server's bytes pass
 * by, before there is any response. A kernel that forgot is told again.
 */
static void quieten(struct visit *v)
{
    struct flow *f = v->r.flow;
    const struct conn *c = f->app;
    bool marked = c && c->marked == v->w->gen->number;
    bool slow_read = config_of(v)->detect[DETECT_SLOW_READ].action != DETECT_OFF;
    if (slow_read && f->stream[TO_SERVER].wscale < MARK_QUIET_WSCALE)
        return;
    if (v->r.dir != TO_SERVER || !v->p->payload.len || f->blind || f->state != FLOW_ESTABLISHED || marked ||
        f->stream[TO_SERVER].waiting || (c && c->http && http_awaits(c->http)) || !may_be_quiet(v))
        return;
    if (v->p->meta.ct_dir == CT_DIR_REPLY) /* conntrack takes it for the server: the wrong end's bytes would pass by */
        return;
    v->code = MARK_CODE_QUIET;
    if (!f->quiet)
        (void)flow_set_quiet(v->w->flows, f, true);
}

/*
 * While bytes of the client are missing the server's ACKs come up: they alone
 * tell whether it has them by another way.
 */
static void ask_server(struct visit *v)
{
    struct flow *f = v->r.flow;
    struct conn *c = f->app;
    if (!f->quiet || !f->stream[TO_SERVER].waiting || !c || !c->marked || v->code != MARK_CODE_NONE)
        return;
    v->code = MARK_CODE_WATCH;
    c->marked = 0;
}

/* Under other rules the responses may be wanted. */
static void adopt(struct visit *v)
{
    struct conn *c = v->conn;
    struct flow *f = v->r.flow;
    if (conn_adopt(c, v->w->gen) && f->quiet && !generation_is_quiet(v->w->gen, f->port[0], f->port[1])) {
        bool missed = flow_set_quiet(v->w->flows, f, false);
        if (c->http && missed)
            http_lost(c->http, HTTP_TO_CLIENT);
    }
    if (v->code == MARK_CODE_QUIET)
        c->marked = v->w->gen->number;
    if (c->http)
        http_set_quiet(c->http, f->quiet);
}

static bool have_conn(struct visit *v)
{
    struct flow *f = v->r.flow;
    if (!f->app)
        f->app = conn_new(v->w->gen, f);
    v->conn = f->app;
    if (v->conn)
        adopt(v);
    return v->conn != NULL;
}

static void out_of_memory(struct visit *v)
{
    if (config_of(v)->policies.on_memory == POLICY_CLOSED && !monitors(v->w))
        stop_for(v, NULL, "memory");
    else {
        flow_blind(v->w->flows, v->r.flow);
        forget(v);
    }
}

/* Whether a later copy of these bytes must be compared with them: where somebody looked. */
static bool is_inspected(const struct visit *v, bool skipped)
{
    if (shows_stream(v))
        return true;
    if (!v->conn->http || skipped)
        return false;
    return v->r.dir == TO_SERVER || (v->w->gen->needs & (RULES_NEED_RESPONSE | RULES_NEED_RESPONSE_BODY));
}

/*
 * As much of a span as is either skipped or read. Where a body is skipped in
 * chunks, their framing is read in small pieces, so that what lies between is
 * not kept.
 */
static struct span next_part(struct visit *v, struct span s, bool *skipped)
{
    struct conn *c = v->conn;
    enum flow_dir dir = v->r.dir;
    size_t skips = c->http && !shows_stream(v) ? http_skips(c->http, (enum http_dir)dir) : 0;
    *skipped = skips > 0;
    if (skips)
        c->skipping[dir] = true;
    return span_first(s, skips ? skips : c->skipping[dir] ? FRAMING_PIECE : s.len);
}

static bool look_at(struct visit *v, struct span s)
{
    bool fine = true;
    if (v->judge && shows_stream(v))
        fine = show_stream(v, s);
    if (v->conn->http && !is_over(v))
        fine = read_http(v, s) == 0 && fine;
    return fine;
}

/* Whether the flow goes on: neither stopped nor given up. */
static bool goes_on(struct visit *v, bool fine)
{
    if (is_over(v))
        return false;
    if (!flow_charge(v->w->flows, v->r.flow, conn_memory(v->conn)) || !fine)
        out_of_memory(v);
    return !is_over(v) && !v->r.flow->blind;
}

/* Looks at a span, part by part, and hands it back. False where the flow does not go on. */
static bool take(struct visit *v, struct span s)
{
    struct worker *w = v->w;
    bool remember = false, skipped;
    if (!have_conn(v)) {
        out_of_memory(v);
        return false;
    }
    if (v->r.answered && v->conn->http)
        http_answered(v->conn->http);
    if (nobody_looks(v))
        leave_queue(v);
    while (s.len) {
        struct span part = next_part(v, s, &skipped);
        remember |= is_inspected(v, skipped);
        if (!goes_on(v, look_at(v, part)))
            return false;
        s = span_from(s, part.len);
        if (s.len && flow_part(w->flows, &v->r, part.len, remember))
            remember = false;
    }
    flow_done(w->flows, &v->r, remember);
    return true;
}

static void end_direction(struct visit *v)
{
    struct conn *c = v->r.flow->app;
    if (!c || !c->http)
        return;
    v->conn = c;
    int point;
    while ((point = http_end(c->http, (enum http_dir)v->r.dir)) > 0)
        at_point(v, point);
    if (point < 0)
        out_of_memory(v);
}

/* A copy could not be kept: what came after could differ from what was inspected, so the flow was condemned. */
static void lost(struct visit *v)
{
    report_stop(v->w, v->p, v->r.flow, NULL, flow_reason_name(v->r.reason), "");
    v->fate = STREAM_BLOCK;
}

/* What was read of a direction does not go on; what was asked is answered. */
static void forget_lost(struct visit *v)
{
    struct conn *c = v->r.flow->app;
    if (c && c->http && v->r.answered)
        http_answered(c->http);
    for (int dir = 0; c && dir < 2; dir++) {
        if (!v->r.lost[dir])
            continue;
        c->tail_len[dir] = 0;
        c->skipping[dir] = false;
        if (c->http)
            http_lost(c->http, (enum http_dir)dir);
    }
}

static void take_all(struct visit *v)
{
    struct span s;
    while (flow_next(v->w->flows, &v->r, &s))
        if (!take(v, s))
            return;
    if (v->r.drop)
        lost(v);
    else if (v->r.eof)
        end_direction(v);
}

/* Ordinary networks bring these about too: they are counted, not told. */
static bool is_quiet(enum flow_reason reason)
{
    return reason == FLOW_OUTSIDE || reason == FLOW_BAD || reason == FLOW_AFTER_CLOSE || reason == FLOW_WAS_CONDEMNED;
}

/* A client that dawdles: both ends are told, so that the server has its room back. */
static void too_slow(struct worker *w, const struct packet *p, struct flow *f, enum detector_id id)
{
    const struct config_detector *d = &w->gen->config->detect[id];
    struct conn *c = f->app;
    if (c->told_slow)
        return;
    c->told_slow = true;
    count_add(&w->counters, COUNT_DETECTED, 1);
    report_detected(w, p, f, id, d->action, d->threshold, 0);
    if (d->action == DETECT_LOG || monitors(w))
        return;
    if (d->action == DETECT_BAN)
        ban_request(w, &f->addr[0], d->ban_for, BANNED_BY_DETECTOR, id);
    count_add(&w->counters, COUNT_CONDEMNED, 1);
    respond_ends(w, f);
    flow_condemn(w->flows, f);
    gone(w, f);
    (void)flow_charge(w->flows, f, 0);
}

/* No packet brought it about: the event is about the connection. */
static void late(struct worker *w, struct flow *f, enum detector_id id)
{
    struct packet p;
    report_packet_of(f, &p);
    too_slow(w, &p, f, id);
}

static void keep_pace(struct visit *v)
{
    struct flow *f = v->r.flow;
    if (v->fate != STREAM_PASS || f->state == FLOW_CONDEMNED || f->blind)
        return;
    enum detector_id id = pace_packet(v->w, v->p, f, v->r.dir);
    if (id != DETECTORS)
        too_slow(v->w, v->p, f, id);
    if (f->state == FLOW_CONDEMNED)
        v->fate = STREAM_BLOCK;
}

static struct stream_verdict drop(struct visit *v)
{
    struct worker *w = v->w;
    enum flow_reason reason = v->r.reason;
    if (reason == FLOW_WAS_CONDEMNED) {
        count_add(&w->counters, COUNT_CONDEMNED_PACKETS, 1);
        if (v->r.flow && !monitors(w))
            respond_late(w, v->p, &v->r);
    } else {
        count_add(&w->counters, COUNT_STREAM_DROPPED, 1);
    }
    if (v->r.probe && !monitors(w))
        respond_probe(w, v->p, &v->r);
    if (!is_quiet(reason))
        report_stop(w, v->p, v->r.flow, NULL, flow_reason_name(reason), "");
    bool condemned = reason == FLOW_WAS_CONDEMNED && !monitors(w);
    return (struct stream_verdict){STREAM_DROP, condemned ? MARK_CODE_CONDEMN : MARK_CODE_NONE};
}

/*
 * A flow that left the queue came up again. Under other rules it is taken up
 * anew, where it stands now; else the kernel has lost its mark.
 */
static void take_up_again(struct visit *v)
{
    const struct conn *c = v->r.flow && v->r.flow->blind ? v->r.flow->app : NULL;
    if (!c || !c->offloaded)
        return;
    if (c->generation == v->w->gen->number) {
        if (v->p->payload.len && !v->r.flow->has_resyn) /* after a SYN it may be the next one's */
            leave_queue(v);
        return;
    }
    flow_end(v->w->flows, v->r.flow);
    flow_packet(v->w->flows, v->p, v->w->now_ms, &v->r);
}

struct stream_verdict stream_packet(struct worker *w, const struct packet *p, bool judge)
{
    struct visit v = {.w = w, .p = p, .judge = judge};
    flow_packet(w->flows, p, w->now_ms, &v.r);
    take_up_again(&v);
    if (v.r.flow)
        forget_lost(&v);
    if (v.r.drop)
        return drop(&v);
    if (v.r.flow) {
        quieten(&v);
        take_all(&v);
        ask_server(&v);
        carry_out(&v);
        keep_pace(&v);
    }
    return (struct stream_verdict){v.fate, v.code};
}

bool stream_refuse(struct worker *w, const struct packet *p, const struct decision *d)
{
    struct visit v = {.w = w, .p = p};
    if (d->rule->action == ACTION_DROP)
        return false;
    flow_packet(w->flows, p, w->now_ms, &v.r);
    if (!v.r.flow || v.r.drop)
        return v.r.drop;
    struct response how = {0};
    condemn(&v, d->rule->action == ACTION_CONDEMN ? NULL : &how);
    carry_out(&v);
    return true;
}

void stream_offload(struct worker *w, const struct packet *p)
{
    struct visit v = {.w = w, .p = p, .code = MARK_CODE_OFFLOAD};
    flow_packet(w->flows, p, w->now_ms, &v.r);
    if (v.r.flow && !v.r.drop && have_conn(&v))
        carry_out_offload(&v);
}

/* ---- a worker ---- */

static bool is_service(const void *ctx, uint16_t port)
{
    const struct worker *w = ctx;
    return generation_is_http(w->gen, port);
}

static void flow_options_of(struct worker *w, const struct generation *g, struct flow_options *ret)
{
    generation_flow_options(g, ret);
    ret->is_service = is_service;
    ret->gone = gone;
    ret->ctx = w;
}

int stream_open(struct worker *w, const struct generation *g)
{
    struct flow_options opt;
    flow_options_of(w, g, &opt);
    w->flows = flow_table_new(&opt);
    return w->flows ? 0 : -ENOMEM;
}

void stream_close(struct worker *w)
{
    flow_table_free(w->flows);
    w->flows = NULL;
    trial_free_all(w);
    free(w->joined);
    w->joined = NULL;
    w->joined_size = 0;
}

void stream_adopt(struct worker *w)
{
    struct flow_options opt;
    trial_forget_all(w);
    flow_options_of(w, w->gen, &opt);
    flow_table_set(w->flows, &opt);
}

static void count_half_open(struct worker *w, const struct flow_counts *c)
{
    struct finding f;
    size_t open = c->by_state[FLOW_SYN_SENT] + c->by_state[FLOW_SYN_RECEIVED];
    if (w->gen->detect && detect_half_open(w->gen->detect, w->index, open, w->now_ms, &f))
        report_flood(w, &f);
}

void stream_turn(struct worker *w)
{
    flow_expire(w->flows, w->now_ms, 64);
    pace_turn(w, late);
    const struct flow_counts *c = flow_counts(w->flows);
    count_half_open(w, c);
    count_set(&w->counters, COUNT_FLOWS_BEGUN, c->begun);
    count_set(&w->counters, COUNT_FLOWS_ENDED, c->ended);
    count_set(&w->counters, COUNT_FLOWS_EVICTED, c->evicted);
    count_set(&w->counters, COUNT_FLOWS_MIDSTREAM, c->midstream);
    count_set(&w->counters, COUNT_FLOWS, c->flows);
    count_set(&w->counters, COUNT_STREAM_BYTES, c->memory);
    count_set(&w->counters, COUNT_STREAM_DIFFERS, c->dropped[FLOW_DIFFERS]);
    count_set(&w->counters, COUNT_STREAM_OUTSIDE, c->dropped[FLOW_OUTSIDE]);
    count_set(&w->counters, COUNT_STREAM_NO_MEMORY, c->dropped[FLOW_NO_MEMORY]);
}
