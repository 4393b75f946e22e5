/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/* Texts with %{…} put together. */

/* Of members of one name the last, of a whole collection the first, as in ModSecurity. */
static struct span one_of(struct seclang_tx *t, const struct sec_piece *p)
{
    struct sec_values v = sec_vars_get(t->vars, p->var, p->selector);
    if (!p->selector.len || p->var == SEC_XML)
        return v.n ? v.at[0].value : span_of(NULL, 0);
    for (uint32_t i = v.n; i; i--)
        if (same_text(v.at[i - 1].name, p->selector))
            return v.at[i - 1].value;
    return span_of(NULL, 0);
}

static struct span piece_of(struct seclang_tx *t, const struct text *text, uint32_t i)
{
    const struct sec_piece *p = &text->t->at[i];
    struct span v = {NULL, 0};
    if (p->var == SEC_VARS)
        return p->literal;
    if (!own_var(p->var))
        return one_of(t, p);
    return own_first(t, p->var, p->selector, text->slots ? text->slots[i] : NO_SLOT, &v) ? v : span_of(NULL, 0);
}

struct span expand(struct seclang_tx *t, const struct text *text, size_t max)
{
    struct span pieces[8], all;
    const struct sec_text *x = text->t;
    if (!x || x->constant || !x->n)
        return x ? x->as_written : span_of(NULL, 0);
    if (x->n == 1)
        return piece_of(t, text, 0);
    size_t len = 0;
    for (uint32_t i = 0; i < x->n; i++) {
        struct span p = piece_of(t, text, i);
        if (i < ARRAY_LEN(pieces))
            pieces[i] = p;
        len += p.len < max ? p.len : max;
    }
    len = len < max ? len : max;
    uint8_t *to = pool_alloc(&t->pool, len);
    if (!to)
        return span_of(NULL, 0);
    all = span_of(to, len);
    for (uint32_t i = 0; i < x->n && len; i++) {
        struct span p = span_first(i < ARRAY_LEN(pieces) ? pieces[i] : piece_of(t, text, i), len);
        if (p.len)
            memcpy(to, p.data, p.len);
        to += p.len;
        len -= p.len;
    }
    all.len -= len;
    return all;
}
