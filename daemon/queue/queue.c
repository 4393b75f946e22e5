/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define MESSAGE_MAX (65536 + 1024) /* a whole packet and its attributes */
#define VERDICT_MAX 64             /* one verdict message, with a mark */
#define WAIT_US 200000
#define TRIALS_MAX 2 /* deaths in a row that a packet may be held in */

struct run { /* of packets with the same verdict, not yet written out */
    uint32_t last_id, count;
    enum queue_verdict verdict;
    bool set_mark;
    uint32_t mark;
};

struct queue {
    struct mnl_socket *nl;
    int fd;
    uint16_t number, batch;
    uint32_t seq, orphans_seq;
    bool on_trial, dropped_orphans; /* see repeat_orphans */
    uint32_t trial_id;
    uint8_t *messages; /* batch * MESSAGE_MAX, touched only as far as packets are long */
    struct mmsghdr *headers;
    struct iovec *iov;
    int got, at;
    size_t offset; /* in message `at` */
    struct run run;
    uint8_t *verdicts;
    size_t verdicts_len;
    struct queue_counters counters;
};

const struct queue_counters *queue_counters(const struct queue *q)
{
    return &q->counters;
}

uint16_t queue_number(const struct queue *q)
{
    return q->number;
}

static size_t aligned(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

static int allocate(struct queue *q)
{
    size_t size = (size_t)q->batch * MESSAGE_MAX;
    void *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m == MAP_FAILED)
        return -ENOMEM;
    q->messages = m;
    q->headers = calloc(q->batch, sizeof *q->headers);
    q->iov = calloc(q->batch, sizeof *q->iov);
    q->verdicts = calloc(q->batch, VERDICT_MAX);
    if (!q->headers || !q->iov || !q->verdicts)
        return -ENOMEM;
    for (size_t i = 0; i < q->batch; i++) {
        q->iov[i] = (struct iovec){.iov_base = q->messages + i * MESSAGE_MAX, .iov_len = MESSAGE_MAX};
        q->headers[i].msg_hdr = (struct msghdr){.msg_iov = &q->iov[i], .msg_iovlen = 1};
    }
    return 0;
}

static int set_up_socket(struct queue *q, uint32_t receive_buffer)
{
    q->fd = mnl_socket_get_fd(q->nl);
    int bytes = (int)receive_buffer;
    if (setsockopt(q->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        (void)setsockopt(q->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    struct timeval wait = {.tv_usec = WAIT_US};
    if (setsockopt(q->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0)
        return -errno;
    return 0;
}

static int open_socket(struct queue *q, uint32_t receive_buffer)
{
    q->nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!q->nl)
        return -errno;
    if (mnl_socket_bind(q->nl, 0, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    return set_up_socket(q, receive_buffer);
}

/* A packet that comes before all is set up, from a table that an earlier run left, goes round once more. */
static void send_back(struct queue *q, uint32_t id)
{
    char buf[256];
    struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT, q->number);
    nfq_nlmsg_verdict_put(nlh, (int)id, QUEUE_REPEAT);
    if (mnl_socket_sendto(q->nl, nlh, nlh->nlmsg_len) < 0)
        q->counters.errors++;
}

/* The kernel's answer to a message: 0 or a negative errno; -EAGAIN when none has come yet. */
static int read_answer(struct queue *q)
{
    ssize_t n = mnl_socket_recvfrom(q->nl, q->messages, MESSAGE_MAX);
    if (n < 0)
        return errno == EINTR || errno == ENOBUFS ? -EAGAIN : errno == EAGAIN ? -ETIMEDOUT : -errno;
    struct queue_packet p;
    int r = queue_parse(span_of(q->messages, (size_t)n), &p);
    if (r > 0) {
        send_back(q, p.id);
        return -EAGAIN;
    }
    const struct nlmsghdr *nlh = (const void *)q->messages;
    return r == -EPROTO || nlh->nlmsg_type != NLMSG_ERROR || nlh->nlmsg_seq != q->seq ? -EAGAIN : r;
}

/* Sends a configuration message and waits for its answer; before the worker starts only. */
static int configure(struct queue *q, struct nlmsghdr *nlh)
{
    nlh->nlmsg_flags |= NLM_F_ACK;
    nlh->nlmsg_seq = ++q->seq;
    if (mnl_socket_sendto(q->nl, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    /* The answer stands behind the packets that came before it, so many tries may be needed. */
    for (int tries = 0; tries < 1000000; tries++) {
        int r = read_answer(q);
        if (r != -EAGAIN)
            return r;
    }
    return -EPROTO;
}

static int bind_queue(struct queue *q)
{
    char buf[256];
    struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, q->number);
    nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
    return configure(q, nlh);
}

static struct nlmsghdr *put_parameters(char *buf, uint16_t number, const struct queue_options *opt)
{
    /* One FLAGS attribute: a second one would undo the first. */
    uint32_t flags = NFQA_CFG_F_GSO;
    if (opt->fail_open)
        flags |= NFQA_CFG_F_FAIL_OPEN;
    if (opt->conntrack)
        flags |= NFQA_CFG_F_CONNTRACK;
    /* A flag that the kernel does not know is refused even where it is only to be cleared. */
    uint32_t mask = NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN | (opt->conntrack ? NFQA_CFG_F_CONNTRACK : 0);
    struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);
    nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, opt->whole ? 0xffff : QUEUE_HEADER_BYTES);
    mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(opt->length));
    mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
    mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(mask));
    return nlh;
}

static int set_parameters(struct queue *q, const struct queue_options *opt)
{
    char buf[256];
    return configure(q, put_parameters(buf, q->number, opt));
}

bool queue_can_conntrack(struct queue *q, const struct queue_options *opt)
{
    struct queue_options with = *opt;
    with.conntrack = true;
    if (set_parameters(q, &with) != 0)
        return false;
    char buf[256];
    struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, q->number);
    mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, 0);
    mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_CONNTRACK));
    return configure(q, nlh) == 0;
}

int queue_change(struct queue *q, const struct queue_options *opt)
{
    char buf[256];
    struct nlmsghdr *nlh = put_parameters(buf, q->number, opt);
    return mnl_socket_sendto(q->nl, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

static int explain_bind(int err, uint16_t number, char *why, size_t size)
{
    struct queue_proc p;
    if (queue_read_proc(number, &p) == 0) {
        snprintf(why, size, "queue %u is in use by another program (netlink port %u); choose another queues.first",
                 number, p.portid);
        return -EBUSY;
    }
    snprintf(why, size, "queue %u cannot be bound: %s%s", number, strerror(-err),
             err == -EPERM ? " (needs root or CAP_NET_ADMIN)" : "");
    return err;
}

static int prepare(struct queue *q, const struct queue_options *opt, char *why, size_t size)
{
    int err = allocate(q);
    if (!err)
        err = open_socket(q, opt->receive_buffer);
    if (err) {
        snprintf(why, size, "queue %u: netlink socket: %s", opt->number, strerror(-err));
        return err;
    }
    err = bind_queue(q);
    if (err)
        return explain_bind(err, opt->number, why, size);
    err = set_parameters(q, opt);
    if (err)
        snprintf(why, size, "queue %u cannot be configured: %s%s", opt->number, strerror(-err),
                 opt->conntrack ? " (this kernel may not attach conntrack to queued packets)" : "");
    return err;
}

static struct queue *queue_new(const struct queue_options *opt, char *why, size_t why_size)
{
    struct queue *q = calloc(1, sizeof *q);
    if (!q) {
        snprintf(why, why_size, "out of memory");
        return NULL;
    }
    q->fd = -1;
    q->number = opt->number;
    q->batch = opt->batch;
    return q;
}

int queue_open(const struct queue_options *opt, struct queue **ret, char *why, size_t why_size)
{
    struct queue *q = queue_new(opt, why, why_size);
    if (!q)
        return -ENOMEM;
    int err = prepare(q, opt, why, why_size);
    if (err) {
        queue_close(q);
        return err;
    }
    *ret = q;
    return 0;
}

bool queue_probe_conntrack(void)
{
    struct queue_options opt = {.batch = 1, .length = 1, .receive_buffer = 65536, .fail_open = true};
    struct queue *q = NULL;
    char why[256];
    int err = -EBUSY;
    /* Some number at the far end, which hardly anyone uses. */
    for (unsigned tries = 0; tries < 16 && err == -EBUSY; tries++) {
        opt.number = (uint16_t)(UINT16_MAX - tries);
        err = queue_open(&opt, &q, why, sizeof why);
    }
    bool can = !err && queue_can_conntrack(q, &opt);
    if (!err)
        queue_close(q);
    return can;
}

/*
 * The id up to which what waits was received by the dead process: all before
 * the first packet that is still in the socket, or, where there is none, the
 * last that was queued before we looked.
 */
static int last_orphan(struct queue *q, uint32_t last_queued, uint32_t *ret)
{
    for (;;) {
        ssize_t n = recv(q->fd, q->messages, MESSAGE_MAX, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0 && (errno == EINTR || errno == ENOBUFS))
            continue;
        *ret = last_queued;
        if (n < 0)
            return errno == EAGAIN ? 0 : -errno;
        struct queue_packet p;
        if (queue_parse(span_of(q->messages, (size_t)n), &p) > 0) {
            *ret = p.id - 1;
            return 0;
        }
        /* An answer to the dead process: nobody waits for it. */
        (void)recv(q->fd, q->messages, MESSAGE_MAX, MSG_DONTWAIT);
    }
}

static int decide_up_to(int fd, uint16_t number, uint32_t id, enum queue_verdict verdict, uint32_t seq)
{
    char buf[256];
    struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT_BATCH, number);
    nlh->nlmsg_seq = seq;
    nfq_nlmsg_verdict_put(nlh, (int)id, (int)verdict);
    return send(fd, nlh, nlh->nlmsg_len, 0) < 0 ? -errno : 0;
}

/*
 * How many processes in a row have died before they had decided what waited
 * when they came. The socket outlives them and keeps the number for them, in
 * an option that netlink has no use for.
 */
static int trials(const struct queue *q)
{
    int n = 0;
    socklen_t len = sizeof n;
    return getsockopt(q->fd, SOL_SOCKET, SO_PRIORITY, &n, &len) < 0 ? 0 : n;
}

static void set_trials(struct queue *q, int n)
{
    q->on_trial = n > 0;
    (void)setsockopt(q->fd, SOL_SOCKET, SO_PRIORITY, &n, sizeof n);
}

/* A packet that kills whoever reads it must not do so for ever: in the end what was held is dropped. */
static int repeat_orphans(struct queue *q, const struct queue_proc *before)
{
    uint32_t id;
    struct queue_proc after = *before;
    if (!before->waiting)
        return 0;
    int err = last_orphan(q, before->last_id, &id);
    if (err)
        return err;
    int n = trials(q);
    q->dropped_orphans = n >= TRIALS_MAX;
    /* Where there was none after all, the kernel says so: no error. */
    q->orphans_seq = ++q->seq;
    err = decide_up_to(q->fd, q->number, id, q->dropped_orphans ? QUEUE_DROP : QUEUE_REPEAT, q->orphans_seq);
    if (!err)
        err = queue_read_proc(q->number, &after);
    q->trial_id = after.last_id;
    set_trials(q, q->dropped_orphans ? 1 : n + 1);
    return err;
}

bool queue_dropped_orphans(const struct queue *q)
{
    return q->dropped_orphans;
}

/* Whether this socket is the one that the queue is bound to, with what the queue holds. */
static int check_socket(int fd, uint16_t number, struct queue_proc *ret, char *why, size_t why_size)
{
    int protocol = 0;
    struct sockaddr_nl own = {0};
    socklen_t len = sizeof protocol, own_len = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &own_len) < 0 || own_len != sizeof own ||
        own.nl_family != AF_NETLINK || getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) < 0 ||
        protocol != NETLINK_NETFILTER) {
        snprintf(why, why_size, "what was kept for queue %u is no netfilter socket", number);
        return -ENOTCONN;
    }
    int err = queue_read_proc(number, ret);
    if (!err && ret->portid == own.nl_pid)
        return 0;
    snprintf(why, why_size, "the socket that was kept for queue %u is not bound to it%s%s", number,
             err == -ENOENT || !err ? "" : ", or not to be seen: ", err == -ENOENT || !err ? "" : strerror(-err));
    return -ENOTCONN;
}

static int take_over(struct queue *q, const struct queue_options *opt, const struct queue_proc *before)
{
    int err = allocate(q);
    if (!err)
        err = set_up_socket(q, opt->receive_buffer);
    if (!err && fcntl(q->fd, F_SETFL, fcntl(q->fd, F_GETFL) & ~O_NONBLOCK) < 0)
        err = -errno;
    if (!err && opt->conntrack && !queue_probe_conntrack())
        err = -EOPNOTSUPP;
    /* Without waiting for the answer, which stands behind the packets. */
    if (!err)
        err = queue_change(q, opt);
    return err ? err : repeat_orphans(q, before);
}

int queue_take_over(const struct queue_options *opt, int fd, struct queue **ret, char *why, size_t why_size)
{
    struct queue_proc before;
    struct queue *q = NULL;
    int err = check_socket(fd, opt->number, &before, why, why_size);
    if (!err)
        q = queue_new(opt, why, why_size);
    if (!err && !q)
        err = -ENOMEM;
    if (!err && !(q->nl = mnl_socket_fdopen(fd)))
        err = -errno;
    if (!q || !q->nl) {
        free(q);
        close(fd);
        return err;
    }
    err = take_over(q, opt, &before);
    if (err) {
        snprintf(why, why_size, "queue %u cannot be taken over: %s", opt->number, strerror(-err));
        queue_close(q);
        return err;
    }
    *ret = q;
    return 0;
}

int queue_give_up(int fd, uint16_t number)
{
    struct queue_proc p;
    char why[256], buf[256];
    int err = check_socket(fd, number, &p, why, sizeof why);
    if (!err && p.waiting)
        err = decide_up_to(fd, number, p.last_id, QUEUE_REPEAT, 0);
    if (err)
        return err;
    struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);
    nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_UNBIND);
    return send(fd, nlh, nlh->nlmsg_len, 0) < 0 ? -errno : 0;
}

int queue_fd(const struct queue *q)
{
    return q ? q->fd : -1;
}

void queue_close(struct queue *q)
{
    if (!q)
        return;
    if (q->nl) {
        if (q->on_trial)
            set_trials(q, 0);
        mnl_socket_close(q->nl);
    }
    if (q->messages)
        munmap(q->messages, (size_t)q->batch * MESSAGE_MAX);
    free(q->headers);
    free(q->iov);
    free(q->verdicts);
    free(q);
}

static int receive_error(struct queue *q)
{
    switch (errno) {
    case ENOBUFS:
        q->counters.overruns++;
        return 0;
    case EAGAIN:
        q->counters.idle++;
        return 0;
    case EINTR:
        return 0;
    default:
        return -errno;
    }
}

int queue_receive(struct queue *q)
{
    q->at = q->got = 0;
    q->offset = 0;
    int n = recvmmsg(q->fd, q->headers, q->batch, MSG_WAITFORONE, NULL);
    if (n < 0)
        return receive_error(q);
    q->got = n;
    q->counters.batches++;
    return n;
}

/* The next message of the batch, or an empty span at its end. */
static struct span next_message(struct queue *q)
{
    while (q->at < q->got) {
        const struct mmsghdr *h = &q->headers[q->at];
        struct span rest = span_from(span_of(h->msg_hdr.msg_iov->iov_base, h->msg_len), q->offset);
        const struct nlmsghdr *nlh = (const void *)rest.data;
        if (rest.len >= sizeof *nlh && mnl_nlmsg_ok(nlh, (int)rest.len)) {
            q->offset += aligned(nlh->nlmsg_len);
            return span_first(rest, nlh->nlmsg_len);
        }
        if (rest.len)
            q->counters.malformed++;
        q->at++;
        q->offset = 0;
    }
    return span_of(NULL, 0);
}

static bool is_about_orphans(const struct queue *q, struct span message)
{
    const struct nlmsghdr *nlh = (const void *)message.data;
    return q->orphans_seq && nlh->nlmsg_seq == q->orphans_seq;
}

bool queue_next(struct queue *q, struct queue_packet *ret)
{
    struct span m;
    while ((m = next_message(q)).len) {
        int r = queue_parse(m, ret);
        if (r > 0) {
            q->counters.received++;
            return true;
        }
        if (r == -EPROTO)
            q->counters.malformed++;
        else if (r < 0 && !(r == -ENOENT && is_about_orphans(q, m)))
            q->counters.errors++;
    }
    return false;
}

static void write_run(struct queue *q)
{
    struct run *r = &q->run;
    if (!r->count)
        return;
    uint8_t *at = q->verdicts + q->verdicts_len;
    struct nlmsghdr *nlh =
        nfq_nlmsg_put((char *)at, r->count > 1 ? NFQNL_MSG_VERDICT_BATCH : NFQNL_MSG_VERDICT, q->number);
    nfq_nlmsg_verdict_put(nlh, (int)r->last_id, (int)r->verdict);
    if (r->set_mark)
        nfq_nlmsg_verdict_put_mark(nlh, r->mark);
    q->verdicts_len += aligned(nlh->nlmsg_len);
    r->count = 0;
}

void queue_decide(struct queue *q, uint32_t id, enum queue_verdict verdict, bool set_mark, uint32_t mark)
{
    struct run *r = &q->run;
    bool same = r->count && r->verdict == verdict && r->set_mark == set_mark && (!set_mark || r->mark == mark);
    if (!same) {
        write_run(q);
        *r = (struct run){.verdict = verdict, .set_mark = set_mark, .mark = mark};
    }
    r->last_id = id;
    r->count++;
}

/* A verdict must not be lost: without memory for it the kernel is asked again. */
static int send_verdicts(struct queue *q)
{
    for (int tries = 0; tries < 1000; tries++) {
        if (mnl_socket_sendto(q->nl, q->verdicts, q->verdicts_len) >= 0)
            return 0;
        if (errno != ENOBUFS && errno != ENOMEM && errno != EINTR && errno != EAGAIN)
            return -errno;
        q->counters.send_retries++;
        if (errno != EINTR)
            poll(NULL, 0, 1);
    }
    return -errno;
}

int queue_flush(struct queue *q)
{
    write_run(q);
    if (!q->verdicts_len)
        return 0;
    int err = send_verdicts(q);
    q->verdicts_len = 0;
    if (q->on_trial && !err && (int32_t)(q->run.last_id - q->trial_id) >= 0)
        set_trials(q, 0);
    return err;
}
