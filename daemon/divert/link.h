/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_LINK_H
#define SLUICE_DIVERT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

/* A network interface and the bridge that it is a port of. */
struct link {
    uint32_t index;
    bool bridge_port;
    char bridge[16]; /* the master's name, where bridge_port */
};

/* Asks the kernel (rtnetlink, RTM_GETLINK). Returns 0, -ENODEV when there is none, or a negative errno. */
MUST_CHECK int link_read(const char *name, struct link *ret);

#endif
