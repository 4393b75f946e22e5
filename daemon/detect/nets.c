/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>

#include "detect/internal.h"

static struct net_range range_of(const struct ip_net *net)
{
    struct net_range r = {0};
    size_t size = net->addr.family == 4 ? 4 : 16;
    for (size_t i = 0; i < size; i++) {
        size_t bits = net->prefix > 8 * i ? net->prefix - 8 * i : 0;
        uint8_t host = bits >= 8 ? 0 : (uint8_t)(0xff >> bits);
        r.first[i] = net->addr.bytes[i];
        r.last[i] = net->addr.bytes[i] | host;
    }
    return r;
}

static int by_first(const void *a, const void *b)
{
    const struct net_range *x = a, *y = b;
    int order = memcmp(x->first, y->first, sizeof x->first);
    return order ? order : memcmp(x->last, y->last, sizeof x->last);
}

/* What overlaps becomes one, so that a range is found by its first address. */
static size_t merge(struct net_range *at, size_t n)
{
    size_t kept = 0;
    if (n)
        qsort(at, n, sizeof *at, by_first);
    for (size_t i = 0; i < n; i++) {
        struct net_range *before = kept ? &at[kept - 1] : NULL;
        if (!before || memcmp(at[i].first, before->last, sizeof before->last) > 0)
            at[kept++] = at[i];
        else if (memcmp(at[i].last, before->last, sizeof before->last) > 0)
            memcpy(before->last, at[i].last, sizeof before->last);
    }
    return kept;
}

int nets_read(const struct config_strings *texts, struct net_ranges *ret)
{
    struct net_ranges n = {0};
    n.v4 = calloc(texts->n + 1, sizeof *n.v4);
    n.v6 = calloc(texts->n + 1, sizeof *n.v6);
    int err = n.v4 && n.v6 ? 0 : -ENOMEM;
    for (size_t i = 0; !err && i < texts->n; i++) {
        struct ip_net net;
        err = ip_net_parse(texts->at[i], &net);
        if (!err && net.addr.family == 4)
            n.v4[n.n4++] = range_of(&net);
        else if (!err)
            n.v6[n.n6++] = range_of(&net);
    }
    if (err) {
        nets_free(&n);
        return err;
    }
    n.n4 = merge(n.v4, n.n4);
    n.n6 = merge(n.v6, n.n6);
    *ret = n;
    return 0;
}

void nets_free(struct net_ranges *n)
{
    free(n->v4);
    free(n->v6);
    *n = (struct net_ranges){0};
}

static bool same(const struct net_range *a, size_t n, const struct net_range *b, size_t m)
{
    return n == m && memcmp(a, b, n * sizeof *a) == 0;
}

bool nets_equal(const struct net_ranges *a, const struct net_ranges *b)
{
    return same(a->v4, a->n4, b->v4, b->n4) && same(a->v6, a->n6, b->v6, b->n6);
}

static uint32_t number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_before(const uint8_t *a, const uint8_t *b, uint8_t family)
{
    return family == 4 ? number(a) < number(b) : memcmp(a, b, 16) < 0;
}

bool nets_have(const struct net_ranges *n, const struct ip_addr *addr)
{
    const struct net_range *at = addr->family == 4 ? n->v4 : n->v6;
    size_t low = 0, high = addr->family == 4 ? n->n4 : n->n6;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (is_before(addr->bytes, at[middle].first, addr->family))
            high = middle;
        else
            low = middle + 1;
    }
    return low > 0 && !is_before(at[low - 1].last, addr->bytes, addr->family);
}
