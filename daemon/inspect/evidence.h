/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_EVIDENCE_H
#define SLUICE_INSPECT_EVIDENCE_H

#include "inspect/scratch.h"

/* Writes where the condition that was run last in v was met. */
void evidence_take(struct view *v, struct evidence *ret);

#endif
