/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "main/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/diag.h"
#include "base/log.h"
#include "control/control.h"
#include "engine/engine.h"
#include "main/answers.h"
#include "main/privileges.h"
#include "main/store.h"
#include "observe/json.h"

struct daemon {
    struct engine *engine;
    struct control *control;
    int signals, timer;
    struct kept_queue *kept; /* by the process before this one */
    size_t n_kept;
    bool stored; /* this one's queues are in the store */
    bool stop, hand_over;
    int status;
};

static void log_errors(const struct diag *d)
{
    for (size_t i = 0; diag_text(d, i); i++)
        log_error("%s", diag_text(d, i));
    if (diag_count(d) > 200)
        log_error("and %zu more", diag_count(d) - 200);
}

/* Blocked before threads start, so that only the signalfd sees them. */
static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_timer(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct itimerspec each_second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
    if (fd >= 0)
        timerfd_settime(fd, 0, &each_second, NULL);
    return fd;
}

/* sd-daemon(7): RELOADING with the time, then READY, also when the reload was refused. */
static bool reload(struct daemon *d, struct diag *errors)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
               (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
    bool ok = engine_reload(d->engine, errors) == 0;
    if (ok)
        log_info("reloaded: generation %llu, %zu rules", (unsigned long long)engine_generation(d->engine),
                 engine_rules(d->engine));
    else
        log_error("reload refused, nothing has changed");
    log_errors(errors);
    sd_notify(0, "READY=1");
    return ok;
}

static char *answer_reload(struct daemon *d)
{
    struct diag *errors = diag_new();
    if (!errors)
        return NULL;
    bool ok = reload(d, errors);
    yajl_gen g = json_begin();
    if (g) {
        json_key(g, "ok");
        yajl_gen_bool(g, ok);
        json_number(g, "generation", engine_generation(d->engine));
        json_array(g, "errors");
        for (size_t i = 0; diag_text(errors, i); i++)
            yajl_gen_string(g, (const unsigned char *)diag_text(errors, i), strlen(diag_text(errors, i)));
        yajl_gen_array_close(g);
    }
    diag_free(errors);
    return g ? json_end(g) : NULL;
}

static char *answer(const struct control_request *q, void *context)
{
    struct daemon *d = context;
    return q->command == CONTROL_RELOAD ? answer_reload(d) : answer_request(d->engine, q);
}

static void hand_over(struct daemon *d)
{
    if (d->stored)
        d->stop = d->hand_over = true;
    else
        log_error("SIGUSR1: nobody keeps the queues' sockets, so there is no handing over");
}

/* A SIGTERM that follows SIGUSR1, as systemd's does, changes nothing. */
static void on_signal(struct daemon *d)
{
    struct signalfd_siginfo info;
    bool hangup = false;
    while (read(d->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP)
            hangup = true;
        else if (info.ssi_signo == SIGUSR1)
            hand_over(d);
        else
            d->stop = true;
    }
    if (!hangup || d->stop)
        return;
    struct diag *errors = diag_new();
    if (errors)
        reload(d, errors);
    diag_free(errors);
}

static void on_timer(struct daemon *d)
{
    uint64_t expired;
    if (read(d->timer, &expired, sizeof expired) != (ssize_t)sizeof expired)
        return;
    engine_tick(d->engine);
    int progress = engine_progress(d->engine);
    if (progress > 0)
        sd_notify(0, "WATCHDOG=1");
    if (progress < 0) {
        log_error("a worker has ended: %s; stopping", strerror(-progress));
        d->stop = true;
        d->status = 1;
    }
}

static void serve(struct daemon *d)
{
    struct pollfd fds[] = {
        {.fd = d->signals, .events = POLLIN},
        {.fd = d->timer, .events = POLLIN},
        {.fd = d->control ? control_fd(d->control) : -1, .events = POLLIN},
        {.fd = engine_fd(d->engine), .events = POLLIN},
        {.fd = engine_log_fd(d->engine), .events = POLLIN},
    };
    while (!d->stop) {
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno != EINTR)
            break;
        if (fds[0].revents)
            on_signal(d);
        if (fds[1].revents)
            on_timer(d);
        if (fds[2].revents)
            control_serve(d->control, answer, d);
        if (fds[3].revents)
            engine_serve(d->engine);
        if (fds[4].revents)
            engine_read_log(d->engine);
    }
}

static bool start_control(struct daemon *d, struct diag *errors)
{
    const char *path = engine_config(d->engine)->control_socket;
    char why[256];
    if (!path || control_open(path, &d->control, why, sizeof why) == 0)
        return true;
    diag_add(errors, NULL, 0, 0, "%s", why);
    return false;
}

static bool start(struct daemon *d, const char *file, struct diag *errors)
{
    d->signals = open_signals();
    d->timer = open_timer();
    if (d->signals < 0 || d->timer < 0) {
        diag_add(errors, NULL, 0, 0, "cannot set up signals: %s", strerror(errno));
        return false;
    }
    int err = privileges_drop();
    if (err) {
        diag_add(errors, NULL, 0, 0, "cannot give up privileges: %s", strerror(-err));
        return false;
    }
    d->n_kept = store_take(&d->kept);
    d->engine = engine_resume(file, d->kept, d->n_kept, errors);
    if (d->engine)
        d->stored = store_put(d->engine, d->kept, d->n_kept);
    else
        store_clear(d->kept, d->n_kept);
    return d->engine && start_control(d, errors);
}

static void end(struct daemon *d)
{
    control_close(d->control);
    if (d->hand_over) {
        engine_leave(d->engine);
        log_info("handed over: queues and table are left to the next one");
    } else if (d->engine) {
        engine_stop(d->engine);
        log_info("stopped");
    }
    cleanup_close(&d->signals);
    cleanup_close(&d->timer);
    free(d->kept);
}

int run(const char *file)
{
    struct daemon d = {.signals = -1, .timer = -1};
    struct diag *errors = diag_new();
    if (!errors)
        return 1;
    if (start(&d, file, errors)) {
        log_info("ready");
        sd_notifyf(0, "READY=1\nSTATUS=%s", engine_said(d.engine));
        serve(&d);
        sd_notify(0, "STOPPING=1");
    } else {
        log_errors(errors);
        d.status = 1;
    }
    diag_free(errors);
    end(&d);
    return d.status;
}
