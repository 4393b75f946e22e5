/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/multipart_internal.h"

#define MIME "multipart/form-data"
#define WORD "boundary"
#define WORD_LEN 8

static bool bad_type(struct multipart *m, const char *why)
{
    m->failed = true;
    multipart_error(m, why, (struct span){0});
    return false;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

/* How many times the word stands, in any case, with a "=" somewhere behind it. */
static unsigned count_words(struct span s)
{
    uint8_t copy[MULTIPART_TYPE_MAX];
    unsigned n = 0;
    for (size_t i = 0; i < s.len; i++)
        copy[i] = lower(s.data[i]);
    for (struct span rest = span_of(copy, s.len); rest.len;) {
        const uint8_t *at = memmem(rest.data, rest.len, WORD, WORD_LEN);
        if (!at)
            break;
        rest = span_from(rest, (size_t)(at - rest.data) + WORD_LEN);
        n += rest.len && memchr(rest.data, '=', rest.len);
    }
    return n;
}

/* RFC 2046 5.1.1; a space may not be the last. */
static bool is_boundary(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        bool word = (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
        if (!word && !(c && strchr("'()+_,-./:=?", c)) && !(c == ' ' && i + 1 < s.len))
            return false;
    }
    return true;
}

/* Between the media type and the word only whitespace and one semicolon. */
static bool read_gap(struct multipart *m, struct span gap)
{
    bool semicolon = false;
    for (size_t i = 0; i < gap.len; i++) {
        if (sec_is_space(gap.data[i]))
            continue;
        if (semicolon || gap.data[i] != ';')
            return false;
        semicolon = true;
    }
    m->missing_semicolon = !semicolon;
    return true;
}

/* Behind the "=": quoted or not. */
static bool read_value(struct multipart *m, struct span s)
{
    bool first = s.len && s.data[0] == '"', last = s.len >= 2 && s.data[s.len - 1] == '"';
    m->boundary_whitespace |= s.len && sec_is_space(s.data[0]);
    if (first != last || (first && s.len < 2))
        return bad_type(m, "Multipart: Invalid boundary in C-T (quote).");
    m->boundary = first ? span_of(s.data + 1, s.len - 2) : s;
    if (!m->boundary.len)
        return false; /* ModSecurity finds nothing wrong with it, and nothing in the body */
    m->boundary_quoted = first;
    if (count_words(m->boundary))
        return bad_type(m, "Multipart: Invalid boundary in C-T (content).");
    const uint8_t *semicolon = is_boundary(m->boundary) ? NULL : memchr(m->boundary.data, ';', m->boundary.len);
    if (semicolon)
        m->boundary.len = (size_t)(semicolon - m->boundary.data);
    if (!is_boundary(m->boundary))
        return bad_type(m, "Multipart: Invalid boundary in C-T (characters).");
    return m->boundary.len || bad_type(m, "Multipart: Invalid boundary in C-T (empty).");
}

static bool read_parameter(struct multipart *m, struct span word)
{
    const uint8_t *sign = memchr(word.data + WORD_LEN, '=', word.len - WORD_LEN);
    if (!sign)
        return bad_type(m, "Multipart: Invalid boundary in C-T (malformed).");
    for (const uint8_t *p = word.data + WORD_LEN; p < sign; p++) {
        if (!sec_is_space(*p))
            return bad_type(m, "Multipart: Invalid boundary in C-T (parameter name).");
        m->boundary_whitespace = true;
    }
    return read_value(m, span_from(word, (size_t)(sign - word.data) + 1));
}

bool multipart_boundary(struct multipart *m, struct span type)
{
    if (!type.len)
        return bad_type(m, "Multipart: Content-Type header not available.");
    if (type.len > MULTIPART_TYPE_MAX)
        return bad_type(m, "Multipart: Invalid boundary in C-T (length).");
    const uint8_t *nul = memchr(type.data, 0, type.len);
    if (nul)
        type.len = (size_t)(nul - type.data);
    if (!sec_starts_with(type, MIME))
        return bad_type(m, "Multipart: Invalid MIME type.");
    unsigned n = count_words(type);
    if (n > 1)
        return bad_type(m, "Multipart: Multiple boundary parameters in C-T.");
    const uint8_t *word = memmem(type.data, type.len, WORD, WORD_LEN);
    if (!word)
        return bad_type(m, n ? "Multipart: Invalid boundary in C-T (case sensitivity)."
                             : "Multipart: Boundary not found in C-T.");
    size_t at = (size_t)(word - type.data), mime = sizeof MIME - 1;
    if (!read_gap(m, span_of(type.data + mime, at - mime)))
        return bad_type(m, "Multipart: Invalid boundary in C-T (malformed).");
    return read_parameter(m, span_from(type, at));
}
