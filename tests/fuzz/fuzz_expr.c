/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conditions: parsed, folded, compiled, and run over a packet that the input ends with. */
#include <stdlib.h>

#include "inspect/evidence.h"
#include "inspect/expr.h"
#include "inspect/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A request whose parts are all the input's rest. */
static struct http_tx make_tx(struct span bytes, struct http_field *field)
{
    *field = (struct http_field){.name = span_first(bytes, 3), .value = bytes};
    struct http_list list = {field, 1, 1};
    return (struct http_tx){.number = 1,
                            .method = span_first(bytes, 4),
                            .uri = bytes,
                            .path = bytes,
                            .host = bytes,
                            .headers = list,
                            .args = list,
                            .cookies = list,
                            .files = list,
                            .body = bytes,
                            .response_body = bytes,
                            .status = 200,
                            .anomalies = bytes.len};
}

static void run(const struct expr *ex, struct program *pg, uint32_t start, struct span bytes)
{
    static const struct iface dev = {.name = "eth0", .side = SIDE_OUTSIDE};
    struct packet_meta meta = {.ethertype = 0x0800, .full_len = (uint32_t)bytes.len, .in_dev = &dev};
    struct packet p;
    struct atoms atoms = {.limit = 100};
    struct http_field field;
    struct http_tx tx = make_tx(bytes, &field);
    struct subject subject = {.packet = &p, .tx = &tx, .stream = bytes};
    (void)keys_of(&atoms, ex, pg);
    free(atoms.at);
    if (bytes.len && bytes.data[0] >> 4 == 6)
        meta.ethertype = 0x86dd;
    packet_decode(&p, &meta, bytes, 0);
    struct view v = {.pg = pg, .s = scratch_make(pg, 1000, 1, NULL), .subject = &subject};
    struct evidence e;
    if (v.s) {
        scratch_begin(v.s);
        if (program_run(pg, start, &v) == 1)
            evidence_take(&v, &e);
    }
    scratch_free(v.s);
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
    struct schedule when;
    if (expr_parse(&ex, (const char *)data, len, &sets, &pg, &error) && expr_schedule(&ex, NULL, &pg, &when, &error)) {
        if (!when.phases)
            abort(); /* never looked at */
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
