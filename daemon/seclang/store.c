/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/store.h"

#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/sip.h"
#include "seclang/number.h"

#define SHARDS 16
#define NEVER UINT64_MAX

/* Members lie one behind the other in a collection's bytes: this head, the name, the value. */
struct member {
    uint64_t expires_ms;
    uint32_t name, value; /* lengths; no value: NO_VALUE */
};

#define NO_VALUE UINT32_MAX

struct collection {
    struct collection *next;          /* of its bucket */
    struct collection *newer, *older; /* by when it was written to */
    uint64_t hash, written_ms;
    uint32_t key, used, size; /* bytes */
    uint8_t kind;
    uint8_t bytes[]; /* the key, then members up to used */
};

struct shard {
    pthread_mutex_t lock;
    struct collection **buckets, *newest, *oldest;
    uint32_t mask, n, max;
};

struct seclang_store {
    struct shard shards[SHARDS];
    uint64_t sip_key[2];
    _Atomic uint32_t timeout_s, users;
};

static uint32_t power_of_two(uint32_t n)
{
    uint32_t p = 16;
    while (p < n && p < (1u << 30))
        p *= 2;
    return p;
}

struct seclang_store *store_new(uint32_t entries, uint32_t timeout_s)
{
    struct seclang_store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->users = 1;
    s->timeout_s = timeout_s;
    bool ok = getrandom(s->sip_key, sizeof s->sip_key, 0) == sizeof s->sip_key;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *sh = &s->shards[i];
        sh->max = entries / SHARDS + 1;
        sh->mask = power_of_two(sh->max) - 1;
        sh->buckets = calloc((size_t)sh->mask + 1, sizeof(struct collection *));
        pthread_mutex_init(&sh->lock, NULL);
        ok = ok && sh->buckets;
    }
    if (ok)
        return s;
    store_unref(s);
    return NULL;
}

struct seclang_store *store_ref(struct seclang_store *s)
{
    s->users++;
    return s;
}

void store_unref(struct seclang_store *s)
{
    if (!s || --s->users)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        for (struct collection *c = s->shards[i].newest, *older; c; c = older) {
            older = c->older;
            free(c);
        }
        free(s->shards[i].buckets);
        pthread_mutex_destroy(&s->shards[i].lock);
    }
    free(s);
}

void store_set_timeout(struct seclang_store *s, uint32_t timeout_s)
{
    s->timeout_s = timeout_s;
}

static struct collection **bucket(struct shard *sh, uint64_t hash)
{
    return &sh->buckets[(hash >> 8) & sh->mask];
}

/* Out of the order of writing. */
static void unlink_age(struct shard *sh, struct collection *c)
{
    *(c->newer ? &c->newer->older : &sh->newest) = c->older;
    *(c->older ? &c->older->newer : &sh->oldest) = c->newer;
}

static void link_newest(struct shard *sh, struct collection *c)
{
    c->newer = NULL;
    c->older = sh->newest;
    *(sh->newest ? &sh->newest->newer : &sh->oldest) = c;
    sh->newest = c;
}

static void drop(struct shard *sh, struct collection *c)
{
    struct collection **at = bucket(sh, c->hash);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    unlink_age(sh, c);
    sh->n--;
    free(c);
}

/* A shard, locked, and where in it the collection is. */
struct held {
    struct shard *shard;
    struct collection *c; /* or NULL */
    uint64_t hash;
};

static struct held hold(struct seclang_store *s, const struct store_at *at)
{
    struct sip h = sip_begin(s->sip_key);
    sip_add(&h, at->kind);
    sip_add_bytes(&h, at->key.data, at->key.len);
    struct held r = {.hash = sip_end(&h)};
    r.shard = &s->shards[r.hash % SHARDS];
    pthread_mutex_lock(&r.shard->lock);
    for (r.c = *bucket(r.shard, r.hash); r.c; r.c = r.c->next)
        if (r.c->hash == r.hash && r.c->kind == at->kind && r.c->key == at->key.len &&
            (!at->key.len || !memcmp(r.c->bytes, at->key.data, at->key.len)))
            break;
    uint64_t lives_ms = (uint64_t)s->timeout_s * 1000;
    if (r.c && at->now_ms > r.c->written_ms && at->now_ms - r.c->written_ms >= lives_ms) {
        drop(r.shard, r.c);
        r.c = NULL;
    }
    return r;
}

static void let_go(struct held *h)
{
    pthread_mutex_unlock(&h->shard->lock);
}

static struct member member_at(const struct collection *c, uint32_t at)
{
    struct member m;
    memcpy(&m, c->bytes + at, sizeof m);
    return m;
}

static uint32_t member_size(const struct member *m)
{
    return (uint32_t)sizeof *m + m->name + (m->value == NO_VALUE ? 0 : m->value);
}

static bool same_name(const struct collection *c, uint32_t at, const struct member *m, struct span name)
{
    const char *there = (const char *)c->bytes + at + sizeof *m;
    return m->name == name.len && (!name.len || !strncasecmp(there, (const char *)name.data, name.len));
}

static void cut(struct collection *c, uint32_t at)
{
    struct member m = member_at(c, at);
    uint32_t n = member_size(&m);
    memmove(c->bytes + at, c->bytes + at + n, c->used - at - n);
    c->used -= n;
}

/* Where the member is; false where it is not. What has expired goes. */
static bool find(struct collection *c, struct span name, uint64_t now_ms, uint32_t *at, struct member *m)
{
    for (*at = c ? c->key : 0; c && *at < c->used;) {
        *m = member_at(c, *at);
        if (m->expires_ms <= now_ms)
            cut(c, *at);
        else if (same_name(c, *at, m, name))
            return true;
        else
            *at += member_size(m);
    }
    return false;
}

static struct span value_at(const struct collection *c, uint32_t at, const struct member *m)
{
    return span_of(c->bytes + at + sizeof *m + m->name, m->value);
}

long store_get(struct seclang_store *s, const struct store_at *at, struct span name, void *buf, size_t size)
{
    struct held h = hold(s, at);
    struct member m;
    uint32_t where;
    long n = -1;
    if (find(h.c, name, at->now_ms, &where, &m) && m.value != NO_VALUE) {
        n = m.value;
        memcpy(buf, value_at(h.c, where, &m).data, m.value < size ? m.value : size);
    }
    let_go(&h);
    return n;
}

/* Makes the collection, in place of the oldest where no room is left. */
static bool make(struct held *h, const struct store_at *at)
{
    struct shard *sh = h->shard;
    if (at->key.len > STORE_COLLECTION_BYTES / 2)
        return false;
    uint32_t size = (uint32_t)at->key.len + 96;
    struct collection *c = malloc(sizeof *c + size);
    if (!c)
        return false;
    if (sh->n >= sh->max)
        drop(sh, sh->oldest);
    *c = (struct collection){.hash = h->hash, .kind = at->kind, .key = (uint32_t)at->key.len, .size = size};
    if (c->key)
        memcpy(c->bytes, at->key.data, c->key);
    c->used = c->key;
    c->next = *bucket(sh, h->hash);
    *bucket(sh, h->hash) = c;
    link_newest(sh, c);
    sh->n++;
    h->c = c;
    return true;
}

static bool grow(struct held *h, uint32_t more)
{
    struct collection *c = h->c;
    if (c->size - c->used >= more)
        return true;
    if (c->used - c->key + more > STORE_COLLECTION_BYTES)
        return false;
    uint32_t size = c->used + more + c->size / 2;
    struct collection **at = bucket(h->shard, c->hash);
    while (*at != c)
        at = &(*at)->next;
    struct collection *bigger = realloc(c, sizeof *c + size);
    if (!bigger)
        return false;
    bigger->size = size;
    *at = bigger;
    *(bigger->newer ? &bigger->newer->older : &h->shard->newest) = bigger;
    *(bigger->older ? &bigger->older->newer : &h->shard->oldest) = bigger;
    h->c = bigger;
    return true;
}

/* Puts a member behind the others. */
static bool append(struct held *h, struct span name, struct span value, bool has_value, uint64_t expires_ms)
{
    if (name.len > STORE_COLLECTION_BYTES || value.len > STORE_COLLECTION_BYTES)
        return false;
    struct member m = {.expires_ms = expires_ms, .name = (uint32_t)name.len};
    m.value = has_value ? (uint32_t)value.len : NO_VALUE;
    if (!grow(h, member_size(&m)))
        return false;
    uint8_t *to = h->c->bytes + h->c->used;
    memcpy(to, &m, sizeof m);
    if (m.name)
        memcpy(to + sizeof m, name.data, name.len);
    if (has_value && value.len)
        memcpy(to + sizeof m + name.len, value.data, value.len);
    h->c->used += member_size(&m);
    return true;
}

/* The collection was written to. */
static void touch(struct held *h, uint64_t now_ms)
{
    h->c->written_ms = now_ms;
    unlink_age(h->shard, h->c);
    link_newest(h->shard, h->c);
}

static bool put(struct held *h, const struct store_at *at, struct span name, struct span value)
{
    struct member m;
    uint32_t where;
    uint64_t expires_ms = NEVER;
    if (!h->c && !make(h, at))
        return false;
    touch(h, at->now_ms);
    if (find(h->c, name, at->now_ms, &where, &m)) {
        expires_ms = m.expires_ms;
        if (m.value == value.len) {
            if (value.len)
                memcpy(h->c->bytes + where + sizeof m + m.name, value.data, value.len);
            return true;
        }
        cut(h->c, where);
    }
    return append(h, name, value, true, expires_ms);
}

bool store_set(struct seclang_store *s, const struct store_at *at, struct span name, struct span value)
{
    struct held h = hold(s, at);
    bool ok = put(&h, at, name, value);
    let_go(&h);
    return ok;
}

bool store_add(struct seclang_store *s, const struct store_at *at, struct span name, int32_t n)
{
    struct held h = hold(s, at);
    struct member m;
    uint32_t where;
    int32_t old = 0;
    char text[NUMBER_TEXT];
    if (find(h.c, name, at->now_ms, &where, &m) && m.value != NO_VALUE)
        old = number_of(value_at(h.c, where, &m));
    bool ok = put(&h, at, name, number_text((int32_t)((uint32_t)old + (uint32_t)n), text));
    let_go(&h);
    return ok;
}

void store_delete(struct seclang_store *s, const struct store_at *at, struct span name)
{
    struct held h = hold(s, at);
    struct member m;
    uint32_t where;
    if (find(h.c, name, at->now_ms, &where, &m))
        cut(h.c, where);
    let_go(&h);
}

void store_expire(struct seclang_store *s, const struct store_at *at, struct span name, uint32_t seconds)
{
    struct held h = hold(s, at);
    struct member m;
    uint32_t where;
    uint64_t expires_ms = at->now_ms + (uint64_t)seconds * 1000;
    if (h.c || make(&h, at)) {
        touch(&h, at->now_ms);
        if (find(h.c, name, at->now_ms, &where, &m)) {
            m.expires_ms = expires_ms;
            memcpy(h.c->bytes + where, &m, sizeof m);
        } else {
            (void)append(&h, name, span_of(NULL, 0), false, expires_ms);
        }
    }
    let_go(&h);
}

uint32_t store_each(struct seclang_store *s, const struct store_at *at, void *buf, size_t size,
                    struct store_member *ret, uint32_t max)
{
    struct held h = hold(s, at);
    uint8_t *to = buf;
    uint32_t n = 0;
    for (uint32_t i = h.c ? h.c->key : 0; h.c && i < h.c->used;) {
        struct member m = member_at(h.c, i);
        if (m.value != NO_VALUE && m.expires_ms > at->now_ms && n < max && size >= (size_t)m.name + m.value) {
            memcpy(to, h.c->bytes + i + sizeof m, (size_t)m.name + m.value);
            ret[n++] = (struct store_member){span_of(to, m.name), span_of(to + m.name, m.value)};
            to += m.name + m.value;
            size -= (size_t)m.name + m.value;
        }
        i += member_size(&m);
    }
    let_go(&h);
    return n;
}

size_t store_count(struct seclang_store *s)
{
    size_t n = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&s->shards[i].lock);
        n += s->shards[i].n;
        pthread_mutex_unlock(&s->shards[i].lock);
    }
    return n;
}
