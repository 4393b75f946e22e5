/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The transaction: messages into one buffer, one send, an answer for each message. */
#include "divert/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "divert/nft_internal.h"

struct nft_tx *nft_begin(uint8_t family, const char *table)
{
    struct nft_tx *tx = calloc(1, sizeof *tx);
    if (!tx)
        return NULL;
    tx->family = family;
    snprintf(tx->table, sizeof tx->table, "%s", table);
    tx->scratch = calloc(1, NFT_MESSAGE_MAX);
    if (!tx->scratch)
        tx->failed = -ENOMEM;
    nft_batch_mark(tx, NFNL_MSG_BATCH_BEGIN);
    return tx;
}

void nft_free(struct nft_tx *tx)
{
    if (!tx)
        return;
    free(tx->scratch);
    free(tx->buf);
    free(tx->steps);
    free(tx);
}

static bool grow(struct nft_tx *tx, size_t more)
{
    if (tx->len + more <= tx->size)
        return true;
    size_t size = (tx->size ? tx->size * 2 : 65536) + more;
    uint8_t *buf = realloc(tx->buf, size);
    if (!buf) {
        tx->failed = -ENOMEM;
        return false;
    }
    tx->buf = buf;
    tx->size = size;
    return true;
}

static void append(struct nft_tx *tx, const struct nlmsghdr *nlh)
{
    size_t len = (nlh->nlmsg_len + 3u) & ~3u;
    if (!grow(tx, len))
        return;
    memcpy(tx->buf + tx->len, nlh, nlh->nlmsg_len);
    memset(tx->buf + tx->len + nlh->nlmsg_len, 0, len - nlh->nlmsg_len);
    tx->len += len;
}

void nft_batch_mark(struct nft_tx *tx, uint16_t type)
{
    uint8_t buf[64];
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = NLM_F_REQUEST;
    struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof *nfg);
    *nfg = (struct nfgenmsg){.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
    append(tx, nlh);
}

struct nlmsghdr *nft_message(struct nft_tx *tx, uint16_t type, uint16_t flags)
{
    return nftnl_nlmsg_build_hdr((char *)tx->scratch, type, tx->family, flags | NLM_F_ACK, tx->n_steps + 1);
}

void nft_step(struct nft_tx *tx, const struct nlmsghdr *nlh, const char *what, const char *name)
{
    struct nft_step *steps = reallocarray(tx->steps, tx->n_steps + 1, sizeof *steps);
    if (!steps) {
        tx->failed = -ENOMEM;
        return;
    }
    tx->steps = steps;
    snprintf(steps[tx->n_steps].text, sizeof steps->text, "%s %s", what, name);
    tx->n_steps++;
    append(tx, nlh);
    /* libmnl leaves padding as it is; the digest wants it the same each time. */
    memset(tx->scratch, 0, nlh->nlmsg_len);
}

uint64_t nft_digest(const struct nft_tx *tx)
{
    uint64_t h = 0xcbf29ce484222325; /* FNV-1a */
    for (size_t i = 0; i < tx->len; i++)
        h = (h ^ tx->buf[i]) * 0x100000001b3;
    return tx->failed ? 0 : h | 1;
}

int nft_open_socket(struct mnl_socket **ret)
{
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!nl)
        return -errno;
    struct timeval wait = {.tv_sec = 10};
    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
        int err = -errno;
        mnl_socket_close(nl);
        return err;
    }
    *ret = nl;
    return 0;
}

static void size_buffers(struct mnl_socket *nl, const struct nft_tx *tx)
{
    int send = (int)tx->len * 2 + 65536, receive = (int)tx->n_steps * 1024 + 262144;
    int fd = mnl_socket_get_fd(nl);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &send, sizeof send);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive, sizeof receive);
}

struct answers {
    uint32_t seen, failed_step;
    int error;
    bool whole_refused; /* the batch itself: no answers for its messages follow */
};

static void read_answer(const struct nlmsghdr *nlh, struct answers *a)
{
    int32_t error;
    if (nlh->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(nlh) < sizeof error)
        return;
    memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof error);
    a->seen++;
    if (nlh->nlmsg_seq == 0)
        a->whole_refused = true;
    if (error && !a->error) {
        a->error = error;
        a->failed_step = nlh->nlmsg_seq;
    }
}

static int collect(struct mnl_socket *nl, uint32_t expected, struct answers *a)
{
    uint8_t buf[32768];
    while (a->seen < expected && !a->whole_refused) {
        ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof buf);
        if (n < 0)
            return errno == EINTR ? -EAGAIN : -errno;
        int left = (int)n;
        for (const struct nlmsghdr *nlh = (const void *)buf; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
            read_answer(nlh, a);
    }
    return a->error;
}

static const char *step_text(const struct nft_tx *tx, uint32_t step)
{
    return step >= 1 && step <= tx->n_steps ? tx->steps[step - 1].text : "the transaction";
}

int nft_commit(struct nft_tx *tx, char *why, size_t why_size)
{
    nft_batch_mark(tx, NFNL_MSG_BATCH_END);
    struct mnl_socket *nl = NULL;
    int err = tx->failed ? tx->failed : nft_open_socket(&nl);
    if (err) {
        snprintf(why, why_size, "nftables: %s", strerror(-err));
        return err;
    }
    size_buffers(nl, tx);
    struct answers a = {0};
    err = mnl_socket_sendto(nl, tx->buf, tx->len) < 0 ? -errno : collect(nl, tx->n_steps, &a);
    mnl_socket_close(nl);
    if (err)
        snprintf(why, why_size, "nftables: %s: %s%s", step_text(tx, a.failed_step), strerror(-err),
                 err == -EPERM ? " (needs root or CAP_NET_ADMIN)" : "");
    return err;
}

static void table_step(struct nft_tx *tx, uint16_t type, uint16_t flags, const char *what)
{
    struct nftnl_table *t = nftnl_table_alloc();
    if (!t || tx->failed) {
        tx->failed = -ENOMEM;
        return;
    }
    nftnl_table_set_str(t, NFTNL_TABLE_NAME, tx->table);
    struct nlmsghdr *nlh = nft_message(tx, type, flags);
    nftnl_table_nlmsg_build_payload(nlh, t);
    nftnl_table_free(t);
    nft_step(tx, nlh, what, tx->table);
}

void nft_add_table(struct nft_tx *tx)
{
    table_step(tx, NFT_MSG_NEWTABLE, NLM_F_CREATE, "add table");
}

void nft_del_table(struct nft_tx *tx)
{
    table_step(tx, NFT_MSG_DELTABLE, 0, "delete table");
}

static void chain_step(struct nft_tx *tx, const char *name, bool base, uint32_t hook, int32_t priority)
{
    struct nftnl_chain *c = nftnl_chain_alloc();
    if (!c || tx->failed) {
        tx->failed = -ENOMEM;
        return;
    }
    nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, tx->table);
    nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
    if (base) {
        nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook);
        nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, priority);
        nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter");
        nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
    }
    struct nlmsghdr *nlh = nft_message(tx, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    nftnl_chain_nlmsg_build_payload(nlh, c);
    nftnl_chain_free(c);
    nft_step(tx, nlh, "add chain", name);
}

void nft_add_chain(struct nft_tx *tx, const char *name)
{
    chain_step(tx, name, false, 0, 0);
}

void nft_add_base_chain(struct nft_tx *tx, const char *name, uint32_t hook, int32_t priority)
{
    chain_step(tx, name, true, hook, priority);
}

void nft_del_chain(struct nft_tx *tx, const char *name)
{
    struct nftnl_chain *c = tx->failed ? NULL : nftnl_chain_alloc();
    if (!c) {
        tx->failed = tx->failed ? tx->failed : -ENOMEM;
        return;
    }
    nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, tx->table);
    nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, name);
    struct nlmsghdr *nlh = nft_message(tx, NFT_MSG_DELCHAIN, 0);
    nftnl_chain_nlmsg_build_payload(nlh, c);
    nftnl_chain_free(c);
    nft_step(tx, nlh, "delete chain", name);
}

static void put_rule(struct nft_tx *tx, const struct nftnl_rule *r, uint16_t type, uint16_t flags, const char *what,
                     const char *name)
{
    struct nlmsghdr *nlh = nft_message(tx, type, flags);
    nftnl_rule_nlmsg_build_payload(nlh, (struct nftnl_rule *)(uintptr_t)r);
    nft_step(tx, nlh, what, name);
}

void nft_flush_rules(struct nft_tx *tx)
{
    struct nftnl_rule *r = nftnl_rule_alloc();
    if (!r || tx->failed) {
        tx->failed = -ENOMEM;
        return;
    }
    nftnl_rule_set_str(r, NFTNL_RULE_TABLE, tx->table);
    put_rule(tx, r, NFT_MSG_DELRULE, 0, "flush table", tx->table);
    nftnl_rule_free(r);
}

struct nftnl_rule *nft_rule(struct nft_tx *tx, const char *chain)
{
    struct nftnl_rule *r = nftnl_rule_alloc();
    if (!r) {
        tx->failed = -ENOMEM;
        return NULL;
    }
    nftnl_rule_set_str(r, NFTNL_RULE_TABLE, tx->table);
    nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
    return r;
}

void nft_rule_end(struct nft_tx *tx, struct nftnl_rule *r)
{
    if (!r || tx->failed)
        tx->failed = tx->failed ? tx->failed : -ENOMEM;
    else
        put_rule(tx, r, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, "add rule in chain",
                 nftnl_rule_get_str(r, NFTNL_RULE_CHAIN));
    if (r)
        nftnl_rule_free(r);
}

void nft_comment(struct nftnl_rule *r, const char *text)
{
    struct nftnl_udata_buf *note = r && *text ? nftnl_udata_buf_alloc(NFT_COMMENT_MAX + 8) : NULL;
    if (!note)
        return;
    char cut[NFT_COMMENT_MAX];
    snprintf(cut, sizeof cut, "%s", text);
    if (nftnl_udata_put_strz(note, NFTNL_UDATA_RULE_COMMENT, cut))
        nftnl_rule_set_data(r, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(note), nftnl_udata_buf_len(note));
    nftnl_udata_buf_free(note);
}

static struct nftnl_obj *counter_object(struct nft_tx *tx, const char *name)
{
    struct nftnl_obj *o = tx->failed ? NULL : nftnl_obj_alloc();
    if (!o) {
        tx->failed = tx->failed ? tx->failed : -ENOMEM;
        return NULL;
    }
    nftnl_obj_set_str(o, NFTNL_OBJ_TABLE, tx->table);
    nftnl_obj_set_str(o, NFTNL_OBJ_NAME, name);
    nftnl_obj_set_u32(o, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
    return o;
}

void nft_add_counter_at(struct nft_tx *tx, const char *name, uint64_t packets, uint64_t bytes)
{
    struct nftnl_obj *o = counter_object(tx, name);
    if (!o)
        return;
    nftnl_obj_set_u64(o, NFTNL_OBJ_CTR_PKTS, packets);
    nftnl_obj_set_u64(o, NFTNL_OBJ_CTR_BYTES, bytes);
    struct nlmsghdr *nlh = nft_message(tx, NFT_MSG_NEWOBJ, NLM_F_CREATE);
    nftnl_obj_nlmsg_build_payload(nlh, o);
    nftnl_obj_free(o);
    nft_step(tx, nlh, "add counter", name);
}

/* Without a value the message would carry no counter data, which the kernel needs. */
void nft_add_counter(struct nft_tx *tx, const char *name)
{
    nft_add_counter_at(tx, name, 0, 0);
}

void nft_del_counter(struct nft_tx *tx, const char *name)
{
    struct nftnl_obj *o = counter_object(tx, name);
    if (!o)
        return;
    struct nlmsghdr *nlh = nft_message(tx, NFT_MSG_DELOBJ, 0);
    nftnl_obj_nlmsg_build_payload(nlh, o);
    nftnl_obj_free(o);
    nft_step(tx, nlh, "delete counter", name);
}
