/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "main/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"

static void take_out(const char *name)
{
    sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

/* "queue7" is 7; -1 for what is no queue's name. */
static int number_of(const char *name)
{
    int end = 0;
    unsigned number;
    if (sscanf(name, "queue%5u%n", &number, &end) != 1 || name[end] || number > UINT16_MAX)
        return -1;
    return (int)number;
}

static bool is_there(const struct kept_queue *kept, size_t n, int number)
{
    for (size_t i = 0; i < n; i++)
        if (kept[i].number == number)
            return true;
    return false;
}

size_t store_take(struct kept_queue **ret)
{
    char **names = NULL;
    size_t n = 0;
    int got = sd_listen_fds_with_names(1, &names);
    struct kept_queue *kept = got > 0 ? calloc((size_t)got, sizeof *kept) : NULL;
    for (int i = 0; i < got; i++) {
        int fd = SD_LISTEN_FDS_START + i, number = names ? number_of(names[i]) : -1;
        if (kept && number >= 0 && !is_there(kept, n, number)) {
            kept[n++] = (struct kept_queue){.number = (uint16_t)number, .fd = fd};
            continue;
        }
        log_warning("\"%s\" in the file-descriptor store is no queue of ours", names ? names[i] : "?");
        if (names && number < 0)
            take_out(names[i]);
        close(fd);
    }
    for (int i = 0; names && i < got; i++)
        free(names[i]);
    free(names);
    *ret = kept;
    return n;
}

void store_clear(const struct kept_queue *kept, size_t n)
{
    char name[16];
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "queue%u", kept[i].number);
        if (!kept[i].taken)
            take_out(name);
    }
}

static bool was_taken(const struct kept_queue *kept, size_t n, uint16_t number)
{
    for (size_t i = 0; i < n; i++)
        if (kept[i].number == number)
            return kept[i].taken;
    return false;
}

bool store_put(const struct engine *e, const struct kept_queue *kept, size_t n)
{
    uint16_t number;
    bool all = true;
    store_clear(kept, n);
    for (size_t i = 0; engine_queue_fd(e, i, &number) >= 0; i++) {
        int fd = engine_queue_fd(e, i, &number);
        if (was_taken(kept, n, number))
            continue;
        char state[64];
        /* FDPOLL: an overrun must not look like the socket's end. */
        snprintf(state, sizeof state, "FDSTORE=1\nFDNAME=queue%u\nFDPOLL=0", number);
        all &= sd_pid_notify_with_fds(0, 0, state, &fd, 1) > 0;
    }
    return all;
}
