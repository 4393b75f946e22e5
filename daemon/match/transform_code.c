/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base64, hexadecimal, UTF-8, digests. */
#include <nettle/md5.h>
#include <nettle/sha1.h>

#include "match/transform_internal.h"

#define NO_DIGIT 64

static uint8_t base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 52);
    return c == '+' ? 62 : c == '/' ? 63 : NO_DIGIT;
}

/* Blanks count only before the end of a line; else there is no use in reading on. Where the last one is, or in.len. */
static size_t behind_blanks(struct span in, size_t at)
{
    while (at < in.len && in.data[at] == ' ')
        at++;
    return at < in.len && (in.data[at] == '\r' || in.data[at] == '\n') ? at - 1 : in.len;
}

/* A group that is not full gives the bytes that are complete. */
static struct span decode_base64(struct span in, bool skip, uint8_t *buf)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.data[i], digit = base64_digit(c);
        if (digit == NO_DIGIT) {
            if (!skip && c == ' ')
                i = behind_blanks(in, i);
            else if (!skip && c != '\r' && c != '\n')
                break;
            continue;
        }
        bits = bits << 6 | digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            buf[n++] = (uint8_t)(bits >> held);
        }
    }
    return span_of(buf, n);
}

struct span transform_base64_decode(struct span in, uint8_t *buf)
{
    return decode_base64(in, false, buf);
}

struct span transform_base64_decode_ext(struct span in, uint8_t *buf)
{
    return decode_base64(in, true, buf);
}

struct span transform_base64_encode(struct span in, uint8_t *buf)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = 0;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t have = in.len - i < 3 ? in.len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < have ? in.data[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            buf[n++] = k <= have ? (uint8_t)digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    return span_of(buf, n);
}

/* What is no hexadecimal digit counts as the reference does: by its distance from '0' or, for letters, 'A'. */
static unsigned loose_digit(uint8_t c)
{
    return c >= 'A' ? ((c & 0xdfu) - 'A' + 10) : c - (unsigned)'0';
}

struct span transform_hex_decode(struct span in, uint8_t *buf)
{
    size_t n = in.len / 2;
    for (size_t i = 0; i < n; i++)
        buf[i] = (uint8_t)(loose_digit(in.data[2 * i]) * 16 + loose_digit(in.data[2 * i + 1]));
    return span_of(buf, n);
}

struct span transform_hex_encode(struct span in, uint8_t *buf)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < in.len; i++) {
        buf[2 * i] = (uint8_t)digits[in.data[i] >> 4];
        buf[2 * i + 1] = (uint8_t)digits[in.data[i] & 15];
    }
    return span_of(buf, in.len * 2);
}

/* Where "0x" and two digits are, or in.len. */
static size_t find_sql_hex(struct span in, size_t from)
{
    size_t at = find_byte(in, from, '0');
    while (at < in.len && !(at + 1 < in.len && (in.data[at + 1] | 0x20) == 'x' && hex_at(in, at + 2, 2)))
        at = find_byte(in, at + 1, '0');
    return at;
}

struct span transform_sql_hex_decode(struct span in, uint8_t *buf)
{
    size_t at = find_sql_hex(in, 0), n = 0;
    if (at == in.len)
        return in;
    for (size_t from = 0; from < in.len; at = find_sql_hex(in, from)) {
        memcpy(buf + n, in.data + from, at - from);
        n += at - from;
        if (at == in.len)
            break;
        for (from = at + 2; hex_at(in, from, 2); from += 2)
            buf[n++] = hex_byte(in.data + from);
    }
    return span_of(buf, n);
}

static bool is_url_safe(uint8_t c)
{
    return is_class(c, CLASS_ALNUM) || c == '*';
}

struct span transform_url_encode(struct span in, uint8_t *buf)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    while (n < in.len && is_url_safe(in.data[n]))
        n++;
    if (n == in.len)
        return in;
    memcpy(buf, in.data, n);
    for (size_t i = n; i < in.len; i++) {
        uint8_t c = in.data[i];
        if (is_url_safe(c) || c == ' ') {
            buf[n++] = c == ' ' ? '+' : c;
            continue;
        }
        buf[n++] = '%';
        buf[n++] = (uint8_t)digits[c >> 4];
        buf[n++] = (uint8_t)digits[c & 15];
    }
    return span_of(buf, n);
}

/* How many bytes the character has that c begins, 0 where it begins none. */
static size_t character_length(uint8_t c)
{
    return c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
}

/*
 * The length of the multi-byte character that begins the l bytes at p, or 0.
 * Overlong forms, surrogates and what lies past U+10FFFF count too: the rules
 * want to see what a lenient reader makes of them.
 */
static size_t read_character(const uint8_t *p, size_t l, uint32_t *code)
{
    size_t len = character_length(p[0]);
    if (!len || len > l)
        return 0;
    uint32_t v = p[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (p[i] & 0x3f);
    }
    *code = v;
    return len;
}

/* "%u" and at least four digits. */
static size_t put_character(uint8_t *out, uint32_t code)
{
    static const char digits[] = "0123456789abcdef";
    unsigned count = code >> 20 ? 6 : code >> 16 ? 5 : 4;
    out[0] = '%';
    out[1] = 'u';
    for (unsigned i = 0; i < count; i++)
        out[2 + i] = (uint8_t)digits[code >> 4 * (count - 1 - i) & 15];
    return 2 + count;
}

bool transform_any_high(struct span in)
{
    size_t i = 0;
    for (; in.len - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, in.data + i, 8);
        if (word & UINT64_C(0x8080808080808080))
            return true;
    }
    for (; i < in.len; i++)
        if (in.data[i] & 0x80)
            return true;
    return false;
}

/*
 * The reference puts a character's first byte beside it once for each rule of
 * UTF-8 that it breaks: before it, where the byte is none of UTF-8's.
 */
static size_t put_strange(uint8_t *out, uint8_t lead, size_t len, uint32_t code)
{
    size_t n = 0;
    if (lead >= 0xf5)
        out[n++] = lead;
    n += put_character(out + n, code);
    if (code >= 0xd800 && code <= 0xdfff)
        out[n++] = lead;
    if (code < (len == 4 ? 0x10000u : len == 3 ? 0x800u : 0x80u))
        out[n++] = lead;
    return n;
}

struct span transform_utf8_to_unicode(struct span in, uint8_t *buf)
{
    if (!transform_any_high(in))
        return in;
    size_t n = 0;
    for (size_t i = 0; i < in.len;) {
        uint32_t code;
        size_t len = read_character(in.data + i, in.len - i, &code);
        if (len)
            n += put_character(buf + n, code);
        else
            buf[n++] = in.data[i];
        i += len ? len : 1;
    }
    return span_of(buf, n);
}

/* First bytes without the rest of their character vanish, as NULs do. */
struct span transform_utf8_marked(struct span in, uint8_t *buf)
{
    if (!transform_any_high(in))
        return transform_remove_nulls(in, buf);
    size_t n = 0;
    for (size_t i = 0; i < in.len;) {
        uint32_t code;
        size_t len = read_character(in.data + i, in.len - i, &code);
        if (len)
            n += put_strange(buf + n, in.data[i], len, code);
        else if (in.data[i] && (!character_length(in.data[i]) || in.data[i] >= 0xf5))
            buf[n++] = in.data[i];
        i += len ? len : 1;
    }
    return span_of(buf, n);
}

struct span transform_md5(struct span in, uint8_t *buf)
{
    struct md5_ctx ctx;
    md5_init(&ctx);
    if (in.len)
        md5_update(&ctx, in.len, in.data);
    md5_digest(&ctx, MD5_DIGEST_SIZE, buf);
    return span_of(buf, MD5_DIGEST_SIZE);
}

struct span transform_sha1(struct span in, uint8_t *buf)
{
    struct sha1_ctx ctx;
    sha1_init(&ctx);
    if (in.len)
        sha1_update(&ctx, in.len, in.data);
    sha1_digest(&ctx, SHA1_DIGEST_SIZE, buf);
    return span_of(buf, SHA1_DIGEST_SIZE);
}

struct span transform_length(struct span in, uint8_t *buf)
{
    uint8_t digits[20];
    size_t n = 0;
    for (size_t v = in.len; v || !n; v /= 10)
        digits[n++] = (uint8_t)('0' + v % 10);
    for (size_t i = 0; i < n; i++)
        buf[i] = digits[n - 1 - i];
    return span_of(buf, n);
}
