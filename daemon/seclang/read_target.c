/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/read_internal.h"

/* Targets (REQUEST_HEADERS:User-Agent|!ARGS:/^x/) and texts with macros. */

#define REGEX_PREFIX "(?ims)" /* ModSecurity's flags of a selector */

int sec_var_of(struct sec_reader *r, struct span name)
{
    int v = sec_var_find(name);
    if (v < 0 && sec_same(name, "MULTIPART_SEMICOLON_MISSING")) /* its name in ModSecurity 2 */
        return SEC_MULTIPART_MISSING_SEMICOLON;
    if (v < 0) {
        const char *names[SEC_VARS + 1] = {NULL};
        for (int i = 0; i < SEC_VARS; i++)
            names[i] = sec_var_name((enum sec_var)i);
        sec_unknown(r, "variable", name, names);
    }
    return v;
}

static struct regex *regex_keep(struct sec_reader *r, struct span pattern)
{
    char why[160];
    size_t at = 0, prefix = strlen(REGEX_PREFIX);
    struct sec_program *p = r->p;
    char *text = sec_alloc(r, prefix + pattern.len);
    size_t cap = p->cap_regexes;
    if (!text || !vec_room(&p->regexes, p->n_regexes, 1, &cap, sizeof(struct regex *))) {
        r->failed = true;
        return NULL;
    }
    p->cap_regexes = (uint32_t)cap;
    memcpy(text, REGEX_PREFIX, prefix);
    memcpy(text + prefix, pattern.data, pattern.len);
    struct regex *x = regex_new(span_of(text, prefix + pattern.len), why, sizeof why, &at);
    if (!x) {
        at = at > prefix ? at - prefix : 0;
        sec_error(r, sec_chars(pattern) + at, "bad regex in a selector: %s", why);
        return NULL;
    }
    regex_speed(x);
    p->regexes[p->n_regexes++] = x;
    return x;
}

/* 'x' without its quotes. */
static struct span unquote(struct span s)
{
    if (s.len >= 2 && s.data[0] == '\'' && s.data[s.len - 1] == '\'')
        return span_of(s.data + 1, s.len - 2);
    return s;
}

static bool selector(struct sec_reader *r, struct span s, struct sec_target *t)
{
    s = unquote(s);
    t->selector = s;
    t->select = SEC_BY_NAME;
    if (!s.len) {
        sec_error(r, sec_chars(s), "expected a name or a /regex/ behind the colon");
        return false;
    }
    if (t->var == SEC_XML || s.len < 2 || s.data[0] != '/' || s.data[s.len - 1] != '/')
        return true;
    t->select = SEC_BY_REGEX;
    t->regex = regex_keep(r, span_of(s.data + 1, s.len - 2));
    return t->regex != NULL;
}

bool sec_target_read(struct sec_reader *r, struct span s, struct sec_target *ret)
{
    *ret = (struct sec_target){.select = SEC_ALL};
    s = sec_trim(s);
    if (s.len && (s.data[0] == '&' || s.data[0] == '!')) {
        ret->count = s.data[0] == '&';
        ret->exclude = s.data[0] == '!';
        s = sec_trim(span_of(s.data + 1, s.len - 1));
    }
    const uint8_t *colon = s.len ? memchr(s.data, ':', s.len) : NULL;
    struct span name = colon ? span_of(s.data, (size_t)(colon - s.data)) : s;
    int v = sec_var_of(r, name);
    if (v < 0)
        return false;
    ret->var = (uint8_t)v;
    if (!colon)
        return true;
    if (!sec_var_is_collection((enum sec_var)v)) {
        sec_error(r, (const char *)colon, "%s is one value and has no members to select",
                  sec_var_name((enum sec_var)v));
        return false;
    }
    return selector(r, span_of(colon + 1, s.len - name.len - 1), ret);
}

/* Where a /regex/ that begins at `from` ends: at a slash before | or the end; 0 where there is none. */
static size_t regex_end(struct span s, size_t from)
{
    for (size_t i = from + 1; i < s.len; i++) {
        if (s.data[i] == '\\')
            i++;
        else if (s.data[i] == '/' && (i + 1 == s.len || s.data[i + 1] == '|'))
            return i;
    }
    return 0;
}

/* The end of the target that begins at `from`. */
static size_t target_end(struct span s, size_t from)
{
    bool xml = s.len - from > 4 && sec_same(span_of(s.data + from, 4), "XML:");
    for (size_t i = from; i < s.len; i++) {
        bool begins = i > from && s.data[i - 1] == ':' && !xml;
        if (s.data[i] == '|')
            return i;
        if (begins && s.data[i] == '\'') {
            for (i++; i < s.len && s.data[i] != '\''; i++)
                i += s.data[i] == '\\';
        } else if (begins && s.data[i] == '/' && regex_end(s, i)) {
            i = regex_end(s, i);
        }
    }
    return s.len;
}

bool sec_targets_read(struct sec_reader *r, struct span s, struct sec_target **targets, uint32_t *n)
{
    bool ok = true;
    for (size_t from = 0; from <= s.len;) {
        size_t end = target_end(s, from);
        struct span one = sec_trim(span_of(s.data + from, end - from));
        struct sec_target t;
        if (!one.len) {
            sec_error(r, sec_chars(s) + from, "expected a variable");
            return false;
        }
        from = end + 1;
        if (!sec_target_read(r, one, &t)) {
            ok = false;
            continue;
        }
        struct sec_target *to = sec_push(r, targets, *n, sizeof *to);
        if (!to)
            return false;
        *to = t;
        ++*n;
    }
    return ok;
}

static bool piece(struct sec_reader *r, struct sec_text *t, struct sec_piece **at, struct sec_piece p)
{
    struct sec_piece *to = sec_push(r, at, t->n, sizeof *to);
    if (!to)
        return false;
    *to = p;
    t->at = *at;
    t->n++;
    return true;
}

/* What stands between %{ and }. */
static bool macro(struct sec_reader *r, struct span s, struct sec_piece *ret)
{
    size_t n = 0;
    while (n < s.len && s.data[n] != '.' && s.data[n] != ':')
        n++;
    int v = sec_var_of(r, span_of(s.data, n));
    if (v < 0)
        return false;
    *ret = (struct sec_piece){.var = (uint8_t)v, .selector = span_from(s, n + 1)};
    if (n < s.len && !sec_var_is_collection((enum sec_var)v)) {
        sec_error(r, sec_chars(s) + n, "%s is one value and has no members to select", sec_var_name((enum sec_var)v));
        return false;
    }
    return true;
}

/* Where the next macro begins; s.len: none. A backslash before it takes its meaning, as in ModSecurity. */
static size_t macro_begins(struct span s, size_t from)
{
    for (size_t i = from; i + 1 < s.len; i++)
        if (s.data[i] == '%' && s.data[i + 1] == '{' && !(i && s.data[i - 1] == '\\'))
            return i;
    return s.len;
}

bool sec_text_read(struct sec_reader *r, struct span s, struct sec_text *ret)
{
    struct sec_piece *at = NULL;
    *ret = (struct sec_text){.as_written = s, .constant = true};
    for (size_t i = 0; i < s.len;) {
        size_t m = macro_begins(s, i);
        if (m > i && !piece(r, ret, &at, (struct sec_piece){.literal = span_of(s.data + i, m - i), .var = SEC_VARS}))
            return false;
        if (m == s.len)
            break;
        const uint8_t *end = memchr(s.data + m, '}', s.len - m);
        struct sec_piece p;
        if (!end) {
            sec_error(r, sec_chars(s) + m, "expected } at the end of %%{…");
            return false;
        }
        if (!macro(r, span_of(s.data + m + 2, (size_t)(end - s.data) - m - 2), &p) || !piece(r, ret, &at, p))
            return false;
        ret->constant = false;
        i = (size_t)(end - s.data) + 1;
    }
    return true;
}
