/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/pace.h"

/* How often the list is looked through, and how many connections of it at a time. */
#define PACE_MS 250
#define PACE_MOST 4096

static bool is_wanted(const struct worker *w)
{
    const struct config_detector *d = w->gen->config->detect;
    return d[DETECT_SLOW_HEAD].action || d[DETECT_SLOW_BODY].action || d[DETECT_SLOW_READ].action;
}

static void enter(struct worker *w, struct conn *c)
{
    if (c->paced)
        return;
    c->paced = true;
    c->pace_before = w->paced_last;
    c->pace_next = NULL;
    *(w->paced_last ? &w->paced_last->pace_next : &w->paced_first) = c;
    w->paced_last = c;
}

void pace_leave(struct worker *w, struct conn *c)
{
    if (!c->paced)
        return;
    c->paced = false;
    *(c->pace_before ? &c->pace_before->pace_next : &w->paced_first) = c->pace_next;
    *(c->pace_next ? &c->pace_next->pace_before : &w->paced_last) = c->pace_before;
}

static uint32_t room_of(const struct packet *p, const struct flow *f, enum flow_dir dir)
{
    bool scaled = f->stream[0].has_wscale && f->stream[1].has_wscale && !(p->tcp_flags & TCP_FLAG_SYN);
    return (uint32_t)p->tcp_window << (scaled ? f->stream[dir].wscale : 0);
}

static enum slow_part part_of(enum http_progress at)
{
    return at == HTTP_IN_HEAD ? SLOW_HEAD : at == HTTP_IN_BODY ? SLOW_BODY : SLOW_IDLE;
}

enum detector_id pace_packet(struct worker *w, const struct packet *p, const struct flow *f, enum flow_dir dir)
{
    struct conn *c = f->app;
    if (!c || !c->http || !is_wanted(w))
        return DETECTORS;
    if (dir == TO_CLIENT) {
        slow_server_room(&c->slow, room_of(p, f, dir), w->now_ms);
    } else {
        slow_request(&c->slow, part_of(http_progress(c->http)), (uint32_t)p->payload.len, w->now_ms);
        /* Unseen, that more of a response is to come is not known; that the server goes on asking for room says it. */
        bool due = f->quiet || http_response_due(c->http);
        slow_client_room(&c->slow, room_of(p, f, dir), p->tcp_ack, due, w->now_ms);
    }
    if (!slow_runs(&c->slow)) {
        pace_leave(w, c);
        return DETECTORS;
    }
    enter(w, c);
    return slow_due(w->gen->config, &c->slow, w->now_ms);
}

void pace_request_done(struct conn *c)
{
    slow_request_done(&c->slow);
}

void pace_turn(struct worker *w, void (*late)(struct worker *w, struct flow *f, enum detector_id id))
{
    if (!w->paced_first || w->now_ms - w->paced_ms < PACE_MS)
        return;
    w->paced_ms = w->now_ms;
    struct conn *end = w->paced_last, *c = w->paced_first;
    for (unsigned n = 0; c && n < PACE_MOST; n++) {
        struct conn *next = c == end ? NULL : c->pace_next;
        enum detector_id id = slow_due(w->gen->config, &c->slow, w->now_ms);
        pace_leave(w, c);
        if (id == DETECTORS)
            enter(w, c); /* last: those that were not looked at come first the next time */
        else
            late(w, c->flow, id);
        c = next;
    }
}
