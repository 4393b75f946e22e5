/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_NETWORK_H
#define SLUICE_CONFIG_NETWORK_H

#include "config/config.h"
#include "config/reader.h"

/* Adds the addresses and networks of a list where it is there; errors go to the reader. Free with strings_free. */
void networks_read(const struct reader *r, const config_setting_t *group, const char *key, struct config_strings *ret);

#endif
