/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/duration.h"
#include "control/control.h"

#define WORDS_MAX 3
#define WORD_MAX 63
#define PREFIX6_MIN 32

/* A line's words, each ended. */
struct words {
    char at[WORDS_MAX][WORD_MAX + 1];
    size_t n;
};

static const char *no_arguments(const struct words *w, struct control_request *ret)
{
    (void)ret;
    return w->n == 1 ? NULL : "this command takes no arguments, expected none";
}

/* An address, or of IPv6 a network. */
static const char *read_net(const char *text, struct control_request *ret)
{
    int err = ip_net_parse(text, &ret->net);
    if (err && err != -EDOM)
        return "no address, expected one as 192.0.2.1 or 2001:db8::1, or for IPv6 a network as 2001:db8::/64";
    ret->prefix = strchr(text, '/');
    if (ret->net.addr.family == 4 && ret->net.prefix != 32)
        return "a network of IPv4, expected an address as 192.0.2.1";
    if (ret->net.prefix < PREFIX6_MIN)
        return "prefix too short, expected 32 to 128";
    return NULL;
}

static const char *read_ban(const struct words *w, struct control_request *ret)
{
    const char *wrong = w->n < 2 ? "ban without an address, expected ban ADDRESS [SECONDS]" : read_net(w->at[1], ret);
    if (wrong || w->n == 2)
        return wrong;
    bool ok = duration_parse(w->at[2], strlen(w->at[2]), &ret->seconds);
    return ok && ret->seconds >= 1 && ret->seconds <= DURATION_MAX
               ? NULL
               : "no time, expected seconds from 1 to 31536000, or as 90s, 10m, 2h, 7d";
}

static const char *read_unban(const struct words *w, struct control_request *ret)
{
    if (w->n != 2)
        return "unban takes one argument, expected unban ADDRESS or unban all";
    ret->all = strcmp(w->at[1], "all") == 0;
    return ret->all ? NULL : read_net(w->at[1], ret);
}

static const struct {
    const char *name;
    enum control_command command;
    const char *(*read)(const struct words *w, struct control_request *ret);
} commands[] = {
    {"status", CONTROL_STATUS, no_arguments}, {"stats", CONTROL_STATS, no_arguments},
    {"rules", CONTROL_RULES, no_arguments},   {"reload", CONTROL_RELOAD, no_arguments},
    {"ban", CONTROL_BAN, read_ban},           {"unban", CONTROL_UNBAN, read_unban},
    {"bans", CONTROL_BANS, no_arguments},     {"diversion", CONTROL_DIVERSION, no_arguments},
};

/* Words with one blank between them; false for anything else. */
static bool split(const char *line, size_t len, struct words *ret)
{
    size_t at = 0;
    ret->n = 0;
    if (memchr(line, '\0', len))
        return false;
    for (;;) {
        const char *blank = memchr(line + at, ' ', len - at);
        size_t n = blank ? (size_t)(blank - line) - at : len - at;
        if (n == 0 || n > WORD_MAX || ret->n == WORDS_MAX)
            return false;
        memcpy(ret->at[ret->n], line + at, n);
        ret->at[ret->n++][n] = '\0';
        if (!blank)
            return true;
        at += n + 1;
    }
}

const char *control_parse(const char *line, size_t len, struct control_request *ret)
{
    struct words w;
    *ret = (struct control_request){0};
    if (len == 0 || !split(line, len, &w))
        return "no command, expected a word and at most two arguments, with a blank between them";
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, w.at[0]) != 0)
            continue;
        ret->command = commands[i].command;
        return commands[i].read(&w, ret);
    }
    return "unknown command, expected status, stats, rules, reload, ban, unban, bans or diversion";
}
