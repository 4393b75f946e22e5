/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_LOADER_H
#define SLUICE_INSPECT_LOADER_H

/* What the parts of loading share: the ruleset being built and what is known so far. */
#include "config/reader.h"
#include "inspect/assembly.h"
#include "inspect/locate.h"

/* Where an id or a set's name was first seen. */
struct place {
    uint32_t id;
    const char *file;
    int line;
};

struct rule_file {
    const char *name; /* lives as long as the ruleset */
    bool open;
    struct reader reader;
    struct locator locator;
};

struct loader {
    struct ruleset *rs;
    const struct ruleset_options *opt;
    struct diag *d;
    struct rule_file *files;
    size_t n_files;
    struct set_names sets;
    struct place *set_places; /* by number in sets.names */
    size_t cap_set_places;
    struct place *ids; /* open addressing by id; 0 is free */
    size_t n_ids, id_slots;
    struct expr expr;
    struct assembly assembly;
    size_t errors; /* in d before loading began */
    bool out_of_memory;
};

#define RULES_MAX 1000000

/* Adds the sets, then the rules, of a file. Errors go to the loader's diag. */
void load_sets(struct loader *ld, struct rule_file *f);
void load_rules(struct loader *ld, struct rule_file *f);

/* Reads a rule's limit, if it has one. */
void load_limit(struct loader *ld, struct rule_file *f, const config_setting_t *rule, uint32_t id,
                struct rule_extra *ret);

/* Tells what is wrong with the text of a setting's `key`, and where. */
void load_expr_error(struct loader *ld, struct rule_file *f, const char *key, const config_setting_t *at,
                     const struct expr_error *e);

/* A string kept with the ruleset; NULL (and out_of_memory) when there is no room. */
const char *loader_keep(struct loader *ld, const char *text);

#endif
