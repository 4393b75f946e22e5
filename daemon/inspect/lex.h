/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_LEX_H
#define SLUICE_INSPECT_LEX_H

#include "base/cleanup.h"
#include "net/addr.h"

/* What is wrong with a condition, and at which of its bytes. */
struct expr_error {
    size_t at;
    char text[400];
};

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_SET,
    TOKEN_INT,
    TOKEN_NET,
    TOKEN_MAC,
    TOKEN_STRING,
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_IN,
    TOKEN_CONTAINS,
    TOKEN_STARTSWITH,
    TOKEN_ENDSWITH,
    TOKEN_MATCHES,
    TOKEN_HAS_BYTES,
    TOKEN_TRUE,
    TOKEN_FALSE,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_BRACE,
    TOKEN_UNBRACE,
    TOKEN_SQUARE,
    TOKEN_UNSQUARE,
    TOKEN_COMMA,
    TOKEN_DASH,
};

struct token {
    enum token_kind kind;
    size_t at, len;    /* in the text */
    uint64_t number;   /* TOKEN_INT, TOKEN_MAC */
    struct ip_net net; /* TOKEN_NET */
};

struct lexer {
    const char *text;
    size_t len, at;
    struct expr_error *error;
};

/* Writes where and what is wrong; returns false. The first error stays. */
bool expr_fail(struct expr_error *e, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Reads the next token; false with lx->error set when there is none to be read. */
MUST_CHECK bool lex_next(struct lexer *lx, struct token *t);

/*
 * The bytes that a TOKEN_STRING stands for: escapes resolved into buf (of at
 * least t->len bytes). False with the error set for a bad escape.
 */
MUST_CHECK bool lex_string(struct lexer *lx, const struct token *t, char *buf, size_t *len);

#endif
