/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The texts that a value becomes on all chains of transformations; what is the same is there once. */
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

static uint32_t add_text(const struct gate_source *s, struct sec_gate_memory *m, struct span at)
{
    uint32_t id = m->n_texts++;
    struct gate_text *t = &m->texts[id];
    t->at = at;
    t->classes = classes_of(s, at);
    t->entries = m->masks + (size_t)id * m->words;
    memset(t->next, 0xff, sizeof t->next);
    memset(t->entries, 0, s->words * sizeof *t->entries);
    return id;
}

static uint32_t find_text(const struct sec_gate_memory *m, struct span v)
{
    for (uint32_t i = 0; i < m->n_texts; i++)
        if (m->texts[i].at.len == v.len && (!v.len || memcmp(m->texts[i].at.data, v.data, v.len) == 0))
            return i;
    return GATE_NONE;
}

static uint32_t make(const struct gate_source *s, struct sec_gate_memory *m, uint32_t from, enum transform step)
{
    struct gate_text *t = &m->texts[from];
    struct span v = transform_apply(step, t->at, m->buffer + m->used);
    uint32_t id = v.data == t->at.data && v.len == t->at.len ? from : find_text(m, v);
    if (id == GATE_NONE) {
        id = add_text(s, m, v);
        m->used += v.data == m->buffer + m->used ? v.len : 0;
    }
    return t->next[step] = id;
}

static inline uint32_t follow(const struct gate_source *s, struct sec_gate_memory *m, uint32_t from,
                              enum transform step)
{
    const struct gate_text *t = &m->texts[from];
    if (!(t->classes & s->steps[step]) && s->steps[step] != UINT64_MAX)
        return from;
    return t->next[step] != GATE_NONE ? t->next[step] : make(s, m, from, step);
}

static inline void look(const struct gate_source *s, struct gate_text *t, uint32_t chain)
{
    for (uint32_t w = 0; w < s->words; w++)
        t->entries[w] |= s->chains[(size_t)chain * s->words + w];
}

void gate_walk(const struct gate_source *s, struct sec_gate_memory *m, struct span value)
{
    m->n_texts = 0;
    m->used = 0;
    m->of_node[0] = add_text(s, m, value);
    if (!(m->texts[0].classes & s->touched) && s->touched != UINT64_MAX) {
        look(s, &m->texts[0], s->n_chains);
        return;
    }
    for (uint32_t i = 0; i < s->n_nodes; i++) {
        const struct gate_node *n = &s->nodes[i];
        if (i)
            m->of_node[i] = follow(s, m, m->of_node[n->parent], n->step);
        if (n->chain != GATE_NONE)
            look(s, &m->texts[m->of_node[i]], n->chain);
    }
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
