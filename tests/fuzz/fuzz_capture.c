/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames of any link type through the whole pipeline: link layer, packet,
 * flow, HTTP, rules. Input: the link type's number among ours, then frames,
 * each with two bytes of length (the rest: the last frame). A file that begins
 * as a capture is read as one instead.
 */
#include <pcap/dlt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/replay.h"

static const char conf[] =
    "divert: { services = ( { proto = \"any\"; } ); };\n"
    "http: { ports = [ 80, 8080 ]; };\nstreams: { flows = 64; memory = 1048576; per_flow = 65536; };\n"
    "cache: { folder = \"\"; };\nevents: { file = \"\"; requests = true; };\n"
    "control: { socket = \"\"; };\nrules = [ \"*.rules\" ];\nseclang = [ \"sec.conf\" ];\n";
static const char rules[] =
    "rules = ( { id = 1; when = \"lower(url_decode_uni(http.args)) contains \\\"attack\\\"\"; action = \"block\"; },\n"
    "{ id = 2; when = \"http.anomaly\"; action = \"log\"; },\n"
    "{ id = 3; when = \"stream.to_server contains \\\"evil\\\"\"; action = \"log\"; },\n"
    "{ id = 4; when = \"http.response.body contains \\\"leak\\\"\"; action = \"reject\"; },\n"
    "{ id = 5; when = \"score[\\\"sum\\\"] >= 4\"; action = \"log\"; } );\n";

static const char sec[] =
    "SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess On\nSecResponseBodyMimeType text/html\n"
    "SecRule ARGS|REQUEST_HEADERS|REQUEST_COOKIES \"@detectXSS\" "
    "\"id:1,phase:1,pass,capture,t:urlDecodeUni,msg:'%{TX.0}',"
    "setvar:tx.sum=+2\"\n"
    "SecRule ARGS|REQUEST_BODY|XML:/*|FILES|MULTIPART_PART_HEADERS \"@rx (?i)at+ack(.*)$\" \"id:2,phase:2,pass,capture,"
    "logdata:'%{TX.1} %{MATCHED_VAR_NAME}',setvar:tx.sum=+3\"\n"
    "SecRule TX:sum \"@ge 5\" \"id:3,phase:2,deny,status:406\"\n"
    "SecRule RESPONSE_HEADERS \"@contains leak\" \"id:4,phase:3,redirect:http://h/%{REQUEST_URI}\"\n"
    "SecRule RESPONSE_BODY \"@pm leak secret\" \"id:5,phase:4,drop\"\n"
    "SecAction \"id:6,phase:5,pass,initcol:ip=%{REMOTE_ADDR},setvar:ip.n=+1\"\n";

static FILE *sink;
static char conf_file[64];

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[96];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    if (!f || fputs(text, f) < 0 || fclose(f))
        abort();
}

static void remove_files(void)
{
    char path[96];
    unlink(conf_file);
    *strrchr(conf_file, '/') = '\0';
    snprintf(path, sizeof path, "%s/a.rules", conf_file);
    unlink(path);
    snprintf(path, sizeof path, "%s/sec.conf", conf_file);
    unlink(path);
    rmdir(conf_file);
}

static void set_up(void)
{
    char folder[] = "/tmp/fuzz_capture.XXXXXX";
    sink = fopen("/dev/null", "w");
    if (!sink || !mkdtemp(folder))
        abort();
    write_file(folder, "sluice.conf", conf);
    write_file(folder, "a.rules", rules);
    write_file(folder, "sec.conf", sec);
    snprintf(conf_file, sizeof conf_file, "%s/sluice.conf", folder);
    atexit(remove_files);
}

static void run_frames(struct replay *r, const uint8_t *data, size_t size)
{
    static const int types[] = {DLT_EN10MB, DLT_LINUX_SLL, DLT_LINUX_SLL2, DLT_RAW, DLT_NULL, DLT_IPV4, DLT_IPV6};
    int type = types[data[0] % (sizeof types / sizeof types[0])];
    uint64_t ns = 1000000000;
    for (size_t at = 1; at + 2 <= size;) {
        size_t len = (size_t)data[at] << 8 | data[at + 1];
        at += 2;
        if (len > size - at)
            len = size - at;
        ns += 10000000;
        replay_frame(r, type, ns, span_of(data + at, len), (uint32_t)len);
        at += len;
    }
}

static void run_file(struct replay *r, const uint8_t *data, size_t size)
{
    char path[] = "/tmp/fuzz_capture.pcap.XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
    struct diag *d = diag_new();
    if (replay_capture(r, path, d) && !diag_count(d))
        abort(); /* an error that tells nothing */
    diag_free(d);
    unlink(path);
}

static int is_capture(const uint8_t *data, size_t size)
{
    static const uint8_t magics[][4] = {
        {0xd4, 0xc3, 0xb2, 0xa1}, {0x4d, 0x3c, 0xb2, 0xa1}, {0xa1, 0xb2, 0xc3, 0xd4}, {0x0a, 0x0d, 0x0d, 0x0a}};
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (size >= 4 && memcmp(data, magics[i], 4) == 0)
            return 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned runs;
    static struct replay *r;
    if (!size)
        return 0;
    if (!sink)
        set_up();
    /* A generation is dear to make: it serves many inputs, whose flows meet. */
    if (!r || ++runs % 4096 == 0) {
        struct diag *d = diag_new();
        replay_free(r);
        r = replay_new(conf_file, false, sink, d);
        diag_print(d, stderr);
        diag_free(d);
        if (!r)
            abort();
    }
    if (is_capture(data, size))
        run_file(r, data, size);
    else
        run_frames(r, data, size);
    return 0;
}
