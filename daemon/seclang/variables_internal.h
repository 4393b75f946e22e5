/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef SLUICE_SECLANG_VARIABLES_INTERNAL_H
#define SLUICE_SECLANG_VARIABLES_INTERNAL_H

#include "base/arena.h"
#include "seclang/variables.h"

/* Names and values that grow in the arena. */
struct sec_list {
    struct sec_value *at;
    uint32_t n, cap;
};

/* Bytes that grow in the arena. */
struct sec_bytes {
    uint8_t *at;
    size_t len, cap;
};

/* What a reader of bodies found. */
struct sec_body {
    bool read;
    struct span bytes; /* up to the limit */
    bool over;         /* the limit */
    bool cut;          /* by app/: what is there counts, and that its end is missing is no error */
    bool failed;
    struct span error; /* with failed: why */
    struct sec_list files, files_names, files_sizes, files_contents;
    struct sec_list part_names, part_filenames, part_headers;
};

struct sec_vars {
    const struct sec_settings *settings; /* as loaded, or `own` */
    const struct sec_settings *loaded;
    struct sec_settings own; /* where ctl has said another limit */
    struct sec_connection connection;
    const struct http_tx *tx;
    unsigned phase;
    bool forced_body;          /* REQUEST_BODY is there for XML, too */
    enum sec_processor parser; /* SEC_BODY_JSON or SEC_BODY_XML, where ctl says so: it goes before the rest */
    enum sec_processor form;   /* SEC_BODY_URLENCODED or SEC_BODY_MULTIPART, where ctl says so */
    enum sec_processor said;   /* the last that ctl said */
    bool request_body, response_body;
    struct arena arena;
    bool failed;
    uint64_t known[(SEC_VARS + 63) / 64];      /* bits of the values that hold */
    uint64_t settled[5][(SEC_VARS + 63) / 64]; /* bits, by the phase behind which they hold */
    struct sec_values values[SEC_VARS];
    struct sec_value scalars[SEC_VARS];
    struct sec_list args; /* of the query, then of the body */
    bool query_read, bad_escape;
    uint32_t query_args, post_args; /* post_args: those of the body that are ARGS_POST too; JSON's are not */
    uint64_t args_size;             /* ARGS_COMBINED_SIZE, of which multipart's are no part */
    uint32_t counted;               /* arguments in it */
    struct sec_body body;
    struct sec_xml *xml;
};

/* False when out of memory, which is noted. */
bool sec_list_add(struct sec_vars *v, struct sec_list *l, struct span name, struct span value);
bool sec_bytes_add(struct sec_vars *v, struct sec_bytes *b, const void *data, size_t n);
/* Sets a variable that is no collection. */
void sec_set(struct sec_vars *v, enum sec_var var, struct span value);
void sec_set_text(struct sec_vars *v, enum sec_var var, const char *text);
void sec_set_copy(struct sec_vars *v, enum sec_var var, const char *text, size_t n);
void sec_set_number(struct sec_vars *v, enum sec_var var, uint64_t n);
void sec_set_list(struct sec_vars *v, enum sec_var var, const struct sec_value *at, uint32_t n);
/* A list of names alone: each is its own value. */
void sec_set_names(struct sec_vars *v, enum sec_var var, const struct sec_value *at, uint32_t n);
/* "text" as a span; printf into the arena. */
struct span sec_text_span(const char *text);
struct span sec_print(struct sec_vars *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The last header of that name (lower case): it is the one that ModSecurity takes. NULL where there is none. */
const struct http_field *sec_header(const struct http_list *l, const char *name);
bool sec_is_word(struct span s, const char *lower);
bool sec_starts_with(struct span s, const char *lower);
bool sec_is_space(uint8_t c);

/* What a source of values does: sets the variable that is asked for, and others as it comes. */
void sec_fill_uri(struct sec_vars *v, enum sec_var var);
void sec_fill_headers(struct sec_vars *v, enum sec_var var);
void sec_fill_cookies(struct sec_vars *v, enum sec_var var);
void sec_fill_connection(struct sec_vars *v, enum sec_var var);
void sec_fill_time(struct sec_vars *v, enum sec_var var);
void sec_fill_args(struct sec_vars *v, enum sec_var var);
void sec_fill_body(struct sec_vars *v, enum sec_var var);
void sec_fill_full_request(struct sec_vars *v, enum sec_var var);
void sec_fill_response(struct sec_vars *v, enum sec_var var);

/* args.c */
void sec_args_urlencoded(struct sec_vars *v, struct span in);
/* Puts an argument; false where it is over SecArgumentsLimit, or memory is out. */
bool sec_args_add(struct sec_vars *v, struct span name, struct span value);
/* What is wanted of the query string is there. */
void sec_args_of_query(struct sec_vars *v);

/* uri.c: percent-decoding as ModSecurity does it for the URI. In `in` itself where nothing changes. */
struct span sec_uri_decode(struct sec_vars *v, struct span in, bool plus, bool *broken);
struct span sec_uri_query(struct span uri);

/* body.c: reads the body, once, from phase 2 on. */
void sec_body_read(struct sec_vars *v);
bool sec_response_is_read(const struct sec_vars *v);
/* Over SecResponseBodyLimit, or SecRequestBodyLimit. */
bool sec_response_is_over(const struct sec_vars *v);
bool sec_request_is_over(const struct sec_vars *v);

/* json.c, xml.c, multipart.c: read v->body.bytes. */
void sec_json_read(struct sec_vars *v);
void sec_xml_read(struct sec_vars *v);
struct sec_values sec_xml_get(struct sec_vars *v, struct span xpath);
void sec_xml_forget(struct sec_vars *v);
/* Also sets the MULTIPART_ flags. `type` is the Content-Type. The bytes that are no file's contents. */
uint64_t sec_multipart_read(struct sec_vars *v, struct span type);

#endif
