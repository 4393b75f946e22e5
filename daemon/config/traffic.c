/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/traffic.h"

#include <inttypes.h>
#include <string.h>

#include "config/policy.h"
#include "config/service.h"
#include "config/text.h"

#define WEEK (7u * 86400)

static const struct port_range default_ports[] = {{80, 80}, {8080, 8080}, {8000, 8100}};

void traffic_defaults(struct config *c)
{
    c->streams.flows = 100000;
    c->streams.memory = 256u << 20;
    c->streams.per_flow = 1u << 20;
    c->streams.window = 4096;
    c->streams.midstream = MIDSTREAM_INSPECT;
    c->streams.urgent = URGENT_REFUSE;
    c->streams.handshake = 30;
    c->streams.established = 3600;
    c->streams.closing = 120;
    c->streams.closed = 10;
    c->streams.condemned = 60;
    c->http.limits.head = 65536;
    c->http.limits.headers = 200;
    c->http.limits.body = 131072;
    c->http.limits.response_body = 65536;
    c->http.limits.args = 1000;
    c->http.limits.depth = 50;
    c->http.limits.ratio = 100;
    c->http.limits.pipelined = 32;
    c->http.over_limit = c->http.opaque = POLICY_OPEN;
    c->http.answer = HTTP_ANSWER_PAGE;
}

void traffic_free(struct config *c)
{
    free(c->http.ports);
    free(c->http.page);
}

static void read_timeouts(const struct reader *r, const config_setting_t *streams, struct config *c)
{
    static const char *const keys[] = {"handshake", "established", "closing", "closed", "condemned", NULL};
    const config_setting_t *g = reader_group(r, streams, "timeouts");
    if (!g)
        return;
    reader_known(r, g, keys);
    reader_u32(r, g, "handshake", 1, WEEK, &c->streams.handshake);
    reader_u32(r, g, "established", 1, WEEK, &c->streams.established);
    reader_u32(r, g, "closing", 1, WEEK, &c->streams.closing);
    reader_u32(r, g, "closed", 1, WEEK, &c->streams.closed);
    reader_u32(r, g, "condemned", 1, WEEK, &c->streams.condemned);
}

/* A part that cannot be larger than the whole; the error stands where one of both is set. */
static void check_fits(const struct reader *r, const config_setting_t *g, const char *part, uint64_t part_is,
                       const char *whole, uint64_t whole_is)
{
    const config_setting_t *at = config_setting_get_member(g, part);
    if (part_is > whole_is)
        reader_error(r, at ? at : config_setting_get_member(g, whole),
                     "streams.%s is %" PRIu64 ", expected at most streams.%s, which is %" PRIu64, part, part_is, whole,
                     whole_is);
}

void streams_read(const struct reader *r, struct config *c)
{
    static const char *const keys[] = {"flows",     "memory", "per_flow", "window",
                                       "midstream", "urgent", "timeouts", NULL};
    static const char *const midstream[] = {[MIDSTREAM_INSPECT] = "inspect", [MIDSTREAM_REFUSE] = "refuse", NULL};
    static const char *const urgent[] = {[URGENT_REFUSE] = "refuse", [URGENT_PASS] = "pass", NULL};
    const config_setting_t *g = reader_group(r, reader_root(r), "streams");
    int64_t memory;
    unsigned word;
    if (!g)
        return;
    reader_known(r, g, keys);
    reader_u32(r, g, "flows", 1, 10000000, &c->streams.flows);
    if (reader_number(r, g, "memory", 65536, INT64_C(1) << 40, &memory))
        c->streams.memory = (uint64_t)memory;
    reader_u32(r, g, "per_flow", 4096, 1u << 30, &c->streams.per_flow);
    reader_u32(r, g, "window", 256, 65536, &c->streams.window);
    if (reader_word(r, g, "midstream", midstream, &word))
        c->streams.midstream = (enum midstream)word;
    if (reader_word(r, g, "urgent", urgent, &word))
        c->streams.urgent = (enum urgent)word;
    read_timeouts(r, g, c);
    check_fits(r, g, "per_flow", c->streams.per_flow, "memory", c->streams.memory);
    check_fits(r, g, "window", c->streams.window, "per_flow", c->streams.per_flow);
}

static void read_ports(const struct reader *r, const config_setting_t *g, struct config *c)
{
    const config_setting_t *list = g ? reader_list(r, g, "ports") : NULL;
    if (list) {
        ports_read(r, list, &c->http.ports, &c->http.n_ports);
        return;
    }
    c->http.ports = malloc(sizeof default_ports);
    if (!c->http.ports) {
        reader_error(r, g, "out of memory");
        return;
    }
    memcpy(c->http.ports, default_ports, sizeof default_ports);
    c->http.n_ports = ARRAY_LEN(default_ports);
}

static void read_limits(const struct reader *r, const config_setting_t *http, struct config *c)
{
    static const char *const keys[] = {"head",  "headers",   "body", "response_body", "args", "depth",
                                       "ratio", "pipelined", NULL};
    const config_setting_t *g = reader_group(r, http, "limits");
    if (!g)
        return;
    reader_known(r, g, keys);
    reader_u32(r, g, "head", 1024, 1u << 20, &c->http.limits.head);
    reader_u32(r, g, "headers", 1, 10000, &c->http.limits.headers);
    reader_u32(r, g, "body", 0, 64u << 20, &c->http.limits.body);
    reader_u32(r, g, "response_body", 0, 64u << 20, &c->http.limits.response_body);
    reader_u32(r, g, "args", 1, 100000, &c->http.limits.args);
    reader_u32(r, g, "depth", 1, 1000, &c->http.limits.depth);
    reader_u32(r, g, "ratio", 1, 10000, &c->http.limits.ratio);
    reader_u32(r, g, "pipelined", 1, 1000, &c->http.limits.pipelined);
}

/* A name of the settings, relative to their file's folder. NULL when out of memory. */
static char *beside(const struct reader *r, const char *name)
{
    const char *slash = strrchr(r->file, '/');
    size_t folder = name[0] != '/' && slash ? (size_t)(slash - r->file) + 1 : 0;
    char *path = malloc(folder + strlen(name) + 1);
    if (path) {
        memcpy(path, r->file, folder);
        memcpy(path + folder, name, strlen(name) + 1);
    }
    return path;
}

/* The page's text, or NULL with the error at its setting. */
static char *page_text(const struct reader *r, const config_setting_t *at, const char *name)
{
    size_t len = 0;
    AUTO_FREE char *path = beside(r, name);
    struct diag *why = diag_new();
    char *text = path && why ? text_read(path, &len, why) : NULL;
    const char *fault = why ? diag_text(why, 0) : NULL;
    if (!text)
        reader_error(r, at, "http.page: %s", fault ? fault : "out of memory");
    else if (len > CONFIG_PAGE_MAX)
        reader_error(r, at, "http.page \"%s\" has %zu bytes, expected at most %d", name, len, CONFIG_PAGE_MAX);
    else if (len == 0 || strlen(text) < len)
        reader_error(r, at, "http.page \"%s\" %s, expected text", name, len ? "holds a NUL byte" : "is empty");
    diag_free(why);
    return text;
}

static void read_answer(const struct reader *r, const config_setting_t *g, struct config *c)
{
    static const char *const answers[] = {[HTTP_ANSWER_PAGE] = "page", [HTTP_ANSWER_RESET] = "reset", NULL};
    const char *page = "";
    unsigned word;
    if (reader_word(r, g, "answer", answers, &word))
        c->http.answer = (enum http_answer)word;
    if (reader_string(r, g, "page", &page) && *page)
        c->http.page = page_text(r, config_setting_get_member(g, "page"), page);
}

void http_read(const struct reader *r, struct config *c)
{
    static const char *const keys[] = {"ports", "limits", "over_limit", "opaque", "answer", "page", NULL};
    const config_setting_t *g = reader_group(r, reader_root(r), "http");
    read_ports(r, g, c);
    if (!g)
        return;
    reader_known(r, g, keys);
    read_limits(r, g, c);
    policy_read(r, g, "over_limit", &c->http.over_limit);
    policy_read(r, g, "opaque", &c->http.opaque);
    read_answer(r, g, c);
}
