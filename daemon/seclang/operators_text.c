/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators on text, numbers and encodings. */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/utf8.h"
#include "seclang/operators_internal.h"

/* As isspace: transformations have the same in a table, which is theirs. */
static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

int64_t sec_integer(struct span text, bool *any)
{
    size_t i = 0;
    while (i < text.len && is_blank(text.data[i]))
        i++;
    bool minus = i < text.len && text.data[i] == '-';
    i += i < text.len && (minus || text.data[i] == '+');
    size_t first = i;
    const uint64_t most = (uint64_t)INT64_MAX + minus;
    uint64_t v = 0;
    for (; i < text.len && is_digit(text.data[i]); i++) {
        unsigned d = (unsigned)(text.data[i] - '0');
        v = v > (most - d) / 10 ? most : v * 10 + d;
    }
    if (any)
        *any = i > first;
    return minus ? (int64_t)(0 - v) : (int64_t)v;
}

int64_t sec_int(struct span text)
{
    int64_t v = sec_integer(text, NULL);
    return v < INT32_MIN || v > INT32_MAX ? 0 : v;
}

static bool equal(struct span a, struct span b)
{
    return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

#define NEAR_MAX 1024

/* As memmem, in a text so short that looking everywhere takes less than getting ready. */
static const uint8_t *find_near(struct span in, struct span needle)
{
    const uint8_t *at = in.data, *last = in.data + (in.len - needle.len);
#ifdef __SSE2__
    const __m128i first = _mm_set1_epi8((char)needle.data[0]), end = _mm_set1_epi8((char)needle.data[needle.len - 1]);
    for (; last - at >= 15; at += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)at);
        __m128i b = _mm_loadu_si128((const __m128i *)(at + needle.len - 1));
        unsigned both = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, end)));
        for (; both; both &= both - 1)
            if (!memcmp(at + __builtin_ctz(both), needle.data, needle.len))
                return at + __builtin_ctz(both);
    }
#endif
    for (; at <= last; at++)
        if (*at == needle.data[0] && !memcmp(at, needle.data, needle.len))
            return at;
    return NULL;
}

/* Where the needle is at or behind `from`, or SIZE_MAX. */
static size_t find(struct span in, struct span needle, size_t from)
{
    if (needle.len > in.len || from > in.len - needle.len)
        return SIZE_MAX;
    if (!needle.len)
        return from;
    const uint8_t *at = in.len <= NEAR_MAX ? find_near(span_from(in, from), needle)
                                           : memmem(in.data + from, in.len - from, needle.data, needle.len);
    return at ? (size_t)(at - in.data) : SIZE_MAX;
}

static int match_contains(struct span value, struct span argument, struct sec_match *ret)
{
    size_t at = find(value, argument, 0);
    return at == SIZE_MAX ? 0 : sec_matched(ret, at, at + argument.len);
}

/* Letters alone make words: a digit or an underscore ends one. */
static int match_word(struct span value, struct span word, struct sec_match *ret)
{
    if (!word.len)
        return sec_matched(ret, 0, 0);
    for (size_t at = find(value, word, 0); at != SIZE_MAX; at = find(value, word, at + 1)) {
        size_t end = at + word.len;
        if ((!at || !is_letter(value.data[at - 1])) && (end == value.len || !is_letter(value.data[end])))
            return sec_matched(ret, at, end);
    }
    return 0;
}

int sec_match_text(enum sec_op op, struct span value, struct span argument, struct sec_match *ret)
{
    switch (op) {
    case SEC_OP_BEGINS_WITH:
        return argument.len <= value.len && equal(span_first(value, argument.len), argument)
                   ? sec_matched(ret, 0, argument.len)
                   : 0;
    case SEC_OP_ENDS_WITH:
        return argument.len <= value.len && equal(span_from(value, value.len - argument.len), argument)
                   ? sec_matched(ret, value.len - argument.len, value.len)
                   : 0;
    case SEC_OP_CONTAINS_WORD:
        return match_word(value, argument, ret);
    case SEC_OP_STR_EQ:
        return equal(value, argument) ? sec_matched(ret, 0, value.len) : 0;
    case SEC_OP_WITHIN:
        return find(argument, value, 0) == SIZE_MAX ? 0 : sec_matched(ret, 0, value.len);
    default: /* contains and strmatch */
        return match_contains(value, argument, ret);
    }
}

int sec_match_bytes(const struct sec_operator *o, struct span value, struct sec_match *ret)
{
    for (size_t i = 0; i < value.len; i++)
        if (!(o->bytes[value.data[i] / 64] >> (value.data[i] % 64) & 1))
            return sec_matched(ret, i, i + 1);
    return 0;
}

int sec_match_url_encoding(struct span value, struct sec_match *ret)
{
    const uint8_t *percent;
    for (size_t at = 0; at < value.len; at += 3) {
        percent = memchr(value.data + at, '%', value.len - at);
        if (!percent)
            return 0;
        at = (size_t)(percent - value.data);
        size_t left = value.len - at;
        if (left < 3 || !is_hex(percent[1]) || !is_hex(percent[2]))
            return sec_matched(ret, at, at + (left < 3 ? left : 3));
    }
    return 0;
}

/* The length of the character at p, 0 where it is ill-formed in ModSecurity's eyes, which F4 90 and up is not. */
static size_t character(const uint8_t *p, size_t left)
{
    uint8_t c = p[0];
    if (c < 0x80)
        return 1;
    size_t len = c < 0xc2 || c > 0xf4 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (!len || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (c == 0xe0 && p[1] < 0xa0) || (c == 0xf0 && p[1] < 0x90);
    bool surrogate = c == 0xed && p[1] > 0x9f;
    return overlong || surrogate ? 0 : len;
}

int sec_match_utf8(struct span value, struct sec_match *ret)
{
    if (utf8_valid(value, false))
        return 0;
    for (size_t i = 0; i < value.len;) {
        size_t len = character(value.data + i, value.len - i);
        if (!len)
            return sec_matched(ret, i, value.len);
        i += len;
    }
    return 0;
}
