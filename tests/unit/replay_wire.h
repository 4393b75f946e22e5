/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_REPLAY_WIRE_H
#define SLUICE_TESTS_REPLAY_WIRE_H

/* Connections frame by frame through the pipeline, without a kernel, and the events that came of them. */
#include <check.h>
#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/capture.h"
#include "engine/replay.h"
#include "net/packet.h"
#include "run_suite.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
#define CLIENT_ISN 0xfffffff0u /* the numbers wrap within a few bytes */
#define SERVER_ISN 7000u

static char folder[64], file[96];
static struct diag *d;
static struct replay *replay;
static FILE *out;
static char *text;
static size_t text_len;
static uint64_t clock_ns;

static inline void write_file(const char *name, const char *content)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(content, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

static inline void set_up(void)
{
    strcpy(folder, "/tmp/check_replay.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/sluice.conf", folder);
    d = diag_new();
    out = open_memstream(&text, &text_len);
    replay = NULL;
    clock_ns = UINT64_C(1700000000000000000);
}

static inline void tear_down(void)
{
    char command[96];
    replay_free(replay);
    fclose(out);
    free(text);
    diag_free(d);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* rules: the list's content; more: further settings in http: { … }. */
static inline void start(const char *rules, const char *more)
{
    char conf[2048], list[4096];
    snprintf(conf, sizeof conf,
             "divert: { services = ( { proto = \"any\"; } ); };\nhttp: { ports = [ 80 ]; %s };\n"
             "cache: { folder = \"\"; };\ncontrol: { socket = \"\"; };\nrules = [ \"*.rules\" ];\n",
             more);
    snprintf(list, sizeof list, "rules = ( %s );\n", rules);
    write_file("sluice.conf", conf);
    write_file("a.rules", list);
    replay = replay_new(file, true, out, d);
    diag_print(d, stderr);
    ck_assert_ptr_nonnull(replay);
}

#define RULE(id, action, when) "{ id = " #id "; action = \"" action "\"; when = \"" when "\"; }"

/* ---- a client and a server ---- */

struct wire {
    uint16_t client_port, server_port;
    uint32_t sent[2]; /* next sequence numbers: client's, server's */
};

static inline void put16(uint8_t *at, unsigned v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static inline void put32(uint8_t *at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v & 0xffff);
}

/* An IPv4 TCP packet; dir 0 is the client's. Returns its length. */
static inline size_t build(const struct wire *w, int dir, uint32_t seq, unsigned flags, const char *data, uint8_t *ip)
{
    size_t len = strlen(data), total = 40 + len;
    memset(ip, 0, 40);
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)total);
    ip[8] = 64;
    ip[9] = 6;
    put32(ip + 12, dir ? 0x0a000002 : 0x0a000001);
    put32(ip + 16, dir ? 0x0a000001 : 0x0a000002);
    put16(ip + 10, csum_fold(csum_add(0, ip, 20)));
    uint8_t *tcp = ip + 20;
    put16(tcp, dir ? w->server_port : w->client_port);
    put16(tcp + 2, dir ? w->client_port : w->server_port);
    put32(tcp + 4, seq);
    put32(tcp + 8, flags & ACK ? w->sent[!dir] : 0);
    tcp[12] = 5 << 4;
    tcp[13] = (uint8_t)flags;
    put16(tcp + 14, 60000);
    memcpy(tcp + 20, data, len);
    struct ip_addr a = {.family = 4}, b = {.family = 4};
    memcpy(a.bytes, ip + 12, 4);
    memcpy(b.bytes, ip + 16, 4);
    put16(tcp + 16, csum_fold(csum_add(csum_pseudo(&a, &b, 6, (uint32_t)(20 + len)), tcp, 20 + len)));
    return total;
}

static inline void show(const uint8_t *ip, size_t len)
{
    clock_ns += 1000000;
    replay_frame(replay, DLT_RAW, clock_ns, span_of(ip, len), (uint32_t)len);
}

static inline void send_at(struct wire *w, int dir, uint32_t seq, unsigned flags, const char *data)
{
    uint8_t ip[4096];
    show(ip, build(w, dir, seq, flags, data, ip));
}

static inline void send_next(struct wire *w, int dir, unsigned flags, const char *data)
{
    send_at(w, dir, w->sent[dir], flags, data);
    w->sent[dir] += (uint32_t)strlen(data) + !!(flags & SYN) + !!(flags & FIN);
}

static inline struct wire connected(uint16_t client_port, uint16_t server_port)
{
    struct wire w = {client_port, server_port, {CLIENT_ISN, SERVER_ISN}};
    send_next(&w, 0, SYN, "");
    send_next(&w, 1, SYN | ACK, "");
    send_next(&w, 0, ACK, "");
    return w;
}

/* ---- what came out ---- */

static inline const char *events(void)
{
    fflush(out);
    return text;
}

static inline unsigned times(const char *what)
{
    unsigned n = 0;
    for (const char *at = events(); (at = strstr(at, what)); at++)
        n++;
    return n;
}

static inline void expect_summary(const char *name, unsigned long want)
{
    char part[96];
    replay_summary(replay);
    snprintf(part, sizeof part, "\"%s\":%lu", name, want);
    const char *line = strstr(events(), "\"summary\"");
    ck_assert_ptr_nonnull(line);
    ck_assert_msg(strstr(line, part), "no %s in %s", part, line);
}

#endif
