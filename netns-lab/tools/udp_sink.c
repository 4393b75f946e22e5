/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Receives what udp_blast sends, on IPv4 and IPv6, until SIGTERM, and says
 * "good=N dup=N late=N highest=N other=N overrun=N": late ones came after a
 * higher number, overrun ones were lost in this socket and not on the way.
 * SIGUSR1 prints the same and goes on.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab_tool.h"

#define SEQ_MAX (1u << 26)

struct sink {
    uint64_t good, dup, late, other, highest;
    uint32_t overrun;
    uint8_t seen[SEQ_MAX / 8];
};

static volatile sig_atomic_t report_wanted;

static void on_usr1(int number)
{
    (void)number;
    report_wanted = 1;
}

static void report(const struct sink *s)
{
    printf("good=%llu dup=%llu late=%llu highest=%llu other=%llu overrun=%u\n", (unsigned long long)s->good,
           (unsigned long long)s->dup, (unsigned long long)s->late, (unsigned long long)s->highest,
           (unsigned long long)s->other, s->overrun);
    fflush(stdout);
}

static void count(struct sink *s, const uint8_t *data, size_t len)
{
    uint64_t seq = len >= LAB_HEAD_LEN ? lab_get_seq(data + LAB_TAG_LEN) : SEQ_MAX;
    if (seq >= SEQ_MAX || memcmp(data, LAB_TAG_GOOD, LAB_TAG_LEN) != 0) {
        s->other++;
        return;
    }
    uint8_t bit = (uint8_t)(1u << seq % 8);
    if (s->seen[seq / 8] & bit) {
        s->dup++;
        return;
    }
    s->seen[seq / 8] |= bit;
    s->good++;
    if (seq < s->highest)
        s->late++;
    else
        s->highest = seq;
}

static void note_overrun(struct sink *s, struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
            memcpy(&s->overrun, CMSG_DATA(c), sizeof(s->overrun));
}

static int open_socket(uint16_t port)
{
    int fd = lab_bind_any(SOCK_DGRAM, port);
    int big = 256 << 20;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
    setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
    return fd;
}

static void receive(struct sink *s, int fd)
{
    static uint8_t data[2048];
    union {
        struct cmsghdr align;
        char bytes[256];
    } control;
    struct iovec iov = {data, sizeof(data)};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(fd, &m, 0);
    if (n < 0 && errno != EINTR)
        lab_die("recvmsg");
    if (n >= 0) {
        count(s, data, (size_t)n);
        note_overrun(s, &m);
    }
}

int main(int argc, char **argv)
{
    static struct sink s;
    if (argc != 2) {
        fputs("usage: lab-udp_sink PORT\n", stderr);
        return 2;
    }
    int fd = open_socket(lab_port(argv[1]));
    struct sigaction usr1 = {.sa_handler = on_usr1};
    sigaction(SIGUSR1, &usr1, NULL);
    lab_stop_on_signal();
    puts("listening");
    fflush(stdout);
    while (!lab_stopped) {
        receive(&s, fd);
        if (report_wanted) {
            report_wanted = 0;
            report(&s);
        }
    }
    report(&s);
    close(fd);
    return 0;
}
