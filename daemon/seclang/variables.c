/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/variables.h"

#include <libxml/parser.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "seclang/variables_internal.h"

/* Memory that a transaction leaves to the next. */
#define KEPT ((size_t)128 * 1024)

static void fill_nothing(struct sec_vars *v, enum sec_var var)
{
    if (sec_var_is_collection(var))
        sec_set_list(v, var, NULL, 0);
    else
        sec_set(v, var, (struct span){0});
}

/* Where a variable comes from; what is not here is none of the transaction's. */
static const struct {
    void (*fill)(struct sec_vars *v, enum sec_var var);
    uint8_t phase; /* that settles it: later ones change nothing about it */
} sources[SEC_VARS] = {
    [SEC_ARGS] = {sec_fill_args, 2},
    [SEC_ARGS_NAMES] = {sec_fill_args, 2},
    [SEC_ARGS_GET] = {sec_fill_args, 1},
    [SEC_ARGS_GET_NAMES] = {sec_fill_args, 1},
    [SEC_ARGS_POST] = {sec_fill_args, 2},
    [SEC_ARGS_POST_NAMES] = {sec_fill_args, 2},
    [SEC_ARGS_COMBINED_SIZE] = {sec_fill_args, 2},
    [SEC_URLENCODED_ERROR] = {sec_fill_args, 2},
    [SEC_AUTH_TYPE] = {sec_fill_headers, 1},
    [SEC_DURATION] = {sec_fill_time, 1},
    [SEC_FILES] = {sec_fill_body, 2},
    [SEC_FILES_COMBINED_SIZE] = {sec_fill_body, 2},
    [SEC_FILES_NAMES] = {sec_fill_body, 2},
    [SEC_FILES_SIZES] = {sec_fill_body, 2},
    [SEC_FILES_TMP_CONTENT] = {sec_fill_body, 2},
    [SEC_FULL_REQUEST] = {sec_fill_full_request, 2},
    [SEC_FULL_REQUEST_LENGTH] = {sec_fill_full_request, 2},
    [SEC_INBOUND_DATA_ERROR] = {sec_fill_body, 2},
    [SEC_MULTIPART_BOUNDARY_QUOTED] = {sec_fill_body, 2},
    [SEC_MULTIPART_BOUNDARY_WHITESPACE] = {sec_fill_body, 2},
    [SEC_MULTIPART_CRLF_LF_LINES] = {sec_fill_body, 2},
    [SEC_MULTIPART_DATA_AFTER] = {sec_fill_body, 2},
    [SEC_MULTIPART_DATA_BEFORE] = {sec_fill_body, 2},
    [SEC_MULTIPART_FILENAME] = {sec_fill_body, 2},
    [SEC_MULTIPART_HEADER_FOLDING] = {sec_fill_body, 2},
    [SEC_MULTIPART_INVALID_HEADER_FOLDING] = {sec_fill_body, 2},
    [SEC_MULTIPART_INVALID_PART] = {sec_fill_body, 2},
    [SEC_MULTIPART_INVALID_QUOTING] = {sec_fill_body, 2},
    [SEC_MULTIPART_LF_LINE] = {sec_fill_body, 2},
    [SEC_MULTIPART_MISSING_SEMICOLON] = {sec_fill_body, 2},
    [SEC_MULTIPART_NAME] = {sec_fill_body, 2},
    [SEC_MULTIPART_PART_HEADERS] = {sec_fill_body, 2},
    [SEC_MULTIPART_STRICT_ERROR] = {sec_fill_body, 2},
    [SEC_MULTIPART_UNMATCHED_BOUNDARY] = {sec_fill_body, 2},
    [SEC_OUTBOUND_DATA_ERROR] = {sec_fill_response, 4},
    [SEC_PATH_INFO] = {sec_fill_uri, 1},
    [SEC_QUERY_STRING] = {sec_fill_uri, 1},
    [SEC_REMOTE_ADDR] = {sec_fill_connection, 1},
    [SEC_REMOTE_HOST] = {sec_fill_connection, 1},
    [SEC_REMOTE_PORT] = {sec_fill_connection, 1},
    [SEC_REMOTE_USER] = {sec_fill_headers, 1},
    [SEC_REQBODY_ERROR] = {sec_fill_body, 2},
    [SEC_REQBODY_ERROR_MSG] = {sec_fill_body, 2},
    [SEC_REQBODY_PROCESSOR] = {sec_fill_headers, 1},
    [SEC_REQBODY_PROCESSOR_ERROR] = {sec_fill_body, 2},
    [SEC_REQBODY_PROCESSOR_ERROR_MSG] = {sec_fill_body, 2},
    [SEC_REQUEST_BASENAME] = {sec_fill_uri, 1},
    [SEC_REQUEST_BODY] = {sec_fill_body, 2},
    [SEC_REQUEST_BODY_LENGTH] = {sec_fill_body, 2},
    [SEC_REQUEST_COOKIES] = {sec_fill_cookies, 1},
    [SEC_REQUEST_COOKIES_NAMES] = {sec_fill_cookies, 1},
    [SEC_REQUEST_FILENAME] = {sec_fill_uri, 1},
    [SEC_REQUEST_HEADERS] = {sec_fill_headers, 1},
    [SEC_REQUEST_HEADERS_NAMES] = {sec_fill_headers, 1},
    [SEC_REQUEST_LINE] = {sec_fill_uri, 1},
    [SEC_REQUEST_METHOD] = {sec_fill_uri, 1},
    [SEC_REQUEST_PROTOCOL] = {sec_fill_uri, 1},
    [SEC_REQUEST_URI] = {sec_fill_uri, 1},
    [SEC_REQUEST_URI_RAW] = {sec_fill_uri, 1},
    [SEC_RESPONSE_BODY] = {sec_fill_response, 4},
    [SEC_RESPONSE_CONTENT_LENGTH] = {sec_fill_response, 4},
    [SEC_RESPONSE_CONTENT_TYPE] = {sec_fill_response, 3},
    [SEC_RESPONSE_HEADERS] = {sec_fill_response, 3},
    [SEC_RESPONSE_HEADERS_NAMES] = {sec_fill_response, 3},
    [SEC_RESPONSE_PROTOCOL] = {sec_fill_response, 3},
    [SEC_RESPONSE_STATUS] = {sec_fill_response, 3},
    [SEC_SERVER_ADDR] = {sec_fill_connection, 1},
    [SEC_SERVER_NAME] = {sec_fill_headers, 1},
    [SEC_SERVER_PORT] = {sec_fill_connection, 1},
    [SEC_STATUS_LINE] = {sec_fill_response, 3},
    [SEC_TIME] = {sec_fill_time, 1},
    [SEC_TIME_DAY] = {sec_fill_time, 1},
    [SEC_TIME_EPOCH] = {sec_fill_time, 1},
    [SEC_TIME_HOUR] = {sec_fill_time, 1},
    [SEC_TIME_MIN] = {sec_fill_time, 1},
    [SEC_TIME_MON] = {sec_fill_time, 1},
    [SEC_TIME_SEC] = {sec_fill_time, 1},
    [SEC_TIME_WDAY] = {sec_fill_time, 1},
    [SEC_TIME_YEAR] = {sec_fill_time, 1},
    [SEC_UNIQUE_ID] = {sec_fill_connection, 1},
};

static const struct http_tx no_tx;

struct sec_vars *sec_vars_new(const struct sec_settings *s)
{
    struct sec_vars *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    xmlInitParser();
    for (unsigned phase = 0; phase < ARRAY_LEN(v->settled); phase++)
        for (unsigned var = 0; var < SEC_VARS; var++)
            v->settled[phase][var / 64] |= (uint64_t)(sources[var].phase <= phase) << (var % 64);
    v->settings = v->loaded = s;
    v->tx = &no_tx;
    return v;
}

void sec_vars_free(struct sec_vars *v)
{
    if (!v)
        return;
    sec_xml_forget(v);
    arena_free(&v->arena);
    free(v);
}

void sec_vars_begin(struct sec_vars *v, const struct sec_connection *c)
{
    sec_xml_forget(v);
    arena_reset(&v->arena, KEPT);
    v->connection = *c;
    v->tx = &no_tx;
    v->phase = 0;
    v->forced_body = false;
    v->parser = v->form = v->said = SEC_NO_PROCESSOR;
    v->settings = v->loaded;
    v->request_body = v->settings->request_body;
    v->response_body = v->settings->response_body;
    v->failed = v->query_read = v->bad_escape = false;
    v->query_args = v->post_args = v->counted = 0;
    v->args_size = 0;
    v->args = (struct sec_list){0};
    v->body = (struct sec_body){0};
    memset(v->known, 0, sizeof v->known);
}

static bool is_known(const struct sec_vars *v, enum sec_var var)
{
    return v->known[var / 64] >> (var % 64) & 1;
}

static void forget(struct sec_vars *v, enum sec_var var)
{
    v->known[var / 64] &= ~((uint64_t)1 << (var % 64));
}

void sec_vars_phase(struct sec_vars *v, const struct http_tx *tx, unsigned phase)
{
    for (size_t i = 0; i < ARRAY_LEN(v->known); i++)
        v->known[i] &= v->settled[v->phase][i];
    v->tx = tx;
    v->phase = phase;
}

void sec_vars_processor(struct sec_vars *v, enum sec_processor p)
{
    if (p == SEC_BODY_JSON || p == SEC_BODY_XML)
        v->parser = p;
    else
        v->form = p;
    v->said = p;
    forget(v, SEC_REQBODY_PROCESSOR);
}

void sec_vars_force_body(struct sec_vars *v, bool force)
{
    v->forced_body = force;
}

void sec_vars_body_access(struct sec_vars *v, bool request, bool response)
{
    v->request_body = request;
    v->response_body = response;
}

static struct sec_settings *own_settings(struct sec_vars *v)
{
    if (v->settings == v->loaded)
        v->own = *v->loaded;
    v->settings = &v->own;
    return &v->own;
}

void sec_vars_request_limit(struct sec_vars *v, uint64_t bytes)
{
    own_settings(v)->request_body_limit = bytes;
}

void sec_vars_response_limit(struct sec_vars *v, uint64_t bytes)
{
    own_settings(v)->response_body_limit = bytes;
}

bool sec_vars_runs(const struct sec_vars *v, unsigned phase)
{
    return phase == 2 ? v->request_body : phase == 4 ? sec_response_is_read(v) : true;
}

bool sec_vars_rejects(const struct sec_vars *v, unsigned phase)
{
    if (phase == 2)
        return v->settings->request_body_reject && sec_request_is_over(v);
    return phase == 4 && v->settings->response_body_reject && sec_response_is_read(v) && sec_response_is_over(v);
}

/* Kept apart from the usual case, which is short. */
__attribute__((noinline)) static struct sec_values fill(struct sec_vars *v, enum sec_var var, struct span xpath)
{
    if (var == SEC_XML)
        return sec_xml_get(v, xpath);
    if (sources[var].fill)
        sources[var].fill(v, var);
    if (!is_known(v, var))
        fill_nothing(v, var);
    return v->values[var];
}

/* XML is never known: it depends on the path. */
struct sec_values sec_vars_get(struct sec_vars *v, enum sec_var var, struct span xpath)
{
    return is_known(v, var) ? v->values[var] : fill(v, var, xpath);
}

bool sec_vars_failed(const struct sec_vars *v)
{
    return v->failed;
}

size_t sec_vars_memory(const struct sec_vars *v)
{
    return sizeof *v + arena_size(&v->arena);
}

/* The old elements stay where they are: somebody may look at them. */
static bool room(struct sec_vars *v, void *at, size_t used, size_t need, size_t *cap, size_t size)
{
    if (need <= *cap)
        return true;
    size_t more = *cap * 2 > need ? *cap * 2 : need + need / 2;
    void *p = arena_alloc(&v->arena, more * size), *old;
    if (!p) {
        v->failed = true;
        return false;
    }
    memcpy(&old, at, sizeof old);
    if (used)
        memcpy(p, old, used * size);
    memcpy(at, &p, sizeof p);
    *cap = more;
    return true;
}

bool sec_list_add(struct sec_vars *v, struct sec_list *l, struct span name, struct span value)
{
    size_t cap = l->cap, need = (size_t)l->n + 1;
    if (!room(v, &l->at, l->n, need < 8 ? 8 : need, &cap, sizeof *l->at))
        return false;
    l->cap = (uint32_t)cap;
    l->at[l->n++] = (struct sec_value){.name = name, .value = value};
    return true;
}

bool sec_bytes_add(struct sec_vars *v, struct sec_bytes *b, const void *data, size_t n)
{
    if (!room(v, &b->at, b->len, b->len + n, &b->cap, 1))
        return false;
    if (n)
        memcpy(b->at + b->len, data, n);
    b->len += n;
    return true;
}

void sec_set_list(struct sec_vars *v, enum sec_var var, const struct sec_value *at, uint32_t n)
{
    v->values[var] = (struct sec_values){.at = at, .n = n};
    v->known[var / 64] |= (uint64_t)1 << (var % 64);
}

void sec_set(struct sec_vars *v, enum sec_var var, struct span value)
{
    v->scalars[var] = (struct sec_value){.name = {0}, .value = value};
    sec_set_list(v, var, &v->scalars[var], 1);
}

struct span sec_text_span(const char *text)
{
    return span_of(text, strlen(text));
}

void sec_set_text(struct sec_vars *v, enum sec_var var, const char *text)
{
    sec_set(v, var, sec_text_span(text));
}

void sec_set_copy(struct sec_vars *v, enum sec_var var, const char *text, size_t n)
{
    char *p = arena_copy(&v->arena, text, n);
    v->failed |= !p;
    sec_set(v, var, span_of(p, p ? n : 0));
}

void sec_set_number(struct sec_vars *v, enum sec_var var, uint64_t n)
{
    char text[20], *at = text + sizeof text;
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    sec_set_copy(v, var, at, (size_t)(text + sizeof text - at));
}

void sec_set_names(struct sec_vars *v, enum sec_var var, const struct sec_value *at, uint32_t n)
{
    struct sec_value *names = n ? arena_alloc(&v->arena, n * sizeof *names) : NULL;
    if (n && !names) {
        v->failed = true;
        n = 0;
    }
    for (uint32_t i = 0; i < n; i++)
        names[i] = (struct sec_value){.name = at[i].name, .value = at[i].name};
    sec_set_list(v, var, names, n);
}

struct span sec_print(struct sec_vars *v, const char *format, ...)
{
    char buffer[256];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(buffer, sizeof buffer, format, ap);
    va_end(ap);
    if (n < 0)
        return (struct span){0};
    size_t len = (size_t)n < sizeof buffer ? (size_t)n : sizeof buffer - 1;
    char *p = arena_copy(&v->arena, buffer, len);
    if (!p)
        v->failed = true;
    return span_of(p, p ? len : 0);
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool sec_starts_with(struct span s, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        if (i >= s.len || lower(s.data[i]) != (uint8_t)text[i])
            return false;
    return true;
}

bool sec_is_word(struct span s, const char *text)
{
    return s.len == strlen(text) && sec_starts_with(s, text);
}

const struct http_field *sec_header(const struct http_list *l, const char *name)
{
    for (uint32_t i = l->n; i-- > 0;)
        if (sec_is_word(l->at[i].name, name))
            return &l->at[i];
    return NULL;
}

bool sec_is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
