/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/engine.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "answer/answer.h"
#include "base/log.h"
#include "detect/detect.h"
#include "divert/bans.h"
#include "divert/divert.h"
#include "divert/floods.h"
#include "divert/frames.h"
#include "divert/kernel_rules.h"
#include "divert/marks.h"
#include "engine/ban_request.h"
#include "engine/plan.h"
#include "engine/stream.h"
#include "engine/told.h"
#include "engine/worker.h"
#include "observe/json.h"

#define QUEUES_MAX 1024
#define DRAIN_MS 5000
#define KERNEL_STATS_MAX (16 + DETECTORS)
#define TOLD_BYTES 256 /* of a packet that the kernel tells of */
#define BAN_RING 4096  /* addresses that a worker may ask to ban at once */

struct engine {
    char *file;
    struct divert divert;
    char said[256];
    bool installed, can_conntrack;
    struct generation *gen;
    struct events *events;
    struct worker *workers;
    size_t n_workers;
    uint64_t *turns_seen, *turns_before;
    time_t started;
    uint64_t ticks, reloads, reloads_refused, bypassed;
    struct queue_stats *queue_stats;
    struct rule_stats *rule_stats;
    struct bans *bans;
    struct nflog *log;   /* what the kernel tells; NULL where nobody else may have it */
    struct worker *told; /* the main thread as a writer of events: see told.h */
    int wake_fd;         /* workers wake the main thread: they ask for bans */
    uint32_t plans;      /* the generation of the last plan */
    struct kernel_stat *kernel_stats;
    size_t n_kernel_stats;
    struct kept_queue *kept; /* during start only */
    size_t n_kept;
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
                                 .workers = e->n_workers + 1, /* and the main thread */
                                 .ring = c->limits.event_ring,
                                 .per_second = c->limits.events_per_second};
    int err = events_start(&opt, &e->events, why, why_size);
    e->told->events = e->events;
    return err;
}

static struct kept_queue *find_kept(struct engine *e, uint16_t number)
{
    for (size_t i = 0; i < e->n_kept; i++)
        if (e->kept[i].number == number && e->kept[i].fd >= 0)
            return &e->kept[i];
    return NULL;
}

/* -ENOENT: no socket was kept for this queue, or none that fits. */
static int resume_queue(struct engine *e, struct worker *w, const struct queue_options *opt, char *why, size_t why_size)
{
    struct kept_queue *kept = find_kept(e, opt->number);
    if (!kept)
        return -ENOENT;
    int err = queue_take_over(opt, kept->fd, &w->queue, why, why_size);
    kept->fd = -1;
    kept->taken = !err;
    if (err == -ENOTCONN) {
        log_warning("%s; bound anew", why);
        return -ENOENT;
    }
    if (!err && queue_dropped_orphans(w->queue))
        log_error("queue %u: several processes have died in a row; the packets that the last one held are dropped",
                  opt->number);
    return err;
}

/* In a queue of our own no packet waits yet, so it may be tried out. */
static int open_queue(struct engine *e, size_t i, char *why, size_t why_size)
{
    struct worker *w = &e->workers[i];
    struct queue_options opt;
    worker_queue_options(e->gen, (uint16_t)(e->divert.first_queue + i), &opt);
    int err = resume_queue(e, w, &opt, why, why_size);
    bool fresh = err == -ENOENT;
    if (fresh)
        err = queue_open(&opt, &w->queue, why, why_size);
    if (!err && i == 0)
        e->can_conntrack = opt.conntrack || (fresh ? queue_can_conntrack(w->queue, &opt) : queue_probe_conntrack());
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
    w->wake_fd = e->wake_fd;
    w->bans = ring_new(BAN_RING, sizeof(struct ban_request));
    if (!w->bans) {
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
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

static void log_diag(const struct diag *d)
{
    for (size_t i = 0; diag_text(d, i); i++)
        log_warning("%s", diag_text(d, i));
}

/* What cannot be read of the bans' file is told and left out. */
static int open_bans(struct engine *e, char *why, size_t why_size)
{
    struct diag *d = diag_new();
    e->bans = d ? bans_open(e->gen->config, d) : NULL;
    if (d)
        log_diag(d);
    diag_free(d);
    e->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->bans && e->wake_fd >= 0)
        return 0;
    snprintf(why, why_size, "out of memory");
    return -ENOMEM;
}

/* What a generation needs to know of the kernel, and of the one before it (NULL: none). */
static int make_plan(struct engine *e, struct generation *g, const struct generation *before, char *why,
                     size_t why_size)
{
    g->detect = detect_new(g->config, e->n_workers, before ? before->detect : NULL);
    int err = g->detect ? plan_make(g, &e->divert) : -ENOMEM;
    if (err)
        snprintf(why, why_size, "%s", strerror(-err));
    /* A number that no connection's mark has from an earlier one; 0 is none. */
    g->plan.generation = ++e->plans ? e->plans : ++e->plans;
    return err;
}

/* From now on, or (0) not for a while, the table stamps connections with this plan's number. */
static void set_stamped(struct engine *e, uint32_t generation)
{
    for (size_t i = 0; i < e->n_workers; i++)
        atomic_store_explicit(&e->workers[i].stamped, generation, memory_order_release);
}

/* Without it the kernel's own rules and detectors work, and are counted. */
static void open_log(struct engine *e)
{
    char why[256];
    if (!e->events)
        return;
    int err = nflog_open(e->gen->config->divert.log_group, TOLD_BYTES, &e->log, why, sizeof why);
    if (err)
        log_warning("%s: no events of what the kernel judges alone", why);
}

static void read_told(const struct nflog_packet *np, void *ctx)
{
    struct engine *e = ctx;
    e->told->gen = e->gen;
    told_packet(e->told, np);
}

void engine_read_log(struct engine *e)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    e->told->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    int err = e->log ? nflog_receive(e->log, read_told, e) : 0;
    if (err >= 0)
        return;
    log_error("NFLOG: %s: no more events of what the kernel judges alone", strerror(-err));
    nflog_close(e->log);
    e->log = NULL;
}

int engine_log_fd(const struct engine *e)
{
    return e->log ? nflog_fd(e->log) : -1;
}

int engine_show(const struct engine *e, FILE *out)
{
    plan_show_quiet(e->gen, out);
    return divert_show(&e->divert, e->gen->config, &e->gen->plan, out);
}

static int install(struct engine *e, char *why, size_t why_size)
{
    const struct generation *g = e->gen;
    e->divert.bans = e->bans;
    int err = divert_install(&e->divert, g->config, &g->plan, DIVERT_QUEUE, why, why_size);
    e->installed = !err;
    if (!err)
        set_stamped(e, g->plan.generation);
    return err;
}

static int bring_up(struct engine *e, char *why, size_t why_size)
{
    const struct config *c = e->gen->config;
    int err = divert_probe(c, (uint16_t)e->n_workers, &e->divert, e->said, sizeof e->said, why, why_size);
    /* Without a table that tells, what an earlier run left in conntrack's marks must be met by chance. */
    if (e->divert.left)
        e->plans = e->divert.last_generation;
    else if (getrandom(&e->plans, sizeof e->plans, 0) < 0)
        e->plans = (uint32_t)time(NULL);
    if (!err)
        err = make_plan(e, e->gen, NULL, why, why_size);
    if (!err)
        err = open_bans(e, why, why_size);
    if (!err)
        err = set_switches(e, c, why, why_size);
    if (!err)
        err = start_events(e, why, why_size);
    if (!err)
        err = open_workers(e, why, why_size);
    e->gen->conntrack = c->events.conntrack && e->can_conntrack;
    if (!err)
        err = start_workers(e, why, why_size);
    return err ? err : install(e, why, why_size);
}

static int allocate(struct engine *e, const char *file)
{
    e->file = strdup(file);
    e->workers = aligned_alloc(64, e->n_workers * sizeof *e->workers);
    e->turns_seen = calloc(e->n_workers, sizeof *e->turns_seen);
    e->turns_before = calloc(e->n_workers, sizeof *e->turns_before);
    e->queue_stats = calloc(e->n_workers, sizeof *e->queue_stats);
    e->told = aligned_alloc(64, sizeof *e->told);
    e->kernel_stats = calloc(KERNEL_STATS_MAX, sizeof *e->kernel_stats);
    if (!e->file || !e->workers || !e->turns_seen || !e->turns_before || !e->queue_stats || !e->kernel_stats ||
        !e->told)
        return -ENOMEM;
    memset(e->told, 0, sizeof *e->told);
    e->told->index = e->n_workers;
    e->told->divert = &e->divert;
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

static void tell_warnings(const struct generation *g)
{
    for (size_t i = 0; g->seclang && i < seclang_warnings(g->seclang); i++)
        log_warning("%s", seclang_warning(g->seclang, i));
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
    tell_warnings(e->gen);
    log_info("%s", e->said);
    log_info("%zu queues from %u, %zu rules, packets %s, conntrack from %s%s", e->n_workers, e->divert.first_queue,
             generation_rules(e->gen), e->gen->needs & NEEDS_WHOLE ? "whole" : "headers only",
             (ruleset_needs(e->gen->rules) & RULES_NEED_CT_MARK) || e->gen->conntrack ? "mark bits and NFQA_CT"
                                                                                      : "mark bits",
             c->mode == MODE_MONITOR ? ", mode monitor: nothing is stopped" : "");
}

/* The queues that no worker of ours has taken. */
static void give_up_rest(struct engine *e)
{
    for (size_t i = 0; i < e->n_kept; i++) {
        struct kept_queue *k = &e->kept[i];
        if (k->fd < 0)
            continue;
        int err = queue_give_up(k->fd, k->number);
        if (err && err != -ENOTCONN)
            log_warning("queue %u of an earlier run: %s", k->number, strerror(-err));
        close(k->fd);
        k->fd = -1;
    }
}

/* Nobody may wait for a start that fails, whoever else holds the sockets. */
static void give_up_all(struct engine *e)
{
    for (size_t i = 0; i < e->n_workers && e->workers; i++)
        if (e->workers[i].queue && e->n_kept)
            (void)queue_give_up(queue_fd(e->workers[i].queue), queue_number(e->workers[i].queue));
    give_up_rest(e);
}

struct engine *engine_start(const char *file, struct diag *d)
{
    return engine_resume(file, NULL, 0, d);
}

struct engine *engine_resume(const char *file, struct kept_queue *kept, size_t n_kept, struct diag *d)
{
    size_t n = workers_for(file, d);
    struct engine *e = n ? calloc(1, sizeof *e) : NULL;
    if (!e) {
        give_up_rest(&(struct engine){.kept = kept, .n_kept = n_kept});
        return NULL;
    }
    e->kept = kept;
    e->n_kept = n_kept;
    e->wake_fd = -1;
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
        give_up_rest(e);
        e->kept = NULL;
        e->n_kept = 0;
        open_log(e);
        log_start(e);
        return e;
    }
    give_up_all(e);
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
    if (a->divert.log_group != b->divert.log_group)
        return "divert.log_group";
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

static int change_table(struct engine *e, const struct generation *g, enum divert_state state, char *why,
                        size_t why_size)
{
    const struct config *c = g->config;
    bool bypass = e->divert.bypass;
    e->divert.bypass = c->policies.on_crash == POLICY_OPEN;
    int err = divert_change(&e->divert, c, &g->plan, state, why, why_size);
    if (err)
        e->divert.bypass = bypass;
    return err;
}

/* Whatever a worker was deciding when this began, it is done with. */
static void pass_batch(struct engine *e)
{
    uint64_t *seen = e->turns_before;
    for (size_t i = 0; i < e->n_workers; i++)
        seen[i] = atomic_load_explicit(&e->workers[i].turns, memory_order_acquire);
    for (size_t i = 0; i < e->n_workers; i++) {
        const struct worker *w = &e->workers[i];
        while (atomic_load_explicit(&w->turns, memory_order_acquire) == seen[i] && !atomic_load(&w->broken)) {
            worker_wake(w);
            poll(NULL, 0, 1);
        }
    }
}

/*
 * While the table changes nobody lets connections leave the queue: one that the
 * old rules let go must not be taken for one that the new ones did.
 */
static int change_plan(struct engine *e, struct generation *g, char *why, size_t why_size)
{
    g->conntrack = g->config->events.conntrack && e->can_conntrack;
    int err = make_plan(e, g, e->gen, why, why_size);
    if (err)
        return err;
    set_stamped(e, 0);
    pass_batch(e);
    err = change_table(e, g, DIVERT_QUEUE, why, why_size);
    set_stamped(e, err ? e->gen->plan.generation : g->plan.generation);
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
    ruleset_inherit(g->rules, e->gen->rules);
    if (g->seclang && e->gen->seclang)
        seclang_inherit(g->seclang, e->gen->seclang);
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
        err = change_plan(e, g, why, sizeof why);
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
    tell_warnings(g);
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
    if (divert_change(&e->divert, e->gen->config, &e->gen->plan, state, why, sizeof why))
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

static void save_bans(struct engine *e);
static void take_requests(struct engine *e);

static void engine_free(struct engine *e)
{
    if (e->workers)
        end_workers(e);
    if (e->bans && e->workers)
        take_requests(e); /* of the last packets */
    save_bans(e);
    for (size_t i = 0; i < e->n_workers && e->workers; i++)
        ring_free(e->workers[i].bans);
    nflog_close(e->log);
    events_stop(e->events);
    divert_close(&e->divert);
    bans_close(e->bans);
    cleanup_close(&e->wake_fd);
    generation_free(e->gen);
    free(e->workers);
    free(e->turns_seen);
    free(e->turns_before);
    free(e->kernel_stats);
    free(e->told);
    free(e->queue_stats);
    free(e->rule_stats);
    free(e->file);
    free(e);
}

void engine_stop(struct engine *e)
{
    if (!e)
        return;
    if (e->installed)
        drain(e);
    engine_free(e);
}

void engine_leave(struct engine *e)
{
    engine_free(e);
}

int engine_queue_fd(const struct engine *e, size_t i, uint16_t *number)
{
    if (i >= e->n_workers)
        return -1;
    *number = queue_number(e->workers[i].queue);
    return queue_fd(e->workers[i].queue);
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

static void add_kernel_stat(struct engine *e, const char *prefix, const char *name, uint64_t value)
{
    struct kernel_stat *k = &e->kernel_stats[e->n_kernel_stats++];
    snprintf(k->name, sizeof k->name, "%s%s", prefix, name);
    k->value = value;
}

/* What the kernel did by itself, by the counters of our tables. */
static void fill_kernel_stats(struct engine *e, const struct divert_counts *c)
{
    uint64_t detected[DETECTORS] = {0};
    struct frames_counts frames = {0};
    struct bans_counts bans = bans_counts(e->bans);
    /* What cannot be read stays 0, as do the table's own counters. */
    int err = floods_counts(&e->divert, detected);
    err |= frames_counts(&frames);
    if (err)
        log_debug("the kernel's counters cannot be read");
    e->n_kernel_stats = 0;
    add_kernel_stat(e, "", "queued", c->queued);
    add_kernel_stat(e, "", "offloaded", c->offloaded);
    add_kernel_stat(e, "", "quiet", c->quiet);
    add_kernel_stat(e, "", "condemned", c->condemned);
    add_kernel_stat(e, "", "exempt", c->exempt);
    add_kernel_stat(e, "", "banned", c->banned);
    add_kernel_stat(e, "", "frames_arp", frames.arp);
    add_kernel_stat(e, "", "frames_other", frames.other);
    for (enum detector_id i = 0; i < FLOODS_DETECTORS; i++)
        add_kernel_stat(e, "detect_", detector_name(i), detected[i]);
    add_kernel_stat(e, "bans_", "now", bans.now);
    add_kernel_stat(e, "bans_", "evicted", bans.evicted);
    add_kernel_stat(e, "bans_", "refused", bans.refused);
}

struct rule_counts {
    struct rule_stats *at;
    size_t n;
};

/* Few rules are the kernel's, and they come first. */
static void count_kernel_rule(uint32_t id, uint64_t packets, void *ctx)
{
    struct rule_counts *c = ctx;
    size_t i = 0;
    while (i < c->n && c->at[i].id != id)
        i++;
    if (i < c->n)
        c->at[i].matches += packets;
}

/* Reads the counters of kernel and queues; returns how many diverted packets are in no queue's account. */
static uint64_t read_counts(struct engine *e, struct divert_counts *ret)
{
    /* The rule's counter first: what moves on between the readings errs towards too few. */
    int err = divert_counters(&e->divert, ret);
    uint64_t accounted = fill_queue_stats(e);
    return !err && ret->queued > accounted ? ret->queued - accounted : 0;
}

int engine_stats(struct engine *e, struct stats *ret)
{
    size_t rules = generation_rules(e->gen);
    struct rule_stats *rs = reallocarray(e->rule_stats, rules + 1, sizeof *rs);
    if (!rs)
        return -ENOMEM;
    e->rule_stats = rs;
    struct divert_counts counts = {0};
    uint64_t bypassed = read_counts(e, &counts);
    /* A packet between the rule's counter and its queue is not bypassed: that holds in every reading, or not at all. */
    for (int again = 0; again < 5 && bypassed > e->bypassed; again++) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        uint64_t now = read_counts(e, &counts);
        bypassed = now < bypassed ? now : bypassed;
    }
    if (bypassed > e->bypassed)
        e->bypassed = bypassed;
    fill_kernel_stats(e, &counts);
    generation_rule_stats(e->gen, rs);
    if (e->gen->plan.n_rules &&
        kernel_rules_counts(&e->divert, count_kernel_rule, &(struct rule_counts){rs, ruleset_count(e->gen->rules)}))
        log_debug("the counters of the kernel's rules cannot be read");
    *ret = (struct stats){
        .uptime = (uint64_t)(time(NULL) - e->started),
        .diverted = counts.queued,
        .bypassed = e->bypassed,
        .reloads = e->reloads,
        .reloads_refused = e->reloads_refused,
        .events_written = e->events ? events_written(e->events) : 0,
        .events_dropped = e->events ? events_dropped(e->events) : 0,
        .queues = e->queue_stats,
        .n_queues = e->n_workers,
        .rules = rs,
        .n_rules = rules,
        .kernel = e->kernel_stats,
        .n_kernel = e->n_kernel_stats,
    };
    return 0;
}

/* An event of the main thread, with its object open; NULL where there are none. */
static yajl_gen begin_event(struct engine *e, const char *type)
{
    yajl_gen g = e->events ? json_begin() : NULL;
    if (!g)
        return NULL;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    char when[JSON_TIME_MAX];
    json_text(g, "timestamp", json_time((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, when));
    json_text(g, "event_type", type);
    json_open(g, type);
    return g;
}

static void end_event(struct engine *e, yajl_gen g)
{
    yajl_gen_map_close(g);
    events_line(e->events, json_end(g));
}

static void report_bypass(struct engine *e, uint64_t fresh)
{
    log_warning("%llu packets passed uninspected since the last look, %llu in all: the queues were full",
                (unsigned long long)fresh, (unsigned long long)e->bypassed);
    yajl_gen g = begin_event(e, "bypass");
    if (!g)
        return;
    json_number(g, "packets", fresh);
    json_number(g, "total", e->bypassed);
    json_text(g, "reason", "overload");
    end_event(e, g);
}

/* ---- bans ---- */

static void report_ban(struct engine *e, const struct ip_addr *addr, uint32_t seconds, const char *reason)
{
    char text[IP_ADDR_TEXT_MAX];
    yajl_gen g = begin_event(e, "ban");
    if (!g)
        return;
    json_text(g, "address", ip_addr_format(addr, text));
    json_number(g, "seconds", seconds);
    json_text(g, "reason", reason);
    end_event(e, g);
}

static enum ban_result add_ban(struct engine *e, const struct ip_addr *addr, uint32_t seconds, const char *reason)
{
    enum ban_result r = bans_add(e->bans, addr, seconds, reason);
    if (r == BAN_DONE)
        report_ban(e, addr, seconds, reason);
    return r;
}

static void carry_out_request(struct engine *e, const struct ban_request *r)
{
    char reason[BAN_REASON_MAX];
    if (r->by == BANNED_BY_RULE)
        snprintf(reason, sizeof reason, "rule %u", r->id);
    else
        snprintf(reason, sizeof reason, "detect.%s", detector_name((enum detector_id)r->id));
    (void)add_ban(e, &r->addr, r->seconds, reason);
}

static int commit_bans(struct engine *e, char *why, size_t why_size)
{
    int err = bans_pending(e->bans) ? bans_commit(e->bans, why, why_size) : 0;
    if (err)
        log_error("bans: %s", why);
    return err;
}

static void take_requests(struct engine *e)
{
    for (size_t i = 0; i < e->n_workers; i++) {
        const struct ban_request *r;
        while (e->workers[i].bans && (r = ring_peek(e->workers[i].bans))) {
            carry_out_request(e, r);
            ring_pop(e->workers[i].bans);
        }
    }
}

void engine_serve(struct engine *e)
{
    uint64_t woken;
    char why[256];
    if (read(e->wake_fd, &woken, sizeof woken) < 0 && errno != EAGAIN)
        log_error("bans: %s", strerror(errno));
    take_requests(e);
    (void)commit_bans(e, why, sizeof why);
}

int engine_fd(const struct engine *e)
{
    return e->wake_fd;
}

int engine_ban(struct engine *e, const struct ip_addr *addr, uint32_t seconds, char *why, size_t why_size)
{
    enum ban_result r = add_ban(e, addr, seconds ? seconds : e->gen->config->bans.ban_for, "sluicectl");
    if (r == BAN_DONE || r == BAN_KEPT)
        return commit_bans(e, why, why_size);
    snprintf(why, why_size, "%s",
             r == BAN_EXEMPT      ? "the address is exempt (divert.exempt)"
             : r == BAN_NOT_VALID ? "no address of one sender"
             : r == BAN_FULL      ? "bans.max others end later"
                                  : "out of memory");
    return -EINVAL;
}

int engine_unban(struct engine *e, const struct ip_net *net, size_t *lifted, char *why, size_t why_size)
{
    *lifted = bans_remove(e->bans, net);
    return commit_bans(e, why, why_size);
}

struct bans *engine_bans(const struct engine *e)
{
    return e->bans;
}

static void save_bans(struct engine *e)
{
    char why[256];
    if (e->bans && bans_save(e->bans, why, sizeof why))
        log_error("bans: %s", why);
}

void engine_tick(struct engine *e)
{
    struct stats s;
    uint64_t before = e->bypassed;
    char why[256];
    (void)commit_bans(e, why, sizeof why);
    if (bans_tick(e->bans, why, sizeof why))
        log_error("bans: %s", why);
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

size_t engine_rules(const struct engine *e)
{
    return generation_rules(e->gen);
}
