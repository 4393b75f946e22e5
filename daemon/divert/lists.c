/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "divert/lists.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "divert/divert.h"
#include "divert/nft.h"

#define LIST_NAME_MAX 64
#define SET_MAX (LIST_NAME_MAX + 24)
/* Ranges of one transaction, so that none holds up the kernel or us for long. */
#define PORTION 20000
/* Pieces that a set may have beyond twice what it needs, before it is written anew. */
#define PIECES_SPARE 1000

struct ranges {
    struct match_range *at;
    size_t n, size;
};

struct list {
    char name[LIST_NAME_MAX], set[SET_MAX];
    uint8_t family;
    bool in_place;       /* prepared: the set is the one in force */
    bool brought;        /* prepared: the kernel has been told */
    bool unsure;         /* the set may hold something else than `has` */
    struct ranges has;   /* the kernel's elements, sorted; the one may begin where the other ends */
    struct ranges comes; /* of a change in place: */
    struct ranges goes;
};

struct lists {
    uint8_t family;
    uint32_t number; /* of the last set that was not a list's first */
    struct list *now, *next;
    size_t n_now, n_next;
    bool prepared;
    char (*stale)[SET_MAX]; /* sets that nobody uses */
    size_t n_stale;
};

static bool ranges_add(struct ranges *r, const uint8_t *first, const uint8_t *last)
{
    if (r->n == r->size) {
        size_t size = r->size ? r->size * 2 : 64;
        struct match_range *at = reallocarray(r->at, size, sizeof *at);
        if (!at)
            return false;
        r->at = at;
        r->size = size;
    }
    memcpy(r->at[r->n].first, first, 16);
    memcpy(r->at[r->n++].last, last, 16);
    return true;
}

static void ranges_free(struct ranges *r)
{
    free(r->at);
    *r = (struct ranges){0};
}

static void lists_drop(struct list **at, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        ranges_free(&(*at)[i].has);
        ranges_free(&(*at)[i].comes);
        ranges_free(&(*at)[i].goes);
    }
    free(*at);
    *at = NULL;
    *n = 0;
}

struct lists *lists_new(uint8_t family)
{
    struct lists *l = calloc(1, sizeof *l);
    if (l)
        l->family = family;
    return l;
}

void lists_free(struct lists *l)
{
    if (!l)
        return;
    lists_drop(&l->now, &l->n_now);
    lists_drop(&l->next, &l->n_next);
    free(l->stale);
    free(l);
}

static struct list *find(struct list *at, size_t n, const char *name, uint8_t family)
{
    for (size_t i = 0; i < n; i++)
        if (at[i].family == family && strcmp(at[i].name, name) == 0)
            return &at[i];
    return NULL;
}

static bool note_stale(struct lists *l, const char *set)
{
    char(*stale)[SET_MAX] = reallocarray(l->stale, l->n_stale + 1, sizeof *stale);
    if (!stale)
        return false;
    l->stale = stale;
    snprintf(stale[l->n_stale++], SET_MAX, "%s", set);
    return true;
}

/* "list4_NAME", or "list4n7_NAME" once it was written anew. Returns whether it is one, and its number. */
static bool parse_set(const char *set, uint32_t *number)
{
    char family;
    int behind = 0;
    *number = 0;
    bool numbered = sscanf(set, "list%c%*[n]%9u%n", &family, number, &behind) == 2 && behind;
    if (!numbered && (sscanf(set, "list%c%n", &family, &behind) != 1 || !behind))
        return false;
    return (family == '4' || family == '6') && set[behind] == '_';
}

bool lists_own_set(const char *name)
{
    uint32_t number;
    return parse_set(name, &number);
}

const char *lists_set(const struct lists *l, const char *list, uint8_t family)
{
    const struct list *found =
        l->prepared ? find(l->next, l->n_next, list, family) : find(l->now, l->n_now, list, family);
    return found ? found->set : NULL;
}

/* Ranges as numbers. */

static int compare(const uint8_t *a, const uint8_t *b)
{
    return memcmp(a, b, 16);
}

/* The number behind (or before) it, in the first `len` bytes; false where there is none. */
static bool step(uint8_t *ret, const uint8_t *of, unsigned len, bool forth)
{
    memcpy(ret, of, 16);
    for (unsigned i = len; i-- > 0;) {
        if (forth ? ++ret[i] != 0 : ret[i]-- != 0)
            return true;
    }
    return false;
}

static unsigned len_of(uint8_t family)
{
    return family == 4 ? 4 : 16;
}

struct wanted {
    const struct match_range *at;
    size_t n;
};

/* What of a wanted range the kept elements from `from` on leave open. */
static bool fill_gaps(struct ranges *comes, const struct match_range *w, const struct match_range *kept, size_t n,
                      unsigned len)
{
    uint8_t begin[16], before[16];
    memcpy(begin, w->first, sizeof begin);
    for (size_t i = 0; i < n; i++) {
        if (compare(kept[i].first, begin) > 0) {
            (void)step(before, kept[i].first, len, false);
            if (!ranges_add(comes, begin, before))
                return false;
        }
        if (!step(begin, kept[i].last, len, true))
            return true;
    }
    return compare(begin, w->last) > 0 || ranges_add(comes, begin, w->last);
}

enum way { IN_PLACE, ANEW, NO_MEMORY };

/*
 * How a set's elements become what is wanted: which come, which go. ANEW where
 * a part of one would have to go, or where they have become too many.
 */
static enum way difference(struct list *l, const struct ranges *has, const struct wanted *w)
{
    size_t at = 0;
    for (size_t i = 0; i < w->n; i++) {
        for (; at < has->n && compare(has->at[at].last, w->at[i].first) < 0; at++)
            if (!ranges_add(&l->goes, has->at[at].first, has->at[at].last))
                return NO_MEMORY;
        size_t first = at;
        for (; at < has->n && compare(has->at[at].first, w->at[i].last) <= 0; at++)
            if (compare(has->at[at].first, w->at[i].first) < 0 || compare(has->at[at].last, w->at[i].last) > 0)
                return ANEW;
        if (!fill_gaps(&l->comes, &w->at[i], has->at + first, at - first, len_of(l->family)))
            return NO_MEMORY;
    }
    for (; at < has->n; at++)
        if (!ranges_add(&l->goes, has->at[at].first, has->at[at].last))
            return NO_MEMORY;
    size_t after = has->n + l->comes.n - l->goes.n;
    return after > 2 * w->n + PIECES_SPARE ? ANEW : IN_PLACE;
}

/* The elements that will be there: has, with comes, without goes; all sorted. */
static bool after_change(struct ranges *ret, const struct ranges *has, const struct ranges *comes,
                         const struct ranges *goes)
{
    size_t g = 0, c = 0;
    for (size_t i = 0; i < has->n; i++) {
        for (; c < comes->n && compare(comes->at[c].first, has->at[i].first) < 0; c++)
            if (!ranges_add(ret, comes->at[c].first, comes->at[c].last))
                return false;
        if (g < goes->n && compare(goes->at[g].first, has->at[i].first) == 0)
            g++;
        else if (!ranges_add(ret, has->at[i].first, has->at[i].last))
            return false;
    }
    for (; c < comes->n; c++)
        if (!ranges_add(ret, comes->at[c].first, comes->at[c].last))
            return false;
    return true;
}

/* The kernel. */

static void put_ranges(struct nft_tx *tx, const struct list *l, const struct match_range *at, size_t n, bool take_out)
{
    struct nft_elements es;
    nft_elements_begin(&es, tx, l->set, take_out);
    for (size_t i = 0; i < n; i++)
        nft_elements_put_range(&es, at[i].first, at[i].last, len_of(l->family));
    nft_elements_end(&es);
}

static void add_set(struct nft_tx *tx, const struct list *l)
{
    nft_add_interval_set(tx, l->set, l->family == 4 ? NFT_KEY_IPV4 : NFT_KEY_IPV6, len_of(l->family));
}

/* In portions; `fresh`: the set too. */
static int commit_ranges(const struct lists *ls, const struct list *l, const struct ranges *r, bool fresh,
                         bool take_out, char *why, size_t why_size)
{
    int err = 0;
    for (size_t at = 0; !err && (at < r->n || (fresh && at == 0)); at += PORTION) {
        size_t n = r->n - at < PORTION ? r->n - at : PORTION;
        struct nft_tx *tx = nft_begin(ls->family, DIVERT_TABLE);
        if (!tx) {
            snprintf(why, why_size, "out of memory");
            return -ENOMEM;
        }
        if (fresh && at == 0)
            add_set(tx, l);
        put_ranges(tx, l, r->at + at, n, take_out);
        err = nft_commit(tx, why, why_size);
        nft_free(tx);
    }
    return err;
}

/* Every packet that was on its way through the old rules has left them. */
static void let_packets_leave(void)
{
    const struct timespec while_at_it = {.tv_nsec = 10000000};
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
        nanosleep(&while_at_it, NULL);
}

/* Sets that cannot be deleted stay listed. */
static int delete_stale(struct lists *l, char *why, size_t why_size)
{
    int ret = 0;
    size_t kept = 0;
    for (size_t i = 0; i < l->n_stale; i++) {
        struct nft_tx *tx = nft_begin(l->family, DIVERT_TABLE);
        if (tx)
            nft_del_set(tx, l->stale[i]);
        int err = tx ? nft_commit(tx, why, why_size) : -ENOMEM;
        nft_free(tx);
        if (!err || err == -ENOENT)
            continue;
        ret = err;
        memmove(l->stale[kept++], l->stale[i], SET_MAX);
    }
    l->n_stale = kept;
    return ret;
}

/* Changes. */

/* The set's name for a list that is written: its plain one where no set has that yet. */
static void name_set(struct lists *ls, struct list *l, bool first)
{
    if (first)
        snprintf(l->set, sizeof l->set, "list%u_%s", l->family, l->name);
    else
        snprintf(l->set, sizeof l->set, "list%un%u_%s", l->family, ++ls->number, l->name);
}

static bool plain_name_taken(const struct lists *ls, const struct list *l)
{
    char plain[SET_MAX];
    snprintf(plain, sizeof plain, "list%u_%s", l->family, l->name);
    for (size_t i = 0; i < ls->n_stale; i++)
        if (strcmp(ls->stale[i], plain) == 0)
            return true;
    return find(ls->now, ls->n_now, l->name, l->family) != NULL;
}

static int write_anew(struct lists *ls, struct list *l, const struct wanted *w)
{
    ranges_free(&l->comes);
    ranges_free(&l->goes);
    l->in_place = false;
    name_set(ls, l, !plain_name_taken(ls, l));
    for (size_t i = 0; i < w->n; i++)
        if (!ranges_add(&l->has, w->at[i].first, w->at[i].last))
            return -ENOMEM;
    return 0;
}

static int plan_list(struct lists *ls, struct list *l, const struct wanted *w)
{
    const struct list *old = find(ls->now, ls->n_now, l->name, l->family);
    if (!old || old->unsure)
        return write_anew(ls, l, w);
    enum way how = difference(l, &old->has, w);
    if (how == NO_MEMORY)
        return -ENOMEM;
    if (how == ANEW)
        return write_anew(ls, l, w);
    l->in_place = true;
    memcpy(l->set, old->set, sizeof l->set);
    return after_change(&l->has, &old->has, &l->comes, &l->goes) ? 0 : -ENOMEM;
}

static int add_wanted(struct lists *ls, const struct match_cond *c)
{
    if (strlen(c->list) >= LIST_NAME_MAX)
        return -ENAMETOOLONG;
    if (find(ls->next, ls->n_next, c->list, c->family))
        return 0;
    struct list *next = reallocarray(ls->next, ls->n_next + 1, sizeof *next);
    if (!next)
        return -ENOMEM;
    ls->next = next;
    struct list *l = &next[ls->n_next++];
    *l = (struct list){.family = c->family};
    snprintf(l->name, sizeof l->name, "%s", c->list);
    return plan_list(ls, l, &(struct wanted){c->ranges, c->n});
}

static int plan_lists(struct lists *ls, const struct plan *p)
{
    int err = 0;
    lists_drop(&ls->next, &ls->n_next);
    for (size_t i = 0; !err && i < p->n_rules; i++)
        for (size_t j = 0; !err && j < p->rules[i].match.n; j++)
            if (p->rules[i].match.at[j].list && p->rules[i].match.at[j].n > 1)
                err = add_wanted(ls, &p->rules[i].match.at[j]);
    return err;
}

int lists_write(struct lists *l, struct nft_tx *tx, const struct plan *p)
{
    lists_drop(&l->now, &l->n_now);
    l->n_stale = 0;
    int err = plan_lists(l, p);
    for (size_t i = 0; !err && i < l->n_next; i++) {
        add_set(tx, &l->next[i]);
        put_ranges(tx, &l->next[i], l->next[i].has.at, l->next[i].has.n, false);
    }
    l->prepared = !err;
    return err;
}

static const struct match_cond *condition_of(const struct plan *p, const struct list *l)
{
    for (size_t i = 0; i < p->n_rules; i++)
        for (size_t j = 0; j < p->rules[i].match.n; j++) {
            const struct match_cond *c = &p->rules[i].match.at[j];
            if (c->list && c->family == l->family && strcmp(c->list, l->name) == 0)
                return c;
        }
    return NULL;
}

/* A set that the kernel does not let us change as it is gets a successor. */
static int bring(struct lists *ls, struct list *l, const struct plan *p, char *why, size_t why_size)
{
    l->brought = true;
    if (l->in_place && commit_ranges(ls, l, &l->comes, false, false, why, why_size) == 0)
        return 0;
    if (l->in_place) {
        const struct match_cond *c = condition_of(p, l);
        find(ls->now, ls->n_now, l->name, l->family)->unsure = true;
        ranges_free(&l->has);
        int err = c ? write_anew(ls, l, &(struct wanted){c->ranges, c->n}) : -EINVAL;
        if (err)
            return err;
    }
    return commit_ranges(ls, l, &l->has, true, false, why, why_size);
}

int lists_prepare(struct lists *l, const struct plan *p, char *why, size_t why_size)
{
    int err = plan_lists(l, p);
    snprintf(why, why_size, "lists of addresses: %s", err ? strerror(-err) : "");
    l->prepared = true;
    for (size_t i = 0; !err && i < l->n_next; i++)
        err = bring(l, &l->next[i], p, why, why_size);
    char ignored[256];
    if (err && lists_finish(l, false, ignored, sizeof ignored))
        ignored[0] = '\0';
    return err;
}

/* In force: what is not wanted any more goes. */
static int settle(struct lists *ls, char *why, size_t why_size)
{
    int ret = 0;
    for (size_t i = 0; i < ls->n_now; i++) {
        const struct list *next = find(ls->next, ls->n_next, ls->now[i].name, ls->now[i].family);
        if ((!next || !next->in_place) && !note_stale(ls, ls->now[i].set))
            ret = -ENOMEM;
    }
    for (size_t i = 0; i < ls->n_next; i++) {
        struct list *l = &ls->next[i];
        int err = l->in_place ? commit_ranges(ls, l, &l->goes, false, true, why, why_size) : 0;
        l->unsure = err != 0;
        ret = err ? err : ret;
        ranges_free(&l->comes);
        ranges_free(&l->goes);
        l->in_place = l->brought = false;
    }
    lists_drop(&ls->now, &ls->n_now);
    ls->now = ls->next;
    ls->n_now = ls->n_next;
    ls->next = NULL;
    ls->n_next = 0;
    return ret;
}

/* Refused: what was brought goes again. */
static int take_back(struct lists *ls, char *why, size_t why_size)
{
    int ret = 0;
    for (size_t i = 0; i < ls->n_next; i++) {
        struct list *l = &ls->next[i];
        if (!l->brought)
            continue;
        if (!l->in_place && !note_stale(ls, l->set))
            ret = -ENOMEM;
        int err = l->in_place ? commit_ranges(ls, l, &l->comes, false, true, why, why_size) : 0;
        if (err)
            find(ls->now, ls->n_now, l->name, l->family)->unsure = true;
        ret = err ? err : ret;
    }
    lists_drop(&ls->next, &ls->n_next);
    return ret;
}

int lists_finish(struct lists *l, bool done, char *why, size_t why_size)
{
    snprintf(why, why_size, "out of memory");
    if (!l->prepared)
        return 0;
    l->prepared = false;
    if (l->n_now || l->n_next || l->n_stale)
        let_packets_leave();
    int err = done ? settle(l, why, why_size) : take_back(l, why, why_size);
    int stale = delete_stale(l, why, why_size);
    return err ? err : stale;
}

static int adopt_set(const char *name, void *ctx)
{
    struct lists *l = ctx;
    uint32_t number;
    if (!parse_set(name, &number))
        return 0;
    if (number > l->number)
        l->number = number;
    return note_stale(l, name) ? 0 : -ENOMEM;
}

int lists_adopt(struct lists *l)
{
    lists_drop(&l->now, &l->n_now);
    l->n_stale = 0;
    return nft_each_set(l->family, DIVERT_TABLE, adopt_set, l);
}
