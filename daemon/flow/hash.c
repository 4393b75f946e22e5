/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/random.h>

#include "flow/internal.h"

/* SipHash-1-3 over both ends in an order that does not depend on the direction. */

struct sip {
    uint64_t v[4];
};

static uint64_t rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(struct sip *s)
{
    uint64_t *v = s->v;
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] = rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] = rotl(v[2], 32);
}

static void sip_add(struct sip *s, uint64_t word)
{
    s->v[3] ^= word;
    sip_round(s);
    s->v[0] ^= word;
}

static void sip_add_addr(struct sip *s, const struct ip_addr *a)
{
    uint64_t words[2];
    memcpy(words, a->bytes, sizeof words);
    sip_add(s, words[0]);
    if (a->family == 6)
        sip_add(s, words[1]);
}

static uint64_t sip_end(struct sip *s, uint64_t last)
{
    sip_add(s, last);
    s->v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(s);
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

static bool source_first(const struct packet *p)
{
    int order = memcmp(p->src.bytes, p->dst.bytes, sizeof p->src.bytes);
    return order < 0 || (order == 0 && p->srcport < p->dstport);
}

uint32_t hash_packet(const uint64_t key[2], const struct packet *p)
{
    struct sip s = {.v = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
                          key[1] ^ 0x7465646279746573}};
    bool first = source_first(p);
    sip_add_addr(&s, first ? &p->src : &p->dst);
    sip_add_addr(&s, first ? &p->dst : &p->src);
    uint64_t ports = first ? (uint64_t)p->srcport << 16 | p->dstport : (uint64_t)p->dstport << 16 | p->srcport;
    return (uint32_t)sip_end(&s, ports | (uint64_t)p->src.family << 56);
}

bool hash_random(void *buf, size_t len)
{
    return getrandom(buf, len, 0) == (ssize_t)len;
}
