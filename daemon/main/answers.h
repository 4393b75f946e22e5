/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MAIN_ANSWERS_H
#define SLUICE_MAIN_ANSWERS_H

#include "control/control.h"
#include "engine/engine.h"

/* What sluicectl is told, for every request but reload: a JSON line to be freed, or NULL when out of memory. */
char *answer_request(struct engine *e, const struct control_request *q);

#endif
