/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICECTL_SHOW_H
#define SLUICECTL_SHOW_H

#include <stdbool.h>
#include <stddef.h>

enum show {
    SHOW_JSON, /* as it came */
    SHOW_TREE, /* a name and value a line, indented */
    SHOW_BANS, /* a table */
    SHOW_TEXT, /* the text that the answer's one string is */
    SHOW_NONE, /* nothing but errors */
};

/*
 * Writes sluiced's answer, of len bytes with a NUL behind them, to standard
 * output; of a failure what was wrong, to standard error where the answer is
 * not shown as JSON. Control characters are written as escapes, so that
 * nothing in it can steer a terminal. False when the answer tells of a
 * failure or is no JSON.
 */
bool show_answer(const char *answer, size_t len, enum show how);

#endif
