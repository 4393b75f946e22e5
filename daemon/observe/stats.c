/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "observe/stats.h"

#include <time.h>

#include "observe/json.h"

static uint64_t total(const struct stats *s, enum counter c)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n_queues; i++)
        sum += s->queues[i].at[c];
    return sum;
}

static void write_suricata_names(yajl_gen g, const struct stats *s)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < s->n_queues; i++)
        lost += s->queues[i].kernel_dropped + s->queues[i].user_dropped;
    json_open(g, "capture");
    json_number(g, "kernel_packets", s->diverted);
    json_number(g, "kernel_drops", lost);
    yajl_gen_map_close(g);
    json_open(g, "decoder");
    json_number(g, "pkts", total(s, COUNT_RECEIVED));
    json_number(g, "bytes", total(s, COUNT_BYTES));
    json_number(g, "invalid", total(s, COUNT_ANOMALOUS));
    yajl_gen_map_close(g);
    json_open(g, "ips");
    json_number(g, "accepted", total(s, COUNT_ACCEPTED) + total(s, COUNT_REPEATED));
    json_number(g, "blocked", total(s, COUNT_DROPPED) + total(s, COUNT_BLOCKED));
    json_number(g, "rejected", total(s, COUNT_REJECTED));
    json_number(g, "replaced", 0);
    yajl_gen_map_close(g);
}

static void write_suricata_streams(yajl_gen g, const struct stats *s)
{
    json_open(g, "flow");
    json_number(g, "total", total(s, COUNT_FLOWS_BEGUN));
    json_number(g, "active", total(s, COUNT_FLOWS));
    yajl_gen_map_close(g);
    json_open(g, "tcp");
    json_number(g, "midstream_pickups", total(s, COUNT_FLOWS_MIDSTREAM));
    json_number(g, "reassembly_memuse", total(s, COUNT_STREAM_BYTES));
    yajl_gen_map_close(g);
    json_open(g, "app_layer");
    json_open(g, "tx");
    json_number(g, "http", total(s, COUNT_REQUESTS));
    yajl_gen_map_close(g);
    yajl_gen_map_close(g);
}

static void write_packets(yajl_gen g, const struct stats *s)
{
    json_open(g, "packets");
    for (enum counter c = 0; c < COUNTERS; c++)
        json_number(g, counter_name(c), total(s, c));
    json_number(g, "diverted", s->diverted);
    json_number(g, "bypassed", s->bypassed);
    yajl_gen_map_close(g);
}

static void write_kernel(yajl_gen g, const struct stats *s)
{
    json_open(g, "kernel");
    for (size_t i = 0; i < s->n_kernel; i++)
        json_number(g, s->kernel[i].name, s->kernel[i].value);
    yajl_gen_map_close(g);
}

static void write_queues(yajl_gen g, const struct stats *s)
{
    json_array(g, "queues");
    for (size_t i = 0; i < s->n_queues; i++) {
        const struct queue_stats *q = &s->queues[i];
        yajl_gen_map_open(g);
        json_number(g, "queue", q->number);
        json_number(g, "waiting", q->waiting);
        json_number(g, "queue_dropped", q->kernel_dropped);
        json_number(g, "user_dropped", q->user_dropped);
        for (enum counter c = 0; c < COUNTERS; c++)
            json_number(g, counter_name(c), q->at[c]);
        yajl_gen_map_close(g);
    }
    yajl_gen_array_close(g);
}

static void write_rules(yajl_gen g, const struct stats *s)
{
    json_array(g, "rules");
    for (size_t i = 0; i < s->n_rules; i++) {
        if (!s->rules[i].matches)
            continue;
        yajl_gen_map_open(g);
        json_number(g, "id", s->rules[i].id);
        json_bytes(g, "name", s->rules[i].name, s->rules[i].name_len, false);
        json_text(g, "action", s->rules[i].action);
        json_number(g, "matches", s->rules[i].matches);
        yajl_gen_map_close(g);
    }
    yajl_gen_array_close(g);
}

void stats_write(yajl_gen g, const struct stats *s)
{
    json_number(g, "uptime", s->uptime);
    write_suricata_names(g, s);
    write_suricata_streams(g, s);
    write_packets(g, s);
    write_kernel(g, s);
    json_open(g, "reload");
    json_number(g, "done", s->reloads);
    json_number(g, "refused", s->reloads_refused);
    yajl_gen_map_close(g);
    json_open(g, "eve");
    json_number(g, "written", s->events_written);
    json_number(g, "dropped", s->events_dropped + total(s, COUNT_EVENTS_LOST));
    yajl_gen_map_close(g);
    json_number(g, "rules_loaded", s->n_rules);
    write_queues(g, s);
    write_rules(g, s);
}

char *stats_event(const struct stats *s)
{
    yajl_gen g = json_begin();
    if (!g)
        return NULL;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char when[JSON_TIME_MAX];
    json_text(g, "timestamp", json_time((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, when));
    json_text(g, "event_type", "stats");
    json_open(g, "stats");
    stats_write(g, s);
    yajl_gen_map_close(g);
    return json_end(g);
}
