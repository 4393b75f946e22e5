/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_FLOW_INTERNAL_H
#define SLUICE_FLOW_INTERNAL_H

#include "flow/flow.h"

/* Private to flow/. Sequence numbers are serial numbers of 32 bits (RFC 9293 3.4). */

static inline int32_t seq_diff(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static inline uint32_t seq_max(uint32_t a, uint32_t b)
{
    return seq_diff(a, b) > 0 ? a : b;
}

/* Kept bytes of one direction, in a list by sequence number; never overlapping. */
struct flow_chunk {
    struct flow_chunk *next;
    uint32_t seq, len; /* what it holds */
    uint32_t from;     /* where that begins in data */
    uint32_t room;     /* of data */
    uint8_t data[];
};

/* What a chunk takes at least: room for more, so that neighbours share one and lists stay short. */
#define CHUNK_SMALL 1024u
#define CHUNK_USUAL 4096u
#define SMALL_SEGMENT 256u

struct flow_list {
    struct flow *oldest, *newest;
};

/* Each state has four lists. */
enum flow_class {
    CLASS_PLAIN, /* keeps no bytes */
    CLASS_KEEPS,
    CLASS_QUIET, /* keeps bytes only for comparing: they may be given up */
    CLASS_REST,  /* the same, idle and shrunk; or a quiet one whose last ACK of the handshake may have passed by */
    FLOW_CLASSES
};
#define FLOW_LISTS ((unsigned)FLOW_CLASSES * FLOW_STATES)

/* An ACK further back than any window reaches says nothing. */
#define ACK_OLD (1 << 30)

struct flow_table {
    struct flow_options opt;
    struct flow_counts counts;
    uint64_t now_ms;
    uint64_t key[2]; /* of the hash: ports are an attacker's choice */
    uint64_t next_id;
    struct flow **buckets; /* mapped; linear hashing splits one bucket with each flow that comes */
    size_t n_buckets, level, mapped;
    struct flow *unused;
    struct flow_slab *slabs;
    struct flow_list lists[FLOW_LISTS];
    unsigned expire_at;
};

/* One packet on its way through. */
struct segment {
    struct flow_table *t;
    const struct packet *p;
    struct flow_result *r;
    struct flow *f;
    struct flow_stream *s, *other; /* the packet's direction and the one that it acknowledges */
    uint32_t seq;                  /* of the first byte of data */
    struct span data;
    bool syn, ack, rst, fin;
    bool settled; /* it passes, and its sequence numbers mean nothing here */
};

/* table.c */
struct flow *table_find(const struct flow_table *t, const struct packet *p, enum flow_dir *ret);
/* A zeroed flow between the packet's ends, from_server: its source is the server. NULL where the table is full. */
struct flow *table_add(struct flow_table *t, const struct packet *p, bool from_server);
void table_end(struct flow_table *t, struct flow *f);
/* Puts f last in the list where it belongs. */
void table_touch(struct flow_table *t, struct flow *f);
bool table_timed_out(const struct flow_table *t, const struct flow *f);
/* Makes room for `need` kept bytes, at the cost of others: what is kept for comparing, then what waits for long. */
bool table_room(struct flow_table *t, const struct flow *keep, size_t need);
/* The same by no more than what flows keep for comparing, those that have kept it longest first. */
bool table_give_up(struct flow_table *t, const struct flow *keep, size_t need);
/* No packet of it came for so long. */
bool table_idle(const struct flow_table *t, const struct flow *f, uint64_t ms);

/* hash.c */
uint32_t hash_packet(const uint64_t key[2], const struct packet *p);
MUST_CHECK bool hash_random(void *buf, size_t len);

/* chunk.c */
/* No byte of data at seq differs from what is remembered, from what waits there. */
bool chunks_agree_old(const struct flow_stream *s, uint32_t seq, struct span data);
bool chunks_agree_new(const struct flow_stream *s, uint32_t seq, struct span data);
/* Keeps those bytes that no waiting chunk has yet. False when out of memory: some may be kept. */
bool chunks_wait(struct flow_table *t, struct flow_stream *s, uint32_t seq, struct span data);
/* Appends data, which begins at s->next, to the remembered bytes. False when out of memory. */
bool chunks_remember(struct flow_table *t, struct flow_stream *s, struct span data);
/* The first waiting chunk joins the remembered ones, or is freed. */
void chunks_take_waiting(struct flow_table *t, struct flow_stream *s, bool remember);
/* Forgets what the receiver has acknowledged; trims what waits below s->next. */
void chunks_forget(struct flow_table *t, struct flow_stream *s);
void chunks_trim(struct flow_table *t, struct flow_stream *s);
void chunks_free(struct flow_table *t, struct flow_stream *s);
/* Frees remembered chunks that end by `upto`, as long as the remembered ones take more than `most`. */
void chunks_give_up(struct flow_table *t, struct flow_stream *s, uint32_t upto, size_t most, struct flow *f);
/* Remembered chunks take no more than they hold. */
void chunks_shrink(struct flow_table *t, struct flow_stream *s);
/* How much the chunks for len bytes take at most. */
size_t chunk_cost(size_t len);
/* The end of the furthest byte that passed. */
uint32_t chunks_end(const struct flow_stream *s);

/* state.c */
/* SYN, ACK and RST; what is not FLOW_FINE is dropped. */
enum flow_reason state_syn(struct segment *g);
void state_ack(struct segment *g);
/* An ACK of bytes that never came by here, though bytes behind them, or none, did. */
bool state_acks_unseen(const struct segment *g);
/*
 * Whether a receiver takes bytes that come with this ACK (RFC 9293 3.10.7.4,
 * RFC 5961 5): none of what was never sent, and not further back than a window.
 * Some receivers let an old one by; dropped, it is the same for all.
 */
bool state_ack_acceptable(const struct segment *g);
enum flow_reason state_reset(struct segment *g);
/* A SYN-ACK that takes up a SYN which came when the flow stood already. */
bool state_begins_anew(const struct segment *g);
void state_fin(struct flow *f, enum flow_dir dir);
/* What is left of the states for a flow whose bytes are not followed. */
void state_blind(struct segment *g);

/* quiet.c: flows whose server's bytes are not seen */
/* The packet is the server's in a quiet flow: its numbers are all that counts. */
static inline bool is_unseen_side(const struct segment *g)
{
    return g->f->quiet && g->r->dir == TO_CLIENT;
}
/* The client's ACK tells where the server's stream stands; and what of the client's need not be kept. */
void quiet_ack(struct segment *g);
/* The server's own ACK: what it lacks is kept on. */
void quiet_server_ack(struct segment *g);
enum flow_reason quiet_segment(struct segment *g);
/* A RST that is not exact as far as numbers are known. */
enum flow_reason quiet_reset(struct segment *g);
/* Room for the client's bytes, by what the server has answered. */
void quiet_room(struct flow_table *t, struct flow *f);
/* The client's stream has moved on: old numbers must not come round again. */
void quiet_advance(struct flow_table *t, struct flow *f);
/* Idle: what it keeps takes no more than it must. */
void quiet_rest(struct flow_table *t, struct flow *f);
/* Where the window's edge was not seen lately, no real client is dropped on account of an old one. */
uint32_t quiet_edge(const struct segment *g);
/* A copy of bytes that were given up without having been acknowledged. */
bool quiet_forgot(const struct segment *g);
/* One byte before what comes next, which differs or cannot be compared (RFC 9293 3.8.4: it may be garbage). */
bool quiet_probe(const struct segment *g);

/* state.c */
/* The connection is over by this RST. */
void state_close_by_reset(struct segment *g);

/* stream.c */
/* Whether the bytes lie where the receiver takes them. */
bool stream_in_window(const struct segment *g);
/* Places the packet's bytes: to be handed out, kept for later, or refused. */
enum flow_reason stream_segment(struct segment *g);

#endif
