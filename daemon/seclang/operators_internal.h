/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_OPERATORS_INTERNAL_H
#define SLUICE_SECLANG_OPERATORS_INTERNAL_H

#include "match/set.h"
#include "match/words.h"
#include "seclang/geo.h"
#include "seclang/operators.h"

/* What the files of operators share. */

struct sec_operator {
    uint8_t op; /* enum sec_op */
    bool constant;
    struct arena arena;
    struct span argument; /* where constant */
    int64_t number;       /* of constant comparisons */
    struct regex *regex;
    bool whole; /* the regex matches any value, all of it */
    struct words *words;
    struct set addresses;
    uint64_t bytes[4]; /* those that are allowed */
    struct sec_geo *geo;
    struct span gate; /* made-up pattern */
};

#define MACRO_REGEXES 16

struct sec_operator_memory {
    struct regex_memory *regex;
    struct macro_regex {
        struct regex *regex;
        uint8_t *pattern;
        size_t len;
        bool fast; /* has machine code */
    } macros[MACRO_REGEXES];
    struct sec_geo_place place;
};

/* Reading arguments, at load. False with the reason in why. */
bool sec_load_words(struct sec_operator *o, char *why, size_t size);
bool sec_load_word_file(struct sec_operator *o, const char *folder, char *why, size_t size);
bool sec_load_addresses(struct sec_operator *o, char *why, size_t size);
bool sec_load_address_file(struct sec_operator *o, const char *folder, char *why, size_t size);
bool sec_load_byte_range(struct sec_operator *o, char *why, size_t size);
bool sec_load_regex(struct sec_operator *o, char *why, size_t size);

/* Each has the contract of sec_operator_match; ret is not NULL and has nothing captured. */
int sec_match_regex(const struct sec_operator *o, struct sec_operator_memory *m, struct span value,
                    struct span argument, struct sec_match *ret);
int sec_match_text(enum sec_op op, struct span value, struct span argument, struct sec_match *ret);
int sec_match_bytes(const struct sec_operator *o, struct span value, struct sec_match *ret);
int sec_match_url_encoding(struct span value, struct sec_match *ret);
int sec_match_utf8(struct span value, struct sec_match *ret);

/*
 * The number that a text begins with, as strtoll reads it: blanks, a sign,
 * digits; the nearest where there is none so large, 0 where there is none at all.
 */
int64_t sec_integer(struct span text, bool *any);
/* The same as eq reads it: what is no int is 0. */
int64_t sec_int(struct span text);

static inline int sec_matched(struct sec_match *ret, size_t start, size_t end)
{
    ret->start = start;
    ret->end = end;
    return 1;
}

static inline void sec_capture(struct sec_match *ret, unsigned i, struct span v)
{
    static const uint8_t nothing[1] = "";
    while (ret->n_captured <= i)
        ret->captured[ret->n_captured++] = span_of(NULL, 0);
    ret->captured[i] = v.data ? v : span_of(nothing, 0);
}

#endif
