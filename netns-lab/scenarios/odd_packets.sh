#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Packets that no stack sends, made by scapy: rules can name them, and they are dropped.
. "$(dirname "$0")/../lab"

/usr/bin/python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("scapy") is None)' || skip "no scapy"
start_bridge
rule 3701 drop 'packet.anomaly == "bad_checksum"'
rule 3702 drop 'packet.anomaly == "bad_flags"'
rule 3703 drop 'packet.anomaly == "source_route"'
rule 3704 drop 'packet.anomaly == "land"'
rule 3705 drop 'tcp.flags.syn and tcp.dstport == 9999'
sluice_conf
start_sluice

# The sentinel is the last one: once it has come through, all before it are decided.
in_background capture ip netns exec "$SERVER_NS" tcpdump -l -n -i eth0 -Q in 'ip and (tcp or udp)'
capturing() {
    grep -q 'listening on' "$LAB_DIR/capture.log"
}
patiently 10 capturing || fail "tcpdump does not start"
in_client /usr/bin/python3 "$LAB_HOME/lib/odd_packets.py" eth0 "$CLIENT4" "$SERVER4" >"$LAB_DIR/odd.log" 2>&1 || fail "scapy: $(tail -n 1 "$LAB_DIR/odd.log")"
sentinel_came() {
    grep -q '\.7777: UDP' "$LAB_DIR/capture.log"
}
patiently 10 sentinel_came || fail "the good packet does not pass"
grep -q '\.6666: UDP' "$LAB_DIR/capture.log" || fail "the first good packet does not pass"
arrived=$(grep -cE '\.66[0-5][0-9][: ]' "$LAB_DIR/capture.log" || true)
expect_figure 'odd ones that arrived' "$arrived" '== 0'
for id in 3701 3702; do
    expect_event $id alert.action=blocked
done
# What inet's own stack throws away before the bridge's queue needs no rule.
[[ $FAMILY != bridge ]] || expect_event 3703
expect_valid_events
expect_sluice_alive
