/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "show.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#define DEPTH_MAX 100

/* The first byte of a control character of two bytes in UTF-8, U+0080 to U+009F. */
static bool is_c1(const char *at)
{
    return (unsigned char)at[0] == 0xc2 && (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xa0;
}

/* A string's text; in one line unless newlines are its own. */
static void put_text(FILE *out, const char *text, bool newlines)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (is_c1(text))
            fprintf(out, "\\x%02x\\x%02x", c, (unsigned char)*++text);
        else if (c == '\n' && newlines)
            putc(c, out);
        else if (c < 0x20 || c == 0x7f || (c == '\\' && !newlines))
            fprintf(out, "\\x%02x", c);
        else
            putc(c, out);
    }
}

/* JSON as it came; the control characters that it may hold unescaped become escapes of its own. */
static void put_json(const char *at, size_t len)
{
    for (const char *end = at + len; at < end; at++) {
        unsigned char c = (unsigned char)*at;
        if (is_c1(at))
            printf("\\u%04x", (unsigned char)*++at);
        else if (c == 0x7f)
            printf("\\u%04x", c);
        else if (c >= 0x20 || c == '\n')
            putchar(c);
    }
}

static yajl_val member(yajl_val v, const char *name, yajl_type type)
{
    return yajl_tree_get(v, (const char *[]){name, NULL}, type);
}

static void put_scalar(yajl_val v)
{
    if (YAJL_IS_STRING(v))
        put_text(stdout, YAJL_GET_STRING(v), false);
    else if (YAJL_IS_NUMBER(v))
        fputs(YAJL_GET_NUMBER(v), stdout);
    else
        fputs(YAJL_IS_TRUE(v) ? "yes" : YAJL_IS_FALSE(v) ? "no" : "-", stdout);
}

static bool is_scalar(yajl_val v)
{
    return !YAJL_IS_OBJECT(v) && !YAJL_IS_ARRAY(v);
}

static void put_tree(yajl_val v, int depth);

static void put_member(const char *name, yajl_val v, int depth, int width)
{
    printf("%*s", depth * 2, "");
    put_text(stdout, name, false);
    if (is_scalar(v)) {
        printf("%*s", width > (int)strlen(name) ? width - (int)strlen(name) : 1, "");
        put_scalar(v);
    }
    putchar('\n');
    if (!is_scalar(v))
        put_tree(v, depth + 1);
}

/* How far the longest name of a scalar reaches, and two blanks. */
static int width_of(yajl_val object)
{
    size_t width = 0;
    for (size_t i = 0; i < YAJL_GET_OBJECT(object)->len; i++) {
        size_t len = strlen(YAJL_GET_OBJECT(object)->keys[i]);
        if (is_scalar(YAJL_GET_OBJECT(object)->values[i]) && len > width && len < 40)
            width = len;
    }
    return (int)width + 2;
}

/* The members of an object, or the elements of an array, each object of it behind a dash. */
static void put_tree(yajl_val v, int depth)
{
    if (YAJL_IS_OBJECT(v)) {
        int width = width_of(v);
        for (size_t i = 0; i < YAJL_GET_OBJECT(v)->len; i++)
            put_member(YAJL_GET_OBJECT(v)->keys[i], YAJL_GET_OBJECT(v)->values[i], depth, width);
        return;
    }
    for (size_t i = 0; YAJL_IS_ARRAY(v) && i < YAJL_GET_ARRAY(v)->len; i++) {
        yajl_val e = YAJL_GET_ARRAY(v)->values[i];
        printf("%*s-", depth * 2, "");
        if (is_scalar(e)) {
            putchar(' ');
            put_scalar(e);
        }
        putchar('\n');
        if (!is_scalar(e))
            put_tree(e, depth + 1);
    }
}

/* The two greatest units: "6d23h", "9m59s", "5s". */
static void format_seconds(long long s, char *buf, size_t size)
{
    if (s >= 86400)
        snprintf(buf, size, "%lldd%lldh", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        snprintf(buf, size, "%lldh%lldm", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        snprintf(buf, size, "%lldm%llds", s / 60, s % 60);
    else
        snprintf(buf, size, "%llds", s > 0 ? s : 0);
}

static void put_ban(yajl_val ban)
{
    char left[64];
    yajl_val address = member(ban, "address", yajl_t_string), seconds = member(ban, "seconds", yajl_t_number),
             reason = member(ban, "reason", yajl_t_string);
    const char *text = address ? YAJL_GET_STRING(address) : "-";
    format_seconds(YAJL_IS_INTEGER(seconds) ? YAJL_GET_INTEGER(seconds) : 0, left, sizeof left);
    put_text(stdout, text, false);
    printf("%*s  %-8s  ", strlen(text) < 39 ? 39 - (int)strlen(text) : 0, "", left);
    put_text(stdout, reason ? YAJL_GET_STRING(reason) : "-", false);
    putchar('\n');
}

static bool put_bans(yajl_val answer)
{
    yajl_val bans = member(answer, "bans", yajl_t_array), total = member(answer, "total", yajl_t_number);
    if (!bans)
        return false;
    size_t n = YAJL_GET_ARRAY(bans)->len;
    if (n)
        printf("%-39s  %-8s  %s\n", "ADDRESS", "ENDS IN", "REASON");
    for (size_t i = 0; i < n; i++)
        put_ban(YAJL_GET_ARRAY(bans)->values[i]);
    if (YAJL_IS_TRUE(member(answer, "cut", yajl_t_true)))
        printf("%zu of %s\n", n, total ? YAJL_GET_NUMBER(total) : "more");
    return true;
}

/* The answer's first string. */
static bool put_string(yajl_val answer)
{
    for (size_t i = 0; YAJL_IS_OBJECT(answer) && i < YAJL_GET_OBJECT(answer)->len; i++) {
        const char *text = YAJL_GET_STRING(YAJL_GET_OBJECT(answer)->values[i]);
        if (!text)
            continue;
        put_text(stdout, text, true);
        if (*text && text[strlen(text) - 1] != '\n')
            putchar('\n');
        return true;
    }
    return false;
}

static bool put_answer(yajl_val answer, const char *text, size_t len, enum show how)
{
    switch (how) {
    case SHOW_JSON:
        put_json(text, len);
        return true;
    case SHOW_TREE:
        put_tree(answer, 0);
        return true;
    case SHOW_BANS:
        return put_bans(answer);
    case SHOW_TEXT:
        return put_string(answer);
    default:
        return true;
    }
}

static bool complain(const char *what)
{
    fputs("sluicectl: ", stderr);
    put_text(stderr, what, false);
    fputs("\n", stderr);
    return false;
}

/* Deeper than any answer is: reading it would use up our stack. */
static bool too_deep(const char *at)
{
    int depth = 0;
    for (bool string = false; *at; at++) {
        if (*at == '"')
            string = !string;
        else if (string && *at == '\\' && at[1])
            at++;
        else if (!string && (*at == '{' || *at == '['))
            depth++;
        else if (!string && (*at == '}' || *at == ']'))
            depth--;
        if (depth > DEPTH_MAX)
            return true;
    }
    return false;
}

bool show_answer(const char *answer, size_t len, enum show how)
{
    char why[256] = "";
    /* A NUL would end the text for the one reader and not for the other. */
    yajl_val v = strlen(answer) == len && !too_deep(answer) ? yajl_tree_parse(answer, why, sizeof why) : NULL;
    if (!YAJL_IS_OBJECT(v)) {
        yajl_tree_free(v);
        return complain(len ? "the answer of sluiced is no JSON object" : "no answer from sluiced");
    }
    yajl_val error = member(v, "error", yajl_t_string);
    bool failed = error || member(v, "ok", yajl_t_false);
    bool shown = true;
    if (error && how != SHOW_JSON)
        complain(YAJL_GET_STRING(error));
    else
        shown = put_answer(v, answer, len, how);
    yajl_tree_free(v);
    return shown ? !failed : complain("the answer of sluiced is not what was asked for; is it of another version?");
}
