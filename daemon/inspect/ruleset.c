/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/ruleset.h"

#include <malloc.h>

#include "inspect/loader.h"

static void open_file(struct loader *ld, const char *name)
{
    static const char *const keys[] = {"sets", "rules", NULL};
    struct rule_file *f = &ld->files[ld->n_files];
    f->name = loader_keep(ld, name);
    if (!f->name)
        return;
    ld->n_files++;
    f->open = reader_open(&f->reader, f->name, ld->d);
    if (f->open)
        reader_known(&f->reader, reader_root(&f->reader), keys);
}

static void close_file(struct rule_file *f)
{
    if (f->open)
        reader_close(&f->reader);
    f->open = false;
    locator_free(&f->locator);
}

/* How many rules the files have together; false with an error when they are too many. */
static bool count_rules(struct loader *ld)
{
    size_t n = 0;
    for (size_t i = 0; i < ld->n_files; i++) {
        const struct rule_file *f = &ld->files[i];
        const config_setting_t *list = f->open ? config_setting_get_member(reader_root(&f->reader), "rules") : NULL;
        n += list && config_setting_is_aggregate(list) ? (size_t)config_setting_length(list) : 0;
    }
    ld->assembly.build.expected = n;
    if (n <= RULES_MAX)
        return true;
    diag_add(ld->d, NULL, 0, 0, "%zu rules, expected at most %d", n, RULES_MAX);
    return false;
}

static void read_all(struct loader *ld, const char *const *files, size_t n)
{
    for (size_t i = 0; i < n && !ld->out_of_memory; i++)
        open_file(ld, files[i]);
    for (size_t i = 0; i < ld->n_files; i++)
        if (ld->files[i].open)
            load_sets(ld, &ld->files[i]);
    if (!count_rules(ld))
        return;
    for (size_t i = 0; i < ld->n_files; i++) {
        if (ld->files[i].open)
            load_rules(ld, &ld->files[i]);
        close_file(&ld->files[i]);
    }
}

static void finish(struct loader *ld)
{
    if (!ld->out_of_memory && diag_count(ld->d) == ld->errors &&
        !assembly_finish(&ld->assembly, ld->opt->cache, ld->opt->limit_keys))
        ld->out_of_memory = true;
    if (ld->out_of_memory)
        diag_add(ld->d, NULL, 0, 0, "out of memory");
}

static void loader_close(struct loader *ld)
{
    for (size_t i = 0; i < ld->n_files; i++)
        close_file(&ld->files[i]);
    free(ld->files);
    free(ld->sets.numbers);
    strtab_free(&ld->sets.names);
    free(ld->set_places);
    free(ld->ids);
    expr_free(&ld->expr);
    assembly_free(&ld->assembly);
}

struct ruleset *ruleset_load(const char *const *files, size_t n, const struct ruleset_options *opt, struct diag *d)
{
    struct loader ld = {.opt = opt, .d = d, .errors = diag_count(d)};
    ld.rs = calloc(1, sizeof *ld.rs);
    ld.files = calloc(n + 1, sizeof *ld.files);
    ld.out_of_memory = !ld.rs || !ld.files;
    if (!ld.out_of_memory) {
        ld.rs->regex_steps = opt->regex_steps;
        ld.assembly.rs = ld.rs;
        read_all(&ld, files, n);
        finish(&ld);
    } else {
        diag_add(d, NULL, 0, 0, "out of memory");
    }
    loader_close(&ld);
    /* The files' trees were many times larger than what is kept. */
    malloc_trim(0);
    if (diag_count(d) == ld.errors)
        return ld.rs;
    ruleset_free(ld.rs);
    return NULL;
}

void ruleset_free(struct ruleset *rs)
{
    if (!rs)
        return;
    program_free(&rs->program);
    for (unsigned i = 0; i < PHASES; i++)
        index_free(&rs->index[i]);
    matcher_free(&rs->matcher);
    strtab_free(&rs->strings);
    free(rs->rules);
    free(rs->parts);
    free(rs->limits);
    limit_table_free(rs->counts);
    arena_free(&rs->simple);
    free(rs->set_ranges);
    free(rs);
}

void ruleset_inherit(struct ruleset *rs, const struct ruleset *old)
{
    if (!rs->counts || !old->counts || limit_table_keys(rs->counts) != limit_table_keys(old->counts))
        return;
    limit_table_free(rs->counts);
    rs->counts = limit_table_share(old->counts);
}

size_t ruleset_count(const struct ruleset *rs)
{
    return rs->n;
}

const struct rule *ruleset_rule(const struct ruleset *rs, size_t index)
{
    return index < rs->n ? &rs->rules[index] : NULL;
}

bool ruleset_has(const struct ruleset *rs, enum phase phase)
{
    return rs->index[phase].n_rules != 0;
}

unsigned ruleset_needs(const struct ruleset *rs)
{
    return rs->needs;
}
