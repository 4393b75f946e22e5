/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "observe/events.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/ring.h"

#define IDLE_NS 20000000
#define LINES_MAX 64
#define BUFFER_SIZE 65536

struct events {
    char *file;
    int fd;
    char *buffer; /* whole lines */
    size_t buffered, buffered_lines;
    bool torn; /* a full disk took only a part of a line */
    size_t workers;
    struct ring **rings;
    _Atomic uint32_t per_second;
    uint32_t this_second;
    time_t second;
    pthread_t thread;
    bool started;
    atomic_bool stop, reopen;
    pthread_mutex_t lines_lock; /* guards lines and n_lines */
    char *lines[LINES_MAX];
    size_t n_lines;
    _Atomic uint64_t written, dropped;
    FILE *out; /* events_direct: no file, no rings, no thread */
    bool json;
    struct event one;
};

static int open_file(const char *file)
{
    if (strcmp(file, "-") == 0)
        return STDOUT_FILENO;
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    return fd < 0 ? -errno : fd;
}

static void close_file(struct events *ev)
{
    if (ev->fd >= 0 && ev->fd != STDOUT_FILENO)
        close(ev->fd);
    ev->fd = -1;
}

static bool write_bytes(struct events *ev, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = write(ev->fd, data + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            ev->torn = ev->torn || (done && data[done - 1] != '\n');
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

/* Whole lines; all of them count as dropped where the file does not take all. */
static void write_whole(struct events *ev, const char *data, size_t len, size_t lines)
{
    bool ok = !ev->torn || write_bytes(ev, "\n", 1); /* what was torn off stays a line of its own */
    if (ok) {
        ev->torn = false;
        ok = write_bytes(ev, data, len);
    }
    atomic_fetch_add_explicit(ok ? &ev->written : &ev->dropped, lines, memory_order_relaxed);
}

static void flush_buffer(struct events *ev)
{
    if (ev->buffered)
        write_whole(ev, ev->buffer, ev->buffered, ev->buffered_lines);
    ev->buffered = ev->buffered_lines = 0;
}

static void buffer_line(struct events *ev, const char *line)
{
    size_t len = strlen(line);
    if (len > BUFFER_SIZE - ev->buffered)
        flush_buffer(ev);
    if (len > BUFFER_SIZE) {
        write_whole(ev, line, len, 1);
        return;
    }
    memcpy(ev->buffer + ev->buffered, line, len);
    ev->buffered += len;
    ev->buffered_lines++;
}

static void write_line(struct events *ev, char *line)
{
    if (line)
        buffer_line(ev, line);
    else
        atomic_fetch_add_explicit(&ev->dropped, 1, memory_order_relaxed);
    free(line);
}

static bool under_rate(struct events *ev)
{
    time_t now = time(NULL);
    if (now != ev->second) {
        ev->second = now;
        ev->this_second = 0;
    }
    return ev->this_second++ < ev->per_second;
}

static bool drain_ring(struct events *ev, struct ring *r)
{
    bool any = false;
    /* A bounded turn, so that one busy worker does not starve the others. */
    for (int i = 0; i < 1024; i++) {
        const struct event *e = ring_peek(r);
        if (!e)
            break;
        any = true;
        if (under_rate(ev))
            write_line(ev, event_format(e));
        else
            atomic_fetch_add_explicit(&ev->dropped, 1, memory_order_relaxed);
        ring_pop(r);
    }
    return any;
}

static void reopen_file(struct events *ev)
{
    int fresh = open_file(ev->file);
    if (fresh < 0) /* better the old file than none */
        return;
    close_file(ev);
    ev->fd = fresh;
    ev->torn = false;
}

static bool write_lines(struct events *ev)
{
    char *lines[LINES_MAX];
    pthread_mutex_lock(&ev->lines_lock);
    size_t n = ev->n_lines;
    memcpy(lines, ev->lines, n * sizeof lines[0]);
    ev->n_lines = 0;
    pthread_mutex_unlock(&ev->lines_lock);
    for (size_t i = 0; i < n; i++)
        write_line(ev, lines[i]);
    return n > 0;
}

static bool turn(struct events *ev)
{
    bool any = false;
    if (atomic_exchange(&ev->reopen, false))
        reopen_file(ev);
    for (size_t i = 0; i < ev->workers; i++)
        any |= drain_ring(ev, ev->rings[i]);
    any |= write_lines(ev);
    flush_buffer(ev);
    return any;
}

static void *writer(void *arg)
{
    struct events *ev = arg;
    pthread_setname_np(pthread_self(), "events");
    while (!atomic_load(&ev->stop)) {
        if (!turn(ev)) {
            struct timespec idle = {.tv_nsec = IDLE_NS};
            nanosleep(&idle, NULL);
        }
    }
    while (turn(ev))
        ;
    return NULL;
}

static int allocate(struct events *ev, const struct events_options *opt)
{
    ev->file = strdup(opt->file);
    ev->rings = calloc(opt->workers, sizeof *ev->rings);
    ev->buffer = malloc(BUFFER_SIZE);
    if (!ev->file || !ev->rings || !ev->buffer)
        return -ENOMEM;
    for (ev->workers = 0; ev->workers < opt->workers; ev->workers++) {
        ev->rings[ev->workers] = ring_new(opt->ring, sizeof(struct event));
        if (!ev->rings[ev->workers])
            return -ENOMEM;
    }
    return 0;
}

int events_start(const struct events_options *opt, struct events **ret, char *why, size_t why_size)
{
    struct events *ev = calloc(1, sizeof *ev);
    if (!ev) {
        snprintf(why, why_size, "out of memory");
        return -ENOMEM;
    }
    ev->fd = -1;
    pthread_mutex_init(&ev->lines_lock, NULL);
    int err = allocate(ev, opt);
    if (!err) {
        ev->per_second = opt->per_second;
        ev->fd = open_file(opt->file);
        err = ev->fd < 0 ? ev->fd : 0;
    }
    if (!err) {
        err = -pthread_create(&ev->thread, NULL, writer, ev);
        ev->started = !err;
    }
    if (err) {
        snprintf(why, why_size, "events.file \"%s\": %s", opt->file, strerror(-err));
        events_stop(ev);
        return err;
    }
    *ret = ev;
    return 0;
}

struct events *events_direct(bool json, FILE *out)
{
    struct events *ev = calloc(1, sizeof *ev);
    if (!ev)
        return NULL;
    ev->fd = -1;
    ev->out = out;
    ev->json = json;
    pthread_mutex_init(&ev->lines_lock, NULL);
    return ev;
}

/* Writes and frees a line; NULL counts as dropped. */
static void write_direct(struct events *ev, char *line)
{
    bool ok = line && fputs(line, ev->out) >= 0;
    atomic_fetch_add_explicit(ok ? &ev->written : &ev->dropped, 1, memory_order_relaxed);
    free(line);
}

void events_stop(struct events *ev)
{
    if (!ev)
        return;
    atomic_store(&ev->stop, true);
    if (ev->started)
        pthread_join(ev->thread, NULL);
    if (ev->out)
        fflush(ev->out);
    close_file(ev);
    for (size_t i = 0; i < ev->workers; i++)
        ring_free(ev->rings[i]);
    for (size_t i = 0; i < ev->n_lines; i++)
        free(ev->lines[i]);
    pthread_mutex_destroy(&ev->lines_lock);
    free(ev->buffer);
    free(ev->rings);
    free(ev->file);
    free(ev);
}

struct event *events_slot(struct events *ev, size_t worker)
{
    if (ev->out)
        return &ev->one;
    return ring_slot(ev->rings[worker]);
}

void events_push(struct events *ev, size_t worker)
{
    if (ev->out) {
        write_direct(ev, ev->json ? event_format(&ev->one) : event_text(&ev->one));
        return;
    }
    ring_push(ev->rings[worker]);
}

void events_line(struct events *ev, char *line)
{
    if (ev->out) {
        write_direct(ev, line);
        return;
    }
    pthread_mutex_lock(&ev->lines_lock);
    bool room = line && ev->n_lines < LINES_MAX;
    if (room)
        ev->lines[ev->n_lines++] = line;
    pthread_mutex_unlock(&ev->lines_lock);
    if (!room) {
        atomic_fetch_add_explicit(&ev->dropped, 1, memory_order_relaxed);
        free(line);
    }
}

void events_set_rate(struct events *ev, uint32_t per_second)
{
    atomic_store(&ev->per_second, per_second);
}

void events_reopen(struct events *ev)
{
    atomic_store(&ev->reopen, true);
}

uint64_t events_written(const struct events *ev)
{
    return atomic_load_explicit(&ev->written, memory_order_relaxed);
}

uint64_t events_dropped(const struct events *ev)
{
    return atomic_load_explicit(&ev->dropped, memory_order_relaxed);
}
