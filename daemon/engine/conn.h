/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_CONN_H
#define SLUICE_ENGINE_CONN_H

#include "detect/slow.h"
#include "engine/worker.h"

#define CONN_FIRED_MAX 6

/* What a followed connection carries above TCP. A worker's own. */
struct conn {
    struct flow *flow;
    struct http *http; /* NULL: no HTTP port, or opaque both ways */
    uint8_t *tail[2];  /* the newest bytes of each direction, for stream rules; NULL where there are none */
    uint32_t tail_len[2];
    uint64_t generation;            /* that the options below were taken from */
    uint64_t marked;                /* under which the kernel was told that the responses pass by; 0: not */
    uint32_t window;                /* room in a tail */
    uint32_t fired[CONN_FIRED_MAX]; /* indexes + 1 of the stream rules that were reported */
    struct counted counted;         /* by limits of stream rules */
    size_t trials_memory;           /* that its transactions' trials take: see trial.h */
    bool opaque[2];                 /* no HTTP any more */
    bool skipping[2];               /* in a body of which parts are skipped */
    bool accepted;                  /* a stream rule has accepted the connection */
    bool told_slow;                 /* a detector's event was written */
    bool paced;                     /* in the worker's list: see pace.h */
    struct conn *pace_before, *pace_next;
    struct slow slow;
    bool offloaded; /* the kernel was asked to carry it by itself, under `generation` */
};

/* NULL when out of memory. */
MUST_CHECK struct conn *conn_new(const struct generation *g, struct flow *f);
void conn_free(struct conn *c);
/* Brings it up to the generation in force; false where it was. */
bool conn_adopt(struct conn *c, const struct generation *g);
size_t conn_memory(const struct conn *c);

/* Whether the rule has not been reported of this connection yet; notes it. */
bool conn_fires(struct conn *c, const struct rule *r);

/* Keeps the last bytes of a direction. False when out of memory. */
MUST_CHECK bool conn_keep_tail(struct conn *c, enum flow_dir dir, struct span s);

#endif
