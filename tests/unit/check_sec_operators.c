/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <strings.h>

#include "match/regex.h"
#include "match/words.h"
#include "run_suite.h"
#include "seclang/operators.h"

#define STEPS 1000000

/* Bytes with their length, so that zero bytes may stand in them. */
#define S(text)                                                                                                        \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

struct bytes {
    const char *at;
    size_t len;
};

struct row {
    enum sec_op op;
    const char *argument;
    struct bytes value;
    int result;
    int start, end;          /* -1: not looked at */
    const char *captured[4]; /* TX:0 on; NULL: stays as it was */
};

#define NOWHERE                                                                                                        \
    -1, -1,                                                                                                            \
    {                                                                                                                  \
        NULL                                                                                                           \
    }

/* Asked of libmodsecurity 3.0.9, row by row. */
static const struct row rows[] = {
    {SEC_OP_RX, "(a)|(b)(c)?", S("a"), 1, 0, 1, {"a", "a"}},
    {SEC_OP_RX, "(a)|(b)(c)?", S("xb"), 1, 1, 2, {"b", NULL, "b"}},
    {SEC_OP_RX, "(a)|(b)(c)?", S("bc"), 1, 0, 2, {"bc", NULL, "b", "c"}},
    {SEC_OP_RX, "(a)|(b)(c)?", S("q"), 0, NOWHERE},
    {SEC_OP_RX, "^b.c$", S("a\nb\nc\nd"), 1, 2, 5, {"b\nc"}},
    {SEC_OP_RX, "B", S("b"), 0, NOWHERE},
    {SEC_OP_RX, "a$", S("a\n"), 1, 0, 1, {"a"}},
    {SEC_OP_RX, "a\\Z", S("a\n"), 1, 0, 1, {"a"}},
    {SEC_OP_RX, "a?", S(""), 1, 0, 0, {""}},
    {SEC_OP_RX, "\\Cx", S("ax"), 1, 0, 2, {"ax"}},
    {SEC_OP_RX,
     "(*UTF8)a.b",
     S("a\xc3\xa9"
       "b"),
     1,
     0,
     4,
     {"a\xc3\xa9"
      "b"}},
    {SEC_OP_RX, "(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)", S("abcdefghijkl"), 1, 0, 11, {"abcdefghijk", "a", "b", "c"}},
    {SEC_OP_RX_GLOBAL, "(a)|(b)", S("ba"), 1, 0, 1, {"b", NULL, "a", "a"}},
    {SEC_OP_RX_GLOBAL, "x?", S("ax"), 1, 0, 0, {"", "x", ""}},
    {SEC_OP_RX_GLOBAL, "(?=b)", S("aab"), 1, 2, 2, {"", "", ""}},
    {SEC_OP_RX_GLOBAL, "a*", S("baac"), 1, 0, 0, {"", "aa", "", ""}},
    {SEC_OP_RX_GLOBAL, "a\\Kb", S("abab"), 1, 1, 2, {"b", "b"}},
    {SEC_OP_RX_GLOBAL, "(a)?b?", S("bab"), 1, 0, 1, {"b", "ab", "a", ""}},
    {SEC_OP_RX_GLOBAL, "x", S("aaa"), 0, NOWHERE},
    {SEC_OP_PM, "foo BAR", S("xFoOx"), 1, 1, 4, {"foo"}},
    {SEC_OP_PM, "foo BAR", S("bar"), 1, 0, 3, {"BAR"}},
    {SEC_OP_PM, "foo BAR", S("fo"), 0, NOWHERE},
    {SEC_OP_PM, "FOobar foo FOO", S("foo"), 1, 0, 3, {"FOo"}},
    {SEC_OP_PM, "xabc ab", S("xab"), 1, 0, 3, {"xab"}},
    {SEC_OP_PM, "aabz bc", S("xbc"), 1, 1, 3, {"bc"}},
    {SEC_OP_PM, "|AB CD|x", S("\xab\xcd"), 0, NOWHERE},
    {SEC_OP_PM, "|AB CD|x", S("\xab\xcdx"), 1, 0, 3, {"\xab\xcdx"}},
    {SEC_OP_PM, "a\\nb", S("a\\nb"), 1, 0, 4, {"a\\nb"}},
    {SEC_OP_PM, "\xc3\xa9", S("\xc3\xa9"), 1, 0, 2, {"\xc3\xa9"}},
    {SEC_OP_PM, "\xc3\xa9", S("\xc3\x89"), 0, NOWHERE},
    {SEC_OP_PM_FILE, "w.data", S("one"), 1, 0, 3, {"one"}},
    {SEC_OP_PM_FILE, "w.data", S("c2"), 0, NOWHERE},
    {SEC_OP_PM_FILE, "w.data", S("  "), 1, 0, 2, {"  "}},
    {SEC_OP_PM_FILE, "w.data", S("xtwo"), 0, NOWHERE},
    {SEC_OP_PM_FILE, "w.data", S("two  "), 1, 0, 5, {"two  "}},
    {SEC_OP_PM_FILE, "w.data", S("four"), 1, 0, 4, {"FOUR"}},
    {SEC_OP_PM_FILE, "w.data", S(" a b"), 1, 0, 4, {" a b"}},
    {SEC_OP_PM_FILE, "w.data", S("a b"), 0, NOWHERE},
    {SEC_OP_CONTAINS, "bc", S("abcd"), 1, 1, 3, {NULL}},
    {SEC_OP_CONTAINS, "bc", S("BC"), 0, NOWHERE},
    {SEC_OP_CONTAINS, "bc", S(""), 0, NOWHERE},
    {SEC_OP_CONTAINS_WORD, "foo", S("foo"), 1, NOWHERE},
    {SEC_OP_CONTAINS_WORD, "foo", S("xfoo"), 0, NOWHERE},
    {SEC_OP_CONTAINS_WORD, "foo", S("1foo"), 1, 1, 4, {NULL}},
    {SEC_OP_CONTAINS_WORD, "foo", S("foo_"), 1, 0, 3, {NULL}},
    {SEC_OP_CONTAINS_WORD, "foo", S("foobar foo"), 1, 7, 10, {NULL}},
    {SEC_OP_CONTAINS_WORD, "foo", S("foofoo"), 0, NOWHERE},
    {SEC_OP_CONTAINS_WORD, "foo", S("foo\xc3"), 1, 0, 3, {NULL}},
    {SEC_OP_CONTAINS_WORD, "a b", S("xa b a b"), 1, 5, 8, {NULL}},
    {SEC_OP_CONTAINS_WORD, "foo", S(""), 0, NOWHERE},
    {SEC_OP_BEGINS_WITH, "ab", S("abc"), 1, 0, 2, {NULL}},
    {SEC_OP_BEGINS_WITH, "ab", S("xab"), 0, NOWHERE},
    {SEC_OP_BEGINS_WITH, "ab", S("a"), 0, NOWHERE},
    {SEC_OP_ENDS_WITH, "ab", S("abab"), 1, 2, 4, {NULL}},
    {SEC_OP_ENDS_WITH, "ab", S("abx"), 0, NOWHERE},
    {SEC_OP_ENDS_WITH, "ab", S("b"), 0, NOWHERE},
    {SEC_OP_WITHIN, "abc def", S("bc d"), 1, NOWHERE},
    {SEC_OP_WITHIN, "abc def", S(""), 1, NOWHERE},
    {SEC_OP_WITHIN, "abc def", S("abc def "), 0, NOWHERE},
    {SEC_OP_STR_EQ, "ab", S("ab"), 1, 0, 2, {NULL}},
    {SEC_OP_STR_EQ, "ab", S("AB"), 0, NOWHERE},
    {SEC_OP_STR_EQ, "ab", S("ab\0"), 0, NOWHERE},
    {SEC_OP_STR_MATCH, "ab", S("xab"), 1, NOWHERE},
    {SEC_OP_STR_MATCH, "ab", S("AB"), 0, NOWHERE},
    {SEC_OP_UNCONDITIONAL, "", S(""), 1, NOWHERE},
    {SEC_OP_NO_MATCH, "", S("x"), 0, NOWHERE},
    {SEC_OP_VALIDATE_BYTE_RANGE, "32-126", S("abc"), 0, NOWHERE},
    {SEC_OP_VALIDATE_BYTE_RANGE, "32-126", S("a\0\xff"), 1, 1, 2, {NULL}},
    {SEC_OP_VALIDATE_BYTE_RANGE, "32-126", S(""), 0, NOWHERE},
    {SEC_OP_VALIDATE_BYTE_RANGE, "1-255", S("a\0"), 1, 1, 2, {NULL}},
    {SEC_OP_VALIDATE_BYTE_RANGE, "10, 13 ,32-126", S("a\r\n"), 0, NOWHERE},
    {SEC_OP_VALIDATE_BYTE_RANGE, "10, 13 ,32-126", S("\t"), 1, 0, 1, {NULL}},
    {SEC_OP_VALIDATE_BYTE_RANGE, "0-255", S("\0\xff"), 0, NOWHERE},
    {SEC_OP_VALIDATE_URL_ENCODING, "", S("a%41+"), 0, NOWHERE},
    {SEC_OP_VALIDATE_URL_ENCODING, "", S("%"), 1, 0, 1, {NULL}},
    {SEC_OP_VALIDATE_URL_ENCODING, "", S("%4"), 1, 0, 2, {NULL}},
    {SEC_OP_VALIDATE_URL_ENCODING, "", S("%4g"), 1, 0, 3, {NULL}},
    {SEC_OP_VALIDATE_URL_ENCODING, "", S("%%41"), 1, 0, 3, {NULL}},
    {SEC_OP_VALIDATE_URL_ENCODING, "", S("%41%"), 1, 3, 4, {NULL}},
    {SEC_OP_VALIDATE_URL_ENCODING, "", S("%u0041"), 1, 0, 3, {NULL}},
    {SEC_OP_VALIDATE_UTF8, "", S("\xc3\xa9 \xef\xbf\xbf \xf0\x90\x80\x80\0"), 0, NOWHERE},
    {SEC_OP_VALIDATE_UTF8, "", S("\xc3"), 1, NOWHERE},
    {SEC_OP_VALIDATE_UTF8, "", S("a\xe2\x82"), 1, 1, 3, {NULL}},
    {SEC_OP_VALIDATE_UTF8, "", S("\xed\xa0\x80"), 1, 0, 3, {NULL}},
    {SEC_OP_VALIDATE_UTF8, "", S("\xc0\xaf"), 1, 0, 2, {NULL}},
    {SEC_OP_VALIDATE_UTF8, "", S("\xf4\x90\x80\x80"), 0, NOWHERE},
    {SEC_OP_VALIDATE_UTF8, "", S("\xf5\x80\x80\x80"), 1, NOWHERE},
    {SEC_OP_VALIDATE_UTF8, "", S("\xe0\x80\xaf"), 1, NOWHERE},
    {SEC_OP_VALIDATE_UTF8, "", S("\xf0\x80\x80\xaf"), 1, NOWHERE},
    {SEC_OP_VALIDATE_UTF8, "", S("\xed\x9f\xbf"), 0, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.0/24", S("192.0.2.255"), 1, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.0/24", S("192.0.3.1"), 0, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.77/24", S("192.0.2.1"), 1, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.1,10.0.0.1", S("10.0.0.1"), 1, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.0/24,", S("192.0.2.1"), 1, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.1", S("::ffff:192.0.2.1"), 0, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.1", S("192.0.2.1\0"), 1, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.1", S(" 192.0.2.1"), 0, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.1", S("192.0.2.01"), 0, NOWHERE},
    {SEC_OP_IP_MATCH, "192.0.2.1", S(""), 0, NOWHERE},
    {SEC_OP_IP_MATCH, "2001:db8::/32", S("2001:DB8::1"), 1, NOWHERE},
    {SEC_OP_IP_MATCH, "2001:db8::/32", S("2001:db9::1"), 0, NOWHERE},
    {SEC_OP_IP_MATCH_FILE, "ip.data", S("192.0.2.9"), 1, NOWHERE},
    {SEC_OP_IP_MATCH_FILE, "ip.data", S("10.1.1.1"), 1, NOWHERE},
    {SEC_OP_IP_MATCH_FILE, "ip.data", S("10.1.1.2"), 0, NOWHERE},
};

/* Where libmodsecurity 3.0.9 has a defect and we do what it documents. */
static const struct row better[] = {
    {SEC_OP_PM, "aabz bc", S("aabc"), 1, 2, 4, {"bc"}},            /* it loses its place behind "aab" */
    {SEC_OP_PM, "a|41 42|b", S("aABb"), 1, 0, 4, {"aABb"}},        /* it takes no decimal digits there */
    {SEC_OP_PM, "a\\:b", S("a:b"), 1, 0, 3, {"a:b"}},              /* it leaves the old end behind the text */
    {SEC_OP_PM, "\xff\xfe", S("\xff\xfe"), 1, 0, 2, {"\xff\xfe"}}, /* it never finds FF */
    {SEC_OP_PM_FILE, "w.data", S("thr#ee"), 1, 0, 6, {"thr#ee"}},  /* it keeps the CR of a line's end */
    {SEC_OP_IP_MATCH, "10.0.0.1,192.0.2.0/27,192.0.2.0/24", S("192.0.2.165"), 1, NOWHERE}, /* it loses outer networks */
    {SEC_OP_IP_MATCH, "0.0.0.0/0", S("10.0.0.1"), 1, NOWHERE},                             /* it refuses these */
    {SEC_OP_IP_MATCH, "192.0.2.1, 10.0.0.1", S("10.0.0.1"), 1, NOWHERE},
};

static char folder[64];

static void write_file(const char *name, const void *data, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert(f && fwrite(data, 1, len, f) == len && !fclose(f));
}

#define WRITE(name, text) write_file(name, text, sizeof(text) - 1)

static void make_files(void)
{
    strcpy(folder, "/tmp/check_sec_operators.XXXXXX");
    ck_assert(mkdtemp(folder));
    WRITE("w.data", "one\n# c\n  #c2\n\n  \ntwo  \nthr#ee\r\nFOUR\n a b\n");
    WRITE("ip.data", "# c\n192.0.2.0/24\n\n10.1.1.1");
    WRITE("bad.data", "10.0.0.1\nten\n");
    WRITE("notes.data", "# none\n");
}

static void remove_files(void)
{
    static const char *const names[] = {"w.data", "ip.data", "bad.data", "notes.data"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static struct sec_operator *try_new(enum sec_op op, const char *argument, bool constant, char *why, size_t size)
{
    struct sec_text text = {.as_written = span_of(argument, strlen(argument)), .constant = constant};
    struct sec_operator_options options = {.folder = folder};
    return sec_operator_new(op, &text, &options, why, size);
}

static struct sec_operator *operator_of(enum sec_op op, const char *argument)
{
    char why[256];
    struct sec_operator *o = try_new(op, argument, true, why, sizeof why);
    ck_assert_msg(o, "%s", why);
    return o;
}

static struct sec_operator_memory *memory(uint32_t steps)
{
    struct sec_operator_memory *m = sec_operator_memory_new(steps);
    ck_assert(m);
    return m;
}

static bool same(struct span a, const char *b)
{
    return a.data && a.len == strlen(b) && !memcmp(a.data, b, a.len);
}

static bool word_in(struct span value, struct span word, bool caseless)
{
    for (size_t i = 0; word.len <= value.len && i <= value.len - word.len; i++)
        if (caseless ? !strncasecmp((const char *)value.data + i, (const char *)word.data, word.len)
                     : !memcmp(value.data + i, word.data, word.len))
            return true;
    return false;
}

/* What is told to the gate is found in a value that matches. */
static void check_gate(const struct sec_operator *o, struct span value)
{
    char why[256];
    size_t at;
    struct span word;
    bool caseless, found = false;
    if (sec_operator_gateable(o) == SEC_GATE_REGEX) {
        struct regex *r =
            regex_new_with(sec_operator_regex(o), REGEX_DOT_ALL | REGEX_MULTI_LINE | REGEX_FREE, why, sizeof why, &at);
        struct regex_memory *m = regex_memory_new(STEPS);
        ck_assert_msg(r && m, "%s", why);
        ck_assert_int_eq(regex_match(r, m, value), 1);
        regex_memory_free(m);
        regex_free(r);
    } else if (sec_operator_gateable(o) == SEC_GATE_WORDS) {
        for (uint32_t i = 0; sec_operator_word(o, i, &word, &caseless); i++)
            found = found || word_in(value, word, caseless);
        ck_assert(found);
    }
}

static void check_row(const struct row *r)
{
    struct sec_operator_memory *m = memory(STEPS);
    struct sec_operator *o = operator_of(r->op, r->argument);
    struct sec_match match;
    struct span value = span_of(r->value.at, r->value.len);
    int result = sec_operator_match(o, m, value, span_of(NULL, 0), &match);
    ck_assert_msg(result == r->result, "\"%s\" on \"%s\": %d", r->argument, r->value.at, result);
    ck_assert_int_eq(sec_operator_match(o, m, value, span_of(NULL, 0), NULL), result);
    if (r->start >= 0)
        ck_assert_msg((int)match.start == r->start && (int)match.end == r->end, "\"%s\" on \"%s\": %zu to %zu",
                      r->argument, r->value.at, match.start, match.end);
    for (unsigned i = 0; result == 1 && i < 4; i++) {
        bool set = i < match.n_captured && match.captured[i].data;
        ck_assert_msg(r->captured[i] ? set && same(match.captured[i], r->captured[i]) : !set, "\"%s\" on \"%s\": TX:%u",
                      r->argument, r->value.at, i);
    }
    if (result == 1)
        check_gate(o, value);
    sec_operator_free(o);
    sec_operator_memory_free(m);
}

START_TEST(as_the_reference)
{
    check_row(&rows[_i]);
}
END_TEST

START_TEST(better_than_the_reference)
{
    check_row(&better[_i]);
}
END_TEST

/* Each line: the operator, its argument, and the results for the values above, as 3.0.9 gives them. */
START_TEST(numbers)
{
    static const struct bytes values[] = {S(""),
                                          S("0"),
                                          S("5"),
                                          S("+5"),
                                          S("-5"),
                                          S(" 5"),
                                          S("\t\n5"),
                                          S("5x"),
                                          S("x5"),
                                          S("0x5"),
                                          S("05"),
                                          S("2147483647"),
                                          S("2147483648"),
                                          S("4294967301"),
                                          S("-2147483649"),
                                          S("9223372036854775807"),
                                          S("9223372036854775808"),
                                          S("-9223372036854775809"),
                                          S("99999999999999999999999"),
                                          S("5.9"),
                                          S("5e3"),
                                          S("--5"),
                                          S("+ 5"),
                                          S("5\0"
                                            "6")};
    static const struct {
        enum sec_op op;
        const char *argument, *results;
    } lines[] = {
        {SEC_OP_EQ, "5", "001101110010000000011001"},
        {SEC_OP_EQ, "0", "110000001100111111100110"},
        {SEC_OP_EQ, "-5", "000010000000000000000000"},
        {SEC_OP_EQ, "2147483648", "110000001100111111100110"},
        {SEC_OP_EQ, "+5x", "001101110010000000011001"},
        {SEC_OP_GE, "5", "001101110011110110111001"},
        {SEC_OP_GE, "0", "111101111111110110111111"},
        {SEC_OP_GE, "-5", "111111111111110110111111"},
        {SEC_OP_GE, "2147483648", "000000000000110110100000"},
        {SEC_OP_GT, "5", "000000000001110110100000"},
        {SEC_OP_GT, "-5", "111101111111110110111111"},
        {SEC_OP_GT, "2147483648", "000000000000010110100000"},
        {SEC_OP_LE, "5", "111111111110001001011111"},
        {SEC_OP_LE, "0", "110010001100001001000110"},
        {SEC_OP_LE, "-5", "000010000000001001000000"},
        {SEC_OP_LT, "5", "110010001100001001000110"},
        {SEC_OP_LT, "0", "000010000000001001000000"},
        {SEC_OP_LT, "2147483648", "111111111111001001011111"},
        {SEC_OP_GE, "99999999999999999999", "000000000000000110100000"},
        {SEC_OP_GT, "99999999999999999999", "000000000000000000000000"},
    };
    struct sec_operator_memory *m = memory(STEPS);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        char why[256];
        struct sec_operator *o = operator_of(lines[i].op, lines[i].argument);
        struct sec_operator *macro = try_new(lines[i].op, "%{tx.n}", false, why, sizeof why);
        ck_assert(macro);
        for (size_t k = 0; k < ARRAY_LEN(values); k++) {
            struct span value = span_of(values[k].at, values[k].len);
            struct span argument = span_of(lines[i].argument, strlen(lines[i].argument));
            int want = lines[i].results[k] - '0';
            ck_assert_msg(sec_operator_match(o, m, value, span_of(NULL, 0), NULL) == want, "%s: \"%s\"",
                          lines[i].argument, values[k].at);
            ck_assert_int_eq(sec_operator_match(macro, m, value, argument, NULL), want);
        }
        sec_operator_free(o);
        sec_operator_free(macro);
    }
    sec_operator_memory_free(m);
}
END_TEST

/* The argument is what macros came out as; asked of 3.0.9 with an unset variable, and with one that holds "ab". */
START_TEST(macros)
{
    static const struct {
        enum sec_op op;
        const char *argument, *value;
        int result;
        const char *captured;
    } lines[] = {
        {SEC_OP_CONTAINS, "", "ab", 1, NULL},
        {SEC_OP_CONTAINS, "ab", "xaby", 1, NULL},
        {SEC_OP_CONTAINS, "ab", "", 0, NULL},
        {SEC_OP_CONTAINS, "", "", 1, NULL},
        {SEC_OP_CONTAINS_WORD, "", "", 1, NULL},
        {SEC_OP_CONTAINS_WORD, "", "ab", 1, NULL},
        {SEC_OP_CONTAINS_WORD, "ab", "xaby", 0, NULL},
        {SEC_OP_BEGINS_WITH, "", "ab", 1, NULL},
        {SEC_OP_BEGINS_WITH, "", "", 1, NULL},
        {SEC_OP_ENDS_WITH, "", "ab", 1, NULL},
        {SEC_OP_ENDS_WITH, "ab", "", 0, NULL},
        {SEC_OP_WITHIN, "", "ab", 0, NULL},
        {SEC_OP_WITHIN, "", "", 1, NULL},
        {SEC_OP_STR_EQ, "", "", 1, NULL},
        {SEC_OP_STR_EQ, "", "ab", 0, NULL},
        {SEC_OP_STR_MATCH, "", "", 1, NULL},
        {SEC_OP_RX, "", "ab", 1, "ab"},
        {SEC_OP_RX, "", "", 1, ""},
        {SEC_OP_RX, "^ab.$", "abc", 1, "abc"},
        {SEC_OP_RX, "(ab", "abc", 0, NULL},
        {SEC_OP_RX, "ab", "xaby", 1, "ab"},
        {SEC_OP_RX_GLOBAL, "", "ab", 1, "ab"},
    };
    struct sec_operator_memory *m = memory(STEPS);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        char why[256];
        struct sec_match match;
        struct sec_operator *o = try_new(lines[i].op, "%{tx.a}", false, why, sizeof why);
        ck_assert_msg(o, "%s", why);
        ck_assert_int_eq(sec_operator_gateable(o), SEC_GATE_NO);
        /* A regex is compiled at the first time, made fast at the second, and used as it is at the third. */
        for (int k = 0; k < 3; k++) {
            struct span value = span_of(lines[i].value, strlen(lines[i].value));
            int r = sec_operator_match(o, m, value, span_of(lines[i].argument, strlen(lines[i].argument)), &match);
            ck_assert_msg(r == lines[i].result, "line %zu", i);
            if (lines[i].captured)
                ck_assert(match.n_captured && same(match.captured[0], lines[i].captured));
        }
        sec_operator_free(o);
    }
    sec_operator_memory_free(m);
}
END_TEST

/* Without what the gate looks for libinjection finds nothing, in texts made of the list's words and of any bytes. */
static void gated_injection(struct sec_operator *o, struct sec_operator_memory *m, const char *words)
{
    struct sec_operator *gate = operator_of(SEC_OP_RX, (const char *)sec_operator_regex(o).data);
    const struct span none = span_of(NULL, 0);
    const char *at[32];
    unsigned seed = 1, tried = 0, n = 0;
    ck_assert_int_eq(sec_operator_gateable(o), SEC_GATE_REGEX);
    for (const char *w = words; w; w = strchr(w, ' ') ? strchr(w, ' ') + 1 : NULL)
        at[n++] = w;
    for (unsigned round = 0; round < 200000; round++) {
        char text[256];
        size_t len = 0;
        for (int part = rand_r(&seed) % 8; part >= 0; part--) {
            const char *w = at[(unsigned)rand_r(&seed) % n];
            size_t size = strcspn(w, " ");
            memcpy(text + len, w, size);
            len += rand_r(&seed) % 4 ? size : 0;
            text[len] = (char)rand_r(&seed);
            len += rand_r(&seed) % 4 == 0;
        }
        struct span v = span_of(text, len);
        if (sec_operator_match(gate, m, v, none, NULL) != 0)
            continue;
        ck_assert_int_eq(sec_operator_match(o, m, v, none, NULL), 0);
        tried++;
    }
    ck_assert_uint_gt(tried, 10000);
    sec_operator_free(gate);
}

START_TEST(injections)
{
    void *there = dlopen("libmodsecurity.so.3", RTLD_LAZY);
    if (!there) {
        printf("libinjection: left out, libmodsecurity.so.3 is not installed\n");
        return;
    }
    dlclose(there);
    struct sec_operator_memory *m = memory(STEPS);
    struct sec_operator *sqli = operator_of(SEC_OP_DETECT_SQLI, ""), *xss = operator_of(SEC_OP_DETECT_XSS, "");
    static const char bad_sql[] = "1' OR '1'='1", bad_html[] = "<script>alert(1)</script>";
    struct sec_match match;
    struct span none = span_of(NULL, 0);
    ck_assert_int_eq(sec_operator_match(sqli, m, span_of(bad_sql, strlen(bad_sql)), none, &match), 1);
    ck_assert(match.n_captured == 1 && same(match.captured[0], "s&sos"));
    ck_assert_int_eq(sec_operator_match(xss, m, span_of(bad_html, strlen(bad_html)), none, &match), 1);
    ck_assert(match.n_captured == 1 && same(match.captured[0], bad_html));
    ck_assert_int_eq(sec_operator_match(sqli, m, span_of("x", 1), none, &match), 0);
    ck_assert_int_eq(sec_operator_match(xss, m, none, none, &match), 0);
    gated_injection(sqli, m, "select union 1 0x1 or sleep x admin _ e5 b01 waitfor delay having null");
    gated_injection(xss, m, "script onerror onload \" ' ` > / ! -- style href javascript: xmlns &#x6a; data: ? svg");
    sec_operator_free(sqli);
    sec_operator_free(xss);
    sec_operator_memory_free(m);
}
END_TEST

START_TEST(errors)
{
    static const struct {
        enum sec_op op;
        const char *argument, *says;
    } lines[] = {
        {SEC_OP_RX, "a(b", "at byte 3"},
        {SEC_OP_PM_FILE, "none.data", "none.data\": No such file"},
        {SEC_OP_PM_FILE, "https://example.org/w", "expected a file"},
        {SEC_OP_IP_MATCH, "abc", "expected an IPv4 or IPv6 address"},
        {SEC_OP_IP_MATCH, "10.0.0.1/33", "expected an IPv4 or IPv6 address"},
        {SEC_OP_IP_MATCH_FILE, "bad.data", "bad.data, line 2: \"ten\""},
        {SEC_OP_EQ, "abc", "expected an integer"},
        {SEC_OP_VALIDATE_BYTE_RANGE, "300", "bad byte range"},
        {SEC_OP_VALIDATE_BYTE_RANGE, "20-10", "bad byte range"},
        {SEC_OP_VALIDATE_BYTE_RANGE, "10,,13", "bad byte range"},
        {SEC_OP_VALIDATE_BYTE_RANGE, "1,2,", "bad byte range"},
        {SEC_OP_VALIDATE_BYTE_RANGE, "", "bad byte range"},
        {SEC_OP_GEO_LOOKUP, "", "expected SecGeoLookupDb"},
    };
    char why[256];
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        ck_assert(!try_new(lines[i].op, lines[i].argument, true, why, sizeof why));
        ck_assert_msg(strstr(why, lines[i].says), "%s: %s", lines[i].argument, why);
    }
    ck_assert(!try_new(SEC_OP_PM, "%{tx.a}", false, why, sizeof why));
    ck_assert_msg(strstr(why, "takes no macros"), "%s", why);
}
END_TEST

START_TEST(limits)
{
    static const char value[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    struct sec_operator_memory *m = memory(1000);
    struct sec_operator *once = operator_of(SEC_OP_RX, "(x+x+)+[yz]"),
                        *all = operator_of(SEC_OP_RX_GLOBAL, "(x+x+)+[yz]");
    struct span v = span_of(value, strlen(value)), none = span_of(NULL, 0);
    struct sec_match match;
    ck_assert_int_eq(sec_operator_match(once, m, v, none, &match), -1);
    ck_assert_int_eq(sec_operator_match(all, m, v, none, &match), -1);
    ck_assert_int_eq(sec_operator_match(once, m, span_of("xxy", 3), none, &match), 1);
    sec_operator_free(once);
    sec_operator_free(all);
    sec_operator_memory_free(m);
}
END_TEST

/* As 3.0.9: a client that fills a value up does not get past a rule. */
START_TEST(long_values)
{
    static char value[100001];
    struct sec_operator_memory *m = memory(STEPS);
    struct sec_operator *o = operator_of(SEC_OP_RX, "(a|b)*c");
    struct sec_match match;
    for (size_t i = 0; i + 1 < sizeof value; i++)
        value[i] = i % 2 ? 'b' : 'a';
    value[sizeof value - 1] = 'c';
    ck_assert_int_eq(sec_operator_match(o, m, span_of(value, sizeof value), span_of(NULL, 0), &match), 1);
    ck_assert(match.start == 0 && match.end == sizeof value && same(match.captured[1], "b"));
    ck_assert_int_eq(sec_operator_match(o, m, span_of(value, sizeof value - 1), span_of(NULL, 0), &match), 0);
    sec_operator_free(o);
    sec_operator_memory_free(m);
}
END_TEST

static bool naive(struct span value, const struct span *words, size_t n, size_t *end)
{
    for (*end = 1; *end <= value.len; ++*end)
        for (size_t i = 0; i < n; i++)
            if (words[i].len <= *end &&
                !strncasecmp((const char *)value.data + *end - words[i].len, (const char *)words[i].data, words[i].len))
                return true;
    return false;
}

/* Words of few letters, so that they share beginnings and ends, against a search word by word. */
START_TEST(words)
{
    static const char letters[] = "abABc";
    char text[60][12], value[40];
    struct span list[60];
    srand(7);
    for (int round = 0; round < 2000; round++) {
        size_t n = 1 + (size_t)rand() % (round % 10 ? 6 : 60);
        for (size_t i = 0; i < n; i++) {
            size_t len = 1 + (size_t)rand() % 8;
            for (size_t k = 0; k < len; k++)
                text[i][k] = letters[rand() % 5];
            list[i] = span_of(text[i], len);
        }
        size_t len = (size_t)rand() % sizeof value;
        for (size_t k = 0; k < len; k++)
            value[k] = letters[rand() % 5];
        struct words *w = words_new(list, n);
        struct words_match found = {0};
        size_t end;
        ck_assert(w);
        bool there = naive(span_of(value, len), list, n, &end);
        ck_assert(words_find(w, span_of(value, len), &found) == there);
        if (there)
            ck_assert(found.end == end && found.text.len == end - found.start &&
                      !strncasecmp(value + found.start, (const char *)found.text.data, found.text.len));
        words_free(w);
    }
}
END_TEST

START_TEST(no_words)
{
    struct sec_operator_memory *m = memory(STEPS);
    struct sec_operator *o = operator_of(SEC_OP_PM_FILE, "notes.data");
    struct span word;
    bool caseless;
    ck_assert_int_eq(sec_operator_match(o, m, span_of("# none", 6), span_of(NULL, 0), NULL), 0);
    ck_assert_int_eq(sec_operator_gateable(o), SEC_GATE_WORDS);
    ck_assert(!sec_operator_word(o, 0, &word, &caseless));
    sec_operator_free(o);
    sec_operator_memory_free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sec_operators");
    TCase *c = tcase_create("sec_operators");
    tcase_add_unchecked_fixture(c, make_files, remove_files);
    tcase_add_loop_test(c, as_the_reference, 0, ARRAY_LEN(rows));
    tcase_add_loop_test(c, better_than_the_reference, 0, ARRAY_LEN(better));
    tcase_add_test(c, numbers);
    tcase_add_test(c, macros);
    tcase_add_test(c, injections);
    tcase_add_test(c, errors);
    tcase_add_test(c, limits);
    tcase_add_test(c, long_values);
    tcase_add_test(c, words);
    tcase_add_test(c, no_words);
    suite_add_tcase(s, c);
    return run_suite(s);
}
