/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/run_internal.h"

/* Variables that rules themselves write: TX, the collections of the store, ENV; and what matched. */

#define DYNAMIC_HEADS 256
#define DYNAMIC_MAX 4096 /* TX names made from macros, a transaction */
#define ENV_MAX 256

bool own_var(uint8_t var)
{
    switch (var) {
    case SEC_TX:
    case SEC_IP:
    case SEC_GLOBAL:
    case SEC_SESSION:
    case SEC_USER:
    case SEC_RESOURCE:
    case SEC_ENV:
    case SEC_GEO:
    case SEC_RULE:
    case SEC_HIGHEST_SEVERITY:
    case SEC_MATCHED_VAR:
    case SEC_MATCHED_VAR_NAME:
    case SEC_MATCHED_VARS:
    case SEC_MATCHED_VARS_NAMES:
        return true;
    default:
        return false;
    }
}

struct span member_text(struct seclang_tx *t, const struct member *m)
{
    const char *var = sec_var_name(m->var);
    size_t n = strlen(var);
    if (!m->has_name)
        return span_of(var, n);
    char *to = pool_alloc(&t->pool, n + 1 + m->name.len);
    if (!to)
        return span_of(var, n);
    memcpy(to, var, n);
    to[n] = ':';
    if (m->name.len)
        memcpy(to + n + 1, m->name.data, m->name.len);
    return span_of(to, n + 1 + m->name.len);
}

void matched_add(struct seclang_tx *t, const struct member *m)
{
    t->matched_name = (struct span){NULL, 0};
    if (t->n_matched == MATCHED_MAX)
        t->n_matched--;
    if (vec_room(&t->matched, t->n_matched, 1, &t->cap_matched, sizeof *m))
        t->matched[t->n_matched++] = *m;
}

static struct span matched_name(struct seclang_tx *t)
{
    if (!t->matched_name.data)
        t->matched_name = member_text(t, &t->matched[t->n_matched - 1]);
    return t->matched_name;
}

/* The list of names not known at load that this one belongs to. */
static uint32_t *dynamic_head(struct seclang_tx *t, uint64_t hash)
{
    if (!t->dynamic)
        t->dynamic = calloc(DYNAMIC_HEADS, sizeof *t->dynamic);
    return t->dynamic ? &t->dynamic[hash % DYNAMIC_HEADS] : NULL;
}

static uint32_t dynamic_find(struct seclang_tx *t, struct span name, uint64_t hash)
{
    if (t->n_tx == t->s->n_names)
        return NO_SLOT;
    const uint32_t *head = dynamic_head(t, hash);
    for (uint32_t i = head ? *head : 0; i; i = t->tx[i - 1].hash_next)
        if (same_text(t->tx[i - 1].name, name))
            return i - 1;
    return NO_SLOT;
}

/* The name's slot, one of either kind. */
static uint32_t slot_of(struct seclang_tx *t, struct span name, uint64_t hash)
{
    uint32_t slot = plan_slot_of(t->s, name, hash);
    return slot == NO_SLOT ? dynamic_find(t, name, hash) : slot;
}

struct txvar *tx_find(struct seclang_tx *t, uint32_t slot, struct span name)
{
    if (slot == NO_SLOT)
        slot = slot_of(t, name, plan_hash(t->s, name));
    return slot != NO_SLOT && t->tx[slot].order ? &t->tx[slot] : NULL;
}

static uint32_t dynamic_add(struct seclang_tx *t, struct span name, uint64_t hash)
{
    uint32_t *head = dynamic_head(t, hash);
    struct span kept;
    if (!head || t->n_tx - t->s->n_names >= DYNAMIC_MAX || !pool_copy(&t->pool, name, &kept) ||
        !vec_room(&t->tx, t->n_tx, 1, &t->cap_tx, sizeof *t->tx))
        return NO_SLOT;
    t->tx[t->n_tx] = (struct txvar){.name = kept, .hash_next = *head};
    *head = t->n_tx + 1;
    return t->n_tx++;
}

/* Marks a variable as set, the last of those there are. */
static bool tx_mark(struct seclang_tx *t, struct txvar *v, uint32_t slot)
{
    if (t->n_set == t->cap_set && !vec_room(&t->set, t->n_set, 1, &t->cap_set, sizeof *t->set))
        return false;
    t->set[t->n_set++] = slot;
    v->order = t->n_set;
    return true;
}

/* The variable to be written; NULL where no more can be kept. */
static struct txvar *tx_make(struct seclang_tx *t, uint32_t slot, struct span name)
{
    if (slot == NO_SLOT) {
        uint64_t hash = plan_hash(t->s, name);
        slot = slot_of(t, name, hash);
        if (slot == NO_SLOT)
            slot = dynamic_add(t, name, hash);
    }
    if (slot == NO_SLOT)
        return NULL;
    struct txvar *v = &t->tx[slot];
    if (v->order)
        return v;
    if (slot < t->s->n_names)
        v->name = t->s->names[slot];
    if (name.len && slot < t->s->n_names && !pool_copy(&t->pool, name, &v->name))
        return NULL;
    return tx_mark(t, v, slot) ? v : NULL;
}

/* The variable with a name known at load; called as the rule writes it where that is the first. */
static struct txvar *tx_known(struct seclang_tx *t, const struct set *set)
{
    struct txvar *v = &t->tx[set->slot];
    if (v->order)
        return v;
    v->name = set->v->name.as_written;
    return tx_mark(t, v, set->slot) ? v : NULL;
}

static void tx_put_fixed(struct seclang_tx *t, const struct set *set)
{
    struct txvar *v = tx_known(t, set);
    if (!v)
        return;
    v->value = set->v->value.as_written;
    v->is_number = set->is_number;
    v->number = set->number;
}

/* An addition or subtraction on a variable known at load, of a number that needs no reading. */
static bool tx_count(struct seclang_tx *t, const struct set *set)
{
    const struct txvar *from = set->from_slot == NO_SLOT ? NULL : &t->tx[set->from_slot];
    bool number = from ? from->order && from->is_number : set->is_number;
    const struct txvar *old = &t->tx[set->slot];
    if (!number || (old->order && !old->is_number))
        return false;
    uint32_t n = (uint32_t)(from ? from->number : set->number), was = old->order ? (uint32_t)old->number : 0;
    char *buf = pool_alloc(&t->pool, NUMBER_TEXT);
    struct txvar *v = buf ? tx_known(t, set) : NULL;
    if (!v)
        return true;
    v->number = (int32_t)(set->v->how == SEC_ADD ? was + n : was - n);
    v->value = number_text(v->number, buf);
    v->is_number = true;
    return true;
}

bool plain_number(struct span s)
{
    size_t sign = s.len && s.data[0] == '-';
    if (s.len <= sign || s.len > sign + 9)
        return false;
    for (size_t i = sign; i < s.len; i++)
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
    return true;
}

void tx_put(struct seclang_tx *t, uint32_t slot, struct span name, struct span value)
{
    struct txvar *v = tx_make(t, slot, name);
    if (!v)
        return;
    v->value = value;
    v->is_number = plain_number(value);
    if (v->is_number)
        v->number = number_of(value);
}

void tx_put_number(struct seclang_tx *t, uint32_t slot, struct span name, int32_t n)
{
    char *buf = pool_alloc(&t->pool, NUMBER_TEXT);
    struct txvar *v = buf ? tx_make(t, slot, name) : NULL;
    if (!v)
        return;
    v->value = number_text(n, buf);
    v->is_number = true;
    v->number = n;
}

void tx_forget(struct seclang_tx *t)
{
    for (uint32_t i = 0; i < t->n_set; i++)
        t->tx[t->set[i]].order = 0;
    if (t->n_tx > t->s->n_names)
        memset(t->dynamic, 0, DYNAMIC_HEADS * sizeof *t->dynamic);
    t->n_tx = t->s->n_names;
    t->n_set = 0;
}

static uint32_t key_index(uint8_t var)
{
    static const uint8_t vars[COLLECTIONS] = {SEC_IP, SEC_GLOBAL, SEC_SESSION, SEC_USER, SEC_RESOURCE};
    for (uint32_t i = 0; i < COLLECTIONS; i++)
        if (vars[i] == var)
            return i;
    return 0;
}

struct store_at stored_at(const struct seclang_tx *t, uint8_t var)
{
    return (struct store_at){.kind = var, .key = t->keys[key_index(var)], .now_ms = t->now_ms};
}

static bool stored_first(struct seclang_tx *t, uint8_t var, struct span name, struct span *ret)
{
    uint8_t buf[STORE_COLLECTION_BYTES];
    struct store_at at = stored_at(t, var);
    long n = store_get(t->s->store, &at, name, buf, sizeof buf);
    return n >= 0 && pool_copy(&t->pool, span_of(buf, (size_t)n), ret);
}

static void env_put(struct seclang_tx *t, const struct member *m, bool del)
{
    uint32_t i = 0;
    while (i < t->n_env && !same_bytes(t->env[i].name, m->name))
        i++;
    if (del) {
        if (i < t->n_env)
            t->env[i] = t->env[--t->n_env];
    } else if (i < t->n_env) {
        t->env[i] = *m;
    } else if (t->n_env < ENV_MAX && vec_room(&t->env, t->n_env, 1, &t->cap_env, sizeof *m)) {
        t->env[t->n_env++] = *m;
    }
}

void tx_geo(struct seclang_tx *t)
{
    struct span name, value;
    t->n_geo = 0;
    for (uint32_t i = 0; i < GEO_FIELDS && sec_operator_geo(t->m->operators, i, &name, &value); i++) {
        struct member *m = &t->geo[t->n_geo];
        *m = (struct member){.var = SEC_GEO, .has_name = true};
        if (pool_copy(&t->pool, name, &m->name) && pool_copy(&t->pool, value, &m->value))
            t->n_geo++;
    }
}

static void set_tx(struct seclang_tx *t, const struct set *set, struct span name, struct span value)
{
    const struct txvar *old;
    switch ((enum sec_set)set->v->how) {
    case SEC_SET:
        tx_put(t, set->slot, name, value);
        break;
    case SEC_ADD:
    case SEC_SUBTRACT:
        old = tx_find(t, set->slot, name);
        uint32_t n = (uint32_t)number_of(value), was = old ? (uint32_t)number_of(old->value) : 0;
        tx_put_number(t, set->slot, name, (int32_t)(set->v->how == SEC_ADD ? was + n : was - n));
        break;
    case SEC_DELETE: {
        struct txvar *v = tx_find(t, set->slot, name);
        if (v)
            v->order = 0;
    }
    }
}

static void set_stored(struct seclang_tx *t, const struct sec_setvar *v, struct span name, struct span value)
{
    struct store_at at = stored_at(t, v->collection);
    uint32_t n = (uint32_t)number_of(value);
    switch ((enum sec_set)v->how) {
    case SEC_SET:
        (void)store_set(t->s->store, &at, name, value);
        break;
    case SEC_ADD:
        (void)store_add(t->s->store, &at, name, (int32_t)n);
        break;
    case SEC_SUBTRACT:
        (void)store_add(t->s->store, &at, name, (int32_t)(0 - n));
        break;
    case SEC_DELETE:
        store_delete(t->s->store, &at, name);
    }
}

void tx_set(struct seclang_tx *t, const struct set *set)
{
    if (set->fixed) {
        tx_put_fixed(t, set);
        return;
    }
    if (set->slot != NO_SLOT && (set->v->how == SEC_ADD || set->v->how == SEC_SUBTRACT) && tx_count(t, set))
        return;
    struct span name = expand(t, &set->name, TEXT_MAX), value = expand(t, &set->value, TEXT_MAX);
    if (set->v->collection == SEC_TX) {
        set_tx(t, set, name, value);
    } else if (set->v->collection == SEC_ENV) {
        struct member m = {.var = SEC_ENV, .has_name = true, .name = name, .value = value};
        env_put(t, &m, set->v->how == SEC_DELETE);
    } else {
        set_stored(t, set->v, name, value);
    }
}

void tx_expire(struct seclang_tx *t, const struct expire *e)
{
    if (e->e->collection == SEC_TX || e->e->collection == SEC_ENV)
        return; /* they end with the transaction */
    struct store_at at = stored_at(t, e->e->collection);
    int32_t seconds = number_of(expand(t, &e->seconds, TEXT_MAX));
    store_expire(t->s->store, &at, expand(t, &e->name, TEXT_MAX), seconds > 0 ? (uint32_t)seconds : 0);
}

void tx_initcol(struct seclang_tx *t, const struct initcol *i)
{
    t->keys[key_index(i->collection)] = expand(t, &i->key, TEXT_MAX);
}

/* What %{RULE.name} is of the rule under way: a link has its chain's where it has none. */
static bool rule_member(struct seclang_tx *t, struct span name, struct span *ret)
{
    const struct sec_rule *r = t->rule ? t->rule->r : NULL, *head = t->head ? t->head->r : NULL;
    char number[NUMBER_TEXT * 2];
    if (!r || !head)
        return false;
    if (same_text(name, span_text("id"))) {
        int n = snprintf(number, sizeof number, "%llu", (unsigned long long)head->id);
        return pool_copy(&t->pool, span_of(number, (size_t)n), ret);
    }
    if (same_text(name, span_text("severity"))) {
        int severity = r->severity >= 0 ? r->severity : head->severity;
        int n = snprintf(number, sizeof number, "%d", severity);
        return severity >= 0 && pool_copy(&t->pool, span_of(number, (size_t)n), ret);
    }
    if (same_text(name, span_text("rev")))
        *ret = r->rev.len ? r->rev : head->rev;
    else if (same_text(name, span_text("ver")))
        *ret = r->ver.len ? r->ver : head->ver;
    else if (t->in_rule_member)
        return false; /* a message that has itself in it */
    else if (same_text(name, span_text("msg")) || same_text(name, span_text("logdata"))) {
        bool data = name.len > 3;
        const struct text *text = data ? &t->rule->log_data : &t->rule->message;
        if (!text->t->as_written.len)
            text = data ? &t->head->log_data : &t->head->message;
        t->in_rule_member = true;
        *ret = expand(t, text, EVENT_TEXT_MAX);
        t->in_rule_member = false;
    } else
        return false;
    return ret->len > 0;
}

static bool severity_text(struct seclang_tx *t, struct span *ret)
{
    char buf[NUMBER_TEXT];
    return pool_copy(&t->pool, number_text(t->highest_severity, buf), ret);
}

/* The first of a list that has the name, or of all where none is asked for. */
static bool first_named(const struct member *at, uint32_t n, struct span name, struct span *ret)
{
    for (uint32_t i = 0; i < n; i++) {
        if (name.len && !same_text(at[i].name, name))
            continue;
        *ret = at[i].value;
        return true;
    }
    return false;
}

/* The TX variable that was set first of those there are. */
static const struct txvar *tx_oldest(const struct seclang_tx *t)
{
    for (uint32_t i = 0; i < t->n_set; i++)
        if (t->tx[t->set[i]].order == i + 1)
            return &t->tx[t->set[i]];
    return NULL;
}

bool own_first(struct seclang_tx *t, uint8_t var, struct span selector, uint32_t slot, struct span *ret)
{
    const struct txvar *v;
    switch (var) {
    case SEC_TX:
        v = slot == NO_SLOT && !selector.len ? tx_oldest(t) : tx_find(t, slot, selector);
        *ret = v ? v->value : span_of(NULL, 0);
        return v != NULL;
    case SEC_MATCHED_VAR:
        *ret = t->n_matched ? t->matched[t->n_matched - 1].value : span_of(NULL, 0);
        return t->n_matched > 0;
    case SEC_MATCHED_VAR_NAME:
        *ret = t->n_matched ? matched_name(t) : span_of(NULL, 0);
        return t->n_matched > 0;
    case SEC_MATCHED_VARS:
        *ret = t->n_matched ? t->matched[0].value : span_of(NULL, 0);
        return t->n_matched > 0;
    case SEC_MATCHED_VARS_NAMES:
        *ret = t->n_matched ? member_text(t, &t->matched[0]) : span_of(NULL, 0);
        return t->n_matched > 0;
    case SEC_HIGHEST_SEVERITY:
        return severity_text(t, ret);
    case SEC_RULE:
        return rule_member(t, selector, ret);
    case SEC_ENV:
        return first_named(t->env, t->n_env, selector, ret);
    case SEC_GEO:
        return first_named(t->geo, t->n_geo, selector, ret);
    default:
        return stored_first(t, var, selector, ret);
    }
}
