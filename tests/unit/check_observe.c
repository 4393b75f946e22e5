/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

#include "observe/events.h"
#include "observe/json.h"
#include "observe/stats.h"
#include "run_suite.h"

static char folder[64], file[96], rotated[96];

static void set_up(void)
{
    strcpy(folder, "/tmp/check_observe.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/eve.json", folder);
    snprintf(rotated, sizeof rotated, "%s/eve.json.1", folder);
}

static void tear_down(void)
{
    unlink(file);
    unlink(rotated);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* JSON: a line's tree, and its members by a path "a.b". */
static yajl_val parse(const char *line)
{
    char why[256];
    size_t len = strlen(line);
    ck_assert_uint_gt(len, 0);
    ck_assert_ptr_eq(strchr(line, '\n'), line + len - 1);
    yajl_val v = yajl_tree_parse(line, why, sizeof why);
    ck_assert_msg(v && YAJL_IS_OBJECT(v), "%s: %s", why, line);
    return v;
}

static yajl_val member(yajl_val v, const char *path)
{
    char copy[128], *at = copy, *part;
    snprintf(copy, sizeof copy, "%s", path);
    while (v && (part = strsep(&at, "."))) {
        const char *one[] = {part, NULL};
        v = yajl_tree_get(v, one, yajl_t_any);
    }
    return v;
}

static const char *text_at(yajl_val v, const char *path)
{
    yajl_val m = member(v, path);
    ck_assert_msg(YAJL_IS_STRING(m), "%s is no string", path);
    return m->u.string;
}

static void assert_text(yajl_val v, const char *path, const char *expected)
{
    ck_assert_str_eq(text_at(v, path), expected);
}

static void assert_number(yajl_val v, const char *path, const char *expected)
{
    yajl_val m = member(v, path);
    ck_assert_msg(YAJL_IS_NUMBER(m), "%s is no number", path);
    ck_assert_str_eq(YAJL_GET_NUMBER(m), expected);
}

static void assert_absent(yajl_val v, const char *path)
{
    ck_assert_msg(!member(v, path), "%s is there", path);
}

static yajl_val formatted(const struct event *e)
{
    char *line = event_format(e);
    ck_assert_ptr_nonnull(line);
    yajl_val v = parse(line);
    free(line);
    return v;
}

static struct event tcp_event(enum event_type type)
{
    struct event e = {.time_ns = 1700000000123456789ull,
                      .flow_id = (1ull << 53) - 1,
                      .type = type,
                      .ip_version = 4,
                      .proto = IPPROTO_TCP,
                      .ttl = 63,
                      .tos = 16,
                      .tcp_flags = 0x12,
                      .severity = 2,
                      .srcport = 40000,
                      .dstport = 65535,
                      .queue = 7,
                      .tcp_window = 512,
                      .has_ports = true,
                      .is_tcp = true,
                      .blocked = true,
                      .length = 60,
                      .ip_id = 99,
                      .tcp_seq = 4294967295u,
                      .tcp_ack = 5,
                      .rule_id = 100010,
                      .in_dev = "eth0",
                      .out_dev = "eth1",
                      .action = "reject",
                      .reason = "rules",
                      .ct_state = "new",
                      .ct_direction = "original",
                      .anomalies = "bad_flags,land",
                      .name = "a rule"};
    inet_pton(AF_INET, "192.0.2.1", e.src);
    inet_pton(AF_INET, "198.51.100.2", e.dst);
    return e;
}

START_TEST(format_tcp_alert)
{
    struct event e = tcp_event(EVENT_ALERT);
    yajl_val v = formatted(&e);
    assert_text(v, "event_type", "alert");
    assert_number(v, "flow_id", "9007199254740991");
    assert_text(v, "in_iface", "eth0");
    assert_text(v, "src_ip", "192.0.2.1");
    assert_number(v, "src_port", "40000");
    assert_text(v, "dest_ip", "198.51.100.2");
    assert_number(v, "dest_port", "65535");
    assert_text(v, "proto", "TCP");
    assert_text(v, "alert.action", "blocked");
    assert_number(v, "alert.gid", "1");
    assert_number(v, "alert.signature_id", "100010");
    assert_number(v, "alert.rev", "1");
    assert_text(v, "alert.signature", "a rule");
    assert_text(v, "alert.category", "");
    assert_number(v, "alert.severity", "2");
    assert_number(v, "sluice.queue", "7");
    assert_text(v, "sluice.action", "reject");
    assert_text(v, "sluice.out_iface", "eth1");
    assert_text(v, "sluice.ct_state", "new");
    assert_text(v, "sluice.ct_direction", "original");
    assert_text(v, "sluice.anomalies", "bad_flags,land");
    assert_absent(v, "drop");
    assert_absent(v, "vlan");
    assert_absent(v, "icmp_type");
    assert_absent(v, "sluice.mode");
    yajl_tree_free(v);
}
END_TEST

START_TEST(format_tcp_drop)
{
    static const struct {
        const char *path;
        bool set;
    } flags[] = {{"drop.fin", false}, {"drop.syn", true}, {"drop.rst", false},
                 {"drop.psh", false}, {"drop.ack", true}, {"drop.urg", false}};
    struct event e = tcp_event(EVENT_DROP);
    yajl_val v = formatted(&e);
    assert_text(v, "event_type", "drop");
    assert_number(v, "drop.len", "60");
    assert_number(v, "drop.tos", "16");
    assert_number(v, "drop.ttl", "63");
    assert_number(v, "drop.ipid", "99");
    assert_number(v, "drop.tcpseq", "4294967295");
    assert_number(v, "drop.tcpack", "5");
    assert_number(v, "drop.tcpwin", "512");
    for (size_t i = 0; i < ARRAY_LEN(flags); i++)
        ck_assert_msg(flags[i].set ? YAJL_IS_TRUE(member(v, flags[i].path)) : YAJL_IS_FALSE(member(v, flags[i].path)),
                      "%s", flags[i].path);
    assert_text(v, "drop.reason", "rules");
    assert_absent(v, "alert");
    yajl_tree_free(v);
}
END_TEST

START_TEST(format_udp6_vlan_monitor)
{
    struct event e = {.type = EVENT_ALERT,
                      .ip_version = 6,
                      .proto = IPPROTO_UDP,
                      .srcport = 53,
                      .dstport = 1024,
                      .has_ports = true,
                      .has_vlan = true,
                      .vlan = 4094,
                      .would_block = true,
                      .action = "drop"};
    inet_pton(AF_INET6, "2001:db8::1", e.src);
    inet_pton(AF_INET6, "fe80::2", e.dst);
    yajl_val v = formatted(&e);
    assert_text(v, "src_ip", "2001:db8::1");
    assert_text(v, "dest_ip", "fe80::2");
    assert_text(v, "proto", "UDP");
    ck_assert(YAJL_IS_ARRAY(member(v, "vlan")));
    ck_assert_uint_eq(YAJL_GET_ARRAY(member(v, "vlan"))->len, 1);
    ck_assert_int_eq(YAJL_GET_INTEGER(YAJL_GET_ARRAY(member(v, "vlan"))->values[0]), 4094);
    assert_text(v, "alert.action", "allowed");
    assert_text(v, "sluice.mode", "monitor");
    assert_absent(v, "in_iface");
    assert_absent(v, "sluice.out_iface");
    assert_absent(v, "sluice.ct_state");
    assert_absent(v, "sluice.anomalies");
    yajl_tree_free(v);
}
END_TEST

START_TEST(format_icmp_and_others)
{
    struct event e = {.type = EVENT_DROP,
                      .ip_version = 4,
                      .proto = IPPROTO_ICMP,
                      .is_icmp = true,
                      .icmp_type = 8,
                      .icmp_code = 3,
                      .reason = "memory"};
    yajl_val v = formatted(&e);
    assert_text(v, "proto", "ICMP");
    assert_number(v, "icmp_type", "8");
    assert_number(v, "icmp_code", "3");
    assert_text(v, "drop.reason", "memory");
    assert_absent(v, "src_port");
    assert_absent(v, "drop.tcpseq");
    yajl_tree_free(v);
    e.proto = IPPROTO_ICMPV6;
    v = formatted(&e);
    assert_text(v, "proto", "IPv6-ICMP");
    yajl_tree_free(v);
    e.proto = 200;
    v = formatted(&e);
    assert_text(v, "proto", "200");
    yajl_tree_free(v);
    e.ip_version = 0;
    v = formatted(&e);
    assert_text(v, "src_ip", "");
    yajl_tree_free(v);
}
END_TEST

static void assert_signature(const char *name, const char *shown)
{
    struct event e = tcp_event(EVENT_ALERT);
    snprintf(e.name, sizeof e.name, "%s", name);
    yajl_val v = formatted(&e);
    assert_text(v, "alert.signature", shown);
    yajl_tree_free(v);
}

START_TEST(format_names)
{
    assert_signature("say \"no\" \\ \t\n \x01 </script>", "say \"no\" \\ \t\n \x01 </script>");
    assert_signature("gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\xab", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\xab");
    assert_signature("", "");
    assert_signature("a\xff"
                     "b other bytes",
                     "aÿb other bytes");
    assert_signature("\xff\xff", "ÿÿ");
}
END_TEST

/* A name that was cut to fit the record, in the midst of a character, keeps all the others. */
START_TEST(format_cut_name)
{
    char longer[256] = "", kept[128];
    for (size_t i = 0; i < 50; i++)
        strcat(longer, "\xf0\x9f\x9a\xab"); /* four bytes each, and the record holds 127 */
    memcpy(kept, longer, 124);
    kept[124] = '\0';
    assert_signature(longer, kept);
}
END_TEST

/* HTTP. */
static struct event http_event(enum event_type type)
{
    struct event e = tcp_event(type);
    e.severity = 1;
    e.has_http = true;
    e.tx_id = 3;
    e.http_status = 404;
    e.score = -7;
    e.anomalies[0] = '\0';
    strcpy(e.http_method, "GET");
    strcpy(e.http_protocol, "HTTP/1.1");
    strcpy(e.http_host, "www.example.org");
    strcpy(e.http_url, "/a?id=1");
    strcpy(e.http_agent, "curl/7.88.1");
    strcpy(e.http_content_type, "text/plain");
    strcpy(e.http_anomalies, "bare_lf,nul");
    strcpy(e.request_id, "c0ffee-3");
    strcpy(e.tags, "attack-lfi,paranoia");
    strcpy(e.matched_what, "lower(http.args)");
    strcpy(e.matched_name, "id");
    memcpy(e.matched_value, "../etc", 6);
    e.matched_value_len = 6;
    return e;
}

START_TEST(format_http_alert)
{
    struct event e = http_event(EVENT_ALERT);
    yajl_val v = formatted(&e);
    assert_text(v, "event_type", "alert");
    assert_text(v, "app_proto", "http");
    assert_number(v, "tx_id", "3");
    assert_text(v, "http.hostname", "www.example.org");
    assert_text(v, "http.url", "/a?id=1");
    assert_text(v, "http.http_user_agent", "curl/7.88.1");
    assert_text(v, "http.http_content_type", "text/plain");
    assert_text(v, "http.http_method", "GET");
    assert_text(v, "http.protocol", "HTTP/1.1");
    assert_number(v, "http.status", "404");
    yajl_val tags = member(v, "alert.metadata.tag");
    ck_assert(YAJL_IS_ARRAY(tags));
    ck_assert_uint_eq(YAJL_GET_ARRAY(tags)->len, 2);
    ck_assert_str_eq(YAJL_GET_STRING(YAJL_GET_ARRAY(tags)->values[0]), "attack-lfi");
    ck_assert_str_eq(YAJL_GET_STRING(YAJL_GET_ARRAY(tags)->values[1]), "paranoia");
    assert_text(v, "sluice.matched.what", "lower(http.args)");
    assert_text(v, "sluice.matched.name", "id");
    assert_text(v, "sluice.matched.value", "../etc");
    assert_number(v, "sluice.score", "-7");
    assert_text(v, "sluice.http_anomalies", "bare_lf,nul");
    assert_text(v, "sluice.request_id", "c0ffee-3");
    yajl_tree_free(v);
}
END_TEST

START_TEST(format_seclang)
{
    struct event e = tcp_event(EVENT_ALERT);
    e.rule_id = 9223372036854775807u;
    e.sec_phase = 2;
    e.sec_severity = 2;
    e.sec_line = 17;
    strcpy(e.sec_file, "a.conf");
    strcpy(e.sec_data, "found \xff");
    strcpy(e.name, "caf\xe9");
    strcpy(e.action, "deny");
    yajl_val v = formatted(&e);
    assert_number(v, "alert.signature_id", "9223372036854775807");
    assert_text(v, "alert.signature", "café");
    assert_text(v, "sluice.action", "deny");
    assert_number(v, "sluice.seclang.phase", "2");
    assert_text(v, "sluice.seclang.severity", "CRITICAL");
    assert_text(v, "sluice.seclang.data", "found ÿ");
    assert_text(v, "sluice.seclang.file", "a.conf");
    assert_number(v, "sluice.seclang.line", "17");
    yajl_tree_free(v);
    e.sec_severity = -1;
    v = formatted(&e);
    assert_absent(v, "sluice.seclang.severity");
    yajl_tree_free(v);
    e.sec_phase = 0;
    v = formatted(&e);
    assert_absent(v, "sluice.seclang");
    yajl_tree_free(v);
}
END_TEST

START_TEST(format_transaction)
{
    struct event e = tcp_event(EVENT_TRANSACTION);
    strcpy(e.sec_rules, "942100,949110");
    strcpy(e.sec_scores, "sql_injection_score=5,minus=-3");
    strcpy(e.action, "blocked");
    e.rule_id = 949110;
    yajl_val v = formatted(&e);
    assert_text(v, "event_type", "transaction");
    assert_absent(v, "alert");
    assert_number(v, "sluice.seclang.scores.sql_injection_score", "5");
    assert_number(v, "sluice.seclang.scores.minus", "-3");
    assert_number(v, "sluice.seclang.rule", "949110");
    assert_text(v, "sluice.action", "blocked");
    yajl_val rules = member(v, "sluice.seclang.rules");
    ck_assert(YAJL_IS_ARRAY(rules));
    ck_assert_uint_eq(YAJL_GET_ARRAY(rules)->len, 2);
    ck_assert_str_eq(YAJL_GET_NUMBER(YAJL_GET_ARRAY(rules)->values[1]), "949110");
    yajl_tree_free(v);
    e.sec_rules[0] = e.sec_scores[0] = '\0';
    e.rule_id = 0;
    v = formatted(&e);
    ck_assert_uint_eq(YAJL_GET_ARRAY(member(v, "sluice.seclang.rules"))->len, 0);
    assert_absent(v, "sluice.seclang.rule");
    yajl_tree_free(v);
}
END_TEST

START_TEST(format_http_request)
{
    struct event e = {.type = EVENT_HTTP, .has_http = true, .tx_id = 1, .ip_version = 4, .proto = IPPROTO_TCP};
    yajl_val v = formatted(&e);
    assert_text(v, "event_type", "http");
    assert_number(v, "tx_id", "1");
    ck_assert(YAJL_IS_OBJECT(member(v, "http")));
    assert_absent(v, "http.hostname");
    assert_absent(v, "http.status");
    assert_absent(v, "alert");
    assert_absent(v, "drop");
    assert_absent(v, "sluice.action");
    assert_absent(v, "sluice.matched");
    assert_absent(v, "sluice.score");
    assert_absent(v, "sluice.request_id");
    yajl_tree_free(v);
    e.has_http = false;
    e.type = EVENT_ALERT;
    v = formatted(&e);
    assert_absent(v, "http");
    assert_absent(v, "app_proto");
    assert_absent(v, "tx_id");
    assert_absent(v, "alert.metadata");
    yajl_tree_free(v);
}
END_TEST

/* Bytes of an attacker: the line stays JSON, and tells them apart. */
static const struct {
    const char *bytes;
    size_t len;
    const char *shown;
    const char *text; /* in the readable form */
} values[] = {
    {"", 0, "", ""},
    {"plain \"quoted\" </script>", 24, "plain \"quoted\" </script>", "plain \"quoted\" </script>"},
    {"a\r\n\x1b[2J\x7f\\", 9, "a\r\n\x1b[2J\x7f\\", "a\\x0d\\x0a\\x1b[2J\\x7f\\x5c"},
    {"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x9a\xab", 11, "gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x9a\xab",
     "gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x9a\xab"},
    {"\xff\xfe\x80", 3, "\xc3\xbf\xc3\xbe\xc2\x80", "\\xff\\xfe\\x80"},
    {"\xc0\xaf", 2, "\xc3\x80\xc2\xaf", "\\xc0\\xaf"}, /* overlong */
    {"\xe0\x80\xaf", 3, "\xc3\xa0\xc2\x80\xc2\xaf", "\\xe0\\x80\\xaf"},
    {"\xed\xa0\x80", 3, "\xc3\xad\xc2\xa0\xc2\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
    {"\xf4\x90\x80\x80", 4, "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80", "\\xf4\\x90\\x80\\x80"},
    {"x\xe2\x82", 3, "x\xc3\xa2\xc2\x82", "x\\xe2\\x82"}, /* its end was not cut by us */
    {"\xc2\x9b"
     "1m",
     4,
     "\xc2\x9b"
     "1m",
     "\\xc2\\x9b"
     "1m"}, /* steers terminals */
};

START_TEST(format_values)
{
    struct event e = http_event(EVENT_ALERT);
    memcpy(e.matched_value, values[_i].bytes, values[_i].len);
    e.matched_value_len = (uint8_t)values[_i].len;
    memcpy(e.http_url, values[_i].bytes, values[_i].len);
    e.http_url[values[_i].len] = '\0';
    yajl_val v = formatted(&e);
    assert_text(v, "sluice.matched.value", values[_i].shown);
    if (values[_i].len)
        assert_text(v, "http.url", values[_i].shown);
    yajl_tree_free(v);
    char *line = event_text(&e), end[128];
    snprintf(end, sizeof end, "  lower(http.args)[id] = %s\n", values[_i].text);
    ck_assert_ptr_nonnull(line);
    ck_assert_uint_gt(strlen(line), strlen(end));
    ck_assert_str_eq(line + strlen(line) - strlen(end), end);
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    free(line);
}
END_TEST

/* Any bytes at all, at any length, give a line that parses. */
START_TEST(format_any_bytes)
{
    unsigned seed = 7;
    for (int round = 0; round < 3000; round++) {
        struct event e = http_event(EVENT_ALERT);
        for (size_t i = 0; i < sizeof e.matched_value; i++)
            e.matched_value[i] = (uint8_t)rand_r(&seed);
        for (size_t i = 0; i < sizeof e.http_url - 1; i++)
            e.http_url[i] = (char)(rand_r(&seed) % 255 + 1);
        memcpy(e.http_host, e.http_url, sizeof e.http_host); /* without its end */
        e.matched_value_len = (uint8_t)rand_r(&seed);
        e.http_host[sizeof e.http_host - 1] = '\0';
        yajl_tree_free(formatted(&e));
        char *line = event_text(&e);
        ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
        free(line);
    }
}
END_TEST

/* A value and a field that were cut inside a character lose that one only. */
START_TEST(format_cut_values)
{
    struct event e = http_event(EVENT_ALERT);
    for (size_t i = 0; i < sizeof e.matched_value; i++)
        e.matched_value[i] = (uint8_t) "x\xf0\x9f\x9a\xab"[i ? 1 + (i - 1) % 4 : 0];
    e.matched_value_len = sizeof e.matched_value;
    memset(e.http_url, 'u', sizeof e.http_url);
    memcpy(e.http_url + sizeof e.http_url - 3, "\xe2\x82", 3);
    yajl_val v = formatted(&e);
    const char *value = text_at(v, "sluice.matched.value");
    ck_assert_uint_eq(strlen(value), 93);
    ck_assert_str_eq(value + 89, "\xf0\x9f\x9a\xab");
    ck_assert_uint_eq(strlen(text_at(v, "http.url")), 253);
    yajl_tree_free(v);
}
END_TEST

START_TEST(copying)
{
    char field[8];
    event_copy(field, sizeof field, "abc", 3);
    ck_assert_str_eq(field, "abc");
    event_copy(field, sizeof field, NULL, 0);
    ck_assert_str_eq(field, "");
    event_copy(field, sizeof field, "abcdefgh", 8);
    ck_assert_str_eq(field, "abcdefg");
    event_copy(field, sizeof field, "abcdef\xc3\xbc", 8);
    ck_assert_str_eq(field, "abcdef");
    event_copy(field, sizeof field, "abcde\xc3\xbc", 7);
    ck_assert_str_eq(field, "abcde\xc3\xbc");
    event_copy(field, sizeof field, "a\0b\xff", 4);
    ck_assert_str_eq(field, "a\xe2\x90\x80"
                            "b\xff");
    event_copy(field, sizeof field, "abcde\0f", 7);
    ck_assert_str_eq(field, "abcde");
}
END_TEST

static void assert_line(const struct event *e, const char *expected)
{
    char *line = event_text(e);
    ck_assert_ptr_nonnull(line);
    ck_assert_str_eq(line, expected);
    free(line);
}

START_TEST(text_lines)
{
    setenv("TZ", "WST+03:30", 1); /* west: its zone begins with a minus */
    tzset();
    struct event e = http_event(EVENT_ALERT);
    assert_line(&e, "2023-11-14T18:43:20.123456 alert blocked 100010 \"a rule\" high 192.0.2.1:40000 -> "
                    "198.51.100.2:65535 request 3 GET www.example.org/a?id=1 status 404 anomalies bare_lf,nul "
                    "score -7 id c0ffee-3  lower(http.args)[id] = ../etc\n");
    e.type = EVENT_HTTP;
    e.rule_id = 0;
    e.matched_what[0] = e.http_anomalies[0] = e.request_id[0] = '\0';
    e.score = e.http_status = 0;
    strcpy(e.http_host, "h\n");
    assert_line(&e, "2023-11-14T18:43:20.123456 http 192.0.2.1:40000 -> 198.51.100.2:65535 request 3 GET "
                    "h\\x0a/a?id=1\n");
    e = tcp_event(EVENT_DROP);
    strcpy(e.name, "\x1b");
    assert_line(&e, "2023-11-14T18:43:20.123456 drop rules 100010 \"\\x1b\" medium 192.0.2.1:40000 -> "
                    "198.51.100.2:65535 packet bad_flags,land\n");
    e = (struct event){.type = EVENT_ALERT,
                       .ip_version = 6,
                       .proto = IPPROTO_UDP,
                       .has_ports = true,
                       .srcport = 53,
                       .dstport = 1,
                       .would_block = true,
                       .rule_id = 7,
                       .severity = 4};
    inet_pton(AF_INET6, "2001:db8::1", e.src);
    assert_line(&e, "1969-12-31T20:30:00.000000 alert would-block 7 \"\" info UDP [2001:db8::1]:53 -> [::]:1\n");
    e.proto = 200;
    e.has_ports = e.would_block = false;
    e.severity = 9;
    assert_line(&e, "1969-12-31T20:30:00.000000 alert allowed 7 \"\" 200 2001:db8::1 -> ::\n");
}
END_TEST

START_TEST(time_text)
{
    char buf[JSON_TIME_MAX];
    setenv("TZ", "UTC", 1);
    tzset();
    ck_assert_str_eq(json_time(1700000000123456789ull, buf), "2023-11-14T22:13:20.123456+0000");
    ck_assert_str_eq(json_time(0, buf), "1970-01-01T00:00:00.000000+0000");
    setenv("TZ", "EST-05:30", 1);
    tzset();
    ck_assert_str_eq(json_time(1700000000000000999ull, buf), "2023-11-15T03:43:20.000000+0530");
}
END_TEST

START_TEST(counters_have_names)
{
    for (enum counter a = 0; a < COUNTERS; a++) {
        ck_assert_ptr_nonnull(counter_name(a));
        for (enum counter b = 0; b < a; b++)
            ck_assert_str_ne(counter_name(a), counter_name(b));
    }
    struct counters c = {0};
    count_add(&c, COUNT_BYTES, 5);
    count_add(&c, COUNT_BYTES, 1ull << 40);
    count_set(&c, COUNT_OVERRUNS, 3);
    ck_assert_uint_eq(count_get(&c, COUNT_BYTES), (1ull << 40) + 5);
    ck_assert_uint_eq(count_get(&c, COUNT_OVERRUNS), 3);
    ck_assert_uint_eq(count_get(&c, COUNT_RECEIVED), 0);
}
END_TEST

START_TEST(stats_json)
{
    struct queue_stats queues[2] = {{.number = 4, .waiting = 1, .kernel_dropped = 2, .user_dropped = 3},
                                    {.number = 5, .kernel_dropped = 10}};
    struct rule_stats rules[3] = {
        {.id = 1, .matches = 0, .name = "never", .action = "drop"},
        {.id = 2, .matches = 18446744073709551615ull, .name = "\"often\"", .name_len = 7, .action = "log"},
        {.id = 3, .matches = 1, .name = "\xfe\xfe", .name_len = 2, .action = "drop"}};
    for (enum counter c = 0; c < COUNTERS; c++) {
        queues[0].at[c] = 100 + c;
        queues[1].at[c] = 1000;
    }
    struct stats s = {.uptime = 9,
                      .diverted = 50,
                      .bypassed = 6,
                      .reloads = 7,
                      .reloads_refused = 8,
                      .events_written = 11,
                      .events_dropped = 12,
                      .queues = queues,
                      .n_queues = 2,
                      .rules = rules,
                      .n_rules = 3};
    char *line = stats_event(&s), path[96], number[32];
    ck_assert_ptr_nonnull(line);
    yajl_val v = parse(line);
    free(line);
    assert_text(v, "event_type", "stats");
    ck_assert(YAJL_IS_STRING(member(v, "timestamp")));
    assert_number(v, "stats.uptime", "9");
    assert_number(v, "stats.capture.kernel_packets", "50");
    assert_number(v, "stats.capture.kernel_drops", "15");
    for (enum counter c = 0; c < COUNTERS; c++) {
        snprintf(path, sizeof path, "stats.packets.%s", counter_name(c));
        snprintf(number, sizeof number, "%d", 1100 + (int)c);
        assert_number(v, path, number);
    }
    snprintf(number, sizeof number, "%d", 2200 + COUNT_ACCEPTED + COUNT_REPEATED);
    assert_number(v, "stats.ips.accepted", number);
    snprintf(number, sizeof number, "%d", 2200 + COUNT_DROPPED + COUNT_BLOCKED);
    assert_number(v, "stats.ips.blocked", number);
    static const struct {
        const char *path;
        enum counter counter;
    } streams[] = {{"stats.flow.total", COUNT_FLOWS_BEGUN},
                   {"stats.flow.active", COUNT_FLOWS},
                   {"stats.tcp.midstream_pickups", COUNT_FLOWS_MIDSTREAM},
                   {"stats.tcp.reassembly_memuse", COUNT_STREAM_BYTES},
                   {"stats.app_layer.tx.http", COUNT_REQUESTS}};
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        snprintf(number, sizeof number, "%d", 1100 + (int)streams[i].counter);
        assert_number(v, streams[i].path, number);
    }
    assert_number(v, "stats.packets.diverted", "50");
    assert_number(v, "stats.packets.bypassed", "6");
    assert_number(v, "stats.reload.done", "7");
    assert_number(v, "stats.reload.refused", "8");
    assert_number(v, "stats.eve.written", "11");
    snprintf(number, sizeof number, "%d", 12 + 1100 + COUNT_EVENTS_LOST);
    assert_number(v, "stats.eve.dropped", number);
    assert_number(v, "stats.rules_loaded", "3");
    yajl_val q = member(v, "stats.queues"), r = member(v, "stats.rules");
    ck_assert(YAJL_IS_ARRAY(q) && YAJL_IS_ARRAY(r));
    ck_assert_uint_eq(YAJL_GET_ARRAY(q)->len, 2);
    assert_number(YAJL_GET_ARRAY(q)->values[0], "queue", "4");
    assert_number(YAJL_GET_ARRAY(q)->values[0], "user_dropped", "3");
    assert_number(YAJL_GET_ARRAY(q)->values[1], "received", "1000");
    ck_assert_uint_eq(YAJL_GET_ARRAY(r)->len, 2); /* those that matched */
    assert_number(YAJL_GET_ARRAY(r)->values[0], "id", "2");
    assert_text(YAJL_GET_ARRAY(r)->values[0], "name", "\"often\"");
    assert_number(YAJL_GET_ARRAY(r)->values[0], "matches", "18446744073709551615");
    assert_text(YAJL_GET_ARRAY(r)->values[1], "name", "þþ");
    yajl_tree_free(v);
}
END_TEST

START_TEST(stats_of_nothing)
{
    struct stats s = {0};
    char *line = stats_event(&s);
    yajl_val v = parse(line);
    assert_number(v, "stats.packets.received", "0");
    yajl_tree_free(v);
    free(line);
}
END_TEST

/* The writer. */
static struct events *start(const char *to, size_t workers, size_t ring, uint32_t per_second)
{
    struct events_options opt = {.file = to, .workers = workers, .ring = ring, .per_second = per_second};
    struct events *ev = NULL;
    char why[256] = "";
    ck_assert_msg(events_start(&opt, &ev, why, sizeof why) == 0, "%s", why);
    return ev;
}

/* The n-th event of a worker; false when its ring is full. */
static bool put(struct events *ev, size_t worker, uint32_t n)
{
    struct event *e = events_slot(ev, worker);
    if (!e)
        return false;
    *e = tcp_event(EVENT_ALERT);
    e->queue = (uint16_t)worker;
    e->rule_id = n;
    events_push(ev, worker);
    return true;
}

static void put_all(struct events *ev, size_t worker, uint32_t n)
{
    for (uint32_t i = 0; i < n;)
        if (put(ev, worker, i))
            i++;
        else
            sched_yield();
}

/* How many lines a file has; each must be whole JSON. With `next` each worker's come in order, from next[worker] on. */
static size_t count_lines(const char *path, uint32_t *next)
{
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    char *line = NULL;
    size_t size = 0, n = 0;
    for (; getline(&line, &size, f) > 0; n++) {
        yajl_val v = parse(line);
        if (next) {
            size_t worker = (size_t)YAJL_GET_INTEGER(member(v, "sluice.queue"));
            ck_assert_uint_lt(worker, 2);
            ck_assert_int_eq(YAJL_GET_INTEGER(member(v, "alert.signature_id")), next[worker]++);
        }
        yajl_tree_free(v);
    }
    free(line);
    fclose(f);
    return n;
}

static bool reaches(uint64_t (*counter)(const struct events *), const struct events *ev, uint64_t n)
{
    for (int i = 0; i < 2000 && counter(ev) < n; i++)
        usleep(2000);
    return counter(ev) == n;
}

#define EACH 20000

static void *second_worker(void *ev)
{
    put_all(ev, 1, EACH);
    return NULL;
}

START_TEST(writer_writes_all)
{
    struct events *ev = start(file, 2, 256, UINT32_MAX);
    pthread_t other;
    ck_assert_int_eq(pthread_create(&other, NULL, second_worker, ev), 0);
    put_all(ev, 0, EACH);
    pthread_join(other, NULL);
    ck_assert(reaches(events_written, ev, 2 * EACH));
    put_all(ev, 0, 0);
    ck_assert_uint_eq(events_dropped(ev), 0);
    events_stop(ev);
    uint32_t next[2] = {0};
    ck_assert_uint_eq(count_lines(file, next), 2 * EACH);
    ck_assert_uint_eq(next[0], EACH);
    ck_assert_uint_eq(next[1], EACH);
}
END_TEST

/* What waits when the writer is stopped is written first. */
START_TEST(writer_stop_writes_the_rest)
{
    struct events *ev = start(file, 2, 4096, UINT32_MAX);
    for (uint32_t i = 0; i < 3000; i++) {
        ck_assert(put(ev, 0, i));
        ck_assert(put(ev, 1, i));
    }
    events_line(ev, strdup("{\"last\":1}\n"));
    events_stop(ev);
    ck_assert_uint_eq(count_lines(file, NULL), 6001);
    struct stat st;
    ck_assert_int_eq(stat(file, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777 & ~0640, 0);
    events_stop(NULL);
}
END_TEST

/* A full ring refuses at once, and the refused ones alone are missing. */
START_TEST(writer_full_ring)
{
    struct events *ev = start(file, 1, 8, UINT32_MAX);
    size_t taken = 0, refused = 0;
    for (uint32_t i = 0; i < 100000; i++)
        put(ev, 0, 0) ? taken++ : refused++;
    ck_assert_uint_gt(refused, 0);
    ck_assert(reaches(events_written, ev, taken));
    events_stop(ev);
    ck_assert_uint_eq(count_lines(file, NULL), taken);
}
END_TEST

START_TEST(writer_rate)
{
    struct events *ev = start(file, 1, 4096, 10);
    time_t before = time(NULL);
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert(put(ev, 0, i));
    ck_assert(reaches(events_dropped, ev, 1000 - events_written(ev)) || time(NULL) > before);
    for (int i = 0; i < 1000 && events_written(ev) + events_dropped(ev) < 1000; i++)
        usleep(2000);
    uint64_t written = events_written(ev);
    ck_assert_uint_eq(written + events_dropped(ev), 1000);
    ck_assert_uint_ge(written, 10);
    ck_assert_uint_le(written, 10 * (uint64_t)(time(NULL) - before + 1));
    events_line(ev, strdup("{\"stats\":1}\n")); /* not events: no rate */
    events_set_rate(ev, UINT32_MAX);
    for (uint32_t i = 0; i < 100; i++)
        ck_assert(put(ev, 0, i));
    ck_assert(reaches(events_written, ev, written + 101));
    events_stop(ev);
    ck_assert_uint_eq(count_lines(file, NULL), written + 101);
}
END_TEST

START_TEST(writer_reopens)
{
    struct events *ev = start(file, 1, 64, UINT32_MAX);
    put_all(ev, 0, 10);
    ck_assert(reaches(events_written, ev, 10));
    ck_assert_int_eq(rename(file, rotated), 0);
    put_all(ev, 0, 5);
    ck_assert(reaches(events_written, ev, 15));
    events_reopen(ev);
    for (int i = 0; i < 1000 && access(file, F_OK) != 0; i++)
        usleep(2000);
    put_all(ev, 0, 7);
    events_stop(ev);
    ck_assert_uint_eq(count_lines(rotated, NULL), 15);
    ck_assert_uint_eq(count_lines(file, NULL), 7);
}
END_TEST

/* Where the file cannot be opened anew the old one is kept. */
START_TEST(writer_keeps_file_when_reopening_fails)
{
    struct events *ev = start(file, 1, 64, UINT32_MAX);
    ck_assert_int_eq(rename(file, rotated), 0);
    ck_assert_int_eq(mkdir(file, 0700), 0);
    events_reopen(ev);
    usleep(100000);
    put_all(ev, 0, 5);
    events_stop(ev);
    ck_assert_uint_eq(count_lines(rotated, NULL), 5);
    ck_assert_int_eq(rmdir(file), 0);
}
END_TEST

/* A full disk: what it does not take counts as dropped, not as written. */
START_TEST(writer_full_disk)
{
    struct events *ev = start("/dev/full", 1, 4096, UINT32_MAX);
    for (uint32_t i = 0; i < 500; i++)
        ck_assert(put(ev, 0, i));
    ck_assert(reaches(events_dropped, ev, 500));
    ck_assert_uint_eq(events_written(ev), 0);
    events_stop(ev);
}
END_TEST

/* Longer than any buffer: the stats of many queues. */
START_TEST(writer_long_lines)
{
    struct events *ev = start(file, 1, 64, UINT32_MAX);
    size_t len = 300000;
    for (int i = 0; i < 3; i++) {
        char *line = malloc(len + 16);
        strcpy(line, "{\"x\":\"");
        memset(line + 6, 'y', len);
        strcpy(line + 6 + len, "\"}\n");
        put_all(ev, 0, 3);
        events_line(ev, line);
    }
    ck_assert(reaches(events_written, ev, 12));
    events_stop(ev);
    ck_assert_uint_eq(count_lines(file, NULL), 12);
}
END_TEST

START_TEST(writer_lines_are_bounded)
{
    struct events *ev = start(file, 1, 64, UINT32_MAX);
    for (int i = 0; i < 100000; i++)
        events_line(ev, strdup("{\"n\":1}\n"));
    events_line(ev, NULL); /* out of memory: counted */
    ck_assert_uint_gt(events_dropped(ev), 0);
    for (int i = 0; i < 1000 && events_written(ev) + events_dropped(ev) < 100001; i++)
        usleep(2000);
    uint64_t written = events_written(ev);
    ck_assert_uint_eq(written + events_dropped(ev), 100001);
    events_stop(ev);
    ck_assert_uint_eq(count_lines(file, NULL), written);
}
END_TEST

START_TEST(writer_wrong_file)
{
    struct events_options opt = {.file = folder, .workers = 1, .ring = 8, .per_second = 1};
    struct events *ev = NULL;
    char why[256] = "";
    ck_assert_int_eq(events_start(&opt, &ev, why, sizeof why), -EISDIR);
    ck_assert_ptr_null(ev);
    ck_assert_msg(strstr(why, folder) && strstr(why, "events.file"), "%s", why);
}
END_TEST

/* Without a thread: what is pushed is there at once, and no rate holds. */
START_TEST(direct)
{
    for (int json = 0; json < 2; json++) {
        FILE *out = fopen(file, "w+");
        ck_assert_ptr_nonnull(out);
        struct events *ev = events_direct(json, out);
        ck_assert_ptr_nonnull(ev);
        events_set_rate(ev, 1);
        for (uint32_t i = 0; i < 5000; i++)
            ck_assert(put(ev, 0, i));
        ck_assert_uint_eq(events_written(ev), 5000);
        events_line(ev, strdup("{\"last\":1}\n"));
        events_line(ev, NULL);
        ck_assert_uint_eq(events_written(ev), 5001);
        ck_assert_uint_eq(events_dropped(ev), 1);
        events_reopen(ev);
        events_stop(ev);
        if (json) {
            ck_assert_uint_eq(count_lines(file, NULL), 5001);
        } else {
            char line[512];
            rewind(out);
            ck_assert_ptr_nonnull(fgets(line, sizeof line, out));
            ck_assert_ptr_nonnull(strstr(line, " alert blocked 192.0.2.1:40000 -> "));
        }
        ck_assert_int_eq(fclose(out), 0); /* it is still ours */
    }
}
END_TEST

START_TEST(direct_full_disk)
{
    FILE *out = fopen("/dev/full", "w");
    setvbuf(out, NULL, _IONBF, 0);
    struct events *ev = events_direct(true, out);
    ck_assert(put(ev, 0, 1));
    ck_assert_uint_eq(events_written(ev), 0);
    ck_assert_uint_eq(events_dropped(ev), 1);
    events_stop(ev);
    fclose(out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("observe");
    TCase *t = tcase_create("format");
    tcase_add_test(t, format_tcp_alert);
    tcase_add_test(t, format_tcp_drop);
    tcase_add_test(t, format_udp6_vlan_monitor);
    tcase_add_test(t, format_icmp_and_others);
    tcase_add_test(t, format_names);
    tcase_add_test(t, format_cut_name);
    tcase_add_test(t, format_http_alert);
    tcase_add_test(t, format_seclang);
    tcase_add_test(t, format_transaction);
    tcase_add_test(t, format_http_request);
    tcase_add_loop_test(t, format_values, 0, ARRAY_LEN(values));
    tcase_add_test(t, format_any_bytes);
    tcase_add_test(t, format_cut_values);
    tcase_add_test(t, copying);
    tcase_add_test(t, text_lines);
    tcase_add_test(t, time_text);
    tcase_add_test(t, counters_have_names);
    tcase_add_test(t, stats_json);
    tcase_add_test(t, stats_of_nothing);
    suite_add_tcase(s, t);
    t = tcase_create("writer");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, writer_writes_all);
    tcase_add_test(t, writer_stop_writes_the_rest);
    tcase_add_test(t, writer_full_ring);
    tcase_add_test(t, writer_rate);
    tcase_add_test(t, writer_reopens);
    tcase_add_test(t, writer_keeps_file_when_reopening_fails);
    tcase_add_test(t, writer_full_disk);
    tcase_add_test(t, writer_long_lines);
    tcase_add_test(t, writer_lines_are_bounded);
    tcase_add_test(t, writer_wrong_file);
    tcase_add_test(t, direct);
    tcase_add_test(t, direct_full_disk);
    suite_add_tcase(s, t);
    return run_suite(s);
}
