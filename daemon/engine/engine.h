/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_ENGINE_H
#define SLUICE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdio.h>

#include "config/config.h"
#include "divert/bans.h"
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

/* The socket of a queue that an earlier process left to this one. */
struct kept_queue {
    uint16_t number;
    int fd;
    bool taken; /* set by engine_resume: the queue goes on with this socket */
};

/*
 * The same, going on with those queues of an earlier process that fit; the
 * others are given up once the table leads elsewhere. All are given up when
 * anything fails, so that on_crash holds at once. Takes the sockets.
 */
MUST_CHECK struct engine *engine_resume(const char *file, struct kept_queue *kept, size_t n, struct diag *d);

/*
 * Loads the file again and puts it in force: the table in one transaction,
 * then the rules by one pointer for each worker. Returns 0, or -EINVAL with
 * the errors in d and everything as it was.
 */
MUST_CHECK int engine_reload(struct engine *e, struct diag *d);

/* Stops as on_stop says: no packet that waits is lost. Frees the engine. Accepts NULL. */
void engine_stop(struct engine *e);

/*
 * Hands over to a process that will go on with the queues' sockets, which
 * somebody else must hold (engine_queue_fd): what was received is decided, the
 * table and what waits stay. Frees the engine.
 */
void engine_leave(struct engine *e);

/* The socket of the i-th queue and the queue's number; -1 past the last. */
int engine_queue_fd(const struct engine *e, size_t i, uint16_t *number);

/* Once a second: what fail-open let by, stats events. */
void engine_tick(struct engine *e);

/* To be polled for reading; then engine_serve: workers ask for bans. */
int engine_fd(const struct engine *e);
void engine_serve(struct engine *e);

/* Likewise, -1 where there is none: what the kernel tells of packets that it judges alone becomes events. */
int engine_log_fd(const struct engine *e);
void engine_read_log(struct engine *e);

/* Writes the table in force in nft's language, with the reason of each line. Returns 0 or a negative errno. */
MUST_CHECK int engine_show(const struct engine *e, FILE *out);

/* Bans an address (with bans.prefix6 its network) for so many seconds, 0: the default. 0, or -EINVAL with the reason.
 */
MUST_CHECK int engine_ban(struct engine *e, const struct ip_addr *addr, uint32_t seconds, char *why, size_t why_size);
/* Lifts the bans inside the network; NULL: all. Returns 0 or a negative errno with the reason. */
MUST_CHECK int engine_unban(struct engine *e, const struct ip_net *net, size_t *lifted, char *why, size_t why_size);
struct bans *engine_bans(const struct engine *e);

/* Whether each worker has made progress since the last call; -errno when one has ended. */
int engine_progress(struct engine *e);

const struct config *engine_config(const struct engine *e);

/* What was found at start, in words. */
const char *engine_said(const struct engine *e);
uint64_t engine_generation(const struct engine *e);

/* Fills ret; its arrays are valid until the next call. Returns 0 or -ENOMEM. */
MUST_CHECK int engine_stats(struct engine *e, struct stats *ret);

/* How many rules are in force, SecLang's with them. */
size_t engine_rules(const struct engine *e);

#endif
