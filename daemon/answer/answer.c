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

#include "answer/write.h"

#define BROKEN                                                                                                         \
    (ANOMALY_BAD_LENGTH | ANOMALY_BAD_IP_CHECKSUM | ANOMALY_BAD_CHECKSUM | ANOMALY_TRUNCATED | ANOMALY_MARTIAN)
#define ICMP4_QUOTE_MAX (576 - 20 - 8)
#define ICMP6_QUOTE_MAX (1280 - 40 - 8)

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

/* From the addresses that the packet was sent between, the other way round. */
static struct answer_link link_back(const struct packet *p, const uint8_t *own_mac)
{
    struct answer_link l = {.has_vlan = p->meta.has_vlan, .vlan_tci = p->meta.vlan_tci};
    memcpy(l.dst_mac, p->meta.eth_src, 6);
    memcpy(l.src_mac, p->meta.has_eth_dst ? p->meta.eth_dst : own_mac, 6);
    return l;
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
    bool has_ack = p->tcp_flags & TCP_FLAG_ACK;
    struct answer_tcp a = {.src = p->dst,
                           .dst = p->src,
                           .srcport = p->dstport,
                           .dstport = p->srcport,
                           .seq = has_ack ? p->tcp_ack : 0,
                           .ack = has_ack ? 0 : p->tcp_seq + segment_length(p),
                           .flags = has_ack ? TCP_FLAG_RST : TCP_FLAG_RST | TCP_FLAG_ACK};
    write_tcp(w, &a);
}

static void put_unreachable(struct writer *w, const struct packet *p)
{
    bool v4 = p->ip_version == 4;
    struct span quote = span_first(p->data, v4 ? ICMP4_QUOTE_MAX : ICMP6_QUOTE_MAX);
    uint8_t proto = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    size_t len = 8 + quote.len;
    write_ip(w, &p->dst, &p->src, proto, len);
    uint8_t *start = w->at;
    write16(w, v4 ? 0x0303 : 0x0104); /* destination unreachable: port */
    write16(w, 0);
    write32(w, 0);
    write_bytes(w, quote.data, quote.len);
    uint64_t sum = v4 ? 0 : csum_pseudo(&p->dst, &p->src, proto, (uint32_t)len);
    write_sum(start + 2, csum_add(sum, start, len));
}

size_t answer_build(const struct packet *p, const uint8_t own_mac[6], uint8_t *buf)
{
    if (!is_due(p))
        return 0;
    struct writer w = {.at = buf};
    struct answer_link l = link_back(p, own_mac);
    write_ethernet(&w, &l, p->ip_version);
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
