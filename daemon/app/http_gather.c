/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/http_internal.h"

#define METHOD_MAX 32
#define BLANKS_MAX 4
#define ODD_MAX 8192

void http_gather_reset(struct http_reader *r)
{
    free(r->buf);
    r->buf = NULL;
    r->len = r->cap = r->line = 0;
    r->last = 0;
}

static bool append(struct http_reader *r, struct span *data, size_t n)
{
    if (!n)
        return true;
    if (n > r->cap - r->len) {
        uint32_t cap = r->cap ? r->cap : 512;
        while (cap - r->len < n)
            cap *= 2;
        uint8_t *buf = realloc(r->buf, cap);
        if (!buf)
            return false;
        r->buf = buf;
        r->cap = cap;
    }
    memcpy(r->buf + r->len, data->data, n);
    r->len += (uint32_t)n;
    r->last = data->data[n - 1];
    *data = span_from(*data, n);
    return true;
}

/* The head is complete with n bytes of data: in place where nothing came before. */
static enum gather take(struct http_reader *r, struct span *data, size_t n, struct span *head, enum gather as)
{
    if (!r->len) {
        *head = span_first(*data, n);
        *data = span_from(*data, n);
        return as;
    }
    if (!append(r, data, n))
        return GATHER_NO_MEMORY;
    *head = span_of(r->buf, r->len);
    return as;
}

static bool ends_empty(const struct http_reader *r, const uint8_t *begin, const uint8_t *lf)
{
    uint8_t before = lf > begin ? lf[-1] : r->last;
    return r->line == 1 || (r->line == 2 && before == '\r');
}

enum gather http_gather(struct http_reader *r, struct span *data, size_t from, struct span *head)
{
    struct span part = span_first(*data, r->limit - r->len);
    for (size_t at = from; at < part.len;) {
        const uint8_t *lf = memchr(part.data + at, '\n', part.len - at);
        size_t end = lf ? (size_t)(lf - part.data) + 1 : part.len;
        r->line += (uint32_t)(end - at);
        at = end;
        if (!lf)
            break;
        if (ends_empty(r, part.data, lf))
            return take(r, data, end, head, GATHER_DONE);
        r->line = 0;
    }
    bool full = r->len + part.len == r->limit;
    if (!full)
        return append(r, data, part.len) ? GATHER_MORE : GATHER_NO_MEMORY;
    return take(r, data, part.len, head, GATHER_LONG);
}

static bool is_token_byte(uint8_t c)
{
    return http_is_token(span_of(&c, 1));
}

/* Looks at the first bytes as they come; how many there are up to the one that no text has, or 0. */
static size_t check_method(struct http_reader *r, struct span part)
{
    size_t n = part.len < METHOD_MAX + 1 - r->len ? part.len : METHOD_MAX + 1 - r->len;
    for (size_t i = 0; i < n && !r->plausible; i++) {
        uint8_t c = part.data[i];
        if (c == '\n')
            return 0;
        if (c == ' ' && !r->odd && r->len + i > 0)
            r->plausible = true;
        else if (c >= 0x7f || (c < ' ' && c != '\t' && c != '\r'))
            return i + 1;
        else if (!is_token_byte(c) || r->len + i >= METHOD_MAX)
            r->odd = true;
    }
    return 0;
}

/* RFC 9112 2.2: empty lines before a request are ignored, a few of them. */
static enum gather blank(struct http_reader *r, struct span *data, size_t n, size_t line)
{
    if (line == 1)
        r->anomalies |= NOTE(HTTP_BARE_LF);
    http_gather_reset(r);
    r->odd = r->plausible = false;
    r->blanks++;
    *data = span_from(*data, n);
    return GATHER_MORE;
}

static enum gather line_end(struct http_reader *r, struct span *data, size_t n, size_t *from, struct span *head)
{
    r->line += (uint32_t)n;
    if (ends_empty(r, data->data, data->data + n - 1) && r->blanks < BLANKS_MAX)
        return blank(r, data, n, r->line);
    struct span line = span_first(*data, n);
    if (r->len) {
        if (!append(r, data, n))
            return GATHER_NO_MEMORY;
        line = span_of(r->buf, r->len);
    } else {
        *from = n;
    }
    r->line = 0;
    if (http_request_line_fits(line))
        return GATHER_LINE;
    *head = line;
    *data = span_from(*data, *from);
    return GATHER_ODD;
}

enum gather http_gather_line(struct http_reader *r, struct span *data, size_t *from, struct span *head)
{
    struct span part = span_first(*data, r->limit - r->len);
    *from = 0;
    size_t bad = r->len <= METHOD_MAX && !r->plausible ? check_method(r, part) : 0;
    if (bad)
        return take(r, data, bad, head, GATHER_ODD);
    bool waits = !r->plausible && r->limit > ODD_MAX;
    if (waits)
        part = span_first(part, ODD_MAX - r->len);
    const uint8_t *lf = part.len ? memchr(part.data, '\n', part.len) : NULL;
    if (lf)
        return line_end(r, data, (size_t)(lf - part.data) + 1, from, head);
    r->line += (uint32_t)part.len;
    if (r->len + part.len == r->limit)
        return take(r, data, part.len, head, r->plausible ? GATHER_LONG : GATHER_ODD);
    if (waits && r->len + part.len == ODD_MAX)
        return take(r, data, part.len, head, GATHER_ODD);
    return append(r, data, part.len) ? GATHER_MORE : GATHER_NO_MEMORY;
}
