/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

static atomic_int max_level = LOG_LEVEL_INFO;

void log_set_level(int level)
{
    atomic_store_explicit(&max_level, level, memory_order_relaxed);
}

static const char *level_word(int level)
{
    switch (level) {
    case LOG_LEVEL_ERROR:
        return "error: ";
    case LOG_LEVEL_WARNING:
        return "warning: ";
    default:
        return "";
    }
}

void log_write(int level, const char *fmt, ...)
{
    if (level > atomic_load_explicit(&max_level, memory_order_relaxed))
        return;
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    /* The journal sets JOURNAL_STREAM and reads the level from the prefix. */
    if (getenv("JOURNAL_STREAM"))
        fprintf(stderr, "<%d>%s%s\n", level, level_word(level), text);
    else
        fprintf(stderr, "sluiced: %s%s\n", level_word(level), text);
}
