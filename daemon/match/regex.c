/* SPDX-License-Identifier: GPL-3.0-or-later */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "match/regex.h"

#include <pcre2.h>

#define JIT_STACK_START ((size_t)32 * 1024)
/* Address space; what no match needs is not taken. Some 200 KB of (a|b)* fit. */
#define JIT_STACK_MAX ((size_t)8 * 1024 * 1024)
#define HEAP_LIMIT_KIB (8 * 1024)

struct regex_memory {
    pcre2_match_context *context;
    pcre2_match_data *data, *groups;
    pcre2_jit_stack *stack;
};

/* struct regex is pcre2_code by another name: no wrapper to follow for each match. */
static const pcre2_code *code_of(const struct regex *r)
{
    return (const pcre2_code *)r;
}

static uint32_t flags_of(unsigned options)
{
    uint32_t flags = options & REGEX_FREE ? 0 : PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C;
    flags |= options & REGEX_DOT_ALL ? PCRE2_DOTALL : 0;
    flags |= options & REGEX_MULTI_LINE ? PCRE2_MULTILINE : 0;
    return flags | (options & REGEX_CASELESS ? PCRE2_CASELESS : 0);
}

struct regex *regex_new(struct span pattern, char *why, size_t size, size_t *at)
{
    return regex_new_with(pattern, 0, why, size, at);
}

struct regex *regex_new_with(struct span pattern, unsigned options, char *why, size_t size, size_t *at)
{
    int error;
    const uint8_t *text = pattern.len ? pattern.data : (const uint8_t *)"";
    pcre2_code *code = pcre2_compile(text, pattern.len, flags_of(options), &error, at, NULL);
    if (!code) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)why, size);
        return NULL;
    }
    return (struct regex *)code;
}

void regex_speed(struct regex *r)
{
    (void)pcre2_jit_compile((pcre2_code *)r, PCRE2_JIT_COMPLETE);
}

void regex_free(struct regex *r)
{
    pcre2_code_free((pcre2_code *)r);
}

struct regex_memory *regex_memory_new(uint32_t steps)
{
    struct regex_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->context = pcre2_match_context_create(NULL);
    m->data = pcre2_match_data_create(1, NULL);
    m->groups = pcre2_match_data_create(REGEX_GROUPS, NULL);
    m->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
    if (!m->context || !m->data || !m->groups) {
        regex_memory_free(m);
        return NULL;
    }
    pcre2_set_match_limit(m->context, steps);
    pcre2_set_heap_limit(m->context, HEAP_LIMIT_KIB);
    if (m->stack)
        pcre2_jit_stack_assign(m->context, NULL, m->stack);
    return m;
}

void regex_memory_free(struct regex_memory *m)
{
    if (!m)
        return;
    pcre2_match_context_free(m->context);
    pcre2_match_data_free(m->data);
    pcre2_match_data_free(m->groups);
    pcre2_jit_stack_free(m->stack);
    free(m);
}

int regex_match(const struct regex *r, struct regex_memory *m, struct span subject)
{
    const uint8_t *text = subject.len ? subject.data : (const uint8_t *)"";
    int rc = pcre2_match(code_of(r), text, subject.len, 0, 0, m->data, m->context);
    if (rc >= 0)
        return 1;
    return rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

void regex_where(const struct regex_memory *m, size_t *start, size_t *end)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data);
    *start = at[0];
    *end = at[1];
}

int regex_match_groups(const struct regex *r, struct regex_memory *m, struct span subject, size_t from,
                       bool after_empty)
{
    const uint8_t *text = subject.len ? subject.data : (const uint8_t *)"";
    uint32_t options = after_empty ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
    int rc = pcre2_match(code_of(r), text, subject.len, from, options, m->groups, m->context);
    if (rc < 0)
        return rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
    return rc ? rc : REGEX_GROUPS; /* 0: there are more than there is room for */
}

bool regex_group(const struct regex_memory *m, int i, size_t *start, size_t *end)
{
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->groups) + 2 * i;
    *start = at[0];
    *end = at[1];
    return at[0] != PCRE2_UNSET && at[0] <= at[1];
}
