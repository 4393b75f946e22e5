/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which way packets take through the table: real frames through a bridge, and the table's counters. */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "divert/divert.h"
#include "divert/marks.h"
#include "divert_wire.h"
#include "run_suite.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define ECE 0x40
#define MASK WIRE_MASK

static char file[64], said[256], why[512];
static struct config *config;
static struct plan plan;
static struct divert dv;

static void load(const char *services, const char *rest)
{
    FILE *f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            "divert: { interfaces = ( { name = \"c0\"; side = \"outside\"; }, { name = \"s0\"; side = \"inside\"; } );"
            "services = ( %s ); %s };\nrules = [ ];\nmarks: { mask = 0x%x; };\n",
            services, rest, MASK);
    fclose(f);
    struct diag *d = diag_new();
    config_free(config);
    config = config_load(file, d);
    diag_print(d, stderr);
    ck_assert_ptr_nonnull(config);
    diag_free(d);
    plan_free(&plan);
    ck_assert_int_eq(plan_all(config, &plan), 0);
}

static void probe(uint16_t queues)
{
    char done[256];
    divert_close(&dv);
    ck_assert_msg(divert_probe(config, queues, &dv, said, sizeof said, why, sizeof why) == 0, "%s", why);
    ck_assert_msg(divert_br_netfilter(&dv, config, done, sizeof done, why, sizeof why) == 0, "%s", why);
}

static void put_in(void)
{
    ck_assert_msg(divert_install(&dv, config, &plan, DIVERT_QUEUE, why, sizeof why) == 0, "%s", why);
}

static void change(enum divert_state state)
{
    ck_assert_msg(divert_change(&dv, config, &plan, state, why, sizeof why) == 0, "%s", why);
}

#define TCP_80 "{ proto = \"tcp\"; ports = [ 80, 8080 ]; }"

static void set_up(void)
{
    netns_enter();
    wire_open();
    strcpy(file, "/tmp/check_divert_paths.XXXXXX");
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    close(fd);
    config = NULL;
    load(TCP_80, "");
    plan.generation = 5;
    probe(1);
    wire_open_queues(0, 4);
    put_in();
}

static void tear_down(void)
{
    divert_close(&dv);
    plan_free(&plan);
    config_free(config);
    ck_assert_int_eq(unlink(file), 0);
}

static struct divert_counts counts(void)
{
    struct divert_counts n;
    ck_assert_int_eq(divert_counters(&dv, &n), 0);
    return n;
}

/* A connection, whose numbers go on as it is used. */
struct flow {
    int version;
    uint16_t cport, sport;
    uint32_t next[2];
};

static uint16_t next_port = 30000;

static struct frame segment(struct flow *f, int from, uint8_t flags, uint16_t data)
{
    struct frame ret = {.from = from,
                        .version = f->version,
                        .proto = IPPROTO_TCP,
                        .cport = f->cport,
                        .sport = f->sport,
                        .flags = flags,
                        .window = 500,
                        .seq = f->next[from],
                        .ack = flags & ACK ? f->next[!from] : 0,
                        .data = data};
    f->next[from] += data + (flags & (SYN | FIN) ? 1u : 0u);
    return ret;
}

static enum fate send_segment(struct flow *f, int from, uint8_t flags, uint16_t data)
{
    struct frame s = segment(f, from, flags, data);
    return wire_try(&s, NF_ACCEPT, 0);
}

static enum fate send_with_code(struct flow *f, int from, uint16_t data, enum mark_code code)
{
    struct frame s = segment(f, from, ACK | PSH, data);
    return wire_try(&s, NF_REPEAT, mark_of_code(MASK, code));
}

static struct flow handshake(int version, uint16_t cport, uint16_t sport)
{
    struct flow f = {.version = version, .cport = cport, .sport = sport, .next = {1000, 900000}};
    ck_assert_int_eq(send_segment(&f, CLIENT, SYN, 0), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, SERVER, SYN | ACK, 0), CAME_UP_AND_PASSED);
    ck_assert_int_ge(send_segment(&f, CLIENT, ACK, 0), PASSED);
    return f;
}

static struct flow connect_to(int version, uint16_t sport)
{
    return handshake(version, next_port++, sport);
}

static const int versions[] = {4, 6};

/* What of a connection whose responses nobody reads comes up. */
START_TEST(quiet)
{
    const struct {
        int from;
        uint8_t flags, reserved;
        uint16_t data, window, tcp_options, ip_options;
        enum fate fate;
        const char *what;
    } segments[] = {
        {CLIENT, ACK | PSH, 0, 100, 500, 0, 0, CAME_UP_AND_PASSED, "request"},
        {SERVER, ACK, 0, 0, 500, 0, 0, CAME_UP_AND_PASSED, "server's pure ACK"},
        {SERVER, ACK, 0, 0, 500, 12, 0, CAME_UP_AND_PASSED, "server's pure ACK with options"},
        {SERVER, ACK | ECE, 0, 0, 500, 12, 0, CAME_UP_AND_PASSED, "server's pure ACK with ECE"},
        {SERVER, ACK | PSH, 0, 0, 500, 40, 0, CAME_UP_AND_PASSED, "server's pure ACK with PSH"},
        {SERVER, ACK, 0, 1000, 500, 0, 0, PASSED, "response"},
        {SERVER, ACK | PSH, 0, 1, 500, 12, 0, PASSED, "short response with options"},
        {SERVER, ACK | ECE, 0, 20, 10, 40, 0, PASSED, "response with ECE"},
        {CLIENT, ACK, 0, 0, 500, 0, 0, PASSED, "client's pure ACK"},
        {CLIENT, ACK, 0, 0, 8, 12, 0, PASSED, "client's pure ACK with options"},
        {CLIENT, ACK, 0, 0, 8, 40, 0, PASSED, "client's pure ACK with all options"},
        {CLIENT, ACK, 0, 0, 7, 0, 0, CAME_UP_AND_PASSED, "client with little room"},
        {CLIENT, ACK, 0, 0, 0, 12, 0, CAME_UP_AND_PASSED, "client without room"},
        {CLIENT, ACK, 1, 0, 500, 0, 0, CAME_UP_AND_PASSED, "reserved bit"},
        {CLIENT, ACK | PSH, 0, 0, 500, 0, 0, CAME_UP_AND_PASSED, "PSH without data"},
        {CLIENT, ACK | ECE, 0, 0, 500, 0, 0, CAME_UP_AND_PASSED, "ECE"},
        {CLIENT, ACK, 0, 1, 500, 0, 0, CAME_UP_AND_PASSED, "one byte"},
        {CLIENT, ACK, 0, 12, 500, 0, 0, CAME_UP_AND_PASSED, "data as long as options"},
        {CLIENT, ACK, 0, 4, 500, 8, 0, CAME_UP_AND_PASSED, "data and options"},
        {CLIENT, ACK, 0, 0, 500, 0, 4, CAME_UP_AND_PASSED, "IP options"},
        {SERVER, ACK, 0, 0, 500, 0, 4, CAME_UP_AND_PASSED, "server's IP options"},
        {SERVER, ACK | FIN, 0, 0, 500, 0, 0, CAME_UP_AND_PASSED, "server's FIN"},
        {CLIENT, ACK | FIN, 0, 0, 500, 0, 0, CAME_UP_AND_PASSED, "client's FIN"},
        {SERVER, RST | ACK, 0, 0, 500, 0, 0, CAME_UP_AND_PASSED, "RST"},
    };
    int version = versions[_i];
    struct flow f = connect_to(version, 80);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_QUIET), CAME_UP_AND_PASSED);
    struct divert_counts before = counts();
    uint64_t up = 0, by = 0;
    for (size_t i = 0; i < ARRAY_LEN(segments); i++) {
        if (version == 6 && segments[i].ip_options)
            continue;
        struct frame s = segment(&f, segments[i].from, segments[i].flags, segments[i].data);
        s.reserved = segments[i].reserved;
        s.window = segments[i].window;
        s.tcp_options = segments[i].tcp_options;
        s.ip_options = segments[i].ip_options;
        enum fate fate = wire_try(&s, NF_ACCEPT, 0);
        ck_assert_msg(fate == segments[i].fate, "IPv%d %s: %d", version, segments[i].what, fate);
        up += fate == CAME_UP_AND_PASSED;
        by += fate == PASSED;
    }
    struct divert_counts after = counts();
    ck_assert_uint_eq(after.queued - before.queued, up);
    ck_assert_uint_eq(after.quiet - before.quiet, by);
    ck_assert_uint_eq(after.offloaded + after.condemned + after.exempt + after.banned, 0);
}
END_TEST

/* Before it is marked, and where conntrack does not know the segment. */
START_TEST(not_quiet)
{
    struct flow f = connect_to(4, 80);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 100), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 0), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_QUIET), CAME_UP_AND_PASSED);
    f.next[SERVER] += 0x40000000; /* outside the window: invalid */
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 100), CAME_UP_AND_PASSED);
    ck_assert_uint_eq(counts().quiet, 0);
}
END_TEST

START_TEST(offloaded)
{
    struct flow f = connect_to(versions[_i], 8080);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_OFFLOAD), CAME_UP_AND_PASSED);
    struct divert_counts before = counts();
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(send_segment(&f, SERVER, ACK, 300), PASSED);
        ck_assert_int_eq(send_segment(&f, SERVER, ACK, 0), PASSED);
        ck_assert_int_eq(send_segment(&f, CLIENT, ACK | PSH, 50), PASSED);
    }
    struct divert_counts after = counts();
    ck_assert_uint_eq(after.offloaded - before.offloaded, 9);
    ck_assert_uint_eq(after.queued, before.queued);
    struct flow other = connect_to(versions[_i], 8080); /* its own, not everybody's */
    ck_assert_int_eq(send_segment(&other, CLIENT, ACK, 30), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK | FIN, 0), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 40), PASSED);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK | RST, 0), CAME_UP_AND_PASSED);
}
END_TEST

START_TEST(offloaded_datagrams)
{
    load("{ proto = \"udp\"; ports = [ 53 ]; }", "");
    plan.generation = 5;
    change(DIVERT_QUEUE);
    struct frame q = {.from = CLIENT, .version = 4, .proto = IPPROTO_UDP, .cport = 7000, .sport = 53, .data = 20};
    struct frame a = q;
    a.from = SERVER;
    ck_assert_int_eq(wire_try(&q, NF_ACCEPT, 0), CAME_UP_AND_PASSED);
    ck_assert_int_eq(wire_try(&a, NF_REPEAT, mark_of_code(MASK, MARK_CODE_OFFLOAD)), CAME_UP_AND_PASSED);
    ck_assert_int_eq(wire_try(&q, NF_ACCEPT, 0), PASSED);
    ck_assert_int_eq(wire_try(&a, NF_ACCEPT, 0), PASSED);
    ck_assert_uint_eq(counts().offloaded, 2);
    ck_assert_uint_eq(counts().queued, 2);
}
END_TEST

START_TEST(condemned)
{
    struct flow f = connect_to(versions[_i], 80);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_CONDEMN), CAME_UP);
    struct divert_counts before = counts();
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 10), LOST);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 10), LOST);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK | RST, 0), LOST);
    struct divert_counts after = counts();
    ck_assert_uint_eq(after.condemned - before.condemned, 3);
    ck_assert_uint_eq(after.queued, before.queued);
}
END_TEST

/* A connection that begins is nothing yet. */
START_TEST(syn_clears)
{
    struct flow f = connect_to(4, 8080);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_CONDEMN), CAME_UP);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 10), LOST);
    struct flow again = handshake(4, f.cport, 8080);
    ck_assert_int_eq(send_segment(&again, CLIENT, ACK, 10), CAME_UP_AND_PASSED);
    f = connect_to(4, 8080);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_OFFLOAD), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 10), PASSED);
    struct flow astray = f; /* numbers do not move by what nobody takes */
    ck_assert_int_eq(send_segment(&astray, CLIENT, SYN, 0), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 10), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 10), CAME_UP_AND_PASSED);
}
END_TEST

START_TEST(watched)
{
    struct flow f = connect_to(versions[_i], 8080);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_QUIET), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 100), PASSED);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 0), PASSED);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_WATCH), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 100), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 0), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_with_code(&f, SERVER, 10, MARK_CODE_QUIET), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 100), PASSED);
}
END_TEST

/* What another generation decided is forgotten as soon as it is seen. */
START_TEST(generations)
{
    static const enum mark_code codes[] = {MARK_CODE_OFFLOAD, MARK_CODE_CONDEMN, MARK_CODE_QUIET};
    struct flow f[ARRAY_LEN(codes)];
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        f[i] = connect_to(4, 8080);
        send_with_code(&f[i], CLIENT, 10, codes[i]);
        ck_assert_int_ne(send_segment(&f[i], SERVER, ACK, 10), CAME_UP_AND_PASSED);
    }
    plan.generation = 6;
    change(DIVERT_QUEUE);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        ck_assert_int_eq(send_segment(&f[i], SERVER, ACK, 10), CAME_UP_AND_PASSED);
    plan.generation = 5;
    change(DIVERT_QUEUE);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        ck_assert_int_eq(send_segment(&f[i], SERVER, ACK, 10), CAME_UP_AND_PASSED);
}
END_TEST

/* Marks are shared with others: only our bits change. */
START_TEST(other_bits_of_marks)
{
    char text[1024];
    const char *family = dv.bridge_family ? "bridge" : "inet";
    snprintf(text, sizeof text,
             "nft 'table %s other { counter kept { }; counter lost { };"
             "chain before { type filter hook forward priority -250; meta mark set 0x00000abc; ct mark set ct mark | "
             "0x80000def; };"
             "chain behind { type filter hook forward priority 250; ct mark & 0x80ffffff == 0x80000def meta mark 0xabc "
             "counter name kept return; counter name lost; }; }'",
             family);
    netns_run(text);
    struct flow f = connect_to(4, 8080);
    send_with_code(&f, CLIENT, 10, MARK_CODE_WATCH);
    send_with_code(&f, CLIENT, 10, MARK_CODE_OFFLOAD);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 10), PASSED);
    plan.generation = 9;
    change(DIVERT_QUEUE);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 10), CAME_UP_AND_PASSED);
    snprintf(text, sizeof text, "nft list counter %s other lost", family);
    ck_assert_msg(strstr(netns_run(text), "packets 0"), "%s", netns_run(text));
}
END_TEST

START_TEST(monitor)
{
    struct flow f = connect_to(4, 8080);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_CONDEMN), CAME_UP);
    plan.monitor = true;
    change(DIVERT_QUEUE);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 10), CAME_UP_AND_PASSED);
    f = connect_to(4, 8080);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_CONDEMN), CAME_UP_AND_PASSED);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 10), CAME_UP_AND_PASSED);
}
END_TEST

/* A stop: all through, or nothing of the services, whatever was decided before. */
START_TEST(stopped)
{
    struct flow offload = connect_to(4, 8080), plain = connect_to(4, 80);
    ck_assert_int_eq(send_with_code(&offload, CLIENT, 10, MARK_CODE_OFFLOAD), CAME_UP_AND_PASSED);
    struct plan_line *lines = plan.lines;
    size_t n = plan.n_lines;
    plan.n_lines = 0; /* nothing needs to come up: it is to be blocked all the same */
    change(DIVERT_BLOCK);
    ck_assert_int_eq(send_segment(&offload, SERVER, ACK, 10), LOST);
    ck_assert_int_eq(send_segment(&plain, SERVER, ACK, 10), LOST);
    ck_assert_int_eq(send_segment(&plain, CLIENT, ACK, 0), LOST);
    struct frame other = {.from = CLIENT, .version = 4, .proto = IPPROTO_UDP, .cport = 7000, .sport = 53, .data = 20};
    ck_assert_int_eq(wire_try(&other, NF_ACCEPT, 0), PASSED);
    change(DIVERT_PASS);
    ck_assert_int_eq(send_segment(&offload, SERVER, ACK, 10), PASSED);
    ck_assert_int_eq(send_segment(&plain, CLIENT, ACK, 10), PASSED);
    plan.lines = lines;
    plan.n_lines = n;
    change(DIVERT_QUEUE);
    ck_assert_int_eq(send_segment(&plain, CLIENT, ACK, 10), CAME_UP_AND_PASSED);
}
END_TEST

static void use_line(struct plan_line line)
{
    static struct plan_line lines[1];
    plan_free(&plan);
    lines[0] = line;
    plan = (struct plan){.lines = lines, .n_lines = 1};
    change(DIVERT_QUEUE);
    plan.lines = NULL; /* it is not plan_free's */
    plan.n_lines = 0;
}

static enum fate send_datagram(int from, uint16_t cport, uint16_t sport, int version)
{
    struct frame f = {
        .from = from, .version = version, .proto = IPPROTO_UDP, .cport = cport, .sport = sport, .data = 9};
    return wire_try(&f, NF_ACCEPT, 0);
}

/* Only what a line names comes up. */
START_TEST(lines)
{
    static struct port_range dns[] = {{53, 54}};
    struct plan_line line = {
        .proto = IPPROTO_UDP, .ports = dns, .n_ports = 1, .to_server = true, .states = PLAN_ALL_STATES};
    use_line(line);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(send_datagram(CLIENT, 1111, 53, versions[i]), CAME_UP_AND_PASSED);
        ck_assert_int_eq(send_datagram(SERVER, 1111, 53, versions[i]), PASSED);
        ck_assert_int_eq(send_datagram(CLIENT, 1111, 55, versions[i]), PASSED);
    }
    line.to_server = false;
    line.to_client = true;
    use_line(line);
    ck_assert_int_eq(send_datagram(CLIENT, 1111, 54, 4), PASSED);
    ck_assert_int_eq(send_datagram(SERVER, 1111, 54, 4), CAME_UP_AND_PASSED);
    line.n_ports = 0;
    use_line(line);
    ck_assert_int_eq(send_datagram(CLIENT, 1112, 99, 4), PASSED);
    ck_assert_int_eq(send_datagram(SERVER, 1112, 99, 4), CAME_UP_AND_PASSED);
    line.proto = -1;
    line.to_server = true;
    line.to_client = false;
    line.states = 1 << CT_NEW | 1 << CT_INVALID;
    use_line(line);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(send_datagram(CLIENT, 1113, 99, versions[i]), CAME_UP_AND_PASSED);
        ck_assert_int_eq(send_datagram(SERVER, 1113, 99, versions[i]), PASSED);
        ck_assert_int_eq(send_datagram(CLIENT, 1113, 99, versions[i]), PASSED); /* established by now */
    }
    struct flow f = {.version = 4, .cport = 999, .sport = 80, .next = {7, 9}};
    ck_assert_int_eq(send_segment(&f, SERVER, SYN | ACK, 0), CAME_UP_AND_PASSED); /* invalid has no direction */
}
END_TEST

START_TEST(lines_from_inside)
{
    struct plan_line line = {
        .proto = -1, .to_server = true, .to_client = true, .states = PLAN_ALL_STATES, .from_inside = true};
    use_line(line);
    ck_assert_int_eq(send_datagram(SERVER, 1111, 53, 4), PASSED); /* nothing is inside */
    char net4[] = "10.7.0.128/25", addr6[] = "fd00::c8", *inside[] = {net4, addr6};
    config->networks.inside = (struct config_strings){inside, 2};
    use_line(line);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(send_datagram(CLIENT, 1111, 53, versions[i]), PASSED);
        ck_assert_int_eq(send_datagram(SERVER, 1111, 53, versions[i]), CAME_UP_AND_PASSED);
    }
    config->networks.inside = (struct config_strings){0};
}
END_TEST

START_TEST(exempt)
{
    load(TCP_80, "exempt = [ \"10.7.0.9\", \"fd00::9\" ];");
    change(DIVERT_QUEUE);
    struct divert_counts before = counts();
    for (int from = CLIENT; from <= SERVER; from++) {
        for (int i = 0; i < 2; i++) {
            struct frame f = {.from = from,
                              .version = versions[i],
                              .proto = IPPROTO_TCP,
                              .cport = 9000,
                              .sport = 80,
                              .flags = SYN,
                              .source = 9};
            ck_assert_int_eq(wire_try(&f, NF_DROP, 0), PASSED);
        }
    }
    struct flow f = connect_to(4, 80);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 9), CAME_UP_AND_PASSED);
    ck_assert_uint_eq(counts().exempt - before.exempt, 4);
}
END_TEST

/* A packet that came up cut short comes up once more, and is not judged in between. */
START_TEST(retried)
{
    struct flow f = connect_to(4, 8080);
    struct divert_counts before = counts();
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_RETRY), CAME_UP_AND_PASSED);
    ck_assert_uint_eq(counts().queued - before.queued, 2);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_PASS), CAME_UP_AND_PASSED);
    ck_assert_uint_eq(counts().queued - before.queued, 3);
}
END_TEST

/* No more may be under way than a veth's backlog takes. */
#define UNDER_WAY_MAX 500

/* Numbered datagrams, from a process of its own; tags from 1 to n. */
static pid_t blast(uint32_t n, const _Atomic uint32_t *arrived)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    struct frame f = {.from = CLIENT, .version = 4, .proto = IPPROTO_UDP, .cport = 4000, .sport = 53, .data = 20};
    for (f.tag = 1; f.tag <= n; f.tag++) {
        f.cport = (uint16_t)(4000 + f.tag % 100);
        wire_put(&f);
        for (int waited = 0; f.tag - atomic_load(arrived) > UNDER_WAY_MAX && waited < 3000; waited++)
            usleep(1000);
    }
    _exit(0);
}

struct seen {
    uint32_t came_up, arrived, twice;
    uint8_t at[65536];
};

static void look_at_end(struct seen *s)
{
    uint8_t buf[4096];
    size_t len;
    while (wire_arrived(SERVER, buf, &len)) {
        uint32_t tag = len >= 14 + 28 + 4 && buf[23] == IPPROTO_UDP
                           ? (uint32_t)buf[42] << 24 | (uint32_t)buf[43] << 16 | (uint32_t)buf[44] << 8 | buf[45]
                           : 0;
        if (!tag || tag >= sizeof s->at)
            continue;
        s->twice += s->at[tag];
        s->arrived += !s->at[tag];
        s->at[tag] = 1;
    }
}

/* Answers `max` packets and sees to what has arrived. */
static void answer(struct seen *s, uint32_t max)
{
    struct queued q;
    for (uint32_t i = 0; i < max && wire_take(&q); i++) {
        s->came_up++;
        wire_verdict(&q, NF_ACCEPT, 0);
    }
    look_at_end(s);
}

/*
 * Run after run takes the table over while packets come and wait: each comes up
 * once, by the old rules or the new, and each goes on.
 */
START_TEST(adopted_under_traffic)
{
    enum { PACKETS = 8000 };
    _Atomic uint32_t *arrived = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne((void *)(uintptr_t)arrived, MAP_FAILED);
    static struct seen s;
    int bytes = 64 << 20;
    setsockopt(wire_end[SERVER], SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    load("{ proto = \"udp\"; ports = [ 53 ]; }", "");
    change(DIVERT_QUEUE);
    pid_t child = blast(PACKETS, arrived);
    unsigned runs = 0;
    int status = -1;
    while (waitpid(child, &status, WNOHANG) == 0) {
        answer(&s, 300); /* and leaves some waiting */
        atomic_store(arrived, s.arrived);
        struct divert old = dv;
        plan.generation = runs % 16;
        probe((uint16_t)(1 + runs / 4 % 4));
        ck_assert(dv.left);
        ck_assert(runs == 0 || dv.last_generation == (runs - 1) % 16);
        put_in();
        ck_assert(dv.adopted);
        ck_assert_uint_gt(dv.change, old.change);
        runs++;
    }
    ck_assert_int_eq(status, 0);
    for (uint64_t end = wire_ms() + 3000; s.arrived < PACKETS && wire_ms() < end;)
        answer(&s, 1000);
    fprintf(stderr, "%u packets, %u came up, %u arrived, %u twice, %u runs\n", (unsigned)PACKETS, s.came_up, s.arrived,
            s.twice, runs);
    ck_assert_uint_ge(runs, 5);
    ck_assert_uint_eq(s.came_up, PACKETS);
    ck_assert_uint_eq(s.arrived, PACKETS);
    ck_assert_uint_eq(s.twice, 0);
}
END_TEST

/* Counters begin anew for those who took the table over, and what was decided of connections may go on. */
START_TEST(adopted)
{
    struct flow f = connect_to(4, 8080);
    ck_assert_int_eq(send_with_code(&f, CLIENT, 10, MARK_CODE_OFFLOAD), CAME_UP_AND_PASSED);
    ck_assert_uint_ge(counts().queued, 3);
    ck_assert(!dv.adopted && !dv.left);
    probe(1);
    ck_assert(dv.left);
    ck_assert_uint_eq(dv.last_generation, 5);
    put_in();
    ck_assert(dv.adopted);
    ck_assert_uint_eq(counts().queued, 0);
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 10), PASSED);
    ck_assert_uint_eq(counts().offloaded, 1);
    plan.generation = 6;
    probe(1);
    put_in();
    ck_assert_int_eq(send_segment(&f, SERVER, ACK, 10), CAME_UP_AND_PASSED);
    ck_assert_uint_eq(counts().queued, 1);
    change(DIVERT_QUEUE); /* says the same: nothing is done */
    uint32_t before = dv.change;
    change(DIVERT_QUEUE);
    ck_assert_uint_eq(dv.change, before);
    const char *sets = netns_run("nft list sets | grep -c 'set ports'");
    ck_assert_int_eq(atoi(sets), 1); /* the old runs' are gone */
}
END_TEST

/* What is not a whole table of ours with our hooks is replaced. */
START_TEST(not_adopted)
{
    static const char *const spoils[] = {
        "nft delete table $family sluice; nft \"table $family sluice { chain divert { type filter hook forward "
        "priority 77; }; }\"",
        "nft add chain $family sluice more '{ type filter hook forward priority 3; }'",
        "nft list counters | grep -q state && nft delete counter $family sluice state",
        "nft delete table $family sluice; nft \"table $family sluice { counter state { packets 7 bytes 7 }; counter "
        "queued { }; "
        "}\"",
        "nft delete table $family sluice; nft \"table $family sluice { set guard { type ipv4_addr; }; }\"",
    };
    const char *family = dv.bridge_family ? "bridge" : "inet";
    char command[512];
    for (size_t i = 0; i < ARRAY_LEN(spoils); i++) {
        snprintf(command, sizeof command, "family=%s; %s", family, spoils[i]);
        netns_run(command);
        probe(1);
        put_in();
        ck_assert_msg(!dv.adopted, "%s", command);
        struct flow f = connect_to(4, 8080);
        ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 10), CAME_UP_AND_PASSED);
        probe(1);
        put_in();
        ck_assert(dv.adopted);
    }
    config->divert.priority = 7;
    probe(1);
    put_in();
    ck_assert(!dv.adopted);
    ck_assert_ptr_null(strstr(netns_run("nft list ruleset"), "\"more\""));
    /* Odd rules, sets and chains of a table of ours go, and the hook stays. */
    snprintf(command, sizeof command,
             "nft add set %s sluice odd '{ type ipv4_addr; }'; nft add chain %s sluice odd; nft insert rule %s sluice "
             "divert drop",
             family, family, family);
    netns_run(command);
    probe(1);
    put_in();
    ck_assert(dv.adopted);
    ck_assert_ptr_null(strstr(netns_run("nft list ruleset"), "odd"));
    struct flow f = connect_to(4, 8080);
    ck_assert_int_eq(send_segment(&f, CLIENT, ACK, 10), CAME_UP_AND_PASSED);
}
END_TEST

/* Without privileges, and nothing is asked of nftables. */
START_TEST(shown)
{
    char *text = NULL;
    size_t size;
    struct divert guess;
    snprintf(plan.lines[0].why, sizeof plan.lines[0].why, "rule 100010");
    divert_assume(config, 3, &guess, said, sizeof said);
    ck_assert_int_eq(divert_remove(&dv, why, sizeof why), 0);
    ck_assert_int_eq(seteuid(65534), 0);
    FILE *f = open_memstream(&text, &size);
    ck_assert_int_eq(divert_show(&guess, config, &plan, f), 0);
    fclose(f);
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert(guess.bridge_family); /* the interfaces are ports of a bridge */
    static const char *const expected[] = {"table bridge sluice {",
                                           "comment \"rule 100010\"",
                                           "elements = { 80, 8080 }",
                                           "tcp dport @ports0",
                                           "queue flags bypass to symhash mod 3",
                                           "ct mark & 0x7f000000 == 0x15000000 goto offloaded",
                                           "counter name \"quiet\" accept",
                                           "type filter hook forward priority -200; policy accept;",
                                           "elements = { \"c0\", \"s0\" }",
                                           "ip length . @th,96,16 @acks4",
                                           "ct state established",
                                           "{ 20 . 20480, "};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        bool there = strstr(text, expected[i]) != NULL;
        if (!there)
            fputs(text, stderr);
        ck_assert_msg(there, "not there: %s", expected[i]);
    }
    ck_assert_ptr_null(strstr(text, "[")); /* nothing that has no words */
    free(text);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("divert_paths");
    if (netns_possible()) {
        TCase *t = tcase_create("paths");
        tcase_set_timeout(t, 120);
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_loop_test(t, quiet, 0, 2);
        tcase_add_test(t, not_quiet);
        tcase_add_loop_test(t, offloaded, 0, 2);
        tcase_add_test(t, offloaded_datagrams);
        tcase_add_loop_test(t, condemned, 0, 2);
        tcase_add_test(t, syn_clears);
        tcase_add_loop_test(t, watched, 0, 2);
        tcase_add_test(t, generations);
        tcase_add_test(t, other_bits_of_marks);
        tcase_add_test(t, monitor);
        tcase_add_test(t, stopped);
        tcase_add_test(t, lines);
        tcase_add_test(t, lines_from_inside);
        tcase_add_test(t, exempt);
        tcase_add_test(t, retried);
        tcase_add_test(t, adopted);
        tcase_add_test(t, not_adopted);
        tcase_add_test(t, shown);
        suite_add_tcase(s, t);
        t = tcase_create("traffic");
        tcase_set_timeout(t, 120);
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_test(t, adopted_under_traffic);
        suite_add_tcase(s, t);
    }
    return run_suite(s);
}
