# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints one value of the JSON object on standard input: a.b, list.0.c or list[id=7].c; 0 where it is not there."""
import json
import re
import sys


def step(value, name):
    found = re.fullmatch(r"(\w+)\[(\w+)=(\w+)\]", name)
    if found:
        key, field, wanted = found.groups()
        return next(item for item in value[key] if str(item[field]) == wanted)
    return value[int(name)] if isinstance(value, list) else value[name]


def main():
    value = json.load(sys.stdin)
    try:
        for name in sys.argv[1].split("."):
            value = step(value, name)
    except (KeyError, IndexError, StopIteration):
        value = 0
    print(value if isinstance(value, (int, float, str)) else json.dumps(value))


main()
