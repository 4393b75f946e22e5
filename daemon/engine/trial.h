/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_TRIAL_H
#define SLUICE_ENGINE_TRIAL_H

#include "engine/respond.h"

/*
 * A transaction before SecLang's rules: which phases it has passed, and what
 * they found. It hangs on the http_tx (`judged`) and ends with it. Scores of
 * the ruleset and TX variables of the same names are one number. All of this is
 * the worker's thread's.
 */
struct trial;

/* What is to be done; in mode monitor and detection only, nothing. */
struct trial_verdict {
    bool stops, undecided;
    bool drops;          /* without a page */
    bool scored;         /* scores that the ruleset's rules know have changed */
    struct response how; /* status and location */
};

/*
 * Runs the phases up to `last` (1 to 4) that were not yet, and reports what
 * matched. id: what the client is told where it is stopped. Nothing where no
 * such rules are loaded.
 */
void trial_run(struct worker *w, struct conn *c, const struct packet *p, struct http_tx *tx, unsigned last,
               const char *id, struct trial_verdict *ret);

/* At a response's head, behind phase 3: whether phase 4 reads its body. */
bool trial_wants_response_body(const struct http_tx *tx);

/* Runs phase 5, writes the transaction's event, gives it back; for http_options.ends. */
void trial_end(struct http_tx *tx);

/* The worker goes over to other rules, or ends: what is under way is judged anew by whatever comes next. */
void trial_forget_all(struct worker *w);

/* The worker's last flow is gone. */
void trial_free_all(struct worker *w);

#endif
