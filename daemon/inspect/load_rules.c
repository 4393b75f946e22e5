/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/duration.h"
#include "config/text.h"
#include "inspect/loader.h"

static const char *const keys[] = {"id",    "name",    "when",  "action", "mark",    "severity", "tags",
                                   "event", "enabled", "score", "limit",  "ban_for", NULL};
static const char *const actions[] = {"accept", "drop",  "reject",  "repeat",  "mark", "log",
                                      "block",  "score", "offload", "condemn", "ban",  NULL};
#define SCORE_ADD_MAX 1000000

static const char *const severities[] = {"high", "medium", "low", "info", NULL};

const char *action_name(enum action a)
{
    return actions[a];
}

const char *loader_keep(struct loader *ld, const char *text)
{
    long number = strtab_add(&ld->rs->strings, text, strlen(text));
    if (number >= 0)
        return (const char *)ld->rs->strings.at[number].data;
    ld->out_of_memory = true;
    return NULL;
}

/* ---- ids ---- */

static struct place *id_place(const struct loader *ld, uint32_t id)
{
    size_t mask = ld->id_slots - 1, i = (id * 2654435761u) & mask;
    while (ld->ids[i].id && ld->ids[i].id != id)
        i = (i + 1) & mask;
    return &ld->ids[i];
}

static bool grow_ids(struct loader *ld)
{
    struct place *old = ld->ids;
    size_t n = ld->id_slots;
    size_t want = n ? n * 2 : 64;
    struct place *ids = calloc(want, sizeof *ids);
    if (!ids)
        return false;
    ld->ids = ids;
    ld->id_slots = want;
    for (size_t i = 0; i < n; i++)
        if (old[i].id)
            *id_place(ld, old[i].id) = old[i];
    free(old);
    return true;
}

static void enter_id(struct loader *ld, struct rule_file *f, const config_setting_t *at, uint32_t id)
{
    if (ld->n_ids * 2 >= ld->id_slots && !grow_ids(ld)) {
        ld->out_of_memory = true;
        return;
    }
    struct place *p = id_place(ld, id);
    if (p->id) {
        reader_error(&f->reader, at, "id %u is already in %s:%d, expected each id once", id, p->file, p->line);
        return;
    }
    *p = (struct place){.id = id, .file = f->name, .line = (int)config_setting_source_line(at)};
    ld->n_ids++;
}

/* ---- a rule's settings ---- */

static void read_id(struct loader *ld, struct rule_file *f, const config_setting_t *group, struct rule *r)
{
    if (reader_u32(&f->reader, group, "id", 1, INT32_MAX, &r->id))
        enter_id(ld, f, config_setting_get_member(group, "id"), r->id);
}

static void read_name(struct loader *ld, struct rule_file *f, const config_setting_t *group, struct rule *r)
{
    char made[32];
    const char *name = made;
    snprintf(made, sizeof made, "rule %u", r->id);
    (void)reader_string(&f->reader, group, "name", &name);
    r->name = loader_keep(ld, name);
}

static void read_mark(struct loader *ld, struct rule_file *f, const config_setting_t *group, struct rule *r)
{
    const config_setting_t *at = config_setting_get_member(group, "mark");
    bool takes = r->action == ACTION_REPEAT || r->action == ACTION_MARK;
    uint32_t ours = ld->opt->our_marks;
    if (!at && takes)
        reader_error(&f->reader, group, "action \"%s\" without a mark, expected mark = ...", action_name(r->action));
    if (!at || !reader_u32(&f->reader, group, "mark", 0, UINT32_MAX, &r->mark))
        return;
    if (!takes)
        reader_error(&f->reader, at, "action \"%s\" takes no mark, expected it only with repeat and mark",
                     action_name(r->action));
    else if (r->mark & ours)
        reader_error(&f->reader, at, "mark 0x%x overlaps the bits 0x%x that are sluice's own, expected others", r->mark,
                     ours);
}

/* score = { name = "attack"; add = 5; } */
static void read_score(struct loader *ld, struct rule_file *f, const config_setting_t *group, struct rule_extra *ret)
{
    static const char *const known[] = {"name", "add", NULL};
    const char *name = NULL;
    int64_t add = 0;
    const config_setting_t *score = reader_group(&f->reader, group, "score");
    if (!score)
        return;
    reader_known(&f->reader, score, known);
    bool named = reader_string(&f->reader, score, "name", &name);
    bool numbered = reader_number(&f->reader, score, "add", -SCORE_ADD_MAX, SCORE_ADD_MAX, &add);
    if (!config_setting_get_member(score, "name") || !config_setting_get_member(score, "add"))
        reader_error(&f->reader, score, "the score is incomplete, expected score = { name = ...; add = ...; }");
    if (!named || !numbered)
        return;
    long number = program_add_score(&ld->rs->program, name, strlen(name));
    if (number < 0)
        reader_error(&f->reader, score, "too many scores, expected at most %d names in all rules", SCORES_MAX);
    ret->score = number < 0 ? 0 : (uint8_t)number;
    ret->add = (int32_t)add;
}

static void read_scoring(struct loader *ld, struct rule_file *f, const config_setting_t *group, const struct rule *r,
                         struct rule_extra *ret)
{
    const config_setting_t *at = config_setting_get_member(group, "score");
    if (!at && r->action == ACTION_SCORE)
        reader_error(&f->reader, group,
                     "action \"score\" without a score, expected score = { name = ...; add = ...; }");
    if (at && r->action != ACTION_SCORE)
        reader_error(&f->reader, at, "action \"%s\" takes no score, expected it only with score",
                     action_name(r->action));
    else if (at)
        read_score(ld, f, group, ret);
}

static void read_ban(const struct rule_file *f, const config_setting_t *group, struct rule *r)
{
    const config_setting_t *at = config_setting_get_member(group, "ban_for");
    if (at && r->action != ACTION_BAN)
        reader_error(&f->reader, at, "action \"%s\" takes no ban_for, expected it only with ban",
                     action_name(r->action));
    else if (at)
        (void)reader_duration(&f->reader, group, "ban_for", 1, DURATION_MAX, &r->ban_for);
}

/* Whether an action's matches are told of, unless the rule says otherwise. */
static bool told(enum action a)
{
    return action_stops(a) || a == ACTION_LOG;
}

static bool read_action(struct loader *ld, struct rule_file *f, const config_setting_t *group, struct rule *r)
{
    unsigned action = ACTION_LOG, severity = 1;
    (void)reader_word(&f->reader, group, "severity", severities, &severity);
    r->severity = (uint8_t)(severity + 1);
    r->action = ACTION_LOG;
    if (!reader_word(&f->reader, group, "action", actions, &action))
        return false;
    r->action = (enum action)action;
    r->event = told(r->action);
    (void)reader_bool(&f->reader, group, "event", &r->event);
    read_mark(ld, f, group, r);
    read_ban(f, group, r);
    return true;
}

static void read_tags(struct loader *ld, struct rule_file *f, const config_setting_t *group, struct rule *r)
{
    static const char *const none[] = {NULL};
    const config_setting_t *list = reader_list(&f->reader, group, "tags");
    int n = list ? config_setting_length(list) : 0;
    r->tags = none;
    if (!n)
        return;
    const char **tags = arena_alloc(&ld->rs->strings.arena, ((size_t)n + 1) * sizeof *tags);
    if (!tags) {
        ld->out_of_memory = true;
        return;
    }
    size_t kept = 0;
    for (int i = 0; i < n; i++) {
        const config_setting_t *v = config_setting_get_elem(list, (unsigned)i);
        const char *tag = config_setting_get_string(v);
        if (tag)
            tags[kept++] = loader_keep(ld, tag);
        else
            reader_error(&f->reader, v, "a tag is %s, expected a string", reader_type(v));
    }
    r->tags = tags;
}

/* ---- conditions ---- */

void load_expr_error(struct loader *ld, struct rule_file *f, const char *key, const config_setting_t *at,
                     const struct expr_error *e)
{
    int line = (int)config_setting_source_line(at), col = 0;
    if (!f->locator.text) {
        size_t len;
        struct diag *quiet = diag_new();
        f->locator.text = quiet ? text_read(f->name, &len, quiet) : NULL;
        diag_free(quiet);
    }
    if (!locate(&f->locator, key, config_setting_get_string(at), e->at, &line, &col))
        line = (int)config_setting_source_line(at);
    diag_add(ld->d, f->name, line, col, "%s", e->text);
}

static bool read_when(struct loader *ld, struct rule_file *f, const config_setting_t *group)
{
    struct expr_error error;
    const char *text;
    if (!reader_string(&f->reader, group, "when", &text))
        return false;
    if (expr_parse(&ld->expr, text, strlen(text), &ld->sets, &ld->rs->program, &error))
        return true;
    load_expr_error(ld, f, "when", config_setting_get_member(group, "when"), &error);
    return false;
}

/* Compiles the condition just read and puts the rule into the set. */
static void add_rule(struct loader *ld, struct rule_file *f, const config_setting_t *group, const struct rule *r,
                     const struct rule_extra *extra, bool enabled)
{
    struct expr_error error = {.text = ""};
    struct schedule when;
    bool good = enabled && diag_count(ld->d) == ld->errors
                    ? assembly_add(&ld->assembly, r, extra, &ld->expr, &error)
                    : expr_schedule(&ld->expr, extra->limited ? &extra->limit : NULL, &ld->rs->program, &when, &error);
    if (!good && error.text[0])
        load_expr_error(ld, f, "when", config_setting_get_member(group, "when"), &error);
    ld->out_of_memory = ld->out_of_memory || ld->assembly.out_of_memory;
}

static void check_complete(const struct rule_file *f, const config_setting_t *group)
{
    static const char *const required[] = {"id", "when", "action"};
    for (size_t i = 0; i < ARRAY_LEN(required); i++)
        if (!config_setting_get_member(group, required[i]))
            reader_error(&f->reader, group, "the rule has no %s, expected id, when and action", required[i]);
}

static void load_rule(struct loader *ld, struct rule_file *f, const config_setting_t *group)
{
    struct rule r = {.file = f->name, .line = (int)config_setting_source_line(group)};
    struct rule_extra extra = {.limited = false};
    bool enabled = true;
    if (!config_setting_is_group(group)) {
        reader_error(&f->reader, group, "a rule is %s, expected { id = ...; when = ...; action = ...; }",
                     reader_type(group));
        return;
    }
    reader_known(&f->reader, group, keys);
    check_complete(f, group);
    read_id(ld, f, group, &r);
    read_name(ld, f, group, &r);
    if (read_action(ld, f, group, &r))
        read_scoring(ld, f, group, &r, &extra);
    load_limit(ld, f, group, r.id, &extra);
    read_tags(ld, f, group, &r);
    (void)reader_bool(&f->reader, group, "enabled", &enabled);
    if (read_when(ld, f, group))
        add_rule(ld, f, group, &r, &extra, enabled);
}

void load_rules(struct loader *ld, struct rule_file *f)
{
    const config_setting_t *list = reader_list(&f->reader, reader_root(&f->reader), "rules");
    int n = list ? config_setting_length(list) : 0;
    for (int i = 0; i < n && !ld->out_of_memory; i++)
        load_rule(ld, f, config_setting_get_elem(list, (unsigned)i));
}
