/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_LOCATE_H
#define SLUICE_INSPECT_LOCATE_H

#include <stdbool.h>
#include <stddef.h>

/* A rule file's text, and how far it has been walked: errors come in the file's order. */
struct locator {
    char *text; /* NUL-terminated; owned */
    size_t at;
    int line;
};

void locator_free(struct locator *lo);

/*
 * Finds where byte `offset` of a setting's string value stands in the file:
 * the first setting `key` from `line` on whose string is `value`. Line and
 * column (in characters) count from 1. False when it is not found.
 */
bool locate(struct locator *lo, const char *key, const char *value, size_t offset, int *line, int *col);

#endif
