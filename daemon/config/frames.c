/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/frames.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <net/ethernet.h>
#include <string.h>

#include "config/policy.h"

#define ARP_FORM "{ address = \"192.0.2.1\"; mac = \"02:00:00:00:00:01\"; }"
#define ETHERTYPE_EXPECTED "an EtherType from 0x0600 to 0xffff as 0x88cc"

/* An IPv4 address that one host can have. */
static bool parse_address(const char *text, uint8_t ret[4])
{
    return inet_pton(AF_INET, text, ret) == 1 && ret[0] != 0 && ret[0] < 224;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    int lower = tolower((unsigned char)c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Six pairs of digits with colons; one interface's, so neither a group's nor all zero. */
static bool parse_mac(const char *text, uint8_t ret[6])
{
    static const uint8_t zero[6];
    if (strlen(text) != 17)
        return false;
    for (size_t i = 0; i < 6; i++) {
        int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
        if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] != ':'))
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return !(ret[0] & 1) && memcmp(ret, zero, sizeof zero) != 0;
}

static bool listed(const struct config *c, const uint8_t addr[4])
{
    for (size_t i = 0; i < c->frames.n_arp; i++)
        if (memcmp(c->frames.arp[i].addr, addr, 4) == 0)
            return true;
    return false;
}

/* Adds it to those there, for which there is room. */
static void read_arp_entry(const struct reader *r, const config_setting_t *s, struct config *c)
{
    static const char *const keys[] = {"address", "mac", NULL};
    const char *address, *mac;
    struct config_arp a;
    if (!config_setting_is_group(s)) {
        reader_error(r, s, "an element of frames.arp is %s, expected a group as " ARP_FORM, reader_type(s));
        return;
    }
    reader_known(r, s, keys);
    if (!config_setting_get_member(s, "address") || !config_setting_get_member(s, "mac"))
        reader_error(r, s, "an element of frames.arp without address or mac, expected both as " ARP_FORM);
    if (!reader_string(r, s, "address", &address) || !reader_string(r, s, "mac", &mac))
        return;
    if (!parse_address(address, a.addr))
        reader_error(r, config_setting_get_member(s, "address"),
                     "bad address \"%s\" in frames.arp, expected a host's IPv4 address as \"192.0.2.1\"", address);
    else if (!parse_mac(mac, a.mac))
        reader_error(r, config_setting_get_member(s, "mac"),
                     "bad MAC address \"%s\" in frames.arp, expected a host's as \"02:00:00:00:00:01\"", mac);
    else if (listed(c, a.addr))
        reader_error(r, s, "address \"%s\" stands in frames.arp for the second time, expected each once", address);
    else
        c->frames.arp[c->frames.n_arp++] = a;
}

static void read_arp(const struct reader *r, const config_setting_t *frames, struct config *c)
{
    const config_setting_t *list = reader_list(r, frames, "arp");
    unsigned n = list ? (unsigned)config_setting_length(list) : 0;
    if (n == 0)
        return;
    c->frames.arp = calloc(n, sizeof *c->frames.arp);
    if (!c->frames.arp) {
        reader_error(r, list, "out of memory");
        return;
    }
    for (unsigned i = 0; i < n; i++)
        read_arp_entry(r, config_setting_get_elem(list, i), c);
}

/* Why this one need not be named; NULL where it may be. */
static const char *needless(const struct config *c, uint16_t type)
{
    if (type == ETHERTYPE_IP || type == ETHERTYPE_IPV6 || type == ETHERTYPE_ARP)
        return "passes here anyway";
    if (type == ETHERTYPE_VLAN || type == 0x88a8)
        return "is a tag, and what is inside it counts";
    for (size_t i = 0; i < c->frames.n_ethertypes; i++)
        if (c->frames.ethertypes[i] == type)
            return "stands here for the second time";
    return NULL;
}

static void read_ethertype(const struct reader *r, const config_setting_t *s, struct config *c)
{
    int type = config_setting_type(s);
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
        reader_error(r, s, "an element of frames.ethertypes is %s, expected " ETHERTYPE_EXPECTED, reader_type(s));
        return;
    }
    int64_t v = reader_value(s);
    const char *fault = v >= 0x0600 && v <= 0xffff ? needless(c, (uint16_t)v) : NULL;
    if (v < 0x0600 || v > 0xffff)
        reader_error(r, s, "%" PRId64 " in frames.ethertypes, expected " ETHERTYPE_EXPECTED, v);
    else if (fault)
        reader_error(r, s, "0x%04x in frames.ethertypes %s, expected other EtherTypes, each once", (unsigned)v, fault);
    else
        c->frames.ethertypes[c->frames.n_ethertypes++] = (uint16_t)v;
}

static void read_ethertypes(const struct reader *r, const config_setting_t *frames, struct config *c)
{
    const config_setting_t *list = reader_list(r, frames, "ethertypes");
    unsigned n = list ? (unsigned)config_setting_length(list) : 0;
    if (n == 0)
        return;
    c->frames.ethertypes = calloc(n, sizeof *c->frames.ethertypes);
    if (!c->frames.ethertypes) {
        reader_error(r, list, "out of memory");
        return;
    }
    for (unsigned i = 0; i < n; i++)
        read_ethertype(r, config_setting_get_elem(list, i), c);
}

void frames_read(const struct reader *r, struct config *c)
{
    static const char *const keys[] = {"arp", "ethertypes", "others", NULL};
    const config_setting_t *g = reader_group(r, reader_root(r), "frames");
    if (!g)
        return;
    reader_known(r, g, keys);
    read_arp(r, g, c);
    read_ethertypes(r, g, c);
    policy_read(r, g, "others", &c->frames.others);
}

void frames_free(struct config *c)
{
    free(c->frames.arp);
    free(c->frames.ethertypes);
}
