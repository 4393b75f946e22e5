/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seclang/variables_internal.h"

#define NOTED(tx, a) ((tx)->anomalies >> (a)&1)

/* As far as it can be told: digits, as many as fit. */
static uint64_t declared_length(const struct sec_vars *v)
{
    const struct http_field *f = sec_header(&v->tx->headers, "content-length");
    uint64_t n = 0;
    for (size_t i = 0; f && i < f->value.len; i++) {
        unsigned digit = f->value.data[i] - '0';
        if (digit > 9 || n > (UINT64_MAX - 9) / 10)
            return 0;
        n = n * 10 + digit;
    }
    return n;
}

/* At least, where app/ has cut it off. */
static uint64_t whole_length(const struct sec_vars *v)
{
    uint64_t kept = v->tx->body.len, declared;
    if (!NOTED(v->tx, HTTP_BODY_TOO_LONG))
        return kept;
    declared = declared_length(v);
    return declared > kept ? declared : kept + 1;
}

bool sec_request_is_over(const struct sec_vars *v)
{
    uint64_t limit = v->settings->request_body_limit;
    return limit && whole_length(v) > limit;
}

/* Over SecRequestBodyLimit, all of it or what is beyond is not read. What app/ has cut off counts as over, too. */
static void take_bytes(struct sec_vars *v)
{
    const struct sec_settings *s = v->settings;
    struct span body = v->tx->body;
    v->body.cut = NOTED(v->tx, HTTP_BODY_TOO_LONG);
    v->body.over = v->body.cut || sec_request_is_over(v);
    if (sec_request_is_over(v))
        body = span_first(body, s->request_body_reject ? 0 : (size_t)s->request_body_limit);
    v->body.bytes = body;
}

/* JSON and XML where ctl says so; forms by Content-Type, too. */
static enum sec_processor choose(struct sec_vars *v)
{
    (void)sec_vars_get(v, SEC_REQBODY_PROCESSOR, (struct span){0});
    return v->parser ? v->parser : v->form;
}

static struct span content_type(const struct sec_vars *v)
{
    const struct http_field *f = sec_header(&v->tx->headers, "content-type");
    return f ? f->value : (struct span){0};
}

static void say_too_long(struct sec_vars *v)
{
    sec_set_text(v, SEC_REQBODY_ERROR, "1");
    sec_set_text(v, SEC_REQBODY_ERROR_MSG, "Request body excluding files is bigger than the maximum expected.");
    sec_set_text(v, SEC_INBOUND_DATA_ERROR, "1");
}

static void say_result(struct sec_vars *v, const char *what)
{
    const char *digit = v->body.failed ? "1" : "0";
    sec_set_text(v, SEC_REQBODY_ERROR, digit);
    sec_set_text(v, SEC_REQBODY_PROCESSOR_ERROR, digit);
    if (!v->body.failed)
        return;
    struct sec_bytes text = {0};
    struct span why = v->body.error;
    if (!sec_bytes_add(v, &text, what, strlen(what)) || !sec_bytes_add(v, &text, why.data, why.len))
        return;
    sec_set(v, SEC_REQBODY_ERROR_MSG, span_of(text.at, text.len));
    sec_set(v, SEC_REQBODY_PROCESSOR_ERROR_MSG, span_of(text.at, text.len));
}

static bool too_long(const struct sec_vars *v, uint64_t n)
{
    return v->settings->request_body_no_files_limit && n > v->settings->request_body_no_files_limit;
}

static void read_form(struct sec_vars *v)
{
    uint32_t before = v->args.n;
    sec_args_urlencoded(v, v->body.bytes);
    v->post_args = v->args.n - before;
}

static void read_multipart(struct sec_vars *v)
{
    uint32_t before = v->args.n;
    uint64_t length = sec_multipart_read(v, content_type(v));
    v->post_args = v->args.n - before;
    if (!v->body.failed && too_long(v, length))
        say_too_long(v);
    else
        say_result(v, "Multipart parsing error: ");
}

/* False where it was not. */
static bool read_as(struct sec_vars *v, enum sec_processor p)
{
    if (p != SEC_NO_PROCESSOR && p != SEC_BODY_MULTIPART &&
        too_long(v, v->body.cut ? whole_length(v) : v->body.bytes.len)) {
        say_too_long(v);
        return false;
    }
    switch (p) {
    case SEC_BODY_URLENCODED:
        read_form(v);
        break;
    case SEC_BODY_MULTIPART:
        read_multipart(v);
        break;
    case SEC_BODY_JSON:
        sec_json_read(v);
        say_result(v, "JSON parsing error: ");
        break;
    case SEC_BODY_XML:
        sec_xml_read(v);
        say_result(v, "XML parsing error: ");
        break;
    default:
        say_result(v, "");
        break;
    }
    return !v->body.failed;
}

/* What could not be taken apart as XML is there as it was sent. */
static void set_raw(struct sec_vars *v, bool as_xml)
{
    struct span raw = v->request_body ? v->body.bytes : (struct span){0};
    sec_set(v, SEC_REQUEST_BODY, as_xml && !v->forced_body ? (struct span){0} : raw);
    if (raw.len)
        sec_set_number(v, SEC_REQUEST_BODY_LENGTH, raw.len);
}

void sec_body_read(struct sec_vars *v)
{
    if (v->body.read || v->phase < 2)
        return;
    v->body.read = true;
    sec_args_of_query(v);
    take_bytes(v);
    sec_set_text(v, SEC_INBOUND_DATA_ERROR, v->body.over ? "1" : "0");
    enum sec_processor p = choose(v);
    bool read = read_as(v, p);
    set_raw(v, p == SEC_BODY_XML && read);
    const struct sec_body *b = &v->body;
    sec_set_list(v, SEC_FILES, b->files.at, b->files.n);
    sec_set_list(v, SEC_FILES_NAMES, b->files_names.at, b->files_names.n);
    sec_set_list(v, SEC_FILES_SIZES, b->files_sizes.at, b->files_sizes.n);
    sec_set_list(v, SEC_FILES_TMP_CONTENT, b->files_contents.at, b->files_contents.n);
    sec_set_list(v, SEC_MULTIPART_NAME, b->part_names.at, b->part_names.n);
    sec_set_list(v, SEC_MULTIPART_FILENAME, b->part_filenames.at, b->part_filenames.n);
    sec_set_list(v, SEC_MULTIPART_PART_HEADERS, b->part_headers.at, b->part_headers.n);
}

/* What the body sets stays known to the end; what it does not set is empty. */
void sec_fill_body(struct sec_vars *v, enum sec_var var)
{
    (void)var;
    sec_body_read(v);
}

/* "Name: value" lines, two empty ones, the body. */
void sec_fill_full_request(struct sec_vars *v, enum sec_var var)
{
    (void)var;
    const struct http_list *l = &v->tx->headers;
    struct sec_bytes text = {0};
    sec_body_read(v);
    if (v->phase < 2 || !v->request_body)
        return;
    for (uint32_t i = 0; i < l->n && !v->failed; i++)
        if (!sec_bytes_add(v, &text, l->at[i].name.data, l->at[i].name.len) || !sec_bytes_add(v, &text, ": ", 2) ||
            !sec_bytes_add(v, &text, l->at[i].value.data, l->at[i].value.len) || !sec_bytes_add(v, &text, "\n", 1))
            return;
    if (!sec_bytes_add(v, &text, "\n\n", 2) || !sec_bytes_add(v, &text, v->body.bytes.data, v->body.bytes.len))
        return;
    sec_set(v, SEC_FULL_REQUEST, span_of(text.at, text.len));
    sec_set_number(v, SEC_FULL_REQUEST_LENGTH, text.len);
}
