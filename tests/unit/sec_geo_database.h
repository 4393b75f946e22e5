/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_SEC_GEO_DATABASE_H
#define SLUICE_TESTS_SEC_GEO_DATABASE_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A database in MaxMind's format, with 192.0.2.0/24 and 192.0.3.0/24. What GEO
 * then holds was asked of libmodsecurity 3.0.9 with one like it.
 */
struct geo_out {
    uint8_t at[1024];
    size_t n;
};

static inline void geo_put(struct geo_out *o, unsigned c)
{
    ck_assert(o->n < sizeof o->at);
    o->at[o->n++] = (uint8_t)c;
}

static inline void geo_put3(struct geo_out *o, unsigned v)
{
    geo_put(o, v >> 16);
    geo_put(o, v >> 8);
    geo_put(o, v);
}

static inline void geo_put_text(struct geo_out *o, const char *text)
{
    geo_put(o, 2u << 5 | (unsigned)strlen(text));
    for (; *text; text++)
        geo_put(o, (uint8_t)*text);
}

static inline void geo_put_map(struct geo_out *o, unsigned n)
{
    geo_put(o, 7u << 5 | n);
}

static inline void geo_put_double(struct geo_out *o, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    geo_put(o, 3u << 5 | 8);
    for (int i = 7; i >= 0; i--)
        geo_put(o, (unsigned)(bits >> 8 * i & 0xff));
}

/* An unsigned integer of one byte; types past 7 have one of their own. */
static inline void geo_put_number(struct geo_out *o, unsigned type, unsigned v)
{
    geo_put(o, type > 7 ? 1 : type << 5 | 1);
    if (type > 7)
        geo_put(o, type - 7);
    geo_put(o, v);
}

static inline void geo_put_names(struct geo_out *o, const char *what, const char *name)
{
    geo_put_text(o, what);
    geo_put_map(o, 1);
    geo_put_text(o, "names");
    geo_put_map(o, 1);
    geo_put_text(o, "en");
    geo_put_text(o, name);
}

static inline void geo_put_place(struct geo_out *o)
{
    geo_put_map(o, 5);
    geo_put_text(o, "country");
    geo_put_map(o, 2);
    geo_put_text(o, "iso_code");
    geo_put_text(o, "DE");
    geo_put_text(o, "names");
    geo_put_map(o, 1);
    geo_put_text(o, "en");
    geo_put_text(o, "Germany");
    geo_put_names(o, "continent", "Europe");
    geo_put_names(o, "city", "Berlin");
    geo_put_text(o, "postal");
    geo_put_map(o, 1);
    geo_put_text(o, "code");
    geo_put_text(o, "10115");
    geo_put_text(o, "location");
    geo_put_map(o, 2);
    geo_put_text(o, "latitude");
    geo_put_double(o, 52.5200001);
    geo_put_text(o, "longitude");
    geo_put_double(o, -13.25);
}

#define GEO_NODES 24

static inline void geo_put_tree(struct geo_out *o, unsigned second)
{
    const uint32_t prefix = 0xc0000200; /* 192.0.2.0; the last bit tells the two networks apart */
    for (unsigned i = 0; i + 1 < GEO_NODES; i++) {
        bool one = prefix >> (31 - i) & 1;
        geo_put3(o, one ? GEO_NODES : i + 1);
        geo_put3(o, one ? i + 1 : GEO_NODES);
    }
    geo_put3(o, GEO_NODES + 16);
    geo_put3(o, GEO_NODES + 16 + second);
}

static inline void geo_put_metadata(struct geo_out *o)
{
    for (const char *mark = "\xab\xcd\xefMaxMind.com"; *mark; mark++)
        geo_put(o, (uint8_t)*mark);
    geo_put_map(o, 9);
    geo_put_text(o, "description");
    geo_put_map(o, 0);
    geo_put_text(o, "languages");
    geo_put(o, 0); /* an array of none */
    geo_put(o, 11 - 7);
    geo_put_text(o, "binary_format_major_version");
    geo_put_number(o, 5, 2);
    geo_put_text(o, "binary_format_minor_version");
    geo_put_number(o, 5, 0);
    geo_put_text(o, "build_epoch");
    geo_put_number(o, 9, 1);
    geo_put_text(o, "database_type");
    geo_put_text(o, "Test");
    geo_put_text(o, "ip_version");
    geo_put_number(o, 5, 4);
    geo_put_text(o, "node_count");
    geo_put_number(o, 6, GEO_NODES);
    geo_put_text(o, "record_size");
    geo_put_number(o, 5, 24);
}

/* The name is a template, as mkstemp takes it. */
static inline void geo_write_database(char *name)
{
    struct geo_out file = {0}, data = {0};
    geo_put_place(&data);
    unsigned second = (unsigned)data.n;
    geo_put_map(&data, 1);
    geo_put_text(&data, "country");
    geo_put_map(&data, 1);
    geo_put_text(&data, "iso_code");
    geo_put_text(&data, "FR");
    geo_put_tree(&file, second);
    for (int i = 0; i < 16; i++)
        geo_put(&file, 0);
    for (size_t i = 0; i < data.n; i++)
        geo_put(&file, data.at[i]);
    geo_put_metadata(&file);
    int fd = mkstemp(name);
    ck_assert(fd >= 0 && write(fd, file.at, file.n) == (ssize_t)file.n && !close(fd));
}

#endif
