/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONTROL_CONTROL_H
#define SLUICE_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/*
 * The socket that sluicectl talks to: one command a connection, a line in, a
 * JSON line out. Main thread only; a slow client holds it up for a second to
 * say its line and for a second to take its answer, then it is left.
 */
struct control;

enum control_command { CONTROL_STATUS, CONTROL_STATS, CONTROL_RULES, CONTROL_RELOAD, CONTROL_UNKNOWN };

/* Answers a command: a JSON line to be freed, or NULL when out of memory. */
typedef char *(*control_answer)(enum control_command command, void *context);

/*
 * Listens at path (mode 0660), taking over a stale socket but no other file.
 * Returns 0 or a negative errno, with the reason in why.
 */
MUST_CHECK int control_open(const char *path, struct control **ret, char *why, size_t why_size);

/* Removes the socket. Accepts NULL. */
void control_close(struct control *c);

/* To be polled for reading. */
int control_fd(const struct control *c);

/* Serves one client. */
void control_serve(struct control *c, control_answer answer, void *context);

/* The command that a line of len bytes names (without its newline). */
enum control_command control_parse(const char *line, size_t len);

#endif
