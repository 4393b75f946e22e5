/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_TEXT_H
#define SLUICE_CONFIG_TEXT_H

#include <stddef.h>

#include "base/diag.h"

/*
 * Reads a whole regular file, NUL-terminated. The caller frees it. NULL with
 * the error in d (missing, unreadable, no file, too big).
 */
MUST_CHECK char *text_read(const char *file, size_t *len, struct diag *d);

/*
 * Adds to d what libconfig would take silently, or not survive: a NUL byte,
 * an @include, a number too big for its type. Returns 0, or -EINVAL when
 * something was added.
 */
MUST_CHECK int text_check(const char *file, const char *text, size_t len, struct diag *d);

#endif
