/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A message from the NFLOG socket: whatever it holds, the views lie inside it. */
#include <stdint.h>
#include <stdlib.h>

#include "queue/nflog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum;

static void check_span(struct span s, const uint8_t *data, size_t size)
{
    if (!s.len)
        return;
    if (s.data < data || s.len > size || s.data + s.len > data + size)
        abort();
    for (size_t i = 0; i < s.len; i++)
        sum += s.data[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nflog_packet p;
    int r = nflog_parse(span_of(data, size), &p);
    if (r > 1)
        abort();
    if (r != 1)
        return 0;
    check_span(p.payload, data, size);
    check_span(p.prefix, data, size);
    check_span(p.l2_header, data, size);
    if (p.hwaddr_len > sizeof p.hwaddr)
        abort();
    return 0;
}
