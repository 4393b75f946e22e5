/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "netns.h"
#include "queue/queue.h"
#include "run_suite.h"

/* A netlink message being built. */
static _Alignas(8) uint8_t message[131072];
static size_t length;

static void begin(uint16_t type)
{
    struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_seq = 1};
    length = sizeof h;
    memset(message, 0, sizeof message);
    memcpy(message, &h, sizeof h);
}

static void set_length(size_t len)
{
    uint32_t v = (uint32_t)len;
    memcpy(message, &v, sizeof v);
}

static void put(const void *data, size_t len)
{
    if (len)
        memcpy(message + length, data, len);
    length += (len + 3) & ~(size_t)3;
    set_length(length);
}

static void begin_packet(void)
{
    struct nfgenmsg g = {.nfgen_family = AF_INET, .version = NFNETLINK_V0};
    begin((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET);
    put(&g, sizeof g);
}

static void attr(uint16_t type, const void *data, size_t len)
{
    struct nlattr a = {.nla_len = (uint16_t)(sizeof a + len), .nla_type = type};
    put(&a, sizeof a);
    put(data, len);
}

static void attr_u32(uint16_t type, uint32_t v)
{
    v = htonl(v);
    attr(type, &v, sizeof v);
}

static void put_header(uint32_t id)
{
    struct nfqnl_msg_packet_hdr h = {.packet_id = htonl(id), .hw_protocol = htons(0x86dd), .hook = 2};
    attr(NFQA_PACKET_HDR, &h, sizeof h);
}

static void put_hwaddr(uint16_t len)
{
    struct nfqnl_msg_packet_hw hw = {.hw_addrlen = htons(len), .hw_addr = {2, 0, 0, 0, 0, 1, 8, 9}};
    attr(NFQA_HWADDR, &hw, sizeof hw);
}

/* A nest with one attribute of len bytes in it. */
static void put_nest(uint16_t outer, uint16_t inner, const void *data, size_t len)
{
    uint8_t nest[64] = {0};
    struct nlattr a = {.nla_len = (uint16_t)(sizeof a + len), .nla_type = inner};
    memcpy(nest, &a, sizeof a);
    memcpy(nest + sizeof a, data, len);
    attr(outer | NLA_F_NESTED, nest, sizeof a + ((len + 3) & ~(size_t)3));
}

static const uint8_t l2[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
static const uint8_t payload[21] = {0x45, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

static void build_full(void)
{
    uint16_t tci = htons(0x6064);
    uint32_t ct_mark = htonl(0x77);
    begin_packet();
    put_header(0xfedcba98);
    attr_u32(NFQA_MARK, 0x12345678);
    attr_u32(NFQA_IFINDEX_INDEV, 2);
    attr_u32(NFQA_IFINDEX_OUTDEV, 3);
    attr_u32(NFQA_IFINDEX_PHYSINDEV, 4);
    attr_u32(NFQA_IFINDEX_PHYSOUTDEV, 5);
    put_hwaddr(6);
    put_nest(NFQA_VLAN, NFQA_VLAN_TCI, &tci, sizeof tci);
    attr(NFQA_L2HDR, l2, sizeof l2);
    put_nest(NFQA_CT, CTA_MARK, &ct_mark, sizeof ct_mark);
    attr_u32(NFQA_CT_INFO, 2);
    attr_u32(NFQA_UID, 0);
    attr_u32(NFQA_SKB_INFO, NFQA_SKB_GSO | NFQA_SKB_CSUMNOTREADY);
    attr_u32(NFQA_CAP_LEN, 1500);
    attr(NFQA_PAYLOAD, payload, sizeof payload);
}

/* Parses a copy that ends where the message ends, so that the sanitizer sees a read past it; views are then gone. */
static int parse_exact(size_t len, struct queue_packet *ret)
{
    uint8_t *copy = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, message, len);
    int r = queue_parse(span_of(copy, len), ret);
    if (r == 1) {
        ck_assert(!ret->payload.len ||
                  (ret->payload.data >= copy && ret->payload.data + ret->payload.len <= copy + len));
        ck_assert(!ret->l2_header.len ||
                  (ret->l2_header.data >= copy && ret->l2_header.data + ret->l2_header.len <= copy + len));
        ck_assert_uint_ge(ret->full_len, ret->payload.len);
    }
    free(copy);
    return r;
}

static int parse(struct queue_packet *ret)
{
    struct queue_packet ignored;
    ck_assert_int_eq(parse_exact(length, &ignored), queue_parse(span_of(message, length), ret));
    return queue_parse(span_of(message, length), ret);
}

START_TEST(parse_every_attribute)
{
    struct queue_packet p;
    build_full();
    ck_assert_int_eq(parse(&p), 1);
    ck_assert_uint_eq(p.id, 0xfedcba98);
    ck_assert_uint_eq(p.ethertype, 0x86dd);
    ck_assert_uint_eq(p.hook, 2);
    ck_assert_uint_eq(p.mark, 0x12345678);
    ck_assert_uint_eq(p.indev, 2);
    ck_assert_uint_eq(p.outdev, 3);
    ck_assert_uint_eq(p.physindev, 4);
    ck_assert_uint_eq(p.physoutdev, 5);
    ck_assert_uint_eq(p.hwaddr_len, 6);
    ck_assert_mem_eq(p.hwaddr, "\2\0\0\0\0\1", 6);
    ck_assert(p.has_vlan);
    ck_assert_uint_eq(p.vlan_tci, 0x6064);
    ck_assert(p.has_ct_mark);
    ck_assert_uint_eq(p.ct_mark, 0x77);
    ck_assert_uint_eq(p.skb_info, NFQA_SKB_GSO | NFQA_SKB_CSUMNOTREADY);
    ck_assert_uint_eq(p.full_len, 1500);
    ck_assert_uint_eq(p.payload.len, sizeof payload);
    ck_assert_mem_eq(p.payload.data, payload, sizeof payload);
    ck_assert_uint_eq(p.l2_header.len, sizeof l2);
    ck_assert_mem_eq(p.l2_header.data, l2, sizeof l2);
}
END_TEST

START_TEST(parse_header_alone)
{
    struct queue_packet p;
    memset(&p, 0xff, sizeof p);
    begin_packet();
    put_header(1);
    ck_assert_int_eq(parse(&p), 1);
    ck_assert_uint_eq(p.id, 1);
    ck_assert(!p.has_vlan && !p.has_ct_mark && !p.mark && !p.indev && !p.hwaddr_len && !p.skb_info);
    ck_assert_uint_eq(p.full_len, 0);
    ck_assert_uint_eq(p.payload.len, 0);
    ck_assert_uint_eq(p.l2_header.len, 0);
}
END_TEST

START_TEST(parse_lengths)
{
    struct queue_packet p;
    begin_packet();
    put_header(1);
    attr(NFQA_PAYLOAD, payload, sizeof payload);
    ck_assert_int_eq(parse(&p), 1);
    ck_assert_uint_eq(p.full_len, sizeof payload); /* no NFQA_CAP_LEN: it was not cut */
    attr_u32(NFQA_CAP_LEN, 3);
    ck_assert_int_eq(parse(&p), 1);
    ck_assert_uint_eq(p.full_len, sizeof payload); /* shorter than what is there */
}
END_TEST

/* Conntrack was asked for: without CTA_MARK the mark is 0, which is known. */
START_TEST(parse_conntrack_without_mark)
{
    struct queue_packet p;
    begin_packet();
    put_header(1);
    attr(NFQA_CT, NULL, 0);
    ck_assert_int_eq(parse(&p), 1);
    ck_assert(p.has_ct_mark);
    ck_assert_uint_eq(p.ct_mark, 0);
}
END_TEST

/* Values that are too short are left out. */
START_TEST(parse_short_values)
{
    static const uint8_t one[1] = {0xff};
    struct queue_packet p;
    begin_packet();
    put_header(9);
    attr(NFQA_MARK, one, 1);
    attr(NFQA_HWADDR, one, 1);
    attr(NFQA_CAP_LEN, NULL, 0);
    put_nest(NFQA_VLAN, NFQA_VLAN_TCI, one, 1);
    ck_assert_int_eq(parse(&p), 1);
    ck_assert_uint_eq(p.mark, 0);
    ck_assert_uint_eq(p.hwaddr_len, 0);
    ck_assert(!p.has_vlan);
    begin_packet();
    attr(NFQA_PACKET_HDR, one, 1);
    ck_assert_int_eq(parse(&p), -EPROTO);
}
END_TEST

START_TEST(parse_long_hwaddr)
{
    struct queue_packet p;
    begin_packet();
    put_header(1);
    put_hwaddr(65535);
    ck_assert_int_eq(parse(&p), 1);
    ck_assert_uint_eq(p.hwaddr_len, sizeof p.hwaddr);
}
END_TEST

START_TEST(parse_without_header)
{
    struct queue_packet p;
    begin_packet();
    attr(NFQA_PAYLOAD, payload, sizeof payload);
    ck_assert_int_eq(parse(&p), -EPROTO);
}
END_TEST

START_TEST(parse_whole_gso_packet)
{
    static uint8_t big[65500];
    struct queue_packet p;
    memset(big, 0xab, sizeof big);
    begin_packet();
    put_header(1);
    attr_u32(NFQA_CAP_LEN, sizeof big);
    attr(NFQA_PAYLOAD, big, sizeof big);
    ck_assert_int_eq(parse(&p), 1);
    ck_assert_uint_eq(p.payload.len, sizeof big);
    ck_assert_uint_eq(p.full_len, sizeof big);
}
END_TEST

/* A message that ends early, and one whose own length says that it does. */
START_TEST(parse_truncated)
{
    struct queue_packet p;
    build_full();
    const size_t whole = length, header_end = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg) + 12;
    for (size_t len = 0; len < whole; len++) {
        set_length(whole);
        ck_assert_int_eq(parse_exact(len, &p), -EPROTO);
        set_length(len);
        int r = parse_exact(len, &p);
        ck_assert_int_eq(r, len >= header_end - 1 ? 1 : -EPROTO);
    }
    for (uint32_t claimed = 0; claimed < 2 * whole; claimed++) {
        set_length(claimed);
        int r = parse_exact(whole, &p);
        ck_assert(r == 1 || r == -EPROTO);
        ck_assert(claimed <= whole || r == -EPROTO);
    }
    set_length(UINT32_MAX);
    ck_assert_int_eq(parse_exact(whole, &p), -EPROTO);
}
END_TEST

/* Every attribute's length set to every small value: no read outside. */
START_TEST(parse_wrong_attribute_lengths)
{
    struct queue_packet p;
    build_full();
    const size_t whole = length;
    for (size_t at = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg); at + 2 <= whole; at += 4) {
        for (unsigned len = 0; len < 300; len++) {
            uint8_t held[2];
            uint16_t v = len < 299 ? (uint16_t)len : 65535;
            memcpy(held, message + at, 2);
            memcpy(message + at, &v, 2);
            int r = parse_exact(whole, &p);
            ck_assert(r == 1 || r == -EPROTO);
            memcpy(message + at, held, 2);
        }
    }
}
END_TEST

static int parse_error(int32_t error, size_t len)
{
    struct queue_packet p;
    struct nlmsgerr e = {.error = error};
    begin(NLMSG_ERROR);
    put(&e, sizeof e);
    set_length(NLMSG_HDRLEN + len);
    return parse_exact(NLMSG_HDRLEN + len, &p);
}

START_TEST(parse_other_messages)
{
    struct queue_packet p;
    ck_assert_int_eq(parse_error(0, sizeof(struct nlmsgerr)), 0);
    ck_assert_int_eq(parse_error(-EPERM, sizeof(struct nlmsgerr)), -EPERM);
    ck_assert_int_eq(parse_error(-ENOENT, 4), -ENOENT);
    ck_assert_int_eq(parse_error(5, 4), -EPROTO);
    ck_assert_int_eq(parse_error(-EPERM, 3), -EPROTO);
    ck_assert_int_eq(parse_error(-EPERM, 0), -EPROTO);
    set_length(0xff000012); /* negative to a signed reader */
    ck_assert_int_eq(parse_exact(18, &p), -EPROTO);
    begin(NLMSG_DONE);
    put("\0\0\0\0", 4);
    ck_assert_int_eq(parse(&p), 0);
    begin((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_CONFIG);
    put("\0\0\0\0", 4);
    ck_assert_int_eq(parse(&p), 0);
    begin((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET);
    set_length(length);
    ck_assert_int_eq(parse(&p), -EPROTO);
    ck_assert_int_eq(queue_parse(span_of(NULL, 0), &p), -EPROTO);
}
END_TEST

/* Against the kernel, in a namespace. */
static const struct queue_options usual = {
    .number = 7, .batch = 16, .length = 100, .receive_buffer = 1 << 20, .fail_open = true, .whole = true};

static struct queue *open_one(const struct queue_options *opt)
{
    struct queue *q = NULL;
    char why[256] = "";
    ck_assert_msg(queue_open(opt, &q, why, sizeof why) == 0, "%s", why);
    ck_assert_ptr_nonnull(q);
    return q;
}

START_TEST(kernel_open_close)
{
    struct queue_proc p;
    ck_assert_int_eq(queue_read_proc(7, &p), -ENOENT);
    struct queue *q = open_one(&usual);
    ck_assert_uint_eq(queue_number(q), 7);
    ck_assert_int_eq(queue_read_proc(7, &p), 0);
    ck_assert_uint_gt(p.portid, 0);
    ck_assert_uint_eq(p.waiting, 0);
    ck_assert_uint_eq(p.copy_mode, NFQNL_COPY_PACKET);
    ck_assert_uint_gt(p.copy_range, 65500);
    ck_assert_uint_eq(p.queue_dropped + p.user_dropped, 0);
    ck_assert_int_eq(queue_read_proc(8, &p), -ENOENT);
    queue_close(q);
    ck_assert_int_eq(queue_read_proc(7, &p), -ENOENT);
    q = open_one(&usual); /* its number is free again */
    queue_close(q);
    queue_close(NULL);
}
END_TEST

START_TEST(kernel_number_in_use)
{
    struct queue *q = open_one(&usual), *second = NULL;
    char why[256] = "";
    ck_assert_int_eq(queue_open(&usual, &second, why, sizeof why), -EBUSY);
    ck_assert_ptr_null(second);
    ck_assert_msg(strstr(why, "queue 7 is in use by another program"), "%s", why);
    struct queue_options other = usual;
    other.number = 65535;
    second = open_one(&other);
    queue_close(second);
    queue_close(q);
}
END_TEST

START_TEST(kernel_change)
{
    struct queue_options opt = usual;
    struct queue_proc p;
    struct queue_packet packet;
    opt.whole = false;
    struct queue *q = open_one(&opt);
    ck_assert_int_eq(queue_read_proc(7, &p), 0);
    ck_assert_uint_eq(p.copy_range, QUEUE_HEADER_BYTES);
    opt.whole = true;
    opt.length = 5;
    opt.fail_open = false;
    ck_assert_int_eq(queue_change(q, &opt), 0);
    ck_assert_int_eq(queue_read_proc(7, &p), 0);
    ck_assert_uint_gt(p.copy_range, 65500);
    ck_assert_int_eq(queue_receive(q), 0); /* no answer comes */
    ck_assert(!queue_next(q, &packet));
    ck_assert_uint_eq(queue_counters(q)->errors, 0);
    ck_assert_uint_eq(queue_counters(q)->malformed, 0);
    queue_close(q);
}
END_TEST

/* Where the kernel does not attach conntrack, an open that needs it says so; else both ways work. */
START_TEST(kernel_conntrack)
{
    struct queue_options opt = usual;
    char why[256] = "";
    struct queue *q = open_one(&opt), *with = NULL;
    bool can = queue_can_conntrack(q, &opt);
    ck_assert_int_eq(queue_can_conntrack(q, &opt), can);
    opt.conntrack = true;
    opt.number = 9;
    int err = queue_open(&opt, &with, why, sizeof why);
    ck_assert_int_eq(err, can ? 0 : -EOPNOTSUPP);
    ck_assert(can || strstr(why, "conntrack"));
    queue_close(with);
    queue_close(q);
}
END_TEST

START_TEST(kernel_idle_receive)
{
    struct timespec before, after;
    struct queue_packet packet;
    struct queue *q = open_one(&usual);
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert_int_eq(queue_receive(q), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    double took = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) / 1e9;
    ck_assert_msg(took > 0.1 && took < 1.5, "%.2f s", took);
    ck_assert(!queue_next(q, &packet));
    ck_assert_int_eq(queue_flush(q), 0);
    ck_assert_uint_eq(queue_counters(q)->batches, 0);
    queue_close(q);
}
END_TEST

/* A verdict on a packet that does not exist is refused, and that is counted. */
START_TEST(kernel_wrong_verdict)
{
    struct queue_packet packet;
    struct queue *q = open_one(&usual);
    queue_decide(q, 12345, QUEUE_ACCEPT, false, 0);
    ck_assert_int_eq(queue_flush(q), 0);
    ck_assert_int_eq(queue_receive(q), 1);
    ck_assert(!queue_next(q, &packet));
    ck_assert_uint_eq(queue_counters(q)->errors, 1);
    ck_assert_int_eq(queue_flush(q), 0); /* nothing is left to send */
    ck_assert_int_eq(queue_receive(q), 0);
    queue_close(q);
}
END_TEST

static int copy_of(const struct queue *q)
{
    int fd = fcntl(queue_fd(q), F_DUPFD_CLOEXEC, 3);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* Whoever else holds the socket, the queue lives on when one closes it; the next one's options hold. */
START_TEST(kernel_take_over)
{
    struct queue_options opt = usual;
    struct queue_proc before, after;
    struct queue_packet packet;
    struct queue *q = open_one(&usual);
    char why[256] = "";
    int fd = copy_of(q);
    queue_close(q);
    ck_assert_int_eq(queue_read_proc(7, &before), 0);
    opt.whole = false;
    opt.batch = 3;
    ck_assert_msg(queue_take_over(&opt, fd, &q, why, sizeof why) == 0, "%s", why);
    ck_assert_int_eq(queue_fd(q), fd);
    ck_assert_uint_eq(queue_number(q), 7);
    ck_assert_int_eq(queue_read_proc(7, &after), 0);
    ck_assert_uint_eq(after.portid, before.portid);
    ck_assert_uint_eq(after.copy_range, QUEUE_HEADER_BYTES);
    ck_assert_int_eq(queue_receive(q), 0); /* no answer comes */
    ck_assert(!queue_next(q, &packet));
    ck_assert_uint_eq(queue_counters(q)->errors, 0);
    queue_close(q);
    ck_assert_int_eq(queue_read_proc(7, &after), -ENOENT);
    ck_assert_int_eq(queue_fd(NULL), -1);
}
END_TEST

static void expect_refused(int fd, const char *words)
{
    struct queue *q = NULL;
    char why[256] = "";
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(queue_give_up(fd, 7), -ENOTCONN);
    ck_assert_int_eq(queue_take_over(&usual, fd, &q, why, sizeof why), -ENOTCONN);
    ck_assert_ptr_null(q);
    ck_assert_msg(strstr(why, words), "%s", why);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}

START_TEST(kernel_take_over_refused)
{
    struct queue_options other = usual;
    struct queue_proc p;
    expect_refused(open("/dev/null", O_RDONLY), "no netfilter socket");
    expect_refused(socket(AF_UNIX, SOCK_DGRAM, 0), "no netfilter socket");
    expect_refused(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), "no netfilter socket");
    expect_refused(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER), "not bound to it");
    other.number = 8;
    struct queue *q = open_one(&other);
    expect_refused(copy_of(q), "not bound to it"); /* nobody has 7 */
    struct queue *seven = open_one(&usual);
    expect_refused(copy_of(q), "not bound to it"); /* another one has it */
    ck_assert_int_eq(queue_read_proc(7, &p), 0);
    queue_close(seven);
    queue_close(q);
}
END_TEST

START_TEST(kernel_give_up)
{
    struct queue_proc p;
    struct queue *q = open_one(&usual);
    int fd = copy_of(q);
    queue_close(q);
    ck_assert_int_eq(queue_give_up(fd, 7), 0);
    ck_assert_int_eq(queue_read_proc(7, &p), -ENOENT);
    ck_assert_int_eq(queue_give_up(fd, 7), -ENOTCONN);
    q = open_one(&usual); /* its number is free, though somebody holds the socket */
    queue_close(q);
    close(fd);
}
END_TEST

/* Tried out on a queue of its own, and the same comes out. */
START_TEST(kernel_probe_conntrack)
{
    struct queue *q = open_one(&usual), *last;
    struct queue_options opt = usual;
    bool can = queue_can_conntrack(q, &usual);
    ck_assert_int_eq(queue_probe_conntrack(), can);
    opt.number = 65535; /* taken: it finds another */
    last = open_one(&opt);
    ck_assert_int_eq(queue_probe_conntrack(), can);
    queue_close(last);
    int fd = copy_of(q);
    queue_close(q);
    char why[256] = "";
    opt = usual;
    opt.conntrack = true;
    ck_assert_int_eq(queue_take_over(&opt, fd, &q, why, sizeof why), can ? 0 : -EOPNOTSUPP);
    if (can)
        queue_close(q);
    else
        ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
}
END_TEST

START_TEST(kernel_not_root)
{
    struct queue *q = NULL;
    char why[256] = "";
    ck_assert_int_eq(setuid(65534), 0);
    ck_assert_int_eq(queue_open(&usual, &q, why, sizeof why), -EPERM);
    ck_assert_ptr_null(q);
    ck_assert_msg(strstr(why, "root or CAP_NET_ADMIN"), "%s", why);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("queue");
    TCase *t = tcase_create("parse");
    tcase_add_test(t, parse_every_attribute);
    tcase_add_test(t, parse_header_alone);
    tcase_add_test(t, parse_lengths);
    tcase_add_test(t, parse_conntrack_without_mark);
    tcase_add_test(t, parse_short_values);
    tcase_add_test(t, parse_long_hwaddr);
    tcase_add_test(t, parse_without_header);
    tcase_add_test(t, parse_whole_gso_packet);
    tcase_add_test(t, parse_truncated);
    tcase_add_test(t, parse_wrong_attribute_lengths);
    tcase_add_test(t, parse_other_messages);
    suite_add_tcase(s, t);
    if (netns_possible()) {
        t = tcase_create("kernel");
        tcase_set_timeout(t, 30);
        tcase_add_checked_fixture(t, netns_enter, NULL);
        tcase_add_test(t, kernel_open_close);
        tcase_add_test(t, kernel_number_in_use);
        tcase_add_test(t, kernel_change);
        tcase_add_test(t, kernel_conntrack);
        tcase_add_test(t, kernel_idle_receive);
        tcase_add_test(t, kernel_wrong_verdict);
        tcase_add_test(t, kernel_take_over);
        tcase_add_test(t, kernel_take_over_refused);
        tcase_add_test(t, kernel_give_up);
        tcase_add_test(t, kernel_probe_conntrack);
        tcase_add_test(t, kernel_not_root);
        suite_add_tcase(s, t);
    }
    return run_suite(s);
}
