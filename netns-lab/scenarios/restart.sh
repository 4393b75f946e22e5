#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: 50 restarts under load, some by another build: no packet is lost and no request fails.
. "$(dirname "$0")/../lab"

restarts=$(scaled 50 6)
start_bridge
start_sink 9000
start_nginx
command -v wrk >/dev/null || skip "no wrk"
head -c "$(scaled 30000000 300000)" /dev/urandom >"$LAB_DIR/www/big"
# The path stays and what lies there changes, as in an upgrade.
install -m 755 "$SLUICED" "$LAB_DIR/sluiced.bin"
SLUICED=$LAB_DIR/sluiced.bin
rule 6301 reject 'http.uri.path contains "evil"'
sluice_conf queue=all more='http: { ports = [ 80 ]; };'
start_kept_sluice
expect_get '000|403' "http://$SERVER4/evil"

start_packets -d "$SERVER4" -p 9000 -r "$(scaled 10000 500)" -f 16 -s "$MANY4" -m 16
in_background kept_alive ip netns exec "$CLIENT_NS" wrk -t 1 -c 8 -d 600 --timeout 20 "http://$SERVER4/"
kept_alive=$STARTED
in_background each_anew ip netns exec "$CLIENT_NS" wrk -t 1 -c 4 -d 600 --timeout 20 -H 'Connection: close' "http://$SERVER4/"
each_anew=$STARTED
# Both go on over many restarts.
in_background download ip netns exec "$CLIENT_NS" curl -sS --fail --limit-rate "$(scaled 1M 8k)" -o "$LAB_DIR/got" "http://$SERVER4/big"
download=$STARTED
in_background upload ip netns exec "$CLIENT_NS" curl -sS --fail --limit-rate "$(scaled 1M 8k)" -T "$LAB_DIR/www/big" "http://$SERVER4/put/big"
upload=$STARTED

# One connection, kept alive over all restarts, whose last request is to be refused.
# shellcheck disable=SC2016 # for the inner shell
in_background old_connection ip netns exec "$CLIENT_NS" bash -c '
    exec 3<>"/dev/tcp/$1/80"
    printf "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" first >&3
    head -n 1 <&3
    until [[ -e $2 ]]; do sleep 0.1; done
    printf "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" evil >&3
    timeout 5 cat <&3 | grep -a "^HTTP" | sed "s/^/evil: /"
    echo end' _ "$SERVER4" "$LAB_DIR/restarted"
old_connection_said() { grep -q -e "$1" "$LAB_DIR/old_connection.log"; }
patiently 60 old_connection_said '^HTTP/1.1 404' || fail "no answer before the restarts"

for ((round = 1; round <= restarts; round++)); do
    if ((round % 10 == 0)); then
        cp "$SLUICED" "$SLUICED.new" && echo >>"$SLUICED.new" && mv "$SLUICED.new" "$SLUICED"
    fi
    restart_sluice
done
said_times 'keeper: started' | grep -qx $((restarts + 1)) || fail "it was started $(said_times 'keeper: started') times"
said 'bound anew\|stopped' && fail "a queue was not taken over"
expect_get '000|403' "http://$SERVER4/evil"

touch "$LAB_DIR/restarted"
patiently 60 old_connection_said '^end' || fail "the old connection says nothing"
old_connection_said 'evil: .* 404' && fail "an evil request on a connection of before passes: $(<"$LAB_DIR/old_connection.log")"

# expect_wrk PID NAME: it has not seen a failure.
expect_wrk() {
    kill -INT "$1"
    wait "$1"
    say "$2: $(grep -e 'requests in' "$LAB_DIR/$2.log")"
    grep -q 'requests in' "$LAB_DIR/$2.log" || fail "$2 says nothing"
    ! grep -e 'Socket errors' -e 'Non-2xx' "$LAB_DIR/$2.log" || fail "$2: $(<"$LAB_DIR/$2.log")"
}
expect_wrk "$kept_alive" kept_alive
expect_wrk "$each_anew" each_anew
wait "$download" || fail "the download: $(<"$LAB_DIR/download.log")"
wait "$upload" || fail "the upload: $(<"$LAB_DIR/upload.log")"
cmp "$LAB_DIR/www/big" "$LAB_DIR/got" || fail "the download has changed"
cmp "$LAB_DIR/www/big" "$LAB_DIR/www/put/big" || fail "the upload has changed"
end_packets
expect_arrived
stop_kept_sluice
in_box nft list tables | grep -q sluice && fail "the table is still there"
exit 0
