/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/read_internal.h"

/* Actions that change variables or the engine: setvar, setenv, expirevar, initcol, ctl. */

int sec_collection(struct sec_reader *r, struct span name)
{
    static const enum sec_var writable[] = {SEC_TX, SEC_IP, SEC_GLOBAL, SEC_SESSION, SEC_USER, SEC_RESOURCE};
    const char *names[ARRAY_LEN(writable) + 1] = {NULL};
    for (size_t i = 0; i < ARRAY_LEN(writable); i++) {
        if (sec_same(name, sec_var_name(writable[i])))
            return (int)writable[i];
        names[i] = sec_var_name(writable[i]);
    }
    sec_unknown(r, "collection to write to", name, names);
    return -1;
}

/* "tx.name" or "tx:name": the collection, and what is behind. */
static int of_collection(struct sec_reader *r, struct span s, struct span *member)
{
    size_t n = 0;
    while (n < s.len && s.data[n] != '.' && s.data[n] != ':')
        n++;
    int c = sec_collection(r, span_of(s.data, n));
    *member = span_from(s, n + 1);
    if (c >= 0 && !member->len) {
        sec_error(r, sec_chars(s), "expected a name behind the collection, as tx.name");
        return -1;
    }
    return c;
}

/* Splits at the first = that is not in a macro. */
static bool split(struct span s, struct span *left, struct span *right)
{
    unsigned inside = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '{' && i && s.data[i - 1] == '%')
            inside = 1;
        else if (s.data[i] == '}')
            inside = 0;
        else if (s.data[i] == '=' && !inside) {
            *left = sec_trim(span_of(s.data, i));
            *right = span_of(s.data + i + 1, s.len - i - 1);
            return true;
        }
    }
    *left = s;
    *right = span_of(s.data + s.len, 0);
    return false;
}

static bool add_setvar(struct sec_reader *r, const struct sec_setvar *v, struct sec_rule *rule)
{
    struct sec_setvar *to = sec_push(r, &rule->setvars, rule->n_setvars, sizeof *to);
    if (!to)
        return false;
    *to = *v;
    rule->n_setvars++;
    return true;
}

bool sec_setvar_read(struct sec_reader *r, struct span s, struct sec_rule *rule)
{
    struct sec_setvar v = {.how = SEC_SET};
    struct span name, value, member;
    static const uint8_t one[] = "1";
    bool del = s.len && s.data[0] == '!';
    if (del)
        s = span_of(s.data + 1, s.len - 1);
    bool has_value = split(s, &name, &value);
    if (del && has_value) {
        sec_error(r, sec_chars(value), "setvar:!… deletes and takes no value");
        return false;
    }
    if (del)
        v.how = SEC_DELETE;
    else if (!has_value)
        value = span_of(one, 1);
    else if (value.len && (value.data[0] == '+' || value.data[0] == '-')) {
        v.how = value.data[0] == '+' ? SEC_ADD : SEC_SUBTRACT;
        value = span_of(value.data + 1, value.len - 1);
    }
    int c = of_collection(r, name, &member);
    if (c < 0 || !sec_text_read(r, member, &v.name) || !sec_text_read(r, value, &v.value))
        return false;
    v.collection = (uint8_t)c;
    return add_setvar(r, &v, rule);
}

bool sec_setenv_read(struct sec_reader *r, struct span s, struct sec_rule *rule)
{
    struct sec_setvar v = {.collection = SEC_ENV, .how = SEC_SET};
    struct span name, value;
    (void)split(s, &name, &value);
    if (name.len && name.data[0] == '!') {
        v.how = SEC_DELETE;
        name = span_of(name.data + 1, name.len - 1);
    }
    if (!name.len) {
        sec_error(r, sec_chars(s), "setenv: expected a name");
        return false;
    }
    return sec_text_read(r, name, &v.name) && sec_text_read(r, value, &v.value) && add_setvar(r, &v, rule);
}

bool sec_expire_read(struct sec_reader *r, struct span s, struct sec_rule *rule)
{
    struct sec_expire e;
    struct span name, value, member;
    if (!split(s, &name, &value) || !value.len) {
        sec_error(r, sec_chars(s), "expirevar: expected collection.name=seconds");
        return false;
    }
    int c = of_collection(r, name, &member);
    if (c < 0 || !sec_text_read(r, member, &e.name) || !sec_text_read(r, value, &e.seconds))
        return false;
    uint64_t n;
    if (e.seconds.constant && !sec_number(value, UINT32_MAX, &n)) {
        sec_error(r, sec_chars(value), "expirevar: expected a number of seconds");
        return false;
    }
    e.collection = (uint8_t)c;
    struct sec_expire *to = sec_push(r, &rule->expires, rule->n_expires, sizeof *to);
    if (!to)
        return false;
    *to = e;
    rule->n_expires++;
    return true;
}

bool sec_key_read(struct sec_reader *r, enum sec_var collection, struct span s, struct sec_rule *rule)
{
    struct sec_initcol *to = sec_push(r, &rule->initcols, rule->n_initcols, sizeof *to);
    if (!to || !sec_text_read(r, s, &to->key))
        return false;
    to->collection = (uint8_t)collection;
    rule->n_initcols++;
    return true;
}

bool sec_initcol_read(struct sec_reader *r, struct span s, struct sec_rule *rule)
{
    struct span name, value;
    if (!split(s, &name, &value) || !value.len) {
        sec_error(r, sec_chars(s), "initcol: expected collection=key");
        return false;
    }
    int c = sec_same(name, "ip") ? SEC_IP : sec_same(name, "global") ? SEC_GLOBAL : -1;
    if (sec_same(name, "resource"))
        c = SEC_RESOURCE;
    if (c < 0) {
        sec_error(r, sec_chars(name), "initcol: expected ip, global or resource");
        return false;
    }
    return sec_key_read(r, (enum sec_var)c, value, rule);
}

enum ctl_value { IDS, TEXT, IDS_TARGET, TEXT_TARGET, ON_OFF, ENGINE, PROCESSOR, NUMBER, AUDIT, PARTS };

static const struct ctl {
    const char *name;
    enum sec_ctl_what what;
    enum ctl_value value;
} ctls[] = {
    {"ruleRemoveById", SEC_CTL_REMOVE_BY_ID, IDS},
    {"ruleRemoveByTag", SEC_CTL_REMOVE_BY_TAG, TEXT},
    {"ruleRemoveByMsg", SEC_CTL_REMOVE_BY_MSG, TEXT},
    {"ruleRemoveTargetById", SEC_CTL_REMOVE_TARGET_BY_ID, IDS_TARGET},
    {"ruleRemoveTargetByTag", SEC_CTL_REMOVE_TARGET_BY_TAG, TEXT_TARGET},
    {"ruleRemoveTargetByMsg", SEC_CTL_REMOVE_TARGET_BY_MSG, TEXT_TARGET},
    {"ruleEngine", SEC_CTL_RULE_ENGINE, ENGINE},
    {"requestBodyAccess", SEC_CTL_REQUEST_BODY_ACCESS, ON_OFF},
    {"responseBodyAccess", SEC_CTL_RESPONSE_BODY_ACCESS, ON_OFF},
    {"requestBodyProcessor", SEC_CTL_REQUEST_BODY_PROCESSOR, PROCESSOR},
    {"forceRequestBodyVariable", SEC_CTL_FORCE_REQUEST_BODY_VARIABLE, ON_OFF},
    {"requestBodyLimit", SEC_CTL_REQUEST_BODY_LIMIT, NUMBER},
    {"responseBodyLimit", SEC_CTL_RESPONSE_BODY_LIMIT, NUMBER},
    {"auditEngine", SEC_CTL_AUDIT_ENGINE, AUDIT},
    {"auditLogParts", SEC_CTL_AUDIT_LOG_PARTS, PARTS},
    {"debugLogLevel", SEC_CTL_DEBUG_LOG_LEVEL, NUMBER},
};

static const char *const on_off[] = {"Off", "On", NULL};
static const char *const engines[] = {"Off", "On", "DetectionOnly", NULL}; /* enum sec_engine */
static const char *const audits[] = {"Off", "On", "RelevantOnly", NULL};
static const char *const processors[] = {"", "URLENCODED", "MULTIPART", "JSON", "XML", NULL}; /* enum sec_processor */

static bool choice(struct sec_reader *r, struct span s, const char *const *words, const char *expected, uint64_t *ret)
{
    for (size_t i = 0; words[i]; i++) {
        if (words[i][0] && sec_same(s, words[i])) {
            *ret = i;
            return true;
        }
    }
    sec_error(r, sec_chars(s), "expected %s", expected);
    return false;
}

static bool parts(struct sec_reader *r, struct span s)
{
    static const char letters[] = "ABCDEFGHIJKZ";
    bool sign = s.len && (s.data[0] == '+' || s.data[0] == '-');
    size_t from = sign ? 1 : 0;
    bool ok = s.len > from;
    for (size_t i = from; i < s.len; i++)
        ok = ok && memchr(letters, s.data[i], sizeof letters - 1);
    if (!ok)
        sec_error(r, sec_chars(s),
                  "auditLogParts: expected letters of "
                  "ABCDEFGHIJKZ, behind + or -");
    return ok;
}

/* "id;ARGS:x": what stands before, and the target. */
static bool with_target(struct sec_reader *r, struct span s, struct span *before, struct sec_target *t)
{
    const uint8_t *semi = memchr(s.data, ';', s.len);
    if (!semi || semi == s.data) {
        sec_error(r, sec_chars(s), "expected …;VARIABLE, as 920100;ARGS:name");
        return false;
    }
    *before = span_of(s.data, (size_t)(semi - s.data));
    struct span target = span_of(semi + 1, s.len - before->len - 1);
    if (target.len && (target.data[0] == '!' || target.data[0] == '&')) {
        sec_error(r, sec_chars(target), "expected a variable without ! or &: it is taken away");
        return false;
    }
    return sec_target_read(r, target, t);
}

static bool ctl_value(struct sec_reader *r, struct span s, enum ctl_value kind, struct sec_ctl *c)
{
    switch (kind) {
    case IDS:
        return sec_ids(r, s, &c->ids, &c->n_ids);
    case TEXT:
        c->text = s;
        return true;
    case IDS_TARGET:
        return with_target(r, s, &c->text, &c->target) && sec_ids(r, c->text, &c->ids, &c->n_ids);
    case TEXT_TARGET:
        return with_target(r, s, &c->text, &c->target);
    case ON_OFF:
        return choice(r, s, on_off, "On or Off", &c->value);
    case ENGINE:
        return choice(r, s, engines, "On, Off or DetectionOnly", &c->value);
    case AUDIT:
        return choice(r, s, audits, "On, Off or RelevantOnly", &c->value);
    case PROCESSOR:
        return choice(r, s, processors, "URLENCODED, MULTIPART, JSON or XML", &c->value);
    case PARTS:
        c->text = s;
        return parts(r, s);
    case NUMBER:
        if (sec_number(s, UINT32_MAX, &c->value))
            return true;
        sec_error(r, sec_chars(s), "expected a number");
        return false;
    }
    return false;
}

bool sec_ctl_read(struct sec_reader *r, struct span s, struct sec_rule *rule)
{
    struct span name, value;
    const char *names[ARRAY_LEN(ctls) + 1] = {NULL};
    bool has_value = split(s, &name, &value);
    value = sec_trim(value);
    for (size_t i = 0; i < ARRAY_LEN(ctls); i++) {
        names[i] = ctls[i].name;
        if (!sec_same(name, ctls[i].name))
            continue;
        struct sec_ctl c = {.what = (uint8_t)ctls[i].what};
        if (!has_value || !value.len) {
            sec_error(r, sec_chars(name), "ctl: %s needs a value, as %s=…", ctls[i].name, ctls[i].name);
            return false;
        }
        if (value.len > 1 && value.data[0] == '\'' && value.data[value.len - 1] == '\'')
            value = span_of(value.data + 1, value.len - 2);
        if (!ctl_value(r, value, ctls[i].value, &c))
            return false;
        struct sec_ctl *to = sec_push(r, &rule->ctls, rule->n_ctls, sizeof *to);
        if (!to)
            return false;
        *to = c;
        rule->n_ctls++;
        return true;
    }
    sec_unknown(r, "ctl", name, names);
    return false;
}
