/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_REPORT_H
#define SLUICE_ENGINE_REPORT_H

#include "detect/detect.h"
#include "engine/worker.h"

/* Events of a decision: an alert for each matched rule that wants one, a drop where the packet is stopped. */
void report_decision(struct worker *w, const struct packet *p, const struct decision *d);

/* The event of a packet that is dropped for another reason than a rule. */
void report_drop(struct worker *w, const struct packet *p, const char *reason);

/*
 * Events of what stream and HTTP rules decided about a flow; tx is NULL where
 * no request is concerned. id: what the client was told, or "".
 */
void report_stream(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx,
                   const struct decision *d, const char *id);

/* The event of a packet or request that is stopped by a policy or a limit. f may be NULL. */
void report_stop(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx,
                 const char *reason, const char *id);

/* What a detector of ours has found; f may be NULL. */
void report_detected(struct worker *w, const struct packet *p, const struct flow *f, enum detector_id id,
                     enum detect_action action, uint64_t count, uint64_t held_back);

/* What the kernel tells of a packet that it judged alone: a rule that matched, or a detector of this name. */
void report_kernel_rule(struct worker *w, const struct packet *p, const struct rule *r);
void report_kernel_detector(struct worker *w, const struct packet *p, const char *name, bool dropped);

/* A flood of SYNs has begun, or is over: no packet's event. */
void report_flood(struct worker *w, const struct finding *f);

/* What SecLang's rules say of a transaction, as its event will. */
struct report_transaction {
    uint32_t n; /* rules that matched and log */
    bool blocked, would_block;
    uint64_t rule; /* that stopped it, or would have; 0: none */
    char rules[512], scores[512];
};

void report_begin(struct report_transaction *said);

/* The events of a SecLang rule that matched and logs: an alert, and a drop where it stops the transaction. */
void report_seclang(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx,
                    const struct seclang_decision *d, const struct seclang_event *ev, unsigned phase,
                    struct report_transaction *said, const char *id);
void report_score(struct report_transaction *said, struct span name, int64_t n);
/* A transaction in which rules matched, at its end. */
void report_transaction(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx,
                        const struct report_transaction *said, const char *id);

/* For events about a connection that no packet brought about: one from the client to the server. */
void report_packet_of(const struct flow *f, struct packet *ret);

/* The event of an ordinary request: events.requests. */
void report_request(struct worker *w, const struct packet *p, const struct flow *f, const struct http_tx *tx);

#endif
