/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/pipeline.h"

#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>

#include "answer/answer.h"
#include "base/log.h"
#include "detect/detect.h"
#include "divert/marks.h"
#include "engine/ban_request.h"
#include "engine/report.h"
#include "engine/respond.h"
#include "engine/stream.h"

static const struct iface *in_iface(struct worker *w, const struct queue_packet *qp)
{
    uint32_t index = qp->physindev ? qp->physindev : qp->indev;
    return ifaces_find(&w->ifaces_in, w->gen->config, index, w->now_ms);
}

static const struct iface *out_iface(struct worker *w, const struct queue_packet *qp)
{
    uint32_t index = qp->physoutdev ? qp->physoutdev : qp->outdev;
    return ifaces_find(&w->ifaces_out, w->gen->config, index, w->now_ms);
}

static enum csum_state csum_of(uint32_t skb_info)
{
    if (skb_info & NFQA_SKB_CSUMNOTREADY)
        return CSUM_NOT_READY;
    return skb_info & NFQA_SKB_CSUM_NOTVERIFIED ? CSUM_VERIFY : CSUM_VERIFIED;
}

static void copy_macs(struct packet_meta *m, const struct queue_packet *qp)
{
    if (qp->l2_header.len >= 12) {
        memcpy(m->eth_dst, qp->l2_header.data, 6);
        memcpy(m->eth_src, qp->l2_header.data + 6, 6);
        m->has_eth_dst = m->has_eth_src = true;
    } else if (qp->hwaddr_len == 6) {
        memcpy(m->eth_src, qp->hwaddr, 6);
        m->has_eth_src = true;
    }
}

static void fill_meta(struct worker *w, const struct queue_packet *qp, struct packet_meta *m)
{
    uint32_t mask = w->divert->mark_mask;
    *m = (struct packet_meta){
        .id = qp->id,
        .mark = qp->mark & ~mask,
        .ct_mark = qp->ct_mark & ~mask,
        .ct_id = qp->ct_id,
        .full_len = qp->full_len,
        .ethertype = qp->ethertype,
        .vlan_tci = qp->vlan_tci,
        .hook = qp->hook,
        .has_ct_mark = qp->has_ct_mark,
        .has_vlan = qp->has_vlan,
        .bridged = qp->physindev || qp->physoutdev,
        .gso = qp->skb_info & NFQA_SKB_GSO,
        .csum = csum_of(qp->skb_info),
        .ct_state = mark_ct_state(mask, qp->mark),
        .ct_dir = mark_ct_direction(mask, qp->mark),
        .in_dev = in_iface(w, qp),
        .out_dev = out_iface(w, qp),
    };
    copy_macs(m, qp);
}

/* In inet our table sees the bridge, not its ports: a packet of two foreign ports comes up too. */
static bool is_guarded(const struct worker *w, const struct packet_meta *m)
{
    if (!w->divert->bridged || !w->gen->config->divert.n_ifaces)
        return true;
    return (m->in_dev && m->in_dev->side != SIDE_NONE) || (m->out_dev && m->out_dev->side != SIDE_NONE);
}

static struct fate by_policy(struct worker *w, enum policy p)
{
    bool open = p == POLICY_OPEN || w->gen->config->mode == MODE_MONITOR;
    count_add(&w->counters, open ? COUNT_ACCEPTED : COUNT_DROPPED, 1);
    return (struct fate){.verdict = open ? QUEUE_ACCEPT : QUEUE_DROP};
}

/* A packet that came up cut short where the rules need all of it goes round once more. */
static struct fate cut_short(struct worker *w, const struct queue_packet *qp)
{
    uint32_t mask = w->divert->mark_mask;
    if (mark_code(mask, qp->mark) != MARK_CODE_RETRY) {
        count_add(&w->counters, COUNT_RETRIED, 1);
        return (struct fate){QUEUE_REPEAT, true, (qp->mark & ~mask) | mark_of_code(mask, MARK_CODE_RETRY)};
    }
    count_add(&w->counters, COUNT_CUT_SHORT, 1);
    return by_policy(w, w->gen->config->policies.on_overload);
}

static struct fate refuse(struct worker *w, const struct packet *p)
{
    count_add(&w->counters, COUNT_REJECTED, 1);
    if (!w->divert->own_answers) {
        uint32_t code = mark_of_code(w->divert->mark_mask, MARK_CODE_REFUSE);
        return (struct fate){QUEUE_REPEAT, true, p->meta.mark | code};
    }
    int sent = w->answers.frame >= 0 && respond_may(w) ? answer_send(w->answers.frame, p) : 0;
    count_add(&w->counters, sent > 0 ? COUNT_ANSWERS : COUNT_ANSWERS_WITHHELD, 1);
    return (struct fate){.verdict = QUEUE_DROP};
}

/* The packet goes round once more, and the kernel notes in its ct mark what becomes of the connection's others. */
static struct fate by_code(struct worker *w, const struct packet *p, const struct decision *d, enum mark_code code)
{
    uint32_t mask = w->divert->mark_mask;
    uint32_t mark = d->set_mark ? d->mark : p->meta.mark;
    if (d->rule && d->rule->action == ACTION_REPEAT)
        mark = d->rule->mark;
    mark &= ~mask;
    return (struct fate){QUEUE_REPEAT, true, mark | mark_of_code(mask, code)};
}

static struct fate repeat(struct worker *w, const struct decision *d)
{
    uint32_t mask = w->divert->mark_mask;
    count_add(&w->counters, COUNT_REPEATED, 1);
    return (struct fate){QUEUE_REPEAT, true, (d->rule->mark & ~mask) | mark_of_code(mask, MARK_CODE_PASS)};
}

static struct fate accept_packet(struct worker *w, const struct decision *d)
{
    count_add(&w->counters, COUNT_ACCEPTED, 1);
    return (struct fate){QUEUE_ACCEPT, d->set_mark, d->mark & ~w->divert->mark_mask};
}

static struct fate drop_packet(struct worker *w, enum counter verdict)
{
    count_add(&w->counters, verdict, 1);
    return (struct fate){.verdict = QUEUE_DROP};
}

static struct fate monitored(struct worker *w)
{
    count_add(&w->counters, COUNT_MONITORED, 1);
    count_add(&w->counters, COUNT_ACCEPTED, 1);
    return (struct fate){.verdict = QUEUE_ACCEPT};
}

static bool follows(const struct worker *w, const struct packet *p)
{
    if (!((w->gen->needs & NEEDS_STREAMS) || w->gen->follows_all) || !p->ip_version || p->ip_proto != 6)
        return false;
    /* A fragment does not tell its ports; where conntrack puts them together none comes. */
    return p->is_fragment || p->l4 != L4_TCP || generation_follows(w->gen, p->srcport, p->dstport);
}

static struct fate condemn(struct worker *w, const struct packet *p, const struct decision *d, enum counter verdict)
{
    count_add(&w->counters, verdict, 1);
    return by_code(w, p, d, MARK_CODE_CONDEMN);
}

/* A rule on the packet itself stops it. */
static struct fate stop_packet(struct worker *w, const struct packet *p, const struct decision *d)
{
    enum action action = d->rule->action;
    if (w->gen->config->mode == MODE_MONITOR)
        return monitored(w);
    if (action == ACTION_DROP)
        return drop_packet(w, COUNT_DROPPED);
    if (action == ACTION_BAN)
        ban_request(w, &p->src, d->rule->ban_for, BANNED_BY_RULE, d->rule->id);
    if (follows(w, p) && stream_refuse(w, p, d))
        return condemn(w, p, d, COUNT_BLOCKED);
    if (action == ACTION_CONDEMN)
        return condemn(w, p, d, COUNT_BLOCKED);
    return action == ACTION_BAN ? drop_packet(w, COUNT_BLOCKED) : refuse(w, p);
}

/* What becomes of a packet that its own rules let go on. */
static struct fate let_go(struct worker *w, const struct packet *p, const struct decision *d, enum mark_code code)
{
    if (w->gen->config->mode == MODE_MONITOR) {
        count_add(&w->counters, COUNT_ACCEPTED, 1);
        return (struct fate){.verdict = QUEUE_ACCEPT};
    }
    if (code != MARK_CODE_NONE) {
        count_add(&w->counters, COUNT_ACCEPTED, 1);
        count_add(&w->counters, COUNT_OFFLOADED, code == MARK_CODE_OFFLOAD);
        return by_code(w, p, d, code);
    }
    return d->rule && d->rule->action == ACTION_REPEAT ? repeat(w, d) : accept_packet(w, d);
}

static struct fate offload(struct worker *w, const struct packet *p, const struct decision *d)
{
    if (!worker_may_offload(w))
        return let_go(w, p, d, MARK_CODE_NONE);
    if (follows(w, p))
        stream_offload(w, p);
    return let_go(w, p, d, MARK_CODE_OFFLOAD);
}

static struct fate carry_out(struct worker *w, const struct packet *p, const struct decision *d)
{
    if (d->rule && action_stops(d->rule->action))
        return stop_packet(w, p, d);
    if (d->rule && d->rule->action == ACTION_OFFLOAD)
        return offload(w, p, d);
    if (!follows(w, p))
        return let_go(w, p, d, MARK_CODE_NONE);
    bool judge = !d->rule || d->rule->action != ACTION_ACCEPT;
    struct stream_verdict v = stream_packet(w, p, judge);
    if (v.fate == STREAM_PASS)
        return let_go(w, p, d, v.code);
    if (w->gen->config->mode == MODE_MONITOR)
        return monitored(w);
    if (v.fate == STREAM_BLOCK || v.code == MARK_CODE_CONDEMN)
        return condemn(w, p, d, v.fate == STREAM_BLOCK ? COUNT_BLOCKED : COUNT_DROPPED);
    return drop_packet(w, COUNT_DROPPED);
}

static void count_matches(struct worker *w, const struct decision *d)
{
    generation_count_matches(w->gen, w->index, d);
    count_add(&w->counters, d->rule ? COUNT_BY_RULE : COUNT_NO_RULE, 1);
}

static struct fate undecided(struct worker *w, const struct packet *p)
{
    count_add(&w->counters, COUNT_UNDECIDED, 1);
    struct fate f = by_policy(w, w->gen->config->policies.on_memory);
    if (f.verdict == QUEUE_DROP)
        report_drop(w, p, "undecided");
    return f;
}

/* Whether a detector stops the packet. */
static bool is_detected(struct worker *w, const struct packet *p)
{
    struct finding f;
    if (!w->gen->detect || !detect_packet(w->gen->detect, w->index, p, w->now_ms, &f))
        return false;
    if (f.event)
        report_detected(w, p, NULL, f.id, f.action, f.count, f.held_back);
    if (f.action == DETECT_LOG || w->gen->config->mode == MODE_MONITOR)
        return false;
    if (f.action == DETECT_BAN)
        ban_request(w, &f.source, w->gen->config->detect[f.id].ban_for, BANNED_BY_DETECTOR, f.id);
    count_add(&w->counters, COUNT_DETECTED, 1);
    return true;
}

static struct fate judge(struct worker *w, const struct packet *p)
{
    struct decision d;
    if (is_detected(w, p))
        return drop_packet(w, COUNT_DROPPED);
    struct subject s = {.packet = p, .now_ms = w->now_ms};
    ruleset_decide(w->gen->rules, w->gen->scratch[w->index], PHASE_PACKET, &s, &d);
    if (d.undecided)
        return undecided(w, p);
    count_matches(w, &d);
    report_decision(w, p, &d);
    return carry_out(w, p, &d);
}

void pipeline_describe(struct worker *w, const struct queue_packet *qp, struct packet *ret)
{
    struct packet_meta meta;
    fill_meta(w, qp, &meta);
    packet_decode(ret, &meta, qp->payload, 0);
}

struct fate pipeline_decide(struct worker *w, const struct queue_packet *qp)
{
    unsigned needs = w->gen->needs;
    struct packet_meta meta;
    fill_meta(w, qp, &meta);
    if (!is_guarded(w, &meta)) {
        count_add(&w->counters, COUNT_NOT_GUARDED, 1);
        return by_policy(w, POLICY_OPEN);
    }
    if ((needs & NEEDS_WHOLE) && qp->payload.len < qp->full_len)
        return cut_short(w, qp);
    struct packet p;
    packet_decode(&p, &meta, qp->payload, needs & RULES_NEED_CHECKSUM ? PACKET_NEED_CHECKSUM : 0);
    if (p.anomalies)
        count_add(&w->counters, COUNT_ANOMALOUS, 1);
    return judge(w, &p);
}

void pipeline_run(struct worker *w, const struct queue_packet *qp)
{
    count_add(&w->counters, COUNT_BYTES, qp->full_len);
    struct fate f = pipeline_decide(w, qp);
    queue_decide(w->queue, qp->id, f.verdict, f.set_mark, f.mark);
}
