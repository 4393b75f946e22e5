/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/packet.h"

static const char *name_of_bit(const char *const *names, unsigned count, unsigned bit)
{
    for (unsigned i = 0; i < count; i++)
        if (bit == 1u << i)
            return names[i];
    return NULL;
}

const char *packet_anomaly_name(unsigned bit)
{
    static const char *const names[ANOMALY_COUNT] = {
        "bad_length",    "bad_ip_checksum",  "bad_checksum", "bad_flags",   "martian", "source_route", "record_route",
        "tiny_fragment", "overlap_fragment", "bad_option",   "bad_version", "land",    "ext_chain",    "truncated",
    };
    return name_of_bit(names, ANOMALY_COUNT, bit);
}

const char *ip_option_name(unsigned bit)
{
    static const char *const names[IP_OPTION_COUNT] = {
        "record_route", "timestamp", "security", "lsrr",    "ssrr",    "stream_id",
        "router_alert", "other",     "hopopts",  "routing", "dstopts",
    };
    return name_of_bit(names, IP_OPTION_COUNT, bit);
}

static const struct {
    const char *name;
    uint8_t number;
} protocols[] = {
    {"hopopts", 0}, {"icmp", 1},    {"igmp", 2},     {"ipip", 4},      {"tcp", 6},   {"udp", 17},
    {"dccp", 33},   {"ipv6", 41},   {"routing", 43}, {"fragment", 44}, {"gre", 47},  {"esp", 50},
    {"ah", 51},     {"icmpv6", 58}, {"none", 59},    {"dstopts", 60},  {"ospf", 89}, {"pim", 103},
    {"vrrp", 112},  {"l2tp", 115},  {"sctp", 132},   {"udplite", 136},
};

const char *ip_proto_name(uint8_t proto)
{
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if (protocols[i].number == proto)
            return protocols[i].name;
    return NULL;
}

int ip_proto_number(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
        if (strcmp(protocols[i].name, name) == 0)
            return protocols[i].number;
    return -1;
}
