/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define TEXT_MAX (64u << 20)

static int open_regular(const char *file, size_t *size, struct diag *d)
{
    struct stat st;
    /* Without O_NONBLOCK a FIFO would hold us up for ever. */
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        diag_add(d, file, 0, 0, "cannot open: %s, expected a readable file", strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        diag_add(d, file, 0, 0, "not a regular file, expected a readable file");
    } else if ((uintmax_t)st.st_size > TEXT_MAX) {
        diag_add(d, file, 0, 0, "too big, expected at most %u bytes", TEXT_MAX);
    } else {
        *size = (size_t)st.st_size;
        return fd;
    }
    close(fd);
    return -1;
}

char *text_read(const char *file, size_t *len, struct diag *d)
{
    size_t size = 0, got = 0;
    AUTO_CLOSE int fd = open_regular(file, &size, d);
    if (fd < 0)
        return NULL;
    char *text = malloc(size + 1);
    if (!text) {
        diag_add(d, file, 0, 0, "out of memory");
        return NULL;
    }
    while (got < size) {
        ssize_t n = read(fd, text + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            diag_add(d, file, 0, 0, "cannot read: %s, expected a readable file", strerror(errno));
            free(text);
            return NULL;
        }
        if (n == 0)
            break;
        got += (size_t)n;
    }
    text[got] = '\0';
    *len = got;
    return text;
}

/* A walk over the text that knows comments and strings, as libconfig's scanner has them. */
struct walk {
    const char *file, *at;
    int line;
    bool failed;
    struct diag *d;
};

static void fail(struct walk *w, const char *what)
{
    diag_add(w->d, w->file, w->line, 0, "%s", what);
    w->failed = true;
}

static void skip_line(struct walk *w)
{
    w->at += strcspn(w->at, "\n");
}

static void skip_block(struct walk *w)
{
    for (w->at += 2; *w->at && !(w->at[0] == '*' && w->at[1] == '/'); w->at++)
        w->line += *w->at == '\n';
    if (*w->at)
        w->at += 2;
}

static void skip_string(struct walk *w)
{
    for (w->at++; *w->at && *w->at != '"'; w->at++) {
        if (w->at[0] == '\\' && w->at[1])
            w->at++;
        w->line += *w->at == '\n';
    }
    if (*w->at)
        w->at++;
}

static void take_number(struct walk *w, bool negative)
{
    char *end;
    bool hex = w->at[0] == '0' && (w->at[1] == 'x' || w->at[1] == 'X');
    errno = 0;
    unsigned long long v = strtoull(w->at, &end, hex ? 16 : 10);
    bool over = errno == ERANGE, wide = *end == 'L';
    if (*end == '.' || *end == 'e' || *end == 'E') {
        w->at = end + strspn(end, "0123456789.eE+-");
        return;
    }
    unsigned long long max = hex    ? (wide ? ULLONG_MAX : UINT32_MAX)
                             : wide ? (unsigned long long)LLONG_MAX
                                    : (unsigned long long)INT_MAX + negative;
    if (over || v > max) {
        diag_add(w->d, w->file, w->line, 0, "number %.*s is too big, expected at most %llu%s", (int)(end - w->at),
                 w->at, max, wide ? "" : " (more with an L behind it)");
        w->failed = true;
    }
    w->at = end;
}

static void skip_name(struct walk *w)
{
    while (isalnum((unsigned char)*w->at) || *w->at == '_' || *w->at == '-' || *w->at == '*')
        w->at++;
}

static void take_include(struct walk *w)
{
    if (strncmp(w->at, "@include", 8) == 0)
        fail(w, "@include is not taken, expected all settings in this file (rules may name several files)");
    w->at++;
}

static void step(struct walk *w)
{
    char c = w->at[0], next = c ? w->at[1] : '\0';
    if (c == '#' || (c == '/' && next == '/')) {
        skip_line(w);
    } else if (c == '/' && next == '*') {
        skip_block(w);
    } else if (c == '"') {
        skip_string(w);
    } else if (isdigit((unsigned char)c)) {
        take_number(w, w->at[-1] == '-');
    } else if (isalpha((unsigned char)c) || c == '*' || c == '_') {
        skip_name(w);
    } else if (c == '@') {
        take_include(w);
    } else {
        w->line += c == '\n';
        w->at++;
    }
}

static int line_of(const char *text, const char *at)
{
    int line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

int text_check(const char *file, const char *text, size_t len, struct diag *d)
{
    size_t to_nul = strlen(text);
    if (to_nul < len) {
        diag_add(d, file, line_of(text, text + to_nul), 0, "a NUL byte, expected text");
        return -EINVAL;
    }
    struct walk w = {.file = file, .at = text, .line = 1, .d = d};
    /* The first byte has none before it for the sign to be looked up in. */
    if (isdigit((unsigned char)*text))
        take_number(&w, false);
    while (*w.at)
        step(&w);
    return w.failed ? -EINVAL : 0;
}
