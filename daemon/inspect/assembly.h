/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_ASSEMBLY_H
#define SLUICE_INSPECT_ASSEMBLY_H

#include "inspect/matcher.h"

/* What a rule needs for deciding beyond what events see. */
struct rule_part {
    uint32_t start; /* its first step */
    bool repeats;   /* looked at more than once a request, and fires once */
    uint8_t score;  /* ACTION_SCORE: which */
    int32_t add;
};

struct ruleset {
    struct rule *rules;
    struct rule_part *parts;
    size_t n, cap_rules, cap_parts;
    struct program program;
    struct index index[PHASES];
    struct matcher matcher;
    struct strtab strings; /* names, files, tags */
    unsigned needs;
    uint32_t regex_steps;
    uint64_t stamp; /* no other ruleset of this process has it */
};

/*
 * A ruleset being made, rule by rule, from code: parse or build a condition in
 * an expr (its operands, strings and patterns in rs->program), add it with the
 * rule, and finish. Zeroed but for rs is empty.
 */
struct assembly {
    struct ruleset *rs;
    struct index_build build; /* build.expected: how many rules are to come, about */
    bool out_of_memory;
    bool whole_heads; /* a rule could take back what parts of a head lead to: they are not looked at */
};

/*
 * Adds a rule (copied; index is set) under a condition, which is folded. score
 * and add: of ACTION_SCORE. False with *error, and where nothing is wrong with
 * the rule with out_of_memory.
 */
MUST_CHECK bool assembly_add(struct assembly *as, const struct rule *r, uint8_t score, int32_t add, struct expr *ex,
                             struct expr_error *error);
/* Compiles what scans need and makes the indexes. False when out of memory. */
MUST_CHECK bool assembly_finish(struct assembly *as, const char *cache);
void assembly_free(struct assembly *as);

#endif
