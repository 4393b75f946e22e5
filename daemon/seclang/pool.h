/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_POOL_H
#define SLUICE_SECLANG_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/span.h"

/*
 * A transaction's memory: handed out piece by piece, given back all at once,
 * and its newest chunk kept for the next transaction. Zeroed is empty.
 */
struct pool {
    struct pool_chunk *head; /* the newest */
    size_t used;             /* of the newest */
    size_t total;            /* of all chunks */
    size_t most;             /* total at most */
};

#define POOL_FIRST ((size_t)4 * 1024) /* most transactions need no more, and many may wait for their responses */
#define POOL_CHUNK ((size_t)16 * 1024)

struct pool_chunk {
    struct pool_chunk *next;
    size_t size;
    uint64_t data[];
};

static inline void *pool_more(struct pool *p, size_t n)
{
    size_t usual = p->head ? POOL_CHUNK : POOL_FIRST, size = n > usual ? n : usual;
    if (p->total + size > p->most)
        return NULL;
    struct pool_chunk *c = malloc(sizeof *c + size);
    if (!c)
        return NULL;
    c->next = p->head;
    c->size = size;
    p->head = c;
    p->total += size;
    p->used = n;
    return c->data;
}

/* n bytes, aligned to 8, not zeroed; NULL when out of memory or over the most. */
MUST_CHECK static inline void *pool_alloc(struct pool *p, size_t n)
{
    n = (n + 7) & ~(size_t)7;
    if (!p->head || p->head->size - p->used < n)
        return pool_more(p, n);
    void *at = (uint8_t *)p->head->data + p->used;
    p->used += n;
    return at;
}

/* A copy of the bytes; false where there is no room. */
MUST_CHECK static inline bool pool_copy(struct pool *p, struct span s, struct span *ret)
{
    uint8_t *to = pool_alloc(p, s.len);
    if (!to)
        return false;
    if (s.len)
        memcpy(to, s.data, s.len);
    *ret = span_of(to, s.len);
    return true;
}

/* Gives all back; keeps a chunk of the usual size. */
static inline void pool_reset(struct pool *p)
{
    struct pool_chunk *keep = p->head && p->head->size <= POOL_CHUNK ? p->head : NULL;
    for (struct pool_chunk *c = keep ? keep->next : p->head, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    if (keep)
        keep->next = NULL;
    p->head = keep;
    p->total = keep ? keep->size : 0;
    p->used = 0;
}

static inline void pool_free(struct pool *p)
{
    pool_reset(p);
    free(p->head);
    *p = (struct pool){.most = p->most};
}

#endif
