/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules over HTTP and streams: fields, functions, operators, phases, scores, evidence. */
#include <stdlib.h>

#include "inspect/assembly.h"
#include "inspect/ruleset.h"
#include "run_suite.h"

static char dir[] = "/tmp/check_phases.XXXXXX";

static struct span text(const char *s)
{
    return span_of(s, strlen(s));
}

/* ---- a transaction by hand ---- */

static struct http_field headers[] = {{{0}, {0}}, {{0}, {0}}, {{0}, {0}}, {{0}, {0}}};
static struct http_field args[3], cookies[2], files[1], parts[1], answers[2];

static void set(struct http_field *f, const char *name, const char *value)
{
    *f = (struct http_field){text(name), text(value)};
}

static struct http_tx make_tx(void)
{
    set(&headers[0], "Host", "www.example.org");
    set(&headers[1], "User-Agent", "curl/7.88");
    set(&headers[2], "X-Forwarded-For", "192.0.2.7");
    set(&headers[3], "x-forwarded-for", "198.51.100.3");
    set(&args[0], "q", "1 UNION/**/SELECT 2");
    set(&args[1], "Empty", "");
    set(&args[2], "body", "%2e%2e/etc/passwd");
    set(&cookies[0], "Sid", "abc");
    set(&cookies[1], "t", "YXR0YWNr");
    set(&files[0], "upload", "shell.PHP");
    set(&parts[0], "Content-Disposition", "form-data");
    set(&answers[0], "Server", "nginx");
    set(&answers[1], "Location", "/a%2fb?x=1");
    struct http_tx tx = {.number = 1,
                         .method = text("POST"),
                         .uri = text("/a%2fb?x=1"),
                         .version = text("HTTP/1.1"),
                         .host = text("www.example.org"),
                         .path = text("/a/b"),
                         .query = text("x=1"),
                         .headers = {headers, 4, 4},
                         .args = {args, 2, 3},
                         .query_args = 2,
                         .cookies = {cookies, 2, 2},
                         .has_body = true,
                         .anomalies = UINT64_C(1) << HTTP_BARE_LF};
    return tx;
}

static void add_body(struct http_tx *tx)
{
    tx->args.n = 3;
    tx->files = (struct http_list){files, 1, 1};
    tx->part_headers = (struct http_list){parts, 1, 1};
    tx->body = text("<body>\x01\xff</body>");
    tx->body_done = true;
}

static void add_response(struct http_tx *tx)
{
    tx->status = 302;
    tx->response_headers = (struct http_list){answers, 2, 2};
    tx->response_has_body = true;
}

static void add_response_body(struct http_tx *tx)
{
    tx->response_body = text("root:x:0:0:");
}

/* ---- loading ---- */

static struct ruleset *load_file(const char *conf, const char *cache)
{
    char path[256];
    const char *const paths[] = {path};
    const struct ruleset_options opt = {.regex_steps = 10000, .cache = cache, .value_max = 65536};
    snprintf(path, sizeof path, "%s/r.conf", dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(conf, f);
    fclose(f);
    struct diag *d = diag_new();
    struct ruleset *rs = ruleset_load(paths, 1, &opt, d);
    if (diag_count(d))
        diag_print(d, stderr);
    ck_assert_ptr_nonnull(rs);
    diag_free(d);
    return rs;
}

/* Quotes in conditions are written ' here. */
static struct ruleset *load(const char *conf)
{
    static char real[1 << 16];
    size_t n = 0;
    for (; *conf; conf++) {
        if (*conf == '\'')
            real[n++] = '\\';
        real[n++] = *conf == '\'' ? '"' : *conf;
    }
    real[n] = '\0';
    return load_file(real, NULL);
}

static struct packet packet;

static struct decision decide(const struct ruleset *rs, enum phase phase, struct http_tx *tx)
{
    struct decision got;
    struct subject subject = {.packet = &packet, .tx = tx};
    struct scratch *s = scratch_new(rs);
    ruleset_decide(rs, s, phase, &subject, &got);
    scratch_free(s);
    return got;
}

static struct decision decide_stream(const struct ruleset *rs, enum phase phase, const char *bytes)
{
    struct decision got;
    struct subject subject = {.packet = &packet, .stream = text(bytes)};
    struct scratch *s = scratch_new(rs);
    ruleset_decide(rs, s, phase, &subject, &got);
    scratch_free(s);
    return got;
}

static struct ruleset *load_when(const char *when)
{
    char conf[4096];
    snprintf(conf, sizeof conf,
             "sets = ( { name = \"words\"; type = \"string\"; values = [ \"UNION\", \"passwd\", \"Sid\", \"abc\" ]; },"
             "{ name = \"many\"; type = \"string\"; values = [ \"a1\", \"a2\", \"a3\", \"a4\", \"a5\", \"a6\", \"a7\", "
             "\"a8\", \"a9\", \"curl\" ]; } );"
             "rules = ( { id = 1; action = \"block\"; when = \"%s\"; } );",
             when);
    return load(conf);
}

/* In which of the phases of one request (with bodies both ways) the rule fires: h, b, H, B, in the order of time. */
static const char *fires(const struct ruleset *rs)
{
    static char got[8];
    char *to = got;
    struct http_tx tx = make_tx();
    if (decide(rs, PHASE_REQUEST_HEAD, &tx).rule)
        *to++ = 'h';
    add_body(&tx);
    if (decide(rs, PHASE_REQUEST_BODY, &tx).rule)
        *to++ = 'b';
    add_response(&tx);
    if (decide(rs, PHASE_RESPONSE_HEAD, &tx).rule)
        *to++ = 'H';
    add_response_body(&tx);
    if (decide(rs, PHASE_RESPONSE_BODY, &tx).rule)
        *to++ = 'B';
    *to = '\0';
    return got;
}

static const struct {
    const char *when, *fires;
} conditions[] = {
    {"http", "h"},
    {"not http", ""},
    {"http == true", "h"},
    {"http and tcp.dstport == 80", "h"},
    {"http and tcp.dstport == 81", ""},
    {"http.method == 'POST'", "h"},
    {"http.method != 'POST'", ""},
    {"http.method != 'GET'", "h"},
    {"http.method in { 'GET', 'POST' }", "h"},
    {"lower(http.method) == 'post'", "h"},
    {"http.version == 'HTTP/1.1'", "h"},
    {"http.host == 'www.example.org'", "h"},
    {"http.host == http.headers['host']", "h"},
    {"http.host != http.headers['host']", ""},
    {"http.host == http.headers", "h"},
    {"http.host == http.headers['nope']", ""},
    {"http.uri startswith '/a%2f'", "h"},
    {"http.uri.path == '/a/b'", "h"},
    {"http.uri.path endswith '/b'", "h"},
    {"http.uri.path endswith '/a'", ""},
    {"http.uri.query == 'x=1'", "h"},
    {"http.uri == http.response.headers['location']", "H"},
    {"http.headers contains 'curl'", "h"},
    {"http.headers['USER-agent'] contains 'curl'", "h"},
    {"http.headers['x-forwarded-for'] == '198.51.100.3'", "h"},
    {"http.headers['x-forwarded-for'] != '198.51.100.3'", ""},
    {"http.headers['x-forwarded-for'] != '198.51.100.4'", "h"},
    {"http.headers['nope'] != 'x'", ""},
    {"not http.headers['nope'] == 'x'", "h"},
    {"http.headers.names == 'User-Agent'", "h"},
    {"lower(http.headers.names) == 'user-agent'", "h"},
    {"http.user_agent startswith 'curl'", "h"},
    {"http.referer contains ''", ""},
    {"http.user_agent contains ''", "h"},
    {"http.user_agent matches ''", "h"},
    {"http.content_type == ''", ""},
    {"http.cookies == 'abc'", "h"},
    {"http.cookies['Sid'] == 'abc'", "h"},
    {"http.cookies['sid'] == 'abc'", ""},
    {"http.cookies.names == 't'", "h"},
    {"base64_decode(http.cookies['t']) == 'attack'", "h"},
    {"http.args contains 'UNION'", "h"},
    {"http.args contains 'passwd'", "b"},
    {"http.args['body'] contains 'passwd'", "b"},
    {"http.args['q'] contains 'passwd'", ""},
    {"http.args['Q'] contains 'UNION'", ""},
    {"http.args.names == 'body'", "b"},
    {"http.args.names == 'q'", "h"},
    {"http.args == ''", "h"},
    {"http.args['Empty'] == ''", "h"},
    {"http.args['Empty'] matches '^$'", "h"},
    {"http.body.args contains 'UNION'", ""},
    {"http.body.args contains 'passwd'", "b"},
    {"http.body.args['body'] contains 'passwd'", "b"},
    {"http.body.args.names == 'body'", "b"},
    {"url_decode(http.args) startswith '../'", "b"},
    {"normalize_path(url_decode(http.args)) == 'etc/passwd'", ""},
    {"replace_comments(lower(http.args)) contains 'union select'", "h"},
    {"lower(replace_comments(http.args)) matches '^1\\\\s+union\\\\s+select'", "h"},
    {"http.args contains $words", "h"},
    {"http.args in $words", ""},
    {"http.cookies in $words", "h"},
    {"http.cookies.names startswith $words", "h"},
    {"http.cookies endswith $words", "h"},
    {"http.user_agent contains $many", "h"},
    {"not http.user_agent contains $many", ""},
    {"not http.user_agent endswith $many", "h"},
    {"http.args contains { 'nothing', 'passwd' }", "b"},
    {"http.args startswith { 'nothing', 'passwd' }", ""},
    {"http.args contains { 'nothing', '' }", "h"},
    {"http.files endswith '.PHP'", "b"},
    {"lower(http.files) endswith { '.php', '.jsp' }", "b"},
    {"http.files['upload'] == 'shell.PHP'", "b"},
    {"http.files.names == 'upload'", "b"},
    {"http.part_headers == 'form-data'", "b"},
    {"http.part_headers['content-disposition'] == 'form-data'", "b"},
    {"http.part_headers.names contains 'Dispo'", "b"},
    {"http.body contains 'body>'", "b"},
    {"http.body has_bytes { 0-8, 14-31 }", "b"},
    {"http.body has_bytes { 127-254 }", ""},
    {"http.body has_bytes { 255 }", "b"},
    {"invalid_utf8(http.body)", "b"},
    {"invalid_utf8(http.args)", ""},
    {"http.status == 302", "H"},
    {"http.status in { 200, 300-399 }", "H"},
    {"http.status != 302", ""},
    {"http.status < 300", ""},
    {"http.response.headers == 'nginx'", "H"},
    {"http.response.headers['server'] == 'nginx'", "H"},
    {"http.response.headers.names == 'Server'", "H"},
    {"http.response.body startswith 'root:'", "B"},
    {"http.uri contains 'a' and http.response.body contains 'root'", "B"},
    {"http.uri contains 'a' or http.response.body contains 'root'", "h"},
    {"http.uri contains 'zzz' or http.response.body contains 'root'", "B"},
    {"http.status == 302 and http.method == 'POST'", "H"},
    {"http.anomaly", "h"},
    {"http.anomaly == 'bare_lf'", "h"},
    {"http.anomaly == 'nul'", ""},
    {"http.anomaly in { 'nul', 'bare_lf' }", "h"},
    {"http.anomaly != 'nul'", "b"},
    {"not http.anomaly == 'nul'", "b"},
    {"not http.anomaly == 'nul' and http.uri contains 'a'", "b"},
    {"not http.anomaly == 'nul' and http.status == 302", "H"},
    {"length(http.uri) == 10", "h"},
    {"length(http.args) > 17", "h"},
    {"length(http.args) > 100", ""},
    {"length(url_decode(http.args)) in { 13 }", "b"},
    {"length(http.host) == length(http.headers)", "h"},
    {"count(http.args) == 3", "b"},
    {"count(http.args) == 2", ""},
    {"count(http.args) >= 2", "h"},
    {"count(http.args) > 2", "b"},
    {"count(http.args) < 4", "b"},
    {"count(http.headers['x-forwarded-for']) == 2", "h"},
    {"count(http.headers['nope']) == 0", "h"},
    {"count(http.files) == 1", "b"},
    {"count(http.args) == count(http.headers)", ""},
    {"not http.args contains 'UNION'", ""},
    {"not http.args contains 'nothing'", "b"},
    {"http.args != 'x'", "b"},
    {"http.method == 'POST' and not http.args contains 'nothing'", "b"},
    {"http.method == 'POST' and http.args contains 'UNION' and http.args contains 'passwd'", "b"},
    {"http.args contains 'UNION' or not http.args contains 'passwd'", "b"},
    {"not (http.method == 'GET' or http.uri contains 'zzz')", "h"},
    {"not (http.method == 'GET' or http.args contains 'zzz')", "b"},
    {"score['x'] == 0", "b"},
    {"score['x'] >= 1", ""},
    {"score['x'] >= 0", "h"},
    {"detect_xss(http.args)", ""},
    {"false and http.status == 302", ""},
    {"true or http.status == 302", "h"},
    {"payload contains ''", ""},
    {"tcp.dstport == 80", ""},
};

START_TEST(each_condition_fires_once_and_in_time)
{
    struct ruleset *rs = load_when(conditions[_i].when);
    const char *got = fires(rs);
    ck_assert_msg(strcmp(got, conditions[_i].fires) == 0, "%s: fires \"%s\", expected \"%s\"", conditions[_i].when, got,
                  conditions[_i].fires);
    ruleset_free(rs);
}
END_TEST

/* With many other rules beside it a condition is found through scans, and must mean the same. */
START_TEST(each_condition_among_others)
{
    static char conf[60000];
    size_t n = 0;
    n += (size_t)snprintf(conf, sizeof conf,
                          "sets = ( { name = \"words\"; type = \"string\"; values = [ \"UNION\", \"passwd\", \"Sid\", "
                          "\"abc\" ]; }, { name = \"many\"; type = \"string\"; values = [ \"a1\", \"a2\", \"a3\", "
                          "\"a4\", \"a5\", \"a6\", \"a7\", \"a8\", \"a9\", \"curl\" ]; } ); rules = (");
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
        n += (size_t)snprintf(conf + n, sizeof conf - n, "%s{ id = %zu; action = \"log\"; when = \"%s\"; }",
                              i ? ",\n" : "", i + 1, conditions[i].when);
    snprintf(conf + n, sizeof conf - n, ");");
    struct ruleset *rs = load(conf);
    struct scratch *s = scratch_new(rs);
    struct http_tx tx = make_tx();
    struct subject subject = {.packet = &packet, .tx = &tx};
    static const enum phase order[] = {PHASE_REQUEST_HEAD, PHASE_REQUEST_BODY, PHASE_RESPONSE_HEAD,
                                       PHASE_RESPONSE_BODY};
    for (unsigned k = 0; k < 4; k++) {
        struct decision got;
        if (k == 1)
            add_body(&tx);
        if (k == 2)
            add_response(&tx);
        if (k == 3)
            add_response_body(&tx);
        ruleset_decide(rs, s, order[k], &subject, &got);
        unsigned want = 0;
        for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
            want += conditions[i].fires[0] == "hbHB"[k];
        /* More than FIRED_MAX of them repeat: those fire again. */
        ck_assert_uint_ge(got.passed, want);
        if (k == 0)
            ck_assert_uint_eq(got.passed, want);
    }
    scratch_free(s);
    ruleset_free(rs);
}
END_TEST

START_TEST(whole_requests_at_once)
{
    struct ruleset *rs = load("rules = ( { id = 1; when = \"http.args contains 'passwd'\"; action = \"log\"; },"
                              "{ id = 2; when = \"http.method == 'POST'\"; action = \"log\"; },"
                              "{ id = 3; when = \"http.body contains 'body'\"; action = \"log\"; },"
                              "{ id = 4; when = \"not http.args contains 'nothing'\"; action = \"log\"; },"
                              "{ id = 5; when = \"http.status == 302\"; action = \"log\"; },"
                              "{ id = 6; when = \"http.response.body contains 'root'\"; action = \"log\"; } );");
    struct http_tx tx = make_tx();
    add_body(&tx);
    struct decision got = decide(rs, PHASE_REQUEST, &tx);
    ck_assert_uint_eq(got.passed, 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(got.passed_rules[i]->id, i + 1);
    add_response(&tx);
    add_response_body(&tx);
    got = decide(rs, PHASE_RESPONSE, &tx);
    ck_assert_uint_eq(got.passed, 2);
    ck_assert_uint_eq(got.passed_rules[0]->id, 5);
    ck_assert(ruleset_has(rs, PHASE_REQUEST) && ruleset_has(rs, PHASE_REQUEST_BODY) && ruleset_has(rs, PHASE_RESPONSE));
    ck_assert(!ruleset_has(rs, PHASE_PACKET) && !ruleset_has(rs, PHASE_TO_SERVER));
    ruleset_free(rs);
}
END_TEST

START_TEST(streams)
{
    struct ruleset *rs = load(
        "rules = ( { id = 1; when = \"stream.to_server contains 'attack'\"; action = \"drop\"; },"
        "{ id = 2; when = \"lower(stream.to_client) matches '^root:' and tcp.dstport == 80\"; action = \"block\"; },"
        "{ id = 3; when = \"tcp\"; action = \"log\"; } );");
    ck_assert_uint_eq(decide_stream(rs, PHASE_TO_SERVER, "an attack").rule->id, 1);
    ck_assert_str_eq(decide_stream(rs, PHASE_TO_SERVER, "an attack").evidence[DECISION_PASSED_MAX].what,
                     "stream.to_server");
    ck_assert_ptr_null(decide_stream(rs, PHASE_TO_SERVER, "an att").rule);
    ck_assert_ptr_null(decide_stream(rs, PHASE_TO_CLIENT, "an attack").rule);
    ck_assert_uint_eq(decide_stream(rs, PHASE_TO_CLIENT, "ROOT:x").rule->id, 2);
    ck_assert_uint_eq(decide(rs, PHASE_PACKET, NULL).passed, 1);
    ck_assert(ruleset_has(rs, PHASE_TO_SERVER) && !ruleset_has(rs, PHASE_REQUEST));
    ruleset_free(rs);
}
END_TEST

START_TEST(scores_add_up)
{
    struct ruleset *rs =
        load("rules = ( { id = 1; when = \"score['attack'] >= 8\"; action = \"block\"; },"
             "{ id = 2; when = \"http.args contains 'UNION'\"; action = \"score\"; score = { name = \"attack\"; add = "
             "5; }; },"
             "{ id = 3; when = \"http.user_agent contains 'curl'\"; action = \"score\"; score = { name = \"odd\"; add "
             "= 2; }; },"
             "{ id = 4; when = \"http.args contains 'passwd'\"; action = \"score\"; score = { name = \"attack\"; add = "
             "3; }; },"
             "{ id = 5; when = \"score['attack'] >= 8 and score['odd'] > 1\"; action = \"block\"; } );");
    struct http_tx tx = make_tx();
    struct decision got = decide(rs, PHASE_REQUEST_HEAD, &tx);
    ck_assert_ptr_null(got.rule);
    ck_assert_uint_eq(got.passed, 2);
    ck_assert_int_eq(got.score, 5);
    ck_assert(!got.passed_rules[0]->event);
    add_body(&tx);
    got = decide(rs, PHASE_REQUEST_BODY, &tx);
    /* 2 and 3 have added already; 5 comes behind them, 1 stands before. */
    ck_assert_uint_eq(got.passed, 1);
    ck_assert_int_eq(got.score, 8);
    ck_assert_uint_eq(got.rule->id, 5);
    ck_assert(got.rule->event);
    const struct evidence *e = &got.evidence[DECISION_PASSED_MAX];
    ck_assert_str_eq(e->what, "score[\"odd\"]");
    ck_assert(e->value_len == 1 && e->value[0] == '2');
    add_response(&tx);
    got = decide(rs, PHASE_RESPONSE_HEAD, &tx);
    ck_assert_uint_eq(got.rule->id, 1);
    /* Another request begins from nothing. */
    tx = make_tx();
    ck_assert_int_eq(decide(rs, PHASE_REQUEST_HEAD, &tx).score, 5);
    /* So does one under another ruleset. */
    struct ruleset *other =
        load("rules = ( { id = 1; when = \"http.uri contains 'a'\"; action = \"score\"; score = { name "
             "= \"x\"; add = -4; }; } );");
    ck_assert_int_eq(decide(other, PHASE_REQUEST, &tx).score, 0);
    ruleset_free(other);
    ruleset_free(rs);
}
END_TEST

START_TEST(accept_ends_the_search_for_a_request)
{
    struct ruleset *rs = load("rules = ( { id = 1; when = \"http.uri contains 'a'\"; action = \"log\"; },"
                              "{ id = 2; when = \"http.uri.path startswith '/a/'\"; action = \"accept\"; },"
                              "{ id = 3; when = \"http\"; action = \"block\"; },"
                              "{ id = 4; when = \"http.body contains 'body'\"; action = \"block\"; },"
                              "{ id = 5; when = \"http.status == 302\"; action = \"block\"; } );");
    struct http_tx tx = make_tx();
    struct decision got = decide(rs, PHASE_REQUEST_HEAD, &tx);
    ck_assert_uint_eq(got.rule->id, 2);
    ck_assert_uint_eq(got.passed, 1);
    add_body(&tx);
    ck_assert_ptr_null(decide(rs, PHASE_REQUEST_BODY, &tx).rule);
    add_response(&tx);
    ck_assert_ptr_null(decide(rs, PHASE_RESPONSE, &tx).rule);
    tx = make_tx();
    tx.path = text("/b");
    ck_assert_uint_eq(decide(rs, PHASE_REQUEST_HEAD, &tx).rule->id, 3);
    ruleset_free(rs);
}
END_TEST

START_TEST(rules_keep_their_order)
{
    /* Found by scan, by key, and in the rest: still by number. */
    struct ruleset *rs = load("rules = ( { id = 1; when = \"http.args contains 'UNION'\"; action = \"log\"; },"
                              "{ id = 2; when = \"not http.uri contains 'zzz'\"; action = \"log\"; },"
                              "{ id = 3; when = \"http and tcp.dstport == 80\"; action = \"log\"; },"
                              "{ id = 4; when = \"http.anomaly == 'bare_lf'\"; action = \"log\"; },"
                              "{ id = 5; when = \"http.method == 'POST'\"; action = \"log\"; },"
                              "{ id = 6; when = \"http.user_agent matches '(?i)CURL'\"; action = \"log\"; },"
                              "{ id = 7; when = \"http.uri contains 'zzz'\"; action = \"log\"; },"
                              "{ id = 8; when = \"length(http.uri) > 3\"; action = \"reject\"; } );");
    struct http_tx tx = make_tx();
    struct decision got = decide(rs, PHASE_REQUEST_HEAD, &tx);
    ck_assert_uint_eq(got.passed, 6);
    for (unsigned i = 0; i < 6; i++)
        ck_assert_uint_eq(got.passed_rules[i]->id, i + 1);
    ck_assert_uint_eq(got.rule->id, 8);
    ck_assert_uint_eq(got.visited, 7);
    ruleset_free(rs);
}
END_TEST

static void evidence(const char *when, const char *what, const char *name, const char *value)
{
    struct ruleset *rs = load_when(when);
    struct http_tx tx = make_tx();
    add_body(&tx);
    struct decision got = decide(rs, PHASE_REQUEST, &tx);
    ck_assert_msg(got.rule != NULL, "%s", when);
    const struct evidence *e = &got.evidence[DECISION_PASSED_MAX];
    ck_assert_str_eq(e->what, what);
    ck_assert_str_eq(e->name, name);
    ck_assert_msg(e->value_len == strlen(value) && memcmp(e->value, value, e->value_len) == 0, "%s: \"%.*s\"", when,
                  e->value_len, e->value);
    ruleset_free(rs);
}

START_TEST(evidence_shows_where)
{
    evidence("http.args contains 'passwd'", "http.args", "body", "%2e%2e/etc/passwd");
    evidence("lower(http.args) contains 'union'", "lower(http.args)", "q", "1 union/**/select 2");
    evidence("http.headers['user-agent'] matches 'cu.l'", "http.headers[\"user-agent\"]", "User-Agent", "curl/7.88");
    evidence("http.user_agent contains $many", "http.user_agent", "User-Agent", "curl/7.88");
    evidence("http.cookies.names == 't'", "http.cookies.names", "t", "t");
    evidence("http.body has_bytes { 1 }", "http.body", "", "<body>\x01\xff</body>");
    evidence("http.anomaly", "http.anomaly", "", "bare_lf");
    evidence("count(http.args) == 3", "count(http.args)", "", "3");
    evidence("length(http.args) == 17", "length(http.args)", "body", "%2e%2e/etc/passwd");
    evidence("http.host == http.headers['host']", "http.host", "", "www.example.org");
    evidence("http and not http.uri contains 'zzz'", "http", "", "");
    evidence("tcp.dstport == 80 and http.method == 'POST' and not http.uri contains 'z'", "http.method", "", "POST");
    evidence("normalize_path(normalize_path(normalize_path(normalize_path(http.uri)))) contains 'a'",
             "normalize_path(normalize_path(normalize_path(no", "", "/a%2fb?x=1");
}
END_TEST

START_TEST(evidence_of_long_values)
{
    static char value[1000];
    memset(value, '.', sizeof value);
    memcpy(value + 500, "needle", 6);
    struct ruleset *rs = load_when("http.args matches 'n[e]{2}dle'");
    struct http_tx tx = make_tx();
    args[0].value = span_of(value, sizeof value);
    struct decision got = decide(rs, PHASE_REQUEST_HEAD, &tx);
    const struct evidence *e = &got.evidence[DECISION_PASSED_MAX];
    ck_assert_uint_eq(e->value_len, 96);
    ck_assert(memcmp(e->value + 24, "needle", 6) == 0);
    args[0].value = span_of(value, 506);
    got = decide(rs, PHASE_REQUEST_HEAD, &(struct http_tx){.args = {args, 1, 1}, .query_args = 1});
    ck_assert_uint_eq(got.evidence[DECISION_PASSED_MAX].value_len, 30);
    ruleset_free(rs);
}
END_TEST

START_TEST(many_values_and_long_chains)
{
    static struct http_field list[3000];
    static char big[100000];
    memset(big, 'A', sizeof big);
    for (unsigned i = 0; i < ARRAY_LEN(list); i++)
        set(&list[i], "n", i % 2 ? "some value" : "MORE");
    list[2999].value = span_of(big, sizeof big);
    struct ruleset *rs =
        load_when("hex_decode(hex_encode(lower(hex_decode(hex_encode(http.args))))) endswith 'aaaa' and "
                  "count(http.args) == 3000 and length(hex_encode(http.args)) == 200000");
    struct http_tx tx = make_tx();
    tx.args = (struct http_list){list, 3000, 3000};
    tx.query_args = 3000;
    struct scratch *s = scratch_new(rs);
    struct subject subject = {.packet = &packet, .tx = &tx};
    struct decision got;
    for (int i = 0; i < 3; i++) {
        memset(tx.notes, 0, sizeof tx.notes);
        ruleset_decide(rs, s, PHASE_REQUEST, &subject, &got);
        ck_assert(got.rule && !got.undecided);
    }
    scratch_free(s);
    ruleset_free(rs);
    /* More than the memory that one decision may take: undecided, not a crash. */
    rs = load_when("hex_encode(hex_encode(hex_encode(hex_encode(hex_encode(hex_encode(hex_encode(hex_encode(hex_encode("
                   "hex_encode(hex_encode(hex_encode(http.args)))))))))))) contains 'x'");
    memset(tx.notes, 0, sizeof tx.notes);
    got = decide(rs, PHASE_REQUEST, &tx);
    ck_assert(got.undecided && !got.rule && got.undecided_rule);
    ruleset_free(rs);
}
END_TEST

START_TEST(missing_parts_are_no_values)
{
    struct ruleset *rs =
        load("rules = ( { id = 1; when = \"http.body contains ''\"; action = \"log\"; },"
             "{ id = 2; when = \"http.uri contains 'x' or http.args contains 'y'\"; action = \"log\"; },"
             "{ id = 3; when = \"http.status == 0\"; action = \"log\"; } );");
    struct http_tx tx = {.number = 1};
    ck_assert_uint_eq(decide(rs, PHASE_REQUEST, &tx).passed, 0);
    ck_assert_uint_eq(decide(rs, PHASE_RESPONSE, &tx).passed, 0);
    ck_assert_uint_eq(decide(rs, PHASE_REQUEST, NULL).passed, 0);
    ruleset_free(rs);
}
END_TEST

START_TEST(scores_have_a_limit)
{
    static char conf[8192];
    char path[256];
    const char *const paths[] = {path};
    const struct ruleset_options opt = {.regex_steps = 1000};
    int n = sprintf(conf, "rules = (");
    for (int i = 0; i < 17; i++)
        n += sprintf(conf + n, "%s{ id = %d; when = \"score[\\\"s%d\\\"] > 1\"; action = \"log\"; }", i ? ",\n" : "",
                     i + 1, i);
    sprintf(conf + n, ");");
    snprintf(path, sizeof path, "%s/s.conf", dir);
    FILE *f = fopen(path, "w");
    fputs(conf, f);
    fclose(f);
    struct diag *d = diag_new();
    ck_assert_ptr_null(ruleset_load(paths, 1, &opt, d));
    ck_assert_uint_eq(diag_count(d), 1);
    ck_assert_msg(strstr(diag_text(d, 0), ":17:26: too many scores, expected at most 16") != NULL, "%s",
                  diag_text(d, 0));
    diag_free(d);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("phases");
    TCase *t = tcase_create("phases");
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, each_condition_fires_once_and_in_time, 0, ARRAY_LEN(conditions));
    tcase_add_test(t, each_condition_among_others);
    tcase_add_test(t, whole_requests_at_once);
    tcase_add_test(t, streams);
    tcase_add_test(t, scores_add_up);
    tcase_add_test(t, accept_ends_the_search_for_a_request);
    tcase_add_test(t, rules_keep_their_order);
    tcase_add_test(t, evidence_shows_where);
    tcase_add_test(t, evidence_of_long_values);
    tcase_add_test(t, many_values_and_long_chains);
    tcase_add_test(t, missing_parts_are_no_values);
    tcase_add_test(t, scores_have_a_limit);
    return s;
}

int main(void)
{
    char command[64];
    packet = (struct packet){.ip_version = 4, .ip_proto = 6, .l4 = L4_TCP, .srcport = 40000, .dstport = 80};
    packet.src = packet.dst = (struct ip_addr){.family = 4, .bytes = {192, 0, 2, 1}};
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    int failed = run_suite(suite());
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command) == 0 && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}
