/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_BASE_DIAG_H
#define SLUICE_BASE_DIAG_H

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"

/*
 * The errors found in a user's files, in the order found. Loaders add all that
 * they find instead of stopping at the first. One thread at a time.
 */
struct diag;

/* NULL when out of memory. */
struct diag *diag_new(void);
void diag_free(struct diag *d);

/*
 * Adds an error: what is wrong, what was expected. `file` may be NULL (no
 * file), `line` and `col` 0 (unknown); both count from 1. Strings are copied.
 * Past 200 errors only the count grows.
 */
void diag_add(struct diag *d, const char *file, int line, int col, const char *fmt, ...) PRINTF_LIKE(5, 6);

size_t diag_count(const struct diag *d);

/* The i-th kept error as "file:line:col: text" (parts that are unknown left out); NULL past the end. */
const char *diag_text(const struct diag *d, size_t i);

/* Writes every kept error, a line each, and how many more there were. */
void diag_print(const struct diag *d, FILE *out);

#endif
