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

static char *answer(enum control_command command, void *context)
{
    *(enum control_command *)context = command;
    return strdup("{\"ok\":true}\n");
}

static char *no_memory(enum control_command command, void *context)
{
    (void)command, (void)context;
    return NULL;
}

/* A size that no socket buffer holds. */
#define BIG 4000000

static char *big_answer(enum control_command command, void *context)
{
    (void)command, (void)context;
    char *text = malloc(BIG + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', BIG);
    text[BIG] = '\0';
    return text;
}

/* What the client got for the bytes it sent, after the server served it once. */
static const char *serve(const char *sent, size_t len, control_answer a, enum control_command *got)
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

START_TEST(parse_commands)
{
    ck_assert_int_eq(control_parse("status", 6), CONTROL_STATUS);
    ck_assert_int_eq(control_parse("stats", 5), CONTROL_STATS);
    ck_assert_int_eq(control_parse("rules", 5), CONTROL_RULES);
    ck_assert_int_eq(control_parse("reload", 6), CONTROL_RELOAD);
    ck_assert_int_eq(control_parse("statsx", 5), CONTROL_STATS);
    ck_assert_int_eq(control_parse("stat", 4), CONTROL_UNKNOWN);
    ck_assert_int_eq(control_parse("stats ", 6), CONTROL_UNKNOWN);
    ck_assert_int_eq(control_parse("STATS", 5), CONTROL_UNKNOWN);
    ck_assert_int_eq(control_parse("stats\0", 6), CONTROL_UNKNOWN);
    ck_assert_int_eq(control_parse("", 0), CONTROL_UNKNOWN);
}
END_TEST

START_TEST(serve_commands)
{
    static const char *const lines[] = {"status\n", "stats\n", "rules\n", "reload\n", "nonsense\n", "\n"};
    static const enum control_command commands[] = {CONTROL_STATUS, CONTROL_STATS,   CONTROL_RULES,
                                                    CONTROL_RELOAD, CONTROL_UNKNOWN, CONTROL_UNKNOWN};
    open_control();
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        enum control_command got = CONTROL_UNKNOWN;
        ck_assert_str_eq(serve(lines[i], strlen(lines[i]), answer, &got), "{\"ok\":true}\n");
        ck_assert_int_eq(got, commands[i]);
    }
    enum control_command got;
    ck_assert_str_eq(serve("stats\n", 6, no_memory, &got), "{\"error\":\"out of memory\"}\n");
}
END_TEST

/* Lines that never end or are too long get no answer, and no command runs. */
START_TEST(serve_broken_lines)
{
    static char longer[100];
    memset(longer, 'a', sizeof longer);
    longer[99] = '\n';
    open_control();
    enum control_command got = CONTROL_RULES;
    ck_assert_str_eq(serve("stats", 5, answer, &got), "");
    ck_assert_str_eq(serve("", 0, answer, &got), "");
    ck_assert_str_eq(serve(longer, sizeof longer, answer, &got), "");
    ck_assert_int_eq(got, CONTROL_RULES);
}
END_TEST

START_TEST(serve_nobody)
{
    open_control();
    enum control_command got = CONTROL_RULES;
    control_serve(c, answer, &got); /* does not wait for a client */
    ck_assert_int_eq(got, CONTROL_RULES);
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
    enum control_command got = CONTROL_RULES;
    control_serve(c, answer, &got);
    double took = seconds() - before;
    close(fd);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(got, CONTROL_RULES);
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
    tcase_add_test(t, serve_commands);
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
