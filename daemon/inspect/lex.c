/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/lex.h"

#include <errno.h>
#include <stdarg.h>

bool expr_fail(struct expr_error *e, size_t at, const char *fmt, ...)
{
    if (e->text[0])
        return false;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    e->at = at;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_letter(char c)
{
    char low = (char)(c | 0x20);
    return (low >= 'a' && low <= 'z') || c == '_';
}

static bool is_name(char c)
{
    return is_letter(c) || is_digit(c) || c == '.';
}

static bool is_word(char c)
{
    return is_name(c) || c == ':' || c == '/';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The end of the run of bytes from `at` that satisfy `is`. */
static size_t run_end(const struct lexer *lx, size_t at, bool (*is)(char))
{
    while (at < lx->len && is(lx->text[at]))
        at++;
    return at;
}

static bool read_number(struct lexer *lx, struct token *t)
{
    const char *s = lx->text + t->at;
    unsigned base = t->len > 2 && s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10;
    t->kind = TOKEN_INT;
    t->number = 0;
    for (size_t i = base == 16 ? 2 : 0; i < t->len; i++) {
        int v = hex_value(s[i]);
        if (v < 0 || (unsigned)v >= base)
            return expr_fail(lx->error, t->at, "\"%.*s\" is not a number", (int)t->len, s);
        t->number = t->number * base + (unsigned)v;
        if (t->number > UINT32_MAX)
            return expr_fail(lx->error, t->at, "number out of range, expected 0 to 4294967295");
    }
    return true;
}

/* Six pairs of hex digits. */
static bool read_mac(const char *s, size_t len, uint64_t *ret)
{
    uint64_t v = 0;
    if (len != 17)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (i % 3 == 2) {
            if (s[i] != ':')
                return false;
            continue;
        }
        int digit = hex_value(s[i]);
        if (digit < 0)
            return false;
        v = v << 4 | (unsigned)digit;
    }
    *ret = v;
    return true;
}

static bool read_address(struct lexer *lx, struct token *t)
{
    char text[IP_ADDR_TEXT_MAX + 8], meant[IP_ADDR_TEXT_MAX];
    const char *s = lx->text + t->at;
    if (read_mac(s, t->len, &t->number)) {
        t->kind = TOKEN_MAC;
        return true;
    }
    t->kind = TOKEN_NET;
    int r = -EINVAL;
    if (t->len < sizeof text) {
        memcpy(text, s, t->len);
        text[t->len] = '\0';
        r = ip_net_parse(text, &t->net);
    }
    if (r == -EDOM)
        return expr_fail(lx->error, t->at, "\"%s\" has bits set behind its prefix, expected %s/%u", text,
                         ip_addr_format(&t->net.addr, meant), t->net.prefix);
    if (r == -ERANGE)
        return expr_fail(lx->error, t->at, "\"%s\" has too long a prefix, expected at most 32 (IPv4) or 128 (IPv6)",
                         text);
    if (r)
        return expr_fail(lx->error, t->at, "\"%.*s\" is not an address, network or MAC address",
                         (int)(t->len < 100 ? t->len : 100), s);
    return true;
}

static void read_keyword(const struct lexer *lx, struct token *t)
{
    static const struct {
        const char *word;
        enum token_kind kind;
    } words[] = {
        {"and", TOKEN_AND},
        {"or", TOKEN_OR},
        {"not", TOKEN_NOT},
        {"in", TOKEN_IN},
        {"contains", TOKEN_CONTAINS},
        {"startswith", TOKEN_STARTSWITH},
        {"endswith", TOKEN_ENDSWITH},
        {"matches", TOKEN_MATCHES},
        {"true", TOKEN_TRUE},
        {"false", TOKEN_FALSE},
        {"has_bytes", TOKEN_HAS_BYTES},
    };
    t->kind = TOKEN_NAME;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strlen(words[i].word) == t->len && memcmp(words[i].word, lx->text + t->at, t->len) == 0)
            t->kind = words[i].kind;
}

static bool read_word(struct lexer *lx, struct token *t)
{
    const char *s = lx->text + t->at;
    t->len = run_end(lx, t->at, is_word) - t->at;
    lx->at = t->at + t->len;
    bool colon = memchr(s, ':', t->len) != NULL, dot = memchr(s, '.', t->len) != NULL;
    if (colon || (is_digit(s[0]) && (dot || memchr(s, '/', t->len))))
        return read_address(lx, t);
    if (is_digit(s[0]))
        return read_number(lx, t);
    t->len = run_end(lx, t->at, is_name) - t->at;
    lx->at = t->at + t->len;
    if (!t->len)
        return expr_fail(lx->error, t->at, "unexpected \"%c\"", s[0]);
    read_keyword(lx, t);
    return true;
}

static bool read_string(struct lexer *lx, struct token *t)
{
    t->kind = TOKEN_STRING;
    for (size_t i = t->at + 1; i < lx->len; i++) {
        if (lx->text[i] == '"') {
            lx->at = i + 1;
            t->len = lx->at - t->at;
            return true;
        }
        if (lx->text[i] == '\\')
            i++;
    }
    return expr_fail(lx->error, t->at, "the string has no closing quote");
}

static bool read_set(struct lexer *lx, struct token *t)
{
    size_t end = t->at + 1;
    while (end < lx->len && (is_name(lx->text[end]) || lx->text[end] == '-'))
        end++;
    t->kind = TOKEN_SET;
    t->len = end - t->at;
    lx->at = end;
    return t->len > 1 || expr_fail(lx->error, t->at, "expected the name of a set behind \"$\"");
}

static bool read_operator(struct lexer *lx, struct token *t)
{
    static const struct {
        char text[3];
        enum token_kind kind;
    } ops[] = {
        {"&&", TOKEN_AND},   {"||", TOKEN_OR},      {"==", TOKEN_EQ},     {"!=", TOKEN_NE},   {"<=", TOKEN_LE},
        {">=", TOKEN_GE},    {"<", TOKEN_LT},       {">", TOKEN_GT},      {"!", TOKEN_NOT},   {"(", TOKEN_OPEN},
        {")", TOKEN_CLOSE},  {"{", TOKEN_BRACE},    {"}", TOKEN_UNBRACE}, {",", TOKEN_COMMA}, {"-", TOKEN_DASH},
        {"[", TOKEN_SQUARE}, {"]", TOKEN_UNSQUARE},
    };
    const char *s = lx->text + t->at;
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        size_t n = strlen(ops[i].text);
        if (lx->len - t->at >= n && memcmp(s, ops[i].text, n) == 0) {
            t->kind = ops[i].kind;
            t->len = n;
            lx->at = t->at + n;
            return true;
        }
    }
    if (s[0] == '=')
        return expr_fail(lx->error, t->at, "\"=\" is no operator, expected \"==\"");
    if (s[0] == '&' || s[0] == '|')
        return expr_fail(lx->error, t->at, "\"%c\" is no operator, expected \"%c%c\"", s[0], s[0], s[0]);
    return expr_fail(lx->error, t->at, "unexpected byte 0x%02x", (unsigned char)s[0]);
}

bool lex_next(struct lexer *lx, struct token *t)
{
    lx->at = run_end(lx, lx->at, is_space);
    *t = (struct token){.kind = TOKEN_END, .at = lx->at};
    if (lx->at >= lx->len)
        return true;
    char c = lx->text[lx->at];
    if (c == '"')
        return read_string(lx, t);
    if (c == '$')
        return read_set(lx, t);
    if (is_word(c))
        return read_word(lx, t);
    return read_operator(lx, t);
}

/* Resolves the escape whose backslash is at s[*i]; *i moves to its last byte. */
static bool resolve(const char *s, size_t end, size_t *i, char *ret)
{
    static const char from[] = "\"\\nrt0", to[] = "\"\\\n\r\t\0";
    char c = s[++*i];
    const char *known = c ? strchr(from, c) : NULL;
    if (known) {
        *ret = to[known - from];
        return true;
    }
    if (c != 'x' || *i + 2 >= end || hex_value(s[*i + 1]) < 0 || hex_value(s[*i + 2]) < 0)
        return false;
    *ret = (char)(hex_value(s[*i + 1]) << 4 | hex_value(s[*i + 2]));
    *i += 2;
    return true;
}

bool lex_string(struct lexer *lx, const struct token *t, char *buf, size_t *len)
{
    size_t end = t->at + t->len - 1, n = 0;
    for (size_t i = t->at + 1; i < end; i++) {
        size_t start = i;
        buf[n] = lx->text[i];
        if (lx->text[i] == '\\' && !resolve(lx->text, end, &i, &buf[n]))
            return expr_fail(lx->error, start, "unknown escape, expected \\\" \\\\ \\n \\r \\t \\0 or \\xHH");
        n++;
    }
    *len = n;
    return true;
}
