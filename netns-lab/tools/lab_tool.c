/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lab_tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

volatile sig_atomic_t lab_stopped;

static void on_signal(int number)
{
    (void)number;
    lab_stopped = 1;
}

void lab_stop_on_signal(void)
{
    /* No SA_RESTART: a blocked receive must return. */
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

void lab_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(2);
}

long long lab_number(const char *text, long long min, long long max)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 0);
    if (errno || end == text || *end || n < min || n > max) {
        fprintf(stderr, "%s: not a number from %lld to %lld\n", text, min, max);
        exit(2);
    }
    return n;
}

uint16_t lab_port(const char *text)
{
    return (uint16_t)lab_number(text, 0, 65535);
}

socklen_t lab_address(const char *host, uint16_t port, struct sockaddr_storage *ret)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found;
    char service[8];
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    int err = getaddrinfo(host, service, &hints, &found);
    if (err) {
        fprintf(stderr, "%s: %s\n", host, gai_strerror(err));
        exit(2);
    }
    socklen_t len = found->ai_addrlen;
    memcpy(ret, found->ai_addr, len);
    freeaddrinfo(found);
    return len;
}

int lab_bind_any(int type, uint16_t port)
{
    int fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("socket");
    int on = 1;
    int off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (bind(fd, (const struct sockaddr *)&any, sizeof(any)))
        lab_die("bind");
    return fd;
}

uint64_t lab_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void lab_sleep_until_ns(uint64_t when)
{
    struct timespec t = {.tv_sec = (time_t)(when / 1000000000u), .tv_nsec = (long)(when % 1000000000u)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

void lab_put_seq(uint8_t *at, uint64_t seq)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(seq >> (56 - 8 * i));
}

uint64_t lab_get_seq(const uint8_t *at)
{
    uint64_t seq = 0;
    for (unsigned i = 0; i < 8; i++)
        seq = seq << 8 | at[i];
    return seq;
}
