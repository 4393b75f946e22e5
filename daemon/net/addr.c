/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>

bool ip_addr_parse(const char *text, struct ip_addr *ret)
{
    struct ip_addr addr = {0};
    if (inet_pton(AF_INET, text, addr.bytes) == 1)
        addr.family = 4;
    else if (inet_pton(AF_INET6, text, addr.bytes) == 1)
        addr.family = 6;
    else
        return false;
    *ret = addr;
    return true;
}

/* Digits alone, no leading zero; 1,000 for what is longer than any prefix. */
static int prefix_parse(const char *text, unsigned *ret)
{
    size_t len = strspn(text, "0123456789");
    if (len == 0 || text[len] != '\0' || (len > 1 && text[0] == '0'))
        return -EINVAL;
    unsigned value = 0;
    for (size_t i = 0; i < len && value < 1000; i++)
        value = value * 10 + (unsigned)(text[i] - '0');
    *ret = value;
    return 0;
}

/* Clears the bits past the prefix; true when any was set. */
static bool clear_host_bits(struct ip_net *net)
{
    bool had = false;
    unsigned size = net->addr.family == 4 ? 4 : 16;
    for (unsigned i = net->prefix / 8u; i < size; i++) {
        uint8_t keep = i == net->prefix / 8u ? (uint8_t)(0xff00 >> (net->prefix % 8)) : 0;
        had = had || (net->addr.bytes[i] & ~keep);
        net->addr.bytes[i] &= keep;
    }
    return had;
}

int ip_net_parse(const char *text, struct ip_net *ret)
{
    char addr_text[IP_ADDR_TEXT_MAX];
    size_t addr_len = strcspn(text, "/");
    if (addr_len >= sizeof addr_text)
        return -EINVAL;
    memcpy(addr_text, text, addr_len);
    addr_text[addr_len] = '\0';
    struct ip_net net = {0};
    if (!ip_addr_parse(addr_text, &net.addr))
        return -EINVAL;
    unsigned max = net.addr.family == 4 ? 32 : 128, prefix = max;
    if (text[addr_len] == '/' && prefix_parse(text + addr_len + 1, &prefix) < 0)
        return -EINVAL;
    if (prefix > max)
        return -ERANGE;
    net.prefix = (uint8_t)prefix;
    bool host_bits = clear_host_bits(&net);
    *ret = net;
    return host_bits ? -EDOM : 0;
}

bool ip_net_has(const struct ip_net *net, const struct ip_addr *addr)
{
    if (net->addr.family != addr->family)
        return false;
    unsigned whole = net->prefix / 8u, rest = net->prefix % 8u;
    if (memcmp(net->addr.bytes, addr->bytes, whole) != 0)
        return false;
    return rest == 0 || ((net->addr.bytes[whole] ^ addr->bytes[whole]) >> (8 - rest)) == 0;
}

static char *put_decimal(char *out, unsigned value)
{
    if (value >= 100)
        *out++ = (char)('0' + value / 100);
    if (value >= 10)
        *out++ = (char)('0' + value / 10 % 10);
    *out++ = (char)('0' + value % 10);
    return out;
}

static char *put_hex(char *out, unsigned value)
{
    bool begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
        unsigned digit = (value >> shift) & 15;
        begun = begun || digit || shift == 0;
        if (begun)
            *out++ = "0123456789abcdef"[digit];
    }
    return out;
}

static char *put_ipv4(char *out, const uint8_t *b)
{
    for (int i = 0; i < 4; i++) {
        out = put_decimal(out, b[i]);
        *out++ = '.';
    }
    return out - 1;
}

/* The first of the longest runs of zero groups, at least two long; returns its length. */
static int longest_zeros(const uint8_t *b, int *start)
{
    int best = 0, run = 0;
    for (int i = 0; i < 8; i++) {
        run = b[2 * i] == 0 && b[2 * i + 1] == 0 ? run + 1 : 0;
        if (run > best && run >= 2) {
            best = run;
            *start = i + 1 - run;
        }
    }
    return best;
}

static char *put_ipv6(char *out, const uint8_t *b)
{
    int start = -1, zeros = longest_zeros(b, &start);
    bool mapped = start == 0 && zeros == 5 && b[10] == 0xff && b[11] == 0xff;
    int groups = mapped ? 6 : 8;
    for (int i = 0; i < groups; i++) {
        if (i == start) {
            *out++ = ':';
            *out++ = ':';
            i += zeros - 1;
            continue;
        }
        if (i > 0 && i != start + zeros)
            *out++ = ':';
        out = put_hex(out, (unsigned)(b[2 * i] << 8 | b[2 * i + 1]));
    }
    if (!mapped)
        return out;
    *out++ = ':';
    return put_ipv4(out, b + 12);
}

const char *ip_addr_format(const struct ip_addr *addr, char *buf)
{
    char *end = buf;
    if (addr->family == 4)
        end = put_ipv4(buf, addr->bytes);
    else if (addr->family == 6)
        end = put_ipv6(buf, addr->bytes);
    *end = '\0';
    return buf;
}
