/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/http_internal.h"

#define METHOD_MAX 32
#define FIRST_HEADERS 12

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Where the last word of s begins. */
static size_t last_word(struct span s)
{
    size_t at = s.len;
    while (at && !is_blank(s.data[at - 1]))
        at--;
    return at;
}

static bool is_version(struct span s)
{
    return s.len >= 5 && http_same(span_first(s, 5), "http/");
}

static bool is_exactly(struct span s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

static struct span without_line_end(struct span line)
{
    if (line.len && line.data[line.len - 1] == '\n')
        line.len--;
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    return line;
}

bool http_request_line_fits(struct span line)
{
    line = without_line_end(line);
    if (is_exactly(line, "PRI * HTTP/2.0"))
        return false;
    line = http_trim(line);
    size_t at = last_word(line);
    return at && is_version(span_from(line, at));
}

/* RFC 9112 3.2.1: no version at all is HTTP/0.9; else it is not known what it is. */
static uint64_t without_version(const struct http_tx *tx)
{
    struct span uri = tx->uri;
    bool simple = http_is_token(tx->method) && uri.len && (uri.data[0] == '/' || memmem(uri.data, uri.len, "://", 3)) &&
                  last_word(uri) == 0;
    return simple ? NOTE(HTTP_BAD_VERSION) : NOTE(HTTP_BAD_REQUEST_LINE);
}

static uint64_t version_notes(const struct http_tx *tx)
{
    if (is_exactly(tx->version, "HTTP/1.1") || is_exactly(tx->version, "HTTP/1.0"))
        return 0;
    if (is_exactly(tx->method, "PRI") && is_exactly(tx->uri, "*") && is_exactly(tx->version, "HTTP/2.0"))
        return NOTE(HTTP_HTTP2);
    return NOTE(HTTP_BAD_VERSION);
}

static bool target_bytes_are_good(struct span s)
{
    unsigned bad = 0;
    for (size_t i = 0; i < s.len; i++)
        bad |= (s.data[i] <= ' ') | (s.data[i] >= 0x7f) | (s.data[i] == '#');
    return !bad;
}

/* Splits METHOD SP TARGET SP VERSION; whether just so, with single spaces. */
static bool split_line(struct http_tx *tx, struct span line)
{
    struct span in = http_trim(line);
    bool exact = in.len == line.len;
    size_t n = 0;
    while (n < in.len && !is_blank(in.data[n]))
        n++;
    tx->method = span_first(in, n);
    struct span rest = n < in.len ? span_of(in.data + n, in.len - n) : span_of(in.data + in.len, 0);
    struct span words = http_trim(rest);
    exact &= rest.len == words.len + 1 && rest.data[0] == ' ';
    size_t at = last_word(words);
    if (!is_version(span_from(words, at))) {
        tx->uri = words;
        return exact;
    }
    tx->version = span_from(words, at);
    struct span before = span_first(words, at);
    tx->uri = http_trim(before);
    return exact && before.len == tx->uri.len + 1 && before.data[before.len - 1] == ' ';
}

static void request_line(struct http_msg *m, struct span line, enum http_how how)
{
    struct http_tx *tx = &m->tx;
    bool exact = split_line(tx, line);
    uint64_t notes = http_controls(line, 0);
    if (!http_is_token(tx->method) || tx->method.len > METHOD_MAX)
        notes |= NOTE(HTTP_BAD_METHOD);
    if (!exact && how == HEAD_WHOLE)
        notes |= NOTE(HTTP_BAD_REQUEST_LINE);
    if (tx->version.len)
        notes |= version_notes(tx);
    else if (how != HEAD_LONG)
        notes |= without_version(tx);
    if (how == HEAD_ODD && !(notes & (NOTE(HTTP_HTTP2) | NOTE(HTTP_BAD_VERSION))))
        notes |= NOTE(HTTP_BAD_REQUEST_LINE);
    if (!target_bytes_are_good(tx->uri))
        notes |= NOTE(HTTP_BAD_TARGET);
    tx->anomalies |= notes;
}

static bool set_host(struct http_msg *m, struct span host)
{
    uint8_t *copy = (uint8_t *)arena_copy(&m->arena, host.data, host.len);
    if (!copy)
        return false;
    for (size_t i = 0; i < host.len; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] |= 0x20;
    m->tx.host = span_of(copy, host.len);
    return true;
}

static bool same_fold(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        uint8_t x = a.data[i], y = b.data[i];
        if (x != y && ((x | 0x20) != (y | 0x20) || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
            return false;
    }
    return true;
}

/* The authority of a target takes the place of Host (RFC 9112 3.2.2), which must be the same. */
static bool authority(struct http_msg *m, struct span in, const struct http_lines *l)
{
    struct span host, other;
    const uint8_t *at = in.len ? memrchr(in.data, '@', in.len) : NULL;
    if (at) {
        m->tx.anomalies |= NOTE(HTTP_BAD_TARGET);
        in = span_from(in, (size_t)(at - in.data) + 1);
    }
    if (!http_host_split(in, &host))
        m->tx.anomalies |= NOTE(HTTP_BAD_HOST);
    if (l->host.data) {
        http_host_split(l->host, &other);
        if (!same_fold(host, other))
            m->tx.anomalies |= NOTE(HTTP_TWO_HOSTS);
    }
    return set_host(m, host);
}

/* Behind the scheme of an absolute target, or 0. */
static size_t scheme_len(struct span s)
{
    size_t i = 0;
    while (i < s.len && ((s.data[i] | 0x20) >= 'a' && (s.data[i] | 0x20) <= 'z'))
        i++;
    return i && s.len - i >= 3 && memcmp(s.data + i, "://", 3) == 0 ? i + 3 : 0;
}

static size_t until_any(struct span s, const char *stops)
{
    size_t i = 0;
    while (i < s.len && !(s.data[i] && strchr(stops, s.data[i])))
        i++;
    return i;
}

static bool path_and_query(struct http *h, struct http_msg *m, struct span in)
{
    struct http_tx *tx = &m->tx;
    const uint8_t *mark = in.len ? memchr(in.data, '?', in.len) : NULL;
    size_t n = mark ? (size_t)(mark - in.data) : in.len;
    bool bad = false;
    if (!content_percent(&m->arena, span_first(in, n), false, &tx->path, &bad))
        return false;
    if (bad)
        tx->anomalies |= NOTE(HTTP_BAD_URLENCODED);
    if (!mark)
        return true;
    tx->query = span_of(mark + 1, in.len - n - 1);
    struct content_sink s = {.arena = &m->arena,
                             .args = &tx->args,
                             .files = &tx->files,
                             .part_headers = &tx->part_headers,
                             .anomalies = &tx->anomalies,
                             .max_args = h->opt.limits.args,
                             .max_depth = h->opt.limits.depth};
    content_urlencoded(&s, tx->query);
    tx->query_args = tx->args.n;
    return !s.failed;
}

/* RFC 9112 3.2: four forms, two of them for one method each. */
static bool target(struct http *h, struct http_msg *m, const struct http_lines *l)
{
    struct http_tx *tx = &m->tx;
    struct span uri = tx->uri;
    bool connect = is_exactly(tx->method, "CONNECT");
    size_t scheme = scheme_len(uri);
    if (connect) {
        if (!uri.len || scheme || !memchr(uri.data, ':', uri.len) || uri.data[0] == '/')
            tx->anomalies |= NOTE(HTTP_BAD_TARGET);
        else
            return authority(m, uri, l);
    }
    if (scheme) {
        struct span rest = span_from(uri, scheme);
        size_t n = until_any(rest, "/?#");
        if (!authority(m, span_first(rest, n), l))
            return false;
        struct span path = n < rest.len ? span_from(rest, n) : span_of("/", 1);
        bool rootless = path.data[0] != '/';
        if (!path_and_query(h, m, path))
            return false;
        if (rootless && !tx->path.len)
            tx->path = span_of("/", 1);
        return true;
    }
    bool asterisk = is_exactly(uri, "*") && (is_exactly(tx->method, "OPTIONS") || (tx->anomalies & NOTE(HTTP_HTTP2)));
    if (tx->version.len && !asterisk && (!uri.len || uri.data[0] != '/'))
        tx->anomalies |= NOTE(HTTP_BAD_TARGET);
    return path_and_query(h, m, uri);
}

static bool headers(struct http *h, struct http_msg *m, uint8_t *p, uint8_t *end, struct http_lines *l)
{
    struct http_list *list = &m->tx.headers;
    list->at = arena_alloc(&m->arena, FIRST_HEADERS * sizeof *list->at);
    if (!list->at)
        return false;
    list->cap = FIRST_HEADERS;
    l->arena = &m->arena;
    l->list = list;
    l->cookies = &m->tx.cookies;
    l->max = h->opt.limits.headers;
    l->max_cookies = h->opt.limits.args;
    http_lines_read(l, p, end);
    m->tx.anomalies |= l->anomalies;
    m->content_type = l->content_type;
    return !l->failed;
}

/* Behind the last line end in [p, end). */
static uint8_t *last_line_end(uint8_t *p, uint8_t *end)
{
    uint8_t *lf = p < end ? memrchr(p, '\n', (size_t)(end - p)) : NULL;
    return lf ? lf + 1 : p;
}

bool http_request_read(struct http *h, struct http_msg *m, struct span head, enum http_how how, struct http_lines *l)
{
    struct http_tx *tx = &m->tx;
    uint8_t *p = (uint8_t *)arena_copy(&m->arena, head.data, head.len), *end;
    if (!p)
        return false;
    end = p + head.len;
    uint8_t *lf = memchr(p, '\n', head.len);
    struct span line = span_of(p, lf ? (size_t)(lf - p) : head.len);
    if (lf && line.len && lf[-1] == '\r')
        line.len--;
    else if (lf)
        tx->anomalies |= NOTE(HTTP_BARE_LF);
    if (how == HEAD_LONG)
        tx->anomalies |= NOTE(HTTP_HEAD_TOO_LONG);
    request_line(m, line, how);
    if (lf && how != HEAD_ODD && !headers(h, m, lf + 1, how == HEAD_LONG ? last_line_end(lf + 1, end) : end, l))
        return false;
    if (how == HEAD_WHOLE && !l->host.data && is_exactly(tx->version, "HTTP/1.1"))
        tx->anomalies |= NOTE(HTTP_NO_HOST);
    if (how == HEAD_WHOLE && l->has_coding && is_exactly(tx->version, "HTTP/1.0"))
        tx->anomalies |= NOTE(HTTP_BAD_TRANSFER_CODING);
    if (how == HEAD_WHOLE && l->has_coding && l->has_length)
        tx->anomalies |= NOTE(HTTP_LENGTH_AND_CHUNKED);
    if (!target(h, m, l))
        return false;
    struct span host;
    if (tx->host.data || !l->host.data)
        return true;
    http_host_split(l->host, &host);
    return set_host(m, host);
}
