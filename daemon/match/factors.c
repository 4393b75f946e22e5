/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a regex for the strings that its matches must contain. Whatever is not
 * known for certain ends it (`failed`) or counts as any string at all: what
 * comes out may be weaker than the regex, never stronger. Options that only
 * change case, dots and lines do not matter; look-arounds and edges are empty.
 */
#include "match/factors.h"

#include <string.h>

#define DEPTH_MAX 12
#define CLASS_MAX 8 /* bytes of a class that is taken for its members */
#define LOOK_MAX 64 /* bytes of a string among which the rarest are chosen */

/* What is known of a part. */
struct known {
    bool exact;         /* it matches nothing but `set` */
    bool some;          /* not exact: every match contains one of `set` */
    struct factors set; /* in an exact one strings may be empty */
};

struct reader {
    const uint8_t *at, *end;
    unsigned depth;
    bool failed;
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

/* ---- sets of strings ---- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static void only_empty(struct known *k)
{
    k->exact = true;
    k->some = false;
    k->set.n = 1;
    k->set.len[0] = 0;
}

static void anything(struct known *k)
{
    k->exact = k->some = false;
    k->set.n = 0;
}

static void one_byte(struct known *k, uint8_t c)
{
    k->exact = true;
    k->some = false;
    k->set.n = 1;
    k->set.len[0] = 1;
    k->set.at[0][0] = (uint8_t)(c | FACTOR_FOLD);
}

static bool add(struct factors *f, const uint8_t *s, unsigned len)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->len[i] == len && memcmp(f->at[i], s, len) == 0)
            return true;
    if (f->n == FACTORS_MAX)
        return false;
    memcpy(f->at[f->n], s, len);
    f->len[f->n++] = (uint8_t)len;
    return true;
}

static bool add_all(struct factors *to, const struct factors *from)
{
    for (unsigned i = 0; i < from->n; i++)
        if (!add(to, from->at[i], from->len[i]))
            return false;
    return true;
}

/* Guesses; only their order matters. */
static unsigned rarity(uint8_t c)
{
    c |= FACTOR_FOLD;
    if (!c || c >= 0x7f)
        return 7;
    if (strchr("etaoinshr", c))
        return 3;
    if (is_digit(c) || strchr(" ./-", c))
        return 4;
    if ((c >= 'a' && c <= 'z') || strchr("=&", c))
        return 5;
    return strchr("{}`$<|\"", c) ? 8 : 6;
}

struct factor_gram factor_gram(struct span s)
{
    struct factor_gram best = {.len = s.len < FACTOR_GRAM ? s.len : FACTOR_GRAM};
    for (size_t i = 0; i + best.len <= s.len && i < LOOK_MAX; i++) {
        unsigned bits = 0;
        for (size_t k = 0; k < best.len; k++)
            bits += rarity(s.data[i + k]);
        if (bits > best.bits) {
            best.bits = bits;
            best.at = i;
        }
    }
    return best;
}

/* Leaves of each string what is looked for; false where one has nothing. How often any is met: *cost. */
static bool to_grams(const struct known *k, struct factors *ret, uint64_t *cost)
{
    ret->n = 0;
    *cost = 0;
    for (unsigned i = 0; i < k->set.n; i++) {
        struct factor_gram g = factor_gram(span_of(k->set.at[i], k->set.len[i]));
        unsigned before = ret->n;
        if (!g.len || !add(ret, k->set.at[i] + g.at, (unsigned)g.len))
            return false;
        *cost += ret->n > before ? UINT64_C(1) << (40 - g.bits) : 0;
    }
    return ret->n && (k->exact || k->some);
}

/* Makes *best the better of the two. */
static void prefer(struct known *best, const struct known *k)
{
    struct factors grams, had;
    uint64_t cost, least;
    if (!to_grams(k, &grams, &cost) || (to_grams(best, &had, &least) && least <= cost))
        return;
    best->some = true;
    best->set = grams;
}

/* Each of a before each of b; false where that is too much. */
static bool cross(struct factors *a, const struct factors *b)
{
    struct factors all = {.n = 0};
    uint8_t s[FACTOR_LEN];
    for (unsigned i = 0; i < a->n; i++)
        for (unsigned k = 0; k < b->n; k++) {
            if (a->len[i] + b->len[k] > FACTOR_LEN)
                return false;
            memcpy(s, a->at[i], a->len[i]);
            memcpy(s + a->len[i], b->at[k], b->len[k]);
            if (!add(&all, s, a->len[i] + b->len[k]))
                return false;
        }
    *a = all;
    return true;
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

/* Behind "\x": up to two digits. */
static uint8_t read_hex(struct reader *r)
{
    unsigned value = 0;
    if (is_next(r, '{'))
        r->failed = true;
    for (int i = 0, digit; i < 2 && (digit = hex_digit(r)) >= 0; i++, r->at++)
        value = value * 16 + (unsigned)digit;
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

/* One member of a class, or a named or escaped set of them: false. */
static bool read_member(struct reader *r, uint8_t *byte)
{
    *byte = *r->at++;
    if (*byte == '[' && take(r, ':')) {
        (void)take(r, '^');
        r->failed = !skip_name(r, ':') || !take(r, ']');
        return false;
    }
    if (*byte == '[' && (is_next(r, '.') || is_next(r, '=')))
        r->failed = true;
    if (*byte != '\\')
        return true;
    enum escape e = read_escape(r, byte);
    if (e == ESCAPE_EDGE && *byte == 'b')
        *byte = '\b';
    else if (e == ESCAPE_EDGE || e == ESCAPE_REFERENCE)
        r->failed = true; /* an octal number, or nothing at all */
    return e != ESCAPE_CLASS;
}

/* Adds what stands between two bytes, or gives up on `few`. */
static void add_range(struct factors *few, bool *many, uint8_t first, uint8_t last)
{
    for (unsigned c = first; c <= last && !*many; c++) {
        uint8_t folded = (uint8_t)(c | FACTOR_FOLD);
        *many = !add(few, &folded, 1) || few->n > CLASS_MAX;
    }
}

/* Behind the bracket. */
static void read_class(struct reader *r, struct known *ret)
{
    bool many = take(r, '^'), first = true;
    ret->set.n = 0;
    for (; more(r) && (first || *r->at != ']'); first = false) {
        uint8_t from, to;
        bool byte = read_member(r, &from);
        to = from;
        if (byte && is_next(r, '-') && r->end - r->at > 1 && r->at[1] != ']') {
            r->at++;
            byte = read_member(r, &to);
        }
        many = many || !byte;
        add_range(&ret->set, &many, from, to);
    }
    if (!take(r, ']'))
        r->failed = true;
    ret->exact = true;
    ret->some = false;
    if (many || !ret->set.n)
        anything(ret);
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
    only_empty(ret);
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
        only_empty(ret);
    r->depth--;
}

static void read_atom(struct reader *r, struct known *ret)
{
    uint8_t byte = *r->at++;
    enum escape e = byte == '\\' ? read_escape(r, &byte) : ESCAPE_BYTE;
    if (e == ESCAPE_EDGE)
        only_empty(ret);
    else if (e != ESCAPE_BYTE)
        anything(ret);
    else
        one_byte(ret, byte);
}

static void read_part(struct reader *r, struct known *ret)
{
    if (take(r, '['))
        read_class(r, ret);
    else if (take(r, '('))
        read_group(r, ret);
    else if (take(r, '.'))
        anything(ret);
    else if (take(r, '^') || take(r, '$'))
        only_empty(ret);
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

/* How often the part may stand there. */
static void repeat(struct known *k, unsigned least, unsigned most)
{
    if (least == 1 && most == 1)
        return;
    if (least) {
        k->some = k->some || k->exact;
        k->exact = false;
    } else if (!k->exact || most != 1 || !add(&k->set, k->set.at[0], 0)) {
        anything(k);
    }
}

static void read_repeats(struct reader *r, struct known *k)
{
    unsigned least, most;
    while (more(r) && read_repeat(r, &least, &most)) {
        repeat(k, least, most);
        if (!take(r, '?'))
            (void)take(r, '+');
    }
}

static void read_sequence(struct reader *r, struct known *ret)
{
    struct known run, part, best;
    bool whole = true;
    only_empty(&run);
    anything(&best);
    while (more(r) && *r->at != '|' && *r->at != ')') {
        read_part(r, &part);
        read_repeats(r, &part);
        prefer(&best, &part);
        if (part.exact && cross(&run.set, &part.set))
            continue;
        whole = false;
        prefer(&best, &run);
        if (part.exact)
            run = part;
        else
            only_empty(&run);
    }
    if (!whole)
        prefer(&best, &run);
    *ret = whole ? run : best;
}

/* Either of the two. */
static void unite(struct known *a, const struct known *b)
{
    struct factors grams, more_grams;
    uint64_t cost;
    if (a->exact && b->exact) {
        struct factors all = a->set;
        if (add_all(&all, &b->set)) {
            a->set = all;
            return;
        }
    }
    if (!to_grams(a, &grams, &cost) || !to_grams(b, &more_grams, &cost) || !add_all(&grams, &more_grams)) {
        anything(a);
        return;
    }
    a->exact = false;
    a->some = true;
    a->set = grams;
}

static void read_alternatives(struct reader *r, struct known *ret)
{
    struct known one;
    read_sequence(r, ret);
    while (take(r, '|')) {
        read_sequence(r, &one);
        unite(ret, &one);
    }
}

bool factors_of_regex(struct span pattern, struct factors *ret)
{
    struct reader r = {.at = pattern.data, .end = pattern.data + pattern.len};
    struct known all;
    uint64_t cost;
    if (!pattern.len)
        return false;
    read_alternatives(&r, &all);
    return !r.failed && r.at == r.end && to_grams(&all, ret, &cost);
}
