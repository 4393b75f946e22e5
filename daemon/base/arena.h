/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_BASE_ARENA_H
#define SLUICE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* Memory that is given back all at once; addresses stay. Zeroed is empty. */
struct arena {
    struct arena_chunk *head;
    struct arena_chunk *spare; /* chunks that arena_reset kept */
    size_t used, size;         /* of the newest chunk */
    size_t total;              /* of all chunks */
};

/* n zeroed bytes, aligned to 8; NULL when out of memory. */
MUST_CHECK void *arena_alloc(struct arena *a, size_t n);
/* A copy of n bytes with a NUL behind them. */
MUST_CHECK char *arena_copy(struct arena *a, const void *data, size_t n);
void arena_free(struct arena *a);
/* All is given back, but for chunks of up to `keep` bytes together that serve again. */
void arena_reset(struct arena *a, size_t keep);
/* Bytes that it takes from the heap. */
size_t arena_size(const struct arena *a);

/*
 * Makes room for `more` elements of `size` bytes behind the first n of *v (a
 * pointer to them), growing by halves. False when out of memory; *v is kept.
 */
MUST_CHECK bool vec_room(void *v, size_t n, size_t more, size_t *cap, size_t size);
/* Gives back what lies behind the first n. */
void vec_trim(void *v, size_t n, size_t *cap, size_t size);

#endif
