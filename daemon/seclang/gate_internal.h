/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_GATE_INTERNAL_H
#define SLUICE_SECLANG_GATE_INTERNAL_H

#include <hs/hs.h>

#include "match/factors.h"
#include "match/sieve.h"
#include "match/strtab.h"
#include "seclang/gate.h"

#define GATE_NONE UINT32_MAX
#define GATE_CLASSES 64
#define GATE_ROOM_MAX ((size_t)256 << 20)

/*
 * An entry is a pattern behind a chain of transformations; masks have a bit for
 * each of a source's. A pattern that needs one string and another has two.
 */

/* Entries that need one of these bytes. */
struct gate_clause {
    uint64_t classes;
    uint64_t *entries;
};

/* A step of a chain. The first is no step: the value as it is. Those below one follow it. */
struct gate_node {
    uint8_t step;
    uint32_t parent, chain; /* chain: of those that end here, or GATE_NONE */
    uint32_t end;           /* behind the last node below, in depth-first order */
};

struct gate_database {
    hs_database_t *db;
    uint32_t *strings; /* of the gate, sorted; a hit's id is an index here */
    uint32_t n;
    bool failed;
};

struct gate_list {
    uint32_t *from, *at; /* those of i: at[from[i]] up to at[from[i + 1]] */
};

/*
 * Entries whose chains make the same of ordinary text, for what they do beside
 * undoing escapes: a text that only some chains make is not scanned for the
 * strings of others.
 */
struct gate_group {
    uint64_t kind;         /* a bit for each such transformation */
    uint64_t *entries;     /* that need strings */
    struct gate_list hits; /* entries, by the database's index of a string */
    uint32_t database;
    struct sieve *sieve;
    struct span alone; /* the one string of texts that are in lower case; else empty */
};

#define GATE_GROUPS 16
#define GATE_MADE 8 /* steps of which a text knows what they made of it */

/* Only where `also` is fulfilled is `entry`. */
struct gate_pair {
    uint32_t entry, also;
};

struct gate_source {
    uint32_t n_entries, words, n_nodes, n_chains;
    struct gate_node *nodes;
    uint64_t *chains;              /* a mask each */
    uint64_t bytes[256];           /* a bit for the class of a byte */
    uint64_t steps[TRANSFORMS];    /* classes of bytes that a transformation may change */
    uint64_t lowers[GATE_CLASSES]; /* the classes of a class's bytes in lower case */
    struct gate_clause *needs, *shorts;
    uint32_t n_needs, n_shorts; /* shorts: entries for which such a byte does for a string */
    uint64_t *stringed;         /* entries that need a string or such a byte */
    uint64_t *paired;
    struct gate_pair *pairs;
    uint32_t n_pairs;
    struct gate_list rules; /* by entry */
    struct gate_group groups[GATE_GROUPS];
    uint32_t n_groups;
    struct sieve *sieve; /* of all groups' strings; NULL: none has any */
};

struct sec_gate {
    struct arena arena;
    struct gate_source *sources;
    uint32_t n_sources, most_words, most_nodes;
    struct gate_database *databases;
    uint32_t n_databases;
    struct sec_gate_figures figures;
    hs_scratch_t *scratch; /* fits every database; cloned for each thread */
};

/* What a pattern's matches contain; ids of strings stand in the build. */
struct gate_pattern {
    uint32_t strings, n_strings;
    struct factor_bytes shorts; /* that do for a string */
    bool has_shorts;
    unsigned n_sets;
    struct factor_bytes sets[NEEDS_SETS];
    uint32_t also; /* of the build's others: what matches contain as well; or GATE_NONE */
};

struct gate_row {
    uint32_t source, pattern, chain, rule;
};

struct sec_gate_build {
    struct strtab keys, chains, strings; /* patterns by what they are; chains as bytes; strings in lower case */
    struct gate_pattern *patterns, *others;
    uint32_t *ids;
    struct gate_row *rows;
    size_t n_rows, cap_rows, cap_patterns, n_others, cap_others, n_ids, cap_ids;
};

/* ---- gate_source.c ---- */

/* Makes the source of these rows, which are sorted; all but its database. False when out of memory. */
MUST_CHECK bool gate_make_source(struct sec_gate *g, const struct sec_gate_build *b, struct gate_source *s,
                                 const struct gate_row *rows, size_t n);

/* ---- gate_database.c ---- */

/* Compiles each database, or takes it from the folder. False with the reason in d. */
MUST_CHECK bool gate_compile(struct sec_gate *g, const struct sec_gate_build *b, const char *cache, struct diag *d);

/* ---- gate_walk.c ---- */

/* A text that the value becomes. */
struct gate_text {
    struct span at;
    uint64_t classes;
    uint64_t made[GATE_MADE]; /* a step in the low byte, above it the text that it makes of this one */
    uint32_t n_made;
    uint32_t groups; /* a bit for each whose strings are asked for; 0 and no `open`: nothing is */
    uint64_t *open;  /* entries that wait for strings */
    uint64_t *found; /* entries that need none, or have a byte that does for one */
    bool is_open;
};

/* What comes of a text at a node. */
struct gate_outcome {
    bool any_told, any_open;
    uint32_t groups;
    uint64_t *told; /* entries that can match, whatever strings there are */
    uint64_t *open; /* as in a text */
    uint32_t *next; /* nodes of steps that may change the text, which it gets to unchanged */
    uint32_t n_next;
};

/* What these classes of bytes say; values of a kind come again and again. */
struct gate_seen {
    uint32_t source; /* or GATE_NONE */
    uint64_t classes;
    uint64_t *alive;           /* entries that lack no byte */
    uint64_t *found;           /* as in a text */
    struct gate_outcome first; /* of the value as it is */
    bool has_first;
};

#define GATE_SEEN 256 /* a power of two: by the top byte of a hash */

struct sec_gate_memory {
    struct gate_seen seen[GATE_SEEN];
    struct gate_outcome outcome; /* at another node */
    uint64_t *seen_masks;
    uint32_t *seen_nodes;
    struct gate_text *texts; /* of the value that is being scanned */
    uint32_t n_texts;
    struct gate_arrival {
        uint32_t node, text;
    } * arrivals; /* that are to be followed */
    uint32_t n_arrivals;
    size_t *rooms;
    uint64_t *masks;
    uint8_t *buffer;
    size_t used, size;
    hs_scratch_t *scratch;
    uint32_t words, nodes;
};

/* The bytes that all texts of a value may take; SIZE_MAX: too many. rooms: for each node. */
size_t gate_room(const struct gate_source *s, size_t *rooms, size_t len);
/*
 * Notes each text that the value becomes, with the entries that wait for its
 * strings, and tells of those that need none. The buffer has gate_room().
 */
void gate_walk(const struct gate_source *s, struct sec_gate_memory *m, uint32_t source, struct span value,
               uint64_t *rules);

static inline void gate_tell(const struct gate_source *s, uint32_t entry, uint64_t *rules)
{
    for (uint32_t i = s->rules.from[entry]; i < s->rules.from[entry + 1]; i++)
        rules[s->rules.at[i] / 64] |= UINT64_C(1) << (s->rules.at[i] % 64);
}

#endif
