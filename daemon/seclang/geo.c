/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/geo.h"

#include <maxminddb.h>
#include <netinet/in.h>

struct sec_geo {
    MMDB_s db;
};

/* ModSecurity's names, and where they stand in GeoLite2's records. */
static const struct {
    const char *name;
    const char *path[4];
} fields[SEC_GEO_FIELDS] = {
    {"COUNTRY_CODE", {"country", "iso_code"}},
    {"COUNTRY_NAME", {"country", "names", "en"}},
    {"COUNTRY_CONTINENT", {"continent", "names", "en"}},
    {"CITY", {"city", "names", "en"}},
    {"POSTAL_CODE", {"postal", "code"}},
    {"LATITUDE", {"location", "latitude"}},
    {"LONGITUDE", {"location", "longitude"}},
};

struct sec_geo *sec_geo_open(const char *file, char *why, size_t size)
{
    struct sec_geo *g = calloc(1, sizeof *g);
    if (!g) {
        snprintf(why, size, "out of memory");
        return NULL;
    }
    int r = MMDB_open(file, MMDB_MODE_MMAP, &g->db);
    if (r == MMDB_SUCCESS)
        return g;
    snprintf(why, size, "cannot read the database \"%.200s\": %s", file, MMDB_strerror(r));
    free(g);
    return NULL;
}

void sec_geo_close(struct sec_geo *g)
{
    if (!g)
        return;
    MMDB_close(&g->db);
    free(g);
}

static MMDB_lookup_result_s look_up(const struct sec_geo *g, const struct ip_addr *a, int *error)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    memcpy(&v4.sin_addr, a->bytes, sizeof v4.sin_addr);
    memcpy(&v6.sin6_addr, a->bytes, sizeof v6.sin6_addr);
    const void *address = a->family == 4 ? (const void *)&v4 : &v6;
    return MMDB_lookup_sockaddr(&g->db, address, error);
}

/* A number goes to the next of the place's own. */
static bool read_value(const MMDB_entry_data_s *d, char *number, struct span *ret)
{
    if (d->type == MMDB_DATA_TYPE_UTF8_STRING) {
        *ret = span_of(d->utf8_string, d->data_size);
        return true;
    }
    if (d->type != MMDB_DATA_TYPE_DOUBLE || d->double_value < -1000 || d->double_value > 1000)
        return false;
    *ret = span_of(number, (size_t)snprintf(number, SEC_GEO_NUMBER, "%f", d->double_value));
    return true;
}

bool sec_geo_find(const struct sec_geo *g, const struct ip_addr *a, struct sec_geo_place *ret)
{
    int error;
    MMDB_lookup_result_s found = look_up(g, a, &error);
    unsigned numbers = 0;
    if (error != MMDB_SUCCESS || !found.found_entry)
        return false;
    ret->n = 0;
    for (size_t i = 0; i < SEC_GEO_FIELDS; i++) {
        MMDB_entry_data_s d;
        struct span value;
        if (MMDB_aget_value(&found.entry, &d, fields[i].path) != MMDB_SUCCESS || !d.has_data || numbers == 2 ||
            !read_value(&d, ret->numbers[numbers], &value))
            continue;
        numbers += d.type == MMDB_DATA_TYPE_DOUBLE;
        ret->fields[ret->n].name = fields[i].name;
        ret->fields[ret->n++].value = value;
    }
    return true;
}

bool sec_geo_field(const struct sec_geo_place *p, uint32_t i, struct span *name, struct span *value)
{
    if (i >= p->n)
        return false;
    *name = span_of(p->fields[i].name, strlen(p->fields[i].name));
    *value = p->fields[i].value;
    return true;
}
