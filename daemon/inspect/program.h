/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_PROGRAM_H
#define SLUICE_INSPECT_PROGRAM_H

#include "match/regex.h"
#include "match/set.h"

/* What a test asks of its operand's values: any of them must satisfy it. */
enum test_op {
    TEST_RANGE,  /* a..b */
    TEST_RANGES, /* in the b ranges from number a on */
    TEST_BITS,   /* has a bit of a */
    TEST_PORTS,  /* in set a */
    TEST_NET,    /* in net a */
    TEST_ADDRS,  /* in set a */
    TEST_EQUAL,  /* string a; with an operand, b is the number of the pattern, down to TEST_MATCH */
    TEST_CONTAINS,
    TEST_STARTS,
    TEST_ENDS,
    TEST_ONE_OF,       /* in set a */
    TEST_CONTAINS_ANY, /* of set a */
    TEST_STARTS_ANY,
    TEST_ENDS_ANY,
    TEST_MATCH,     /* regex a */
    TEST_HAS_BYTES, /* of byte set a */
    TEST_SQLI,
    TEST_XSS,
    TEST_INVALID_UTF8,
    TEST_FIELD_EQ, /* field `other`, operand a */
    TEST_FIELD_LT,
    TEST_FIELD_LE,
    TEST_FIELD_GT,
    TEST_FIELD_GE,
    TEST_NEVER,
};

/* Jump targets that end a program. */
#define PROGRAM_TRUE 0xffffffffu
#define PROGRAM_FALSE 0xfffffffeu

/* Not a number of an operand, string, … */
#define PROGRAM_NONE 0xffffffffu

/* One step of a compiled condition; true and false jump to lower numbers. */
struct test {
    uint8_t field, op, other;
    bool negate : 1;   /* present, and no value satisfies it */
    bool inverted : 1; /* under an odd number of `not`: the condition could only come true by it being false */
    uint32_t operand;  /* PROGRAM_NONE: the packet's field as it is */
    uint32_t on_true, on_false;
    uint64_t a, b;
};

struct range {
    uint64_t first, last;
};

#define CHAIN_MAX 16  /* transformations of an operand */
#define SCORES_MAX 16 /* names of scores of a ruleset */

enum operand_what { OPERAND_VALUES, OPERAND_LENGTH, OPERAND_COUNT };

/* What tests read: a field's values (or the selected ones), or its parent's, transformed. Parents come first. */
struct operand {
    uint8_t field, what;
    uint8_t depth;     /* transformations so far */
    uint8_t transform; /* the last of them, where there is a parent */
    uint32_t parent;
    uint32_t selector; /* a string, or a score's number; PROGRAM_NONE: all */
    const char *text;  /* as written in a condition */
};

/* How far a scan of the operand's values tells whether a pattern matches. */
enum pattern_mode {
    PATTERN_EXACT, /* it does: the answer is PCRE2's */
    PATTERN_MAYBE, /* a match must be confirmed by PCRE2 */
    PATTERN_ALONE, /* not at all: PCRE2 alone */
};

/* A string condition on an operand, alike in all rules that have it. */
struct pattern {
    uint32_t operand, ref; /* ref: test.a */
    uint8_t op;            /* enum test_op */
    uint8_t mode;
};

struct byte_set {
    uint64_t bits[4];
};

/* The steps of all rules, and what they refer to. Zeroed is empty. */
struct program {
    struct test *tests;
    size_t n_tests, cap_tests;
    struct range *ranges;
    size_t n_ranges, cap_ranges;
    struct ip_net *nets;
    size_t n_nets, cap_nets;
    struct set **sets;
    size_t n_sets, cap_sets;
    struct byte_set *byte_sets;
    size_t n_byte_sets, cap_byte_sets;
    struct strtab strings;
    struct strtab regex_texts; /* number i is regexes[i] */
    struct regex **regexes;
    size_t cap_regexes;
    struct strtab operand_keys; /* number i is operands[i] */
    struct operand *operands;
    size_t cap_operands;
    struct strtab pattern_keys; /* number i is patterns[i] */
    struct pattern *patterns;
    size_t cap_patterns;
    struct strtab scores;
};

/* A new empty set in the program; its number, or -1 when out of memory. */
MUST_CHECK long program_add_set(struct program *pg, enum set_type type);
/* The numbers of what is added where it is new; -1 when out of memory. */
MUST_CHECK long program_add_string(struct program *pg, const void *data, size_t len);
MUST_CHECK long program_add_operand(struct program *pg, const struct operand *o);
MUST_CHECK long program_add_pattern(struct program *pg, uint32_t operand, enum test_op op, uint32_t ref);
MUST_CHECK long program_add_byte_set(struct program *pg, const struct byte_set *s);
/* -1 also, with *why (and *at, a byte of the pattern), where the pattern is bad. */
MUST_CHECK long program_add_regex(struct program *pg, struct span pattern, char *why, size_t size, size_t *at);
/* A score's number; -1 also when there are SCORES_MAX others. */
MUST_CHECK long program_add_score(struct program *pg, const char *name, size_t len);
void program_trim(struct program *pg);
void program_free(struct program *pg);

/* Whether `op` is a string condition that patterns are made of. */
static inline bool test_is_pattern(uint8_t op)
{
    return op >= TEST_EQUAL && op <= TEST_MATCH;
}

struct view;
/* Runs from a step: 1 true, 0 false, -1 when a regex met its limit or memory ran out. */
int program_run(const struct program *pg, uint32_t start, struct view *v);

/* Where in a value the test of strings is satisfied: 1, *start and *end set; 0; -1 as above. */
int program_satisfies(const struct program *pg, uint8_t op, uint64_t ref, struct span value, struct regex_memory *m,
                      size_t *start, size_t *end);

#endif
