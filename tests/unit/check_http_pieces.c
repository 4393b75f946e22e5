/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <sys/mman.h>

#include "http_cases.h"
#include "run_suite.h"

struct exchange {
    const void *to_server, *to_client;
    size_t server_len, client_len;
};

static void play(const struct exchange *e, size_t first, size_t step, struct shown *o)
{
    struct http *c = http_new(&opt, false);
    for (int dir = 0; dir < 2; dir++) {
        const uint8_t *p = dir ? e->to_client : e->to_server;
        size_t len = dir ? e->client_len : e->server_len;
        for (size_t at = 0, n = first; at < len; at += n, n = step) {
            n = n && n < len - at ? n : len - at;
            ck_assert_int_eq(show_piece(o, c, (enum http_dir)dir, p + at, n), 0);
        }
    }
    show_end(o, c, HTTP_TO_SERVER);
    show_end(o, c, HTTP_TO_CLIENT);
    http_free(c);
}

/* NULs and all. */
static void same_text(const struct shown *a, const struct shown *b)
{
    if (a->len == b->len && memcmp(a->text, b->text, a->len) == 0)
        return;
    ck_assert_str_eq(a->text, b->text);
    ck_abort_msg("they differ behind a NUL, or in length: %zu, %zu", a->len, b->len);
}

static void same_in_pieces(const struct exchange *e)
{
    struct shown whole = {0}, parts = {0};
    size_t longest = e->server_len > e->client_len ? e->server_len : e->client_len;
    play(e, 0, 0, &whole);
    play(e, 1, 1, &parts);
    same_text(&whole, &parts);
    for (size_t split = 1; split < longest && split < 2000; split++) {
        parts.len = 0;
        play(e, split, 0, &parts);
        same_text(&whole, &parts);
    }
    free(whole.text);
    free(parts.text);
}

#define ANSWERS                                                                                                        \
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n"                \
    "Transfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nX: y\r\n\r\nthe rest"

START_TEST(pieces_of_cases)
{
    char two[1024];
    snprintf(two, sizeof two, "%s%s", cases[_i].text, GET "\r\n");
    struct exchange e = {two, ANSWERS, strlen(two), strlen(ANSWERS)};
    same_in_pieces(&e);
    opt.limits.head = 60;
    opt.limits.body = 4;
    opt.limits.response_body = 3;
    same_in_pieces(&e);
}
END_TEST

START_TEST(pieces_of_codings)
{
    static uint8_t plain[9000], packed[9000], again[9000];
    static const char *const names_of[] = {"gzip", "deflate", "deflate"};
    static const int bits[] = {31, 15, -15};
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = "ab=c&d"[i * i % 7 % 6];
    for (int i = 0; i < 3; i++) {
        size_t n = pack(packed, sizeof packed, plain, i ? 300 : sizeof plain, bits[i]);
        coded_post(names_of[i], packed, n);
        struct exchange e = {message, ANSWERS, message_len, strlen(ANSWERS)};
        same_in_pieces(&e);
        message[message_len - n / 2] ^= 0x55;
        same_in_pieces(&e);
        opt.limits.body = 100;
        same_in_pieces(&e);
        opt.limits.body = 65536;
        n = pack(again, sizeof again, packed, n, 31);
        char both[40];
        snprintf(both, sizeof both, "%s, gzip", names_of[i]);
        coded_post(both, again, n);
        e.server_len = message_len;
        same_in_pieces(&e);
    }
}
END_TEST

START_TEST(pieces_of_bombs)
{
    static uint8_t zeros[120000], packed[20000];
    opt.limits.body = 200000;
    coded_post("gzip", packed, pack(packed, sizeof packed, zeros, sizeof zeros, 31));
    struct exchange e = {message, ANSWERS, message_len, strlen(ANSWERS)};
    ck_assert_uint_eq(notes_of_bytes(message, message_len), BIT(HTTP_CODING_BOMB));
    same_in_pieces(&e);
}
END_TEST

/* The bytes end where the page does: a read past them faults. */
START_TEST(guard_page)
{
    size_t page = 4096;
    uint8_t *two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(two != MAP_FAILED);
    ck_assert_int_eq(mprotect(two + page, page, PROT_NONE), 0);
    const char *text = cases[_i].text;
    size_t len = strlen(text);
    for (size_t n = 1; n <= len; n++) {
        struct http *c = http_new(&opt, false);
        memcpy(two + page - n, text, n);
        struct span s = span_of(two + page - n, n);
        while (http_feed(c, HTTP_TO_SERVER, &s) > 0)
            ;
        s = span_of(two + page - n, n);
        while (http_feed(c, HTTP_TO_CLIENT, &s) > 0)
            ;
        http_free(c);
    }
    munmap(two, 2 * page);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_pieces");
    TCase *t = tcase_create("http_pieces");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, pieces_of_cases, 0, HTTP_CASES);
    tcase_add_test(t, pieces_of_codings);
    tcase_add_test(t, pieces_of_bombs);
    tcase_add_loop_test(t, guard_page, 0, HTTP_CASES);
    suite_add_tcase(s, t);
    return run_suite(s);
}
