/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_RULESET_H
#define SLUICE_INSPECT_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "net/packet.h"

enum action { ACTION_ACCEPT, ACTION_DROP, ACTION_REJECT, ACTION_REPEAT, ACTION_MARK, ACTION_LOG };

/* A rule as events and counters see it; lives as long as its ruleset. */
struct rule {
    uint32_t index; /* position in the ruleset, from 0; counters are kept by it */
    uint32_t id;
    const char *name;
    enum action action;
    uint32_t mark;           /* repeat and mark */
    uint8_t severity;        /* 1 high, 2 medium, 3 low, 4 info: Suricata's scale */
    bool event;              /* a match writes an event */
    const char *const *tags; /* NULL-terminated */
    const char *file;
    int line;
};

/* An immutable set of compiled rules; workers share it without locks. */
struct ruleset;

struct ruleset_options {
    uint32_t our_marks;   /* bits that repeat and mark may not use */
    uint32_t regex_steps; /* PCRE2 match limit */
};

/* What the rules must be given to decide. */
enum ruleset_need {
    RULES_NEED_PAYLOAD = 1 << 0,  /* packets whole; without it headers suffice */
    RULES_NEED_CHECKSUM = 1 << 1, /* transport checksums verified; implies the packets whole */
    RULES_NEED_CT_MARK = 1 << 2,
};

/*
 * Loads the rule files (paths, already expanded from globs, in order). NULL
 * with every error in d when anything is wrong; memory errors are in d too.
 */
MUST_CHECK struct ruleset *ruleset_load(const char *const *files, size_t n, const struct ruleset_options *opt,
                                        struct diag *d);
void ruleset_free(struct ruleset *rs);

size_t ruleset_count(const struct ruleset *rs);
const struct rule *ruleset_rule(const struct ruleset *rs, size_t index);
unsigned ruleset_needs(const struct ruleset *rs);

/* A worker's own working memory for matching (PCRE2 match data and JIT stack). NULL when out of memory. */
struct scratch;
MUST_CHECK struct scratch *scratch_new(const struct ruleset *rs);
void scratch_free(struct scratch *s);

#define DECISION_PASSED_MAX 8

/* What the rules say of one packet. */
struct decision {
    const struct rule *rule; /* the rule that decided (accept, drop, reject, repeat), or NULL: nothing did, it passes */
    uint32_t mark;           /* the packet mark that mark rules set, where set_mark; a repeat rule brings its own */
    bool set_mark;
    bool undecided;                    /* a regex ran into its limit before a rule decided: on_memory applies */
    const struct rule *undecided_rule; /* the rule whose regex that was, where undecided */
    unsigned passed;                   /* how many mark and log rules matched on the way */
    const struct rule *passed_rules[DECISION_PASSED_MAX]; /* the first of them, in order */
    unsigned visited; /* how many conditions were evaluated: for tests and the bench */
};

/* Decides one packet. One scratch per thread; no allocation, no lock. */
void ruleset_decide(const struct ruleset *rs, struct scratch *s, const struct packet *p, struct decision *ret);

const char *action_name(enum action a);

#endif
