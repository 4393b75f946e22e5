/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inspect/field.h"

#include <stdio.h>

#include "config/reader.h"
#include "inspect/ruleset.h"

#define U8_MAX 0xffu
#define U16_MAX 0xffffu
#define U32_MAX 0xffffffffu
#define AT(member) (uint16_t) offsetof(struct packet, member)
#define L4(kind) (GUARD_L4 + (kind))

#define NUMBER(n, g, l, m, mx)                                                                                         \
    {                                                                                                                  \
        .name = n, .type = TYPE_INT, .guard = g, .load = l, .at = AT(m), .max = mx                                     \
    }
#define PORT(n, g, m)                                                                                                  \
    {                                                                                                                  \
        .name = n, .type = TYPE_INT, .guard = g, .load = LOAD_U16, .at = AT(m), .max = U16_MAX, .port = true           \
    }
#define PORTS(proto, g)                                                                                                \
    PORT(proto ".srcport", g, srcport), PORT(proto ".dstport", g, dstport),                                            \
    {                                                                                                                  \
        .name = proto ".port", .type = TYPE_INT, .guard = g, .load = LOAD_BOTH_PORTS, .max = U16_MAX, .port = true     \
    }
#define FLAG(n, bit)                                                                                                   \
    {                                                                                                                  \
        .name = n, .type = TYPE_BOOL, .guard = L4(L4_TCP), .load = LOAD_BIT_U8, .at = AT(tcp_flags), .arg = bit        \
    }
#define PROTO(n, number)                                                                                               \
    {                                                                                                                  \
        .name = n, .type = TYPE_BOOL, .load = LOAD_PROTO_IS, .arg = number                                             \
    }
#define HTTP(n, m, w, need)                                                                                            \
    {                                                                                                                  \
        .name = n, .type = TYPE_BYTES, .load = LOAD_HTTP_SPAN, .at = (uint16_t)offsetof(struct http_tx, m),            \
        .first = w, .last = w, .needs = RULES_NEED_HTTP | (need)                                                       \
    }
#define LIST(n, m, part, w, end, need)                                                                                 \
    {                                                                                                                  \
        .name = n, .type = TYPE_BYTES, .load = LOAD_HTTP_LIST, .at = (uint16_t)offsetof(struct http_tx, m),            \
        .arg = part, .first = w, .last = end, .needs = RULES_NEED_HTTP | (need)                                        \
    }
#define LISTS(n, m, part, w, end, need)                                                                                \
    LIST(n, m, part, w, end, need), LIST(n ".names", m, (part) | LIST_NAMES, w, end, need)
#define HEADER(n, number)                                                                                              \
    {                                                                                                                  \
        .name = n, .type = TYPE_BYTES, .load = LOAD_HTTP_HEADER, .arg = number, .first = WHEN_REQUEST_HEAD,            \
        .last = WHEN_REQUEST_HEAD, .needs = RULES_NEED_HTTP                                                            \
    }
#define NAMED(n, l, set)                                                                                               \
    {                                                                                                                  \
        .name = n, .type = TYPE_NAMES, .load = l, .names = set                                                         \
    }

const struct field fields[] = {
    {.name = "in.dev", .type = TYPE_BYTES, .load = LOAD_DEV_NAME, .at = AT(meta.in_dev)},
    {.name = "out.dev", .type = TYPE_BYTES, .load = LOAD_DEV_NAME, .at = AT(meta.out_dev)},
    {.name = "in.side", .type = TYPE_NAMES, .load = LOAD_SIDE, .at = AT(meta.in_dev), .names = NAMES_SIDE},
    {.name = "out.side", .type = TYPE_NAMES, .load = LOAD_SIDE, .at = AT(meta.out_dev), .names = NAMES_SIDE},
    {.name = "eth.src", .type = TYPE_MAC, .guard = GUARD_ETH_SRC, .load = LOAD_MAC, .at = AT(meta.eth_src)},
    {.name = "eth.dst", .type = TYPE_MAC, .guard = GUARD_ETH_DST, .load = LOAD_MAC, .at = AT(meta.eth_dst)},
    NUMBER("vlan.id", GUARD_VLAN, LOAD_VLAN_ID, meta.vlan_tci, 4095),
    {.name = "ip", .type = TYPE_BOOL, .load = LOAD_IP},
    {.name = "ipv4", .type = TYPE_BOOL, .load = LOAD_IP, .arg = 4},
    {.name = "ipv6", .type = TYPE_BOOL, .load = LOAD_IP, .arg = 6},
    NUMBER("ip.version", GUARD_IP, LOAD_U8, ip_version, U8_MAX),
    {.name = "ip.src", .type = TYPE_ADDR, .guard = GUARD_IP, .load = LOAD_ADDR, .at = AT(src)},
    {.name = "ip.dst", .type = TYPE_ADDR, .guard = GUARD_IP, .load = LOAD_ADDR, .at = AT(dst)},
    {.name = "ip.addr", .type = TYPE_ADDR, .guard = GUARD_IP, .load = LOAD_BOTH_ADDRS},
    {.name = "ip.proto",
     .type = TYPE_INT,
     .guard = GUARD_IP,
     .load = LOAD_U8,
     .at = AT(ip_proto),
     .max = U8_MAX,
     .names = NAMES_PROTO},
    NUMBER("ip.ttl", GUARD_IP, LOAD_U8, ip_ttl, U8_MAX),
    NUMBER("ip.tos", GUARD_IP, LOAD_U8, ip_tos, U8_MAX),
    NUMBER("ip.len", GUARD_IP, LOAD_U32, ip_len, U32_MAX),
    NUMBER("ip.id", GUARD_IP, LOAD_U32, ip_id, U32_MAX),
    {.name = "ip.frag", .type = TYPE_BOOL, .guard = GUARD_IP, .load = LOAD_TRUE_IF_U8, .at = AT(is_fragment)},
    NUMBER("ip.frag_offset", GUARD_IP, LOAD_U16, frag_offset, U16_MAX),
    NAMED("ip.options", LOAD_OPTIONS, NAMES_OPTION),
    PROTO("tcp", 6),
    PORTS("tcp", L4(L4_TCP)),
    NUMBER("tcp.flags", L4(L4_TCP), LOAD_U8, tcp_flags, U8_MAX),
    FLAG("tcp.flags.fin", TCP_FLAG_FIN),
    FLAG("tcp.flags.syn", TCP_FLAG_SYN),
    FLAG("tcp.flags.rst", TCP_FLAG_RST),
    FLAG("tcp.flags.psh", TCP_FLAG_PSH),
    FLAG("tcp.flags.ack", TCP_FLAG_ACK),
    FLAG("tcp.flags.urg", TCP_FLAG_URG),
    FLAG("tcp.flags.ece", TCP_FLAG_ECE),
    FLAG("tcp.flags.cwr", TCP_FLAG_CWR),
    NUMBER("tcp.window", L4(L4_TCP), LOAD_U16, tcp_window, U16_MAX),
    NUMBER("tcp.mss", L4(L4_TCP), LOAD_MSS, tcp_mss, U16_MAX),
    NUMBER("tcp.seq", L4(L4_TCP), LOAD_U32, tcp_seq, U32_MAX),
    NUMBER("tcp.ack", L4(L4_TCP), LOAD_U32, tcp_ack, U32_MAX),
    PROTO("udp", 17),
    PORTS("udp", L4(L4_UDP)),
    PROTO("udplite", 136),
    PORTS("udplite", L4(L4_UDPLITE)),
    PROTO("icmp", 1),
    NUMBER("icmp.type", L4(L4_ICMP), LOAD_U8, icmp_type, U8_MAX),
    NUMBER("icmp.code", L4(L4_ICMP), LOAD_U8, icmp_code, U8_MAX),
    PROTO("icmpv6", 58),
    NUMBER("icmpv6.type", L4(L4_ICMPV6), LOAD_U8, icmp_type, U8_MAX),
    NUMBER("icmpv6.code", L4(L4_ICMPV6), LOAD_U8, icmp_code, U8_MAX),
    PROTO("sctp", 132),
    PORTS("sctp", L4(L4_SCTP)),
    NUMBER("sctp.chunk_type", L4(L4_SCTP), LOAD_U8, sctp_chunk_type, U8_MAX),
    PROTO("gre", 47),
    NUMBER("gre.proto", L4(L4_GRE), LOAD_U16, gre_proto, U16_MAX),
    NUMBER("gre.key", L4(L4_GRE), LOAD_GRE_KEY, gre_key, U32_MAX),
    NAMED("ct.state", LOAD_STATE, NAMES_STATE),
    NAMED("ct.direction", LOAD_DIRECTION, NAMES_DIRECTION),
    {.name = "ct.mark",
     .type = TYPE_INT,
     .guard = GUARD_CT_MARK,
     .load = LOAD_U32,
     .at = AT(meta.ct_mark),
     .max = U32_MAX,
     .needs = RULES_NEED_CT_MARK},
    NUMBER("packet.mark", GUARD_ALWAYS, LOAD_U32, meta.mark, U32_MAX),
    NUMBER("packet.len", GUARD_ALWAYS, LOAD_U32, meta.full_len, U32_MAX),
    NAMED("packet.anomaly", LOAD_ANOMALIES, NAMES_ANOMALY),
    {.name = "payload",
     .type = TYPE_BYTES,
     .guard = GUARD_IP,
     .load = LOAD_PAYLOAD,
     .first = WHEN_PACKET,
     .last = WHEN_PACKET,
     .needs = RULES_NEED_PAYLOAD},
    {.name = "stream.to_server",
     .type = TYPE_BYTES,
     .load = LOAD_STREAM,
     .first = WHEN_TO_SERVER,
     .last = WHEN_TO_SERVER,
     .needs = RULES_NEED_TO_SERVER},
    {.name = "stream.to_client",
     .type = TYPE_BYTES,
     .load = LOAD_STREAM,
     .first = WHEN_TO_CLIENT,
     .last = WHEN_TO_CLIENT,
     .needs = RULES_NEED_TO_CLIENT},
    {.name = "http",
     .type = TYPE_BOOL,
     .load = LOAD_HTTP,
     .first = WHEN_REQUEST_HEAD,
     .last = WHEN_REQUEST_HEAD,
     .needs = RULES_NEED_HTTP},
    HTTP("http.method", method, WHEN_REQUEST_HEAD, 0),
    HTTP("http.version", version, WHEN_REQUEST_HEAD, 0),
    HTTP("http.host", host, WHEN_REQUEST_HEAD, 0),
    HTTP("http.uri", uri, WHEN_REQUEST_HEAD, 0),
    HTTP("http.uri.path", path, WHEN_REQUEST_HEAD, 0),
    HTTP("http.uri.query", query, WHEN_REQUEST_HEAD, 0),
    LISTS("http.headers", headers, LIST_CASELESS, WHEN_REQUEST_HEAD, WHEN_REQUEST_HEAD, 0),
    LISTS("http.cookies", cookies, 0, WHEN_REQUEST_HEAD, WHEN_REQUEST_HEAD, 0),
    HEADER("http.user_agent", 0),
    HEADER("http.referer", 1),
    HEADER("http.content_type", 2),
    LISTS("http.args", args, 0, WHEN_REQUEST_HEAD, WHEN_REQUEST_BODY, RULES_NEED_ARGS),
    LISTS("http.body.args", args, LIST_BODY, WHEN_REQUEST_BODY, WHEN_REQUEST_BODY, RULES_NEED_ARGS),
    LISTS("http.files", files, 0, WHEN_REQUEST_BODY, WHEN_REQUEST_BODY, RULES_NEED_ARGS),
    LISTS("http.part_headers", part_headers, LIST_CASELESS, WHEN_REQUEST_BODY, WHEN_REQUEST_BODY, RULES_NEED_ARGS),
    HTTP("http.body", body, WHEN_REQUEST_BODY, RULES_NEED_BODY),
    {.name = "http.status",
     .type = TYPE_INT,
     .load = LOAD_HTTP_STATUS,
     .first = WHEN_RESPONSE_HEAD,
     .last = WHEN_RESPONSE_HEAD,
     .needs = RULES_NEED_HTTP | RULES_NEED_RESPONSE,
     .max = 999},
    LISTS("http.response.headers", response_headers, LIST_CASELESS, WHEN_RESPONSE_HEAD, WHEN_RESPONSE_HEAD,
          RULES_NEED_RESPONSE),
    HTTP("http.response.body", response_body, WHEN_RESPONSE_BODY, RULES_NEED_RESPONSE | RULES_NEED_RESPONSE_BODY),
    {.name = "http.anomaly",
     .type = TYPE_NAMES,
     .load = LOAD_HTTP_ANOMALIES,
     .names = NAMES_HTTP_ANOMALY,
     .first = WHEN_REQUEST_HEAD,
     .last = WHEN_RESPONSE_BODY,
     .needs = RULES_NEED_HTTP},
    {.name = "score",
     .type = TYPE_INT,
     .load = LOAD_SCORE,
     .first = WHEN_REQUEST_HEAD,
     .last = WHEN_RESPONSE_BODY,
     .needs = RULES_NEED_HTTP,
     .max = INT32_MAX},
};
const unsigned field_count = ARRAY_LEN(fields);

int field_find(const char *name, size_t len)
{
    for (unsigned i = 0; i < field_count; i++)
        if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
            return (int)i;
    return -1;
}

const char *field_guess(const char *name, size_t len)
{
    const char *names[ARRAY_LEN(fields) + 1] = {NULL};
    char word[32];
    if (len >= sizeof word)
        return NULL;
    memcpy(word, name, len);
    word[len] = '\0';
    for (unsigned i = 0; i < field_count; i++)
        names[i] = fields[i].name;
    return reader_nearest(word, names);
}

const char *field_header(const struct field *f)
{
    static const char *const headers[] = {"user-agent", "referer", "content-type"};
    return headers[f->arg];
}

bool field_grows(const struct field *f)
{
    return f->load == LOAD_HTTP_ANOMALIES || f->load == LOAD_SCORE;
}

const char *field_type_name(enum field_type t)
{
    static const char *const names[] = {"true or false", "an integer", "a MAC address",
                                        "a name",        "an address", "a string"};
    return names[t];
}

static const char *const sides[] = {"none", "inside", "outside"};
static const char *const states[] = {"none", "new", "established", "related", "invalid", "untracked"};
static const char *const directions[] = {"none", "original", "reply"};

/* Of enums the value 0 is "none": absent, so it has no name. */
static const char *name_at(enum field_names set, unsigned i)
{
    switch (set) {
    case NAMES_SIDE:
        return i && i < ARRAY_LEN(sides) ? sides[i] : NULL;
    case NAMES_STATE:
        return i && i < ARRAY_LEN(states) ? states[i] : NULL;
    case NAMES_DIRECTION:
        return i && i < ARRAY_LEN(directions) ? directions[i] : NULL;
    case NAMES_ANOMALY:
        return i < ANOMALY_COUNT ? packet_anomaly_name(1u << i) : NULL;
    case NAMES_OPTION:
        return i < IP_OPTION_COUNT ? ip_option_name(1u << i) : NULL;
    case NAMES_PROTO:
        return i < 256 ? ip_proto_name((uint8_t)i) : NULL;
    case NAMES_HTTP_ANOMALY:
        return i < HTTP_ANOMALIES ? http_anomaly_name(i) : NULL;
    case NAMES_NONE:
        break;
    }
    return NULL;
}

uint64_t names_bit(enum field_names set, const char *name)
{
    for (unsigned i = 0; i < 64; i++) {
        const char *have = name_at(set, i);
        if (have && strcmp(have, name) == 0)
            return UINT64_C(1) << i;
    }
    return 0;
}

const char *names_guess(enum field_names set, const char *name)
{
    const char *names[257] = {NULL};
    size_t n = 0;
    for (unsigned i = 0; i < 256; i++)
        if (name_at(set, i))
            names[n++] = name_at(set, i);
    return reader_nearest(name, names);
}

const char *names_list(enum field_names set, char *buf, size_t size)
{
    size_t used = 0;
    buf[0] = '\0';
    for (unsigned i = 0; i < 256; i++) {
        const char *name = name_at(set, i);
        if (!name)
            continue;
        if (used + strlen(name) + sizeof ", , ..." > size) {
            (void)snprintf(buf + used, size - used, ", ...");
            break;
        }
        used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "", name);
    }
    return buf;
}

static bool present(const struct field *f, const struct packet *p)
{
    switch (f->guard) {
    case GUARD_ALWAYS:
        return true;
    case GUARD_IP:
        return p->ip_version != 0;
    case GUARD_VLAN:
        return p->meta.has_vlan;
    case GUARD_ETH_SRC:
        return p->meta.has_eth_src;
    case GUARD_ETH_DST:
        return p->meta.has_eth_dst;
    case GUARD_CT_MARK:
        return p->meta.has_ct_mark;
    default:
        return (unsigned)p->l4 == (unsigned)f->guard - GUARD_L4;
    }
}

static const uint8_t *where(const struct field *f, const struct packet *p)
{
    return (const uint8_t *)p + f->at;
}

static uint16_t load_u16(const uint8_t *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static uint32_t load_u32(const uint8_t *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return v;
}

static uint64_t load_mac(const uint8_t *at)
{
    uint64_t v = 0;
    for (int i = 0; i < 6; i++)
        v = v << 8 | at[i];
    return v;
}

static const struct iface *load_dev(const struct field *f, const struct packet *p)
{
    const struct iface *dev;
    memcpy(&dev, where(f, p), sizeof dev);
    return dev;
}

static unsigned bits(uint64_t *v, uint64_t mask)
{
    *v = mask;
    return mask != 0;
}

static unsigned bit_of(uint64_t *v, unsigned value)
{
    return bits(v, value ? UINT64_C(1) << value : 0);
}

static unsigned named_bits(const struct field *f, const struct packet *p, uint64_t *v)
{
    const struct iface *dev;
    switch (f->load) {
    case LOAD_SIDE:
        dev = load_dev(f, p);
        return bit_of(v, dev ? dev->side : SIDE_NONE);
    case LOAD_STATE:
        return bit_of(v, p->meta.ct_state);
    case LOAD_DIRECTION:
        return bit_of(v, p->meta.ct_dir);
    case LOAD_ANOMALIES:
        return bits(v, p->anomalies);
    default:
        return bits(v, p->ip_version ? p->ip_options : 0);
    }
}

static unsigned special_ints(const struct field *f, const struct packet *p, uint64_t v[2])
{
    switch (f->load) {
    case LOAD_VLAN_ID:
        v[0] = p->meta.vlan_tci & 0xfff;
        return 1;
    case LOAD_BOTH_PORTS:
        v[0] = p->srcport;
        v[1] = p->dstport;
        return 2;
    case LOAD_MSS:
        v[0] = p->tcp_mss;
        return p->tcp_has_mss;
    case LOAD_GRE_KEY:
        v[0] = p->gre_key;
        return p->gre_has_key;
    case LOAD_IP:
        v[0] = p->ip_version && (!f->arg || p->ip_version == f->arg);
        return 1;
    case LOAD_PROTO_IS:
        v[0] = p->ip_version && p->ip_proto == f->arg;
        return 1;
    default:
        return named_bits(f, p, v);
    }
}

unsigned field_ints(const struct field *f, const struct packet *p, uint64_t v[2])
{
    if (!present(f, p))
        return 0;
    switch (f->load) {
    case LOAD_U8:
        v[0] = *where(f, p);
        return 1;
    case LOAD_U16:
        v[0] = load_u16(where(f, p));
        return 1;
    case LOAD_U32:
        v[0] = load_u32(where(f, p));
        return 1;
    case LOAD_MAC:
        v[0] = load_mac(where(f, p));
        return 1;
    case LOAD_TRUE_IF_U8:
        v[0] = *where(f, p) != 0;
        return 1;
    case LOAD_BIT_U8:
        v[0] = (*where(f, p) & f->arg) != 0;
        return 1;
    default:
        return special_ints(f, p, v);
    }
}

unsigned field_addrs(const struct field *f, const struct packet *p, const struct ip_addr *v[2])
{
    if (!present(f, p))
        return 0;
    if (f->load == LOAD_BOTH_ADDRS) {
        v[0] = &p->src;
        v[1] = &p->dst;
        return 2;
    }
    v[0] = f->at == offsetof(struct packet, src) ? &p->src : &p->dst;
    return 1;
}

unsigned field_bytes(const struct field *f, const struct packet *p, struct span *v)
{
    if (!present(f, p))
        return 0;
    if (f->load == LOAD_PAYLOAD) {
        *v = p->payload;
        return 1;
    }
    const struct iface *dev = load_dev(f, p);
    if (!dev)
        return 0;
    *v = span_of(dev->name, strnlen(dev->name, sizeof dev->name));
    return 1;
}
