#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone
# guest only: the service restarts, is upgraded and crashes under a real systemd and under load; no packet is lost, no request fails.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../lib/service.sh"

# Each takes seconds of an emulated machine.
restarts=${LAB_RESTARTS:-8}
start_bridge
start_sink 9000
start_nginx
rule 6401 reject 'http.uri.path contains "evil"'
sluice_conf queue=all length=65536 more='http: { ports = [ 80 ]; };'
install_package
# The service's own places for what it writes.
mkdir -p /etc/sluice/lab
cp "$LAB_DIR/rules/lab.conf" /etc/sluice/lab/
sed -e 's|^events:.*|events: { };|; s|^control:.*||; s|rules/\*.conf|lab/*.conf|; s|"debug"|"info"|' "$CONF" >/etc/sluice/sluice.conf
# Nothing here is as fast as a real machine.
mkdir -p /etc/systemd/system/sluiced.service.d
printf '[Service]\nTimeoutStopSec=300\nWatchdogSec=120\n' >/etc/systemd/system/sluiced.service.d/lab.conf
boot_systemd ip netns exec "$BOX_NS"
expect_get '000|403' "http://$SERVER4/evil"
in_service nft list tables | grep -q "table $LAB_FAMILY sluice" || fail "no table"
[[ $(shown NFileDescriptorStore) == 2 ]] || fail "systemd keeps $(shown NFileDescriptorStore) sockets"

start_packets -d "$SERVER4" -p 9000 -r 300 -f 16 -s "$MANY4" -m 16
# Two requests on each connection. No wrk: it would take an emulated machine for itself.
# shellcheck disable=SC2016 # for the inner shell
in_background requests ip netns exec "$CLIENT_NS" bash -c '
    until [[ -e $2 ]]; do
        if curl -sS --fail --max-time 120 -o /dev/null -o /dev/null "http://$1/" "http://$1/"; then echo fine; else echo failed; fi
        sleep 0.2
    done' _ "$SERVER4" "$LAB_DIR/enough"
requests=$STARTED

# expect_restarted: another process, the same sockets and table.
expect_restarted() {
    local before=$1
    is_active || fail "not active"
    [[ $(shown MainPID) != "$before" ]] || fail "the same process"
    [[ $(shown NFileDescriptorStore) == 2 ]] || fail "systemd keeps $(shown NFileDescriptorStore) sockets"
}

say "$restarts restarts"
for ((round = 1; round <= restarts; round++)); do
    main=$(shown MainPID)
    in_service systemctl restart sluiced || fail "restart"
    expect_restarted "$main"
done
say "an upgrade"
main=$(shown MainPID)
cp /usr/sbin/sluiced /usr/sbin/sluiced.new && echo >>/usr/sbin/sluiced.new && mv /usr/sbin/sluiced.new /usr/sbin/sluiced
in_service systemctl try-restart sluiced || fail "restart"
expect_restarted "$main"
say "kill -9"
main=$(shown MainPID)
in_service kill -KILL "$main"
patiently 60 started_anew 1 || fail "not started anew"
expect_restarted "$main"
expect_get '000|403' "http://$SERVER4/evil"

touch "$LAB_DIR/enough"
wait "$requests"
say "$(grep -c fine "$LAB_DIR/requests.log") pairs of requests"
(($(grep -c fine "$LAB_DIR/requests.log") > restarts)) || fail "hardly any requests"
grep -v fine "$LAB_DIR/requests.log" && fail "requests failed"
end_packets
expect_arrived
in_service journalctl -u sluiced >"$LAB_DIR/journal.log"
(($(grep -c 'handed over' "$LAB_DIR/journal.log") >= restarts + 1)) || fail "not every restart handed over"
grep 'bound anew' "$LAB_DIR/journal.log" && fail "a queue was not taken over"

say "a stop is a stop"
in_service systemctl stop sluiced || fail "stop"
in_service nft list tables | grep -q sluice && fail "the table is still there"
exit 0
