/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule expressions. A rule that could not be allocated is NULL and stays so. */
#include <stdio.h>

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <string.h>

#include "divert/nft_internal.h"

#define REG NFT_REG_1

static struct nftnl_expr *expr(struct nftnl_rule *r, const char *name)
{
    struct nftnl_expr *e = r ? nftnl_expr_alloc(name) : NULL;
    if (e)
        nftnl_rule_add_expr(r, e);
    return e;
}

static void put(struct nftnl_expr *e, uint16_t key, uint32_t value)
{
    if (e)
        nftnl_expr_set_u32(e, key, value);
}

void nft_load_meta(struct nftnl_rule *r, uint32_t key)
{
    struct nftnl_expr *e = expr(r, "meta");
    put(e, NFTNL_EXPR_META_KEY, key);
    put(e, NFTNL_EXPR_META_DREG, REG);
}

void nft_set_mark(struct nftnl_rule *r)
{
    struct nftnl_expr *e = expr(r, "meta");
    put(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
    put(e, NFTNL_EXPR_META_SREG, REG);
}

void nft_set_ct_mark(struct nftnl_rule *r)
{
    struct nftnl_expr *e = expr(r, "ct");
    put(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
    put(e, NFTNL_EXPR_CT_SREG, REG);
}

void nft_load_ct(struct nftnl_rule *r, uint32_t key)
{
    struct nftnl_expr *e = expr(r, "ct");
    put(e, NFTNL_EXPR_CT_KEY, key);
    put(e, NFTNL_EXPR_CT_DREG, REG);
}

void nft_load_payload(struct nftnl_rule *r, uint32_t base, uint32_t offset, uint32_t len)
{
    struct nftnl_expr *e = expr(r, "payload");
    put(e, NFTNL_EXPR_PAYLOAD_BASE, base);
    put(e, NFTNL_EXPR_PAYLOAD_DREG, REG);
    put(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    put(e, NFTNL_EXPR_PAYLOAD_LEN, len);
}

void nft_load_payload_at(struct nftnl_rule *r, unsigned slot, uint32_t base, uint32_t offset, uint32_t len)
{
    struct nftnl_expr *e = expr(r, "payload");
    put(e, NFTNL_EXPR_PAYLOAD_BASE, base);
    put(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG32_00 + slot);
    put(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    put(e, NFTNL_EXPR_PAYLOAD_LEN, len);
}

void nft_load_symhash(struct nftnl_rule *r, uint32_t modulus, uint32_t offset)
{
    struct nftnl_expr *e = expr(r, "hash");
    put(e, NFTNL_EXPR_HASH_TYPE, NFT_HASH_SYM);
    put(e, NFTNL_EXPR_HASH_DREG, REG);
    put(e, NFTNL_EXPR_HASH_MODULUS, modulus);
    put(e, NFTNL_EXPR_HASH_OFFSET, offset);
}

void nft_bitwise(struct nftnl_rule *r, uint32_t mask, uint32_t xor)
{
    struct nftnl_expr *e = expr(r, "bitwise");
    if (!e)
        return;
    put(e, NFTNL_EXPR_BITWISE_SREG, REG);
    put(e, NFTNL_EXPR_BITWISE_DREG, REG);
    put(e, NFTNL_EXPR_BITWISE_LEN, sizeof mask);
    nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof mask);
    nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, &xor, sizeof xor);
}

void nft_and(struct nftnl_rule *r, const void *mask, uint32_t len)
{
    static const uint8_t xor [16];
    struct nftnl_expr *e = expr(r, "bitwise");
    if (!e)
        return;
    put(e, NFTNL_EXPR_BITWISE_SREG, REG);
    put(e, NFTNL_EXPR_BITWISE_DREG, REG);
    put(e, NFTNL_EXPR_BITWISE_LEN, len);
    nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
    nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

void nft_cmp_op(struct nftnl_rule *r, enum nft_cmp_ops op, const void *data, uint32_t len)
{
    struct nftnl_expr *e = expr(r, "cmp");
    if (!e)
        return;
    put(e, NFTNL_EXPR_CMP_SREG, REG);
    put(e, NFTNL_EXPR_CMP_OP, op);
    nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

void nft_cmp(struct nftnl_rule *r, bool differs, const void *data, uint32_t len)
{
    nft_cmp_op(r, differs ? NFT_CMP_NEQ : NFT_CMP_EQ, data, len);
}

void nft_cmp_u32(struct nftnl_rule *r, bool differs, uint32_t value)
{
    nft_cmp(r, differs, &value, sizeof value);
}

static struct nftnl_expr *lookup(struct nftnl_rule *r, const char *set)
{
    struct nftnl_expr *e = expr(r, "lookup");
    if (!e)
        return NULL;
    put(e, NFTNL_EXPR_LOOKUP_SREG, REG);
    nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
    return e;
}

void nft_in_set(struct nftnl_rule *r, const char *set)
{
    (void)lookup(r, set);
}

void nft_not_in_set(struct nftnl_rule *r, const char *set)
{
    put(lookup(r, set), NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

void nft_vmap(struct nftnl_rule *r, const char *map)
{
    put(lookup(r, map), NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
}

void nft_count(struct nftnl_rule *r, const char *counter)
{
    struct nftnl_expr *e = expr(r, "objref");
    if (!e)
        return;
    put(e, NFTNL_EXPR_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
    nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, counter);
}

void nft_verdict(struct nftnl_rule *r, int verdict, const char *chain)
{
    struct nftnl_expr *e = expr(r, "immediate");
    if (!e)
        return;
    put(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    put(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
    if (chain)
        nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

void nft_reject(struct nftnl_rule *r, uint32_t type, uint8_t code)
{
    struct nftnl_expr *e = expr(r, "reject");
    if (!e)
        return;
    put(e, NFTNL_EXPR_REJECT_TYPE, type);
    nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, code);
}

void nft_queue(struct nftnl_rule *r, uint16_t first, uint16_t total, bool bypass)
{
    struct nftnl_expr *e = expr(r, "queue");
    if (!e)
        return;
    nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, first);
    nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, total);
    nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, bypass ? NFT_QUEUE_FLAG_BYPASS : 0);
}

void nft_queue_register(struct nftnl_rule *r, bool bypass)
{
    struct nftnl_expr *e = expr(r, "queue");
    if (!e)
        return;
    put(e, NFTNL_EXPR_QUEUE_SREG_QNUM, REG);
    nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, bypass ? NFT_QUEUE_FLAG_BYPASS : 0);
}

void nft_xt_queue(struct nftnl_rule *r, uint16_t first, uint16_t total, bool bypass)
{
    struct nftnl_expr *e = expr(r, "target");
    /* The kernel wants the target's data padded to eight bytes; libnftnl takes the block over. */
    uint8_t *info = e ? calloc(1, 8) : NULL;
    if (!info)
        return;
    struct xt_NFQ_info_v3 v3 = {.queuenum = first, .queues_total = total, .flags = bypass ? NFQ_FLAG_BYPASS : 0};
    memcpy(info, &v3, sizeof v3);
    nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE");
    put(e, NFTNL_EXPR_TG_REV, 3);
    nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, info, 8);
}

void nft_between(struct nftnl_rule *r, bool outside, const void *first, const void *last, uint32_t len)
{
    struct nftnl_expr *e = expr(r, "range");
    if (!e)
        return;
    put(e, NFTNL_EXPR_RANGE_SREG, REG);
    put(e, NFTNL_EXPR_RANGE_OP, outside ? NFT_RANGE_NEQ : NFT_RANGE_EQ);
    nftnl_expr_set(e, NFTNL_EXPR_RANGE_FROM_DATA, first, len);
    nftnl_expr_set(e, NFTNL_EXPR_RANGE_TO_DATA, last, len);
}

/* A second's packets may come at once. */
static void put_rate(struct nftnl_expr *e, uint32_t per_second, uint32_t flags)
{
    if (!e)
        return;
    nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, per_second);
    nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1);
    put(e, NFTNL_EXPR_LIMIT_BURST, per_second);
    put(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
    put(e, NFTNL_EXPR_LIMIT_FLAGS, flags);
}

void nft_limit(struct nftnl_rule *r, uint32_t per_second)
{
    put_rate(expr(r, "limit"), per_second, 0);
}

void nft_log(struct nftnl_rule *r, uint16_t group, uint32_t bytes, const char *prefix)
{
    struct nftnl_expr *e = expr(r, "log");
    if (!e)
        return;
    nftnl_expr_set_str(e, NFTNL_EXPR_LOG_PREFIX, prefix);
    nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_GROUP, group);
    put(e, NFTNL_EXPR_LOG_SNAPLEN, bytes);
    nftnl_expr_set_u16(e, NFTNL_EXPR_LOG_QTHRESHOLD, 1);
}

void nft_over_rate(struct nftnl_rule *r, const char *set, uint32_t per_second)
{
    struct nftnl_expr *e = expr(r, "dynset"), *rate = e ? nftnl_expr_alloc("limit") : NULL;
    if (!rate)
        return;
    put_rate(rate, per_second, NFT_LIMIT_F_INV);
    put(e, NFTNL_EXPR_DYNSET_SREG_KEY, REG);
    put(e, NFTNL_EXPR_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
    nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, set);
    nftnl_expr_add_expr(e, NFTNL_EXPR_DYNSET_EXPR, rate);
}

void nft_load_ipv6_header(struct nftnl_rule *r, uint8_t type, uint32_t offset, uint32_t len)
{
    struct nftnl_expr *e = expr(r, "exthdr");
    if (!e)
        return;
    put(e, NFTNL_EXPR_EXTHDR_DREG, REG);
    nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, type);
    put(e, NFTNL_EXPR_EXTHDR_OFFSET, offset);
    put(e, NFTNL_EXPR_EXTHDR_LEN, len);
    put(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
}
