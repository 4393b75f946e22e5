/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Left sides of tests: field, field["selector"], function(left side). */
#include <ctype.h>

#include "config/reader.h"
#include "inspect/parse.h"
#include "match/injection.h"
#include "match/transform.h"

struct predicate {
    const char *name;
    uint8_t op;
};

static const struct predicate predicates[] = {
    {"detect_sqli", TEST_SQLI}, {"detect_xss", TEST_XSS}, {"invalid_utf8", TEST_INVALID_UTF8}};

static const char *text_of(const struct parser *ps, const struct token *t, int *shown)
{
    *shown = (int)(t->len < 60 ? t->len : 60);
    return ps->lx.text + t->at;
}

static bool is_word(const struct parser *ps, const struct token *t, const char *word)
{
    return strlen(word) == t->len && memcmp(word, ps->lx.text + t->at, t->len) == 0;
}

static int find_field(struct parser *ps, const struct token *name)
{
    int shown;
    const char *text = text_of(ps, name, &shown);
    int field = field_find(text, name->len);
    if (field >= 0)
        return field;
    const char *guess = field_guess(text, name->len);
    if (guess)
        expr_fail(ps->lx.error, name->at, "unknown field \"%.*s\", did you mean \"%s\"?", shown, text, guess);
    else
        expr_fail(ps->lx.error, name->at, "unknown field \"%.*s\", expected one that sluice-rules(5) names", shown,
                  text);
    return -1;
}

/* Enters the operand under the text that it is written with. */
static bool enter(struct parser *ps, struct left *l, struct operand *o, const char *text)
{
    long kept = program_add_string(ps->pg, text, strlen(text));
    if (kept < 0)
        return parse_no_memory(ps);
    o->text = (const char *)ps->pg->strings.at[kept].data;
    long number = program_add_operand(ps->pg, o);
    if (number < 0)
        return parse_no_memory(ps);
    l->operand = (uint32_t)number;
    l->as.name = ps->pg->operands[number].text;
    return true;
}

static bool enter_field(struct parser *ps, struct left *l, uint32_t selector, const char *text)
{
    struct operand o = {.field = l->field, .parent = PROGRAM_NONE, .selector = selector};
    return enter(ps, l, &o, text);
}

/* ---- selectors ---- */

/* The string between [ and ]; header names in lower case, for they compare so. */
static long read_selector(struct parser *ps, const struct field *f)
{
    char buf[64];
    if (ps->t.kind != TOKEN_STRING) {
        expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected a name in quotes", parse_describe(ps, buf));
        return -1;
    }
    long number = parse_string(ps);
    if (number < 0 || !(f->arg & LIST_CASELESS))
        return number;
    struct span s = ps->pg->strings.at[number];
    AUTO_FREE char *low = malloc(s.len + 1);
    for (size_t i = 0; low && i < s.len; i++)
        low[i] = (char)tolower(s.data[i]);
    number = low ? program_add_string(ps->pg, low, s.len) : -1;
    if (number < 0)
        parse_no_memory(ps);
    return number;
}

static bool enter_selected(struct parser *ps, struct left *l, size_t at, long string)
{
    struct span s = ps->pg->strings.at[string];
    char *text = NULL;
    if (asprintf(&text, "%s[\"%.*s\"]", l->as.name, (int)(s.len < 200 ? s.len : 200), (const char *)s.data) < 0)
        return parse_no_memory(ps);
    long selector = string;
    if (l->as.load == LOAD_SCORE)
        selector = program_add_score(ps->pg, (const char *)s.data, s.len);
    bool good = selector >= 0 ||
                expr_fail(ps->lx.error, at, "too many scores, expected at most %d names in all rules", SCORES_MAX);
    good = good && enter_field(ps, l, (uint32_t)selector, text);
    free(text);
    return good;
}

static bool parse_selector(struct parser *ps, struct left *l)
{
    char buf[64];
    const struct field *f = &fields[l->field];
    if (!(f->load == LOAD_SCORE || (f->load == LOAD_HTTP_LIST && !(f->arg & LIST_NAMES))))
        return expr_fail(ps->lx.error, ps->t.at, "%s has nothing to select from, expected it without [ ]", f->name);
    if (!parse_next(ps))
        return false;
    size_t at = ps->t.at;
    long string = read_selector(ps, f);
    if (string < 0 || !parse_next(ps))
        return false;
    if (ps->t.kind != TOKEN_UNSQUARE)
        return expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected \"]\"", parse_describe(ps, buf));
    return parse_next(ps) && enter_selected(ps, l, at, string);
}

/* http.user_agent is http.headers["user-agent"]: both are scanned once. */
static bool enter_header(struct parser *ps, struct left *l)
{
    const char *header = field_header(&fields[l->field]), *text = fields[l->field].name;
    long selector = program_add_string(ps->pg, header, strlen(header));
    if (selector < 0)
        return parse_no_memory(ps);
    l->field = (uint8_t)field_find("http.headers", strlen("http.headers"));
    return enter_field(ps, l, (uint32_t)selector, text);
}

static bool left_field(struct parser *ps, const struct token *name, struct left *l)
{
    int field = find_field(ps, name);
    if (field < 0)
        return false;
    l->field = (uint8_t)field;
    l->as = fields[field];
    if (ps->t.kind == TOKEN_SQUARE)
        return parse_selector(ps, l);
    if (l->as.load == LOAD_SCORE)
        return expr_fail(ps->lx.error, name->at, "a score without its name, expected score[\"name\"]");
    if (l->as.load == LOAD_HTTP_HEADER)
        return enter_header(ps, l);
    return l->as.load < LOAD_PAYLOAD || enter_field(ps, l, PROGRAM_NONE, l->as.name);
}

/* ---- functions ---- */

static bool unknown_function(struct parser *ps, const struct token *name)
{
    const char *names[TRANSFORMS + 3 + ARRAY_LEN(predicates)] = {"length", "count"};
    char word[64];
    size_t n = 2;
    for (unsigned i = 0; i < TRANSFORMS; i++)
        if (i != TRANSFORM_LENGTH)
            names[n++] = transform_name((enum transform)i);
    for (size_t i = 0; i < ARRAY_LEN(predicates); i++)
        names[n++] = predicates[i].name;
    snprintf(word, sizeof word, "%.*s", (int)(name->len < 60 ? name->len : 60), ps->lx.text + name->at);
    const char *guess = reader_nearest(word, names);
    if (guess)
        return expr_fail(ps->lx.error, name->at, "unknown function \"%s\", did you mean \"%s\"?", word, guess);
    return expr_fail(ps->lx.error, name->at, "unknown function \"%s\", expected one that sluice-rules(5) names", word);
}

/* Functions read an operand: a packet's string becomes one here. */
static bool need_operand(struct parser *ps, struct left *l)
{
    return l->operand != PROGRAM_NONE || enter_field(ps, l, PROGRAM_NONE, l->as.name);
}

static bool wrap(struct parser *ps, const struct token *name, struct left *l, enum operand_what what,
                 unsigned transform)
{
    char *text = NULL;
    if (!need_operand(ps, l))
        return false;
    const struct operand *parent = &ps->pg->operands[l->operand];
    struct operand o = {.field = l->field,
                        .what = (uint8_t)what,
                        .depth = (uint8_t)(parent->depth + (what == OPERAND_VALUES)),
                        .transform = (uint8_t)transform,
                        .parent = l->operand,
                        .selector = PROGRAM_NONE};
    if (o.depth > CHAIN_MAX)
        return expr_fail(ps->lx.error, name->at, "too many functions, expected at most %d in one another", CHAIN_MAX);
    if (asprintf(&text, "%.*s(%s)", (int)name->len, ps->lx.text + name->at, l->as.name) < 0)
        return parse_no_memory(ps);
    bool good = enter(ps, l, &o, text);
    free(text);
    if (what != OPERAND_VALUES) {
        l->as.type = TYPE_INT;
        l->as.max = UINT32_MAX;
    }
    return good;
}

static bool apply_predicate(struct parser *ps, const struct token *name, struct left *l, uint8_t op)
{
    char why[200];
    if (op != TEST_INVALID_UTF8 && detect_open(why, sizeof why))
        return expr_fail(ps->lx.error, name->at, "%.*s cannot be had: %s", (int)name->len, ps->lx.text + name->at, why);
    l->predicate = op;
    return need_operand(ps, l);
}

static bool apply(struct parser *ps, const struct token *name, struct left *l)
{
    int shown;
    const char *text = text_of(ps, name, &shown);
    if (l->as.type != TYPE_BYTES)
        return expr_fail(ps->lx.error, name->at, "%.*s is for strings and %s is %s", shown, text, l->as.name,
                         field_type_name(l->as.type));
    if (is_word(ps, name, "length"))
        return wrap(ps, name, l, OPERAND_LENGTH, 0);
    if (is_word(ps, name, "count"))
        return wrap(ps, name, l, OPERAND_COUNT, 0);
    for (size_t i = 0; i < ARRAY_LEN(predicates); i++)
        if (is_word(ps, name, predicates[i].name))
            return apply_predicate(ps, name, l, predicates[i].op);
    return wrap(ps, name, l, OPERAND_VALUES, (unsigned)transform_find(text, name->len));
}

static bool is_function(const struct parser *ps, const struct token *name)
{
    for (size_t i = 0; i < ARRAY_LEN(predicates); i++)
        if (is_word(ps, name, predicates[i].name))
            return true;
    return is_word(ps, name, "length") || is_word(ps, name, "count") ||
           transform_find(ps->lx.text + name->at, name->len) >= 0;
}

static bool left_function(struct parser *ps, const struct token *name, struct left *l)
{
    char buf[64];
    if (!is_function(ps, name))
        return unknown_function(ps, name);
    if (++ps->depth > EXPR_DEPTH_MAX)
        return expr_fail(ps->lx.error, name->at, "nested too deeply, expected at most %d levels", EXPR_DEPTH_MAX);
    if (!parse_next(ps))
        return false;
    if (ps->t.kind != TOKEN_NAME)
        return expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected a field", parse_describe(ps, buf));
    struct token inner = ps->t;
    if (!parse_left(ps, l))
        return false;
    if (l->predicate != TEST_NEVER)
        return expr_fail(ps->lx.error, inner.at, "%.*s is true or false and no string", (int)inner.len,
                         ps->lx.text + inner.at);
    if (ps->t.kind != TOKEN_CLOSE)
        return expr_fail(ps->lx.error, ps->t.at, "unexpected %s, expected \")\"", parse_describe(ps, buf));
    ps->depth--;
    return parse_next(ps) && apply(ps, name, l);
}

bool parse_left(struct parser *ps, struct left *l)
{
    struct token name = ps->t;
    *l = (struct left){.operand = PROGRAM_NONE, .predicate = TEST_NEVER};
    if (!parse_next(ps))
        return false;
    bool good = ps->t.kind == TOKEN_OPEN ? left_function(ps, &name, l) : left_field(ps, &name, l);
    l->at = name.at;
    return good;
}
