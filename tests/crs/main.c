/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of crs_oracle and crs_replay; see README.md. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "transactions.h"

struct settings {
    struct engine_options engine;
    const char *input; /* NULL: stdin */
    unsigned long rounds, seconds, first;
    bool messages;
};

static double microseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Runs the transaction `rounds` times, after one that is not measured where there is more than one. */
static void run(struct engine *e, const struct settings *s, const struct transaction *t, double *times,
                struct outcome *ret)
{
    /* A regex that does not end would hold up everything: the signal ends the program. */
    alarm((unsigned)s->seconds);
    if (s->rounds > 1) {
        outcome_clear(ret);
        engine_run(e, t, ret);
    }
    for (unsigned long i = 0; i < s->rounds; i++) {
        outcome_clear(ret);
        double from = microseconds();
        engine_run(e, t, ret);
        times[i] = microseconds() - from;
    }
    alarm(0);
    qsort(times, s->rounds, sizeof *times, by_size);
    ret->us = times[s->rounds / 2];
}

static int run_all(struct engine *e, const struct settings *s, FILE *in)
{
    AUTO_FREE double *times = calloc(s->rounds, sizeof *times);
    AUTO_FREE struct outcome *o = calloc(1, sizeof *o);
    if (!times || !o) {
        fprintf(stderr, "%s: out of memory\n", engine_name);
        return 1;
    }
    o->messages = s->messages;
    uint32_t number = (uint32_t)s->first - 1;
    struct transaction t;
    int bad = 0;
    for (;;) {
        enum read_result got = transaction_read(in, &number, &t);
        if (got == READ_END)
            return bad;
        if (got == READ_BAD) {
            bad = 1;
            continue;
        }
        run(e, s, &t, times, o);
        outcome_write(stdout, &t, o);
        outcome_clear(o);
        transaction_free(&t);
    }
}

static int usage(void)
{
    fprintf(stderr,
            "usage: %s [-i TRANSACTIONS] [-r ROUNDS] [-s SECONDS] [-n FIRST] [-m] [-c CACHE] CONFIGURATION...\n"
            "  -i  JSON lines as in tests.jsonl (stdin)\n"
            "  -r  so often is each run, the time is the median (1)\n"
            "  -s  ends the program when a transaction's rounds take longer (30)\n"
            "  -n  the number of the first transaction (1)\n"
            "  -m  the rules' messages too\n"
            "  -c  folder for compiled patterns\n",
            engine_name);
    return 2;
}

static bool number_of(const char *text, unsigned long max, unsigned long *ret)
{
    char *end;
    errno = 0;
    *ret = strtoul(text, &end, 10);
    return !errno && end != text && !*end && *ret > 0 && *ret <= max;
}

static bool options(int argc, char **argv, struct settings *s)
{
    *s = (struct settings){.rounds = 1, .seconds = 30, .first = 1};
    int c;
    while ((c = getopt(argc, argv, "i:r:s:n:mc:")) != -1) {
        bool good = true;
        switch (c) {
        case 'i':
            s->input = optarg;
            break;
        case 'r':
            good = number_of(optarg, 1000000, &s->rounds);
            break;
        case 's':
            good = number_of(optarg, 86400, &s->seconds);
            break;
        case 'n':
            good = number_of(optarg, UINT32_MAX, &s->first);
            break;
        case 'm':
            s->messages = true;
            break;
        case 'c':
            s->engine.cache = optarg;
            break;
        default:
            good = false;
        }
        if (!good)
            return false;
    }
    s->engine.files = (const char *const *)argv + optind;
    s->engine.n_files = (size_t)(argc - optind);
    return s->engine.n_files > 0;
}

/* KiB of memory that the process has now. */
static unsigned long resident(void)
{
    AUTO_FCLOSE FILE *f = fopen("/proc/self/statm", "r");
    unsigned long all, now = 0;
    if (!f || fscanf(f, "%lu %lu", &all, &now) != 2)
        return 0;
    return now * ((unsigned long)sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
    struct settings s;
    if (!options(argc, argv, &s))
        return usage();
    AUTO_FCLOSE FILE *file = s.input ? fopen(s.input, "r") : NULL;
    if (s.input && !file) {
        fprintf(stderr, "%s: %s: %s\n", engine_name, s.input, strerror(errno));
        return 1;
    }
    double from = microseconds();
    struct engine *e = engine_open(&s.engine);
    if (!e)
        return 1;
    fprintf(stderr, "%s: loaded in %.0f ms, %lu KiB resident\n", engine_name, (microseconds() - from) / 1000,
            resident());
    int status = run_all(e, &s, file ? file : stdin);
    engine_close(e);
    return status;
}
