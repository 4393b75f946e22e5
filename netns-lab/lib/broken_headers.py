# SPDX-License-Identifier: GPL-3.0-or-later
"""broken_headers.py CLIENT4 SERVER4 CLIENT6 SERVER6: transport headers that end too early, the last packet is whole."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "evasion"))
import wire  # noqa: E402
from live import Link  # noqa: E402


def broken(src, dst):
    tcp = wire.tcp(src, dst, 15000, 80, 1, 1, wire.SYN)
    udp = struct.pack("!HHHH", 15000, 5001, 8, 0)
    for length in (1, 2, 3, 4, 13, 19):
        yield 6, tcp[:length]
    yield 6, tcp[:12] + b"\x20" + tcp[13:]
    yield 6, tcp[:12] + b"\xf0" + tcp[13:]
    for length in (1, 3, 4, 7):
        yield 17, udp[:length]
    yield 17, udp[:4] + b"\0\4\0\0"


def main():
    link = Link("eth0")
    for client, server in (sys.argv[1:3], sys.argv[3:5]):
        src, dst = wire.inet(client), wire.inet(server)
        packet = wire.ip4 if len(src) == 4 else wire.ip6
        for proto, body in broken(src, dst):
            link.send(server, packet(src, dst, body, proto=proto))
    whole = struct.pack("!HHHH", 15000, 7777, 8, 0)
    link.send(sys.argv[2], wire.ip4(wire.inet(sys.argv[1]), wire.inet(sys.argv[2]), whole, proto=17))


main()
