/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/report.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
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
    if (w->capture_ns) {
        e->time_ns = w->capture_ns;
    } else {
        clock_gettime(CLOCK_REALTIME, &now);
        e->time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    }
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
    e->queue = w->queue ? queue_number(w->queue) : 0;
    e->has_src_mac = p->meta.has_eth_src;
    memcpy(e->src_mac, p->meta.eth_src, sizeof e->src_mac);
    copy_text(e->in_dev, sizeof e->in_dev, p->meta.in_dev ? p->meta.in_dev->name : "");
    copy_text(e->out_dev, sizeof e->out_dev, p->meta.out_dev ? p->meta.out_dev->name : "");
    copy_text(e->ct_state, sizeof e->ct_state, ct_state_text(p->meta.ct_state));
    copy_text(e->ct_direction, sizeof e->ct_direction, directions[p->meta.ct_dir]);
    e->has_ct_mark = p->meta.has_ct_mark;
    e->ct_mark = p->meta.ct_mark;
    e->ct_id = p->meta.ct_id;
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

static void list_tags(const struct rule *r, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (const char *const *tag = r->tags; *tag && used + strlen(*tag) + 2 < size; tag++)
        used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "," : "", *tag);
}

static void fill_rule(struct event *e, const struct worker *w, const struct rule *r)
{
    bool stopped = action_stops(r->action);
    e->would_block = stopped && w->gen->config->mode == MODE_MONITOR;
    e->blocked = stopped && !e->would_block;
    e->rule_id = r->id;
    e->severity = r->severity;
    copy_text(e->name, sizeof e->name, r->name);
    copy_text(e->action, sizeof e->action, action_name(r->action));
    copy_text(e->reason, sizeof e->reason, "rules");
    list_tags(r, e->tags, sizeof e->tags);
}

static void fill_evidence(struct event *e, const struct evidence *ev)
{
    copy_text(e->matched_what, sizeof e->matched_what, ev->what);
    copy_text(e->matched_name, sizeof e->matched_name, ev->name);
    e->matched_value_len = ev->value_len < sizeof e->matched_value ? ev->value_len : sizeof e->matched_value;
    memcpy(e->matched_value, ev->value, e->matched_value_len);
}

/* ---- requests ---- */

static void copy_span(char *dst, size_t size, struct span s)
{
    event_copy(dst, size, s.data, s.len);
}

static struct span header_of(const struct http_list *l, const char *name)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < l->n; i++)
        if (l->at[i].name.len == len && strncasecmp((const char *)l->at[i].name.data, name, len) == 0)
            return l->at[i].value;
    return (struct span){0};
}

static void list_http_anomalies(uint64_t anomalies, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (unsigned i = 0; i < HTTP_ANOMALIES; i++) {
        const char *name = anomalies >> i & 1 ? http_anomaly_name(i) : NULL;
        if (name && used + strlen(name) + 2 < size)
            used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "," : "", name);
    }
}

static void fill_request(struct event *e, const struct http_tx *tx)
{
    e->has_http = true;
    e->tx_id = tx->number;
    e->http_status = tx->status;
    copy_span(e->http_method, sizeof e->http_method, tx->method);
    copy_span(e->http_host, sizeof e->http_host, tx->host);
    copy_span(e->http_url, sizeof e->http_url, tx->uri);
    copy_span(e->http_protocol, sizeof e->http_protocol, tx->version);
    copy_span(e->http_agent, sizeof e->http_agent, header_of(&tx->headers, "user-agent"));
    copy_span(e->http_content_type, sizeof e->http_content_type, header_of(&tx->headers, "content-type"));
    list_http_anomalies(tx->anomalies, e->http_anomalies, sizeof e->http_anomalies);
}

/* Events about a connection run from the client to the server, whichever packet brought them about. */
static void fill_flow(struct event *e, const struct flow *f)
{
    memcpy(e->src, f->addr[0].bytes, sizeof e->src);
    memcpy(e->dst, f->addr[1].bytes, sizeof e->dst);
    e->srcport = f->port[0];
    e->dstport = f->port[1];
}

/* What an event is about; parts that it does not have are NULL. */
struct about {
    const struct packet *packet;
    const struct flow *flow;
    const struct http_tx *tx;
    const struct evidence *evidence;
    int32_t score;
    const char *id;
};

static void fill_about(struct event *e, const struct worker *w, const struct about *a)
{
    fill_packet(e, w, a->packet);
    if (a->flow)
        fill_flow(e, a->flow);
    if (a->tx)
        fill_request(e, a->tx);
    if (a->evidence)
        fill_evidence(e, a->evidence);
    e->score = a->score;
    copy_text(e->request_id, sizeof e->request_id, a->id ? a->id : "");
}

static void report_rule(struct worker *w, const struct about *a, const struct rule *r, enum event_type type)
{
    count_add(&w->counters, COUNT_ALERTS, type == EVENT_ALERT);
    struct event *e = next_event(w);
    if (!e)
        return;
    fill_about(e, w, a);
    fill_rule(e, w, r);
    e->type = type;
    events_push(w->events, w->index);
}

static void report_about(struct worker *w, struct about *a, const struct decision *d)
{
    a->score = d->score;
    for (unsigned i = 0; i < decision_kept(d); i++) {
        a->evidence = &d->evidence[i];
        if (d->passed_rules[i]->event)
            report_rule(w, a, d->passed_rules[i], EVENT_ALERT);
    }
    if (!d->rule || !d->rule->event)
        return;
    a->evidence = &d->evidence[DECISION_PASSED_MAX];
    report_rule(w, a, d->rule, EVENT_ALERT);
    if (action_stops(d->rule->action) && w->gen->config->mode == MODE_ENFORCE)
        report_rule(w, a, d->rule, EVENT_DROP);
}

void report_decision(struct worker *w, const struct packet *p, const struct decision *d)
{
    struct about a = {.packet = p};
    if (d->rule || d->passed)
        report_about(w, &a, d);
}

void report_stream(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx,
                   const struct decision *d, const char *id)
{
    bool stopped = d->rule && action_stops(d->rule->action) && w->gen->config->mode == MODE_ENFORCE;
    struct about a = {.packet = p, .flow = f, .tx = tx, .id = stopped ? id : NULL};
    report_about(w, &a, d);
}

void report_stop(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx,
                 const char *reason, const char *id)
{
    struct event *e = next_event(w);
    if (!e)
        return;
    struct about a = {.packet = p, .flow = f, .tx = tx, .id = id};
    fill_about(e, w, &a);
    e->type = EVENT_DROP;
    e->would_block = w->gen->config->mode == MODE_MONITOR;
    e->blocked = !e->would_block;
    copy_text(e->action, sizeof e->action, "drop");
    copy_text(e->reason, sizeof e->reason, reason);
    events_push(w->events, w->index);
}

void report_drop(struct worker *w, const struct packet *p, const char *reason)
{
    report_stop(w, p, NULL, NULL, reason, NULL);
}

void report_request(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx)
{
    struct event *e = next_event(w);
    if (!e)
        return;
    struct about a = {.packet = p, .flow = f, .tx = tx};
    fill_about(e, w, &a);
    e->type = EVENT_HTTP;
    events_push(w->events, w->index);
}

struct found {
    const char *name;
    enum detect_action action;
    uint64_t count, held_back;
};

static void report_found(struct worker *w, const struct about *a, const struct found *f)
{
    struct event *e = next_event(w);
    if (!e)
        return;
    fill_about(e, w, a);
    e->type = EVENT_DETECT;
    e->would_block = f->action > DETECT_LOG && w->gen->config->mode == MODE_MONITOR;
    e->blocked = f->action > DETECT_LOG && !e->would_block;
    e->detect_count = f->count;
    e->detect_held = f->held_back;
    copy_text(e->detector, sizeof e->detector, f->name);
    copy_text(e->action, sizeof e->action, detect_action_name(f->action));
    events_push(w->events, w->index);
}

void report_detected(struct worker *w, const struct packet *p, const struct flow *f, enum detector_id id,
                     enum detect_action action, uint64_t count, uint64_t held_back)
{
    report_found(w, &(struct about){.packet = p, .flow = f},
                 &(struct found){detector_name(id), action, count, held_back});
}

void report_flood(struct worker *w, const struct finding *f)
{
    struct packet p = {.ip_proto = IPPROTO_TCP};
    report_detected(w, &p, NULL, f->id, f->over ? DETECT_OFF : f->action, f->count, f->held_back);
}

void report_kernel_rule(struct worker *w, const struct packet *p, const struct rule *r)
{
    struct about a = {.packet = p};
    report_rule(w, &a, r, EVENT_ALERT);
    if (action_stops(r->action))
        report_rule(w, &a, r, EVENT_DROP);
}

void report_kernel_detector(struct worker *w, const struct packet *p, const char *name, bool dropped)
{
    report_found(w, &(struct about){.packet = p}, &(struct found){name, dropped ? DETECT_DROP : DETECT_LOG, 0, 0});
}

void report_packet_of(const struct flow *f, struct packet *ret)
{
    *ret = (struct packet){.ip_version = f->addr[0].family,
                           .ip_proto = IPPROTO_TCP,
                           .l4 = L4_TCP,
                           .src = f->addr[0],
                           .dst = f->addr[1],
                           .srcport = f->port[0],
                           .dstport = f->port[1]};
}

/* ---- SecLang ---- */

/* ModSecurity's severities on Suricata's scale. */
static uint8_t severity_of(const struct sec_rule *r)
{
    return r->severity < 0 ? 4 : r->severity <= 2 ? 1 : r->severity <= 4 ? 2 : r->severity == 5 ? 3 : 4;
}

static void list_sec_tags(const struct sec_rule *r, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (uint32_t i = 0; i < r->n_tags; i++) {
        struct span tag = r->tags[i].as_written;
        if (memchr(tag.data, ',', tag.len) || used + tag.len + 2 > size)
            continue;
        if (used)
            buf[used++] = ',';
        for (size_t k = 0; k < tag.len; k++)
            buf[used++] = tag.data[k] < 0x80 ? (char)tag.data[k] : '?';
        buf[used] = '\0';
    }
}

static void fill_seclang(struct event *e, const struct seclang_event *ev, unsigned phase)
{
    const struct sec_rule *r = ev->rule;
    const char *slash = strrchr(r->file, '/');
    e->rule_id = r->id;
    e->severity = severity_of(r);
    e->sec_phase = (uint8_t)phase;
    e->sec_severity = r->severity;
    e->sec_line = (uint32_t)r->line;
    copy_text(e->sec_file, sizeof e->sec_file, slash ? slash + 1 : r->file);
    copy_text(e->action, sizeof e->action, sec_disruptive_name(r->disruptive));
    copy_text(e->reason, sizeof e->reason, "rules");
    copy_span(e->name, sizeof e->name, ev->message);
    copy_span(e->sec_data, sizeof e->sec_data, ev->data);
    list_sec_tags(r, e->tags, sizeof e->tags);
    copy_span(e->matched_what, sizeof e->matched_what, ev->variable);
    e->matched_value_len = (uint8_t)(ev->value.len < sizeof e->matched_value ? ev->value.len : sizeof e->matched_value);
    if (e->matched_value_len)
        memcpy(e->matched_value, ev->value.data, e->matched_value_len);
}

void report_begin(struct report_transaction *said)
{
    said->n = 0;
    said->blocked = said->would_block = false;
    said->rule = 0;
    said->rules[0] = said->scores[0] = '\0';
}

static void add_id(struct report_transaction *said, uint64_t id)
{
    char text[24];
    size_t used = strlen(said->rules),
           len = (size_t)snprintf(text, sizeof text, "%s%llu", used ? "," : "", (unsigned long long)id);
    said->n++;
    if (used + len < sizeof said->rules)
        memcpy(said->rules + used, text, len + 1);
}

void report_seclang(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx,
                    const struct seclang_decision *d, const struct seclang_event *ev, unsigned phase,
                    struct report_transaction *said, const char *id)
{
    struct about a = {.packet = p, .flow = f, .tx = tx, .id = id};
    bool decides = d->rule == ev->rule;
    add_id(said, ev->rule->id);
    count_add(&w->counters, COUNT_ALERTS, 1);
    for (int drop = 0; drop <= (decides && said->blocked); drop++) {
        struct event *e = next_event(w);
        if (!e)
            return;
        fill_about(e, w, &a);
        fill_seclang(e, ev, phase);
        e->blocked = decides && said->blocked;
        e->would_block = decides && !said->blocked;
        e->type = drop ? EVENT_DROP : EVENT_ALERT;
        events_push(w->events, w->index);
    }
}

static bool fits_list(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] == ',' || name.data[i] == '=' || name.data[i] >= 0x80)
            return false;
    return true;
}

/* Names that would break the list, or its JSON, are none that rules use. */
void report_score(struct report_transaction *said, struct span name, int64_t n)
{
    size_t used = strlen(said->scores), room = sizeof said->scores - used;
    if (!fits_list(name) || name.len + 24 > room)
        return;
    (void)snprintf(said->scores + used, room, "%s%.*s=%lld", used ? "," : "", (int)name.len, (const char *)name.data,
                   (long long)n);
}

void report_transaction(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx,
                        const struct report_transaction *said, const char *id)
{
    struct about a = {.packet = p, .flow = f, .tx = tx, .id = id};
    struct event *e = next_event(w);
    if (!e)
        return;
    fill_about(e, w, &a);
    e->type = EVENT_TRANSACTION;
    e->blocked = said->blocked;
    e->would_block = said->would_block && !said->blocked;
    e->rule_id = said->rule;
    copy_text(e->action, sizeof e->action, e->blocked ? "blocked" : e->would_block ? "would_block" : "passed");
    copy_text(e->sec_rules, sizeof e->sec_rules, said->rules);
    copy_text(e->sec_scores, sizeof e->sec_scores, said->scores);
    events_push(w->events, w->index);
}
