/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_QUEUE_ATTR_H
#define SLUICE_QUEUE_ATTR_H

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* Walking through the attributes of a netlink message that may say anything. */

/* The attribute at `at` of a block of `len` bytes, or NULL where none is whole. */
static inline const struct nlattr *attr_at(const uint8_t *block, size_t len, size_t at)
{
    if (at >= len || len - at > INT32_MAX)
        return NULL;
    const struct nlattr *a = (const void *)(block + at);
    return mnl_attr_ok(a, (int)(len - at)) ? a : NULL;
}

static inline size_t attr_room(const struct nlattr *a)
{
    return (mnl_attr_get_len(a) + 3u) & ~3u;
}

#define FOR_EACH_ATTR(a, block, len) for (size_t at_ = 0; ((a) = attr_at((block), (len), at_)); at_ += attr_room(a))

#define FOR_EACH_NESTED(a, nest) FOR_EACH_ATTR(a, mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest))

static inline uint32_t attr_be32(const struct nlattr *a)
{
    return mnl_attr_get_payload_len(a) >= 4 ? ntohl(mnl_attr_get_u32(a)) : 0;
}

/*
 * The attributes of a message of nfnetlink of this type. Returns 1; 0 for
 * another type of message; -EPROTO when it is malformed, or another negative
 * errno that the kernel reports by it.
 */
int message_open(struct span message, uint16_t type, struct span *attrs);

#endif
