/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A regex and a value: where PCRE2 finds a match, a sieve made of the regex lets the value pass. */
#include <stdlib.h>

#include "match/regex.h"
#include "match/sieve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct regex *r, struct regex_memory *m, const struct sieve *s, struct span value)
{
    if (regex_match(r, m, value) == 1 && !sieve_may_hold(s, value))
        abort();
}

/* The regex's own letters, which are likely to match. */
static size_t plain(uint8_t *to, struct span pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < pattern.len; i++)
        if (!memchr("\\()[]{}?*+|^$", pattern.data[i], 13))
            to[n++] = pattern.data[i];
    return n;
}

static void run(const struct regex *r, const struct sieve *s, struct span pattern, struct span value)
{
    uint8_t letters[256];
    struct regex_memory *m = regex_memory_new(1000);
    if (m) {
        check(r, m, s, value);
        check(r, m, s, span_of(letters, plain(letters, pattern)));
        for (size_t i = 0; i < value.len && i < 16; i++)
            check(r, m, s, span_from(value, i));
    }
    regex_memory_free(m);
}

/* The first byte is the regex's length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size), pattern, value;
    char why[128];
    size_t at, n = size ? data[0] : 0;
    if (size < 2)
        return 0;
    all = span_from(all, 1);
    n = n < all.len ? n : all.len;
    pattern = span_first(all, n);
    value = span_from(all, n);
    struct sieve_build b = {0};
    struct regex *r = regex_new(pattern, why, sizeof why, &at);
    struct sieve *s = sieve_add_regex(&b, pattern) ? sieve_new(&b) : NULL;
    if (r && s)
        run(r, s, pattern, value);
    if (r)
        regex_free(r);
    sieve_free(s);
    sieve_build_free(&b);
    return 0;
}
