/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a regex for the strings that its matches must contain. Whatever is not
 * known for certain ends it (`failed`) or counts as any string at all: what
 * comes out may be weaker than the regex, never stronger. Options that only
 * change case, dots and lines do not matter; look-arounds and edges are empty.
 */
#include <string.h>

#include "match/factors_internal.h"

#define DEPTH_MAX 12

struct reader {
    const uint8_t *at, *end;
    unsigned depth;
    bool failed;
    struct factor_bytes *gaps; /* NULL: what may be left out is no gap */
    struct known *also;        /* or NULL: what of the outermost sequence comes second */
};

static bool more(const struct reader *r)
{
    return !r->failed && r->at < r->end;
}

static bool is_next(const struct reader *r, uint8_t c)
{
    return more(r) && *r->at == c;
}

static bool take(struct reader *r, uint8_t c)
{
    if (!is_next(r, c))
        return false;
    r->at++;
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* ---- atoms ---- */

static int hex_digit(const struct reader *r)
{
    uint8_t c = more(r) ? *r->at : 0;
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind "\x": up to two digits, or in braces those of a byte. */
static uint8_t read_hex(struct reader *r)
{
    unsigned value = 0;
    bool braces = take(r, '{');
    int digits = 0;
    for (int digit; digits < 2 && (digit = hex_digit(r)) >= 0; digits++, r->at++)
        value = value * 16 + (unsigned)digit;
    if (braces && (!digits || !take(r, '}')))
        r->failed = true;
    return (uint8_t)value;
}

static bool is_alnum(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

enum escape { ESCAPE_BYTE, ESCAPE_CLASS, ESCAPE_EDGE, ESCAPE_REFERENCE };

/* What follows a backslash; *byte where it stands for one. */
static enum escape read_escape(struct reader *r, uint8_t *byte)
{
    static const char letters[] = "nrtfea", bytes[] = "\n\r\t\f\x1b\a";
    uint8_t c = more(r) ? *r->at++ : 'Q';
    const char *letter = c ? strchr(letters, c) : NULL;
    *byte = c;
    if (letter)
        *byte = (uint8_t)bytes[letter - letters];
    else if (c == 'x')
        *byte = read_hex(r);
    else if (c && strchr("dDwWsShHvVRX", c))
        return ESCAPE_CLASS;
    else if (c && strchr("bBAzZGK", c))
        return ESCAPE_EDGE;
    else if (c >= '1' && c <= '9' && !(more(r) && is_digit(*r->at)))
        return ESCAPE_REFERENCE;
    else if (is_alnum(c) || c >= 0x80 || c < 0x20)
        r->failed = true; /* rare, or several things by what stands around it */
    return ESCAPE_BYTE;
}

static bool skip_name(struct reader *r, uint8_t close)
{
    while (more(r) && (is_alnum(*r->at) || *r->at == '_'))
        r->at++;
    return take(r, close);
}

enum member { MEMBER_BYTE, MEMBER_SET, MEMBER_UNKNOWN };

/* One member of a class, or a set of them: by the letter behind a backslash, or a named one. */
static enum member read_member(struct reader *r, uint8_t *byte)
{
    *byte = *r->at++;
    if (*byte == '[' && take(r, ':')) {
        (void)take(r, '^');
        r->failed = !skip_name(r, ':') || !take(r, ']');
        return MEMBER_UNKNOWN;
    }
    if (*byte == '[' && (is_next(r, '.') || is_next(r, '=')))
        r->failed = true;
    if (*byte != '\\')
        return MEMBER_BYTE;
    enum escape e = read_escape(r, byte);
    if (e == ESCAPE_EDGE && *byte == 'b')
        *byte = '\b';
    else if (e == ESCAPE_EDGE || e == ESCAPE_REFERENCE)
        r->failed = true; /* an octal number, or nothing at all */
    return e == ESCAPE_CLASS ? MEMBER_SET : MEMBER_BYTE;
}

static void add_range(struct factor_bytes *s, uint8_t first, uint8_t last)
{
    for (unsigned c = first; c <= last; c++)
        factor_bytes_add(s, (uint8_t)c);
}

/* What \d, \s, \w and their opposites stand for; false for others. */
static bool add_escaped(struct factor_bytes *s, uint8_t letter)
{
    static const char spaces[] = " \t\n\v\f\r";
    uint8_t kind = letter | 0x20;
    for (unsigned c = 0; c < 256; c++) {
        uint8_t byte = (uint8_t)c;
        bool word = is_alnum(byte) || c == '_', space = c && strchr(spaces, (int)c);
        if ((kind == 'd' ? is_digit(byte) : kind == 's' ? space : word) == (kind == letter))
            factor_bytes_add(s, byte);
    }
    return kind == 'd' || kind == 's' || kind == 'w';
}

/* Behind the bracket. */
static void read_class(struct reader *r, struct known *ret)
{
    struct factor_bytes s = {{0}};
    bool negated = take(r, '^'), first = true, all = true;
    for (; more(r) && (first || *r->at != ']'); first = false) {
        uint8_t from, to;
        enum member m = read_member(r, &from);
        to = from;
        if (m == MEMBER_BYTE && is_next(r, '-') && r->end - r->at > 1 && r->at[1] != ']') {
            r->at++;
            m = read_member(r, &to) == MEMBER_BYTE ? MEMBER_BYTE : MEMBER_UNKNOWN;
        }
        if (m == MEMBER_BYTE)
            add_range(&s, from, to);
        all = all && (m == MEMBER_BYTE || (m == MEMBER_SET && add_escaped(&s, from)));
    }
    if (!take(r, ']'))
        r->failed = true;
    for (unsigned i = 0; i < 4 && negated; i++)
        s.w[i] = ~s.w[i];
    known_bytes(ret, &s);
    if (!all)
        known_anything(ret);
}

static void read_alternatives(struct reader *r, struct known *ret);

/* Letters of options up to ")" or ":"; false where there is something else, or blanks and comments come in. */
static bool read_options(struct reader *r)
{
    while (more(r) && strchr("imsnJU-^", *r->at) && *r->at)
        r->at++;
    return more(r) && (*r->at == ')' || *r->at == ':');
}

/* Behind "(?": what kind of group. *empty: it takes no bytes of a match. False where there is no group at all. */
static bool read_kind(struct reader *r, bool *empty)
{
    if (take(r, '=') || take(r, '!')) {
        *empty = true;
    } else if (take(r, '<')) {
        *empty = take(r, '=') || take(r, '!');
        r->failed = r->failed || (!*empty && !skip_name(r, '>'));
    } else if (take(r, '\'')) {
        r->failed = !skip_name(r, '\'');
    } else if (take(r, 'P')) {
        r->failed = !take(r, '<') || !skip_name(r, '>');
    } else if (!take(r, '>') && !take(r, '|')) {
        r->failed = !read_options(r);
        return !r->failed && *r->at++ == ':';
    }
    return true;
}

/* Behind the parenthesis. */
static void read_group(struct reader *r, struct known *ret)
{
    bool empty = false;
    known_empty(ret);
    if (is_next(r, '*') || ++r->depth > DEPTH_MAX)
        r->failed = true;
    if (take(r, '?') && !read_kind(r, &empty)) {
        r->depth--;
        return;
    }
    read_alternatives(r, ret);
    if (!take(r, ')'))
        r->failed = true;
    if (empty)
        known_empty(ret);
    r->depth--;
}

static void read_atom(struct reader *r, struct known *ret)
{
    struct factor_bytes set = {{0}};
    uint8_t byte = *r->at++;
    enum escape e = byte == '\\' ? read_escape(r, &byte) : ESCAPE_BYTE;
    if (e == ESCAPE_EDGE)
        known_empty(ret);
    else if (e == ESCAPE_BYTE)
        known_byte(ret, byte);
    else if (e == ESCAPE_CLASS && add_escaped(&set, byte))
        known_bytes(ret, &set);
    else
        known_anything(ret);
}

static void read_part(struct reader *r, struct known *ret)
{
    if (take(r, '['))
        read_class(r, ret);
    else if (take(r, '('))
        read_group(r, ret);
    else if (take(r, '.'))
        known_anything(ret);
    else if (take(r, '^') || take(r, '$'))
        known_empty(ret);
    else
        read_atom(r, ret);
}

/* ---- repeats, sequences, alternatives ---- */

static unsigned read_number(struct reader *r)
{
    unsigned n = 0;
    for (; more(r) && is_digit(*r->at); r->at++)
        n = n < 100000 ? n * 10 + (*r->at - '0') : n;
    return n;
}

/* In braces. False where they are bytes like others. */
static bool read_braces(struct reader *r, unsigned *least, unsigned *most)
{
    const uint8_t *brace = r->at++;
    if (is_next(r, ',') || is_next(r, ' ') || is_next(r, '\t'))
        r->failed = true; /* versions differ */
    if (!more(r) || !is_digit(*r->at)) {
        r->at = brace;
        return false;
    }
    *least = *most = read_number(r);
    if (take(r, ','))
        *most = is_next(r, '}') ? 2 : read_number(r);
    if (!take(r, '}'))
        r->failed = true;
    return true;
}

static bool read_repeat(struct reader *r, unsigned *least, unsigned *most)
{
    *least = 0;
    *most = 2;
    if (is_next(r, '{'))
        return read_braces(r, least, most);
    if (take(r, '+'))
        *least = 1;
    else if (take(r, '?'))
        *most = 1;
    else
        return take(r, '*');
    return true;
}

static void read_repeats(struct reader *r, struct known *k)
{
    unsigned least, most;
    while (more(r) && read_repeat(r, &least, &most)) {
        if (least || !r->gaps || !known_skip(k, r->gaps))
            known_repeat(k, least, most);
        if (!take(r, '?'))
            (void)take(r, '+');
    }
}

/* Makes *best the better one; outermost, what is not is kept too. */
static void prefer(struct reader *r, struct known *best, const struct known *k)
{
    struct known last;
    if (r->depth || !r->also) {
        (void)known_prefer(best, k);
        return;
    }
    last = *best;
    (void)known_prefer(r->also, known_prefer(best, k) ? &last : k);
}

static void read_sequence(struct reader *r, struct known *ret)
{
    struct known run, part, best;
    bool whole = true;
    known_empty(&run);
    known_anything(&best);
    while (more(r) && *r->at != '|' && *r->at != ')') {
        read_part(r, &part);
        read_repeats(r, &part);
        known_also(&best, &part);
        if (part.exact && known_cross(&run, &part))
            continue;
        whole = false;
        bool joined = part.some && part.head && known_cross(&run, &part);
        prefer(r, &best, &run);
        part.head = false;
        if (!part.exact && !joined)
            prefer(r, &best, &part);
        if (part.exact)
            run = part;
        else
            known_empty(&run);
        run.head = false;
    }
    prefer(r, &best, &run);
    if (whole) {
        best.exact = best.head = true;
        best.some = false;
        best.set = run.set;
    }
    *ret = best;
}

static void read_alternatives(struct reader *r, struct known *ret)
{
    struct known one;
    read_sequence(r, ret);
    while (take(r, '|')) {
        read_sequence(r, &one);
        known_unite(ret, &one);
        if (!r->depth && r->also)
            known_anything(r->also);
    }
}

/* With gaps, what is said of strings holds for matches without a byte of *gaps. */
static bool read_whole(struct span pattern, struct known *ret, struct known *also, struct factor_bytes *gaps)
{
    struct reader r = {.at = pattern.data, .end = pattern.data + pattern.len, .gaps = gaps, .also = also};
    if (!pattern.len)
        return false;
    if (also)
        known_anything(also);
    read_alternatives(&r, ret);
    return !r.failed && r.at == r.end;
}

bool factors_of_regex(struct span pattern, struct factors *ret)
{
    struct known all;
    return read_whole(pattern, &all, NULL, NULL) && known_folded_grams(&all, ret);
}

bool needs_of_regex(struct span pattern, struct needs *ret)
{
    struct known all, also, bare, bare_also;
    struct factor_bytes none = {{0}};
    ret->gaps = none;
    if (!read_whole(pattern, &all, &also, NULL) || !read_whole(pattern, &bare, &bare_also, &ret->gaps))
        return false;
    ret->has_gaps = known_cost(&bare, &ret->gaps) + known_cost(&bare_also, &none) <
                    known_cost(&all, &none) + known_cost(&also, &none);
    if (ret->has_gaps)
        known_needs(&bare, &bare_also, ret);
    else
        known_needs(&all, &also, ret);
    ret->n_sets = all.n_sets;
    memcpy(ret->sets, all.sets, sizeof ret->sets);
    return ret->strings.n || ret->n_sets;
}
