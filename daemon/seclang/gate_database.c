/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Databases of strings: compiled side by side, or taken from the cache. */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "match/database.h"
#include "seclang/gate_internal.h"

#define THREADS_MAX 16
#define SHORT 4 /* strings below this may be everywhere: one report is enough */

/* Not block mode: there the library misses two bytes at the very end of short values in some databases (5.4.9). */
#define MODE HS_MODE_VECTORED

struct work {
    struct sec_gate *g;
    const struct sec_gate_build *b;
    const char *cache;
    atomic_uint next;
};

static void recipe_free(struct recipe *r)
{
    free(r->texts);
    free(r->flags);
    free(r->ids);
    arena_free(&r->arena);
}

/* A string as a regex: every byte in hexadecimal. */
static char *write_literal(struct arena *a, struct span s)
{
    static const char digits[] = "0123456789abcdef";
    char *text = arena_alloc(a, s.len * 4 + 1), *to = text;
    for (size_t i = 0; text && i < s.len; i++) {
        to = stpcpy(to, "\\x");
        *to++ = digits[s.data[i] >> 4];
        *to++ = digits[s.data[i] & 15];
    }
    return text;
}

static bool make_recipe(struct recipe *r, const struct sec_gate_build *b, const struct gate_database *d)
{
    *r = (struct recipe){.patterns = d->n};
    r->texts = malloc(d->n * sizeof *r->texts);
    r->flags = malloc(d->n * sizeof *r->flags);
    r->ids = malloc(d->n * sizeof *r->ids);
    for (; r->texts && r->flags && r->ids && r->n < d->n; r->n++) {
        struct span s = b->strings.at[d->strings[r->n]];
        r->texts[r->n] = write_literal(&r->arena, s);
        r->flags[r->n] = HS_FLAG_CASELESS | (s.len < SHORT ? HS_FLAG_SINGLEMATCH : 0);
        r->ids[r->n] = (unsigned)r->n;
        if (!r->texts[r->n])
            return false;
    }
    return r->n == d->n;
}

static bool compile(const struct recipe *r, struct cache_entry *e)
{
    hs_compile_error_t *error = NULL;
    hs_error_t rc = hs_compile_multi(r->texts, r->flags, r->ids, (unsigned)r->n, MODE, NULL, &e->db, &error);
    if (error)
        (void)hs_free_compile_error(error);
    return rc == HS_SUCCESS;
}

static bool take(const struct work *w, struct gate_database *d)
{
    struct recipe r;
    struct cache_entry e = {0};
    bool good = make_recipe(&r, w->b, d);
    if (good && !cache_load(w->cache, &r, &e)) {
        e.modes = calloc(r.patterns + 1, 1);
        good = e.modes && compile(&r, &e);
        if (good)
            cache_store(w->cache, &r, &e);
    }
    d->db = e.db;
    free(e.modes);
    recipe_free(&r);
    return good;
}

static void *run(void *context)
{
    struct work *w = context;
    for (unsigned i; (i = atomic_fetch_add(&w->next, 1)) < w->g->n_databases;)
        w->g->databases[i].failed = !take(w, &w->g->databases[i]);
    return NULL;
}

/* With as many others as there are CPUs left. */
static void run_all(struct work *w)
{
    pthread_t threads[THREADS_MAX];
    unsigned n = 0;
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    while (n < THREADS_MAX && (long)n + 1 < cpus && n + 1 < w->g->n_databases &&
           !pthread_create(&threads[n], NULL, run, w))
        n++;
    (void)run(w);
    while (n)
        (void)pthread_join(threads[--n], NULL);
}

bool gate_compile(struct sec_gate *g, const struct sec_gate_build *b, const char *cache, struct diag *d)
{
    struct work w = {.g = g, .b = b, .cache = cache};
    run_all(&w);
    for (uint32_t i = 0; i < g->n_databases; i++) {
        size_t size = 0;
        if (g->databases[i].failed || hs_alloc_scratch(g->databases[i].db, &g->scratch) != HS_SUCCESS) {
            diag_add(d, NULL, 0, 0, "the strings of %u patterns cannot be compiled: out of memory?", g->databases[i].n);
            return false;
        }
        (void)hs_database_size(g->databases[i].db, &size);
        g->figures.bytes += size;
    }
    g->figures.databases = g->n_databases;
    return true;
}
