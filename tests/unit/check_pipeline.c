/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine/: real packets on lo, in a namespace of its own, through the kernel's queues and back. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "divert/divert.h"
#include "engine/engine.h"
#include "engine/generation.h"
#include "engine/ifaces.h"
#include "netns.h"
#include "queue/queue.h"
#include "run_suite.h"

static char folder[64], file[96], rule_file[96], events_file[96];
static struct diag *d;
static struct engine *engine;

static void set_up(void)
{
    strcpy(folder, "/tmp/check_pipeline.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/sluice.conf", folder);
    snprintf(rule_file, sizeof rule_file, "%s/a.rules", folder);
    snprintf(events_file, sizeof events_file, "%s/eve.json", folder);
    d = diag_new();
    engine = NULL;
}

static void tear_down(void)
{
    char command[96];
    engine_stop(engine);
    diag_free(d);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* UDP to the ports 1000 to 1999 is guarded; `more` are further settings. */
static void write_config(const char *more)
{
    char text[2048];
    snprintf(text, sizeof text,
             "divert: { hook = \"output\"; queue = \"all\"; services = ( { proto = \"udp\"; ports = [ \"1000-1999\" ]; "
             "} ); };\n"
             "queues: { first = 10; count = 2; batch = 32; length = 65536; };\nlog: { level = \"error\"; };\n"
             "control: { socket = \"\"; };\nrules = [ \"*.rules\" ];\n%s\n",
             more);
    write_file(file, text);
}

#define NO_EVENTS "events: { file = \"\"; };"
#define RULE(id, when, action) "{ id = " #id "; when = \"" when "\"; " action "; event = false; }"
#define DROP_BAD RULE(1, "payload contains \\\"bad\\\"", "action = \"drop\"")

static void write_rules(const char *rules)
{
    char text[4096];
    snprintf(text, sizeof text, "rules = ( %s );\n", rules);
    write_file(rule_file, text);
}

static void start(void)
{
    engine = engine_start(file, d);
    diag_print(d, stderr);
    ck_assert_ptr_nonnull(engine);
}

static void reload(void)
{
    int err = engine_reload(engine, d);
    diag_print(d, stderr);
    ck_assert_int_eq(err, 0);
}

/* A sender and a receiver on 127.0.0.1; each datagram is a line "number text". */
struct wire {
    int out, in;
};

static struct wire open_wire(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct wire w = {.out = socket(AF_INET, SOCK_DGRAM, 0), .in = socket(AF_INET, SOCK_DGRAM, 0)};
    int big = 64 << 20;
    ck_assert_int_eq(setsockopt(w.in, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big), 0);
    ck_assert_int_eq(setsockopt(w.out, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof big), 0);
    ck_assert_int_eq(bind(w.in, (struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(connect(w.out, (struct sockaddr *)&to, sizeof to), 0);
    return w;
}

static void close_wire(struct wire *w)
{
    close(w->out);
    close(w->in);
}

static void send_text(const struct wire *w, unsigned number, const char *text)
{
    char line[128];
    int n = snprintf(line, sizeof line, "%u %s", number, text);
    ck_assert_int_eq(send(w->out, line, (size_t)n, 0), n);
}

/* The number of the next datagram that arrives within `ms`, or -1. */
static long receive_number(const struct wire *w, int ms)
{
    char line[128];
    struct pollfd p = {.fd = w->in, .events = POLLIN};
    if (poll(&p, 1, ms) != 1)
        return -1;
    ssize_t n = recv(w->in, line, sizeof line - 1, 0);
    ck_assert_int_gt(n, 0);
    line[n] = '\0';
    return strtol(line, NULL, 10);
}

static bool passes(const struct wire *w, const char *text)
{
    static unsigned number = 1000000;
    send_text(w, ++number, text);
    long got = receive_number(w, 300);
    ck_assert(got == -1 || got == number);
    return got == number;
}

static struct stats stats(void)
{
    struct stats s;
    ck_assert_int_eq(engine_stats(engine, &s), 0);
    return s;
}

static uint64_t total(enum counter c)
{
    struct stats s = stats();
    uint64_t sum = 0;
    for (size_t i = 0; i < s.n_queues; i++)
        sum += s.queues[i].at[c];
    return sum;
}

/* Waits until n packets are counted, for a batch's counters are published behind its verdicts. */
static void assert_received(uint64_t n)
{
    for (int i = 0; i < 500 && total(COUNT_RECEIVED) < n; i++)
        usleep(2000);
    struct stats s = stats();
    ck_assert_msg(s.diverted == n && total(COUNT_RECEIVED) == n,
                  "of %llu packets %llu reached the queue rule and %llu came up", (unsigned long long)n,
                  (unsigned long long)s.diverted, (unsigned long long)total(COUNT_RECEIVED));
    for (size_t i = 0; i < s.n_queues; i++)
        ck_assert_uint_eq(s.queues[i].waiting + s.queues[i].kernel_dropped + s.queues[i].user_dropped, 0);
    ck_assert_uint_eq(s.bypassed, 0);
    ck_assert_uint_eq(total(COUNT_ERRORS) + total(COUNT_MALFORMED), 0);
    ck_assert_uint_eq(total(COUNT_ACCEPTED) + total(COUNT_DROPPED) + total(COUNT_REJECTED) + total(COUNT_BLOCKED) +
                          total(COUNT_REPEATED) + total(COUNT_RETRIED),
                      n);
}

/*
 * Sends `n` datagrams in bursts, bad ones in runs as `run` says, and checks that just
 * the others arrive, each once and in order. Returns how many are bad.
 */
static unsigned send_pattern(const struct wire *w, unsigned n, unsigned run, unsigned seed)
{
    static bool bad[20000];
    unsigned count = 0, expected = 0;
    bool now = false;
    srand(seed);
    for (unsigned i = 0; i < n; i++) {
        if (rand() % (int)run == 0)
            now = !now;
        bad[i] = now;
        count += now;
        send_text(w, i, now ? "bad" : "good");
    }
    for (unsigned i = 0; i < n - count; i++, expected++) {
        while (bad[expected])
            expected++;
        ck_assert_int_eq(receive_number(w, 3000), expected);
    }
    ck_assert_int_eq(receive_number(w, 50), -1);
    return count;
}

/* Runs of all lengths: alternating, short, longer than a batch, none, all. */
START_TEST(each_packet_one_verdict)
{
    static const unsigned runs[] = {1, 2, 3, 7, 20, 100, 1000000};
    unsigned sent = 0, bad = 0;
    write_config(NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    struct wire w = open_wire(1001);
    for (unsigned i = 0; i < ARRAY_LEN(runs); i++) {
        bad += send_pattern(&w, 3000, runs[i], i);
        sent += 3000;
    }
    assert_received(sent);
    ck_assert_uint_eq(total(COUNT_DROPPED), bad);
    ck_assert_uint_eq(total(COUNT_BY_RULE), bad);
    ck_assert_uint_eq(total(COUNT_NO_RULE), sent - bad);
    ck_assert_uint_lt(total(COUNT_BATCHES), sent); /* they did come in batches */
    struct stats s = stats();
    ck_assert_uint_eq(s.n_rules, 1);
    ck_assert_uint_eq(s.rules[0].matches, bad);
    close_wire(&w);
}
END_TEST

/* Many flows over both queues: verdicts of one queue do not reach into the other. */
START_TEST(many_flows)
{
    enum { FLOWS = 40, EACH = 50 };
    struct wire w[FLOWS];
    write_config(NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    for (unsigned f = 0; f < FLOWS; f++)
        w[f] = open_wire((uint16_t)(1100 + f));
    for (unsigned i = 0; i < EACH; i++)
        for (unsigned f = 0; f < FLOWS; f++)
            send_text(&w[f], i, (i + f) % 3 ? "good" : "bad");
    for (unsigned f = 0; f < FLOWS; f++) {
        for (unsigned i = 0; i < EACH; i++)
            if ((i + f) % 3)
                ck_assert_int_eq(receive_number(&w[f], 3000), i);
        ck_assert_int_eq(receive_number(&w[f], 0), -1);
        close_wire(&w[f]);
    }
    assert_received(FLOWS * EACH);
    if (strstr(engine_said(engine), "symhash")) {
        struct stats s = stats();
        ck_assert_uint_gt(s.queues[0].at[COUNT_RECEIVED], 0);
        ck_assert_uint_gt(s.queues[1].at[COUNT_RECEIVED], 0);
    }
}
END_TEST

/* What is not named among the services does not come up. */
START_TEST(others_are_not_diverted)
{
    write_config(NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    struct wire w = open_wire(2000);
    ck_assert(passes(&w, "bad"));
    ck_assert_uint_eq(stats().diverted, 0);
    close_wire(&w);
}
END_TEST

/* What a named counter of the table "other" has seen. */
static void assert_hits(const char *counter, unsigned packets)
{
    char command[96], expected[32];
    snprintf(command, sizeof command, "nft list counter inet other %s", counter);
    snprintf(expected, sizeof expected, "packets %u ", packets);
    const char *shown = netns_run(command);
    ck_assert_msg(strstr(shown, expected), "%s", shown);
}

/* repeat: the owner's own chain behind ours sees the mark, and none of our bits. */
START_TEST(repeat_with_mark)
{
    netns_run("nft 'add table inet other; add counter inet other hits; add counter inet other plain;"
              "add chain inet other c { type filter hook output priority 50; };"
              "add rule inet other c udp dport 1001 meta mark 0x500 counter name hits;"
              "add rule inet other c udp dport 1001 meta mark 0 counter name plain'");
    write_config(NO_EVENTS);
    write_rules(RULE(1, "payload contains \\\"mark\\\"", "action = \"repeat\"; mark = 0x500"));
    start();
    struct wire w = open_wire(1001);
    for (int i = 0; i < 20; i++)
        ck_assert(passes(&w, i % 2 ? "mark" : "other"));
    assert_hits("hits", 10);
    assert_hits("plain", 10);
    assert_received(20);
    ck_assert_uint_eq(total(COUNT_REPEATED), 10);
    close_wire(&w);
}
END_TEST

START_TEST(mark_and_go_on)
{
    netns_run("nft 'add table inet other; add counter inet other hits;"
              "add chain inet other c { type filter hook output priority 50; };"
              "add rule inet other c udp dport 1001 meta mark 0x600 counter name hits'");
    write_config(NO_EVENTS);
    write_rules(RULE(1, "udp", "action = \"mark\"; mark = 0x600") ", " RULE(2, "payload contains \\\"bad\\\"",
                                                                            "action = \"drop\""));
    start();
    struct wire w = open_wire(1001);
    ck_assert(passes(&w, "good"));
    ck_assert(!passes(&w, "bad"));
    assert_hits("hits", 1);
    struct stats s = stats();
    ck_assert_uint_eq(s.rules[0].matches, 2);
    ck_assert_uint_eq(s.rules[1].matches, 1);
    close_wire(&w);
}
END_TEST

/* The sender of a rejected datagram is told by the kernel. */
START_TEST(reject_is_told)
{
    write_config(NO_EVENTS);
    write_rules(RULE(1, "payload contains \\\"bad\\\"", "action = \"reject\""));
    start();
    struct wire w = open_wire(1001);
    send_text(&w, 1, "bad");
    struct pollfd p = {.fd = w.out, .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 2000), 1);
    char c;
    ck_assert_int_eq(recv(w.out, &c, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    ck_assert(passes(&w, "good"));
    ck_assert_uint_eq(total(COUNT_REJECTED), 1);
    close_wire(&w);
}
END_TEST

START_TEST(monitor_lets_all_pass)
{
    write_config("mode = \"monitor\"; " NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    struct wire w = open_wire(1001);
    for (int i = 0; i < 10; i++)
        ck_assert(passes(&w, i % 2 ? "bad" : "good"));
    assert_received(10);
    ck_assert_uint_eq(total(COUNT_MONITORED), 5);
    ck_assert_uint_eq(total(COUNT_ACCEPTED), 10);
    close_wire(&w);
}
END_TEST

static size_t lines_with(const char *text)
{
    char line[4096];
    size_t n = 0;
    FILE *f = fopen(events_file, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f))
        n += strstr(line, text) != NULL;
    fclose(f);
    return n;
}

START_TEST(events_of_drops)
{
    char more[256];
    snprintf(more, sizeof more, "events: { file = \"%s\"; stats_interval = 1; };", events_file);
    write_config(more);
    write_rules("{ id = 4711; name = \"no bad\"; when = \"payload contains \\\"bad\\\"\"; action = \"drop\"; }");
    start();
    struct wire w = open_wire(1001);
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(passes(&w, i % 2 ? "bad" : "good"), !(i % 2));
    engine_tick(engine);
    engine_stop(engine);
    engine = NULL;
    ck_assert_uint_eq(lines_with("\"event_type\":\"alert\""), 3);
    ck_assert_uint_eq(lines_with("\"event_type\":\"drop\""), 3);
    ck_assert_uint_eq(lines_with("\"event_type\":\"stats\""), 1);
    ck_assert_uint_eq(lines_with("\"signature_id\":4711"), 3);
    ck_assert_uint_eq(lines_with("\"dest_port\":1001"), 6);
    ck_assert_uint_eq(lines_with("\"ct_state\":\"new\""), 6);
    close_wire(&w);
}
END_TEST

/* Without a rule that looks at payloads only headers come up; a reload changes that, and back. */
START_TEST(copy_range_follows_rules)
{
    struct queue_proc p;
    static char big[8000];
    write_config(NO_EVENTS);
    write_rules(RULE(1, "udp.dstport == 1002", "action = \"drop\""));
    start();
    ck_assert_int_eq(queue_read_proc(10, &p), 0);
    ck_assert_uint_eq(p.copy_range, QUEUE_HEADER_BYTES);
    struct wire w = open_wire(1001), dropped = open_wire(1002);
    memset(big, 'x', sizeof big);
    memcpy(big + sizeof big - 3, "bad", 3);
    ck_assert_int_eq(send(w.out, big, sizeof big, 0), sizeof big);
    ck_assert_int_eq(receive_number(&w, 1000), 0); /* whole, though only its head came up */
    ck_assert(!passes(&dropped, "good"));
    write_rules(DROP_BAD);
    reload();
    ck_assert_int_eq(queue_read_proc(10, &p), 0);
    ck_assert_uint_gt(p.copy_range, 65500);
    ck_assert_int_eq(send(w.out, big, sizeof big, 0), sizeof big);
    ck_assert_int_eq(receive_number(&w, 200), -1);
    ck_assert(passes(&dropped, "good"));
    write_rules("");
    reload();
    ck_assert_int_eq(queue_read_proc(11, &p), 0);
    ck_assert_uint_eq(p.copy_range, QUEUE_HEADER_BYTES);
    close_wire(&w);
    close_wire(&dropped);
}
END_TEST

START_TEST(reload_changes_rules)
{
    write_config(NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    ck_assert_uint_eq(engine_generation(engine), 1);
    struct wire w = open_wire(1001);
    ck_assert(!passes(&w, "bad"));
    ck_assert(passes(&w, "good"));
    write_rules(RULE(2, "payload contains \\\"good\\\"", "action = \"drop\"") ", " DROP_BAD);
    reload();
    ck_assert_uint_eq(engine_generation(engine), 2);
    ck_assert(!passes(&w, "good"));
    ck_assert(!passes(&w, "bad"));
    ck_assert(passes(&w, "other"));
    struct stats s = stats();
    ck_assert_uint_eq(s.reloads, 1);
    ck_assert_uint_eq(s.n_rules, 2);
    for (size_t i = 0; i < 2; i++) /* counts go on by id */
        ck_assert_uint_eq(s.rules[i].matches, s.rules[i].id == 1 ? 2 : 1);
    assert_received(5);
    close_wire(&w);
}
END_TEST

/* A reload may divert other services. */
START_TEST(reload_changes_services)
{
    write_config(NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    struct wire w = open_wire(1001), other = open_wire(3000);
    ck_assert(!passes(&w, "bad"));
    ck_assert(passes(&other, "bad"));
    write_file(file,
               "divert: { hook = \"output\"; queue = \"all\"; services = ( { proto = \"udp\"; ports = [ 3000 ]; } ); };"
               "queues: { first = 10; count = 2; batch = 32; }; log: { level = \"error\"; };"
               "control: { socket = \"\"; }; events: { file = \"\"; }; rules = [ \"*.rules\" ];");
    reload();
    ck_assert(passes(&w, "bad"));
    ck_assert(!passes(&other, "bad"));
    close_wire(&w);
    close_wire(&other);
}
END_TEST

static void refused_reload(const char *expected)
{
    struct diag *errors = diag_new();
    uint64_t before = stats().reloads_refused;
    ck_assert_int_eq(engine_reload(engine, errors), -EINVAL);
    ck_assert_uint_ge(diag_count(errors), 1);
    ck_assert_msg(strstr(diag_text(errors, 0), expected), "%s", diag_text(errors, 0));
    ck_assert_uint_eq(stats().reloads_refused, before + 1);
    ck_assert_uint_eq(stats().reloads, 0);
    ck_assert_uint_eq(engine_generation(engine), 1);
    diag_free(errors);
}

START_TEST(wrong_reload_keeps_the_old)
{
    write_config(NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    struct wire w = open_wire(1001);
    write_rules("{ id = 1; when = \"payload contains\"; action = \"drop\"; }");
    refused_reload("a.rules");
    write_rules(DROP_BAD ", " DROP_BAD);
    refused_reload("id 1");
    ck_assert_int_eq(truncate(file, 40), 0);
    refused_reload("sluice.conf");
    ck_assert_int_eq(unlink(file), 0);
    refused_reload("No such file");
    write_rules("");
    write_config("marks: { mask = 0x7f; }; " NO_EVENTS);
    refused_reload("marks.mask cannot change");
    write_config("limits: { event_ring = 16; }; " NO_EVENTS);
    refused_reload("limits.event_ring cannot change");
    ck_assert(!passes(&w, "bad"));
    ck_assert(passes(&w, "good"));
    ck_assert_ptr_nonnull(strstr(netns_run("nft list sets"), "1000-1999"));
    write_config(NO_EVENTS); /* and a right one afterwards is taken */
    reload();
    ck_assert(passes(&w, "bad"));
    close_wire(&w);
}
END_TEST

/* Traffic from another thread: every third datagram is bad. */
struct traffic {
    struct wire w;
    pthread_t thread;
    atomic_bool stop;
    unsigned sent;
};

static void *send_traffic(void *arg)
{
    struct traffic *t = arg;
    for (; !atomic_load(&t->stop); t->sent++) {
        char line[64];
        int n = snprintf(line, sizeof line, "%u %s", t->sent, t->sent % 3 ? "good" : "bad");
        while (send(t->w.out, line, (size_t)n, 0) < 0)
            usleep(100);
        if (t->sent % 16 == 0)
            usleep(500);
    }
    return NULL;
}

static void traffic_begin(struct traffic *t)
{
    *t = (struct traffic){.w = open_wire(1001)};
    ck_assert_int_eq(pthread_create(&t->thread, NULL, send_traffic, t), 0);
}

/* Ends it, and reads what arrived: each good one, once, and no bad one but where that may be. */
static void traffic_end(struct traffic *t, bool bad_may_pass)
{
    atomic_store(&t->stop, true);
    pthread_join(t->thread, NULL);
    unsigned good = 0;
    char *seen = calloc(t->sent + 1, 1);
    for (long n; (n = receive_number(&t->w, 500)) >= 0;) {
        ck_assert_uint_lt(n, t->sent);
        ck_assert_msg(!seen[n]++, "%ld came twice", n);
        ck_assert_msg(n % 3 || bad_may_pass, "%ld passed", n);
        good += n % 3 != 0;
    }
    free(seen);
    ck_assert_uint_gt(t->sent, 100);
    ck_assert_uint_eq(good, t->sent - (t->sent + 2) / 3);
    close_wire(&t->w);
}

/* A slow machine must not let packets by, or lose them, for a full queue. */
#define ROOMY "policies: { on_overload = \"closed\"; }; " NO_EVENTS

/* Both generations drop the bad: none of them passes, nothing else is lost; and stats never invent a bypass. */
START_TEST(reload_under_traffic)
{
    struct traffic t;
    write_config(ROOMY);
    write_rules(DROP_BAD);
    start();
    traffic_begin(&t);
    for (int i = 0; i < 30; i++) {
        write_rules(i % 2 ? DROP_BAD : RULE(5, "tcp.dstport == 1", "action = \"drop\"") ", " DROP_BAD);
        reload();
        for (int k = 0; k < 20; k++, usleep(500))
            ck_assert_uint_eq(stats().bypassed, 0);
    }
    traffic_end(&t, false);
    assert_received(t.sent);
    ck_assert_uint_eq(stats().reloads, 30);
}
END_TEST

/* From headers to payloads and back under traffic: what came up cut goes round once more. */
START_TEST(reload_between_copy_ranges)
{
    struct traffic t;
    write_config(NO_EVENTS);
    write_rules("");
    start();
    traffic_begin(&t);
    for (int i = 0; i < 20; i++, usleep(2000)) {
        write_rules(i % 2 ? "" : DROP_BAD);
        reload();
    }
    traffic_end(&t, true);
}
END_TEST

START_TEST(stop_open)
{
    write_config("policies: { on_stop = \"open\"; }; " NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    struct wire w = open_wire(1001);
    ck_assert(!passes(&w, "bad"));
    engine_stop(engine);
    engine = NULL;
    ck_assert_str_eq(netns_run("nft list tables"), "");
    ck_assert(passes(&w, "bad"));
    struct queue_proc p;
    ck_assert_int_eq(queue_read_proc(10, &p), -ENOENT);
    close_wire(&w);
}
END_TEST

/* No packet that waits is lost when the engine stops under traffic. */
START_TEST(stop_open_under_traffic)
{
    struct traffic t;
    write_config("policies: { on_stop = \"open\"; }; " NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    traffic_begin(&t);
    for (int i = 0; i < 3; i++) {
        usleep(50000);
        engine_stop(engine);
        usleep(10000);
        start();
    }
    engine_stop(engine);
    engine = NULL;
    traffic_end(&t, true);
    ck_assert_str_eq(netns_run("nft list tables"), "");
}
END_TEST

/* A closed stop leaves a table that blocks; the next start takes it over. */
START_TEST(stop_closed_and_start)
{
    write_config("policies: { on_stop = \"closed\"; }; " NO_EVENTS);
    write_rules(DROP_BAD);
    start();
    struct wire w = open_wire(1001), other = open_wire(2000);
    ck_assert(passes(&w, "good"));
    engine_stop(engine);
    engine = NULL;
    ck_assert_ptr_nonnull(strstr(netns_run("nft list tables"), "table inet sluice"));
    ck_assert_int_eq(send(w.out, "0 good", 6, 0), -1); /* dropped at output: the sender is told */
    ck_assert_int_eq(errno, EPERM);
    ck_assert_int_eq(receive_number(&w, 100), -1);
    ck_assert(passes(&other, "good"));
    start();
    ck_assert(passes(&w, "good"));
    ck_assert(!passes(&w, "bad"));
    close_wire(&w);
    close_wire(&other);
}
END_TEST

/* Nothing of a start that fails stays. */
START_TEST(failed_starts)
{
    struct queue *held = NULL;
    struct queue_options opt = {.number = 11, .batch = 8, .length = 8, .receive_buffer = 65536};
    char why[256];
    ck_assert_int_eq(queue_open(&opt, &held, why, sizeof why), 0);
    write_config(NO_EVENTS);
    write_rules(DROP_BAD);
    ck_assert_ptr_null(engine_start(file, d));
    ck_assert_uint_eq(diag_count(d), 1);
    ck_assert_ptr_nonnull(strstr(diag_text(d, 0), "queue 11 is in use"));
    ck_assert_str_eq(netns_run("nft list tables"), "");
    struct queue_proc p;
    ck_assert_int_eq(queue_read_proc(10, &p), -ENOENT);
    queue_close(held);
    write_config("events: { file = \"/nowhere/eve.json\"; };");
    struct diag *errors = diag_new();
    ck_assert_ptr_null(engine_start(file, errors));
    ck_assert_ptr_nonnull(strstr(diag_text(errors, 0), "/nowhere/eve.json"));
    diag_free(errors);
    ck_assert_int_eq(queue_read_proc(10, &p), -ENOENT);
    write_config(NO_EVENTS);
    start();
}
END_TEST

START_TEST(progress)
{
    write_config(NO_EVENTS);
    write_rules("");
    start();
    usleep(500000); /* an idle worker turns every 200 ms */
    ck_assert_int_eq(engine_progress(engine), 1);
    ck_assert_int_eq(engine_progress(engine), 0);
    usleep(500000);
    ck_assert_int_eq(engine_progress(engine), 1);
}
END_TEST

/* Packets that a table of an earlier run sends while the queue is still being set up are not lost. */
START_TEST(packets_before_the_queue_is_ready)
{
    struct queue_options opt = {
        .number = 10, .batch = 32, .length = 1000, .receive_buffer = 1 << 20, .fail_open = true, .whole = true};
    struct queue *q = NULL;
    struct divert dv;
    struct queue_packet p;
    char said[256], why[512] = "";
    write_config(NO_EVENTS);
    write_rules("");
    struct config *c = config_load(file, d);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(queue_open(&opt, &q, why, sizeof why), 0);
    ck_assert_int_eq(divert_probe(c, 1, &dv, said, sizeof said, why, sizeof why), 0);
    struct plan plan;
    ck_assert_int_eq(plan_all(c, &plan), 0);
    ck_assert_int_eq(divert_install(&dv, c, &plan, DIVERT_QUEUE, why, sizeof why), 0);
    plan_free(&plan);
    struct wire w = open_wire(1001);
    for (unsigned i = 0; i < 200; i++)
        send_text(&w, i, "early");
    bool ignored = queue_can_conntrack(q, &opt);
    (void)ignored;
    for (unsigned got = 0; got < 200;) {
        ck_assert_int_gt(queue_receive(q), 0);
        for (; queue_next(q, &p); got++)
            queue_decide(q, p.id, QUEUE_ACCEPT, false, 0);
        ck_assert_int_eq(queue_flush(q), 0);
    }
    for (unsigned i = 0; i < 200; i++)
        ck_assert_int_eq(receive_number(&w, 1000), i);
    ck_assert_int_eq(receive_number(&w, 50), -1);
    ck_assert_uint_eq(queue_counters(q)->errors, 0);
    ck_assert_int_eq(divert_remove(&dv, why, sizeof why), 0);
    queue_close(q);
    config_free(c);
    close_wire(&w);
}
END_TEST

/* Without the kernel's queues. */
START_TEST(ifaces_cache)
{
    static struct ifaces cache;
    write_file(file, "divert: { interfaces = ( { name = \"lo\"; side = \"outside\"; } );"
                     "services = ( { proto = \"tcp\"; } ); }; rules = [ ];");
    struct config *c = config_load(file, d);
    ck_assert_ptr_nonnull(c);
    uint32_t lo = if_nametoindex("lo");
    ck_assert_ptr_null(ifaces_find(&cache, c, 0, 5));
    const struct iface *i = ifaces_find(&cache, c, lo, 5);
    ck_assert_ptr_nonnull(i);
    ck_assert_uint_eq(i->index, lo);
    ck_assert_str_eq(i->name, "lo");
    ck_assert_int_eq(i->side, SIDE_OUTSIDE);
    ck_assert_ptr_eq(ifaces_find(&cache, c, lo, 900), i);
    c->divert.ifaces[0].outside = false;
    ck_assert_int_eq(ifaces_find(&cache, c, lo, 900)->side, SIDE_OUTSIDE); /* from the cache */
    ck_assert_int_eq(ifaces_find(&cache, c, lo, 2000)->side, SIDE_INSIDE); /* too old */
    c->divert.ifaces[0].outside = true;
    ifaces_clear(&cache);
    ck_assert_int_eq(ifaces_find(&cache, c, lo, 2000)->side, SIDE_OUTSIDE);
    const struct iface *gone = ifaces_find(&cache, c, lo + IFACES_SLOTS * 1000, 2000); /* the same slot */
    ck_assert_str_eq(gone->name, "");
    ck_assert_int_eq(gone->side, SIDE_NONE);
    ck_assert_str_eq(ifaces_find(&cache, c, lo, 2000)->name, "lo");
    config_free(c);
}
END_TEST

static uint64_t matches(const struct generation *g, uint32_t id)
{
    struct rule_stats s[8];
    generation_rule_stats(g, s);
    for (size_t i = 0; i < ruleset_count(g->rules); i++)
        if (s[i].id == id)
            return s[i].matches;
    ck_abort_msg("no rule %u", id);
    return 0;
}

static void count(const struct generation *g, size_t worker, uint32_t id, unsigned n)
{
    for (size_t i = 0; i < ruleset_count(g->rules); i++)
        if (ruleset_rule(g->rules, i)->id == id)
            for (unsigned k = 0; k < n; k++)
                generation_count(g, worker, ruleset_rule(g->rules, i));
}

START_TEST(generations_inherit_counts)
{
    write_config(NO_EVENTS);
    write_rules(RULE(9, "udp", "action = \"drop\"") ", " RULE(3, "tcp", "action = \"drop\"") ", " RULE(
        5, "icmp", "action = \"drop\""));
    struct generation *old = generation_load(file, 2, d);
    ck_assert_ptr_nonnull(old);
    count(old, 0, 9, 4);
    count(old, 1, 9, 5);
    count(old, 1, 3, 2);
    ck_assert_uint_eq(matches(old, 9), 9);
    ck_assert_uint_eq(matches(old, 5), 0);
    write_rules(RULE(3, "udp", "action = \"drop\"") ", " RULE(4, "tcp", "action = \"drop\"") ", " RULE(
        9, "icmp", "action = \"drop\""));
    struct generation *g = generation_load(file, 1, d);
    ck_assert_ptr_nonnull(g);
    count(g, 0, 9, 1); /* its workers may have begun */
    generation_inherit(g, old);
    generation_free(old);
    ck_assert_uint_eq(matches(g, 9), 10);
    ck_assert_uint_eq(matches(g, 3), 2);
    ck_assert_uint_eq(matches(g, 4), 0);
    write_rules("");
    struct generation *none = generation_load(file, 0, d);
    ck_assert_ptr_nonnull(none);
    generation_inherit(none, g);
    generation_inherit(g, none);
    ck_assert_uint_eq(matches(g, 9), 10);
    generation_free(none);
    generation_free(g);
    generation_free(NULL);
}
END_TEST

START_TEST(generation_errors)
{
    ck_assert_ptr_null(generation_load(file, 1, d));
    ck_assert_uint_eq(diag_count(d), 1);
    write_config(NO_EVENTS);
    write_rules(
        "{ id = 1; when = \"nonsense == 1\"; action = \"drop\"; }, { id = 2; when = \"udp\"; action = \"x\"; }");
    ck_assert_ptr_null(generation_load(file, 0, d));
    ck_assert_uint_ge(diag_count(d), 3); /* all of them, not the first only */
}
END_TEST

static TCase *kernel_tests(void)
{
    TCase *t = tcase_create("kernel");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, netns_enter, NULL);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, each_packet_one_verdict);
    tcase_add_test(t, many_flows);
    tcase_add_test(t, others_are_not_diverted);
    tcase_add_test(t, repeat_with_mark);
    tcase_add_test(t, mark_and_go_on);
    tcase_add_test(t, reject_is_told);
    tcase_add_test(t, monitor_lets_all_pass);
    tcase_add_test(t, events_of_drops);
    tcase_add_test(t, copy_range_follows_rules);
    tcase_add_test(t, reload_changes_rules);
    tcase_add_test(t, reload_changes_services);
    tcase_add_test(t, wrong_reload_keeps_the_old);
    tcase_add_test(t, reload_under_traffic);
    tcase_add_test(t, reload_between_copy_ranges);
    tcase_add_test(t, stop_open);
    tcase_add_test(t, stop_open_under_traffic);
    tcase_add_test(t, stop_closed_and_start);
    tcase_add_test(t, failed_starts);
    tcase_add_test(t, progress);
    tcase_add_test(t, packets_before_the_queue_is_ready);
    return t;
}

int main(void)
{
    Suite *s = suite_create("pipeline");
    TCase *t = tcase_create("parts");
    log_set_level(LOG_LEVEL_ERROR);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, ifaces_cache);
    tcase_add_test(t, generations_inherit_counts);
    tcase_add_test(t, generation_errors);
    suite_add_tcase(s, t);
    if (netns_possible())
        suite_add_tcase(s, kernel_tests());
    return run_suite(s);
}
