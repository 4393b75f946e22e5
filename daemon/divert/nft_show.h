/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_NFT_SHOW_H
#define SLUICE_DIVERT_NFT_SHOW_H

#include <libmnl/libmnl.h>
#include <libnftnl/rule.h>
#include <stdint.h>
#include <stdio.h>

/* How the bytes of a register or of a set's key read. */
enum show_kind {
    SHOW_HEX,
    SHOW_NUMBER, /* big-endian */
    SHOW_PAIR,   /* of numbers, each two bytes in four */
    SHOW_MARK,   /* four bytes of the host's order */
    SHOW_NAME,
    SHOW_PROTO,
    SHOW_ETHERTYPE,
    SHOW_FAMILY,
    SHOW_ADDRESS,
    SHOW_CT_STATE,
    SHOW_CT_DIRECTION,
};

void nft_show_value(FILE *out, enum show_kind kind, const void *data, uint32_t len);
/* One rule on a line of its own; `nlh` is the message that it was read from. */
void nft_show_rule(FILE *out, const struct nftnl_rule *r, const struct nlmsghdr *nlh);

/* The attributes of a nest, one by one: NULL begins, and ends. */
const struct nlattr *nft_show_next(const struct nlattr *nest, const struct nlattr *a);
/* The attribute of a type inside another; NULL when there is none. */
const struct nlattr *nft_show_inside(const struct nlattr *nest, uint16_t type);

#endif
