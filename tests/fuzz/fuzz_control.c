/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client of the control socket may send as its line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"status", "stats", "rules", "reload"};
    enum control_command got = control_parse((const char *)data, size), expected = CONTROL_UNKNOWN;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (size == strlen(names[i]) && memcmp(data, names[i], size) == 0)
            expected = (enum control_command)i;
    if (got != expected)
        abort();
    return 0;
}
