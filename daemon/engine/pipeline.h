/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_PIPELINE_H
#define SLUICE_ENGINE_PIPELINE_H

#include "engine/worker.h"

/* A packet's fate: exactly one of these is paid for each. */
struct fate {
    enum queue_verdict verdict;
    bool set_mark;
    uint32_t mark;
};

/* Decides one packet; counts and reports it. The worker's thread. */
struct fate pipeline_decide(struct worker *w, const struct queue_packet *qp);

/* The packet as events describe it, for one that is not decided here. */
void pipeline_describe(struct worker *w, const struct queue_packet *qp, struct packet *ret);

/* One packet's way, from the queue to its one verdict. The worker's thread. */
void pipeline_run(struct worker *w, const struct queue_packet *qp);

#endif
