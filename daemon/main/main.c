/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "engine/generation.h"
#include "engine/replay.h"
#include "main/run.h"

static const char usage_text[] =
    "usage: sluiced run -c FILE     filter, in the foreground, until SIGTERM; SIGHUP reloads\n"
    "       sluiced check -c FILE   read the settings and the rules, tell what is wrong\n"
    "       sluiced replay -c FILE [--json] PCAP...\n"
    "                               captures through the same rules; events and a summary to standard output\n"
    "       sluiced --version\n"
    "       sluiced --help\n"
    "\n"
    "  -c, --config FILE   the settings, default /etc/sluice/sluice.conf\n"
    "  -j, --json          replay: events and summary as JSON lines\n";

static int check(const char *file)
{
    struct diag *d = diag_new();
    if (!d)
        return 1;
    struct generation *g = generation_load(file, 0, d);
    if (g)
        printf("%s: fine: %zu rules in %zu files\n", file, ruleset_count(g->rules), g->config->rule_files.n);
    diag_print(d, stderr);
    int status = g ? 0 : 1;
    generation_free(g);
    diag_free(d);
    return status;
}

static const struct command {
    const char *name;
    int (*main)(const char *file);
} commands[] = {
    {"run", run},
    {"check", check},
};

static int usage(const char *what, const char *arg)
{
    fprintf(stderr, "sluiced: %s%s\n%s", what, arg, usage_text);
    return 2;
}

static int replay(const char *file, char *const *captures, size_t n, bool json)
{
    struct diag *d = diag_new();
    if (!d)
        return 1;
    struct replay *r = replay_new(file, json, stdout, d);
    int err = r ? 0 : -1;
    for (size_t i = 0; i < n && !err; i++)
        err = replay_capture(r, captures[i], d);
    if (r)
        replay_summary(r);
    diag_print(d, stderr);
    diag_free(d);
    replay_free(r);
    return err || fflush(stdout) || ferror(stdout) ? 1 : 0;
}

static int run_command(const char *name, const char *file)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].main(file);
    return usage("unknown command: ", name);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *file = "/etc/sluice/sluice.conf";
    bool json = false;
    for (int c; (c = getopt_long(argc, argv, "c:jVh", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            file = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'V':
            printf("sluiced %s\n", SLUICE_VERSION);
            return 0;
        case 'h':
            fputs(usage_text, stdout);
            return 0;
        default:
            return usage("expected a command and its options", "");
        }
    }
    if (optind == argc)
        return usage("expected a command: run, check or replay", "");
    if (strcmp(argv[optind], "replay") == 0) {
        if (optind + 1 == argc)
            return usage("replay without a capture, expected PCAP...", "");
        return replay(file, argv + optind + 1, (size_t)(argc - optind - 1), json);
    }
    if (json)
        return usage("--json is for replay", "");
    if (optind + 1 < argc)
        return usage("one word too many: ", argv[optind + 1]);
    return run_command(argv[optind], file);
}
