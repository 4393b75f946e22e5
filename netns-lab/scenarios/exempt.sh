#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Exempt addresses are never inspected.
. "$(dirname "$0")/../lab"

start_bridge two_clients
start_echo 23 80
rule 2701 drop 'tcp.dstport == 23'
sluice_conf exempt="\"$CLIENT24\", \"$CLIENT26/128\""
start_sluice
expect_drop tcp 23
FROM_NS=$CLIENT2_NS expect_pass tcp 23
expect_event 2701 src_ip="$CLIENT4"
expect_figure 'events of the exempt client' "$(count_events src_ip="$CLIENT24")" '== 0'

say 'exempt no longer, by a reload'
sluice_conf exempt=''
reload_sluice
FROM_NS=$CLIENT2_NS expect_drop tcp 23
