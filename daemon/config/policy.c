/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/policy.h"

static const char *const words[] = {[POLICY_OPEN] = "open", [POLICY_CLOSED] = "closed", NULL};

const char *policy_name(enum policy p)
{
    return words[p];
}

void policy_read(const struct reader *r, const config_setting_t *group, const char *key, enum policy *ret)
{
    unsigned word;
    if (reader_word(r, group, key, words, &word))
        *ret = (enum policy)word;
}
