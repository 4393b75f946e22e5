/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "divert/ban_table.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define BUCKETS_FIRST 1024

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Keyed, for the addresses are an attacker's to choose. */
static uint32_t bucket_of(const struct ban_table *t, const struct ip_addr *key)
{
    uint64_t half[2];
    memcpy(half, key->bytes, sizeof half);
    uint64_t h = fold(half[0] ^ t->secret[0], half[1] ^ t->secret[1]);
    return (uint32_t)fold(h ^ t->secret[2], t->secret[3] | 1) & (t->buckets - 1);
}

int ban_table_init(struct ban_table *t)
{
    *t = (struct ban_table){.free = BAN_NONE, .buckets = BUCKETS_FIRST};
    t->bucket = malloc(t->buckets * sizeof *t->bucket);
    if (!t->bucket || getrandom(t->secret, sizeof t->secret, 0) != (ssize_t)sizeof t->secret)
        return -ENOMEM;
    memset(t->bucket, 0xff, t->buckets * sizeof *t->bucket);
    return 0;
}

void ban_table_free(struct ban_table *t)
{
    free(t->at);
    free(t->heap);
    free(t->bucket);
    free(t->dirty);
    free(t->lifted);
}

struct ip_addr ban_key(const struct ip_addr *addr, uint8_t prefix6)
{
    struct ip_addr key = *addr;
    for (unsigned i = prefix6 / 8u; key.family == 6 && i < sizeof key.bytes; i++)
        key.bytes[i] &= i == prefix6 / 8u ? (uint8_t)(0xff00 >> (prefix6 % 8)) : 0;
    return key;
}

struct ban_entry *ban_table_find(struct ban_table *t, const struct ip_addr *key)
{
    for (uint32_t i = t->bucket[bucket_of(t, key)]; i != BAN_NONE; i = t->at[i].next)
        if (ip_addr_equal(&t->at[i].key, key))
            return &t->at[i];
    return NULL;
}

static void enter_bucket(struct ban_table *t, uint32_t i)
{
    uint32_t *head = &t->bucket[bucket_of(t, &t->at[i].key)];
    t->at[i].next = *head;
    *head = i;
}

static void leave_bucket(struct ban_table *t, uint32_t i)
{
    uint32_t *link = &t->bucket[bucket_of(t, &t->at[i].key)];
    while (*link != i)
        link = &t->at[*link].next;
    *link = t->at[i].next;
}

/* A table that cannot grow its buckets is only slower. */
static void grow_buckets(struct ban_table *t)
{
    uint32_t *bucket = malloc(t->buckets * 2 * sizeof *bucket);
    if (!bucket)
        return;
    free(t->bucket);
    t->bucket = bucket;
    t->buckets *= 2;
    memset(bucket, 0xff, t->buckets * sizeof *bucket);
    for (uint32_t i = 0; i < t->n; i++)
        enter_bucket(t, t->heap[i]);
}

static bool grow(struct ban_table *t)
{
    uint32_t size = t->size ? t->size * 2 : BUCKETS_FIRST;
    struct ban_entry *at = reallocarray(t->at, size, sizeof *at);
    t->at = at ? at : t->at;
    uint32_t *heap = reallocarray(t->heap, size, sizeof *heap);
    t->heap = heap ? heap : t->heap;
    if (!at || !heap)
        return false;
    t->size = size;
    return true;
}

static void put(struct ban_table *t, uint32_t place, uint32_t entry)
{
    t->heap[place] = entry;
    t->at[entry].heap = place;
}

static uint64_t ends_at(const struct ban_table *t, uint32_t place)
{
    return t->at[t->heap[place]].ends;
}

static void sift_up(struct ban_table *t, uint32_t place)
{
    uint32_t entry = t->heap[place];
    for (; place && ends_at(t, (place - 1) / 2) > t->at[entry].ends; place = (place - 1) / 2)
        put(t, place, t->heap[(place - 1) / 2]);
    put(t, place, entry);
}

static void sift_down(struct ban_table *t, uint32_t place)
{
    uint32_t entry = t->heap[place];
    for (uint32_t child; (child = 2 * place + 1) < t->n; place = child) {
        if (child + 1 < t->n && ends_at(t, child + 1) < ends_at(t, child))
            child++;
        if (ends_at(t, child) >= t->at[entry].ends)
            break;
        put(t, place, t->heap[child]);
    }
    put(t, place, entry);
}

static bool take_slot(struct ban_table *t, uint32_t *ret)
{
    if (t->free != BAN_NONE) {
        *ret = t->free;
        t->free = t->at[*ret].next;
        return true;
    }
    if (t->used_slots == t->size && !grow(t))
        return false;
    *ret = t->used_slots++;
    t->at[*ret].dirty = false;
    return true;
}

struct ban_entry *ban_table_add(struct ban_table *t, const struct ip_addr *key, uint64_t ends)
{
    uint32_t i;
    if (t->n >= t->buckets)
        grow_buckets(t);
    if (!take_slot(t, &i))
        return NULL;
    struct ban_entry *e = &t->at[i];
    /* A slot that is still listed as dirty stays so. */
    *e = (struct ban_entry){.key = *key, .addr = *key, .used = true, .dirty = e->dirty, .ends = ends};
    enter_bucket(t, i);
    put(t, t->n++, i);
    sift_up(t, e->heap);
    return e;
}

void ban_table_prolong(struct ban_table *t, struct ban_entry *e, uint64_t ends)
{
    e->ends = ends;
    sift_down(t, e->heap);
}

bool ban_table_mark(struct ban_table *t, struct ban_entry *e)
{
    if (e->dirty)
        return true;
    if (t->n_dirty == t->dirty_size) {
        size_t size = t->dirty_size ? t->dirty_size * 2 : 256;
        uint32_t *dirty = reallocarray(t->dirty, size, sizeof *dirty);
        if (!dirty)
            return false;
        t->dirty = dirty;
        t->dirty_size = size;
    }
    t->dirty[t->n_dirty++] = (uint32_t)(e - t->at);
    e->dirty = true;
    return true;
}

static bool note_lifted(struct ban_table *t, const struct ip_addr *key)
{
    if (t->n_lifted == t->lifted_size) {
        size_t size = t->lifted_size ? t->lifted_size * 2 : 256;
        struct ip_addr *lifted = reallocarray(t->lifted, size, sizeof *lifted);
        if (!lifted)
            return false;
        t->lifted = lifted;
        t->lifted_size = size;
    }
    t->lifted[t->n_lifted++] = *key;
    return true;
}

bool ban_table_remove(struct ban_table *t, struct ban_entry *e, bool lift)
{
    if (lift && e->in_kernel && !note_lifted(t, &e->key))
        return false;
    uint32_t i = (uint32_t)(e - t->at), place = e->heap, last = t->heap[--t->n];
    leave_bucket(t, i);
    if (last != i) {
        put(t, place, last);
        sift_up(t, place);
        sift_down(t, t->at[last].heap);
    }
    e->used = false;
    e->next = t->free;
    t->free = i;
    return true;
}

struct ban_entry *ban_table_soonest(const struct ban_table *t)
{
    return t->n ? &t->at[t->heap[0]] : NULL;
}
