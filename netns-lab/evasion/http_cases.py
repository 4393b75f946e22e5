# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks disguised in HTTP. t is the case's tag, which only the attacking request carries."""
import base64
import gzip
import json
import zlib

from http_forms import (ANOMALY, HELLO, SCRIPT, attack, chunked, evil, form, get, head, header, http_case, many,
                        multipart, overlong, percent, post, query, smuggled)
from steps import NGINX, PYTHON, Reply, Text

ARGS, URI, HEADERS, COOKIES, BODY, FILES, NAMES, PARTS = 9002, 9001, 9004, 9005, 9006, 9007, 9010, 9171

# ---- where it stands
http_case("query", "in an argument", lambda t: get(t, query(evil(t))), (ARGS, URI), few=True)
http_case("path", "in the path", lambda t: get(t, b"/a/" + evil(t)), (URI,))
http_case("argument-name", "in an argument's name", lambda t: get(t, b"/?" + evil(t) + b"=1"), (NAMES, URI))
http_case("query-percent", "every byte percent-encoded", lambda t: get(t, query(percent(evil(t)))), (ARGS,))
http_case("form", "in a form", lambda t: form(t, b"a=1&q=" + evil(t)), (ARGS, BODY), few=True)
http_case("form-percent", "in a form, percent-encoded", lambda t: form(t, b"a=1&q=" + percent(evil(t))), (ARGS,))
http_case("form-name", "in a form field's name", lambda t: form(t, evil(t) + b"=1"), (NAMES, BODY))
http_case("form-charset", "a form whose type has parameters",
          lambda t: post(t, b"q=" + percent(evil(t)), b"Application/X-WWW-Form-URLencoded ; charset=utf-8"), (ARGS,))
http_case("form-many", "in the 900th field", lambda t: form(t, many(b"a%d=1&", 900) + b"q=" + percent(evil(t))), (ARGS,))
http_case("form-too-many", "in the 1,200th field", lambda t: form(t, many(b"a%d=1&", 1200) + b"q=" + percent(evil(t))),
          (ARGS, ANOMALY))
http_case("form-put", "in the body of a PUT", lambda t: form(t, b"q=" + percent(evil(t)), method=b"PUT"), (ARGS,))
http_case("get-with-body", "in the body of a GET", lambda t: form(t, b"q=" + percent(evil(t)), method=b"GET"), (ARGS,))
http_case("cookie", "in a cookie", lambda t: header(t, b"Cookie", b"a=1; q=" + evil(t)), (COOKIES, HEADERS), few=True)
http_case("cookie-second", "in the second Cookie header",
          lambda t: get(t, headers=[b"Cookie: a=1", b"Cookie: b=2; q=" + evil(t)]), (COOKIES, HEADERS))
http_case("referer", "in the referer", lambda t: header(t, b"Referer", b"http://a.test/?" + evil(t)), (HEADERS, 9009))
http_case("user-agent", "in the user agent", lambda t: header(t, b"uSeR-aGeNt", evil(t), agent=False), (HEADERS, 9008))
http_case("other-header", "in any header", lambda t: header(t, b"X-Forwarded-For", evil(t)), (HEADERS,))
http_case("header-name-case", "headers in odd case, no space", lambda t: [head(
    b"POST / HTTP/1.1", [b"hOsT:shop.test", b"X-CASE:" + t, b"CONTENT-length:27", b"cOnTeNt-TyPe:application/x-www-form-urlencoded"])
    + b"aaaa=1&q=" + evil(t)[:18].ljust(18, b"!")], (ARGS, BODY))
http_case("authorization", "in credentials, base64",
          lambda t: header(t, b"Authorization", b"Basic " + base64.b64encode(b"u:" + evil(t))), (9155,))

# ---- connections
for n in (1, 9):
    http_case(f"pipelined-{n + 1}", f"in request {n + 1} of a pipeline", lambda t, n=n: [HELLO * n + get(t, query(evil(t)))[0]],
              (ARGS, URI), few=n == 1)
http_case("pipelined-form", "in a form behind two requests", lambda t: [HELLO * 2 + form(t, b"q=" + percent(evil(t)))[0]], (ARGS,))
http_case("pipelined-cut", "the second request in a segment of its own, cut in its head",
          lambda t: [HELLO + get(t, query(evil(t)))[0][:20], get(t, query(evil(t)))[0][20:]], (ARGS, URI))
http_case("pipelined-behind-body", "behind a form", lambda t: [head(b"POST / HTTP/1.1", [b"Host: h.test", b"Content-Length: 5"])
          + b"a=b&c" + get(t, query(evil(t)))[0]], (ARGS, URI))
http_case("pipelined-behind-chunked", "behind a chunked body with trailers",
          lambda t: [head(b"POST / HTTP/1.1", [b"Host: h.test", b"Transfer-Encoding: chunked"])
                     + chunked(b"hello", 2, trailers=[b"X-Sum: 1"]) + get(t, query(evil(t)))[0]], (ARGS, URI))
http_case("pipelined-before", "first, with harmless ones behind", lambda t: [get(t, query(evil(t)))[0] + HELLO * 3], (ARGS, URI))
http_case("keep-alive-10", "the tenth request of a connection",
          lambda t: [x for n in range(9) for x in (HELLO, Reply(n + 1))] + get(t, query(evil(t))), (ARGS, URI), few=True)
http_case("continue", "the body after 100 Continue", lambda t: [
    head(b"POST / HTTP/1.1", [b"Host: h.test", b"X-Case: " + t, b"Expect: 100-continue", b"Content-Length: %d" % len(b"q=" + evil(t)),
                              b"Content-Type: application/x-www-form-urlencoded"]), Text(b"100 Continue"), b"q=" + evil(t)],
    (ARGS, BODY), few=True)
http_case("empty-lines-before", "empty lines before the request", lambda t: [b"\r\n\r\n" + get(t, query(evil(t)))[0]], (ARGS, URI, ANOMALY))
http_case("http-1.0", "HTTP/1.0", lambda t: get(t, query(evil(t)), version=b"HTTP/1.0"), (ARGS, URI))
http_case("http-1.0-keep-alive", "the second request of HTTP/1.0", lambda t: [
    b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Reply(1)] + get(t, query(evil(t)), version=b"HTTP/1.0"), (ARGS, URI))
http_case("http-0.9", "HTTP/0.9", lambda t: [b"GET " + query(evil(t)) + b"\r\n"], (ARGS, URI, ANOMALY))
http_case("http-1.2", "HTTP/1.2", lambda t: get(t, query(evil(t)), version=b"HTTP/1.2"), (ARGS, URI, ANOMALY))
http_case("http-2-preface", "HTTP/2 in the clear", lambda t: [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + evil(t)], (ANOMALY,),
          refused=(NGINX, PYTHON))
http_case("lower-case-method", "a method in lower case", lambda t: get(t, query(evil(t)), method=b"get"), (ARGS, URI, ANOMALY))
http_case("odd-method", "an unknown method", lambda t: get(t, query(evil(t)), method=b"FROBNICATE"), (ARGS, URI, ANOMALY))
http_case("no-host", "HTTP/1.1 without Host", lambda t: [head(b"GET / HTTP/1.1", [b"X-Case: " + t])], (ANOMALY,))
http_case("two-hosts", "two Hosts", lambda t: [head(b"GET / HTTP/1.1", [b"Host: a.test", b"Host: b.test", b"X-Case: " + t])], (ANOMALY,))
http_case("host-other-than-target", "another Host than in the target",
          lambda t: [head(b"GET http://a.test/ HTTP/1.1", [b"Host: b.test", b"X-Case: " + t])], (ANOMALY,))
http_case("bad-host", "a Host that is none", lambda t: [head(b"GET / HTTP/1.1", [b"Host: a.test/x?y", b"X-Case: " + t])], (ANOMALY,))
http_case("absolute-form", "a target with scheme and host", lambda t: get(t, b"http://h.test" + query(evil(t))), (ARGS, URI))
http_case("opaque-connect", "an attack behind CONNECT", lambda t: [head(b"CONNECT a.test:443 HTTP/1.1", [
    b"Host: a.test:443", b"X-Case: " + t]) + get(t, query(evil(t)))[0]], (ARGS, URI, ANOMALY), refused=(NGINX,))
http_case("opaque-upgrade", "an attack behind a request to upgrade", lambda t: [
    head(b"GET /hello HTTP/1.1", [b"Host: h.test", b"Upgrade: x", b"Connection: upgrade"])
    + get(t, query(evil(t)))[0]], (ARGS, URI, ANOMALY))
http_case("opaque-upgrade-lower-case", "the same with a method in lower case", lambda t: [
    head(b"GET /hello HTTP/1.1", [b"Host: h.test", b"Upgrade: x", b"Connection: upgrade"])
    + get(t, query(evil(t)), method=b"get")[0]], (ARGS, URI, ANOMALY))
http_case("pipelined-40", "behind 39 requests in a pipeline", lambda t: [HELLO * 39 + get(t, query(evil(t)))[0]], (ARGS, URI, ANOMALY))
http_case("after-head", "behind HEAD", lambda t: [HELLO.replace(b"GET", b"HEAD"), Reply(1)] + get(t, query(evil(t))), (ARGS, URI))
http_case("after-options", "behind OPTIONS *", lambda t: [
    b"OPTIONS * HTTP/1.1\r\nHost: h.test\r\n\r\n" + get(t, query(evil(t)))[0]], (ARGS, URI, ANOMALY))
http_case("continue-at-once", "Expect: 100-continue, and the body without waiting",
          lambda t: post(t, b"q=" + percent(evil(t)), b"application/x-www-form-urlencoded", headers=[b"Expect: 100-continue"]), (ARGS,))
LONG = b"k" * 200000
FILE = b"POST /digest HTTP/1.1\r\nHost: h.test\r\nUser-Agent: curl\r\nContent-Type: application/octet-stream\r\n"
for name, what, before in (
        ("long-body", "a body over its limit", FILE + b"Content-Length: 200000\r\n\r\n" + LONG),
        ("long-chunked", "a chunked body over its limit", FILE + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(LONG, 5000)),
        ("long-chunk", "a chunk over the limit", FILE + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(LONG, 200000))):
    http_case("behind-" + name, "an injection behind " + what, lambda t, b=before: [b] + get(t, query(percent(SCRIPT))), (), only="web")
    http_case("behind-" + name + "-answered", "an injection behind the answer to " + what,
              lambda t, b=before: [b, Reply(1)] + get(t, query(percent(SCRIPT))), (), only="web")
    http_case("behind-" + name + "-same-segment", "an injection in the last segment of " + what,
              lambda t, b=before: [b + get(t, query(percent(SCRIPT)))[0]], (), only="web")

# ---- chunks
FORM_TYPE = b"application/x-www-form-urlencoded"


def chunked_form(t, size=None, **more):
    data = b"a=1&q=" + percent(evil(t))
    return post(t, chunked(data, size or len(data), **more), FORM_TYPE, length=False, headers=[b"Transfer-Encoding: chunked"])


http_case("chunked", "in one chunk", chunked_form, (ARGS,), few=True)
http_case("chunked-1", "chunks of one byte", lambda t: chunked_form(t, 1), (ARGS,), few=True)
http_case("chunked-extensions", "chunk extensions", lambda t: chunked_form(t, 3, extension=b';a="b;\\"c";d=e'), (ARGS, ANOMALY))
http_case("chunked-zeros", "chunk sizes with many zeros", lambda t: chunked_form(t, 5, size_format=b"%012x"), (ARGS, ANOMALY))
http_case("chunked-upper", "chunk sizes in upper case", lambda t: chunked_form(t, 12, size_format=b"%X"), (ARGS,))
http_case("chunked-trailers", "trailers behind", lambda t: chunked_form(t, 7, trailers=[b"X-Sum: 12", b"X-More: a"]), (ARGS,))
http_case("chunked-trailer-length", "Content-Length in a trailer", lambda t: chunked_form(t, 7, trailers=[b"Content-Length: 3"]),
          (ARGS, ANOMALY))
http_case("chunked-size-space", "a space before the chunk size", lambda t: chunked_form(t, 7, size_format=b" %x"), (ARGS, ANOMALY))
http_case("chunked-size-0x", "a chunk size with 0x", lambda t: chunked_form(t, 7, size_format=b"0x%x"), (ARGS, ANOMALY))
http_case("chunked-size-plus", "a chunk size with plus", lambda t: chunked_form(t, 7, size_format=b"+%x"), (ARGS, ANOMALY))
http_case("chunked-size-huge", "a chunk size over 64 bits", lambda t: chunked_form(t, 7, size_format=b"1000000000000000%x"), (ARGS, ANOMALY),
          refused=(NGINX, PYTHON))
http_case("chunked-bare-lf", "chunk lines without CR", lambda t: chunked_form(t, 7, newline=b"\n"), (ARGS, ANOMALY))
http_case("chunked-no-end", "more data than the chunk's size", lambda t: post(
    t, b"3\r\nq=evil-" + t + b"!\r\n0\r\n\r\n", FORM_TYPE, length=False, headers=[b"Transfer-Encoding: chunked"]), (ARGS, ANOMALY))
http_case("chunked-segments", "a chunk a segment", lambda t: [
    chunked_form(t, 3)[0][n:n + 8] for n in range(0, len(chunked_form(t, 3)[0]), 8)], (ARGS,))

# ---- content codings
PLAIN = {b"gzip": gzip.compress, b"x-gzip": gzip.compress, b"deflate": zlib.compress}


def coded(t, data, coding, kind=FORM_TYPE):
    return post(t, data, kind, headers=[b"Content-Encoding: " + coding])


def raw_deflate(data):
    z = zlib.compressobj(9, zlib.DEFLATED, -15)
    return z.compress(data) + z.flush()


def named_gzip(data):
    return b"\x1f\x8b\x08\x1c" + bytes(6) + b"\x04\0abcd" + b"name.txt\0" + b"comment\0" + raw_deflate(data) \
        + zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")


def field_of(t):
    return b"a=1&q=" + percent(evil(t))


for coding, press in PLAIN.items():
    http_case("coding-" + coding.decode(), "in a " + coding.decode() + " body",
              lambda t, c=coding, p=press: coded(t, p(field_of(t)), c), (ARGS,), few=coding == b"gzip")
http_case("coding-raw-deflate", "deflate without zlib's header", lambda t: coded(t, raw_deflate(field_of(t)), b"deflate"), (ARGS,))
http_case("coding-upper", "the coding in upper case", lambda t: coded(t, gzip.compress(field_of(t)), b"GZip"), (ARGS,))
http_case("coding-gzip-names", "gzip with a file name and comment", lambda t: coded(t, named_gzip(field_of(t)), b"gzip"), (ARGS,))
http_case("coding-gzip-members", "gzip of two members",
          lambda t: coded(t, gzip.compress(field_of(t)[:9]) + gzip.compress(field_of(t)[9:]), b"gzip"), (ARGS, ANOMALY))
http_case("coding-gzip-twice", "gzip in gzip", lambda t: coded(t, gzip.compress(gzip.compress(field_of(t))), b"gzip, gzip"), (ARGS, ANOMALY))
http_case("coding-gzip-cut", "gzip without its end", lambda t: coded(t, gzip.compress(field_of(t))[:-9], b"gzip"), (ARGS, ANOMALY))
http_case("coding-gzip-rubbish", "gzip with a wrong checksum",
          lambda t: coded(t, gzip.compress(field_of(t))[:-8] + bytes(8), b"gzip"), (ARGS, ANOMALY))
http_case("coding-stored", "gzip, nothing compressed", lambda t: coded(t, gzip.compress(field_of(t), 0), b"gzip"), (ARGS,))
http_case("coding-wrong", "plain text that claims to be gzip", lambda t: coded(t, field_of(t), b"gzip"), (ARGS, ANOMALY))
http_case("coding-unknown", "a coding that we do not know", lambda t: coded(t, b"\x0b\x02\x80" + field_of(t), b"br"), (ARGS, ANOMALY))
http_case("coding-bomb", "20 MB of zeros before it", lambda t: coded(
    t, gzip.compress(b"a=" + b"0" * 20000000 + b"&" + field_of(t)), b"gzip"), (ARGS, ANOMALY))
http_case("coding-chunked", "gzip in chunks of a byte", lambda t: post(
    t, chunked(gzip.compress(field_of(t)), 1), FORM_TYPE, length=False,
    headers=[b"Transfer-Encoding: chunked", b"Content-Encoding: gzip"]), (ARGS,))
http_case("coding-json", "JSON in gzip", lambda t: coded(
    t, gzip.compress(b'{"a":"' + evil(t) + b'"}'), b"gzip", b"application/json"), (ARGS, BODY))
http_case("coding-multipart", "multipart in deflate", lambda t: coded(
    t, zlib.compress(multipart(b"XX", [(b'form-data; name="a"', evil(t))])), b"deflate", b"multipart/form-data; boundary=XX"), (ARGS, BODY))


# ---- multipart
def parts(t, items, boundary=b"frontier", parameter=None, **more):
    kind = b"multipart/form-data; boundary=" + (parameter or boundary)
    return post(t, multipart(boundary, items, **more), kind)


FIELD = b'form-data; name="a"'
for name, what, make, rules in (
        ("field", "in a field", lambda t: parts(t, [(FIELD, b"1"), (b'form-data; name="b"', evil(t))]), (ARGS, BODY)),
        ("field-name", "in a field's name", lambda t: parts(t, [(b'form-data; name="' + evil(t) + b'"', b"1")]), (NAMES, BODY)),
        ("file-name", "in a file's name", lambda t: parts(t, [(b'form-data; name="a"; filename="' + evil(t) + b'"', b"1")]), (FILES, BODY)),
        ("file-name-star", "in an extended file name", lambda t: parts(
            t, [(b"form-data; name=\"a\"; filename*=UTF-8''" + evil(t), b"1")]), (FILES, BODY, PARTS, ANOMALY)),
        ("file-name-token", "in a file's name without quotes", lambda t: parts(
            t, [(b"form-data; name=a; filename=" + evil(t), b"1")]), (FILES, BODY)),
        ("quoted-boundary", "the boundary in quotes", lambda t: parts(t, [(FIELD, evil(t))], parameter=b'"frontier"'), (ARGS, BODY)),
        ("odd-boundary", "a boundary with odd characters", lambda t: parts(
            t, [(FIELD, evil(t))], b"a'()+_,-./:=? z", b'"a\'()+_,-./:=? z"'), (ARGS, BODY)),
        ("escaped-boundary", "escapes in the quoted boundary", lambda t: parts(
            t, [(FIELD, evil(t))], parameter=b'"fron\\tier"'), (ARGS, BODY, ANOMALY)),
        ("two-boundaries", "two boundaries named", lambda t: parts(
            t, [(FIELD, evil(t))], parameter=b"other; boundary=frontier"), (ARGS, BODY, ANOMALY)),
        ("no-end", "no final boundary", lambda t: parts(t, [(FIELD, evil(t))], final=False), (ARGS, BODY, ANOMALY)),
        ("preamble", "text before the first part", lambda t: parts(t, [(FIELD, evil(t))], preamble=b"hello\r\n"), (ARGS, BODY, ANOMALY)),
        ("bare-lf", "lines without CR", lambda t: parts(t, [(FIELD, evil(t))], newline=b"\n"), (ARGS, BODY, ANOMALY)),
        ("folded", "a folded part header", lambda t: parts(t, [(b'form-data;\r\n name="a"', evil(t))]), (ARGS, BODY, ANOMALY)),
        ("two-names", "two names", lambda t: parts(t, [(b'form-data; name="a"; name="b"', evil(t))]), (ARGS, BODY, ANOMALY)),
        ("part-header", "in a part's header", lambda t: parts(
            t, [(FIELD + b"\r\nX-Part: " + evil(t), b"1")]), (PARTS, BODY)),
        ("near-boundary", "data that looks like the boundary", lambda t: parts(
            t, [(FIELD, b"\r\n--frontie\r\n--frontie" + evil(t))]), (ARGS, BODY))):
    http_case("multipart-" + name, what, make, rules, few=name in ("field", "file-name"))


# ---- JSON and XML
def escaped(text):
    return "".join(f"\\u{ord(c):04x}" for c in text.decode())


def as_json(t, text, kind=b"application/json"):
    return post(t, text if isinstance(text, bytes) else text.encode(), kind)


for name, what, make, rules in (
        ("string", "in a string", lambda t: as_json(t, json.dumps({"q": evil(t).decode()})), (ARGS, BODY)),
        ("escapes", "in \\u escapes", lambda t: as_json(t, '{"q":"' + escaped(evil(t)) + '"}'), (ARGS,)),
        ("nested", "nested ten deep", lambda t: as_json(t, '{"a":[' * 10 + '"' + escaped(evil(t)) + '"' + "]}" * 10), (ARGS,)),
        ("too-deep", "nested 200 deep", lambda t: as_json(t, "[" * 200 + '"' + escaped(evil(t)) + '"' + "]" * 200), (ARGS, ANOMALY)),
        ("key", "in a key", lambda t: as_json(t, '{"' + escaped(evil(t)) + '":1}'), (ARGS, NAMES)),
        ("top", "the document is one string", lambda t: as_json(t, '"' + escaped(evil(t)) + '"'), (ARGS,)),
        ("twice", "the second value of a key", lambda t: as_json(t, '{"q":1,"q":"' + escaped(evil(t)) + '"}'), (ARGS, ANOMALY)),
        ("type", "type application/vnd.api+json", lambda t: as_json(t, '{"q":"' + escaped(evil(t)) + '"}', b"application/vnd.api+json"), (ARGS,)),
        ("broken", "a document that breaks off behind it", lambda t: as_json(t, '{"q":"' + escaped(evil(t)) + '",'), (ARGS, ANOMALY)),
        ("utf-16", "in UTF-16", lambda t: as_json(t, json.dumps({"q": evil(t).decode()}).encode("utf-16")), (ARGS, ANOMALY)),
        ("bom", "with a byte order mark", lambda t: as_json(t, b"\xef\xbb\xbf" + ('{"q":"' + escaped(evil(t)) + '"}').encode()), (ARGS, ANOMALY))):
    http_case("json-" + name, what, make, rules, few=name == "escapes")
for name, what, text, rules in (
        ("text", "in text", "<a><b>%s</b></a>", (ARGS, BODY)),
        ("attribute", "in an attribute", '<a><b c="%s"/></a>', (ARGS, BODY)),
        ("cdata", "in CDATA", "<a><![CDATA[%s]]></a>", (ARGS, BODY)),
        ("entities", "in character references", "<a>&#%d;</a>", (ARGS,)),
        ("entity", "in an entity of its own", '<!DOCTYPE a [<!ENTITY e "%s">]><a>&e;</a>', (ARGS, BODY, ANOMALY)),
        ("broken", "not closed", "<a><b>%s", (ARGS, BODY, ANOMALY))):
    def xml(t, text=text):
        if "%d" in text:
            return post(t, ("<a>" + "".join(f"&#{n};" for n in evil(t)) + "</a>").encode(), b"text/xml")
        return post(t, text.encode() % evil(t), b"text/xml" if "b>" in text else b"application/soap+xml")
    http_case("xml-" + name, what, xml, rules)

# ---- the attack's own spelling
SQLS = (9101, 9161)
SCRIPTS = (9121, 9162)
PATHS = (9111, 9112)
FIRST = b"1' UNION SELECT password FROM users-- "


def u_encoded(text):
    return b"".join(b"%%u%04x" % c for c in text)


for name, what, value, rules in (
        ("sql", "an SQL injection", percent(FIRST), SQLS),
        ("sql-case", "in mixed case", percent(b"1' uNiOn SeLeCt password FrOm users-- "), SQLS),
        ("sql-comments", "split by comments", percent(b"1'/**/UNION/*x*/SELECT/**/password/**/FROM/**/users-- "), SQLS),
        ("sql-version-comment", "in a version comment", percent(b"1' /*!50000UNION*/ /*!50000SELECT*/ password FROM users-- "), SQLS),
        ("sql-plus", "plus for space", b"1'+UNION+SELECT+password+FROM+users--+", SQLS),
        ("sql-tabs", "tabs for spaces", percent(FIRST.replace(b" ", b"\t")), SQLS),
        ("sql-newlines", "newlines for spaces", percent(FIRST.replace(b" ", b"\r\n")), SQLS),
        ("sql-vertical-tabs", "vertical tabs for spaces", percent(FIRST.replace(b" ", b"\v")), SQLS),
        ("sql-form-feeds", "form feeds for spaces", percent(FIRST.replace(b" ", b"\f")), SQLS),
        ("sql-double", "encoded twice", percent(percent(FIRST)), SQLS),
        ("sql-u", "%u-encoded", u_encoded(FIRST), SQLS),
        ("sql-double-u", "%u-encoded, percent-encoded", percent(u_encoded(FIRST)), SQLS),
        ("sql-nulls", "null bytes in the words", percent(FIRST.replace(b"O", b"O\0")), SQLS),
        ("script", "a script", percent(SCRIPT), SCRIPTS),
        ("script-case", "in mixed case", percent(b"<ScRiPt>alert(1)</sCrIpT>"), SCRIPTS),
        ("script-entities", "in HTML entities", percent(b"&lt;script&gt;alert(1)&lt;/script&gt;"), SCRIPTS),
        ("script-numeric", "in numeric entities", percent(b"".join(b"&#x%x;" % c for c in SCRIPT)), SCRIPTS),
        ("script-numeric-padded", "… with zeros and without semicolons", percent(b"".join(b"&#%07d" % c for c in SCRIPT)), SCRIPTS),
        ("script-double", "encoded twice", percent(percent(SCRIPT)), SCRIPTS),
        ("script-u", "%u-encoded", u_encoded(SCRIPT), SCRIPTS),
        ("script-full-width", "full-width letters, %u-encoded",
         b"".join(b"%%uff%02x" % (c - 0x20) for c in SCRIPT), SCRIPTS),
        ("script-overlong", "UTF-8 overlong", overlong(SCRIPT), (*SCRIPTS, 9141, 9142)),
        ("script-overlong-3", "UTF-8 overlong, three bytes", overlong(SCRIPT, 3), (*SCRIPTS, 9141, 9142)),
        ("script-nulls", "null bytes in the tag", percent(b"<scr\0ipt>alert(1)</scr\0ipt>"), SCRIPTS),
        ("command", "a command", percent(b"; cat /etc/passwd"), (9131, *PATHS)),
        ("command-quotes", "quotes in the words", percent(b";c'a't /etc/pas\"s\"wd"), (9131,)),
        ("command-backslashes", "backslashes in the words", percent(b";c\\at /etc/pa\\sswd"), (9131,)),
        ("command-carets", "carets in the words", percent(b"&c^a^t /etc/passwd"), (9131, *PATHS)),
        ("base64", "base64", percent(base64.b64encode(SCRIPT)), (9151,)),
        ("hex", "hexadecimal", SCRIPT.hex().encode(), (9152,)),
        ("js-escapes", "JavaScript escapes", percent(b"".join(b"\\x%02x" % c for c in SCRIPT)), (9153,)),
        ("css-escapes", "CSS escapes", percent(b"".join(b"\\%06x" % c for c in SCRIPT)), (9154,)),
        ("path", "a path outside", b"../../../../etc/passwd", PATHS),
        ("path-percent", "percent-encoded", percent(b"../../../../etc/passwd"), PATHS),
        ("path-double", "encoded twice", percent(percent(b"../../../../etc/passwd")), PATHS),
        ("path-dots", "with /./ and //", b"..//.././/.//..//../etc/.//x/..//passwd", PATHS),
        ("path-backslashes", "with backslashes", percent(b"..\\..\\..\\etc\\passwd"), PATHS),
        ("path-null", "a null byte behind it", b"../../../../etc/passwd%00.png", PATHS),
        ("path-overlong", "UTF-8 overlong dots and slashes", overlong(b"../../../") + b"etc/passwd", (*PATHS, 9141, 9142)),
        ("path-overlong-all", "all UTF-8 overlong", overlong(b"../../../etc/passwd"), (*PATHS, 9141, 9142))):
    http_case("spelt-" + name, what, lambda t, v=value: get(t, query(v)), rules, few=name in ("sql-double", "script-overlong"),
              web=not name.startswith(("base64", "hex", "js-", "css-")))
for name, what, target, rules in (
        ("dots", "/./ and // in the path", b"/.//cgi-bin/./..//..//etc//./passwd", (9112,)),
        ("percent", "dots percent-encoded", b"/cgi-bin/%2e%2e/%2e%2e/etc/passwd", (9112,)),
        ("double", "… twice", b"/cgi-bin/%252e%252e/%252e%252e/etc/passwd", (9112,)),
        ("backslashes", "backslashes", b"/cgi-bin\\..\\..\\etc\\passwd", (9112, ANOMALY)),
        ("overlong", "UTF-8 overlong", b"/cgi-bin/" + overlong(b"../../") + b"etc/passwd", (9112, 9143)),
        ("absolute", "in a target with scheme and host", b"http://h.test/a/../../etc/passwd", (9112,)),
        ("fragment", "behind a #", b"/a#/../../etc/passwd", (9112, ANOMALY)),
        ("parameters", "behind path parameters", b"/a;b=c/../../etc/passwd", (9112,))):
    http_case("target-" + name, what, lambda t, x=target: get(t, x), rules)
for name in (b"Cookie", b"Referer", b"User-Agent", b"X-Api-Key"):
    http_case("sql-in-" + name.decode().lower(), "an SQL injection in " + name.decode(), lambda t, n=name: header(
        t, n, b"q=" + percent(b"1' uNiOn/**/SeLeCt 1") if n == b"Cookie" else b"1' uNiOn/**/SeLeCt 1", agent=n != b"User-Agent"),
        (9102, 9104))
http_case("sql-in-name", "an SQL injection in an argument's name", lambda t: get(t, b"/?" + percent(FIRST) + b"=1"), (9103,))
http_case("script-in-json", "a script in JSON", lambda t: as_json(t, '{"q":"' + escaped(SCRIPT) + '"}'), SCRIPTS, web=True)
http_case("script-in-form", "a script in a form", lambda t: form(t, b"q=" + percent(SCRIPT)), SCRIPTS, web=True)
http_case("scores", "two weak signs that are one strong one", lambda t: get(t, b"/?a=weak-one&b=weak-two"), (9182,))
attack("smuggling", smuggled)
