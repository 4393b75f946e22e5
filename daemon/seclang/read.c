/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/reader.h"
#include "seclang/read_internal.h"

/* Files of ModSecurity's configuration: directives, rules, Include. */

#define FILE_MAX ((off_t)64 * 1024 * 1024)
#define DEPTH_MAX 16
#define FILES_MAX 4096
#define NAMES_MAX 160
#define NAME_LEN 48

static void read_file(struct sec_reader *r, const char *path, const char *at);

void *sec_alloc(struct sec_reader *r, size_t n)
{
    void *ret = arena_alloc(&r->p->arena, n ? n : 1);
    r->failed |= !ret;
    return ret;
}

/* The room is 4, then doubles: n itself tells when it is used up. */
void *sec_push(struct sec_reader *r, void *v, uint32_t n, size_t size)
{
    char *old, *grown;
    memcpy(&old, v, sizeof old);
    if (n && (n < 4 || (n & (n - 1))))
        return old + n * size;
    grown = sec_alloc(r, (n ? 2 * (size_t)n : 4) * size);
    if (!grown)
        return NULL;
    if (n)
        memcpy(grown, old, n * size);
    memcpy(v, &grown, sizeof grown);
    return grown + n * size;
}

void sec_error_at(struct sec_reader *r, const struct sec_place *p, const char *fmt, ...)
{
    char what[900];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    diag_add(r->d, p->file, p->line, p->col, "%s", what);
}

void sec_error(struct sec_reader *r, const char *at, const char *fmt, ...)
{
    char what[900];
    struct sec_place p = sec_place_of(r, at);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    diag_add(r->d, p.file, p.line, p.col, "%s", what);
}

static void warn(struct sec_reader *r, const char *at, const char *what)
{
    struct sec_place p = sec_place_of(r, at);
    char text[1200];
    int n = snprintf(text, sizeof text, "%s:%d: %s", p.file, p.line, what);
    struct span *to = sec_push(r, &r->p->warnings, r->p->n_warnings, sizeof *to);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
    char *copy = to ? arena_copy(&r->p->arena, text, len) : NULL;
    if (!copy) {
        r->failed = true;
        return;
    }
    *to = span_of(copy, len);
    r->p->n_warnings++;
}

static void not_known(struct sec_reader *r, const char *at, const char *what)
{
    r->unknown = true;
    if (r->skip_unknown)
        warn(r, at, what);
    else
        sec_error(r, at, "%s", what);
}

static void lower(char *to, const char *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] + 32 : from[i]);
    to[n] = '\0';
}

/* The name nearest in spelling, in any case; NULL when none is near. */
static const char *nearest(struct span word, const char *const *names)
{
    char buf[NAMES_MAX][NAME_LEN], lowered[NAME_LEN];
    const char *list[NAMES_MAX + 1] = {NULL};
    size_t n = 0;
    if (!word.len || word.len >= NAME_LEN)
        return NULL;
    lower(lowered, (const char *)word.data, word.len);
    for (; names[n] && n < NAMES_MAX; n++) {
        size_t len = strlen(names[n]);
        lower(buf[n], names[n], len < NAME_LEN ? len : NAME_LEN - 1);
        list[n] = buf[n];
    }
    const char *found = reader_nearest(lowered, list);
    for (size_t i = 0; i < n; i++)
        if (found == list[i])
            return names[i];
    return NULL;
}

void sec_unknown(struct sec_reader *r, const char *what, struct span name, const char *const *names)
{
    char text[400];
    int len = name.len < 80 ? (int)name.len : 80;
    const char *near = nearest(name, names);
    snprintf(text, sizeof text, near ? "unknown %s \"%.*s\", did you mean \"%s\"?" : "unknown %s \"%.*s\"", what, len,
             (const char *)name.data, near);
    not_known(r, sec_chars(name), text);
}

static void unsupported(char *text, size_t size, const char *what, struct span name, const char *reason)
{
    int len = name.len < 80 ? (int)name.len : 80;
    snprintf(text, size, "the %s %.*s is not supported: %s", what, len, (const char *)name.data, reason);
}

void sec_refused(struct sec_reader *r, const char *what, struct span name, const char *reason)
{
    char text[400];
    unsupported(text, sizeof text, what, name, reason);
    not_known(r, sec_chars(name), text);
}

void sec_left_out(struct sec_reader *r, const char *what, struct span name, const char *reason)
{
    char text[400];
    unsupported(text, sizeof text, what, name, reason);
    r->unknown = true;
    warn(r, sec_chars(name), text);
}

static struct sec_draft *draft_new(struct sec_reader *r, const char *at, enum sec_list in)
{
    struct sec_draft *d = sec_alloc(r, sizeof *d);
    if (!d)
        return NULL;
    d->in = (uint8_t)in;
    d->place = sec_place_of(r, at);
    d->rule.file = d->place.file;
    d->rule.line = d->place.line;
    d->rule.severity = -1;
    d->rule.phase = 1; /* as in ModSecurity 3 where none is written */
    return d;
}

static void add_item(struct sec_reader *r, struct sec_draft *d, struct span marker)
{
    if (!vec_room(&r->items, r->n_items, 1, &r->cap_items, sizeof *r->items)) {
        r->failed = true;
        return;
    }
    r->items[r->n_items++] = (struct sec_item){.draft = d, .marker = marker};
}

static void add_link(struct sec_reader *r, struct sec_draft *d)
{
    if (d->has_disruptive)
        sec_error_at(r, &d->place, "only the first rule of a chain can have a disruptive action");
    r->last->next = d;
}

static void add_first(struct sec_reader *r, struct sec_draft *d)
{
    if (!d->has_id && !d->rule.unconditional)
        sec_error_at(r, &d->place, "the rule needs an id");
    add_item(r, d, span_of(NULL, 0));
    r->first = d;
}

/* A rule has been read: the first of its chain, a link, or one that is left out. */
static void add_rule(struct sec_reader *r, struct sec_draft *d)
{
    if (r->chain_skipped) {
        r->chain_skipped = d->chain;
        return;
    }
    if (r->unknown) {
        if (r->first)
            r->first->removed = true;
        r->chain_skipped = d->chain;
        r->first = r->last = NULL;
        return;
    }
    if (r->first)
        add_link(r, d);
    else
        add_first(r, d);
    r->last = d;
    if (!d->chain)
        r->first = r->last = NULL;
}

/* The operator's word; without quotes "@name argument" is two. */
static bool operator_word(struct sec_reader *r, size_t *at, struct sec_word *ret)
{
    struct sec_word second, third;
    if (!sec_word_next(r, at, ret))
        return false;
    bool named = ret->text.len > 1 && (ret->text.data[0] == '@' || ret->text.data[1] == '@');
    size_t next = *at;
    if (ret->quote || !named || !sec_word_next(r, &next, &second) || second.quote)
        return true;
    size_t behind = next;
    if (sec_word_next(r, &behind, &third)) {
        const uint8_t *end = second.text.data + second.text.len;
        ret->text.len = (size_t)(end - ret->text.data);
        *at = next;
    }
    return true;
}

static void read_rule(struct sec_reader *r, const char *name, size_t at)
{
    struct sec_word targets, op, actions, more;
    size_t before = diag_count(r->d);
    struct sec_draft *d = draft_new(r, name, SEC_IN_RULE);
    if (!d)
        return;
    if (!sec_word_targets(r, &at, &targets) || !operator_word(r, &at, &op)) {
        if (diag_count(r->d) == before)
            sec_error(r, r->line.text + r->line.len, "SecRule: expected targets, an operator and actions");
        return;
    }
    (void)sec_targets_read(r, targets.text, &d->rule.targets, &d->rule.n_targets);
    (void)sec_operator_read(r, &op, &d->rule);
    if (sec_word_next(r, &at, &actions))
        sec_actions_read(r, actions.text, d);
    if (sec_word_next(r, &at, &more))
        sec_error(r, more.at, "expected nothing behind the actions");
    add_rule(r, d);
}

static bool only_actions(struct sec_reader *r, size_t at, const char *name, struct sec_word *ret)
{
    struct sec_word more;
    size_t before = diag_count(r->d);
    if (!sec_word_next(r, &at, ret)) {
        if (diag_count(r->d) == before)
            sec_error(r, r->line.text + r->line.len, "%s: expected actions", name);
        return false;
    }
    if (sec_word_next(r, &at, &more)) {
        sec_error(r, more.at, "expected nothing behind the actions");
        return false;
    }
    return true;
}

static void read_action(struct sec_reader *r, const char *name, size_t at)
{
    struct sec_word actions;
    struct sec_draft *d = draft_new(r, name, SEC_IN_RULE);
    if (!d || !only_actions(r, at, "SecAction", &actions))
        return;
    if (r->first)
        sec_error(r, name, "expected the next SecRule of the chain that begins at line %d", r->first->place.line);
    d->rule.unconditional = true;
    d->rule.op = SEC_OP_UNCONDITIONAL;
    sec_actions_read(r, actions.text, d);
    if (d->chain)
        sec_error(r, name, "a SecAction cannot begin a chain");
    r->first = NULL;
    d->chain = false;
    add_rule(r, d);
}

static void read_default(struct sec_reader *r, const char *name, size_t at)
{
    struct sec_word actions;
    size_t before = diag_count(r->d);
    struct sec_draft *d = draft_new(r, name, SEC_IN_DEFAULT);
    if (!d || !only_actions(r, at, "SecDefaultAction", &actions))
        return;
    sec_actions_read(r, actions.text, d);
    if (diag_count(r->d) > before || r->unknown)
        return;
    struct sec_draft **to = &r->defaults[d->rule.phase];
    if (!d->has_disruptive)
        sec_error(r, name, "SecDefaultAction needs a disruptive action, as pass or deny");
    else if (*to)
        sec_error(r, name, "phase %u has a SecDefaultAction already, in %s:%d", d->rule.phase, (*to)->place.file,
                  (*to)->place.line);
    else
        *to = d;
}

static void read_marker(struct sec_reader *r, size_t at)
{
    struct sec_word w = sec_word_rest(r, at);
    if (!w.text.len)
        sec_error(r, w.at, "SecMarker: expected a name");
    else
        add_item(r, NULL, w.text);
}

/* path as seen from the file that is being read. */
static char *beside(struct sec_reader *r, struct span path)
{
    const char *slash = strrchr(r->line.file, '/');
    size_t folder = path.len && path.data[0] != '/' && slash ? (size_t)(slash - r->line.file) + 1 : 0;
    char *ret = sec_alloc(r, folder + path.len + 1);
    if (!ret)
        return NULL;
    memcpy(ret, r->line.file, folder);
    memcpy(ret + folder, path.data, path.len);
    ret[folder + path.len] = '\0';
    return ret;
}

static void read_include(struct sec_reader *r, size_t at, bool optional)
{
    struct sec_word w = sec_word_rest(r, at);
    if (!w.text.len || memchr(w.text.data, '\0', w.text.len)) {
        sec_error(r, w.at, "Include: expected a path");
        return;
    }
    char *path = beside(r, w.text);
    glob_t found;
    if (!path)
        return;
    int rc = glob(path, 0, NULL, &found);
    if (rc == GLOB_NOMATCH) {
        if (!optional)
            sec_error(r, w.at, "Include: there is no file %s", path);
        return;
    }
    if (rc) {
        sec_error(r, w.at, "Include: %s cannot be looked up", path);
        return;
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_file(r, found.gl_pathv[i], w.at);
    globfree(&found);
}

static void read_directive(struct sec_reader *r)
{
    struct sec_word w;
    size_t at = 0;
    r->unknown = false;
    if (!sec_word_next(r, &at, &w) || (!w.quote && w.text.data[0] == '#'))
        return;
    if (sec_same(w.text, "SecRule"))
        read_rule(r, w.at, at);
    else if (sec_same(w.text, "SecAction"))
        read_action(r, w.at, at);
    else if (sec_same(w.text, "SecMarker"))
        read_marker(r, at);
    else if (sec_same(w.text, "SecDefaultAction"))
        read_default(r, w.at, at);
    else if (sec_same(w.text, "Include"))
        read_include(r, at, false);
    else if (sec_same(w.text, "IncludeOptional"))
        read_include(r, at, true);
    else if (!sec_change_read(r, w.text, at) && !sec_setting_read(r, w.text, at))
        sec_unknown(r, "directive", w.text, sec_setting_names());
}

static void read_text(struct sec_reader *r, const char *path, char *text, size_t len)
{
    struct sec_line outer = r->line;
    size_t at = 0;
    int line = 0;
    r->line = (struct sec_line){.file = arena_copy(&r->p->arena, path, strlen(path))};
    r->failed |= !r->line.file;
    while (!r->failed && sec_line_next(r, text, len, &at, &line))
        read_directive(r);
    free(r->line.parts);
    r->line = outer;
}

/* An error about a file: where it is included, or of the file itself. */
static void file_error(struct sec_reader *r, const char *path, const char *at, const char *what)
{
    if (at)
        sec_error(r, at, "%s %s", path, what);
    else
        diag_add(r->d, path, 0, 0, "%s", what);
}

static char *slurp(struct sec_reader *r, int fd, size_t len)
{
    char *text = sec_alloc(r, len);
    size_t n = 0;
    while (text && n < len) {
        ssize_t got = pread(fd, text + n, len - n, (off_t)n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return NULL;
        n += (size_t)got;
    }
    return text;
}

static bool is_open(const struct sec_reader *r, const struct stat *st)
{
    for (const struct sec_include *i = r->open; i; i = i->up)
        if (i->dev == st->st_dev && i->ino == st->st_ino)
            return true;
    return false;
}

static void read_file(struct sec_reader *r, const char *path, const char *at)
{
    struct stat st;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hold it up */
    if (fd < 0 || fstat(fd, &st)) {
        file_error(r, path, at, "cannot be opened");
        return;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX) {
        file_error(r, path, at, "is no file of up to 64 MiB");
        return;
    }
    if (is_open(r, &st)) {
        file_error(r, path, at, "includes itself");
        return;
    }
    if (r->depth == DEPTH_MAX || r->files == FILES_MAX) {
        file_error(r, path, at, "comes behind too many other files: up to 16 in each other, 4096 in all");
        return;
    }
    char *text = slurp(r, fd, (size_t)st.st_size);
    if (!text) {
        file_error(r, path, at, "cannot be read");
        return;
    }
    struct sec_include here = {.dev = st.st_dev, .ino = st.st_ino, .up = r->open};
    r->open = &here;
    r->depth++;
    r->files++;
    read_text(r, path, text, (size_t)st.st_size);
    r->depth--;
    r->open = here.up;
}

struct sec_program *sec_read(const char *const *files, size_t n, const struct sec_read_options *opt, struct diag *d)
{
    size_t before = diag_count(d);
    struct sec_program *p = calloc(1, sizeof *p);
    if (!p) {
        diag_add(d, NULL, 0, 0, "out of memory");
        return NULL;
    }
    struct sec_reader r = {.p = p, .d = d, .skip_unknown = opt && opt->skip_unknown};
    sec_settings_default(&p->settings);
    for (size_t i = 0; i < n && !r.failed; i++)
        read_file(&r, files[i], NULL);
    if (r.first)
        sec_error_at(&r, &r.first->place, "the chain goes on, but no rule follows");
    if (!r.failed && diag_count(d) == before)
        sec_finish(&r);
    free(r.items);
    free(r.changes);
    if (r.failed)
        diag_add(d, NULL, 0, 0, "out of memory while rules are read");
    if (diag_count(d) > before) {
        sec_program_free(p);
        return NULL;
    }
    return p;
}

void sec_program_free(struct sec_program *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->n_regexes; i++)
        regex_free(p->regexes[i]);
    free(p->regexes);
    arena_free(&p->arena);
    free(p);
}
