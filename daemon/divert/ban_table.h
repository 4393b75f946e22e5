/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_BAN_TABLE_H
#define SLUICE_DIVERT_BAN_TABLE_H

#include "divert/bans.h"

/* The bans in memory: found by address, ordered by their end. Inside divert/ only. */
struct ban_entry {
    struct ip_addr key;  /* what the kernel's set holds: `addr` cut to the prefix */
    struct ip_addr addr; /* as it was banned, so that another prefix can be taken */
    bool used;
    bool in_kernel; /* the kernel's set has the key, perhaps with another end */
    bool dirty;     /* listed in `dirty` */
    bool agrees;    /* while a table is taken over: the kernel's end is ours */
    uint32_t next;  /* in its bucket, or of the free */
    uint32_t heap;  /* its place in the heap */
    uint64_t ends;  /* milliseconds of the clock */
    int64_t since;  /* seconds since 1970 */
    char reason[BAN_REASON_MAX];
};

#define BAN_NONE UINT32_MAX

struct ban_table {
    struct ban_entry *at;
    uint32_t n, size, used_slots, free;
    uint32_t *heap; /* of entries, the one that ends soonest first */
    uint32_t *bucket;
    uint32_t buckets; /* a power of two */
    uint64_t secret[4];
    /* What the kernel does not know yet: entries whose ban is new or longer (perhaps no longer so), keys to be lifted.
     */
    uint32_t *dirty;
    size_t n_dirty, dirty_size;
    struct ip_addr *lifted;
    size_t n_lifted, lifted_size;
};

/* 0 or -ENOMEM. */
MUST_CHECK int ban_table_init(struct ban_table *t);
void ban_table_free(struct ban_table *t);

struct ip_addr ban_key(const struct ip_addr *addr, uint8_t prefix6);
struct ban_entry *ban_table_find(struct ban_table *t, const struct ip_addr *key);
/* A new entry with key and end; NULL when out of memory. Entries move: use it before the next call. */
struct ban_entry *ban_table_add(struct ban_table *t, const struct ip_addr *key, uint64_t ends);
void ban_table_prolong(struct ban_table *t, struct ban_entry *e, uint64_t ends);
/* `lift`: the kernel is to forget it too. False when out of memory: then the entry stays. */
bool ban_table_remove(struct ban_table *t, struct ban_entry *e, bool lift);
/* NULL when there is none. */
struct ban_entry *ban_table_soonest(const struct ban_table *t);
/* Notes that the kernel is to be told; false when out of memory. */
bool ban_table_mark(struct ban_table *t, struct ban_entry *e);

/* ban_file.c: one line a ban. */
#define BAN_FILE_LINE_MAX 160

struct ban_line {
    struct ip_addr addr;
    int64_t ends, since; /* seconds since 1970 */
    char reason[BAN_REASON_MAX];
};

/*
 * Reads a file, calling `each` for every good line until that returns false;
 * what is wrong goes to d. Reads at most `max` lines.
 */
void ban_file_read(const char *file, size_t max, bool (*each)(const struct ban_line *line, void *ctx), void *ctx,
                   struct diag *d);
/* Replaces the file by one with these lines, whole or not at all. Returns 0 or a negative errno. */
MUST_CHECK int ban_file_write(const char *file, const struct ban_line *lines, size_t n);

#endif
