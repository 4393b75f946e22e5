/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <limits.h>
#include <stdlib.h>

#include "seclang/variables_internal.h"

/* Text and nodes that an XPath may gather: entities could make them grow without end. */
#define GATHER_MIN ((size_t)64 * 1024)
#define GATHER_TIMES 16
#define ENTITY_DEPTH 40

/* What an XPath gave. */
struct result {
    struct result *next;
    struct span xpath;
    struct sec_values values;
};

struct sec_xml {
    xmlDocPtr doc;
    struct result *results;
};

static xmlParserInputPtr no_entity(void *ctx, const xmlChar *public_id, const xmlChar *system_id)
{
    (void)ctx, (void)public_id, (void)system_id;
    return NULL;
}

static void say_nothing(void *ctx, const xmlError *e)
{
    (void)ctx, (void)e;
}

/* The tree as far as it could be read; nothing is fetched. */
static xmlDocPtr parse(struct span in, bool *well_formed)
{
    *well_formed = false;
    if (in.len > INT_MAX)
        return NULL;
    xmlParserCtxtPtr c = xmlCreatePushParserCtxt(NULL, NULL, (const char *)in.data, (int)in.len, NULL);
    if (!c)
        return NULL;
    xmlCtxtUseOptions(c, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    c->sax->resolveEntity = no_entity;
    xmlParseChunk(c, NULL, 0, 1);
    xmlDocPtr doc = c->myDoc;
    *well_formed = c->wellFormed;
    c->myDoc = NULL;
    xmlFreeParserCtxt(c);
    return doc;
}

void sec_xml_forget(struct sec_vars *v)
{
    if (v->xml)
        xmlFreeDoc(v->xml->doc);
    v->xml = NULL;
}

void sec_xml_read(struct sec_vars *v)
{
    bool well_formed;
    struct sec_xml *x = arena_alloc(&v->arena, sizeof *x);
    if (!x) {
        v->failed = true;
        return;
    }
    x->doc = parse(v->body.bytes, &well_formed);
    v->xml = x;
    v->body.failed = !well_formed && !v->body.cut;
    v->body.error = sec_text_span("XML: Failed parsing document.");
}

struct gather {
    struct sec_vars *v;
    struct sec_bytes text;
    size_t left; /* nodes and bytes that may be gathered yet */
};

static bool put(struct gather *g, const xmlChar *text)
{
    size_t n = text ? strlen((const char *)text) : 0;
    if (n >= g->left) {
        g->left = 0;
        return false;
    }
    g->left -= n + 1;
    return sec_bytes_add(g->v, &g->text, text, n);
}

static void put_children(struct gather *g, xmlNodePtr first, unsigned depth);

/* An entity of the document's own is put as what it stands for. */
static void put_entity(struct gather *g, xmlNodePtr node, unsigned depth)
{
    xmlEntityPtr e = xmlGetDocEntity(node->doc, node->name);
    if (e && depth < ENTITY_DEPTH)
        put_children(g, e->children, depth + 1);
}

/* The node behind `node` in document order, below `top`. */
static xmlNodePtr following(xmlNodePtr node, xmlNodePtr parent)
{
    if (node->type == XML_ELEMENT_NODE && node->children)
        return node->children;
    while (!node->next) {
        node = node->parent;
        if (!node || node == parent)
            return NULL;
    }
    return node->next;
}

/* The text of siblings and what is below them; comments and instructions are none. */
static void put_children(struct gather *g, xmlNodePtr first, unsigned depth)
{
    xmlNodePtr parent = first ? first->parent : NULL;
    for (xmlNodePtr n = first; n && g->left; n = following(n, parent)) {
        g->left--;
        if (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) {
            if (!put(g, n->content))
                return;
        } else if (n->type == XML_ENTITY_REF_NODE) {
            put_entity(g, n, depth);
        }
    }
}

static void put_node(struct gather *g, xmlNodePtr node)
{
    switch (node->type) {
    case XML_ELEMENT_NODE:
    case XML_ATTRIBUTE_NODE:
    case XML_DOCUMENT_NODE:
    case XML_DOCUMENT_FRAG_NODE:
        put_children(g, node->children, 0);
        break;
    case XML_ENTITY_REF_NODE:
        put_entity(g, node, 0);
        break;
    case XML_NAMESPACE_DECL:
        (void)put(g, ((xmlNsPtr)node)->href);
        break;
    case XML_TEXT_NODE:
    case XML_CDATA_SECTION_NODE:
    case XML_COMMENT_NODE:
    case XML_PI_NODE:
        (void)put(g, node->content);
        break;
    default:
        break;
    }
}

static void gather_values(struct sec_vars *v, xmlNodeSetPtr nodes, struct span xpath, struct sec_list *ret)
{
    struct gather g = {.v = v, .left = v->body.bytes.len * GATHER_TIMES + GATHER_MIN};
    for (int i = 0; nodes && i < nodes->nodeNr && g.left && !v->failed; i++) {
        put_node(&g, nodes->nodeTab[i]);
        struct span value = span_of(g.text.at, g.text.len);
        if (!sec_list_add(v, ret, xpath, value))
            return;
        /* What is behind a value serves the next one. */
        if (value.len)
            g.text = (struct sec_bytes){.at = g.text.at + value.len, .cap = g.text.cap - value.len};
    }
}

static struct sec_values evaluate(struct sec_vars *v, struct span xpath)
{
    struct sec_list l = {0};
    const char *text = arena_copy(&v->arena, xpath.data, xpath.len);
    xmlXPathContextPtr c = text && v->xml->doc ? xmlXPathNewContext(v->xml->doc) : NULL;
    if (!c)
        return (struct sec_values){0};
    c->error = (xmlStructuredErrorFunc)say_nothing;
    xmlXPathObjectPtr o = xmlXPathEvalExpression((const xmlChar *)text, c);
    if (o)
        gather_values(v, o->nodesetval, xpath, &l);
    xmlXPathFreeObject(o);
    xmlXPathFreeContext(c);
    return (struct sec_values){.at = l.at, .n = l.n};
}

struct sec_values sec_xml_get(struct sec_vars *v, struct span xpath)
{
    sec_body_read(v);
    if (!v->xml)
        return (struct sec_values){0};
    for (const struct result *r = v->xml->results; r; r = r->next)
        if (r->xpath.len == xpath.len && (!xpath.len || !memcmp(r->xpath.data, xpath.data, xpath.len)))
            return r->values;
    struct result *r = arena_alloc(&v->arena, sizeof *r);
    if (!r) {
        v->failed = true;
        return (struct sec_values){0};
    }
    *r = (struct result){.next = v->xml->results, .xpath = xpath, .values = evaluate(v, xpath)};
    v->xml->results = r;
    return r->values;
}
