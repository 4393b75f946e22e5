/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_VARIABLES_H
#define SLUICE_SECLANG_VARIABLES_H

#include "app/http.h"
#include "net/addr.h"
#include "seclang/syntax.h"

/*
 * What a transaction's variables hold, as ModSecurity 3 fills them, worked out
 * when first asked for. Only what comes from the transaction itself: TX, IP,
 * GLOBAL, MATCHED_… and RULE are run.c's.
 */
struct sec_value {
    struct span name; /* of the member, as sent ("user" of ARGS:user); empty for what is no collection */
    struct span value;
};

struct sec_values {
    const struct sec_value *at;
    uint32_t n;
};

/* What is known of the connection and of the time; copied. */
struct sec_connection {
    struct ip_addr client, server;
    uint16_t client_port, server_port;
    uint64_t begun_ms, now_ms; /* wall clock, since the epoch */
    const char *unique_id;     /* lives as long as the transaction */
};

/* One transaction's; one thread. Reused from transaction to transaction: sec_vars_begin forgets all. */
struct sec_vars;
MUST_CHECK struct sec_vars *sec_vars_new(const struct sec_settings *s);
void sec_vars_free(struct sec_vars *v);
void sec_vars_begin(struct sec_vars *v, const struct sec_connection *c);

/* tx is complete up to its head (1), body (2), response head (3), response body (4); spans of it must stay. */
void sec_vars_phase(struct sec_vars *v, const struct http_tx *tx, unsigned phase);

/*
 * What ctl says; before phase 2. Where it says nothing, forms are read by their
 * Content-Type, and JSON and XML not at all, as ModSecurity does. A body that is
 * taken apart as XML is no REQUEST_BODY, unless it is forced: so the reference
 * manual says and the Core Rule Set expects it, though version 3 fills it.
 */
void sec_vars_processor(struct sec_vars *v, enum sec_processor p);
void sec_vars_force_body(struct sec_vars *v, bool force);
void sec_vars_body_access(struct sec_vars *v, bool request, bool response);
/* In place of SecRequestBodyLimit and SecResponseBodyLimit, bytes; before phases 2 and 4. */
void sec_vars_request_limit(struct sec_vars *v, uint64_t bytes);
void sec_vars_response_limit(struct sec_vars *v, uint64_t bytes);

/*
 * Whether ModSecurity runs the rules of a phase at all: those of phase 2 only
 * with access to request bodies, those of 4 only where the response's body is
 * of a type that is read.
 */
bool sec_vars_runs(const struct sec_vars *v, unsigned phase);

/*
 * Whether the phase's body, the request's in 2 and the response's in 4, is over
 * its limit where the limit's action is Reject. Of a request that app/ has cut
 * off Content-Length tells. Of a response only where its body is read.
 */
bool sec_vars_rejects(const struct sec_vars *v, unsigned phase);

/*
 * The values of a variable in the order in which they were sent; of XML those
 * that the XPath names ("/\*", "//@*"; it must outlive them). A collection has
 * none where it is not known yet; what is no collection has one then, which is
 * empty (REMOTE_USER none), as in ModSecurity. Of members of one name,
 * %{VAR.name} means the last. Valid until the next phase begins, or the next
 * transaction. None either where memory is out (sec_vars_failed).
 */
struct sec_values sec_vars_get(struct sec_vars *v, enum sec_var var, struct span xpath);
bool sec_vars_failed(const struct sec_vars *v);
size_t sec_vars_memory(const struct sec_vars *v);

#endif
