/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_STRTAB_H
#define SLUICE_MATCH_STRTAB_H

#include "base/arena.h"
#include "base/span.h"

/* Distinct byte strings, numbered as they came. Zeroed is empty. */
struct strtab {
    struct arena arena;
    struct span *at;
    size_t n, cap;
    uint32_t *slots; /* number + 1, 0 for a free one */
    size_t n_slots;
};

/* The number of a string, added when it is new; -1 when out of memory. */
MUST_CHECK long strtab_add(struct strtab *t, const void *data, size_t len);
/* Its number, or -1 when it is not there. Any thread while nobody adds. */
long strtab_find(const struct strtab *t, const void *data, size_t len);
void strtab_free(struct strtab *t);

#endif
