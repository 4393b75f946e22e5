/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_ENGINE_H
#define SLUICE_ENGINE_ENGINE_H

#include <stdbool.h>

#include "config/config.h"
#include "inspect/ruleset.h"
#include "observe/stats.h"

/*
 * The queues, their workers, the table and the generation in force. All
 * functions belong to the main thread; they log what they do.
 */
struct engine;

/*
 * Loads the file, opens the queues, starts the workers, installs the table, in
 * this order: packets come only when someone answers. NULL when anything
 * fails, with the errors in d; nothing is left behind then.
 */
MUST_CHECK struct engine *engine_start(const char *file, struct diag *d);

/*
 * Loads the file again and puts it in force: the table in one transaction,
 * then the rules by one pointer for each worker. Returns 0, or -EINVAL with
 * the errors in d and everything as it was.
 */
MUST_CHECK int engine_reload(struct engine *e, struct diag *d);

/* Stops as on_stop says: no packet that waits is lost. Frees the engine. Accepts NULL. */
void engine_stop(struct engine *e);

/* Once a second: what fail-open let by, stats events. */
void engine_tick(struct engine *e);

/* Whether each worker has made progress since the last call; -errno when one has ended. */
int engine_progress(struct engine *e);

const struct config *engine_config(const struct engine *e);

/* What was found at start, in words. */
const char *engine_said(const struct engine *e);
uint64_t engine_generation(const struct engine *e);

/* Fills ret; its arrays are valid until the next call. Returns 0 or -ENOMEM. */
MUST_CHECK int engine_stats(struct engine *e, struct stats *ret);

const struct ruleset *engine_rules(const struct engine *e);

#endif
