/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match/words.h"

#include <stdlib.h>

#include "base/arena.h"

#define NO_ROW UINT32_MAX
#define WIDE 6 /* states with more children have a row: no search among them */
/* In rows, a state that has a row and is no hit is where that begins; any other is its number with this bit. */
#define SLOW 0x80000000u

/* States are numbered by depth, so the children of one stand together, and end where those of the next begin. */
struct state {
    uint32_t child, fail;
    uint32_t row;         /* where its row begins in rows */
    uint32_t word, depth; /* what leads here: so many bytes of that word */
};

struct word {
    uint8_t *folded;
    struct span text;
    uint32_t order;
};

struct words {
    struct arena arena;
    struct word *words;
    size_t n_words;
    struct state *states;
    uint8_t *class; /* by state: of the byte that leads to it */
    bool *hit;      /* by state: a word ends here */
    uint32_t n;
    uint8_t classes[256];
    unsigned n_classes;
    uint32_t *rows;
    size_t n_rows;
};

/* Words of sorted[] that begin alike, while the tree grows. */
struct range {
    size_t from, to;
};

static uint8_t fold(uint8_t c)
{
    return (uint8_t)(c + (((uint8_t)(c - 'A') < 26) << 5));
}

static int by_bytes(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    size_t len = x->text.len < y->text.len ? x->text.len : y->text.len;
    int order = memcmp(x->folded, y->folded, len);
    if (order)
        return order;
    if (x->text.len != y->text.len)
        return x->text.len < y->text.len ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static bool copy_words(struct words *w, const struct span *at, size_t n)
{
    w->words = calloc(n ? n : 1, sizeof *w->words);
    if (!w->words)
        return false;
    for (size_t i = 0; i < n; i++) {
        struct word *to = &w->words[w->n_words];
        if (!at[i].len)
            continue;
        char *text = arena_copy(&w->arena, at[i].data, at[i].len);
        to->folded = (uint8_t *)arena_copy(&w->arena, at[i].data, at[i].len);
        if (!text || !to->folded)
            return false;
        for (size_t k = 0; k < at[i].len; k++)
            to->folded[k] = fold(to->folded[k]);
        to->text = span_of(text, at[i].len);
        to->order = (uint32_t)w->n_words++;
    }
    qsort(w->words, w->n_words, sizeof *w->words, by_bytes);
    return true;
}

/* Of words that differ in case alone, the first stays. */
static void drop_doubles(struct words *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->n_words; i++) {
        const struct word *last = kept ? &w->words[kept - 1] : NULL;
        if (last && last->text.len == w->words[i].text.len && !memcmp(last->folded, w->words[i].folded, last->text.len))
            continue;
        w->words[kept++] = w->words[i];
    }
    w->n_words = kept;
}

/* Class 0 is all bytes that no word has. */
static void make_classes(struct words *w)
{
    bool used[256] = {false};
    for (size_t i = 0; i < w->n_words; i++)
        for (size_t k = 0; k < w->words[i].text.len; k++)
            used[w->words[i].folded[k]] = true;
    w->n_classes = 1;
    for (unsigned c = 0; c < 256; c++)
        if (used[c])
            w->classes[c] = (uint8_t)w->n_classes++;
    for (unsigned c = 'A'; c <= 'Z'; c++)
        w->classes[c] = w->classes[fold((uint8_t)c)];
}

/* An upper bound, and one more state that ends the last one's children. */
static bool make_room(struct words *w, struct range **ranges)
{
    size_t most = 2;
    for (size_t i = 0; i < w->n_words; i++)
        most += w->words[i].text.len;
    if (most >= SLOW)
        return false;
    w->states = calloc(most, sizeof *w->states);
    w->class = calloc(most, sizeof *w->class);
    w->hit = calloc(most, sizeof *w->hit);
    *ranges = calloc(most, sizeof **ranges);
    return w->states && w->class && w->hit && *ranges;
}

/* The word that came first leads here, which is what a match is told by. */
static uint32_t first_of(const struct words *w, struct range r)
{
    size_t best = r.from;
    for (size_t i = r.from + 1; i < r.to; i++)
        if (w->words[i].order < w->words[best].order)
            best = i;
    return (uint32_t)best;
}

static void add_children(struct words *w, uint32_t s, struct range *ranges)
{
    uint32_t depth = w->states[s].depth;
    struct range r = ranges[s];
    if (r.from < r.to && w->words[r.from].text.len == depth) {
        w->hit[s] = depth > 0;
        r.from++;
    }
    for (size_t from = r.from, to; from < r.to; from = to) {
        uint8_t c = w->words[from].folded[depth];
        for (to = from + 1; to < r.to && w->words[to].folded[depth] == c;)
            to++;
        ranges[w->n] = (struct range){from, to};
        w->class[w->n] = w->classes[c];
        w->states[w->n] = (struct state){.word = first_of(w, ranges[w->n]), .depth = depth + 1};
        w->n++;
    }
}

static bool grow_tree(struct words *w)
{
    AUTO_FREE struct range *ranges = NULL;
    if (!make_room(w, &ranges))
        return false;
    ranges[0] = (struct range){0, w->n_words};
    w->n = 1;
    for (uint32_t s = 0; s < w->n; s++) {
        w->states[s].child = w->n;
        add_children(w, s, ranges);
    }
    w->states[w->n].child = w->n;
    return true;
}

static bool needs_row(const struct words *w, uint32_t s)
{
    return w->states[s].depth < 3 || w->states[s + 1].child - w->states[s].child > WIDE;
}

static bool make_rows(struct words *w)
{
    for (uint32_t s = 0; s < w->n; s++)
        w->states[s].row = needs_row(w, s) ? (uint32_t)(w->n_rows++ * w->n_classes) : NO_ROW;
    if (w->n_rows * w->n_classes >= SLOW)
        return false;
    w->rows = calloc(w->n_rows * w->n_classes, sizeof *w->rows);
    return w->rows;
}

static inline uint32_t code_of(const struct words *w, uint32_t s)
{
    return w->states[s].row == NO_ROW || w->hit[s] ? SLOW | s : w->states[s].row;
}

/*
 * Each step up makes the state less deep, and each byte makes it deeper by one
 * at most: linear in the value. What a row has is returned as it stands there.
 */
static inline uint32_t step(const struct words *w, uint32_t s, uint8_t class, bool coded)
{
    for (;;) {
        const struct state *at = &w->states[s];
        if (at->row != NO_ROW)
            return w->rows[at->row + class];
        for (uint32_t k = at->child; k < at[1].child; k++)
            if (w->class[k] == class)
                return coded ? code_of(w, k) : k;
        s = at->fail;
    }
}

/* In order of depth: what a state falls back to is less deep, and so is done. */
static void connect_state(struct words *w, uint32_t s)
{
    struct state *at = &w->states[s];
    for (uint32_t k = at->child; k < at[1].child; k++) {
        w->states[k].fail = s ? step(w, at->fail, w->class[k], false) : 0;
        w->hit[k] = w->hit[k] || w->hit[w->states[k].fail];
    }
    if (at->row == NO_ROW)
        return;
    for (unsigned c = 0; s && c < w->n_classes; c++)
        w->rows[at->row + c] = step(w, at->fail, (uint8_t)c, false);
    for (uint32_t k = at->child; k < at[1].child; k++)
        w->rows[at->row + w->class[k]] = k;
}

/* Until here rows hold numbers of states. */
static void connect(struct words *w)
{
    for (uint32_t s = 0; s < w->n; s++)
        connect_state(w, s);
    for (size_t i = 0; i < w->n_rows * w->n_classes; i++)
        w->rows[i] = code_of(w, w->rows[i]);
}

static void trim_to(void *v, size_t n, size_t size)
{
    size_t cap = SIZE_MAX;
    vec_trim(v, n, &cap, size);
}

/* Words have beginnings in common: there are fewer states than there was room for. */
static void shrink(struct words *w)
{
    trim_to(&w->states, w->n + 1u, sizeof *w->states);
    trim_to(&w->class, w->n, sizeof *w->class);
    trim_to(&w->hit, w->n, sizeof *w->hit);
}

struct words *words_new(const struct span *at, size_t n)
{
    struct words *w = calloc(1, sizeof *w);
    if (!w || n >= UINT32_MAX || !copy_words(w, at, n)) {
        words_free(w);
        return NULL;
    }
    drop_doubles(w);
    make_classes(w);
    if (!grow_tree(w) || !make_rows(w)) {
        words_free(w);
        return NULL;
    }
    connect(w);
    shrink(w);
    return w;
}

void words_free(struct words *w)
{
    if (!w)
        return;
    arena_free(&w->arena);
    free(w->words);
    free(w->states);
    free(w->class);
    free(w->hit);
    free(w->rows);
    free(w);
}

bool words_find(const struct words *w, struct span value, struct words_match *ret)
{
    uint32_t code = 0; /* the root, whose row is the first */
    for (size_t i = 0; i < value.len; i++) {
        uint8_t class = w->classes[value.data[i]];
        code = code & SLOW ? step(w, code & ~SLOW, class, true) : w->rows[code + class];
        if (!(code & SLOW) || !w->hit[code & ~SLOW])
            continue;
        const struct state *at = &w->states[code & ~SLOW];
        ret->end = i + 1;
        ret->start = ret->end - at->depth;
        ret->text = span_first(w->words[at->word].text, at->depth);
        return true;
    }
    return false;
}

bool words_get(const struct words *w, size_t i, struct span *ret)
{
    if (i >= w->n_words)
        return false;
    *ret = w->words[i].text;
    return true;
}
