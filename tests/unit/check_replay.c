/* SPDX-License-Identifier: GPL-3.0-or-later */
/* engine/: captured frames through the pipeline, and what rules on streams and requests make of them. */
#include "replay_wire.h"

#define ATTACK RULE(1, "block", "lower(http.args) contains \\\"attack\\\"")

START_TEST(good_request_passes)
{
    start(ATTACK, "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK | PSH, "GET /?a=fine HTTP/1.1\r\nHost: h\r\n\r\n");
    send_next(&w, 1, ACK | PSH, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    send_next(&w, 0, ACK | FIN, "");
    send_next(&w, 1, ACK | FIN, "");
    send_next(&w, 0, ACK, "");
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 0);
    expect_summary("requests", 1);
    expect_summary("stopped", 0);
}
END_TEST

START_TEST(attack_is_blocked)
{
    start(ATTACK, "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=ATT");
    ck_assert_uint_eq(times("\"signature_id\":1"), 0);
    send_next(&w, 0, ACK, "ack HTTP/1.1\r\nHost: shop.example\r\n\r\n");
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 1);
    ck_assert_uint_ge(times("\"signature_id\":1,"), 1);
    ck_assert_uint_ge(times("\"tx_id\":1"), 1);
    ck_assert_uint_ge(times("\"hostname\":\"shop.example\""), 1);
    ck_assert_uint_ge(times("\"src_port\":4000"), 1);
    /* Its retransmission and whatever follows die with the flow; another connection lives. */
    send_at(&w, 0, w.sent[0] - 10, ACK, "more bytes");
    expect_summary("blocked", 1);
    expect_summary("stopped", 2);
    struct wire other = connected(4001, 80);
    send_next(&other, 0, ACK, "GET /?a=fine HTTP/1.1\r\nHost: h\r\n\r\n");
    expect_summary("requests", 2);
}
END_TEST

/* The request line alone tells: the server must not have it, whatever may follow. */
START_TEST(stopped_before_the_head_is_whole)
{
    start(ATTACK "," RULE(2, "block", "http.user_agent contains \\\"scanner\\\""), "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=attack HTTP/1.1\r");
    expect_summary("blocked", 0);
    send_next(&w, 0, ACK, "\n");
    expect_summary("blocked", 1);
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 1);
    struct wire other = connected(4001, 80);
    send_next(&other, 0, ACK, "GET / HTTP/1.1\r\nUser-Agent: a scanner\r\nHo");
    expect_summary("blocked", 2);
}
END_TEST

/* An accept rule could still speak for the whole of it: then the whole is waited for. */
START_TEST(accept_rule_waits_for_the_head)
{
    start(RULE(9, "accept", "http.headers[\\\"x-pass\\\"] == \\\"yes\\\"") "," ATTACK, "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=attack HTTP/1.1\r\n");
    expect_summary("blocked", 0);
    send_next(&w, 0, ACK, "Host: h\r\nX-Pass: yes\r\n\r\n");
    expect_summary("blocked", 0);
    expect_summary("requests", 1);
}
END_TEST

START_TEST(hole_is_filled_last)
{
    start(ATTACK, "");
    struct wire w = connected(4000, 80);
    uint32_t at = w.sent[0];
    send_at(&w, 0, at + 12, ACK, "ck HTTP/1.1\r\nHost: h\r\n\r\n");
    send_at(&w, 0, at, ACK, "GET /?a=");
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 0);
    send_at(&w, 0, at + 8, ACK, "atta");
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 1);
    expect_summary("blocked", 1);
}
END_TEST

START_TEST(differing_copy_is_stopped)
{
    start(ATTACK, "");
    struct wire w = connected(4000, 80);
    uint32_t at = w.sent[0];
    send_at(&w, 0, at, ACK, "GET /?a=harmless");
    send_at(&w, 0, at, ACK, "GET /?a=attack!!");
    ck_assert_uint_eq(times("\"reason\":\"differs\""), 1);
    expect_summary("stopped", 1);
}
END_TEST

START_TEST(monitor_lets_pass)
{
    start(ATTACK, "}; mode = \"monitor\"; log: {");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=attack HTTP/1.1\r\nHost: h\r\n\r\nGET /?b=attack HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 2);
    ck_assert_uint_eq(times("\"event_type\":\"drop\""), 0);
    send_next(&w, 0, ACK, "GET /?c=attack HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_eq(times("\"tx_id\":3"), 1);
    expect_summary("stopped", 0);
    expect_summary("would_stop", 2);
}
END_TEST

/* A refused copy is told of once, and what waited behind an attack is read as well. */
START_TEST(monitor_reads_on)
{
    start(ATTACK, "}; mode = \"monitor\"; log: {");
    struct wire w = connected(4000, 80);
    uint32_t at = w.sent[0];
    const char *first = "GET /?a=attack HTTP/1.1\r\nHost: h\r\n\r\n";
    send_at(&w, 0, at + (uint32_t)strlen(first), ACK, "GET /?b=attack HTTP/1.1\r\nHost: h\r\n\r\n");
    send_at(&w, 0, at, ACK, first);
    ck_assert_uint_eq(times("\"event_type\":\"alert\""), 2);
    send_at(&w, 0, at, ACK, "GET /?a=differs");
    ck_assert_uint_eq(times("\"reason\":\"differs\""), 1);
    expect_summary("would_stop", 2);
}
END_TEST

/* What was kept for a connection is given back when it is condemned, not when its entry goes. */
START_TEST(condemned_keeps_no_memory)
{
    start(RULE(1, "block", "http.body contains \\\"attack\\\""), "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\nan att");
    replay_summary(replay);
    ck_assert_uint_eq(times("\"stream_bytes\":0"), 0);
    send_next(&w, 0, ACK, "ack!!!");
    expect_summary("blocked", 1);
    ck_assert_uint_eq(times("\"stream_bytes\":0"), 1);
}
END_TEST

START_TEST(accept_rule_comes_first)
{
    start(RULE(9, "accept", "ip.src == 10.0.0.1") "," ATTACK, "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=attack HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_eq(times("\"signature_id\":1,"), 0);
    expect_summary("requests", 1);
}
END_TEST

START_TEST(packet_rule_blocks_flow)
{
    start(RULE(9, "block", "payload contains \\\"evil\\\"") "," ATTACK, "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "evil");
    send_next(&w, 0, ACK, "harmless");
    expect_summary("blocked", 1);
    expect_summary("condemned", 1);
    expect_summary("stopped", 2);
}
END_TEST

START_TEST(stream_rule_sees_across_borders)
{
    start(RULE(5, "log", "stream.to_server contains \\\"evil word\\\"") "," RULE(
              6, "drop", "stream.to_client contains \\\"secret\\\""),
          "");
    struct wire w = connected(4000, 25);
    send_next(&w, 0, ACK, "an evi");
    send_next(&w, 0, ACK, "l wo");
    ck_assert_uint_eq(times("\"signature_id\":5"), 0);
    send_next(&w, 0, ACK, "rd");
    ck_assert_uint_eq(times("\"signature_id\":5"), 1);
    send_next(&w, 0, ACK, " and more");
    ck_assert_uint_eq(times("\"signature_id\":5"), 1);
    send_next(&w, 1, ACK, "sec");
    send_next(&w, 1, ACK, "ret");
    expect_summary("blocked", 1);
}
END_TEST

/* The rule is met in bytes that had waited for the hole before them: they are the flow's own memory. */
START_TEST(stream_rule_in_waiting_bytes)
{
    start(RULE(6, "block", "stream.to_server contains \\\"secret\\\""), "");
    struct wire w = connected(4000, 25);
    uint32_t at = w.sent[0];
    send_at(&w, 0, at + 5, ACK, "se");
    send_at(&w, 0, at + 7, ACK, "cret and more");
    send_at(&w, 0, at, ACK, "hello");
    ck_assert_uint_ge(times("\"signature_id\":6"), 1);
    expect_summary("blocked", 1);
}
END_TEST

/* A body of which parts are skipped: its framing is read on, and what is behind it. */
START_TEST(request_behind_long_chunked_body)
{
    start(ATTACK, "limits: { body = 1024; };");
    struct wire w = connected(4000, 80);
    char chunk[1100];
    size_t head = (size_t)snprintf(chunk, sizeof chunk, "400\r\n");
    memset(chunk + head, 'x', 1024);
    strcpy(chunk + head + 1024, "\r\n");
    send_next(&w, 0, ACK,
              "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
              "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 8; i++)
        send_next(&w, 0, ACK, chunk);
    send_next(&w, 0, ACK, "3\r\nabc\r\n0\r\n\r\nGET /?a=attack HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_ge(times("\"tx_id\":2"), 1);
    expect_summary("blocked", 1);
}
END_TEST

START_TEST(response_rule)
{
    start(RULE(7, "block", "http.status == 500 and http.uri.path startswith \\\"/admin\\\""), "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /admin/x HTTP/1.1\r\nHost: h\r\n\r\n");
    send_next(&w, 1, ACK, "HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\ntrace");
    ck_assert_uint_ge(times("\"signature_id\":7"), 1);
    ck_assert_uint_ge(times("\"status\":500"), 1);
    expect_summary("blocked", 1);
}
END_TEST

START_TEST(scores_add_up)
{
    start("{ id = 1; action = \"score\"; score = { name = \"weak\"; add = 2; }; when = \"http.args contains "
          "\\\"one\\\"\"; },"
          "{ id = 2; action = \"score\"; score = { name = \"weak\"; add = 3; }; when = \"http.args contains "
          "\\\"two\\\"\"; }," RULE(3, "block", "score[\\\"weak\\\"] >= 5"),
          "");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /?a=one HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_eq(times("\"signature_id\":3"), 0);
    send_next(&w, 0, ACK, "GET /?a=one&b=two HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_ge(times("\"signature_id\":3"), 1);
    expect_summary("blocked", 1);
}
END_TEST

START_TEST(opaque_refused)
{
    start(ATTACK, "opaque = \"closed\";");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    send_next(&w, 1, ACK, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    ck_assert_uint_ge(times("\"reason\":\"opaque\""), 1);
    expect_summary("blocked", 1);
}
END_TEST

START_TEST(long_body_refused)
{
    start(RULE(1, "block", "http.body contains \\\"attack\\\""), "limits: { body = 1024; }; over_limit = \"closed\";");
    struct wire w = connected(4000, 80);
    char body[1500];
    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    send_next(&w, 0, ACK, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n");
    send_next(&w, 0, ACK, body);
    ck_assert_uint_eq(times("\"reason\":\"body_too_long\""), 1);
    expect_summary("blocked", 1);
}
END_TEST

START_TEST(midstream_refused)
{
    start(ATTACK, "}; streams: { midstream = \"refuse\";");
    struct wire w = {4000, 80, {CLIENT_ISN, SERVER_ISN}};
    send_next(&w, 0, ACK, "GET /?a=fine HTTP/1.1\r\nHost: h\r\n\r\n");
    ck_assert_uint_eq(times("\"reason\":\"midstream\""), 1);
    expect_summary("stopped", 1);
}
END_TEST

START_TEST(request_events)
{
    start("", "}; events: { requests = true;");
    struct wire w = connected(4000, 80);
    send_next(&w, 0, ACK, "GET /one HTTP/1.1\r\nHost: h\r\n\r\n");
    send_next(&w, 1, ACK, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    ck_assert_uint_eq(times("\"event_type\":\"http\""), 1);
    ck_assert_uint_eq(times("\"status\":404"), 1);
    ck_assert_uint_eq(times("\"url\":\"/one\""), 1);
}
END_TEST

/* ---- link layers ---- */

static size_t frame_of(int type, uint8_t *frame)
{
    struct wire w = {4000, 80, {CLIENT_ISN, SERVER_ISN}};
    size_t head = 0;
    memset(frame, 0, 64);
    if (type == DLT_EN10MB) {
        memset(frame, 0x11, 6);
        memset(frame + 6, 0x22, 6);
        put16(frame + 12, 0x8100);
        put16(frame + 14, 7);
        put16(frame + 16, 0x0800);
        head = 18;
    } else if (type == DLT_LINUX_SLL) {
        put16(frame + 4, 6);
        memset(frame + 6, 0x22, 6);
        put16(frame + 14, 0x0800);
        head = 16;
    } else if (type == DLT_LINUX_SLL2) {
        put16(frame, 0x0800);
        frame[11] = 6;
        memset(frame + 12, 0x22, 6);
        head = 20;
    } else if (type == DLT_NULL) {
        frame[0] = 2;
        head = 4;
    }
    return head + build(&w, 0, w.sent[0], SYN, "", frame + head);
}

static const int link_types[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_NULL, DLT_RAW, DLT_IPV4};

START_TEST(link_layers)
{
    int type = link_types[_i];
    uint8_t frame[128];
    struct queue_packet qp;
    size_t len = frame_of(type, frame);
    ck_assert(capture_knows(type));
    ck_assert(capture_packet(type, span_of(frame, len), (uint32_t)len, &qp));
    ck_assert_uint_eq(qp.ethertype, 0x0800);
    ck_assert_uint_eq(qp.payload.len, 40);
    ck_assert_uint_eq(qp.full_len, 40);
    ck_assert_int_eq(qp.has_vlan, type == DLT_EN10MB);
    ck_assert_uint_eq(qp.vlan_tci, type == DLT_EN10MB ? 7 : 0);
    ck_assert_uint_eq(qp.hwaddr_len, type == DLT_LINUX_SLL || type == DLT_LINUX_SLL2 ? 6 : 0);
    for (size_t cut = 0; cut < len; cut++) /* whatever the length, no read past the end */
        (void)capture_packet(type, span_of(frame, cut), (uint32_t)len, &qp);
    ck_assert(!capture_packet(type, span_of(frame, len - 40), (uint32_t)len, &qp));
}
END_TEST

START_TEST(unknown_link_type)
{
    struct queue_packet qp;
    uint8_t arp[42] = {[12] = 0x08, [13] = 0x06};
    ck_assert(!capture_knows(DLT_IEEE802_11));
    ck_assert(!capture_packet(DLT_EN10MB, span_of(arp, sizeof arp), sizeof arp, &qp));
}
END_TEST

/* Left to the card, the checksum field holds the pseudo-header's sum; anything else that is wrong is wrong. */
START_TEST(checksum_not_ready)
{
    start(ATTACK, "");
    struct wire w = {4000, 80, {CLIENT_ISN, SERVER_ISN}};
    uint8_t ip[128];
    size_t len = build(&w, 0, w.sent[0], SYN, "", ip);
    struct ip_addr a = {.family = 4, .bytes = {10, 0, 0, 1}}, b = {.family = 4, .bytes = {10, 0, 0, 2}};
    put16(ip + 36, (uint16_t)~csum_fold(csum_pseudo(&a, &b, 6, 20)));
    show(ip, len);
    expect_summary("flows", 1);
    expect_summary("stopped", 0);
    put16(ip + 36, 0x1234);
    show(ip, len);
    expect_summary("stopped", 1);
}
END_TEST

START_TEST(broken_files)
{
    char path[128];
    start(ATTACK, "");
    write_file("none.pcap", "no capture at all");
    snprintf(path, sizeof path, "%s/none.pcap", folder);
    ck_assert_int_lt(replay_capture(replay, path, d), 0);
    ck_assert_uint_eq(diag_count(d), 1);
    ck_assert_ptr_nonnull(strstr(diag_text(d, 0), "expected a pcap"));
    ck_assert_int_lt(replay_capture(replay, "/nonexistent", d), 0);
    ck_assert_uint_eq(diag_count(d), 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("replay");
    TCase *t = tcase_create("pipeline");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, good_request_passes);
    tcase_add_test(t, attack_is_blocked);
    tcase_add_test(t, stopped_before_the_head_is_whole);
    tcase_add_test(t, accept_rule_waits_for_the_head);
    tcase_add_test(t, hole_is_filled_last);
    tcase_add_test(t, differing_copy_is_stopped);
    tcase_add_test(t, monitor_lets_pass);
    tcase_add_test(t, monitor_reads_on);
    tcase_add_test(t, condemned_keeps_no_memory);
    tcase_add_test(t, accept_rule_comes_first);
    tcase_add_test(t, packet_rule_blocks_flow);
    tcase_add_test(t, stream_rule_sees_across_borders);
    tcase_add_test(t, stream_rule_in_waiting_bytes);
    tcase_add_test(t, request_behind_long_chunked_body);
    tcase_add_test(t, response_rule);
    tcase_add_test(t, scores_add_up);
    tcase_add_test(t, opaque_refused);
    tcase_add_test(t, long_body_refused);
    tcase_add_test(t, midstream_refused);
    tcase_add_test(t, request_events);
    tcase_add_loop_test(t, link_layers, 0, (int)(sizeof link_types / sizeof link_types[0]));
    tcase_add_test(t, unknown_link_type);
    tcase_add_test(t, checksum_not_ready);
    tcase_add_test(t, broken_files);
    suite_add_tcase(s, t);
    return run_suite(s);
}
