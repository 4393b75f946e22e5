/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_QUEUE_NFLOG_H
#define SLUICE_QUEUE_NFLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

/*
 * What the kernel tells by NFLOG of packets that it judges alone: one group,
 * received by one thread. The packets are gone by then; nothing waits for us.
 */
struct nflog;

/* A packet as the kernel hands it; views last until the next one. */
struct nflog_packet {
    uint64_t time_us; /* when it came, since 1970; 0: not told */
    uint32_t mark;
    uint32_t indev, outdev, physindev, physoutdev;
    uint16_t ethertype; /* 0: not told */
    uint16_t vlan_tci;
    uint8_t hook;
    uint8_t hwaddr_len;
    bool has_vlan;
    uint8_t hwaddr[8];     /* the sender's */
    struct span l2_header; /* as it came in, from the destination MAC on; may be empty */
    struct span prefix;    /* the log rule's words, without a NUL */
    struct span payload;   /* from the network header on, cut where the rule says */
};

struct nflog_counters {
    uint64_t packets;
    uint64_t overruns;  /* ENOBUFS: some were not told */
    uint64_t malformed; /* messages that could not be read */
    uint64_t errors;    /* messages of the kernel that tell of one */
};

/*
 * Opens and binds a group; `bytes` of each packet come. Returns 0 and the
 * receiver, or a negative errno with the reason in why: -EBUSY when another
 * program has the group, -EPERM without CAP_NET_ADMIN.
 */
MUST_CHECK int nflog_open(uint16_t group, uint32_t bytes, struct nflog **ret, char *why, size_t why_size);
void nflog_close(struct nflog *n);

/* For poll: readable when something waits. */
int nflog_fd(const struct nflog *n);

/*
 * Calls `each` for what waits, at most NFLOG_BATCH messages of the kernel (poll
 * tells again where more do); never blocks. Returns how many packets came, or a
 * negative errno when the socket is broken. ENOBUFS is counted and survived.
 */
typedef void (*nflog_fn)(const struct nflog_packet *p, void *ctx);
int nflog_receive(struct nflog *n, nflog_fn each, void *ctx);
#define NFLOG_BATCH 64

const struct nflog_counters *nflog_counters(const struct nflog *n);

/*
 * Reads one netlink message. Returns 1 and the packet, 0 for a message that is
 * no packet, -EPROTO when it is malformed, or another negative errno that the
 * kernel reports.
 */
int nflog_parse(struct span message, struct nflog_packet *ret);

#endif
