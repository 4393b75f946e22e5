# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases as captures: the client's packets as the steps say, and a plausible server."""
import struct

import wire
from steps import PORTS, RAW, Acked, Flood, Open, Reply, Room, Seg, Sleep
from wire import MASK

CLIENT = {4: "10.77.0.1", 6: "fd77::1"}
SERVER = {4: "10.77.0.2", 6: "fd77::2"}
MACS = bytes.fromhex("020000000002"), bytes.fromhex("020000000001")


class Recorder(wire.Station):
    """Writes one case: a list of (seconds, to the server, IP packet)."""

    def __init__(self, case, server, version, port, start):
        tag = b"p%05d" % port
        super().__init__(case, CLIENT[version], SERVER[version], port, PORTS[server],
                         case.isn if case.isn is not None else port * 65537)
        self.server, self.version, self.now = server, version, start
        self.packets_out = []
        self.server_isn = self.server_next = 0
        self.replies = 0
        for step in case.plan(tag, server):
            self.play(step)

    def put(self, to_server, packet):
        self.now += 0.0001
        self.packets_out.append((self.now, to_server, packet))

    def from_server(self, flags, data=b"", ack=None, options=b""):
        if self.case.timestamps:
            self.echo += 1
            options += wire.timestamp_option(self.echo, self.clock)
        acknowledged = self.isn + 1 + (self.sent_end if ack is None else ack)
        segment = wire.tcp(self.dst, self.src, self.dport, self.sport, self.server_next, acknowledged,
                           wire.flag_bits(flags), 65000, options, 0, data)
        if self.version == 4:
            self.put(False, wire.ip4(self.dst, self.src, segment, ident=1, fragment=0x4000))
        else:
            self.put(False, wire.ip6(self.dst, self.src, segment))
        self.server_next = (self.server_next + len(data) + ("S" in flags)) & MASK
        if data:
            self.rcv_next = self.server_next

    def emit(self, seg):
        for packet in self.packets(seg):
            self.put(True, packet)
        if not seg.stray and not set("RS") & set(seg.flags):
            self.sent_end = max(self.sent_end, seg.off + len(seg.data) + ("F" in seg.flags))

    def open(self, step):
        self.isn = step.isn if step.isn is not None else self.isn
        self.sent_end = 0
        self.rcv_next, self.server_isn = 0, (self.isn * 7 + 99) & MASK
        self.server_next = self.server_isn
        scale = b"\x01\x03\x03\x07" if self.case.wscale else b""
        stamp = b"\1\1\x08\x0a" + struct.pack("!II", self.clock, 0) if self.case.timestamps else b""
        self.emit(Seg(0, step.data, "S", options=b"\x02\x04\x05\xb4" + scale + stamp, stray=True))
        self.from_server("SA", ack=0, options=b"\x02\x04\x05\xb4" + scale)
        self.rcv_next = self.server_next
        if not step.quiet:
            self.emit(Seg(0, flags="A"))

    def respond(self, text):
        self.from_server("A")
        self.from_server("PA", text)
        self.emit(Seg(self.sent_end, flags="A"))

    def play(self, step):
        if isinstance(step, Seg):
            self.emit(step)
        elif isinstance(step, Open):
            self.open(step)
        elif isinstance(step, Flood):
            pass
        elif isinstance(step, Sleep):
            self.now += step.seconds
        elif isinstance(step, (Acked, Room)):
            self.from_server("A", ack=step.off if isinstance(step, Acked) else step.sent)
        elif isinstance(step, Reply):
            while self.replies < step.count:
                self.replies += 1
                self.respond(b"ok\n" if self.server == RAW else b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        else:
            self.respond(b"HTTP/1.1 " + step.text + b"\r\n\r\n")


def record(cases, start=1700000000.0):
    """(port, case, server, version, packets) for each case at each of its servers; connections one after the other."""
    port = 20000
    for c in cases:
        for n, server in enumerate(c.servers):
            port += 1
            version = c.versions[(n + c.number) % len(c.versions)]
            recorder = Recorder(c, server, version, port, start)
            start = recorder.now + 0.001
            yield port, c, server, version, recorder.packets_out


def ethernet(to_server, packet):
    macs = MACS if to_server else MACS[::-1]
    return macs[0] + macs[1] + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet


def raw_ip(_to_server, packet):
    return packet


def protocol_of(packet):
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


def cooked(to_server, packet):
    return struct.pack("!HHH6sHH", 0 if to_server else 4, 1, 6, MACS[to_server], 0, protocol_of(packet)) + packet


def cooked2(to_server, packet):
    return struct.pack("!HHIHBB6sH", protocol_of(packet), 0, 2, 1, 0 if to_server else 4, 6, MACS[to_server], 0) + packet


# Link types: what stands before the IP packet, and its number.
LINKS = {"ethernet": (ethernet, 1), "raw": (raw_ip, 101), "sll": (cooked, 113), "sll2": (cooked2, 276)}


def write_pcap(path, packets, link="ethernet", order="<", nano=False):
    frame, number = LINKS[link]
    with open(path, "wb") as file:
        file.write(struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 262144, number))
        for when, to_server, packet in packets:
            data = frame(to_server, packet)
            part = int(when % 1 * (1e9 if nano else 1e6))
            file.write(struct.pack(order + "IIII", int(when), part, len(data), len(data)) + data)


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def write_pcapng(path, packets, link="ethernet"):
    frame, number = LINKS[link]
    with open(path, "wb") as file:
        file.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
        file.write(block(1, struct.pack("<HHI", number, 0, 0)))
        for when, to_server, packet in packets:
            data = frame(to_server, packet)
            stamp = int(when * 1e6)
            file.write(block(6, struct.pack("<IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data)) + data))
