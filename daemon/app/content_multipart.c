/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "app/content_params.h"

#define BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */

struct multipart {
    struct content_sink *s;
    uint8_t mark[2 + BOUNDARY_MAX]; /* "--" and the boundary */
    size_t mark_len;
    bool cut;
};

/* What a part's headers say. */
struct part {
    struct span name, filename;
    unsigned names, filenames, dispositions, encodings;
};

/* A line that begins with the mark. */
struct delimiter {
    size_t at, next; /* its first byte; where what follows it begins */
    size_t before;   /* where the line end before it begins: that belongs to it */
    bool last;
};

static void note_bad(struct multipart *m)
{
    content_note(m->s, HTTP_BAD_MULTIPART);
}

static bool is_boundary_char(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c && strchr("'()+_,-./:=? ", c);
}

/* False where there is none that can be used. */
static bool set_boundary(struct multipart *m, struct span content_type)
{
    struct span rest, value = {.data = NULL}, seen = {.data = NULL};
    struct content_param p;
    content_first_word(content_type, &rest);
    for (unsigned n = 0; content_next_param(&rest, &p);) {
        if (!content_is(p.name, "boundary"))
            continue;
        if (p.bad || n++)
            note_bad(m);
        if (!seen.data)
            seen = p.value;
    }
    if (!content_unquote(m->s, seen, &value) || !value.len || value.len > BOUNDARY_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (!is_boundary_char(value.data[i]))
            note_bad(m);
    if (value.data[value.len - 1] == ' ')
        note_bad(m);
    memcpy(m->mark, "--", 2);
    memcpy(m->mark + 2, value.data, value.len);
    m->mark_len = 2 + value.len;
    return true;
}

/* Reads what stands behind a mark: nothing, or "--", then blanks and the line end. */
static bool read_delimiter(struct multipart *m, struct span in, struct delimiter *d)
{
    size_t i = d->at + m->mark_len;
    d->last = in.len - i >= 2 && in.data[i] == '-' && in.data[i + 1] == '-';
    i += d->last ? 2 : 0;
    while (i < in.len && (in.data[i] == ' ' || in.data[i] == '\t'))
        i++;
    if (i == in.len) {
        if (!d->last && !m->cut)
            note_bad(m);
        d->next = i;
        return true;
    }
    bool crlf = in.len - i >= 2 && in.data[i] == '\r' && in.data[i + 1] == '\n';
    bool cr_cut = in.len - i == 1 && in.data[i] == '\r' && m->cut;
    if (!crlf && !cr_cut) {
        note_bad(m);
        if (in.data[i] != '\n' && !d->last)
            return false; /* the boundary is only how this line begins */
    }
    d->next = crlf ? i + 2 : i + 1;
    return true;
}

/* The next delimiter at or behind `from`, where a line begins; false when there is none. */
static bool find_delimiter(struct multipart *m, struct span in, size_t from, struct delimiter *d)
{
    for (size_t at = from; at < in.len; at++) {
        const uint8_t *hit = memmem(in.data + at, in.len - at, m->mark, m->mark_len);
        if (!hit)
            return false;
        at = (size_t)(hit - in.data);
        if (at > from && in.data[at - 1] != '\n')
            continue;
        d->at = d->before = at;
        if (at > from) {
            bool crlf = at - from >= 2 && in.data[at - 2] == '\r';
            d->before = at - 1 - crlf;
            if (!crlf)
                note_bad(m);
        }
        if (read_delimiter(m, in, d))
            return true;
    }
    return false;
}

static bool is_token(struct span v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t c = v.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
            return false;
    }
    return v.len > 0;
}

static void set_name(struct multipart *m, struct part *p, const struct content_param *param)
{
    struct span v;
    if (!content_unquote(m->s, param->value, &v))
        return;
    if (!param->quoted || p->names++)
        note_bad(m);
    if (!p->name.data)
        p->name = v;
}

/* Two that a server might choose from are both put, the later ones with an anomaly. */
static void set_filename(struct multipart *m, struct part *p, const struct content_param *param, bool extended)
{
    struct span v;
    bool bad = !extended && !param->quoted;
    bool ok = extended ? content_ext_value(m->s, param->value, &v, &bad) : content_unquote(m->s, param->value, &v);
    if (!ok)
        return;
    if (bad || p->filenames)
        note_bad(m);
    if (p->filenames++ && !content_put(m->s, m->s->files, p->name, p->filename))
        return;
    p->filename = v;
}

static void read_disposition(struct multipart *m, struct part *p, struct span value)
{
    struct span rest;
    struct content_param param;
    if (p->dispositions++ || !content_is(content_first_word(value, &rest), "form-data"))
        note_bad(m);
    while (!m->s->failed && content_next_param(&rest, &param)) {
        if (param.bad)
            note_bad(m);
        if (content_is(param.name, "name"))
            set_name(m, p, &param);
        else if (content_is(param.name, "filename"))
            set_filename(m, p, &param, false);
        else if (content_is(param.name, "filename*"))
            set_filename(m, p, &param, true);
        else if (content_is(param.name, "name*"))
            note_bad(m);
    }
}

static void read_header(struct multipart *m, struct part *p, struct span line)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    if (!colon) {
        note_bad(m);
        return;
    }
    struct span name = span_first(line, (size_t)(colon - line.data));
    struct span value = content_trim(span_from(line, name.len + 1));
    if (!is_token(name) || (value.len && memchr(value.data, 0, value.len)))
        note_bad(m);
    name = content_trim(name);
    if (!content_put(m->s, m->s->part_headers, name, value))
        return;
    if (content_is(name, "content-disposition"))
        read_disposition(m, p, value);
    if (!content_is(name, "content-transfer-encoding"))
        return;
    if (p->encodings++ || !(content_is(value, "7bit") || content_is(value, "8bit") || content_is(value, "binary")))
        note_bad(m);
}

/* The length of the line that `in` begins with, folded ones together; *next is where the one behind it begins. */
static size_t line_length(struct multipart *m, struct span in, size_t *next)
{
    for (size_t from = 0;;) {
        const uint8_t *lf = from < in.len ? memchr(in.data + from, '\n', in.len - from) : NULL;
        if (!lf) {
            *next = in.len;
            return in.len;
        }
        size_t end = (size_t)(lf - in.data);
        bool crlf = end && in.data[end - 1] == '\r';
        if (!crlf)
            note_bad(m);
        *next = end + 1;
        bool empty = end - crlf == 0;
        if (empty || *next >= in.len || (in.data[*next] != ' ' && in.data[*next] != '\t'))
            return end - crlf;
        note_bad(m);
        from = *next;
    }
}

/* Reads the headers; what is left of *in is the body. */
static void read_headers(struct multipart *m, struct part *p, struct span *in, bool at_cut)
{
    bool blank = false;
    while (in->len && !blank && !m->s->failed) {
        size_t next, len = line_length(m, *in, &next);
        struct span line = span_first(*in, len);
        *in = span_from(*in, next);
        blank = !len;
        /* The line at which the body was cut may lack anything. */
        if (!blank && !(at_cut && !in->len))
            read_header(m, p, line);
    }
    if (!at_cut && (!blank || !p->dispositions))
        note_bad(m);
}

static bool read_part(struct multipart *m, struct span in, bool at_cut)
{
    struct part p = {.names = 0};
    read_headers(m, &p, &in, at_cut);
    if (m->s->failed)
        return false;
    if (!p.names && p.dispositions)
        note_bad(m);
    if (p.filenames)
        return content_put(m->s, m->s->files, p.name, p.filename);
    if (at_cut && !p.dispositions)
        return true;
    return content_put(m->s, m->s->args, p.name, in);
}

static bool is_line_end(struct span v)
{
    return !v.len || (v.len == 2 && v.data[0] == '\r' && v.data[1] == '\n');
}

void content_multipart(struct content_sink *s, struct span content_type, struct span in, bool cut)
{
    struct multipart m = {.s = s, .cut = cut};
    struct delimiter d, next;
    if (!set_boundary(&m, content_type) || !find_delimiter(&m, in, 0, &d)) {
        note_bad(&m);
        return;
    }
    if (d.at)
        note_bad(&m);
    while (!d.last) {
        bool found = find_delimiter(&m, in, d.next, &next);
        size_t end = found ? next.before : in.len;
        if (!found && !cut)
            note_bad(&m);
        bool has_part = found || d.next < in.len || !cut;
        if (has_part && !read_part(&m, span_of(in.data + d.next, end - d.next), !found && cut))
            return;
        if (!found)
            return;
        d = next;
    }
    if (!is_line_end(span_from(in, d.next)))
        note_bad(&m);
}
