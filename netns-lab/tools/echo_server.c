/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Echoes TCP and UDP, IPv4 and IPv6, on all ports given, until SIGTERM. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab_tool.h"

#define FDS_MAX 4096

enum role { LISTENER, DATAGRAM, STREAM };

struct server {
    nfds_t n;
    struct pollfd fds[FDS_MAX];
    enum role roles[FDS_MAX];
    uint8_t data[65536];
};

static void add(struct server *s, int fd, enum role role)
{
    if (s->n == FDS_MAX) {
        close(fd);
        return;
    }
    s->fds[s->n] = (struct pollfd){.fd = fd, .events = POLLIN};
    s->roles[s->n++] = role;
}

static void forget(struct server *s, nfds_t i)
{
    close(s->fds[i].fd);
    s->n--;
    s->fds[i] = s->fds[s->n];
    s->roles[i] = s->roles[s->n];
}

/* Answers from the address that was asked: source addresses matter to the flow tests. */
static void echo_datagram(struct server *s, int fd)
{
    struct sockaddr_storage from;
    union {
        struct cmsghdr align;
        char bytes[128];
    } control;
    struct iovec iov = {s->data, sizeof(s->data)};
    struct msghdr m = {.msg_name = &from,
                       .msg_namelen = sizeof(from),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(fd, &m, 0);
    if (n < 0)
        return;
    iov.iov_len = (size_t)n;
    while (sendmsg(fd, &m, 0) < 0 && (errno == ENOBUFS || errno == EINTR))
        usleep(100);
}

/* 0 when the stream has ended. */
static int echo_stream(struct server *s, int fd)
{
    ssize_t n = recv(fd, s->data, sizeof(s->data), 0);
    if (n <= 0)
        return 0;
    for (ssize_t done = 0; done < n;) {
        ssize_t sent = send(fd, s->data + done, (size_t)(n - done), MSG_NOSIGNAL);
        if (sent <= 0)
            return 0;
        done += sent;
    }
    return 1;
}

static void serve(struct server *s, nfds_t i)
{
    int fd = s->fds[i].fd;
    if (s->roles[i] == LISTENER) {
        int stream = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (stream >= 0)
            add(s, stream, STREAM);
    } else if (s->roles[i] == DATAGRAM) {
        echo_datagram(s, fd);
    } else if (!echo_stream(s, fd)) {
        forget(s, i);
    }
}

static void open_port(struct server *s, uint16_t port)
{
    int on = 1;
    int udp = lab_bind_any(SOCK_DGRAM, port);
    setsockopt(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
    add(s, udp, DATAGRAM);
    int tcp = lab_bind_any(SOCK_STREAM, port);
    if (listen(tcp, 1024))
        lab_die("listen");
    add(s, tcp, LISTENER);
}

int main(int argc, char **argv)
{
    static struct server s;
    for (int i = 1; i < argc; i++)
        open_port(&s, lab_port(argv[i]));
    lab_stop_on_signal();
    puts("listening");
    fflush(stdout);
    while (!lab_stopped && poll(s.fds, s.n, -1) >= 0)
        for (nfds_t i = s.n; i-- > 0;)
            if (s.fds[i].revents)
                serve(&s, i);
    return 0;
}
