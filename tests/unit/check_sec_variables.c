/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <strings.h>
#include <time.h>

#include "run_suite.h"
#include "sec_variables_show.h"

static struct span mime[] = {{(const uint8_t *)"text/plain", 10}, {(const uint8_t *)"text/html", 9}};

/* As in CRS's tests. */
static const struct sec_settings usual = {.engine = SEC_DETECTION_ONLY,
                                          .request_body = true,
                                          .response_body = true,
                                          .request_body_limit = 13107200,
                                          .request_body_no_files_limit = 131072,
                                          .request_body_reject = true,
                                          .response_body_limit = 1048576,
                                          .json_depth = 512,
                                          .arguments = 1000,
                                          .argument_separator = '&',
                                          .response_mime = mime,
                                          .n_response_mime = 2};
static struct sec_settings settings;
static struct sec_vars *v;
static struct http *h;
static struct sheet out;

static void set_up(void)
{
    settings = usual;
    v = sec_vars_new(&settings);
    ck_assert_ptr_nonnull(v);
    h = NULL;
    out = (struct sheet){0};
}

static void tear_down(void)
{
    sec_vars_free(v);
    http_free(h);
    free(out.at);
}

static void begin(void)
{
    static const struct http_options opt = {.limits = {.head = 65536,
                                                       .headers = 100,
                                                       .body = 1 << 20,
                                                       .response_body = 65536,
                                                       .args = 1,
                                                       .depth = 1,
                                                       .ratio = 100,
                                                       .pipelined = 4},
                                            .want = HTTP_WANT_BODY | HTTP_WANT_RESPONSE | HTTP_WANT_RESPONSE_BODY};
    struct sec_connection c = {.client_port = 40000,
                               .server_port = 8080,
                               .begun_ms = 1709217000000,
                               .now_ms = 1709217001234,
                               .unique_id = "unique-1"};
    ck_assert(ip_addr_parse("192.0.2.7", &c.client));
    ck_assert(ip_addr_parse("198.51.100.1", &c.server));
    http_free(h);
    h = http_new(&opt, false);
    ck_assert_ptr_nonnull(h);
    sec_vars_begin(v, &c);
}

static struct http_tx *feed(enum http_dir dir, const void *data, size_t n, int want)
{
    struct span s = span_of(data, n);
    for (int point; (point = http_feed(h, dir, &s)) > 0;)
        if (point == want)
            return http_tx(h);
    ck_abort_msg("nothing complete: %.*s", (int)n, (const char *)data);
}

static struct http_tx *request(const void *data, size_t n)
{
    begin();
    struct http_tx *tx = feed(HTTP_TO_SERVER, data, n, HTTP_REQUEST_END);
    sec_vars_phase(v, tx, 1);
    choose_processor(v, tx);
    return tx;
}

static struct http_tx *request_text(const char *text)
{
    return request(text, strlen(text));
}

static const char *show(const char *variable)
{
    out.len = 0;
    sheet_put(&out, "", 0);
    show_variable(&out, v, variable);
    return out.at;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines in the order of strcmp. */
static char *sorted(char *text, size_t n)
{
    static char *lines[4096];
    size_t count = 0;
    char *ret = malloc(n + 1), *to = ret;
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) && *line;)
        lines[count++] = line;
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++)
        to += sprintf(to, "%s\n", lines[i]);
    *to = 0;
    return ret;
}

/* \r \n \t \\ \xHH, in place; the end. */
static char *unescape(char *s)
{
    char *to = s;
    for (; *s && *s != '\n'; s++) {
        unsigned byte;
        if (*s != '\\')
            *to++ = *s;
        else if (*++s == 'x' && sscanf(s + 1, "%2x", &byte) == 1)
            *to++ = (char)byte, s += 2;
        else
            *to++ = *s == 'n' ? '\n' : *s == 'r' ? '\r' : *s == 't' ? '\t' : '\\';
    }
    return to;
}

struct wanted {
    unsigned phase;
    char variables[1200];
    char *request, *response;
    size_t request_len, response_len;
    struct sheet values;
};

static void check(const struct wanted *w, int line)
{
    char names[1200], *rest = names;
    struct http_tx *tx = request(w->request, w->request_len);
    if (w->phase >= 2)
        sec_vars_phase(v, tx, 2);
    if (w->phase >= 3)
        tx = feed(HTTP_TO_CLIENT, w->response, w->response_len, HTTP_RESPONSE_END);
    for (unsigned p = 3; p <= w->phase; p++)
        sec_vars_phase(v, tx, p);
    strcpy(names, w->variables);
    out.len = 0;
    sheet_put(&out, "", 0);
    for (char *name; (name = strsep(&rest, " "));)
        show_variable(&out, v, name);
    char *got = sorted(out.at, out.len);
    ck_assert_msg(!strcmp(got, w->values.at ? w->values.at : ""), "line %d: %s\ngot:\n%s\nwanted:\n%s", line,
                  w->request, got, w->values.at);
    ck_assert(!sec_vars_failed(v));
    free(got);
}

static char *copy_unescaped(const char *line, size_t *len)
{
    char *s = strdup(line), *end;
    ck_assert_ptr_nonnull(s);
    end = unescape(s);
    *end = 0;
    *len = (size_t)(end - s);
    return s;
}

static unsigned finish(struct wanted *w, int line)
{
    if (!w->request)
        return 0;
    check(w, line);
    free(w->request);
    free(w->response);
    free(w->values.at);
    *w = (struct wanted){0};
    return 1;
}

static void take_settings(const char *name)
{
    settings = usual;
    if (strcmp(name, "tight") != 0)
        return;
    settings.json_depth = 2;
    settings.arguments = 4;
    settings.request_body_no_files_limit = 100;
    settings.request_body_limit = 300;
    settings.request_body_reject = false;
}

/* What libmodsecurity said of some 150 requests. */
START_TEST(as_the_oracle_says)
{
    static char line[65536];
    struct wanted w = {0};
    unsigned cases = 0;
    int n = 0;
    FILE *f = fopen(TEST_DATA "/corpus/sec_variables.txt", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        n++;
        size_t len = strcspn(line, "\n");
        if (!len || line[0] == '#') {
            cases += finish(&w, n);
        } else if (!strncmp(line, "settings ", 9)) {
            line[len] = 0;
            take_settings(line + 9);
        } else if (sscanf(line, "case %u %1199[^\n]", &w.phase, w.variables) == 2) {
            continue;
        } else if (line[0] == '>') {
            w.request = copy_unescaped(line + 2, &w.request_len);
        } else if (line[0] == '<') {
            w.response = copy_unescaped(line + 2, &w.response_len);
        } else {
            sheet_put(&w.values, line, len + 1);
        }
    }
    cases += finish(&w, n);
    fclose(f);
    ck_assert_uint_ge(cases, 157);
}
END_TEST

/* In the order in which they were sent, the query's arguments first. */
START_TEST(in_order)
{
    struct http_tx *tx = request_text("POST /?b=1&a=2&b=3 HTTP/1.1\r\nZ: 1\r\nHost: h\r\nA: 2\r\nz: 3\r\nContent-Type: "
                                      "application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=4&0=5");
    ck_assert_str_eq(show("ARGS"), "ARGS:b=1\nARGS:a=2\nARGS:b=3\n");
    sec_vars_phase(v, tx, 2);
    ck_assert_str_eq(show("ARGS"), "ARGS:b=1\nARGS:a=2\nARGS:b=3\nARGS:a=4\nARGS:0=5\n");
    ck_assert_str_eq(show("ARGS_POST_NAMES"), "ARGS_POST_NAMES:a=a\nARGS_POST_NAMES:0=0\n");
    struct sec_values l = sec_vars_get(v, SEC_REQUEST_HEADERS, (struct span){0});
    ck_assert_uint_eq(l.n, tx->headers.n);
    ck_assert_ptr_eq(l.at, tx->headers.at);
}
END_TEST

/* Nothing of what comes later is there before its phase, and a new transaction knows nothing of the last. */
START_TEST(phases)
{
    begin();
    ck_assert_str_eq(show("REQUEST_URI"), "REQUEST_URI=\n");
    ck_assert_str_eq(show("ARGS"), "");
    ck_assert_str_eq(show("REMOTE_ADDR"), "REMOTE_ADDR=192.0.2.7\n");
    struct http_tx *tx = request_text("POST /p?a=1 HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\n"
                                      "Content-Length: 7\r\n\r\n<a>x</a");
    ck_assert_str_eq(show("REQUEST_BODY"), "REQUEST_BODY=\n");
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=\n");
    ck_assert_str_eq(show("REQBODY_PROCESSOR"), "REQBODY_PROCESSOR=XML\n");
    ck_assert_str_eq(show("XML:/*"), "");
    ck_assert_str_eq(show("RESPONSE_STATUS"), "RESPONSE_STATUS=\n");
    sec_vars_phase(v, tx, 2);
    ck_assert_str_eq(show("REQUEST_BODY"), "REQUEST_BODY=<a>x</a\n");
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=1\n");
    ck_assert_str_eq(show("XML:/*"), "XML:/*=x\n");
    sec_vars_phase(v, tx, 5);
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=1\n");
    ck_assert_str_eq(show("ARGS"), "ARGS:a=1\n");
    tx = request_text("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>");
    sec_vars_phase(v, tx, 2);
    ck_assert_str_eq(show("REQUEST_BODY"), "REQUEST_BODY=\n");
    ck_assert_str_eq(show("REQUEST_BODY_LENGTH"), "REQUEST_BODY_LENGTH=4\n");
    tx = request_text("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>");
    sec_vars_force_body(v, true);
    sec_vars_phase(v, tx, 2);
    ck_assert_str_eq(show("REQUEST_BODY"), "REQUEST_BODY=<a/>\n");
    tx = request_text("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    sec_vars_phase(v, tx, 2);
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=0\n");
    ck_assert_str_eq(show("REQBODY_PROCESSOR"), "REQBODY_PROCESSOR=\n");
    ck_assert_str_eq(show("XML:/*"), "");
    ck_assert_str_eq(show("ARGS"), "");
}
END_TEST

#define FORM "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"

/* ctl:requestBodyProcessor goes before the Content-Type; JSON and XML go before forms whatever comes last. */
START_TEST(processors)
{
    struct http_tx *tx = request_text(FORM "Content-Length: 3\r\n\r\n[1]");
    sec_vars_processor(v, SEC_BODY_JSON);
    ck_assert_str_eq(show("REQBODY_PROCESSOR"), "REQBODY_PROCESSOR=JSON\n");
    sec_vars_processor(v, SEC_BODY_URLENCODED);
    ck_assert_str_eq(show("REQBODY_PROCESSOR"), "REQBODY_PROCESSOR=URLENCODED\n");
    sec_vars_phase(v, tx, 2);
    ck_assert_str_eq(show("ARGS"), "ARGS:json.array_0=1\n");
    tx = request_text("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\na=1");
    sec_vars_processor(v, SEC_BODY_URLENCODED);
    sec_vars_phase(v, tx, 2);
    ck_assert_str_eq(show("ARGS_POST"), "ARGS_POST:a=1\n");
}
END_TEST

/* Without access the arguments are there for later phases, the body is not, and phase 2 does not run. */
START_TEST(body_access)
{
    struct http_tx *tx = request_text(FORM "Content-Length: 3\r\n\r\na=1");
    ck_assert(sec_vars_runs(v, 2));
    sec_vars_body_access(v, false, true);
    ck_assert(!sec_vars_runs(v, 2));
    sec_vars_phase(v, tx, 3);
    ck_assert_str_eq(show("ARGS"), "ARGS:a=1\n");
    ck_assert_str_eq(show("REQUEST_BODY"), "REQUEST_BODY=\n");
    ck_assert_str_eq(show("FULL_REQUEST"), "FULL_REQUEST=\n");
}
END_TEST

START_TEST(body_limits)
{
    settings.request_body_limit = 4;
    struct http_tx *tx = request_text(FORM "Content-Length: 7\r\n\r\na=1&b=2");
    sec_vars_phase(v, tx, 2);
    ck_assert_str_eq(show("ARGS"), "");
    ck_assert_str_eq(show("INBOUND_DATA_ERROR"), "INBOUND_DATA_ERROR=1\n");
    settings.request_body_reject = false;
    tx = request_text(FORM "Content-Length: 7\r\n\r\na=1&b=2");
    sec_vars_phase(v, tx, 2);
    ck_assert_str_eq(show("ARGS"), "ARGS:a=1\n");
    ck_assert_str_eq(show("INBOUND_DATA_ERROR"), "INBOUND_DATA_ERROR=1\n");
}
END_TEST

static struct http_tx *big(const char *type, const char *before, const char *what, size_t count, const char *after)
{
    struct sheet body = {0}, all = {0};
    char head[256];
    sheet_put(&body, before, strlen(before));
    for (size_t i = 0; i < count; i++)
        sheet_put(&body, what, strlen(what));
    sheet_put(&body, after, strlen(after));
    int n = snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                     type, body.len);
    sheet_put(&all, head, (size_t)n);
    sheet_put(&all, body.at, body.len);
    struct http_tx *tx = request(all.at, all.len);
    sec_vars_phase(v, tx, 2);
    free(body.at);
    free(all.at);
    return tx;
}

/* Past app/'s limit, which is 1 MiB here: what there is counts, and that its end is missing is no error. */
START_TEST(body_cut_off)
{
    static const char parts[] = "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nfirst\r\n--b\r\n"
                                "Content-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n";
    static const char field[] = "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nfirst";
    static const char type[] = "multipart/form-data; boundary=b";
    settings.request_body_no_files_limit = 0;
    big(type, parts, "0123456789abcdef\r\n", 70000, "--b--\r\n");
    ck_assert_str_eq(show("ARGS"), "ARGS:t=first\n");
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=0\n");
    ck_assert_str_eq(show("MULTIPART_STRICT_ERROR"), "MULTIPART_STRICT_ERROR=0\n");
    ck_assert_str_eq(show("INBOUND_DATA_ERROR"), "INBOUND_DATA_ERROR=1\n");
    big(type, field, "0123456789abcdef", 70000, "\r\n--b--\r\n");
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=0\n");
    ck_assert(!strncmp(show("ARGS"), "ARGS:t=first0123", 16));
    sec_vars_processor(v, SEC_BODY_JSON);
    big("application/json", "{\"t\":\"first\",\"long\":\"", "0123456789", 120000, "\"}");
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=0\n");
    ck_assert(!strncmp(show("ARGS"), "ARGS:json.t=first\n", 18));
}
END_TEST

START_TEST(xml_cut_off)
{
    settings.request_body_no_files_limit = 0;
    sec_vars_processor(v, SEC_BODY_XML);
    big("text/xml", "<a><t>first</t>", "<b>123456789</b>", 70000, "</a>");
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=0\n");
}
END_TEST

/* Of a body that is cut off Content-Length tells how long it is; else it is longer than what is there. */
START_TEST(limits_of_a_body_cut_off)
{
    static const char type[] = "application/x-www-form-urlencoded";
    settings.request_body_limit = 1200000;
    settings.request_body_no_files_limit = 1 << 20;
    big(type, "a=", "0123456789", 110000, "");
    ck_assert(!sec_vars_rejects(v, 2));
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=1\n");
    big(type, "a=", "0123456789", 120000, "");
    ck_assert(sec_vars_rejects(v, 2));
    settings.request_body_reject = false;
    ck_assert(!sec_vars_rejects(v, 2));
}
END_TEST

static void respond(const char *text)
{
    struct http_tx *tx = request_text("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    sec_vars_phase(v, tx, 2);
    tx = feed(HTTP_TO_CLIENT, text, strlen(text), HTTP_RESPONSE_END);
    sec_vars_phase(v, tx, 3);
    sec_vars_phase(v, tx, 4);
}

/* Phase 4 runs for the types that are read; which, is compared byte by byte. */
START_TEST(response_types)
{
    respond("HTTP/1.1 200 OK\r\nContent-Type: text/html;x\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert(sec_vars_runs(v, 4));
    ck_assert_str_eq(show("RESPONSE_BODY"), "RESPONSE_BODY=hi\n");
    respond("HTTP/1.1 200 OK\r\nContent-Type: Text/html\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert(!sec_vars_runs(v, 4));
    ck_assert_str_eq(show("RESPONSE_BODY"), "RESPONSE_BODY=\n");
    settings.n_response_mime = 0;
    respond("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert(sec_vars_runs(v, 4));
    ck_assert_str_eq(show("RESPONSE_BODY"), "RESPONSE_BODY=hi\n");
    ck_assert_str_eq(show("RESPONSE_PROTOCOL"), "RESPONSE_PROTOCOL=HTTP/1.0\n");
    settings.response_body_limit = 1;
    respond("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    ck_assert_str_eq(show("RESPONSE_BODY"), "RESPONSE_BODY=h\n");
    ck_assert_str_eq(show("OUTBOUND_DATA_ERROR"), "OUTBOUND_DATA_ERROR=1\n");
    sec_vars_body_access(v, true, false);
    ck_assert(!sec_vars_runs(v, 4));
}
END_TEST

/* 1709217001 is Thursday, 29 February 2024, 14:30:01 UTC. */
START_TEST(time_of_day)
{
    static const char *const want[] = {
        "TIME=14:30:01\n", "TIME_DAY=29\n", "TIME_EPOCH=1709217001\n", "TIME_HOUR=14\n",   "TIME_MIN=30\n",
        "TIME_MON=1\n",    "TIME_SEC=01\n", "TIME_WDAY=4\n",           "TIME_YEAR=2024\n", "DURATION=1.234000\n",
    };
    setenv("TZ", "UTC", 1);
    tzset();
    begin();
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        char name[32];
        sscanf(want[i], "%31[A-Z_]", name);
        ck_assert_str_eq(show(name), want[i]);
    }
}
END_TEST

/* Long paths with many values: an error long before memory is gone. */
START_TEST(json_names_are_bounded)
{
    struct sheet key = {0};
    sheet_put(&key, "{\"", 2);
    for (int i = 0; i < 5000; i++)
        sheet_put(&key, "0123456789", 10);
    sheet_put(&key, "\":[1", 4);
    settings.arguments = 0;
    big("application/json", key.at, ",1", 20000, "]}");
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=1\n");
    ck_assert_uint_lt(sec_vars_memory(v), 16u << 20);
    ck_assert(!sec_vars_failed(v));
    free(key.at);
}
END_TEST

START_TEST(arguments_are_bounded)
{
    settings.arguments = 0;
    big("application/x-www-form-urlencoded", "", "&", 131000, "a=1");
    ck_assert_uint_eq(sec_vars_get(v, SEC_ARGS, (struct span){0}).n, 65536);
}
END_TEST

#define LEVEL(a, b) "<!ENTITY " a " '&" b ";&" b ";&" b ";&" b ";&" b ";&" b ";&" b ";&" b ";'>"

/* Entities that would stand for 8^9 bytes; and the same of nothing. */
START_TEST(xml_entities_are_bounded)
{
    static const char *const leaves[] = {"<!ENTITY a 'x'>", "<!ENTITY a ''>"};
    for (int i = 0; i < 2; i++) {
        char doc[2048];
        snprintf(doc, sizeof doc,
                 "<!DOCTYPE r [%s" LEVEL("b", "a") LEVEL("c", "b") LEVEL("d", "c") LEVEL("e", "d") LEVEL("f", "e")
                     LEVEL("g", "f") LEVEL("h", "g") LEVEL("i", "h") LEVEL("j", "i") "]><r>&j;</r>",
                 leaves[i]);
        big("text/xml", doc, "", 0, "");
        struct sec_values l = sec_vars_get(v, SEC_XML, span_of("/*", 2));
        ck_assert_uint_le(l.n, 1);
        ck_assert(!l.n || l.at[0].value.len < 200000);
    }
}
END_TEST

/* A part's headers that never end well, again and again. */
START_TEST(multipart_is_linear)
{
    static const char type[] = "multipart/form-data; boundary=b";
    struct sheet head = {0};
    sheet_put(&head, "--b\r\nContent-Disposition: form-data; name=x\r\n", 46);
    for (int i = 0; i < 2000; i++)
        sheet_put(&head, " ; a=b\r\n", 8);
    clock_t begun = clock();
    big(type, head.at, "\r\n", 400000, "--b--\r\n");
    big(type, "--b\r\n", "a:\n", 300000, "\r\n--b--\r\n");
    big(type, "", "--", 400000, "\r\n");
    ck_assert_str_eq(show("REQBODY_ERROR"), "REQBODY_ERROR=1\n");
    ck_assert_int_lt(clock() - begun, 20 * CLOCKS_PER_SEC);
    free(head.at);
}
END_TEST

/* From transaction to transaction memory does not grow. */
START_TEST(memory_is_reused)
{
    size_t most = 0;
    for (int i = 0; i < 200; i++) {
        big("application/json", "{\"a+\":[\"\\n\"", ",\"\\t%20\"", 300, "]}");
        show("ARGS");
        show("FULL_REQUEST");
        if (i == 2)
            most = sec_vars_memory(v);
        ck_assert(i < 3 || sec_vars_memory(v) <= most);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sec_variables");
    TCase *t = tcase_create("sec_variables");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, as_the_oracle_says);
    tcase_add_test(t, in_order);
    tcase_add_test(t, phases);
    tcase_add_test(t, processors);
    tcase_add_test(t, body_access);
    tcase_add_test(t, body_limits);
    tcase_add_test(t, body_cut_off);
    tcase_add_test(t, xml_cut_off);
    tcase_add_test(t, limits_of_a_body_cut_off);
    tcase_add_test(t, response_types);
    tcase_add_test(t, time_of_day);
    tcase_add_test(t, json_names_are_bounded);
    tcase_add_test(t, arguments_are_bounded);
    tcase_add_test(t, xml_entities_are_bounded);
    tcase_add_test(t, multipart_is_linear);
    tcase_add_test(t, memory_is_reused);
    suite_add_tcase(s, t);
    return run_suite(s);
}
