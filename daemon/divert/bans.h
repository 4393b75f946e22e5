/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_BANS_H
#define SLUICE_DIVERT_BANS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "divert/divert.h"
#include "net/addr.h"

/*
 * Addresses whose packets the kernel drops for a time. The table in memory says
 * what holds; the kernel's sets (banned4, banned6, and with bans.prefix6 of 64
 * banned6_64) follow it, and the file keeps it over a restart. The main thread
 * only.
 */
struct bans;
struct nft_tx;

#define BAN_REASON_MAX 40

struct ban {
    struct ip_addr addr; /* the network, where less than an address is banned */
    uint8_t prefix;
    uint32_t seconds;    /* that are left, rounded up */
    int64_t since, ends; /* seconds since 1970 */
    const char *reason;  /* "rule 100010", "detect.scan", "sluicectl" */
};

/*
 * Reads bans.file, where it is set. What cannot be read there goes into d with
 * line and column and is left out; a missing file is none. NULL when out of
 * memory.
 */
MUST_CHECK struct bans *bans_open(const struct config *c, struct diag *d);
/* Saves nothing: see bans_save. */
void bans_close(struct bans *b);

enum ban_result {
    BAN_DONE,      /* banned from the next bans_commit on, or for longer than before */
    BAN_KEPT,      /* is banned for as long or longer already */
    BAN_EXEMPT,    /* of divert.exempt */
    BAN_NOT_VALID, /* unspecified, loopback, multicast, broadcast; a link-local one where less than addresses is banned
                    */
    BAN_FULL,      /* bans.max others end later */
    BAN_NO_MEMORY,
};

/* Asks for an address to be banned; `seconds` from now on. The reason is cut at BAN_REASON_MAX - 1 bytes. */
enum ban_result bans_add(struct bans *b, const struct ip_addr *addr, uint32_t seconds, const char *reason);

/*
 * Lifts the bans of addresses inside the network, and the ban of a network that
 * it lies in; NULL: all. Returns how many.
 */
size_t bans_remove(struct bans *b, const struct ip_net *net);

/* Whether something waits for bans_commit. */
bool bans_pending(const struct bans *b);

/*
 * Puts what was added and lifted since into the kernel. Returns 0 or a negative
 * errno, and the reason; what the kernel does not have yet waits for the next
 * call.
 */
MUST_CHECK int bans_commit(struct bans *b, char *why, size_t why_size);

/*
 * Every second or so: forgets what has ended, and begins to save what changed,
 * in a thread of its own. Returns 0, or a negative errno and the reason when
 * saving has failed, once until it works again.
 */
MUST_CHECK int bans_tick(struct bans *b, char *why, size_t why_size);

/* Writes the file now, if anything changed. Returns 0 or a negative errno with the reason. */
MUST_CHECK int bans_save(struct bans *b, char *why, size_t why_size);

/* Calls `each` for every ban, the one that ends soonest first; false from it ends the listing. */
void bans_each(struct bans *b, bool (*each)(const struct ban *ban, void *ctx), void *ctx);

struct bans_counts {
    size_t now;
    uint64_t evicted; /* for others that end later */
    uint64_t refused; /* BAN_FULL */
};

struct bans_counts bans_counts(const struct bans *b);

/*
 * For divert/. A fresh table: its sets with what they hold, in the transaction
 * that makes it; then bans_written when that is in force. `b` NULL: empty sets.
 */
void bans_write(struct bans *b, struct nft_tx *tx, const struct config *c);
void bans_written(struct bans *b, uint8_t family, const struct config *c);
/* A table that is there already: takes over what its sets hold. -EINVAL when they are not such sets of ours. */
MUST_CHECK int bans_adopt(struct bans *b, uint8_t family);
/*
 * Before the rules are changed, and after (`done`) or when that was refused:
 * other settings are taken over, and a change of bans.prefix6 gets another set.
 */
MUST_CHECK int bans_prepare(struct bans *b, uint8_t family, const struct config *c, char *why, size_t why_size);
MUST_CHECK int bans_finish(struct bans *b, const struct config *c, bool done, char *why, size_t why_size);
/* The rules that count and (`drop`) stop packets from banned addresses. */
void bans_rules(struct nft_tx *tx, const struct divert *d, const struct config *c, const char *chain, bool drop);
/* Whether a set of the table is one of these. */
bool bans_own_set(const char *name);

/* For tests: another clock than CLOCK_MONOTONIC, in milliseconds. */
void bans_set_clock(struct bans *b, uint64_t (*now_ms)(void));

#endif
