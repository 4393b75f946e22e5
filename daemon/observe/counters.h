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
