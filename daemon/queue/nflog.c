/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define RECEIVE_BUFFER (1 << 20)
#define DATAGRAM_MAX 131072 /* the kernel gathers messages into one up to this */

struct nflog {
    struct mnl_socket *nl;
    int fd;
    uint16_t group;
    uint32_t seq;
    struct nflog_counters counters;
    uint8_t buf[DATAGRAM_MAX];
};

int nflog_fd(const struct nflog *n)
{
    return n->fd;
}

const struct nflog_counters *nflog_counters(const struct nflog *n)
{
    return &n->counters;
}

static int open_socket(struct nflog *n)
{
    n->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!n->nl || mnl_socket_bind(n->nl, 0, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    n->fd = mnl_socket_get_fd(n->nl);
    int bytes = RECEIVE_BUFFER;
    if (setsockopt(n->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        (void)setsockopt(n->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return 0;
}

static struct nlmsghdr *config_message(struct nflog *n, uint8_t *buf)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    nlh->nlmsg_seq = ++n->seq;
    struct nfgenmsg *g = mnl_nlmsg_put_extra_header(nlh, sizeof *g);
    *g = (struct nfgenmsg){.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(n->group)};
    return nlh;
}

/* The answer among the messages of one datagram: 0, a negative errno; -EAGAIN: it is not there. */
static int find_answer(const struct nflog *n, size_t len)
{
    int left = (int)len;
    for (const struct nlmsghdr *nlh = (const void *)n->buf; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
        int32_t error;
        if (nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_seq != n->seq || mnl_nlmsg_get_payload_len(nlh) < sizeof error)
            continue;
        memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof error);
        return error;
    }
    return -EAGAIN;
}

/* The kernel answers within the send; packets may stand before the answer, and are of no concern yet. */
static int configure(struct nflog *n, const struct nlmsghdr *nlh)
{
    if (mnl_socket_sendto(n->nl, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    for (;;) {
        ssize_t len = mnl_socket_recvfrom(n->nl, n->buf, sizeof n->buf);
        if (len < 0 && (errno == EINTR || errno == ENOBUFS))
            continue;
        if (len < 0)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        int err = find_answer(n, (size_t)len);
        if (err != -EAGAIN)
            return err;
    }
}

static int bind_group(struct nflog *n, uint32_t bytes)
{
    uint8_t buf[256];
    struct nlmsghdr *nlh = config_message(n, buf);
    struct nfulnl_msg_config_cmd cmd = {.command = NFULNL_CFG_CMD_BIND};
    mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof cmd, &cmd);
    int err = configure(n, nlh);
    if (err)
        return err;
    nlh = config_message(n, buf);
    struct nfulnl_msg_config_mode mode = {.copy_range = htonl(bytes), .copy_mode = NFULNL_COPY_PACKET};
    mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof mode, &mode);
    mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(1)); /* told at once */
    return configure(n, nlh);
}

/* The kernel says EPERM of another program's group too; its list of groups tells. */
static bool in_use(uint16_t group)
{
    AUTO_FCLOSE FILE *f = fopen("/proc/thread-self/net/netfilter/nfnetlink_log", "re");
    char line[256];
    while (f && fgets(line, sizeof line, f))
        if (strtoul(line, NULL, 10) == group)
            return true;
    return false;
}

static int explain(int err, uint16_t group, char *why, size_t why_size)
{
    if (err == -EBUSY || (err == -EPERM && in_use(group))) {
        snprintf(why, why_size, "NFLOG group %u is in use by another program; choose another divert.log_group", group);
        return -EBUSY;
    }
    snprintf(why, why_size, "NFLOG group %u: %s%s", group, strerror(-err),
             err == -EPERM ? " (needs root or CAP_NET_ADMIN)" : "");
    return err;
}

int nflog_open(uint16_t group, uint32_t bytes, struct nflog **ret, char *why, size_t why_size)
{
    struct nflog *n = calloc(1, sizeof *n);
    int err = n ? open_socket(n) : -ENOMEM;
    if (!err) {
        n->group = group;
        err = bind_group(n, bytes);
    }
    if (err) {
        nflog_close(n);
        return explain(err, group, why, why_size);
    }
    *ret = n;
    return 0;
}

void nflog_close(struct nflog *n)
{
    if (n && n->nl)
        mnl_socket_close(n->nl);
    free(n);
}

static void read_message(struct nflog *n, struct span message, nflog_fn each, void *ctx, int *packets)
{
    struct nflog_packet p;
    int r = nflog_parse(message, &p);
    if (r > 0) {
        n->counters.packets++;
        (*packets)++;
        each(&p, ctx);
    } else if (r < 0) {
        if (r == -EPROTO)
            n->counters.malformed++;
        else
            n->counters.errors++;
    }
}

static int read_datagram(struct nflog *n, size_t len, nflog_fn each, void *ctx)
{
    int packets = 0;
    size_t at = 0;
    while (at < len) {
        const struct nlmsghdr *nlh = (const void *)(n->buf + at);
        read_message(n, span_of(n->buf + at, len - at), each, ctx, &packets);
        if (!mnl_nlmsg_ok(nlh, (int)(len - at)) || nlh->nlmsg_len > len - at)
            break;
        at += (nlh->nlmsg_len + 3u) & ~3u;
    }
    return packets;
}

int nflog_receive(struct nflog *n, nflog_fn each, void *ctx)
{
    int packets = 0;
    for (int i = 0; i < NFLOG_BATCH; i++) {
        ssize_t len = recv(n->fd, n->buf, sizeof n->buf, 0);
        if (len > 0)
            packets += read_datagram(n, (size_t)len, each, ctx);
        else if (len == 0 || errno == EAGAIN || errno == EINTR)
            break;
        else if (errno == ENOBUFS)
            n->counters.overruns++;
        else
            return -errno;
    }
    return packets;
}
