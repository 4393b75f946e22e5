/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "observe/event_parts.h"
#include "observe/json.h"

static const char *type_text(enum event_type t)
{
    static const char *const names[] = {[EVENT_ALERT] = "alert",
                                        [EVENT_DROP] = "drop",
                                        [EVENT_HTTP] = "http",
                                        [EVENT_DETECT] = "detect",
                                        [EVENT_TRANSACTION] = "transaction"};
    return names[t];
}

static void write_address(yajl_gen g, const char *key, const struct event *e, const uint8_t *addr)
{
    char text[INET6_ADDRSTRLEN];
    json_text(g, key, event_address(e, addr, text));
}

static void write_flow(yajl_gen g, const struct event *e)
{
    char when[JSON_TIME_MAX], proto[EVENT_PROTO_MAX];
    json_text(g, "timestamp", json_time(e->time_ns, when));
    json_number(g, "flow_id", e->flow_id);
    if (e->in_dev[0])
        json_text(g, "in_iface", e->in_dev);
    json_text(g, "event_type", type_text(e->type));
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
    json_text(g, "proto", event_proto(e->proto, proto));
    if (e->is_icmp) {
        json_number(g, "icmp_type", e->icmp_type);
        json_number(g, "icmp_code", e->icmp_code);
    }
    if (e->has_http) {
        json_text(g, "app_proto", "http");
        json_number(g, "tx_id", e->tx_id);
    }
}

/* A field of a record, which may have been cut to fit; left out where it is empty. */
static void write_field(yajl_gen g, const char *key, const char *text, size_t size)
{
    size_t len = strnlen(text, size - 1);
    if (len)
        json_bytes(g, key, text, len, len >= size - 4); /* event_copy leaves up to 3 bytes free */
}

static void write_http(yajl_gen g, const struct event *e)
{
    json_open(g, "http");
    write_field(g, "hostname", e->http_host, sizeof e->http_host);
    write_field(g, "url", e->http_url, sizeof e->http_url);
    write_field(g, "http_user_agent", e->http_agent, sizeof e->http_agent);
    write_field(g, "http_content_type", e->http_content_type, sizeof e->http_content_type);
    write_field(g, "http_method", e->http_method, sizeof e->http_method);
    write_field(g, "protocol", e->http_protocol, sizeof e->http_protocol);
    if (e->http_status)
        json_number(g, "status", e->http_status);
    yajl_gen_map_close(g);
}

/* As Suricata writes the metadata of a signature. */
static void write_tags(yajl_gen g, const char *tags)
{
    json_open(g, "metadata");
    json_array(g, "tag");
    for (const char *at = tags; *at;) {
        size_t len = strcspn(at, ",");
        if (len)
            yajl_gen_string(g, (const unsigned char *)at, len);
        at += len + (at[len] == ',');
    }
    yajl_gen_array_close(g);
    yajl_gen_map_close(g);
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
    if (e->tags[0])
        write_tags(g, e->tags);
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

static void write_ether(yajl_gen g, const struct event *e)
{
    char mac[18];
    const uint8_t *m = e->src_mac;
    snprintf(mac, sizeof mac, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
    json_open(g, "ether");
    json_text(g, "src_mac", mac);
    yajl_gen_map_close(g);
}

static void write_detect(yajl_gen g, const struct event *e)
{
    if (e->has_src_mac)
        write_ether(g, e);
    json_open(g, "detect");
    json_text(g, "name", e->detector);
    json_text(g, "action", e->action);
    if (e->detect_count)
        json_number(g, "count", e->detect_count);
    if (e->detect_held)
        json_number(g, "held_back", e->detect_held);
    yajl_gen_map_close(g);
}

static void write_matched(yajl_gen g, const struct event *e)
{
    size_t len = e->matched_value_len < sizeof e->matched_value ? e->matched_value_len : sizeof e->matched_value;
    json_open(g, "matched");
    write_field(g, "what", e->matched_what, sizeof e->matched_what);
    write_field(g, "name", e->matched_name, sizeof e->matched_name);
    json_bytes(g, "value", e->matched_value, len, len == sizeof e->matched_value);
    yajl_gen_map_close(g);
}

static void write_sluice_http(yajl_gen g, const struct event *e)
{
    if (e->matched_what[0])
        write_matched(g, e);
    if (e->score)
        json_integer(g, "score", e->score);
    if (e->http_anomalies[0])
        json_text(g, "http_anomalies", e->http_anomalies);
    if (e->request_id[0])
        json_text(g, "request_id", e->request_id);
}

static const char *severity_text(int severity)
{
    static const char *const names[] = {"EMERGENCY", "ALERT",  "CRITICAL", "ERROR",
                                        "WARNING",   "NOTICE", "INFO",     "DEBUG"};
    return severity >= 0 && severity < (int)ARRAY_LEN(names) ? names[severity] : NULL;
}

/* "949110,980170": as numbers. */
static void write_ids(yajl_gen g, const char *text)
{
    json_array(g, "rules");
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ",");
        if (len)
            yajl_gen_number(g, at, len);
        at += len + (at[len] == ',');
    }
    yajl_gen_array_close(g);
}

/* "xss_score=5,sql_injection_score=10" */
static void write_scores(yajl_gen g, const char *text)
{
    json_open(g, "scores");
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, ","), name = strcspn(at, "=");
        if (name < len) {
            yajl_gen_string(g, (const unsigned char *)at, name);
            yajl_gen_number(g, at + name + 1, len - name - 1);
        }
        at += len + (at[len] == ',');
    }
    yajl_gen_map_close(g);
}

static void write_seclang(yajl_gen g, const struct event *e)
{
    json_open(g, "seclang");
    if (e->type == EVENT_TRANSACTION) {
        write_ids(g, e->sec_rules);
        write_scores(g, e->sec_scores);
        if (e->rule_id)
            json_number(g, "rule", e->rule_id);
    } else {
        json_number(g, "phase", e->sec_phase);
        if (severity_text(e->sec_severity))
            json_text(g, "severity", severity_text(e->sec_severity));
        write_field(g, "data", e->sec_data, sizeof e->sec_data);
        write_field(g, "file", e->sec_file, sizeof e->sec_file);
        json_number(g, "line", e->sec_line);
    }
    yajl_gen_map_close(g);
}

static void write_sluice(yajl_gen g, const struct event *e)
{
    json_open(g, "sluice");
    json_number(g, "queue", e->queue);
    if (e->action[0])
        json_text(g, "action", e->action);
    if (e->would_block)
        json_text(g, "mode", "monitor");
    if (e->out_dev[0])
        json_text(g, "out_iface", e->out_dev);
    if (e->ct_state[0])
        json_text(g, "ct_state", e->ct_state);
    if (e->ct_direction[0])
        json_text(g, "ct_direction", e->ct_direction);
    if (e->has_ct_mark)
        json_number(g, "ct_mark", e->ct_mark);
    if (e->ct_id)
        json_number(g, "ct_id", e->ct_id);
    if (e->anomalies[0])
        json_text(g, "anomalies", e->anomalies);
    write_sluice_http(g, e);
    if (e->sec_phase || e->type == EVENT_TRANSACTION)
        write_seclang(g, e);
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
    else if (e->type == EVENT_DROP)
        write_drop(g, e);
    else if (e->type == EVENT_DETECT)
        write_detect(g, e);
    if (e->has_http)
        write_http(g, e);
    write_sluice(g, e);
    return json_end(g);
}
