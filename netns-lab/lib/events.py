# SPDX-License-Identifier: GPL-3.0-or-later
"""
Looks at a file of EVE events.
  events.py FILE valid                  every line a complete event; prints how many
  events.py FILE count KEY=VALUE...     how many have these values (a dotted path each)
  events.py FILE flows RULE             for the alerts of a rule: "flows=N both=N split=N queues=N"
"""
import json
import sys

NEEDED = {
    "alert": ["src_ip", "dest_ip", "proto", "flow_id", "alert.action", "alert.signature_id", "alert.signature",
              "alert.severity", "alert.gid", "alert.rev", "alert.category"],
    "drop": ["src_ip", "dest_ip", "proto", "flow_id", "drop.len", "drop.reason"],
    "http": ["src_ip", "dest_ip", "flow_id", "tx_id", "http.http_method"],
    "stats": ["stats.uptime", "stats.decoder.pkts"],
    "ban": ["ban.address", "ban.seconds", "ban.reason"],
    "detect": ["detect.name", "detect.action", "src_ip", "dest_ip", "proto", "flow_id"],
    "transaction": ["src_ip", "dest_ip", "flow_id", "tx_id", "sluice.action", "sluice.seclang.rules", "sluice.seclang.scores"],
    "bypass": ["bypass.packets", "bypass.total", "bypass.reason"],
}


def get(event, path):
    for name in path.split("."):
        event = event[name]
    return event


def has(event, pair):
    path, wanted = pair.split("=", 1)
    try:
        return str(get(event, path)) == wanted
    except (KeyError, TypeError):
        return False


def check(number, line):
    event = json.loads(line)
    kind = event["event_type"]
    assert kind in NEEDED, f"line {number}: unknown event_type {kind}"
    # 2026-01-31T12:00:00.123456+0000
    stamp = event["timestamp"]
    assert len(stamp) == 31 and stamp[10] == "T" and stamp[19] == ".", f"line {number}: timestamp {stamp}"
    for path in NEEDED[kind]:
        get(event, path)


def valid(lines):
    for number, line in enumerate(lines, 1):
        check(number, line)
    print(len(lines))


def flows(lines, rule):
    queues, sources = {}, {}
    for event in map(json.loads, lines):
        if event["event_type"] != "alert" or event["alert"]["signature_id"] != int(rule):
            continue
        ends = [(event["src_ip"], event["src_port"]), (event["dest_ip"], event["dest_port"])]
        key = tuple(sorted(ends))
        queues.setdefault(key, set()).add(event["sluice"]["queue"])
        sources.setdefault(key, set()).add(ends[0])
    both = sum(len(s) == 2 for s in sources.values())
    split = sum(len(q) > 1 for q in queues.values())
    used = set().union(*queues.values()) if queues else set()
    print(f"flows={len(queues)} both={both} split={split} queues={len(used)}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = file.read().splitlines()
    if sys.argv[2] == "valid":
        valid(lines)
    elif sys.argv[2] == "count":
        print(sum(all(has(event, pair) for pair in sys.argv[3:]) for event in map(json.loads, lines)))
    else:
        flows(lines, sys.argv[3])


main()
