#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# alone: many bytes and requests
# Ordinary traffic through the web rules: all of it comes whole, none is blocked.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../evasion/evasion.sh"

MEGABYTES=$(scaled 100 4)
LONG=$(scaled 60 300)

# The shipped rules; without them the suite's, but for the limit on bodies.
web_rules() {
    if [[ -f $LAB_HOME/../rules/web.conf ]]; then
        shipped_rules
    else
        sed 's/\\"body_too_long\\", //' "$EVASION/evasion.conf" >"$LAB_DIR/rules/evasion.conf"
    fi
}

# fetch URL [CURL OPTIONS...]: the body to standard output; any error ends the scenario.
fetch() {
    local url=$1
    shift
    in_client curl -sS --fail --max-time "$LONG" "$@" "$url" || fail "curl $url $*: status $?"
}

sum_of() {
    sha256sum | cut -d ' ' -f 1
}

# same WHAT ONE OTHER
same() {
    [[ $2 == "$3" ]] || fail "$1: $2, not $3"
    say "$1: whole"
}

many_requests() {
    local wanted out
    wanted=$(scaled 10000 300)
    for url in "http://$SERVER4/" "http://[$SERVER6]:8080/"; do
        out=$(in_client wrk -t 1 -c 16 -d "$(scaled 4s 10s)" --timeout "$(scaled 5s 20s)" -s "$EVASION/benign.lua" "$url" 2>&1)
        [[ $out =~ ([0-9]+)\ requests\ in ]] || fail "wrk says: $out"
        expect_figure "requests by wrk to $url" "${BASH_REMATCH[1]}" "> 0"
        REQUESTS=$((REQUESTS + BASH_REMATCH[1]))
        [[ $out != *'Non-2xx'* && $out != *'Socket errors'* ]] || fail "wrk says: $out"
    done
    expect_figure 'requests by wrk' "$REQUESTS" ">= $wanted"
}

# One connection, many requests.
keep_alive() {
    local n count statuses
    count=$(scaled 500 50)
    for ((n = 0; n < count; n++)); do
        printf 'url = "http://%s/page/%d?name=O%%27Neil&n=%d"\noutput = /dev/null\n' "$SERVER4" "$n" "$n"
    done >"$LAB_DIR/urls"
    statuses=$(in_client curl -sS --max-time "$LONG" -K "$LAB_DIR/urls" -w '%{http_code} %{num_connects}\n') || fail "curl with keep-alive"
    expect_figure 'pages over one connection' "$(grep -c '^200' <<<"$statuses")" "== $count"
    expect_figure 'connections for them' "$(awk '{ n += $2 } END { print n }' <<<"$statuses")" '== 1'
}

# digest_of FILE CURL OPTIONS...: what our server says that it has read.
uploads() {
    local sum size address answer
    sum=$(sum_of <"$LAB_DIR/www/big.bin")
    size=$(stat -c %s "$LAB_DIR/www/big.bin")
    for address in "$SERVER4" "[$SERVER6]"; do
        answer=$(fetch "http://$address:8080/digest" -T "$LAB_DIR/www/big.bin" -X POST -H 'Content-Type: application/octet-stream' -H 'Expect:')
        same "an upload of $MEGABYTES MB to $address" "$answer" "$sum $size"
    done
    answer=$(fetch "http://$SERVER4:8080/digest" -T - -X POST -H 'Transfer-Encoding: chunked' -H 'Expect:' <"$LAB_DIR/www/big.bin")
    same 'a chunked upload' "$answer" "$sum $size"
    answer=$(fetch "http://$SERVER4:8080/digest" -T "$LAB_DIR/www/big.bin" -X POST -H 'Expect: 100-continue')
    same 'an upload after 100 Continue' "$answer" "$sum $size"
    answer=$(fetch "http://$SERVER4:8080/digest" -F 'title=holiday in Rome' -F "file=@$LAB_DIR/www/big.bin;filename=rome.jpg;type=image/jpeg")
    ((${answer#* } > size)) || fail "an upload by form: $answer"
    say 'an upload by form: whole'
    answer=$(fetch "http://$SERVER4/form" -H 'Expect: 100-continue' -d 'user=alice&text=good+morning')
    same 'a small form after 100 Continue, to nginx' "$answer" ok
}

downloads() {
    local sum address
    sum=$(sum_of <"$LAB_DIR/www/big.bin")
    for address in "$SERVER4" "[$SERVER6]"; do
        same "a download of $MEGABYTES MB from $address" "$(fetch "http://$address/files/big.bin" | sum_of)" "$sum"
    done
    same 'the first 1,000 bytes' "$(fetch "http://$SERVER4/files/big.bin" -r 0-999 | sum_of)" "$(head -c 1000 "$LAB_DIR/www/big.bin" | sum_of)"
    same 'the last 1,000 bytes' "$(fetch "http://$SERVER4/files/big.bin" -r -1000 | sum_of)" "$(tail -c 1000 "$LAB_DIR/www/big.bin" | sum_of)"
    same 'a megabyte from the middle' "$(fetch "http://$SERVER4/files/big.bin" -r 1000000-1999999 | sum_of)" \
        "$(tail -c +1000001 "$LAB_DIR/www/big.bin" | head -c 1000000 | sum_of)"
    expect_get 206 "http://$SERVER4/files/big.bin" -r 0-9,100-109
    expect_get 416 "http://$SERVER4/files/big.bin" -r 999999999999-
}

# HEAD and 304 have no body whatever their headers say: what follows on the connection is read right.
without_body() {
    local tag statuses
    tag=$(fetch "http://$SERVER4/files/index.html" -I | tr -d '\r' | sed -n 's/^ETag: //p')
    [[ $tag ]] || fail "no ETag"
    expect_get 304 "http://$SERVER4/files/index.html" -H "If-None-Match: $tag"
    statuses=$(in_client curl -sS --max-time "$LONG" -o /dev/null -o /dev/null -w '%{http_code}\n' -H "If-None-Match: $tag" \
        "http://$SERVER4/files/index.html" "http://$SERVER4/files/index.html" --next \
        -sS -o /dev/null -o /dev/null -I -w '%{http_code}\n' "http://$SERVER4/files/big.bin" "http://$SERVER4/files/big.bin" --next \
        -sS -o /dev/null -w '%{http_code}\n' "http://$SERVER4/files/index.html" | xargs)
    same '304, HEAD and GET on one connection' "$statuses" '304 304 200 200 200'
    expect_get 200 "http://$SERVER4:8080/hello" -I
}

streams() {
    local events
    events=$(fetch "http://$SERVER4:8080/events" -N | grep -c '^data: tick')
    expect_figure 'server-sent events' "$events" '== 20'
    in_client /usr/bin/python3 "$EVASION/websocket.py" talk "ws://$SERVER4:8081/" "$(scaled 200 30)" || fail 'WebSocket by IPv4'
    in_client /usr/bin/python3 "$EVASION/websocket.py" talk "ws://[$SERVER6]:8081/" "$(scaled 50 10)" || fail 'WebSocket by IPv6'
}

at_once() {
    local n sum pids=()
    sum=$(sum_of <"$LAB_DIR/www/big.bin")
    for n in 1 2 3 4; do
        (fetch "http://$SERVER4/files/big.bin" --limit-rate 200M | sum_of >"$LAB_DIR/sum.$n") &
        pids+=($!)
    done
    wait "${pids[@]}"
    for n in 1 2 3 4; do
        same "download $n of four at once" "$(<"$LAB_DIR/sum.$n")" "$sum"
    done
}

REQUESTS=0
start_bridge
start_evasion_servers
echo '<p>hello from behind the sluice</p>' >"$LAB_DIR/www/index.html"
head -c "${MEGABYTES}M" /dev/urandom >"$LAB_DIR/www/big.bin"
: >"$LAB_DIR/websocket.log"
in_background websocket ip netns exec "$SERVER_NS" /usr/bin/python3 "$EVASION/websocket.py" serve 8081
patiently 15 listening websocket || fail 'the WebSocket server does not start'
sluice_conf 'more=http: { ports = ( 80, 8080, 8081 ); };'
web_rules
start_sluice
many_requests
keep_alive
uploads
downloads
without_body
streams
at_once
expect_sluice_alive
expect_figure 'alerts' "$(count_events event_type=alert)" '== 0'
expect_stat packets.by_rule '== 0'
expect_stat packets.condemned '== 0'
expect_stat packets.stream_differs '== 0'
# What is sent faster than a stream's memory holds is sent twice.
expect_stat packets.dropped "< $(($(figure packets.received) / 100 + 1))"
