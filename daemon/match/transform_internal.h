/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_TRANSFORM_INTERNAL_H
#define SLUICE_MATCH_TRANSFORM_INTERNAL_H

#include <string.h>

#include "match/transform.h"

/* What the transformations share. Each has the contract of transform_apply(). */

struct span transform_url_decode(struct span in, uint8_t *buf);
struct span transform_url_decode_uni(struct span in, uint8_t *buf);
struct span transform_url_encode(struct span in, uint8_t *buf);
struct span transform_html_decode(struct span in, uint8_t *buf);
struct span transform_js_decode(struct span in, uint8_t *buf);
struct span transform_css_decode(struct span in, uint8_t *buf);
struct span transform_escape_seq_decode(struct span in, uint8_t *buf);

struct span transform_base64_decode(struct span in, uint8_t *buf);
struct span transform_base64_decode_ext(struct span in, uint8_t *buf);
struct span transform_base64_encode(struct span in, uint8_t *buf);
struct span transform_hex_decode(struct span in, uint8_t *buf);
struct span transform_hex_encode(struct span in, uint8_t *buf);
struct span transform_sql_hex_decode(struct span in, uint8_t *buf);
struct span transform_utf8_to_unicode(struct span in, uint8_t *buf);
struct span transform_utf8_marked(struct span in, uint8_t *buf);
struct span transform_md5(struct span in, uint8_t *buf);
struct span transform_sha1(struct span in, uint8_t *buf);
struct span transform_length(struct span in, uint8_t *buf);

struct span transform_normalize_path(struct span in, uint8_t *buf);
struct span transform_normalize_path_win(struct span in, uint8_t *buf);
struct span transform_cmd_line(struct span in, uint8_t *buf);

struct span transform_lower(struct span in, uint8_t *buf);
struct span transform_upper(struct span in, uint8_t *buf);
struct span transform_remove_nulls(struct span in, uint8_t *buf);
struct span transform_replace_nulls(struct span in, uint8_t *buf);
struct span transform_compress_whitespace(struct span in, uint8_t *buf);
struct span transform_remove_whitespace(struct span in, uint8_t *buf);
struct span transform_trim(struct span in, uint8_t *buf);
struct span transform_trim_left(struct span in, uint8_t *buf);
struct span transform_trim_right(struct span in, uint8_t *buf);
struct span transform_parity_even_7bit(struct span in, uint8_t *buf);
struct span transform_parity_odd_7bit(struct span in, uint8_t *buf);
struct span transform_parity_zero_7bit(struct span in, uint8_t *buf);
struct span transform_replace_comments(struct span in, uint8_t *buf);
struct span transform_remove_comments(struct span in, uint8_t *buf);
struct span transform_remove_comment_chars(struct span in, uint8_t *buf);

/* Bits of transform_class[]: what a byte is. */
enum transform_class {
    CLASS_SPACE = 1 << 0, /* space, \t to \r */
    CLASS_HEX = 1 << 1,
    CLASS_OCTAL = 1 << 2,
    CLASS_ALNUM = 1 << 3,
    CLASS_COMMENT = 1 << 4, /* begins a comment, or is a mark of one */
    CLASS_COMMAND = 1 << 5, /* what cmd_line may change */
    CLASS_REMOVED = 1 << 6, /* spaces, and the two bytes of UTF-8's no-break space, each by itself */
};
extern const uint8_t transform_class[256];
/* The value of a hexadecimal digit, else 0. */
extern const uint8_t transform_hex_value[256];

static inline bool is_class(uint8_t c, unsigned bits)
{
    return transform_class[c] & bits;
}

/* Whether the n bytes from `at` on are there and hexadecimal digits. */
static inline bool hex_at(struct span in, size_t at, size_t n)
{
    if (in.len < n || at > in.len - n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!is_class(in.data[at + i], CLASS_HEX))
            return false;
    return true;
}

static inline uint8_t hex_byte(const uint8_t *p)
{
    return (uint8_t)(transform_hex_value[p[0]] << 4 | transform_hex_value[p[1]]);
}

/* The byte for U+xxyy: its low one; full-width forms of ASCII (U+FF01 to U+FF5E) as ASCII. p is at "xxyy". */
static inline uint8_t unicode_byte(const uint8_t *p)
{
    uint8_t low = hex_byte(p + 2);
    bool full_width = (p[0] | 0x20) == 'f' && (p[1] | 0x20) == 'f' && low > 0 && low < 0x5f;
    return full_width ? (uint8_t)(low + 0x20) : low;
}

/* Whether a byte is not ASCII. */
bool transform_any_high(struct span in);

/* Where the first c is, or in.len. */
static inline size_t find_byte(struct span in, size_t from, uint8_t c)
{
    const uint8_t *at = from < in.len ? memchr(in.data + from, c, in.len - from) : NULL;
    return at ? (size_t)(at - in.data) : in.len;
}

/* Where the first byte of a class is, or in.len. */
static inline size_t find_class(struct span in, unsigned bits)
{
    size_t i = 0;
    while (i < in.len && !is_class(in.data[i], bits))
        i++;
    return i;
}

#endif
