/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/config.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/un.h>

#include "config/defence.h"
#include "config/frames.h"
#include "config/network.h"
#include "config/policy.h"
#include "config/reader.h"
#include "config/rule_files.h"
#include "config/service.h"
#include "config/traffic.h"

#define KEYS(...)                                                                                                      \
    (const char *const[])                                                                                              \
    {                                                                                                                  \
        __VA_ARGS__, NULL                                                                                              \
    }
#define QUEUE_MAX 65535
#define QUEUES_MAX 1024

/* The file being read and what becomes of it. */
struct load {
    struct reader r;
    struct config *c;
};

static void out_of_memory(struct load *l)
{
    reader_error(&l->r, NULL, "out of memory");
}

static char *copy_of(struct load *l, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        out_of_memory(l);
    return copy;
}

static void set_defaults(struct config *c)
{
    c->mode = MODE_ENFORCE;
    c->divert.family = FAMILY_AUTO;
    c->divert.hook = HOOK_FORWARD;
    c->divert.br_netfilter = BR_NETFILTER_SET;
    c->divert.queue = DIVERT_NEEDED;
    c->divert.log_group = 29;
    c->queues.length = 8192;
    c->queues.batch = 64;
    c->queues.receive_buffer = 64u << 20;
    c->marks_mask = 0x7f000000;
    c->policies.on_stop = c->policies.on_crash = c->policies.on_overload = POLICY_OPEN;
    c->policies.on_memory = POLICY_CLOSED;
    c->limits.regex_steps = 100000;
    c->limits.answers_per_second = 1000;
    c->limits.events_per_second = 10000;
    c->limits.event_ring = 4096;
    c->limits.limit_keys = 65536;
    c->limits.collections = 65536;
    c->log.level = 6;
    c->events.stats_interval = 60;
    defence_defaults(c);
    traffic_defaults(c);
}

static void read_mode(struct load *l)
{
    unsigned word;
    if (reader_word(&l->r, reader_root(&l->r), "mode", KEYS("enforce", "monitor"), &word))
        l->c->mode = word == 0 ? MODE_ENFORCE : MODE_MONITOR;
}

/* What the kernel takes for a device name. */
static bool is_iface_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    return name[strcspn(name, "/: \t\n\v\f\r")] == '\0';
}

static bool check_iface(struct load *l, const config_setting_t *s, const char *name)
{
    const config_setting_t *at = config_setting_get_member(s, "name");
    if (!is_iface_name(name)) {
        reader_error(&l->r, at, "bad interface name \"%s\", expected 1 to 15 characters without blanks, / and :", name);
        return false;
    }
    for (size_t i = 0; i < l->c->divert.n_ifaces; i++) {
        if (strcmp(l->c->divert.ifaces[i].name, name) == 0) {
            reader_error(&l->r, at, "interface \"%s\" stands here for the second time, expected each once", name);
            return false;
        }
    }
    return true;
}

static void read_iface(struct load *l, const config_setting_t *s)
{
    const char *name;
    unsigned side = 0;
    if (!config_setting_is_group(s)) {
        reader_error(&l->r, s, "an interface is %s, expected a group as { name = \"eth0\"; side = \"outside\"; }",
                     reader_type(s));
        return;
    }
    reader_known(&l->r, s, KEYS("name", "side"));
    if (!config_setting_get_member(s, "name"))
        reader_error(&l->r, s, "an interface without name, expected name = \"eth0\"; or another one");
    if (!config_setting_get_member(s, "side"))
        reader_error(&l->r, s, "an interface without side, expected side = \"inside\"; or side = \"outside\";");
    bool side_ok = reader_word(&l->r, s, "side", KEYS("inside", "outside"), &side);
    if (!reader_string(&l->r, s, "name", &name) || !check_iface(l, s, name) || !side_ok)
        return;
    struct config_iface *f = &l->c->divert.ifaces[l->c->divert.n_ifaces];
    *f = (struct config_iface){.name = copy_of(l, name), .outside = side == 1};
    if (f->name)
        l->c->divert.n_ifaces++;
}

static void read_ifaces(struct load *l, const config_setting_t *divert)
{
    const config_setting_t *list = reader_list(&l->r, divert, "interfaces");
    unsigned n = list ? (unsigned)config_setting_length(list) : 0;
    if (n == 0)
        return;
    l->c->divert.ifaces = calloc(n, sizeof *l->c->divert.ifaces);
    if (!l->c->divert.ifaces) {
        out_of_memory(l);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        read_iface(l, config_setting_get_elem(list, i));
}

static void read_services(struct load *l, const config_setting_t *divert)
{
    struct config *c = l->c;
    const config_setting_t *list = reader_list(&l->r, divert, "services");
    unsigned n = list ? (unsigned)config_setting_length(list) : 0;
    if (n == 0) {
        if (list || !config_setting_get_member(divert, "services"))
            reader_error(&l->r, list ? list : divert,
                         "no guarded service, expected at least one as services = ( { proto = \"tcp\"; } );");
        return;
    }
    c->divert.services = calloc(n, sizeof *c->divert.services);
    if (!c->divert.services) {
        out_of_memory(l);
        return;
    }
    for (unsigned i = 0; i < n; i++)
        service_read(&l->r, config_setting_get_elem(list, i), &c->divert.services[c->divert.n_services++]);
}

static void read_divert(struct load *l)
{
    unsigned word;
    int64_t number;
    struct config *c = l->c;
    const config_setting_t *root = reader_root(&l->r), *g = reader_group(&l->r, root, "divert");
    if (!g) {
        if (!config_setting_get_member(root, "divert"))
            reader_error(&l->r, NULL, "no divert group, expected one with services = ( { proto = \"tcp\"; } );");
        return;
    }
    reader_known(
        &l->r, g,
        KEYS("family", "hook", "priority", "interfaces", "services", "exempt", "br_netfilter", "queue", "log_group"));
    if (reader_word(&l->r, g, "family", KEYS("auto", "bridge", "inet"), &word))
        c->divert.family = (enum divert_family[]){FAMILY_AUTO, FAMILY_BRIDGE, FAMILY_INET}[word];
    if (reader_word(&l->r, g, "hook", KEYS("forward", "input", "output", "host"), &word))
        c->divert.hook = (enum divert_hook[]){HOOK_FORWARD, HOOK_INPUT, HOOK_OUTPUT, HOOK_HOST}[word];
    if (reader_word(&l->r, g, "br_netfilter", KEYS("set", "check"), &word))
        c->divert.br_netfilter = word == 0 ? BR_NETFILTER_SET : BR_NETFILTER_CHECK;
    if (reader_number(&l->r, g, "priority", -1000000, 1000000, &number))
        c->divert.priority = (int)number;
    read_ifaces(l, g);
    read_services(l, g);
    networks_read(&l->r, g, "exempt", &c->divert.exempt);
    if (reader_word(&l->r, g, "queue", KEYS("needed", "all"), &word))
        c->divert.queue = word == 0 ? DIVERT_NEEDED : DIVERT_ALL;
    reader_u16(&l->r, g, "log_group", 0, UINT16_MAX, &c->divert.log_group);
}

static void read_count(struct load *l, const config_setting_t *g)
{
    const config_setting_t *s = config_setting_get_member(g, "count");
    if (!s)
        return;
    if (config_setting_type(s) != CONFIG_TYPE_STRING) {
        reader_u16(&l->r, g, "count", 1, QUEUES_MAX, &l->c->queues.count);
        return;
    }
    if (strcmp(config_setting_get_string(s), "auto") != 0)
        reader_error(&l->r, s, "queues.count is \"%s\", expected \"auto\" or a number from 1 to %d",
                     config_setting_get_string(s), QUEUES_MAX);
}

static void read_queues(struct load *l)
{
    struct config *c = l->c;
    const config_setting_t *g = reader_group(&l->r, reader_root(&l->r), "queues");
    if (!g)
        return;
    reader_known(&l->r, g, KEYS("first", "count", "length", "pin", "batch", "receive_buffer"));
    reader_u16(&l->r, g, "first", 0, QUEUE_MAX, &c->queues.first);
    read_count(l, g);
    reader_u32(&l->r, g, "length", 1, 1000000, &c->queues.length);
    reader_bool(&l->r, g, "pin", &c->queues.pin);
    reader_u16(&l->r, g, "batch", 1, 256, &c->queues.batch);
    reader_u32(&l->r, g, "receive_buffer", 64u << 10, 1u << 30, &c->queues.receive_buffer);
    if (c->queues.first + c->queues.count > QUEUE_MAX + 1) {
        const config_setting_t *at = config_setting_get_member(g, "count");
        reader_error(&l->r, at, "queues %u to %u, expected the last one at most %d", c->queues.first,
                     c->queues.first + c->queues.count - 1u, QUEUE_MAX);
    }
}

static bool neighbours(uint32_t mask)
{
    uint32_t low = mask >> (mask ? __builtin_ctz(mask) : 0);
    return (low & (low + 1)) == 0;
}

static void read_marks(struct load *l)
{
    const config_setting_t *g = reader_group(&l->r, reader_root(&l->r), "marks");
    uint32_t mask;
    if (!g)
        return;
    reader_known(&l->r, g, KEYS("mask"));
    if (!reader_u32(&l->r, g, "mask", 0, UINT32_MAX, &mask))
        return;
    l->c->marks_mask = mask;
    if (!neighbours(mask) || __builtin_popcount(mask) < CONFIG_MARK_BITS)
        reader_error(&l->r, config_setting_get_member(g, "mask"),
                     "marks.mask 0x%08x has %s, expected at least %d neighbouring bits as 0x7f000000", mask,
                     neighbours(mask) ? "too few bits" : "gaps", CONFIG_MARK_BITS);
}

static void read_policies(struct load *l)
{
    struct config *c = l->c;
    const config_setting_t *g = reader_group(&l->r, reader_root(&l->r), "policies");
    if (!g)
        return;
    reader_known(&l->r, g, KEYS("on_stop", "on_crash", "on_overload", "on_memory"));
    policy_read(&l->r, g, "on_stop", &c->policies.on_stop);
    policy_read(&l->r, g, "on_crash", &c->policies.on_crash);
    policy_read(&l->r, g, "on_overload", &c->policies.on_overload);
    policy_read(&l->r, g, "on_memory", &c->policies.on_memory);
}

static void read_limits(struct load *l)
{
    struct config *c = l->c;
    const config_setting_t *g = reader_group(&l->r, reader_root(&l->r), "limits");
    if (!g)
        return;
    reader_known(
        &l->r, g,
        KEYS("regex_steps", "answers_per_second", "events_per_second", "event_ring", "counted", "collections"));
    reader_u32(&l->r, g, "regex_steps", 100, 100000000, &c->limits.regex_steps);
    reader_u32(&l->r, g, "answers_per_second", 0, 1000000, &c->limits.answers_per_second);
    reader_u32(&l->r, g, "events_per_second", 0, 1000000, &c->limits.events_per_second);
    reader_u32(&l->r, g, "event_ring", 16, 1u << 20, &c->limits.event_ring);
    reader_u32(&l->r, g, "counted", 1024, 1u << 24, &c->limits.limit_keys);
    reader_u32(&l->r, g, "collections", 16, 1u << 24, &c->limits.collections);
}

static void read_log(struct load *l)
{
    static const int levels[] = {3, 4, 6, 7};
    unsigned word;
    const config_setting_t *g = reader_group(&l->r, reader_root(&l->r), "log");
    if (!g)
        return;
    reader_known(&l->r, g, KEYS("level"));
    if (reader_word(&l->r, g, "level", KEYS("error", "warning", "info", "debug"), &word))
        l->c->log.level = levels[word];
}

static void read_events(struct load *l)
{
    const char *file = "/var/log/sluice/eve.json";
    const config_setting_t *g = reader_group(&l->r, reader_root(&l->r), "events");
    if (g) {
        reader_known(&l->r, g, KEYS("file", "stats_interval", "requests", "conntrack"));
        reader_string(&l->r, g, "file", &file);
        reader_bool(&l->r, g, "requests", &l->c->events.requests);
        reader_bool(&l->r, g, "conntrack", &l->c->events.conntrack);
        reader_u32(&l->r, g, "stats_interval", 0, 86400, &l->c->events.stats_interval);
    }
    if (*file)
        l->c->events.file = copy_of(l, file);
}

static void read_cache(struct load *l)
{
    const char *folder = "/var/cache/sluice";
    const config_setting_t *g = reader_group(&l->r, reader_root(&l->r), "cache");
    if (g) {
        reader_known(&l->r, g, KEYS("folder"));
        reader_string(&l->r, g, "folder", &folder);
    }
    if (*folder)
        l->c->cache_folder = copy_of(l, folder);
}

static void read_control(struct load *l)
{
    const char *path = "/run/sluice/sluice.sock";
    size_t max = sizeof((struct sockaddr_un){0}).sun_path - 1;
    const config_setting_t *g = reader_group(&l->r, reader_root(&l->r), "control");
    if (g) {
        reader_known(&l->r, g, KEYS("socket"));
        reader_string(&l->r, g, "socket", &path);
    }
    if (strlen(path) > max)
        reader_error(&l->r, config_setting_get_member(g, "socket"),
                     "control.socket has %zu characters, expected at most %zu", strlen(path), max);
    else if (*path)
        l->c->control_socket = copy_of(l, path);
}

static void add_pattern(struct load *l, const config_setting_t *at, const char *pattern)
{
    if (!*pattern)
        reader_error(&l->r, at, "an empty name in rules, expected a file or a pattern as \"rules/*.conf\"");
    else if (!strings_add(&l->c->rules, pattern))
        out_of_memory(l);
    else
        rule_files_expand(&l->r, at, pattern, &l->c->rule_files);
}

static void add_seclang(struct load *l, const config_setting_t *at, const char *pattern)
{
    if (!*pattern)
        reader_error(&l->r, at, "an empty name in seclang, expected a file or a pattern as \"crs/rules/*.conf\"");
    else
        rule_files_expand(&l->r, at, pattern, &l->c->seclang);
}

static void read_patterns(struct load *l, const char *key,
                          void (*add)(struct load *l, const config_setting_t *at, const char *pattern))
{
    const config_setting_t *list = reader_list(&l->r, reader_root(&l->r), key);
    for (unsigned i = 0; list && i < (unsigned)config_setting_length(list); i++) {
        const config_setting_t *s = config_setting_get_elem(list, i);
        const char *pattern = config_setting_get_string(s);
        if (pattern)
            add(l, s, pattern);
        else
            reader_error(&l->r, s, "a name in %s is %s, expected a string as \"rules/*.conf\"", key, reader_type(s));
    }
}

static void read_rules(struct load *l)
{
    const config_setting_t *root = reader_root(&l->r);
    unsigned word;
    if (config_setting_get_member(root, "rules"))
        read_patterns(l, "rules", add_pattern);
    else
        add_pattern(l, root, "rules/*.conf");
    read_patterns(l, "seclang", add_seclang);
    if (reader_word(&l->r, root, "seclang_unknown", KEYS("error", "skip"), &word))
        l->c->seclang_skips = word == 1;
}

static void read_all(struct load *l)
{
    reader_known(&l->r, reader_root(&l->r),
                 KEYS("mode", "divert", "networks", "queues", "marks", "policies", "limits", "bans", "detect", "frames",
                      "streams", "http", "cache", "log", "events", "control", "rules", "seclang", "seclang_unknown"));
    read_mode(l);
    read_divert(l);
    read_queues(l);
    read_marks(l);
    read_policies(l);
    read_limits(l);
    inside_read(&l->r, l->c);
    bans_read(&l->r, l->c);
    detect_read(&l->r, l->c);
    frames_read(&l->r, l->c);
    streams_read(&l->r, l->c);
    http_read(&l->r, l->c);
    read_cache(l);
    read_log(l);
    read_events(l);
    read_control(l);
    read_rules(l);
}

struct config *config_load(const char *file, struct diag *d)
{
    size_t before = diag_count(d);
    struct load l = {.c = calloc(1, sizeof *l.c)};
    if (!l.c) {
        diag_add(d, file, 0, 0, "out of memory");
        return NULL;
    }
    set_defaults(l.c);
    if (reader_open(&l.r, file, d)) {
        l.c->file = copy_of(&l, file);
        read_all(&l);
        reader_close(&l.r);
    }
    if (diag_count(d) == before)
        return l.c;
    config_free(l.c);
    return NULL;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->divert.n_ifaces; i++)
        free(c->divert.ifaces[i].name);
    for (size_t i = 0; i < c->divert.n_services; i++)
        service_free(&c->divert.services[i]);
    free(c->divert.ifaces);
    free(c->divert.services);
    strings_free(&c->divert.exempt);
    strings_free(&c->rules);
    strings_free(&c->rule_files);
    strings_free(&c->seclang);
    defence_free(c);
    frames_free(c);
    traffic_free(c);
    free(c->cache_folder);
    free(c->events.file);
    free(c->control_socket);
    free(c->file);
    free(c);
}
