/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_TESTS_CRS_MESSAGE_H
#define SLUICE_TESTS_CRS_MESSAGE_H

#include "base/cleanup.h"
#include "base/span.h"

/*
 * A request taken apart as plainly as a web server would, apart from app/http
 * on purpose: the oracle must not share its mistakes. Nothing is refused.
 */
struct message {
    char *method, *target, *version; /* "1.1"; "0.9" where there is none */
    struct span headers;             /* the lines */
    struct span body;                /* chunks put together, cut at Content-Length */
    uint8_t *held;                   /* the put together body */
};

MUST_CHECK bool message_read(struct span raw, struct message *ret);
void message_free(struct message *m);
/* The next header of `rest`, white space around the value left out; false past the last. */
bool message_header(struct span *rest, struct span *name, struct span *value);

/* Both programs tell the engines of the same connection; each transaction has a client of its own. */
#define SERVER_ADDRESS "192.0.2.80"
#define SERVER_PORT 80
#define CLIENT_PORT 40000
void client_address(uint32_t number, char *buf, size_t size);

#endif
