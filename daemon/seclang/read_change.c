/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/read_internal.h"

/* SecRuleRemove… and SecRuleUpdate…: read here, done when all files are read. */

static const struct {
    const char *name;
    enum sec_change_how how;
    enum sec_change_by by;
} changes[] = {
    {"SecRuleRemoveById", SEC_REMOVE, SEC_CHANGE_BY_ID},
    {"SecRuleRemoveByTag", SEC_REMOVE, SEC_CHANGE_BY_TAG},
    {"SecRuleRemoveByMsg", SEC_REMOVE, SEC_CHANGE_BY_MSG},
    {"SecRuleUpdateTargetById", SEC_UPDATE_TARGETS, SEC_CHANGE_BY_ID},
    {"SecRuleUpdateTargetByTag", SEC_UPDATE_TARGETS, SEC_CHANGE_BY_TAG},
    {"SecRuleUpdateTargetByMsg", SEC_UPDATE_TARGETS, SEC_CHANGE_BY_MSG},
    {"SecRuleUpdateActionById", SEC_UPDATE_ACTIONS, SEC_CHANGE_BY_ID},
};

static bool removed_ids(struct sec_reader *r, size_t at, struct sec_change *c)
{
    struct sec_word w;
    size_t before = diag_count(r->d);
    while (sec_word_next(r, &at, &w))
        if (!sec_ids(r, w.text, &c->ids, &c->n_ids))
            return false;
    if (!c->n_ids && diag_count(r->d) == before)
        sec_error(r, r->line.text + r->line.len, "expected a rule id or a range of ids");
    return c->n_ids && diag_count(r->d) == before;
}

static bool removed_text(struct sec_reader *r, size_t at, struct sec_change *c)
{
    struct sec_word w = sec_word_rest(r, at);
    c->text = w.text;
    if (!w.text.len)
        sec_error(r, w.at, "expected a text to compare with");
    return w.text.len > 0;
}

/* Which rules: the word before the targets or actions. */
static bool selected(struct sec_reader *r, const struct sec_word *w, struct sec_change *c)
{
    if (c->by == SEC_CHANGE_BY_ID)
        return sec_ids(r, w->text, &c->ids, &c->n_ids);
    c->text = w->text;
    if (!w->text.len)
        sec_error(r, w->at, "expected a text to compare with");
    return w->text.len > 0;
}

static bool updated(struct sec_reader *r, size_t at, struct sec_change *c)
{
    struct sec_word which, what, more;
    size_t before = diag_count(r->d);
    bool targets = c->how == SEC_UPDATE_TARGETS;
    if (!sec_word_next(r, &at, &which) || !(targets ? sec_word_targets(r, &at, &what) : sec_word_next(r, &at, &what))) {
        if (diag_count(r->d) == before)
            sec_error(r, r->line.text + r->line.len, "expected %s",
                      targets ? "which rules, and their targets" : "a rule id, and actions");
        return false;
    }
    if (sec_word_next(r, &at, &more)) {
        sec_error(r, more.at, "expected nothing more: a target is taken away with !");
        return false;
    }
    if (!selected(r, &which, c))
        return false;
    if (targets)
        return sec_targets_read(r, what.text, &c->targets, &c->n_targets);
    c->actions = sec_alloc(r, sizeof *c->actions);
    if (!c->actions)
        return false;
    *c->actions = (struct sec_draft){.in = SEC_IN_UPDATE, .rule.severity = -1};
    sec_actions_read(r, what.text, c->actions);
    return diag_count(r->d) == before && !r->unknown;
}

bool sec_change_read(struct sec_reader *r, struct span name, size_t at)
{
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        if (!sec_same(name, changes[i].name))
            continue;
        struct sec_change c = {.how = changes[i].how, .by = changes[i].by, .place = sec_place_of(r, sec_chars(name))};
        bool ok = c.how != SEC_REMOVE ? updated(r, at, &c)
                                      : (c.by == SEC_CHANGE_BY_ID ? removed_ids(r, at, &c) : removed_text(r, at, &c));
        if (ok && !vec_room(&r->changes, r->n_changes, 1, &r->cap_changes, sizeof c))
            r->failed = true;
        else if (ok)
            r->changes[r->n_changes++] = c;
        return true;
    }
    return false;
}
