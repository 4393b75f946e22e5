/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match/strtab.h"

#include <stdlib.h>

static uint64_t hash(const uint8_t *p, size_t len)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

/* The slot that holds the string, or the free one where it belongs. */
static uint32_t *slot_of(const struct strtab *t, const void *data, size_t len)
{
    size_t mask = t->n_slots - 1;
    for (size_t i = hash(data, len) & mask;; i = (i + 1) & mask) {
        uint32_t held = t->slots[i];
        if (!held)
            return &t->slots[i];
        struct span s = t->at[held - 1];
        if (s.len == len && (!len || memcmp(s.data, data, len) == 0))
            return &t->slots[i];
    }
}

static bool rehash(struct strtab *t)
{
    size_t n = t->n_slots ? t->n_slots * 2 : 64;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots)
        return false;
    free(t->slots);
    t->slots = slots;
    t->n_slots = n;
    for (size_t i = 0; i < t->n; i++)
        *slot_of(t, t->at[i].data, t->at[i].len) = (uint32_t)i + 1;
    return true;
}

long strtab_find(const struct strtab *t, const void *data, size_t len)
{
    return t->n_slots ? (long)*slot_of(t, data, len) - 1 : -1;
}

long strtab_add(struct strtab *t, const void *data, size_t len)
{
    if (t->n * 2 >= t->n_slots && !rehash(t))
        return -1;
    uint32_t *slot = slot_of(t, data, len);
    if (*slot)
        return (long)*slot - 1;
    if (!vec_room(&t->at, t->n, 1, &t->cap, sizeof *t->at))
        return -1;
    char *copy = arena_copy(&t->arena, data, len);
    if (!copy)
        return -1;
    t->at[t->n++] = span_of(copy, len);
    *slot = (uint32_t)t->n;
    return (long)t->n - 1;
}

void strtab_free(struct strtab *t)
{
    arena_free(&t->arena);
    free(t->at);
    free(t->slots);
    *t = (struct strtab){0};
}
