/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>

#include "http_fixture.h"
#include "run_suite.h"

START_TEST(responses)
{
    renew(false);
    request(GET "\r\nHEAD /2 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(http_response_due(h));
    request("GET /3 HTTP/1.1\r\n" HOST "\r\nGET /4 HTTP/1.1\r\n" HOST "\r\nGET /5 HTTP/1.0\r\n" HOST "\r\n");
    told(out.text);
    response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nA: b\r\n\r\nhi");
    told("response #1 200 done response_has_body GET / HTTP/1.1 host:x path:/ h:Host=x rh:Content-Length=2 rh:A=b\n"
         "response_end #1 200 done response_has_body GET / HTTP/1.1 host:x path:/ h:Host=x rh:Content-Length=2 rh:A=b "
         "rbody:hi\n");
    response("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    told("response_end #2 200 done HEAD /2 HTTP/1.1 host:x path:/2 h:Host=x rh:Content-Length=100\n");
    response("HTTP/1.1 304 Not\r\nContent-Length: 100\r\n\r\n");
    ck_assert(has("response_end #3 304"));
    response("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n3  \r\nabc\r\n0\r\n\r\n");
    ck_assert(has("response_end #4 200") && has("rbody:abc\n"));
    ck_assert(http_response_due(h));
    response("HTTP/1.0 200 OK\r\n\r\nto the ");
    response("end");
    told(out.text);
    ck_assert_int_eq(show_end(&out, h, HTTP_TO_CLIENT), 0);
    ck_assert(has("response_end #5 200") && has("rbody:to the end\n"));
    ck_assert(!http_response_due(h));
}
END_TEST

/* RFC 9112 6.3: a coding that is not chunked ends with the connection, whatever the length says. */
START_TEST(response_framing)
{
    opt.want = HTTP_WANT_RESPONSE;
    renew(false);
    request(GET "\r\n" GET "\r\n" GET "\r\n");
    response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    ck_assert(has("response_end #1 200") && !has("rbody"));
    response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: gzip\r\n\r\nabc");
    ck_assert(!has("response_end #2"));
    ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), SIZE_MAX);
    ck_assert_int_eq(show_end(&out, h, HTTP_TO_CLIENT), 0);
    ck_assert(has("response_end #2 200"));
    ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), SIZE_MAX);
    opt.limits.head = 40;
    renew(false);
    request("GET / HTTP/1.0\r\n\r\n");
    response("HTTP/1.1 200 OK\r\nAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: b\r\n\r\n");
    ck_assert(has("response_end #1 0") && has("!bad_response\nopaque\n"));
}
END_TEST

START_TEST(interim_responses)
{
    renew(false);
    request("PUT / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    ck_assert(!http_response_due(h));
    told(out.text);
    response("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n");
    told("");
    request("abc");
    ck_assert(has("end #1 0 has_body done PUT"));
    ck_assert(http_response_due(h));
    response("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    ck_assert(has("response_end #1 201"));
    /* the answer comes before the request is through */
    request(POST "Content-Length: 3\r\n\r\na");
    response("HTTP/1.1 413 Too\r\nContent-Length: 0\r\n\r\n");
    ck_assert(has("response_end #2 413"));
    request("bc" GET "\r\n");
    ck_assert(has("end #2 413 has_body done") && has("end #3"));
    response("HTTP/1.1 204 No\r\n\r\n");
    ck_assert(has("response_end #3 204"));
}
END_TEST

/* Bytes went by another way: the request that was being read is over, the next one is looked for. */
START_TEST(lost_requests)
{
    renew(false);
    request(POST FORM "Content-Length: 10\r\n\r\na=1");
    ck_assert(has("head #1"));
    http_lost(h, HTTP_TO_SERVER);
    out.len = 0;
    request("GET in the middle of something");
    ck_assert_uint_eq(out.len, 0);
    request("\r\n\r\n");
    http_lost(h, HTTP_TO_SERVER);
    out.len = 0;
    request("more of it");
    ck_assert_uint_eq(out.len, 0);
    request("GET /next HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(has("end #"));
    ck_assert(has("/next"));
    ck_assert(has("!midstream"));
    ck_assert_uint_eq(http_skips(h, HTTP_TO_SERVER), 0);
}
END_TEST

/* What looks like a response could be in the middle of another: none is believed, an upgrade least of all. */
START_TEST(lost_responses)
{
    renew(false);
    request("GET / HTTP/1.1\r\n" HOST "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    response("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    http_lost(h, HTTP_TO_CLIENT);
    out.len = 0;
    response("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    ck_assert_uint_eq(out.len, 0);
    request("GET /two HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(has("/two"));
    ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), SIZE_MAX);
}
END_TEST

/* 101 to a request that did not ask for it changes nothing. */
START_TEST(upgrade_unasked_for)
{
    renew(false);
    request(GET "\r\n");
    response("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    out.len = 0;
    request("GET /two HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(has("/two"));
    ck_assert(!has("opaque"));
}
END_TEST

START_TEST(bad_responses)
{
    static const char *const bad[] = {
        "SSH-2.0-x\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        renew(false);
        request(GET "\r\n" GET "\r\n");
        response(bad[i]);
        ck_assert_msg(has("response_end #1") && has("!bad_response\nopaque\n"), "%s: %s", bad[i], out.text);
        ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), SIZE_MAX);
        told(out.text);
        request(GET "\r\n"); /* which is still read */
        ck_assert(has("end #3 0 done GET / HTTP/1.1 host:x path:/ h:Host=x\n"));
    }
    static const char *const good[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        "HTTP/1.1 200 \r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        renew(false);
        request(GET "\r\n");
        response(good[i]);
        ck_assert(has("response_end #1 200") && !has("bad_response"));
    }
}
END_TEST

START_TEST(response_limit)
{
    opt.limits.response_body = 4;
    renew(false);
    request(GET "\r\n" GET "\r\n");
    response("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
    ck_assert(has("response_end #1 200") && has("rbody:0123\n"));
    ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), 5);
    response("56789HTTP/1.1 204 No\r\n\r\n");
    ck_assert(has("response_end #2 204"));
}
END_TEST

START_TEST(upgrade)
{
    renew(false);
    request(GET "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n");
    told(out.text);
    response("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
    ck_assert(has("response_end #1 101") && has("\nopaque\n"));
    told(out.text);
    ck_assert_uint_eq(http_skips(h, HTTP_TO_SERVER), 0);
    feed(HTTP_TO_SERVER, "\x81\x02hi", 4);
    told("opaque\n");
    ck_assert_uint_eq(http_skips(h, HTTP_TO_SERVER), SIZE_MAX);
    ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), SIZE_MAX);
}
END_TEST

START_TEST(early_data)
{
    renew(false);
    request(GET "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" GET "\r\n");
    ck_assert(has("end #2 0 done GET / HTTP/1.1 host:x path:/ h:Host=x !early_data\n"));
    response("HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\nHTTP/1.1 204 No\r\n\r\n");
    told(out.text);
    request(GET "\r\n");
    ck_assert(has("end #3") && !has("early_data"));
    /* no method: opaque at once */
    renew(false);
    request("CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n");
    told(out.text);
    feed(HTTP_TO_SERVER, "\x16\x03\x01", 3);
    told("opaque\n");
    response("HTTP/1.1 200 OK\r\n\r\n\x16");
    ck_assert(has("response_end #1 200") && has("\nopaque\n"));
    /* refused: the bytes behind it are a request */
    renew(false);
    request("CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n");
    response("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
    told(out.text);
    request(GET "\r\n");
    ck_assert(has("end #2") && !has("early_data"));
    /* in the midst of a request when it switches */
    renew(false);
    request(GET "Connection: Upgrade\r\nUpgrade: x\r\n\r\nGET /half");
    response("HTTP/1.1 101 Go\r\n\r\n");
    told(out.text);
    request(" HTTP/1.1\r\n\r\n");
    told("opaque\n");
}
END_TEST

START_TEST(pipelined_limit)
{
    opt.limits.pipelined = 2;
    renew(false);
    request(GET "\r\n" GET "\r\n" GET "\r\nHEAD / HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(has("end #3 0 done GET / HTTP/1.1 host:x path:/ h:Host=x !too_many_pipelined\n"));
    ck_assert(!has("#2 0 done GET / HTTP/1.1 host:x path:/ h:Host=x !"));
    told(out.text);
    for (int i = 0; i < 3; i++)
        response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    ck_assert(has("response_end #1") && has("response_end #2") && !has("#3"));
    ck_assert(http_response_due(h));
    response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"); /* of HEAD */
    ck_assert(!http_response_due(h));
    told(out.text);
    request(GET "\r\n");
    response("HTTP/1.1 204 No\r\n\r\n");
    ck_assert(has("end #5") && !has("!") && has("response_end #5 204"));
}
END_TEST

/* Responses find their requests however many wait. */
START_TEST(many_due)
{
    opt.limits.pipelined = 1;
    opt.want = 0;
    renew(false);
    for (int i = 0; i < 5; i++) /* the ring does not begin at its beginning */
        request(GET "\r\n");
    for (int i = 0; i < 5; i++)
        response("HTTP/1.1 204 No\r\n\r\n");
    for (int i = 0; i < 5; i++)
        request(GET "\r\n");
    for (int i = 0; i < 4; i++)
        response("HTTP/1.1 204 No\r\n\r\n");
    for (int i = 0; i < 1000; i++)
        request(i % 3 ? GET "\r\n" : "HEAD / HTTP/1.1\r\n" HOST "\r\n");
    response("HTTP/1.1 204 No\r\n\r\n");
    for (int i = 0; i < 1000; i++) {
        ck_assert(http_response_due(h));
        response(i % 3 ? "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
                       : "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
    }
    ck_assert(!http_response_due(h));
    ck_assert(!has("opaque"));
    ck_assert_uint_le(http_memory(h), 160);
}
END_TEST

/* More than can be told apart: the responses are not read any more. */
START_TEST(too_many_due)
{
    opt.want = 0;
    renew(false);
    for (int i = 0; i < 32768; i++) {
        struct span r = span_of(GET "\r\n", strlen(GET "\r\n"));
        while (http_feed(h, HTTP_TO_SERVER, &r) > 0)
            ;
    }
    response("HTTP/1.1 204 No\r\n\r\n");
    told("");
    request(GET "\r\n" GET "\r\n");
    ck_assert(has("end #32770"));
    told(out.text);
    response("HTTP/1.1 204 No\r\n\r\n");
    told("opaque\n");
    ck_assert(!http_response_due(h));
}
END_TEST

START_TEST(response_due)
{
    opt.want = 0;
    renew(false);
    ck_assert(!http_response_due(h));
    struct span s =
        span_of(GET "\r\n" POST "Content-Length: 1\r\n\r\nx", strlen(GET "\r\n" POST "Content-Length: 1\r\n\r\nx"));
    ck_assert_int_eq(http_feed(h, HTTP_TO_SERVER, &s), HTTP_REQUEST_END);
    ck_assert(!http_response_due(h));
    ck_assert_int_eq(http_feed(h, HTTP_TO_SERVER, &s), HTTP_REQUEST_HEAD);
    ck_assert(http_response_due(h));
    response("HTTP/1.1 204 No\r\n\r\n");
    ck_assert(!http_response_due(h));
    ck_assert_int_eq(http_feed(h, HTTP_TO_SERVER, &s), HTTP_REQUEST_END);
    ck_assert(!http_response_due(h));
    ck_assert_int_eq(http_feed(h, HTTP_TO_SERVER, &s), HTTP_NOTHING);
    ck_assert(http_response_due(h));
    ck_assert_ptr_null(http_tx(h));
}
END_TEST

START_TEST(midstream)
{
    renew(true);
    request("tail of a body");
    request("DATA that is no request\r\n");
    feed(HTTP_TO_SERVER, "\x81\x02", 2);
    response("tail of a response");
    response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    told("");
    request("GET /");
    request(" HTTP/1.1\r\n" HOST "\r\n" GET "\r\n");
    ck_assert(has("end #1 0 done GET / HTTP/1.1 host:x path:/ h:Host=x !midstream\n"));
    ck_assert(has("end #2 0 done GET / HTTP/1.1 host:x path:/ h:Host=x\n"));
    response("HTTP/1.1 204 No\r\n\r\n");
    ck_assert(has("response_end #1 204"));
}
END_TEST

START_TEST(ends)
{
    renew(false);
    request(POST "Content-Length: 10\r\n\r\nabc");
    told(out.text);
    ck_assert_int_eq(show_end(&out, h, HTTP_TO_SERVER), 0);
    told("");
    request(GET "\r\n");
    told("");
    response("HTTP/1.1 400 Bad\r\nContent-Length: 10\r\n\r\nabc");
    told(out.text);
    ck_assert_int_eq(show_end(&out, h, HTTP_TO_CLIENT), 0);
    told("");
    ck_assert_uint_le(http_memory(h), 160);
}
END_TEST

START_TEST(options_hold_from_the_next_message)
{
    renew(false);
    request(POST "Content-Length: 6\r\n\r\nabc");
    opt.limits.head = 10;
    opt.limits.body = 1;
    http_set(h, &opt);
    request("def");
    ck_assert(has("body:abcdef\n"));
    request(GET "\r\n");
    ck_assert(has("!head_too_long"));
}
END_TEST

START_TEST(memory)
{
    renew(false);
    size_t idle = http_memory(h);
    ck_assert_uint_le(idle, 160);
    for (int i = 0; i < 100; i++) {
        request(POST "Content-Length: 3\r\n\r\nab");
        ck_assert_uint_gt(http_memory(h), 2048);
        request("c");
        response("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    }
    ck_assert_uint_eq(http_memory(h), idle);
    char big[5000];
    memset(big, 'a', sizeof big);
    request("GET /");
    feed(HTTP_TO_SERVER, big, sizeof big);
    ck_assert_uint_ge(http_memory(h), 5000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_conn");
    TCase *t = tcase_create("http_conn");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, responses);
    tcase_add_test(t, response_framing);
    tcase_add_test(t, interim_responses);
    tcase_add_test(t, lost_requests);
    tcase_add_test(t, lost_responses);
    tcase_add_test(t, upgrade_unasked_for);
    tcase_add_test(t, bad_responses);
    tcase_add_test(t, response_limit);
    tcase_add_test(t, upgrade);
    tcase_add_test(t, early_data);
    tcase_add_test(t, pipelined_limit);
    tcase_add_test(t, many_due);
    tcase_add_test(t, too_many_due);
    tcase_add_test(t, response_due);
    tcase_add_test(t, midstream);
    tcase_add_test(t, ends);
    tcase_add_test(t, options_hold_from_the_next_message);
    tcase_add_test(t, memory);
    suite_add_tcase(s, t);
    return run_suite(s);
}
