/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_LISTS_H
#define SLUICE_DIVERT_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "divert/plan.h"

/*
 * The named sets of addresses that the plan's rules refer to (match_cond.list;
 * those of more than one range),
 * as interval sets of the table that outlive its changes: what differs is put
 * in before the rules change and taken out behind. The main thread only.
 *
 * An element comes and goes alone, so that no look-up of another is disturbed.
 * Where only a part of one is to go, that cannot be: an interval that comes
 * hides the one that it replaces until it is in force. Then the whole set is
 * written under another name, and the change of the rules leads to it.
 */
struct lists;
struct nft_tx;

/* Sets of a table of this family (NFPROTO_*); NULL when out of memory. */
MUST_CHECK struct lists *lists_new(uint8_t family);
void lists_free(struct lists *l);

/*
 * A fresh table: its sets, in the transaction that makes it; lists_finish when
 * that is in force or refused. 0 or -ENOMEM.
 */
MUST_CHECK int lists_write(struct lists *l, struct nft_tx *tx, const struct plan *p);

/*
 * Before the rules of an existing table change. Returns 0 or a negative errno
 * with the reason; then nothing has changed. lists_finish must follow success.
 */
MUST_CHECK int lists_prepare(struct lists *l, const struct plan *p, char *why, size_t why_size);

/*
 * After it: what is not wanted any more goes; or, unless `done`, what
 * lists_prepare brought. What cannot be taken away now goes with the next
 * change: a negative errno with the reason tells it.
 */
MUST_CHECK int lists_finish(struct lists *l, bool done, char *why, size_t why_size);

/*
 * The set that rules written now look up (from lists_write or lists_prepare
 * on); NULL when the plan has no such list. `family` is 4 or 6.
 */
const char *lists_set(const struct lists *l, const char *list, uint8_t family);

/* Whether a set of the table is one of these. */
bool lists_own_set(const char *name);

/* A table that is there already, left by another run: its sets are written anew under other names. */
MUST_CHECK int lists_adopt(struct lists *l);

#endif
