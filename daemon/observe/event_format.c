/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <stdio.h>
#include <yajl/yajl_gen.h>

#include "observe/events.h"
#include "observe/json.h"

static const char *proto_text(uint8_t proto, char *buf, size_t size)
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
        snprintf(buf, size, "%u", proto);
        return buf;
    }
}

static void write_address(yajl_gen g, const char *key, const struct event *e, const uint8_t *addr)
{
    char text[INET6_ADDRSTRLEN] = "";
    if (e->ip_version)
        inet_ntop(e->ip_version == 4 ? AF_INET : AF_INET6, addr, text, sizeof text);
    json_text(g, key, text);
}

static void write_flow(yajl_gen g, const struct event *e)
{
    char when[JSON_TIME_MAX], proto[8];
    json_text(g, "timestamp", json_time(e->time_ns, when));
    json_number(g, "flow_id", e->flow_id);
    if (e->in_dev[0])
        json_text(g, "in_iface", e->in_dev);
    json_text(g, "event_type", e->type == EVENT_ALERT ? "alert" : "drop");
    if (e->has_vlan) {
        json_array(g, "vlan");
        yajl_gen_integer(g, e->vlan);
        yajl_gen_array_close(g);
    }
    write_address(g, "src_ip", e, e->src);
    if (e->has_ports)
        json_number(g, "src_port", e->srcport);
    write_address(g, "dest_ip", e, e->dst);
    if (e->has_ports)
        json_number(g, "dest_port", e->dstport);
    json_text(g, "proto", proto_text(e->proto, proto, sizeof proto));
    if (e->is_icmp) {
        json_number(g, "icmp_type", e->icmp_type);
        json_number(g, "icmp_code", e->icmp_code);
    }
}

static void write_alert(yajl_gen g, const struct event *e)
{
    json_open(g, "alert");
    json_text(g, "action", e->blocked ? "blocked" : "allowed");
    json_number(g, "gid", 1);
    json_number(g, "signature_id", e->rule_id);
    json_number(g, "rev", 1);
    json_text(g, "signature", e->name);
    json_text(g, "category", "");
    json_number(g, "severity", e->severity);
    yajl_gen_map_close(g);
}

static void write_drop(yajl_gen g, const struct event *e)
{
    json_open(g, "drop");
    json_number(g, "len", e->length);
    json_number(g, "tos", e->tos);
    json_number(g, "ttl", e->ttl);
    json_number(g, "ipid", e->ip_id);
    if (e->is_tcp) {
        static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg"};
        json_number(g, "tcpseq", e->tcp_seq);
        json_number(g, "tcpack", e->tcp_ack);
        json_number(g, "tcpwin", e->tcp_window);
        for (unsigned i = 0; i < 6; i++) {
            json_key(g, names[i]);
            yajl_gen_bool(g, (e->tcp_flags >> i) & 1);
        }
    }
    json_text(g, "reason", e->reason);
    yajl_gen_map_close(g);
}

static void write_sluice(yajl_gen g, const struct event *e)
{
    json_open(g, "sluice");
    json_number(g, "queue", e->queue);
    json_text(g, "action", e->action);
    if (e->would_block)
        json_text(g, "mode", "monitor");
    if (e->out_dev[0])
        json_text(g, "out_iface", e->out_dev);
    if (e->ct_state[0])
        json_text(g, "ct_state", e->ct_state);
    if (e->ct_direction[0])
        json_text(g, "ct_direction", e->ct_direction);
    if (e->anomalies[0])
        json_text(g, "anomalies", e->anomalies);
    yajl_gen_map_close(g);
}

char *event_format(const struct event *e)
{
    yajl_gen g = json_begin();
    if (!g)
        return NULL;
    write_flow(g, e);
    if (e->type == EVENT_ALERT)
        write_alert(g, e);
    else
        write_drop(g, e);
    write_sluice(g, e);
    return json_end(g);
}
