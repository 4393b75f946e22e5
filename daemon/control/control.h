/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONTROL_CONTROL_H
#define SLUICE_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "net/addr.h"

/*
 * The socket that sluicectl talks to: one command a connection, a line in, a
 * JSON line out. Main thread only; a slow client holds it up for a second to
 * say its line and for a second to take its answer, then it is left.
 */
struct control;

enum control_command {
    CONTROL_STATUS,
    CONTROL_STATS,
    CONTROL_RULES,
    CONTROL_RELOAD,
    CONTROL_BAN,
    CONTROL_UNBAN,
    CONTROL_BANS,
    CONTROL_DIVERSION,
};

/* A command with what stood behind it. */
struct control_request {
    enum control_command command;
    bool all;          /* unban: each one */
    bool prefix;       /* ban, unban: a prefix was named; else net is the address alone */
    struct ip_net net; /* ban, unban: IPv4 /32, IPv6 /32 to /128, the bits behind it cleared */
    uint32_t seconds;  /* ban: at most DURATION_MAX; 0: none were named */
};

/*
 * Answers a request: a JSON line to be freed, or NULL when out of memory.
 * A failure is {"error":"…"}, which sluicectl(8) shows as such; ban and unban
 * end with {"ok":true}. Lists: {"bans":[{"address":"192.0.2.1","seconds":599,
 * "reason":"rule 100030"},…],"total":1}, with "cut":true where some are left
 * out; the table as text: {"diversion":"…"}.
 */
typedef char *(*control_answer)(const struct control_request *request, void *context);

/*
 * Listens at path (mode 0660), taking over a stale socket but no other file.
 * Returns 0 or a negative errno, with the reason in why.
 */
MUST_CHECK int control_open(const char *path, struct control **ret, char *why, size_t why_size);

/* Removes the socket. Accepts NULL. */
void control_close(struct control *c);

/* To be polled for reading. */
int control_fd(const struct control *c);

/* Serves one client. A line that is no request is answered with what was expected, and answer is not called. */
void control_serve(struct control *c, control_answer answer, void *context);

/* Reads a line of len bytes (without its newline). NULL, or what is wrong with it: a constant text. */
MUST_CHECK const char *control_parse(const char *line, size_t len, struct control_request *ret);

#endif
