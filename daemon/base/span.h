/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_BASE_SPAN_H
#define SLUICE_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A view of bytes that somebody else owns; valid as long as the owner keeps them. */
struct span {
    const uint8_t *data;
    size_t len;
};

static inline struct span span_of(const void *data, size_t len)
{
    return (struct span){.data = data, .len = len};
}

/* The bytes from `from` on; empty when `from` lies past the end. */
static inline struct span span_from(struct span s, size_t from)
{
    if (from >= s.len)
        return (struct span){.data = NULL, .len = 0};
    return (struct span){.data = s.data + from, .len = s.len - from};
}

/* At most the first `len` bytes. */
static inline struct span span_first(struct span s, size_t len)
{
    return (struct span){.data = s.data, .len = len < s.len ? len : s.len};
}

/*
 * A bounded reader of big-endian fields. The first read past the end makes
 * `bad` true, and that and every later read yields zeros: a parser reads a
 * whole header and checks once.
 */
struct cursor {
    struct span s;
    size_t at;
    bool bad;
};

static inline struct cursor cursor_of(struct span s)
{
    return (struct cursor){.s = s, .at = 0, .bad = false};
}

static inline size_t cursor_left(const struct cursor *c)
{
    return c->bad ? 0 : c->s.len - c->at;
}

static inline const uint8_t *cursor_take(struct cursor *c, size_t n)
{
    if (c->bad || c->s.len - c->at < n) {
        c->bad = true;
        return NULL;
    }
    const uint8_t *p = c->s.data + c->at;
    c->at += n;
    return p;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 1);
    return p ? p[0] : 0;
}

static inline uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 2);
    return p ? (uint16_t)((p[0] << 8) | p[1]) : 0;
}

static inline uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *p = cursor_take(c, 4);
    return p ? ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3] : 0;
}

/* Copies n bytes to dst; leaves dst untouched and returns false when they are not there. */
static inline bool cursor_copy(struct cursor *c, void *dst, size_t n)
{
    const uint8_t *p = cursor_take(c, n);
    if (!p)
        return false;
    memcpy(dst, p, n);
    return true;
}

#endif
