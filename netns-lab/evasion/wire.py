# SPDX-License-Identifier: GPL-3.0-or-later
"""Packets, written and read with struct: TCP over IPv4 and IPv6, fragments."""
import array
import socket
import struct
import sys

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << n for n in range(8))
FLAGS = {"F": FIN, "S": SYN, "R": RST, "P": PSH, "A": ACK, "U": URG, "E": ECE, "C": CWR}
MASK = 0xFFFFFFFF


def flag_bits(words):
    return sum(FLAGS[letter] for letter in words)


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(array.array("H", data))
    if sys.byteorder == "little":
        total = ((total & 0x00FF00FF00FF00FF) << 8) + ((total >> 8) & 0x00FF00FF00FF00FF)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def inet(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def pseudo(src, dst, length):
    if len(src) == 16:
        return src + dst + struct.pack("!II", length, 6)
    return src + dst + struct.pack("!BBH", 0, 6, length)


def tcp(src, dst, sport, dport, seq, ack, flags, window=65535, options=b"", urgent=0, data=b"",
        checksum="good", reserved=0):
    """A TCP segment. checksum: good, bad, or half (the pseudo header's only, for offloading)."""
    options += b"\0" * (-len(options) % 4)
    offset = 5 + len(options) // 4
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & MASK, ack & MASK, offset << 4 | reserved, flags, window, 0, urgent)
    segment = head + options + data
    total = ones_sum(pseudo(src, dst, len(segment)))
    if checksum != "half":
        total = ones_sum(pseudo(src, dst, len(segment)) + segment) ^ 0xFFFF
    if checksum == "bad":
        total ^= 0x5A5A
    return segment[:16] + struct.pack("!H", total) + segment[18:]


def ip4(src, dst, payload, ttl=64, ident=0, fragment=0, options=b"", tos=0, proto=6):
    options += b"\0" * (-len(options) % 4)
    length = 20 + len(options) + len(payload)
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, tos, length, ident, fragment, ttl, proto, 0, src, dst)
    head += options
    return head[:10] + struct.pack("!H", ones_sum(head) ^ 0xFFFF) + head[12:] + payload


def ip6(src, dst, payload, ttl=64, proto=6, tos=0):
    return struct.pack("!IHBB16s16s", 0x60000000 | tos << 20, len(payload), proto, ttl, src, dst) + payload


def ext6(kind, following):
    """An extension header of eight bytes: hop-by-hop (0), destination options (60), atomic fragment (44)."""
    if kind == 44:
        return struct.pack("!BBHI", following, 0, 0, 0x51CE)
    return struct.pack("!BBBBI", following, 0, 1, 4, 0)


# How a segment is cut into fragments: (first byte, last byte, from the decoy) in the order of sending.
def pieces(kind, length):
    end = (length + 7) // 8 * 8
    half = min(48, end - 8)
    plain = [(n, min(n + 24, length), False) for n in range(0, length, 24)]
    tiny = [(n, min(n + 8, length), False) for n in range(0, length, 8)]
    two = [(0, half, False), (half, length, False)]
    return {
        "two": two,
        "two_reversed": two[::-1],
        "plain": plain,
        "reversed": plain[::-1],
        "odd_even": plain[1::2] + plain[0::2],
        "tiny": tiny,
        "tiny_reversed": tiny[::-1],
        "twice": [p for p in plain for _ in (0, 1)],
        "last_first": plain[-1:] + plain[:-1],
        "overlap_same": [(0, half + 16, False), (half, length, False)],
        "overlap_decoy_first": [(half, half + 16, True), (0, half, False), (half, length, False)],
        "overlap_decoy_last": [(half, length, False), (half, half + 16, True), (0, half, False)],
        "overlap_around": [(half + 8, half + 16, True), (half, length, False), (0, half, False)],
        "overlap_inside": [(half, length, False), (half + 8, half + 16, True), (0, half, False)],
        "decoy_whole": [(n, e, True) for n, e, _ in two[1:]] + two,
        "header_twice": [(0, half, True), (0, half, False), (half, length, False)],
    }[kind]


FRAGMENTS = ("two", "two_reversed", "plain", "reversed", "odd_even", "tiny", "tiny_reversed", "twice", "last_first")
BAD_FRAGMENTS = ("overlap_same", "overlap_decoy_first", "overlap_decoy_last", "overlap_around", "overlap_inside",
                 "decoy_whole", "header_twice")


def fragments(src, dst, kind, segment, decoy, ident, ttl=64):
    for first, last, from_decoy in pieces(kind, len(segment)):
        data = (decoy if from_decoy else segment)[first:last]
        more = last < len(segment)
        if len(src) == 4:
            yield ip4(src, dst, data, ttl, ident, (0x2000 if more else 0) | first // 8)
        else:
            head = struct.pack("!BBHI", 6, 0, first | more, ident)
            yield ip6(src, dst, head + data, ttl, 44)


class Segment:
    """A TCP packet that came in."""
    __slots__ = ("src", "dst", "sport", "dport", "seq", "ack", "flags", "window", "options", "data")


def parse(packet):
    """An IP packet's TCP segment, or None."""
    if packet[0] >> 4 == 4:
        head = (packet[0] & 15) * 4
        if packet[9] != 6:
            return None
        end = struct.unpack_from("!H", packet, 2)[0] or len(packet)
        addresses = packet[12:16], packet[16:20]
    else:
        head = 40
        if packet[6] != 6:
            return None
        end = (struct.unpack_from("!H", packet, 4)[0] or len(packet) - 40) + 40
        addresses = packet[8:24], packet[24:40]
    s = Segment()
    s.src, s.dst = addresses
    s.sport, s.dport, s.seq, s.ack, offset, s.flags, s.window = struct.unpack_from("!HHIIBBH", packet, head)
    s.options = packet[head + 20:head + (offset >> 4) * 4]
    s.data = packet[head + (offset >> 4) * 4:end]
    return s


def timestamp_option(value, echo):
    return struct.pack("!BBBBII", 1, 1, 8, 10, value & MASK, echo & MASK)


def option(options, kind):
    """Where the value of an option begins, or None."""
    at = 0
    while at + 1 < len(options) and options[at] != 0:
        if options[at] == kind:
            return at + 2
        at += 1 if options[at] == 1 else max(options[at + 1], 2)
    return None


def timestamp_of(options):
    at = option(options, 8)
    return 0 if at is None else struct.unpack_from("!I", options, at)[0]


def scale_of(options):
    at = option(options, 3)
    return 0 if at is None else options[at]


class Station:
    """What both the live client and the capture writer know of a connection, and how a step becomes packets."""

    def __init__(self, case, src, dst, sport, dport, isn):
        self.case, self.sport, self.dport = case, sport, dport
        self.src, self.dst = inet(src), inet(dst)
        self.isn = isn
        self.rcv_next = 0
        self.sent_end = 0
        self.ident = sport
        self.clock = 1000
        self.echo = 0

    def options(self, seg):
        if seg.options is not None:
            return seg.options
        if self.case.timestamps:
            self.clock += 1
            return timestamp_option(self.clock + seg.ts, self.echo)
        return b""

    def segment(self, seg, data, checksum):
        if seg.spoof:
            return tcp(self.dst, self.src, self.dport, self.sport, self.rcv_next + seg.seq, self.isn + 1 + seg.off,
                       flag_bits(seg.flags), seg.window, self.options(seg), 0, data, checksum)
        seq = self.isn + (0 if "S" in seg.flags and not seg.middle else 1) + seg.off + seg.seq
        return tcp(self.src, self.dst, self.sport, self.dport, seq, self.rcv_next + seg.ack if "A" in seg.flags else 0,
                   flag_bits(seg.flags), seg.window, self.options(seg), seg.urgent, data, checksum, seg.reserved)

    def packets(self, seg):
        """The IP packets of a Seg, in the order of sending."""
        self.ident = (self.ident + 1) & 0xFFFF
        body = self.segment(seg, seg.data, seg.checksum)
        src, dst = (self.dst, self.src) if seg.spoof else (self.src, self.dst)
        if seg.fragment:
            decoy = self.segment(seg, seg.decoy or b"x" * len(seg.data), "good")
            return list(fragments(src, dst, seg.fragment, body, decoy, self.ident, seg.ttl))
        if len(src) == 4:
            packet = ip4(src, dst, body, seg.ttl, self.ident, 0x4000, seg.ip_options, seg.tos)
            if seg.bad_ip:
                packet = packet[:10] + bytes([packet[10] ^ 0x55]) + packet[11:]
        elif seg.extension is not None:
            packet = ip6(src, dst, ext6(seg.extension, 6) + body, seg.ttl, seg.extension, seg.tos)
        else:
            packet = ip6(src, dst, body, seg.ttl, 6, seg.tos)
        return [packet + seg.padding]
