/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_RESPOND_H
#define SLUICE_ENGINE_RESPOND_H

#include "engine/worker.h"

#define REQUEST_ID_MAX 24
#define LOCATION_MAX 512

/* How the ends of a condemned flow are told. */
struct response {
    bool page;      /* the client gets the page, else a reset */
    bool head_only; /* of the page: the request was a HEAD */
    char id[REQUEST_ID_MAX];
    uint16_t status;             /* of the page; 0: 403 */
    char location[LOCATION_MAX]; /* of a redirect; empty: none */
};

/*
 * Notes answers to both ends of r's flow, whose packet p is being dropped.
 * They leave with respond_flush, behind the batch's verdicts: a reset must not
 * overtake the bytes that it stands behind (RFC 5961 3.2).
 */
void respond_both(struct worker *w, const struct packet *p, const struct flow_result *r, const struct response *how);

/* Both ends of a flow that is ended without a packet: they are reset where they stand. */
void respond_ends(struct worker *w, const struct flow *f);

/* A client goes on after its connection was condemned: it is reset, for its own sake. */
void respond_late(struct worker *w, const struct packet *p, const struct flow_result *r);

/* In the place of a keep-alive probe that is dropped: one without its byte, which the server answers the same. */
void respond_probe(struct worker *w, const struct packet *p, const struct flow_result *r);

void respond_flush(struct worker *w);

/* Whether another answer may be sent this second; counts it. */
bool respond_may(struct worker *w);

#endif
