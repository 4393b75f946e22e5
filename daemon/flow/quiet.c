/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flow/internal.h"

/*
 * Flows of which one side is seen. The server's ACKs ride on bytes that pass
 * by, so that it is seldom known which of the client's bytes it has. What
 * cannot be compared any more and was not acknowledged does not pass: a server
 * that never got the first copy would take another one.
 *
 * A client whose ACK moves on has heard of the server, which most likely has
 * what the client had sent by then. What was sent a while before is given up,
 * but for the newest; where the server's own ACK says that it lacks something,
 * that is kept on.
 */

#define KEEP_NEWEST 8192u
#define KEEP_AT_REST 2048u
/* From our passing a segment on until the server's complaint of its loss is here. */
#define SETTLE_MS 100u
/* In steps of this, to fit into 16 bits. */
#define MARK_STEP 16u
/* Numbers so far behind are about to come round. */
#define TOO_OLD (1u << 30)
/* After such a pause the client's ACK holds, however far it has come. */
#define PAUSE_MS 1000u

static uint16_t mark_time(const struct flow_table *t)
{
    return (uint16_t)(t->now_ms / MARK_STEP);
}

static bool is_settled(const struct flow_table *t, const struct flow *f)
{
    return (uint16_t)(mark_time(t) - f->mark_time) >= SETTLE_MS / MARK_STEP;
}

static void set_mark(const struct flow_table *t, struct flow *f, uint32_t seq)
{
    f->mark = seq;
    f->mark_time = mark_time(t);
    f->has_mark = true;
}

static void note_answer(struct segment *g)
{
    struct flow *f = g->f;
    g->r->answered = true;
    if (!g->s->has_next)
        return;
    f->answered = g->s->next;
    if (f->has_mark && !is_settled(g->t, f))
        return;
    if (f->has_mark)
        chunks_give_up(g->t, g->s, f->mark, KEEP_NEWEST, f);
    set_mark(g->t, f, g->s->next);
}

/* A blind attacker's ACK must not move us: its sequence number has to be near. */
static bool is_near(const struct segment *g)
{
    const struct flow_stream *s = g->s;
    if (!s->has_next)
        return g->f->midstream;
    int32_t off = seq_diff(g->seq, s->next), most = (int32_t)(g->t->opt.per_flow & INT32_MAX);
    return off <= most && -off <= most;
}

/* The numbers that the server's SYN-ACKs had; another one is the client's word alone. */
static void settle(struct segment *g, uint32_t ack)
{
    struct flow_stream *o = g->other;
    bool known = ack == o->isn + 1 || ack == o->edge + 1;
    o->unsure = false;
    o->isn = ack - 1;
    o->next = ack;
    g->f->quiet_from = known ? ack : ack - 1;
}

static bool moves(const struct segment *g, uint32_t ack)
{
    int32_t ahead = seq_diff(ack, g->other->next);
    if (ahead >= 0)
        return ahead > 0;
    return g->data.len > 0 && g->seq == g->s->next && table_idle(g->t, g->f, PAUSE_MS);
}

void quiet_ack(struct segment *g)
{
    struct flow *f = g->f;
    struct flow_stream *o = g->other;
    uint32_t ack = g->p->tcp_ack;
    if (!g->ack || !is_near(g) || (f->state < FLOW_ESTABLISHED && !g->s->has_isn && !f->midstream))
        return;
    if (o->unsure)
        settle(g, ack);
    if (!o->has_next) {
        o->next = ack;
        o->has_next = true;
        f->quiet_from = ack - 1;
    }
    if (moves(g, ack)) {
        o->next = ack;
        note_answer(g);
    }
    o->acked = o->next;
    o->has_acked = true;
    if (f->state < FLOW_ESTABLISHED)
        f->state = g->s->has_acked || f->midstream ? FLOW_ESTABLISHED : FLOW_SYN_RECEIVED;
}

void quiet_server_ack(struct segment *g)
{
    struct flow *f = g->f;
    if (f->maybe_reset && f->state == FLOW_CLOSED)
        f->state = f->stream[0].fin_done || f->stream[1].fin_done ? FLOW_CLOSING : FLOW_ESTABLISHED;
    f->maybe_reset = false;
    if (g->ack && f->has_mark && seq_diff(g->p->tcp_ack, f->mark) < 0 &&
        !(g->other->has_acked && g->p->tcp_ack != g->other->acked))
        set_mark(g->t, f, g->p->tcp_ack);
}

enum flow_reason quiet_segment(struct segment *g)
{
    struct flow *f = g->f;
    struct flow_stream *s = g->s;
    uint32_t end = g->seq + (uint32_t)g->data.len;
    if (!g->fin)
        return FLOW_FINE;
    if (s->has_fin && s->fin != end)
        return f->state == FLOW_CLOSED ? FLOW_AFTER_CLOSE : FLOW_OUTSIDE;
    if (s->fin_done || f->was_reset)
        return FLOW_FINE;
    if (!s->has_next)
        return FLOW_OUTSIDE;
    s->has_fin = true;
    s->fin = end;
    g->r->eof = true;
    state_fin(f, TO_CLIENT);
    return FLOW_FINE;
}

enum flow_reason quiet_reset(struct segment *g)
{
    struct flow *f = g->f;
    const struct flow_stream *s = g->s;
    uint32_t seq = g->p->tcp_seq;
    if (g->r->dir == TO_CLIENT) { /* where the server stands is not known: its client judges */
        f->maybe_reset = true;
        f->state = FLOW_CLOSED;
        return FLOW_FINE;
    }
    uint32_t from = s->has_acked ? s->acked : s->next - g->t->opt.per_flow;
    if (!s->has_next || seq_diff(seq, from) < 0 || seq_diff(seq, s->next) > 0)
        return FLOW_BAD_RESET;
    state_close_by_reset(g);
    return FLOW_FINE;
}

void quiet_room(struct flow_table *t, struct flow *f)
{
    if (f->has_mark)
        chunks_give_up(t, &f->stream[TO_SERVER], f->answered, 0, f);
}

void quiet_advance(struct flow_table *t, struct flow *f)
{
    struct flow_stream *s = &f->stream[TO_SERVER];
    if (s->has_acked && s->next - s->acked > TOO_OLD) {
        s->has_acked = s->has_isn = s->has_edge = false;
        if (!f->has_forgot)
            f->forgot = s->next - TOO_OLD;
        f->has_forgot = true;
    }
    if (f->has_forgot && s->next - f->forgot > TOO_OLD)
        f->forgot = s->next - TOO_OLD;
    chunks_give_up(t, s, s->next - TOO_OLD / 2, 0, f);
}

void quiet_rest(struct flow_table *t, struct flow *f)
{
    struct flow_stream *s = &f->stream[TO_SERVER];
    chunks_shrink(t, s);
    if (f->has_mark)
        chunks_give_up(t, s, f->mark, KEEP_AT_REST, f);
}

uint32_t quiet_edge(const struct segment *g)
{
    uint32_t least = g->s->next + g->t->opt.per_flow;
    return g->s->has_edge ? seq_max(g->s->edge, least) : least;
}

bool quiet_forgot(const struct segment *g)
{
    const struct flow *f = g->f;
    uint32_t from = g->s->has_acked ? seq_max(g->seq, g->s->acked) : g->seq;
    return f->has_forgot && g->r->dir == TO_SERVER && seq_diff(from, f->forgot) < 0;
}

bool quiet_probe(const struct segment *g)
{
    const struct flow_stream *s = g->s;
    return g->f->quiet && g->r->dir == TO_SERVER && g->data.len == 1 && !g->fin && g->seq + 1 == s->next && !s->waiting;
}

/* Of a connection whose beginning was not seen nothing is known of what lies before. */
static void forget_before(struct flow *f)
{
    const struct flow_stream *s = &f->stream[TO_SERVER];
    if (!f->midstream || s->has_isn || !s->has_next || f->has_forgot)
        return;
    f->forgot = s->remembered ? s->remembered->seq : s->next;
    f->has_forgot = true;
}

static void turn_quiet(struct flow_table *t, struct flow *f)
{
    struct flow_stream *s = &f->stream[TO_CLIENT];
    chunks_free(t, s);
    s->has_edge = false;
    f->quiet_from = s->next;
    f->has_mark = f->maybe_reset = false;
    f->resting = false;
    if (s->has_fin && !s->fin_done && f->state < FLOW_CLOSED)
        state_fin(f, TO_CLIENT);
    forget_before(f);
}

uint32_t flow_set_quiet(struct flow_table *t, struct flow *f, bool quiet)
{
    struct flow_stream *s = &f->stream[TO_CLIENT];
    if (f->quiet == quiet)
        return 0;
    f->quiet = quiet;
    if (quiet)
        turn_quiet(t, f);
    else {
        f->doubtful = 0;
        f->doubts = 0;
    }
    if (!f->blind && f->state != FLOW_CONDEMNED)
        table_touch(t, f);
    return quiet || !s->has_next ? 0 : s->next - f->quiet_from;
}
