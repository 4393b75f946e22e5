/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules: read, checked, compiled, found by the index, decided. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "inspect/loader.h"
#include "inspect/ruleset.h"

static const struct ruleset_options options = {.our_marks = 0x7f000000, .regex_steps = 10000};
static char dir[] = "/tmp/check_inspect.XXXXXX";
static struct iface eth0 = {.index = 1, .name = "eth0", .side = SIDE_OUTSIDE};
static struct iface eth1 = {.index = 2, .name = "eth1", .side = SIDE_INSIDE};

/* ---- helpers ---- */

static const char *path_of(const char *name)
{
    static char path[4][256];
    static unsigned next;
    char *p = path[next++ % 4];
    snprintf(p, 256, "%s/%s", dir, name);
    return p;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static struct ruleset *load_file(const char *name, struct diag *d)
{
    const char *const files[] = {path_of(name)};
    return ruleset_load(files, 1, &options, d);
}

static struct ruleset *load(const char *text)
{
    struct diag *d = diag_new();
    write_file("r.conf", text);
    struct ruleset *rs = load_file("r.conf", d);
    if (diag_count(d))
        diag_print(d, stderr);
    ck_assert_ptr_nonnull(rs);
    diag_free(d);
    return rs;
}

/* The text must be refused, with `count` errors, the first of them `expected` (behind the folder's name). */
static void refuse(const char *text, size_t count, const char *expected)
{
    struct diag *d = diag_new();
    write_file("r.conf", text);
    struct ruleset *rs = load_file("r.conf", d);
    ck_assert_msg(!rs, "taken: %s", text);
    const char *got = diag_text(d, 0);
    if (strncmp(got, dir, strlen(dir)) == 0)
        got += strlen(dir) + 1;
    ck_assert_msg(strncmp(got, expected, strlen(expected)) == 0, "of %s\ngot      %s\nexpected %s", text, got,
                  expected);
    if (diag_count(d) != count)
        diag_print(d, stderr);
    ck_assert_uint_eq(diag_count(d), count);
    diag_free(d);
}

static void escape(char *to, const char *when)
{
    for (; *when; when++) {
        if (*when == '"' || *when == '\\')
            *to++ = '\\';
        *to++ = *when;
    }
    *to = '\0';
}

static struct ruleset *load_when(const char *when)
{
    static char text[4096], escaped[2048];
    escape(escaped, when);
    snprintf(text, sizeof text,
             "sets = ( { name = \"nets\"; type = \"address\"; values = [ \"192.0.2.0/24\", \"2001:db8::1\" ]; },"
             "{ name = \"ports\"; type = \"port\"; values = [ \"22\", \"8000-8100\" ]; },"
             "{ name = \"devs\"; type = \"string\"; values = [ \"eth0\", \"lan\" ]; } );"
             "rules = ( { id = 1; when = \"%s\"; action = \"drop\"; } );",
             escaped);
    return load(text);
}

static struct decision decide(const struct ruleset *rs, const struct packet *p)
{
    struct decision got;
    struct scratch *s = scratch_new(rs);
    struct subject subject = {.packet = p};
    ruleset_decide(rs, s, PHASE_PACKET, &subject, &got);
    scratch_free(s);
    return got;
}

static void expect(const char *when, const struct packet *p, bool matches)
{
    struct ruleset *rs = load_when(when);
    ck_assert_msg((decide(rs, p).rule != NULL) == matches, "%s: expected %s", when, matches ? "a match" : "none");
    ruleset_free(rs);
}

static struct ip_addr addr(const char *text)
{
    struct ip_addr a = {0};
    ck_assert(ip_addr_parse(text, &a));
    return a;
}

static struct packet base_packet(uint8_t proto, enum l4_kind l4)
{
    static const char payload[] = "GET /etc/passwd HTTP/1.1\r\n";
    struct packet p = {
        .ip_version = 4, .ip_proto = proto, .l4 = l4, .ip_ttl = 64, .ip_len = 66, .ip_id = 0x1234, .ip_tos = 0x10};
    p.meta = (struct packet_meta){.in_dev = &eth0, .out_dev = &eth1, .full_len = 66, .mark = 5};
    p.src = addr("192.0.2.1");
    p.dst = addr("198.51.100.2");
    p.payload = span_of(payload, sizeof payload - 1);
    return p;
}

static struct packet tcp_packet(void)
{
    struct packet p = base_packet(6, L4_TCP);
    p.srcport = 40000;
    p.dstport = 80;
    p.tcp_flags = TCP_FLAG_SYN | TCP_FLAG_ECE;
    p.tcp_window = 1024;
    p.tcp_has_mss = true;
    p.tcp_mss = 1460;
    p.tcp_seq = 4000000000u;
    p.tcp_ack = 7;
    p.meta.ct_state = CT_NEW;
    p.meta.ct_dir = CT_DIR_ORIGINAL;
    p.meta.has_ct_mark = true;
    p.meta.ct_mark = 9;
    p.meta.has_vlan = true;
    p.meta.vlan_tci = 0x6000 | 100;
    p.meta.has_eth_src = true;
    memcpy(p.meta.eth_src, "\xaa\xbb\xcc\xdd\xee\xff", 6);
    return p;
}

/* ---- conditions ---- */

static const struct {
    const char *when;
    bool matches;
} of_tcp[] = {
    {"true", 1},
    {"false", 0},
    {"not false", 1},
    {"!true", 0},
    {"tcp or false", 1},
    {"tcp && false", 0},
    {"in.dev == \"eth0\"", 1},
    {"in.dev != \"eth0\"", 0},
    {"in.dev in $devs", 1},
    {"out.dev in $devs", 0},
    {"in.dev startswith \"et\"", 1},
    {"in.dev matches \"^eth\\d$\"", 1},
    {"in.dev == out.dev", 0},
    {"in.dev != out.dev", 1},
    {"in.dev in { \"a\", \"eth0\" }", 1},
    {"in.side == \"outside\"", 1},
    {"in.side == \"inside\"", 0},
    {"out.side == \"inside\"", 1},
    {"in.side in { \"inside\", \"outside\" }", 1},
    {"in.side == out.side", 0},
    {"in.side != out.side", 1},
    {"eth.src == aa:bb:cc:dd:ee:ff", 1},
    {"eth.src != aa:bb:cc:dd:ee:ff", 0},
    {"eth.src in { 00:00:00:00:00:01, AA:BB:CC:DD:EE:FF }", 1},
    {"eth.dst == aa:bb:cc:dd:ee:ff", 0},
    {"eth.dst != aa:bb:cc:dd:ee:ff", 0},
    {"vlan.id == 100", 1},
    {"vlan.id > 100", 0},
    {"ip", 1},
    {"ipv4", 1},
    {"ipv6", 0},
    {"ip.version == 4", 1},
    {"tcp", 1},
    {"udp", 0},
    {"not udp", 1},
    {"tcp == true", 1},
    {"udplite", 0},
    {"icmp", 0},
    {"icmpv6", 0},
    {"sctp", 0},
    {"gre", 0},
    {"ip.src == 192.0.2.1", 1},
    {"ip.src == 192.0.2.0/24", 1},
    {"ip.src != 192.0.2.0/24", 0},
    {"ip.src == 10.0.0.0/8", 0},
    {"ip.src == ::/0", 0},
    {"ip.src != ::/0", 1},
    {"ip.src == 0.0.0.0/0", 1},
    {"ip.dst == 198.51.100.2", 1},
    {"ip.addr == 198.51.100.2", 1},
    {"ip.addr == 192.0.2.1", 1},
    {"ip.addr != 192.0.2.1", 0},
    {"ip.addr != 192.0.2.9", 1},
    {"ip.src == ip.dst", 0},
    {"ip.src != ip.dst", 1},
    {"ip.addr == ip.dst", 1},
    {"ip.src in $nets", 1},
    {"ip.dst in $nets", 0},
    {"ip.addr in $nets", 1},
    {"ip.src in { 10.0.0.0/8, 192.0.2.0-192.0.2.5, ::1 }", 1},
    {"ip.src in { 192.0.2.2-192.0.2.5 }", 0},
    {"ip.proto == 6", 1},
    {"ip.proto == \"tcp\"", 1},
    {"ip.proto in { \"udp\", 6 }", 1},
    {"ip.proto != \"tcp\"", 0},
    {"ip.ttl == 64", 1},
    {"ip.ttl < 64", 0},
    {"ip.ttl <= 64", 1},
    {"ip.ttl >= 65", 0},
    {"ip.ttl > 0", 1},
    {"ip.ttl < 0", 0},
    {"ip.ttl > 255", 0},
    {"ip.ttl >= 0", 1},
    {"ip.tos == 0x10", 1},
    {"ip.len == 66", 1},
    {"ip.id == 0x1234", 1},
    {"ip.frag", 0},
    {"ip.frag == false", 1},
    {"not ip.frag", 1},
    {"ip.frag_offset == 0", 1},
    {"ip.options", 0},
    {"ip.options == \"lsrr\"", 0},
    {"ip.options != \"lsrr\"", 0},
    {"not ip.options", 1},
    {"tcp.srcport == 40000", 1},
    {"tcp.dstport == 80", 1},
    {"tcp.dstport != 80", 0},
    {"tcp.port == 80", 1},
    {"tcp.port == 40000", 1},
    {"tcp.port != 80", 0},
    {"tcp.port != 81", 1},
    {"tcp.port == 81", 0},
    {"tcp.dstport in { 22, 80, 443 }", 1},
    {"tcp.dstport in { 22, 70-79, 81-90 }", 0},
    {"tcp.dstport in { 70-90 }", 1},
    {"tcp.port in $ports", 0},
    {"tcp.srcport > tcp.dstport", 1},
    {"tcp.srcport <= tcp.dstport", 0},
    {"udp.dstport == 80", 0},
    {"udp.dstport != 80", 0},
    {"not udp.dstport == 80", 1},
    {"udp.port == tcp.port", 0},
    {"udplite.port == 80", 0},
    {"sctp.port == 80", 0},
    {"tcp.flags == 0x42", 1},
    {"tcp.flags.syn", 1},
    {"tcp.flags.fin", 0},
    {"tcp.flags.rst", 0},
    {"tcp.flags.psh", 0},
    {"tcp.flags.ack", 0},
    {"tcp.flags.urg", 0},
    {"tcp.flags.ece", 1},
    {"tcp.flags.cwr", 0},
    {"tcp.flags.syn and not tcp.flags.ack", 1},
    {"tcp.flags.syn == true", 1},
    {"tcp.flags.syn != true", 0},
    {"tcp.flags.ack == tcp.flags.fin", 1},
    {"tcp.window == 1024", 1},
    {"tcp.mss == 1460", 1},
    {"tcp.mss < 536", 0},
    {"tcp.seq == 4000000000", 1},
    {"tcp.seq == 0xee6b2800", 1},
    {"tcp.ack == 7", 1},
    {"icmp.type == 0", 0},
    {"icmpv6.type == 0", 0},
    {"gre.key == 0", 0},
    {"sctp.chunk_type == 0", 0},
    {"ct.state == \"new\"", 1},
    {"ct.state != \"established\"", 1},
    {"ct.state in { \"invalid\" }", 0},
    {"ct.direction == \"original\"", 1},
    {"ct.direction == \"reply\"", 0},
    {"ct.mark == 9", 1},
    {"ct.mark > packet.mark", 1},
    {"packet.mark == 5", 1},
    {"packet.len == 66", 1},
    {"packet.len == ip.len", 1},
    {"packet.anomaly", 0},
    {"packet.anomaly == \"martian\"", 0},
    {"packet.anomaly != \"martian\"", 0},
    {"payload contains \"/etc/passwd\"", 1},
    {"payload contains \"\"", 1},
    {"payload contains \"shadow\"", 0},
    {"payload startswith \"GET \"", 1},
    {"payload startswith \"ET\"", 0},
    {"payload endswith \"\\r\\n\"", 1},
    {"payload endswith \"1.1\\x0d\\x0a\"", 1},
    {"payload endswith \"x\"", 0},
    {"payload == \"GET\"", 0},
    {"payload != \"GET\"", 1},
    {"payload matches \"^GET [^ ]+ HTTP/1\\.\\d\\r\\n$\"", 1},
    {"payload matches \"(?i)^get \"", 1},
    {"payload matches \"^get \"", 0},
    {"payload matches \"\\\"\"", 0},
    {"payload in { \"GET\", \"PUT\" }", 0},
    {"true or payload contains \"x\"", 1},
    {"tcp and (udp or ip.ttl == 64)", 1},
    {"udp or tcp and ip.ttl == 1", 0},
    {"not (tcp and udp)", 1},
    {"not not tcp", 1},
    {"not tcp or udp", 0},
    {"!(tcp || udp) or icmp", 0},
};

START_TEST(conditions_on_tcp)
{
    struct packet p = tcp_packet();
    expect(of_tcp[_i].when, &p, of_tcp[_i].matches);
}
END_TEST

START_TEST(conditions_on_other_protocols)
{
    struct packet p = base_packet(17, L4_UDP);
    p.srcport = 53;
    p.dstport = 8050;
    expect("udp", &p, true);
    expect("udp.srcport == 53 and udp.dstport == 8050 and udp.port in $ports", &p, true);
    expect("tcp.dstport == 8050 or tcp.port != 1 or tcp.flags.syn == false", &p, false);
    expect("tcp.mss == 0 or vlan.id == 0 or eth.src == 00:00:00:00:00:00 or ct.mark == 0", &p, false);
    p = base_packet(136, L4_UDPLITE);
    p.dstport = 9;
    expect("udplite and udplite.dstport == 9 and udplite.srcport == 0 and not udp", &p, true);
    p = base_packet(1, L4_ICMP);
    p.icmp_type = 8;
    p.icmp_code = 1;
    expect("icmp and icmp.type == 8 and icmp.code == 1", &p, true);
    expect("icmpv6.type == 8 or icmpv6.code == 1", &p, false);
    p = base_packet(132, L4_SCTP);
    p.srcport = 5;
    p.dstport = 6;
    p.sctp_chunk_type = 1;
    expect("sctp and sctp.srcport == 5 and sctp.dstport == 6 and sctp.port == 5 and sctp.chunk_type == 1", &p, true);
    p = base_packet(47, L4_GRE);
    p.gre_proto = 0x6558;
    expect("gre and gre.proto == 0x6558 and not gre.key == 0", &p, true);
    p.gre_has_key = true;
    p.gre_key = 77;
    expect("gre.key == 77", &p, true);
}
END_TEST

START_TEST(conditions_on_ipv6_and_oddities)
{
    struct packet p = base_packet(58, L4_ICMPV6);
    p.ip_version = 6;
    p.src = addr("2001:db8::1");
    p.dst = addr("fe80::1");
    p.icmp_type = 135;
    expect("ipv6 and ip and not ipv4 and icmpv6.type == 135 and icmpv6.code == 0", &p, true);
    expect("ip.src == 2001:db8::/32 and ip.dst == fe80::/10 and ip.src in $nets", &p, true);
    expect("ip.dst in $nets or ip.src == 0.0.0.0/0", &p, false);
    expect("ip.addr in { fe80::1-fe80::5 }", &p, true);
    p.anomalies = ANOMALY_MARTIAN | ANOMALY_LAND;
    p.ip_options = IP_OPTION_HOPOPTS;
    p.is_fragment = true;
    p.frag_offset = 8;
    expect("packet.anomaly", &p, true);
    expect("packet.anomaly == \"land\" and packet.anomaly in { \"martian\", \"bad_flags\" }", &p, true);
    expect("packet.anomaly != \"land\"", &p, false);
    expect("packet.anomaly != \"bad_flags\"", &p, true);
    expect("ip.options and ip.options == \"hopopts\" and ip.frag and ip.frag_offset == 8", &p, true);
    p = base_packet(0, L4_NONE);
    p.ip_version = 0;
    expect("ip or ip.src == 0.0.0.0/0 or ip.ttl >= 0 or payload contains \"\" or ip.proto == 0", &p, false);
    expect("packet.len == 66", &p, true);
}
END_TEST

/* ---- errors ---- */

static const struct {
    const char *when; /* as in the file */
    int col;          /* in the condition, from 1 */
    const char *text;
} bad[] = {
    {"", 1, "unexpected the end"},
    {"tcp.dstprt == 80", 1, "unknown field \"tcp.dstprt\", did you mean \"tcp.dstport\"?"},
    {"zzzzzzzzzz == 80", 1, "unknown field \"zzzzzzzzzz\", expected"},
    {"tcp and tcp.dstport == 70000", 24, "70000 is out of range for tcp.dstport, expected 0 to 65535"},
    {"ip.ttl == 256", 11, "256 is out of range"},
    {"ip.len == 4294967296", 11, "number out of range"},
    {"ip.ttl == 12x", 11, "\"12x\" is not a number"},
    {"ip.ttl", 1, "ip.ttl is an integer and no condition alone"},
    {"ip.ttl == 10.0.0.1", 11, "an address is no value for ip.ttl"},
    {"ip.src == 5", 11, "an integer is no value for ip.src"},
    {"ip.src == 10.0.0.1/8", 11, "\"10.0.0.1/8\" has bits set behind its prefix, expected 10.0.0.0/8"},
    {"ip.src == 10.0.0.0/33", 11, "\"10.0.0.0/33\" has too long"},
    {"ip.src == 10.0.0", 11, "\"10.0.0\" is not an address"},
    {"ip.src < 10.0.0.1", 8, "< compares integers"},
    {"ip.src == tcp.port", 11, "ip.src is an address and tcp.port is an integer"},
    {"in.side == ct.state", 12, "in.side is a name and ct.state"},
    {"eth.src == 5", 12, "an integer is no value for eth.src"},
    {"tcp.flags.syn == 1", 18, "an integer is no value for tcp.flags.syn, expected true or false"},
    {"tcp.flags.syn in { true }", 15, "tcp.flags.syn is true or false"},
    {"in.side == \\\"left\\\"", 12, "\"left\" is no in.side, expected one of inside, outside"},
    {"packet.anomaly == \\\"odd\\\"", 19, "\"odd\" is no packet.anomaly, expected one of bad_length"},
    {"ct.state", 1, "ct.state is a name and no condition alone"},
    {"ip.proto == \\\"foo\\\"", 13, "unknown protocol \"foo\""},
    {"http.args[\\\"a\\\" == 1", 15, "unexpected \"==\", expected \"]\""},
    {"http.args[a] == 1", 11, "unexpected \"a\", expected a name in quotes"},
    {"http.uri[\\\"a\\\"] == \\\"b\\\"", 9, "http.uri has nothing to select from"},
    {"http.args.names[\\\"a\\\"] == \\\"b\\\"", 16, "http.args.names has nothing to select from"},
    {"http.argz == \\\"x\\\"", 1, "unknown field \"http.argz\", did you mean \"http.args\"?"},
    {"tcp and lowr(http.args) == \\\"x\\\"", 9, "unknown function \"lowr\", did you mean \"lower\"?"},
    {"zzzzzzz(http.args) == \\\"x\\\"", 1, "unknown function \"zzzzzzz\", expected one"},
    {"lower(tcp.port) == \\\"x\\\"", 1, "lower is for strings and tcp.port is an integer"},
    {"length(length(http.uri)) > 1", 1, "length is for strings and length(http.uri) is an integer"},
    {"length(http.uri) == \\\"x\\\"", 21, "a string is no value for length(http.uri), expected an integer"},
    {"lower(http.uri == 1", 16, "unexpected \"==\", expected \")\""},
    {"lower() == 1", 7, "unexpected \")\", expected a field"},
    {"lower(detect_xss(http.uri)) == \\\"x\\\"", 7, "detect_xss is true or false and no string"},
    {"detect_xss(http.uri) == \\\"x\\\"", 22, "unexpected \"==\", expected and, or, or the end"},
    {"detect_xss(http.status)", 1, "detect_xss is for strings and http.status is an integer"},
    {"http.uri == detect_xss(http.uri)", 13, "a test is no value for http.uri"},
    {"score > 5", 1, "a score without its name, expected score["},
    {"http.anomaly == \\\"bare_lff\\\"", 17, "\"bare_lff\" is no http.anomaly, did you mean \"bare_lf\"?"},
    {"http.anomaly == \\\"zzzzzzzz\\\"", 17, "\"zzzzzzzz\" is no http.anomaly, expected one of bad_request_line"},
    {"http.status == 1000", 16, "1000 is out of range for http.status, expected 0 to 999"},
    {"http.status contains \\\"x\\\"", 13, "contains is for strings and http.status is an integer"},
    {"http.uri has_bytes { 256 }", 22, "256 is out of range for has_bytes, expected 0 to 255"},
    {"http.uri has_bytes \\\"a\\\"", 20, "unexpected a string, expected bytes such as"},
    {"http.uri has_bytes { 9-3 }", 23, "the range ends before it begins"},
    {"http.uri contains $ports", 19, "a set of ports is not for http.uri, expected one of strings"},
    {"http.uri contains { 5 }", 21, "an integer is no value for http.uri"},
    {"http.uri", 1, "http.uri is a string and no condition alone"},
    {"payload contains \\\"x\\\" and http.uri contains \\\"y\\\"", 1, "payload beside http.uri, expected in one rule"},
    {"stream.to_server contains \\\"x\\\" or http", 1, "stream.to_server beside http"},
    {"stream.to_server contains \\\"x\\\" or stream.to_client contains \\\"x\\\"", 1, "stream.to_server beside"},
    {"lower(lower(lower(lower(lower(lower(lower(lower(lower(lower(lower(lower(lower(lower(lower(lower(lower(http.uri"
     "))))))))))))))))) == \\\"x\\\"",
     1, "too many functions, expected at most 16"},
    {"ip.ttl contains \\\"x\\\"", 8, "contains is for strings"},
    {"payload contains 5", 18, "an integer is no value for payload"},
    {"payload matches \\\"a(\\\"", 20, "bad regex: missing closing parenthesis"},
    {"payload == \\\"\\\\q\\\"", 13, "unknown escape"},
    {"payload == \\\"abc", 12, "the string has no closing quote"},
    {"ip.src in $nope", 11, "unknown set \"nope\""},
    {"ip.src in $ports", 11, "a set of ports is not for ip.src, expected one of addresses"},
    {"ip.ttl in $ports", 11, "a set of ports is not for"},
    {"ip.src in 10.0.0.0/8", 11, "unexpected an address, expected \"{\""},
    {"tcp.port in { }", 15, "\"}\" is no value"},
    {"tcp.port in { 1 2 }", 17, "unexpected an integer, expected \",\""},
    {"tcp.port in { 9-3 }", 16, "the range ends before it begins"},
    {"ip.src in { 10.0.0.9-10.0.0.1 }", 22, "bad range"},
    {"tcp = udp", 5, "\"=\" is no operator, expected \"==\""},
    {"tcp & udp", 5, "\"&\" is no operator"},
    {"tcp udp", 5, "unexpected \"udp\", expected and, or, or the end"},
    {"(tcp", 5, "unexpected the end of the condition, expected \")\""},
    {"tcp)", 4, "unexpected \")\""},
    {"tcp and", 8, "unexpected the end"},
    {"not", 4, "unexpected the end"},
    {"tcp ; udp", 5, "unexpected byte 0x3b"},
    {"== 5", 1, "unexpected \"==\", expected a field"},
    {"$x", 1, "unexpected \"$x\""},
};

START_TEST(bad_conditions_are_placed)
{
    char text[1024], expected[512];
    snprintf(text, sizeof text,
             "sets = ( { name = \"ports\"; type = \"port\"; values = [ \"1\" ]; } );\nrules = (\n  { id = 1; action = "
             "\"drop\";\n"
             "    when = \"%s\"; }\n);\n",
             bad[_i].when);
    int col = bad[_i].col + 12;
    /* Each escaped quote before the place is a character more in the file. */
    const char *s = bad[_i].when;
    for (int i = 1; i < bad[_i].col && *s; i++, s++)
        if (*s == '\\') {
            s++;
            col++;
        }
    snprintf(expected, sizeof expected, "r.conf:4:%d: %s", col, bad[_i].text);
    refuse(text, 1, expected);
}
END_TEST

START_TEST(places_in_joined_strings)
{
    refuse("rules = ( { id = 1; action = \"drop\"; # when = \"tcp and nope\"\n  when =\n    \"tcp and \" // \"x\"\n"
           "    /* \" */ \"ip.ttl == 1 and \"\n  \"nope\"; } );",
           1, "r.conf:5:4: unknown field \"nope\"");
    refuse("rules = ( { id = 1; when = \"tcp\"; action = \"log\"; }, { id = 2; when = \"nope\"; action = \"log\"; } );",
           1, "r.conf:1:72: unknown field");
    refuse("rules = ( { id = 1; when = \"payload == \\\"\xc3\xa4\\\" and nope\"; action = \"log\"; } );", 1,
           "r.conf:1:50: unknown field");
}
END_TEST

static const struct {
    const char *text;
    size_t count;
    const char *first;
} bad_files[] = {
    {"rules = (", 1, "r.conf:1"},
    {"rule = ( );", 1, "r.conf:1: "},
    {"rules = 5;", 1, "r.conf:1: "},
    {"rules = ( 5 );", 1, "r.conf:1: a rule is"},
    {"rules = ( { } );", 3, "r.conf:1: the rule has no id"},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"drop\"; colour = 1; } );", 1, "r.conf:1: "},
    {"rules = ( { id = \"x\"; when = \"tcp\"; action = \"drop\"; } );", 1, "r.conf:1: "},
    {"rules = ( { id = 0; when = \"tcp\"; action = \"drop\"; } );", 1, "r.conf:1: "},
    {"rules = ( { id = 1; when = 5; action = \"drop\"; } );", 1, "r.conf:1: "},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"burn\"; } );", 1, "r.conf:1: "},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"drop\"; severity = \"dire\"; } );", 1, "r.conf:1: "},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"drop\"; tags = ( 5 ); } );", 1, "r.conf:1: a tag is"},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"drop\"; event = 1; } );", 1, "r.conf:1: "},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"mark\"; } );", 1, "r.conf:1: action \"mark\" without a mark"},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"repeat\"; } );", 1, "r.conf:1: action \"repeat\" without a mark"},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"drop\"; mark = 1; } );", 1,
     "r.conf:1: action \"drop\" takes no mark"},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"mark\"; mark = 0x01000001; } );", 1,
     "r.conf:1: mark 0x1000001 overlaps the bits 0x7f000000"},
    {"rules = ( { id = 7; when = \"tcp\"; action = \"drop\"; },\n{ id = 7; when = \"tcp\"; action = \"drop\"; } );", 1,
     "r.conf:2: id 7 is already in /tmp/"},
    {"rules = ( { id = 7; when = \"nope\"; action = \"drop\"; enabled = false; } );", 1, "r.conf:1:29: unknown field"},
    {"rules = ( { id = 7; when = \"nope\"; action = \"drop\"; },\n{ id = 8; when = \"nope\"; action = \"burn\"; } );",
     3, "r.conf:1:29: unknown field"},
    {"sets = ( { name = \"a\"; type = \"port\"; values = [ \"1\" ]; },\n{ name = \"a\"; type = \"port\"; values = [ "
     "\"1\" ]; } );",
     1, "r.conf:2: the set \"a\" is already in"},
    {"rules = ( { id = 1; when = \"http\"; action = \"score\"; } );", 1,
     "r.conf:1: action \"score\" without a score, expected score = {"},
    {"rules = ( { id = 1; when = \"http\"; action = \"drop\"; score = { name = \"a\"; add = 1; }; } );", 1,
     "r.conf:1: action \"drop\" takes no score"},
    {"rules = ( { id = 1; when = \"http\"; action = \"score\"; score = { name = \"a\"; }; } );", 1,
     "r.conf:1: the score is incomplete"},
    {"rules = ( { id = 1; when = \"http\"; action = \"score\"; score = { nam = \"a\"; name = \"a\"; add = 1; }; } );",
     1, "r.conf:1: unknown setting "},
    {"rules = ( { id = 1; when = \"tcp\"; action = \"score\"; score = { name = \"a\"; add = 1; }; } );", 1,
     "r.conf:1:29: action \"score\" without a field of a request"},
    {"rules = ( { id = 1; when = \"http\"; action = \"repeat\"; mark = 1; } );", 1,
     "r.conf:1:29: action \"repeat\" with fields of a stream or of http"},
    {"sets = ( { name = \"a\"; type = \"port\"; } );", 1, "r.conf:1: the set has no entries"},
    {"sets = ( { type = \"port\"; values = [ ]; } );", 1, "r.conf:1: the set is incomplete"},
    {"sets = ( { name = \"a b\"; type = \"port\"; values = [ \"1\" ]; } );", 1, "r.conf:1: bad name of a set"},
    {"sets = ( { name = \"a\"; type = \"fruit\"; values = [ \"1\" ]; } );", 1, "r.conf:1: "},
    {"sets = ( { name = \"a\"; type = \"port\"; values = [ \"65536\", \"9-1\", \"x\" ]; } );", 3,
     "r.conf:1: \"65536\" is not a port"},
    {"sets = ( { name = \"a\"; type = \"address\"; values = [ \"10.0.0.1/8\" ]; } );", 1,
     "r.conf:1: \"10.0.0.1/8\" has bits set behind its prefix, expected 10.0.0.0/8"},
    {"sets = ( { name = \"a\"; type = \"address\"; file = \"none.txt\"; } );", 1, "none.txt: cannot read"},
    {"sets = ( { name = \"a\"; type = \"address\"; file = \"bad.txt\"; } );", 2,
     "bad.txt:3: \"10.0.0.256\" is not an address"},
};

START_TEST(bad_files_are_refused)
{
    write_file("bad.txt", "# blocked\n10.0.0.0/8 # private\n10.0.0.256\n\n::/129\n");
    refuse(bad_files[_i].text, bad_files[_i].count, bad_files[_i].first);
}
END_TEST

START_TEST(bad_file_names)
{
    struct diag *d = diag_new();
    ck_assert_ptr_null(load_file("missing.conf", d));
    ck_assert_uint_eq(diag_count(d), 1);
    ck_assert_ptr_null(load_file(".", d));
    ck_assert_uint_eq(diag_count(d), 2);
    diag_free(d);
}
END_TEST

START_TEST(limits)
{
    static char text[200000];
    int n = snprintf(text, sizeof text, "rules = ( { id = 1; action = \"drop\"; when = \"");
    for (int i = 0; i < 101; i++)
        text[n++] = '(';
    snprintf(text + n, sizeof text - n, "tcp\"; } );");
    refuse(text, 1, "r.conf:1:146: nested too deeply");
    n = snprintf(text, sizeof text, "rules = ( { id = 1; action = \"drop\"; when = \"tcp");
    memset(text + n, ' ', 65534);
    snprintf(text + n + 65534, 100, "\"; } );");
    refuse(text, 1, "r.conf:1:46: the condition has 65537 bytes");
    n = snprintf(text, sizeof text, "rules = ( { id = 1; action = \"drop\"; when = \"tcp");
    for (int i = 0; i < 9000; i++)
        n += snprintf(text + n, sizeof text - n, " or tcp");
    snprintf(text + n, sizeof text - n, "\"; } );");
    ruleset_free(load(text));
}
END_TEST

/* ---- deciding ---- */

START_TEST(order_marks_and_logs)
{
    struct ruleset *rs = load("rules = ( { id = 1; when = \"tcp\"; action = \"log\"; name = \"n\"; tags = [ \"a\", "
                              "\"b\" ]; severity = \"info\"; },"
                              "{ id = 2; when = \"tcp.dstport == 80\"; action = \"mark\"; mark = 1; },"
                              "{ id = 3; when = \"ip.src == 192.0.2.0/24\"; action = \"mark\"; mark = 0x82; },"
                              "{ id = 4; when = \"tcp.dstport == 81\"; action = \"drop\"; },"
                              "{ id = 5; when = \"true\"; action = \"drop\"; enabled = false; },"
                              "{ id = 6; when = \"tcp.dstport == 80\"; action = \"repeat\"; mark = 4; event = true; },"
                              "{ id = 7; when = \"tcp\"; action = \"drop\"; } );");
    struct packet p = tcp_packet();
    struct decision got = decide(rs, &p);
    ck_assert_uint_eq(ruleset_count(rs), 6);
    ck_assert_ptr_nonnull(got.rule);
    ck_assert_uint_eq(got.rule->id, 6);
    ck_assert_uint_eq(got.rule->mark, 4);
    ck_assert(got.rule->event);
    ck_assert_uint_eq(got.passed, 3);
    ck_assert_uint_eq(got.passed_rules[0]->id, 1);
    ck_assert_uint_eq(got.passed_rules[2]->id, 3);
    ck_assert(got.set_mark && got.mark == 0x82 && !got.undecided);
    const struct rule *r = ruleset_rule(rs, 0);
    ck_assert(r->event && r->severity == 4 && !strcmp(r->name, "n") && !strcmp(r->tags[1], "b") && !r->tags[2]);
    r = ruleset_rule(rs, 1);
    ck_assert(!r->event && r->severity == 2 && r->index == 1 && !strcmp(r->name, "rule 2") && !r->tags[0] &&
              r->line == 1);
    ck_assert_str_eq(action_name(ruleset_rule(rs, 3)->action), "drop");
    ck_assert_ptr_null(ruleset_rule(rs, 6));
    ruleset_free(rs);
}
END_TEST

START_TEST(regex_limit_leaves_undecided)
{
    static char evil[64];
    memset(evil, 'a', sizeof evil - 1);
    evil[sizeof evil - 1] = '!';
    struct ruleset *rs =
        load("rules = ( { id = 1; when = \"payload matches \\\"^(a|aa)+(?=[bc])\\\"\"; action = \"drop\"; },"
             "{ id = 2; when = \"true\"; action = \"accept\"; } );");
    struct packet p = tcp_packet();
    ck_assert_uint_eq(decide(rs, &p).rule->id, 2);
    p.payload = span_of(evil, sizeof evil);
    struct decision got = decide(rs, &p);
    ck_assert(got.undecided && !got.rule);
    ck_assert_uint_eq(got.undecided_rule->id, 1);
    ruleset_free(rs);
    /* What Vectorscan can do has no limit to run into. */
    rs = load("rules = ( { id = 1; when = \"payload matches \\\"^(a|aa)+$\\\"\"; action = \"drop\"; } );");
    got = decide(rs, &p);
    ck_assert(!got.undecided && !got.rule);
    ruleset_free(rs);
}
END_TEST

static void need(const char *when, unsigned expected)
{
    struct ruleset *rs = load_when(when);
    ck_assert_msg(ruleset_needs(rs) == expected, "%s needs %u", when, ruleset_needs(rs));
    ruleset_free(rs);
}

START_TEST(needs)
{
    need("tcp", 0);
    need("payload contains \"x\"", RULES_NEED_PAYLOAD);
    need("false and payload contains \"x\"", 0);
    need("payload contains \"x\" or true", 0);
    need("packet.anomaly", RULES_NEED_CHECKSUM);
    need("packet.anomaly == \"bad_checksum\"", RULES_NEED_CHECKSUM);
    need("packet.anomaly in { \"land\", \"bad_checksum\" }", RULES_NEED_CHECKSUM);
    need("packet.anomaly == \"land\"", 0);
    need("packet.anomaly != \"land\"", RULES_NEED_CHECKSUM);
    need("ct.mark == 1", RULES_NEED_CT_MARK);
    need("packet.mark == ct.mark", RULES_NEED_CT_MARK);
    need("http", RULES_NEED_HTTP);
    need("http.uri contains \"x\" and lower(http.cookies) == \"y\"", RULES_NEED_HTTP);
    need("http.args contains \"x\"", RULES_NEED_HTTP | RULES_NEED_ARGS);
    need("count(http.files) > 2", RULES_NEED_HTTP | RULES_NEED_ARGS);
    need("length(http.body) > 2", RULES_NEED_HTTP | RULES_NEED_BODY);
    need("http.status == 200", RULES_NEED_HTTP | RULES_NEED_RESPONSE);
    need("http.response.body contains \"x\"", RULES_NEED_HTTP | RULES_NEED_RESPONSE | RULES_NEED_RESPONSE_BODY);
    need("http.uri == http.response.headers[\"location\"]", RULES_NEED_HTTP | RULES_NEED_RESPONSE);
    need("http.anomaly == \"bare_lf\"", RULES_NEED_HTTP);
    need("http.anomaly in { \"bad_json\", \"bare_lf\" }", RULES_NEED_HTTP | RULES_NEED_ARGS);
    need("http.anomaly == \"bad_response\"", RULES_NEED_HTTP | RULES_NEED_RESPONSE);
    need("http.anomaly", RULES_NEED_HTTP | RULES_NEED_ARGS | RULES_NEED_BODY);
    need("stream.to_server contains \"x\"", RULES_NEED_TO_SERVER);
    need("stream.to_client contains \"x\"", RULES_NEED_TO_CLIENT);
}
END_TEST

START_TEST(same_pattern_is_shared)
{
    struct ruleset *rs = load(
        "rules = ( { id = 1; when = \"payload matches \\\"a+\\\" or payload matches \\\"a+\\\"\"; action = \"drop\"; },"
        "{ id = 2; when = \"in.dev matches \\\"a+\\\"\"; action = \"drop\"; } );");
    ck_assert_uint_eq(rs->program.regex_texts.n, 1);
    ruleset_free(rs);
}
END_TEST

START_TEST(sets_span_files)
{
    struct diag *d = diag_new();
    char one[256], two[256];
    snprintf(one, sizeof one, "%s", path_of("one.conf"));
    snprintf(two, sizeof two, "%s", path_of("two.conf"));
    const char *const files[] = {one, two};
    write_file("one.conf", "rules = ( { id = 1; when = \"ip.src in $b\"; action = \"drop\"; } );");
    write_file("two.conf",
               "sets = ( { name = \"b\"; type = \"address\"; file = \"b.txt\"; values = [ \"10.9.9.9\" ]; } );");
    write_file("b.txt", "# head\n\n 192.0.2.0/25  # tail\r\n2001:db8::/32\n10.0.0.5-10.0.0.7\n");
    struct ruleset *rs = ruleset_load(files, 2, &options, d);
    ck_assert_ptr_nonnull(rs);
    static const struct {
        const char *addr;
        bool in;
    } cases[] = {{"192.0.2.127", 1}, {"192.0.2.128", 0}, {"10.0.0.4", 0},       {"10.0.0.5", 1},
                 {"10.0.0.7", 1},    {"10.0.0.8", 0},    {"10.9.9.9", 1},       {"2001:db8:ffff::", 1},
                 {"2001:db9::", 0},  {"0.0.0.0", 0},     {"255.255.255.255", 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct packet p = tcp_packet();
        p.src = addr(cases[i].addr);
        ck_assert_msg((decide(rs, &p).rule != NULL) == cases[i].in, "%s", cases[i].addr);
    }
    ruleset_free(rs);
    diag_free(d);
}
END_TEST

/* ---- the index against brute force ---- */

static uint64_t rng_state = 88172645463325252u;

static unsigned rnd(unsigned n)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (unsigned)(rng_state >> 33) % n;
}

static const char *rnd_addr(char *buf)
{
    if (rnd(4))
        sprintf(buf, "10.%u.0.%u", rnd(3), rnd(4));
    else
        sprintf(buf, "2001:db8::%x", rnd(4));
    return buf;
}

static void rnd_net(char *buf)
{
    struct ip_net net;
    char text[80], a[64];
    do {
        rnd_addr(a);
        sprintf(text, "%s/%u", a, strchr(a, ':') ? 100 + rnd(29) : 4 + rnd(29));
    } while (ip_net_parse(text, &net) == -EINVAL);
    sprintf(buf, "%s/%u", ip_addr_format(&net.addr, a), net.prefix);
}

static int rnd_test(char *to)
{
    static const char *const protos[] = {"tcp", "udp", "sctp", "udplite"};
    static const char *const ends[] = {"srcport", "dstport", "port"};
    static const char *const addrs[] = {"src", "dst", "addr"};
    static const char *const ops[] = {"==", "!=", "<", ">="};
    static const char *const others[] = {"tcp.flags.syn",
                                         "ip.frag",
                                         "icmp",
                                         "tcp",
                                         "udp",
                                         "packet.anomaly",
                                         "ip.options",
                                         "packet.anomaly == \\\"land\\\"",
                                         "packet.anomaly != \\\"land\\\"",
                                         "ip.options in { \\\"lsrr\\\", \\\"ssrr\\\" }",
                                         "ip.proto == 17",
                                         "ip.proto in { 1, 6-8 }",
                                         "ip.proto != 6",
                                         "icmp.type == 8",
                                         "ipv4",
                                         "true",
                                         "false",
                                         "ip.src == ip.dst",
                                         "in.side == \\\"outside\\\"",
                                         "tcp.srcport == tcp.dstport",
                                         "ip.src in $nets",
                                         "tcp.dstport in $ports",
                                         "tcp == false",
                                         "icmp != true"};
    char net[64], more[64];
    switch (rnd(6)) {
    case 0:
    case 1:
        return sprintf(to, "%s.%s %s %u", protos[rnd(4)], ends[rnd(3)], ops[rnd(4)], rnd(8));
    case 2:
        return sprintf(to, "%s.%s in { %u, %u-%u }", protos[rnd(2)], ends[rnd(3)], rnd(8), rnd(4), 4 + rnd(4));
    case 3:
        rnd_net(net);
        return sprintf(to, "ip.%s %s %s", addrs[rnd(3)], ops[rnd(2)], net);
    case 4:
        rnd_net(net);
        rnd_net(more);
        return sprintf(to, "ip.%s in { %s, %s }", addrs[rnd(3)], net, more);
    default:
        return sprintf(to, "%s", others[rnd(ARRAY_LEN(others))]);
    }
}

static int rnd_expr(char *to, int depth)
{
    int n = 0;
    unsigned kind = depth ? rnd(5) : 0;
    if (kind < 2)
        return rnd_test(to);
    if (kind == 2) {
        n = sprintf(to, "not (");
        n += rnd_expr(to + n, depth - 1);
        return n + sprintf(to + n, ")");
    }
    n = sprintf(to, "(");
    for (unsigned i = 0, many = 2 + rnd(2); i < many; i++) {
        n += sprintf(to + n, "%s", i ? kind == 3 ? " and " : " or " : "");
        n += rnd_expr(to + n, depth - 1);
    }
    return n + sprintf(to + n, ")");
}

static struct packet rnd_packet(void)
{
    static const struct {
        uint8_t proto;
        enum l4_kind l4;
    } kinds[] = {{6, L4_TCP}, {17, L4_UDP}, {132, L4_SCTP}, {136, L4_UDPLITE}, {1, L4_ICMP}, {6, L4_NONE}};
    char a[64];
    unsigned k = rnd(ARRAY_LEN(kinds));
    struct packet p = base_packet(kinds[k].proto, kinds[k].l4);
    p.src = addr(rnd_addr(a));
    do
        p.dst = addr(rnd_addr(a));
    while (p.dst.family != p.src.family);
    p.ip_version = rnd(20) ? p.src.family : 0;
    p.srcport = rnd(9);
    p.dstport = rnd(9);
    p.icmp_type = rnd(2) * 8;
    p.tcp_flags = rnd(2) * TCP_FLAG_SYN;
    p.is_fragment = rnd(2);
    p.anomalies = rnd(2) ? 0 : rnd(1 << ANOMALY_COUNT);
    p.ip_options = rnd(2) ? 0 : rnd(1 << IP_OPTION_COUNT);
    return p;
}

/* Every rule in order: what the index must not change. */
static void brute(const struct ruleset *rs, struct scratch *s, const struct packet *p, struct decision *ret)
{
    struct subject subject = {.packet = p};
    struct view v = {.pg = &rs->program, .s = s, .subject = &subject};
    *ret = (struct decision){0};
    for (size_t i = 0; i < rs->n; i++) {
        if (program_run(&rs->program, rs->parts[i].start, &v) != 1)
            continue;
        if (rs->rules[i].action == ACTION_DROP) {
            ret->rule = &rs->rules[i];
            return;
        }
        ret->passed++;
    }
}

static struct ruleset *rnd_ruleset(unsigned rules)
{
    static char text[1 << 20];
    int n = sprintf(
        text,
        "sets = ( { name = \"nets\"; type = \"address\"; values = [ \"10.1.0.0/30\", \"2001:db8::2-2001:db8::3\" ]; },"
        "{ name = \"ports\"; type = \"port\"; values = [ \"3-5\" ]; } );\nrules = (");
    for (unsigned i = 0; i < rules; i++) {
        n += sprintf(text + n, "%s{ id = %u; action = \"%s\"; when = \"", i ? ",\n" : "", i + 1,
                     rnd(8) ? "log" : "drop");
        n += rnd_expr(text + n, 3);
        n += sprintf(text + n, "\"; }");
    }
    sprintf(text + n, ");");
    return load(text);
}

START_TEST(index_agrees_with_all_rules)
{
    rng_state += (uint64_t)_i * 7919;
    struct ruleset *rs = rnd_ruleset(1 + rnd(60));
    struct scratch *s = scratch_new(rs);
    for (int i = 0; i < 3000; i++) {
        struct packet p = rnd_packet();
        struct decision got, want;
        struct subject subject = {.packet = &p};
        ruleset_decide(rs, s, PHASE_PACKET, &subject, &got);
        brute(rs, s, &p, &want);
        ck_assert_ptr_eq(got.rule, want.rule);
        ck_assert_uint_eq(got.passed, want.passed);
    }
    scratch_free(s);
    ruleset_free(rs);
}
END_TEST

/* ---- many ---- */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *const many[] = {
    "tcp.dstport == N",
    "ip.src == 10.H.L.1",
    "ip.src == 10.0.0.1 and tcp.dstport == N",
    "tcp.dstport == 80 and ip.src == 10.H.L.0/24",
    "ip.addr == 2001:db8:X::/48",
    "tcp.port == N and tcp.flags.syn",
    "in.side == \\\"outside\\\" and udp and ip.dst == 10.H.L.7 and udp.dstport == 53",
    "tcp.dstport == N or udp.dstport == N",
    "ip.src == 10.H.L.1 and payload contains \\\"xN\\\"",
};

/* N, X: the rule's number; H, L: two parts of it that fit an address. */
static void write_condition(FILE *f, const char *pattern, unsigned i)
{
    for (; *pattern; pattern++)
        switch (*pattern) {
        case 'N':
            fprintf(f, "%u", i + 1000);
            break;
        case 'X':
            fprintf(f, "%x", i + 1000);
            break;
        case 'H':
            fprintf(f, "%u", i / 250);
            break;
        case 'L':
            fprintf(f, "%u", i % 250);
            break;
        default:
            fputc(*pattern, f);
        }
}

START_TEST(ten_thousand_rules_visit_few)
{
    FILE *f = fopen(path_of("many.conf"), "w");
    fprintf(f, "rules = (\n");
    for (unsigned i = 0; i < 10000; i++) {
        fprintf(f, "%s{ id = %u; name = \"rule\"; action = \"drop\"; when = \"", i ? ",\n" : "", i + 1);
        write_condition(f, many[_i], i);
        fprintf(f, "\"; }");
    }
    fprintf(f, ");\n");
    fclose(f);
    struct diag *d = diag_new();
    double start = now();
    struct ruleset *rs = load_file("many.conf", d);
    double took = now() - start;
    ck_assert_ptr_nonnull(rs);
    ck_assert_double_lt(took, 5.0); /* sanitizers included; far less without */
    struct scratch *s = scratch_new(rs);
    struct packet p = tcp_packet();
    struct subject subject = {.packet = &p};
    p.src = addr("10.0.0.1");
    p.dstport = 80;
    unsigned visited = 0;
    struct decision got;
    start = now();
    for (unsigned i = 0; i < 100000; i++) {
        p.dstport = i % 2 ? 80 : 5000;
        ruleset_decide(rs, s, PHASE_PACKET, &subject, &got);
        visited = got.visited > visited ? got.visited : visited;
    }
    printf("10,000 rules, %s: loaded in %.0f ms, %.0f ns a packet, at most %u visited\n", many[_i], took * 1e3,
           (now() - start) / 100000 * 1e9, visited);
    ck_assert_uint_le(visited, 4);
    scratch_free(s);
    ruleset_free(rs);
    diag_free(d);
}
END_TEST

START_TEST(big_address_set)
{
    FILE *f = fopen(path_of("big.txt"), "w");
    for (unsigned i = 0; i < 200000; i++)
        fprintf(f, i % 4 ? "10.%u.%u.%u\n" : "2001:db8:%x:%x::%x\n", i >> 16 & 255, i >> 8 & 255, i & 254);
    fprintf(f, "10.0.0.0/20\n10.0.16.0/20\n");
    fclose(f);
    struct set s = {.type = SET_ADDRESS};
    struct diag *d = diag_new();
    double start = now();
    set_add_file(&s, path_of("big.txt"), d);
    ck_assert_int_eq(set_seal(&s), 0);
    double took = now() - start;
    ck_assert_uint_eq(diag_count(d), 0);
    ck_assert_double_lt(took, 5.0);
    struct ip_addr a = addr("10.0.31.255"), b = addr("10.3.255.255"), c = addr("2001:db8:1:1::4"),
                   e = addr("2001:db8:1:1::5");
    ck_assert(set_has_addr(&s, &a));
    ck_assert(!set_has_addr(&s, &b));
    ck_assert(set_has_addr(&s, &c));
    ck_assert(!set_has_addr(&s, &e));
    unsigned hits = 0;
    start = now();
    for (unsigned i = 0; i < 1000000; i++) {
        uint32_t v = i * 2654435761u;
        a.bytes[0] = 10;
        a.bytes[1] = v >> 30;
        a.bytes[2] = v >> 8 & 255;
        a.bytes[3] = v & 255;
        hits += set_has_addr(&s, &a);
    }
    printf("200,000 entries: loaded in %.0f ms, %.0f ns a lookup\n", took * 1e3, (now() - start) / 1e6 * 1e9);
    ck_assert_uint_gt(hits, 100000);
    set_free(&s);
    diag_free(d);
}
END_TEST

START_TEST(sets_agree_with_their_entries)
{
    struct set s = {.type = SET_ADDRESS};
    struct ip_net nets[60];
    for (unsigned i = 0; i < ARRAY_LEN(nets); i++) {
        char text[64];
        do
            rnd_net(text);
        while (ip_net_parse(text, &nets[i]) || nets[i].prefix < 26);
        ck_assert_int_eq(set_add_net(&s, &nets[i]), 0);
    }
    ck_assert_int_eq(set_seal(&s), 0);
    for (unsigned i = 0; i < 20000; i++) {
        char text[64];
        struct ip_addr a = addr(rnd_addr(text));
        a.bytes[a.family == 4 ? 3 : 15] = rnd(256);
        bool in = false;
        for (unsigned k = 0; k < ARRAY_LEN(nets); k++)
            in = in || ip_net_has(&nets[k], &a);
        ck_assert(set_has_addr(&s, &a) == in);
    }
    set_free(&s);
}
END_TEST

/* ---- the shipped rules against their vectors ---- */

static size_t from_hex(const char *hex, uint8_t *to, size_t max)
{
    size_t n = 0;
    for (; *hex && n < max; hex++) {
        unsigned v;
        if (*hex == ' ')
            continue;
        ck_assert_msg(sscanf(hex, "%2x", &v) == 1 && hex[1], "bad hex at \"%s\"", hex);
        to[n++] = (uint8_t)v;
        hex++;
    }
    return n;
}

/* Copies a shipped file with its disabled rules enabled. */
static void enable_all(const char *name)
{
    static char text[65536];
    char from[512];
    snprintf(from, sizeof from, "%s/rules/%s.conf", SOURCE_DIR, name);
    FILE *f = fopen(from, "r");
    ck_assert_msg(f != NULL, "%s", from);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    for (char *s = text; (s = strstr(s, "enabled = false"));)
        memcpy(s, "enabled = true ", 15);
    write_file("shipped.conf", text);
}

static uint32_t replay(const struct ruleset *rs, const config_setting_t *v)
{
    uint8_t bytes[2048];
    const char *hex = NULL;
    int outside = 0;
    ck_assert(config_setting_lookup_string(v, "packet", &hex));
    config_setting_lookup_bool(v, "outside", &outside);
    size_t n = from_hex(hex, bytes, sizeof bytes);
    struct packet_meta meta = {.full_len = (uint32_t)n,
                               .ethertype = bytes[0] >> 4 == 6 ? 0x86dd : 0x0800,
                               .in_dev = outside ? &eth0 : &eth1,
                               .csum = CSUM_VERIFY};
    struct packet p;
    packet_decode(&p, &meta, span_of(bytes, n), PACKET_NEED_CHECKSUM);
    struct decision got = decide(rs, &p);
    return got.rule ? got.rule->id : got.passed ? got.passed_rules[0]->id : 0;
}

static void replay_file(const char *name)
{
    char path[512];
    unsigned yes[1000] = {0}, no[1000] = {0};
    struct diag *d = diag_new();
    config_t c;
    enable_all(name);
    struct ruleset *rs = load_file("shipped.conf", d);
    diag_print(d, stderr);
    ck_assert_ptr_nonnull(rs);
    ck_assert_uint_gt(ruleset_count(rs), 0);
    snprintf(path, sizeof path, "%s/rules/vectors/%s.conf", SOURCE_DIR, name);
    config_init(&c);
    ck_assert_msg(config_read_file(&c, path), "%s:%d: %s", path, config_error_line(&c), config_error_text(&c));
    const config_setting_t *list = config_lookup(&c, "vectors");
    for (int i = 0; i < config_setting_length(list); i++) {
        const config_setting_t *v = config_setting_get_elem(list, i);
        int rule = 0, matches = -1;
        const char *what = "";
        config_setting_lookup_int(v, "rule", &rule);
        config_setting_lookup_bool(v, "match", &matches);
        config_setting_lookup_string(v, "what", &what);
        uint32_t got = replay(rs, v);
        ck_assert_msg((got == (uint32_t)rule) == matches, "%s:%d: %s: rule %u decided, %s%d", path,
                      config_setting_source_line(v), what, got, matches ? "expected " : "not to be ", rule);
        ++*(matches ? &yes[rule % 1000] : &no[rule % 1000]);
    }
    for (size_t i = 0; i < ruleset_count(rs); i++) {
        uint32_t id = ruleset_rule(rs, i)->id;
        ck_assert_msg(yes[id % 1000] && no[id % 1000], "rule %u lacks a vector", id);
    }
    config_destroy(&c);
    ruleset_free(rs);
    diag_free(d);
}

START_TEST(shipped_rules_pass_their_vectors)
{
    replay_file("base");
    replay_file("payload");
}
END_TEST

START_TEST(shipped_rules_need_headers_only)
{
    char base[512], payload[512];
    snprintf(base, sizeof base, "%s/rules/base.conf", SOURCE_DIR);
    snprintf(payload, sizeof payload, "%s/rules/payload.conf", SOURCE_DIR);
    const char *const files[] = {base, payload};
    struct diag *d = diag_new();
    struct ruleset *rs = ruleset_load(files, 2, &options, d);
    ck_assert_ptr_nonnull(rs);
    ck_assert_uint_eq(ruleset_needs(rs), 0);
    struct packet p = tcp_packet();
    struct decision got = decide(rs, &p);
    ck_assert(!got.rule);
    ck_assert_uint_le(got.visited, 1);
    ruleset_free(rs);
    diag_free(d);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("inspect");
    TCase *t = tcase_create("rules");
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, conditions_on_tcp, 0, ARRAY_LEN(of_tcp));
    tcase_add_test(t, conditions_on_other_protocols);
    tcase_add_test(t, conditions_on_ipv6_and_oddities);
    tcase_add_loop_test(t, bad_conditions_are_placed, 0, ARRAY_LEN(bad));
    tcase_add_test(t, places_in_joined_strings);
    tcase_add_loop_test(t, bad_files_are_refused, 0, ARRAY_LEN(bad_files));
    tcase_add_test(t, bad_file_names);
    tcase_add_test(t, limits);
    tcase_add_test(t, order_marks_and_logs);
    tcase_add_test(t, regex_limit_leaves_undecided);
    tcase_add_test(t, needs);
    tcase_add_test(t, same_pattern_is_shared);
    tcase_add_test(t, sets_span_files);
    tcase_add_loop_test(t, index_agrees_with_all_rules, 0, 40);
    tcase_add_loop_test(t, ten_thousand_rules_visit_few, 0, ARRAY_LEN(many));
    tcase_add_test(t, big_address_set);
    tcase_add_test(t, sets_agree_with_their_entries);
    tcase_add_test(t, shipped_rules_pass_their_vectors);
    tcase_add_test(t, shipped_rules_need_headers_only);
    return s;
}

int main(void)
{
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    SRunner *sr = srunner_create(suite());
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
