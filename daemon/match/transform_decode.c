/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Escapes of URLs, HTML, JavaScript, CSS and C. A result is never longer than its escape. */
#include "match/transform_internal.h"

/*
 * A reader of the escape that begins at in.data[at]: writes to *out at most
 * the bytes that it uses up, puts how many it wrote into *made and returns how
 * many it used, at least one.
 */
typedef size_t escape_reader(struct span in, size_t at, uint8_t *out, size_t *made);

/* Copies what lies between escapes in runs; the caller has found the first mark. */
static inline struct span decode_marked(struct span in, size_t first, uint8_t mark, escape_reader *read, uint8_t *buf)
{
    size_t n = 0;
    for (size_t at = 0, next = first; at < in.len; next = find_byte(in, at, mark)) {
        memcpy(buf + n, in.data + at, next - at);
        n += next - at;
        at = next;
        /* Escapes come in rows: no search while the next one follows at once. */
        while (at < in.len && in.data[at] == mark) {
            size_t made;
            at += read(in, at, buf + n, &made);
            n += made;
        }
    }
    return span_of(buf, n);
}

static inline struct span decode(struct span in, uint8_t mark, escape_reader *read, uint8_t *buf)
{
    size_t first = find_byte(in, 0, mark);
    return first == in.len ? in : decode_marked(in, first, mark, read, buf);
}

/* What is written is that one byte. */
static inline size_t one_byte(uint8_t *out, uint8_t value, size_t *made, size_t used)
{
    *out = value;
    *made = 1;
    return used;
}

static size_t read_percent(struct span in, size_t at, uint8_t *out, size_t *made)
{
    if (hex_at(in, at + 1, 2))
        return one_byte(out, hex_byte(in.data + at + 1), made, 3);
    return one_byte(out, '%', made, 1);
}

static size_t read_percent_u(struct span in, size_t at, uint8_t *out, size_t *made)
{
    if (at + 1 < in.len && (in.data[at + 1] | 0x20) == 'u' && hex_at(in, at + 2, 4))
        return one_byte(out, unicode_byte(in.data + at + 2), made, 6);
    return read_percent(in, at, out, made);
}

static struct span decode_url(struct span in, escape_reader *read, uint8_t *buf)
{
    if (find_byte(in, 0, '+') == in.len)
        return decode(in, '%', read, buf);
    /* A plus that comes out of an escape stays, so the bytes are taken one by one. */
    size_t n = 0, made;
    for (size_t at = 0; at < in.len; n += made) {
        if (in.data[at] == '%')
            at += read(in, at, buf + n, &made);
        else
            at += one_byte(buf + n, in.data[at] == '+' ? ' ' : in.data[at], &made, 1);
    }
    return span_of(buf, n);
}

struct span transform_url_decode(struct span in, uint8_t *buf)
{
    return decode_url(in, read_percent, buf);
}

struct span transform_url_decode_uni(struct span in, uint8_t *buf)
{
    return decode_url(in, read_percent_u, buf);
}

/* The digits from `at` on as a number, which stays at 0xff once it is too large for a long. */
static size_t read_number(struct span in, size_t at, unsigned base, uint8_t *value)
{
    const uint64_t most = INT64_MAX;
    uint64_t v = 0;
    unsigned digits = base == 16 ? CLASS_HEX : CLASS_ALNUM;
    size_t i = at;
    for (; i < in.len && is_class(in.data[i], digits); i++) {
        uint8_t d = transform_hex_value[in.data[i]];
        if (base == 10 && (in.data[i] < '0' || in.data[i] > '9'))
            break;
        v = v > (most - d) / base ? most : v * base + d;
    }
    *value = (uint8_t)v;
    return i - at;
}

static size_t read_numeric_entity(struct span in, size_t at, uint8_t *value)
{
    bool hex = at + 2 < in.len && (in.data[at + 2] | 0x20) == 'x';
    size_t digits = at + 2 + hex;
    size_t len = read_number(in, digits, hex ? 16 : 10, value);
    return len ? digits + len - at : 0;
}

static size_t read_named_entity(struct span in, size_t at, uint8_t *value)
{
    static const struct {
        char name[5];
        uint8_t len, value;
    } names[] = {{"quot", 4, '"'}, {"amp", 3, '&'}, {"lt", 2, '<'}, {"gt", 2, '>'}, {"nbsp", 4, 0xa0}};
    size_t len = 0;
    while (len < 5 && at + 1 + len < in.len && is_class(in.data[at + 1 + len], CLASS_ALNUM))
        len++;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].len != len)
            continue;
        size_t same = 0;
        while (same < len && (in.data[at + 1 + same] | 0x20) == names[i].name[same])
            same++;
        if (same == len) {
            *value = names[i].value;
            return 1 + len;
        }
    }
    return 0;
}

static size_t read_entity(struct span in, size_t at, uint8_t *out, size_t *made)
{
    uint8_t value;
    bool numeric = at + 1 < in.len && in.data[at + 1] == '#';
    size_t used = numeric ? read_numeric_entity(in, at, &value) : read_named_entity(in, at, &value);
    if (!used)
        return one_byte(out, '&', made, 1);
    if (at + used < in.len && in.data[at + used] == ';')
        used++;
    return one_byte(out, value, made, used);
}

struct span transform_html_decode(struct span in, uint8_t *buf)
{
    return decode(in, '&', read_entity, buf);
}

/* What a letter behind a backslash stands for; the letter itself where nothing. */
static uint8_t control_letter(uint8_t c)
{
    switch (c) {
    case 'a':
        return '\a';
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'v':
        return '\v';
    default:
        return c;
    }
}

/* Up to three octal digits, of which there is one; JavaScript takes two where three are more than 0377. */
static size_t read_octal(struct span in, size_t at, bool js, uint8_t *value)
{
    unsigned v = 0;
    size_t i = 0;
    size_t most = js && in.data[at] > '3' ? 2 : 3;
    for (; i < most && at + i < in.len && is_class(in.data[at + i], CLASS_OCTAL); i++)
        v = v * 8 + in.data[at + i] - '0';
    *value = (uint8_t)v;
    return i;
}

/* \x41, \101, \n and a backslash that means nothing, which both JavaScript and C have. */
static size_t read_backslash(struct span in, size_t at, bool js, uint8_t *out, size_t *made)
{
    if (at + 1 == in.len)
        return one_byte(out, '\\', made, 1);
    uint8_t c = in.data[at + 1], value;
    if ((c == 'x' || (c == 'X' && !js)) && hex_at(in, at + 2, 2))
        return one_byte(out, hex_byte(in.data + at + 2), made, 4);
    if (is_class(c, CLASS_OCTAL)) {
        size_t len = read_octal(in, at + 1, js, &value);
        return one_byte(out, value, made, 1 + len);
    }
    return one_byte(out, control_letter(c), made, 2);
}

static size_t read_js(struct span in, size_t at, uint8_t *out, size_t *made)
{
    if (at + 1 < in.len && in.data[at + 1] == 'u' && hex_at(in, at + 2, 4))
        return one_byte(out, unicode_byte(in.data + at + 2), made, 6);
    return read_backslash(in, at, true, out, made);
}

struct span transform_js_decode(struct span in, uint8_t *buf)
{
    return decode(in, '\\', read_js, buf);
}

static size_t read_ansi_c(struct span in, size_t at, uint8_t *out, size_t *made)
{
    return read_backslash(in, at, false, out, made);
}

struct span transform_escape_seq_decode(struct span in, uint8_t *buf)
{
    return decode(in, '\\', read_ansi_c, buf);
}

/* The byte for 1 to 6 hexadecimal digits: the last two; the last four may be a full-width form. */
static uint8_t css_byte(const uint8_t *p, size_t digits)
{
    if (digits == 1)
        return transform_hex_value[*p];
    bool basic_plane = digits == 4 || (digits == 5 && p[0] == '0') || (digits == 6 && p[0] == '0' && p[1] == '0');
    return basic_plane ? unicode_byte(p + digits - 4) : hex_byte(p + digits - 2);
}

static size_t read_css(struct span in, size_t at, uint8_t *out, size_t *made)
{
    *made = 0;
    if (at + 1 == in.len)
        return 1;
    size_t digits = 0;
    while (digits < 6 && at + 1 + digits < in.len && is_class(in.data[at + 1 + digits], CLASS_HEX))
        digits++;
    if (!digits)
        return in.data[at + 1] == '\n' ? 2 : one_byte(out, in.data[at + 1], made, 2);
    size_t used = 1 + digits;
    if (at + used < in.len && is_class(in.data[at + used], CLASS_SPACE))
        used++;
    return one_byte(out, css_byte(in.data + at + 1, digits), made, used);
}

struct span transform_css_decode(struct span in, uint8_t *buf)
{
    return decode(in, '\\', read_css, buf);
}
