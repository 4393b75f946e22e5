/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A value: what PCRE2 finds behind a rule's transformations, the gate tells of. */
#include "../unit/sec_gate_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const regexes[] = {
    "(?i)union\\s+select",
    "<script[^>]*>",
    "(?:^|[/\\x5c])\\.{2,3}[/\\x5c]",
    "['\"`][\\s\\d]*?(?:or|and)\\b",
    "\\W{4}",
    "^$",
    "\\x{bc}[^>\\x{be}]*[>\\x{be}]",
    "(?i)[k-m]x\\b",
    "(?>ab|a)c",
    "(?<!a)bc",
    "(a|b)\\1c",
    "ab$",
    "[^[:alpha:]]a1",
    "[\\dz-]b[\\W_]",
    "\\$\\{[^}]+\\}",
    "b\\x00c",
    "[\\x80-\\xff]{2}",
    "%[0-9a-fA-F]{2}",
    "(?<q>['\"]).*?\\k<q>",
};

static const struct {
    uint8_t steps[4];
    unsigned n;
} chains[] = {
    {{0}, 0},
    {{TRANSFORM_URL_DECODE_UNI, TRANSFORM_HTML_DECODE, TRANSFORM_LOWER}, 3},
    {{TRANSFORM_UTF8_MARKED, TRANSFORM_URL_DECODE_UNI, TRANSFORM_JS_DECODE, TRANSFORM_REMOVE_NULLS}, 4},
    {{TRANSFORM_CMD_LINE}, 1},
    {{TRANSFORM_BASE64_DECODE, TRANSFORM_CSS_DECODE}, 2},
    {{TRANSFORM_REPLACE_COMMENTS, TRANSFORM_REMOVE_WHITESPACE}, 2},
    {{TRANSFORM_NORMALIZE_PATH_WIN, TRANSFORM_COMPRESS_WHITESPACE, TRANSFORM_TRIM}, 3},
};

static struct fixture fixture;

static void make(void)
{
    for (size_t c = 0; c < ARRAY_LEN(chains); c++) {
        for (size_t i = 0; i < ARRAY_LEN(regexes); i++)
            fixture_add(&fixture, "A", chains[c].steps, chains[c].n, SEC_OP_RX, regexes[i], NULL);
        fixture_add(&fixture, "A", chains[c].steps, chains[c].n, SEC_OP_PM, "wget curl $( \xc3\xa9", NULL);
        fixture_add(&fixture, "A", chains[c].steps, chains[c].n, SEC_OP_CONTAINS, "aB", NULL);
    }
    if (!fixture_compile(&fixture, NULL))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t told = 0;
    if (!fixture.n)
        make();
    if (fixture_missed(&fixture, 0, span_of(data, size), &told) >= 0)
        abort();
    return 0;
}
