#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Web, ssh, ftp and iperf3 through sluiced, with loss and reordering where the
# kernel has netem: what flow/ makes of the capture is what libnids makes of
# it, and what the clients and servers had.
. "$(dirname "$0")/../lab"

[[ -x $LAB_TOOLS/lab-stream_bytes ]] || skip "no $LAB_TOOLS/lab-stream_bytes: it wants libnids-dev"
for tool in tcpdump dropbear dbclient vsftpd iperf3; do
    command -v "$tool" >/dev/null || skip "no $tool"
done

# Loss before the box makes retransmissions, loss behind it repeats what was seen.
roughen() {
    local ns
    for ns in "$CLIENT_NS" "$SERVER_NS"; do
        ip netns exec "$ns" tc qdisc add dev eth0 root netem delay 1ms reorder 10% 50% loss 1% 2>/dev/null || return 1
    done
    in_box tc qdisc add dev in0 root netem loss 1% && in_box tc qdisc add dev out0 root netem loss 1%
}

start_ssh() {
    dropbearkey -t ed25519 -f "$LAB_DIR/host_key" >/dev/null 2>&1 || fail "no host key"
    dropbearkey -t ed25519 -f "$LAB_DIR/user_key" >"$LAB_DIR/user_key.pub" 2>&1 || fail "no user key"
    in_background ssh ip netns exec "$SERVER_NS" dropbear -F -E -s -r "$LAB_DIR/host_key" -p 22 -P "$LAB_DIR/dropbear.pid"
    patiently 10 in_client bash -c "exec 3<>/dev/tcp/$SERVER4/22" 2>/dev/null || fail "dropbear does not start"
}

start_ftp() {
    mkdir -p "$LAB_DIR/ftp/empty"
    head -c "$SIZE" /dev/urandom >"$LAB_DIR/ftp/file"
    cat >"$LAB_DIR/vsftpd.conf" <<CONF
listen=YES
background=NO
anonymous_enable=YES
local_enable=NO
anon_root=$LAB_DIR/ftp
secure_chroot_dir=$LAB_DIR/ftp/empty
seccomp_sandbox=NO
isolate_network=NO
connect_from_port_20=NO
one_process_model=NO
CONF
    chmod 755 "$LAB_DIR" "$LAB_DIR/ftp"
    chmod 555 "$LAB_DIR/ftp"
    chmod 644 "$LAB_DIR/ftp/file"
    in_background ftp ip netns exec "$SERVER_NS" vsftpd "$LAB_DIR/vsftpd.conf"
    patiently 10 in_client bash -c "exec 3<>/dev/tcp/$SERVER4/21" 2>/dev/null || fail "vsftpd does not start: $(<"$LAB_DIR/ftp.log")"
}

web() {
    local i
    for i in 1 2 3 4 5; do
        in_client curl -s -o "$LAB_DIR/got.$i" --max-time 60 "http://$SERVER4/file" "http://$SERVER4/" || fail "curl $i"
    done
    in_client curl -s -T "$LAB_DIR/www/file" --max-time 60 "http://$SERVER4/put/up" || fail "the upload"
    cmp "$LAB_DIR/www/file" "$LAB_DIR/got.1" || fail "the download differs"
    cmp "$LAB_DIR/www/file" "$LAB_DIR/www/put/up" || fail "the upload differs"
}

# Whether a stream of PORT has the file's bytes in it, as flow/ saw it.
has_bytes() {
    /usr/bin/python3 -I - "$1" "$LAB_DIR/streams" "$2" <<'PYTHON'
import os, sys
want = open(sys.argv[1], "rb").read()
names = [n for n in os.listdir(sys.argv[2]) if n.endswith(sys.argv[3])]
sys.exit(0 if any(want in open(os.path.join(sys.argv[2], n), "rb").read() for n in names) else 1)
PYTHON
}

lines_of() {
    "$LAB_TOOLS/lab-stream_bytes" "$@" 2>>"$LAB_DIR/stream_bytes.log" | grep -v ' 0 e3b0c442' | sort
}

SIZE=$(scaled 3000000 300000)
start_bridge
# libnids gives up a stream of which more than 64 KiB wait out of order.
set_switches "$CLIENT_NS" ipv4/tcp_rmem '4096 16384 30000'
set_switches "$SERVER_NS" ipv4/tcp_rmem '4096 16384 30000'
start_nginx
head -c "$SIZE" /dev/urandom >"$LAB_DIR/www/file"
rule 3601 log 'stream.to_server contains "never there at all"'
rule 3602 block 'http.args contains "never there at all"'
sluice_conf services='{ proto = "tcp"; }, { proto = "icmp"; }'
start_sluice
start_ssh
start_ftp
in_background iperf ip netns exec "$SERVER_NS" iperf3 -s -1 -p 5201
in_background capture ip netns exec "$BOX_NS" tcpdump -U -B 65536 -s 0 -w "$LAB_DIR/all.pcap" -i out0 -Z root tcp and ip
CAPTURE_PID=$STARTED
patiently 10 grep -q 'listening on' "$LAB_DIR/capture.log" || fail "tcpdump: $(<"$LAB_DIR/capture.log")"
if roughen; then
    say "with loss and reordering"
elif ((LAB_SLOW)); then
    fail "the guest's kernel has no netem"
else
    say "this kernel has no netem: neither loss nor reordering"
fi

web
in_client dbclient -y -y -i "$LAB_DIR/user_key" -p 22 "root@$SERVER4" true 2>/dev/null # the key is not known: the talk itself is what we want
in_client curl -s -o "$LAB_DIR/ftp.got" --max-time 60 "ftp://$SERVER4/file" || fail "ftp"
cmp "$LAB_DIR/ftp/file" "$LAB_DIR/ftp.got" || fail "what came by ftp differs"
in_client iperf3 -c "$SERVER4" -p 5201 -n "$SIZE" >/dev/null || fail "iperf3"
nap 1
kill -TERM "$CAPTURE_PID"
wait "$CAPTURE_PID" 2>/dev/null

mkdir "$LAB_DIR/streams"
lines_of flow "$LAB_DIR/all.pcap" "$LAB_DIR/streams" >"$LAB_DIR/by_flow"
lines_of nids "$LAB_DIR/all.pcap" >"$LAB_DIR/by_nids"
expect_figure "streams in the capture" "$(wc -l <"$LAB_DIR/by_flow")" '>= 20'
diff "$LAB_DIR/by_flow" "$LAB_DIR/by_nids" >"$LAB_DIR/differ" || fail "flow/ and libnids differ: $(head -n 6 "$LAB_DIR/differ")"
has_bytes "$LAB_DIR/www/file" 80-to_client || fail "no stream has the file that was downloaded"
has_bytes "$LAB_DIR/www/file" 80-to_server || fail "no stream has the file that was uploaded"
has_bytes "$LAB_DIR/ftp/file" to_client || has_bytes "$LAB_DIR/ftp/file" to_server || fail "no stream has the file that came by ftp"
expect_stat packets.condemned '== 0'
expect_stat packets.stream_differs '== 0'
stop_sluice
