/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_FRAMES_H
#define SLUICE_CONFIG_FRAMES_H

#include "config/config.h"
#include "config/reader.h"

/* The group frames, where it is there: what may cross a bridge below IP. Errors go to the reader. */
void frames_read(const struct reader *r, struct config *c);
void frames_free(struct config *c);

#endif
