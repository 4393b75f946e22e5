/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "answer/answer.h"
#include "netns.h"
#include "run_suite.h"

static const uint8_t client_mac[6] = {2, 0, 0, 0, 0, 1}, server_mac[6] = {2, 0, 0, 0, 0, 2},
                     own_mac[6] = {2, 0, 0, 0, 0, 9};
static const struct iface port = {.index = 3, .name = "port0", .side = SIDE_OUTSIDE};

/* The packet that is refused: built here, decoded by net/. */
static uint8_t bytes[65536];
static size_t length;
static struct packet_meta meta;
static struct packet p;

/* The answer, decoded the same way. */
static uint8_t frame[ANSWER_MAX + 64];
static size_t frame_len;
static struct packet a;

static void set_up(void)
{
    meta = (struct packet_meta){.has_eth_src = true, .has_eth_dst = true, .bridged = true, .in_dev = &port};
    memcpy(meta.eth_src, client_mac, 6);
    memcpy(meta.eth_dst, server_mac, 6);
    memset(frame, 0xee, sizeof frame);
}

static void put16_at(uint8_t *at, unsigned v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32_at(uint8_t *at, uint32_t v)
{
    put16_at(at, v >> 16);
    put16_at(at + 2, v & 0xffff);
}

/* The IP header for l4_len bytes, from client to server; where the transport header begins. */
static uint8_t *put_ip(int version, uint8_t proto, size_t l4_len)
{
    static const uint8_t v4[8] = {192, 0, 2, 1, 198, 51, 100, 2};
    static const uint8_t v6[32] = {
        0x20, 1, 0xd, 0xb8, [15] = 1, [16] = 0x20, [17] = 1, [18] = 0xd, [19] = 0xb8, [20] = 1, [31] = 2};
    memset(bytes, 0, sizeof bytes);
    if (version == 4) {
        bytes[0] = 0x45;
        put16_at(bytes + 2, (unsigned)(20 + l4_len));
        put16_at(bytes + 4, 0x1234);
        bytes[8] = 60;
        bytes[9] = proto;
        memcpy(bytes + 12, v4, 8);
        length = 20 + l4_len;
        return bytes + 20;
    }
    bytes[0] = 0x60;
    put16_at(bytes + 4, (unsigned)l4_len);
    bytes[6] = proto;
    bytes[7] = 60;
    memcpy(bytes + 8, v6, 32);
    length = 40 + l4_len;
    return bytes + 40;
}

static void fill_ip_checksum(void)
{
    if (bytes[0] >> 4 != 4)
        return;
    put16_at(bytes + 10, 0);
    put16_at(bytes + 10, csum_fold(csum_add(0, bytes, 20)));
}

static void describe(void)
{
    meta.ethertype = bytes[0] >> 4 == 4 ? 0x0800 : 0x86dd;
    meta.full_len = (uint32_t)length;
}

static void decode(void)
{
    describe();
    fill_ip_checksum();
    packet_decode(&p, &meta, span_of(bytes, length), PACKET_NEED_CHECKSUM);
}

static void fill_checksum(uint8_t *l4, size_t at, uint8_t proto)
{
    size_t len = length - (size_t)(l4 - bytes);
    describe();
    packet_decode(&p, &meta, span_of(bytes, length), 0);
    bool plain = proto == IPPROTO_ICMP;
    put16_at(l4 + at, csum_fold(csum_add(plain ? 0 : csum_pseudo(&p.src, &p.dst, proto, (uint32_t)len), l4, len)));
}

#define SEQ 0xfffffff0u
#define ACK 0x01020304u

static void tcp(int version, uint8_t flags, size_t data)
{
    uint8_t *h = put_ip(version, IPPROTO_TCP, 20 + data);
    put16_at(h, 40000);
    put16_at(h + 2, 80);
    put32_at(h + 4, SEQ);
    put32_at(h + 8, ACK);
    h[12] = 5 << 4;
    h[13] = flags;
    put16_at(h + 14, 1000);
    memset(h + 20, 'd', data);
    fill_checksum(h, 16, IPPROTO_TCP);
    decode();
    ck_assert_uint_eq(p.anomalies, 0);
}

static void udp(int version, size_t data)
{
    uint8_t *h = put_ip(version, IPPROTO_UDP, 8 + data);
    put16_at(h, 40000);
    put16_at(h + 2, 53);
    put16_at(h + 4, (unsigned)(8 + data));
    for (size_t i = 0; i < data; i++)
        h[8 + i] = (uint8_t)i;
    fill_checksum(h, 6, IPPROTO_UDP);
    decode();
    ck_assert_uint_eq(p.anomalies, 0);
}

static void icmp(int version, uint8_t type)
{
    uint8_t *h = put_ip(version, version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, 36);
    h[0] = type;
    fill_checksum(h, 2, version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    decode();
}

/* Builds the answer and checks what holds for all: addresses, MACs, checksums, no byte past the end. */
static void answered(int version, size_t header)
{
    memset(frame, 0xee, sizeof frame);
    frame_len = answer_build(&p, own_mac, frame);
    ck_assert_uint_gt(frame_len, header);
    ck_assert_uint_le(frame_len, ANSWER_MAX);
    for (size_t i = frame_len; i < sizeof frame; i++)
        ck_assert_uint_eq(frame[i], 0xee);
    ck_assert_mem_eq(frame, client_mac, 6);
    ck_assert_uint_eq((unsigned)(frame[header - 2] << 8 | frame[header - 1]), version == 4 ? 0x0800 : 0x86dd);
    struct packet_meta m = {.ethertype = version == 4 ? 0x0800 : 0x86dd, .full_len = (uint32_t)(frame_len - header)};
    packet_decode(&a, &m, span_of(frame + header, frame_len - header), PACKET_NEED_CHECKSUM);
    ck_assert_uint_eq(a.anomalies, 0);
    ck_assert_uint_eq(a.ip_version, version);
    ck_assert_uint_eq(a.ip_len, frame_len - header);
    ck_assert_uint_eq(a.ip_ttl, 64);
    ck_assert(ip_addr_equal(&a.src, &p.dst));
    ck_assert(ip_addr_equal(&a.dst, &p.src));
}

/* The sums once more by hand, lest the decoder looks away. */
static void sums_are_good(size_t header, uint8_t proto)
{
    const uint8_t *ip = frame + header, *l4 = ip + a.ip_header_len;
    size_t len = frame_len - header - a.ip_header_len;
    if (a.ip_version == 4)
        ck_assert_uint_eq(csum_fold(csum_add(0, ip, 20)), 0);
    uint64_t sum = proto == IPPROTO_ICMP ? 0 : csum_pseudo(&a.src, &a.dst, proto, (uint32_t)len);
    ck_assert_uint_eq(csum_fold(csum_add(sum, l4, len)), 0);
}

static void reset(int version, uint8_t flags, size_t data, uint32_t seq, uint32_t ack, uint8_t answer_flags)
{
    tcp(version, flags, data);
    answered(version, 14);
    ck_assert_mem_eq(frame + 6, server_mac, 6);
    ck_assert_int_eq(a.l4, L4_TCP);
    ck_assert_uint_eq(a.srcport, 80);
    ck_assert_uint_eq(a.dstport, 40000);
    ck_assert_uint_eq(a.tcp_seq, seq);
    ck_assert_uint_eq(a.tcp_ack, ack);
    ck_assert_uint_eq(a.tcp_flags, answer_flags);
    ck_assert_uint_eq(a.payload.len, 0);
    sums_are_good(14, IPPROTO_TCP);
}

/* RFC 9293 3.10.7.1: with ACK <SEQ=SEG.ACK><CTL=RST>, without <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. */
START_TEST(reset_numbers)
{
    static const uint8_t both = TCP_FLAG_RST | TCP_FLAG_ACK;
    for (int v = 4; v <= 6; v += 2) {
        reset(v, TCP_FLAG_SYN, 0, 0, SEQ + 1, both);
        reset(v, TCP_FLAG_SYN, 10, 0, SEQ + 11, both);
        reset(v, TCP_FLAG_SYN | TCP_FLAG_ACK, 0, ACK, 0, TCP_FLAG_RST);
        reset(v, TCP_FLAG_ACK, 0, ACK, 0, TCP_FLAG_RST);
        reset(v, TCP_FLAG_ACK | TCP_FLAG_PSH, 1000, ACK, 0, TCP_FLAG_RST);
        reset(v, TCP_FLAG_ACK | TCP_FLAG_FIN, 7, ACK, 0, TCP_FLAG_RST);
        reset(v, TCP_FLAG_PSH, 20, 0, SEQ + 20, both); /* over the end of sequence numbers */
    }
}
END_TEST

/* FIN without ACK is an anomaly of its own, but it takes a number. */
START_TEST(reset_of_bare_fin)
{
    uint8_t *h = put_ip(4, IPPROTO_TCP, 20 + 3);
    put16_at(h, 40000);
    put16_at(h + 2, 80);
    put32_at(h + 4, 1000);
    h[12] = 5 << 4;
    h[13] = TCP_FLAG_FIN;
    fill_checksum(h, 16, IPPROTO_TCP);
    decode();
    ck_assert_uint_eq(p.anomalies, ANOMALY_BAD_FLAGS);
    answered(4, 14);
    ck_assert_uint_eq(a.tcp_ack, 1000 + 3 + 1);
}
END_TEST

/* Only headers were copied up: the numbers count what the packet really holds. */
START_TEST(reset_of_cut_packet)
{
    tcp(4, TCP_FLAG_PSH, 1000);
    packet_decode(&p, &meta, span_of(bytes, 40), 0);
    answered(4, 14);
    ck_assert_uint_eq(a.tcp_ack, SEQ + 1000);
}
END_TEST

START_TEST(vlan_tag)
{
    meta.has_vlan = true;
    meta.vlan_tci = 0x6064;
    tcp(4, TCP_FLAG_SYN, 0);
    answered(4, 18);
    ck_assert_mem_eq(frame + 12, "\x81\0\x60\x64\x08\0", 6);
    udp(6, 3000);
    answered(6, 18);
    ck_assert_uint_eq(frame_len, ANSWER_MAX);
}
END_TEST

/* Where the packet does not tell to whom it was sent, the port's own address stands in. */
START_TEST(own_mac_as_source)
{
    meta.has_eth_dst = false;
    tcp(4, TCP_FLAG_SYN, 0);
    answered(4, 14);
    ck_assert_mem_eq(frame + 6, own_mac, 6);
}
END_TEST

static void unreachable(int version, size_t quoted)
{
    answered(version, 14);
    ck_assert_int_eq(a.l4, version == 4 ? L4_ICMP : L4_ICMPV6);
    ck_assert_uint_eq(a.icmp_type, version == 4 ? 3 : 1);
    ck_assert_uint_eq(a.icmp_code, version == 4 ? 3 : 4);
    const uint8_t *quote = frame + 14 + a.ip_header_len + 8;
    ck_assert_uint_eq(frame_len - (size_t)(quote - frame), quoted);
    ck_assert_mem_eq(quote - 4, "\0\0\0\0", 4);
    ck_assert_mem_eq(quote, bytes, quoted);
    sums_are_good(14, version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

START_TEST(unreachable_quotes)
{
    for (size_t data = 0; data < 40; data++) {
        udp(4, data);
        unreachable(4, 28 + data);
        udp(6, data);
        unreachable(6, 48 + data);
    }
}
END_TEST

/* RFC 1812 4.3.2.3: at most 576 bytes; RFC 4443 2.4: at most 1280. */
START_TEST(unreachable_sizes)
{
    udp(4, 576 - 28 - 28);
    unreachable(4, 548);
    udp(4, 576 - 28 - 28 + 1);
    unreachable(4, 548);
    ck_assert_uint_eq(frame_len, 14 + 576);
    udp(4, 60000);
    unreachable(4, 548);
    udp(6, 60000);
    unreachable(6, 1232);
    ck_assert_uint_eq(frame_len, 14 + 1280);
}
END_TEST

START_TEST(unreachable_of_others)
{
    icmp(4, 8);
    unreachable(4, 56);
    icmp(6, 128);
    unreachable(6, 76);
    put_ip(4, 99, 50); /* a protocol without a name here */
    decode();
    unreachable(4, 70);
}
END_TEST

static void none(const char *what)
{
    memset(frame, 0xee, sizeof frame);
    ck_assert_msg(answer_build(&p, own_mac, frame) == 0, "%s is answered", what);
    ck_assert_int_eq(answer_send(-1, &p), 0); /* nor does it try to send */
    ck_assert_uint_eq(frame[0], 0xee);
}

START_TEST(none_to_resets_and_errors)
{
    for (int v = 4; v <= 6; v += 2) {
        tcp(v, TCP_FLAG_RST, 0);
        none("a reset");
        tcp(v, TCP_FLAG_RST | TCP_FLAG_ACK, 0);
        none("a reset with ACK");
    }
    static const uint8_t errors4[] = {3, 4, 5, 11, 12}, errors6[] = {1, 2, 3, 4, 100, 127, 137};
    for (size_t i = 0; i < sizeof errors4; i++) {
        icmp(4, errors4[i]);
        none("an ICMP error");
    }
    for (size_t i = 0; i < sizeof errors6; i++) {
        icmp(6, errors6[i]);
        none("an ICMPv6 error");
    }
}
END_TEST

static void set_address4(size_t at, const char *text)
{
    struct ip_addr addr;
    ck_assert(ip_addr_parse(text, &addr));
    memcpy(bytes + at, addr.bytes, 4);
    fill_checksum(bytes + 20, 6, IPPROTO_UDP);
    decode();
}

static void set_address6(size_t at, const char *text)
{
    struct ip_addr addr;
    ck_assert(ip_addr_parse(text, &addr));
    memcpy(bytes + at, addr.bytes, 16);
    put16_at(bytes + 46, 0);
    fill_checksum(bytes + 40, 6, IPPROTO_UDP);
    decode();
}

START_TEST(none_to_many)
{
    static const char *const to4[] = {"224.0.0.1", "239.255.255.255", "255.255.255.255"};
    for (size_t i = 0; i < 3; i++) {
        udp(4, 4);
        put16_at(bytes + 26, 0);
        set_address4(16, to4[i]);
        none(to4[i]);
    }
    udp(4, 4);
    put16_at(bytes + 26, 0);
    set_address4(12, "0.0.0.0");
    none("no sender");
    udp(6, 4);
    set_address6(24, "ff02::1");
    none("ff02::1");
    udp(6, 4);
    set_address6(8, "::");
    none("no sender of IPv6");
    udp(4, 4);
    p.meta.eth_dst[0] |= 1; /* a frame to all, such as 192.0.2.255 is in */
    none("a broadcast frame");
}
END_TEST

START_TEST(none_to_fragments)
{
    udp(4, 64);
    put16_at(bytes + 6, 0x0001);
    decode();
    ck_assert(p.is_fragment);
    none("a later fragment");
    udp(4, 64);
    put16_at(bytes + 6, 0x2000); /* the first: the sender is told once */
    decode();
    answered(4, 14);
}
END_TEST

START_TEST(none_to_broken)
{
    udp(4, 10);
    bytes[27] ^= 1;
    decode();
    ck_assert_uint_ne(p.anomalies & ANOMALY_BAD_CHECKSUM, 0);
    none("a bad checksum");
    tcp(6, TCP_FLAG_SYN, 0);
    bytes[57] ^= 1;
    decode();
    none("a bad TCP checksum");
    tcp(4, TCP_FLAG_SYN, 0);
    bytes[10] ^= 1;
    packet_decode(&p, &meta, span_of(bytes, length), 0);
    none("a bad header checksum");
    tcp(4, TCP_FLAG_SYN, 0);
    bytes[32] = 3 << 4;
    decode();
    none("a TCP header of 12 bytes");
    length = 3;
    meta.full_len = 3;
    packet_decode(&p, &meta, span_of(bytes, 3), 0);
    none("three bytes");
    packet_decode(&p, &meta, span_of(bytes, 0), 0);
    none("nothing");
}
END_TEST

START_TEST(none_without_a_way_back)
{
    tcp(4, TCP_FLAG_SYN, 0);
    p.meta.has_eth_src = false;
    none("a packet without a sender's MAC");
    p.meta.has_eth_src = true;
    p.meta.in_dev = NULL;
    none("a packet without a port");
}
END_TEST

/* Segments of our own. */
static const char page_text[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n";

static struct answer_tcp segment(int version, uint8_t flags, const void *payload, size_t len)
{
    struct answer_tcp t = {
        .srcport = 80, .dstport = 40000, .seq = SEQ, .ack = ACK, .flags = flags, .payload = span_of(payload, len)};
    ck_assert(ip_addr_parse(version == 4 ? "198.51.100.2" : "2001:db8::2", &t.src));
    ck_assert(ip_addr_parse(version == 4 ? "192.0.2.1" : "2001:db8::1", &t.dst));
    return t;
}

/* Every field of the packet at `ip`, by hand and by the decoder. */
static void is_segment(const struct answer_tcp *t, size_t header, size_t len)
{
    int version = t->src.family;
    const uint8_t *ip = frame + header, *h = ip + (version == 4 ? 20 : 40);
    static const uint8_t head4[] = {0x45, 0}, rest4[] = {0, 0, 0x40, 0, 64, 6}, head6[] = {0x60, 0, 0, 0};
    unsigned total = (unsigned)(len - header);
    if (version == 4) {
        ck_assert_mem_eq(ip, head4, 2);
        ck_assert_uint_eq((unsigned)(ip[2] << 8 | ip[3]), total);
        ck_assert_mem_eq(ip + 4, rest4, 6);
        ck_assert_mem_eq(ip + 12, t->src.bytes, 4);
        ck_assert_mem_eq(ip + 16, t->dst.bytes, 4);
    } else {
        ck_assert_mem_eq(ip, head6, 4);
        ck_assert_uint_eq((unsigned)(ip[4] << 8 | ip[5]), total - 40);
        ck_assert_uint_eq(ip[6], 6);
        ck_assert_uint_eq(ip[7], 64);
        ck_assert_mem_eq(ip + 8, t->src.bytes, 16);
        ck_assert_mem_eq(ip + 24, t->dst.bytes, 16);
    }
    uint8_t ports[4] = {t->srcport >> 8, t->srcport & 255, t->dstport >> 8, t->dstport & 255};
    ck_assert_mem_eq(h, ports, 4);
    ck_assert_mem_eq(h + 4, "\xff\xff\xff\xf0\1\2\3\4\x50", 9);
    ck_assert_uint_eq(h[13], t->flags);
    ck_assert_mem_eq(h + 18, "\0\0", 2);
    if (t->payload.len)
        ck_assert_mem_eq(h + 20, t->payload.data, t->payload.len);
    struct packet_meta m = {.ethertype = version == 4 ? 0x0800 : 0x86dd, .full_len = total};
    packet_decode(&a, &m, span_of(ip, total), PACKET_NEED_CHECKSUM);
    ck_assert_uint_eq(a.anomalies, 0);
    ck_assert_int_eq(a.l4, L4_TCP);
    ck_assert(ip_addr_equal(&a.src, &t->src) && ip_addr_equal(&a.dst, &t->dst));
    ck_assert_uint_eq(a.tcp_seq, SEQ);
    ck_assert_uint_eq(a.tcp_ack, ACK);
    ck_assert_uint_eq(a.payload.len, t->payload.len);
    ck_assert_uint_eq(a.tcp_window == 0, (t->flags & TCP_FLAG_RST) != 0);
    frame_len = len;
    sums_are_good(header, IPPROTO_TCP);
}

START_TEST(tcp_segments)
{
    static uint8_t full[ANSWER_PAYLOAD_MAX];
    memset(full, 'f', sizeof full);
    for (int v = 4; v <= 6; v += 2) {
        size_t headers = v == 4 ? 40 : 60;
        const struct answer_tcp all[] = {
            segment(v, TCP_FLAG_RST | TCP_FLAG_ACK, NULL, 0),
            segment(v, TCP_FLAG_RST, NULL, 0),
            segment(v, TCP_FLAG_ACK | TCP_FLAG_PSH | TCP_FLAG_FIN, page_text, sizeof page_text - 1),
            segment(v, TCP_FLAG_ACK, page_text, 7), /* an odd number of bytes */
            segment(v, TCP_FLAG_ACK, full, sizeof full),
        };
        for (size_t i = 0; i < ARRAY_LEN(all); i++) {
            memset(frame, 0xee, sizeof frame);
            size_t len = answer_tcp_build(&all[i], frame);
            ck_assert_uint_eq(len, headers + all[i].payload.len);
            ck_assert_uint_eq(frame[len], 0xee);
            is_segment(&all[i], 0, len);
        }
    }
}
END_TEST

START_TEST(tcp_segments_refused)
{
    static uint8_t longer[ANSWER_PAYLOAD_MAX + 1];
    struct answer_sockets none_open = {-1, -1, -1};
    struct answer_tcp t = segment(4, TCP_FLAG_ACK, longer, sizeof longer);
    ck_assert_uint_eq(answer_tcp_build(&t, frame), 0);
    ck_assert_int_eq(answer_tcp_send(&none_open, &t, NULL), -EINVAL);
    t = segment(4, TCP_FLAG_RST, NULL, 0);
    ck_assert_int_eq(answer_tcp_send(&none_open, &t, NULL), -EAFNOSUPPORT);
    t.dst.family = 6;
    ck_assert_uint_eq(answer_tcp_build(&t, frame), 0);
    t.src.family = t.dst.family = 0;
    ck_assert_uint_eq(answer_tcp_build(&t, frame), 0);
    t = segment(6, TCP_FLAG_RST, NULL, 0);
    ck_assert_int_eq(answer_tcp_send(&none_open, &t, NULL), -EAFNOSUPPORT);
    ck_assert_uint_eq(frame[0], 0xee);
    answer_sockets_close(&none_open);
}
END_TEST

/* Sent by a veth port, the frame comes out at its other end as it was built. */
START_TEST(sending)
{
    netns_run("ip link add a0 type veth peer name b0 && ip link set a0 up && ip link set b0 up");
    struct iface in = {.index = if_nametoindex("a0"), .name = "a0", .side = SIDE_OUTSIDE};
    int other = socket(AF_PACKET, SOCK_RAW, htons(0x0003)), fd = answer_open();
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(3), .sll_ifindex = (int)if_nametoindex("b0")};
    ck_assert_int_eq(bind(other, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_ge(fd, 0);
    meta.in_dev = &in;
    for (int own = 0; own < 2; own++) {
        uint8_t got[2048];
        meta.has_eth_dst = !own;
        tcp(4, TCP_FLAG_SYN, 0);
        frame_len = answer_build(&p, own_mac, frame);
        ck_assert_int_eq(answer_send(fd, &p), 1);
        struct pollfd w = {.fd = other, .events = POLLIN};
        bool found = false;
        while (!found && poll(&w, 1, 2000) == 1) { /* the ports say hello by IPv6 themselves */
            ssize_t n = recv(other, got, sizeof got, 0);
            found = n >= (ssize_t)frame_len && memcmp(got, frame, 6) == 0 &&
                    memcmp(got + 12, frame + 12, frame_len - 12) == 0;
        }
        ck_assert(found);
        ck_assert_int_eq(memcmp(got + 6, server_mac, 6) == 0, !own);
    }
    in.index = 9999;
    ck_assert_int_lt(answer_send(fd, &p), 0);
    close(other);
    close(fd);
}
END_TEST

/* What fd receives before two seconds are over: the first packet whose bytes end as `tail` does. */
static size_t receive(int fd, const void *tail, size_t len)
{
    struct pollfd w = {.fd = fd, .events = POLLIN};
    while (poll(&w, 1, 2000) == 1) {
        ssize_t n = recv(fd, frame, sizeof frame, 0);
        if (n >= (ssize_t)len && memcmp(frame + n - len, tail, len) == 0)
            return (size_t)n;
    }
    ck_abort_msg("nothing came");
}

/* Frames of our own, with and without a VLAN tag and an address to send from, as the other end of a veth sees them. */
START_TEST(sending_frames)
{
    netns_run("ip link add a0 address 02:00:00:00:00:0a type veth peer name b0 && ip link set a0 up && "
              "ip link set b0 up");
    int other = socket(AF_PACKET, SOCK_RAW, htons(0x0003));
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(3), .sll_ifindex = (int)if_nametoindex("b0")};
    ck_assert_int_eq(bind(other, (struct sockaddr *)&at, sizeof at), 0);
    struct answer_sockets socks;
    ck_assert_int_eq(answer_sockets_open(&socks, true, 0), 0);
    ck_assert(socks.frame >= 0 && socks.raw4 == -1 && socks.raw6 == -1);
    struct answer_link link = {.ifindex = if_nametoindex("a0")};
    memcpy(link.dst_mac, client_mac, 6);
    memcpy(link.src_mac, server_mac, 6);
    for (int i = 0; i < 4; i++) {
        static const uint8_t port_mac[6] = {2, 0, 0, 0, 0, 10};
        struct answer_tcp t = segment(i & 1 ? 4 : 6, TCP_FLAG_ACK | TCP_FLAG_FIN, page_text, sizeof page_text - 1);
        link.has_src = i & 2;
        ck_assert_int_eq(answer_tcp_send(&socks, &t, &link), 0);
        size_t len = receive(other, page_text, sizeof page_text - 1);
        ck_assert_mem_eq(frame, client_mac, 6);
        ck_assert_mem_eq(frame + 6, link.has_src ? server_mac : port_mac, 6);
        ck_assert_mem_eq(frame + 12, i & 1 ? "\x08\0" : "\x86\xdd", 2);
        is_segment(&t, 14, len);
    }
    struct answer_tcp t = segment(4, TCP_FLAG_ACK, page_text, sizeof page_text - 1);
    ck_assert_int_eq(answer_tcp_send(&socks, &t, NULL), -EINVAL);
    link.ifindex = 9999;
    link.has_src = false;
    ck_assert_int_lt(answer_tcp_send(&socks, &t, &link), 0);
    answer_sockets_close(&socks);
    ck_assert_int_eq(socks.frame, -1);
    close(other);
}
END_TEST

/* The tag of the next frame with that tail, which the kernel takes out and tells beside the bytes; -1 for none. */
static int receive_tag(int fd, const void *tail, size_t len)
{
    _Alignas(struct cmsghdr) uint8_t control[256];
    for (;;) {
        struct iovec iov = {.iov_base = frame, .iov_len = sizeof frame};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct pollfd w = {.fd = fd, .events = POLLIN};
        ck_assert_int_eq(poll(&w, 1, 2000), 1);
        ssize_t n = recvmsg(fd, &m, 0);
        if (n < (ssize_t)len || memcmp(frame + n - len, tail, len) != 0)
            continue;
        frame_len = (size_t)n;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        struct tpacket_auxdata aux;
        ck_assert(c && c->cmsg_type == PACKET_AUXDATA);
        memcpy(&aux, CMSG_DATA(c), sizeof aux);
        return aux.tp_status & TP_STATUS_VLAN_VALID ? aux.tp_vlan_tci : -1;
    }
}

START_TEST(sending_tagged)
{
    int one = 1, other = socket(AF_PACKET, SOCK_RAW, htons(0x0003));
    netns_run("ip link add a0 type veth peer name b0 && ip link set a0 up && ip link set b0 up");
    ck_assert_int_eq(setsockopt(other, SOL_PACKET, PACKET_AUXDATA, &one, sizeof one), 0);
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(3), .sll_ifindex = (int)if_nametoindex("b0")};
    ck_assert_int_eq(bind(other, (struct sockaddr *)&at, sizeof at), 0);
    struct answer_sockets socks;
    ck_assert_int_eq(answer_sockets_open(&socks, true, 0), 0);
    struct answer_link link = {.ifindex = if_nametoindex("a0"), .has_src = true, .vlan_tci = 0x6064};
    memcpy(link.dst_mac, client_mac, 6);
    memcpy(link.src_mac, server_mac, 6);
    for (int tagged = 0; tagged < 2; tagged++) {
        struct answer_tcp t = segment(4, TCP_FLAG_ACK, page_text, sizeof page_text - 1);
        link.has_vlan = tagged;
        ck_assert_int_eq(answer_tcp_send(&socks, &t, &link), 0);
        ck_assert_int_eq(receive_tag(other, page_text, sizeof page_text - 1), tagged ? 0x6064 : -1);
        is_segment(&t, 14, frame_len);
    }
    answer_sockets_close(&socks);
    close(other);
}
END_TEST

static void send_raw(const struct answer_sockets *socks, int version, const char *src, const char *dst)
{
    int fd = socket(version == 4 ? AF_INET : AF_INET6, SOCK_RAW, IPPROTO_TCP);
    ck_assert_int_ge(fd, 0);
    struct answer_tcp t = segment(version, TCP_FLAG_ACK | TCP_FLAG_PSH, page_text, sizeof page_text - 1);
    ck_assert(ip_addr_parse(src, &t.src) && ip_addr_parse(dst, &t.dst));
    ck_assert_int_eq(answer_tcp_send(socks, &t, NULL), 0);
    size_t got = receive(fd, page_text, sizeof page_text - 1), headers = version == 4 ? 40 : 20;
    ck_assert_uint_eq(got, headers + t.payload.len);
    uint8_t whole[ANSWER_MAX];
    size_t len = answer_tcp_build(&t, whole), l4 = headers - 20;
    ck_assert_mem_eq(frame + l4, whole + len - t.payload.len - 20, 20 + t.payload.len);
    if (version == 4)
        ck_assert_mem_eq(frame + 12, whole + 12, 8);
    close(fd);
}

/* In the name of an address that is not ours, with the mark by which our table knows them. */
START_TEST(sending_raw)
{
    netns_run("nft 'table inet t { chain c { type filter hook output priority 0; "
              "meta mark 0x12340000 tcp sport 80 counter; }; }' && sysctl -qw net.ipv4.conf.lo.rp_filter=0 "
              "net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.lo.accept_local=1");
    struct answer_sockets socks;
    ck_assert_int_eq(answer_sockets_open(&socks, false, 0x12340000), 0);
    ck_assert(socks.frame == -1 && socks.raw4 >= 0 && socks.raw6 >= 0);
    send_raw(&socks, 4, "127.0.0.9", "127.0.0.1");
    send_raw(&socks, 6, "::1", "::1");
    const char *table = netns_run("nft list table inet t");
    ck_assert_msg(strstr(table, "packets 2 ") != NULL, "%s", table);
    struct answer_tcp far = segment(4, TCP_FLAG_RST, NULL, 0);
    ck_assert_int_eq(answer_tcp_send(&socks, &far, NULL), -ENETUNREACH);
    far = segment(6, TCP_FLAG_RST, NULL, 0);
    ck_assert_int_eq(answer_tcp_send(&socks, &far, NULL), -ENETUNREACH);
    answer_sockets_close(&socks);
    ck_assert(socks.raw4 == -1 && socks.raw6 == -1);
}
END_TEST

/* From an address of others, on a box between them. */
START_TEST(sending_raw_routed)
{
    netns_run("ip link add a0 type veth peer name b0 && ip link set a0 up && ip link set b0 up && "
              "ip addr add 192.0.2.254/24 dev a0 && ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev a0 && "
              "ip addr add 2001:db8::fe/64 dev a0 nodad && "
              "ip neigh add 2001:db8::1 lladdr 02:00:00:00:00:01 dev a0 && "
              "ip neigh add fe80::1 lladdr 02:00:00:00:00:01 dev a0");
    int other = socket(AF_PACKET, SOCK_RAW, htons(0x0003));
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(3), .sll_ifindex = (int)if_nametoindex("b0")};
    ck_assert_int_eq(bind(other, (struct sockaddr *)&at, sizeof at), 0);
    struct answer_sockets socks;
    ck_assert_int_eq(answer_sockets_open(&socks, false, 1), 0);
    for (int v = 4; v <= 6; v += 2) {
        struct answer_tcp t = segment(v, TCP_FLAG_ACK, page_text, sizeof page_text - 1);
        ck_assert_int_eq(answer_tcp_send(&socks, &t, NULL), 0);
        size_t len = receive(other, page_text, sizeof page_text - 1);
        ck_assert_mem_eq(frame, client_mac, 6);
        if (v == 6) /* of IPv4 the kernel writes the id itself */
            is_segment(&t, 14, len);
        ck_assert_mem_eq(frame + (v == 4 ? 26 : 22), t.src.bytes, v == 4 ? 4 : 16);
    }
    struct answer_tcp t = segment(6, TCP_FLAG_ACK, page_text, sizeof page_text - 1);
    struct answer_link link = {.ifindex = if_nametoindex("a0")};
    ck_assert(ip_addr_parse("fe80::1", &t.dst));
    ck_assert_int_eq(answer_tcp_send(&socks, &t, &link), 0);
    is_segment(&t, 14, receive(other, page_text, sizeof page_text - 1));
    answer_sockets_close(&socks);
    close(other);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("answer");
    TCase *t = tcase_create("answer");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, reset_numbers);
    tcase_add_test(t, reset_of_bare_fin);
    tcase_add_test(t, reset_of_cut_packet);
    tcase_add_test(t, vlan_tag);
    tcase_add_test(t, own_mac_as_source);
    tcase_add_test(t, unreachable_quotes);
    tcase_add_test(t, unreachable_sizes);
    tcase_add_test(t, unreachable_of_others);
    tcase_add_test(t, none_to_resets_and_errors);
    tcase_add_test(t, none_to_many);
    tcase_add_test(t, none_to_fragments);
    tcase_add_test(t, none_to_broken);
    tcase_add_test(t, none_without_a_way_back);
    tcase_add_test(t, tcp_segments);
    tcase_add_test(t, tcp_segments_refused);
    suite_add_tcase(s, t);
    if (netns_possible()) {
        t = tcase_create("kernel");
        tcase_add_checked_fixture(t, set_up, NULL);
        tcase_add_checked_fixture(t, netns_enter, NULL);
        tcase_set_timeout(t, 30);
        tcase_add_test(t, sending);
        tcase_add_test(t, sending_frames);
        tcase_add_test(t, sending_tagged);
        tcase_add_test(t, sending_raw);
        tcase_add_test(t, sending_raw_routed);
        suite_add_tcase(s, t);
    }
    return run_suite(s);
}
