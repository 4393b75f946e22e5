/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_SECLANG_H
#define SLUICE_SECLANG_SECLANG_H

#include "seclang/variables.h"

/*
 * ModSecurity's rules, decided as ModSecurity 3 decides, on transactions that
 * app/ has read. A ruleset is immutable, workers share it without locks; what
 * outlives a transaction (IP, GLOBAL, …) is kept in a store of its own.
 */
struct seclang;
struct seclang_store;
struct seclang_tx;

struct seclang_options {
    const char *cache; /* folder for compiled databases; NULL: none */
    bool skip_unknown;
    bool detection_only;    /* SecRuleEngine On means DetectionOnly */
    uint32_t store_entries; /* collections that are kept at a time */
};

/* NULL with every error in d. Main thread. */
MUST_CHECK struct seclang *seclang_load(const char *const *files, size_t n, const struct seclang_options *o,
                                        struct diag *d);
void seclang_free(struct seclang *s);
/* The store goes on with the new rules. Before s is in use. */
void seclang_inherit(struct seclang *s, const struct seclang *old);

size_t seclang_count(const struct seclang *s);
const struct sec_rule *seclang_rule(const struct seclang *s, size_t index);
const struct sec_settings *seclang_settings(const struct seclang *s);
bool seclang_has_phase(const struct seclang *s, unsigned phase);
size_t seclang_warnings(const struct seclang *s);
const char *seclang_warning(const struct seclang *s, size_t i);

/* A thread's own memory. */
struct seclang_memory;
MUST_CHECK struct seclang_memory *seclang_memory_new(const struct seclang *s);
void seclang_memory_free(struct seclang_memory *m);

/* A rule that matched, for events; in the order of matching. Spans live until the transaction ends. */
struct seclang_event {
    const struct sec_rule *rule;
    struct span message, data;   /* expanded */
    struct span variable, value; /* "ARGS:user", and what of it matched */
    bool log;
};

/* What a phase says. */
struct seclang_decision {
    const struct sec_rule *rule; /* that disrupted, or NULL */
    enum sec_disruptive action;  /* where rule or too_long: SEC_DENY, SEC_DROP, SEC_REDIRECT */
    uint16_t status;
    struct span redirect;
    bool too_long;                      /* no rule, but a body over a limit whose action is Reject: denied */
    bool monitored;                     /* the engine only detects: nothing is to be done */
    bool undecided;                     /* memory is out: what the rules would have said is not known */
    const struct seclang_event *events; /* of this phase */
    size_t n_events;
};

/* NULL when out of memory. One thread; taken from the memory's pool. */
MUST_CHECK struct seclang_tx *seclang_begin(const struct seclang *s, struct seclang_memory *m,
                                            const struct sec_connection *c);
/*
 * phase 1 to 5, each at most once and in order, some may be left out; tx as for
 * sec_vars_phase, and
 * it and what its spans point to stay until seclang_end: a transaction that
 * http_feed has given up gets no phase 5. Events hold until the next phase.
 */
void seclang_phase(struct seclang_tx *t, unsigned phase, const struct http_tx *tx, struct seclang_decision *ret);
/* A TX variable's number, 0 where there is none: for scores. */
int64_t seclang_score(const struct seclang_tx *t, struct span name);
/* Where no rule knows the variable nothing is added. */
void seclang_add_score(struct seclang_tx *t, struct span name, int64_t n);
bool seclang_has_score(const struct seclang *s, struct span name);
/* Calls each with the TX variables that rules add to and that are not 0. */
void seclang_each_score(const struct seclang_tx *t, void (*each)(void *ctx, struct span name, int64_t n), void *ctx);
/* Bytes that the transaction takes now. */
size_t seclang_memory_of(const struct seclang_tx *t);
/* Whether phase 4 wants the body of the response whose head phase 3 has seen. */
bool seclang_wants_response_body(struct seclang_tx *t);
void seclang_end(struct seclang_tx *t);

#endif
