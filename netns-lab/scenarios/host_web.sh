#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# sluiced on the web server itself, both directions: requests are read there too.
. "$(dirname "$0")/../lab"

start_host
start_nginx
rule 3411 block 'lower(url_decode_uni(http.args)) contains "etc/passwd"' 'severity = "high";'
sluice_conf hook=host services='{ proto = "tcp"; ports = [ 80 ]; }' more='http: { ports = [ 80 ]; };'
start_sluice
expect_get 200 "http://$SERVER4/"
expect_get 403 "http://$SERVER4/?f=../etc/passwd"
expect_get 403 "http://[$SERVER6]/?f=%2e%2e/ETC/passwd"
expect_event 3411 alert.action=blocked
grep -q passwd "$LAB_DIR/nginx/access" && fail "the attack reached nginx"
patiently 5 in_server bash -c '! ss -Htn state established | grep -q ":80 "' || fail "nginx still waits for the client"
expect_get 200 "http://$SERVER4/"
stop_sluice
expect_get 200 "http://$SERVER4/?f=../etc/passwd"
