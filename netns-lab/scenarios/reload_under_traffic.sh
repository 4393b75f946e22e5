#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: fifty reloads under 20,000 packets/s; none is lost, none passes that either rule set drops.
. "$(dirname "$0")/../lab"

first_rules() {
    no_rules
    rule 1701 drop 'udp.dstport == 9000 and payload startswith "evil"'
    rule 1702 drop 'tcp.dstport == 23'
    sluice_conf
}
second_rules() {
    no_rules
    rule 1703 drop 'tcp.dstport in { 1, 2, 3 }'
    rule 1704 drop 'payload matches "^evil"'
    # Another diversion too: its exchange must be seamless.
    sluice_conf exempt='"192.0.2.0/24"'
}

start_bridge
start_sink 9000
first_rules
start_sluice
start_packets -d "$SERVER4" -p 9000 -r "$(scaled 20000 2000)" -e 10 -f 40 -s "$MANY4" -m 40
for ((round = 0; round < $(scaled 25 10); round++)); do
    second_rules
    reload_sluice
    SETTING[exempt]=''
    first_rules
    reload_sluice
done
end_packets
expect_arrived
expect_figure 'evil ones sent' "$SENT_OTHER" '> 100'
expect_stat reload.done "== $(scaled 50 20)"
expect_stat packets.dropped "== $SENT_OTHER"
