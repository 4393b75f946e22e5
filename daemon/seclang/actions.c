/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/* What is done once a rule, with its whole chain, has matched. */

static void take_rules(struct seclang_tx *t, const struct ctl *c)
{
    for (uint32_t i = 0; i < t->s->words; i++)
        t->removed[i] |= c->rules[i];
    t->removed_any = true;
}

static void take_target(struct seclang_tx *t, const struct ctl *c)
{
    for (uint32_t i = 0; i < t->n_removals; i++)
        if (t->removals[i] == c)
            return;
    if (t->n_removals == REMOVALS_MAX)
        return;
    t->removals[t->n_removals++] = c;
    for (uint32_t i = 0; i < t->s->words; i++)
        t->touched[i] |= c->rules[i];
}

static void run_ctl(struct seclang_tx *t, const struct ctl *c)
{
    uint64_t value = c->c->value;
    switch ((enum sec_ctl_what)c->c->what) {
    case SEC_CTL_REMOVE_BY_ID:
    case SEC_CTL_REMOVE_BY_TAG:
    case SEC_CTL_REMOVE_BY_MSG:
        take_rules(t, c);
        break;
    case SEC_CTL_REMOVE_TARGET_BY_ID:
    case SEC_CTL_REMOVE_TARGET_BY_TAG:
    case SEC_CTL_REMOVE_TARGET_BY_MSG:
        take_target(t, c);
        break;
    case SEC_CTL_RULE_ENGINE:
        t->engine = (uint8_t)value;
        break;
    case SEC_CTL_REQUEST_BODY_ACCESS:
        t->body_access = value != 0;
        sec_vars_body_access(t->vars, t->body_access, t->response_access);
        break;
    case SEC_CTL_RESPONSE_BODY_ACCESS:
        t->response_access = value != 0;
        sec_vars_body_access(t->vars, t->body_access, t->response_access);
        break;
    case SEC_CTL_REQUEST_BODY_PROCESSOR:
        sec_vars_processor(t->vars, (enum sec_processor)value);
        break;
    case SEC_CTL_FORCE_REQUEST_BODY_VARIABLE:
        sec_vars_force_body(t->vars, value != 0);
        break;
    case SEC_CTL_REQUEST_BODY_LIMIT:
        sec_vars_request_limit(t->vars, value);
        break;
    case SEC_CTL_RESPONSE_BODY_LIMIT:
        sec_vars_response_limit(t->vars, value);
        break;
    case SEC_CTL_AUDIT_ENGINE: /* there are events, and no audit log nor debug log: read, so that rules load */
    case SEC_CTL_AUDIT_LOG_PARTS:
    case SEC_CTL_DEBUG_LOG_LEVEL:
        break;
    }
}

static uint16_t status_of(const struct sec_rule *r)
{
    if (r->disruptive != SEC_REDIRECT)
        return r->status ? r->status : 403;
    return r->status == 301 || r->status == 303 || r->status == 307 ? r->status : 302;
}

static void disrupt(struct seclang_tx *t, const struct link *l)
{
    struct seclang_decision *d = t->decision;
    if (d->rule)
        return;
    d->rule = l->r;
    d->action = (enum sec_disruptive)l->r->disruptive;
    d->status = status_of(l->r);
    d->monitored = t->engine != SEC_ON;
    if (d->action == SEC_REDIRECT)
        d->redirect = expand(t, &l->redirect, TEXT_MAX);
}

static void run_disruptive(struct seclang_tx *t, const struct link *l)
{
    switch ((enum sec_disruptive)l->r->disruptive) {
    case SEC_PASS:
    case SEC_BLOCK: /* of a phase without a default */
        break;
    case SEC_DENY:
    case SEC_DROP:
    case SEC_REDIRECT:
        disrupt(t, l);
        break;
    case SEC_ALLOW:
    case SEC_ALLOW_PHASE:
    case SEC_ALLOW_REQUEST:
        if (t->engine == SEC_ON)
            t->allow = l->r->disruptive;
    }
}

void run_after(struct seclang_tx *t, const struct link *l)
{
    const struct sec_rule *r = l->r;
    for (uint32_t i = 0; i < r->n_initcols; i++)
        tx_initcol(t, &l->initcols[i]);
    for (uint32_t i = 0; i < r->n_expires; i++)
        tx_expire(t, &l->expires[i]);
    for (uint32_t i = 0; i < r->n_ctls; i++)
        run_ctl(t, &l->ctls[i]);
    if (r->skip_to) {
        t->skip_to = r->skip_to;
        t->skip_on = r->skip_on;
    }
    if (l->first)
        run_disruptive(t, l);
}
