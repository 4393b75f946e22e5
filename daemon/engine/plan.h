/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_PLAN_H
#define SLUICE_ENGINE_PLAN_H

#include "divert/divert.h"
#include "engine/generation.h"

/*
 * Works out what of the services some rule, parser or detector of the
 * generation needs to see, what the kernel can judge alone, and which
 * responses may pass by: fills g->plan, quiet_ports and kept_ports, once. `d`
 * tells what the table can say. Main thread. Returns 0 or -ENOMEM.
 */
MUST_CHECK int plan_make(struct generation *g, const struct divert *d);

#endif
