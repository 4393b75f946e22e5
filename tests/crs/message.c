/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* The next line without its end. */
static bool next_line(struct span *rest, struct span *line)
{
    if (!rest->len)
        return false;
    const uint8_t *end = memchr(rest->data, '\n', rest->len);
    size_t n = end ? (size_t)(end - rest->data) : rest->len;
    *line = span_first(*rest, n);
    *rest = span_from(*rest, end ? n + 1 : n);
    if (line->len && line->data[line->len - 1] == '\r')
        line->len--;
    return true;
}

static struct span trimmed(struct span s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = span_from(s, 1);
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool message_header(struct span *rest, struct span *name, struct span *value)
{
    struct span line;
    while (next_line(rest, &line) && line.len) {
        const uint8_t *colon = memchr(line.data, ':', line.len);
        if (!colon)
            continue;
        size_t n = (size_t)(colon - line.data);
        *name = span_first(line, n);
        *value = trimmed(span_from(line, n + 1));
        return true;
    }
    return false;
}

static char *text(struct span s)
{
    return s.len ? strndup((const char *)s.data, s.len) : strdup("");
}

/* METHOD SP TARGET SP HTTP/x.y; a target may have spaces in it. */
static bool read_line(struct span line, struct message *m)
{
    const uint8_t *first = line.len ? memchr(line.data, ' ', line.len) : NULL;
    size_t method = first ? (size_t)(first - line.data) : line.len;
    struct span rest = trimmed(span_from(line, method));
    const uint8_t *last = rest.len ? memrchr(rest.data, ' ', rest.len) : NULL;
    struct span version = span_of("0.9", 3);
    if (last && rest.len - (size_t)(last - rest.data) > 6 && !strncasecmp((const char *)last + 1, "HTTP/", 5)) {
        size_t at = (size_t)(last - rest.data);
        version = span_from(rest, at + 6);
        rest = trimmed(span_first(rest, at));
    }
    m->method = text(span_first(line, method));
    m->target = text(rest);
    m->version = text(version);
    return m->method && m->target && m->version;
}

static bool is_name(struct span s, const char *name)
{
    return s.len == strlen(name) && !strncasecmp((const char *)s.data, name, s.len);
}

static size_t hex_number(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < (size_t)1 << 40; i++) {
        unsigned c = s.data[i] | 0x20U;
        if (c >= '0' && c <= '9')
            n = n * 16 + (c - '0');
        else if (c >= 'a' && c <= 'f')
            n = n * 16 + (c - 'a' + 10);
        else
            break;
    }
    return n;
}

static bool join_chunks(struct span rest, struct message *m)
{
    struct span line;
    size_t n = 0;
    m->held = malloc(rest.len + 1);
    if (!m->held)
        return false;
    while (next_line(&rest, &line)) {
        struct span chunk = span_first(rest, hex_number(line));
        if (!chunk.len)
            break;
        memcpy(m->held + n, chunk.data, chunk.len);
        n += chunk.len;
        rest = span_from(rest, chunk.len);
        next_line(&rest, &line);
    }
    m->body = span_of(m->held, n);
    return true;
}

static bool read_body(struct span rest, struct message *m)
{
    struct span headers = m->headers, name, value;
    bool chunked = false, has_length = false;
    size_t length = 0;
    while (message_header(&headers, &name, &value)) {
        if (is_name(name, "Transfer-Encoding"))
            chunked |= is_name(value, "chunked");
        if (!is_name(name, "Content-Length") || !value.len)
            continue;
        has_length = true;
        length = 0;
        for (size_t i = 0; i < value.len && value.data[i] >= '0' && value.data[i] <= '9' && length < SIZE_MAX / 20; i++)
            length = length * 10 + (value.data[i] - '0');
    }
    if (chunked)
        return join_chunks(rest, m);
    m->body = has_length ? span_first(rest, length) : span_of(NULL, 0);
    return true;
}

bool message_read(struct span raw, struct message *ret)
{
    *ret = (struct message){0};
    struct span line = {0}, rest = raw;
    next_line(&rest, &line);
    bool good = read_line(line, ret);
    const uint8_t *from = rest.data;
    size_t before = rest.len;
    while (next_line(&rest, &line) && line.len)
        continue;
    ret->headers = span_of(from, before - rest.len);
    if (good && read_body(rest, ret))
        return true;
    message_free(ret);
    return false;
}

void message_free(struct message *m)
{
    free(m->method);
    free(m->target);
    free(m->version);
    free(m->held);
    *m = (struct message){0};
}

void client_address(uint32_t number, char *buf, size_t size)
{
    snprintf(buf, size, "10.%u.%u.%u", number >> 16 & 255, number >> 8 & 255, number & 255);
}
