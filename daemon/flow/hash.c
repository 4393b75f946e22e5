/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/random.h>

#include "base/sip.h"
#include "flow/internal.h"

/* SipHash-1-3 over both ends in an order that does not depend on the direction. */

static void add_addr(struct sip *s, const struct ip_addr *a)
{
    uint64_t words[2];
    memcpy(words, a->bytes, sizeof words);
    sip_add(s, words[0]);
    if (a->family == 6)
        sip_add(s, words[1]);
}

static bool source_first(const struct packet *p)
{
    int order = memcmp(p->src.bytes, p->dst.bytes, sizeof p->src.bytes);
    return order < 0 || (order == 0 && p->srcport < p->dstport);
}

uint32_t hash_packet(const uint64_t key[2], const struct packet *p)
{
    struct sip s = sip_begin(key);
    bool first = source_first(p);
    add_addr(&s, first ? &p->src : &p->dst);
    add_addr(&s, first ? &p->dst : &p->src);
    uint64_t ports = first ? (uint64_t)p->srcport << 16 | p->dstport : (uint64_t)p->dstport << 16 | p->srcport;
    sip_add(&s, ports | (uint64_t)p->src.family << 56);
    return (uint32_t)sip_end(&s);
}

bool hash_random(void *buf, size_t len)
{
    return getrandom(buf, len, 0) == (ssize_t)len;
}
