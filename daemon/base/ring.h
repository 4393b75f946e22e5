/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_BASE_RING_H
#define SLUICE_BASE_RING_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/*
 * A bounded ring of fixed-size slots between one producer thread and one
 * consumer thread; no locks, never blocks.
 */
struct ring;

/* A ring of at least `slots` slots of `slot_size` bytes; NULL when out of memory. */
MUST_CHECK struct ring *ring_new(size_t slots, size_t slot_size);
void ring_free(struct ring *r);

/* Producer: the slot to fill, or NULL when the ring is full. ring_push makes it visible. */
void *ring_slot(struct ring *r);
void ring_push(struct ring *r);

/* Consumer: the oldest filled slot, or NULL. ring_pop gives it back. */
const void *ring_peek(struct ring *r);
void ring_pop(struct ring *r);

#endif
