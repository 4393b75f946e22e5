/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators' arguments: words, addresses, byte ranges, and files of them. */
#include <errno.h>

#include "seclang/operators_internal.h"

/* Words as they are read. */
struct list {
    struct span *at;
    size_t n, cap;
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool out_of_memory(char *why, size_t size)
{
    snprintf(why, size, "out of memory");
    return false;
}

static bool add_word(struct sec_operator *o, struct list *l, const char *text, size_t len)
{
    char *copy = arena_copy(&o->arena, text, len);
    if (!copy || !vec_room(&l->at, l->n, 1, &l->cap, sizeof *l->at))
        return false;
    l->at[l->n++] = span_of(copy, len);
    return true;
}

static unsigned hex_value(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* The bytes between two bars, "41 42"; -1 where they are no pairs of digits. */
static long read_bytes(const char *from, const char *to, char *out)
{
    long n = 0;
    for (const char *p = from; p < to; p++) {
        if (*p == ' ')
            continue;
        if (to - p < 2 || !is_hex(p[0]) || !is_hex(p[1]))
            return -1;
        out[n++] = (char)(hex_value(p[0]) << 4 | hex_value(p[1]));
        p++;
    }
    return n;
}

/*
 * Takes |41 42|, \: \; \" and \\ out of pm's argument, in place; false where
 * something is no such escape: then all of it is taken as it is.
 */
static bool unescape(char *text, size_t *len)
{
    size_t n = 0;
    for (size_t i = 0; i < *len; i++) {
        if (text[i] == '|') {
            const char *end = memchr(text + i + 1, '|', *len - i - 1);
            long made = end ? read_bytes(text + i + 1, end, text + n) : -1;
            if (made < 0)
                return false;
            n += (size_t)made;
            i = (size_t)(end - text);
            continue;
        }
        if (text[i] == '\\' && (++i == *len || !memchr(":;\"\\", text[i], 4)))
            return false;
        text[n++] = text[i];
    }
    *len = n;
    return true;
}

/* The quotation marks around all of it. */
static struct span unquote(struct span s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = span_from(s, 1);
    if (s.len > 2 && s.data[0] == '"' && s.data[s.len - 1] == '"')
        return span_first(span_from(s, 1), s.len - 2);
    return s;
}

static bool split_words(struct sec_operator *o, struct list *l, const char *text, size_t len)
{
    for (size_t from = 0, to; from < len; from = to + 1) {
        for (to = from; to < len && !is_blank(text[to]);)
            to++;
        if (to > from && !add_word(o, l, text + from, to - from))
            return false;
    }
    return true;
}

bool sec_load_words(struct sec_operator *o, char *why, size_t size)
{
    AUTO_FREE struct span *held = NULL;
    struct list l = {0};
    struct span inner = unquote(o->argument);
    size_t len = inner.len;
    char *text = arena_copy(&o->arena, inner.data, inner.len);
    if (!text)
        return out_of_memory(why, size);
    bool plain = !unescape(text, &len);
    bool good = split_words(o, &l, plain ? (const char *)o->argument.data : text, plain ? o->argument.len : len);
    held = l.at;
    if (good)
        o->words = words_new(l.at, l.n);
    return o->words || out_of_memory(why, size);
}

/* Opens the file that the argument names, beside the rule's own. */
static FILE *open_file(const struct sec_operator *o, const char *folder, char *why, size_t size)
{
    const char *name = (const char *)o->argument.data;
    AUTO_FREE char *path = NULL;
    if (!strncmp(name, "https://", 8)) {
        snprintf(why, size, "\"%.80s\": lists are not fetched, expected a file", name);
        return NULL;
    }
    if (asprintf(&path, "%s%s%s", *name == '/' || !folder ? "" : folder, *name == '/' || !folder ? "" : "/", name) <
        0) {
        path = NULL;
        out_of_memory(why, size);
        return NULL;
    }
    FILE *f = fopen(path, "re");
    if (!f)
        snprintf(why, size, "cannot read \"%.200s\": %s", path, strerror(errno));
    return f;
}

/* Nothing, or blanks and then #. A line of blanks alone is a word. */
static bool is_comment(const char *line, size_t len)
{
    size_t i = 0;
    while (i < len && is_blank(line[i]))
        i++;
    return !len || (i < len && line[i] == '#');
}

/* A line without its end. */
static size_t line_length(const char *line, ssize_t len)
{
    size_t n = (size_t)len;
    n -= n && line[n - 1] == '\n';
    return n - (n && line[n - 1] == '\r');
}

static bool read_failed(FILE *f, const struct sec_operator *o, char *why, size_t size)
{
    if (feof(f))
        return false;
    snprintf(why, size, "cannot read \"%.200s\": %s", (const char *)o->argument.data, strerror(errno));
    return true;
}

bool sec_load_word_file(struct sec_operator *o, const char *folder, char *why, size_t size)
{
    AUTO_FCLOSE FILE *f = open_file(o, folder, why, size);
    AUTO_FREE char *line = NULL;
    AUTO_FREE struct span *held = NULL;
    struct list l = {0};
    size_t cap = 0;
    bool good = true;
    if (!f)
        return false;
    errno = 0;
    for (ssize_t len; good && (len = getline(&line, &cap, f)) >= 0;) {
        size_t n = line_length(line, len);
        good = is_comment(line, n) || add_word(o, &l, line, n);
    }
    held = l.at;
    if (good && read_failed(f, o, why, size))
        return false;
    if (good)
        o->words = words_new(l.at, l.n);
    return o->words || out_of_memory(why, size);
}

/* Host bits may be set: the network is meant. */
static bool add_address(struct sec_operator *o, const char *text, char *why, size_t size)
{
    struct ip_net net;
    int r = ip_net_parse(text, &net);
    if (r && r != -EDOM) {
        snprintf(why, size, "\"%.60s\" is no address, expected an IPv4 or IPv6 address or network", text);
        return false;
    }
    return !set_add_net(&o->addresses, &net) || out_of_memory(why, size);
}

/* Addresses between commas; blanks around them do not count. Empty ones are passed over. */
static bool add_addresses(struct sec_operator *o, char *text, char *why, size_t size)
{
    char *rest = text;
    for (char *entry; (entry = strsep(&rest, ","));) {
        while (is_blank(*entry))
            entry++;
        size_t n = strlen(entry);
        while (n && is_blank(entry[n - 1]))
            entry[--n] = '\0';
        if (n && !add_address(o, entry, why, size))
            return false;
    }
    return true;
}

bool sec_load_addresses(struct sec_operator *o, char *why, size_t size)
{
    char *text = arena_copy(&o->arena, o->argument.data, o->argument.len);
    if (!text)
        return out_of_memory(why, size);
    return add_addresses(o, text, why, size) && (!set_seal(&o->addresses) || out_of_memory(why, size));
}

bool sec_load_address_file(struct sec_operator *o, const char *folder, char *why, size_t size)
{
    AUTO_FCLOSE FILE *f = open_file(o, folder, why, size);
    AUTO_FREE char *line = NULL;
    char reason[160];
    size_t cap = 0;
    if (!f)
        return false;
    errno = 0;
    for (int number = 1; getline(&line, &cap, f) >= 0; number++) {
        line[strcspn(line, "#\n")] = '\0';
        if (!add_addresses(o, line, reason, sizeof reason)) {
            snprintf(why, size, "%.200s, line %d: %s", (const char *)o->argument.data, number, reason);
            return false;
        }
    }
    if (read_failed(f, o, why, size))
        return false;
    return !set_seal(&o->addresses) || out_of_memory(why, size);
}

/* Reads 0 to 255 with the blanks around it; -1 when it is none. */
static int read_byte(const char **at)
{
    const char *p = *at;
    int v = 0;
    while (is_blank(*p))
        p++;
    if (*p < '0' || *p > '9')
        return -1;
    for (; *p >= '0' && *p <= '9' && v < 256; p++)
        v = v * 10 + (*p - '0');
    while (is_blank(*p))
        p++;
    *at = p;
    return v < 256 ? v : -1;
}

static bool add_range(struct sec_operator *o, const char **at)
{
    int first = read_byte(at), last = first;
    if (first >= 0 && **at == '-') {
        ++*at;
        last = read_byte(at);
    }
    if (first < 0 || last < first)
        return false;
    for (int c = first; c <= last; c++)
        o->bytes[c / 64] |= UINT64_C(1) << (c % 64);
    return **at == ',' || !**at;
}

/* A class of the bytes that are not allowed. */
static bool make_gate(struct sec_operator *o)
{
    char *to = arena_alloc(&o->arena, 4 * 256 + 4);
    size_t n = 0;
    if (!to)
        return false;
    for (unsigned c = 0; c < 256; c++)
        if (!(o->bytes[c / 64] >> (c % 64) & 1))
            n += (size_t)sprintf(to + n, "%s\\x%02x", n ? "" : "[", c);
    if (n)
        to[n++] = ']';
    o->gate = span_of(to, n);
    return true;
}

bool sec_load_byte_range(struct sec_operator *o, char *why, size_t size)
{
    const char *at = (const char *)o->argument.data;
    do {
        const char *from = at;
        if (!add_range(o, &at)) {
            snprintf(why, size, "bad byte range at \"%.40s\", expected bytes and ranges such as \"10,13,32-126\"",
                     from);
            return false;
        }
    } while (*at++ == ',');
    return make_gate(o) || out_of_memory(why, size);
}
