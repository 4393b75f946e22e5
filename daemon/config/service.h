/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_SERVICE_H
#define SLUICE_CONFIG_SERVICE_H

#include "config/config.h"
#include "config/reader.h"

/* Reads one { proto, ports } of divert.services; errors go to the reader. Free with service_free, wrong or not. */
void service_read(const struct reader *r, const config_setting_t *s, struct config_service *ret);
void service_free(struct config_service *s);

/* Reads a list of ports and ranges, which may be empty; errors go to the reader. *ports is to be freed, wrong or not.
 */
void ports_read(const struct reader *r, const config_setting_t *list, struct port_range **ports, size_t *n_ports);

#endif
