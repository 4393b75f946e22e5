/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "divert/divert.h"
#include "divert/link.h"
#include "divert/marks.h"
#include "netns.h"
#include "run_suite.h"

/* Marks. */
static const uint32_t masks[] = {0x7f, 0x7f000000, 0xfe000000, 0x3f80, 0xffffffff, 0x00ff0000, 0xfff0};

START_TEST(marks_round_trip)
{
    for (size_t m = 0; m < ARRAY_LEN(masks); m++) {
        uint32_t mask = masks[m];
        for (enum mark_code code = MARK_CODE_NONE; code <= MARK_CODE_QUIET; code++) {
            uint32_t bits = mark_of_code(mask, code);
            ck_assert_uint_eq(bits & ~mask, 0);
            ck_assert_uint_eq(bits & ~mark_code_mask(mask), 0);
            ck_assert_int_eq(mark_code(mask, bits), code);
            ck_assert_int_eq(mark_code(mask, bits | ~mask | mark_ct_mask(mask)), code);
            ck_assert_int_eq(mark_ct_state(mask, bits | ~mask), CT_NONE);
        }
        ck_assert_uint_eq(mark_code_mask(mask) & mark_ct_mask(mask), 0);
        ck_assert_uint_eq((mark_code_mask(mask) | mark_ct_mask(mask)) & ~mask, 0);
    }
}
END_TEST

START_TEST(marks_conntrack)
{
    for (size_t m = 0; m < ARRAY_LEN(masks); m++) {
        uint32_t mask = masks[m];
        for (enum ct_state s = CT_NONE; s <= CT_UNTRACKED; s++) {
            bool directed = s == CT_NEW || s == CT_ESTABLISHED || s == CT_RELATED;
            for (enum ct_direction d = CT_DIR_ORIGINAL; d <= CT_DIR_REPLY; d++) {
                uint32_t mark = mark_of_ct(mask, s, d);
                ck_assert_uint_eq(mark & ~mark_ct_mask(mask), 0);
                mark |= ~mask | mark_code_mask(mask);
                ck_assert_int_eq(mark_ct_state(mask, mark), s);
                ck_assert_int_eq(mark_ct_direction(mask, mark), directed ? d : CT_DIR_NONE);
            }
        }
        for (uint32_t impossible = 6; impossible <= 7; impossible++) {
            uint32_t mark = impossible << (mark_shift(mask) + 3);
            ck_assert_int_eq(mark_ct_state(mask, mark), CT_NONE);
            ck_assert_int_eq(mark_ct_direction(mask, mark), CT_DIR_NONE);
        }
    }
}
END_TEST

START_TEST(way_names)
{
    for (enum queue_way w = QUEUE_NATIVE_SYMHASH; w <= QUEUE_WAY_NONE; w++)
        ck_assert_ptr_nonnull(queue_way_name(w));
    ck_assert_ptr_nonnull(strstr(queue_way_name(QUEUE_XT_SYMHASH), "symhash"));
    ck_assert_ptr_nonnull(strstr(queue_way_name(QUEUE_XT_RANGE), "addresses only"));
}
END_TEST

/* The kernel, in a namespace. */
static char file[64];
static struct config *config;
static struct plan plan; /* all of the services */
static struct divert dv;
static char said[256], why[512];

static void set_up(void)
{
    netns_enter();
    strcpy(file, "/tmp/check_divert.XXXXXX");
    int fd = mkstemp(file);
    ck_assert_int_ge(fd, 0);
    close(fd);
    config = NULL;
}

static void tear_down(void)
{
    divert_close(&dv);
    plan_free(&plan);
    config_free(config);
    ck_assert_int_eq(unlink(file), 0);
}

/* Loads what stands inside divert: { } and behind it. */
static void load(const char *divert, const char *rest)
{
    FILE *f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "divert: { %s };\nrules = [ ];\n%s\n", divert, rest);
    fclose(f);
    struct diag *d = diag_new();
    config_free(config);
    config = config_load(file, d);
    diag_print(d, stderr);
    ck_assert_ptr_nonnull(config);
    diag_free(d);
    plan_free(&plan);
    ck_assert_int_eq(plan_all(config, &plan), 0);
}

static void probe(uint16_t queues)
{
    divert_close(&dv);
    ck_assert_msg(divert_probe(config, queues, &dv, said, sizeof said, why, sizeof why) == 0, "%s", why);
}

static void install(const char *divert, const char *rest, uint16_t queues)
{
    load(divert, rest);
    probe(queues);
    ck_assert_msg(divert_install(&dv, config, &plan, DIVERT_QUEUE, why, sizeof why) == 0, "%s", why);
}

static void change(enum divert_state state)
{
    ck_assert_msg(divert_change(&dv, config, &plan, state, why, sizeof why) == 0, "%s", why);
}

#define TCP_22 "hook = \"output\"; services = ( { proto = \"tcp\"; ports = [ 22 ]; } );"

static const char *ruleset(void)
{
    return netns_run("nft -j list ruleset 2>/dev/null");
}

static bool has(const char *text)
{
    return strstr(ruleset(), text) != NULL;
}

/* The elements of a set of ours as nft shows them in JSON, "" where it has none. */
/* A changed table names its sets after the change. */
static const char *elements(const char *set)
{
    static char command[256];
    snprintf(command, sizeof command,
             "nft -j list set inet sluice $(nft list sets | grep -oE '\\b%s(_[0-9]+)?\\b') 2>/dev/null", set);
    char *at = strstr((char *)(uintptr_t)netns_run(command), "\"elem\": ");
    if (!at)
        return "";
    at += strlen("\"elem\": ");
    at[strcspn(at, "\n")] = '\0';
    size_t len = strlen(at);
    ck_assert(len > 4 && strcmp(at + len - 4, "}}]}") == 0);
    at[len - 4] = '\0';
    return at;
}

START_TEST(probe_finds_a_way)
{
    load(TCP_22, "");
    probe(3);
    ck_assert_int_ne(dv.way, QUEUE_WAY_NONE);
    ck_assert(!dv.bridge_family && !dv.bridged && !dv.own_answers);
    ck_assert_int_eq(dv.hook, HOOK_OUTPUT);
    ck_assert_uint_eq(dv.queues, 3);
    ck_assert_uint_eq(dv.mark_mask, 0x7f000000);
    ck_assert(dv.bypass);
    ck_assert_msg(strstr(said, "family inet") && strstr(said, queue_way_name(dv.way)), "%s", said);
    ck_assert_msg(!strstr(said, ", no "), "%s", said); /* both kernels of the lab have all of it */
    ck_assert(!has("\"table\""));                      /* it leaves nothing */
}
END_TEST

START_TEST(probe_bridge_family)
{
    load("family = \"bridge\"; services = ( { proto = \"tcp\"; } );", "");
    int err = divert_probe(config, 1, &dv, said, sizeof said, why, sizeof why);
    if (err == 0) {
        ck_assert(dv.bridge_family && dv.bridged && dv.own_answers);
        ck_assert_ptr_nonnull(strstr(said, "family bridge"));
    } else {
        ck_assert_int_eq(err, -EOPNOTSUPP);
        ck_assert_ptr_nonnull(strstr(why, "bridge family"));
    }
    ck_assert(!has("\"table\""));
}
END_TEST

START_TEST(probe_interfaces)
{
    load("interfaces = ( { name = \"nowhere0\"; side = \"inside\"; } ); services = ( { proto = \"tcp\"; } );", "");
    ck_assert_int_eq(divert_probe(config, 1, &dv, said, sizeof said, why, sizeof why), -ENODEV);
    ck_assert_str_eq(why, "interface \"nowhere0\": no such interface");
    netns_run("ip link add br7 type bridge && ip link add p1 type veth peer name p2 && ip link set p1 master br7");
    load("interfaces = ( { name = \"p1\"; side = \"inside\"; } ); services = ( { proto = \"tcp\"; } );", "");
    probe(1);
    ck_assert(dv.bridged && dv.own_answers);
    load("interfaces = ( { name = \"p2\"; side = \"inside\"; } ); services = ( { proto = \"tcp\"; } );", "");
    probe(1);
    ck_assert(!dv.bridged && !dv.own_answers);
    load("interfaces = ( { name = \"p1\"; side = \"inside\"; }, { name = \"p2\"; side = \"outside\"; } );"
         "services = ( { proto = \"tcp\"; } );",
         "");
    ck_assert_int_eq(divert_probe(config, 1, &dv, said, sizeof said, why, sizeof why), -EINVAL);
    ck_assert_ptr_nonnull(strstr(why, "all or none"));
}
END_TEST

START_TEST(links)
{
    struct link l;
    ck_assert_int_eq(link_read("lo", &l), 0);
    ck_assert_uint_eq(l.index, if_nametoindex("lo"));
    ck_assert(!l.bridge_port);
    ck_assert_int_eq(link_read("nowhere0", &l), -ENODEV);
    netns_run("ip link add br7 type bridge && ip link add p1 type veth peer name p2 && ip link set p1 master br7");
    ck_assert_int_eq(link_read("p1", &l), 0);
    ck_assert(l.bridge_port);
    ck_assert_str_eq(l.bridge, "br7");
    ck_assert_int_eq(link_read("p2", &l), 0);
    ck_assert(!l.bridge_port);
}
END_TEST

START_TEST(install_and_remove)
{
    uint64_t n = 99;
    install(TCP_22, "", 1);
    ck_assert(has("\"chain\": {\"family\": \"inet\", \"table\": \"sluice\", \"name\": \"divert\""));
    ck_assert(has("\"hook\": \"output\", \"prio\": 0"));
    ck_assert(has("\"hook\": \"output\", \"prio\": 1"));
    ck_assert_str_eq(elements("ports0"), "[22]");
    ck_assert_int_eq(divert_queued(&dv, &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(divert_remove(&dv, why, sizeof why), 0);
    ck_assert(!has("\"table\""));
    ck_assert_int_eq(divert_remove(&dv, why, sizeof why), 0); /* none is no error */
    ck_assert(!has("\"table\""));
    ck_assert_int_lt(divert_queued(&dv, &n), 0);
}
END_TEST

START_TEST(hooks_and_priority)
{
    static const char *const hooks[] = {"forward", "input", "output"};
    for (size_t i = 0; i < 3; i++) {
        char text[128], expected[64];
        snprintf(text, sizeof text, "hook = \"%s\"; priority = -5; services = ( { proto = \"tcp\"; } );", hooks[i]);
        install(text, "", 2);
        snprintf(expected, sizeof expected, "\"hook\": \"%s\", \"prio\": -5", hooks[i]);
        ck_assert(has(expected));
        snprintf(expected, sizeof expected, "\"hook\": \"%s\", \"prio\": -4", hooks[i]);
        ck_assert(has(expected));
    }
}
END_TEST

/* Both of a host's directions, so that a connection is seen whole. */
START_TEST(hook_host)
{
    install("hook = \"host\"; services = ( { proto = \"tcp\"; } );", "", 2);
    ck_assert(has("\"name\": \"divert\""));
    ck_assert(has("\"name\": \"divert_out\""));
    ck_assert(has("\"hook\": \"input\", \"prio\": 0"));
    ck_assert(has("\"hook\": \"input\", \"prio\": 1"));
    ck_assert(has("\"hook\": \"output\", \"prio\": 0"));
    ck_assert(has("\"hook\": \"output\", \"prio\": 1"));
}
END_TEST

START_TEST(port_intervals)
{
    install("hook = \"output\"; services = ("
            "{ proto = \"tcp\"; ports = ( 65535 ); },"
            "{ proto = \"tcp\"; ports = ( \"60000-65535\" ); },"
            "{ proto = \"tcp\"; ports = ( \"1-65535\" ); },"
            "{ proto = \"udp\"; ports = ( \"80-90\", \"85-100\", 443, 101, 53, 53, \"440-442\" ); },"
            "{ proto = \"icmp\"; },"
            "{ proto = \"sctp\"; ports = ( 1, \"65534-65535\" ); },"
            "{ proto = \"any\"; } );",
            "", 1);
    ck_assert_str_eq(elements("ports0"), "[{\"range\": [1, 65535]}]");
    ck_assert(!has("ports1") && !has("ports2")); /* of one kind: one set */
    ck_assert_str_eq(elements("ports3"), "[53, {\"range\": [80, 101]}, {\"range\": [440, 443]}]");
    ck_assert(!has("ports4"));
    ck_assert_str_eq(elements("ports5"), "[1, {\"range\": [65534, 65535]}]");
    ck_assert(!has("ports6"));
}
END_TEST

/* More elements than go into one message. */
START_TEST(many_ports)
{
    static char text[32768], shown[65536];
    size_t n = 0, m = 0;
    n += (size_t)snprintf(text + n, sizeof text - n, "hook = \"output\"; services = ( { proto = \"udp\"; ports = [ 1");
    m += (size_t)snprintf(shown + m, sizeof shown - m, "[1");
    for (int i = 1; i < 1000; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, ", %d", 1 + 3 * i);
        m += (size_t)snprintf(shown + m, sizeof shown - m, ", %d", 1 + 3 * i);
    }
    snprintf(text + n, sizeof text - n, " ]; } );");
    snprintf(shown + m, sizeof shown - m, "]");
    install(text, "", 1);
    ck_assert_str_eq(elements("ports0"), shown);
}
END_TEST

START_TEST(exempt_intervals)
{
    install("hook = \"output\"; services = ( { proto = \"tcp\"; } );"
            "exempt = [ \"192.0.2.1\", \"10.0.0.0/8\", \"192.0.2.0/31\", \"255.255.255.255\", \"10.1.2.0/24\","
            "\"2001:db8::/32\", \"2001:db8:1::5\", \"::1\", \"fe80::/10\", \"ff00::/8\" ];",
            "", 1);
    ck_assert_str_eq(elements("exempt4"), "[{\"prefix\": {\"addr\": \"10.0.0.0\", \"len\": 8}}, "
                                          "{\"prefix\": {\"addr\": \"192.0.2.0\", \"len\": 31}}, "
                                          "\"255.255.255.255\"]");
    ck_assert_str_eq(elements("exempt6"), "[\"::1\", "
                                          "{\"prefix\": {\"addr\": \"2001:db8::\", \"len\": 32}}, "
                                          "{\"prefix\": {\"addr\": \"fe80::\", \"len\": 10}}, "
                                          "{\"prefix\": {\"addr\": \"ff00::\", \"len\": 8}}]");
    load("hook = \"output\"; services = ( { proto = \"tcp\"; } ); exempt = [ \"0.0.0.0/0\" ];", "");
    change(DIVERT_QUEUE);
    ck_assert_ptr_nonnull(strstr(elements("exempt4"), "0.0.0.0"));
    ck_assert_str_eq(elements("exempt6"), "");
}
END_TEST

START_TEST(interface_set)
{
    netns_run("ip link add v1 type veth peer name v2");
    install("interfaces = ( { name = \"v1\"; side = \"inside\"; }, { name = \"v2\"; side = \"outside\"; } );"
            "services = ( { proto = \"tcp\"; } );",
            "", 1);
    const char *set = elements("interfaces");
    ck_assert_msg(strstr(set, "\"v1\"") && strstr(set, "\"v2\""), "%s", set);
}
END_TEST

/* In inet the kernel names the bridge, not its ports; and only once. */
START_TEST(interface_set_of_ports)
{
    netns_run("ip link add br7 type bridge; ip link add v1 type veth peer name v2;"
              "ip link set v1 master br7; ip link set v2 master br7");
    install("family = \"inet\"; interfaces = ( { name = \"v1\"; side = \"inside\"; }, { name = \"v2\"; side = "
            "\"outside\"; } ); services = ( { proto = \"tcp\"; } );",
            "", 1);
    ck_assert_str_eq(elements("interfaces"), "[\"br7\"]");
}
END_TEST

START_TEST(change_replaces_sets)
{
    install(TCP_22, "", 2);
    load("hook = \"output\"; services = ( { proto = \"icmp\"; }, { proto = \"udp\"; ports = [ 53 ]; },"
         "{ proto = \"tcp\"; ports = [ 80 ]; } ); exempt = [ \"192.0.2.7\" ];",
         "");
    change(DIVERT_QUEUE);
    ck_assert(!has("ports0"));
    ck_assert_str_eq(elements("ports1"), "[53]");
    ck_assert_str_eq(elements("ports2"), "[80]");
    ck_assert_str_eq(elements("exempt4"), "[\"192.0.2.7\"]");
    load(TCP_22, "");
    change(DIVERT_QUEUE);
    ck_assert_str_eq(elements("ports0"), "[22]");
    ck_assert(!has("ports1") && !has("ports2"));
    ck_assert_str_eq(elements("exempt4"), "");
    for (int i = 0; i < 20; i++)
        change(i % 3 == 0 ? DIVERT_PASS : i % 3 == 1 ? DIVERT_BLOCK : DIVERT_QUEUE);
    ck_assert_str_eq(elements("ports0"), "[22]");
}
END_TEST

/* A change to what is not there is refused, says where, and changes nothing. */
START_TEST(change_without_table)
{
    load(TCP_22, "");
    probe(1);
    ck_assert_int_eq(divert_change(&dv, config, &plan, DIVERT_QUEUE, why, sizeof why), -ENOENT);
    ck_assert_ptr_nonnull(strstr(why, "nftables: "));
    ck_assert(!has("\"table\""));
}
END_TEST

static size_t occurrences(const char *text, const char *of)
{
    size_t n = 0;
    for (; (text = strstr(text, of)); text += strlen(of))
        n++;
    return n;
}

/* The rules of the chain "up": to a queue, or a drop; and none lead there where all passes. */
START_TEST(states)
{
    install(TCP_22, "", 1);
    const char *up = "nft list chain inet sluice up 2>/dev/null";
    ck_assert_ptr_nonnull(strstr(netns_run(up), "counter name \"queued\""));
    ck_assert_ptr_null(strstr(netns_run(up), "drop"));
    ck_assert_ptr_nonnull(strstr(netns_run("nft list chain inet sluice divert"), "goto guard"));
    change(DIVERT_BLOCK);
    ck_assert_ptr_nonnull(strstr(netns_run(up), "drop"));
    ck_assert_ptr_null(strstr(netns_run(up), "queued"));
    ck_assert_ptr_nonnull(strstr(netns_run("nft list chain inet sluice divert"), "goto guard"));
    change(DIVERT_PASS);
    ck_assert_ptr_null(strstr(netns_run("nft list chain inet sluice divert"), "goto guard"));
    change(DIVERT_QUEUE);
    ck_assert_ptr_null(strstr(netns_run(up), "drop"));
    ck_assert_uint_eq(occurrences(netns_run(up), "counter name"), 1);
}
END_TEST

/* The way that was found and the lesser one of its kind, with one queue and with several. */
START_TEST(ways)
{
    load(TCP_22, "");
    for (uint16_t queues = 1; queues <= 4; queues++) {
        probe(queues);
        enum queue_way best = dv.way;
        for (enum queue_way w = best; w < QUEUE_WAY_NONE; w++) {
            if ((w >= QUEUE_XT_SYMHASH) != (best >= QUEUE_XT_SYMHASH))
                break;
            dv.way = w;
            ck_assert_msg(divert_install(&dv, config, &plan, DIVERT_QUEUE, why, sizeof why) == 0, "%s: %s",
                          queue_way_name(w), why);
            change(DIVERT_QUEUE);
        }
    }
}
END_TEST

#define OTHERS                                                                                                         \
    "nft 'add table inet other; add chain inet other c { type filter hook output priority -7; };"                      \
    "add rule inet other c tcp dport 9 drop; add table ip sluice_too; add table ip sluice;"                            \
    "add set ip sluice s { type ipv4_addr; elements = { 192.0.2.1 }; }'"

START_TEST(other_tables_stay)
{
    static char before[65536], after[65536];
    netns_run(OTHERS);
    snprintf(before, sizeof before, "%s", netns_run("nft list ruleset"));
    install(TCP_22, "", 1);
    change(DIVERT_BLOCK);
    ck_assert_int_eq(divert_remove(&dv, why, sizeof why), 0);
    snprintf(after, sizeof after, "%s", netns_run("nft list ruleset"));
    ck_assert_str_eq(after, before);
}
END_TEST

/* What a killed daemon left, or anybody's table of our name, goes as a whole. */
START_TEST(stale_table_is_replaced)
{
    netns_run("nft 'add table inet sluice; add chain inet sluice divert { type filter hook input priority 99; };"
              "add chain inet sluice mine; add rule inet sluice mine drop; add rule inet sluice divert jump mine;"
              "add set inet sluice ports0 { type ipv4_addr; }; add counter inet sluice queued { packets 5 bytes 9 }'");
    install(TCP_22, "", 1);
    ck_assert(!has("\"mine\""));
    ck_assert(!has("\"prio\": 99"));
    ck_assert_str_eq(elements("ports0"), "[22]");
    uint64_t n = 1;
    ck_assert_int_eq(divert_queued(&dv, &n), 0);
    ck_assert_uint_eq(n, 0);
    install(TCP_22, "", 4);
    install(TCP_22, "", 2);
    ck_assert_uint_eq(occurrences(netns_run("nft list tables"), "sluice"), 1);
}
END_TEST

START_TEST(same_shape)
{
    static const struct {
        const char *divert, *rest, *differs;
    } changes[] = {
        {"hook = \"input\"; services = ( { proto = \"tcp\"; } );", "", "divert.hook"},
        {"hook = \"output\"; priority = 3; services = ( { proto = \"tcp\"; } );", "", "divert.priority"},
        {TCP_22, "queues: { first = 9; };", "queues.first"},
        {TCP_22, "queues: { count = 3; };", "queues.count"},
        {TCP_22, "marks: { mask = 0x7f; };", "marks.mask"},
        {"family = \"bridge\"; " TCP_22, "", "divert.family"},
    };
    install(TCP_22, "", 2);
    load("hook = \"output\"; services = ( { proto = \"udp\"; } ); exempt = [ \"192.0.2.1\" ];",
         "queues: { count = 2; length = 5; };");
    ck_assert_int_eq(divert_same_shape(&dv, config, why, sizeof why), 0);
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        load(changes[i].divert, changes[i].rest);
        ck_assert_int_eq(divert_same_shape(&dv, config, why, sizeof why), -EINVAL);
        ck_assert_msg(strncmp(why, changes[i].differs, strlen(changes[i].differs)) == 0, "%s", why);
    }
    load("hook = \"output\"; interfaces = ( { name = \"gone0\"; side = \"inside\"; } );"
         "services = ( { proto = \"tcp\"; } );",
         "");
    ck_assert_int_eq(divert_same_shape(&dv, config, why, sizeof why), -ENODEV);
    ck_assert_ptr_nonnull(strstr(why, "gone0"));
}
END_TEST

START_TEST(not_root)
{
    load(TCP_22, "");
    ck_assert_int_eq(seteuid(65534), 0);
    int err = divert_probe(config, 1, &dv, said, sizeof said, why, sizeof why);
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(err, -EPERM);
    ck_assert_msg(strstr(why, "root or CAP_NET_ADMIN"), "%s", why);
}
END_TEST

/* Nothing to do where no bridged traffic goes through inet. */
START_TEST(br_netfilter_not_needed)
{
    load(TCP_22, "");
    probe(1);
    strcpy(said, "x");
    ck_assert_int_eq(divert_br_netfilter(&dv, config, said, sizeof said, why, sizeof why), 0);
    ck_assert_str_eq(said, "");
}
END_TEST

static bool switch_is(const char *name, char value)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/sys/net/bridge/%s", name);
    FILE *f = fopen(path, "r");
    int c = f ? fgetc(f) : EOF;
    if (f)
        fclose(f);
    return c == value;
}

START_TEST(br_netfilter_switches)
{
    if (access("/proc/sys/net/bridge", F_OK) != 0) {
        printf("skipped: br_netfilter is not loaded\n");
        return;
    }
    static const char *const names[] = {"bridge-nf-call-iptables", "bridge-nf-call-ip6tables",
                                        "bridge-nf-filter-vlan-tagged"};
    /* A new namespace's switches are its own. */
    netns_run("for s in call-iptables call-ip6tables filter-vlan-tagged; do"
              " echo 0 > /proc/sys/net/bridge/bridge-nf-$s; done");
    netns_run("ip link add br7 type bridge; ip link add v1 type veth peer name v2; ip link set v1 master br7");
    load("family = \"inet\"; br_netfilter = \"check\"; interfaces = ( { name = \"v1\"; side = \"inside\"; } );"
         "services = ( { proto = \"tcp\"; } );",
         "");
    probe(1);
    ck_assert_int_eq(divert_br_netfilter(&dv, config, said, sizeof said, why, sizeof why), -EINVAL);
    ck_assert_msg(strstr(why, "net.bridge.bridge-nf-call-iptables is 0"), "%s", why);
    config->divert.br_netfilter = BR_NETFILTER_SET;
    ck_assert_msg(divert_br_netfilter(&dv, config, said, sizeof said, why, sizeof why) == 0, "%s", why);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(switch_is(names[i], '1'));
        ck_assert_ptr_nonnull(strstr(said, names[i]));
    }
    config->divert.br_netfilter = BR_NETFILTER_CHECK;
    ck_assert_int_eq(divert_br_netfilter(&dv, config, said, sizeof said, why, sizeof why), 0);
    ck_assert_str_eq(said, "");
}
END_TEST

static TCase *kernel_tests(void)
{
    TCase *t = tcase_create("kernel");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, probe_finds_a_way);
    tcase_add_test(t, probe_bridge_family);
    tcase_add_test(t, probe_interfaces);
    tcase_add_test(t, links);
    tcase_add_test(t, install_and_remove);
    tcase_add_test(t, hooks_and_priority);
    tcase_add_test(t, hook_host);
    tcase_add_test(t, port_intervals);
    tcase_add_test(t, many_ports);
    tcase_add_test(t, exempt_intervals);
    tcase_add_test(t, interface_set);
    tcase_add_test(t, interface_set_of_ports);
    tcase_add_test(t, change_replaces_sets);
    tcase_add_test(t, change_without_table);
    tcase_add_test(t, states);
    tcase_add_test(t, ways);
    tcase_add_test(t, other_tables_stay);
    tcase_add_test(t, stale_table_is_replaced);
    tcase_add_test(t, same_shape);
    tcase_add_test(t, not_root);
    tcase_add_test(t, br_netfilter_not_needed);
    tcase_add_test(t, br_netfilter_switches);
    return t;
}

int main(void)
{
    Suite *s = suite_create("divert");
    TCase *t = tcase_create("marks");
    tcase_add_test(t, marks_round_trip);
    tcase_add_test(t, marks_conntrack);
    tcase_add_test(t, way_names);
    suite_add_tcase(s, t);
    if (netns_possible())
        suite_add_tcase(s, kernel_tests());
    return run_suite(s);
}
