/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match/injection.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>

#include "base/utf8.h"

#define LIBRARY "libmodsecurity.so.3"

/* Stays loaded: generations come and go, the library is the same. */
static void *library;
static int (*sqli)(const char *s, size_t len, char fingerprint[]);
static int (*xss)(const char *s, size_t len);

/* A symbol that is a function: what dlsym returns is converted as POSIX says. */
static bool find(const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    __builtin_memcpy(function, &symbol, sizeof symbol);
    return symbol;
}

int detect_open(char *why, size_t size)
{
    if (library)
        return 0;
    library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library && find("libinjection_sqli", &sqli) && find("libinjection_xss", &xss))
        return 0;
    const char *error = dlerror();
    snprintf(why, size, "%s", error ? error : LIBRARY ": no libinjection in it");
    if (library)
        dlclose(library);
    library = NULL;
    return -ENOENT;
}

bool detect_sqli(struct span v, char *fingerprint)
{
    char own[8];
    return v.len && sqli((const char *)v.data, v.len, fingerprint ? fingerprint : own) == 1;
}

bool detect_xss(struct span v)
{
    return v.len && xss((const char *)v.data, v.len) == 1;
}

bool detect_utf8_valid(struct span v)
{
    return utf8_valid(v, false);
}
