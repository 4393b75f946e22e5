/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_OBSERVE_STATS_H
#define SLUICE_OBSERVE_STATS_H

#include <stddef.h>
#include <stdint.h>
#include <yajl/yajl_gen.h>

#include "observe/counters.h"

/* A moment's figures of one queue. */
struct queue_stats {
    uint16_t number;
    uint32_t waiting;        /* in the kernel */
    uint64_t kernel_dropped; /* the queue was full */
    uint64_t user_dropped;   /* the socket was full */
    uint64_t at[COUNTERS];
};

struct rule_stats {
    uint64_t id, matches;
    const char *name; /* of name_len bytes */
    size_t name_len;
    const char *action, *file;
    int line;
};

/* A figure of what the kernel does by itself: "offloaded", "detect_smurf", … */
struct kernel_stat {
    char name[32];
    uint64_t value;
};

/* A moment's figures of all; the arrays belong to whoever filled it. */
struct stats {
    uint64_t uptime;   /* seconds */
    uint64_t diverted; /* packets that the queue rule has seen */
    uint64_t bypassed; /* of those, let by without inspection (fail-open) */
    uint64_t reloads, reloads_refused;
    uint64_t events_written, events_dropped;
    struct queue_stats *queues;
    size_t n_queues;
    struct rule_stats *rules;
    size_t n_rules;
    const struct kernel_stat *kernel;
    size_t n_kernel;
};

/* Writes the members of a stats object: Suricata's names where it has one, the rest below "sluice". */
void stats_write(yajl_gen g, const struct stats *s);

/* An EVE event of type stats as a line of JSON, which the caller frees; NULL when out of memory. */
char *stats_event(const struct stats *s);

#endif
