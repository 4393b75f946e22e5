#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: SIGSTOP for ten seconds: what comes meanwhile waits, and is judged when it goes on.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
rule 6701 drop 'payload startswith "evil"'
for policy in open closed; do
    sluice_conf on_overload=$policy length=65536
    start_sluice
    start_packets -d "$SERVER4" -p 9000 -r "$(scaled 2000 300)" -f 16 -s "$MANY4" -m 16 -e 4
    signal_sluice STOP
    patiently 5 sink_quiet || fail "packets pass by"
    ask_sink
    before=${REPORT[good]}
    nap 10
    ask_sink
    expect_figure 'passed meanwhile' $((REPORT[good] - before)) '== 0'
    signal_sluice CONT
    patiently 20 sink_has $((before + $(scaled 20000 3000))) || fail "what waited does not come"
    end_packets
    expect_arrived
    expect_stat packets.bypassed '== 0'
    stop_sluice
    kill "$SINK_PID"
    wait "$SINK_PID" 2>/dev/null
    start_sink 9000
done
exit 0
