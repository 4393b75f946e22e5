/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_PROGRAM_H
#define SLUICE_INSPECT_PROGRAM_H

#include "inspect/regex.h"
#include "inspect/set.h"

/* What a test asks of its field's values: any of them must satisfy it. */
enum test_op {
    TEST_RANGE,  /* a..b */
    TEST_RANGES, /* in the b ranges from number a on */
    TEST_BITS,   /* has a bit of a */
    TEST_PORTS,  /* in set a */
    TEST_NET,    /* in net a */
    TEST_ADDRS,  /* in set a */
    TEST_EQUAL,  /* string a */
    TEST_CONTAINS,
    TEST_STARTS,
    TEST_ENDS,
    TEST_ONE_OF,   /* in set a */
    TEST_MATCH,    /* regex a */
    TEST_FIELD_EQ, /* field `other` */
    TEST_FIELD_LT,
    TEST_FIELD_LE,
    TEST_FIELD_GT,
    TEST_FIELD_GE,
    TEST_NEVER,
};

/* Jump targets that end a program. */
#define PROGRAM_TRUE 0xffffffffu
#define PROGRAM_FALSE 0xfffffffeu

/* One step of a compiled condition; true and false jump to lower numbers. */
struct test {
    uint8_t field, op, other;
    bool negate; /* present, and no value satisfies it */
    uint32_t on_true, on_false;
    uint64_t a, b;
};

struct range {
    uint64_t first, last;
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
    struct strtab strings;
    struct strtab patterns; /* number i is regexes[i] */
    struct regex **regexes;
    size_t cap_regexes;
};

/* A new empty set in the program; its number, or -1 when out of memory. */
MUST_CHECK long program_add_set(struct program *pg, enum set_type type);
void program_trim(struct program *pg);
void program_free(struct program *pg);

struct packet;
/* Runs from a step: 1 true, 0 false, -1 when a regex met its limit. m may be NULL where no regex is. */
int program_run(const struct program *pg, uint32_t start, const struct packet *p, struct matcher *m);

#endif
