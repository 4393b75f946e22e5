/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/http.h"

#include "app/http_feed.h"

struct http *http_new(const struct http_options *opt, bool midstream)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    http_set(h, opt);
    h->midstream = midstream;
    if (midstream)
        h->side[HTTP_TO_SERVER].state = h->side[HTTP_TO_CLIENT].state = SIDE_SEEK;
    return h;
}

void http_set(struct http *h, const struct http_options *opt)
{
    h->opt = *opt;
    if (h->opt.want & HTTP_WANT_RESPONSE_BODY)
        h->opt.want |= HTTP_WANT_RESPONSE;
}

/* What the last call handed out is over. */
static void forget(struct http *h)
{
    struct http_msg *m = h->at;
    if (m && m->part && h->side[HTTP_TO_SERVER].r)
        memcpy(h->side[HTTP_TO_SERVER].r->notes, m->tx.notes, sizeof m->tx.notes);
    h->at = NULL;
    if (m)
        http_msg_release(h, m);
    if (!h->current_done)
        return;
    h->current = h->current_done = false;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    forget(h);
    http_due_clear(h);
    http_side_reset(h, HTTP_TO_SERVER, SIDE_ENDED);
    http_side_reset(h, HTTP_TO_CLIENT, SIDE_ENDED);
    free(h);
}

static int step(struct http *h, enum http_dir dir, struct span *data)
{
    switch (h->side[dir].state) {
    case SIDE_IDLE:
    case SIDE_SEEK:
    case SIDE_LINE:
    case SIDE_HEAD:
        return dir == HTTP_TO_SERVER ? http_request_step(h, data) : http_response_step(h, data);
    case SIDE_ENDED:
        *data = (struct span){0};
        return 0;
    default:
        return http_body_step(h, dir, data);
    }
}

int http_feed(struct http *h, enum http_dir dir, struct span *data)
{
    struct http_side *side = &h->side[dir];
    forget(h);
    for (;;) {
        if (side->state == SIDE_OPAQUE) {
            *data = side->told ? (struct span){0} : *data;
            int point = side->told ? HTTP_NOTHING : HTTP_OPAQUE;
            side->told = true;
            return point;
        }
        if (!data->len)
            return HTTP_NOTHING;
        int point = step(h, dir, data);
        if (point < 0)
            http_side_reset(h, dir, SIDE_ENDED); /* nothing fits together from here on */
        if (point)
            return point;
    }
}

int http_end(struct http *h, enum http_dir dir)
{
    struct http_side *side = &h->side[dir];
    int point = 0;
    forget(h);
    if (dir == HTTP_TO_CLIENT && side->state == SIDE_CLOSE)
        point = http_message_end(h, dir);
    if (point < 0)
        return point;
    http_side_reset(h, dir, side->state == SIDE_OPAQUE ? SIDE_OPAQUE : SIDE_ENDED);
    if (dir == HTTP_TO_CLIENT)
        http_due_clear(h);
    return point;
}

void http_lost(struct http *h, enum http_dir dir)
{
    struct http_side *side = &h->side[dir];
    forget(h);
    if (side->state == SIDE_OPAQUE || side->state == SIDE_ENDED)
        return;
    if (dir == HTTP_TO_CLIENT) {
        http_side_reset(h, dir, SIDE_ENDED);
        http_due_clear(h);
        return;
    }
    /* Of a request that was being read the response still comes, as one of no interest. */
    http_side_reset(h, dir, SIDE_SEEK);
    h->midstream = true;
    h->current_done = h->current;
}

struct http_tx *http_tx(struct http *h)
{
    return h->at ? &h->at->tx : NULL;
}

size_t http_skips(const struct http *h, enum http_dir dir)
{
    const struct http_side *side = &h->side[dir];
    const struct http_reader *r = side->r;
    bool unwanted = r && (!r->keep || r->ended);
    switch (side->state) {
    case SIDE_OPAQUE:
        return side->told ? SIZE_MAX : 0;
    case SIDE_ENDED:
        return SIZE_MAX;
    case SIDE_CLOSE:
        return unwanted ? SIZE_MAX : 0;
    case SIDE_LENGTH:
    case SIDE_DATA:
        return unwanted ? r->left : 0;
    default:
        return 0;
    }
}

bool http_response_due(const struct http *h)
{
    return h->due_n > (h->current ? 1 : 0);
}

size_t http_memory(const struct http *h)
{
    return sizeof *h + http_due_memory(h);
}

static const char *const names[HTTP_ANOMALIES] = {
    [HTTP_BAD_REQUEST_LINE] = "bad_request_line",
    [HTTP_BAD_METHOD] = "bad_method",
    [HTTP_BAD_TARGET] = "bad_target",
    [HTTP_BAD_VERSION] = "bad_version",
    [HTTP_HTTP2] = "http2",
    [HTTP_BARE_LF] = "bare_lf",
    [HTTP_BARE_CR] = "bare_cr",
    [HTTP_NUL] = "nul",
    [HTTP_FOLDED_HEADER] = "folded_header",
    [HTTP_BAD_HEADER] = "bad_header",
    [HTTP_SPACE_BEFORE_COLON] = "space_before_colon",
    [HTTP_NO_HOST] = "no_host",
    [HTTP_TWO_HOSTS] = "two_hosts",
    [HTTP_BAD_HOST] = "bad_host",
    [HTTP_BAD_LENGTH] = "bad_length",
    [HTTP_TWO_LENGTHS] = "two_lengths",
    [HTTP_LENGTH_AND_CHUNKED] = "length_and_chunked",
    [HTTP_BAD_TRANSFER_CODING] = "bad_transfer_coding",
    [HTTP_BAD_CHUNK] = "bad_chunk",
    [HTTP_CHUNK_EXTENSION] = "chunk_extension",
    [HTTP_BAD_TRAILER] = "bad_trailer",
    [HTTP_HEAD_TOO_LONG] = "head_too_long",
    [HTTP_TOO_MANY_HEADERS] = "too_many_headers",
    [HTTP_REPEATED_HEADER] = "repeated_header",
    [HTTP_BODY_TOO_LONG] = "body_too_long",
    [HTTP_BAD_CONTENT_CODING] = "bad_content_coding",
    [HTTP_UNKNOWN_CONTENT_CODING] = "unknown_content_coding",
    [HTTP_CODING_BOMB] = "coding_bomb",
    [HTTP_BAD_URLENCODED] = "bad_urlencoded",
    [HTTP_BAD_MULTIPART] = "bad_multipart",
    [HTTP_BAD_JSON] = "bad_json",
    [HTTP_BAD_XML] = "bad_xml",
    [HTTP_TOO_MANY_ARGS] = "too_many_args",
    [HTTP_TOO_DEEP] = "too_deep",
    [HTTP_TOO_MANY_PIPELINED] = "too_many_pipelined",
    [HTTP_EARLY_DATA] = "early_data",
    [HTTP_MIDSTREAM] = "midstream",
    [HTTP_BAD_RESPONSE] = "bad_response",
};

const char *http_anomaly_name(unsigned anomaly)
{
    return anomaly < HTTP_ANOMALIES ? names[anomaly] : NULL;
}
