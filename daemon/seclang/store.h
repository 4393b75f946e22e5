/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_STORE_H
#define SLUICE_SECLANG_STORE_H

#include "base/cleanup.h"
#include "base/span.h"

/*
 * What outlives a transaction: collections such as IP, each a small set of
 * named values under a key ("10.0.0.1"). All threads share a store; each call
 * is one short lock of a shard. Where no room is left the collection that was
 * longest not written to goes, and a collection holds at most
 * STORE_COLLECTION_BYTES of names and values.
 */
struct seclang_store;

#define STORE_COLLECTION_BYTES 4096

/* entries: collections at most; timeout_s: how long one lives after it was last written to. NULL: out of memory. */
MUST_CHECK struct seclang_store *store_new(uint32_t entries, uint32_t timeout_s);
struct seclang_store *store_ref(struct seclang_store *s);
void store_unref(struct seclang_store *s);
/* Also for the collections that are there. */
void store_set_timeout(struct seclang_store *s, uint32_t timeout_s);

/* Which collection: its kind (enum sec_var), its key; and the time, ms. */
struct store_at {
    uint8_t kind;
    struct span key;
    uint64_t now_ms;
};

/* Copies a member's value (names in any case) into buf, at most `size` bytes. The value's length, -1 where none is. */
long store_get(struct seclang_store *s, const struct store_at *at, struct span name, void *buf, size_t size);
/* False where it does not fit, or memory is out. */
bool store_set(struct seclang_store *s, const struct store_at *at, struct span name, struct span value);
/* Adds n to what it holds as a number, without another thread's coming between. */
bool store_add(struct seclang_store *s, const struct store_at *at, struct span name, int32_t n);
void store_delete(struct seclang_store *s, const struct store_at *at, struct span name);
/* The member goes after so many seconds, whether it is there yet or not. */
void store_expire(struct seclang_store *s, const struct store_at *at, struct span name, uint32_t seconds);

/* A member as store_each gives it; the spans are the caller's buffer's. */
struct store_member {
    struct span name, value;
};

/*
 * Copies all members (as many as buf and `max` have room for) and returns how
 * many; oldest first. buf of STORE_COLLECTION_BYTES holds them all.
 */
uint32_t store_each(struct seclang_store *s, const struct store_at *at, void *buf, size_t size,
                    struct store_member *ret, uint32_t max);
/* Collections held. */
size_t store_count(struct seclang_store *s);

#endif
