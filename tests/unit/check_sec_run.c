/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small rule sets and what libmodsecurity 3.0.9 makes of them, from
 * tests/corpus/seclang/run.cases: "=== name", the rules, "--- request" and
 * "--- response" (else the usual ones), "--- expect" with the oracle's own
 * words. "--- differs: why" stands where ours differ on purpose.
 */
#include <stdint.h>

#include "run_suite.h"
#include "sec_run.h"

#define CASES_MAX 200

enum part { RULES, REQUEST, RESPONSE, EXPECT, DIFFERS, PARTS };

static struct run_case {
    char name[120];
    char *part[PARTS];
} cases[CASES_MAX];
static int n_cases;

static enum part part_of(const char *line)
{
    static const char *const heads[PARTS] = {
        [REQUEST] = "--- request", [RESPONSE] = "--- response", [EXPECT] = "--- expect", [DIFFERS] = "--- differs: "};
    for (int i = REQUEST; i < PARTS; i++)
        if (!strncmp(line, heads[i], strlen(heads[i])))
            return (enum part)i;
    return PARTS;
}

static void append(char **text, const char *line)
{
    size_t had = *text ? strlen(*text) : 0;
    *text = realloc(*text, had + strlen(line) + 1);
    if (!*text)
        abort();
    strcpy(*text + had, line);
}

static void read_cases(void)
{
    FILE *f = fopen(TEST_DATA "/corpus/seclang/run.cases", "r");
    char *line = NULL;
    size_t size = 0;
    enum part part = RULES;
    if (!f)
        abort();
    while (getline(&line, &size, f) > 0) {
        enum part head = part_of(line);
        if (!strncmp(line, "=== ", 4)) {
            if (n_cases == CASES_MAX)
                abort();
            snprintf(cases[n_cases++].name, sizeof cases->name, "%.*s", (int)strcspn(line + 4, "\n"), line + 4);
            part = RULES;
            append(&cases[n_cases - 1].part[part], "");
        } else if (head != PARTS) {
            part = head;
            append(&cases[n_cases - 1].part[part], "");
        } else if (n_cases) {
            append(&cases[n_cases - 1].part[part], line);
        }
    }
    free(line);
    fclose(f);
}

/* Lines of the head end in CR LF, the body stays as it is. */
static char *wire(const char *text)
{
    char *ret = NULL;
    while (text && *text && *text != '\n') {
        size_t n = strcspn(text, "\n");
        char line[4096];
        snprintf(line, sizeof line, "%.*s\r\n", (int)n, text);
        append(&ret, line);
        text += n + (text[n] == '\n');
    }
    append(&ret, "\r\n");
    if (text && *text)
        append(&ret, text + 1);
    return ret;
}

START_TEST(as_modsecurity)
{
    const struct run_case *c = &cases[_i];
    char *request = c->part[REQUEST] ? wire(c->part[REQUEST]) : strdup(RUN_REQUEST);
    char *response = c->part[RESPONSE] ? wire(c->part[RESPONSE]) : strdup(RUN_RESPONSE);
    struct seclang *s = run_load(c->part[RULES], true);
    ck_assert_msg(s != NULL, "%s: does not load", c->name);
    struct seclang_memory *m = seclang_memory_new(s);
    const char *expected = c->part[DIFFERS] ? c->part[DIFFERS] : c->part[EXPECT];
    ck_assert_msg(expected != NULL, "%s: nothing is expected", c->name);
    int rounds = strstr(c->part[RULES], "ip.") ? 1 : 2; /* the second in the first one's memory */
    for (int round = 0; round < rounds; round++) {
        char *got = run_all(s, m, request, strlen(request), response);
        ck_assert_msg(!strcmp(got, expected), "%s, round %d:\n%s--- expected\n%s", c->name, round, got, expected);
        free(got);
    }
    seclang_memory_free(m);
    seclang_free(s);
    free(request);
    free(response);
}
END_TEST

int main(void)
{
    read_cases();
    Suite *s = suite_create("sec_run");
    TCase *t = tcase_create("cases");
    tcase_add_loop_test(t, as_modsecurity, 0, n_cases);
    suite_add_tcase(s, t);
    return run_suite(s);
}
