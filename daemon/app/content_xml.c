/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <string.h>

#include "app/content_xml_scan.h"

/* Bytes that the parser gets at once, and errors behind which no more come. */
#define PIECE 32768
#define ERRORS_MAX 100

/* An element that is open; kept for the next one of the same depth. */
struct element {
    struct element *up, *down;
    size_t path; /* length of its own path */
    bool any;    /* something of it was put already */
};

struct xml {
    struct content_sink *s;
    xmlParserCtxtPtr parser;
    struct content_path path;
    struct content_bytes text; /* read since the last tag */
    struct element root;       /* stands for the document */
    struct element *top;
    uint32_t depth;
    unsigned errors;
    bool stopped; /* what the parser still says of this piece is not listened to */
};

static void stop(struct xml *x)
{
    x->stopped = true;
}

static void put(struct xml *x, struct span value)
{
    x->top->any = true;
    if (!content_path_put(x->s, &x->path, value, value.len))
        stop(x);
}

/* What was read goes to args and keeps its memory; what is behind it serves the next text. */
static void put_text(struct xml *x)
{
    struct span v = span_of(x->text.at, x->text.len);
    if (!content_trim(v).len) {
        x->text.len = 0;
        return;
    }
    x->path.text.len = x->top->path;
    put(x, v);
    x->text = (struct content_bytes){.at = x->text.at + v.len, .cap = x->text.cap - v.len};
}

static bool descend(struct xml *x)
{
    if (x->depth >= x->s->max_depth) {
        content_note(x->s, HTTP_TOO_DEEP);
        return false;
    }
    struct element *e = x->top->down;
    if (!e) {
        e = arena_alloc(x->s->arena, sizeof *e);
        if (!e) {
            x->s->failed = true;
            return false;
        }
        e->up = x->top;
        x->top->down = e;
    }
    x->top->any = true;
    e->any = false;
    x->top = e;
    x->depth++;
    return true;
}

static struct span name_span(const xmlChar *name)
{
    return span_of(name, strlen((const char *)name));
}

/* An ampersand comes as "&#38;" from the reader, which expands nothing that could be expanded once more. */
static size_t unescape(uint8_t *v, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        v[n++] = v[i];
        if (v[i] == '&' && len - i >= 5 && !memcmp(v + i, "&#38;", 5))
            i += 4;
    }
    return n;
}

static void put_attribute(struct xml *x, const xmlChar *const *attribute)
{
    size_t len = (size_t)(attribute[4] - attribute[3]);
    uint8_t *copy = (uint8_t *)arena_copy(x->s->arena, attribute[3], len);
    if (!copy || !content_path_step(x->s, &x->path, x->top->path, '@', name_span(attribute[0]))) {
        x->s->failed = true;
        stop(x);
        return;
    }
    put(x, span_of(copy, unescape(copy, len)));
}

static void on_start(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
                     const xmlChar **namespace_at, int attributes, int defaulted, const xmlChar **at)
{
    (void)prefix, (void)uri, (void)namespaces, (void)namespace_at;
    struct xml *x = ctx;
    if (x->stopped)
        return;
    put_text(x);
    size_t above = x->top->path;
    if (x->stopped)
        return;
    if (!descend(x) || !content_path_step(x->s, &x->path, above, '.', name_span(name))) {
        stop(x);
        return;
    }
    x->top->path = x->path.text.len;
    /* Those that only a DTD's default gives come last; they are none of the document's own. */
    for (int i = 0; i < attributes - defaulted && !x->stopped; i++)
        put_attribute(x, at + (size_t)i * 5);
}

static void on_end(void *ctx, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    (void)name, (void)prefix, (void)uri;
    struct xml *x = ctx;
    if (x->stopped || !x->top->up)
        return;
    put_text(x);
    x->path.text.len = x->top->path;
    if (!x->stopped && !x->top->any)
        put(x, span_of(NULL, 0));
    x->top = x->top->up;
    x->depth--;
}

static void on_text(void *ctx, const xmlChar *at, int len)
{
    struct xml *x = ctx;
    if (!x->stopped && len > 0 && !content_append(x->s, &x->text, at, (size_t)len))
        stop(x);
}

/* A reference to an entity that is not XML's own stays as it was written. */
static void on_reference(void *ctx, const xmlChar *name)
{
    on_text(ctx, (const xmlChar *)"&", 1);
    on_text(ctx, name, (int)strlen((const char *)name));
    on_text(ctx, (const xmlChar *)";", 1);
}

/* An internal subset that is still there is in an encoding in which it could not be taken out. */
static void on_doctype(void *ctx, const xmlChar *name, const xmlChar *public_id, const xmlChar *system_id)
{
    (void)name;
    struct xml *x = ctx;
    const xmlChar *next = x->parser->input ? x->parser->input->cur : NULL;
    bool subset = next && *next == '[';
    if (public_id || system_id || subset)
        content_note(x->s, HTTP_BAD_XML);
    if (subset)
        stop(x);
}

/* Errors are told by wellFormed too; this keeps them from being written anywhere. */
static void on_error(void *ctx, xmlErrorPtr error)
{
    (void)error;
    struct xml *x = ctx;
    if (x->errors++ == ERRORS_MAX) {
        content_note(x->s, HTTP_BAD_XML);
        stop(x);
    }
}

/* No callback that declares or resolves an entity or loads a subset: none exists, so none is expanded or fetched. */
static const xmlSAXHandler handler = {
    .initialized = XML_SAX2_MAGIC,
    .internalSubset = on_doctype,
    .startElementNs = on_start,
    .endElementNs = on_end,
    .characters = on_text,
    .ignorableWhitespace = on_text,
    .cdataBlock = on_text,
    .reference = on_reference,
    .serror = on_error,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool open_parser(struct xml *x)
{
    xmlSAXHandler sax = handler;
    pthread_once(&once, xmlInitParser);
    x->parser = xmlCreatePushParserCtxt(&sax, x, NULL, 0, NULL);
    if (!x->parser) {
        x->s->failed = true;
        return false;
    }
    /* Recovering reads on behind errors, as lenient servers do. */
    xmlCtxtUseOptions(x->parser, XML_PARSE_NONET | XML_PARSE_RECOVER | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    x->parser->sax->serror = on_error;
    return true;
}

static void close_parser(struct xml *x)
{
    if (x->parser->myDoc)
        xmlFreeDoc(x->parser->myDoc);
    xmlFreeParserCtxt(x->parser);
}

static void feed(struct xml *x, struct span in)
{
    for (; in.len && !x->stopped; in = span_from(in, PIECE)) {
        struct span piece = span_first(in, PIECE);
        xmlParseChunk(x->parser, (const char *)piece.data, (int)piece.len, 0);
    }
}

/* The end makes the parser hand out what it holds; of a body that was cut it says nothing. */
static void finish(struct xml *x, bool cut)
{
    bool good = x->parser->wellFormed;
    if (!x->stopped)
        xmlParseChunk(x->parser, NULL, 0, 1);
    if (x->stopped)
        return;
    put_text(x);
    if (!good || (!cut && !x->parser->wellFormed))
        content_note(x->s, HTTP_BAD_XML);
}

/* EBCDIC, which nobody sends, would pass by what is scanned before. */
static bool is_ebcdic(struct span in)
{
    return in.len >= 4 && !memcmp(in.data, "\x4c\x6f\xa7\x94", 4);
}

void content_xml(struct content_sink *s, struct span in, bool cut)
{
    struct xml x = {.s = s};
    x.top = &x.root;
    size_t behind, subset = content_xml_subset(in, &behind);
    size_t len = content_xml_crowded(in, s->max_args);
    if (len < in.len)
        content_note(s, HTTP_TOO_MANY_ARGS);
    if (subset < in.len || is_ebcdic(in))
        content_note(s, HTTP_BAD_XML);
    if (is_ebcdic(in) || !content_path_start(s, &x.path, "xml", in.len) || !open_parser(&x))
        return;
    x.root.path = x.path.text.len;
    cut = cut || len < in.len;
    in = span_first(in, len);
    feed(&x, span_first(in, subset));
    feed(&x, span_from(in, behind));
    finish(&x, cut);
    close_parser(&x);
}
