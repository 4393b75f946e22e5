/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_EXPR_H
#define SLUICE_INSPECT_EXPR_H

#include "inspect/lex.h"
#include "inspect/limit.h"
#include "inspect/program.h"

#define EXPR_LENGTH_MAX ((size_t)64 * 1024)
#define EXPR_DEPTH_MAX 100

enum node_kind { NODE_TEST, NODE_NOT, NODE_AND, NODE_OR, NODE_TRUE, NODE_FALSE };

/* A part of a condition. Children hang on their parent from the last to the first. */
struct node {
    uint8_t kind;
    uint32_t last, prev; /* 0: none */
    uint32_t at;         /* NODE_TEST: in the text */
    struct test test;
};

/* Where conditions find the sets that have a name. */
struct set_names {
    struct strtab names;
    uint32_t *numbers; /* of the program's sets */
    size_t cap;
};

/* A parsed condition; reused from one to the next. Zeroed is empty. */
struct expr {
    struct node *nodes; /* 0 is not used */
    size_t n, cap;
    uint32_t root;
};

/*
 * Parses and checks a condition. What it refers to (strings, networks, sets,
 * regexes) is added to pg. False with *error set.
 */
MUST_CHECK bool expr_parse(struct expr *ex, const char *text, size_t len, const struct set_names *sets,
                           struct program *pg, struct expr_error *error);
/* Parses what a limit counts by: the left side of a test. False with *error set. */
MUST_CHECK bool expr_parse_field(const char *text, size_t len, struct program *pg, struct limit_field *ret,
                                 struct expr_error *error);
/* When a condition is looked at. */
struct schedule {
    uint16_t phases; /* a bit for each enum phase */
    bool repeats;    /* more than once a request */
};

/*
 * From the condition as parsed, before it is folded: where all it reads is
 * known, or, where it can only turn from false to true, from where it could be
 * true; and where the fields of the limit (NULL: none) are known. False with
 * *error where fields do not go together.
 */
MUST_CHECK bool expr_schedule(const struct expr *ex, const struct limit *limit, const struct program *pg,
                              struct schedule *ret, struct expr_error *error);
/* Takes out what is always true or always false. */
void expr_fold(struct expr *ex);
/* Appends the steps to pg and adds to *needs; false when out of memory. */
MUST_CHECK bool expr_emit(const struct expr *ex, struct program *pg, uint32_t *start, unsigned *needs);
void expr_free(struct expr *ex);

#endif
