#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# An attack in a request on the bridge (or, from web_block_routed, through a router): the client gets a page or a reset, the
# server a reset, and its log never hears of it. IPv4 and IPv6.
. "$(dirname "$0")/../lab"

"${START:-start_bridge}"
start_nginx
rule 3501 block 'lower(url_decode_uni(http.args)) contains "etc/passwd"' 'severity = "high"; tags = [ "attack-lfi" ];'
rule 3502 reject 'http.uri.path startswith "/refused"'
rule 3503 drop 'http.uri.path startswith "/dropped"'
rule 3504 block 'http.body.args["comment"] contains "<script"'

# asked_for TEXT: whether nginx has it in its log.
asked_for() {
    grep -q -e "$1" "$LAB_DIR/nginx/access"
}

server_is_rid_of_it() {
    patiently 5 in_server bash -c '! ss -Htn state established | grep -q ":80 "' || fail "nginx still waits for the client"
}

attacks_are_answered() {
    local host
    for host in "$SERVER4" "[$SERVER6]"; do
        expect_get 200 "http://$host/"
        expect_get "$1" "http://$host/?f=../../etc/passwd"
        expect_get "$1" "http://$host/?f=%2e%2e%2fETC%2fpasswd" -I
        expect_get 000 "http://$host/refused"
        expect_get "$1" "http://$host/form" --data-urlencode 'comment=<script>alert(1)</script>' -d page=1
        expect_get 200 "http://$host/"
    done
    server_is_rid_of_it
}

sluice_conf services='{ proto = "tcp"; ports = [ 80 ]; }' more='http: { ports = [ 80 ]; };'
start_sluice
attacks_are_answered 403
in_client curl -s --max-time 5 "http://$SERVER4/?f=/etc/passwd" | grep -q 'Request refused' || fail "no page"
expect_event 3501 alert.action=blocked http.http_method=GET tx_id=1
expect_event 3504 alert.action=blocked http.http_method=POST
asked_for passwd && fail "the attack is in nginx's log"
asked_for refused && fail "/refused is in nginx's log"
expect_valid_events

sluice_conf more='http: { ports = [ 80 ]; answer = "reset"; };'
reload_sluice
attacks_are_answered 000

say "drop tells nobody"
expect_get 000 "http://$SERVER4/dropped" --max-time 1
asked_for dropped && fail "/dropped is in nginx's log"

say "monitor: the same events, and everything passes"
sluice_conf mode=monitor
reload_sluice
expect_get 200 "http://$SERVER4/?f=/etc/passwd.monitored"
patiently 5 asked_for passwd.monitored || fail "mode monitor stops it"
expect_event 3501 alert.action=allowed
expect_stat packets.monitored '>= 1'
stop_sluice
