/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_BASE_UTF8_H
#define SLUICE_BASE_UTF8_H

#include "base/span.h"

/*
 * Whether v is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates,
 * up to U+10FFFF). With `cut` its last character may be incomplete.
 */
bool utf8_valid(struct span v, bool cut);

#endif
