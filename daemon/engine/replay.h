/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_REPLAY_H
#define SLUICE_ENGINE_REPLAY_H

#include <stdbool.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/span.h"

/*
 * Captured packets through the pipeline that queued ones take, with the
 * settings and rules of a file. Nothing is sent, and no privilege is needed.
 * Belongs to one thread.
 */
struct replay;

/* Events go to `out` as they arise, readable lines or JSON. NULL with the errors in d. */
MUST_CHECK struct replay *replay_new(const char *config, bool json, FILE *out, struct diag *d);
void replay_free(struct replay *r);

/* Runs a capture file (pcap, pcapng). 0, or -EINVAL with the error in d; what came before the error was run. */
MUST_CHECK int replay_capture(struct replay *r, const char *file, struct diag *d);

/* One captured frame: its link type (DLT_), time in ns since 1970, bytes, and length on the wire. */
void replay_frame(struct replay *r, int link_type, uint64_t time_ns, struct span frame, uint32_t wire_len);

/* Writes what there was in all. */
void replay_summary(struct replay *r);

#endif
