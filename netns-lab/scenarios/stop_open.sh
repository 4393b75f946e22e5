#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: SIGTERM and start under traffic with on_stop open: no packet is lost.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
sluice_conf on_stop=open queue=all
start_sluice
start_packets -d "$SERVER4" -p 9000 -r "$(scaled 10000 1500)" -f 16 -s "$MANY4" -m 16
for round in 1 2 3; do
    say "stop and start, $round"
    stop_sluice
    in_box nft list tables | grep -q sluice && fail "the table is still there"
    ask_sink
    patiently 10 sink_has $((REPORT[good] + 300)) || fail "traffic stands still after the stop"
    start_sluice
    ask_sink
    patiently 10 sink_has $((REPORT[good] + 300)) || fail "traffic stands still after the start"
done
end_packets
expect_arrived
stop_sluice
