/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flow/internal.h"

static uint32_t chunk_end(const struct flow_chunk *c)
{
    return c->seq + c->len;
}

static uint32_t chunk_size(const struct flow_chunk *c)
{
    return (uint32_t)sizeof *c + c->room;
}

size_t chunk_cost(size_t len)
{
    size_t size = sizeof(struct flow_chunk) + len, least = len <= SMALL_SEGMENT ? CHUNK_SMALL : CHUNK_USUAL;
    return size < least ? least : size;
}

/* Appends to c what fits into its room; returns how much. */
static size_t chunk_fill(struct flow_chunk *c, struct span data)
{
    size_t room = c->room - c->from - c->len, n = data.len < room ? data.len : room;
    if (n > 0)
        memcpy(c->data + c->from + c->len, data.data, n);
    c->len += (uint32_t)n;
    return n;
}

static struct flow_chunk *chunk_new(struct flow_table *t, struct flow_stream *s, uint32_t seq, struct span data)
{
    size_t size = chunk_cost(data.len);
    struct flow_chunk *c = malloc(size);
    if (!c)
        return NULL;
    *c = (struct flow_chunk){.seq = seq, .room = (uint32_t)(size - sizeof *c)};
    chunk_fill(c, data);
    s->kept += (uint32_t)size;
    t->counts.memory += size;
    return c;
}

static void chunk_free(struct flow_table *t, struct flow_stream *s, struct flow_chunk *c)
{
    s->kept -= chunk_size(c);
    t->counts.memory -= chunk_size(c);
    free(c);
}

/* Drops the bytes before seq, which lies inside. */
static void chunk_cut(struct flow_chunk *c, uint32_t seq)
{
    uint32_t n = seq - c->seq;
    c->seq += n;
    c->from += n;
    c->len -= n;
}

static bool agrees(const struct flow_chunk *list, uint32_t seq, struct span data)
{
    uint32_t end = seq + (uint32_t)data.len;
    for (; list && seq_diff(list->seq, end) < 0; list = list->next) {
        uint32_t from = seq_max(seq, list->seq);
        uint32_t to = seq_diff(chunk_end(list), end) < 0 ? chunk_end(list) : end;
        if (seq_diff(to, from) > 0 &&
            memcmp(list->data + list->from + (from - list->seq), data.data + (from - seq), to - from) != 0)
            return false;
    }
    return true;
}

/* It lies behind all that waits: the usual case, and the list may be long. */
static bool is_furthest(const struct flow_stream *s, uint32_t seq)
{
    return !s->furthest || seq_diff(seq, chunk_end(s->furthest)) >= 0;
}

bool chunks_agree_old(const struct flow_stream *s, uint32_t seq, struct span data)
{
    return agrees(s->remembered, seq, data);
}

bool chunks_agree_new(const struct flow_stream *s, uint32_t seq, struct span data)
{
    return is_furthest(s, seq) || agrees(s->waiting, seq, data);
}

/* Puts the piece behind `before` where that is its neighbour and has room, else in a chunk of its own at *at. */
static size_t put_piece(struct flow_table *t, struct flow_stream *s, struct flow_chunk *before, struct flow_chunk **at,
                        uint32_t seq, struct span piece)
{
    size_t n = before && chunk_end(before) == seq ? chunk_fill(before, piece) : 0;
    if (n > 0)
        return n;
    struct flow_chunk *c = chunk_new(t, s, seq, piece);
    if (!c)
        return 0;
    s->held += chunk_size(c);
    c->next = *at;
    *at = c;
    if (!c->next)
        s->furthest = c;
    return piece.len;
}

bool chunks_wait(struct flow_table *t, struct flow_stream *s, uint32_t seq, struct span data)
{
    bool skip = s->furthest && is_furthest(s, seq);
    struct flow_chunk *before = skip ? s->furthest : NULL, **at = skip ? &before->next : &s->waiting;
    while (data.len > 0) {
        while (*at && seq_diff(chunk_end(*at), seq) <= 0) {
            before = *at;
            at = &before->next;
        }
        size_t n = data.len;
        if (*at && seq_diff((*at)->seq, seq) <= 0) {
            n = chunk_end(*at) - seq; /* is there already */
        } else {
            if (*at && (*at)->seq - seq < n)
                n = (*at)->seq - seq;
            n = put_piece(t, s, before, at, seq, span_first(data, n));
        }
        if (n == 0)
            return false;
        data = span_from(data, n);
        seq += (uint32_t)n;
    }
    return true;
}

static void join_remembered(struct flow_stream *s, struct flow_chunk *c)
{
    c->next = NULL;
    *(s->newest ? &s->newest->next : &s->remembered) = c;
    s->newest = c;
}

bool chunks_remember(struct flow_table *t, struct flow_stream *s, struct span data)
{
    uint32_t seq = s->next;
    if (s->newest && chunk_end(s->newest) == seq) {
        size_t n = chunk_fill(s->newest, data);
        data = span_from(data, n);
        seq += (uint32_t)n;
    }
    if (data.len == 0)
        return true;
    struct flow_chunk *c = chunk_new(t, s, seq, data);
    if (!c)
        return false;
    join_remembered(s, c);
    return true;
}

static struct flow_chunk *pop_waiting(struct flow_stream *s)
{
    struct flow_chunk *c = s->waiting;
    s->waiting = c->next;
    if (!s->waiting)
        s->furthest = NULL;
    s->held -= chunk_size(c);
    return c;
}

void chunks_take_waiting(struct flow_table *t, struct flow_stream *s, bool remember)
{
    struct flow_chunk *c = pop_waiting(s);
    if (remember)
        join_remembered(s, c);
    else
        chunk_free(t, s, c);
}

void chunks_trim(struct flow_table *t, struct flow_stream *s)
{
    while (s->waiting && seq_diff(chunk_end(s->waiting), s->next) <= 0)
        chunk_free(t, s, pop_waiting(s));
    if (s->waiting && seq_diff(s->waiting->seq, s->next) < 0)
        chunk_cut(s->waiting, s->next);
}

void chunks_forget(struct flow_table *t, struct flow_stream *s)
{
    while (s->remembered && seq_diff(chunk_end(s->remembered), s->acked) <= 0) {
        struct flow_chunk *c = s->remembered;
        s->remembered = c->next;
        chunk_free(t, s, c);
    }
    if (!s->remembered)
        s->newest = NULL;
}

void chunks_give_up(struct flow_table *t, struct flow_stream *s, uint32_t upto, size_t most, struct flow *f)
{
    while (s->remembered && s->kept - s->held > most && seq_diff(chunk_end(s->remembered), upto) <= 0) {
        struct flow_chunk *c = s->remembered;
        f->forgot = chunk_end(c);
        f->has_forgot = true;
        s->remembered = c->next;
        chunk_free(t, s, c);
    }
    if (!s->remembered)
        s->newest = NULL;
}

void chunks_shrink(struct flow_table *t, struct flow_stream *s)
{
    s->newest = NULL;
    for (struct flow_chunk **at = &s->remembered; *at; at = &(*at)->next) {
        struct flow_chunk *c = *at, *fit;
        uint32_t before = c->room;
        if (c->from) {
            memmove(c->data, c->data + c->from, c->len);
            c->from = 0;
        }
        if (c->room > c->len && (fit = realloc(c, sizeof *c + c->len))) {
            *at = c = fit;
            c->room = c->len;
            s->kept -= before - c->room;
            t->counts.memory -= before - c->room;
        }
        s->newest = c;
    }
}

void chunks_free(struct flow_table *t, struct flow_stream *s)
{
    struct flow_chunk *lists[2] = {s->remembered, s->waiting};
    for (int i = 0; i < 2; i++) {
        while (lists[i]) {
            struct flow_chunk *c = lists[i];
            lists[i] = c->next;
            chunk_free(t, s, c);
        }
    }
    s->remembered = s->newest = s->waiting = s->furthest = NULL;
    s->held = 0;
}

uint32_t chunks_end(const struct flow_stream *s)
{
    return s->furthest ? chunk_end(s->furthest) : s->next;
}
