/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_SEC_GATE_FIXTURE_H
#define SLUICE_TESTS_SEC_GATE_FIXTURE_H

/*
 * What tests of the gate need: rules made of the daemon's operators, the
 * reference that a gate must not fall short of (PCRE2 itself for regexes, else
 * the operator), and rules out of ModSecurity's files.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <glob.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "seclang/gate.h"

/* ---- rules, and what they match ---- */

struct fixture_rule {
    uint32_t source;
    uint8_t transforms[SEC_TRANSFORMS_MAX];
    unsigned n_transforms;
    struct sec_operator *o;
    pcre2_code *code; /* as ModSecurity compiles it; NULL: another operator */
    bool always;      /* not gated */
    char *text;
};

struct fixture {
    struct fixture_rule rules[4096];
    uint32_t n;
    char *sources[512];
    uint32_t n_sources;
    pcre2_match_data *data;
    pcre2_match_context *context;
    struct sec_operator_memory *operators;
    struct sec_gate *gate;
    struct sec_gate_memory *memory;
};

static inline uint32_t fixture_source(struct fixture *f, const char *name)
{
    for (uint32_t i = 0; i < f->n_sources; i++)
        if (strcmp(f->sources[i], name) == 0)
            return i;
    if (f->n_sources == ARRAY_LEN(f->sources))
        abort();
    f->sources[f->n_sources] = strdup(name);
    return f->n_sources++;
}

static inline void fixture_add(struct fixture *f, const char *source, const uint8_t *transforms, unsigned n,
                               enum sec_op op, const char *argument, const char *folder)
{
    if (f->n == ARRAY_LEN(f->rules))
        abort();
    struct fixture_rule *r = &f->rules[f->n++];
    struct sec_text text = {.as_written = span_of(argument, strlen(argument)), .constant = true};
    char why[256];
    int error;
    size_t at;
    r->source = fixture_source(f, source);
    if (n)
        memcpy(r->transforms, transforms, n);
    r->n_transforms = n;
    r->text = strdup(argument);
    r->o = sec_operator_new(op, &text, &(struct sec_operator_options){.folder = folder}, why, sizeof why);
    if (!r->o) {
        fprintf(stderr, "%s: %s\n", argument, why);
        abort();
    }
    if (op != SEC_OP_RX)
        return;
    r->code =
        pcre2_compile((const uint8_t *)argument, strlen(argument), PCRE2_DOTALL | PCRE2_MULTILINE, &error, &at, NULL);
    if (r->code)
        (void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
}

static inline bool fixture_compile(struct fixture *f, const char *cache)
{
    struct diag *d = diag_new();
    struct sec_gate_build *b = sec_gate_build_new();
    for (uint32_t i = 0; i < f->n; i++) {
        struct fixture_rule *r = &f->rules[i];
        bool failed = false;
        r->always = !sec_gate_add(b, r->source, i, r->transforms, r->n_transforms, r->o, &failed);
        if (failed)
            return false;
    }
    f->gate = sec_gate_new(b, cache, d);
    diag_print(d, stderr);
    diag_free(d);
    sec_gate_build_free(b);
    f->memory = f->gate ? sec_gate_memory_new(f->gate) : NULL;
    f->operators = sec_operator_memory_new(100000);
    f->data = pcre2_match_data_create(1, NULL);
    f->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(f->context, 100000);
    return f->memory && f->operators;
}

static inline void fixture_free(struct fixture *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        sec_operator_free(f->rules[i].o);
        pcre2_code_free(f->rules[i].code);
        free(f->rules[i].text);
    }
    for (uint32_t i = 0; i < f->n_sources; i++)
        free(f->sources[i]);
    sec_operator_memory_free(f->operators);
    sec_gate_memory_free(f->memory);
    sec_gate_free(f->gate);
    pcre2_match_data_free(f->data);
    pcre2_match_context_free(f->context);
    memset(f, 0, sizeof *f);
}

/* Whether the rule matches the value: its chain, then PCRE2 or the operator. */
static inline bool fixture_matches(const struct fixture *f, const struct fixture_rule *r, struct span v)
{
    uint8_t *held[SEC_TRANSFORMS_MAX + 1];
    unsigned n = 0;
    for (; n < r->n_transforms; n++) {
        held[n] = malloc(transform_room(r->transforms[n], v.len) + 1);
        v = transform_apply(r->transforms[n], v, held[n]);
    }
    const uint8_t *text = v.len ? v.data : (const uint8_t *)"";
    bool found = r->code ? pcre2_match(r->code, text, v.len, 0, 0, f->data, f->context) >= 0
                         : sec_operator_match(r->o, f->operators, v, span_of(NULL, 0), NULL) == 1;
    while (n)
        free(held[--n]);
    return found;
}

/* The number of the rule that matches and was not told, or -1. */
static inline int fixture_missed(const struct fixture *f, uint32_t source, struct span v, uint32_t *told)
{
    uint64_t rules[64] = {0};
    sec_gate_scan(f->gate, f->memory, source, v, rules);
    for (uint32_t i = 0; i < f->n; i++) {
        const struct fixture_rule *r = &f->rules[i];
        bool is_told = rules[i / 64] >> (i % 64) & 1;
        *told += is_told;
        if (r->source == source && !is_told && !r->always && fixture_matches(f, r, v))
            return (int)i;
    }
    return -1;
}

/* ---- ModSecurity's files ---- */

static inline void fixture_targets(struct fixture *f, const struct sec_rule *r, const char *folder)
{
    AUTO_FREE char *argument = strndup((const char *)r->argument.as_written.data, r->argument.as_written.len);
    for (uint32_t i = 0; i < r->n_targets; i++) {
        const struct sec_target *t = &r->targets[i];
        char name[256];
        if (t->exclude || t->count)
            continue;
        snprintf(name, sizeof name, "%s:%.*s", sec_var_name(t->var), (int)t->selector.len,
                 t->selector.len ? (const char *)t->selector.data : "");
        fixture_add(f, name, r->transforms, r->n_transforms, r->op, argument, folder);
    }
}

/* Operators that may be gated. */
static inline bool fixture_wants(const struct sec_rule *r)
{
    static const uint8_t ops[] = {SEC_OP_RX,     SEC_OP_PM,          SEC_OP_PM_FILE,  SEC_OP_CONTAINS,
                                  SEC_OP_STR_EQ, SEC_OP_BEGINS_WITH, SEC_OP_ENDS_WITH};
    return !r->unconditional && r->argument.constant && memchr(ops, r->op, sizeof ops);
}

/* All such rules and links of a folder's files, as if none were negated; each target is a source. */
static inline void fixture_load(struct fixture *f, const char *folder)
{
    char pattern[1024];
    glob_t files;
    struct diag *d = diag_new();
    snprintf(pattern, sizeof pattern, "%s/*.conf", folder);
    if (glob(pattern, 0, NULL, &files))
        abort();
    struct sec_program *p = sec_read((const char *const *)files.gl_pathv, files.gl_pathc, NULL, d);
    diag_print(d, stderr);
    if (!p)
        abort();
    for (unsigned phase = 1; phase < SEC_PHASES; phase++)
        for (uint32_t i = 0; i < p->n[phase]; i++)
            for (const struct sec_rule *r = p->rules[phase][i]; r; r = r->next)
                if (fixture_wants(r))
                    fixture_targets(f, r, folder);
    sec_program_free(p);
    diag_free(d);
    globfree(&files);
}

#endif
