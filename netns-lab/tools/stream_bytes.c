/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lab-stream_bytes flow|nids PCAP [FOLDER]: the bytes of each TCP stream in a
 * capture, put together by sluice's own flow/ or by libnids (which serves here
 * as somebody else's opinion). A line for each direction:
 *
 *     CLIENT PORT SERVER PORT to_server|to_client BYTES SHA256
 *
 * FOLDER gets the bytes themselves, a file for each, named by the line's
 * beginning with "-" for spaces.
 */
#include <nettle/sha2.h>
#include <nids.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/capture.h"
#include "flow/flow.h"

/* One direction's digest, and its file where there is a folder. */
struct bytes {
    struct sha256_ctx digest;
    uint64_t n;
    FILE *file;
    char name[160];
};

struct pair {
    struct bytes dir[2];
};

static const char *folder;

static struct pair *pair_new(const char *client, unsigned client_port, const char *server, unsigned server_port)
{
    static const char *const names[] = {"to_server", "to_client"};
    struct pair *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    for (int dir = 0; dir < 2; dir++) {
        struct bytes *b = &p->dir[dir];
        snprintf(b->name, sizeof b->name, "%s %u %s %u %s", client, client_port, server, server_port, names[dir]);
        sha256_init(&b->digest);
        if (!folder)
            continue;
        char path[512];
        int at = snprintf(path, sizeof path, "%s/", folder);
        snprintf(path + at, sizeof path - (size_t)at, "%s", b->name);
        for (char *c = path + at; *c; c++)
            if (*c == ' ')
                *c = '-';
        b->file = fopen(path, "w");
    }
    return p;
}

static void pair_add(struct pair *p, int dir, const void *data, size_t n)
{
    struct bytes *b = &p->dir[dir];
    sha256_update(&b->digest, n, data);
    b->n += n;
    if (b->file && fwrite(data, 1, n, b->file) != n)
        perror(b->name);
}

static void pair_end(struct pair *p)
{
    for (int dir = 0; dir < 2; dir++) {
        struct bytes *b = &p->dir[dir];
        uint8_t sum[SHA256_DIGEST_SIZE];
        sha256_digest(&b->digest, sizeof sum, sum);
        printf("%s %llu ", b->name, (unsigned long long)b->n);
        for (size_t i = 0; i < sizeof sum; i++)
            printf("%02x", sum[i]);
        putchar('\n');
        if (b->file)
            fclose(b->file);
    }
    free(p);
}

/* ---- flow ---- */

static void gone(void *ctx, struct flow *f)
{
    (void)ctx;
    if (f->app)
        pair_end(f->app);
    f->app = NULL;
}

static struct pair *pair_of(struct flow *f)
{
    char a[IP_ADDR_TEXT_MAX], b[IP_ADDR_TEXT_MAX];
    if (!f->app)
        f->app = pair_new(ip_addr_format(&f->addr[0], a), f->port[0], ip_addr_format(&f->addr[1], b), f->port[1]);
    return f->app;
}

static void follow(struct flow_table *t, const struct packet *p, uint64_t now_ms)
{
    struct flow_result r;
    struct span s;
    flow_packet(t, p, now_ms, &r);
    if (r.drop)
        fprintf(stderr, "dropped: %s\n", flow_reason_name(r.reason));
    if (!r.flow)
        return;
    struct pair *pair = pair_of(r.flow);
    while (flow_next(t, &r, &s)) {
        pair_add(pair, r.dir, s.data, s.len);
        flow_done(t, &r, true);
    }
}

static int run_flow(const char *file)
{
    struct flow_options opt = {.flows = 100000, .memory = (size_t)1 << 30, .per_flow = 64 << 20, .gone = gone};
    for (int i = 0; i < FLOW_STATES; i++)
        opt.timeout_s[i] = 3600;
    char why[PCAP_ERRBUF_SIZE];
    struct flow_table *t = flow_table_new(&opt);
    pcap_t *pcap = pcap_open_offline(file, why);
    if (!t || !pcap) {
        fprintf(stderr, "%s: %s\n", file, why);
        return 1;
    }
    struct pcap_pkthdr *h;
    const uint8_t *data;
    while (pcap_next_ex(pcap, &h, &data) == 1) {
        struct queue_packet qp;
        struct packet p;
        if (!capture_packet(pcap_datalink(pcap), span_of(data, h->caplen), h->len, &qp))
            continue;
        struct packet_meta meta = {.ethertype = qp.ethertype, .full_len = qp.full_len, .csum = CSUM_NOT_READY};
        packet_decode(&p, &meta, qp.payload, 0);
        if (p.ip_proto == 6)
            follow(t, &p, (uint64_t)h->ts.tv_sec * 1000 + (uint64_t)h->ts.tv_usec / 1000);
    }
    pcap_close(pcap);
    flow_table_free(t);
    return 0;
}

/* ---- nids ---- */

static const char *text_of(unsigned addr, char *buf)
{
    struct ip_addr a = {.family = 4};
    memcpy(a.bytes, &addr, 4);
    return ip_addr_format(&a, buf);
}

static void on_stream(struct tcp_stream *s, void **mine)
{
    char a[IP_ADDR_TEXT_MAX], b[IP_ADDR_TEXT_MAX];
    if (s->nids_state == NIDS_JUST_EST) {
        s->client.collect = s->server.collect = 1;
        *mine = pair_new(text_of(s->addr.saddr, a), s->addr.source, text_of(s->addr.daddr, b), s->addr.dest);
    } else if (s->nids_state == NIDS_DATA) {
        const struct half_stream *to = s->server.count_new ? &s->server : &s->client;
        pair_add(*mine, to == &s->client, to->data, (size_t)to->count_new);
    } else if (*mine) {
        pair_end(*mine);
        *mine = NULL;
    }
}

static int run_nids(char *file)
{
    struct nids_chksum_ctl all = {.netaddr = 0, .mask = 0, .action = NIDS_DONT_CHKSUM};
    nids_params.filename = file;
    nids_params.scan_num_hosts = 0;
    nids_params.n_tcp_streams = 65536;
    if (!nids_init()) {
        fprintf(stderr, "%s: %s\n", file, nids_errbuf);
        return 1;
    }
    nids_register_chksum_ctl(&all, 1);
    nids_register_tcp((void *)on_stream);
    nids_run();
    nids_exit(); /* ends what is still open */
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: lab-stream_bytes flow|nids PCAP [FOLDER]\n");
        return 2;
    }
    folder = argc == 4 ? argv[3] : NULL;
    return strcmp(argv[1], "nids") == 0 ? run_nids(argv[2]) : run_flow(argv[2]);
}
