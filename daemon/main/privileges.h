/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MAIN_PRIVILEGES_H
#define SLUICE_MAIN_PRIVILEGES_H

#include "base/cleanup.h"

/*
 * Gives up every capability but CAP_NET_ADMIN (the queues and the table, for
 * as long as the process lives) and CAP_NET_RAW (answers), and the way to get
 * others back. Returns 0 or a negative errno. Before threads start.
 */
MUST_CHECK int privileges_drop(void);

#endif
