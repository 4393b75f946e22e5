/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3;
    return h;
}

static uint64_t endpoint_hash(const struct ip_addr *a, uint16_t port)
{
    return mix(mix(0xcbf29ce484222325, a->bytes, sizeof a->bytes), &port, sizeof port);
}

/* The same number for both directions of a flow; 53 bits, which every JSON reader keeps exact. */
static uint64_t flow_id(const struct packet *p)
{
    uint64_t sum = endpoint_hash(&p->src, p->srcport) + endpoint_hash(&p->dst, p->dstport) + p->ip_proto;
    return mix(0xcbf29ce484222325, &sum, sizeof sum) & ((1ULL << 53) - 1);
}

static void list_anomalies(uint32_t anomalies, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (unsigned i = 0; i < ANOMALY_COUNT; i++) {
        const char *name = anomalies & (1u << i) ? packet_anomaly_name(1u << i) : NULL;
        if (name && used + strlen(name) + 2 < size)
            used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "," : "", name);
    }
}

static const char *ct_state_text(enum ct_state s)
{
    static const char *const names[] = {"", "new", "established", "related", "invalid", "untracked"};
    return names[s];
}

static void copy_text(char *dst, size_t size, const char *src)
{
    snprintf(dst, size, "%s", src);
}

static void fill_transport(struct event *e, const struct packet *p)
{
    e->is_tcp = p->l4 == L4_TCP;
    e->is_icmp = p->l4 == L4_ICMP || p->l4 == L4_ICMPV6;
    e->has_ports = e->is_tcp || p->l4 == L4_UDP || p->l4 == L4_UDPLITE || p->l4 == L4_SCTP;
    e->srcport = p->srcport;
    e->dstport = p->dstport;
    e->tcp_flags = p->tcp_flags;
    e->tcp_seq = p->tcp_seq;
    e->tcp_ack = p->tcp_ack;
    e->tcp_window = p->tcp_window;
    e->icmp_type = p->icmp_type;
    e->icmp_code = p->icmp_code;
}

static void fill_packet(struct event *e, const struct worker *w, const struct packet *p)
{
    static const char *const directions[] = {"", "original", "reply"};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    e->time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    e->flow_id = flow_id(p);
    e->ip_version = p->ip_version;
    e->proto = p->ip_proto;
    e->ttl = p->ip_ttl;
    e->tos = p->ip_tos;
    e->ip_id = p->ip_id;
    e->length = p->meta.full_len;
    memcpy(e->src, p->src.bytes, sizeof e->src);
    memcpy(e->dst, p->dst.bytes, sizeof e->dst);
    e->has_vlan = p->meta.has_vlan;
    e->vlan = p->meta.vlan_tci & 0xfff;
    e->queue = queue_number(w->queue);
    copy_text(e->in_dev, sizeof e->in_dev, p->meta.in_dev ? p->meta.in_dev->name : "");
    copy_text(e->out_dev, sizeof e->out_dev, p->meta.out_dev ? p->meta.out_dev->name : "");
    copy_text(e->ct_state, sizeof e->ct_state, ct_state_text(p->meta.ct_state));
    copy_text(e->ct_direction, sizeof e->ct_direction, directions[p->meta.ct_dir]);
    list_anomalies(p->anomalies, e->anomalies, sizeof e->anomalies);
    fill_transport(e, p);
}

static struct event *next_event(struct worker *w)
{
    if (!w->events)
        return NULL;
    struct event *e = events_slot(w->events, w->index);
    count_add(&w->counters, e ? COUNT_EVENTS : COUNT_EVENTS_LOST, 1);
    if (e)
        memset(e, 0, sizeof *e);
    return e;
}

static void report_rule(struct worker *w, const struct packet *p, const struct rule *r, enum event_type type)
{
    struct event *e = next_event(w);
    if (!e)
        return;
    bool stopped = r->action == ACTION_DROP || r->action == ACTION_REJECT;
    fill_packet(e, w, p);
    e->type = type;
    e->would_block = stopped && w->gen->config->mode == MODE_MONITOR;
    e->blocked = stopped && !e->would_block;
    e->rule_id = r->id;
    e->severity = r->severity;
    copy_text(e->name, sizeof e->name, r->name);
    copy_text(e->action, sizeof e->action, action_name(r->action));
    copy_text(e->reason, sizeof e->reason, "rules");
    events_push(w->events, w->index);
}

void report_decision(struct worker *w, const struct packet *p, const struct decision *d)
{
    unsigned kept = d->passed < DECISION_PASSED_MAX ? d->passed : DECISION_PASSED_MAX;
    for (unsigned i = 0; i < kept; i++)
        if (d->passed_rules[i]->event)
            report_rule(w, p, d->passed_rules[i], EVENT_ALERT);
    if (!d->rule || !d->rule->event)
        return;
    report_rule(w, p, d->rule, EVENT_ALERT);
    bool stopped = d->rule->action == ACTION_DROP || d->rule->action == ACTION_REJECT;
    if (stopped && w->gen->config->mode == MODE_ENFORCE)
        report_rule(w, p, d->rule, EVENT_DROP);
}

void report_drop(struct worker *w, const struct packet *p, const char *reason)
{
    struct event *e = next_event(w);
    if (!e)
        return;
    fill_packet(e, w, p);
    e->type = EVENT_DROP;
    e->blocked = true;
    copy_text(e->action, sizeof e->action, "drop");
    copy_text(e->reason, sizeof e->reason, reason);
    events_push(w->events, w->index);
}
