/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_PARSE_H
#define SLUICE_INSPECT_PARSE_H

/* What parse.c and operand.c share. */
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

MUST_CHECK bool parse_next(struct parser *ps);
/* The field that the next token names, or -1 with the error set. The token is not used up. */
MUST_CHECK int parse_field(struct parser *ps);
/* The next token for an error's text. */
const char *parse_describe(const struct parser *ps, char buf[static 64]);

/* Each reads an operator (the next token) and what stands behind it into t. */
MUST_CHECK bool operand_compare(struct parser *ps, const struct field *f, struct test *t);
MUST_CHECK bool operand_in(struct parser *ps, const struct field *f, struct test *t);
MUST_CHECK bool operand_part(struct parser *ps, const struct field *f, struct test *t);
MUST_CHECK bool operand_regex(struct parser *ps, const struct field *f, struct test *t);

#endif
