/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A wire through a bridge of this namespace for tests of the table: frames are
 * put in at one end and looked for at the other, and a queue of the test's own
 * answers what comes up.
 */
#ifndef SLUICE_TESTS_DIVERT_WIRE_H
#define SLUICE_TESTS_DIVERT_WIRE_H

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "netns.h"

/* Ends: two interfaces without addresses, so that no stack answers. The bridge's ports are "c0" and "s0". */
#define WIRE_SETUP                                                                                                     \
    "ip link add br7 type bridge; ip link add c0 type veth peer name c1; ip link add s0 type veth peer name s1;"       \
    "for i in c0 s0; do ip link set $i master br7; done;"                                                              \
    "for i in br7 c0 c1 s0 s1; do sysctl -qw net.ipv6.conf.$i.disable_ipv6=1; ip link set $i up; done 2>/dev/null; "   \
    "true"

enum { CLIENT, SERVER };

static int wire_end[2]; /* AF_PACKET sockets */
static struct mnl_socket *wire_queue;

static inline int wire_open_end(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static inline void wire_open(void)
{
    netns_run(WIRE_SETUP);
    netns_run("for i in 1 2 3 4 5 6 7 8 9 10; do ip link show s0 | grep -q 'state UP' && break; sleep 0.1; done");
    wire_end[CLIENT] = wire_open_end("c1");
    wire_end[SERVER] = wire_open_end("s1");
}

static inline void wire_queue_send(const struct nlmsghdr *nlh)
{
    ck_assert_int_gt(mnl_socket_sendto(wire_queue, nlh, nlh->nlmsg_len), 0);
}

static inline struct nlmsghdr *wire_queue_message(void *buf, uint16_t type, uint16_t queue)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = (NFNL_SUBSYS_QUEUE << 8) | type;
    nlh->nlmsg_flags = NLM_F_REQUEST;
    struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof *nfg);
    *nfg = (struct nfgenmsg){.version = NFNETLINK_V0, .res_id = htons(queue)};
    return nlh;
}

/* One socket for the queues first.. */
static inline void wire_open_queues(uint16_t first, uint16_t n)
{
    uint8_t buf[256];
    wire_queue = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
    ck_assert_ptr_nonnull(wire_queue);
    ck_assert_int_eq(mnl_socket_bind(wire_queue, 0, MNL_SOCKET_AUTOPID), 0);
    int bytes = 8 << 20;
    setsockopt(mnl_socket_get_fd(wire_queue), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    for (uint16_t i = first; i < first + n; i++) {
        struct nlmsghdr *nlh = wire_queue_message(buf, NFQNL_MSG_CONFIG, i);
        struct nfqnl_msg_config_cmd bind_it = {.command = NFQNL_CFG_CMD_BIND};
        mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof bind_it, &bind_it);
        wire_queue_send(nlh);
        nlh = wire_queue_message(buf, NFQNL_MSG_CONFIG, i);
        struct nfqnl_msg_config_params params = {.copy_range = htonl(0xffff), .copy_mode = NFQNL_COPY_PACKET};
        mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof params, &params);
        mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(65536));
        mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
        mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
        wire_queue_send(nlh);
    }
}

struct queued {
    uint32_t id, mark;
    uint16_t queue;
};

/* Takes one packet from the queue, if there is any. */
static inline bool wire_take(struct queued *ret)
{
    static uint8_t buf[131072];
    ssize_t n;
    while ((n = mnl_socket_recvfrom(wire_queue, buf, sizeof buf)) > 0) {
        const struct nlmsghdr *nlh = (const void *)buf;
        if (nlh->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET))
            continue;
        const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
        *ret = (struct queued){.queue = ntohs(nfg->res_id)};
        const struct nlattr *a;
        mnl_attr_for_each(a, nlh, sizeof *nfg)
        {
            if (mnl_attr_get_type(a) == NFQA_PACKET_HDR)
                ret->id = ntohl(((const struct nfqnl_msg_packet_hdr *)mnl_attr_get_payload(a))->packet_id);
            if (mnl_attr_get_type(a) == NFQA_MARK)
                ret->mark = ntohl(mnl_attr_get_u32(a));
        }
        return true;
    }
    return false;
}

/* The bits of the mark that are the table's; others stay as they came. */
#define WIRE_MASK 0x7f000000u

static inline void wire_verdict(const struct queued *q, uint32_t verdict, uint32_t code)
{
    uint8_t buf[256];
    struct nlmsghdr *nlh = wire_queue_message(buf, NFQNL_MSG_VERDICT, q->queue);
    struct nfqnl_msg_verdict_hdr v = {.verdict = htonl(verdict), .id = htonl(q->id)};
    mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof v, &v);
    mnl_attr_put_u32(nlh, NFQA_MARK, htonl((q->mark & ~WIRE_MASK) | code));
    wire_queue_send(nlh);
}

/* A segment or datagram between the two ends. */
struct frame {
    int from; /* CLIENT or SERVER */
    int version;
    uint8_t proto;
    uint16_t cport, sport;
    uint8_t flags, reserved;                  /* of TCP; 0x0f */
    uint16_t window, tcp_options, ip_options; /* options in bytes */
    uint32_t seq, ack;
    uint16_t data;
    uint32_t tag;   /* the first bytes of the data */
    uint8_t source; /* last byte of the client's address, 0: 1 */
};

static inline uint32_t wire_sum(const uint8_t *data, size_t len, uint32_t sum)
{
    for (size_t i = 0; i < len; i++)
        sum += i & 1 ? data[i] : (uint32_t)data[i] << 8;
    return sum;
}

static inline uint16_t wire_fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static inline void wire_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void wire_put32(uint8_t *at, uint32_t value)
{
    wire_put16(at, value >> 16);
    wire_put16(at + 2, value);
}

static inline void wire_addresses(const struct frame *f, uint8_t *src, uint8_t *dst)
{
    size_t len = f->version == 4 ? 4 : 16;
    uint8_t client[16] = {10, 7, 0, f->source ? f->source : 1}, server[16] = {10, 7, 0, 200};
    if (f->version == 6) {
        memcpy(client, (uint8_t[16]){0xfd, 0, [15] = f->source ? f->source : 1}, 16);
        memcpy(server, (uint8_t[16]){0xfd, 0, [15] = 200}, 16);
    }
    memcpy(src, f->from == CLIENT ? client : server, len);
    memcpy(dst, f->from == CLIENT ? server : client, len);
}

/* The transport header and the data; returns the length. */
static inline size_t wire_transport(const struct frame *f, uint8_t *l4, uint32_t pseudo)
{
    bool tcp = f->proto == IPPROTO_TCP;
    size_t header = tcp ? 20u + f->tcp_options : 8u, len = header + f->data;
    memset(l4, 0, len);
    wire_put16(l4, f->from == CLIENT ? f->cport : f->sport);
    wire_put16(l4 + 2, f->from == CLIENT ? f->sport : f->cport);
    if (tcp) {
        wire_put32(l4 + 4, f->seq);
        wire_put32(l4 + 8, f->ack);
        l4[12] = (uint8_t)((header / 4) << 4 | f->reserved);
        l4[13] = f->flags;
        wire_put16(l4 + 14, f->window);
        memset(l4 + 20, 1, f->tcp_options); /* no-operation */
    } else {
        wire_put16(l4 + 4, (uint32_t)len);
    }
    memset(l4 + header, 'x', f->data);
    if (f->data >= 4)
        wire_put32(l4 + header, f->tag);
    uint16_t sum = wire_fold(wire_sum(l4, len, pseudo + (uint32_t)len + f->proto));
    wire_put16(l4 + (tcp ? 16 : 6), sum ? sum : 0xffff);
    return len;
}

static inline size_t wire_build(const struct frame *f, uint8_t *buf)
{
    static const uint8_t macs[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};
    uint8_t *ip = buf + 14, src[16], dst[16];
    memcpy(buf, macs[!f->from], 6);
    memcpy(buf + 6, macs[f->from], 6);
    wire_put16(buf + 12, f->version == 4 ? 0x0800 : 0x86dd);
    wire_addresses(f, src, dst);
    size_t alen = f->version == 4 ? 4 : 16, header = f->version == 4 ? 20u + f->ip_options : 40u;
    memset(ip, 0, header);
    size_t len = wire_transport(f, ip + header, wire_sum(src, alen, wire_sum(dst, alen, 0)));
    if (f->version == 6) {
        ip[0] = 0x60;
        wire_put16(ip + 4, (uint32_t)len);
        ip[6] = f->proto;
        ip[7] = 64;
        memcpy(ip + 8, src, 16);
        memcpy(ip + 24, dst, 16);
        return 14 + header + len;
    }
    ip[0] = (uint8_t)(0x40 | header / 4);
    wire_put16(ip + 2, (uint32_t)(header + len));
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = f->proto;
    memcpy(ip + 12, src, 4);
    memcpy(ip + 16, dst, 4);
    memset(ip + 20, 1, f->ip_options);
    wire_put16(ip + 10, wire_fold(wire_sum(ip, header, 0)));
    return 14 + header + len;
}

static inline void wire_put(const struct frame *f)
{
    uint8_t buf[4096];
    size_t len = wire_build(f, buf);
    ck_assert_int_eq(send(wire_end[f->from], buf, len, 0), (ssize_t)len);
}

/* Whether a frame has arrived at that end: the next of IP there that was not sent there. */
static inline bool wire_arrived(int end, uint8_t *ret, size_t *len)
{
    uint8_t buf[4096];
    struct sockaddr_ll from;
    socklen_t from_len = sizeof from;
    ssize_t n;
    while ((n = recvfrom(wire_end[end], buf, sizeof buf, 0, (struct sockaddr *)&from, &from_len)) > 0) {
        bool ip = n > 14 && ((buf[12] == 8 && buf[13] == 0) || (buf[12] == 0x86 && buf[13] == 0xdd));
        if (from.sll_pkttype == PACKET_OUTGOING || !ip || buf[6] != 2 || buf[7] != 0)
            continue;
        if (ret) {
            memcpy(ret, buf, (size_t)n);
            *len = (size_t)n;
        }
        return true;
    }
    return false;
}

static inline uint64_t wire_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* What became of a frame. */
enum fate { LOST, PASSED, CAME_UP, CAME_UP_AND_PASSED };

/* How long a frame may take; what does not come then is lost. */
#define WIRE_WAIT_MS 400

/* Puts a frame in; the queue answers with `verdict`, and `code` in the mark. */
static inline enum fate wire_try(const struct frame *f, uint32_t verdict, uint32_t code)
{
    struct pollfd p[2] = {{.fd = mnl_socket_get_fd(wire_queue), .events = POLLIN},
                          {.fd = wire_end[!f->from], .events = POLLIN}};
    bool up = false;
    wire_put(f);
    uint64_t end = wire_ms() + WIRE_WAIT_MS;
    for (uint64_t now = wire_ms(); now < end; now = wire_ms()) {
        poll(p, 2, (int)(end - now));
        struct queued q;
        if (wire_take(&q)) {
            /* A code is given once: what comes up again is let go. */
            wire_verdict(&q, up ? NF_ACCEPT : verdict, up ? 0 : code);
            up = true;
        }
        if (wire_arrived(!f->from, NULL, NULL))
            return up ? CAME_UP_AND_PASSED : PASSED;
        if (up && verdict == NF_DROP)
            return CAME_UP;
    }
    return up ? CAME_UP : LOST;
}

#endif
