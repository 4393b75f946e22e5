/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/conn.h"

#include <stdlib.h>
#include <string.h>

struct conn *conn_new(const struct generation *g, struct flow *f)
{
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->flow = f;
    c->window = g->config->streams.window;
    if (!generation_is_http(g, f->port[1]))
        return c;
    c->http = http_new(&g->http, f->midstream);
    if (c->http)
        return c;
    free(c);
    return NULL;
}

void conn_free(struct conn *c)
{
    if (!c)
        return;
    http_free(c->http);
    free(c->tail[0]);
    free(c->tail[1]);
    free(c);
}

static void fit_window(struct conn *c, const struct generation *g)
{
    if (c->window == g->config->streams.window)
        return;
    c->window = g->config->streams.window;
    for (int dir = 0; dir < 2; dir++) {
        free(c->tail[dir]);
        c->tail[dir] = NULL;
        c->tail_len[dir] = 0;
    }
}

bool conn_adopt(struct conn *c, const struct generation *g)
{
    if (c->generation == g->number)
        return false;
    c->generation = g->number;
    memset(c->fired, 0, sizeof c->fired);
    c->counted = (struct counted){{0}};
    c->accepted = false;
    if (c->http)
        http_set(c->http, &g->http);
    fit_window(c, g);
    return true;
}

size_t conn_memory(const struct conn *c)
{
    size_t n = sizeof *c + c->trials_memory + (c->http ? http_memory(c->http) : 0);
    return n + (c->tail[0] ? c->window : 0) + (c->tail[1] ? c->window : 0);
}

bool conn_fires(struct conn *c, const struct rule *r)
{
    for (unsigned i = 0; i < CONN_FIRED_MAX; i++) {
        if (c->fired[i] == r->index + 1)
            return false;
        if (!c->fired[i]) {
            c->fired[i] = r->index + 1;
            return true;
        }
    }
    return true;
}

bool conn_keep_tail(struct conn *c, enum flow_dir dir, struct span s)
{
    if (!c->tail[dir] && !(c->tail[dir] = malloc(c->window)))
        return false;
    if (s.len >= c->window) {
        memcpy(c->tail[dir], s.data + s.len - c->window, c->window);
        c->tail_len[dir] = c->window;
        return true;
    }
    size_t kept = c->tail_len[dir];
    if (kept + s.len > c->window) {
        size_t gone = kept + s.len - c->window;
        memmove(c->tail[dir], c->tail[dir] + gone, kept - gone);
        kept -= gone;
    }
    memcpy(c->tail[dir] + kept, s.data, s.len);
    c->tail_len[dir] = (uint32_t)(kept + s.len);
    return true;
}
