/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sluicectl, run against a control socket whose answers the test gives. */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/control.h"
#include "run_suite.h"

static char folder[64], path[96];

static void set_up(void)
{
    strcpy(folder, "/tmp/check_sluicectl.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
}

static void tear_down(void)
{
    ck_assert_int_eq(rmdir(folder), 0);
}

/* What the program said, both its outputs as one, and its exit status. */
static struct said {
    char text[16384];
    int status;
} said;

/* Tells of the request that came; else answers with the text. */
static char *answer(const struct control_request *q, void *context)
{
    char *text = NULL, addr[IP_ADDR_TEXT_MAX];
    if (context)
        return strdup(context);
    if (asprintf(&text, "{\"command\":%d,\"addr\":\"%s/%u\",\"seconds\":%u,\"all\":%s}\n", (int)q->command,
                 ip_addr_format(&q->net.addr, addr), q->net.prefix, q->seconds, q->all ? "true" : "false") < 0)
        return NULL;
    return text;
}

/* Runs "sluicectl -s PATH args", answering it once. */
static const char *ctl(const char *args, const char *gives)
{
    char command[512], why[128];
    struct control *c = NULL;
    ck_assert_int_eq(control_open(path, &c, why, sizeof why), 0);
    snprintf(command, sizeof command, "%s -s %s %s 2>&1", SLUICECTL, path, args);
    FILE *out = popen(command, "r");
    ck_assert_ptr_nonnull(out);
    struct pollfd p[] = {{.fd = control_fd(c), .events = POLLIN}, {.fd = fileno(out), .events = POLLIN}};
    ck_assert_int_gt(poll(p, 2, 10000), 0);
    if (p[0].revents)
        control_serve(c, answer, (void *)(uintptr_t)gives);
    said.text[fread(said.text, 1, sizeof said.text - 1, out)] = '\0';
    int status = pclose(out);
    ck_assert(WIFEXITED(status));
    said.status = WEXITSTATUS(status);
    control_close(c);
    return said.text;
}

START_TEST(arguments_arrive)
{
    ck_assert_str_eq(ctl("--json ban 192.0.2.1", NULL),
                     "{\"command\":4,\"addr\":\"192.0.2.1/32\",\"seconds\":0,\"all\":false}\n");
    ck_assert_str_eq(ctl("-j ban 2001:db8::1/64 2h", NULL),
                     "{\"command\":4,\"addr\":\"2001:db8::/64\",\"seconds\":7200,\"all\":false}\n");
    ck_assert_str_eq(ctl("-j unban all", NULL), "{\"command\":5,\"addr\":\"/0\",\"seconds\":0,\"all\":true}\n");
    ck_assert_ptr_nonnull(strstr(ctl("stats", NULL), "\"command\":1,"));
    ck_assert_int_eq(said.status, 0);
}
END_TEST

/* What would say more than a word, or is no command, never reaches the daemon. */
START_TEST(wrong_calls)
{
    static const char *const wrong[] = {"",
                                        "nonsense",
                                        "stats x",
                                        "ban",
                                        "ban 192.0.2.1 10 x",
                                        "unban",
                                        "bans all",
                                        "-j -t stats",
                                        "-x",
                                        "ban '1 2'",
                                        "ban ''",
                                        "unban 'all\nban 192.0.2.1'"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        ctl(wrong[i], "{\"asked\":true}\n");
        ck_assert_msg(said.status == 2, "%s: %d", wrong[i], said.status);
        ck_assert_msg(!strstr(said.text, "asked"), "%s", wrong[i]);
    }
}
END_TEST

START_TEST(errors)
{
    ck_assert_str_eq(ctl("ban 192.0.2.1", "{\"error\":\"no\\u001b[31mroom\\\\\"}\n"),
                     "sluicectl: no\\x1b[31mroom\\x5c\n");
    ck_assert_int_eq(said.status, 1);
    ck_assert_str_eq(ctl("ban 192.0.2.300", "{\"ok\":true}\n"),
                     "sluicectl: no address, expected one as 192.0.2.1 or 2001:db8::1, or for IPv6 a network as "
                     "2001:db8::/64\n");
    ck_assert_int_eq(said.status, 1);
    ck_assert_str_eq(ctl("-j bans", "{\"error\":\"x\"}\n"), "{\"error\":\"x\"}\n");
    ck_assert_int_eq(said.status, 1);
    ck_assert_str_eq(ctl("reload", "{\"ok\":false,\"errors\":[\"a\"]}\n"), "{\"ok\":false,\"errors\":[\"a\"]}\n");
    ck_assert_int_eq(said.status, 1);
    ck_assert_str_eq(ctl("ban 192.0.2.1", "{\"ok\":true}\n"), "");
    ck_assert_int_eq(said.status, 0);
}
END_TEST

START_TEST(strange_answers)
{
    static char deep[5000];
    static const char *const strange[] = {"", "[]", "{\"a\":", "{} {}", "\"a\"", "\xff", deep};
    /* JSON all right, and deeper than an answer is. */
    size_t half = sizeof deep / 2 - 8;
    memcpy(deep, "{\"a\":", 5);
    memset(deep + 5, '[', half);
    memset(deep + 5 + half, ']', half);
    deep[5 + 2 * half] = '}';
    for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
        ck_assert_ptr_eq(strstr(ctl("-t stats", strange[i]), "sluicectl: "), said.text);
        ck_assert_msg(said.status == 1, "%s: %d", strange[i], said.status);
    }
    ck_assert_str_eq(ctl("bans", "{\"bans\":1}"),
                     "sluicectl: the answer of sluiced is not what was asked for; is it of another version?\n");
    ck_assert_int_eq(said.status, 1);
}
END_TEST

START_TEST(bans)
{
    ck_assert_str_eq(ctl("bans", "{\"bans\":[],\"total\":0}\n"), "");
    ck_assert_str_eq(ctl("bans", "{\"bans\":[{\"address\":\"192.0.2.1\",\"seconds\":599,\"reason\":\"rule 100030\"},"
                                 "{\"address\":\"2001:db8::\",\"seconds\":604799,\"reason\":\"a\\u0007\\u009bb\"},"
                                 "{\"address\":\"1.2.3.4\",\"seconds\":7260},{\"seconds\":-5}],\"total\":70000,"
                                 "\"cut\":true}\n"),
                     "ADDRESS                                  ENDS IN   REASON\n"
                     "192.0.2.1                                9m59s     rule 100030\n"
                     "2001:db8::                               6d23h     a\\x07\\xc2\\x9bb\n"
                     "1.2.3.4                                  2h1m      -\n"
                     "-                                        0s        -\n"
                     "4 of 70000\n");
    ck_assert_int_eq(said.status, 0);
}
END_TEST

START_TEST(diversion)
{
    ck_assert_str_eq(ctl("diversion", "{\"diversion\":\"table a {\\n\\u001bx \\\\ }\"}\n"), "table a {\n\\x1bx \\ }\n");
    ck_assert_int_eq(said.status, 0);
}
END_TEST

START_TEST(tree)
{
    ck_assert_str_eq(ctl("-t stats", "{\"uptime\":5,\"kernel\":{\"queued\":12,\"banned\":0,\"rules\":{\"100030\":7},"
                                     "\"detect\":{}},\"queues\":[{\"n\":1.5,\"pin\":true},2],\"x\\u000a\":null}\n"),
                     "uptime  5\n"
                     "kernel\n"
                     "  queued  12\n"
                     "  banned  0\n"
                     "  rules\n"
                     "    100030  7\n"
                     "  detect\n"
                     "queues\n"
                     "  -\n"
                     "    n    1.5\n"
                     "    pin  yes\n"
                     "  - 2\n"
                     "x\\x0a      -\n");
    ck_assert_int_eq(said.status, 0);
}
END_TEST

/* A control character that JSON need not escape does not reach a terminal either. */
START_TEST(json_is_escaped)
{
    ck_assert_str_eq(ctl("rules", "{\"a\":\"\x7f\xc2\x9b\xc3\xa9\"}\n"), "{\"a\":\"\\u007f\\u009b\xc3\xa9\"}\n");
}
END_TEST

START_TEST(nobody_there)
{
    char command[256];
    snprintf(command, sizeof command, "%s -s %s stats 2>&1", SLUICECTL, path);
    FILE *out = popen(command, "r");
    said.text[fread(said.text, 1, sizeof said.text - 1, out)] = '\0';
    ck_assert_int_eq(WEXITSTATUS(pclose(out)), 1);
    ck_assert_ptr_nonnull(strstr(said.text, "No such file or directory"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sluicectl");
    TCase *t = tcase_create("sluicectl");
    tcase_set_timeout(t, 30);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, arguments_arrive);
    tcase_add_test(t, wrong_calls);
    tcase_add_test(t, errors);
    tcase_add_test(t, strange_answers);
    tcase_add_test(t, bans);
    tcase_add_test(t, diversion);
    tcase_add_test(t, tree);
    tcase_add_test(t, json_is_escaped);
    tcase_add_test(t, nobody_there);
    suite_add_tcase(s, t);
    return run_suite(s);
}
