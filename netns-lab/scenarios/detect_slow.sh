#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: slow heads, bodies and readers are found and end; a slow but steady upload and an idle connection do not.
. "$(dirname "$0")/../lab"

command -v slowhttptest >/dev/null || skip "no slowhttptest"
start_bridge two_clients
start_nginx
head -c 8000000 /dev/zero >"$LAB_DIR/www/big"
sluice_conf more='networks: { inside = [ "10.77.0.2", "fd77::2" ]; };
detect: {
  slow_head: { action = "drop"; threshold = 4; };
  slow_body: { action = "drop"; threshold = 1000; per = 4; };
  slow_read: { action = "drop"; threshold = 4; };
};'
start_sluice

found() { (($(count_events event_type=detect detect.name="$1") > 0)); }
slowly() { # slowly NAME OPTIONS...: a slow client until it is found
    local name=$1
    shift
    in_background "$name" ip netns exec "$CLIENT_NS" slowhttptest -c 5 -r 5 -l 40 -p 5 "$@"
    patiently 30 found "$name" || fail "$name is not found: $(tail -n 3 "$LAB_DIR/$name.log")"
    (($(count_events event_type=detect detect.name="$name" detect.action=drop src_ip="$CLIENT4") > 0)) ||
        fail "$name: not this client, or not dropped"
    say "$name: found"
}

say 'meanwhile a steady upload at 5,000 bytes a second, and a connection that idles between two requests'
head -c 60000 /dev/zero >"$LAB_DIR/upload"
in_background upload ip netns exec "$CLIENT2_NS" curl -s -S -o /dev/null -w '%{http_code}\n' --limit-rate 5000 \
    -T "$LAB_DIR/upload" "http://$SERVER4/put/upload"
upload=$STARTED
in_background idle ip netns exec "$CLIENT2_NS" /usr/bin/python3 -I -c '
import http.client, sys, time
c = http.client.HTTPConnection(sys.argv[1], timeout=20)
for _ in range(2):
    c.request("GET", "/")
    r = c.getresponse()
    r.read()
    print(r.status, flush=True)
    time.sleep(9)
' "$SERVER4"
idle=$STARTED

slowly slow_head -H -i 1 -u "http://$SERVER4/"
slowly slow_body -B -i 1 -s 100000 -x 10 -u "http://$SERVER4/put/x"
slowly slow_read -X -w 512 -y 1024 -n 1 -z 16 -k 1 -u "http://$SERVER4/big"

wait "$upload" || fail "the upload ended with an error: $(<"$LAB_DIR/upload.log")"
[[ $(<"$LAB_DIR/upload.log") == 20[14] ]] || fail "the upload: $(<"$LAB_DIR/upload.log")"
wait "$idle" || fail "the idle connection: $(<"$LAB_DIR/idle.log")"
(($(count_events event_type=detect src_ip="$CLIENT24") == 0)) || fail "a harmless client was found to be slow"
expect_get 200 "http://$SERVER4/"
expect_valid_events
