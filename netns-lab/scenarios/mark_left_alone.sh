#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The owner's own packet marks go through sluice unchanged, and sluice's bits are cleared.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 80 5001
in_box nft -f - <<NFT || fail "nft"
table $FAMILY owner {
  counter kept { }
  counter dirty { }
  chain before {
    type filter hook forward priority -50;
    udp dport 5001 meta mark set 0x55
  }
  chain after {
    type filter hook forward priority 50;
    udp dport 5001 meta mark & 0x00ffffff == 0x55 counter name kept
    meta mark & 0x7f000000 != 0 counter name dirty
  }
}
NFT
rule 3201 drop 'payload contains "evil"'
sluice_conf
start_sluice
expect_pass udp 5001
expect_pass tcp 80
expect_figure 'marks kept' "$(nft_counter "$FAMILY owner" kept)" '== 2'
expect_figure 'packets with our bits left' "$(nft_counter "$FAMILY owner" dirty)" '== 0'
