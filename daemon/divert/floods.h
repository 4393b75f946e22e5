/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_FLOODS_H
#define SLUICE_DIVERT_FLOODS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "divert/divert.h"

struct nft_tx;

/*
 * The detectors that the kernel runs itself (config.detect, up to
 * DETECT_MARTIAN), in CHAIN_FLOODS; each has a counter and a chain of its own,
 * "detect_<name>".
 */
#define FLOODS_DETECTORS (DETECT_MARTIAN + 1)

/* Addresses whose rate is measured at a time, for each detector and IP version; packets to others pass. */
#define FLOODS_ADDRESSES_MAX 65536

/* Whether any of them is on. */
bool floods_wanted(const struct config *c);

/* Their sets; they live as long as one change of the table. */
MUST_CHECK int floods_add_sets(struct nft_tx *tx, const struct divert *d, const struct config *c);

/* Their counters, chains and rules, into a table whose rules were flushed and which has CHAIN_FLOODS and the sets. */
MUST_CHECK int floods_write(struct nft_tx *tx, const struct divert *d, const struct config *c, const struct plan *p);

/* Reads how many packets each has caught, by enum detector_id; 0 where it is off. Returns 0 or a negative errno. */
MUST_CHECK int floods_counts(const struct divert *d, uint64_t ret[DETECTORS]);

#endif
