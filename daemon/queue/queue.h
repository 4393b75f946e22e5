/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_QUEUE_QUEUE_H
#define SLUICE_QUEUE_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/span.h"

/*
 * One NFQUEUE queue and its netlink socket. A queue belongs to one thread;
 * only queue_open and queue_close may run on another, before and after it.
 */
struct queue;

struct queue_options {
    uint16_t number;
    uint16_t batch;          /* packets received in one system call */
    uint32_t length;         /* packets that may wait in the kernel */
    uint32_t receive_buffer; /* of the socket, in bytes */
    bool fail_open;          /* a full queue lets packets pass */
    bool conntrack;          /* attach conntrack to each packet (NFQA_CT) */
    bool whole;              /* copy packets whole; otherwise QUEUE_HEADER_BYTES of each */
};

/* Enough for IPv6 extension headers and TCP options together. */
#define QUEUE_HEADER_BYTES 256

/* A queued packet as the kernel hands it; views last until the next queue_receive. */
struct queue_packet {
    uint32_t id;
    uint32_t mark;
    uint32_t ct_mark;
    uint32_t ct_id;    /* with the mark; 0: unknown */
    uint32_t skb_info; /* NFQA_SKB_* */
    uint32_t full_len; /* of the packet; more than payload.len where it was cut */
    uint32_t indev, outdev, physindev, physoutdev;
    uint16_t ethertype;
    uint16_t vlan_tci;
    uint8_t hook;
    uint8_t hwaddr_len;
    bool has_vlan, has_ct_mark;
    uint8_t hwaddr[8];
    struct span l2_header; /* as it came in, from the destination MAC on; may be empty */
    struct span payload;
};

enum queue_verdict { QUEUE_DROP = 0, QUEUE_ACCEPT = 1, QUEUE_REPEAT = 4 };

/* Counted by the owning thread; read them from it. */
struct queue_counters {
    uint64_t received;  /* packets */
    uint64_t batches;   /* system calls that brought some */
    uint64_t idle;      /* waits that ended with nothing to receive: all that was queued before is decided */
    uint64_t overruns;  /* ENOBUFS: the socket's buffer was full */
    uint64_t errors;    /* the kernel refused a message of ours */
    uint64_t malformed; /* messages that could not be read */
    uint64_t send_retries;
};

/*
 * Opens and binds a queue. Returns 0 and the queue, or a negative errno with
 * the reason in why: -EBUSY when another program has the queue's number,
 * -EPERM without CAP_NET_ADMIN, -EOPNOTSUPP when the kernel lacks what the
 * options need.
 */
MUST_CHECK int queue_open(const struct queue_options *opt, struct queue **ret, char *why, size_t why_size);

/*
 * Goes on with the queue that a socket of an earlier process is bound to; what
 * waits in it is received as if it had just come. What that process had
 * received and left undecided goes round once more by REPEAT, unless processes
 * keep dying of it: then it is dropped. Returns 0 and the queue, or with the reason in why: -ENOTCONN when the socket
 * is no queue's or not this one's, -EOPNOTSUPP as above. Takes fd: closed on error.
 */
MUST_CHECK int queue_take_over(const struct queue_options *opt, int fd, struct queue **ret, char *why, size_t why_size);

/* Whether it was. */
bool queue_dropped_orphans(const struct queue *q);

/*
 * Gives up the queue of such a socket, to which the table should lead no
 * longer: what waits goes round once more, and the queue is unbound, whoever
 * else holds the socket. Returns 0 or a negative errno. Does not close fd.
 */
int queue_give_up(int fd, uint16_t number);

/*
 * Closes the socket. The kernel drops what still waits, unless somebody else
 * (systemd's store) holds the socket: then it waits on. Accepts NULL.
 */
void queue_close(struct queue *q);

/* The socket, to be kept by another process; -1 of NULL. */
int queue_fd(const struct queue *q);

/*
 * Waits up to 200 ms for packets and receives a batch. Returns how many
 * messages came (0: none, or a signal), or a negative errno when the socket is
 * broken. ENOBUFS is counted and survived.
 */
int queue_receive(struct queue *q);

/* The next packet of the batch; false at its end. */
bool queue_next(struct queue *q, struct queue_packet *ret);

/*
 * Decides a packet. Packets must be decided in the order in which queue_next
 * gave them and each exactly once: runs of equal verdicts are sent as one
 * NFQNL_MSG_VERDICT_BATCH, which decides every waiting packet up to its id.
 */
void queue_decide(struct queue *q, uint32_t id, enum queue_verdict verdict, bool set_mark, uint32_t mark);

/* Sends the verdicts of the batch. Returns 0 or a negative errno. */
int queue_flush(struct queue *q);

/*
 * Changes length, fail_open, conntrack and whole of a queue in use; holds for
 * packets queued from now on. A refusal shows in the errors counter.
 */
int queue_change(struct queue *q, const struct queue_options *opt);

/* Whether the kernel attaches conntrack to queued packets. Before the worker starts only; leaves it off. */
bool queue_can_conntrack(struct queue *q, const struct queue_options *opt);

/* The same, tried out on a queue of its own: for a queue in which packets wait already. */
bool queue_probe_conntrack(void);

const struct queue_counters *queue_counters(const struct queue *q);
uint16_t queue_number(const struct queue *q);

/*
 * Reads one netlink message. Returns 1 and the packet, 0 for a message that is
 * no packet (an acknowledgement), -EPROTO when it is malformed, or another
 * negative errno that the kernel reports.
 */
int queue_parse(struct span message, struct queue_packet *ret);

/* What /proc/net/netfilter/nfnetlink_queue tells of one queue. */
struct queue_proc {
    uint32_t portid, waiting, copy_mode, copy_range;
    uint64_t queue_dropped; /* the queue was full */
    uint64_t user_dropped;  /* the socket was full */
    uint32_t last_id;       /* of the packet queued last */
};

/* Returns 0, -ENOENT when no program has this queue, or a negative errno. Any thread. */
int queue_read_proc(uint16_t number, struct queue_proc *ret);

#endif
