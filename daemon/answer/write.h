/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ANSWER_WRITE_H
#define SLUICE_ANSWER_WRITE_H

#include "answer/answer.h"

/* Headers in network order, one behind the other, into a buffer of ANSWER_MAX bytes. Private to answer/. */
struct writer {
    uint8_t *at;
};

void write8(struct writer *w, unsigned v);
void write16(struct writer *w, unsigned v);
void write32(struct writer *w, uint32_t v);
void write_bytes(struct writer *w, const void *data, size_t len);

/* Folds a sum and stores its complement at a checksum's place. */
void write_sum(uint8_t *at, uint64_t sum);

/* The link's addresses, its VLAN tag and the type of an IP version. */
void write_ethernet(struct writer *w, const struct answer_link *link, int ip_version);

/* The IP header of `len` bytes of a protocol; both addresses are of one family. */
void write_ip(struct writer *w, const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, size_t len);

/* A TCP segment with its IP header. */
void write_tcp(struct writer *w, const struct answer_tcp *a);

#endif
