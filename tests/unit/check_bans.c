/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bans and lists of addresses: in memory, in the file, in the kernel's sets. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "divert/ban_table.h"
#include "divert/bans.h"
#include "divert/divert.h"
#include "divert/lists.h"
#include "divert/nft.h"
#include "netns.h"
#include "run_suite.h"

static struct config config;
static char folder[64], file[96], why[512], said[256];
static uint64_t now;

static uint64_t test_clock(void)
{
    return now;
}

static void set_up(void)
{
    config = (struct config){.marks_mask = 0x7f000000};
    config.bans.max = 1000;
    config.bans.prefix6 = 128;
    strcpy(folder, "/tmp/check_bans.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/bans", folder);
    config.bans.file = file;
    now = 1000000;
}

static void tear_down(void)
{
    unlink(file);
    ck_assert_int_eq(rmdir(folder), 0);
}

static struct bans *open_bans(size_t errors)
{
    struct diag *d = diag_new();
    struct bans *b = bans_open(&config, d);
    ck_assert_ptr_nonnull(b);
    if (diag_count(d) != errors)
        diag_print(d, stdout);
    ck_assert_uint_eq(diag_count(d), errors);
    diag_free(d);
    bans_set_clock(b, test_clock);
    return b;
}

static struct ip_addr address(const char *text)
{
    struct ip_addr a;
    ck_assert(ip_addr_parse(text, &a));
    return a;
}

static enum ban_result add(struct bans *b, const char *text, uint32_t seconds, const char *reason)
{
    struct ip_addr a = address(text);
    return bans_add(b, &a, seconds, reason);
}

static char listed[65536];

static bool list_one(const struct ban *ban, void *ctx)
{
    char addr[IP_ADDR_TEXT_MAX];
    size_t len = strlen(listed);
    (void)ctx;
    snprintf(listed + len, sizeof listed - len, "%s/%u %u %s;", ip_addr_format(&ban->addr, addr), ban->prefix,
             ban->seconds, ban->reason);
    return true;
}

static const char *list(struct bans *b)
{
    listed[0] = '\0';
    bans_each(b, list_one, NULL);
    return listed;
}

static size_t lift(struct bans *b, const char *text)
{
    struct ip_net net;
    int err = ip_net_parse(text, &net);
    ck_assert(err == 0 || err == -EDOM);
    return bans_remove(b, &net);
}

START_TEST(add_and_prolong)
{
    struct bans *b = open_bans(0);
    ck_assert_int_eq(add(b, "192.0.2.1", 100, "rule 7"), BAN_DONE);
    ck_assert_int_eq(add(b, "192.0.2.1", 100, "rule 8"), BAN_KEPT);
    ck_assert_int_eq(add(b, "192.0.2.1", 50, "rule 8"), BAN_KEPT);
    ck_assert_int_eq(add(b, "2001:db8::1", 20, "detect.scan"), BAN_DONE);
    ck_assert_str_eq(list(b), "2001:db8::1/128 20 detect.scan;192.0.2.1/32 100 rule 7;");
    ck_assert_int_eq(add(b, "192.0.2.1", 101, "rule 9"), BAN_DONE);
    now += 19001;
    ck_assert_str_eq(list(b), "2001:db8::1/128 1 detect.scan;192.0.2.1/32 82 rule 9;");
    now += 1000;
    ck_assert_uint_eq(bans_counts(b).now, 1);
    ck_assert_str_eq(list(b), "192.0.2.1/32 81 rule 9;");
    now += 200000;
    ck_assert_int_eq(bans_tick(b, why, sizeof why), 0);
    ck_assert_str_eq(list(b), "");
    bans_close(b);
}
END_TEST

START_TEST(who_is_never_banned)
{
    static const char *const never[] = {"0.0.0.0",   "0.1.2.3",         "127.0.0.1", "127.9.9.9", "224.0.0.1",
                                        "239.1.1.1", "255.255.255.255", "::",        "::1",       "ff02::1"};
    static char nets[3][20] = {"192.0.2.0/24", "2001:db8:1::/48", "10.1.2.3/8"};
    char *exempt[] = {nets[0], nets[1], nets[2]};
    config.divert.exempt.at = exempt;
    config.divert.exempt.n = 3;
    struct bans *b = open_bans(0);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        ck_assert_int_eq(add(b, never[i], 9, "x"), BAN_NOT_VALID);
    ck_assert_int_eq(add(b, "192.0.2.77", 9, "x"), BAN_EXEMPT);
    ck_assert_int_eq(add(b, "10.200.0.1", 9, "x"), BAN_EXEMPT);
    ck_assert_int_eq(add(b, "2001:db8:1:2::3", 9, "x"), BAN_EXEMPT);
    ck_assert_int_eq(add(b, "192.0.3.77", 9, "x"), BAN_DONE);
    ck_assert_int_eq(add(b, "fe80::1", 9, "x"), BAN_DONE);
    bans_close(b);
    config.bans.prefix6 = 64;
    b = open_bans(0);
    ck_assert_int_eq(add(b, "fe80::1", 9, "x"), BAN_NOT_VALID);
    bans_close(b);
}
END_TEST

START_TEST(full)
{
    config.bans.max = 3;
    struct bans *b = open_bans(0);
    ck_assert_int_eq(add(b, "192.0.2.1", 30, "a"), BAN_DONE);
    ck_assert_int_eq(add(b, "192.0.2.2", 10, "b"), BAN_DONE);
    ck_assert_int_eq(add(b, "192.0.2.3", 20, "c"), BAN_DONE);
    ck_assert_int_eq(add(b, "192.0.2.4", 10, "d"), BAN_FULL);
    ck_assert_int_eq(add(b, "192.0.2.5", 11, "e"), BAN_DONE);
    ck_assert_str_eq(list(b), "192.0.2.5/32 11 e;192.0.2.3/32 20 c;192.0.2.1/32 30 a;");
    struct bans_counts n = bans_counts(b);
    ck_assert_uint_eq(n.now, 3);
    ck_assert_uint_eq(n.evicted, 1);
    ck_assert_uint_eq(n.refused, 1);
    bans_close(b);
}
END_TEST

START_TEST(lifting)
{
    config.bans.prefix6 = 64;
    struct bans *b = open_bans(0);
    add(b, "192.0.2.1", 30, "a");
    add(b, "192.0.2.200", 31, "b");
    add(b, "198.51.100.1", 32, "c");
    add(b, "2001:db8::aaaa", 33, "d");
    ck_assert_int_eq(add(b, "2001:db8::bbbb", 33, "d"), BAN_KEPT);
    add(b, "2001:db8:0:1::1", 34, "e");
    ck_assert_uint_eq(lift(b, "203.0.113.1"), 0);
    ck_assert_uint_eq(lift(b, "192.0.2.0/25"), 1);
    ck_assert_uint_eq(lift(b, "2001:db8::cccc"), 1); /* in the network that is banned */
    ck_assert_str_eq(list(b), "192.0.2.200/32 31 b;198.51.100.1/32 32 c;2001:db8:0:1::/64 34 e;");
    ck_assert_uint_eq(lift(b, "2001:db8::/32"), 1);
    ck_assert_uint_eq(bans_remove(b, NULL), 2);
    ck_assert_uint_eq(bans_remove(b, NULL), 0);
    bans_close(b);
}
END_TEST

/* Against a plain list: any order of adding, prolonging, lifting and ending. */
START_TEST(table_against_a_list)
{
    enum { KEYS = 300 };
    static uint64_t ends[KEYS];
    struct ban_table t;
    ck_assert_int_eq(ban_table_init(&t), 0);
    srand(7);
    memset(ends, 0, sizeof ends);
    for (int step = 0; step < 20000; step++) {
        int k = rand() % KEYS;
        struct ip_addr key = {4, {10, 0, (uint8_t)(k >> 8), (uint8_t)k}};
        struct ban_entry *e = ban_table_find(&t, &key);
        ck_assert_int_eq(e != NULL, ends[k] != 0);
        uint64_t end = 1 + (uint64_t)rand() % 100000;
        if (!e) {
            ck_assert_ptr_nonnull(ban_table_add(&t, &key, end));
            ends[k] = end;
        } else if (rand() % 3) {
            ends[k] += end;
            ban_table_prolong(&t, e, ends[k]);
        } else {
            ck_assert(ban_table_remove(&t, e, false));
            ends[k] = 0;
        }
        uint64_t soonest = UINT64_MAX;
        uint32_t n = 0;
        for (int i = 0; i < KEYS; i++)
            if (ends[i]) {
                n++;
                soonest = ends[i] < soonest ? ends[i] : soonest;
            }
        ck_assert_uint_eq(t.n, n);
        if (n)
            ck_assert_uint_eq(ban_table_soonest(&t)->ends, soonest);
    }
    ban_table_free(&t);
}
END_TEST

/* The file. */

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(file_keeps_bans)
{
    struct bans *b = open_bans(0);
    add(b, "192.0.2.1", 1000, "rule 100010");
    add(b, "2001:db8::1", 2000, "sluicectl");
    ck_assert_int_eq(bans_save(b, why, sizeof why), 0);
    bans_close(b);
    struct stat st;
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07, 0);
    b = open_bans(0);
    now = 0;
    bans_set_clock(b, test_clock);
    bans_close(b);
    config.bans.file = file;
    struct diag *d = diag_new();
    b = bans_open(&config, d);
    const char *text = list(b);
    ck_assert_msg(strstr(text, "192.0.2.1/32 1000 rule 100010;") || strstr(text, "192.0.2.1/32 999 rule 100010;"), "%s",
                  text);
    ck_assert_ptr_nonnull(strstr(text, "2001:db8::1/128 "));
    ck_assert_ptr_nonnull(strstr(text, " sluicectl;"));
    bans_close(b);
    diag_free(d);
}
END_TEST

START_TEST(file_saved_in_time)
{
    struct bans *b = open_bans(0);
    add(b, "192.0.2.1", 1000, "a");
    ck_assert_int_eq(bans_tick(b, why, sizeof why), 0);
    for (int i = 0; i < 1000 && access(file, F_OK) != 0; i++)
        usleep(1000);
    ck_assert_int_eq(access(file, F_OK), 0);
    usleep(100000); /* the folder is synced as well */
    ck_assert_int_eq(bans_tick(b, why, sizeof why), 0);
    unlink(file);
    add(b, "192.0.2.2", 1000, "a");
    now += 4000;
    ck_assert_int_eq(bans_tick(b, why, sizeof why), 0);
    usleep(100000);
    ck_assert_int_ne(access(file, F_OK), 0); /* not so soon */
    now += 2000;
    ck_assert_int_eq(bans_tick(b, why, sizeof why), 0);
    bans_close(b); /* waits for it */
    ck_assert_int_eq(access(file, F_OK), 0);
}
END_TEST

START_TEST(file_cannot_be_written)
{
    static char nowhere[] = "/proc/nowhere/bans";
    config.bans.file = nowhere;
    struct bans *b = open_bans(0);
    add(b, "192.0.2.1", 1000, "a");
    int told = 0;
    for (int i = 0; i < 200; i++) {
        now += 1000;
        told += bans_tick(b, why, sizeof why) != 0;
        usleep(2000);
    }
    ck_assert_int_eq(told, 1);
    ck_assert_ptr_nonnull(strstr(why, "/proc/nowhere/bans: cannot keep the bans: "));
    ck_assert_int_ne(bans_save(b, why, sizeof why), 0);
    bans_close(b);
    config.bans.file = file;
}
END_TEST

START_TEST(file_broken)
{
    static const struct {
        const char *line, *error;
    } lines[] = {
        {"nonsense", ":1:1: expected an address"},
        {"192.0.2.1", ":1:10: expected when the ban ends"},
        {"192.0.2.1 12x 5 r", ":1:11: expected when the ban ends"},
        {"192.0.2.1 -5 5 r", ":1:11: expected when the ban ends"},
        {"192.0.2.1 99999999999999999999999 5 r", ":1:11: expected when the ban ends"},
        {"192.0.2.1 9999999999 r", ":1:22: expected when the ban began"},
        {"192.0.2.1 9999999998 9999999999 r", ":1:22: expected when the ban began"},
        {"192.0.2.1 9999999999 5", ":1:23: expected a reason"},
        {"192.0.2.1 9999999999 5 \033[2J", ":1:24: expected a reason"},
        {"192.0.2.1 9999999999 5 a reason that is longer than any of ours is", ":1:24: expected a reason"},
        {"192.0.2.0/24 9999999999 5 r", ":1:1: expected an address"},
    };
    char text[512];
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        snprintf(text, sizeof text, "%s\n# note\n\n192.0.2.9 9999999999 5 rule 7\n", lines[i].line);
        write_file(text);
        struct diag *d = diag_new();
        struct bans *b = bans_open(&config, d);
        ck_assert_uint_eq(diag_count(d), 1);
        ck_assert_msg(strstr(diag_text(d, 0), lines[i].error) != NULL, "%s", diag_text(d, 0));
        ck_assert_ptr_nonnull(strstr(list(b), "192.0.2.9/32 "));
        ck_assert_uint_eq(bans_counts(b).now, 1);
        bans_close(b);
        diag_free(d);
    }
}
END_TEST

START_TEST(file_odd)
{
    /* Too long, with a NUL byte, ended, exempt by nature, without an end of line. */
    FILE *f = fopen(file, "w");
    for (int i = 0; i < 100000; i++)
        fputc('1', f);
    fputs("\n192.0.2.1 9999999999 5 r", f);
    fputc('\0', f);
    fputs("x\n192.0.2.2 5 4 ended\n127.0.0.1 9999999999 5 r\n192.0.2.3 9999999999 5 r", f);
    fclose(f);
    struct bans *b = open_bans(2);
    ck_assert_uint_eq(bans_counts(b).now, 1);
    bans_close(b);
    /* A clock that was set back does not prolong: 100 seconds are 100 seconds. */
    char text[128];
    snprintf(text, sizeof text, "192.0.2.1 %lld %lld r\n", (long long)time(NULL) + 1000100,
             (long long)time(NULL) + 1000000);
    write_file(text);
    struct diag *d = diag_new();
    b = bans_open(&config, d);
    ck_assert_str_eq(list(b), "192.0.2.1/32 100 r;");
    bans_close(b);
    diag_free(d);
    unlink(file);
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    bans_close(open_bans(1));
    unlink(file);
    int fd = open(file, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_eq(ftruncate(fd, 1ll << 40), 0);
    close(fd);
    bans_close(open_bans(1));
}
END_TEST

/* The kernel, in a namespace: packets from 192.0.2.1 and 2001:db8::1 to their neighbours, over lo. */
static struct config *real;
static struct divert dv;
static struct plan plan;
static struct bans *bans;

static void load(const char *more)
{
    char path[128];
    snprintf(path, sizeof path, "%s/conf", folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(
        f,
        "divert: { hook = \"input\"; services = ( { proto = \"tcp\"; ports = [ 22 ]; }, { proto = \"udp\"; } ); };\n"
        "rules = [ ];\n%s\n",
        more);
    fclose(f);
    struct diag *d = diag_new();
    config_free(real);
    real = config_load(path, d);
    diag_print(d, stdout);
    ck_assert_ptr_nonnull(real);
    diag_free(d);
    unlink(path);
    plan_free(&plan);
    ck_assert_int_eq(plan_all(real, &plan), 0);
}

static void start(const char *more)
{
    load(more);
    struct diag *d = diag_new();
    bans = bans_open(real, d);
    ck_assert_ptr_nonnull(bans);
    diag_free(d);
    ck_assert_msg(divert_probe(real, 1, &dv, said, sizeof said, why, sizeof why) == 0, "%s", why);
    dv.bans = bans;
    ck_assert_msg(divert_install(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why) == 0, "%s", why);
}

static void change(const char *more)
{
    load(more);
    ck_assert_msg(divert_change(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why) == 0, "%s", why);
}

static void kernel_set_up(void)
{
    set_up();
    netns_enter();
    netns_run("ip addr add 192.0.2.1/32 dev lo; ip addr add 192.0.2.2/32 dev lo;"
              "ip addr add 2001:db8::1/128 dev lo nodad; ip addr add 2001:db8:0:1::2/128 dev lo nodad");
    real = NULL;
    bans = NULL;
    plan = (struct plan){0};
}

static void kernel_tear_down(void)
{
    bans_close(bans);
    divert_close(&dv);
    plan_free(&plan);
    config_free(real);
    tear_down();
}

static int udp(const char *from, uint16_t port)
{
    bool v6 = strchr(from, ':');
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in a4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    ck_assert_int_eq(inet_pton(v6 ? AF_INET6 : AF_INET, from, v6 ? (void *)&a6.sin6_addr : &a4.sin_addr), 1);
    ck_assert_int_eq(bind(fd, v6 ? (void *)&a6 : &a4, v6 ? sizeof a6 : sizeof a4), 0);
    return fd;
}

/* How many of n datagrams arrive, which may take the kernel a moment. */
static int arrive(int version, int n)
{
    int from = udp(version == 4 ? "192.0.2.1" : "2001:db8::1", 0),
        to = udp(version == 4 ? "192.0.2.2" : "2001:db8:0:1::2", 7), got = 0;
    struct sockaddr_storage at;
    socklen_t len = sizeof at;
    char byte;
    ck_assert_int_eq(getsockname(to, (void *)&at, &len), 0);
    for (int i = 0; i < n; i++)
        (void)!sendto(from, "x", 1, 0, (void *)&at, len);
    struct pollfd wait = {.fd = to, .events = POLLIN};
    while (got < n && poll(&wait, 1, 150) == 1)
        got += recv(to, &byte, 1, 0) == 1;
    close(from);
    close(to);
    return got;
}

static void commit(void)
{
    ck_assert_msg(bans_commit(bans, why, sizeof why) == 0, "%s", why);
    ck_assert(!bans_pending(bans));
}

static uint64_t banned(void)
{
    struct divert_counts n;
    ck_assert_int_eq(divert_counters(&dv, &n), 0);
    return n.banned;
}

static int count_element(const struct nft_element *e, void *ctx)
{
    (void)e;
    ++*(size_t *)ctx;
    return 0;
}

static size_t elements(const char *set)
{
    size_t n = 0;
    int err = nft_each_element(NFPROTO_INET, "sluice", set, count_element, &n);
    ck_assert_msg(err == 0 || err == -ENOENT, "%s: %s", set, strerror(-err));
    return err ? SIZE_MAX : n;
}

START_TEST(kernel_drops_the_banned)
{
    start("bans: { file = \"\"; };");
    ck_assert_int_eq(arrive(4, 3), 3);
    ck_assert_int_eq(arrive(6, 3), 3);
    ck_assert_int_eq(add(bans, "192.0.2.1", 100, "a"), BAN_DONE);
    ck_assert_int_eq(arrive(4, 1), 1);
    commit();
    ck_assert_int_eq(arrive(4, 5), 0);
    ck_assert_int_eq(arrive(6, 5), 5);
    ck_assert_int_eq(add(bans, "2001:db8::1", 100, "a"), BAN_DONE);
    commit();
    ck_assert_int_eq(arrive(6, 5), 0);
    ck_assert_uint_eq(banned(), 10);
    change("bans: { file = \"\"; }; http: { ports = [ 81 ]; };"); /* the table stays as it is */
    ck_assert_int_eq(arrive(4, 1) + arrive(6, 1), 0);
    real->divert.services[0].ports[0].last = 40; /* and another one */
    plan_free(&plan);
    ck_assert_int_eq(plan_all(real, &plan), 0);
    ck_assert_int_eq(divert_change(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why), 0);
    ck_assert_int_eq(arrive(4, 1) + arrive(6, 1), 0);
    ck_assert_uint_eq(lift(bans, "192.0.2.0/24"), 1);
    commit();
    ck_assert_int_eq(arrive(4, 1), 1);
    ck_assert_int_eq(arrive(6, 1), 0);
    ck_assert_uint_eq(elements("banned4"), 0);
    ck_assert_uint_eq(elements("banned6"), 1);
}
END_TEST

START_TEST(kernel_ends_and_prolongs)
{
    start("bans: { file = \"\"; };");
    add(bans, "192.0.2.1", 1, "a");
    add(bans, "2001:db8::1", 1, "a");
    commit();
    ck_assert_int_eq(arrive(4, 1) + arrive(6, 1), 0);
    ck_assert_int_eq(add(bans, "192.0.2.1", 100, "b"), BAN_DONE);
    commit();
    usleep(1300000);
    ck_assert_int_eq(arrive(4, 1), 0);
    ck_assert_int_eq(arrive(6, 1), 1);
    /* Ended, and banned again before it is forgotten. */
    ck_assert_int_eq(add(bans, "2001:db8::1", 100, "b"), BAN_DONE);
    commit();
    ck_assert_int_eq(arrive(6, 1), 0);
}
END_TEST

/* About the moment at which an element ends, the kernel may or may not have it. */
START_TEST(kernel_prolongs_what_ends_just_now)
{
    start("bans: { file = \"\"; };");
    char text[32];
    for (int i = 0; i < 60; i++) {
        snprintf(text, sizeof text, "198.51.100.%d", i);
        add(bans, text, 1, "a");
        commit();
        usleep(1000);
    }
    usleep(900000);
    for (int i = 0; i < 60; i++) {
        snprintf(text, sizeof text, "198.51.100.%d", i);
        ck_assert_int_eq(add(bans, text, 100, "b"), BAN_DONE);
        commit();
        usleep(1500);
    }
    usleep(300000);
    ck_assert_uint_eq(elements("banned4"), 60);
}
END_TEST

/* After a crash: what the kernel holds is taken up, and its rules stay in force. */
/* Whether a ban is listed with so many seconds left, or a little less (a guest may be slow). */
static bool lists_ban(const char *addr, const char *reason, unsigned seconds)
{
    const char *at = strstr(list(bans), addr);
    unsigned left = 0;
    char said_reason[BAN_REASON_MAX] = "";
    return at && sscanf(at + strlen(addr), " %u %39[^;]", &left, said_reason) == 2 && left <= seconds &&
           left + 20 >= seconds && strcmp(said_reason, reason) == 0;
}

START_TEST(kernel_adoption)
{
    start("bans: { file = \"\"; };");
    add(bans, "192.0.2.1", 500, "a");
    add(bans, "2001:db8::1", 50, "a");
    add(bans, "198.51.100.1", 50, "a");
    commit();
    bans_close(bans);
    divert_close(&dv);
    FILE *f = fopen(file, "w");
    fprintf(f, "198.51.100.1 %lld 5 from the file\n203.0.113.1 %lld 5 from the file\n", (long long)time(NULL) + 400,
            (long long)time(NULL) + 400);
    fclose(f);
    char more[160];
    snprintf(more, sizeof more, "bans: { file = \"%s\"; };", file);
    start(more);
    ck_assert(dv.adopted);
    ck_assert_int_eq(arrive(4, 1) + arrive(6, 1), 0);
    ck_assert_msg(lists_ban("2001:db8::1/128", "kept by the kernel", 50), "%s", listed);
    ck_assert_msg(lists_ban("192.0.2.1/32", "kept by the kernel", 500), "%s", listed);
    ck_assert_msg(lists_ban("198.51.100.1/32", "from the file", 400), "%s", listed);
    ck_assert_uint_eq(bans_counts(bans).now, 4);
    ck_assert_uint_eq(elements("banned4"), 3);
    /* The longer end is the kernel's as well. */
    ck_assert_ptr_nonnull(strstr(netns_run("nft list set inet sluice banned4"), "198.51.100.1 timeout 6m"));
    ck_assert_uint_eq(bans_remove(bans, NULL), 4);
    commit();
    ck_assert_int_eq(arrive(4, 1) + arrive(6, 1), 2);
}
END_TEST

START_TEST(kernel_foreign_set)
{
    start("bans: { file = \"\"; };");
    netns_run("nft 'flush ruleset; add table inet sluice; add set inet sluice banned4 { type inet_service; }'");
    ck_assert_int_eq(bans_adopt(bans, NFPROTO_INET), -EINVAL);
    ck_assert_msg(divert_install(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why) == 0, "%s", why);
    add(bans, "192.0.2.1", 500, "a");
    commit();
    ck_assert_int_eq(arrive(4, 1), 0);
}
END_TEST

START_TEST(kernel_other_prefix)
{
    start("bans: { file = \"\"; };");
    add(bans, "2001:db8::7", 100, "a");
    add(bans, "2001:db8::9", 200, "b");
    add(bans, "192.0.2.1", 200, "b");
    commit();
    ck_assert_int_eq(arrive(6, 1), 1);
    change("bans: { file = \"\"; prefix6 = 62; max = 2; };");
    ck_assert_int_eq(arrive(4, 1) + arrive(6, 1), 0);
    ck_assert_msg(lists_ban("2001:db8::/62", "b", 200), "%s", listed);
    ck_assert_uint_eq(elements("banned6"), SIZE_MAX);
    ck_assert_uint_eq(elements("banned6_62"), 1);
    change("bans: { file = \"\"; };");
    ck_assert_int_eq(arrive(6, 1), 1);
    ck_assert_ptr_nonnull(strstr(list(bans), "2001:db8::9/128 "));
    ck_assert_uint_eq(elements("banned6"), 1);
    ck_assert_uint_eq(elements("banned6_62"), SIZE_MAX);
    ck_assert_int_eq(arrive(4, 1), 0);
}
END_TEST

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

START_TEST(kernel_very_many)
{
    enum { MANY = 100000 };
    char more[160];
    snprintf(more, sizeof more, "bans: { file = \"%s\"; };", file);
    start(more);
    double t[5];
    t[0] = seconds();
    for (uint32_t i = 0; i < MANY; i++) {
        uint32_t be = htonl(0x0a000000 + i * 7);
        struct ip_addr a = {.family = 4};
        memcpy(a.bytes, &be, 4);
        if (i % 2) {
            a.bytes[8] = 1;
            a.family = 6;
        }
        ck_assert_int_eq(bans_add(bans, &a, 1000 + i % 50, "rule 100010"), BAN_DONE);
    }
    t[1] = seconds();
    commit();
    t[4] = seconds() - t[1];
    t[2] = seconds();
    ck_assert_uint_eq(elements("banned4"), MANY / 2);
    ck_assert_uint_eq(elements("banned6"), MANY / 2);
    t[2] = seconds() - t[2];
    double one = seconds();
    add(bans, "192.0.2.1", 100000, "a"); /* full: another one goes */
    commit();
    one = seconds() - one;
    ck_assert_int_eq(arrive(4, 1), 0);
    ck_assert_uint_eq(elements("banned4") + elements("banned6"), MANY);
    t[3] = seconds();
    ck_assert_int_eq(bans_save(bans, why, sizeof why), 0);
    t[3] = seconds() - t[3];
    double again = seconds();
    bans_close(bans);
    divert_close(&dv);
    start(more);
    again = seconds() - again;
    ck_assert(dv.adopted);
    ck_assert_uint_eq(bans_counts(bans).now, MANY);
    double all = seconds();
    ck_assert_uint_eq(bans_remove(bans, NULL), MANY);
    commit();
    ck_assert_uint_eq(elements("banned4") + elements("banned6"), 0);
    printf("bans: %d added in %.0f ms, told in %.0f ms, read back in %.0f ms, one more %.2f ms, saved in %.0f ms,"
           " adopted with the file in %.0f ms, lifted in %.0f ms\n",
           MANY, (t[1] - t[0]) * 1e3, t[4] * 1e3, t[2] * 1e3, one * 1e3, t[3] * 1e3, again * 1e3,
           (seconds() - all) * 1e3);
}
END_TEST

/* Lists. */

#define LIST_MAX 4000

static struct match_range wanted[LIST_MAX];
static struct plan_rule rule;

/* A range of 10.0.0.0/8 by number; all lists hold 192.0.2.1, or a range with it. */
static struct match_range range4(uint32_t first, uint32_t last)
{
    struct match_range r = {0};
    uint32_t a = htonl(first), b = htonl(last);
    memcpy(r.first, &a, 4);
    memcpy(r.last, &b, 4);
    return r;
}

static void use_list(size_t n)
{
    rule = (struct plan_rule){.id = 7, .action = PLAN_DROP};
    rule.match.n = 1;
    rule.match.at[0] = (struct match_cond){.what = MATCH_SRC, .family = 4, .ranges = wanted, .n = n, .list = "bad"};
    plan.rules = &rule;
    plan.n_rules = 1;
}

static void change_list(size_t n)
{
    use_list(n);
    ck_assert_msg(divert_change(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why) == 0, "%s", why);
}

/* What the set in force holds, as ranges, joined where they touch. */
static struct bound {
    uint32_t at;
    bool end;
} bounds[4 * LIST_MAX];
static size_t n_bounds;

static int note_bound(const struct nft_element *e, void *ctx)
{
    uint32_t be;
    (void)ctx;
    memcpy(&be, e->key, 4);
    ck_assert_uint_lt(n_bounds, ARRAY_LEN(bounds));
    bounds[n_bounds++] = (struct bound){ntohl(be), e->interval_end};
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct bound *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (int)y->end - (int)x->end;
}

static void check_kernel_has(size_t n)
{
    const char *set = lists_set(dv.lists, "bad", 4);
    ck_assert_ptr_nonnull(set);
    n_bounds = 0;
    ck_assert_int_eq(nft_each_element(NFPROTO_INET, "sluice", set, note_bound, NULL), 0);
    qsort(bounds, n_bounds, sizeof *bounds, by_place);
    size_t seen = 0;
    for (size_t i = 0; i < n_bounds; i++) {
        ck_assert(!bounds[i].end);
        size_t first = i++;
        for (; i + 1 < n_bounds && bounds[i + 1].at == bounds[i].at; i += 2)
            ;
        uint32_t last = i < n_bounds ? bounds[i].at - 1 : UINT32_MAX;
        struct match_range r = range4(bounds[first].at, last);
        ck_assert_uint_lt(seen, n);
        ck_assert_msg(memcmp(&r, &wanted[seen], sizeof r) == 0, "range %zu: %x-%x", seen, bounds[first].at, last);
        seen++;
    }
    ck_assert_uint_eq(seen, n);
}

/* Some ranges, sorted, apart from each other, with 192.0.2.1 (c0000201) in the last but one or so. */
static size_t random_list(void)
{
    size_t n = 0;
    uint32_t at = 0x0a000000;
    if (rand() % 4 == 0) {
        wanted[n++] = range4(0, (uint32_t)rand() % 9);
    }
    for (int i = rand() % 60; i > 0; i--) {
        uint32_t len = (uint32_t)rand() % 4;
        at += 2 + (uint32_t)rand() % 3;
        wanted[n++] = range4(at, at + len);
        at += len;
    }
    wanted[n++] = range4(0xc0000200 + (uint32_t)rand() % 2, 0xc0000201 + (uint32_t)rand() % 3);
    wanted[n++] = range4(0xf0000000, rand() % 2 ? 0xf0000010 : UINT32_MAX);
    return n;
}

START_TEST(lists_follow)
{
    srand(11);
    load("bans: { file = \"\"; };");
    use_list(random_list());
    ck_assert_int_eq(divert_probe(real, 1, &dv, said, sizeof said, why, sizeof why), 0);
    ck_assert_msg(divert_install(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why) == 0, "%s", why);
    check_kernel_has(rule.match.at[0].n);
    for (int i = 0; i < 150; i++) {
        change_list(random_list());
        check_kernel_has(rule.match.at[0].n);
        if (i % 10 == 0)
            ck_assert_int_eq(arrive(4, 2), 0);
    }
    ck_assert_int_eq((int)strtol(netns_run("nft list sets | grep -c list4"), NULL, 10), 1);
    plan.n_rules = 0;
    ck_assert_int_eq(divert_change(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why), 0);
    ck_assert_ptr_null(lists_set(dv.lists, "bad", 4));
    ck_assert_int_eq((int)strtol(netns_run("nft list sets | grep -c list4 || true"), NULL, 10), 0);
    ck_assert_int_eq(arrive(4, 1), 1);
    plan.rules = NULL;
}
END_TEST

static size_t few(const uint32_t (*pairs)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        wanted[i] = range4(pairs[i][0], pairs[i][1]);
    return n;
}

/* Which changes are made in place: the set's name tells. */
START_TEST(lists_in_place)
{
    static const uint32_t first[][2] = {{10, 19}, {30, 39}, {50, 59}};
    static const uint32_t grown[][2] = {{8, 25}, {30, 39}, {45, 70}, {80, 80}};
    static const uint32_t less[][2] = {{8, 25}, {45, 70}};
    static const uint32_t part[][2] = {{8, 25}, {45, 50}};
    load("bans: { file = \"\"; };");
    use_list(few(first, 3));
    ck_assert_int_eq(divert_probe(real, 1, &dv, said, sizeof said, why, sizeof why), 0);
    ck_assert_int_eq(divert_install(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why), 0);
    ck_assert_str_eq(lists_set(dv.lists, "bad", 4), "list4_bad");
    change_list(few(grown, 4));
    check_kernel_has(4);
    ck_assert_str_eq(lists_set(dv.lists, "bad", 4), "list4_bad");
    change_list(few(less, 2));
    check_kernel_has(2);
    ck_assert_str_eq(lists_set(dv.lists, "bad", 4), "list4_bad");
    change_list(few(part, 2));
    check_kernel_has(2);
    ck_assert_str_eq(lists_set(dv.lists, "bad", 4), "list4n1_bad");
    /* Somebody else's hands: what cannot be changed as it is is written anew. */
    netns_run("nft delete element inet sluice list4n1_bad { 0.0.0.8-0.0.0.25 } && "
              "nft add element inet sluice list4n1_bad { 0.0.0.60-0.0.0.90 }");
    change_list(few(grown, 4));
    check_kernel_has(4);
    ck_assert_str_eq(lists_set(dv.lists, "bad", 4), "list4n2_bad");
    /* Another run takes the table over. */
    divert_close(&dv);
    dv.change = dv.changes = 0;
    ck_assert_int_eq(divert_install(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why), 0);
    ck_assert(dv.adopted);
    check_kernel_has(4);
    ck_assert_str_eq(netns_run("nft list sets | grep -o 'list4[a-z0-9_]*'"), "list4_bad\n");
    plan.rules = NULL;
    plan.n_rules = 0;
}
END_TEST

/* A refused change of the rules leaves the lists as they were. */
START_TEST(lists_taken_back)
{
    static const uint32_t first[][2] = {{10, 19}, {30, 39}, {50, 59}};
    static const uint32_t grown[][2] = {{8, 25}, {30, 39}, {45, 70}, {80, 80}};
    static const uint32_t part[][2] = {{10, 15}, {30, 39}};
    load("bans: { file = \"\"; };");
    use_list(few(first, 3));
    ck_assert_int_eq(divert_probe(real, 1, &dv, said, sizeof said, why, sizeof why), 0);
    ck_assert_int_eq(divert_install(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why), 0);
    use_list(few(grown, 4));
    ck_assert_int_eq(lists_prepare(dv.lists, &plan, why, sizeof why), 0);
    check_kernel_has(4 - 4 + 4);
    ck_assert_int_eq(lists_finish(dv.lists, false, why, sizeof why), 0);
    (void)few(first, 3);
    check_kernel_has(3);
    use_list(few(part, 2));
    ck_assert_int_eq(lists_prepare(dv.lists, &plan, why, sizeof why), 0);
    ck_assert_str_eq(lists_set(dv.lists, "bad", 4), "list4n1_bad");
    ck_assert_int_eq(lists_finish(dv.lists, false, why, sizeof why), 0);
    ck_assert_str_eq(lists_set(dv.lists, "bad", 4), "list4_bad");
    (void)few(first, 3);
    check_kernel_has(3);
    ck_assert_int_eq((int)strtol(netns_run("nft list sets | grep -c list4"), NULL, 10), 1);
    plan.rules = NULL;
    plan.n_rules = 0;
}
END_TEST

/* Packets all the while from an address that each of the lists has. */
static atomic_bool stop_sending;
static atomic_long sent, missed;

static void *send_on(void *ctx)
{
    int from = udp("192.0.2.1", 0), to = udp("192.0.2.2", 7);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(0xc0000202)};
    char byte;
    (void)ctx;
    while (!atomic_load(&stop_sending)) {
        (void)!sendto(from, "x", 1, 0, (void *)&at, sizeof at);
        sent++;
        missed += recv(to, &byte, 1, 0) == 1;
    }
    usleep(100000);
    while (recv(to, &byte, 1, 0) == 1)
        missed++;
    close(from);
    close(to);
    return NULL;
}

START_TEST(lists_never_miss)
{
    srand(5);
    load("bans: { file = \"\"; };");
    use_list(random_list());
    ck_assert_int_eq(divert_probe(real, 1, &dv, said, sizeof said, why, sizeof why), 0);
    ck_assert_int_eq(divert_install(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why), 0);
    pthread_t sender;
    ck_assert_int_eq(pthread_create(&sender, NULL, send_on, NULL), 0);
    double begin = seconds();
    int changes = 0, rewritten = 0;
    for (; seconds() - begin < 6; changes++) {
        char before[64];
        snprintf(before, sizeof before, "%s", lists_set(dv.lists, "bad", 4));
        change_list(random_list());
        rewritten += strcmp(before, lists_set(dv.lists, "bad", 4)) != 0;
    }
    atomic_store(&stop_sending, true);
    pthread_join(sender, NULL);
    printf("lists: %d changes (%d by another set) under %ld packets, %ld missed\n", changes, rewritten, (long)sent,
           (long)missed);
    ck_assert_int_gt(changes, 5);
    ck_assert_int_eq(missed, 0);
    plan.rules = NULL;
    plan.n_rules = 0;
}
END_TEST

/* The same where all changes are in place: neighbours come and go. */
START_TEST(lists_in_place_never_miss)
{
    srand(6);
    load("bans: { file = \"\"; };");
    wanted[0] = range4(0xc0000201, 0xc0000201);
    wanted[1] = range4(0xc0000210, 0xc0000220);
    use_list(2);
    ck_assert_int_eq(divert_probe(real, 1, &dv, said, sizeof said, why, sizeof why), 0);
    ck_assert_int_eq(divert_install(&dv, real, &plan, DIVERT_QUEUE, why, sizeof why), 0);
    pthread_t sender;
    ck_assert_int_eq(pthread_create(&sender, NULL, send_on, NULL), 0);
    double begin = seconds();
    int changes = 0;
    for (; seconds() - begin < 6; changes++) {
        size_t n = 0;
        for (uint32_t i = 0; i < 100; i++)
            if (rand() % 2)
                wanted[n++] = range4(0xb0000000 + i * 4, 0xb0000002 + i * 4);
        wanted[n++] = range4(0xc0000201 - (changes % 2), 0xc0000201 + (changes / 2 % 2));
        for (uint32_t i = 0; i < 100; i++)
            if (rand() % 2)
                wanted[n++] = range4(0xd0000000 + i * 4, 0xd0000002 + i * 4);
        wanted[n++] = range4(0xf0000000, UINT32_MAX);
        change_list(n);
    }
    atomic_store(&stop_sending, true);
    pthread_join(sender, NULL);
    printf("lists: %d changes in place under %ld packets, %ld missed; set %s\n", changes, (long)sent, (long)missed,
           lists_set(dv.lists, "bad", 4));
    ck_assert_int_gt(changes, 5);
    ck_assert_int_eq(missed, 0);
    ck_assert_str_eq(lists_set(dv.lists, "bad", 4), "list4_bad");
    plan.rules = NULL;
    plan.n_rules = 0;
}
END_TEST

static TCase *kernel_tests(void)
{
    TCase *t = tcase_create("kernel");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, kernel_set_up, kernel_tear_down);
    tcase_add_test(t, kernel_drops_the_banned);
    tcase_add_test(t, kernel_ends_and_prolongs);
    tcase_add_test(t, kernel_prolongs_what_ends_just_now);
    tcase_add_test(t, kernel_adoption);
    tcase_add_test(t, kernel_foreign_set);
    tcase_add_test(t, kernel_other_prefix);
    tcase_add_test(t, kernel_very_many);
    tcase_add_test(t, lists_follow);
    tcase_add_test(t, lists_in_place);
    tcase_add_test(t, lists_taken_back);
    tcase_add_test(t, lists_never_miss);
    tcase_add_test(t, lists_in_place_never_miss);
    return t;
}

int main(void)
{
    Suite *s = suite_create("bans");
    TCase *t = tcase_create("memory and file");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, add_and_prolong);
    tcase_add_test(t, who_is_never_banned);
    tcase_add_test(t, full);
    tcase_add_test(t, lifting);
    tcase_add_test(t, table_against_a_list);
    tcase_add_test(t, file_keeps_bans);
    tcase_add_test(t, file_saved_in_time);
    tcase_add_test(t, file_cannot_be_written);
    tcase_add_test(t, file_broken);
    tcase_add_test(t, file_odd);
    suite_add_tcase(s, t);
    if (netns_possible())
        suite_add_tcase(s, kernel_tests());
    return run_suite(s);
}
