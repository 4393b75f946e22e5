/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_WORKER_H
#define SLUICE_ENGINE_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "answer/answer.h"
#include "base/ring.h"
#include "divert/divert.h"
#include "engine/generation.h"
#include "engine/ifaces.h"
#include "flow/flow.h"
#include "observe/counters.h"
#include "observe/events.h"
#include "queue/queue.h"

#define WORKER_PENDING_MAX 512

struct pending;
struct conn;
struct trial;

/* A ban that was asked for lately. */
struct ban_asked {
    uint64_t digest, at_ms;
};

/*
 * One queue and the thread that owns it. What the thread alone touches stands
 * apart from what others read.
 */
struct worker {
    _Alignas(64) size_t index; /* from 0; workers share no cache line */
    const struct divert *divert;
    struct events *events; /* NULL: none are written */
    struct answer_sockets answers;

    /* the thread's own */
    struct queue *queue;
    const struct generation *gen;
    struct ifaces ifaces_in, ifaces_out; /* apart, so that one packet's two never meet in a slot */
    uint64_t now_ms;                     /* at the batch's start */
    uint64_t capture_ns;                 /* replay: when the packet was captured; else 0 */
    uint64_t answers_second;
    uint32_t answers_sent;
    struct flow_table *flows;
    uint8_t *joined; /* room for a stream's window and what is new behind it */
    size_t joined_size;
    struct pending *pending[WORKER_PENDING_MAX]; /* answers that leave behind the batch's verdicts */
    size_t n_pending;
    struct conn *paced_first, *paced_last; /* connections that are timed: see pace.h */
    uint64_t paced_ms;
    struct trial *trials, *free_trials; /* of transactions under way; kept for the next ones */
    uint32_t n_free_trials;
    struct ban_asked ban_asked[64];
    struct ring *bans; /* to the main thread; NULL in a replay */
    int wake_fd;       /* wakes it */

    /* read by others */
    struct counters counters;
    _Atomic(const struct generation *) wanted; /* written by the main thread */
    _Atomic(const struct generation *) used;   /* what the thread has switched to */
    /* The plan's generation that the table stamps connections with, 0 while that is not sure. */
    _Atomic uint32_t stamped;
    _Atomic uint64_t turns; /* grows while the thread makes progress */
    _Atomic uint64_t idle;  /* queue_counters.idle */
    _Atomic int broken;     /* the errno that ended the thread */
    atomic_bool stop;
    pthread_t thread;
    bool started;
};

/* What a generation asks of a queue. */
void worker_queue_options(const struct generation *g, uint16_t number, struct queue_options *ret);

/* Whether a connection that leaves the queue now does so under the rules that judged it. The worker's thread. */
static inline bool worker_may_offload(const struct worker *w)
{
    return atomic_load_explicit(&w->stamped, memory_order_acquire) == w->gen->plan.generation &&
           w->gen->config->mode == MODE_ENFORCE;
}

/* Starts the thread. Returns 0 or a negative errno. */
MUST_CHECK int worker_start(struct worker *w, bool pin);

/* Makes an idle worker look at `wanted` and `stop` at once. */
void worker_wake(const struct worker *w);

#endif
