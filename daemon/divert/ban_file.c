/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file of bans: "ADDRESS ENDS SINCE REASON" a line, times in seconds since
 * 1970; lines that begin with # say nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/span.h"
#include "divert/ban_table.h"

#define HEADER "# sluice bans: address, end, begin (seconds since 1970), reason\n"
#define SECONDS_DIGITS_MAX 12

struct line_reader {
    const char *file, *text, *at;
    int number;
    struct diag *d;
};

static bool wrong(struct line_reader *r, const char *expected)
{
    diag_add(r->d, r->file, r->number, (int)(r->at - r->text) + 1, "expected %s; the line is left out", expected);
    return false;
}

/* The next word, which a space ends; false when it does not fit. */
static bool take_word(struct line_reader *r, char *buf, size_t size)
{
    size_t len = strcspn(r->at, " ");
    if (!len || len >= size)
        return false;
    memcpy(buf, r->at, len);
    buf[len] = '\0';
    return true;
}

static bool take_seconds(struct line_reader *r, int64_t *ret)
{
    char word[SECONDS_DIGITS_MAX + 1];
    if (!take_word(r, word, sizeof word) || word[strspn(word, "0123456789")] != '\0')
        return false;
    *ret = strtoll(word, NULL, 10);
    return true;
}

static void skip_word(struct line_reader *r)
{
    r->at += strcspn(r->at, " ");
    r->at += *r->at == ' ';
}

static bool is_reason(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~')
            return false;
    return len > 0 && len < BAN_REASON_MAX;
}

static bool parse_line(struct line_reader *r, struct ban_line *ret)
{
    char word[IP_ADDR_TEXT_MAX];
    if (!take_word(r, word, sizeof word) || !ip_addr_parse(word, &ret->addr))
        return wrong(r, "an address");
    skip_word(r);
    if (!take_seconds(r, &ret->ends))
        return wrong(r, "when the ban ends, in seconds since 1970");
    skip_word(r);
    if (!take_seconds(r, &ret->since) || ret->since > ret->ends)
        return wrong(r, "when the ban began, in seconds since 1970, not behind its end");
    skip_word(r);
    if (!is_reason(r->at))
        return wrong(r, "a reason of 1 to 39 printable characters");
    snprintf(ret->reason, sizeof ret->reason, "%s", r->at);
    return true;
}

/* A regular file only, and no endless one: either could hold us up. */
static FILE *open_file(const char *file, size_t max, struct diag *d)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        if (errno != ENOENT)
            diag_add(d, file, 0, 0, "%s", strerror(errno));
        return NULL;
    }
    struct stat st;
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!regular || (uint64_t)st.st_size > (uint64_t)max * BAN_FILE_LINE_MAX) {
        diag_add(d, file, 0, 0, regular ? "is too large for a file of bans" : "is not a regular file");
        close(fd);
        return NULL;
    }
    FILE *f = fdopen(fd, "r");
    if (!f) {
        diag_add(d, file, 0, 0, "%s", strerror(errno));
        close(fd);
    }
    return f;
}

/* Returns the line's length without its end, what is over `size` - 1 bytes left out; -1 at the file's end. */
static long read_line(FILE *f, char *buf, size_t size)
{
    long len = 0;
    int c = getc_unlocked(f);
    if (c == EOF)
        return -1;
    for (; c != EOF && c != '\n'; c = getc_unlocked(f), len++)
        if ((size_t)len < size - 1)
            buf[len] = (char)c;
    buf[(size_t)len < size - 1 ? (size_t)len : size - 1] = '\0';
    return len;
}

void ban_file_read(const char *file, size_t max, bool (*each)(const struct ban_line *line, void *ctx), void *ctx,
                   struct diag *d)
{
    AUTO_FCLOSE FILE *f = open_file(file, max, d);
    char text[BAN_FILE_LINE_MAX];
    struct line_reader r = {.file = file, .text = text, .d = d};
    if (!f)
        return;
    for (long len; (len = read_line(f, text, sizeof text)) >= 0;) {
        struct ban_line line = {0};
        r.at = text;
        r.number++;
        if ((size_t)r.number > max) {
            diag_add(d, file, r.number, 1, "more lines than there can be bans; the rest is left out");
            return;
        }
        if (len == 0 || text[0] == '#')
            continue;
        if ((size_t)len >= sizeof text || strlen(text) != (size_t)len)
            (void)wrong(&r, "a line of text");
        else if (parse_line(&r, &line) && !each(&line, ctx))
            return;
    }
}

static void write_lines(FILE *f, const struct ban_line *lines, size_t n)
{
    char addr[IP_ADDR_TEXT_MAX];
    fputs(HEADER, f);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s %lld %lld %s\n", ip_addr_format(&lines[i].addr, addr), (long long)lines[i].ends,
                (long long)lines[i].since, lines[i].reason);
}

static int write_new(const char *path, const struct ban_line *lines, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return -errno;
    FILE *f = fdopen(fd, "w");
    if (!f) {
        close(fd);
        return -ENOMEM;
    }
    write_lines(f, lines, n);
    int err = fflush(f) || ferror(f) || fsync(fd) < 0 ? -errno : 0;
    if (fclose(f) && !err)
        err = -errno;
    return err;
}

/* The new name must outlive a power cut as well. */
static int sync_folder(const char *file)
{
    AUTO_FREE char *folder = strdup(file);
    if (!folder)
        return -ENOMEM;
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    AUTO_CLOSE int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int ban_file_write(const char *file, const struct ban_line *lines, size_t n)
{
    AUTO_FREE char *path = malloc(strlen(file) + sizeof ".new");
    if (!path)
        return -ENOMEM;
    sprintf(path, "%s.new", file);
    int err = write_new(path, lines, n);
    if (!err && rename(path, file) < 0)
        err = -errno;
    if (err)
        unlink(path);
    else
        err = sync_folder(file);
    return err;
}
