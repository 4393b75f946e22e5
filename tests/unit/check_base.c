/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/log.h"
#include "base/ring.h"
#include "base/span.h"
#include "run_suite.h"

START_TEST(ring_full_and_empty)
{
    struct ring *r = ring_new(4, sizeof(uint32_t));
    ck_assert_ptr_nonnull(r);
    ck_assert_ptr_null(ring_peek(r));
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t *slot = ring_slot(r);
        ck_assert_ptr_nonnull(slot);
        *slot = i;
        ring_push(r);
    }
    ck_assert_ptr_null(ring_slot(r));
    ck_assert_uint_eq(*(const uint32_t *)ring_peek(r), 0);
    ring_pop(r);
    ck_assert_ptr_nonnull(ring_slot(r));
    for (uint32_t i = 1; i < 4; i++) {
        ck_assert_uint_eq(*(const uint32_t *)ring_peek(r), i);
        ring_pop(r);
    }
    ck_assert_ptr_null(ring_peek(r));
    ring_free(r);
}
END_TEST

/* A slot that was asked for but not pushed is not seen, and the same one comes again. */
START_TEST(ring_unpushed_slot)
{
    struct ring *r = ring_new(2, 8);
    ck_assert_ptr_nonnull(r);
    void *slot = ring_slot(r);
    ck_assert_ptr_nonnull(slot);
    ck_assert_ptr_null(ring_peek(r));
    ck_assert_ptr_eq(ring_slot(r), slot);
    ring_push(r);
    ck_assert_ptr_eq(ring_peek(r), slot);
    ck_assert_ptr_eq(ring_peek(r), slot);
    ring_free(r);
    ring_free(NULL);
}
END_TEST

START_TEST(ring_at_least_as_many_as_asked)
{
    for (size_t asked = 0; asked < 20; asked++) {
        struct ring *r = ring_new(asked, 3);
        ck_assert_ptr_nonnull(r);
        size_t n = 0;
        for (void *slot; n < 1000 && (slot = ring_slot(r)); n++) {
            memset(slot, (int)n, 3);
            ring_push(r);
        }
        ck_assert_uint_ge(n, asked);
        ck_assert_uint_lt(n, 1000);
        ring_free(r);
    }
}
END_TEST

#define PASSED 40000

struct number {
    uint64_t value, complement[5];
};

static void *produce(void *arg)
{
    struct ring *r = arg;
    for (uint64_t i = 0; i < PASSED;) {
        struct number *n = ring_slot(r);
        if (!n) {
            sched_yield();
            continue;
        }
        n->value = i;
        for (size_t k = 0; k < 5; k++)
            n->complement[k] = ~i;
        ring_push(r);
        i++;
    }
    return NULL;
}

/* Two threads, a ring that is mostly full or empty: each number comes once, in order, whole. */
static void pass_numbers(size_t slots)
{
    struct ring *r = ring_new(slots, sizeof(struct number));
    pthread_t producer;
    ck_assert_ptr_nonnull(r);
    ck_assert_int_eq(pthread_create(&producer, NULL, produce, r), 0);
    for (uint64_t i = 0; i < PASSED;) {
        const struct number *n = ring_peek(r);
        if (!n) {
            sched_yield();
            continue;
        }
        ck_assert_uint_eq(n->value, i);
        for (size_t k = 0; k < 5; k++)
            ck_assert_uint_eq(n->complement[k], ~i);
        ring_pop(r);
        i++;
    }
    ck_assert_int_eq(pthread_join(producer, NULL), 0);
    ck_assert_ptr_null(ring_peek(r));
    ring_free(r);
}

START_TEST(ring_between_threads)
{
    pass_numbers(2);
    pass_numbers(64);
    pass_numbers(4096);
}
END_TEST

START_TEST(diag_formats)
{
    struct diag *d = diag_new();
    ck_assert_ptr_nonnull(d);
    ck_assert_uint_eq(diag_count(d), 0);
    ck_assert_ptr_null(diag_text(d, 0));
    diag_add(d, "a.conf", 3, 7, "%s is %d", "x", 1);
    diag_add(d, "a.conf", 3, 0, "no column");
    diag_add(d, "a.conf", 0, 7, "no line");
    diag_add(d, NULL, 3, 7, "no file, 100%%");
    ck_assert_str_eq(diag_text(d, 0), "a.conf:3:7: x is 1");
    ck_assert_str_eq(diag_text(d, 1), "a.conf:3: no column");
    ck_assert_str_eq(diag_text(d, 2), "a.conf: no line");
    ck_assert_str_eq(diag_text(d, 3), "no file, 100%");
    ck_assert_ptr_null(diag_text(d, 4));
    ck_assert_uint_eq(diag_count(d), 4);
    diag_free(d);
    diag_free(NULL);
}
END_TEST

static char *printed(const struct diag *d)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(f);
    diag_print(d, f);
    fclose(f);
    return text;
}

START_TEST(diag_keeps_200)
{
    struct diag *d = diag_new();
    for (int i = 1; i <= 200; i++)
        diag_add(d, "f", i, 0, "wrong");
    char *text = printed(d);
    ck_assert_ptr_null(strstr(text, "more"));
    free(text);
    for (int i = 201; i <= 203; i++)
        diag_add(d, "f", i, 0, "wrong");
    ck_assert_uint_eq(diag_count(d), 203);
    ck_assert_str_eq(diag_text(d, 199), "f:200: wrong");
    ck_assert_ptr_null(diag_text(d, 200));
    text = printed(d);
    ck_assert_int_eq(strncmp(text, "f:1: wrong\nf:2: wrong\n", 22), 0);
    ck_assert_ptr_nonnull(strstr(text, "f:200: wrong\nand 3 more errors\n"));
    free(text);
    diag_free(d);
}
END_TEST

/* Longer than any buffer: cut, not overrun. */
START_TEST(diag_long_texts)
{
    char path[2000], what[5000];
    memset(path, 'p', sizeof path - 1);
    memset(what, 'w', sizeof what - 1);
    path[sizeof path - 1] = what[sizeof what - 1] = '\0';
    struct diag *d = diag_new();
    diag_add(d, path, 1, 1, "%s", what);
    ck_assert_uint_lt(strlen(diag_text(d, 0)), 2000);
    ck_assert_int_eq(diag_text(d, 0)[0], 'p');
    diag_free(d);
}
END_TEST

static void read_stderr(FILE *held, char *buf, size_t size)
{
    fflush(stderr);
    rewind(held);
    buf[fread(buf, 1, size - 1, held)] = '\0';
}

START_TEST(log_levels)
{
    FILE *held = tmpfile();
    char text[512];
    ck_assert_ptr_nonnull(held);
    int before = dup(STDERR_FILENO);
    dup2(fileno(held), STDERR_FILENO);
    unsetenv("JOURNAL_STREAM");
    log_info("one %d", 1);
    log_debug("hidden");
    log_set_level(LOG_LEVEL_ERROR);
    log_warning("hidden");
    log_error("two");
    log_set_level(LOG_LEVEL_DEBUG);
    log_warning("three");
    setenv("JOURNAL_STREAM", "8:1", 1);
    log_debug("four");
    log_error("five");
    read_stderr(held, text, sizeof text);
    dup2(before, STDERR_FILENO);
    close(before);
    fclose(held);
    ck_assert_str_eq(text, "sluiced: one 1\nsluiced: error: two\nsluiced: warning: three\n<7>four\n<3>error: five\n");
}
END_TEST

START_TEST(spans)
{
    static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
    struct span s = span_of(bytes, sizeof bytes);
    ck_assert_uint_eq(span_from(s, 3).len, 4);
    ck_assert_ptr_eq(span_from(s, 3).data, bytes + 3);
    ck_assert_uint_eq(span_from(s, 7).len, 0);
    ck_assert_uint_eq(span_from(s, 100).len, 0);
    ck_assert_uint_eq(span_first(s, 2).len, 2);
    ck_assert_uint_eq(span_first(s, 100).len, 7);
    struct cursor c = cursor_of(s);
    ck_assert_uint_eq(cursor_u8(&c), 1);
    ck_assert_uint_eq(cursor_u16(&c), 0x0203);
    ck_assert_uint_eq(cursor_u32(&c), 0x04050607);
    ck_assert(!c.bad);
    ck_assert_uint_eq(cursor_left(&c), 0);
    ck_assert_uint_eq(cursor_u8(&c), 0);
    ck_assert(c.bad);
}
END_TEST

/* A read that does not fit spoils the cursor, though a smaller one would fit. */
START_TEST(cursor_stays_bad)
{
    static const uint8_t bytes[] = {1, 2, 3};
    uint8_t copy[4] = {9, 9, 9, 9};
    struct cursor c = cursor_of(span_of(bytes, sizeof bytes));
    ck_assert(!cursor_copy(&c, copy, 4));
    ck_assert_uint_eq(copy[0], 9);
    ck_assert_uint_eq(cursor_u8(&c), 0);
    ck_assert_uint_eq(cursor_left(&c), 0);
    c = cursor_of(span_of(bytes, sizeof bytes));
    ck_assert(cursor_copy(&c, copy, 3));
    ck_assert_mem_eq(copy, bytes, 3);
    ck_assert(!c.bad);
}
END_TEST

/* What is given back serves again, zeroed; more than is to be kept goes. */
START_TEST(arena_keeps_chunks)
{
    struct arena a = {0};
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 200; i++) {
            uint64_t *p = arena_alloc(&a, 800);
            ck_assert_ptr_nonnull(p);
            for (int k = 0; k < 100; k++)
                ck_assert_uint_eq(p[k], 0);
            memset(p, 0xff, 800);
        }
        size_t most = arena_size(&a);
        ck_assert_uint_gt(most, 160000);
        arena_reset(&a, SIZE_MAX);
        ck_assert_uint_eq(arena_size(&a), most);
        void *again = arena_alloc(&a, 8);
        ck_assert_ptr_nonnull(again);
        ck_assert_uint_eq(arena_size(&a), most);
        arena_reset(&a, SIZE_MAX);
        ck_assert_ptr_eq(arena_alloc(&a, 8), again);
        arena_reset(&a, SIZE_MAX);
    }
    arena_reset(&a, 40000);
    ck_assert_uint_le(arena_size(&a), 40000);
    ck_assert_uint_gt(arena_size(&a), 0);
    ck_assert_ptr_nonnull(arena_alloc(&a, 1000000));
    arena_reset(&a, 40000);
    ck_assert_uint_le(arena_size(&a), 40000);
    arena_free(&a);
    ck_assert_uint_eq(arena_size(&a), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base");
    TCase *t = tcase_create("base");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, ring_full_and_empty);
    tcase_add_test(t, ring_unpushed_slot);
    tcase_add_test(t, ring_at_least_as_many_as_asked);
    tcase_add_test(t, ring_between_threads);
    tcase_add_test(t, diag_formats);
    tcase_add_test(t, diag_keeps_200);
    tcase_add_test(t, diag_long_texts);
    tcase_add_test(t, log_levels);
    tcase_add_test(t, spans);
    tcase_add_test(t, cursor_stays_bad);
    tcase_add_test(t, arena_keeps_chunks);
    suite_add_tcase(s, t);
    return run_suite(s);
}
