#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Plays the evasion cases against the servers through sluiced and looks at what came of each.

  suite.py [--set tcp|http|web|few|random|pressure|midstream] [--mode enforce|monitor] [--topology bridge|routed|hop]
           [--slow] [--cut BYTES] [--only NAME,...] [--verbose] --client ADDRESSES --server ADDRESSES --folder FOLDER --events FILE

A line for each failed case, and a last line with the count. In mode monitor it shows that
the cases reach the servers when nothing stops them.
"""
import argparse
import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
# pylint: disable=wrong-import-position
import http_cases  # noqa: F401,E402
import random_cases  # noqa: F401,E402
import tcp_cases  # noqa: F401,E402
from live import Connection, Link, play  # noqa: E402
from steps import ALERT, BENIGN, CASES, PORTS, PYTHON, RAW, Seg  # noqa: E402

FIRST_PORT = {"monitor": 10000, "enforce": 20000}


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--set", default="all")
    p.add_argument("--mode", default="enforce")
    p.add_argument("--topology", default="bridge")
    p.add_argument("--slow", action="store_true")
    p.add_argument("--only", default="")
    p.add_argument("--cut", type=int, default=0, help="each segment in pieces of so many bytes, the last first")
    p.add_argument("--jobs", type=int, default=16)
    p.add_argument("--verbose", action="store_true")
    p.add_argument("--client", nargs=2, required=True)
    p.add_argument("--server", nargs=2, required=True)
    p.add_argument("--device", default="eth0")
    p.add_argument("--folder", required=True)
    p.add_argument("--events", default="")
    return p.parse_args()


def chosen(args):
    if args.only:
        return [c for c in CASES if c.name in args.only.split(",")]
    kept = {"all": lambda c: True, "few": lambda c: c.few, "web": lambda c: c.web, "http": lambda c: c.http,
            "tcp": lambda c: not c.http}.get(args.set)
    return [c for c in CASES if (kept(c) and not c.only if kept else False) or c.only == args.set]


def adjusted(case, topology):
    case.expect = getattr(case, topology, "") or case.expect
    return case


def plan(args):
    """(case, server, version): each server, both IP versions."""
    for c in (adjusted(c, args.topology) for c in chosen(args)):
        servers = c.servers[c.number % len(c.servers):][:1] if args.slow else c.servers
        for n, server in enumerate(servers):
            version = c.versions[(c.servers.index(server) + (c.number // 3 if server == RAW else 0)) % len(c.versions)]
            yield c, server, version


def connections(args, link):
    port = FIRST_PORT[args.mode] + (5000 if args.cut else 0)
    for c, server, version in plan(args):
        port += 1
        one = Connection(c, link, (server, PORTS[server]), args.server[version == 6], args.client[version == 6], port,
                         b"p%05d" % port, args.mode == "enforce", 6 if args.slow else 1)
        if args.cut:
            one.steps = chop(one.steps, args.cut)
        yield one


def chop(steps, size):
    """What is long enough stays: the window would be full of small pieces."""
    if sum(len(s.data) for s in steps if isinstance(s, Seg)) > 6000:
        return steps
    return [piece for s in steps for piece in (
        [Seg(s.off + n, s.data[n:n + size]) for n in range(0, len(s.data), size)][::-1] if isinstance(s, Seg) and s.data else [s])]


def touch(args):
    """A request by the kernel to each server: neighbours are known, and what was sent before has arrived."""
    for address in args.server:
        for port in PORTS.values():
            with socket.create_connection((address, port), 5) as s:
                s.sendall(b"hello!" if port == PORTS[RAW] else b"GET /hello HTTP/1.1\r\nHost: h.test\r\n\r\n")
                s.recv(1000)


class Seen:
    """What the servers logged and sluiced told, by client port."""

    def __init__(self, args):
        self.folder = args.folder
        self.nginx, self.alerts = {}, {}
        with open(f"{args.folder}/nginx.log", encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                self.nginx.setdefault(int(entry["port"]), []).append((line, entry))
        if args.events:
            self.read_events(args.events)

    def read_events(self, path):
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if '"alert"' not in line:
                    continue
                event = json.loads(line)
                if event["event_type"] == "alert":
                    for port in (event.get("src_port", 0), event.get("dest_port", 0)):
                        self.alerts.setdefault(port, []).append(event)

    def content(self, c, suffix):
        try:
            with open(f"{self.folder}/{c.dport}-{c.sport}.{suffix}", "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def reached(self, c):
        """Whether a server has the attack: "yes", "no", or "refused" (it came, and the server did not like it)."""
        needle = c.tag if c.case.http else b"evil-" + c.tag + b"!"
        if c.server == RAW:
            return "yes" if needle in self.content(c, "raw") else "no"
        if c.server == PYTHON:
            return "yes" if needle in self.content(c, "req") else "no"
        text = needle.decode()
        # What ends before it is complete is logged as well, without an answer ("sent" counts 100 Continue).
        entries = [(line, e) for line, e in self.nginx.get(c.sport, []) if e["sent"] > (25 if e["status"] in (400, 499) else 0)]
        got = [e for line, e in entries if text in line]
        if not got:
            # A head that it cannot read is logged without its request.
            return "refused" if any(e["status"] >= 400 for _, e in entries) else "no"
        return "refused" if all(e["status"] in (400, 413, 414, 431, 501, 505) for e in got) else "yes"

    def ids(self, c, action):
        return {e["alert"]["signature_id"] for e in self.alerts.get(c.sport, []) if e["alert"]["action"] == action}


def judge_enforced(c, seen, patience, any_rule):
    reached, ids = seen.reached(c), seen.ids(c, "blocked")
    if reached == "yes" or (reached == "refused" and c.case.expect == ALERT):
        return "the attack REACHED the server" + ("" if reached == "yes" else ", which refused it") + f" (alerts {sorted(ids) or 'none'})"
    if c.case.expect == BENIGN and not c.replies() and not ids:
        return f"the harmless copy was not answered{told(c)}"
    if c.case.expect != ALERT:
        return ""
    if not ids:
        return f"no alert{told(c)}"
    if not any_rule and not ids & set(c.case.rules):
        return f"alerts {sorted(ids)}, not one of {sorted(c.case.rules)}"
    at = c.answered_at()
    if not at:
        return f"no answer to the client (alerts {sorted(ids)})"
    if at - c.last_sent > patience:
        return f"the answer took {at - c.last_sent:.2f} s"
    return ""


def told(c):
    words = [f"; waits that ended in vain: {', '.join(c.slow_waits)}"] if c.slow_waits else []
    if c.received:
        words.append(f"; received {c.received[:60]!r}")
    if c.reset_at:
        words.append("; reset")
    return "".join(words)


def report(args, ended, seen):
    failed, counts, leaks = 0, {}, 0
    patience = 6 if args.slow else 1
    for c in ended:
        version = 6 if len(c.src) == 16 else 4
        words = judge_enforced(c, seen, patience, args.set == "web")
        leaks += "REACHED" in words
        counts[c.case.expect] = counts.get(c.case.expect, 0) + 1
        if words:
            failed += 1
            print(f"missed: {c.case.name} ({c.case.attack}) at {c.server} by IPv{version}, port {c.sport}: {words}")
        elif args.verbose:
            print(f"fine: {c.case.name} at {c.server} by IPv{version}: {sorted(seen.ids(c, 'blocked'))}{told(c)}")
    cases = len({c.case.name for c in ended})
    print(f"evasion: {cases} cases, {len(ended)} connections ({', '.join(f'{n} {k}' for k, n in counts.items())}), "
          f"{failed} missed, {leaks} attacks reached a server")
    return failed


def report_control(args, ended, seen):
    """Each case whose attack is to be stopped reaches a server when nothing stops it, or the servers refuse it."""
    outcome, alerts, failed = {}, {}, 0
    for c in ended:
        outcome.setdefault(c.case, {})[c.server] = seen.reached(c)
        alerts.setdefault(c.case, []).append(bool(seen.ids(c, "allowed")))
    reached = [k for k, v in outcome.items() if "yes" in v.values()]
    refused = [k for k, v in outcome.items() if k not in reached and "refused" in v.values()]
    neither = [k for k in outcome if k not in reached and k not in refused]
    if refused:
        print("refused by the servers themselves:", " ".join(k.name for k in refused))
    if neither:
        print("without effect even so:", " ".join(k.name for k in neither if k.only != "random"))
    for c in outcome:
        if c.expect == ALERT and c in neither and not c.refused:
            failed += 1
            print(f"no control: {c.name} ({c.attack}): the attack does not arrive even in mode monitor")
        if args.events and c.expect == ALERT and not all(alerts[c]):
            failed += 1
            print(f"no control: {c.name} ({c.attack}): no event in mode monitor")
    print(f"control: {len(outcome)} cases, {len(reached)} reach a server, {len(refused)} refused by it, "
          f"{len(neither)} without effect, {failed} failed")
    return failed


def main():
    args = arguments()
    touch(args)
    link, ended, start = Link(args.device), [], time.monotonic()
    play(link, connections(args, link), args.jobs, ended.append)
    for c in ended:
        c.bury()
    touch(args)
    time.sleep(1)
    print(f"played in {time.monotonic() - start:.1f} s")
    seen = Seen(args)
    return 1 if (report if args.mode == "enforce" else report_control)(args, ended, seen) else 0


sys.exit(main())
