/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match/transform.h"
#include "seclang/variables_internal.h"

/* The header lists of app/ serve as they are. */
_Static_assert(sizeof(struct sec_value) == sizeof(struct http_field) &&
                   offsetof(struct sec_value, name) == offsetof(struct http_field, name) &&
                   offsetof(struct sec_value, value) == offsetof(struct http_field, value),
               "a header is a value");

static struct span until(struct span s, uint8_t stop)
{
    const uint8_t *at = s.len ? memchr(s.data, stop, s.len) : NULL;
    return at ? span_first(s, (size_t)(at - s.data)) : s;
}

static struct span part_of(const struct sec_vars *v, const char *name, uint8_t stop)
{
    const struct http_field *f = sec_header(&v->tx->headers, name);
    return f ? until(f->value, stop) : (struct span){0};
}

/* Of "Basic user:password"; no value at all where there is none. */
static void set_user(struct sec_vars *v)
{
    const struct http_field *f = sec_header(&v->tx->headers, "authorization");
    sec_set(v, SEC_REMOTE_USER, (struct span){0});
    v->values[SEC_REMOTE_USER].n = 0;
    if (!f || f->value.len < 6 || memcmp(f->value.data, "Basic ", 6) != 0)
        return;
    struct span coded = span_from(f->value, 6);
    uint8_t *room = arena_alloc(&v->arena, transform_room(TRANSFORM_BASE64_DECODE, coded.len));
    if (!room) {
        v->failed = true;
        return;
    }
    struct span user = transform_apply(TRANSFORM_BASE64_DECODE, coded, room);
    if (user.len && memchr(user.data, ':', user.len))
        sec_set(v, SEC_REMOTE_USER, until(user, ':'));
}

static const char *const processors[] = {"", "URLENCODED", "MULTIPART", "JSON", "XML"};

/* The last that says so: a Content-Type, or ctl, which comes later. */
static void set_processor(struct sec_vars *v)
{
    enum sec_processor p = v->said;
    const struct http_list *l = &v->tx->headers;
    for (uint32_t i = l->n; !p && i-- > 0;) {
        if (!sec_is_word(l->at[i].name, "content-type"))
            continue;
        if (sec_starts_with(l->at[i].value, "multipart/form-data"))
            p = SEC_BODY_MULTIPART;
        else if (sec_starts_with(l->at[i].value, "application/x-www-form-urlencoded"))
            p = SEC_BODY_URLENCODED;
    }
    if (!v->form && (p == SEC_BODY_MULTIPART || p == SEC_BODY_URLENCODED))
        v->form = p;
    sec_set_text(v, SEC_REQBODY_PROCESSOR, processors[p]);
}

void sec_fill_headers(struct sec_vars *v, enum sec_var var)
{
    const struct http_list *l = &v->tx->headers;
    const struct sec_value *at = (const struct sec_value *)l->at;
    switch (var) {
    case SEC_REQUEST_HEADERS:
        sec_set_list(v, var, at, l->n);
        break;
    case SEC_REQUEST_HEADERS_NAMES:
        sec_set_names(v, var, at, l->n);
        break;
    case SEC_AUTH_TYPE:
        sec_set(v, var, part_of(v, "authorization", ' '));
        break;
    case SEC_SERVER_NAME:
        sec_set(v, var, part_of(v, "host", ':'));
        break;
    case SEC_REMOTE_USER:
        set_user(v);
        break;
    default:
        set_processor(v);
        break;
    }
}
