/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "divert/bans.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "divert/ban_table.h"
#include "divert/nft.h"
#include "divert/table.h"

#define SAVE_EVERY_MS 5000
/* The kernel's clock is not ours: what has just ended may still be in its set. */
#define FORGET_AFTER_MS 2000
/* Elements of one transaction, so that none holds up the kernel or us for long. */
#define PORTION 20000
/* An element may end between our look and the kernel's, which then refuses the transaction. */
#define COMMIT_TRIES 3
/* Two ends that are no further apart are one. */
#define NEAR_MS 2000
#define BAN_FOREVER_MS (10ull * 365 * 86400 * 1000)

/* A copy of the bans on its way into the file. */
struct save {
    pthread_t thread;
    char *file;
    struct ban_line *lines;
    size_t n;
    int err;
    atomic_bool done;
};

struct bans {
    struct ban_table table;
    struct ban_table *next; /* by another prefix, while the rules are being changed */
    uint64_t (*now_ms)(void);
    uint32_t max;
    uint8_t prefix6;
    struct ip_net *exempt;
    size_t n_exempt;
    struct bans_counts counts;
    uint8_t family;       /* of the table that has our sets; 0: none yet */
    bool set4, set6[129]; /* that the table has; of IPv6 by prefix */
    char *file;
    bool changed; /* since the last save began */
    uint64_t saved_at;
    int save_error; /* told already */
    struct save *saving;
};

static uint64_t monotonic_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void bans_set_clock(struct bans *b, uint64_t (*now_ms)(void))
{
    b->now_ms = now_ms;
}

static uint64_t left_ms(const struct ban_entry *e, uint64_t now)
{
    return e->ends > now ? e->ends - now : 0;
}

/* Which addresses. */

static int read_exempt(const struct config *c, struct ip_net **ret, size_t *n)
{
    struct ip_net *nets = calloc(c->divert.exempt.n + 1, sizeof *nets);
    if (!nets)
        return -ENOMEM;
    *n = 0;
    for (size_t i = 0; i < c->divert.exempt.n; i++) {
        int err = ip_net_parse(c->divert.exempt.at[i], &nets[*n]);
        *n += err == 0 || err == -EDOM;
    }
    *ret = nets;
    return 0;
}

static bool is_exempt(const struct ip_net *nets, size_t n, const struct ip_addr *addr)
{
    for (size_t i = 0; i < n; i++)
        if (ip_net_has(&nets[i], addr))
            return true;
    return false;
}

static bool can_be_banned(const struct ip_addr *addr, uint8_t prefix6)
{
    static const struct ip_addr any, broadcast = {4, {255, 255, 255, 255}}, loopback6 = {6, {[15] = 1}};
    const uint8_t *a = addr->bytes;
    if (addr->family == 4)
        return a[0] != 0 && a[0] != 127 && (a[0] & 0xf0) != 224 && !ip_addr_equal(addr, &broadcast);
    /* A whole link's neighbour discovery would end with fe80::/64. */
    bool link_local = a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
    return addr->family == 6 && memcmp(a, any.bytes, sizeof any.bytes) != 0 && !ip_addr_equal(addr, &loopback6) &&
           a[0] != 0xff && !(link_local && prefix6 < 128);
}

/* The table. */

static bool make_room(struct bans *b, uint64_t ends, uint64_t now)
{
    if (b->table.n < b->max)
        return true;
    struct ban_entry *soonest = ban_table_soonest(&b->table);
    if (!soonest || soonest->ends >= ends) {
        b->counts.refused++;
        return false;
    }
    b->counts.evicted += soonest->ends > now;
    return ban_table_remove(&b->table, soonest, true);
}

static struct ban_entry *add_entry(struct bans *b, const struct ip_addr *addr, uint64_t ends)
{
    struct ip_addr key = ban_key(addr, b->prefix6);
    struct ban_entry *e = ban_table_add(&b->table, &key, ends);
    if (e && !ban_table_mark(&b->table, e)) {
        (void)ban_table_remove(&b->table, e, false);
        return NULL;
    }
    return e;
}

static void describe(struct ban_entry *e, const struct ip_addr *addr, int64_t since, const char *reason)
{
    e->addr = *addr;
    e->since = since;
    snprintf(e->reason, sizeof e->reason, "%s", reason);
}

static enum ban_result insert(struct bans *b, const struct ip_addr *addr, uint64_t ends, int64_t since,
                              const char *reason)
{
    uint64_t now = b->now_ms();
    if (!can_be_banned(addr, b->prefix6))
        return BAN_NOT_VALID;
    if (is_exempt(b->exempt, b->n_exempt, addr))
        return BAN_EXEMPT;
    struct ip_addr key = ban_key(addr, b->prefix6);
    struct ban_entry *e = ban_table_find(&b->table, &key);
    if (e && e->ends >= ends)
        return BAN_KEPT;
    if (!e && !make_room(b, ends, now))
        return BAN_FULL;
    if (e && !ban_table_mark(&b->table, e))
        return BAN_NO_MEMORY;
    if (e) {
        since = e->ends > now ? e->since : since;
        ban_table_prolong(&b->table, e, ends);
    } else {
        e = add_entry(b, addr, ends);
    }
    if (!e)
        return BAN_NO_MEMORY;
    describe(e, addr, since, reason);
    b->changed = true;
    return BAN_DONE;
}

enum ban_result bans_add(struct bans *b, const struct ip_addr *addr, uint32_t seconds, const char *reason)
{
    return insert(b, addr, b->now_ms() + (uint64_t)seconds * 1000, time(NULL), reason);
}

static bool concerns(const struct bans *b, const struct ban_entry *e, const struct ip_net *net)
{
    if (!net || ip_net_has(net, &e->key))
        return true;
    struct ip_addr key = ban_key(&net->addr, b->prefix6);
    return net->prefix > b->prefix6 && ip_addr_equal(&key, &e->key);
}

size_t bans_remove(struct bans *b, const struct ip_net *net)
{
    size_t n = 0;
    uint64_t now = b->now_ms();
    for (uint32_t i = 0; i < b->table.used_slots; i++) {
        struct ban_entry *e = &b->table.at[i];
        bool running = e->ends > now;
        if (e->used && concerns(b, e, net) && ban_table_remove(&b->table, e, true))
            n += running;
    }
    b->changed = b->changed || n;
    return n;
}

bool bans_pending(const struct bans *b)
{
    return b->table.n_dirty || b->table.n_lifted;
}

static int by_end(const void *a, const void *b)
{
    const struct ban_entry *x = *(const struct ban_entry *const *)a, *y = *(const struct ban_entry *const *)b;
    return (x->ends > y->ends) - (x->ends < y->ends);
}

/* Those that run, the one that ends soonest first; the caller frees the array. */
static const struct ban_entry **running(const struct bans *b, uint64_t now, size_t *n)
{
    const struct ban_entry **at = malloc((b->table.n + 1) * sizeof *at);
    *n = 0;
    for (uint32_t i = 0; at && i < b->table.n; i++) {
        const struct ban_entry *e = &b->table.at[b->table.heap[i]];
        if (e->ends > now)
            at[(*n)++] = e;
    }
    if (at)
        qsort(at, *n, sizeof *at, by_end);
    return at;
}

void bans_each(struct bans *b, bool (*each)(const struct ban *ban, void *ctx), void *ctx)
{
    size_t n;
    uint64_t now = b->now_ms();
    int64_t wall = time(NULL);
    AUTO_FREE const struct ban_entry **at = running(b, now, &n);
    for (size_t i = 0; i < n; i++) {
        uint32_t seconds = (uint32_t)((at[i]->ends - now + 999) / 1000);
        struct ban ban = {at[i]->key,   at[i]->key.family == 4 ? 32 : b->prefix6, seconds, at[i]->since, wall + seconds,
                          at[i]->reason};
        if (!each(&ban, ctx))
            return;
    }
}

struct bans_counts bans_counts(const struct bans *b)
{
    struct bans_counts counts = b->counts;
    uint64_t now = b->now_ms();
    for (uint32_t i = 0; i < b->table.n; i++)
        counts.now += b->table.at[b->table.heap[i]].ends > now;
    return counts;
}

/* The kernel's sets. */

static const char *set6_name(uint8_t prefix6, char *buf)
{
    if (prefix6 == 128)
        snprintf(buf, SET_NAME_MAX, "banned6");
    else
        snprintf(buf, SET_NAME_MAX, "banned6_%u", prefix6);
    return buf;
}

static const char *set_of(uint8_t family, uint8_t prefix6, char *buf)
{
    return family == 4 ? "banned4" : set6_name(prefix6, buf);
}

/* 4; 6 with its prefix; or 0. */
static uint8_t parse_set(const char *name, uint8_t *prefix6)
{
    char buf[SET_NAME_MAX];
    if (strcmp(name, "banned4") == 0)
        return 4;
    for (unsigned prefix = 0; prefix <= 128; prefix++)
        if (strcmp(name, set6_name((uint8_t)prefix, buf)) == 0) {
            *prefix6 = (uint8_t)prefix;
            return 6;
        }
    return 0;
}

bool bans_own_set(const char *name)
{
    uint8_t prefix6;
    return parse_set(name, &prefix6) != 0;
}

static void add_set(struct nft_tx *tx, uint8_t family, uint8_t prefix6)
{
    char name[SET_NAME_MAX];
    nft_add_timed_set(tx, set_of(family, prefix6, name), family == 4 ? NFT_KEY_IPV4 : NFT_KEY_IPV6,
                      family == 4 ? 4 : 16);
}

/* A key that the kernel is told of. */
struct item {
    const struct ip_addr *key;
    uint64_t left_ms;
    bool known; /* the kernel may have it */
};

enum telling { TELL_PUT, TELL_PUT_KNOWN, TELL_TAKE_OUT_KNOWN };

static void tell_family(struct nft_tx *tx, const char *set, uint8_t family, const struct item *items, size_t n,
                        enum telling what)
{
    struct nft_elements es;
    nft_elements_begin(&es, tx, set, what == TELL_TAKE_OUT_KNOWN);
    for (size_t i = 0; i < n; i++) {
        bool wanted = what == TELL_PUT ? items[i].left_ms > 0 : items[i].known;
        if (items[i].key->family == family && wanted)
            nft_elements_put(&es, items[i].key->bytes, family == 4 ? 4 : 16, what == TELL_PUT ? items[i].left_ms : 0,
                             false);
    }
    nft_elements_end(&es);
}

/*
 * An element's end cannot be changed (before Linux 6.12): it goes and comes
 * anew. What is not there cannot go, so it comes first, which is no error where
 * it is there.
 */
static void tell(struct nft_tx *tx, uint8_t prefix6, const struct item *items, size_t n)
{
    char name[SET_NAME_MAX];
    static const enum telling order[] = {TELL_PUT_KNOWN, TELL_TAKE_OUT_KNOWN, TELL_PUT};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        tell_family(tx, "banned4", 4, items, n, order[i]);
        tell_family(tx, set6_name(prefix6, name), 6, items, n, order[i]);
    }
}

static int commit_items(const struct bans *b, const struct item *items, size_t n, char *why, size_t why_size)
{
    int err = -ENOENT;
    for (int i = 0; i < COMMIT_TRIES && err == -ENOENT; i++) {
        struct nft_tx *tx = nft_begin(b->family, DIVERT_TABLE);
        if (!tx) {
            snprintf(why, why_size, "out of memory");
            return -ENOMEM;
        }
        tell(tx, b->prefix6, items, n);
        err = nft_commit(tx, why, why_size);
        nft_free(tx);
    }
    return err;
}

static int commit_lifted(struct bans *b, struct item *items, char *why, size_t why_size)
{
    struct ban_table *t = &b->table;
    size_t n = t->n_lifted < PORTION ? t->n_lifted : PORTION;
    for (size_t i = 0; i < n; i++)
        items[i] = (struct item){&t->lifted[t->n_lifted - n + i], 0, true};
    int err = commit_items(b, items, n, why, why_size);
    t->n_lifted -= err ? 0 : n;
    return err;
}

static int commit_dirty(struct bans *b, struct item *items, char *why, size_t why_size)
{
    struct ban_table *t = &b->table;
    uint64_t now = b->now_ms();
    size_t n = t->n_dirty < PORTION ? t->n_dirty : PORTION, told = 0;
    const uint32_t *slots = t->dirty + (t->n_dirty - n);
    for (size_t i = 0; i < n; i++) {
        const struct ban_entry *e = &t->at[slots[i]];
        if (e->used)
            items[told++] = (struct item){&e->key, left_ms(e, now), e->in_kernel};
    }
    int err = told ? commit_items(b, items, told, why, why_size) : 0;
    if (err)
        return err;
    for (size_t i = 0; i < n; i++) {
        t->at[slots[i]].dirty = false;
        t->at[slots[i]].in_kernel = true;
    }
    t->n_dirty -= n;
    return 0;
}

int bans_commit(struct bans *b, char *why, size_t why_size)
{
    if (!b->family || !bans_pending(b))
        return 0;
    AUTO_FREE struct item *items = calloc(PORTION, sizeof *items);
    int err = items ? 0 : -ENOMEM;
    if (err)
        snprintf(why, why_size, "out of memory");
    while (!err && b->table.n_lifted)
        err = commit_lifted(b, items, why, why_size);
    while (!err && b->table.n_dirty)
        err = commit_dirty(b, items, why, why_size);
    return err;
}

/* Puts all bans of a version into a set that is empty. */
static void put_all(struct nft_tx *tx, const struct bans *b, const struct ban_table *t, uint8_t family, uint8_t prefix6)
{
    char name[SET_NAME_MAX];
    struct nft_elements es;
    uint64_t now = b->now_ms();
    nft_elements_begin(&es, tx, set_of(family, prefix6, name), false);
    for (uint32_t i = 0; i < t->n; i++) {
        const struct ban_entry *e = &t->at[t->heap[i]];
        if (e->key.family == family && e->ends > now)
            nft_elements_put(&es, e->key.bytes, family == 4 ? 4 : 16, e->ends - now, false);
    }
    nft_elements_end(&es);
}

/* The kernel has all of a version's bans (`family` 0: of both), as the table has them. */
static void all_told(struct ban_table *t, uint8_t family)
{
    size_t kept = 0;
    for (uint32_t i = 0; i < t->n; i++) {
        struct ban_entry *e = &t->at[t->heap[i]];
        e->in_kernel = e->in_kernel || !family || e->key.family == family;
    }
    for (size_t i = 0; i < t->n_dirty; i++) {
        struct ban_entry *e = &t->at[t->dirty[i]];
        e->dirty = e->used && family && e->key.family != family;
        if (e->dirty)
            t->dirty[kept++] = t->dirty[i];
    }
    t->n_dirty = kept;
    kept = 0;
    for (size_t i = 0; i < t->n_lifted; i++)
        if (family && t->lifted[i].family != family)
            t->lifted[kept++] = t->lifted[i];
    t->n_lifted = kept;
}

void bans_write(struct bans *b, struct nft_tx *tx, const struct config *c)
{
    for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2)) {
        add_set(tx, family, c->bans.prefix6);
        if (b)
            put_all(tx, b, &b->table, family, c->bans.prefix6);
    }
}

void bans_written(struct bans *b, uint8_t family, const struct config *c)
{
    b->family = family;
    b->set4 = true;
    memset(b->set6, 0, sizeof b->set6);
    b->set6[c->bans.prefix6] = true;
    all_told(&b->table, 0);
}

void bans_rules(struct nft_tx *tx, const struct divert *d, const struct config *c, const char *chain, bool drop)
{
    for (int version = 4; version <= 6; version += 2) {
        char name[SET_NAME_MAX];
        struct nftnl_rule *r = nft_rule(tx, chain);
        table_match_ip(d, r, version);
        nft_load_payload(r, NFT_PAYLOAD_NETWORK_HEADER, version == 4 ? 12 : 8, version == 4 ? 4 : 16);
        if (version == 6 && c->bans.prefix6 < 128) {
            struct ip_addr mask = {.family = 6};
            memset(mask.bytes, 0xff, sizeof mask.bytes);
            mask = ban_key(&mask, c->bans.prefix6);
            nft_and(r, mask.bytes, sizeof mask.bytes);
        }
        nft_in_set(r, set_of((uint8_t)version, c->bans.prefix6, name));
        nft_count(r, "banned");
        if (drop)
            nft_verdict(r, NF_DROP, NULL);
        nft_rule_end(tx, r);
    }
}

/* What a table holds that another run left. */

struct adoption {
    struct bans *b;
    uint8_t family, prefix6; /* of the set that is read */
    uint64_t now;
    int64_t wall;
};

static int adopt_element(const struct nft_element *element, void *ctx)
{
    struct adoption *a = ctx;
    struct bans *b = a->b;
    struct ip_addr addr = {.family = a->family};
    memcpy(addr.bytes, element->key, a->family == 4 ? 4 : 16);
    uint64_t ends =
        a->now + (element->left_ms && element->left_ms < BAN_FOREVER_MS ? element->left_ms : BAN_FOREVER_MS);
    struct ip_addr key = ban_key(&addr, b->prefix6);
    struct ban_entry *known = ban_table_find(&b->table, &key);
    bool same_set = a->family == 4 || a->prefix6 == b->prefix6;
    if (known)
        known->agrees = false;
    /* The file counts in whole seconds. */
    bool not_sooner = known && same_set && element->left_ms && ends + NEAR_MS > known->ends;
    if (not_sooner && known->ends + NEAR_MS > ends) {
        known->in_kernel = known->agrees = true;
        return 0;
    }
    enum ban_result r = insert(b, &addr, ends, a->wall, known ? known->reason : "kept by the kernel");
    struct ban_entry *e = ban_table_find(&b->table, &key);
    if (e && same_set)
        e->in_kernel = true;
    return r == BAN_NO_MEMORY || (e && !ban_table_mark(&b->table, e)) ? -ENOMEM : 0;
}

static int adopt_set(const char *name, void *ctx)
{
    struct bans *b = ctx;
    struct adoption a = {.b = b, .now = b->now_ms(), .wall = time(NULL)};
    struct nft_set_shape shape;
    a.family = parse_set(name, &a.prefix6);
    if (!a.family)
        return 0;
    int err = nft_read_set(b->family, DIVERT_TABLE, name, &shape);
    if (err)
        return err;
    if (shape.flags != NFT_SET_TIMEOUT || shape.key_len != (a.family == 4 ? 4 : 16))
        return -EINVAL;
    *(a.family == 4 ? &b->set4 : &b->set6[a.prefix6]) = true;
    return nft_each_element(b->family, DIVERT_TABLE, name, adopt_element, &a);
}

/* What the kernel has as we have it need not be told. */
static void forget_agreed(struct ban_table *t)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->n_dirty; i++) {
        struct ban_entry *e = &t->at[t->dirty[i]];
        e->dirty = !e->agrees;
        e->agrees = false;
        if (e->dirty)
            t->dirty[kept++] = t->dirty[i];
    }
    t->n_dirty = kept;
}

int bans_adopt(struct bans *b, uint8_t family)
{
    b->family = family;
    b->set4 = false;
    memset(b->set6, 0, sizeof b->set6);
    int err = nft_each_set(family, DIVERT_TABLE, adopt_set, b);
    if (err)
        b->family = 0;
    forget_agreed(&b->table);
    return err;
}

/* Other settings. */

/* The bans by another prefix: what meets in one network is one ban, which lasts as long as the longest. */
static struct ban_table *by_prefix(const struct ban_table *old, uint8_t prefix6)
{
    struct ban_table *t = malloc(sizeof *t);
    int err = t ? ban_table_init(t) : -ENOMEM;
    for (uint32_t i = 0; !err && i < old->n; i++) {
        const struct ban_entry *from = &old->at[old->heap[i]];
        struct ip_addr key = ban_key(&from->addr, prefix6);
        struct ban_entry *e = ban_table_find(t, &key);
        if (e && e->ends >= from->ends)
            continue;
        if (e)
            ban_table_prolong(t, e, from->ends);
        else
            e = ban_table_add(t, &key, from->ends);
        if (e)
            describe(e, &from->addr, from->since, from->reason);
        else
            err = -ENOMEM;
    }
    if (!err)
        return t;
    if (t)
        ban_table_free(t);
    free(t);
    return NULL;
}

static void drop_next(struct bans *b)
{
    if (b->next)
        ban_table_free(b->next);
    free(b->next);
    b->next = NULL;
}

static int write_missing(struct bans *b, uint8_t prefix6, char *why, size_t why_size)
{
    if (b->set4 && b->set6[prefix6])
        return 0;
    struct ban_table *t = b->next ? b->next : &b->table;
    struct nft_tx *tx = nft_begin(b->family, DIVERT_TABLE);
    if (!tx)
        return -ENOMEM;
    if (!b->set4) {
        add_set(tx, 4, prefix6);
        put_all(tx, b, t, 4, prefix6);
    }
    if (!b->set6[prefix6]) {
        add_set(tx, 6, prefix6);
        put_all(tx, b, t, 6, prefix6);
    }
    int err = nft_commit(tx, why, why_size);
    nft_free(tx);
    if (err)
        return err;
    if (!b->set4)
        all_told(t, 4);
    if (!b->set6[prefix6])
        all_told(t, 6);
    b->set4 = b->set6[prefix6] = true;
    return 0;
}

int bans_prepare(struct bans *b, uint8_t family, const struct config *c, char *why, size_t why_size)
{
    drop_next(b);
    b->family = family;
    if (c->bans.prefix6 != b->prefix6) {
        b->next = by_prefix(&b->table, c->bans.prefix6);
        if (!b->next) {
            snprintf(why, why_size, "out of memory");
            return -ENOMEM;
        }
    }
    return write_missing(b, c->bans.prefix6, why, why_size);
}

/* The table by the other prefix takes the old one's place; the kernel is told all of it again. */
static int take_next(struct bans *b)
{
    struct ban_table *t = b->next;
    for (uint32_t i = 0; i < t->n; i++) {
        struct ban_entry *e = &t->at[t->heap[i]];
        e->in_kernel = true;
        if (!ban_table_mark(t, e))
            return -ENOMEM;
    }
    size_t lifted = 0;
    for (size_t i = 0; i < b->table.n_lifted; i++)
        if (b->table.lifted[i].family == 4)
            b->table.lifted[lifted++] = b->table.lifted[i];
    t->lifted = b->table.lifted;
    t->lifted_size = b->table.lifted_size;
    t->n_lifted = lifted;
    b->table.lifted = NULL;
    ban_table_free(&b->table);
    b->table = *t;
    free(t);
    b->next = NULL;
    return 0;
}

/* Should it fail, they stay and harm nobody. */
static void delete_other_sets(struct bans *b, uint8_t prefix6)
{
    char name[SET_NAME_MAX], ignored[256];
    for (unsigned p = 0; p <= 128; p++) {
        if (!b->set6[p] || p == prefix6)
            continue;
        struct nft_tx *tx = nft_begin(b->family, DIVERT_TABLE);
        if (!tx)
            return;
        nft_del_set(tx, set6_name((uint8_t)p, name));
        b->set6[p] = nft_commit(tx, ignored, sizeof ignored) != 0;
        nft_free(tx);
    }
}

/* What the settings do not allow any more is lifted. */
static void lift_surplus(struct bans *b)
{
    for (uint32_t i = 0; i < b->table.used_slots; i++) {
        struct ban_entry *e = &b->table.at[i];
        if (e->used && (is_exempt(b->exempt, b->n_exempt, &e->addr) || !can_be_banned(&e->addr, b->prefix6)))
            b->changed = ban_table_remove(&b->table, e, true) || b->changed;
    }
    while (b->table.n > b->max && ban_table_remove(&b->table, ban_table_soonest(&b->table), true)) {
        b->counts.evicted++;
        b->changed = true;
    }
}

static int take_settings(struct bans *b, const struct config *c)
{
    struct ip_net *exempt;
    size_t n_exempt;
    char *file = c->bans.file ? strdup(c->bans.file) : NULL;
    if ((c->bans.file && !file) || read_exempt(c, &exempt, &n_exempt)) {
        free(file);
        return -ENOMEM;
    }
    b->changed = b->changed || (file && (!b->file || strcmp(file, b->file) != 0));
    free(b->file);
    free(b->exempt);
    b->file = file;
    b->exempt = exempt;
    b->n_exempt = n_exempt;
    b->max = c->bans.max;
    b->prefix6 = c->bans.prefix6;
    return 0;
}

int bans_finish(struct bans *b, const struct config *c, bool done, char *why, size_t why_size)
{
    if (!done) {
        drop_next(b);
        delete_other_sets(b, b->prefix6);
        return 0;
    }
    int err = b->next ? take_next(b) : 0;
    if (!err)
        err = take_settings(b, c);
    if (err) {
        snprintf(why, why_size, "out of memory");
        return err;
    }
    delete_other_sets(b, b->prefix6);
    lift_surplus(b);
    return bans_commit(b, why, why_size);
}

/* The file. */

static bool take_line(const struct ban_line *line, void *ctx)
{
    struct bans *b = ctx;
    int64_t now = time(NULL), left = line->ends - now, whole = line->ends - line->since;
    /* Where the clock was set back, a ban does not get longer than it was. */
    left = left < whole ? left : whole;
    if (left <= 0)
        return true;
    uint64_t ms = (uint64_t)left * 1000 < BAN_FOREVER_MS ? (uint64_t)left * 1000 : BAN_FOREVER_MS;
    return insert(b, &line->addr, b->now_ms() + ms, line->since, line->reason) != BAN_NO_MEMORY;
}

struct bans *bans_open(const struct config *c, struct diag *d)
{
    struct bans *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->now_ms = monotonic_ms;
    if (ban_table_init(&b->table) || take_settings(b, c)) {
        bans_close(b);
        return NULL;
    }
    if (b->file)
        ban_file_read(b->file, 2 * (size_t)b->max + 1000, take_line, b, d);
    b->changed = false;
    return b;
}

static void free_save(struct save *s)
{
    if (!s)
        return;
    free(s->file);
    free(s->lines);
    free(s);
}

static struct save *copy_bans(const struct bans *b)
{
    uint64_t now = b->now_ms();
    int64_t wall = time(NULL);
    struct save *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->file = strdup(b->file);
    s->lines = calloc(b->table.n + 1, sizeof *s->lines);
    if (!s->file || !s->lines) {
        free_save(s);
        return NULL;
    }
    for (uint32_t i = 0; i < b->table.n; i++) {
        const struct ban_entry *e = &b->table.at[b->table.heap[i]];
        int64_t ends = wall + (int64_t)((left_ms(e, now) + 999) / 1000);
        struct ban_line line = {.addr = e->addr, .ends = ends, .since = e->since < ends ? e->since : ends};
        memcpy(line.reason, e->reason, sizeof line.reason);
        if (e->ends > now)
            s->lines[s->n++] = line;
    }
    return s;
}

static void *write_saved(void *ctx)
{
    struct save *s = ctx;
    s->err = ban_file_write(s->file, s->lines, s->n);
    atomic_store(&s->done, true);
    return NULL;
}

static int tell_save(struct bans *b, const char *file, int err, char *why, size_t why_size)
{
    bool told = err == b->save_error;
    b->save_error = err;
    b->changed = b->changed || err;
    if (!err || told)
        return 0;
    snprintf(why, why_size, "%s: cannot keep the bans: %s", file, strerror(-err));
    return err;
}

/* Waits for the thread that writes, if there is one. */
static int end_saving(struct bans *b, char *why, size_t why_size)
{
    struct save *s = b->saving;
    if (!s)
        return 0;
    pthread_join(s->thread, NULL);
    b->saving = NULL;
    int err = tell_save(b, s->file, s->err, why, why_size);
    free_save(s);
    return err;
}

/* No signal is the new thread's business. */
static int start_thread(struct save *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&s->thread, NULL, write_saved, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -err;
}

static int begin_saving(struct bans *b, char *why, size_t why_size)
{
    struct save *s = copy_bans(b);
    int err = s ? start_thread(s) : -ENOMEM;
    b->saved_at = b->now_ms();
    if (err) {
        free_save(s);
        return tell_save(b, b->file, err, why, why_size);
    }
    b->saving = s;
    b->changed = false;
    return 0;
}

int bans_tick(struct bans *b, char *why, size_t why_size)
{
    uint64_t now = b->now_ms();
    struct ban_entry *e;
    while ((e = ban_table_soonest(&b->table)) && e->ends + FORGET_AFTER_MS <= now)
        (void)ban_table_remove(&b->table, e, false);
    if (b->saving)
        return atomic_load(&b->saving->done) ? end_saving(b, why, why_size) : 0;
    if (!b->file || !b->changed || now - b->saved_at < SAVE_EVERY_MS)
        return 0;
    return begin_saving(b, why, why_size);
}

int bans_save(struct bans *b, char *why, size_t why_size)
{
    (void)end_saving(b, why, why_size);
    if (!b->file || !b->changed)
        return 0;
    struct save *s = copy_bans(b);
    int err = s ? ban_file_write(s->file, s->lines, s->n) : -ENOMEM;
    free_save(s);
    b->changed = err != 0;
    if (err)
        snprintf(why, why_size, "%s: cannot keep the bans: %s", b->file, strerror(-err));
    return err;
}

void bans_close(struct bans *b)
{
    char ignored[256];
    if (!b)
        return;
    (void)end_saving(b, ignored, sizeof ignored);
    drop_next(b);
    ban_table_free(&b->table);
    free(b->exempt);
    free(b->file);
    free(b);
}
