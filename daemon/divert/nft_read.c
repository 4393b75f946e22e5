/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a table holds, by dumps. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "divert/nft_internal.h"

#define DUMP_TRIES 5
#define DUMP_BUFFER 65536

struct reader {
    const char *table;
    nft_counter_fn counter;
    nft_chain_fn chain;
    nft_name_fn set;
    void *ctx;
    int stopped; /* what the callback returned */
};

static int go_on(struct reader *rd, int err)
{
    rd->stopped = err;
    return err ? MNL_CB_ERROR : MNL_CB_OK;
}

static bool is_ours(const struct reader *rd, const char *table)
{
    return table && strcmp(table, rd->table) == 0;
}

static int read_object(const struct nlmsghdr *nlh, void *ctx)
{
    struct reader *rd = ctx;
    struct nftnl_obj *o = nftnl_obj_alloc();
    if (!o)
        return MNL_CB_ERROR;
    int ret = MNL_CB_OK;
    if (nftnl_obj_nlmsg_parse(nlh, o) == 0 && is_ours(rd, nftnl_obj_get_str(o, NFTNL_OBJ_TABLE)) &&
        nftnl_obj_get_u32(o, NFTNL_OBJ_TYPE) == NFT_OBJECT_COUNTER && nftnl_obj_is_set(o, NFTNL_OBJ_NAME)) {
        struct nft_counter c = {.name = nftnl_obj_get_str(o, NFTNL_OBJ_NAME),
                                .packets = nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_PKTS),
                                .bytes = nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_BYTES)};
        ret = go_on(rd, rd->counter(&c, rd->ctx));
    }
    nftnl_obj_free(o);
    return ret;
}

static int read_chain(const struct nlmsghdr *nlh, void *ctx)
{
    struct reader *rd = ctx;
    struct nftnl_chain *c = nftnl_chain_alloc();
    if (!c)
        return MNL_CB_ERROR;
    int ret = MNL_CB_OK;
    if (nftnl_chain_nlmsg_parse(nlh, c) == 0 && is_ours(rd, nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE))) {
        struct nft_chain chain = {.name = nftnl_chain_get_str(c, NFTNL_CHAIN_NAME),
                                  .base = nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM)};
        if (chain.base) {
            chain.hook = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);
            chain.priority = nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO);
            chain.type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);
        }
        ret = go_on(rd, rd->chain(&chain, rd->ctx));
    }
    nftnl_chain_free(c);
    return ret;
}

static int read_set(const struct nlmsghdr *nlh, void *ctx)
{
    struct reader *rd = ctx;
    struct nftnl_set *s = nftnl_set_alloc();
    if (!s)
        return MNL_CB_ERROR;
    int ret = MNL_CB_OK;
    if (nftnl_set_nlmsg_parse(nlh, s) == 0 && is_ours(rd, nftnl_set_get_str(s, NFTNL_SET_TABLE)))
        ret = go_on(rd, rd->set(nftnl_set_get_str(s, NFTNL_SET_NAME), rd->ctx));
    nftnl_set_free(s);
    return ret;
}

/* Asks for all of a kind; what is not of our table is left out by the kernel, and where it is not, here. */
static struct nlmsghdr *request(uint8_t *buf, uint8_t family, uint16_t type, const char *table)
{
    struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr((char *)buf, type, family, NLM_F_DUMP, 1);
    uint16_t attr = type == NFT_MSG_GETOBJ   ? NFTA_OBJ_TABLE
                    : type == NFT_MSG_GETSET ? NFTA_SET_TABLE
                                             : NFTA_CHAIN_TABLE;
    mnl_attr_put_strz(nlh, attr, table);
    return nlh;
}

static int dump(uint8_t family, uint16_t type, struct reader *rd, mnl_cb_t read)
{
    struct mnl_socket *nl = NULL;
    AUTO_FREE uint8_t *buf = malloc(DUMP_BUFFER);
    int err = buf ? nft_open_socket(&nl) : -ENOMEM;
    if (err)
        return err;
    struct nlmsghdr *nlh = request(buf, family, type, rd->table);
    int r = mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
    while (r > MNL_CB_STOP) {
        ssize_t n = mnl_socket_recvfrom(nl, buf, DUMP_BUFFER);
        r = n < 0 ? MNL_CB_ERROR : mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), read, rd);
    }
    err = r < 0 ? -errno : 0;
    mnl_socket_close(nl);
    return rd->stopped ? rd->stopped : err;
}

int nft_each_counter(uint8_t family, const char *table, nft_counter_fn each, void *ctx)
{
    struct reader rd = {.table = table, .counter = each, .ctx = ctx};
    int err = -EINTR;
    /* The kernel tells when the table changed under the dump; counters may then come twice, which harms nobody. */
    for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++)
        err = dump(family, NFT_MSG_GETOBJ, &rd, read_object);
    return err;
}

int nft_each_chain(uint8_t family, const char *table, nft_chain_fn each, void *ctx)
{
    struct reader rd = {.table = table, .chain = each, .ctx = ctx};
    return dump(family, NFT_MSG_GETCHAIN, &rd, read_chain);
}

int nft_each_set(uint8_t family, const char *table, nft_name_fn each, void *ctx)
{
    struct reader rd = {.table = table, .set = each, .ctx = ctx};
    return dump(family, NFT_MSG_GETSET, &rd, read_set);
}
