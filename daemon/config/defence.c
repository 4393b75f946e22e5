/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/defence.h"

#include <string.h>

#include "base/duration.h"
#include "config/network.h"
#include "config/rule_files.h"

/* A detector as the settings know it; max 0: it has no such setting. */
static const struct detector {
    const char *name;
    bool bans; /* it sees more of the source than one packet, which anyone could have sent */
    struct {
        uint32_t is, min, max;
    } threshold, per;
} detectors[DETECTORS] = {
    [DETECT_UDP_FLOOD] = {.name = "udp_flood", .threshold = {50000, 1, 10000000}},
    [DETECT_ICMP_FLOOD] = {.name = "icmp_flood", .threshold = {1000, 1, 10000000}},
    [DETECT_MIXED_FLOOD] = {.name = "mixed_flood", .threshold = {10000, 1, 10000000}},
    [DETECT_SMURF] = {.name = "smurf"},
    [DETECT_BIG_ICMP] = {.name = "big_icmp", .threshold = {1500, 28, 65535}},
    [DETECT_MARTIAN] = {.name = "martian"},
    [DETECT_SPOOFED] = {.name = "spoofed"},
    [DETECT_SYN_FLOOD] = {.name = "syn_flood", .threshold = {2000, 1, 10000000}},
    [DETECT_SCAN] = {.name = "scan", .bans = true, .threshold = {50, 2, 1000}, .per = {60, 1, 3600}},
    [DETECT_SLOW_HEAD] = {.name = "slow_head", .bans = true, .threshold = {30, 1, 3600}},
    [DETECT_SLOW_BODY] = {.name = "slow_body", .bans = true, .threshold = {100, 1, 1000000}, .per = {30, 1, 3600}},
    [DETECT_SLOW_READ] = {.name = "slow_read", .bans = true, .threshold = {120, 1, 3600}},
};

static const char *const actions[] = {"off", "log", "drop", "ban", NULL};

const char *detect_action_name(enum detect_action a)
{
    return actions[a];
}

const char *detector_name(enum detector_id id)
{
    return detectors[id].name;
}

void defence_defaults(struct config *c)
{
    c->bans.max = 100000;
    c->bans.ban_for = 600;
    c->bans.prefix6 = 128;
    for (size_t i = 0; i < DETECTORS; i++) {
        c->detect[i].action = DETECT_OFF;
        c->detect[i].threshold = detectors[i].threshold.is;
        c->detect[i].per = detectors[i].per.is;
    }
}

void defence_free(struct config *c)
{
    strings_free(&c->networks.inside);
    free(c->bans.file);
}

void inside_read(const struct reader *r, struct config *c)
{
    static const char *const keys[] = {"inside", NULL};
    const config_setting_t *g = reader_group(r, reader_root(r), "networks");
    if (!g)
        return;
    reader_known(r, g, keys);
    networks_read(r, g, "inside", &c->networks.inside);
}

void bans_read(const struct reader *r, struct config *c)
{
    static const char *const keys[] = {"max", "ban_for", "prefix6", "file", NULL};
    const char *file = "/var/lib/sluice/bans";
    const config_setting_t *g = reader_group(r, reader_root(r), "bans");
    int64_t prefix;
    if (g) {
        reader_known(r, g, keys);
        reader_u32(r, g, "max", 1, 1000000, &c->bans.max);
        reader_duration(r, g, "ban_for", 1, DURATION_MAX, &c->bans.ban_for);
        if (reader_number(r, g, "prefix6", 32, 128, &prefix))
            c->bans.prefix6 = (uint8_t)prefix;
        reader_string(r, g, "file", &file);
    }
    if (!*file)
        return;
    c->bans.file = strdup(file);
    if (!c->bans.file)
        reader_error(r, g, "out of memory");
}

/* "ban" is a word of each detector, so that the ones that do not take it can say why. */
static void read_action(const struct reader *r, const config_setting_t *g, const struct detector *known,
                        struct config_detector *ret)
{
    static const char *const no_ban[] = {"off", "log", "drop", NULL};
    const config_setting_t *s = config_setting_get_member(g, "action");
    const char *is = s ? config_setting_get_string(s) : NULL;
    unsigned word;
    if (!s)
        reader_error(r, g, "detect.%s without action, expected action = \"log\"; or another", known->name);
    else if (is && strcmp(is, "ban") == 0 && !known->bans)
        reader_error(r, s,
                     "detect.%s.action is \"ban\", expected off, log or drop (whoever sends this can forge its source, "
                     "and a ban would hit somebody else)",
                     known->name);
    else if (reader_word(r, g, "action", known->bans ? actions : no_ban, &word))
        ret->action = (enum detect_action)word;
}

static void read_detector(const struct reader *r, const config_setting_t *detect, const struct detector *known,
                          struct config_detector *ret)
{
    const char *keys[5] = {"action"};
    size_t n = 1;
    const config_setting_t *g = reader_group(r, detect, known->name);
    if (!g)
        return;
    if (known->threshold.max)
        keys[n++] = "threshold";
    if (known->per.max)
        keys[n++] = "per";
    if (known->bans)
        keys[n++] = "ban_for";
    reader_known(r, g, keys);
    read_action(r, g, known, ret);
    if (known->threshold.max)
        reader_u32(r, g, "threshold", known->threshold.min, known->threshold.max, &ret->threshold);
    if (known->per.max)
        reader_duration(r, g, "per", known->per.min, known->per.max, &ret->per);
    if (known->bans)
        reader_duration(r, g, "ban_for", 1, DURATION_MAX, &ret->ban_for);
}

static bool has_outside(const struct config *c)
{
    for (size_t i = 0; i < c->divert.n_ifaces; i++)
        if (c->divert.ifaces[i].outside)
            return true;
    return false;
}

/* What it looks for must be possible to tell. */
static void check_spoofed(const struct reader *r, const config_setting_t *detect, const struct config *c)
{
    const config_setting_t *g = config_setting_get_member(detect, detectors[DETECT_SPOOFED].name);
    if (c->detect[DETECT_SPOOFED].action == DETECT_OFF)
        return;
    if (c->networks.inside.n == 0)
        reader_error(r, g, "detect.spoofed without inside addresses, expected them in networks.inside");
    if (!has_outside(c))
        reader_error(r, g,
                     "detect.spoofed without an outside interface, expected one in divert.interfaces with side = "
                     "\"outside\"");
}

void detect_read(const struct reader *r, struct config *c)
{
    const char *names[DETECTORS + 1] = {NULL};
    const config_setting_t *g = reader_group(r, reader_root(r), "detect");
    for (size_t i = 0; i < DETECTORS; i++) {
        names[i] = detectors[i].name;
        c->detect[i].ban_for = c->bans.ban_for;
    }
    if (!g)
        return;
    reader_known(r, g, names);
    for (size_t i = 0; i < DETECTORS; i++)
        read_detector(r, g, &detectors[i], &c->detect[i]);
    check_spoofed(r, g, c);
}
