/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sip.h"
#include "seclang/run_internal.h"

/* TX variables that rules name are numbered at load. */

static uint8_t lower_of(uint8_t c)
{
    return (uint8_t)(c | ((uint8_t)(c - 'A') < 26) << 5);
}

uint64_t plan_hash(const struct seclang *s, struct span name)
{
    uint8_t lower[64];
    struct sip h = sip_begin(s->name_key);
    for (size_t at = 0; at < name.len; at += sizeof lower) {
        size_t n = name.len - at < sizeof lower ? name.len - at : sizeof lower;
        for (size_t i = 0; i < n; i++)
            lower[i] = lower_of(name.data[at + i]);
        sip_add_bytes(&h, lower, n);
    }
    return sip_end(&h);
}

uint32_t plan_slot(const struct seclang *s, struct span name)
{
    return plan_slot_of(s, name, plan_hash(s, name));
}

uint32_t plan_slot_of(const struct seclang *s, struct span name, uint64_t hash)
{
    if (!s->name_table)
        return NO_SLOT;
    for (uint32_t i = (uint32_t)hash & s->name_mask; s->name_table[i]; i = (i + 1) & s->name_mask)
        if (same_text(s->names[s->name_table[i] - 1], name))
            return s->name_table[i] - 1;
    return NO_SLOT;
}

static void enter(struct seclang *s, uint32_t slot)
{
    uint32_t i = (uint32_t)plan_hash(s, s->names[slot]) & s->name_mask;
    while (s->name_table[i])
        i = (i + 1) & s->name_mask;
    s->name_table[i] = slot + 1;
}

static bool grow(struct seclang *s)
{
    uint32_t size = s->name_table ? (s->name_mask + 1) * 2 : 256;
    uint32_t *table = calloc(size, sizeof *table);
    if (!table)
        return false;
    free(s->name_table);
    s->name_table = table;
    s->name_mask = size - 1;
    for (uint32_t i = 0; i < s->n_names; i++)
        enter(s, i);
    return true;
}

bool plan_slot_add(struct seclang *s, struct span name, uint32_t *ret)
{
    *ret = plan_slot(s, name);
    if (*ret != NO_SLOT)
        return true;
    if ((!s->name_table || s->n_names * 2 > s->name_mask) && !grow(s))
        return false;
    if (!vec_room(&s->names, s->n_names, 1, &s->cap_names, sizeof *s->names))
        return false;
    *ret = s->n_names;
    s->names[s->n_names++] = name;
    enter(s, *ret);
    return true;
}
