/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_OBSERVE_EVENTS_H
#define SLUICE_OBSERVE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

/*
 * Events as JSON lines in Suricata's EVE layout. Workers put records into
 * rings of their own and never wait; one thread writes.
 */
struct events;

enum event_type {
    EVENT_ALERT,
    EVENT_DROP,
    EVENT_HTTP,        /* a request, whether or not a rule matched */
    EVENT_DETECT,      /* what a detector found */
    EVENT_TRANSACTION, /* a transaction in which rules of SecLang matched, at its end */
};

/*
 * A record holds copies only, for rules and interfaces may be gone when it is
 * written. Texts end with NUL; those of the http_ and matched_ fields may hold
 * any bytes, and are best set by event_copy.
 */
struct event {
    uint64_t time_ns; /* since 1970 */
    uint64_t flow_id;
    enum event_type type;
    uint8_t ip_version, proto, ttl, tos, tcp_flags, severity, icmp_type, icmp_code;
    uint8_t src[16], dst[16];
    uint16_t srcport, dstport, vlan, queue, tcp_window;
    uint8_t src_mac[6]; /* of EVENT_DETECT: whose frame it was, where has_src_mac */
    bool has_src_mac;
    bool has_ports, has_vlan, is_tcp, is_icmp, blocked, would_block;
    uint32_t length, ip_id, tcp_seq, tcp_ack;
    uint64_t rule_id;
    char in_dev[16], out_dev[16];
    char action[12]; /* the rule's */
    char reason[16]; /* of a drop */
    char ct_state[12], ct_direction[12];
    bool has_ct_mark;
    uint32_t ct_mark, ct_id; /* ct_id: 0 is not written */
    char detector[16];       /* its name, of EVENT_DETECT; what it did is `action` */
    uint64_t detect_count; /* ports tried, half-open connections, …: of that detector's threshold; 0 is not written */
    uint64_t detect_held;  /* findings since the last event of this kind */
    char anomalies[96];
    char name[128]; /* the rule's */
    char tags[320]; /* the rule's, comma separated */
    /* Of HTTP, where has_http. The addresses are then the client's and the server's, in this order. */
    bool has_http;
    uint64_t tx_id;       /* number of the request on its connection, from 1 */
    uint16_t http_status; /* 0: no response yet */
    char http_method[16], http_protocol[12], http_host[128], http_url[256], http_agent[96], http_content_type[64];
    char http_anomalies[160]; /* names, comma separated */
    int32_t score;            /* the greatest of the request's; 0 is not written */
    char request_id[24];      /* as the block page shows it */
    /* What the rule's condition was met by; nothing where matched_what is empty. */
    char matched_what[96]; /* "lower(http.args)", "ARGS:user" */
    char matched_name[48]; /* of the argument, header or cookie */
    uint8_t matched_value[96], matched_value_len;
    /* Of a SecLang rule, where sec_phase; texts as those of http_. */
    uint8_t sec_phase;
    int8_t sec_severity; /* as ModSecurity counts: 0 emergency … 7 debug, -1 none */
    uint32_t sec_line;
    char sec_file[96], sec_data[200];
    /* Of EVENT_TRANSACTION: ids of the rules that matched and log, comma separated; "name=number" likewise. */
    char sec_rules[512], sec_scores[512];
};

/*
 * Copies at most size - 1 bytes into a text field, without cutting a UTF-8
 * character, and ends them with NUL; NUL bytes within become U+2400.
 */
void event_copy(char *dst, size_t size, const void *data, size_t len);

struct events_options {
    const char *file; /* "-": standard output */
    size_t workers;   /* one ring each */
    size_t ring;      /* records in each */
    uint32_t per_second;
};

/* Opens the file and starts the writer. Returns 0 or a negative errno, with the reason in why. */
MUST_CHECK int events_start(const struct events_options *opt, struct events **ret, char *why, size_t why_size);

/*
 * Events without files and threads, for one caller's thread: events_push
 * writes to `out` at once, as JSON or as event_text, at any rate. `out` stays
 * the caller's. NULL when out of memory.
 */
MUST_CHECK struct events *events_direct(bool json, FILE *out);

/* Writes what is left and ends the writer; after the workers ended. Accepts NULL. */
void events_stop(struct events *ev);

/* The worker's next free record, or NULL when its ring is full; events_push sends it. */
struct event *events_slot(struct events *ev, size_t worker);
void events_push(struct events *ev, size_t worker);

/*
 * Hands over a whole line (stats), which the writer frees; any thread. Past 64
 * unwritten ones it is dropped and counted.
 */
void events_line(struct events *ev, char *line);

/* From now on at most this many events a second; any thread. */
void events_set_rate(struct events *ev, uint32_t per_second);

/* Opens the file anew, for log rotation; any thread. */
void events_reopen(struct events *ev);

/* Any thread. */
uint64_t events_written(const struct events *ev);
uint64_t events_dropped(const struct events *ev); /* over the rate, or the file refused them */

/*
 * The JSON line of one record, with its newline, in a buffer to be freed; NULL
 * when out of memory. In http_ and matched_ texts bytes that are no UTF-8 are
 * written as the characters U+0080 to U+00FF of the same number.
 */
char *event_format(const struct event *e);

/*
 * One record as a line to read, with its newline, in a buffer to be freed;
 * NULL when out of memory. Control bytes, backslashes and bytes that are no
 * UTF-8 are written as \xNN.
 */
char *event_text(const struct event *e);

#endif
