/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/read_internal.h"

/* A rule's operator: "@name argument", "!@name …", or a regex without a name. */

enum { NEEDS_ARGUMENT, NO_ARGUMENT };

static const struct {
    const char *name;
    enum sec_op op;
    int argument;
} operators[] = {
    {"beginsWith", SEC_OP_BEGINS_WITH, NEEDS_ARGUMENT},
    {"contains", SEC_OP_CONTAINS, NEEDS_ARGUMENT},
    {"containsWord", SEC_OP_CONTAINS_WORD, NEEDS_ARGUMENT},
    {"detectSQLi", SEC_OP_DETECT_SQLI, NO_ARGUMENT},
    {"detectXSS", SEC_OP_DETECT_XSS, NO_ARGUMENT},
    {"endsWith", SEC_OP_ENDS_WITH, NEEDS_ARGUMENT},
    {"eq", SEC_OP_EQ, NEEDS_ARGUMENT},
    {"ge", SEC_OP_GE, NEEDS_ARGUMENT},
    {"geoLookup", SEC_OP_GEO_LOOKUP, NO_ARGUMENT},
    {"gt", SEC_OP_GT, NEEDS_ARGUMENT},
    {"ipMatch", SEC_OP_IP_MATCH, NEEDS_ARGUMENT},
    {"ipMatchF", SEC_OP_IP_MATCH_FILE, NEEDS_ARGUMENT},
    {"ipMatchFromFile", SEC_OP_IP_MATCH_FILE, NEEDS_ARGUMENT},
    {"le", SEC_OP_LE, NEEDS_ARGUMENT},
    {"lt", SEC_OP_LT, NEEDS_ARGUMENT},
    {"noMatch", SEC_OP_NO_MATCH, NO_ARGUMENT},
    {"pm", SEC_OP_PM, NEEDS_ARGUMENT},
    {"pmf", SEC_OP_PM_FILE, NEEDS_ARGUMENT},
    {"pmFromFile", SEC_OP_PM_FILE, NEEDS_ARGUMENT},
    {"rx", SEC_OP_RX, NEEDS_ARGUMENT},
    {"rxGlobal", SEC_OP_RX_GLOBAL, NEEDS_ARGUMENT},
    {"streq", SEC_OP_STR_EQ, NEEDS_ARGUMENT},
    {"strmatch", SEC_OP_STR_MATCH, NEEDS_ARGUMENT},
    {"unconditionalMatch", SEC_OP_UNCONDITIONAL, NO_ARGUMENT},
    {"validateByteRange", SEC_OP_VALIDATE_BYTE_RANGE, NEEDS_ARGUMENT},
    {"validateUrlEncoding", SEC_OP_VALIDATE_URL_ENCODING, NO_ARGUMENT},
    {"validateUtf8Encoding", SEC_OP_VALIDATE_UTF8, NO_ARGUMENT},
    {"within", SEC_OP_WITHIN, NEEDS_ARGUMENT},
};

static const struct {
    const char *name, *why;
} refused[] = {
    {"inspectFile", "no program is run and no file is written for a request"},
    {"fuzzyHash", "ssdeep is not built in"},
    {"gsbLookup", "Google's Safe Browsing tables are not read"},
    {"rsub", "what passes is not changed"},
    {"validateDTD", "XML is not checked against a DTD"},
    {"validateSchema", "XML is not checked against a schema"},
    {"validateHash", "links are not signed"},
    {"verifyCC", "card numbers are not checked"},
    {"verifyCPF", "CPF numbers are not checked"},
    {"verifySSN", "social security numbers are not checked"},
    {"verifySVNR", "social insurance numbers are not checked"},
};

static void unknown(struct sec_reader *r, struct span name)
{
    const char *names[ARRAY_LEN(operators) + 1] = {NULL};
    if (sec_same(name, "rbl")) { /* stands in CRS 3.3, which must load */
        sec_left_out(r, "operator", name, "a packet cannot wait for an answer of DNS; its rule is left out");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        if (sec_same(name, refused[i].name)) {
            sec_refused(r, "operator", name, refused[i].why);
            return;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(operators); i++)
        names[i] = operators[i].name;
    sec_unknown(r, "operator", name, names);
}

static bool argument(struct sec_reader *r, struct span s, int needs, const char *name, struct sec_rule *rule)
{
    if (needs == NO_ARGUMENT && sec_trim(s).len) {
        sec_error(r, sec_chars(sec_trim(s)), "@%s takes no argument", name);
        return false;
    }
    if (needs == NEEDS_ARGUMENT && !s.len) {
        sec_error(r, sec_chars(s), "@%s needs an argument", name);
        return false;
    }
    struct sec_place at = sec_place_of(r, sec_chars(s));
    rule->argument_line = at.line;
    rule->argument_column = at.col;
    return sec_text_read(r, s, &rule->argument);
}

bool sec_operator_read(struct sec_reader *r, const struct sec_word *w, struct sec_rule *rule)
{
    struct span s = w->text;
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t'))
        s = span_of(s.data + 1, s.len - 1);
    rule->negated = s.len && s.data[0] == '!';
    if (rule->negated)
        s = span_of(s.data + 1, s.len - 1);
    if (!s.len || s.data[0] != '@') {
        rule->op = SEC_OP_RX;
        return argument(r, s, NEEDS_ARGUMENT, "rx", rule);
    }
    size_t n = 1;
    while (n < s.len && s.data[n] != ' ' && s.data[n] != '\t')
        n++;
    struct span name = span_of(s.data + 1, n - 1);
    for (size_t i = 0; i < ARRAY_LEN(operators); i++) {
        if (!sec_same(name, operators[i].name))
            continue;
        rule->op = (uint8_t)operators[i].op;
        /* One space is between; more of them are the argument's, as in ModSecurity. */
        struct span rest = span_of(s.data + n + (n < s.len), s.len - n - (n < s.len));
        return argument(r, rest, operators[i].argument, operators[i].name, rule);
    }
    unknown(r, name);
    return false;
}
