/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/http_internal.h"

/* RFC 9110 5.6.2 */
static const uint8_t token_byte[256] = {
    ['!'] = 1,         ['#' ... '\''] = 1, ['*'] = 1,         ['+'] = 1, ['-'] = 1, ['.'] = 1,
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1,  ['^' ... 'z'] = 1, ['|'] = 1, ['~'] = 1,
};

bool http_is_token(struct span s)
{
    unsigned all = s.len > 0;
    for (size_t i = 0; i < s.len; i++)
        all &= token_byte[s.data[i]];
    return all;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static bool same_n(const uint8_t *p, const char *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (lower(p[i]) != (uint8_t)want[i])
            return false;
    return true;
}

bool http_same(struct span s, const char *want)
{
    return s.len == strlen(want) && same_n(s.data, want, s.len);
}

struct span http_trim(struct span s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = span_of(s.data + 1, s.len - 1);
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

#define EACH(byte) (0x0101010101010101u * (byte))

/* Whether a byte of the eight is below 0x20 or 0x7f; now and then also where none is. */
static bool has_control(uint64_t v)
{
    uint64_t del = v ^ EACH(0x7fu);
    return ((((v - EACH(0x20u)) & ~v) | ((del - EACH(1u)) & ~del)) & EACH(0x80u)) != 0;
}

static uint64_t control_note(uint8_t c, uint64_t other)
{
    if (c == 0)
        return NOTE(HTTP_NUL);
    if (c == '\r')
        return NOTE(HTTP_BARE_CR);
    return (c < ' ' && c != '\t') || c == 0x7f ? other : 0;
}

static uint64_t notes_of_bytes(const uint8_t *p, size_t n, uint64_t other)
{
    uint64_t notes = 0;
    for (size_t i = 0; i < n; i++)
        notes |= control_note(p[i], other);
    return notes;
}

uint64_t http_controls(struct span s, uint64_t other)
{
    uint64_t notes = 0, v;
    if (s.len < 8)
        return notes_of_bytes(s.data, s.len, other);
    for (size_t i = 0; i < s.len; i += 8) {
        size_t at = i + 8 <= s.len ? i : s.len - 8;
        memcpy(&v, s.data + at, 8);
        if (has_control(v))
            notes |= notes_of_bytes(s.data + at, 8, other);
    }
    return notes;
}

static bool is_host_byte(uint8_t c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == '~' || c == '%';
}

static bool is_port(struct span s)
{
    unsigned port = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9' || i > 8)
            return false;
        port = port * 10 + s.data[i] - '0';
    }
    return port <= 65535;
}

/* RFC 3986 3.2.2: where the host ends. */
static size_t host_end(struct span s, bool *good)
{
    size_t i = 0;
    if (s.data[0] == '[') {
        for (i = 1; i < s.len && s.data[i] != ']'; i++)
            *good &= is_host_byte(s.data[i]) || s.data[i] == ':';
        *good &= i < s.len && i > 2;
        return i < s.len ? i + 1 : i;
    }
    for (; i < s.len && s.data[i] != ':'; i++)
        *good &= is_host_byte(s.data[i]);
    return i;
}

bool http_host_split(struct span s, struct span *host)
{
    bool good = s.len > 0;
    *host = s;
    if (!good)
        return false;
    size_t end = host_end(s, &good);
    *host = span_first(s, end);
    struct span rest = span_from(s, end);
    return good && end && (!rest.len || (rest.data[0] == ':' && is_port(span_from(rest, 1))));
}

enum known { OTHER, HOST, LENGTH, TRANSFER, TYPE, CODING, COOKIE, CONNECTION, UPGRADE };
enum { ONCE = 1, NO_TRAILER = 2 };

/* By length. */
static const struct {
    const char *name;
    uint8_t len, what, flags;
} known_headers[] = {
    {"te", 2, OTHER, NO_TRAILER},
    {"host", 4, HOST, NO_TRAILER},
    {"range", 5, OTHER, ONCE | NO_TRAILER},
    {"cookie", 6, COOKIE, NO_TRAILER},
    {"expect", 6, OTHER, NO_TRAILER},
    {"origin", 6, OTHER, ONCE | NO_TRAILER},
    {"upgrade", 7, UPGRADE, NO_TRAILER},
    {"referer", 7, OTHER, ONCE},
    {"trailer", 7, OTHER, NO_TRAILER},
    {"connection", 10, CONNECTION, NO_TRAILER},
    {"user-agent", 10, OTHER, ONCE},
    {"set-cookie", 10, OTHER, NO_TRAILER},
    {"content-type", 12, TYPE, ONCE | NO_TRAILER},
    {"authorization", 13, OTHER, ONCE | NO_TRAILER},
    {"content-range", 13, OTHER, ONCE | NO_TRAILER},
    {"content-length", 14, LENGTH, NO_TRAILER},
    {"x-forwarded-for", 15, OTHER, NO_TRAILER},
    {"content-encoding", 16, CODING, NO_TRAILER},
    {"x-forwarded-host", 16, OTHER, NO_TRAILER},
    {"transfer-encoding", 17, TRANSFER, NO_TRAILER},
    {"proxy-authorization", 19, OTHER, ONCE | NO_TRAILER},
};

/* Where the names of a length begin among them. */
static const uint8_t known_at[20] = {
    [3] = 1,   [4] = 1,   [5] = 2,   [6] = 3,   [7] = 6,   [8] = 9,   [9] = 9,   [10] = 9, [11] = 12,
    [12] = 12, [13] = 13, [14] = 15, [15] = 16, [16] = 17, [17] = 19, [18] = 20, [19] = 20};

static int find_known(struct span name)
{
    if (name.len >= sizeof known_at)
        return -1;
    for (unsigned i = known_at[name.len]; i < ARRAY_LEN(known_headers) && known_headers[i].len == name.len; i++)
        if (same_n(name.data, known_headers[i].name, name.len))
            return (int)i;
    return -1;
}

/* The next element of a comma-separated list, trimmed. */
static bool next_element(struct span *list, struct span *ret)
{
    if (!list->data)
        return false;
    const uint8_t *comma = list->len ? memchr(list->data, ',', list->len) : NULL;
    size_t n = comma ? (size_t)(comma - list->data) : list->len;
    *ret = http_trim(span_first(*list, n));
    *list = comma ? span_of(comma + 1, list->len - n - 1) : (struct span){0};
    return true;
}

#define LENGTH_MAX ((uint64_t)INT64_MAX)

/* A plain decimal number; else what a lenient reader makes of it, and false. */
static bool decimal(struct span s, uint64_t *ret)
{
    size_t i = s.len && s.data[0] == '+';
    bool good = s.len && !i;
    uint64_t v = 0;
    for (; i < s.len && s.data[i] >= '0' && s.data[i] <= '9'; i++) {
        unsigned digit = s.data[i] - '0';
        bool over = v > (LENGTH_MAX - digit) / 10;
        good &= !over;
        v = over ? LENGTH_MAX : v * 10 + digit;
    }
    *ret = v;
    return good && i == s.len;
}

/* RFC 9110 8.6 */
static void note_length(struct http_lines *l, struct span value)
{
    struct span one;
    while (next_element(&value, &one)) {
        uint64_t v;
        if (!decimal(one, &v))
            l->anomalies |= NOTE(HTTP_BAD_LENGTH);
        if (l->has_length) {
            l->anomalies |= NOTE(HTTP_TWO_LENGTHS);
            l->lengths_differ |= v != l->length;
            continue;
        }
        l->has_length = true;
        l->length = v;
    }
}

/* Without whatever lenient readers may take off. */
static struct span strip(struct span s)
{
    while (s.len && !token_byte[s.data[0]])
        s = span_of(s.data + 1, s.len - 1);
    while (s.len && !token_byte[s.data[s.len - 1]])
        s.len--;
    if (s.len > 1 && s.data[0] == '\'' && s.data[s.len - 1] == '\'')
        s = span_of(s.data + 1, s.len - 2);
    return s;
}

/* RFC 9112 6.1: chunked where the last coding looks like it. */
static void note_transfer(struct http_lines *l, struct span value)
{
    struct span one, last = {0};
    if (l->has_coding || value.len != 7 || memcmp(value.data, "chunked", 7) != 0)
        l->anomalies |= NOTE(HTTP_BAD_TRANSFER_CODING);
    l->has_coding = true;
    while (next_element(&value, &one)) {
        const uint8_t *semi = one.len ? memchr(one.data, ';', one.len) : NULL;
        one = strip(semi ? span_first(one, (size_t)(semi - one.data)) : one);
        if (one.len && !http_same(one, "identity"))
            last = one;
    }
    l->chunked |= http_same(last, "chunked");
}

static void note_coding(struct http_lines *l, struct span value)
{
    struct span one;
    while (next_element(&value, &one)) {
        if (!one.len || http_same(one, "identity"))
            continue;
        if (l->n_codings < CODINGS_MAX)
            l->codings[l->n_codings] = one;
        l->n_codings++;
    }
}

static void note_host(struct http_lines *l, struct span value)
{
    struct span host;
    if (l->host.data)
        l->anomalies |= NOTE(HTTP_TWO_HOSTS);
    else
        l->host = value;
    if (!http_host_split(value, &host))
        l->anomalies |= NOTE(HTTP_BAD_HOST);
}

static void note_connection(struct http_lines *l, struct span value)
{
    struct span one;
    while (next_element(&value, &one))
        l->connection_upgrade |= http_same(one, "upgrade");
}

static void note_known(struct http_lines *l, int i, struct span value)
{
    uint32_t bit = (uint32_t)1 << i;
    if (l->trailer) {
        if (known_headers[i].flags & NO_TRAILER)
            l->anomalies |= NOTE(HTTP_BAD_TRAILER);
        return;
    }
    if ((l->seen & bit) && (known_headers[i].flags & ONCE))
        l->anomalies |= NOTE(HTTP_REPEATED_HEADER);
    switch (known_headers[i].what) {
    case HOST:
        note_host(l, value);
        break;
    case LENGTH:
        note_length(l, value);
        break;
    case TRANSFER:
        note_transfer(l, value);
        break;
    case TYPE:
        if (!(l->seen & bit))
            l->content_type = value;
        break;
    case CODING:
        note_coding(l, value);
        break;
    case COOKIE:
        if (l->cookies && !content_cookies(l->arena, l->cookies, value, l->max_cookies))
            l->failed = true;
        break;
    case CONNECTION:
        note_connection(l, value);
        break;
    case UPGRADE:
        l->upgrade = true;
        break;
    default:
        break;
    }
    l->seen |= bit;
}

static void list_header(struct http_lines *l, struct span name, struct span value)
{
    if (++l->lines > l->max) {
        l->anomalies |= NOTE(HTTP_TOO_MANY_HEADERS);
        return;
    }
    struct http_list *list = l->list;
    if (!list)
        return;
    if (list->n < list->cap)
        list->at[list->n++] = (struct http_field){.name = name, .value = value};
    else if (!http_list_add(l->arena, list, name, value))
        l->failed = true;
}

/* The name of a line that is not NAME ":" VALUE, as far as it has one. */
static struct span odd_name(struct http_lines *l, struct span line, const uint8_t **colon)
{
    *colon = memchr(line.data, ':', line.len);
    struct span name = *colon ? span_first(line, (size_t)(*colon - line.data)) : line, bare = http_trim(name);
    if (*colon && bare.len && bare.data + bare.len != name.data + name.len)
        l->anomalies |= NOTE(HTTP_SPACE_BEFORE_COLON);
    if (!*colon || !bare.len)
        l->no_name = true;
    if (!*colon || !http_is_token(bare))
        l->anomalies |= NOTE(HTTP_BAD_HEADER);
    return bare;
}

/* RFC 9112 5: a header line without its line end. */
static void header(struct http_lines *l, struct span line)
{
    size_t n = 0;
    while (n < line.len && token_byte[line.data[n]])
        n++;
    const uint8_t *colon = line.data + n;
    struct span name = span_first(line, n), value = span_of(line.data, 0), known = name;
    if (!n || n == line.len || *colon != ':') {
        name = odd_name(l, line, &colon);
        known = strip(name);
    }
    if (colon)
        value = http_trim(span_of(colon + 1, (size_t)(line.data + line.len - colon) - 1));
    l->anomalies |= http_controls(line, NOTE(HTTP_BAD_HEADER));
    list_header(l, name, value);
    int i = colon ? find_known(known) : -1;
    if (i >= 0)
        note_known(l, i, value);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The end of the line at p, without its line end; *next is behind that. */
static uint8_t *line_at(struct http_lines *l, uint8_t *p, uint8_t *end, uint8_t **next)
{
    uint8_t *lf = memchr(p, '\n', (size_t)(end - p));
    *next = lf ? lf + 1 : end;
    if (!lf)
        return end;
    if (lf > p && lf[-1] == '\r')
        return lf - 1;
    l->anomalies |= NOTE(HTTP_BARE_LF);
    return lf;
}

void http_lines_read(struct http_lines *l, uint8_t *p, uint8_t *end)
{
    uint8_t *next;
    if (p < end && is_blank(*p)) /* a fold of nothing */
        l->anomalies |= NOTE(HTTP_FOLDED_HEADER) | NOTE(HTTP_BAD_HEADER);
    for (; p < end && !l->failed; p = next) {
        uint8_t *stop = line_at(l, p, end, &next);
        if (stop == p)
            return;
        while (next < end && is_blank(*next)) { /* RFC 9112 5.2: read as spaces */
            l->anomalies |= NOTE(HTTP_FOLDED_HEADER);
            memset(stop, ' ', (size_t)(next - stop));
            stop = line_at(l, next, end, &next);
        }
        header(l, span_of(p, (size_t)(stop - p)));
    }
}
