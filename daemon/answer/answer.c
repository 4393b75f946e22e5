/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer/answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define BROKEN                                                                                                         \
    (ANOMALY_BAD_LENGTH | ANOMALY_BAD_IP_CHECKSUM | ANOMALY_BAD_CHECKSUM | ANOMALY_TRUNCATED | ANOMALY_MARTIAN)
#define ICMP4_QUOTE_MAX (576 - 20 - 8)
#define ICMP6_QUOTE_MAX (1280 - 40 - 8)

struct writer {
    uint8_t *at;
};

static void put8(struct writer *w, unsigned v)
{
    *w->at++ = (uint8_t)v;
}

static void put16(struct writer *w, unsigned v)
{
    put8(w, v >> 8);
    put8(w, v);
}

static void put32(struct writer *w, uint32_t v)
{
    put16(w, v >> 16);
    put16(w, v & 0xffff);
}

static void put_bytes(struct writer *w, const void *data, size_t len)
{
    memcpy(w->at, data, len);
    w->at += len;
}

static void patch16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static bool is_multicast(const struct ip_addr *a)
{
    static const uint8_t all_ones[4] = {255, 255, 255, 255};
    if (a->family == 6)
        return a->bytes[0] == 0xff;
    return (a->bytes[0] & 0xf0) == 0xe0 || memcmp(a->bytes, all_ones, 4) == 0;
}

static bool is_unspecified(const struct ip_addr *a)
{
    static const uint8_t zero[16];
    return memcmp(a->bytes, zero, sizeof zero) == 0;
}

static bool is_icmp_error(const struct packet *p)
{
    if (p->l4 == L4_ICMPV6)
        return p->icmp_type < 128 || p->icmp_type == 137; /* a redirect counts as one: RFC 4443 2.4 (e.2) */
    return p->l4 == L4_ICMP && p->icmp_type != 8 && p->icmp_type != 13 && p->icmp_type != 17;
}

static bool is_due(const struct packet *p)
{
    if (!p->ip_version || !p->meta.has_eth_src || !p->meta.in_dev || (p->anomalies & BROKEN) || p->frag_offset)
        return false;
    if (is_multicast(&p->dst) || is_multicast(&p->src) || is_unspecified(&p->src))
        return false;
    if (p->meta.has_eth_dst && (p->meta.eth_dst[0] & 1))
        return false;
    if (p->ip_proto == IPPROTO_TCP)
        return p->l4 == L4_TCP && !(p->tcp_flags & TCP_FLAG_RST);
    return !is_icmp_error(p);
}

static void put_ethernet(struct writer *w, const struct packet *p, const uint8_t *own_mac)
{
    put_bytes(w, p->meta.eth_src, 6);
    put_bytes(w, p->meta.has_eth_dst ? p->meta.eth_dst : own_mac, 6);
    if (p->meta.has_vlan) {
        put16(w, 0x8100);
        put16(w, p->meta.vlan_tci);
    }
    put16(w, p->ip_version == 4 ? 0x0800 : 0x86dd);
}

/* The answer's IP header: from the packet's destination to its source. */
static void put_ip(struct writer *w, const struct packet *p, uint8_t proto, size_t len)
{
    uint8_t *start = w->at;
    if (p->ip_version == 6) {
        put32(w, 0x60000000);
        put16(w, (unsigned)len);
        put8(w, proto);
        put8(w, 64);
        put_bytes(w, p->dst.bytes, 16);
        put_bytes(w, p->src.bytes, 16);
        return;
    }
    put16(w, 0x4500);
    put16(w, (unsigned)len + 20);
    put32(w, 0x00004000); /* id 0, do not fragment */
    put8(w, 64);
    put8(w, proto);
    put16(w, 0);
    put_bytes(w, p->dst.bytes, 4);
    put_bytes(w, p->src.bytes, 4);
    patch16(start + 10, csum_fold(csum_add(0, start, 20)));
}

/* How much sequence space the packet takes (RFC 9293 3.4). */
static uint32_t segment_length(const struct packet *p)
{
    uint32_t header = (uint32_t)p->ip_header_len + p->l4_header_len;
    uint32_t data = p->ip_len > header ? p->ip_len - header : 0;
    return data + !!(p->tcp_flags & TCP_FLAG_SYN) + !!(p->tcp_flags & TCP_FLAG_FIN);
}

static void put_reset(struct writer *w, const struct packet *p)
{
    put_ip(w, p, IPPROTO_TCP, 20);
    uint8_t *start = w->at;
    bool has_ack = p->tcp_flags & TCP_FLAG_ACK;
    put16(w, p->dstport);
    put16(w, p->srcport);
    put32(w, has_ack ? p->tcp_ack : 0);
    put32(w, has_ack ? 0 : p->tcp_seq + segment_length(p));
    put8(w, 5 << 4);
    put8(w, has_ack ? TCP_FLAG_RST : TCP_FLAG_RST | TCP_FLAG_ACK);
    put32(w, 0); /* window, checksum */
    put16(w, 0);
    patch16(start + 16, csum_fold(csum_add(csum_pseudo(&p->dst, &p->src, IPPROTO_TCP, 20), start, 20)));
}

static void put_unreachable(struct writer *w, const struct packet *p)
{
    bool v4 = p->ip_version == 4;
    struct span quote = span_first(p->data, v4 ? ICMP4_QUOTE_MAX : ICMP6_QUOTE_MAX);
    uint8_t proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    size_t len = 8 + quote.len;
    put_ip(w, p, proto, len);
    uint8_t *start = w->at;
    put16(w, v4 ? 0x0303 : 0x0104); /* destination unreachable: port */
    put16(w, 0);
    put32(w, 0);
    put_bytes(w, quote.data, quote.len);
    uint64_t sum = v4 ? 0 : csum_pseudo(&p->dst, &p->src, proto, (uint32_t)len);
    patch16(start + 2, csum_fold(csum_add(sum, start, len)));
}

size_t answer_build(const struct packet *p, const uint8_t own_mac[6], uint8_t *buf)
{
    if (!is_due(p))
        return 0;
    struct writer w = {.at = buf};
    put_ethernet(&w, p, own_mac);
    if (p->l4 == L4_TCP)
        put_reset(&w, p);
    else
        put_unreachable(&w, p);
    return (size_t)(w.at - buf);
}

int answer_open(void)
{
    /* Protocol 0: it only sends. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

int answer_send(int fd, const struct packet *p)
{
    if (!is_due(p))
        return 0;
    struct ifreq ifr = {0};
    memcpy(ifr.ifr_name, p->meta.in_dev->name, sizeof ifr.ifr_name - 1);
    if (!p->meta.has_eth_dst && ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
        return -errno;
    uint8_t frame[ANSWER_MAX], own_mac[6];
    memcpy(own_mac, ifr.ifr_hwaddr.sa_data, sizeof own_mac);
    size_t len = answer_build(p, own_mac, frame);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)p->meta.in_dev->index, .sll_halen = 6};
    memcpy(to.sll_addr, p->meta.eth_src, 6);
    ssize_t n = sendto(fd, frame, len, 0, (const struct sockaddr *)&to, sizeof to);
    return n < 0 ? -errno : 1;
}
