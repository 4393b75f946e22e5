# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks in random pieces among random decoys. A seed is a case; EVASION_SEED begins elsewhere, EVASION_COUNT makes more."""
import os
import random

from steps import NGINX, PYTHON, RAW, SAFE, Open, Seg, Sleep, case
from tcp_cases import OTHER_MAC, TCP_RULES

# What may be odd about a piece: how often, and what.
ODD = (
    (60, {}),
    (4, {"checksum": "bad"}),
    (6, {"mac": OTHER_MAC}),
    (3, {"ack": 1 << 20}),
    (3, {"ack": -(1 << 30)}),
    (2, {"flags": "P"}),
    (2, {"flags": "UPA", "urgent": 1}),
    (2, {"flags": "UPA", "urgent": 3}),
    (2, {"flags": "FPA"}),
    (2, {"flags": "RPA"}),
    (2, {"flags": "SPA", "middle": True}),
    (3, {"seq": 1 << 30}),
    (3, {"seq": -70000}),
    (2, {"seq": 3}),
    (3, {"ttl": 1}),
    (3, {"fragment": "two_reversed"}),
    (3, {"fragment": "overlap_decoy_last"}),
    (2, {"options": b"\x13\x12" + bytes(16)}),
    (3, {"padding": b"rubbish"}),
    (2, {"window": 0}),
)
# Packets without the message's bytes.
BARE = (
    {"flags": "A"},
    {"flags": "R", "seq": 9},
    {"flags": "R", "mac": OTHER_MAC},
    {"flags": "FA", "seq": 40},
    {"flags": "S", "middle": True},
    {"flags": "A", "spoof": True},
    {"flags": "RA", "spoof": True, "seq": 77},
    {"flags": "A", "spoof": True, "window": 0},
    {"flags": "A", "seq": -1, "data": b"Z"},
)


def piece(rng, m, first, last):
    good = rng.random() < 0.35
    how = dict(rng.choices([odd for _, odd in ODD], [weight for weight, _ in ODD])[0])
    if how.get("fragment"):
        how["decoy"] = (m.data if good else m.good)[first:last]
    return m.seg(first, last, good, stray=bool(how), **how)


def some_pieces(rng, m):
    """Pieces that cover the message more than once, in an order that is not quite theirs."""
    out = []
    for _ in range(rng.choice((1, 2, 3))):
        at, longest = 0, rng.choice((3, 12, 40))
        while at < len(m.data):
            end = min(len(m.data), at + rng.randint(1, longest))
            out.append(piece(rng, m, max(0, at - rng.choice((0, 0, 0, 2, 9))), end))
            at = end
    far = rng.choice((0, 2, 8, 1000))
    places = [n + rng.uniform(0, far) for n in range(len(out))]
    return [out[n] for n in sorted(range(len(out)), key=places.__getitem__)]


def random_steps(seed, m):
    rng = random.Random(seed)
    steps = [Open()]
    for s in some_pieces(rng, m):
        if rng.random() < 0.06:
            bare = dict(rng.choice(BARE))
            steps.append(Seg(rng.randrange(len(m.data)), stray=True, **bare))
        if rng.random() < 0.03:
            steps.append(Sleep(rng.choice((0.002, 0.02))))
        steps.append(s)
    # And once more all of it, as a sender that waits for its ACKs would.
    steps += [Sleep(0.02), *m.cut(*range(30, len(m.data), 30)), Sleep(0.02), m.seg(0)]
    return steps


FIRST = int(os.environ.get("EVASION_SEED", "1"))
for number in range(FIRST, FIRST + int(os.environ.get("EVASION_COUNT", "120"))):
    case(f"random-{number}", "random pieces among random decoys", lambda m, seed=number: random_steps(seed, m),
         expect=SAFE, rules=TCP_RULES, servers=(NGINX, PYTHON, RAW), only="random", replay="", body=number % 4 == 0)
