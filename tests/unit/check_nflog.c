/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <check.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "netns.h"
#include "queue/nflog.h"
#include "run_suite.h"

/* Messages. */
static _Alignas(8) uint8_t message[4096];
static size_t length;

static void set_length(uint32_t len)
{
    memcpy(message, &len, sizeof len);
}

static void put(const void *data, size_t len)
{
    memcpy(message + length, data, len);
    length += len;
    set_length((uint32_t)length);
}

static void begin(uint16_t type)
{
    memset(message, 0, sizeof message);
    length = 16;
    memcpy(message + 4, &type, sizeof type);
    set_length(16);
}

static void begin_packet(void)
{
    begin((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET);
    put("\0\0\0\0", 4);
}

static void attr(uint16_t type, const void *data, size_t len)
{
    uint16_t head[2] = {(uint16_t)(4 + len), type};
    static const uint8_t zero[4];
    put(head, sizeof head);
    put(data, len);
    put(zero, -len & 3);
}

static void attr_u32(uint16_t type, uint32_t v)
{
    v = htonl(v);
    attr(type, &v, sizeof v);
}

static const uint8_t l2[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
static const uint8_t payload[21] = {0x45, 1, 2, 3};

static void build_full(void)
{
    struct nfulnl_msg_packet_hdr h = {.hw_protocol = htons(0x86dd), .hook = 2};
    struct nfulnl_msg_packet_timestamp t = {.sec = htobe64(1700000000), .usec = htobe64(123456)};
    struct nfulnl_msg_packet_hw hw = {.hw_addrlen = htons(6), .hw_addr = {2, 0, 0, 0, 0, 1, 8, 9}};
    uint8_t vlan[8] = {6, 0, NFULA_VLAN_TCI, 0, 0x60, 0x64};
    begin_packet();
    attr(NFULA_PACKET_HDR, &h, sizeof h);
    attr(NFULA_PREFIX, "sluice:r7:drop", 15);
    attr_u32(NFULA_MARK, 0x12345678);
    attr(NFULA_TIMESTAMP, &t, sizeof t);
    attr_u32(NFULA_IFINDEX_INDEV, 2);
    attr_u32(NFULA_IFINDEX_OUTDEV, 3);
    attr_u32(NFULA_IFINDEX_PHYSINDEV, 4);
    attr_u32(NFULA_IFINDEX_PHYSOUTDEV, 5);
    attr(NFULA_HWADDR, &hw, sizeof hw);
    attr(NFULA_HWHEADER, l2, sizeof l2);
    attr(NFULA_VLAN | NLA_F_NESTED, vlan, sizeof vlan);
    attr(NFULA_PAYLOAD, payload, sizeof payload);
}

/* Parses a copy that ends where the message does, so that the sanitizer sees a read past it. */
static int parse_exact(size_t len, struct nflog_packet *ret)
{
    uint8_t *copy = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, message, len);
    int r = nflog_parse(span_of(copy, len), ret);
    const struct span *views[] = {&ret->payload, &ret->prefix, &ret->l2_header};
    for (size_t i = 0; r == 1 && i < ARRAY_LEN(views); i++)
        ck_assert(!views[i]->len || (views[i]->data >= copy && views[i]->data + views[i]->len <= copy + len));
    free(copy);
    return r;
}

START_TEST(parse_every_attribute)
{
    struct nflog_packet p;
    build_full();
    ck_assert_int_eq(nflog_parse(span_of(message, length), &p), 1);
    ck_assert_uint_eq(p.ethertype, 0x86dd);
    ck_assert_uint_eq(p.hook, 2);
    ck_assert_uint_eq(p.prefix.len, 14);
    ck_assert_mem_eq(p.prefix.data, "sluice:r7:drop", 14);
    ck_assert_uint_eq(p.mark, 0x12345678);
    ck_assert_uint_eq(p.time_us, 1700000000123456);
    ck_assert_uint_eq(p.indev, 2);
    ck_assert_uint_eq(p.outdev, 3);
    ck_assert_uint_eq(p.physindev, 4);
    ck_assert_uint_eq(p.physoutdev, 5);
    ck_assert_uint_eq(p.hwaddr_len, 6);
    ck_assert_mem_eq(p.hwaddr, "\2\0\0\0\0\1", 6);
    ck_assert_uint_eq(p.l2_header.len, sizeof l2);
    ck_assert(p.has_vlan);
    ck_assert_uint_eq(p.vlan_tci, 0x6064);
    ck_assert_uint_eq(p.payload.len, sizeof payload);
    ck_assert_mem_eq(p.payload.data, payload, sizeof payload);
}
END_TEST

START_TEST(parse_odd)
{
    struct nflog_packet p;
    struct nfulnl_msg_packet_hw hw = {.hw_addrlen = htons(60000)};
    begin_packet();
    ck_assert_int_eq(nflog_parse(span_of(message, length), &p), 1);
    ck_assert(!p.payload.len && !p.prefix.len && !p.time_us && !p.has_vlan);
    attr(NFULA_PREFIX, "no end", 6);
    attr(NFULA_HWADDR, &hw, sizeof hw);
    attr(NFULA_TIMESTAMP, "short", 5);
    attr(NFULA_PACKET_HDR, "x", 1);
    ck_assert_int_eq(parse_exact(length, &p), 1);
    ck_assert_int_eq(nflog_parse(span_of(message, length), &p), 1);
    ck_assert_uint_eq(p.prefix.len, 6);
    ck_assert_uint_eq(p.hwaddr_len, sizeof p.hwaddr);
    ck_assert(!p.time_us && !p.ethertype);
    begin(NLMSG_ERROR);
    int32_t err = -ENOBUFS;
    put(&err, sizeof err);
    ck_assert_int_eq(parse_exact(length, &p), -ENOBUFS);
    begin(NLMSG_ERROR);
    ck_assert_int_eq(parse_exact(length, &p), -EPROTO);
    begin((NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET);
    ck_assert_int_eq(parse_exact(length, &p), -EPROTO);
    begin(NLMSG_DONE);
    ck_assert_int_eq(parse_exact(length, &p), 0);
    ck_assert_int_eq(nflog_parse(span_of(NULL, 0), &p), -EPROTO);
}
END_TEST

START_TEST(parse_truncated_and_wrong_lengths)
{
    struct nflog_packet p;
    build_full();
    const size_t whole = length;
    for (size_t len = 0; len < whole; len++) {
        set_length((uint32_t)whole);
        ck_assert_int_eq(parse_exact(len, &p), -EPROTO);
        set_length((uint32_t)len);
        ck_assert_int_eq(parse_exact(len, &p), len >= 20 ? 1 : -EPROTO);
    }
    set_length((uint32_t)whole);
    for (size_t at = 20; at + 2 <= whole; at += 4)
        for (unsigned len = 0; len < 200; len++) {
            uint16_t held, v = len < 199 ? (uint16_t)len : 65535;
            memcpy(&held, message + at, 2);
            memcpy(message + at, &v, 2);
            ck_assert_int_eq(parse_exact(whole, &p), 1);
            memcpy(message + at, &held, 2);
        }
}
END_TEST

/* The kernel. */
#define GROUP 29

static struct nflog *open_one(void)
{
    struct nflog *n = NULL;
    char why[256] = "";
    ck_assert_msg(nflog_open(GROUP, 64, &n, why, sizeof why) == 0, "%s", why);
    return n;
}

/* Each datagram to port 99 is told. */
static void set_up(void)
{
    netns_enter();
    netns_run("nft add table inet t; nft 'add chain inet t c { type filter hook output priority 0; }';"
              "nft 'add rule inet t c udp dport 99 log group 29 prefix \"sluice:r5:accept\"'");
}

static void send_some(int n)
{
    uint8_t data[200] = {0};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(99), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < n; i++)
        (void)sendto(fd, data, sizeof data, 0, (struct sockaddr *)&at, sizeof at);
    close(fd);
}

struct seen {
    int n;
    struct nflog_packet last;
    char prefix[32];
};

static void note(const struct nflog_packet *p, void *ctx)
{
    struct seen *s = ctx;
    s->n++;
    s->last = *p;
    snprintf(s->prefix, sizeof s->prefix, "%.*s", (int)p->prefix.len, (const char *)p->prefix.data);
}

START_TEST(kernel_tells)
{
    struct seen s = {0};
    struct nflog *n = open_one();
    ck_assert_int_eq(nflog_receive(n, note, &s), 0); /* at once */
    send_some(1);
    ck_assert_int_eq(poll(&(struct pollfd){.fd = nflog_fd(n), .events = POLLIN}, 1, 2000), 1);
    ck_assert_int_eq(nflog_receive(n, note, &s), 1);
    ck_assert_str_eq(s.prefix, "sluice:r5:accept");
    ck_assert_uint_eq(s.last.outdev, if_nametoindex("lo"));
    ck_assert_uint_eq(s.last.ethertype, 0x0800);
    ck_assert_uint_eq(s.last.payload.len, 64); /* as many as were asked for */
    ck_assert_uint_eq(s.last.payload.data[0], 0x45);
    ck_assert_uint_eq(nflog_counters(n)->packets, 1);
    ck_assert_uint_eq(nflog_counters(n)->malformed + nflog_counters(n)->errors, 0);
    nflog_close(n);
    nflog_close(NULL);
}
END_TEST

START_TEST(kernel_bounded_work)
{
    struct seen s = {0};
    struct nflog *n = open_one();
    send_some(3 * NFLOG_BATCH);
    ck_assert_int_eq(nflog_receive(n, note, &s), NFLOG_BATCH);
    while (nflog_receive(n, note, &s) > 0)
        ;
    ck_assert_int_eq(s.n, 3 * NFLOG_BATCH);
    nflog_close(n);
}
END_TEST

START_TEST(kernel_overrun)
{
    struct seen s = {0};
    struct nflog *n = open_one();
    int small = 4096;
    ck_assert_int_eq(setsockopt(nflog_fd(n), SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    send_some(500);
    while (nflog_receive(n, note, &s) > 0)
        ;
    ck_assert_int_gt(s.n, 0);
    ck_assert_int_lt(s.n, 500);
    ck_assert_uint_ge(nflog_counters(n)->overruns, 1);
    send_some(1); /* it goes on */
    ck_assert_int_eq(nflog_receive(n, note, &s), 1);
    nflog_close(n);
}
END_TEST

START_TEST(kernel_group_in_use)
{
    struct nflog *n = open_one(), *second = NULL;
    char why[256] = "";
    ck_assert_int_eq(nflog_open(GROUP, 64, &second, why, sizeof why), -EBUSY);
    ck_assert_ptr_null(second);
    ck_assert_msg(strstr(why, "group 29 is in use by another program"), "%s", why);
    nflog_close(n);
    n = open_one();
    nflog_close(n);
    ck_assert_int_eq(setuid(65534), 0);
    ck_assert_int_eq(nflog_open(GROUP, 64, &second, why, sizeof why), -EPERM);
    ck_assert_msg(strstr(why, "root or CAP_NET_ADMIN"), "%s", why);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("nflog");
    TCase *t = tcase_create("parse");
    tcase_add_test(t, parse_every_attribute);
    tcase_add_test(t, parse_odd);
    tcase_add_test(t, parse_truncated_and_wrong_lengths);
    suite_add_tcase(s, t);
    if (netns_possible()) {
        t = tcase_create("kernel");
        tcase_set_timeout(t, 30);
        tcase_add_checked_fixture(t, set_up, NULL);
        tcase_add_test(t, kernel_tells);
        tcase_add_test(t, kernel_bounded_work);
        tcase_add_test(t, kernel_overrun);
        tcase_add_test(t, kernel_group_in_use);
        suite_add_tcase(s, t);
    }
    return run_suite(s);
}
