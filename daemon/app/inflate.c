/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <limits.h>
#include <zlib.h>

#include "app/content_internal.h"

/* What zlib allocates for a window of 32 KiB and its state, about. */
#define ZLIB_MEMORY ((size_t)40 * 1024)
#define GZIP_FIRST 0x1f

struct inflater {
    z_stream z;
    bool gzip;
    bool begun; /* zlib is set up */
    bool ended; /* a stream, or a gzip member, is complete */
    bool bad;
    uint8_t head[2]; /* of deflate: kept until both are there */
    unsigned heads;
};

struct inflater *inflater_new(struct span coding, bool *known)
{
    bool gzip = content_is(coding, "gzip") || content_is(coding, "x-gzip");
    *known = gzip || content_is(coding, "deflate");
    if (!*known)
        return NULL;
    struct inflater *z = calloc(1, sizeof *z);
    if (!z)
        return NULL;
    z->gzip = gzip;
    if (gzip && inflateInit2(&z->z, 16 + MAX_WBITS) != Z_OK) {
        free(z);
        return NULL;
    }
    z->begun = gzip;
    return z;
}

void inflater_free(struct inflater *z)
{
    if (!z)
        return;
    if (z->begun)
        inflateEnd(&z->z);
    free(z);
}

size_t inflater_memory(const struct inflater *z)
{
    return sizeof *z + (z->begun ? ZLIB_MEMORY : 0);
}

/* RFC 1950 2.2; what is called deflate often comes without that header (RFC 1951). */
static bool is_zlib_header(const uint8_t *h)
{
    return (h[0] & 0x0f) == Z_DEFLATED && h[0] >> 4 <= 7 && (h[0] << 8 | h[1]) % 31 == 0;
}

/* Takes the first two bytes of deflate and sets zlib up. False while there are less, or with `bad`. */
static bool begin(struct inflater *z, struct span *in)
{
    for (; z->heads < 2 && in->len; *in = span_from(*in, 1))
        z->head[z->heads++] = in->data[0];
    if (z->heads < 2)
        return false;
    z->bad = inflateInit2(&z->z, is_zlib_header(z->head) ? MAX_WBITS : -MAX_WBITS) != Z_OK;
    z->begun = !z->bad;
    z->z.next_in = z->head;
    z->z.avail_in = 2;
    return z->begun;
}

static unsigned clamp(size_t n)
{
    return n < UINT_MAX ? (unsigned)n : UINT_MAX;
}

/* One call of zlib; false when it wants more input or room, or the stream is over. */
static bool step(struct inflater *z, struct span *in, size_t *room)
{
    bool head = z->heads == 2 && !z->gzip;
    unsigned offered = 0;
    if (!head) {
        offered = clamp(in->len);
        z->z.next_in = (z_const Bytef *)in->data;
        z->z.avail_in = offered;
    }
    unsigned out = clamp(*room);
    z->z.avail_out = out;
    int r = inflate(&z->z, Z_NO_FLUSH);
    unsigned made = out - z->z.avail_out, left = z->z.avail_in;
    *room -= made;
    if (head)
        z->heads = left ? 2 : 3; /* 3: they are used up */
    else
        *in = span_from(*in, offered - left);
    z->ended = r == Z_STREAM_END;
    z->bad = r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR;
    /* A stream that ends inside its first two bytes leaves one that belongs to nothing. */
    z->bad |= head && z->ended && left;
    return !z->bad && r != Z_BUF_ERROR && *room;
}

/* Behind the end only a further gzip member may come. */
static bool next_member(struct inflater *z, struct span in)
{
    z->bad = !z->gzip || in.data[0] != GZIP_FIRST || inflateReset(&z->z) != Z_OK;
    z->ended = false;
    return !z->bad;
}

long inflater_run(struct inflater *z, struct span *in, uint8_t *out, size_t room, bool *done)
{
    size_t left = room = room < LONG_MAX ? room : LONG_MAX;
    *done = z->ended;
    if (z->bad)
        return -1;
    if (!room || (!z->begun && !begin(z, in)))
        return z->bad ? -1 : 0;
    z->z.next_out = out;
    do {
        if (z->ended && (!in->len || !next_member(z, *in)))
            break;
    } while (step(z, in, &left));
    *done = z->ended;
    return z->bad && left == room ? -1 : (long)(room - left);
}
