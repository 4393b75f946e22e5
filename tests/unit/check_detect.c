/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "detect/detect.h"
#include "detect/slow.h"
#include "run_suite.h"

#define SECOND UINT64_C(1000)
/* They are of one thread: the thread sanitizer has nothing to see there, and takes its time. */
#ifdef __SANITIZE_THREAD__
#define LONG_TESTS false
#else
#define LONG_TESTS true
#endif
#define PACKETS_SPOOFED 10000000u

static struct config conf;
static char inside_text[4][24];
static char *inside[4];
static struct detect *d;
static struct finding f;
static uint64_t now;
static uint64_t seed;
static const struct iface out_dev = {1, "out0", SIDE_OUTSIDE}, in_dev = {2, "in0", SIDE_INSIDE};

/* The same numbers in each run. */
static uint32_t any(void)
{
    seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(seed >> 32);
}

static void set_inside(unsigned i, const char *text)
{
    snprintf(inside_text[i], sizeof inside_text[i], "%s", text);
    inside[i] = inside_text[i];
}

static void set_up(void)
{
    memset(&conf, 0, sizeof conf);
    set_inside(0, "10.0.0.0/16");
    set_inside(1, "fd00::/64");
    set_inside(2, "192.0.2.7");
    set_inside(3, "10.0.3.0/24");
    conf.networks.inside.at = inside;
    conf.networks.inside.n = 4;
    d = NULL;
    now = 1000000;
    seed = 7;
}

static void tear_down(void)
{
    detect_free(d);
}

static void begin(void)
{
    d = detect_new(&conf, 2, NULL);
    ck_assert_ptr_nonnull(d);
}

static void begin_scan(uint32_t threshold, uint32_t per)
{
    conf.detect[DETECT_SCAN] = (struct config_detector){DETECT_DROP, threshold, per, 600};
    begin();
}

static void begin_flood(uint32_t threshold)
{
    conf.detect[DETECT_SYN_FLOOD] = (struct config_detector){DETECT_DROP, threshold, 0, 0};
    begin();
}

static struct ip_addr addr4(uint32_t n)
{
    struct ip_addr a = {.family = 4};
    for (int i = 0; i < 4; i++)
        a.bytes[i] = (uint8_t)(n >> (24 - 8 * i));
    return a;
}

#define SERVER 0x0a000001u
#define CLIENT 0xc6336401u

static struct packet packet(uint8_t proto, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport)
{
    struct packet p = {.ip_version = 4, .ip_proto = proto, .srcport = sport, .dstport = dport};
    p.l4 = proto == 6 ? L4_TCP : proto == 17 ? L4_UDP : L4_ICMP;
    p.src = addr4(src);
    p.dst = addr4(dst);
    p.meta.in_dev = &out_dev;
    p.meta.ct_state = CT_NEW;
    p.meta.ct_dir = CT_DIR_ORIGINAL;
    p.tcp_flags = TCP_FLAG_SYN;
    p.icmp_type = 8;
    return p;
}

static struct packet syn(uint32_t src, uint32_t dst, uint16_t dport)
{
    return packet(6, src, 40000, dst, dport);
}

static bool look(const struct packet *p)
{
    memset(&f, 0xee, sizeof f);
    return detect_packet(d, 0, p, now, &f);
}

static bool try_port(uint32_t src, uint16_t port)
{
    struct packet p = syn(src, SERVER, port);
    return look(&p);
}

/* How many ports it takes until the source is found; 0: never, with so many. */
static unsigned found_after(uint32_t src, unsigned ports)
{
    for (unsigned i = 1; i <= ports; i++)
        if (try_port(src, (uint16_t)(i * 40503 + src * 977)))
            return i;
    return 0;
}

/* ---- scans ---- */

START_TEST(scan_of_ports_is_found)
{
    begin_scan(20, 60);
    unsigned n = found_after(CLIENT, 100);
    ck_assert_uint_ge(n, 21);
    ck_assert_uint_le(n, 30);
    ck_assert_int_eq(f.id, DETECT_SCAN);
    ck_assert_int_eq(f.action, DETECT_DROP);
    ck_assert(f.event);
    ck_assert_uint_ge(f.count, 20);
    ck_assert_uint_le(f.count, 31);
    struct ip_addr client = addr4(CLIENT);
    ck_assert(ip_addr_equal(&f.source, &client));
    /* An event each ten seconds, and all else in its sum. */
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert(try_port(CLIENT, (uint16_t)any()));
        ck_assert(!f.event);
    }
    now += 10 * SECOND;
    ck_assert(try_port(CLIENT, 5000));
    ck_assert(f.event);
    ck_assert_uint_eq(f.held_back, 1000);
    /* Nobody else is meant. */
    ck_assert(!try_port(CLIENT + 1, 80));
}
END_TEST

START_TEST(scan_stays_found_while_it_goes_on)
{
    begin_scan(20, 60);
    ck_assert_uint_ne(found_after(CLIENT, 100), 0);
    /* Ten minutes more: not a probe passes, over the windows' borders too. */
    for (unsigned i = 0; i < 6000; i++) {
        now += 100;
        ck_assert(try_port(CLIENT, (uint16_t)any()));
    }
    /* Let go within two windows. */
    now += 121 * SECOND;
    ck_assert(!try_port(CLIENT, 80));
}
END_TEST

/* Workers read their clocks once a batch: some lag behind. */
START_TEST(clocks_apart)
{
    begin_scan(20, 60);
    unsigned found = 0, events = 0;
    for (unsigned i = 0; i < 100; i++) {
        uint64_t straight = now;
        now -= i % 2 ? 1500 : 0;
        bool yes = try_port(CLIENT, (uint16_t)i);
        found += yes;
        events += yes && f.event;
        now = straight + 10;
    }
    ck_assert_uint_ge(found, 74);
    ck_assert_uint_eq(events, 1);
}
END_TEST

START_TEST(scan_lets_go_of_a_quiet_source)
{
    begin_scan(20, 60);
    ck_assert_uint_ne(found_after(CLIENT, 100), 0);
    /* One port again and again, as the neighbour behind the same address does. */
    unsigned seconds = 0;
    for (; seconds < 1000 && (seconds == 0 || try_port(CLIENT, 443)); seconds++)
        now += SECOND;
    ck_assert_uint_ge(seconds, 60);
    ck_assert_uint_le(seconds, 122);
}
END_TEST

START_TEST(scan_in_windows)
{
    begin_scan(20, 60);
    /* One under the threshold in each window. */
    for (unsigned w = 0; w < 50; w++) {
        for (unsigned i = 0; i < 19; i++)
            ck_assert(!try_port(CLIENT, (uint16_t)(w * 20 + i)));
        now += 60 * SECOND;
    }
}
END_TEST

START_TEST(scan_ignores_ordinary_clients)
{
    begin_scan(20, 60);
    /* A browser: 30 connections to one server, from new ports, again and again. */
    for (unsigned i = 0; i < 3000; i++) {
        struct packet p = packet(6, CLIENT, (uint16_t)(30000 + i), SERVER, 443);
        ck_assert(!look(&p));
    }
    /* A thousand users behind one address, three servers with two ports each. */
    for (unsigned i = 0; i < 100000; i++) {
        struct packet p = packet(6, CLIENT + 9, (uint16_t)any(), SERVER + any() % 3, any() % 2 ? 80 : 443);
        ck_assert(!look(&p));
        now += any() % 2;
    }
    /* The server's answers to clients outside, and its own questions. */
    for (unsigned i = 0; i < 1000; i++) {
        struct packet p = packet(17, SERVER, 53, CLIENT + i, (uint16_t)(1024 + i));
        ck_assert(!look(&p));
    }
}
END_TEST

/* What is sent to many ports, by flags and state; whether that is a scan. */
static const struct {
    uint8_t proto, flags;
    enum ct_state state;
    uint16_t first_port;
    bool found;
} probes[] = {
    {6, TCP_FLAG_SYN, CT_NEW, 1, true},
    {6, TCP_FLAG_SYN | TCP_FLAG_ECE | TCP_FLAG_CWR, CT_NEW, 1, true},
    {6, TCP_FLAG_SYN, CT_NONE, 1, true},
    {6, TCP_FLAG_SYN | TCP_FLAG_ACK, CT_INVALID, 1, false}, /* answers to somebody who forged our address */
    {6, TCP_FLAG_RST, CT_INVALID, 1, false},
    {6, TCP_FLAG_RST | TCP_FLAG_ACK, CT_INVALID, 1, false},
    {6, TCP_FLAG_ACK, CT_NEW, 1, false},
    {6, TCP_FLAG_FIN, CT_INVALID, 1, true},
    {6, TCP_FLAG_FIN, CT_NONE, 1, true},
    {6, TCP_FLAG_FIN, CT_ESTABLISHED, 1, false},
    {6, 0, CT_INVALID, 1, true},
    {6, TCP_FLAG_FIN | TCP_FLAG_PSH | TCP_FLAG_URG, CT_INVALID, 1, true},
    {6, TCP_FLAG_FIN | TCP_FLAG_ACK, CT_INVALID, 1, true},
    {6, TCP_FLAG_FIN | TCP_FLAG_ACK, CT_NONE, 1, false},
    {6, TCP_FLAG_FIN | TCP_FLAG_ACK, CT_INVALID, 40000, false}, /* late ones of forgotten connections */
    {6, TCP_FLAG_FIN | TCP_FLAG_ACK, CT_ESTABLISHED, 1, false},
    {17, 0, CT_NEW, 1, true},
    {17, 0, CT_ESTABLISHED, 1, false},
    {17, 0, CT_NONE, 1, false},
    {17, 0, CT_RELATED, 1, false},
};

START_TEST(scan_kinds)
{
    begin_scan(20, 60);
    bool found = false;
    for (unsigned i = 0; i < 60; i++) {
        struct packet p = packet(probes[_i].proto, CLIENT, 40000, SERVER, (uint16_t)(probes[_i].first_port + i));
        p.tcp_flags = probes[_i].flags;
        p.meta.ct_state = probes[_i].state;
        found |= look(&p);
    }
    ck_assert_int_eq(found, probes[_i].found);
}
END_TEST

START_TEST(scan_of_addresses)
{
    begin_scan(20, 60);
    unsigned found = 0;
    for (unsigned i = 0; i < 40; i++) {
        struct packet p = packet(1, CLIENT, 0, SERVER + i, 0);
        found += look(&p);
    }
    ck_assert_uint_ge(found, 15);
    /* Many packets of one ping are no sweep, nor are answers. */
    for (unsigned i = 0; i < 1000; i++) {
        struct packet p = packet(1, CLIENT + 1, 0, SERVER, 0);
        ck_assert(!look(&p));
        p = packet(1, CLIENT + 2, 0, SERVER + i, 0);
        p.icmp_type = 0;
        ck_assert(!look(&p));
    }
    /* One port of many addresses, by IPv6. */
    found = 0;
    for (unsigned i = 0; i < 40; i++) {
        struct packet p = syn(0, 0, 22);
        p.ip_version = 6;
        ck_assert(ip_addr_parse("2001:db8::1", &p.src) && ip_addr_parse("fd00::1", &p.dst));
        p.dst.bytes[15] = (uint8_t)i;
        found += look(&p);
        p.dst.bytes[0] = 0xfc; /* none of ours */
        p.src.bytes[15] = 2;
        ck_assert(!look(&p));
    }
    ck_assert_uint_ge(found, 15);
}
END_TEST

START_TEST(scan_without_inside_addresses)
{
    conf.networks.inside.n = 0;
    begin_scan(20, 60);
    struct packet p;
    for (unsigned i = 0; i < 1000; i++) {
        p = packet(17, SERVER, 40000, CLIENT + i, 53);
        p.meta.in_dev = &in_dev; /* a resolver of ours */
        ck_assert(!look(&p));
    }
    ck_assert_uint_ne(found_after(CLIENT, 100), 0);
}
END_TEST

/* Of a thousand sources each that try somewhat less and somewhat more than the threshold. */
static void rates(uint32_t threshold, unsigned less, unsigned more, unsigned most_wrong)
{
    detect_free(d);
    begin_scan(threshold, 60);
    unsigned falsely = 0, missed = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        falsely += found_after(CLIENT + i, less) != 0;
        missed += found_after(CLIENT + 5000 + i, more) == 0;
    }
    printf("scan, threshold %u: %u of 1,000 found falsely at %u targets, %u missed at %u\n", threshold, falsely, less,
           missed, more);
    ck_assert_uint_le(falsely, most_wrong);
    ck_assert_uint_le(missed, most_wrong);
}

START_TEST(scan_rates)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    rates(2, 2, 4, 10);
    rates(20, 20, 25, 30);
    rates(50, 47, 57, 30);
    rates(100, 92, 112, 30);
    rates(1000, 850, 1180, 30);
}
END_TEST

START_TEST(scan_under_spoofed_flood)
{
    begin_scan(20, 60);
    size_t memory = detect_memory(d);
    ck_assert_uint_le(memory, 5u << 20);
    /* 100,000 made-up sources a second; twenty that scan, a port each two seconds, and one that is no scanner. */
    unsigned found[20] = {0}, falsely = 0, scanners = 0;
    for (uint32_t i = 0; i < PACKETS_SPOOFED; i++) {
        struct packet p = syn(any(), SERVER, 80);
        falsely += look(&p);
        now += i % 100 == 0;
        if (i % 10000)
            continue;
        uint32_t who = i / 10000 % 20;
        bool yes = try_port(CLIENT + who, (uint16_t)(i / 200000 + 1));
        found[who] += yes;
        falsely += try_port(CLIENT + 100, 443);
    }
    for (unsigned i = 0; i < 20; i++)
        scanners += found[i] > 0;
    printf("scan among 10 million made-up sources: %u of 20 scanners found, %u falsely; %zu bytes\n", scanners, falsely,
           memory);
    ck_assert_uint_ge(scanners, 14);
    ck_assert_uint_eq(falsely, 0);
    ck_assert_uint_eq(detect_memory(d), memory);
}
END_TEST

/* ---- forged sources ---- */

START_TEST(spoofed_sources)
{
    static const struct {
        const char *src;
        const struct iface *in;
        bool found;
    } cases[] = {
        {"10.0.255.255", &out_dev, true},   {"10.0.0.0", &out_dev, true},  {"10.1.0.0", &out_dev, false},
        {"9.255.255.255", &out_dev, false}, {"192.0.2.7", &out_dev, true}, {"192.0.2.8", &out_dev, false},
        {"192.0.2.6", &out_dev, false},     {"fd00::1", &out_dev, true},   {"fd00:0:0:1::", &out_dev, false},
        {"10.0.0.1", &in_dev, false},       {"10.0.0.1", NULL, false},
    };
    conf.detect[DETECT_SPOOFED].action = DETECT_DROP;
    begin();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct packet p = packet(17, 0, 1, SERVER, 2);
        ck_assert(ip_addr_parse(cases[i].src, &p.src));
        p.ip_version = p.src.family;
        p.meta.in_dev = cases[i].in;
        ck_assert_msg(look(&p) == cases[i].found, "%s", cases[i].src);
        if (!cases[i].found)
            continue;
        ck_assert_int_eq(f.id, DETECT_SPOOFED);
        ck_assert_int_eq(f.action, DETECT_DROP);
    }
    struct packet broken = packet(17, SERVER, 1, SERVER, 2);
    broken.ip_version = 0;
    ck_assert(!look(&broken));
    /* However many sources are forged, events are few. */
    now += 20 * SECOND;
    unsigned events = 0, sum = 0;
    for (unsigned i = 0; i < 200000; i++) {
        struct packet p = packet(17, 0x0a000000u + any() % 65536, 1, SERVER, 2);
        ck_assert(look(&p));
        events += f.event;
        sum += f.event ? (unsigned)f.held_back + 1 : 0;
        now += i % 20 == 0;
    }
    ck_assert_uint_ge(events, 200);
    ck_assert_uint_le(events, 600);
    ck_assert_uint_le(sum, 200000 + 16);
}
END_TEST

/* ---- half-open connections ---- */

static struct packet client_syn(uint32_t src, uint16_t sport, uint32_t seq)
{
    struct packet p = packet(6, src, sport, SERVER, 80);
    p.tcp_seq = seq;
    return p;
}

static bool told(size_t worker, size_t n)
{
    memset(&f, 0xee, sizeof f);
    return detect_half_open(d, worker, n, now, &f);
}

START_TEST(flood_challenges_new_clients)
{
    begin_flood(1000);
    struct packet p = client_syn(CLIENT, 40000, 77);
    ck_assert(!look(&p));
    ck_assert(!told(0, 600));
    ck_assert(!told(1, 400));
    ck_assert(!look(&p));
    ck_assert(told(1, 401));
    ck_assert(f.event && !f.over);
    ck_assert_uint_eq(f.count, 1001);
    ck_assert_int_eq(f.id, DETECT_SYN_FLOOD);
    ck_assert(!told(0, 900));
    /* The first is dropped, and what comes again too early; the second of a real client passes. */
    ck_assert(look(&p));
    ck_assert_int_eq(f.action, DETECT_DROP);
    ck_assert(!f.event);
    ck_assert_uint_eq(f.count, 1301);
    now += 200;
    ck_assert(look(&p));
    now += 800;
    ck_assert(!look(&p));
    now += 2000;
    ck_assert(!look(&p));
    /* Each part of what it is known by counts. */
    struct packet q = client_syn(CLIENT, 40000, 78);
    ck_assert(look(&q));
    q = client_syn(CLIENT, 40001, 77);
    ck_assert(look(&q));
    q = client_syn(CLIENT + 1, 40000, 77);
    ck_assert(look(&q));
    q = p;
    q.dstport = 81;
    ck_assert(look(&q));
    q = p;
    q.dst = addr4(SERVER + 1);
    ck_assert(look(&q));
    /* Nothing but SYNs to what we guard. */
    q = client_syn(CLIENT, 1, 1);
    q.tcp_flags = TCP_FLAG_SYN | TCP_FLAG_ACK;
    ck_assert(!look(&q));
    q = client_syn(CLIENT, 1, 2);
    q.dst = addr4(CLIENT + 1);
    ck_assert(!look(&q));
    /* Long after, it is a first one again. */
    now += 61 * SECOND;
    ck_assert(look(&p));
}
END_TEST

START_TEST(flood_lets_known_clients_by)
{
    begin_flood(1000);
    struct packet data = client_syn(CLIENT, 40000, 78);
    data.tcp_flags = TCP_FLAG_ACK | TCP_FLAG_PSH;
    data.meta.ct_state = CT_ESTABLISHED;
    data.payload = span_of("GET", 3);
    ck_assert(!look(&data));
    struct packet forged = data;
    forged.src = addr4(CLIENT + 1);
    forged.meta.ct_state = CT_INVALID;
    ck_assert(!look(&forged));
    ck_assert(told(0, 5000));
    struct packet p = client_syn(CLIENT + 1, 40000, 1);
    ck_assert(look(&p));
    /* As many as a browser opens, and not as many as a flood from one host has. */
    unsigned passed = 0;
    for (unsigned i = 0; i < 1000; i++) {
        p = client_syn(CLIENT, (uint16_t)(50000 + i), i);
        passed += !look(&p);
    }
    ck_assert_uint_eq(passed, 32);
    /* Data of the same second bring no more; later ones do. */
    ck_assert(!look(&data));
    p = client_syn(CLIENT, 60000, 1);
    ck_assert(look(&p));
    now += SECOND;
    ck_assert(!look(&data));
    p = client_syn(CLIENT, 60001, 1);
    ck_assert(!look(&p));
    /* Not for ever. */
    now += 3602 * SECOND;
    p = client_syn(CLIENT, 60002, 1);
    ck_assert(look(&p));
}
END_TEST

START_TEST(flood_ends)
{
    begin_flood(1000);
    ck_assert(told(0, 2000));
    unsigned dropped = 0;
    /* A flood that is stopped leaves nothing half open, and is not over. */
    for (unsigned i = 0; i < 30000; i++) {
        struct packet p = client_syn(any(), (uint16_t)any(), any());
        dropped += look(&p);
        now += 1;
        if (i % 100 == 0)
            ck_assert(!told(0, i < 10000 ? 2000 : 0));
    }
    ck_assert_uint_ge(dropped, 29990);
    /* It stops: the end is told after some seconds, once. */
    unsigned ends = 0, seconds = 0;
    for (unsigned i = 0; i < 60 && !ends; i++, seconds++) {
        now += SECOND;
        ends += told(0, 10);
    }
    ck_assert_uint_eq(ends, 1);
    ck_assert(f.over && f.event);
    ck_assert_uint_eq(f.count, dropped);
    ck_assert_uint_ge(seconds, 5);
    ck_assert_uint_le(seconds, 20);
    struct packet p = client_syn(CLIENT, 40000, 1);
    ck_assert(!look(&p));
    /* And the next one begins anew; half of the threshold keeps it up. */
    ck_assert(told(1, 1001));
    for (unsigned i = 0; i < 60; i++) {
        now += SECOND;
        ck_assert(!told(1, 500));
    }
    ck_assert(look(&p));
}
END_TEST

START_TEST(flood_holds_up_floods_not_clients)
{
    begin_flood(1000);
    ck_assert(told(0, 2000));
    /* 100,000 made-up SYNs a second; a client each 100 ms that repeats its SYN after a second. */
    unsigned passed = 0, flood = 0, served = 0, clients = 0;
    for (unsigned i = 0; i < 1000000; i++) {
        struct packet p = client_syn(any(), (uint16_t)any(), any());
        passed += !look(&p);
        flood++;
        now += i % 100 == 0;
        if (i % 10000)
            continue;
        p = client_syn(CLIENT + i / 10000, 40000, i);
        ck_assert(look(&p));
        if (i < 100000)
            continue;
        p = client_syn(CLIENT + (i - 100000) / 10000, 40000, i - 100000);
        served += !look(&p);
        clients++;
    }
    printf("syn flood: %u of %u passed, %u of %u clients; %zu bytes\n", passed, flood, served, clients,
           detect_memory(d));
    ck_assert_uint_le(passed, 10);
    ck_assert_uint_ge(served, clients * 98 / 100);
    ck_assert_uint_le(detect_memory(d), 6u << 20);
}
END_TEST

START_TEST(flood_told_only)
{
    conf.detect[DETECT_SYN_FLOOD] = (struct config_detector){DETECT_LOG, 1000, 0, 0};
    begin();
    ck_assert(told(0, 2000));
    ck_assert_int_eq(f.action, DETECT_LOG);
    struct packet p = client_syn(CLIENT, 1, 1);
    ck_assert(!look(&p));
    ck_assert_uint_le(detect_memory(d), 32768);
}
END_TEST

/* A scan that is only told of does not let SYNs out of the challenge. */
START_TEST(flood_and_scan)
{
    conf.detect[DETECT_SCAN] = (struct config_detector){DETECT_LOG, 20, 60, 0};
    begin_flood(1000);
    ck_assert(told(0, 2000));
    unsigned scans = 0, held = 0;
    for (unsigned i = 1; i <= 1000; i++) {
        ck_assert(try_port(CLIENT, (uint16_t)i));
        scans += f.id == DETECT_SCAN;
        held += f.id == DETECT_SYN_FLOOD;
    }
    ck_assert_uint_eq(scans, 1);
    ck_assert_uint_eq(held, 999);
}
END_TEST

/* ---- settings ---- */

START_TEST(reload_keeps_what_is_known)
{
    begin_scan(20, 60);
    ck_assert_uint_ne(found_after(CLIENT, 100), 0);
    struct detect *same = detect_new(&conf, 2, d);
    ck_assert_ptr_eq(same, d);
    detect_free(same);
    ck_assert(try_port(CLIENT, 7));
    /* Another order of the same networks is the same. */
    set_inside(0, "fd00::/64");
    set_inside(1, "10.0.0.0/16");
    same = detect_new(&conf, 2, d);
    ck_assert_ptr_eq(same, d);
    detect_free(same);
    set_inside(2, "192.0.2.9");
    struct detect *other = detect_new(&conf, 2, d);
    ck_assert_ptr_ne(other, d);
    detect_free(d);
    d = other;
    ck_assert(!try_port(CLIENT, 7));
    conf.detect[DETECT_SCAN].threshold = 30;
    other = detect_new(&conf, 2, d);
    ck_assert_ptr_ne(other, d);
    detect_free(other);
    set_inside(2, "nonsense");
    ck_assert_ptr_null(detect_new(&conf, 2, d));
}
END_TEST

START_TEST(needs)
{
    ck_assert_uint_eq(detect_needs(&conf), 0);
    begin();
    ck_assert_uint_le(detect_memory(d), 8192);
    struct packet p = syn(SERVER, SERVER, 80);
    ck_assert(!look(&p) && !told(0, 1000000));
    conf.detect[DETECT_SCAN].action = DETECT_LOG;
    ck_assert_uint_eq(detect_needs(&conf), DETECT_NEEDS_SCAN);
    conf.detect[DETECT_SYN_FLOOD].action = DETECT_DROP;
    conf.detect[DETECT_SPOOFED].action = DETECT_DROP;
    ck_assert_uint_eq(detect_needs(&conf), DETECT_NEEDS_SCAN | DETECT_NEEDS_SYN | DETECT_NEEDS_SPOOFED);
}
END_TEST

/* ---- threads ---- */

static _Atomic unsigned found_by_threads;

static void *thread_main(void *arg)
{
    size_t worker = (size_t)(uintptr_t)arg;
    struct finding mine;
    uint32_t n = (uint32_t)worker + 1;
    for (uint32_t i = 0; i < 200000; i++) {
        n = n * 1664525 + 1013904223;
        /* Both scan as one; each has made-up sources too. */
        struct packet p = i % 10 ? client_syn(n, 1, n) : syn(CLIENT, SERVER, (uint16_t)(i + worker));
        if (detect_packet(d, worker, &p, now + i / 10, &mine) && mine.id == DETECT_SCAN)
            found_by_threads++;
        if (i % 64 == 0)
            (void)detect_half_open(d, worker, i / 64 % 2000, now + i / 10, &mine);
    }
    return NULL;
}

START_TEST(workers_share)
{
    conf.detect[DETECT_SCAN] = (struct config_detector){DETECT_DROP, 50, 60, 600};
    begin_flood(1000);
    pthread_t t[2];
    found_by_threads = 0;
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, thread_main, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_ge(found_by_threads, 39000);
    ck_assert_uint_le(found_by_threads, 40000);
}
END_TEST

/* ---- slow requests ---- */

static struct slow s;

static void slow_set_up(void)
{
    set_up();
    s = (struct slow){0};
    conf.detect[DETECT_SLOW_HEAD] = (struct config_detector){DETECT_DROP, 30, 0, 0};
    conf.detect[DETECT_SLOW_BODY] = (struct config_detector){DETECT_DROP, 100, 30, 0};
    conf.detect[DETECT_SLOW_READ] = (struct config_detector){DETECT_DROP, 120, 0, 0};
    now = UINT32_MAX - 40 * SECOND; /* the clock's 32 bits turn over meanwhile */
}

static enum detector_id due(void)
{
    return slow_due(&conf, &s, now);
}

/* The second at which it is found, 0: not within so many; the client sends n bytes each `each` seconds. */
static unsigned slow_after(enum slow_part part, unsigned n, unsigned each, unsigned seconds)
{
    for (unsigned i = 0; i <= seconds; i++) {
        if (i % each == 0)
            slow_request(&s, part, n, now);
        if (due() != DETECTORS)
            return i ? i : 1;
        now += SECOND;
    }
    return 0;
}

START_TEST(slow_heads)
{
    /* A line each ten seconds, for ever. */
    ck_assert_uint_eq(slow_after(SLOW_HEAD, 20, 10, 1000), 30);
    ck_assert_int_eq(due(), DETECT_SLOW_HEAD);
    /* Keep-alive: requests in time, and long idle between them. */
    slow_request_done(&s);
    slow_request(&s, SLOW_IDLE, 0, now);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_uint_eq(slow_after(SLOW_HEAD, 20, 10, 20), 0);
        slow_request_done(&s);
        ck_assert(!slow_runs(&s));
        ck_assert_uint_eq(slow_after(SLOW_IDLE, 0, 10, 300), 0);
    }
    /* Pipelined: the next one's head begins in the packet that ends the first; it has its own time. */
    ck_assert_uint_eq(slow_after(SLOW_HEAD, 20, 10, 25), 0);
    slow_request_done(&s);
    ck_assert_uint_eq(slow_after(SLOW_HEAD, 20, 10, 25), 0);
    conf.detect[DETECT_SLOW_HEAD].action = DETECT_OFF;
    ck_assert_uint_eq(slow_after(SLOW_HEAD, 20, 10, 100), 0);
}
END_TEST

START_TEST(slow_bodies)
{
    /* 95 bytes a second are too few, 101 are not. */
    ck_assert_uint_eq(slow_after(SLOW_BODY, 95, 1, 1000), 30);
    s = (struct slow){0};
    ck_assert_uint_eq(slow_after(SLOW_BODY, 101, 1, 3600), 0);
    /* A body whose beginning came at once, and then next to nothing. */
    s = (struct slow){0};
    slow_request(&s, SLOW_BODY, 60000, now);
    ck_assert_uint_eq(slow_after(SLOW_BODY, 10, 10, 1000), 60);
    /* A line that stands still for twenty seconds of each thirty. */
    s = (struct slow){0};
    ck_assert_uint_eq(slow_after(SLOW_BODY, 30000, 25, 3600), 0);
    /* A client that says nothing any more. */
    s = (struct slow){0};
    slow_request(&s, SLOW_BODY, 1000, now);
    now += 31 * SECOND;
    ck_assert_int_eq(due(), DETECT_SLOW_BODY);
    /* The end of one body and the next: each has its time. */
    s = (struct slow){0};
    for (unsigned i = 0; i < 100; i++) {
        ck_assert_uint_eq(slow_after(SLOW_BODY, 10, 1, 20), 0);
        slow_request_done(&s);
    }
}
END_TEST

START_TEST(slow_server)
{
    slow_request(&s, SLOW_BODY, 1000, now);
    slow_server_room(&s, 0, now);
    ck_assert_uint_eq(slow_after(SLOW_BODY, 0, 1, 300), 0);
    slow_server_room(&s, 65535, now);
    ck_assert_uint_eq(slow_after(SLOW_BODY, 200, 1, 300), 0);
    ck_assert_uint_ne(slow_after(SLOW_BODY, 0, 1, 300), 0);
}
END_TEST

/* The second at which a client that says its room each second is found. */
static unsigned slow_reader(const uint32_t *room, unsigned n, uint32_t taken, unsigned seconds, uint32_t ack)
{
    for (unsigned i = 0; i <= seconds; i++) {
        slow_client_room(&s, room[i % n], ack += taken, true, now);
        if (due() != DETECTORS)
            return i;
        now += SECOND;
    }
    return 0;
}

START_TEST(slow_readers)
{
    static const uint32_t shut[] = {0}, small[] = {0, 400, 511}, halfway[] = {0, 0, 1000, 0}, open[] = {0, 0, 8192},
                          device[] = {0, 1460, 2920};
    ck_assert_uint_eq(slow_reader(shut, 1, 0, 1000, 1), 120);
    ck_assert_int_eq(due(), DETECT_SLOW_READ);
    s = (struct slow){0};
    ck_assert_uint_eq(slow_reader(small, 3, 6, 1000, UINT32_MAX - 100), 120);
    s = (struct slow){0};
    ck_assert_uint_le(slow_reader(halfway, 4, 6, 1000, 1), 123);
    ck_assert(slow_runs(&s));
    /* It opens now and then; or reads on in small windows. */
    s = (struct slow){0};
    ck_assert_uint_eq(slow_reader(open, 3, 0, 1000, 1), 0);
    s = (struct slow){0};
    ck_assert_uint_eq(slow_reader(device, 3, 100, 1000, UINT32_MAX - 5000), 0);
    /* Nothing is due. */
    for (unsigned i = 0; i < 300; i++, now += SECOND) {
        slow_client_room(&s, 0, 1, false, now);
        ck_assert_int_eq(due(), DETECTORS);
    }
    /* Shut once, then nothing was heard: it may be reading, its ACKs pass by. */
    s = (struct slow){0};
    slow_client_room(&s, 0, 1, true, now);
    now += 1000 * SECOND;
    ck_assert_int_eq(due(), DETECTORS);
    /* Shut again, and what it took meanwhile shows that it was. */
    slow_client_room(&s, 0, 1000000, true, now);
    ck_assert_int_eq(due(), DETECTORS);
    /* ACKs of before come late. */
    now += 100 * SECOND;
    slow_client_room(&s, 0, 1, true, now);
    now += 21 * SECOND;
    slow_client_room(&s, 0, 1000000, true, now);
    ck_assert_int_eq(due(), DETECT_SLOW_READ);
}
END_TEST

/* ---- cost ---- */

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void cost(const char *what, struct packet *p, size_t n, unsigned times)
{
    double best = 1e9;
    for (unsigned round = 0; round < 5; round++) {
        double before = seconds_now();
        for (unsigned i = 0; i < times; i++)
            (void)detect_packet(d, 0, &p[i % n], now, &f);
        double took = (seconds_now() - before) * 1e9 / times;
        best = took < best ? took : best;
    }
    printf("%s: %.0f ns a packet\n", what, best);
}

/* Figures for a reader; machines differ too much to judge them. */
START_TEST(costs)
{
    enum { N = 1024 };
    static struct packet p[N];
    conf.detect[DETECT_SCAN] = (struct config_detector){DETECT_DROP, 50, 60, 600};
    conf.detect[DETECT_SPOOFED].action = DETECT_DROP;
    begin_flood(1000);
    for (unsigned i = 0; i < N; i++) {
        p[i] = client_syn(any(), (uint16_t)any(), any());
        p[i].tcp_flags = TCP_FLAG_ACK;
        p[i].meta.ct_state = CT_ESTABLISHED;
    }
    cost("an ACK", p, N, 200000);
    for (unsigned i = 0; i < N; i++)
        p[i].payload = span_of("data", 4);
    cost("data", p, N, 200000);
    for (unsigned i = 0; i < N; i++) {
        p[i].tcp_flags = TCP_FLAG_SYN;
        p[i].meta.ct_state = CT_NEW;
    }
    cost("a SYN of one among 1,024 clients", p, N, 200000);
    ck_assert(told(0, 5000));
    cost("the same in a flood", p, N, 200000);
    unsigned sum = 0;
    double before = seconds_now();
    for (unsigned i = 0; i < 1000000; i++) {
        struct packet q = client_syn(any(), (uint16_t)any(), any());
        sum += look(&q);
    }
    printf("a made-up SYN in a flood: %.0f ns, with making it up; %u held up\n", (seconds_now() - before) * 1e3, sum);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("detect");
    TCase *t = tcase_create("packets");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, scan_of_ports_is_found);
    tcase_add_test(t, scan_stays_found_while_it_goes_on);
    tcase_add_test(t, clocks_apart);
    tcase_add_test(t, scan_lets_go_of_a_quiet_source);
    tcase_add_test(t, scan_in_windows);
    tcase_add_test(t, scan_ignores_ordinary_clients);
    tcase_add_loop_test(t, scan_kinds, 0, ARRAY_LEN(probes));
    tcase_add_test(t, scan_of_addresses);
    tcase_add_test(t, scan_without_inside_addresses);
    tcase_add_test(t, scan_rates);
    tcase_add_test(t, spoofed_sources);
    tcase_add_test(t, flood_challenges_new_clients);
    tcase_add_test(t, flood_lets_known_clients_by);
    tcase_add_test(t, flood_ends);
    tcase_add_test(t, flood_told_only);
    tcase_add_test(t, flood_and_scan);
    tcase_add_test(t, reload_keeps_what_is_known);
    tcase_add_test(t, needs);
    tcase_add_test(t, workers_share);
    if (LONG_TESTS) {
        tcase_add_test(t, scan_under_spoofed_flood);
        tcase_add_test(t, flood_holds_up_floods_not_clients);
        tcase_add_test(t, costs);
    }
    suite_add_tcase(suite, t);
    t = tcase_create("slow");
    tcase_add_checked_fixture(t, slow_set_up, NULL);
    tcase_add_test(t, slow_heads);
    tcase_add_test(t, slow_bodies);
    tcase_add_test(t, slow_server);
    tcase_add_test(t, slow_readers);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
