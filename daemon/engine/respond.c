/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/respond.h"

#include <stdio.h>
#include <string.h>

#define HEAD_MAX (LOCATION_MAX + 256)
#define PAGE_MAX (8704 + HEAD_MAX)

static const char page_text[] = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Refused</title></head>\n"
                                "<body><h1>Request refused</h1>\n"
                                "<p>This request was refused by a security rule. If you think that it should not "
                                "have been, tell the site's owner this number: <b>{request_id}</b></p>\n"
                                "</body></html>\n";

/* One end to be told: the segment to it, in the other end's name. */
struct pending {
    struct answer_tcp tcp;
    struct answer_link link;
    bool has_link;
    struct response how;
};

bool respond_may(struct worker *w)
{
    uint64_t second = w->now_ms / 1000;
    if (second != w->answers_second) {
        w->answers_second = second;
        w->answers_sent = 0;
    }
    return w->answers_sent++ < w->gen->config->limits.answers_per_second;
}

static bool can_answer(const struct worker *w)
{
    return w->answers.frame >= 0 || w->answers.raw4 >= 0 || w->answers.raw6 >= 0;
}

static struct pending *next_pending(struct worker *w)
{
    if (!can_answer(w) || w->n_pending == ARRAY_LEN(w->pending) || !respond_may(w)) {
        count_add(&w->counters, COUNT_ANSWERS_WITHHELD, 1);
        return NULL;
    }
    struct pending *a = calloc(1, sizeof *a);
    if (a)
        w->pending[w->n_pending++] = a;
    return a;
}

/* A frame to the end whose packets come as `to` says, in the name of the end at `from`. */
static bool fill_link(struct answer_link *l, const struct flow_link *to, const struct flow_link *from)
{
    if (!to->ifindex || !to->has_mac)
        return false;
    *l = (struct answer_link){
        .ifindex = to->ifindex, .has_vlan = to->has_vlan, .vlan_tci = to->vlan_tci, .has_src = from->has_mac};
    memcpy(l->dst_mac, to->mac, sizeof l->dst_mac);
    memcpy(l->src_mac, from->mac, sizeof l->src_mac);
    return true;
}

/* end: 0 the client, 1 the server. */
static struct pending *tell(struct worker *w, const struct flow *f, unsigned end, uint32_t seq, uint32_t ack)
{
    struct pending *a = next_pending(w);
    if (!a)
        return NULL;
    unsigned other = !end;
    a->tcp = (struct answer_tcp){.src = f->addr[other],
                                 .dst = f->addr[end],
                                 .srcport = f->port[other],
                                 .dstport = f->port[end],
                                 .seq = seq,
                                 .ack = ack,
                                 .flags = TCP_FLAG_RST | TCP_FLAG_ACK};
    a->has_link = fill_link(&a->link, &f->link[end], &f->link[other]);
    return a;
}

static uint32_t end_of(const struct packet *p)
{
    return p->tcp_seq + (uint32_t)p->payload.len + !!(p->tcp_flags & TCP_FLAG_SYN) + !!(p->tcp_flags & TCP_FLAG_FIN);
}

/* Where an end stands: what it has been sent and may take next. */
static uint32_t stands(const struct flow_result *r, enum flow_dir to)
{
    return r->dir == to ? r->start : r->flow->stream[to].next;
}

void respond_both(struct worker *w, const struct packet *p, const struct flow_result *r, const struct response *how)
{
    const struct flow *f = r->flow;
    bool from_client = r->dir == TO_SERVER;
    bool client_known = f->stream[TO_CLIENT].has_next, server_known = f->stream[TO_SERVER].has_next;
    uint32_t client_ack = from_client ? end_of(p) : f->stream[TO_SERVER].next;
    uint32_t client_next = f->quiet && from_client ? p->tcp_ack : stands(r, TO_CLIENT); /* unseen, it knows best */
    struct pending *a = tell(w, f, 0, client_known ? client_next : 0, client_ack);
    if (a && how->page && client_known && from_client) {
        a->how = *how;
    }
    if (server_known && client_known)
        (void)tell(w, f, 1, stands(r, TO_SERVER), f->stream[TO_CLIENT].next);
}

void respond_ends(struct worker *w, const struct flow *f)
{
    const struct flow_stream *to_server = &f->stream[TO_SERVER], *to_client = &f->stream[TO_CLIENT];
    if (!to_server->has_next || !to_client->has_next)
        return;
    (void)tell(w, f, 0, to_client->next, to_server->next);
    (void)tell(w, f, 1, to_server->next, to_client->next);
}

void respond_late(struct worker *w, const struct packet *p, const struct flow_result *r)
{
    bool asks = p->payload.len || (p->tcp_flags & TCP_FLAG_FIN);
    if (r->dir == TO_SERVER && asks && (p->tcp_flags & TCP_FLAG_ACK) && !(p->tcp_flags & TCP_FLAG_RST))
        (void)tell(w, r->flow, 0, p->tcp_ack, end_of(p));
}

void respond_probe(struct worker *w, const struct packet *p, const struct flow_result *r)
{
    struct pending *a = tell(w, r->flow, 1, p->tcp_seq, p->tcp_ack);
    if (a)
        a->tcp.flags = TCP_FLAG_ACK;
}

/* The page's HTML with the request's id in it; its length. */
static size_t fill_page(const char *html, const char *id, char *buf, size_t size)
{
    const char *mark = strstr(html, CONFIG_PAGE_ID);
    int n = mark ? snprintf(buf, size, "%.*s%s%s", (int)(mark - html), html, id, mark + strlen(CONFIG_PAGE_ID))
                 : snprintf(buf, size, "%s", html);
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

/* RFC 9110 15; others need no words. */
static const char *reason_of(uint16_t status)
{
    static const struct {
        uint16_t status;
        const char *text;
    } reasons[] = {
        {0, "Forbidden"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].text;
    return "Refused";
}

static size_t make_page(const struct worker *w, const struct pending *a, char *buf)
{
    char html[PAGE_MAX - HEAD_MAX];
    const char *own = w->gen->config->http.page;
    size_t len = fill_page(own ? own : page_text, a->how.id, html, sizeof html);
    bool redirect = a->how.location[0];
    int head = snprintf(buf, PAGE_MAX,
                        "HTTP/1.1 %u %s\r\n%s%s%sContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
                        "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
                        a->how.status ? a->how.status : 403, reason_of(a->how.status), redirect ? "Location: " : "",
                        a->how.location, redirect ? "\r\n" : "", len);
    if (a->how.head_only)
        return (size_t)head;
    memcpy(buf + head, html, len);
    return (size_t)head + len;
}

static int send_one(struct worker *w, const struct pending *a, const struct answer_tcp *tcp)
{
    if (w->answers.frame >= 0 && !a->has_link)
        return -1;
    return answer_tcp_send(&w->answers, tcp, a->has_link ? &a->link : NULL);
}

static int send_page(struct worker *w, const struct pending *a)
{
    char buf[PAGE_MAX];
    size_t len = make_page(w, a, buf);
    struct answer_tcp tcp = a->tcp;
    int err = 0;
    for (size_t at = 0; at < len && !err; at += tcp.payload.len) {
        tcp.payload = span_first(span_of(buf + at, len - at), ANSWER_PAYLOAD_MAX);
        tcp.seq = a->tcp.seq + (uint32_t)at;
        tcp.flags = TCP_FLAG_ACK | TCP_FLAG_PSH | (at + tcp.payload.len == len ? TCP_FLAG_FIN : 0);
        err = send_one(w, a, &tcp);
    }
    return err;
}

void respond_flush(struct worker *w)
{
    for (size_t i = 0; i < w->n_pending; i++) {
        struct pending *a = w->pending[i];
        int err = a->how.page ? send_page(w, a) : send_one(w, a, &a->tcp);
        count_add(&w->counters, err ? COUNT_ANSWERS_WITHHELD : COUNT_ANSWERS, 1);
        if (!err && (a->how.page || a->tcp.flags & TCP_FLAG_RST))
            count_add(&w->counters, a->how.page ? COUNT_PAGES : COUNT_RESETS, 1);
        free(a);
    }
    w->n_pending = 0;
}
