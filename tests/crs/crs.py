# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule sets made ready for both programs, and the programs' results."""
import fnmatch
import json
import pathlib
import re
import subprocess
import tempfile

# What tests.conf says, for CRS 3 and 4 at any paranoia level; the crs-setup values are those that the tests want.
SETTINGS = r"""SecRuleEngine %(engine)s
SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 131072
SecRequestBodyLimitAction Reject
SecRequestBodyJsonDepthLimit 512
SecArgumentsLimit 1000
SecPcreMatchLimit 100000
SecPcreMatchLimitRecursion 100000
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecResponseBodyLimit 1048576
SecResponseBodyLimitAction ProcessPartial
SecAuditEngine Off
SecArgumentSeparator &
SecCookieFormat 0
SecRule REQUEST_HEADERS:Content-Type "@rx ^(?:application(?:/soap\+|/)|text/)xml" \
    "id:1,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML,ctl:forceRequestBodyVariable=On"
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/(?:json|[a-z0-9.-]+\+json)" \
    "id:2,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecDefaultAction "phase:1,log,auditlog,pass"
SecDefaultAction "phase:2,log,auditlog,pass"
SecDefaultAction "phase:3,log,auditlog,pass"
SecDefaultAction "phase:4,log,auditlog,pass"
SecDefaultAction "phase:5,log,auditlog,pass"
SecAction "id:900000,phase:1,pass,t:none,nolog,setvar:tx.blocking_paranoia_level=%(paranoia)d,\
setvar:tx.paranoia_level=%(paranoia)d"
%(limits)sSecAction "id:900990,phase:1,pass,t:none,nolog,setvar:tx.crs_setup_version=%(version)s"
"""
LIMITS = """SecAction "id:900320,phase:1,pass,t:none,nolog,setvar:tx.arg_length=400,setvar:tx.total_arg_length=6400,\
setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535"
"""


def version(rules):
    """CRS's own number of its version: 4280 for 4.28.0, 334 for 3.3.4."""
    for path in sorted(rules.glob("*.conf")):
        found = re.search(r"OWASP_CRS/(\d+)\.(\d+)\.(\d+)", path.read_text(errors="replace"))
        if found:
            return "".join(found.groups())
    raise SystemExit(f"{rules}: expected the Core Rule Set's *.conf")


def settings(rules, paranoia=1, engine="DetectionOnly", limits=False):
    return SETTINGS % {"engine": engine, "paranoia": paranoia, "version": version(rules),
                       "limits": LIMITS if limits else ""}


def log_all(text):
    """Lets each rule log. To libmodsecurity 3.0.9 log and auditlog are one switch, so noauditlog goes as well."""
    return re.sub(r"\bnoauditlog\b", "auditlog", re.sub(r"\bnolog\b", "log", text))


def without_early(text):
    """Takes multiMatch from chains: libmodsecurity tells of those when the first link matches, and not of the chain."""
    return re.sub(r"^SecRule (?:.*\\\n)*.*$",
                  lambda m: re.sub(r"\bmultiMatch,", "", m[0]) if re.search(r"[,\s]chain\b", m[0]) else m[0], text,
                  flags=re.M)


def configuration(rules, text, folder, change=None):
    """The files to load, in order, with the settings' text (or None) before them. `change` is made to each file's text;
    folder is for what is written."""
    folder = pathlib.Path(folder)
    files = sorted(rules.glob("*.conf"))
    if change:
        for path in rules.glob("*.data"):
            (folder / path.name).write_bytes(path.read_bytes())
        for path in files:
            (folder / path.name).write_text(change(path.read_text(errors="surrogateescape")), errors="surrogateescape")
        files = [folder / path.name for path in files]
    if text is None:
        return [str(path) for path in files]
    first = folder / "settings.conf"
    first.write_text(change(text) if change else text)
    return [str(first)] + [str(path) for path in files]


def transactions(paths):
    out = []
    for path in paths:
        with open(path, "rb") as file:
            out += [json.loads(line) for line in file]
    return out


def name_of(transaction, number):
    if "name" in transaction:
        return transaction["name"]
    if "rule" in transaction and "test" in transaction:
        return f"{transaction['rule']}-{transaction['test']}-{transaction.get('stage', 0)}"
    return str(number)


# Rules that judge the sum of others' scores: they differ where those do.
SUMS = re.compile(r"(9490|9491|9590|9591|9800|9801)\d\d$")


class Accepted:
    """differences.txt: "rule ID only-oracle|only-replay|values NAMES reason" and "test NAMES oracle|replay reason"."""

    def __init__(self, path):
        self.lines, self.used = [], set()
        for number, line in enumerate(path.read_text().splitlines(), 1):
            words = line.split(None, 4 if line.startswith("rule") else 3)
            if not words or words[0].startswith("#"):
                continue
            rule = words[0] == "rule" and len(words) == 5 and words[2] in ("only-oracle", "only-replay", "values")
            test = words[0] == "test" and len(words) == 4 and words[2] in ("oracle", "replay")
            if not rule and not test:
                raise SystemExit(f"{path}:{number}: expected rule ID only-oracle|only-replay|values NAMES REASON, "
                                 "or test NAMES oracle|replay REASON")
            self.lines.append((number, words))

    def has(self, kind, key, who, name):
        for number, words in self.lines:
            where = words[3] if kind == "rule" else words[1]
            if words[0] == kind and words[2] == who and (kind == "test" or fnmatch.fnmatch(key, words[1])) and \
                    fnmatch.fnmatch(name, where):
                self.used.add(number)
                return True
        return False


def run(program, files, given, cache=None, seconds=30, options=()):
    """The program's result for each transaction; one that ends it (crash, out of time) has "died" instead, and the
    program is started again behind it."""
    results = []
    while len(results) < len(given):
        command = [program, *options, "-s", str(seconds), "-n", str(len(results) + 1)]
        command += ["-c", str(cache)] if cache else []
        with tempfile.TemporaryFile() as lines:
            lines.writelines(json.dumps(t).encode() + b"\n" for t in given[len(results):])
            lines.seek(0)
            done = subprocess.run(command + files, stdin=lines, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False)
        got = [json.loads(line) for line in done.stdout.splitlines(keepends=True) if line.endswith(b"\n")]
        results += got
        print(done.stderr.decode(errors="replace"), end="", flush=True)
        if done.returncode and len(results) < len(given):
            if done.returncode > 0:
                raise SystemExit(f"{program}: ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
            number = len(results) + 1
            results.append({"number": number, "name": name_of(given[number - 1], number), "matched": [],
                            "intervention": None, "us": 0, "died": -done.returncode})
    return results
