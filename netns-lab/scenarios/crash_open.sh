#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: kill -9 under traffic with on_crash open: traffic flows on; a restart takes over what was left.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
start_echo 80
rule 1801 drop 'payload startswith "evil"'
sluice_conf on_crash=open
start_sluice
start_packets -d "$SERVER4" -p 9000 -r "$(scaled 5000 1000)"
kill_sluice
in_box nft list tables | grep -q sluice || fail "the table went with the process: nothing was tested"
ask_sink
patiently 10 sink_has $((REPORT[good] + 500)) || fail "traffic stands still after the crash"
expect_pass tcp 80 'evil passes while none looks'

start_sluice
expect_figure 'tables named sluice' "$(in_box nft list tables | grep -c sluice)" '== 1'
expect_drop tcp 80 'evil is stopped again'
ask_sink
patiently 10 sink_has $((REPORT[good] + 500)) || fail "traffic stands still after the restart"
end_packets
stop_sluice
expect_pass tcp 80 'evil'
