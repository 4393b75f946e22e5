/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/diag.h"

#include <string.h>

#define KEEP_MAX 200

struct diag {
    size_t count, kept;
    char *text[KEEP_MAX];
};

struct diag *diag_new(void)
{
    return calloc(1, sizeof(struct diag));
}

void diag_free(struct diag *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->kept; i++)
        free(d->text[i]);
    free(d);
}

static int place(char *buf, size_t size, const char *file, int line, int col)
{
    if (!file)
        return snprintf(buf, size, "%s", "");
    if (line <= 0)
        return snprintf(buf, size, "%s: ", file);
    if (col <= 0)
        return snprintf(buf, size, "%s:%d: ", file, line);
    return snprintf(buf, size, "%s:%d:%d: ", file, line, col);
}

void diag_add(struct diag *d, const char *file, int line, int col, const char *fmt, ...)
{
    d->count++;
    if (d->kept == KEEP_MAX)
        return;
    char where[512], what[1024];
    place(where, sizeof where, file, line, col);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    char *text = NULL;
    if (asprintf(&text, "%s%s", where, what) >= 0)
        d->text[d->kept++] = text;
}

size_t diag_count(const struct diag *d)
{
    return d->count;
}

const char *diag_text(const struct diag *d, size_t i)
{
    return i < d->kept ? d->text[i] : NULL;
}

void diag_print(const struct diag *d, FILE *out)
{
    for (size_t i = 0; i < d->kept; i++)
        fprintf(out, "%s\n", d->text[i]);
    if (d->count > d->kept)
        fprintf(out, "and %zu more errors\n", d->count - d->kept);
}
