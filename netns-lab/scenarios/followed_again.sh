#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A connection that sluiced does not see for a while (an exempt address, on and
# off by reloads) goes on when it sees it again, and is inspected then.
. "$(dirname "$0")/../lab"

start_bridge
start_nginx
head -c 400000 /dev/zero >"$LAB_DIR/www/zeros"
rule 3701 block 'http.args contains "attack"'
sluice_conf services='{ proto = "tcp"; ports = [ 80 ]; }' more='http: { ports = [ 80 ]; };'
start_sluice

# One connection; each line of input is a path to get on it, each line of output a status and a length.
cat >"$LAB_DIR/client.py" <<'PYTHON'
import http.client, sys
c = http.client.HTTPConnection(sys.argv[1], 80, timeout=10)
for line in open(sys.argv[2]):
    try:
        c.request("GET", line.strip())
        c.sock.setsockopt(6, 1, 1)
        port = c.sock.getsockname()[1]
        r = c.getresponse()
        print(r.status, len(r.read()), port, flush=True)
    except OSError as e:
        print("error", e, flush=True)
PYTHON
mkfifo "$LAB_DIR/paths"
in_background getter ip netns exec "$CLIENT_NS" /usr/bin/python3 -I "$LAB_DIR/client.py" "$SERVER4" "$LAB_DIR/paths"
exec 7>"$LAB_DIR/paths"
ASKED=0

answered() {
    (($(wc -l <"$LAB_DIR/getter.log") >= ASKED))
}

# asks PATH STATUS
asks() {
    local answer
    echo "$1" >&7
    ASKED=$((ASKED + 1))
    patiently "$(scaled 10 30)" answered || fail "no answer to $1"
    answer=$(tail -n 1 "$LAB_DIR/getter.log")
    say "$1: $answer"
    [[ $answer == "$2 "* ]] || fail "$1 was answered with $answer, not $2"
    PORT=${answer##* }
}

asks /zeros 200
first=$PORT
# shellcheck disable=SC2153 # topology.sh sets it
sluice_conf exempt="\"$CLIENT4\""
reload_sluice
asks /zeros 200
asks '/index.html?q=attack-unseen' 200
sluice_conf exempt=''
reload_sluice
asks /zeros 200
asks '/index.html?q=harmless' 200
[[ $PORT == "$first" ]] || fail "it is another connection: port $PORT, not $first"
asks '/index.html?q=attack-seen' 403
expect_event 3701 alert.action=blocked
grep -q attack-seen "$LAB_DIR/nginx/access" && fail "the attack is in nginx's log"
stop_sluice
