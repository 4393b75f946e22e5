/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a file of bans: what is read from it, written and read again is the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/diag.h"
#include "divert/ban_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 64

struct lines {
    struct ban_line at[LINES_MAX];
    size_t n;
};

static bool take(const struct ban_line *line, void *ctx)
{
    struct lines *l = ctx;
    size_t len = strnlen(line->reason, sizeof line->reason);
    if ((line->addr.family != 4 && line->addr.family != 6) || !len || len == sizeof line->reason ||
        line->since > line->ends || line->since < 0 || l->n == LINES_MAX)
        abort();
    l->at[l->n++] = *line;
    return l->n < LINES_MAX;
}

static void read_back(const char *file, struct lines *ret, size_t errors_max)
{
    struct diag *d = diag_new();
    if (!d)
        abort();
    ret->n = 0;
    ban_file_read(file, 10000, take, ret, d);
    if (diag_count(d) > errors_max)
        abort();
    diag_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lines first, second;
    char path[64], written[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    snprintf(written, sizeof written, "/tmp/fuzz_bans.%ld", (long)getpid());
    read_back(path, &first, size + 1);
    if (ban_file_write(written, first.at, first.n) < 0)
        abort();
    read_back(written, &second, 0);
    if (first.n != second.n || memcmp(first.at, second.at, first.n * sizeof first.at[0]) != 0)
        abort();
    unlink(written);
    close(fd);
    return 0;
}
