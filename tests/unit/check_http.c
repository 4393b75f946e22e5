/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <stdlib.h>

#include "base/arena.h"
#include "http_cases.h"
#include "run_suite.h"

START_TEST(plain_request)
{
    renew(false);
    request("GET /a%20b?x=1&y=%41+b HTTP/1.1\r\nHost: Ex.Org:80\r\nCookie: a=b; c=d\r\nX:  y \r\n\r\n");
    told("end #1 0 done GET /a%20b?x=1&y=%41+b HTTP/1.1 host:ex.org path:/a b query:x=1&y=%41+b h:Host=Ex.Org:80 "
         "h:Cookie=a=b; c=d h:X=y arg:x=1 arg:y=A b cookie:a=b cookie:c=d\n");
}
END_TEST

START_TEST(anomalies)
{
    uint64_t got = notes_of(cases[_i].text), want = cases[_i].notes;
    ck_assert_msg(got == want, "case %d noted %llx for %llx: %s", _i, (unsigned long long)got, (unsigned long long)want,
                  out.text);
}
END_TEST

START_TEST(nul_in_head)
{
    static const char line[] = "GET /\0 HTTP/1.1\r\n" HOST "\r\n", header[] = GET "A: \0\r\n\r\n";
    ck_assert_uint_eq(notes_of_bytes(line, sizeof line - 1), BIT(HTTP_NUL) | BIT(HTTP_BAD_TARGET));
    ck_assert_uint_eq(notes_of_bytes(header, sizeof header - 1), BIT(HTTP_NUL));
}
END_TEST

START_TEST(names)
{
    for (unsigned i = 0; i < HTTP_ANOMALIES; i++) {
        ck_assert_ptr_nonnull(http_anomaly_name(i));
        for (unsigned k = 0; k < i; k++)
            ck_assert_str_ne(http_anomaly_name(i), http_anomaly_name(k));
    }
    ck_assert_ptr_null(http_anomaly_name(HTTP_ANOMALIES));
    ck_assert_str_eq(http_anomaly_name(HTTP_BARE_LF), "bare_lf");
    ck_assert_str_eq(http_anomaly_name(HTTP_BAD_RESPONSE), "bad_response");
}
END_TEST

/* What a second reader would see behind the framing that was chosen. */
START_TEST(smuggled_request_is_seen)
{
    notes_of(POST "Content-Length: 4\r\n" CHUNKED "\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(has("end #2 0 done GET /evil"));
    notes_of(POST "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n" HOST
                  "\r\n");
    ck_assert(has("body:0\r\n\r\n"));
    ck_assert(has("end #2 0 done GET /evil"));
    notes_of(POST "Content-Length: 2, 30\r\n\r\nabGET /evil HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(has("end #2 0 done GET /evil"));
    notes_of(POST CHUNKED "Transfer-Encoding: x\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\n" HOST "\r\n");
    ck_assert(has("end #2 0 done GET /evil"));
}
END_TEST

START_TEST(targets)
{
    renew(false);
    request("GET http://U@Ho.St:80?q=1 HTTP/1.1\r\n\r\n");
    ck_assert(has(" host:ho.st path:/ query:q=1"));
    renew(false);
    request("GET https://ho.st/a%2fb HTTP/1.1\r\n\r\n");
    ck_assert(has(" host:ho.st path:/a/b"));
    renew(false);
    request("CONNECT Ho.St:443 HTTP/1.1\r\nHost: ho.st:443\r\n\r\n");
    ck_assert(has(" host:ho.st h:"));
    renew(false);
    request("GET / HTTP/1.1\r\nHost: [::A]:80\r\n\r\n");
    ck_assert(has(" host:[::a] "));
    renew(false);
    request("GET /a?b HTTP/1.1\r\nA: b\r\n  c\r\nD: e\r\n\r\n");
    ck_assert(has("h:A=b    c h:D=e"));
}
END_TEST

START_TEST(no_http)
{
    renew(false);
    feed(HTTP_TO_SERVER, "\x16\x03\x01\x02", 4);
    told("end #1 0 done \x16 !bad_request_line !bad_method\nopaque\n");
    ck_assert_uint_eq(http_skips(h, HTTP_TO_SERVER), SIZE_MAX);
    request(GET "\r\n");
    told("");
    renew(false);
    request("GET /x?y=z\r\nmore");
    told("end #1 0 done GET /x?y=z path:/x query:y=z arg:y=z !bad_version\nopaque\n");
    response("<html>");
    told("opaque\n");
    renew(false);
    request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    ck_assert(has("!http2\nopaque\n"));
    renew(false);
    char *junk = malloc(9000);
    memset(junk, '@', 9000);
    feed(HTTP_TO_SERVER, junk, 8191);
    told("");
    feed(HTTP_TO_SERVER, junk, 9000);
    ck_assert(has("!bad_request_line") && has("\nopaque\n"));
    free(junk);
}
END_TEST

START_TEST(bodies)
{
    renew(false);
    request(POST FORM "Content-Length: 7\r\n\r\na=1");
    told("head #1 0 has_body POST / HTTP/1.1 host:x path:/ h:Host=x h:Content-Type=application/x-www-form-urlencoded "
         "h:Content-Length=7\n");
    ck_assert_uint_eq(http_skips(h, HTTP_TO_SERVER), 0);
    request("&b=2" GET "\r\n");
    ck_assert(has("end #1 0 has_body done POST") && has("arg:a=1 arg:b=2 body:a=1&b=2\n"));
    ck_assert(has("end #2 0 done GET"));
    renew(false);
    request("POST /?q=1 HTTP/1.1\r\n" HOST CHUNKED
            "Content-Type: application/json\r\n\r\n5\r\n{\"a\":\r\n3\r\n12}\r\n0\r\n"
            "T: u\r\n\r\n");
    ck_assert(has("h:T=u arg:q=1 arg:json.a=12 body:{\"a\":12}\n"));
    renew(false);
    static const char parts[] =
        "--q\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.php\"\r\n\r\n<?php\r\n--q--\r\n";
    char text[512];
    snprintf(text, sizeof text, POST "Content-Type: multipart/form-data; boundary=q\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(parts), parts);
    request(text);
    ck_assert(has("file:f=a.php"));
}
END_TEST

START_TEST(codings)
{
    static uint8_t a[300000], b[300000];
    size_t n = pack(a, sizeof a, "a=1&b=2", 7, 31);
    coded_post("gzip", a, n);
    ck_assert_uint_eq(notes_of_bytes(message, message_len), 0);
    ck_assert(has("arg:a=1 arg:b=2 body:a=1&b=2\n"));
    coded_post("GZIP", a, n - 1);
    ck_assert_uint_eq(notes_of_bytes(message, message_len), BIT(HTTP_BAD_CONTENT_CODING));
    coded_post("gzip", a, n + 1);
    ck_assert_uint_eq(notes_of_bytes(message, message_len), BIT(HTTP_BAD_CONTENT_CODING));
    size_t m = pack(b, sizeof b, a, n, 15);
    coded_post("x-gzip, identity, deflate", b, m);
    ck_assert_uint_eq(notes_of_bytes(message, message_len), 0);
    ck_assert(has("body:a=1&b=2\n"));
    coded_post("deflate, gzip", b, m);
    ck_assert_uint_eq(notes_of_bytes(message, message_len), BIT(HTTP_BAD_CONTENT_CODING));
    n = pack(a, sizeof a, "a=1", 3, -15);
    coded_post("deflate", a, n);
    ck_assert_uint_eq(notes_of_bytes(message, message_len), 0);
    coded_post("gzip", "a=%3cscript", 11); /* not coded at all */
    ck_assert_uint_eq(notes_of_bytes(message, message_len), BIT(HTTP_BAD_CONTENT_CODING));
    ck_assert(has("arg:a=<script body:a=%3cscript"));
}
END_TEST

START_TEST(bombs)
{
    static uint8_t zeros[300000], packed[20000];
    opt.limits.body = 290000;
    size_t n = pack(packed, sizeof packed, zeros, sizeof zeros, 31);
    coded_post("gzip", packed, n);
    uint64_t notes = notes_of_bytes(message, message_len);
    ck_assert_uint_eq(notes, BIT(HTTP_CODING_BOMB));
    opt.limits.ratio = 2000;
    ck_assert_uint_eq(notes_of_bytes(message, message_len), BIT(HTTP_BODY_TOO_LONG));
    opt.limits.ratio = 1;
    n = pack(packed, sizeof packed, zeros, 65536, 31);
    coded_post("gzip", packed, n);
    ck_assert_uint_eq(notes_of_bytes(message, message_len), 0);
}
END_TEST

START_TEST(body_limit)
{
    opt.limits.body = 5;
    renew(false);
    request(POST FORM "Content-Length: 8\r\n\r\na=1&");
    ck_assert(!has("end"));
    request("b");
    ck_assert(has("end #1 0 has_body done") && has("arg:a=1 arg:b= body:a=1&b !body_too_long\n"));
    ck_assert_uint_eq(http_skips(h, HTTP_TO_SERVER), 3);
    told(out.text);
    request("xyz" GET "\r\n");
    ck_assert(has("end #2") && !has("#1"));
    renew(false);
    request(POST CHUNKED "\r\n5\r\nabcde\r\n");
    ck_assert(!has("end"));
    request("1\r\nf\r\n0\r\n\r\n" GET "\r\n");
    ck_assert(has("body:abcde !body_too_long\n") && has("end #2"));
    ck_assert_uint_eq(notes_of(POST "Content-Length: 5\r\n\r\nabcde"), 0);
    ck_assert_uint_eq(notes_of(POST CHUNKED "\r\n5\r\nabcde\r\n0\r\n\r\n"), 0);
    ck_assert_uint_eq(notes_of(POST FORM "Content-Length: 6\r\n\r\na=b%41"), BIT(HTTP_BODY_TOO_LONG));
}
END_TEST

START_TEST(unwanted_bodies)
{
    opt.want = 0;
    renew(false);
    request(POST "Content-Length: 1000000\r\n\r\n");
    ck_assert(has("head #1"));
    size_t before = http_memory(h);
    ck_assert_uint_eq(http_skips(h, HTTP_TO_SERVER), 1000000);
    feed(HTTP_TO_SERVER, message, 300000);
    ck_assert_uint_eq(http_skips(h, HTTP_TO_SERVER), 700000);
    ck_assert_uint_le(http_memory(h), before);
    feed(HTTP_TO_SERVER, message, 300000);
    feed(HTTP_TO_SERVER, message, 300000);
    ck_assert(!has("end"));
    feed(HTTP_TO_SERVER, message, 100000);
    ck_assert(has("end #1") && !has("body:"));
    response("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12");
    ck_assert(!has("response"));
    ck_assert_uint_eq(http_skips(h, HTTP_TO_CLIENT), 8);
}
END_TEST

START_TEST(head_limits)
{
    opt.limits.head = 64;
    opt.limits.headers = 3;
    renew(false);
    request("GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\nCccccccccccccccccccccccccccccccc: dddd\r\n\r\n");
    told("end #1 0 done GET /a HTTP/1.1 host:x path:/a h:Host=x h:A=b !head_too_long\nopaque\n");
    renew(false);
    request("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\n\r\n");
    ck_assert(has("end #1 0 done GET /aaaaa") && has("!head_too_long\nopaque\n") && !has("!bad_request_line"));
    opt.limits.head = 60;
    ck_assert_uint_eq(notes_of("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    ck_assert(has("HTTP/1.1 host:x"));
    opt.limits.head = 59;
    ck_assert_uint_eq(notes_of("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nHost: x\r\n\r\n"),
                      BIT(HTTP_HEAD_TOO_LONG));
    opt.limits.head = 500;
    ck_assert_uint_eq(notes_of(GET "A: 1\r\nB: 2\r\n\r\n"), 0);
    ck_assert_uint_eq(notes_of(POST "A: 1\r\nB: 2\r\n" CHUNKED "\r\n0\r\n\r\n" GET "\r\n"), BIT(HTTP_TOO_MANY_HEADERS));
    ck_assert(has("end #2")); /* what frames is read all the same */
    opt.limits.head = 70;
    ck_assert_uint_eq(notes_of(POST CHUNKED "\r\n0\r\nAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: "
                                            "bbbbbbbbbbbbbbbbbbb\r\n\r\n"),
                      BIT(HTTP_HEAD_TOO_LONG) | BIT(HTTP_BAD_TRAILER));
    opt.limits.head = 60;
    ck_assert_uint_eq(notes_of("\r\nGET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
                      BIT(HTTP_HEAD_TOO_LONG));
    opt.limits.head = 500;
    ck_assert_uint_eq(notes_of(POST CHUNKED "\r\n0\r\nA: b\r\nC: d\r\n\r\n"), BIT(HTTP_TOO_MANY_HEADERS));
    opt.limits.args = 2;
    ck_assert_uint_eq(notes_of("GET /?a=1&b=2&c=3 HTTP/1.1\r\n" HOST "\r\n"), BIT(HTTP_TOO_MANY_ARGS));
}
END_TEST

START_TEST(arenas)
{
    struct arena a = {0};
    ck_assert_uint_eq(arena_size(&a), 0);
    uint8_t *p = arena_alloc(&a, 100);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_lt(arena_size(&a), 2100);
    for (int i = 0; i < 100; i++)
        ck_assert_ptr_nonnull(p = arena_alloc(&a, 1000));
    ck_assert_uint_gt(arena_size(&a), 100000);
    ck_assert_uint_lt(arena_size(&a), 140000);
    ck_assert_ptr_nonnull(arena_alloc(&a, 50000));
    ck_assert_uint_eq((uintptr_t)arena_alloc(&a, 3) % 8, 0);
    ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
    ck_assert_ptr_null(arena_copy(&a, p, SIZE_MAX));
    ck_assert_str_eq(arena_copy(&a, "abc", 2), "ab");
    arena_free(&a);
    ck_assert_uint_eq(arena_size(&a), 0);
}
END_TEST

/* The next part's target and number of headers, or "none". */
static const char *part_of(const char *bytes)
{
    static char text[128];
    struct span s = span_of(bytes, strlen(bytes));
    int point = http_feed(h, HTTP_TO_SERVER, &s);
    if (point != HTTP_REQUEST_PART)
        return point == HTTP_REQUEST_END ? "end" : "none";
    const struct http_tx *tx = http_tx(h);
    snprintf(text, sizeof text, "#%u %.*s %u headers, %u args, notes %u", (unsigned)tx->number, (int)tx->uri.len,
             (const char *)tx->uri.data, tx->headers.n, tx->args.n, tx->notes[0]);
    return text;
}

/* What a head that comes in pieces asks for is told before it is complete. */
START_TEST(parts)
{
    opt.want |= HTTP_WANT_PARTS;
    renew(false);
    ck_assert_str_eq(part_of("GET /?a=1 HT"), "none");
    ck_assert_str_eq(part_of("TP/1.1\r"), "none");
    ck_assert_str_eq(part_of("\nHo"), "#1 /?a=1 0 headers, 1 args, notes 0");
    http_tx(h)->notes[0] = 7; /* what is noted goes on */
    ck_assert_str_eq(part_of("st: x"), "none");
    ck_assert_str_eq(part_of("\r\nB: c\r\n"), "#1 /?a=1 2 headers, 1 args, notes 7");
    ck_assert_uint_eq(http_tx(h)->anomalies, 0); /* no Host yet would be no anomaly */
    ck_assert_str_eq(part_of("\r\n"), "end");
    ck_assert_uint_eq(http_tx(h)->number, 1);
    ck_assert_uint_eq(http_tx(h)->notes[0], 7);
    ck_assert_str_eq(part_of("GET /two HTTP/1.1\r\nHost: x\r\n\r\n"), "end"); /* whole: no part */
    ck_assert_uint_eq(http_tx(h)->notes[0], 0);
    ck_assert_str_eq(part_of("GET /three HTTP/1.1\r\n"), "#3 /three 0 headers, 0 args, notes 0");
    for (unsigned i = 0; i < 31; i++)
        ck_assert_str_ne(part_of("A: b\r\n"), "none");
    ck_assert_str_eq(part_of("A: b\r\n"), "none"); /* there is an end to it */
    ck_assert_str_eq(part_of("\r\n"), "end");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http");
    TCase *t = tcase_create("http");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, plain_request);
    tcase_add_loop_test(t, anomalies, 0, HTTP_CASES);
    tcase_add_test(t, nul_in_head);
    tcase_add_test(t, parts);
    tcase_add_test(t, names);
    tcase_add_test(t, smuggled_request_is_seen);
    tcase_add_test(t, targets);
    tcase_add_test(t, no_http);
    tcase_add_test(t, bodies);
    tcase_add_test(t, codings);
    tcase_add_test(t, bombs);
    tcase_add_test(t, body_limit);
    tcase_add_test(t, unwanted_bodies);
    tcase_add_test(t, head_limits);
    tcase_add_test(t, arenas);
    suite_add_tcase(s, t);
    return run_suite(s);
}
