/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_GATE_H
#define SLUICE_SECLANG_GATE_H

#include "base/diag.h"
#include "seclang/operators.h"

/*
 * Tells of a value which rules could match it, all at once: the patterns of
 * all rules that look at values of one source are one Vectorscan database, in
 * whatever transformation each wants them. A value is transformed once for
 * each chain that changes it; chains that leave it as it is share one scan. A
 * rule that is told need not match; one that is not told does not.
 */
struct sec_gate;
struct sec_gate_build;

/* NULL when out of memory. */
MUST_CHECK struct sec_gate_build *sec_gate_build_new(void);
void sec_gate_build_free(struct sec_gate_build *b);

/*
 * A rule that looks at values of a source (the caller's number, from 0, dense)
 * through a chain of transformations. False where the operator cannot be gated
 * (the rule has to be visited always), or memory is out (*failed).
 */
MUST_CHECK bool sec_gate_add(struct sec_gate_build *b, uint32_t source, uint32_t rule, const uint8_t *transforms,
                             unsigned n_transforms, const struct sec_operator *o, bool *failed);

/*
 * Compiles all, on all CPUs, or takes it from the cache folder (NULL: none).
 * A pattern that Vectorscan takes only as a prefilter, or not at all (its rule
 * is then told for each value), is no error. NULL with the reason in d.
 */
MUST_CHECK struct sec_gate *sec_gate_new(struct sec_gate_build *b, const char *cache, struct diag *d);
void sec_gate_free(struct sec_gate *g);

/* A thread's own: Vectorscan's scratch, transformed values. */
struct sec_gate_memory;
MUST_CHECK struct sec_gate_memory *sec_gate_memory_new(const struct sec_gate *g);
void sec_gate_memory_free(struct sec_gate_memory *m);

/* Sets the bits of the rules (by their numbers) that could match the value. Without allocation for values of up to 64
 * KiB. */
void sec_gate_scan(const struct sec_gate *g, struct sec_gate_memory *m, uint32_t source, struct span value,
                   uint64_t *rules);

struct sec_gate_figures {
    uint32_t databases, patterns, prefilters, ungated, chains;
    size_t bytes; /* of the databases */
};
void sec_gate_figures(const struct sec_gate *g, struct sec_gate_figures *ret);

#endif
