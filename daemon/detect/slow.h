/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DETECT_SLOW_H
#define SLUICE_DETECT_SLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/*
 * The times of one connection's requests, for DETECT_SLOW_HEAD, DETECT_SLOW_BODY
 * and DETECT_SLOW_READ. Zeroed is the beginning. Plain data of the thread that
 * owns the connection; now_ms is any steady clock, of which 32 bits are kept.
 *
 * head: what counts is the time since the first byte of the request. A
 * connection that is idle between requests, or before the first, has none.
 *
 * body: each `per` seconds of a body must have brought `threshold` bytes a
 * second on average, so a line that falters now and then is no offence. While
 * the server leaves the client no room, nothing is measured.
 *
 * read: a client that keeps its window shut while a response is due, and in all
 * the time takes less than SLOW_READ_TAKEN bytes. A download that somebody has
 * paused and goes on with takes more than that each time, as stacks do not
 * reopen a window for less. Only what the client says counts, never its
 * silence: the window must be told shut at the end of that time too (the
 * server's probes have it say so).
 */
struct slow {
    uint32_t since_ms;               /* head or body: since when the time runs */
    uint32_t bytes;                  /* of the body, since then */
    uint32_t shut_ms, still_shut_ms; /* the client's window: first and last time that it was told to be shut */
    uint32_t taken;                  /* the client's ACK number at the first */
    uint8_t part;                    /* enum slow_part */
    bool server_full;                /* the server has no room for the body */
    bool shut;
};

enum slow_part { SLOW_IDLE, SLOW_HEAD, SLOW_BODY };

/* The client's window in bytes that counts as shut, and the one that counts as open again. */
#define SLOW_READ_SHUT 512u
#define SLOW_READ_OPEN 4096u
#define SLOW_READ_TAKEN 4096u

/* The client's bytes have brought the request to this part; of a body, so many bytes. Also without bytes. */
void slow_request(struct slow *s, enum slow_part part, uint32_t bytes, uint64_t now_ms);
/* A request is complete: what follows it is another's. Before slow_request for what follows in the same packet. */
void slow_request_done(struct slow *s);
/* What the server says in its segments: the room that it has, in bytes. */
void slow_server_room(struct slow *s, uint32_t room, uint64_t now_ms);
/* What the client says: its room, in bytes after scaling, and its ACK number; due: a response, or more of one, is. */
void slow_client_room(struct slow *s, uint32_t room, uint32_t ack, bool due, uint64_t now_ms);

/*
 * The detector that the connection has come into conflict with, among those
 * that are on; DETECTORS where there is none. To be asked after each of the
 * client's packets, and for a client that says nothing once in a while. It
 * begins a body's next `per` seconds.
 */
enum detector_id slow_due(const struct config *c, struct slow *s, uint64_t now_ms);

/* Whether slow_due may come to say something: the others need not be asked. */
bool slow_runs(const struct slow *s);

#endif
