#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A condemned flow's packets die in the kernel; other flows pass, and a new rule set undoes it.
. "$(dirname "$0")/../lab"

start_bridge
start_echo 5003
rule 4201 condemn 'udp.dstport == 5003 and payload contains "die"'
sluice_conf services='{ proto = "udp"; ports = [ 5003 ]; }'
start_sluice

# One socket that says a line and tells what comes back, or "nothing".
in_background talker ip netns exec "$CLIENT_NS" /usr/bin/python3 -I "$LAB_HOME/lib/talker.py" \
    "$SERVER4" 5003 "$LAB_DIR/talk.in" "$LAB_DIR/talk.out"
patiently 5 test -p "$LAB_DIR/talk.in" || fail "no talker"
expect_talk() { # expect_talk LINE ANSWER
    local answer
    echo "$1" >"$LAB_DIR/talk.in"
    answer=$(timeout 20 head -n 1 "$LAB_DIR/talk.out")
    [[ $answer == "$2" ]] || fail "\"$1\" came back as \"$answer\", not \"$2\""
    say "\"$1\": $answer"
}
expect_talk hello hello
expect_talk 'now die' nothing
expect_event 4201 alert.action=blocked sluice.action=condemn
RECEIVED=$(figure packets.received)
expect_talk hello nothing
expect_talk hello nothing
expect_stat kernel.condemned '== 2'
expect_figure 'came up since' "$(($(figure packets.received) - RECEIVED))" '== 0'
expect_pass udp4 5003

say 'another rule set judges it anew'
no_rules
rule 4202 condemn 'udp.dstport == 5003 and payload contains "perish"'
reload_sluice
expect_talk hello hello
expect_valid_events
