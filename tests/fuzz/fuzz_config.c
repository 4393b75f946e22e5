/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a settings file: config_load must end with settings or with errors, never both nor neither. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct diag *d = diag_new();
    if (!d)
        abort();
    struct config *c = config_load(path, d);
    if ((c != NULL) != (diag_count(d) == 0))
        abort();
    config_free(c);
    diag_free(d);
    close(fd);
    return 0;
}
