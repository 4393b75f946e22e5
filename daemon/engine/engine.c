/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/engine.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "answer/answer.h"
#include "base/log.h"
#include "divert/divert.h"
#include "divert/marks.h"
#include "engine/stream.h"
#include "engine/worker.h"
#include "observe/json.h"

#define QUEUES_MAX 1024
#define DRAIN_MS 5000

struct engine {
    char *file;
    struct divert divert;
    char said[256];
    bool installed, can_conntrack;
    struct generation *gen;
    struct events *events;
    struct worker *workers;
    size_t n_workers;
    uint64_t *turns_seen;
    time_t started;
    uint64_t ticks, reloads, reloads_refused, bypassed;
    struct queue_stats *queue_stats;
    struct rule_stats *rule_stats;
};

static size_t count_queues(const struct config *c)
{
    if (c->queues.count)
        return c->queues.count;
    cpu_set_t cpus;
    int n = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
    return n < 1 ? 1 : n > QUEUES_MAX ? QUEUES_MAX : (size_t)n;
}

static int start_events(struct engine *e, char *why, size_t why_size)
{
    const struct config *c = e->gen->config;
    if (!c->events.file)
        return 0;
    struct events_options opt = {.file = c->events.file,
                                 .workers = e->n_workers,
                                 .ring = c->limits.event_ring,
                                 .per_second = c->limits.events_per_second};
    return events_start(&opt, &e->events, why, why_size);
}

/* Packets have not come yet, so a worker's queue may be tried out here. */
static int open_queue(struct engine *e, size_t i, char *why, size_t why_size)
{
    struct worker *w = &e->workers[i];
    struct queue_options opt;
    worker_queue_options(e->gen, (uint16_t)(e->divert.first_queue + i), &opt);
    int err = queue_open(&opt, &w->queue, why, why_size);
    if (!err && i == 0)
        e->can_conntrack = opt.conntrack || queue_can_conntrack(w->queue, &opt);
    return err;
}

static int open_answers(struct engine *e, struct worker *w, char *why, size_t why_size)
{
    bool bridged = e->divert.own_answers;
    int err = answer_sockets_open(&w->answers, bridged, mark_of_code(e->divert.mark_mask, MARK_CODE_PASS));
    if (err)
        snprintf(why, why_size, "the socket for answers: %s (needs root or CAP_NET_RAW)", strerror(-err));
    return err;
}

static int open_worker(struct engine *e, size_t i, char *why, size_t why_size)
{
    struct worker *w = &e->workers[i];
    w->index = i;
    w->divert = &e->divert;
    w->events = e->events;
    atomic_store(&w->wanted, e->gen);
    int err = stream_open(w, e->gen);
    if (err)
        snprintf(why, why_size, "the flow table: %s", strerror(-err));
    if (!err)
        err = open_queue(e, i, why, why_size);
    return err ? err : open_answers(e, w, why, why_size);
}

static int open_workers(struct engine *e, char *why, size_t why_size)
{
    int err = 0;
    for (size_t i = 0; i < e->n_workers && !err; i++)
        err = open_worker(e, i, why, why_size);
    return err;
}

static int start_workers(struct engine *e, char *why, size_t why_size)
{
    for (size_t i = 0; i < e->n_workers; i++) {
        int err = worker_start(&e->workers[i], e->gen->config->queues.pin);
        if (err) {
            snprintf(why, why_size, "a worker thread cannot be started: %s", strerror(-err));
            return err;
        }
    }
    return 0;
}

static int set_switches(struct engine *e, const struct config *c, char *why, size_t why_size)
{
    char said[256];
    int err = divert_br_netfilter(&e->divert, c, said, sizeof said, why, why_size);
    if (!err && said[0])
        log_info("set to 1, so that bridged traffic is seen: %s", said);
    return err;
}

static int bring_up(struct engine *e, char *why, size_t why_size)
{
    const struct config *c = e->gen->config;
    int err = divert_probe(c, (uint16_t)e->n_workers, &e->divert, e->said, sizeof e->said, why, why_size);
    if (!err)
        err = set_switches(e, c, why, why_size);
    if (!err)
        err = start_events(e, why, why_size);
    if (!err)
        err = open_workers(e, why, why_size);
    if (!err)
        err = start_workers(e, why, why_size);
    if (!err)
        err = divert_install(&e->divert, c, DIVERT_QUEUE, why, why_size);
    e->installed = !err;
    return err;
}

static int allocate(struct engine *e, const char *file)
{
    e->file = strdup(file);
    e->workers = aligned_alloc(64, e->n_workers * sizeof *e->workers);
    e->turns_seen = calloc(e->n_workers, sizeof *e->turns_seen);
    e->queue_stats = calloc(e->n_workers, sizeof *e->queue_stats);
    if (!e->file || !e->workers || !e->turns_seen || !e->queue_stats)
        return -ENOMEM;
    memset(e->workers, 0, e->n_workers * sizeof *e->workers);
    for (size_t i = 0; i < e->n_workers; i++) {
        e->workers[i].answers = (struct answer_sockets){.frame = -1, .raw4 = -1, .raw6 = -1};
    }
    return 0;
}

static size_t workers_for(const char *file, struct diag *d)
{
    struct config *c = config_load(file, d);
    size_t n = c ? count_queues(c) : 0;
    config_free(c);
    return n;
}

static void log_start(const struct engine *e)
{
    struct queue_proc p;
    int err = queue_read_proc(e->divert.first_queue, &p);
    if (err)
        log_warning("/proc/net/netfilter/nfnetlink_queue: %s: what fail-open lets by cannot be counted; "
                    "its group is root's",
                    strerror(-err));
    const struct config *c = e->gen->config;
    log_info("%s", e->said);
    log_info("%zu queues from %u, %zu rules, packets %s, conntrack from %s%s", e->n_workers, e->divert.first_queue,
             ruleset_count(e->gen->rules), e->gen->needs & NEEDS_WHOLE ? "whole" : "headers only",
             ruleset_needs(e->gen->rules) & RULES_NEED_CT_MARK ? "mark bits and NFQA_CT" : "mark bits",
             c->mode == MODE_MONITOR ? ", mode monitor: nothing is stopped" : "");
}

struct engine *engine_start(const char *file, struct diag *d)
{
    size_t n = workers_for(file, d);
    struct engine *e = n ? calloc(1, sizeof *e) : NULL;
    if (!e)
        return NULL;
    e->n_workers = n;
    e->started = time(NULL);
    char why[512] = "out of memory";
    int err = allocate(e, file);
    if (!err) {
        e->gen = generation_load(file, n, d);
        err = e->gen ? 0 : -EINVAL;
    }
    if (!err) {
        e->gen->number = 1;
        log_set_level(e->gen->config->log.level);
        err = bring_up(e, why, sizeof why);
    }
    if (!err) {
        log_start(e);
        return e;
    }
    if (!diag_count(d))
        diag_add(d, NULL, 0, 0, "%s", why);
    engine_stop(e);
    return NULL;
}

/* Settings that are used up at start, beside those of the table. */
static const char *fixed_setting(const struct config *a, const struct config *b)
{
    if (a->queues.batch != b->queues.batch)
        return "queues.batch";
    if (a->queues.receive_buffer != b->queues.receive_buffer)
        return "queues.receive_buffer";
    if (a->queues.pin != b->queues.pin)
        return "queues.pin";
    if (a->limits.event_ring != b->limits.event_ring)
        return "limits.event_ring";
    if (!a->events.file != !b->events.file || (a->events.file && strcmp(a->events.file, b->events.file) != 0))
        return "events.file";
    if (!a->control_socket != !b->control_socket ||
        (a->control_socket && strcmp(a->control_socket, b->control_socket) != 0))
        return "control.socket";
    return NULL;
}

static int check_reload(struct engine *e, const struct generation *g, char *why, size_t why_size)
{
    const char *fixed = fixed_setting(e->gen->config, g->config);
    if (fixed) {
        snprintf(why, why_size, "%s cannot change while running; restart sluiced", fixed);
        return -EINVAL;
    }
    if ((ruleset_needs(g->rules) & RULES_NEED_CT_MARK) && !e->can_conntrack) {
        snprintf(why, why_size, "a rule uses ct.mark, which this kernel does not attach to queued packets");
        return -EOPNOTSUPP;
    }
    int err = divert_same_shape(&e->divert, g->config, why, why_size);
    return err ? err : set_switches(e, g->config, why, why_size);
}

static int change_table(struct engine *e, const struct config *c, enum divert_state state, char *why, size_t why_size)
{
    bool bypass = e->divert.bypass;
    e->divert.bypass = c->policies.on_crash == POLICY_OPEN;
    int err = divert_change(&e->divert, c, state, why, why_size);
    if (err)
        e->divert.bypass = bypass;
    return err;
}

static bool all_use(const struct engine *e, const struct generation *g)
{
    for (size_t i = 0; i < e->n_workers; i++)
        if (atomic_load_explicit(&e->workers[i].used, memory_order_acquire) != g && !atomic_load(&e->workers[i].broken))
            return false;
    return true;
}

static void publish(struct engine *e, struct generation *g)
{
    for (size_t i = 0; i < e->n_workers; i++)
        atomic_store_explicit(&e->workers[i].wanted, g, memory_order_release);
    while (!all_use(e, g)) {
        for (size_t i = 0; i < e->n_workers; i++)
            worker_wake(&e->workers[i]);
        poll(NULL, 0, 1);
    }
    generation_inherit(g, e->gen);
    generation_free(e->gen);
    e->gen = g;
}

int engine_reload(struct engine *e, struct diag *d)
{
    char why[512];
    struct generation *g = generation_load(e->file, e->n_workers, d);
    int err = g ? check_reload(e, g, why, sizeof why) : -EINVAL;
    if (!err)
        err = change_table(e, g->config, DIVERT_QUEUE, why, sizeof why);
    if (err) {
        if (!diag_count(d))
            diag_add(d, NULL, 0, 0, "%s", why);
        generation_free(g);
        e->reloads_refused++;
        return -EINVAL;
    }
    g->number = e->gen->number + 1;
    publish(e, g);
    e->reloads++;
    log_set_level(g->config->log.level);
    if (e->events) {
        events_set_rate(e->events, g->config->limits.events_per_second);
        events_reopen(e->events);
    }
    return 0;
}

/* Whether each worker has found its queue empty twice since `seen`: the first wait may have begun before. */
static bool all_idle(const struct engine *e, const uint64_t *seen)
{
    for (size_t i = 0; i < e->n_workers; i++) {
        const struct worker *w = &e->workers[i];
        if (atomic_load_explicit(&w->idle, memory_order_acquire) < seen[i] + 2 && !atomic_load(&w->broken))
            return false;
    }
    return true;
}

static void wait_until_idle(struct engine *e)
{
    uint64_t *seen = e->turns_seen; /* nobody asks for progress any more */
    for (size_t i = 0; i < e->n_workers; i++)
        seen[i] = atomic_load_explicit(&e->workers[i].idle, memory_order_acquire);
    for (int waited = 0; !all_idle(e, seen); waited += 5) {
        if (waited >= DRAIN_MS) {
            log_warning("packets still waited in the queues after %d s", DRAIN_MS / 1000);
            return;
        }
        poll(NULL, 0, 5);
    }
}

/* With the hook still there: the kernel drops what waits in queues when a hook goes. */
static void drain(struct engine *e)
{
    char why[256];
    enum divert_state state = e->gen->config->policies.on_stop == POLICY_OPEN ? DIVERT_PASS : DIVERT_BLOCK;
    if (divert_change(&e->divert, e->gen->config, state, why, sizeof why))
        log_error("at stop: %s", why);
    wait_until_idle(e);
    if (state == DIVERT_PASS && divert_remove(&e->divert, why, sizeof why))
        log_error("at stop: %s", why);
}

static void end_workers(struct engine *e)
{
    for (size_t i = 0; i < e->n_workers; i++) {
        struct worker *w = &e->workers[i];
        atomic_store_explicit(&w->stop, true, memory_order_release);
        worker_wake(w);
    }
    for (size_t i = 0; i < e->n_workers; i++) {
        struct worker *w = &e->workers[i];
        if (w->started)
            pthread_join(w->thread, NULL);
        queue_close(w->queue);
        answer_sockets_close(&w->answers);
        stream_close(w);
    }
}

void engine_stop(struct engine *e)
{
    if (!e)
        return;
    if (e->installed)
        drain(e);
    if (e->workers)
        end_workers(e);
    events_stop(e->events);
    generation_free(e->gen);
    free(e->workers);
    free(e->turns_seen);
    free(e->queue_stats);
    free(e->rule_stats);
    free(e->file);
    free(e);
}

/* How many diverted packets are accounted for; UINT64_MAX where the kernel does not let us see its part. */
static uint64_t fill_queue_stats(struct engine *e)
{
    uint64_t accounted = 0;
    bool blind = false;
    for (size_t i = 0; i < e->n_workers; i++) {
        struct queue_stats *q = &e->queue_stats[i];
        struct queue_proc p = {0};
        *q = (struct queue_stats){.number = queue_number(e->workers[i].queue)};
        blind |= queue_read_proc(q->number, &p) != 0;
        q->waiting = p.waiting;
        q->kernel_dropped = p.queue_dropped;
        q->user_dropped = p.user_dropped;
        for (enum counter c = 0; c < COUNTERS; c++)
            q->at[c] = count_get(&e->workers[i].counters, c);
        accounted += q->at[COUNT_RECEIVED] + q->waiting + q->kernel_dropped + q->user_dropped;
    }
    return blind ? UINT64_MAX : accounted;
}

int engine_stats(struct engine *e, struct stats *ret)
{
    size_t rules = ruleset_count(e->gen->rules);
    struct rule_stats *rs = reallocarray(e->rule_stats, rules + 1, sizeof *rs);
    if (!rs)
        return -ENOMEM;
    e->rule_stats = rs;
    uint64_t diverted = 0;
    /* The rule's counter first: what is in flight then errs towards too few bypassed, never too many. */
    int err = divert_queued(&e->divert, &diverted);
    uint64_t accounted = fill_queue_stats(e);
    if (!err && diverted > accounted && diverted - accounted > e->bypassed)
        e->bypassed = diverted - accounted;
    generation_rule_stats(e->gen, rs);
    *ret = (struct stats){
        .uptime = (uint64_t)(time(NULL) - e->started),
        .diverted = diverted,
        .bypassed = e->bypassed,
        .reloads = e->reloads,
        .reloads_refused = e->reloads_refused,
        .events_written = e->events ? events_written(e->events) : 0,
        .events_dropped = e->events ? events_dropped(e->events) : 0,
        .queues = e->queue_stats,
        .n_queues = e->n_workers,
        .rules = rs,
        .n_rules = rules,
    };
    return 0;
}

static void report_bypass(struct engine *e, uint64_t fresh)
{
    log_warning("%llu packets passed uninspected since the last look, %llu in all: the queues were full",
                (unsigned long long)fresh, (unsigned long long)e->bypassed);
    yajl_gen g = e->events ? json_begin() : NULL;
    if (!g)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char when[JSON_TIME_MAX];
    json_text(g, "timestamp", json_time((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, when));
    json_text(g, "event_type", "bypass");
    json_open(g, "bypass");
    json_number(g, "packets", fresh);
    json_number(g, "total", e->bypassed);
    json_text(g, "reason", "overload");
    yajl_gen_map_close(g);
    events_line(e->events, json_end(g));
}

void engine_tick(struct engine *e)
{
    struct stats s;
    uint64_t before = e->bypassed;
    if (engine_stats(e, &s))
        return;
    if (e->bypassed > before)
        report_bypass(e, e->bypassed - before);
    uint32_t interval = e->gen->config->events.stats_interval;
    if (e->events && interval && ++e->ticks % interval == 0)
        events_line(e->events, stats_event(&s));
}

int engine_progress(struct engine *e)
{
    int all = 1;
    for (size_t i = 0; i < e->n_workers; i++) {
        struct worker *w = &e->workers[i];
        int broken = atomic_load(&w->broken);
        if (broken)
            return -broken;
        uint64_t turns = atomic_load_explicit(&w->turns, memory_order_relaxed);
        if (turns == e->turns_seen[i])
            all = 0;
        e->turns_seen[i] = turns;
    }
    return all;
}

const struct config *engine_config(const struct engine *e)
{
    return e->gen->config;
}

const char *engine_said(const struct engine *e)
{
    return e->said;
}

uint64_t engine_generation(const struct engine *e)
{
    return e->gen->number;
}

const struct ruleset *engine_rules(const struct engine *e)
{
    return e->gen->rules;
}
