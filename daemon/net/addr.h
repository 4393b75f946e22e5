/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_NET_ADDR_H
#define SLUICE_NET_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

/* An IPv4 (4) or IPv6 (6) address, network order; IPv4 uses the first four bytes, the rest are zero. */
struct ip_addr {
    uint8_t family; /* 4, 6, or 0 for none */
    uint8_t bytes[16];
};

/* A network: the address with its host bits cleared, and the prefix length (0..32 or 0..128). */
struct ip_net {
    struct ip_addr addr;
    uint8_t prefix;
};

#define IP_ADDR_TEXT_MAX 46

static inline bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Reads "192.0.2.1" or "2001:db8::1"; false when it is neither. */
MUST_CHECK bool ip_addr_parse(const char *text, struct ip_addr *ret);

/*
 * Reads an address or "address/prefix"; an address alone is a network of one.
 * Returns 0; -EINVAL when it is neither; -ERANGE when the prefix is too long;
 * -EDOM when host bits are set (ret then holds the network that was meant).
 */
MUST_CHECK int ip_net_parse(const char *text, struct ip_net *ret);

bool ip_net_has(const struct ip_net *net, const struct ip_addr *addr);

/* Writes the usual text form (RFC 5952 for IPv6); buf holds IP_ADDR_TEXT_MAX. Returns buf. */
const char *ip_addr_format(const struct ip_addr *addr, char *buf);

#endif
