/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <string.h>

#include "inspect/loader.h"

static const char *const keys[] = {"name", "type", "file", "values", NULL};
static const char *const types[] = {"address", "port", "string", NULL};

static bool good_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return name[0] && name[strspn(name, allowed)] == '\0' && strlen(name) <= 60;
}

/* The path of a set's file, relative to the folder of the rule file; the caller frees it. */
static char *path_of(const char *rule_file, const char *file)
{
    char *path = NULL;
    const char *slash = strrchr(rule_file, '/');
    if (file[0] == '/' || !slash)
        return strdup(file);
    if (asprintf(&path, "%.*s/%s", (int)(slash - rule_file), rule_file, file) < 0)
        return NULL;
    return path;
}

static void add_values(struct loader *ld, struct rule_file *f, struct set *s, const config_setting_t *list)
{
    char why[200];
    int n = list ? config_setting_length(list) : 0;
    for (int i = 0; i < n; i++) {
        const config_setting_t *v = config_setting_get_elem(list, (unsigned)i);
        const char *text = config_setting_get_string(v);
        if (!text) {
            reader_error(&f->reader, v, "an entry is %s, expected a string such as \"22\"", reader_type(v));
            continue;
        }
        AUTO_FREE char *copy = strdup(text);
        int r = copy ? set_add_text(s, copy, why, sizeof why) : -ENOMEM;
        if (r == -EINVAL)
            reader_error(&f->reader, v, "%s", why);
        ld->out_of_memory = ld->out_of_memory || r == -ENOMEM;
    }
}

static void fill(struct loader *ld, struct rule_file *f, struct set *s, const config_setting_t *group)
{
    const char *file = NULL;
    bool has_file = reader_string(&f->reader, group, "file", &file);
    const config_setting_t *list = reader_list(&f->reader, group, "values");
    if (has_file) {
        AUTO_FREE char *path = path_of(f->name, file);
        if (path)
            set_add_file(s, path, ld->d);
        ld->out_of_memory = ld->out_of_memory || !path;
    }
    if (!config_setting_get_member(group, "file") && !config_setting_get_member(group, "values"))
        reader_error(&f->reader, group, "the set has no entries, expected file or values");
    add_values(ld, f, s, list);
    if (set_seal(s))
        ld->out_of_memory = true;
}

/* Enters a name; false when it is taken, with the error. */
static bool enter(struct loader *ld, struct rule_file *f, const config_setting_t *at, const char *name, uint32_t number)
{
    struct set_names *sets = &ld->sets;
    size_t n = sets->names.n;
    long found = strtab_find(&sets->names, name, strlen(name));
    if (found >= 0) {
        reader_error(&f->reader, at, "the set \"%s\" is already in %s:%d, expected each name once", name,
                     ld->set_places[found].file, ld->set_places[found].line);
        return false;
    }
    if (!vec_room(&sets->numbers, n, 1, &sets->cap, sizeof *sets->numbers) ||
        !vec_room(&ld->set_places, n, 1, &ld->cap_set_places, sizeof *ld->set_places) ||
        strtab_add(&sets->names, name, strlen(name)) < 0) {
        ld->out_of_memory = true;
        return false;
    }
    sets->numbers[n] = number;
    ld->set_places[n] = (struct place){.file = f->name, .line = (int)config_setting_source_line(at)};
    return true;
}

static void load_set(struct loader *ld, struct rule_file *f, const config_setting_t *group)
{
    const char *name = NULL;
    unsigned type = 0;
    if (!config_setting_is_group(group)) {
        reader_error(&f->reader, group, "a set is %s, expected { name = ...; type = ...; }", reader_type(group));
        return;
    }
    reader_known(&f->reader, group, keys);
    if (!config_setting_get_member(group, "name") || !config_setting_get_member(group, "type")) {
        reader_error(&f->reader, group, "the set is incomplete, expected name and type");
        return;
    }
    bool named = reader_string(&f->reader, group, "name", &name);
    bool typed = reader_word(&f->reader, group, "type", types, &type);
    if (!named || !typed)
        return;
    if (!good_name(name)) {
        reader_error(&f->reader, config_setting_get_member(group, "name"),
                     "bad name of a set, expected 1 to 60 letters, digits, _ . -");
        return;
    }
    long number = program_add_set(&ld->rs->program, (enum set_type)type);
    if (number < 0)
        ld->out_of_memory = true;
    else if (enter(ld, f, group, name, (uint32_t)number)) {
        struct set *s = ld->rs->program.sets[number];
        s->name = loader_keep(ld, name);
        fill(ld, f, s, group);
    }
}

void load_sets(struct loader *ld, struct rule_file *f)
{
    const config_setting_t *list = reader_list(&f->reader, reader_root(&f->reader), "sets");
    int n = list ? config_setting_length(list) : 0;
    for (int i = 0; i < n; i++)
        load_set(ld, f, config_setting_get_elem(list, (unsigned)i));
}
