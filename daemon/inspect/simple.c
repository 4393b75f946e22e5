/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules as the kernel can carry them out: each way through a condition's steps
 * that ends in true becomes a match. A test that only helps the condition by
 * being true (or, under `not`, by being false) is left out of the ways on which
 * it is not: where the rest holds, the condition does whichever it is.
 */
#include "inspect/simple.h"

#include "inspect/assembly.h"

#define WAY_STEPS_MAX 64
#define VISITS_MAX 4096

#define VERSION_4 1u
#define VERSION_6 2u
#define VERSIONS (VERSION_4 | VERSION_6)
#define STATES ((2u << CT_UNTRACKED) - 1)
#define DIRS ((2u << CT_DIR_REPLY) - 1)
/* In these the kernel knows no direction. */
#define STATES_WITHOUT_DIR (1u << CT_NONE | 1u << CT_INVALID | 1u << CT_UNTRACKED)

struct protos {
    uint64_t bits[4];
};

/* A match being made: what every packet has as what is left of it, the rest as conditions. */
struct way {
    unsigned versions, states, dirs;
    struct protos protos;
    struct match_cond at[MATCH_CONDS_MAX];
    size_t n;
    bool none; /* it holds for no packet */
};

struct match_ranges {
    struct match_range *at[2]; /* IPv4, IPv6 */
};

struct finder {
    struct ruleset *rs;
    struct simple_rule *ret;
    bool (*can)(const void *ctx, const struct match *m);
    const void *ctx;
    unsigned visits;
};

/* What a test says, as one way or another; `rest` lies behind it. */
struct step {
    const struct test *t;
    bool holds; /* it is to be true, or to be false */
    uint32_t to;
    unsigned depth;
};

static bool follow(struct finder *fi, uint32_t at, const struct way *w, unsigned depth);

/* ---- ways ---- */

static const struct way any_packet = {
    .versions = VERSIONS, .states = STATES, .dirs = DIRS, .protos = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}};

static bool protos_empty(const struct protos *p)
{
    return !(p->bits[0] | p->bits[1] | p->bits[2] | p->bits[3]);
}

static void keep_proto(struct way *w, unsigned proto)
{
    struct protos only = {{0}};
    only.bits[proto / 64] = w->protos.bits[proto / 64] & UINT64_C(1) << (proto % 64);
    w->protos = only;
}

static bool is_empty(const struct way *w)
{
    return w->none || !w->versions || !w->states || !w->dirs || protos_empty(&w->protos);
}

static bool add_cond(struct way *w, const struct match_cond *c)
{
    if (w->n == MATCH_CONDS_MAX)
        return false;
    w->at[w->n++] = *c;
    return true;
}

/* ---- what matches point to ---- */

static void *keep(struct finder *fi, size_t n)
{
    return arena_alloc(&fi->rs->simple, n);
}

static void put_bits(uint8_t to[16], addr_bits v, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--, v >>= 8)
        to[i - 1] = (uint8_t)v;
}

static struct match_range *ranges_of_set(struct finder *fi, const struct set *s, bool six)
{
    struct match_range *to = keep(fi, s->n[six] * sizeof *to);
    for (size_t i = 0; to && i < s->n[six]; i++) {
        put_bits(to[i].first, six ? s->ranges[1][i].first : s->first4[i], six ? 16 : 4);
        put_bits(to[i].last, six ? s->ranges[1][i].last : s->last4[i], six ? 16 : 4);
    }
    return to;
}

/* A set's ranges, made once; sets may be large. */
static const struct match_range *set_ranges(struct finder *fi, uint64_t number, bool six)
{
    struct ruleset *rs = fi->rs;
    if (!rs->set_ranges && !(rs->set_ranges = calloc(rs->program.n_sets, sizeof *rs->set_ranges)))
        return NULL;
    struct match_range **at = &rs->set_ranges[number].at[six];
    if (!*at)
        *at = ranges_of_set(fi, rs->program.sets[number], six);
    return *at;
}

static struct match_range *net_range(struct finder *fi, const struct ip_net *net)
{
    struct match_range *to = keep(fi, sizeof *to);
    unsigned bytes = net->addr.family == 4 ? 4 : 16, host = bytes * 8 - net->prefix;
    if (!to)
        return NULL;
    addr_bits first = addr_to_bits(&net->addr);
    put_bits(to->first, first, bytes);
    put_bits(to->last, first | (host >= 128 ? ~(addr_bits)0 : ((addr_bits)1 << host) - 1), bytes);
    return to;
}

/* Runs of the bits that are set, as ranges of `bytes` bytes. NULL with *n 0 where there are none. */
static struct match_range *bit_ranges(struct finder *fi, const uint64_t *bits, unsigned end, unsigned bytes, size_t *n)
{
    struct match_range *to = NULL;
    for (int pass = 0; pass < 2; pass++) {
        *n = 0;
        for (unsigned i = 0; i < end; i++) {
            if (!(bits[i / 64] >> (i % 64) & 1))
                continue;
            unsigned first = i;
            while (i + 1 < end && (bits[(i + 1) / 64] >> ((i + 1) % 64) & 1))
                i++;
            if (to) {
                put_bits(to[*n].first, first, bytes);
                put_bits(to[*n].last, i, bytes);
            }
            ++*n;
        }
        if (!to && (!*n || !(to = keep(fi, *n * sizeof *to))))
            return NULL;
    }
    return to;
}

/* ---- from ways to matches ---- */

static bool has_family(const struct way *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->at[i].family)
            return true;
    return false;
}

static bool add_bits(struct finder *fi, struct way *w, enum match_what what, const uint64_t *bits, unsigned end)
{
    struct match_cond c = {.what = (uint8_t)what};
    c.ranges = bit_ranges(fi, bits, end, 1, &c.n);
    return c.ranges && add_cond(w, &c);
}

/* Writes what is left of versions, protocols, states and directions as conditions. */
static bool spell_out(struct finder *fi, struct way *w)
{
    uint64_t version = w->versions == VERSION_4 ? 1u << 4 : 1u << 6;
    if (w->versions != VERSIONS && !has_family(w) && !add_bits(fi, w, MATCH_IP_VERSION, &version, 7))
        return false;
    if (memcmp(&w->protos, &any_packet.protos, sizeof w->protos) != 0 &&
        !add_bits(fi, w, MATCH_PROTO, w->protos.bits, 256))
        return false;
    if (w->states != STATES && !add_cond(w, &(struct match_cond){.what = MATCH_CT_STATE, .bits = w->states}))
        return false;
    return w->dirs == DIRS || add_cond(w, &(struct match_cond){.what = MATCH_CT_DIR, .bits = w->dirs});
}

static bool end_way(struct finder *fi, struct way w)
{
    struct simple_rule *ret = fi->ret;
    if (ret->n == SIMPLE_MAX || !spell_out(fi, &w))
        return false;
    struct match *m = &ret->at[ret->n];
    memcpy(m->at, w.at, sizeof m->at);
    m->n = w.n;
    if (!fi->can(fi->ctx, m))
        return false;
    ret->n++;
    return true;
}

/* One of the ways in which the step holds. */
static bool go_on(struct finder *fi, const struct step *s, const struct way *w)
{
    return is_empty(w) || follow(fi, s->to, w, s->depth + 1);
}

static bool go_on_with(struct finder *fi, const struct step *s, const struct way *w, const struct match_cond *c)
{
    struct way more = *w;
    return add_cond(&more, c) && go_on(fi, s, &more);
}

/* ---- tests ---- */

static bool in_ranges(const struct program *pg, const struct test *t, uint64_t v)
{
    if (t->op == TEST_RANGE)
        return t->a <= v && v <= t->b;
    for (uint64_t i = 0; i < t->b; i++)
        if (pg->ranges[t->a + i].first <= v && v <= pg->ranges[t->a + i].last)
            return true;
    return false;
}

/* Of a field that every packet has: whether a value takes the step. */
static bool takes(const struct finder *fi, const struct step *s, uint64_t v)
{
    return (in_ranges(&fi->rs->program, s->t, v) != s->t->negate) == s->holds;
}

static bool by_proto_is(struct finder *fi, const struct step *s, struct way w)
{
    uint8_t proto = fields[s->t->field].arg;
    bool others = takes(fi, s, 0);
    if (takes(fi, s, 1)) {
        if (!others)
            keep_proto(&w, proto);
    } else {
        w.protos.bits[proto / 64] &= ~(UINT64_C(1) << (proto % 64));
        w.none = w.none || !others;
    }
    return go_on(fi, s, &w);
}

static bool by_proto(struct finder *fi, const struct step *s, struct way w)
{
    for (unsigned i = 0; i < 256; i++)
        if (!takes(fi, s, i))
            w.protos.bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
    return go_on(fi, s, &w);
}

static bool by_version(struct finder *fi, const struct step *s, struct way w)
{
    const struct field *f = &fields[s->t->field];
    for (unsigned version = 4; version <= 6; version += 2) {
        uint64_t v = f->load == LOAD_IP ? !f->arg || f->arg == version : version;
        if (!takes(fi, s, v))
            w.versions &= ~(version == 4 ? VERSION_4 : VERSION_6);
    }
    return go_on(fi, s, &w);
}

/* The bits with which the step is taken; the lowest stands for a field that is not there. */
static unsigned taken_bits(const struct step *s, unsigned all)
{
    unsigned named = (unsigned)s->t->a & all & ~1u;
    unsigned is_true = s->t->negate ? all & ~1u & ~named : named;
    return s->holds ? is_true : all & ~is_true;
}

static bool by_state(struct finder *fi, const struct step *s, struct way w)
{
    w.states &= taken_bits(s, STATES);
    return go_on(fi, s, &w);
}

/* That there is no direction is told by the state. */
static bool by_direction(struct finder *fi, const struct step *s, struct way w)
{
    unsigned bits = taken_bits(s, DIRS);
    struct way without = w;
    without.states &= STATES_WITHOUT_DIR;
    without.none = without.none || !(bits & w.dirs & 1u);
    w.dirs &= bits & ~1u;
    return go_on(fi, s, &without) && go_on(fi, s, &w);
}

static uint8_t proto_of(const struct field *f)
{
    static const uint8_t protos[] = {[L4_TCP] = 6, [L4_UDP] = 17, [L4_UDPLITE] = 136, [L4_SCTP] = 132};
    return protos[f->guard - GUARD_L4];
}

static bool port_ranges(struct finder *fi, const struct test *t, struct match_cond *c)
{
    static const uint64_t no_ports[1024];
    const struct program *pg = &fi->rs->program;
    if (t->op == TEST_PORTS) {
        const uint64_t *ports = pg->sets[t->a]->ports;
        c->ranges = bit_ranges(fi, ports ? ports : no_ports, 65536, 2, &c->n);
        return c->ranges || !c->n;
    }
    struct range one = {t->a, t->b};
    const struct range *r = t->op == TEST_RANGE ? &one : pg->ranges + t->a;
    c->n = t->op == TEST_RANGE ? 1 : t->b;
    struct match_range *to = keep(fi, c->n * sizeof *to);
    for (size_t i = 0; to && i < c->n; i++) {
        put_bits(to[i].first, r[i].first, 2);
        put_bits(to[i].last, r[i].last, 2);
    }
    c->ranges = to;
    return to;
}

/* That a packet has no ports cannot be said. */
static bool by_port(struct finder *fi, const struct step *s, struct way w)
{
    const struct field *f = &fields[s->t->field];
    struct match_cond c = {.negate = s->t->negate};
    bool source = f->load == LOAD_BOTH_PORTS || f->at == offsetof(struct packet, srcport);
    if (!s->holds || !port_ranges(fi, s->t, &c) || (!c.n && c.negate))
        return false;
    keep_proto(&w, proto_of(f));
    w.none = w.none || !c.n;
    c.what = source ? MATCH_SRCPORT : MATCH_DSTPORT;
    if (is_empty(&w) || f->load != LOAD_BOTH_PORTS)
        return is_empty(&w) || go_on_with(fi, s, &w, &c);
    struct match_cond other = c;
    other.what = MATCH_DSTPORT;
    if (c.negate)
        return add_cond(&w, &c) && go_on_with(fi, s, &w, &other);
    return go_on_with(fi, s, &w, &c) && go_on_with(fi, s, &w, &other);
}

/* The addresses of a family that the test names; n is 0 where there are none. */
static bool addr_ranges(struct finder *fi, const struct test *t, bool six, struct match_cond *c)
{
    const struct program *pg = &fi->rs->program;
    *c = (struct match_cond){.family = six ? 6 : 4};
    if (t->op == TEST_NET) {
        c->n = pg->nets[t->a].addr.family == c->family;
        c->ranges = c->n ? net_range(fi, &pg->nets[t->a]) : NULL;
    } else {
        const struct set *s = pg->sets[t->a];
        c->n = s->n[six];
        c->list = s->name;
        c->ranges = c->n ? set_ranges(fi, t->a, six) : NULL;
    }
    return !c->n || c->ranges;
}

/* Either address among the ranges, or, negated, both outside. */
static bool by_both(struct finder *fi, const struct step *s, struct way *w, struct match_cond c)
{
    struct match_cond dst = c;
    c.what = MATCH_SRC;
    dst.what = MATCH_DST;
    if (c.negate)
        return add_cond(w, &c) && go_on_with(fi, s, w, &dst);
    return go_on_with(fi, s, w, &c) && go_on_with(fi, s, w, &dst);
}

static bool by_addr_of(struct finder *fi, const struct step *s, struct way w, bool six)
{
    const struct field *f = &fields[s->t->field];
    struct match_cond c;
    w.versions &= six ? VERSION_6 : VERSION_4;
    if (is_empty(&w))
        return true;
    if (!addr_ranges(fi, s->t, six, &c))
        return false;
    c.negate = s->t->negate == s->holds;
    if (!c.n)
        return !c.negate || go_on(fi, s, &w);
    if (f->load == LOAD_BOTH_ADDRS)
        return by_both(fi, s, &w, c);
    c.what = f->at == offsetof(struct packet, src) ? MATCH_SRC : MATCH_DST;
    return go_on_with(fi, s, &w, &c);
}

static bool by_addr(struct finder *fi, const struct step *s, const struct way *w)
{
    return by_addr_of(fi, s, *w, false) && by_addr_of(fi, s, *w, true);
}

static bool is_dev_name(struct span s)
{
    return s.len && s.len < sizeof((struct iface *)0)->name && !memchr(s.data, '\0', s.len);
}

static bool dev_names(struct finder *fi, const struct test *t, struct match_cond *c)
{
    const struct program *pg = &fi->rs->program;
    const struct strtab *from = t->op == TEST_EQUAL ? &pg->strings : &pg->sets[t->a]->strings;
    size_t first = t->op == TEST_EQUAL ? t->a : 0, n = t->op == TEST_EQUAL ? 1 : from->n;
    const char **to = keep(fi, (n + 1) * sizeof *to);
    for (size_t i = 0; to && i < n; i++)
        if (is_dev_name(from->at[first + i]))
            to[c->n_names++] = (const char *)from->at[first + i].data;
    c->names = to;
    return to;
}

/* That a packet has no such device cannot be said. */
static bool by_dev(struct finder *fi, const struct step *s, struct way w)
{
    const struct field *f = &fields[s->t->field];
    struct match_cond c = {.negate = s->t->negate};
    c.what = f->at == offsetof(struct packet, meta.in_dev) ? MATCH_IN_DEV : MATCH_OUT_DEV;
    if (!s->holds || (s->t->op != TEST_EQUAL && s->t->op != TEST_ONE_OF) || !dev_names(fi, s->t, &c))
        return false;
    if (!c.n_names)
        return !c.negate;
    return go_on_with(fi, s, &w, &c);
}

static bool by_int(struct finder *fi, const struct step *s, const struct way *w)
{
    const struct field *f = &fields[s->t->field];
    if (f->port)
        return by_port(fi, s, *w);
    if (f->load == LOAD_STATE)
        return by_state(fi, s, *w);
    if (f->load == LOAD_DIRECTION)
        return by_direction(fi, s, *w);
    if (f->load == LOAD_PROTO_IS)
        return by_proto_is(fi, s, *w);
    if (f->load == LOAD_IP || (f->guard == GUARD_IP && f->at == offsetof(struct packet, ip_version)))
        return by_version(fi, s, *w);
    if (f->guard == GUARD_IP && f->at == offsetof(struct packet, ip_proto))
        return by_proto(fi, s, *w);
    return false;
}

/* Goes on in every way in which the step holds. False where these cannot be said. */
static bool by_test(struct finder *fi, const struct step *s, const struct way *w)
{
    const struct field *f = &fields[s->t->field];
    if (s->t->op == TEST_NEVER)
        return s->holds || follow(fi, s->to, w, s->depth + 1);
    if (s->t->operand != PROGRAM_NONE)
        return false;
    if (s->t->op <= TEST_PORTS)
        return by_int(fi, s, w);
    if (s->t->op <= TEST_ADDRS)
        return by_addr(fi, s, w);
    return f->load == LOAD_DEV_NAME && by_dev(fi, s, *w);
}

/* The way from a step on, in which `w` holds so far. False where the rule is not simple. */
static bool follow(struct finder *fi, uint32_t at, const struct way *w, unsigned depth)
{
    if (at == PROGRAM_FALSE)
        return true;
    if (at == PROGRAM_TRUE)
        return end_way(fi, *w);
    if (depth == WAY_STEPS_MAX || ++fi->visits > VISITS_MAX)
        return false;
    const struct test *t = &fi->rs->program.tests[at];
    struct step s = {.t = t, .holds = !t->inverted, .to = t->inverted ? t->on_false : t->on_true, .depth = depth};
    return by_test(fi, &s, w) && follow(fi, t->inverted ? t->on_true : t->on_false, w, depth + 1);
}

static bool is_candidate(const struct rule *r, const struct rule_part *part, bool may_reject)
{
    bool action = r->action == ACTION_ACCEPT || r->action == ACTION_DROP || (r->action == ACTION_REJECT && may_reject);
    return action && !part->limit;
}

bool simple_rule(struct ruleset *rs, size_t index, bool may_reject, bool (*can)(const void *ctx, const struct match *m),
                 const void *ctx, struct simple_rule *ret)
{
    struct finder fi = {.rs = rs, .ret = ret, .can = can, .ctx = ctx};
    if (index >= rs->n)
        return false;
    const struct rule_part *part = &rs->parts[index];
    ret->rule = &rs->rules[index];
    ret->n = 0;
    if (!(part->phases & 1u << PHASE_PACKET))
        return true;
    return is_candidate(ret->rule, part, may_reject) && follow(&fi, part->start, &any_packet, 0);
}
