/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_SEC_GATE_FIXTURE_H
#define SLUICE_TESTS_SEC_GATE_FIXTURE_H

/*
 * What tests of the gate need: operators that are a regex or words (weak, so
 * that the daemon's are taken where they are linked), the reference that a gate
 * must not fall short of, and rules out of ModSecurity's files.
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

/* ---- operators ---- */

struct sec_operator {
    enum sec_gateable kind;
    struct span regex, *words;
    uint32_t n_words;
    bool caseless;
    char *text;
};

__attribute__((weak)) enum sec_gateable sec_operator_gateable(const struct sec_operator *o)
{
    return o->kind;
}

__attribute__((weak)) struct span sec_operator_regex(const struct sec_operator *o)
{
    return o->regex;
}

__attribute__((weak)) bool sec_operator_word(const struct sec_operator *o, uint32_t i, struct span *word,
                                             bool *caseless)
{
    if (i >= o->n_words)
        return false;
    *word = o->words[i];
    *caseless = o->caseless;
    return true;
}

static inline void fixture_words(struct sec_operator *o, char *text, const char *separators)
{
    o->words = calloc(strlen(text) + 1, sizeof *o->words);
    for (char *save, *w = strtok_r(text, separators, &save); w; w = strtok_r(NULL, separators, &save))
        if (*w != '#' || !strchr(separators, '\n'))
            o->words[o->n_words++] = span_of(w, strlen(w));
}

static inline char *fixture_read(const char *folder, const char *file)
{
    char path[1024], *text = NULL;
    size_t len = 0;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *f = fopen(path, "r"), *to = open_memstream(&text, &len);
    for (int c; f && (c = getc(f)) != EOF;)
        putc(c, to);
    if (f)
        fclose(f);
    fclose(to);
    return text;
}

__attribute__((weak)) struct sec_operator *sec_operator_new(enum sec_op op, const struct sec_text *argument,
                                                            const struct sec_operator_options *opt, char *why,
                                                            size_t size)
{
    struct sec_operator *o = calloc(1, sizeof *o);
    struct span a = argument->as_written;
    snprintf(why, size, "none");
    o->text = calloc(1, a.len + 1);
    if (a.len)
        memcpy(o->text, a.data, a.len);
    if (op == SEC_OP_RX) {
        o->kind = SEC_GATE_REGEX;
        o->regex = span_of(o->text, a.len);
    } else if (op == SEC_OP_PM || op == SEC_OP_PM_FILE) {
        char *text = op == SEC_OP_PM ? o->text : fixture_read(opt->folder, o->text);
        o->kind = SEC_GATE_WORDS;
        o->caseless = true;
        fixture_words(o, text, op == SEC_OP_PM ? " " : "\n");
        if (text != o->text) {
            free(o->text);
            o->text = text;
        }
    } else if (op == SEC_OP_CONTAINS || op == SEC_OP_STR_EQ || op == SEC_OP_BEGINS_WITH || op == SEC_OP_ENDS_WITH) {
        o->kind = SEC_GATE_WORDS;
        o->words = calloc(1, sizeof *o->words);
        o->words[o->n_words++] = span_of(o->text, a.len);
    }
    return o;
}

__attribute__((weak)) void sec_operator_free(struct sec_operator *o)
{
    free(o->words);
    free(o->text);
    free(o);
}

/* ---- rules, and what they match ---- */

struct fixture_rule {
    uint32_t source;
    uint8_t transforms[SEC_TRANSFORMS_MAX];
    unsigned n_transforms;
    struct sec_operator *o;
    pcre2_code *code; /* as ModSecurity compiles it; NULL: words */
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
    struct sec_gate *gate;
    struct sec_gate_memory *memory;
};

static inline uint32_t fixture_source(struct fixture *f, const char *name)
{
    for (uint32_t i = 0; i < f->n_sources; i++)
        if (strcmp(f->sources[i], name) == 0)
            return i;
    f->sources[f->n_sources] = strdup(name);
    return f->n_sources++;
}

static inline void fixture_add(struct fixture *f, const char *source, const uint8_t *transforms, unsigned n,
                               enum sec_op op, const char *argument, const char *folder)
{
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
    if (!r->o) { /* a regex that ModSecurity refuses */
        free(r->text);
        f->n--;
        return;
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
    f->data = pcre2_match_data_create(1, NULL);
    f->context = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(f->context, 100000);
    return f->memory != NULL;
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
    sec_gate_memory_free(f->memory);
    sec_gate_free(f->gate);
    pcre2_match_data_free(f->data);
    pcre2_match_context_free(f->context);
    memset(f, 0, sizeof *f);
}

static inline bool fixture_has_word(const struct fixture_rule *r, struct span v)
{
    struct span word;
    bool caseless;
    for (uint32_t i = 0; sec_operator_word(r->o, i, &word, &caseless); i++)
        for (size_t at = 0; at + word.len <= v.len; at++)
            if (caseless ? !strncasecmp((const char *)v.data + at, (const char *)word.data, word.len)
                         : !memcmp(v.data + at, word.data, word.len))
                return true;
    return false;
}

/* Whether the rule matches the value: its chain, then PCRE2 or the words. */
static inline bool fixture_matches(const struct fixture *f, const struct fixture_rule *r, struct span v)
{
    uint8_t *held[SEC_TRANSFORMS_MAX + 1];
    unsigned n = 0;
    for (; n < r->n_transforms; n++) {
        held[n] = malloc(transform_room(r->transforms[n], v.len) + 1);
        v = transform_apply(r->transforms[n], v, held[n]);
    }
    const uint8_t *text = v.len ? v.data : (const uint8_t *)"";
    bool found = r->code ? pcre2_match(r->code, text, v.len, 0, 0, f->data, f->context) >= 0 : fixture_has_word(r, v);
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

static inline int fixture_transform(const char *name, size_t len)
{
    static const char *const names[TRANSFORMS] = {"lowercase",
                                                  "urlDecode",
                                                  "urlDecodeUni",
                                                  "htmlEntityDecode",
                                                  "jsDecode",
                                                  "cssDecode",
                                                  "base64Decode",
                                                  "base64DecodeExt",
                                                  "hexDecode",
                                                  "hexEncode",
                                                  "normalizePath",
                                                  "normalizePathWin",
                                                  "removeNulls",
                                                  "replaceNulls",
                                                  "compressWhitespace",
                                                  "removeWhitespace",
                                                  "replaceComments",
                                                  "removeComments",
                                                  "removeCommentsChar",
                                                  "cmdLine",
                                                  "utf8toUnicode",
                                                  "escapeSeqDecode",
                                                  "trim",
                                                  [TRANSFORM_MD5] = "md5",
                                                  [TRANSFORM_SHA1] = "sha1",
                                                  [TRANSFORM_LENGTH] = "length"};
    for (int t = 0; t < TRANSFORMS; t++)
        if (names[t] && strlen(names[t]) == len && !strncasecmp(names[t], name, len))
            return t;
    return -1;
}

/* What is quoted at *at, without its backslashes before quotes; a bare word where nothing is. */
static inline char *fixture_quoted(char **at)
{
    char *from = *at + strspn(*at, " \t"), *to;
    bool quoted = *from == '"';
    from += quoted;
    for (*at = to = from; **at && (quoted ? **at != '"' : **at != ' '); (*at)++) {
        if (quoted && (*at)[0] == '\\' && (*at)[1] == '"')
            (*at)++;
        else if (quoted && (*at)[0] == '\\' && (*at)[1])
            *to++ = *(*at)++;
        *to++ = **at;
    }
    *at += **at != 0;
    *to = 0;
    return from;
}

static inline void fixture_line(struct fixture *f, char *line, const char *folder)
{
    char *at = line + strspn(line, " \t");
    uint8_t transforms[SEC_TRANSFORMS_MAX];
    unsigned n = 0;
    if (strncmp(at, "SecRule ", 8) != 0)
        return;
    at += 8;
    char *targets = fixture_quoted(&at), *op = fixture_quoted(&at), *actions = fixture_quoted(&at);
    static const struct {
        const char *name;
        enum sec_op op;
    } ops[] = {{"@rx ", SEC_OP_RX},
               {"@pm ", SEC_OP_PM},
               {"@pmFromFile ", SEC_OP_PM_FILE},
               {"@contains ", SEC_OP_CONTAINS},
               {"@streq ", SEC_OP_STR_EQ},
               {"@beginsWith ", SEC_OP_BEGINS_WITH},
               {"@endsWith ", SEC_OP_ENDS_WITH}};
    int found = *op == '@' || *op == '!' ? -1 : SEC_OP_RX;
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (strncmp(op, ops[i].name, strlen(ops[i].name)) == 0) {
            found = (int)ops[i].op;
            op += strlen(ops[i].name);
            break;
        }
    if (found < 0 || strstr(op, "%{"))
        return;
    for (char *t = actions; (t = strstr(t, "t:")); t += 2) {
        size_t len = strcspn(t + 2, ", \"");
        int transform = fixture_transform(t + 2, len);
        if (t > actions && t[-1] != ',' && t[-1] != ' ')
            continue;
        n = strncmp(t + 2, "none", len) == 0 ? 0 : n;
        if (transform >= 0 && n < SEC_TRANSFORMS_MAX)
            transforms[n++] = (uint8_t)transform;
    }
    for (char *save, *v = strtok_r(targets, "|", &save); v; v = strtok_r(NULL, "|", &save))
        if (*v != '!' && *v != '&')
            fixture_add(f, v, transforms, n, found, op, folder);
}

/* All rules of a folder whose operator can be gated; each variable is a source. */
static inline void fixture_load(struct fixture *f, const char *folder)
{
    char pattern[1024];
    glob_t files;
    snprintf(pattern, sizeof pattern, "%s/*.conf", folder);
    if (glob(pattern, 0, NULL, &files))
        return;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        char *text = fixture_read("", files.gl_pathv[i]), *from, *to = text;
        for (from = text; *from; from++)
            if (from[0] == '\\' && from[1] == '\n')
                from += 1 + strspn(from + 2, " \t");
            else
                *to++ = *from;
        *to = 0;
        for (char *save, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
            fixture_line(f, line, folder);
        free(text);
    }
    globfree(&files);
}

#endif
