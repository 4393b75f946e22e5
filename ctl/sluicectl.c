/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sluicectl: sends one command to sluiced and shows its answer. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "show.h"

#define DEFAULT_SOCKET "/run/sluice/sluice.sock"
#define ANSWER_MAX (256u << 20)
#define LINE_MAX_BYTES 128 /* what sluiced takes */

static const struct command {
    const char *name, *args;
    int min, max; /* arguments */
    enum show show;
    const char *what;
} commands[] = {
    {"status", "", 0, 0, SHOW_JSON, "what runs: mode, kernel features chosen, generation, policies"},
    {"stats", "", 0, 0, SHOW_JSON, "counters for each verdict, reason, queue and matched rule"},
    {"rules", "", 0, 0, SHOW_JSON, "every rule, where it stands, how often it matched"},
    {"reload", "", 0, 0, SHOW_JSON, "read the settings and rules anew; tells what is wrong with them"},
    {"bans", "", 0, 0, SHOW_BANS, "the banned addresses, for how long yet, and why"},
    {"ban", "ADDRESS [TIME]", 1, 2, SHOW_NONE, "ban an address; for so many seconds, or 90s, 10m, 2h, 7d"},
    {"unban", "ADDRESS|all", 1, 1, SHOW_NONE, "let an address, or all of them, in again"},
    {"diversion", "", 0, 0, SHOW_TEXT, "the table that is in force, and why each line is in it"},
};

#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void usage(FILE *out)
{
    fprintf(out, "usage: sluicectl [-s SOCKET] [--json | --text] COMMAND\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++) {
        int used = fprintf(out, "  %s %s", commands[i].name, commands[i].args);
        fprintf(out, "%*s%s\n", used < 24 ? 24 - used : 1, "", commands[i].what);
    }
    fprintf(out, "\n  -s, --socket SOCKET   default " DEFAULT_SOCKET "\n"
                 "  -j, --json            the answer as sluiced gives it: JSON\n"
                 "  -t, --text            the answer to be read, also of status, stats, rules and reload\n");
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
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

/* The whole answer, with a NUL behind it, to be freed; NULL with errno. */
static char *read_answer(int fd, size_t *ret)
{
    size_t len = 0, size = 0;
    char *text = NULL;
    for (;;) {
        if (size - len < 2) {
            size = size ? size * 2 : 65536;
            char *more = size <= ANSWER_MAX ? realloc(text, size) : NULL;
            if (!more) {
                free(text);
                errno = size <= ANSWER_MAX ? ENOMEM : EMSGSIZE;
                return NULL;
            }
            text = more;
        }
        ssize_t n = read(fd, text + len, size - len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(text);
            return NULL;
        }
        if (n == 0)
            break;
        len += (size_t)n;
    }
    text[len] = '\0';
    *ret = len;
    return text;
}

/* The command and its arguments as one line; false where one of them would not stay a word of it. */
static bool write_line(char *line, size_t size, int argc, char **argv)
{
    size_t at = 0;
    for (int i = 0; i < argc; i++) {
        size_t len = strlen(argv[i]);
        if (len == 0 || strpbrk(argv[i], " \t\r\n") || at + len + 2 > size)
            return false;
        memcpy(line + at, argv[i], len);
        at += len;
        line[at++] = i + 1 < argc ? ' ' : '\n';
    }
    line[at] = '\0';
    return true;
}

static int run(const char *path, const char *line, enum show show)
{
    size_t len = 0;
    int fd = dial(path);
    if (fd < 0) {
        fprintf(stderr, "sluicectl: %s: %s\n", path, strerror(errno));
        return 1;
    }
    char *answer = send(fd, line, strlen(line), MSG_NOSIGNAL) < 0 ? NULL : read_answer(fd, &len);
    if (!answer)
        fprintf(stderr, "sluicectl: %s: %s\n", path, strerror(errno));
    bool ok = answer && show_answer(answer, len, show);
    free(answer);
    close(fd);
    if (fflush(stdout) != 0) {
        fprintf(stderr, "sluicectl: standard output: %s\n", strerror(errno));
        return 1;
    }
    return ok ? 0 : 1;
}

/* What the words behind the options say. */
static int command(const char *path, int argc, char **argv, bool json, bool text)
{
    char line[LINE_MAX_BYTES];
    const struct command *c = argc > 0 ? find(argv[0]) : NULL;
    if (!c || argc - 1 < c->min || argc - 1 > c->max || (json && text)) {
        usage(stderr);
        return 2;
    }
    if (!write_line(line, sizeof line, argc, argv)) {
        fprintf(stderr, "sluicectl: %s: an argument is empty, has blanks or is too long, expected %s\n", c->name,
                c->args);
        return 2;
    }
    return run(path, line, json ? SHOW_JSON : text && c->show == SHOW_JSON ? SHOW_TREE : c->show);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'}, {"json", no_argument, NULL, 'j'}, {"text", no_argument, NULL, 't'},
        {"version", no_argument, NULL, 'V'},      {"help", no_argument, NULL, 'h'}, {0},
    };
    const char *path = DEFAULT_SOCKET;
    bool json = false, text = false;
    for (int c; (c = getopt_long(argc, argv, "s:jtVh", options, NULL)) != -1;) {
        switch (c) {
        case 's':
            path = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 't':
            text = true;
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
    return command(path, argc - optind, argv + optind, json, text);
}
