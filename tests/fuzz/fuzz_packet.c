/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * packet_decode() on any bytes. An input is one byte of settings, one byte of
 * how much more the packet held than was copied (in 16 bytes), then the packet.
 */
#include <stdlib.h>

#include "net/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static bool inside(struct span outer, struct span inner)
{
    if (inner.len == 0)
        return true;
    return inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len;
}

static struct packet_meta meta_of(uint8_t settings, uint8_t uncopied, size_t len)
{
    static const uint16_t ethertypes[4] = {0, 0x0800, 0x86dd, 0x0806};
    return (struct packet_meta){
        .full_len = (uint32_t)(len + uncopied * 16u),
        .gso = settings & 1,
        .csum = settings & 4 ? CSUM_NOT_READY : CSUM_VERIFY,
        .ethertype = ethertypes[(settings >> 4) & 3],
    };
}

static void check_spans(const struct packet *p, struct span data)
{
    demand(inside(data, p->data));
    demand(inside(p->data, p->transport));
    demand(inside(p->data, p->payload));
    if (p->frag_offset > 0)
        demand(p->transport.len == 0 && p->l4 == L4_NONE);
    if (p->l4 != L4_NONE && p->payload.len > 0)
        demand(inside(p->transport, p->payload) && p->payload.data == p->transport.data + p->l4_header_len);
}

static void check_fields(const struct packet *p)
{
    demand(p->anomalies < 1u << ANOMALY_COUNT && p->ip_options < 1u << IP_OPTION_COUNT);
    demand(p->ip_version == 0 || p->ip_version == 4 || p->ip_version == 6);
    demand(p->src.family == p->ip_version && p->dst.family == p->ip_version);
    demand(p->ip_version != 0 || p->anomalies != 0 || p->meta.full_len > p->data.len);
    demand(p->is_fragment == (p->more_fragments || p->frag_offset > 0));
}

static void check_text(const struct packet *p)
{
    char text[IP_ADDR_TEXT_MAX];
    struct ip_addr again;
    if (p->ip_version == 0)
        return;
    demand(ip_addr_parse(ip_addr_format(&p->src, text), &again));
    demand(ip_addr_equal(&again, &p->src));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct packet_meta meta = meta_of(data[0], data[1], size - 2);
    struct span bytes = span_of(data + 2, size - 2);
    struct packet p;
    packet_decode(&p, &meta, bytes, data[0] & 2 ? PACKET_NEED_CHECKSUM : 0);
    check_spans(&p, bytes);
    check_fields(&p);
    check_text(&p);
    return 0;
}
