/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MAIN_RUN_H
#define SLUICE_MAIN_RUN_H

/* `sluiced run`: starts, serves until SIGTERM or SIGINT, stops. Returns the exit status. */
int run(const char *file);

#endif
