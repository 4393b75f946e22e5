/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "match/set.h"

/* The entry on a line without its comment and the blanks around it; NULL when there is none. */
static char *entry_of(char *line, enum set_type type)
{
    char *start = line + strspn(line, " \t");
    /* A string may have # inside: there a comment is a line of its own. */
    if (type != SET_STRING)
        start[strcspn(start, "#")] = '\0';
    size_t n = strlen(start);
    while (n && strchr(" \t\r\n", start[n - 1]))
        start[--n] = '\0';
    return *start && *start != '#' ? start : NULL;
}

/* False when there is no use in reading on. */
static bool add_line(struct set *s, char *line, size_t len, const char *file, int number, struct diag *d)
{
    char why[200];
    if (strlen(line) != len) {
        diag_add(d, file, number, 0, "the line holds a zero byte, expected text");
        return true;
    }
    char *entry = entry_of(line, s->type);
    int r = entry ? set_add_text(s, entry, why, sizeof why) : 0;
    if (r == -EINVAL)
        diag_add(d, file, number, 0, "%s", why);
    else if (r)
        diag_add(d, file, number, 0, "out of memory");
    return r != -ENOMEM;
}

void set_add_file(struct set *s, const char *file, struct diag *d)
{
    AUTO_FCLOSE FILE *f = fopen(file, "re");
    AUTO_FREE char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    if (!f) {
        diag_add(d, file, 0, 0, "cannot read the set's file: %s", strerror(errno));
        return;
    }
    errno = 0;
    for (int number = 1; (len = getline(&line, &cap, f)) >= 0; number++)
        if (!add_line(s, line, (size_t)len, file, number, d))
            return;
    if (!feof(f))
        diag_add(d, file, 0, 0, "cannot read the set's file: %s", strerror(errno));
}
