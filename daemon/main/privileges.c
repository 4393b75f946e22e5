/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "main/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>

int privileges_drop(void)
{
    if (capng_get_caps_process() < 0)
        return -EPERM;
    bool admin = capng_have_capability(CAPNG_PERMITTED, CAP_NET_ADMIN);
    bool raw = capng_have_capability(CAPNG_PERMITTED, CAP_NET_RAW);
    bool may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
    capng_clear(CAPNG_SELECT_BOTH);
    capng_type_t kept = CAPNG_EFFECTIVE | CAPNG_PERMITTED;
    if (admin)
        capng_update(CAPNG_ADD, kept, CAP_NET_ADMIN);
    if (raw)
        capng_update(CAPNG_ADD, kept, CAP_NET_RAW);
    if (capng_apply(may_bound ? CAPNG_SELECT_BOTH : CAPNG_SELECT_CAPS) < 0)
        return -EPERM;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}
