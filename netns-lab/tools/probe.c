/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asks an echo server and tells in one word, for each address, what became of
 * it: "pass", "timeout", "refused" (reset or port unreachable), "unreachable"
 * or "changed", and after how many milliseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab_tool.h"

#define TEXT_MAX 60000

struct probe {
    int type;
    uint16_t port, source_port;
    const char *source;
    long long timeout_ms;
    size_t len;
    char text[TEXT_MAX];
    char answer[TEXT_MAX];
};

static _Noreturn void usage(void)
{
    fputs(
        "usage: lab-probe [-t TIMEOUT_MS] [-b SOURCE] [-q SOURCE_PORT] [-s TEXT] [-z LENGTH] tcp|udp PORT ADDRESS...\n"
        "TEXT may hold \\xHH; LENGTH repeats it to that size.\n",
        stderr);
    exit(2);
}

static void set_text(struct probe *p, const char *text)
{
    p->len = 0;
    for (unsigned byte; *text && p->len < TEXT_MAX; p->len++) {
        int hex = text[0] == '\\' && text[1] == 'x' && sscanf(text + 2, "%2x", &byte) == 1;
        p->text[p->len] = hex ? (char)(unsigned char)byte : *text;
        text += hex ? 4 : 1;
    }
}

static void lengthen(struct probe *p, size_t len)
{
    for (size_t base = p->len; base && p->len < len; p->len++)
        p->text[p->len] = p->text[p->len - base];
}

static void read_options(struct probe *p, int argc, char **argv)
{
    size_t len = 0;
    set_text(p, "hello");
    for (int c; (c = getopt(argc, argv, "t:b:q:s:z:")) != -1;) {
        switch (c) {
        case 't':
            p->timeout_ms = lab_number(optarg, 1, 600000);
            break;
        case 'b':
            p->source = optarg;
            break;
        case 'q':
            p->source_port = lab_port(optarg);
            break;
        case 's':
            set_text(p, optarg);
            break;
        case 'z':
            len = (size_t)lab_number(optarg, 1, TEXT_MAX);
            break;
        default:
            usage();
        }
    }
    lengthen(p, len);
    if (argc - optind < 3)
        usage();
    p->type = strcmp(argv[optind], "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM;
    p->port = lab_port(argv[optind + 1]);
}

static const char *word_for(int err)
{
    switch (err) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
        return "refused";
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EACCES:
    case EPERM:
        return "unreachable";
    case ETIMEDOUT:
        return "timeout";
    default:
        return strerror(err);
    }
}

/* 0, or the socket's error, or ETIMEDOUT. */
static int wait_for(int fd, short events, uint64_t deadline)
{
    uint64_t now = lab_now_ns();
    struct pollfd p = {.fd = fd, .events = events};
    int n = poll(&p, 1, deadline > now ? (int)((deadline - now) / 1000000u) + 1 : 0);
    if (n <= 0)
        return n ? errno : ETIMEDOUT;
    int err = 0;
    socklen_t len = sizeof(err);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
    return err;
}

static int open_socket(const struct probe *p, const struct sockaddr_storage *to)
{
    int fd = socket(to->ss_family, p->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");
    if (p->source || p->source_port) {
        struct sockaddr_storage from;
        int on = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        const char *any = to->ss_family == AF_INET ? "0.0.0.0" : "::";
        socklen_t len = lab_address(p->source ? p->source : any, p->source_port, &from);
        if (bind(fd, (const struct sockaddr *)&from, len))
            lab_die("bind");
    }
    return fd;
}

static int send_text(const struct probe *p, int fd, uint64_t deadline)
{
    for (size_t done = 0; done < p->len;) {
        ssize_t n = send(fd, p->text + done, p->len - done, MSG_NOSIGNAL);
        if (n > 0) {
            done += (size_t)n;
            continue;
        }
        if (errno != EAGAIN)
            return errno;
        int err = wait_for(fd, POLLOUT, deadline);
        if (err)
            return err;
    }
    return 0;
}

static int read_answer(struct probe *p, int fd, uint64_t deadline)
{
    for (size_t got = 0; got < p->len;) {
        int err = wait_for(fd, POLLIN, deadline);
        if (err)
            return err;
        ssize_t n = recv(fd, p->answer + got, p->len - got, 0);
        if (n == 0)
            return ECONNRESET;
        if (n < 0 && errno != EAGAIN)
            return errno;
        got += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static const char *ask(struct probe *p, const char *host)
{
    struct sockaddr_storage to;
    socklen_t len = lab_address(host, p->port, &to);
    uint64_t deadline = lab_now_ns() + (uint64_t)p->timeout_ms * 1000000u;
    int fd = open_socket(p, &to);
    int err = connect(fd, (const struct sockaddr *)&to, len) ? errno : 0;
    if (err == EINPROGRESS)
        err = wait_for(fd, POLLOUT, deadline);
    if (!err)
        err = send_text(p, fd, deadline);
    if (!err)
        err = read_answer(p, fd, deadline);
    close(fd);
    if (err)
        return word_for(err);
    return memcmp(p->text, p->answer, p->len) == 0 ? "pass" : "changed";
}

int main(int argc, char **argv)
{
    static struct probe p = {.timeout_ms = 1000};
    read_options(&p, argc, argv);
    for (int i = optind + 2; i < argc; i++) {
        uint64_t start = lab_now_ns();
        const char *word = ask(&p, argv[i]);
        printf("%s %llu\n", word, (unsigned long long)((lab_now_ns() - start) / 1000000u));
        fflush(stdout);
    }
    return 0;
}
