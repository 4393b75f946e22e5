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
static char (*sql_word)(void *state, int table, const char *s, size_t len);

#define SQL_WORDS 1         /* the table of words and phrases, for which no state is needed */
#define SQL_WORD_LEN_MAX 31 /* longer ones are cut off by libinjection, and looked up by nobody */

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
    if (library && find("libinjection_sqli", &sqli) && find("libinjection_xss", &xss)) {
        (void)find("libinjection_sqli_lookup_word", &sql_word);
        return 0;
    }
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

bool detect_sql_word(struct span v)
{
    if (!sql_word)
        return true;
    return v.len && v.len <= SQL_WORD_LEN_MAX && sql_word(NULL, SQL_WORDS, (const char *)v.data, v.len) != 0;
}

bool detect_utf8_valid(struct span v)
{
    return utf8_valid(v, false);
}
