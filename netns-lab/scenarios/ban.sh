#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A ban is in the kernel at once, survives reload, restart and a kill, and ends by itself or by hand.
. "$(dirname "$0")/../lab"

start_bridge two_clients
start_echo 80 5001
rule 4601 ban 'payload contains "attack"' "ban_for = \"1h\";"
sluice_conf more="bans: { file = \"$LAB_DIR/bans\"; };"
start_sluice
expect_pass udp4 5001 hello
expect_drop udp4 5001 'an attack'
expect_event 4601 alert.action=blocked sluice.action=ban
nap 0.05
RECEIVED=$(figure packets.received)
expect_drop udp4 5001 hello
expect_drop tcp4 80
expect_figure 'came up since' "$(($(figure packets.received) - RECEIVED))" '== 0'
expect_stat kernel.banned '>= 2'
FROM_NS=$CLIENT2_NS expect_pass udp4 5001 hello

bans() { "$SLUICECTL" -s "$SOCKET" bans; }
expect_banned() { bans | grep -q -e "^$1 .*$2" || fail "$1 ($2) is not among the bans: $(bans)"; }
expect_banned "$CLIENT4" 'rule 4601'

say 'reload'
rule 4602 drop 'udp.dstport == 9'
reload_sluice
expect_drop udp4 5001 hello

say 'stop and start'
stop_sluice
start_sluice
expect_banned "$CLIENT4" 'rule 4601'
expect_drop udp4 5001 hello

say 'kill and start'
"$SLUICECTL" -s "$SOCKET" ban "$CLIENT24" 3600 || fail "sluicectl ban"
kill_sluice
start_sluice
expect_banned "$CLIENT4" 'rule 4601'
expect_banned "$CLIENT24" ''
expect_drop udp4 5001 hello
FROM_NS=$CLIENT2_NS expect_drop udp4 5001 hello

say 'by hand'
"$SLUICECTL" -s "$SOCKET" unban "$CLIENT4" || fail "sluicectl unban"
expect_pass udp4 5001 hello
"$SLUICECTL" -s "$SOCKET" unban all || fail "sluicectl unban all"
FROM_NS=$CLIENT2_NS expect_pass udp4 5001 hello
"$SLUICECTL" -s "$SOCKET" ban nonsense 2>/dev/null && fail "nonsense was banned"
"$SLUICECTL" -s "$SOCKET" ban "$CLIENT6" 2 || fail "sluicectl ban IPv6"
expect_drop udp6 5001 hello
passes6() { [[ $(ask_echo 500 udp6 5001 hello) == pass* ]]; }
patiently 10 passes6 || fail "the ban of two seconds does not end"
expect_valid_events
