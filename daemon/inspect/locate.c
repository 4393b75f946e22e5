/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/locate.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void locator_free(struct locator *lo)
{
    free(lo->text);
    *lo = (struct locator){0};
}

static void step(struct locator *lo)
{
    if (lo->text[lo->at] == '\n')
        lo->line++;
    lo->at++;
}

static bool ahead(const struct locator *lo, const char *what)
{
    return strncmp(lo->text + lo->at, what, strlen(what)) == 0;
}

static void skip_line(struct locator *lo)
{
    while (lo->text[lo->at] && lo->text[lo->at] != '\n')
        step(lo);
}

static void skip_comment(struct locator *lo)
{
    while (lo->text[lo->at] && !ahead(lo, "*/"))
        step(lo);
    for (int i = 0; i < 2 && lo->text[lo->at]; i++)
        step(lo);
}

/* Blanks and comments. */
static void skip_space(struct locator *lo)
{
    for (;;) {
        char c = lo->text[lo->at];
        if (c == '#' || ahead(lo, "//"))
            skip_line(lo);
        else if (ahead(lo, "/*"))
            skip_comment(lo);
        else if (c && strchr(" \t\r\n\f\v", c))
            step(lo);
        else
            return;
    }
}

static bool is_hex(char c)
{
    return c && strchr("0123456789abcdefABCDEF", c);
}

static char hex_byte(const char *s)
{
    char digits[3] = {s[0], s[1], '\0'};
    return (char)strtoul(digits, NULL, 16);
}

/* Reads one byte of a string's value, as libconfig does; lo moves behind it. */
static char take_byte(struct locator *lo)
{
    static const char from[] = "nrtf\\\"", to[] = "\n\r\t\f\\\"";
    const char *s = lo->text + lo->at;
    const char *known = s[0] == '\\' && s[1] ? strchr(from, s[1]) : NULL;
    unsigned length = 1;
    char value = s[0];
    if (known) {
        value = to[known - from];
        length = 2;
    } else if (s[0] == '\\' && s[1] == 'x' && is_hex(s[2]) && is_hex(s[3])) {
        value = hex_byte(s + 2);
        length = 4;
    }
    for (unsigned i = 0; i < length; i++)
        step(lo);
    return value;
}

/* What walks along a string's value beside the file's text. */
struct track {
    const char *value;
    size_t offset, done;
    bool same;
    size_t at; /* in the text, of the byte at `offset` or the value's end */
    int line;
};

static void track_byte(struct track *tr, const struct locator *lo)
{
    if (tr->done <= tr->offset) {
        tr->at = lo->at;
        tr->line = lo->line;
    }
}

/* Walks one piece in quotes; lo stands behind its closing quote. */
static void walk_piece(struct locator *lo, struct track *tr)
{
    step(lo);
    while (lo->text[lo->at] && lo->text[lo->at] != '"') {
        track_byte(tr, lo);
        char c = take_byte(lo);
        tr->same = tr->same && tr->value[tr->done] == c && c;
        if (tr->same)
            tr->done++;
    }
    track_byte(tr, lo);
    if (lo->text[lo->at])
        step(lo);
}

/* Walks the pieces that libconfig joins into one value; true when it is the value. */
static bool walk_string(struct locator *lo, struct track *tr)
{
    while (lo->text[lo->at] == '"') {
        walk_piece(lo, tr);
        skip_space(lo);
    }
    return tr->same && !tr->value[tr->done];
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '*';
}

/* Moves to the next word; false at the end. Strings on the way are stepped over. */
static bool next_word(struct locator *lo)
{
    struct track none = {.value = ""};
    for (;;) {
        skip_space(lo);
        char c = lo->text[lo->at];
        if (!c)
            return false;
        if (is_word(c))
            return true;
        if (c == '"')
            walk_piece(lo, &none);
        else
            step(lo);
    }
}

/* Steps over a word, and says whether it is the key with a string behind it. */
static bool take_key(struct locator *lo, const char *key)
{
    size_t start = lo->at;
    while (is_word(lo->text[lo->at]))
        step(lo);
    bool same = lo->at - start == strlen(key) && memcmp(lo->text + start, key, lo->at - start) == 0;
    skip_space(lo);
    if (!same || (lo->text[lo->at] != '=' && lo->text[lo->at] != ':'))
        return false;
    step(lo);
    skip_space(lo);
    return lo->text[lo->at] == '"';
}

static int column(const char *text, size_t at)
{
    int col = 1;
    for (; at > 0 && text[at - 1] != '\n'; at--)
        col += (text[at - 1] & 0xc0) != 0x80; /* not inside a character of UTF-8 */
    return col;
}

bool locate(struct locator *lo, const char *key, const char *value, size_t offset, int *line, int *col)
{
    if (!lo->text)
        return false;
    if (lo->line == 0 || lo->line >= *line) {
        lo->at = 0;
        lo->line = 1;
    }
    while (next_word(lo)) {
        int key_line = lo->line;
        struct track tr = {.value = value, .offset = offset, .same = true};
        if (!take_key(lo, key) || key_line < *line || !walk_string(lo, &tr))
            continue;
        *line = tr.line;
        *col = column(lo->text, tr.at);
        return true;
    }
    return false;
}
