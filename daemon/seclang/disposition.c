/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/multipart_internal.h"

/* A reader of a Content-Disposition; behind its end stand zeros. */
struct reader {
    struct span s;
    size_t at;
};

static uint8_t peek(const struct reader *r, size_t ahead)
{
    return r->at + ahead < r->s.len ? r->s.data[r->at + ahead] : 0;
}

static bool ended(const struct reader *r)
{
    return r->at >= r->s.len;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct reader *r)
{
    while (is_blank(peek(r, 0)))
        r->at++;
}

static bool is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_one_of(uint8_t c, const char *set)
{
    return c && strchr(set, c);
}

/* RFC 2045's, but "=" and with braces as there. */
static bool is_token(uint8_t c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* RFC 5987: charset'language'value. */
static int read_extended(struct reader *r, struct span *value)
{
    size_t from = r->at;
    while (is_alnum(peek(r, 0)) || is_one_of(peek(r, 0), "!#$%&+-^_`{}~"))
        r->at++;
    if (r->at == from || peek(r, 0) != '\'')
        return -16;
    do
        r->at++;
    while (!ended(r) && peek(r, 0) != '\'');
    if (ended(r))
        return -17;
    from = ++r->at;
    while (!ended(r) && peek(r, 0) != ';') {
        if (peek(r, 0) == '%') {
            if (!is_hex(peek(r, 1)) || !is_hex(peek(r, 2)))
                return -18;
            r->at += 3;
        } else if (is_alnum(peek(r, 0)) || is_one_of(peek(r, 0), "!#$&+-.^_`~")) {
            r->at++;
        } else {
            return -19;
        }
    }
    *value = span_of(r->s.data + from, r->at - from);
    return 1;
}

/* A backslash takes the quote or itself; before anything else it is one. */
static int read_quoted(struct multipart *m, struct reader *r, struct span *value)
{
    uint8_t quote = peek(r, 0);
    struct sec_bytes text = {0};
    m->invalid_quoting |= quote == '\'';
    r->at++;
    if (ended(r))
        return -7;
    size_t from = r->at;
    while (!ended(r) && peek(r, 0) != quote) {
        if (peek(r, 0) == '\\') {
            uint8_t next = peek(r, 1);
            if (!next)
                return -8;
            if (next == quote || next == '\\') {
                if (!sec_bytes_add(m->v, &text, r->s.data + from, r->at - from))
                    return -8;
                from = ++r->at;
            }
        }
        r->at++;
    }
    struct span rest = span_of(r->s.data + from, r->at - from);
    r->at++; /* past the end where no quote is there */
    *value = rest;
    if (!text.cap)
        return 1;
    if (!sec_bytes_add(m->v, &text, rest.data, rest.len))
        return -8;
    *value = span_of(text.at, text.len);
    return 1;
}

static int read_value(struct multipart *m, struct reader *r, bool extended, uint8_t *quote, struct span *value)
{
    *quote = 0;
    if (extended)
        return read_extended(r, value);
    if (peek(r, 0) == '"' || peek(r, 0) == '\'') {
        *quote = peek(r, 0);
        return read_quoted(m, r, value);
    }
    size_t from = r->at;
    while (is_token(peek(r, 0)))
        r->at++;
    *value = span_of(r->s.data + from, r->at - from);
    return 1;
}

/* Up to the value: name, blanks, "=", blanks. */
static int read_name(struct reader *r, struct span *name)
{
    skip_blanks(r);
    if (ended(r))
        return -3;
    size_t from = r->at;
    while (!ended(r) && peek(r, 0) != '=' && !is_blank(peek(r, 0)))
        r->at++;
    if (ended(r))
        return -4;
    *name = span_of(r->s.data + from, r->at - from);
    skip_blanks(r);
    if (ended(r))
        return -5;
    if (peek(r, 0) != '=')
        return -13;
    r->at++;
    skip_blanks(r);
    return ended(r) ? -6 : 1;
}

static bool is(struct span s, const char *text)
{
    return s.len == strlen(text) && !memcmp(s.data, text, s.len);
}

static void check_quotes(struct multipart *m, struct span value, uint8_t quote)
{
    m->invalid_quoting |= quote != '"' && value.len && memchr(value.data, '\'', value.len);
}

/* Each name and file name is listed, also one too many. */
static int take(struct multipart *m, struct span name, struct span value, uint8_t quote, struct span *extended)
{
    struct sec_body *b = &m->v->body;
    if (is(name, "filename*")) {
        if (extended->len)
            return -20;
        *extended = value;
        return 1;
    }
    bool file = is(name, "filename");
    if (!file && !is(name, "name"))
        return -11;
    check_quotes(m, value, quote);
    (void)sec_list_add(m->v, file ? &b->part_filenames : &b->part_names, value, value);
    struct span *into = file ? &m->part.filename : &m->part.name;
    if (into->len)
        return file ? -15 : -14;
    *into = value;
    return 1;
}

/* Behind a value: the end, or a semicolon. */
static int read_end(struct multipart *m, struct reader *r)
{
    if (r->at > r->s.len)
        return -12;
    skip_blanks(r);
    if (ended(r))
        return 1;
    if (peek(r, 0) == ';') {
        r->at++;
        return 1;
    }
    uint8_t before = r->s.data[r->at - 1];
    m->invalid_quoting |= before == '\'' || before == '"';
    return -12;
}

static int read_parameter(struct multipart *m, struct reader *r, struct span *extended)
{
    struct span name = {0}, value = {0};
    uint8_t quote;
    int rc = read_name(r, &name);
    if (rc > 0)
        rc = read_value(m, r, is(name, "filename*"), &quote, &value);
    if (rc > 0)
        rc = take(m, name, value, quote, extended);
    return rc > 0 ? read_end(m, r) : rc;
}

int multipart_disposition(struct multipart *m, struct span value)
{
    struct reader r = {.s = value, .at = 9};
    struct span extended = {0};
    int rc = 1;
    if (value.len < 9 || memcmp(value.data, "form-data", 9) != 0)
        return -1;
    skip_blanks(&r);
    if (ended(&r))
        return 1;
    if (peek(&r, 0) != ';')
        return -2;
    r.at++;
    while (rc > 0 && !ended(&r))
        rc = read_parameter(m, &r, &extended);
    return rc > 0 && extended.len && !m->part.filename.len ? -21 : rc;
}
