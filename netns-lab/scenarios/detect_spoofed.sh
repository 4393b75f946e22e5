#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# An inside address that comes from outside is dropped, and told of once in a while; from inside it passes.
. "$(dirname "$0")/../lab"

/usr/bin/python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("scapy") is None)' || skip "no scapy"
start_bridge
start_echo 80
sluice_conf more='networks: { inside = [ "10.77.0.2", "10.77.9.0/24", "fd77::2" ]; };
detect: { spoofed: { action = "drop"; }; };'
start_sluice
in_background capture ip netns exec "$SERVER_NS" tcpdump -l -n -i eth0 -Q in 'udp and (net 10.77.9.0/24 or net 10.77.64.0/22)'
capturing() { grep -q 'listening on' "$LAB_DIR/capture.log"; }
patiently 10 capturing || fail "tcpdump does not start"
send_from() {
    in_client /usr/bin/python3 -I "$LAB_HOME/lib/detect_packets.py" eth0 udp "$1" "$SERVER4" 20 >"$LAB_DIR/scapy.log" 2>&1 ||
        fail "scapy: $(tail -n 1 "$LAB_DIR/scapy.log")"
}
told() { (($(count_events event_type=detect detect.name=spoofed detect.action=drop src_ip=10.77.9.7) == 1)); }
send_from 10.77.9.7
send_from 10.77.64.7
came() { (($(grep -c 'IP 10\.77\.64\.7\.' "$LAB_DIR/capture.log") == 20)); }
patiently 5 came || fail "what is not forged does not pass"
patiently 5 told || fail "not told once: $(count_events event_type=detect detect.name=spoofed)"
expect_figure 'forged ones that arrived' "$(grep -c 'IP 10\.77\.9\.' "$LAB_DIR/capture.log" || true)" '== 0'
expect_pass tcp 80
in_server ping -q -c 1 -W 2 "$CLIENT4" >/dev/null || fail "the server's own packets do not pass"
expect_valid_events
