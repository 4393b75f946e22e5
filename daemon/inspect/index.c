/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/index.h"

static bool in_filter(const struct index *ix, index_key key)
{
    size_t bit = (key >> 40) & ix->filter_mask;
    return ix->filter[bit / 64] >> (bit % 64) & 1;
}

static void look_up(const struct index *ix, index_key key, struct index_list *lists, unsigned *n)
{
    if (!in_filter(ix, key))
        return;
    size_t mask = ix->n_slots - 1;
    for (size_t i = (key >> 1) & mask; ix->slots[i].key; i = (i + 1) & mask) {
        if (ix->slots[i].key != key)
            continue;
        const uint32_t *list = ix->entries + ix->slots[i].list;
        lists[(*n)++] = (struct index_list){list + 1, list + 1 + list[0]};
        return;
    }
}

static void find_net(const struct index *ix, enum key_kind kind, const struct ip_addr *a, struct index_list *lists,
                     unsigned *n)
{
    if (a->family != 4 && a->family != 6)
        return;
    unsigned width = a->family == 4 ? 32 : 128;
    const uint8_t *prefixes = ix->prefixes[kind == KEY_DST][a->family == 6];
    unsigned count = ix->n_prefixes[kind == KEY_DST][a->family == 6];
    if (!count)
        return;
    addr_bits bits = addr_to_bits(a);
    for (unsigned i = 0; i < count; i++)
        look_up(ix, key_net(kind, a->family, prefixes[i], bits >> (width - prefixes[i])), lists, n);
}

static void find_rare(const struct index *ix, const struct packet *p, struct index_list *lists, unsigned *n)
{
    uint32_t anomalies = p->anomalies & ((1u << ANOMALY_COUNT) - 1);
    uint32_t options = p->ip_options & ((1u << IP_OPTION_COUNT) - 1);
    uint32_t rare = anomalies << RARE_ANOMALY | options << RARE_OPTION | (uint32_t)p->is_fragment << RARE_FRAGMENT;
    for (; rare; rare &= rare - 1)
        look_up(ix, key_small(KEY_RARE, 0, (uint64_t)__builtin_ctz(rare)), lists, n);
}

static void find_anomalies(const struct index *ix, uint64_t anomalies, struct index_list *lists, unsigned *n)
{
    anomalies &= (UINT64_C(1) << HTTP_ANOMALIES) - 1;
    for (; anomalies; anomalies &= anomalies - 1)
        look_up(ix, key_small(KEY_RARE, 0, RARE_HTTP + (uint64_t)__builtin_ctzll(anomalies)), lists, n);
}

unsigned index_find(const struct index *ix, const struct packet *p, const struct http_tx *tx,
                    struct index_list lists[INDEX_LISTS_MAX])
{
    unsigned n = 0;
    const uint32_t *rest = ix->entries + ix->rest;
    if (rest[0])
        lists[n++] = (struct index_list){rest + 1, rest + 1 + rest[0]};
    if (ix->has[KEY_DSTPORT])
        look_up(ix, key_small(KEY_DSTPORT, p->l4, p->dstport), lists, &n);
    if (ix->has[KEY_SRCPORT])
        look_up(ix, key_small(KEY_SRCPORT, p->l4, p->srcport), lists, &n);
    if (ix->has[KEY_PROTO])
        look_up(ix, key_small(KEY_PROTO, 0, p->ip_proto), lists, &n);
    if (ix->has[KEY_SRC])
        find_net(ix, KEY_SRC, &p->src, lists, &n);
    if (ix->has[KEY_DST])
        find_net(ix, KEY_DST, &p->dst, lists, &n);
    if (ix->has[KEY_RARE])
        find_rare(ix, p, lists, &n);
    if (ix->has[KEY_RARE] && tx && tx->anomalies)
        find_anomalies(ix, tx->anomalies, lists, &n);
    return n;
}

void index_free(struct index *ix)
{
    free(ix->slots);
    free(ix->filter);
    free(ix->entries);
    free(ix->patterns);
    free(ix->eager);
    *ix = (struct index){0};
}
