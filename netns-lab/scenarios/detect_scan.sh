#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Scans of every kind are found after some twenty targets and stopped; busy clients of one service are left alone.
. "$(dirname "$0")/../lab"

/usr/bin/python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("scapy") is None)' || skip "no scapy"
start_bridge
start_echo 80
sluice_conf more='networks: { inside = [ "10.77.0.2", "10.77.128.0/24", "fd77::2" ]; };
detect: { scan: { action = "drop"; threshold = 20; per = 60; }; };'
start_sluice

in_background capture ip netns exec "$SERVER_NS" tcpdump -l -n -i eth0 -Q in 'ip net 10.77.64.0/22'
capturing() { grep -q 'listening on' "$LAB_DIR/capture.log"; }
patiently 10 capturing || fail "tcpdump does not start"
arrived() { grep -c "IP ${1//./\\.}[. ]" "$LAB_DIR/capture.log" || true; }
found() { (($(count_events event_type=detect detect.name=scan "$@") > 0)); }

# expect_scan_stopped KIND SOURCE DESTINATION: sixty probes.
expect_scan_stopped() {
    in_client /usr/bin/python3 -I "$LAB_HOME/lib/detect_packets.py" eth0 "$1" "$2" "$3" 60 >"$LAB_DIR/scapy.log" 2>&1 ||
        fail "scapy: $(tail -n 1 "$LAB_DIR/scapy.log")"
    patiently 5 found src_ip="$2" detect.action=drop || fail "the $1 scan is not found"
    nap 0.3
    expect_figure "$1: probes that arrived" "$(arrived "$2")" '<= 32'
    (($(arrived "$2") >= 12)) || fail "the first probes of $1 did not pass"
}

host=1
for kind in syn fin null xmas maimon udp; do
    expect_scan_stopped $kind 10.77.64.$((host++)) "$SERVER4"
done

say 'an address sweep, of addresses that the server answers for'
in_server ip route add local 10.77.128.0/24 dev lo
set_switches "$SERVER_NS" ipv4/conf/eth0/proxy_arp 1
in_client ip neigh flush dev eth0
expect_scan_stopped sweep 10.77.65.1 10.77.128.1

say 'a hundred connections to one port are no scan'
in_client bash -c 'for ((i = 0; i < 100; i++)); do exec 3<>/dev/tcp/'"$SERVER4"'/80 || exit 1; exec 3>&-; done' ||
    fail "a busy client was stopped"
found src_ip="$CLIENT4" && fail "a busy client was taken for a scanner"
expect_pass tcp 80
expect_valid_events
