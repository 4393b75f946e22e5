/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_DIVERT_H
#define SLUICE_DIVERT_DIVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "config/config.h"

/* How packets come from a chain into the queues. */
enum queue_way {
    QUEUE_NATIVE_SYMHASH, /* queue expression; the queue by a hash of addresses and ports */
    QUEUE_NATIVE_RANGE,   /* queue expression; by a hash of the two addresses only */
    QUEUE_XT_SYMHASH,     /* xt NFQUEUE target for each queue, chosen by symhash */
    QUEUE_XT_RANGE,       /* xt NFQUEUE target; by a hash of the two addresses only */
    QUEUE_WAY_NONE,
};

/* Services with ports that one configuration may have. */
#define DIVERT_PORT_SETS_MAX 256

/* What was found and chosen at start; fixed for the life of the process. */
struct divert {
    bool bridge_family; /* table bridge, else inet */
    bool bridged;       /* the interfaces are ports of a bridge */
    bool own_answers;   /* the kernel's reject does not serve here */
    enum queue_way way;
    enum divert_hook hook;
    int priority; /* from "filter" on */
    uint16_t first_queue, queues;
    uint32_t mark_mask;
    bool bypass;                            /* on_crash open */
    size_t port_sets[DIVERT_PORT_SETS_MAX]; /* sets that the installed table holds, by service */
    size_t n_port_sets;
    uint32_t change;  /* number of the change in force; names the sets in use */
    uint32_t changes; /* how many were tried: a refused one's number is not used again */
    uint64_t content; /* digest of what the installed table says; 0: unknown */
};

/* What happens to packets of guarded services. */
enum divert_state { DIVERT_QUEUE, DIVERT_PASS, DIVERT_BLOCK };

/*
 * Looks at the interfaces and the kernel and chooses. Returns 0, or a negative
 * errno with the reason in why. Writes what was found into `said`, a few words
 * for the log. Installs nothing that stays.
 */
MUST_CHECK int divert_probe(const struct config *c, uint16_t queues, struct divert *ret, char *said, size_t said_size,
                            char *why, size_t why_size);

/*
 * Checks, and where the configuration allows it sets, br_netfilter's switches;
 * nothing to do unless bridged traffic goes through inet. What was done goes
 * into `said`, empty when nothing was.
 */
MUST_CHECK int divert_br_netfilter(const struct divert *d, const struct config *c, char *said, size_t said_size,
                                   char *why, size_t why_size);

/*
 * Replaces whatever table of ours there is with a new one, in one transaction.
 * For start; a table that is in use is changed with divert_change, which keeps
 * the hook, since the kernel drops what waits in queues when a hook goes.
 */
MUST_CHECK int divert_install(struct divert *d, const struct config *c, enum divert_state state, char *why,
                              size_t why_size);

/*
 * Puts other rules into the installed table in one transaction, between two
 * that bring their sets and take the old ones away. A table that says the same
 * already is left alone.
 */
MUST_CHECK int divert_change(struct divert *d, const struct config *c, enum divert_state state, char *why,
                             size_t why_size);

/* Removes the table; nothing may wait in the queues any more. No table is no error. */
int divert_remove(struct divert *d, char *why, size_t why_size);

/* Reads the packets that the queue rule has seen since the table was installed. */
MUST_CHECK int divert_queued(struct divert *d, uint64_t *ret);

/* Settings that cannot change while running: 0, or -EINVAL with the first that differs in why. */
int divert_same_shape(const struct divert *d, const struct config *c, char *why, size_t why_size);

const char *queue_way_name(enum queue_way way);

#define DIVERT_TABLE "sluice"

#endif
