/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match/transform.h"

#include "base/cleanup.h"
#include "match/transform_internal.h"

/* Made of enum transform_class. */
const uint8_t transform_class[256] = {
    0,  0,  0,  0,  0, 0,  0,  0,  0,  97, 97, 65, 65, 97, 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  97, 0, 32, 16, 0,  0,  0,  32, 32, 0,  16, 0,  32, 16, 0,  48, 14, 14, 14, 14, 14, 14, 14, 14, 10, 10,
    0,  32, 16, 0,  0, 0,  0,  42, 42, 42, 42, 42, 42, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40,
    40, 40, 40, 40, 0, 32, 0,  32, 0,  0,  10, 10, 10, 10, 10, 10, 8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,  8,
    8,  8,  8,  8,  8, 8,  8,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0, 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  64, 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0, 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  64, 0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0, 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0, 0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
};

const uint8_t transform_hex_value[256] = {
    ['0'] = 0,  ['1'] = 1,  ['2'] = 2,  ['3'] = 3,  ['4'] = 4,  ['5'] = 5,  ['6'] = 6,  ['7'] = 7,
    ['8'] = 8,  ['9'] = 9,  ['a'] = 10, ['b'] = 11, ['c'] = 12, ['d'] = 13, ['e'] = 14, ['f'] = 15,
    ['A'] = 10, ['B'] = 11, ['C'] = 12, ['D'] = 13, ['E'] = 14, ['F'] = 15,
};

static const struct {
    const char *name;
    struct span (*run)(struct span in, uint8_t *buf);
} table[TRANSFORMS] = {
    [TRANSFORM_LOWER] = {"lower", transform_lower},
    [TRANSFORM_UPPER] = {"upper", transform_upper},
    [TRANSFORM_URL_DECODE] = {"url_decode", transform_url_decode},
    [TRANSFORM_URL_DECODE_UNI] = {"url_decode_uni", transform_url_decode_uni},
    [TRANSFORM_URL_ENCODE] = {"url_encode", transform_url_encode},
    [TRANSFORM_HTML_DECODE] = {"html_decode", transform_html_decode},
    [TRANSFORM_JS_DECODE] = {"js_decode", transform_js_decode},
    [TRANSFORM_CSS_DECODE] = {"css_decode", transform_css_decode},
    [TRANSFORM_BASE64_DECODE] = {"base64_decode", transform_base64_decode},
    [TRANSFORM_BASE64_DECODE_EXT] = {"base64_decode_ext", transform_base64_decode_ext},
    [TRANSFORM_BASE64_ENCODE] = {"base64_encode", transform_base64_encode},
    [TRANSFORM_HEX_DECODE] = {"hex_decode", transform_hex_decode},
    [TRANSFORM_HEX_ENCODE] = {"hex_encode", transform_hex_encode},
    [TRANSFORM_SQL_HEX_DECODE] = {"sql_hex_decode", transform_sql_hex_decode},
    [TRANSFORM_NORMALIZE_PATH] = {"normalize_path", transform_normalize_path},
    [TRANSFORM_NORMALIZE_PATH_WIN] = {"normalize_path_win", transform_normalize_path_win},
    [TRANSFORM_REMOVE_NULLS] = {"remove_nulls", transform_remove_nulls},
    [TRANSFORM_REPLACE_NULLS] = {"replace_nulls", transform_replace_nulls},
    [TRANSFORM_COMPRESS_WHITESPACE] = {"compress_whitespace", transform_compress_whitespace},
    [TRANSFORM_REMOVE_WHITESPACE] = {"remove_whitespace", transform_remove_whitespace},
    [TRANSFORM_REPLACE_COMMENTS] = {"replace_comments", transform_replace_comments},
    [TRANSFORM_REMOVE_COMMENTS] = {"remove_comments", transform_remove_comments},
    [TRANSFORM_REMOVE_COMMENT_CHARS] = {"remove_comment_chars", transform_remove_comment_chars},
    [TRANSFORM_CMD_LINE] = {"cmd_line", transform_cmd_line},
    [TRANSFORM_UTF8_TO_UNICODE] = {"utf8_to_unicode", transform_utf8_to_unicode},
    [TRANSFORM_ESCAPE_SEQ_DECODE] = {"escape_seq_decode", transform_escape_seq_decode},
    [TRANSFORM_TRIM] = {"trim", transform_trim},
    [TRANSFORM_TRIM_LEFT] = {"trim_left", transform_trim_left},
    [TRANSFORM_TRIM_RIGHT] = {"trim_right", transform_trim_right},
    [TRANSFORM_PARITY_EVEN_7BIT] = {"parity_even_7bit", transform_parity_even_7bit},
    [TRANSFORM_PARITY_ODD_7BIT] = {"parity_odd_7bit", transform_parity_odd_7bit},
    [TRANSFORM_PARITY_ZERO_7BIT] = {"parity_zero_7bit", transform_parity_zero_7bit},
    [TRANSFORM_MD5] = {"md5", transform_md5},
    [TRANSFORM_SHA1] = {"sha1", transform_sha1},
    [TRANSFORM_UTF8_MARKED] = {"utf8_to_unicode_marked", transform_utf8_marked},
    [TRANSFORM_LENGTH] = {"length", transform_length},
};

int transform_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
            return (int)i;
    return -1;
}

const char *transform_name(enum transform t)
{
    return table[t].name;
}

size_t transform_room(enum transform t, size_t len)
{
    switch (t) {
    case TRANSFORM_BASE64_DECODE:
    case TRANSFORM_BASE64_DECODE_EXT:
        return len / 4 * 3 + (len % 4 ? len % 4 - 1 : 0);
    case TRANSFORM_BASE64_ENCODE:
        return (len + 2) / 3 * 4;
    case TRANSFORM_URL_ENCODE:
        return len * 3;
    case TRANSFORM_HEX_DECODE:
        return len / 2;
    case TRANSFORM_HEX_ENCODE:
        return len * 2;
    case TRANSFORM_UTF8_TO_UNICODE:
        return len / 2 * 6 + len % 2; /* two bytes to "%u00e9" is the most */
    case TRANSFORM_UTF8_MARKED:
        return len / 2 * 7 + len % 2; /* two bytes to "%u002f" and the first of them is the most */
    case TRANSFORM_MD5:
        return 16;
    case TRANSFORM_SHA1:
    case TRANSFORM_LENGTH:
        return 20; /* also the digits of the largest size_t */
    default:
        return len;
    }
}

bool transform_always(enum transform t)
{
    return t == TRANSFORM_BASE64_DECODE || t == TRANSFORM_BASE64_DECODE_EXT || t == TRANSFORM_HEX_DECODE ||
           t == TRANSFORM_HEX_ENCODE || t == TRANSFORM_MD5 || t == TRANSFORM_SHA1 || t == TRANSFORM_LENGTH;
}

bool transform_touches(enum transform t, uint8_t byte)
{
    switch (t) {
    case TRANSFORM_LOWER:
        return byte >= 'A' && byte <= 'Z';
    case TRANSFORM_URL_DECODE:
    case TRANSFORM_URL_DECODE_UNI:
        return byte == '%' || byte == '+';
    case TRANSFORM_HTML_DECODE:
        return byte == '&';
    case TRANSFORM_JS_DECODE:
    case TRANSFORM_CSS_DECODE:
    case TRANSFORM_ESCAPE_SEQ_DECODE:
        return byte == '\\';
    case TRANSFORM_NORMALIZE_PATH:
        return byte == '/' || byte == '.';
    case TRANSFORM_NORMALIZE_PATH_WIN:
        return byte == '/' || byte == '.' || byte == '\\';
    case TRANSFORM_REMOVE_NULLS:
    case TRANSFORM_REPLACE_NULLS:
        return !byte;
    case TRANSFORM_COMPRESS_WHITESPACE:
    case TRANSFORM_TRIM:
        return is_class(byte, CLASS_SPACE);
    case TRANSFORM_REMOVE_WHITESPACE:
        return is_class(byte, CLASS_REMOVED);
    case TRANSFORM_REPLACE_COMMENTS:
        return byte == '/';
    case TRANSFORM_REMOVE_COMMENTS:
    case TRANSFORM_REMOVE_COMMENT_CHARS:
        return is_class(byte, CLASS_COMMENT);
    case TRANSFORM_CMD_LINE:
        return is_class(byte, CLASS_COMMAND);
    case TRANSFORM_UTF8_TO_UNICODE:
        return byte >= 0x80;
    case TRANSFORM_UTF8_MARKED:
        return byte >= 0x80 || !byte;
    default:
        return true;
    }
}

struct span transform_apply(enum transform t, struct span in, uint8_t *buf)
{
    return table[t].run(in, buf);
}
