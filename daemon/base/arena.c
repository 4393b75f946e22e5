/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Small at first: there is one arena a transaction. */
#define CHUNK_FIRST ((size_t)2 * 1024)
#define CHUNK_MAX ((size_t)16 * 1024)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    uint64_t data[];
};

static size_t chunk_size(const struct arena *a, size_t n)
{
    size_t size = a->head ? a->size * 2 : CHUNK_FIRST;
    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    return n > size ? n : size;
}

static struct arena_chunk *take_spare(struct arena *a, size_t n)
{
    for (struct arena_chunk **at = &a->spare; *at; at = &(*at)->next) {
        struct arena_chunk *c = *at;
        if (c->size < n)
            continue;
        *at = c->next;
        return c;
    }
    return NULL;
}

static struct arena_chunk *new_chunk(struct arena *a, size_t n)
{
    size_t size = chunk_size(a, n);
    struct arena_chunk *c = size > SIZE_MAX - sizeof *c ? NULL : malloc(sizeof *c + size);
    if (!c)
        return NULL;
    c->size = size;
    a->total += sizeof *c + size;
    return c;
}

static bool add_chunk(struct arena *a, size_t n)
{
    struct arena_chunk *c = take_spare(a, n);
    if (!c)
        c = new_chunk(a, n);
    if (!c)
        return false;
    c->next = a->head;
    a->head = c;
    a->used = 0;
    a->size = c->size;
    return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX - 7)
        return NULL;
    n = (n + 7) & ~(size_t)7;
    if ((!a->head || a->size - a->used < n) && !add_chunk(a, n))
        return NULL;
    void *p = (uint8_t *)a->head->data + a->used;
    a->used += n;
    return memset(p, 0, n);
}

char *arena_copy(struct arena *a, const void *data, size_t n)
{
    char *p = n == SIZE_MAX ? NULL : arena_alloc(a, n + 1);
    if (p && n)
        memcpy(p, data, n);
    return p;
}

static void free_chunks(struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *next = c->next;
        free(c);
        c = next;
    }
}

void arena_free(struct arena *a)
{
    free_chunks(a->head);
    free_chunks(a->spare);
    *a = (struct arena){0};
}

/* Behind *tail, but for those that would go beyond `keep`. */
static struct arena_chunk **keep_chunks(struct arena *a, struct arena_chunk *c, struct arena_chunk **tail, size_t keep)
{
    for (struct arena_chunk *next; c; c = next) {
        next = c->next;
        if (sizeof *c + c->size > keep - a->total) {
            free(c);
            continue;
        }
        a->total += sizeof *c + c->size;
        c->next = NULL;
        *tail = c;
        tail = &c->next;
    }
    return tail;
}

void arena_reset(struct arena *a, size_t keep)
{
    struct arena old = *a;
    *a = (struct arena){0};
    struct arena_chunk **tail = keep_chunks(a, old.head, &a->spare, keep);
    keep_chunks(a, old.spare, tail, keep);
}

size_t arena_size(const struct arena *a)
{
    return a->total;
}

static bool resize(void *v, size_t *cap, size_t want, size_t size)
{
    void *old, *p;
    memcpy(&old, v, sizeof old);
    p = realloc(old, want * size);
    if (!p)
        return false;
    memcpy(v, &p, sizeof p);
    *cap = want;
    return true;
}

bool vec_room(void *v, size_t n, size_t more, size_t *cap, size_t size)
{
    if (*cap - n >= more)
        return true;
    size_t want = *cap + *cap / 2 + 16;
    return resize(v, cap, want - n >= more ? want : n + more, size);
}

void vec_trim(void *v, size_t n, size_t *cap, size_t size)
{
    if (n && n < *cap)
        (void)resize(v, cap, n, size);
}
