/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flow/internal.h"

/*
 * Bytes are placed once it is certain where the receiver's stream begins: to
 * the server when it has answered the SYN, lest a SYN that it ignores moves us
 * and not it.
 */
static bool may_carry(const struct segment *g)
{
    const struct flow_stream *s = g->s;
    if (s->unsure)
        return false;
    if (g->f->midstream || g->f->state >= FLOW_ESTABLISHED)
        return true;
    return s->has_isn && (g->r->dir == TO_CLIENT || g->syn || s->has_acked);
}

/* One byte may lie on the edge itself: a probe of a closed window (RFC 9293 3.8.6.1). */
bool stream_in_window(const struct segment *g)
{
    const struct flow_stream *s = g->s;
    uint32_t edge = s->has_edge && !g->f->quiet ? s->edge : quiet_edge(g);
    int32_t beyond = seq_diff(g->seq, edge);
    return g->data.len + g->fin > 1 ? beyond < 0 : beyond <= 0;
}

/* Nothing lies behind FIN, and FIN stays where it was. */
static bool fits_fin(const struct segment *g)
{
    const struct flow_stream *s = g->s;
    uint32_t end = g->seq + (uint32_t)g->data.len;
    if (s->has_fin)
        return seq_diff(end, s->fin) <= 0 && (!g->fin || end == s->fin);
    return !g->fin || seq_diff(end, chunks_end(s)) >= 0;
}

/* Those bytes that were handed out before, less what the receiver has for certain. */
static bool old_agree(const struct segment *g, size_t n)
{
    const struct flow_stream *s = g->s;
    struct span old = span_first(g->data, n);
    uint32_t seq = g->seq;
    if (s->has_acked && seq_diff(s->acked, seq) > 0) {
        old = span_from(old, s->acked - seq);
        seq = s->acked;
    }
    return chunks_agree_old(s, seq, old);
}

/*
 * What waits must not shut out the segment that it waits for: bytes in order
 * are measured against the remembered ones only, and one packet always may.
 */
static bool has_room(const struct segment *g, bool in_order, size_t len)
{
    const struct flow_stream *s = g->s;
    size_t need = chunk_cost(len);
    if (g->f->quiet && s->kept + need > g->t->opt.per_flow)
        quiet_room(g->t, g->f);
    size_t kept = in_order ? s->kept - s->held : s->kept;
    bool first = in_order && kept == 0;
    return (first || kept + need <= g->t->opt.per_flow) && table_room(g->t, g->f, need);
}

static enum flow_reason no_room(const struct segment *g)
{
    if (!g->t->opt.open)
        return FLOW_NO_MEMORY;
    g->t->counts.blinded++;
    flow_blind(g->t, g->f);
    return FLOW_FINE;
}

/* Bytes that were not seen before, at seq: handed out if they are next, else kept. */
static enum flow_reason take_new(struct segment *g, uint32_t seq, struct span data)
{
    struct flow_stream *s = g->s;
    bool in_order = seq == s->next;
    if (!chunks_agree_new(s, seq, data))
        return FLOW_DIFFERS;
    if (!has_room(g, in_order, data.len))
        return no_room(g);
    if (!in_order)
        return chunks_wait(g->t, s, seq, data) ? FLOW_FINE : no_room(g);
    g->r->waiting = data;
    g->r->waiting_seq = seq;
    return FLOW_FINE;
}

/* Bytes that were handed out before. */
static enum flow_reason again(struct segment *g, size_t n)
{
    bool forgot = quiet_forgot(g);
    if (!forgot && old_agree(g, n))
        return FLOW_FINE;
    g->r->probe = quiet_probe(g);
    return forgot || g->r->probe ? FLOW_OUTSIDE : FLOW_DIFFERS;
}

static enum flow_reason place(struct segment *g)
{
    size_t old = 0;
    if (seq_diff(g->seq, g->s->next) < 0) {
        uint32_t behind = g->s->next - g->seq;
        old = behind < g->data.len ? behind : g->data.len;
        enum flow_reason reason = again(g, old);
        if (reason != FLOW_FINE)
            return reason;
    }
    if (old == g->data.len)
        return FLOW_FINE;
    return take_new(g, g->seq + (uint32_t)old, span_from(g->data, old));
}

enum flow_reason stream_segment(struct segment *g)
{
    struct flow_stream *s = g->s;
    if (g->data.len == 0 && !g->fin)
        return FLOW_FINE;
    if (g->f->was_reset)
        return g->data.len > 0 ? FLOW_AFTER_CLOSE : FLOW_FINE;
    if (!may_carry(g))
        return FLOW_OUTSIDE;
    if (!s->has_next) { /* midstream: it begins where it is picked up */
        s->next = g->seq;
        s->has_next = true;
        s->has_acked = s->has_acked && seq_diff(s->acked, g->seq) <= 0;
    } else if (!stream_in_window(g)) {
        return FLOW_OUTSIDE;
    }
    if (!fits_fin(g))
        return g->f->state == FLOW_CLOSED ? FLOW_AFTER_CLOSE : FLOW_OUTSIDE;
    enum flow_reason reason = place(g);
    if (reason == FLOW_FINE && g->fin) {
        s->has_fin = true;
        s->fin = g->seq + (uint32_t)g->data.len;
    }
    return reason;
}
