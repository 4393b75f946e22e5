/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each transformation against a plain one that is written the other way round:
 * the input as a C string of what is left, one step after the other, no fast
 * path. The buffer is exactly as large as transform_room() says.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "match/transform.h"

#define MOST 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of the input, and the result so far. NULs stand behind the input. */
static uint8_t text[MOST + 16], *p, *end;
static uint8_t result[MOST * 8];
static size_t n;

static void put(int c)
{
    result[n++] = (uint8_t)c;
}

/* Takes `used` bytes and gives one. */
static void turn(size_t used, int c)
{
    put(c);
    p += used;
}

static bool have(size_t len)
{
    return (size_t)(end - p) >= len;
}

static bool at(const char *s)
{
    return have(strlen(s)) && !memcmp(p, s, strlen(s));
}

static bool space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

/* How many hexadecimal digits follow, up to `most`. */
static size_t hexes(size_t skip, size_t most)
{
    size_t i = 0;
    while (i < most && have(skip + i + 1) && p[skip + i] < 128 && isxdigit(p[skip + i]))
        i++;
    return i;
}

static unsigned long number(const uint8_t *from, size_t len, int base)
{
    char digits[16] = {0};
    memcpy(digits, from, len < 15 ? len : 15);
    return strtoul(digits, NULL, base);
}

static int low_byte(unsigned long code)
{
    return (int)((code & 0xffff) >= 0xff01 && (code & 0xffff) <= 0xff5e ? (code & 0xff) + 0x20 : code & 0xff);
}

static void step_lower(void)
{
    turn(1, *p < 128 ? tolower(*p) : *p);
}

static void step_upper(void)
{
    turn(1, *p < 128 ? toupper(*p) : *p);
}

static void step_url(void)
{
    if (*p == '%' && hexes(1, 2) == 2)
        turn(3, (int)number(p + 1, 2, 16));
    else
        turn(1, *p == '+' ? ' ' : *p);
}

static void step_url_uni(void)
{
    if ((at("%u") || at("%U")) && hexes(2, 4) == 4)
        turn(6, low_byte(number(p + 2, 4, 16)));
    else
        step_url();
}

static bool step_entity_number(void)
{
    bool hex = at("&#x") || at("&#X");
    size_t skip = hex ? 3 : 2, len = 0;
    while (have(skip + len + 1) && p[skip + len] < 128 && (hex ? isxdigit(p[skip + len]) : isdigit(p[skip + len])))
        len++;
    if (!len)
        return false;
    size_t zeros = 0;
    while (zeros < len - 1 && p[skip + zeros] == '0')
        zeros++;
    size_t significant = len - zeros;
    unsigned long top = significant == 16 ? number(p + skip + zeros, 1, 16) : 0;
    bool large = hex ? significant > 16 || top > 7 : significant > 19;
    char digits[24] = {0};
    memcpy(digits, p + skip + zeros, significant < 20 ? significant : 20);
    unsigned long v = strtoul(digits, NULL, hex ? 16 : 10);
    if (large || v > (unsigned long)INT64_MAX)
        v = INT64_MAX;
    size_t used = skip + len;
    turn(used + (have(used + 1) && p[used] == ';'), (int)(v & 0xff));
    return true;
}

static void step_html(void)
{
    static const char *const names[] = {"&quot", "&amp", "&lt", "&gt", "&nbsp"};
    if (at("&#") && step_entity_number())
        return;
    for (size_t i = 0; i < 5; i++) {
        size_t len = strlen(names[i]);
        if (!have(len) || strncasecmp((char *)p, names[i], len) || (have(len + 1) && p[len] < 128 && isalnum(p[len])))
            continue;
        turn(len + (have(len + 1) && p[len] == ';'), "\"&<>\xa0"[i] & 0xff);
        return;
    }
    turn(1, *p);
}

static void step_backslash(bool js)
{
    size_t octal = 0;
    while (octal < 3 && have(2 + octal) && p[1 + octal] >= '0' && p[1 + octal] <= '7')
        octal++;
    if (*p != '\\' || !have(2)) {
        turn(1, *p);
    } else if (js && p[1] == 'u' && hexes(2, 4) == 4) {
        turn(6, low_byte(number(p + 2, 4, 16)));
    } else if ((p[1] == 'x' || (!js && p[1] == 'X')) && hexes(2, 2) == 2) {
        turn(4, (int)number(p + 2, 2, 16));
    } else if (octal) {
        if (js && number(p + 1, octal, 8) > 255)
            octal = 2;
        turn(1 + octal, (int)number(p + 1, octal, 8));
    } else {
        const char *from = "abfnrtv", *letter = p[1] ? strchr(from, p[1]) : NULL;
        turn(2, letter ? "\a\b\f\n\r\t\v"[letter - from] : p[1]);
    }
}

static void step_js(void)
{
    step_backslash(true);
}

static void step_escape_seq(void)
{
    step_backslash(false);
}

static void step_css(void)
{
    if (*p != '\\') {
        turn(1, *p);
        return;
    }
    p++;
    size_t digits = hexes(0, 6);
    if (digits) {
        unsigned long code = number(p, digits, 16);
        /* Only what four digits, or zeros and four, can say is full-width. */
        put(digits >= 4 && code <= 0xffff ? low_byte(code) : (int)(code & 0xff));
        p += digits;
        p += have(1) && space(*p);
    } else if (have(1)) {
        if (*p != '\n')
            put(*p);
        p++;
    }
}

static unsigned sextets, sextet_bits;

static void step_base64_any(bool skip)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *digit = *p ? strchr(alphabet, *p) : NULL;
    size_t blanks = strspn((char *)p, " ");
    if (!digit) {
        bool pass = skip || (blanks && (p[blanks] == '\r' || p[blanks] == '\n')) || *p == '\r' || *p == '\n';
        p = pass ? p + 1 : end;
        return;
    }
    sextet_bits = sextet_bits * 64 + (unsigned)(digit - alphabet);
    if (sextets++ % 4)
        put((int)(sextet_bits >> (6 - 2 * ((sextets - 1) % 4)) & 0xff));
    p++;
}

static void step_base64(void)
{
    step_base64_any(false);
}

static void step_base64_ext(void)
{
    step_base64_any(true);
}

static void whole_base64_encode(void)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t bits = (size_t)(end - p) * 8;
    for (size_t bit = 0; bit < bits; bit += 6) {
        unsigned two = (unsigned)p[bit / 8] << 8 | p[bit / 8 + 1];
        put(alphabet[two >> (10 - bit % 8) & 63]);
    }
    while (n % 4)
        put('=');
}

static void step_url_encode(void)
{
    char three[4];
    if (*p == ' ' || *p == '*' || (*p < 128 && isalnum(*p))) {
        turn(1, *p == ' ' ? '+' : *p);
        return;
    }
    snprintf(three, sizeof three, "%%%02x", *p++);
    for (int i = 0; i < 3; i++)
        put(three[i]);
}

static void step_sql_hex(void)
{
    if ((at("0x") || at("0X")) && hexes(2, 2) == 2)
        for (p += 2; hexes(0, 2) == 2;)
            turn(2, (int)number(p, 2, 16));
    else
        turn(1, *p);
}

static int ones(int c)
{
    return c ? (c & 1) + ones(c >> 1) : 0;
}

static void step_parity_even(void)
{
    turn(1, (*p & 127) + (ones(*p) % 2 ? 128 : 0));
}

static void step_parity_odd(void)
{
    turn(1, (*p & 127) + (ones(*p) % 2 ? 0 : 128));
}

static void step_parity_zero(void)
{
    turn(1, *p & 127);
}

static int loose(int c)
{
    return c >= 'A' ? (c & 0xdf) - 'A' + 10 : c - '0';
}

static void step_hex_decode(void)
{
    if (have(2))
        turn(2, loose(p[0]) * 16 + loose(p[1]));
    else
        p = end;
}

static void step_hex_encode(void)
{
    char two[3];
    snprintf(two, sizeof two, "%02x", *p++);
    put(two[0]);
    put(two[1]);
}

static void step_remove_nulls(void)
{
    if (*p)
        put(*p);
    p++;
}

static void step_replace_nulls(void)
{
    turn(1, *p ? *p : ' ');
}

static void step_compress(void)
{
    if (!space(*p) || p == text || !space(p[-1]))
        put(space(*p) ? ' ' : *p);
    p++;
}

static void step_remove_spaces(void)
{
    if (!space(*p) && *p != 0xa0 && *p != 0xc2)
        put(*p);
    p++;
}

/* Moves behind the mark, or to the end; whether it was there. */
static bool skip_past(const char *mark)
{
    while (p < end && !at(mark))
        p++;
    bool there = p < end;
    p += there ? strlen(mark) : 0;
    return there;
}

static void step_replace_comments(void)
{
    if (at("/*")) {
        turn(2, ' ');
        skip_past("*/");
    } else {
        turn(1, *p);
    }
}

static void step_remove_comments(void)
{
    bool c = at("/*"), html = at("<!--");
    if (c || html) {
        p += c ? 2 : 4;
        if (!skip_past(c ? "*/" : "-->"))
            put(' ');
    } else if (at("--") || at("#")) {
        p = end;
    } else {
        turn(1, *p);
    }
}

static void step_comment_chars(void)
{
    static const char *const marks[] = {"<!--", "-->", "/*", "*/", "--", "#"};
    for (size_t i = 0; i < 6; i++)
        if (at(marks[i])) {
            p += strlen(marks[i]);
            return;
        }
    turn(1, *p);
}

/* By its words: takes a space back where the next byte wants none. */
static void step_cmd_line(void)
{
    static bool space_last;
    if (p == text)
        space_last = false;
    if (*p && strchr("\\\"'^", *p)) {
        p++;
        return;
    }
    bool blank = *p && strchr(" ,;\t\r\n", *p);
    if (space_last && (blank || *p == '/' || *p == '('))
        n--;
    space_last = blank;
    turn(1, blank ? ' ' : *p < 128 ? tolower(*p) : *p);
}

static void step_utf8(void)
{
    static const struct {
        uint8_t mask, lead;
    } forms[] = {{0xe0, 0xc0}, {0xf0, 0xe0}, {0xf8, 0xf0}};
    for (size_t f = 0; f < 3; f++) {
        size_t len = f + 2, good = 1;
        if ((*p & forms[f].mask) != forms[f].lead || !have(len))
            continue;
        unsigned code = *p & (uint8_t)~forms[f].mask;
        for (; good < len && p[good] >> 6 == 2; good++)
            code = code * 64 + p[good] % 64;
        if (good < len)
            continue;
        n += (size_t)sprintf((char *)result + n, "%%u%04x", code);
        p += len;
        return;
    }
    turn(1, *p);
}

static void step_utf8_marked(void)
{
    static const struct {
        uint8_t mask, lead;
    } forms[] = {{0xe0, 0xc0}, {0xf0, 0xe0}, {0xf8, 0xf0}};
    for (size_t f = 0; f < 3; f++) {
        size_t len = f + 2, good = 1;
        if ((*p & forms[f].mask) != forms[f].lead || !have(len))
            continue;
        unsigned code = *p & (uint8_t)~forms[f].mask;
        for (; good < len && p[good] >> 6 == 2; good++)
            code = code * 64 + p[good] % 64;
        if (good < len)
            continue;
        static const unsigned least[] = {0x80, 0x800, 0x10000};
        if (*p > 0xf4)
            put(*p);
        n += (size_t)sprintf((char *)result + n, "%%u%04x", code);
        for (int odd = (code >> 11 == 0x1b) + (code < least[f]); odd; odd--)
            put(*p);
        p += len;
        return;
    }
    if (*p && (*p < 0xc0 || *p > 0xf4))
        put(*p);
    p++;
}

static void whole_trim_left(void)
{
    while (p < end && space(*p))
        p++;
    while (p < end)
        put(*p++);
}

static void whole_trim_right(void)
{
    while (p < end && space(end[-1]))
        end--;
    while (p < end)
        put(*p++);
}

static void whole_trim(void)
{
    while (p < end && space(*p))
        p++;
    while (p < end && space(end[-1]))
        end--;
    while (p < end)
        put(*p++);
}

/* By segments on a stack. */
static void normalize(bool win)
{
    struct {
        uint8_t *from;
        size_t len;
    } stack[MOST + 1];
    size_t depth = 0;
    if (p == end)
        return;
    for (uint8_t *c = p; win && c < end; c++)
        *c = *c == '\\' ? '/' : *c;
    bool absolute = *p == '/', trailing = end[-1] == '/', any = false;
    while (p < end) {
        uint8_t *from = p;
        while (p < end && *p != '/')
            p++;
        size_t len = (size_t)(p - from);
        p += p < end;
        if (!len || (len == 1 && *from == '.'))
            continue;
        bool up = len == 2 && !memcmp(from, "..", 2);
        bool above = depth && stack[depth - 1].len == 2 && !memcmp(stack[depth - 1].from, "..", 2);
        if (up && depth && !above) {
            depth--;
        } else if (!up || !absolute) {
            stack[depth].from = from;
            stack[depth++].len = len;
        }
    }
    for (size_t i = 0; i < depth; i++, any = true) {
        if (absolute || any)
            put('/');
        memcpy(result + n, stack[i].from, stack[i].len);
        n += stack[i].len;
    }
    if (trailing && (any || absolute))
        put('/');
}

static void whole_path(void)
{
    normalize(false);
}

static void whole_path_win(void)
{
    normalize(true);
}

static void whole_length(void)
{
    n += (size_t)sprintf((char *)result, "%zu", (size_t)(end - p));
}

static const struct {
    void (*step)(void);
    void (*whole)(void);
} references[TRANSFORMS] = {
    [TRANSFORM_LOWER] = {step_lower, NULL},
    [TRANSFORM_UPPER] = {step_upper, NULL},
    [TRANSFORM_URL_ENCODE] = {step_url_encode, NULL},
    [TRANSFORM_BASE64_ENCODE] = {NULL, whole_base64_encode},
    [TRANSFORM_SQL_HEX_DECODE] = {step_sql_hex, NULL},
    [TRANSFORM_PARITY_EVEN_7BIT] = {step_parity_even, NULL},
    [TRANSFORM_PARITY_ODD_7BIT] = {step_parity_odd, NULL},
    [TRANSFORM_PARITY_ZERO_7BIT] = {step_parity_zero, NULL},
    [TRANSFORM_TRIM_LEFT] = {NULL, whole_trim_left},
    [TRANSFORM_TRIM_RIGHT] = {NULL, whole_trim_right},
    [TRANSFORM_URL_DECODE] = {step_url, NULL},
    [TRANSFORM_URL_DECODE_UNI] = {step_url_uni, NULL},
    [TRANSFORM_HTML_DECODE] = {step_html, NULL},
    [TRANSFORM_JS_DECODE] = {step_js, NULL},
    [TRANSFORM_CSS_DECODE] = {step_css, NULL},
    [TRANSFORM_BASE64_DECODE] = {step_base64, NULL},
    [TRANSFORM_BASE64_DECODE_EXT] = {step_base64_ext, NULL},
    [TRANSFORM_HEX_DECODE] = {step_hex_decode, NULL},
    [TRANSFORM_HEX_ENCODE] = {step_hex_encode, NULL},
    [TRANSFORM_NORMALIZE_PATH] = {NULL, whole_path},
    [TRANSFORM_NORMALIZE_PATH_WIN] = {NULL, whole_path_win},
    [TRANSFORM_REMOVE_NULLS] = {step_remove_nulls, NULL},
    [TRANSFORM_REPLACE_NULLS] = {step_replace_nulls, NULL},
    [TRANSFORM_COMPRESS_WHITESPACE] = {step_compress, NULL},
    [TRANSFORM_REMOVE_WHITESPACE] = {step_remove_spaces, NULL},
    [TRANSFORM_REPLACE_COMMENTS] = {step_replace_comments, NULL},
    [TRANSFORM_REMOVE_COMMENTS] = {step_remove_comments, NULL},
    [TRANSFORM_REMOVE_COMMENT_CHARS] = {step_comment_chars, NULL},
    [TRANSFORM_CMD_LINE] = {step_cmd_line, NULL},
    [TRANSFORM_UTF8_TO_UNICODE] = {step_utf8, NULL},
    [TRANSFORM_UTF8_MARKED] = {step_utf8_marked, NULL},
    [TRANSFORM_ESCAPE_SEQ_DECODE] = {step_escape_seq, NULL},
    [TRANSFORM_TRIM] = {NULL, whole_trim},
    [TRANSFORM_LENGTH] = {NULL, whole_length},
};

static void refer(enum transform t, const uint8_t *data, size_t size)
{
    memset(text, 0, sizeof text);
    if (size)
        memcpy(text, data, size);
    p = text;
    end = text + size;
    n = 0;
    sextets = sextet_bits = 0;
    if (references[t].whole)
        references[t].whole();
    else
        while (p < end)
            references[t].step();
}

static void compare(enum transform t, const uint8_t *data, size_t size)
{
    size_t room = transform_room(t, size);
    uint8_t *buf = malloc(room ? room : 1);
    if (!buf)
        abort();
    struct span v = transform_apply(t, span_of(data, size), buf);
    bool in_place = v.len && v.data >= data && v.data + v.len <= data + size;
    if (!in_place && (v.len > room || (v.len && v.data != buf)))
        abort();
    if (references[t].step || references[t].whole) {
        refer(t, data, size);
        if (v.len != n || (n && memcmp(v.data, result, n))) {
            fprintf(stderr, "%s: %zu bytes, the reference has %zu\n", transform_name(t), v.len, n);
            abort();
        }
    } else if (v.len != (t == TRANSFORM_MD5 ? 16 : 20)) {
        abort();
    }
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > MOST)
        size = MOST;
    for (int t = 0; t < TRANSFORMS; t++)
        compare(t, data, size);
    return 0;
}
