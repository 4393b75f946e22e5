# SPDX-License-Identifier: GPL-3.0-or-later
"""Harmless requests from tests/corpus/web: what browsers, apps and machines send every day."""
import gzip
import zlib

import web

FOLDER = web.ROOT / "tests" / "corpus" / "web"
FORM = b"application/x-www-form-urlencoded"
PNG = (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\6\0\0\0\x1f\x15\xc4\x89\0\0\0\rIDATx\xdac\xf8\xcf"
       b"P\x0f\0\3\x86\1\x80Z4}k\0\0\0\0IEND\xaeB`\x82")
PDF = (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\nxref\n0 1\n"
       b"trailer\n<< >>\n%%EOF\n")
CSV = b"name;note\r\nO'Hara;\"it's 5 < 6\"\r\nSelect;-- union; drop\r\n"


def lines(name):
    """The lines of a corpus file, with their escapes resolved."""
    for line in (FOLDER / name).read_text().splitlines():
        if line and not line.startswith("# "):
            yield web.unescape(line)


def clients():
    """Header lines of each client."""
    for paragraph in (FOLDER / "clients.txt").read_text().split("\n\n"):
        yield [line.encode() for line in paragraph.splitlines() if not line.startswith("#")]


class Corpus:
    """Numbered requests; clients take turns."""

    def __init__(self):
        self.clients, self.turn, self.requests = list(clients()), 0, []

    def headers(self, *more):
        self.turn += 1
        return self.clients[self.turn % len(self.clients)] + list(more)

    def add(self, what, raw):
        self.requests.append((what, raw))

    def get(self, what, target, *more):
        self.add(what, web.request(target, headers=self.headers(*more), agent=None))

    def post(self, what, kind, body, *more, target=b"/post"):
        self.add(what, web.post(kind, body, self.headers(*more), target, agent=None))


def add_texts(c):
    """Each text in each way that forms and interfaces send it."""
    for number, text in enumerate(lines("texts.txt")):
        shown = text.decode("utf-8", "replace")
        c.get("arg: " + shown, b"/search?q=" + web.quote(text) + b"&page=%d" % (number % 7))
        c.post("form: " + shown, FORM, b"csrf=a1b2c3&id=%d&subject=Re&body=" % number + web.quote(text) + b"&send=1",
               b"Origin: http://www.example.com")
        c.post("multipart: " + shown, *web.multipart([(b"id", None, None, b"7"), (b"body", None, None, text)]))
        kept = text.decode("utf-8")
        c.add("json: " + shown, web.post(b"application/json; charset=utf-8", json_of(number, kept),
                                         c.headers(b"X-Requested-With: XMLHttpRequest"), b"/api/notes", agent=None))
        if number % 3 == 0:
            c.add("xml: " + shown, web.post_xml(text))
        if number % 5 == 0:
            body = gzip.compress(b"body=" + web.quote(text), mtime=0)
            c.post("gzip: " + shown, FORM, body, b"Content-Encoding: gzip")
        if number % 5 == 1:
            body = zlib.compress(json_of(number, kept))
            c.post("deflate: " + shown, b"application/json", body, b"Content-Encoding: deflate")


def json_of(number, text):
    return web.json.dumps({"id": number, "draft": False, "note": {"title": "A note", "lines": [text]}},
                          ensure_ascii=number % 2 == 0).encode()


def add_files(c):
    kinds = [(PNG, b"image/png"), (PDF, b"application/pdf"), (CSV, b"text/csv"), (b"\0\1\2" * 700, b"audio/mpeg")]
    for number, name in enumerate(lines("files.txt")):
        data, kind = kinds[number % len(kinds)]
        parts = [(b"title", None, None, b"It's \"mine\""), (b"file", name, kind, data),
                 (b"more", b"", b"application/octet-stream", b"")]
        c.post("file: " + name.decode(), *web.multipart(parts), target=b"/upload")
        c.post("raw upload: " + name.decode(), kind, data, target=b"/raw/%d" % number)
    sql = b"-- dump\nCREATE TABLE a (b int);\nINSERT INTO a VALUES (1),(2);\nSELECT * FROM a;\n"
    c.post("a dump", *web.multipart([(b"file", b"dump.sql", b"application/sql", sql)]), target=b"/upload")
    log = b"".join(b"2024-02-29T12:%02d:%02d host%d it's all right: %d of 100\n" % (i % 60, i % 59, i % 7, i * i % 101)
                   for i in range(8000))
    c.post("a log", b"text/plain", gzip.compress(log, mtime=0), b"Content-Encoding: gzip")
    c.post("coordinates", b"application/geo+json", web.json.dumps({"type": "LineString", "coordinates": [
        [13.4 + i / 1000, 52.5 - i / 700] for i in range(300)]}).encode(), target=b"/api/tracks")
    c.post("a big form", FORM, b"&".join(b"row[%d][name]=O%%27Brien+%d" % (i, i) for i in range(800)))
    c.post("a big upload", *web.multipart([(b"file", b"big.png", b"image/png", PNG * 2000)]), target=b"/upload")


def add_others(c):
    for target in lines("targets.txt"):
        c.get("target: " + target.decode(), target)
    for cookie in lines("cookies.txt"):
        c.get("cookie: " + cookie.decode(), b"/account", b"Cookie: " + cookie)
    # There a backslash is JSON's own.
    for line in (FOLDER / "json.txt").read_text().splitlines():
        if not line.startswith("# "):
            c.post("json: " + line, b"application/json", line.encode(), target=b"/api/v1/things")
    for number, body in enumerate(lines("xml.txt")):
        method = [b"PROPFIND", b"REPORT", b"POST"][number % 3]
        c.add("xml: " + body.decode(), web.request(b"/dav/", method, c.headers(b"Depth: 1", b"Content-Type: text/xml"),
                                                   body, agent=None))
    for raw in lines("requests.txt"):
        c.add("raw: " + raw.decode("latin-1"), web.whole(raw))


def requests():
    """(what it is, request) of all."""
    corpus = Corpus()
    add_texts(corpus)
    add_files(corpus)
    add_others(corpus)
    return corpus.requests
