/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_RUN_INTERNAL_H
#define SLUICE_SECLANG_RUN_INTERNAL_H

#include <strings.h>

#include "seclang/gate.h"
#include "seclang/number.h"
#include "seclang/operators.h"
#include "seclang/pool.h"
#include "seclang/seclang.h"
#include "seclang/store.h"

/* What the executor's files share: rules made ready at load, and a transaction's state. */

#define NO_SLOT UINT32_MAX
#define DIGITS 10 /* TX:0 to TX:9 are the slots 0 to 9 */

/* A text with the slots of its pieces' TX variables. */
struct text {
    const struct sec_text *t;
    const uint32_t *slots; /* as many as t->n, NULL where constant */
};

struct target {
    uint8_t var, select;
    bool count;
    bool own;        /* filled by tx.c, not by the request */
    uint32_t slot;   /* TX by a name */
    uint32_t key;    /* which of the gate's keys it is, 0: none */
    uint64_t *slots; /* TX by a regex: bits of the known names that it finds */
    struct span selector;
    const struct regex *regex;
    struct span plain;               /* what the regex stands for where it is no more than that: a text, in any case, */
    bool plain_first;                /* at a line's beginning, or anywhere */
    const struct sec_target **skips; /* members that are left out */
    uint32_t n_skips;
};

struct set {
    const struct sec_setvar *v;
    uint32_t slot; /* TX with a constant name */
    struct text name, value;
    bool fixed;     /* slot, and the value is a constant */
    bool is_number; /* that it is */
    int32_t number;
    uint32_t from_slot; /* the value is this TX variable's */
};

struct expire {
    const struct sec_expire *e;
    struct text name, seconds;
};

struct initcol {
    uint8_t collection;
    struct text key;
};

struct ctl {
    const struct sec_ctl *c;
    uint64_t *rules; /* bits of the rules that it is about, by position */
};

/* A rule or a link of a chain, made ready. */
struct link {
    const struct sec_rule *r;
    const struct link *next;
    struct sec_operator *op;
    struct text argument, message, log_data, redirect;
    struct target *targets;
    struct set *sets;
    struct expire *expires;
    struct initcol *initcols;
    struct ctl *ctls;
    uint32_t n_targets;
    uint16_t chain; /* which list of transformations: equal ones have equal numbers; 0 is none */
    bool first;
    bool number; /* compares numbers: one of eq, ge, gt, le, lt */
    bool constant_number;
    bool plain_number; /* number, and the value is compared as it is */
    int32_t argument_number;
    uint32_t argument_slot; /* where the argument is one TX variable */
    uint32_t position;
};

/* Values that are scanned alike: a source of the gate, and which of the request's values it is. */
struct source {
    uint32_t number;
    struct {
        uint8_t var;
        bool named;           /* the member of that name only */
        struct span selector; /* name, or XPath */
        uint32_t key;         /* its number, from 1 */
    } * keys;
    uint32_t n_keys;
};

/* Gated rules under the same conditions of paranoia: scanned together, when the first of them is reached. */
struct group {
    uint64_t *rules; /* by position */
    struct source *sources;
    uint32_t n_sources;
};

/* What of a rule can be told at once; see quick.c. */
enum quick_kind { QUICK_NONE, QUICK_NUMBER, QUICK_COUNT, QUICK_ACTION };

struct quick {
    uint32_t slot;
    int32_t low, high;
    uint8_t kind; /* enum quick_kind */
    bool outside; /* what is not between low and high matches */
    bool simple;  /* so is what a match does */
};

/* A phase's rules have the positions first … first + n - 1; first is a multiple of 64. */
struct phase_plan {
    uint32_t first, n;
    const struct link *links; /* by position - first */
    struct quick *quick;      /* the same */
    uint16_t *groups;         /* by position - first: 1 + group, 0 visited always */
};

struct seclang {
    struct sec_program *p;
    struct arena arena; /* all of the plan */
    struct phase_plan phases[SEC_PHASES];
    uint64_t *always; /* bits by position: rules that are visited without being told */
    uint64_t *gated;
    uint32_t words; /* of such bits */
    struct group *groups;
    uint32_t n_groups;
    struct sec_gate *gate; /* NULL: nothing to gate */
    /* TX names known at load: */
    struct span *names; /* by slot, as written first */
    uint32_t n_names;
    size_t cap_names;
    uint32_t *name_table; /* slot + 1, by hash */
    uint32_t name_mask;
    uint64_t *sums; /* bits by slot: some rule adds to it */
    uint64_t name_key[2];
    struct link **links; /* all, for their operators to be freed */
    size_t n_links, cap_links;
    const struct sec_rule **rules; /* by index */
    struct seclang_store *store;
    bool response_body; /* phase 4 can have to run */
    uint32_t n_chains;
};

/* A TX variable of a transaction. */
struct txvar {
    struct span name, value; /* name as it was set first */
    uint32_t order;          /* of being set; 0: not set */
    bool is_number;          /* number is the value, without rounding */
    int32_t number;
    uint32_t hash_next; /* of names not known at load */
};

/* A member of a variable with its value. */
struct member {
    uint8_t var;
    bool has_name; /* "ARGS:name", or only "REQUEST_LINE" */
    struct span name, value;
};

#define REMOVALS_MAX 256 /* of targets, a transaction */
#define GEO_FIELDS 8
#define COLLECTIONS 5
#define MEMO 256
#define MATCHED_MAX 8192

/* A value that the gate tells of a rule: the rule's next one, and number `value` of a key's. */
struct told_value {
    uint32_t next, key, value; /* next: index + 1 */
};

/* All values that are told of a rule. Where they are too many to be listed it looks at each there is. */
struct told_values {
    uint32_t first, last; /* index + 1 */
    bool all;
};

#define TOLD_VALUES_MAX ((size_t)64 * 1024) /* that are listed, of all rules of a phase */

/* A transformed value, remembered. */
struct memo {
    const uint8_t *data;
    size_t len;
    uint32_t phase_number; /* which phase's */
    uint16_t chain;
    struct span result;
};

struct seclang_tx {
    const struct seclang *s;
    struct seclang_memory *m;
    struct seclang_tx *next; /* of the memory's pool */
    struct sec_vars *vars;
    struct pool pool;
    uint64_t now_ms;
    uint8_t phase;
    uint8_t engine; /* enum sec_engine */
    uint8_t allow;  /* enum sec_disruptive: SEC_PASS none */
    bool body_access, response_access;
    bool removed_any;
    int highest_severity;
    /* TX: */
    struct txvar *tx;
    uint32_t n_tx; /* the first n_names are known at load */
    size_t cap_tx;
    uint32_t next_order;
    uint32_t *set; /* slots that were set, for the end */
    uint32_t n_set;
    size_t cap_set;
    uint32_t *dynamic; /* heads of lists by hash, index + 1 */
    /* The other collections' keys: */
    struct span keys[COLLECTIONS];
    struct member *env;
    uint32_t n_env;
    size_t cap_env;
    /* What matched: */
    struct member *matched;
    uint32_t n_matched;
    size_t cap_matched;
    struct span matched_name;    /* of the last, once it was asked for */
    uint64_t *removed;           /* bits by position */
    uint64_t *touched;           /* rules that ctl took targets from */
    bool taken_from;             /* the rule under way is one of them */
    bool no_match;               /* the gate has told that the value under way does not satisfy the operator */
    const struct ctl **removals; /* of targets */
    uint32_t n_removals;
    /* The rule under way: */
    const struct link *rule, *head; /* that actions are run of, and its chain's first */
    bool in_rule_member;
    struct span message, data;
    struct member found; /* what the event names */
    struct span found_part;
    uint32_t skip_to;              /* 0: none */
    const uint32_t *skip_on;       /* where later phases begin, by phase; NULL: at their beginning */
    struct member geo[GEO_FIELDS]; /* of the last geoLookup */
    uint32_t n_geo;
    struct seclang_event *events;
    size_t n_events, cap_events;
    struct seclang_decision *decision;
};

struct seclang_memory {
    const struct seclang *s;
    struct seclang_tx *free;
    uint32_t n_free;
    struct sec_gate_memory *gate;
    struct sec_operator_memory *operators;
    struct regex_memory *regex;
    uint8_t *buf[2]; /* of transformations */
    size_t size[2];
    /* Of the phase under way, bits by position: */
    uint64_t *bits; /* all of the following */
    uint64_t *visit, *told;
    uint64_t *told_now;         /* by the value under way; else empty */
    uint64_t *scanned;          /* bits of groups */
    struct told_values *values; /* by position, of rules that are told */
    struct told_value *told_list;
    size_t n_told_list, cap_told_list;
    struct memo *memo;
    uint32_t phase_number; /* ever more, for memo */
    struct member *own;    /* a target's values */
    size_t cap_own;
};

static inline bool same_text(struct span a, struct span b)
{
    if (a.len != b.len || !a.len)
        return a.len == b.len;
    /* Most names differ in their first letter already. */
    return !((a.data[0] ^ b.data[0]) & 0xdf) && !strncasecmp((const char *)a.data, (const char *)b.data, a.len);
}

static inline bool same_bytes(struct span a, struct span b)
{
    return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

static inline struct span span_text(const char *s)
{
    return span_of(s, strlen(s));
}

static inline bool bit_get(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

static inline void bit_set(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= (uint64_t)1 << (i % 64);
}

/* members.c */
/* Members of a variable that own_var tells of into t->own; a snapshot. */
uint32_t own_members(struct seclang_tx *t, const struct target *g);
/* Whether the target's regex finds something in the name. */
bool regex_selects(struct seclang_tx *t, const struct target *g, struct span name);

/* plan.c, plan_gate.c, plan_names.c */
MUST_CHECK bool plan_links(struct seclang *s, struct diag *d);
MUST_CHECK bool plan_gate(struct seclang *s, const char *cache, struct diag *d);
/* Of a TX variable's name, in any case. */
uint64_t plan_hash(const struct seclang *s, struct span name);
uint32_t plan_slot(const struct seclang *s, struct span name); /* NO_SLOT where none */
uint32_t plan_slot_of(const struct seclang *s, struct span name, uint64_t hash);
MUST_CHECK bool plan_slot_add(struct seclang *s, struct span name, uint32_t *ret);

/* tx.c: variables that rules write */
bool own_var(uint8_t var);
/* Where a collection of the transaction's is kept. */
struct store_at stored_at(const struct seclang_tx *t, uint8_t var);
/* The first value only, for macros; false where there is none. */
bool own_first(struct seclang_tx *t, uint8_t var, struct span selector, uint32_t slot, struct span *ret);
/* Value's bytes stay as long as the transaction. */
void tx_put(struct seclang_tx *t, uint32_t slot, struct span name, struct span value);
void tx_put_number(struct seclang_tx *t, uint32_t slot, struct span name, int32_t n);
/* What the geoLookup just done has found. */
void tx_geo(struct seclang_tx *t);
void tx_forget(struct seclang_tx *t);
struct txvar *tx_find(struct seclang_tx *t, uint32_t slot, struct span name);
void tx_set(struct seclang_tx *t, const struct set *set);
void tx_expire(struct seclang_tx *t, const struct expire *e);
void tx_initcol(struct seclang_tx *t, const struct initcol *i);
/* "ARGS:user". Empty where memory is out. */
struct span member_text(struct seclang_tx *t, const struct member *m);
void matched_add(struct seclang_tx *t, const struct member *m);
static inline void matched_clear(struct seclang_tx *t)
{
    t->n_matched = 0;
}

/* values.c: values of a request's variables, and transformations */
/* The value after all of the link's transformations, or one of them; in the thread's buffer at most until the next
 * call. */
struct span transformed(struct seclang_tx *t, const struct link *l, struct span value);
struct span transformed_step(struct seclang_tx *t, const struct link *l, unsigned i, struct span value);

bool in_buffer(const struct seclang_memory *m, struct span s);

/* What an operator on numbers says, negation and all. */
static inline bool fits_number(const struct link *l, int32_t n, int32_t argument)
{
    bool is = false;
    switch (l->r->op) {
    case SEC_OP_EQ:
        is = n == argument;
        break;
    case SEC_OP_GE:
        is = n >= argument;
        break;
    case SEC_OP_GT:
        is = n > argument;
        break;
    case SEC_OP_LE:
        is = n <= argument;
        break;
    case SEC_OP_LT:
        is = n < argument;
        break;
    }
    return is != l->r->negated;
}

/* Digits only, few enough: whatever way a number is read, it is this one. */
bool plain_number(struct span s);

/* macros.c */
#define EVENT_TEXT_MAX ((size_t)4096)
/*
 * Where a text is put together out of several pieces: setvar in a loop of
 * matches would else pile up what a client sends. ModSecurity has no bound, and
 * decides otherwise only on what was cut off. A text that is one macro is the
 * value itself, of any length.
 */
#define TEXT_MAX ((size_t)65536)
/* At most `max` bytes; stays as long as the transaction. */
struct span expand(struct seclang_tx *t, const struct text *text, size_t max);

/* actions.c */
void run_after(struct seclang_tx *t, const struct link *l);

/* quick.c */
void plan_quick(const struct link *l, struct quick *ret);
/* What a simple rule does that has matched. */
void quick_match(struct seclang_tx *t, const struct link *l, const struct quick *q);

enum quick_verdict { QUICK_MISS, QUICK_HIT, QUICK_UNKNOWN };

/* What can be told of a rule at once. */
static inline enum quick_verdict quick_judge(const struct seclang_tx *t, const struct quick *q)
{
    const struct txvar *v;
    int32_t n;
    switch ((enum quick_kind)q->kind) {
    case QUICK_NUMBER:
        v = &t->tx[q->slot];
        if (!v->order)
            return QUICK_MISS;
        if (!v->is_number)
            return QUICK_UNKNOWN;
        n = v->number;
        break;
    case QUICK_COUNT:
        n = t->tx[q->slot].order != 0;
        break;
    case QUICK_ACTION:
        return QUICK_HIT;
    default:
        return QUICK_UNKNOWN;
    }
    return (n >= q->low && n <= q->high) != q->outside ? QUICK_HIT : QUICK_MISS;
}

/* run.c */
bool run_rule(struct seclang_tx *t, const struct link *l);

#endif
