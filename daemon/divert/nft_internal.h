/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_DIVERT_NFT_INTERNAL_H
#define SLUICE_DIVERT_NFT_INTERNAL_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "divert/nft.h"

/* A netlink attribute's length is 16 bits: no message of ours is longer. */
#define NFT_MESSAGE_MAX 131072

struct mnl_socket;

struct nft_step { /* what a message does, for the error */
    char text[64];
};

struct nft_tx {
    uint8_t family;
    char table[32];
    int failed;
    uint8_t *scratch; /* the message being built */
    uint8_t *buf;
    size_t len, size;
    struct nft_step *steps;
    uint32_t n_steps, set_ids;
};

MUST_CHECK int nft_open_socket(struct mnl_socket **ret);
void nft_batch_mark(struct nft_tx *tx, uint16_t type);
struct nlmsghdr *nft_message(struct nft_tx *tx, uint16_t type, uint16_t flags);
void nft_step(struct nft_tx *tx, const struct nlmsghdr *nlh, const char *what, const char *name);

#endif
