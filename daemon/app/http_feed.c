/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/http_feed.h"

#include <errno.h>

/* Each part is read from the head's beginning, so there is an end to it. */
#define PART_BYTES 8192u
#define PARTS_MOST 32

#define TO_SERVER HTTP_TO_SERVER
#define TO_CLIENT HTTP_TO_CLIENT

void http_side_reset(struct http *h, enum http_dir dir, enum side_state state)
{
    struct http_side *side = &h->side[dir];
    struct http_reader *r = side->r;
    side->state = (uint8_t)state;
    side->r = NULL;
    if (!r)
        return;
    if (r->m && dir == TO_SERVER) {
        r->m->reading = false;
        http_msg_release(h, r->m);
    }
    http_decoder_free(r->decoder);
    free(r->buf);
    free(r);
}

struct http_reader *http_side_begin(struct http *h, enum http_dir dir)
{
    struct http_side *side = &h->side[dir];
    struct http_reader *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->limit = h->opt.limits.head;
    side->r = r;
    side->state = dir == TO_SERVER ? SIDE_LINE : SIDE_HEAD;
    return r;
}

static void make_opaque(struct http *h, enum http_dir dir)
{
    http_side_reset(h, dir, SIDE_OPAQUE);
    if (dir == TO_SERVER)
        return;
    http_due_clear(h);
    h->awaits = false;
}

static int request_end(struct http *h, struct http_reader *r)
{
    struct http_msg *m = r->m;
    if (m->tx.has_body && r->keep) {
        if (!m->cut && http_body_end(&m->body, r->decoder, &m->tx.anomalies) == BODY_NO_MEMORY)
            return -ENOMEM;
        m->tx.body = span_of(m->body.data, m->body.len);
        if ((m->want & HTTP_WANT_ARGS) && !http_body_split(h, m))
            return -ENOMEM;
    }
    m->tx.body_done = true;
    m->reading = false;
    h->at = m;
    return HTTP_REQUEST_END;
}

static int response_end(struct http *h, struct http_reader *r)
{
    struct http_msg *m = r->m;
    uint64_t ignored = 0;
    if (!m)
        return 0;
    if (r->keep) {
        if (http_body_end(&m->response, r->decoder, &ignored) == BODY_NO_MEMORY)
            return -ENOMEM;
        m->tx.response_body = span_of(m->response.data, m->response.len);
    }
    h->at = m;
    http_due_settle(h);
    return HTTP_RESPONSE_END;
}

/* END, once a message. */
static int tell_end(struct http *h, enum http_dir dir)
{
    struct http_reader *r = h->side[dir].r;
    if (r->ended)
        return 0;
    int point = dir == TO_SERVER ? request_end(h, r) : response_end(h, r);
    if (point < 0)
        return point;
    r->ended = true;
    r->m = NULL;
    return point;
}

int http_message_end(struct http *h, enum http_dir dir)
{
    int point = tell_end(h, dir);
    if (point < 0)
        return point;
    http_side_reset(h, dir, SIDE_IDLE);
    if (dir == TO_CLIENT)
        http_due_pop(h);
    else
        h->current_done = true;
    return point;
}

int http_message_break(struct http *h, enum http_dir dir, uint64_t notes)
{
    struct http_reader *r = h->side[dir].r;
    if (r->m)
        r->m->tx.anomalies |= notes;
    int point = tell_end(h, dir);
    if (point < 0)
        return point;
    make_opaque(h, dir);
    if (dir == TO_SERVER)
        h->current_done = true;
    return point;
}

static void notes_of(struct http_reader *r, enum http_dir dir, uint64_t found)
{
    if (r->m && dir == TO_SERVER)
        r->m->tx.anomalies |= found;
}

/* The body is longer than what is kept of it. */
static int body_full(struct http *h, enum http_dir dir, uint64_t found)
{
    struct http_reader *r = h->side[dir].r;
    notes_of(r, dir, found);
    r->m->cut |= dir == TO_SERVER;
    return tell_end(h, dir);
}

static int keep_body(struct http *h, enum http_dir dir, struct span part, bool more)
{
    struct http_reader *r = h->side[dir].r;
    if (!r->keep || r->ended || !part.len)
        return 0;
    struct http_body *b = dir == TO_SERVER ? &r->m->body : &r->m->response;
    uint64_t found = 0;
    enum body got = http_body_take(b, r->decoder, part, &found);
    if (got == BODY_NO_MEMORY)
        return -ENOMEM;
    if (got == BODY_FULL)
        return body_full(h, dir, found);
    if (more && !r->decoder && b->len == b->limit)
        return body_full(h, dir, NOTE(HTTP_BODY_TOO_LONG));
    notes_of(r, dir, found);
    return 0;
}

static int length_step(struct http *h, enum http_dir dir, struct span *data)
{
    struct http_reader *r = h->side[dir].r;
    struct span part = span_first(*data, r->left < data->len ? (size_t)r->left : data->len);
    *data = span_from(*data, part.len);
    r->left -= part.len;
    bool chunk = h->side[dir].state == SIDE_DATA;
    int point = keep_body(h, dir, part, r->left && !chunk);
    if (point < 0 || r->left)
        return point;
    if (chunk) {
        http_chunk_data_end(r);
        h->side[dir].state = SIDE_CHUNK;
        return point;
    }
    int end = http_message_end(h, dir);
    return point ? point : end;
}

static int close_step(struct http *h, enum http_dir dir, struct span *data)
{
    struct span part = *data;
    *data = (struct span){0};
    return keep_body(h, dir, part, false);
}

static int chunk_step(struct http *h, enum http_dir dir, struct span *data)
{
    struct http_reader *r = h->side[dir].r;
    uint64_t found = 0;
    enum chunk c = http_chunk_read(r, data, dir == TO_CLIENT, &found);
    notes_of(r, dir, found);
    if (c == CHUNK_BAD)
        return http_message_break(h, dir, NOTE(dir == TO_SERVER ? HTTP_BAD_CHUNK : HTTP_BAD_RESPONSE));
    if (c == CHUNK_DATA)
        h->side[dir].state = SIDE_DATA;
    if (c == CHUNK_LAST) {
        http_gather_reset(r);
        h->side[dir].state = SIDE_TRAILER;
    }
    return 0;
}

/* RFC 9112 7.1.2: trailers stand behind the headers, those that must not be there too. */
static int read_trailer(struct http *h, struct http_msg *m, struct span lines)
{
    struct http_lines l = {.arena = &m->arena,
                           .list = &m->tx.headers,
                           .max = h->opt.limits.headers,
                           .lines = m->tx.headers.n,
                           .trailer = true};
    uint64_t malformed = NOTE(HTTP_BAD_HEADER) | NOTE(HTTP_FOLDED_HEADER) | NOTE(HTTP_SPACE_BEFORE_COLON) |
                         NOTE(HTTP_NUL) | NOTE(HTTP_BARE_CR);
    uint8_t *p = (uint8_t *)arena_copy(&m->arena, lines.data, lines.len);
    if (!p)
        return -ENOMEM;
    http_lines_read(&l, p, p + lines.len);
    if (l.failed)
        return -ENOMEM;
    m->tx.anomalies |= l.anomalies | (l.anomalies & malformed ? NOTE(HTTP_BAD_TRAILER) : 0);
    return 0;
}

static int trailer_step(struct http *h, enum http_dir dir, struct span *data)
{
    struct http_reader *r = h->side[dir].r;
    struct span lines;
    enum gather g = http_gather(r, data, 0, &lines);
    if (g == GATHER_MORE || g == GATHER_NO_MEMORY)
        return g == GATHER_MORE ? 0 : -ENOMEM;
    if (g == GATHER_LONG)
        return http_message_break(
            h, dir, dir == TO_SERVER ? NOTE(HTTP_HEAD_TOO_LONG) | NOTE(HTTP_BAD_TRAILER) : NOTE(HTTP_BAD_RESPONSE));
    if (dir == TO_SERVER && r->m && read_trailer(h, r->m, lines) < 0)
        return -ENOMEM;
    return http_message_end(h, dir);
}

int http_body_step(struct http *h, enum http_dir dir, struct span *data)
{
    switch (h->side[dir].state) {
    case SIDE_LENGTH:
    case SIDE_DATA:
        return length_step(h, dir, data);
    case SIDE_CLOSE:
        return close_step(h, dir, data);
    case SIDE_CHUNK:
        return chunk_step(h, dir, data);
    default:
        return trailer_step(h, dir, data);
    }
}

int http_message_body(struct http *h, enum http_dir dir, const struct http_lines *l, bool keep)
{
    struct http_reader *r = h->side[dir].r;
    uint64_t found = 0;
    r->keep = keep && r->m;
    if (r->keep) {
        bool server = dir == TO_SERVER;
        struct http_body *b = server ? &r->m->body : &r->m->response;
        b->limit = server ? h->opt.limits.body : h->opt.limits.response_body;
        if (!http_decoder_new(l, h->opt.limits.ratio, &found, &r->decoder))
            return -ENOMEM;
        notes_of(r, dir, found);
    }
    http_gather_reset(r);
    r->left = l->chunked ? 0 : l->length;
    if (l->chunked)
        http_chunk_begin(r);
    h->side[dir].state = l->chunked ? SIDE_CHUNK : l->has_length ? SIDE_LENGTH : SIDE_CLOSE;
    return 0;
}

/* ---- requests ---- */

static bool is_capital(uint8_t c)
{
    return c >= 'A' && c <= 'Z';
}

static unsigned due_flags(const struct http_msg *m, const struct http_lines *l)
{
    struct span method = m->tx.method;
    if (method.len == 4 && memcmp(method.data, "HEAD", 4) == 0)
        return DUE_HEAD;
    if (method.len == 7 && memcmp(method.data, "CONNECT", 7) == 0)
        return DUE_CONNECT;
    return l->upgrade && l->connection_upgrade ? DUE_UPGRADE : 0;
}

/* Nobody will see the response, unless the rest depends on it and it is certain to be the next one. */
static bool goes_unseen(struct http *h, unsigned flags)
{
    if (!h->quiet || h->awaits)
        return false;
    h->pipelined |= h->unanswered > 0;
    h->awaits = flags & (DUE_CONNECT | DUE_UPGRADE) && !h->unseen && !h->pipelined;
    if (h->awaits)
        return false;
    h->unseen = true;
    h->last_flags = (uint8_t)flags;
    if (h->unanswered < UINT16_MAX)
        h->unanswered++;
    h->current = true;
    h->current_done = false;
    return true;
}

/* The response is awaited, by its transaction as well where there is room. */
static int await_response(struct http *h, struct http_msg *m, const struct http_lines *l)
{
    uint8_t client = h->side[TO_CLIENT].state;
    if (client == SIDE_OPAQUE || client == SIDE_ENDED)
        return 0;
    bool room = h->due_n + h->unanswered < h->opt.limits.pipelined;
    unsigned flags = due_flags(m, l);
    if (!room)
        m->tx.anomalies |= NOTE(HTTP_TOO_MANY_PIPELINED);
    if (goes_unseen(h, flags))
        return 0;
    int rc = http_due_push(h, room && (m->want & HTTP_WANT_RESPONSE) ? m : NULL, flags);
    if (rc != -ENOSPC)
        return rc;
    make_opaque(h, TO_CLIENT); /* which response is whose is not known any more */
    return 0;
}

/* What follows is no HTTP; a server that took it for something else answers in kind. */
static int request_break(struct http *h, struct http_msg *m)
{
    uint64_t other = NOTE(HTTP_HTTP2) | NOTE(HTTP_BAD_VERSION);
    bool both = m->tx.anomalies & other && !(m->tx.anomalies & NOTE(HTTP_HEAD_TOO_LONG));
    int point = http_message_break(h, TO_SERVER, 0);
    if (point > 0 && both)
        make_opaque(h, TO_CLIENT);
    return point;
}

static int request_body(struct http *h, struct http_msg *m, const struct http_lines *l)
{
    m->tx.has_body = l->chunked || (l->has_length && l->length);
    if (!m->tx.has_body)
        return http_message_end(h, TO_SERVER);
    int rc = http_message_body(h, TO_SERVER, l, m->want & (HTTP_WANT_BODY | HTTP_WANT_ARGS));
    if (rc < 0)
        return rc;
    h->at = m;
    return HTTP_REQUEST_HEAD;
}

static int request_head(struct http *h, struct span head, enum http_how how)
{
    struct http_reader *r = h->side[TO_SERVER].r;
    struct http_lines l = {0};
    struct http_msg *m = http_msg_new(h);
    if (!m)
        return -ENOMEM;
    r->m = m;
    m->tx.anomalies = r->anomalies | (h->midstream ? NOTE(HTTP_MIDSTREAM) : 0);
    h->midstream = false;
    memcpy(m->tx.notes, r->notes, sizeof m->tx.notes);
    if (!http_request_read(h, m, head, how, &l))
        return -ENOMEM;
    int rc = await_response(h, m, &l);
    if (rc < 0)
        return rc;
    return how == HEAD_WHOLE ? request_body(h, m, &l) : request_break(h, m);
}

/* A head that comes in pieces is told so far: what it asks for must not wait for its end. */
static int request_part(struct http *h)
{
    struct http_reader *r = h->side[TO_SERVER].r;
    if (!(h->opt.want & HTTP_WANT_PARTS) || r->tentative || r->len > PART_BYTES || r->parts == PARTS_MOST)
        return 0;
    const uint8_t *lf = r->len > r->shown ? memrchr(r->buf + r->shown, '\n', r->len - r->shown) : NULL;
    if (!lf)
        return 0;
    r->shown = (uint32_t)(lf - r->buf) + 1;
    r->parts++;
    struct http_lines l = {0};
    struct http_msg *m = http_msg_new(h);
    if (!m)
        return -ENOMEM;
    h->requests--; /* the whole one will have the number */
    m->reading = false;
    m->part = true;
    m->tx.anomalies = r->anomalies;
    memcpy(m->tx.notes, r->notes, sizeof m->tx.notes);
    h->at = m;
    return http_request_read(h, m, span_of(r->buf, r->shown), HEAD_PART, &l) ? HTTP_REQUEST_PART : -ENOMEM;
}

/* Picked up midstream, and no request after all: on to the next call's bytes. */
static int seek_on(struct http *h, struct span *data)
{
    http_side_reset(h, TO_SERVER, SIDE_SEEK);
    *data = (struct span){0};
    return 0;
}

/* It depends on a response that has not come how the bytes are to be read. */
static bool is_early(const struct http *h)
{
    return h->upgrades || (h->unanswered && h->last_flags & (DUE_CONNECT | DUE_UPGRADE));
}

static int request_begin(struct http *h, struct span *data)
{
    bool seeks = h->side[TO_SERVER].state == SIDE_SEEK;
    uint8_t c = data->data[0];
    if (seeks && !is_capital(c))
        return seek_on(h, data);
    struct http_reader *r = http_side_begin(h, TO_SERVER);
    if (!r)
        return -ENOMEM;
    r->tentative = seeks;
    r->anomalies = is_early(h) ? NOTE(HTTP_EARLY_DATA) : 0;
    return 0;
}

static int request_gathered(struct http *h, struct span *data, enum gather g, struct span head)
{
    struct http_reader *r = h->side[TO_SERVER].r;
    if (r->tentative && (g == GATHER_ODD || (g == GATHER_MORE && r->odd)))
        return seek_on(h, data);
    switch (g) {
    case GATHER_DONE:
        return request_head(h, head, HEAD_WHOLE);
    case GATHER_ODD:
        return request_head(h, head, HEAD_ODD);
    case GATHER_LONG:
        return request_head(h, head, HEAD_LONG);
    case GATHER_NO_MEMORY:
        return -ENOMEM;
    default:
        return 0;
    }
}

int http_request_step(struct http *h, struct span *data)
{
    struct http_side *side = &h->side[TO_SERVER];
    struct span head = {0};
    size_t from = 0;
    if (side->state == SIDE_IDLE || side->state == SIDE_SEEK) {
        int rc = request_begin(h, data);
        if (rc < 0 || !side->r)
            return rc;
    }
    if (side->state == SIDE_LINE) {
        enum gather g = http_gather_line(side->r, data, &from, &head);
        if (g != GATHER_LINE)
            return request_gathered(h, data, g, head);
        side->state = SIDE_HEAD;
    }
    enum gather g = http_gather(side->r, data, from, &head);
    return g == GATHER_MORE ? request_part(h) : request_gathered(h, data, g, head);
}

/* ---- responses ---- */

/* Both ends speak something else from here on (RFC 9110 7.8, 9.3.6). */
static bool switches(const struct http *h, unsigned status, int due)
{
    if (due < 0 || h->unseen) /* it could be in the middle of something else */
        return false;
    return status == 101 ? due & DUE_UPGRADE : due & DUE_CONNECT && status / 100 == 2;
}

static int response_switch(struct http *h)
{
    struct http_side *side = &h->side[TO_SERVER];
    int point = http_message_end(h, TO_CLIENT);
    if (point < 0)
        return point;
    make_opaque(h, TO_CLIENT);
    if (side->state != SIDE_OPAQUE && side->state != SIDE_ENDED)
        make_opaque(h, TO_SERVER);
    return point;
}

/* RFC 9112 6.3 */
static int response_body(struct http *h, const struct http_lines *l, unsigned status, int due)
{
    struct http_reader *r = h->side[TO_CLIENT].r;
    struct http_lines body = *l;
    body.has_length = l->has_length && !l->has_coding;
    bool none = status == 204 || status == 304 || (due >= 0 && (due & DUE_HEAD)) || (body.has_length && !body.length);
    if (none)
        return http_message_end(h, TO_CLIENT);
    int rc = http_message_body(h, TO_CLIENT, &body, h->opt.want & HTTP_WANT_RESPONSE_BODY);
    if (rc < 0 || !r->m)
        return rc;
    r->m->tx.response_has_body = true;
    h->at = r->m;
    return HTTP_RESPONSE_HEAD;
}

static int response_head(struct http *h, struct span head)
{
    struct http_reader *r = h->side[TO_CLIENT].r;
    struct http_lines l = {0};
    unsigned status;
    int due = http_due_peek(h, &r->m);
    int rc = http_response_read(h, r->m, head, &l, &status);
    if (rc == -EBADMSG)
        return http_message_break(h, TO_CLIENT, NOTE(HTTP_BAD_RESPONSE));
    if (rc < 0)
        return rc;
    if (switches(h, status, due))
        return response_switch(h);
    if (status >= 200)
        return response_body(h, &l, status, due);
    http_side_reset(h, TO_CLIENT, SIDE_IDLE);
    return 0;
}

/* Whether the bytes may still begin a response. */
static bool begins_response(const struct http_reader *r, struct span data)
{
    static const char start[] = "HTTP/1.";
    for (size_t i = 0; r->len + i < sizeof start - 1 && i < data.len; i++)
        if (data.data[i] != (uint8_t)start[r->len + i])
            return false;
    return true;
}

int http_response_step(struct http *h, struct span *data)
{
    struct http_side *side = &h->side[TO_CLIENT];
    struct span head = {0};
    if (side->state == SIDE_SEEK && (data->len < 7 || memcmp(data->data, "HTTP/1.", 7) != 0)) {
        *data = (struct span){0};
        return 0;
    }
    if (!side->r && !http_side_begin(h, TO_CLIENT))
        return -ENOMEM;
    struct http_reader *r = side->r;
    if (!begins_response(r, *data)) {
        http_due_peek(h, &r->m);
        return http_message_break(h, TO_CLIENT, NOTE(HTTP_BAD_RESPONSE));
    }
    switch (http_gather(r, data, 0, &head)) {
    case GATHER_MORE:
        return 0;
    case GATHER_DONE:
        return response_head(h, head);
    case GATHER_NO_MEMORY:
        return -ENOMEM;
    default:
        http_due_peek(h, &r->m);
        return http_message_break(h, TO_CLIENT, NOTE(HTTP_BAD_RESPONSE));
    }
}
