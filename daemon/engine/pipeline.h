/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_PIPELINE_H
#define SLUICE_ENGINE_PIPELINE_H

#include "engine/worker.h"

/* One packet's way, from the queue to its one verdict. The worker's thread. */
void pipeline_run(struct worker *w, const struct queue_packet *qp);

#endif
