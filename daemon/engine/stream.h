/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_STREAM_H
#define SLUICE_ENGINE_STREAM_H

#include "divert/marks.h"
#include "engine/worker.h"

/* What a TCP packet's bytes, and those that it completes, lead to. */
enum stream_fate {
    STREAM_PASS,
    STREAM_DROP,  /* this packet only; the flow goes on */
    STREAM_BLOCK, /* stopped by a rule or a policy: the flow is condemned */
};

/* With it what the kernel is to do with the rest of the connection: MARK_CODE_NONE, or a code of a flow's kind. */
struct stream_verdict {
    enum stream_fate fate;
    enum mark_code code;
};

/*
 * Follows the packet's connection and judges the bytes that are in order now.
 * judge: false where an accept rule has let the packet by: what it completes
 * is read, and no rule is asked. In mode monitor all passes, and the fate says
 * what would have been. The worker's thread.
 */
struct stream_verdict stream_packet(struct worker *w, const struct packet *p, bool judge);

/* A rule of the packets themselves refuses a packet: its flow, where it is followed, ends with it. False without one.
 */
bool stream_refuse(struct worker *w, const struct packet *p, const struct decision *d);

/* A rule of the packets themselves lets the packet's flow leave the queue: it is followed no more. */
void stream_offload(struct worker *w, const struct packet *p);

/* The worker's flow table. Returns 0 or -ENOMEM. */
MUST_CHECK int stream_open(struct worker *w, const struct generation *g);
void stream_close(struct worker *w);
/* The worker has switched to another generation. */
void stream_adopt(struct worker *w);
/* Time-outs and counters; once a batch. */
void stream_turn(struct worker *w);

#endif
