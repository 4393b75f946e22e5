/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/duration.h"
#include "config/text.h"

#define NAME_MAX_LEN 48

static bool parse(struct reader *r, const char *text)
{
    config_init(&r->lib);
    if (config_read_string(&r->lib, text))
        return true;
    /* libconfig notices a missing end only at the next word, so the line may be the one after. */
    const char *what = config_error_text(&r->lib);
    bool mixed = strstr(what, "mismatched element") != NULL;
    diag_add(r->d, r->file, config_error_line(&r->lib), 0, "%s, expected %s", what,
             mixed                       ? "one type in [ ] (a list in ( ) may mix them)"
             : strstr(what, "duplicate") ? "each setting once in its group"
                                         : "name = value; (look at the line before, too)");
    config_destroy(&r->lib);
    return false;
}

bool reader_open(struct reader *r, const char *file, struct diag *d)
{
    size_t len = 0;
    AUTO_FREE char *text = text_read(file, &len, d);
    if (!text || text_check(file, text, len, d) < 0)
        return false;
    *r = (struct reader){.d = d, .file = strdup(file)};
    if (!r->file)
        diag_add(d, file, 0, 0, "out of memory");
    else if (parse(r, text))
        return true;
    free(r->file);
    return false;
}

void reader_close(struct reader *r)
{
    config_destroy(&r->lib);
    free(r->file);
}

const config_setting_t *reader_root(const struct reader *r)
{
    return config_root_setting(&r->lib);
}

void reader_error(const struct reader *r, const config_setting_t *at, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    diag_add(r->d, r->file, at ? (int)config_setting_source_line(at) : 0, 0, "%s", text);
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* Insertions, deletions and replacements between two words; 99 for long ones. */
static unsigned distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    unsigned row[NAME_MAX_LEN + 1];
    if (n > NAME_MAX_LEN || m > NAME_MAX_LEN)
        return 99;
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}

const char *reader_nearest(const char *word, const char *const *words)
{
    const char *best = NULL;
    unsigned limit = strlen(word) > 3 ? 3 : 2; /* must stay below this */
    for (; *words; words++) {
        unsigned far = distance(word, *words);
        if (far < limit) {
            limit = far;
            best = *words;
        }
    }
    return best;
}

/* The words as "a, b or c". */
static const char *listed(const char *const *words, char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = '\0';
    for (size_t i = 0; words[i] && at < size; i++) {
        const char *between = i == 0 ? "" : words[i + 1] ? ", " : " or ";
        int n = snprintf(buf + at, size - at, "%s%s", between, words[i]);
        at += n > 0 ? (size_t)n : 0;
    }
    return buf;
}

/* A setting's name behind those of its groups: "http.limits.head". */
static void write_path(const config_setting_t *s, char *buf, size_t size)
{
    const config_setting_t *up = config_setting_parent(s);
    buf[0] = '\0';
    if (up && config_setting_name(up) && config_setting_is_group(up))
        write_path(up, buf, size);
    size_t at = strlen(buf);
    snprintf(buf + at, size - at, "%s%s", at ? "." : "", config_setting_name(s));
}

static const char *path_of(const config_setting_t *s, char *buf, size_t size)
{
    const config_setting_t *up = config_setting_parent(s);
    if (config_setting_name(s))
        write_path(s, buf, size);
    else
        snprintf(buf, size, "an element of %s", up && config_setting_name(up) ? config_setting_name(up) : "a list");
    return buf;
}

void reader_known(const struct reader *r, const config_setting_t *group, const char *const *keys)
{
    char path[128], all[512];
    for (unsigned i = 0; i < (unsigned)config_setting_length(group); i++) {
        const config_setting_t *s = config_setting_get_elem(group, i);
        const char *name = config_setting_name(s);
        bool known = false;
        for (const char *const *k = keys; *k && !known; k++)
            known = strcmp(name, *k) == 0;
        if (known)
            continue;
        const char *near = reader_nearest(name, keys);
        path_of(s, path, sizeof path);
        if (near)
            reader_error(r, s, "unknown setting %s, did you mean \"%s\"?", path, near);
        else
            reader_error(r, s, "unknown setting %s, expected %s", path, listed(keys, all, sizeof all));
    }
}

const char *reader_type(const config_setting_t *s)
{
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_GROUP:
        return "a group";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a number";
    case CONFIG_TYPE_FLOAT:
        return "a number with a fraction";
    case CONFIG_TYPE_STRING:
        return "a string";
    case CONFIG_TYPE_BOOL:
        return "a boolean";
    case CONFIG_TYPE_ARRAY:
        return "an array";
    default:
        return "a list";
    }
}

static void wrong_type(const struct reader *r, const config_setting_t *s, const char *expected)
{
    char path[128];
    reader_error(r, s, "%s is %s, expected %s", path_of(s, path, sizeof path), reader_type(s), expected);
}

int64_t reader_value(const config_setting_t *s)
{
    int64_t v = config_setting_get_int64(s);
    bool hex = config_setting_get_format(s) == CONFIG_FORMAT_HEX;
    return hex && config_setting_type(s) == CONFIG_TYPE_INT ? (int64_t)(uint32_t)v : v;
}

bool reader_number(const struct reader *r, const config_setting_t *group, const char *key, int64_t min, int64_t max,
                   int64_t *ret)
{
    char path[128], expected[96];
    const config_setting_t *s = config_setting_get_member(group, key);
    if (!s)
        return false;
    snprintf(expected, sizeof expected, "a number from %" PRId64 " to %" PRId64, min, max);
    if (config_setting_type(s) != CONFIG_TYPE_INT && config_setting_type(s) != CONFIG_TYPE_INT64) {
        wrong_type(r, s, expected);
        return false;
    }
    int64_t v = reader_value(s);
    if (v < min || v > max) {
        reader_error(r, s, "%s is %" PRId64 ", expected %s", path_of(s, path, sizeof path), v, expected);
        return false;
    }
    *ret = v;
    return true;
}

bool reader_u32(const struct reader *r, const config_setting_t *group, const char *key, uint32_t min, uint32_t max,
                uint32_t *ret)
{
    int64_t v;
    if (!reader_number(r, group, key, min, max, &v))
        return false;
    *ret = (uint32_t)v;
    return true;
}

bool reader_u16(const struct reader *r, const config_setting_t *group, const char *key, uint16_t min, uint16_t max,
                uint16_t *ret)
{
    int64_t v;
    if (!reader_number(r, group, key, min, max, &v))
        return false;
    *ret = (uint16_t)v;
    return true;
}

bool reader_duration(const struct reader *r, const config_setting_t *group, const char *key, uint32_t min, uint32_t max,
                     uint32_t *ret)
{
    char path[128], expected[128];
    uint32_t v;
    const config_setting_t *s = config_setting_get_member(group, key);
    if (!s)
        return false;
    snprintf(expected, sizeof expected, "%" PRIu32 " to %" PRIu32 " seconds, as a number or as " DURATION_FORMS, min,
             max);
    int type = config_setting_type(s);
    if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) {
        int64_t number = reader_value(s);
        if (number < min || number > max)
            reader_error(r, s, "%s is %" PRId64 ", expected %s", path_of(s, path, sizeof path), number, expected);
        else
            *ret = (uint32_t)number;
        return number >= min && number <= max;
    }
    if (type != CONFIG_TYPE_STRING) {
        wrong_type(r, s, expected);
        return false;
    }
    const char *text = config_setting_get_string(s);
    bool ok = duration_parse(text, strlen(text), &v) && v >= min && v <= max;
    if (ok)
        *ret = v;
    else
        reader_error(r, s, "%s is \"%s\", expected %s", path_of(s, path, sizeof path), text, expected);
    return ok;
}

/* The member of one type, or NULL. */
static const config_setting_t *member(const struct reader *r, const config_setting_t *group, const char *key, int type,
                                      const char *expected)
{
    const config_setting_t *s = config_setting_get_member(group, key);
    if (!s || config_setting_type(s) == type)
        return s;
    wrong_type(r, s, expected);
    return NULL;
}

bool reader_bool(const struct reader *r, const config_setting_t *group, const char *key, bool *ret)
{
    const config_setting_t *s = member(r, group, key, CONFIG_TYPE_BOOL, "true or false");
    if (s)
        *ret = config_setting_get_bool(s);
    return s;
}

bool reader_string(const struct reader *r, const config_setting_t *group, const char *key, const char **ret)
{
    const config_setting_t *s = member(r, group, key, CONFIG_TYPE_STRING, "a string");
    if (s)
        *ret = config_setting_get_string(s);
    return s;
}

bool reader_word(const struct reader *r, const config_setting_t *group, const char *key, const char *const *words,
                 unsigned *ret)
{
    char all[512], path[128];
    listed(words, all, sizeof all);
    const config_setting_t *s = member(r, group, key, CONFIG_TYPE_STRING, all);
    if (!s)
        return false;
    const char *is = config_setting_get_string(s);
    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(is, words[i]) == 0) {
            *ret = i;
            return true;
        }
    }
    reader_error(r, s, "%s is \"%s\", expected %s", path_of(s, path, sizeof path), is, all);
    return false;
}

const config_setting_t *reader_group(const struct reader *r, const config_setting_t *parent, const char *key)
{
    return member(r, parent, key, CONFIG_TYPE_GROUP, "a group { }");
}

const config_setting_t *reader_list(const struct reader *r, const config_setting_t *parent, const char *key)
{
    const config_setting_t *s = config_setting_get_member(parent, key);
    if (s && config_setting_type(s) == CONFIG_TYPE_ARRAY)
        return s;
    return member(r, parent, key, CONFIG_TYPE_LIST, "a list ( ) or an array [ ]");
}
