/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ModSecurity's configuration: read, and what came of it walked through. */
#include <stdlib.h>
#include <sys/mman.h>

#include "seclang/syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sum;

static void touch(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        sum += s.data[i];
}

static void touch_text(const struct sec_text *t)
{
    touch(t->as_written);
    for (uint32_t i = 0; i < t->n; i++)
        touch(t->at[i].var == SEC_VARS ? t->at[i].literal : t->at[i].selector);
}

static void check_link(const struct sec_rule *r)
{
    touch_text(&r->argument);
    touch_text(&r->message);
    for (uint32_t i = 0; i < r->n_targets; i++) {
        touch(r->targets[i].selector);
        if (r->targets[i].var >= SEC_VARS || (r->targets[i].select == SEC_BY_REGEX && !r->targets[i].regex))
            abort();
    }
    for (uint32_t i = 0; i < r->n_setvars; i++) {
        touch_text(&r->setvars[i].name);
        touch_text(&r->setvars[i].value);
    }
    for (uint32_t i = 0; i < r->n_tags; i++)
        touch_text(&r->tags[i]);
    for (unsigned i = 0; i < r->n_transforms; i++)
        if (r->transforms[i] >= TRANSFORMS)
            abort();
    if (r->op >= SEC_OPS || r->n_transforms > SEC_TRANSFORMS_MAX)
        abort();
}

static void check(const struct sec_program *p)
{
    uint32_t total = 0;
    for (unsigned phase = 1; phase < SEC_PHASES; phase++) {
        for (uint32_t i = 0; i < p->n[phase]; i++) {
            const struct sec_rule *r = p->rules[phase][i];
            if (r->phase != phase || r->order != i || r->index != total++ || r->disruptive == SEC_BLOCK)
                abort();
            if (r->skip_to && (r->skip_to <= i || r->skip_to > p->n[phase]))
                abort();
            for (unsigned q = 1; r->skip_on && q < SEC_PHASES; q++)
                if (r->skip_on[q] > p->n[q])
                    abort();
            for (const struct sec_rule *l = r; l; l = l->next)
                check_link(l);
        }
    }
    if (total != p->total)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const char *const files[] = {path};
    int fd = memfd_create("seclang", MFD_CLOEXEC);
    struct diag *d = diag_new();
    if (fd < 0 || !d || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (int skip = 0; skip < 2; skip++) {
        const struct sec_read_options opt = {.skip_unknown = skip};
        size_t before = diag_count(d);
        struct sec_program *p = sec_read(files, 1, &opt, d);
        if (p)
            check(p);
        else if (diag_count(d) == before)
            abort(); /* refused without a word why */
        sec_program_free(p);
    }
    diag_free(d);
    close(fd);
    return 0;
}
