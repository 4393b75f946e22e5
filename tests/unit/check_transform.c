/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/utf8.h"
#include "match/injection.h"
#include "match/transform.h"
#include "run_suite.h"

#define S(text)                                                                                                        \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

struct vector {
    enum transform t;
    struct {
        const char *at;
        size_t len;
    } in, out;
};

/* Each function's meaning; what is doubtful was compared with a reference engine. */
static const struct vector vectors[] = {
    {TRANSFORM_LOWER, S("AbC@[Z\xc0"), S("abc@[z\xc0")},
    {TRANSFORM_LOWER, S("0123456789012345678901234567890123456789Q"), S("0123456789012345678901234567890123456789q")},
    {TRANSFORM_UPPER, S("aZ{`z\xe9 0"), S("AZ{`Z\xe9 0")},
    {TRANSFORM_URL_DECODE, S("a%41+%4%zz%%42%"), S("aA %4%zz%B%")},
    {TRANSFORM_URL_DECODE, S("%2b+%2B"), S("+ +")},
    {TRANSFORM_URL_DECODE, S("%u0041%00"), S("%u0041\0")},
    {TRANSFORM_URL_DECODE, S("%2541"), S("%41")},
    {TRANSFORM_URL_DECODE_UNI, S("%u0041%U0042+%43"), S("AB C")},
    {TRANSFORM_URL_DECODE_UNI, S("%uff1c%uFF5e%uff5f%uff00%uFf20%u123c"), S("<~_\0@<")},
    {TRANSFORM_URL_DECODE_UNI, S("%u004%u00g1%u%41%u"), S("%u004%u00g1%uA%u")},
    {TRANSFORM_URL_ENCODE, S("a Z*_-.~%\xc3\0"), S("a+Z*%5f%2d%2e%7e%25%c3%00")},
    {TRANSFORM_HTML_DECODE, S("&#x3c;&#X3E&#60;&#62 &lt;&GT&amp;&quot;&nbsp;"), S("<><> <>&\"\xa0")},
    {TRANSFORM_HTML_DECODE, S("&apos;&ltx;&&lt;&#;&#x;&#xg&#&;&"), S("&apos;&ltx;&<&#;&#x;&#xg&#&;&")},
    {TRANSFORM_HTML_DECODE, S("&#x4141;&#300;&#99999999999999999999;"), S("A,\xff")},
    {TRANSFORM_JS_DECODE, S("\\u0041\\uff1c\\x41\\101\\7\\400\\377"), S("A<AA\a 0\xff")},
    {TRANSFORM_JS_DECODE, S("\\a\\b\\f\\n\\r\\t\\v\\\\\\/\\'\\q\\u004\\xzz\\"), S("\a\b\f\n\r\t\v\\/'qu004xzz\\")},
    {TRANSFORM_CSS_DECODE, S("\\41 b\\000041\\ff1c z\\1ff1c\\01ff1cg"), S("Ab\x41<z\x1c\x1cg")},
    {TRANSFORM_CSS_DECODE, S("\\00ff1c\\0ff1c \\ja\\\nv\\"), S("<<jav")},
    {TRANSFORM_CSS_DECODE, S("\\a\tb\\4"), S("\nb\x04")},
    {TRANSFORM_BASE64_DECODE, S("aGVsbG8="), S("hello")},
    {TRANSFORM_BASE64_DECODE, S("aGVs\r\nbG8.Zm9v"), S("hello")},
    {TRANSFORM_BASE64_DECODE, S("=aGVs"), S("")},
    {TRANSFORM_BASE64_DECODE, S("aGVs  \nbG8=  "), S("hello")},
    {TRANSFORM_BASE64_DECODE, S("aGVs bG8="), S("hel")},
    {TRANSFORM_BASE64_DECODE_EXT, S("a.GVs bG-8=\0"), S("hello")},
    {TRANSFORM_BASE64_DECODE_EXT, S("aGVsb"), S("hel")},
    {TRANSFORM_BASE64_ENCODE, S("hello"), S("aGVsbG8=")},
    {TRANSFORM_BASE64_ENCODE, S("\xff\xfe\xfd\xfc"), S("//79/A==")},
    {TRANSFORM_BASE64_ENCODE, S("abc"), S("YWJj")},
    {TRANSFORM_HEX_DECODE, S("414a4A5"), S("AJJ")},
    {TRANSFORM_HEX_DECODE, S("6G61zz62 6"), S("paSb\x06")},
    {TRANSFORM_HEX_ENCODE,
     S("\x00\xff"
       "A"),
     S("00ff41")},
    {TRANSFORM_SQL_HEX_DECODE, S("x0X4142 0x4a4"), S("xAB J4")},
    {TRANSFORM_SQL_HEX_DECODE, S("0x4g 0x 0xg1 100x41x"), S("0x4g 0x 0xg1 10Ax")},
    {TRANSFORM_SQL_HEX_DECODE, S("0x410x42"), S("AB")},
    {TRANSFORM_NORMALIZE_PATH, S("/a//b/./c/../d/"), S("/a/b/d/")},
    {TRANSFORM_NORMALIZE_PATH, S("../../etc/./passwd"), S("../../etc/passwd")},
    {TRANSFORM_NORMALIZE_PATH, S("/../../etc"), S("/etc")},
    {TRANSFORM_NORMALIZE_PATH, S("a/../../../b"), S("../../b")},
    {TRANSFORM_NORMALIZE_PATH, S("/a/.../b..c/..d/"), S("/a/.../b..c/..d/")},
    {TRANSFORM_NORMALIZE_PATH, S("a/.."), S("")},
    {TRANSFORM_NORMALIZE_PATH, S("/.."), S("")},
    {TRANSFORM_NORMALIZE_PATH, S("/../"), S("/")},
    {TRANSFORM_NORMALIZE_PATH, S("//"), S("/")},
    {TRANSFORM_NORMALIZE_PATH, S(".."), S("..")},
    {TRANSFORM_NORMALIZE_PATH, S("..//..//"), S("../../")},
    {TRANSFORM_NORMALIZE_PATH, S("a\\..\\b"), S("a\\..\\b")},
    {TRANSFORM_NORMALIZE_PATH_WIN, S("a\\..\\b/.\\c\\"), S("b/c/")},
    {TRANSFORM_NORMALIZE_PATH_WIN, S("\\\\x\\..\\..\\y"), S("/y")},
    {TRANSFORM_REMOVE_NULLS, S("\0a\0\0b\0"), S("ab")},
    {TRANSFORM_REPLACE_NULLS, S("\0a\0\0b\0"), S(" a  b ")},
    {TRANSFORM_COMPRESS_WHITESPACE, S(" a \t\n\v\f\r b\tc\xa0\xa0 "), S(" a b c\xa0\xa0 ")},
    {TRANSFORM_REMOVE_WHITESPACE, S(" a\t\n\v\f\rb\xa0\xc2\xa0 c"), S("abc")},
    {TRANSFORM_REPLACE_COMMENTS, S("a/*x*/b/**//*/c*/d*/e/*f"), S("a b  d*/e ")},
    {TRANSFORM_REPLACE_COMMENTS, S("/*/b"), S(" ")},
    {TRANSFORM_REMOVE_COMMENTS, S("a/*x*//*y*/b<!--c-->d/e-f"), S("abd/e-f")},
    {TRANSFORM_REMOVE_COMMENTS, S("a/*x"), S("a ")},
    {TRANSFORM_REMOVE_COMMENTS, S("a--b/*"), S("a")},
    {TRANSFORM_REMOVE_COMMENTS, S("a/**/#b"), S("a")},
    {TRANSFORM_REMOVE_COMMENT_CHARS, S("a/*b*/c<!--d-->e--f#g---h<!-/"), S("abcdefg-h<!-/")},
    {TRANSFORM_CMD_LINE, S("C^M\"D  /c (x),;\\y\t\r\n'Z"), S("cmd/c(x) y z")},
    {TRANSFORM_CMD_LINE, S(" , ^; "), S(" ")},
    {TRANSFORM_UTF8_TO_UNICODE, S("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), S("a%u00e9%u20ac%u1f600")},
    {TRANSFORM_UTF8_TO_UNICODE, S("\xc0\xaf\x80\xe2\x82z\xff\xc3"), S("%u002f\x80\xe2\x82z\xff\xc3")},
    {TRANSFORM_UTF8_TO_UNICODE, S("\xf4\x8f\xbf\xbf"), S("%u10ffff")},
    {TRANSFORM_UTF8_TO_UNICODE, S("a\0b"), S("a\0b")},
    {TRANSFORM_UTF8_MARKED, S("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), S("a%u00e9%u20ac%u1f600")},
    {TRANSFORM_UTF8_MARKED, S("\xc0\xaf\x80\xe2\x82z\xff\xc3"), S("%u002f\xc0\x80\x82z\xff")},
    {TRANSFORM_UTF8_MARKED, S("\xf4\x8f\xbf\xbf"), S("%u10ffff")},
    {TRANSFORM_UTF8_MARKED, S("\xf5\x80\x80\x80z\xf7"), S("\xf5%u140000z\xf7")},
    {TRANSFORM_UTF8_MARKED, S("\xed\xa0\x80z\xf0\x8d\xa0\x80z"), S("%ud800\xedz%ud800\xf0\xf0z")},
    {TRANSFORM_UTF8_MARKED, S("a\0\xc3\xa9\0\xe0\x80\xaf"), S("a%u00e9%u002f\xe0")},
    {TRANSFORM_UTF8_MARKED, S("a\0b"), S("ab")},
    {TRANSFORM_ESCAPE_SEQ_DECODE, S("\\a\\n\\\\\\?\\'\\\"\\x41\\X42\\101\\400\\8\\q\\"),
     S("\a\n\\?'\"ABA\0"
       "8q\\")},
    {TRANSFORM_TRIM, S(" \t\n\v\f\ra b\xa0 \n"), S("a b\xa0")},
    {TRANSFORM_TRIM, S(" \t"), S("")},
    {TRANSFORM_TRIM_LEFT, S(" \t\va b \n"), S("a b \n")},
    {TRANSFORM_TRIM_RIGHT, S(" a b \n"), S(" a b")},
    {TRANSFORM_PARITY_EVEN_7BIT, S("ac\xda\xa0\0"), S("\xe1\x63\xda\x20\0")},
    {TRANSFORM_PARITY_ODD_7BIT, S("ac\xda\xa0\0"), S("\x61\xe3\x5a\xa0\x80")},
    {TRANSFORM_PARITY_ZERO_7BIT, S("a\xda\x80"), S("aZ\0")},
    {TRANSFORM_MD5, S("abc"), S("\x90\x01\x50\x98\x3c\xd2\x4f\xb0\xd6\x96\x3f\x7d\x28\xe1\x7f\x72")},
    {TRANSFORM_SHA1, S("abc"), S("\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d")},
    {TRANSFORM_SHA1, S(""), S("\xda\x39\xa3\xee\x5e\x6b\x4b\x0d\x32\x55\xbf\xef\x95\x60\x18\x90\xaf\xd8\x07\x09")},
    {TRANSFORM_LENGTH, S("0123456789"), S("10")},
    {TRANSFORM_LENGTH, S(""), S("0")},
};

/* n bytes that end where the process may not go on. */
struct guarded {
    uint8_t *map, *at;
    size_t size;
};

static struct guarded guard(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct guarded g = {.size = (n + page - 1) / page * page + page};
    g.map = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(g.map != MAP_FAILED);
    ck_assert(!mprotect(g.map + g.size - page, page, PROT_NONE));
    g.at = g.map + g.size - page - n;
    return g;
}

/* The result of a value and a buffer that both end at a guard page, in *out. */
static size_t apply(enum transform t, const void *in, size_t len, uint8_t *out, bool *same)
{
    struct guarded from = guard(len), to = guard(transform_room(t, len));
    if (len)
        memcpy(from.at, in, len);
    struct span v = transform_apply(t, span_of(from.at, len), to.at);
    if (v.len)
        memcpy(out, v.data, v.len);
    *same = v.data == from.at;
    munmap(from.map, from.size);
    munmap(to.map, to.size);
    return v.len;
}

START_TEST(meaning)
{
    const struct vector *v = &vectors[_i];
    uint8_t out[256];
    bool same;
    size_t len = apply(v->t, v->in.at, v->in.len, out, &same);
    ck_assert_msg(len == v->out.len && !memcmp(out, v->out.at, len), "%s(%s): got %zu bytes %.*s, expected %s",
                  transform_name(v->t), v->in.at, len, (int)len, (char *)out, v->out.at);
}
END_TEST

static bool changes_always(enum transform t)
{
    return t == TRANSFORM_BASE64_DECODE || t == TRANSFORM_BASE64_DECODE_EXT || t == TRANSFORM_HEX_DECODE ||
           t == TRANSFORM_HEX_ENCODE || t == TRANSFORM_BASE64_ENCODE || t == TRANSFORM_PARITY_EVEN_7BIT ||
           t == TRANSFORM_PARITY_ODD_7BIT || t == TRANSFORM_MD5 || t == TRANSFORM_SHA1 || t == TRANSFORM_LENGTH;
}

START_TEST(nothing_is_copied_where_nothing_changes)
{
    static const char plain[] = "plain/words.of.no,special=interest:at_all~0123456789";
    for (int t = 0; t < TRANSFORMS; t++) {
        uint8_t out[256];
        bool same;
        bool words = t == TRANSFORM_CMD_LINE || t == TRANSFORM_URL_ENCODE || t == TRANSFORM_UPPER;
        const char *in = t == TRANSFORM_UPPER ? "PLAINWORDS" : words ? "plainwords" : plain;
        size_t len = strlen(in), n = apply(t, in, len, out, &same);
        ck_assert_msg(same == !changes_always(t), "%s", transform_name(t));
        if (same)
            ck_assert_uint_eq(n, len);
    }
}
END_TEST

START_TEST(no_input)
{
    for (int t = 0; t < TRANSFORMS; t++) {
        uint8_t buf[32];
        struct span v = transform_apply(t, span_of(NULL, 0), buf);
        ck_assert_uint_eq(v.len, t == TRANSFORM_SHA1 ? 20 : t == TRANSFORM_MD5 ? 16 : t == TRANSFORM_LENGTH);
    }
}
END_TEST

/* The input that takes the most room takes all of it: the bound is exact. */
START_TEST(room_is_exact)
{
    static const struct vector most[] = {
        {TRANSFORM_LOWER, S("AAA"), {NULL, 3}},
        {TRANSFORM_BASE64_DECODE, S("AAAAAAA"), {NULL, 5}},
        {TRANSFORM_BASE64_DECODE_EXT, S("AAAAAA"), {NULL, 4}},
        {TRANSFORM_HEX_DECODE, S("41414"), {NULL, 2}},
        {TRANSFORM_HEX_ENCODE, S("abc"), {NULL, 6}},
        {TRANSFORM_BASE64_ENCODE, S("abcd"), {NULL, 8}},
        {TRANSFORM_URL_ENCODE, S("---"), {NULL, 9}},
        {TRANSFORM_MD5, S("-"), {NULL, 16}},
        {TRANSFORM_UTF8_TO_UNICODE, S("\xc3\xa9\xc3\xa9\xc3"), {NULL, 13}},
        {TRANSFORM_UTF8_MARKED, S("\xc0\x80\xc0\x80\x80"), {NULL, 15}},
    };
    for (size_t i = 0; i < ARRAY_LEN(most); i++) {
        uint8_t out[64];
        bool same;
        size_t n = apply(most[i].t, most[i].in.at, most[i].in.len, out, &same);
        ck_assert_uint_eq(n, most[i].out.len);
        ck_assert_uint_eq(transform_room(most[i].t, most[i].in.len), n);
    }
}
END_TEST

START_TEST(names)
{
    for (int t = 0; t < TRANSFORMS; t++) {
        const char *name = transform_name(t);
        ck_assert_int_eq(transform_find(name, strlen(name)), t);
    }
    ck_assert_int_eq(transform_find("lowe", 4), -1);
    ck_assert_int_eq(transform_find("lower_", 6), -1);
}
END_TEST

START_TEST(libinjection)
{
    char why[256];
    void *there = dlopen("libmodsecurity.so.3", RTLD_LAZY);
    if (!there) {
        printf("libinjection: left out, libmodsecurity.so.3 is not installed\n");
        return;
    }
    dlclose(there);
    ck_assert_msg(!detect_open(why, sizeof why), "%s", why);
    ck_assert_int_eq(detect_open(why, sizeof why), 0);
    static const char *const bad_sql[] = {"1' OR '1'='1", "-1 UNION SELECT 1,2,3--", "x' AND 1=1#",
                                          "1; DROP TABLE users--", "admin'--"};
    static const char *const bad_html[] = {"<script>alert(1)</script>", "<img src=x onerror=alert(1)>",
                                           "\"><svg/onload=alert(1)>", "<a href=\"javascript:alert(1)\">"};
    static const char *const good[] = {"hello world",  "O'Brien", "user@example.org", "5 < 7", "select a seat",
                                       "C'est la vie", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad_sql); i++) {
        char fingerprint[8] = "";
        ck_assert_msg(detect_sqli(span_of(bad_sql[i], strlen(bad_sql[i])), fingerprint), "%s", bad_sql[i]);
        ck_assert_uint_gt(strnlen(fingerprint, 8), 0);
        ck_assert(detect_sqli(span_of(bad_sql[i], strlen(bad_sql[i])), NULL));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_html); i++)
        ck_assert_msg(detect_xss(span_of(bad_html[i], strlen(bad_html[i]))), "%s", bad_html[i]);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ck_assert_msg(!detect_sqli(span_of(good[i], strlen(good[i])), NULL), "%s", good[i]);
        ck_assert_msg(!detect_xss(span_of(good[i], strlen(good[i]))), "%s", good[i]);
    }
}
END_TEST

START_TEST(utf8)
{
    static const char *const valid[] = {"",
                                        "plain ASCII, longer than eight",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    static const char *const invalid[] = {"\x80",         "\xc0\xaf",         "\xc1\xbf",         "\xe0\x9f\xbf",
                                          "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                                          "\xff",         "12345678\xc3",     "\xe2\x82",         "\xc3z",
                                          "\xe2\x82z",    "\xf0\x9f\x98z"};
    for (size_t i = 0; i < ARRAY_LEN(valid); i++)
        ck_assert_msg(detect_utf8_valid(span_of(valid[i], strlen(valid[i]))), "%zu", i);
    for (size_t i = 0; i < ARRAY_LEN(invalid); i++)
        ck_assert_msg(!detect_utf8_valid(span_of(invalid[i], strlen(invalid[i]))), "%zu", i);
    ck_assert(utf8_valid(span_of("a\xf0\x9f", 3), true));
    ck_assert(!utf8_valid(span_of("\xf0\x9fz", 3), true));
    ck_assert(!utf8_valid(span_of("\xe0\x80", 2), true));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transform");
    TCase *c = tcase_create("transform");
    tcase_add_loop_test(c, meaning, 0, ARRAY_LEN(vectors));
    tcase_add_test(c, nothing_is_copied_where_nothing_changes);
    tcase_add_test(c, no_input);
    tcase_add_test(c, room_is_exact);
    tcase_add_test(c, names);
    tcase_add_test(c, libinjection);
    tcase_add_test(c, utf8);
    suite_add_tcase(s, c);
    return run_suite(s);
}
