/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_CONTENT_PARAMS_H
#define SLUICE_APP_CONTENT_PARAMS_H

#include "app/content_internal.h"

/* A parameter of a header value such as `form-data; name="a"` (RFC 9110 5.6.6). */
struct content_param {
    struct span name, value; /* the value between its quotes, as sent */
    bool quoted;
    bool bad; /* no "=", no closing quote, or something behind it */
};

/* What stands before the first parameter; *rest becomes what follows. */
struct span content_first_word(struct span value, struct span *rest);
/* The next parameter; false when there is none. */
bool content_next_param(struct span *rest, struct content_param *p);

/* A quoted value with \" and \\ taken back; other backslashes stay, as in paths. Into the arena where it changes. */
MUST_CHECK bool content_unquote(struct content_sink *s, struct span v, struct span *ret);
/* charset'language'percent-encoded (RFC 8187); *bad where it is no such thing. */
MUST_CHECK bool content_ext_value(struct content_sink *s, struct span v, struct span *ret, bool *bad);

#endif
