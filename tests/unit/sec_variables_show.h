/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_SEC_VARIABLES_SHOW_H
#define SLUICE_TESTS_SEC_VARIABLES_SHOW_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/http.h"
#include "seclang/variables.h"

/* Text that grows. */
struct sheet {
    char *at;
    size_t len, cap;
};

static inline void sheet_put(struct sheet *s, const void *data, size_t n)
{
    if (s->len + n + 1 > s->cap) {
        s->cap = (s->len + n + 1) * 2;
        s->at = realloc(s->at, s->cap);
        if (!s->at)
            abort();
    }
    if (n)
        memcpy(s->at + s->len, data, n);
    s->len += n;
    s->at[s->len] = 0;
}

/* Bytes that are not printed, and the backslash, as \xHH. */
static inline void sheet_bytes(struct sheet *s, struct span b)
{
    char hex[8];
    for (size_t i = 0; i < b.len; i++) {
        bool plain = b.data[i] >= ' ' && b.data[i] < 0x7f && b.data[i] != '\\';
        sheet_put(s, hex, (size_t)snprintf(hex, sizeof hex, plain ? "%c" : "\\x%02x", b.data[i]));
    }
}

/* A line for each value of a variable, by its name or as XML:xpath. */
static inline void show_variable(struct sheet *s, struct sec_vars *v, const char *name)
{
    const char *xpath = strncmp(name, "XML:", 4) ? "" : name + 4;
    int var = *xpath ? SEC_XML : sec_var_find(span_of(name, strlen(name)));
    if (var < 0)
        abort();
    struct sec_values l = sec_vars_get(v, (enum sec_var)var, span_of(xpath, strlen(xpath)));
    for (uint32_t i = 0; i < l.n; i++) {
        sheet_bytes(s, var == SEC_REMOTE_USER ? span_of("REQUEST_HEADERS:Authorization", 29)
                                              : span_of(sec_var_name(var), strlen(sec_var_name(var))));
        if (sec_var_is_collection(var)) {
            sheet_put(s, ":", 1);
            sheet_bytes(s, l.at[i].name);
        }
        sheet_put(s, "=", 1);
        sheet_bytes(s, l.at[i].value);
        sheet_put(s, "\n", 1);
    }
}

static inline bool starts_with(struct span s, const char *lower)
{
    size_t n = strlen(lower);
    return s.len >= n && !strncasecmp((const char *)s.data, lower, n);
}

/* The two rules that every configuration has: JSON and XML by their Content-Type. */
static inline void choose_processor(struct sec_vars *v, const struct http_tx *tx)
{
    for (uint32_t i = 0; i < tx->headers.n; i++) {
        const struct http_field *f = &tx->headers.at[i];
        if (f->name.len != 12 || !starts_with(f->name, "content-type"))
            continue;
        if (starts_with(f->value, "application/json"))
            sec_vars_processor(v, SEC_BODY_JSON);
        if (starts_with(f->value, "text/xml") || starts_with(f->value, "application/xml"))
            sec_vars_processor(v, SEC_BODY_XML);
    }
}

#endif
