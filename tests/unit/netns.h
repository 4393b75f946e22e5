/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests that need the kernel: each runs in a network namespace of its own. */
#ifndef SLUICE_TESTS_NETNS_H
#define SLUICE_TESTS_NETNS_H

#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether this process may make namespaces; where not, says so: those tests are skipped. */
static inline bool netns_possible(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(unshare(CLONE_NEWNET) == 0 ? 0 : errno);
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) < 0)
        return false;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    printf("skipped: the tests against the kernel need root (unshare: %s)\n", strerror(WEXITSTATUS(status)));
    return false;
}

/* Moves this process into a new namespace with lo up. A checked fixture: Check has forked. */
static inline void netns_enter(void)
{
    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    struct ifreq ifr = {.ifr_name = "lo"};
    ck_assert_int_eq(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
    ifr.ifr_flags |= IFF_UP;
    ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
    close(fd);
}

/* What a command prints, in a static buffer; the test fails where it cannot be run. */
static inline const char *netns_run(const char *command)
{
    static char text[65536];
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    int status = pclose(f);
    ck_assert_msg(status == 0, "%s: status %d: %s", command, status, text);
    return text;
}

#endif
