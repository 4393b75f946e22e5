/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_AGENDA_H
#define SLUICE_INSPECT_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define AGENDA_LEVELS 3

/* Numbers to be taken in ascending order: a bit each, and above each 64 words one more. Empty when zeroed. */
struct agenda {
    uint64_t *level[AGENDA_LEVELS];
    size_t words[AGENDA_LEVELS];
};

/* For numbers below n. False when out of memory. */
MUST_CHECK bool agenda_init(struct agenda *a, size_t n);
void agenda_free(struct agenda *a);

static inline void agenda_add(struct agenda *a, uint32_t number)
{
    a->level[0][number / 64] |= UINT64_C(1) << (number % 64);
    a->level[1][number / 4096] |= UINT64_C(1) << (number / 64 % 64);
    a->level[2][number / 262144] |= UINT64_C(1) << (number / 4096 % 64);
}

/* Takes the lowest out; false when there is none. */
bool agenda_next(struct agenda *a, uint32_t *number);
void agenda_clear(struct agenda *a);

#endif
