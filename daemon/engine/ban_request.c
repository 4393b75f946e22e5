/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/ban_request.h"

#include <string.h>
#include <unistd.h>

#define AGAIN_MS 1000

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static uint64_t digest(const struct ban_request *r)
{
    uint64_t half[2];
    memcpy(half, r->addr.bytes, sizeof half);
    uint64_t h = mix(mix(mix(r->addr.family, half[0]), half[1]), r->seconds);
    return mix(h, (uint64_t)r->by << 32 | r->id);
}

/* Packets of one sender come in crowds until the kernel knows of the ban. */
static bool asked_lately(struct worker *w, const struct ban_request *r)
{
    uint64_t d = digest(r);
    struct ban_asked *a = &w->ban_asked[d % ARRAY_LEN(w->ban_asked)];
    if (a->digest == d && w->now_ms - a->at_ms < AGAIN_MS)
        return true;
    *a = (struct ban_asked){.digest = d, .at_ms = w->now_ms};
    return false;
}

void ban_request(struct worker *w, const struct ip_addr *addr, uint32_t seconds, enum banned_by by, uint32_t id)
{
    static const uint64_t one = 1;
    struct ban_request r = {
        .addr = *addr, .seconds = seconds ? seconds : w->gen->config->bans.ban_for, .by = by, .id = id};
    if (!addr->family || asked_lately(w, &r))
        return;
    struct ban_request *slot = w->bans ? ring_slot(w->bans) : NULL;
    count_add(&w->counters, slot ? COUNT_BANS : COUNT_BANS_LOST, 1);
    if (!slot)
        return;
    *slot = r;
    ring_push(w->bans);
    /* Should the counter be full the main thread is awake already. */
    if (write(w->wake_fd, &one, sizeof one) < 0)
        return;
}
