/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A TCP connection as a script of segments, against a reference that keeps
 * the first copy of each byte that passed in a plain array. An input is six
 * bytes of settings, then five bytes a segment: what, where, whether its bytes
 * differ from the usual ones, its length, and how they differ.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SPACE 65536
#define PORT_CLIENT 40000
#define PORT_SERVER 80

/* One direction as its receiver may see it; positions count from the first byte after SYN. */
struct half {
    uint32_t base; /* sequence number of position 0 */
    uint8_t first[SPACE];
    uint8_t known[SPACE]; /* 1: passed; 2: handed out and not remembered */
    int32_t next, acked, edge, fin;
};

static struct {
    struct flow_table *t;
    struct half side[2];
    bool live, open, midstream;
    bool quiet;      /* the server's bytes are not seen */
    int32_t unacked; /* where the client's ACK stands then */
    uint64_t now;
} m;

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static uint8_t usual(int32_t pos)
{
    return (uint8_t)(pos * 7 + (pos >> 8));
}

static struct packet packet_from(enum flow_dir dir, uint8_t flags, uint32_t seq, uint32_t ack, uint16_t window)
{
    struct packet p = {.ip_version = 4, .ip_proto = 6, .l4 = L4_TCP, .tcp_seq = seq, .tcp_ack = ack};
    p.src = p.dst = (struct ip_addr){.family = 4, .bytes = {192, 0, 2}};
    p.src.bytes[3] = dir == TO_SERVER ? 1 : 2;
    p.dst.bytes[3] = dir == TO_SERVER ? 2 : 1;
    p.srcport = dir == TO_SERVER ? PORT_CLIENT : PORT_SERVER;
    p.dstport = dir == TO_SERVER ? PORT_SERVER : PORT_CLIENT;
    p.tcp_flags = flags;
    p.tcp_window = window;
    return p;
}

static bool has_differing(const struct half *s, int32_t pos, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        int32_t at = pos + (int32_t)i;
        if (at >= 0 && at >= s->acked && at < SPACE && s->known[at] == 1 && s->first[at] != bytes.data[i])
            return true;
    }
    return false;
}

/* What passes equals the first copy, wherever the receiver may still take it. */
static void pass(struct half *s, int32_t pos, struct span bytes)
{
    demand(!has_differing(s, pos, bytes));
    for (size_t i = 0; i < bytes.len; i++) {
        int32_t at = pos + (int32_t)i;
        if (at >= 0 && at < SPACE && !s->known[at]) {
            s->first[at] = bytes.data[i];
            s->known[at] = 1;
        }
    }
}

static void hand_out(struct flow_result *r, enum flow_dir dir, bool remember)
{
    struct span got;
    struct half *s = &m.side[dir];
    if (r->flow && r->flow->quiet && r->dir == TO_CLIENT) {
        demand(!flow_next(m.t, r, &got));
        return;
    }
    while (flow_next(m.t, r, &got)) {
        demand(got.len > 0);
        demand(!m.live || r->flow->stream[dir].next == s->base + (uint32_t)s->next);
        for (size_t i = 0; i < got.len && m.live; i++, s->next++) {
            demand(s->next < SPACE && s->known[s->next] == 1 && got.data[i] == s->first[s->next]);
            if (!remember)
                s->known[s->next] = 2;
        }
        flow_done(m.t, r, remember);
        demand(m.open || !r->drop || !m.live);
    }
    if (!m.live || r->drop || !r->flow || r->flow->blind)
        return;
    demand(s->next == SPACE || !s->known[s->next]); /* nothing is held back */
    demand(s->fin < 0 || s->next <= s->fin);
    const struct flow_stream *f = &r->flow->stream[dir];
    demand(f->fin_done == (s->fin >= 0 && s->next == s->fin));
    demand(f->next == s->base + (uint32_t)s->next + f->fin_done);
}

static void note_ack(struct half *s, int32_t ack, uint16_t window)
{
    int32_t most = s->next + (s->fin >= 0 && s->next == s->fin);
    if (ack > most || ack < 0)
        return;
    s->acked = ack > s->acked ? ack : s->acked;
    s->edge = ack + window > s->edge ? ack + window : s->edge;
}

/* A refusal has its reason. */
static void justified(const struct flow_result *r, const struct half *s, int32_t pos, struct span bytes, bool fin)
{
    int32_t end = pos + (int32_t)bytes.len;
    if (r->reason == FLOW_DIFFERS)
        demand(has_differing(s, pos, bytes));
    else if (r->reason == FLOW_OUTSIDE || r->reason == FLOW_AFTER_CLOSE)
        demand(m.midstream || pos >= s->edge || fin || (s->fin >= 0 && end > s->fin) || (m.quiet && pos < s->next));
    else
        demand(r->reason == FLOW_NO_MEMORY && !m.open);
}

static void stop_where_unfollowed(const struct flow_result *r)
{
    if (r->lost[0] || r->lost[1]) /* an ACK of what was never sent: the model does not know where that leads */
        m.live = false;
    const struct flow *f = r->flow;
    if (!f || r->fresh || f->blind || f->state == FLOW_CONDEMNED || r->reset)
        m.live = false;
}

static void segment(enum flow_dir dir, uint8_t what, int32_t pos, size_t len, uint8_t differs, int32_t ack)
{
    static uint8_t bytes[SPACE];
    struct half *s = &m.side[dir], *o = &m.side[!dir];
    for (size_t i = 0; i < len; i++)
        bytes[i] = usual(pos + (int32_t)i);
    if (differs && len > 0)
        bytes[differs % len] ^= differs;
    bool fin = what & 0x10;
    uint16_t window = (uint16_t)(what & 0x20 ? differs * 8 : 4096);
    struct packet p = packet_from(dir, (uint8_t)(TCP_FLAG_ACK | (fin ? TCP_FLAG_FIN : 0)), s->base + (uint32_t)pos,
                                  o->base + (uint32_t)ack, window);
    /* An exact copy on the heap, so that the sanitizer sees a span that outlives its packet. */
    uint8_t *exact = malloc(len + 1);
    demand(exact != NULL);
    memcpy(exact, bytes, len);
    p.payload = span_of(exact, len);
    struct flow_result r;
    flow_packet(m.t, &p, m.now++, &r);
    stop_where_unfollowed(&r);
    if (m.live) {
        note_ack(o, ack, window);
        if (m.quiet && dir == TO_CLIENT) {
            demand(!r.drop || r.reason == FLOW_OUTSIDE || r.reason == FLOW_AFTER_CLOSE || r.reason == FLOW_BAD_ACK);
        } else if (r.drop) {
            justified(&r, s, pos, p.payload, fin);
        } else {
            pass(s, pos, p.payload);
            if (fin && s->fin < 0)
                s->fin = pos + (int32_t)len;
        }
    }
    hand_out(&r, dir, !(what & 0x40));
    free(exact);
}

static void control(enum flow_dir dir, uint8_t what, uint32_t seq, uint32_t ack)
{
    static const uint8_t flags[8] = {TCP_FLAG_RST,
                                     TCP_FLAG_RST | TCP_FLAG_ACK,
                                     TCP_FLAG_SYN,
                                     TCP_FLAG_SYN | TCP_FLAG_ACK,
                                     TCP_FLAG_ACK,
                                     TCP_FLAG_ACK | TCP_FLAG_URG,
                                     0,
                                     TCP_FLAG_FIN | TCP_FLAG_ACK};
    struct packet p = packet_from(dir, flags[what & 7], seq, ack, 1024);
    struct flow_result r;
    flow_packet(m.t, &p, m.now++, &r);
    m.live = false; /* what follows is for the sanitizer and the counts */
    hand_out(&r, dir, true);
    if (r.flow && what & 8)
        (void)flow_set_quiet(m.t, r.flow, !r.flow->quiet);
    if (r.flow && what & 0x80)
        (what & 0x40 ? flow_blind : flow_condemn)(m.t, r.flow);
}

static void opening(void)
{
    struct half *c = &m.side[TO_SERVER], *s = &m.side[TO_CLIENT];
    struct packet steps[3] = {
        packet_from(TO_SERVER, TCP_FLAG_SYN, c->base - 1, 0, 4096),
        packet_from(TO_CLIENT, TCP_FLAG_SYN | TCP_FLAG_ACK, s->base - 1, c->base, 4096),
        packet_from(TO_SERVER, TCP_FLAG_ACK, c->base, s->base, 4096),
    };
    for (int i = m.midstream; i < 3; i++) {
        struct flow_result r;
        struct span none;
        flow_packet(m.t, &steps[i], m.now++, &r);
        demand(!r.drop && r.flow && r.fresh == (i == (int)m.midstream) && !flow_next(m.t, &r, &none));
        if (r.fresh && m.quiet)
            demand(flow_set_quiet(m.t, r.flow, true) == 0);
    }
    c->edge = s->edge = 4096;
}

static void step(const uint8_t *b)
{
    enum flow_dir dir = b[0] & 1;
    const struct half *s = &m.side[dir], *o = &m.side[!dir];
    int32_t scale = b[0] & 8 ? 16 : 1, ack = b[0] & 2 ? o->next : o->acked;
    if ((b[0] & 0x86) == 0x86) {
        control(dir, b[1], s->base + (uint32_t)(s->next + (int8_t)b[2]), o->base + (uint32_t)(o->next + (int8_t)b[3]));
        return;
    }
    if (m.quiet && dir == TO_SERVER) {
        ack = m.unacked += b[1] & 31;
        m.now += (b[2] & 15) * 16;
    }
    if ((b[0] & 6) == 6) { /* nothing but an ACK */
        segment(dir, b[0] & 0x20, s->next, 0, b[4], o->acked + (int8_t)b[1] * scale);
        return;
    }
    int32_t pos = s->next + (int8_t)b[1] * scale;
    size_t len = (size_t)b[3] * (b[0] & 4 ? 16 : 1);
    if (pos + (int32_t)len < SPACE)
        segment(dir, b[0], pos, len, b[2] & 0xf0 ? 0 : b[4], ack);
}

static void end_all(void)
{
    flow_expire(m.t, m.now + 1000000, 1000);
    const struct flow_counts *c = flow_counts(m.t);
    demand(c->flows == 0 && c->memory == 0 && c->begun == c->ended);
    for (int i = 0; i < FLOW_STATES; i++)
        demand(c->by_state[i] == 0);
    flow_table_free(m.t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 6)
        return 0;
    memset(&m, 0, sizeof m);
    m.live = true;
    m.open = data[0] & 1;
    m.midstream = data[0] & 2;
    m.quiet = data[0] & 8;
    m.side[0].fin = m.side[1].fin = -1;
    m.side[0].base = (uint32_t)data[1] << 24 | (uint32_t)data[2] << 8;
    m.side[1].base = (uint32_t)data[3] << 24 | (uint32_t)data[4] << 8;
    struct flow_options opt = {.flows = 4,
                               .memory = data[0] & 4 ? 6000 : 1u << 20,
                               .per_flow = 1024u + data[5] * 256u,
                               .midstream = true,
                               .open = m.open,
                               .timeout_s = {30, 30, 60, 60, 10, 60}};
    m.t = flow_table_new(&opt);
    demand(m.t != NULL);
    opening();
    for (size_t at = 6; at + 5 <= size; at += 5)
        step(data + at);
    if (data[0] & 16)
        flow_expire(m.t, m.now + 2000, 100);
    end_all();
    return 0;
}
