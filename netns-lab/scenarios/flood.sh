#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: a flood as fast as it goes through short queues; sluiced survives, and closed lets nothing evil by.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
start_echo 80
rule 2101 drop 'payload startswith "evil"' 'event = false;'
sluice_conf on_overload=closed length=64
start_sluice
send_packets -d "$SERVER4" -p 9000 -n "$(scaled 400000 20000)" -r 0 -e 2 -f 64 -s "$MANY4" -m 64
patiently 20 sink_quiet
expect_figure 'good ones through' "${REPORT[good]}" '> 0'
expect_figure 'evil ones through' "${REPORT[other]}" '== 0'
expect_pass tcp 80
expect_drop tcp 80 'evil'
say "lost at the queues: $(figure capture.kernel_drops)"
stop_sluice

say 'and with on_overload open'
sluice_conf on_overload=open
start_sluice
send_packets -d "$SERVER4" -p 9000 -n "$(scaled 400000 20000)" -r 0 -e 2 -f 64 -s "$MANY4" -m 64
patiently 20 sink_quiet
expect_sluice_alive
expect_pass tcp 80
expect_drop tcp 80 'evil'
bypassed=$(figure packets.bypassed)
say "let by: $bypassed; evil ones that arrived: ${REPORT[other]}"
((REPORT[other] <= bypassed)) || fail "${REPORT[other]} evil packets passed, but only $bypassed are told as let by"
stop_sluice
