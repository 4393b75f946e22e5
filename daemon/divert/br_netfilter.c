/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The switches that send bridged packets through the inet hooks (kernel: ip-sysctl.rst, net/bridge). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "divert/divert.h"

#define FOLDER "/proc/sys/net/bridge/"

static const char *const switches[] = {
    "bridge-nf-call-iptables", "bridge-nf-call-ip6tables",
    "bridge-nf-filter-vlan-tagged", /* without it tagged packets pass the queue by */
};

static int read_switch(const char *name, bool *ret)
{
    char path[128], value;
    snprintf(path, sizeof path, FOLDER "%s", name);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (read(fd, &value, 1) != 1)
        return -EIO;
    *ret = value != '0';
    return 0;
}

static int turn_on(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, FOLDER "%s", name);
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return write(fd, "1", 1) == 1 ? 0 : -errno;
}

static int one_switch(const char *name, enum br_netfilter how, char *said, size_t size, char *why, size_t why_size)
{
    bool on = false;
    int err = read_switch(name, &on);
    if (err) {
        snprintf(why, why_size, FOLDER "%s: %s; is the module br_netfilter loaded (modprobe br_netfilter)?", name,
                 strerror(-err));
        return err;
    }
    if (on)
        return 0;
    if (how == BR_NETFILTER_CHECK) {
        snprintf(why, why_size,
                 "net.bridge.%s is 0: bridged traffic would pass the queues by; "
                 "set it to 1 or let divert.br_netfilter = \"set\" do so",
                 name);
        return -EINVAL;
    }
    err = turn_on(name);
    if (err) {
        snprintf(why, why_size, "net.bridge.%s cannot be set to 1: %s", name, strerror(-err));
        return err;
    }
    size_t used = strlen(said);
    snprintf(said + used, size - used, "%snet.bridge.%s", used ? ", " : "", name);
    return 0;
}

int divert_br_netfilter(const struct divert *d, const struct config *c, char *said, size_t said_size, char *why,
                        size_t why_size)
{
    said[0] = '\0';
    if (!d->bridged || d->bridge_family || d->hook != HOOK_FORWARD)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(switches); i++) {
        int err = one_switch(switches[i], c->divert.br_netfilter, said, said_size, why, why_size);
        if (err)
            return err;
    }
    return 0;
}
