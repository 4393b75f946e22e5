/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <strings.h>

#include "seclang/syntax.h"

static const struct {
    const char *name;
    bool collection;
} vars[SEC_VARS] = {
    [SEC_ARGS] = {"ARGS", true},
    [SEC_ARGS_NAMES] = {"ARGS_NAMES", true},
    [SEC_ARGS_GET] = {"ARGS_GET", true},
    [SEC_ARGS_GET_NAMES] = {"ARGS_GET_NAMES", true},
    [SEC_ARGS_POST] = {"ARGS_POST", true},
    [SEC_ARGS_POST_NAMES] = {"ARGS_POST_NAMES", true},
    [SEC_ARGS_COMBINED_SIZE] = {"ARGS_COMBINED_SIZE", false},
    [SEC_AUTH_TYPE] = {"AUTH_TYPE", false},
    [SEC_DURATION] = {"DURATION", false},
    [SEC_ENV] = {"ENV", true},
    [SEC_FILES] = {"FILES", true},
    [SEC_FILES_COMBINED_SIZE] = {"FILES_COMBINED_SIZE", false},
    [SEC_FILES_NAMES] = {"FILES_NAMES", true},
    [SEC_FILES_SIZES] = {"FILES_SIZES", true},
    [SEC_FILES_TMPNAMES] = {"FILES_TMPNAMES", true},
    [SEC_FILES_TMP_CONTENT] = {"FILES_TMP_CONTENT", true},
    [SEC_FULL_REQUEST] = {"FULL_REQUEST", false},
    [SEC_FULL_REQUEST_LENGTH] = {"FULL_REQUEST_LENGTH", false},
    [SEC_GEO] = {"GEO", true},
    [SEC_GLOBAL] = {"GLOBAL", true},
    [SEC_HIGHEST_SEVERITY] = {"HIGHEST_SEVERITY", false},
    [SEC_INBOUND_DATA_ERROR] = {"INBOUND_DATA_ERROR", false},
    [SEC_IP] = {"IP", true},
    [SEC_MATCHED_VAR] = {"MATCHED_VAR", false},
    [SEC_MATCHED_VAR_NAME] = {"MATCHED_VAR_NAME", false},
    [SEC_MATCHED_VARS] = {"MATCHED_VARS", true},
    [SEC_MATCHED_VARS_NAMES] = {"MATCHED_VARS_NAMES", true},
    [SEC_MODSEC_BUILD] = {"MODSEC_BUILD", false},
    [SEC_MULTIPART_BOUNDARY_QUOTED] = {"MULTIPART_BOUNDARY_QUOTED", false},
    [SEC_MULTIPART_BOUNDARY_WHITESPACE] = {"MULTIPART_BOUNDARY_WHITESPACE", false},
    [SEC_MULTIPART_CRLF_LF_LINES] = {"MULTIPART_CRLF_LF_LINES", false},
    [SEC_MULTIPART_DATA_AFTER] = {"MULTIPART_DATA_AFTER", false},
    [SEC_MULTIPART_DATA_BEFORE] = {"MULTIPART_DATA_BEFORE", false},
    [SEC_MULTIPART_FILE_LIMIT_EXCEEDED] = {"MULTIPART_FILE_LIMIT_EXCEEDED", false},
    [SEC_MULTIPART_FILENAME] = {"MULTIPART_FILENAME", true},
    [SEC_MULTIPART_HEADER_FOLDING] = {"MULTIPART_HEADER_FOLDING", false},
    [SEC_MULTIPART_INVALID_HEADER_FOLDING] = {"MULTIPART_INVALID_HEADER_FOLDING", false},
    [SEC_MULTIPART_INVALID_PART] = {"MULTIPART_INVALID_PART", false},
    [SEC_MULTIPART_INVALID_QUOTING] = {"MULTIPART_INVALID_QUOTING", false},
    [SEC_MULTIPART_LF_LINE] = {"MULTIPART_LF_LINE", false},
    [SEC_MULTIPART_MISSING_SEMICOLON] = {"MULTIPART_MISSING_SEMICOLON", false},
    [SEC_MULTIPART_NAME] = {"MULTIPART_NAME", true},
    [SEC_MULTIPART_PART_HEADERS] = {"MULTIPART_PART_HEADERS", true},
    [SEC_MULTIPART_STRICT_ERROR] = {"MULTIPART_STRICT_ERROR", false},
    [SEC_MULTIPART_UNMATCHED_BOUNDARY] = {"MULTIPART_UNMATCHED_BOUNDARY", false},
    [SEC_OUTBOUND_DATA_ERROR] = {"OUTBOUND_DATA_ERROR", false},
    [SEC_PATH_INFO] = {"PATH_INFO", false},
    [SEC_QUERY_STRING] = {"QUERY_STRING", false},
    [SEC_REMOTE_ADDR] = {"REMOTE_ADDR", false},
    [SEC_REMOTE_HOST] = {"REMOTE_HOST", false},
    [SEC_REMOTE_PORT] = {"REMOTE_PORT", false},
    [SEC_REMOTE_USER] = {"REMOTE_USER", false},
    [SEC_REQBODY_ERROR] = {"REQBODY_ERROR", false},
    [SEC_REQBODY_ERROR_MSG] = {"REQBODY_ERROR_MSG", false},
    [SEC_REQBODY_PROCESSOR] = {"REQBODY_PROCESSOR", false},
    [SEC_REQBODY_PROCESSOR_ERROR] = {"REQBODY_PROCESSOR_ERROR", false},
    [SEC_REQBODY_PROCESSOR_ERROR_MSG] = {"REQBODY_PROCESSOR_ERROR_MSG", false},
    [SEC_REQUEST_BASENAME] = {"REQUEST_BASENAME", false},
    [SEC_REQUEST_BODY] = {"REQUEST_BODY", false},
    [SEC_REQUEST_BODY_LENGTH] = {"REQUEST_BODY_LENGTH", false},
    [SEC_REQUEST_COOKIES] = {"REQUEST_COOKIES", true},
    [SEC_REQUEST_COOKIES_NAMES] = {"REQUEST_COOKIES_NAMES", true},
    [SEC_REQUEST_FILENAME] = {"REQUEST_FILENAME", false},
    [SEC_REQUEST_HEADERS] = {"REQUEST_HEADERS", true},
    [SEC_REQUEST_HEADERS_NAMES] = {"REQUEST_HEADERS_NAMES", true},
    [SEC_REQUEST_LINE] = {"REQUEST_LINE", false},
    [SEC_REQUEST_METHOD] = {"REQUEST_METHOD", false},
    [SEC_REQUEST_PROTOCOL] = {"REQUEST_PROTOCOL", false},
    [SEC_REQUEST_URI] = {"REQUEST_URI", false},
    [SEC_REQUEST_URI_RAW] = {"REQUEST_URI_RAW", false},
    [SEC_RESOURCE] = {"RESOURCE", true},
    [SEC_RESPONSE_BODY] = {"RESPONSE_BODY", false},
    [SEC_RESPONSE_CONTENT_LENGTH] = {"RESPONSE_CONTENT_LENGTH", false},
    [SEC_RESPONSE_CONTENT_TYPE] = {"RESPONSE_CONTENT_TYPE", false},
    [SEC_RESPONSE_HEADERS] = {"RESPONSE_HEADERS", true},
    [SEC_RESPONSE_HEADERS_NAMES] = {"RESPONSE_HEADERS_NAMES", true},
    [SEC_RESPONSE_PROTOCOL] = {"RESPONSE_PROTOCOL", false},
    [SEC_RESPONSE_STATUS] = {"RESPONSE_STATUS", false},
    [SEC_RULE] = {"RULE", true},
    [SEC_SERVER_ADDR] = {"SERVER_ADDR", false},
    [SEC_SERVER_NAME] = {"SERVER_NAME", false},
    [SEC_SERVER_PORT] = {"SERVER_PORT", false},
    [SEC_SESSION] = {"SESSION", true},
    [SEC_SESSIONID] = {"SESSIONID", false},
    [SEC_STATUS_LINE] = {"STATUS_LINE", false},
    [SEC_TIME] = {"TIME", false},
    [SEC_TIME_DAY] = {"TIME_DAY", false},
    [SEC_TIME_EPOCH] = {"TIME_EPOCH", false},
    [SEC_TIME_HOUR] = {"TIME_HOUR", false},
    [SEC_TIME_MIN] = {"TIME_MIN", false},
    [SEC_TIME_MON] = {"TIME_MON", false},
    [SEC_TIME_SEC] = {"TIME_SEC", false},
    [SEC_TIME_WDAY] = {"TIME_WDAY", false},
    [SEC_TIME_YEAR] = {"TIME_YEAR", false},
    [SEC_TX] = {"TX", true},
    [SEC_UNIQUE_ID] = {"UNIQUE_ID", false},
    [SEC_URLENCODED_ERROR] = {"URLENCODED_ERROR", false},
    [SEC_USER] = {"USER", true},
    [SEC_USERID] = {"USERID", false},
    [SEC_WEBAPPID] = {"WEBAPPID", false},
    [SEC_XML] = {"XML", true},
};

int sec_var_find(struct span name)
{
    for (int v = 0; v < SEC_VARS; v++)
        if (strlen(vars[v].name) == name.len && !strncasecmp(vars[v].name, (const char *)name.data, name.len))
            return v;
    return -1;
}

const char *sec_var_name(enum sec_var v)
{
    return vars[v].name;
}

bool sec_var_is_collection(enum sec_var v)
{
    return vars[v].collection;
}

const char *sec_disruptive_name(uint8_t disruptive)
{
    static const char *const names[] = {
        [SEC_PASS] = "pass",   [SEC_BLOCK] = "block",       [SEC_DENY] = "deny",           [SEC_DROP] = "drop",
        [SEC_ALLOW] = "allow", [SEC_ALLOW_PHASE] = "allow", [SEC_ALLOW_REQUEST] = "allow", [SEC_REDIRECT] = "redirect"};
    return disruptive < ARRAY_LEN(names) ? names[disruptive] : "pass";
}
