/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Case, whitespace, NULs and comments. */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "match/transform_internal.h"

#define BLOCK 32

static uint8_t lower(uint8_t c)
{
    return (uint8_t)(c + (((uint8_t)(c - 'A') < 26) << 5));
}

static size_t find_upper(struct span in)
{
    size_t i = 0;
    /* Whole blocks without a branch, which compilers make vector code of. */
    for (; in.len - i >= BLOCK; i += BLOCK) {
        uint8_t hit = 0;
        for (size_t k = 0; k < BLOCK; k++)
            hit |= (uint8_t)(in.data[i + k] - 'A') < 26;
        if (hit)
            break;
    }
    while (i < in.len && (uint8_t)(in.data[i] - 'A') >= 26)
        i++;
    return i;
}

struct span transform_lower(struct span in, uint8_t *buf)
{
    size_t first = find_upper(in);
    if (first == in.len)
        return in;
    memcpy(buf, in.data, first);
    size_t i = first;
    for (; in.len - i >= BLOCK; i += BLOCK) {
        uint8_t block[BLOCK];
        for (size_t k = 0; k < BLOCK; k++)
            block[k] = lower(in.data[i + k]);
        memcpy(buf + i, block, BLOCK);
    }
    for (; i < in.len; i++)
        buf[i] = lower(in.data[i]);
    return span_of(buf, in.len);
}

struct span transform_upper(struct span in, uint8_t *buf)
{
    size_t n = 0;
    while (n < in.len && (uint8_t)(in.data[n] - 'a') >= 26)
        n++;
    if (n == in.len)
        return in;
    memcpy(buf, in.data, n);
    for (; n < in.len; n++)
        buf[n] = (uint8_t)(in.data[n] - (((uint8_t)(in.data[n] - 'a') < 26) << 5));
    return span_of(buf, n);
}

struct span transform_remove_nulls(struct span in, uint8_t *buf)
{
    size_t at = find_byte(in, 0, 0), n = 0;
    if (at == in.len)
        return in;
    for (size_t from = 0; from < in.len; from = at + 1) {
        at = find_byte(in, from, 0);
        memcpy(buf + n, in.data + from, at - from);
        n += at - from;
    }
    return span_of(buf, n);
}

struct span transform_replace_nulls(struct span in, uint8_t *buf)
{
    size_t at = find_byte(in, 0, 0);
    if (at == in.len)
        return in;
    memcpy(buf, in.data, in.len);
    for (; at < in.len; at = find_byte(in, at + 1, 0))
        buf[at] = ' ';
    return span_of(buf, in.len);
}

/* Where whitespace begins that is more than one plain space. */
static size_t find_wide_space(struct span in)
{
    for (size_t i = 0; i < in.len; i++)
        if (is_class(in.data[i], CLASS_SPACE) &&
            (in.data[i] != ' ' || (i + 1 < in.len && is_class(in.data[i + 1], CLASS_SPACE))))
            return i;
    return in.len;
}

struct span transform_compress_whitespace(struct span in, uint8_t *buf)
{
    size_t n = find_wide_space(in);
    if (n == in.len)
        return in;
    memcpy(buf, in.data, n);
    for (size_t i = n; i < in.len;) {
        if (!is_class(in.data[i], CLASS_SPACE)) {
            buf[n++] = in.data[i++];
            continue;
        }
        buf[n++] = ' ';
        while (i < in.len && is_class(in.data[i], CLASS_SPACE))
            i++;
    }
    return span_of(buf, n);
}

#ifdef __SSE2__
/* 16 bytes at a time, as long as there are 32: what is kept is copied run by run. Returns how far it went. */
static size_t remove_blocks(struct span in, size_t i, uint8_t *buf, size_t *n)
{
    for (; i + 32 <= in.len; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(in.data + i));
        __m128i tab = _mm_sub_epi8(v, _mm_set1_epi8('\t'));
        __m128i gone = _mm_cmpeq_epi8(_mm_min_epu8(tab, _mm_set1_epi8('\r' - '\t')), tab);
        gone = _mm_or_si128(gone, _mm_cmpeq_epi8(v, _mm_set1_epi8(' ')));
        gone = _mm_or_si128(gone, _mm_cmpeq_epi8(v, _mm_set1_epi8((char)0xa0)));
        gone = _mm_or_si128(gone, _mm_cmpeq_epi8(v, _mm_set1_epi8((char)0xc2)));
        unsigned bits = (unsigned)_mm_movemask_epi8(gone) | 1u << 16;
        for (unsigned from = 0; bits; bits &= bits - 1) {
            unsigned to = (unsigned)__builtin_ctz(bits);
            memcpy(buf + *n, in.data + i + from, 16);
            *n += to - from;
            from = to + 1;
        }
    }
    return i;
}
#else
static size_t remove_blocks(struct span in, size_t i, uint8_t *buf, size_t *n)
{
    (void)in;
    (void)buf;
    (void)n;
    return i;
}
#endif

struct span transform_remove_whitespace(struct span in, uint8_t *buf)
{
    size_t n = 0;
    while (n < in.len && !is_class(in.data[n], CLASS_REMOVED))
        n++;
    if (n == in.len)
        return in;
    memcpy(buf, in.data, n);
    /* Each byte is written, and the next one over it where it goes: a text's blanks cannot be predicted. */
    for (size_t i = remove_blocks(in, n, buf, &n); i < in.len; i++) {
        uint8_t c = in.data[i];
        buf[n] = c;
        n += !(transform_class[c] & CLASS_REMOVED);
    }
    return span_of(buf, n);
}

static struct span trim(struct span in, bool left, bool right)
{
    if (!in.len)
        return in;
    size_t from = 0, to = in.len;
    while (right && to && is_class(in.data[to - 1], CLASS_SPACE))
        to--;
    while (left && from < to && is_class(in.data[from], CLASS_SPACE))
        from++;
    return span_of(in.data + from, to - from);
}

struct span transform_trim(struct span in, uint8_t *buf)
{
    (void)buf;
    return trim(in, true, true);
}

struct span transform_trim_left(struct span in, uint8_t *buf)
{
    (void)buf;
    return trim(in, true, false);
}

struct span transform_trim_right(struct span in, uint8_t *buf)
{
    (void)buf;
    return trim(in, false, true);
}

/* The highest bit is counted as well: so does the reference. */
static struct span set_parity(struct span in, unsigned odd, uint8_t *buf)
{
    for (size_t i = 0; i < in.len; i++) {
        unsigned ones = (unsigned)__builtin_popcount(in.data[i]);
        buf[i] = (uint8_t)((in.data[i] & 0x7fu) | ((ones + odd) & 1u) << 7);
    }
    return span_of(buf, in.len);
}

struct span transform_parity_even_7bit(struct span in, uint8_t *buf)
{
    return set_parity(in, 0, buf);
}

struct span transform_parity_odd_7bit(struct span in, uint8_t *buf)
{
    return set_parity(in, 1, buf);
}

struct span transform_parity_zero_7bit(struct span in, uint8_t *buf)
{
    if (!transform_any_high(in))
        return in;
    for (size_t i = 0; i < in.len; i++)
        buf[i] = in.data[i] & 0x7f;
    return span_of(buf, in.len);
}

static bool starts(struct span in, size_t at, const char *mark, size_t len)
{
    return in.len - at >= len && !memcmp(in.data + at, mark, len);
}

/* Where what follows a mark begins, at or behind `from`; in.len + 1 where it does not come. */
static size_t behind(struct span in, size_t from, const char *mark, size_t len)
{
    const uint8_t *at = from < in.len ? memmem(in.data + from, in.len - from, mark, len) : NULL;
    return at ? (size_t)(at - in.data) + len : in.len + 1;
}

static size_t find_c_comment(struct span in, size_t from)
{
    size_t at = find_byte(in, from, '/');
    while (at < in.len && !(at + 1 < in.len && in.data[at + 1] == '*'))
        at = find_byte(in, at + 1, '/');
    return at;
}

struct span transform_replace_comments(struct span in, uint8_t *buf)
{
    size_t at = find_c_comment(in, 0), n = 0;
    if (at == in.len)
        return in;
    for (size_t from = 0; from < in.len; at = find_c_comment(in, from)) {
        memcpy(buf + n, in.data + from, at - from);
        n += at - from;
        if (at == in.len)
            break;
        buf[n++] = ' ';
        from = behind(in, at + 2, "*/", 2);
    }
    return span_of(buf, n);
}

/*
 * The end of the comment that begins at `at`: 0 where none does, in.len where
 * it is one to the end of the line of SQL, in.len + 1 where its end mark lacks.
 */
static size_t comment_end(struct span in, size_t at)
{
    if (starts(in, at, "/*", 2))
        return behind(in, at + 2, "*/", 2);
    if (starts(in, at, "<!--", 4))
        return behind(in, at + 4, "-->", 3);
    return in.data[at] == '#' || starts(in, at, "--", 2) ? in.len : 0;
}

static size_t comment_mark(struct span in, size_t at)
{
    if (in.data[at] == '#')
        return 1;
    if (starts(in, at, "<!--", 4))
        return 4;
    if (starts(in, at, "-->", 3))
        return 3;
    return starts(in, at, "/*", 2) || starts(in, at, "*/", 2) || starts(in, at, "--", 2) ? 2 : 0;
}

/* Where the first mark of a comment is; single slashes and hyphens are common. */
static size_t find_mark(struct span in)
{
    size_t i = 0;
    while (i < in.len && !(is_class(in.data[i], CLASS_COMMENT) && comment_mark(in, i)))
        i++;
    return i;
}

/* Comments that are closed vanish; one that is not leaves a space; behind -- and # nothing is left. */
struct span transform_remove_comments(struct span in, uint8_t *buf)
{
    size_t n = find_mark(in);
    if (n == in.len)
        return in;
    memcpy(buf, in.data, n);
    for (size_t i = n; i < in.len;) {
        size_t end = is_class(in.data[i], CLASS_COMMENT) ? comment_end(in, i) : 0;
        if (!end) {
            buf[n++] = in.data[i++];
            continue;
        }
        if (end > in.len)
            buf[n++] = ' ';
        i = end;
    }
    return span_of(buf, n);
}

struct span transform_remove_comment_chars(struct span in, uint8_t *buf)
{
    size_t n = find_mark(in);
    if (n == in.len)
        return in;
    memcpy(buf, in.data, n);
    for (size_t i = n; i < in.len;) {
        size_t mark = is_class(in.data[i], CLASS_COMMENT) ? comment_mark(in, i) : 0;
        if (!mark)
            buf[n++] = in.data[i];
        i += mark ? mark : 1;
    }
    return span_of(buf, n);
}
