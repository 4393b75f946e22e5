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
#include "main/privileges.h"
#include "observe/json.h"

struct daemon {
    struct engine *engine;
    struct control *control;
    int signals, timer;
    bool stop;
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
                 ruleset_count(engine_rules(d->engine)));
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

static char *answer_status(struct daemon *d)
{
    const struct config *c = engine_config(d->engine);
    struct stats s;
    yajl_gen g = engine_stats(d->engine, &s) ? NULL : json_begin();
    if (!g)
        return NULL;
    json_text(g, "version", SLUICE_VERSION);
    json_text(g, "config", c->file);
    json_text(g, "mode", c->mode == MODE_MONITOR ? "monitor" : "enforce");
    json_text(g, "kernel", engine_said(d->engine));
    json_number(g, "generation", engine_generation(d->engine));
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

static char *answer_stats(struct daemon *d)
{
    struct stats s;
    yajl_gen g = engine_stats(d->engine, &s) ? NULL : json_begin();
    if (!g)
        return NULL;
    stats_write(g, &s);
    return json_end(g);
}

static char *answer_rules(struct daemon *d)
{
    struct stats s;
    yajl_gen g = engine_stats(d->engine, &s) ? NULL : json_begin();
    if (!g)
        return NULL;
    json_array(g, "rules");
    for (size_t i = 0; i < s.n_rules; i++) {
        const struct rule *r = ruleset_rule(engine_rules(d->engine), i);
        yajl_gen_map_open(g);
        json_number(g, "id", r->id);
        json_text(g, "name", r->name);
        json_text(g, "action", action_name(r->action));
        json_text(g, "file", r->file);
        json_number(g, "line", (uint64_t)r->line);
        json_number(g, "matches", s.rules[i].matches);
        yajl_gen_map_close(g);
    }
    yajl_gen_array_close(g);
    return json_end(g);
}

static char *answer(enum control_command command, void *context)
{
    struct daemon *d = context;
    switch (command) {
    case CONTROL_STATUS:
        return answer_status(d);
    case CONTROL_STATS:
        return answer_stats(d);
    case CONTROL_RULES:
        return answer_rules(d);
    case CONTROL_RELOAD:
        return answer_reload(d);
    default:
        return strdup("{\"error\":\"unknown command; expected status, stats, rules or reload\"}\n");
    }
}

static void on_signal(struct daemon *d)
{
    struct signalfd_siginfo info;
    bool hangup = false;
    while (read(d->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP)
            hangup = true;
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
    d->engine = engine_start(file, errors);
    return d->engine && start_control(d, errors);
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
    control_close(d.control);
    bool was_up = d.engine;
    engine_stop(d.engine);
    if (was_up)
        log_info("stopped");
    cleanup_close(&d.signals);
    cleanup_close(&d.timer);
    return d.status;
}
