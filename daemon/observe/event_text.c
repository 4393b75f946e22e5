/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/event_parts.h"
#include "observe/json.h"
#include "observe/utf8.h"

/* Whether the character of `step` bytes at p may stand in a line as it is. */
static bool is_plain(const uint8_t *p, int step)
{
    if (step == 1)
        return p[0] >= 0x20 && p[0] != 0x7f && p[0] != '\\';
    return step > 1 && !(p[0] == 0xc2 && p[1] < 0xa0); /* not the control characters behind U+0080 */
}

/* Bytes of whoever sent them: nothing in them may end the line, or steer a terminal. */
static void put_bytes(FILE *out, const void *data, size_t len)
{
    const uint8_t *p = data;
    size_t step;
    for (size_t i = 0; i < len; i += step) {
        int one = utf8_step(p + i, len - i);
        step = one > 0 ? (size_t)one : 1;
        if (is_plain(p + i, one)) {
            fwrite(p + i, 1, step, out);
            continue;
        }
        for (size_t k = 0; k < step; k++)
            fprintf(out, "\\x%02x", p[i + k]);
    }
}

static void put_text(FILE *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

static void put_end(FILE *out, const struct event *e, const uint8_t *addr, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];
    event_address(e, addr, text);
    if (!e->has_ports)
        fprintf(out, " %s", text);
    else
        fprintf(out, e->ip_version == 6 ? " [%s]:%u" : " %s:%u", text, port);
}

static void put_ends(FILE *out, const struct event *e)
{
    char proto[EVENT_PROTO_MAX];
    if (e->proto != IPPROTO_TCP)
        fprintf(out, " %s", event_proto(e->proto, proto));
    put_end(out, e, e->src, e->srcport);
    fputs(" ->", out);
    put_end(out, e, e->dst, e->dstport);
}

static void put_rule(FILE *out, const struct event *e)
{
    static const char *const severities[] = {"", " high", " medium", " low", " info"};
    if (!e->rule_id)
        return;
    fprintf(out, " %llu \"", (unsigned long long)e->rule_id);
    put_text(out, e->name);
    fprintf(out, "\"%s", e->severity < ARRAY_LEN(severities) ? severities[e->severity] : "");
}

static void put_http(FILE *out, const struct event *e)
{
    fprintf(out, " request %llu ", (unsigned long long)e->tx_id);
    put_text(out, e->http_method);
    fputc(' ', out);
    put_text(out, e->http_host);
    put_text(out, e->http_url);
    if (e->http_status)
        fprintf(out, " status %u", e->http_status);
    if (e->http_anomalies[0])
        fprintf(out, " anomalies %s", e->http_anomalies);
    if (e->score)
        fprintf(out, " score %d", e->score);
    if (e->request_id[0])
        fprintf(out, " id %s", e->request_id);
}

static void put_matched(FILE *out, const struct event *e)
{
    size_t len = e->matched_value_len < sizeof e->matched_value ? e->matched_value_len : sizeof e->matched_value;
    fputs("  ", out);
    put_text(out, e->matched_what);
    if (e->matched_name[0]) {
        fputc('[', out);
        put_text(out, e->matched_name);
        fputc(']', out);
    }
    fputs(" = ", out);
    put_bytes(out, e->matched_value, len);
}

static void put_data(FILE *out, const struct event *e)
{
    fputs("  ", out);
    put_text(out, e->sec_data);
}

static void put_line(FILE *out, const struct event *e)
{
    char when[JSON_TIME_MAX];
    const char *fate = e->blocked ? "blocked" : e->would_block ? "would-block" : "allowed";
    json_time(e->time_ns, when);
    when[strlen("2026-11-21T10:00:00.000001")] = '\0'; /* not the zone */
    if (e->type == EVENT_HTTP)
        fprintf(out, "%s http", when);
    else if (e->type == EVENT_TRANSACTION)
        fprintf(out, "%s transaction %s", when, fate);
    else if (e->type == EVENT_DETECT)
        fprintf(out, "%s detect %s %s", when, e->detector, e->action);
    else
        fprintf(out, "%s %s %s", when, e->type == EVENT_ALERT ? "alert" : "drop",
                e->type == EVENT_ALERT ? fate : e->reason);
    put_rule(out, e);
    put_ends(out, e);
    if (e->has_http)
        put_http(out, e);
    if (e->anomalies[0])
        fprintf(out, " packet %s", e->anomalies);
    if (e->matched_what[0])
        put_matched(out, e);
    if (e->sec_data[0])
        put_data(out, e);
    if (e->type == EVENT_TRANSACTION)
        fprintf(out, "  rules %s scores %s", e->sec_rules, e->sec_scores);
    fputc('\n', out);
}

char *event_text(const struct event *e)
{
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return NULL;
    put_line(out, e);
    bool ok = !ferror(out);
    if (fclose(out) == 0 && ok)
        return line;
    free(line);
    return NULL;
}
