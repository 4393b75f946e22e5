/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_BASE_SIP_H
#define SLUICE_BASE_SIP_H

#include <stdint.h>
#include <string.h>

/* SipHash-1-3, word by word: a hash that whoever does not know the key can find no collisions of. */
struct sip {
    uint64_t v[4];
};

static inline struct sip sip_begin(const uint64_t key[2])
{
    return (struct sip){{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261,
                         key[1] ^ 0x7465646279746573}};
}

static inline uint64_t sip_rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip *s)
{
    uint64_t *v = s->v;
    v[0] += v[1];
    v[2] += v[3];
    v[1] = sip_rotl(v[1], 13) ^ v[0];
    v[3] = sip_rotl(v[3], 16) ^ v[2];
    v[0] = sip_rotl(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = sip_rotl(v[1], 17) ^ v[2];
    v[3] = sip_rotl(v[3], 21) ^ v[0];
    v[2] = sip_rotl(v[2], 32);
}

static inline void sip_add(struct sip *s, uint64_t word)
{
    s->v[3] ^= word;
    sip_round(s);
    s->v[0] ^= word;
}

/* The bytes with their length. */
static inline void sip_add_bytes(struct sip *s, const void *data, size_t len)
{
    const uint8_t *at = data;
    uint64_t word;
    sip_add(s, len);
    for (; len >= sizeof word; at += sizeof word, len -= sizeof word) {
        memcpy(&word, at, sizeof word);
        sip_add(s, word);
    }
    if (!len)
        return;
    word = 0;
    memcpy(&word, at, len);
    sip_add(s, word);
}

static inline uint64_t sip_end(struct sip *s)
{
    s->v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(s);
    return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

#endif
