/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_TOLD_H
#define SLUICE_ENGINE_TOLD_H

#include "engine/worker.h"
#include "queue/nflog.h"

/*
 * The event of a packet that the kernel judged alone and told of by NFLOG. `w`
 * is the main thread's: it has a generation, the events and a ring of its own
 * there, and no queue.
 */
void told_packet(struct worker *w, const struct nflog_packet *np);

#endif
