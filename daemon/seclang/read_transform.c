/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/read_internal.h"

/* t:… by ModSecurity's names, and those of match/transform.h. */
static const struct {
    const char *name, *ours;
} transforms[] = {
    {"base64Decode", "base64_decode"},
    {"base64DecodeExt", "base64_decode_ext"},
    {"base64Encode", "base64_encode"},
    {"cmdLine", "cmd_line"},
    {"compressWhitespace", "compress_whitespace"},
    {"cssDecode", "css_decode"},
    {"escapeSeqDecode", "escape_seq_decode"},
    {"hexDecode", "hex_decode"},
    {"hexEncode", "hex_encode"},
    {"htmlEntityDecode", "html_decode"},
    {"jsDecode", "js_decode"},
    {"length", "length"},
    {"lowercase", "lower"},
    {"md5", "md5"},
    {"normalisePath", "normalize_path"},
    {"normalisePathWin", "normalize_path_win"},
    {"normalizePath", "normalize_path"},
    {"normalizePathWin", "normalize_path_win"},
    {"parityEven7bit", "parity_even_7bit"},
    {"parityOdd7bit", "parity_odd_7bit"},
    {"parityZero7bit", "parity_zero_7bit"},
    {"removeComments", "remove_comments"},
    {"removeCommentsChar", "remove_comment_chars"},
    {"removeNulls", "remove_nulls"},
    {"removeWhitespace", "remove_whitespace"},
    {"replaceComments", "replace_comments"},
    {"replaceNulls", "replace_nulls"},
    {"sha1", "sha1"},
    {"sqlHexDecode", "sql_hex_decode"},
    {"trim", "trim"},
    {"trimLeft", "trim_left"},
    {"trimRight", "trim_right"},
    {"uppercase", "upper"},
    {"urlDecode", "url_decode"},
    {"urlDecodeUni", "url_decode_uni"},
    {"urlEncode", "url_encode"},
    {"utf8toUnicode", "utf8_to_unicode_marked"},
};

static int find(struct span s)
{
    for (size_t i = 0; i < ARRAY_LEN(transforms); i++)
        if (sec_same(s, transforms[i].name))
            return transform_find(transforms[i].ours, strlen(transforms[i].ours));
    return -1;
}

static void unknown(struct sec_reader *r, struct span s)
{
    const char *names[ARRAY_LEN(transforms) + 2] = {NULL};
    for (size_t i = 0; i < ARRAY_LEN(transforms); i++)
        names[i] = transforms[i].name;
    names[ARRAY_LEN(transforms)] = "none";
    sec_unknown(r, "transformation", s, names);
}

bool sec_transform_read(struct sec_reader *r, struct span s, struct sec_draft *d)
{
    bool none = sec_same(s, "none");
    int t = none ? SEC_T_NONE : find(s);
    if (t < 0) {
        unknown(r, s);
        return false;
    }
    if (none && d->in == SEC_IN_DEFAULT) {
        sec_error(r, sec_chars(s), "t:none cannot stand in SecDefaultAction");
        return false;
    }
    if (none)
        d->n_own = 0;
    if (d->n_own == SEC_OWN_TRANSFORMS) {
        sec_error(r, sec_chars(s), "more than %d transformations", SEC_OWN_TRANSFORMS);
        return false;
    }
    d->own[d->n_own++] = (uint8_t)t;
    return true;
}
