/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What does not load, said with its place; and what is left out where the owner wants that. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run_suite.h"
#include "seclang/seclang.h"

static char file[] = "/tmp/check_sec_load.XXXXXX";

static void begin(void)
{
    int fd = mkstemp(file);
    ck_assert(fd >= 0 && !close(fd));
}

static void end(void)
{
    unlink(file);
    strcpy(file + strlen(file) - 6, "XXXXXX");
}

static struct seclang *load(const char *text, bool skip_unknown, struct diag *d)
{
    const char *files[] = {file};
    struct seclang_options o = {.store_entries = 16, .skip_unknown = skip_unknown};
    FILE *f = fopen(file, "w");
    ck_assert(f && fputs(text, f) >= 0 && !fclose(f));
    return seclang_load(files, 1, &o, d);
}

/* Arguments that only their operator can judge; others' errors are in check_sec_read. */
static const struct {
    const char *text, *error;
} bad[] = {
    {"SecRule ARGS \"@rx (a\" \"id:1\"", ":1:19: bad regex, at byte 2 of it: missing closing parenthesis"},
    {"SecRule ARGS \\\n  \"!@rx a[\" \\\n  \"id:1\"", ":2:9: bad regex, at byte 2 of it: "},
    {"SecRule ARGS \"(a\" \"id:1\"", ":1:15: bad regex, at byte 2 of it: "},
    {"SecRule ARGS a \"id:1,chain\"\nSecRule ARGS \"@rx a)\"", ":2:19: bad regex, at byte 1 of it: "},
    {"SecRule ARGS \"@rxGlobal *\" \"id:1\"", ":1:25: bad regex, at byte 0 of it: "},
    {"SecRule ARGS \"@pmFromFile none.data\" \"id:1\"", ":1:27: cannot read \"/tmp/none.data\": No such file"},
    {"SecRule ARGS \"@ipMatch 10.0.0.0/8,1.2.3\" \"id:1\"", ":1:24: \"1.2.3\" is no address, expected an IPv4 or"},
    {"SecRule ARGS \"@ipMatch 10.0.0.0/33\" \"id:1\"", ":1:24: \"10.0.0.0/33\" is no address, expected"},
    {"SecRule ARGS \"@ipMatchFromFile /none.data\" \"id:1\"", ":1:32: cannot read \"/none.data\": No such file"},
    {"SecRule ARGS \"@validateByteRange 10,1-300\" \"id:1\"",
     ":1:34: bad byte range at \"1-300\", expected bytes and ranges such as \"10,13,32-126\""},
    {"SecRule ARGS \"@validateByteRange x\" \"id:1\"", ":1:34: bad byte range at \"x\", expected"},
    {"SecRule ARGS \"@eq x\" \"id:1\"", ":1:19: @eq of \"x\", expected an integer"},
    {"SecRule ARGS \"!@lt x1\" \"id:1\"", ":1:20: @lt of \"x1\", expected an integer"},
    {"SecGeoLookupDb /none.mmdb\nSecRule ARGS \"@geoLookup\" \"id:1\"", ":2:25: cannot "},
};

START_TEST(a_bad_argument_is_shown)
{
    struct diag *d = diag_new();
    char expected[512];
    snprintf(expected, sizeof expected, "%s%s", file, bad[_i].error);
    ck_assert_ptr_null(load(bad[_i].text, _i % 2, d)); /* what is known and wrong is never skipped */
    ck_assert_uint_eq(diag_count(d), 1);
    const char *got = diag_text(d, 0);
    ck_assert_msg(!strncmp(got, expected, strlen(expected)), "%s\ngot:      %s\nexpected: %s", bad[_i].text, got,
                  expected);
    diag_free(d);
}
END_TEST

/* A link that has something unknown: its target and operator, and more actions. */
static const struct {
    const char *rule, *actions;
} unknown[] = {
    {"ARGZ a", ""},         {"ARGS \"@foo a\"", ""},       {"ARGS a", ",t:foo"},
    {"ARGS a", ",foo:1"},   {"ARGS a", ",setvar:foo.a=1"}, {"ARGS a", ",ctl:foo=1"},
    {"ARGS a", ",exec:/x"}, {"ARGS|FOO:a a", ""},          {"ARGS \"@rx %{FOO}\"", ""},
};

#define LINKS 3

/* The chain whose link number `at` has the unknown thing number `what`, between two rules that load. */
static void write_chain(int what, int at, char *to, size_t size)
{
    size_t n = (size_t)snprintf(to, size, "SecAction \"id:1,pass\"\n");
    for (int i = 0; i < LINKS; i++) {
        bool has = i == at;
        n += (size_t)snprintf(to + n, size - n, "SecRule %s \"%st:none%s%s\"\n", has ? unknown[what].rule : "ARGS a",
                              i ? "" : "id:2,deny,", i + 1 < LINKS ? ",chain" : "", has ? unknown[what].actions : "");
    }
    snprintf(to + n, size - n, "SecAction \"id:3,pass\"\n");
}

START_TEST(what_is_unknown_takes_its_chain_along)
{
    for (int at = 0; at < LINKS; at++) {
        char text[1024], expected[128];
        struct diag *d = diag_new();
        write_chain(_i, at, text, sizeof text);
        ck_assert_ptr_null(load(text, false, d));
        snprintf(expected, sizeof expected, "%s:%d:", file, 2 + at);
        ck_assert_uint_eq(diag_count(d), 1);
        ck_assert_msg(!strncmp(diag_text(d, 0), expected, strlen(expected)), "%s: %s", text, diag_text(d, 0));
        diag_free(d);
        d = diag_new();
        struct seclang *s = load(text, true, d);
        ck_assert_msg(s && !diag_count(d), "%s: %s", text, s ? "" : diag_text(d, 0));
        ck_assert_uint_eq(seclang_count(s), 2);
        ck_assert_uint_eq(seclang_rule(s, 0)->id, 1);
        ck_assert_uint_eq(seclang_rule(s, 1)->id, 3);
        ck_assert_uint_eq(seclang_warnings(s), 1);
        ck_assert_msg(!strncmp(seclang_warning(s, 0), expected, strlen(expected)), "%s", seclang_warning(s, 0));
        seclang_free(s);
        diag_free(d);
    }
}
END_TEST

START_TEST(an_unknown_directive_is_left_out)
{
    struct diag *d = diag_new();
    struct seclang *s = load("SecFoo a\nSecAction \"id:1,pass\"\n", true, d);
    char expected[128];
    ck_assert(s && !diag_count(d));
    ck_assert_uint_eq(seclang_count(s), 1);
    ck_assert_uint_eq(seclang_warnings(s), 1);
    snprintf(expected, sizeof expected, "%s:1: unknown directive \"SecFoo\"", file);
    ck_assert_msg(!strncmp(seclang_warning(s, 0), expected, strlen(expected)), "%s", seclang_warning(s, 0));
    seclang_free(s);
    diag_free(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sec_load");
    TCase *t = tcase_create("load");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, a_bad_argument_is_shown, 0, ARRAY_LEN(bad));
    tcase_add_loop_test(t, what_is_unknown_takes_its_chain_along, 0, ARRAY_LEN(unknown));
    tcase_add_test(t, an_unknown_directive_is_left_out);
    suite_add_tcase(s, t);
    return run_suite(s);
}
