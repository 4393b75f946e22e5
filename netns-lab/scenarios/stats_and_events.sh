#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Counters agree with what was sent; events are valid JSON in EVE's layout; status tells what was chosen.
. "$(dirname "$0")/../lab"

start_bridge
start_sink 9000
rule 3101 drop 'payload startswith "evil"'
rule 3102 log 'udp.dstport == 9000' 'severity = "low"; tags = [ "lab" ];'
sluice_conf stats_interval=1 services='{ proto = "udp"; }'
start_sluice
send_packets -d "$SERVER4" -p 9000 -n 300 -r 500 -e 3
expect_arrived
expect_stat packets.received '== 300'
expect_stat packets.dropped '== 100'
expect_stat packets.accepted '== 200'
expect_stat 'rules[id=3101].matches' '== 100'
expect_stat 'rules[id=3102].matches' '== 200'
stats_written() {
    (($(count_events event_type=stats) > 0))
}
patiently 10 stats_written || fail "no stats event"
expect_figure 'alerts of the drop' "$(count_events event_type=alert alert.signature_id=3101 alert.action=blocked)" '== 100'
expect_figure 'alerts of the log' "$(count_events event_type=alert alert.signature_id=3102 alert.action=allowed)" '== 200'
expect_figure 'drop events' "$(count_events event_type=drop)" '== 100'
expect_valid_events

"$SLUICECTL" -s "$SOCKET" status >"$LAB_DIR/status.log" || fail "no status"
say "$(json_get kernel <"$LAB_DIR/status.log")"
[[ $(json_get mode <"$LAB_DIR/status.log") == enforce ]] || fail "status: mode"
"$SLUICECTL" -s "$SOCKET" rules | json_get 'rules.0.id' | grep -qx 3101 || fail "sluicectl rules"
[[ $("$SLUICECTL" -s "$SOCKET" reload | json_get ok) == True ]] || fail "sluicectl reload"
stop_sluice
"$SLUICECTL" -s "$SOCKET" status >/dev/null 2>&1 && fail "sluicectl speaks to a stopped sluiced"
expect_valid_events
