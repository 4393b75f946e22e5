/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/generation.h"

#include <string.h>

#include "detect/detect.h"
#include "engine/trial.h"

static void note_http_ports(struct generation *g)
{
    const struct config *c = g->config;
    for (size_t i = 0; i < c->http.n_ports; i++)
        for (unsigned port = c->http.ports[i].first; port <= c->http.ports[i].last; port++)
            g->http_ports[port / 64] |= UINT64_C(1) << (port % 64);
}

static unsigned seclang_needs(const struct seclang *s)
{
    unsigned needs = RULES_NEED_HTTP;
    if (seclang_settings(s)->engine == SEC_OFF)
        return 0;
    if (seclang_has_phase(s, 2))
        needs |= RULES_NEED_BODY;
    if (seclang_has_phase(s, 3) || seclang_has_phase(s, 5))
        needs |= RULES_NEED_RESPONSE;
    if (seclang_has_phase(s, 4))
        needs |= RULES_NEED_RESPONSE | RULES_NEED_RESPONSE_BODY;
    return needs;
}

/* What is followed and read, from the rules and the settings together. */
static void note_needs(struct generation *g)
{
    const struct config *c = g->config;
    unsigned needs = ruleset_needs(g->rules) | (g->seclang ? seclang_needs(g->seclang) : 0);
    if (c->events.requests)
        needs |= RULES_NEED_HTTP | RULES_NEED_RESPONSE;
    if (c->detect[DETECT_SLOW_HEAD].action || c->detect[DETECT_SLOW_BODY].action || c->detect[DETECT_SLOW_READ].action)
        needs |= RULES_NEED_HTTP;
    if (!c->http.n_ports)
        needs &= ~(unsigned)(RULES_NEED_HTTP | RULES_NEED_BODY | RULES_NEED_RESPONSE | RULES_NEED_RESPONSE_BODY);
    g->follows_all = c->detect[DETECT_SYN_FLOOD].action != DETECT_OFF;
    if ((needs & NEEDS_STREAMS) || g->follows_all)
        needs |= RULES_NEED_CHECKSUM;
    g->needs = needs;
}

static void fill_http_options(struct generation *g)
{
    const struct config *c = g->config;
    unsigned n = g->needs;
    g->http = (struct http_options){
        .limits = {.head = c->http.limits.head,
                   .headers = c->http.limits.headers,
                   .body = c->http.limits.body,
                   .response_body = c->http.limits.response_body,
                   .args = c->http.limits.args,
                   .depth = c->http.limits.depth,
                   .ratio = c->http.limits.ratio,
                   .pipelined = c->http.limits.pipelined},
        .ends = trial_end,
        .want = (ruleset_has(g->rules, PHASE_REQUEST_PART) ? HTTP_WANT_PARTS : 0u) |
                (n & RULES_NEED_BODY ? HTTP_WANT_BODY : 0u) | (n & RULES_NEED_ARGS ? HTTP_WANT_ARGS : 0u) |
                (n & RULES_NEED_RESPONSE ? HTTP_WANT_RESPONSE : 0u) |
                (n & RULES_NEED_RESPONSE_BODY ? HTTP_WANT_RESPONSE | HTTP_WANT_RESPONSE_BODY : 0u),
    };
}

void generation_flow_options(const struct generation *g, struct flow_options *ret)
{
    const struct config *c = g->config;
    size_t workers = g->workers ? g->workers : 1;
    *ret = (struct flow_options){
        .flows = c->streams.flows,
        .memory = c->streams.memory / workers,
        .per_flow = c->streams.per_flow,
        .midstream = c->streams.midstream == MIDSTREAM_INSPECT || c->mode == MODE_MONITOR,
        .open = c->policies.on_memory == POLICY_OPEN || c->mode == MODE_MONITOR,
        .urgent_ok = c->streams.urgent == URGENT_PASS || c->mode == MODE_MONITOR,
        .timeout_s = {[FLOW_SYN_SENT] = c->streams.handshake,
                      [FLOW_SYN_RECEIVED] = c->streams.handshake,
                      [FLOW_ESTABLISHED] = c->streams.established,
                      [FLOW_CLOSING] = c->streams.closing,
                      [FLOW_CLOSED] = c->streams.closed,
                      [FLOW_CONDEMNED] = c->streams.condemned},
    };
}

/* Streams cannot be put in order without their acknowledgements. */
static bool sees_both_directions(const struct generation *g)
{
    enum divert_hook hook = g->config->divert.hook;
    return !((g->needs & NEEDS_STREAMS) || g->follows_all) || (hook != HOOK_INPUT && hook != HOOK_OUTPUT);
}

static uint32_t longest_value(const struct config *c)
{
    uint32_t max = c->http.limits.head;
    if (c->http.limits.body > max)
        max = c->http.limits.body;
    if (c->http.limits.response_body > max)
        max = c->http.limits.response_body;
    return max > 2 * c->streams.window ? max : 2 * c->streams.window;
}

static int allocate_worker(struct generation *g, size_t i)
{
    g->scratch[i] = scratch_new(g->rules);
    g->matches[i] = calloc(generation_rules(g) + 1, sizeof *g->matches[i]);
    if (g->seclang)
        g->seclang_memory[i] = seclang_memory_new(g->seclang);
    return g->scratch[i] && g->matches[i] && (!g->seclang || g->seclang_memory[i]) ? 0 : -1;
}

static int allocate(struct generation *g)
{
    g->http_ports = calloc(1, PORT_BITS_SIZE);
    g->quiet_ports = calloc(1, PORT_BITS_SIZE);
    g->kept_ports = calloc(1, PORT_BITS_SIZE);
    g->sent_up = calloc(1, PORT_BITS_SIZE);
    if (!g->http_ports || !g->quiet_ports || !g->kept_ports || !g->sent_up)
        return -1;
    note_http_ports(g);
    note_needs(g);
    fill_http_options(g);
    g->before = calloc(generation_rules(g) + 1, sizeof *g->before);
    g->scratch = calloc(g->workers + 1, sizeof *g->scratch);
    g->seclang_memory = calloc(g->workers + 1, sizeof(struct seclang_memory *));
    g->matches = calloc(g->workers + 1, sizeof *g->matches);
    if (!g->before || !g->scratch || !g->seclang_memory || !g->matches)
        return -1;
    for (size_t i = 0; i < g->workers; i++)
        if (allocate_worker(g, i))
            return -1;
    return 0;
}

static bool load_rules(struct generation *g, struct diag *d)
{
    const struct config *c = g->config;
    struct ruleset_options opt = {.our_marks = c->marks_mask,
                                  .regex_steps = c->limits.regex_steps,
                                  .cache = c->cache_folder,
                                  .value_max = longest_value(c),
                                  .limit_keys = c->limits.limit_keys};
    struct seclang_options sec = {.cache = c->cache_folder,
                                  .skip_unknown = c->seclang_skips,
                                  .detection_only = c->mode == MODE_MONITOR,
                                  .store_entries = c->limits.collections};
    g->rules = ruleset_load((const char *const *)c->rule_files.at, c->rule_files.n, &opt, d);
    if (c->seclang.n)
        g->seclang = seclang_load((const char *const *)c->seclang.at, c->seclang.n, &sec, d);
    return g->rules && (g->seclang || !c->seclang.n);
}

struct generation *generation_load(const char *file, size_t workers, struct diag *d)
{
    struct generation *g = calloc(1, sizeof *g);
    if (!g) {
        diag_add(d, file, 0, 0, "out of memory");
        return NULL;
    }
    g->workers = workers;
    g->config = config_load(file, d);
    if (g->config && load_rules(g, d)) {
        int err = allocate(g);
        if (!err && sees_both_directions(g))
            return g;
        diag_add(d, file, 0, 0, "%s",
                 err ? "out of memory"
                     : "rules on HTTP or streams see one direction only, expected divert.hook = \"forward\" or "
                       "\"host\"");
    }
    generation_free(g);
    return NULL;
}

void generation_free(struct generation *g)
{
    if (!g)
        return;
    for (size_t i = 0; g->scratch && i < g->workers; i++)
        scratch_free(g->scratch[i]);
    for (size_t i = 0; g->seclang_memory && i < g->workers; i++)
        seclang_memory_free(g->seclang_memory[i]);
    for (size_t i = 0; g->matches && i < g->workers; i++)
        free(g->matches[i]);
    free(g->scratch);
    free(g->seclang_memory);
    free(g->matches);
    free(g->before);
    free(g->http_ports);
    free(g->quiet_ports);
    free(g->kept_ports);
    free(g->sent_up);
    plan_free(&g->plan);
    detect_free(g->detect);
    seclang_free(g->seclang);
    ruleset_free(g->rules);
    config_free(g->config);
    free(g);
}

static uint64_t matches_of(const struct generation *g, size_t rule)
{
    uint64_t sum = g->before[rule];
    for (size_t i = 0; i < g->workers; i++)
        sum += atomic_load_explicit(&g->matches[i][rule], memory_order_relaxed);
    return sum;
}

size_t generation_rules(const struct generation *g)
{
    return ruleset_count(g->rules) + (g->seclang ? seclang_count(g->seclang) : 0);
}

static int by_id(const void *a, const void *b)
{
    const struct rule_stats *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Ids of the ruleset and of SecLang's rules may be the same: each kind is looked up among its own. */
static void inherit_counts(struct generation *g, size_t first, size_t n, const struct rule_stats *own,
                           struct rule_stats *old, size_t n_old)
{
    qsort(old, n_old, sizeof *old, by_id);
    for (size_t i = first; i < first + n; i++) {
        const struct rule_stats *found = bsearch(&own[i], old, n_old, sizeof *old, by_id);
        if (found)
            g->before[i] = found->matches;
    }
}

void generation_inherit(struct generation *g, const struct generation *old)
{
    size_t n = generation_rules(old), rules = ruleset_count(g->rules), old_rules = ruleset_count(old->rules);
    AUTO_FREE struct rule_stats *counts = calloc(n + 1, sizeof *counts);
    AUTO_FREE struct rule_stats *own = calloc(generation_rules(g) + 1, sizeof *own);
    if (!counts || !own) /* then the counters start anew: not worth refusing a reload for */
        return;
    generation_rule_stats(old, counts);
    generation_rule_stats(g, own);
    inherit_counts(g, 0, rules, own, counts, old_rules);
    inherit_counts(g, rules, generation_rules(g) - rules, own, counts + old_rules, n - old_rules);
}

static void fill_sec(const struct generation *g, struct rule_stats *ret)
{
    size_t first = ruleset_count(g->rules), n = g->seclang ? seclang_count(g->seclang) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct sec_rule *r = seclang_rule(g->seclang, i);
        ret[first + i] =
            (struct rule_stats){.id = r->id,
                                .name = r->message.as_written.len ? (const char *)r->message.as_written.data : "",
                                .name_len = r->message.as_written.len,
                                .action = sec_disruptive_name(r->disruptive),
                                .file = r->file,
                                .line = r->line,
                                .matches = matches_of(g, first + i)};
    }
}

void generation_rule_stats(const struct generation *g, struct rule_stats *ret)
{
    for (size_t i = 0; i < ruleset_count(g->rules); i++) {
        const struct rule *r = ruleset_rule(g->rules, i);
        ret[i] = (struct rule_stats){.id = r->id,
                                     .name = r->name,
                                     .name_len = strlen(r->name),
                                     .action = action_name(r->action),
                                     .file = r->file,
                                     .line = r->line,
                                     .matches = matches_of(g, i)};
    }
    fill_sec(g, ret);
}
