/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/loader.h"

static const char *const keys[] = {"by", "count", "per", "burst", NULL};

/* Adds what the setting's string says; at `by` itself, or one of its list. */
static void add_field(struct loader *ld, struct rule_file *f, const config_setting_t *at, struct sip *identity,
                      struct limit *l)
{
    struct expr_error error;
    const char *text = config_setting_get_string(at);
    if (!text) {
        reader_error(&f->reader, at, "a limit's field is %s, expected a string such as \"ip.src\"", reader_type(at));
        return;
    }
    sip_add_bytes(identity, text, strlen(text));
    if (expr_parse_field(text, strlen(text), &ld->rs->program, &l->fields[l->n], &error))
        l->n++;
    else
        load_expr_error(ld, f, "by", at, &error);
}

static void read_by(struct loader *ld, struct rule_file *f, const config_setting_t *group, struct sip *identity,
                    struct limit *l)
{
    const config_setting_t *by = config_setting_get_member(group, "by");
    int n = by ? config_setting_length(by) : 0;
    if (!by)
        return;
    if (!config_setting_is_aggregate(by)) {
        add_field(ld, f, by, identity, l);
        return;
    }
    if (config_setting_is_group(by) || n < 1 || n > LIMIT_FIELDS_MAX) {
        reader_error(&f->reader, by, "by is not a field nor a list of 1 to %d, expected such as [ \"ip.src\" ]",
                     LIMIT_FIELDS_MAX);
        return;
    }
    for (int i = 0; i < n; i++)
        add_field(ld, f, config_setting_get_elem(by, (unsigned)i), identity, l);
}

void load_limit(struct loader *ld, struct rule_file *f, const config_setting_t *rule, uint32_t id,
                struct rule_extra *ret)
{
    struct limit *l = &ret->limit;
    struct sip identity = sip_begin((const uint64_t[2]){0, 0});
    const config_setting_t *group = reader_group(&f->reader, rule, "limit");
    if (!group)
        return;
    reader_known(&f->reader, group, keys);
    for (size_t i = 0; i < 3; i++)
        if (!config_setting_get_member(group, keys[i]))
            reader_error(&f->reader, group,
                         "the limit has no %s, expected limit = { by = ...; count = ...; per = ...; }", keys[i]);
    read_by(ld, f, group, &identity, l);
    bool good = reader_u32(&f->reader, group, "count", 1, LIMIT_COUNT_MAX, &l->count);
    l->burst = l->count;
    (void)reader_u32(&f->reader, group, "burst", 1, LIMIT_COUNT_MAX, &l->burst);
    good = reader_duration(&f->reader, group, "per", 1, LIMIT_PER_MAX, &l->per) && good;
    sip_add(&identity, (uint64_t)id << 32 | l->count);
    sip_add(&identity, (uint64_t)l->per << 32 | l->burst);
    l->identity = sip_end(&identity);
    ret->limited = good && l->n;
}
