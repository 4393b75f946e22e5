/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_PLAN_H
#define SLUICE_ENGINE_PLAN_H

#include <stdio.h>

#include "divert/divert.h"
#include "engine/generation.h"

/*
 * Works out what of the services some rule, parser or detector of the
 * generation needs to see, what the kernel can judge alone, and which
 * responses may pass by: fills g->plan, quiet_ports and kept_ports, once. `d`
 * tells what the table can say. Main thread. Returns 0 or -ENOMEM.
 */
MUST_CHECK int plan_make(struct generation *g, const struct divert *d);

/* What the table does not tell: of which ports connections become quiet, as a comment in nft's language. */
void plan_show_quiet(const struct generation *g, FILE *out);

#endif
