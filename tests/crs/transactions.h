/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_CRS_TRANSACTIONS_H
#define SLUICE_TESTS_CRS_TRANSACTIONS_H

#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/span.h"

/* What both programs of this folder share: transactions read from JSON lines, results written as JSON lines. */
struct transaction {
    uint32_t number; /* its line, from 1 */
    char name[160];  /* "911100-2": rule and test, or what "name" says */
    struct span request;
    unsigned status;
    struct span response_headers; /* lines, each with its end */
    struct span response_body;
    void *held; /* owns the bytes */
};

enum read_result { READ_ONE, READ_END, READ_BAD };

/* The next line's transaction, to be freed; what is wrong with a line goes to stderr. `number` is counted up. */
enum read_result transaction_read(FILE *in, uint32_t *number, struct transaction *ret);
void transaction_free(struct transaction *t);

#define OUTCOME_RULES 1024

/* What an engine said of a transaction. */
struct outcome {
    struct {
        uint64_t id;
        char *message; /* as libmodsecurity logs it: bytes outside of printable ASCII as \xhh; NULL unless wanted */
    } rules[OUTCOME_RULES]; /* that matched, each once */
    size_t n;
    bool messages;  /* wanted */
    unsigned phase; /* in which it intervened; 0: it did not */
    unsigned status;
    char url[256];    /* of a redirect */
    double us;        /* microseconds, the median of the rounds */
    const char *note; /* NULL, or why phases are missing */
};

/* The message of a rule that is added again is the last one's. */
void outcome_add(struct outcome *o, uint64_t rule, struct span message);
/* Forgets all but what is wanted. */
void outcome_clear(struct outcome *o);
void outcome_write(FILE *out, const struct transaction *t, struct outcome *o);

/* An engine: crs_oracle.c's or crs_replay.c's. Errors of loading go to stderr. */
struct engine;
struct engine_options {
    const char *const *files; /* configuration, in order */
    size_t n_files;
    const char *cache; /* folder for compiled patterns, or NULL */
};
MUST_CHECK struct engine *engine_open(const struct engine_options *opt);
void engine_run(struct engine *e, const struct transaction *t, struct outcome *ret);
void engine_close(struct engine *e);
/* Of the program, for messages. */
extern const char engine_name[];

#endif
