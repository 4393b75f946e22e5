# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP client of our own on packet sockets: it sends exactly what the steps say, for many connections at once."""
import re
import select
import socket
import struct
import subprocess
import time

import wire
from steps import ALERT, BENIGN, RAW, Acked, Flood, Open, Reply, Room, Seg, Sleep
from wire import MASK

SOL_PACKET, PACKET_VNET_HDR = 263, 15
FINAL = re.compile(rb"HTTP/1\.[01] (?!1\d\d)(\d{3})")


def words_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


class Link:
    """An interface, and the next hop's MAC address for each server."""

    def __init__(self, device):
        self.device = device
        with open(f"/sys/class/net/{device}/address", encoding="ascii") as file:
            self.mac = bytes.fromhex(file.read().strip().replace(":", ""))
        self.out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.out.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
        self.out.bind((device, 0))
        self.ins = []
        for protocol in (0x0800, 0x86DD):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 20)
            sock.bind((device, protocol))
            sock.setblocking(False)
            self.ins.append(sock)
        self.hops = {}

    def hop(self, address):
        """The next hop's MAC, as the kernel knows it or finds it out."""
        if address not in self.hops:
            route = words_of("ip", "route", "get", address)
            self.hops[address] = self.neighbour(route[route.index("via") + 1] if "via" in route else address)
        return self.hops[address]

    def neighbour(self, address):
        deadline = time.monotonic() + 30
        while "lladdr" not in (words := words_of("ip", "neigh", "show", address, "dev", self.device)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"no neighbour {address}: {' '.join(words)}")
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asks:
                asks.sendto(b"", (address, 9))
            time.sleep(0.2)
        return bytes.fromhex(words[words.index("lladdr") + 1].replace(":", ""))

    def send(self, address, packet, gso=0, mac=b""):
        frame = (mac or self.hop(address)) + self.mac + (b"\x86\xdd" if ":" in address else b"\x08\x00") + packet
        head = bytes(10)
        if gso:
            start = 14 + (40 if ":" in address else 20)
            length = start + (packet[start - 14 + 12] >> 4) * 4
            # virtio_net_hdr: needs a checksum; TCPv4 or TCPv6
            head = struct.pack("=BBHHHH", 1, 4 if ":" in address else 1, length, gso, start, 16)
        self.out.send(head + frame)

    def receive(self):
        for sock in self.ins:
            for _ in range(256):
                try:
                    packet = sock.recv(131072)
                except BlockingIOError:
                    break
                yield packet


class Connection(wire.Station):
    """One case on its way. `patience`: a factor for slow machines."""

    def __init__(self, case, link, server, address, source, port, tag, enforced, patience):
        super().__init__(case, source, address, port, server[1], case.isn if case.isn is not None else port * 65537)
        self.link, self.server, self.address, self.tag = link, server[0], address, tag
        self.enforced, self.patience = enforced, patience
        self.steps = list(case.plan(tag, server[0]))
        self.at = 0
        self.deadline = 0.0
        self.received = b""
        self.acked = self.edge = self.scale = 0
        self.synced = False
        self.syn_sent = 0.0
        self.reset_at = self.page_at = self.last_sent = self.ended = 0.0
        self.slow_waits = []

    # ---- what goes out
    def emit(self, seg):
        gso = 1400 if seg.gso else 0
        if gso:
            seg.checksum = "half"
        for packet in self.packets(seg):
            self.link.send(self.address, packet, gso, seg.mac)
        if not seg.stray and "R" not in seg.flags and "S" not in seg.flags:
            self.sent_end = max(self.sent_end, seg.off + len(seg.data) + ("F" in seg.flags))

    def acknowledge(self):
        self.emit(Seg(self.sent_end, flags="A"))

    def flood(self, count):
        """SYNs from ports 30000 on, that nobody goes on with."""
        real = self.sport
        for n in range(count):
            self.sport = 30000 + n % 2000
            self.emit(Seg(flags="S", seq=n * 7919, options=b"", stray=True))
        self.sport = real

    def send_syn(self, step):
        options = b"\x02\x04\x05\xb4" + (b"\x01\x03\x03\x07" if self.case.wscale else b"")
        if self.case.timestamps:
            options += b"\1\1\x08\x0a" + struct.pack("!II", self.clock, 0)
        self.emit(Seg(0, step.data, "S", options=options, stray=True))

    def open(self, step, now):
        """True once the handshake is done."""
        if not self.syn_sent:
            self.isn = step.isn if step.isn is not None else self.isn
            self.synced, self.sent_end, self.acked, self.received = False, 0, 0, b""
            self.rcv_next = 0
            self.syn_sent = now
            self.send_syn(step)
        if not self.synced:
            return False
        self.syn_sent = 0.0
        if not step.quiet:
            self.acknowledge()
        return True

    # ---- what comes in
    def take(self, s, now):
        if s.flags & wire.RST:
            self.reset_at = self.reset_at or now
            return
        if s.flags & wire.SYN:
            if s.flags & wire.ACK and not self.synced and s.ack == (self.isn + 1) & MASK:
                self.rcv_next, self.synced = (s.seq + 1) & MASK, True
                self.echo = wire.timestamp_of(s.options)
                self.scale = wire.scale_of(s.options)
            return
        if not self.synced:
            return
        ahead = (s.ack - self.isn - 1) & MASK
        if ahead < 1 << 31:
            self.acked = max(self.acked, ahead)
            self.edge = max(self.edge, ahead + (s.window << self.scale))
        if self.case.timestamps:
            self.echo = wire.timestamp_of(s.options) or self.echo
        skip = (self.rcv_next - s.seq) & MASK
        if skip < len(s.data):
            self.received += s.data[skip:]
            self.rcv_next = (self.rcv_next + len(s.data) - skip) & MASK
            if b"HTTP/1.1 403" in self.received and not self.page_at:
                self.page_at = now
        if s.flags & wire.FIN and (s.seq + len(s.data)) & MASK == self.rcv_next:
            self.rcv_next = (self.rcv_next + 1) & MASK
        if s.data or s.flags & wire.FIN:
            self.acknowledge()

    def replies(self):
        if self.server == RAW:
            return self.received.count(b"ok\n")
        return len(FINAL.findall(self.received))

    # ---- its way
    def holds(self, step):
        if isinstance(step, Acked):
            return self.acked >= step.off
        if isinstance(step, Room):
            return self.acked >= step.sent and self.edge >= step.off
        if isinstance(step, Reply):
            return self.replies() >= step.count
        return step.text in self.received

    def run_step(self, step, now):
        """True when the step is done."""
        if isinstance(step, Seg):
            self.emit(step)
            self.last_sent = now
            return True
        if isinstance(step, Flood):
            self.flood(step.count)
            return True
        if not self.deadline:
            wait = step.seconds if isinstance(step, Sleep) else (3 if isinstance(step, Open) else 1.5) * self.patience
            self.deadline = now + wait
        done = isinstance(step, Open) and self.open(step, now) or \
            not isinstance(step, (Open, Sleep)) and (self.holds(step) or bool(self.reset_at and self.enforced))
        if not done and now < self.deadline:
            return False
        if not done and not isinstance(step, Sleep):
            self.slow_waits.append(type(step).__name__)
            self.syn_sent = 0.0
        self.deadline = 0.0
        return True

    def answered_at(self):
        return min((t for t in (self.reset_at, self.page_at) if t), default=0.0)

    def advance(self, now):
        """False when the case is over."""
        while self.at < len(self.steps):
            if not self.run_step(self.steps[self.at], now):
                return True
            self.at += 1
        if not self.deadline:
            self.ended = now
            self.deadline = now + self.wait_for() * self.patience
        return now < self.deadline and not self.settled()

    def wait_for(self):
        if not self.enforced:
            return 1.2
        return {ALERT: 2, BENIGN: 1.5}.get(self.case.expect, 0.4)

    def settled(self):
        wanted = sum(isinstance(s, Reply) for s in self.steps) + 1
        if self.enforced and self.case.expect == ALERT:
            return bool(self.answered_at())
        if self.enforced and self.case.expect != BENIGN:
            return False
        return self.replies() >= wanted

    def bury(self):
        """Frees the server's end."""
        self.emit(Seg(self.acked, flags="R", stray=True))


def play(link, connections, jobs, on_end):
    """Runs them, `jobs` at a time."""
    waiting, running, by_port = list(connections)[::-1], [], {}
    poller = select.poll()
    for sock in link.ins:
        poller.register(sock, select.POLLIN)
    while waiting or running:
        while waiting and len(running) < jobs:
            running.append(waiting.pop())
            by_port[running[-1].sport] = running[-1]
        now = time.monotonic()
        for c in [c for c in running if not c.advance(now)]:
            running.remove(c)
            on_end(c)
        poller.poll(4)
        now = time.monotonic()
        for packet in link.receive():
            s = wire.parse(packet)
            if s and s.dport in by_port:
                by_port[s.dport].take(s, now)
