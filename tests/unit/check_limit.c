/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Limits of rules: rates, keys, once a request, shared by threads, kept over a reload, under forged sources. */
#include <pthread.h>
#include <stdlib.h>

#include "inspect/limit.h"
#include "inspect/ruleset.h"
#include "run_suite.h"

static char dir[] = "/tmp/check_limit.XXXXXX";

/* ---- loading; quotes in conditions and fields are written ' ---- */

static struct ruleset *try_load(const char *conf, uint32_t keys, struct diag *d)
{
    char path[256];
    const char *const paths[] = {path};
    const struct ruleset_options opt = {.regex_steps = 10000, .value_max = 65536, .limit_keys = keys};
    snprintf(path, sizeof path, "%s/r.conf", dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (; *conf; conf++)
        fputs(*conf == '\'' ? "\\\"" : (const char[]){*conf, '\0'}, f);
    fclose(f);
    return ruleset_load(paths, 1, &opt, d);
}

static struct ruleset *load(const char *conf)
{
    struct diag *d = diag_new();
    struct ruleset *rs = try_load(conf, 0, d);
    if (diag_count(d))
        diag_print(d, stderr);
    ck_assert_ptr_nonnull(rs);
    diag_free(d);
    return rs;
}

/* ---- subjects ---- */

static struct packet packet(uint8_t src, uint8_t dst)
{
    struct packet p = {.ip_version = 4, .ip_proto = 6, .l4 = L4_TCP, .srcport = 40000, .dstport = 80};
    p.src = (struct ip_addr){.family = 4, .bytes = {192, 0, 2, src}};
    p.dst = (struct ip_addr){.family = 4, .bytes = {192, 0, 2, dst}};
    return p;
}

static unsigned ask(const struct ruleset *rs, enum phase phase, const struct subject *s)
{
    struct decision d;
    struct scratch *scratch = scratch_new(rs);
    ruleset_decide(rs, scratch, phase, s, &d);
    scratch_free(scratch);
    ck_assert(!d.undecided);
    return d.rule ? d.rule->id : d.passed ? d.passed_rules[0]->id : 0;
}

static unsigned ask_packet(const struct ruleset *rs, uint8_t src, uint8_t dst, uint64_t now_ms)
{
    struct packet p = packet(src, dst);
    return ask(rs, PHASE_PACKET, &(struct subject){.packet = &p, .now_ms = now_ms});
}

static struct span text(const char *s)
{
    return span_of(s, strlen(s));
}

/* A POST to a path with a header and two arguments, of which only the first is in the query. */
static struct http_tx request(const char *path, struct http_field headers[1], struct http_field args[2])
{
    return (struct http_tx){.number = 1,
                            .method = text("POST"),
                            .uri = text(path),
                            .path = text(path),
                            .headers = {headers, 1, 1},
                            .args = {args, 1, 2},
                            .query_args = 1,
                            .has_body = true};
}

/* ---- rates ---- */

START_TEST(beyond_the_rate_only)
{
    struct ruleset *rs = load("rules = ( { id = 7; when = \"tcp\"; action = \"drop\"; "
                              "limit = { by = \"ip.src\"; count = 3; per = \"1m\"; }; } );");
    for (unsigned i = 0; i < 10; i++)
        ck_assert_uint_eq(ask_packet(rs, 1, 9, 5000 + i), i < 3 ? 0 : 7);
    ck_assert_uint_eq(ask_packet(rs, 2, 9, 5010), 0);
    /* One more each 20 seconds; what was refused does not count. */
    for (uint64_t t = 25100; t < 200000; t += 20100) {
        ck_assert_uint_eq(ask_packet(rs, 1, 9, t), 0);
        ck_assert_uint_eq(ask_packet(rs, 1, 9, t + 10), 7);
    }
    /* All of them after a pause, however long. */
    static const uint64_t pauses[] = {120000, 61000, 86400000, 86400000000, 3};
    uint64_t now = 200000;
    for (size_t k = 0; k < ARRAY_LEN(pauses); k++) {
        now += pauses[k];
        for (unsigned i = 0; i < 5; i++)
            ck_assert_msg(ask_packet(rs, 1, 9, now) == (i < 3 && k < 4 ? 0u : 7u), "%u after pause %zu", i, k);
    }
    ruleset_free(rs);
}
END_TEST

static const struct {
    uint32_t count, per, burst;
    uint64_t step_ms; /* between attempts, for 2000 of them */
} rates[] = {
    {20, 60, 20, 100}, {1, 1, 1, 10},      {1, 2592000, 1, 3600000}, {1000000, 1, 1000000, 1}, {7, 3, 2, 50},
    {100, 1, 1, 1},    {1000, 1, 1000, 0}, {60, 60, 5, 900},         {3, 86400, 3, 600000},    {1000, 7, 30, 1},
};

/* What is let by in the long run is the burst and count in each `per`. */
START_TEST(rates_hold)
{
    const struct limit l = {.count = rates[_i].count, .per = rates[_i].per, .burst = rates[_i].burst};
    struct limit_table *t = limit_table_new(64);
    uint64_t now = 123456789, n = 2000, passed = 0;
    for (uint64_t i = 0; i < n; i++, now += rates[_i].step_ms)
        passed += !limit_table_count(t, &l, 0x123456789abcdef0, now);
    double owed = l.burst + (double)((n - 1) * rates[_i].step_ms) * l.count / l.per / 1000;
    owed = owed > (double)n ? (double)n : owed;
    ck_assert_msg((double)passed > owed * 0.995 - 1.01 && (double)passed < owed * 1.005 + 1.01,
                  "%u in %u s, burst %u: %lu passed, expected %.2f", l.count, l.per, l.burst, (unsigned long)passed,
                  owed);
    limit_table_free(t);
}
END_TEST

/* Workers read the clock once a batch: it may seem to go back a little. */
START_TEST(clocks_differ_a_little)
{
    const struct limit l = {.count = 2, .per = 10, .burst = 2};
    struct limit_table *t = limit_table_new(64);
    ck_assert(!limit_table_count(t, &l, 5, 10008));
    ck_assert(!limit_table_count(t, &l, 5, 10000));
    ck_assert(limit_table_count(t, &l, 5, 10008));
    ck_assert(limit_table_count(t, &l, 5, 9500));
    ck_assert(limit_table_count(t, &l, 5, 14900));
    ck_assert(!limit_table_count(t, &l, 5, 15100));
    limit_table_free(t);
}
END_TEST

/* ---- keys ---- */

START_TEST(keys_of_packets)
{
    struct ruleset *rs = load(
        "rules = ( { id = 1; when = \"tcp.dstport == 80\"; action = \"log\"; limit = { by = \"ip.dst\"; count = 1; "
        "per = 60; }; }, { id = 2; when = \"ip.ttl == 2\"; action = \"drop\"; limit = { by = \"ip.pair\"; count = 1; "
        "per = 60; }; }, { id = 3; when = \"ip.ttl == 3\"; action = \"drop\"; limit = { by = ( \"ip.src\", "
        "\"tcp.dstport\", \"ip.ttl\" ); count = 1; per = 60; }; }, { id = 4; when = \"ip.ttl == 4\"; action = "
        "\"drop\"; limit = { by = [ \"vlan.id\" ]; count = 1; per = 60; }; } );");
    ck_assert_uint_eq(ask_packet(rs, 1, 9, 0), 0);
    ck_assert_uint_eq(ask_packet(rs, 2, 9, 0), 1);
    ck_assert_uint_eq(ask_packet(rs, 2, 8, 0), 0);
    struct packet p = packet(1, 9), back = packet(9, 1), other = packet(1, 8);
    struct subject s = {.packet = &p}, to = {.packet = &back}, third = {.packet = &other};
    p.dstport = back.dstport = other.dstport = 1;
    p.ip_ttl = back.ip_ttl = other.ip_ttl = 2;
    ck_assert_uint_eq(ask(rs, PHASE_PACKET, &s), 0);
    ck_assert_uint_eq(ask(rs, PHASE_PACKET, &to), 2);
    ck_assert_uint_eq(ask(rs, PHASE_PACKET, &third), 0);
    p.ip_ttl = 3;
    ck_assert_uint_eq(ask(rs, PHASE_PACKET, &s), 0);
    ck_assert_uint_eq(ask(rs, PHASE_PACKET, &s), 3);
    p.dstport = 2;
    ck_assert_uint_eq(ask(rs, PHASE_PACKET, &s), 0);
    p.ip_ttl = 4;
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(ask(rs, PHASE_PACKET, &s), 0); /* without a VLAN there is no key */
    p.meta.has_vlan = true;
    ck_assert_uint_eq(ask(rs, PHASE_PACKET, &s), 0);
    ck_assert_uint_eq(ask(rs, PHASE_PACKET, &s), 4);
    ruleset_free(rs);
}
END_TEST

/* Two rules of the same limit, and a rule of another limit on the same field, count apart. */
START_TEST(rules_count_apart)
{
    struct ruleset *rs =
        load("rules = ( { id = 1; when = \"tcp\"; action = \"drop\"; limit = { by = \"ip.src\"; count = 2; "
             "per = 60; }; }, { id = 2; when = \"tcp\"; action = \"drop\"; limit = { by = \"ip.src\"; "
             "count = 2; per = 60; }; } );");
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(ask_packet(rs, 1, 2, 0), i < 2 ? 0 : 1);
    ruleset_free(rs);
}
END_TEST

static unsigned ask_request(const struct ruleset *rs, struct http_tx *tx, uint64_t now_ms)
{
    struct packet p = packet(1, 9);
    struct subject s = {.packet = &p, .tx = tx, .now_ms = now_ms};
    uint32_t headers = tx->headers.n;
    unsigned got = 0, fired = 0;
    tx->headers.n = 0;
    got += fired = ask(rs, PHASE_REQUEST_PART, &s);
    tx->headers.n = headers;
    got += fired = fired ? 0 : ask(rs, PHASE_REQUEST_PART, &s);
    got += fired = fired ? 0 : ask(rs, PHASE_REQUEST_HEAD, &s);
    tx->args.n = 2;
    got += fired ? 0 : ask(rs, PHASE_REQUEST_BODY, &s);
    return got;
}

static const struct {
    const char *rule;
    bool counts;
} by_request[] = {
    {"when = \"http.method == 'POST'\"; limit = { by = \"ip.src\"; count = 2; per = 60; }", 1},
    {"when = \"http.uri.path startswith '/lo'\"; limit = { by = \"http.uri.path\"; count = 2; per = 60; }", 1},
    {"when = \"http.args contains 'a'\"; limit = { by = \"ip.src\"; count = 2; per = 60; }", 1},
    {"when = \"http.args['late'] == 'b'\"; limit = { by = \"ip.src\"; count = 2; per = 60; }", 1},
    {"when = \"tcp\"; limit = { by = \"http.headers['x-api-key']\"; count = 2; per = 60; }", 1},
    {"when = \"tcp\"; limit = { by = \"http.args['late']\"; count = 2; per = 60; }", 1},
    {"when = \"http.method == 'POST'\"; limit = { by = [ \"lower(http.args)\", \"length(http.uri)\" ]; count = 2; per "
     "= 60; }",
     1},
    {"when = \"http.method == 'POST'\"; limit = { by = \"http.headers['none']\"; count = 2; per = 60; }", 0},
    {"when = \"http.method == 'GET'\"; limit = { by = \"ip.src\"; count = 2; per = 60; }", 0},
    {"when = \"not http.method == 'GET'\"; limit = { by = \"http.host\"; count = 2; per = 60; }", 0},
};

/* However often a request is looked at, it counts once. */
START_TEST(a_request_counts_once)
{
    char conf[1024];
    snprintf(conf, sizeof conf, "rules = ( { id = 5; action = \"drop\"; %s; } );", by_request[_i].rule);
    struct ruleset *rs = load(conf);
    for (unsigned i = 0; i < 6; i++) {
        struct http_field headers[1] = {{text("X-API-Key"), text("k1")}};
        struct http_field args[2] = {{text("q"), text("a")}, {text("late"), text("b")}};
        struct http_tx tx = request("/login", headers, args);
        unsigned got = ask_request(rs, &tx, 1000 + i);
        ck_assert_msg(got == (by_request[_i].counts && i >= 2 ? 5u : 0u), "%s: %u after %u", by_request[_i].rule, got,
                      i);
    }
    ruleset_free(rs);
}
END_TEST

START_TEST(a_key_of_a_header)
{
    struct ruleset *rs = load("rules = ( { id = 5; action = \"ban\"; when = \"http\"; "
                              "limit = { by = \"http.headers['X-Api-Key']\"; count = 1; per = 60; }; } );");
    static const char *const keys[] = {"k1", "k2", "k1", "", "", "k2", "k3"};
    static const unsigned expected[] = {0, 0, 5, 0, 5, 5, 0};
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        struct http_field headers[1] = {{text("x-api-key"), text(keys[i])}};
        struct http_tx tx = request("/", headers, NULL);
        tx.args.n = tx.query_args = 0;
        struct packet p = packet((uint8_t)i, 9);
        struct subject s = {.packet = &p, .tx = &tx};
        ck_assert_uint_eq(ask(rs, PHASE_REQUEST_HEAD, &s), expected[i]);
    }
    ruleset_free(rs);
}
END_TEST

START_TEST(a_connection_counts_once)
{
    struct ruleset *rs = load("rules = ( { id = 1; when = \"stream.to_server contains 'USER'\"; action = \"block\"; "
                              "limit = { by = \"ip.src\"; count = 2; per = 60; }; } );");
    struct packet p = packet(1, 9);
    for (unsigned i = 0; i < 4; i++) {
        struct counted counted = {{0}};
        struct subject s = {.packet = &p, .stream = text("xUSER"), .counted = &counted};
        ck_assert_uint_eq(ask(rs, PHASE_TO_SERVER, &s), i < 2 ? 0 : 1);
        ck_assert_uint_eq(ask(rs, PHASE_TO_SERVER, &s), 0);
        ck_assert_uint_eq(ask(rs, PHASE_TO_SERVER, &s), 0);
    }
    /* Nobody keeps note: each time counts. */
    struct subject s = {.packet = &p, .stream = text("USER"), .now_ms = 100000};
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(ask(rs, PHASE_TO_SERVER, &s), i < 2 ? 0 : 1);
    ruleset_free(rs);
}
END_TEST

/* ---- reload ---- */

#define RULE(id, count)                                                                                                \
    "{ id = " #id "; when = \"tcp\"; action = \"drop\"; limit = { by = \"ip.src\"; count = " #count "; per = 60; }; }"

static struct ruleset *reload(struct ruleset *old, const char *conf, uint32_t keys)
{
    struct diag *d = diag_new();
    struct ruleset *rs = try_load(conf, keys, d);
    ck_assert_ptr_nonnull(rs);
    diag_free(d);
    ruleset_inherit(rs, old);
    ruleset_free(old);
    return rs;
}

START_TEST(counts_outlive_a_reload)
{
    struct ruleset *rs = load("rules = ( " RULE(1, 2) " );");
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(ask_packet(rs, 1, 2, 0), i < 2 ? 0 : 1);
    rs = reload(rs, "rules = ( { id = 9; when = \"udp\"; action = \"drop\"; }," RULE(1, 2) " );", 0);
    ck_assert_uint_eq(ask_packet(rs, 1, 2, 0), 1);
    rs = reload(rs, "rules = ( " RULE(1, 3) " );", 0); /* another limit begins anew */
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(ask_packet(rs, 1, 2, 0), i < 3 ? 0 : 1);
    rs = reload(rs, "rules = ( " RULE(2, 2) " );", 0); /* another rule too */
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(ask_packet(rs, 1, 2, 0), i < 2 ? 0 : 2);
    rs = reload(rs, "rules = ( " RULE(2, 2) " );", 128); /* and a table of another size */
    ck_assert_uint_eq(ask_packet(rs, 1, 2, 0), 0);
    rs = reload(rs, "rules = ( );", 128);
    rs = reload(rs, "rules = ( " RULE(2, 2) " );", 128);
    ck_assert_uint_eq(ask_packet(rs, 1, 2, 0), 0);
    ruleset_free(rs);
}
END_TEST

/* ---- threads ---- */

#define THREADS 4
#define HITS 20000

struct job {
    struct limit_table *t;
    uint64_t seed;
    unsigned passed;
};

static void *hammer(void *ctx)
{
    const struct limit l = {.count = 5000, .per = 2592000, .burst = 5000};
    struct job *j = ctx;
    for (uint64_t i = 0; i < HITS; i++) {
        j->passed += !limit_table_count(j->t, &l, 77, 1000);
        j->seed = j->seed * 6364136223846793005u + 1442695040888963407u;
        (void)limit_table_count(j->t, &l, j->seed & ~UINT64_C(0xff), 1000);
    }
    return NULL;
}

START_TEST(threads_share_a_count)
{
    struct limit_table *t = limit_table_new(64);
    struct job jobs[THREADS];
    pthread_t threads[THREADS];
    unsigned passed = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.t = t, .seed = i + 1};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hammer, &jobs[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        passed += jobs[i].passed;
    }
    /* Two may enter the key at once: the tokens of one of the two slots are lost. */
    ck_assert_uint_ge(passed, 5000);
    ck_assert_uint_lt(passed, 5000 + 20);
    limit_table_free(t);
}
END_TEST

/* ---- floods ---- */

static uint64_t key_of(const struct limit_table *t, const struct limit *l, uint64_t source)
{
    struct sip s = limit_table_hash(t);
    sip_add(&s, l->identity);
    sip_add(&s, source);
    return sip_end(&s);
}

struct source {
    uint64_t every_ms;
    uint64_t next, passed, beyond;
};

static void run_sources(struct limit_table *t, const struct limit *l, struct source *sources, size_t n, uint64_t now)
{
    for (size_t i = 0; i < n; i++)
        for (; sources[i].next <= now; sources[i].next += sources[i].every_ms) {
            bool beyond = limit_table_count(t, l, key_of(t, l, i), now);
            sources[i].passed += !beyond;
            sources[i].beyond += beyond;
        }
}

static const struct {
    struct limit l, other; /* other: what the flood counts against, where it has a count */
    uint64_t heavy_ms, good_ms;
    unsigned flood; /* forged sources a millisecond */
    uint64_t ms;
} floods[] = {
    {{.count = 20, .per = 60, .burst = 20, .identity = 1}, {.count = 0}, 10, 4000, 1000, 10000},
    {{.count = 20, .per = 60, .burst = 20, .identity = 1}, {.count = 0}, 50, 4000, 100, 30000},
    {{.count = 1, .per = 10, .burst = 1, .identity = 1}, {.count = 0}, 10, 11000, 500, 10000},
    {{.count = 100, .per = 1, .burst = 10, .identity = 1}, {.count = 0}, 1, 20, 500, 5000},
    {{.count = 20, .per = 60, .burst = 5, .identity = 1},
     {.count = 10, .per = 604800, .burst = 10, .identity = 2},
     10,
     4000,
     500,
     10000},
};

/* A heavy source stays limited while millions of forged ones come by, and who keeps within the limit is let be. */
START_TEST(heavy_ones_stay_limited)
{
    const struct limit *l = &floods[_i].l, *other = floods[_i].other.count ? &floods[_i].other : l;
    struct limit_table *t = limit_table_new(65536);
    struct source s[20] = {{0}};
    uint64_t forged = 1000, wrong = 0, limited = 0;
    for (size_t i = 0; i < 20; i++)
        s[i] = (struct source){.every_ms = i < 10 ? floods[_i].heavy_ms : floods[_i].good_ms, .next = 500 + i};
    for (uint64_t now = 0; now < floods[_i].ms; now++) {
        for (unsigned i = 0; i < floods[_i].flood; i++)
            wrong += limit_table_count(t, other, key_of(t, other, forged++), now);
        run_sources(t, l, s, 20, now);
    }
    double owed = l->burst + (double)floods[_i].ms / 1000 * l->count / l->per;
    for (size_t i = 0; i < 10; i++) {
        ck_assert_msg((double)s[i].passed <= owed * 1.1 + (other == l ? 2 : 10),
                      "source %zu: %lu passed, expected %.1f", i, (unsigned long)s[i].passed, owed);
        limited += s[i].beyond > 0;
    }
    ck_assert_uint_eq(limited, 10);
    for (size_t i = 10; i < 20; i++)
        ck_assert_uint_eq(s[i].beyond, 0);
    /* A forged source that shares a slot's hash by chance. */
    ck_assert_msg(wrong <= forged / 5000, "%lu of %lu forged sources are limited", (unsigned long)wrong,
                  (unsigned long)forged);
    limit_table_free(t);
}
END_TEST

START_TEST(tables_have_bounds)
{
    static const size_t sizes[][2] = {{0, 65536}, {1, 64}, {65, 128}, {65536, 65536}, {65537, 131072}};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct limit_table *t = limit_table_new((uint32_t)sizes[i][0]);
        ck_assert_uint_eq(limit_table_keys(t), sizes[i][1]);
        limit_table_free(t);
    }
}
END_TEST

/* ---- errors ---- */

static const struct {
    const char *rule, *expected;
    size_t errors;
} bad[] = {
    {"limit = { count = 1; per = 1; };", "the limit has no by", 1},
    {"limit = { by = \"ip.src\"; per = 1; };", "the limit has no count", 1},
    {"limit = { by = \"ip.src\"; count = 1; };", "the limit has no per", 1},
    {"limit = { by = \"ip.src\"; count = 0; per = 1; };", "count", 1},
    {"limit = { by = \"ip.src\"; count = 1000001; per = 1; };", "count", 1},
    {"limit = { by = \"ip.src\"; count = 1; per = 0; };", "per", 1},
    {"limit = { by = \"ip.src\"; count = 1; per = \"31d\"; };", "per", 1},
    {"limit = { by = \"ip.src\"; count = 1; per = \"soon\"; };", "per", 1},
    {"limit = { by = \"ip.src\"; count = 1; per = 1; burst = 0; };", "burst", 1},
    {"limit = { by = \"ip.src\"; count = 1; per = 1; bursts = 1; };", "bursts", 1},
    {"limit = { by = \"ip.sr\"; count = 1; per = 1; };", "unknown field \"ip.sr\", did you mean \"ip.src\"", 1},
    {"limit = { by = \"\"; count = 1; per = 1; };", "unexpected the end", 1},
    {"limit = { by = \"ip.src ip.dst\"; count = 1; per = 1; };", "expected the end", 1},
    {"limit = { by = \"http.anomaly\"; count = 1; per = 1; };", "nothing to count by", 1},
    {"limit = { by = \"score['a']\"; count = 1; per = 1; };", "nothing to count by", 1},
    {"limit = { by = \"count(http.args)\"; count = 1; per = 1; };", "nothing to count by", 1},
    {"limit = { by = \"stream.to_server\"; count = 1; per = 1; };", "nothing to count by", 1},
    {"limit = { by = \"invalid_utf8(http.uri)\"; count = 1; per = 1; };", "nothing to count by", 1},
    {"limit = { by = [ ]; count = 1; per = 1; };", "by is not a field", 1},
    {"limit = { by = [ \"ip.src\", \"ip.dst\", \"ip.ttl\", \"ip.id\" ]; count = 1; per = 1; };", "by is not a field",
     1},
    {"limit = { by = 5; count = 1; per = 1; };", "a limit's field is", 1},
    {"limit = { by = [ 5 ]; count = 1; per = 1; };", "a limit's field is", 1},
    {"limit = 5;", "limit", 1},
    {"ban_for = 5;", "takes no ban_for", 1},
};

START_TEST(errors_are_told)
{
    char conf[512];
    struct diag *d = diag_new();
    snprintf(conf, sizeof conf, "rules = ( { id = 1; when = \"tcp\"; action = \"drop\";\n %s } );", bad[_i].rule);
    ck_assert_msg(!try_load(conf, 0, d), "%s", bad[_i].rule);
    ck_assert_msg(strstr(diag_text(d, 0), bad[_i].expected) && strstr(diag_text(d, 0), "r.conf:2:"), "%s: %s",
                  bad[_i].rule, diag_text(d, 0));
    ck_assert_uint_eq(diag_count(d), bad[_i].errors);
    diag_free(d);
}
END_TEST

START_TEST(a_limit_beside_other_fields)
{
    struct diag *d = diag_new();
    ck_assert(!try_load("rules = ( { id = 1; when = \"payload contains 'a'\"; action = \"drop\"; limit = { by = "
                        "\"http.host\"; count = 1; per = 1; }; } );",
                        0, d));
    ck_assert_ptr_nonnull(strstr(diag_text(d, 0), "http.host beside payload"));
    diag_free(d);
    struct ruleset *rs = load("rules = ( { id = 1; when = \"tcp\"; action = \"drop\"; limit = { by = "
                              "\"http.args['a']\"; count = 1; per = 1; }; } );");
    ck_assert(!ruleset_has(rs, PHASE_PACKET) && ruleset_has(rs, PHASE_REQUEST_BODY));
    ck_assert_uint_eq(ruleset_needs(rs) & (RULES_NEED_HTTP | RULES_NEED_ARGS), RULES_NEED_HTTP | RULES_NEED_ARGS);
    ruleset_free(rs);
}
END_TEST

START_TEST(actions_of_flows)
{
    struct ruleset *rs =
        load("rules = ( { id = 1; when = \"udp\"; action = \"offload\"; }, { id = 2; when = \"tcp\"; action = \"ban\"; "
             "ban_for = \"10m\"; }, { id = 3; when = \"icmp\"; action = \"condemn\"; }, { id = 4; when = "
             "\"http.uri contains 'x'\"; action = \"ban\"; ban_for = 90; event = false; }, { id = 5; when = \"gre\"; "
             "action = \"ban\"; } );");
    static const struct {
        enum action action;
        const char *name;
        bool event, stops;
        uint32_t ban_for;
    } expected[] = {{ACTION_OFFLOAD, "offload", false, false, 0},
                    {ACTION_BAN, "ban", true, true, 600},
                    {ACTION_CONDEMN, "condemn", true, true, 0},
                    {ACTION_BAN, "ban", false, true, 90},
                    {ACTION_BAN, "ban", true, true, 0}};
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        const struct rule *r = ruleset_rule(rs, i);
        ck_assert_int_eq(r->action, expected[i].action);
        ck_assert_str_eq(action_name(r->action), expected[i].name);
        ck_assert(r->event == expected[i].event && action_stops(r->action) == expected[i].stops);
        ck_assert_uint_eq(r->ban_for, expected[i].ban_for);
    }
    ck_assert_uint_eq(ask_packet(rs, 1, 2, 0), 2);
    ruleset_free(rs);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("limit");
    TCase *t = tcase_create("limit");
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    tcase_add_test(t, beyond_the_rate_only);
    tcase_add_loop_test(t, rates_hold, 0, ARRAY_LEN(rates));
    tcase_add_test(t, clocks_differ_a_little);
    tcase_add_test(t, keys_of_packets);
    tcase_add_test(t, rules_count_apart);
    tcase_add_loop_test(t, a_request_counts_once, 0, ARRAY_LEN(by_request));
    tcase_add_test(t, a_key_of_a_header);
    tcase_add_test(t, a_connection_counts_once);
    tcase_add_test(t, counts_outlive_a_reload);
    tcase_add_test(t, threads_share_a_count);
    tcase_add_loop_test(t, heavy_ones_stay_limited, 0, ARRAY_LEN(floods));
    tcase_add_test(t, tables_have_bounds);
    tcase_add_loop_test(t, errors_are_told, 0, ARRAY_LEN(bad));
    tcase_add_test(t, a_limit_beside_other_fields);
    tcase_add_test(t, actions_of_flows);
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
