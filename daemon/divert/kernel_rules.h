/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_KERNEL_RULES_H
#define SLUICE_DIVERT_KERNEL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "divert/divert.h"
#include "net/match.h"

struct nft_tx;

/*
 * Rules that the kernel carries out (plan->rules), in CHAIN_RULES. Each id has
 * a counter and a chain of its own, "rule_<id>"; the counters outlive changes
 * of the table.
 */

/* Whether the table can say all of the conditions in its family. */
bool kernel_rules_can(const struct divert *d, const struct match *m);

/* The sets of the rules' ranges and names; they live as long as one change of the table. */
MUST_CHECK int kernel_rules_add_sets(struct nft_tx *tx, const struct divert *d, const struct plan *p);

/*
 * The counters, chains and rules, into a table whose rules were flushed and
 * which has CHAIN_RULES and the sets. Returns 0; -EINVAL where kernel_rules_can
 * says no; -ENOMEM.
 */
MUST_CHECK int kernel_rules_write(struct nft_tx *tx, const struct divert *d, const struct config *c,
                                  const struct plan *p);

/*
 * Calls `each` with the packets that each rule of the table has matched since
 * its counter was made. An id may come twice, when the table changes meanwhile.
 * Returns 0 or a negative errno.
 */
typedef void (*kernel_rule_count_fn)(uint32_t id, uint64_t packets, void *ctx);
MUST_CHECK int kernel_rules_counts(const struct divert *d, kernel_rule_count_fn each, void *ctx);

/* Whether a chain or counter of the table is one of a rule or a detector: kernel_rules_clean_up takes care of it. */
bool kernel_rules_own(const char *name);

/* Removes chains and counters of rules and detectors that the table in force has no more. No failure harms. */
void kernel_rules_clean_up(const struct divert *d, const struct config *c, const struct plan *p);

#endif
