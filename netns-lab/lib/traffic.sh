# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Servers, and traffic whose packets are numbered and counted.

# scaled NORMAL SLOW: the size for this machine.
scaled() {
    if ((LAB_SLOW)); then echo "$2"; else echo "$1"; fi
}

listening() {
    [[ $(<"$LAB_DIR/$1.log") == *listening* ]]
}

need_tools() {
    [[ -x $LAB_TOOLS/lab-probe ]] || skip "no $LAB_TOOLS/lab-probe"
}

# start_echo PORT...: TCP and UDP, IPv4 and IPv6.
start_echo() {
    need_tools
    in_background echo ip netns exec "$SERVER_NS" "$LAB_TOOLS/lab-echo_server" "$@"
    patiently 10 listening echo || fail "the echo server does not start"
}

# start_sink PORT: counts what send_packets sends.
start_sink() {
    need_tools
    : >"$LAB_DIR/sink.log"
    in_background sink ip netns exec "$SERVER_NS" "$LAB_TOOLS/lab-udp_sink" "$1"
    SINK_PID=$STARTED
    patiently 10 listening sink || fail "the sink does not start"
}

# read_report FILE WORD: the figures after the last line with WORD=, as an associative array REPORT.
declare -A REPORT=()
read_report() {
    local line='' words word
    line=$(grep -e "\b$2=" "$1" | tail -n 1)
    REPORT=()
    read -ra words <<<"$line"
    for word in "${words[@]}"; do
        REPORT[${word%%=*}]=${word#*=}
    done
    [[ ${REPORT[$2]:-} ]] || fail "no $2= in $1"
}

# The sink's figures now, in REPORT.
ask_sink() {
    local before
    before=$(grep -c '^good=' "$LAB_DIR/sink.log" || true)
    kill -USR1 "$SINK_PID"
    patiently 5 sink_reported "$before" || fail "the sink does not answer"
    read_report "$LAB_DIR/sink.log" good
}

sink_reported() {
    (($(grep -c '^good=' "$LAB_DIR/sink.log") > $1))
}

sink_has() {
    ask_sink
    ((REPORT[good] >= $1))
}

sink_quiet() {
    local before
    ask_sink
    before=${REPORT[good]}.${REPORT[other]}
    nap 0.3
    ask_sink
    [[ $before == "${REPORT[good]}.${REPORT[other]}" ]]
}

# send_packets OPTIONS...: lab-udp_blast from the client, until it is done; SENT and SENT_OTHER are set.
send_packets() {
    : >"$LAB_DIR/blast.log"
    in_client "$LAB_TOOLS/lab-udp_blast" "$@" >"$LAB_DIR/blast.log" 2>&1 || fail "$(<"$LAB_DIR/blast.log")"
    note_sent
}

# The same in the background, until end_packets.
start_packets() {
    : >"$LAB_DIR/blast.log"
    in_background blast ip netns exec "$CLIENT_NS" "$LAB_TOOLS/lab-udp_blast" "$@"
    BLAST_PID=$STARTED
    patiently 5 packets_arrive || fail "no packets arrive: $(<"$LAB_DIR/blast.log")"
}

packets_arrive() {
    sink_has 1
}

end_packets() {
    kill -TERM "$BLAST_PID"
    wait "$BLAST_PID"
    note_sent
    say "sent: $SENT, and $SENT_OTHER others, in ${REPORT[seconds]} s"
}

note_sent() {
    read_report "$LAB_DIR/blast.log" sent
    SENT=${REPORT[sent]}
    SENT_OTHER=${REPORT[other]}
}

# nginx_conf CONNECTIONS <SETTINGS: nginx.conf with these settings of http; all of nginx's own files are the lab's.
nginx_conf() {
    # Its workers must get at the files.
    cat >"$LAB_DIR/nginx.conf" <<CONF
user root;
daemon off;
master_process off;
pid $LAB_DIR/nginx/pid;
error_log stderr;
events { worker_connections $1; }
http {
  access_log $LAB_DIR/nginx/access;
  client_body_temp_path $LAB_DIR/nginx/body;
  proxy_temp_path $LAB_DIR/nginx/proxy;
  fastcgi_temp_path $LAB_DIR/nginx/fastcgi;
  uwsgi_temp_path $LAB_DIR/nginx/uwsgi;
  scgi_temp_path $LAB_DIR/nginx/scgi;
$(cat)
}
CONF
}

# start_nginx: port 80, files from $LAB_DIR/www; PUT below /put/.
start_nginx() {
    command -v nginx >/dev/null || skip "no nginx"
    mkdir -p "$LAB_DIR/www/put" "$LAB_DIR/nginx"
    echo 'hello from behind the sluice' >"$LAB_DIR/www/index.html"
    nginx_conf 256 <<CONF
  client_max_body_size 1g;
  server {
    listen 80;
    listen [::]:80;
    root $LAB_DIR/www;
    location /put/ { dav_methods PUT; }
    location /login { return 200 "welcome\n"; }
  }
CONF
    in_background nginx ip netns exec "$SERVER_NS" nginx -c "$LAB_DIR/nginx.conf"
    patiently 15 in_server curl -s -o /dev/null "http://$SERVER4/" || fail "nginx does not start"
}

# get URL [CURL OPTIONS...]: the status that the client gets, 000 for none.
get() {
    local url=$1
    shift
    in_client curl -s -o "$LAB_DIR/body" -w '%{http_code}' --max-time "$(scaled 3 15)" "$@" "$url" || true
}
