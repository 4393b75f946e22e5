/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <stdlib.h>

#include "run_suite.h"
#include "seclang/operators.h"

static bool same(struct span a, const char *b)
{
    return a.len == strlen(b) && !memcmp(a.data, b, a.len);
}

/*
 * A database in MaxMind's format, with 192.0.2.0/24 and 192.0.3.0/24. What GEO
 * then holds was asked of libmodsecurity 3.0.9 with one like it.
 */
struct out {
    uint8_t at[1024];
    size_t n;
};

static void put(struct out *o, unsigned c)
{
    ck_assert(o->n < sizeof o->at);
    o->at[o->n++] = (uint8_t)c;
}

static void put3(struct out *o, unsigned v)
{
    put(o, v >> 16);
    put(o, v >> 8);
    put(o, v);
}

static void put_text(struct out *o, const char *text)
{
    put(o, 2u << 5 | (unsigned)strlen(text));
    for (; *text; text++)
        put(o, (uint8_t)*text);
}

static void put_map(struct out *o, unsigned n)
{
    put(o, 7u << 5 | n);
}

static void put_double(struct out *o, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put(o, 3u << 5 | 8);
    for (int i = 7; i >= 0; i--)
        put(o, (unsigned)(bits >> 8 * i & 0xff));
}

/* An unsigned integer of one byte; types past 7 have one of their own. */
static void put_number(struct out *o, unsigned type, unsigned v)
{
    put(o, type > 7 ? 1 : type << 5 | 1);
    if (type > 7)
        put(o, type - 7);
    put(o, v);
}

static void put_names(struct out *o, const char *what, const char *name)
{
    put_text(o, what);
    put_map(o, 1);
    put_text(o, "names");
    put_map(o, 1);
    put_text(o, "en");
    put_text(o, name);
}

static void put_place(struct out *o)
{
    put_map(o, 5);
    put_text(o, "country");
    put_map(o, 2);
    put_text(o, "iso_code");
    put_text(o, "DE");
    put_text(o, "names");
    put_map(o, 1);
    put_text(o, "en");
    put_text(o, "Germany");
    put_names(o, "continent", "Europe");
    put_names(o, "city", "Berlin");
    put_text(o, "postal");
    put_map(o, 1);
    put_text(o, "code");
    put_text(o, "10115");
    put_text(o, "location");
    put_map(o, 2);
    put_text(o, "latitude");
    put_double(o, 52.5200001);
    put_text(o, "longitude");
    put_double(o, -13.25);
}

#define NODES 24

static void put_tree(struct out *o, unsigned second)
{
    const uint32_t prefix = 0xc0000200; /* 192.0.2.0; the last bit tells the two networks apart */
    for (unsigned i = 0; i + 1 < NODES; i++) {
        bool one = prefix >> (31 - i) & 1;
        put3(o, one ? NODES : i + 1);
        put3(o, one ? i + 1 : NODES);
    }
    put3(o, NODES + 16);
    put3(o, NODES + 16 + second);
}

static void put_metadata(struct out *o)
{
    for (const char *mark = "\xab\xcd\xefMaxMind.com"; *mark; mark++)
        put(o, (uint8_t)*mark);
    put_map(o, 9);
    put_text(o, "description");
    put_map(o, 0);
    put_text(o, "languages");
    put(o, 0); /* an array of none */
    put(o, 11 - 7);
    put_text(o, "binary_format_major_version");
    put_number(o, 5, 2);
    put_text(o, "binary_format_minor_version");
    put_number(o, 5, 0);
    put_text(o, "build_epoch");
    put_number(o, 9, 1);
    put_text(o, "database_type");
    put_text(o, "Test");
    put_text(o, "ip_version");
    put_number(o, 5, 4);
    put_text(o, "node_count");
    put_number(o, 6, NODES);
    put_text(o, "record_size");
    put_number(o, 5, 24);
}

/* The name is a template, as mkstemp takes it. */
static void write_database(char *name)
{
    struct out file = {0}, data = {0};
    put_place(&data);
    unsigned second = (unsigned)data.n;
    put_map(&data, 1);
    put_text(&data, "country");
    put_map(&data, 1);
    put_text(&data, "iso_code");
    put_text(&data, "FR");
    put_tree(&file, second);
    for (int i = 0; i < 16; i++)
        put(&file, 0);
    for (size_t i = 0; i < data.n; i++)
        put(&file, data.at[i]);
    put_metadata(&file);
    int fd = mkstemp(name);
    ck_assert(fd >= 0 && write(fd, file.at, file.n) == (ssize_t)file.n && !close(fd));
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
    write_database(database);
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
