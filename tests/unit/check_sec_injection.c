/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the gate takes for granted of libinjection: no XSS without < or =, no SQL in a single word. */
#include <stdio.h>
#include <string.h>

#include "match/injection.h"
#include "run_suite.h"

#define ROUNDS 400000

static uint64_t rng_state = 88172645463325252ull;

static unsigned rnd(unsigned n)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (unsigned)(rng_state % n);
}

static void open_library(void)
{
    char why[128];
    ck_assert_msg(detect_open(why, sizeof why) == 0, "%s", why);
}

START_TEST(no_xss_without_a_tag_or_a_value)
{
    static const char *const parts[] = {
        "onload", "onerror", "style", "src", "href", "javascript:", "xmlns", "xlink:href", "script", "svg", "!--", "--",
        "/",      ">",       "'",     "\"",  "`",    " ",           "\t",    "data",       "/>",     "(1)", "?",   "%"};
    unsigned found = 0;
    open_library();
    for (unsigned round = 0; round < ROUNDS; round++) {
        char value[256] = "";
        size_t n = 0;
        for (unsigned i = rnd(9); i; i--)
            n += (size_t)snprintf(value + n, sizeof value - n, "%s", parts[rnd(sizeof parts / sizeof *parts)]);
        for (unsigned i = rnd(3); i && n; i--) {
            char c = (char)rnd(256);
            value[rnd((unsigned)n)] = c == '<' || c == '=' ? 'x' : c;
        }
        ck_assert_msg(!detect_xss(span_of(value, n)), "%.*s", (int)n, value);
        /* The same with one of the two may be. */
        if (n)
            value[rnd((unsigned)n)] = rnd(2) ? '<' : '=';
        found += detect_xss(span_of(value, n));
    }
    ck_assert_uint_gt(found, 1000);
}
END_TEST

START_TEST(no_sql_in_one_word)
{
    static const char *const parts[] = {"select",  "union", "or",    "and",     "1",   "0x1f", "1e5", "0b1",
                                        "having",  "limit", "sleep", "in",      "_",   "like", "1d",  "1f",
                                        "x",       "NULL",  "true",  "between", "all", "from", "xor", "where",
                                        "waitfor", "drop",  "is",    "not",     "12",  "case"};
    unsigned found = 0;
    char print[8];
    open_library();
    for (unsigned round = 0; round < ROUNDS; round++) {
        char value[256] = "", spaced[512] = "";
        size_t n = 0, m = 0;
        for (unsigned i = 1 + rnd(6); i; i--) {
            const char *part = parts[rnd(sizeof parts / sizeof *parts)];
            n += (size_t)snprintf(value + n, sizeof value - n, "%s", part);
            m += (size_t)snprintf(spaced + m, sizeof spaced - m, "%s ", part);
        }
        ck_assert_msg(!detect_sqli(span_of(value, n), print), "%s", value);
        found += detect_sqli(span_of(spaced, m), print);
    }
    ck_assert_uint_gt(found, 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sec_injection");
    TCase *t = tcase_create("libinjection");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, no_xss_without_a_tag_or_a_value);
    tcase_add_test(t, no_sql_in_one_word);
    suite_add_tcase(s, t);
    return run_suite(s);
}
