/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run_suite.h"
#include "seclang/syntax.h"

/* The reader of SecLang. What is doubtful was asked of libmodsecurity 3.0.9. */

static char folder[64];

static void begin(void)
{
    strcpy(folder, "/tmp/sec_read.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void end(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *put_file(const char *name, const char *text)
{
    static char path[2][128];
    static int turn;
    char *to = path[turn++ % 2];
    snprintf(to, sizeof path[0], "%s/%s", folder, name);
    FILE *f = fopen(to, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
    return to;
}

static struct sec_program *read_with(const char *text, bool skip, struct diag *d)
{
    const char *file = put_file("t.conf", text);
    const struct sec_read_options o = {.skip_unknown = skip};
    return sec_read(&file, 1, &o, d);
}

static struct sec_program *good(const char *text)
{
    struct diag *d = diag_new();
    struct sec_program *p = read_with(text, false, d);
    if (!p)
        diag_print(d, stderr);
    ck_assert_msg(p != NULL, "%s", text);
    ck_assert_uint_eq(p->n_warnings, 0);
    diag_free(d);
    return p;
}

static const struct sec_rule *rule_of(const struct sec_program *p, uint64_t id)
{
    for (unsigned phase = 1; phase < SEC_PHASES; phase++)
        for (uint32_t i = 0; i < p->n[phase]; i++)
            if (p->rules[phase][i]->id == id)
                return p->rules[phase][i];
    ck_abort_msg("no rule %llu", (unsigned long long)id);
}

static bool is(struct span s, const char *text)
{
    return s.len == strlen(text) && (!s.len || !memcmp(s.data, text, s.len));
}

#define IS(s, text) ck_assert_msg(is(s, text), "\"%.*s\" is not \"%s\"", (int)(s).len, (const char *)(s).data, text)

/* A rule as text, for tables. */
static void show_span(FILE *f, struct span s)
{
    fprintf(f, "%.*s", (int)s.len, s.len ? (const char *)s.data : "");
}

static void show_text(FILE *f, const struct sec_text *t)
{
    if (t->constant != (t->n == 0 || (t->n == 1 && t->at[0].var == SEC_VARS)))
        fputs("(constant is wrong)", f);
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->at[i].var == SEC_VARS) {
            show_span(f, t->at[i].literal);
            continue;
        }
        fprintf(f, "<%s", sec_var_name(t->at[i].var));
        if (t->at[i].selector.len)
            fputc('.', f);
        show_span(f, t->at[i].selector);
        fputc('>', f);
    }
}

static void show_target(FILE *f, const struct sec_target *t)
{
    fprintf(f, " %s%s%s", t->count ? "&" : "", t->exclude ? "!" : "", sec_var_name(t->var));
    if (t->select == SEC_BY_NAME)
        fputc(':', f);
    if (t->select == SEC_BY_REGEX)
        fputs(t->regex ? "~" : "(no regex)", f);
    show_span(f, t->selector);
}

static void show_ids(FILE *f, const struct sec_ctl *c)
{
    for (uint32_t i = 0; i < c->n_ids; i++)
        fprintf(f, " %llu-%llu", (unsigned long long)c->ids[i].first, (unsigned long long)c->ids[i].last);
}

static void show_link(FILE *f, const struct sec_rule *r)
{
    static const char how[] = {'=', '+', '-', '!'};
    for (uint32_t i = 0; i < r->n_targets; i++)
        show_target(f, &r->targets[i]);
    fprintf(f, " %sop%u[", r->negated ? "!" : "", r->op);
    show_text(f, &r->argument);
    fputs("]", f);
    for (unsigned i = 0; i < r->n_transforms; i++)
        fprintf(f, " t:%s", transform_name(r->transforms[i]));
    for (uint32_t i = 0; i < r->n_setvars; i++) {
        fprintf(f, " %s.", sec_var_name(r->setvars[i].collection));
        show_text(f, &r->setvars[i].name);
        fputc(how[r->setvars[i].how], f);
        show_text(f, &r->setvars[i].value);
    }
    for (uint32_t i = 0; i < r->n_expires; i++) {
        fprintf(f, " expire %s.", sec_var_name(r->expires[i].collection));
        show_text(f, &r->expires[i].name);
        fputc('=', f);
        show_text(f, &r->expires[i].seconds);
    }
    for (uint32_t i = 0; i < r->n_initcols; i++) {
        fprintf(f, " init %s=", sec_var_name(r->initcols[i].collection));
        show_text(f, &r->initcols[i].key);
    }
    for (uint32_t i = 0; i < r->n_ctls; i++) {
        const struct sec_ctl *c = &r->ctls[i];
        fprintf(f, " ctl%u=%llu", c->what, (unsigned long long)c->value);
        show_ids(f, c);
        if (c->text.len)
            fputc(' ', f);
        show_span(f, c->text);
        if (c->what >= SEC_CTL_REMOVE_TARGET_BY_ID && c->what <= SEC_CTL_REMOVE_TARGET_BY_MSG)
            show_target(f, &c->target);
    }
}

static const char *shown(const struct sec_rule *r)
{
    static char buf[4096];
    FILE *f = fmemopen(buf, sizeof buf, "w");
    for (; r; r = r->next) {
        show_link(f, r);
        if (r->next)
            fputs(" >", f);
    }
    fputc('\0', f);
    fclose(f);
    return buf + (buf[0] == ' ');
}

#define RULE(targets, op, actions) "SecRule " targets " " op " \"id:1,phase:2," actions "\"\n"

static const struct {
    const char *text, *is;
} rules[] = {
    /* targets */
    {RULE("ARGS", "\"@eq 1\"", "pass"), "ARGS op6[1]"},
    {RULE("ARGS|!args:foo|&TX:bar", "\"@eq 1\"", "pass"), "ARGS !ARGS:foo &TX:bar op6[1]"},
    {RULE("\"ARGS | ARGS_NAMES\"", "\"@eq 1\"", "pass"), "ARGS ARGS_NAMES op6[1]"},
    {RULE("XML:/*|XML://@*", "\"@eq 1\"", "pass"), "XML:/* XML://@* op6[1]"},
    {RULE("ARGS:/^a|b$/|TX:x", "\"@eq 1\"", "pass"), "ARGS~/^a|b$/ TX:x op6[1]"},
    {RULE("ARGS:'/a b|c/'|ARGS:'x y'", "\"@eq 1\"", "pass"), "ARGS~/a b|c/ ARGS:x y op6[1]"},
    {RULE("REQUEST_COOKIES:/\\x22?\\x24Version/", "\"@eq 1\"", "pass"), "REQUEST_COOKIES~/\\x22?\\x24Version/ op6[1]"},
    {RULE("ARGS_NAMES|!ARGS_NAMES:/^[\\w]+\\[[\\w\\-]+\\]$/", "\"@eq 1\"", "pass"),
     "ARGS_NAMES !ARGS_NAMES~/^[\\w]+\\[[\\w\\-]+\\]$/ op6[1]"},
    {RULE("MULTIPART_SEMICOLON_MISSING", "\"@eq 1\"", "pass"), "MULTIPART_MISSING_SEMICOLON op6[1]"},
    /* operators */
    {RULE("ARGS", "\"!@RX a\\\"b\"", "pass"), "ARGS !op17[a\\\"b]"},
    {RULE("ARGS", "a.b", "pass"), "ARGS op17[a.b]"},
    {RULE("ARGS", "!a.b", "pass"), "ARGS !op17[a.b]"},
    {RULE("ARGS", "@streq ab", "pass"), "ARGS op19[ab]"},
    {RULE("ARGS", "@detectsqli", "pass"), "ARGS op3[]"},
    {RULE("ARGS", "'@rx a\"b'", "pass"), "ARGS op17[a\"b]"},
    {RULE("ARGS", "\"  @rx  a\"", "pass"), "ARGS op17[ a]"},
    {RULE("ARGS", "\"@within %{tx.a} b %{REMOTE_ADDR}\"", "pass"), "ARGS op25[<TX.a> b <REMOTE_ADDR>]"},
    {RULE("ARGS", "\"@rx \\%{x} 100%\"", "pass"), "ARGS op17[\\%{x} 100%]"},
    {RULE("ARGS", "\"@ipMatchF a\"", "pass"), "ARGS op11[a]"},
    /* transformations */
    {RULE("ARGS", "a", "t:lowercase,t:urlDecodeUni , t:none,t:HtmlEntityDecode,t:utf8toUnicode"),
     "ARGS op17[a] t:html_decode t:utf8_to_unicode_marked"},
    {RULE("ARGS", "a", "t:normalisePath,t:normalizePathWin,t:length,t:removeCommentsChar"),
     "ARGS op17[a] t:normalize_path t:normalize_path_win t:length t:remove_comment_chars"},
    /* setvar and its kin */
    {RULE("ARGS", "a", "setvar:tx.a=+%{tx.b},setvar:'tx.c_%{tx.d}=x, %{ARGS:y}',setvar:!tx.x,setvar:ip.z"),
     "ARGS op17[a] TX.a+<TX.b> TX.c_<TX.d>=x, <ARGS.y> TX.x! IP.z=1"},
    {RULE("ARGS", "a", "setvar:'tx.a=-3',setvar:tx.b=c=d,setvar:'TX:e=it\\'s'"),
     "ARGS op17[a] TX.a-3 TX.b=c=d TX.e=it\\'s"},
    {RULE("ARGS", "a", "expirevar:'ip.a=%{tx.t}',expirevar:ip.b=60,setenv:'x=%{tx.y}',setenv:!z"),
     "ARGS op17[a] ENV.x=<TX.y> ENV.z! expire IP.a=<TX.t> expire IP.b=60"},
    {RULE("ARGS", "a", "initcol:ip=%{REMOTE_ADDR}_%{tx.u},initcol:global=global,setuid:%{ARGS.u},setsid:s"),
     "ARGS op17[a] init IP=<REMOTE_ADDR>_<TX.u> init GLOBAL=global init USER=<ARGS.u> init SESSION=s"},
    /* ctl */
    {RULE("ARGS", "a", "ctl:ruleRemoveById=1-3,ctl:ruleRemoveTargetById=920100;ARGS:x,ctl:ruleEngine=DetectionOnly"),
     "ARGS op17[a] ctl0=0 1-3 ctl3=0 920100-920100 920100 ARGS:x ctl6=2"},
    {RULE("ARGS", "a", "ctl:ruleRemoveTargetByTag=OWASP_CRS;REQUEST_COOKIES:/^a/,ctl:ruleRemoveByTag=a/b"),
     "ARGS op17[a] ctl4=0 OWASP_CRS REQUEST_COOKIES~/^a/ ctl1=0 a/b"},
    {RULE("ARGS", "a", "ctl:requestBodyProcessor=XML,ctl:auditLogParts=+E,ctl:forceRequestBodyVariable=On"),
     "ARGS op17[a] ctl9=4 ctl14=0 +E ctl10=1"},
    /* chains, continuations, CR LF, comments that go on */
    {"# a comment \\\n that goes on\nSecRule ARGS a \\\r\n   \"id:1,\\\n  phase:2,\\\n  chain\"\n  SecRule TX:1 \"@eq "
     "2\"\n",
     "ARGS op17[a] > TX:1 op6[2]"},
    {"SecRule ARGS \"a\\\nb\" \"id:1\"", "ARGS op17[ab]"},
    /* updates hold for rules that come before and after */
    {"SecRuleUpdateTargetById 1-2 \"!ARGS:x|TX:y\"\nSecRule ARGS a \"id:1,chain\"\nSecRule TX b\n",
     "ARGS !ARGS:x TX:y op17[a] > TX op17[b]"},
    {"SecRule ARGS a \"id:1,tag:'abc'\"\nSecRuleUpdateTargetByTag abc !ARGS:x\nSecRuleUpdateTargetByTag Abc !ARGS:y\n",
     "ARGS !ARGS:x op17[a]"},
    {"SecRule ARGS a \"id:1,msg:'a b'\"\nSecRuleUpdateTargetByMsg \"a b\" !ARGS:x\n", "ARGS !ARGS:x op17[a]"},
    {"SecRule ARGS a \"id:1,t:lowercase\"\nSecRuleUpdateActionById 1 \"t:trim,setvar:tx.a=1\"\n",
     "ARGS op17[a] t:lower t:trim TX.a=1"},
    /* defaults hold for rules before them; t:none takes them away */
    {"SecRule ARGS a \"id:1,t:trim,chain\"\nSecRule ARGS b t:none\nSecDefaultAction \"phase:1,pass,t:lowercase\"\n",
     "ARGS op17[a] t:lower t:trim > ARGS op17[b]"},
};

START_TEST(rule)
{
    struct sec_program *p = good(rules[_i].text);
    const char *got = shown(rule_of(p, 1));
    ck_assert_msg(!strcmp(got, rules[_i].is), "%s\ngot:      %s\nexpected: %s", rules[_i].text, got, rules[_i].is);
    sec_program_free(p);
}
END_TEST

/* What stands in a rule of which nothing is left out. */
START_TEST(meta)
{
    struct sec_program *p =
        good("SecAction \"id:7,phase:logging,log,noauditlog,msg:'it\\'s %{tx.a}',logdata:x y,tag:t1,"
             "tag:'t/2',severity:'CRITICAL',ver:'OWASP_CRS/4',rev:2,maturity:'9',accuracy:8,"
             "capture,multiMatch,redirect:'http://h/?a=%{tx.b}',status:301\"\n");
    const struct sec_rule *r = rule_of(p, 7);
    ck_assert(r->unconditional && r->phase == 5 && r->log && !r->audit_log && r->capture && r->multi_match);
    IS(r->message.as_written, "it\\'s %{tx.a}");
    IS(r->log_data.as_written, "x y");
    ck_assert_uint_eq(r->n_tags, 2);
    IS(r->tags[1].as_written, "t/2");
    ck_assert_int_eq(r->severity, 2);
    IS(r->ver, "OWASP_CRS/4");
    IS(r->rev, "2");
    ck_assert(r->maturity == 9 && r->accuracy == 8);
    ck_assert(r->disruptive == SEC_REDIRECT && r->status == 301);
    IS(r->redirect.as_written, "http://h/?a=%{tx.b}");
    ck_assert(sec_tag_matches(r, r->tags[0].as_written) && sec_msg_matches(r, r->message.as_written));
    ck_assert(!sec_tag_matches(r, span_of("T1", 2)) && !sec_tag_matches(r, span_of("t", 1)));
    ck_assert(!sec_msg_matches(r, span_of("", 0)));
    sec_program_free(p);
}
END_TEST

static const struct {
    const char *actions, *defaults;
    enum sec_disruptive how;
    unsigned status;
    bool log;
} disruptives[] = {
    {"deny", NULL, SEC_DENY, 403, true},
    {"deny,status:501,nolog", NULL, SEC_DENY, 501, false},
    {"deny,pass", NULL, SEC_PASS, 0, true},
    {"drop", "deny", SEC_DROP, 403, true},
    {"block", NULL, SEC_PASS, 0, true},
    {"block", "deny,status:406,nolog", SEC_DENY, 406, false},
    {"block,log,status:400", "deny,status:406,nolog", SEC_DENY, 400, true},
    {"t:none", "deny,status:406", SEC_PASS, 406, true}, /* without block the default's action is not taken */
    {"pass", "deny", SEC_PASS, 0, true},
    {"allow", NULL, SEC_ALLOW, 0, true},
    {"allow:phase", NULL, SEC_ALLOW_PHASE, 0, true},
    {"allow:REQUEST", NULL, SEC_ALLOW_REQUEST, 0, true},
    {"redirect:/x", NULL, SEC_REDIRECT, 302, true},
    {"block", "redirect:/x,status:307", SEC_REDIRECT, 307, true},
};

START_TEST(disruptive)
{
    char text[512];
    const char *def = disruptives[_i].defaults;
    snprintf(text, sizeof text, "SecRule ARGS a \"id:1,phase:2,%s\"\nSecDefaultAction \"phase:1,deny\"\n%s%s%s",
             disruptives[_i].actions, def ? "SecDefaultAction \"phase:2," : "", def ? def : "", def ? "\"\n" : "");
    struct sec_program *p = good(text);
    const struct sec_rule *r = rule_of(p, 1);
    ck_assert_msg(r->disruptive == disruptives[_i].how, "%s: %u", text, r->disruptive);
    ck_assert_msg(r->status == disruptives[_i].status, "%s: %u", text, r->status);
    ck_assert_msg(r->log == disruptives[_i].log, "%s", text);
    sec_program_free(p);
}
END_TEST

START_TEST(updated_action)
{
    struct sec_program *p = good("SecRule ARGS a \"id:1,deny,msg:'a',tag:x,severity:2\"\n"
                                 "SecRule ARGS a \"id:2,pass\"\n"
                                 "SecRuleUpdateActionById 1 \"pass,msg:'b',tag:y,severity:3,logdata:d,nolog\"\n"
                                 "SecRuleUpdateActionById 2 \"deny,status:501\"\n");
    const struct sec_rule *r = rule_of(p, 1), *s = rule_of(p, 2);
    ck_assert(r->disruptive == SEC_PASS && r->severity == 3 && !r->log && r->n_tags == 2);
    IS(r->message.as_written, "b");
    IS(r->log_data.as_written, "d");
    ck_assert(s->disruptive == SEC_DENY && s->status == 501);
    sec_program_free(p);
}
END_TEST

START_TEST(removed)
{
    struct sec_program *p = good("SecRuleRemoveById 1 \"3-4\" 6\n"
                                 "SecAction \"id:1\"\nSecAction \"id:2\"\nSecAction \"id:3\"\nSecAction \"id:4\"\n"
                                 "SecAction \"id:5,tag:'a-b'\"\nSecAction \"id:6\"\nSecAction \"id:7,tag:'A-b'\"\n"
                                 "SecAction \"id:8,tag:'a-bc'\"\nSecAction \"id:9,msg:'Hello World'\"\n"
                                 "SecAction \"id:10,msg:'Hello'\"\n"
                                 "SecRuleRemoveByTag a-b\nSecRuleRemoveByMsg Hello World\n");
    static const uint64_t left[] = {2, 7, 8, 10};
    ck_assert_uint_eq(p->n[1], 4);
    ck_assert_uint_eq(p->total, 4);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(p->rules[1][i]->id, left[i]);
        ck_assert_uint_eq(p->rules[1][i]->order, i);
    }
    sec_program_free(p);
}
END_TEST

/* As libmodsecurity 3.0.9 goes on for the same text. */
START_TEST(skips)
{
    struct sec_program *p = good("SecMarker BACK\n"
                                 "SecAction \"id:1,phase:1,skipAfter:BACK\"\n"
                                 "SecAction \"id:2,phase:1\"\n"
                                 "SecAction \"id:3,phase:2,skipAfter:NONE\"\n"
                                 "SecAction \"id:4,phase:2\"\n"
                                 "SecAction \"id:5,phase:3,skipAfter:P\"\n"
                                 "SecAction \"id:6,phase:3\"\n"
                                 "SecMarker \"P\"\n"
                                 "SecAction \"id:7,phase:3\"\n"
                                 "SecRule ARGS a \"id:8,phase:4,chain\"\nSecRule ARGS b skipAfter:END\n"
                                 "SecAction \"id:9,phase:4\"\nSecMarker END\n");
    const struct sec_rule *a = rule_of(p, 1), *b = rule_of(p, 3), *c = rule_of(p, 5), *d = rule_of(p, 8);
    ck_assert_uint_eq(a->skip_to, 2);
    ck_assert(a->skip_on && a->skip_on[2] == 0 && a->skip_on[3] == 0);
    ck_assert_uint_eq(b->skip_to, 2);
    ck_assert(b->skip_on && b->skip_on[3] == 3 && b->skip_on[4] == 2 && b->skip_on[5] == 0);
    ck_assert(c->skip_to == 2 && !c->skip_on);
    ck_assert(d->skip_to == 2 && !d->skip_on);
    ck_assert_uint_eq(rule_of(p, 2)->skip_to, 0);
    sec_program_free(p);
}
END_TEST

START_TEST(skip_counts)
{
    struct sec_program *p =
        good("SecRule ARGS:x \"@eq 1\" \"id:1,phase:1,skip:1\"\nSecMarker M\n"
             "SecRule ARGS:x \"@eq 1\" \"id:2,phase:1\"\n"
             "SecRule ARGS:x \"@eq 1\" \"id:3,phase:1,skip:3\"\n"
             "SecRule ARGS:x \"@eq 1\" \"id:4,phase:1,chain\"\nSecRule ARGS:x \"@eq 1\"\n"
             "SecRule ARGS:x \"@eq 1\" \"id:5,phase:2\"\nSecRule ARGS:x \"@eq 1\" \"id:6,phase:2\"\n"
             "SecRule ARGS:x \"@eq 1\" \"id:7,phase:2,skip:1\"\n"
             "SecRule ARGS:x \"@eq 1\" \"id:8,phase:2\"\nSecRule ARGS:x \"@eq 1\" \"id:9,phase:2\"\n"
             "SecRuleRemoveById 8\n");
    const struct sec_rule *a = rule_of(p, 1), *b = rule_of(p, 3), *c = rule_of(p, 7);
    ck_assert(a->skip_to == 2 && !a->skip_on);
    ck_assert(b->skip_to == 4 && b->skip_on && b->skip_on[2] == 2 && b->skip_on[3] == 0);
    ck_assert(c->skip_to == 3 && !c->skip_on); /* what is removed counts */
    sec_program_free(p);
}
END_TEST

START_TEST(settings)
{
    struct sec_program *p = good(
        "SecRuleEngine DetectionOnly\nsecrequestbodyaccess on\nSecResponseBodyAccess \"On\"\n"
        "SecRequestBodyLimit 13107200\nSecRequestBodyNoFilesLimit 131072\nSecRequestBodyLimitAction ProcessPartial\n"
        "SecResponseBodyLimit 5\nSecResponseBodyLimitAction reject\nSecRequestBodyJsonDepthLimit 512\n"
        "SecArgumentsLimit 1000\nSecPcreMatchLimit 1500\nSecCollectionTimeout 600\nSecArgumentSeparator ;\n"
        "SecCookieFormat 0\nSecResponseBodyMimeType a/b\nSecResponseBodyMimeTypesClear\n"
        "SecResponseBodyMimeType text/plain  Text/HTML\nSecComponentSignature \"A/1\"\n"
        "SecComponentSignature \"OWASP_CRS/4.28.0\"\nSecGeoLookupDb geo.mmdb\n"
        /* what stands in every modsecurity.conf */
        "SecAuditEngine RelevantOnly\nSecAuditLogRelevantStatus \"^(?:5|4(?!04))\"\nSecAuditLogParts ABIJDEFHZ\n"
        "SecAuditLogType Serial\nSecAuditLog /var/log/modsec_audit.log\nSecAuditLogFormat JSON\nSecTmpDir /tmp/\n"
        "SecDataDir /tmp/\nSecDebugLog /opt/debug.log\nSecDebugLogLevel 3\nSecUnicodeMapFile unicode.mapping 20127\n"
        "SecStatusEngine Off\nSecUploadDir /opt/upload/\nSecUploadKeepFiles RelevantOnly\nSecUploadFileMode 0600\n"
        "SecTmpSaveUploadedFiles on\nSecPcreMatchLimitRecursion 1000\nSecRequestBodyInMemoryLimit 131072\n"
        "SecAuditLogStorageDir /opt/audit/\nSecXmlExternalEntity Off\nSecWebAppId \"x\"\n");
    const struct sec_settings *s = &p->settings;
    ck_assert(s->engine == SEC_DETECTION_ONLY && s->request_body && s->response_body);
    ck_assert(s->request_body_limit == 13107200 && s->request_body_no_files_limit == 131072 && !s->request_body_reject);
    ck_assert(s->response_body_limit == 5 && s->response_body_reject && s->json_depth == 512 && s->arguments == 1000);
    ck_assert(s->regex_steps == 1500 && s->collection_timeout == 600 && s->argument_separator == ';');
    ck_assert_uint_eq(s->n_response_mime, 2);
    IS(s->response_mime[1], "text/html");
    IS(s->signature, "OWASP_CRS/4.28.0");
    char geo[128];
    snprintf(geo, sizeof geo, "%s/geo.mmdb", folder);
    IS(s->geo_database, geo);
    sec_program_free(p);
}
END_TEST

/* Text, and what the only error says behind the file's name. */
static const struct {
    const char *text, *error;
} bad[] = {
    {"SecRul ARGS a \"id:1\"", ":1:1: unknown directive \"SecRul\", did you mean \"SecRule\"?"},
    {"\n <IfModule x>", ":2:2: unknown directive \"<IfModule\""},
    {"SecRule", ":1:8: SecRule: expected targets"},
    {"SecRule ARGS \"a", ":1:14: the quote \" is not closed"},
    {"SecRule ARGS:'a b \"c\"", ":1:9: a quote ' is not closed"},
    {"SecRule ARGS a \"id:1\" x", ":1:23: expected nothing behind the actions"},
    {"SecRule ARGS a", ":1:1: the rule needs an id"},
    {"SecRule ARGZ a \"id:1\"", ":1:9: unknown variable \"ARGZ\", did you mean \"ARGS\"?"},
    {"SecRule ARGS|| a \"id:1\"", ":1:14: expected a variable"},
    {"SecRule ARGS|TX:/(/ a \"id:1\"", ":1:19: bad regex in a selector: "},
    {"SecRule REMOTE_ADDR:x a \"id:1\"", ":1:20: REMOTE_ADDR is one value"},
    {"SecRule ARGS: a \"id:1\"", ":1:14: expected a name or a /regex/"},
    {"SecRule ARGS \"@streqq a\" \"id:1\"", ":1:16: unknown operator \"streqq\", did you mean \"streq\"?"},
    {"SecRule ARGS \"!@fuzzyHash a 1\" \"id:1\"", ":1:17: the operator fuzzyHash is not supported"},
    {"SecRule ARGS \"@inspectFile a.lua\" \"id:1\"", ":1:16: the operator inspectFile is not supported"},
    {"SecRule ARGS \"@rx\" \"id:1\"", ":1:18: @rx needs an argument"},
    {"SecRule ARGS \"@detectXSS x\" \"id:1\"", ":1:26: @detectXSS takes no argument"},
    {"SecRule ARGS \"@eq %{TX.a\" \"id:1\"", ":1:19: expected } at the end"},
    {"SecRule ARGS \"@eq %{foo.a}\" \"id:1\"", ":1:21: unknown variable \"foo\""},
    {"SecRule ARGS a \\\n  \"id:1,\\\n  phase:6\"", ":3:9: phase: expected 1 to 5"},
    {"SecAction \"id:x\"", ":1:15: id: expected a number"},
    {"SecAction \"id:0\"", ":1:15: id: expected a number from 1"},
    {"SecAction \"id:99999999999999999999\"", ":1:15: id: expected a number"},
    {"SecAction \"id:1,t:lowercas\"", ":1:19: unknown transformation \"lowercas\", did you mean \"lowercase\"?"},
    {"SecAction \"id:1,denny\"", ":1:17: unknown action \"denny\", did you mean \"deny\"?"},
    {"SecAction \"id:1,exec:/bin/x\"", ":1:17: the action exec is not supported: no program and no Lua"},
    {"SecAction \"id:1,msg:'a\"", ":1:21: the quote ' is not closed"},
    {"SecAction \"id:1,msg:'a'b\"", ":1:24: expected a comma behind the value"},
    {"SecAction \"id:1,,pass\"", ":1:17: expected an action"},
    {"SecAction \"id:1,msg\"", ":1:17: msg needs a value"},
    {"SecAction \"id:1,deny:x\"", ":1:17: deny takes no value"},
    {"SecAction \"id:1,allow:foo\"", ":1:23: allow: expected nothing, phase or request"},
    {"SecAction \"id:1,status:99\"", ":1:24: status: expected 100 to 599"},
    {"SecAction \"id:1,severity:8\"", ":1:26: severity: expected 0 to 7"},
    {"SecAction \"id:1,setvar:foo.a=5\"", ":1:24: unknown collection to write to \"foo\""},
    {"SecAction \"id:1,setvar:tx\"", ":1:24: expected a name behind the collection"},
    {"SecAction \"id:1,setvar:!tx.a=1\"", ":1:30: setvar:!… deletes"},
    {"SecAction \"id:1,expirevar:ip.a\"", ":1:27: expirevar: expected"},
    {"SecAction \"id:1,expirevar:ip.a=x\"", ":1:32: expirevar: expected a number of seconds"},
    {"SecAction \"id:1,initcol:foo=a\"", ":1:25: initcol: expected ip, global or resource"},
    {"SecAction \"id:1,ctl:ruleRemoveByIdd=1\"",
     ":1:21: unknown ctl \"ruleRemoveByIdd\", did you mean \"ruleRemoveById\"?"},
    {"SecAction \"id:1,ctl:ruleRemoveById=3-1\"", ":1:36: \"3-1\" is no rule id"},
    {"SecAction \"id:1,ctl:ruleRemoveTargetById=3\"", ":1:42: expected …;VARIABLE"},
    {"SecAction \"id:1,ctl:ruleRemoveTargetById=3;!ARGS\"", ":1:44: expected a variable without ! or &"},
    {"SecAction \"id:1,ctl:requestBodyProcessor=FOO\"", ":1:42: expected URLENCODED, MULTIPART, JSON or XML"},
    {"SecAction \"id:1,ctl:ruleEngine=Maybe\"", ":1:32: expected On, Off or DetectionOnly"},
    {"SecAction \"id:1,ctl:auditLogParts=+XY\"", ":1:35: auditLogParts"},
    {"SecAction \"id:1,chain\"", ":1:1: a SecAction cannot begin a chain"},
    {"SecRule ARGS a \"id:1,chain\"\nSecAction \"id:2\"",
     ":2:1: expected the next SecRule of the chain that begins at line 1"},
    {"SecRule ARGS a \"id:1,chain\"\n", ":1:1: the chain goes on, but no rule follows"},
    {"SecRule ARGS a \"id:1,chain\"\nSecRule ARGS a \"deny\"", ":2:1: only the first rule of a chain"},
    {"SecRule ARGS a \"id:1\"\nSecAction \"id:1\"", ":2:1: rule id 1 is taken already, in "},
    {"SecDefaultAction \"phase:1,log\"", ":1:1: SecDefaultAction needs a disruptive action"},
    {"SecDefaultAction \"phase:1,block\"", ":1:1: SecDefaultAction needs a disruptive action"},
    {"SecDefaultAction \"phase:1,pass\"\nSecDefaultAction \"phase:1,pass\"",
     ":2:1: phase 1 has a SecDefaultAction already"},
    {"SecDefaultAction \"phase:1,pass,t:none\"", ":1:34: t:none cannot stand in SecDefaultAction"},
    {"SecDefaultAction \"phase:1,pass,chain\"", ":1:32: the action chain cannot stand in SecDefaultAction"},
    {"SecRuleUpdateActionById 1 \"phase:2\"", ":1:28: the action phase cannot stand in SecRuleUpdateActionById"},
    {"SecRuleUpdateActionById 1:1 \"pass\"", ":1:25: \"1:1\" is no rule id"},
    {"SecRuleUpdateTargetById 1", ":1:26: expected which rules, and their targets"},
    {"SecRuleUpdateTargetById 1 !ARGS:x ARGS", ":1:35: expected nothing more"},
    {"SecRuleRemoveById", ":1:18: expected a rule id"},
    {"SecRuleRemoveById a", ":1:19: \"a\" is no rule id"},
    {"SecRuleRemoveByTag", ":1:19: expected a text"},
    {"SecRuleEngine Maybe", ":1:15: expected On, Off or DetectionOnly"},
    {"SecRequestBodyAccess", ":1:21: SecRequestBodyAccess needs a value"},
    {"SecRequestBodyLimit 1x", ":1:21: expected a number"},
    {"SecArgumentsLimit 4294967296", ":1:19: expected a number up to 4294967295"},
    {"SecArgumentSeparator ab", ":1:22: expected one character"},
    {"SecCookieFormat 1", ":1:17: expected 0"},
    {"SecHashEngine On", ":1:1: the directive SecHashEngine is not supported: only Off"},
    {"SecRuleScript a.lua \"id:1\"", ":1:1: the directive SecRuleScript is not supported: no Lua"},
    {"SecUnicodeMapFile a", ":1:19: expected a file and the number"},
    {"SecMarker", ":1:10: SecMarker: expected a name"},
    {"Include nowhere.conf", ":1:9: Include: there is no file "},
    {"Include t.conf", ":1:9: "},
};

START_TEST(error)
{
    struct diag *d = diag_new();
    char expected[512];
    snprintf(expected, sizeof expected, "%s/t.conf%s", folder, bad[_i].error);
    struct sec_program *p = read_with(bad[_i].text, false, d);
    ck_assert_msg(!p, "%s", bad[_i].text);
    const char *got = diag_text(d, 0);
    ck_assert_msg(diag_count(d) == 1, "%s: %zu errors: %s; %s", bad[_i].text, diag_count(d), got, diag_text(d, 1));
    ck_assert_msg(!strncmp(got, expected, strlen(expected)), "%s\ngot:      %s\nexpected: %s", bad[_i].text, got,
                  expected);
    diag_free(d);
}
END_TEST

START_TEST(all_errors_at_once)
{
    struct diag *d = diag_new();
    ck_assert_ptr_null(read_with("Foo\nSecRule ARGZ \"@foo x\" \"id:1,t:foo,bar\"\nSecRuleEngine x\n", false, d));
    ck_assert_uint_eq(diag_count(d), 6);
    diag_free(d);
}
END_TEST

START_TEST(skip_unknown)
{
    struct diag *d = diag_new();
    struct sec_program *p = read_with("Foo bar\n"
                                      "SecRule ARGZ a \"id:1\"\n"
                                      "SecRule ARGS \"@foo a\" \"id:2,chain\"\n"
                                      "SecRule ARGS b \"chain\"\n"
                                      "SecRule ARGS c\n"
                                      "SecRule ARGS d \"id:3,chain\"\n"
                                      "SecRule ARGS e \"t:foo\"\n"
                                      "SecRule ARGS f \"id:4,exec:x\"\n"
                                      "SecRule ARGS g \"id:5,chain\"\nSecRule ARGS h\n",
                                      true, d);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(diag_count(d), 0);
    ck_assert_uint_eq(p->total, 1);
    ck_assert_uint_eq(p->n[1], 1);
    ck_assert_uint_eq(p->rules[1][0]->id, 5);
    ck_assert_ptr_nonnull(p->rules[1][0]->next);
    ck_assert_uint_eq(p->n_warnings, 5);
    char expected[128];
    snprintf(expected, sizeof expected, "%s/t.conf:7: unknown transformation \"foo\"", folder);
    IS(p->warnings[3], expected);
    sec_program_free(p);
    diag_free(d);
}
END_TEST

/* rbl stands in CRS 3.3: its chain is left out, with a word. */
START_TEST(rbl)
{
    struct diag *d = diag_new();
    struct sec_program *p = read_with("SecRule ARGS a \"id:1,chain\"\nSecRule REMOTE_ADDR \"@rbl x.org\" \"chain\"\n"
                                      "SecRule ARGS b\nSecAction \"id:2\"\n",
                                      false, d);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(p->total, 1);
    ck_assert_uint_eq(p->n_warnings, 1);
    sec_program_free(p);
    diag_free(d);
}
END_TEST

START_TEST(includes)
{
    char path[128];
    snprintf(path, sizeof path, "%s/sub", folder);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    put_file("sub/b.conf", "SecAction \"id:2\"\nInclude ../c.conf\n");
    put_file("sub/a.conf", "SecAction \"id:1\"\n");
    put_file("c.conf", "SecAction \"id:3\"\n");
    struct sec_program *p = good("Include sub/*.conf\nIncludeOptional none/*.conf\nSecAction \"id:4\"\n");
    ck_assert_uint_eq(p->n[1], 4);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_eq(p->rules[1][i]->id, i + 1);
    snprintf(path, sizeof path, "%s/sub/b.conf", folder);
    ck_assert_str_eq(p->rules[1][1]->file, path);
    ck_assert_int_eq(p->rules[1][3]->line, 3);
    sec_program_free(p);
    /* An error after an included file still has its own line. */
    struct diag *d = diag_new();
    put_file("c.conf", "\n\nInclude t.conf\n");
    ck_assert_ptr_null(read_with("Include c.conf\nFoo\n", false, d));
    ck_assert_uint_eq(diag_count(d), 2);
    ck_assert_ptr_nonnull(strstr(diag_text(d, 0), "/c.conf:3:9: "));
    ck_assert_ptr_nonnull(strstr(diag_text(d, 0), "includes itself"));
    ck_assert_ptr_nonnull(strstr(diag_text(d, 1), "/t.conf:2:1: unknown directive"));
    diag_free(d);
}
END_TEST

START_TEST(missing_file)
{
    const char *file = "/nowhere/x.conf";
    struct diag *d = diag_new();
    ck_assert_ptr_null(sec_read(&file, 1, NULL, d));
    ck_assert_str_eq(diag_text(d, 0), "/nowhere/x.conf: cannot be opened");
    diag_free(d);
}
END_TEST

static struct sec_program *read_all(const char *first, const char *pattern, const char *root)
{
    char path[512];
    glob_t g;
    snprintf(path, sizeof path, "%s/%s", root, first);
    ck_assert_int_eq(glob(path, 0, NULL, &g), 0);
    snprintf(path, sizeof path, "%s/%s", root, pattern);
    ck_assert_int_eq(glob(path, GLOB_APPEND, NULL, &g), 0);
    struct diag *d = diag_new();
    struct sec_program *p = sec_read((const char *const *)g.gl_pathv, g.gl_pathc, NULL, d);
    if (!p)
        diag_print(d, stderr);
    ck_assert_ptr_nonnull(p);
    diag_free(d);
    globfree(&g);
    return p;
}

static unsigned links(const struct sec_program *p)
{
    unsigned n = 0;
    for (unsigned phase = 1; phase < SEC_PHASES; phase++)
        for (uint32_t i = 0; i < p->n[phase]; i++)
            for (const struct sec_rule *r = p->rules[phase][i]; r; r = r->next)
                n++;
    return n;
}

static void check_counts(const struct sec_program *p, const char *signature, const uint32_t n[SEC_PHASES])
{
    IS(p->settings.signature, signature);
    for (unsigned phase = 1; phase < SEC_PHASES; phase++) {
        ck_assert_uint_eq(p->n[phase], n[phase]);
        for (uint32_t i = 0; i < p->n[phase]; i++)
            ck_assert(!p->rules[phase][i]->skip_on); /* each marker of CRS stands behind its skips */
    }
}

#ifdef SLUICE_CRS
/* The numbers are libmodsecurity's (its dump, less the markers in each phase) and of a count of joined lines. */
START_TEST(crs4)
{
    static const uint32_t n[SEC_PHASES] = {0, 177, 292, 43, 109, 13};
    struct sec_program *p = read_all("tests.conf", "rules/*.conf", SLUICE_CRS);
    check_counts(p, "OWASP_CRS/4.28.0", n);
    ck_assert_uint_eq(p->total, 634);
    ck_assert_uint_eq(links(p), 707);
    ck_assert_uint_eq(p->n_warnings, 0);
    sec_program_free(p);
}
END_TEST
#endif

/* Debian's modsecurity-crs; of libmodsecurity's rules the one with rbl is left out. */
START_TEST(crs3)
{
    static const uint32_t n[SEC_PHASES] = {0, 147, 389 - 1, 24, 58, 16};
    struct sec_program *p =
        read_all("etc/modsecurity/crs/crs-setup.conf", "usr/share/modsecurity-crs/rules/*.conf", "");
    check_counts(p, "OWASP_CRS/3.3.4", n);
    ck_assert_uint_eq(p->total, 634 - 1);
    ck_assert_uint_eq(links(p), 800 - 2);
    ck_assert_uint_eq(p->n_warnings, 1);
    sec_program_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sec_read");
    TCase *t = tcase_create("read");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_loop_test(t, rule, 0, ARRAY_LEN(rules));
    tcase_add_test(t, meta);
    tcase_add_loop_test(t, disruptive, 0, ARRAY_LEN(disruptives));
    tcase_add_test(t, updated_action);
    tcase_add_test(t, removed);
    tcase_add_test(t, skips);
    tcase_add_test(t, skip_counts);
    tcase_add_test(t, settings);
    tcase_add_loop_test(t, error, 0, ARRAY_LEN(bad));
    tcase_add_test(t, all_errors_at_once);
    tcase_add_test(t, skip_unknown);
    tcase_add_test(t, rbl);
    tcase_add_test(t, includes);
    tcase_add_test(t, missing_file);
#ifdef SLUICE_CRS
    tcase_add_test(t, crs4);
#endif
    tcase_add_test(t, crs3);
    suite_add_tcase(s, t);
    return run_suite(s);
}
