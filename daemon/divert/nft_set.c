/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets and maps. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "divert/nft_internal.h"

#define ELEMENTS_A_MESSAGE 400

static struct nftnl_set *set_named(struct nft_tx *tx, const char *name)
{
    struct nftnl_set *s = tx->failed ? NULL : nftnl_set_alloc();
    if (!s) {
        tx->failed = tx->failed ? tx->failed : -ENOMEM;
        return NULL;
    }
    nftnl_set_set_str(s, NFTNL_SET_TABLE, tx->table);
    nftnl_set_set_str(s, NFTNL_SET_NAME, name);
    return s;
}

/* nft's own note of how a key's bytes are ordered; without it it lists names and marks wrongly. */
static void note_byte_order(struct nftnl_set *s, enum nft_key key)
{
    enum { NOTE_KEY_BYTEORDER = 0, HOST_ENDIAN = 1, BIG_ENDIAN_ORDER = 2 };
    uint32_t order = key == NFT_KEY_MARK || key == NFT_KEY_IFNAME ? HOST_ENDIAN : BIG_ENDIAN_ORDER;
    struct nftnl_udata_buf *note = nftnl_udata_buf_alloc(64);
    if (!note)
        return;
    if (nftnl_udata_put_u32(note, NOTE_KEY_BYTEORDER, order))
        nftnl_set_set_data(s, NFTNL_SET_USERDATA, nftnl_udata_buf_data(note), nftnl_udata_buf_len(note));
    nftnl_udata_buf_free(note);
}

static void create(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len, uint32_t flags, bool verdicts)
{
    struct nftnl_set *s = set_named(tx, name);
    if (!s)
        return;
    nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, key);
    nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, len);
    nftnl_set_set_u32(s, NFTNL_SET_FLAGS, flags);
    nftnl_set_set_u32(s, NFTNL_SET_ID, ++tx->set_ids);
    note_byte_order(s, key);
    if (verdicts) {
        nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
        nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, 0);
    }
    struct nlmsghdr *nlh = nft_message(tx, NFT_MSG_NEWSET, NLM_F_CREATE);
    nftnl_set_nlmsg_build_payload(nlh, s);
    nftnl_set_free(s);
    nft_step(tx, nlh, "add set", name);
}

void nft_add_measured_set(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len, uint32_t size,
                          uint64_t forget_ms)
{
    struct nftnl_set *s = set_named(tx, name);
    if (!s)
        return;
    nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, key);
    nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, len);
    nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_EVAL | NFT_SET_TIMEOUT);
    nftnl_set_set_u32(s, NFTNL_SET_ID, ++tx->set_ids);
    nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, size);
    nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT, forget_ms);
    nftnl_set_set_u32(s, NFTNL_SET_GC_INTERVAL, (uint32_t)forget_ms);
    note_byte_order(s, key);
    struct nlmsghdr *nlh = nft_message(tx, NFT_MSG_NEWSET, NLM_F_CREATE);
    nftnl_set_nlmsg_build_payload(nlh, s);
    nftnl_set_free(s);
    nft_step(tx, nlh, "add set", name);
}

void nft_del_set(struct nft_tx *tx, const char *name)
{
    struct nftnl_set *s = set_named(tx, name);
    if (!s)
        return;
    struct nlmsghdr *nlh = nft_message(tx, NFT_MSG_DELSET, 0);
    nftnl_set_nlmsg_build_payload(nlh, s);
    nftnl_set_free(s);
    nft_step(tx, nlh, "delete set", name);
}

/* Elements gathered into messages of a bounded size. */
struct elements {
    struct nft_tx *tx;
    const char *name;
    struct nftnl_set *set;
    unsigned n;
};

static void elements_send(struct elements *es)
{
    if (!es->set)
        return;
    struct nlmsghdr *nlh = nft_message(es->tx, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
    nftnl_set_elems_nlmsg_build_payload(nlh, es->set);
    nftnl_set_free(es->set);
    es->set = NULL;
    es->n = 0;
    nft_step(es->tx, nlh, "add elements to set", es->name);
}

static struct nftnl_set_elem *element(struct elements *es, const void *key, uint32_t len)
{
    if (es->n == ELEMENTS_A_MESSAGE)
        elements_send(es);
    if (!es->set)
        es->set = set_named(es->tx, es->name);
    struct nftnl_set_elem *e = es->set ? nftnl_set_elem_alloc() : NULL;
    if (!e) {
        es->tx->failed = -ENOMEM;
        return NULL;
    }
    nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, len);
    nftnl_set_elem_add(es->set, e);
    es->n++;
    return e;
}

static int by_first(const void *a, const void *b)
{
    const struct nft_range *x = a, *y = b;
    return memcmp(x->first, y->first, sizeof x->first);
}

/* Adds one to a big-endian number; false when it wraps. */
static bool increment(uint8_t *number, uint32_t len)
{
    for (uint32_t i = len; i-- > 0;)
        if (++number[i])
            return true;
    return false;
}

/* Whether b begins inside a or right behind it. */
static bool touches(const struct nft_range *a, const struct nft_range *b, uint32_t len)
{
    uint8_t next[16];
    memcpy(next, a->last, sizeof next);
    return !increment(next, len) || memcmp(b->first, next, len) <= 0;
}

static size_t merge(struct nft_range *r, size_t n, uint32_t len)
{
    if (!n)
        return 0;
    qsort(r, n, sizeof *r, by_first);
    size_t kept = 0;
    for (size_t i = 1; i < n; i++) {
        if (!touches(&r[kept], &r[i], len))
            r[++kept] = r[i];
        else if (memcmp(r[i].last, r[kept].last, len) > 0)
            memcpy(r[kept].last, r[i].last, sizeof r->last);
    }
    return kept + 1;
}

void nft_add_ranges(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len, struct nft_range *ranges,
                    size_t n)
{
    create(tx, name, key, len, NFT_SET_INTERVAL, false);
    n = merge(ranges, n, len);
    struct elements es = {.tx = tx, .name = name};
    for (size_t i = 0; i < n && !tx->failed; i++) {
        element(&es, ranges[i].first, len);
        uint8_t end[16];
        memcpy(end, ranges[i].last, sizeof end);
        if (!increment(end, len)) /* the last number there is: the interval stays open */
            break;
        struct nftnl_set_elem *e = element(&es, end, len);
        if (e)
            nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
    }
    elements_send(&es);
}

void nft_add_timed_set(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len)
{
    create(tx, name, key, len, NFT_SET_TIMEOUT, false);
}

void nft_add_interval_set(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len)
{
    create(tx, name, key, len, NFT_SET_INTERVAL, false);
}

void nft_add_names(struct nft_tx *tx, const char *name, const char *const *names, size_t n)
{
    create(tx, name, NFT_KEY_IFNAME, 16, 0, false);
    struct elements es = {.tx = tx, .name = name};
    for (size_t i = 0; i < n && !tx->failed; i++) {
        char key[16] = {0};
        memcpy(key, names[i], strnlen(names[i], sizeof key - 1));
        element(&es, key, sizeof key);
    }
    elements_send(&es);
}

void nft_add_pairs(struct nft_tx *tx, const char *name, const uint16_t (*pairs)[2], size_t n)
{
    enum { BITS_OF_A_TYPE = 6 }; /* in nft's numbers of concatenated types */
    create(tx, name, (enum nft_key)(NFT_KEY_PORT << BITS_OF_A_TYPE | NFT_KEY_PORT), 8, 0, false);
    struct elements es = {.tx = tx, .name = name};
    for (size_t i = 0; i < n && !tx->failed; i++) {
        uint16_t key[4] = {htons(pairs[i][0]), 0, htons(pairs[i][1]), 0};
        element(&es, key, sizeof key);
    }
    elements_send(&es);
}

void nft_add_values(struct nft_tx *tx, const char *name, enum nft_key key, uint32_t len, const void *values, size_t n)
{
    create(tx, name, key, len, 0, false);
    struct elements es = {.tx = tx, .name = name};
    for (size_t i = 0; i < n && !tx->failed; i++)
        element(&es, (const uint8_t *)values + i * len, len);
    elements_send(&es);
}

void nft_add_chain_map(struct nft_tx *tx, const char *name, const char *chain_prefix, uint32_t n)
{
    create(tx, name, NFT_KEY_MARK, 4, NFT_SET_MAP, true);
    struct elements es = {.tx = tx, .name = name};
    for (uint32_t i = 0; i < n && !tx->failed; i++) {
        struct nftnl_set_elem *e = element(&es, &i, sizeof i);
        if (!e)
            return;
        char chain[32];
        snprintf(chain, sizeof chain, "%s%u", chain_prefix, i);
        nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_GOTO);
        nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, chain);
    }
    elements_send(&es);
}
