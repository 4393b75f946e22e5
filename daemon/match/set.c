/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match/set.h"

#include <errno.h>
#include <stdlib.h>

#define PORT_WORDS (65536 / 64)

addr_bits addr_to_bits(const struct ip_addr *a)
{
    addr_bits v = 0;
    int n = a->family == 4 ? 4 : 16;
    for (int i = 0; i < n; i++)
        v = v << 8 | a->bytes[i];
    return v;
}

int set_add_range(struct set *s, uint8_t family, addr_bits first, addr_bits last)
{
    unsigned k = family == 6;
    if (!vec_room(&s->ranges[k], s->n[k], 1, &s->cap[k], sizeof *s->ranges[k]))
        return -ENOMEM;
    s->ranges[k][s->n[k]++] = (struct addr_range){first, last};
    return 0;
}

int set_add_net(struct set *s, const struct ip_net *net)
{
    unsigned bits = net->addr.family == 4 ? 32 : 128;
    unsigned host = bits - net->prefix;
    addr_bits first = addr_to_bits(&net->addr);
    addr_bits mask = host >= 128 ? ~(addr_bits)0 : ((addr_bits)1 << host) - 1;
    return set_add_range(s, net->addr.family, first, first | mask);
}

static int add_address_range(struct set *s, char *text, char *dash, char *why, size_t size)
{
    struct ip_addr first, last;
    *dash = '\0';
    bool good = ip_addr_parse(text, &first) && ip_addr_parse(dash + 1, &last) && first.family == last.family &&
                addr_to_bits(&first) <= addr_to_bits(&last);
    *dash = '-';
    if (good)
        return set_add_range(s, first.family, addr_to_bits(&first), addr_to_bits(&last));
    snprintf(why, size, "\"%.60s\" is not a range, expected \"first-last\", two addresses of one family", text);
    return -EINVAL;
}

static int add_address(struct set *s, char *text, char *why, size_t size)
{
    struct ip_net net;
    char meant[IP_ADDR_TEXT_MAX];
    char *dash = strchr(text, '-');
    if (dash)
        return add_address_range(s, text, dash, why, size);
    int r = ip_net_parse(text, &net);
    if (r == 0)
        return set_add_net(s, &net);
    if (r == -EDOM)
        snprintf(why, size, "\"%.60s\" has bits set behind its prefix, expected %s/%u", text,
                 ip_addr_format(&net.addr, meant), net.prefix);
    else if (r == -ERANGE)
        snprintf(why, size, "\"%.60s\" has too long a prefix, expected at most 32 (IPv4) or 128 (IPv6)", text);
    else
        snprintf(why, size, "\"%.60s\" is not an address, expected an IPv4 or IPv6 address or network", text);
    return -EINVAL;
}

/* Reads a port up to `stop`; -1 when it is none. */
static long read_port(const char *text, const char **stop)
{
    char *end;
    if (*text < '0' || *text > '9')
        return -1;
    unsigned long v = strtoul(text, &end, 10);
    *stop = end;
    return v <= 65535 ? (long)v : -1;
}

static int add_port(struct set *s, const char *text, char *why, size_t size)
{
    const char *stop = "?";
    long first = read_port(text, &stop), last = first;
    if (first >= 0 && *stop == '-')
        last = read_port(stop + 1, &stop);
    if (first < 0 || last < first || *stop) {
        snprintf(why, size, "\"%.60s\" is not a port, expected 0 to 65535 or a range such as \"8000-8100\"", text);
        return -EINVAL;
    }
    if (!s->ports && !(s->ports = calloc(PORT_WORDS, sizeof *s->ports)))
        return -ENOMEM;
    for (long p = first; p <= last; p++)
        s->ports[p / 64] |= UINT64_C(1) << (p % 64);
    return 0;
}

int set_add_text(struct set *s, char *text, char *why, size_t size)
{
    if (s->type == SET_ADDRESS)
        return add_address(s, text, why, size);
    if (s->type == SET_PORT)
        return add_port(s, text, why, size);
    return strtab_add(&s->strings, text, strlen(text)) < 0 ? -ENOMEM : 0;
}

static int by_first(const void *a, const void *b)
{
    const struct addr_range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Merges what overlaps or touches; returns how many ranges are left. */
static size_t merge(struct addr_range *r, size_t n)
{
    size_t kept = 0;
    if (!n)
        return 0;
    qsort(r, n, sizeof *r, by_first);
    for (size_t i = 1; i < n; i++) {
        if (r[i].first <= r[kept].last || r[i].first - 1 == r[kept].last) {
            if (r[i].last > r[kept].last)
                r[kept].last = r[i].last;
        } else {
            r[++kept] = r[i];
        }
    }
    return kept + 1;
}

/* IPv4 ranges go to two arrays of 32-bit words: four times as many fit in the caches. */
static int pack4(struct set *s)
{
    size_t n = s->n[0];
    s->first4 = malloc(n * sizeof *s->first4);
    s->last4 = malloc(n * sizeof *s->last4);
    if (!s->first4 || !s->last4)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        s->first4[i] = (uint32_t)s->ranges[0][i].first;
        s->last4[i] = (uint32_t)s->ranges[0][i].last;
    }
    free(s->ranges[0]);
    s->ranges[0] = NULL;
    s->cap[0] = 0;
    return 0;
}

int set_seal(struct set *s)
{
    for (unsigned k = 0; k < 2; k++)
        s->n[k] = merge(s->ranges[k], s->n[k]);
    vec_trim(&s->ranges[1], s->n[1], &s->cap[1], sizeof *s->ranges[1]);
    return s->n[0] ? pack4(s) : 0;
}

static bool has4(const struct set *s, uint32_t v)
{
    const uint32_t *base = s->first4;
    size_t n = s->n[0];
    if (!n)
        return false;
    /* The last range that does not begin behind v. The step has no branch to predict. */
    while (n > 1) {
        size_t half = n / 2;
        base = base[half] <= v ? base + half : base;
        n -= half;
    }
    return *base <= v && v <= s->last4[base - s->first4];
}

static bool has6(const struct set *s, addr_bits v)
{
    const struct addr_range *base = s->ranges[1];
    size_t n = s->n[1];
    if (!n)
        return false;
    while (n > 1) {
        size_t half = n / 2;
        base = base[half].first <= v ? base + half : base;
        n -= half;
    }
    return base->first <= v && v <= base->last;
}

bool set_has_addr(const struct set *s, const struct ip_addr *a)
{
    if (a->family == 4)
        return has4(s, (uint32_t)addr_to_bits(a));
    return a->family == 6 && has6(s, addr_to_bits(a));
}

bool set_has_port(const struct set *s, uint64_t port)
{
    return s->ports && port < 65536 && (s->ports[port / 64] >> (port % 64) & 1);
}

bool set_has_string(const struct set *s, struct span v)
{
    return strtab_find(&s->strings, v.data, v.len) >= 0;
}

void set_free(struct set *s)
{
    free(s->ranges[0]);
    free(s->ranges[1]);
    free(s->first4);
    free(s->last4);
    free(s->ports);
    strtab_free(&s->strings);
}
