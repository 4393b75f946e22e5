/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_OPERATORS_H
#define SLUICE_SECLANG_OPERATORS_H

#include "net/addr.h"
#include "seclang/syntax.h"

/* A rule's operator, compiled; threads share it. Negation is the caller's. */
struct sec_operator;

#define SEC_CAPTURES 10

/*
 * Where the value matched, and what capture puts into TX:0 to TX:9. A captured
 * span without data (NULL) is a group that took no part: its TX variable stays
 * as it was. Spans are of the value, of the operator (pm's: the word as its
 * list has it), or of this struct (the fingerprint).
 */
struct sec_match {
    size_t start, end;
    struct span captured[SEC_CAPTURES];
    unsigned n_captured;
    char fingerprint[16]; /* libinjection's, NUL-terminated, which captured[0] then is */
};

struct sec_operator_options {
    const char *folder;       /* of the file that the rule stands in: data files are looked for there */
    const char *geo_database; /* NULL: none, geoLookup is an error */
};

/*
 * NULL with what is wrong in why (a bad regex with the byte at which, a file
 * that is missing, no number). An argument with macros is compiled as far as
 * that goes; its text comes with each call. Main thread.
 */
MUST_CHECK struct sec_operator *sec_operator_new(enum sec_op op, const struct sec_text *argument,
                                                 const struct sec_operator_options *o, char *why, size_t size);
void sec_operator_free(struct sec_operator *o);

/* A thread's own: PCRE2's match data, regexes that came from macros, the last geoLookup. regex_steps: PCRE2's limit. */
struct sec_operator_memory;
MUST_CHECK struct sec_operator_memory *sec_operator_memory_new(uint32_t regex_steps);
void sec_operator_memory_free(struct sec_operator_memory *m);

/*
 * 1 the value satisfies it, 0 not, -1 where a limit was met. `argument`: the
 * expanded text where it has macros. ret may be NULL; it is written where the
 * result is 1. No allocation, but for regexes that come from macros and have
 * not been used lately.
 */
int sec_operator_match(const struct sec_operator *o, struct sec_operator_memory *m, struct span value,
                       struct span argument, struct sec_match *ret);

/*
 * What the last geoLookup that found something says, for GEO: field i as
 * ModSecurity names it ("COUNTRY_CODE"), false past the last. Valid until the
 * next look-up with this memory.
 */
bool sec_operator_geo(const struct sec_operator_memory *m, uint32_t i, struct span *name, struct span *value);

/*
 * For the gate: what must be found in a value for it to match (not negated: a
 * negated rule matches where nothing is found). Without words nothing matches.
 */
enum sec_gateable { SEC_GATE_NO, SEC_GATE_REGEX, SEC_GATE_WORDS };
enum sec_gateable sec_operator_gateable(const struct sec_operator *o);
/*
 * SEC_GATE_REGEX: a pattern that PCRE2, with PCRE2_DOTALL and PCRE2_MULTILINE
 * as for rx (a dot is any byte, ^ and $ are at each line), finds in every value
 * that matches; rx's own, else one made up.
 */
struct span sec_operator_regex(const struct sec_operator *o);
/* SEC_GATE_WORDS: word number i, caseless or not; false past the last. */
bool sec_operator_word(const struct sec_operator *o, uint32_t i, struct span *word, bool *caseless);

#endif
