#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A rule with a limit takes effect only for what comes too often, by source or by what a request says.
. "$(dirname "$0")/../lab"

start_bridge two_clients
start_nginx
rule 4701 block 'http.method == "POST" and http.uri.path == "/login"' 'limit = { by = "ip.src"; count = 5; per = "1h"; };'
rule 4702 block 'http.uri.path == "/api"' 'limit = { by = "http.headers[\"x-key\"]"; count = 3; per = "1h"; };'
sluice_conf services='{ proto = "tcp"; ports = [ 80 ]; }' more='http: { ports = [ 80 ]; };'
start_sluice
for i in 1 2 3 4 5; do
    expect_get 200 "http://$SERVER4/login" -d "user=$i"
done
expect_no_event 4701
expect_get 403 "http://$SERVER4/login" -d user=6
expect_get 403 "http://$SERVER4/login" -d user=7
expect_event 4701 alert.action=blocked
expect_get 200 "http://$SERVER4/"
FROM=$CLIENT_NS
# shellcheck disable=SC2153 # topology.sh sets it
CLIENT_NS=$CLIENT2_NS expect_get 200 "http://$SERVER4/login" -d user=1
CLIENT_NS=$FROM
for i in 1 2 3; do
    expect_get 404 "http://$SERVER4/api" -H 'X-Key: one'
    expect_get 404 "http://$SERVER4/api" -H 'X-Key: two'
done
expect_get 403 "http://$SERVER4/api" -H 'X-Key: one'
expect_get 404 "http://$SERVER4/api" -H 'X-Key: three'
expect_get 404 "http://$SERVER4/api"

say 'a reload keeps what was counted'
rule 4703 log 'http.uri.path == "/other"'
reload_sluice
expect_get 403 "http://$SERVER4/login" -d user=8
expect_get 403 "http://$SERVER4/api" -H 'X-Key: two'
