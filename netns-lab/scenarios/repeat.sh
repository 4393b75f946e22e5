#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# REPEAT hands a packet to the owner's own nftables rules with a mark; they count it.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 80 5001
in_box nft -f - <<NFT || fail "nft"
table $FAMILY owner {
  counter marked { }
  counter every { }
  chain forward {
    type filter hook forward priority 10;
    udp dport 5001 counter name every
    udp dport 5001 meta mark & 0xff == 0x2a counter name marked
  }
}
NFT
rule 1501 repeat 'udp.dstport == 5001 and payload contains "mark me"' 'mark = 0x2a;'
sluice_conf
start_sluice
expect_pass udp 5001 'plain'
expect_figure 'marked without a match' "$(nft_counter "$FAMILY owner" marked)" '== 0'
expect_pass udp 5001 'please mark me'
expect_pass udp 5001 'again mark me'
expect_figure 'marked' "$(nft_counter "$FAMILY owner" marked)" '== 4'
expect_figure 'counted in all' "$(nft_counter "$FAMILY owner" every)" '== 6'
expect_stat packets.repeated '== 4'
expect_pass tcp 80
