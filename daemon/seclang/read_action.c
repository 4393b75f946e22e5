/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "seclang/read_internal.h"

/* Lists of actions: "id:1,phase:2,deny,t:none,msg:'…'". */

typedef bool action_read(struct sec_reader *r, struct span value, struct sec_draft *d);

static bool a_number(struct sec_reader *r, struct span s, uint64_t max, const char *what, uint64_t *ret)
{
    if (sec_number(s, max, ret))
        return true;
    sec_error(r, sec_chars(s), "%s: expected a number up to %llu", what, (unsigned long long)max);
    return false;
}

static bool a_id(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    uint64_t id;
    if (!a_number(r, s, UINT64_MAX, "id", &id))
        return false;
    if (!id) {
        sec_error(r, sec_chars(s), "id: expected a number from 1");
        return false;
    }
    d->rule.id = id;
    d->has_id = true;
    return true;
}

static bool a_phase(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    uint64_t n = sec_same(s, "request") ? 2 : sec_same(s, "response") ? 4 : sec_same(s, "logging") ? 5 : 0;
    if (!n && (!sec_number(s, SEC_PHASES - 1, &n) || !n)) {
        sec_error(r, sec_chars(s), "phase: expected 1 to 5, request, response or logging");
        return false;
    }
    d->rule.phase = (uint8_t)n;
    d->has_phase = true;
    return true;
}

static bool disrupt(struct sec_draft *d, enum sec_disruptive how)
{
    d->rule.disruptive = (uint8_t)how;
    d->has_disruptive = true;
    d->block = false;
    return true;
}

static bool a_pass(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    return disrupt(d, SEC_PASS);
}

static bool a_deny(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    return disrupt(d, SEC_DENY);
}

static bool a_drop(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    return disrupt(d, SEC_DROP);
}

static bool a_block(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    d->block = true;
    return true;
}

static bool a_allow(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    if (!s.len)
        return disrupt(d, SEC_ALLOW);
    if (sec_same(s, "phase"))
        return disrupt(d, SEC_ALLOW_PHASE);
    if (sec_same(s, "request"))
        return disrupt(d, SEC_ALLOW_REQUEST);
    sec_error(r, sec_chars(s), "allow: expected nothing, phase or request");
    return false;
}

static bool a_redirect(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return disrupt(d, SEC_REDIRECT) && sec_text_read(r, s, &d->rule.redirect);
}

static bool a_status(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    uint64_t n;
    if (!sec_number(s, 599, &n) || n < 100) {
        sec_error(r, sec_chars(s), "status: expected 100 to 599");
        return false;
    }
    d->rule.status = (uint16_t)n;
    d->has_status = true;
    return true;
}

static bool a_log(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    d->rule.log = d->has_log = true;
    return true;
}

static bool a_nolog(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    d->rule.log = d->rule.audit_log = false;
    return d->has_log = d->has_audit_log = true;
}

static bool a_auditlog(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    return d->rule.audit_log = d->has_audit_log = true;
}

static bool a_noauditlog(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    d->rule.audit_log = false;
    return d->has_audit_log = true;
}

static bool a_msg(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return (d->has_message = sec_text_read(r, s, &d->rule.message));
}

static bool a_logdata(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return (d->has_log_data = sec_text_read(r, s, &d->rule.log_data));
}

static bool a_tag(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    struct sec_text *to = sec_push(r, &d->rule.tags, d->rule.n_tags, sizeof *to);
    if (!to || !sec_text_read(r, s, to))
        return false;
    d->rule.n_tags++;
    return true;
}

static bool a_severity(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    static const char *const names[] = {"emergency", "alert",  "critical", "error",
                                        "warning",   "notice", "info",     "debug"};
    uint64_t n = ARRAY_LEN(names);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (sec_same(s, names[i]))
            n = i;
    if (n == ARRAY_LEN(names) && !sec_number(s, ARRAY_LEN(names) - 1, &n)) {
        sec_error(r, sec_chars(s), "severity: expected 0 to 7, or emergency to debug by name");
        return false;
    }
    d->rule.severity = (int8_t)n;
    return d->has_severity = true;
}

static bool a_ver(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r;
    d->rule.ver = s;
    return true;
}

static bool a_rev(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r;
    d->rule.rev = s;
    return true;
}

static bool a_maturity(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    uint64_t n;
    return a_number(r, s, UINT8_MAX, "maturity", &n) && (d->rule.maturity = (uint8_t)n, true);
}

static bool a_accuracy(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    uint64_t n;
    return a_number(r, s, UINT8_MAX, "accuracy", &n) && (d->rule.accuracy = (uint8_t)n, true);
}

static bool a_capture(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    return d->rule.capture = true;
}

static bool a_multimatch(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    return d->rule.multi_match = true;
}

static bool a_chain(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r, (void)s;
    return d->chain = true;
}

static bool a_skip(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return a_number(r, s, UINT32_MAX, "skip", &d->skip);
}

static bool a_skipafter(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    (void)r;
    d->rule.skip_after = s;
    return true;
}

static bool a_transform(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return sec_transform_read(r, s, d);
}

static bool a_setvar(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return sec_setvar_read(r, s, &d->rule);
}

static bool a_setenv(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return sec_setenv_read(r, s, &d->rule);
}

static bool a_expirevar(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return sec_expire_read(r, s, &d->rule);
}

static bool a_initcol(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return sec_initcol_read(r, s, &d->rule);
}

static bool a_setsid(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return sec_key_read(r, SEC_SESSION, s, &d->rule);
}

static bool a_setuid(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return sec_key_read(r, SEC_USER, s, &d->rule);
}

static bool a_setrsc(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return sec_key_read(r, SEC_RESOURCE, s, &d->rule);
}

static bool a_ctl(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    return sec_ctl_read(r, s, &d->rule);
}

enum { NO_VALUE, MAY_VALUE, VALUE };
enum { EVERYWHERE = SEC_IN_RULE | SEC_IN_DEFAULT | SEC_IN_UPDATE };

static const struct action {
    const char *name;
    action_read *read;
    uint8_t value, where;
} actions[] = {
    {"accuracy", a_accuracy, VALUE, SEC_IN_RULE | SEC_IN_UPDATE},
    {"allow", a_allow, MAY_VALUE, EVERYWHERE},
    {"auditlog", a_auditlog, NO_VALUE, EVERYWHERE},
    {"block", a_block, NO_VALUE, EVERYWHERE},
    {"capture", a_capture, NO_VALUE, EVERYWHERE},
    {"chain", a_chain, NO_VALUE, SEC_IN_RULE},
    {"ctl", a_ctl, VALUE, EVERYWHERE},
    {"deny", a_deny, NO_VALUE, EVERYWHERE},
    {"drop", a_drop, NO_VALUE, EVERYWHERE},
    {"expirevar", a_expirevar, VALUE, EVERYWHERE},
    {"id", a_id, VALUE, SEC_IN_RULE},
    {"initcol", a_initcol, VALUE, EVERYWHERE},
    {"log", a_log, NO_VALUE, EVERYWHERE},
    {"logdata", a_logdata, VALUE, EVERYWHERE},
    {"maturity", a_maturity, VALUE, SEC_IN_RULE | SEC_IN_UPDATE},
    {"msg", a_msg, VALUE, EVERYWHERE},
    {"multiMatch", a_multimatch, NO_VALUE, EVERYWHERE},
    {"noauditlog", a_noauditlog, NO_VALUE, EVERYWHERE},
    {"nolog", a_nolog, NO_VALUE, EVERYWHERE},
    {"pass", a_pass, NO_VALUE, EVERYWHERE},
    {"phase", a_phase, VALUE, SEC_IN_RULE | SEC_IN_DEFAULT},
    {"redirect", a_redirect, VALUE, EVERYWHERE},
    {"rev", a_rev, VALUE, SEC_IN_RULE | SEC_IN_UPDATE},
    {"setenv", a_setenv, VALUE, EVERYWHERE},
    {"setrsc", a_setrsc, VALUE, EVERYWHERE},
    {"setsid", a_setsid, VALUE, EVERYWHERE},
    {"setuid", a_setuid, VALUE, EVERYWHERE},
    {"setvar", a_setvar, VALUE, EVERYWHERE},
    {"severity", a_severity, VALUE, EVERYWHERE},
    {"skip", a_skip, VALUE, SEC_IN_RULE},
    {"skipAfter", a_skipafter, VALUE, SEC_IN_RULE},
    {"status", a_status, VALUE, EVERYWHERE},
    {"t", a_transform, VALUE, EVERYWHERE},
    {"tag", a_tag, VALUE, EVERYWHERE},
    {"ver", a_ver, VALUE, SEC_IN_RULE | SEC_IN_UPDATE},
};

static const struct {
    const char *name, *why;
} refused[] = {
    {"append", "what passes is not changed"},
    {"prepend", "what passes is not changed"},
    {"deprecatevar", "ModSecurity 3 does not have it either"},
    {"exec", "no program and no Lua is run for a request"},
    {"pause", "a packet is not held up"},
    {"proxy", "a connection is not sent elsewhere"},
    {"sanitiseArg", "ModSecurity 3 does not have it either"},
    {"sanitiseMatched", "ModSecurity 3 does not have it either"},
    {"sanitiseMatchedBytes", "ModSecurity 3 does not have it either"},
    {"sanitiseRequestHeader", "ModSecurity 3 does not have it either"},
    {"sanitiseResponseHeader", "ModSecurity 3 does not have it either"},
    {"xmlns", "an XPath with namespaces is not looked up"},
};

static void unknown(struct sec_reader *r, struct span name)
{
    const char *names[ARRAY_LEN(actions) + 1] = {NULL};
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (sec_same(name, refused[i].name)) {
            sec_refused(r, "action", name, refused[i].why);
            return;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        names[i] = actions[i].name;
    sec_unknown(r, "action", name, names);
}

static bool allowed(struct sec_reader *r, const struct action *a, struct span name, const struct sec_draft *d)
{
    if (a->where & d->in)
        return true;
    sec_error(r, sec_chars(name), "the action %s cannot stand in %s", a->name,
              d->in == SEC_IN_DEFAULT ? "SecDefaultAction" : "SecRuleUpdateActionById");
    return false;
}

static void one_action(struct sec_reader *r, struct span name, struct span value, bool has_value, struct sec_draft *d)
{
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        const struct action *a = &actions[i];
        if (!sec_same(name, a->name))
            continue;
        if (a->value == VALUE && !value.len)
            sec_error(r, sec_chars(name), "%s needs a value, as %s:…", a->name, a->name);
        else if (a->value == NO_VALUE && has_value)
            sec_error(r, sec_chars(name), "%s takes no value", a->name);
        else if (allowed(r, a, name, d))
            (void)a->read(r, value, d);
        return;
    }
    unknown(r, name);
}

/* The value from *at on, its quotes taken off; *at goes to the comma or the end. */
static bool value_of(struct sec_reader *r, struct span s, size_t *at, struct span *ret)
{
    size_t i = *at;
    while (i < s.len && (s.data[i] == ' ' || s.data[i] == '\t'))
        i++;
    if (i < s.len && s.data[i] == '\'') {
        size_t from = i + 1;
        for (i = from; i < s.len && s.data[i] != '\''; i++)
            i += s.data[i] == '\\';
        if (i >= s.len) {
            sec_error(r, sec_chars(s) + from - 1, "the quote ' is not closed");
            return false;
        }
        *ret = span_of(s.data + from, i - from);
        for (i++; i < s.len && (s.data[i] == ' ' || s.data[i] == '\t');)
            i++;
        *at = i;
        if (i < s.len && s.data[i] != ',') {
            sec_error(r, sec_chars(s) + i, "expected a comma behind the value");
            return false;
        }
        return true;
    }
    for (*at = i; *at < s.len && s.data[*at] != ',';)
        ++*at;
    *ret = sec_trim(span_of(s.data + i, *at - i));
    return true;
}

void sec_actions_read(struct sec_reader *r, struct span list, struct sec_draft *d)
{
    for (size_t i = 0; i < list.len; i++) {
        size_t from = i;
        while (i < list.len && list.data[i] != ',' && list.data[i] != ':')
            i++;
        struct span name = sec_trim(span_of(list.data + from, i - from)), value = span_of(list.data + i, 0);
        bool has_value = i < list.len && list.data[i] == ':';
        if (has_value) {
            i++;
            if (!value_of(r, list, &i, &value))
                return;
        }
        if (name.len)
            one_action(r, name, value, has_value, d);
        else if (sec_trim(list).len)
            sec_error(r, sec_chars(list) + from, "expected an action");
    }
}
