/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/rule_files.h"

#include <errno.h>
#include <glob.h>
#include <string.h>

bool strings_add(struct config_strings *to, const char *text)
{
    char **grown = reallocarray(to->at, to->n + 1, sizeof *grown);
    if (!grown)
        return false;
    to->at = grown;
    char *copy = strdup(text);
    if (!copy)
        return false;
    to->at[to->n++] = copy;
    return true;
}

void strings_free(struct config_strings *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->at[i]);
    free(s->at);
    *s = (struct config_strings){0};
}

/* The settings file's folder with what glob would take for a wildcard escaped, then the pattern. */
static char *from_folder_of(const char *file, const char *pattern)
{
    const char *slash = strrchr(file, '/');
    size_t folder = pattern[0] != '/' && slash ? (size_t)(slash - file) + 1 : 0;
    char *path = malloc(2 * folder + strlen(pattern) + 1), *to = path;
    if (!path)
        return NULL;
    for (size_t i = 0; i < folder; i++) {
        if (strchr("*?[\\", file[i]))
            *to++ = '\\';
        *to++ = file[i];
    }
    memcpy(to, pattern, strlen(pattern) + 1);
    return path;
}

static bool has(const struct config_strings *s, const char *text)
{
    for (size_t i = 0; i < s->n; i++) {
        if (strcmp(s->at[i], text) == 0)
            return true;
    }
    return false;
}

static void add_found(const struct reader *r, const config_setting_t *at, const glob_t *found,
                      struct config_strings *to)
{
    for (size_t i = 0; i < found->gl_pathc; i++) {
        if (!has(to, found->gl_pathv[i]) && !strings_add(to, found->gl_pathv[i])) {
            reader_error(r, at, "out of memory");
            return;
        }
    }
}

/* A folder that may not be read is an error; one that is not there holds no file. */
static int stop_at_error(const char *path, int error)
{
    (void)path;
    return error != ENOENT && error != ENOTDIR;
}

void rule_files_expand(const struct reader *r, const config_setting_t *at, const char *pattern,
                       struct config_strings *to)
{
    glob_t found = {0};
    AUTO_FREE char *path = from_folder_of(r->file, pattern);
    int rc = path ? glob(path, 0, stop_at_error, &found) : GLOB_NOSPACE;
    if (rc == 0)
        add_found(r, at, &found, to);
    else if (rc == GLOB_NOSPACE)
        reader_error(r, at, "out of memory");
    else if (rc == GLOB_ABORTED)
        reader_error(r, at, "cannot read the folder of \"%s\", expected one that may be read", pattern);
    else if (!strpbrk(pattern, "*?["))
        reader_error(r, at, "no rule file \"%s\", expected a file at %s", pattern, path);
    globfree(&found);
}
