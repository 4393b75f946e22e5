/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The texts that a value becomes on all chains of transformations; what is the
 * same is there once. Most steps change nothing: which, is remembered by the
 * classes of bytes that a text has.
 */
#include "seclang/gate_internal.h"

static uint64_t classes_of(const struct gate_source *s, struct span v)
{
    uint64_t a = 0, b = 0;
    size_t i = 0;
    for (; v.len - i >= 4; i += 4) {
        a |= s->bytes[v.data[i]] | s->bytes[v.data[i + 1]];
        b |= s->bytes[v.data[i + 2]] | s->bytes[v.data[i + 3]];
    }
    for (; i < v.len; i++)
        a |= s->bytes[v.data[i]];
    return a | b;
}

/* ---- what classes say ---- */

static bool changes(const struct gate_source *s, uint32_t node, uint64_t classes)
{
    uint64_t by = s->steps[s->nodes[node].step];
    return (by & classes) || by == UINT64_MAX;
}

/* Entries of chains that end at the node, or below it without a change, are open; where one may come is next. */
static void spread(const struct gate_source *s, struct gate_outcome *o, uint32_t node, uint64_t classes)
{
    o->n_next = 0;
    memset(o->open, 0, s->words * sizeof *o->open);
    for (uint32_t i = node; i < s->nodes[node].end;) {
        if (i != node && changes(s, i, classes)) {
            o->next[o->n_next++] = i;
            i = s->nodes[i].end;
            continue;
        }
        for (uint32_t w = 0; s->nodes[i].chain != GATE_NONE && w < s->words; w++)
            o->open[w] |= s->chains[(size_t)s->nodes[i].chain * s->words + w];
        i++;
    }
}

static void make_outcome(const struct gate_source *s, struct gate_outcome *o, uint32_t node, const struct gate_seen *e)
{
    uint64_t any_told = 0, any_open = 0;
    spread(s, o, node, e->classes);
    for (uint32_t w = 0; w < s->words; w++) {
        uint64_t alive = o->open[w] & e->alive[w];
        o->told[w] = alive & e->found[w] & ~s->paired[w];
        o->open[w] = alive & ~o->told[w];
        any_told |= o->told[w];
        any_open |= o->open[w];
    }
    o->any_told = any_told;
    o->any_open = any_open;
    o->groups = 0;
    for (uint32_t i = 0; any_open && i < s->n_groups; i++)
        for (uint32_t w = 0; w < s->words; w++)
            if (o->open[w] & ~e->found[w] & s->groups[i].entries[w])
                o->groups |= UINT32_C(1) << i;
}

static void make_seen(const struct gate_source *s, struct gate_seen *e)
{
    e->has_first = false;
    for (uint32_t w = 0; w < s->words; w++) {
        e->alive[w] = UINT64_MAX;
        e->found[w] = ~s->stringed[w];
    }
    for (uint32_t i = 0; i < s->n_needs; i++)
        for (uint32_t w = 0; !(s->needs[i].classes & e->classes) && w < s->words; w++)
            e->alive[w] &= ~s->needs[i].entries[w];
    for (uint32_t i = 0; i < s->n_shorts; i++)
        for (uint32_t w = 0; (s->shorts[i].classes & e->classes) && w < s->words; w++)
            e->found[w] |= s->shorts[i].entries[w];
}

static struct gate_seen *look_up(const struct gate_source *s, struct sec_gate_memory *m, uint32_t source,
                                 uint64_t classes)
{
    uint64_t hash = (classes + source) * UINT64_C(0x9e3779b97f4a7c15);
    struct gate_seen *e = &m->seen[hash >> 56];
    if (e->source != source || e->classes != classes) {
        e->source = source;
        e->classes = classes;
        make_seen(s, e);
    }
    return e;
}

/* ---- texts ---- */

#define LONG_TEXT 1024

/*
 * The classes of what a step makes of a long text, at most, from the text's
 * own: more than there are only let more through. 0: not told so.
 */
static uint64_t classes_behind(const struct gate_source *s, enum transform step, const struct gate_text *from)
{
    uint64_t classes = 0;
    if (from->at.len < LONG_TEXT)
        return 0;
    if (step == TRANSFORM_REMOVE_WHITESPACE || step == TRANSFORM_REMOVE_NULLS)
        return from->classes;
    for (uint64_t left = step == TRANSFORM_LOWER ? from->classes : 0; left; left &= left - 1)
        classes |= s->lowers[__builtin_ctzll(left)];
    return classes;
}

/* classes: as far as they are known. */
static uint32_t add_text(const struct gate_source *s, struct sec_gate_memory *m, struct span at, uint64_t classes)
{
    uint32_t id = m->n_texts++;
    struct gate_text *t = &m->texts[id];
    t->at = at;
    t->classes = classes ? classes : classes_of(s, at);
    t->open = m->masks + (size_t)id * 2 * m->words;
    t->found = t->open + m->words;
    t->groups = 0;
    t->is_open = false;
    t->n_made = 0;
    return id;
}

static uint32_t find_text(const struct sec_gate_memory *m, struct span v)
{
    for (uint32_t i = 0; i < m->n_texts; i++)
        if (m->texts[i].at.len == v.len && (!v.len || memcmp(m->texts[i].at.data, v.data, v.len) == 0))
            return i;
    return GATE_NONE;
}

/* The text that a step makes of this one. */
static uint32_t make(const struct gate_source *s, struct sec_gate_memory *m, uint32_t from, enum transform step)
{
    struct gate_text *t = &m->texts[from];
    for (uint32_t i = 0; i < t->n_made; i++)
        if ((t->made[i] & 0xff) == step)
            return (uint32_t)(t->made[i] >> 8);
    struct span v = transform_apply(step, t->at, m->buffer + m->used);
    uint32_t id = v.data == t->at.data && v.len == t->at.len ? from : find_text(m, v);
    if (id == GATE_NONE) {
        id = add_text(s, m, v, classes_behind(s, step, t));
        m->used += v.data == m->buffer + m->used ? v.len : 0;
    }
    if (t->n_made < GATE_MADE)
        t->made[t->n_made++] = (uint64_t)id << 8 | step;
    return id;
}

static void wait(const struct gate_source *s, struct gate_text *t, const struct gate_outcome *o,
                 const struct gate_seen *e)
{
    for (uint32_t w = 0; w < s->words; w++)
        t->open[w] = o->open[w] | (t->is_open ? t->open[w] : 0);
    for (uint32_t w = 0; w < s->words && !t->is_open; w++)
        t->found[w] = e->found[w];
    t->groups |= o->groups;
    t->is_open = true;
}

static void arrive(const struct gate_source *s, struct sec_gate_memory *m, uint32_t source, struct gate_arrival a,
                   uint64_t *rules)
{
    struct gate_seen *e = look_up(s, m, source, m->texts[a.text].classes);
    struct gate_outcome *o = a.node ? &m->outcome : &e->first;
    if (a.node || !e->has_first)
        make_outcome(s, o, a.node, e);
    e->has_first |= !a.node;
    for (uint32_t w = 0; o->any_told && w < s->words; w++)
        for (uint64_t bits = o->told[w]; bits; bits &= bits - 1)
            gate_tell(s, w * 64 + (uint32_t)__builtin_ctzll(bits), rules);
    if (o->any_open)
        wait(s, &m->texts[a.text], o, e);
    for (uint32_t i = 0; i < o->n_next; i++)
        m->arrivals[m->n_arrivals++] = (struct gate_arrival){
            .node = o->next[i],
            .text = make(s, m, a.text, s->nodes[o->next[i]].step),
        };
}

void gate_walk(const struct gate_source *s, struct sec_gate_memory *m, uint32_t source, struct span value,
               uint64_t *rules)
{
    m->n_texts = 0;
    m->used = 0;
    m->n_arrivals = 0;
    arrive(s, m, source, (struct gate_arrival){.node = 0, .text = add_text(s, m, value, 0)}, rules);
    while (m->n_arrivals)
        arrive(s, m, source, m->arrivals[--m->n_arrivals], rules);
}

size_t gate_room(const struct gate_source *s, size_t *rooms, size_t len)
{
    size_t sum = 0;
    rooms[0] = len;
    for (uint32_t i = 1; i < s->n_nodes; i++) {
        rooms[i] = transform_room(s->nodes[i].step, rooms[s->nodes[i].parent]);
        if (rooms[i] > GATE_ROOM_MAX || (sum += rooms[i]) > GATE_ROOM_MAX)
            return SIZE_MAX;
    }
    return sum;
}
