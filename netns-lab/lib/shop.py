#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
shop.py PORT FOLDER: a web shop with the usual holes, for attackers to find; nginx stands before it. It answers on
127.0.0.1:PORT and puts ids of items into SQL, words into pages and names into paths as they come.
"""
import hashlib
import http.server
import json
import os
import sqlite3
import sys
import urllib.parse

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>The Shop</title><link rel="stylesheet" href="/style.css"></head>
<body><h1>The Shop</h1>
%s
<form action="/login" method="post"><input name="user"><input name="password" type="password"></form>
</body></html>
"""
# What a server must not tell of itself; rules on responses look for it.
LEAKS = {
    "/broken-sql": "<p>You have an error in your SQL syntax; check the manual that corresponds to your MySQL server "
                   "version for the right syntax to use near '''' at line 1</p>",
    "/broken-php": "<p><b>Fatal error</b>: Uncaught Error: Call to undefined function price() in "
                   "/var/www/shop/item.php on line <b>17</b></p>",
}
LEAKS["/broken-long"] = LEAKS["/broken-php"] + "<p>Red kettles and blue lamps, and much else.</p>\n" * 1000
ITEMS = [(i, f"{colour} {thing}", i * 7.5) for i, (colour, thing) in enumerate(
    ((c, t) for c in ("red", "green", "blue") for t in ("kettle", "lamp", "chair", "blanket")), 1)]


def database():
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE items (id INTEGER, name TEXT, price REAL)")
    base.execute("CREATE TABLE customers (name TEXT, card TEXT)")
    base.executemany("INSERT INTO items VALUES (?, ?, ?)", ITEMS)
    base.execute("INSERT INTO customers VALUES ('Ada', '4111-secret-1111')")
    return base


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Shop", ""

    def date_time_string(self, timestamp=None):
        return super().date_time_string(0)  # answers are compared byte for byte

    def log_message(self, *_):
        pass

    def answer(self, body, kind="text/html; charset=utf-8", status=200):
        body = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 200 and self.path == "/":
            self.send_header("Set-Cookie", "sid=4f6c1d0be2a94b7c; Path=/; HttpOnly")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def item(self, args):
        try:
            with database() as base:
                rows = base.execute("SELECT name, price FROM items WHERE id = " + args.get("id", "0")).fetchall()
        except sqlite3.Error as e:
            return self.answer(PAGE % f"<p>{e}</p>", status=500)
        text = "".join(f"<p>{name}: {price} euros</p>\n" for name, price in rows)
        return self.answer(PAGE % (text or "<p>There is no such item.</p>"), status=200 if rows else 404)

    def file(self, args):
        try:
            with open(os.path.join(FOLDER, args.get("name", "")), "rb") as file:
                return self.answer(file.read(), "text/plain")
        except OSError:
            return self.answer("no such file\n", "text/plain", 404)

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        args = dict(urllib.parse.parse_qsl(url.query))
        if url.path in LEAKS:
            return self.answer(PAGE % LEAKS[url.path])
        if url.path == "/item":
            return self.item(args)
        if url.path == "/file":
            return self.file(args)
        if url.path == "/search":
            return self.answer(PAGE % f"<p>Nothing found for {args.get('q', '')}.</p>")
        if url.path == "/style.css":
            return self.answer("body { color: #222; }\n" * 200, "text/css")
        if url.path == "/api/items":
            return self.answer(json.dumps([{"id": i, "name": n, "price": p} for i, n, p in ITEMS]), "application/json")
        return self.answer(PAGE % "".join(f'<p><a href="/item?id={i}">{n}</a></p>\n' for i, n, _ in ITEMS))

    do_HEAD = do_GET

    def do_POST(self):
        """What came, as a digest: its sender compares."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.answer(f"{hashlib.sha256(body).hexdigest()} {len(body)} {self.headers.get('Cookie', '-')}\n", "text/plain")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    server = Server(("127.0.0.1", PORT), Shop)
    print("listening", flush=True)
    server.serve_forever()


main()
