#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the kernel detects: floods of UDP, ICMP and mixed packets, smurf, oversized ICMP, martian sources; and here
# forged ones. Each is stopped, counted and told, and what is ordinary passes.
. "$(dirname "$0")/../lab"

command -v hping3 >/dev/null || skip "no hping3"
/usr/bin/python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("scapy") is None)' || skip "no scapy"
start_bridge
start_echo 80
sluice_conf more='networks: { inside = [ "10.77.0.0/24", "fd77::2" ]; };
detect: {
  udp_flood: { action = "drop"; threshold = 100; };
  icmp_flood: { action = "drop"; threshold = 100; };
  mixed_flood: { action = "drop"; threshold = 200; };
  smurf: { action = "drop"; };
  big_icmp: { action = "drop"; threshold = 1200; };
  martian: { action = "drop"; };
};'
start_sluice
expect_pass tcp 80
expect_pass udp 80
expect_ping

told() { (($(count_events event_type=detect detect.name="$1" detect.action=drop) > 0)); }
detected() { (($(figure "kernel.detect_$1") >= $2)); }
# expect_detected NAME PACKETS: so many at least were stopped, and it was told.
expect_detected() {
    patiently 5 detected "$1" "$2" || fail "$1: $(figure "kernel.detect_$1") stopped, not $2"
    patiently 5 told "$1" || fail "$1: no event"
    say "$1: $(figure "kernel.detect_$1") stopped"
}
flood() { # flood OPTIONS...: 3,000 packets in some two seconds
    in_client timeout 60 hping3 -q -i u500 -c 3000 "$@" "$SERVER4" >"$LAB_DIR/hping.log" 2>&1
}
odd() {
    in_client /usr/bin/python3 -I "$LAB_HOME/lib/detect_packets.py" eth0 "$@" >"$LAB_DIR/scapy.log" 2>&1 ||
        fail "scapy: $(tail -n 1 "$LAB_DIR/scapy.log")"
}

flood --udp -p 9
expect_detected udp_flood 500
flood --icmp
expect_detected icmp_flood 500
flood -S -p 80 -a 10.77.64.9
expect_detected mixed_flood 500
in_client ping -q -c 3 -i 0.2 -W 1 -s 1300 "$SERVER4" >/dev/null && fail "an oversized ping passes"
expect_detected big_icmp 3
odd echo 10.77.64.1 10.77.255.255 5
odd echo 10.77.64.1 10.77.0.255 5
expect_detected smurf 5
odd udp 127.0.0.1 "$SERVER4" 5
odd udp 224.0.0.5 "$SERVER4" 5
expect_detected martian 10
nap 1.5
expect_pass tcp 80
expect_pass udp 80
expect_ping
expect_valid_events
