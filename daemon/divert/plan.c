/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "divert/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int plan_all(const struct config *c, struct plan *ret)
{
    *ret = (struct plan){.monitor = c->mode == MODE_MONITOR};
    ret->lines = calloc(c->divert.n_services + 1, sizeof *ret->lines);
    if (!ret->lines)
        return -ENOMEM;
    for (size_t i = 0; i < c->divert.n_services; i++) {
        const struct config_service *s = &c->divert.services[i];
        struct plan_line *l = &ret->lines[ret->n_lines++];
        *l = (struct plan_line){.proto = s->proto,
                                .ports = s->proto < 0 ? NULL : s->ports,
                                .n_ports = s->proto < 0 ? 0 : s->n_ports,
                                .to_server = true,
                                .to_client = true,
                                .states = PLAN_ALL_STATES};
        snprintf(l->why, sizeof l->why, "divert.services");
    }
    return 0;
}

void plan_free(struct plan *p)
{
    free(p->lines);
    *p = (struct plan){0};
}
