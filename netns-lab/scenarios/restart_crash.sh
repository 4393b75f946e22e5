#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: kill -9 and the watchdog's SIGABRT under load: what the dead process held is judged by the next one, nothing is lost.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
start_echo 80
rule 6501 drop 'payload startswith "evil"'
sluice_conf length=65536 on_crash=closed
start_kept_sluice -d 100
start_packets -d "$SERVER4" -p 9000 -r "$(scaled 10000 500)" -f 16 -s "$MANY4" -m 16 -e 4
for round in 1 2 3 4 5 6; do
    if ((round % 2)); then crash_sluice KILL; else crash_sluice ABRT; fi
    # It has come so far that what it found is decided.
    ask_sink
    patiently 10 sink_has $((REPORT[good] + 300)) || fail "traffic stands still after crash $round"
done
expect_drop udp 80 'evil'
expect_pass udp 80
end_packets
expect_arrived
stop_kept_sluice
