/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/worker.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "engine/pipeline.h"
#include "engine/respond.h"
#include "engine/stream.h"

#define WAKE_SIGNAL SIGURG

void worker_queue_options(const struct generation *g, uint16_t number, struct queue_options *ret)
{
    const struct config *c = g->config;
    unsigned needs = g->needs;
    *ret = (struct queue_options){
        .number = number,
        .batch = c->queues.batch,
        .length = c->queues.length,
        .receive_buffer = c->queues.receive_buffer,
        .fail_open = c->policies.on_overload == POLICY_OPEN,
        .conntrack = (needs & RULES_NEED_CT_MARK) || g->conntrack,
        .whole = needs & NEEDS_WHOLE,
    };
}

static void adopt(struct worker *w)
{
    const struct generation *g = atomic_load_explicit(&w->wanted, memory_order_acquire);
    if (g == w->gen)
        return;
    struct queue_options opt;
    worker_queue_options(g, queue_number(w->queue), &opt);
    /* Packets queued before this may be cut short; the pipeline sends them round once more. */
    int err = queue_change(w->queue, &opt);
    if (err)
        log_error("queue %u: cannot change its settings: %s", opt.number, strerror(-err));
    ifaces_clear(&w->ifaces_in);
    ifaces_clear(&w->ifaces_out);
    w->gen = g;
    stream_adopt(w);
    atomic_store_explicit(&w->used, g, memory_order_release);
}

static void publish_queue_counters(struct worker *w)
{
    const struct queue_counters *q = queue_counters(w->queue);
    count_set(&w->counters, COUNT_RECEIVED, q->received);
    count_set(&w->counters, COUNT_BATCHES, q->batches);
    count_set(&w->counters, COUNT_OVERRUNS, q->overruns);
    count_set(&w->counters, COUNT_MALFORMED, q->malformed);
    count_set(&w->counters, COUNT_ERRORS, q->errors);
    count_set(&w->counters, COUNT_SEND_RETRIES, q->send_retries);
}

static uint64_t coarse_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int turn(struct worker *w)
{
    int n = queue_receive(w->queue);
    if (n < 0)
        return n;
    w->now_ms = coarse_ms();
    struct queue_packet p;
    while (queue_next(w->queue, &p))
        pipeline_run(w, &p);
    /* Before the verdicts go: whoever adds up must find a packet waiting or received, never neither. */
    publish_queue_counters(w);
    stream_turn(w);
    int err = queue_flush(w->queue);
    respond_flush(w);
    atomic_store_explicit(&w->idle, queue_counters(w->queue)->idle, memory_order_release);
    atomic_fetch_add_explicit(&w->turns, 1, memory_order_relaxed);
    return err;
}

/* SCHED_BATCH (sched(7)): who wakes us goes on, more packets come at a time. An owner's own policy stays. */
static void gather_packets(void)
{
    struct sched_param none = {0};
    if (sched_getscheduler(0) == SCHED_OTHER && sched_setscheduler(0, SCHED_BATCH, &none) < 0)
        log_debug("no SCHED_BATCH: %s", strerror(errno));
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    char name[16];
    snprintf(name, sizeof name, "queue%u", queue_number(w->queue));
    pthread_setname_np(pthread_self(), name);
    gather_packets();
    while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
        adopt(w);
        int err = turn(w);
        if (err < 0) {
            log_error("queue %u: %s", queue_number(w->queue), strerror(-err));
            atomic_store(&w->broken, -err);
            break;
        }
    }
    return NULL;
}

static void pin_thread(const struct worker *w)
{
    cpu_set_t mine, one;
    if (sched_getaffinity(0, sizeof mine, &mine) < 0 || !CPU_COUNT(&mine))
        return;
    size_t nth = w->index % (size_t)CPU_COUNT(&mine);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &mine) || nth-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        if (pthread_setaffinity_np(w->thread, sizeof one, &one))
            log_warning("queue %u: cannot be pinned to CPU %zu", queue_number(w->queue), cpu);
        return;
    }
}

static void ignore_wake(int sig)
{
    (void)sig; /* its only work is to end a blocking receive */
}

int worker_start(struct worker *w, bool pin)
{
    struct sigaction act = {.sa_handler = ignore_wake};
    if (sigaction(WAKE_SIGNAL, &act, NULL) < 0)
        return -errno;
    int err = -pthread_create(&w->thread, NULL, worker_main, w);
    if (err)
        return err;
    w->started = true;
    if (pin)
        pin_thread(w);
    return 0;
}

void worker_wake(const struct worker *w)
{
    if (w->started)
        pthread_kill(w->thread, WAKE_SIGNAL);
}
