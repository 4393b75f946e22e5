/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_READER_H
#define SLUICE_CONFIG_READER_H

#include <libconfig.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

/*
 * A libconfig file and where its errors go. The getters below return true when
 * the key is there and its value is right; else they leave *ret alone, so that
 * it keeps its default, and add an error when the key is there but wrong.
 * Lines are those of the setting. One thread at a time.
 */
struct reader {
    config_t lib;
    char *file;
    struct diag *d;
};

/* Reads and parses the file; false with the errors in d, and nothing to close. d must outlive the reader. */
MUST_CHECK bool reader_open(struct reader *r, const char *file, struct diag *d);
/* Frees the settings and every string that a getter handed out. */
void reader_close(struct reader *r);
const config_setting_t *reader_root(const struct reader *r);

/* Adds an error at a setting's line; `at` may be NULL for the file as a whole. */
void reader_error(const struct reader *r, const config_setting_t *at, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The word of the NULL-terminated list that is nearest to a misspelt one, or NULL when none is near. */
const char *reader_nearest(const char *word, const char *const *words);

/* Adds an error for each key of a group that is not in the NULL-terminated list. */
void reader_known(const struct reader *r, const config_setting_t *group, const char *const *keys);

/* A number from min to max. */
bool reader_number(const struct reader *r, const config_setting_t *group, const char *key, int64_t min, int64_t max,
                   int64_t *ret);
bool reader_u32(const struct reader *r, const config_setting_t *group, const char *key, uint32_t min, uint32_t max,
                uint32_t *ret);
bool reader_u16(const struct reader *r, const config_setting_t *group, const char *key, uint16_t min, uint16_t max,
                uint16_t *ret);
/* Seconds from min to max: a number of them, or a string as "90s", "10m", "2h", "7d". */
bool reader_duration(const struct reader *r, const config_setting_t *group, const char *key, uint32_t min, uint32_t max,
                     uint32_t *ret);
bool reader_bool(const struct reader *r, const config_setting_t *group, const char *key, bool *ret);
/* The string belongs to the reader. */
bool reader_string(const struct reader *r, const config_setting_t *group, const char *key, const char **ret);
/* One of the NULL-terminated words; *ret becomes its index. */
bool reader_word(const struct reader *r, const config_setting_t *group, const char *key, const char *const *words,
                 unsigned *ret);

/* A group, or a list or array; NULL when absent or, with an error, of another type. */
const config_setting_t *reader_group(const struct reader *r, const config_setting_t *parent, const char *key);
const config_setting_t *reader_list(const struct reader *r, const config_setting_t *parent, const char *key);

/* A number's value: hexadecimal ones of 32 bits are taken as unsigned. */
int64_t reader_value(const config_setting_t *s);
/* "a string", "a number", … for messages. */
const char *reader_type(const config_setting_t *s);

#endif
