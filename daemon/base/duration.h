/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_BASE_DURATION_H
#define SLUICE_BASE_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a duration looks like, for messages. */
#define DURATION_FORMS "\"90s\", \"10m\", \"2h\", \"7d\""

/* The longest that is taken of a ban and the like: a year, in seconds. */
#define DURATION_MAX (365u * 86400)

/* A number with its unit, s, m, h or d; without one, seconds. False when it is none, or more than UINT32_MAX seconds.
 */
bool duration_parse(const char *text, size_t len, uint32_t *ret);

#endif
