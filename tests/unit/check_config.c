/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/duration.h"
#include "config/config.h"
#include "config/reader.h"
#include "run_suite.h"

/* A folder of its own for each test, and the settings file in it. */
static char folder[64], file[128];
static struct diag *d;

#define SERVICES "services = ( { proto = \"tcp\"; } );"
#define MINIMAL "divert: { " SERVICES " }; rules = [ ];\n"

static void set_up(void)
{
    strcpy(folder, "/tmp/check_config.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/sluice.conf", folder);
    d = diag_new();
    ck_assert_ptr_nonnull(d);
}

static void tear_down(void)
{
    char command[96];
    diag_free(d);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *path, const char *text, size_t len)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static void put(const char *name)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_file(path, "\n", 1);
}

static struct config *load(const char *text)
{
    write_file(file, text, strlen(text));
    return config_load(file, d);
}

static struct config *load_right(const char *text)
{
    struct config *c = load(text);
    diag_print(d, stderr);
    ck_assert_ptr_nonnull(c);
    return c;
}

/* The i-th error reads exactly so, with FILE for the file's name. */
static void assert_error(size_t i, const char *expected)
{
    char whole[1200];
    ck_assert_ptr_nonnull(diag_text(d, i));
    snprintf(whole, sizeof whole, "%s%s", file, expected);
    ck_assert_str_eq(diag_text(d, i), whole);
}

/* The one error of a wrong file. */
static void assert_wrong(const char *text, const char *expected)
{
    ck_assert_ptr_null(load(text));
    assert_error(0, expected);
    ck_assert_uint_eq(diag_count(d), 1);
}

#define BAN_TIME "1 to 31536000 seconds, as a number or as \"90s\", \"10m\", \"2h\", \"7d\""
#define ARP "{ address = \"192.0.2.1\"; mac = \"02:00:00:00:00:01\"; }"
#define MAC "mac = \"02:00:00:00:00:01\";"

/* One wrong setting each: the text, and the error behind the file's name. */
static const struct {
    const char *text, *error;
} wrong[] = {
    /* syntax */
    {"mode = \"enforce\";\ndivert: {\n", ":3: syntax error, expected name = value; (look at the line before, too)"},
    {MINIMAL "mode = \n;", ":3: syntax error, expected name = value; (look at the line before, too)"},
    {MINIMAL "mode = \"enforce\";\nmode = \"enforce\";\n",
     ":3: duplicate setting name, expected each setting once in its group"},
    {"divert: { services = (\n { proto = \"tcp\"; ports = [ 1, \"2-3\" ]; } ); };\nrules = [ ];",
     ":2: mismatched element type in array, expected one type in [ ] (a list in ( ) may mix them)"},
    {MINIMAL "@include \"/dev/zero\"\n",
     ":2: @include is not taken, expected all settings in this file (rules may name several files)"},
    {MINIMAL "/* \n */ queues: { length = 4294967296; };",
     ":3: number 4294967296 is too big, expected at most 2147483647 (more with an L behind it)"},
    {MINIMAL "marks: { mask = 0x1ffffffff; };",
     ":2: number 0x1ffffffff is too big, expected at most 4294967295 (more with an L behind it)"},
    {MINIMAL "marks: {\n mask = 99999999999999999999L; };",
     ":3: number 99999999999999999999 is too big, expected at most 9223372036854775807"},
    {"99999999999 = 1;", ":1: number 99999999999 is too big, expected at most 2147483647 (more with an L behind it)"},

    /* keys and types */
    {MINIMAL "\nmood = 1;", ":3: unknown setting mood, did you mean \"mode\"?"},
    {MINIMAL "log: {\n colour = 1; };", ":3: unknown setting log.colour, expected level"},
    {MINIMAL "events: { stat_interval = 1; };",
     ":2: unknown setting events.stat_interval, did you mean \"stats_interval\"?"},
    {MINIMAL "marks: { musk = 1; };", ":2: unknown setting marks.musk, did you mean \"mask\"?"},
    {MINIMAL "control: { sokcet = \"\"; };", ":2: unknown setting control.sokcet, did you mean \"socket\"?"},
    {MINIMAL "limits: { event_rings = 16; };", ":2: unknown setting limits.event_rings, did you mean \"event_ring\"?"},
    {MINIMAL "policies: { on_panic = \"open\"; };",
     ":2: unknown setting policies.on_panic, expected on_stop, on_crash, on_overload or on_memory"},
    {MINIMAL "queues: { batsh = 1; };", ":2: unknown setting queues.batsh, did you mean \"batch\"?"},
    {MINIMAL "queues = 4;", ":2: queues is a number, expected a group { }"},
    {MINIMAL "mode = true;", ":2: mode is a boolean, expected enforce or monitor"},
    {MINIMAL "mode = \"off\";", ":2: mode is \"off\", expected enforce or monitor"},
    {"divert = \"all\"; rules = [ ];", ":1: divert is a string, expected a group { }"},

    /* divert */
    {"rules = [ ];", ": no divert group, expected one with services = ( { proto = \"tcp\"; } );"},
    {"\ndivert: { };\nrules = [ ];",
     ":2: no guarded service, expected at least one as services = ( { proto = \"tcp\"; } );"},
    {"divert: {\n services = ( ); };\nrules = [ ];",
     ":2: no guarded service, expected at least one as services = ( { proto = \"tcp\"; } );"},
    {"divert: {\n services = 80; };\nrules = [ ];",
     ":2: divert.services is a number, expected a list ( ) or an array [ ]"},
    {"divert: { services =\n ( 80 ); };\nrules = [ ];",
     ":2: a service is a number, expected a group as { proto = \"tcp\"; ports = [ 80 ]; }"},
    {"divert: { services = ( { } ); };\nrules = [ ];",
     ":1: a service without proto, expected proto = \"tcp\"; or another protocol"},
    {"divert: { services = (\n { proto = \"tpc\"; } ); };\nrules = [ ];",
     ":2: unknown protocol \"tpc\", expected tcp, udp, udplite, sctp, icmp, icmpv6, gre, any or a number from 0 to "
     "255"},
    {"divert: { services = (\n { proto = \"icmp6\"; } ); };\nrules = [ ];",
     ":2: unknown protocol \"icmp6\", expected tcp, udp, udplite, sctp, icmp, icmpv6, gre, any or a number from 0 to "
     "255 "
     "(did you mean \"icmpv6\"?)"},
    {"divert: { services = ( { proto = 256; } ); };\nrules = [ ];",
     ":1: proto is 256, expected a number from 0 to 255"},
    {"divert: { services = ( { proto = 1.5; } ); };\nrules = [ ];",
     ":1: proto is a number with a fraction, expected a number from 0 to 255"},
    {"divert: { services = ( { proto = \"tcp\";\n port = [ 1 ]; } ); };\nrules = [ ];",
     ":2: unknown setting port, did you mean \"ports\"?"},
    {"divert: { services = ( { proto = \"icmp\";\n ports = [ 8 ]; } ); };\nrules = [ ];",
     ":2: ports given for a protocol without ports, expected them with tcp, udp, udplite or sctp"},
    {"divert: { services = ( { proto = \"any\";\n ports = [ 8 ]; } ); };\nrules = [ ];",
     ":2: ports given for a protocol without ports, expected them with tcp, udp, udplite or sctp"},
    {"divert: { services = ( { proto = \"tcp\"; ports = 80; } ); };\nrules = [ ];",
     ":1: ports is a number, expected a list ( ) or an array [ ]"},
    {"divert: { services = ( { proto = \"tcp\";\n ports = [ ]; } ); };\nrules = [ ];",
     ":2: no port in ports, expected at least one (without ports the whole protocol is meant)"},
    {"divert: { services = ( { proto = \"tcp\"; ports = [ 80,\n 65536 ]; } ); };\nrules = [ ];",
     ":2: bad port 65536, expected a port from 1 to 65535 or a range as \"8000-8100\""},
    {"divert: { services = ( { proto = \"tcp\"; ports = [ 0 ]; } ); };\nrules = [ ];",
     ":1: bad port 0, expected a port from 1 to 65535 or a range as \"8000-8100\""},
    {"divert: { services = ( { proto = \"tcp\"; ports = [ \"80-\" ]; } ); };\nrules = [ ];",
     ":1: bad port \"80-\", expected a port from 1 to 65535 or a range as \"8000-8100\""},
    {"divert: { services = ( { proto = \"tcp\"; ports = [ \"http\" ]; } ); };\nrules = [ ];",
     ":1: bad port \"http\", expected a port from 1 to 65535 or a range as \"8000-8100\""},
    {"divert: { services = ( { proto = \"tcp\"; ports = [ \"90-80\" ]; } ); };\nrules = [ ];",
     ":1: port range \"90-80\" runs backwards, expected \"80-90\""},
    {"divert: { services = ( { proto = \"tcp\"; ports = [ true ]; } ); };\nrules = [ ];",
     ":1: a port is a boolean, expected a port from 1 to 65535 or a range as \"8000-8100\""},
    {"divert: { " SERVICES "\nfamily = \"ip\"; };\nrules = [ ];",
     ":2: divert.family is \"ip\", expected auto, bridge or inet"},
    {"divert: { " SERVICES "\nhook = \"prerouting\"; };\nrules = [ ];",
     ":2: divert.hook is \"prerouting\", expected forward, input, output or host"},
    {"divert: { " SERVICES "\nbr_netfilter = \"no\"; };\nrules = [ ];",
     ":2: divert.br_netfilter is \"no\", expected set or check"},
    {"divert: { " SERVICES "\npriority = 3000000; };\nrules = [ ];",
     ":2: divert.priority is 3000000, expected a number from -1000000 to 1000000"},
    {"divert: { " SERVICES "\ninterfaces = ( \"eth0\" ); };\nrules = [ ];",
     ":2: an interface is a string, expected a group as { name = \"eth0\"; side = \"outside\"; }"},
    {"divert: { " SERVICES "\ninterfaces = ( { side = \"inside\"; } ); };\nrules = [ ];",
     ":2: an interface without name, expected name = \"eth0\"; or another one"},
    {"divert: { " SERVICES "\ninterfaces = ( { name = \"eth0\"; } ); };\nrules = [ ];",
     ":2: an interface without side, expected side = \"inside\"; or side = \"outside\";"},
    {"divert: { " SERVICES "\ninterfaces = ( { name = \"eth0\"; side = \"left\"; } ); };\nrules = [ ];",
     ":2: side is \"left\", expected inside or outside"},
    {"divert: { " SERVICES "\ninterfaces = (\n { name = \"a234567890123456\"; side = \"inside\"; } ); };\nrules = [ ];",
     ":3: bad interface name \"a234567890123456\", expected 1 to 15 characters without blanks, / and :"},
    {"divert: { " SERVICES "\ninterfaces = ( { name = \"\"; side = \"inside\"; } ); };\nrules = [ ];",
     ":2: bad interface name \"\", expected 1 to 15 characters without blanks, / and :"},
    {"divert: { " SERVICES "\ninterfaces = ( { name = \"e 0\"; side = \"inside\"; } ); };\nrules = [ ];",
     ":2: bad interface name \"e 0\", expected 1 to 15 characters without blanks, / and :"},
    {"divert: { " SERVICES "\ninterfaces = ( { name = \"e0\"; side = \"inside\"; },\n{ name = \"e0\"; side = "
     "\"outside\"; } ); };\nrules = [ ];",
     ":3: interface \"e0\" stands here for the second time, expected each once"},
    {"divert: { " SERVICES "\nexempt = [ 1 ]; };\nrules = [ ];",
     ":2: an address in exempt is a number, expected a string as \"192.0.2.0/24\""},
    {"divert: { " SERVICES "\nexempt = [ \"192.0.2.1\",\n\"192.0.2.256\" ]; };\nrules = [ ];",
     ":3: bad address \"192.0.2.256\" in exempt (no address), expected one as \"192.0.2.1\" or \"2001:db8::/32\""},
    {"divert: { " SERVICES "\nexempt = [ \"192.0.2.0/33\" ]; };\nrules = [ ];",
     ":2: bad address \"192.0.2.0/33\" in exempt (prefix not from 0 to 32), expected one as \"192.0.2.1\" or "
     "\"2001:db8::/32\""},
    {"divert: { " SERVICES "\nexempt = [ \"2001:db8::/129\" ]; };\nrules = [ ];",
     ":2: bad address \"2001:db8::/129\" in exempt (prefix not from 0 to 128), expected one as \"192.0.2.1\" or "
     "\"2001:db8::/32\""},
    {"divert: { " SERVICES "\nexempt = [ \"192.0.2.1/24\" ]; };\nrules = [ ];",
     ":2: bad address \"192.0.2.1/24\" in exempt (bits set behind the prefix), expected one as \"192.0.2.1\" or "
     "\"2001:db8::/32\""},

    /* queues */
    {MINIMAL "queues: { first = 65536; };", ":2: queues.first is 65536, expected a number from 0 to 65535"},
    {MINIMAL "queues: { first = -1; };", ":2: queues.first is -1, expected a number from 0 to 65535"},
    {MINIMAL "queues: { count = 0; };", ":2: queues.count is 0, expected a number from 1 to 1024"},
    {MINIMAL "queues: { count = \"all\"; };",
     ":2: queues.count is \"all\", expected \"auto\" or a number from 1 to 1024"},
    {MINIMAL "queues: { first = 65534;\n count = 3; };",
     ":3: queues 65534 to 65536, expected the last one at most 65535"},
    {MINIMAL "queues: { length = 0; };", ":2: queues.length is 0, expected a number from 1 to 1000000"},
    {MINIMAL "queues: { pin = 1; };", ":2: queues.pin is a number, expected true or false"},
    {MINIMAL "queues: { batch = 257; };", ":2: queues.batch is 257, expected a number from 1 to 256"},
    {MINIMAL "queues: { receive_buffer = 1; };",
     ":2: queues.receive_buffer is 1, expected a number from 65536 to 1073741824"},

    /* marks */
    {MINIMAL "marks: { mask = 0x3f0; };",
     ":2: marks.mask 0x000003f0 has too few bits, expected at least 7 neighbouring bits as 0x7f000000"},
    {MINIMAL "marks: { mask = 0; };",
     ":2: marks.mask 0x00000000 has too few bits, expected at least 7 neighbouring bits as 0x7f000000"},
    {MINIMAL "marks: { mask = 0xff0f; };",
     ":2: marks.mask 0x0000ff0f has gaps, expected at least 7 neighbouring bits as 0x7f000000"},
    {MINIMAL "marks: { mask = -1; };", ":2: marks.mask is -1, expected a number from 0 to 4294967295"},

    /* the rest */
    {MINIMAL "policies: {\n on_stop = \"ajar\"; };", ":3: policies.on_stop is \"ajar\", expected open or closed"},
    {MINIMAL "policies: {\n on_crash = 1; };", ":3: policies.on_crash is a number, expected open or closed"},
    {MINIMAL "policies: {\n on_overload = \"\"; };", ":3: policies.on_overload is \"\", expected open or closed"},
    {MINIMAL "policies: {\n on_memory = \"Open\"; };", ":3: policies.on_memory is \"Open\", expected open or closed"},
    {MINIMAL "limits: { regex_steps = 99; };", ":2: limits.regex_steps is 99, expected a number from 100 to 100000000"},
    {MINIMAL "limits: { answers_per_second = -1; };",
     ":2: limits.answers_per_second is -1, expected a number from 0 to 1000000"},
    {MINIMAL "limits: { events_per_second = 1000001; };",
     ":2: limits.events_per_second is 1000001, expected a number from 0 to 1000000"},
    {MINIMAL "limits: { event_ring = 15; };", ":2: limits.event_ring is 15, expected a number from 16 to 1048576"},
    {MINIMAL "log: { level = \"loud\"; };", ":2: log.level is \"loud\", expected error, warning, info or debug"},
    {MINIMAL "events: { file = 1; };", ":2: events.file is a number, expected a string"},
    {MINIMAL "events: { stats_interval = 86401; };",
     ":2: events.stats_interval is 86401, expected a number from 0 to 86400"},
    {MINIMAL "control: { socket = \"/123456789/123456789/123456789/123456789/123456789/123456789/123456789/123456789/"
             "123456789/123456789/1234567\"; };",
     ":2: control.socket has 108 characters, expected at most 107"},
    {"divert: { " SERVICES " };\nrules = \"a\";", ":2: rules is a string, expected a list ( ) or an array [ ]"},
    {"divert: { " SERVICES " };\nrules = [\n 1 ];",
     ":3: a name in rules is a number, expected a string as \"rules/*.conf\""},
    {"divert: { " SERVICES " };\nrules = [ \"\" ];",
     ":2: an empty name in rules, expected a file or a pattern as \"rules/*.conf\""},
    {"divert: { " SERVICES " };\nrules = [ \"/nowhere/a.conf\" ];",
     ":2: no rule file \"/nowhere/a.conf\", expected a file at /nowhere/a.conf"},

    /* streams */
    {MINIMAL "streams = 1;", ":2: streams is a number, expected a group { }"},
    {MINIMAL "streams: {\n flow = 1; };", ":3: unknown setting streams.flow, did you mean \"flows\"?"},
    {MINIMAL "streams: { flows = 0; };", ":2: streams.flows is 0, expected a number from 1 to 10000000"},
    {MINIMAL "streams: { memory = 65535; };",
     ":2: streams.memory is 65535, expected a number from 65536 to 1099511627776"},
    {MINIMAL "streams: { memory = 1099511627777L; };",
     ":2: streams.memory is 1099511627777, expected a number from 65536 to 1099511627776"},
    {MINIMAL "streams: { per_flow = 4095; };",
     ":2: streams.per_flow is 4095, expected a number from 4096 to 1073741824"},
    {MINIMAL "streams: { window = 255; };", ":2: streams.window is 255, expected a number from 256 to 65536"},
    {MINIMAL "streams: { window = 65537; };", ":2: streams.window is 65537, expected a number from 256 to 65536"},
    {MINIMAL "streams: { memory = 100000;\n per_flow = 100001; };",
     ":3: streams.per_flow is 100001, expected at most streams.memory, which is 100000"},
    {MINIMAL "streams: { memory = 100000; };",
     ":2: streams.per_flow is 1048576, expected at most streams.memory, which is 100000"},
    {MINIMAL "streams: { per_flow = 8192;\n window = 8193; };",
     ":3: streams.window is 8193, expected at most streams.per_flow, which is 8192"},
    {MINIMAL "streams: { midstream = \"drop\"; };", ":2: streams.midstream is \"drop\", expected inspect or refuse"},
    {MINIMAL "streams: { urgent = \"drop\"; };", ":2: streams.urgent is \"drop\", expected refuse or pass"},
    {MINIMAL "streams: { timeouts = 5; };", ":2: streams.timeouts is a number, expected a group { }"},
    {MINIMAL "streams: { timeouts: { hand = 5; }; };",
     ":2: unknown setting streams.timeouts.hand, expected handshake, established, closing, closed or condemned"},
    {MINIMAL "streams: { timeouts: { closed = 0; }; };",
     ":2: streams.timeouts.closed is 0, expected a number from 1 to 604800"},
    {MINIMAL "streams: { timeouts: { established = 604801; }; };",
     ":2: streams.timeouts.established is 604801, expected a number from 1 to 604800"},

    /* http */
    {MINIMAL "http: {\n port = [ 80 ]; };", ":3: unknown setting http.port, did you mean \"ports\"?"},
    {MINIMAL "http: { ports = 80; };", ":2: http.ports is a number, expected a list ( ) or an array [ ]"},
    {MINIMAL "http: { ports = ( 80,\n \"http\" ); };",
     ":3: bad port \"http\", expected a port from 1 to 65535 or a range as \"8000-8100\""},
    {MINIMAL "http: { ports = [ 0 ]; };",
     ":2: bad port 0, expected a port from 1 to 65535 or a range as \"8000-8100\""},
    {MINIMAL "http: { limits = 1; };", ":2: http.limits is a number, expected a group { }"},
    {MINIMAL "http: { limits: { bodyy = 1; }; };", ":2: unknown setting http.limits.bodyy, did you mean \"body\"?"},
    {MINIMAL "http: { limits: { head = 1023; }; };",
     ":2: http.limits.head is 1023, expected a number from 1024 to 1048576"},
    {MINIMAL "http: { limits: { headers = 0; }; };", ":2: http.limits.headers is 0, expected a number from 1 to 10000"},
    {MINIMAL "http: { limits: { body = 67108865; }; };",
     ":2: http.limits.body is 67108865, expected a number from 0 to 67108864"},
    {MINIMAL "http: { limits: { response_body = -1; }; };",
     ":2: http.limits.response_body is -1, expected a number from 0 to 67108864"},
    {MINIMAL "http: { limits: { args = 0; }; };", ":2: http.limits.args is 0, expected a number from 1 to 100000"},
    {MINIMAL "http: { limits: { depth = 1001; }; };",
     ":2: http.limits.depth is 1001, expected a number from 1 to 1000"},
    {MINIMAL "http: { limits: { ratio = 0; }; };", ":2: http.limits.ratio is 0, expected a number from 1 to 10000"},
    {MINIMAL "http: { limits: { pipelined = 0; }; };",
     ":2: http.limits.pipelined is 0, expected a number from 1 to 1000"},
    {MINIMAL "http: { over_limit = \"cut\"; };", ":2: http.over_limit is \"cut\", expected open or closed"},
    {MINIMAL "http: { opaque = true; };", ":2: http.opaque is a boolean, expected open or closed"},
    {MINIMAL "http: { answer = \"403\"; };", ":2: http.answer is \"403\", expected page or reset"},
    {MINIMAL "http: { page = 403; };", ":2: http.page is a number, expected a string"},
    {MINIMAL "http: {\n page = \"/nowhere/page.html\"; };",
     ":3: http.page: /nowhere/page.html: cannot open: No such file or directory, expected a readable file"},

    /* divert.queue, networks, bans */
    {"divert: { " SERVICES "\nqueue = \"some\"; };\nrules = [ ];",
     ":2: divert.queue is \"some\", expected needed or all"},
    {"divert: { " SERVICES "\nlog_group = 65536; };\nrules = [ ];",
     ":2: divert.log_group is 65536, expected a number from 0 to 65535"},
    {MINIMAL "limits: { counted = 1023; };", ":2: limits.counted is 1023, expected a number from 1024 to 16777216"},
    {MINIMAL "networks: { insde = [ ]; };", ":2: unknown setting networks.insde, did you mean \"inside\"?"},
    {MINIMAL "networks: { inside = \"10.0.0.0/8\"; };",
     ":2: networks.inside is a string, expected a list ( ) or an array [ ]"},
    {MINIMAL "networks: { inside = [ \"10.0.0.0/8\",\n\"10.0.0.1/8\" ]; };",
     ":3: bad address \"10.0.0.1/8\" in inside (bits set behind the prefix), expected one as \"192.0.2.1\" or "
     "\"2001:db8::/32\""},
    {MINIMAL "networks: { inside = [ 10 ]; };",
     ":2: an address in inside is a number, expected a string as \"192.0.2.0/24\""},
    {MINIMAL "bans: {\n maxx = 5; };", ":3: unknown setting bans.maxx, did you mean \"max\"?"},
    {MINIMAL "bans: { max = 0; };", ":2: bans.max is 0, expected a number from 1 to 1000000"},
    {MINIMAL "bans: { max = 1000001; };", ":2: bans.max is 1000001, expected a number from 1 to 1000000"},
    {MINIMAL "bans: { prefix6 = 31; };", ":2: bans.prefix6 is 31, expected a number from 32 to 128"},
    {MINIMAL "bans: { prefix6 = 129; };", ":2: bans.prefix6 is 129, expected a number from 32 to 128"},
    {MINIMAL "bans: { file = 1; };", ":2: bans.file is a number, expected a string"},
    {MINIMAL "bans: { ban_for = 0; };", ":2: bans.ban_for is 0, expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = 31536001; };", ":2: bans.ban_for is 31536001, expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = \"366d\"; };", ":2: bans.ban_for is \"366d\", expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = \"0m\"; };", ":2: bans.ban_for is \"0m\", expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = \"\"; };", ":2: bans.ban_for is \"\", expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = \"m\"; };", ":2: bans.ban_for is \"m\", expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = \"10 m\"; };", ":2: bans.ban_for is \"10 m\", expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = \"-1m\"; };", ":2: bans.ban_for is \"-1m\", expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = \"10M\"; };", ":2: bans.ban_for is \"10M\", expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = \"71582789m\"; };", ":2: bans.ban_for is \"71582789m\", expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = \"99999999999999999999999s\"; };",
     ":2: bans.ban_for is \"99999999999999999999999s\", expected " BAN_TIME},
    {MINIMAL "bans: { ban_for = 1.5; };", ":2: bans.ban_for is a number with a fraction, expected " BAN_TIME},

    /* detect */
    {MINIMAL "detect: {\n sacn: { action = \"log\"; }; };", ":3: unknown setting detect.sacn, did you mean \"scan\"?"},
    {MINIMAL "detect: { scan = \"log\"; };", ":2: detect.scan is a string, expected a group { }"},
    {MINIMAL "detect: {\n scan: { threshold = 9; }; };",
     ":3: detect.scan without action, expected action = \"log\"; or another"},
    {MINIMAL "detect: { scan: { action = \"stop\"; }; };",
     ":2: detect.scan.action is \"stop\", expected off, log, drop or ban"},
    {MINIMAL "detect: { scan: { action = true; }; };",
     ":2: detect.scan.action is a boolean, expected off, log, drop or ban"},
    {MINIMAL "detect: { smurf: { action = \"stop\"; }; };",
     ":2: detect.smurf.action is \"stop\", expected off, log or drop"},
    {MINIMAL "detect: { smurf: { action = \"log\";\n threshold = 1; }; };",
     ":3: unknown setting detect.smurf.threshold, expected action"},
    {MINIMAL "detect: { udp_flood: { action = \"log\"; per = 1; }; };",
     ":2: unknown setting detect.udp_flood.per, expected action or threshold"},
    {MINIMAL "detect: { syn_flood: { action = \"log\"; ban_for = 1; }; };",
     ":2: unknown setting detect.syn_flood.ban_for, expected action or threshold"},
    {MINIMAL "detect: { big_icmp: { action = \"log\"; threshold = 27; }; };",
     ":2: detect.big_icmp.threshold is 27, expected a number from 28 to 65535"},
    {MINIMAL "detect: { scan: { action = \"log\"; threshold = 1; }; };",
     ":2: detect.scan.threshold is 1, expected a number from 2 to 1000"},
    {MINIMAL "detect: { scan: { action = \"log\"; per = 3601; }; };",
     ":2: detect.scan.per is 3601, expected 1 to 3600 seconds, as a number or as \"90s\", \"10m\", \"2h\", \"7d\""},
    {MINIMAL "detect: { scan: { action = \"ban\"; ban_for = 0; }; };",
     ":2: detect.scan.ban_for is 0, expected " BAN_TIME},
    {MINIMAL "detect: {\n spoofed: { action = \"drop\"; }; };\nnetworks: { inside = [ \"10.0.0.0/8\" ]; };",
     ":3: detect.spoofed without an outside interface, expected one in divert.interfaces with side = \"outside\""},
    {"divert: { " SERVICES " interfaces = ( { name = \"a\"; side = \"outside\"; } ); };\nrules = [ ];\n"
     "detect: { spoofed: { action = \"drop\"; }; };",
     ":3: detect.spoofed without inside addresses, expected them in networks.inside"},

    /* frames */
    {MINIMAL "frames: { other = \"open\"; };", ":2: unknown setting frames.other, did you mean \"others\"?"},
    {MINIMAL "frames: { others = \"pass\"; };", ":2: frames.others is \"pass\", expected open or closed"},
    {MINIMAL "frames: { arp = \"x\"; };", ":2: frames.arp is a string, expected a list ( ) or an array [ ]"},
    {MINIMAL "frames: { arp = ( 1 ); };", ":2: an element of frames.arp is a number, expected a group as " ARP},
    {MINIMAL "frames: { arp = ( { address = \"10.0.0.1\"; } ); };",
     ":2: an element of frames.arp without address or mac, expected both as " ARP},
    {MINIMAL "frames: { arp = ( { address = \"::1\"; " MAC " } ); };",
     ":2: bad address \"::1\" in frames.arp, expected a host's IPv4 address as \"192.0.2.1\""},
    {MINIMAL "frames: { arp = ( { address = \"0.0.0.0\"; " MAC " } ); };",
     ":2: bad address \"0.0.0.0\" in frames.arp, expected a host's IPv4 address as \"192.0.2.1\""},
    {MINIMAL "frames: { arp = ( { address = \"224.0.0.1\"; " MAC " } ); };",
     ":2: bad address \"224.0.0.1\" in frames.arp, expected a host's IPv4 address as \"192.0.2.1\""},
    {MINIMAL "frames: { arp = ( { address = \"10.0.0.1\";\n mac = \"03:00:00:00:00:01\"; } ); };",
     ":3: bad MAC address \"03:00:00:00:00:01\" in frames.arp, expected a host's as \"02:00:00:00:00:01\""},
    {MINIMAL "frames: { arp = ( { address = \"10.0.0.1\"; mac = \"00:00:00:00:00:00\"; } ); };",
     ":2: bad MAC address \"00:00:00:00:00:00\" in frames.arp, expected a host's as \"02:00:00:00:00:01\""},
    {MINIMAL "frames: { arp = ( { address = \"10.0.0.1\"; mac = \"02:00:00:00:00-01\"; } ); };",
     ":2: bad MAC address \"02:00:00:00:00-01\" in frames.arp, expected a host's as \"02:00:00:00:00:01\""},
    {MINIMAL "frames: { arp = ( { address = \"10.0.0.1\"; mac = \"2:00:00:00:00:01\"; } ); };",
     ":2: bad MAC address \"2:00:00:00:00:01\" in frames.arp, expected a host's as \"02:00:00:00:00:01\""},
    {MINIMAL "frames: { arp = ( { address = \"10.0.0.1\"; " MAC " },\n { address = \"10.0.0.1\"; " MAC " } ); };",
     ":3: address \"10.0.0.1\" stands in frames.arp for the second time, expected each once"},
    {MINIMAL "frames: { ethertypes = [ 0x5ff ]; };",
     ":2: 1535 in frames.ethertypes, expected an EtherType from 0x0600 to 0xffff as 0x88cc"},
    {MINIMAL "frames: { ethertypes = [ 0x10000 ]; };",
     ":2: 65536 in frames.ethertypes, expected an EtherType from 0x0600 to 0xffff as 0x88cc"},
    {MINIMAL "frames: { ethertypes = [ \"lldp\" ]; };",
     ":2: an element of frames.ethertypes is a string, expected an EtherType from 0x0600 to 0xffff as 0x88cc"},
    {MINIMAL "frames: { ethertypes = [ 0x0806 ]; };",
     ":2: 0x0806 in frames.ethertypes passes here anyway, expected other EtherTypes, each once"},
    {MINIMAL "frames: { ethertypes = [ 0x88a8 ]; };",
     ":2: 0x88a8 in frames.ethertypes is a tag, and what is inside it counts, expected other EtherTypes, each once"},
    {MINIMAL "frames: { ethertypes = [ 0x88cc, 0x88cc ]; };",
     ":2: 0x88cc in frames.ethertypes stands here for the second time, expected other EtherTypes, each once"},

    {MINIMAL "cache: { folders = \"\"; };", ":2: unknown setting cache.folders, did you mean \"folder\"?"},
    {MINIMAL "cache: { folder = 1; };", ":2: cache.folder is a number, expected a string"},
    {MINIMAL "events: { requests = 1; };", ":2: events.requests is a number, expected true or false"},
};

START_TEST(wrong_setting)
{
    assert_wrong(wrong[_i].text, wrong[_i].error);
}
END_TEST

START_TEST(missing_file)
{
    ck_assert_ptr_null(config_load(file, d));
    assert_error(0, ": cannot open: No such file or directory, expected a readable file");
    ck_assert_uint_eq(diag_count(d), 1);
}
END_TEST

START_TEST(unreadable_file)
{
    if (geteuid() == 0 && seteuid(65534) != 0)
        ck_abort_msg("root, and cannot be another");
    ck_assert_ptr_null(config_load("/proc/1/environ", d));
    ck_assert_str_eq(diag_text(d, 0), "/proc/1/environ: cannot open: Permission denied, expected a readable file");
    ck_assert_uint_eq(diag_count(d), 1);
    (void)!seteuid(0);
}
END_TEST

START_TEST(not_a_file)
{
    ck_assert_ptr_null(config_load("/tmp", d));
    ck_assert_str_eq(diag_text(d, 0), "/tmp: not a regular file, expected a readable file");
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    ck_assert_ptr_null(config_load(file, d));
    assert_error(1, ": not a regular file, expected a readable file");
}
END_TEST

START_TEST(nul_byte)
{
    static const char text[] = MINIMAL "\n\0mood = 1;";
    write_file(file, text, sizeof text);
    ck_assert_ptr_null(config_load(file, d));
    assert_error(0, ":3: a NUL byte, expected text");
}
END_TEST

START_TEST(all_errors_at_once)
{
    ck_assert_ptr_null(load("mode = 1;\ndivert: {\n hook = \"x\";\n services = ( { proto = \"tcp\"; ports = [ 0,\n"
                            "70000 ]; } ); };\nlog: { level = 1; };\nrules = [ ];"));
    assert_error(0, ":1: mode is a number, expected enforce or monitor");
    assert_error(1, ":3: divert.hook is \"x\", expected forward, input, output or host");
    assert_error(2, ":4: bad port 0, expected a port from 1 to 65535 or a range as \"8000-8100\"");
    assert_error(3, ":5: bad port 70000, expected a port from 1 to 65535 or a range as \"8000-8100\"");
    assert_error(4, ":6: log.level is a number, expected error, warning, info or debug");
    ck_assert_uint_eq(diag_count(d), 5);
}
END_TEST

static void assert_traffic_defaults(const struct config *c)
{
    ck_assert_uint_eq(c->streams.flows, 100000);
    ck_assert_uint_eq(c->streams.memory, 268435456);
    ck_assert_uint_eq(c->streams.per_flow, 1048576);
    ck_assert_uint_eq(c->streams.window, 4096);
    ck_assert_int_eq(c->streams.midstream, MIDSTREAM_INSPECT);
    ck_assert_int_eq(c->streams.urgent, URGENT_REFUSE);
    ck_assert_uint_eq(c->streams.handshake, 30);
    ck_assert_uint_eq(c->streams.established, 3600);
    ck_assert_uint_eq(c->streams.closing, 120);
    ck_assert_uint_eq(c->streams.closed, 10);
    ck_assert_uint_eq(c->streams.condemned, 60);
    ck_assert_uint_eq(c->http.n_ports, 3);
    ck_assert_uint_eq(c->http.ports[0].first, 80);
    ck_assert_uint_eq(c->http.ports[1].last, 8080);
    ck_assert_uint_eq(c->http.ports[2].first, 8000);
    ck_assert_uint_eq(c->http.ports[2].last, 8100);
    ck_assert_uint_eq(c->http.limits.head, 65536);
    ck_assert_uint_eq(c->http.limits.headers, 200);
    ck_assert_uint_eq(c->http.limits.body, 131072);
    ck_assert_uint_eq(c->http.limits.response_body, 65536);
    ck_assert_uint_eq(c->http.limits.args, 1000);
    ck_assert_uint_eq(c->http.limits.depth, 50);
    ck_assert_uint_eq(c->http.limits.ratio, 100);
    ck_assert_uint_eq(c->http.limits.pipelined, 32);
    ck_assert_int_eq(c->http.over_limit, POLICY_OPEN);
    ck_assert_int_eq(c->http.opaque, POLICY_OPEN);
    ck_assert_int_eq(c->http.answer, HTTP_ANSWER_PAGE);
    ck_assert_ptr_null(c->http.page);
}

/* A detector that is off keeps its threshold; 0 where it has none. */
static void assert_detector(const struct config *c, enum detector_id id, enum detect_action action, uint32_t threshold,
                            uint32_t per)
{
    ck_assert_msg(c->detect[id].action == action, "%s: action %d", detector_name(id), c->detect[id].action);
    ck_assert_msg(c->detect[id].threshold == threshold, "%s: threshold %u", detector_name(id), c->detect[id].threshold);
    ck_assert_msg(c->detect[id].per == per, "%s: per %u", detector_name(id), c->detect[id].per);
    ck_assert_msg(c->detect[id].ban_for == 600, "%s: ban_for %u", detector_name(id), c->detect[id].ban_for);
}

/* The thresholds where the settings say nothing; the actions differ in the shipped file. */
static void assert_detectors(const struct config *c, const enum detect_action *action)
{
    static const uint32_t threshold[DETECTORS] = {50000, 1000, 10000, 0, 1500, 0, 0, 2000, 50, 30, 100, 120};
    for (size_t i = 0; i < DETECTORS; i++)
        assert_detector(c, (enum detector_id)i, action[i], threshold[i],
                        i == DETECT_SCAN        ? 60
                        : i == DETECT_SLOW_BODY ? 30
                                                : 0);
}

static void assert_defence_defaults(const struct config *c)
{
    ck_assert_int_eq(c->divert.queue, DIVERT_NEEDED);
    ck_assert_uint_eq(c->divert.log_group, 29);
    ck_assert_uint_eq(c->networks.inside.n, 0);
    ck_assert_uint_eq(c->bans.max, 100000);
    ck_assert_uint_eq(c->bans.ban_for, 600);
    ck_assert_uint_eq(c->bans.prefix6, 128);
    ck_assert_str_eq(c->bans.file, "/var/lib/sluice/bans");
    ck_assert_uint_eq(c->frames.n_arp, 0);
    ck_assert_uint_eq(c->frames.n_ethertypes, 0);
    ck_assert_int_eq(c->frames.others, POLICY_OPEN);
    ck_assert_uint_eq(c->limits.limit_keys, 65536);
    ck_assert_uint_eq(c->limits.collections, 65536);
    ck_assert_uint_eq(c->seclang.n, 0);
    ck_assert(!c->seclang_skips);
}

static void assert_defaults(const struct config *c)
{
    ck_assert_int_eq(c->mode, MODE_ENFORCE);
    ck_assert_int_eq(c->divert.family, FAMILY_AUTO);
    ck_assert_int_eq(c->divert.hook, HOOK_FORWARD);
    ck_assert_int_eq(c->divert.priority, 0);
    ck_assert_int_eq(c->divert.br_netfilter, BR_NETFILTER_SET);
    ck_assert_uint_eq(c->divert.n_ifaces, 0);
    ck_assert_uint_eq(c->divert.exempt.n, 0);
    ck_assert_uint_eq(c->queues.first, 0);
    ck_assert_uint_eq(c->queues.count, 0);
    ck_assert_uint_eq(c->queues.length, 8192);
    ck_assert(!c->queues.pin);
    ck_assert_uint_eq(c->queues.batch, 64);
    ck_assert_uint_eq(c->queues.receive_buffer, 67108864);
    ck_assert_uint_eq(c->marks_mask, 0x7f000000);
    ck_assert_int_eq(c->policies.on_stop, POLICY_OPEN);
    ck_assert_int_eq(c->policies.on_crash, POLICY_OPEN);
    ck_assert_int_eq(c->policies.on_overload, POLICY_OPEN);
    ck_assert_int_eq(c->policies.on_memory, POLICY_CLOSED);
    ck_assert_uint_eq(c->limits.regex_steps, 100000);
    ck_assert_uint_eq(c->limits.answers_per_second, 1000);
    ck_assert_uint_eq(c->limits.events_per_second, 10000);
    ck_assert_uint_eq(c->limits.event_ring, 4096);
    ck_assert_int_eq(c->log.level, 6);
    ck_assert_str_eq(c->events.file, "/var/log/sluice/eve.json");
    ck_assert_uint_eq(c->events.stats_interval, 60);
    ck_assert(!c->events.requests);
    ck_assert(!c->events.conntrack);
    ck_assert_str_eq(c->cache_folder, "/var/cache/sluice");
    ck_assert_str_eq(c->control_socket, "/run/sluice/sluice.sock");
    assert_traffic_defaults(c);
    assert_defence_defaults(c);
    ck_assert_uint_eq(c->rules.n, 1);
    ck_assert_str_eq(c->rules.at[0], "rules/*.conf");
}

START_TEST(defaults)
{
    static const enum detect_action off[DETECTORS] = {DETECT_OFF};
    struct config *c = load_right("divert: { " SERVICES " };");
    assert_defaults(c);
    assert_detectors(c, off);
    ck_assert_str_eq(c->file, file);
    ck_assert_uint_eq(c->divert.n_services, 1);
    ck_assert_int_eq(c->divert.services[0].proto, 6);
    ck_assert_uint_eq(c->divert.services[0].n_ports, 0);
    ck_assert_uint_eq(c->rule_files.n, 0);
    config_free(c);
}
END_TEST

START_TEST(shipped)
{
    static const enum detect_action actions[DETECTORS] = {
        [DETECT_UDP_FLOOD] = DETECT_LOG, [DETECT_ICMP_FLOOD] = DETECT_LOG, [DETECT_MIXED_FLOOD] = DETECT_LOG,
        [DETECT_SMURF] = DETECT_DROP,    [DETECT_BIG_ICMP] = DETECT_LOG,   [DETECT_MARTIAN] = DETECT_DROP,
        [DETECT_SYN_FLOOD] = DETECT_LOG, [DETECT_SLOW_HEAD] = DETECT_LOG,  [DETECT_SLOW_BODY] = DETECT_LOG,
        [DETECT_SLOW_READ] = DETECT_LOG,
    };
    struct config *c = config_load(SOURCE_DIR "/conf/sluice.conf", d);
    diag_print(d, stderr);
    ck_assert_ptr_nonnull(c);
    assert_defaults(c);
    assert_detectors(c, actions);
    ck_assert_uint_eq(c->divert.n_services, 4);
    ck_assert_uint_eq(c->divert.services[0].n_ports, 7);
    ck_assert_uint_eq(c->divert.services[0].ports[6].first, 8000);
    ck_assert_uint_eq(c->divert.services[0].ports[6].last, 8100);
    ck_assert_int_eq(c->divert.services[1].proto, 17);
    ck_assert_int_eq(c->divert.services[2].proto, 1);
    ck_assert_int_eq(c->divert.services[3].proto, 58);
    config_free(c);
}
END_TEST

static const char everything[] =
    "mode = \"monitor\";\n"
    "divert: { family = \"bridge\"; hook = \"input\"; priority = -300; br_netfilter = \"check\";\n"
    "  interfaces = ( { name = \"eth0\"; side = \"outside\"; }, { name = \"a23456789012345\"; side = \"inside\"; } );\n"
    "  services = ( { proto = 47; }, { proto = \"any\"; }, { proto = \"sctp\"; ports = [ \"1-65535\", \"7\" ]; } );\n"
    "  exempt = [ \"192.0.2.0/24\", \"2001:db8::1\", \"0.0.0.0/0\" ]; queue = \"all\"; log_group = 0; };\n"
    "queues: { first = 65534; count = 2; length = 1; pin = true; batch = 256; receive_buffer = 65536; };\n"
    "marks: { mask = 0xfe000000; };\n"
    "policies: { on_stop = \"closed\"; on_crash = \"closed\"; on_overload = \"closed\"; on_memory = \"open\"; };\n"
    "limits: { regex_steps = 100; answers_per_second = 0; events_per_second = 0; event_ring = 16; counted = 16777216; "
    "collections = 16; }; seclang_unknown = \"skip\";\n"
    "streams: { flows = 1; memory = 8589934592L; per_flow = 4096; window = 256; midstream = \"refuse\"; urgent = "
    "\"pass\";\n"
    "  timeouts: { handshake = 1; established = 604800; closing = 2; closed = 3; condemned = 4; }; };\n"
    "http: { ports = ( ); over_limit = \"closed\"; opaque = \"closed\"; answer = \"reset\"; page = \"\";\n"
    "  limits: { head = 1024; headers = 1; body = 0; response_body = 2; args = 3; depth = 4; ratio = 5; pipelined = 6; "
    "}; };\n"
    "networks: { inside = [ \"10.0.0.0/8\", \"2001:db8::1\" ]; };\n"
    "bans: { max = 1000000; ban_for = \"7d\"; prefix6 = 32; file = \"\"; };\n"
    "detect: { udp_flood: { action = \"drop\"; threshold = 1; }; spoofed: { action = \"log\"; };\n"
    "  scan: { action = \"ban\"; threshold = 2; per = \"1h\"; ban_for = \"90s\"; };\n"
    "  slow_body: { action = \"ban\"; threshold = 7; per = 5; }; slow_read: { action = \"off\"; threshold = 3600; }; "
    "};\n"
    "frames: { arp = ( { address = \"10.0.0.1\"; mac = \"02:AB:cd:00:9f:01\"; },\n"
    "    { address = \"223.255.255.255\"; mac = \"fe:ff:ff:ff:ff:ff\"; } );\n"
    "  ethertypes = [ 0x88cc, 0x0600, 65535 ]; others = \"closed\"; };\n"
    "cache: { folder = \"\"; };\n"
    "log: { level = \"error\"; };\n"
    "events: { file = \"\"; stats_interval = 0; requests = true; conntrack = true; };\n"
    "control: { socket = \"\"; };\n"
    "rules = [ ];\n";

START_TEST(every_traffic_setting)
{
    struct config *c = load_right(everything);
    ck_assert_uint_eq(c->streams.flows, 1);
    ck_assert_uint_eq(c->streams.memory, 8589934592u);
    ck_assert_uint_eq(c->streams.per_flow, 4096);
    ck_assert_uint_eq(c->streams.window, 256);
    ck_assert_int_eq(c->streams.midstream, MIDSTREAM_REFUSE);
    ck_assert_int_eq(c->streams.urgent, URGENT_PASS);
    ck_assert_uint_eq(c->streams.handshake, 1);
    ck_assert_uint_eq(c->streams.established, 604800);
    ck_assert_uint_eq(c->streams.closing, 2);
    ck_assert_uint_eq(c->streams.closed, 3);
    ck_assert_uint_eq(c->streams.condemned, 4);
    ck_assert_uint_eq(c->http.n_ports, 0);
    ck_assert_uint_eq(c->http.limits.head, 1024);
    ck_assert_uint_eq(c->http.limits.headers, 1);
    ck_assert_uint_eq(c->http.limits.body, 0);
    ck_assert_uint_eq(c->http.limits.response_body, 2);
    ck_assert_uint_eq(c->http.limits.args, 3);
    ck_assert_uint_eq(c->http.limits.depth, 4);
    ck_assert_uint_eq(c->http.limits.ratio, 5);
    ck_assert_uint_eq(c->http.limits.pipelined, 6);
    ck_assert_int_eq(c->http.over_limit, POLICY_CLOSED);
    ck_assert_int_eq(c->http.opaque, POLICY_CLOSED);
    ck_assert_int_eq(c->http.answer, HTTP_ANSWER_RESET);
    ck_assert_ptr_null(c->http.page);
    ck_assert_ptr_null(c->cache_folder);
    ck_assert(c->events.requests);
    ck_assert(c->events.conntrack);
    config_free(c);
}
END_TEST

START_TEST(every_defence_setting)
{
    static const struct config_arp arp[] = {{{10, 0, 0, 1}, {0x02, 0xab, 0xcd, 0, 0x9f, 1}},
                                            {{223, 255, 255, 255}, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff}}};
    struct config *c = load_right(everything);
    ck_assert_int_eq(c->divert.queue, DIVERT_ALL);
    ck_assert_uint_eq(c->divert.log_group, 0);
    ck_assert_uint_eq(c->limits.limit_keys, 16777216);
    ck_assert_uint_eq(c->limits.collections, 16);
    ck_assert(c->seclang_skips);
    ck_assert_uint_eq(c->networks.inside.n, 2);
    ck_assert_str_eq(c->networks.inside.at[0], "10.0.0.0/8");
    ck_assert_uint_eq(c->bans.max, 1000000);
    ck_assert_uint_eq(c->bans.ban_for, 604800);
    ck_assert_uint_eq(c->bans.prefix6, 32);
    ck_assert_ptr_null(c->bans.file);
    ck_assert_uint_eq(c->frames.n_arp, 2);
    ck_assert_mem_eq(c->frames.arp, arp, sizeof arp);
    ck_assert_uint_eq(c->frames.n_ethertypes, 3);
    ck_assert_uint_eq(c->frames.ethertypes[0], 0x88cc);
    ck_assert_uint_eq(c->frames.ethertypes[1], 0x0600);
    ck_assert_uint_eq(c->frames.ethertypes[2], 0xffff);
    ck_assert_int_eq(c->frames.others, POLICY_CLOSED);
    config_free(c);
}
END_TEST

START_TEST(every_detector_setting)
{
    struct config *c = load_right(everything);
    ck_assert_int_eq(c->detect[DETECT_UDP_FLOOD].action, DETECT_DROP);
    ck_assert_uint_eq(c->detect[DETECT_UDP_FLOOD].threshold, 1);
    ck_assert_int_eq(c->detect[DETECT_ICMP_FLOOD].action, DETECT_OFF);
    ck_assert_int_eq(c->detect[DETECT_SPOOFED].action, DETECT_LOG);
    ck_assert_int_eq(c->detect[DETECT_SCAN].action, DETECT_BAN);
    ck_assert_uint_eq(c->detect[DETECT_SCAN].threshold, 2);
    ck_assert_uint_eq(c->detect[DETECT_SCAN].per, 3600);
    ck_assert_uint_eq(c->detect[DETECT_SCAN].ban_for, 90);
    ck_assert_int_eq(c->detect[DETECT_SLOW_BODY].action, DETECT_BAN);
    ck_assert_uint_eq(c->detect[DETECT_SLOW_BODY].threshold, 7);
    ck_assert_uint_eq(c->detect[DETECT_SLOW_BODY].per, 5);
    ck_assert_uint_eq(c->detect[DETECT_SLOW_BODY].ban_for, 604800); /* bans.ban_for */
    ck_assert_int_eq(c->detect[DETECT_SLOW_READ].action, DETECT_OFF);
    ck_assert_uint_eq(c->detect[DETECT_SLOW_READ].threshold, 3600);
    config_free(c);
}
END_TEST

/* Those whose source can be forged, and only those, take no ban. */
START_TEST(ban_where_the_source_is_sure)
{
    static const bool bans[DETECTORS] = {
        [DETECT_SCAN] = true, [DETECT_SLOW_HEAD] = true, [DETECT_SLOW_BODY] = true, [DETECT_SLOW_READ] = true};
    char text[256], error[256];
    const char *name = detector_name((enum detector_id)_i);
    snprintf(text, sizeof text, MINIMAL "detect: {\n %s: {\n action = \"ban\"; }; };", name);
    if (bans[_i]) {
        config_free(load_right(text));
        return;
    }
    snprintf(error, sizeof error,
             ":4: detect.%s.action is \"ban\", expected off, log or drop (whoever sends this can forge its source, and "
             "a ban would hit somebody else)",
             name);
    assert_wrong(text, error);
}
END_TEST

START_TEST(no_durations)
{
    static const char *const none[] = {"", "s", "d", "1S", "1sm", "s1", "1.5s", "-1", " 1", "4294967296", "49711d"};
    uint32_t seconds = 7;
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        ck_assert_msg(!duration_parse(none[i], strlen(none[i]), &seconds), "%s", none[i]);
    ck_assert(duration_parse("4294967295", 10, &seconds));
    ck_assert_uint_eq(seconds, UINT32_MAX);
    ck_assert(duration_parse("0mm", 2, &seconds));
    ck_assert_uint_eq(seconds, 0);
}
END_TEST

START_TEST(durations)
{
    static const struct {
        const char *text;
        uint32_t seconds;
    } right[] = {{"1", 1},         {"31536000", 31536000}, {"\"90s\"", 90},        {"\"10m\"", 600},
                 {"\"2h\"", 7200}, {"\"7d\"", 604800},     {"\"365d\"", 31536000}, {"\"45\"", 45},
                 {"0x10", 16},     {"\"0000000001s\"", 1}, {"600L", 600}};
    for (size_t i = 0; i < ARRAY_LEN(right); i++) {
        char text[160];
        snprintf(text, sizeof text, MINIMAL "bans: { ban_for = %s; };", right[i].text);
        struct config *c = load_right(text);
        ck_assert_msg(c->bans.ban_for == right[i].seconds, "%s: %u", right[i].text, c->bans.ban_for);
        config_free(c);
    }
}
END_TEST

static void put_page(size_t len, size_t nul_at)
{
    static char page[CONFIG_PAGE_MAX + 2];
    char path[192];
    memset(page, 'p', sizeof page);
    if (nul_at < len)
        page[nul_at] = '\0';
    snprintf(path, sizeof path, "%s/page.html", folder);
    write_file(path, page, len);
}

START_TEST(page)
{
    put_page(CONFIG_PAGE_MAX, SIZE_MAX);
    struct config *c = load_right(MINIMAL "http: { page = \"page.html\"; };");
    ck_assert_uint_eq(strlen(c->http.page), CONFIG_PAGE_MAX);
    config_free(c);
    char path[192], text[512];
    snprintf(path, sizeof path, "%s/100%%.html", folder);
    write_file(path, "100 % <b>{request_id}</b> {request_id} %s", 41);
    snprintf(text, sizeof text, MINIMAL "http: { page = \"%s\"; };", path);
    c = load_right(text);
    ck_assert_str_eq(c->http.page, "100 % <b>{request_id}</b> {request_id} %s");
    config_free(c);
}
END_TEST

START_TEST(wrong_page)
{
    static const char text[] = MINIMAL "http: {\n page = \"page.html\"; };";
    put_page(CONFIG_PAGE_MAX + 1, SIZE_MAX);
    ck_assert_ptr_null(load(text));
    assert_error(0, ":3: http.page \"page.html\" has 8193 bytes, expected at most 8192");
    put_page(100, 99);
    ck_assert_ptr_null(load(text));
    assert_error(1, ":3: http.page \"page.html\" holds a NUL byte, expected text");
    put_page(0, SIZE_MAX);
    ck_assert_ptr_null(load(text));
    assert_error(2, ":3: http.page \"page.html\" is empty, expected text");
    ck_assert_ptr_null(load(MINIMAL "http: { page = \".\"; };"));
    ck_assert(strstr(diag_text(d, 3), "not a regular file"));
    ck_assert_uint_eq(diag_count(d), 4);
}
END_TEST

START_TEST(every_setting)
{
    struct config *c = load_right(everything);
    ck_assert_int_eq(c->mode, MODE_MONITOR);
    ck_assert_int_eq(c->divert.family, FAMILY_BRIDGE);
    ck_assert_int_eq(c->divert.hook, HOOK_INPUT);
    ck_assert_int_eq(c->divert.priority, -300);
    ck_assert_int_eq(c->divert.br_netfilter, BR_NETFILTER_CHECK);
    ck_assert_uint_eq(c->divert.n_ifaces, 2);
    ck_assert_str_eq(c->divert.ifaces[0].name, "eth0");
    ck_assert(c->divert.ifaces[0].outside);
    ck_assert(!c->divert.ifaces[1].outside);
    ck_assert_int_eq(c->divert.services[0].proto, 47);
    ck_assert_int_eq(c->divert.services[1].proto, -1);
    ck_assert_int_eq(c->divert.services[2].proto, 132);
    ck_assert_uint_eq(c->divert.services[2].ports[0].last, 65535);
    ck_assert_uint_eq(c->divert.services[2].ports[1].first, 7);
    ck_assert_uint_eq(c->divert.services[2].ports[1].last, 7);
    ck_assert_uint_eq(c->divert.exempt.n, 3);
    ck_assert_str_eq(c->divert.exempt.at[1], "2001:db8::1");
    ck_assert_uint_eq(c->queues.first, 65534);
    ck_assert_uint_eq(c->queues.count, 2);
    ck_assert_uint_eq(c->queues.length, 1);
    ck_assert(c->queues.pin);
    ck_assert_uint_eq(c->queues.batch, 256);
    ck_assert_uint_eq(c->queues.receive_buffer, 65536);
    ck_assert_uint_eq(c->marks_mask, 0xfe000000);
    ck_assert_int_eq(c->policies.on_stop, POLICY_CLOSED);
    ck_assert_int_eq(c->policies.on_crash, POLICY_CLOSED);
    ck_assert_int_eq(c->policies.on_overload, POLICY_CLOSED);
    ck_assert_int_eq(c->policies.on_memory, POLICY_OPEN);
    ck_assert_uint_eq(c->limits.regex_steps, 100);
    ck_assert_uint_eq(c->limits.answers_per_second, 0);
    ck_assert_uint_eq(c->limits.events_per_second, 0);
    ck_assert_uint_eq(c->limits.event_ring, 16);
    ck_assert_int_eq(c->log.level, 3);
    ck_assert_ptr_null(c->events.file);
    ck_assert_uint_eq(c->events.stats_interval, 0);
    ck_assert_ptr_null(c->control_socket);
    ck_assert_uint_eq(c->rules.n, 0);
    config_free(c);
}
END_TEST

START_TEST(globs)
{
    char path[192];
    put("b.conf");
    put("a.conf");
    put("c.rules");
    struct config *c =
        load_right("divert: { " SERVICES " };\nrules = [ \"c.rules\", \"[ab].conf\", \"a.conf\", \"*.no\" ];");
    ck_assert_uint_eq(c->rules.n, 4);
    ck_assert_uint_eq(c->rule_files.n, 3);
    snprintf(path, sizeof path, "%s/c.rules", folder);
    ck_assert_str_eq(c->rule_files.at[0], path);
    snprintf(path, sizeof path, "%s/a.conf", folder);
    ck_assert_str_eq(c->rule_files.at[1], path);
    snprintf(path, sizeof path, "%s/b.conf", folder);
    ck_assert_str_eq(c->rule_files.at[2], path);
    config_free(c);
}
END_TEST

START_TEST(glob_in_an_odd_folder)
{
    char odd[128], path[192];
    static const char text[] = "divert: { " SERVICES " }; rules = [ \"*.rules\" ];";
    snprintf(odd, sizeof odd, "%s/[x]*", folder);
    ck_assert_int_eq(mkdir(odd, 0700), 0);
    put("[x]*/a.rules");
    snprintf(path, sizeof path, "%s/s.conf", odd);
    write_file(path, text, sizeof text - 1);
    struct config *c = config_load(path, d);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->rule_files.n, 1);
    config_free(c);
}
END_TEST

START_TEST(glob_in_the_working_folder)
{
    put("a.rules");
    struct config *c = load("divert: { " SERVICES " }; rules = [ \"a.rules\" ];");
    config_free(c);
    ck_assert_int_eq(chdir(folder), 0);
    c = config_load("sluice.conf", d);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->rule_files.at[0], "a.rules");
    config_free(c);
}
END_TEST

START_TEST(text_that_looks_wrong_and_is_not)
{
    config_free(load_right(MINIMAL "# 99999999999 @include \"x\"\n// 99999999999\n/* 99999999999 \"\n */\n"
                                   "events: { file = \"/tmp/\\\"99999999999 @include # x\"; };\nlog: { };"));
}
END_TEST

START_TEST(reading_after_errors)
{
    ck_assert_ptr_null(load("mode = 1;"));
    size_t before = diag_count(d);
    /* Errors of others in the same list are not this file's. */
    struct config *c = load(MINIMAL);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(diag_count(d), before);
    config_free(c);
}
END_TEST

START_TEST(names)
{
    ck_assert_str_eq(policy_name(POLICY_OPEN), "open");
    ck_assert_str_eq(policy_name(POLICY_CLOSED), "closed");
    config_free(NULL);
}
END_TEST

START_TEST(nearest)
{
    static const char *const words[] = {"first", "count", "length", NULL};
    ck_assert_str_eq(reader_nearest("frist", words), "first");
    ck_assert_str_eq(reader_nearest("lenght", words), "length");
    ck_assert_str_eq(reader_nearest("counts", words), "count");
    ck_assert_ptr_null(reader_nearest("colour", words));
    ck_assert_ptr_null(reader_nearest("", words));
}
END_TEST

/* Every key of a settings tree has an entry in the manual: .It Ic key, .It Ic group.key or .It Ic group.group.key
 */
static void assert_in_manual(const config_setting_t *s, const char *group, const char *manual)
{
    char entry[160], path[128];
    const char *name = config_setting_name(s);
    if (name) {
        snprintf(path, sizeof path, "%s%s%s", group, *group ? "." : "", name);
        snprintf(entry, sizeof entry, "\n.It Ic %s\n", path);
        ck_assert_msg(strstr(manual, entry) != NULL, "sluice.conf(5) lacks%s", entry);
        group = config_setting_is_group(s) ? path : name;
        if (strncmp(path, "detect.", 7) == 0)
            group = "detect.NAME"; /* the detectors' settings stand there once for all */
    }
    for (int i = 0; config_setting_is_aggregate(s) && i < config_setting_length(s); i++)
        assert_in_manual(config_setting_get_elem(s, (unsigned)i), group, manual);
}

START_TEST(manual_has_every_key)
{
    static char manual[1 << 16];
    struct reader r;
    FILE *f = fopen(SOURCE_DIR "/man/sluice.conf.5", "r");
    ck_assert_ptr_nonnull(f);
    manual[fread(manual, 1, sizeof manual - 1, f)] = '\0';
    fclose(f);
    ck_assert(reader_open(&r, SOURCE_DIR "/conf/sluice.conf", d));
    const config_setting_t *root = reader_root(&r);
    ck_assert_int_eq(config_setting_length(root), 19);
    for (int i = 0; i < config_setting_length(root); i++)
        assert_in_manual(config_setting_get_elem(root, (unsigned)i), "", manual);
    reader_close(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, wrong_setting, 0, ARRAY_LEN(wrong));
    tcase_add_test(t, missing_file);
    tcase_add_test(t, unreadable_file);
    tcase_add_test(t, not_a_file);
    tcase_add_test(t, nul_byte);
    tcase_add_test(t, all_errors_at_once);
    tcase_add_test(t, defaults);
    tcase_add_test(t, shipped);
    tcase_add_test(t, every_setting);
    tcase_add_test(t, every_traffic_setting);
    tcase_add_test(t, every_defence_setting);
    tcase_add_test(t, every_detector_setting);
    tcase_add_loop_test(t, ban_where_the_source_is_sure, 0, DETECTORS);
    tcase_add_test(t, durations);
    tcase_add_test(t, no_durations);
    tcase_add_test(t, page);
    tcase_add_test(t, wrong_page);
    tcase_add_test(t, globs);
    tcase_add_test(t, glob_in_an_odd_folder);
    tcase_add_test(t, glob_in_the_working_folder);
    tcase_add_test(t, text_that_looks_wrong_and_is_not);
    tcase_add_test(t, reading_after_errors);
    tcase_add_test(t, names);
    tcase_add_test(t, nearest);
    tcase_add_test(t, manual_has_every_key);
    suite_add_tcase(s, t);
    return run_suite(s);
}
