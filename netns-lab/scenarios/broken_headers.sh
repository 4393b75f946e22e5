#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Packets whose transport header ends before its ports come up as well where all ports are guarded.
. "$(dirname "$0")/../lab"

start_bridge
rule 4601 drop 'packet.anomaly in { "truncated", "bad_length" }'
sluice_conf services='{ proto = "tcp"; }, { proto = "udp"; }'
start_sluice
in_background capture ip netns exec "$SERVER_NS" tcpdump -l -n -i eth0 -Q in 'ip proto 6 or ip proto 17 or ip6 proto 6 or ip6 proto 17'
capturing() {
    grep -q 'listening on' "$LAB_DIR/capture.log"
}
patiently 10 capturing || fail "tcpdump does not start"
in_client /usr/bin/python3 -B "$LAB_HOME/lib/broken_headers.py" "$CLIENT4" "$SERVER4" "$CLIENT6" "$SERVER6" || fail "not sent"
whole_came() {
    grep -q '\.7777: ' "$LAB_DIR/capture.log"
}
patiently 10 whole_came || fail "the whole packet does not pass"
expect_figure 'packets that arrived' "$(grep -c '^[0-9:.]* IP' "$LAB_DIR/capture.log")" '== 1'
expect_stat packets.dropped '== 26'
expect_event 4601 alert.action=blocked
expect_sluice_alive
