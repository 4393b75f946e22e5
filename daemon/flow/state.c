/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flow/internal.h"

#define WSCALE_MAX 14u /* RFC 7323 2.3 */

static bool between(uint32_t seq, uint32_t from, uint32_t to)
{
    return seq_diff(seq, from) >= 0 && seq_diff(seq, to) <= 0;
}

/* The packet acknowledges the other direction's SYN and no more than what passed. */
static bool acks_syn(const struct segment *g)
{
    const struct flow_stream *o = g->other;
    return o->has_isn && (o->unsure || between(g->p->tcp_ack, o->isn + 1, o->next));
}

static void note_scale(struct flow_stream *s, const struct packet *p)
{
    s->has_wscale = p->tcp_has_wscale;
    s->wscale = p->tcp_wscale < WSCALE_MAX ? p->tcp_wscale : WSCALE_MAX;
}

/* A second number is taken as long as nothing of the first was: the ACK then tells which one the receiver has. */
static enum flow_reason learn_isn(struct segment *g)
{
    struct flow_stream *s = g->s;
    if (s->has_isn && s->isn == g->p->tcp_seq)
        return FLOW_FINE;
    if (s->has_isn) {
        bool untouched = s->next == s->isn + 1 && !s->waiting && !s->has_fin && !s->has_acked;
        if (!untouched || g->data.len > 0)
            return FLOW_BAD_RESET;
        if (!s->unsure)
            s->edge = s->isn; /* nothing is known of a window yet */
        s->unsure = true;
    }
    s->isn = g->p->tcp_seq;
    s->next = s->isn + 1;
    s->has_isn = s->has_next = true;
    if (g->r->dir == TO_CLIENT)
        g->f->quiet_from = s->next;
    note_scale(s, g->p);
    return FLOW_FINE;
}

/*
 * A SYN where the connection stands. The receiver answers it with a challenge
 * ACK (RFC 5961 4), or it knows nothing of the connection any more and begins
 * anew: its SYN-ACK will tell.
 */
static enum flow_reason late_syn(struct segment *g)
{
    struct flow *f = g->f;
    bool again = g->s->has_isn && g->s->isn == g->p->tcp_seq;
    if (again && (g->ack || g->data.len > 0))
        return FLOW_FINE;
    if (g->ack)
        return f->state == FLOW_CLOSED ? FLOW_AFTER_CLOSE : FLOW_BAD_RESET;
    if (g->data.len > 0)
        return FLOW_BAD_RESET;
    f->has_resyn = true;
    f->resyn = g->p->tcp_seq;
    f->resyn_dir = (uint8_t)g->r->dir;
    f->resyn_scaled = g->p->tcp_has_wscale;
    f->resyn_wscale = g->p->tcp_wscale < WSCALE_MAX ? g->p->tcp_wscale : WSCALE_MAX;
    g->settled = true;
    return FLOW_FINE;
}

enum flow_reason state_syn(struct segment *g)
{
    if (g->f->state != FLOW_SYN_SENT && !(g->f->state == FLOW_SYN_RECEIVED && g->ack))
        return late_syn(g);
    if (g->ack && !acks_syn(g))
        return FLOW_BAD_RESET;
    return learn_isn(g);
}

bool state_begins_anew(const struct segment *g)
{
    const struct flow *f = g->f;
    bool known = g->s->has_isn && g->s->isn == g->p->tcp_seq;
    return g->syn && g->ack && f->has_resyn && f->state != FLOW_CONDEMNED && f->resyn_dir != g->r->dir &&
           g->p->tcp_ack == f->resyn + 1 && !known;
}

static unsigned window_shift(const struct segment *g)
{
    if (g->syn)
        return 0;
    if (g->f->midstream && !(g->s->has_isn && g->other->has_isn))
        return g->s->has_wscale ? g->s->wscale : WSCALE_MAX;
    return g->s->has_wscale && g->other->has_wscale ? g->s->wscale : 0;
}

static void note_ack(struct segment *g)
{
    struct flow_stream *o = g->other;
    uint32_t ack = g->p->tcp_ack, edge = ack + ((uint32_t)g->p->tcp_window << window_shift(g));
    o->acked = o->has_acked ? seq_max(o->acked, ack) : ack;
    o->edge = o->has_edge ? seq_max(o->edge, edge) : edge;
    o->has_acked = o->has_edge = true;
    chunks_forget(g->t, o);
}

static void settle_isn(struct flow_stream *o, uint32_t ack)
{
    o->unsure = false;
    o->isn = ack - 1;
    o->next = ack;
    o->has_acked = false;
}

/* In the handshake an ACK counts from an end whose own SYN was seen: a connection of before has none to show. */
static bool ack_counts(const struct segment *g)
{
    const struct flow_stream *o = g->other;
    if (!o->has_next)
        return g->f->midstream;
    if (g->f->state < FLOW_ESTABLISHED && !(g->s->has_isn || g->f->midstream))
        return false;
    if (o->unsure) /* a client's word alone does not move the server's stream */
        return g->r->dir == TO_CLIENT || g->p->tcp_ack == o->isn + 1 || g->p->tcp_ack == o->edge + 1;
    int32_t behind = seq_diff(o->next, g->p->tcp_ack);
    if (o->has_isn && !o->has_acked && !between(g->p->tcp_ack, o->isn + 1, o->next))
        return false;
    return behind >= 0 && behind < ACK_OLD;
}

bool state_acks_unseen(const struct segment *g)
{
    const struct flow_stream *o = g->other;
    if (!g->ack || !o->has_next || o->unsure || g->f->state < FLOW_ESTABLISHED)
        return false;
    return seq_diff(g->p->tcp_ack, o->next) > 0;
}

bool state_ack_acceptable(const struct segment *g)
{
    const struct flow_stream *o = g->other;
    if (!g->ack || !o->has_next || o->unsure || (g->f->midstream && !o->has_acked))
        return true;
    uint32_t end = chunks_end(o);
    if (o->has_fin)
        end = seq_max(end, o->fin + 1);
    if (seq_diff(g->p->tcp_ack, end) > 0)
        return false;
    int32_t oldest = (int32_t)(UINT32_C(65535) << window_shift(g));
    return !o->has_acked || seq_diff(o->acked, g->p->tcp_ack) <= oldest;
}

void state_ack(struct segment *g)
{
    struct flow *f = g->f;
    if (!g->ack || !ack_counts(g))
        return;
    if (g->other->unsure)
        settle_isn(g->other, g->p->tcp_ack);
    note_ack(g);
    if (f->state < FLOW_ESTABLISHED)
        f->state = f->stream[0].has_acked && f->stream[1].has_acked ? FLOW_ESTABLISHED : FLOW_SYN_RECEIVED;
}

void state_close_by_reset(struct segment *g)
{
    g->f->state = FLOW_CLOSED;
    g->f->was_reset = true;
    g->r->reset = true;
    chunks_free(g->t, &g->f->stream[0]);
    chunks_free(g->t, &g->f->stream[1]);
}

/* RFC 5961 3: only the number that the receiver expects next closes; or the furthest that a sender has come to. */
static bool is_exact(const struct flow_stream *s, uint32_t seq)
{
    if (s->has_acked && seq == s->acked)
        return true;
    return s->has_next && (seq == s->next || seq == chunks_end(s));
}

/* RFC 9293 3.10.7.3: what is refused acknowledges the SYN. */
static enum flow_reason refused(struct segment *g)
{
    if (!g->ack || !acks_syn(g))
        return FLOW_BAD_RESET;
    if (!g->other->unsure)
        state_close_by_reset(g);
    return FLOW_FINE;
}

enum flow_reason state_reset(struct segment *g)
{
    struct flow *f = g->f;
    g->settled = true;
    if (f->state == FLOW_CLOSED)
        return FLOW_FINE;
    if (f->state == FLOW_SYN_SENT && g->r->dir == TO_CLIENT && !g->s->has_isn)
        return refused(g);
    if (is_exact(g->s, g->p->tcp_seq)) {
        state_close_by_reset(g);
        return FLOW_FINE;
    }
    if (f->quiet && f->state != FLOW_SYN_SENT)
        return quiet_reset(g);
    /* The answer to a challenge ACK of a connection that only the server remembers. */
    return f->state == FLOW_SYN_SENT ? FLOW_FINE : FLOW_BAD_RESET;
}

void state_fin(struct flow *f, enum flow_dir dir)
{
    f->stream[dir].fin_done = true;
    f->state = f->stream[!dir].fin_done ? FLOW_CLOSED : FLOW_CLOSING;
}

static void blind_numbers(struct segment *g)
{
    uint32_t end = g->seq + (uint32_t)g->data.len + g->fin;
    g->s->next = g->s->has_next ? seq_max(g->s->next, end) : end;
    g->s->has_next = true;
    if (g->ack) {
        g->other->acked = g->p->tcp_ack;
        g->other->has_acked = true;
    }
}

void state_blind(struct segment *g)
{
    struct flow *f = g->f;
    if (g->rst) {
        g->r->reset = f->state != FLOW_CLOSED;
        f->state = FLOW_CLOSED;
        return;
    }
    if (g->syn && !g->ack && f->state > FLOW_SYN_SENT) {
        g->data.len = 0; /* whatever it carries passes */
        (void)late_syn(g);
        return;
    }
    blind_numbers(g);
    if (f->state < FLOW_ESTABLISHED && g->ack)
        f->state = g->r->dir == TO_CLIENT ? FLOW_SYN_RECEIVED : FLOW_ESTABLISHED;
    if (g->syn)
        note_scale(g->s, g->p);
    if (g->fin && f->state < FLOW_CLOSED)
        state_fin(f, g->r->dir);
}
