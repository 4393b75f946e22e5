/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rules share: collections over transactions, time, reloads and threads; and what they say of geoLookup. */
#include <pthread.h>
#include <stdint.h>

#include "run_suite.h"
#include "sec_geo_database.h"
#include "sec_run.h"

#define COUNT                                                                                                          \
    "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},initcol:global=all\"\n"                             \
    "SecAction \"id:2,phase:1,pass,nolog,setvar:ip.n=+1,setvar:global.n=+1\"\n"
#define TELL "SecRule IP:n|GLOBAL:n \"@unconditionalMatch\" \"id:9,phase:5,pass,log,msg:'%{IP.n} %{GLOBAL.n}'\"\n"

/* One transaction with memory of its own; the text is the caller's to free. */
static char *run_once(const struct seclang *s, const char *request)
{
    struct seclang_memory *m = seclang_memory_new(s);
    ck_assert(m);
    char *got = run_all(s, m, request, strlen(request), RUN_RESPONSE);
    seclang_memory_free(m);
    return got;
}

static void expect(const struct seclang *s, const char *request, const char *expected)
{
    char *got = run_once(s, request);
    ck_assert_str_eq(got, expected);
    free(got);
}

static struct seclang *load(const char *rules)
{
    struct seclang *s = run_load(rules, true);
    ck_assert(s);
    return s;
}

START_TEST(collections_go_on_over_a_reload)
{
    struct seclang *old = load(COUNT TELL);
    expect(old, RUN_REQUEST, "5 9 1 1|\n");
    expect(old, RUN_REQUEST, "5 9 2 2|\n");
    struct seclang *s = load(COUNT "SecAction \"id:3,phase:1,pass,nolog,setvar:ip.n=+10\"\n" TELL);
    seclang_inherit(s, old);
    /* A worker may still be in a transaction of the old rules. */
    expect(old, RUN_REQUEST, "5 9 3 3|\n");
    seclang_free(old);
    expect(s, RUN_REQUEST, "5 9 14 4|\n");
    struct seclang *alone = load(COUNT TELL);
    expect(alone, RUN_REQUEST, "5 9 1 1|\n");
    seclang_free(alone);
    seclang_free(s);
}
END_TEST

START_TEST(a_reload_changes_the_timeout)
{
    uint64_t begun = run_now_ms;
    struct seclang *old = load("SecCollectionTimeout 3600\n" COUNT TELL);
    expect(old, RUN_REQUEST, "5 9 1 1|\n");
    struct seclang *s = load("SecCollectionTimeout 10\n" COUNT TELL);
    seclang_inherit(s, old);
    seclang_free(old);
    run_now_ms = begun + 9000;
    expect(s, RUN_REQUEST, "5 9 2 2|\n");
    run_now_ms += 11000;
    expect(s, RUN_REQUEST, "5 9 1 1|\n");
    run_now_ms = begun;
    seclang_free(s);
}
END_TEST

START_TEST(expirevar)
{
    uint64_t begun = run_now_ms;
    struct seclang *s = load("SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR}\"\n"
                             "SecRule ARGS:a \"@streq set\" \"id:2,phase:1,pass,nolog,setvar:ip.blocked=1,"
                             "setvar:ip.seen=+1,expirevar:ip.blocked=%{ARGS.t}\"\n"
                             "SecRule IP:blocked \"@eq 1\" \"id:3,phase:2,deny,log,msg:'%{IP.seen}'\"\n"
                             "SecRule &IP:blocked \"@eq 0\" \"id:4,phase:2,pass,log,msg:'%{IP.seen}'\"\n");
    const char *set = "GET /?a=set&t=60 HTTP/1.1\r\nHost: h\r\n\r\n";
    expect(s, RUN_REQUEST, "2 4 |\n");
    expect(s, set, "2 3 1|\n2 status 403\n");
    run_now_ms += 59000;
    expect(s, RUN_REQUEST, "2 3 1|\n2 status 403\n");
    run_now_ms += 2000;
    expect(s, RUN_REQUEST, "2 4 1|\n");
    expect(s, set, "2 3 2|\n2 status 403\n");
    run_now_ms = begun;
    seclang_free(s);
}
END_TEST

START_TEST(geo_lookup)
{
    char database[] = "/tmp/check_sec_shared.XXXXXX", rules[1024];
    geo_write_database(database);
    snprintf(rules, sizeof rules,
             "SecGeoLookupDb %s\n"
             "SecRule REQUEST_HEADERS:X-Client \"@geoLookup\" \"id:1,phase:1,pass,log,msg:'%%{GEO.COUNTRY_CODE} "
             "%%{GEO.city}',chain\"\nSecRule GEO:COUNTRY_CODE \"@within DE AT\" \"setvar:tx.known=1\"\n"
             "SecRule REQUEST_HEADERS:X-Client \"!@geoLookup\" \"id:2,phase:1,deny,log,msg:'%%{MATCHED_VAR}'\"\n"
             "SecRule &GEO \"@gt 0\" \"id:3,phase:2,pass,log,msg:'%%{MATCHED_VAR}'\"\n",
             database);
    struct seclang *s = load(rules);
    unlink(database);
    expect(s, "GET / HTTP/1.1\r\nHost: h\r\nX-Client: 192.0.2.9\r\n\r\n", "1 1 DE Berlin|\n2 3 7|\n");
    expect(s, "GET / HTTP/1.1\r\nHost: h\r\nX-Client: 192.0.3.9\r\n\r\n", "2 3 1|\n");
    expect(s, "GET / HTTP/1.1\r\nHost: h\r\nX-Client: 10.0.0.1\r\n\r\n", "1 2 10.0.0.1|\n1 status 403\n");
    seclang_free(s);
}
END_TEST

/* libmodsecurity detects, and reads requests' bodies, where its configuration says nothing of it. */
START_TEST(nothing_is_set)
{
    struct seclang *s =
        run_load_with("",
                      "SecRule ARGS_POST:b \"@streq 2\" \"id:1,phase:2,deny,log,msg:'%{REQUEST_BODY}'\"\n"
                      "SecAction \"id:2,phase:4,pass,log,msg:'4'\"\n",
                      true);
    ck_assert(s);
    expect(
        s,
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\nb=2",
        "2 1 b=2|\n");
    seclang_free(s);
}
END_TEST

#define WORKERS 4
#define ROUNDS 300

static void *work(void *ctx)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        free(run_once(ctx, RUN_REQUEST));
    return NULL;
}

START_TEST(workers_share_a_store)
{
    pthread_t workers[WORKERS];
    char expected[64];
    struct seclang *s =
        load(COUNT "SecAction \"id:3,phase:1,pass,nolog,setvar:ip.last=%{ip.n},expirevar:ip.last=5\"\n"
                   "SecRule IP \"@rx .\" \"id:4,phase:2,pass,nolog,setvar:tx.all=%{MATCHED_VAR}\"\n" TELL);
    for (unsigned i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_create(&workers[i], NULL, work, s), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        pthread_join(workers[i], NULL);
    snprintf(expected, sizeof expected, "5 9 %d %d|\n", WORKERS * ROUNDS + 1, WORKERS * ROUNDS + 1);
    expect(s, RUN_REQUEST, expected);
    seclang_free(s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sec_shared");
    TCase *t = tcase_create("shared");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, collections_go_on_over_a_reload);
    tcase_add_test(t, a_reload_changes_the_timeout);
    tcase_add_test(t, expirevar);
    tcase_add_test(t, geo_lookup);
    tcase_add_test(t, nothing_is_set);
    tcase_add_test(t, workers_share_a_store);
    suite_add_tcase(s, t);
    return run_suite(s);
}
