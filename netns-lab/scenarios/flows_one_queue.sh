#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: both directions of each of 1,000 flows come to one and the same queue.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 5001
flows=$(scaled 1000 200)
rule 1601 log 'udp.port == 5001'
sluice_conf queues=4
start_sluice
send_packets -d "$SERVER4" -p 5001 -n $((flows * 3)) -r "$(scaled 2000 300)" -f "$flows" -s "$MANY4" -m 1000
all_logged() {
    (($(wc -l <"$EVENTS") >= flows * 6))
}
patiently 20 all_logged || say "only $(wc -l <"$EVENTS") events"
/usr/bin/python3 -I "$LAB_HOME/lib/events.py" "$EVENTS" flows 1601 >"$LAB_DIR/flows.log" || fail "no events"
read_report "$LAB_DIR/flows.log" flows
expect_figure 'flows seen' "${REPORT[flows]}" "== $flows"
expect_figure 'seen in both directions' "${REPORT[both]}" "== $flows"
expect_figure 'split over queues' "${REPORT[split]}" '== 0'
expect_figure 'queues used' "${REPORT[queues]}" '== 4'
