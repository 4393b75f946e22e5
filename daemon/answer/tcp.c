/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer/answer.h"
#include "answer/write.h"

static bool is_buildable(const struct answer_tcp *a)
{
    return (a->src.family == 4 || a->src.family == 6) && a->src.family == a->dst.family &&
           a->payload.len <= ANSWER_PAYLOAD_MAX;
}

size_t answer_tcp_build(const struct answer_tcp *a, uint8_t *buf)
{
    if (!is_buildable(a))
        return 0;
    struct writer w = {.at = buf};
    write_tcp(&w, a);
    return (size_t)(w.at - buf);
}

/* A raw socket that sends what has its own IP header; -errno. */
static int open_raw(int family, uint32_t mark)
{
    int one = 1, fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
    if (fd < 0)
        return -errno;
    int level = family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, name = family == AF_INET ? IP_HDRINCL : IPV6_HDRINCL;
    if (setsockopt(fd, level, name, &one, sizeof one) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0)
        return fd;
    int err = -errno;
    close(fd);
    return err;
}

int answer_sockets_open(struct answer_sockets *s, bool bridged, uint32_t mark)
{
    *s = (struct answer_sockets){.frame = -1, .raw4 = -1, .raw6 = -1};
    int fd = bridged ? answer_open() : open_raw(AF_INET, mark);
    if (fd < 0)
        return fd;
    if (bridged) {
        s->frame = fd;
        return 0;
    }
    s->raw4 = fd;
    fd = open_raw(AF_INET6, mark);
    if (fd >= 0) {
        s->raw6 = fd;
    } else if (fd != -EAFNOSUPPORT) {
        answer_sockets_close(s);
        return fd;
    }
    return 0;
}

void answer_sockets_close(struct answer_sockets *s)
{
    int *const all[] = {&s->frame, &s->raw4, &s->raw6};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (*all[i] >= 0)
            close(*all[i]);
        *all[i] = -1;
    }
}

/* The port's own address, where the link has none to send from. */
static int find_source(int fd, struct answer_link *link)
{
    struct ifreq ifr = {0};
    if (link->has_src)
        return 0;
    if (!if_indextoname(link->ifindex, ifr.ifr_name) || ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
        return -errno;
    memcpy(link->src_mac, ifr.ifr_hwaddr.sa_data, 6);
    return 0;
}

static int send_frame(int fd, const struct answer_tcp *a, const struct answer_link *where)
{
    uint8_t frame[ANSWER_MAX];
    struct answer_link link = *where;
    struct writer w = {.at = frame};
    int err = find_source(fd, &link);
    if (err)
        return err;
    write_ethernet(&w, &link, a->src.family);
    write_tcp(&w, a);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)link.ifindex, .sll_halen = 6};
    memcpy(to.sll_addr, link.dst_mac, 6);
    ssize_t n = sendto(fd, frame, (size_t)(w.at - frame), 0, (const struct sockaddr *)&to, sizeof to);
    return n < 0 ? -errno : 0;
}

static int send_raw4(int fd, const struct answer_tcp *a)
{
    uint8_t packet[ANSWER_MAX];
    size_t len = answer_tcp_build(a, packet);
    struct sockaddr_in to = {.sin_family = AF_INET};
    memcpy(&to.sin_addr, a->dst.bytes, 4);
    ssize_t n = sendto(fd, packet, len, 0, (const struct sockaddr *)&to, sizeof to);
    return n < 0 ? -errno : 0;
}

static int send_raw6(int fd, const struct answer_tcp *a, const struct answer_link *link)
{
    uint8_t packet[ANSWER_MAX];
    size_t len = answer_tcp_build(a, packet);
    struct sockaddr_in6 to = {.sin6_family = AF_INET6};
    memcpy(&to.sin6_addr, a->dst.bytes, 16);
    if (link && IN6_IS_ADDR_LINKLOCAL(&to.sin6_addr))
        to.sin6_scope_id = link->ifindex;
    ssize_t n = sendto(fd, packet, len, 0, (const struct sockaddr *)&to, sizeof to);
    return n < 0 ? -errno : 0;
}

int answer_tcp_send(const struct answer_sockets *s, const struct answer_tcp *a, const struct answer_link *link)
{
    if (!is_buildable(a) || (s->frame >= 0 && !link))
        return -EINVAL;
    if (s->frame >= 0)
        return send_frame(s->frame, a, link);
    int fd = a->src.family == 4 ? s->raw4 : s->raw6;
    if (fd < 0)
        return -EAFNOSUPPORT;
    return a->src.family == 4 ? send_raw4(fd, a) : send_raw6(fd, a, link);
}
