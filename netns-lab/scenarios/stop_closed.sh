#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: SIGTERM with on_stop closed: guarded traffic stands still, the rest does not; a start ends it.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
start_echo 80
sluice_conf on_stop=closed queue=all services='{ proto = "tcp"; }, { proto = "udp"; }'
start_sluice
start_packets -d "$SERVER4" -p 9000 -r "$(scaled 5000 1000)"
stop_sluice
patiently 5 sink_quiet || fail "traffic flows although on_stop is closed"
ask_sink
before=${REPORT[good]}
expect_drop tcp 80
expect_ping 4
expect_ping 6
ask_sink
expect_figure 'passed since' $((REPORT[good] - before)) '== 0'
start_sluice
patiently 10 sink_has $((before + 300)) || fail "traffic stands still after the start"
end_packets
