/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_INSPECT_FIELD_H
#define SLUICE_INSPECT_FIELD_H

#include "app/http.h"
#include "net/packet.h"

/* What a condition can do with a field. */
enum field_type {
    TYPE_BOOL,
    TYPE_INT,
    TYPE_MAC,
    TYPE_NAMES, /* one or more of a closed list of names, as bits */
    TYPE_ADDR,
    TYPE_BYTES, /* strings too */
};

/* When a field is there. GUARD_L4 + enum l4_kind: with that transport header. */
enum field_guard { GUARD_ALWAYS, GUARD_IP, GUARD_VLAN, GUARD_ETH_SRC, GUARD_ETH_DST, GUARD_CT_MARK, GUARD_L4 };

/* How a field is read. */
enum field_load {
    LOAD_U8,
    LOAD_U16,
    LOAD_U32,
    LOAD_MAC,
    LOAD_TRUE_IF_U8,
    LOAD_BIT_U8, /* of tcp_flags; arg: the bit */
    LOAD_VLAN_ID,
    LOAD_BOTH_PORTS,
    LOAD_MSS,
    LOAD_GRE_KEY,
    LOAD_IP,       /* arg: the version, 0 for any */
    LOAD_PROTO_IS, /* arg: the protocol */
    LOAD_SIDE,     /* of a device */
    LOAD_STATE,
    LOAD_DIRECTION,
    LOAD_ANOMALIES,
    LOAD_OPTIONS,
    LOAD_ADDR,
    LOAD_BOTH_ADDRS,
    LOAD_DEV_NAME,
    LOAD_PAYLOAD,
    /* From here on not of the packet: read through an operand. */
    LOAD_STREAM,
    LOAD_HTTP,
    LOAD_HTTP_SPAN,
    LOAD_HTTP_LIST,   /* arg: enum list_part */
    LOAD_HTTP_HEADER, /* arg: shorthand of a header, see field_header */
    LOAD_HTTP_STATUS,
    LOAD_HTTP_ANOMALIES,
    LOAD_SCORE,
};

/* Which names a TYPE_NAMES field has (bit i is name i), or a TYPE_INT field may be written with. */
enum field_names {
    NAMES_NONE,
    NAMES_SIDE,
    NAMES_STATE,
    NAMES_DIRECTION,
    NAMES_ANOMALY,
    NAMES_OPTION,
    NAMES_PROTO,
    NAMES_HTTP_ANOMALY
};

/* Which part of a list a field is. */
enum list_part {
    LIST_NAMES = 1 << 0,    /* the names, not the values */
    LIST_BODY = 1 << 1,     /* args: without the query's */
    LIST_CASELESS = 1 << 2, /* names compare without regard to case */
};

/* Where a field's value comes to be known, in the order of time. */
enum field_when {
    WHEN_ANY, /* with every packet */
    WHEN_PACKET,
    WHEN_TO_SERVER,
    WHEN_TO_CLIENT,
    WHEN_REQUEST_HEAD,
    WHEN_REQUEST_BODY,
    WHEN_RESPONSE_HEAD,
    WHEN_RESPONSE_BODY,
};

struct field {
    const char *name;
    uint8_t type, guard, load, names;
    uint16_t at; /* offset in struct packet, or in struct http_tx */
    uint8_t arg;
    bool port;           /* may be compared with sets of ports */
    uint8_t first, last; /* enum field_when; a value or a list may grow from first to last */
    uint16_t needs;      /* enum ruleset_need */
    uint64_t max;        /* TYPE_INT: the greatest value */
};

extern const struct field fields[];
extern const unsigned field_count;

/* -1 where there is none of that name. */
int field_find(const char *name, size_t len);
/* The field nearest in spelling, or NULL when none is near. */
const char *field_guess(const char *name, size_t len);
/* "an integer", "an address", … */
const char *field_type_name(enum field_type t);

/* The bit of a name, 0 when there is none. */
uint64_t names_bit(enum field_names set, const char *name);
/* The name nearest to one that is none, or NULL. */
const char *names_guess(enum field_names set, const char *name);
/* The names as a, b, c, cut between two where there is no room for all; buf of `size` bytes. Returns buf. */
const char *names_list(enum field_names set, char *buf, size_t size);

/* Bits that packets seldom have, one number space for the index: anomalies, then IP options. */
#define RARE_ANOMALY 0
#define RARE_OPTION 16
#define RARE_FRAGMENT 31
#define RARE_HTTP 64

/* The header that a shorthand stands for, in lower case. */
const char *field_header(const struct field *f);
/* Whether the field goes on changing while a request lives. */
bool field_grows(const struct field *f);

/* The values of a packet's field: how many (0: the field is absent). Any thread. */
unsigned field_ints(const struct field *f, const struct packet *p, uint64_t v[2]);
unsigned field_addrs(const struct field *f, const struct packet *p, const struct ip_addr *v[2]);
unsigned field_bytes(const struct field *f, const struct packet *p, struct span *v);

#endif
