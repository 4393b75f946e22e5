/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An operator, its argument and a value. What an operator says twice is the
 * same, spans lie where they say, and what the gate is told is found in every
 * value that matches. Words are found where a search for each one finds them.
 */
#include <stdlib.h>
#include <strings.h>

#include "match/regex.h"
#include "match/words.h"
#include "seclang/operators.h"

#define STEPS 2000
#define MOST 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Captured bytes are read into it: a sanitizer sees those that are not there. */
static volatile uint8_t sink;

static void require(bool good)
{
    if (!good)
        abort();
}

static bool ends_with(struct span value, size_t end, struct span word, bool caseless)
{
    if (word.len > end)
        return false;
    const char *at = (const char *)value.data + end - word.len;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t a = (uint8_t)at[i], b = word.data[i];
        bool letters = caseless && (a | 0x20) >= 'a' && (a | 0x20) <= 'z' && (a | 0x20) == (b | 0x20);
        if (a != b && !letters)
            return false;
    }
    return true;
}

/* Where the first word ends, SIZE_MAX where none does. */
static size_t first_end(const struct sec_operator *o, struct span value)
{
    struct span word;
    bool caseless;
    for (size_t end = 1; end <= value.len; end++)
        for (uint32_t i = 0; sec_operator_word(o, i, &word, &caseless); i++)
            if (ends_with(value, end, word, caseless))
                return end;
    return SIZE_MAX;
}

static void check_pattern(const struct sec_operator *o, struct regex_memory *m, struct span value, int result)
{
    char why[160];
    size_t at;
    struct regex *r =
        regex_new_with(sec_operator_regex(o), REGEX_DOT_ALL | REGEX_MULTI_LINE | REGEX_FREE, why, sizeof why, &at);
    require(r);
    int found = regex_match(r, m, value);
    require(result != 1 || found != 0);
    regex_free(r);
}

static void check(const struct sec_operator *o, enum sec_op op, struct span value, struct span argument)
{
    struct sec_operator_memory *m = sec_operator_memory_new(STEPS);
    struct regex_memory *own = regex_memory_new(STEPS);
    struct sec_match match;
    require(m && own);
    int result = sec_operator_match(o, m, value, argument, &match);
    require(sec_operator_match(o, m, value, argument, NULL) == result);
    if (result == 1) {
        require(match.start <= match.end && match.end <= value.len && match.n_captured <= SEC_CAPTURES);
        for (unsigned i = 0; i < match.n_captured; i++)
            for (size_t k = 0; k < match.captured[i].len; k++)
                sink = match.captured[i].data[k];
    }
    if (sec_operator_gateable(o) == SEC_GATE_REGEX)
        check_pattern(o, own, value, result);
    if (sec_operator_gateable(o) == SEC_GATE_WORDS) {
        size_t end = first_end(o, value);
        require(result != 1 || end != SIZE_MAX);
        if (op == SEC_OP_PM)
            require((result == 1) == (end != SIZE_MAX) && (!result || match.end == end));
    }
    regex_memory_free(own);
    sec_operator_memory_free(m);
}

static bool is_left_out(enum sec_op op)
{
    return op == SEC_OP_PM_FILE || op == SEC_OP_IP_MATCH_FILE || op == SEC_OP_GEO_LOOKUP;
}

/* The operator, with the highest bit where the argument is a macro's; the argument's length; both texts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[256];
    if (size < 2 || size > MOST)
        return 0;
    enum sec_op op = (enum sec_op)((data[0] & 0x7f) % SEC_OPS);
    struct span rest = span_of(data + 2, size - 2);
    struct span argument = span_first(rest, data[1]), value = span_from(rest, argument.len);
    struct sec_text text = {.as_written = argument, .constant = !(data[0] & 0x80)};
    struct sec_operator_options options = {0};
    if (is_left_out(op))
        return 0;
    struct sec_operator *o = sec_operator_new(op, &text, &options, why, sizeof why);
    if (!o)
        return 0;
    check(o, op, value, argument);
    sec_operator_free(o);
    return 0;
}
