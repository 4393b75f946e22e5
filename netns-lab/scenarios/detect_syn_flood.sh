#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A flood of SYNs from made-up sources is held up; clients get through, those that are known without waiting.
. "$(dirname "$0")/../lab"

command -v hping3 >/dev/null || skip "no hping3"
start_bridge
start_nginx
# Its connections stay half open: the server finds no way to the made-up sources.
sluice_conf more='networks: { inside = [ "10.77.0.2", "fd77::2" ]; };
streams: { timeouts: { handshake = 3; }; };
detect: { syn_flood: { action = "drop"; threshold = 200; }; };'
start_sluice
expect_get 200 "http://$SERVER4/"
in_background flood ip netns exec "$CLIENT_NS" timeout 120 hping3 -q -S -p 80 --rand-source -i "$(scaled u500 u2000)" "$SERVER4"
flood=$STARTED
begun() { (($(count_events event_type=detect detect.name=syn_flood detect.action=drop) > 0)); }
over() { (($(count_events event_type=detect detect.name=syn_flood detect.action=off) > 0)); }
patiently 10 begun || fail "the flood is not found"

say 'a client that was there before'
took=$(in_client curl -s -o /dev/null -w '%{http_code} %{time_connect}' --max-time 10 "http://$SERVER4/")
say "status and seconds to connect: $took"
[[ $took == 200\ 0.[0-8]* ]] || fail "a known client had to wait"

say 'and one that was not: its second SYN passes'
took=$(in_client curl -s -o /dev/null -w '%{http_code} %{time_connect}' --max-time 20 "http://[$SERVER6]/")
say "status and seconds to connect: $took"
[[ $took == 200\ * ]] || fail "a new client does not get through"
nap 3
over && fail "the flood goes on, and is told to be over"
expect_stat kernel.queued '>= 1'

end_process "$flood" "$(start_time "$flood")" INT
patiently 40 over || fail "the end is not told"
expect_get 200 "http://$SERVER4/"
expect_valid_events
