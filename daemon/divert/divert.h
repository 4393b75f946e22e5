/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_DIVERT_H
#define SLUICE_DIVERT_DIVERT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "divert/plan.h"

/* How packets come from a chain into the queues. */
enum queue_way {
    QUEUE_NATIVE_SYMHASH, /* queue expression; the queue by a hash of addresses and ports */
    QUEUE_NATIVE_RANGE,   /* queue expression; by a hash of the two addresses only */
    QUEUE_XT_SYMHASH,     /* xt NFQUEUE target for each queue, chosen by symhash */
    QUEUE_XT_RANGE,       /* xt NFQUEUE target; by a hash of the two addresses only */
    QUEUE_WAY_NONE,
};

/* Packets, by the way that they took in the table; since it was installed, or taken over. */
struct divert_counts {
    uint64_t queued;    /* came up */
    uint64_t offloaded; /* of connections that need not come up any more */
    uint64_t condemned; /* of connections that were condemned: dropped */
    uint64_t quiet;     /* responses that no rule reads, and the ACKs of them */
    uint64_t exempt;    /* from or to exempt addresses */
    uint64_t banned;    /* from banned addresses: dropped */
};

struct bans;
struct lists;

/* What was found and chosen at start; fixed for the life of the process but for what the table's changes move. */
struct divert {
    bool bridge_family; /* table bridge, else inet */
    bool bridged;       /* the interfaces are ports of a bridge */
    bool own_answers;   /* the kernel's reject does not serve here */
    enum queue_way way;
    enum divert_hook hook;
    int priority; /* from "filter" on */
    uint16_t first_queue, queues;
    uint32_t mark_mask;
    bool bypass;  /* on_crash open */
    bool assumed; /* not probed: for showing only */
    /* A run before this one left a table; its generation must not be used again while its ct marks live. */
    bool left;
    uint32_t last_generation;
    struct bans *bans;   /* whose sets the table has; the caller's, set between probe and install; NULL: empty ones */
    struct lists *lists; /* of addresses, that the table has; its own */
    bool adopted;        /* and it was taken over, with what waits in the queues */
    uint32_t change;     /* number of the change in force; names the sets in use */
    uint32_t changes;    /* how many were tried: a refused one's number is not used again */
    uint64_t content;    /* digest of what the installed table says; 0: unknown */
    struct divert_counts base; /* what the counters stood at when the table was taken over */
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
 * What divert_probe would find, without asking nftables: for showing the table
 * where that is not allowed or another machine is meant. Interfaces that are
 * there are looked at. What had to be guessed goes into `said`.
 */
void divert_assume(const struct config *c, uint16_t queues, struct divert *ret, char *said, size_t said_size);

/*
 * Installs the table at start. One that an earlier run left with the same hooks
 * is taken over (d->adopted) and changed as by divert_change: the kernel drops
 * what waits in queues when a hook goes. Any other of our name is replaced, in
 * one transaction. Until it returns d is the caller's alone, but for the parts
 * that never change.
 */
MUST_CHECK int divert_install(struct divert *d, const struct config *c, const struct plan *p, enum divert_state state,
                              char *why, size_t why_size);

/*
 * Puts other rules into the installed table in one transaction, between two
 * that bring their sets and take the old ones away. A table that says the same
 * already is left alone.
 */
MUST_CHECK int divert_change(struct divert *d, const struct config *c, const struct plan *p, enum divert_state state,
                             char *why, size_t why_size);

/* Removes the table; nothing may wait in the queues any more. No table is no error. */
int divert_remove(struct divert *d, char *why, size_t why_size);

/* Gives back what d holds; the table stays. */
void divert_close(struct divert *d);

/* Reads all of the counters in one dump. -ENOENT when the table is gone, or another negative errno. */
MUST_CHECK int divert_counters(const struct divert *d, struct divert_counts *ret);

/* The packets that came up alone. */
MUST_CHECK int divert_queued(const struct divert *d, uint64_t *ret);

/*
 * Writes the table that would be installed in nft's language, as far as that
 * goes, with the reason of each line as its comment. Asks nothing of nftables.
 * Returns 0 or a negative errno.
 */
MUST_CHECK int divert_show(const struct divert *d, const struct config *c, const struct plan *p, FILE *out);

/* Settings that cannot change while running: 0, or -EINVAL with the first that differs in why. */
int divert_same_shape(const struct divert *d, const struct config *c, char *why, size_t why_size);

const char *queue_way_name(enum queue_way way);

#define DIVERT_TABLE "sluice"

#endif
