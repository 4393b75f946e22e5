/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"
#include "seclang/store.h"

#define KIND 7
#define T0 1000000

static struct span s_(const char *text)
{
    return span_of(text, strlen(text));
}

static struct store_at at_(const char *key, uint64_t now_ms)
{
    return (struct store_at){.kind = KIND, .key = s_(key), .now_ms = now_ms};
}

static const char *get(struct seclang_store *s, const char *key, uint64_t now_ms, const char *name)
{
    static char buf[STORE_COLLECTION_BYTES + 1];
    struct store_at at = at_(key, now_ms);
    long n = store_get(s, &at, s_(name), buf, sizeof buf - 1);
    if (n < 0)
        return "-";
    buf[n] = '\0';
    return buf;
}

static bool put(struct seclang_store *s, const char *key, uint64_t now_ms, const char *name, const char *value)
{
    struct store_at at = at_(key, now_ms);
    return store_set(s, &at, s_(name), s_(value));
}

START_TEST(members_of_a_key_in_any_case)
{
    struct seclang_store *s = store_new(100, 3600);
    ck_assert(put(s, "a", T0, "Count", "1") && put(s, "a", T0, "other", "xyz") && put(s, "b", T0, "count", "2"));
    ck_assert_str_eq(get(s, "a", T0, "COUNT"), "1");
    ck_assert_str_eq(get(s, "b", T0, "count"), "2");
    ck_assert_str_eq(get(s, "c", T0, "count"), "-");
    ck_assert_str_eq(get(s, "", T0, "count"), "-");
    ck_assert(put(s, "a", T0, "count", "a longer one"));
    ck_assert_str_eq(get(s, "a", T0, "count"), "a longer one");
    ck_assert_str_eq(get(s, "a", T0, "other"), "xyz");
    struct store_at other_kind = {.kind = KIND + 1, .key = s_("a"), .now_ms = T0};
    char c;
    ck_assert_int_eq(store_get(s, &other_kind, s_("count"), &c, 1), -1);
    ck_assert_int_eq(store_count(s), 2);
    store_unref(s);
}
END_TEST

START_TEST(numbers_add_up)
{
    struct seclang_store *s = store_new(100, 3600);
    struct store_at at = at_("a", T0);
    ck_assert(store_add(s, &at, s_("n"), 5) && store_add(s, &at, s_("N"), -7));
    ck_assert_str_eq(get(s, "a", T0, "n"), "-2");
    ck_assert(put(s, "a", T0, "n", " 12abc") && store_add(s, &at, s_("n"), 1));
    ck_assert_str_eq(get(s, "a", T0, "n"), "13");
    ck_assert(put(s, "a", T0, "n", "2147483647") && store_add(s, &at, s_("n"), 1));
    ck_assert_str_eq(get(s, "a", T0, "n"), "-2147483648");
    store_delete(s, &at, s_("n"));
    ck_assert_str_eq(get(s, "a", T0, "n"), "-");
    store_unref(s);
}
END_TEST

START_TEST(members_expire)
{
    struct seclang_store *s = store_new(100, 3600);
    struct store_at at = at_("a", T0);
    ck_assert(put(s, "a", T0, "short", "1") && put(s, "a", T0, "long", "2"));
    store_expire(s, &at, s_("short"), 10);
    ck_assert_str_eq(get(s, "a", T0 + 9999, "short"), "1");
    ck_assert(put(s, "a", T0 + 5000, "short", "3")); /* writing does not prolong it */
    ck_assert_str_eq(get(s, "a", T0 + 10000, "short"), "-");
    ck_assert_str_eq(get(s, "a", T0 + 10000, "long"), "2");
    ck_assert(put(s, "a", T0 + 10000, "short", "4")); /* a new one, without an end */
    ck_assert_str_eq(get(s, "a", T0 + 60000, "short"), "4");
    store_expire(s, &at, s_("later"), 10); /* before there is a value */
    ck_assert_str_eq(get(s, "a", T0, "later"), "-");
    ck_assert(put(s, "a", T0, "later", "5"));
    ck_assert_str_eq(get(s, "a", T0 + 9999, "later"), "5");
    ck_assert_str_eq(get(s, "a", T0 + 10000, "later"), "-");
    store_unref(s);
}
END_TEST

START_TEST(collections_time_out)
{
    struct seclang_store *s = store_new(100, 10);
    ck_assert(put(s, "a", T0, "n", "1"));
    ck_assert_str_eq(get(s, "a", T0 + 9999, "n"), "1");
    ck_assert_str_eq(get(s, "a", T0 + 10000, "n"), "-");
    ck_assert_int_eq(store_count(s), 0);
    ck_assert(put(s, "a", T0, "n", "1") && put(s, "a", T0 + 8000, "m", "1"));
    ck_assert_str_eq(get(s, "a", T0 + 17000, "n"), "1");
    store_unref(s);
}
END_TEST

START_TEST(bounded_and_the_oldest_goes)
{
    struct seclang_store *s = store_new(160, 3600);
    char key[32], big[STORE_COLLECTION_BYTES + 1];
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%d", i);
        ck_assert(put(s, key, T0 + (uint64_t)i, "n", key));
        ck_assert_uint_le(store_count(s), 176);
    }
    ck_assert_str_eq(get(s, "4999", T0 + 5000, "n"), "4999");
    ck_assert_str_eq(get(s, "1", T0 + 5000, "n"), "-");
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    ck_assert(!put(s, "big", T0, "n", big));
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "name%d", i);
        (void)put(s, "many", T0, key, "some value");
    }
    ck_assert_str_eq(get(s, "many", T0, "name3"), "some value");
    ck_assert_str_eq(get(s, "many", T0, "name999"), "-");
    store_unref(s);
}
END_TEST

START_TEST(each_member_in_order)
{
    struct seclang_store *s = store_new(10, 3600);
    struct store_at at = at_("a", T0);
    struct store_member m[4];
    char buf[STORE_COLLECTION_BYTES];
    ck_assert_uint_eq(store_each(s, &at, buf, sizeof buf, m, 4), 0);
    ck_assert(put(s, "a", T0, "x", "1") && put(s, "a", T0, "y", "22") && put(s, "a", T0, "z", ""));
    store_expire(s, &at, s_("w"), 10);
    ck_assert_uint_eq(store_each(s, &at, buf, sizeof buf, m, 4), 3);
    ck_assert(m[1].name.len == 1 && m[1].name.data[0] == 'y' && m[1].value.len == 2 && m[2].value.len == 0);
    ck_assert_uint_eq(store_each(s, &at, buf, sizeof buf, m, 2), 2);
    ck_assert_uint_eq(store_each(s, &at, buf, 2, m, 4), 1); /* no room but for x=1 */
    store_unref(s);
}
END_TEST

static void *adder(void *ctx)
{
    struct store_at at = at_("shared", T0);
    for (int i = 0; i < 20000; i++)
        if (!store_add(ctx, &at, span_of("n", 1), 1))
            abort();
    store_unref(ctx);
    return NULL;
}

START_TEST(threads_share_it)
{
    struct seclang_store *s = store_new(10, 3600);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, adder, store_ref(s)), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert_str_eq(get(s, "shared", T0, "n"), "60000");
    store_unref(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sec_store");
    TCase *t = tcase_create("store");
    tcase_add_test(t, members_of_a_key_in_any_case);
    tcase_add_test(t, numbers_add_up);
    tcase_add_test(t, members_expire);
    tcase_add_test(t, collections_time_out);
    tcase_add_test(t, bounded_and_the_oldest_goes);
    tcase_add_test(t, each_member_in_order);
    tcase_add_test(t, threads_share_it);
    suite_add_tcase(s, t);
    return run_suite(s);
}
