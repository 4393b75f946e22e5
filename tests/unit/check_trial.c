/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine/: SecLang's rules on the transactions of connections: what is stopped where, events, scores. */
#include "replay_wire.h"

#define GOOD "GET /?a=fine HTTP/1.1\r\nHost: h\r\n\r\n"
#define BAD "GET /?a=attack HTTP/1.1\r\nHost: h\r\n\r\n"
#define SETTINGS "SecRuleEngine On\nSecRequestBodyAccess On\n"

/* rules: of the ruleset; sec: SecLang's; more: as in start(). */
static void start_sec(const char *rules, const char *sec, const char *more)
{
    char settings[1024];
    write_file("a.conf", sec);
    snprintf(settings, sizeof settings, "%s }; seclang = [ \"a.conf\" ]; log: {", more);
    start(rules, settings);
}

static void answer(struct wire *w, const char *response)
{
    send_next(w, 1, ACK | PSH, response);
}

static void close_wire(struct wire *w)
{
    send_next(w, 0, ACK | FIN, "");
    send_next(w, 1, ACK | FIN, "");
    send_next(w, 0, ACK, "");
}

/* Phase 1 stops a request before its head's last segment goes out; what is harmless passes. */
START_TEST(stops_at_the_head)
{
    start_sec("",
              SETTINGS "SecRule ARGS:a \"@streq attack\" \"id:7,phase:1,deny,msg:'An attack',tag:'a-tag',"
                       "severity:CRITICAL,logdata:'%{MATCHED_VAR}'\"\n"
                       "SecRule ARGS:a \"@streq attack\" \"id:8,phase:2,pass\"\n",
              "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=attack HTTP/1.1\r\nHost:");
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 0);
    send_next(&w, 0, ACK, " h\r\n\r\n");
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 1);
    ck_assert_uint_eq(times("\"event_type\":\"drop\""), 1);
    ck_assert_uint_eq(times("\"event_type\":\"transaction\""), 1);
    ck_assert_uint_ge(times("\"signature\":\"An attack\""), 1);
    ck_assert_uint_ge(times("\"signature_id\":7,"), 1);
    ck_assert_uint_eq(times("\"signature_id\":8,"), 0); /* the phases behind are not run */
    ck_assert_uint_ge(times("\"severity\":\"CRITICAL\",\"data\":\"attack\",\"file\":\"a.conf\",\"line\":3"), 1);
    ck_assert_uint_ge(times("\"tag\":[\"a-tag\"]"), 1);
    ck_assert_uint_ge(times("\"matched\":{\"what\":\"ARGS:a\",\"value\":\"attack\"}"), 1);
    ck_assert_uint_eq(times("\"seclang\":{\"rules\":[7],\"scores\":{},\"rule\":7}"), 1);
    expect_summary("blocked", 1);
    struct wire other = connected(4001, 80);
    send_next(&other, 0, ACK, GOOD);
    answer(&other, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    close_wire(&other);
    expect_summary("stopped", 1);
    ck_assert_uint_eq(times("\"event_type\":\"transaction\""), 1);
}
END_TEST

/* Phase 2 comes with the body's last segment, however it is cut. */
START_TEST(stops_at_the_body)
{
    start_sec("", SETTINGS "SecRule ARGS:b \"@streq attack\" \"id:8,phase:2,drop\"\n", "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    send_next(&w, 0, ACK, "Content-Length: 8\r\n\r\nb=att");
    expect_summary("stopped", 0);
    send_next(&w, 0, ACK, "ack");
    expect_summary("blocked", 1);
    ck_assert_uint_ge(times("\"action\":\"drop\""), 1);
}
END_TEST

/* The response's head and its body, where it is read; the server's bytes then go no further. */
START_TEST(stops_responses)
{
    start_sec("",
              SETTINGS "SecResponseBodyAccess On\nSecResponseBodyMimeType text/html\n"
                       "SecRule RESPONSE_HEADERS:X-Leak \"@streq yes\" \"id:9,phase:3,deny\"\n"
                       "SecRule RESPONSE_BODY \"@contains secret\" \"id:10,phase:4,deny\"\n",
              "");
    struct wire head = connected(4000, 80), body = connected(4001, 80), image = connected(4002, 80);
    send_next(&head, 0, ACK, GOOD);
    answer(&head, "HTTP/1.1 200 OK\r\nX-Leak: yes\r\nContent-Length: 2\r\n\r\nok");
    expect_summary("blocked", 1);
    send_next(&body, 0, ACK, GOOD);
    answer(&body, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 8\r\n\r\na secr");
    expect_summary("blocked", 1);
    answer(&body, "et");
    expect_summary("blocked", 2);
    send_next(&image, 0, ACK, GOOD);
    answer(&image, "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 8\r\n\r\na secret");
    expect_summary("blocked", 2);
    ck_assert_uint_eq(times("\"signature_id\":10,"), 1);
}
END_TEST

/* DetectionOnly, and mode monitor: the same events, and nothing is stopped. */
START_TEST(only_detects)
{
    const char *rule = "SecRule ARGS \"@streq attack\" \"id:7,phase:1,deny\"\n"
                       "SecRule ARGS \"@rx att\" \"id:8,phase:2,pass\"\n";
    char sec[512];
    snprintf(sec, sizeof sec, "%s%s", _i ? SETTINGS : "SecRuleEngine DetectionOnly\nSecRequestBodyAccess On\n", rule);
    start_sec("", sec, _i ? "}; mode = \"monitor\"; bans: {" : "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, BAD);
    close_wire(&w);
    expect_summary("stopped", 0);
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 2);
    ck_assert_uint_eq(times("\"event_type\":\"drop\""), 0);
    ck_assert_uint_eq(times("\"rules\":[7,8],\"scores\":{},\"rule\":7"), 1);
    ck_assert_uint_eq(times("\"action\":\"would_block\""), 1);
}
END_TEST

/* A server that answers before it has read the body does not keep the body from being judged. */
START_TEST(early_response_hides_nothing)
{
    start_sec("",
              SETTINGS "SecRule REQUEST_BODY \"@contains attack\" \"id:8,phase:2,deny\"\n"
                       "SecRule REQUEST_BODY \"!@contains an att\" \"id:10,phase:2,deny\"\n"
                       "SecRule RESPONSE_STATUS \"@streq 200\" \"id:9,phase:3,pass\"\n",
              "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK,
              "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
              "Content-Length: 12\r\n\r\nan att");
    answer(&w, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    ck_assert_uint_eq(times("\"signature_id\":9,"), 1);
    ck_assert_uint_eq(times("\"signature_id\":10,"), 0); /* there is no body yet that could be malformed */
    expect_summary("blocked", 0);
    send_next(&w, 0, ACK, "ack!!!");
    expect_summary("blocked", 1);
}
END_TEST

/* A body that no rule wants is passed over, and what comes behind it is read. */
START_TEST(unwanted_bodies)
{
    start_sec("",
              SETTINGS "SecResponseBodyAccess On\nSecResponseBodyMimeType text/html\n"
                       "SecRule RESPONSE_BODY \"@contains secret\" \"id:10,phase:4,deny\"\n",
              "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, GOOD GOOD);
    answer(&w, "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nsec");
    answer(&w, "ret\r\n3\r\nsec\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n");
    expect_summary("blocked", 0);
    answer(&w, "secret");
    expect_summary("blocked", 1);
    ck_assert_uint_eq(times("\"tx_id\":2"), 3); /* alert, drop, transaction */
}
END_TEST

/* The ruleset's scores and TX are one: both add, both read. */
START_TEST(one_set_of_scores)
{
    start_sec("{ id = 1; when = \"http.args contains \\\"x\\\"\"; action = \"score\"; "
              "score = { name = \"sum\"; add = 3; }; },"
              "{ id = 2; when = \"score[\\\"sum\\\"] >= 7\"; action = \"log\"; }",
              SETTINGS "SecAction \"id:10,phase:1,pass,nolog,setvar:tx.sum=0\"\n"
                       "SecRule ARGS \"@contains y\" \"id:11,phase:2,pass,setvar:tx.sum=+4\"\n"
                       "SecRule TX:sum \"@ge 7\" \"id:12,phase:2,pass,msg:'seven'\"\n",
              "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=x HTTP/1.1\r\nHost: h\r\n\r\n");
    answer(&w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ck_assert_uint_eq(times("\"signature_id\":12,"), 0);
    ck_assert_uint_eq(times("\"signature_id\":2,"), 0);
    send_next(&w, 0, ACK, "GET /?a=xy HTTP/1.1\r\nHost: h\r\n\r\n");
    answer(&w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    ck_assert_uint_eq(times("\"signature_id\":12,"), 1);
    ck_assert_uint_eq(times("\"signature_id\":2,"), 1);
    close_wire(&w);
    ck_assert_uint_eq(times("\"scores\":{\"sum\":7}"), 1);
}
END_TEST

/* A rule on the score is asked also where SecLang's rule stops the request, and may do more; without one that one does.
 */
START_TEST(scores_of_what_is_stopped)
{
    start_sec("{ id = 2; when = \"score[\\\"sum\\\"] >= 7\"; action = \"ban\"; }",
              SETTINGS "SecRule ARGS \"@contains x\" \"id:11,phase:2,pass,nolog,setvar:tx.sum=+4\"\n"
                       "SecRule ARGS \"@contains y\" \"id:12,phase:2,pass,nolog,setvar:tx.sum=+4\"\n"
                       "SecRule TX:sum \"@ge 4\" \"id:13,phase:2,deny\"\n",
              "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=x HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_eq(times("\"signature_id\":13,"), 1);
    ck_assert_uint_eq(times("\"signature_id\":2,"), 0);
    expect_summary("blocked", 1);
    struct wire other = connected(4001, 80);
    send_next(&other, 0, ACK, "GET /?a=xy HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_ge(times("\"signature_id\":2,"), 1);
    ck_assert_uint_ge(times("\"action\":\"ban\""), 1);
    expect_summary("blocked", 2);
}
END_TEST

/* An accept rule on the request keeps SecLang's rules from it. */
START_TEST(accepted_is_not_judged)
{
    start_sec(RULE(1, "accept", "http.args[\\\"b\\\"] == \\\"ok\\\""),
              SETTINGS "SecRule ARGS \"@streq attack\" \"id:7,phase:1,deny\"\n", "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=attack&b=ok HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_summary("stopped", 0);
    send_next(&w, 0, ACK, BAD);
    expect_summary("stopped", 1);
}
END_TEST

/* Pipelined and kept alive: each transaction has its own state. */
START_TEST(transactions_apart)
{
    start_sec("",
              SETTINGS "SecRule ARGS:n \"@rx ^(\\d)$\" \"id:7,phase:1,pass,capture,setvar:tx.seen=+1,"
                       "setvar:tx.last=%{tx.1}\"\n"
                       "SecRule TX:seen \"@gt 1\" \"id:8,phase:2,deny\"\n"
                       "SecRule RESPONSE_STATUS \"@streq 200\" \"id:9,phase:3,pass,msg:'last %{tx.last}'\"\n",
              "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?n=1 HTTP/1.1\r\nHost: h\r\n\r\nGET /?n=2 HTTP/1.1\r\nHost: h\r\n\r\n");
    answer(&w, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    close_wire(&w);
    expect_summary("stopped", 0);
    ck_assert_uint_eq(times("\"signature\":\"last 1\""), 1);
    ck_assert_uint_eq(times("\"signature\":\"last 2\""), 1);
    ck_assert_uint_eq(times("\"event_type\":\"transaction\""), 2);
}
END_TEST

/* A connection that ends within a request gives everything back. */
START_TEST(cut_connections)
{
    start_sec("",
              SETTINGS "SecRule ARGS \"@rx .\" \"id:7,phase:1,pass\"\n"
                       "SecAction \"id:9,phase:5,deny,msg:'the end'\"\n",
              "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "POST /?a=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
    ck_assert_uint_eq(times("\"signature_id\":7,"), 1);
    ck_assert_uint_eq(times("the end"), 0);
    send_next(&w, 0, RST, "");
    replay_free(replay);
    replay = NULL;
    ck_assert_uint_eq(times("the end"), 1);
    ck_assert_uint_eq(times("\"rules\":[7,9]"), 1);
    ck_assert_uint_eq(times("\"event_type\":\"drop\""), 0); /* what phase 5 denies has happened */
    ck_assert_uint_eq(times("\"mode\":\"monitor\""), 0);
}
END_TEST

START_TEST(wrong_files)
{
    static const struct {
        const char *sec, *settings, *error;
    } cases[] = {
        {"SecRule ARGS \"@rx (\" \"id:1,phase:1,pass\"\n", "", "a.conf:1:"},
        {"SecRuleX\n", "", "a.conf:1:1: "},
        {"", "seclang_unknown = \"perhaps\";", "expected error or skip"},
        {"", "seclang = [ \"none.conf\" ];", "none.conf"},
        {"", "seclang = [ 1 ];", "a name in seclang is"},
        {"", "seclang = \"a.conf\";", "seclang is a string"},
        {"", "limits: { collections = 1; };", "limits.collections"},
    };
    char conf[512];
    snprintf(conf, sizeof conf, "divert: { services = ( { proto = \"any\"; } ); }; rules = [ ];\n%s\n%s",
             strstr(cases[_i].settings, "seclang =") ? "" : "seclang = [ \"a.conf\" ];", cases[_i].settings);
    write_file("sluice.conf", conf);
    write_file("a.conf", cases[_i].sec);
    replay = replay_new(file, true, out, d);
    ck_assert_ptr_null(replay);
    ck_assert_uint_ge(diag_count(d), 1);
    ck_assert_msg(strstr(diag_text(d, 0), cases[_i].error), "%s", diag_text(d, 0));
}
END_TEST

/* What is not known may skip its rule. */
START_TEST(skips_unknown)
{
    start_sec("",
              SETTINGS "SecRule NO_SUCH \"@rx a\" \"id:1,phase:1,deny\"\n"
                       "SecRule ARGS \"@streq attack\" \"id:7,phase:1,deny\"\n",
              "}; seclang_unknown = \"skip\"; bans: {");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, BAD);
    expect_summary("blocked", 1);
}
END_TEST

static Suite *trial_suite(void)
{
    Suite *s = suite_create("trial");
    TCase *c = tcase_create("trial");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, stops_at_the_head);
    tcase_add_test(c, stops_at_the_body);
    tcase_add_test(c, stops_responses);
    tcase_add_loop_test(c, only_detects, 0, 2);
    tcase_add_test(c, early_response_hides_nothing);
    tcase_add_test(c, unwanted_bodies);
    tcase_add_test(c, one_set_of_scores);
    tcase_add_test(c, scores_of_what_is_stopped);
    tcase_add_test(c, accepted_is_not_judged);
    tcase_add_test(c, transactions_apart);
    tcase_add_test(c, cut_connections);
    tcase_add_loop_test(c, wrong_files, 0, 7);
    tcase_add_test(c, skips_unknown);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return run_suite(trial_suite());
}
