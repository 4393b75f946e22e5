#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A lenient HTTP server that keeps all it reads, a file a connection:
FOLDER/PORT-CLIENTPORT.raw every byte, .req the requests that were complete.

  server.py FOLDER RAW_PORT HTTP_PORT...

It reads chunked where Transfer-Encoding says so anywhere, else the first length.
RAW_PORT answers "ok" behind every "!" and reads no HTTP.
"""
import hashlib
import os
import re
import socket
import sys
import threading
import time

FOLDER, RAW_PORT = sys.argv[1], int(sys.argv[2])
PORTS = [int(p) for p in sys.argv[2:]]


class Lost(Exception):
    pass


class Connection:
    def __init__(self, sock, port, peer):
        self.sock, self.data = sock, b""
        name = f"{FOLDER}/{port}-{peer}"
        self.raw, self.requests = open(name + ".raw", "ab", 0), open(name + ".req", "ab", 0)
        self.keep = True

    def more(self):
        got = self.sock.recv(262144)
        if not got:
            raise Lost
        if self.keep:
            self.raw.write(got)
        self.data += got

    def until(self, pattern):
        while True:
            found = re.search(pattern, self.data)
            if found:
                head, self.data = self.data[:found.end()], self.data[found.end():]
                return head
            self.more()

    def exactly(self, count, sink):
        while count:
            if not self.data:
                self.more()
            piece, self.data = self.data[:count], self.data[count:]
            count -= len(piece)
            sink(piece)

    def chunks(self, sink):
        while True:
            line = self.until(rb"\n")
            digits = re.search(rb"[0-9a-fA-F]+", line.split(b";")[0].replace(b"0x", b""))
            size = int(digits.group(), 16) if digits else 0
            if size > 1 << 32:
                raise Lost
            if not size:
                while self.until(rb"\n").strip():
                    pass
                return
            self.exactly(size, sink)
            self.until(rb"\n")

    def body(self, head, sink):
        lower = head.lower()
        if re.search(rb"100-continue", lower):
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if re.search(rb"(?m)^\s*transfer-encoding[^\n]*chunked", lower):
            return self.chunks(sink)
        length = re.search(rb"(?m)^content-length\s*:[^\n0-9]*([0-9]+)", lower)
        if length and int(length.group(1)) < 1 << 32:
            self.exactly(int(length.group(1)), sink)
        return None

    def answer(self, body, kind=b"text/plain", status=b"200 OK"):
        self.sock.sendall(b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (status, kind, len(body), body))

    def events(self):
        self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n")
        for n in range(20):
            event = b"id: %d\ndata: tick %d\n\n" % (n, n)
            self.sock.sendall(b"%x\r\n%s\r\n" % (len(event), event))
            time.sleep(0.05)
        self.sock.sendall(b"0\r\n\r\n")

    def one_request(self):
        head = self.until(rb"\A[\r\n]*[^\r\n][\s\S]*?\n\r?\n")
        path = head.split(b" ")[1] if b" " in head else b""
        if path.startswith(b"/digest"):
            self.keep, digest, count = False, hashlib.sha256(), [0]

            def sink(piece):
                digest.update(piece)
                count[0] += len(piece)
            self.body(head, sink)
            return self.answer(b"%s %d\n" % (digest.hexdigest().encode(), count[0]))
        kept = []
        self.body(head, kept.append)
        self.requests.write(head + b"".join(kept) + b"\n=====\n")
        if path.startswith(b"/events"):
            return self.events()
        if head.upper().startswith(b"HEAD"):
            return self.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")
        return self.answer(b"ok\n")

    def echo_raw(self):
        while True:
            self.until(rb"!")
            self.sock.sendall(b"ok\n")


def serve(sock, port, peer):
    connection = Connection(sock, port, peer)
    try:
        while port == RAW_PORT:
            connection.echo_raw()
        while True:
            connection.one_request()
    except (Lost, OSError):
        pass
    finally:
        sock.close()
        connection.raw.close()
        connection.requests.close()


def listen(port):
    listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512)
    while True:
        sock, peer = listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(sock, port, peer[1]), daemon=True).start()


threading.stack_size(256 * 1024)
os.makedirs(FOLDER, exist_ok=True)
for number in PORTS:
    threading.Thread(target=listen, args=(number,), daemon=True).start()
time.sleep(0.2)
print("listening", flush=True)
threading.Event().wait()
