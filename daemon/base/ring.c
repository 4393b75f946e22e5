/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/ring.h"

#include <stdatomic.h>

struct ring {
    size_t mask, slot_size;
    uint8_t *slots;
    /* A cache line each: the two threads write one each. */
    _Alignas(64) atomic_size_t head; /* next to fill; the producer's */
    _Alignas(64) atomic_size_t tail; /* next to read; the consumer's */
};

struct ring *ring_new(size_t slots, size_t slot_size)
{
    size_t n = 2;
    while (n < slots)
        n *= 2;
    struct ring *r = aligned_alloc(64, sizeof *r);
    if (!r)
        return NULL;
    *r = (struct ring){.mask = n - 1, .slot_size = slot_size, .slots = calloc(n, slot_size)};
    if (!r->slots) {
        free(r);
        return NULL;
    }
    return r;
}

void ring_free(struct ring *r)
{
    if (!r)
        return;
    free(r->slots);
    free(r);
}

void *ring_slot(struct ring *r)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    if (head - atomic_load_explicit(&r->tail, memory_order_acquire) > r->mask)
        return NULL;
    return r->slots + (head & r->mask) * r->slot_size;
}

void ring_push(struct ring *r)
{
    atomic_fetch_add_explicit(&r->head, 1, memory_order_release);
}

const void *ring_peek(struct ring *r)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
        return NULL;
    return r->slots + (tail & r->mask) * r->slot_size;
}

void ring_pop(struct ring *r)
{
    atomic_fetch_add_explicit(&r->tail, 1, memory_order_release);
}
