/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rules could match of a class of packets, and rules that the kernel can carry out: both against what rules do. */
#include <stdlib.h>

#include "inspect/reach.h"
#include "inspect/simple.h"
#include "run_suite.h"

static char dir[] = "/tmp/check_reach.XXXXXX";

/* ---- loading; quotes in conditions are written ' ---- */

static const char sets[] =
    "sets = ( { name = \"nets\"; type = \"address\"; values = [ \"10.0.0.4-10.0.0.9\", \"10.0.0.8\", \"10.0.0.10\", "
    "\"2001:db8::4/126\" ]; }, { name = \"ports\"; type = \"port\"; values = [ \"2\", \"5-6\" ]; },"
    "{ name = \"none\"; type = \"port\"; values = [ ]; },"
    "{ name = \"v4\"; type = \"address\"; values = [ \"10.0.0.1\" ]; },"
    "{ name = \"devs\"; type = \"string\"; values = [ \"a0\", \"b0\" ]; } );";

static size_t add_rule(char *to, size_t size, unsigned id, const char *when, const char *rest)
{
    size_t n = (size_t)snprintf(to, size, "{ id = %u; when = \"", id);
    for (; *when; when++) {
        if (*when == '\'')
            to[n++] = '\\';
        to[n++] = *when == '\'' ? '"' : *when;
    }
    return n + (size_t)snprintf(to + n, size - n, "\"; %s },", rest);
}

static struct ruleset *load(const char *rules)
{
    char path[256];
    const char *const paths[] = {path};
    const struct ruleset_options opt = {.regex_steps = 10000};
    snprintf(path, sizeof path, "%s/r.conf", dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%s rules = ( %.*s );", sets, (int)strlen(rules) - 1, rules); /* without the last comma */
    fclose(f);
    struct diag *d = diag_new();
    struct ruleset *rs = ruleset_load(paths, 1, &opt, d);
    if (diag_count(d))
        diag_print(d, stderr);
    ck_assert_msg(rs != NULL, "%s", rules);
    diag_free(d);
    return rs;
}

static struct ruleset *load_one(const char *when, const char *rest)
{
    char text[8192];
    add_rule(text, sizeof text, 1, when, rest);
    return load(text);
}

/* ---- chance ---- */

static uint64_t seed = 1;

static unsigned chance(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20) % n;
}

static const char *one_of(const char *const *list, size_t n)
{
    return list[chance((unsigned)n)];
}

static const char *port_value(char buf[64])
{
    static const char *const whole[] = {"in $ports", "in $none", "in { 1-3, 5, 6 }", "in { 7 }"};
    static const char *const ops[] = {"==", "!=", "<", "<=", ">", ">="};
    if (!chance(3))
        return one_of(whole, ARRAY_LEN(whole));
    snprintf(buf, 64, "%s %u", one_of(ops, ARRAY_LEN(ops)), chance(8));
    return buf;
}

static const char *addr_value(void)
{
    static const char *const values[] = {
        "== 10.0.0.1",    "!= 10.0.0.1",    "== 10.0.0.0/29",
        "!= 10.0.0.8/30", "== 2001:db8::1", "!= 2001:db8::/125",
        "in $nets",       "in $v4",         "in { 10.0.0.2, 10.0.0.3-10.0.0.5, 2001:db8::2 }",
        "== 0.0.0.0/0",   "!= ::/0"};
    return one_of(values, ARRAY_LEN(values));
}

/* A test that the kernel can judge, as some are not where they are negated. */
static void easy_test(char *to, size_t size)
{
    static const char *const port_fields[] = {"tcp.srcport", "tcp.dstport",  "tcp.port",       "udp.dstport",
                                              "udp.port",    "sctp.srcport", "udplite.dstport"};
    static const char *const addr_fields[] = {"ip.src", "ip.dst", "ip.addr"};
    static const char *const others[] = {"tcp",
                                         "udp",
                                         "icmp",
                                         "tcp == false",
                                         "udp != false",
                                         "ip.proto == 6",
                                         "ip.proto != 'udp'",
                                         "ip.proto in { 1, 6, 17 }",
                                         "ip.proto > 100",
                                         "ip",
                                         "ipv4",
                                         "ipv6",
                                         "ip.version == 4",
                                         "ip.version != 4",
                                         "ip.version in { 5, 6 }",
                                         "ct.state == 'new'",
                                         "ct.state != 'established'",
                                         "ct.state in { 'invalid', 'related' }",
                                         "ct.direction == 'original'",
                                         "ct.direction != 'original'",
                                         "ct.direction in { 'original', 'reply' }",
                                         "in.dev == 'a0'",
                                         "in.dev != 'a0'",
                                         "out.dev in { 'a0', 'c0' }",
                                         "out.dev in $devs"};
    char buf[64];
    switch (chance(4)) {
    case 0:
        snprintf(to, size, "%s %s", one_of(port_fields, ARRAY_LEN(port_fields)), port_value(buf));
        return;
    case 1:
        snprintf(to, size, "%s %s", one_of(addr_fields, ARRAY_LEN(addr_fields)), addr_value());
        return;
    default:
        snprintf(to, size, "%s", one_of(others, ARRAY_LEN(others)));
    }
}

static void any_test(char *to, size_t size)
{
    static const char *const hard[] = {"in.side == 'outside'", "ip.ttl > 64",           "tcp.flags.syn",
                                       "tcp.flags == 16",      "tcp.flags.ack",         "packet.anomaly",
                                       "tcp.window < 10",      "ip.src == ip.dst",      "tcp.srcport == tcp.dstport",
                                       "payload contains 'x'", "tcp.flags in { 2, 4 }", "in.dev startswith 'a'",
                                       "vlan.id == 1",         "icmp.type == 8",        "tcp.dstport < udp.dstport",
                                       "tcp.flags != 16",      "not tcp.flags.rst",     "ip.frag"};
    if (chance(4))
        easy_test(to, size);
    else
        snprintf(to, size, "%s", one_of(hard, ARRAY_LEN(hard)));
}

static void condition(char *to, size_t size, unsigned depth, void (*test)(char *, size_t))
{
    char a[900], b[900];
    unsigned kind = depth ? chance(5) : 4;
    if (kind == 4) {
        test(to, size);
        return;
    }
    condition(a, sizeof a, depth - 1, test);
    if (kind == 3) {
        ck_assert_int_lt(snprintf(to, size, "not (%s)", a), (int)size);
        return;
    }
    condition(b, sizeof b, depth - 1, test);
    ck_assert_int_lt(snprintf(to, size, "(%s) %s (%s)", a, kind == 2 ? "or" : "and", b), (int)size);
}

static struct iface devs[] = {{.index = 1, .name = "a0", .side = SIDE_OUTSIDE},
                              {.index = 2, .name = "b0", .side = SIDE_INSIDE},
                              {.index = 3, .name = "c0", .side = SIDE_NONE}};

static const struct iface *any_dev(void)
{
    unsigned i = chance(4);
    return i < 3 ? &devs[i] : NULL;
}

static struct ip_addr any_addr(uint8_t version)
{
    struct ip_addr a = {.family = version};
    memcpy(a.bytes, version == 4 ? "\x0a\0\0" : "\x20\x01\x0d\xb8", version == 4 ? 3 : 4);
    a.bytes[version == 4 ? 3 : 15] = (uint8_t)chance(12);
    return a;
}

static bool has_ports(const struct packet *p)
{
    return p->l4 == L4_TCP || p->l4 == L4_UDP || p->l4 == L4_UDPLITE || p->l4 == L4_SCTP;
}

static void any_state(struct packet_meta *m)
{
    m->ct_state = (enum ct_state)chance(CT_UNTRACKED + 1);
    bool known = m->ct_state == CT_NEW || m->ct_state == CT_ESTABLISHED || m->ct_state == CT_RELATED;
    m->ct_dir = !known ? CT_DIR_NONE : chance(2) ? CT_DIR_ORIGINAL : CT_DIR_REPLY;
}

static struct packet any_packet(void)
{
    static const struct {
        uint8_t proto;
        enum l4_kind l4;
    } kinds[] = {{6, L4_TCP},       {6, L4_TCP},    {17, L4_UDP}, {1, L4_ICMP},  {58, L4_ICMPV6},
                 {136, L4_UDPLITE}, {132, L4_SCTP}, {47, L4_GRE}, {89, L4_NONE}, {6, L4_NONE}};
    unsigned kind = chance(ARRAY_LEN(kinds));
    struct packet p = {.ip_version = chance(3) ? 4 : 6, .ip_proto = kinds[kind].proto, .l4 = kinds[kind].l4};
    p.meta.in_dev = any_dev();
    p.meta.out_dev = any_dev();
    any_state(&p.meta);
    p.src = any_addr(p.ip_version);
    p.dst = any_addr(p.ip_version);
    p.ip_ttl = (uint8_t)chance(128);
    p.anomalies = chance(4) ? 0 : ANOMALY_BAD_LENGTH;
    p.is_fragment = p.l4 == L4_NONE;
    p.payload = span_of(chance(2) ? "x" : "y", 1);
    p.tcp_flags = (uint8_t)(chance(3) ? TCP_FLAG_ACK : 1u << chance(8));
    p.tcp_window = (uint16_t)chance(20);
    p.icmp_type = (uint8_t)chance(10);
    if (has_ports(&p)) {
        p.srcport = (uint16_t)chance(8);
        p.dstport = (uint16_t)chance(8);
    }
    return p;
}

static struct decision decide(const struct ruleset *rs, struct scratch *s, const struct packet *p)
{
    struct decision got;
    struct subject subject = {.packet = p};
    ruleset_decide(rs, s, PHASE_PACKET, &subject, &got);
    return got;
}

/* ---- classes ---- */

static struct port_range around(uint16_t port)
{
    unsigned below = chance(3), above = chance(3);
    return (struct port_range){(uint16_t)(port > below ? port - below : 0), (uint16_t)(port + above)};
}

/* A class that the packet belongs to. */
static struct reach_class class_around(const struct packet *p)
{
    static const struct port_range all = {0, UINT16_MAX};
    struct reach_class c = {.proto = chance(4) ? p->ip_proto : -1, .version = chance(2) ? p->ip_version : 0};
    c.src = has_ports(p) && chance(2) ? around(p->srcport) : all;
    c.dst = has_ports(p) && chance(4) ? around(p->dstport) : all;
    c.states = (uint8_t)(1u << p->meta.ct_state | (chance(2) ? chance(64) : 0));
    c.dirs = (uint8_t)(1u << p->meta.ct_dir | (chance(2) ? chance(8) : 0));
    c.plain = p->ip_proto == 6 && !p->anomalies && !p->ip_options && !p->is_fragment &&
              !(p->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST));
    return c;
}

/* The first rule with an effect that the packet met; NULL where it met none. */
static const struct rule *effect_of(const struct decision *d)
{
    if (d->passed)
        return d->passed_rules[0];
    return d->rule && (d->rule->action != ACTION_ACCEPT || d->rule->event) ? d->rule : NULL;
}

static void check_class(const struct ruleset *rs, const char *rules, const struct packet *p, const struct rule *met,
                        unsigned *yes)
{
    struct reach_class c = class_around(p);
    const struct rule *got = ruleset_reach(rs, &c, 0);
    *yes += got != NULL;
    ck_assert_msg(!met || (got && got->index <= met->index), "seed %lu: of %s\nrule %u matches, and reach says %d",
                  (unsigned long)seed, rules, met ? met->id : 0, got ? (int)got->id : 0);
}

START_TEST(no_match_is_out_of_reach)
{
    static const char *const rest[] = {"action = \"drop\";", "action = \"accept\";", "action = \"log\";",
                                       "action = \"accept\"; event = true;",
                                       "action = \"drop\"; limit = { by = \"ip.src\"; count = 1; per = 1; };"};
    unsigned matches = 0, asked = 0, yes = 0;
    for (unsigned i = 0; i < 600; i++) {
        char rules[8192], when[2048];
        size_t n = 0;
        for (unsigned id = 1; id <= 1 + i % 3; id++) {
            condition(when, sizeof when, 3, any_test);
            n += add_rule(rules + n, sizeof rules - n, id, when, one_of(rest, ARRAY_LEN(rest)));
        }
        struct ruleset *rs = load(rules);
        struct scratch *s = scratch_new(rs);
        for (unsigned k = 0; k < 150; k++, asked++) {
            struct packet p = any_packet();
            struct decision d = decide(rs, s, &p);
            const struct rule *met = effect_of(&d);
            matches += met != NULL;
            check_class(rs, rules, &p, met, &yes);
        }
        scratch_free(s);
        ruleset_free(rs);
    }
    ck_assert_uint_gt(matches, asked / 10);
    ck_assert_uint_lt(yes, asked); /* or it says nothing */
}
END_TEST

#define NEW (1 << CT_NEW)
#define EST (1 << CT_ESTABLISHED)
#define ANY_STATE 0x3f
#define NO_PORTS                                                                                                       \
    {                                                                                                                  \
        0, UINT16_MAX                                                                                                  \
    }

static const struct {
    const char *when;
    struct reach_class c;
    bool reached;
} sharp[] = {
    {"tcp.dstport == 23", {6, 0, NO_PORTS, {23, 23}, ANY_STATE, 7, 0}, 1},
    {"tcp.dstport == 23", {6, 0, NO_PORTS, {0, 22}, ANY_STATE, 7, 0}, 0},
    {"tcp.dstport == 23", {6, 0, NO_PORTS, {24, 65535}, ANY_STATE, 7, 0}, 0},
    {"tcp.dstport == 23", {6, 0, {23, 23}, {24, 24}, ANY_STATE, 7, 0}, 0},
    {"tcp.dstport == 23", {17, 0, NO_PORTS, {23, 23}, ANY_STATE, 7, 0}, 0},
    {"tcp.dstport == 23", {-1, 0, NO_PORTS, {23, 23}, ANY_STATE, 7, 0}, 1},
    {"tcp.dstport != 23", {6, 0, NO_PORTS, {23, 23}, ANY_STATE, 7, 0}, 0},
    {"tcp.dstport != 23", {17, 0, NO_PORTS, {1, 1}, ANY_STATE, 7, 0}, 0},
    {"not tcp.dstport == 23", {17, 0, NO_PORTS, {1, 1}, ANY_STATE, 7, 0}, 1},
    {"not tcp.dstport == 23", {6, 0, NO_PORTS, {23, 23}, ANY_STATE, 7, 0}, 1}, /* a broken header has no port */
    {"tcp.port == 23", {6, 0, {23, 23}, {24, 24}, ANY_STATE, 7, 0}, 1},
    {"tcp.port == 23", {6, 0, {22, 22}, {24, 24}, ANY_STATE, 7, 0}, 0},
    {"tcp.port != 23", {6, 0, {23, 23}, {24, 24}, ANY_STATE, 7, 0}, 0},
    {"tcp.dstport in $ports", {6, 0, NO_PORTS, {3, 4}, ANY_STATE, 7, 0}, 0},
    {"tcp.dstport in $ports", {6, 0, NO_PORTS, {3, 5}, ANY_STATE, 7, 0}, 1},
    {"tcp.dstport in { 1-3, 9 }", {6, 0, NO_PORTS, {4, 8}, ANY_STATE, 7, 0}, 0},
    {"tcp.dstport > 1023", {6, 0, NO_PORTS, {0, 1023}, ANY_STATE, 7, 0}, 0},
    {"udp", {6, 0, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 0},
    {"udp", {17, 0, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 1},
    {"not tcp and not udp", {6, 0, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 0},
    {"not tcp and not udp", {1, 0, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 1},
    {"icmp.type == 8", {58, 0, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 0},
    {"ip.proto == 'gre'", {6, 0, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 0},
    {"not ip.proto == 'gre'", {47, 0, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 0},
    {"ct.state == 'new'", {6, 0, NO_PORTS, NO_PORTS, EST, 7, 0}, 0},
    {"ct.state == 'new'", {6, 0, NO_PORTS, NO_PORTS, NEW | EST, 7, 0}, 1},
    {"ct.state != 'established'", {6, 0, NO_PORTS, NO_PORTS, EST, 7, 0}, 0},
    {"ct.state != 'established'", {6, 0, NO_PORTS, NO_PORTS, 1, 7, 0}, 0}, /* no state at all */
    {"not ct.state == 'established'", {6, 0, NO_PORTS, NO_PORTS, 1, 7, 0}, 1},
    {"ct.state == 'new' and tcp.dstport == 80", {6, 0, NO_PORTS, {80, 80}, EST, 7, 0}, 0},
    {"ct.state == 'new' or udp", {6, 0, NO_PORTS, {80, 80}, EST, 7, 0}, 0},
    {"ct.direction == 'reply'", {6, 0, NO_PORTS, NO_PORTS, EST, 1 << CT_DIR_ORIGINAL, 0}, 0},
    {"ip.src == 10.0.0.1", {6, 6, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 0},
    {"ip.src == 10.0.0.1", {6, 4, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 1},
    {"ip.src in $v4", {6, 6, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 0},
    {"ip.src != 10.0.0.1", {6, 6, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 1},
    {"ipv6", {6, 4, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 0},
    {"not ip", {6, 0, NO_PORTS, NO_PORTS, ANY_STATE, 7, 0}, 0},
    {"packet.anomaly", {6, 4, NO_PORTS, {80, 80}, EST, 7, 1}, 0},
    {"packet.anomaly", {6, 4, NO_PORTS, {80, 80}, EST, 7, 0}, 1},
    {"ip.options", {6, 4, NO_PORTS, {80, 80}, EST, 7, 1}, 0},
    {"ip.frag", {6, 4, NO_PORTS, {80, 80}, EST, 7, 1}, 0},
    {"not ip.frag", {6, 4, NO_PORTS, {80, 80}, EST, 7, 1}, 1},
    {"tcp.flags.syn", {6, 4, NO_PORTS, {80, 80}, EST, 7, 1}, 0},
    {"tcp.flags.syn", {6, 4, NO_PORTS, {80, 80}, EST, 7, 0}, 1},
    {"tcp.flags == 2", {6, 4, NO_PORTS, {80, 80}, EST, 7, 1}, 0},
    {"tcp.flags == 16", {6, 4, NO_PORTS, {80, 80}, EST, 7, 1}, 1},
    {"tcp.window == 0", {6, 4, NO_PORTS, {80, 80}, EST, 7, 1}, 1},
    {"false", {6, 4, NO_PORTS, {80, 80}, EST, 7, 0}, 0},
    {"true", {6, 4, NO_PORTS, {80, 80}, EST, 7, 0}, 1},
    {"http.method == 'GET' or tcp", {6, 4, NO_PORTS, {80, 80}, EST, 7, 0}, 0}, /* no rule on packets */
};

START_TEST(classes_are_told_apart)
{
    struct ruleset *rs = load_one(sharp[_i].when, "action = \"drop\";");
    ck_assert_msg((ruleset_reach(rs, &sharp[_i].c, 0) != NULL) == sharp[_i].reached, "%s (%d): expected %s",
                  sharp[_i].when, _i, sharp[_i].reached ? "yes" : "no");
    ruleset_free(rs);
}
END_TEST

static unsigned reach_id(const struct ruleset *rs, int proto, uint16_t port, size_t first)
{
    struct reach_class c = {proto, 0, {0, UINT16_MAX}, {port, port}, ANY_STATE, 7, false};
    const struct rule *r = ruleset_reach(rs, &c, first);
    return r ? r->id : 0;
}

START_TEST(order_and_effect)
{
    struct ruleset *rs = load("{ id = 1; when = \"tcp.dstport == 1\"; action = \"accept\"; },"
                              "{ id = 2; when = \"tcp.dstport == 2 and ip.ttl > 3\"; action = \"accept\"; },"
                              "{ id = 3; when = \"tcp.dstport == 3\"; action = \"accept\"; event = true; },"
                              "{ id = 4; when = \"tcp.dstport == 4\"; action = \"log\"; event = false; },"
                              "{ id = 5; when = \"tcp\"; action = \"drop\"; },"
                              "{ id = 6; when = \"udp\"; action = \"accept\"; },"
                              "{ id = 7; when = \"ip.proto != 6\"; action = \"accept\"; },"
                              "{ id = 8; when = \"udp.dstport == 9\"; action = \"drop\"; },");
    ck_assert_uint_eq(reach_id(rs, 6, 1, 0), 5); /* a broken header has no port */
    ck_assert_uint_eq(reach_id(rs, 6, 2, 0), 5);
    ck_assert_uint_eq(reach_id(rs, 6, 3, 0), 3);
    ck_assert_uint_eq(reach_id(rs, 6, 4, 0), 4);
    ck_assert_uint_eq(reach_id(rs, 6, 4, 4), 5);
    ck_assert_uint_eq(reach_id(rs, 6, 4, 5), 0);
    ck_assert_uint_eq(reach_id(rs, 17, 9, 0), 0); /* all of it is accepted before */
    ck_assert_uint_eq(reach_id(rs, 17, 9, 6), 0);
    ck_assert_uint_eq(reach_id(rs, 17, 9, 7), 8);
    ck_assert_uint_eq(reach_id(rs, 1, 9, 0), 0);
    ruleset_free(rs);
}
END_TEST

START_TEST(a_limit_lets_some_by)
{
    struct ruleset *rs =
        load("{ id = 1; when = \"tcp\"; action = \"accept\"; limit = { by = \"ip.src\"; count = 1; per = 1; "
             "}; }, { id = 2; when = \"tcp\"; action = \"drop\"; },");
    ck_assert_uint_eq(reach_id(rs, 6, 1, 0), 2);
    ruleset_free(rs);
}
END_TEST

START_TEST(ports_have_borders)
{
    struct ruleset *rs = load_one("tcp.dstport in $ports or udp.port > 1023 or tcp.srcport in { 8-9, 11 } or "
                                  "tcp.dstport == 65535 or tcp.dstport == 0",
                                  "action = \"drop\";");
    static const uint16_t expected[] = {1, 2, 3, 5, 7, 8, 10, 11, 12, 1024, 65535};
    uint16_t got[16];
    size_t n;
    ck_assert(ruleset_ports(rs, 0, got, ARRAY_LEN(got), &n));
    ck_assert_uint_eq(n, ARRAY_LEN(expected));
    ck_assert_mem_eq(got, expected, sizeof expected);
    ck_assert(ruleset_ports(rs, 0, got, ARRAY_LEN(expected), &n));
    ck_assert(!ruleset_ports(rs, 0, got, ARRAY_LEN(expected) - 1, &n));
    ck_assert(ruleset_ports(rs, 1, got, 0, &n) && n == 0);
    ruleset_free(rs);
}
END_TEST

/* ---- what the kernel carries out ---- */

static bool in_match_ranges(const struct match_cond *c, const uint8_t *value, size_t len)
{
    for (size_t i = 0; i < c->n; i++) {
        ck_assert_int_le(memcmp(c->ranges[i].first, c->ranges[i].last, len), 0);
        if (i)
            ck_assert_int_gt(memcmp(c->ranges[i].first, c->ranges[i - 1].last, len), 0);
    }
    for (size_t i = 0; i < c->n; i++)
        if (memcmp(c->ranges[i].first, value, len) <= 0 && memcmp(value, c->ranges[i].last, len) <= 0)
            return true;
    return false;
}

static bool is_named(const struct match_cond *c, const struct iface *dev)
{
    for (size_t i = 0; i < c->n_names; i++)
        if (strcmp(c->names[i], dev->name) == 0)
            return true;
    return false;
}

static bool addr_matches(const struct match_cond *c, const struct ip_addr *a)
{
    ck_assert(c->family == 4 || c->family == 6);
    return a->family == c->family && in_match_ranges(c, a->bytes, c->family == 4 ? 4 : 16) != c->negate;
}

static bool port_matches(const struct match_cond *c, const struct packet *p, uint16_t port)
{
    uint8_t bytes[2] = {(uint8_t)(port >> 8), (uint8_t)port};
    return has_ports(p) && in_match_ranges(c, bytes, 2) != c->negate;
}

static bool cond_matches(const struct match_cond *c, const struct packet *p)
{
    switch ((enum match_what)c->what) {
    case MATCH_IP_VERSION:
        return in_match_ranges(c, &p->ip_version, 1) != c->negate;
    case MATCH_PROTO:
        return in_match_ranges(c, &p->ip_proto, 1) != c->negate;
    case MATCH_SRC:
        return addr_matches(c, &p->src);
    case MATCH_DST:
        return addr_matches(c, &p->dst);
    case MATCH_SRCPORT:
        return port_matches(c, p, p->srcport);
    case MATCH_DSTPORT:
        return port_matches(c, p, p->dstport);
    case MATCH_CT_STATE:
        return (c->bits >> p->meta.ct_state & 1) != c->negate;
    case MATCH_CT_DIR:
        return (c->bits >> p->meta.ct_dir & 1) != c->negate;
    case MATCH_IN_DEV:
        return p->meta.in_dev && is_named(c, p->meta.in_dev) != c->negate;
    case MATCH_OUT_DEV:
        return p->meta.out_dev && is_named(c, p->meta.out_dev) != c->negate;
    }
    ck_abort_msg("condition on %u", c->what);
}

static bool match_holds(const struct match *m, const struct packet *p)
{
    for (size_t i = 0; i < m->n; i++)
        if (!cond_matches(&m->at[i], p))
            return false;
    return true;
}

/* Ports stand beside one protocol that has them. */
static void check_form(const struct match *m)
{
    bool proto = false, ports = false;
    ck_assert_uint_le(m->n, MATCH_CONDS_MAX);
    for (size_t i = 0; i < m->n; i++) {
        const struct match_cond *c = &m->at[i];
        proto |= c->what == MATCH_PROTO && c->n == 1 && c->ranges[0].first[0] == c->ranges[0].last[0];
        ports |= c->what == MATCH_SRCPORT || c->what == MATCH_DSTPORT;
        ck_assert(c->what == MATCH_CT_STATE || c->what == MATCH_CT_DIR ? c->bits != 0 : c->n || c->n_names);
        ck_assert(c->what != MATCH_CT_DIR || !(c->bits & 1));
    }
    ck_assert(proto || !ports);
}

static bool anything(const void *ctx, const struct match *m)
{
    (void)ctx;
    check_form(m);
    return true;
}

static bool get_simple(struct ruleset *rs, size_t index, struct simple_rule *ret)
{
    return simple_rule(rs, index, true, anything, NULL, ret);
}

static void compare(const struct simple_rule *r, const struct ruleset *rs, const char *when, unsigned *hits)
{
    struct scratch *s = scratch_new(rs);
    for (unsigned k = 0; k < 300; k++) {
        struct packet p = any_packet();
        bool kernel = false, rule = decide(rs, s, &p).rule != NULL;
        for (size_t i = 0; i < r->n; i++)
            kernel |= match_holds(&r->at[i], &p);
        *hits += rule;
        ck_assert_msg(kernel == rule, "seed %lu: %s: the rule says %d, the kernel %d", (unsigned long)seed, when, rule,
                      kernel);
    }
    scratch_free(s);
}

START_TEST(the_kernel_says_what_the_rule_says)
{
    unsigned simple = 0, hits = 0, all = 1500;
    for (unsigned i = 0; i < all; i++) {
        char when[2048];
        struct simple_rule r;
        condition(when, sizeof when, i % 4, easy_test);
        struct ruleset *rs = load_one(when, "action = \"drop\";");
        if (get_simple(rs, 0, &r)) {
            simple++;
            compare(&r, rs, when, &hits);
        }
        ruleset_free(rs);
    }
    ck_assert_uint_gt(simple, all / 2);
    ck_assert_uint_gt(hits, simple * 30);
}
END_TEST

static const struct {
    const char *when, *rest;
    int n; /* matches; -1: not simple */
} known[] = {
    {"true", "action = \"drop\";", 1},
    {"false", "action = \"drop\";", 0},
    {"tcp.dstport == 23", "action = \"reject\";", 1},
    {"tcp.dstport == 23", "action = \"accept\"; event = true;", 1},
    {"tcp.dstport == 23", "action = \"log\";", -1},
    {"tcp.dstport == 23", "action = \"block\";", -1},
    {"tcp.dstport == 23", "action = \"mark\"; mark = 1;", -1},
    {"tcp.dstport == 23", "action = \"drop\"; limit = { by = \"ip.src\"; count = 1; per = 1; };", -1},
    {"tcp.dstport == 23 or tcp.dstport == 2323", "action = \"drop\";", 2},
    {"tcp and tcp.dstport == 23", "action = \"drop\";", 1},
    {"udp and tcp.dstport == 23", "action = \"drop\";", 0},
    {"ip.src == 10.0.0.1", "action = \"drop\";", 1},
    {"ip.src != 10.0.0.1", "action = \"drop\";", 2},
    {"not ip.src == 10.0.0.1", "action = \"drop\";", 2},
    {"ip.src in $nets", "action = \"drop\";", 2},
    {"ip.addr in $nets", "action = \"drop\";", 4},
    {"not ip.addr in $nets", "action = \"drop\";", 2},
    {"tcp.dstport != 23", "action = \"drop\";", 1},
    {"not tcp.dstport == 23", "action = \"drop\";", -1},
    {"not (udp or tcp)", "action = \"drop\";", 1},
    {"ct.state == 'invalid'", "action = \"drop\";", 1},
    {"not ct.direction == 'reply'", "action = \"drop\";", 2},
    {"not in.dev == 'a0'", "action = \"drop\";", -1},
    {"in.dev == 'longer than any device'", "action = \"drop\";", 0},
    {"in.dev != 'longer than any device'", "action = \"drop\";", -1},
    {"in.dev startswith 'a'", "action = \"drop\";", -1},
    {"in.side == 'outside'", "action = \"drop\";", -1},
    {"ip.ttl == 1", "action = \"drop\";", -1},
    {"tcp.flags.syn", "action = \"drop\";", -1},
    {"tcp.srcport == tcp.dstport", "action = \"drop\";", -1},
    {"payload contains 'x'", "action = \"drop\";", -1},
    {"packet.anomaly", "action = \"drop\";", -1},
    {"http.method == 'GET'", "action = \"drop\";", 0},
    {"ip.addr != 10.0.0.1 and ip.addr != 10.0.0.2 and ip.addr != 10.0.0.3", "action = \"drop\";", 2},
    {"ipv4 and ip.addr != 10.0.0.1 and ip.addr != 10.0.0.2 and ip.addr != 10.0.0.3 and ip.addr != 10.0.0.4 and "
     "ip.addr != 10.0.0.5",
     "action = \"drop\";", -1}, /* more conditions than fit */
    {"ip.addr in $nets and (tcp.port == 1 or udp.port == 2)", "action = \"drop\";", 16},
    {"ip.addr in $nets and (tcp.port == 1 or udp.port == 2 or sctp.dstport == 1)", "action = \"drop\";", -1},
};

START_TEST(known_rules)
{
    struct simple_rule r;
    struct ruleset *rs = load_one(known[_i].when, known[_i].rest);
    bool simple = get_simple(rs, 0, &r);
    ck_assert_msg((simple ? (int)r.n : -1) == known[_i].n, "%s %s: %d, expected %d", known[_i].when, known[_i].rest,
                  simple ? (int)r.n : -1, known[_i].n);
    ck_assert(!get_simple(rs, 1, &r));
    ruleset_free(rs);
}
END_TEST

static bool no_devices(const void *ctx, const struct match *m)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->at[i].what == MATCH_IN_DEV)
            return false;
    return ctx == &known;
}

START_TEST(the_caller_may_refuse)
{
    struct simple_rule r;
    struct ruleset *rs = load("{ id = 1; when = \"tcp.dstport == 1\"; action = \"reject\"; },"
                              "{ id = 2; when = \"in.dev == \\\"a0\\\"\"; action = \"drop\"; },");
    ck_assert(simple_rule(rs, 0, true, no_devices, &known, &r) && r.rule->id == 1);
    ck_assert(!simple_rule(rs, 0, false, no_devices, &known, &r));
    ck_assert(!simple_rule(rs, 1, true, no_devices, &known, &r));
    ck_assert(get_simple(rs, 1, &r));
    ruleset_free(rs);
}
END_TEST

START_TEST(sets_keep_their_names)
{
    struct simple_rule r;
    struct ruleset *rs = load_one("ip.src in $nets", "action = \"drop\";");
    ck_assert(get_simple(rs, 0, &r));
    const struct match_cond *c = &r.at[0].at[0];
    ck_assert_str_eq(c->list, "nets");
    ck_assert_uint_eq(c->n, 1); /* what touches is one */
    ck_assert_mem_eq(c->ranges[0].first, "\x0a\0\0\x04", 4);
    ck_assert_mem_eq(c->ranges[0].last, "\x0a\0\0\x0a", 4);
    const struct match_range *before = c->ranges;
    ck_assert(get_simple(rs, 0, &r) && r.at[0].at[0].ranges == before);
    ruleset_free(rs);
}
END_TEST

/* As many ways as the steps have branches, none of which ends in true: that takes no time. */
START_TEST(many_ways_that_lead_nowhere)
{
    char when[4096] = "udp";
    struct simple_rule r;
    for (unsigned i = 0; i < 30; i++)
        strcat(when, " and (tcp or icmp)");
    struct ruleset *rs = load_one(when, "action = \"drop\";");
    ck_assert(get_simple(rs, 0, &r) && r.n == 0);
    ruleset_free(rs);
    strcpy(when, "not udp");
    for (unsigned i = 0; i < 28; i++)
        strcat(when, " and (ip.src == 10.0.0.1 or ip.dst == 10.0.0.2)");
    rs = load_one(when, "action = \"drop\";");
    ck_assert(!get_simple(rs, 0, &r));
    ruleset_free(rs);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("reach");
    TCase *t = tcase_create("reach");
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    tcase_add_test(t, no_match_is_out_of_reach);
    tcase_add_loop_test(t, classes_are_told_apart, 0, ARRAY_LEN(sharp));
    tcase_add_test(t, order_and_effect);
    tcase_add_test(t, a_limit_lets_some_by);
    tcase_add_test(t, ports_have_borders);
    tcase_add_test(t, the_kernel_says_what_the_rule_says);
    tcase_add_loop_test(t, known_rules, 0, ARRAY_LEN(known));
    tcase_add_test(t, the_caller_may_refuse);
    tcase_add_test(t, sets_keep_their_names);
    tcase_add_test(t, many_ways_that_lead_nowhere);
    return s;
}

int main(void)
{
    char command[64];
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    int failed = run_suite(suite());
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
