/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule files: loaded, and where that works asked about a packet. */
#include <stdlib.h>
#include <sys/mman.h>

#include "inspect/reach.h"
#include "inspect/simple.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig loses a string's buffer when the file ends inside it; not ours to free. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:strbuf_append\nleak:libconfig.so\n";
}

static const uint8_t syn[] = {0x45, 0,    0, 40, 0, 1, 0, 0, 64, 6, 0, 0, 192,  0, 2,  1, 198, 51, 100, 2,
                              0x30, 0x39, 0, 80, 0, 0, 0, 1, 0,  0, 0, 0, 0x50, 2, 16, 0, 0,   0,  0,   0};

static struct span text(const char *s)
{
    return span_of(s, strlen(s));
}

/* A rule that has dropped the packet is within reach of its class. */
static void check_reach(const struct ruleset *rs, const struct packet *p, const struct decision *d)
{
    struct reach_class c = {.proto = p->ip_proto,
                            .version = p->ip_version,
                            .src = {p->srcport, p->srcport},
                            .dst = {p->dstport, p->dstport},
                            .states = 1u << p->meta.ct_state,
                            .dirs = 1u << p->meta.ct_dir};
    const struct rule *r = ruleset_reach(rs, &c, 0);
    if (d->rule && action_stops(d->rule->action) && (!r || r->index > d->rule->index))
        abort();
}

static void decide(const struct ruleset *rs)
{
    struct packet_meta meta = {.ethertype = 0x0800, .full_len = sizeof syn, .csum = CSUM_NOT_READY};
    struct packet p;
    struct decision got;
    struct http_field arg = {text("q"), text("1 union select 2")}, header = {text("User-Agent"), text("curl/7.88")};
    struct http_tx tx = {.number = 1,
                         .method = text("GET"),
                         .uri = text("/a?q=1"),
                         .path = text("/a"),
                         .headers = {&header, 1, 1},
                         .args = {&arg, 1, 1},
                         .query_args = 1,
                         .body = text("abc"),
                         .status = 200,
                         .response_body = text("root:x:0:0"),
                         .anomalies = 0x41};
    struct scratch *s = scratch_new(rs);
    if (!s)
        return;
    packet_decode(&p, &meta, span_of(syn, sizeof syn), 0);
    for (unsigned phase = 0; phase < PHASES; phase++) {
        struct counted counted = {{0}};
        struct subject subject = {.packet = &p,
                                  .now_ms = 1000,
                                  .counted = phase == PHASE_TO_SERVER ? &counted : NULL,
                                  .tx = phase >= PHASE_REQUEST_HEAD ? &tx : NULL,
                                  .stream =
                                      phase == PHASE_TO_SERVER || phase == PHASE_TO_CLIENT ? text("abc") : text("")};
        ruleset_decide(rs, s, (enum phase)phase, &subject, &got);
        if (got.visited > ruleset_count(rs) || (got.visited && !ruleset_has(rs, (enum phase)phase)))
            abort();
        if (phase == PHASE_PACKET)
            check_reach(rs, &p, &got);
    }
    scratch_free(s);
}

static bool anything(const void *ctx, const struct match *m)
{
    (void)ctx;
    if (m->n > MATCH_CONDS_MAX)
        abort();
    return true;
}

static void find_simple(struct ruleset *rs)
{
    struct simple_rule r;
    uint16_t borders[256];
    size_t n;
    for (size_t i = 0; simple_rule(rs, i, true, anything, NULL, &r); i++)
        if (r.n > SIMPLE_MAX || r.rule->index != i)
            abort();
    if (ruleset_ports(rs, 0, borders, 256, &n) && n > 256)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const char *const files[] = {path};
    const struct ruleset_options opt = {.our_marks = 0x7f000000, .regex_steps = 1000};
    int fd = memfd_create("rules", MFD_CLOEXEC);
    struct diag *d = diag_new();
    if (fd < 0 || !d || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct ruleset *rs = ruleset_load(files, 1, &opt, d);
    if (rs) {
        decide(rs);
        find_simple(rs);
    } else if (!diag_count(d))
        abort(); /* refused without a word why */
    ruleset_free(rs);
    diag_free(d);
    close(fd);
    return 0;
}
