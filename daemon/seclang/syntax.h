/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_SYNTAX_H
#define SLUICE_SECLANG_SYNTAX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/diag.h"
#include "base/span.h"
#include "match/regex.h"
#include "match/transform.h"

/*
 * ModSecurity's rule language as read from files: names resolved, macros taken
 * apart, defaults and updates applied. What a rule does is executed by run.c.
 * The names are ModSecurity's (its reference manual, v3).
 */
enum sec_var {
    SEC_ARGS,
    SEC_ARGS_NAMES,
    SEC_ARGS_GET,
    SEC_ARGS_GET_NAMES,
    SEC_ARGS_POST,
    SEC_ARGS_POST_NAMES,
    SEC_ARGS_COMBINED_SIZE,
    SEC_AUTH_TYPE,
    SEC_DURATION,
    SEC_ENV,
    SEC_FILES,
    SEC_FILES_COMBINED_SIZE,
    SEC_FILES_NAMES,
    SEC_FILES_SIZES,
    SEC_FILES_TMPNAMES,
    SEC_FILES_TMP_CONTENT,
    SEC_FULL_REQUEST,
    SEC_FULL_REQUEST_LENGTH,
    SEC_GEO,
    SEC_GLOBAL,
    SEC_HIGHEST_SEVERITY,
    SEC_INBOUND_DATA_ERROR,
    SEC_IP,
    SEC_MATCHED_VAR,
    SEC_MATCHED_VAR_NAME,
    SEC_MATCHED_VARS,
    SEC_MATCHED_VARS_NAMES,
    SEC_MODSEC_BUILD,
    SEC_MULTIPART_BOUNDARY_QUOTED,
    SEC_MULTIPART_BOUNDARY_WHITESPACE,
    SEC_MULTIPART_CRLF_LF_LINES,
    SEC_MULTIPART_DATA_AFTER,
    SEC_MULTIPART_DATA_BEFORE,
    SEC_MULTIPART_FILE_LIMIT_EXCEEDED,
    SEC_MULTIPART_FILENAME,
    SEC_MULTIPART_HEADER_FOLDING,
    SEC_MULTIPART_INVALID_HEADER_FOLDING,
    SEC_MULTIPART_INVALID_PART,
    SEC_MULTIPART_INVALID_QUOTING,
    SEC_MULTIPART_LF_LINE,
    SEC_MULTIPART_MISSING_SEMICOLON,
    SEC_MULTIPART_NAME,
    SEC_MULTIPART_PART_HEADERS,
    SEC_MULTIPART_STRICT_ERROR,
    SEC_MULTIPART_UNMATCHED_BOUNDARY,
    SEC_OUTBOUND_DATA_ERROR,
    SEC_PATH_INFO,
    SEC_QUERY_STRING,
    SEC_REMOTE_ADDR,
    SEC_REMOTE_HOST,
    SEC_REMOTE_PORT,
    SEC_REMOTE_USER,
    SEC_REQBODY_ERROR,
    SEC_REQBODY_ERROR_MSG,
    SEC_REQBODY_PROCESSOR,
    SEC_REQBODY_PROCESSOR_ERROR,
    SEC_REQBODY_PROCESSOR_ERROR_MSG,
    SEC_REQUEST_BASENAME,
    SEC_REQUEST_BODY,
    SEC_REQUEST_BODY_LENGTH,
    SEC_REQUEST_COOKIES,
    SEC_REQUEST_COOKIES_NAMES,
    SEC_REQUEST_FILENAME,
    SEC_REQUEST_HEADERS,
    SEC_REQUEST_HEADERS_NAMES,
    SEC_REQUEST_LINE,
    SEC_REQUEST_METHOD,
    SEC_REQUEST_PROTOCOL,
    SEC_REQUEST_URI,
    SEC_REQUEST_URI_RAW,
    SEC_RESOURCE,
    SEC_RESPONSE_BODY,
    SEC_RESPONSE_CONTENT_LENGTH,
    SEC_RESPONSE_CONTENT_TYPE,
    SEC_RESPONSE_HEADERS,
    SEC_RESPONSE_HEADERS_NAMES,
    SEC_RESPONSE_PROTOCOL,
    SEC_RESPONSE_STATUS,
    SEC_RULE,
    SEC_SERVER_ADDR,
    SEC_SERVER_NAME,
    SEC_SERVER_PORT,
    SEC_SESSION,
    SEC_SESSIONID,
    SEC_STATUS_LINE,
    SEC_TIME,
    SEC_TIME_DAY,
    SEC_TIME_EPOCH,
    SEC_TIME_HOUR,
    SEC_TIME_MIN,
    SEC_TIME_MON,
    SEC_TIME_SEC,
    SEC_TIME_WDAY,
    SEC_TIME_YEAR,
    SEC_TX,
    SEC_UNIQUE_ID,
    SEC_URLENCODED_ERROR,
    SEC_USER,
    SEC_USERID,
    SEC_WEBAPPID,
    SEC_XML,
    SEC_VARS
};

/* "REQUEST_HEADERS", …; -1 where there is none of that name, in any case. */
int sec_var_find(struct span name);
const char *sec_var_name(enum sec_var v);
/* Whether it has members, so that a selector means something. */
bool sec_var_is_collection(enum sec_var v);

enum sec_op {
    SEC_OP_BEGINS_WITH,
    SEC_OP_CONTAINS,
    SEC_OP_CONTAINS_WORD,
    SEC_OP_DETECT_SQLI,
    SEC_OP_DETECT_XSS,
    SEC_OP_ENDS_WITH,
    SEC_OP_EQ,
    SEC_OP_GE,
    SEC_OP_GEO_LOOKUP,
    SEC_OP_GT,
    SEC_OP_IP_MATCH,
    SEC_OP_IP_MATCH_FILE,
    SEC_OP_LE,
    SEC_OP_LT,
    SEC_OP_NO_MATCH,
    SEC_OP_PM,
    SEC_OP_PM_FILE,
    SEC_OP_RX,
    SEC_OP_RX_GLOBAL,
    SEC_OP_STR_EQ,
    SEC_OP_STR_MATCH,
    SEC_OP_UNCONDITIONAL,
    SEC_OP_VALIDATE_BYTE_RANGE,
    SEC_OP_VALIDATE_URL_ENCODING,
    SEC_OP_VALIDATE_UTF8,
    SEC_OP_WITHIN,
    SEC_OPS
};

/* Text with %{…} in it: pieces put together when it is needed; the usual text is one literal. */
struct sec_piece {
    struct span literal;  /* where var is SEC_VARS */
    uint8_t var;          /* enum sec_var */
    struct span selector; /* empty: all of it */
};

struct sec_text {
    struct span as_written;
    const struct sec_piece *at;
    uint32_t n;
    bool constant; /* no macro: as_written is it */
};

enum sec_select { SEC_ALL, SEC_BY_NAME, SEC_BY_REGEX };

/* VAR, VAR:name, VAR:/regex/, &VAR, !VAR:name. XML's selector is an XPath, by name. */
struct sec_target {
    uint8_t var;    /* enum sec_var */
    uint8_t select; /* enum sec_select */
    bool count, exclude;
    struct span selector;      /* as written; names are compared without regard to case */
    const struct regex *regex; /* SEC_BY_REGEX; caseless */
};

enum sec_set { SEC_SET, SEC_ADD, SEC_SUBTRACT, SEC_DELETE };

struct sec_setvar {
    uint8_t collection; /* SEC_TX, SEC_IP, SEC_GLOBAL, SEC_SESSION, SEC_USER, SEC_RESOURCE, SEC_ENV */
    uint8_t how;        /* enum sec_set */
    struct sec_text name, value;
};

struct sec_expire {
    uint8_t collection;
    struct sec_text name, seconds;
};

struct sec_initcol {
    uint8_t collection;
    struct sec_text key;
};

enum sec_ctl_what {
    SEC_CTL_REMOVE_BY_ID,
    SEC_CTL_REMOVE_BY_TAG,
    SEC_CTL_REMOVE_BY_MSG,
    SEC_CTL_REMOVE_TARGET_BY_ID,
    SEC_CTL_REMOVE_TARGET_BY_TAG,
    SEC_CTL_REMOVE_TARGET_BY_MSG,
    SEC_CTL_RULE_ENGINE, /* value: enum sec_engine */
    SEC_CTL_REQUEST_BODY_ACCESS,
    SEC_CTL_RESPONSE_BODY_ACCESS,
    SEC_CTL_REQUEST_BODY_PROCESSOR, /* value: enum sec_processor */
    SEC_CTL_FORCE_REQUEST_BODY_VARIABLE,
    SEC_CTL_REQUEST_BODY_LIMIT, /* value: bytes */
    SEC_CTL_RESPONSE_BODY_LIMIT,
    SEC_CTL_AUDIT_ENGINE, /* this and the following are read and change nothing: events are no audit log */
    SEC_CTL_AUDIT_LOG_PARTS,
    SEC_CTL_DEBUG_LOG_LEVEL,
};

enum sec_engine { SEC_OFF, SEC_ON, SEC_DETECTION_ONLY };
enum sec_processor { SEC_NO_PROCESSOR, SEC_BODY_URLENCODED, SEC_BODY_MULTIPART, SEC_BODY_JSON, SEC_BODY_XML };

struct sec_id_range {
    uint64_t first, last;
};

struct sec_ctl {
    uint8_t what;             /* enum sec_ctl_what */
    uint64_t value;           /* on: 1, off: 0; or as said there */
    struct sec_id_range *ids; /* …_BY_ID */
    uint32_t n_ids;
    struct span text;         /* tag or msg: as written; matched as ModSecurity 3 does, see sec_tag_matches */
    struct sec_target target; /* REMOVE_TARGET_… */
};

enum sec_disruptive {
    SEC_PASS,
    SEC_BLOCK,
    SEC_DENY,
    SEC_DROP,
    SEC_ALLOW,
    SEC_ALLOW_PHASE,
    SEC_ALLOW_REQUEST,
    SEC_REDIRECT
};

/* "deny", … */
const char *sec_disruptive_name(uint8_t disruptive);

#define SEC_TRANSFORMS_MAX 16

/* A SecRule or SecAction, or a link of a chain. Lives as long as its program. */
struct sec_rule {
    uint32_t index; /* among the chains' first links, from 0: counters are kept by it */
    uint32_t order; /* position in its phase */
    uint64_t id;    /* a link has its chain's */
    const char *file;
    int line;
    uint8_t phase;      /* 1 to 5 */
    bool unconditional; /* SecAction */
    struct sec_target *targets;
    uint32_t n_targets;
    uint8_t op; /* enum sec_op */
    bool negated;
    struct sec_text argument;
    int argument_line, argument_column;     /* where it begins, for errors */
    uint8_t transforms[SEC_TRANSFORMS_MAX]; /* enum transform, after t:none and the defaults */
    uint8_t n_transforms;
    bool multi_match, capture;
    /* Of a chain's first link (message, log_data, tags and severity stand in other links too): */
    uint8_t disruptive; /* enum sec_disruptive; "block" is resolved from SecDefaultAction */
    uint16_t status;    /* of deny, drop and redirect; else as written, 0 where it is not */
    bool log, audit_log;
    struct sec_text redirect, message, log_data;
    struct sec_text *tags;
    uint32_t n_tags;
    int8_t severity; /* 0 emergency … 7 debug, -1 none */
    struct span ver, rev;
    uint8_t maturity, accuracy;
    struct span skip_after;  /* as written; empty: none */
    uint32_t skip_to;        /* the order at which the phase goes on; 0: none (skip and skip_after, resolved) */
    const uint32_t *skip_on; /* where the skip goes on into later phases, as in ModSecurity (a marker that stands
                                before the rule or nowhere, more to skip than there is): the order at which each
                                begins, by phase; else NULL */
    /* Of each link: */
    struct sec_setvar *setvars;
    struct sec_expire *expires;
    struct sec_initcol *initcols;
    struct sec_ctl *ctls;
    uint32_t n_setvars, n_expires, n_initcols, n_ctls;
    struct sec_rule *next; /* the chain's next link */
};

/* What the Sec… settings say. */
struct sec_settings {
    enum sec_engine engine;
    bool request_body, response_body; /* access */
    uint64_t request_body_limit, request_body_no_files_limit, response_body_limit;
    bool request_body_reject, response_body_reject; /* over the limit; else processed as far as it goes */
    uint32_t json_depth, arguments;
    uint32_t regex_steps;        /* SecPcreMatchLimit */
    uint32_t collection_timeout; /* seconds */
    char argument_separator;
    uint8_t cookie_format;
    struct span *response_mime; /* of SecResponseBodyMimeType, lower case */
    uint32_t n_response_mime;
    struct span signature; /* SecComponentSignature, the last */
    struct span geo_database;
};

#define SEC_PHASES 6 /* by number; 0 is none */

/* All files together. */
struct sec_program {
    struct arena arena; /* everything below lives in it, but regexes */
    struct sec_settings settings;
    struct sec_rule **rules[SEC_PHASES]; /* first links, in the order of execution */
    uint32_t n[SEC_PHASES];
    uint32_t total;         /* first links of all phases */
    struct regex **regexes; /* of selectors */
    uint32_t n_regexes, cap_regexes;
    struct span *warnings; /* what was skipped, where the options allow it: "file:line: what" */
    uint32_t n_warnings;
};

struct sec_read_options {
    bool skip_unknown; /* an unknown directive, operator, variable, transformation or action skips its rule with a
                          warning */
};

/*
 * Reads the files in order (paths, globs expanded by the caller; Include
 * expands its own) and applies SecRuleUpdate…, SecRuleRemove… and defaults.
 * NULL with every error in d (file, line, column, what was expected). Main thread.
 */
MUST_CHECK struct sec_program *sec_read(const char *const *files, size_t n, const struct sec_read_options *opt,
                                        struct diag *d);
void sec_program_free(struct sec_program *p);

/* Whether one of a rule's tags, or its message, is a ctl's or an update's text, byte for byte, as in ModSecurity 3.
 * Texts with macros are compared as written. */
bool sec_tag_matches(const struct sec_rule *r, struct span text);
bool sec_msg_matches(const struct sec_rule *r, struct span text);

#endif
