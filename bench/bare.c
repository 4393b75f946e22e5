/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bare queue loop, the limit that the bench compares with: behind the same
 * table as sluiced it receives (recvmmsg), accepts (one batch verdict a batch)
 * and does nothing else. It reads no attribute but the packet's id.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "config/config.h"
#include "divert/divert.h"

#define MESSAGE_MAX (65536 + 1024)

struct loop {
    uint16_t number, batch;
    uint32_t length, receive_buffer;
    bool fail_open;
    struct mnl_socket *nl;
    pthread_t thread;
    uint64_t packets;
};

static atomic_bool stop;

static void on_signal(int sig)
{
    (void)sig;
    atomic_store(&stop, true);
}

static void send_or_die(struct mnl_socket *nl, const struct nlmsghdr *nlh, const char *what)
{
    if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) >= 0)
        return;
    perror(what);
    exit(1);
}

static void open_loop(struct loop *l)
{
    char buf[256];
    l->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!l->nl || mnl_socket_bind(l->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
        perror("bare: socket");
        exit(1);
    }
    int bytes = (int)l->receive_buffer;
    struct timeval wait = {.tv_usec = 200000};
    setsockopt(mnl_socket_get_fd(l->nl), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
    setsockopt(mnl_socket_get_fd(l->nl), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, l->number);
    nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
    send_or_die(l->nl, nlh, "bare: bind");
    uint32_t flags = NFQA_CFG_F_GSO | (l->fail_open ? NFQA_CFG_F_FAIL_OPEN : 0);
    nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, l->number);
    nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 0xffff);
    mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(l->length));
    mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
    mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(flags));
    send_or_die(l->nl, nlh, "bare: configure");
}

/* The id of the last packet among n messages, 0 when there is none. */
static uint32_t last_id(const struct mmsghdr *h, int n, uint64_t *packets)
{
    uint32_t id = 0;
    for (int i = 0; i < n; i++) {
        const struct nlmsghdr *nlh = h[i].msg_hdr.msg_iov->iov_base;
        if (nlh->nlmsg_type != ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET))
            continue;
        const struct nlattr *a = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg));
        const struct nfqnl_msg_packet_hdr *ph = mnl_attr_get_payload(a); /* the kernel puts it first */
        id = ntohl(ph->packet_id);
        (*packets)++;
    }
    return id;
}

static void *run_loop(void *arg)
{
    struct loop *l = arg;
    uint8_t *room = malloc((size_t)l->batch * MESSAGE_MAX);
    struct mmsghdr *h = calloc(l->batch, sizeof *h);
    struct iovec *iov = calloc(l->batch, sizeof *iov);
    if (!room || !h || !iov)
        exit(1);
    for (size_t i = 0; i < l->batch; i++) {
        iov[i] = (struct iovec){room + i * MESSAGE_MAX, MESSAGE_MAX};
        h[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        int n = recvmmsg(mnl_socket_get_fd(l->nl), h, l->batch, MSG_WAITFORONE, NULL);
        uint32_t id = n > 0 ? last_id(h, n, &l->packets) : 0;
        if (!id)
            continue;
        char buf[128];
        struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT_BATCH, l->number);
        nfq_nlmsg_verdict_put(nlh, (int)id, NF_ACCEPT);
        mnl_socket_sendto(l->nl, nlh, nlh->nlmsg_len);
    }
    free(room);
    free(h);
    free(iov);
    return NULL;
}

static int fail(const char *why)
{
    fprintf(stderr, "bare: %s\n", why);
    return 1;
}

static int run_all(const struct config *c, struct loop *loops, uint16_t n)
{
    struct divert d;
    char said[256], switches[256], why[512];
    if (divert_probe(c, n, &d, said, sizeof said, why, sizeof why) ||
        divert_br_netfilter(&d, c, switches, sizeof switches, why, sizeof why))
        return fail(why);
    for (uint16_t i = 0; i < n; i++) {
        loops[i] = (struct loop){.number = (uint16_t)(c->queues.first + i),
                                 .batch = c->queues.batch,
                                 .length = c->queues.length,
                                 .receive_buffer = c->queues.receive_buffer,
                                 .fail_open = c->policies.on_overload == POLICY_OPEN};
        open_loop(&loops[i]);
        if (pthread_create(&loops[i].thread, NULL, run_loop, &loops[i]))
            return fail("no thread");
    }
    struct plan plan;
    if (plan_all(c, &plan))
        return fail("out of memory");
    int err = divert_install(&d, c, &plan, DIVERT_QUEUE, why, sizeof why);
    plan_free(&plan);
    if (err)
        return fail(why);
    fprintf(stderr, "bare: ready\n");
    uint64_t packets = 0;
    for (uint16_t i = 0; i < n; i++) {
        pthread_join(loops[i].thread, NULL);
        mnl_socket_close(loops[i].nl);
        packets += loops[i].packets;
    }
    printf("%llu packets\n", (unsigned long long)packets);
    return divert_remove(&d, why, sizeof why) ? fail(why) : 0;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return fail("usage: bare FILE (settings as for sluiced)");
    struct diag *errors = diag_new();
    struct config *c = errors ? config_load(argv[1], errors) : NULL;
    if (!c) {
        if (errors)
            diag_print(errors, stderr);
        return 1;
    }
    struct sigaction act = {.sa_handler = on_signal};
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    uint16_t n = c->queues.count ? c->queues.count : (uint16_t)sysconf(_SC_NPROCESSORS_ONLN);
    struct loop *loops = calloc(n, sizeof *loops);
    int status = loops ? run_all(c, loops, n) : 1;
    free(loops);
    config_free(c);
    diag_free(errors);
    return status;
}
