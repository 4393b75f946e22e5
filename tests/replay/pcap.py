# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole TCP connections as pcap files: handshake, the given bytes in segments, FIN from both ends."""
import struct

SERVER = ("198.51.100.80", 80)
MSS = 1460
FIN, SYN, PSH, ACK = 1, 2, 8, 16


def _sum16(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _address(text):
    return bytes(int(part) for part in text.split("."))


class Capture:
    """Packets with the IP header first (LINKTYPE_RAW), 50 microseconds apart."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101))
        self.time = 1700000000 * 1000000
        self.packets = 0

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.file.close()

    def segment(self, src, dst, seq, ack, flags, data=b""):
        source, target = _address(src[0]), _address(dst[0])
        options = b"\x02\x04\x05\xb4" if flags & SYN else b""
        length = 20 + len(options) + len(data)
        tcp = struct.pack("!HHIIBBHHH", src[1], dst[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                          (20 + len(options)) // 4 << 4, flags, 65535, 0, 0) + options
        check = _sum16(source + target + struct.pack("!BBH", 0, 6, length) + tcp + data)
        tcp = tcp[:16] + struct.pack("!H", check) + tcp[18:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, self.packets & 0xFFFF, 0x4000, 64, 6, 0) + source + target
        head = head[:10] + struct.pack("!H", _sum16(head)) + head[12:]
        packet = head + tcp + data
        self.time += 50
        self.packets += 1
        self.file.write(struct.pack("<IIII", self.time // 1000000, self.time % 1000000, len(packet), len(packet)))
        self.file.write(packet)

    def message(self, src, dst, seq, ack, data):
        """Sends data, acknowledged now and then as the window asks; the next sequence number."""
        for number, at in enumerate(range(0, len(data), MSS), 1):
            part = data[at:at + MSS]
            self.segment(src, dst, seq, ack, PSH | ACK, part)
            seq += len(part)
            if number % 10 == 0:
                self.segment(dst, src, ack, seq, ACK)
        return seq

    def connection(self, client, exchanges, server=SERVER):
        """exchanges: (request, response) pairs of bytes, in order, on one connection."""
        c, s = 1000, 5000000
        self.segment(client, server, c, 0, SYN)
        self.segment(server, client, s, c + 1, SYN | ACK)
        c, s = c + 1, s + 1
        self.segment(client, server, c, s, ACK)
        for request, response in exchanges:
            c = self.message(client, server, c, s, request)
            s = self.message(server, client, s, c, response)
        self.segment(client, server, c, s, FIN | ACK)
        self.segment(server, client, s, c + 1, FIN | ACK)
        self.segment(client, server, c + 1, s + 1, ACK)


def client(number):
    """The address and port of the client that stands for a case."""
    return ("192.0.2.%d" % (1 + number // 50000), 10000 + number % 50000)
