/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/plan.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "detect/detect.h"
#include "divert/kernel_rules.h"
#include "inspect/reach.h"
#include "inspect/simple.h"

/* More protocols than this without a name come up all together. */
#define PROTOS_MAX 16

#define LAST_STATE CT_UNTRACKED

struct planner {
    struct generation *g;
    const struct divert *d;
    struct plan *p;
    size_t first;      /* rule that the kernel does not carry out */
    uint16_t *borders; /* ports at which another class begins, ascending */
    size_t n_borders;
    bool answers;         /* the second time over: what comes from servers' ports */
    uint64_t *covered[2]; /* ports (of UDP, TCP) whose packets come up as they are sent to them */
    bool out_of_memory;
};

static bool has_ports(int proto)
{
    return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE || proto == IPPROTO_SCTP;
}

/* ---- lists ---- */

static void *one_more(struct planner *b, void *list, size_t n, size_t size)
{
    void *p = reallocarray(list, n + 1, size);
    b->out_of_memory |= !p;
    return p;
}

static void add_range(struct planner *b, struct port_range **list, size_t *n, struct port_range r)
{
    if (*n && (*list)[*n - 1].last + 1 == r.first) {
        (*list)[*n - 1].last = r.last;
        return;
    }
    struct port_range *more = one_more(b, *list, *n, sizeof r);
    if (!more)
        return;
    *list = more;
    more[(*n)++] = r;
}

static bool says_the_same(const struct plan_line *a, const struct plan_line *b)
{
    return a->proto == b->proto && a->to_server == b->to_server && a->to_client == b->to_client &&
           a->states == b->states && a->from_inside == b->from_inside && strcmp(a->why, b->why) == 0;
}

/* ports: of a line with ports the one range, else NULL. */
static void add_line(struct planner *b, const struct plan_line *line, const struct port_range *ports)
{
    struct plan *p = b->p;
    struct plan_line *last = p->n_lines ? &p->lines[p->n_lines - 1] : NULL;
    for (size_t i = 0; ports && i < p->n_lines; i++)
        if (says_the_same(&p->lines[i], line) && p->lines[i].n_ports) {
            add_range(b, &p->lines[i].ports, &p->lines[i].n_ports, *ports);
            return;
        }
    if (!ports && last && says_the_same(last, line))
        return;
    struct plan_line *lines = one_more(b, p->lines, p->n_lines, sizeof *lines);
    if (!lines)
        return;
    p->lines = lines;
    last = &lines[p->n_lines++];
    *last = *line;
    if (ports)
        add_range(b, &last->ports, &last->n_ports, *ports);
}

/* ---- classes of packets ---- */

static uint8_t fold_states(unsigned states)
{
    unsigned all = (2u << LAST_STATE) - 1;
    return (uint8_t)((states & all) == all ? PLAN_ALL_STATES : states);
}

/* In which conntrack states some rule may match, and the first of these rules. */
static uint8_t states_reached(const struct planner *b, struct reach_class class, const struct rule **ret)
{
    unsigned states = 0;
    *ret = NULL;
    class.states = REACH_ALL_STATES;
    if (!ruleset_reach(b->g->rules, &class, b->first))
        return 0;
    for (unsigned s = CT_NONE; s <= LAST_STATE; s++) {
        class.states = (uint8_t)(1u << s);
        const struct rule *r = ruleset_reach(b->g->rules, &class, b->first);
        states |= r ? 1u << s : 0;
        if (r && (!*ret || r->index < (*ret)->index))
            *ret = r;
    }
    return fold_states(states);
}

static struct reach_class class_of(int proto, const struct port_range *ports, bool to_server)
{
    static const struct port_range any = {0, UINT16_MAX};
    const struct port_range *p = ports ? ports : &any;
    return (struct reach_class){
        .proto = proto, .src = to_server ? any : *p, .dst = to_server ? *p : any, .dirs = REACH_ALL_DIRS};
}

static void set_bits(uint64_t *bits, const struct port_range *r)
{
    for (unsigned port = r->first; port <= r->last; port++)
        bits[port / 64] |= UINT64_C(1) << (port % 64);
}

/* Packets of a class come up where some rule may match them: `ports` are the servers' of its source or destination. */
static void add_needed(struct planner *b, const struct reach_class *class, const struct port_range *ports,
                       bool to_server)
{
    const struct rule *r;
    struct plan_line line = {.proto = class->proto, .to_server = to_server, .to_client = !to_server};
    line.states = states_reached(b, *class, &r);
    if (!line.states)
        return;
    snprintf(line.why, sizeof line.why, "rule %u", r->id);
    add_line(b, &line, ports);
}

static void add_to_server(struct planner *b, int proto, const struct port_range *ports)
{
    struct reach_class class = class_of(proto, ports, true);
    add_needed(b, &class, ports, true);
}

/* The first port from `port` on that no line brings up as a destination, or that one does; 65536: none. */
static unsigned next_port(const struct planner *b, int proto, unsigned port, bool covered)
{
    for (; port <= UINT16_MAX; port++)
        if (port_bit(b->covered[proto == IPPROTO_TCP], (uint16_t)port) == covered)
            return port;
    return port;
}

/*
 * The first class of packets from a server's port, of those to ports that do
 * not bring them up anyway, that the rules may match; NULL where there is none.
 */
static const struct rule *reach_to_client(const struct planner *b, struct reach_class *class)
{
    if (class->proto != IPPROTO_TCP && class->proto != IPPROTO_UDP)
        return ruleset_reach(b->g->rules, class, b->first);
    for (unsigned first = 0; (first = next_port(b, class->proto, first, false)) <= UINT16_MAX;) {
        unsigned end = next_port(b, class->proto, first, true);
        class->dst = (struct port_range){(uint16_t)first, (uint16_t)(end - 1)};
        const struct rule *r = ruleset_reach(b->g->rules, class, b->first);
        if (r)
            return r;
        first = end;
    }
    return NULL;
}

static void add_to_client(struct planner *b, int proto, const struct port_range *ports)
{
    struct reach_class class = class_of(proto, ports, false);
    class.states = REACH_ALL_STATES;
    if (reach_to_client(b, &class))
        add_needed(b, &class, ports, false);
}

static void note_covered(struct planner *b)
{
    for (size_t i = 0; i < b->p->n_lines; i++) {
        const struct plan_line *l = &b->p->lines[i];
        bool ours = l->proto == IPPROTO_TCP || l->proto == IPPROTO_UDP;
        for (size_t j = 0; ours && l->to_server && l->states == PLAN_ALL_STATES && j < l->n_ports; j++)
            set_bits(b->covered[l->proto == IPPROTO_TCP], &l->ports[j]);
    }
}

/* Whether a rule could match what would pass by: plain segments of established connections. */
static bool quiet_is_reached(const struct planner *b, const struct port_range *ports)
{
    struct reach_class c = class_of(IPPROTO_TCP, ports, true);
    c.states = 1u << CT_ESTABLISHED;
    c.plain = true;
    if (ruleset_reach(b->g->rules, &c, b->first))
        return true;
    c.dst = c.src;
    c.src = *ports;
    return reach_to_client(b, &c);
}

static void settle_quiet(struct planner *b, const struct port_range *ports)
{
    unsigned responses = RULES_NEED_RESPONSE | RULES_NEED_RESPONSE_BODY | RULES_NEED_TO_CLIENT;
    if (quiet_is_reached(b, ports))
        set_bits(b->g->kept_ports, ports);
    else if (!(b->g->needs & responses))
        set_bits(b->g->quiet_ports, ports);
}

static void add_followed(struct planner *b, const struct port_range *ports, const char *why)
{
    struct plan_line line = {.proto = IPPROTO_TCP, .to_server = true, .to_client = true, .states = PLAN_ALL_STATES};
    snprintf(line.why, sizeof line.why, "%s", why);
    add_line(b, &line, ports);
}

static void plan_requests(struct planner *b, int proto, const struct port_range *ports)
{
    unsigned streams = RULES_NEED_TO_SERVER | RULES_NEED_TO_CLIENT;
    if (proto == IPPROTO_TCP && (b->g->needs & streams))
        add_followed(b, ports, "streams");
    else if (proto == IPPROTO_TCP && generation_is_http(b->g, ports->first))
        add_followed(b, ports, "http");
    else if (proto == IPPROTO_TCP && b->g->follows_all)
        add_followed(b, ports, "detect.syn_flood");
    else
        add_to_server(b, proto, ports);
}

static bool is_followed(const struct planner *b, int proto, const struct port_range *ports)
{
    return proto == IPPROTO_TCP && generation_follows(b->g, ports->first, ports->first);
}

static void plan_ports(struct planner *b, int proto, const struct port_range *ports)
{
    if (!b->answers)
        plan_requests(b, proto, ports);
    else if (is_followed(b, proto, ports))
        settle_quiet(b, ports);
    else
        add_to_client(b, proto, ports);
}

/* ---- services ---- */

/* Cut where a rule's answer may change, or HTTP begins or ends. */
static void plan_range(struct planner *b, int proto, struct port_range r)
{
    unsigned first = r.first;
    for (size_t i = 0; i < b->n_borders && first <= r.last; i++) {
        if (b->borders[i] <= first || b->borders[i] > r.last)
            continue;
        plan_ports(b, proto, &(struct port_range){(uint16_t)first, (uint16_t)(b->borders[i] - 1)});
        first = b->borders[i];
    }
    plan_ports(b, proto, &(struct port_range){(uint16_t)first, r.last});
}

static void plan_proto(struct planner *b, int proto)
{
    const struct rule *r;
    if (b->answers)
        return; /* both directions at once */
    struct plan_line line = {.proto = proto, .to_server = true, .to_client = true};
    line.states = states_reached(b, class_of(proto, NULL, true), &r);
    if (!line.states)
        return;
    snprintf(line.why, sizeof line.why, "rule %u", r->id);
    add_line(b, &line, NULL);
}

static void plan_any(struct planner *b)
{
    uint8_t needed[PROTOS_MAX];
    size_t n = 0;
    const struct rule *r;
    for (int proto = 0; proto < 256; proto++) {
        if (has_ports(proto))
            plan_range(b, proto, (struct port_range){0, UINT16_MAX});
        else if (n <= PROTOS_MAX && states_reached(b, class_of(proto, NULL, true), &r)) {
            if (n < PROTOS_MAX)
                needed[n] = (uint8_t)proto;
            n++;
        }
    }
    if (n > PROTOS_MAX)
        plan_proto(b, -1);
    for (size_t i = 0; n <= PROTOS_MAX && i < n; i++)
        plan_proto(b, needed[i]);
}

static void plan_service(struct planner *b, const struct config_service *s)
{
    if (s->proto < 0)
        plan_any(b);
    else if (!has_ports(s->proto))
        plan_proto(b, s->proto);
    else if (!s->n_ports)
        plan_range(b, s->proto, (struct port_range){0, UINT16_MAX});
    for (size_t i = 0; s->proto >= 0 && has_ports(s->proto) && i < s->n_ports; i++)
        plan_range(b, s->proto, s->ports[i]);
}

/* ---- detectors ---- */

static void add_detector(struct planner *b, enum detector_id id, int proto, uint8_t states, bool from_inside)
{
    struct plan_line line = {
        .proto = proto, .to_server = true, .to_client = true, .states = states, .from_inside = from_inside};
    snprintf(line.why, sizeof line.why, "detect.%s", detector_name(id));
    add_line(b, &line, NULL);
}

static void plan_detectors(struct planner *b)
{
    const uint8_t fresh = 1u << CT_NEW | 1u << CT_INVALID | 1u << CT_UNTRACKED | 1u << CT_NONE;
    static const int scanned[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6};
    unsigned needs = detect_needs(b->g->config);
    if (needs & DETECT_NEEDS_SCAN)
        for (size_t i = 0; i < ARRAY_LEN(scanned); i++)
            add_detector(b, DETECT_SCAN, scanned[i], fresh, false);
    if (needs & DETECT_NEEDS_SPOOFED)
        add_detector(b, DETECT_SPOOFED, -1, fresh, true);
}

/* ---- rules that the kernel carries out ---- */

static bool can_say(const void *ctx, const struct match *m)
{
    const struct planner *b = ctx;
    return kernel_rules_can(b->d, m);
}

static enum plan_action plan_action_of(enum action a)
{
    return a == ACTION_ACCEPT ? PLAN_ACCEPT : a == ACTION_REJECT ? PLAN_REJECT : PLAN_DROP;
}

static void plan_rules(struct planner *b)
{
    struct simple_rule s;
    bool may_reject = !b->d->own_answers;
    if (b->g->config->mode == MODE_MONITOR || b->g->config->divert.queue == DIVERT_ALL)
        return;
    while (simple_rule(b->g->rules, b->first, may_reject, can_say, b, &s)) {
        for (size_t i = 0; i < s.n; i++) {
            struct plan_rule *rules = one_more(b, b->p->rules, b->p->n_rules, sizeof *rules);
            if (!rules)
                return;
            b->p->rules = rules;
            rules[b->p->n_rules++] = (struct plan_rule){
                .id = s.rule->id, .action = plan_action_of(s.rule->action), .event = s.rule->event, .match = s.at[i]};
        }
        b->first++;
    }
}

/* ---- all of it ---- */

#define BORDERS_MAX 512

static int by_number(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Where classes of ports begin: by the rules, and by what is read as HTTP. False when the rules' are too many. */
static bool find_borders(struct planner *b)
{
    const struct config *c = b->g->config;
    if (!ruleset_ports(b->g->rules, b->first, b->borders, BORDERS_MAX, &b->n_borders))
        return false;
    for (size_t i = 0; i < c->http.n_ports; i++) {
        b->borders[b->n_borders++] = c->http.ports[i].first;
        if (c->http.ports[i].last < UINT16_MAX)
            b->borders[b->n_borders++] = (uint16_t)(c->http.ports[i].last + 1);
    }
    qsort(b->borders, b->n_borders, sizeof *b->borders, by_number);
    return true;
}

static void plan_services(struct planner *b)
{
    const struct config *c = b->g->config;
    for (size_t i = 0; i < c->divert.n_services; i++)
        plan_service(b, &c->divert.services[i]);
    note_covered(b);
    b->answers = true;
    for (size_t i = 0; i < c->divert.n_services; i++)
        plan_service(b, &c->divert.services[i]);
    plan_detectors(b);
}

/* All of the services comes up; no flow may leave the queue unasked. */
static int plan_everything(struct planner *b)
{
    memset(b->g->kept_ports, 0xff, PORT_BITS_SIZE);
    plan_free(b->p);
    b->first = 0;
    return plan_all(b->g->config, b->p);
}

static int plan_lines(struct planner *b)
{
    if (b->g->config->divert.queue == DIVERT_ALL || !find_borders(b))
        return plan_everything(b);
    plan_services(b);
    return b->out_of_memory ? -ENOMEM : 0;
}

int plan_make(struct generation *g, const struct divert *d)
{
    struct planner b = {.g = g, .d = d, .p = &g->plan};
    b.borders = calloc(BORDERS_MAX + 2 * g->config->http.n_ports, sizeof *b.borders);
    b.covered[0] = calloc(1, PORT_BITS_SIZE);
    b.covered[1] = calloc(1, PORT_BITS_SIZE);
    int err = b.borders && b.covered[0] && b.covered[1] ? 0 : -ENOMEM;
    if (!err) {
        plan_rules(&b);
        err = b.out_of_memory ? -ENOMEM : plan_lines(&b);
    }
    g->plan.monitor = g->config->mode == MODE_MONITOR;
    g->kernel_rules = b.first;
    free(b.borders);
    memcpy(g->sent_up, b.covered[1], b.covered[1] ? PORT_BITS_SIZE : 0);
    free(b.covered[0]);
    free(b.covered[1]);
    return err;
}

void plan_show_quiet(const struct generation *g, FILE *out)
{
    const char *before = "# once the client has spoken, responses pass by and its bare ACKs, from ports: ";
    for (unsigned first = 0; first <= UINT16_MAX; first++) {
        unsigned end = first;
        while (end <= UINT16_MAX && port_bit(g->quiet_ports, (uint16_t)end))
            end++;
        if (end == first)
            continue;
        if (end - first > 1)
            fprintf(out, "%s%u-%u", before, first, end - 1);
        else
            fprintf(out, "%s%u", before, first);
        before = ", ";
        first = end - 1;
    }
    if (before[0] == ',')
        fputc('\n', out);
}
