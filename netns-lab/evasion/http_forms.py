# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests as bytes, and the violations of HTTP that two servers read in two ways."""
from steps import Open, Room, Seg, case

ANOMALY = 9191
MSS = 1400
SCRIPT = b"<script>alert(1)</script>"
HELLO = b"GET /hello HTTP/1.1\r\nHost: h.test\r\nUser-Agent: t\r\n\r\n"


def send(items):
    """Bytes in segments, and the steps between them, as one plan."""
    steps, off = [Open()], 0
    for item in items:
        if not isinstance(item, bytes):
            steps.append(item)
            continue
        for n in range(0, len(item), MSS):
            if n and n % (20 * MSS) == 0:
                steps.append(Room(off + n, off + n + 20 * MSS))
            steps.append(Seg(off + n, item[n:n + MSS]))
        off += len(item)
    return steps


def http_case(name, words, make, rules, **more):
    return case("http-" + name, words, lambda t: send(make(t)), http=True, rules=rules, **more)


def evil(t):
    return b"evil-" + t + b"!"


def percent(text):
    return b"".join(b"%%%02x" % c for c in text)


def overlong(text, size=2):
    if size == 2:
        return b"".join(b"%%%02x%%%02x" % (0xC0 | c >> 6, 0x80 | c & 63) for c in text)
    return b"".join(b"%%e0%%%02x%%%02x" % (0x80 | c >> 6, 0x80 | c & 63) for c in text)


def many(pattern, count):
    return b"".join(pattern % n for n in range(count))


def head(line, headers):
    return b"\r\n".join([line, *headers, b"", b""])


def query(value):
    return b"/find?a=1&q=" + value


def get(t, target=b"/", method=b"GET", headers=(), version=b"HTTP/1.1", agent=True):
    return [head(method + b" " + target + b" " + version,
                 [b"Host: h.test", *([b"User-Agent: curl"] if agent else []), b"X-Case: " + t, *headers])]


def header(t, name, value, agent=True):
    return get(t, headers=[name + b": " + value], agent=agent)


def post(t, body, kind, method=b"POST", headers=(), length=True):
    lines = [b"Content-Type: " + kind, *headers] + ([b"Content-Length: %d" % len(body)] if length else [])
    return [get(t, b"/form", method, lines)[0] + body]


def form(t, body, method=b"POST"):
    return post(t, body, b"application/x-www-form-urlencoded", method)


def chunked(data, size, extension=b"", trailers=(), size_format=b"%x", newline=b"\r\n"):
    out = b""
    for n in range(0, len(data), size):
        piece = data[n:n + size]
        out += size_format % len(piece) + extension + newline + piece + newline
    return out + b"0" + newline + b"".join(line + newline for line in trailers) + newline


def multipart(boundary, items, final=True, preamble=b"", newline=b"\r\n"):
    out = preamble
    for disposition, value in items:
        out += newline.join([b"--" + boundary, b"Content-Disposition: " + disposition, b"", value, b""])
    return out + (b"--" + boundary + b"--" + newline if final else b"")


def attack(prefix, table):
    for name, words, make, more in table():
        dangerous = name.startswith(("cl-te", "te-cl", "te-te", "length", "line")) and "underscore" not in name
        http_case(f"{prefix}-{name}", words, make, (ANOMALY, *more.pop("rules", ())), web=dangerous, **more)


def inner(t):
    return b"GET /inner?q=evil-" + t + b"! HTTP/1.1\r\nHost: h.test\r\n\r\n"


def outer(t, headers, body, line=b"POST /outer HTTP/1.1"):
    return [head(line, [b"Host: h.test", b"X-Case: " + t, *headers]) + body]


TE = b"Transfer-Encoding"
# Ways to write it that some servers take for chunked and others do not.
DISGUISES = {
    "xchunked": TE + b": xchunked",
    "space-before-colon": TE + b" : chunked",
    "twice": TE + b": chunked\r\n" + TE + b": x",
    "twice-first": TE + b": x\r\n" + TE + b": chunked",
    "quotes": TE + b': "chunked"',
    "vertical-tab": TE + b": \x0bchunked",
    "folded": TE + b":\r\n chunked",
    "behind-bare-lf": b"X: x\n" + TE + b": chunked",
    "bare-cr": TE + b": chunked\rX: x",
    "list": TE + b": chunked, identity",
    "list-identity": TE + b": identity, chunked",
    "case": TE + b": ChUnKeD, x",
    "underscore": b"Transfer_Encoding: chunked",
    "null": TE + b": chunked\0",
    "leading-space": b" " + TE + b": chunked",
    "tab": TE + b":\tchunked\t",
    "gzip-chunked": TE + b": gzip, chunked",
}


def smuggled():
    """(name, words, bytes of a tag, more): the inner request is hidden in the outer one's body, or the other way round."""
    def cl_te(t, te=TE + b": chunked"):
        body = b"0\r\n\r\n" + inner(t)
        return outer(t, [b"Content-Length: %d" % len(body), te], body)

    def te_cl(t, te=TE + b": chunked"):
        chunk = inner(t) + b"x=1"
        return outer(t, [b"Content-Length: 4", te], b"%x\r\n" % len(chunk) + chunk + b"\r\n0\r\n\r\n")

    yield "cl-te", "a length, and chunked", cl_te, {"few": True}
    yield "te-cl", "chunked, and a length", te_cl, {"few": True}
    yield "te-only-http10", "chunked in HTTP/1.0", lambda t: outer(
        t, [TE + b": chunked"], b"0\r\n\r\n" + inner(t), b"POST /outer HTTP/1.0"), {}
    for name, line in DISGUISES.items():
        # What is a good name with an underscore is no framing to us: the length holds, and the body is searched.
        rules = (9006, 9001, 9002) if name in ("underscore",) else ()
        yield "te-te-" + name, "chunked in disguise, and a length", lambda t, x=line: cl_te(t, x), {"few": name == "xchunked", "rules": rules}
    for name, line in list(DISGUISES.items())[:6]:
        yield "te-cl-" + name, "chunked in disguise, and a short length", lambda t, x=line: te_cl(t, x), {}
    yield from lengths()
    yield from lines()


def lengths():
    for name, lines_ in (
            ("two", [b"Content-Length: 5", b"Content-Length: 0"]),
            ("two-same", [b"Content-Length: 5", b"Content-Length: 5"]),
            ("list", [b"Content-Length: 5, 5"]),
            ("plus", [b"Content-Length: +5"]),
            ("minus", [b"Content-Length: -5"]),
            ("hex", [b"Content-Length: 0x5"]),
            ("octal-comma", [b"Content-Length: 5,"]),
            ("space-inside", [b"Content-Length: 5 0"]),
            ("empty", [b"Content-Length:"]),
            ("huge", [b"Content-Length: 18446744073709551621"]),
            ("decimal", [b"Content-Length: 5.0"])):
        yield "length-" + name, "a length that is " + name, lambda t, x=lines_: outer(t, x, b"a=b&c" + inner(t)), {"rules": (9001, 9002)}


def lines():
    def with_line(line):
        return lambda t: outer(t, [line, b"X-End: 1"], b"", b"GET / HTTP/1.1")
    for name, words, line in (
            ("bare-lf", "a line without CR", b"X-A: 1\nX-B: 2"),
            ("bare-cr", "a CR without LF", b"X-A: 1\rX-B: 2"),
            ("folded", "a folded header", b"X-A: 1\r\n 2"),
            ("folded-tab", "a header folded by a tab", b"X-A: 1\r\n\t2"),
            ("space-before-colon", "a space before the colon", b"X-A : 1"),
            ("tab-before-colon", "a tab before the colon", b"X-A\t: 1"),
            ("nul-in-value", "NUL in a value", b"X-A: 1\0002"),
            ("nul-in-name", "NUL in a name", b"X-\0A: 1"),
            ("no-colon", "a line without colon", b"X-A"),
            ("empty-name", "a header without name", b": 1"),
            ("bad-name", "a name that is no token", b"X(A): 1"),
            ("control-in-value", "a control byte in a value", b"X-A: \x01"),
            ("end-lf-lf", "a head that ends with two LF", b"X-A: 1\n\nGET /inner HTTP/1.1\r\nHost: h.test")):
        yield "line-" + name, words, with_line(line), {}
    yield "all-bare-lf", "no CR at all", lambda t: [b"GET /?q=evil-" + t + b"! HTTP/1.1\nHost: h.test\nX-Case: " + t + b"\n\n"], {
        "rules": (9001, 9002)}
    yield "first-header-space", "a space before the first header", lambda t: [
        b"GET / HTTP/1.1\r\n Host: h.test\r\nX-Case: " + t + b"\r\n\r\n"], {}
    yield "nul-in-target", "NUL in the target", lambda t: [b"GET /a\0b HTTP/1.1\r\nHost: h.test\r\nX-Case: " + t + b"\r\n\r\n"], {}
    yield "space-in-target", "a space in the target", lambda t: [b"GET /a b HTTP/1.1\r\nHost: h.test\r\nX-Case: " + t + b"\r\n\r\n"], {}
    yield "tabs-in-request-line", "tabs in the request line", lambda t: [
        b"GET\t/a\tHTTP/1.1\r\nHost: h.test\r\nX-Case: " + t + b"\r\n\r\n"], {}
    yield "version-lower-case", "http/1.1", lambda t: [b"GET / http/1.1\r\nHost: h.test\r\nX-Case: " + t + b"\r\n\r\n"], {}
    yield "long-header", "60 KiB of headers before the attack", lambda t: [
        head(b"GET / HTTP/1.1", [b"Host: h.test", *[b"X-%d: " % n + b"k" * 6000 for n in range(10)], b"X-Case: " + t,
                                 b"X-Attack: " + evil(t)])], {"rules": (9004,), "few": True}
    yield "one-long-header", "one header of 60 KiB before the attack", lambda t: [
        head(b"GET / HTTP/1.1", [b"Host: h.test", b"X-A: " + b"k" * 61440, b"X-Case: " + t, b"X-Attack: " + evil(t)])], {
            "rules": (9004,)}
    yield "too-long-head", "100 KiB of headers before the attack", lambda t: [
        head(b"GET / HTTP/1.1", [b"Host: h.test", *[b"X-%d: " % n + b"k" * 10000 for n in range(10)], b"X-Case: " + t,
                                 b"X-Attack: " + evil(t)])], {"rules": (9004,)}
    yield "headers-150", "150 headers before the attack", lambda t: [
        head(b"GET / HTTP/1.1", [b"Host: h.test", *[b"X-%d: 1" % n for n in range(150)], b"X-Case: " + t, b"X-Attack: " + evil(t)])], {
            "rules": (9004,)}
    yield "headers-300", "300 headers before the attack", lambda t: [
        head(b"GET / HTTP/1.1", [b"Host: h.test", *[b"X-%d: 1" % n for n in range(300)], b"X-Case: " + t, b"X-Attack: " + evil(t)])], {
            "rules": (9004,)}
    yield "long-target", "an attack behind 50 KB of arguments", lambda t: get(
        t, b"/?a=" + b"k" * 50000 + b"&q=" + percent(evil(t))), {"rules": (9002,)}
    yield "long-body", "an attack behind 150 KB of body", lambda t: post(
        t, b"a=" + b"k" * 150000 + b"&q=" + percent(evil(t)), b"application/x-www-form-urlencoded"), {"rules": (9002,)}
    yield "body-100k", "an attack behind 100 KB of body", lambda t: post(
        t, b"a=" + b"k" * 100000 + b"&q=" + percent(evil(t)), b"application/x-www-form-urlencoded"), {"rules": (9002,)}
    yield "bad-percent", "an attack behind a bad percent-encoding", lambda t: get(t, b"/?a=%zz&q=" + percent(evil(t))), {"rules": (9002,)}
    yield "two-types", "two Content-Types", lambda t: post(
        t, b"q=" + percent(evil(t)), b"text/plain\r\nContent-Type: application/x-www-form-urlencoded"), {"rules": (9002,)}
