/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/mman.h>

#include "flow/internal.h"

/* Entries come from slabs and go back to a list of unused ones; addresses stay. */
#define SLAB_FLOWS 256u
#define BUCKETS_AT_START 1024u
#define ID_MASK ((1ull << 53) - 1)
/* Flows that keep bytes may lose them after this time without a packet, where others need memory. */
#define STALE_MS 10000u
#define RELIEVE_MOST 8u
#define GIVE_UP_MOST 256u
/* A quiet flow rests after this time without a packet; so many at a time. */
#define REST_MS 1000u
/* A quiet flow that seems to be half open may be open: it stays so long. */
#define UNSURE_OPEN_S 600u
/* Condemned flows may be evicted after this time; the oldest half-open one at once, lest a flood keep clients out. */
#define EVICT_MS 1000u
/* A flow moves to the end of its list so often at most. */
#define TOUCH_MS 100u

struct flow_slab {
    struct flow_slab *next;
    struct flow flows[SLAB_FLOWS];
};

static size_t bucket_of(const struct flow_table *t, uint32_t hash)
{
    size_t i = hash & (2 * t->level - 1);
    return i < t->n_buckets ? i : hash & (t->level - 1);
}

static bool map_more(struct flow_table *t)
{
    size_t size = t->mapped * 2;
    void *at = mremap(t->buckets, t->mapped, size, MREMAP_MAYMOVE);
    if (at == MAP_FAILED)
        return false;
    t->buckets = at;
    t->mapped = size;
    return true;
}

/* Splits the next bucket in turn into itself and a new last one. */
static void split_bucket(struct flow_table *t)
{
    if (t->n_buckets * sizeof *t->buckets == t->mapped && !map_more(t))
        return; /* longer chains, no harm */
    size_t from = t->n_buckets - t->level;
    if (++t->n_buckets == 2 * t->level)
        t->level *= 2;
    struct flow *f = t->buckets[from];
    t->buckets[from] = NULL;
    while (f) {
        struct flow *next = f->hash_next, **to = &t->buckets[bucket_of(t, f->hash)];
        f->hash_next = *to;
        *to = f;
        f = next;
    }
}

static void hash_insert(struct flow_table *t, struct flow *f)
{
    if (t->counts.flows > t->n_buckets)
        split_bucket(t);
    struct flow **at = &t->buckets[bucket_of(t, f->hash)];
    f->hash_next = *at;
    *at = f;
}

static void hash_remove(struct flow_table *t, const struct flow *f)
{
    struct flow **at = &t->buckets[bucket_of(t, f->hash)];
    while (*at != f)
        at = &(*at)->hash_next;
    *at = f->hash_next;
}

static bool is_end(const struct flow *f, int end, const struct ip_addr *addr, uint16_t port)
{
    return f->port[end] == port && ip_addr_equal(&f->addr[end], addr);
}

struct flow *table_find(const struct flow_table *t, const struct packet *p, enum flow_dir *ret)
{
    uint32_t hash = hash_packet(t->key, p);
    for (struct flow *f = t->buckets[bucket_of(t, hash)]; f; f = f->hash_next) {
        if (f->hash != hash)
            continue;
        for (int end = 0; end < 2; end++) {
            if (is_end(f, end, &p->src, p->srcport) && is_end(f, !end, &p->dst, p->dstport)) {
                *ret = end == 0 ? TO_SERVER : TO_CLIENT;
                return f;
            }
        }
    }
    return NULL;
}

static void list_remove(struct flow_table *t, struct flow *f)
{
    struct flow_list *l = &t->lists[f->listed];
    *(f->older ? &f->older->newer : &l->oldest) = f->newer;
    *(f->newer ? &f->newer->older : &l->newest) = f->older;
    t->counts.by_state[f->listed % FLOW_STATES]--;
}

static bool may_be_open(const struct flow *f)
{
    return f->quiet && f->state == FLOW_SYN_RECEIVED;
}

static enum flow_class class_of(const struct flow *f)
{
    bool keeps = f->stream[0].kept + f->stream[1].kept > 0, waits = f->stream[0].held + f->stream[1].held > 0;
    if (may_be_open(f))
        return CLASS_REST;
    if (!keeps)
        return CLASS_PLAIN;
    if (!f->quiet || waits)
        return CLASS_KEEPS;
    return f->resting ? CLASS_REST : CLASS_QUIET;
}

static uint8_t list_of(const struct flow *f)
{
    return (uint8_t)(f->state + (unsigned)class_of(f) * FLOW_STATES);
}

static void list_append(struct flow_table *t, struct flow *f)
{
    f->listed = list_of(f);
    struct flow_list *l = &t->lists[f->listed];
    f->older = l->newest;
    f->newer = NULL;
    *(l->newest ? &l->newest->newer : &l->oldest) = f;
    l->newest = f;
    t->counts.by_state[f->state]++;
}

static void list_move(struct flow_table *t, struct flow *f)
{
    list_remove(t, f);
    list_append(t, f);
}

void table_touch(struct flow_table *t, struct flow *f)
{
    if (f->listed == list_of(f) && t->now_ms - f->seen_ms < TOUCH_MS)
        return; /* its neighbours in the list are cache misses */
    f->seen_ms = t->now_ms;
    list_move(t, f);
}

static bool more_flows(struct flow_table *t)
{
    struct flow_slab *slab = calloc(1, sizeof *slab);
    if (!slab)
        return false;
    slab->next = t->slabs;
    t->slabs = slab;
    for (size_t i = SLAB_FLOWS; i-- > 0;) {
        slab->flows[i].hash_next = t->unused;
        t->unused = &slab->flows[i];
    }
    return true;
}

bool table_idle(const struct flow_table *t, const struct flow *f, uint64_t ms)
{
    return t->now_ms - f->seen_ms >= ms;
}

bool table_timed_out(const struct flow_table *t, const struct flow *f)
{
    uint32_t s = t->opt.timeout_s[f->state];
    if (may_be_open(f) && s < UNSURE_OPEN_S && s < t->opt.timeout_s[FLOW_ESTABLISHED])
        s = t->opt.timeout_s[FLOW_ESTABLISHED] < UNSURE_OPEN_S ? t->opt.timeout_s[FLOW_ESTABLISHED] : UNSURE_OPEN_S;
    return table_idle(t, f, s * 1000ull);
}

/* What costs least to lose. NULL where all flows are of use. */
static struct flow *victim(const struct flow_table *t)
{
    static const struct {
        enum flow_state state;
        uint64_t idle_ms;
    } order[] = {{FLOW_CLOSED, 0}, {FLOW_SYN_SENT, 0}, {FLOW_CONDEMNED, EVICT_MS}, {FLOW_SYN_RECEIVED, 0}};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        for (unsigned class = 0; class < FLOW_CLASSES; class ++) {
            struct flow *f = t->lists[order[i].state + class * FLOW_STATES].oldest;
            if (f && table_idle(t, f, order[i].idle_ms))
                return f;
        }
    }
    return NULL;
}

static bool make_room(struct flow_table *t)
{
    if (t->counts.flows >= t->opt.flows) {
        struct flow *f = victim(t);
        if (!f)
            return false;
        table_end(t, f);
        t->counts.evicted++;
    }
    return t->unused || more_flows(t);
}

struct flow *table_add(struct flow_table *t, const struct packet *p, bool from_server)
{
    if (!make_room(t))
        return NULL;
    struct flow *f = t->unused;
    t->unused = f->hash_next;
    *f = (struct flow){.seen_ms = t->now_ms, .hash = hash_packet(t->key, p)};
    f->addr[from_server] = p->src;
    f->addr[!from_server] = p->dst;
    f->port[from_server] = p->srcport;
    f->port[!from_server] = p->dstport;
    do
        f->id = t->next_id++ & ID_MASK;
    while (f->id == 0);
    t->counts.flows++;
    t->counts.begun++;
    hash_insert(t, f);
    list_append(t, f);
    return f;
}

void table_end(struct flow_table *t, struct flow *f)
{
    if (t->opt.gone)
        t->opt.gone(t->opt.ctx, f);
    chunks_free(t, &f->stream[0]);
    chunks_free(t, &f->stream[1]);
    t->counts.memory -= f->charged;
    hash_remove(t, f);
    list_remove(t, f);
    t->counts.flows--;
    t->counts.ended++;
    f->hash_next = t->unused;
    t->unused = f;
}

void flow_end(struct flow_table *t, struct flow *f)
{
    table_end(t, f);
}

/* The flow that has kept bytes for longest without a packet. */
static struct flow *stale(const struct flow_table *t, const struct flow *keep)
{
    for (unsigned state = 0; state < FLOW_STATES; state++) {
        struct flow *f = t->lists[state + FLOW_STATES].oldest;
        if (f && f != keep && table_idle(t, f, STALE_MS))
            return f;
    }
    return NULL;
}

bool table_give_up(struct flow_table *t, const struct flow *keep, size_t need)
{
    unsigned left = GIVE_UP_MOST;
    for (unsigned i = 0; i < 2 * FLOW_STATES; i++) {
        enum flow_class class = i < FLOW_STATES ? CLASS_REST : CLASS_QUIET;
        if (i == FLOW_SYN_RECEIVED) /* they rest for another reason */
            continue;
        struct flow *f = t->lists[i % FLOW_STATES + (unsigned)class * FLOW_STATES].oldest, *newer;
        for (; f && t->counts.memory + need > t->opt.memory && left > 0; f = newer, left--) {
            newer = f->newer;
            if (f == keep)
                continue;
            chunks_give_up(t, &f->stream[TO_SERVER], f->stream[TO_SERVER].next, 0, f);
            list_move(t, f);
        }
    }
    return t->counts.memory + need <= t->opt.memory;
}

bool table_room(struct flow_table *t, const struct flow *keep, size_t need)
{
    if (t->counts.memory + need > t->opt.memory && table_give_up(t, keep, need))
        return true;
    for (unsigned i = 0; t->counts.memory + need > t->opt.memory; i++) {
        struct flow *f = i < RELIEVE_MOST ? stale(t, keep) : NULL;
        if (!f)
            return false;
        if (t->opt.open) {
            t->counts.blinded++;
            flow_blind(t, f);
        } else {
            t->counts.evicted++;
            flow_condemn(t, f);
        }
    }
    return true;
}

static void let_rest(struct flow_table *t, unsigned most)
{
    for (unsigned state = 0; state < FLOW_STATES; state++) {
        struct flow_list *l = &t->lists[state + CLASS_QUIET * FLOW_STATES];
        for (; most > 0 && l->oldest && table_idle(t, l->oldest, REST_MS); most--) {
            struct flow *f = l->oldest;
            quiet_rest(t, f);
            f->resting = true;
            list_move(t, f);
        }
    }
}

void flow_expire(struct flow_table *t, uint64_t now_ms, unsigned most)
{
    if (now_ms > t->now_ms)
        t->now_ms = now_ms;
    let_rest(t, most);
    for (unsigned i = 0; i < FLOW_LISTS && most > 0; i++) {
        struct flow_list *l = &t->lists[t->expire_at];
        for (; most > 0 && l->oldest && table_timed_out(t, l->oldest); most--)
            table_end(t, l->oldest);
        if (most > 0) /* so that one busy list cannot hold up the others for ever */
            t->expire_at = (t->expire_at + 1) % FLOW_LISTS;
    }
    if (most == 0)
        t->expire_at = (t->expire_at + 1) % FLOW_LISTS;
}

struct flow_table *flow_table_new(const struct flow_options *opt)
{
    struct flow_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->opt = *opt;
    t->n_buckets = t->level = BUCKETS_AT_START;
    t->mapped = BUCKETS_AT_START * sizeof *t->buckets;
    void *at = MAP_FAILED;
    if (hash_random(t->key, sizeof t->key) && hash_random(&t->next_id, sizeof t->next_id))
        at = mmap(NULL, t->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        free(t);
        return NULL;
    }
    t->buckets = at;
    return t;
}

void flow_table_free(struct flow_table *t)
{
    if (!t)
        return;
    for (unsigned i = 0; i < FLOW_LISTS; i++) {
        while (t->lists[i].oldest)
            table_end(t, t->lists[i].oldest);
    }
    while (t->slabs) {
        struct flow_slab *next = t->slabs->next;
        free(t->slabs);
        t->slabs = next;
    }
    munmap(t->buckets, t->mapped);
    free(t);
}

void flow_table_set(struct flow_table *t, const struct flow_options *opt)
{
    t->opt = *opt;
}

const struct flow_counts *flow_counts(const struct flow_table *t)
{
    return &t->counts;
}
