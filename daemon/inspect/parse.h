/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_PARSE_H
#define SLUICE_INSPECT_PARSE_H

/* What parse.c, left.c and compare.c share. */
#include "inspect/expr.h"
#include "inspect/field.h"

struct parser {
    struct lexer lx;
    struct token t; /* the next one, not yet used */
    struct expr *ex;
    const struct set_names *sets;
    struct program *pg;
    unsigned depth;
};

/* The left side of a test: a field, what is selected of it, through functions. */
struct left {
    struct field as; /* what it is to operators: type, limits, and as name its text */
    size_t at;
    uint32_t operand; /* PROGRAM_NONE: the packet's field as it is */
    uint8_t field;
    uint8_t predicate; /* TEST_SQLI, …: a test of its own; else TEST_NEVER */
};

MUST_CHECK bool parse_next(struct parser *ps);
/* Reads a left side; the token behind it is next. */
MUST_CHECK bool parse_left(struct parser *ps, struct left *l);
/* The next token for an error's text. */
const char *parse_describe(const struct parser *ps, char buf[static 64]);
/* The string that the next token (a TOKEN_STRING) stands for, in the program; -1 with the error set. */
MUST_CHECK long parse_string(struct parser *ps);
/* Sets the error; false. */
bool parse_no_memory(struct parser *ps);

/* Each reads an operator (the next token) and what stands behind it into t. */
MUST_CHECK bool compare_value(struct parser *ps, const struct field *f, struct test *t);
MUST_CHECK bool compare_in(struct parser *ps, const struct field *f, struct test *t);
MUST_CHECK bool compare_part(struct parser *ps, const struct field *f, struct test *t);
MUST_CHECK bool compare_regex(struct parser *ps, const struct field *f, struct test *t);
MUST_CHECK bool compare_bytes(struct parser *ps, const struct field *f, struct test *t);

#endif
