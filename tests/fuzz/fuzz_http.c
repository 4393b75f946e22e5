/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>

#include "../unit/http_show.h"

/*
 * The first bytes choose options and where the pieces end; then come runs of
 * bytes, each a direction and a length. In whole runs and in small pieces they
 * must tell the same.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER 8
#define RUNS 64

struct input {
    struct http_options opt;
    bool midstream, quiet;
    uint32_t seed;
    struct span rest;
};

static uint32_t scale(uint8_t v, uint32_t small, uint32_t large)
{
    return v & 1 ? small * (1 + (v >> 4)) : large;
}

static struct input input_of(const uint8_t *d, size_t size)
{
    struct input in = {
        .midstream = (d[0] & 0xe0) == 0xe0, .quiet = (d[0] & 0xe0) == 0xc0, .seed = d[7] * 2654435761u + 1};
    in.opt.want = (d[0] & 15u) | (d[0] & 16 ? HTTP_WANT_PARTS : 0u);
    in.opt.limits = (struct http_limits){.head = scale(d[1], 40, 16384),
                                         .headers = scale(d[2], 2, 100),
                                         .body = scale(d[3], 10, 65536),
                                         .response_body = scale(d[4], 10, 65536),
                                         .args = scale(d[5], 2, 100),
                                         .depth = scale(d[5], 2, 20),
                                         .ratio = scale(d[6], 1, 100),
                                         .pipelined = scale(d[6], 1, 32)};
    in.rest = span_of(d + HEADER, size - HEADER);
    return in;
}

static size_t piece(uint32_t *seed, size_t left, bool whole)
{
    if (whole)
        return left;
    *seed = *seed * 1664525 + 1013904223;
    size_t n = *seed >> 28 ? 1 + (*seed >> 24 & 15) : 1 + (*seed >> 12 & 4095);
    return n < left ? n : left;
}

/* A run is a byte (direction, end) and two of length; the last one is what is left. */
static bool next_run(struct span *rest, uint8_t *flags, struct span *run)
{
    if (rest->len < 3)
        return false;
    *flags = rest->data[0];
    size_t n = (size_t)(rest->data[1] << 8 | rest->data[2]);
    struct span s = span_from(*rest, 3);
    *run = span_first(s, n);
    *rest = span_from(s, run->len);
    return true;
}

static void check(struct http *h)
{
    if (http_memory(h) < 32)
        abort();
    (void)http_skips(h, HTTP_TO_SERVER);
    (void)http_skips(h, HTTP_TO_CLIENT);
    (void)http_response_due(h);
    (void)http_progress(h);
}

/* What the owner does between runs, in a connection whose responses are seen or not. */
static void between_runs(struct shown *o, struct http *h, uint8_t flags)
{
    int point = 0;
    if ((flags & 0x70) == 0x10)
        http_answered(h);
    if ((flags & 0x70) == 0x20)
        point = http_skipped(h, (uint32_t)(flags >> 1 & 7) * 5);
    if (point > 0)
        show_point(o, point, http_tx(h));
    if ((flags & 0x70) == 0x30)
        http_set_quiet(h, flags & 2);
    if ((flags & 0x70) == 0x40 && http_awaits(h))
        http_set_quiet(h, false);
    show_text(o, http_awaits(h) ? "awaits\n" : "");
}

static void play(const struct input *in, bool whole, struct shown *o)
{
    struct http *h = http_new(&in->opt, in->midstream);
    struct span rest = in->rest, run;
    uint32_t seed = in->seed;
    uint8_t flags;
    if (!h)
        abort();
    if (in->quiet)
        http_set_quiet(h, true);
    for (int i = 0; i < RUNS && next_run(&rest, &flags, &run); i++) {
        if (in->quiet)
            between_runs(o, h, flags);
        enum http_dir dir = flags & 1 ? HTTP_TO_CLIENT : HTTP_TO_SERVER;
        show_text(o, dir == HTTP_TO_CLIENT ? "<\n" : ">\n");
        for (size_t at = 0; at < run.len;) {
            size_t n = piece(&seed, run.len - at, whole);
            if (show_piece(o, h, dir, run.data + at, n) < 0)
                abort();
            check(h);
            at += n;
        }
        if ((flags & 0x7e) == 0x7e && show_end(o, h, dir) < 0)
            abort();
    }
    show_end(o, h, HTTP_TO_SERVER);
    show_end(o, h, HTTP_TO_CLIENT);
    http_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shown one = {0}, many = {0};
    if (size < HEADER)
        return 0;
    struct input in = input_of(data, size);
    play(&in, true, &one);
    play(&in, false, &many);
    if (!in.midstream && (one.len != many.len || (one.len && memcmp(one.text, many.text, one.len) != 0))) {
        fprintf(stderr, "whole:\n%s\nin pieces:\n%s\n", one.text, many.text);
        abort();
    }
    free(one.text);
    free(many.text);
    return 0;
}
