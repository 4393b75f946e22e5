/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_DATABASE_H
#define SLUICE_MATCH_DATABASE_H

#include <hs/hs.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"

/* Vectorscan databases kept on disk, by the digest of what they are made from. */

struct cache_entry {
    hs_database_t *db;
    uint8_t *modes; /* enum pattern_mode by id; the caller frees it, and db */
    uint32_t shortest;
};

/* What a database is made of, in the order given. */
struct recipe {
    const char **texts; /* Vectorscan's syntax, NUL-terminated */
    unsigned *flags, *ids;
    size_t n, cap_texts, cap_flags, cap_ids;
    uint32_t patterns; /* ids are below this */
    bool has_regex;
    struct arena arena;
};

/* False when there is none, or none that fits. */
MUST_CHECK bool cache_load(const char *folder, const struct recipe *r, struct cache_entry *ret);
/* Failures are silent: the next start compiles again. */
void cache_store(const char *folder, const struct recipe *r, const struct cache_entry *e);
/* Removes what has not been used for 30 days. */
void cache_tidy(const char *folder);

#endif
