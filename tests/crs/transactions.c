/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transactions.h"

#include <nettle/base64.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

static yajl_val member(yajl_val object, const char *key)
{
    const char *path[] = {key, NULL};
    return yajl_tree_get(object, path, yajl_t_any);
}

/* Decodes a base64 member into *at, which moves on. */
static bool decode(yajl_val object, const char *key, uint8_t **at, struct span *ret)
{
    const char *text = YAJL_GET_STRING(member(object, key));
    struct base64_decode_ctx ctx;
    base64_decode_init(&ctx);
    size_t n = 0;
    if (!text || !base64_decode_update(&ctx, &n, *at, strlen(text), text) || !base64_decode_final(&ctx))
        return false;
    *ret = span_of(*at, n);
    *at += n;
    return true;
}

static void set_name(yajl_val object, struct transaction *t)
{
    const char *name = YAJL_GET_STRING(member(object, "name")), *test = YAJL_GET_STRING(member(object, "test"));
    yajl_val rule = member(object, "rule"), stage = member(object, "stage");
    if (name)
        snprintf(t->name, sizeof t->name, "%s", name);
    else if (YAJL_IS_INTEGER(rule) && test)
        snprintf(t->name, sizeof t->name, "%lld-%s-%lld", YAJL_GET_INTEGER(rule), test,
                 YAJL_IS_INTEGER(stage) ? YAJL_GET_INTEGER(stage) : 0);
    else
        snprintf(t->name, sizeof t->name, "%u", t->number);
}

static bool take(const char *line, size_t len, struct transaction *t)
{
    char why[256] = "";
    yajl_val object = yajl_tree_parse(line, why, sizeof why);
    yajl_val status = object ? member(object, "status") : NULL;
    uint8_t *at = t->held = malloc(BASE64_DECODE_LENGTH(len) + 1);
    bool good = at && YAJL_IS_INTEGER(status) && decode(object, "request", &at, &t->request) &&
                decode(object, "response_headers", &at, &t->response_headers) &&
                decode(object, "response_body", &at, &t->response_body);
    if (good) {
        t->status = (unsigned)YAJL_GET_INTEGER(status);
        set_name(object, t);
    } else {
        fprintf(stderr,
                "%s: line %u: expected an object with request, response_headers, response_body (base64) "
                "and status: %s\n",
                engine_name, t->number, why);
    }
    yajl_tree_free(object);
    return good;
}

enum read_result transaction_read(FILE *in, uint32_t *number, struct transaction *ret)
{
    AUTO_FREE char *line = NULL;
    size_t cap = 0;
    ssize_t len = getline(&line, &cap, in);
    if (len < 0)
        return READ_END;
    *ret = (struct transaction){.number = ++*number};
    if (take(line, (size_t)len, ret))
        return READ_ONE;
    transaction_free(ret);
    return READ_BAD;
}

void transaction_free(struct transaction *t)
{
    free(t->held);
    t->held = NULL;
}

/* The backslash stays as it is too: the library does it so. */
static char *escaped(struct span s)
{
    char *text = malloc(s.len * 4 + 1), *at = text;
    if (!text)
        return NULL;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < 0x20 || s.data[i] > 0x7e)
            at += sprintf(at, "\\x%02x", s.data[i]);
        else
            *at++ = (char)s.data[i];
    }
    *at = '\0';
    return text;
}

void outcome_add(struct outcome *o, uint64_t rule, struct span message)
{
    size_t i = 0;
    while (i < o->n && o->rules[i].id != rule)
        i++;
    if (i == OUTCOME_RULES)
        return;
    if (i == o->n) {
        o->rules[o->n++].id = rule;
        o->rules[i].message = NULL;
    }
    if (o->messages) {
        free(o->rules[i].message);
        o->rules[i].message = escaped(message);
    }
}

void outcome_clear(struct outcome *o)
{
    for (size_t i = 0; i < o->n; i++)
        free(o->rules[i].message);
    bool messages = o->messages;
    memset(o, 0, sizeof *o);
    o->messages = messages;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static void write_text(FILE *out, const char *s)
{
    putc('"', out);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            fprintf(out, "\\u%04x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

static void write_messages(FILE *out, const struct outcome *o)
{
    fputs(", \"messages\": {", out);
    for (size_t i = 0; i < o->n; i++) {
        fprintf(out, "%s\"%llu\": ", i ? ", " : "", (unsigned long long)o->rules[i].id);
        write_text(out, o->rules[i].message ? o->rules[i].message : "");
    }
    putc('}', out);
}

void outcome_write(FILE *out, const struct transaction *t, struct outcome *o)
{
    qsort(o->rules, o->n, sizeof *o->rules, by_number);
    fprintf(out, "{\"number\": %u, \"name\": ", t->number);
    write_text(out, t->name);
    fputs(", \"matched\": [", out);
    for (size_t i = 0; i < o->n; i++)
        fprintf(out, "%s%llu", i ? ", " : "", (unsigned long long)o->rules[i].id);
    putc(']', out);
    if (o->messages)
        write_messages(out, o);
    fputs(", \"intervention\": ", out);
    if (o->phase) {
        fprintf(out, "{\"phase\": %u, \"status\": %u, \"url\": ", o->phase, o->status);
        write_text(out, o->url);
        putc('}', out);
    } else {
        fputs("null", out);
    }
    fprintf(out, ", \"us\": %.1f", o->us);
    if (o->note) {
        fputs(", \"note\": ", out);
        write_text(out, o->note);
    }
    fputs("}\n", out);
    fflush(out);
}
