/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_FLOW_FLOW_H
#define SLUICE_FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "net/packet.h"

/*
 * TCP connections and their bytes in order, decided inline (RFC 9293, RFC
 * 5961). The first copy of a byte wins: a later copy that differs is dropped
 * until the receiver has acknowledged the byte, so a receiver never sees bytes
 * that were not handed out here. A table belongs to one thread.
 */
struct flow_table;
struct flow;

enum flow_dir { TO_SERVER, TO_CLIENT };

enum flow_state {
    FLOW_SYN_SENT,
    FLOW_SYN_RECEIVED,
    FLOW_ESTABLISHED,
    FLOW_CLOSING,   /* one end has sent FIN */
    FLOW_CLOSED,    /* both have, or a valid RST passed: only a new SYN may follow */
    FLOW_CONDEMNED, /* nothing passes any more but a new SYN */
    FLOW_STATES
};

struct flow_options {
    uint32_t flows;    /* entries at most */
    size_t memory;     /* bytes that all flows' streams (and what flow_charge adds) may take */
    uint32_t per_flow; /* bytes that one direction of one flow may keep */
    bool midstream;    /* flows whose beginning was not seen are picked up; else refused */
    bool open;         /* at a limit: pass uninspected; else drop */
    bool urgent_ok;    /* segments with URG pass, their bytes in line; else they are dropped */
    uint32_t timeout_s[FLOW_STATES];
    /* Which of the two ends of a midstream packet is the server: true where this port is one. May be NULL. */
    bool (*is_service)(const void *ctx, uint16_t port);
    /* A flow leaves the table: give back its app. */
    void (*gone)(void *ctx, struct flow *f);
    void *ctx;
};

/* Where an end's packets come from: what an answer needs. */
struct flow_link {
    uint32_t ifindex; /* of in_dev; 0: unknown */
    uint16_t vlan_tci;
    bool has_vlan, has_mac;
    uint8_t mac[6]; /* source of the packets in this direction */
};

/* One direction's stream; private to flow/ but for `next` and `acked`. */
struct flow_stream {
    /* Kept bytes by sequence number, and the last chunk of each list: remembered before `next`, waiting behind it. */
    struct flow_chunk *remembered, *newest, *waiting, *furthest;
    uint32_t kept;  /* bytes that the chunks take */
    uint32_t held;  /* those of the waiting ones */
    uint32_t isn;   /* valid where has_isn */
    uint32_t next;  /* the first byte not handed out yet; behind FIN once fin_done; valid where has_next */
    uint32_t acked; /* the receiver's highest ACK; valid where has_acked */
    uint32_t edge;  /* the right edge of the receiver's window, the furthest seen */
    uint32_t fin;   /* the sequence number of FIN, where has_fin */
    uint8_t wscale; /* of the windows that this direction's *sender* advertises */
    bool has_isn : 1, has_next : 1, has_acked : 1, has_edge : 1, has_fin : 1, has_wscale : 1, fin_done : 1;
    bool unsure : 1; /* SYNs with several numbers passed: the other end's ACK tells which one holds */
};

struct flow {
    /* private: first what a look-up reads */
    struct flow *hash_next;
    uint32_t hash;
    /* for all to read */
    uint16_t port[2]; /* [0] client, [1] server */
    struct ip_addr addr[2];
    uint8_t state;  /* enum flow_state */
    bool midstream; /* its beginning was not seen */
    bool blind;     /* a limit was reached with `open`: its bytes are not followed any more */
    bool quiet;     /* the server's bytes pass by unseen: flow_set_quiet */
    /* private up to id */
    uint8_t listed, resyn_dir, resyn_wscale, doubts;
    uint16_t mark_time;
    bool has_resyn : 1, resyn_scaled : 1, was_reset : 1;
    bool maybe_reset : 1; /* by a RST whose number nobody here can judge */
    bool has_mark : 1, has_forgot : 1, resting : 1;
    bool tampered : 1;  /* a segment was refused for its bytes: in mode monitor it went on all the same */
    bool one_armed : 1; /* the client's packets leave by the interface that they came in by */
    uint64_t id;        /* counted from a random base, at most 53 bits; never 0 */
    struct flow_stream stream[2];
    struct flow_link link[2]; /* [TO_SERVER]: as the client's packets come in */
    uint64_t seen_ms;         /* the last packet, within a tenth of a second */
    void *app;                /* the owner's: see flow_options.gone */
    uint32_t charged;         /* bytes charged for app */
    /* private from here on */
    union {
        uint32_t doubtful; /* an ACK of what was never seen, repeated `doubts` times */
        uint32_t mark;     /* quiet, has_mark: where the client's stream stood a while ago, when the server answered */
    };
    struct flow *older, *newer;
    uint32_t resyn;      /* the number of a SYN that came later, where has_resyn */
    uint32_t quiet_from; /* where the server's stream stood when the flow turned quiet */
    uint32_t answered;   /* quiet: where the client's stream stood when the server answered last */
    uint32_t forgot; /* has_forgot: bytes to the server before it that are neither kept nor acknowledged do not pass */
};

/* Why a segment must not go on, or is not followed. */
enum flow_reason {
    FLOW_FINE,
    FLOW_NOT_TRACKED, /* not TCP, no room and `open`, or no flow and no bytes to begin one with */
    FLOW_BAD,         /* checksum, length or flags: no receiver takes it */
    FLOW_FRAGMENT,    /* a TCP fragment: its bytes cannot be placed */
    FLOW_OUTSIDE,     /* sequence number outside the window, or behind FIN */
    FLOW_DIFFERS,     /* other bytes than the first copy had */
    FLOW_BAD_RESET,   /* RST or SYN that the receiver would not take as such */
    FLOW_MIDSTREAM,   /* no flow, no SYN, and midstream flows are refused */
    FLOW_AFTER_CLOSE, /* the flow is closed */
    FLOW_WAS_CONDEMNED,
    FLOW_NO_MEMORY, /* a limit of the table */
    FLOW_BAD_ACK,   /* bytes that acknowledge what was never sent, or long ago: receivers differ */
    FLOW_SPOOFED,   /* in one end's name by the interface behind which the other end is */
    FLOW_URGENT,    /* URG without urgent_ok: receivers differ in where the urgent byte goes */
    FLOW_REASONS
};

/* What became of one packet. */
struct flow_result {
    struct flow *flow; /* NULL where it is not tracked */
    enum flow_dir dir;
    enum flow_reason reason;
    bool drop;     /* the packet must not go on (mode enforce) */
    bool fresh;    /* the flow began with this packet */
    bool reset;    /* a valid RST: no bytes follow in either direction */
    bool answered; /* quiet: the client has got bytes of the server that it had not when it spoke last */
    bool probe;    /* dropped: a keep-alive probe with a byte that cannot be compared; one without would do */
    bool lost[2];  /* by direction: its bytes went on elsewhere, and the stream begins anew where the receiver stands */
    bool eof;      /* once flow_next has returned false: the direction's FIN was reached in order */
    uint32_t start; /* flow->stream[dir].next before this packet: where the receiver stands */
    /* private */
    struct span waiting;
    uint32_t waiting_seq;
    bool handed;
};

/* NULL when out of memory. Options are copied. */
MUST_CHECK struct flow_table *flow_table_new(const struct flow_options *opt);
/* Calls `gone` for every flow. Accepts NULL. */
void flow_table_free(struct flow_table *t);
/* New limits from now on (reload); what is over them goes as time passes. */
void flow_table_set(struct flow_table *t, const struct flow_options *opt);

/*
 * Follows one TCP packet, decoded with its checksum verified. now_ms: any
 * steady clock. Then hand out bytes:
 *
 *     struct span s;
 *     while (flow_next(t, &r, &s)) { ...; flow_done(t, &r, remember); }
 *
 * Spans are valid until flow_done, and p's bytes must stay until flow_next has
 * returned false. The loop ends there, or with flow_condemn or flow_blind: left
 * earlier, bytes would go on that are not remembered. No allocation but for
 * kept bytes. Without memory for a kept copy flow_done condemns the flow and
 * sets r->drop and r->reason, or with `open` blinds it.
 */
void flow_packet(struct flow_table *t, const struct packet *p, uint64_t now_ms, struct flow_result *ret);
/* The next bytes in order of r->flow's r->dir, those of this packet and then those that waited for it. */
bool flow_next(struct flow_table *t, struct flow_result *r, struct span *ret);
/*
 * The span was looked at. remember: keep a copy until the receiver has
 * acknowledged it, so that a differing copy is refused; without it nothing in
 * it was inspected, and later copies are not compared.
 */
void flow_done(struct flow_table *t, struct flow_result *r, bool remember);

/*
 * The first n bytes of a span that flow_next gave were looked at; the rest of
 * it is still handed out. False, and nothing done, where a span cannot be
 * parted: one that waited, or of no more than n bytes.
 */
bool flow_part(struct flow_table *t, struct flow_result *r, size_t n, bool remember);

/* From now on nothing of the flow passes; its streams' memory is given back. */
void flow_condemn(struct flow_table *t, struct flow *f);
/* Its bytes are followed no more: everything passes. */
void flow_blind(struct flow_table *t, struct flow *f);

/*
 * quiet: the server's bytes pass by unseen, and the client's bare ACKs. Those
 * that come up all the same are not handed out, and its stream is taken to
 * stand where the client's ACK says. Of the client's bytes the server's ACK is
 * seldom seen, so that they are kept for a while after the server has answered;
 * afterwards no copy of them passes. For a new flow call it before flow_next.
 * Not quiet any more: the server's bytes are followed from there on. Returns
 * how many went by unseen since it was quiet, modulo 2^32, by the client's
 * word: 0 says that the stream goes on, or begins, with its next byte.
 */
uint32_t flow_set_quiet(struct flow_table *t, struct flow *f, bool quiet);

/* The flow leaves the table, as if it had timed out. */
void flow_end(struct flow_table *t, struct flow *f);

/* The owner's bytes for f->app are now `bytes`. False where the table's memory is used up (they are charged all the
 * same). */
bool flow_charge(struct flow_table *t, struct flow *f, size_t bytes);

/* Ends what has timed out, at most `most` of them. Once a batch or second is enough. */
void flow_expire(struct flow_table *t, uint64_t now_ms, unsigned most);

struct flow_counts {
    uint64_t begun, ended, evicted, midstream;
    uint64_t blinded;               /* at a limit with `open` */
    uint64_t untracked;             /* packets that had no flow: no room and `open`, or nothing to begin one with */
    uint64_t dropped[FLOW_REASONS]; /* packets, by reason */
    size_t flows, memory;
    size_t by_state[FLOW_STATES];
};
const struct flow_counts *flow_counts(const struct flow_table *t);

/* "differs", "outside", … for events and counters. */
const char *flow_reason_name(enum flow_reason r);
const char *flow_state_name(enum flow_state s);

#endif
