/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/internal.h"

/* Forged sources are many: events of them are told by a part of their hash, and so bounded. */
#define SPOOFED_SLOTS 256u

struct detect {
    _Atomic unsigned owners;
    size_t workers;
    struct config_detector is[DETECTORS]; /* as set */
    struct net_ranges inside;
    struct hash_key key;
    struct scan *scan; /* NULL: off */
    struct syn *syn;   /* NULL: off */
    _Atomic uint64_t spoofed_told[SPOOFED_SLOTS];
};

/* ---- made and freed ---- */

static const enum detector_id ours[] = {DETECT_SPOOFED, DETECT_SYN_FLOOD, DETECT_SCAN};

static bool is_on(const struct detect *d, enum detector_id id)
{
    return d->is[id].action != DETECT_OFF;
}

static void release(struct detect *d)
{
    scan_free(d->scan);
    syn_free(d->syn);
    nets_free(&d->inside);
    free(d);
}

static bool says_the_same(const struct detect *a, const struct detect *b)
{
    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        const struct config_detector *x = &a->is[ours[i]], *y = &b->is[ours[i]];
        if (x->action != y->action || x->threshold != y->threshold || x->per != y->per)
            return false;
    }
    return a->workers == b->workers && nets_equal(&a->inside, &b->inside);
}

static bool make_tables(struct detect *d)
{
    const struct config_detector *scan = &d->is[DETECT_SCAN], *syn = &d->is[DETECT_SYN_FLOOD];
    if (!hash_key_new(&d->key))
        return false;
    if (scan->action != DETECT_OFF && !(d->scan = scan_new(scan->threshold, scan->per)))
        return false;
    return syn->action == DETECT_OFF || (d->syn = syn_new(syn->threshold, syn->action != DETECT_LOG, d->workers));
}

struct detect *detect_new(const struct config *c, size_t workers, struct detect *before)
{
    struct detect *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    atomic_init(&d->owners, 1);
    d->workers = workers ? workers : 1;
    memcpy(d->is, c->detect, sizeof d->is);
    if (nets_read(&c->networks.inside, &d->inside)) {
        release(d);
        return NULL;
    }
    if (before && says_the_same(before, d)) {
        release(d);
        atomic_fetch_add(&before->owners, 1);
        return before;
    }
    if (!make_tables(d)) {
        release(d);
        return NULL;
    }
    return d;
}

void detect_free(struct detect *d)
{
    if (d && atomic_fetch_sub(&d->owners, 1) == 1)
        release(d);
}

size_t detect_memory(const struct detect *d)
{
    size_t n = sizeof *d + (d->inside.n4 + d->inside.n6) * sizeof *d->inside.v4;
    return n + (d->scan ? scan_memory() : 0) + (d->syn ? syn_memory(d->syn, d->workers) : 0);
}

unsigned detect_needs(const struct config *c)
{
    unsigned needs = 0;
    if (c->detect[DETECT_SCAN].action != DETECT_OFF)
        needs |= DETECT_NEEDS_SCAN;
    if (c->detect[DETECT_SYN_FLOOD].action != DETECT_OFF)
        needs |= DETECT_NEEDS_SYN;
    if (c->detect[DETECT_SPOOFED].action != DETECT_OFF)
        needs |= DETECT_NEEDS_SPOOFED;
    return needs;
}

bool tell(_Atomic uint64_t *word, uint64_t now_ms, uint64_t *held_back)
{
    uint64_t was = atomic_load_explicit(word, memory_order_relaxed), next;
    bool now;
    do {
        /* The upper half when it was told, never 0 once it was; the lower half how often it was not. */
        uint32_t told = (uint32_t)(was >> 32), missed = (uint32_t)was;
        now = !told || ago(now_ms, told, 32, AHEAD_MS) >= TELL_EACH_MS;
        *held_back = missed;
        uint32_t stamp = (uint32_t)now_ms ? (uint32_t)now_ms : 1;
        next = now ? (uint64_t)stamp << 32 : missed == UINT32_MAX ? was : was + 1;
    } while (!atomic_compare_exchange_weak_explicit(word, &was, next, memory_order_relaxed, memory_order_relaxed));
    return now;
}

/* ---- packets ---- */

static bool comes_from(const struct packet *p, enum side side)
{
    return p->meta.in_dev && p->meta.in_dev->side == side;
}

/* Whether it goes to what we guard. Where nobody has said what that is: what does not come from inside. */
static bool is_guarded(const struct detect *d, const struct packet *p)
{
    if (d->inside.n4 + d->inside.n6)
        return nets_have(&d->inside, &p->dst);
    return !comes_from(p, SIDE_INSIDE);
}

static bool find_spoofed(struct detect *d, const struct packet *p, uint64_t now_ms, struct finding *ret)
{
    if (!comes_from(p, SIDE_OUTSIDE) || !nets_have(&d->inside, &p->src))
        return false;
    uint64_t slot = hash_addr(&d->key, &p->src, DETECT_SPOOFED) % SPOOFED_SLOTS;
    *ret = (struct finding){.id = DETECT_SPOOFED, .action = d->is[DETECT_SPOOFED].action, .source = p->src, .count = 1};
    ret->event = tell(&d->spoofed_told[slot], now_ms, &ret->held_back);
    return true;
}

static bool find_scan(struct detect *d, const struct packet *p, uint64_t source, uint64_t now_ms, struct finding *ret)
{
    bool has_port = p->l4 != L4_ICMP && p->l4 != L4_ICMPV6;
    uint64_t beside = (uint64_t)p->ip_proto << 16 | (has_port ? p->dstport : 0);
    struct scan_result r;
    if (!scan_try(d->scan, source, hash_addr(&d->key, &p->dst, beside), now_ms, &r))
        return false;
    *ret = (struct finding){.id = DETECT_SCAN,
                            .action = d->is[DETECT_SCAN].action,
                            .event = r.event,
                            .source = p->src,
                            .count = r.targets,
                            .held_back = r.held_back};
    return true;
}

static bool is_first_syn(const struct packet *p)
{
    return p->l4 == L4_TCP && (p->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK | TCP_FLAG_RST)) == TCP_FLAG_SYN;
}

static bool find_flood(struct detect *d, size_t worker, const struct packet *p, uint64_t source, uint64_t now_ms,
                       struct finding *ret)
{
    uint64_t beside = (uint64_t)p->tcp_seq << 32 | (uint64_t)p->srcport << 16 | p->dstport;
    uint64_t syn = hash_fold(source ^ d->key.k[1], hash_addr(&d->key, &p->dst, beside) | 1);
    if (!syn_first(d->syn, worker, source, syn, now_ms))
        return false;
    *ret = (struct finding){.id = DETECT_SYN_FLOOD,
                            .action = d->is[DETECT_SYN_FLOOD].action,
                            .source = p->src,
                            .count = syn_half_open(d->syn)};
    return true;
}

/* Conntrack has checked its numbers: the client has seen the server's SYN-ACK. */
static bool shows_handshake(const struct packet *p)
{
    return p->l4 == L4_TCP && p->meta.ct_state == CT_ESTABLISHED && p->meta.ct_dir == CT_DIR_ORIGINAL && p->payload.len;
}

bool detect_packet(struct detect *d, size_t worker, const struct packet *p, uint64_t now_ms, struct finding *ret)
{
    if (!p->ip_version)
        return false;
    if (is_on(d, DETECT_SPOOFED) && find_spoofed(d, p, now_ms, ret))
        return true;
    bool challenged = d->syn && syn_challenges(d->syn);
    bool probe = d->scan && scan_is_probe(p), syn = challenged && is_first_syn(p);
    bool handshake = challenged && shows_handshake(p);
    if ((!probe && !syn && !handshake) || !is_guarded(d, p))
        return false;
    uint64_t source = hash_addr(&d->key, &p->src, 0);
    if (handshake)
        syn_completed(d->syn, source, now_ms);
    if (probe && find_scan(d, p, source, now_ms, ret) && (ret->action != DETECT_LOG || ret->event || !syn))
        return true;
    return syn && find_flood(d, worker, p, source, now_ms, ret);
}

bool detect_half_open(struct detect *d, size_t worker, size_t half_open, uint64_t now_ms, struct finding *ret)
{
    uint64_t figure;
    if (!d->syn)
        return false;
    enum syn_change change = syn_told(d->syn, worker, half_open, now_ms, &figure);
    if (change == SYN_SAME)
        return false;
    *ret = (struct finding){.id = DETECT_SYN_FLOOD,
                            .action = d->is[DETECT_SYN_FLOOD].action,
                            .event = true,
                            .over = change == SYN_ENDS,
                            .count = figure};
    return true;
}
