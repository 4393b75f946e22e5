/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "run_suite.h"

_Static_assert(sizeof(struct flow) + sizeof(void *) <= 300, "an idle flow's budget: its entry and its buckets");

enum {
    FIN = TCP_FLAG_FIN,
    SYN = TCP_FLAG_SYN,
    RST = TCP_FLAG_RST,
    ACK = TCP_FLAG_ACK,
    URG = TCP_FLAG_URG,
    SYNACK = TCP_FLAG_SYN | TCP_FLAG_ACK
};

static struct flow_options opt;
static struct flow_table *t;
static struct flow_result r;
static uint64_t now;
static uint32_t cb, sb; /* first bytes' numbers of client and server */
static uint16_t window, client_port;
static bool remember;
static char got[1 << 18]; /* what the last packet brought */
static size_t got_len;
static unsigned spans, gone;
static uint8_t wscale; /* of SYNs; 0xff: none */

static void on_gone(void *ctx, struct flow *f)
{
    (void)ctx;
    (void)f;
    gone++;
}

static bool on_service(const void *ctx, uint16_t port)
{
    (void)ctx;
    return port == 8080;
}

static void renew(void)
{
    flow_table_free(t);
    gone = 0;
    t = flow_table_new(&opt);
    ck_assert_ptr_nonnull(t);
}

static void set_up(void)
{
    opt = (struct flow_options){.flows = 100,
                                .memory = 1 << 20,
                                .per_flow = 1 << 18,
                                .midstream = true,
                                .timeout_s = {30, 30, 3600, 120, 10, 60},
                                .is_service = on_service,
                                .gone = on_gone};
    t = NULL;
    renew();
    now = 1000;
    cb = 1001;
    sb = 5001;
    window = 10000;
    client_port = 40000;
    remember = true;
    wscale = 0xff;
}

static void tear_down(void)
{
    flow_expire(t, now + 100000000, 1000000);
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    ck_assert_uint_eq(flow_counts(t)->flows, 0);
    flow_table_free(t);
}

static struct packet packet_of(enum flow_dir dir, unsigned flags, uint32_t seq, uint32_t ack)
{
    struct packet p = {.ip_version = 4, .ip_proto = 6, .l4 = L4_TCP, .tcp_flags = (uint8_t)flags};
    struct ip_addr client = {.family = 4, .bytes = {192, 0, 2, 1}}, server = {.family = 4, .bytes = {198, 51, 100, 2}};
    p.src = dir == TO_SERVER ? client : server;
    p.dst = dir == TO_SERVER ? server : client;
    p.srcport = dir == TO_SERVER ? client_port : 8080;
    p.dstport = dir == TO_SERVER ? 8080 : client_port;
    p.tcp_seq = seq;
    p.tcp_ack = ack;
    p.tcp_window = window;
    p.tcp_has_wscale = flags & SYN && wscale != 0xff;
    p.tcp_wscale = wscale;
    return p;
}

static void drain(void)
{
    struct span s;
    got_len = spans = 0;
    while (flow_next(t, &r, &s)) {
        memcpy(got + got_len, s.data, s.len);
        got_len += s.len;
        spans++;
        flow_done(t, &r, remember);
    }
    got[got_len] = 0;
}

static void put(const struct packet *p)
{
    flow_packet(t, p, now, &r);
    drain();
}

static void put_bytes(enum flow_dir dir, unsigned flags, uint32_t seq, uint32_t ack, const void *data, size_t len)
{
    struct packet p = packet_of(dir, flags, seq, ack);
    uint8_t *exact = malloc(len + 1);
    memcpy(exact, data, len);
    p.payload = span_of(exact, len);
    put(&p);
    free(exact);
}

static void put_text(enum flow_dir dir, unsigned flags, uint32_t seq, uint32_t ack, const char *text)
{
    put_bytes(dir, flags, seq, ack, text, strlen(text));
}

#define PASSES(text)                                                                                                   \
    do {                                                                                                               \
        ck_assert_msg(!r.drop, "dropped: %s", flow_reason_name(r.reason));                                             \
        ck_assert_str_eq(got, text);                                                                                   \
    } while (0)

#define DROPPED(why)                                                                                                   \
    do {                                                                                                               \
        ck_assert_str_eq(flow_reason_name(r.reason), flow_reason_name(why));                                           \
        ck_assert(r.drop);                                                                                             \
        ck_assert_uint_eq(got_len, 0);                                                                                 \
    } while (0)

#define IN_STATE(s) ck_assert_str_eq(flow_state_name(r.flow->state), flow_state_name(s))

/* From the client at an offset of its stream; and from the server. */
static void c(int off, const char *text)
{
    put_text(TO_SERVER, ACK, cb + (uint32_t)off, sb, text);
}

static void s(int off, const char *text)
{
    put_text(TO_CLIENT, ACK, sb + (uint32_t)off, cb, text);
}

/* The server has the client's bytes up to off. */
static void s_acks(int off)
{
    put_text(TO_CLIENT, ACK, sb, cb + (uint32_t)off, "");
    ck_assert(!r.drop);
}

static void c_acks(int off)
{
    put_text(TO_SERVER, ACK, cb, sb + (uint32_t)off, "");
    ck_assert(!r.drop);
}

static void shake(void)
{
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    PASSES("");
    ck_assert(r.fresh && r.dir == TO_SERVER);
    IN_STATE(FLOW_SYN_SENT);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    PASSES("");
    ck_assert(!r.fresh && r.dir == TO_CLIENT);
    IN_STATE(FLOW_SYN_RECEIVED);
    put_text(TO_SERVER, ACK, cb, sb, "");
    PASSES("");
    IN_STATE(FLOW_ESTABLISHED);
}

static void shake_at(uint32_t client, uint32_t server)
{
    renew();
    cb = client;
    sb = server;
    shake();
}

START_TEST(opening)
{
    shake();
    ck_assert_uint_ne(r.flow->id, 0);
    ck_assert_uint_eq(r.flow->port[0], 40000);
    ck_assert_uint_eq(r.flow->port[1], 8080);
    ck_assert(!r.flow->midstream);
    c(0, "GET ");
    PASSES("GET ");
    ck_assert_uint_eq(r.start, cb);
    c(4, "/");
    PASSES("/");
    ck_assert_uint_eq(r.start, cb + 4);
    s(0, "HTTP");
    PASSES("HTTP");
    ck_assert_int_eq(r.dir, TO_CLIENT);
    ck_assert_uint_eq(flow_counts(t)->begun, 1);
    ck_assert_uint_eq(flow_counts(t)->by_state[FLOW_ESTABLISHED], 1);
}
END_TEST

START_TEST(link_of_each_side)
{
    struct iface out = {.index = 3}, in = {.index = 4};
    struct packet p = packet_of(TO_SERVER, SYN, cb - 1, 0);
    p.meta = (struct packet_meta){.in_dev = &out, .has_vlan = true, .vlan_tci = 7, .has_eth_src = true, .eth_src = {2}};
    put(&p);
    p = packet_of(TO_CLIENT, SYNACK, sb - 1, cb);
    p.meta = (struct packet_meta){.in_dev = &in, .has_eth_src = true, .eth_src = {6}};
    put(&p);
    const struct flow_link *l = r.flow->link;
    ck_assert(l[0].ifindex == 3 && l[0].has_vlan && l[0].vlan_tci == 7 && l[0].has_mac && l[0].mac[0] == 2);
    ck_assert(l[1].ifindex == 4 && !l[1].has_vlan && l[1].has_mac && l[1].mac[0] == 6);
}
END_TEST

START_TEST(unfit_packets)
{
    static const uint32_t bad[] = {ANOMALY_BAD_CHECKSUM, ANOMALY_BAD_LENGTH, ANOMALY_BAD_FLAGS, ANOMALY_TRUNCATED,
                                   ANOMALY_BAD_IP_CHECKSUM};
    shake();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct packet p = packet_of(TO_SERVER, ACK, cb, sb);
        p.payload = span_of("evil", 4);
        p.anomalies = bad[i];
        put(&p);
        DROPPED(FLOW_BAD);
        ck_assert_ptr_null(r.flow);
    }
    struct packet p = packet_of(TO_SERVER, ACK, cb, sb);
    p.is_fragment = true;
    put(&p);
    DROPPED(FLOW_FRAGMENT);
    put_text(TO_SERVER, 0, cb, sb, "no ACK");
    DROPPED(FLOW_BAD);
    p = packet_of(TO_SERVER, ACK, cb, sb);
    p.ip_len = 100; /* only a part was copied */
    put(&p);
    DROPPED(FLOW_BAD);
    p.ip_proto = 17;
    put(&p);
    ck_assert(!r.drop && r.reason == FLOW_NOT_TRACKED && !r.flow);
    c(0, "good");
    PASSES("good");
    ck_assert_uint_eq(flow_counts(t)->dropped[FLOW_BAD], 7);
}
END_TEST

/* Every order of four segments, at every distance of the numbers from their end. */
START_TEST(any_order)
{
    static const char text[] = "abcdefghijkl";
    for (uint32_t base = (uint32_t)-14; base != 3; base++) {
        for (int order = 0; order < 256; order++) {
            int at[4] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6};
            if ((1 << at[0] | 1 << at[1] | 1 << at[2] | 1 << at[3]) != 15)
                continue;
            shake_at(base, base ^ 0x80000000);
            char all[32] = "";
            for (int i = 0; i < 4; i++) {
                put_bytes(TO_SERVER, ACK, cb + (uint32_t)at[i] * 3, sb, text + at[i] * 3, 3);
                ck_assert(!r.drop);
                strcat(all, got);
            }
            ck_assert_str_eq(all, text);
            s_acks(12);
            ck_assert_uint_eq(flow_counts(t)->memory, 0);
        }
    }
}
END_TEST

/* A waiting segment "defghi" at 3, and another over it in any way, with the same bytes and with each one changed. */
START_TEST(overlaps_of_waiting)
{
    static const char text[] = "abcdefghijklmno";
    for (int from = 1; from < 12; from++) {
        for (int len = 1; from + len < 15; len++) {
            for (int change = -1; change < len; change++) {
                char bytes[16];
                memcpy(bytes, text + from, (size_t)len);
                if (change >= 0)
                    bytes[change] ^= 1;
                shake_at(77, 99);
                put_bytes(TO_SERVER, ACK, cb + 3, sb, text + 3, 6);
                put_bytes(TO_SERVER, ACK, cb + (uint32_t)from, sb, bytes, (size_t)len);
                bool differs = change >= 0 && from + change >= 3 && from + change < 9;
                ck_assert_int_eq(r.drop, differs);
                ck_assert_int_eq(r.reason, differs ? FLOW_DIFFERS : FLOW_FINE);
                if (change >= 0)
                    continue;
                c(0, "a");
                size_t upto = from > 1 ? 1 : (size_t)(from + len > 9 ? from + len : from + len < 3 ? from + len : 9);
                ck_assert_uint_eq(got_len, upto);
                ck_assert_mem_eq(got, text, upto);
            }
        }
    }
}
END_TEST

/* What fills the hole and lies over what waits, by each length. */
START_TEST(filled_over_waiting)
{
    static const char text[] = "abcdefghijklmno";
    for (size_t len = 3; len < 15; len++) {
        for (int keep = 0; keep < 2; keep++) {
            remember = keep;
            shake_at(77, 99);
            c(3, "def");
            c(6, "ghi");
            put_bytes(TO_SERVER, ACK, cb, sb, text, len);
            ck_assert_uint_eq(got_len, len < 9 ? 9 : len);
            ck_assert_mem_eq(got, text, got_len);
            for (size_t i = 0, n = got_len; i < n; i++) {
                put_bytes(TO_SERVER, ACK, cb + (uint32_t)i, sb, "!", 1);
                ck_assert_int_eq(r.drop, keep);
            }
        }
    }
}
END_TEST

/* The same over bytes that were handed out and not acknowledged: 0 to 6, of which 2 are acknowledged. */
START_TEST(overlaps_of_remembered)
{
    static const char text[] = "abcdefghijklmno";
    for (int from = 0; from < 8; from++) {
        for (int len = 1; from + len < 15; len++) {
            for (int change = -1; change < len; change++) {
                char bytes[16];
                memcpy(bytes, text + from, (size_t)len);
                if (change >= 0)
                    bytes[change] ^= 1;
                shake_at(0xfffffffe, 99);
                c(0, "abcdef");
                s_acks(2);
                put_bytes(TO_SERVER, ACK, cb + (uint32_t)from, sb, bytes, (size_t)len);
                int at = from + change;
                bool differs = change >= 0 && at >= 2 && at < 6;
                ck_assert_int_eq(r.drop, differs);
                ck_assert_int_eq(r.reason, differs ? FLOW_DIFFERS : FLOW_FINE);
                size_t news = differs || from > 6 || from + len < 6 ? 0 : (size_t)(from + len - 6);
                ck_assert_uint_eq(got_len, news);
            }
        }
    }
}
END_TEST

START_TEST(first_copy_wins)
{
    shake();
    c(3, "xyz");
    PASSES("");
    c(3, "XYZ");
    DROPPED(FLOW_DIFFERS);
    c(0, "abcX");
    DROPPED(FLOW_DIFFERS);
    c(0, "abc");
    PASSES("abcxyz");
    ck_assert_uint_eq(spans, 2);
    c(0, "abcXyz");
    DROPPED(FLOW_DIFFERS);
    c(0, "abcxyz12");
    PASSES("12");
    s_acks(8);
    c(0, "whatever"); /* the receiver has them: it throws this away */
    PASSES("");
    c(-1, "?"); /* a keep-alive probe */
    PASSES("");
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    ck_assert_uint_eq(flow_counts(t)->dropped[FLOW_DIFFERS], 3);
}
END_TEST

/* Kept bytes are found again, wherever one chunk ends and the next begins. */
START_TEST(kept_in_parts)
{
    static char text[9000];
    for (int i = 0; i < (int)sizeof text; i++)
        text[i] = (char)('a' + i % 23);
    shake();
    for (int at = 0; at < (int)sizeof text; at += 1500) {
        put_bytes(TO_SERVER, ACK, cb + (uint32_t)at, sb, text + at, 1500);
        ck_assert_uint_eq(got_len, 1500);
    }
    for (int at = 0; at < (int)sizeof text; at++) {
        put_bytes(TO_SERVER, ACK, cb + (uint32_t)at, sb, text + at, 1);
        PASSES("");
        c(at, "!");
        DROPPED(FLOW_DIFFERS);
    }
    renew();
    shake();
    for (int i = 0; i < 3; i++) {
        remember = i != 1;
        put_bytes(TO_SERVER, ACK, cb + (uint32_t)i * 3, sb, text + i * 3, 3);
    }
    for (int at = 0; at < 9; at++) {
        put_bytes(TO_SERVER, ACK, cb + (uint32_t)at, sb, text + at, 1);
        PASSES("");
        c(at, "!");
        ck_assert_int_eq(r.drop, at / 3 != 1);
    }
}
END_TEST

START_TEST(waiting_before_waiting)
{
    shake();
    c(9, "jkl");
    c(3, "def");
    c(10, "k!");
    DROPPED(FLOW_DIFFERS);
    c(12, "mno");
    c(13, "!");
    DROPPED(FLOW_DIFFERS);
    c(6, "ghi");
    c(0, "abc");
    PASSES("abcdefghijklmno");
}
END_TEST

START_TEST(without_remembering)
{
    remember = false;
    shake();
    c(3, "def");
    ck_assert_uint_gt(flow_counts(t)->memory, 0);
    c(0, "abc");
    PASSES("abcdef");
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    c(0, "ABCDEF");
    PASSES("");
}
END_TEST

START_TEST(window_edge)
{
    window = 10;
    shake();
    c(11, "k");
    DROPPED(FLOW_OUTSIDE);
    c(10, "kl");
    DROPPED(FLOW_OUTSIDE);
    c(10, "k"); /* a probe */
    PASSES("");
    c(8, "ijkl"); /* over the edge: recorded in full */
    PASSES("");
    c(8, "ijkL");
    DROPPED(FLOW_DIFFERS);
    c(0, "abcdefgh");
    PASSES("abcdefghijkl");
    window = 0;
    s_acks(10);
    c(12, "m");
    DROPPED(FLOW_OUTSIDE);
    window = 5;
    s_acks(12);
    c(16, "q");
    PASSES("");
    c(18, "s");
    DROPPED(FLOW_OUTSIDE);
    window = 1; /* the edge never goes back */
    s_acks(12);
    c(15, "p");
    PASSES("");
}
END_TEST

START_TEST(zero_window_probe)
{
    window = 0;
    shake();
    c(0, "ab");
    DROPPED(FLOW_OUTSIDE);
    c(0, "a");
    PASSES("a");
    c(0, "a");
    PASSES("");
    c(0, "x");
    DROPPED(FLOW_DIFFERS);
}
END_TEST

START_TEST(window_scale)
{
    wscale = 3;
    window = 10;
    shake();
    c(10, "kl"); /* windows of SYNs are not scaled */
    DROPPED(FLOW_OUTSIDE);
    s_acks(0);
    c(79, "z");
    PASSES("");
    c(81, "z");
    DROPPED(FLOW_OUTSIDE);
    wscale = 0xff;
    renew();
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    wscale = 3; /* one side only: none */
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    c_acks(0);
    s_acks(0);
    c(11, "z");
    DROPPED(FLOW_OUTSIDE);
}
END_TEST

START_TEST(acknowledgements)
{
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    c_acks(-1); /* of something else than the SYN */
    IN_STATE(FLOW_SYN_RECEIVED);
    c_acks(0);
    IN_STATE(FLOW_ESTABLISHED);
    c(0, "abcdef");
    size_t kept = flow_counts(t)->memory;
    ck_assert_uint_gt(kept, 0);
    s_acks(3);
    ck_assert_uint_eq(r.flow->stream[0].acked, cb + 3);
    s_acks(1);
    ck_assert_uint_eq(r.flow->stream[0].acked, cb + 3);
    s_acks(6);
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
}
END_TEST

/* What the server has without our having seen it went by another way: we go on where it stands. */
START_TEST(bytes_that_went_elsewhere)
{
    shake();
    c(0, "abc");
    PASSES("abc");
    s_acks(10); /* "defghij" was never here */
    ck_assert(r.lost[TO_SERVER] && !r.lost[TO_CLIENT]);
    ck_assert(r.flow->midstream);
    c(10, "next");
    PASSES("next");
    ck_assert(!r.lost[TO_SERVER]);
    c(20, "waits"); /* behind a hole */
    PASSES("");
    s_acks(25); /* that the server has filled */
    ck_assert(r.lost[TO_SERVER]);
    c(25, "on");
    PASSES("waitson"); /* what waited is looked at late */
    c_acks(50);        /* a client's word alone does not count */
    ck_assert(!r.lost[TO_CLIENT]);
    s(5, "answer");
    PASSES("");
    c_acks(11); /* but of bytes that came by it does */
    ck_assert(r.lost[TO_CLIENT]);
    s(11, "more");
    PASSES("more");
    s(100000, "far"); /* the server is beyond any window that we know of */
    ck_assert(r.lost[TO_CLIENT]);
    PASSES("far");
    ck_assert_uint_ge(flow_counts(t)->midstream, 4);
}
END_TEST

/* A refused copy that went on all the same (mode monitor) is no reason to forget what was read. */
START_TEST(refused_copy_went_on)
{
    shake();
    c(3, "attack");
    c(0, "xyzharmless");
    DROPPED(FLOW_DIFFERS);
    s_acks(11);
    ck_assert(!r.lost[TO_SERVER]);
    c(0, "an ");
    PASSES("an attack");
}
END_TEST

/* A client whose server's bytes went by another way is believed when it insists, and what it sends is not lost. */
START_TEST(insisting_client)
{
    shake();
    c(0, "abc");
    for (int i = 0; i < 2; i++) {
        put_text(TO_SERVER, ACK, cb + 20, sb + 500, "GET again");
        DROPPED(FLOW_BAD_ACK);
    }
    put_text(TO_SERVER, ACK, cb + 20, sb + 500, "GET again");
    PASSES(""); /* behind a hole */
    ck_assert(r.lost[TO_CLIENT] && !r.lost[TO_SERVER]);
    put_text(TO_CLIENT, ACK, sb + 500, cb + 29, "answer"); /* the server has it */
    PASSES("answer");
    ck_assert(r.lost[TO_SERVER]);
    put_text(TO_SERVER, ACK, cb + 29, sb + 506, " and on");
    PASSES("GET again and on");
}
END_TEST

START_TEST(bytes_that_went_elsewhere_refused)
{
    opt.midstream = false;
    renew();
    shake();
    c(0, "abc");
    s_acks(3);
    put_text(TO_CLIENT, ACK, sb, cb + 10, "");
    DROPPED(FLOW_MIDSTREAM);
}
END_TEST

/* Bytes that come with an ACK of what was never sent, or of long ago, are no receiver's first copy. */
START_TEST(bytes_with_odd_acks)
{
    shake();
    put_text(TO_SERVER, ACK, cb, sb + 1, "decoy");
    DROPPED(FLOW_BAD_ACK);
    put_text(TO_SERVER, ACK, cb, sb - 65536, "decoy");
    DROPPED(FLOW_BAD_ACK);
    put_text(TO_SERVER, ACK | FIN, cb, sb + 1, "");
    DROPPED(FLOW_BAD_ACK);
    put_text(TO_SERVER, ACK, cb, sb + 1, ""); /* without bytes it moves nobody */
    PASSES("");
    put_text(TO_SERVER, ACK, cb, sb, "real");
    PASSES("real");
    put_text(TO_CLIENT, ACK, sb, cb + 4, "answer");
    PASSES("answer");
    put_text(TO_SERVER, ACK, cb + 4, sb, "old ack");
    PASSES("old ack");
}
END_TEST

static struct packet by_interface(enum flow_dir dir, const struct iface *in, const struct iface *out)
{
    struct packet p = packet_of(dir, ACK, dir == TO_SERVER ? cb : sb, dir == TO_SERVER ? sb : cb);
    p.meta.in_dev = in;
    p.meta.out_dev = out;
    return p;
}

/* A client that speaks in the server's name comes from the wrong side; where both are on one side nothing tells. */
START_TEST(spoofed)
{
    static const struct iface outside = {.index = 3}, inside = {.index = 4};
    struct packet p = packet_of(TO_SERVER, SYN, cb - 1, 0);
    p.meta.in_dev = &outside;
    p.meta.out_dev = &inside;
    put(&p);
    p = packet_of(TO_CLIENT, SYNACK, sb - 1, cb);
    p.meta.in_dev = &outside;
    put(&p);
    DROPPED(FLOW_SPOOFED);
    p.meta.in_dev = &inside;
    p.meta.out_dev = &outside;
    put(&p);
    PASSES("");
    p = by_interface(TO_SERVER, &outside, &inside);
    put(&p);
    PASSES("");
    IN_STATE(FLOW_ESTABLISHED);
    p = by_interface(TO_CLIENT, &outside, &inside);
    put(&p);
    DROPPED(FLOW_SPOOFED);
    p = by_interface(TO_SERVER, &inside, &outside);
    put(&p);
    DROPPED(FLOW_SPOOFED);
    client_port++;
    p = packet_of(TO_SERVER, SYN, cb - 1, 0);
    p.meta.in_dev = p.meta.out_dev = &outside;
    put(&p);
    p = packet_of(TO_CLIENT, SYNACK, sb - 1, cb);
    p.meta.in_dev = p.meta.out_dev = &outside;
    put(&p);
    PASSES("");
}
END_TEST

/* A forged SYN-ACK from the client's side does not keep the client out. */
START_TEST(spoofed_first)
{
    static const struct iface outside = {.index = 3}, inside = {.index = 4};
    struct packet p = packet_of(TO_CLIENT, SYNACK, sb - 1, cb);
    p.meta.in_dev = &outside;
    p.meta.out_dev = &inside;
    put(&p);
    p = packet_of(TO_SERVER, SYN, cb - 1, 0);
    p.meta.in_dev = &outside;
    p.meta.out_dev = &inside;
    put(&p);
    PASSES("");
    ck_assert(r.fresh);
    IN_STATE(FLOW_SYN_SENT);
}
END_TEST

/* A span may be handed back in parts, of which some are remembered. */
START_TEST(handed_back_in_parts)
{
    struct span s;
    shake();
    struct packet p = packet_of(TO_SERVER, ACK, cb, sb);
    p.payload = span_of("headBODYtail", 12);
    flow_packet(t, &p, now, &r);
    ck_assert(flow_next(t, &r, &s));
    ck_assert_uint_eq(s.len, 12);
    ck_assert(flow_part(t, &r, 4, true));
    ck_assert(flow_part(t, &r, 4, false));
    ck_assert(!flow_part(t, &r, 4, true));
    flow_done(t, &r, true);
    ck_assert(!flow_next(t, &r, &s));
    c(0, "headxxxxtail"); /* what was not remembered is not compared */
    PASSES("");
    c(0, "hexdBODYtail");
    DROPPED(FLOW_DIFFERS);
    c(8, "tale");
    DROPPED(FLOW_DIFFERS);
}
END_TEST

START_TEST(urgent)
{
    shake();
    put_text(TO_SERVER, ACK | URG, cb, sb, "abc");
    DROPPED(FLOW_URGENT);
    put_text(TO_SERVER, ACK | URG, cb, sb, ""); /* its pointer may name a later byte */
    DROPPED(FLOW_URGENT);
    opt.urgent_ok = true;
    flow_table_set(t, &opt);
    put_text(TO_SERVER, ACK | URG, cb, sb, "abc");
    PASSES("abc");
}
END_TEST

START_TEST(reset_exact)
{
    for (int dir = 0; dir < 2; dir++) {
        renew();
        shake();
        c(0, "abc");
        s(0, "xyz");
        put_text(dir, RST, (dir == TO_SERVER ? cb : sb) + 3, 0, "");
        PASSES("");
        ck_assert(r.reset);
        IN_STATE(FLOW_CLOSED);
        ck_assert_uint_eq(flow_counts(t)->memory, 0);
        c(3, "d");
        DROPPED(FLOW_AFTER_CLOSE);
        s(3, "d");
        DROPPED(FLOW_AFTER_CLOSE);
        c_acks(3);
        put_text(dir, RST, 17, 0, "");
        PASSES("");
        ck_assert(!r.reset);
    }
    renew();
    shake();
    c(0, "abc"); /* the receiver may not have got them */
    put_text(TO_SERVER, RST, cb, 0, "");
    ck_assert(r.reset);
}
END_TEST

START_TEST(reset_inexact)
{
    shake();
    c(0, "abc");
    static const int offs[] = {1, 2, 4, 9000, 20000, -1, -70000};
    for (size_t i = 0; i < ARRAY_LEN(offs); i++) {
        put_text(TO_SERVER, RST, cb + (uint32_t)offs[i], 0, "");
        DROPPED(FLOW_BAD_RESET);
        IN_STATE(FLOW_ESTABLISHED);
    }
    c(10, "klm");
    put_text(TO_SERVER, RST, cb + 13, 0, ""); /* as far as its sender has come */
    PASSES("");
    ck_assert(r.reset);
}
END_TEST

START_TEST(reset_of_syn)
{
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    put_text(TO_CLIENT, RST, 0, 0, "");
    DROPPED(FLOW_BAD_RESET);
    put_text(TO_CLIENT, RST | ACK, 0, cb + 1, "");
    DROPPED(FLOW_BAD_RESET);
    put_text(TO_SERVER, RST, 99, 0, ""); /* the answer to a challenge: passes, closes nothing here */
    PASSES("");
    IN_STATE(FLOW_SYN_SENT);
    put_text(TO_CLIENT, RST | ACK, 0, cb, "");
    PASSES("");
    ck_assert(r.reset);
    IN_STATE(FLOW_CLOSED);
    cb += 5000;
    shake();
}
END_TEST

START_TEST(closing)
{
    shake();
    put_text(TO_SERVER, ACK | FIN, cb, sb, "bye");
    PASSES("bye");
    ck_assert(r.eof);
    IN_STATE(FLOW_CLOSING);
    ck_assert_uint_eq(r.flow->stream[0].next, cb + 4);
    put_text(TO_SERVER, ACK | FIN, cb, sb, "bye");
    PASSES("");
    ck_assert(!r.eof);
    put_text(TO_SERVER, ACK | FIN, cb, sb, "bYe");
    DROPPED(FLOW_DIFFERS);
    put_text(TO_SERVER, ACK | FIN, cb, sb, "by");
    DROPPED(FLOW_OUTSIDE);
    c(3, "x");
    DROPPED(FLOW_OUTSIDE);
    c(5, "x");
    DROPPED(FLOW_OUTSIDE);
    s(0, "later");
    PASSES("later");
    s_acks(4);
    put_text(TO_CLIENT, ACK | FIN, sb + 5, cb + 4, "");
    PASSES("");
    ck_assert(r.eof);
    IN_STATE(FLOW_CLOSED);
    put_text(TO_CLIENT, ACK | FIN, sb + 5, cb + 4, "");
    PASSES("");
    put_text(TO_SERVER, ACK, cb + 4, sb + 6, "");
    PASSES("");
    put_text(TO_SERVER, ACK, cb + 4, sb + 6, "more");
    DROPPED(FLOW_AFTER_CLOSE);
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    cb += 100;
    shake();
    ck_assert_uint_eq(gone, 1);
}
END_TEST

START_TEST(fin_out_of_order)
{
    shake();
    put_text(TO_SERVER, ACK | FIN, cb + 3, sb, "def");
    PASSES("");
    ck_assert(!r.eof);
    IN_STATE(FLOW_ESTABLISHED);
    c(6, "x");
    DROPPED(FLOW_OUTSIDE);
    put_text(TO_SERVER, ACK | FIN, cb + 7, sb, "");
    DROPPED(FLOW_OUTSIDE);
    c(0, "abc");
    PASSES("abcdef");
    ck_assert(r.eof);
    IN_STATE(FLOW_CLOSING);
    renew();
    shake();
    c(3, "def");
    put_text(TO_SERVER, ACK | FIN, cb, sb, "abc"); /* bytes passed behind it */
    DROPPED(FLOW_OUTSIDE);
    c(0, "abc");
    PASSES("abcdef");
    put_text(TO_SERVER, ACK | FIN, cb + 5, sb, "");
    DROPPED(FLOW_OUTSIDE);
}
END_TEST

START_TEST(syn_with_data)
{
    put_text(TO_SERVER, SYN, cb - 1, 0, "GET /");
    PASSES("GET /");
    ck_assert(r.fresh);
    put_text(TO_SERVER, SYN, cb - 1, 0, "GET !");
    DROPPED(FLOW_DIFFERS);
    put_text(TO_SERVER, SYN, cb + 90, 0, ""); /* which one the server takes is not certain */
    DROPPED(FLOW_BAD_RESET);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb + 6, "");
    DROPPED(FLOW_BAD_RESET);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "HELLO"); /* the data was left out */
    PASSES("HELLO");
    c(0, "GET /a");
    PASSES("a");
    c(0, "PUT /a");
    DROPPED(FLOW_DIFFERS);
}
END_TEST

START_TEST(two_syns)
{
    for (int which = 0; which < 2; which++) {
        renew();
        put_text(TO_SERVER, SYN, 99, 0, "");
        put_text(TO_SERVER, SYN, 7999, 0, "data");
        DROPPED(FLOW_BAD_RESET);
        put_text(TO_SERVER, SYN, 7999, 0, "");
        PASSES("");
        ck_assert(!r.fresh);
        cb = which ? 8000 : 100;
        put_text(TO_SERVER, ACK, cb, sb, "early");
        DROPPED(FLOW_OUTSIDE);
        put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
        PASSES("");
        put_text(TO_SERVER, ACK, cb, sb, "abc");
        PASSES("abc");
        IN_STATE(FLOW_ESTABLISHED);
    }
}
END_TEST

/* A server with SYN cookies may answer twice with different numbers. */
START_TEST(two_syn_acks)
{
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    put_text(TO_CLIENT, SYNACK, sb + 999, cb, "");
    PASSES("");
    put_text(TO_CLIENT, ACK, sb, cb, "early");
    DROPPED(FLOW_OUTSIDE);
    c_acks(0);
    IN_STATE(FLOW_ESTABLISHED);
    put_text(TO_CLIENT, SYNACK, sb + 999, cb, "");
    DROPPED(FLOW_BAD_RESET);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    PASSES("");
    s(0, "abc");
    PASSES("abc");
}
END_TEST

START_TEST(simultaneous_open)
{
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    put_text(TO_CLIENT, SYN, sb - 1, 0, "");
    PASSES("");
    ck_assert_int_eq(r.dir, TO_CLIENT);
    c(0, "early");
    DROPPED(FLOW_OUTSIDE);
    put_text(TO_SERVER, SYNACK, cb - 1, sb, "");
    PASSES("");
    c(0, "early");
    DROPPED(FLOW_OUTSIDE);
    put_text(TO_CLIENT, ACK, sb, cb, ""); /* or SYN-ACK */
    PASSES("");
    IN_STATE(FLOW_ESTABLISHED);
    c(0, "abc");
    PASSES("abc");
    ck_assert_int_eq(r.dir, TO_SERVER);
    ck_assert_uint_eq(r.flow->port[1], 8080);
}
END_TEST

START_TEST(syn_while_established)
{
    shake();
    uint64_t id = r.flow->id;
    c(0, "GET /etc/pas");
    put_text(TO_SERVER, SYN, cb - 1, 0, ""); /* again */
    PASSES("");
    put_text(TO_SERVER, SYN, 70000, 0, "data");
    DROPPED(FLOW_BAD_RESET);
    put_text(TO_SERVER, SYN, 69999, 0, "");
    PASSES("");
    ck_assert(!r.fresh);
    c(12, "swd");
    PASSES("swd");
    put_text(TO_CLIENT, SYNACK, 29999, 1, "");
    DROPPED(FLOW_BAD_RESET);
    put_text(TO_CLIENT, SYNACK, 29999, 70000, "");
    PASSES("");
    ck_assert(r.fresh && r.dir == TO_CLIENT && r.flow->id != id && gone == 1);
    cb = 70000;
    sb = 30000;
    c(0, "abc");
    PASSES("abc");
    IN_STATE(FLOW_ESTABLISHED);
}
END_TEST

/* After a reset that the server never got, a SYN must not move us and not the server. */
START_TEST(decoy_reset_and_syn)
{
    shake();
    c(0, "GET /etc/pas");
    put_text(TO_SERVER, RST, cb + 12, 0, "");
    put_text(TO_SERVER, SYN, cb + 11, 0, "");
    ck_assert(r.fresh);
    c(12, "swd");
    DROPPED(FLOW_OUTSIDE);
    put_text(TO_SERVER, SYN, cb + 500, 0, "");
    put_text(TO_CLIENT, ACK, sb, cb + 12, ""); /* the server's challenge */
    PASSES("");
    c(12, "swd");
    DROPPED(FLOW_OUTSIDE);
    put_text(TO_SERVER, RST, cb + 12, 0, ""); /* an honest client clears it away */
    PASSES("");
}
END_TEST

START_TEST(roles_cannot_be_swapped)
{
    shake();
    put_text(TO_CLIENT, SYN, 1, 0, "");
    PASSES("");
    c(0, "abc");
    PASSES("abc");
    ck_assert_int_eq(r.dir, TO_SERVER);
    renew();
    put_text(TO_SERVER, SYNACK, cb - 1, sb, ""); /* to a service, from none */
    DROPPED(FLOW_BAD_RESET);
    ck_assert_ptr_null(r.flow);
    shake();
    put_text(TO_SERVER, SYNACK, cb - 1, sb, "");
    PASSES("");
    put_text(TO_SERVER, SYNACK, cb + 77, sb, "");
    DROPPED(FLOW_BAD_RESET);
}
END_TEST

/* In the server's name towards the client, before the client's own. */
START_TEST(syn_forged_first)
{
    put_text(TO_CLIENT, SYN, 1, 0, "");
    PASSES("");
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    PASSES("");
    ck_assert(r.fresh && r.dir == TO_SERVER);
    ck_assert_uint_eq(r.flow->port[1], 8080);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    PASSES("");
    c(0, "abc");
    PASSES("abc");
    ck_assert_int_eq(r.dir, TO_SERVER);
}
END_TEST

/* No service tells the server: the first SYN's sender is the client. */
START_TEST(syn_crosses)
{
    opt.is_service = NULL;
    renew();
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    PASSES("");
    put_text(TO_CLIENT, SYN, 1, 0, "");
    DROPPED(FLOW_BAD_RESET);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    PASSES("");
    c(0, "abc");
    PASSES("abc");
    ck_assert_int_eq(r.dir, TO_SERVER);
}
END_TEST

START_TEST(midstream_inspected)
{
    c_acks(0); /* no bytes: nothing to begin with */
    ck_assert(r.reason == FLOW_NOT_TRACKED && !r.flow);
    put_text(TO_CLIENT, RST, 1, 0, "");
    ck_assert(r.reason == FLOW_NOT_TRACKED && !r.flow);
    c(0, "abc");
    PASSES("abc");
    ck_assert(r.fresh && r.flow->midstream && r.dir == TO_SERVER);
    IN_STATE(FLOW_ESTABLISHED);
    ck_assert_uint_eq(r.start, cb);
    c(3, "def");
    PASSES("def");
    c(3, "dEf");
    DROPPED(FLOW_DIFFERS);
    s_acks(6);
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    s(50, "xyz"); /* its stream begins where it is seen */
    PASSES("xyz");
    put_text(TO_CLIENT, RST, sb + 53, 0, "");
    ck_assert(r.reset);
    ck_assert_uint_eq(flow_counts(t)->midstream, 1);
    renew();
    s(0, "xyz"); /* from a service */
    ck_assert(r.fresh && r.dir == TO_CLIENT && r.flow->port[1] == 8080);
    PASSES("xyz");
    renew();
    opt.is_service = NULL; /* the lower port is the server */
    renew();
    client_port = 22;
    s(0, "xyz");
    ck_assert(r.dir == TO_SERVER && r.flow->port[1] == 22);
}
END_TEST

START_TEST(midstream_syn_ack)
{
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    PASSES("");
    ck_assert(r.fresh && r.flow->midstream && r.dir == TO_CLIENT && r.flow->port[1] == 8080);
    IN_STATE(FLOW_SYN_RECEIVED);
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    PASSES("");
    ck_assert(!r.fresh);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    PASSES("");
    ck_assert(!r.fresh);
    c(0, "abc");
    PASSES("abc");
    IN_STATE(FLOW_ESTABLISHED);
}
END_TEST

START_TEST(midstream_refused)
{
    opt.midstream = false;
    renew();
    c(0, "abc");
    DROPPED(FLOW_MIDSTREAM);
    c(0, "");
    DROPPED(FLOW_MIDSTREAM);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    DROPPED(FLOW_MIDSTREAM);
    put_text(TO_SERVER, RST, cb, 0, "");
    PASSES("");
    ck_assert_uint_eq(flow_counts(t)->flows, 0);
    shake();
    c(0, "abc");
    PASSES("abc");
}
END_TEST

static void fill_table(void)
{
    for (client_port = 1000; client_port < 1100; client_port++)
        shake();
    ck_assert_uint_eq(flow_counts(t)->flows, 100);
}

START_TEST(full_closed)
{
    fill_table();
    put_text(TO_SERVER, SYN, 1, 0, "");
    DROPPED(FLOW_NO_MEMORY);
    ck_assert_ptr_null(r.flow);
    c(0, "midstream");
    DROPPED(FLOW_NO_MEMORY);
    client_port = 1005;
    put_text(TO_SERVER, RST, cb, 0, "");
    client_port = 1100;
    shake(); /* a closed one makes room */
    ck_assert_uint_eq(flow_counts(t)->evicted, 1);
    ck_assert_uint_eq(flow_counts(t)->flows, 100);
    ck_assert_uint_eq(gone, 1);
}
END_TEST

START_TEST(full_open)
{
    opt.open = true;
    renew();
    fill_table();
    put_text(TO_SERVER, SYN, 1, 0, "");
    ck_assert(!r.drop && r.reason == FLOW_NOT_TRACKED && !r.flow);
    ck_assert_uint_eq(flow_counts(t)->untracked, 1);
    ck_assert_uint_eq(flow_counts(t)->evicted, 0);
}
END_TEST

START_TEST(full_evicts)
{
    for (client_port = 1000; client_port < 1098; client_port++)
        shake();
    put_text(TO_SERVER, SYN, 1, 0, ""); /* half open: the oldest of them goes */
    client_port++;
    shake();
    flow_condemn(t, r.flow);
    client_port++;
    shake();
    ck_assert_uint_eq(flow_counts(t)->by_state[FLOW_SYN_SENT], 0);
    client_port++;
    put_text(TO_SERVER, SYN, 1, 0, "");
    DROPPED(FLOW_NO_MEMORY); /* condemned just now */
    now += 1001;
    put_text(TO_SERVER, SYN, 1, 0, "");
    PASSES("");
    ck_assert_uint_eq(flow_counts(t)->by_state[FLOW_CONDEMNED], 0);
    ck_assert_uint_eq(flow_counts(t)->evicted, 2);
}
END_TEST

START_TEST(per_flow_limit)
{
    static char big[8192];
    for (int open = 0; open < 2; open++) {
        opt.open = open;
        opt.per_flow = 8192;
        renew();
        shake();
        put_bytes(TO_SERVER, ACK, cb, sb, big, 5000);
        put_bytes(TO_SERVER, ACK, cb + 5000, sb, big, 5000);
        if (!open) {
            DROPPED(FLOW_NO_MEMORY);
            s_acks(5000);
            put_bytes(TO_SERVER, ACK, cb + 5000, sb, big, 5000);
            ck_assert(!r.drop && got_len == 5000);
            ck_assert_uint_eq(flow_counts(t)->dropped[FLOW_NO_MEMORY], 1);
        } else {
            ck_assert(!r.drop && got_len == 0 && r.flow->blind);
            ck_assert_uint_eq(flow_counts(t)->memory, 0);
            ck_assert_uint_eq(flow_counts(t)->blinded, 1);
            c(0, "anything");
            PASSES("");
        }
    }
}
END_TEST

/* What waits never shuts out what it waits for, and one whole packet fits whatever the limit. */
START_TEST(limit_lets_the_hole_be_filled)
{
    static char big[60000];
    opt.per_flow = 4096;
    renew();
    window = 65535;
    shake();
    int held = 0;
    for (int off = 1; off < 20; off += 2) {
        c(off, "w");
        held += !r.drop;
    }
    ck_assert_int_eq(held, 4);
    c(0, "a");
    PASSES("aw");
    c(2, "b");
    PASSES("bw");
    s_acks(4);
    put_bytes(TO_SERVER, ACK, cb + 4, sb, "c", 1);
    PASSES("cw");
    s_acks(6);
    c(6, "d");
    PASSES("dw");
    s_acks(8);
    put_bytes(TO_SERVER, ACK, cb + 8, sb, big, sizeof big);
    ck_assert(!r.drop && got_len == sizeof big);
}
END_TEST

START_TEST(small_segments_share)
{
    shake();
    for (int i = 0; i < 900; i++) {
        c(i, "x");
        PASSES("x");
    }
    ck_assert_uint_le(flow_counts(t)->memory, 1024);
    for (int i = 2001; i < 2800; i++)
        c(i, "y");
    ck_assert_uint_le(flow_counts(t)->memory, 2048);
}
END_TEST

START_TEST(table_memory)
{
    static char big[8000];
    opt.memory = 20000;
    for (int open = 0; open < 2; open++) {
        opt.open = open;
        renew();
        for (client_port = 2000; client_port < 2003; client_port++) {
            shake();
            put_bytes(TO_SERVER, ACK, cb, sb, big, sizeof big);
        }
        ck_assert_int_eq(r.drop, !open);
        ck_assert_int_eq(r.flow->blind, open);
        ck_assert_int_eq(r.reason, open ? FLOW_FINE : FLOW_NO_MEMORY);
        now += 10001; /* those that kept bytes all this time lose them */
        client_port = 2004;
        shake();
        put_bytes(TO_SERVER, ACK, cb, sb, big, sizeof big);
        ck_assert(!r.drop && got_len == sizeof big);
        client_port = 2000;
        put_bytes(TO_SERVER, ACK, cb + 8000, sb, "x", 1);
        ck_assert_int_eq(r.reason, open ? FLOW_FINE : FLOW_WAS_CONDEMNED);
    }
}
END_TEST

START_TEST(charges)
{
    shake();
    struct flow *f = r.flow;
    ck_assert(flow_charge(t, f, 1000));
    ck_assert_uint_eq(flow_counts(t)->memory, 1000);
    ck_assert(!flow_charge(t, f, (1 << 20) + 1));
    c(0, "abc");
    DROPPED(FLOW_NO_MEMORY);
    ck_assert(flow_charge(t, f, 10));
    c(0, "abc");
    PASSES("abc");
    ck_assert_uint_eq(f->charged, 10);
}
END_TEST

START_TEST(expiry)
{
    static const unsigned seconds[FLOW_STATES] = {30, 30, 3600, 120, 10, 60};
    for (int state = 0; state < FLOW_STATES; state++) {
        for (int keeps = 0; keeps < 2; keeps++) {
            renew();
            put_text(TO_SERVER, SYN, cb - 1, 0, keeps ? "k" : "");
            if (state >= FLOW_SYN_RECEIVED)
                put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
            if (state >= FLOW_ESTABLISHED)
                c_acks(0);
            if (state == FLOW_CLOSING || state == FLOW_CLOSED)
                put_text(TO_SERVER, ACK | FIN, cb + (uint32_t)keeps, sb, "");
            if (state == FLOW_CLOSED)
                put_text(TO_CLIENT, ACK | FIN, sb, cb, "");
            if (state == FLOW_CONDEMNED)
                flow_condemn(t, r.flow);
            IN_STATE((enum flow_state)state);
            ck_assert_uint_eq(flow_counts(t)->by_state[state], 1);
            flow_expire(t, now + seconds[state] * 1000 - 1, 10);
            ck_assert_uint_eq(gone, 0);
            flow_expire(t, now + seconds[state] * 1000, 0);
            ck_assert_uint_eq(gone, 0);
            flow_expire(t, now += seconds[state] * 1000, 10);
            ck_assert_uint_eq(gone, 1);
            ck_assert_uint_eq(flow_counts(t)->flows, 0);
            ck_assert_uint_eq(flow_counts(t)->memory, 0);
        }
    }
}
END_TEST

START_TEST(expiry_by_age)
{
    for (client_port = 1; client_port <= 50; client_port++, now += 1000)
        shake();
    client_port = 1;
    c_acks(0); /* it is young again */
    flow_expire(t, 1000 + 3600000 + 20000, 5);
    ck_assert_uint_eq(gone, 5);
    flow_expire(t, 1000 + 3600000 + 20000, 1000);
    ck_assert_uint_eq(gone, 20);
    now = 1000 + 3600000 + 20000;
    put_text(TO_SERVER, SYN, 7, 0, "");
    ck_assert(!r.fresh);
    client_port = 30; /* timed out, though nobody came to see it */
    now += 3600000;
    put_text(TO_SERVER, SYN, 7, 0, "");
    ck_assert(r.fresh);
}
END_TEST

START_TEST(condemned)
{
    shake();
    struct packet p = packet_of(TO_SERVER, ACK, cb, sb);
    p.payload = span_of("abc", 3);
    flow_packet(t, &p, now, &r);
    struct span sp;
    ck_assert(flow_next(t, &r, &sp));
    flow_condemn(t, r.flow);
    flow_done(t, &r, true);
    ck_assert(!flow_next(t, &r, &sp));
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    ck_assert_uint_eq(r.flow->stream[0].next, cb);
    c(0, "abc");
    DROPPED(FLOW_WAS_CONDEMNED);
    ck_assert_ptr_nonnull(r.flow);
    ck_assert_uint_eq(r.start, cb);
    s(0, "abc");
    DROPPED(FLOW_WAS_CONDEMNED);
    put_text(TO_SERVER, RST, cb, 0, "");
    DROPPED(FLOW_WAS_CONDEMNED);
    put_text(TO_CLIENT, SYN, sb + 900, 0, "");
    DROPPED(FLOW_WAS_CONDEMNED);
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    PASSES("");
    ck_assert(r.fresh && gone == 1);
    c(0, "abc"); /* the old server would take it */
    DROPPED(FLOW_OUTSIDE);
}
END_TEST

START_TEST(blind)
{
    shake();
    c(3, "later");
    flow_blind(t, r.flow);
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    c(0, "a");
    PASSES("");
    c(0, "b");
    PASSES("");
    c(500000, "far");
    PASSES("");
    put_text(TO_SERVER, ACK | FIN, cb + 10, sb, "");
    PASSES("");
    IN_STATE(FLOW_CLOSING);
    put_text(TO_CLIENT, ACK | FIN, sb, cb, "");
    IN_STATE(FLOW_CLOSED);
    c(11, "still");
    PASSES("");
    shake();
    ck_assert(!r.flow->blind);
    flow_blind(t, r.flow);
    put_text(TO_SERVER, RST, 3, 0, "");
    PASSES("");
    ck_assert(r.reset);
    renew();
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    flow_blind(t, r.flow);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    IN_STATE(FLOW_SYN_RECEIVED);
    c_acks(0);
    IN_STATE(FLOW_ESTABLISHED);
}
END_TEST

START_TEST(ipv6_and_neighbours)
{
    struct packet p = packet_of(TO_SERVER, SYN, 1, 0);
    p.ip_version = 6;
    p.src = (struct ip_addr){.family = 6, .bytes = {[15] = 1}};
    p.dst = (struct ip_addr){.family = 6, .bytes = {[15] = 2}};
    put(&p);
    ck_assert(r.fresh);
    struct flow *f = r.flow;
    p.src.bytes[8] = 1;
    put(&p);
    ck_assert(r.fresh && r.flow != f && r.flow->id != f->id);
    p.src.bytes[8] = 0;
    p.srcport++;
    put(&p);
    ck_assert(r.fresh);
    p.srcport--;
    struct ip_addr src = p.src;
    p.src = p.dst;
    p.dst = src;
    uint16_t port = p.srcport;
    p.srcport = p.dstport;
    p.dstport = port;
    p.tcp_flags = SYNACK;
    p.tcp_ack = 2;
    put(&p);
    ck_assert(r.flow == f && r.dir == TO_CLIENT);
}
END_TEST

/* The table grows as flows come; none is lost on the way. */
START_TEST(many_flows)
{
    opt.flows = 300000;
    renew();
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 300000; i++) {
            struct packet p = packet_of(TO_SERVER, SYN, i, 0);
            memcpy(p.src.bytes, &i, 4);
            flow_packet(t, &p, now, &r);
            ck_assert(!r.drop && r.fresh == (round == 0));
        }
    }
    ck_assert_uint_eq(flow_counts(t)->flows, 300000);
}
END_TEST

/* ---- quiet flows: the server's bytes and the client's bare ACKs are not seen ---- */

/* The handshake as it comes up: without the client's last ACK. */
static void shake_quiet(void)
{
    put_text(TO_SERVER, SYN, cb - 1, 0, "");
    ck_assert(r.fresh && !r.flow->quiet);
    ck_assert_uint_eq(flow_set_quiet(t, r.flow, true), 0);
    put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
    PASSES("");
    IN_STATE(FLOW_SYN_RECEIVED);
}

/* From the client, which has got the server's bytes up to `ack`. */
static void cq(int off, int ack, const char *text)
{
    put_text(TO_SERVER, ACK, cb + (uint32_t)off, sb + (uint32_t)ack, text);
}

START_TEST(quiet_requests)
{
    shake_quiet();
    cq(0, 0, "GET /1");
    PASSES("GET /1");
    IN_STATE(FLOW_ESTABLISHED);
    ck_assert(!r.answered && !r.lost[TO_CLIENT] && !r.flow->midstream);
    cq(6, 1000, "GET /2"); /* an answer went by */
    PASSES("GET /2");
    ck_assert(r.answered && !r.lost[TO_CLIENT] && !r.flow->midstream);
    ck_assert_uint_eq(r.flow->stream[TO_CLIENT].next, sb + 1000);
    cq(12, 400, "GET /3"); /* an ACK of before does not take it back */
    PASSES("GET /3");
    ck_assert(!r.answered);
    ck_assert_uint_eq(r.flow->stream[TO_CLIENT].next, sb + 1000);
    cq(12, 1000, "GET /3");
    PASSES("");
    cq(6, 1000, "GET /2GET !3");
    DROPPED(FLOW_DIFFERS);
    put_text(TO_CLIENT, ACK, sb + 1000, cb + 18, "some of it is seen");
    PASSES(""); /* and not followed */
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    ck_assert_uint_eq(r.flow->stream[TO_SERVER].acked, cb + 18);
    cq(18, 5000, "GET /4");
    PASSES("GET /4");
    ck_assert_uint_eq(flow_counts(t)->midstream, 0);
}
END_TEST

/* A long keep-alive connection whose server never sends an ACK by itself. */
START_TEST(quiet_keep_alive)
{
    static char text[300];
    for (int slow = 0; slow < 2; slow++) {
        cb = (uint32_t)-1500000; /* its numbers come round */
        renew();
        shake_quiet();
        uint32_t at = 0;
        for (int i = 0; i < 10000; i++, at += sizeof text) {
            memset(text, 'a' + i % 26, sizeof text);
            put_bytes(TO_SERVER, ACK, cb + at, sb + (uint32_t)i * 1000, text, sizeof text);
            ck_assert(!r.drop && got_len == sizeof text);
            ck_assert_uint_le(flow_counts(t)->memory, slow ? 65536 : opt.per_flow + 4096);
            put_bytes(TO_SERVER, ACK, cb + at, sb + (uint32_t)i * 1000, text, sizeof text); /* again */
            ck_assert(!r.drop);
            now += slow ? 3 : 0;
        }
        text[7] ^= 1;
        put_bytes(TO_SERVER, ACK, cb + at - sizeof text, sb, text, sizeof text);
        DROPPED(FLOW_DIFFERS);
        for (uint32_t far = 1000000; far <= at; far += 1000000) { /* what cannot be compared passes in no form */
            put_bytes(TO_SERVER, ACK, cb + at - far, sb, text, sizeof text);
            DROPPED(FLOW_OUTSIDE);
        }
        put_text(TO_CLIENT, ACK, sb, cb + at, ""); /* the server has it all */
        ck_assert_uint_eq(flow_counts(t)->memory, 0);
        put_bytes(TO_SERVER, ACK, cb + at - 1000000, sb, text, sizeof text);
        PASSES("");
    }
}
END_TEST

/* What is in flight is kept as long as the client hears nothing: one segment of it may have been lost behind us. */
START_TEST(quiet_upload)
{
    static char text[8192];
    window = 65535;
    shake_quiet();
    for (uint32_t at = 0; at < 30 * sizeof text; at += sizeof text, now += 50) {
        put_bytes(TO_SERVER, ACK, cb + at, sb, text, sizeof text);
        ck_assert(!r.drop && got_len == sizeof text);
    }
    put_bytes(TO_SERVER, ACK, cb, sb, text, sizeof text);
    PASSES("");
    put_bytes(TO_SERVER, ACK, cb + 30 * sizeof text, sb, text, sizeof text);
    ck_assert(!r.drop);
    put_bytes(TO_SERVER, ACK, cb + 31 * sizeof text, sb, text, sizeof text);
    DROPPED(FLOW_NO_MEMORY); /* more than a flow may keep: later, and not for ever */
    put_text(TO_CLIENT, ACK, sb, cb + 20 * sizeof text, "");
    put_bytes(TO_SERVER, ACK, cb + 31 * sizeof text, sb, text, sizeof text);
    ck_assert(!r.drop && got_len == sizeof text);
}
END_TEST

/* Both speak at once, and a segment is lost behind us: the server says so, and it is kept. */
START_TEST(quiet_loss_is_told)
{
    static char text[1400];
    for (int told = 0; told < 2; told++) {
        renew();
        shake_quiet();
        for (uint32_t i = 0; i < 100; i++, now += 10) {
            put_bytes(TO_SERVER, ACK, cb + i * sizeof text, sb + i * 10, text, sizeof text);
            ck_assert(!r.drop);
            if (told && i > 1)
                put_text(TO_CLIENT, ACK, sb, cb + sizeof text, "");
        }
        put_bytes(TO_SERVER, ACK, cb + sizeof text, sb + 990, text, sizeof text);
        ck_assert_int_eq(r.reason, told ? FLOW_FINE : FLOW_OUTSIDE);
        text[0] ^= 1;
        put_bytes(TO_SERVER, ACK, cb + sizeof text, sb + 990, text, sizeof text);
        DROPPED(told ? FLOW_DIFFERS : FLOW_OUTSIDE);
        text[0] ^= 1;
    }
}
END_TEST

/* 3 GiB without an ACK: no number comes round. */
START_TEST(quiet_old_numbers)
{
    static char text[65536];
    window = 65535;
    remember = false;
    shake_quiet();
    cq(0, 0, "head");
    uint32_t at = 4;
    for (int i = 0; i < 49152; i++, at += sizeof text) {
        put_bytes(TO_SERVER, ACK, cb + at, sb + (uint32_t)i, text, sizeof text);
        ck_assert_msg(!r.drop && got_len == sizeof text, "%d %s", i, flow_reason_name(r.reason));
        if (i % 1024)
            continue;
        /* more than a GiB back: by no number, once the ACK is so old */
        for (uint32_t back = (1u << 30) + 100000; i > 17408 && back > 1u << 20; back += 1u << 27) {
            put_text(TO_SERVER, ACK, cb + at - back, sb, "another");
            ck_assert(r.drop);
        }
        put_bytes(TO_SERVER, ACK, cb + at, sb + (uint32_t)i, text, 100); /* nobody looked at it */
        ck_assert(!r.drop);
    }
    remember = true;
    put_text(TO_SERVER, ACK, cb + at, sb, "kept");
    put_text(TO_SERVER, ACK, cb + at, sb, "kepT");
    DROPPED(FLOW_DIFFERS);
    put_text(TO_CLIENT, ACK, sb, cb + at + 4, "");
    ck_assert_uint_eq(r.flow->stream[TO_SERVER].acked, cb + at + 4);
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    put_text(TO_SERVER, ACK, cb + at, sb, "kepT");
    PASSES("");
}
END_TEST

/* Where the client stands after gigabytes that went by is what it says, once it has been silent. */
START_TEST(quiet_long_download)
{
    static const uint32_t sizes[] = {1u << 20, 1u << 30, 2u << 30, 3u << 30, 0xfff00000};
    shake_quiet();
    uint32_t at = 0, off = 0;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++, off += 3, now += 5000) {
        put_text(TO_SERVER, ACK, cb + off, sb + at, "GET");
        PASSES("GET");
        ck_assert_uint_eq(r.flow->stream[TO_CLIENT].next, sb + at);
        at += sizes[i];
    }
    put_text(TO_CLIENT, ACK | FIN, sb + at, cb + off, "");
    PASSES("");
}
END_TEST

START_TEST(quiet_server_fin)
{
    shake_quiet();
    cq(0, 0, "GET");
    put_text(TO_CLIENT, ACK | FIN, sb + 70000, cb + 3, "the end"); /* far beyond what was seen */
    PASSES("");
    ck_assert(r.eof);
    IN_STATE(FLOW_CLOSING);
    put_text(TO_CLIENT, ACK | FIN, sb + 70000, cb + 3, "the end");
    PASSES("");
    ck_assert(!r.eof);
    put_text(TO_CLIENT, ACK | FIN, sb + 80000, cb + 3, "");
    DROPPED(FLOW_OUTSIDE);
    cq(3, 70008, "POST"); /* half closed: what the client says is read on */
    PASSES("POST");
    put_text(TO_SERVER, ACK | FIN, cb + 7, sb + 70008, "");
    ck_assert(r.eof);
    IN_STATE(FLOW_CLOSED);
    cq(8, 70008, "more");
    DROPPED(FLOW_AFTER_CLOSE);
    cq(3, 70008, "POSt");
    DROPPED(FLOW_DIFFERS);
    put_text(TO_CLIENT, ACK, sb + 70008, cb + 8, "");
    PASSES("");
    put_text(TO_SERVER, SYN, cb + 90000, 0, "");
    ck_assert(r.fresh && !r.flow->quiet);
}
END_TEST

START_TEST(quiet_resets)
{
    shake_quiet();
    cq(0, 0, "GET");
    uint64_t id = r.flow->id;
    put_text(TO_CLIENT, RST, sb + 12345, 0, ""); /* it stands where we cannot know */
    PASSES("");
    IN_STATE(FLOW_CLOSED);
    cq(0, 0, "GEt"); /* if the client does not believe it, all holds on */
    DROPPED(FLOW_DIFFERS);
    cq(3, 0, " /more");
    PASSES(" /more");
    put_text(TO_CLIENT, ACK, sb + 12345, cb + 9, "");
    IN_STATE(FLOW_ESTABLISHED);
    cq(9, 200, "GET");
    put_text(TO_CLIENT, RST, sb + 200, 0, ""); /* an exact one ends it */
    ck_assert(r.reset);
    cq(12, 200, "x");
    DROPPED(FLOW_AFTER_CLOSE);
    put_text(TO_SERVER, SYN, cb + 90000, 0, "");
    ck_assert(r.fresh && r.flow->id != id);
    /* the client's: anywhere between what the server is known to have and what was sent */
    for (int off = -1; off < 5; off++) {
        renew();
        shake_quiet();
        cq(0, 0, "abc");
        put_text(TO_SERVER, RST, cb + (uint32_t)off, 0, "");
        ck_assert_int_eq(r.drop, off < 0 || off > 3);
        ck_assert_int_eq(r.reset, !r.drop);
    }
}
END_TEST

START_TEST(quiet_window)
{
    window = 10;
    shake_quiet(); /* the server's windows since are not seen */
    cq(4000, 0, "later");
    PASSES("");
    put_text(TO_SERVER, ACK, cb + opt.per_flow, sb, "too far");
    DROPPED(FLOW_OUTSIDE);
    char text[4001] = "";
    memset(text, 'x', 4000);
    put_text(TO_SERVER, ACK, cb, sb, text);
    ck_assert(!r.drop && got_len == 4005);
    flow_set_quiet(t, r.flow, false);
    s_acks(4005);
    cq(4020, 0, "beyond");
    DROPPED(FLOW_OUTSIDE);
}
END_TEST

/* A client may acknowledge in the server's name: not by its own interface. */
START_TEST(quiet_spoofed)
{
    static const struct iface outside = {.index = 3}, inside = {.index = 4};
    struct packet p = packet_of(TO_SERVER, SYN, cb - 1, 0);
    p.meta.in_dev = &outside, p.meta.out_dev = &inside;
    put(&p);
    flow_set_quiet(t, r.flow, true);
    p = packet_of(TO_CLIENT, SYNACK, sb - 1, cb);
    p.meta.in_dev = &inside, p.meta.out_dev = &outside;
    put(&p);
    cq(0, 0, "GET /harmless");
    static const unsigned flags[] = {ACK, ACK | FIN, RST, RST | ACK, SYNACK};
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        p = packet_of(TO_CLIENT, flags[i], sb, cb + 13);
        p.meta.in_dev = &outside, p.meta.out_dev = &inside;
        put(&p);
        DROPPED(FLOW_SPOOFED);
        cq(0, 0, "GET /attack!!");
        DROPPED(FLOW_DIFFERS);
    }
}
END_TEST

/* What the server has sent is not known, so that a decoy's ACK may be anything: it is a first copy all the same. */
START_TEST(quiet_decoys)
{
    static const uint32_t acks[] = {1, 100, 1u << 29, 1u << 30, 1u << 31, 3u << 30, (uint32_t)-1, (uint32_t)-70000};
    for (size_t i = 0; i < ARRAY_LEN(acks); i++) {
        renew();
        shake_quiet();
        cq(0, 0, "GET /");
        put_text(TO_SERVER, ACK, cb + 5, sb + acks[i], "decoy");
        PASSES("decoy");
        cq(5, 0, "evil!");
        DROPPED(FLOW_DIFFERS);
        now += 5000;
        put_text(TO_SERVER, ACK, cb + 10, sb + acks[i] + 7, "x"); /* nor after answers that nobody sent */
        now += 5000;
        put_text(TO_SERVER, ACK, cb + 11, sb + acks[i] + 9, "y");
        flow_expire(t, now, 100);
        flow_expire(t, now + 2000, 100);
        cq(5, 0, "evil!");
        ck_assert(r.drop);
        ck_assert_uint_eq(flow_counts(t)->flows, 1);
    }
}
END_TEST

/* The responses of a flow come up from where nothing of them is missing, or it is told that something is. */
START_TEST(quiet_and_watched)
{
    shake_quiet();
    cq(0, 0, "GET upgrade");
    ck_assert_uint_eq(flow_set_quiet(t, r.flow, false), 0);
    s(0, "HTTP/1.1 200");
    PASSES("HTTP/1.1 200");
    cq(11, 13, "early"); /* an ACK of what was not sent counts again */
    DROPPED(FLOW_BAD_ACK);
    cq(11, 12, "GET 2");
    PASSES("GET 2");
    ck_assert(!r.answered);
    ck_assert_uint_eq(flow_set_quiet(t, r.flow, true), 0);
    ck_assert_uint_eq(flow_counts(t)->memory > 0, 1); /* the client's, not the server's */
    put_text(TO_CLIENT, ACK, sb + 20, cb + 16, "");
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    cq(16, 12, "GET 3");
    ck_assert_uint_eq(flow_set_quiet(t, r.flow, false), 0);
    flow_set_quiet(t, r.flow, true);
    cq(21, 512, "GET 4");
    ck_assert_uint_eq(flow_set_quiet(t, r.flow, false), 500);
    s(512, "HTTP/1.1 200");
    PASSES("HTTP/1.1 200");
    /* a client that claims to have got more than there was */
    renew();
    shake_quiet();
    put_text(TO_SERVER, ACK, cb, sb + 40, "GET upgrade");
    PASSES("GET upgrade");
    ck_assert_uint_eq(flow_set_quiet(t, r.flow, false), 40);
    renew(); /* what of the answer passed before comes never up */
    shake_quiet();
    cq(0, 0, "GET upgrade");
    ck_assert_uint_eq(flow_set_quiet(t, r.flow, false), 0);
    s(40, "HTTP/1.1 101");
    PASSES("");
    cq(11, 52, "frame");
    ck_assert(r.lost[TO_CLIENT]);
}
END_TEST

/* A client picks one of the server's numbers, and no other: where its stream begins is not its own to say. */
START_TEST(quiet_two_syn_acks)
{
    for (int quiet = 0; quiet < 2; quiet++) {
        for (int which = 0; which < 3; which++) {
            renew();
            sb = 5001;
            put_text(TO_SERVER, SYN, cb - 1, 0, "");
            flow_set_quiet(t, r.flow, quiet);
            put_text(TO_CLIENT, SYNACK, sb - 1, cb, "");
            put_text(TO_CLIENT, SYNACK, sb + 999, cb, "");
            PASSES("");
            sb += which == 2 ? 300 : (uint32_t)which * 1000;
            c(0, "GET");
            PASSES("GET");
            ck_assert_int_eq(r.flow->state == FLOW_ESTABLISHED, which < 2 || quiet);
            if (quiet)
                ck_assert_int_eq(flow_set_quiet(t, r.flow, false) != 0, which == 2);
            s(0, "HTTP");
            ck_assert_int_eq(got_len > 0, which < 2 || quiet);
        }
    }
}
END_TEST

/* Idle connections keep no more than their last request, and under need not even that. */
START_TEST(quiet_idle)
{
    static char text[400];
    opt.flows = 1000;
    opt.memory = 90 * 4096;
    renew();
    for (client_port = 1; client_port <= 80; client_port++) {
        shake_quiet();
        put_bytes(TO_SERVER, ACK, cb, sb, text, sizeof text);
    }
    ck_assert_uint_eq(flow_counts(t)->memory, 80 * 4096);
    now += 1000;
    flow_expire(t, now, 1000);
    ck_assert_uint_le(flow_counts(t)->memory, 80 * (sizeof text + 40));
    client_port = 1;
    size_t before = flow_counts(t)->memory;
    for (uint32_t i = 0; i < 20; i++, now += 200) /* a long one comes to rest with its newest requests */
        put_bytes(TO_SERVER, ACK, cb + i * sizeof text, sb + i, text, sizeof text);
    flow_expire(t, now + 1000, 1000);
    ck_assert_uint_le(flow_counts(t)->memory, before + 4096);
    flow_end(t, r.flow);
    shake_quiet();
    put_bytes(TO_SERVER, ACK, cb, sb, text, sizeof text);
    put_bytes(TO_SERVER, ACK, cb, sb, text, sizeof text);
    PASSES("");
    put_text(TO_SERVER, ACK, cb, sb, "another");
    DROPPED(FLOW_DIFFERS);
    cq(400, 900, "GET");
    PASSES("GET");
    for (client_port = 100; client_port < 900; client_port++) {
        shake_quiet();
        put_bytes(TO_SERVER, ACK, cb, sb, text, sizeof text);
        ck_assert(!r.drop && got_len == sizeof text);
        ck_assert_uint_le(flow_counts(t)->memory, opt.memory);
    }
    ck_assert_uint_eq(flow_counts(t)->by_state[FLOW_CONDEMNED], 0);
    ck_assert_uint_eq(flow_counts(t)->evicted, 0);
    client_port = 2; /* what it had kept was given up */
    put_bytes(TO_SERVER, ACK, cb, sb, text, sizeof text);
    DROPPED(FLOW_OUTSIDE);
    put_bytes(TO_SERVER, ACK, cb + sizeof text, sb + 900, text, sizeof text);
    ck_assert(!r.drop && got_len == sizeof text);
    struct flow *f = r.flow;
    ck_assert(flow_charge(t, f, opt.memory / 2)); /* the same for what the owner takes */
    ck_assert(!flow_charge(t, f, opt.memory + 1));
    flow_charge(t, f, 0);
}
END_TEST

/* A connection that is opened and not used yet seems half open, for its last ACK is not seen. */
START_TEST(quiet_opened_early)
{
    shake_quiet();
    now += 300000;
    flow_expire(t, now, 100);
    cq(0, 0, "GET");
    PASSES("GET");
    ck_assert(!r.fresh);
    IN_STATE(FLOW_ESTABLISHED);
    renew();
    for (client_port = 1; client_port <= 300; client_port++)
        shake_quiet(); /* it makes room where the table is full */
    ck_assert_uint_eq(flow_counts(t)->evicted, 200);
    now += 600000;
    flow_expire(t, now, 1000);
    ck_assert_uint_eq(flow_counts(t)->flows, 0);
}
END_TEST

/* Some systems' keep-alive probes carry a byte of garbage. */
START_TEST(quiet_probes)
{
    shake_quiet();
    cq(0, 0, "GET");
    cq(2, 900, "T");
    PASSES("");
    ck_assert(!r.probe);
    cq(2, 900, "");
    PASSES("");
    cq(2, 900, "!");
    DROPPED(FLOW_OUTSIDE);
    ck_assert(r.probe);
    cq(1, 900, "!");
    DROPPED(FLOW_DIFFERS);
    ck_assert(!r.probe);
    put_text(TO_CLIENT, ACK, sb + 900, cb + 3, "");
    cq(2, 900, "!");
    PASSES("");
}
END_TEST

/* Picked up in its midst: what lies before was never looked at, and does not pass. */
START_TEST(quiet_midstream)
{
    struct packet p = packet_of(TO_SERVER, ACK, cb + 100, sb + 7);
    p.payload = span_of("rest", 4);
    flow_packet(t, &p, now, &r);
    ck_assert(r.fresh && r.flow->midstream);
    flow_set_quiet(t, r.flow, true);
    drain();
    PASSES("rest");
    cq(50, 7, "GET /attack");
    DROPPED(FLOW_OUTSIDE);
    cq(104, 900, "GET");
    PASSES("GET");
    ck_assert_uint_eq(r.flow->stream[TO_CLIENT].next, sb + 900);
    put_text(TO_CLIENT, ACK, sb + 900, cb + 107, "");
    cq(50, 900, "GET /attack"); /* the server has something else there */
    PASSES("");
}
END_TEST

START_TEST(ended_by_its_owner)
{
    shake();
    c(0, "abc");
    flow_end(t, r.flow);
    ck_assert_uint_eq(gone, 1);
    ck_assert_uint_eq(flow_counts(t)->memory, 0);
    c(3, "def");
    ck_assert(r.fresh && r.flow->midstream);
}
END_TEST

START_TEST(names)
{
    for (int i = 0; i < FLOW_REASONS; i++)
        ck_assert_str_ne(flow_reason_name((enum flow_reason)i), "");
    for (int i = 0; i < FLOW_STATES; i++)
        ck_assert_str_ne(flow_state_name((enum flow_state)i), "");
    ck_assert_str_eq(flow_reason_name(FLOW_DIFFERS), "differs");
    ck_assert_str_eq(flow_reason_name((enum flow_reason)99), "");
    flow_table_free(NULL);
}
END_TEST

#define ADD(name) tcase_add_test(tc, name)

static void add_streams(TCase *tc)
{
    ADD(any_order);
    ADD(overlaps_of_waiting);
    ADD(overlaps_of_remembered);
    ADD(filled_over_waiting);
    ADD(first_copy_wins);
    ADD(kept_in_parts);
    ADD(waiting_before_waiting);
    ADD(without_remembering);
    ADD(window_edge);
    ADD(zero_window_probe);
    ADD(window_scale);
    ADD(acknowledgements);
    ADD(bytes_that_went_elsewhere);
    ADD(refused_copy_went_on);
    ADD(insisting_client);
    ADD(bytes_that_went_elsewhere_refused);
    ADD(bytes_with_odd_acks);
    ADD(spoofed);
    ADD(spoofed_first);
    ADD(handed_back_in_parts);
    ADD(urgent);
}

static void add_states(TCase *tc)
{
    ADD(opening);
    ADD(link_of_each_side);
    ADD(unfit_packets);
    ADD(reset_exact);
    ADD(reset_inexact);
    ADD(reset_of_syn);
    ADD(closing);
    ADD(fin_out_of_order);
    ADD(syn_with_data);
    ADD(two_syns);
    ADD(two_syn_acks);
    ADD(simultaneous_open);
    ADD(syn_forged_first);
    ADD(syn_crosses);
    ADD(syn_while_established);
    ADD(decoy_reset_and_syn);
    ADD(roles_cannot_be_swapped);
    ADD(midstream_inspected);
    ADD(midstream_syn_ack);
    ADD(midstream_refused);
}

static void add_limits(TCase *tc)
{
    ADD(full_closed);
    ADD(full_open);
    ADD(full_evicts);
    ADD(per_flow_limit);
    ADD(limit_lets_the_hole_be_filled);
    ADD(small_segments_share);
    ADD(table_memory);
    ADD(charges);
    ADD(expiry);
    ADD(expiry_by_age);
    ADD(condemned);
    ADD(blind);
    ADD(ipv6_and_neighbours);
    ADD(many_flows);
    ADD(names);
}

static void add_quiet(TCase *tc)
{
    ADD(quiet_requests);
    ADD(quiet_keep_alive);
    ADD(quiet_upload);
    ADD(quiet_loss_is_told);
    ADD(quiet_old_numbers);
    ADD(quiet_long_download);
    ADD(quiet_server_fin);
    ADD(quiet_resets);
    ADD(quiet_window);
    ADD(quiet_spoofed);
    ADD(quiet_decoys);
    ADD(quiet_and_watched);
    ADD(quiet_two_syn_acks);
    ADD(quiet_idle);
    ADD(quiet_opened_early);
    ADD(quiet_probes);
    ADD(quiet_midstream);
    ADD(ended_by_its_owner);
}

int main(void)
{
    static void (*const parts[])(TCase *) = {add_streams, add_states, add_limits, add_quiet};
    static const char *const titles[] = {"streams", "states", "limits", "quiet"};
    Suite *suite = suite_create("flow");
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        TCase *tc = tcase_create(titles[i]);
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_set_timeout(tc, 60);
        parts[i](tc);
        suite_add_tcase(suite, tc);
    }
    return run_suite(suite);
}
