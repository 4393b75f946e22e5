/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/keys.h"

/* Guesses of how common things are; only their order matters. */
#define WEIGHT_PORT_LOW (1.0f / 64)
#define WEIGHT_PORT_HIGH (1.0f / 1024)
#define WEIGHT_RARE (1.0f / (1 << 14))
#define WEIGHT_PATTERN (1.0f / (1 << 15))
#define WEIGHT_LEAST (1.0f / (1 << 14)) /* not so small that sharing a key stops to count */

static bool add(struct atoms *a, struct alternative *alt, struct atom atom)
{
    if (alt->n >= a->limit)
        return false;
    if (!vec_room(&a->at, a->n, 1, &a->cap, sizeof *a->at)) {
        a->failed = true;
        return false;
    }
    a->at[a->n++] = atom;
    alt->n++;
    alt->weight += atom.weight;
    return true;
}

static bool add_small(struct atoms *a, struct alternative *alt, enum key_kind kind, unsigned sub, uint64_t v,
                      float weight)
{
    return add(a, alt, (struct atom){.key = key_small(kind, sub, v), .kind = (uint8_t)kind, .weight = weight});
}

static bool add_port(struct atoms *a, struct alternative *alt, const struct field *f, uint64_t port)
{
    float weight = port < 1024 ? WEIGHT_PORT_LOW : WEIGHT_PORT_HIGH;
    unsigned l4 = (unsigned)f->guard - GUARD_L4;
    bool both = f->load == LOAD_BOTH_PORTS, dst = f->at == offsetof(struct packet, dstport);
    if ((both || dst) && !add_small(a, alt, KEY_DSTPORT, l4, port, weight))
        return false;
    return !(both || !dst) || add_small(a, alt, KEY_SRCPORT, l4, port, weight);
}

static float proto_weight(uint64_t proto)
{
    return proto == 6 ? 0.6f : proto == 17 ? 0.3f : 0.02f;
}

static bool add_number(struct atoms *a, struct alternative *alt, const struct field *f, uint64_t v)
{
    if (f->port)
        return add_port(a, alt, f, v);
    return add_small(a, alt, KEY_PROTO, 0, v, proto_weight(v));
}

static bool add_numbers(struct atoms *a, struct alternative *alt, const struct field *f, uint64_t first, uint64_t last)
{
    for (uint64_t v = first; v <= last; v++)
        if (!add_number(a, alt, f, v))
            return false;
    return true;
}

static bool add_port_set(struct atoms *a, struct alternative *alt, const struct field *f, const struct set *s)
{
    for (uint64_t v = 0; s->ports && v < 65536; v++)
        if (set_has_port(s, v) && !add_number(a, alt, f, v))
            return false;
    return true;
}

static float net_weight(uint8_t family, unsigned prefix)
{
    float w = 1.0f;
    /* IPv6 networks are sparse: three of their bits tell about as much as one of IPv4's. */
    for (unsigned i = 0; i < prefix / (family == 4 ? 1u : 3u) && w > WEIGHT_LEAST; i++)
        w /= 2;
    return w;
}

static bool add_net(struct atoms *a, struct alternative *alt, const struct field *f, uint8_t family, unsigned prefix,
                    addr_bits first)
{
    unsigned host = (family == 4 ? 32u : 128u) - prefix;
    bool both = f->load == LOAD_BOTH_ADDRS, src = f->at == offsetof(struct packet, src);
    struct atom atom = {.family = family, .prefix = (uint8_t)prefix, .weight = net_weight(family, prefix)};
    if (!prefix)
        return false;
    atom.kind = KEY_SRC;
    atom.key = key_net(KEY_SRC, family, prefix, first >> host);
    if ((both || src) && !add(a, alt, atom))
        return false;
    atom.kind = KEY_DST;
    atom.key = key_net(KEY_DST, family, prefix, first >> host);
    return !(both || !src) || add(a, alt, atom);
}

/* Cuts a range of addresses into networks. */
static bool add_addr_range(struct atoms *a, struct alternative *alt, const struct field *f, uint8_t family,
                           addr_bits first, addr_bits last)
{
    unsigned width = family == 4 ? 32 : 128;
    for (;;) {
        unsigned host = 0;
        while (host < width - 1) {
            addr_bits mask = ((addr_bits)2 << host) - 1;
            if ((first & mask) || last - first < mask)
                break;
            host++;
        }
        addr_bits size_less_one = ((addr_bits)1 << host) - 1;
        if (!add_net(a, alt, f, family, width - host, first))
            return false;
        if (last - first == size_less_one)
            return true;
        first += size_less_one + 1;
    }
}

static bool add_addr_set(struct atoms *a, struct alternative *alt, const struct field *f, const struct set *s)
{
    if (s->n[0] + s->n[1] > a->limit)
        return false;
    for (size_t i = 0; i < s->n[0]; i++)
        if (!add_addr_range(a, alt, f, 4, s->first4[i], s->last4[i]))
            return false;
    for (size_t i = 0; i < s->n[1]; i++)
        if (!add_addr_range(a, alt, f, 6, s->ranges[1][i].first, s->ranges[1][i].last))
            return false;
    return true;
}

static bool add_bits(struct atoms *a, struct alternative *alt, const struct field *f, uint64_t mask)
{
    unsigned base = f->load == LOAD_ANOMALIES ? RARE_ANOMALY : RARE_OPTION;
    unsigned count = f->load == LOAD_ANOMALIES ? ANOMALY_COUNT : IP_OPTION_COUNT;
    for (unsigned i = 0; i < count; i++)
        if ((mask >> i & 1) && !add_small(a, alt, KEY_RARE, 0, base + i, WEIGHT_RARE))
            return false;
    return true;
}

/* How many values a string is found in, about, by its length. */
static float length_weight(size_t len)
{
    static const float weights[] = {1.0f, 0.5f, 0.1f, 1.0f / 64};
    return len < ARRAY_LEN(weights) ? weights[len] : WEIGHT_PATTERN;
}

static float list_weight(const struct set *s)
{
    float sum = 0;
    for (size_t i = 0; i < s->strings.n && sum < 1; i++)
        sum += length_weight(s->strings.at[i].len);
    return sum;
}

static float pattern_weight(const struct test *t, const struct program *pg)
{
    const struct field *f = &fields[t->field];
    /* Of a few values each is common. */
    if (f->load == LOAD_HTTP_SPAN &&
        (f->at == offsetof(struct http_tx, method) || f->at == offsetof(struct http_tx, version)))
        return 0.4f;
    /* A payload is scanned for each packet: only many rules are worth that. */
    float least = f->load == LOAD_PAYLOAD ? WEIGHT_PORT_LOW : 0, w = WEIGHT_PATTERN;
    if (t->op >= TEST_EQUAL && t->op <= TEST_ENDS && t->op != TEST_EQUAL)
        w = length_weight(pg->strings.at[t->a].len);
    else if (t->op >= TEST_CONTAINS_ANY && t->op <= TEST_ENDS_ANY)
        w = list_weight(pg->sets[t->a]);
    return w > least ? w : least;
}

/* Of a test that reads an operand. */
static bool add_operand(struct atoms *a, struct alternative *alt, const struct test *t, const struct program *pg)
{
    if (fields[t->field].load == LOAD_HTTP_ANOMALIES && t->op == TEST_BITS) {
        uint64_t mask = t->negate ? UINT64_MAX : t->a;
        for (unsigned i = 0; i < HTTP_ANOMALIES; i++)
            if ((mask >> i & 1) && !add_small(a, alt, KEY_RARE, 0, RARE_HTTP + i, WEIGHT_RARE))
                return false;
        return true;
    }
    if (t->negate || !test_is_pattern(t->op))
        return false;
    return add(a, alt,
               (struct atom){.key = key_small(KEY_PATTERN, 0, t->b),
                             .kind = KEY_PATTERN,
                             .pattern = (uint32_t)t->b,
                             .weight = pattern_weight(t, pg)});
}

static bool is_true(const struct test *t)
{
    return t->op == TEST_RANGE && t->a == 1;
}

/* The keys that the test's own values give; false when they give none, or too many. */
static bool add_values(struct atoms *a, struct alternative *alt, const struct test *t, const struct program *pg)
{
    const struct field *f = &fields[t->field];
    bool number = f->port || f->names == NAMES_PROTO;
    if (t->operand != PROGRAM_NONE)
        return add_operand(a, alt, t, pg);
    if (f->load == LOAD_ANOMALIES || f->load == LOAD_OPTIONS)
        return add_bits(a, alt, f, t->op == TEST_BITS && !t->negate ? t->a : UINT64_MAX);
    if (t->negate)
        return false;
    if (f->load == LOAD_PROTO_IS)
        return is_true(t) && add_number(a, alt, f, f->arg);
    if (f->load == LOAD_TRUE_IF_U8)
        return is_true(t) && add_small(a, alt, KEY_RARE, 0, RARE_FRAGMENT, WEIGHT_RARE);
    if (number && t->op == TEST_RANGE)
        return add_numbers(a, alt, f, t->a, t->b);
    if (t->op == TEST_PORTS)
        return add_port_set(a, alt, f, pg->sets[t->a]);
    if (t->op == TEST_NET)
        return add_net(a, alt, f, pg->nets[t->a].addr.family, pg->nets[t->a].prefix,
                       addr_to_bits(&pg->nets[t->a].addr));
    if (t->op == TEST_ADDRS)
        return add_addr_set(a, alt, f, pg->sets[t->a]);
    if (!number || t->op != TEST_RANGES)
        return false;
    for (uint64_t i = 0; i < t->b; i++)
        if (!add_numbers(a, alt, f, pg->ranges[t->a + i].first, pg->ranges[t->a + i].last))
            return false;
    return true;
}

/* A field of a transport header is there only with that protocol. */
static bool add_guard(struct atoms *a, struct alternative *alt, const struct test *t)
{
    static const uint8_t protos[] = {[L4_TCP] = 6,     [L4_UDP] = 17,   [L4_UDPLITE] = 136, [L4_ICMP] = 1,
                                     [L4_ICMPV6] = 58, [L4_SCTP] = 132, [L4_GRE] = 47};
    const struct field *f = &fields[t->field];
    if (f->guard <= GUARD_L4)
        return false;
    uint8_t proto = protos[f->guard - GUARD_L4];
    return add_small(a, alt, KEY_PROTO, 0, proto, proto_weight(proto));
}

static bool is_better(const struct alternative *x, const struct alternative *y)
{
    return x->weight < y->weight;
}

/* Keeps the best few. */
static void offer(struct demand *d, struct alternative alt)
{
    if (d->n < ALTERNATIVES_MAX) {
        d->alt[d->n++] = alt;
        return;
    }
    unsigned worst = 0;
    for (unsigned i = 1; i < d->n; i++)
        if (is_better(&d->alt[worst], &d->alt[i]))
            worst = i;
    if (is_better(&alt, &d->alt[worst]))
        d->alt[worst] = alt;
}

static struct demand of_test(struct atoms *a, const struct test *t, const struct program *pg)
{
    struct demand d = {.n = 0};
    struct alternative values = {.at = a->n}, guard;
    if (add_values(a, &values, t, pg))
        offer(&d, values);
    else
        a->n = values.at;
    guard = (struct alternative){.at = a->n};
    if (!d.n && add_guard(a, &guard, t))
        offer(&d, guard);
    return d;
}

static struct demand keys_at(struct atoms *a, const struct node *nodes, uint32_t at, const struct program *pg,
                             bool negated);

/* All must hold: any child's alternatives will do. */
static struct demand of_all(struct atoms *a, const struct node *nodes, uint32_t child, const struct program *pg,
                            bool negated)
{
    struct demand d = {.n = 0};
    for (; child; child = nodes[child].prev) {
        struct demand one = keys_at(a, nodes, child, pg, negated);
        for (unsigned i = 0; i < one.n; i++)
            offer(&d, one.alt[i]);
    }
    return d;
}

static const struct alternative *best_of(const struct demand *d)
{
    const struct alternative *best = &d->alt[0];
    for (unsigned i = 1; i < d->n; i++)
        if (is_better(&d->alt[i], best))
            best = &d->alt[i];
    return best;
}

/* One must hold: the keys of all children together. */
static struct demand of_any(struct atoms *a, const struct node *nodes, uint32_t child, const struct program *pg,
                            bool negated)
{
    struct demand d = {.n = 0};
    struct alternative sum = {.at = a->n};
    for (; child; child = nodes[child].prev) {
        size_t mark = a->n;
        struct demand one = keys_at(a, nodes, child, pg, negated);
        const struct alternative *best = one.n ? best_of(&one) : NULL;
        if (!best || sum.n + best->n > a->limit) {
            a->n = sum.at;
            return d;
        }
        if (best->n)
            memmove(a->at + mark, a->at + best->at, best->n * sizeof *a->at);
        a->n = mark + best->n;
        sum.n += best->n;
        sum.weight += best->weight;
    }
    offer(&d, sum);
    return d;
}

static struct demand keys_at(struct atoms *a, const struct node *nodes, uint32_t at, const struct program *pg,
                             bool negated)
{
    const struct node *n = &nodes[at];
    switch (n->kind) {
    case NODE_TEST:
        return negated ? (struct demand){.n = 0} : of_test(a, &n->test, pg);
    case NODE_NOT:
        return keys_at(a, nodes, n->last, pg, !negated);
    case NODE_AND:
    case NODE_OR:
        if ((n->kind == NODE_AND) != negated)
            return of_all(a, nodes, n->last, pg, negated);
        return of_any(a, nodes, n->last, pg, negated);
    default:
        return (struct demand){.n = 0};
    }
}

struct demand keys_of(struct atoms *atoms, const struct expr *ex, const struct program *pg)
{
    return keys_at(atoms, ex->nodes, ex->root, pg, false);
}
