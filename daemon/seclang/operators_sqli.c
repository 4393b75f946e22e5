/* SPDX-License-Identifier: GPL-3.0-or-later */
/* detectSQLi. */
#include "match/injection.h"
#include "seclang/operators_internal.h"

/*
 * Most values are words. To libinjection a word that is none of SQL's is a
 * name, and names alone, one behind the other, are no SQLi. So a value of
 * words that it does not know, nor two that stand side by side as one, is not
 * given to it. What is known of words is remembered.
 */
#define PLAIN_MAX 1024 /* bytes; a longer value is scanned */

static bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool is_in_word(uint8_t c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* One or two words that libinjection has no meaning for; it looks at what stands before each dot as well. */
static bool is_unknown(struct span words)
{
    size_t start = 0;
    for (size_t i = 0; i < words.len; i++) {
        uint8_t c = words.data[i];
        if ((c == '.' || c == ' ') && detect_sql_word(span_of(words.data + start, i - start)))
            return false;
        start = c == ' ' ? i + 1 : start;
    }
    return !detect_sql_word(span_from(words, start)) && !(start && detect_sql_word(words));
}

static struct plain_words *remembered(struct sec_operator_memory *m, struct span words)
{
    uint64_t h = words.len, part = 0;
    for (size_t i = 0; i < words.len; i += sizeof part) {
        size_t n = words.len - i < sizeof part ? words.len - i : sizeof part;
        part = 0;
        memcpy(&part, words.data + i, n);
        h = (h ^ part) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return &m->plain[h % PLAIN_WORDS];
}

/* The same, remembered where the words are of usual length. */
static bool is_plain(struct sec_operator_memory *m, struct span words)
{
    if (words.len > PLAIN_LENGTH)
        return is_unknown(words);
    struct plain_words *p = remembered(m, words);
    if (p->len == words.len && !memcmp(p->text, words.data, words.len))
        return p->plain;
    p->len = (uint8_t)words.len;
    memcpy(p->text, words.data, words.len);
    return p->plain = is_unknown(words);
}

/* Words that begin with a letter, with a blank between them. */
static bool all_plain(struct sec_operator_memory *m, struct span value)
{
    size_t before = SIZE_MAX, start = 0;
    for (size_t i = 0; i <= value.len; i++) {
        if (i < value.len && is_in_word(value.data[i]))
            continue;
        if ((i < value.len && value.data[i] != ' ') || i == start || !is_letter(value.data[start]))
            return false;
        size_t from = before == SIZE_MAX ? start : before;
        bool last = i == value.len;
        if ((last || from != start) && !is_plain(m, span_of(value.data + from, i - from)))
            return false;
        before = start;
        start = i + 1;
    }
    return true;
}

int sec_match_sqli(struct sec_operator_memory *m, struct span value, struct sec_match *ret)
{
    if (value.len && value.len <= PLAIN_MAX && all_plain(m, value))
        return 0;
    if (!detect_sqli(value, ret->fingerprint))
        return 0;
    sec_capture(ret, 0, span_of(ret->fingerprint, strnlen(ret->fingerprint, sizeof ret->fingerprint)));
    return sec_matched(ret, 0, value.len);
}
