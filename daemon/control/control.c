/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/control.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#define LINE_MAX_BYTES 128
#define CLIENT_MS 1000 /* in all, to say its line; and again to take its answer */

struct control {
    int fd;
    struct sockaddr_un addr;
};

static bool someone_listens(const struct sockaddr_un *addr)
{
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    /* EAGAIN: one that has more clients waiting than it takes. */
    return connect(fd, (const struct sockaddr *)addr, sizeof *addr) == 0 || errno == EAGAIN;
}

/* Makes room for our socket: what an ended daemon left goes, anything else stays. */
static int clear_path(const struct sockaddr_un *addr)
{
    struct stat st;
    if (lstat(addr->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ENOTSOCK;
    if (someone_listens(addr))
        return -EADDRINUSE;
    return unlink(addr->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int listen_at(struct control *c)
{
    int err = clear_path(&c->addr);
    if (err)
        return err;
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return -errno;
    mode_t before = umask(0117);
    int r = bind(c->fd, (const struct sockaddr *)&c->addr, sizeof c->addr);
    err = r < 0 ? -errno : 0;
    umask(before);
    if (!err && listen(c->fd, 16) < 0)
        err = -errno;
    return err;
}

int control_open(const char *path, struct control **ret, char *why, size_t why_size)
{
    struct control *c = calloc(1, sizeof *c);
    int err = c ? 0 : -ENOMEM;
    if (c) {
        c->fd = -1;
        c->addr.sun_family = AF_UNIX;
        err = strlen(path) < sizeof c->addr.sun_path ? 0 : -ENAMETOOLONG;
    }
    if (!err) {
        memcpy(c->addr.sun_path, path, strlen(path) + 1);
        err = listen_at(c);
    }
    if (!err) {
        *ret = c;
        return 0;
    }
    snprintf(why, why_size, "control.socket \"%s\": %s", path, strerror(-err));
    if (c && c->fd >= 0)
        close(c->fd);
    free(c);
    return err;
}

void control_close(struct control *c)
{
    if (!c)
        return;
    close(c->fd);
    unlink(c->addr.sun_path);
    free(c);
}

int control_fd(const struct control *c)
{
    return c->fd;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits for the client, at most until the deadline; false when it has passed. */
static bool wait_for(int fd, short events, int64_t deadline_ms)
{
    int64_t left = deadline_ms - now_ms();
    struct pollfd p = {.fd = fd, .events = events};
    return left > 0 && poll(&p, 1, (int)left) > 0;
}

/* Reads up to the newline; the length without it, or -1. */
static ssize_t read_line(int fd, char *buf, size_t size, int64_t deadline_ms)
{
    size_t len = 0;
    while (len < size && wait_for(fd, POLLIN, deadline_ms)) {
        ssize_t n = recv(fd, buf + len, size - len, 0);
        if (n <= 0)
            return -1;
        char *end = memchr(buf + len, '\n', (size_t)n);
        if (end)
            return end - buf;
        len += (size_t)n;
    }
    return -1;
}

static void send_all(int fd, const char *text, int64_t deadline_ms)
{
    size_t left = strlen(text);
    while (left && wait_for(fd, POLLOUT, deadline_ms)) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            return;
        text += n;
        left -= (size_t)n;
    }
}

/* What is wrong, as an answer; the text has nothing that JSON would escape. */
static char *error_text(const char *wrong)
{
    char *text = NULL;
    return asprintf(&text, "{\"error\":\"%s\"}\n", wrong) < 0 ? NULL : text;
}

void control_serve(struct control *c, control_answer answer, void *context)
{
    AUTO_CLOSE int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    char line[LINE_MAX_BYTES];
    ssize_t len = read_line(fd, line, sizeof line, now_ms() + CLIENT_MS);
    if (len < 0)
        return;
    struct control_request request;
    const char *wrong = control_parse(line, (size_t)len, &request);
    AUTO_FREE char *text = wrong ? error_text(wrong) : answer(&request, context);
    send_all(fd, text ? text : "{\"error\":\"out of memory\"}\n", now_ms() + CLIENT_MS);
}
