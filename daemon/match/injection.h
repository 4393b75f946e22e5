/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_MATCH_INJECTION_H
#define SLUICE_MATCH_INJECTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/span.h"

/*
 * libinjection, through the symbols that libmodsecurity3 exports; loaded when
 * the first rule asks for it. Main thread. 0, or -ENOENT with the reason in why.
 */
MUST_CHECK int detect_open(char *why, size_t size);

/* After detect_open succeeded; any thread. fingerprint (8 bytes, may be NULL) gets libinjection's. */
bool detect_sqli(struct span v, char *fingerprint);
bool detect_xss(struct span v);
/* Whether libinjection's tables of SQL have the word, or the words with a blank between; true where it does not say. */
bool detect_sql_word(struct span v);

/* Whether v is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, up to U+10FFFF). */
bool detect_utf8_valid(struct span v);

#endif
