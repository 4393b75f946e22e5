/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an earlier run left in the kernel. A table whose hooks are those that we
 * would make is taken over: the kernel drops what waits in queues when a hook
 * goes. The counter "state" is no counter: it keeps what the next run must
 * know, for objects outlive rules.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "divert/bans.h"
#include "divert/kernel_rules.h"
#include "divert/lists.h"
#include "divert/table.h"

#define STATE "state"
#define STATE_MAGIC 0x736c7531u /* slu1 */
/* Chains and sets that may be cleared away at a time. */
#define NAMES_MAX 4096
/* Numbers of changes end long before they wrap. */
#define CHANGES_MAX 0x80000000u

static bool is_place(const struct divert *d, const struct nft_chain *c, unsigned *seen)
{
    const struct place *at[PLACES_MAX];
    size_t n = table_places(d->hook, at);
    for (size_t i = 0; i < n; i++) {
        bool divert = strcmp(c->name, at[i]->divert) == 0, done = strcmp(c->name, at[i]->done) == 0;
        if (!divert && !done)
            continue;
        *seen |= 1u << (i * 2 + done);
        return c->hook == at[i]->hook && c->priority == table_priority(d) + done && c->type &&
               strcmp(c->type, "filter") == 0;
    }
    return false;
}

struct look {
    const struct divert *d;
    struct leftover *ret;
    unsigned seen; /* base chains, a bit each */
    bool foreign;
};

/* A name of ours must not be a base chain, and the other way round: the kernel would refuse the change. */
static int look_at_chain(const struct nft_chain *c, void *ctx)
{
    struct look *l = ctx;
    if (c->base)
        l->foreign |= !is_place(l->d, c, &l->seen);
    return 0;
}

static int look_at_counter(const struct nft_counter *c, void *ctx)
{
    struct look *l = ctx;
    if (strcmp(c->name, STATE) != 0 || c->bytes >> 32 != STATE_MAGIC)
        return 0;
    l->ret->known = (uint32_t)c->bytes == l->d->mark_mask;
    l->ret->change = (uint32_t)(c->packets >> 32);
    l->ret->generation = (uint32_t)c->packets;
    return 0;
}

/* The number of the change that a set belongs to; 0 where its name has none. */
static uint32_t change_of(const char *name)
{
    const char *mark = strrchr(name, '_');
    if (!mark || !mark[1] || mark[1 + strspn(mark + 1, "0123456789")] != '\0')
        return 0;
    unsigned long n = strtoul(mark + 1, NULL, 10);
    return n > UINT32_MAX ? 0 : (uint32_t)n;
}

/* Sets that live as long as one change, which their names end with; bans and lists look after theirs. */
static bool is_of_a_change(const char *name)
{
    return !bans_own_set(name) && !lists_own_set(name);
}

/* A run that died within a change left sets of a number that the state does not tell. */
static int look_at_set(const char *name, void *ctx)
{
    struct look *l = ctx;
    uint32_t change = change_of(name);
    if (is_of_a_change(name) && change < CHANGES_MAX && change > l->ret->change)
        l->ret->change = change;
    return 0;
}

int adopt_look(const struct divert *d, struct leftover *ret)
{
    *ret = (struct leftover){0};
    struct look l = {.d = d, .ret = ret};
    int err = nft_each_counter(table_family(d), DIVERT_TABLE, look_at_counter, &l);
    if (!err)
        err = nft_each_chain(table_family(d), DIVERT_TABLE, look_at_chain, &l);
    if (!err)
        err = nft_each_set(table_family(d), DIVERT_TABLE, look_at_set, &l);
    const struct place *at[PLACES_MAX];
    unsigned all = (1u << 2 * table_places(d->hook, at)) - 1;
    ret->fits = !err && ret->known && !l.foreign && l.seen == all && ret->change < CHANGES_MAX;
    return err;
}

void adopt_note(struct nft_tx *tx, const struct divert *d, uint32_t generation, bool replace)
{
    if (replace)
        nft_del_counter(tx, STATE);
    nft_add_counter_at(tx, STATE, (uint64_t)d->change << 32 | generation, (uint64_t)STATE_MAGIC << 32 | d->mark_mask);
}

struct clean_up {
    const struct divert *d;
    struct nft_tx *tx;
    size_t n;
};

static int clean_up_set(const char *name, void *ctx)
{
    struct clean_up *cu = ctx;
    if (is_of_a_change(name) && change_of(name) != cu->d->change && cu->n++ < NAMES_MAX)
        nft_del_set(cu->tx, name);
    return 0;
}

static int clean_up_chain(const struct nft_chain *c, void *ctx)
{
    struct clean_up *cu = ctx;
    if (!c->base && !table_has_chain(cu->d, c->name) && !kernel_rules_own(c->name) && cu->n++ < NAMES_MAX)
        nft_del_chain(cu->tx, c->name);
    return 0;
}

void adopt_clean_up(const struct divert *d)
{
    struct clean_up cu = {.d = d, .tx = nft_begin(table_family(d), DIVERT_TABLE)};
    if (!cu.tx)
        return;
    char ignored[256];
    int err = nft_each_set(table_family(d), DIVERT_TABLE, clean_up_set, &cu);
    if (!err)
        err = nft_each_chain(table_family(d), DIVERT_TABLE, clean_up_chain, &cu);
    if (!err && cu.n)
        err = nft_commit(cu.tx, ignored, sizeof ignored);
    (void)err; /* what is left is tried again at the next change */
    nft_free(cu.tx);
}
