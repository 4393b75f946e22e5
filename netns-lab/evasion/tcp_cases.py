# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks disguised in segments and packets. m is the Message: m.data with the attack, m.good without."""
import itertools
import random

from steps import ALERT, BENIGN, NGINX, PYTHON, RAW, SAFE, Acked, Flood, Open, Reply, Room, Seg, Sleep, case as any_case
from wire import BAD_FRAGMENTS, FRAGMENTS, timestamp_option

MSS = 1400
TCP_RULES = (9001, 9002, 9003)


def case(name, attack, steps, **more):
    more.setdefault("rules", TCP_RULES)
    more.setdefault("servers", (NGINX, PYTHON, RAW))
    return any_case(name, attack, steps, **more)


def opened(steps):
    return lambda m: [Open(), *steps(m)]


def every(n, m):
    return m.cut(*range(n, len(m.data), n))


def shuffled(seed, n):
    def steps(m):
        segments = every(n, m)
        random.Random(seed).shuffle(segments)
        return segments
    return opened(steps)


def quarters(m):
    """Four segments, the second and the third with the attack cut in two."""
    return m.cut(m.word - 9, m.word + 3, m.end + 4)


# ---- cut and shuffled
case("whole", "the attack as it is", opened(lambda m: [m.seg(0)]), few=True)
case("one-byte", "one byte a segment", opened(lambda m: every(1, m)), few=True)
case("one-byte-acked", "one byte a segment, each after the last one's ACK",
     opened(lambda m: [s for n, one in enumerate(every(1, m)) for s in ([Acked(n), one] if n % 8 == 0 else [one])]))
case("one-byte-backwards", "one byte a segment, the last first", opened(lambda m: every(1, m)[::-1]), few=True)
case("two-bytes-backwards", "two bytes a segment, the last first", opened(lambda m: every(2, m)[::-1]))
case("odd-then-even", "every second byte, then the others", opened(lambda m: every(1, m)[1::2] + every(1, m)[0::2]))
case("in-the-word", "the border in the attack", opened(lambda m: m.cut(m.word + 2)))
case("last-byte", "the attack's last byte is the request's last", opened(lambda m: m.cut(m.end - 1)), body=True, few=True)
case("last-byte-first", "the last byte comes first", opened(lambda m: m.cut(m.end - 1)[::-1]), body=True)
case("last-byte-alone", "a request's last byte, one second later",
     opened(lambda m: [*m.cut(m.end - 1)[:1], Acked(m.end - 1), Sleep(1), m.seg(m.end - 1)]), body=True)
for order in itertools.permutations(range(4)):
    case("order-" + "".join(str(n + 1) for n in order), "four segments in this order",
         opened(lambda m, order=order: [quarters(m)[n] for n in order]), few=order == (3, 2, 1, 0))
for seed in range(4):
    case(f"shuffle-1-{seed}", "one byte a segment, shuffled", shuffled(seed, 1))
    case(f"shuffle-5-{seed}", "five bytes a segment, shuffled", shuffled(100 + seed, 5))
case("hole-last", "the hole is filled last", opened(lambda m: [m.seg(m.word), m.seg(0, m.word)]))
case("hole-pause", "the hole is filled after a second", opened(lambda m: [m.seg(0, 8), m.seg(m.word), Sleep(1), m.seg(8, m.word)]))
case("holes", "many holes, filled from behind",
     opened(lambda m: every(3, m)[0::3] + every(3, m)[2::3][::-1] + every(3, m)[1::3][::-1]))
case("pause-in-word", "a second in the middle of the attack",
     opened(lambda m: [m.seg(0, m.word + 2), Acked(m.word + 2), Sleep(1), m.seg(m.word + 2)]))
case("acked-in-word", "the second half after the ACK of the first",
     opened(lambda m: [m.seg(0, m.word + 2), Acked(m.word + 2), m.seg(m.word + 2)]))

# ---- the same bytes more than once
case("each-twice", "every segment twice", opened(lambda m: [s for s in every(7, m) for _ in (0, 1)]))
case("all-twice-backwards", "all segments twice, backwards", opened(lambda m: (every(9, m) * 2)[::-1]))
case("sliding", "three bytes a segment, each overlapping the next by two",
     opened(lambda m: [m.seg(n, min(n + 3, len(m.data))) for n in range(len(m.data))]))
case("sliding-backwards", "the same from behind",
     opened(lambda m: [m.seg(n, min(n + 3, len(m.data))) for n in range(len(m.data))][::-1]))
case("growing", "each segment from the beginning, longer each time",
     opened(lambda m: [m.seg(0, n) for n in range(4, len(m.data) + 4, 4)]))
case("shrinking", "each segment to the end, longer each time",
     opened(lambda m: [m.seg(n) for n in range(len(m.data) - 1, -1, -4)] + [m.seg(0)]))

# ---- overlaps: S1 comes first, S2 second, either with the attack
PLACES = {
    "exact": (lambda m: (m.word - 5, m.end), lambda m: (m.word - 5, m.end)),
    "before": (lambda m: (m.word - 2, m.end), lambda m: (m.word - 10, m.word + 6)),
    "behind": (lambda m: (m.word - 10, m.word + 6), lambda m: (m.word - 2, m.end)),
    "inside": (lambda m: (m.word - 10, m.end), lambda m: (m.word - 2, m.word + 6)),
    "around": (lambda m: (m.word - 2, m.word + 6), lambda m: (m.word - 10, m.end)),
}


def overlap(place, first_good, second_good, hole):
    """hole: the message's beginning comes last, so that the receiver has to keep both copies."""
    one, two = PLACES[place]

    def steps(m):
        s1, s2 = m.seg(*one(m), good=first_good), m.seg(*two(m), good=second_good)
        start, end = min(s1.off, s2.off), max(s1.off + len(s1.data), s2.off + len(s2.data))
        head = [m.seg(0, start)]
        # Whatever was refused with a differing copy comes again as it was first.
        again = [m.seg(start, end, good=first_good), m.seg(end, good=first_good)]
        return [s1, s2, *again, *head] if hole else [*head, s1, s2, *again]
    return opened(steps)


for where in PLACES:
    for with_hole in (False, True):
        when = "-kept" if with_hole else ""
        # Where the copy is in order, or covers what was kept, Linux reads the copy.
        read = (NGINX, PYTHON, RAW) if where == "around" or (where == "before" and not with_hole) else ()
        case(f"overlap-{where}-attack-first{when}", "a harmless copy over the attack",
             overlap(where, False, True, with_hole), few=where == "exact", refused=read)
        case(f"overlap-{where}-attack-second{when}", "the attack over a harmless copy",
             overlap(where, True, False, with_hole), expect=BENIGN, few=where == "around" and with_hole)
        case(f"overlap-{where}-same{when}", "the attack twice", overlap(where, False, False, with_hole))

# ---- retransmissions with other bytes
case("resend-attack", "the harmless request's middle again, with the attack, before it is complete",
     opened(lambda m: [m.seg(0, m.end, good=True), m.seg(0, m.end), m.seg(m.end, good=True)]), expect=BENIGN, few=True)
case("resend-attack-acked", "the same after the ACK",
     opened(lambda m: [m.seg(0, m.end, good=True), Acked(m.end), m.seg(0, m.end), m.seg(m.end, good=True)]),
     expect=BENIGN, few=True)
case("resend-attack-acked-longer", "after the ACK, in one segment with the rest",
     opened(lambda m: [m.seg(0, m.end, good=True), Acked(m.end), m.seg(0), m.seg(m.end, good=True)]), expect=BENIGN)
case("resend-harmless", "the attack, then harmless bytes in its place, then the rest",
     opened(lambda m: [m.seg(0, m.end), m.seg(0, m.end, good=True), m.seg(m.end)]))
case("resend-harmless-acked", "the same after the ACK",
     opened(lambda m: [m.seg(0, m.end - 1), Acked(m.end - 1), m.seg(0, m.end - 1, good=True), m.seg(m.end - 1)]))
case("resend-harmless-acked-whole", "after the ACK the whole request, harmless where it was acknowledged",
     opened(lambda m: [m.seg(0, m.end - 1), Acked(m.end - 1), m.seg(0, good=True), m.seg(m.end - 1)]))
case("resend-kept-other-borders", "a kept segment again in smaller ones with the attack",
     opened(lambda m: [m.seg(8, m.end, good=True), *[m.seg(n, n + 4) for n in range(8, m.end - 4, 4)],
                       m.seg(m.end, good=True), m.seg(0, 8), m.seg(8, m.end, good=True)]), expect=BENIGN)
case("resend-after-alert", "the segment that completed the attack, again and again",
     opened(lambda m: [m.seg(0, m.word), m.seg(m.word), Sleep(0.1), m.seg(m.word), Sleep(0.1), m.seg(0)]))
case("new-bytes-after-alert", "after the attack a harmless request on the same connection",
     opened(lambda m: [m.seg(0), Sleep(0.1), Seg(len(m.data), m.data)]))
case("rest-in-pieces-after-alert", "what completed the attack, again in single bytes",
     opened(lambda m: [m.seg(0, m.word), m.seg(m.word), Sleep(0.1)]
            + [m.seg(n, n + 1) for n in range(m.word, len(m.data))]))


# ---- decoys: a harmless copy that the server does not take stands before the attack
def decoy(**how):
    def steps(m):
        fake = m.seg(m.word - 4, m.end, good=True, stray=True, **how)
        return [m.seg(0, m.word - 4), fake, m.seg(m.word - 4)]
    return opened(steps)


def kept_decoy(**how):
    """The same behind a hole."""
    def steps(m):
        fake = m.seg(m.word - 4, m.end, good=True, stray=True, **how)
        return [fake, m.seg(m.word - 4), m.seg(0, m.word - 4)]
    return opened(steps)


def stray(*segments, wait=False):
    """Packets without use in the middle of the attack."""
    def steps(m):
        middle = [s(m) for s in segments]
        for s in middle:
            s.stray = True
        return [m.seg(0, m.word + 2), *([Acked(m.word + 2)] if wait else []), *middle, m.seg(m.word + 2)]
    return opened(steps)


def at(m):
    return m.word + 2


for name, how, what in (
        ("bad-checksum", {"checksum": "bad"}, "a harmless copy with a bad checksum"),
        ("old-seq", {"seq": -100000}, "harmless bytes with an old sequence number"),
        ("far-seq", {"seq": 1 << 30}, "harmless bytes far outside the window"),
        ("beyond-window", {"seq": 4 << 20}, "harmless bytes behind the window"),
        ("no-flags", {"flags": ""}, "a harmless copy without any flag"),
        ("no-ack", {"flags": "P"}, "a harmless copy without ACK"),
        ("future-ack", {"ack": 1 << 20}, "a harmless copy that acknowledges what was never sent"),
        ("old-ack", {"ack": -(1 << 30)}, "a harmless copy with a very old acknowledgment")):
    # In order Linux takes bytes whatever their old acknowledgment says. Where responses pass by unseen it is not known
    # what the server has sent: such a decoy is the first copy, and the attack differs from it.
    unknown = name in ("future-ack", "old-ack")
    case(f"decoy-{name}", what, decoy(**how), few=name == "bad-checksum", expect=SAFE if unknown else ALERT,
         replay=ALERT if name == "future-ack" else None)
    case(f"decoy-{name}-kept", what + ", behind a hole", kept_decoy(**how), expect=SAFE if unknown else ALERT,
         replay=ALERT if unknown else None)
for name, make in (("decoy-low-ttl", decoy), ("decoy-low-ttl-kept", kept_decoy)):
    # On a bridge there is no hop between: the decoy arrives, and is what the server reads.
    case(name, "a harmless copy with a TTL of 1", make(ttl=1), expect=SAFE, routed=ALERT, hop=SAFE, few=True)
case("low-ttl-reset", "a reset with a TTL of 1 in the middle",
     stray(lambda m: Seg(at(m), flags="R", ttl=1), wait=True), expect=SAFE, routed=ALERT, hop=SAFE, few=True)
case("decoy-old-timestamp", "a harmless copy with a timestamp of the past", decoy(ts=-(1 << 20)), timestamps=True, expect=SAFE)
case("decoy-no-timestamp", "a harmless copy without the timestamp", decoy(options=b""), timestamps=True, expect=SAFE)
case("decoy-md5", "a harmless copy with an MD5 signature that the server does not know",
     decoy(options=b"\x13\x12" + bytes(16)), expect=SAFE)
case("decoy-on-syn", "harmless bytes on the SYN", lambda m: [Open(data=m.good[:m.end]), m.seg(0)], expect=SAFE, few=True)

# ---- the attack itself in an odd segment: whether the server takes it or not, it is not read
for name, how, what, expected in (
        # Linux would take it, in order; RFC 9293 would not.
        ("old-ack", {"ack": -(1 << 30)}, "with a very old acknowledgment", SAFE),
        ("future-ack", {"ack": 1 << 20}, "with an acknowledgment of what was never sent", SAFE),
        ("no-ack", {"flags": "P"}, "without ACK", SAFE),
        ("bad-checksum", {"checksum": "bad"}, "with a bad checksum", SAFE),
        ("with-reset", {"flags": "RPA"}, "on a reset", SAFE),
        ("with-syn", {"flags": "SPA", "middle": True}, "on a SYN", SAFE),
        ("all-flags", {"flags": "FPUAEC", "urgent": 1}, "with all flags that belong to data", SAFE),
        ("md5", {"options": b"\x13\x12" + bytes(16)}, "with an MD5 signature", SAFE),
        ("bad-option", {"options": b"\x02\x40\x05\xb4"}, "with an option of a bad length", ALERT),
        ("window-zero", {"window": 0}, "with a window of zero", ALERT)):
    case(f"attack-{name}", f"the attack {what}", opened(lambda m, how=how: [
        m.seg(0, m.word), m.seg(m.word, m.end, **how), m.seg(m.end)]), expect=expected)
case("attack-no-timestamp", "the attack in a segment without the timestamp", opened(lambda m: [
    m.seg(0, m.word), m.seg(m.word, m.end, options=b""), m.seg(m.end)]), timestamps=True)
case("attack-old-timestamp", "the attack with a timestamp of the past, and once more", opened(lambda m: [
    m.seg(0, m.word), m.seg(m.word, m.end, ts=-(1 << 20)), m.seg(m.end), m.seg(m.word)]), timestamps=True)
case("attack-two-edges", "the attack overlaps the edge of what is acknowledged", opened(lambda m: [
    m.seg(0, m.word, good=True), Acked(m.word), m.seg(4, m.end)] + [m.seg(m.end)]))
case("attack-on-syn", "the attack on the SYN, and again behind it", lambda m: [Open(data=m.data), m.seg(0)])

for name, make, what in (
        ("reset-outside", lambda m: Seg(at(m), flags="R", seq=1 << 30), "a reset far outside the window"),
        ("reset-old", lambda m: Seg(at(m), flags="R", seq=-70000), "a reset with an old sequence number"),
        ("reset-inexact", lambda m: Seg(at(m), flags="R", seq=8), "a reset in the window, not at its edge"),
        ("reset-ack-inexact", lambda m: Seg(at(m), flags="RA", seq=300), "a reset with ACK, in the window"),
        ("reset-bad-checksum", lambda m: Seg(at(m), flags="R", checksum="bad"), "a reset with a bad checksum"),
        ("reset-one-behind", lambda m: Seg(at(m), flags="R", seq=-1), "a reset one byte before the edge"),
        ("fin-outside", lambda m: Seg(at(m), flags="FA", seq=1 << 30), "FIN far outside the window"),
        ("fin-old", lambda m: Seg(at(m), flags="FA", seq=-at(m)), "FIN with an old sequence number"),
        ("fin-bad-checksum", lambda m: Seg(at(m), flags="FA", checksum="bad"), "FIN with a bad checksum"),
        ("fin-no-ack", lambda m: Seg(at(m), flags="F"), "FIN without ACK"),
        ("syn-inside", lambda m: Seg(at(m), flags="S", seq=4, middle=True), "SYN in the window"),
        ("syn-outside", lambda m: Seg(at(m), flags="S", seq=1 << 30, middle=True), "SYN outside the window"),
        ("syn-exact", lambda m: Seg(at(m), flags="S", middle=True), "SYN at the window's edge"),
        ("syn-ack-inside", lambda m: Seg(at(m), flags="SA", middle=True), "SYN with ACK in the window"),
        ("keep-alive", lambda m: Seg(at(m), b"Z", flags="A", seq=-1), "a keep-alive with one byte of garbage"),
        ("bare-acks", lambda m: Seg(at(m), flags="A"), "an empty segment"),
        ("ack-of-unsent", lambda m: Seg(at(m), flags="A", ack=1 << 20), "an ACK of what was never sent"),
        ("window-zero", lambda m: Seg(at(m), flags="A", window=0), "a window of zero"),
        ("bad-length-options", lambda m: Seg(at(m), b"garbage!", options=b"\x02\x40\x05\xb4"), "an option with a bad length")):
    expected = SAFE if name in ("bad-length-options",) else ALERT
    case(name, what + " in the middle", stray(make, wait=name.startswith(("reset", "syn", "fin"))),
         expect=expected, few=name in ("reset-outside", "reset-inexact", "syn-inside"))
case("fin-ahead", "FIN behind bytes that come later",
     opened(lambda m: [m.seg(0, m.word + 2), m.seg(m.word + 2 + 3, flags="FPA"), m.seg(m.word + 2, m.word + 5)]))
case("fin-with-attack", "FIN on the segment that completes the attack",
     opened(lambda m: [m.seg(0, m.word + 2), m.seg(m.word + 2, flags="FPA")]))
case("fin-then-attack", "FIN, and the attack behind it",
     opened(lambda m: [m.seg(0, 5), Seg(5, flags="FA"), Sleep(0.1), m.seg(5)]), expect=SAFE)
case("reset-then-attack", "a valid reset, and the attack behind it",
     opened(lambda m: [m.seg(0, 5), Acked(5), Seg(5, flags="R"), m.seg(5)]), expect=SAFE)

# ---- urgent data: the byte before the urgent pointer is taken out of the stream
case("urgent", "the urgent pointer on the whole request's last byte", opened(lambda m: [
    m.seg(0, m.word + 2), m.seg(m.word + 2, flags="UPA", urgent=len(m.data) - m.word - 2)]), expect=SAFE, few=True)
case("urgent-byte-in-word", "a byte in the attack that the server takes for urgent data", opened(lambda m: [
    m.seg(0, m.word), Seg(m.word, m.data[m.word:m.word + 2] + b"X", flags="UPA", urgent=3),
    Seg(m.word + 3, m.data[m.word + 2:])]), expect=SAFE, few=True)
case("urgent-byte-alone", "the same byte in a segment of its own", opened(lambda m: [
    m.seg(0, m.word + 2), Seg(m.word + 2, b"X", flags="UPA", urgent=1), Seg(m.word + 3, m.data[m.word + 2:])]),
    expect=SAFE)
case("urgent-ahead", "an urgent pointer to a byte of a later segment", opened(lambda m: [
    m.seg(0, m.word, flags="UPA", urgent=m.word + 3), Seg(m.word, m.data[m.word:m.word + 2] + b"X" + m.data[m.word + 2:])]),
    expect=SAFE)
case("urgent-without-flag", "an urgent pointer without URG",
     opened(lambda m: [m.seg(0, m.word + 2, urgent=m.word), m.seg(m.word + 2, urgent=1)]))
case("urgent-pointer-zero", "URG with a pointer of zero",
     opened(lambda m: [m.seg(0, m.word + 2), m.seg(m.word + 2, flags="UPA")]), expect=SAFE)

# ---- sequence numbers round zero
for back in (1, 5, 40, 60, 80):
    case(f"wrap-{back}", f"the sequence number turns to zero after {back} bytes",
         opened(lambda m: quarters(m)), isn=(1 << 32) - 1 - back)
case("wrap-backwards", "… in single bytes, the last first", opened(lambda m: every(1, m)[::-1]), isn=(1 << 32) - 50, few=True)
case("wrap-overlap", "… with a harmless copy over the attack", overlap("around", False, True, True), isn=(1 << 32) - 45,
     refused=(NGINX, PYTHON, RAW))
case("wrap-overlap-second", "… with the attack over a harmless copy", overlap("around", True, False, True),
     isn=(1 << 32) - 45, expect=BENIGN)
case("sign-flip", "the sequence number turns negative", opened(lambda m: every(3, m)), isn=(1 << 31) - 40)

# ---- handshakes
case("quiet-handshake", "the first segment carries the handshake's ACK", lambda m: [Open(quiet=True), m.seg(0)])
case("quiet-handshake-backwards", "the same, the last byte first", lambda m: [Open(quiet=True), *every(11, m)[::-1]])
case("no-window-scale", "a client without window scaling", opened(lambda m: quarters(m)[::-1]), wscale=False)
case("reuse-after-reset", "a second connection from the same port",
     lambda m: [Open(), m.seg(0, 5), Acked(5), Seg(5, flags="R"), Open(isn=77777777), m.seg(0, m.word + 2), m.seg(m.word + 2)])
case("reuse-after-alert", "a second attack from the same port",
     lambda m: [Open(), m.seg(0), Sleep(0.2), Seg(0, flags="R"), Open(isn=88888888), *quarters(m)[::-1]])
case("timestamps", "segments with timestamps", opened(lambda m: quarters(m)[::-1]), timestamps=True)


# ---- many bytes
def burst(m, size):
    """A long harmless field before the attack."""
    if m.server == RAW:
        head = b"hello " + b"k" * size + b" "
        return head + m.data[m.word:]
    body = b"a=" + b"k" * size + b"&q=" + m.data[m.word:m.end]
    return (b"POST /form HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body


def chopped(data, size=MSS):
    return [Seg(n, data[n:n + size]) for n in range(0, len(data), size)]


case("burst", "60 KB at once, the attack at the end", opened(lambda m: chopped(burst(m, 60000))), few=True)
case("burst-backwards", "30 KB, the last segment first", opened(lambda m: chopped(burst(m, 30000))[::-1]))
case("burst-swapped", "60 KB, each two segments swapped",
     opened(lambda m: [s for pair in itertools.zip_longest(chopped(burst(m, 60000))[1::2], chopped(burst(m, 60000))[0::2])
                       for s in pair if s]))
case("burst-gso", "60 KB in one packet", opened(lambda m: [Seg(0, burst(m, 60000), gso=True)]), few=True)
case("burst-gso-two", "60 KB in two packets, the second first",
     opened(lambda m: [Seg(n, burst(m, 60000)[n:n + 30000 if n == 0 else None], gso=True) for n in (30000, 0)]))



def later_in_window(m):
    """The place of the attack is beyond the window when its harmless copy comes, and within it later."""
    data = burst(m, 120000)
    place = data.index(b"evil-")
    steps = [Open(), Seg(place, b"good-", stray=True)]
    for n in range(0, len(data), 20 * MSS):
        block = data[n:n + 20 * MSS]
        steps += [Room(n, n + len(block)), *[Seg(n + s.off, s.data) for s in chopped(block)]]
    return steps


case("decoy-later-in-window", "a harmless copy beyond the window, which moves on over it", later_in_window)

# ---- flags, options, IP headers
for name, how, what in (
        ("ecn", {"flags": "ECPA"}, "ECN flags"),
        ("reserved-bits", {"reserved": 14}, "reserved bits"),
        ("no-push", {"flags": "A"}, "no PSH"),
        ("many-options", {"options": b"\1" * 40}, "40 bytes of options"),
        ("end-of-options", {"options": b"\0" + b"\xff" * 3}, "rubbish behind the end of options"),
        ("unknown-option", {"options": b"\xfd\x08abcdef"}, "an unknown option"),
        ("stray-timestamp", {"options": timestamp_option(5, 5)}, "a timestamp that was not agreed on"),
        ("tos", {"tos": 0x28}, "a type of service"),
        ("max-ttl", {"ttl": 255}, "the highest TTL")):
    case(f"flags-{name}", what + " on every segment",
         opened(lambda m, how=how: [m.seg(0, m.word + 2, **how), m.seg(m.word + 2, **how)]))
case("ip-options", "IPv4 options", opened(lambda m: [m.seg(0, m.word + 2), m.seg(m.word + 2, ip_options=b"\1\1\1\1")]), versions=(4,))
for kind, what in ((0, "hop-by-hop options"), (60, "destination options"), (44, "an atomic fragment")):
    case(f"ip6-extension-{kind}", f"IPv6 with {what}",
         opened(lambda m, kind=kind: [m.seg(0, m.word + 2), m.seg(m.word + 2, extension=kind)]), versions=(6,))

# ---- IP fragments: the kernel puts them together where it tracks connections
for kind in FRAGMENTS:
    case(f"fragments-{kind}", "the request in IP fragments",
         opened(lambda m, kind=kind: [m.seg(0, fragment=kind)]), replay="", few=kind in ("plain", "reversed"),
         versions=(4,) if "tiny" in kind else (4, 6))
case("fragments-tiny-6", "IPv6 fragments whose first has not the whole TCP header, which no receiver takes (RFC 8200)",
     opened(lambda m: [m.seg(0, fragment="tiny")]), expect=SAFE, versions=(6,))
for kind in BAD_FRAGMENTS:
    # Overlapping fragments are thrown away by every receiver of today.
    case(f"fragments-{kind}", "the request in overlapping IP fragments", opened(lambda m, kind=kind: [
        m.seg(0, fragment=kind, decoy=m.good)]), expect=SAFE, few=kind == "overlap_decoy_first")
case("fragments-and-segments", "segments out of order, each in fragments",
     opened(lambda m: [m.seg(s.off, s.off + len(s.data), fragment="two") for s in quarters(m)[::-1]]), replay="")

# ---- later in the connection
HELLO = b"GET /hello HTTP/1.1\r\nHost: shop.test\r\n\r\n"
for count, cut in ((1, 9), (3, 4)):
    case(f"later-request-{count}", "single bytes, backwards, behind harmless requests", lambda m, count=count, cut=cut: [
        Open(), *[step for n in range(count) for step in (Seg(n * len(HELLO), HELLO), Reply(n + 1))],
        *[Seg(count * len(HELLO) + s.off, s.data) for s in every(cut, m)[::-1]]], servers=(NGINX, PYTHON))

# ---- frames that the server does not take as its own, and packets in its name
OTHER_MAC = bytes.fromhex("02deadbeef01")
case("decoy-other-mac", "a harmless copy to another station, which the bridge floods", decoy(mac=OTHER_MAC), expect=SAFE,
     routed=ALERT, replay="", few=True)
case("decoy-other-mac-kept", "the same behind a hole", kept_decoy(mac=OTHER_MAC), expect=SAFE, routed=ALERT, replay="")
case("reset-other-mac", "a reset to another station in the middle", stray(lambda m: Seg(at(m), flags="R", mac=OTHER_MAC), wait=True),
     expect=SAFE, routed=ALERT, replay="")
case("syn-other-mac", "a SYN with another number to another station, before the real one", lambda m: [
    # Conntrack takes the second of two SYNs only when it is done with the first.
    Seg(0, flags="S", seq=123456, options=b"", mac=OTHER_MAC, stray=True), Sleep(0.2), Open(), m.seg(0)], routed=ALERT, replay="")
case("decoy-bad-ip-checksum", "a harmless copy with a bad IPv4 checksum", decoy(bad_ip=True), versions=(4,))
case("padding", "bytes of the frame behind the packet's end", opened(lambda m: [
    m.seg(0, m.word + 2, padding=b"X" * 20), m.seg(m.word + 2, padding=b"Y" * 7)]))
case("padding-decoy", "padding where the attack's bytes would stand", opened(lambda m: [
    m.seg(0, m.word + 2, padding=m.good[m.word + 2:]), m.seg(m.word + 2)]))
FORGED = {"spoof": True, "stray": True}
case("forged-ack", "a harmless copy to another station, its ACK forged in the server's name, then the attack", opened(lambda m: [
    m.seg(0, m.word - 4), m.seg(m.word - 4, m.end, good=True, mac=OTHER_MAC, stray=True), Seg(m.end, flags="A", **FORGED),
    m.seg(m.word - 4)]), expect=SAFE, routed=ALERT, replay="", few=True)
case("forged-ack-of-all", "the ACK of the whole attack forged before it is sent", opened(lambda m: [
    m.seg(0, 4), Acked(4), Seg(len(m.data), flags="A", **FORGED), m.seg(4)]), expect=SAFE, replay="")
case("forged-reset", "a reset forged in the server's name", opened(lambda m: [
    m.seg(0, at(m)), Acked(at(m)), Seg(at(m), flags="RA", **FORGED), m.seg(at(m))]), expect=SAFE, replay="", few=True)
case("forged-fin", "FIN forged in the server's name", opened(lambda m: [
    m.seg(0, at(m)), Acked(at(m)), Seg(at(m), flags="FA", **FORGED), m.seg(at(m))]), expect=SAFE, replay="")
case("forged-syn-ack", "an answer to the SYN forged in the server's name", lambda m: [
    Seg(0, flags="S", options=b"", stray=True, middle=False), Seg(0, flags="SA", seq=99, **FORGED), Open(), m.seg(0)],
    expect=SAFE, replay="")


# ---- Upgrade: what the server does not switch to stays HTTP
UPGRADE = b"GET /hello HTTP/1.1\r\nHost: shop.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def behind_upgrade(*between):
    return lambda m: [Open(), Seg(0, UPGRADE), *between, *[Seg(len(UPGRADE) + s.off, s.data) for s in quarters(m)]]


case("upgrade-refused", "behind a request to upgrade that the server did not follow", behind_upgrade(Reply(1)),
     servers=(NGINX, PYTHON), few=True)
case("upgrade-forged", "the same, with the server's consent forged", behind_upgrade(
    Seg(len(UPGRADE), SWITCHED, **FORGED)), servers=(NGINX, PYTHON), expect=SAFE, replay="", few=True)
case("upgrade-forged-later", "the same, after the server's answer", behind_upgrade(
    Reply(1), Seg(len(UPGRADE), SWITCHED, **FORGED)), servers=(NGINX, PYTHON), expect=SAFE, replay="")

case("upgrade-second", "behind a request to upgrade that is not the connection's first", lambda m: [
    Open(), Seg(0, HELLO), Reply(1), Seg(len(HELLO), UPGRADE), Reply(2),
    *[Seg(len(HELLO) + len(UPGRADE) + s.off, s.data) for s in quarters(m)]], servers=(NGINX, PYTHON), few=True)
case("upgrade-pipelined", "behind two requests to upgrade at once", lambda m: [
    Open(), Seg(0, HELLO + UPGRADE + UPGRADE), Reply(3),
    *[Seg(len(HELLO) + 2 * len(UPGRADE) + s.off, s.data) for s in quarters(m)]], servers=(NGINX, PYTHON), rules=(*TCP_RULES, 9191))
case("upgrade-acked-ahead", "a request to upgrade that acknowledges what was not sent, and again as it should be", lambda m: [
    Open(), Seg(0, UPGRADE[:-4]), Seg(len(UPGRADE) - 4, UPGRADE[-4:], ack=3000, stray=True), Seg(len(UPGRADE) - 4, UPGRADE[-4:]),
    Reply(1), *[Seg(len(UPGRADE) + s.off, s.data) for s in quarters(m)]], servers=(NGINX, PYTHON))

# ---- where responses pass by, the server's ACKs do as well: what was forgotten must not come again as something else
BEHIND = len(HELLO)


def behind_hello(*steps):
    return lambda m: [Open(), Seg(0, HELLO), Reply(1), *[s for step in steps for s in step(m)]]


def shifted(s, **how):
    return Seg(BEHIND + s.off, s.data, **how)


def many_decoys(m):
    """Harmless requests to another station, each after an answer that there was not: more than anybody keeps."""
    filler = m.good + HELLO * 8
    for n in range(60):
        yield Seg(BEHIND + n * len(filler), filler, ack=1 + n * 700, mac=OTHER_MAC, stray=True)
        yield Sleep(0.03)


case("forgotten-decoy", "60 harmless copies and more to another station, with answers claimed, then the attack in the first's place",
     behind_hello(many_decoys, lambda m: [shifted(s) for s in quarters(m)]), servers=(NGINX, PYTHON), expect=SAFE, routed=ALERT,
     replay="", few=True)
case("later-decoy-future-ack", "behind a request, a harmless copy that acknowledges what was never sent", behind_hello(
    lambda m: [shifted(m.seg(0, good=True), ack=1 << 20, stray=True), *[shifted(s) for s in quarters(m)]]),
     servers=(NGINX, PYTHON), expect=SAFE, replay="")
case("later-decoy-other-mac", "behind a request, a harmless copy to another station", behind_hello(
    lambda m: [shifted(m.seg(0, good=True), mac=OTHER_MAC, stray=True), Sleep(1.5), *[shifted(s) for s in quarters(m)]]),
     servers=(NGINX, PYTHON), expect=SAFE, routed=ALERT, replay="")
case("later-decoy-idle", "the same, after a long silence", behind_hello(
    lambda m: [shifted(m.seg(0, good=True), mac=OTHER_MAC, stray=True), Sleep(12), *[shifted(s) for s in quarters(m)]]),
     servers=(PYTHON,), expect=SAFE, routed=ALERT, replay="")
case("probe-byte", "a harmless last byte to another station, the right one like a keep-alive probe", behind_hello(
    lambda m: [shifted(m.seg(0, m.word + 1)), shifted(m.seg(m.word + 1, m.word + 2, good=True), mac=OTHER_MAC, stray=True),
               shifted(m.seg(m.word + 1, m.word + 2)), shifted(m.seg(m.word + 2))]),
     servers=(NGINX, PYTHON), expect=SAFE, routed=ALERT, replay="")

# ---- when the table is small and full: each begins when the half-open connections of the one before have timed out
QUIET = Sleep(2.5)
for count in (10, 200, 1500):
    case(f"pressure-{count}", f"{count} other connections between the attack's halves", lambda m, count=count: [
        QUIET, Open(), m.seg(0, at(m)), Acked(at(m)), Flood(count), Sleep(0.3), m.seg(at(m))], only="pressure", servers=(PYTHON, RAW))
case("pressure-kept", "1,000 connections while the attack's end waits for a hole", lambda m: [
    QUIET, Open(), m.seg(at(m)), Flood(1000), Sleep(0.3), m.seg(0, at(m))], only="pressure", servers=(PYTHON, RAW))
case("pressure-before", "the attack on a connection that begins when the table is full", lambda m: [
    QUIET, Flood(1000), Open(), *quarters(m)[::-1]], only="pressure", servers=(PYTHON, RAW), expect=SAFE)
case("idle", "the attack's halves with more than the time-out between", opened(lambda m: [
    m.seg(0, at(m)), Acked(at(m)), Sleep(4), m.seg(at(m))]), only="midstream", expect=SAFE)
case("idle-whole", "the attack on a connection that was idle for more than the time-out", opened(lambda m: [
    Sleep(4), m.seg(0)]), only="midstream", expect=SAFE)
