# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests from short descriptions, and what sluiced replay says of them."""
import json
import pathlib
import re
import subprocess
import urllib.parse
import xml.sax.saxutils

import pcap

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = "www.example.com"
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}


def unescape(text):
    """\\r \\n \\t \\0 \\\\ and \\xHH; everything else stands for itself, in UTF-8."""
    out, at = b"", 0
    for found in re.finditer(r"\\(x[0-9a-fA-F]{2}|[rnt0\\])", text):
        out += text[at:found.start()].encode()
        out += bytes([int(found[1][1:], 16)]) if found[1][0] == "x" else ESCAPES[found[1]]
        at = found.end()
    return out + text[at:].encode()


def quote(value):
    return urllib.parse.quote_from_bytes(value, safe="").encode()


def request(target=b"/", method=b"GET", headers=(), body=None, agent=b"curl/8.5.0"):
    lines = [method + b" " + target + b" HTTP/1.1", b"Host: " + HOST.encode()]
    if agent is not None:
        lines.append(b"User-Agent: " + agent)
    lines += headers
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def post(kind, body, headers=(), target=b"/post", **more):
    return request(target, b"POST", list(headers) + [b"Content-Type: " + kind], body, **more)


def multipart(parts, boundary=b"----WebKitFormBoundary7MA4YWxkTrZu0gW"):
    """parts: (name, file name or None, content type or None, data)."""
    out = b""
    for name, filename, kind, data in parts:
        out += b"--" + boundary + b'\r\nContent-Disposition: form-data; name="' + name + b'"'
        out += b'; filename="' + filename.replace(b'"', b"%22") + b'"' if filename is not None else b""
        out += b"\r\nContent-Type: " + kind if kind else b""
        out += b"\r\n\r\n" + data + b"\r\n"
    return b"multipart/form-data; boundary=" + boundary, out + b"--" + boundary + b"--\r\n"


def post_file(filename, data=b"data", kind=b"application/octet-stream"):
    return post(*multipart([(b"note", None, None, b"as asked"), (b"file", filename, kind, data)]))


def post_json(value):
    return post(b"application/json", json.dumps({"text": value.decode("latin-1")}).encode())


def post_xml(value):
    text = xml.sax.saxutils.escape(value.decode("utf-8", "replace"))
    return post(b"application/xml", ("<?xml version=\"1.0\"?>\n<note><text>%s</text></note>" % text).encode())


def whole(raw):
    """Fills in "Content-Length: *"."""
    length = len(raw.partition(b"\r\n\r\n")[2])
    return raw.replace(b"Content-Length: *\r\n", b"Content-Length: %d\r\n" % length)


# A kind of description, and the request that it is short for.
KINDS = {
    "raw": whole,
    "arg": lambda v: request(b"/search?q=" + quote(v)),
    "query": lambda v: request(b"/search?" + v),
    "form": lambda v: post(b"application/x-www-form-urlencoded", b"id=17&text=" + quote(v)),
    "json": post_json,
    "field": lambda v: post(*multipart([(b"text", None, None, v)])),
    "path": lambda v: request(v),
    "method": lambda v: request(method=v),
    "cookie": lambda v: request(headers=[b"Cookie: " + v]),
    "header": lambda v: request(headers=[v]),
    "agent": lambda v: request(agent=v),
    "file": post_file,
    "content": lambda v: post_file(b"picture.jpg", v, b"image/jpeg"),
    "put": lambda v: request(v, b"PUT", body=b"data"),
    "args": lambda v: post(b"application/x-www-form-urlencoded", b"&".join(b"a%d=1" % i for i in range(int(v)))),
    "numbers": lambda v: post(b"application/json", json.dumps(list(range(int(v)))).encode()),
    "xml": lambda v: post(b"application/xml", v),
}


def respond(raw):
    """What a server would plausibly say."""
    if raw.startswith(b"HEAD "):
        return b"HTTP/1.1 200 OK\r\nContent-Length: 5120\r\n\r\n"
    if re.search(rb"(?i)\r\nupgrade: *websocket", raw):
        return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05hello")
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\nok"


SETTINGS = """mode = "enforce";
divert: { services = ( { proto = "tcp"; ports = ( 80 ); } ); };
http: { ports = ( 80 ); };
cache: { folder = ""; };
events: { file = ""; stats_interval = 0; requests = true; };
control: { socket = ""; };
rules = [ "web.conf" ];
"""


def settings(folder, rules):
    """Writes a settings file for replay into folder; rules is the text of the rule file."""
    (folder / "web.conf").write_text(rules)
    conf = folder / "sluice.conf"
    conf.write_text(SETTINGS)
    return conf


def replay(sluiced, conf, *captures):
    """The events that sluiced writes and its summary. Exits where it fails."""
    done = subprocess.run([sluiced, "replay", "-c", str(conf), "--json", *map(str, captures)], capture_output=True,
                          text=True, errors="replace", timeout=600, check=False)
    if done.returncode:
        raise SystemExit("sluiced replay: exit %d\n%s" % (done.returncode, done.stderr[-4000:]))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return events, next(event["summary"] for event in events if event["event_type"] == "summary")


def cost(summary):
    return "%.1f microseconds a request" % (summary["nanoseconds_a_request"] / 1000)


def by_client(events, kind):
    """Events of a kind by the client's address and port."""
    found = {}
    for event in events:
        if event.get("event_type") == kind:
            found.setdefault((event["src_ip"], event["src_port"]), []).append(event)
    return found


def capture(path, exchanges):
    """exchanges: for each case a list of (request, response)."""
    with pcap.Capture(path) as out:
        for number, one in enumerate(exchanges):
            out.connection(pcap.client(number), one)
