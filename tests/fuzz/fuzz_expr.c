/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditions: parsed, folded, compiled, and run over a packet that the input ends with. */
#include <stdlib.h>

#include "inspect/expr.h"
#include "inspect/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const struct expr *ex, struct program *pg, uint32_t start, struct span bytes)
{
    static const struct iface dev = {.name = "eth0", .side = SIDE_OUTSIDE};
    struct packet_meta meta = {.ethertype = 0x0800, .full_len = (uint32_t)bytes.len, .in_dev = &dev};
    struct packet p;
    struct atoms atoms = {.limit = 100};
    (void)keys_of(&atoms, ex, pg);
    free(atoms.at);
    if (bytes.len && bytes.data[0] >> 4 == 6)
        meta.ethertype = 0x86dd;
    packet_decode(&p, &meta, bytes, 0);
    struct matcher *m = matcher_new(1000);
    if (m)
        (void)program_run(pg, start, &p, m);
    matcher_free(m);
}

/* Input: the condition, then a zero byte and a packet. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct expr ex = {0};
    struct program pg = {0};
    struct set_names sets = {0};
    struct expr_error error;
    uint32_t start;
    unsigned needs = 0;
    const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
    size_t len = zero ? (size_t)(zero - data) : size;
    if (expr_parse(&ex, (const char *)data, len, &sets, &pg, &error)) {
        expr_fold(&ex);
        if (expr_emit(&ex, &pg, &start, &needs))
            run(&ex, &pg, start, span_from(span_of(data, size), len + 1));
    } else if (!error.text[0] || error.at > len + 1) {
        abort(); /* refused, and no word or place why */
    }
    expr_free(&ex);
    program_free(&pg);
    return 0;
}
