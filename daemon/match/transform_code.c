/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base64, hexadecimal, UTF-8, SHA-1. */
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

/* A group that is not full gives the bytes that are complete. */
static struct span decode_base64(struct span in, bool skip, uint8_t *buf)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.data[i], digit = base64_digit(c);
        if (digit == NO_DIGIT) {
            if (skip || c == '\r' || c == '\n')
                continue;
            break;
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

/*
 * The length of the multi-byte character that begins the l bytes at p, or 0.
 * Overlong forms, surrogates and what lies past U+10FFFF count too: the rules
 * want to see what a lenient reader makes of them.
 */
static size_t read_character(const uint8_t *p, size_t l, uint32_t *code)
{
    size_t len = p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf8 ? 4 : 0;
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

static bool any_high(struct span in)
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

struct span transform_utf8_to_unicode(struct span in, uint8_t *buf)
{
    if (!any_high(in))
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
