/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/service.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#define PROTO_ANY (-1)
#define PORT_EXPECTED "a port from 1 to 65535 or a range as \"8000-8100\""

static const char *const proto_names[] = {"tcp", "udp", "udplite", "sctp", "icmpv6", "icmp", "gre", "any", NULL};
static const int proto_numbers[] = {IPPROTO_TCP,    IPPROTO_UDP,  IPPROTO_UDPLITE, IPPROTO_SCTP,
                                    IPPROTO_ICMPV6, IPPROTO_ICMP, IPPROTO_GRE,     PROTO_ANY};

static bool has_ports(int proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE || proto == IPPROTO_SCTP;
}

static bool proto_by_name(const struct reader *r, const config_setting_t *s, int *ret)
{
    const char *name = config_setting_get_string(s);
    for (size_t i = 0; proto_names[i]; i++) {
        if (strcmp(name, proto_names[i]) == 0) {
            *ret = proto_numbers[i];
            return true;
        }
    }
    const char *near = reader_nearest(name, proto_names);
    reader_error(r, s,
                 "unknown protocol \"%s\", expected tcp, udp, udplite, sctp, icmp, icmpv6, gre, any or a number "
                 "from 0 to 255%s%s%s",
                 name, near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    return false;
}

static bool read_proto(const struct reader *r, const config_setting_t *service, int *ret)
{
    const config_setting_t *s = config_setting_get_member(service, "proto");
    int64_t number;
    if (!s) {
        reader_error(r, service, "a service without proto, expected proto = \"tcp\"; or another protocol");
        return false;
    }
    if (config_setting_type(s) == CONFIG_TYPE_STRING)
        return proto_by_name(r, s, ret);
    if (!reader_number(r, service, "proto", 0, 255, &number))
        return false;
    *ret = (int)number;
    return true;
}

/* Decimal digits, 1 to 65535; moves *at behind them. */
static bool take_port(const char **at, uint16_t *ret)
{
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    errno = 0;
    unsigned long v = strtoul(*at, &end, 10);
    if (errno || v < 1 || v > UINT16_MAX)
        return false;
    *at = end;
    *ret = (uint16_t)v;
    return true;
}

static void range_of_text(const struct reader *r, const config_setting_t *s, struct port_range *ret)
{
    const char *text = config_setting_get_string(s), *at = text;
    bool ok = take_port(&at, &ret->first);
    ret->last = ret->first;
    if (ok && *at == '-') {
        at++;
        ok = take_port(&at, &ret->last);
    }
    if (!ok || *at)
        reader_error(r, s, "bad port \"%s\", expected " PORT_EXPECTED, text);
    else if (ret->first > ret->last)
        reader_error(r, s, "port range \"%s\" runs backwards, expected \"%u-%u\"", text, ret->last, ret->first);
}

static void read_range(const struct reader *r, const config_setting_t *s, struct port_range *ret)
{
    int type = config_setting_type(s);
    if (type == CONFIG_TYPE_STRING) {
        range_of_text(r, s, ret);
    } else if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) {
        reader_error(r, s, "a port is %s, expected " PORT_EXPECTED, reader_type(s));
    } else if (reader_value(s) < 1 || reader_value(s) > UINT16_MAX) {
        reader_error(r, s, "bad port %" PRId64 ", expected " PORT_EXPECTED, reader_value(s));
    } else {
        ret->first = ret->last = (uint16_t)reader_value(s);
    }
}

void ports_read(const struct reader *r, const config_setting_t *list, struct port_range **ports, size_t *n_ports)
{
    size_t n = (size_t)config_setting_length(list);
    *ports = NULL;
    *n_ports = 0;
    if (n == 0)
        return;
    *ports = calloc(n, sizeof **ports);
    if (!*ports) {
        reader_error(r, list, "out of memory");
        return;
    }
    *n_ports = n;
    for (size_t i = 0; i < n; i++)
        read_range(r, config_setting_get_elem(list, (unsigned)i), &(*ports)[i]);
}

void service_read(const struct reader *r, const config_setting_t *s, struct config_service *ret)
{
    static const char *const keys[] = {"proto", "ports", NULL};
    *ret = (struct config_service){.proto = PROTO_ANY};
    if (!config_setting_is_group(s)) {
        reader_error(r, s, "a service is %s, expected a group as { proto = \"tcp\"; ports = [ 80 ]; }", reader_type(s));
        return;
    }
    reader_known(r, s, keys);
    bool proto_ok = read_proto(r, s, &ret->proto);
    const config_setting_t *ports = reader_list(r, s, "ports");
    if (ports && proto_ok && !has_ports(ret->proto))
        reader_error(r, ports,
                     "ports given for a protocol without ports, expected them with tcp, udp, udplite or sctp");
    else if (ports && config_setting_length(ports) == 0)
        reader_error(r, ports, "no port in ports, expected at least one (without ports the whole protocol is meant)");
    else if (ports)
        ports_read(r, ports, &ret->ports, &ret->n_ports);
}

void service_free(struct config_service *s)
{
    free(s->ports);
}
