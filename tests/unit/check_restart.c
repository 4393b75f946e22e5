/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A process ends, its sockets live on, and the next one goes on with them; in a namespace, over lo. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "engine/engine.h"
#include "netns.h"
#include "queue/queue.h"
#include "run_suite.h"

#define KEPT_MAX 8

static char folder[64], file[96];
static struct engine *engine;
static struct kept_queue kept[KEPT_MAX];
static size_t n_kept;
static int sender, sink;

static void write_config(unsigned queues, const char *more)
{
    FILE *f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            "divert: { hook = \"output\"; services = ( { proto = \"udp\"; ports = [ 1001 ]; } ); };\n"
            "queues: { first = 10; count = %u; batch = 32; length = 65536; };\nlog: { level = \"error\"; };\n"
            "control: { socket = \"\"; }; events: { file = \"\"; };\nrules = [ \"*.rules\" ];\n%s\n",
            queues, more);
    ck_assert_int_eq(fclose(f), 0);
}

static void write_rules(void)
{
    char path[96];
    snprintf(path, sizeof path, "%s/a.rules", folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("rules = ( { id = 1; when = \"payload contains \\\"bad\\\"\"; action = \"drop\"; event = false; } );", f);
    ck_assert_int_eq(fclose(f), 0);
}

static void set_up(void)
{
    netns_enter();
    strcpy(folder, "/tmp/check_restart.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/sluice.conf", folder);
    write_rules();
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(1001), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sender = socket(AF_INET, SOCK_DGRAM, 0);
    sink = socket(AF_INET, SOCK_DGRAM, 0);
    int big = 64 << 20;
    ck_assert_int_eq(setsockopt(sink, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof big), 0);
    ck_assert_int_eq(setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof big), 0);
    ck_assert_int_eq(bind(sink, (struct sockaddr *)&to, sizeof to), 0);
    ck_assert_int_eq(connect(sender, (struct sockaddr *)&to, sizeof to), 0);
}

static void tear_down(void)
{
    char command[96];
    engine_stop(engine);
    engine = NULL;
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void send_number(unsigned number, const char *text)
{
    char line[64];
    int n = snprintf(line, sizeof line, "%u %s", number, text);
    ck_assert_int_eq(send(sender, line, (size_t)n, 0), n);
}

static void send_numbers(unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        send_number(i, "good");
}

/* The next number that arrives within `ms`, or -1. */
static long receive_number(int ms)
{
    char line[64];
    struct pollfd p = {.fd = sink, .events = POLLIN};
    if (poll(&p, 1, ms) != 1)
        return -1;
    ssize_t n = recv(sink, line, sizeof line - 1, 0);
    ck_assert_int_gt(n, 0);
    line[n] = '\0';
    return strtol(line, NULL, 10);
}

/* All of [0, n) arrive, each once, and nothing else. */
static void expect_numbers(unsigned n)
{
    bool *seen = calloc(n, sizeof *seen);
    ck_assert_ptr_nonnull(seen);
    for (unsigned i = 0; i < n; i++) {
        long got = receive_number(2000);
        ck_assert_msg(got >= 0 && got < (long)n, "%u of %u came, then %ld", i, n, got);
        ck_assert_msg(!seen[got], "%ld came twice", got);
        seen[got] = true;
    }
    ck_assert_int_eq(receive_number(100), -1);
    free(seen);
}

/* What systemd does: copies of the sockets, which outlive the engine. */
static void keep_sockets(void)
{
    uint16_t number;
    n_kept = 0;
    for (int fd; (fd = engine_queue_fd(engine, n_kept, &number)) >= 0; n_kept++)
        kept[n_kept] = (struct kept_queue){.number = number, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};
}

static void leave(void)
{
    engine_leave(engine);
    engine = NULL;
}

static void resume(void)
{
    struct diag *d = diag_new();
    engine = engine_resume(file, kept, n_kept, d);
    diag_print(d, stderr);
    ck_assert_ptr_nonnull(engine);
    for (size_t i = 0; i < n_kept; i++)
        ck_assert_int_eq(kept[i].fd, -1);
    diag_free(d);
}

static void start(unsigned queues)
{
    write_config(queues, "");
    n_kept = 0;
    resume();
}

static uint32_t waiting(uint16_t number)
{
    struct queue_proc p;
    ck_assert_int_eq(queue_read_proc(number, &p), 0);
    return p.waiting;
}

START_TEST(packets_wait_for_the_next_one)
{
    start(1);
    send_numbers(0, 1);
    expect_numbers(1);
    keep_sockets();
    leave();
    send_numbers(0, 300);
    send_number(9999, "bad");
    ck_assert_uint_eq(waiting(10), 301);
    resume();
    ck_assert(kept[0].taken);
    for (unsigned i = 0; i < 300; i++)
        ck_assert_int_eq(receive_number(2000), i); /* in their order */
    ck_assert_int_eq(receive_number(100), -1);
    ck_assert_uint_eq(waiting(10), 0);
    struct stats s;
    ck_assert_int_eq(engine_stats(engine, &s), 0);
    ck_assert_uint_eq(s.queues[0].at[COUNT_ERRORS], 0);
    ck_assert_uint_eq(s.queues[0].at[COUNT_RECEIVED], 301);
}
END_TEST

#define ALL UINT_MAX

/* In the child: takes the queue, receives once, decides some (or all that comes), and is gone without a word. */
static _Noreturn void hold(unsigned decide)
{
    struct queue_options opt = {
        .number = 10, .batch = 32, .length = 65536, .receive_buffer = 1 << 24, .fail_open = true, .whole = true};
    struct queue *q;
    struct queue_packet p;
    char why[256];
    if (queue_take_over(&opt, kept[0].fd, &q, why, sizeof why))
        _exit(1);
    for (int got; (got = queue_receive(q)) > 0;) {
        for (unsigned i = 0; i < decide && queue_next(q, &p); i++)
            queue_decide(q, p.id, QUEUE_ACCEPT, false, 0);
        if (queue_flush(q))
            _exit(1);
        if (decide != ALL)
            break;
    }
    _exit(0);
}

static void die_holding(unsigned decide)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        hold(decide);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

/* What the dead process had received comes, with packets behind it and without; the rule still holds for it. */
static void crash(unsigned packets, unsigned decided)
{
    start(1);
    keep_sockets();
    leave();
    send_number(9999, "bad");
    send_numbers(0, packets);
    die_holding(decided);
    ck_assert_uint_eq(waiting(10), packets + 1 - decided);
    resume();
    if (decided) /* the bad one among them */
        ck_assert_int_eq(receive_number(2000), 9999);
    expect_numbers(packets);
    ck_assert_uint_eq(waiting(10), 0);
}

START_TEST(crash_with_more_behind)
{
    crash(200, 0);
}
END_TEST

START_TEST(crash_with_nothing_behind)
{
    crash(20, 0);
}
END_TEST

START_TEST(crash_with_some_decided)
{
    crash(200, 10);
    engine_stop(engine);
    crash(20, 10);
}
END_TEST

/* A packet may kill two; what the next one finds held is dropped, the rest lives on. */
START_TEST(crash_after_crash)
{
    for (int round = 0; round < 2; round++) {
        start(1);
        keep_sockets();
        leave();
        send_numbers(0, 100);
        die_holding(0); /* holds 0 to 31, which then go round and stand behind the others */
        die_holding(0); /* holds 32 to 63 */
        resume();
        for (unsigned i = 64; i < 100; i++)
            ck_assert_int_eq(receive_number(2000), i);
        for (unsigned i = 0; i < 32; i++)
            ck_assert_int_eq(receive_number(2000), i);
        ck_assert_int_eq(receive_number(100), -1);
        ck_assert_uint_eq(waiting(10), 0);
        /* Then all begins anew: one that lives on has shown that they are harmless. */
        keep_sockets();
        leave();
        send_numbers(0, 100);
        die_holding(0);
        resume();
        expect_numbers(100);
        engine_stop(engine);
    }
    engine = NULL;
}
END_TEST

/* One that has decided what waited when it came has shown that it was harmless, however it dies then. */
START_TEST(crash_of_another_cause)
{
    start(1);
    keep_sockets();
    leave();
    send_numbers(0, 50);
    die_holding(ALL);
    expect_numbers(50);
    send_numbers(0, 100);
    die_holding(0);
    resume();
    expect_numbers(100);
}
END_TEST

struct traffic {
    pthread_t thread;
    atomic_bool end;
    unsigned sent;
};

static void *send_on(void *arg)
{
    struct traffic *t = arg;
    for (; !atomic_load(&t->end); t->sent++) {
        send_number(t->sent, "good");
        if (t->sent % 8 == 0)
            usleep(500);
    }
    return NULL;
}

static void begin_traffic(struct traffic *t)
{
    *t = (struct traffic){0};
    ck_assert_int_eq(pthread_create(&t->thread, NULL, send_on, t), 0);
}

static void end_traffic(struct traffic *t)
{
    atomic_store(&t->end, true);
    pthread_join(t->thread, NULL);
    expect_numbers(t->sent);
}

START_TEST(under_traffic)
{
    struct traffic t;
    start(2);
    begin_traffic(&t);
    for (int i = 0; i < 10; i++) {
        usleep(20000);
        keep_sockets();
        leave();
        resume();
        ck_assert(kept[0].taken && kept[1].taken);
    }
    end_traffic(&t);
}
END_TEST

/* More and fewer queues than before: what waits in those that go, goes to the others. */
START_TEST(other_queues)
{
    struct traffic t;
    struct queue_proc p;
    static const unsigned counts[] = {1, 4, 2, 3, 1};
    start(4);
    begin_traffic(&t);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        usleep(20000);
        keep_sockets();
        leave();
        usleep(5000);
        write_config(counts[i], "");
        resume();
    }
    end_traffic(&t);
    ck_assert_int_eq(queue_read_proc(11, &p), -ENOENT);
}
END_TEST

/* Sockets that are not what their name says are let go, and the queues are bound anew. */
START_TEST(wrong_sockets)
{
    write_config(2, "");
    kept[0] = (struct kept_queue){.number = 10, .fd = open("/dev/null", O_RDONLY)};
    kept[1] = (struct kept_queue){.number = 11, .fd = socket(AF_NETLINK, SOCK_RAW, 0)};
    kept[2] = (struct kept_queue){.number = 12, .fd = open("/dev/null", O_RDONLY)};
    n_kept = 3;
    resume();
    ck_assert(!kept[0].taken && !kept[1].taken && !kept[2].taken);
    send_numbers(0, 50);
    expect_numbers(50);
}
END_TEST

/* A start that fails lets go of what others hold: on_crash is open, so packets pass. */
START_TEST(failed_start)
{
    struct queue_proc p;
    start(1);
    keep_sockets();
    leave();
    int held = fcntl(kept[0].fd, F_DUPFD_CLOEXEC, 3);
    write_config(1, "nonsense = 1;");
    struct diag *d = diag_new();
    ck_assert_ptr_null(engine_resume(file, kept, n_kept, d));
    ck_assert_uint_gt(diag_count(d), 0);
    diag_free(d);
    ck_assert_int_eq(queue_read_proc(10, &p), -ENOENT);
    send_numbers(0, 50);
    expect_numbers(50);
    close(held);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("restart");
    if (!netns_possible())
        return 0;
    TCase *t = tcase_create("restart");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, packets_wait_for_the_next_one);
    tcase_add_test(t, crash_with_more_behind);
    tcase_add_test(t, crash_with_nothing_behind);
    tcase_add_test(t, crash_with_some_decided);
    tcase_add_test(t, crash_after_crash);
    tcase_add_test(t, crash_of_another_cause);
    tcase_add_test(t, under_traffic);
    tcase_add_test(t, other_queues);
    tcase_add_test(t, wrong_sockets);
    tcase_add_test(t, failed_start);
    suite_add_tcase(s, t);
    return run_suite(s);
}
