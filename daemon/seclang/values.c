/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/* Values as rules compare them: transformed, and remembered while a phase runs. */

#define MEMO_VALUE ((size_t)4096)       /* longer results are worked out anew */
#define MEMO_TOTAL ((size_t)512 * 1024) /* of a transaction's memory, up to which results are kept */
#define BUFFER_STEP ((size_t)64 * 1024)

static bool lies_in(const struct seclang_memory *m, unsigned i, struct span s)
{
    return s.len && m->size[i] && s.data >= m->buf[i] && s.data < m->buf[i] + m->size[i];
}

bool in_buffer(const struct seclang_memory *m, struct span s)
{
    return lies_in(m, 0, s) || lies_in(m, 1, s);
}

static bool buffer_room(struct seclang_memory *m, unsigned i, size_t n)
{
    if (m->size[i] >= n)
        return true;
    size_t size = (n / BUFFER_STEP + 1) * BUFFER_STEP;
    uint8_t *p = malloc(size);
    if (!p)
        return false;
    free(m->buf[i]);
    m->buf[i] = p;
    m->size[i] = size;
    return true;
}

static struct span step(struct seclang_memory *m, enum transform f, struct span value)
{
    unsigned to = lies_in(m, 0, value) ? 1 : 0; /* not where the value is */
    return buffer_room(m, to, transform_room(f, value.len)) ? transform_apply(f, value, m->buf[to]) : value;
}

static struct span apply(struct seclang_memory *m, const struct sec_rule *r, struct span value)
{
    for (unsigned i = 0; i < r->n_transforms; i++)
        value = step(m, (enum transform)r->transforms[i], value);
    return value;
}

struct span transformed_step(struct seclang_tx *t, const struct link *l, unsigned i, struct span value)
{
    return step(t->m, (enum transform)l->r->transforms[i], value);
}

static struct memo *memo_of(struct seclang_tx *t, const struct link *l, struct span value)
{
    uint64_t h = ((uint64_t)(uintptr_t)value.data * 0x9e3779b97f4a7c15u) ^ (value.len * 0xff51afd7ed558ccdu) ^
                 (l->chain * 0xc4ceb9fe1a85ec53u);
    return &t->m->memo[h >> 32 & (MEMO - 1)];
}

struct span transformed(struct seclang_tx *t, const struct link *l, struct span value)
{
    if (!l->r->n_transforms)
        return value;
    if (!value.len || value.len > MEMO_VALUE)
        return apply(t->m, l->r, value);
    struct memo *m = memo_of(t, l, value);
    if (m->data == value.data && m->len == value.len && m->chain == l->chain && m->phase_number == t->m->phase_number)
        return m->result;
    struct span result = apply(t->m, l->r, value);
    if (in_buffer(t->m, result) &&
        (result.len > MEMO_VALUE || t->pool.total > MEMO_TOTAL || !pool_copy(&t->pool, result, &result)))
        return result;
    *m = (struct memo){value.data, value.len, t->m->phase_number, l->chain, result};
    return result;
}
