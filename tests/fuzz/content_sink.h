/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_FUZZ_CONTENT_SINK_H
#define SLUICE_TESTS_FUZZ_CONTENT_SINK_H

#include <stdint.h>
#include <stdlib.h>

#include "app/content.h"

#define MAX_ARGS 40
#define MAX_DEPTH 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sink with its lists, for one input. */
struct fuzz_sink {
    struct arena arena;
    struct http_list args, files, part_headers;
    uint64_t anomalies;
    struct content_sink s;
};

static inline void fuzz_start(struct fuzz_sink *f)
{
    *f = (struct fuzz_sink){.anomalies = 0};
    f->s = (struct content_sink){.arena = &f->arena,
                                 .args = &f->args,
                                 .files = &f->files,
                                 .part_headers = &f->part_headers,
                                 .anomalies = &f->anomalies,
                                 .max_args = MAX_ARGS,
                                 .max_depth = MAX_DEPTH};
}

static inline bool fuzz_noted(const struct fuzz_sink *f, enum http_anomaly a)
{
    return f->anomalies >> a & 1;
}

static inline void fuzz_require(bool holds)
{
    if (!holds)
        abort();
}

/* Reads every byte of a list, so that the sanitizer sees one that is not ours; returns how many of them. */
static inline size_t fuzz_read(const struct http_list *l, size_t *names)
{
    volatile uint8_t sum = 0;
    size_t values = 0;
    *names = 0;
    fuzz_require(l->n <= MAX_ARGS);
    for (uint32_t i = 0; i < l->n; i++) {
        for (size_t k = 0; k < l->at[i].name.len; k++)
            sum = (uint8_t)(sum + l->at[i].name.data[k]);
        for (size_t k = 0; k < l->at[i].value.len; k++)
            sum = (uint8_t)(sum + l->at[i].value.data[k]);
        *names += l->at[i].name.len;
        values += l->at[i].value.len;
    }
    return values;
}

#endif
