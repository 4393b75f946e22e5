/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_GEO_H
#define SLUICE_SECLANG_GEO_H

#include "net/addr.h"

/* Where an address is, by a database in MaxMind's format; threads share it. */
struct sec_geo;

#define SEC_GEO_FIELDS 7
#define SEC_GEO_NUMBER 32

/* What was found, for GEO; spans are the database's, numbers are written here. */
struct sec_geo_place {
    uint32_t n;
    struct {
        const char *name;
        struct span value;
    } fields[SEC_GEO_FIELDS];
    char numbers[2][SEC_GEO_NUMBER];
};

/* NULL with the reason in why. The file is mapped. Main thread. */
MUST_CHECK struct sec_geo *sec_geo_open(const char *file, char *why, size_t size);
void sec_geo_close(struct sec_geo *g);

/* False where the database has nothing of the address; ret is then as it was. */
bool sec_geo_find(const struct sec_geo *g, const struct ip_addr *a, struct sec_geo_place *ret);
/* Field i, false past the last. */
bool sec_geo_field(const struct sec_geo_place *p, uint32_t i, struct span *name, struct span *value);

#endif
