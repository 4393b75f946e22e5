#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What conntrack says of a packet stands in its event: state and direction on every kernel, mark and id where the
# kernel attaches them; our own bits of the mark do not.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 5001
in_box nft -f - <<NFT || fail "nft"
table $FAMILY owner {
  chain forward {
    type filter hook forward priority -250;
    udp dport 5001 ct mark set 0x2a
  }
}
NFT
rule 1901 log 'udp.dstport == 5001 and ct.state == "new"'
rule 1902 log 'udp.srcport == 5001 and ct.direction == "reply"'
sluice_conf conntrack=true
start_sluice
expect_pass udp4 5001 hello
expect_event 1901 sluice.ct_state=new sluice.ct_direction=original
expect_event 1902 sluice.ct_state=established sluice.ct_direction=reply
if said 'NFQA_CT'; then
    expect_event 1902 sluice.ct_mark=42
    grep -q '"ct_id":[1-9]' "$EVENTS" || fail "no ct_id in the events"
    say 'with mark and id'
else
    grep -q '"ct_mark"' "$EVENTS" && fail "a ct_mark from a kernel that attaches none"
    say 'mark and id: not on this kernel'
fi
expect_valid_events
