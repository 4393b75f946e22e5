/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Content-Type up to the first LF, then a body: whatever is found lies in the input or the arena, and is bounded. */
#include <string.h>

#include "content_sink.h"

static void read_form(struct span type, struct span body, bool cut, struct fuzz_sink *f)
{
    size_t names, values;
    fuzz_start(f);
    content_multipart(&f->s, type, body, cut);
    fuzz_require(!f->s.failed);
    /* Bodies of parts do not overlap. A name may be put more than once where file names are doubled. */
    values = fuzz_read(&f->args, &names);
    fuzz_require(values + names <= body.len);
    values = fuzz_read(&f->part_headers, &names);
    fuzz_require(values + names <= body.len);
    fuzz_require(fuzz_read(&f->files, &names) <= body.len);
}

/* Without an anomaly the delimiters alone account for the parts. */
static size_t count_lines(struct span body, const char *start)
{
    size_t n = 0, len = strlen(start);
    for (size_t i = 0; i + len <= body.len; i++)
        n += (!i || body.data[i - 1] == '\n') && !memcmp(body.data + i, start, len);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
    size_t type_len = lf ? (size_t)(lf - data) : 0;
    struct span type = span_of(data, type_len);
    struct span body = lf ? span_from(span_of(data, size), type_len + 1) : span_of(NULL, 0);
    struct fuzz_sink whole, cut;
    (void)content_type_of(type);
    read_form(type, body, false, &whole);
    read_form(type, body, true, &cut);
    fuzz_require(!fuzz_noted(&cut, HTTP_BAD_MULTIPART) || fuzz_noted(&whole, HTTP_BAD_MULTIPART));
    if (!whole.anomalies) {
        fuzz_require(whole.args.n == cut.args.n && whole.files.n == cut.files.n);
        fuzz_require(whole.args.n + whole.files.n < count_lines(body, "--"));
    }
    arena_free(&whole.arena);
    arena_free(&cut.arena);
    return 0;
}
