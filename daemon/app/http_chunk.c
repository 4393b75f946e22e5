/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "app/http_internal.h"

#define DIGITS_MAX 16
#define EXTENSION_MAX 4096

/* RFC 9112 7.1 */
enum { SIZE, SPACE, EXTENSION, SIZE_LF, AFTER_DATA, AFTER_DATA_LF };

void http_chunk_begin(struct http_reader *r)
{
    r->chunk = SIZE;
    r->digits = 0;
    r->size = 0;
    r->extension = 0;
}

void http_chunk_data_end(struct http_reader *r)
{
    r->chunk = AFTER_DATA;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum chunk size_digit(struct http_reader *r, int digit)
{
    if (++r->digits > DIGITS_MAX)
        return CHUNK_BAD;
    r->size = r->size << 4 | (unsigned)digit;
    return CHUNK_MORE;
}

/* The line of a size is over. */
static enum chunk size_end(struct http_reader *r)
{
    if (!r->digits || r->size > INT64_MAX)
        return CHUNK_BAD;
    r->left = r->size;
    return r->left ? CHUNK_DATA : CHUNK_LAST;
}

static enum chunk bare_lf(struct http_reader *r, uint64_t *anomalies)
{
    *anomalies |= NOTE(HTTP_BARE_LF);
    return size_end(r);
}

static enum chunk in_extension(struct http_reader *r, uint8_t c, uint64_t *anomalies)
{
    if (c == '\n')
        return bare_lf(r, anomalies);
    if (c == '\r')
        r->chunk = SIZE_LF;
    else if (++r->extension > EXTENSION_MAX || (c < ' ' && c != '\t') || c == 0x7f)
        return CHUNK_BAD;
    return CHUNK_MORE;
}

static enum chunk in_size(struct http_reader *r, uint8_t c, bool lenient, uint64_t *anomalies)
{
    int digit = hex_digit(c);
    if (r->chunk == SIZE && digit >= 0)
        return size_digit(r, digit);
    if (!r->digits)
        return CHUNK_BAD;
    if (c == ';') {
        *anomalies |= NOTE(HTTP_CHUNK_EXTENSION);
        r->chunk = EXTENSION;
        return CHUNK_MORE;
    }
    if (c == ' ' || c == '\t') {
        r->chunk = SPACE;
        return ++r->extension > EXTENSION_MAX ? CHUNK_BAD : CHUNK_MORE;
    }
    if ((c != '\r' && c != '\n') || (r->chunk == SPACE && !lenient))
        return CHUNK_BAD;
    if (c == '\n')
        return bare_lf(r, anomalies);
    r->chunk = SIZE_LF;
    return CHUNK_MORE;
}

static enum chunk after_data(struct http_reader *r, uint8_t c, uint64_t *anomalies)
{
    if (c == '\r' && r->chunk == AFTER_DATA) {
        r->chunk = AFTER_DATA_LF;
        return CHUNK_MORE;
    }
    if (c != '\n')
        return CHUNK_BAD;
    if (r->chunk == AFTER_DATA)
        *anomalies |= NOTE(HTTP_BARE_LF);
    http_chunk_begin(r);
    return CHUNK_MORE;
}

static enum chunk chunk_byte(struct http_reader *r, uint8_t c, bool lenient, uint64_t *anomalies)
{
    switch (r->chunk) {
    case EXTENSION:
        return in_extension(r, c, anomalies);
    case SIZE_LF:
        return c == '\n' ? size_end(r) : CHUNK_BAD;
    case AFTER_DATA:
    case AFTER_DATA_LF:
        return after_data(r, c, anomalies);
    default:
        return in_size(r, c, lenient, anomalies);
    }
}

enum chunk http_chunk_read(struct http_reader *r, struct span *data, bool lenient, uint64_t *anomalies)
{
    for (size_t i = 0; i < data->len; i++) {
        enum chunk c = chunk_byte(r, data->data[i], lenient, anomalies);
        if (c == CHUNK_MORE)
            continue;
        *data = span_from(*data, i + 1);
        return c;
    }
    *data = (struct span){0};
    return CHUNK_MORE;
}
