/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <netinet/in.h>

#include "flow/internal.h"

#define DOUBTS_BELIEVED 3

#define NO_RECEIVER_TAKES                                                                                              \
    (ANOMALY_BAD_LENGTH | ANOMALY_BAD_IP_CHECKSUM | ANOMALY_BAD_CHECKSUM | ANOMALY_BAD_FLAGS | ANOMALY_TRUNCATED)

/* Why a TCP packet is refused before anybody looks for its flow. */
static enum flow_reason unfit(const struct packet *p)
{
    if (p->is_fragment)
        return FLOW_FRAGMENT;
    if (p->anomalies & NO_RECEIVER_TAKES || p->l4 != L4_TCP || p->data.len < p->ip_len)
        return FLOW_BAD;
    return p->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK | TCP_FLAG_RST) ? FLOW_FINE : FLOW_BAD;
}

static bool is_service(const struct flow_table *t, uint16_t port)
{
    return t->opt.is_service && t->opt.is_service(t->opt.ctx, port);
}

/* Which end of a connection whose beginning was not seen is the server. */
static bool comes_from_server(const struct flow_table *t, const struct packet *p)
{
    bool src = is_service(t, p->srcport), dst = is_service(t, p->dstport);
    return src != dst ? src : p->srcport < p->dstport;
}

static enum flow_reason table_is_full(const struct flow_table *t)
{
    return t->opt.open ? FLOW_NOT_TRACKED : FLOW_NO_MEMORY;
}

static void direct(struct segment *g, struct flow *f, enum flow_dir dir)
{
    g->f = f;
    g->r->flow = f;
    g->r->dir = dir;
    g->s = &f->stream[dir];
    g->other = &f->stream[!dir];
}

static enum flow_reason add(struct segment *g, bool from_server)
{
    struct flow *f = table_add(g->t, g->p, from_server);
    if (!f)
        return table_is_full(g->t);
    direct(g, f, from_server ? TO_CLIENT : TO_SERVER);
    g->r->fresh = true;
    return FLOW_FINE;
}

/* The number before `next` was the SYN's. */
static void assume_isn(struct flow_stream *s, uint32_t isn)
{
    s->isn = isn;
    s->next = isn + 1;
    s->has_isn = s->has_next = true;
}

static enum flow_reason begin_midstream(struct segment *g)
{
    struct flow_table *t = g->t;
    if (!t->opt.midstream)
        return g->rst ? FLOW_NOT_TRACKED : FLOW_MIDSTREAM;
    if (g->rst || (!g->syn && g->data.len == 0))
        return FLOW_NOT_TRACKED;
    bool from_server = comes_from_server(t, g->p);
    if (g->syn) { /* a SYN-ACK comes from the server, or somebody means to swap the ends */
        if (is_service(t, g->p->dstport) && !is_service(t, g->p->srcport))
            return FLOW_BAD_RESET;
        from_server = true;
    }
    enum flow_reason reason = add(g, from_server);
    if (reason != FLOW_FINE)
        return reason;
    t->counts.midstream++;
    g->f->midstream = true;
    if (g->syn)
        assume_isn(g->other, g->p->tcp_ack - 1);
    else
        g->f->state = FLOW_ESTABLISHED;
    return FLOW_FINE;
}

/* A SYN that came while the old connection stood was answered: the old one is no more. */
static enum flow_reason begin_anew(struct segment *g)
{
    struct flow old = *g->f;
    table_end(g->t, g->f);
    g->f = g->r->flow = NULL;
    enum flow_reason reason = add(g, true);
    if (reason != FLOW_FINE)
        return reason;
    g->f->link[TO_SERVER] = old.link[old.resyn_dir];
    assume_isn(g->other, old.resyn);
    g->other->has_wscale = old.resyn_scaled;
    g->other->wscale = old.resyn_wscale;
    return FLOW_FINE;
}

static bool may_follow(const struct segment *g)
{
    const struct flow *f = g->f;
    return f->state == FLOW_CLOSED || (f->state == FLOW_CONDEMNED && g->r->dir == TO_SERVER) ||
           table_timed_out(g->t, f);
}

/*
 * A client could acknowledge its own bytes in the server's name, or answer
 * itself: what tells is the interface. Where both ends are behind one, nothing
 * does.
 */
static bool is_spoofed(const struct segment *g)
{
    const struct flow *f = g->f;
    const struct iface *in = g->p->meta.in_dev;
    uint32_t other = f->link[!g->r->dir].ifindex;
    return in && other && !f->one_armed && in->index == other;
}

static enum flow_reason begin_again(struct segment *g)
{
    table_end(g->t, g->f);
    g->f = g->r->flow = NULL;
    return add(g, false);
}

/*
 * A SYN against the one that began the flow: one of them may be forged to swap
 * the ends. The server is where the service is; where that does not tell, the
 * first one holds.
 */
static enum flow_reason cross(struct segment *g)
{
    bool to = is_service(g->t, g->p->dstport), from = is_service(g->t, g->p->srcport);
    if (to == from)
        return FLOW_BAD_RESET;
    return to ? begin_again(g) : FLOW_FINE;
}

static enum flow_reason find_or_begin(struct segment *g)
{
    enum flow_dir dir;
    struct flow *f = table_find(g->t, g->p, &dir);
    bool opening = g->syn && !g->ack;
    if (!f)
        return opening ? add(g, false) : begin_midstream(g);
    direct(g, f, dir);
    /* What began with a forged SYN-ACK must not keep the client out. */
    if (opening && (may_follow(g) || (f->midstream && is_spoofed(g))))
        return begin_again(g);
    if (opening && g->f->state == FLOW_SYN_SENT && dir == TO_CLIENT && !is_spoofed(g))
        return cross(g);
    return state_begins_anew(g) ? begin_anew(g) : FLOW_FINE;
}

/* What came by and waits is still looked at, though late. */
static uint32_t behind_hole(const struct flow_stream *s, uint32_t ack)
{
    return s->waiting && seq_diff(s->waiting->seq, ack) < 0 ? s->waiting->seq : ack;
}

static void begin_at(struct segment *g, enum flow_dir dir, uint32_t next)
{
    struct flow_stream *s = &g->f->stream[dir];
    s->next = s->acked = next;
    s->has_acked = true;
    s->has_edge = false;
    chunks_forget(g->t, s); /* what waits behind it is not lost */
    g->r->lost[dir] = true;
    if (s->has_fin && !s->fin_done && seq_diff(next, s->fin) > 0)
        state_fin(g->f, dir);
}

/*
 * Bytes went by another way: a full queue that lets pass, an address that was
 * exempt for a while. The stream goes on where the receiver stands. Of the
 * client's bytes only the server can tell: a client that claims so would get
 * rid of what was read of its request. Of the server's bytes the client is
 * believed where what it acknowledges did come by, behind what did not.
 */
static bool catch_up(struct segment *g)
{
    bool from_server = g->r->dir == TO_CLIENT, seen = true;
    if (g->f->tampered) /* what the server has may be what we refused */
        return true;
    if (from_server && state_acks_unseen(g))
        begin_at(g, TO_SERVER, behind_hole(g->other, g->p->tcp_ack));
    else if (!from_server && !g->f->quiet && state_acks_unseen(g) && g->other->waiting &&
             seq_diff(g->p->tcp_ack, chunks_end(g->other)) <= 0)
        begin_at(g, TO_CLIENT, g->p->tcp_ack);
    else
        seen = false;
    bool far = from_server && !g->f->quiet && g->data.len > 0 && g->s->has_next && g->f->state >= FLOW_ESTABLISHED &&
               seq_diff(g->seq, g->s->next) > 0 && !stream_in_window(g);
    if (far)
        begin_at(g, TO_CLIENT, g->seq);
    if (!far && !seen)
        return true;
    g->t->counts.midstream++;
    g->f->midstream = true;
    return g->t->opt.midstream;
}

/*
 * Bytes with an ACK that cannot be: a decoy comes once, a sender whose peer's
 * bytes went by another way comes again and again.
 */
static bool is_insisted_on(struct segment *g)
{
    struct flow *f = g->f;
    if (!g->t->opt.midstream || g->r->dir != TO_SERVER || !state_acks_unseen(g))
        return false;
    f->doubts = f->doubtful == g->p->tcp_ack ? (uint8_t)(f->doubts + 1) : 1;
    f->doubtful = g->p->tcp_ack;
    if (f->doubts < DOUBTS_BELIEVED)
        return false;
    f->doubts = 0;
    g->t->counts.midstream++;
    f->midstream = true;
    begin_at(g, TO_CLIENT, g->p->tcp_ack);
    return true;
}

/* RFC 9293 3.10.7.4, as far as it is known what the other end has sent. */
static bool ack_is_fine(struct segment *g)
{
    if (g->data.len == 0 && !g->fin)
        return true;
    return (g->f->quiet && g->r->dir == TO_SERVER) || state_ack_acceptable(g) || is_insisted_on(g);
}

static void take_ack(struct segment *g)
{
    if (g->f->quiet && g->r->dir == TO_SERVER) {
        quiet_ack(g);
        return;
    }
    state_ack(g);
    if (is_unseen_side(g))
        quiet_server_ack(g);
}

static enum flow_reason follow(struct segment *g)
{
    if (is_spoofed(g))
        return FLOW_SPOOFED;
    if (g->f->state == FLOW_CONDEMNED)
        return FLOW_WAS_CONDEMNED;
    if (g->f->blind) {
        state_blind(g);
        return FLOW_FINE;
    }
    if (g->rst)
        return state_reset(g);
    if (g->p->tcp_flags & TCP_FLAG_URG && !g->t->opt.urgent_ok && !is_unseen_side(g))
        return FLOW_URGENT; /* without data as well: its pointer may name bytes that come later */
    enum flow_reason reason = g->syn ? state_syn(g) : FLOW_FINE;
    if (reason != FLOW_FINE || g->settled)
        return reason;
    if (!g->f->was_reset && !catch_up(g))
        return FLOW_MIDSTREAM;
    if (!ack_is_fine(g))
        return FLOW_BAD_ACK;
    take_ack(g);
    return is_unseen_side(g) ? quiet_segment(g) : stream_segment(g);
}

static void learn_link(struct segment *g)
{
    const struct packet_meta *m = &g->p->meta;
    struct flow_link *l = &g->f->link[g->r->dir];
    if (m->in_dev)
        l->ifindex = m->in_dev->index;
    if (m->in_dev && m->out_dev)
        g->f->one_armed = m->in_dev->index == m->out_dev->index;
    l->has_vlan = m->has_vlan;
    l->vlan_tci = m->has_vlan ? m->vlan_tci : 0;
    if (m->has_eth_src) {
        l->has_mac = true;
        memcpy(l->mac, m->eth_src, sizeof l->mac);
    }
}

static void conclude(struct flow_table *t, struct flow_result *r, enum flow_reason reason)
{
    r->reason = reason;
    r->drop = reason != FLOW_FINE && reason != FLOW_NOT_TRACKED;
    if (r->drop)
        t->counts.dropped[reason]++;
    else if (reason == FLOW_NOT_TRACKED)
        t->counts.untracked++;
}

static void follow_flow(struct segment *g)
{
    struct flow_table *t = g->t;
    enum flow_reason reason = follow(g);
    g->f->resting = false;
    if (reason == FLOW_DIFFERS || reason == FLOW_URGENT)
        g->f->tampered = true;
    conclude(t, g->r, reason);
    if (!g->r->drop)
        learn_link(g);
    table_touch(t, g->f);
    g->r->start = g->s->has_next ? g->s->next : g->p->tcp_seq;
}

static struct segment segment_of(struct flow_table *t, const struct packet *p, struct flow_result *r)
{
    bool syn = p->tcp_flags & TCP_FLAG_SYN, rst = p->tcp_flags & TCP_FLAG_RST;
    return (struct segment){
        .t = t,
        .p = p,
        .r = r,
        .seq = p->tcp_seq + syn,
        .data = p->payload,
        .syn = syn,
        .ack = p->tcp_flags & TCP_FLAG_ACK,
        .rst = rst,
        .fin = p->tcp_flags & TCP_FLAG_FIN && !rst,
    };
}

void flow_packet(struct flow_table *t, const struct packet *p, uint64_t now_ms, struct flow_result *ret)
{
    *ret = (struct flow_result){.flow = NULL};
    if (now_ms > t->now_ms)
        t->now_ms = now_ms;
    if (p->ip_version == 0 || p->ip_proto != IPPROTO_TCP) {
        conclude(t, ret, FLOW_NOT_TRACKED);
        return;
    }
    enum flow_reason reason = unfit(p);
    struct segment g = segment_of(t, p, ret);
    if (reason == FLOW_FINE)
        reason = find_or_begin(&g);
    if (reason == FLOW_FINE)
        follow_flow(&g);
    else
        conclude(t, ret, reason);
}

static bool is_followed(const struct flow *f)
{
    return !f->blind && f->state != FLOW_CONDEMNED;
}

static void reach_fin(struct flow_table *t, struct flow_result *r)
{
    struct flow_stream *s = &r->flow->stream[r->dir];
    if (!s->has_fin || s->fin_done || s->next != s->fin)
        return;
    s->next++;
    r->eof = true;
    state_fin(r->flow, r->dir);
    table_touch(t, r->flow);
}

bool flow_next(struct flow_table *t, struct flow_result *r, struct span *ret)
{
    if (!r->flow || r->drop || !is_followed(r->flow))
        return false;
    const struct flow_stream *s = &r->flow->stream[r->dir];
    const struct flow_chunk *c = s->waiting;
    if (r->waiting.len > 0)
        *ret = r->waiting;
    else if (c && c->seq == s->next)
        *ret = span_of(c->data + c->from, c->len);
    else {
        reach_fin(t, r);
        return false;
    }
    r->handed = true;
    return true;
}

/* The bytes are handed out and cannot be remembered: what came after could differ from them. */
static void lose(struct flow_table *t, struct flow_result *r)
{
    if (t->opt.open) {
        t->counts.blinded++;
        flow_blind(t, r->flow);
        return;
    }
    flow_condemn(t, r->flow);
    conclude(t, r, FLOW_NO_MEMORY);
}

static void advance(struct flow_table *t, struct flow_result *r, size_t n)
{
    struct flow *f = r->flow;
    f->stream[r->dir].next += (uint32_t)n;
    if (r->dir == TO_SERVER && (f->quiet || f->has_forgot))
        quiet_advance(t, f);
}

bool flow_part(struct flow_table *t, struct flow_result *r, size_t n, bool remember)
{
    if (!r->handed || r->waiting.len <= n || !is_followed(r->flow))
        return false;
    struct flow_stream *s = &r->flow->stream[r->dir];
    bool lost = remember && !chunks_remember(t, s, span_first(r->waiting, n));
    advance(t, r, n);
    r->waiting = span_from(r->waiting, n);
    chunks_trim(t, s);
    if (lost)
        lose(t, r);
    return true;
}

void flow_done(struct flow_table *t, struct flow_result *r, bool remember)
{
    if (!r->handed)
        return;
    r->handed = false;
    if (!is_followed(r->flow))
        return;
    struct flow_stream *s = &r->flow->stream[r->dir];
    bool lost = false;
    if (r->waiting.len > 0) {
        lost = remember && !chunks_remember(t, s, r->waiting);
        advance(t, r, r->waiting.len);
        r->waiting.len = 0;
        chunks_trim(t, s);
    } else {
        uint32_t n = s->waiting->len;
        chunks_take_waiting(t, s, remember);
        advance(t, r, n);
    }
    if (lost)
        lose(t, r);
    else
        table_touch(t, r->flow); /* it may keep bytes now, or none any more */
}

static void forget_bytes(struct flow_table *t, struct flow *f)
{
    chunks_free(t, &f->stream[0]);
    chunks_free(t, &f->stream[1]);
    table_touch(t, f);
}

void flow_condemn(struct flow_table *t, struct flow *f)
{
    f->state = FLOW_CONDEMNED;
    forget_bytes(t, f);
}

void flow_blind(struct flow_table *t, struct flow *f)
{
    f->blind = true;
    forget_bytes(t, f);
}

bool flow_charge(struct flow_table *t, struct flow *f, size_t bytes)
{
    if (bytes > UINT32_MAX)
        bytes = UINT32_MAX;
    t->counts.memory = t->counts.memory - f->charged + bytes;
    f->charged = (uint32_t)bytes;
    return t->counts.memory <= t->opt.memory || table_give_up(t, f, 0);
}

const char *flow_reason_name(enum flow_reason r)
{
    static const char *const names[FLOW_REASONS] = {
        [FLOW_FINE] = "fine",
        [FLOW_NOT_TRACKED] = "not_tracked",
        [FLOW_BAD] = "bad",
        [FLOW_FRAGMENT] = "fragment",
        [FLOW_OUTSIDE] = "outside",
        [FLOW_DIFFERS] = "differs",
        [FLOW_BAD_RESET] = "bad_reset",
        [FLOW_MIDSTREAM] = "midstream",
        [FLOW_AFTER_CLOSE] = "after_close",
        [FLOW_WAS_CONDEMNED] = "condemned",
        [FLOW_NO_MEMORY] = "no_memory",
        [FLOW_BAD_ACK] = "bad_ack",
        [FLOW_SPOOFED] = "spoofed",
        [FLOW_URGENT] = "urgent",
    };
    return (unsigned)r < FLOW_REASONS ? names[r] : "";
}

const char *flow_state_name(enum flow_state s)
{
    static const char *const names[FLOW_STATES] = {
        [FLOW_SYN_SENT] = "syn_sent",       [FLOW_SYN_RECEIVED] = "syn_received",
        [FLOW_ESTABLISHED] = "established", [FLOW_CLOSING] = "closing",
        [FLOW_CLOSED] = "closed",           [FLOW_CONDEMNED] = "condemned",
    };
    return (unsigned)s < FLOW_STATES ? names[s] : "";
}
