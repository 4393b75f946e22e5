/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/* Rules made ready at load: operators compiled, names numbered, exclusions put where they belong. */

struct planner {
    struct seclang *s;
    struct diag *d;
    bool failed;                    /* memory is out, or an error in d */
    const struct sec_rule **chains; /* one of each list of transformations */
    size_t cap_chains;
};

static void *take(struct planner *p, size_t n, size_t size)
{
    void *at = arena_alloc(&p->s->arena, n * size + 1);
    p->failed |= !at;
    return at;
}

static uint32_t slot(struct planner *p, struct span name)
{
    uint32_t ret = NO_SLOT;
    p->failed |= !plan_slot_add(p->s, name, &ret);
    return ret;
}

static struct text text(struct planner *p, const struct sec_text *t)
{
    struct text ret = {.t = t};
    uint32_t *slots = t->constant || !t->n ? NULL : take(p, t->n, sizeof *slots);
    for (uint32_t i = 0; slots && i < t->n; i++) {
        bool tx = t->at[i].var == SEC_TX && t->at[i].selector.len;
        slots[i] = tx ? slot(p, t->at[i].selector) : NO_SLOT;
    }
    ret.slots = slots;
    return ret;
}

/* Whether an exclusion names exactly this target: then it is none of the rule's at all. */
static bool cancels(const struct sec_target *x, const struct sec_target *g)
{
    return x->exclude && x->var == g->var && x->select == g->select && same_bytes(x->selector, g->selector);
}

static bool cancelled(const struct sec_rule *r, const struct sec_target *g)
{
    for (uint32_t i = 0; i < r->n_targets; i++)
        if (cancels(&r->targets[i], g))
            return true;
    return false;
}

static void skips(struct planner *p, const struct sec_rule *r, struct target *g)
{
    g->skips = take(p, r->n_targets, sizeof *g->skips);
    for (uint32_t i = 0; i < r->n_targets && g->skips && !g->count; i++)
        if (r->targets[i].exclude && r->targets[i].var == g->var && r->targets[i].select != SEC_ALL)
            g->skips[g->n_skips++] = &r->targets[i];
}

static bool is_plain(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
}

/* /^text/ and /text/ need no regex; nor does /texts*\/, which finds what /text/ finds. */
static void plain_selector(struct target *g)
{
    struct span s = span_of(g->selector.data + 1, g->selector.len - 2);
    bool first = s.len && s.data[0] == '^';
    s = span_from(s, first);
    if (s.len > 2 && s.data[s.len - 1] == '*')
        s.len -= 2;
    for (size_t i = 0; i < s.len; i++)
        if (!is_plain(s.data[i]))
            return;
    g->plain = s;
    g->plain_first = first;
}

static void targets(struct planner *p, struct link *l)
{
    const struct sec_rule *r = l->r;
    l->targets = take(p, r->n_targets, sizeof *l->targets);
    for (uint32_t i = 0; i < r->n_targets && l->targets; i++) {
        const struct sec_target *x = &r->targets[i];
        if (x->exclude || cancelled(r, x))
            continue;
        struct target *g = &l->targets[l->n_targets++];
        *g = (struct target){.var = x->var,
                             .select = x->select,
                             .count = x->count,
                             .own = own_var(x->var),
                             .slot = NO_SLOT,
                             .selector = x->selector,
                             .regex = x->regex};
        if (g->var == SEC_TX && g->select == SEC_BY_NAME)
            g->slot = slot(p, x->selector);
        if (g->select == SEC_BY_REGEX)
            plain_selector(g);
        skips(p, r, g);
    }
}

/* What is known of a setvar before any transaction. */
static void constants(struct set *set)
{
    const struct sec_text *value = &set->v->value;
    set->from_slot = set->value.slots && value->n == 1 ? set->value.slots[0] : NO_SLOT;
    set->fixed = set->slot != NO_SLOT && set->v->how == SEC_SET && value->constant;
    set->is_number = value->constant && plain_number(value->as_written);
    set->number = set->is_number ? number_of(value->as_written) : 0;
}

static void sets(struct planner *p, struct link *l)
{
    const struct sec_rule *r = l->r;
    l->sets = take(p, r->n_setvars, sizeof *l->sets);
    for (uint32_t i = 0; i < r->n_setvars && l->sets; i++) {
        const struct sec_setvar *v = &r->setvars[i];
        bool fixed = v->collection == SEC_TX && v->name.constant;
        l->sets[i] = (struct set){.v = v,
                                  .slot = fixed ? slot(p, v->name.as_written) : NO_SLOT,
                                  .name = text(p, &v->name),
                                  .value = text(p, &v->value)};
        constants(&l->sets[i]);
    }
}

static bool ctl_fits(const struct sec_ctl *c, const struct sec_rule *r)
{
    switch ((enum sec_ctl_what)c->what) {
    case SEC_CTL_REMOVE_BY_ID:
        if (r->unconditional) /* ModSecurity removes no SecAction so */
            return false;
        /* fall through */
    case SEC_CTL_REMOVE_TARGET_BY_ID:
        for (uint32_t i = 0; i < c->n_ids; i++)
            if (r->id >= c->ids[i].first && r->id <= c->ids[i].last)
                return true;
        return false;
    case SEC_CTL_REMOVE_BY_TAG:
    case SEC_CTL_REMOVE_TARGET_BY_TAG:
        return sec_tag_matches(r, c->text);
    case SEC_CTL_REMOVE_BY_MSG:
    case SEC_CTL_REMOVE_TARGET_BY_MSG:
        return sec_msg_matches(r, c->text);
    default:
        return false;
    }
}

static void ctl(struct planner *p, struct ctl *to, const struct sec_ctl *c)
{
    const struct sec_program *prog = p->s->p;
    *to = (struct ctl){.c = c};
    if (c->what > SEC_CTL_REMOVE_TARGET_BY_MSG)
        return;
    to->rules = take(p, p->s->words, sizeof *to->rules);
    for (unsigned phase = 1; phase < SEC_PHASES && to->rules; phase++)
        for (uint32_t i = 0; i < prog->n[phase]; i++)
            if (ctl_fits(c, prog->rules[phase][i]))
                bit_set(to->rules, p->s->phases[phase].first + i);
}

static void actions(struct planner *p, struct link *l)
{
    const struct sec_rule *r = l->r;
    sets(p, l);
    l->expires = take(p, r->n_expires, sizeof *l->expires);
    l->initcols = take(p, r->n_initcols, sizeof *l->initcols);
    l->ctls = take(p, r->n_ctls, sizeof *l->ctls);
    if (p->failed)
        return;
    for (uint32_t i = 0; i < r->n_expires; i++)
        l->expires[i] = (struct expire){&r->expires[i], text(p, &r->expires[i].name), text(p, &r->expires[i].seconds)};
    for (uint32_t i = 0; i < r->n_initcols; i++)
        l->initcols[i] = (struct initcol){r->initcols[i].collection, text(p, &r->initcols[i].key)};
    for (uint32_t i = 0; i < r->n_ctls; i++) {
        ctl(p, &l->ctls[i], &r->ctls[i]);
        p->s->response_body |= r->ctls[i].what == SEC_CTL_RESPONSE_BODY_ACCESS && r->ctls[i].value;
    }
}

/* "file:line: what", behind those of the reader. */
static void warn(struct planner *p, const struct sec_rule *r, const char *what)
{
    struct sec_program *prog = p->s->p;
    size_t size = strlen(r->file) + strlen(what) + 24;
    struct span *all = take(p, prog->n_warnings + 1, sizeof *all);
    char *text = take(p, size, 1);
    if (!all || !text)
        return;
    if (prog->n_warnings)
        memcpy(all, prog->warnings, prog->n_warnings * sizeof *all);
    int n = snprintf(text, size, "%s:%d: %s", r->file, r->line, what);
    all[prog->n_warnings++] = span_of(text, (size_t)n);
    prog->warnings = all;
}

static void operator(struct planner *p, struct link *l)
{
    const struct sec_rule *r = l->r;
    const struct sec_settings *set = &p->s->p->settings;
    char why[256] = "";
    if (r->unconditional)
        return;
    const char *slash = strrchr(r->file, '/');
    char *folder = slash ? strndup(r->file, (size_t)(slash - r->file) + 1) : strdup(".");
    char *geo = set->geo_database.len ? strndup((const char *)set->geo_database.data, set->geo_database.len) : NULL;
    struct sec_operator_options o = {.folder = folder, .geo_database = geo};
    enum sec_op op = (enum sec_op)r->op;
    if (op == SEC_OP_GEO_LOOKUP && !geo) { /* CRS 3 has such a rule, asleep where no country is named */
        warn(p, r, "@geoLookup finds nothing: no SecGeoLookupDb");
        op = SEC_OP_NO_MATCH;
    }
    l->op = folder ? sec_operator_new(op, &r->argument, &o, why, sizeof why) : NULL;
    free(folder);
    free(geo);
    if (!l->op) {
        diag_add(p->d, r->file, r->line, 0, "%s", why[0] ? why : "out of memory");
        p->failed = true;
    }
}

static void number(struct link *l)
{
    const struct sec_text *a = &l->r->argument;
    l->number = l->r->op == SEC_OP_EQ || l->r->op == SEC_OP_GE || l->r->op == SEC_OP_GT || l->r->op == SEC_OP_LE ||
                l->r->op == SEC_OP_LT;
    l->argument_slot = l->number && a->n == 1 && !a->constant ? l->argument.slots[0] : NO_SLOT;
    l->plain_number = l->number && !l->r->n_transforms && !l->r->multi_match;
    l->constant_number = l->number && a->constant && plain_number(a->as_written);
    if (l->constant_number)
        l->argument_number = number_of(a->as_written);
}

static void chain(struct planner *p, struct link *l)
{
    const struct sec_rule *r = l->r;
    uint32_t i = 0;
    if (!r->n_transforms)
        return;
    while (i < p->s->n_chains && (p->chains[i]->n_transforms != r->n_transforms ||
                                  memcmp(p->chains[i]->transforms, r->transforms, r->n_transforms)))
        i++;
    if (i == p->s->n_chains && vec_room(&p->chains, i, 1, &p->cap_chains, sizeof *p->chains))
        p->chains[p->s->n_chains++] = r;
    l->chain = (uint16_t)(i + 1);
}

static void ready(struct planner *p, struct link *l, const struct sec_rule *r, uint32_t position)
{
    struct seclang *s = p->s;
    *l = (struct link){.r = r, .position = position};
    if (!vec_room(&s->links, s->n_links, 1, &s->cap_links, sizeof(struct link *))) {
        p->failed = true;
        return;
    }
    s->links[s->n_links++] = l;
    l->argument = text(p, &r->argument);
    l->message = text(p, &r->message);
    l->log_data = text(p, &r->log_data);
    l->redirect = text(p, &r->redirect);
    targets(p, l);
    actions(p, l);
    operator(p, l);
    chain(p, l);
    if (!p->failed)
        number(l);
}

static void phase(struct planner *p, unsigned number)
{
    const struct sec_program *prog = p->s->p;
    struct phase_plan *plan = &p->s->phases[number];
    struct link *links = take(p, plan->n, sizeof *links);
    plan->quick = take(p, plan->n, sizeof *plan->quick);
    plan->groups = take(p, plan->n, sizeof *plan->groups);
    for (uint32_t i = 0; i < plan->n && links && plan->quick && plan->groups; i++) {
        const struct sec_rule *r = prog->rules[number][i];
        struct link *l = &links[i];
        ready(p, l, r, plan->first + i);
        l->first = true;
        p->s->rules[r->index] = r;
        for (r = r->next; r; r = r->next) {
            struct link *next = take(p, 1, sizeof *next);
            if (!next)
                return;
            ready(p, next, r, plan->first + i);
            l->next = next;
            l = next;
        }
        if (!p->failed)
            plan_quick(&links[i], &plan->quick[i]);
    }
    plan->links = links;
}

/* Which of the names known now a regex on TX selects. */
static void known_names(struct planner *p, struct regex_memory *m, struct target *g)
{
    const struct seclang *s = p->s;
    g->slots = take(p, s->n_names / 64 + 1, sizeof *g->slots);
    for (uint32_t i = 0; i < s->n_names && g->slots; i++)
        if (regex_match(g->regex, m, s->names[i]) == 1)
            bit_set(g->slots, i);
}

static void regex_targets(struct planner *p)
{
    struct regex_memory *m = regex_memory_new(p->s->p->settings.regex_steps);
    p->failed |= !m;
    for (size_t i = 0; i < p->s->n_links && m; i++)
        for (uint32_t j = 0; j < p->s->links[i]->n_targets; j++) {
            struct target *g = &p->s->links[i]->targets[j];
            if (g->var == SEC_TX && g->select == SEC_BY_REGEX)
                known_names(p, m, g);
        }
    regex_memory_free(m);
}

bool plan_links(struct seclang *s, struct diag *d)
{
    struct planner p = {.s = s, .d = d};
    static const char digits[] = "0123456789";
    for (size_t i = 0; i < DIGITS; i++)
        (void)slot(&p, span_of(digits + i, 1));
    for (unsigned i = 1; i < SEC_PHASES; i++) {
        s->phases[i].first = s->words * 64;
        s->phases[i].n = s->p->n[i];
        s->words += (s->p->n[i] + 63) / 64;
    }
    s->rules = take(&p, s->p->total, sizeof *s->rules);
    s->always = take(&p, s->words, sizeof *s->always);
    s->gated = take(&p, s->words, sizeof *s->gated);
    for (unsigned i = 1; i < SEC_PHASES && !(p.failed && !diag_count(d)); i++)
        phase(&p, i);
    free(p.chains);
    if (!p.failed)
        regex_targets(&p);
    if (p.failed && !diag_count(d))
        diag_add(d, NULL, 0, 0, "out of memory");
    return !p.failed;
}
