/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_HTTP_H
#define SLUICE_APP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

/*
 * HTTP/1 of one connection (RFC 9112), read incrementally and strictly: what
 * two servers could read in two ways is noted as an anomaly, and read on in
 * the likeliest way. One thread a connection.
 */
struct http;

enum http_dir { HTTP_TO_SERVER, HTTP_TO_CLIENT }; /* the same numbers as enum flow_dir */

/* What is noted beside the values; names as in http_anomaly_name(). */
enum http_anomaly {
    HTTP_BAD_REQUEST_LINE, /* not METHOD SP TARGET SP HTTP/1.x */
    HTTP_BAD_METHOD,       /* no token, or more than 32 bytes */
    HTTP_BAD_TARGET,       /* control, space or 8-bit bytes in the target, or a form that the method does not take */
    HTTP_BAD_VERSION,      /* neither 1.0 nor 1.1; also HTTP/0.9 */
    HTTP_HTTP2,            /* the HTTP/2 preface */
    HTTP_BARE_LF,          /* a line ends without CR */
    HTTP_BARE_CR,          /* CR without LF in a head */
    HTTP_NUL,              /* NUL in a head */
    HTTP_FOLDED_HEADER,    /* obs-fold */
    HTTP_BAD_HEADER,       /* no colon, empty name, a name that is no token, control bytes in a value */
    HTTP_SPACE_BEFORE_COLON,
    HTTP_NO_HOST,             /* HTTP/1.1 without Host */
    HTTP_TWO_HOSTS,           /* Host twice, or another one in an absolute target */
    HTTP_BAD_HOST,            /* no host[:port] */
    HTTP_BAD_LENGTH,          /* Content-Length is no plain decimal number, or too large */
    HTTP_TWO_LENGTHS,         /* Content-Length twice or as a list */
    HTTP_LENGTH_AND_CHUNKED,  /* Content-Length with Transfer-Encoding */
    HTTP_BAD_TRANSFER_CODING, /* Transfer-Encoding other than exactly "chunked", or twice, or in HTTP/1.0 */
    HTTP_BAD_CHUNK,           /* chunk size that is no plain hexadecimal number, missing CRLF behind its data */
    HTTP_CHUNK_EXTENSION,
    HTTP_BAD_TRAILER,   /* framing or routing headers among trailers, or a malformed one */
    HTTP_HEAD_TOO_LONG, /* over limits.head: what follows is not read */
    HTTP_TOO_MANY_HEADERS,
    HTTP_REPEATED_HEADER,    /* Content-Type, Authorization or such twice */
    HTTP_BODY_TOO_LONG,      /* inspected up to limits.body */
    HTTP_BAD_CONTENT_CODING, /* gzip or deflate that does not decode, or ends early */
    HTTP_UNKNOWN_CONTENT_CODING,
    HTTP_CODING_BOMB,    /* over limits.ratio */
    HTTP_BAD_URLENCODED, /* %XX with no two hex digits, in query or form */
    HTTP_BAD_MULTIPART,
    HTTP_BAD_JSON,
    HTTP_BAD_XML,
    HTTP_TOO_MANY_ARGS,      /* over limits.args or limits.args_bytes: the rest is not split */
    HTTP_TOO_DEEP,           /* JSON or XML over limits.depth */
    HTTP_TOO_MANY_PIPELINED, /* requests without their responses over limits.pipelined */
    HTTP_EARLY_DATA,         /* bytes behind a request that asked to upgrade or CONNECT, before the answer */
    HTTP_MIDSTREAM,          /* the connection's beginning was not seen */
    HTTP_BAD_RESPONSE,       /* status line, headers or framing of a response; what follows is not read */
    HTTP_ANOMALIES
};

struct http_limits {
    uint32_t head;          /* bytes of a request's or response's head */
    uint32_t headers;       /* header lines */
    uint32_t body;          /* bytes of a request's body that are kept and read, decoded */
    uint32_t response_body; /* the same of a response's */
    uint32_t args;          /* arguments of a request */
    uint32_t depth;         /* of JSON and XML */
    uint32_t ratio;         /* decoded bytes for each byte of a coded body, past the first 64 KiB */
    uint32_t pipelined;
};

/* What is wanted beyond heads and framing; unwanted bodies are skipped, not kept. */
enum http_want {
    HTTP_WANT_BODY = 1 << 0,          /* http.body */
    HTTP_WANT_ARGS = 1 << 1,          /* bodies split into args, files */
    HTTP_WANT_RESPONSE = 1 << 2,      /* transactions live until their response ends */
    HTTP_WANT_RESPONSE_BODY = 1 << 3, /* implies HTTP_WANT_RESPONSE */
    HTTP_WANT_PARTS = 1 << 4,         /* HTTP_REQUEST_PART is told */
};

struct http_tx;

struct http_options {
    struct http_limits limits;
    unsigned want;
    void (*ends)(struct http_tx *tx); /* a transaction that has `judged` is given back; may be NULL */
};

struct http_field {
    struct span name, value;
};

struct http_list {
    struct http_field *at;
    uint32_t n, cap;
};

/* Where the inspector keeps what it knows of a transaction; zeroed at its beginning. */
#define HTTP_NOTES_SIZE 320

/*
 * A request and its response. Spans point into the transaction's own memory
 * and are valid until it ends. Values are decoded once (percent-decoding of
 * path, args and form fields; JSON strings unescaped), never more.
 */
struct http_tx {
    uint64_t number;    /* on its connection, from 1 */
    uint64_t anomalies; /* a bit for each enum http_anomaly */
    struct span method, uri /* as sent */, version /* "HTTP/1.1" */, host /* without the port, lower case */;
    struct span path /* percent-decoded */, query /* as sent, without "?" */;
    struct http_list headers; /* names as sent */
    struct http_list args;    /* of the query, then of the body */
    uint32_t query_args;      /* how many of them are the query's */
    struct http_list cookies;
    struct http_list files;        /* of multipart: field name, file name */
    struct http_list part_headers; /* of multipart: name, value */
    struct span body;              /* chunks put together, content coding decoded */
    bool has_body;                 /* the head announces one */
    bool body_done;
    uint16_t status;              /* 0: no response yet */
    struct span response_version; /* "HTTP/1.1" */
    struct http_list response_headers;
    struct span response_body;
    bool response_has_body;
    void *judged; /* the caller's */
    _Alignas(8) uint8_t notes[HTTP_NOTES_SIZE];
};

/* Points at which something is complete and has to be decided. */
enum http_point {
    HTTP_NOTHING,       /* all bytes are used up */
    HTTP_REQUEST_HEAD,  /* a body follows */
    HTTP_REQUEST_END,   /* with the body, up to its limit; or, where there is none, with the head */
    HTTP_RESPONSE_HEAD, /* a body follows; not for 1xx */
    HTTP_RESPONSE_END,
    HTTP_OPAQUE, /* from here on this direction is no HTTP (CONNECT, Upgrade) or not readable; told once */
    /* The bytes end within a request's head: its complete lines so far, as a transaction of their own (same number and
       notes as the whole one will have); of small heads, a few times each. */
    HTTP_REQUEST_PART,
};

/* midstream: the connection's beginning was not seen. Options are copied. NULL when out of memory. */
MUST_CHECK struct http *http_new(const struct http_options *opt, bool midstream);
void http_free(struct http *h);
/* Holds from the next message on. */
void http_set(struct http *h, const struct http_options *opt);

/*
 * Reads bytes of a direction up to the next point; *data becomes what is left.
 * Call until it returns HTTP_NOTHING. Where a body is over its limit the END
 * point comes at the limit, with HTTP_BODY_TOO_LONG, and the rest is skipped.
 * Negative errno: out of memory.
 */
int http_feed(struct http *h, enum http_dir dir, struct span *data);
/* The direction ended (FIN); call until HTTP_NOTHING as well. An incomplete request is dropped silently. */
int http_end(struct http *h, enum http_dir dir);

/*
 * Bytes of a direction were lost: from here on nothing of the old is
 * continued. Requests are looked for anew; responses are not read any more,
 * for what looks like one could be in the middle of another.
 */
void http_lost(struct http *h, enum http_dir dir);

/*
 * The responses of the connection are not seen from now on: transactions end
 * with their request. quiet = false: they are, from the beginning of the next
 * one on, or of the one that http_awaits. The caller sees to it that nothing
 * of that is missing, or calls http_lost behind it.
 */
void http_set_quiet(struct http *h, bool quiet);

/*
 * Whether what the client sends next depends on a response: CONNECT, or a
 * request that asks for an upgrade. In a quiet connection only where no
 * response to an earlier request can be under way, lest a part of that be
 * taken for this one: the connection is to turn loud before the request goes
 * on, or stays HTTP for ever. Ends with the response.
 */
bool http_awaits(const struct http *h);

/* Quiet: the client has got bytes of the server since the last call; before what it sent with that is fed. */
void http_answered(struct http *h);

/*
 * The server's next n bytes (modulo 2^32, by the client's word) went by unseen,
 * in a body that http_skips skipped. Where the body's end can be told, reading
 * goes on there: the point reached, as http_feed returns them. Else the
 * responses are lost.
 */
int http_skipped(struct http *h, uint32_t n);

enum http_progress { HTTP_IDLE, HTTP_IN_HEAD, HTTP_IN_BODY };

/* What the client is in the middle of sending. */
enum http_progress http_progress(const struct http *h);

/* At HTTP_RESPONSE_HEAD: the body that follows is of no interest to anybody. */
void http_skip_response_body(struct http *h);

/* The transaction of the last point, or NULL. Valid until the next call. */
struct http_tx *http_tx(struct http *h);

/* Whether the next bytes of a direction are of no interest: 0, or how many at least (SIZE_MAX: all that follow). */
size_t http_skips(const struct http *h, enum http_dir dir);

/* Whether the client waits, or may wait, for the response of an earlier request than the one being read. */
bool http_response_due(const struct http *h);

/* Bytes of memory that h takes. */
size_t http_memory(const struct http *h);

/* "bare_lf", … or NULL past the last. */
const char *http_anomaly_name(unsigned anomaly);

#endif
