/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "app/http_internal.h"

#define SMALL_HEAD 4096

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9112 4: HTTP/1.1 SP 3DIGIT, and a reason or none. */
static unsigned status_of(struct span s)
{
    if (s.len < 13 || memcmp(s.data, "HTTP/1.", 7) != 0 || !is_digit(s.data[7]) || s.data[8] != ' ')
        return 0;
    const uint8_t *d = s.data + 9;
    if (!is_digit(d[0]) || !is_digit(d[1]) || !is_digit(d[2]) || (d[3] != ' ' && d[3] != '\r' && d[3] != '\n'))
        return 0;
    unsigned status = (d[0] - '0') * 100u + (d[1] - '0') * 10u + d[2] - '0';
    return status >= 100 ? status : 0;
}

static bool framing_is_bad(const struct http_lines *l)
{
    uint64_t bad = NOTE(HTTP_NUL) | NOTE(HTTP_BAD_LENGTH) | NOTE(HTTP_TOO_MANY_HEADERS);
    return (l->anomalies & bad) || l->lengths_differ || l->no_name;
}

static int read_lines(struct http_lines *l, uint8_t *p, size_t len)
{
    uint8_t *lf = memchr(p, '\n', len);
    if (http_controls(span_of(p, (size_t)(lf - p)), 0) & NOTE(HTTP_NUL))
        return -EBADMSG;
    http_lines_read(l, lf + 1, p + len);
    if (l->failed)
        return -ENOMEM;
    return framing_is_bad(l) ? -EBADMSG : 0;
}

/* Nobody wants the headers: only what they say of the framing. `l` points into what is gone then, but for its numbers.
 */
static int read_unwanted(struct http_lines *l, struct span head)
{
    uint8_t small[SMALL_HEAD], *p = head.len <= sizeof small ? small : malloc(head.len);
    if (!p)
        return -ENOMEM;
    memcpy(p, head.data, head.len);
    int rc = read_lines(l, p, head.len);
    if (p != small)
        free(p);
    l->host = l->content_type = (struct span){0};
    l->n_codings = 0;
    return rc;
}

int http_response_read(struct http *h, struct http_msg *m, struct span head, struct http_lines *l, unsigned *status)
{
    *status = status_of(head);
    if (!*status)
        return -EBADMSG;
    l->max = h->opt.limits.headers;
    if (!m || (*status < 200 && *status != 101))
        return read_unwanted(l, head);
    uint8_t *p = (uint8_t *)arena_copy(&m->arena, head.data, head.len);
    if (!p)
        return -ENOMEM;
    m->tx.status = (uint16_t)*status;
    m->tx.response_version = span_of(p, 8);
    l->arena = &m->arena;
    l->list = &m->tx.response_headers;
    return read_lines(l, p, head.len);
}
