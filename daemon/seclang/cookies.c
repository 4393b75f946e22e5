/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/variables_internal.h"

static struct span trim_right(struct span s)
{
    while (s.len && sec_is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

/* name=value; only a name's left side is trimmed, and a cookie without a name is none. */
static void add_cookie(struct sec_vars *v, struct sec_list *l, struct span c)
{
    const uint8_t *sign = c.len ? memchr(c.data, '=', c.len) : NULL;
    size_t n = sign ? (size_t)(sign - c.data) : c.len, from = 0;
    while (from < n && sec_is_space(c.data[from]))
        from++;
    if (from == n)
        return;
    struct span value = sign ? span_of(sign + 1, c.len - n - 1) : (struct span){0};
    (void)sec_list_add(v, l, span_of(c.data + from, n - from), value);
}

/* The last cookie of a header is trimmed on the right, too. */
static void split(struct sec_vars *v, struct sec_list *l, struct span in)
{
    while (in.len && !v->failed) {
        const uint8_t *end = memchr(in.data, ';', in.len);
        size_t n = end ? (size_t)(end - in.data) : in.len;
        struct span c = span_first(in, n);
        in = span_from(in, n + 1);
        add_cookie(v, l, in.len ? c : trim_right(c));
    }
}

void sec_fill_cookies(struct sec_vars *v, enum sec_var var)
{
    struct sec_list l = {0};
    const struct http_list *headers = &v->tx->headers;
    for (uint32_t i = 0; i < headers->n; i++)
        if (sec_is_word(headers->at[i].name, "cookie"))
            split(v, &l, headers->at[i].value);
    sec_set_list(v, SEC_REQUEST_COOKIES, l.at, l.n);
    if (var == SEC_REQUEST_COOKIES_NAMES)
        sec_set_names(v, var, l.at, l.n);
}
