# SPDX-License-Identifier: GPL-3.0-or-later
"""What a case is made of: its steps, its message, what is expected."""
from dataclasses import dataclass, field
from typing import Callable, Optional


@dataclass
class Seg:
    """One segment. off: its place in the stream; seq, ack, ts: added to the right numbers."""
    off: int = 0
    data: bytes = b""
    flags: str = "PA"
    seq: int = 0
    ack: int = 0
    ts: int = 0
    checksum: str = "good"
    ttl: int = 64
    tos: int = 0
    urgent: int = 0
    window: int = 65535
    reserved: int = 0
    options: Optional[bytes] = None
    ip_options: bytes = b""
    extension: Optional[int] = None
    fragment: str = ""
    decoy: bytes = b""
    middle: bool = False  # a SYN in the middle of the stream: counts from its place
    gso: bool = False
    stray: bool = False   # does not count as sent: the server does not take it
    spoof: bool = False   # as if from the server: off is what it acknowledges
    mac: bytes = b""      # another destination than the next hop
    padding: bytes = b""  # behind the IP packet
    bad_ip: bool = False  # a wrong IPv4 header checksum


@dataclass
class Open:
    """The handshake. data: on the SYN; quiet: no ACK of its own, the first segment carries it."""
    data: bytes = b""
    quiet: bool = False
    isn: Optional[int] = None


@dataclass
class Acked:
    """Waits until the server has acknowledged what lies before off."""
    off: int


@dataclass
class Room:
    """Waits until what lies before `sent` is acknowledged and the server's window takes the bytes before `off`."""
    sent: int
    off: int


@dataclass
class Reply:
    """Waits for this many final responses."""
    count: int = 1


@dataclass
class Text:
    """Waits for these bytes from the server."""
    text: bytes


@dataclass
class Sleep:
    seconds: float


@dataclass
class Flood:
    """SYNs of so many other connections."""
    count: int


ALERT = "alert"    # an alert, the attack does not reach the server, the client is told at once
BENIGN = "benign"  # the harmless copy reaches the server, the attack does not
SAFE = "safe"      # the attack does not reach the server

NGINX, PYTHON, RAW = "nginx", "python", "raw"
PORTS = {NGINX: 80, PYTHON: 8080, RAW: 9000}


@dataclass(eq=False)
class Case:
    name: str
    attack: str                       # what it tries, in words
    steps: Callable                   # of a Message (TCP cases) or a tag (HTTP cases)
    expect: str = ALERT
    rules: tuple = ()
    servers: tuple = (NGINX, PYTHON)
    versions: tuple = (4, 6)
    http: bool = False
    timestamps: bool = False
    body: bool = False                # the attack at the end of a body
    isn: Optional[int] = None
    wscale: bool = True
    routed: str = ""                  # what to expect where the box routes, when it differs
    hop: str = ""                     # … where a router stands between box and server
    replay: Optional[str] = None      # … in a capture; "" not looked at
    refused: tuple = ()               # servers that do not take it even alone
    web: bool = False                 # rules/web.conf has to find it
    only: str = ""                    # belongs to this set alone: web, pressure, midstream
    few: bool = False                 # one of the representative ones
    number: int = 0

    def message(self, tag, server):
        return Message(tag, server, self.body)

    def plan(self, tag, server):
        return self.steps(tag) if self.http else self.steps(self.message(tag, server))


CASES = []


def case(name, attack, steps, **more):
    entry = Case(name, attack, steps, number=len(CASES) + 1, **more)
    assert all(other.name != name for other in CASES), name
    CASES.append(entry)
    return entry


@dataclass
class Message:
    """A request with the attack in it, and the harmless one of the same length."""
    tag: bytes
    server: str
    in_body: bool = False
    data: bytes = b""
    good: bytes = b""
    word: int = 0    # where "evil" stands
    end: int = 0     # behind the whole marker
    pad: int = field(default=24)

    def __post_init__(self):
        marker = b"evil-" + self.tag + b"!"
        filler = b"abcdefghijklmnopqrstuvwxyz"[:self.pad]
        if self.server == RAW:
            self.data = b"hello " + filler + b" " + marker + (b"" if self.in_body else b" and good bye to all of you\n")
        elif self.in_body:
            body = b"a=" + filler + b"&q=" + marker
            self.data = (b"POST /form HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: curl\r\nContent-Length: %d\r\n"
                         b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" % len(body)) + body
        else:
            self.data = (b"GET /find?a=" + filler + b"&q=" + marker + b"&z=1 HTTP/1.1\r\nHost: shop.test\r\n"
                         b"User-Agent: curl\r\nAccept: */*\r\n\r\n")
        self.good = self.data.replace(b"evil-", b"good-")
        self.word = self.data.index(b"evil-")
        self.end = self.data.index(marker) + len(marker)

    def seg(self, first, last=None, good=False, **more):
        last = len(self.data) if last is None else last
        return Seg(first, (self.good if good else self.data)[first:last], **more)

    def cut(self, *borders, good=False, **more):
        """The whole message, cut there."""
        ends = [0, *borders, len(self.data)]
        return [self.seg(a, b, good, **more) for a, b in zip(ends, ends[1:]) if a < b]
