/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <stdlib.h>

#include "run_suite.h"
#include "sec_geo_database.h"
#include "seclang/operators.h"

static bool same(struct span a, const char *b)
{
    return a.len == strlen(b) && !memcmp(a.data, b, a.len);
}

static void check_field(const struct sec_operator_memory *m, const char *name, const char *value)
{
    struct span n, v;
    for (uint32_t i = 0; sec_operator_geo(m, i, &n, &v); i++)
        if (same(n, name)) {
            ck_assert_msg(value && same(v, value), "%s: %.*s", name, (int)v.len, (const char *)v.data);
            return;
        }
    ck_assert_msg(!value, "%s", name);
}

START_TEST(geo)
{
    char database[] = "/tmp/check_sec_geo.XXXXXX", why[256];
    struct sec_text none = {.constant = true};
    geo_write_database(database);
    struct sec_operator_options options = {.geo_database = database};
    struct sec_operator *o = sec_operator_new(SEC_OP_GEO_LOOKUP, &none, &options, why, sizeof why);
    ck_assert_msg(o, "%s", why);
    struct sec_operator_memory *m = sec_operator_memory_new(1000);
    ck_assert(m);
    unlink(database);
    check_field(m, "COUNTRY_CODE", NULL);
    ck_assert_int_eq(sec_operator_match(o, m, span_of("192.0.2.1", 9), span_of(NULL, 0), NULL), 1);
    check_field(m, "COUNTRY_CODE", "DE");
    check_field(m, "COUNTRY_NAME", "Germany");
    check_field(m, "COUNTRY_CONTINENT", "Europe");
    check_field(m, "CITY", "Berlin");
    check_field(m, "POSTAL_CODE", "10115");
    check_field(m, "LATITUDE", "52.520000");
    check_field(m, "LONGITUDE", "-13.250000");
    ck_assert_int_eq(sec_operator_match(o, m, span_of("192.0.3.1", 9), span_of(NULL, 0), NULL), 1);
    check_field(m, "COUNTRY_CODE", "FR");
    check_field(m, "CITY", NULL);
    static const char *const unknown[] = {"10.0.0.1", "x", "", "2001:db8::1", "192.0.2.1 "};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
        ck_assert_int_eq(sec_operator_match(o, m, span_of(unknown[i], strlen(unknown[i])), span_of(NULL, 0), NULL), 0);
    sec_operator_memory_free(m);
    sec_operator_free(o);
    options.geo_database = "/nowhere/t.mmdb";
    ck_assert(!sec_operator_new(SEC_OP_GEO_LOOKUP, &none, &options, why, sizeof why));
    ck_assert_msg(strstr(why, "/nowhere/t.mmdb"), "%s", why);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sec_geo");
    TCase *c = tcase_create("sec_geo");
    tcase_add_test(c, geo);
    suite_add_tcase(s, c);
    return run_suite(s);
}
