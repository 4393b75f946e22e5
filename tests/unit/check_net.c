/* SPDX-License-Identifier: GPL-3.0-or-later */
/* net/: addresses, checksums, packet views; and base/'s spans and diagnostics. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/span.h"
#include "net/crc32c.h"
#include "net/packet.h"
#include "run_suite.h"

/* A packet under construction. */
struct build {
    uint8_t b[70000];
    size_t len;
};

static struct build w;
static struct packet p;

static void put(const void *data, size_t len)
{
    memcpy(w.b + w.len, data, len);
    w.len += len;
}

static void fill(uint8_t byte, size_t len)
{
    memset(w.b + w.len, byte, len);
    w.len += len;
}

static void set16(size_t at, unsigned v)
{
    w.b[at] = (uint8_t)(v >> 8);
    w.b[at + 1] = (uint8_t)v;
}

static void set32(size_t at, uint32_t v)
{
    set16(at, v >> 16);
    set16(at + 2, v & 0xffff);
}

/* The checksum as a textbook has it, to judge the fast one by. */
static uint32_t slow_sum(uint32_t sum, const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? b[i] : (uint32_t)b[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void ip4_fix(void)
{
    size_t hl = (w.b[0] & 15) * 4u;
    set16(10, 0);
    set16(10, ~slow_sum(0, w.b, hl));
}

static void ip4_opt(uint8_t proto, const void *opt, size_t opt_len)
{
    static const uint8_t h[20] = {0x45, 0x28, 0, 0, 0x12, 0x34, 0, 0, 61, 0, 0, 0, 198, 51, 100, 7, 192, 0, 2, 80};
    w.len = 0;
    put(h, 20);
    put(opt, opt_len);
    w.b[0] = (uint8_t)(0x45 + opt_len / 4);
    w.b[9] = proto;
}

static void ip4(uint8_t proto)
{
    ip4_opt(proto, "", 0);
}

static void ip6(uint8_t next)
{
    static const uint8_t h[40] = {0x62, 0x81, 2, 3, 0,    0, 0,   59,   0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0,
                                  0,    0,    0, 7, 0x20, 1, 0xd, 0xb8, 0,    2, 0,   0,    0, 0, 0, 0, 0, 0, 0, 0x80};
    w.len = 0;
    put(h, 40);
    w.b[6] = next;
}

/* Writes the lengths that the packet has by now. */
static void done(void)
{
    if (w.b[0] >> 4 == 4) {
        set16(2, (unsigned)w.len);
        ip4_fix();
    } else {
        set16(4, (unsigned)w.len - 40);
    }
}

static uint32_t pseudo_sum(uint8_t proto, size_t len)
{
    bool v4 = w.b[0] >> 4 == 4;
    return slow_sum((uint32_t)(proto + len), w.b + (v4 ? 12 : 8), v4 ? 8 : 32);
}

/* Writes the checksum over the transport at `at` into its field; `proto` 0 for none of the pseudo-header. */
static void seal(size_t at, size_t field, uint8_t proto, size_t covered)
{
    set16(at + field, 0);
    uint32_t sum = proto ? pseudo_sum(proto, w.len - at) : 0;
    uint32_t c = ~slow_sum(sum, w.b + at, covered) & 0xffff;
    set16(at + field, c ? c : 0xffff);
}

static void tcp_opt(uint8_t flags, const void *opt, size_t opt_len, const char *text)
{
    uint8_t h[20] = {0x9c, 0x40, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, flags, 0x10, 0, 0, 0, 0, 9};
    h[12] = (uint8_t)((5 + opt_len / 4) << 4);
    size_t at = w.len;
    put(h, 20);
    put(opt, opt_len);
    put(text, strlen(text));
    done();
    seal(at, 16, 6, w.len - at);
}

static void tcp(uint8_t flags, const char *text)
{
    tcp_opt(flags, "", 0, text);
}

static void udp(const char *text)
{
    uint8_t h[8] = {0x13, 0x88, 0, 53};
    size_t at = w.len;
    put(h, 8);
    put(text, strlen(text));
    set16(at + 4, (unsigned)(w.len - at));
    done();
    seal(at, 6, 17, w.len - at);
}

static void decode_with(const struct packet_meta *meta)
{
    struct packet_meta m = *meta;
    if (m.full_len == 0)
        m.full_len = (uint32_t)w.len;
    memset(&p, 0xaa, sizeof p); /* what was there before must not shine through */
    packet_decode(&p, &m, span_of(w.b, w.len), PACKET_NEED_CHECKSUM);
}

static void decode(void)
{
    decode_with(&(struct packet_meta){0});
}

static const char *anomalies(void)
{
    static char text[256];
    text[0] = '\0';
    for (unsigned i = 0; i < ANOMALY_COUNT; i++)
        if (p.anomalies & 1u << i)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", packet_anomaly_name(1u << i));
    return text;
}

#define expect_anomalies(want)                                                                                         \
    ck_assert_msg(p.anomalies == (want), "has %s(0x%x), wanted 0x%x", anomalies(), p.anomalies, (unsigned)(want))
#define expect_clean() expect_anomalies(0u)

static void expect_payload(const char *text)
{
    ck_assert_uint_eq(p.payload.len, strlen(text));
    ck_assert_int_eq(memcmp(p.payload.data, text, p.payload.len), 0);
}

/* ---- base ---- */

START_TEST(span_cuts)
{
    struct span s = span_of("abcdef", 6);
    ck_assert_uint_eq(span_from(s, 2).len, 4);
    ck_assert_int_eq(span_from(s, 2).data[0], 'c');
    ck_assert_uint_eq(span_from(s, 6).len, 0);
    ck_assert_ptr_null(span_from(s, 7).data);
    ck_assert_uint_eq(span_first(s, 3).len, 3);
    ck_assert_uint_eq(span_first(s, 9).len, 6);
    ck_assert_uint_eq(span_from(span_of(NULL, 0), 0).len, 0);
}
END_TEST

START_TEST(cursor_reads)
{
    static const uint8_t b[] = {1, 2, 3, 0xff, 5, 6, 7, 8, 9};
    struct cursor c = cursor_of(span_of(b, sizeof b));
    uint8_t out[3] = {0};
    ck_assert_uint_eq(cursor_u8(&c), 1);
    ck_assert_uint_eq(cursor_u16(&c), 0x0203);
    ck_assert_uint_eq(cursor_u32(&c), 0xff050607);
    ck_assert_uint_eq(cursor_left(&c), 2);
    ck_assert(!cursor_copy(&c, out, 3));
    ck_assert(c.bad && out[0] == 0);
    ck_assert_uint_eq(cursor_left(&c), 0);
}
END_TEST

START_TEST(cursor_stays_bad)
{
    static const uint8_t b[] = {1, 2, 3};
    uint8_t out[2];
    struct cursor c = cursor_of(span_of(b, 3));
    ck_assert(cursor_copy(&c, out, 2) && out[1] == 2);
    ck_assert_uint_eq(cursor_u16(&c), 0);
    ck_assert(c.bad);
    ck_assert_uint_eq(cursor_u8(&c), 0);
    ck_assert_ptr_null(cursor_take(&c, 0));
    c = cursor_of(span_of(b, 3));
    ck_assert_ptr_null(cursor_take(&c, SIZE_MAX));
    c = cursor_of(span_of(NULL, 0));
    ck_assert_uint_eq(cursor_u32(&c), 0);
    ck_assert(c.bad);
}
END_TEST

START_TEST(diag_texts)
{
    struct diag *d = diag_new();
    diag_add(d, "a.conf", 3, 7, "wrong %s", "thing");
    diag_add(d, "a.conf", 4, 0, "x");
    diag_add(d, "a.conf", 0, 0, "y");
    diag_add(d, NULL, 9, 9, "z");
    ck_assert_uint_eq(diag_count(d), 4);
    ck_assert_str_eq(diag_text(d, 0), "a.conf:3:7: wrong thing");
    ck_assert_str_eq(diag_text(d, 1), "a.conf:4: x");
    ck_assert_str_eq(diag_text(d, 2), "a.conf: y");
    ck_assert_str_eq(diag_text(d, 3), "z");
    ck_assert_ptr_null(diag_text(d, 4));
    diag_free(d);
    diag_free(NULL);
}
END_TEST

START_TEST(diag_bounded)
{
    struct diag *d = diag_new();
    for (int i = 1; i <= 250; i++)
        diag_add(d, "f", i, 0, "e");
    ck_assert_uint_eq(diag_count(d), 250);
    ck_assert_str_eq(diag_text(d, 199), "f:200: e");
    ck_assert_ptr_null(diag_text(d, 200));
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    diag_print(d, out);
    fclose(out);
    ck_assert_ptr_nonnull(strstr(text, "f:1: e\n"));
    ck_assert_ptr_nonnull(strstr(text, "and 50 more errors\n"));
    free(text);
    diag_free(d);
}
END_TEST

/* ---- addresses ---- */

static const struct {
    const char *in, *out;
} addr_good[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"10.20.100.9", "10.20.100.9"},
    {"::", "::"},
    {"::1", "::1"},
    {"1::", "1::"},
    {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
    {"0:0:0:0:0:0:102:304", "::102:304"},
    {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
};

START_TEST(addr_parse_format)
{
    struct ip_addr a, again;
    char text[IP_ADDR_TEXT_MAX];
    ck_assert_msg(ip_addr_parse(addr_good[_i].in, &a), "%s", addr_good[_i].in);
    ck_assert_str_eq(ip_addr_format(&a, text), addr_good[_i].out);
    ck_assert(ip_addr_parse(text, &again) && ip_addr_equal(&a, &again));
    ck_assert_int_eq(a.family, strchr(addr_good[_i].in, ':') ? 6 : 4);
}
END_TEST

static const char *const addr_bad[] = {
    "",  "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4",     "1.2.3.4 ",  " 1.2.3.4", "a",
    ":", ":::",   "1::2::3",   "12345::",   "fe80::1%eth0", "1.2.3.4/8", "::g",      "1:2:3:4:5:6:7"};

START_TEST(addr_refused)
{
    struct ip_addr a = {.family = 9};
    ck_assert_msg(!ip_addr_parse(addr_bad[_i], &a), "%s", addr_bad[_i]);
    ck_assert_int_eq(a.family, 9);
}
END_TEST

START_TEST(addr_none_has_no_text)
{
    char text[IP_ADDR_TEXT_MAX] = "x";
    ck_assert_str_eq(ip_addr_format(&(struct ip_addr){0}, text), "");
}
END_TEST

static const struct {
    const char *text;
    int rc;
    uint8_t prefix;
    const char *addr;
} nets[] = {
    {"192.0.2.0/24", 0, 24, "192.0.2.0"},
    {"192.0.2.7", 0, 32, "192.0.2.7"},
    {"0.0.0.0/0", 0, 0, "0.0.0.0"},
    {"10.0.0.0/9", 0, 9, "10.0.0.0"},
    {"2001:db8::/32", 0, 32, "2001:db8::"},
    {"::/0", 0, 0, "::"},
    {"::1/128", 0, 128, "::1"},
    {"192.0.2.7/24", -EDOM, 24, "192.0.2.0"},
    {"10.192.0.0/9", -EDOM, 9, "10.128.0.0"},
    {"2001:db8:ffff::/33", -EDOM, 33, "2001:db8:8000::"},
    {"1.2.3.4/33", -ERANGE, 0, NULL},
    {"::/129", -ERANGE, 0, NULL},
    {"1.2.3.4/99999999999999999999", -ERANGE, 0, NULL},
    {"1.2.3.4/", -EINVAL, 0, NULL},
    {"1.2.3.4/-1", -EINVAL, 0, NULL},
    {"1.2.3.4/ 8", -EINVAL, 0, NULL},
    {"1.2.3.4/08", -EINVAL, 0, NULL},
    {"1.2.3.4/8/8", -EINVAL, 0, NULL},
    {"1.2.3.4/255.0.0.0", -EINVAL, 0, NULL},
    {"/8", -EINVAL, 0, NULL},
    {"", -EINVAL, 0, NULL},
    {"example.org", -EINVAL, 0, NULL},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL, 0, NULL},
};

START_TEST(net_parse)
{
    struct ip_net n = {.prefix = 200};
    char text[IP_ADDR_TEXT_MAX];
    ck_assert_msg(ip_net_parse(nets[_i].text, &n) == nets[_i].rc, "%s", nets[_i].text);
    if (!nets[_i].addr) {
        ck_assert_uint_eq(n.prefix, 200);
        return;
    }
    ck_assert_uint_eq(n.prefix, nets[_i].prefix);
    ck_assert_str_eq(ip_addr_format(&n.addr, text), nets[_i].addr);
}
END_TEST

static bool has(const char *net, const char *addr)
{
    struct ip_net n;
    struct ip_addr a;
    ck_assert_int_eq(ip_net_parse(net, &n), 0);
    ck_assert(ip_addr_parse(addr, &a));
    return ip_net_has(&n, &a);
}

START_TEST(net_has)
{
    ck_assert(has("192.0.2.0/24", "192.0.2.255"));
    ck_assert(!has("192.0.2.0/24", "192.0.3.0"));
    ck_assert(has("192.0.2.128/25", "192.0.2.129"));
    ck_assert(!has("192.0.2.128/25", "192.0.2.127"));
    ck_assert(has("192.0.2.7", "192.0.2.7"));
    ck_assert(!has("192.0.2.7", "192.0.2.6"));
    ck_assert(has("0.0.0.0/0", "203.0.113.1"));
    ck_assert(!has("0.0.0.0/0", "::1"));
    ck_assert(!has("::/0", "1.2.3.4"));
    ck_assert(has("2001:db8::/33", "2001:db8:7fff::1"));
    ck_assert(!has("2001:db8::/33", "2001:db8:8000::1"));
    ck_assert(has("::1", "::1"));
    ck_assert(!has("::1", "::2"));
}
END_TEST

/* ---- checksums ---- */

START_TEST(csum_as_the_textbook)
{
    uint8_t b[300];
    srand(7);
    for (size_t len = 0; len < sizeof b; len++) {
        for (size_t i = 0; i < len; i++)
            b[i] = len % 3 ? (uint8_t)rand() : 0xff;
        ck_assert_uint_eq(csum_fold(csum_add(0, b, len)), (uint16_t)~slow_sum(0, b, len));
    }
}
END_TEST

START_TEST(csum_chains)
{
    uint8_t b[101];
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)(251 * i + 17);
    uint16_t whole = csum_fold(csum_add(0, b, sizeof b));
    for (size_t cut = 0; cut <= sizeof b; cut += 2)
        ck_assert_uint_eq(csum_fold(csum_add(csum_add(0, b, cut), b + cut, sizeof b - cut)), whole);
    ck_assert_uint_eq(csum_fold(UINT64_MAX), 0);
    ck_assert_uint_eq(csum_fold(csum_add(UINT64_MAX, b, sizeof b)), whole);
}
END_TEST

/* The example of RFC 1071, 3. */
START_TEST(csum_rfc1071)
{
    static const uint8_t b[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    ck_assert_uint_eq(csum_fold(csum_add(0, b, 8)), (uint16_t)~0xddf2);
}
END_TEST

START_TEST(csum_pseudo_header)
{
    ip4(6);
    struct ip_addr src = {.family = 4}, dst = {.family = 4};
    memcpy(src.bytes, w.b + 12, 4);
    memcpy(dst.bytes, w.b + 16, 4);
    ck_assert_uint_eq(csum_fold(csum_pseudo(&src, &dst, 6, 1234)), (uint16_t)~pseudo_sum(6, 1234));
    ip6(58);
    src.family = dst.family = 6;
    memcpy(src.bytes, w.b + 8, 16);
    memcpy(dst.bytes, w.b + 24, 16);
    ck_assert_uint_eq(csum_fold(csum_pseudo(&src, &dst, 58, 1234)), (uint16_t)~pseudo_sum(58, 1234));
    /* A length of more than 16 bits is two words of the sum. */
    ck_assert_uint_eq(csum_fold(csum_pseudo(&src, &dst, 58, 0x10000)), csum_fold(csum_pseudo(&src, &dst, 58, 1)));
}
END_TEST

START_TEST(crc32c_known)
{
    ck_assert_uint_eq(~crc32c_add(CRC32C_START, "123456789", 9), 0xe3069283);
    ck_assert_uint_eq(~crc32c_add_portable(CRC32C_START, "123456789", 9), 0xe3069283);
    uint8_t b[64];
    for (size_t i = 0; i < sizeof b; i++)
        b[i] = (uint8_t)(i * 37);
    for (size_t len = 0; len <= sizeof b; len++)
        ck_assert_uint_eq(crc32c_add(CRC32C_START, b, len), crc32c_add_portable(CRC32C_START, b, len));
}
END_TEST

/* ---- names ---- */

START_TEST(names)
{
    ck_assert_str_eq(packet_anomaly_name(ANOMALY_BAD_LENGTH), "bad_length");
    ck_assert_str_eq(packet_anomaly_name(ANOMALY_RECORD_ROUTE), "record_route");
    ck_assert_str_eq(packet_anomaly_name(ANOMALY_OVERLAP_FRAGMENT), "overlap_fragment");
    ck_assert_str_eq(packet_anomaly_name(ANOMALY_TRUNCATED), "truncated");
    ck_assert_ptr_null(packet_anomaly_name(1u << ANOMALY_COUNT));
    ck_assert_ptr_null(packet_anomaly_name(0));
    ck_assert_ptr_null(packet_anomaly_name(3));
    ck_assert_str_eq(ip_option_name(IP_OPTION_LSRR), "lsrr");
    ck_assert_str_eq(ip_option_name(IP_OPTION_ROUTER_ALERT), "router_alert");
    ck_assert_str_eq(ip_option_name(IP_OPTION_DSTOPTS), "dstopts");
    ck_assert_ptr_null(ip_option_name(1u << IP_OPTION_COUNT));
    for (unsigned i = 0; i < ANOMALY_COUNT; i++)
        ck_assert_ptr_nonnull(packet_anomaly_name(1u << i));
    for (unsigned i = 0; i < IP_OPTION_COUNT; i++)
        ck_assert_ptr_nonnull(ip_option_name(1u << i));
}
END_TEST

START_TEST(proto_names)
{
    ck_assert_str_eq(ip_proto_name(6), "tcp");
    ck_assert_str_eq(ip_proto_name(136), "udplite");
    ck_assert_ptr_null(ip_proto_name(253));
    ck_assert_int_eq(ip_proto_number("icmpv6"), 58);
    ck_assert_int_eq(ip_proto_number("TCP"), -1);
    ck_assert_int_eq(ip_proto_number(""), -1);
    for (int i = 0; i < 256; i++)
        if (ip_proto_name((uint8_t)i))
            ck_assert_int_eq(ip_proto_number(ip_proto_name((uint8_t)i)), i);
}
END_TEST

/* ---- IPv4 ---- */

START_TEST(ip4_fields)
{
    char text[IP_ADDR_TEXT_MAX];
    ip4(6);
    tcp(TCP_FLAG_ACK, "hi");
    fill(0, 18); /* Ethernet's padding */
    decode_with(&(struct packet_meta){.ethertype = 0x0800, .mark = 42});
    expect_clean();
    ck_assert_uint_eq(p.meta.mark, 42);
    ck_assert(p.ip_version == 4 && p.ip_proto == 6 && p.ip_ttl == 61 && p.ip_tos == 0x28);
    ck_assert(p.ip_header_len == 20 && p.ip_len == 42 && p.data.len == 42 && p.ip_id == 0x1234);
    ck_assert(!p.is_fragment && !p.more_fragments && p.frag_offset == 0 && p.ip_options == 0);
    ck_assert_str_eq(ip_addr_format(&p.src, text), "198.51.100.7");
    ck_assert_str_eq(ip_addr_format(&p.dst, text), "192.0.2.80");
    expect_payload("hi");
}
END_TEST

START_TEST(ip4_in_place)
{
    ip4(17);
    udp("x");
    memset(&p, 0, sizeof p);
    p.meta = (struct packet_meta){.full_len = (uint32_t)w.len, .mark = 7};
    packet_decode(&p, &p.meta, span_of(w.b, w.len), 0);
    ck_assert(p.meta.mark == 7 && p.l4 == L4_UDP);
}
END_TEST

START_TEST(version_wrong)
{
    ip4(17);
    udp("x");
    decode_with(&(struct packet_meta){.ethertype = 0x86dd});
    expect_anomalies(ANOMALY_BAD_VERSION);
    ck_assert(p.ip_version == 0 && p.l4 == L4_NONE && p.payload.len == 0 && p.src.family == 0);
    w.b[0] = 0x55;
    decode();
    expect_anomalies(ANOMALY_BAD_VERSION);
    ip6(17);
    udp("x");
    decode_with(&(struct packet_meta){.ethertype = 0x0800});
    expect_anomalies(ANOMALY_BAD_VERSION);
    decode_with(&(struct packet_meta){.ethertype = 0x86dd});
    expect_clean();
}
END_TEST

START_TEST(ip4_checksum)
{
    ip4(17);
    udp("x");
    decode();
    expect_clean();
    w.b[11] ^= 1;
    decode();
    expect_anomalies(ANOMALY_BAD_IP_CHECKSUM);
}
END_TEST

START_TEST(ip4_lengths)
{
    ip4(6);
    tcp(TCP_FLAG_ACK, "abc");
    set16(2, (unsigned)w.len + 1);
    ip4_fix();
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
    ck_assert(p.l4 == L4_TCP && p.ip_len == w.len + 1 && p.payload.len == 3);
    set16(2, 19);
    ip4_fix();
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
    ck_assert(p.l4 == L4_NONE && p.payload.len == 0);
    w.b[0] = 0x44;
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
    ck_assert_int_eq(p.ip_version, 0);
}
END_TEST

START_TEST(ip4_header_cut)
{
    ip4(6);
    tcp(TCP_FLAG_ACK, "");
    w.len = 19;
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
    decode_with(&(struct packet_meta){.full_len = 40});
    expect_clean();
    ck_assert_int_eq(p.ip_version, 0);
    w.len = 0;
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
    decode_with(&(struct packet_meta){.full_len = 40});
    expect_clean();
    ip4(6);
    w.b[0] = 0x46; /* the option does not fit */
    set16(2, 20);
    decode();
    expect_anomalies(ANOMALY_TRUNCATED | ANOMALY_BAD_LENGTH);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
    unsigned options, anomalies;
} ip4_options_table[] = {
    {"\x01\x01\x01\x00", 4, 0, 0},
    {"\x94\x04\x00\x00", 4, IP_OPTION_ROUTER_ALERT, 0},
    {"\x94\x03\x00\x00", 4, IP_OPTION_ROUTER_ALERT, ANOMALY_BAD_OPTION},
    {"\x07\x07\x04\x00\x00\x00\x00\x00", 8, IP_OPTION_RECORD_ROUTE, ANOMALY_RECORD_ROUTE},
    {"\x07\x07\x03\x00\x00\x00\x00\x00", 8, IP_OPTION_RECORD_ROUTE, ANOMALY_RECORD_ROUTE | ANOMALY_BAD_OPTION},
    {"\x07\x02\x00\x00", 4, IP_OPTION_RECORD_ROUTE, ANOMALY_RECORD_ROUTE | ANOMALY_BAD_OPTION},
    {"\x44\x08\x05\x00\x00\x00\x00\x00", 8, IP_OPTION_TIMESTAMP, 0},
    {"\x44\x08\x04\x00\x00\x00\x00\x00", 8, IP_OPTION_TIMESTAMP, ANOMALY_BAD_OPTION},
    {"\x82\x03\x00\x00", 4, IP_OPTION_SECURITY, 0},
    {"\x83\x07\x04\xc0\x00\x02\x01\x00", 8, IP_OPTION_LSRR, ANOMALY_SOURCE_ROUTE},
    {"\x01\x89\x07\x08\xc0\x00\x02\x01", 8, IP_OPTION_SSRR, ANOMALY_SOURCE_ROUTE},
    {"\x88\x04\x00\x01", 4, IP_OPTION_STREAM_ID, 0},
    {"\x88\x03\x00\x00", 4, IP_OPTION_STREAM_ID, ANOMALY_BAD_OPTION},
    {"\x9e\x04\x00\x01", 4, IP_OPTION_OTHER, 0},
    {"\x9e\x05\x00\x01", 4, IP_OPTION_OTHER, ANOMALY_BAD_OPTION},
    {"\x9e\x01\x00\x00", 4, IP_OPTION_OTHER, ANOMALY_BAD_OPTION},
    {"\x01\x01\x01\x94", 4, IP_OPTION_ROUTER_ALERT, ANOMALY_BAD_OPTION},
    {"\x94\x04\x00\x00\x9e\x03\x00\x00", 8, IP_OPTION_ROUTER_ALERT | IP_OPTION_OTHER, 0},
    {"\x00\x83\x07\x04", 4, 0, 0}, /* nothing counts after the end of the list */
};

START_TEST(ip4_options)
{
    ip4_opt(17, ip4_options_table[_i].bytes, ip4_options_table[_i].len);
    udp("payload");
    decode();
    expect_anomalies(ip4_options_table[_i].anomalies);
    ck_assert_uint_eq(p.ip_options, ip4_options_table[_i].options);
    ck_assert_uint_eq(p.ip_header_len, 20 + ip4_options_table[_i].len);
    expect_payload("payload");
}
END_TEST

/* With hops left the sender's checksum is for an address that the header does not yet hold. */
START_TEST(source_route_checksum)
{
    ip4_opt(17, "\x83\x07\x04\xc0\x00\x02\x01\x00", 8);
    udp("x");
    w.b[28 + 6] ^= 1;
    decode();
    expect_anomalies(ANOMALY_SOURCE_ROUTE);
    ip4_opt(17, "\x83\x07\x08\xc0\x00\x02\x01\x00", 8);
    udp("x");
    w.b[28 + 6] ^= 1;
    decode();
    expect_anomalies(ANOMALY_SOURCE_ROUTE | ANOMALY_BAD_CHECKSUM);
}
END_TEST

static const struct {
    const char *src, *dst;
    bool martian;
} martians[] = {
    {"198.51.100.7", "192.0.2.80", false},
    {"0.0.0.0", "255.255.255.255", false},
    {"0.0.0.0", "224.0.0.1", false},
    {"10.0.0.1", "224.0.0.251", false},
    {"10.0.0.1", "239.255.255.250", false},
    {"169.254.1.1", "169.254.255.255", false},
    {"10.0.0.1", "10.255.255.255", false},
    {"223.255.255.254", "128.0.0.1", false},
    {"0.0.0.1", "192.0.2.80", true},
    {"224.0.0.1", "192.0.2.80", true},
    {"239.1.1.1", "192.0.2.80", true},
    {"240.0.0.1", "192.0.2.80", true},
    {"255.255.255.255", "192.0.2.80", true},
    {"127.0.0.1", "192.0.2.80", true},
    {"192.0.2.1", "127.255.0.1", true},
    {"192.0.2.1", "0.0.0.0", true},
    {"192.0.2.1", "0.1.2.3", true},
    {"192.0.2.1", "240.0.0.1", true},
    {"192.0.2.1", "255.255.255.254", true},
    {"2001:db8::1", "2001:db8::2", false},
    {"::", "ff02::1:ff00:1", false},
    {"fe80::1", "ff02::1", false},
    {"fe80::1", "fe80::2", false},
    {"::2", "::3", false},
    {"ff02::1", "2001:db8::2", true},
    {"::1", "2001:db8::2", true},
    {"2001:db8::1", "::1", true},
    {"2001:db8::1", "::", true},
};

static void with_addresses(const char *src, const char *dst)
{
    struct ip_addr a, b;
    ck_assert(ip_addr_parse(src, &a) && ip_addr_parse(dst, &b));
    if (a.family == 4)
        ip4(17);
    else
        ip6(17);
    memcpy(w.b + (a.family == 4 ? 12 : 8), a.bytes, a.family == 4 ? 4 : 16);
    memcpy(w.b + (a.family == 4 ? 16 : 24), b.bytes, a.family == 4 ? 4 : 16);
    udp("x");
}

START_TEST(martian)
{
    with_addresses(martians[_i].src, martians[_i].dst);
    decode();
    expect_anomalies(martians[_i].martian ? ANOMALY_MARTIAN : 0u);
}
END_TEST

START_TEST(loopback_on_lo)
{
    static const struct iface lo = {.index = 1, .name = "lo"}, eth = {.index = 2, .name = "eth0"};
    with_addresses("127.0.0.1", "127.0.0.1");
    decode_with(&(struct packet_meta){.in_dev = &lo});
    expect_clean();
    decode_with(&(struct packet_meta){.in_dev = &eth, .out_dev = &eth});
    expect_anomalies(ANOMALY_MARTIAN);
    with_addresses("::1", "::1");
    decode_with(&(struct packet_meta){.out_dev = &lo});
    expect_clean();
    with_addresses("224.0.0.1", "127.0.0.1");
    decode_with(&(struct packet_meta){.in_dev = &lo});
    expect_anomalies(ANOMALY_MARTIAN);
}
END_TEST

START_TEST(land)
{
    with_addresses("192.0.2.1", "192.0.2.1");
    decode();
    expect_clean();
    set16(20, 53);
    seal(20, 6, 17, w.len - 20);
    decode();
    expect_anomalies(ANOMALY_LAND);
    with_addresses("192.0.2.1", "192.0.2.2");
    set16(20, 53);
    seal(20, 6, 17, w.len - 20);
    decode();
    expect_clean();
}
END_TEST

/* ---- fragments ---- */

/* An IPv4 fragment of `len` bytes at `offset`. */
static void frag4(uint8_t proto, size_t offset, bool more, size_t len)
{
    ip4(proto);
    set16(6, (unsigned)(offset / 8) | (more ? 0x2000 : 0));
    fill(0x20, len);
    if (offset == 0 && proto == 6)
        w.b[20 + 12] = 0x50, w.b[20 + 13] = TCP_FLAG_ACK;
    done();
    decode();
}

START_TEST(frag4_good)
{
    frag4(6, 0, true, 1480);
    expect_clean(); /* its checksum covers what is not here */
    ck_assert(p.is_fragment && p.more_fragments && p.l4 == L4_TCP && p.payload.len == 1460);
    frag4(6, 1480, true, 1480);
    expect_clean();
    ck_assert(p.is_fragment && p.frag_offset == 1480 && p.l4 == L4_NONE);
    ck_assert(p.transport.len == 0 && p.payload.len == 1480);
    frag4(6, 2960, false, 5);
    expect_clean();
    ck_assert(p.is_fragment && !p.more_fragments && p.payload.len == 5);
    frag4(17, 8, false, 8);
    expect_clean(); /* behind all of UDP's header */
    frag4(17, 1480, true, 104);
    expect_clean(); /* the rest that a router leaves */
    frag4(17, 65528 - 24, false, 11);
    expect_clean(); /* reaches 65,535 and no further */
}
END_TEST

START_TEST(frag4_bad)
{
    frag4(6, 0, true, 16);
    expect_anomalies(ANOMALY_TINY_FRAGMENT);
    ck_assert_int_eq(p.l4, L4_NONE);
    frag4(6, 0, true, 24);
    expect_clean();
    frag4(132, 0, true, 8);
    expect_anomalies(ANOMALY_TINY_FRAGMENT);
    frag4(17, 64, true, 56);
    expect_anomalies(ANOMALY_TINY_FRAGMENT);
    frag4(17, 64, true, 64);
    expect_clean();
    frag4(6, 8, false, 100);
    expect_anomalies(ANOMALY_OVERLAP_FRAGMENT);
    frag4(6, 16, false, 100);
    expect_anomalies(ANOMALY_OVERLAP_FRAGMENT);
    frag4(6, 24, false, 100);
    expect_clean();
    frag4(1, 65528 - 24, false, 12);
    expect_anomalies(ANOMALY_OVERLAP_FRAGMENT);
    frag4(17, 800, true, 801);
    expect_anomalies(ANOMALY_BAD_LENGTH);
    frag4(17, 800, false, 0);
    expect_anomalies(ANOMALY_BAD_LENGTH);
}
END_TEST

/* A first fragment that ends within TCP's options. */
START_TEST(frag4_tcp_options_cut)
{
    ip4(6);
    set16(6, 0x2000);
    fill(0, 24);
    w.b[20 + 12] = 0x80;
    w.b[20 + 13] = TCP_FLAG_ACK;
    done();
    decode();
    expect_anomalies(ANOMALY_TINY_FRAGMENT);
}
END_TEST

static void frag6(size_t offset, bool more, size_t len)
{
    static const uint8_t h[8] = {6, 0, 0, 0, 0, 0, 0x30, 0x39};
    ip6(44);
    put(h, 8);
    set16(42, (unsigned)offset | more);
    fill(0, len);
    if (offset == 0)
        w.b[48 + 12] = 0x50, w.b[48 + 13] = TCP_FLAG_ACK;
    done();
}

START_TEST(frag6_good)
{
    frag6(0, true, 1208);
    decode();
    expect_clean();
    ck_assert(p.is_fragment && p.more_fragments && p.l4 == L4_TCP && p.ip_header_len == 48 && p.ip_id == 12345);
    frag6(1208, false, 7);
    decode();
    expect_clean();
    ck_assert(p.frag_offset == 1208 && p.l4 == L4_NONE && p.ip_proto == 6 && p.transport.len == 0 &&
              p.payload.len == 7);
    frag6(0, false, 20); /* an atomic fragment is a whole packet */
    seal(48, 16, 6, 20);
    decode();
    expect_clean();
    ck_assert(!p.is_fragment && p.l4 == L4_TCP);
    w.b[48 + 4] ^= 1;
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
}
END_TEST

START_TEST(frag6_bad)
{
    frag6(8, false, 80);
    decode();
    expect_anomalies(ANOMALY_OVERLAP_FRAGMENT);
    frag6(1208, true, 32);
    decode();
    expect_anomalies(ANOMALY_TINY_FRAGMENT);
    frag6(0, true, 16);
    decode();
    expect_anomalies(ANOMALY_TINY_FRAGMENT);
    frag6(65528, false, 7);
    decode();
    expect_clean();
    frag6(65528, false, 8);
    decode();
    expect_anomalies(ANOMALY_OVERLAP_FRAGMENT);
    frag6(800, true, 803);
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
}
END_TEST

/* RFC 7112: the first fragment holds all headers; here the chain goes on in the next. */
START_TEST(frag6_chain_cut)
{
    static const uint8_t frag[8] = {60, 0, 0, 1}, opts[8] = {6, 1};
    ip6(44);
    put(frag, 8);
    put(opts, 8);
    done();
    decode();
    expect_anomalies(ANOMALY_TINY_FRAGMENT);
    ck_assert_int_eq(p.l4, L4_NONE);
}
END_TEST

/* ---- IPv6 ---- */

START_TEST(ip6_fields)
{
    char text[IP_ADDR_TEXT_MAX];
    ip6(17);
    udp("hello");
    fill(0, 3);
    decode();
    expect_clean();
    ck_assert(p.ip_version == 6 && p.ip_proto == 17 && p.ip_ttl == 59 && p.ip_tos == 0x28);
    ck_assert(p.ip_len == 53 && p.data.len == 53 && p.ip_header_len == 40);
    ck_assert_str_eq(ip_addr_format(&p.src, text), "2001:db8:1::7");
    ck_assert_str_eq(ip_addr_format(&p.dst, text), "2001:db8:2::80");
    expect_payload("hello");
    set16(4, 17);
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH); /* UDP's 13 against 17 that are said to be there, 16 that are */
    w.len = 39;
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
}
END_TEST

/* Extension headers of 8 bytes each in the given order, then UDP. */
static void chain(const uint8_t *protos, size_t n)
{
    ip6(n ? protos[0] : 17);
    for (size_t i = 0; i < n; i++) {
        uint8_t h[8] = {i + 1 < n ? protos[i + 1] : 17, 0, 1, 4};
        if (protos[i] == 43)
            h[2] = 4, h[3] = 0; /* SRH, none left */
        if (protos[i] == 44 || protos[i] == 51)
            h[2] = h[3] = 0;
        put(h, 8);
    }
    udp("deep");
    decode();
}

static const struct {
    uint8_t protos[10];
    size_t n;
    unsigned anomalies;
} chains[] = {
    {{0}, 1, 0},
    {{60}, 1, 0},
    {{51}, 1, 0},
    {{0, 60, 43, 44, 51, 60}, 6, 0},
    {{0, 43, 60, 44, 51, 60}, 6, 0},
    {{60, 44, 60}, 3, 0},
    {{60, 0}, 2, ANOMALY_EXT_CHAIN},
    {{0, 0}, 2, ANOMALY_EXT_CHAIN},
    {{60, 60}, 2, ANOMALY_EXT_CHAIN},
    {{60, 43, 60, 44, 60}, 5, ANOMALY_EXT_CHAIN},
    {{44, 43}, 2, ANOMALY_EXT_CHAIN},
    {{44, 44}, 2, ANOMALY_EXT_CHAIN},
    {{43, 43}, 2, ANOMALY_EXT_CHAIN},
    {{51, 44}, 2, ANOMALY_EXT_CHAIN},
};

START_TEST(ext_chain)
{
    chain(chains[_i].protos, chains[_i].n);
    expect_anomalies(chains[_i].anomalies);
    ck_assert(p.l4 == L4_UDP && p.ip_proto == 17);
    ck_assert_uint_eq(p.ip_header_len, 40 + 8 * chains[_i].n);
    expect_payload("deep");
}
END_TEST

START_TEST(ext_options_seen)
{
    chain((const uint8_t[]){0, 43, 60}, 3);
    ck_assert_uint_eq(p.ip_options, IP_OPTION_HOPOPTS | IP_OPTION_ROUTING | IP_OPTION_DSTOPTS);
    ck_assert_uint_eq((chain(NULL, 0), p.ip_options), 0);
}
END_TEST

START_TEST(ext_too_many)
{
    chain((const uint8_t[]){60, 43, 60, 44, 51, 60, 60, 60, 60}, 9);
    expect_anomalies(ANOMALY_EXT_CHAIN);
    ck_assert(p.l4 == L4_UDP && p.ip_proto == 17); /* for its receiver reads on */
    expect_payload("deep");
}
END_TEST

START_TEST(ext_ends)
{
    ip6(59);
    put("rest", 4);
    done();
    decode();
    expect_clean();
    ck_assert(p.ip_proto == 59 && p.l4 == L4_NONE);
    expect_payload("rest");
    ip6(50);
    put("secret..", 8);
    done();
    decode();
    expect_clean();
    ck_assert(p.ip_proto == 50 && p.l4 == L4_NONE);
}
END_TEST

START_TEST(ext_truncated)
{
    static const uint8_t h[8] = {17, 1, 1, 4};
    ip6(60);
    put(h, 8);
    done();
    decode();
    expect_anomalies(ANOMALY_TRUNCATED); /* it claims 16 */
    w.len -= 3;
    done();
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
    ip6(6);
    done();
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
}
END_TEST

/* One hop-by-hop or destination header with the given options, then UDP. */
static void tlv(uint8_t proto, const char *six)
{
    static const uint8_t h[2] = {17, 0};
    ip6(proto);
    put(h, 2);
    put(six, 6);
    udp("x");
}

START_TEST(ext_tlvs)
{
    tlv(0, "\x05\x02\0\0\0\0"); /* router alert, two Pad1 */
    decode();
    expect_clean();
    ck_assert_uint_eq(p.ip_options, IP_OPTION_HOPOPTS | IP_OPTION_ROUTER_ALERT);
    tlv(60, "\x05\x02\0\0\0\0");
    decode();
    ck_assert_uint_eq(p.ip_options, IP_OPTION_DSTOPTS);
    tlv(60, "\x3e\x05\0\0\0\0"); /* runs one byte over */
    decode();
    expect_anomalies(ANOMALY_BAD_OPTION);
    tlv(0, "\0\0\0\0\0\x3e"); /* no length */
    decode();
    expect_anomalies(ANOMALY_BAD_OPTION);
    tlv(60, "\0\0\0\0\x3e\0");
    decode();
    expect_clean();
    tlv(0, "\xc2\x03\0\0\0\0"); /* jumbo of a wrong size */
    decode();
    expect_anomalies(ANOMALY_BAD_OPTION);
    tlv(0, "\xc2\x04\0\x01\x11\x70"); /* jumbo where there is a payload length */
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
}
END_TEST

START_TEST(ip6_routing)
{
    static const uint8_t type0[8] = {17, 0, 0, 0}, type4_left[8] = {17, 0, 4, 1};
    ip6(43);
    put(type0, 8);
    udp("x");
    decode();
    expect_anomalies(ANOMALY_SOURCE_ROUTE);
    ip6(43);
    put(type4_left, 8);
    udp("x");
    w.b[48 + 6] ^= 1; /* cannot be verified while segments are left */
    decode();
    expect_clean();
    w.b[43] = 0;
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
}
END_TEST

START_TEST(ip6_jumbogram)
{
    static const uint8_t hop[8] = {6, 0, 0xc2, 4}, hdr[20] = {0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, TCP_FLAG_ACK};
    ip6(0);
    put(hop, 8);
    put(hdr, 20);
    fill('j', 66000);
    set32(44, (uint32_t)w.len - 40);
    seal(48, 16, 0, 66020);
    set16(48 + 16, 0);
    uint32_t sum = slow_sum(6 + (66020 & 0xffff) + 1, w.b + 8, 32);
    set16(48 + 16, ~slow_sum(sum, w.b + 48, 66020));
    decode();
    expect_clean();
    ck_assert(p.ip_len == 66068 && p.l4 == L4_TCP && p.payload.len == 66000);
    set32(44, (uint32_t)w.len - 39);
    decode();
    ck_assert(p.anomalies & ANOMALY_BAD_LENGTH);
    set32(44, 65535);
    decode();
    ck_assert(p.anomalies & ANOMALY_BAD_LENGTH);
    memset(w.b + 42, 0, 6); /* no jumbo option: a packet of no payload that has one */
    decode();
    ck_assert(p.anomalies & ANOMALY_BAD_LENGTH);
}
END_TEST

/* ---- TCP ---- */

START_TEST(tcp_fields)
{
    ip4(6);
    tcp(TCP_FLAG_PSH | TCP_FLAG_ACK, "GET /");
    decode();
    expect_clean();
    ck_assert(p.l4 == L4_TCP && p.srcport == 40000 && p.dstport == 80 && p.tcp_seq == 0x01020304);
    ck_assert(p.tcp_ack == 0x05060708 && p.tcp_flags == 0x18 && p.tcp_window == 0x1000 && p.tcp_urgent == 9);
    ck_assert(p.l4_header_len == 20 && p.transport.len == 25 && !p.tcp_has_mss);
    expect_payload("GET /");
}
END_TEST

START_TEST(tcp_checksum)
{
    for (int version = 4; version <= 6; version += 2) {
        if (version == 4)
            ip4(6);
        else
            ip6(6);
        tcp(TCP_FLAG_ACK, "odd");
        decode();
        expect_clean();
        w.b[w.len - 1] ^= 0x80;
        decode();
        expect_anomalies(ANOMALY_BAD_CHECKSUM);
        decode_with(&(struct packet_meta){.csum = CSUM_VERIFIED});
        expect_clean();
        decode_with(&(struct packet_meta){.csum = CSUM_NOT_READY});
        expect_clean();
        decode_with(&(struct packet_meta){.gso = true});
        expect_clean();
        packet_decode(&p, &(struct packet_meta){.full_len = (uint32_t)w.len}, span_of(w.b, w.len), 0);
        expect_clean();
    }
}
END_TEST

static const struct {
    uint8_t flags;
    bool bad;
} flag_table[] = {
    {0x02, false}, {0x12, false}, {0x10, false}, {0x18, false}, {0x11, false}, {0x19, false}, {0x04, false},
    {0x14, false}, {0x39, false}, {0x30, false}, {0xc2, false}, {0x52, false}, {0x22, false}, {0x90, false},
    {0x00, true},  {0xc0, true},  {0x03, true},  {0x13, true},  {0x06, true},  {0x16, true},  {0x01, true},
    {0x29, true},  {0x21, true},  {0x3f, true},  {0x05, true},
};

START_TEST(tcp_flags)
{
    ip4(6);
    tcp(flag_table[_i].flags, "");
    decode();
    expect_anomalies(flag_table[_i].bad ? ANOMALY_BAD_FLAGS : 0u);
    ck_assert_uint_eq(p.tcp_flags, flag_table[_i].flags);
}
END_TEST

START_TEST(tcp_options_read)
{
    ip4(6);
    tcp_opt(TCP_FLAG_SYN, "\x02\x04\x05\xb4\x04\x02\x08\x0a\x01\x02\x03\x04\x05\x06\x07\x08\x01\x03\x03\x07", 20, "x");
    decode();
    expect_clean();
    ck_assert(p.tcp_has_mss && p.tcp_mss == 1460 && p.tcp_has_wscale && p.tcp_wscale == 7 && p.tcp_sack_ok);
    ck_assert(p.tcp_has_timestamp && p.tcp_ts_val == 0x01020304 && p.tcp_ts_ecr == 0x05060708);
    ck_assert_uint_eq(p.l4_header_len, 40);
    expect_payload("x");
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
    bool bad;
} tcp_option_table[] = {
    {"\x01\x01\x05\x0a\0\0\0\1\0\0\0\2", 12, false},
    {"\x01\x01\x05\x09\0\0\0\1\0\0\0\2", 12, true},
    {"\x05\x02\x01\x01", 4, true},
    {"\x02\x03\x05\x00", 4, true},
    {"\x02\x05\x05\xb4\x00\x00\x00\x00", 8, true},
    {"\x03\x04\x07\x00", 4, true},
    {"\x04\x03\x00\x00", 4, true},
    {"\x01\x01\x08\x08\0\0\0\1\0\0\0\2", 12, true},
    {"\xfd\x04\xde\xad", 4, false}, /* unknown */
    {"\xfd\x05\xde\xad", 4, true},  /* past the end */
    {"\xfd\x01\x00\x00", 4, true},
    {"\xfd\x00\x00\x00", 4, true},
    {"\x01\x01\x01\x02", 4, true},  /* no length */
    {"\x00\x02\xff\xff", 4, false}, /* after the end of the list */
};

START_TEST(tcp_option_lengths)
{
    ip4(6);
    tcp_opt(TCP_FLAG_ACK, tcp_option_table[_i].bytes, tcp_option_table[_i].len, "data");
    decode();
    expect_anomalies(tcp_option_table[_i].bad ? ANOMALY_BAD_OPTION : 0u);
    ck_assert(!p.tcp_has_mss && !p.tcp_has_wscale && !p.tcp_has_timestamp && !p.tcp_sack_ok);
    expect_payload("data");
}
END_TEST

START_TEST(tcp_lengths)
{
    ip4(6);
    tcp(TCP_FLAG_ACK, "");
    w.b[32] = 0x40;
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
    ck_assert_int_eq(p.l4, L4_NONE);
    w.b[32] = 0x60;
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
    ck_assert_int_eq(p.l4, L4_NONE);
    w.len = 39;
    done();
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
    ck_assert(p.l4 == L4_NONE && p.transport.len == 19);
}
END_TEST

/* ---- UDP, UDP-Lite ---- */

START_TEST(udp_fields)
{
    ip4(17);
    udp("query");
    decode();
    expect_clean();
    ck_assert(p.l4 == L4_UDP && p.srcport == 5000 && p.dstport == 53 && p.l4_header_len == 8);
    expect_payload("query");
}
END_TEST

START_TEST(udp_checksum)
{
    ip4(17);
    udp("query");
    w.b[28] ^= 1;
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
    set16(26, 0);
    decode();
    expect_clean();
    ip6(17);
    udp("query");
    decode();
    expect_clean();
    set16(46, 0);
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
}
END_TEST

START_TEST(udp_lengths)
{
    ip4(17);
    udp("query");
    set16(24, 7);
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
    ck_assert_int_eq(p.l4, L4_NONE);
    set16(24, 14);
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
    ck_assert_int_eq(p.l4, L4_NONE);
    set16(24, 10);
    set16(26, 0);
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
    ck_assert_int_eq(p.l4, L4_UDP);
    expect_payload("qu");
    w.len = 27;
    done();
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
}
END_TEST

static void udplite(unsigned coverage, size_t covered)
{
    ip4(136);
    static const uint8_t h[8] = {0, 7, 0, 8};
    put(h, 8);
    put("payload", 7);
    set16(24, coverage);
    done();
    seal(20, 6, 136, covered);
    decode();
}

START_TEST(udplite_all)
{
    udplite(0, 15);
    expect_clean();
    ck_assert(p.l4 == L4_UDPLITE && p.srcport == 7 && p.dstport == 8);
    expect_payload("payload");
    udplite(8, 8);
    expect_clean();
    w.b[30] ^= 1; /* not covered */
    decode();
    expect_clean();
    udplite(0, 15);
    w.b[30] ^= 1;
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
    udplite(8, 8);
    set16(26, 0);
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
    udplite(7, 8);
    expect_anomalies(ANOMALY_BAD_LENGTH);
    udplite(16, 15);
    expect_anomalies(ANOMALY_BAD_LENGTH);
}
END_TEST

/* ---- ICMP, SCTP, GRE ---- */

START_TEST(icmp_all)
{
    static const uint8_t echo[8] = {8, 0, 0, 0, 0x12, 0x34, 0, 5}, unreachable[8] = {3, 1, 0, 0, 9, 9, 9, 9};
    ip4(1);
    put(echo, 8);
    put("ping!", 5);
    done();
    seal(20, 2, 0, 13);
    decode();
    expect_clean();
    ck_assert(p.l4 == L4_ICMP && p.icmp_type == 8 && p.icmp_id == 0x1234 && p.icmp_seq == 5);
    expect_payload("ping!");
    w.b[28] ^= 1;
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
    ip4(1);
    put(unreachable, 8);
    done();
    seal(20, 2, 0, 8);
    decode();
    expect_clean();
    ck_assert(p.icmp_type == 3 && p.icmp_code == 1 && p.icmp_id == 0 && p.icmp_seq == 0);
    w.len = 27;
    done();
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
}
END_TEST

START_TEST(icmpv6_all)
{
    static const uint8_t echo[8] = {128, 0, 0, 0, 0x12, 0x34, 0, 5};
    ip6(58);
    put(echo, 8);
    put("x", 1);
    done();
    seal(40, 2, 58, 9);
    decode();
    expect_clean();
    ck_assert(p.l4 == L4_ICMPV6 && p.icmp_type == 128 && p.icmp_id == 0x1234 && p.icmp_seq == 5);
    w.b[48] ^= 1;
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
    ip4(58); /* not over IPv4 */
    put(echo, 8);
    done();
    decode();
    expect_clean();
    ck_assert(p.l4 == L4_NONE && p.payload.len == 8);
}
END_TEST

START_TEST(sctp_all)
{
    static const uint8_t h[12] = {0, 9, 0x26, 0xab, 1, 2, 3, 4}, chunk[8] = {10, 0, 0, 8, 'd', 'a', 't', 'a'};
    ip4(132);
    put(h, 12);
    put(chunk, 8);
    done();
    uint32_t crc = ~crc32c_add_portable(CRC32C_START, w.b + 20, 20);
    for (int i = 0; i < 4; i++)
        w.b[28 + i] = (uint8_t)(crc >> 8 * i);
    decode();
    expect_clean();
    ck_assert(p.l4 == L4_SCTP && p.srcport == 9 && p.dstport == 9899 && p.sctp_vtag == 0x01020304);
    ck_assert(p.sctp_chunk_type == 10 && p.payload.len == 8 && p.l4_header_len == 12);
    w.b[39] ^= 1;
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
    decode_with(&(struct packet_meta){.csum = CSUM_NOT_READY});
    expect_clean();
    set16(34, 9);
    decode_with(&(struct packet_meta){.csum = CSUM_VERIFIED});
    expect_anomalies(ANOMALY_BAD_LENGTH);
    set16(34, 3);
    decode_with(&(struct packet_meta){.csum = CSUM_VERIFIED});
    expect_anomalies(ANOMALY_BAD_LENGTH);
    w.len = 35;
    done();
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
}
END_TEST

static void gre(unsigned flags, size_t fields)
{
    ip4(47);
    fill(0, 4);
    set16(20, flags);
    set16(22, 0x0800);
    fill(0x11, fields);
    put("inner", 5);
    done();
}

START_TEST(gre_all)
{
    gre(0, 0);
    decode();
    expect_clean();
    ck_assert(p.l4 == L4_GRE && p.gre_proto == 0x0800 && !p.gre_has_key);
    expect_payload("inner");
    gre(0xb000, 12); /* checksum, key, sequence */
    set16(26, 0);
    set32(28, 0xcafe);
    seal(20, 4, 0, w.len - 20);
    decode();
    expect_clean();
    ck_assert(p.gre_has_key && p.gre_key == 0xcafe && p.l4_header_len == 16);
    expect_payload("inner");
    w.b[36] ^= 1;
    decode();
    expect_anomalies(ANOMALY_BAD_CHECKSUM);
    gre(0x3081, 12); /* PPTP: key, sequence, acknowledgment */
    decode();
    expect_clean();
    ck_assert(p.l4 == L4_GRE && p.gre_key == 0x11111111);
    expect_payload("inner");
    gre(0x4000, 0);
    decode();
    expect_clean();
    ck_assert_int_eq(p.l4, L4_NONE);
    gre(0x0002, 0);
    decode();
    ck_assert_int_eq(p.l4, L4_NONE);
    gre(0x3000, 0); /* 12 bytes of header, 9 there */
    decode();
    expect_anomalies(ANOMALY_TRUNCATED);
}
END_TEST

START_TEST(other_protocol)
{
    ip4(89);
    put("ospf", 4);
    done();
    decode();
    expect_clean();
    ck_assert(p.l4 == L4_NONE && p.ip_proto == 89 && p.transport.len == 4);
    expect_payload("ospf");
}
END_TEST

/* ---- GSO and short copies ---- */

START_TEST(gso_lengths)
{
    ip4(6);
    tcp(TCP_FLAG_ACK, "");
    fill('z', 3000);
    set16(2, 0); /* BIG TCP */
    ip4_fix();
    decode_with(&(struct packet_meta){.gso = true});
    expect_clean();
    ck_assert(p.ip_len == 3040 && p.payload.len == 3000);
    decode();
    expect_anomalies(ANOMALY_BAD_LENGTH);
    ip6(17);
    udp("x");
    fill('z', 3000); /* UDP's length is that of one segment */
    set16(4, 0);
    decode_with(&(struct packet_meta){.gso = true});
    expect_clean();
    ck_assert(p.ip_len == 3049 && p.payload.len == 3001);
    static const uint8_t hop[8] = {6, 0, 0xc2, 4};
    ip6(0); /* BIG TCP as older kernels write it */
    put(hop, 8);
    tcp(TCP_FLAG_ACK, "abc");
    set16(4, 0);
    decode_with(&(struct packet_meta){.gso = true});
    expect_clean();
    expect_payload("abc");
}
END_TEST

/* Only the first bytes came up: nothing is wrong with the packet. */
START_TEST(copied_in_part)
{
    ip4(6);
    tcp_opt(TCP_FLAG_SYN, "\x02\x04\x05\xb4\x01\x03\x03\x07", 8, "some request or other");
    size_t whole = w.len;
    for (w.len = 0; w.len <= whole; w.len++) {
        decode_with(&(struct packet_meta){.full_len = (uint32_t)whole});
        expect_clean();
        ck_assert_int_eq(p.l4, w.len >= 40 ? L4_TCP : L4_NONE);
        ck_assert_uint_eq(p.payload.len, w.len >= 40 ? (w.len > 48 ? w.len - 48 : 0) : w.len > 20 ? w.len - 20 : 0);
        ck_assert_int_eq(p.tcp_has_mss, w.len >= 44);
        ck_assert_int_eq(p.tcp_has_wscale, w.len >= 48);
    }
    w.len = 60;
    w.b[59] ^= 1; /* a bad checksum that cannot be seen */
    decode_with(&(struct packet_meta){.full_len = (uint32_t)whole});
    expect_clean();
    set16(2, (unsigned)whole + 1); /* but a wrong length can */
    ip4_fix();
    decode_with(&(struct packet_meta){.full_len = (uint32_t)whole});
    expect_anomalies(ANOMALY_BAD_LENGTH);
}
END_TEST

START_TEST(copied_in_part_udp)
{
    ip6(17);
    udp("a question of some length");
    size_t whole = w.len;
    w.len = 56;
    decode_with(&(struct packet_meta){.full_len = (uint32_t)whole});
    expect_clean();
    ck_assert(p.l4 == L4_UDP && p.ip_len == whole);
    expect_payload("a questi");
    set16(44, (unsigned)(whole - 40 + 1));
    decode_with(&(struct packet_meta){.full_len = (uint32_t)whole});
    expect_anomalies(ANOMALY_BAD_LENGTH);
}
END_TEST

/* ---- packets made by scapy ---- */

static const struct sample {
    const char *name;
    enum l4_kind l4;
    uint8_t proto;
    unsigned options, anomalies;
    size_t payload;
} samples[] = {
    {"ah6", L4_TCP, 6, 0, 0, 0},
    {"bad_csum4", L4_TCP, 6, 0, ANOMALY_BAD_CHECKSUM, 0},
    {"cut4", L4_TCP, 6, 0, 0, 56},
    {"dhcp4", L4_UDP, 17, 0, 0, 244},
    {"exts6", L4_UDP, 17, IP_OPTION_HOPOPTS | IP_OPTION_ROUTING | IP_OPTION_DSTOPTS | IP_OPTION_ROUTER_ALERT, 0, 4},
    {"frag4_first", L4_UDP, 17, 0, 0, 1472},
    {"frag4_middle", L4_NONE, 17, 0, 0, 1480},
    {"frag4_last", L4_NONE, 17, 0, 0, 48},
    {"frag6_first", L4_UDP, 17, 0, 0, 1224},
    {"frag6_last", L4_NONE, 17, 0, 0, 776},
    {"gre4_key", L4_GRE, 47, 0, 0, 29},
    {"gso4", L4_TCP, 6, 0, 0, 2000},
    {"icmp4_echo", L4_ICMP, 1, 0, 0, 5},
    {"icmp6_echo", L4_ICMPV6, 58, 0, 0, 5},
    {"icmp6_ns", L4_ICMPV6, 58, 0, 0, 16},
    {"ip4_lsrr", L4_TCP, 6, IP_OPTION_LSRR, ANOMALY_SOURCE_ROUTE, 0},
    {"ip4_options", L4_ICMP, 1, IP_OPTION_RECORD_ROUTE | IP_OPTION_ROUTER_ALERT, ANOMALY_RECORD_ROUTE, 0},
    {"sctp4_init", L4_SCTP, 132, 0, 0, 20},
    {"sctp6_data", L4_SCTP, 132, 0, 0, 24},
    {"tcp4_http", L4_TCP, 6, 0, 0, 27},
    {"tcp4_syn", L4_TCP, 6, 0, 0, 0},
    {"tcp6_syn", L4_TCP, 6, 0, 0, 0},
    {"udp4_dns", L4_UDP, 17, 0, 0, 29},
    {"udp4_zero_csum", L4_UDP, 17, 0, 0, 3},
    {"udp6_odd", L4_UDP, 17, 0, 0, 3},
    {"udplite4", L4_UDPLITE, 136, 0, 0, 4},
};

/* A corpus file: settings, how much was not copied (in 16 bytes), the packet. */
static struct packet_meta load(const char *name)
{
    char path[512];
    uint8_t head[2];
    snprintf(path, sizeof path, "%s/fuzz/corpus/packet/%s", TEST_DATA, name);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    ck_assert_uint_eq(fread(head, 1, 2, f), 2);
    w.len = fread(w.b, 1, sizeof w.b, f);
    fclose(f);
    return (struct packet_meta){
        .full_len = (uint32_t)w.len + head[1] * 16u,
        .gso = head[0] & 1,
        .csum = head[0] & 4 ? CSUM_NOT_READY : CSUM_VERIFY,
    };
}

START_TEST(scapy_sample)
{
    const struct sample *s = &samples[_i];
    struct packet_meta meta = load(s->name);
    decode_with(&meta);
    expect_anomalies(s->anomalies);
    ck_assert_int_eq(p.l4, s->l4);
    ck_assert_uint_eq(p.ip_proto, s->proto);
    ck_assert_uint_eq(p.ip_options, s->options);
    ck_assert_uint_eq(p.payload.len, s->payload);
}
END_TEST

/* `len` bytes that end where a page begins that nobody may touch. */
static uint8_t *before_guard(const uint8_t *b, size_t len)
{
    static uint8_t *area;
    const size_t room = 1 << 17;
    if (!area) {
        area = mmap(NULL, room + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(area, MAP_FAILED);
        ck_assert_int_eq(mprotect(area + room, 4096, PROT_NONE), 0);
    }
    memcpy(area + room - len, b, len);
    return area + room - len;
}

static bool inside(const uint8_t *b, size_t len, struct span s)
{
    return s.len == 0 || (s.data >= b && s.data + s.len <= b + len);
}

/* Every length of every sample, cut off short on the way and by the copy. */
START_TEST(every_truncation)
{
    struct packet_meta meta = load(samples[_i].name);
    for (size_t len = 0; len <= w.len; len++) {
        uint8_t *b = before_guard(w.b, len);
        for (int copied = 0; copied < 2; copied++) {
            struct packet_meta m = meta;
            m.full_len = copied ? meta.full_len : (uint32_t)len;
            packet_decode(&p, &m, span_of(b, len), PACKET_NEED_CHECKSUM);
            ck_assert(inside(b, len, p.data) && inside(b, len, p.transport) && inside(b, len, p.payload));
            if (copied && len < w.len)
                ck_assert_msg(!(p.anomalies & ~samples[_i].anomalies), "%s at %zu: %s", samples[_i].name, len,
                              anomalies());
            if (!copied && len < w.len && !meta.gso)
                ck_assert_msg(p.anomalies != 0, "%s at %zu", samples[_i].name, len);
        }
    }
}
END_TEST

/* An option without its length byte at the very end of a packet. */
START_TEST(option_at_the_end)
{
    ip4_opt(89, "\x01\x01\x01\x94", 4);
    done();
    packet_decode(&p, &(struct packet_meta){.full_len = (uint32_t)w.len}, span_of(before_guard(w.b, w.len), w.len), 0);
    expect_anomalies(ANOMALY_BAD_OPTION);
    ip4(6);
    tcp_opt(TCP_FLAG_ACK, "\x01\x01\x01\x02", 4, "");
    packet_decode(&p, &(struct packet_meta){.full_len = (uint32_t)w.len}, span_of(before_guard(w.b, w.len), w.len), 0);
    expect_anomalies(ANOMALY_BAD_OPTION);
    tlv(60, "\0\0\0\0\0\x3e");
    w.b[40] = 59;
    w.len = 48;
    done();
    packet_decode(&p, &(struct packet_meta){.full_len = (uint32_t)w.len}, span_of(before_guard(w.b, w.len), w.len), 0);
    expect_anomalies(ANOMALY_BAD_OPTION);
}
END_TEST

static TCase *tcase(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    return t;
}

static void add_base(Suite *s)
{
    TCase *t = tcase(s, "base");
    tcase_add_test(t, span_cuts);
    tcase_add_test(t, cursor_reads);
    tcase_add_test(t, cursor_stays_bad);
    tcase_add_test(t, diag_texts);
    tcase_add_test(t, diag_bounded);
}

static void add_tables(Suite *s)
{
    TCase *t = tcase(s, "addresses, checksums, names");
    tcase_add_loop_test(t, addr_parse_format, 0, ARRAY_LEN(addr_good));
    tcase_add_loop_test(t, addr_refused, 0, ARRAY_LEN(addr_bad));
    tcase_add_test(t, addr_none_has_no_text);
    tcase_add_loop_test(t, net_parse, 0, ARRAY_LEN(nets));
    tcase_add_test(t, net_has);
    tcase_add_test(t, csum_as_the_textbook);
    tcase_add_test(t, csum_chains);
    tcase_add_test(t, csum_rfc1071);
    tcase_add_test(t, csum_pseudo_header);
    tcase_add_test(t, crc32c_known);
    tcase_add_test(t, names);
    tcase_add_test(t, proto_names);
}

static void add_ip(Suite *s)
{
    TCase *t = tcase(s, "ip");
    tcase_add_test(t, ip4_fields);
    tcase_add_test(t, ip4_in_place);
    tcase_add_test(t, version_wrong);
    tcase_add_test(t, ip4_checksum);
    tcase_add_test(t, ip4_lengths);
    tcase_add_test(t, ip4_header_cut);
    tcase_add_loop_test(t, ip4_options, 0, ARRAY_LEN(ip4_options_table));
    tcase_add_test(t, source_route_checksum);
    tcase_add_loop_test(t, martian, 0, ARRAY_LEN(martians));
    tcase_add_test(t, loopback_on_lo);
    tcase_add_test(t, land);
    tcase_add_test(t, frag4_good);
    tcase_add_test(t, frag4_bad);
    tcase_add_test(t, frag4_tcp_options_cut);
    tcase_add_test(t, frag6_good);
    tcase_add_test(t, frag6_bad);
    tcase_add_test(t, frag6_chain_cut);
    tcase_add_test(t, ip6_fields);
    tcase_add_loop_test(t, ext_chain, 0, ARRAY_LEN(chains));
    tcase_add_test(t, ext_options_seen);
    tcase_add_test(t, ext_too_many);
    tcase_add_test(t, ext_ends);
    tcase_add_test(t, ext_truncated);
    tcase_add_test(t, ext_tlvs);
    tcase_add_test(t, ip6_routing);
    tcase_add_test(t, ip6_jumbogram);
}

static void add_transport(Suite *s)
{
    TCase *t = tcase(s, "transport");
    tcase_add_test(t, tcp_fields);
    tcase_add_test(t, tcp_checksum);
    tcase_add_loop_test(t, tcp_flags, 0, ARRAY_LEN(flag_table));
    tcase_add_test(t, tcp_options_read);
    tcase_add_loop_test(t, tcp_option_lengths, 0, ARRAY_LEN(tcp_option_table));
    tcase_add_test(t, tcp_lengths);
    tcase_add_test(t, udp_fields);
    tcase_add_test(t, udp_checksum);
    tcase_add_test(t, udp_lengths);
    tcase_add_test(t, udplite_all);
    tcase_add_test(t, icmp_all);
    tcase_add_test(t, icmpv6_all);
    tcase_add_test(t, sctp_all);
    tcase_add_test(t, gre_all);
    tcase_add_test(t, other_protocol);
    tcase_add_test(t, gso_lengths);
    tcase_add_test(t, copied_in_part);
    tcase_add_test(t, copied_in_part_udp);
    tcase_add_loop_test(t, scapy_sample, 0, ARRAY_LEN(samples));
    tcase_add_test(t, option_at_the_end);
    tcase_add_loop_test(t, every_truncation, 0, ARRAY_LEN(samples));
}

int main(void)
{
    Suite *s = suite_create("net");
    add_base(s);
    add_tables(s);
    add_ip(s);
    add_transport(s);
    return run_suite(s);
}
