/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/slow.h"

static void begin(struct slow *s, uint64_t now_ms)
{
    s->since_ms = (uint32_t)now_ms;
    s->bytes = 0;
}

void slow_request(struct slow *s, enum slow_part part, uint32_t bytes, uint64_t now_ms)
{
    if (s->part != part)
        begin(s, now_ms);
    s->part = (uint8_t)part;
    if (part == SLOW_BODY)
        s->bytes = bytes < UINT32_MAX - s->bytes ? s->bytes + bytes : UINT32_MAX;
}

void slow_request_done(struct slow *s)
{
    s->part = SLOW_IDLE;
}

void slow_server_room(struct slow *s, uint32_t room, uint64_t now_ms)
{
    bool full = room < SLOW_READ_SHUT;
    /* What it brought before it was held up says nothing of what it can bring from now on. */
    if (s->server_full && !full && s->part == SLOW_BODY)
        begin(s, now_ms);
    s->server_full = full;
}

void slow_client_room(struct slow *s, uint32_t room, uint32_t ack, bool due, uint64_t now_ms)
{
    if (!due || room >= SLOW_READ_OPEN) {
        s->shut = false;
        return;
    }
    if (room >= SLOW_READ_SHUT)
        return;
    int32_t taken = (int32_t)(ack - s->taken);
    s->still_shut_ms = (uint32_t)now_ms;
    /* An old ACK comes late: it is no sign of reading. */
    if (s->shut && taken < (int32_t)SLOW_READ_TAKEN)
        return;
    s->shut = true;
    s->shut_ms = (uint32_t)now_ms;
    s->taken = ack;
}

static bool is_on(const struct config *c, enum detector_id id)
{
    return c->detect[id].action != DETECT_OFF;
}

static bool is_slow_head(const struct config *c, const struct slow *s, uint32_t now)
{
    return is_on(c, DETECT_SLOW_HEAD) && s->part == SLOW_HEAD &&
           now - s->since_ms >= (uint64_t)c->detect[DETECT_SLOW_HEAD].threshold * 1000;
}

static bool is_slow_body(const struct config *c, struct slow *s, uint32_t now)
{
    const struct config_detector *d = &c->detect[DETECT_SLOW_BODY];
    uint32_t passed = now - s->since_ms;
    if (!is_on(c, DETECT_SLOW_BODY) || s->part != SLOW_BODY || s->server_full || passed < (uint64_t)d->per * 1000)
        return false;
    /* It may be asked later than at the end of those seconds: the rate is what counts. */
    bool slow = (uint64_t)s->bytes * 1000 < (uint64_t)d->threshold * passed;
    begin(s, now);
    return slow;
}

static bool is_slow_read(const struct config *c, const struct slow *s)
{
    return is_on(c, DETECT_SLOW_READ) && s->shut &&
           s->still_shut_ms - s->shut_ms >= (uint64_t)c->detect[DETECT_SLOW_READ].threshold * 1000;
}

enum detector_id slow_due(const struct config *c, struct slow *s, uint64_t now_ms)
{
    uint32_t now = (uint32_t)now_ms;
    if (is_slow_head(c, s, now))
        return DETECT_SLOW_HEAD;
    if (is_slow_body(c, s, now))
        return DETECT_SLOW_BODY;
    return is_slow_read(c, s) ? DETECT_SLOW_READ : DETECTORS;
}

bool slow_runs(const struct slow *s)
{
    return s->part != SLOW_IDLE || s->shut;
}
