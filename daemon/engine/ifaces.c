/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/ifaces.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define KEEP_MS 1000

void ifaces_clear(struct ifaces *c)
{
    memset(c, 0, sizeof *c);
}

static enum side side_of(const struct config *cfg, const char *name)
{
    for (size_t i = 0; i < cfg->divert.n_ifaces; i++)
        if (strcmp(cfg->divert.ifaces[i].name, name) == 0)
            return cfg->divert.ifaces[i].outside ? SIDE_OUTSIDE : SIDE_INSIDE;
    return SIDE_NONE;
}

const struct iface *ifaces_find(struct ifaces *c, const struct config *cfg, uint32_t index, uint64_t now_ms)
{
    if (!index)
        return NULL;
    size_t slot = index % IFACES_SLOTS;
    struct iface *i = &c->at[slot].iface;
    if (i->index == index && now_ms < c->at[slot].until_ms)
        return i;
    *i = (struct iface){.index = index};
    char name[IF_NAMESIZE];
    if (if_indextoname(index, name))
        memcpy(i->name, name, sizeof i->name);
    i->side = side_of(cfg, i->name);
    c->at[slot].until_ms = now_ms + KEEP_MS;
    return i;
}
