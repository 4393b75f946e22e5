/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_DEFENCE_H
#define SLUICE_CONFIG_DEFENCE_H

#include "config/config.h"
#include "config/reader.h"

/* The groups networks, bans and detect: whom we guard, whom we shut out, and what we look for without a rule. */
void defence_defaults(struct config *c);
void defence_free(struct config *c);

/* Each reads its group where it is there; errors go to the reader. detect_read comes after the others and divert. */
void inside_read(const struct reader *r, struct config *c);
void bans_read(const struct reader *r, struct config *c);
void detect_read(const struct reader *r, struct config *c);

#endif
