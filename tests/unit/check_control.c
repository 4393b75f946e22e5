/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/control.h"
#include "run_suite.h"

static char folder[64], path[96];
static struct control *c;

static void set_up(void)
{
    strcpy(folder, "/tmp/check_control.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    c = NULL;
}

static void tear_down(void)
{
    control_close(c);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void open_control(void)
{
    char why[256] = "";
    ck_assert_msg(control_open(path, &c, why, sizeof why) == 0, "%s", why);
}

static int connect_client(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

/* What the server was asked; `called` tells whether it was. */
struct asked {
    struct control_request q;
    bool called;
};

static char *answer(const struct control_request *q, void *context)
{
    *(struct asked *)context = (struct asked){*q, true};
    return strdup("{\"ok\":true}\n");
}

static char *no_memory(const struct control_request *q, void *context)
{
    (void)q, (void)context;
    return NULL;
}

/* A size that no socket buffer holds. */
#define BIG 4000000

static char *big_answer(const struct control_request *q, void *context)
{
    (void)q, (void)context;
    char *text = malloc(BIG + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', BIG);
    text[BIG] = '\0';
    return text;
}

/* What the client got for the bytes it sent, after the server served it once. */
static const char *serve(const char *sent, size_t len, control_answer a, struct asked *got)
{
    static char text[256];
    int fd = connect_client();
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(send(fd, sent, len, 0), len);
    shutdown(fd, SHUT_WR);
    struct pollfd p = {.fd = control_fd(c), .events = POLLIN};
    ck_assert_int_eq(poll(&p, 1, 1000), 1);
    control_serve(c, a, got);
    ssize_t n = recv(fd, text, sizeof text - 1, 0);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static struct control_request parsed(const char *line)
{
    struct control_request q;
    const char *wrong = control_parse(line, strlen(line), &q);
    ck_assert_msg(!wrong, "%s: %s", line, wrong);
    return q;
}

static const struct {
    const char *name;
    enum control_command command;
} bare[] = {
    {"status", CONTROL_STATUS}, {"stats", CONTROL_STATS}, {"rules", CONTROL_RULES},
    {"reload", CONTROL_RELOAD}, {"bans", CONTROL_BANS},   {"diversion", CONTROL_DIVERSION},
};

START_TEST(parse_commands)
{
    char line[64];
    struct control_request q;
    for (size_t i = 0; i < ARRAY_LEN(bare); i++) {
        ck_assert_int_eq(parsed(bare[i].name).command, bare[i].command);
        snprintf(line, sizeof line, "%s x", bare[i].name);
        const char *wrong = control_parse(line, strlen(line), &q);
        ck_assert_ptr_nonnull(wrong);
        ck_assert_str_eq(wrong, "this command takes no arguments, expected none");
    }
    ck_assert_ptr_null(control_parse("statsx", 5, &q));
}
END_TEST

/* The lines that are no request, and how the answer to them begins. */
static const struct {
    const char *line, *wrong;
} wrong_lines[] = {
    {"", "no command"},
    {"stat", "unknown command, expected status, stats, rules, reload, ban, unban, bans or diversion"},
    {"STATS", "unknown command"},
    {"stats ", "no command"},
    {" stats", "no command"},
    {"ban  192.0.2.1", "no command"},
    {"ban\t192.0.2.1", "unknown command"},
    {"ban 192.0.2.1\r", "no address"},
    {"ban 192.0.2.1 10 10", "no command"},
    {"ban", "ban without an address"},
    {"ban all", "no address"},
    {"ban 192.0.2", "no address"},
    {"ban 192.0.2.256", "no address"},
    {"ban 0x7f.1", "no address"},
    {"ban 192.0.2.1/33", "no address"},
    {"ban 192.0.2.0/24", "a network of IPv4"},
    {"ban 2001:db8::/129", "no address"},
    {"ban 2001:db8::/", "no address"},
    {"ban 2001:db8::/31", "prefix too short"},
    {"ban ::/0", "prefix too short"},
    {"ban fe80::1%lo", "no address"},
    {"ban localhost", "no address"},
    {"ban 192.0.2.1 0", "no time"},
    {"ban 192.0.2.1 -1", "no time"},
    {"ban 192.0.2.1 +1", "no time"},
    {"ban 192.0.2.1 1.5", "no time"},
    {"ban 192.0.2.1 31536001", "no time"},
    {"ban 192.0.2.1 366d", "no time"},
    {"ban 192.0.2.1 4294967297", "no time"},
    {"ban 192.0.2.1 m", "no time"},
    {"ban 192.0.2.1 10w", "no time"},
    {"unban", "unban takes one"},
    {"unban all all", "unban takes one"},
    {"unban 192.0.2.1 10", "unban takes one"},
    {"unban ALL", "no address"},
    {"ban aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "no command"},
};

START_TEST(parse_wrong_lines)
{
    struct control_request q;
    const char *line = wrong_lines[_i].line, *wrong = control_parse(line, strlen(line), &q);
    ck_assert_msg(wrong && strncmp(wrong, wrong_lines[_i].wrong, strlen(wrong_lines[_i].wrong)) == 0, "%s: %s", line,
                  wrong ? wrong : "taken");
}
END_TEST

/* A NUL does not end a line early. */
START_TEST(parse_nul)
{
    struct control_request q;
    ck_assert_ptr_nonnull(control_parse("stats\0", 6, &q));
    ck_assert_ptr_nonnull(control_parse("ban 192.0.2.1\0x", 15, &q));
    ck_assert_ptr_nonnull(control_parse("unban all\0 192.0.2.1", 20, &q));
}
END_TEST

static void assert_net(const struct control_request *q, const char *addr, uint8_t prefix, bool named)
{
    char text[IP_ADDR_TEXT_MAX];
    ck_assert_str_eq(ip_addr_format(&q->net.addr, text), addr);
    ck_assert_uint_eq(q->net.prefix, prefix);
    ck_assert(q->prefix == named);
    ck_assert(!q->all);
}

START_TEST(parse_bans)
{
    struct control_request q = parsed("ban 192.0.2.1");
    ck_assert_int_eq(q.command, CONTROL_BAN);
    ck_assert_uint_eq(q.seconds, 0);
    assert_net(&q, "192.0.2.1", 32, false);
    q = parsed("ban 2001:db8::ffff:1/64 10m");
    ck_assert_uint_eq(q.seconds, 600);
    assert_net(&q, "2001:db8::", 64, true);
    q = parsed("ban 2001:db8::1/32 31536000");
    ck_assert_uint_eq(q.seconds, 31536000);
    assert_net(&q, "2001:db8::", 32, true);
    q = parsed("ban 192.0.2.1/32 1");
    ck_assert_uint_eq(q.seconds, 1);
    assert_net(&q, "192.0.2.1", 32, true);
    q = parsed("unban 2001:db8::1");
    ck_assert_int_eq(q.command, CONTROL_UNBAN);
    assert_net(&q, "2001:db8::1", 128, false);
    q = parsed("unban all");
    ck_assert_int_eq(q.command, CONTROL_UNBAN);
    ck_assert(q.all);
}
END_TEST

START_TEST(serve_commands)
{
    char line[64];
    open_control();
    for (size_t i = 0; i < ARRAY_LEN(bare); i++) {
        struct asked got = {0};
        snprintf(line, sizeof line, "%s\n", bare[i].name);
        ck_assert_str_eq(serve(line, strlen(line), answer, &got), "{\"ok\":true}\n");
        ck_assert(got.called);
        ck_assert_int_eq(got.q.command, bare[i].command);
    }
    struct asked got = {0};
    ck_assert_str_eq(serve("stats\n", 6, no_memory, &got), "{\"error\":\"out of memory\"}\n");
    /* The longest line that says something, an IPv6 address and a time. */
    static const char longest[] =
        "ban 2001:0db8:1111:2222:3333:4444:5555:6666/128 0000000000000000000000000031536000s\n";
    ck_assert_str_eq(serve(longest, sizeof longest - 1, answer, &got), "{\"ok\":true}\n");
    ck_assert_uint_eq(got.q.seconds, 31536000);
}
END_TEST

/* What is no request is answered without asking. */
START_TEST(serve_wrong_lines)
{
    struct asked got = {0};
    open_control();
    ck_assert_str_eq(serve("unban\n", 6, answer, &got),
                     "{\"error\":\"unban takes one argument, expected unban ADDRESS or unban all\"}\n");
    ck_assert_ptr_nonnull(strstr(serve("nonsense\n", 9, answer, &got), "unknown command"));
    ck_assert_ptr_nonnull(strstr(serve("\n", 1, answer, &got), "no command"));
    ck_assert(!got.called);
}
END_TEST

/* Lines that never end or are too long get no answer, and no command runs. */
START_TEST(serve_broken_lines)
{
    static char longer[200];
    memset(longer, 'a', sizeof longer);
    longer[199] = '\n';
    open_control();
    struct asked got = {0};
    ck_assert_str_eq(serve("stats", 5, answer, &got), "");
    ck_assert_str_eq(serve("", 0, answer, &got), "");
    ck_assert_str_eq(serve(longer, sizeof longer, answer, &got), "");
    ck_assert(!got.called);
}
END_TEST

START_TEST(serve_nobody)
{
    open_control();
    struct asked got = {0};
    control_serve(c, answer, &got); /* does not wait for a client */
    ck_assert(!got.called);
}
END_TEST

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A client that sends a byte now and then does not hold the main thread up for longer than a second. */
START_TEST(slow_sender)
{
    open_control();
    int fd = connect_client();
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        for (int i = 0; i < 20; i++) {
            if (send(fd, "s", 1, MSG_NOSIGNAL) < 0)
                break;
            usleep(200000);
        }
        _exit(0);
    }
    double before = seconds();
    struct asked got = {0};
    control_serve(c, answer, &got);
    double took = seconds() - before;
    close(fd);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert(!got.called);
    ck_assert_msg(took < 1.7, "held up for %.1f s", took);
}
END_TEST

/* Nor does one that takes a long answer in small bites. */
START_TEST(slow_reader)
{
    open_control();
    int fd = connect_client();
    ck_assert_int_eq(send(fd, "stats\n", 6, 0), 6);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char bite[65536];
        for (int i = 0; i < 20 && recv(fd, bite, sizeof bite, 0) > 0; i++)
            usleep(200000);
        _exit(0);
    }
    double before = seconds();
    control_serve(c, big_answer, NULL);
    double took = seconds() - before;
    close(fd);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_msg(took < 1.7, "held up for %.1f s", took);
}
END_TEST

/* One that reads on gets all of it. */
START_TEST(long_answer)
{
    open_control();
    int fd = connect_client();
    ck_assert_int_eq(send(fd, "stats\n", 6, 0), 6);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char bite[65536];
        size_t got = 0;
        for (ssize_t n; (n = recv(fd, bite, sizeof bite, 0)) > 0;)
            got += (size_t)n;
        _exit(got == BIG ? 0 : 1);
    }
    close(fd);
    control_serve(c, big_answer, NULL);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(mode_and_removal)
{
    struct stat st;
    open_control();
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode, S_IFSOCK | 0660);
    control_close(c);
    c = NULL;
    ck_assert_int_eq(stat(path, &st), -1);
}
END_TEST

START_TEST(stale_socket_is_taken_over)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd);
    ck_assert_int_eq(access(path, F_OK), 0);
    open_control();
    fd = connect_client();
    ck_assert_int_ge(fd, 0);
    close(fd);
}
END_TEST

static void refused(const char *at, int err, const char *text)
{
    char why[256] = "";
    struct control *none = NULL;
    ck_assert_int_eq(control_open(at, &none, why, sizeof why), err);
    ck_assert_ptr_null(none);
    ck_assert_msg(strstr(why, text) && strstr(why, "control.socket"), "%s", why);
}

START_TEST(second_daemon_is_refused)
{
    open_control();
    refused(path, -EADDRINUSE, "Address already in use");
    int fd = connect_client(); /* the first one goes on */
    ck_assert_int_ge(fd, 0);
    close(fd);
}
END_TEST

/* A first daemon that does not accept, its backlog full, is there all the same. */
START_TEST(busy_daemon_is_refused)
{
    int fds[32];
    open_control();
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, path);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(fds[i], (struct sockaddr *)&to, sizeof to) < 0)
            ck_assert_int_eq(errno, EAGAIN);
    }
    refused(path, -EADDRINUSE, "Address already in use");
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close(fds[i]);
}
END_TEST

/* Only a socket is taken over: a wrong path must not cost a file. */
START_TEST(a_file_is_left_alone)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fclose(f);
    refused(path, -ENOTSOCK, path);
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(wrong_paths)
{
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[199] = '\0';
    refused(longer, -ENAMETOOLONG, "too long");
    refused("/nowhere/at/all", -ENOENT, "No such file");
    control_close(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("control");
    TCase *t = tcase_create("control");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, parse_commands);
    tcase_add_loop_test(t, parse_wrong_lines, 0, ARRAY_LEN(wrong_lines));
    tcase_add_test(t, parse_nul);
    tcase_add_test(t, parse_bans);
    tcase_add_test(t, serve_commands);
    tcase_add_test(t, serve_wrong_lines);
    tcase_add_test(t, serve_broken_lines);
    tcase_add_test(t, serve_nobody);
    tcase_add_test(t, slow_sender);
    tcase_add_test(t, slow_reader);
    tcase_add_test(t, long_answer);
    tcase_add_test(t, mode_and_removal);
    tcase_add_test(t, stale_socket_is_taken_over);
    tcase_add_test(t, second_daemon_is_refused);
    tcase_add_test(t, busy_daemon_is_refused);
    tcase_add_test(t, a_file_is_left_alone);
    tcase_add_test(t, wrong_paths);
    suite_add_tcase(s, t);
    return run_suite(s);
}
