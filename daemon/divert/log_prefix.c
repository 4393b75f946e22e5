/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "divert/log_prefix.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "config/config.h"

#define BEGIN "sluice:"
#define MONITOR ":monitor"

static const char *const actions[] = {[PLAN_ACCEPT] = "accept", [PLAN_DROP] = "drop", [PLAN_REJECT] = "reject"};
/* A letter, and for the first two a number behind it. */
static const char sources[] = {[LOG_RULE] = 'r', [LOG_DETECTOR] = 'd', [LOG_ARP] = 'a', [LOG_ETHERTYPE] = 't'};

const char *log_prefix(const struct log_origin *o, char *buf)
{
    snprintf(buf, LOG_PREFIX_MAX, BEGIN "%c%" PRIu32 ":%s%s", sources[o->source], o->id, actions[o->action],
             o->monitor ? MONITOR : "");
    return buf;
}

/* Takes the text off the span's beginning. */
static bool take(struct span *s, const char *text)
{
    size_t len = strlen(text);
    if (s->len < len || memcmp(s->data, text, len) != 0)
        return false;
    *s = span_from(*s, len);
    return true;
}

static bool take_source(struct span *s, enum log_source *ret)
{
    for (size_t i = 0; s->len && i < ARRAY_LEN(sources); i++) {
        if (s->data[0] != (uint8_t)sources[i])
            continue;
        *ret = (enum log_source)i;
        *s = span_from(*s, 1);
        return true;
    }
    return false;
}

static bool take_number(struct span *s, uint32_t *ret)
{
    uint64_t n = 0;
    size_t i = 0;
    for (; i < s->len && s->data[i] >= '0' && s->data[i] <= '9'; i++) {
        n = n * 10 + (s->data[i] - '0');
        if (n > UINT32_MAX)
            return false;
    }
    *ret = (uint32_t)n;
    *s = span_from(*s, i);
    return i > 0;
}

static bool take_action(struct span *s, enum plan_action *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (!take(s, actions[i]))
            continue;
        *ret = (enum plan_action)i;
        return true;
    }
    return false;
}

bool log_prefix_parse(struct span text, struct log_origin *ret)
{
    *ret = (struct log_origin){0};
    if (!take(&text, BEGIN) || !take_source(&text, &ret->source) || !take_number(&text, &ret->id) ||
        !take(&text, ":") || !take_action(&text, &ret->action))
        return false;
    ret->monitor = take(&text, MONITOR);
    return text.len == 0 && (ret->source != LOG_DETECTOR || ret->id < DETECTORS);
}
