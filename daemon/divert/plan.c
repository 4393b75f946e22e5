/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "divert/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int plan_all(const struct config *c, struct plan *ret)
{
    *ret = (struct plan){.monitor = c->mode == MODE_MONITOR};
    ret->lines = calloc(c->divert.n_services + 1, sizeof *ret->lines);
    if (!ret->lines)
        return -ENOMEM;
    for (size_t i = 0; i < c->divert.n_services; i++) {
        const struct config_service *s = &c->divert.services[i];
        struct plan_line *l = &ret->lines[ret->n_lines++];
        *l = (struct plan_line){.proto = s->proto, .to_server = true, .to_client = true, .states = PLAN_ALL_STATES};
        snprintf(l->why, sizeof l->why, "divert.services");
        if (s->proto < 0 || !s->n_ports)
            continue;
        l->ports = calloc(s->n_ports, sizeof *l->ports);
        if (!l->ports)
            return -ENOMEM;
        memcpy(l->ports, s->ports, s->n_ports * sizeof *l->ports);
        l->n_ports = s->n_ports;
    }
    return 0;
}

void plan_free(struct plan *p)
{
    for (size_t i = 0; i < p->n_lines; i++)
        free(p->lines[i].ports);
    free(p->lines);
    free(p->rules);
    *p = (struct plan){0};
}
