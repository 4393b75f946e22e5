/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_REPORT_H
#define SLUICE_ENGINE_REPORT_H

#include "engine/worker.h"

/* Events of a decision: an alert for each matched rule that wants one, a drop where the packet is stopped. */
void report_decision(struct worker *w, const struct packet *p, const struct decision *d);

/* The event of a packet that is dropped for another reason than a rule. */
void report_drop(struct worker *w, const struct packet *p, const char *reason);

#endif
