/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_TRAFFIC_H
#define SLUICE_CONFIG_TRAFFIC_H

#include "config/config.h"
#include "config/reader.h"

/* The groups streams and http: how connections are followed and what is read of them. */
void traffic_defaults(struct config *c);
void traffic_free(struct config *c);

/* Each reads its group where it is there; errors go to the reader. */
void streams_read(const struct reader *r, struct config *c);
void http_read(const struct reader *r, struct config *c);

#endif
