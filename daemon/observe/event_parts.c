/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "observe/event_parts.h"

#include <arpa/inet.h>
#include <string.h>

#include "observe/utf8.h"

const char *event_proto(uint8_t proto, char *buf)
{
    switch (proto) {
    case IPPROTO_TCP:
        return "TCP";
    case IPPROTO_UDP:
        return "UDP";
    case IPPROTO_ICMP:
        return "ICMP";
    case IPPROTO_ICMPV6:
        return "IPv6-ICMP";
    case IPPROTO_SCTP:
        return "SCTP";
    case IPPROTO_GRE:
        return "GRE";
    case IPPROTO_UDPLITE:
        return "UDPLite";
    default:
        snprintf(buf, EVENT_PROTO_MAX, "%u", proto);
        return buf;
    }
}

const char *event_address(const struct event *e, const uint8_t *addr, char *buf)
{
    buf[0] = '\0';
    if (e->ip_version)
        inet_ntop(e->ip_version == 4 ? AF_INET : AF_INET6, addr, buf, INET6_ADDRSTRLEN);
    return buf;
}

void event_copy(char *dst, size_t size, const void *data, size_t len)
{
    static const char nul[] = "\xe2\x90\x80";
    const uint8_t *p = data;
    size_t n = 0, step;
    for (size_t i = 0; i < len; i += step) {
        int one = utf8_step(p + i, len - i);
        step = one > 0 ? (size_t)one : 1;
        const void *from = p[i] ? (const void *)(p + i) : nul;
        size_t takes = p[i] ? step : sizeof nul - 1;
        if (n + takes > size - 1)
            break;
        memcpy(dst + n, from, takes);
        n += takes;
    }
    dst[n] = '\0';
}
