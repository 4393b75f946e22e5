/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Elements of sets that live on: put in, taken out and read back, by the hundred thousand. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "divert/nft_internal.h"

/* The list of elements is one attribute, whose length is 16 bits; an element takes at most 60 bytes. */
#define ELEMENTS_A_MESSAGE 1000
#define DUMP_BUFFER 65536
#define DUMP_TRIES 5

void nft_elements_begin(struct nft_elements *es, struct nft_tx *tx, const char *set, bool take_out)
{
    *es = (struct nft_elements){.tx = tx, .set = set, .take_out = take_out};
}

static void open_message(struct nft_elements *es)
{
    es->nlh =
        nft_message(es->tx, es->take_out ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM, es->take_out ? 0 : NLM_F_CREATE);
    mnl_attr_put_strz(es->nlh, NFTA_SET_ELEM_LIST_TABLE, es->tx->table);
    mnl_attr_put_strz(es->nlh, NFTA_SET_ELEM_LIST_SET, es->set);
    es->list = mnl_attr_nest_start(es->nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
    es->n = 0;
}

void nft_elements_end(struct nft_elements *es)
{
    if (!es->nlh)
        return;
    mnl_attr_nest_end(es->nlh, es->list);
    nft_step(es->tx, es->nlh, es->take_out ? "take elements out of set" : "add elements to set", es->set);
    es->nlh = NULL;
}

void nft_elements_put(struct nft_elements *es, const void *key, uint32_t len, uint64_t timeout_ms, bool interval_end)
{
    if (es->tx->failed)
        return;
    if (es->nlh && es->n == ELEMENTS_A_MESSAGE)
        nft_elements_end(es);
    if (!es->nlh)
        open_message(es);
    struct nlattr *element = mnl_attr_nest_start(es->nlh, NFTA_LIST_ELEM);
    if (interval_end)
        mnl_attr_put_u32(es->nlh, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
    if (timeout_ms)
        mnl_attr_put_u64(es->nlh, NFTA_SET_ELEM_TIMEOUT, htobe64(timeout_ms));
    struct nlattr *value = mnl_attr_nest_start(es->nlh, NFTA_SET_ELEM_KEY);
    mnl_attr_put(es->nlh, NFTA_DATA_VALUE, len, key);
    mnl_attr_nest_end(es->nlh, value);
    mnl_attr_nest_end(es->nlh, element);
    es->n++;
}

void nft_elements_put_range(struct nft_elements *es, const uint8_t *first, const uint8_t *last, uint32_t len)
{
    uint8_t end[16];
    memcpy(end, last, len);
    nft_elements_put(es, first, len, 0, false);
    for (uint32_t i = len; i-- > 0;)
        if (++end[i]) {
            nft_elements_put(es, end, len, 0, true);
            return;
        }
    /* The last number there is: the interval stays open. */
}

struct element_reader {
    nft_element_fn each;
    void *ctx;
    int stopped;
};

static int pass_element(struct nftnl_set_elem *e, void *ctx)
{
    struct element_reader *rd = ctx;
    struct nft_element element = {0};
    const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &element.len);
    if (!key || element.len > sizeof element.key)
        return 0;
    memcpy(element.key, key, element.len);
    if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_EXPIRATION))
        element.left_ms = nftnl_set_elem_get_u64(e, NFTNL_SET_ELEM_EXPIRATION);
    element.interval_end = nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_FLAGS) &&
                           nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END;
    rd->stopped = rd->each(&element, rd->ctx);
    return rd->stopped;
}

static int read_elements(const struct nlmsghdr *nlh, void *ctx)
{
    struct element_reader *rd = ctx;
    struct nftnl_set *s = nftnl_set_alloc();
    if (!s)
        return MNL_CB_ERROR;
    if (nftnl_set_elems_nlmsg_parse(nlh, s) == 0)
        nftnl_set_elem_foreach(s, pass_element, rd);
    nftnl_set_free(s);
    return rd->stopped ? MNL_CB_ERROR : MNL_CB_OK;
}

static int talk(uint8_t *buf, mnl_cb_t read, void *ctx)
{
    struct mnl_socket *nl = NULL;
    int err = nft_open_socket(&nl);
    if (err)
        return err;
    const struct nlmsghdr *nlh = (const void *)buf;
    int r = mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
    while (r > MNL_CB_STOP) {
        ssize_t n = mnl_socket_recvfrom(nl, buf, DUMP_BUFFER);
        r = n < 0 ? MNL_CB_ERROR : mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), read, ctx);
    }
    err = r < 0 ? -errno : 0;
    mnl_socket_close(nl);
    return err;
}

int nft_each_element(uint8_t family, const char *table, const char *set, nft_element_fn each, void *ctx)
{
    struct element_reader rd = {.each = each, .ctx = ctx};
    AUTO_FREE uint8_t *buf = malloc(DUMP_BUFFER);
    int err = buf ? -EINTR : -ENOMEM;
    /* The kernel tells when the table changed under the dump. */
    for (int i = 0; i < DUMP_TRIES && err == -EINTR; i++) {
        struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr((char *)buf, NFT_MSG_GETSETELEM, family, NLM_F_DUMP, 1);
        mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
        mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
        err = talk(buf, read_elements, &rd);
        if (rd.stopped)
            return rd.stopped;
    }
    return err;
}

static int read_shape(const struct nlmsghdr *nlh, void *ctx)
{
    struct nft_set_shape *ret = ctx;
    struct nftnl_set *s = nftnl_set_alloc();
    if (!s)
        return MNL_CB_ERROR;
    if (nftnl_set_nlmsg_parse(nlh, s) == 0)
        *ret = (struct nft_set_shape){nftnl_set_get_u32(s, NFTNL_SET_FLAGS), nftnl_set_get_u32(s, NFTNL_SET_KEY_LEN)};
    nftnl_set_free(s);
    return MNL_CB_OK;
}

int nft_read_set(uint8_t family, const char *table, const char *set, struct nft_set_shape *ret)
{
    AUTO_FREE uint8_t *buf = malloc(DUMP_BUFFER);
    if (!buf)
        return -ENOMEM;
    struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr((char *)buf, NFT_MSG_GETSET, family, NLM_F_ACK, 1);
    mnl_attr_put_strz(nlh, NFTA_SET_TABLE, table);
    mnl_attr_put_strz(nlh, NFTA_SET_NAME, set);
    return talk(buf, read_shape, ret);
}
