#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Leading rules on addresses, ports and conntrack states are the kernel's: their packets never come up, and are
# counted and told all the same.
. "$(dirname "$0")/../lab"

start_bridge two_clients
start_echo 23 80 5001 5003
rule 4401 accept "ip.src == $CLIENT24 and udp.dstport == 5003"
rule 4402 drop 'tcp.dstport == 23'
rule 4403 drop 'udp.dstport in { 5001, 5003 }'
rule 4404 drop 'ct.state == "invalid"'
rule 4405 log 'tcp.dstport == 80 and tcp.flags.syn' 'event = false;'
sluice_conf
start_sluice
expect_drop tcp 23
expect_drop udp 5001
expect_drop udp 5003
FROM_NS=$CLIENT2_NS expect_pass udp4 5003
expect_stat packets.received '== 0'
expect_event 4402 alert.action=blocked dest_port=23
expect_event 4403 alert.action=blocked
expect_no_event 4401
matches() {
    "$SLUICECTL" -s "$SOCKET" rules | /usr/bin/python3 -IS -c 'import json, sys
print(next(r["matches"] for r in json.load(sys.stdin)["rules"] if r["id"] == int(sys.argv[1])))' "$1"
}
MATCHES=$(matches 4402)
expect_figure 'matches of 4402' "$MATCHES" '>= 2'
expect_figure 'matches of 4401' "$(matches 4401)" '>= 1'
expect_pass tcp 80
expect_stat packets.received '>= 1'

say 'a reload keeps the counts, and what follows a rule of user space is not the kernel'"'"'s'
rule 4406 drop 'udp.dstport == 80'
reload_sluice
expect_figure 'matches of 4402' "$(matches 4402)" ">= $MATCHES"
expect_drop udp 80
expect_drop tcp 23
expect_stat packets.dropped '>= 1'
expect_valid_events
