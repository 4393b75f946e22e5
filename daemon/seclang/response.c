/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/variables_internal.h"

/* Of the last Content-Type, without its parameters. */
static struct span content_type(const struct sec_vars *v)
{
    const struct http_field *f = v->phase >= 3 ? sec_header(&v->tx->response_headers, "content-type") : NULL;
    struct span type = f ? f->value : (struct span){0};
    const uint8_t *end = type.len ? memchr(type.data, ';', type.len) : NULL;
    return end ? span_first(type, (size_t)(end - type.data)) : type;
}

/* Compared byte by byte: "Text/HTML" is not text/html to ModSecurity. */
static bool type_is_wanted(const struct sec_vars *v)
{
    const struct sec_settings *s = v->settings;
    struct span type = content_type(v);
    for (uint32_t i = 0; i < s->n_response_mime; i++)
        if (s->response_mime[i].len == type.len &&
            (!type.len || !memcmp(s->response_mime[i].data, type.data, type.len)))
            return true;
    return !s->n_response_mime;
}

bool sec_response_is_read(const struct sec_vars *v)
{
    return v->response_body && type_is_wanted(v);
}

bool sec_response_is_over(const struct sec_vars *v)
{
    uint64_t limit = v->settings->response_body_limit;
    return limit && v->tx->response_body.len > limit;
}

static struct span body_of(const struct sec_vars *v)
{
    if (!sec_response_is_over(v))
        return v->tx->response_body;
    if (v->settings->response_body_reject)
        return (struct span){0};
    return span_first(v->tx->response_body, (size_t)v->settings->response_body_limit);
}

static void set_body(struct sec_vars *v)
{
    bool read = v->phase >= 4 && sec_response_is_read(v);
    struct span body = read ? body_of(v) : (struct span){0};
    sec_set(v, SEC_RESPONSE_BODY, body);
    if (read)
        sec_set_number(v, SEC_RESPONSE_CONTENT_LENGTH, body.len);
    else
        sec_set(v, SEC_RESPONSE_CONTENT_LENGTH, body);
    sec_set_text(v, SEC_OUTBOUND_DATA_ERROR, !read ? "" : sec_response_is_over(v) ? "1" : "0");
}

void sec_fill_response(struct sec_vars *v, enum sec_var var)
{
    const struct http_list *l = &v->tx->response_headers;
    const struct sec_value *at = (const struct sec_value *)l->at;
    bool there = v->phase >= 3;
    switch (var) {
    case SEC_RESPONSE_HEADERS:
        sec_set_list(v, var, at, there ? l->n : 0);
        break;
    case SEC_RESPONSE_HEADERS_NAMES:
        sec_set_names(v, var, at, there ? l->n : 0);
        break;
    case SEC_RESPONSE_CONTENT_TYPE:
        sec_set(v, var, content_type(v));
        break;
    case SEC_RESPONSE_PROTOCOL:
        sec_set(v, var, there ? v->tx->response_version : (struct span){0});
        break;
    case SEC_RESPONSE_STATUS:
    case SEC_STATUS_LINE:
        if (there && v->tx->status)
            sec_set_number(v, var, v->tx->status);
        else
            sec_set(v, var, (struct span){0});
        break;
    default:
        set_body(v);
        break;
    }
}
