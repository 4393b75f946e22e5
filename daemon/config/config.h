/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_CONFIG_CONFIG_H
#define SLUICE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum mode { MODE_ENFORCE, MODE_MONITOR };
enum policy { POLICY_OPEN, POLICY_CLOSED };
enum divert_family { FAMILY_AUTO, FAMILY_BRIDGE, FAMILY_INET };
enum divert_hook { HOOK_FORWARD, HOOK_INPUT, HOOK_OUTPUT, HOOK_HOST }; /* host: input and output */
enum midstream { MIDSTREAM_INSPECT, MIDSTREAM_REFUSE };
enum urgent { URGENT_REFUSE, URGENT_PASS };
enum http_answer { HTTP_ANSWER_PAGE, HTTP_ANSWER_RESET };
/* What comes up: what some rule or parser needs, or all of the services. */
enum divert_queue { DIVERT_NEEDED, DIVERT_ALL };
enum detect_action { DETECT_OFF, DETECT_LOG, DETECT_DROP, DETECT_BAN };
enum br_netfilter { BR_NETFILTER_SET, BR_NETFILTER_CHECK };

struct config_iface {
    char *name;
    bool outside;
};

struct port_range {
    uint16_t first, last;
};

/* A guarded service: a protocol (-1 for any) and the server's ports; no ports means all of the protocol. */
struct config_service {
    int proto;
    struct port_range *ports;
    size_t n_ports;
};

/* Built-in detectors. In the kernel: what one packet or a rate tells. In the daemon: the others. */
enum detector_id {
    /* in the kernel; threshold: packets a second to one address */
    DETECT_UDP_FLOOD,
    DETECT_ICMP_FLOOD,
    DETECT_MIXED_FLOOD, /* of any protocol that begin a connection, or belong to none */
    DETECT_SMURF,       /* echo requests to a broadcast address; no threshold */
    DETECT_BIG_ICMP,    /* threshold: bytes of an IP packet */
    DETECT_MARTIAN,     /* a source address that no packet can have; no threshold */
    /* in the daemon */
    DETECT_SPOOFED,   /* an inside address that comes from outside; no threshold */
    DETECT_SYN_FLOOD, /* threshold: half-open connections */
    DETECT_SCAN,      /* threshold: ports of inside addresses that one source tries within `per` seconds */
    DETECT_SLOW_HEAD, /* threshold: seconds that a request's head may take */
    DETECT_SLOW_BODY, /* threshold: bytes a second that a request's body must bring, over `per` seconds */
    DETECT_SLOW_READ, /* threshold: seconds that a client may leave no room for its response */
    DETECTORS
};

struct config_detector {
    enum detect_action action;
    uint32_t threshold, per;
    uint32_t ban_for; /* seconds */
};

/* An IPv4 address that only this MAC address may claim by ARP. */
struct config_arp {
    uint8_t addr[4], mac[6];
};

struct config_strings {
    char **at;
    size_t n;
};

/* sluice.conf as read: every setting has its value or its default. */
struct config {
    char *file; /* as given */
    enum mode mode;
    struct {
        enum divert_family family;
        enum divert_hook hook;
        int priority; /* of our chain at its hook, from "filter" on */
        enum br_netfilter br_netfilter;
        struct config_iface *ifaces;
        size_t n_ifaces;
        struct config_service *services;
        size_t n_services;
        struct config_strings exempt; /* addresses and networks, checked */
        enum divert_queue queue;
        uint16_t log_group; /* NFLOG group by which the kernel tells of what it stops */
    } divert;
    struct {
        struct config_strings inside; /* addresses and networks behind the inside interfaces, checked */
    } networks;
    struct {
        uint32_t max;     /* addresses at a time */
        uint32_t ban_for; /* seconds, where nothing else is said */
        uint8_t prefix6;  /* so much of an IPv6 address is banned */
        char *file;       /* where they are kept over a restart; NULL: nowhere */
    } bans;
    struct config_detector detect[DETECTORS];
    struct {
        struct config_arp *arp;
        size_t n_arp;
        uint16_t *ethertypes; /* that pass beside IPv4, IPv6, ARP; on a bridge only */
        size_t n_ethertypes;
        enum policy others; /* what is none of them */
    } frames;
    struct {
        uint16_t first;
        uint16_t count;          /* 0 means one a CPU */
        uint32_t length;         /* packets that may wait in one queue */
        bool pin;                /* worker i on the i-th CPU that we may use */
        uint16_t batch;          /* packets received in one system call */
        uint32_t receive_buffer; /* of each queue's socket, in bytes */
    } queues;
    uint32_t marks_mask;
    struct {
        enum policy on_stop, on_crash, on_overload, on_memory;
    } policies;
    struct {
        uint32_t regex_steps;
        uint32_t answers_per_second; /* for each worker */
        uint32_t events_per_second;
        uint32_t event_ring;  /* events that may wait, for each worker */
        uint32_t limit_keys;  /* values that the rules' limits count at a time */
        uint32_t collections; /* of SecLang (IP, SESSION, …) at a time */
    } limits;
    struct {
        uint32_t flows;    /* connections that each worker follows */
        uint64_t memory;   /* bytes of them that all workers together may keep */
        uint32_t per_flow; /* bytes of one direction of one connection */
        uint32_t window;   /* bytes of a stream that a condition is shown at once */
        enum midstream midstream;
        enum urgent urgent;                                          /* segments with URG */
        uint32_t handshake, established, closing, closed, condemned; /* seconds without a packet */
    } streams;
    struct {
        struct port_range *ports; /* the servers' */
        size_t n_ports;
        struct {
            uint32_t head, headers, body, response_body, args, depth, ratio, pipelined;
        } limits;
        enum policy over_limit; /* a body longer than its limit */
        enum policy opaque;     /* what follows CONNECT and Upgrade, and what cannot be read */
        enum http_answer answer;
        char *page; /* the page's HTML, at most CONFIG_PAGE_MAX bytes; NULL: the built-in one */
    } http;
    char *cache_folder; /* of compiled databases; NULL: none */
    struct {
        int level; /* syslog level: 3 error, 4 warning, 6 info, 7 debug */
    } log;
    struct {
        char *file;              /* NULL: no events; "-": standard output */
        uint32_t stats_interval; /* seconds, 0: never */
        bool requests;           /* an event for each HTTP request */
        bool conntrack;          /* ct mark and id in each event */
    } events;
    char *control_socket;        /* NULL: none */
    struct config_strings rules; /* globs as written */
    struct config_strings
        rule_files;                /* expanded, absolute or relative to the working directory, sorted within a glob */
    struct config_strings seclang; /* files of ModSecurity's rules, expanded likewise */
    bool seclang_skips;            /* what is not known there skips its rule */
};

/* What stands for the request's id in http.page; the first one is replaced. */
#define CONFIG_PAGE_ID "{request_id}"
#define CONFIG_PAGE_MAX 8192

/* Room that the daemon needs in the mark mask: see divert/marks.h. */
#define CONFIG_MARK_BITS 7

/* detector_name(DETECT_SCAN) is "scan": the key in detect, and what events say. */
const char *detector_name(enum detector_id id);
const char *detect_action_name(enum detect_action a);

/*
 * Reads a settings file. NULL when anything is wrong, with every error in d.
 * Globs are relative to the settings file's folder.
 */
MUST_CHECK struct config *config_load(const char *file, struct diag *d);
void config_free(struct config *c);

const char *policy_name(enum policy p);

#endif
