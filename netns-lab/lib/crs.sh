# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The Core Rule Set in front of a shop with holes; sourced after the lab.

CRS_TOOLS=$LAB_HOME/../tests/crs
CRS_HOST=shop.example
CRS_AGENT='Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0'
# tests/crs/connections listens here, nginx on 80.
CRS_PORT=8080
CRS_DATA=${SLUICE_CRS:-$LAB_HOME/../../shared/crs}

# use_debians_crs: modsecurity-crs with Debian's own setup of it.
use_debians_crs() {
    CRS_RULES=/usr/share/modsecurity-crs/rules
    [[ -d $CRS_RULES ]] || skip "no $CRS_RULES: apt-get install modsecurity-crs"
    CRS_SETUP=/etc/modsecurity/crs/crs-setup.conf
    CRS_SCORE=anomaly_score
}

# use_crs_4: version 4 out of $SLUICE_CRS or ../shared/crs beside the repository.
use_crs_4() {
    CRS_RULES=$CRS_DATA/rules
    [[ -d $CRS_RULES ]] || skip "no $CRS_RULES: SLUICE_CRS names the folder"
    CRS_SETUP=$CRS_DATA/crs-setup.conf.example
    CRS_SCORE=blocking_inbound_anomaly_score
}

# crs_conf: sluice.conf with the rules, our shipped settings in front, and two files of exclusions, one
# before the rules and one behind them, as CRS's own users have.
crs_conf() {
    local file
    [[ -f $LAB_DIR/modsecurity.conf ]] || cp "$LAB_HOME/../conf/modsecurity.conf" "$LAB_DIR/"
    for file in before after; do
        [[ -f $LAB_DIR/$file.conf ]] || : >"$LAB_DIR/$file.conf"
    done
    sluice_conf events_per_second=1000000 event_ring=65536 services="{ proto = \"tcp\"; ports = [ 80, $CRS_PORT ]; }" more="
seclang = [ \"modsecurity.conf\", \"$CRS_SETUP\", \"before.conf\", \"$CRS_RULES/*.conf\", \"after.conf\" ];
http: { ports = [ 80, $CRS_PORT ]; };
cache: { folder = \"$LAB_DIR/cache\"; };"
}

# crs_setting DIRECTIVE VALUE: one of the settings, changed; the next reload has it.
crs_setting() {
    sed -i "s|^$1 .*|$1 $2|" "$LAB_DIR/modsecurity.conf"
    grep -q "^$1 $2" "$LAB_DIR/modsecurity.conf" || fail "no $1 in modsecurity.conf"
}

# exclusions before|after LINE...: that file has these lines.
exclusions() {
    local file=$1
    shift
    printf '%s\n' "$@" >"$LAB_DIR/$file.conf"
}

# start_shop: nginx on port 80, the shop behind it.
start_shop() {
    command -v nginx >/dev/null || skip "no nginx"
    mkdir -p "$LAB_DIR/nginx" "$LAB_DIR/www"
    echo 'a list of prices' >"$LAB_DIR/www/prices.txt"
    head -c 300000 /dev/urandom >"$LAB_DIR/www/picture.jpg"
    nginx_conf 1024 <<CONF
  client_max_body_size 100m;
  keepalive_requests 100000;
  types { text/html html; text/plain txt; image/jpeg jpg; }
  server {
    listen 80 backlog=1024;
    listen [::]:80 backlog=1024;
    location / { proxy_pass http://127.0.0.1:8099; proxy_set_header Host \$host; }
    location /static/ { alias $LAB_DIR/www/; }
  }
CONF
    : >"$LAB_DIR/shop.log"
    in_background shop ip netns exec "$SERVER_NS" /usr/bin/python3 -I "$LAB_HOME/lib/shop.py" 8099 "$LAB_DIR/www"
    patiently 15 listening shop || fail "the shop does not open"
    in_background nginx ip netns exec "$SERVER_NS" nginx -c "$LAB_DIR/nginx.conf"
    patiently 15 in_server curl -s -o /dev/null "http://$SERVER4/" || fail "nginx does not start"
}

# browse NAMESPACE PATH [CURL OPTIONS...]: as a browser asks; the answer's headers and body to standard output.
browse() {
    local ns=$1 path=$2
    shift 2
    ip netns exec "$ns" curl -s -i --max-time "$(scaled 10 60)" -A "$CRS_AGENT" -H 'Accept: text/html,*/*;q=0.8' \
        -H 'Accept-Language: en' -H 'Expect:' --compressed --resolve "$CRS_HOST:80:${CRS_ADDRESS:-$SERVER4}" "$@" "http://$CRS_HOST$path"
}

# status_of PATH [CURL OPTIONS...]: 000 where there is no answer. The answer is in $LAB_DIR/answer.
status_of() {
    local line=''
    browse "$CLIENT_NS" "$@" >"$LAB_DIR/answer" || true
    read -r _ line _ <"$LAB_DIR/answer"
    echo "${line:-000}"
}

# expect_status STATUS PATH [CURL OPTIONS...]
expect_status() {
    local wanted=$1 status
    shift
    status=$(status_of "$@")
    [[ $status == "$wanted" ]] || fail "$*: $status, not $wanted"
    set -- "$*"
    say "${1:0:120}: $status"
}

# expect_refused_page STATUS PATH [CURL OPTIONS...]: our page, with that status.
expect_refused_page() {
    expect_status "$@"
    grep -q 'Request refused' "$LAB_DIR/answer" || fail "$2: no page of ours"
}

# reached TEXT: whether nginx has it in its log.
reached() {
    grep -q -e "$1" "$LAB_DIR/nginx/access"
}

# start_shoppers: requests without end, until end_shoppers; each must be answered.
start_shoppers() {
    in_background shoppers ip netns exec "$CLIENT_NS" wrk -t 1 -c 8 -d 300s --timeout 10s -H "Host: $CRS_HOST" \
        -H "User-Agent: $CRS_AGENT" -H 'Accept: text/html' -H 'Accept-Language: en' -H 'Cookie: sid=4f6c1d0be2a94b7c' \
        "http://$SERVER4/item?id=7&from=search"
    SHOPPERS_PID=$STARTED
}

end_shoppers() {
    local out
    kill -INT "$SHOPPERS_PID"
    wait "$SHOPPERS_PID"
    out=$(<"$LAB_DIR/shoppers.log")
    [[ $out =~ ([0-9]+)\ requests\ in ]] || fail "wrk says: $out"
    expect_figure 'requests of shoppers' "${BASH_REMATCH[1]}" '> 50'
    [[ $out != *'Non-2xx'* && $out != *'Socket errors'* ]] || fail "wrk says: $out"
}

# try_sqlmap NAME: what sqlmap finds in the shop's item page, and takes; its output is in $LAB_DIR/NAME.sqlmap.
try_sqlmap() {
    command -v sqlmap >/dev/null || skip "no sqlmap"
    in_client timeout -k 2 "$(scaled 40 200)" sqlmap --batch --disable-coloring --flush-session --output-dir="$LAB_DIR/sqlmap" \
        --technique=BEU --dbms=sqlite --level=1 --risk=1 --timeout=5 --retries=0 --ignore-code=403 --host="$CRS_HOST" --dump \
        -T customers -u "http://$SERVER4/item?id=1" >"$LAB_DIR/$1.sqlmap" 2>&1 </dev/null
}

# send_recorded FILE...: transactions over connections of their own to a server that answers each as recorded. What
# came of them is in $LAB_DIR/sent.jsonl. SEND has options of connections.
send_recorded() {
    : >"$LAB_DIR/recorded.log"
    in_background recorded ip netns exec "$SERVER_NS" /usr/bin/python3 -B "$CRS_TOOLS/connections" serve \
        "$SERVER4:$CRS_PORT" --total 300 --first-port "$FIRST_PORT" "$@"
    local server=$STARTED
    patiently 15 recorded_ready || fail "no server of recorded answers: $(<"$LAB_DIR/recorded.log")"
    in_client /usr/bin/python3 -B "$CRS_TOOLS/connections" send "$SERVER4:$CRS_PORT" --first-port "$FIRST_PORT" \
        --parallel 16 --total 200 "${SEND[@]}" "$@" >"$LAB_DIR/sent.jsonl" 2>"$LAB_DIR/send.log" || fail "connections: $(<"$LAB_DIR/send.log")"
    kill -TERM "$server"
    wait "$server"
    say "$(tail -n 1 "$LAB_DIR/recorded.log")"
}
SEND=()
# The first client's port; each run needs ports of its own.
FIRST_PORT=20000

# judge_wire OPTIONS...: what tests/crs/wire says of what was sent.
judge_wire() {
    local status=0
    "$CRS_TOOLS/wire" --sent "$LAB_DIR/sent.jsonl" --events "$EVENTS" --first-port "$FIRST_PORT" "$@" >"$LAB_DIR/wire.log" 2>&1 ||
        status=$?
    sed 's/^/   /' "$LAB_DIR/wire.log"
    ((status == 0)) || fail "$(tail -n 1 "$LAB_DIR/wire.log")"
}

recorded_ready() {
    [[ $(<"$LAB_DIR/recorded.log") == *ready* ]]
}

# The events file does not grow any more: a thread of its own writes it.
events_settled() {
    local before
    before=$(stat -c %s "$EVENTS")
    nap 0.3
    [[ $(stat -c %s "$EVENTS") == "$before" ]]
}
