/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as XML, whole and cut: no more comes out than went in, but for encodings and the names' paths. */
#include "content_sink.h"

static void read_xml(struct span in, bool cut)
{
    struct fuzz_sink f;
    size_t names;
    fuzz_start(&f);
    content_xml(&f.s, in, cut);
    fuzz_require(!f.s.failed && !f.files.n && !f.part_headers.n);
    /* A byte of a legacy encoding takes up to three in UTF-8. */
    size_t values = fuzz_read(&f.args, &names);
    fuzz_require(values <= 3 * in.len && names + values <= 8 * in.len + 65536);
    arena_free(&f.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_xml(span_of(data, size), false);
    read_xml(span_of(data, size), true);
    read_xml(span_of(data, size / 2), true);
    return 0;
}
