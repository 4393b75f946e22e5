/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/* Which members of the variables that rules write a target selects. */

#define STORE_MEMBERS 256

static bool finds_text(struct span in, struct span text)
{
    for (size_t i = 0; i + text.len <= in.len; i++)
        if (same_text(span_of(in.data + i, text.len), text))
            return true;
    return false;
}

bool regex_selects(struct seclang_tx *t, const struct target *g, struct span name)
{
    if (!g->plain.len || (g->plain_first && name.len && memchr(name.data, '\n', name.len)))
        return regex_match(g->regex, t->m->regex, name) == 1;
    return g->plain_first ? same_text(span_first(name, g->plain.len), g->plain) : finds_text(name, g->plain);
}

/* Whether a member of that name is one that the target selects. */
static bool selected(struct seclang_tx *t, const struct target *g, struct span name)
{
    switch ((enum sec_select)g->select) {
    case SEC_ALL:
        return true;
    case SEC_BY_NAME:
        return same_text(g->selector, name);
    case SEC_BY_REGEX:
        return regex_selects(t, g, name);
    }
    return false;
}

static void own_add(struct seclang_tx *t, uint32_t *n, const struct target *g, struct member m)
{
    m.var = g->var;
    if (m.has_name && g->select != SEC_ALL && !selected(t, g, m.name))
        return;
    if (vec_room(&t->m->own, *n, 1, &t->m->cap_own, sizeof m))
        t->m->own[(*n)++] = m;
}

static bool tx_selected(struct seclang_tx *t, const struct target *g, uint32_t slot)
{
    if (g->slots && slot < t->s->n_names)
        return bit_get(g->slots, slot);
    return selected(t, g, t->tx[slot].name);
}

static uint32_t all_tx(struct seclang_tx *t, const struct target *g)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_set; i++) {
        const struct txvar *v = &t->tx[t->set[i]];
        if (v->order != i + 1 || !tx_selected(t, g, t->set[i]))
            continue;
        if (vec_room(&t->m->own, n, 1, &t->m->cap_own, sizeof *t->m->own))
            t->m->own[n++] = (struct member){.var = SEC_TX, .has_name = true, .name = v->name, .value = v->value};
    }
    return n;
}

static uint32_t all_stored(struct seclang_tx *t, const struct target *g)
{
    struct store_member members[STORE_MEMBERS];
    uint32_t n = 0;
    struct store_at at = stored_at(t, g->var);
    uint8_t *buf = pool_alloc(&t->pool, STORE_COLLECTION_BYTES);
    uint32_t got = buf ? store_each(t->s->store, &at, buf, STORE_COLLECTION_BYTES, members, STORE_MEMBERS) : 0;
    for (uint32_t i = 0; i < got; i++)
        own_add(t, &n, g, (struct member){.has_name = true, .name = members[i].name, .value = members[i].value});
    return n;
}

static uint32_t all_matched(struct seclang_tx *t, const struct target *g)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_matched; i++) {
        struct span name = member_text(t, &t->matched[i]);
        struct span value = g->var == SEC_MATCHED_VARS ? t->matched[i].value : name;
        own_add(t, &n, g, (struct member){.has_name = true, .name = name, .value = value});
    }
    return n;
}

uint32_t own_members(struct seclang_tx *t, const struct target *g)
{
    struct member m = {.has_name = sec_var_is_collection(g->var), .name = g->selector};
    uint32_t n = 0;
    if (g->var == SEC_MATCHED_VARS || g->var == SEC_MATCHED_VARS_NAMES)
        return all_matched(t, g);
    if (g->select != SEC_BY_NAME && g->var == SEC_TX)
        return all_tx(t, g);
    if (g->select != SEC_BY_NAME && (g->var == SEC_ENV || g->var == SEC_GEO)) {
        const struct member *from = g->var == SEC_ENV ? t->env : t->geo;
        for (uint32_t i = 0; i < (g->var == SEC_ENV ? t->n_env : t->n_geo); i++)
            own_add(t, &n, g, from[i]);
        return n;
    }
    if (g->select != SEC_BY_NAME && m.has_name && g->var != SEC_RULE)
        return all_stored(t, g);
    if (own_first(t, g->var, g->selector, g->slot, &m.value))
        own_add(t, &n, g, m);
    return n;
}
