/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte that chooses the coding and the pieces, then coded data: pieces must give what the whole gives. */
#include <string.h>

#include "content_sink.h"

#define ROOM 65536

struct result {
    uint8_t out[ROOM];
    size_t len;
    bool bad, done;
};

static void decode(const char *coding, struct span in, size_t piece, size_t room, struct result *r)
{
    bool known;
    struct inflater *z = inflater_new(span_of(coding, strlen(coding)), &known);
    fuzz_require(z && known);
    r->len = 0;
    r->bad = r->done = false;
    while (in.len && !r->bad && r->len < ROOM) {
        struct span part = span_first(in, piece), left = part;
        size_t most = ROOM - r->len < room ? ROOM - r->len : room;
        long n = inflater_run(z, &left, r->out + r->len, most, &r->done);
        fuzz_require(n <= (long)most && left.len <= part.len);
        r->bad = n < 0;
        r->len += n > 0 ? (size_t)n : 0;
        fuzz_require(n != 0 || left.len < part.len);
        in = span_from(in, part.len - left.len);
    }
    /* What zlib still holds. */
    for (long n = 1; n > 0 && !r->bad && r->len<ROOM; r->len += n> 0 ? (size_t)n : 0) {
        n = inflater_run(z, &in, r->out + r->len, ROOM - r->len, &r->done);
        r->bad = n < 0;
    }
    inflater_free(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct result whole, pieces;
    if (!size)
        return 0;
    const char *coding = data[0] & 1 ? "gzip" : "deflate";
    struct span in = span_of(data + 1, size - 1);
    decode(coding, in, SIZE_MAX, ROOM, &whole);
    decode(coding, in, 1 + (data[0] >> 1 & 7), 1 + (data[0] >> 4) * 17u, &pieces);
    fuzz_require(whole.len == pieces.len && !memcmp(whole.out, pieces.out, whole.len));
    if (whole.len < ROOM)
        fuzz_require(whole.bad == pieces.bad && whole.done == pieces.done);
    return 0;
}
