/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rules could match a class of packets: each test may be true, false, or either. */
#include "inspect/reach.h"

#include "inspect/assembly.h"

/* What a test can come to in a class. */
struct may {
    bool be_true, be_false;
};

static const struct may either = {true, true}, never = {false, true};

static struct may certainly(bool v)
{
    return (struct may){v, !v};
}

static struct may any_of(struct may a, struct may b)
{
    return (struct may){a.be_true || b.be_true, a.be_false || b.be_false};
}

/* ---- integers ---- */

static bool satisfies(const struct program *pg, const struct test *t, uint64_t v)
{
    switch (t->op) {
    case TEST_RANGE:
        return t->a <= v && v <= t->b;
    case TEST_RANGES:
        for (uint64_t i = 0; i < t->b; i++)
            if (pg->ranges[t->a + i].first <= v && v <= pg->ranges[t->a + i].last)
                return true;
        return false;
    case TEST_BITS:
        return (v & t->a) != 0;
    default:
        return t->op == TEST_PORTS && set_has_port(pg->sets[t->a], v);
    }
}

static struct may of_value(const struct program *pg, const struct test *t, uint64_t v)
{
    return certainly(satisfies(pg, t, v) != t->negate);
}

/* Of a value whose bit is one of `bits`; the lowest bit stands for a field that is not there. */
static struct may of_bits(const struct program *pg, const struct test *t, unsigned bits)
{
    struct may ret = {.be_false = bits & 1};
    for (unsigned i = 1; i < 8; i++)
        if (bits >> i & 1)
            ret = any_of(ret, of_value(pg, t, UINT64_C(1) << i));
    return ret;
}

/* Whether any port of a range satisfies the test, and whether any does not. */
static struct may of_port_values(const struct program *pg, const struct test *t, struct port_range r)
{
    struct may ret = {0};
    if (t->op == TEST_RANGE) {
        ret.be_true = t->a <= r.last && r.first <= t->b;
        ret.be_false = r.first < t->a || t->b < r.last;
        return ret;
    }
    for (unsigned port = r.first; port <= r.last && !(ret.be_true && ret.be_false); port++)
        ret = any_of(ret, certainly(satisfies(pg, t, port)));
    return ret;
}

/* Ports may be missing, and the test is false then. */
static struct may of_ports(const struct program *pg, const struct test *t, const struct reach_class *c)
{
    const struct field *f = &fields[t->field];
    bool both = f->load == LOAD_BOTH_PORTS, source = f->at == offsetof(struct packet, srcport);
    struct may ret = of_port_values(pg, t, both || source ? c->src : c->dst);
    bool one_is = ret.be_true, none_is = ret.be_false;
    if (both) {
        struct may other = of_port_values(pg, t, c->dst);
        one_is = one_is || other.be_true;
        none_is = none_is && other.be_false;
    }
    return (struct may){t->negate ? none_is : one_is, true};
}

/* Flags of segments without SYN, FIN and RST. */
static struct may of_plain_flags(const struct program *pg, const struct test *t)
{
    const struct field *f = &fields[t->field];
    const unsigned out = TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST;
    struct may ret = never;
    for (unsigned flags = 0; flags < 256; flags++)
        if (!(flags & out))
            ret = any_of(ret, of_value(pg, t, f->load == LOAD_BIT_U8 ? (flags & f->arg) != 0 : flags));
    return ret;
}

static struct may of_plain(const struct program *pg, const struct test *t)
{
    const struct field *f = &fields[t->field];
    if (f->load == LOAD_ANOMALIES || f->load == LOAD_OPTIONS)
        return never;
    if (f->at == offsetof(struct packet, is_fragment))
        return of_value(pg, t, 0);
    return f->at == offsetof(struct packet, tcp_flags) ? of_plain_flags(pg, t) : either;
}

/* ---- addresses ---- */

static struct may of_addrs(const struct program *pg, const struct test *t, const struct reach_class *c)
{
    if (!c->version)
        return either;
    bool other_family;
    if (t->op == TEST_NET)
        other_family = pg->nets[t->a].addr.family != c->version;
    else
        other_family = !pg->sets[t->a]->n[c->version == 6];
    return other_family ? certainly(t->negate) : either;
}

/* ---- tests ---- */

static const uint8_t protos[] = {
    [L4_TCP] = 6, [L4_UDP] = 17, [L4_UDPLITE] = 136, [L4_ICMP] = 1, [L4_ICMPV6] = 58, [L4_SCTP] = 132, [L4_GRE] = 47};

/* Whether no packet of the class has the field. */
static bool lacks(const struct field *f, const struct reach_class *c)
{
    return f->guard >= GUARD_L4 && c->proto >= 0 && protos[f->guard - GUARD_L4] != c->proto;
}

static bool is_of_two(const struct test *t)
{
    return t->op >= TEST_FIELD_EQ && t->op <= TEST_FIELD_GE;
}

static struct may of_version(const struct program *pg, const struct test *t, const struct reach_class *c)
{
    const struct field *f = &fields[t->field];
    if (f->load != LOAD_IP)
        return c->version ? of_value(pg, t, c->version) : either;
    if (c->version)
        return of_value(pg, t, !f->arg || f->arg == c->version);
    return c->proto >= 0 && !f->arg ? of_value(pg, t, 1) : either;
}

static struct may of_proto(const struct program *pg, const struct test *t, const struct reach_class *c)
{
    const struct field *f = &fields[t->field];
    if (c->proto < 0)
        return either;
    return of_value(pg, t, f->load == LOAD_PROTO_IS ? c->proto == f->arg : (uint64_t)c->proto);
}

/* Of integers that the class says something about; others can be anything. */
static struct may of_int(const struct program *pg, const struct test *t, const struct reach_class *c)
{
    const struct field *f = &fields[t->field];
    if (f->port)
        return of_ports(pg, t, c);
    switch (f->load) {
    case LOAD_IP:
        return of_version(pg, t, c);
    case LOAD_PROTO_IS:
        return of_proto(pg, t, c);
    case LOAD_STATE:
        return of_bits(pg, t, c->states);
    case LOAD_DIRECTION:
        return of_bits(pg, t, c->dirs);
    default:
        break;
    }
    if (f->guard == GUARD_IP && f->at == offsetof(struct packet, ip_version))
        return of_version(pg, t, c);
    if (f->guard == GUARD_IP && f->at == offsetof(struct packet, ip_proto))
        return of_proto(pg, t, c);
    return c->plain ? of_plain(pg, t) : either;
}

static struct may of_test(const struct program *pg, const struct test *t, const struct reach_class *c)
{
    const struct field *f = &fields[t->field];
    if (t->op == TEST_NEVER || lacks(f, c) || (is_of_two(t) && lacks(&fields[t->other], c)))
        return never;
    if (t->operand != PROGRAM_NONE || is_of_two(t))
        return either;
    if (t->op <= TEST_PORTS)
        return of_int(pg, t, c);
    return t->op <= TEST_ADDRS ? of_addrs(pg, t, c) : either;
}

/* ---- rules ---- */

#define STEPS_HERE 256 /* longer conditions take memory of their own */

static void reach_step(bool *reached, uint32_t first, uint32_t to, struct may *ret)
{
    if (to == PROGRAM_TRUE)
        ret->be_true = true;
    else if (to == PROGRAM_FALSE)
        ret->be_false = true;
    else
        reached[to - first] = true;
}

/* Targets are lower numbers: one walk down reaches all that can be reached. */
static struct may walk(const struct program *pg, const struct rule_part *part, const struct reach_class *c,
                       bool *reached)
{
    struct may ret = {0};
    reach_step(reached, part->first, part->start, &ret);
    for (uint32_t at = part->start; part->start < PROGRAM_FALSE && at + 1 > part->first; at--) {
        if (!reached[at - part->first])
            continue;
        struct may m = of_test(pg, &pg->tests[at], c);
        if (m.be_true)
            reach_step(reached, part->first, pg->tests[at].on_true, &ret);
        if (m.be_false)
            reach_step(reached, part->first, pg->tests[at].on_false, &ret);
    }
    return ret;
}

static struct may of_rule(const struct ruleset *rs, const struct rule_part *part, const struct reach_class *c)
{
    bool here[STEPS_HERE];
    size_t n = part->start < PROGRAM_FALSE ? part->start - part->first + 1 : 0;
    if (n <= STEPS_HERE) {
        memset(here, 0, n);
        return walk(&rs->program, part, c, here);
    }
    AUTO_FREE bool *reached = calloc(n, sizeof *reached);
    return reached ? walk(&rs->program, part, c, reached) : either;
}

static bool goes_on(enum action a)
{
    return a == ACTION_MARK || a == ACTION_LOG || a == ACTION_SCORE;
}

/* An accept rule has an effect only by what it keeps from later rules. */
static bool has_effect(const struct rule *r)
{
    return r->action != ACTION_ACCEPT || r->event;
}

const struct rule *ruleset_reach(const struct ruleset *rs, const struct reach_class *c, size_t first)
{
    for (size_t i = first; i < rs->n; i++) {
        const struct rule_part *part = &rs->parts[i];
        const struct rule *r = &rs->rules[i];
        if (!(part->phases & 1u << PHASE_PACKET))
            continue;
        struct may match = of_rule(rs, part, c);
        if (match.be_true && has_effect(r))
            return r;
        if (!match.be_false && !part->limit && !goes_on(r->action))
            return NULL;
    }
    return NULL;
}

/* ---- ports ---- */

#define PORT_WORDS (65536 / 64)

static void add_border(uint64_t *bits, uint64_t port)
{
    if (port > 0 && port <= UINT16_MAX)
        bits[port / 64] |= UINT64_C(1) << (port % 64);
}

static void add_borders(const struct program *pg, const struct test *t, uint64_t *bits)
{
    if (t->op == TEST_PORTS) {
        for (unsigned port = 1; port <= UINT16_MAX; port++)
            if (set_has_port(pg->sets[t->a], port) != set_has_port(pg->sets[t->a], port - 1))
                add_border(bits, port);
        return;
    }
    struct range one = {t->a, t->b};
    const struct range *r = t->op == TEST_RANGE ? &one : pg->ranges + t->a;
    for (uint64_t i = 0; i < (t->op == TEST_RANGE ? 1 : t->b); i++) {
        add_border(bits, r[i].first);
        add_border(bits, r[i].last + 1);
    }
}

bool ruleset_ports(const struct ruleset *rs, size_t first, uint16_t *ret, size_t max, size_t *n)
{
    uint64_t bits[PORT_WORDS] = {0};
    *n = 0;
    for (size_t i = first; i < rs->n; i++) {
        const struct rule_part *part = &rs->parts[i];
        if (!(part->phases & 1u << PHASE_PACKET) || part->start >= PROGRAM_FALSE)
            continue;
        for (uint32_t at = part->first; at <= part->start; at++) {
            const struct test *t = &rs->program.tests[at];
            if (t->op <= TEST_PORTS && t->operand == PROGRAM_NONE && fields[t->field].port)
                add_borders(&rs->program, t, bits);
        }
    }
    for (unsigned port = 1; port <= UINT16_MAX; port++) {
        if (!(bits[port / 64] >> (port % 64) & 1))
            continue;
        if (*n == max)
            return false;
        ret[(*n)++] = (uint16_t)port;
    }
    return true;
}
