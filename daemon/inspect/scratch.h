/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_SCRATCH_H
#define SLUICE_INSPECT_SCRATCH_H

#include <hs/hs.h>

#include "inspect/agenda.h"
#include "inspect/field.h"
#include "inspect/program.h"
#include "inspect/ruleset.h"

/* Memory for one decision at a time: given back all at once, kept for the next one. */
struct pool {
    struct pool_block *first, *now;
    size_t used; /* of `now` */
    size_t total;
};

/* n bytes, aligned to 16; NULL when there are none. */
void *pool_take(struct pool *p, size_t n);
/* Gives back what lies behind `end` in the newest piece, which `end` points into. */
void pool_shorten(struct pool *p, const void *end);
/* Everything is free again; blocks of a rare giant go back to the system. */
void pool_reset(struct pool *p);
void pool_free(struct pool *p);

/* An operand's values in this decision. names: NULL, or the name of each. */
struct values {
    uint32_t stamp; /* of the decision that they belong to */
    uint32_t n;
    struct span *at, *names;
};

/* A thread's memory for deciding; nothing of it is cleared between decisions, the stamp tells what is new. */
struct scratch {
    struct regex_memory *regex;
    hs_scratch_t *hs;
    uint32_t stamp;
    struct values *values; /* by operand */
    uint32_t *scanned;     /* by operand: the stamp of the last scan */
    uint32_t *hits;        /* by pattern: the stamp of the last match */
    size_t n_operands, n_patterns;
    struct agenda agenda;
    struct pool pool;
};

/* hs may be NULL: nothing is scanned. NULL when out of memory. */
MUST_CHECK struct scratch *scratch_make(const struct program *pg, uint32_t regex_steps, size_t rules,
                                        const hs_scratch_t *hs);
/* Begins a decision. */
void scratch_begin(struct scratch *s);

struct matcher;

/* One decision's subject, as conditions read it. */
struct view {
    const struct program *pg;
    const struct matcher *matcher; /* NULL: conditions on strings are tried one by one */
    struct scratch *s;
    const struct subject *subject;
    enum phase phase;
    const struct index *index; /* of the phase; what a hit leads to */
    const struct test *met;    /* the last test on an operand that held */
    bool failed;               /* out of memory, or a scan failed */
};

/* The values of a string operand; none where the subject has none. */
const struct values *view_values(struct view *v, uint32_t operand);

/* Numbers: at most two, or the lengths of strings. */
struct numbers {
    uint32_t n;
    uint64_t v[2];
    const struct span *lengths;
};

struct numbers view_numbers(struct view *v, uint8_t field, uint32_t operand);

static inline uint64_t numbers_at(const struct numbers *x, uint32_t i)
{
    return x->lengths ? x->lengths[i].len : x->v[i];
}

/* What the inspector keeps in a transaction's notes. */
#define FIRED_MAX 58
struct notes {
    uint64_t stamp; /* of the ruleset that wrote them */
    int32_t scores[SCORES_MAX];
    uint32_t n_fired;
    bool accepted;
    uint32_t fired[FIRED_MAX]; /* rules that could be looked at again */
};
_Static_assert(sizeof(struct notes) <= HTTP_NOTES_SIZE, "notes are too large");

static inline struct notes *notes_of(struct http_tx *tx)
{
    return (struct notes *)(void *)tx->notes;
}

#endif
