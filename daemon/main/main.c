/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "engine/generation.h"
#include "main/run.h"

static const char usage_text[] =
    "usage: sluiced run -c FILE     filter, in the foreground, until SIGTERM; SIGHUP reloads\n"
    "       sluiced check -c FILE   read the settings and the rules, tell what is wrong\n"
    "       sluiced --version\n"
    "       sluiced --help\n"
    "\n"
    "  -c, --config FILE   the settings, default /etc/sluice/sluice.conf\n";

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
        {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    const char *file = "/etc/sluice/sluice.conf";
    for (int c; (c = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            file = optarg;
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
        return usage("expected a command: run or check", "");
    if (optind + 1 < argc)
        return usage("one word too many: ", argv[optind + 1]);
    return run_command(argv[optind], file);
}
