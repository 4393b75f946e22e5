/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_APP_HTTP_FEED_H
#define SLUICE_APP_HTTP_FEED_H

#include "app/http_internal.h"

/* The steps of http_feed: each uses up some bytes; the point reached, 0 or a negative errno. */

/* A message begins, or its head goes on. */
int http_request_step(struct http *h, struct span *data);
int http_response_step(struct http *h, struct span *data);
/* A body goes on. */
int http_body_step(struct http *h, enum http_dir dir, struct span *data);

/* Between messages again, or for ever in an end state; gives the reader back. */
void http_side_reset(struct http *h, enum http_dir dir, enum side_state state);
/* A message begins. NULL when out of memory. */
struct http_reader *http_side_begin(struct http *h, enum http_dir dir);
/* The message is complete: its END, where it was not told yet. */
int http_message_end(struct http *h, enum http_dir dir);
/* Nothing more can be read: END with what is noted, where it was not told yet; opaque then. */
int http_message_break(struct http *h, enum http_dir dir, uint64_t notes);
/* The head is over: reads the body, if one follows. */
int http_message_body(struct http *h, enum http_dir dir, const struct http_lines *l, bool keep);

#endif
