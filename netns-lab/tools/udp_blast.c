/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends numbered UDP datagrams at a steady rate and says how many went out:
 * "sent=N other=N seconds=S". Every nth may carry another tag, with numbers of
 * its own, for rules to drop.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lab_tool.h"

#define FLOWS_MAX 4096
#define LEN_MAX 1400
#define TICK_NS 1000000u

struct blast {
    struct sockaddr_storage to;
    socklen_t to_len;
    const char *from; /* first source address, or NULL */
    unsigned n_from;  /* how many addresses from there on */
    unsigned flows;
    uint64_t count; /* 0: until a signal */
    uint64_t rate;  /* datagrams a second, 0: as fast as it goes */
    uint64_t every; /* each such datagram has the other tag, 0: none */
    size_t len;
    char tag[LAB_TAG_LEN + 1];
    int fd[FLOWS_MAX];
    uint64_t good, other;
    uint8_t data[LEN_MAX];
};

static _Noreturn void usage(void)
{
    fputs("usage: lab-udp_blast -d ADDRESS -p PORT [-n COUNT] [-r PACKETS_PER_SECOND] [-f FLOWS]\n"
          "                     [-s FIRST_SOURCE_IPV4 [-m SOURCES]] [-l LENGTH] [-e EVERY -t TAG]\n",
          stderr);
    exit(2);
}

static void set_tag(struct blast *b, const char *tag)
{
    snprintf(b->tag, sizeof(b->tag), "%-8.8s", tag);
}

static void read_options(struct blast *b, int argc, char **argv)
{
    const char *host = NULL;
    uint16_t port = 0;
    for (int c; (c = getopt(argc, argv, "d:p:n:r:f:s:m:l:e:t:")) != -1;) {
        switch (c) {
        case 'd':
            host = optarg;
            break;
        case 'p':
            port = lab_port(optarg);
            break;
        case 'n':
            b->count = (uint64_t)lab_number(optarg, 0, 100000000);
            break;
        case 'r':
            b->rate = (uint64_t)lab_number(optarg, 0, 10000000);
            break;
        case 'f':
            b->flows = (unsigned)lab_number(optarg, 1, FLOWS_MAX);
            break;
        case 's':
            b->from = optarg;
            break;
        case 'm':
            b->n_from = (unsigned)lab_number(optarg, 1, FLOWS_MAX);
            break;
        case 'l':
            b->len = (size_t)lab_number(optarg, LAB_HEAD_LEN, LEN_MAX);
            break;
        case 'e':
            b->every = (uint64_t)lab_number(optarg, 0, 1000000);
            break;
        case 't':
            set_tag(b, optarg);
            break;
        default:
            usage();
        }
    }
    if (!host || !port || optind != argc)
        usage();
    b->to_len = lab_address(host, port, &b->to);
}

/* The source address of one flow: the first one plus the flow's number, modulo the given count. */
static void bind_source(const struct blast *b, int fd, unsigned flow)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    if (inet_pton(AF_INET, b->from, &from.sin_addr) != 1)
        usage();
    from.sin_addr.s_addr = htonl(ntohl(from.sin_addr.s_addr) + flow % b->n_from);
    if (bind(fd, (const struct sockaddr *)&from, sizeof(from)))
        lab_die("bind");
}

static void open_flows(struct blast *b)
{
    int big = 8 << 20;
    for (unsigned i = 0; i < b->flows; i++) {
        b->fd[i] = socket(b->to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (b->fd[i] < 0)
            lab_die("socket");
        setsockopt(b->fd[i], SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
        if (b->from)
            bind_source(b, b->fd[i], i);
    }
}

/* Where the device's queue is full the same datagram is tried again: none may be lost here. */
static void send_one(struct blast *b, uint64_t n)
{
    int other = b->every && n % b->every == b->every - 1;
    memcpy(b->data, other ? b->tag : LAB_TAG_GOOD, LAB_TAG_LEN);
    lab_put_seq(b->data + LAB_TAG_LEN, other ? b->other : b->good);
    while (sendto(b->fd[n % b->flows], b->data, b->len, 0, (const struct sockaddr *)&b->to, b->to_len) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != ENOBUFS && errno != EAGAIN)
            lab_die("sendto");
        usleep(100);
    }
    if (other)
        b->other++;
    else
        b->good++;
}

static void blast(struct blast *b)
{
    uint64_t start = lab_now_ns();
    for (uint64_t n = 0; !lab_stopped && (!b->count || n < b->count); n++) {
        if (b->rate) {
            uint64_t due = start + n * 1000000000u / b->rate;
            if (due > lab_now_ns())
                lab_sleep_until_ns(due + (b->rate > 2000 ? TICK_NS / 4 : 0));
        }
        send_one(b, n);
    }
    printf("sent=%llu other=%llu seconds=%.3f\n", (unsigned long long)b->good, (unsigned long long)b->other,
           (double)(lab_now_ns() - start) / 1e9);
}

int main(int argc, char **argv)
{
    static struct blast b = {.flows = 1, .n_from = 1, .len = 64};
    set_tag(&b, "evil");
    memset(b.data, 'x', sizeof(b.data));
    read_options(&b, argc, argv);
    lab_stop_on_signal();
    open_flows(&b);
    blast(&b);
    return 0;
}
