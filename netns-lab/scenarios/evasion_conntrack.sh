#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: answers are timed
# Clients that turn conntrack's view of their connection, or tie other packets to it: nothing passes by for it.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../evasion/evasion.sh"

"start_${EVASION_TOPOLOGY:-bridge}"
start_evasion_servers
silence_client
set_switches "$SERVER_NS" ipv4/tcp_fin_timeout 1
rule 4501 block 'http.uri contains "evil-p"'
rule 4502 offload 'icmp or icmpv6'
rule 4503 offload 'http.uri contains "tunnel"'
sluice_conf services='{ proto = "tcp"; ports = [ 80 ]; }, { proto = "icmp"; }, { proto = "icmpv6"; }' \
    more='http: { ports = [ 80 ]; answer = "reset"; };'
start_sluice

PORT=20000
TRIED=0
play() { # play ATTACK VERSION
    local client=$CLIENT4 server=$SERVER4 answer
    [[ $2 == 4 ]] || client=$CLIENT6 server=$SERVER6
    PORT=$((PORT + 1)) TRIED=$((TRIED + 1))
    answer=$(in_client timeout 40 /usr/bin/python3 -B "$EVASION/conntrack.py" "$1" "$client" "$server" 80 $PORT "evil-p$PORT!") ||
        fail "$1 does not play"
    say "$1 over IPv$2: $answer"
    ! grep -q "evil-p$PORT!" "$EVASION_LOGS/nginx.log" || echo "BYPASS $1 IPv$2" >>"$LAB_DIR/bypasses"
    [[ $1 != plain || $answer == '200 200 reset' ]] || fail "the attack as it is came back as $answer"
}

for version in 4 6; do
    for attack in plain ack-first data-first syn-first syn-ack-first related syn-amid next-on-offloaded; do
        play $attack $version
    done
done
play extensions 6
[[ ! -s $LAB_DIR/bypasses ]] || fail "reached the server: $(tr '\n' ';' <"$LAB_DIR/bypasses")"
expect_stat kernel.quiet '>= 10'
expect_sluice_alive
expect_valid_events
