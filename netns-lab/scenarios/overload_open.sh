#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: a queue runs over while sluiced is stopped short (SIGSTOP); on_overload open: all passes, and it is told.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
sluice_conf on_overload=open queue=all queues=1 length=128 stats_interval=1
start_sluice
send_packets -d "$SERVER4" -p 9000 -n 50 -r 1000
expect_arrived
signal_sluice STOP
send_packets -d "$SERVER4" -p 9000 -n 2000 -r "$(scaled 5000 1000)" -l 80
patiently 10 sink_has 1800 || fail "only ${REPORT[good]} of 2000 passed while the queue was full"
signal_sluice CONT
# The first fifty numbers came again with the second run; the queue's own packets are answered now.
patiently 10 sink_has 2000 || fail "only ${REPORT[good]} of 2000: what waited in the queue was lost"
expect_sluice_alive
bypass_told() {
    said 'passed uninspected'
}
patiently 5 bypass_told || fail "nothing was said of the packets let by"
expect_stat packets.bypassed '>= 1800'
expect_stat packets.bypassed '<= 2000'
stats_written() {
    (($(count_events event_type=stats) >= 1))
}
patiently 10 stats_written || fail "no stats event"
stop_sluice
expect_valid_events
