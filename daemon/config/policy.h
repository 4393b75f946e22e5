/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_POLICY_H
#define SLUICE_CONFIG_POLICY_H

#include "config/config.h"
#include "config/reader.h"

/* "open" or "closed", where the key is there; errors go to the reader. */
void policy_read(const struct reader *r, const config_setting_t *group, const char *key, enum policy *ret);

#endif
