/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_FRAMES_H
#define SLUICE_DIVERT_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "divert/divert.h"

/*
 * What a bridge lets pass beside IP (config.frames): a table of its own in
 * family bridge, whatever family the main one has, at the hook forward. Where
 * nothing of it is configured there is no such table.
 */
#define FRAMES_TABLE "sluice_frames"

/*
 * Makes the table say what c says, in one transaction, or removes it where c
 * says nothing; its counters go on. With `monitor` it counts and logs only. For
 * start and reload. Returns 0 or a negative errno with the reason in why.
 */
MUST_CHECK int frames_install(const struct divert *d, const struct config *c, bool monitor, char *why, size_t why_size);

/* Removes the table; no table is no error, nor a kernel that has no family bridge. */
int frames_remove(char *why, size_t why_size);

struct frames_counts {
    uint64_t arp;   /* ARP that claims an address with another MAC address than its own */
    uint64_t other; /* of an EtherType that does not pass */
};

/* Reads what was caught, 0 where there is no table. Returns 0 or a negative errno. */
MUST_CHECK int frames_counts(struct frames_counts *ret);

#endif
