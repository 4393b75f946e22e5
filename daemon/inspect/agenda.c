/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/agenda.h"

bool agenda_init(struct agenda *a, size_t n)
{
    for (unsigned i = 0; i < AGENDA_LEVELS; i++) {
        n = n / 64 + 1;
        a->words[i] = n;
        a->level[i] = calloc(n, sizeof *a->level[i]);
        if (!a->level[i]) {
            agenda_free(a);
            return false;
        }
    }
    return true;
}

void agenda_free(struct agenda *a)
{
    for (unsigned i = 0; i < AGENDA_LEVELS; i++)
        free(a->level[i]);
    *a = (struct agenda){0};
}

/* The first word of the top level that is not zero. */
static bool top(const struct agenda *a, size_t *ret)
{
    for (size_t i = 0; i < a->words[AGENDA_LEVELS - 1]; i++)
        if (a->level[AGENDA_LEVELS - 1][i]) {
            *ret = i;
            return true;
        }
    return false;
}

bool agenda_next(struct agenda *a, uint32_t *number)
{
    size_t at;
    if (!top(a, &at))
        return false;
    for (unsigned i = AGENDA_LEVELS; i--;)
        at = at * 64 + (size_t)__builtin_ctzll(a->level[i][at]);
    *number = (uint32_t)at;
    for (unsigned i = 0; i < AGENDA_LEVELS; i++) {
        a->level[i][at / 64] &= ~(UINT64_C(1) << (at % 64));
        if (a->level[i][at / 64])
            break;
        at /= 64;
    }
    return true;
}

void agenda_clear(struct agenda *a)
{
    for (size_t i = 0; i < a->words[2]; i++)
        for (; a->level[2][i]; a->level[2][i] &= a->level[2][i] - 1) {
            size_t middle = i * 64 + (size_t)__builtin_ctzll(a->level[2][i]);
            for (; a->level[1][middle]; a->level[1][middle] &= a->level[1][middle] - 1)
                a->level[0][middle * 64 + (size_t)__builtin_ctzll(a->level[1][middle])] = 0;
        }
}
