/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/told.h"

#include <string.h>

#include "divert/log_prefix.h"
#include "engine/pipeline.h"
#include "engine/report.h"

static const struct rule *find_rule(const struct generation *g, uint32_t id)
{
    for (size_t i = 0; i < g->kernel_rules; i++)
        if (ruleset_rule(g->rules, i)->id == id)
            return ruleset_rule(g->rules, i);
    return NULL;
}

/* NFLOG and NFQUEUE tell nearly the same of a packet. */
static struct queue_packet as_queued(const struct nflog_packet *np)
{
    struct queue_packet qp = {
        .mark = np->mark,
        .full_len = (uint32_t)np->payload.len,
        .indev = np->indev,
        .outdev = np->outdev,
        .physindev = np->physindev,
        .physoutdev = np->physoutdev,
        .ethertype = np->ethertype,
        .vlan_tci = np->vlan_tci,
        .has_vlan = np->has_vlan,
        .hook = np->hook,
        .hwaddr_len = np->hwaddr_len,
        .l2_header = np->l2_header,
        .payload = np->payload,
    };
    memcpy(qp.hwaddr, np->hwaddr, sizeof qp.hwaddr);
    return qp;
}

void told_packet(struct worker *w, const struct nflog_packet *np)
{
    struct log_origin o;
    struct packet p;
    if (!log_prefix_parse(np->prefix, &o))
        return;
    struct queue_packet qp = as_queued(np);
    pipeline_describe(w, &qp, &p);
    const struct rule *r = o.source == LOG_RULE ? find_rule(w->gen, o.id) : NULL;
    bool dropped = o.action == PLAN_DROP;
    if (r)
        report_kernel_rule(w, &p, r);
    else if (o.source == LOG_DETECTOR)
        report_kernel_detector(w, &p, detector_name((enum detector_id)o.id), dropped);
    else if (o.source == LOG_ARP || o.source == LOG_ETHERTYPE)
        report_kernel_detector(w, &p, o.source == LOG_ARP ? "frames.arp" : "frames.other", dropped);
}
