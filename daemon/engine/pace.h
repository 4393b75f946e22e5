/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_PACE_H
#define SLUICE_ENGINE_PACE_H

#include "engine/conn.h"

/*
 * Whether clients keep up: DETECT_SLOW_HEAD, DETECT_SLOW_BODY, DETECT_SLOW_READ.
 * A connection whose time runs is in the worker's list. The worker's thread.
 */

/* A packet of the connection has gone on, and what it completes was read. The detector that it offends, or DETECTORS.
 */
enum detector_id pace_packet(struct worker *w, const struct packet *p, const struct flow *f, enum flow_dir dir);
/* A request is complete. */
void pace_request_done(struct conn *c);
/* Looks after connections that say nothing: calls `late` for each that offends. At times; most calls do nothing. */
void pace_turn(struct worker *w, void (*late)(struct worker *w, struct flow *f, enum detector_id id));
/* The connection is no more. */
void pace_leave(struct worker *w, struct conn *c);

#endif
