/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

int queue_read_proc(uint16_t number, struct queue_proc *ret)
{
    /* "self" is the main thread's; this thread's own namespace is meant. */
    AUTO_FCLOSE FILE *f = fopen("/proc/thread-self/net/netfilter/nfnetlink_queue", "re");
    if (!f)
        return -errno;
    char line[256];
    while (fgets(line, sizeof line, f)) {
        unsigned n;
        struct queue_proc p = {0};
        if (sscanf(line, "%u %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu32, &n,
                   &p.portid, &p.waiting, &p.copy_mode, &p.copy_range, &p.queue_dropped, &p.user_dropped,
                   &p.last_id) != 8)
            continue;
        if (n == number) {
            *ret = p;
            return 0;
        }
    }
    return -ENOENT;
}
