/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators: made, asked, given to the gate. */
#include "seclang/operators.h"

#include "match/injection.h"
#include "seclang/operators_internal.h"

/* What the argument is, and whether macros in it mean anything. */
enum argument { NONE, TEXT, NUMBER, REGEX, OWN };

static const struct {
    const char *name;
    enum argument argument;
} table[SEC_OPS] = {
    [SEC_OP_BEGINS_WITH] = {"beginsWith", TEXT},
    [SEC_OP_CONTAINS] = {"contains", TEXT},
    [SEC_OP_CONTAINS_WORD] = {"containsWord", TEXT},
    [SEC_OP_DETECT_SQLI] = {"detectSQLi", NONE},
    [SEC_OP_DETECT_XSS] = {"detectXSS", NONE},
    [SEC_OP_ENDS_WITH] = {"endsWith", TEXT},
    [SEC_OP_EQ] = {"eq", NUMBER},
    [SEC_OP_GE] = {"ge", NUMBER},
    [SEC_OP_GEO_LOOKUP] = {"geoLookup", NONE},
    [SEC_OP_GT] = {"gt", NUMBER},
    [SEC_OP_IP_MATCH] = {"ipMatch", OWN},
    [SEC_OP_IP_MATCH_FILE] = {"ipMatchFromFile", OWN},
    [SEC_OP_LE] = {"le", NUMBER},
    [SEC_OP_LT] = {"lt", NUMBER},
    [SEC_OP_NO_MATCH] = {"noMatch", NONE},
    [SEC_OP_PM] = {"pm", OWN},
    [SEC_OP_PM_FILE] = {"pmFromFile", OWN},
    [SEC_OP_RX] = {"rx", REGEX},
    [SEC_OP_RX_GLOBAL] = {"rxGlobal", REGEX},
    [SEC_OP_STR_EQ] = {"streq", TEXT},
    [SEC_OP_STR_MATCH] = {"strmatch", TEXT},
    [SEC_OP_UNCONDITIONAL] = {"unconditionalMatch", NONE},
    [SEC_OP_VALIDATE_BYTE_RANGE] = {"validateByteRange", OWN},
    [SEC_OP_VALIDATE_URL_ENCODING] = {"validateUrlEncoding", NONE},
    [SEC_OP_VALIDATE_UTF8] = {"validateUtf8Encoding", NONE},
    [SEC_OP_WITHIN] = {"within", TEXT},
};

static bool load_number(struct sec_operator *o, char *why, size_t size)
{
    bool any;
    o->number = sec_integer(o->argument, &any);
    if (o->op == SEC_OP_EQ)
        o->number = sec_int(o->argument);
    if (!any)
        snprintf(why, size, "@%s of \"%.*s\", expected an integer", table[o->op].name,
                 (int)(o->argument.len < 60 ? o->argument.len : 60), (const char *)o->argument.data);
    return any;
}

static bool load_geo(struct sec_operator *o, const char *database, char *why, size_t size)
{
    if (!database) {
        snprintf(why, size, "@geoLookup without a database, expected SecGeoLookupDb before it");
        return false;
    }
    o->geo = sec_geo_open(database, why, size);
    return o->geo;
}

static bool load_own(struct sec_operator *o, const struct sec_operator_options *opt, char *why, size_t size)
{
    switch (o->op) {
    case SEC_OP_PM:
        return sec_load_words(o, why, size);
    case SEC_OP_PM_FILE:
        return sec_load_word_file(o, opt->folder, why, size);
    case SEC_OP_IP_MATCH:
        return sec_load_addresses(o, why, size);
    case SEC_OP_IP_MATCH_FILE:
        return sec_load_address_file(o, opt->folder, why, size);
    default:
        return sec_load_byte_range(o, why, size);
    }
}

static bool load(struct sec_operator *o, const struct sec_operator_options *opt, char *why, size_t size)
{
    switch (table[o->op].argument) {
    case OWN:
        if (o->constant)
            return load_own(o, opt, why, size);
        snprintf(why, size, "@%s takes no macros, expected its argument as it is", table[o->op].name);
        return false;
    case NUMBER:
        return !o->constant || load_number(o, why, size);
    case REGEX:
        return !o->constant || sec_load_regex(o, why, size);
    default:
        break;
    }
    if (o->op == SEC_OP_GEO_LOOKUP)
        return load_geo(o, opt->geo_database, why, size);
    if (o->op == SEC_OP_DETECT_SQLI || o->op == SEC_OP_DETECT_XSS)
        return !detect_open(why, size);
    return true;
}

struct sec_operator *sec_operator_new(enum sec_op op, const struct sec_text *argument,
                                      const struct sec_operator_options *opt, char *why, size_t size)
{
    struct sec_operator *o = calloc(1, sizeof *o);
    snprintf(why, size, "out of memory");
    if (!o)
        return NULL;
    o->op = (uint8_t)op;
    o->constant = argument->constant;
    o->addresses.type = SET_ADDRESS;
    char *copy = arena_copy(&o->arena, argument->as_written.data, argument->as_written.len);
    o->argument = span_of(copy, argument->as_written.len);
    if (!copy || !load(o, opt, why, size)) {
        sec_operator_free(o);
        return NULL;
    }
    return o;
}

void sec_operator_free(struct sec_operator *o)
{
    if (!o)
        return;
    regex_free(o->regex);
    words_free(o->words);
    set_free(&o->addresses);
    sec_geo_close(o->geo);
    arena_free(&o->arena);
    free(o);
}

struct sec_operator_memory *sec_operator_memory_new(uint32_t regex_steps)
{
    struct sec_operator_memory *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->regex = regex_memory_new(regex_steps);
    if (!m->regex) {
        free(m);
        return NULL;
    }
    return m;
}

void sec_operator_memory_free(struct sec_operator_memory *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < MACRO_REGEXES; i++) {
        regex_free(m->macros[i].regex);
        free(m->macros[i].pattern);
    }
    regex_memory_free(m->regex);
    free(m);
}

static int match_words(const struct sec_operator *o, struct span value, struct sec_match *ret)
{
    struct words_match found;
    if (!words_find(o->words, value, &found))
        return 0;
    sec_capture(ret, 0, found.text);
    return sec_matched(ret, found.start, found.end);
}

static int match_sqli(struct span value, struct sec_match *ret)
{
    if (!detect_sqli(value, ret->fingerprint))
        return 0;
    sec_capture(ret, 0, span_of(ret->fingerprint, strnlen(ret->fingerprint, sizeof ret->fingerprint)));
    return sec_matched(ret, 0, value.len);
}

static int match_xss(struct span value, struct sec_match *ret)
{
    if (!detect_xss(value))
        return 0;
    sec_capture(ret, 0, value);
    return sec_matched(ret, 0, value.len);
}

/* The reference reads a value up to its first zero byte. */
static bool read_address(struct span value, struct ip_addr *ret)
{
    char text[IP_ADDR_TEXT_MAX];
    size_t len = value.len ? strnlen((const char *)value.data, value.len) : 0;
    if (!len || len >= sizeof text)
        return false;
    memcpy(text, value.data, len);
    text[len] = '\0';
    return ip_addr_parse(text, ret);
}

static int match_address(const struct sec_operator *o, struct span value, struct sec_match *ret)
{
    struct ip_addr a;
    if (!read_address(value, &a) || !set_has_addr(&o->addresses, &a))
        return 0;
    return sec_matched(ret, 0, value.len);
}

static int match_geo(const struct sec_operator *o, struct sec_operator_memory *m, struct span value,
                     struct sec_match *ret)
{
    struct ip_addr a;
    if (!read_address(value, &a) || !sec_geo_find(o->geo, &a, &m->place))
        return 0;
    return sec_matched(ret, 0, value.len);
}

static bool compare(enum sec_op op, int64_t value, int64_t with)
{
    switch (op) {
    case SEC_OP_EQ:
        return value == with;
    case SEC_OP_GE:
        return value >= with;
    case SEC_OP_GT:
        return value > with;
    case SEC_OP_LE:
        return value <= with;
    default:
        return value < with;
    }
}

static int match_number(const struct sec_operator *o, struct span value, struct span argument, struct sec_match *ret)
{
    bool eq = o->op == SEC_OP_EQ;
    int64_t with = o->constant ? o->number : eq ? sec_int(argument) : sec_integer(argument, NULL);
    if (!compare(o->op, eq ? sec_int(value) : sec_integer(value, NULL), with))
        return 0;
    return sec_matched(ret, 0, value.len);
}

int sec_operator_match(const struct sec_operator *o, struct sec_operator_memory *m, struct span value,
                       struct span argument, struct sec_match *ret)
{
    struct sec_match own;
    if (!ret)
        ret = &own;
    *ret = (struct sec_match){0};
    if (o->constant)
        argument = o->argument;
    switch (o->op) {
    case SEC_OP_RX:
    case SEC_OP_RX_GLOBAL:
        return sec_match_regex(o, m, value, argument, ret);
    case SEC_OP_PM:
    case SEC_OP_PM_FILE:
        return match_words(o, value, ret);
    case SEC_OP_EQ:
    case SEC_OP_GE:
    case SEC_OP_GT:
    case SEC_OP_LE:
    case SEC_OP_LT:
        return match_number(o, value, argument, ret);
    case SEC_OP_IP_MATCH:
    case SEC_OP_IP_MATCH_FILE:
        return match_address(o, value, ret);
    case SEC_OP_GEO_LOOKUP:
        return match_geo(o, m, value, ret);
    case SEC_OP_DETECT_SQLI:
        return match_sqli(value, ret);
    case SEC_OP_DETECT_XSS:
        return match_xss(value, ret);
    case SEC_OP_NO_MATCH:
        return 0;
    case SEC_OP_UNCONDITIONAL:
        return sec_matched(ret, 0, value.len);
    case SEC_OP_VALIDATE_BYTE_RANGE:
        return sec_match_bytes(o, value, ret);
    case SEC_OP_VALIDATE_URL_ENCODING:
        return sec_match_url_encoding(value, ret);
    case SEC_OP_VALIDATE_UTF8:
        return sec_match_utf8(value, ret);
    default:
        return sec_match_text(o->op, value, argument, ret);
    }
}

bool sec_operator_geo(const struct sec_operator_memory *m, uint32_t i, struct span *name, struct span *value)
{
    return sec_geo_field(&m->place, i, name, value);
}

enum sec_gateable sec_operator_gateable(const struct sec_operator *o)
{
    switch (o->op) {
    case SEC_OP_RX:
    case SEC_OP_RX_GLOBAL:
        return o->constant ? SEC_GATE_REGEX : SEC_GATE_NO;
    case SEC_OP_VALIDATE_BYTE_RANGE:
        return o->gate.len ? SEC_GATE_REGEX : SEC_GATE_WORDS; /* where all bytes are allowed nothing matches */
    case SEC_OP_VALIDATE_URL_ENCODING:
    case SEC_OP_VALIDATE_UTF8:
    case SEC_OP_DETECT_SQLI:
    case SEC_OP_DETECT_XSS:
        return SEC_GATE_REGEX;
    case SEC_OP_NO_MATCH:
    case SEC_OP_PM:
    case SEC_OP_PM_FILE:
        return SEC_GATE_WORDS;
    case SEC_OP_BEGINS_WITH:
    case SEC_OP_CONTAINS:
    case SEC_OP_CONTAINS_WORD:
    case SEC_OP_ENDS_WITH:
    case SEC_OP_STR_EQ:
    case SEC_OP_STR_MATCH:
        return o->constant && o->argument.len ? SEC_GATE_WORDS : SEC_GATE_NO;
    default:
        return SEC_GATE_NO;
    }
}

struct span sec_operator_regex(const struct sec_operator *o)
{
    static const char url[] = "%(?:[^0-9A-Fa-f]|.[^0-9A-Fa-f]|.?\\z)", high[] = "[\\x80-\\xff]";
    /* libinjection finds no XSS without a tag or an attribute's value, and no SQL in one word. */
    static const char xss[] = "[<=]", sqli[] = "[^0-9A-Za-z_]";
    if (o->op == SEC_OP_DETECT_XSS)
        return span_of(xss, sizeof xss - 1);
    if (o->op == SEC_OP_DETECT_SQLI)
        return span_of(sqli, sizeof sqli - 1);
    if (o->op == SEC_OP_VALIDATE_URL_ENCODING)
        return span_of(url, sizeof url - 1);
    if (o->op == SEC_OP_VALIDATE_UTF8)
        return span_of(high, sizeof high - 1);
    return o->op == SEC_OP_VALIDATE_BYTE_RANGE ? o->gate : o->argument;
}

bool sec_operator_word(const struct sec_operator *o, uint32_t i, struct span *word, bool *caseless)
{
    *caseless = o->words;
    if (o->words)
        return words_get(o->words, i, word);
    if (i || table[o->op].argument != TEXT)
        return false;
    *word = o->argument;
    return true;
}
