/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MAIN_STORE_H
#define SLUICE_MAIN_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"

/*
 * The queues' sockets in systemd's file-descriptor store, where they outlive
 * this process: a socket that is open is a queue in which packets wait. Each
 * lies there once, as "queue7". Main thread.
 */

/*
 * What an earlier process left there. Returns how many, with *ret to free;
 * what is no queue's is closed and taken out of the store.
 */
size_t store_take(struct kept_queue **ret);

/* Puts the engine's queues in, those of `kept` that it did not take out. Says whether there is a store at all. */
bool store_put(const struct engine *e, const struct kept_queue *kept, size_t n);

/* Takes them out of the store: nobody will come for them. */
void store_clear(const struct kept_queue *kept, size_t n);

#endif
