/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_SET_H
#define SLUICE_MATCH_SET_H

#include "base/diag.h"
#include "match/strtab.h"
#include "net/addr.h"

typedef unsigned __int128 addr_bits; /* an address as a number; IPv4 in the low 32 bits */

enum set_type { SET_ADDRESS, SET_PORT, SET_STRING };

struct addr_range {
    addr_bits first, last;
};

/*
 * Values that conditions look up. Filled by the loader, sealed, then read by
 * any thread. Zeroed (with its type) is empty.
 */
struct set {
    enum set_type type;
    const char *name;             /* NULL: a list in a condition; not owned */
    struct addr_range *ranges[2]; /* IPv4, IPv6 while filling; sealed: disjoint and sorted, IPv6 only */
    size_t n[2], cap[2];
    uint32_t *first4, *last4; /* sealed IPv4 ranges */
    uint64_t *ports;          /* a bit each */
    struct strtab strings;
};

addr_bits addr_to_bits(const struct ip_addr *a);

/* 0 or -ENOMEM. */
MUST_CHECK int set_add_range(struct set *s, uint8_t family, addr_bits first, addr_bits last);
MUST_CHECK int set_add_net(struct set *s, const struct ip_net *net);
/*
 * Adds an entry as a file or a list has it: an address, network or range
 * "first-last"; a port or a range; a string. 0, -ENOMEM, or -EINVAL with what
 * is wrong in why.
 */
MUST_CHECK int set_add_text(struct set *s, char *text, char *why, size_t size);
/* Sorts, merges, gives back spare memory. 0 or -ENOMEM. */
MUST_CHECK int set_seal(struct set *s);
/* Adds a file's entries, one a line; errors go to d. */
void set_add_file(struct set *s, const char *file, struct diag *d);

bool set_has_addr(const struct set *s, const struct ip_addr *a);
bool set_has_port(const struct set *s, uint64_t port);
bool set_has_string(const struct set *s, struct span v);

void set_free(struct set *s);

#endif
