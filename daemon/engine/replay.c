/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/replay.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/capture.h"
#include "engine/pipeline.h"
#include "engine/stream.h"
#include "observe/json.h"

#define MARK_MASK 0x7f000000u
/* Time-outs and counters are looked after every so many packets. */
#define TURN_PACKETS 64

struct replay {
    struct generation *gen;
    struct divert divert;
    struct worker worker;
    struct events *events;
    FILE *out;
    bool json;
    uint64_t packets, other, cut; /* cut: captured with less than the packet had */
    uint64_t spent_ns;            /* in captures, reading them included */
    uint64_t last_ns;             /* of the capture's clock */
};

static uint64_t steady_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void note_time(struct replay *r, uint64_t ns)
{
    /* Captures put one behind the other may go back in time; a flow's clock must not. */
    if (ns > r->last_ns)
        r->last_ns = ns;
    r->worker.capture_ns = ns ? ns : 1;
    r->worker.now_ms = r->last_ns / 1000000;
}

void replay_frame(struct replay *r, int link_type, uint64_t time_ns, struct span frame, uint32_t wire_len)
{
    struct queue_packet qp;
    note_time(r, time_ns);
    if (!capture_packet(link_type, frame, wire_len, &qp)) {
        r->other++;
        return;
    }
    qp.id = (uint32_t)++r->packets;
    if (qp.payload.len < qp.full_len)
        r->cut++;
    count_add(&r->worker.counters, COUNT_RECEIVED, 1);
    count_add(&r->worker.counters, COUNT_BYTES, qp.full_len);
    (void)pipeline_decide(&r->worker, &qp);
    if (r->packets % TURN_PACKETS == 0)
        stream_turn(&r->worker);
}

static uint64_t time_of(const struct pcap_pkthdr *h)
{
    /* Opened with nanosecond precision, tv_usec holds nanoseconds. */
    return (uint64_t)h->ts.tv_sec * 1000000000 + (uint64_t)h->ts.tv_usec;
}

static int read_frames(struct replay *r, pcap_t *p, const char *file, struct diag *d)
{
    int link_type = pcap_datalink(p), got;
    struct pcap_pkthdr *h;
    const uint8_t *data;
    if (!capture_knows(link_type)) {
        diag_add(d, file, 0, 0, "link type %d, expected Ethernet, Linux cooked, loopback or raw IP", link_type);
        return -EINVAL;
    }
    uint64_t began = steady_ns();
    while ((got = pcap_next_ex(p, &h, &data)) == 1)
        replay_frame(r, link_type, time_of(h), span_of(data, h->caplen), h->len);
    r->spent_ns += steady_ns() - began;
    if (got == PCAP_ERROR_BREAK)
        return 0;
    diag_add(d, file, 0, 0, "%s", pcap_geterr(p));
    return -EINVAL;
}

int replay_capture(struct replay *r, const char *file, struct diag *d)
{
    char why[PCAP_ERRBUF_SIZE];
    FILE *f = fopen(file, "rbe");
    if (!f) {
        diag_add(d, file, 0, 0, "%s", strerror(errno));
        return -EINVAL;
    }
    pcap_t *p = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!p) {
        fclose(f);
        diag_add(d, file, 0, 0, "%s, expected a pcap or pcapng file", why);
        return -EINVAL;
    }
    int err = read_frames(r, p, file, d);
    pcap_close(p);
    return err;
}

static int open_replay(struct replay *r, const char *config, struct diag *d)
{
    r->gen = generation_load(config, 1, d);
    if (!r->gen)
        return -EINVAL;
    r->gen->number = 1;
    r->divert = (struct divert){.mark_mask = MARK_MASK};
    r->events = events_direct(r->json, r->out);
    r->worker.divert = &r->divert;
    r->worker.events = r->events;
    r->worker.gen = r->gen;
    r->worker.answers = (struct answer_sockets){.frame = -1, .raw4 = -1, .raw6 = -1};
    if (r->events && stream_open(&r->worker, r->gen) == 0)
        return 0;
    diag_add(d, NULL, 0, 0, "out of memory");
    return -ENOMEM;
}

struct replay *replay_new(const char *config, bool json, FILE *out, struct diag *d)
{
    /* A worker is aligned to its cache lines. */
    struct replay *r = aligned_alloc(64, (sizeof *r + 63) / 64 * 64);
    if (!r)
        return NULL;
    memset(r, 0, sizeof *r);
    r->out = out;
    r->json = json;
    if (open_replay(r, config, d) == 0)
        return r;
    replay_free(r);
    return NULL;
}

void replay_free(struct replay *r)
{
    if (!r)
        return;
    stream_close(&r->worker);
    events_stop(r->events);
    generation_free(r->gen);
    free(r);
}

/* ---- the summary ---- */

static uint64_t counted(const struct replay *r, enum counter c)
{
    return count_get(&r->worker.counters, c);
}

static uint64_t stopped(const struct replay *r)
{
    return counted(r, COUNT_DROPPED) + counted(r, COUNT_REJECTED) + counted(r, COUNT_BLOCKED);
}

static double per_request_us(const struct replay *r)
{
    uint64_t n = counted(r, COUNT_REQUESTS);
    return n ? (double)r->spent_ns / 1000.0 / (double)n : 0;
}

static const struct {
    const char *name;
    enum counter counter;
} lines[] = {
    {"flows", COUNT_FLOWS_BEGUN},    {"requests", COUNT_REQUESTS},         {"responses", COUNT_RESPONSES},
    {"alerts", COUNT_ALERTS},        {"accepted", COUNT_ACCEPTED},         {"dropped", COUNT_DROPPED},
    {"blocked", COUNT_BLOCKED},      {"rejected", COUNT_REJECTED},         {"repeated", COUNT_REPEATED},
    {"would_stop", COUNT_MONITORED}, {"condemned", COUNT_CONDEMNED},       {"stream_dropped", COUNT_STREAM_DROPPED},
    {"undecided", COUNT_UNDECIDED},  {"stream_bytes", COUNT_STREAM_BYTES}, {"cut_short", COUNT_CUT_SHORT},
};

static void summary_json(const struct replay *r)
{
    yajl_gen g = json_begin();
    if (!g)
        return;
    json_text(g, "event_type", "summary");
    json_open(g, "summary");
    json_number(g, "packets", r->packets);
    json_number(g, "not_ip", r->other);
    json_number(g, "captured_cut", r->cut);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        json_number(g, lines[i].name, counted(r, lines[i].counter));
    json_number(g, "stopped", stopped(r));
    json_number(g, "microseconds", r->spent_ns / 1000);
    json_number(g, "nanoseconds_a_request", (uint64_t)(per_request_us(r) * 1000));
    yajl_gen_map_close(g);
    char *line = json_end(g);
    if (line)
        fputs(line, r->out);
    free(line);
}

static void summary_text(const struct replay *r)
{
    fprintf(r->out, "\n%-16s %12llu\n%-16s %12llu\n", "packets", (unsigned long long)r->packets, "not IP",
            (unsigned long long)r->other);
    if (r->cut)
        fprintf(r->out, "%-16s %12llu (captured with a short snapshot length: bytes are missing)\n", "cut",
                (unsigned long long)r->cut);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        fprintf(r->out, "%-16s %12llu\n", lines[i].name, (unsigned long long)counted(r, lines[i].counter));
    fprintf(r->out, "%-16s %12.1f\n%-16s %12.2f\n", "milliseconds", (double)r->spent_ns / 1e6, "us a request",
            per_request_us(r));
}

void replay_summary(struct replay *r)
{
    stream_turn(&r->worker);
    if (r->json)
        summary_json(r);
    else
        summary_text(r);
}
