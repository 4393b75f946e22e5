/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/scratch.h"

#define BLOCK_MIN ((size_t)64 * 1024)
#define POOL_KEEP ((size_t)8 * 1024 * 1024)
#define POOL_MAX ((size_t)128 * 1024 * 1024)

struct pool_block {
    struct pool_block *next;
    size_t size;
    _Alignas(16) uint8_t bytes[];
};

/* A block with room for n behind the one in use: the next kept one, or a new one. */
static bool next_block(struct pool *p, size_t n)
{
    struct pool_block *next = p->now ? p->now->next : p->first;
    if (!next || next->size < n) {
        size_t size = n > BLOCK_MIN ? n : BLOCK_MIN;
        if (size > POOL_MAX - p->total)
            return false;
        struct pool_block *b = malloc(sizeof *b + size);
        if (!b)
            return false;
        b->size = size;
        b->next = next;
        *(p->now ? &p->now->next : &p->first) = b;
        p->total += size;
        next = b;
    }
    p->now = next;
    p->used = 0;
    return true;
}

void *pool_take(struct pool *p, size_t n)
{
    if (n > POOL_MAX)
        return NULL;
    size_t start = (p->used + 15) & ~(size_t)15;
    if (!p->now || start > p->now->size || p->now->size - start < n) {
        if (!next_block(p, n))
            return NULL;
        start = 0;
    }
    p->used = start + n;
    return p->now->bytes + start;
}

void pool_shorten(struct pool *p, const void *end)
{
    p->used = (size_t)((const uint8_t *)end - p->now->bytes);
}

void pool_reset(struct pool *p)
{
    if (p->total > POOL_KEEP)
        pool_free(p);
    p->now = NULL;
    p->used = 0;
}

void pool_free(struct pool *p)
{
    while (p->first) {
        struct pool_block *next = p->first->next;
        free(p->first);
        p->first = next;
    }
    *p = (struct pool){0};
}

static bool fill(struct scratch *s, const struct program *pg, uint32_t regex_steps, size_t rules,
                 const hs_scratch_t *hs)
{
    s->n_operands = pg->operand_keys.n;
    s->n_patterns = pg->pattern_keys.n;
    s->values = calloc(s->n_operands + 1, sizeof *s->values);
    s->scanned = calloc(s->n_operands + 1, sizeof *s->scanned);
    s->hits = calloc(s->n_patterns + 1, sizeof *s->hits);
    if (!s->values || !s->scanned || !s->hits || !agenda_init(&s->agenda, rules))
        return false;
    if (pg->regex_texts.n && !(s->regex = regex_memory_new(regex_steps)))
        return false;
    return !hs || hs_clone_scratch(hs, &s->hs) == HS_SUCCESS;
}

struct scratch *scratch_make(const struct program *pg, uint32_t regex_steps, size_t rules, const hs_scratch_t *hs)
{
    struct scratch *s = calloc(1, sizeof *s);
    if (s && !fill(s, pg, regex_steps, rules, hs)) {
        scratch_free(s);
        return NULL;
    }
    return s;
}

void scratch_begin(struct scratch *s)
{
    pool_reset(&s->pool);
    if (++s->stamp)
        return;
    /* After four thousand million decisions old stamps would look new. */
    memset(s->values, 0, s->n_operands * sizeof *s->values);
    memset(s->scanned, 0, s->n_operands * sizeof *s->scanned);
    memset(s->hits, 0, s->n_patterns * sizeof *s->hits);
    s->stamp = 1;
}

void scratch_free(struct scratch *s)
{
    if (!s)
        return;
    regex_memory_free(s->regex);
    if (s->hs)
        (void)hs_free_scratch(s->hs);
    free(s->values);
    free(s->scanned);
    free(s->hits);
    agenda_free(&s->agenda);
    pool_free(&s->pool);
    free(s);
}
