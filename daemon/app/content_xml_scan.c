/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/content_xml_scan.h"

#include <string.h>

static bool at(struct span in, size_t i, const char *text)
{
    size_t len = strlen(text);
    return in.len >= len && i <= in.len - len && !memcmp(in.data + i, text, len);
}

/* Behind the next `text`, or in.len. */
static size_t past(struct span in, size_t i, const char *text)
{
    size_t len = strlen(text);
    const uint8_t *hit = i < in.len ? memmem(in.data + i, in.len - i, text, len) : NULL;
    return hit ? (size_t)(hit - in.data) + len : in.len;
}

/* Behind the comment, processing instruction or quoted string at i; i itself where none is. */
static size_t past_opaque(struct span in, size_t i)
{
    if (at(in, i, "<!--"))
        return past(in, i + 4, "-->");
    if (at(in, i, "<?"))
        return past(in, i + 2, "?>");
    if (in.data[i] == '"' || in.data[i] == '\'')
        return past(in, i + 1, in.data[i] == '"' ? "\"" : "'");
    return i;
}

/* Where one of two bytes is outside of what is opaque, or in.len. */
static size_t find_outside(struct span in, size_t i, uint8_t one, uint8_t other)
{
    while (i < in.len && in.data[i] != one && in.data[i] != other) {
        size_t next = past_opaque(in, i);
        i = next > i ? next : i + 1;
    }
    return i;
}

size_t content_xml_subset(struct span in, size_t *behind)
{
    size_t i = at(in, 0, "\xef\xbb\xbf") ? 3 : 0;
    *behind = in.len;
    while (i < in.len && !at(in, i, "<!DOCTYPE")) {
        size_t next = content_is_space(in.data[i]) ? i + 1 : past_opaque(in, i);
        if (next == i)
            return in.len;
        i = next;
    }
    size_t open = find_outside(in, i, '[', '>');
    if (open >= in.len || in.data[open] == '>')
        return in.len;
    size_t close = find_outside(in, open + 1, ']', ']');
    *behind = close < in.len ? close + 1 : in.len;
    return open;
}

/* Whether the "=" at i stands before a quoted value; NULs are those of UTF-16. */
static bool is_assignment(struct span in, size_t i)
{
    size_t next = i + 1;
    while (next < in.len && (content_is_space(in.data[next]) || !in.data[next]))
        next++;
    return next < in.len && (in.data[next] == '"' || in.data[next] == '\'');
}

size_t content_xml_crowded(struct span in, uint32_t max)
{
    size_t tag = 0;
    uint32_t count = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (in.data[i] == '<') { /* no value can hold one */
            tag = i;
            count = 0;
        } else if (in.data[i] == '=' && is_assignment(in, i) && count++ >= max) {
            return tag;
        }
    }
    return in.len;
}
