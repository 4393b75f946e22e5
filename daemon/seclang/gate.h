/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_GATE_H
#define SLUICE_SECLANG_GATE_H

#include "base/diag.h"
#include "seclang/operators.h"

/*
 * Tells of a value which rules could match it, all at once, in whatever
 * transformation each wants it: those of which the value has what all matches
 * contain, bytes of certain sets and one of certain strings, which a Vectorscan
 * database looks for. A value is transformed once for each step that changes
 * it. A rule that is told need not match; one that is not told does not.
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
 * Compiles all, on all CPUs, or takes it from the cache folder (NULL: none). A
 * pattern of whose matches nothing is known is no error: its rule is told for
 * each value. NULL with the reason in d.
 */
MUST_CHECK struct sec_gate *sec_gate_new(struct sec_gate_build *b, const char *cache, struct diag *d);
void sec_gate_free(struct sec_gate *g);

/* A thread's own: Vectorscan's scratch, transformed values. */
struct sec_gate_memory;
MUST_CHECK struct sec_gate_memory *sec_gate_memory_new(const struct sec_gate *g);
void sec_gate_memory_free(struct sec_gate_memory *m);

/*
 * Sets the bits of the rules (by their numbers) that could match the value.
 * Without allocation for values of up to 64 KiB; for a longer one the memory
 * may grow once, and where it cannot, all of the source's rules are told.
 */
void sec_gate_scan(const struct sec_gate *g, struct sec_gate_memory *m, uint32_t source, struct span value,
                   uint64_t *rules);

struct sec_gate_figures {
    uint32_t databases, patterns, chains;
    uint32_t ungated; /* patterns that are told for each value */
    size_t bytes;     /* of the databases */
};
void sec_gate_figures(const struct sec_gate *g, struct sec_gate_figures *ret);

#endif
