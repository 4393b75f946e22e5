/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <strings.h>

#include "seclang/multipart_internal.h"

/* Without line ends behind it; what is nothing else stays. */
static struct span chomp(struct span s)
{
    size_t n = s.len;
    while (n && (s.data[n - 1] == '\n' || s.data[n - 1] == '\r'))
        n--;
    return n ? span_first(s, n) : s;
}

static struct span value_of(const struct part_header *h)
{
    return h->folded.len ? span_of(h->folded.at, h->folded.len) : h->value;
}

/*
 * The header before this line is over: it goes to the part headers as it was
 * sent, or put together. Version 3.0.9 leaves CR LF behind it, which makes rules
 * with $ (922110) refuse what they are to let pass.
 */
static void finish_header(struct multipart *m)
{
    struct part *p = &m->part;
    struct span line = chomp(p->line);
    if (!p->pending)
        return;
    p->pending = false;
    const struct part_header *h = &p->headers[p->last - 1];
    if (h->folded.len) {
        struct sec_bytes text = {0};
        if (!sec_bytes_add(m->v, &text, h->name.data, h->name.len) || !sec_bytes_add(m->v, &text, ": ", 2) ||
            !sec_bytes_add(m->v, &text, h->folded.at, h->folded.len))
            return;
        line = span_of(text.at, text.len);
    }
    (void)sec_list_add(m->v, &m->v->body.part_headers, (struct span){0}, line);
}

static const struct part_header *find(const struct part *p, struct span name)
{
    for (uint32_t i = 0; i < p->n_headers; i++)
        if (p->headers[i].name.len == name.len &&
            !strncasecmp((const char *)p->headers[i].name.data, (const char *)name.data, name.len))
            return &p->headers[i];
    return NULL;
}

static bool has_filename(struct span disposition)
{
    return memmem(disposition.data, disposition.len, "filename=", 9);
}

/* A part whose Content-Disposition is wrong stays in its headers: each empty line looks at it again. */
static void end_of_headers(struct multipart *m)
{
    struct part *p = &m->part;
    finish_header(m);
    const struct part_header *h = find(p, sec_text_span("Content-Disposition"));
    if (!h) {
        multipart_error(m, "Multipart: Part missing Content-Disposition header.", (struct span){0});
        return;
    }
    struct span value = value_of(h);
    if (value.len > m->disposition_budget)
        return;
    m->disposition_budget -= value.len;
    int rc = multipart_disposition(m, value);
    if (rc < 0) {
        struct span text = sec_print(m->v, "Multipart: Invalid Content-Disposition header (%d): ", rc);
        multipart_error(m, (const char *)text.data, value);
        return;
    }
    if (!p->name.len) {
        multipart_error(m, "Multipart: Content-Disposition header missing name field.", (struct span){0});
        return;
    }
    if (p->filename.len && !has_filename(value)) {
        multipart_error(m, "Multipart: Invalid Content-Disposition header (filename).", (struct span){0});
        return;
    }
    p->file = p->filename.len;
    p->in_data = true;
    p->has_data = false;
    p->last = 0;
}

static void fold(struct multipart *m, struct span line)
{
    struct part *p = &m->part;
    size_t from = 0;
    m->header_folding = true;
    m->invalid_header_folding |= !(line.data[0] == ' ' || line.data[0] == '\t');
    if (!p->last) {
        multipart_error(m, "Multipart: Invalid part header (folding error).", (struct span){0});
        return;
    }
    for (; from < line.len && sec_is_space(line.data[from]); from++)
        m->invalid_header_folding |= line.data[from] != ' ' && line.data[from] != '\t';
    struct part_header *h = &p->headers[p->last - 1];
    struct span more = chomp(span_from(line, from));
    if (!h->folded.len && !sec_bytes_add(m->v, &h->folded, h->value.data, h->value.len))
        return;
    if (!sec_bytes_add(m->v, &h->folded, " ", 1) || !sec_bytes_add(m->v, &h->folded, more.data, more.len))
        return;
    if (h->folded.len > MULTIPART_PIECE)
        multipart_error(m, "Multipart: Part header too long.", (struct span){0});
    else
        p->pending = true;
}

static void new_header(struct multipart *m, struct span line)
{
    struct part *p = &m->part;
    finish_header(m);
    const uint8_t *colon = memchr(line.data, ':', line.len);
    if (!colon) {
        multipart_error(m, "Multipart: Invalid part header (colon missing): ", line);
        return;
    }
    struct span name = span_first(line, (size_t)(colon - line.data));
    if (!name.len) {
        multipart_error(m, "Multipart: Invalid part header (header name missing).", (struct span){0});
        return;
    }
    if (find(p, name))
        return;
    if (p->n_headers == MULTIPART_HEADERS) {
        multipart_error(m, "Multipart: Too many part headers.", (struct span){0});
        return;
    }
    size_t from = name.len + 1;
    while (from < line.len && (line.data[from] == ' ' || line.data[from] == '\t'))
        from++;
    p->headers[p->n_headers++] = (struct part_header){.name = name, .value = chomp(span_from(line, from))};
    p->last = p->n_headers;
    p->line = line;
    p->pending = true;
}

void multipart_header(struct multipart *m, struct span line)
{
    if (memchr(line.data, 0, line.len)) {
        multipart_error(m, "Multipart: Nul byte in part headers.", (struct span){0});
        return;
    }
    m->length += line.len;
    bool crlf = line.len > 1 && line.data[line.len - 2] == '\r';
    m->crlf_line |= crlf;
    m->lf_line |= !crlf;
    if (line.len == 1u + crlf && line.data[0] == (crlf ? '\r' : '\n'))
        end_of_headers(m);
    else if (sec_is_space(line.data[0]))
        fold(m, line);
    else
        new_header(m, line);
}
