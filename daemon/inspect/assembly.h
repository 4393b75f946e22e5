/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_ASSEMBLY_H
#define SLUICE_INSPECT_ASSEMBLY_H

#include "inspect/limit.h"
#include "inspect/matcher.h"

/* What a rule needs for deciding beyond what events see. */
struct rule_part {
    uint32_t first, start; /* its steps: the lowest, and the one to begin with */
    uint32_t limit;        /* number + 1; 0: none */
    uint16_t phases;       /* a bit for each enum phase */
    bool repeats;          /* looked at more than once a request, and fires once */
    uint8_t score;         /* ACTION_SCORE: which */
    int32_t add;
};

struct ruleset {
    struct rule *rules;
    struct rule_part *parts;
    size_t n, cap_rules, cap_parts;
    struct limit *limits;
    size_t n_limits, cap_limits;
    struct limit_table *counts; /* of the limits; NULL where there are none */
    struct program program;
    struct index index[PHASES];
    struct matcher matcher;
    struct strtab strings; /* names, files, tags */
    unsigned needs;
    uint32_t regex_steps;
    uint64_t stamp;                  /* no other ruleset of this process has it */
    struct arena simple;             /* what the rules that the kernel carries out point to */
    struct match_ranges *set_ranges; /* by set of the program; NULL until asked for */
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

/* What a rule does beside what its struct rule says. */
struct rule_extra {
    uint8_t score; /* ACTION_SCORE: which, and how much */
    int32_t add;
    bool limited;
    struct limit limit; /* where limited; its operands are the program's */
};

/*
 * Adds a rule (copied; index is set) under a condition, which is folded. False
 * with *error, and where nothing is wrong with the rule with out_of_memory.
 */
MUST_CHECK bool assembly_add(struct assembly *as, const struct rule *r, const struct rule_extra *extra, struct expr *ex,
                             struct expr_error *error);
/* Compiles what scans need, makes the indexes, and the table of limits for `keys`. False when out of memory. */
MUST_CHECK bool assembly_finish(struct assembly *as, const char *cache, uint32_t keys);
void assembly_free(struct assembly *as);

#endif
