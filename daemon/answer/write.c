/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer/write.h"

#include <netinet/in.h>
#include <string.h>

#define HOP_LIMIT 64
#define WINDOW 1024

void write8(struct writer *w, unsigned v)
{
    *w->at++ = (uint8_t)v;
}

void write16(struct writer *w, unsigned v)
{
    write8(w, v >> 8);
    write8(w, v);
}

void write32(struct writer *w, uint32_t v)
{
    write16(w, v >> 16);
    write16(w, v & 0xffff);
}

void write_bytes(struct writer *w, const void *data, size_t len)
{
    if (len)
        memcpy(w->at, data, len);
    w->at += len;
}

void write_sum(uint8_t *at, uint64_t sum)
{
    uint16_t folded = csum_fold(sum);
    at[0] = (uint8_t)(folded >> 8);
    at[1] = (uint8_t)folded;
}

void write_ethernet(struct writer *w, const struct answer_link *link, int ip_version)
{
    write_bytes(w, link->dst_mac, 6);
    write_bytes(w, link->src_mac, 6);
    if (link->has_vlan) {
        write16(w, 0x8100);
        write16(w, link->vlan_tci);
    }
    write16(w, ip_version == 4 ? 0x0800 : 0x86dd);
}

static void write_ipv6(struct writer *w, const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto,
                       size_t len)
{
    write32(w, 0x60000000);
    write16(w, (unsigned)len);
    write8(w, proto);
    write8(w, HOP_LIMIT);
    write_bytes(w, src->bytes, 16);
    write_bytes(w, dst->bytes, 16);
}

static void write_ipv4(struct writer *w, const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto,
                       size_t len)
{
    uint8_t *start = w->at;
    write16(w, 0x4500);
    write16(w, (unsigned)len + 20);
    write32(w, 0x00004000); /* id 0, do not fragment */
    write8(w, HOP_LIMIT);
    write8(w, proto);
    write16(w, 0);
    write_bytes(w, src->bytes, 4);
    write_bytes(w, dst->bytes, 4);
    write_sum(start + 10, csum_add(0, start, 20));
}

void write_ip(struct writer *w, const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, size_t len)
{
    if (src->family == 6)
        write_ipv6(w, src, dst, proto, len);
    else
        write_ipv4(w, src, dst, proto, len);
}

void write_tcp(struct writer *w, const struct answer_tcp *a)
{
    size_t len = 20 + a->payload.len;
    write_ip(w, &a->src, &a->dst, IPPROTO_TCP, len);
    uint8_t *start = w->at;
    write16(w, a->srcport);
    write16(w, a->dstport);
    write32(w, a->seq);
    write32(w, a->ack);
    write8(w, 5 << 4);
    write8(w, a->flags);
    write16(w, a->flags & TCP_FLAG_RST ? 0 : WINDOW);
    write32(w, 0); /* checksum, urgent pointer */
    write_bytes(w, a->payload.data, a->payload.len);
    write_sum(start + 16, csum_add(csum_pseudo(&a->src, &a->dst, IPPROTO_TCP, (uint32_t)len), start, len));
}
