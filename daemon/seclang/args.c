/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/variables_internal.h"

/* Where the owner sets no limit, memory still has one. */
#define ARGS_MAX 65536

static uint32_t limit_of(const struct sec_vars *v)
{
    uint32_t n = v->settings->arguments;
    return n && n < ARGS_MAX ? n : ARGS_MAX;
}

bool sec_args_add(struct sec_vars *v, struct span name, struct span value)
{
    if (v->args.n >= limit_of(v) || !sec_list_add(v, &v->args, name, value))
        return false;
    v->args_size += name.len + value.len;
    v->counted++;
    return true;
}

/* name=value; without "=" it is a name. */
static void add_pair(struct sec_vars *v, struct span pair)
{
    const uint8_t *sign = pair.len ? memchr(pair.data, '=', pair.len) : NULL;
    size_t n = sign ? (size_t)(sign - pair.data) : pair.len;
    struct span name = span_first(pair, n);
    struct span value = sign ? span_of(sign + 1, pair.len - n - 1) : (struct span){0};
    name = sec_uri_decode(v, name, true, &v->bad_escape);
    value = sec_uri_decode(v, value, true, &v->bad_escape);
    (void)sec_args_add(v, name, value);
}

/* Nothing between two separators is an argument without name or value; nothing behind the last one is none. */
void sec_args_urlencoded(struct sec_vars *v, struct span in)
{
    int separator = v->settings->argument_separator ? (uint8_t)v->settings->argument_separator : '&';
    while (in.len && !v->failed) {
        const uint8_t *end = memchr(in.data, separator, in.len);
        size_t n = end ? (size_t)(end - in.data) : in.len;
        add_pair(v, span_first(in, n));
        in = span_from(in, n + 1);
    }
}

void sec_args_of_query(struct sec_vars *v)
{
    if (v->query_read || !v->phase)
        return;
    v->query_read = true;
    sec_args_urlencoded(v, sec_uri_query(v->tx->uri));
    v->query_args = v->args.n;
}

static struct span combined_size(struct sec_vars *v)
{
    return v->counted ? sec_print(v, "%llu.000000", (unsigned long long)v->args_size) : (struct span){0};
}

void sec_fill_args(struct sec_vars *v, enum sec_var var)
{
    sec_args_of_query(v);
    if (v->phase >= 2 && var != SEC_ARGS_GET && var != SEC_ARGS_GET_NAMES)
        sec_body_read(v);
    const struct sec_value *all = v->args.at, *post = all ? all + v->query_args : NULL;
    switch (var) {
    case SEC_ARGS:
        sec_set_list(v, var, all, v->args.n);
        break;
    case SEC_ARGS_NAMES:
        sec_set_names(v, var, all, v->args.n);
        break;
    case SEC_ARGS_GET:
        sec_set_list(v, var, all, v->query_args);
        break;
    case SEC_ARGS_GET_NAMES:
        sec_set_names(v, var, all, v->query_args);
        break;
    case SEC_ARGS_POST:
        sec_set_list(v, var, post, v->post_args);
        break;
    case SEC_ARGS_POST_NAMES:
        sec_set_names(v, var, post, v->post_args);
        break;
    case SEC_ARGS_COMBINED_SIZE:
        sec_set(v, var, combined_size(v));
        break;
    default:
        sec_set_text(v, SEC_URLENCODED_ERROR, v->bad_escape ? "1" : "0");
        break;
    }
}
