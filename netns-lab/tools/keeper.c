/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lab-keeper [-d MILLISECONDS] COMMAND...: what systemd does for a service
 * with a file-descriptor store, where no systemd runs. It keeps what COMMAND
 * stores (sd_notify's FDSTORE, FDSTOREREMOVE) and hands it to the next one.
 *
 *   SIGHUP          restarts COMMAND: SIGUSR1, which the unit's ExecStop sends, and the SIGTERM that follows it
 *   SIGTERM         stops it, lets go what is kept, and returns its status
 *   it dies or fails  it is started anew, after -d (100)
 *
 * Says "keeper: started PID, N kept" at each start.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab_tool.h"

#define KEPT_MAX 64
#define NAME_MAX_LEN 32
#define FIRST_FD 3

struct kept {
    int fd;
    char name[NAME_MAX_LEN];
};

struct keeper {
    struct kept kept[KEPT_MAX];
    size_t n;
    int notify, signals, delay_ms;
    char **command;
    pid_t child;
    bool restarting, stopping;
};

static void remove_name(struct keeper *k, const char *name)
{
    size_t left = 0;
    for (size_t i = 0; i < k->n; i++) {
        if (strcmp(k->kept[i].name, name) == 0)
            close(k->kept[i].fd);
        else
            k->kept[left++] = k->kept[i];
    }
    k->n = left;
}

static void keep(struct keeper *k, const char *name, int fd)
{
    if (k->n == KEPT_MAX) {
        close(fd);
        return;
    }
    struct kept *at = &k->kept[k->n++];
    at->fd = fd;
    snprintf(at->name, sizeof at->name, "%s", name);
}

/* The value of KEY= in lines of text; empty where there is none. */
static void value_of(const char *text, const char *key, char *ret, size_t size)
{
    size_t len = strlen(key);
    ret[0] = '\0';
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0 && line[len] == '=') {
            snprintf(ret, size, "%.*s", (int)strcspn(line + len + 1, "\n"), line + len + 1);
            return;
        }
    }
}

static void take_message(struct keeper *k, const char *text, int fd)
{
    char name[NAME_MAX_LEN], value[4];
    value_of(text, "FDNAME", name, sizeof name);
    value_of(text, "FDSTOREREMOVE", value, sizeof value);
    if (value[0] == '1')
        remove_name(k, name);
    value_of(text, "FDSTORE", value, sizeof value);
    if (value[0] == '1' && fd >= 0)
        keep(k, name, fd);
    else if (fd >= 0)
        close(fd);
}

/* One message of the child; false where there is none. */
static bool receive(struct keeper *k)
{
    char text[4096];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec iov = {text, sizeof text - 1};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(k->notify, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0)
        return false;
    text[n] = '\0';
    int fd = -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    take_message(k, text, fd);
    return true;
}

/* In the child: what is kept lies from descriptor 3 on. */
static _Noreturn void become(const struct keeper *k)
{
    char names[KEPT_MAX * NAME_MAX_LEN] = "", text[32];
    size_t at = 0;
    sigset_t none;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* All kept ones lie above where they shall come to. */
    for (size_t i = 0; i < k->n; i++) {
        dup2(k->kept[i].fd, FIRST_FD + (int)i);
        at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", i ? ":" : "", k->kept[i].name);
    }
    if (k->n) {
        snprintf(text, sizeof text, "%d", (int)getpid());
        setenv("LISTEN_PID", text, 1);
        snprintf(text, sizeof text, "%zu", k->n);
        setenv("LISTEN_FDS", text, 1);
        setenv("LISTEN_FDNAMES", names, 1);
    }
    execv(k->command[0], k->command);
    lab_die(k->command[0]);
}

static void start(struct keeper *k)
{
    k->restarting = false;
    k->child = fork();
    if (k->child < 0)
        lab_die("fork");
    if (k->child == 0)
        become(k);
    printf("keeper: started %d, %zu kept\n", (int)k->child, k->n);
    fflush(stdout);
}

static void on_child(struct keeper *k)
{
    int status;
    if (waitpid(k->child, &status, WNOHANG) != k->child)
        return;
    while (receive(k))
        ;
    bool fine = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (k->stopping || (fine && !k->restarting))
        exit(fine ? 0 : 1);
    if (!fine)
        usleep((useconds_t)k->delay_ms * 1000);
    start(k);
}

static void on_signal(struct keeper *k)
{
    struct signalfd_siginfo info;
    if (read(k->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGCHLD) {
        on_child(k);
        return;
    }
    k->restarting = info.ssi_signo == SIGHUP;
    k->stopping = !k->restarting;
    if (k->restarting)
        kill(k->child, SIGUSR1);
    kill(k->child, SIGTERM);
}

static int open_notify(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char name[64];
    int len = snprintf(name, sizeof name, "@sluice-keeper-%d", (int)getpid());
    memcpy(a.sun_path + 1, name + 1, (size_t)len - 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (void *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)) < 0)
        lab_die("notify socket");
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
    static struct keeper k = {.delay_ms = 100};
    for (int c; (c = getopt(argc, argv, "+d:")) != -1;) {
        if (c != 'd')
            return 2;
        k.delay_ms = (int)lab_number(optarg, 0, 60000);
    }
    k.command = argv + optind;
    if (!k.command[0]) {
        fputs("usage: lab-keeper [-d MILLISECONDS] COMMAND...\n", stderr);
        return 2;
    }
    /* What is kept comes to lie above the first descriptors, which the child's are. */
    for (int fd = FIRST_FD; fd < FIRST_FD + KEPT_MAX; fd++)
        dup2(0, fd);
    k.notify = open_notify();
    k.signals = open_signals();
    for (int fd = FIRST_FD; fd < FIRST_FD + KEPT_MAX; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    start(&k);
    struct pollfd fds[] = {{.fd = k.notify, .events = POLLIN}, {.fd = k.signals, .events = POLLIN}};
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            lab_die("poll");
        if (fds[0].revents)
            receive(&k);
        if (fds[1].revents)
            on_signal(&k);
    }
}
