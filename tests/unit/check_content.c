/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "app/content.h"
#include "run_suite.h"

#define BIT(a) (UINT64_C(1) << (a))

static struct arena arena;
static struct http_list args, files, part_headers;
static uint64_t anomalies;
static struct content_sink sink;

static void start(void)
{
    arena = (struct arena){.head = NULL};
    args = files = part_headers = (struct http_list){.at = NULL};
    anomalies = 0;
    sink = (struct content_sink){.arena = &arena,
                                 .args = &args,
                                 .files = &files,
                                 .part_headers = &part_headers,
                                 .anomalies = &anomalies,
                                 .max_args = 1000,
                                 .max_depth = 50};
}

static void stop(void)
{
    arena_free(&arena);
}

/* A fresh sink within one test. */
static void again(void)
{
    stop();
    start();
}

static struct span text(const char *s)
{
    return span_of(s, strlen(s));
}

/* "name=value|name=value|" */
static const char *shown(const struct http_list *l)
{
    static char buf[1 << 16];
    size_t n = 0;
    for (uint32_t i = 0; i < l->n; i++)
        n += (size_t)snprintf(buf + n, sizeof buf - n, "%.*s=%.*s|", (int)l->at[i].name.len,
                              (const char *)l->at[i].name.data, (int)l->at[i].value.len,
                              (const char *)l->at[i].value.data);
    buf[n] = 0;
    return buf;
}

static uint64_t bit_or_none(int anomaly)
{
    return anomaly < 0 ? 0 : BIT(anomaly);
}

struct sample {
    const char *in, *args;
    int anomaly; /* the one that is expected, or -1 */
    bool cut;
};

static void check_args(const struct sample *t)
{
    ck_assert_msg(!strcmp(shown(&args), t->args), "%s: got %s, expected %s", t->in, shown(&args), t->args);
    ck_assert_msg(anomalies == bit_or_none(t->anomaly), "%s: anomalies %llx", t->in, (unsigned long long)anomalies);
    ck_assert(!sink.failed);
}

static const struct sample urlencoded_samples[] = {
    {"a=1&b=2", "a=1|b=2|", -1, false},
    {"a=1&&b&=x&c=d=e&", "a=1|b=|=x|c=d=e|", -1, false},
    {"a+b=%41%2b+%26", "a b=A+ &|", -1, false},
    {"%61=%zz%4", "a=%zz%4|", HTTP_BAD_URLENCODED, false},
    {"a=%", "a=%|", HTTP_BAD_URLENCODED, false},
    {"a=%2541", "a=%41|", -1, false},
    {"", "", -1, false},
};

START_TEST(urlencoded)
{
    content_urlencoded(&sink, text(urlencoded_samples[_i].in));
    check_args(&urlencoded_samples[_i]);
}
END_TEST

START_TEST(at_most_max_args)
{
    sink.max_args = 2;
    content_urlencoded(&sink, text("a=1&b=2"));
    ck_assert_uint_eq(anomalies, 0);
    content_urlencoded(&sink, text("c=3&d=4"));
    ck_assert_str_eq(shown(&args), "a=1|b=2|");
    ck_assert_uint_eq(anomalies, BIT(HTTP_TOO_MANY_ARGS));
}
END_TEST

START_TEST(percent)
{
    struct span in = text("a+b%20c"), out;
    bool bad = true;
    ck_assert(content_percent(&arena, in, false, &out, &bad));
    ck_assert(!bad && out.len == 5 && !memcmp(out.data, "a+b c", 5));
    in = text("plain+");
    ck_assert(content_percent(&arena, in, false, &out, &bad) && out.data == in.data && out.len == in.len);
    ck_assert(content_percent(&arena, text("%0"), false, &out, &bad) && bad);
    ck_assert(content_percent(&arena, text("%00"), false, &out, &bad) && !bad && out.len == 1 && !out.data[0]);
}
END_TEST

START_TEST(cookies)
{
    struct http_list l = {.at = NULL};
    ck_assert(content_cookies(&arena, &l, text("a=b; c=\"d e\";; f=g=h ;naked; i=%41;\t j ="), 100));
    ck_assert_str_eq(shown(&l), "a=b|c=d e|f=g=h|=naked|i=%41|j=|");
    ck_assert(content_cookies(&arena, &l, text("k=1; l=2"), 7));
    ck_assert_uint_eq(l.n, 7);
    ck_assert(content_cookies(&arena, &l, text(""), 100));
}
END_TEST

START_TEST(lists_grow)
{
    struct http_list l = {.at = NULL};
    for (unsigned i = 0; i < 1000; i++)
        ck_assert(http_list_add(&arena, &l, text("n"), span_of("xxxxxxxxxx", i % 10)));
    ck_assert_uint_eq(l.n, 1000);
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_uint_eq(l.at[i].value.len, i % 10);
}
END_TEST

START_TEST(types)
{
    static const struct {
        const char *value;
        enum content_type type;
    } t[] = {
        {"application/x-www-form-urlencoded", CONTENT_URLENCODED},
        {" Application/X-WWW-Form-Urlencoded ; charset=utf-8", CONTENT_URLENCODED},
        {"multipart/form-data; boundary=x", CONTENT_MULTIPART},
        {"multipart/mixed; boundary=x", CONTENT_OTHER},
        {"application/json", CONTENT_JSON},
        {"application/problem+JSON;x", CONTENT_JSON},
        {"text/xml", CONTENT_XML},
        {"application/soap+xml", CONTENT_XML},
        {"application/jsonx", CONTENT_OTHER},
        {"+xml", CONTENT_OTHER},
        {"", CONTENT_OTHER},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        ck_assert_msg(content_type_of(text(t[i].value)) == t[i].type, "%s", t[i].value);
    ck_assert_int_eq(content_type_of(span_of(NULL, 0)), CONTENT_OTHER);
}
END_TEST

static const struct sample json_samples[] = {
    {"{\"a\":{\"b\":[1,\"x\"]},\"c\":-1.50e3}", "json.a.b.0=1|json.a.b.1=x|json.c=-1.50e3|", -1, false},
    {"[true,false,null,[],{}]", "json.0=true|json.1=false|json.2=null|json.3=|json.4=|", -1, false},
    {"\"top\"", "json=top|", -1, false},
    {"42", "json=42|", -1, false},
    {"12345678901234567890123", "json=12345678901234567890123|", -1, false},
    {"{\"a\":1,\"a\":2}", "json.a=1|json.a=2|", -1, false},
    {"{\"\\u0061\\n\":\"\\u00e9\\ud83d\\ude00\\/\"}", "json.a\n=\xc3\xa9\xf0\x9f\x98\x80/|", -1, false},
    {"{\"a\":{\"b\":1},\"c\":[{\"d\":2},{\"d\":3}]}", "json.a.b=1|json.c.0.d=2|json.c.1.d=3|", -1, false},
    {"{\"<script>\":{}}", "json.<script>=|", -1, false},
    {"{\"a\":1} x", "json.a=1|", HTTP_BAD_JSON, false},
    {"{\"a\":1,}", "json.a=1|", HTTP_BAD_JSON, false},
    {"[1 2]", "json.0=1|", HTTP_BAD_JSON, false},
    {"1 2", "json=1|", HTTP_BAD_JSON, false},
    {"\"a\" \"", "json=a|", HTTP_BAD_JSON, false},
    {"[\v1]", "json.0=1|", HTTP_BAD_JSON, false},
    {"{} [", "json=|", HTTP_BAD_JSON, false},
    {" 7 \r\n\t", "json=7|", -1, false},
    {"{\"a\":1 /* c */}", "json.a=1|", HTTP_BAD_JSON, false},
    {"{\"a\":\"x", "", HTTP_BAD_JSON, false},
    {"{\"a\":1,\"b\":\"x", "json.a=1|", -1, true},
    {"{'a':1}", "", HTTP_BAD_JSON, false},
    {"[\"\xff\"]", "", HTTP_BAD_JSON, false},
    {"[\"\xc0\xaf\"]", "json.0=\xc0\xaf|", HTTP_BAD_JSON, false},
    {"[\"\xed\xa0\x80\"]", "json.0=\xed\xa0\x80|", HTTP_BAD_JSON, false},
    {"\xef\xbb\xbf[1]", "json.0=1|", HTTP_BAD_JSON, false},
    {"[1,\"\xe2\x82", "json.0=1|", -1, true},
    {"", "", HTTP_BAD_JSON, false},
};

START_TEST(json)
{
    content_json(&sink, text(json_samples[_i].in), json_samples[_i].cut);
    check_args(&json_samples[_i]);
}
END_TEST

START_TEST(json_depth)
{
    sink.max_depth = 2;
    content_json(&sink, text("[[1]]"), false);
    ck_assert_str_eq(shown(&args), "json.0.0=1|");
    ck_assert_uint_eq(anomalies, 0);
    again();
    sink.max_depth = 2;
    content_json(&sink, text("[0,[[1]],2]"), false);
    ck_assert_str_eq(shown(&args), "json.0=0|");
    ck_assert_uint_eq(anomalies, BIT(HTTP_TOO_DEEP));
}
END_TEST

/* A long key over many elements would be stored once for each of them. */
START_TEST(names_are_bounded)
{
    static char in[200000];
    size_t n = (size_t)snprintf(in, sizeof in, "{\"%0*d\":[", 50000, 1);
    for (int i = 0; i < 900; i++)
        n += (size_t)snprintf(in + n, sizeof in - n, "%d,", i);
    snprintf(in + n, sizeof in - n, "1]}");
    content_json(&sink, text(in), false);
    ck_assert_uint_eq(anomalies, BIT(HTTP_TOO_MANY_ARGS));
    size_t names = 0;
    for (uint32_t i = 0; i < args.n; i++)
        names += args.at[i].name.len;
    ck_assert_uint_gt(args.n, 1);
    ck_assert_uint_lt(names, 8 * strlen(in) + 65536 + 1);
}
END_TEST

static const struct sample xml_samples[] = {
    {"<a><b>x</b><b c='1' d=\"2\">y</b></a>", "xml.a.b=x|xml.a.b@c=1|xml.a.b@d=2|xml.a.b=y|", -1, false},
    {"<?xml version='1.0' encoding='UTF-8'?>\n<a>\n  <b/>\n</a>\n", "xml.a.b=|", -1, false},
    {"<a>un<!-- c -->ion<![CDATA[ <select> ]]>&lt;&amp;&#65;&#x42;</a>", "xml.a=union <select> <&AB|", -1, false},
    {"<a b='&lt;&amp;&#38;&quot;&amp;lt;'/>", "xml.a@b=<&&\"&lt;|", -1, false},
    {"<a>x<b>y</b>z</a>", "xml.a=x|xml.a.b=y|xml.a=z|", -1, false},
    {"<s:a xmlns:s='urn:x'><s:b s:c='1'>y</s:b></s:a>", "xml.a.b@c=1|xml.a.b=y|", -1, false},
    {"<!DOCTYPE html><a>x</a>", "xml.a=x|", -1, false},
    {"<!DOCTYPE a [<!ENTITY e 'boo'>]><a>x</a>", "xml.a=x|", HTTP_BAD_XML, false},
    {"<!DOCTYPE a SYSTEM 'http://192.0.2.1/x.dtd'><a>x</a>", "xml.a=x|", HTTP_BAD_XML, false},
    {"<!DOCTYPE a PUBLIC '-//x' 'file:///etc/passwd'><a>x</a>", "xml.a=x|", HTTP_BAD_XML, false},
    {"<!DOCTYPE a [<!ATTLIST a b CDATA 'c'>]><a>x</a>", "xml.a=x|", HTTP_BAD_XML, false},
    {"<?xml version='1.0'?><!-- [ --><!DOCTYPE a [<!-- ] --><!ENTITY e ']'>]><a>x</a>", "xml.a=x|", HTTP_BAD_XML,
     false},
    {"<a><![CDATA[<!DOCTYPE a [x]>]]></a>", "xml.a=<!DOCTYPE a [x]>|", -1, false},
    {"<a><b>x</a>", "xml.a.b=x|", HTTP_BAD_XML, false},
    {"<a>xyz", "xml.a=xyz|", HTTP_BAD_XML, false},
    {"<a><b>x</b><b>yes", "xml.a.b=x|xml.a.b=yes|", -1, true},
    {"no xml", "", HTTP_BAD_XML, false},
    {"", "", HTTP_BAD_XML, false},
};

START_TEST(xml)
{
    content_xml(&sink, text(xml_samples[_i].in), xml_samples[_i].cut);
    check_args(&xml_samples[_i]);
}
END_TEST

/* No entity is expanded, none is fetched; what stands behind it is still read. */
START_TEST(xml_entities)
{
    content_xml(&sink,
                text("<!DOCTYPE a [<!ENTITY e 'boo'><!ENTITY f '&e;&e;&e;&e;'><!ENTITY g SYSTEM '/etc/hostname'>"
                     "<!ENTITY % p '<!ENTITY q \"boo\">'> %p;]><a><b>&f;&g;&q;</b><c d='&e;'>seen</c></a>"),
                false);
    ck_assert_uint_eq(anomalies, BIT(HTTP_BAD_XML));
    ck_assert_ptr_null(strstr(shown(&args), "boo"));
    ck_assert_ptr_nonnull(strstr(shown(&args), "xml.a.c=seen|"));
}
END_TEST

/* What takes the parser time with the square of their number is not given to it. */
START_TEST(xml_crowds)
{
    static char in[100000];
    sink.max_args = 3;
    content_xml(&sink, text("<a><b c='1' d='2' e='3'/><f g='1' h = \"2\" i='3' j='4'/></a>"), false);
    ck_assert_str_eq(shown(&args), "xml.a.b@c=1|xml.a.b@d=2|xml.a.b@e=3|");
    ck_assert_uint_eq(anomalies, BIT(HTTP_TOO_MANY_ARGS));
    again();
    sink.max_args = 3;
    content_xml(&sink, text("<a><f g='1' h='2' i='3' j='4'/></a>"), false);
    ck_assert_uint_eq(args.n, 0);
    again();
    size_t n = (size_t)snprintf(in, sizeof in, "<a>seen<b/>");
    while (n + 4 < sizeof in)
        n += (size_t)snprintf(in + n, sizeof in - n, "&x;");
    content_xml(&sink, text(in), false);
    ck_assert_str_eq(shown(&args), "xml.a=seen|xml.a.b=|");
    ck_assert_uint_eq(anomalies, BIT(HTTP_BAD_XML));
}
END_TEST

START_TEST(xml_encodings)
{
    static const char subset[] = "\xff\xfe<\0!\0D\0O\0C\0T\0Y\0P\0E\0 \0a\0[\0]\0>\0<\0a\0>\0x\0<\0/\0a\0>";
    static const char plain[] = "\xff\xfe<\0a\0>\0\xe9\0<\0/\0a\0>";
    content_xml(&sink, text("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>"), false);
    content_xml(&sink, span_of(plain, sizeof plain), false);
    ck_assert_str_eq(shown(&args), "xml.a=\xc3\xa9|xml.a=\xc3\xa9|");
    ck_assert_uint_eq(anomalies, 0);
    content_xml(&sink, span_of(subset, sizeof subset), false);
    ck_assert_uint_eq(anomalies, BIT(HTTP_BAD_XML));
    again();
    content_xml(&sink, text("\x4c\x6f\xa7\x94"), false);
    ck_assert_uint_eq(anomalies, BIT(HTTP_BAD_XML));
}
END_TEST

START_TEST(xml_depth)
{
    sink.max_depth = 2;
    content_xml(&sink, text("<a><b>x</b></a>"), false);
    ck_assert_str_eq(shown(&args), "xml.a.b=x|");
    ck_assert_uint_eq(anomalies, 0);
    again();
    sink.max_depth = 2;
    content_xml(&sink, text("<a><b>x<c>y</c></b></a>"), false);
    ck_assert_str_eq(shown(&args), "xml.a.b=x|");
    ck_assert_uint_eq(anomalies, BIT(HTTP_TOO_DEEP));
}
END_TEST

#define TYPE "multipart/form-data; boundary=XX"
#define PART(headers, body) "--XX\r\n" headers "\r\n\r\n" body "\r\n"
#define FIELD(params) "Content-Disposition: form-data; " params
#define END "--XX--\r\n"

struct form {
    const char *type, *in, *args, *files;
    bool bad, cut;
};

static const struct form forms[] = {
    {TYPE, PART(FIELD("name=\"a\""), "1") PART(FIELD("name=\"b\""), "x\r\ny") END, "a=1|b=x\r\ny|", "", false, false},
    {TYPE, PART(FIELD("name=\"a\""), "") END, "a=|", "", false, false},
    {"multipart/form-data; charset=x; boundary=\"XX\"", PART(FIELD("name=\"a\""), "1") END, "a=1|", "", false, false},
    {TYPE, PART(FIELD("name=\"f\"; filename=\"C:\\dir\\\"q\\\"; x.php\"") "\r\nContent-Type: text/plain", "<?php") END,
     "", "f=C:\\dir\"q\"; x.php|", false, false},
    {TYPE, PART(FIELD("name=\"f\"; filename*=UTF-8''na%C3%AFve%2Ephp"), "x") END, "", "f=na\xc3\xafve.php|", false,
     false},
    {TYPE, PART(FIELD("name=\"f\"; filename=\"\""), "") END, "", "f=|", false, false},
    {TYPE, PART(FIELD("name=\"a\"") "\r\nContent-Transfer-Encoding: 8bit", "1") END, "a=1|", "", false, false},
    {TYPE, "--XX \t\r\n" FIELD("name=\"a\"") "\r\n\r\n1\r\n--XX--", "a=1|", "", false, false},
    {TYPE, PART(FIELD("name=\"a\""), "x--XX y\n-XX") END, "a=x--XX y\n-XX|", "", false, false},
    /* What is wrong. */
    {TYPE, PART(FIELD("name=\"a\""), "1"), "a=1\r\n|", "", true, false},
    {TYPE, "--XX\r\n" FIELD("name=\"a\"") "\r\n\r\n1", "a=1|", "", true, false},
    {TYPE, "--XX\n" FIELD("name=\"a\"") "\n\n1\n" END, "a=1|", "", true, false},
    {TYPE, PART(FIELD("name=\"a\"; name=\"b\""), "1") END, "a=1|", "", true, false},
    {TYPE, PART(FIELD("name=\"f\"; filename=\"a\"; filename=\"b\""), "1") END, "", "f=a|f=b|", true, false},
    {TYPE, PART(FIELD("name=\"f\"; filename=\"a\"; filename*=utf-8''b"), "1") END, "", "f=a|f=b|", true, false},
    {TYPE, PART(FIELD("name=a"), "1") END, "a=1|", "", true, false},
    {TYPE, PART(FIELD("name=\"f\"; filename=a"), "1") END, "", "f=a|", true, false},
    {TYPE, PART(FIELD("name=\"a\"") "\r\nNo colon", "1") END, "a=1|", "", true, false},
    {TYPE, PART(FIELD("name=\"a\"") "\r\nX Y: z", "1") END, "a=1|", "", true, false},
    {TYPE, "junk\r\n" PART(FIELD("name=\"a\""), "1") END, "a=1|", "", true, false},
    {TYPE, PART("Content-Disposition: form-data;\r\n name=\"a\"", "1") END, "a=1|", "", true, false},
    {TYPE, "--YY\r\n" FIELD("name=\"a\"") "\r\n\r\n1\r\n--YY--\r\n", "", "", true, false},
    {TYPE, PART(FIELD("name=\"a\""), "1\r\n--XXYY\r\n2") END, "a=1\r\n--XXYY\r\n2|", "", true, false},
    {TYPE, PART(FIELD("name=\"a\"") "\r\nContent-Transfer-Encoding: base64", "1") END, "a=1|", "", true, false},
    {TYPE, PART(FIELD("name=\"a\"") "\r\n" FIELD("name=\"b\""), "1") END, "a=1|", "", true, false},
    {TYPE, PART("Content-Type: text/plain", "1") END, "=1|", "", true, false},
    {TYPE, PART(FIELD("x=\"y\""), "1") END, "=1|", "", true, false},
    {TYPE, PART("Content-Disposition: attachment; name=\"a\"", "1") END, "a=1|", "", true, false},
    {TYPE, PART(FIELD("name=\"a"), "1") END, "a=1|", "", true, false},
    {TYPE, PART(FIELD("name=\"a\"x"), "1") END, "a=1|", "", true, false},
    {TYPE, "--XX\r\n" FIELD("name=\"a\"") "\r\n" END, "a=|", "", true, false},
    {TYPE, PART(FIELD("name=\"a\""), "1") END "more", "a=1|", "", true, false},
    {TYPE, "", "", "", true, false},
    {"multipart/form-data", PART(FIELD("name=\"a\""), "1") END, "", "", true, false},
    {"multipart/form-data; boundary=", PART(FIELD("name=\"a\""), "1") END, "", "", true, false},
    {"multipart/form-data; boundary=XX; boundary=YY", PART(FIELD("name=\"a\""), "1") END, "a=1|", "", true, false},
    {TYPE, PART(FIELD("name=\"a\"") "\r\nContent-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: 8bit", "1") END,
     "a=1|", "", true, false},
    /* What was cut at the body's limit. */
    {TYPE, PART(FIELD("name=\"a\""), "1") "--XX\r\n" FIELD("name=\"f\"; filename=\"x\"") "\r\n\r\nlong", "a=1|", "f=x|",
     false, true},
    {TYPE, PART(FIELD("name=\"a\""), "1") "--XX\r\nContent-Dispo", "a=1|", "", false, true},
    {TYPE, PART(FIELD("name=\"a\""), "1") "--XX\r\n" FIELD("name=\"b\"") "\r\nX", "a=1|b=|", "", false, true},
    {TYPE, PART(FIELD("name=\"a\""), "1") "--XX", "a=1|", "", false, true},
};

START_TEST(multipart)
{
    const struct form *f = &forms[_i];
    content_multipart(&sink, text(f->type), text(f->in), f->cut);
    ck_assert_msg(!strcmp(shown(&args), f->args), "%s: got %s, expected %s", f->in, shown(&args), f->args);
    ck_assert_msg(!strcmp(shown(&files), f->files), "%s: got %s, expected %s", f->in, shown(&files), f->files);
    ck_assert_msg(anomalies == (f->bad ? BIT(HTTP_BAD_MULTIPART) : 0), "%s: anomalies %llx", f->in,
                  (unsigned long long)anomalies);
}
END_TEST

START_TEST(multipart_headers)
{
    content_multipart(&sink, text(TYPE), text(PART(FIELD("name=\"a\"") "\r\nX-Y:  z ", "1") END), false);
    ck_assert_str_eq(shown(&part_headers), "Content-Disposition=form-data; name=\"a\"|X-Y=z|");
    again();
    sink.max_args = 1;
    content_multipart(&sink, text(TYPE), text(PART(FIELD("name=\"a\""), "1") PART(FIELD("name=\"b\""), "2") END),
                      false);
    ck_assert_str_eq(shown(&args), "a=1|");
    ck_assert_uint_ne(anomalies & BIT(HTTP_TOO_MANY_ARGS), 0);
}
END_TEST

START_TEST(boundary_lengths)
{
    char type[200], in[400];
    for (int len = 69; len <= 71; len++) {
        again();
        snprintf(type, sizeof type, "multipart/form-data; boundary=%0*d", len, 7);
        snprintf(in, sizeof in, "--%0*d\r\n" FIELD("name=\"a\"") "\r\n\r\n1\r\n--%0*d--\r\n", len, 7, len, 7);
        content_multipart(&sink, text(type), text(in), false);
        ck_assert_uint_eq(args.n, len <= 70);
        ck_assert_uint_eq(anomalies, len <= 70 ? 0 : BIT(HTTP_BAD_MULTIPART));
    }
}
END_TEST

static uint8_t plain[40000], coded[100000], decoded[80001];

/* The plain text in a coding: window bits as zlib has them. */
static size_t encode(int bits)
{
    z_stream z = {.next_in = plain, .avail_in = sizeof plain, .next_out = coded, .avail_out = sizeof coded};
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * i >> 7);
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* Decodes in pieces of `step` bytes with `room` for each call; the length, or -1. */
static long decode(const char *coding, size_t len, size_t step, size_t room, bool *done)
{
    bool known;
    struct inflater *z = inflater_new(text(coding), &known);
    ck_assert(z && known);
    ck_assert_uint_gt(inflater_memory(z), 0);
    size_t n = 0;
    long got = 0;
    *done = false;
    for (size_t at = 0; at < len && got >= 0; at += step) {
        struct span in = span_of(coded + at, len - at < step ? len - at : step);
        do {
            size_t left = sizeof decoded - n < room ? sizeof decoded - n : room;
            got = inflater_run(z, &in, decoded + n, left, done);
            ck_assert(got <= (long)left);
            n += got > 0 ? (size_t)got : 0;
        } while (got > 0);
    }
    inflater_free(z);
    return got < 0 ? -1 : (long)n;
}

static const struct {
    const char *coding;
    int bits;
} codings[] = {{"gzip", 16 + 15}, {"X-GZip", 16 + 15}, {"deflate", 15}, {"Deflate", -15}};

START_TEST(inflating)
{
    static const size_t steps[] = {1, 3, 1000, sizeof coded}, rooms[] = {77, 7777, sizeof decoded};
    size_t len = encode(codings[_i].bits);
    for (size_t s = 0; s < ARRAY_LEN(steps); s++)
        for (size_t r = 0; r < ARRAY_LEN(rooms); r++) {
            bool done;
            ck_assert_int_eq(decode(codings[_i].coding, len, steps[s], rooms[r], &done), (long)sizeof plain);
            ck_assert(done);
            ck_assert(!memcmp(plain, decoded, sizeof plain));
        }
    bool done;
    ck_assert_int_ge(decode(codings[_i].coding, len - 1, 1000, 1000, &done), 0);
    ck_assert(!done);
}
END_TEST

START_TEST(gzip_members)
{
    size_t len = encode(16 + 15);
    bool done;
    memcpy(coded + len, coded, len);
    static const size_t steps[] = {1, 5000, sizeof coded};
    for (size_t s = 0; s < ARRAY_LEN(steps); s++) {
        ck_assert_int_eq(decode("gzip", 2 * len, steps[s], 5000, &done), 2 * (long)sizeof plain);
        ck_assert(done && !memcmp(plain, decoded + sizeof plain, sizeof plain));
    }
}
END_TEST

/* A stored block whose first byte could be that of a zlib header. */
START_TEST(raw_deflate_is_told_by_the_checksum)
{
    static const uint8_t raw[] = {0x08, 2, 0, 0xfd, 0xff, 'h', 'i', 1, 0, 0, 0xff, 0xff};
    bool done;
    memcpy(coded, raw, sizeof raw);
    ck_assert_int_eq(decode("deflate", sizeof raw, 1, 100, &done), 2);
    ck_assert(done && !memcmp(decoded, "hi", 2));
}
END_TEST

START_TEST(inflating_what_is_bad)
{
    bool done;
    for (size_t i = 0; i < ARRAY_LEN(codings); i++) {
        size_t len = encode(codings[i].bits);
        coded[len] = 'x';
        ck_assert_int_eq(decode(codings[i].coding, len + 1, sizeof coded, sizeof decoded, &done), -1);
        ck_assert_int_eq(decode(codings[i].coding, len + 1, 1, sizeof decoded, &done), -1);
    }
    memset(coded, 'x', 100);
    ck_assert_int_eq(decode("gzip", 100, 100, 100, &done), -1);
    ck_assert_int_eq(decode("deflate", 100, 100, 100, &done), -1);
    bool known = true;
    ck_assert_ptr_null(inflater_new(text("br"), &known));
    ck_assert(!known);
    inflater_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("content");
    TCase *c = tcase_create("content");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, start, stop);
    tcase_add_loop_test(c, urlencoded, 0, ARRAY_LEN(urlencoded_samples));
    tcase_add_test(c, at_most_max_args);
    tcase_add_test(c, percent);
    tcase_add_test(c, cookies);
    tcase_add_test(c, lists_grow);
    tcase_add_test(c, types);
    tcase_add_loop_test(c, json, 0, ARRAY_LEN(json_samples));
    tcase_add_test(c, json_depth);
    tcase_add_test(c, names_are_bounded);
    tcase_add_loop_test(c, xml, 0, ARRAY_LEN(xml_samples));
    tcase_add_test(c, xml_entities);
    tcase_add_test(c, xml_crowds);
    tcase_add_test(c, xml_encodings);
    tcase_add_test(c, xml_depth);
    tcase_add_loop_test(c, multipart, 0, ARRAY_LEN(forms));
    tcase_add_test(c, multipart_headers);
    tcase_add_test(c, boundary_lengths);
    tcase_add_loop_test(c, inflating, 0, ARRAY_LEN(codings));
    tcase_add_test(c, gzip_members);
    tcase_add_test(c, raw_deflate_is_told_by_the_checksum);
    tcase_add_test(c, inflating_what_is_bad);
    suite_add_tcase(s, c);
    return run_suite(s);
}
