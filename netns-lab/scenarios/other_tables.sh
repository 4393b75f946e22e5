#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Other nftables tables, also one that filters at the same hook, are left as they are.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 80 81
in_box nft -f - <<NFT || fail "nft"
table $FAMILY owner {
  counter seen { }
  chain forward {
    type filter hook forward priority 10;
    tcp dport 81 drop
    tcp dport 80 counter name seen
  }
}
table ip6 another {
  chain c { type filter hook input priority 0; }
}
table inet sluicegate {
  chain c { type filter hook input priority 0; }
}
NFT
own_tables() {
    in_box nft -s list ruleset | awk '/^table/ { ours = $3 == "sluice" } !ours'
}
before=$(own_tables)
rule 3001 drop 'payload contains "evil"'
sluice_conf
start_sluice
[[ $(own_tables) == "$before" ]] || fail "other tables changed at start"
expect_pass tcp 80
expect_drop tcp4 81
expect_drop tcp4 80 'evil'
expect_figure 'seen by the other table' "$(nft_counter "$FAMILY owner" seen)" '> 4'
reload_sluice
[[ $(own_tables) == "$before" ]] || fail "other tables changed at reload"
stop_sluice
[[ $(own_tables) == "$before" ]] || fail "other tables changed at stop"
