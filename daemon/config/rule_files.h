/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_RULE_FILES_H
#define SLUICE_CONFIG_RULE_FILES_H

#include "config/config.h"
#include "config/reader.h"

/* Appends a copy; false when out of memory. */
MUST_CHECK bool strings_add(struct config_strings *to, const char *text);
void strings_free(struct config_strings *s);

/*
 * Appends the files that a pattern stands for, those already there left out.
 * A relative pattern starts at the folder of the reader's file. An error at
 * `at` when a pattern without a wildcard names no file.
 */
void rule_files_expand(const struct reader *r, const config_setting_t *at, const char *pattern,
                       struct config_strings *to);

#endif
