/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/variables_internal.h"

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Where the first byte stands that decoding changes. */
static size_t first_coded(struct span in, bool plus)
{
    const uint8_t *mark = in.len ? memchr(in.data, '%', in.len) : NULL;
    size_t n = mark ? (size_t)(mark - in.data) : in.len;
    const uint8_t *sign = plus && n ? memchr(in.data, '+', n) : NULL;
    return sign ? (size_t)(sign - in.data) : n;
}

struct span sec_uri_decode(struct sec_vars *v, struct span in, bool plus, bool *broken)
{
    size_t from = first_coded(in, plus), n = 0;
    if (from == in.len)
        return in;
    uint8_t *out = arena_alloc(&v->arena, in.len);
    if (!out) {
        v->failed = true;
        return in;
    }
    memcpy(out, in.data, from);
    n = from;
    for (size_t i = from; i < in.len; i++) {
        uint8_t c = in.data[i];
        int high = c == '%' && in.len - i > 2 ? hex(in.data[i + 1]) : -1;
        int low = high >= 0 ? hex(in.data[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (uint8_t)(high << 4 | low);
            i += 2;
            continue;
        }
        *broken |= c == '%';
        out[n++] = c == '+' && plus ? ' ' : c;
    }
    return span_of(out, n);
}

static struct span before(struct span s, uint8_t stop)
{
    const uint8_t *at = s.len ? memchr(s.data, stop, s.len) : NULL;
    return at ? span_first(s, (size_t)(at - s.data)) : s;
}

static struct span after(struct span s, uint8_t stop)
{
    const uint8_t *at = s.len ? memchr(s.data, stop, s.len) : NULL;
    return at ? span_of(at + 1, s.len - (size_t)(at - s.data) - 1) : (struct span){0};
}

struct span sec_uri_query(struct span uri)
{
    return after(before(uri, '#'), '?');
}

/* Without scheme and host: "//" right behind the first colon, then the first slash. */
static struct span without_host(struct span s)
{
    if (!s.len || s.data[0] == '/')
        return s;
    const uint8_t *colon = memchr(s.data, ':', s.len);
    struct span rest = colon ? span_from(s, (size_t)(colon - s.data) + 1) : (struct span){0};
    if (rest.len < 2 || memcmp(rest.data, "//", 2) != 0)
        return s;
    rest = span_from(rest, 2);
    const uint8_t *slash = rest.len ? memchr(rest.data, '/', rest.len) : NULL;
    return slash ? span_from(rest, (size_t)(slash - rest.data)) : s;
}

/* Behind the last slash of either kind; nothing where there is none. */
static struct span basename_of(struct span path)
{
    for (size_t i = path.len; i-- > 0;)
        if (path.data[i] == '/' || path.data[i] == '\\')
            return span_from(path, i + 1);
    return (struct span){0};
}

/* Without one it is HTTP/0.9 (RFC 9112 2.3). */
static struct span version_of(const struct http_tx *tx)
{
    return tx->version.len || !tx->method.len ? tx->version : sec_text_span("HTTP/0.9");
}

static struct span request_line(struct sec_vars *v)
{
    const struct http_tx *tx = v->tx;
    struct span version = version_of(tx);
    struct sec_bytes line = {0};
    if (!tx->method.len)
        return (struct span){0};
    if (tx->uri.data == tx->method.data + tx->method.len + 1 && version.data == tx->uri.data + tx->uri.len + 1)
        return span_of(tx->method.data, tx->method.len + tx->uri.len + version.len + 2);
    if (!sec_bytes_add(v, &line, tx->method.data, tx->method.len) || !sec_bytes_add(v, &line, " ", 1) ||
        !sec_bytes_add(v, &line, tx->uri.data, tx->uri.len) || !sec_bytes_add(v, &line, " ", 1) ||
        !sec_bytes_add(v, &line, version.data, version.len))
        return (struct span){0};
    return span_of(line.at, line.len);
}

/* The path is looked for in what is decoded, as ModSecurity 3.0.9 does: %3f ends it. */
static void set_paths(struct sec_vars *v)
{
    bool broken = false;
    struct span decoded = sec_uri_decode(v, before(v->tx->uri, '#'), false, &broken);
    struct span path = before(decoded, '?');
    sec_set(v, SEC_REQUEST_URI, without_host(decoded));
    sec_set(v, SEC_REQUEST_FILENAME, path);
    sec_set(v, SEC_PATH_INFO, path);
    sec_set(v, SEC_REQUEST_BASENAME, basename_of(path));
}

void sec_fill_uri(struct sec_vars *v, enum sec_var var)
{
    const struct http_tx *tx = v->tx;
    switch (var) {
    case SEC_REQUEST_METHOD:
        sec_set(v, var, tx->method);
        break;
    case SEC_REQUEST_URI_RAW:
        sec_set(v, var, tx->uri);
        break;
    case SEC_REQUEST_PROTOCOL:
        sec_set(v, var, version_of(tx));
        break;
    case SEC_REQUEST_LINE:
        sec_set(v, var, request_line(v));
        break;
    case SEC_QUERY_STRING:
        sec_set(v, var, sec_uri_query(tx->uri));
        break;
    default:
        set_paths(v);
        break;
    }
}
