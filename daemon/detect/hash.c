/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/random.h>

#include "detect/internal.h"

bool hash_key_new(struct hash_key *ret)
{
    return getrandom(ret, sizeof *ret, 0) == (ssize_t)sizeof *ret;
}
