/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sluicectl: sends one command to sluiced and prints its JSON answer. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/run/sluice/sluice.sock"

static const char *const commands[][2] = {
    {"status", "what runs: mode, kernel features chosen, generation, policies"},
    {"stats", "counters for each verdict, reason, queue and matched rule"},
    {"rules", "every rule, where it stands, how often it matched"},
    {"reload", "read the settings and rules anew; tells what is wrong with them"},
};

#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void usage(FILE *out)
{
    fprintf(out, "usage: sluicectl [-s SOCKET] COMMAND\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-8s %s\n", commands[i][0], commands[i][1]);
    fprintf(out, "\n  -s, --socket SOCKET   default " DEFAULT_SOCKET "\n");
}

static bool known(const char *command)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i][0], command) == 0)
            return true;
    return false;
}

static int dial(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof addr.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(addr.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof addr) == 0)
        return fd;
    int err = errno;
    if (fd >= 0)
        close(fd);
    errno = err;
    return -1;
}

/* Copies the answer out; whether it came whole and tells of no failure. */
static bool print_answer(int fd)
{
    char buf[65536];
    bool first = true, ok = false;
    ssize_t n;
    while ((n = read(fd, buf, sizeof buf - 1)) > 0) {
        buf[n] = '\0';
        if (first)
            ok = strncmp(buf, "{\"error\"", 8) != 0 && strncmp(buf, "{\"ok\":false", 11) != 0;
        first = false;
        fwrite(buf, 1, (size_t)n, stdout);
    }
    return ok && n == 0;
}

static int run(const char *path, const char *command)
{
    int fd = dial(path);
    if (fd < 0) {
        fprintf(stderr, "sluicectl: %s: %s\n", path, strerror(errno));
        return 1;
    }
    dprintf(fd, "%s\n", command);
    bool ok = print_answer(fd);
    close(fd);
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *path = DEFAULT_SOCKET;
    for (int c; (c = getopt_long(argc, argv, "s:Vh", options, NULL)) != -1;) {
        switch (c) {
        case 's':
            path = optarg;
            break;
        case 'V':
            printf("sluicectl %s\n", SLUICE_VERSION);
            return 0;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return 2;
        }
    }
    if (optind + 1 != argc || !known(argv[optind])) {
        usage(stderr);
        return 2;
    }
    return run(path, argv[optind]);
}
