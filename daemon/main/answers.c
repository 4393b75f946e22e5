/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "main/answers.h"

#include <stdlib.h>
#include <string.h>

#include "observe/json.h"

/* Bans in one answer; there may be more. */
#define BANS_LISTED_MAX 10000

static char *answer_status(struct engine *e)
{
    const struct config *c = engine_config(e);
    struct stats s;
    yajl_gen g = engine_stats(e, &s) ? NULL : json_begin();
    if (!g)
        return NULL;
    json_text(g, "version", SLUICE_VERSION);
    json_text(g, "config", c->file);
    json_text(g, "mode", c->mode == MODE_MONITOR ? "monitor" : "enforce");
    json_text(g, "kernel", engine_said(e));
    json_number(g, "generation", engine_generation(e));
    json_number(g, "uptime", s.uptime);
    json_number(g, "queues", s.n_queues);
    json_number(g, "rules", s.n_rules);
    json_number(g, "bypassed", s.bypassed);
    json_text(g, "on_stop", policy_name(c->policies.on_stop));
    json_text(g, "on_crash", policy_name(c->policies.on_crash));
    json_text(g, "on_overload", policy_name(c->policies.on_overload));
    json_text(g, "on_memory", policy_name(c->policies.on_memory));
    return json_end(g);
}

static char *answer_stats(struct engine *e)
{
    struct stats s;
    yajl_gen g = engine_stats(e, &s) ? NULL : json_begin();
    if (!g)
        return NULL;
    stats_write(g, &s);
    return json_end(g);
}

static char *answer_rules(struct engine *e)
{
    struct stats s;
    yajl_gen g = engine_stats(e, &s) ? NULL : json_begin();
    if (!g)
        return NULL;
    json_array(g, "rules");
    for (size_t i = 0; i < s.n_rules; i++) {
        const struct rule_stats *r = &s.rules[i];
        yajl_gen_map_open(g);
        json_number(g, "id", r->id);
        json_bytes(g, "name", r->name, r->name_len, false);
        json_text(g, "action", r->action);
        json_text(g, "file", r->file);
        json_number(g, "line", (uint64_t)r->line);
        json_number(g, "matches", r->matches);
        yajl_gen_map_close(g);
    }
    yajl_gen_array_close(g);
    return json_end(g);
}

static char *answer_done(int err, const char *why)
{
    yajl_gen g = json_begin();
    if (!g)
        return NULL;
    if (err) {
        json_text(g, "error", why);
    } else {
        json_key(g, "ok");
        yajl_gen_bool(g, true);
    }
    return json_end(g);
}

/* bans.prefix6 says how much of an address is banned; a command cannot say otherwise. */
static char *answer_ban(struct engine *e, const struct control_request *q)
{
    char why[256];
    if (q->prefix && q->net.addr.family == 6 && q->net.prefix != engine_config(e)->bans.prefix6) {
        snprintf(why, sizeof why, "bans.prefix6 is %u, expected an address or a network of that prefix",
                 engine_config(e)->bans.prefix6);
        return answer_done(-1, why);
    }
    return answer_done(engine_ban(e, &q->net.addr, q->seconds, why, sizeof why), why);
}

static char *answer_unban(struct engine *e, const struct control_request *q)
{
    char why[256];
    size_t lifted = 0;
    int err = engine_unban(e, q->all ? NULL : &q->net, &lifted, why, sizeof why);
    if (!err && !lifted && !q->all) {
        snprintf(why, sizeof why, "it is not banned");
        err = -1;
    }
    return answer_done(err, why);
}

struct listing {
    yajl_gen g;
    size_t n;
};

static bool list_ban(const struct ban *b, void *ctx)
{
    struct listing *l = ctx;
    char text[IP_ADDR_TEXT_MAX], network[IP_ADDR_TEXT_MAX + 4];
    ip_addr_format(&b->addr, text);
    snprintf(network, sizeof network, "%s/%u", text, b->prefix);
    yajl_gen_map_open(l->g);
    json_text(l->g, "address", b->addr.family == 6 && b->prefix < 128 ? network : text);
    json_number(l->g, "seconds", b->seconds);
    json_text(l->g, "reason", b->reason);
    yajl_gen_map_close(l->g);
    return ++l->n < BANS_LISTED_MAX;
}

static char *answer_bans(struct engine *e)
{
    struct listing l = {.g = json_begin()};
    if (!l.g)
        return NULL;
    json_array(l.g, "bans");
    bans_each(engine_bans(e), list_ban, &l);
    yajl_gen_array_close(l.g);
    size_t total = bans_counts(engine_bans(e)).now;
    json_number(l.g, "total", total);
    if (total > l.n) {
        json_key(l.g, "cut");
        yajl_gen_bool(l.g, true);
    }
    return json_end(l.g);
}

static char *answer_diversion(struct engine *e)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    int err = engine_show(e, out);
    if (fclose(out) != 0 || err) {
        free(text);
        return err ? answer_done(-1, "the table cannot be shown") : NULL;
    }
    yajl_gen g = json_begin();
    if (g)
        json_text(g, "diversion", text);
    free(text);
    return g ? json_end(g) : NULL;
}

char *answer_request(struct engine *e, const struct control_request *q)
{
    switch (q->command) {
    case CONTROL_STATUS:
        return answer_status(e);
    case CONTROL_STATS:
        return answer_stats(e);
    case CONTROL_RULES:
        return answer_rules(e);
    case CONTROL_BAN:
        return answer_ban(e, q);
    case CONTROL_UNBAN:
        return answer_unban(e, q);
    case CONTROL_BANS:
        return answer_bans(e);
    case CONTROL_DIVERSION:
        return answer_diversion(e);
    default:
        return strdup("{\"error\":\"not available\"}\n");
    }
}
