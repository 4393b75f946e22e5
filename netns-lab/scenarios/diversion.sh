#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What comes up follows from the rules, and `check --show-diversion` says what and why.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 23 80 5001
rule 4801 log 'udp.dstport == 5001 and payload contains "x"'
rule 4802 drop 'tcp.dstport == 23 and payload contains "root"'
sluice_conf
show() {
    "$SLUICED" check -c "$CONF" --show-diversion >"$LAB_DIR/shown" 2>&1 || fail "check: $(<"$LAB_DIR/shown")"
}
show
grep -q 'rule 4801' "$LAB_DIR/shown" || fail "rule 4801 is not named: $(<"$LAB_DIR/shown")"
grep -q 'rule 4802' "$LAB_DIR/shown" || fail "rule 4802 is not named"
start_sluice
expect_pass tcp 80
expect_ping 4
expect_stat packets.received '== 0'
expect_pass udp 5001 'x'
expect_event 4801
# The server's answers are of no interest to the rule.
expect_stat packets.received '== 2'
expect_drop tcp 23 root
expect_pass tcp 23 toor

say 'everything, where it is asked for'
sluice_conf queue=all
show
reload_sluice
RECEIVED=$(figure packets.received)
expect_pass tcp 80
expect_figure 'came up' "$(($(figure packets.received) - RECEIVED))" '>= 10'
