/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The gate: no rule that PCRE2 says matches is missed, and clean values are let by. */
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "run_suite.h"
#include "sec_gate_fixture.h"

static uint64_t rng_state = 88172645463325252ull;

static unsigned rnd(unsigned n)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (unsigned)(rng_state % n);
}

static struct span text(const char *s)
{
    return span_of(s, strlen(s));
}

/* ---- transformations ---- */

START_TEST(what_a_step_does_not_touch_stays)
{
    enum transform t = (enum transform)_i;
    uint8_t value[64], buffer[256];
    unsigned changed = 0, kept = 0;
    for (unsigned round = 0; round < 600000; round++) {
        size_t len = rnd(12);
        bool touched = transform_always(t);
        for (size_t i = 0; i < len; i++) {
            value[i] = rnd(3) ? (uint8_t) " \t/.*-#<>!%+&\\\"'^,;(Aa0x\xc2\xa0\0u"[rnd(28)] : (uint8_t)rnd(256);
            touched = touched || transform_touches(t, value[i]);
        }
        struct span out = transform_apply(t, span_of(value, len), buffer);
        bool same = out.len == len && (!len || memcmp(out.data, value, len) == 0);
        if (!same && !touched) /* an assertion that holds costs a system call */
            ck_abort_msg("%s", transform_name(t));
        changed += !same;
        kept += same;
    }
    ck_assert(changed && (kept > 1000 || transform_always(t)));
}
END_TEST

/* ---- against PCRE2 ---- */

static const char *const regexes[] = {
    "(?i)union\\s+select",
    "<script[^>]*>",
    "^(?:GET|HEAD)$",
    "(?:^|[/\\x5c])\\.{2,3}[/\\x5c]",
    "['\"`][\\s\\d]*?(?:or|and)\\b",
    "(?i)\\b(?:eval|exec|assert)\\s*\\(",
    "\\W{4}",
    "[\\[\\]\\x22',().]{3}",
    "a*",
    "^$",
    "^.*$",
    "\\x{bc}[^>\\x{be}]*[>\\x{be}]",
    "(?i)[k-m]x\\b",
    "[^a-z]q",
    "(?>ab|a)c",
    "a++b",
    "(?:ab){2,}c?d",
    "(?=ab)a.",
    "(?<!a)bc",
    "a(?!b)c",
    "(a|b)\\1c",
    "\\Aab\\z",
    "ab\\Z",
    "b$",
    "\\bab\\b",
    "\\r\\n.*?\\b(?:DATA|QUIT)",
    "(?i:sleep\\s*?\\(.*?\\))",
    "[[:alpha:]]1",
    "[^[:alpha:]]a",
    "[\\dz-]b",
    "[]a]b",
    "a{0}b",
    "a{2,3}?c",
    "\\d+-\\d+",
    "(?s)a.b",
    "[\\W_]ab",
    "a|",
    "(?:)",
    "\\S\\s\\S",
    "%[0-9a-fA-F]{2}",
    "\\$\\{[^}]+\\}",
    "__(?:proto|class)__",
    "(?:0x[0-9a-f]{2,}|x'[01]{2,}')",
    "b\\x00c",
    "\\xff\\xfe",
    "[\\x80-\\xff]{2}",
    "(?i)\\x41b\\x43",
    "(?<q>['\"]).*?\\k<q>",
    "(?(?=a)ab|c)d",
    "(?:\\{a\\}|`b`|\\|c|~\\d)",
    "(?:[\\[<]|\\^\\|)[0-9][@;]",
    "[\"'].*?(?:=|_{2})|%\\{",
};

static const struct {
    uint8_t steps[4];
    unsigned n;
} chains[] = {
    {{0}, 0},
    {{TRANSFORM_LOWER}, 1},
    {{TRANSFORM_URL_DECODE_UNI}, 1},
    {{TRANSFORM_URL_DECODE_UNI, TRANSFORM_HTML_DECODE, TRANSFORM_LOWER}, 3},
    {{TRANSFORM_UTF8_MARKED, TRANSFORM_URL_DECODE_UNI, TRANSFORM_JS_DECODE, TRANSFORM_REMOVE_NULLS}, 4},
    {{TRANSFORM_CMD_LINE}, 1},
    {{TRANSFORM_BASE64_DECODE, TRANSFORM_URL_DECODE_UNI}, 2},
    {{TRANSFORM_REPLACE_COMMENTS, TRANSFORM_REMOVE_WHITESPACE}, 2},
    {{TRANSFORM_COMPRESS_WHITESPACE, TRANSFORM_TRIM}, 2},
    {{TRANSFORM_NORMALIZE_PATH_WIN}, 1},
    {{TRANSFORM_HEX_ENCODE}, 1},
    {{TRANSFORM_LENGTH}, 1},
    {{TRANSFORM_UTF8_MARKED}, 1},
    {{TRANSFORM_MD5}, 1},
};

/* Every regex and some words, behind every other chain each. */
static void make_mixed(struct fixture *f)
{
    for (size_t i = 0; i < ARRAY_LEN(regexes); i++)
        for (size_t c = 0; c < ARRAY_LEN(chains); c++)
            if (!((i + c) % 3))
                fixture_add(f, i % 2 ? "A" : "B", chains[c].steps, chains[c].n, SEC_OP_RX, regexes[i], NULL);
    for (size_t c = 0; c < ARRAY_LEN(chains); c++) {
        fixture_add(f, "A", chains[c].steps, chains[c].n, SEC_OP_PM, "wget curl a Or $( \xc3\xa9", NULL);
        fixture_add(f, "C", chains[c].steps, chains[c].n, SEC_OP_CONTAINS, "aB", NULL);
        fixture_add(f, "B", chains[c].steps, chains[c].n, SEC_OP_PM_FILE, "fuzz/corpus/sec_gate/words", TEST_DATA);
    }
}

/* Bytes that the rules have in them, between others. */
static size_t make_value(const struct fixture *f, uint8_t *to, size_t most)
{
    size_t n = 0, parts = rnd(5);
    if (!rnd(8))
        return most / 4 + rnd((unsigned)(most / 2));
    for (size_t p = 0; p < parts && n < most; p++) {
        struct span s = text(f->rules[rnd(f->n)].text);
        size_t from = s.len ? rnd((unsigned)s.len) : 0, len = rnd(20);
        for (size_t i = from; i < s.len && i < from + len && n < most; i++)
            if (!strchr("\\()[]{}?*+|^$", s.data[i]) || !rnd(3))
                to[n++] = s.data[i];
        for (unsigned i = rnd(3); i && n < most; i--)
            to[n++] = rnd(2) ? (uint8_t)rnd(256) : (uint8_t) " \n'\"(%+=/A.0"[rnd(13)];
    }
    return n;
}

static void compare_made(struct fixture *f, unsigned rounds, size_t most)
{
    AUTO_FREE uint8_t *value = malloc(most + 1);
    uint32_t told = 0;
    for (size_t i = 0; i < most; i++)
        value[i] = (uint8_t)rnd(256);
    for (unsigned round = 0; round < rounds; round++) {
        struct span v = span_of(value, make_value(f, value, most));
        uint32_t source = rnd(f->n_sources);
        int missed = fixture_missed(f, source, v, &told);
        ck_assert_msg(missed < 0, "missed %s in %.*s", f->rules[missed].text, (int)v.len, (const char *)v.data);
    }
    ck_assert(told);
}

static struct fixture fixture;

START_TEST(nothing_is_missed)
{
    make_mixed(&fixture);
    ck_assert(fixture_compile(&fixture, NULL));
    compare_made(&fixture, 60000, 120);
    compare_made(&fixture, 300, 3000);
    compare_made(&fixture, 10, 200000);
    fixture_free(&fixture);
}
END_TEST

static bool tells(struct fixture *f, uint32_t rule, const char *value)
{
    uint64_t rules[64] = {0};
    sec_gate_scan(f->gate, f->memory, f->rules[rule].source, text(value), rules);
    return rules[rule / 64] >> (rule % 64) & 1;
}

START_TEST(clean_values_pass)
{
    static const uint8_t lower = TRANSFORM_LOWER;
    struct sec_gate_figures figures;
    fixture_add(&fixture, "A", NULL, 0, SEC_OP_RX, "union\\s+select", NULL);
    fixture_add(&fixture, "A", &lower, 1, SEC_OP_RX, "union\\s+select", NULL);
    fixture_add(&fixture, "A", NULL, 0, SEC_OP_RX, "\\d['\"]", NULL);
    fixture_add(&fixture, "A", NULL, 0, SEC_OP_PM, "wget curl", NULL);
    fixture_add(&fixture, "B", NULL, 0, SEC_OP_RX, "^$", NULL);
    ck_assert(fixture_compile(&fixture, NULL));
    sec_gate_figures(fixture.gate, &figures);
    ck_assert_uint_eq(figures.patterns, 4);
    ck_assert_uint_eq(figures.ungated, 1);
    ck_assert_uint_eq(figures.chains, 2);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert(!tells(&fixture, i, "the state of the union"));
    ck_assert(tells(&fixture, 1, "UNION SELECT") && tells(&fixture, 0, "union select"));
    ck_assert(!tells(&fixture, 2, "5 apples, it's 6") == false && !tells(&fixture, 2, "5 apples"));
    ck_assert(tells(&fixture, 3, "use WGET") && !tells(&fixture, 3, "use wgot"));
    ck_assert(tells(&fixture, 4, "") && tells(&fixture, 4, "x"));
    uint64_t rules[64] = {0};
    sec_gate_scan(fixture.gate, fixture.memory, 77, text("union select"), rules);
    ck_assert_uint_eq(rules[0], 0);
    fixture_free(&fixture);
}
END_TEST

/* A long value, whose classes are told from those of the text before, and a group with one string. */
START_TEST(long_values)
{
    static const uint8_t chain[] = {TRANSFORM_REMOVE_WHITESPACE, TRANSFORM_LOWER};
    static const char title[] = "< Ti tle >HID\tDEN</\xc2\xa0 title\n>", words[] = "X9word; Z8word;";
    static char value[4096];
    fixture_add(&fixture, "A", chain, 2, SEC_OP_CONTAINS, "<title>hidden</title>", NULL);
    fixture_add(&fixture, "A", NULL, 0, SEC_OP_RX, "[XYZ]9\\w+;", NULL);
    fixture_add(&fixture, "A", &chain[1], 1, SEC_OP_RX, "[xyz]8\\w+;", NULL);
    ck_assert(fixture_compile(&fixture, NULL));
    for (size_t at = 0; at < sizeof value - 64; at += 97) {
        memset(value, 'a', sizeof value - 1);
        for (size_t i = 0; i < sizeof value - 1; i += 7)
            value[i] = " \n\t\xa0"[i % 4];
        ck_assert(!tells(&fixture, 0, value) && !tells(&fixture, 1, value) && !tells(&fixture, 2, value));
        memcpy(value + at, title, sizeof title - 1);
        ck_assert(tells(&fixture, 0, value) && !tells(&fixture, 1, value));
        memcpy(value + at, words, sizeof words - 1);
        ck_assert(!tells(&fixture, 0, value) && tells(&fixture, 1, value) && tells(&fixture, 2, value));
    }
    fixture_free(&fixture);
}
END_TEST

/* ---- the cache ---- */

static char folder[] = "/tmp/check_sec_gate.XXXXXX";

/* Runs over the files of the cache: spoils a byte of each, or removes them. */
static unsigned each_file(bool spoil)
{
    char path[512];
    unsigned n = 0;
    DIR *d = opendir(folder);
    ck_assert(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        AUTO_CLOSE int fd = spoil ? open(path, O_WRONLY) : -1;
        ck_assert(spoil ? pwrite(fd, "\xff\xfe", 2, 300) == 2 : unlink(path) == 0);
        n++;
    }
    closedir(d);
    return n;
}

START_TEST(a_spoilt_cache_is_no_harm)
{
    ck_assert(mkdtemp(folder));
    for (unsigned round = 0; round < 3; round++) {
        make_mixed(&fixture);
        ck_assert(fixture_compile(&fixture, folder));
        compare_made(&fixture, 2000, 100);
        fixture_free(&fixture);
        if (round)
            ck_assert_uint_gt(each_file(true), 0);
    }
    each_file(false);
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* ---- the Core Rule Set: Debian's, and where CMake found it (SLUICE_CRS) one with its tests ---- */

#ifdef SLUICE_CRS
static size_t base64(const char *in, uint8_t *out)
{
    return transform_apply(TRANSFORM_BASE64_DECODE, span_of(in, strcspn(in, "\"")), out).len;
}

/* A request's lines, and what stands between its separators, are values for every source; then with changes. */
static void compare_request(struct fixture *f, uint8_t *bytes, size_t len)
{
    uint32_t told = 0;
    for (size_t from = 0, to; from < len; from = to + 1) {
        for (to = from; to < len && !strchr("\n&=? ", bytes[to]);)
            to++;
        size_t end = rnd(3) ? to : len;
        struct span v = span_of(bytes + from, end - from > 600 ? 600 : end - from);
        for (unsigned i = rnd(4) ? 0 : rnd(4); i && v.len; i--)
            bytes[from + rnd((unsigned)v.len)] = rnd(2) ? (uint8_t)rnd(256) : (uint8_t) " \n'\"(%+=/A.0"[rnd(13)];
        uint32_t source = rnd(f->n_sources);
        int missed = fixture_missed(f, source, v, &told);
        ck_assert_msg(missed < 0, "%s missed %s in %.*s", f->sources[source], f->rules[missed].text, (int)v.len,
                      (const char *)v.data);
    }
}

#endif

static void load_rules(const char *path)
{
    fixture_load(&fixture, path);
    ck_assert_uint_gt(fixture.n, 300);
    ck_assert(fixture_compile(&fixture, NULL));
}

START_TEST(nothing_of_debians_core_rule_set_is_missed)
{
    load_rules("/usr/share/modsecurity-crs/rules");
    compare_made(&fixture, 20000, 150);
    fixture_free(&fixture);
}
END_TEST

#ifdef SLUICE_CRS
START_TEST(nothing_of_the_core_rule_set_is_missed)
{
    AUTO_FREE char *line = NULL;
    size_t cap = 0, requests = 0;
    AUTO_FCLOSE FILE *in = fopen(SLUICE_CRS "/tests.jsonl", "r");
    ck_assert(in);
    load_rules(SLUICE_CRS "/rules");
    while (getline(&line, &cap, in) > 0) {
        char *request = strstr(line, "\"request\": \"");
        AUTO_FREE uint8_t *bytes = malloc(strlen(line) + 1);
        ck_assert(request && bytes);
        compare_request(&fixture, bytes, base64(request + strlen("\"request\": \""), bytes));
        requests++;
    }
    ck_assert_uint_gt(requests, 2000);
    compare_made(&fixture, 20000, 150);
    fixture_free(&fixture);
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("sec_gate");
    TCase *t = tcase_create("gate");
    tcase_set_timeout(t, 1200);
    tcase_add_loop_test(t, what_a_step_does_not_touch_stays, 0, TRANSFORMS);
    tcase_add_test(t, nothing_is_missed);
    tcase_add_test(t, clean_values_pass);
    tcase_add_test(t, long_values);
    tcase_add_test(t, a_spoilt_cache_is_no_harm);
    suite_add_tcase(s, t);
    t = tcase_create("crs");
    tcase_set_timeout(t, 1200);
    tcase_add_test(t, nothing_of_debians_core_rule_set_is_missed);
#ifdef SLUICE_CRS
    tcase_add_test(t, nothing_of_the_core_rule_set_is_missed);
#endif
    suite_add_tcase(s, t);
    return run_suite(s);
}
