/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_HTTP_INTERNAL_H
#define SLUICE_APP_HTTP_INTERNAL_H

#include "app/content.h"
#include "app/http.h"
#include "base/arena.h"

/* What http*.c share; nobody else includes it. */

#define NOTE(anomaly) ((uint64_t)1 << (anomaly))

/* A body as it is kept: grows by doubling up to `limit`. */
struct http_body {
    uint8_t *data;
    size_t len, cap, limit;
};

struct http_decoder;

/* A transaction, in its own arena. */
struct http_msg {
    struct http_tx tx;
    struct arena arena;
    struct http_body body, response;
    struct http_msg *next; /* among those that wait for their response */
    struct span content_type;
    unsigned want;
    bool cut; /* the body went on past its limit */
    bool reading, waiting;
    bool part; /* of a head that is not complete */
};

/* The message that a direction is in; there is none between messages. */
struct http_reader {
    struct http_msg *m; /* NULL: nobody wants it, or its END was told */
    uint8_t *buf;       /* the head or trailers so far */
    uint32_t len, cap, limit;
    uint32_t line; /* bytes of the last line so far */
    uint8_t last;  /* the last byte of buf */
    uint8_t blanks;
    bool plausible; /* begins with METHOD SP */
    bool odd;       /* surely does not */
    bool tentative; /* picked up midstream */
    bool keep;      /* the body is kept */
    bool ended;     /* END was told, or there is none to tell */
    uint8_t chunk, digits;
    uint32_t extension;
    uint64_t left;                              /* bytes of the body or chunk to come */
    uint64_t size;                              /* of the chunk, as read */
    uint64_t anomalies;                         /* before there is a transaction */
    uint32_t shown;                             /* bytes of buf that were told in parts */
    uint8_t parts;                              /* how many were told */
    _Alignas(8) uint8_t notes[HTTP_NOTES_SIZE]; /* of the last part */
    struct http_decoder *decoder;
};

enum side_state {
    SIDE_IDLE,
    SIDE_SEEK, /* midstream: nothing that looks like a message yet */
    SIDE_LINE,
    SIDE_HEAD,
    SIDE_LENGTH,
    SIDE_CLOSE,
    SIDE_CHUNK,
    SIDE_DATA,
    SIDE_TRAILER,
    SIDE_OPAQUE,
    SIDE_ENDED
};

struct http_side {
    struct http_reader *r;
    uint8_t state;
    bool told;
};

/* What is known of a request whose response is still to come. */
enum { DUE_HEAD = 1, DUE_CONNECT = 2, DUE_UPGRADE = 4, DUE_TX = 8 };
#define DUE_FEW 8
#define DUE_MOST 32768

struct http {
    struct http_options opt;
    bool midstream;             /* no request was seen yet */
    bool current, current_done; /* the newest of the due is the request being read; it is read */
    bool quiet;                 /* responses are not seen */
    bool awaits;                /* quiet: the due hold a request on whose response the rest depends, and what follows */
    bool unseen;                /* parts of responses went by: what looks like one could be in the middle of another */
    bool pipelined;             /* quiet: requests came before an answer: which one is answered is not known any more */
    uint8_t last_flags;         /* quiet: of the newest request */
    struct http_side side[2];
    struct http_msg *at;             /* of the last point */
    struct http_msg *first, *newest; /* those that wait */
    uint64_t requests;
    union {
        uint8_t few[DUE_FEW];
        uint8_t *many;
    } due; /* a ring */
    uint16_t due_head, due_n, due_cap;
    uint16_t upgrades;   /* how many of the due may end HTTP */
    uint16_t unanswered; /* quiet: requests since the client heard of the server */
};

/* http_msg.c: transactions and what is due */
struct http_msg *http_msg_new(struct http *h);
/* Gives it back once it is neither read, nor waits, nor is the last point's. */
void http_msg_release(struct http *h, struct http_msg *m);
int http_due_push(struct http *h, struct http_msg *m, unsigned flags);
/* The oldest's flags, or -1; its transaction, where it waits. */
int http_due_peek(const struct http *h, struct http_msg **m);
/* The oldest's transaction has all that it waited for. */
void http_due_settle(struct http *h);
void http_due_pop(struct http *h);
void http_due_clear(struct http *h);
size_t http_due_memory(const struct http *h);

/* http_gather.c: bytes up to the end of a head, each looked at once */
enum gather {
    GATHER_MORE,
    GATHER_LINE, /* the request line fits; the rest of the head follows */
    GATHER_DONE, /* *head is all of it */
    GATHER_ODD,  /* *head is what is no HTTP */
    GATHER_LONG, /* *head is the first `limit` bytes */
    GATHER_NO_MEMORY
};
enum gather http_gather(struct http_reader *r, struct span *data, size_t from, struct span *head);
/* The request line; *from is what of *data http_gather need not look at again. */
enum gather http_gather_line(struct http_reader *r, struct span *data, size_t *from, struct span *head);
void http_gather_reset(struct http_reader *r);

/* http_lines.c: header lines, and what they say of the message */
#define CODINGS_MAX 3

struct http_lines {
    struct arena *arena; /* NULL: nothing is listed */
    struct http_list *list, *cookies;
    uint32_t max, max_cookies;
    bool trailer;
    /* what was found */
    uint64_t anomalies;
    uint32_t lines, seen;
    bool chunked, has_coding, has_length, lengths_differ, no_name;
    bool upgrade, connection_upgrade;
    uint64_t length;
    struct span host, content_type;
    struct span codings[CODINGS_MAX];
    uint32_t n_codings;
    bool failed; /* out of memory */
};
/* Reads the lines of [p, end), where folds are filled with spaces. */
void http_lines_read(struct http_lines *l, uint8_t *p, uint8_t *end);
bool http_is_token(struct span s);
bool http_same(struct span s, const char *lower);
struct span http_trim(struct span s);
/* The anomalies of control bytes in a line; `other` for those without a name of their own. */
uint64_t http_controls(struct span s, uint64_t other);
/* Takes the port off; false where it is no host[:port]. */
bool http_host_split(struct span s, struct span *host);

/* http_request.c, http_response.c: whole heads */
bool http_request_line_fits(struct span line);
enum http_how { HEAD_WHOLE, HEAD_ODD, HEAD_LONG, HEAD_PART };
/* False when out of memory. */
bool http_request_read(struct http *h, struct http_msg *m, struct span head, enum http_how how, struct http_lines *l);
/* 0, -EBADMSG, -ENOMEM. m may be NULL. */
int http_response_read(struct http *h, struct http_msg *m, struct span head, struct http_lines *l, unsigned *status);

/* http_chunk.c */
enum chunk { CHUNK_MORE, CHUNK_DATA, CHUNK_LAST, CHUNK_BAD };
void http_chunk_begin(struct http_reader *r);
/* Reads framing up to data (r->left bytes), or the last chunk's line. lenient: spaces behind a size. */
enum chunk http_chunk_read(struct http_reader *r, struct span *data, bool lenient, uint64_t *anomalies);
/* The data of a chunk was read. */
void http_chunk_data_end(struct http_reader *r);

/* http_body.c */
enum body { BODY_MORE, BODY_FULL, BODY_NO_MEMORY };
/* The decoder that the codings ask for, if any. False when out of memory. */
bool http_decoder_new(const struct http_lines *l, uint32_t ratio, uint64_t *anomalies, struct http_decoder **ret);
void http_decoder_free(struct http_decoder *d);
size_t http_decoder_memory(const struct http_decoder *d);
enum body http_body_take(struct http_body *b, struct http_decoder *d, struct span in, uint64_t *anomalies);
/* The coded body is over: notes an early end. */
enum body http_body_end(struct http_body *b, struct http_decoder *d, uint64_t *anomalies);
/* Splits the request's body into arguments. False when out of memory. */
bool http_body_split(struct http *h, struct http_msg *m);

#endif
