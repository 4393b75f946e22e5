# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The evasion suite's servers and its client; sourced after the lab.

EVASION=$LAB_HOME/evasion
EVASION_LOGS=$LAB_DIR/evasion
EVASION_SETTINGS='http: { ports = ( 80, 8080 ); answer = "page"; };'

# evasion_conf [NAME=VALUE...]: the settings, and the suite's rules.
evasion_conf() {
    sluice_conf "more=$EVASION_SETTINGS" "$@"
    cp "$EVASION/evasion.conf" "$LAB_DIR/rules/evasion.conf"
}

# shipped_rules: rules/web.conf and what it names, as they are.
shipped_rules() {
    local shipped=$LAB_HOME/../rules
    find "$shipped" -mindepth 1 -maxdepth 1 ! -name '*.conf' ! -name vectors -exec cp -r {} "$LAB_DIR/rules/" \;
    cp "$shipped/web.conf" "$LAB_DIR/rules/web.conf"
}

# The nginx of the suite: large heads, the body read and logged.
write_nginx_conf() {
    mkdir -p "$LAB_DIR/nginx" "$EVASION_LOGS" "$LAB_DIR/www"
    cat >"$LAB_DIR/nginx.conf" <<CONF
user root;
daemon off;
master_process off;
pid $LAB_DIR/nginx/pid;
error_log $LAB_DIR/nginx/error;
events { worker_connections 8192; }
http {
  log_format evasion escape=json '{"port":"\$remote_port","status":\$status,"sent":\$bytes_sent,"done":"\$request_completion","request":"\$request",'
    '"case":"\$http_x_case","attack":"\$http_x_attack","body":"\$request_body"}';
  access_log off;
  client_body_temp_path $LAB_DIR/nginx/body;
  proxy_temp_path $LAB_DIR/nginx/proxy;
  fastcgi_temp_path $LAB_DIR/nginx/fastcgi;
  uwsgi_temp_path $LAB_DIR/nginx/uwsgi;
  scgi_temp_path $LAB_DIR/nginx/scgi;
  client_max_body_size 1g;
  client_body_buffer_size 1m;
  proxy_ignore_client_abort on;
  large_client_header_buffers 16 128k;
  client_header_timeout 20s;
  client_body_timeout 20s;
  keepalive_requests 100000;
  types { text/html html; application/octet-stream bin; }
  server {
    listen 80 backlog=1024;
    listen [::]:80 backlog=1024;
    access_log $EVASION_LOGS/nginx.log evasion;
    location / { proxy_pass http://127.0.0.1:8099; }
    location /files/ { access_log off; alias $LAB_DIR/www/; }
  }
  server {
    listen 127.0.0.1:8099;
    location / { return 200 "ok\n"; }
  }
}
CONF
}

# start_evasion_servers: nginx on 80, our own server on 8080 (HTTP) and 9000 (raw).
start_evasion_servers() {
    local ns=${SERVERS_NS:-$SERVER_NS}
    command -v nginx >/dev/null || skip "no nginx"
    write_nginx_conf
    : >"$EVASION_LOGS/nginx.log"
    : >"$LAB_DIR/http_server.log"
    in_background nginx ip netns exec "$ns" nginx -c "$LAB_DIR/nginx.conf"
    in_background http_server ip netns exec "$ns" /usr/bin/python3 "$EVASION/server.py" "$EVASION_LOGS" 9000 8080
    patiently 15 listening http_server || fail "our server does not start"
    patiently 15 ip netns exec "$ns" curl -s -o /dev/null "http://$SERVER4/" || fail "nginx does not start"
}

# The client's own TCP stands by in silence: its resets would end the suite's connections.
silence_client() {
    in_client nft -f - <<'NFT' || fail "no nftables in the client"
table inet evasion {
  chain output {
    type filter hook output priority 0;
    tcp flags & rst == rst tcp sport 10000-31999 drop
  }
}
NFT
}

# play_evasion SET MODE TOPOLOGY [OPTIONS...]
play_evasion() {
    local slow='' status=0
    ((!LAB_SLOW)) || slow=--slow
    # shellcheck disable=SC2086 # an option or none
    in_client /usr/bin/python3 -B "$EVASION/suite.py" --set "$1" --mode "$2" --topology "$3" $slow --client "$CLIENT4" "$CLIENT6" \
        --server "$SERVER4" "$SERVER6" --folder "$EVASION_LOGS" --events "$EVENTS" "${@:4}" >"$LAB_DIR/evasion.out" 2>&1 || status=$?
    sed 's/^/   /' "$LAB_DIR/evasion.out"
    ((status == 0)) || fail "$(tail -n 1 "$LAB_DIR/evasion.out")"
}

# evasion_suite SET TOPOLOGY: first that the cases work when nothing stops them, then that they are stopped.
evasion_suite() {
    evasion_conf mode=monitor
    start_sluice
    say 'in mode monitor, for the control'
    play_evasion "$1" monitor "$2"
    expect_sluice_alive
    expect_figure 'alerts that claim to have blocked' "$(count_events alert.action=blocked)" '== 0'
    evasion_conf mode=enforce
    reload_sluice
    say 'in mode enforce'
    play_evasion "$1" enforce "$2"
    expect_sluice_alive
    expect_valid_events
}
