/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rx and rxGlobal. */
#include "seclang/operators_internal.h"

/* What ModSecurity compiles patterns with. */
#define OPTIONS (REGEX_DOT_ALL | REGEX_MULTI_LINE | REGEX_FREE)

/* A pattern that a macro left empty is taken as one that matches anything. */
static struct span pattern_of(struct span argument)
{
    return argument.len ? argument : span_of(".*", 2);
}

bool sec_load_regex(struct sec_operator *o, char *why, size_t size)
{
    char reason[160];
    size_t at = 0;
    o->argument = pattern_of(o->argument);
    o->regex = regex_new_with(o->argument, OPTIONS, reason, sizeof reason, &at);
    o->whole = o->op == SEC_OP_RX && o->argument.len == 4 && memcmp(o->argument.data, "^.*$", 4) == 0;
    if (o->regex)
        regex_speed(o->regex);
    else
        snprintf(why, size, "bad regex, at byte %zu of it: %s", at, reason);
    return o->regex;
}

static size_t slot_of(struct span pattern)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < pattern.len; i++)
        h = (h ^ pattern.data[i]) * 16777619u;
    return (h ^ h >> 16) % MACRO_REGEXES;
}

/* NULL where the pattern is bad: then it matches nothing, as in the reference. */
static const struct regex *compile(struct macro_regex *to, struct span pattern)
{
    char reason[160];
    size_t at;
    regex_free(to->regex);
    free(to->pattern);
    *to = (struct macro_regex){.pattern = malloc(pattern.len)};
    if (!to->pattern)
        return NULL;
    memcpy(to->pattern, pattern.data, pattern.len);
    to->len = pattern.len;
    to->regex = regex_new_with(pattern, OPTIONS, reason, sizeof reason, &at);
    return to->regex;
}

/* Macros mostly come out the same each time. Machine code is made for the second use. */
static const struct regex *macro_regex(struct sec_operator_memory *m, struct span pattern)
{
    struct macro_regex *held = &m->macros[slot_of(pattern)];
    if (!held->pattern || held->len != pattern.len || memcmp(held->pattern, pattern.data, pattern.len))
        return compile(held, pattern);
    if (held->regex && !held->fast)
        regex_speed(held->regex);
    held->fast = true;
    return held->regex;
}

/* Puts the groups of a match from TX:first on; returns how many took part. */
static unsigned capture_groups(struct sec_operator_memory *m, struct span value, int groups, unsigned first,
                               struct sec_match *ret)
{
    unsigned set = 0;
    for (int i = 0; i < groups; i++) {
        size_t start, end;
        if (!regex_group(m->regex, i, &start, &end))
            continue;
        set++;
        if (first + (unsigned)i < SEC_CAPTURES)
            sec_capture(ret, first + (unsigned)i, span_first(span_from(value, start), end - start));
    }
    return set;
}

static int match_once(const struct regex *r, struct sec_operator_memory *m, struct span value, struct sec_match *ret)
{
    int groups = regex_match_groups(r, m->regex, value, 0, false);
    if (groups <= 0)
        return groups;
    capture_groups(m, value, groups, 0, ret);
    regex_group(m->regex, 0, &ret->start, &ret->end);
    return 1;
}

/*
 * Matches one after the other, until no more can be captured. Numbered as the
 * reference does it: a match's groups follow those of the former that took
 * part. Behind an empty match one is tried for that is not, then the next byte.
 */
static int match_all(const struct regex *r, struct sec_operator_memory *m, struct span value, struct sec_match *ret)
{
    unsigned captured = 0;
    bool after_empty = false, any = false;
    for (size_t from = 0; from <= value.len && captured < SEC_CAPTURES;) {
        size_t start, end;
        int groups = regex_match_groups(r, m->regex, value, from, after_empty);
        if (groups < 0)
            return any ? 1 : -1;
        if (!groups) {
            if (!after_empty)
                break;
            after_empty = false;
            from++;
            continue;
        }
        captured += capture_groups(m, value, groups, captured, ret);
        if (!regex_group(m->regex, 0, &start, &end))
            break;
        if (!any)
            sec_matched(ret, start, end);
        any = true;
        after_empty = end == start;
        from = after_empty || end <= from ? from : end;
    }
    return any;
}

int sec_match_regex(const struct sec_operator *o, struct sec_operator_memory *m, struct span value,
                    struct span argument, struct sec_match *ret)
{
    if (o->whole) {
        sec_capture(ret, 0, value);
        return sec_matched(ret, 0, value.len);
    }
    const struct regex *r = o->constant ? o->regex : macro_regex(m, pattern_of(argument));
    if (!r)
        return 0;
    return o->op == SEC_OP_RX ? match_once(r, m, value, ret) : match_all(r, m, value, ret);
}
