/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transactions through libmodsecurity, given to it as a web server's connector does. */
#include <modsecurity/modsecurity.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "transactions.h"

const char engine_name[] = "crs_oracle";

struct engine {
    ModSecurity *library;
    RulesSet *rules;
};

/* Of `[line "…"] [id "…"]`; no test has that in a value. */
static const char *id_of(const char *text)
{
    for (const char *at = text; (at = strstr(at, "\"] [line \"")); at++) {
        const char *id = at + strlen("\"] [line \"");
        id += strspn(id, "0123456789");
        if (!strncmp(id, "\"] [id \"", 8))
            return id + 8;
    }
    return NULL;
}

/* `[msg "…"] [data "…"]` behind the id. */
static struct span message_of(const char *id)
{
    const char *from = strstr(id, "[msg \"");
    const char *end = from ? strstr(from, "\"] [data \"") : NULL;
    return end ? span_of(from + 6, (size_t)(end - from) - 6) : span_of(NULL, 0);
}

static void on_log(void *data, const void *text)
{
    const char *id = id_of(text);
    if (data && id)
        outcome_add(data, strtoull(id, NULL, 10), message_of(id));
}

struct engine *engine_open(const struct engine_options *opt)
{
    struct engine *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->library = msc_init();
    e->rules = msc_create_rules_set();
    msc_set_connector_info(e->library, "sluice crs_oracle");
    msc_set_log_cb(e->library, on_log);
    for (size_t i = 0; i < opt->n_files; i++) {
        const char *why = NULL;
        if (msc_rules_add_file(e->rules, opt->files[i], &why) < 0) {
            fprintf(stderr, "%s: %s: %s\n", engine_name, opt->files[i], why ? why : "does not load");
            engine_close(e);
            return NULL;
        }
    }
    return e;
}

void engine_close(struct engine *e)
{
    msc_rules_cleanup(e->rules);
    msc_cleanup(e->library);
    free(e);
}

static bool intervened(Transaction *x, unsigned phase, struct outcome *o)
{
    ModSecurityIntervention it = {.status = 200};
    if (!msc_intervention(x, &it))
        return false;
    if (it.disruptive) {
        o->phase = phase;
        o->status = (unsigned)it.status;
        snprintf(o->url, sizeof o->url, "%s", it.url ? it.url : "");
        /* What a rule that denies would log is here, not given to on_log. */
        if (it.log)
            on_log(o, it.log);
    }
    free(it.url);
    free(it.log);
    return it.disruptive;
}

static void give_headers(Transaction *x, struct span rest, bool request)
{
    struct span name, value;
    while (message_header(&rest, &name, &value)) {
        if (request)
            msc_add_n_request_header(x, name.data, name.len, value.data, value.len);
        else
            msc_add_n_response_header(x, name.data, name.len, value.data, value.len);
    }
}

/* Phases 1 and 2; true where it intervened. */
static bool give_request(Transaction *x, const struct message *m, struct outcome *o)
{
    msc_process_uri(x, m->target, m->method, m->version);
    give_headers(x, m->headers, true);
    msc_process_request_headers(x);
    if (intervened(x, 1, o))
        return true;
    if (m->body.len)
        msc_append_request_body(x, m->body.data, m->body.len);
    if (intervened(x, 2, o))
        return true;
    msc_process_request_body(x);
    return intervened(x, 2, o);
}

static void give_response(Transaction *x, const struct transaction *t, struct outcome *o)
{
    give_headers(x, t->response_headers, false);
    msc_process_response_headers(x, (int)t->status, "HTTP/1.1");
    if (intervened(x, 3, o))
        return;
    if (t->response_body.len)
        msc_append_response_body(x, t->response_body.data, t->response_body.len);
    if (intervened(x, 4, o))
        return;
    msc_process_response_body(x);
    intervened(x, 4, o);
}

void engine_run(struct engine *e, const struct transaction *t, struct outcome *ret)
{
    struct message m;
    if (!message_read(t->request, &m)) {
        ret->note = "out of memory";
        return;
    }
    Transaction *x = msc_new_transaction(e->library, e->rules, ret);
    char client[32];
    client_address(t->number, client, sizeof client);
    msc_process_connection(x, client, CLIENT_PORT, SERVER_ADDRESS, SERVER_PORT);
    intervened(x, 1, ret);
    if (!give_request(x, &m, ret))
        give_response(x, t, ret);
    msc_process_logging(x);
    msc_transaction_cleanup(x);
    message_free(&m);
}
