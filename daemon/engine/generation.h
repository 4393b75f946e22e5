/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_ENGINE_GENERATION_H
#define SLUICE_ENGINE_GENERATION_H

#include <stdatomic.h>

#include "app/http.h"
#include "config/config.h"
#include "divert/plan.h"
#include "flow/flow.h"
#include "inspect/ruleset.h"
#include "observe/stats.h"
#include "seclang/seclang.h"

/*
 * A configuration and its rules as one thing that workers switch to at once.
 * Immutable but for the match counters, of which each worker has its own.
 */
struct generation {
    struct config *config;
    struct ruleset *rules;
    struct seclang *seclang; /* NULL: none is loaded */
    uint64_t number;         /* from 1 */
    unsigned needs;          /* enum ruleset_need: of the rules, and of what else the settings ask for */
    struct plan plan;        /* what the table says for it: see plan_make */
    size_t kernel_rules;     /* so many of the first rules are the kernel's */
    struct detect *detect;
    bool conntrack;   /* queued packets bring what conntrack says, for events */
    bool follows_all; /* connections of all TCP services: their number is looked at */
    struct http_options http;
    uint64_t *http_ports;  /* a bit each */
    uint64_t *quiet_ports; /* servers' ports whose responses no rule looks at */
    uint64_t *sent_up;     /* ports of TCP whose packets come up by their destination, whoever sends them */
    uint64_t *kept_ports;  /* servers' ports of which some rule wants to see established connections' packets */
    size_t workers;
    struct scratch **scratch;               /* one a worker */
    struct seclang_memory **seclang_memory; /* likewise */
    _Atomic uint64_t **matches;             /* [worker][rule]: the ruleset's, behind them SecLang's */
    uint64_t *before;                       /* [rule]: matches of the same id in earlier generations */
};

/*
 * Loads the configuration and the rules it names. NULL, with every error in d.
 * Used by `check` too, with no workers.
 */
MUST_CHECK struct generation *generation_load(const char *file, size_t workers, struct diag *d);
void generation_free(struct generation *g);

/* Counts of an earlier generation whose workers have left it go on in this one, by rule id. */
void generation_inherit(struct generation *g, const struct generation *old);

/* The rules of the ruleset, and behind them SecLang's. */
size_t generation_rules(const struct generation *g);

/* Fills one entry for each rule; `ret` holds generation_rules() of them. */
void generation_rule_stats(const struct generation *g, struct rule_stats *ret);

/* What a worker's flow table is given; `is_service`, `gone` and `ctx` are left to the caller. */
void generation_flow_options(const struct generation *g, struct flow_options *ret);

/* What the packets must bring for this generation. */
#define NEEDS_STREAMS (RULES_NEED_HTTP | RULES_NEED_TO_SERVER | RULES_NEED_TO_CLIENT)
#define NEEDS_WHOLE (RULES_NEED_PAYLOAD | RULES_NEED_CHECKSUM | NEEDS_STREAMS)

#define PORT_BITS_SIZE (65536 / 8)

static inline bool port_bit(const uint64_t *bits, uint16_t port)
{
    return bits[port / 64] >> (port % 64) & 1;
}

/* Whether the responses of a connection between these ports need not come up. */
static inline bool generation_is_quiet(const struct generation *g, uint16_t client, uint16_t server)
{
    return port_bit(g->quiet_ports, server) && !port_bit(g->sent_up, client);
}

/* Whether some rule wants to see its packets as they are. */
static inline bool generation_keeps(const struct generation *g, uint16_t client, uint16_t server)
{
    return port_bit(g->kept_ports, server) || port_bit(g->sent_up, client);
}

static inline bool generation_is_http(const struct generation *g, uint16_t port)
{
    return (g->needs & RULES_NEED_HTTP) && port_bit(g->http_ports, port);
}

/* Whether the connections of these ports are followed. */
static inline bool generation_follows(const struct generation *g, uint16_t a, uint16_t b)
{
    if (g->follows_all || (g->needs & (RULES_NEED_TO_SERVER | RULES_NEED_TO_CLIENT)))
        return true;
    return generation_is_http(g, a) || generation_is_http(g, b);
}

static inline void generation_count_at(const struct generation *g, size_t worker, size_t index)
{
    _Atomic uint64_t *at = &g->matches[worker][index];
    atomic_store_explicit(at, atomic_load_explicit(at, memory_order_relaxed) + 1, memory_order_relaxed);
}

static inline void generation_count(const struct generation *g, size_t worker, const struct rule *r)
{
    generation_count_at(g, worker, r->index);
}

static inline void generation_count_sec(const struct generation *g, size_t worker, const struct sec_rule *r)
{
    generation_count_at(g, worker, ruleset_count(g->rules) + r->index);
}

/* Every rule that a decision tells of. */
static inline void generation_count_matches(const struct generation *g, size_t worker, const struct decision *d)
{
    for (unsigned i = 0; i < decision_kept(d); i++)
        generation_count(g, worker, d->passed_rules[i]);
    if (d->rule)
        generation_count(g, worker, d->rule);
}

#endif
