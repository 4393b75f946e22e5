/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/read_internal.h"

/* Directives that set something, and those that mean nothing here but stand in every modsecurity.conf. */

enum kind {
    K_ENGINE,
    K_ON_OFF,
    K_REJECT, /* bool: Reject is true */
    K_U64,
    K_U32,
    K_PATH,
    K_TEXT_LAST,
    K_SEPARATOR,
    K_COOKIE_FORMAT,
    K_MIME,
    K_MIME_CLEAR,
    /* Accepted, checked, without effect: */
    K_NO_ON_OFF,
    K_NO_NUMBER,
    K_NO_TEXT,
    K_NO_AUDIT_ENGINE,
    K_NO_AUDIT_TYPE,
    K_NO_KEEP,
    K_NO_FORMAT,
    K_NO_FAIL,
    K_NO_MAP,
    K_OFF_ONLY, /* On is refused, as by ModSecurity 3 */
    K_REFUSED,
};

#define AT(field) offsetof(struct sec_settings, field)

static const struct setting {
    const char *name;
    enum kind kind;
    size_t at;
    const char *why; /* K_REFUSED */
} settings[] = {
    {"SecRuleEngine", K_ENGINE, AT(engine), NULL},
    {"SecRequestBodyAccess", K_ON_OFF, AT(request_body), NULL},
    {"SecResponseBodyAccess", K_ON_OFF, AT(response_body), NULL},
    {"SecRequestBodyLimit", K_U64, AT(request_body_limit), NULL},
    {"SecRequestBodyNoFilesLimit", K_U64, AT(request_body_no_files_limit), NULL},
    {"SecResponseBodyLimit", K_U64, AT(response_body_limit), NULL},
    {"SecRequestBodyLimitAction", K_REJECT, AT(request_body_reject), NULL},
    {"SecResponseBodyLimitAction", K_REJECT, AT(response_body_reject), NULL},
    {"SecRequestBodyJsonDepthLimit", K_U32, AT(json_depth), NULL},
    {"SecArgumentsLimit", K_U32, AT(arguments), NULL},
    {"SecPcreMatchLimit", K_U32, AT(regex_steps), NULL},
    {"SecCollectionTimeout", K_U32, AT(collection_timeout), NULL},
    {"SecArgumentSeparator", K_SEPARATOR, AT(argument_separator), NULL},
    {"SecCookieFormat", K_COOKIE_FORMAT, AT(cookie_format), NULL},
    {"SecResponseBodyMimeType", K_MIME, 0, NULL},
    {"SecResponseBodyMimeTypesClear", K_MIME_CLEAR, 0, NULL},
    {"SecComponentSignature", K_TEXT_LAST, AT(signature), NULL},
    {"SecGeoLookupDb", K_PATH, AT(geo_database), NULL},
    {"SecAuditEngine", K_NO_AUDIT_ENGINE, 0, NULL},
    {"SecAuditLog", K_NO_TEXT, 0, NULL},
    {"SecAuditLog2", K_NO_TEXT, 0, NULL},
    {"SecAuditLogDirMode", K_NO_TEXT, 0, NULL},
    {"SecAuditLogFileMode", K_NO_TEXT, 0, NULL},
    {"SecAuditLogFormat", K_NO_FORMAT, 0, NULL},
    {"SecAuditLogParts", K_NO_TEXT, 0, NULL},
    {"SecAuditLogRelevantStatus", K_NO_TEXT, 0, NULL},
    {"SecAuditLogStorageDir", K_NO_TEXT, 0, NULL},
    {"SecAuditLogType", K_NO_AUDIT_TYPE, 0, NULL},
    {"SecConnEngine", K_OFF_ONLY, 0, NULL},
    {"SecContentInjection", K_OFF_ONLY, 0, NULL},
    {"SecDataDir", K_NO_TEXT, 0, NULL},
    {"SecDebugLog", K_NO_TEXT, 0, NULL},
    {"SecDebugLogLevel", K_NO_NUMBER, 0, NULL},
    {"SecDisableBackendCompression", K_OFF_ONLY, 0, NULL},
    {"SecHashEngine", K_OFF_ONLY, 0, NULL},
    {"SecInterceptOnError", K_OFF_ONLY, 0, NULL},
    {"SecPcreMatchLimitRecursion", K_NO_NUMBER, 0, NULL},
    {"SecRemoteRulesFailAction", K_NO_FAIL, 0, NULL},
    {"SecRequestBodyInMemoryLimit", K_NO_NUMBER, 0, NULL},
    {"SecRuleInheritance", K_OFF_ONLY, 0, NULL},
    {"SecSensorId", K_NO_TEXT, 0, NULL},
    {"SecServerSignature", K_REFUSED, 0, "what passes is not changed"},
    {"SecStatusEngine", K_NO_ON_OFF, 0, NULL},
    {"SecTmpDir", K_NO_TEXT, 0, NULL},
    {"SecTmpSaveUploadedFiles", K_NO_ON_OFF, 0, NULL},
    {"SecUnicodeCodePage", K_NO_NUMBER, 0, NULL},
    {"SecUnicodeMapFile", K_NO_MAP, 0, NULL},
    {"SecUploadDir", K_NO_TEXT, 0, NULL},
    {"SecUploadFileLimit", K_NO_NUMBER, 0, NULL},
    {"SecUploadFileMode", K_NO_TEXT, 0, NULL},
    {"SecUploadKeepFiles", K_NO_KEEP, 0, NULL},
    {"SecWebAppId", K_NO_TEXT, 0, NULL},
    {"SecXmlExternalEntity", K_OFF_ONLY, 0, NULL},
    {"SecCacheTransformations", K_REFUSED, 0, "transformed values are shared anyway"},
    {"SecChrootDir", K_REFUSED, 0, "the service has its own"},
    {"SecCookieV0Separator", K_REFUSED, 0, "ModSecurity 3 does not have it either"},
    {"SecGsbLookupDb", K_REFUSED, 0, "Google's Safe Browsing tables are not read"},
    {"SecGuardianLog", K_REFUSED, 0, "no program is run for a request"},
    {"SecHashKey", K_REFUSED, 0, "links are not signed"},
    {"SecHashMethodPm", K_REFUSED, 0, "links are not signed"},
    {"SecHashMethodRx", K_REFUSED, 0, "links are not signed"},
    {"SecHashParam", K_REFUSED, 0, "links are not signed"},
    {"SecHttpBlKey", K_REFUSED, 0, "a packet cannot wait for an answer of DNS"},
    {"SecRemoteRules", K_REFUSED, 0, "rules are not fetched from elsewhere"},
    {"SecRuleScript", K_REFUSED, 0, "no Lua is run for a request"},
    {"SecStreamInBodyInspection", K_REFUSED, 0, "there is no STREAM_INPUT_BODY"},
    {"SecStreamOutBodyInspection", K_REFUSED, 0, "there is no STREAM_OUTPUT_BODY"},
};

/* The directives that are read elsewhere, behind those of the table. */
static const char *const others[] = {"SecRule",
                                     "SecAction",
                                     "SecMarker",
                                     "SecDefaultAction",
                                     "SecRuleRemoveById",
                                     "SecRuleRemoveByTag",
                                     "SecRuleRemoveByMsg",
                                     "SecRuleUpdateTargetById",
                                     "SecRuleUpdateTargetByTag",
                                     "SecRuleUpdateTargetByMsg",
                                     "SecRuleUpdateActionById",
                                     "Include",
                                     "IncludeOptional"};

const char *const *sec_setting_names(void)
{
    static const char *names[ARRAY_LEN(settings) + ARRAY_LEN(others) + 1];
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        names[i] = settings[i].name;
    memcpy(names + ARRAY_LEN(settings), others, sizeof others);
    return names;
}

/* What libmodsecurity does where nothing is said: it detects, and reads requests' bodies, but no response's. */
void sec_settings_default(struct sec_settings *s)
{
    *s = (struct sec_settings){
        .engine = SEC_DETECTION_ONLY,
        .request_body = true,
        .request_body_limit = 134217728,
        .request_body_no_files_limit = 1048576,
        .response_body_limit = 524288,
        .request_body_reject = true,
        .response_body_reject = true,
        .json_depth = 10000,
        .arguments = 1000,
        .regex_steps = 100000,
        .collection_timeout = 3600,
        .argument_separator = '&',
    };
}

/* The index of the word in the list, which `expected` says in words; -1 with an error. */
static int choice(struct sec_reader *r, struct span s, const char *const *words, size_t n, const char *expected)
{
    for (size_t i = 0; i < n; i++)
        if (sec_same(s, words[i]))
            return (int)i;
    sec_error(r, sec_chars(s), "expected %s", expected);
    return -1;
}

static int on_off(struct sec_reader *r, struct span s)
{
    static const char *const words[] = {"Off", "On"};
    return choice(r, s, words, 2, "On or Off");
}

static void number(struct sec_reader *r, struct span s, bool wide, void *to)
{
    uint64_t n;
    if (!sec_number(s, wide ? INT64_MAX : UINT32_MAX, &n)) {
        sec_error(r, sec_chars(s), "expected a number up to %llu",
                  wide ? (unsigned long long)INT64_MAX : (unsigned long long)UINT32_MAX);
        return;
    }
    uint32_t narrow = (uint32_t)n;
    if (wide)
        memcpy(to, &n, sizeof n);
    else
        memcpy(to, &narrow, sizeof narrow);
}

static void mime(struct sec_reader *r, struct span s)
{
    struct sec_settings *set = &r->p->settings;
    for (size_t i = 0; i < s.len;) {
        size_t from = i;
        while (i < s.len && s.data[i] != ' ' && s.data[i] != '\t')
            i++;
        size_t n = i - from;
        i++;
        if (!n)
            continue;
        char *lower = sec_alloc(r, n);
        struct span *to = sec_push(r, &set->response_mime, set->n_response_mime, sizeof *to);
        if (!lower || !to)
            return;
        for (size_t k = 0; k < n; k++) {
            char c = (char)s.data[from + k];
            lower[k] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        *to = span_of(lower, n);
        set->n_response_mime++;
    }
}

/* Files are looked for beside the file that names them. */
static void path(struct sec_reader *r, struct span s, struct span *to)
{
    const char *slash = strrchr(r->line.file, '/');
    size_t folder = s.data[0] != '/' && slash ? (size_t)(slash - r->line.file) + 1 : 0;
    char *text = sec_alloc(r, folder + s.len + 1);
    if (!text)
        return;
    memcpy(text, r->line.file, folder);
    memcpy(text + folder, s.data, s.len);
    *to = span_of(text, folder + s.len);
}

static void unicode_map(struct sec_reader *r, struct span s)
{
    size_t at = s.len;
    uint64_t n;
    while (at && s.data[at - 1] != ' ' && s.data[at - 1] != '\t')
        at--;
    if (!at || !sec_number(span_of(s.data + at, s.len - at), UINT32_MAX, &n))
        sec_error(r, sec_chars(s), "expected a file and the number of a code page");
}

static void engine(struct sec_reader *r, struct span s, enum sec_engine *to)
{
    static const char *const words[] = {"Off", "On", "DetectionOnly"};
    int n = choice(r, s, words, 3, "On, Off or DetectionOnly");
    if (n >= 0)
        *to = (enum sec_engine)n;
}

/* Those without effect. */
static void check(struct sec_reader *r, struct span s, enum kind kind)
{
    static const char *const audit[] = {"On", "Off", "RelevantOnly"},
                             *const type[] = {"Serial", "Concurrent", "Parallel", "HTTPS"},
                             *const format[] = {"JSON", "Native"}, *const fail[] = {"Abort", "Warn"};
    uint64_t n;
    if (kind == K_NO_ON_OFF)
        (void)on_off(r, s);
    else if (kind == K_NO_AUDIT_ENGINE || kind == K_NO_KEEP)
        (void)choice(r, s, audit, 3, "On, Off or RelevantOnly");
    else if (kind == K_NO_AUDIT_TYPE)
        (void)choice(r, s, type, 4, "Serial, Parallel, Concurrent or HTTPS");
    else if (kind == K_NO_FORMAT)
        (void)choice(r, s, format, 2, "JSON or Native");
    else if (kind == K_NO_FAIL)
        (void)choice(r, s, fail, 2, "Abort or Warn");
    else if (kind == K_NO_MAP)
        unicode_map(r, s);
    else if (kind == K_NO_NUMBER && !sec_number(s, UINT64_MAX, &n))
        sec_error(r, sec_chars(s), "expected a number");
}

static void apply(struct sec_reader *r, const struct setting *t, struct span name, struct span s)
{
    char *to = (char *)&r->p->settings + t->at;
    static const char *const actions[] = {"ProcessPartial", "Reject"};
    int n;
    switch (t->kind) {
    case K_ENGINE:
        engine(r, s, (enum sec_engine *)(void *)to);
        return;
    case K_ON_OFF:
        if ((n = on_off(r, s)) >= 0)
            *(bool *)to = n == 1;
        return;
    case K_REJECT:
        if ((n = choice(r, s, actions, 2, "Reject or ProcessPartial")) >= 0)
            *(bool *)to = n == 1;
        return;
    case K_U64:
    case K_U32:
        number(r, s, t->kind == K_U64, to);
        return;
    case K_PATH:
        path(r, s, (struct span *)(void *)to);
        return;
    case K_TEXT_LAST:
        *(struct span *)(void *)to = s;
        return;
    case K_SEPARATOR:
        if (s.len == 1)
            *to = (char)s.data[0];
        else
            sec_error(r, sec_chars(s), "expected one character");
        return;
    case K_COOKIE_FORMAT:
        if (!sec_same(s, "0"))
            sec_error(r, sec_chars(s), "expected 0: version 1 cookies are not read, nor by ModSecurity 3");
        return;
    case K_MIME:
        mime(r, s);
        return;
    case K_OFF_ONLY:
        if (on_off(r, s) == 1)
            sec_refused(r, "directive", name, "only Off is understood");
        return;
    default:
        check(r, s, t->kind);
    }
}

bool sec_setting_read(struct sec_reader *r, struct span name, size_t at)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *t = &settings[i];
        if (!sec_same(name, t->name))
            continue;
        struct sec_word w = sec_word_rest(r, at);
        if (t->kind == K_REFUSED)
            sec_refused(r, "directive", name, t->why);
        else if (t->kind == K_MIME_CLEAR)
            r->p->settings.n_response_mime = 0;
        else if (!w.text.len)
            sec_error(r, w.at, "%s needs a value", t->name);
        else
            apply(r, t, name, w.text);
        return true;
    }
    return false;
}
