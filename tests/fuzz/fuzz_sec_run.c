/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a request, behind them a response, through rules that have every action. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/http.h"
#include "seclang/seclang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] =
    "SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n"
    "SecDefaultAction \"phase:2,log,auditlog,pass\"\n"
    "SecAction \"id:1,phase:1,pass,nolog,initcol:ip=%{REMOTE_ADDR},initcol:global=g,setvar:tx.pl=1,setvar:tx.five=5\"\n"
    "SecRule REQUEST_HEADERS:Content-Type \"@contains json\" \"id:2,phase:1,pass,nolog,t:none,t:lowercase,"
    "ctl:requestBodyProcessor=JSON\"\n"
    "SecRule REQUEST_HEADERS:Content-Type \"@contains xml\" \"id:3,phase:1,pass,nolog,ctl:requestBodyProcessor=XML\"\n"
    "SecRule ARGS:off \"@streq 1\" "
    "\"id:4,phase:1,pass,nolog,ctl:ruleRemoveById=20-29,ctl:ruleRemoveTargetById=30;ARGS:a,"
    "ctl:ruleRemoveByTag=t1,ctl:ruleRemoveTargetByTag=t2;REQUEST_HEADERS\"\n"
    "SecRule REQUEST_METHOD \"@streq DETECT\" \"id:5,phase:1,pass,nolog,ctl:ruleEngine=DetectionOnly\"\n"
    "SecRule TX:PL \"@lt 1\" \"id:10,phase:2,pass,nolog,skipAfter:END\"\n"
    "SecRule ARGS|ARGS_NAMES|REQUEST_COOKIES|XML:/*|!ARGS:/^skip/ \"@rx (?i)union\\s+(select|all)|(x+)y\" "
    "\"id:20,phase:2,"
    "pass,capture,t:none,t:urlDecodeUni,t:htmlEntityDecode,t:lowercase,log,msg:'m "
    "%{TX.1}',logdata:'%{MATCHED_VAR_NAME}: "
    "%{MATCHED_VAR}',tag:'t1',severity:CRITICAL,setvar:tx.score=+%{tx.five},setvar:'tx.n_%{MATCHED_VAR_NAME}=+1'\"\n"
    "SecRule ARGS \"@detectSQLi\" \"id:21,phase:2,pass,capture,log,msg:'%{TX.0}',multiMatch,t:urlDecode,t:lowercase,"
    "setvar:ip.hits=+1,expirevar:ip.hits=10\"\n"
    "SecRule ARGS|REQUEST_HEADERS \"@pm evil attack\" \"id:30,phase:2,pass,log,msg:'p',tag:'t2',chain\"\n"
    "SecRule MATCHED_VARS \"!@rx ^safe\" \"t:none,setvar:tx.doubled=%{tx.doubled}%{MATCHED_VAR},chain\"\n"
    "SecRule MATCHED_VARS_NAMES|&ARGS|TX:/^n_/ \"@rx .\" \"setvar:'tx.last=%{MATCHED_VAR_NAME}',setvar:!tx.none\"\n"
    "SecRule TX:SCORE \"@ge %{tx.five}\" \"id:40,phase:2,deny,status:418,log,msg:'score %{tx.score}'\"\n"
    "SecMarker END\n"
    "SecRule REQUEST_URI \"@beginsWith /go\" \"id:50,phase:2,log,redirect:'http://x/%{ARGS.a}'\"\n"
    "SecRule REQUEST_URI \"@endsWith .allow\" \"id:51,phase:2,nolog,allow:request\"\n"
    "SecRule RESPONSE_BODY \"@rx secret\" \"id:60,phase:4,drop,log,msg:'leak',setvar:global.leaks=+1\"\n"
    "SecRule TX \"@validateByteRange 32-126\" \"id:70,phase:5,pass,log,msg:'%{HIGHEST_SEVERITY} %{RULE.id}'\"\n";

static struct seclang *program;
static struct seclang_memory *memory;

static void set_up(void)
{
    char path[64];
    const char *files[] = {path};
    int fd = memfd_create("rules", MFD_CLOEXEC);
    struct diag *d = diag_new();
    if (fd < 0 || !d || write(fd, rules, sizeof rules - 1) != sizeof rules - 1)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct seclang_options o = {.store_entries = 64};
    program = seclang_load(files, 1, &o, d);
    diag_print(d, stderr);
    diag_free(d);
    close(fd);
    memory = program ? seclang_memory_new(program) : NULL;
    if (!memory)
        abort();
}

static bool ends(struct span s)
{
    static volatile uint8_t sum; /* each byte is to be readable */
    for (size_t i = 0; i < s.len; i++)
        sum = (uint8_t)(sum + s.data[i]);
    return s.len == 0 || s.data != NULL;
}

static bool phase(struct seclang_tx *t, unsigned number, const struct http_tx *tx)
{
    struct seclang_decision d;
    seclang_phase(t, number, tx, &d);
    for (size_t i = 0; i < d.n_events; i++) {
        const struct seclang_event *e = &d.events[i];
        if (!e->rule || !ends(e->message) || !ends(e->data) || !ends(e->variable) || !ends(e->value))
            abort();
    }
    if (d.rule && (!ends(d.redirect) || !d.status))
        abort();
    return !d.rule || d.monitored;
}

static unsigned feed(struct seclang_tx *t, struct http *h, enum http_dir dir, struct span data, unsigned done)
{
    static const unsigned phase_at[] = {[HTTP_REQUEST_HEAD] = 1,
                                        [HTTP_REQUEST_END] = 2,
                                        [HTTP_RESPONSE_HEAD] = 3,
                                        [HTTP_RESPONSE_END] = 4,
                                        [HTTP_REQUEST_PART] = 0};
    unsigned last = dir == HTTP_TO_SERVER ? 2 : 4;
    while (done < last) {
        int point = http_feed(h, dir, &data);
        if (point <= HTTP_NOTHING || point == HTTP_OPAQUE)
            return done;
        while (done < phase_at[point])
            if (!phase(t, ++done, http_tx(h)))
                return 5;
    }
    return done;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_options reading = {.limits = {65536, 200, 1 << 20, 1 << 20, 1000, 64, 100, 4},
                                                .want = HTTP_WANT_BODY | HTTP_WANT_ARGS | HTTP_WANT_RESPONSE |
                                                        HTTP_WANT_RESPONSE_BODY};
    static uint64_t now_ms = 1700000000000;
    if (!program)
        set_up();
    now_ms += 1000;
    struct sec_connection c = {.client = {4, {10, 0, 0, 1}},
                               .server = {4, {10, 0, 0, 2}},
                               .client_port = 1234,
                               .server_port = 80,
                               .begun_ms = now_ms,
                               .now_ms = now_ms,
                               .unique_id = "id"};
    const uint8_t *response = memmem(data, size, "HTTP/1.1 200", 12);
    size_t n = response ? (size_t)(response - data) : size;
    struct http *h = http_new(&reading, false);
    struct seclang_tx *t = seclang_begin(program, memory, &c);
    if (!h || !t)
        abort();
    unsigned done = feed(t, h, HTTP_TO_SERVER, span_of(data, n), 0);
    if (done == 2)
        done = feed(t, h, HTTP_TO_CLIENT, span_of(data + n, size - n), done);
    if (done && http_tx(h)) /* gone where the message did not come to its end */
        (void)phase(t, 5, http_tx(h));
    seclang_end(t);
    http_free(h);
    return 0;
}
