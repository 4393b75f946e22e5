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
    /* no request, and nobody has agreed to anything else */
    renew(false);
    request("CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n");
    told(out.text);
    feed(HTTP_TO_SERVER, "\x16\x03\x01", 3);
    ck_assert(has("end #2") && has("!early_data") && has("bad_request_line") && has("\nopaque\n"));
    told(out.text);
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

/* ---- connections whose responses are not seen ---- */

#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define SWITCHING "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

static void renew_quiet(void)
{
    opt.want = HTTP_WANT_BODY | HTTP_WANT_ARGS;
    renew(false);
    http_set_quiet(h, true);
}

static void requests_end(const char *text)
{
    out.len = 0;
    request(text);
    ck_assert_msg(has("end #"), "%s", out.text);
}

START_TEST(quiet_requests)
{
    renew_quiet();
    size_t idle = http_memory(h);
    for (int i = 0; i < 1000; i++) {
        requests_end(i % 2 ? GET "\r\n" : "HEAD / HTTP/1.1\r\n" HOST "\r\n");
        ck_assert(!has("!"));
        http_answered(h);
        ck_assert(!http_response_due(h));
        ck_assert(!http_awaits(h));
    }
    ck_assert_uint_eq(http_memory(h), idle);
    request(POST "Content-Length: 3\r\n\r\na");
    http_answered(h); /* 100, or an answer before its time */
    ck_assert(!http_response_due(h));
    request("bc");
    ck_assert(has("body:abc"));
    ck_assert_int_eq(show_end(&out, h, HTTP_TO_CLIENT), 0);
    ck_assert(!http_response_due(h));
}
END_TEST

START_TEST(quiet_due)
{
    renew_quiet();
    struct span s = span_of(GET "\r\n" GET "\r\n", 2 * strlen(GET "\r\n"));
    ck_assert_int_eq(http_feed(h, HTTP_TO_SERVER, &s), HTTP_REQUEST_END);
    ck_assert(!http_response_due(h)); /* of an earlier one */
    ck_assert_int_eq(http_feed(h, HTTP_TO_SERVER, &s), HTTP_REQUEST_END);
    ck_assert(http_response_due(h));
    http_answered(h); /* which of the two was answered? */
    ck_assert(http_response_due(h));
    renew_quiet();
    request(GET "\r\n");
    ck_assert(http_response_due(h));
    http_answered(h);
    ck_assert(!http_response_due(h));
    request(POST "Content-Length: 1\r\n\r\n");
    ck_assert(!http_response_due(h));
}
END_TEST

START_TEST(quiet_pipelined_limit)
{
    opt.limits.pipelined = 3;
    renew_quiet();
    for (int i = 0; i < 20; i++) {
        if (i % 3 == 0)
            http_answered(h);
        requests_end(GET "\r\n");
        ck_assert(!has("too_many_pipelined"));
    }
    requests_end(GET "\r\n" GET "\r\n");
    ck_assert(has("too_many_pipelined"));
}
END_TEST

/* The first request may ask for another protocol: its response is looked at. */
START_TEST(quiet_upgrade)
{
    renew_quiet();
    ck_assert(!http_awaits(h));
    request(GET UPGRADE);
    ck_assert(http_awaits(h));
    http_set_quiet(h, false);
    ck_assert(http_awaits(h));
    response("HTTP/1.1 103 Early\r\nLink: x\r\n\r\n");
    ck_assert(http_awaits(h));
    told(out.text);
    response(SWITCHING "\x81\x02hi");
    told("opaque\n");
    ck_assert(!http_awaits(h));
    feed(HTTP_TO_SERVER, "\x81\x02hi", 4);
    told("opaque\n");
    renew_quiet();
    request("CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(http_awaits(h));
    http_set_quiet(h, false);
    response("HTTP/1.1 200 OK\r\n\r\n");
    ck_assert(has("opaque"));
}
END_TEST

/* What does not switch leaves the connection as it was, and it may ask again. */
START_TEST(quiet_upgrade_refused)
{
    renew_quiet();
    for (int i = 0; i < 5; i++) {
        requests_end(GET UPGRADE);
        ck_assert(http_awaits(h));
        http_set_quiet(h, false);
        response("HTTP/1.1 200 OK\r\nContent-Length: 71\r\n\r\n" SWITCHING);
        ck_assert(http_awaits(h)); /* the body is not through */
        response("....");
        ck_assert(!http_awaits(h));
        http_set_quiet(h, true);
        ck_assert(!http_response_due(h));
    }
    requests_end(GET "\r\n"); /* its response goes by, and from then on none is believed */
    http_answered(h);
    requests_end(GET UPGRADE);
    ck_assert(!http_awaits(h));
    http_set_quiet(h, false);
    response(SWITCHING);
    ck_assert(!has("opaque"));
    requests_end(GET "\r\n");
}
END_TEST

/* A response may be under way that holds what the client would like us to see. */
START_TEST(quiet_upgrade_not_first)
{
    static const char *const before[] = {
        GET "\r\n",  "HEAD / HTTP/1.1\r\n" HOST "\r\n", POST "Content-Length: 3\r\n\r\nabc", GET UPGRADE GET "\r\n",
        GET UPGRADE,
    };
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        for (int answered = 0; answered < 2; answered++) {
            renew_quiet();
            request(before[i]);
            if (answered)
                http_answered(h); /* by the client's word */
            else if (i > 2)
                continue;
            requests_end(GET UPGRADE);
            ck_assert_msg(!http_awaits(h), "%zu %d", i, answered);
            http_set_quiet(h, false);
            ck_assert(!http_awaits(h));
            response(SWITCHING);
            ck_assert(!has("opaque"));
            requests_end(GET "\r\n");
        }
    }
    /* neither where it was picked up midstream, nor where requests went by */
    for (int lost = 0; lost < 3; lost++) {
        renew(lost == 0);
        http_set_quiet(h, true);
        if (lost)
            http_lost(h, lost == 1 ? HTTP_TO_SERVER : HTTP_TO_CLIENT);
        requests_end(GET UPGRADE);
        ck_assert_msg(!http_awaits(h), "%d", lost);
        http_set_quiet(h, false);
        response(SWITCHING);
        ck_assert(!has("opaque"));
    }
}
END_TEST

/* Requests behind the one that asks, in the same breath: the answer still belongs to it. */
START_TEST(quiet_upgrade_and_more)
{
    renew_quiet();
    request(GET UPGRADE GET "\r\nHEAD / HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(has("end #2") && has("!early_data"));
    ck_assert(http_awaits(h));
    http_set_quiet(h, false);
    response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" SWITCHING); /* the second did not ask */
    ck_assert(!has("opaque") && !http_awaits(h));
    http_set_quiet(h, true); /* others' responses are under way */
    ck_assert(http_response_due(h));
    requests_end(GET UPGRADE);
    ck_assert(!http_awaits(h));
    ck_assert(!has("early_data"));
    requests_end(GET "\r\n"); /* not awaited, and yet it depends */
    ck_assert(has("early_data"));
    http_answered(h);
    requests_end(GET "\r\n");
    ck_assert(!has("early_data"));
}
END_TEST

/* The switch that was not seen: nobody looked in time. */
START_TEST(quiet_upgrade_missed)
{
    renew_quiet();
    request(GET UPGRADE);
    ck_assert(http_awaits(h));
    http_set_quiet(h, false);
    http_lost(h, HTTP_TO_CLIENT); /* bytes of the answer had passed */
    ck_assert(!http_awaits(h));
    response(SWITCHING);
    requests_end(GET "\r\n");
    ck_assert(!has("opaque"));
}
END_TEST

/* Rules on responses come with a reload, and go. */
START_TEST(quiet_and_back)
{
    renew_quiet();
    request("HEAD / HTTP/1.1\r\n" HOST "\r\n");
    opt.want |= HTTP_WANT_RESPONSE;
    http_set(h, &opt);
    http_set_quiet(h, false); /* its response is still to come */
    ck_assert(http_response_due(h));
    response("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    ck_assert(!http_response_due(h));
    requests_end(GET "\r\n");
    response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh");
    ck_assert(has("response #2 200"));
    http_set_quiet(h, true);
    ck_assert(http_response_due(h));
    http_answered(h);
    requests_end(GET "\r\n" GET "\r\n");
    http_set_quiet(h, false); /* of two it is not known which one comes */
    told(out.text);
    response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    told("");
    requests_end(GET "\r\n");
}
END_TEST

/* A request in its midst when the connection turns quiet and loud again. */
START_TEST(quiet_in_a_request)
{
    renew(false);
    request(POST "Content-Length: 3\r\n\r\na");
    http_set_quiet(h, true);
    request("b");
    ck_assert(!http_response_due(h));
    http_set_quiet(h, false);
    ck_assert(!http_response_due(h));
    request("c");
    ck_assert(has("body:abc") && http_response_due(h));
    response("HTTP/1.1 204 No\r\n\r\n");
    ck_assert(!http_response_due(h));
}
END_TEST

START_TEST(skipped_bodies)
{
    opt.want = HTTP_WANT_RESPONSE;
    renew(false);
    request(GET "\r\n");
    response("HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\nab");
    ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), 4999999998);
    told(out.text);
    ck_assert_int_eq(http_skipped(h, (uint32_t)4999999998), HTTP_RESPONSE_END);
    ck_assert_uint_eq(http_tx(h)->status, 200);
    requests_end(GET "\r\n");
    response("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    ck_assert_int_eq(http_skipped(h, 600), HTTP_NOTHING); /* not yet all of it */
    ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), 400);
    ck_assert_int_eq(http_skipped(h, 0), HTTP_NOTHING);
    ck_assert_int_eq(http_skipped(h, 400), HTTP_RESPONSE_END);
    requests_end(GET "\r\n");
    response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\nab");
    ck_assert_int_eq(http_skipped(h, 123456), HTTP_RESPONSE_END);
    requests_end(GET UPGRADE);
    response(SWITCHING); /* the end of that body is the client's word */
    ck_assert(!has("opaque"));
    /* beyond the end, to the end of the connection, and where another response follows at once */
    static const char *const bodies[] = {"Content-Length: 10\r\n\r\n", "\r\n",
                                         "Transfer-Encoding: chunked\r\n\r\nff\r\n"};
    for (size_t i = 0; i < 3; i++) {
        renew(false);
        request(GET "\r\n" GET "\r\n");
        response("HTTP/1.1 200 OK\r\n");
        response(bodies[i]);
        ck_assert_int_eq(http_skipped(h, 11), HTTP_NOTHING);
        told(out.text);
        response("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
        told("");
        ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), SIZE_MAX);
    }
}
END_TEST

START_TEST(progress)
{
    renew(false);
    ck_assert_int_eq(http_progress(h), HTTP_IDLE);
    request("G");
    ck_assert_int_eq(http_progress(h), HTTP_IN_HEAD);
    request("ET / HTTP/1.1\r\nHost");
    ck_assert_int_eq(http_progress(h), HTTP_IN_HEAD);
    request(": x\r\n\r\n");
    ck_assert_int_eq(http_progress(h), HTTP_IDLE);
    request(POST "Transfer-Encoding: chunked\r\n\r\n");
    ck_assert_int_eq(http_progress(h), HTTP_IN_BODY);
    request("1\r\na\r\n0\r\n");
    ck_assert_int_eq(http_progress(h), HTTP_IN_BODY);
    request("\r\n");
    ck_assert_int_eq(http_progress(h), HTTP_IDLE);
    request(POST "Content-Length: 2\r\n\r\na");
    ck_assert_int_eq(http_progress(h), HTTP_IN_BODY);
    request("a");
    ck_assert_int_eq(http_progress(h), HTTP_IDLE);
    request("\x01");
    ck_assert_int_eq(http_progress(h), HTTP_IDLE);
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
    tcase_add_test(t, quiet_requests);
    tcase_add_test(t, quiet_due);
    tcase_add_test(t, quiet_pipelined_limit);
    tcase_add_test(t, quiet_upgrade);
    tcase_add_test(t, quiet_upgrade_refused);
    tcase_add_test(t, quiet_upgrade_not_first);
    tcase_add_test(t, quiet_upgrade_and_more);
    tcase_add_test(t, quiet_upgrade_missed);
    tcase_add_test(t, quiet_and_back);
    tcase_add_test(t, quiet_in_a_request);
    tcase_add_test(t, skipped_bodies);
    tcase_add_test(t, progress);
    suite_add_tcase(s, t);
    return run_suite(s);
}
