#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A scanner is banned: nothing of it passes any more, nor comes up; others go on.
. "$(dirname "$0")/../lab"

command -v hping3 >/dev/null || skip "no hping3"
start_bridge two_clients
start_echo 80
sluice_conf more='networks: { inside = [ "10.77.0.2", "fd77::2" ]; };
bans: { file = ""; };
detect: { scan: { action = "ban"; threshold = 20; per = 60; ban_for = 600; }; };'
start_sluice
expect_pass tcp 80
in_client timeout 30 hping3 -q -S --scan 1-200 "$SERVER4" >"$LAB_DIR/hping.log" 2>&1
found() { (($(count_events event_type=detect detect.name=scan detect.action=ban src_ip="$CLIENT4") > 0)); }
patiently 5 found || fail "the scan is not found"
expect_drop tcp4 80
expect_no_ping
expect_pass tcp6 80
FROM_NS=$CLIENT2_NS expect_pass tcp4 80
expect_stat kernel.banned '>= 1'
expect_valid_events
