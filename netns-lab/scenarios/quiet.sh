#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Where no rule reads responses they pass the queue by: downloads do not come up, requests do, whatever comes behind
# them. A rule on responses brings them up.
. "$(dirname "$0")/../lab"

start_bridge
start_nginx
# Segments as a wire has them.
in_server ethtool -K eth0 tso off gso off >/dev/null || fail "no ethtool"
truncate -s 10M "$LAB_DIR/www/big"
rule 4301 block 'lower(url_decode_uni(http.args)) contains "etc/passwd"'
sluice_conf services='{ proto = "tcp"; ports = [ 80 ]; }' more='http: { ports = [ 80 ]; };'
start_sluice

# Packets that the client's device has seen.
packets_of_client() {
    local rx tx
    rx=$(in_client cat /sys/class/net/eth0/statistics/rx_packets)
    tx=$(in_client cat /sys/class/net/eth0/statistics/tx_packets)
    echo $((rx + tx))
}

download() { # download ADDRESS: sets UP to the share that came up, in thousandths
    local before after wire
    before=$(figure packets.received)
    wire=$(packets_of_client)
    expect_get 200 "http://$1/big" --limit-rate 200M
    after=$(figure packets.received)
    wire=$(($(packets_of_client) - wire))
    UP=$(((after - before) * 1000 / wire))
    say "$((after - before)) of $wire packets of the download came up"
}

for host in "$SERVER4" "[$SERVER6]"; do
    download "$host"
    ((UP < 10)) || fail "$UP thousandths of the download came up"
    say "an attack behind a download, on one connection"
    in_client curl -s --max-time 10 -o /dev/null "http://$host/big" --next -s --max-time 10 -o /dev/null -w '%{http_code}\n' \
        "http://$host/?f=/etc/passwd" >"$LAB_DIR/code" || true
    grep -q '^403$' "$LAB_DIR/code" || fail "the attack behind a download came back as $(<"$LAB_DIR/code")"
done
expect_stat kernel.quiet '>= 100'
grep -q passwd "$LAB_DIR/nginx/access" && fail "the attack is in nginx's log"

say 'a rule on responses brings them up'
rule 4302 log 'http.status == 404'
reload_sluice
expect_get 404 "http://$SERVER4/nowhere"
expect_event 4302 http.status=404
download "$SERVER4"
((UP > 300)) || fail "only $UP thousandths came up"
