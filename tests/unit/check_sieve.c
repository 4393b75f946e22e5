/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a sieve keeps from a scan never matches: against PCRE2, with random regexes and values made to match them. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "match/regex.h"
#include "match/sieve.h"
#include "run_suite.h"

static uint64_t rng_state = 88172645463325252ull;

static unsigned rnd(unsigned n)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (unsigned)(rng_state % n);
}

/* ---- factors of known regexes ---- */

static struct span text(const char *s)
{
    return span_of(s, strlen(s));
}

static const struct {
    const char *regex, *factors; /* NULL: none */
} known[] = {
    {"union", "unio"},
    {"UNION\\s+SELECT", "elec"},
    {"(?i)abc", "abc"},
    {"a", "a"},
    {"<script|onload", "<scr load"},
    {"(?:kvb|vkx)y", "kvby vkxy"},
    {"k[vb]x", "kbx kvx"},
    {"k[a-z]x", "k"},
    {"kv?x", "kvx kx"},
    {"kvx*", "kv"},
    {"(?:kvb)+", "kvb"},
    {"(?:kvb){0,3}x", "x"},
    {"kvb{2,}", "kvb"},
    {"k{2}vb", "vb"},
    {"\\bkv\\B$", "kv"},
    {"(?=zzzz)kv", "kv"},
    {"kv(?!zzzz)", "kv"},
    {"(?<=zzzz)kv", "kv"},
    {"(?<n>kv)x", "kvx"},
    {"(?P<n>kv)x", "kvx"},
    {"(?'n'kv)x", "kvx"},
    {"(?>kv|k)x", "kvx kx"},
    {"(kv)\\1", "kv"},
    {"\\x6bv\\/", "kv/"},
    {"[[:alpha:]]kv", "kv"},
    {"[]k]v", "kv }v"},
    {"k\\d{5}vb", "vb"},
    {"k{v", "k{v"},
    {"(?m)^kv$", "kv"},
    {"(?-m:k)v", "kv"},
    {"\\Akv\\z", "kv"},
    {"^", NULL},
    {"", NULL},
    {"kv|", NULL},
    {"kv|.", NULL},
    {"[^k]", NULL},
    {"(?:kv)?", NULL},
    {"(?:kv)*", NULL},
    {"kv{0}", "k"},
    {"(?x) k v", NULL},
    {"(?R)?kv", NULL},
    {"(kv)?(?(1)vb|bv)", NULL},
    {"(*UTF)kv", NULL},
    {"\\Qkv\\E", NULL},
    {"\\101v", NULL},
    {"(k)\\12", NULL},
    {"\\x{6b}v", "kv"},
    {"\\x{16b}v", NULL},
    {"\\x{6bv", NULL},
    {"\\p{L}kv", NULL},
    {"k{,3}v", NULL},
    {"(?#kv)vb", NULL},
    {"kv(", NULL},
    {"kv)", NULL},
    {"[kv", NULL},
    {"k\\", NULL},
    {"[[:]kv", NULL},
    {"[[:aa:)[[:]k|[]a]", NULL},
};

START_TEST(factors_of_known_regexes)
{
    struct factors f;
    char got[1024] = "";
    bool found = factors_of_regex(text(known[_i].regex), &f);
    for (unsigned i = 0; found && i < f.n; i++)
        snprintf(got + strlen(got), 20, "%s%.*s", i ? " " : "", f.len[i], (const char *)f.at[i]);
    ck_assert_msg(found == !!known[_i].factors, "%s: found \"%s\"", known[_i].regex, got);
    if (found)
        ck_assert_msg(strcmp(got, known[_i].factors) == 0, "%s: \"%s\"", known[_i].regex, got);
}
END_TEST

/* ---- random regexes, with values made to match them ---- */

struct draft {
    char regex[4096], value[4096];
    size_t n_regex, n_value;
};

static void put(char *to, size_t *n, const char *s)
{
    size_t len = strlen(s);
    if (*n + len < 4000) {
        memcpy(to + *n, s, len);
        *n += len;
    }
}

static void both(struct draft *d, const char *regex, const char *value)
{
    put(d->regex, &d->n_regex, regex);
    put(d->value, &d->n_value, value);
}

static const char *pick(const char *const *list, unsigned n)
{
    return list[rnd(n)];
}

static void draft_word(struct draft *d)
{
    static const char *const words[] = {"a",      "b", "kv",    "union", "select",
                                        "script", "0", "/etc/", "x-y",   "passwd_file"};
    const char *w = pick(words, ARRAY_LEN(words));
    both(d, w, w);
}

static void draft_special(struct draft *d)
{
    static const char *const pairs[][2] = {
        {".", "z"},
        {"\\d", "7"},
        {"\\w", "_"},
        {"\\s", " "},
        {"\\.", "."},
        {"[abc]", "b"},
        {"[^abc]", "d"},
        {"[\\w-]", "-"},
        {"[]x]", "]"},
        {"[a-e]", "c"},
        {"[\\\\/]", "/"},
        {"\\x41", "A"},
        {"\\x2", "\x02"},
        {"\\n", "\n"},
        {"[\\s\\d]", "1"},
        {"[[:alpha:]]", "q"},
        {"[[:^alpha:]-]", "5"},
        {"\\(", "("},
        {"\\{", "{"},
        {"[{}]", "}"},
        {"(?i:kV)", "Kv"},
        {"(?=.|$)", ""},
        {"(?!\\x01)", ""},
        {"\\b|", ""},
        {"(?:)", ""},
        {"[^\\n]", "e"},
        {"\\S", "("},
        {"\\H", "w"},
        {"\\R", "\n"},
        {"@", "@"},
        {"`", "`"},
        {"\\[", "["},
        {"[A-F]", "E"},
        {"\\-", "-"},
        {"_", "_"},
        {"(?s).", "\n"},
        {"[\\x00-\\x08]", "\x03"},
        {"\xe4", "\xe4"},
        {"x{1}", "x"},
        {"{", "{"},
        {"(?<!\\x01)", ""},
        {"[\\]k]", "]"},
        {"[a\\-z]", "-"},
        {"[+--]", ","},
        {"[^]k]", "z"},
        {"[\"'\\]*", ""},
        {"[\"'\\]*", "'\""},
        {"(?:\\$[a-z]+)?", ""},
        {"(?:\\$[a-z]+)?", "$q"},
        {"\\x5c?", ""},
        {"\\x5c?", "\\"},
    };
    unsigned i = rnd(ARRAY_LEN(pairs));
    both(d, pairs[i][0], pairs[i][1]);
}

static void draft_part(struct draft *d, unsigned depth);

static void draft_sequence(struct draft *d, unsigned depth)
{
    for (unsigned n = 1 + rnd(4); n; n--)
        draft_part(d, depth);
}

/* One of several, of which the value has one. */
static void draft_alternatives(struct draft *d, unsigned depth)
{
    unsigned n = 1 + rnd(4), chosen = rnd(n);
    for (unsigned i = 0; i < n; i++) {
        size_t before = d->n_value;
        if (i)
            put(d->regex, &d->n_regex, "|");
        draft_sequence(d, depth);
        if (i != chosen)
            d->n_value = before; /* what was written for the others is taken away again */
    }
}

static void draft_group(struct draft *d, unsigned depth)
{
    static const char *const opens[] = {"(?:", "(?:", "(", "(?>", "(?i:", "(?s-i:", "(?|"};
    static const struct {
        const char *text;
        unsigned least, most;
    } repeats[] = {{"", 1, 1},      {"", 1, 1},       {"?", 0, 1},   {"*", 0, 3},  {"+", 1, 3},    {"{2}", 2, 2},
                   {"{0,2}", 0, 2}, {"{1,2}?", 1, 2}, {"{0}", 0, 0}, {"??", 0, 1}, {"{1,}", 1, 2}, {"*?", 0, 2}};
    unsigned k = rnd(ARRAY_LEN(repeats)), times = repeats[k].least + rnd(repeats[k].most - repeats[k].least + 1);
    size_t from = d->n_value;
    put(d->regex, &d->n_regex, pick(opens, ARRAY_LEN(opens)));
    draft_alternatives(d, depth - 1);
    put(d->regex, &d->n_regex, ")");
    put(d->regex, &d->n_regex, repeats[k].text);
    size_t len = d->n_value - from;
    d->n_value = from;
    for (unsigned i = 0; i < times && d->n_value + len < 4000; i++) {
        memmove(d->value + d->n_value, d->value + from, len);
        d->n_value += len;
    }
}

/* A word with gaps between its letters. */
static void draft_gaps(struct draft *d)
{
    static const char *const words[] = {"cat", "wget", "curl", "ls"};
    static const char *const gaps[][2] = {
        {"[\"'\\)\\[\\x5c]*", "'"}, {"(?:\\$[!#(*0-9?@_a-{]*)?\\x5c?", "$q"}, {"[\"']*\\\\?", "\\"}};
    unsigned gap = rnd(ARRAY_LEN(gaps)), filled = rnd(3);
    for (const char *w = pick(words, ARRAY_LEN(words)); *w; w++) {
        both(d, (char[]){*w, '\0'}, (char[]){*w, '\0'});
        both(d, gaps[gap][0], !filled && rnd(2) ? gaps[gap][1] : "");
    }
}

static void draft_part(struct draft *d, unsigned depth)
{
    unsigned kind = rnd(11);
    if (kind == 10)
        draft_gaps(d);
    else if (kind < 4)
        draft_word(d);
    else if (kind < 7 || !depth)
        draft_special(d);
    else
        draft_group(d, depth);
}

/* 1: a match that the sieve lets pass; 0: nothing to be seen; a match that it keeps fails. */
static int try_value(const struct draft *d, const struct regex *r, struct regex_memory *m, const struct sieve *s,
                     const char *before, const char *after)
{
    char value[4200];
    size_t n = (size_t)snprintf(value, sizeof value, "%s", before);
    memcpy(value + n, d->value, d->n_value);
    n += d->n_value;
    n += (size_t)snprintf(value + n, sizeof value - n, "%s", after);
    if (rnd(4) == 0 && n)
        value[rnd((unsigned)n)] ^= (char)(1 << rnd(8));
    uint8_t *copy = malloc(n + 1); /* so that a byte too far is seen */
    memcpy(copy, value, n);
    int matches = regex_match(r, m, span_of(copy, n));
    bool holds = sieve_may_hold(s, span_of(copy, n));
    free(copy);
    ck_assert_msg(matches != 1 || holds, "\"%.*s\" matches \"%.*s\" and was kept", (int)d->n_regex, d->regex, (int)n,
                  value);
    return matches == 1;
}

START_TEST(matches_pass)
{
    static struct draft d;
    static const char *const edges[] = {"", "", "\n", "zz", "'; "};
    unsigned matches = 0, sieves = 0;
    char why[128];
    size_t at;
    struct regex_memory *m = regex_memory_new(20000);
    ck_assert_ptr_nonnull(m);
    rng_state += (uint64_t)_i * 104729;
    for (unsigned round = 0; round < 20000; round++) {
        struct sieve_build b = {0};
        d.n_regex = d.n_value = 0;
        draft_alternatives(&d, 3);
        struct span pattern = span_of(d.regex, d.n_regex);
        struct regex *r = regex_new(pattern, why, sizeof why, &at);
        struct sieve *s = r && sieve_add_regex(&b, pattern) ? sieve_new(&b) : NULL;
        sieves += s != NULL;
        for (unsigned i = 0; s && i < 4; i++)
            matches += (unsigned)try_value(&d, r, m, s, pick(edges, ARRAY_LEN(edges)), pick(edges, ARRAY_LEN(edges)));
        sieve_free(s);
        sieve_build_free(&b);
        if (r)
            regex_free(r);
    }
    printf("%u sieves of 20000 regexes, %u matches\n", sieves, matches);
    ck_assert_uint_gt(sieves, 2000);
    ck_assert_uint_gt(matches, 4000);
    regex_memory_free(m);
}
END_TEST

/* ---- what matches need ---- */

static bool has_string(struct span v, const struct factors *f)
{
    for (unsigned i = 0; i < f->n; i++)
        for (size_t at = 0; at + f->len[i] <= v.len; at++)
            if (strncasecmp((const char *)v.data + at, (const char *)f->at[i], f->len[i]) == 0)
                return true;
    return !f->n;
}

static bool has_byte(struct span v, const struct factor_bytes *set)
{
    for (size_t i = 0; i < v.len; i++)
        if (factor_bytes_has(set, v.data[i]))
            return true;
    return false;
}

static void check_needs(const struct draft *d, struct span v, const struct needs *n)
{
    bool good = (has_string(v, &n->strings) && has_string(v, &n->also)) || (n->has_gaps && has_byte(v, &n->gaps));
    for (unsigned i = 0; i < n->n_sets; i++)
        good = good && has_byte(v, &n->sets[i]);
    ck_assert_msg(good, "\"%.*s\" matches \"%.*s\", which lacks what it needs", (int)d->n_regex, d->regex, (int)v.len,
                  (const char *)v.data);
}

/* The value as drafted, or with a bit of it changed, or cut. */
START_TEST(matches_have_what_they_need)
{
    static struct draft d;
    static struct needs n;
    unsigned known_sets = 0, gaps = 0, also = 0, matches = 0;
    char why[128];
    size_t at;
    struct regex_memory *m = regex_memory_new(20000);
    rng_state += (uint64_t)_i * 104729;
    for (unsigned round = 0; round < 30000; round++) {
        d.n_regex = d.n_value = 0;
        draft_alternatives(&d, 3);
        struct span pattern = span_of(d.regex, d.n_regex);
        struct regex *r = regex_new(pattern, why, sizeof why, &at);
        bool found = r && needs_of_regex(pattern, &n);
        known_sets += found && n.n_sets;
        gaps += found && n.has_gaps;
        also += found && n.also.n;
        for (unsigned i = 0; found && i < 6; i++) {
            struct span v = span_first(span_from(span_of(d.value, d.n_value), i > 3 ? rnd(4) : 0), d.n_value - rnd(3));
            if (i && v.len)
                d.value[(size_t)(v.data - (uint8_t *)d.value) + rnd((unsigned)v.len)] ^= (char)(1 << rnd(8));
            if (d.n_value > 2 && regex_match(r, m, v) == 1) {
                matches++;
                check_needs(&d, v, &n);
            }
        }
        if (r)
            regex_free(r);
    }
    ck_assert_uint_gt(known_sets, 3000);
    ck_assert_uint_gt(gaps, 1000);
    ck_assert_uint_gt(also, 500);
    ck_assert_uint_gt(matches, 10000);
    regex_memory_free(m);
}
END_TEST

/* ---- strings, many at once, and what is kept ---- */

START_TEST(strings_pass_wherever_they_are)
{
    struct sieve_build b = {0};
    char strings[300][8], value[64];
    unsigned kept = 0, n = 1 + rnd(300);
    rng_state += (uint64_t)_i * 7919;
    for (unsigned i = 0; i < n; i++) {
        snprintf(strings[i], sizeof strings[i], "%u", 100000 + rnd(900000));
        strings[i][1 + rnd(6)] = '\0';
        if (strlen(strings[i]) < 3 && _i % 2)
            memcpy(strings[i], "7kv", 4);
        ck_assert(sieve_add_string(&b, text(strings[i])));
    }
    struct sieve *s = sieve_new(&b);
    ck_assert_ptr_nonnull(s);
    for (unsigned i = 0; i < 3000; i++) {
        int len =
            snprintf(value, sizeof value, "%.*s%s%.*s", (int)rnd(7), "ghlmpq", strings[rnd(n)], (int)rnd(7), "GHLMPQ");
        ck_assert_msg(sieve_may_hold(s, span_of(value, (size_t)len)), "%s is kept", value);
        kept += !sieve_may_hold(s, span_of("ghlmpqGHLMPQ ghlmpq", rnd(20)));
    }
    ck_assert_uint_eq(kept, 3000); /* nothing of it is a string's */
    sieve_free(s);
}
END_TEST

START_TEST(nothing_to_look_for)
{
    struct sieve_build b = {0};
    ck_assert(!sieve_add_string(&b, text("")));
    ck_assert_ptr_null(sieve_new(&b));
    sieve_build_free(&b);
    sieve_free(NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("sieve");
    TCase *t = tcase_create("sieve");
    tcase_set_timeout(t, 120);
    suite_add_tcase(s, t);
    tcase_add_loop_test(t, factors_of_known_regexes, 0, ARRAY_LEN(known));
    tcase_add_loop_test(t, matches_pass, 0, 4);
    tcase_add_loop_test(t, matches_have_what_they_need, 0, 4);
    tcase_add_loop_test(t, strings_pass_wherever_they_are, 0, 10);
    tcase_add_test(t, nothing_to_look_for);
    return s;
}

int main(void)
{
    return run_suite(suite()) ? EXIT_FAILURE : EXIT_SUCCESS;
}
