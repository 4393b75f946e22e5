/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_IFACES_H
#define SLUICE_ENGINE_IFACES_H

#include <stdint.h>

#include "config/config.h"
#include "net/packet.h"

#define IFACES_SLOTS 64

/*
 * A worker's cache of interface names and sides by index. An entry is asked
 * anew after a second, for interfaces may be renamed.
 */
struct ifaces {
    struct {
        struct iface iface;
        uint64_t until_ms;
    } at[IFACES_SLOTS];
};

/* Forgets all; for a new generation. */
void ifaces_clear(struct ifaces *c);

/* The interface, or NULL for index 0; valid until the next call with another index. now_ms: any steady clock. */
const struct iface *ifaces_find(struct ifaces *c, const struct config *cfg, uint32_t index, uint64_t now_ms);

#endif
