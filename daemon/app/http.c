/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/http.h"

#include <errno.h>

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

/* Of what was asked no response is waited for any more. */
static void forget_due(struct http *h)
{
    http_due_clear(h);
    h->awaits = false;
    h->unanswered = 0;
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
        forget_due(h);
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
        forget_due(h);
        return;
    }
    /* Of a request that was being read the response still comes, as one of no interest. */
    http_side_reset(h, dir, SIDE_SEEK);
    h->midstream = true;
    h->unseen |= h->quiet;
    h->current_done = h->current;
}

void http_skip_response_body(struct http *h)
{
    struct http_reader *r = h->side[HTTP_TO_CLIENT].r;
    if (r && r->m && r->m == h->at)
        r->keep = false;
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

/* How many requests before the one being read are not answered. */
static unsigned earlier_due(const struct http *h)
{
    unsigned due = h->due_n + (unsigned)h->unanswered;
    return due - (due && h->current ? 1 : 0);
}

bool http_response_due(const struct http *h)
{
    return earlier_due(h) > 0 || (h->quiet && h->pipelined);
}

/* The due become a number; what is under way of their responses goes by. */
static void turn_quiet(struct http *h)
{
    uint8_t state = h->side[HTTP_TO_CLIENT].state;
    bool between = state == SIDE_IDLE || state == SIDE_OPAQUE || state == SIDE_ENDED;
    bool current = h->current, done = h->current_done;
    uint16_t due = h->due_n;
    h->unseen |= due > 0 || !between;
    forget_due(h);
    h->unanswered = due;
    h->pipelined = due > 1;
    h->current = current && due;
    h->current_done = done;
    h->last_flags = 0;
    if (!between)
        http_side_reset(h, HTTP_TO_CLIENT, SIDE_IDLE);
}

/* Of one request the response may be read yet; of several it is not known which one comes. */
static void turn_loud(struct http *h)
{
    uint16_t due = h->unanswered;
    bool current = h->current, done = h->current_done;
    h->unanswered = 0;
    if (h->awaits || !due) {
        h->awaits = false;
        return;
    }
    if (due > 1 || h->pipelined || http_due_push(h, NULL, h->last_flags & DUE_HEAD) < 0)
        http_lost(h, HTTP_TO_CLIENT);
    h->current = current;
    h->current_done = done;
}

void http_set_quiet(struct http *h, bool quiet)
{
    if (h->quiet == quiet)
        return;
    h->quiet = quiet;
    if (quiet)
        turn_quiet(h);
    else
        turn_loud(h);
}

bool http_awaits(const struct http *h)
{
    return h->quiet ? h->awaits : h->upgrades > 0 && !h->unseen;
}

void http_answered(struct http *h)
{
    if (!h->quiet)
        return;
    forget(h);
    if (h->awaits) /* and nobody has looked */
        http_due_clear(h);
    h->unseen |= h->awaits;
    h->awaits = false;
    h->unanswered = h->current && h->unanswered ? 1 : 0;
}

/* By its length the rest of the body is known to the byte. */
static int skipped_length(struct http *h, struct http_reader *r, uint32_t n)
{
    if (r->left != n && (uint32_t)r->left == n)
        r->left = n;
    if (r->left < n || r->left > UINT32_MAX)
        return -ERANGE;
    r->left -= n;
    return r->left ? HTTP_NOTHING : http_message_end(h, HTTP_TO_CLIENT);
}

int http_skipped(struct http *h, uint32_t n)
{
    struct http_side *side = &h->side[HTTP_TO_CLIENT];
    int point = -ERANGE;
    forget(h);
    if (!n || side->state == SIDE_OPAQUE || side->state == SIDE_ENDED)
        return HTTP_NOTHING;
    bool skipped = side->r && (!side->r->keep || side->r->ended);
    if (skipped && side->state == SIDE_LENGTH)
        point = skipped_length(h, side->r, n);
    else if (skipped && (side->state == SIDE_CHUNK || side->state == SIDE_DATA) && earlier_due(h) == 1) {
        h->unseen = true; /* that it has ended is the client's word */
        point = http_message_end(h, HTTP_TO_CLIENT);
    }
    if (point == -ERANGE) {
        http_lost(h, HTTP_TO_CLIENT);
        return HTTP_NOTHING;
    }
    return point;
}

enum http_progress http_progress(const struct http *h)
{
    switch (h->side[HTTP_TO_SERVER].state) {
    case SIDE_LINE:
    case SIDE_HEAD:
        return HTTP_IN_HEAD;
    case SIDE_LENGTH:
    case SIDE_CLOSE:
    case SIDE_CHUNK:
    case SIDE_DATA:
    case SIDE_TRAILER:
        return HTTP_IN_BODY;
    default:
        return HTTP_IDLE;
    }
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
