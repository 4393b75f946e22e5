#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: the same with on_overload closed: what does not fit is lost, nothing passes uninspected.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
start_echo 80
rule 2001 drop 'payload startswith "evil"'
sluice_conf on_overload=closed queues=1 length=128
start_sluice
signal_sluice STOP
send_packets -d "$SERVER4" -p 9000 -n 2000 -r "$(scaled 5000 1000)" -e 2
patiently 5 sink_quiet
expect_figure 'passed while the queue stood' "$((REPORT[good] + REPORT[other]))" '== 0'
signal_sluice CONT
patiently 10 sink_has 1 || fail "what waited in the queue was lost"
patiently 5 sink_quiet
expect_figure 'of the queue' "${REPORT[good]}" '<= 128'
expect_figure 'evil ones' "${REPORT[other]}" '== 0'
expect_pass tcp 80
expect_sluice_alive
expect_stat packets.bypassed '== 0'
expect_stat queues.0.queue_dropped '>= 1800'
stop_sluice
