/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_OBSERVE_COUNTERS_H
#define SLUICE_OBSERVE_COUNTERS_H

#include <stdatomic.h>
#include <stdint.h>

/* What each worker counts. Verdicts add up to COUNT_RECEIVED; reasons tell why. */
enum counter {
    COUNT_RECEIVED,
    COUNT_BYTES,
    /* verdicts */
    COUNT_ACCEPTED,
    COUNT_DROPPED,
    COUNT_REJECTED, /* refused with an answer, ours or the kernel's */
    COUNT_BLOCKED,  /* by a block rule */
    COUNT_REPEATED, /* by a repeat rule */
    COUNT_RETRIED,  /* sent back once because it came up cut short */
    /* reasons */
    COUNT_BY_RULE,     /* a rule decided */
    COUNT_NO_RULE,     /* none did: accepted */
    COUNT_NOT_GUARDED, /* neither of its ports is configured: accepted */
    COUNT_UNDECIDED,   /* a limit was reached: on_memory */
    COUNT_CUT_SHORT,   /* came up cut short twice: on_overload */
    COUNT_MONITORED,   /* would have been stopped, in mode monitor */
    COUNT_ANOMALOUS,   /* packets with at least one anomaly */
    COUNT_DETECTED,    /* stopped by a detector */
    COUNT_OFFLOADED,   /* connections that left the queue */
    COUNT_BANS,        /* asked for */
    COUNT_BANS_LOST,   /* of those: too many at once */
    /* connections and their streams */
    COUNT_FLOWS,       /* in the table now */
    COUNT_FLOWS_BEGUN, /* since the start */
    COUNT_FLOWS_ENDED,
    COUNT_FLOWS_EVICTED,     /* of those that ended: to make room */
    COUNT_FLOWS_MIDSTREAM,   /* of those that began: picked up without their beginning */
    COUNT_STREAM_BYTES,      /* memory that they take now */
    COUNT_STREAM_DROPPED,    /* packets that the stream's state dropped, for whatever reason */
    COUNT_STREAM_DIFFERS,    /* of those: other bytes than the first copy's */
    COUNT_STREAM_OUTSIDE,    /* of those: outside the window */
    COUNT_STREAM_NO_MEMORY,  /* of those: a limit left no room */
    COUNT_CONDEMNED,         /* connections */
    COUNT_CONDEMNED_PACKETS, /* dropped because their connection is condemned */
    /* HTTP */
    COUNT_REQUESTS,
    COUNT_RESPONSES,
    COUNT_HTTP_ANOMALOUS, /* requests with at least one anomaly of HTTP */
    COUNT_PAGES,          /* block pages sent */
    COUNT_RESETS,         /* resets sent to ends of condemned connections */
    /* the queue */
    COUNT_BATCHES,
    COUNT_OVERRUNS, /* ENOBUFS */
    COUNT_MALFORMED,
    COUNT_ERRORS,
    COUNT_SEND_RETRIES,
    /* answers and events */
    COUNT_ANSWERS,
    COUNT_ANSWERS_WITHHELD, /* over the rate, or none is due */
    COUNT_EVENTS,
    COUNT_ALERTS,      /* alert events, also those that found no room */
    COUNT_EVENTS_LOST, /* the ring was full */
    COUNTERS
};

/* The name of a counter in events and in sluicectl's answers. */
const char *counter_name(enum counter c);

/* One thread writes, any reads; a reader sees each counter whole. */
struct counters {
    _Atomic uint64_t at[COUNTERS];
};

static inline void count_add(struct counters *c, enum counter which, uint64_t n)
{
    uint64_t v = atomic_load_explicit(&c->at[which], memory_order_relaxed);
    atomic_store_explicit(&c->at[which], v + n, memory_order_relaxed);
}

static inline void count_set(struct counters *c, enum counter which, uint64_t n)
{
    atomic_store_explicit(&c->at[which], n, memory_order_relaxed);
}

static inline uint64_t count_get(const struct counters *c, enum counter which)
{
    return atomic_load_explicit(&c->at[which], memory_order_relaxed);
}

#endif
