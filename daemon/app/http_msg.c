/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "app/http_internal.h"

struct http_msg *http_msg_new(struct http *h)
{
    struct arena a = {0};
    struct http_msg *m = arena_alloc(&a, sizeof *m);
    if (!m)
        return NULL;
    m->arena = a;
    m->tx.number = ++h->requests;
    m->want = h->opt.want;
    m->reading = true;
    return m;
}

void http_msg_release(struct http *h, struct http_msg *m)
{
    if (m->reading || m->waiting || h->at == m)
        return;
    struct arena a = m->arena; /* m lies in it */
    if (m->tx.judged && h->opt.ends)
        h->opt.ends(&m->tx);
    free(m->body.data);
    free(m->response.data);
    arena_free(&a);
}

static uint8_t *due_at(struct http *h, unsigned i)
{
    uint8_t *ring = h->due_cap > DUE_FEW ? h->due.many : h->due.few;
    return &ring[(h->due_head + i) & (h->due_cap - 1u)];
}

static bool due_grow(struct http *h)
{
    if (!h->due_cap) {
        h->due_cap = DUE_FEW;
        return true;
    }
    uint8_t *many = h->due_cap >= DUE_MOST ? NULL : malloc((size_t)h->due_cap * 2);
    if (!many)
        return false;
    for (unsigned i = 0; i < h->due_n; i++)
        many[i] = *due_at(h, i);
    if (h->due_cap > DUE_FEW)
        free(h->due.many);
    h->due.many = many;
    h->due_head = 0;
    h->due_cap = (uint16_t)(h->due_cap * 2);
    return true;
}

int http_due_push(struct http *h, struct http_msg *m, unsigned flags)
{
    if (h->due_n == h->due_cap && !due_grow(h))
        return h->due_cap == DUE_MOST ? -ENOSPC : -ENOMEM;
    if (m) {
        m->waiting = true;
        flags |= DUE_TX;
        if (h->newest)
            h->newest->next = m;
        else
            h->first = m;
        h->newest = m;
    }
    *due_at(h, h->due_n++) = (uint8_t)flags;
    if (flags & (DUE_CONNECT | DUE_UPGRADE))
        h->upgrades++;
    h->current = true;
    h->current_done = false;
    return 0;
}

int http_due_peek(const struct http *h, struct http_msg **m)
{
    *m = NULL;
    if (!h->due_n)
        return -1;
    const uint8_t *ring = h->due_cap > DUE_FEW ? h->due.many : h->due.few;
    if (ring[h->due_head] & DUE_TX)
        *m = h->first;
    return ring[h->due_head];
}

void http_due_settle(struct http *h)
{
    if (!h->due_n || !(*due_at(h, 0) & DUE_TX))
        return;
    struct http_msg *m = h->first;
    *due_at(h, 0) &= (uint8_t)~DUE_TX;
    h->first = m->next;
    if (!h->first)
        h->newest = NULL;
    m->next = NULL;
    m->waiting = false;
    http_msg_release(h, m);
}

void http_due_pop(struct http *h)
{
    if (!h->due_n)
        return;
    http_due_settle(h);
    if (*due_at(h, 0) & (DUE_CONNECT | DUE_UPGRADE))
        h->upgrades--;
    h->due_head = (uint16_t)((h->due_head + 1u) & (h->due_cap - 1u));
    if (--h->due_n)
        return;
    h->current = false;
    if (h->due_cap > DUE_FEW)
        free(h->due.many);
    h->due_cap = h->due_head = 0;
}

void http_due_clear(struct http *h)
{
    while (h->due_n)
        http_due_pop(h);
}

static size_t msg_memory(const struct http_msg *m)
{
    return arena_size(&m->arena) + m->body.cap + m->response.cap;
}

static size_t reader_memory(const struct http *h, const struct http_reader *r)
{
    if (!r)
        return 0;
    size_t n = sizeof *r + r->cap + http_decoder_memory(r->decoder);
    if (r->m && !r->m->waiting && r->m != h->at)
        n += msg_memory(r->m);
    return n;
}

size_t http_due_memory(const struct http *h)
{
    size_t n = h->due_cap > DUE_FEW ? h->due_cap : 0;
    for (const struct http_msg *m = h->first; m; m = m->next)
        n += msg_memory(m);
    if (h->at && !h->at->waiting)
        n += msg_memory(h->at);
    return n + reader_memory(h, h->side[0].r) + reader_memory(h, h->side[1].r);
}
