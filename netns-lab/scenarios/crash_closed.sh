#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: kill -9 under traffic with on_crash closed: what rules need to see stands still until the restart.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
start_echo 80
rule 1201 drop 'payload contains "never sent"'
sluice_conf on_crash=closed
start_sluice
start_packets -d "$SERVER4" -p 9000 -r "$(scaled 5000 1000)"
kill_sluice
patiently 5 sink_quiet || fail "traffic flows although on_crash is closed"
ask_sink
before=${REPORT[good]}
expect_drop tcp 80
ask_sink
expect_figure 'passed since' $((REPORT[good] - before)) '== 0'

start_sluice
patiently 10 sink_has $((before + 500)) || fail "traffic stands still after the restart"
expect_pass tcp 80
end_packets
stop_sluice
