/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "divert/divert.h"
#include "engine/generation.h"
#include "engine/plan.h"
#include "engine/replay.h"
#include "main/run.h"

static const char usage_text[] =
    "usage: sluiced run -c FILE     filter, in the foreground, until SIGTERM; SIGHUP reloads\n"
    "       sluiced check -c FILE   read the settings and the rules, tell what is wrong\n"
    "       sluiced check -c FILE --show-diversion\n"
    "                               the nftables table that they would install, and why each line is there\n"
    "       sluiced replay -c FILE [--json] PCAP...\n"
    "                               captures through the same rules; events and a summary to standard output\n"
    "       sluiced --version\n"
    "       sluiced --help\n"
    "\n"
    "  -c, --config FILE   the settings, default /etc/sluice/sluice.conf\n"
    "  -j, --json          replay: events and summary as JSON lines\n";

/* The table that a run with these settings would install; what had to be guessed goes to standard error. */
static int show_diversion(struct generation *g)
{
    struct divert d;
    char said[256];
    uint16_t queues = g->config->queues.count ? g->config->queues.count : (uint16_t)sysconf(_SC_NPROCESSORS_ONLN);
    divert_assume(g->config, queues, &d, said, sizeof said);
    fprintf(stderr, "sluiced: %s\n", said);
    int err = plan_make(g, &d);
    if (err)
        return err;
    plan_show_quiet(g, stdout);
    return divert_show(&d, g->config, &g->plan, stdout);
}

static void say_fine(const char *file, const struct generation *g)
{
    printf("%s: fine: %zu rules in %zu files\n", file, ruleset_count(g->rules), g->config->rule_files.n);
    if (!g->seclang)
        return;
    printf("%s: fine: %zu rules of SecLang in %zu files\n", file, seclang_count(g->seclang), g->config->seclang.n);
    for (size_t i = 0; i < seclang_warnings(g->seclang); i++)
        printf("%s\n", seclang_warning(g->seclang, i));
}

static int check(const char *file, bool show)
{
    struct diag *d = diag_new();
    if (!d)
        return 1;
    struct generation *g = generation_load(file, 0, d);
    int err = 0;
    if (g && show)
        err = show_diversion(g);
    else if (g)
        say_fine(file, g);
    diag_print(d, stderr);
    if (err)
        fprintf(stderr, "sluiced: %s\n", strerror(-err));
    int status = g && !err ? 0 : 1;
    generation_free(g);
    diag_free(d);
    return status;
}

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

static int run_command(const char *name, const char *file, bool show)
{
    if (strcmp(name, "check") == 0)
        return check(file, show);
    if (show)
        return usage("--show-diversion is for check", "");
    return strcmp(name, "run") == 0 ? run(file) : usage("unknown command: ", name);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},   {"json", no_argument, NULL, 'j'},
        {"show-diversion", no_argument, NULL, 'S'}, {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},           {0},
    };
    const char *file = "/etc/sluice/sluice.conf";
    bool json = false, show = false;
    for (int c; (c = getopt_long(argc, argv, "c:jVh", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            file = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'S':
            show = true;
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
        if (show)
            return usage("--show-diversion is for check", "");
        return replay(file, argv + optind + 1, (size_t)(argc - optind - 1), json);
    }
    if (json)
        return usage("--json is for replay", "");
    if (optind + 1 < argc)
        return usage("one word too many: ", argv[optind + 1]);
    return run_command(argv[optind], file, show);
}
