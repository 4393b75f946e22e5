/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_TRANSFORM_H
#define SLUICE_MATCH_TRANSFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/*
 * What a value goes through before it is compared. They do what ModSecurity's
 * transformations of the same meaning do, so that rules written for those mean
 * the same here. Any thread; no allocation.
 */
enum transform {
    TRANSFORM_LOWER,                /* lower */
    TRANSFORM_UPPER,                /* upper */
    TRANSFORM_URL_DECODE,           /* url_decode: %XX and +; what is malformed stays */
    TRANSFORM_URL_DECODE_UNI,       /* url_decode_uni: also %uXXXX, full-width ASCII mapped */
    TRANSFORM_URL_ENCODE,           /* url_encode: all but letters, digits and *; space to + */
    TRANSFORM_HTML_DECODE,          /* html_decode: &#x41; &#65; &lt; &gt; &amp; &quot; &nbsp; and the like */
    TRANSFORM_JS_DECODE,            /* js_decode: \uHHHH \xHH \OOO \n … */
    TRANSFORM_CSS_DECODE,           /* css_decode: \HHHHHH */
    TRANSFORM_BASE64_DECODE,        /* base64_decode: up to the first byte that is none */
    TRANSFORM_BASE64_DECODE_EXT,    /* base64_decode_ext: bytes that are none are left out */
    TRANSFORM_BASE64_ENCODE,        /* base64_encode */
    TRANSFORM_HEX_DECODE,           /* hex_decode */
    TRANSFORM_HEX_ENCODE,           /* hex_encode */
    TRANSFORM_SQL_HEX_DECODE,       /* sql_hex_decode: 0x4142 */
    TRANSFORM_NORMALIZE_PATH,       /* normalize_path: //, /./, /x/../ */
    TRANSFORM_NORMALIZE_PATH_WIN,   /* normalize_path_win: the same with \ as / first */
    TRANSFORM_REMOVE_NULLS,         /* remove_nulls */
    TRANSFORM_REPLACE_NULLS,        /* replace_nulls: by spaces */
    TRANSFORM_COMPRESS_WHITESPACE,  /* compress_whitespace: runs to one space */
    TRANSFORM_REMOVE_WHITESPACE,    /* remove_whitespace */
    TRANSFORM_REPLACE_COMMENTS,     /* replace_comments: C comments by one space; unterminated ones too */
    TRANSFORM_REMOVE_COMMENTS,      /* remove_comments: C comments, --, # and <!-- --> */
    TRANSFORM_REMOVE_COMMENT_CHARS, /* remove_comment_chars: the marks themselves */
    TRANSFORM_CMD_LINE,             /* cmd_line: \ " ' ^ out, , ; to spaces, spaces compressed, lower case */
    TRANSFORM_UTF8_TO_UNICODE,      /* utf8_to_unicode: multi-byte characters to %uHHHH */
    TRANSFORM_ESCAPE_SEQ_DECODE,    /* escape_seq_decode: ANSI C escapes */
    TRANSFORM_TRIM,                 /* trim: whitespace at both ends */
    TRANSFORM_TRIM_LEFT,            /* trim_left */
    TRANSFORM_TRIM_RIGHT,           /* trim_right */
    TRANSFORM_PARITY_EVEN_7BIT,     /* parity_even_7bit: the highest bit makes the number of ones even */
    TRANSFORM_PARITY_ODD_7BIT,      /* parity_odd_7bit */
    TRANSFORM_PARITY_ZERO_7BIT,     /* parity_zero_7bit: the highest bit away */
    TRANSFORM_MD5,                  /* md5: 16 bytes */
    TRANSFORM_SHA1,                 /* sha1: 20 bytes */
    TRANSFORM_UTF8_MARKED,          /* utf8_to_unicode_marked: ModSecurity's; ill-formed ones are marked, NULs out */
    TRANSFORM_LENGTH,               /* length, as decimal digits; conditions compare it as an integer */
    TRANSFORMS
};

/* -1 where there is none of that name. */
int transform_find(const char *name, size_t len);
const char *transform_name(enum transform t);

/* The most bytes that the result of an input of `len` bytes can take. */
size_t transform_room(enum transform t, size_t len);

/* Whether it may change a value for having this byte; one without any such byte stays as it is. */
bool transform_touches(enum transform t, uint8_t byte);
/* Whether it may change any value, also an empty one. */
bool transform_always(enum transform t);

/*
 * The transformed value: `in` itself (or a part of it) where it does not
 * change, else written to buf, which has transform_room(t, in.len) bytes and
 * does not overlap in.
 */
struct span transform_apply(enum transform t, struct span in, uint8_t *buf);

#endif
