/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/multipart_internal.h"

/* Bytes of bad Content-Disposition headers that are read in all. */
#define DISPOSITION_BUDGET ((size_t)256 * 1024)

/* A line, or as much of a long one as is looked at together. */
struct piece {
    struct span s;
    bool starts_line, whole; /* whole: it has its line end, and is shorter than a piece may be */
};

/* False where what is left is neither a line nor long enough. A CR is not parted from its LF. */
static bool next_piece(struct span *rest, struct piece *ret)
{
    struct span head = span_first(*rest, MULTIPART_PIECE);
    const uint8_t *lf = head.len ? memchr(head.data, '\n', head.len) : NULL;
    size_t n = lf ? (size_t)(lf - head.data) + 1 : head.len;
    if (!lf && n < MULTIPART_PIECE)
        return false;
    if (!lf && head.data[n - 1] == '\r')
        n--;
    ret->s = span_first(head, n);
    ret->whole = lf && n < MULTIPART_PIECE;
    *rest = span_from(*rest, n);
    return true;
}

static bool begins_with(struct span s, struct span with)
{
    return s.len >= with.len && !memcmp(s.data, with.data, with.len);
}

static void put_part(struct multipart *m)
{
    struct sec_vars *v = m->v;
    struct sec_body *b = &v->body;
    struct part *p = &m->part;
    for (uint32_t i = p->first_line; i < b->part_headers.n; i++)
        b->part_headers.at[i].name = p->name;
    if (!p->name.len) {
        m->invalid_part = true;
    } else if (p->file) {
        m->files_size += p->size;
        (void)sec_list_add(v, &b->files, p->name, p->filename);
        (void)sec_list_add(v, &b->files_names, p->name, p->name);
        (void)sec_list_add(v, &b->files_sizes, p->name, sec_print(v, "%llu", (unsigned long long)p->size));
        (void)sec_list_add(v, &b->files_contents, p->name, (struct span){0});
    } else {
        (void)sec_list_add(v, &v->args, p->name, p->text.len ? span_of(p->text.at, p->text.len) : p->data);
    }
}

static void end_part(struct multipart *m, bool last)
{
    if (m->in_part)
        put_part(m);
    m->in_part = !last;
    struct part *p = &m->part;
    p->in_data = p->has_data = p->file = p->pending = false;
    p->name = p->filename = p->data = (struct span){0};
    p->n_headers = p->last = 0;
    p->text = (struct sec_bytes){0};
    p->size = 0;
    p->held_back = 0;
    p->first_line = m->v->body.part_headers.n;
}

/* What follows the boundary in its line. False where it is neither a line end nor "--" with one. */
static bool take_boundary(struct multipart *m, struct span end)
{
    bool last = begins_with(end, sec_text_span("--"));
    if (last)
        end = span_from(end, 2);
    bool lf = end.len == 1 && end.data[0] == '\n', crlf = end.len == 2 && !memcmp(end.data, "\r\n", 2);
    if (!lf && !crlf)
        return false;
    m->lf_line |= lf;
    m->crlf_line |= crlf;
    end_part(m, last);
    m->complete = last;
    m->boundaries++;
    return true;
}

/* The boundary in quotes, or behind whitespace. */
static const char *resembles(const struct multipart *m, struct span behind_dashes)
{
    size_t i = 0;
    if (m->boundary_quoted && behind_dashes.len > m->boundary.len && behind_dashes.data[0] == '"' &&
        begins_with(span_from(behind_dashes, 1), m->boundary))
        return "Multipart: Invalid boundary (quotes).";
    while (i < behind_dashes.len && sec_is_space(behind_dashes.data[i]))
        i++;
    if (i && begins_with(span_from(behind_dashes, i), m->boundary))
        return "Multipart: Invalid boundary (whitespace).";
    return NULL;
}

/* Anywhere in a line, which may have been meant as one. */
static bool has_delimiter(const struct multipart *m, struct span s)
{
    return s.len >= m->delimiter.len && memmem(s.data, s.len, m->delimiter.data, m->delimiter.len);
}

enum seen { SEEN_DATA, SEEN_BOUNDARY, SEEN_ERROR };

static enum seen look_for_boundary(struct multipart *m, struct span line)
{
    struct span dashes = sec_text_span("--");
    size_t text = line.len ? strnlen((const char *)line.data, line.len) : 0;
    if (text <= 3 || !begins_with(line, dashes)) {
        m->unmatched = has_delimiter(m, line) ? 1 : m->unmatched;
        return SEEN_DATA;
    }
    struct span behind = span_from(line, 2);
    if (!begins_with(behind, m->boundary)) {
        const char *why = resembles(m, behind);
        if (why) {
            multipart_error(m, why, (struct span){0});
            return SEEN_ERROR;
        }
        m->unmatched = 1;
        return SEEN_DATA;
    }
    m->lf_line |= m->bare_lf;
    if (m->boundaries && !m->part.has_data) { /* where the part's data should begin */
        m->invalid_part = true;
        return SEEN_DATA;
    }
    if (m->boundaries)
        m->unmatched = 2;
    if (take_boundary(m, span_from(behind, m->boundary.len)))
        return SEEN_BOUNDARY;
    multipart_error(m, "Multipart: Invalid boundary: ", line);
    return SEEN_ERROR;
}

/* ModSecurity keeps a field's lines, but none of their ends; a file's size has those between lines. */
static void take_data(struct multipart *m, struct span line)
{
    struct part *p = &m->part;
    size_t end = 0;
    if (line.len && line.data[line.len - 1] == '\n')
        end = line.len > 1 && line.data[line.len - 2] == '\r' ? 2 : 1;
    struct span text = span_first(line, line.len - end);
    p->size += text.len + p->held_back;
    if (!p->file) {
        m->length += text.len + p->held_back;
        if (!p->has_data)
            p->data = text;
        else if ((p->text.len || sec_bytes_add(m->v, &p->text, p->data.data, p->data.len)) && text.len)
            (void)sec_bytes_add(m->v, &p->text, text.data, text.len);
    }
    p->held_back = end;
    p->has_data = true;
}

/* False where reading ends. */
static bool take_piece(struct multipart *m, const struct piece *p)
{
    enum seen seen = p->starts_line ? look_for_boundary(m, p->s) : SEEN_DATA;
    if (seen == SEEN_ERROR) {
        m->failed = true;
        return false;
    }
    if (seen == SEEN_BOUNDARY)
        return true;
    if (!m->in_part) {
        m->data_before = true;
    } else if (m->part.in_data) {
        take_data(m, p->s);
    } else if (!p->whole) {
        m->failed = true;
        multipart_error(m, "Multipart: Part header line over 4096 bytes long", (struct span){0});
        return false;
    } else {
        multipart_header(m, p->s);
    }
    return true;
}

/* The rest behind the last line. */
static struct span read_lines(struct multipart *m, struct span rest)
{
    struct piece p = {.starts_line = true};
    while (!m->v->failed && next_piece(&rest, &p)) {
        if (!take_piece(m, &p))
            return (struct span){0};
        size_t n = p.s.len;
        p.starts_line = p.s.data[n - 1] == '\n';
        m->bare_lf = p.starts_line && !(n > 1 && p.s.data[n - 2] == '\r');
        if (m->complete && rest.len) {
            m->data_after = true;
            return (struct span){0};
        }
    }
    return p.starts_line ? rest : (struct span){0};
}

/* The last boundary may lack its line end. */
static void take_rest(struct multipart *m, struct span rest)
{
    size_t n = m->boundary.len;
    if (!m->boundaries || rest.len != n + 4 || memcmp(rest.data, "--", 2) != 0 ||
        memcmp(rest.data + 2, m->boundary.data, n) != 0 || memcmp(rest.data + 2 + n, "--", 2) != 0)
        return;
    m->lf_line |= m->bare_lf;
    m->invalid_part |= !m->part.has_data;
    end_part(m, true);
    m->complete = true;
}

static void set_flag(struct multipart *m, enum sec_var var, bool flag)
{
    sec_set_text(m->v, var, flag ? "1" : "0");
}

static void set_flags(struct multipart *m)
{
    static const char *const digits[] = {"0", "1", "2"};
    sec_set_text(m->v, SEC_MULTIPART_UNMATCHED_BOUNDARY, digits[m->unmatched]);
    set_flag(m, SEC_MULTIPART_DATA_BEFORE, m->data_before);
    set_flag(m, SEC_MULTIPART_DATA_AFTER, m->data_after);
    set_flag(m, SEC_MULTIPART_BOUNDARY_QUOTED, m->boundary_quoted);
    set_flag(m, SEC_MULTIPART_BOUNDARY_WHITESPACE, m->boundary_whitespace);
    set_flag(m, SEC_MULTIPART_HEADER_FOLDING, m->header_folding);
    set_flag(m, SEC_MULTIPART_LF_LINE, m->lf_line);
    set_flag(m, SEC_MULTIPART_CRLF_LF_LINES, m->crlf_line && m->lf_line);
    set_flag(m, SEC_MULTIPART_MISSING_SEMICOLON, m->missing_semicolon);
    set_flag(m, SEC_MULTIPART_INVALID_QUOTING, m->invalid_quoting);
    set_flag(m, SEC_MULTIPART_INVALID_PART, m->invalid_part);
    set_flag(m, SEC_MULTIPART_INVALID_HEADER_FOLDING, m->invalid_header_folding);
    set_flag(m, SEC_MULTIPART_STRICT_ERROR,
             m->failed || m->boundary_quoted || m->boundary_whitespace || m->data_before || m->data_after ||
                 m->header_folding || m->lf_line || m->missing_semicolon || m->invalid_quoting || m->invalid_part ||
                 m->invalid_header_folding);
}

/* Nothing of a body that is cut short counts, but its names and the headers of the parts that ended. */
static void drop_parts(struct multipart *m, uint32_t args)
{
    struct sec_body *b = &m->v->body;
    m->v->args.n = args;
    b->files.n = b->files_names.n = b->files_sizes.n = b->files_contents.n = 0;
    b->part_headers.n = m->in_part ? m->part.first_line : b->part_headers.n;
    m->files_size = 0;
    multipart_error(m,
                    m->boundaries ? "Multipart: Final boundary missing." : "Multipart: No boundaries found in payload.",
                    (struct span){0});
}

/* The body goes on beyond what is kept: what there is of the part under way counts. */
static void take_cut(struct multipart *m, struct span rest)
{
    if (!m->in_part || !m->part.in_data)
        return;
    if (rest.len)
        take_data(m, rest);
    end_part(m, true);
}

static void note_error(struct multipart *m)
{
    struct sec_bytes text = {0};
    m->v->body.failed = m->error;
    if (m->error && sec_bytes_add(m->v, &text, m->error, strlen(m->error)) &&
        sec_bytes_add(m->v, &text, m->detail.data, m->detail.len))
        m->v->body.error = span_of(text.at, text.len);
}

static bool set_delimiter(struct multipart *m)
{
    struct sec_bytes text = {0};
    if (!sec_bytes_add(m->v, &text, "--", 2) || !sec_bytes_add(m->v, &text, m->boundary.data, m->boundary.len))
        return false;
    m->delimiter = span_of(text.at, text.len);
    return true;
}

uint64_t sec_multipart_read(struct sec_vars *v, struct span type)
{
    struct multipart *m = arena_alloc(&v->arena, sizeof *m);
    uint32_t args = v->args.n;
    if (!m) {
        v->failed = true;
        return 0;
    }
    m->v = v;
    m->disposition_budget = DISPOSITION_BUDGET;
    if (multipart_boundary(m, type) && v->body.bytes.len && set_delimiter(m)) {
        struct span rest = read_lines(m, v->body.bytes);
        take_rest(m, rest);
        if (!m->complete && v->body.cut && !m->error && m->boundaries)
            take_cut(m, rest);
        else if (!m->complete)
            drop_parts(m, args);
    }
    if (v->body.files.n)
        sec_set_number(v, SEC_FILES_COMBINED_SIZE, m->files_size);
    set_flags(m);
    note_error(m);
    return m->length;
}
