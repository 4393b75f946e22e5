/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <strings.h>

#include "seclang/read_internal.h"

/* The reader's lexer: lines that go on behind a backslash, words, quotes. */

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Up to the newline; *next is where the next line begins. Without the CR of CR LF. */
static size_t line_end(const char *text, size_t len, size_t at, size_t *next)
{
    const char *nl = memchr(text + at, '\n', len - at);
    size_t end = nl ? (size_t)(nl - text) : len;
    *next = nl ? end + 1 : len;
    return end > at && text[end - 1] == '\r' ? end - 1 : end;
}

bool sec_line_next(struct sec_reader *r, char *text, size_t len, size_t *at, int *line)
{
    struct sec_line *l = &r->line;
    size_t to = *at;
    bool more = *at < len;
    if (!more)
        return false;
    l->text = text + *at;
    l->n_parts = 0;
    while (more) {
        size_t next, end = line_end(text, len, *at, &next);
        more = end > *at && text[end - 1] == '\\' && next < len;
        size_t n = end - *at - (end > *at && text[end - 1] == '\\');
        if (!vec_room(&l->parts, l->n_parts, 1, &l->cap_parts, sizeof *l->parts)) {
            r->failed = true;
            return false;
        }
        l->parts[l->n_parts++] = (struct sec_part){.at = to - (size_t)(l->text - text), .line = ++*line};
        memmove(text + to, text + *at, n);
        to += n;
        *at = next;
    }
    l->len = to - (size_t)(l->text - text);
    return true;
}

struct sec_place sec_place_of(const struct sec_reader *r, const char *at)
{
    const struct sec_line *l = &r->line;
    struct sec_place ret = {.file = l->file};
    size_t off = at >= l->text && at <= l->text + l->len ? (size_t)(at - l->text) : 0;
    size_t i = l->n_parts;
    while (i > 1 && l->parts[i - 1].at > off)
        i--;
    if (i) {
        ret.line = l->parts[i - 1].line;
        ret.col = (int)(off - l->parts[i - 1].at) + 1;
    }
    return ret;
}

struct sec_word sec_word_rest(const struct sec_reader *r, size_t at)
{
    struct span s = sec_trim(span_of(r->line.text + at, r->line.len - at));
    struct sec_word w = {.text = s, .at = (const char *)s.data};
    if (s.len >= 2 && (s.data[0] == '"' || s.data[0] == '\'') && s.data[s.len - 1] == s.data[0]) {
        w.quote = (char)s.data[0];
        w.text = span_of(s.data + 1, s.len - 2);
    }
    return w;
}

static bool quoted(struct sec_reader *r, size_t *at, struct sec_word *ret)
{
    const char *t = r->line.text;
    size_t i = *at + 1;
    char quote = t[*at];
    while (i < r->line.len && t[i] != quote)
        i += t[i] == '\\' && i + 1 < r->line.len ? 2 : 1;
    if (i >= r->line.len) {
        sec_error(r, t + *at, "the quote %c is not closed in this line", quote);
        return false;
    }
    *ret = (struct sec_word){.text = span_of(t + *at + 1, i - *at - 1), .at = t + *at, .quote = quote};
    *at = i + 1;
    return true;
}

static bool skip_blanks(struct sec_reader *r, size_t *at)
{
    while (*at < r->line.len && blank(r->line.text[*at]))
        ++*at;
    return *at < r->line.len;
}

bool sec_word_next(struct sec_reader *r, size_t *at, struct sec_word *ret)
{
    const char *t = r->line.text;
    if (!skip_blanks(r, at))
        return false;
    if (t[*at] == '"' || t[*at] == '\'')
        return quoted(r, at, ret);
    size_t from = *at;
    while (*at < r->line.len && !blank(t[*at]))
        ++*at;
    *ret = (struct sec_word){.text = span_of(t + from, *at - from), .at = t + from};
    return true;
}

bool sec_word_targets(struct sec_reader *r, size_t *at, struct sec_word *ret)
{
    const char *t = r->line.text;
    if (!skip_blanks(r, at))
        return false;
    if (t[*at] == '"' || t[*at] == '\'')
        return quoted(r, at, ret);
    size_t from = *at;
    bool inside = false;
    for (; *at < r->line.len && (inside || !blank(t[*at])); ++*at) {
        if (t[*at] == '\\' && inside && *at + 1 < r->line.len)
            ++*at;
        else if (t[*at] == '\'' && (inside || (*at > from && t[*at - 1] == ':')))
            inside = !inside;
    }
    if (inside) {
        sec_error(r, t + from, "a quote ' is not closed in these targets");
        return false;
    }
    *ret = (struct sec_word){.text = span_of(t + from, *at - from), .at = t + from};
    return true;
}

struct span sec_trim(struct span s)
{
    while (s.len && (blank((char)s.data[0])))
        s = (struct span){s.data + 1, s.len - 1};
    while (s.len && blank((char)s.data[s.len - 1]))
        s.len--;
    return s;
}

bool sec_same(struct span s, const char *name)
{
    return s.len == strlen(name) && !strncasecmp((const char *)s.data, name, s.len);
}

bool sec_number(struct span s, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;
    if (!s.len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = s.data[i] - (unsigned)'0';
        if (digit > 9 || digit > max || n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *ret = n;
    return true;
}

const char *sec_chars(struct span s)
{
    return (const char *)s.data;
}

static bool id_range(struct span s, struct sec_id_range *ret)
{
    const uint8_t *dash = memchr(s.data, '-', s.len);
    if (!dash)
        return sec_number(s, UINT64_MAX, &ret->first) && (ret->last = ret->first, true);
    size_t n = (size_t)(dash - s.data);
    return sec_number(span_of(s.data, n), UINT64_MAX, &ret->first) &&
           sec_number(span_of(dash + 1, s.len - n - 1), UINT64_MAX, &ret->last) && ret->first <= ret->last;
}

bool sec_ids(struct sec_reader *r, struct span s, struct sec_id_range **ids, uint32_t *n)
{
    size_t i = 0;
    uint32_t before = *n;
    while (i < s.len) {
        size_t from = i;
        while (i < s.len && s.data[i] != ',' && !blank((char)s.data[i]))
            i++;
        struct span one = span_of(s.data + from, i - from);
        i++;
        if (!one.len)
            continue;
        struct sec_id_range range;
        if (!id_range(one, &range)) {
            sec_error(r, sec_chars(one), "\"%.*s\" is no rule id and no range of ids as 920100-920199", (int)one.len,
                      sec_chars(one));
            return false;
        }
        struct sec_id_range *to = sec_push(r, ids, *n, sizeof *to);
        if (!to)
            return false;
        *to = range;
        ++*n;
    }
    if (*n == before)
        sec_error(r, sec_chars(s), "expected a rule id or a range of ids");
    return *n > before;
}
