/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The flow table alone: what a packet without payload costs (look-up, state,
 * lists) at a random one of n established flows, what a new flow costs (three
 * packets) and costs at most while the table grows, and the memory that an idle
 * established flow takes. Prints lines of a name and a value.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "flow/flow.h"

#define LOOKUPS 2000000u

/* Processor time, so that figures hold on a busy machine. */
static uint64_t cpu_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static size_t resident(void)
{
    unsigned long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f) {
        if (fscanf(f, "%lu %lu", &size, &pages) != 2)
            pages = 0;
        fclose(f);
    }
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static uint32_t scramble(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state ^ *state >> 15;
}

/* The packet of flow n; address and port follow from n. */
static struct packet packet_of(uint32_t n, enum flow_dir dir, uint8_t flags)
{
    struct packet p = {.ip_version = 4, .ip_proto = 6, .l4 = L4_TCP, .tcp_flags = flags, .tcp_window = 1000};
    struct ip_addr client = {.family = 4, .bytes = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
    struct ip_addr server = {.family = 4, .bytes = {192, 0, 2, 1}};
    uint16_t port = (uint16_t)(1024 + n % 60000);
    p.src = dir == TO_SERVER ? client : server;
    p.dst = dir == TO_SERVER ? server : client;
    p.srcport = dir == TO_SERVER ? port : 80;
    p.dstport = dir == TO_SERVER ? 80 : port;
    p.tcp_seq = flags & TCP_FLAG_SYN ? n : n + 1;
    p.tcp_ack = n + 1;
    return p;
}

/* Ten microseconds a packet. */
static uint64_t clock_us;

static bool send_packet(struct flow_table *t, uint32_t n, enum flow_dir dir, uint8_t flags)
{
    struct packet p = packet_of(n, dir, flags);
    struct flow_result r;
    flow_packet(t, &p, (clock_us += 10) / 1000, &r);
    return !r.drop && r.flow;
}

static bool open_flow(struct flow_table *t, uint32_t n)
{
    return send_packet(t, n, TO_SERVER, TCP_FLAG_SYN) && send_packet(t, n, TO_CLIENT, TCP_FLAG_SYN | TCP_FLAG_ACK) &&
           send_packet(t, n, TO_SERVER, TCP_FLAG_ACK);
}

/* The longest that one new flow takes, while the table grows to n. */
static bool longest(const struct flow_options *opt)
{
    struct flow_table *t = flow_table_new(opt);
    if (!t)
        return false;
    bool ok = true;
    uint64_t most = 0;
    for (uint32_t n = 0; n < opt->flows; n++) {
        uint64_t begun = cpu_ns();
        ok &= open_flow(t, n);
        uint64_t took = cpu_ns() - begun;
        most = took > most ? took : most;
    }
    printf("flow_open_longest_us_%" PRIu32 " %.1f\n", opt->flows, (double)most / 1000);
    flow_table_free(t);
    return ok;
}

static bool look_up(struct flow_table *t, uint32_t flows)
{
    uint32_t state = 7;
    bool ok = true;
    uint64_t begun = cpu_ns();
    for (uint32_t i = 0; i < LOOKUPS; i++)
        ok &= send_packet(t, scramble(&state) % flows, i & 1 ? TO_SERVER : TO_CLIENT, TCP_FLAG_ACK);
    printf("flow_packet_ns_%" PRIu32 " %.1f\n", flows, (double)(cpu_ns() - begun) / LOOKUPS);
    return ok;
}

static bool run(uint32_t flows)
{
    struct flow_options opt = {
        .flows = flows, .memory = 1u << 20, .per_flow = 1u << 16, .timeout_s = {30, 30, 3600, 120, 10, 60}};
    size_t before = resident();
    struct flow_table *t = flow_table_new(&opt);
    if (!t)
        return false;
    bool ok = true;
    uint64_t begun = cpu_ns();
    for (uint32_t n = 0; n < flows; n++)
        ok &= open_flow(t, n);
    printf("flow_open_ns_%" PRIu32 " %.1f\n", flows, (double)(cpu_ns() - begun) / flows);
    ok &= flow_counts(t)->by_state[FLOW_ESTABLISHED] == flows;
    if (flows >= 100000) /* smaller ones drown in pages and what the allocator held already */
        printf("flow_bytes_%" PRIu32 " %.1f\n", flows, (double)(resident() - before) / flows);
    ok &= look_up(t, flows);
    flow_table_free(t);
    return ok && longest(&opt);
}

int main(void)
{
    static const uint32_t sizes[] = {1000000, 100000, 10000, 1000};
    printf("flow_struct_bytes %zu\n", sizeof(struct flow));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (!run(sizes[i])) {
            fprintf(stderr, "flow_table: a packet was not followed\n");
            return 1;
        }
    }
    return 0;
}
